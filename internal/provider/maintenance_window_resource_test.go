// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-testing/compare"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"
	"github.com/hashicorp/terraform-plugin-testing/tfversion"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/acctest"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/sandbox"
)

const window = "kvs_maintenance_window.cache"

// windowOf is a store on this plan, with its window.
func windowOf(plan, day, at string) string {
	return appAndStore(plan) + fmt.Sprintf(`
resource "kvs_maintenance_window" "cache" {
  instance_id = kvs_instance.cache.id
  day         = %q
  time        = %q
}
`, day, at)
}

func windowHas(attribute, value string) statecheck.StateCheck {
	return statecheck.ExpectKnownValue(window, tfjsonpath.New(attribute), knownvalue.StringExact(value))
}

// windowPlanned is what the plan shows of the window.
func windowPlanned(action plancheck.ResourceActionType, values map[string]string) resource.ConfigPlanChecks {
	checks := []plancheck.PlanCheck{plancheck.ExpectResourceAction(window, action)}
	for attribute, value := range values {
		checks = append(checks, plancheck.ExpectKnownValue(window, tfjsonpath.New(attribute), knownvalue.StringExact(value)))
	}
	return resource.ConfigPlanChecks{PreApply: checks}
}

// windowOn is the window that Heroku has.
func windowOn(t *testing.T, client *heroku.Client) string {
	t.Helper()
	now, err := client.MaintenanceWindow(t.Context(), mustFind(t, client, "orders-cache").ID)
	if err != nil {
		t.Fatal(err)
	}
	return now.Window
}

func TestAccMaintenanceWindow_basic(t *testing.T) {
	t.Parallel()
	sb := acctest.Start(t)
	someone := sb.Client(t)
	acctest.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: sb.Factories(),
		CheckDestroy:             sb.NothingLeft(),
		Steps: []resource.TestStep{
			{ // the plan shows the whole window; Heroku has it afterwards
				Config: windowOf("premium-0", "Monday", "22:30"),
				ConfigPlanChecks: windowPlanned(plancheck.ResourceActionCreate, map[string]string{
					"window": "Mondays 22:30 to Tuesdays 02:30 UTC", "ends_at": "Tuesdays 02:30 UTC",
				}),
				ConfigStateChecks: []statecheck.StateCheck{
					windowHas("day", "Monday"), windowHas("time", "22:30"), windowHas("next", "2026-01-19T22:30:00Z"),
					statecheck.CompareValuePairs(window, tfjsonpath.New("instance_id"), store, tfjsonpath.New("id"), compare.ValuesSame()),
				},
				PostApplyFunc: func() {
					if got := windowOn(t, someone); got != "Mondays 22:30 to Tuesdays 02:30 UTC" {
						t.Errorf("Heroku has %q", got)
					}
				},
			},
			{ // the store's id imports it,
				ResourceName:      window,
				ImportState:       true,
				ImportStateVerify: true,
			},
			{ // so do its name
				ResourceName:      window,
				ImportState:       true,
				ImportStateId:     "orders-cache",
				ImportStateVerify: true,
			},
			{ // and an attachment of it
				ResourceName:      window,
				ImportState:       true,
				ImportStateId:     "orders-web::REDIS",
				ImportStateVerify: true,
			},
			{ // a refresh asks the Data API once, for store and window together
				PreConfig:        func() { sb.ResetJournal() },
				Config:           windowOf("premium-0", "Monday", "22:30"),
				ConfigPlanChecks: noChange,
			},
			{ // weeks later, next has moved on and the plan is still empty
				PreConfig: func() {
					for _, requests := range sb.Commands() {
						requests = slices.DeleteFunc(requests, func(r sandbox.Request) bool {
							return !strings.HasPrefix(r.Path, "/redis/") && !strings.HasPrefix(r.Path, "/data/")
						})
						if len(requests) > 1 {
							t.Errorf("the Data API was asked %d times in one command: %v", len(requests), requests)
						}
					}
					if len(sb.Requests("GET", "/redis/.*")) == 0 {
						t.Error("the Data API was not asked at all, so nothing was counted")
					}
					sb.Clock().Advance(14 * 24 * time.Hour)
				},
				Config:            windowOf("premium-0", "Monday", "22:30"),
				ConfigPlanChecks:  noChange,
				ConfigStateChecks: []statecheck.StateCheck{windowHas("next", "2026-02-02T22:30:00Z")},
			},
		},
	})
}

func TestAccMaintenanceWindow_identity(t *testing.T) {
	t.Parallel()
	sb := acctest.Start(t)
	acctest.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: sb.Factories(),
		TerraformVersionChecks:   []tfversion.TerraformVersionCheck{tfversion.SkipBelow(tfversion.Version1_12_0)},
		Steps: []resource.TestStep{
			{Config: windowOf("premium-0", "Monday", "22:30")},
			{ResourceName: window, ImportState: true, ImportStateKind: resource.ImportBlockWithResourceIdentity},
		},
	})
}

