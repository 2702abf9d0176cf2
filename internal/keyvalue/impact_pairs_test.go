// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package keyvalue_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/keyvalue"
)

// Every pair of runtime classes, sizes and versions, on the same app and on another one.
func TestImpactOfEachPair(t *testing.T) {
	t.Parallel()
	const (
		stays   = keyvalue.NoChange
		inPlace = keyvalue.InPlace
		fork    = keyvalue.NewStore
		refused = keyvalue.Refused
	)
	classes := map[string]map[string]keyvalue.Method{ // the methods from one class to another, or to another size of the same class
		"premium": {"premium": inPlace, "private": fork, "shield": refused},
		"private": {"premium": fork, "private": inPlace, "shield": refused},
		"shield":  {"premium": fork, "private": fork, "shield": inPlace},
	}
	otherApp := map[string]keyvalue.Method{"premium": fork, "private": fork, "shield": refused}
	type versions struct {
		was, running, asked keyvalue.Version
		up                  bool
	}
	versionPairs := map[string]versions{
		"no version is asked for":                       {"", "7.0.15", "", false},
		"none is asked for any more":                    {"7.2", "7.2.4", "", false},
		"the same version":                              {"7.2", "7.2.4", "7.2", false},
		"a version is asked for that runs already":      {"", "7.2.4", "7.2", false},
		"a version is asked for, and an older one runs": {"", "7.0.15", "7.2", true},
		"Heroku has upgraded before":                    {"7.0", "7.2.4", "7.2", false},
		"Heroku is ahead of what is asked for":          {"7.0", "8.1.0", "7.0", false},
		"one version up":                                {"7.0", "7.0.15", "7.2", true},
		"two versions up":                               {"6.2", "6.2.14", "7.2", true},
		"a patch up":                                    {"7.2", "7.2.4", "7.2.6", true},
		"up, and what runs is not known":                {"7.0", "", "7.2", true},
		"one version down":                              {"7.2", "7.2.4", "7.0", false},
		"down, and what runs is not known":              {"7.2", "", "6.2", false},
		"nothing is known":                              {"", "", "7.2", false},
	}
	sizes := []string{"7", "9", "14"}
	for fromClass, targets := range classes {
		for toClass, method := range targets {
			for fromSize, fromNumber := range sizes {
				for toSize, toNumber := range sizes {
					for name, v := range versionPairs {
						for _, app := range []string{"a", "b"} {
							from := keyvalue.Spec{AppID: "a", Plan: keyvalue.PlanName(fromClass + "-" + fromNumber), Version: v.was, Running: v.running}
							to := keyvalue.Spec{AppID: app, Plan: keyvalue.PlanName(toClass + "-" + toNumber), Version: v.asked}
							want := method
							switch {
							case app == "b":
								want = otherApp[toClass]
							case from.Plan == to.Plan && v.up:
								want = inPlace
							case from.Plan == to.Plan:
								want = stays
							}
							got := keyvalue.Impact(from, to)
							t.Run(fmt.Sprintf("%s to %s on app %s, %s", from.Plan, to.Plan, app, name), func(t *testing.T) {
								expectMethod(t, got, want)
								if up := v.up && want != refused; got.VersionUpgrade != up {
									t.Errorf("an upgrade: %t, want %t", got.VersionUpgrade, up)
								}
								if oneWay := want != refused && (v.up || want == fork && fromClass == "shield"); got.Irreversible != oneWay {
									t.Errorf("irreversible: %t, want %t", got.Irreversible, oneWay)
								}
								if empty := want == refused; got.EmptyStore != empty {
									t.Errorf("an empty store would do: %t, want %t", got.EmptyStore, empty)
								}
								if got.PlanChanges != (from.Plan != to.Plan) {
									t.Errorf("the plan changes: %t", got.PlanChanges)
								}
								if smaller := want != refused && toSize < fromSize; got.Downgrade != smaller || got.DataMayBeLost != smaller ||
									slices.Contains(got.Lost, "keys beyond "+memory(toNumber)) != smaller {
									t.Errorf("a downgrade: %t, data may be lost: %t (%v); want %t", got.Downgrade, got.DataMayBeLost, got.Lost, smaller)
								}
								expectPrices(t, got, from.Plan, to.Plan)
							})
						}
					}
				}
			}
		}
	}
}

func memory(size string) string {
	return map[string]string{"7": "7 GB", "9": "10 GB", "14": "100 GB"}[size]
}

// expectMethod checks the method, and the fields that depend only on it.
func expectMethod(t *testing.T, got keyvalue.Change, want keyvalue.Method) {
	t.Helper()
	if got.Method != want {
		t.Fatalf("method %d, want %d: %s", got.Method, want, got.Reason)
	}
	copied := []string{"all keys with their types and expiry times"}
	var reapplied []string
	restarts := keyvalue.RestartsNone
	switch want {
	case keyvalue.InPlace:
		restarts = keyvalue.RestartsIfURLChanges
	case keyvalue.NewStore:
		restarts = keyvalue.RestartsAttached
		reapplied = []string{"timeout", "maxmemory_policy", "notify_keyspace_events"}
	default:
		copied = nil
	}
	if !slices.Equal(got.Copied, copied) || !slices.Equal(got.Reapplied, reapplied) || got.Restarts != restarts {
		t.Errorf("copied %q, reapplied %q, restarts %d", got.Copied, got.Reapplied, got.Restarts)
	}
	if slices.Contains(got.Lost, "writes made during the copy") != (copied != nil) {
		t.Errorf("lost: %q", got.Lost)
	}
	if (want == keyvalue.NoChange) != (got.Reason == "" && len(got.Facts) == 0) {
		t.Errorf("reason %q, facts %q", got.Reason, got.Facts)
	}
	for _, sentence := range got.Facts {
		if !strings.HasSuffix(sentence, ".") || strings.Contains(sentence, "  ") || strings.Contains(sentence, "%!") {
			t.Errorf("not a sentence: %s", sentence)
		}
	}
}

