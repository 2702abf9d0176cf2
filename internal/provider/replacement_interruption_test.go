// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"fmt"
	"maps"
	"os"
	"strings"
	"testing"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/sandbox"
)

// Whatever happens to a replacement, and at whatever step, the next apply finishes it, and at every moment each app has a
// store with all the data. The steps are those that the journal has of an undisturbed run, so that none is forgotten.
//
// With `make test` each step of the first story meets one mishap, and a sample of the others' steps. All steps of all with
// all mishaps:
//
//	make testacc RUN=TestAccReplacement_interrupted

// move is a change that needs a new store.
type move struct {
	name          string
	before, after string
	apps          map[string]string // the config var of each app that is attached before
	kept          bool              // the old store is, because nobody can count the keys of the new one
	sample        int               // every so many steps run with `make test`
}

const heldStill = `migration = { app_maintenance = true, scale_down = true }`

func moves() []move {
	shared := map[string]string{"orders-web": "REDIS", "orders-api": "SHARED"}
	return []move{
		{
			name: "to another app", apps: shared, sample: 4,
			before: twoApps("web", "premium-0", ""), after: twoApps("api", "premium-1", ""),
		},
		{
			name: "to another app that is held", apps: shared, sample: 34,
			before: twoApps("web", "premium-0", heldStill), after: twoApps("api", "premium-1", heldStill),
		},
		{
			name: "into a space", apps: map[string]string{"orders-web": "REDIS"}, kept: true, sample: 19,
			before: intoSpace("web", "premium-0", ""), after: intoSpace("inside", "private-7", ""),
		},
		{
			name: "into a space with the apps held", apps: map[string]string{"orders-web": "REDIS"}, kept: true, sample: 23,
			before: intoSpace("web", "premium-0", heldStill), after: intoSpace("inside", "private-7", heldStill),
		},
	}
}

func TestAccReplacement_interrupted(t *testing.T) {
	t.Parallel()
	for _, m := range moves() {
		t.Run(m.name, func(t *testing.T) {
			t.Parallel()
			writes := m.undisturbed(t)
			if len(writes) < 8 {
				t.Fatalf("the replacement took %d requests only, so little is shown by interrupting it: %+v", len(writes), writes)
			}
			every := m.sample
			if os.Getenv("KVS_SOAK") != "" {
				every = 1
			}
			for i, kind := range mishaps {
				for n := 1 + i%every; n <= len(writes); n += every {
					t.Run(fmt.Sprintf("%s at %d, %s", kind, n, writes[n-1].Method), func(t *testing.T) {
						t.Parallel()
						m.disturbed(t, mishap{kind: kind, write: n})
					})
				}
			}
		})
	}
}

// undisturbed is the replacement as it should be; after each of its steps, all apps have all the data.
func (m move) undisturbed(t *testing.T) []sandbox.Request {
	l, seeded := m.begin(t)
	l.cli.Configure(m.after)
	writes := 0
	between := l.apply(mishap{kind: lookedAt, look: func() {
		if sent := len(l.writes()); sent > writes { // between two of them nothing changes
			writes = sent
			l.expectServed(m.apps, seeded)
		}
	}})
	if between.Code != 0 {
		t.Fatalf("apply exited %d:\n%s", between.Code, between.Output())
	}
	m.expectDone(l, seeded)
	return l.writes()
}

func (m move) disturbed(t *testing.T, happens mishap) {
	l, seeded := m.begin(t)
	l.cli.Configure(m.after)
	first := l.apply(happens)
	l.expectServed(m.apps, seeded)
	if happens.kind == crashed && first.Code == 0 {
		t.Errorf("the apply survived its provider:\n%s", first.Output())
	}
	l.Clear()
	if first.Code != 0 {
		if second := l.apply(mishap{}); second.Code != 0 {
			t.Errorf("the next apply exited %d:\n%s\n\nafter:\n%s", second.Code, second.Output(), first.Output())
		}
	}
	m.expectDone(l, seeded)
	if t.Failed() {
		t.Logf("the apply that was disturbed:\n%s", first.Output())
	}
}

// begin applies what is there before and fills it.
func (m move) begin(t *testing.T) (*lab, dataset) {
	t.Helper()
	l := newLab(t, m.before)
	l.mustApply(m.before)
	for name := range m.apps {
		if err := l.client.Scale(t.Context(), mustFindApp(t, l.client, name).ID, map[string]int{"web": 3, "worker": 2}); err != nil {
			t.Fatal(err)
		}
	}
	redis := l.Redis(t, "orders-cache")
	seed(t, redis)
	l.ResetJournal()
	return l, datasetOf(t, redis)
}

// leftOver says that a config var was there for a replacement only. The proof of succession stays, and so does the attachment
// of a store that is kept.
func leftOver(variable string) bool {
	return strings.HasPrefix(variable, "KVS_") && !strings.HasPrefix(variable, "KVS_FORK_") && !strings.HasPrefix(variable, "KVS_RETIRED_")
}

// expectDone: one store, or two where the old one is kept, nobody held, and nothing left to do.
func (m move) expectDone(l *lab, seeded dataset) {
	l.Helper()
	apps := maps.Clone(m.apps)
	for name := range m.apps {
		expectScale(l.T, l.Sandbox, name, map[string]int{"web": 3, "worker": 2})
	}
	l.expectServed(apps, seeded)
	var stores []sandbox.LedgerEntry
	for _, object := range l.Living() {
		if object.Kind == "add-on" {
			stores = append(stores, object)
		}
	}
	want := map[bool]int{false: 1, true: 2}[m.kept]
	if len(stores) != want {
		l.Errorf("%d stores live, want %d: %+v", len(stores), want, stores)
		return
	}
	object, _ := l.cli.Object(store)
	newest := stores[len(stores)-1]
	if object.Attributes["id"] != newest.ID || newest.Name != "orders-cache" {
		l.Errorf("the state has the store %v, and the new one is %+v", object.Attributes["id"], newest)
	}
	if retired := object.Attributes["retired_instance_id"]; m.kept && retired != stores[0].ID || !m.kept && retired != nil {
		l.Errorf("the state has the retired store %v; these live: %+v", retired, stores)
	}
	for _, name := range []string{"orders-web", "orders-api", "orders-inside"} {
		for _, variable := range l.configVars(name) {
			if leftOver(variable) {
				l.Errorf("%s is left on %s", variable, name)
			}
		}
	}
	l.expectNoChanges()
}