func TestLongMaintenanceWindow_update(t *testing.T) {
	t.Parallel()
	sb := acctest.Start(t)
	someone := sb.Client(t)
	steps := []resource.TestStep{
		{Config: windowOf("premium-0", "Sunday", "13:30")},
	}
	for _, spelling := range [][2]string{{"sundays", "13:30"}, {"sun", "1:30PM"}, {"SUNDAY", "01:30 pm"}} {
		steps = append(steps, resource.TestStep{ // spellings that mean the same are no change
			Config:            windowOf("premium-0", spelling[0], spelling[1]),
			ConfigPlanChecks:  noChange,
			ConfigStateChecks: []statecheck.StateCheck{windowHas("day", "Sunday"), windowHas("time", "13:30")},
		})
	}
	steps = append(steps,
		resource.TestStep{ // another time changes it in place, and the store not at all
			Config: windowOf("premium-0", "sun", "11:30PM"),
			ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: append(
				windowPlanned(plancheck.ResourceActionUpdate, map[string]string{"window": "Sundays 23:30 to " +
					"Mondays 03:30 UTC", "ends_at": "Mondays 03:30 UTC"}).PreApply,
				plancheck.ExpectResourceAction(store, plancheck.ResourceActionNoop),
				plancheck.ExpectUnknownValue(window, tfjsonpath.New("next")))},
			ConfigStateChecks: []statecheck.StateCheck{windowHas("next", "2026-01-18T23:30:00Z")},
		},
		resource.TestStep{ // a window that somebody set by hand is drift of exactly that, and goes
			PreConfig: func() {
				if _, err := someone.SetMaintenanceWindow(t.Context(), mustFind(t, someone, "orders-cache").ID,
					"friday", "06:00"); err != nil {
					t.Fatal(err)
				}
			},
			Config: windowOf("premium-0", "sun", "11:30PM"),
			ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: append(
				windowPlanned(plancheck.ResourceActionUpdate, map[string]string{"window": "Sundays 23:30 to Mondays 03:30 UTC"}).PreApply,
				plancheck.ExpectResourceAction(store, plancheck.ResourceActionNoop))},
			PostApplyFunc: func() {
				if got := windowOn(t, someone); got != "Sundays 23:30 to Mondays 03:30 UTC" {
					t.Errorf("Heroku has %q", got)
				}
			},
		},
		resource.TestStep{ // a change of plan in place keeps it
			Config:           windowOf("premium-1", "sun", "11:30PM"),
			ConfigPlanChecks: windowPlanned(plancheck.ResourceActionNoop, nil),
		},
	)
	acctest.Test(t, resource.TestCase{ProtoV6ProviderFactories: sb.Factories(), CheckDestroy: sb.NothingLeft(), Steps: steps})
}

func TestAccMaintenanceWindow_gone(t *testing.T) {
	t.Parallel()
	sb := acctest.Start(t)
	someone := sb.Client(t)
	acctest.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: sb.Factories(),
		CheckDestroy:             sb.NothingLeft(),
		Steps: []resource.TestStep{
			{Config: windowOf("premium-0", "Monday", "22:30")},
			{ // a store that somebody destroyed takes its window along: both are planned anew
				PreConfig: func() {
					found := mustFind(t, someone, "orders-cache")
					if err := someone.DeleteAddOn(t.Context(), found.AppID, found.ID); err != nil {
						t.Fatal(err)
					}
				},
				Config: windowOf("premium-0", "Monday", "22:30"),
				ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
					plancheck.ExpectResourceAction(store, plancheck.ResourceActionCreate),
					plancheck.ExpectResourceAction(window, plancheck.ResourceActionCreate),
				}},
				ConfigStateChecks: []statecheck.StateCheck{windowHas("window", "Mondays 22:30 to Tuesdays 02:30 UTC")},
			},
			{ // without the resource, Heroku keeps the window
				Config: appAndStore("premium-0"),
				PostApplyFunc: func() {
					if got := windowOn(t, someone); got != "Mondays 22:30 to Tuesdays 02:30 UTC" {
						t.Errorf("Heroku has %q", got)
					}
				},
			},
		},
	})
}

// Destroying says that it changed nothing.
func TestAccMaintenanceWindow_destroyWarns(t *testing.T) {
	t.Parallel()
	sb := acctest.Start(t, func(o *sandbox.Options) { o.Clock, o.Provisioning = nil, time.Millisecond })
	cli := sb.CLI(t, windowOf("premium-0", "Monday", "22:30"))
	cli.Apply()
	cli.Configure(appAndStore("premium-0"))
	if applied := cli.Run("apply", "-auto-approve", "-input=false", "-no-color"); applied.Code != 0 ||
		!acctest.Says("Heroku cannot unset a window").MatchString(applied.Output()) {
		t.Errorf("exit code %d:\n%s", applied.Code, applied.Output())
	}
}

