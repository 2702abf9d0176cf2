// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package faultmatrix

import (
	"syscall"
	"testing"
	"time"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/sandbox"
)

// Slow answers and wrong clocks.

const drips = "an answer that drips in"

var drip = sandbox.Effect{Drip: sandbox.Duration(100 * time.Millisecond)} // between bytes: more than a minute for any object

// An answer that takes longer than the client waits counts as no answer: a read fails, and a write is looked up and never repeated.
func TestAccDrips(t *testing.T) {
	t.Parallel()
	experiments := map[string][]Experiment{"store": {interruptedDrip()}}
	for _, s := range subjects {
		if s.name != "store" && !long() { // all resources wait for answers with the same client, and stores cost most
			continue
		}
		for _, f := range []fault{{name: "a slow loris", kind: drips, do: drip, slow: true},
			{name: "a slow error page", kind: drips, do: slowPage(), slow: true}} {
			for _, v := range s.writes {
				experiments[s.name] = append(experiments[s.name], f.experiment(v))
			}
		}
		experiments[s.name] = append(experiments[s.name], Experiment{
			Name: "read, a slow loris", Kind: drips, Before: s.config, Config: s.config, Exit: 1, Says: "no answer in time",
			InjectedFaults: []sandbox.Fault{{Match: s.read, Do: drip}},
			Act: func(l *Harness) *Trial {
				l.Patience(patience)
				return l.Plan()
			},
		})
	}
	if long() {
		experiments["store"] = append(experiments["store"], Experiment{
			Name: "SIGINT while the answer to an order drips in", Before: webApp, Config: webApp + store(), Exit: 1,
			Says:           "Key-Value Store is not ready yet",
			InjectedFaults: []sandbox.Fault{{Match: order, Do: drip}},
			Act: func(l *Harness) *Trial {
				l.Patience(time.Second) // an interrupted order is waited for as long as any answer
				return sentAndInterrupted("POST", "/apps/.*/addons")(l)
			},
		})
	}
	runExperiments(t, experiments)
}

// interruptedDrip interrupts a plan in the middle of an answer. The CLIs do not interrupt the reads of an apply.
func interruptedDrip() Experiment {
	return Experiment{
		Name: "SIGINT while a read drips in", Before: webApp + store(), Config: webApp + store(), Exit: 1, RuleError: true,
		InjectedFaults: []sandbox.Fault{{Match: on("GET", "^/addons"), Do: drip}},
		Act: func(l *Harness) *Trial {
			l.ResetJournal() // it has such reads from before
			l.HoldTime()
			plan := l.Begin("plan", "-input=false", "-json")
			plan.AwaitSent("GET", "/addons/.*")
			plan.Signal(syscall.SIGINT)
			return plan.End()
		},
	}
}

func slowPage() sandbox.Effect {
	e := drip
	e.Commit, e.Status, e.Body, e.ContentType = true, 503, text(page), "text/html"
	return e
}

const wrongClock = "a clock that is wrong"

// skewed applies with a provider whose clock is ahead of Heroku's.
func skewed(ahead time.Duration) func(*Harness) *Trial {
	return func(l *Harness) *Trial {
		l.Skew(ahead)
		return l.Apply()
	}
}

func lost(match sandbox.Match) []sandbox.Fault {
	match.Times = 1
	return []sandbox.Fault{{Match: match, Do: sandbox.Effect{Commit: true, Reset: true}}}
}

// With a wrong local clock, a lost order is found, no object of somebody else is mistaken for it, and times in Heroku's answers are
// compared with Heroku's clock.
func TestAccClocks(t *testing.T) {
	t.Parallel()
	experiments := map[string][]Experiment{}
	for name, ahead := range clocks {
		for _, e := range skewedStores(ahead) {
			e.Kind, e.Always = wrongClock, ahead == 20*time.Minute && e.Name == "a lost order" || ahead == -5*time.Hour && e.Exit == 1
			e.Name += ", " + name
			experiments["store"] = append(experiments["store"], e)
		}
		experiments["app"] = append(experiments["app"],
			Experiment{Name: "a lost order, " + name, Kind: wrongClock, Config: webApp, InjectedFaults: lost(on("POST", "/apps")),
				Act: skewed(ahead)}, dated(name, ahead))
		experiments["space"] = append(experiments["space"],
			Experiment{Name: "a lost order, " + name, Kind: wrongClock, Config: space(), InjectedFaults: lost(on("POST", "/spaces")),
				Act: skewed(ahead)})
	}
	runExperiments(t, experiments)
}

// skewedStores returns experiments with orders of stores while the provider's clock is ahead.
func skewedStores(ahead time.Duration) []Experiment {
	return []Experiment{
		{Name: "a lost order", Before: webApp, Config: webApp + store(), InjectedFaults: lost(order), Act: skewed(ahead)},
		{Name: "a lost order of what an older store is called like", Before: webApp, Config: webApp + store(), Exit: 1, Says: "exists since",
			Outside: func(l *Harness) {
				l.Request("POST", "/apps/orders-web/addons", `{"plan":"heroku-redis:premium-0","name":"orders-cache"}`)
				l.Clock().Advance(time.Hour)
			},
			InjectedFaults: []sandbox.Fault{
				{Match: sandbox.Match{Method: "POST", Path: "/apps/*/addons", Times: 1}, Do: sandbox.Effect{Reset: true}}},
			Act: skewed(ahead), Repair: func(l *Harness) { l.Apply(); l.Import() }},
		{Name: "the provider is killed after an order without a name", Before: webApp, Config: unnamed(), Killed: true,
			Act: func(l *Harness) *Trial {
				l.Kill("POST /apps/.*/addons")
				return skewed(ahead)(l)
			}},
		{Name: "create timeout", Before: webApp, Config: webApp + store(`timeouts = { create = "1m" }`), Says: "Key-Value Store is not ready yet",
			InjectedFaults: []sandbox.Fault{{Match: order, Do: sandbox.Effect{Provisioning: "stuck"}}}, Act: skewed(ahead)},
	}
}

var clocks = map[string]time.Duration{
	"the clock is right": 0, "the clock is 20 minutes ahead": 20 * time.Minute, "the clock is 5 hours ahead": 5 * time.Hour,
	"the clock is two days ahead": 48 * time.Hour, "the clock is 5 hours behind": -5 * time.Hour,
	"the clock is years behind": -50000 * time.Hour,
}

func unnamed() string {
	return webApp + edited(store(), `name                = "orders-cache"`, "")
}

// dated is an experiment with a 429 whose Retry-After is a date 20 seconds after that of the answer.
func dated(name string, ahead time.Duration) Experiment {
	return Experiment{
		Name: "429 with a date, " + name, Kind: wrongClock, Config: webApp,
		InjectedFaults: []sandbox.Fault{{Match: sandbox.Match{Method: "POST", Path: "/apps", Times: 1}, Do: sandbox.Effect{
			Status: 429, Headers: map[string]string{"Date": "Wed, 14 Jan 2026 09:00:00 GMT", "Retry-After": "Wed, 14 Jan 2026 09:00:20 GMT"}}}},
		Act: func(l *Harness) *Trial {
			began := l.Clock().Now()
			trial := skewed(ahead)(l)
			if waited := l.Clock().Now().Sub(began); waited < 20*time.Second || waited > 30*time.Second {
				l.T.Errorf("it waited for %v, want the 20 s that Heroku asks for", waited)
			}
			return trial
		},
	}
}