func expectPrices(t *testing.T, got keyvalue.Change, from, to keyvalue.PlanName) {
	t.Helper()
	before, _ := keyvalue.LookupPlan(from)
	after, _ := keyvalue.LookupPlan(to)
	if got.PriceBefore == nil || *got.PriceBefore != *before.MonthlyPriceCents {
		t.Errorf("price before: %v, want %d", got.PriceBefore, *before.MonthlyPriceCents)
	}
	if got.Method == keyvalue.Refused {
		if got.PriceAfter != nil || got.PriceDeltaCents != nil {
			t.Error("a refused change has a price")
		}
		return
	}
	if got.PriceAfter == nil || got.PriceDeltaCents == nil || *got.PriceAfter != *after.MonthlyPriceCents ||
		*got.PriceDeltaCents != *after.MonthlyPriceCents-*before.MonthlyPriceCents {
		t.Errorf("price after: %v, delta %v", got.PriceAfter, got.PriceDeltaCents)
	}
}

func TestImpactOfVersions(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		from, to      keyvalue.Spec
		method        keyvalue.Method
		dataMayBeLost bool
		reason        string
		facts, silent []string
	}{
		"an upgrade": {
			from: keyvalue.Spec{Plan: "premium-0", Running: "7.0.15"}, to: keyvalue.Spec{Plan: "premium-0", Version: "7.2"},
			method: keyvalue.InPlace, reason: "upgrades the version of a store in place",
			facts:  []string{"upgraded from 7.0.15 to 7.2, and Heroku has no way back", "out of reach for a short time", "keeps its id"},
			silent: []string{"deprecated", "Price", "Memory"},
		},
		"an upgrade to a version whose life ends": {
			from: keyvalue.Spec{Plan: "premium-0", Running: "6.0.1"}, to: keyvalue.Spec{Plan: "premium-0", Version: "6.2"},
			method: keyvalue.InPlace, reason: "in place", facts: []string{"Version 6.2 is deprecated; Heroku ends its life on December 2, 2024."},
		},
		"an upgrade with a larger plan": {
			from: keyvalue.Spec{Plan: "premium-0", Version: "7.0"}, to: keyvalue.Spec{Plan: "premium-1", Version: "7.2"},
			method: keyvalue.InPlace, reason: "changes the plan of a store in place",
			facts: []string{"upgraded from 7.0 to 7.2", "Price: $15.00 a month before, $30.00 after."},
		},
		"mini is upgraded without its data": {
			from: keyvalue.Spec{Plan: "mini", Running: "7.0.15"}, to: keyvalue.Spec{Plan: "mini", Version: "7.2"},
			method: keyvalue.InPlace, dataMayBeLost: true, reason: "in place", facts: []string{"none of its keys", "upgraded from 7.0.15"},
			silent: []string{"copies the data"},
		},
		"mini to premium with an upgrade": {
			from: keyvalue.Spec{Plan: "mini", Running: "7.0.15"}, to: keyvalue.Spec{Plan: "premium-0", Version: "7.2"},
			method: keyvalue.InPlace, dataMayBeLost: true, reason: "in place",
			facts: []string{"all of it may be lost", "copies the data", "upgraded from"}, silent: []string{"none of its keys"},
		},
		"an upgrade of a plan of which nothing is known": {
			from: keyvalue.Spec{Plan: "elastic-1", Running: "7.0.15"}, to: keyvalue.Spec{Plan: "elastic-1", Version: "7.2"},
			method: keyvalue.InPlace, reason: "upgrades the version", facts: []string{"upgraded from"}, silent: []string{"Price"},
		},
		"premium to private with an upgrade": {
			from: keyvalue.Spec{Plan: "premium-7", Running: "7.0.15"}, to: keyvalue.Spec{Plan: "private-7", Version: "7.2"},
			method: keyvalue.NewStore, reason: "cannot move", facts: []string{"upgraded from 7.0.15 to 7.2", "the settings, which it does not copy"},
			silent: []string{"out of reach"},
		},
		"a lower floor is met, and a store does not go back": {
			from: keyvalue.Spec{Plan: "premium-0", Version: "7.2", Running: "7.2.4"}, to: keyvalue.Spec{Plan: "premium-1", Version: "7.0"},
			method: keyvalue.InPlace, reason: "in place", facts: []string{"copies the data"}, silent: []string{"upgraded from"},
		},
		"from a shield plan there is no way back": {
			from: keyvalue.Spec{Plan: "shield-7"}, to: keyvalue.Spec{Plan: "private-7"},
			method: keyvalue.NewStore, reason: "cannot move", facts: []string{"no way back with the data"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := keyvalue.Impact(tt.from, tt.to)
			facts := strings.Join(got.Facts, "\n")
			if got.Method != tt.method || got.DataMayBeLost != tt.dataMayBeLost || !strings.Contains(got.Reason, tt.reason) {
				t.Errorf("method %d, want %d; data may be lost %t; reason: %s", got.Method, tt.method, got.DataMayBeLost, got.Reason)
			}
			for _, fact := range tt.facts {
				if !strings.Contains(facts, fact) {
					t.Errorf("the facts should say %q:\n%s", fact, facts)
				}
			}
			for _, silent := range tt.silent {
				if strings.Contains(facts, silent) {
					t.Errorf("the facts should not say %q:\n%s", silent, facts)
				}
			}
		})
	}
}
