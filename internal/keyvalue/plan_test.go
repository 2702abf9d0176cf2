// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package keyvalue_test

import (
	"reflect"
	"strings"
	"testing"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/keyvalue"
)

// The plan tables of Dev Center and of the Elements marketplace, with every cell.
func TestPlansAreThePublishedOnes(t *testing.T) {
	t.Parallel()

	const unpublished = -1
	none, full := []string(nil), []string{"HIPAA", "PCI"}
	want := []struct {
		name         keyvalue.PlanName
		class        keyvalue.RuntimeClass
		memoryMB     int
		connections  int
		cents        int
		vcpu         int
		shared       bool
		ha           bool
		persistence  string
		window       bool
		tls          bool
		singleTenant bool
		compliance   []string
	}{
		{"mini", keyvalue.ClassCommon, 25, 20, 300, 2, true, false, "None", false, true, false, none},
		{"premium-0", keyvalue.ClassCommon, 50, 40, 1500, 2, false, true, "AOF", true, true, false, none},
		{"premium-1", keyvalue.ClassCommon, 100, 80, 3000, 2, false, true, "AOF", true, true, false, none},
		{"premium-2", keyvalue.ClassCommon, 250, 200, 6000, 2, false, true, "AOF", true, true, false, none},
		{"premium-3", keyvalue.ClassCommon, 500, 400, 12000, 2, false, true, "AOF", true, true, false, none},
		{"premium-4", keyvalue.ClassCommon, 750, 700, unpublished, 2, false, true, "AOF", true, true, false, none},
		{"premium-5", keyvalue.ClassCommon, 1024, 1000, 20000, 2, false, true, "AOF", true, true, false, none},
		{"premium-7", keyvalue.ClassCommon, 7168, 10000, 75000, 2, false, true, "AOF", true, true, true, none},
		{"premium-9", keyvalue.ClassCommon, 10240, 25000, 145000, 4, false, true, "AOF", true, true, true, none},
		{"premium-10", keyvalue.ClassCommon, 25600, 40000, 350000, 8, false, true, "AOF", true, true, true, none},
		{"premium-12", keyvalue.ClassCommon, 51200, 65000, 650000, 16, false, true, "AOF", true, true, true, none},
		{"premium-14", keyvalue.ClassCommon, 102400, 65000, 1250000, 32, false, true, "AOF", true, true, true, none},
		{"private-7", keyvalue.ClassPrivate, 7168, 10000, 90000, 2, false, true, "AOF", true, true, true, none},
		{"private-9", keyvalue.ClassPrivate, 10240, 25000, 175000, 4, false, true, "AOF", true, true, true, none},
		{"private-10", keyvalue.ClassPrivate, 25600, 40000, 400000, 8, false, true, "AOF", true, true, true, none},
		{"private-12", keyvalue.ClassPrivate, 51200, 65000, 750000, 16, false, true, "AOF", true, true, true, none},
		{"private-14", keyvalue.ClassPrivate, 102400, 65000, 1400000, 32, false, true, "AOF", true, true, true, none},
		{"shield-7", keyvalue.ClassShield, 7168, 10000, 110000, 2, false, true, "AOF", true, true, true, full},
		{"shield-9", keyvalue.ClassShield, 10240, 25000, 210000, 4, false, true, "AOF", true, true, true, full},
		{"shield-10", keyvalue.ClassShield, 25600, 40000, 480000, 8, false, true, "AOF", true, true, true, full},
		{"shield-12", keyvalue.ClassShield, 51200, 65000, 900000, 16, false, true, "AOF", true, true, true, full},
		{"shield-14", keyvalue.ClassShield, 102400, 65000, 1960000, 32, false, true, "AOF", true, true, true, full},
	}

	plans := keyvalue.Plans()
	if len(plans) != 22 || len(want) != 22 {
		t.Fatalf("got %d plans and %d rows, want 22", len(plans), len(want))
	}
	for i, w := range want {
		t.Run(string(w.name), func(t *testing.T) {
			t.Parallel()
			plan := keyvalue.Plan{
				Name: w.name, Class: w.class, MemoryMB: w.memoryMB, ConnectionLimit: w.connections, VCPU: w.vcpu, SharedCPU: w.shared,
				HighAvailability: w.ha, Persistence: w.persistence, MaintenanceWindow: w.window, RequiresTLS: w.tls,
				SingleTenant: w.singleTenant, Compliance: w.compliance,
			}
			if w.cents != unpublished {
				plan.MonthlyPriceCents = &w.cents
			}
			if !reflect.DeepEqual(plans[i], plan) {
				t.Errorf("in the list:\n got %+v\nwant %+v", plans[i], plan)
			}
			found, ok := keyvalue.LookupPlan(w.name)
			if !ok || !reflect.DeepEqual(found, plan) {
				t.Errorf("looked up (%t):\n got %+v\nwant %+v", ok, found, plan)
			}
			if got, want := found.MemoryBytes(), int64(w.memoryMB)*1024*1024; got != want {
				t.Errorf("memory is %d bytes, want %d", got, want)
			}
		})
	}
}