func TestAccMaintenanceWindow_refusal(t *testing.T) {
	t.Parallel()
	refusals := map[string]acctest.Refusal{}
	for name, c := range map[string]struct{ day, at, says string }{
		"a day that is none":  {"Caturday", "13:30", `"Caturday" is not a day of the week: give an English name, for example Sunday`},
		"a minute that is no": {"Sunday", "14:31", `"14:31" is not a full or half hour: maintenance windows begin at :00 or :30, for example 14:30`},
		"an hour that is no":  {"Sunday", "25:00", "the hours are 0 to 23"},
	} {
		refusals[name] = acctest.Refusal{Config: windowOf("premium-0", c.day, c.at), Says: []string{c.says}}
	}
	acctest.Start(t).Refused(t, refusals)
}

func TestAccMaintenanceWindow_mini(t *testing.T) {
	t.Parallel()
	sb := acctest.Start(t)
	acctest.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: sb.Factories(),
		CheckDestroy:             sb.NothingLeft(),
		Steps: []resource.TestStep{
			{ // of a store that is made in the same run only the apply can tell, before it asks for a window
				Config:      windowOf("mini", "Sunday", "13:30"),
				ExpectError: acctest.Says("is on the plan mini. Heroku has maintenance windows on Premium, Private and Shield plans only."),
			},
			{ // of one that is there, the plan
				Config:      windowOf("mini", "Sunday", "13:30"),
				PlanOnly:    true,
				ExpectError: acctest.Says("The store's plan has no maintenance window"),
			},
			{ // and none can be imported
				ResourceName:  window,
				ImportState:   true,
				ImportStateId: "orders-cache",
				ExpectError:   acctest.Says("The store's plan has no maintenance window"),
			},
		},
	})
}

// A store that leaves mini may get its first window in the same apply.
func TestAccMaintenanceWindow_withItsPlan(t *testing.T) {
	t.Parallel()
	sb := acctest.Start(t)
	acctest.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: sb.Factories(),
		CheckDestroy:             sb.NothingLeft(),
		Steps: []resource.TestStep{
			{Config: appAndStore("mini")},
			{
				Config:            windowOf("premium-0", "Sunday", "13:30"),
				ConfigStateChecks: []statecheck.StateCheck{storeHas("plan", knownvalue.StringExact("premium-0"))},
			},
		},
	})
}

func TestAccMaintenanceWindow_notReady(t *testing.T) {
	t.Parallel()
	sb := acctest.Start(t)
	someone := sb.Client(t)
	id := ""
	acctest.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: sb.Factories(),
		Steps: []resource.TestStep{
			{ // a store that is still being provisioned is named
				PreConfig: func() {
					found, err := someone.CreateApp(t.Context(), heroku.AppCreate{Name: "orders-web"})
					if err != nil {
						t.Fatal(err)
					}
					ordered, err := someone.CreateAddOn(t.Context(), found.ID,
						heroku.AddOnCreate{Plan: "heroku-redis:premium-0", Name: "orders-cache"})
					if err != nil {
						t.Fatal(err)
					}
					id = string(ordered.ID)
				},
				Config: `
resource "kvs_maintenance_window" "cache" {
  instance_id = data.kvs_instance.cache.id
  day         = "Sunday"
  time        = "13:30"
}

data "kvs_instance" "cache" {
  name = "orders-cache"
}
`,
				ExpectError: acctest.Says("the store is provisioning, and can be given a window once it is provisioned"),
			},
		},
	})
	if id == "" {
		t.Error("no store was ordered")
	}
}

func TestLongMaintenanceWindow_unknownValues(t *testing.T) {
	t.Parallel()
	sb := acctest.Start(t)
	config := func(day string) string {
		return appAndStore("premium-0") + fmt.Sprintf(`
resource "terraform_data" "day" {
  input = %q
}

resource "kvs_maintenance_window" "cache" {
  instance_id = kvs_instance.cache.id
  day         = terraform_data.day.output
  time        = "13:30"
}
`, day)
	}
	acctest.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: sb.Factories(),
		CheckDestroy:             sb.NothingLeft(),
		Steps: []resource.TestStep{
			{ // a day that is known only after apply plans cleanly,
				Config: config("sundays"),
				ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
					plancheck.ExpectUnknownValue(window, tfjsonpath.New("day")),
					plancheck.ExpectUnknownValue(window, tfjsonpath.New("window")),
					plancheck.ExpectUnknownValue(window, tfjsonpath.New("ends_at")),
					plancheck.ExpectUnknownValue(window, tfjsonpath.New("next")),
				}},
				ConfigStateChecks: []statecheck.StateCheck{windowHas("day", "sundays"), windowHas("window", "Sundays 13:30 to 17:30 UTC")},
			},
			{ // also one that changes
				Config: config("monday"),
				ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
					plancheck.ExpectResourceAction(window, plancheck.ResourceActionUpdate),
					plancheck.ExpectUnknownValue(window, tfjsonpath.New("window")),
				}},
				ConfigStateChecks: []statecheck.StateCheck{windowHas("day", "monday"), windowHas("ends_at", "Mondays 17:30 UTC")},
			},
			{ // and one that turns out to be none fails
				Config:      config("caturday"),
				ExpectError: acctest.Says(`"caturday" is not a day of the week`),
			},
		},
	})
}
