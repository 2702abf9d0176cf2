// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package faultmatrix

import (
	"syscall"
	"testing"
	"time"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/sandbox"
)

// What nobody is to blame for: answers that dribble in, and clocks that are wrong.

const drips = "an answer that drips in"

var drip = sandbox.Effect{Drip: sandbox.Duration(100 * time.Millisecond)} // a minute and more for any object

// An answer whose bytes come slower than anyone waits is none: a read fails, and what was written is looked up, and
// never done twice.
func TestAccDrips(t *testing.T) {
	t.Parallel()
	experiments := map[string][]Experiment{"store": {interruptedDrip()}}
	for _, s := range subjects {
		if s.name != "store" && !long() { // a store costs most, and the others wait for answers with the same client
			continue
		}
		for _, f := range []fault{{name: "a slow loris", kind: drips, do: drip, slow: true},
			{name: "a slow error page", kind: drips, do: slowPage(), slow: true}} {
			for _, v := range s.verbs {
				experiments[s.name] = append(experiments[s.name], f.experiment(v))
			}
		}
		experiments[s.name] = append(experiments[s.name], Experiment{
			Name: "read, a slow loris", Kind: drips, Before: s.whole, Config: s.whole, Exit: 1, Says: "no answer in time",
			Trouble: []sandbox.Fault{{Match: s.read, Do: drip}},
			Act: func(l *Harness) *Trial {
				l.Patience(patience)
				return l.Plan()
			},
		})
	}
	if long() {
		experiments["store"] = append(experiments["store"], Experiment{
			Name: "SIGINT while the answer to an order drips in", Before: webApp, Config: webApp + store(), Exit: 1,
			Says:    "Key-Value Store is not ready yet",
			Trouble: []sandbox.Fault{{Match: order, Do: drip}},
			Act: func(l *Harness) *Trial {
				l.Patience(time.Second) // an order that was sent is worth waiting for, for as long as any answer
				return sentAndInterrupted("POST", "/apps/.*/addons")(l)
			},
		})
	}
	run(t, experiments)
}

// interruptedDrip is a plan that is interrupted in the middle of an answer. The CLIs do not interrupt that of an apply.
func interruptedDrip() Experiment {
	return Experiment{
		Name: "SIGINT while a read drips in", Before: webApp + store(), Config: webApp + store(), Exit: 1, Rule: true,
		Trouble: []sandbox.Fault{{Match: on("GET", "^/addons"), Do: drip}},
		Act: func(l *Harness) *Trial {
			l.ResetJournal() // such reads were sent before
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

// skewed is an apply of a provider whose clock is so far ahead of Heroku's.
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

// Whatever the local clock says, a lost order is found, nothing of somebody else's is taken for it, and what Heroku says
// about time is measured on Heroku's clock.
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
			Experiment{Name: "a lost order, " + name, Kind: wrongClock, Config: webApp, Trouble: lost(on("POST", "/apps")),
				Act: skewed(ahead)}, dated(name, ahead))
		experiments["space"] = append(experiments["space"],
			Experiment{Name: "a lost order, " + name, Kind: wrongClock, Config: space(), Trouble: lost(on("POST", "/spaces")),
				Act: skewed(ahead)})
	}
	run(t, experiments)
}

// skewedStores are what may happen to an order while the clock is so far ahead.
func skewedStores(ahead time.Duration) []Experiment {
	return []Experiment{
		{Name: "a lost order", Before: webApp, Config: webApp + store(), Trouble: lost(order), Act: skewed(ahead)},
		{Name: "a lost order of what an older store is called like", Before: webApp, Config: webApp + store(), Exit: 1, Says: "exists since",
			Outside: func(l *Harness) {
				l.Request("POST", "/apps/orders-web/addons", `{"plan":"heroku-redis:premium-0","name":"orders-cache"}`)
				l.Clock().Advance(time.Hour)
			},
			Trouble: []sandbox.Fault{{Match: sandbox.Match{Method: "POST", Path: "/apps/*/addons", Times: 1}, Do: sandbox.Effect{Reset: true}}},
			Act:     skewed(ahead), Repair: func(l *Harness) { l.Apply(); l.Import() }},
		{Name: "the provider is killed after an order without a name", Before: webApp, Config: unnamed(), Killed: true,
			Act: func(l *Harness) *Trial {
				l.Kill("POST /apps/.*/addons")
				return skewed(ahead)(l)
			}},
		{Name: "create timeout", Before: webApp, Config: webApp + store(`timeouts = { create = "1m" }`), Says: "Key-Value Store is not ready yet",
			Trouble: []sandbox.Fault{{Match: order, Do: sandbox.Effect{Provisioning: "stuck"}}}, Act: skewed(ahead)},
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

// dated is a 429 that names a time twenty seconds later than its own.
func dated(name string, ahead time.Duration) Experiment {
	return Experiment{
		Name: "429 with a date, " + name, Kind: wrongClock, Config: webApp,
		Trouble: []sandbox.Fault{{Match: sandbox.Match{Method: "POST", Path: "/apps", Times: 1}, Do: sandbox.Effect{
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
