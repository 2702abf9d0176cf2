// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package keyvalue_test

import (
	"math"
	"strings"
	"testing"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/keyvalue"
)

func TestImpact(t *testing.T) {
	t.Parallel()

	const unpublished = math.MinInt // no price delta
	for _, tt := range []struct {
		name          string
		from, to      keyvalue.Spec
		method        keyvalue.Method
		dataMayBeLost bool
		downgrade     bool
		cents         int
		reason        string
		facts         []string // texts that the facts contain
		silent        []string // texts that no fact contains
	}{
		{
			name: "nothing changes",
			from: keyvalue.Spec{AppID: "a", Plan: "premium-0"}, to: keyvalue.Spec{AppID: "a", Plan: "premium-0"},
			method: keyvalue.NoChange,
		},
		{
			name: "a plan that nobody published stays as it is",
			from: keyvalue.Spec{AppID: "a", Plan: "private-3"}, to: keyvalue.Spec{AppID: "a", Plan: "private-3"},
			method: keyvalue.NoChange,
		},
		{
			name: "premium up",
			from: keyvalue.Spec{AppID: "a", Plan: "premium-0"}, to: keyvalue.Spec{AppID: "a", Plan: "premium-1"},
			method: keyvalue.InPlace, cents: 1500, reason: "in place",
			facts: []string{
				"keeps its id, its name, its attachments and its settings", "writes made during the copy may be lost", "URL of the store may change",
				"restarts every app", "Memory: 50 MB before, 100 MB after. Connections: 40 before, 80 after.",
				"Price: $15.00 a month before, $30.00 after.",
			},
			silent: []string{"on disk", "has to fit"},
		},
		{
			name: "premium down",
			from: keyvalue.Spec{AppID: "a", Plan: "premium-7"}, to: keyvalue.Spec{AppID: "a", Plan: "premium-5"},
			method: keyvalue.InPlace, downgrade: true, dataMayBeLost: true, cents: -55000, reason: "in place",
			facts: []string{"Memory: 7 GB before, 1 GB after", "has to fit into 1 GB", "Price: $750.00 a month before, $200.00 after."},
		},
		{
			name: "up between plans with the same connection limit",
			from: keyvalue.Spec{AppID: "a", Plan: "premium-12"}, to: keyvalue.Spec{AppID: "a", Plan: "premium-14"},
			method: keyvalue.InPlace, cents: 600000, reason: "in place", silent: []string{"has to fit"},
		},
		{
			name: "down between plans with the same connection limit",
			from: keyvalue.Spec{AppID: "a", Plan: "shield-14"}, to: keyvalue.Spec{AppID: "a", Plan: "shield-12"},
			method: keyvalue.InPlace, downgrade: true, dataMayBeLost: true, cents: -1060000, reason: "in place",
		},
		{
			name: "mini to premium may lose what mini never wrote to disk",
			from: keyvalue.Spec{AppID: "a", Plan: "mini"}, to: keyvalue.Spec{AppID: "a", Plan: "premium-0"},
			method: keyvalue.InPlace, dataMayBeLost: true, cents: 1200, reason: "in place",
			facts: []string{"mini keeps no data on disk, so all of it may be lost in the change"},
		},
		{
			name: "premium to mini gives up persistence",
			from: keyvalue.Spec{AppID: "a", Plan: "premium-0"}, to: keyvalue.Spec{AppID: "a", Plan: "mini"},
			method: keyvalue.InPlace, dataMayBeLost: true, downgrade: true, cents: -1200, reason: "in place",
			facts:  []string{"mini keeps no data on disk and has no standby", "has to fit into 25 MB"},
			silent: []string{"lost in the change"},
		},
		{
			name: "to a plan without a published price",
			from: keyvalue.Spec{AppID: "a", Plan: "premium-3"}, to: keyvalue.Spec{AppID: "a", Plan: "premium-4"},
			method: keyvalue.InPlace, cents: unpublished, reason: "in place",
			facts: []string{"Memory: 500 MB before, 750 MB after", "difference in price is not known"}, silent: []string{"Price:"},
		},
		{
			name: "from a plan without a published price",
			from: keyvalue.Spec{AppID: "a", Plan: "premium-4"}, to: keyvalue.Spec{AppID: "a", Plan: "premium-5"},
			method: keyvalue.InPlace, cents: unpublished, reason: "in place", silent: []string{"Price:"},
		},
		{
			name: "private up",
			from: keyvalue.Spec{AppID: "a", Plan: "private-7"}, to: keyvalue.Spec{AppID: "a", Plan: "private-9"},
			method: keyvalue.InPlace, cents: 85000, reason: "in place",
		},
		{
			name: "a plan that nobody published, of the same class",
			from: keyvalue.Spec{AppID: "a", Plan: "private-3"}, to: keyvalue.Spec{AppID: "a", Plan: "private-7"},
			method: keyvalue.InPlace, cents: unpublished, reason: "in place",
			facts: []string{"writes made during the copy may be lost"}, silent: []string{"Memory", "Price", "price", "has to fit"},
		},
		{
			name: "from a plan of which nothing is known",
			from: keyvalue.Spec{AppID: "a", Plan: "elastic-1"}, to: keyvalue.Spec{AppID: "a", Plan: "shield-7"},
			method: keyvalue.InPlace, cents: unpublished, reason: "refuses when the plans run on different networks",
			silent: []string{"Memory", "Price"},
		},
		{
			name: "to a plan of which nothing is known",
			from: keyvalue.Spec{AppID: "a", Plan: "mini"}, to: keyvalue.Spec{AppID: "a", Plan: "elastic-1"},
			method: keyvalue.InPlace, dataMayBeLost: true, cents: unpublished, reason: "refuses when", facts: []string{"mini keeps no data on disk"},
		},
		{
			name: "between two plans of which nothing is known",
			from: keyvalue.Spec{AppID: "a", Plan: "elastic-1"}, to: keyvalue.Spec{AppID: "a", Plan: "elastic-2"},
			method: keyvalue.InPlace, cents: unpublished, reason: "refuses when",
		},
		{
			name: "common to private",
			from: keyvalue.Spec{AppID: "a", Plan: "premium-7"}, to: keyvalue.Spec{AppID: "a", Plan: "private-7"},
			method: keyvalue.NewStore, cents: 15000, reason: "premium-7 is a common plan and private-7 a private plan",
			facts: []string{
				"a new id and a new URL", "the settings, which it does not copy, are set again", "paid for until the old one is destroyed",
				"Memory: 7 GB before, 7 GB after",
			},
			silent: []string{"keeps its id", "leaves the isolated network"},
		},
		{
			name: "mini to private: the fork is made from a running store",
			from: keyvalue.Spec{AppID: "a", Plan: "mini"}, to: keyvalue.Spec{AppID: "a", Plan: "private-7"},
			method: keyvalue.NewStore, cents: 89700, reason: "cannot move", silent: []string{"on disk"},
		},
		{
			name: "common to a smaller private plan",
			from: keyvalue.Spec{AppID: "a", Plan: "premium-14"}, to: keyvalue.Spec{AppID: "a", Plan: "private-7"},
			method: keyvalue.NewStore, downgrade: true, dataMayBeLost: true, cents: -1160000, reason: "cannot move",
			facts: []string{"has to fit into 7 GB"},
		},
		{
			name: "common to a private plan that nobody published",
			from: keyvalue.Spec{AppID: "a", Plan: "premium-0"}, to: keyvalue.Spec{AppID: "a", Plan: "private-3"},
			method: keyvalue.NewStore, cents: unpublished, reason: "cannot move",
		},
		{
			name: "private to common",
			from: keyvalue.Spec{AppID: "a", Plan: "private-7"}, to: keyvalue.Spec{AppID: "a", Plan: "premium-7"},
			method: keyvalue.NewStore, cents: -15000, reason: "cannot move", facts: []string{"leaves the isolated network of the private plan"},
		},
		{
			name: "shield to common",
			from: keyvalue.Spec{AppID: "a", Plan: "shield-7"}, to: keyvalue.Spec{AppID: "a", Plan: "premium-7"},
			method: keyvalue.NewStore, cents: -35000, reason: "cannot move", facts: []string{"leaves the isolated network of the shield plan"},
		},
		{
			name: "shield to private",
			from: keyvalue.Spec{AppID: "a", Plan: "shield-7"}, to: keyvalue.Spec{AppID: "a", Plan: "private-7"},
			method: keyvalue.NewStore, cents: -20000, reason: "cannot move",
		},
		{
			name: "common to shield",
			from: keyvalue.Spec{AppID: "a", Plan: "premium-7"}, to: keyvalue.Spec{AppID: "a", Plan: "shield-7"},
			method: keyvalue.Refused, cents: unpublished, reason: "does not fork to shield plans",
			facts: []string{"Nothing is changed", "A new, empty store"}, silent: []string{"Price", "Memory", "on disk"},
		},
		{
			name: "mini to shield",
			from: keyvalue.Spec{AppID: "a", Plan: "mini"}, to: keyvalue.Spec{AppID: "a", Plan: "shield-7"},
			method: keyvalue.Refused, cents: unpublished, reason: "does not fork to shield plans",
		},
		{
			name: "private to shield",
			from: keyvalue.Spec{AppID: "a", Plan: "private-7"}, to: keyvalue.Spec{AppID: "a", Plan: "shield-14"},
			method: keyvalue.Refused, cents: unpublished, reason: "does not fork to shield plans",
		},
		{
			name: "another app",
			from: keyvalue.Spec{AppID: "a", Plan: "premium-0"}, to: keyvalue.Spec{AppID: "b", Plan: "premium-0"},
			method: keyvalue.NewStore, cents: 0, reason: "belongs to the app that it was created on",
			facts: []string{"a new id and a new URL"}, silent: []string{"Memory", "Price"},
		},
		{
			name: "another app and another plan",
			from: keyvalue.Spec{AppID: "a", Plan: "premium-0"}, to: keyvalue.Spec{AppID: "b", Plan: "premium-1"},
			method: keyvalue.NewStore, cents: 1500, reason: "belongs to the app", facts: []string{"Memory: 50 MB before, 100 MB after"},
		},
		{
			name: "another app and a plan of which nothing is known",
			from: keyvalue.Spec{AppID: "a", Plan: "elastic-1"}, to: keyvalue.Spec{AppID: "b", Plan: "elastic-1"},
			method: keyvalue.NewStore, cents: 0, reason: "belongs to the app",
		},
		{
			name: "another app with a shield store",
			from: keyvalue.Spec{AppID: "a", Plan: "shield-7"}, to: keyvalue.Spec{AppID: "b", Plan: "shield-7"},
			method: keyvalue.Refused, cents: unpublished, reason: "does not fork to shield plans",
		},
		{
			name: "another app and another class",
			from: keyvalue.Spec{AppID: "a", Plan: "premium-7"}, to: keyvalue.Spec{AppID: "b", Plan: "private-7"},
			method: keyvalue.NewStore, cents: 15000, reason: "cannot move",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := keyvalue.Impact(tt.from, tt.to)

			if got.Method != tt.method {
				t.Errorf("method %d, want %d", got.Method, tt.method)
			}
			if got.DataMayBeLost != tt.dataMayBeLost || got.Downgrade != tt.downgrade {
				t.Errorf("data may be lost %t, downgrade %t; want %t, %t", got.DataMayBeLost, got.Downgrade, tt.dataMayBeLost, tt.downgrade)
			}
			switch delta := got.PriceDeltaCents; {
			case delta == nil && tt.cents != unpublished:
				t.Errorf("no price delta, want %d", tt.cents)
			case delta != nil && *delta != tt.cents:
				t.Errorf("price delta %d, want %d", *delta, tt.cents)
			}
			if !strings.Contains(got.Reason, tt.reason) || (tt.reason == "") != (got.Reason == "") {
				t.Errorf("the reason should say %q: %s", tt.reason, got.Reason)
			}

			facts := strings.Join(got.Facts, "\n")
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
			for _, fact := range got.Facts {
				if !strings.HasSuffix(fact, ".") {
					t.Errorf("not a sentence: %s", fact)
				}
			}
			if (got.Method == keyvalue.NoChange) != (len(got.Facts) == 0) {
				t.Errorf("method %d has the facts:\n%s", got.Method, facts)
			}
		})
	}
}

