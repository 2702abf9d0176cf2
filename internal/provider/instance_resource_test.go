// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/compare"
	"github.com/hashicorp/terraform-plugin-testing/config"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/acctest"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/sandbox"
)

const store = "kvs_instance.cache"

// appAndStore is an app with one unprotected store; settings are further arguments of the store.
func appAndStore(plan string, settings ...string) string {
	return fmt.Sprintf(`
resource "kvs_app" "web" {
  name = "orders-web"
}

resource "kvs_instance" "cache" {
  app_id              = kvs_app.web.id
  plan                = %q
  name                = "orders-cache"
  deletion_protection = false
  %s
}
`, plan, strings.Join(settings, "\n  "))
}

func storeHas(attribute string, value knownvalue.Check) statecheck.StateCheck {
	return statecheck.ExpectKnownValue(store, tfjsonpath.New(attribute), value)
}

func planned(action plancheck.ResourceActionType) resource.ConfigPlanChecks {
	return resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{plancheck.ExpectResourceAction(store, action)}}
}

var noChange = resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{plancheck.ExpectEmptyPlan()}}

func TestAccInstance_basic(t *testing.T) {
	t.Parallel()
	sb := acctest.Start(t)
	acctest.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: sb.Factories(),
		CheckDestroy:             sb.NothingLeft(),
		Steps: []resource.TestStep{
			{ // the least that a user writes gives a store that answers, with the catalogue's facts beside it
				Config: `
resource "kvs_app" "web" {
  name = "orders-web"
}

resource "kvs_instance" "cache" {
  app_id              = kvs_app.web.id
  plan                = "premium-0"
  deletion_protection = false
}
`,
				ConfigStateChecks: []statecheck.StateCheck{
					storeHas("plan", knownvalue.StringExact("premium-0")),
					storeHas("name", knownvalue.NotNull()),
					storeHas("state", knownvalue.StringExact("provisioned")),
					storeHas("attachment_name", knownvalue.StringExact("REDIS")),
					storeHas("config_vars", knownvalue.SetExact([]knownvalue.Check{knownvalue.StringExact("REDIS_URL")})),
					storeHas("timeout", knownvalue.Int64Exact(300)),
					storeHas("maxmemory_policy", knownvalue.StringExact("noeviction")),
					storeHas("notify_keyspace_events", knownvalue.StringExact("")),
					storeHas("memory_limit", knownvalue.Int64Exact(50)),
					storeHas("connection_limit", knownvalue.Int64Exact(40)),
					storeHas("monthly_price", knownvalue.Float64Exact(15)),
					storeHas("high_availability", knownvalue.Bool(true)),
					storeHas("persistence", knownvalue.StringExact("AOF")),
					storeHas("requires_tls", knownvalue.Bool(true)),
					storeHas("version_actual", knownvalue.NotNull()),
				},
				PostApplyFunc: func() {
					name := sb.Living()[0].Name
					if err := sb.Redis(t, name).Set(t.Context(), "greeting", "hello", 0).Err(); err != nil {
						t.Errorf("writing a key: %v", err)
					}
				},
			},
			{ // the UUID imports it
				ResourceName:      store,
				ImportState:       true,
				ImportStateVerify: true,
				// An imported store is protected until the configuration says otherwise.
				ImportStateVerifyIgnore: []string{"deletion_protection"},
			},
			{ // so does an app with an attachment
				ResourceName:            store,
				ImportState:             true,
				ImportStateId:           "orders-web::REDIS",
				ImportStateVerify:       true,
				ImportStateVerifyIgnore: []string{"deletion_protection"},
			},
		},
	})
}

func TestLongInstance_importByName(t *testing.T) {
	t.Parallel()
	sb := acctest.Start(t)
	acctest.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: sb.Factories(),
		Steps: []resource.TestStep{
			{Config: appAndStore("mini")},
			{ // the name imports it
				ResourceName:            store,
				ImportState:             true,
				ImportStateId:           "orders-cache",
				ImportStateVerify:       true,
				ImportStateVerifyIgnore: []string{"deletion_protection"},
			},
			{ // what is none of the three says what would be one
				ResourceName:  store,
				ImportState:   true,
				ImportStateId: "orders-web/REDIS",
				ExpectError: acctest.Says("give the add-on's UUID, its name (redis-curved-48210), or an app and an " +
					"attachment of it (app::ATTACHMENT), for example orders-api::REDIS"),
			},
			{ // a store that does not exist is Heroku's to deny, and the error says what to check
				ResourceName:  store,
				ImportState:   true,
				ImportStateId: "no-such-store",
				ExpectError: acctest.Says("Check the spelling, whether a name or a UUID is wanted, and whether a " +
					"UUID is that of another kind of object: `heroku addons --all` lists the add-ons of an account"),
			},
			{ // a config var is not the name of its attachment
				ResourceName:  store,
				ImportState:   true,
				ImportStateId: "orders-web::REDIS_URL",
				ExpectError:   acctest.Says("REDIS_URL is the config var of an attachment, which has the name REDIS: orders-web::REDIS."),
			},
		},
	})
}

