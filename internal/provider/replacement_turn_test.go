// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"fmt"
	"testing"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/acctest"
)

// A replacement that is not finished, and a configuration that does not want it any more, or wants another one.

// unfinished is a store with data on its way to another app, held up at the n-th such request.
func unfinished(t *testing.T, terms string, happens mishap) (*lab, dataset) {
	t.Helper()
	l := newLab(t, twoApps("web", "premium-0", terms))
	l.mustApply(twoApps("web", "premium-0", terms))
	redis := l.Redis(t, "orders-cache")
	seed(t, redis)
	seeded := datasetOf(t, redis)
	l.cli.Configure(twoApps("api", "premium-1", terms))
	if result := l.apply(happens); result.Code == 0 {
		t.Fatalf("the replacement was not held up:\n%s", result.Output())
	}
	return l, seeded
}

var bothApps = map[string]string{"orders-web": "REDIS", "orders-api": "SHARED"}

// expectAlone wants one store, under the old name, and apps that are as they were.
func (l *lab) expectAlone(plan string) {
	l.Helper()
	living := l.Living()
	if len(living) != 1 || living[0].Name != "orders-cache" || living[0].Plan != "heroku-redis:"+plan {
		l.Errorf("%+v live, want orders-cache on %s alone", living, plan)
	}
	for name := range bothApps {
		expectScale(l.T, l.Sandbox, name, map[string]int{"web": 1, "worker": 1})
		for _, variable := range l.configVars(name) {
			if leftOver(variable) {
				l.Errorf("%s is left on %s", variable, name)
			}
		}
	}
	l.expectNoChanges()
}

func TestLongReplacement_reverted(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{interrupted, crashed, outage} {
		t.Run(kind+" before anything has moved", func(t *testing.T) {
			t.Parallel()
			l, seeded := unfinished(t, heldStill, mishap{kind: kind, write: 1, of: forkOrdered})
			l.Clear()
			l.cli.Configure(twoApps("web", "premium-0", heldStill))
			plan := l.plan()
			if plan.Code != 2 || !acctest.Says("An unfinished replacement will be undone").MatchString(plan.Output()) {
				t.Errorf("the plan exited %d, want 2 (changes):\n%s", plan.Code, plan.Output())
			}
			l.mustApply(twoApps("web", "premium-0", heldStill))
			l.expectServed(bothApps, seeded)
			l.expectAlone("premium-0")
		})
	}
	t.Run("after the first app uses the new store", func(t *testing.T) {
		t.Parallel()
		l, seeded := unfinished(t, heldStill, mishap{kind: crashed, write: 3, of: attaching})
		l.cli.Configure(twoApps("web", "premium-0", heldStill))
		l.mustRefuse("A replacement is under way", "apply", "-auto-approve")
		l.expectServed(bothApps, seeded)
		// the way out that the message names
		l.mustApply(twoApps("api", "premium-1", heldStill))
		l.expectServed(bothApps, seeded)
		l.expectAlone("premium-1")
	})
}

func TestLongReplacement_anotherTarget(t *testing.T) {
	t.Parallel()
	t.Run("before anything has moved", func(t *testing.T) {
		t.Parallel()
		l, seeded := unfinished(t, "", mishap{kind: crashed, write: 1, of: forkOrdered})
		l.mustApply(twoApps("api", "premium-2", ""))
		l.expectServed(bothApps, seeded)
		l.expectAlone("premium-2")
		if orders := l.Requests("POST", "/apps/.*/addons"); len(orders) != 3 {
			t.Errorf("%d stores were ordered, want the first one and two copies", len(orders))
		}
	})
	t.Run("after the first app uses the new store", func(t *testing.T) {
		t.Parallel()
		l, seeded := unfinished(t, "", mishap{kind: crashed, write: 3, of: attaching})
		l.cli.Configure(twoApps("api", "premium-2", ""))
		l.mustRefuse("A replacement is under way", "apply", "-auto-approve")
		l.expectServed(bothApps, seeded)
		l.mustApply(twoApps("api", "premium-1", ""))
		l.expectAlone("premium-1")
	})
}

// What was written after a complete copy is in the old store only, unless nobody could write since.
func TestAccReplacement_staleCopy(t *testing.T) {
	t.Parallel()
	for terms, orders := range map[string]int{"": 3, heldStill: 2} {
		t.Run(fmt.Sprintf("with the terms %q", terms), func(t *testing.T) {
			t.Parallel()
			l, seeded := unfinished(t, terms, mishap{kind: crashed, write: 1, of: forkOrdered})
			copied, err := l.client.FindAddOn(t.Context(), "kvs-fork-of-"+l.Living()[0].ID)
			if err == nil {
				_, err = l.client.WaitStoreAvailable(t.Context(), copied.ID, "premium-1", aWhile)
			}
			if err != nil {
				t.Fatal(err)
			}
			if terms == "" {
				redis := l.Redis(t, "orders-cache")
				redis.Set(t.Context(), "late", "written after the copy", 0)
				seeded = datasetOf(t, redis)
			}
			l.mustApply(twoApps("api", "premium-1", terms))
			l.expectServed(bothApps, seeded)
			l.expectAlone("premium-1")
			if sent := l.Requests("POST", "/apps/.*/addons"); len(sent) != orders {
				t.Errorf("%d stores were ordered, want %d", len(sent), orders)
			}
		})
	}
}

// A copy that apps have written to since can be proven by nobody any more, and then the old store is kept.
func TestAccReplacement_writtenToSince(t *testing.T) {
	t.Parallel()
	l, seeded := unfinished(t, "", mishap{kind: crashed, write: 3, of: attaching})
	l.Redis(t, "kvs-fork-of-"+l.Living()[0].ID).Del(t.Context(), "key:1", "key:2")
	delete(seeded, "0/key:1")
	delete(seeded, "0/key:2")
	l.mustApply(twoApps("api", "premium-1", ""))
	l.expectServed(bothApps, seeded)
	l.expectStores(2)
	if object, _ := l.cli.Object(store); object.Attributes["retired_instance_id"] != l.Living()[0].ID {
		t.Errorf("the state has the retired store %v, want %s", object.Attributes["retired_instance_id"], l.Living()[0].ID)
	}
	l.expectNoChanges()
}

// terraform destroy takes both stores, and leaves apps that are not Terraform's as they were.
func TestAccReplacement_destroyedHalfWay(t *testing.T) {
	t.Parallel()
	for name, step := range map[string]mishap{
		"before anything has moved":              {kind: crashed, write: 1, of: forkOrdered},
		"after the first app uses the new store": {kind: crashed, write: 3, of: attaching},
		"after all of them do":                   {kind: crashed, write: 5, of: attaching},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l, _ := unfinished(t, heldStill, step)
			result := l.run(mishap{}, "destroy", "-auto-approve", "-input=false", "-no-color", "-target=kvs_instance.cache")
			if result.Code != 0 || !acctest.Says("Two stores will be destroyed").MatchString(result.Output()) {
				t.Errorf("destroy exited %d:\n%s", result.Code, result.Output())
			}
			if living := l.Living(); len(living) != 0 {
				t.Errorf("%+v live on", living)
			}
			for name := range bothApps {
				expectScale(t, l.Sandbox, name, map[string]int{"web": 1, "worker": 1})
			}
		})
	}
}
