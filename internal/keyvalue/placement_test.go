// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package keyvalue_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/keyvalue"
)

var (
	commonPlans = []keyvalue.PlanName{
		"mini", "premium-0", "premium-1", "premium-2", "premium-3", "premium-4", "premium-5",
		"premium-7", "premium-9", "premium-10", "premium-12", "premium-14",
	}
	privatePlans = []keyvalue.PlanName{"private-7", "private-9", "private-10", "private-12", "private-14"}
	shieldPlans  = []keyvalue.PlanName{"shield-7", "shield-9", "shield-10", "shield-12", "shield-14"}
)

// Every published plan in every location, from Heroku's table of where each plan can be used.
func TestPlacement(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		plans    []keyvalue.PlanName
		location keyvalue.Location
		verdict  keyvalue.Verdict
		reason   string // a part of the reason, which also names the plan
		wouldFit []keyvalue.PlanName
		runsIn   keyvalue.Location
	}{
		{commonPlans, keyvalue.CommonRuntime, keyvalue.Fits, "", nil, ""},
		{commonPlans, keyvalue.PrivateSpace, keyvalue.NeedsConsent, "outside the network of the Private Space", privatePlans, ""},
		{commonPlans, keyvalue.ShieldSpace, keyvalue.DoesNotFit, "shield plans only", shieldPlans, ""},
		{privatePlans, keyvalue.CommonRuntime, keyvalue.DoesNotFit, "inside the network of a Private Space only",
			commonPlans, keyvalue.PrivateSpace},
		{privatePlans, keyvalue.PrivateSpace, keyvalue.Fits, "", nil, ""},
		{privatePlans, keyvalue.ShieldSpace, keyvalue.DoesNotFit, "shield plans only", shieldPlans, ""},
		{shieldPlans, keyvalue.CommonRuntime, keyvalue.DoesNotFit, "the app is in the Common Runtime", commonPlans, keyvalue.ShieldSpace},
		{shieldPlans, keyvalue.PrivateSpace, keyvalue.DoesNotFit, "the app is in a Private Space", privatePlans, keyvalue.ShieldSpace},
		{shieldPlans, keyvalue.ShieldSpace, keyvalue.Fits, "", nil, ""},
	} {
		for _, plan := range tt.plans {
			t.Run(string(plan)+" in "+string(tt.location), func(t *testing.T) {
				t.Parallel()
				got := keyvalue.Place(plan, tt.location)
				if got.Verdict != tt.verdict {
					t.Errorf("verdict %d, want %d", got.Verdict, tt.verdict)
				}
				if !slices.Equal(got.WouldFit, tt.wouldFit) {
					t.Errorf("would fit: %q, want %q", got.WouldFit, tt.wouldFit)
				}
				if got.RunsIn != tt.runsIn {
					t.Errorf("runs in %q, want %q", got.RunsIn, tt.runsIn)
				}
				for _, name := range got.WouldFit {
					if _, ok := keyvalue.LookupPlan(name); !ok {
						t.Errorf("%s would fit, but has no size and price to show", name)
					}
				}
				if tt.verdict == keyvalue.Fits {
					if got.Reason != "" {
						t.Errorf("a plan that fits has a reason: %s", got.Reason)
					}
					return
				}
				if !strings.Contains(got.Reason, tt.reason) || !strings.Contains(got.Reason, string(plan)) {
					t.Errorf("the reason should say %q and name %s: %s", tt.reason, plan, got.Reason)
				}
			})
		}
	}
}

func TestPlacementOfPlansThatAreNotPublished(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name     string
		plan     keyvalue.PlanName
		location keyvalue.Location
		want     keyvalue.Verdict
	}{
		{"a newer private plan is known by its prefix", "private-3", keyvalue.CommonRuntime, keyvalue.DoesNotFit},
		{"a newer private plan in a space", "private-3", keyvalue.PrivateSpace, keyvalue.Fits},
		{"a newer premium plan in a space", "premium-20", keyvalue.PrivateSpace, keyvalue.NeedsConsent},
		{"a newer shield plan in a plain space", "shield-20", keyvalue.PrivateSpace, keyvalue.DoesNotFit},
		{"of another family nothing is known, so the server decides", "elastic-1", keyvalue.ShieldSpace, keyvalue.Fits},
		{"an app in a place that is not known", "shield-7", "", keyvalue.Fits},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := keyvalue.Place(tt.plan, tt.location); got.Verdict != tt.want {
				t.Errorf("verdict %d, want %d: %s", got.Verdict, tt.want, got.Reason)
			}
		})
	}
}