func TestAccInstance_settings(t *testing.T) {
	t.Parallel()
	sb := acctest.Start(t)
	sameID := statecheck.CompareValue(compare.ValuesSame())
	acctest.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: sb.Factories(),
		CheckDestroy:             sb.NothingLeft(),
		Steps: []resource.TestStep{
			{ // settings given at creation reach the server
				Config: appAndStore("premium-0", `timeout = 60`, `maxmemory_policy = "allkeys-lru"`, `notify_keyspace_events = "KEA"`),
				ConfigStateChecks: []statecheck.StateCheck{
					sameID.AddStateValue(store, tfjsonpath.New("id")),
					storeHas("notify_keyspace_events", knownvalue.StringExact("KEA")),
				},
				PostApplyFunc: func() { expectServerSettings(t, sb, "60", "allkeys-lru", "AKE") },
			},
			{ // another spelling of the same events and of the same plan is no change
				Config: appAndStore("heroku-redis:premium-0", `timeout = 60`,
					`maxmemory_policy = "allkeys-lru"`, `notify_keyspace_events = "Eg$lshztxeK"`),
				ConfigPlanChecks: noChange,
			},
			{ // settings change in place, zero included
				Config: appAndStore("premium-0", `timeout = 0`, `maxmemory_policy = "volatile-ttl"`,
					`notify_keyspace_events = "Kx"`),
				ConfigPlanChecks: planned(plancheck.ResourceActionUpdate),
				ConfigStateChecks: []statecheck.StateCheck{
					sameID.AddStateValue(store, tfjsonpath.New("id")),
					storeHas("timeout", knownvalue.Int64Exact(0)),
				},
				PostApplyFunc: func() {
					expectServerSettings(t, sb, "0", "volatile-ttl", "xK")
					if n := len(sb.Requests("PATCH", "/redis/v0/databases/.*/config")); n > 2 {
						t.Errorf("%d requests changed settings, want one for the events at creation and one for this change", n)
					}
				},
			},
			{ // settings taken out of the configuration return to Heroku's defaults
				Config:           appAndStore("premium-0"),
				ConfigPlanChecks: planned(plancheck.ResourceActionUpdate),
				ConfigStateChecks: []statecheck.StateCheck{
					storeHas("timeout", knownvalue.Int64Exact(300)),
					storeHas("maxmemory_policy", knownvalue.StringExact("noeviction")),
					storeHas("notify_keyspace_events", knownvalue.StringExact("")),
				},
				PostApplyFunc: func() { expectServerSettings(t, sb, "300", "noeviction", "") },
			},
		},
	})
}

// expectServerSettings asks the live server, not the API.
func expectServerSettings(t *testing.T, sb *acctest.Sandbox, timeout, policy, events string) {
	t.Helper()
	server := sb.Redis(t, "orders-cache")
	for name, want := range map[string]string{"timeout": timeout, "maxmemory-policy": policy, "notify-keyspace-events": events} {
		got, err := server.ConfigGet(t.Context(), name).Result()
		if err != nil {
			t.Errorf("asking the server for %s: %v", name, err)
		} else if !sameLetters(got[name], want) {
			t.Errorf("the server has %s = %q, want %q", name, got[name], want)
		}
	}
}

func sameLetters(a, b string) bool {
	for _, letter := range a + b {
		if strings.Count(a, string(letter)) != strings.Count(b, string(letter)) {
			return false
		}
	}
	return true
}

