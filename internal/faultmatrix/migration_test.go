// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package faultmatrix

import (
	"slices"
	"testing"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/sandbox"
)

// A store that moves to another app is replaced by a fork. That takes a dozen kinds of writes, each of which is tested with every
// fault.

// owned returns a configuration of a store, two apps of which owner owns the store, and the dynos of one of them. The keyspace events
// are in the order in which Redis returns them: otherwise a client that has lost the answer to a change would not recognize it.
func owned(owner, terms string) string {
	moving := edited(store(`attachment_name        = "REDIS"`, `notify_keyspace_events = "KEA"`, "migration              = { "+terms+" }"),
		"kvs_app.web", "kvs_app."+owner)
	return webApp + apiApp + moving + attachment + window + formation
}

const (
	held = "app_maintenance = true, scale_down = true"
	kept = `retire = "never"`
)

// step is a kind of write of a replacement, in the order of their first requests.
type step struct {
	name, terms string
	match       sandbox.Match
	stale       bool // a failure here discards the copy, since the apps go on writing to the old store: the next apply makes another copy
}

var steps = []step{
	{"mark the old store", held, nth(1, "POST", "/addon-attachments"), false},
	{"note what an app is like", held, nth(1, "PATCH", "/apps/*/config-vars"), false},
	{"put an app into maintenance", held, nth(1, "PATCH", "/apps/*"), false},
	{"scale an app down", held, nth(1, "PATCH", "/apps/*/formation"), false},
	{"note what the second app is like", held, nth(2, "PATCH", "/apps/*/config-vars"), false},
	{"order the copy", held, on("POST", "/apps/*/addons"), false},
	{"settings of the copy", held, on("PATCH", "/redis/v0/databases/*/config"), true},
	{"window of the copy", held, on("POST", "/data/maintenances/v1/*/window"), true},
	{"take the lease", held, nth(2, "POST", "/addon-attachments"), true},
	{"move an attachment", held, nth(3, "POST", "/addon-attachments"), true},
	{"move the last attachment", held, nth(4, "POST", "/addon-attachments"), false},
	{"move an attachment of an app that goes on", kept, nth(4, "POST", "/addon-attachments"), false},
	{"attach the new owner", held, nth(5, "POST", "/addon-attachments"), false},
	{"rename the old store", held, nth(1, "PATCH", "/apps/*/addons/*"), false},
	{"name the new store", held, nth(2, "PATCH", "/apps/*/addons/*"), false},
	{"scale an app up", held, nth(3, "PATCH", "/apps/*/formation"), false},
	{"end the maintenance of an app", held, nth(3, "PATCH", "/apps/*"), false},
	{"forget what an app was like", held, nth(3, "PATCH", "/apps/*/config-vars"), false},
	{"destroy the old store", held, on("DELETE", "/apps/*/addons/*"), false},
	{"mark the kept store", kept, nth(6, "POST", "/addon-attachments"), false},
	{"unmark the kept store", kept, nth(1, "DELETE", "/addon-attachments/*"), false},
}

// nth matches such requests from the n-th on.
func nth(n int, method, path string) sandbox.Match {
	match := on(method, path)
	match.From = n
	return match
}

// inShort are the cells of the short form: steps before, at and after the point from which a replacement can only go forward.
var inShort = []string{
	"order the copy, reset after commit", "settings of the copy, 422", "take the lease, 422", "move the last attachment, resets for good",
	"name the new store, 503 page after commit", "end the maintenance of an app, 403", "destroy the old store, 500 for good",
}

func TestAccMigration(t *testing.T) {
	t.Parallel()
	t.Run("migration", func(t *testing.T) {
		t.Parallel()
		for _, e := range append(stepsWithFaults(), stepsWithDeaths()...) {
			if !long() && !slices.Contains(inShort, e.Name) {
				continue
			}
			t.Run(e.Name, func(t *testing.T) {
				t.Parallel()
				migrate(t, e)
			})
		}
	})
}

