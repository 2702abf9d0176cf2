// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package keyvalue_test

import (
	"testing"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/keyvalue"
)

// A Terraform plan calls these functions for every store, some of them several times.

func BenchmarkImpactOfNothing(b *testing.B) {
	spec := keyvalue.Spec{AppID: "0f8a6c1e-2b4d-4e6f-8a1c-3d5e7f9b1c2d", Plan: "premium-0"}
	b.ReportAllocs()
	for b.Loop() {
		if change := keyvalue.Impact(spec, spec); change.Method == keyvalue.NewStore {
			b.Fatal(change)
		}
	}
}

func BenchmarkParsePlanName(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := keyvalue.ParsePlanName("heroku-redis:premium-0"); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkLookupPlan(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, ok := keyvalue.LookupPlan("premium-0"); !ok {
			b.Fatal("premium-0 is unknown")
		}
	}
}

func BenchmarkParseKeyspaceEvents(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := keyvalue.ParseKeyspaceEvents("KEA"); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkParseWindowText(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := keyvalue.ParseWindowText("Mondays 22:30 to Tuesdays 02:30 UTC"); err != nil {
			b.Fatal(err)
		}
	}
}