func TestAccInstance_planChange(t *testing.T) {
	t.Parallel()
	sb := acctest.Start(t)
	sameID := statecheck.CompareValue(compare.ValuesSame())
	acctest.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: sb.Factories(),
		CheckDestroy:             sb.NothingLeft(),
		Steps: []resource.TestStep{
			{
				Config:            appAndStore("premium-0", `timeout = 60`),
				ConfigStateChecks: []statecheck.StateCheck{sameID.AddStateValue(store, tfjsonpath.New("id"))},
				PostApplyFunc: func() {
					if err := sb.Redis(t, "orders-cache").Set(t.Context(), "order:1", "paid", 0).Err(); err != nil {
						t.Errorf("writing a key: %v", err)
					}
				},
			},
			{ // an upgrade is an update of the same store, and is over only when the data has been copied
				Config:           appAndStore("premium-1", `timeout = 60`),
				ConfigPlanChecks: planned(plancheck.ResourceActionUpdate),
				ConfigStateChecks: []statecheck.StateCheck{
					sameID.AddStateValue(store, tfjsonpath.New("id")),
					storeHas("plan", knownvalue.StringExact("premium-1")),
					storeHas("name", knownvalue.StringExact("orders-cache")),
					storeHas("state", knownvalue.StringExact("provisioned")),
					storeHas("memory_limit", knownvalue.Int64Exact(100)),
					storeHas("monthly_price", knownvalue.Float64Exact(30)),
				},
				PostApplyFunc: func() {
					server := sb.Redis(t, "orders-cache")
					if value := server.Get(t.Context(), "order:1").Val(); value != "paid" {
						t.Errorf("the key is %q after the upgrade, want it kept", value)
					}
					if limit := server.ConfigGet(t.Context(), "maxmemory").Val()["maxmemory"]; limit != fmt.Sprint(100<<20) {
						t.Errorf("the server has maxmemory %s after the upgrade, want %d", limit, 100<<20)
					}
					expectServerSettings(t, sb, "60", "noeviction", "")
				},
			},
			{ // a downgrade goes the same way
				Config:           appAndStore("mini", `timeout = 60`),
				ConfigPlanChecks: planned(plancheck.ResourceActionUpdate),
				ConfigStateChecks: []statecheck.StateCheck{sameID.AddStateValue(store, tfjsonpath.New("id")),
					storeHas("persistence", knownvalue.StringExact("None"))},
			},
			{ // a plan that neither the catalogue nor Heroku knows is refused, with those that there are
				Config:      appAndStore("premium-77"),
				ExpectError: acctest.Says("Heroku does not offer this plan"),
			},
			{ // where they cannot be listed, Heroku is the one to refuse it
				PreConfig: func() {
					sb.Inject(sandbox.Fault{Match: sandbox.Match{Method: "GET", Path: "/addon-services/*/plans"},
						Do: sandbox.Effect{Status: 403}})
				},
				Config:      appAndStore("premium-77"),
				ExpectError: acctest.Says(`Couldn't find either the add-on service or the add-on plan of \"heroku-redis:premium-77\".`),
			},
		},
	})
}

func TestAccInstance_rename(t *testing.T) {
	t.Parallel()
	sb := acctest.Start(t)
	sameID := statecheck.CompareValue(compare.ValuesSame())
	acctest.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: sb.Factories(),
		CheckDestroy:             sb.NothingLeft(),
		Steps: []resource.TestStep{
			{
				Config: appAndStore("premium-0", `attachment_name = "CACHE"`),
				ConfigStateChecks: []statecheck.StateCheck{sameID.AddStateValue(store, tfjsonpath.New("id")),
					storeHas("attachment_name", knownvalue.StringExact("CACHE"))},
			},
			{ // a new name and a new plan are one request on the same store
				Config: strings.ReplaceAll(appAndStore("premium-1", `attachment_name = "CACHE"`),
					"orders-cache", "orders-sessions"),
				ConfigPlanChecks: planned(plancheck.ResourceActionUpdate),
				ConfigStateChecks: []statecheck.StateCheck{sameID.AddStateValue(store, tfjsonpath.New("id")),
					storeHas("name", knownvalue.StringExact("orders-sessions"))},
				PostApplyFunc: func() {
					if n := len(sb.Requests("PATCH", "/apps/.*/addons/.*")); n != 1 {
						t.Errorf("%d requests changed the add-on, want 1", n)
					}
				},
			},
			{ // a new attachment name is attached before the old one is dropped
				Config: strings.ReplaceAll(appAndStore("premium-1", `attachment_name = "SESSIONS"`),
					"orders-cache", "orders-sessions"),
				ConfigPlanChecks: planned(plancheck.ResourceActionUpdate),
				ConfigStateChecks: []statecheck.StateCheck{
					sameID.AddStateValue(store, tfjsonpath.New("id")),
					storeHas("config_vars", knownvalue.SetExact([]knownvalue.Check{knownvalue.StringExact("SESSIONS_URL")})),
				},
				PostApplyFunc: func() {
					attached, dropped := sb.Requests("POST", "/addon-attachments"), sb.Requests("DELETE", "/addon-attachments/.*")
					if len(attached) != 1 || len(dropped) != 1 || dropped[0].Seq < attached[0].Seq {
						t.Errorf("want one attachment made and then one dropped, got %v and %v", attached, dropped)
					}
				},
			},
		},
	})
}

