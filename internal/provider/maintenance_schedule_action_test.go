// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"testing"
	"time"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/sandbox"
)

func TestScheduleMaintenance(t *testing.T) {
	t.Parallel()
	const action = "kvs_schedule_maintenance"
	w := newKeptWorld(t, "premium-0")
	w.invoke(action, w.about(values{"in_weeks": 1.5})).failed("a time of 1.5 weeks is not a whole number: write for example 1 or 2")
	w.invoke(action, w.about(values{"in_weeks": 1})).succeeded("there is nothing to schedule: no maintenance is outstanding")
	w.invoke(runMaintenance, w.about(nil)).succeeded("there is nothing to run: no maintenance is outstanding")
	if _, err := w.Somebody.SetMaintenanceWindow(t.Context(), w.store, "monday", "22:30"); err != nil {
		t.Fatal(err)
	}
	w.require() // on the 14th of January, within three weeks
	scheduled := func() string {
		m, err := w.Somebody.Maintenance(t.Context(), w.store)
		if err != nil {
			t.Fatal(err)
		}
		return m.ScheduledFor.Format(time.RFC3339)
	}
	orders := 0
	for _, test := range []struct {
		name  string
		given values
		want  string
		sent  bool
	}{
		{"put off by a date", values{"not_before": "2026-01-20"}, "2026-01-26T22:30:00Z", true},
		{"the same again", values{"not_before": "2026-01-20"}, "2026-01-26T22:30:00Z", false},
		{"the same day in another way", values{"in_weeks": 1}, "2026-01-26T22:30:00Z", false},
		{"put off by weeks", values{"in_weeks": 2}, "2026-02-02T22:30:00Z", true},
		{"the same weeks again", values{"in_weeks": 2}, "2026-02-02T22:30:00Z", false},
		{"as soon as possible", values{"in_weeks": 0}, "2026-01-19T22:30:00Z", true},
		{"a date that is over", values{"not_before": "2025-12-24"}, "2026-01-19T22:30:00Z", false},
	} {
		w.invoke(action, w.about(test.given)).succeeded("it is scheduled for " + test.want)
		if test.sent {
			orders++
		}
		if got := scheduled(); got != test.want || len(w.Requests("POST", ".*/schedule")) != orders {
			t.Errorf("%s: it is scheduled for %s, want %s, after %d orders, want %d", test.name, got, test.want,
				len(w.Requests("POST", ".*/schedule")), orders)
		}
	}
	w.invoke(action, w.about(values{"in_weeks": 3})).failed("The maintenance cannot be put off for so long",
		"2026-02-04T", "Nothing was done")

	// a lost answer does not move it twice
	w.Inject(sandbox.Fault{Match: sandbox.Match{Method: "POST", Path: "/data/maintenances/v1/*/schedule", Times: 1},
		Do: sandbox.Effect{Commit: true, Reset: true}})
	w.invoke(action, w.about(values{"in_weeks": 1})).succeeded("it is scheduled for 2026-01-26T22:30:00Z")
	if got := scheduled(); got != "2026-01-26T22:30:00Z" {
		t.Errorf("after a lost answer it is scheduled for %s", got)
	}
}
