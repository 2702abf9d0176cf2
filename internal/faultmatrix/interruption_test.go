// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package faultmatrix

import (
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/sandbox"
)

// Runs that end early: interrupts, crashes, timeouts.

var (
	order  = on("POST", "/apps/*/addons")
	applyX = []string{"apply", "-auto-approve", "-input=false", "-json"}
)

// Kinds of experiments, of which the short form has one for each resource.
const (
	interrupt    = "an interrupt"
	timeOut      = "a timeout"
	oddPolls     = "polls whose answers are odd"
	failingPolls = "polls that fail"
	crash        = "a crash after an order"
)

// interrupted applies, and sends the signal when the provider waits for what it has ordered.
func interrupted(signal os.Signal) func(*Harness) *Trial {
	return func(l *Harness) *Trial {
		l.HoldTime()
		run := l.Begin(applyX...)
		run.AwaitSleep()
		run.Signal(signal)
		return run.End()
	}
}

func slow(d time.Duration) sandbox.Effect { return sandbox.Effect{Delay: sandbox.Duration(d)} }

func TestAccInterruptions(t *testing.T) {
	t.Parallel()
	runExperiments(t, map[string][]Experiment{
		"store": {
			{Name: "SIGINT while waiting", Kind: interrupt, Always: true, Before: webApp, Config: webApp + store(), Exit: 1,
				Says: "Key-Value Store is not ready yet",
				Act:  interrupted(syscall.SIGINT)},
			{Name: "SIGTERM while waiting", Kind: interrupt, Before: webApp, Config: webApp + store(), Exit: 1,
				Says: "Key-Value Store is not ready yet",
				Act:  interrupted(syscall.SIGTERM)},
			{Name: "SIGINT while an order is in flight", Kind: interrupt, Before: webApp, Config: webApp + store(), Exit: 1,
				Says:           "Key-Value Store is not ready yet",
				InjectedFaults: []sandbox.Fault{{Match: order, Do: slow(500 * time.Millisecond)}}, Act: sentAndInterrupted("POST", "/apps/.*/addons")},
			{Name: "SIGINT while a change of plan is in flight", Kind: interrupt, Before: webApp + store(), Config: webApp +
				edited(store(), "premium-0", "premium-1"), Exit: 1,
				InjectedFaults: []sandbox.Fault{{Match: on("PATCH", "/apps/*/addons/*"), Do: slow(500 * time.Millisecond)}},
				Act:            sentAndInterrupted("PATCH", "/apps/.*/addons/.*"), RuleError: true},
			{Name: "SIGINT twice while waiting", Before: webApp, Config: webApp + store(), Exit: 1, Killed: true,
				Act: func(l *Harness) *Trial {
					l.HoldTime()
					run := l.Begin(applyX...)
					run.AwaitSleep()
					run.Signal(syscall.SIGINT)
					run.Signal(syscall.SIGINT) // the CLI exits at once, with or without the answer
					return run.End()
				}},
			{Name: "SIGINT twice while an order is in flight", Before: webApp, Config: webApp + store(), Exit: 1, Killed: true,
				InjectedFaults: []sandbox.Fault{{Match: order, Do: slow(10 * time.Second)}},
				Act: func(l *Harness) *Trial {
					l.HoldTime()
					run := l.Begin(applyX...)
					run.AwaitSent("POST", "/apps/.*/addons")
					run.Signal(syscall.SIGINT)
					run.AwaitStop()
					run.Signal(syscall.SIGINT)
					return run.End()
				}},
			{Name: "create timeout", Kind: timeOut, Before: webApp, Config: webApp + store(`timeouts = { create = "1m" }`),
				Says:           "Key-Value Store is not ready yet",
				InjectedFaults: []sandbox.Fault{{Match: order, Do: sandbox.Effect{Provisioning: "stuck"}}}},
			{Name: "change of plan that sticks", Kind: timeOut, Before: webApp + store(), Config: webApp +
				edited(store(`timeouts = { update = "5m" }`), "premium-0", "premium-1"), Exit: 1, RuleError: true,
				InjectedFaults: []sandbox.Fault{{Match: on("PATCH", "/apps/*/addons/*"), Do: sandbox.Effect{PlanChange: "stuck"}}}},
			{Name: "declared failure", Before: webApp, Config: webApp + store(), Exit: 1, RuleError: true, Says: "deprovisioned", ExtraOrders: 1,
				InjectedFaults: []sandbox.Fault{{Match: order, Do: sandbox.Effect{Provisioning: "fail"}}},
				Repair:         func(l *Harness) { l.Clock().Advance(time.Hour) }},
			{Name: "polls fail for longer than the budget", Kind: failingPolls, Before: webApp, Config: webApp + store(),
				Says: "Key-Value Store is not ready yet", Budget: 200,
				InjectedFaults: []sandbox.Fault{{Match: on("GET", "^/addons"), Do: sandbox.Effect{Status: 503}}}},
			{Name: "states that nobody knows, on and off", Kind: oddPolls, Before: webApp, Config: webApp + store(),
				InjectedFaults: []sandbox.Fault{
					{Match: sandbox.Match{Method: "GET", Path: "^/addons", Nth: 2}, Do: sandbox.Effect{UnknownEnum: true}},
					{Match: sandbox.Match{Method: "GET", Path: "^/addons", Nth: 4}, Do: sandbox.Effect{UnknownEnum: true, UnknownFields: true}},
				}},
			{Name: "not found at first", Kind: oddPolls, Before: webApp, Config: webApp + store(),
				InjectedFaults: []sandbox.Fault{{Match: sandbox.Match{Method: "GET", Path: "^/addons", To: 2}, Do: sandbox.Effect{Status: 404}}}},
			{Name: "a setting fails for good after the order", Before: webApp, Config: webApp + store(`notify_keyspace_events = "KEA"`),
				Says:           "Key-Value Store is not ready yet",
				InjectedFaults: []sandbox.Fault{{Match: on("PATCH", "/redis/v0/databases/*/config"), Do: sandbox.Effect{Status: 422}}}},
			{Name: "the token ends in the middle", Kind: failingPolls, Before: webApp, Config: webApp + store(),
				Says:           "Key-Value Store is not ready yet",
				InjectedFaults: []sandbox.Fault{{Match: on("GET", "^/addons"), Do: sandbox.Effect{Status: 401}}}},
		},
		"space": {
			{Name: "SIGINT while waiting", Kind: interrupt, Config: space(), Exit: 1, Says: "Private Space is not ready yet",
				Act: interrupted(syscall.SIGINT)},
			{Name: "SIGTERM while an order is in flight", Kind: interrupt, Config: space(), Exit: 1, Says: "Private Space is not ready yet",
				InjectedFaults: []sandbox.Fault{{Match: on("POST", "/spaces"), Do: slow(500 * time.Millisecond)}},
				Act:            sentAndInterrupted("POST", "/spaces")},
			{Name: "create timeout", Kind: timeOut, Config: space(`timeouts = { create = "1m" }`), Says: "Private Space is not ready yet",
				InjectedFaults: []sandbox.Fault{{Match: on("POST", "/spaces"), Do: sandbox.Effect{Provisioning: "stuck"}}}},
			{Name: "addresses that fail for good", Kind: failingPolls, Config: space(), Says: "Private Space is not ready yet", Budget: 200,
				InjectedFaults: []sandbox.Fault{{Match: on("GET", "/spaces/*/nat"), Do: sandbox.Effect{Status: 503}}}},
			{Name: "not found at first", Kind: oddPolls, Config: space(),
				InjectedFaults: []sandbox.Fault{{Match: sandbox.Match{Method: "GET", Path: "/spaces/*", To: 2}, Do: sandbox.Effect{Status: 404}}}},
		},
		"ranges": {
			{Name: "SIGINT while they are applied", Before: space(), Config: space() + ranges, Exit: 1, Says: "not in force yet",
				InjectedFaults: []sandbox.Fault{{Match: on("PUT", "/spaces/*/inbound-ruleset"), Do: sandbox.Effect{Provisioning: "stuck"}}},
				Act:            interrupted(syscall.SIGINT)},
			{Name: "never in force", Before: space(), Config: space() + ranges, Says: "not in force yet",
				InjectedFaults: []sandbox.Fault{{Match: on("PUT", "/spaces/*/inbound-ruleset"), Do: sandbox.Effect{Provisioning: "stuck"}}}},
		},
		"attachment": {
			{Name: "SIGINT while an order is in flight", Kind: interrupt, Before: webApp + apiApp + store(), Config: webApp + apiApp + store() +
				attachment, Exit: 1,
				InjectedFaults: []sandbox.Fault{{Match: on("POST", "/addon-attachments"), Do: slow(500 * time.Millisecond)}},
				Act:            sentAndInterrupted("POST", "/addon-attachments"), RuleError: true},
		},
		"app": {
			{Name: "SIGINT while an order is in flight", Kind: interrupt, Config: webApp, Exit: 1,
				InjectedFaults: []sandbox.Fault{{Match: on("POST", "/apps"), Do: slow(500 * time.Millisecond)}},
				Act:            sentAndInterrupted("POST", "/apps"),
				RuleError:      true},
			{Name: "maintenance mode fails after the order", Config: edited(webApp, `"orders-web"`, "\"orders-web\"\n  maintenance = true"),
				Says:           "without its maintenance mode",
				InjectedFaults: []sandbox.Fault{{Match: on("PATCH", "/apps/*"), Do: sandbox.Effect{Status: 422}}}},
		},
	})
}