func stepsWithFaults() (all []Experiment) {
	for _, s := range steps {
		for _, f := range faults {
			e := f.experiment(writeCase{name: s.name, before: owned("web", s.terms), after: owned("api", s.terms), match: s.match})
			e.ExtraOrders = 1
			if s.stale && f.lasting {
				e.ExtraOrders = 2
			}
			all = append(all, e)
		}
	}
	return all
}

// stepsWithDeaths ends the provider when it has the first answer of a step. The next apply continues in each case.
func stepsWithDeaths() (all []Experiment) {
	for step, request := range map[string]string{
		"mark the old store": "POST /addon-attachments", "note what an app is like": "PATCH /apps/[^/]+/config-vars",
		"scale an app down": "PATCH /apps/[^/]+/formation",
		"order the copy":    "POST /apps/.*/addons", "settings of the copy": "PATCH /redis/.*",
		"rename the old store":  "PATCH /apps/.*/addons/.*",
		"destroy the old store": "DELETE /apps/.*/addons/.*",
	} {
		for death, does := range map[string]func(*Harness, string){"a panic": (*Harness).Panic,
			"the provider is killed": (*Harness).Kill} {
			all = append(all, Experiment{
				Name: step + ", " + death, Before: owned("web", held), Config: owned("api", held), ExtraOrders: 2, Killed: true, Exit: AnyExit,
				Act: func(l *Harness) *Trial {
					does(l, request)
					return l.Apply()
				},
			})
		}
	}
	return all
}

// migrate runs an experiment with real servers, since only they can be copied. Beside the invariants, it checks that both apps have
// a store after the action, and run as before at the end.
func migrate(t *testing.T, e Experiment) {
	t.Helper()
	var harness *Harness
	act := e.Act
	e.Options, e.Outside, e.Budget = func(o *sandbox.Options) { o.Engine = "auto" }, beside(startDynos), 400
	e.Act = func(l *Harness) *Trial {
		harness = l
		trial := act(l)
		expectServed(l)
		return trial
	}
	e.Run(t)
	expectServed(harness)
	expectRunning(harness)
}

const dynos = 2

func startDynos(l *Harness, c *heroku.Client) error {
	for _, app := range apps(l, c) {
		if err := c.Scale(l.T.Context(), app.ID, map[string]int{"web": dynos}); err != nil {
			return err
		}
	}
	return nil
}

func apps(l *Harness, c *heroku.Client) []heroku.App {
	l.T.Helper()
	var found []heroku.App
	for _, name := range []string{"orders-web", "orders-api"} {
		app, err := c.FindApp(l.T.Context(), name)
		if err != nil {
			l.T.Fatal(err)
		}
		found = append(found, app)
	}
	return found
}

// expectServed checks that the attachment of each app leads to an existing store.
func expectServed(l *Harness) {
	l.T.Helper()
	client := l.Client(l.T)
	for app, name := range map[string]string{"orders-web": "REDIS", "orders-api": "SHARED"} {
		at, err := client.AppAttachment(l.T.Context(), app, name)
		if err == nil {
			_, err = client.Store(l.T.Context(), at.AddOnID)
		}
		if err != nil {
			l.T.Errorf("%s of %s leads to no store: %v", name, app, err)
		}
	}
}

// expectRunning checks that both apps run as before, and have no KVS_MIGRATION.
func expectRunning(l *Harness) {
	l.T.Helper()
	client := l.Client(l.T)
	for _, app := range apps(l, client) {
		processes, err := client.Formation(l.T.Context(), app.ID)
		if err != nil || app.Maintenance || !slices.ContainsFunc(processes,
			func(p heroku.Process) bool { return p.Type == "web" && p.Quantity == dynos }) {
			l.T.Errorf("%s: maintenance mode %v, processes %+v (%v)", app.Name, app.Maintenance, processes, err)
		}
		if memo, set, err := client.ConfigVar(l.T.Context(), app.ID, "KVS_MIGRATION"); err != nil || set {
			l.T.Errorf("%s still has the memo %s (%v)", app.Name, memo, err)
		}
	}
}
