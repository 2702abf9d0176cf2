// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/acctest"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/sandbox"
)

const maintenanceOfStoreAndApp = `
data "kvs_maintenance" "cache" {
  instance_id = kvs_instance.cache.id
}

data "kvs_maintenance" "web" {
  app_id     = kvs_app.web.id
  depends_on = [kvs_instance.cache]
}
`

// maintenanceHas checks the first maintenance of both data sources; nil is null.
func maintenanceHas(values map[string]any) []statecheck.StateCheck {
	var checks []statecheck.StateCheck
	for attribute, value := range values {
		var want knownvalue.Check = knownvalue.Null()
		switch value := value.(type) {
		case string:
			want = knownvalue.StringExact(value)
		case bool:
			want = knownvalue.Bool(value)
		case float64:
			want = knownvalue.Float64Exact(value)
		}
		for _, address := range []string{"data.kvs_maintenance.cache", "data.kvs_maintenance.web"} {
			checks = append(checks, statecheck.ExpectKnownValue(address,
				tfjsonpath.New("maintenances").AtSliceIndex(0).AtMapKey(attribute), want))
		}
	}
	return checks
}

func TestAccMaintenanceDataSource_life(t *testing.T) {
	t.Parallel()
	sb := acctest.Start(t, func(o *sandbox.Options) { o.Maintenance = 186 * time.Second })
	config := windowOf("premium-0", "Friday", "18:00") + maintenanceOfStoreAndApp
	require := func(in time.Duration) func() {
		return func() {
			if err := sb.RequireMaintenance("orders-cache", in); err != nil {
				t.Fatal(err)
			}
		}
	}
	until := func(s string) func() {
		return func() {
			at, err := time.Parse(time.RFC3339, s)
			if err != nil {
				t.Fatal(err)
			}
			sb.Clock().AdvanceTo(at)
		}
	}
	history := func(n int) statecheck.StateCheck {
		return statecheck.ExpectKnownValue("data.kvs_maintenance.cache", tfjsonpath.New("history"), knownvalue.ListSizeExact(n))
	}
	acctest.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: sb.Factories(),
		CheckDestroy:             sb.NothingLeft(),
		Steps: []resource.TestStep{
			{Config: windowOf("premium-0", "Friday", "18:00")},
			{ // there is none at first
				Config: config,
				ConfigStateChecks: append(maintenanceHas(map[string]any{
					"instance_name": "orders-cache", "status": "none", "window": "Fridays 18:00 to 22:00 UTC", "due_outside_window": false,
					"reason": nil, "method": nil, "required_by": nil, "scheduled_for": nil, "started_at": nil,
					"completed_at": nil, "duration_seconds": nil,
				}), history(0), statecheck.ExpectKnownValue("data.kvs_maintenance.web", tfjsonpath.New("history"), knownvalue.Null())),
			},
			{ // one that is required waits for the window, without a change to anything that is managed
				PreConfig:        require(14 * 24 * time.Hour),
				Config:           config,
				ConfigPlanChecks: noChange,
				ConfigStateChecks: append(maintenanceHas(map[string]any{
					"status": "preparing", "reason": "routine_maintenance", "method": "failover",
					"scheduled_for": "2026-01-16T18:00:00Z", "due_outside_window": false,
				}), history(1)),
			},
			{
				PreConfig:        until("2026-01-16T18:00:01Z"),
				Config:           config,
				ConfigPlanChecks: noChange,
				ConfigStateChecks: maintenanceHas(map[string]any{"status": "running",
					"started_at": "2026-01-16T18:00:00Z", "completed_at": nil}),
			},
			{
				PreConfig:        until("2026-01-16T18:04:00Z"),
				Config:           config,
				ConfigPlanChecks: noChange,
				ConfigStateChecks: maintenanceHas(map[string]any{
					"status": "completed", "completed_at": "2026-01-16T18:03:06Z", "duration_seconds": 186.0,
					"window": "Fridays 18:00 to 22:00 UTC",
				}),
			},
			{ // one that cannot wait for the window is told apart
				PreConfig:         require(24 * time.Hour),
				Config:            config,
				ConfigStateChecks: append(maintenanceHas(map[string]any{"status": "preparing", "due_outside_window": true}), history(2)),
			},
		},
	})
}

func TestAccMaintenanceDataSource_mini(t *testing.T) {
	t.Parallel()
	sb := acctest.Start(t)
	acctest.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: sb.Factories(),
		Steps: []resource.TestStep{
			{
				Config:      `data "kvs_maintenance" "missing" { instance_id = "7c4e2a90-3b5d-4f8e-a1c6-d2e3f4a5b6c7" }`,
				ExpectError: acctest.Says("Key-Value Store 7c4e2a90-3b5d-4f8e-a1c6-d2e3f4a5b6c7: Heroku answered 404 not_found"),
			},
			{
				Config:      `data "kvs_maintenance" "none" {}`,
				ExpectError: acctest.Says("Missing Attribute Configuration"),
			},
			{ // a plan without maintenance is no error, so that one check serves all stores
				Config: appAndStore("mini") + maintenanceOfStoreAndApp,
				ConfigStateChecks: maintenanceHas(map[string]any{"instance_name": "orders-cache", "status": "none",
					"window": nil, "due_outside_window": false}),
			},
		},
	})
}

// What the documentation shows: a check that speaks up about a maintenance outside the window.
func TestAccMaintenanceDataSource_check(t *testing.T) {
	t.Parallel()
	sb := acctest.Start(t, func(o *sandbox.Options) { o.Clock, o.Provisioning = nil, time.Millisecond })
	cli := sb.CLI(t, windowOf("premium-0", "Friday", "18:00")+`
data "kvs_maintenance" "cache" {
  instance_id = kvs_instance.cache.id
}

check "maintenance_in_window" {
  assert {
    condition     = !anytrue(data.kvs_maintenance.cache.maintenances[*].due_outside_window)
    error_message = "Maintenance is due outside the window."
  }
}
`)
	cli.Apply()
	if plan := cli.Run("plan", "-detailed-exitcode", "-input=false", "-no-color"); plan.Code != 0 {
		t.Errorf("before there is a maintenance: exit code %d:\n%s", plan.Code, plan.Output())
	}
	now, err := sb.Client(t).MaintenanceWindow(t.Context(), mustFind(t, sb.Client(t), "orders-cache").ID)
	if err != nil || now.Window != "Fridays 18:00 to 22:00 UTC" {
		t.Fatal(now, err)
	}
	// Real time: an hour from now may be in the window, unless the window is made to be elsewhere.
	elsewhere := time.Now().UTC().Add(36 * time.Hour)
	if _, err := sb.Client(t).SetMaintenanceWindow(t.Context(), mustFind(t, sb.Client(t), "orders-cache").ID,
		elsewhere.Weekday().String(), "12:00"); err != nil {
		t.Fatal(err)
	}
	if err := sb.RequireMaintenance("orders-cache", time.Hour); err != nil {
		t.Fatal(err)
	}
	if plan := cli.Run("plan", "-input=false", "-no-color"); plan.Code != 0 || !acctest.Says(
		"Maintenance is due outside the window.").MatchString(plan.Output()) {
		t.Errorf("exit code %d, and no warning:\n%s", plan.Code, plan.Output())
	}
}
