// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package keyvalue_test

import (
	"testing"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/keyvalue"
)

func TestChange_Outcome(t *testing.T) {
	t.Parallel()
	store := func(plan keyvalue.PlanName, version keyvalue.Version) keyvalue.Spec {
		return keyvalue.Spec{AppID: "a", Plan: plan, Version: version, Running: "7.2.4"}
	}
	for name, tt := range map[string]struct {
		from, to keyvalue.Spec
		terms    keyvalue.Terms
		want     keyvalue.Outcome
	}{
		"nothing": {
			from: store("premium-0", ""), to: store("premium-0", ""), terms: keyvalue.Terms{Empty: true, AppsHeld: true},
			want: keyvalue.Outcome{Data: "kept", URLChanges: "no", Interruption: "none"},
		},
		"a larger plan": {
			from: store("premium-0", ""), to: store("premium-1", ""),
			want: keyvalue.Outcome{Method: "plan_in_place", Data: "writes_at_risk", URLChanges: "possible", Interruption: "brief"},
		},
		"a smaller plan": {
			from: store("shield-9", ""), to: store("shield-7", ""),
			want: keyvalue.Outcome{Method: "plan_in_place", Data: "lost", URLChanges: "possible", Interruption: "brief"},
		},
		"a plan without persistence": {
			from: store("premium-0", ""), to: store("mini", ""),
			want: keyvalue.Outcome{Method: "plan_in_place", Data: "lost", URLChanges: "possible", Interruption: "brief"},
		},
		"a version": {
			from: store("premium-0", ""), to: store("premium-0", "8.0"),
			want: keyvalue.Outcome{Method: "version_upgrade", Data: "writes_at_risk", URLChanges: "possible",
				Interruption: "brief", Irreversible: true},
		},
		"the version of a mini store": {
			from: store("mini", ""), to: store("mini", "8.0"),
			want: keyvalue.Outcome{Method: "version_upgrade", Data: "lost", URLChanges: "possible",
				Interruption: "brief", Irreversible: true},
		},
		"another network": {
			from: store("premium-7", ""), to: store("private-7", ""),
			want: keyvalue.Outcome{Method: "replacement_by_fork", Data: "writes_at_risk", URLChanges: "yes", Interruption: "brief"},
		},
		"another network, and no app writes meanwhile": {
			from: store("premium-7", ""), to: store("private-7", ""), terms: keyvalue.Terms{AppsHeld: true},
			want: keyvalue.Outcome{Method: "replacement_by_fork", Data: "copied", URLChanges: "yes", Interruption: "while_copied"},
		},
		"out of a Shield Space": {
			from: store("shield-7", ""), to: store("premium-7", ""), terms: keyvalue.Terms{AppsHeld: true},
			want: keyvalue.Outcome{Method: "replacement_by_fork", Data: "copied", URLChanges: "yes",
				Interruption: "while_copied", Irreversible: true},
		},
		"a smaller plan of another network": {
			from: store("premium-9", ""), to: store("private-7", ""), terms: keyvalue.Terms{AppsHeld: true},
			want: keyvalue.Outcome{Method: "replacement_by_fork", Data: "lost", URLChanges: "yes", Interruption: "while_copied"},
		},
		"into a Shield Space, empty": {
			from: store("private-7", ""), to: store("shield-7", ""), terms: keyvalue.Terms{Empty: true},
			want: keyvalue.Outcome{Method: "replacement_empty", Data: "lost", URLChanges: "yes", Interruption: "brief", Irreversible: true},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := keyvalue.Impact(tt.from, tt.to).Outcome(tt.terms); got != tt.want {
				t.Errorf("%+v, want %+v", got, tt.want)
			}
		})
	}
}