// sentAndInterrupted interrupts when the request has been sent, before its answer.
func sentAndInterrupted(method, path string) func(*Harness) *Trial {
	return func(l *Harness) *Trial {
		l.HoldTime()
		run := l.Begin(applyX...)
		run.AwaitSent(method, path)
		run.Signal(syscall.SIGINT)
		return run.End()
	}
}

// The provider crashes after Heroku has carried an order out, alone or together with the CLI. Nothing is ordered twice: the next
// apply stops and names what it found, and the import block that it prints lets the apply after it succeed.
func TestAccDeaths(t *testing.T) {
	t.Parallel()
	died := func(name, before, config, request string) Experiment {
		return Experiment{
			Name: name, Before: before, Config: config, Killed: true,
			Act: func(l *Harness) *Trial {
				l.Kill(request)
				return l.Apply()
			},
		}
	}
	experiments := map[string][]Experiment{}
	for resource, e := range map[string]Experiment{
		"app":        died("", "", webApp, "POST /apps"),
		"space":      died("", "", space(), "POST /spaces"),
		"store":      died("", webApp, webApp+store(), "POST /apps/.*/addons"),
		"attachment": died("", webApp+apiApp+store(), webApp+apiApp+store()+attachment, "POST /addon-attachments"),
		"ranges":     died("", space(), space()+ranges, "PUT /spaces/.*/inbound-ruleset"),
		"window":     died("", webApp+store(), webApp+store()+window, "POST /data/maintenances/.*"),
		"formation":  died("", webApp, webApp+formation, "PATCH /apps/.*/formation/.*"),
	} {
		alone, together := e, e
		alone.Name, together.Name = "the provider is killed after the order", "the machine is lost after the order"
		alone.Kind, together.Kind = crash, crash
		act := e.Act
		together.Act = func(l *Harness) *Trial {
			l.KillCLIToo()
			return act(l)
		}
		experiments[resource] = []Experiment{alone, together}
	}
	change := died("the provider is killed after the change of plan", webApp+store(), webApp+edited(store(), "premium-0", "premium-1"),
		"PATCH /apps/.*/addons/.*")
	removal := died("the provider is killed after the removal", webApp+store(), webApp, "DELETE /apps/.*/addons/.*")
	unnamed := died("the provider is killed after an order without a name", webApp,
		webApp+edited(store(), `name                = "orders-cache"`, ""), "POST /apps/.*/addons")
	experiments["store"] = append(experiments["store"], change, removal, unnamed)
	runExperiments(t, experiments)
}