// For each pair of published plans, the method depends only on the classes, and the price difference of the reverse change is
// the negative.
func TestImpactOfEachPairOfPlans(t *testing.T) {
	t.Parallel()
	for _, from := range keyvalue.Plans() {
		for _, to := range keyvalue.Plans() {
			want := keyvalue.InPlace
			switch {
			case from.Name == to.Name:
				want = keyvalue.NoChange
			case from.Class == to.Class:
			case to.Class == keyvalue.ClassShield:
				want = keyvalue.Refused
			default:
				want = keyvalue.NewStore
			}
			got := keyvalue.Impact(keyvalue.Spec{AppID: "a", Plan: from.Name}, keyvalue.Spec{AppID: "a", Plan: to.Name})
			if got.Method != want {
				t.Errorf("%s to %s: method %d, want %d", from.Name, to.Name, got.Method, want)
			}
			back := keyvalue.Impact(keyvalue.Spec{AppID: "a", Plan: to.Name}, keyvalue.Spec{AppID: "a", Plan: from.Name})
			if got.PriceDeltaCents != nil && back.PriceDeltaCents != nil && *got.PriceDeltaCents != -*back.PriceDeltaCents {
				t.Errorf("%s to %s costs %d, and back %d", from.Name, to.Name, *got.PriceDeltaCents, *back.PriceDeltaCents)
			}
		}
	}
}