func mustFind(t *testing.T, client *heroku.Client, name string) heroku.AddOn {
	t.Helper()
	addOn, err := client.FindAddOn(t.Context(), name)
	if err != nil {
		t.Fatalf("finding %s: %v", name, err)
	}
	return addOn
}

func TestAccInstance_refusal(t *testing.T) {
	t.Parallel()
	app := `
resource "kvs_app" "web" {
  name = "orders-web"
}
`
	arguments := func(lines ...string) string {
		return app + "resource \"kvs_instance\" \"cache\" {\n" + strings.Join(lines, "\n") + "\n}\n"
	}
	tests := map[string]struct{ config, says string }{
		"an unknown eviction policy": {arguments(`app_id = kvs_app.web.id`, `plan = "premium-0"`,
			`maxmemory_policy = "lru"`), "allkeys-lru"},
		"a negative timeout": {arguments(`app_id = kvs_app.web.id`, `plan = "premium-0"`, `timeout = -1`), "-1"},
		"keyspace flags that do not exist": {arguments(`app_id = kvs_app.web.id`, `plan = "premium-0"`,
			`notify_keyspace_events = "KQ"`), "Q"},
		"a name instead of an app's UUID": {arguments(`app_id = "orders-web"`, `plan = "premium-0"`), "give a UUID in lower case"},
		"a name that Heroku would refuse": {arguments(`app_id = kvs_app.web.id`, `plan = "premium-0"`, `name = "1cache"`), "1cache"},
		"a lower-case attachment name": {arguments(`app_id = kvs_app.web.id`, `plan = "premium-0"`,
			`attachment_name = "cache"`), "cache"},
		"another service's plan": {arguments(`app_id = kvs_app.web.id`, `plan = "heroku-postgresql:mini"`), "heroku-postgresql"},
		"an app that does not exist": {arguments(`app_id = "00000000-0000-4000-8000-000000000000"`,
			`plan = "premium-0"`), "App not found"},
	}
	sb := acctest.Start(t)
	refusals := map[string]acctest.Refusal{}
	for name, test := range tests {
		refusals[name] = acctest.Refusal{Config: test.config, Says: []string{test.says}}
	}
	sb.Refused(t, refusals)
	if made := sb.Requests("POST", ".*"); len(made) != 0 {
		t.Errorf("something was created: %v", made)
	}
}

func TestAccInstance_unknownValues(t *testing.T) {
	t.Parallel()
	sb := acctest.Start(t)
	unknown := `
resource "terraform_data" "later" {
  input = var.plan
}

variable "plan" {
  type = string
}

resource "kvs_app" "web" {
  name = "orders-web"
}

resource "kvs_instance" "cache" {
  app_id                 = kvs_app.web.id
  plan                   = terraform_data.later.output
  name                   = terraform_data.later.output == "" ? "x" : "orders-cache"
  maxmemory_policy       = terraform_data.later.output == "" ? "x" : "allkeys-lru"
  notify_keyspace_events = terraform_data.later.output == "" ? "x" : "Kx"
  timeout                = terraform_data.later.output == "" ? -1 : 10
  deletion_protection    = false
}
`
	acctest.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: sb.Factories(),
		CheckDestroy:             sb.NothingLeft(),
		Steps: []resource.TestStep{
			{ // values that come from another resource plan cleanly, and the rules hold once they are known: before the order
				Config:          unknown,
				ConfigVariables: config.Variables{"plan": config.StringVariable("private-7")},
				ExpectError:     acctest.Says("Plan does not fit the app's runtime"),
			},
			{
				Config:          unknown,
				ConfigVariables: config.Variables{"plan": config.StringVariable("premium-0")},
				ConfigStateChecks: []statecheck.StateCheck{
					storeHas("memory_limit", knownvalue.Int64Exact(50)),
					storeHas("timeout", knownvalue.Int64Exact(10)),
				},
			},
			{ // an update whose plan is unknown until apply is still an update of the same store
				Config:           unknown,
				ConfigVariables:  config.Variables{"plan": config.StringVariable("premium-1")},
				ConfigPlanChecks: planned(plancheck.ResourceActionUpdate),
				ConfigStateChecks: []statecheck.StateCheck{
					storeHas("memory_limit", knownvalue.Int64Exact(100)),
				},
			},
		},
	})
	if orders := sb.Requests("POST", "/apps/.*/addons"); len(orders) != 1 {
		t.Errorf("%d stores were ordered, want 1", len(orders))
	}
}
