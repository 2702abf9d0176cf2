// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"fmt"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/acctest"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/sandbox"
)

// storeInfo is an answer of the Data API about a store, with these rows.
func storeInfo(plan string, rows ...string) *string {
	info := `{"name":"Status","values":["Available"]}`
	for _, row := range rows {
		info += "," + row
	}
	body := fmt.Sprintf(`{"name":"orders-cache","plan":%q,"info":[%s]}`, plan, info)
	return &body
}

// Setting a window is safe to repeat: an answer that is lost, however it is, costs a request and nothing else.
func TestLongMaintenanceWindow_lostAnswer(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]sandbox.Effect{
		"after it was set":      {Commit: true, Reset: true},
		"before it was set":     {Reset: true},
		"cut in the middle":     {Commit: true, Truncate: true},
		"with an error instead": {Commit: true, Status: 503},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sb := acctest.Start(t)
			someone := sb.Client(t)
			sb.Inject(sandbox.Fault{Match: sandbox.Match{Method: "POST", Path: "/data/maintenances/v1/*/window", Times: 1}, Do: fault})
			acctest.Test(t, resource.TestCase{
				ProtoV6ProviderFactories: sb.Factories(),
				CheckDestroy:             sb.NothingLeft(),
				Steps: []resource.TestStep{{
					Config: windowOf("premium-0", "Monday", "22:30"),
					PostApplyFunc: func() {
						if got := windowOn(t, someone); got != "Mondays 22:30 to Tuesdays 02:30 UTC" || sb.Faults()[0].Struck != 1 {
							t.Errorf("Heroku has %q, after %+v", got, sb.Faults())
						}
					},
				}},
			})
		})
	}
}

// Whatever the Data API says instead of a window, the one in the state is not given up.
func TestLongMaintenanceWindow_unreadable(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]*string{
		"words that are no window": storeInfo("premium-0", `{"name":"Maintenance window","values":["soon"]}`),
		"nothing about it":         storeInfo("premium-0"),
		"a plan that nobody knows": storeInfo("premium-99"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sb := acctest.Start(t)
			acctest.Test(t, resource.TestCase{
				ProtoV6ProviderFactories: sb.Factories(),
				CheckDestroy:             sb.NothingLeft(),
				Steps: []resource.TestStep{
					{Config: windowOf("premium-0", "Monday", "22:30")},
					{
						PreConfig: func() {
							sb.Inject(sandbox.Fault{Match: sandbox.Match{Method: "GET", Path: "/redis/v0/databases/*"},
								Do: sandbox.Effect{Status: 200, Body: body}})
						},
						RefreshState: true,
					},
					{
						PreConfig:         func() { sb.Clear() },
						Config:            windowOf("premium-0", "Monday", "22:30"),
						ConfigPlanChecks:  noChange,
						ConfigStateChecks: []statecheck.StateCheck{windowHas("window", "Mondays 22:30 to Tuesdays 02:30 UTC")},
					},
				},
			})
		})
	}
}

// A store that Heroku has on mini has no window any more, and its resource goes from the state until it has one again.
func TestLongMaintenanceWindow_planWithoutWindow(t *testing.T) {
	t.Parallel()
	sb := acctest.Start(t)
	acctest.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: sb.Factories(),
		Steps: []resource.TestStep{
			{Config: windowOf("premium-0", "Monday", "22:30")},
			{
				PreConfig: func() {
					sb.Inject(sandbox.Fault{Match: sandbox.Match{Method: "GET", Path: "/redis/v0/databases/*"},
						Do: sandbox.Effect{Status: 200, Body: storeInfo("mini")}})
				},
				RefreshState:       true,
				ExpectNonEmptyPlan: true,
			},
			{PreConfig: func() { sb.Clear() }, Config: windowOf("premium-0", "Monday", "22:30")},
		},
	})
}

// Where Heroku knows no maintenance of a store, it answers 404 or none.
func TestLongMaintenanceDataSource_unknownToHeroku(t *testing.T) {
	t.Parallel()
	sb := acctest.Start(t)
	body := `{"message":"not found"}`
	acctest.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: sb.Factories(),
		Steps: []resource.TestStep{
			{Config: appAndStore("premium-0")},
			{
				PreConfig: func() {
					sb.Inject(sandbox.Fault{Match: sandbox.Match{Path: "^/data/maintenances/v1/[0-9a-f-]{36}(/history)?$"}, Do: sandbox.Effect{Status: 404, Body: &body}})
				},
				Config:            appAndStore("premium-0") + maintenanceOfStoreAndApp,
				ConfigStateChecks: maintenanceHas(map[string]any{"status": "none", "due_outside_window": false}),
			},
			{ // other refusals are errors
				PreConfig: func() {
					sb.Clear()
					sb.Inject(sandbox.Fault{Match: sandbox.Match{Path: "/data/maintenances/v1/*"}, Do: sandbox.Effect{Status: 403}})
				},
				Config:      appAndStore("premium-0") + maintenanceOfStoreAndApp,
				ExpectError: acctest.Says("Unable to read the maintenance of Key-Value Store"),
			},
			{PreConfig: func() { sb.Clear() }, Config: appAndStore("premium-0")},
		},
	})
}