func TestPlansAreTheCallersToChange(t *testing.T) {
	t.Parallel()
	mine := keyvalue.Plans()
	mine[0].Name = "changed"
	*mine[1].MonthlyPriceCents = 1
	mine[17].Compliance[0] = "changed"
	if p := keyvalue.Plans(); p[0].Name != "mini" || *p[1].MonthlyPriceCents != 1500 || p[17].Compliance[0] != "HIPAA" {
		t.Error("a change to one list shows in the next")
	}
}

func TestLookupOfUnpublishedPlans(t *testing.T) {
	t.Parallel()
	for _, name := range []keyvalue.PlanName{"", "private-3", "premium-6", "heroku-redis:mini", "hobby-dev", "Mini"} {
		if p, ok := keyvalue.LookupPlan(name); ok {
			t.Errorf("%q is found: %+v", name, p)
		}
	}
}

func TestParsePlanName(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]keyvalue.PlanName{
		"premium-0":              "premium-0",
		"heroku-redis:premium-0": "premium-0",
		"mini":                   "mini",
		"heroku-redis:mini":      "mini",
		"hobby-dev":              "mini",
		"heroku-redis:hobby-dev": "mini",
		"private-14":             "private-14",
		"private-3":              "private-3", // it exists, but is not documented
		"elastic.2_x":            "elastic.2_x",
	} {
		got, err := keyvalue.ParsePlanName(in)
		if err != nil || got != want {
			t.Errorf("%q reads as %q, %v; want %q", in, got, err, want)
		}
		if wire := "heroku-redis:" + string(want); got.Wire() != wire {
			t.Errorf("%q is %q on the wire, want %q", in, got.Wire(), wire)
		}
	}
}

func TestParsePlanNameRefuses(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"":                                     "the plan is empty",
		"heroku-postgresql:mini":               `service "heroku-postgresql"`,
		":premium-0":                           `service ""`,
		"HEROKU-REDIS:premium-0":               `service "HEROKU-REDIS"`,
		"heroku-redis":                         "without a plan",
		"heroku-redis:":                        "without a plan",
		"heroku-redis:heroku-redis":            "without a plan",
		"ad3f2c10-7b64-4f0e-9c1d-2e3f4a5b6c7d": "the id of a plan",
		"Premium-0":                            "not a plan name",
		"Premium 0":                            "not a plan name",
		"premium-":                             "not a plan name",
		"-premium":                             "not a plan name",
		"premium--0":                           "not a plan name",
		"7":                                    "not a plan name",
		" premium-0":                           "not a plan name",
		"premium-0\n":                          "not a plan name",
		"premium/0":                            "not a plan name",
		"heroku-redis:mini:mini":               "not a plan name",
		"premium-ö":                            "not a plan name",
	} {
		got, err := keyvalue.ParsePlanName(in)
		if err == nil {
			t.Errorf("%q reads as %q", in, got)
			continue
		}
		if !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), `such as "premium-0"`) {
			t.Errorf("%q: the error should say %q and give an example: %v", in, want, err)
		}
	}
}

func TestClassOfPlan(t *testing.T) {
	t.Parallel()
	for name, want := range map[keyvalue.PlanName]keyvalue.RuntimeClass{
		"mini": keyvalue.ClassCommon, "mini-2": keyvalue.ClassCommon,
		"premium-0": keyvalue.ClassCommon, "premium-99": keyvalue.ClassCommon,
		"private-7": keyvalue.ClassPrivate, "private-3": keyvalue.ClassPrivate,
		"shield-7": keyvalue.ClassShield, "shield-3": keyvalue.ClassShield,
		"": "", "elastic-1": "", "privateer": "", "shielded-1": "", "premium": keyvalue.ClassCommon,
	} {
		if got, known := name.Class(); got != want || known != (want != "") {
			t.Errorf("%q is of class %q (%t), want %q", name, got, known, want)
		}
	}
}

func TestPlanSummaries(t *testing.T) {
	t.Parallel()
	for name, want := range map[keyvalue.PlanName]string{
		"mini":       "mini (25 MB, $3.00 a month)",
		"premium-0":  "premium-0 (50 MB, $15.00 a month)",
		"premium-4":  "premium-4 (750 MB, price not published)",
		"premium-5":  "premium-5 (1 GB, $200.00 a month)",
		"private-7":  "private-7 (7 GB, $900.00 a month)",
		"private-14": "private-14 (100 GB, $14000.00 a month)",
		"shield-9":   "shield-9 (10 GB, $2100.00 a month)",
	} {
		plan, ok := keyvalue.LookupPlan(name)
		if got := plan.Summary(); !ok || got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
