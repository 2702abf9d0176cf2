// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/acctest"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
)

func TestLongInstance_refusedReplacement(t *testing.T) {
	t.Parallel()
	sb := acctest.Start(t)
	estate := func(plan, migration string) string {
		return `
resource "kvs_private_space" "shield" {
  name                = "acme-shield"
  team                = "acme"
  shield              = true
  deletion_protection = false
}

resource "kvs_app" "shielded" {
  name     = "orders-shielded"
  space_id = kvs_private_space.shield.id
}
` + strings.Replace(appAndStore(plan, migration), "kvs_app.web.id", map[bool]string{true: "kvs_app.shielded.id", false: "kvs_app.web.id"}[plan == "shield-7"], 1)
	}
	acctest.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: sb.Factories(),
		CheckDestroy:             sb.NothingLeft(),
		Steps: []resource.TestStep{
			{Config: estate("premium-0", "")},
			{ // a plan that does not run where the app is stays refused, fork or not
				Config:      estate("private-7", ""),
				ExpectError: acctest.Says("Plan does not fit the app's runtime"),
			},
			{ // Heroku does not fork to a shield plan, and nothing else carries the data there
				Config:      estate("shield-7", ""),
				ExpectError: acctest.Says("Heroku does not fork to shield plans."),
			},
			{ // losing the data needs two consents
				Config:      estate("shield-7", `migration = { strategy = "recreate" }`),
				ExpectError: acctest.Says("Set accept_data_loss = true"),
			},
			{ // and no protection
				Config: strings.Replace(estate("shield-7",
					`migration = { strategy = "recreate", accept_data_loss = true }`), "deletion_protection = false\n  m", "m", 1),
				ExpectError: acctest.Says("Key-Value Store is protected from deletion"),
			},
			{ // nothing has happened to the store
				Config:           estate("premium-0", ""),
				ConfigPlanChecks: noChange,
			},
			{ // with both, an empty store takes its place
				Config:           estate("shield-7", `migration = { strategy = "recreate", accept_data_loss = true }`),
				ConfigPlanChecks: planned(plancheck.ResourceActionUpdate),
				ConfigStateChecks: []statecheck.StateCheck{
					storeHas("plan", knownvalue.StringExact("shield-7")),
					storeHas("name", knownvalue.StringExact("orders-cache")),
					storeHas("retired_instance_id", knownvalue.Null()),
				},
			},
		},
	})
	if orders := sb.Requests("POST", "/apps/.*/addons"); len(orders) != 2 {
		t.Errorf("%d stores were ordered, want the first and the last", len(orders))
	}
}

func TestLongInstance_drift(t *testing.T) {
	t.Parallel()
	sb := acctest.Start(t)
	someone := sb.Client(t)
	acctest.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: sb.Factories(),
		CheckDestroy:             sb.NothingLeft(),
		Steps: []resource.TestStep{
			{Config: appAndStore("premium-0")},
			{ // somebody changed a setting and the name in the dashboard: the plan undoes exactly that
				PreConfig: func() {
					addOn := mustFind(t, someone, "orders-cache")
					policy, name := "allkeys-lfu", "renamed-by-hand"
					if err := someone.UpdateStoreConfig(t.Context(), addOn.ID,
						heroku.StoreConfigUpdate{MaxmemoryPolicy: &policy}); err != nil {
						t.Fatal(err)
					}
					if _, err := someone.UpdateAddOn(t.Context(), addOn.AppID, addOn.ID, heroku.AddOnUpdate{Name: &name}); err != nil {
						t.Fatal(err)
					}
				},
				Config: appAndStore("premium-0"),
				ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
					plancheck.ExpectResourceAction(store, plancheck.ResourceActionUpdate),
					plancheck.ExpectKnownValue(store, tfjsonpath.New("maxmemory_policy"), knownvalue.StringExact("noeviction")),
					plancheck.ExpectKnownValue(store, tfjsonpath.New("name"), knownvalue.StringExact("orders-cache")),
					plancheck.ExpectKnownValue(store, tfjsonpath.New("timeout"), knownvalue.Int64Exact(300)),
				}},
				ConfigStateChecks: []statecheck.StateCheck{storeHas("maxmemory_policy", knownvalue.StringExact("noeviction"))},
			},
			{ // somebody destroyed it: the plan orders a new one, and does not fail
				PreConfig: func() {
					addOn := mustFind(t, someone, "orders-cache")
					if err := someone.DeleteAddOn(t.Context(), addOn.AppID, addOn.ID); err != nil {
						t.Fatal(err)
					}
				},
				Config:           appAndStore("premium-0"),
				ConfigPlanChecks: planned(plancheck.ResourceActionCreate),
			},
		},
	})
}

func TestAccInstance_deletionProtection(t *testing.T) {
	t.Parallel()
	sb := acctest.Start(t)
	protected := strings.Replace(appAndStore("premium-0"), "deletion_protection = false", "", 1)
	app, _, _ := strings.Cut(protected, `resource "kvs_instance"`)
	refusal := acctest.Says("Key-Value Store is protected from deletion")
	acctest.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: sb.Factories(),
		CheckDestroy:             sb.NothingLeft(),
		Steps: []resource.TestStep{
			{ // protection is the default
				Config:            protected,
				ConfigStateChecks: []statecheck.StateCheck{storeHas("deletion_protection", knownvalue.Bool(true))},
			},
			{ // a plan that destroys is refused
				Config:      protected,
				Destroy:     true,
				ExpectError: refusal,
			},
			{ // so is a plan that drops the block
				Config:      app,
				ExpectError: refusal,
			},
			{ // two applies destroy it on purpose
				Config:           appAndStore("premium-0"),
				ConfigPlanChecks: planned(plancheck.ResourceActionUpdate),
			},
		},
	})
	if n := len(sb.Requests("DELETE", "/apps/.*/addons/.*")); n != 1 {
		t.Errorf("%d requests destroyed a store, want only the one of the clean-up", n)
	}
}
