// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"fmt"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/compare"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/acctest"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/sandbox"
)

// same says that an attribute has one value at all these addresses.
func same(attribute string, addresses ...string) []statecheck.StateCheck {
	var checks []statecheck.StateCheck
	for _, address := range addresses[1:] {
		checks = append(checks, statecheck.CompareValuePairs(
			addresses[0], tfjsonpath.New(attribute), address, tfjsonpath.New(attribute), compare.ValuesSame()))
	}
	return checks
}

func TestLongAppDataSource_lookUp(t *testing.T) {
	t.Parallel()
	sb := acctest.Start(t)
	var checks []statecheck.StateCheck
	for _, attribute := range []string{"id", "name", "team", "region", "maintenance", "web_url", "created_at"} {
		checks = append(checks, same(attribute, app, "data.kvs_app.by_id", "data.kvs_app.by_name")...)
	}
	acctest.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: sb.Factories(),
		Steps: []resource.TestStep{
			{ // an app that is not there is Heroku's to deny
				Config: `
data "kvs_app" "missing" {
  name = "no-such-app"
}
`,
				ExpectError: acctest.Says(`App "no-such-app": Heroku answered 404 not_found to GET /apps/no-such-app`),
			},
			{ // and what can be checked is said
				Config: `
data "kvs_app" "missing" {
  name = "no-such-app"
}
`,
				ExpectError: acctest.Says("Check the spelling, whether a name or a UUID is wanted, and whether a UUID " +
					"is that of another kind of object: `heroku apps --all` lists the apps of an account. The token came from the test"),
			},
			{ // an empty name is not the absence of one
				Config: `
data "kvs_app" "empty" {
  name = ""
}
`,
				ExpectError: acctest.Says(`"" cannot be the name of an app`),
			},
			{ // one way of looking is enough
				Config: `
data "kvs_app" "both" {
  id   = "7c4e2a90-3b5d-4f8e-a1c6-d2e3f4a5b6c7"
  name = "orders-web"
}
`,
				ExpectError: acctest.Says("Invalid Attribute Combination"),
			},
			{ // and none is too little
				Config:      `data "kvs_app" "none" {}`,
				ExpectError: acctest.Says("Missing Attribute Configuration"),
			},
			{ // the id and the name find the same app, with all that the resource knows; unknown at first, they wait for apply
				Config: `
resource "kvs_app" "web" {
  name        = "orders-web"
  team        = "acme"
  region      = "eu"
  maintenance = true
}

data "kvs_app" "by_id" {
  id = kvs_app.web.id
}

data "kvs_app" "by_name" {
  name       = "orders-web"
  depends_on = [kvs_app.web]
}
`,
				ConfigStateChecks: checks,
			},
		},
	})
}

func TestAccInstanceDataSource_lookUp(t *testing.T) {
	t.Parallel()
	sb := acctest.Start(t)
	var checks []statecheck.StateCheck
	for _, attribute := range []string{
		"id", "name", "plan", "state", "timeout", "maxmemory_policy", "version_actual", "memory_limit", "connection_limit",
		"monthly_price", "high_availability", "persistence", "requires_tls", "credentials_revision", "created_at",
	} {
		checks = append(checks, same(attribute, store, "data.kvs_instance.by_name", "data.kvs_instance.by_id",
			"data.kvs_instance.by_attachment")...)
	}
	acctest.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: sb.Factories(),
		CheckDestroy:             sb.NothingLeft(),
		Steps: []resource.TestStep{
			{ // a store that is not there is Heroku's to deny
				Config: `
data "kvs_instance" "missing" {
  name = "no-such-store"
}
`,
				ExpectError: acctest.Says(`Key-Value Store "no-such-store": Heroku answered 404 not_found to GET /addons/no-such-store`),
			},
			{ // an app may have many things, but none under the name of a config var
				Config: `
data "kvs_instance" "variable" {
  app_id          = "7c4e2a90-3b5d-4f8e-a1c6-d2e3f4a5b6c7"
  attachment_name = "REDIS_URL"
}
`,
				ExpectError: acctest.Says(`write for example "REDIS", which gives the config var REDIS_URL`),
			},
			{ // an attachment is looked up within an app
				Config: `
data "kvs_instance" "half" {
  attachment_name = "REDIS"
}
`,
				ExpectError: acctest.Says("Invalid Attribute Combination"),
			},
			{ // id, name and attachment find the same store, with what the resource knows of it
				Config: appAndStore("premium-0", `timeout = 60`, `notify_keyspace_events = "KEA"`) + `
resource "kvs_app" "worker" {
  name = "orders-worker"
}

resource "kvs_attachment" "worker" {
  app_id      = kvs_app.worker.id
  instance_id = kvs_instance.cache.id
  name        = "SHARED"
}

data "kvs_instance" "by_id" {
  id = kvs_instance.cache.id
}

data "kvs_instance" "by_name" {
  name       = "orders-cache"
  depends_on = [kvs_attachment.worker]
}

data "kvs_instance" "by_attachment" {
  app_id          = kvs_app.worker.id # attached here, owned elsewhere
  attachment_name = kvs_attachment.worker.name
}
`,
				ConfigStateChecks: append(checks,
					statecheck.CompareValuePairs("data.kvs_instance.by_attachment", tfjsonpath.New("owner_app_id"),
						store, tfjsonpath.New("app_id"), compare.ValuesSame()),
					statecheck.ExpectKnownValue("data.kvs_instance.by_id", tfjsonpath.New("notify_keyspace_events"),
						knownvalue.StringExact("AKE")),
					statecheck.ExpectKnownValue("data.kvs_instance.by_id", tfjsonpath.New("maintenance_window"), knownvalue.NotNull()),
				),
			},
		},
	})
}

func TestAccInstanceDataSource_notReady(t *testing.T) {
	t.Parallel()
	sb := acctest.Start(t)
	someone := sb.Client(t)
	sb.Inject(sandbox.Fault{Match: sandbox.Match{Method: "POST", Path: "/apps/*/addons"}, Do: sandbox.Effect{Provisioning: "stuck"}})
	if _, err := someone.CreateAddOn(t.Context(), mustCreateApp(t, someone, "orders-web").ID,
		heroku.AddOnCreate{Plan: "heroku-redis:mini", Name: "orders-slow"}); err != nil {
		t.Fatal(err)
	}
	slow := "data.kvs_instance.slow"
	acctest.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: sb.Factories(),
		Steps: []resource.TestStep{
			{ // a store that is not ready is found all the same; what it has not got yet is null
				Config: `
data "kvs_instance" "slow" {
  name = "orders-slow"
}
`,
				ConfigStateChecks: []statecheck.StateCheck{
					statecheck.ExpectKnownValue(slow, tfjsonpath.New("state"), knownvalue.StringExact("provisioning")),
					statecheck.ExpectKnownValue(slow, tfjsonpath.New("memory_limit"), knownvalue.Int64Exact(25)),
					statecheck.ExpectKnownValue(slow, tfjsonpath.New("timeout"), knownvalue.Null()),
					statecheck.ExpectKnownValue(slow, tfjsonpath.New("version_actual"), knownvalue.Null()),
				},
			},
		},
	})
}

func TestAccPlansDataSource_catalogue(t *testing.T) {
	t.Parallel()
	sb := acctest.Start(t)
	plan := func(name, class string, price float64, memory, connections int64) knownvalue.Check {
		return knownvalue.ObjectPartial(map[string]knownvalue.Check{
			"name": knownvalue.StringExact(name), "class": knownvalue.StringExact(class), "monthly_price": knownvalue.Float64Exact(price),
			"memory_limit": knownvalue.Int64Exact(memory), "connection_limit": knownvalue.Int64Exact(connections),
		})
	}
	plans := tfjsonpath.New("plans")
	acctest.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: sb.Factories(),
		Steps: []resource.TestStep{
			{ // a class that does not exist says which ones do
				Config: `
data "kvs_plans" "gold" {
  class = "gold"
}
`,
				ExpectError: acctest.Says(`["common" "private" "shield"]`),
			},
			{ // the published plans are there with their limits, smallest first in each class; a class is a filter
				Config: `
data "kvs_plans" "all" {}

data "kvs_plans" "shield" {
  class = "shield"
}
`,
				ConfigStateChecks: []statecheck.StateCheck{
					statecheck.ExpectKnownValue("data.kvs_plans.all", plans, knownvalue.ListSizeExact(22)),
					statecheck.ExpectKnownValue("data.kvs_plans.all", plans, knownvalue.ListPartial(map[int]knownvalue.Check{
						0: plan("mini", "common", 3, 25, 20),
						1: plan("premium-0", "common", 15, 50, 40),
						5: knownvalue.ObjectPartial(map[string]knownvalue.Check{
							"name": knownvalue.StringExact("premium-4"), "monthly_price": knownvalue.Null(),
							"memory_limit": knownvalue.Int64Exact(750),
						}),
					})),
					statecheck.ExpectKnownValue("data.kvs_plans.shield", plans, knownvalue.ListSizeExact(5)),
					statecheck.ExpectKnownValue("data.kvs_plans.shield", plans, knownvalue.ListPartial(map[int]knownvalue.Check{
						0: knownvalue.ObjectPartial(map[string]knownvalue.Check{
							"name": knownvalue.StringExact("shield-7"), "monthly_price": knownvalue.Float64Exact(1100),
							"compliance":         knownvalue.ListExact([]knownvalue.Check{knownvalue.StringExact("HIPAA"), knownvalue.StringExact("PCI")}),
							"maintenance_window": knownvalue.Bool(true), "single_tenant": knownvalue.Bool(true),
							"vcpu": knownvalue.Int64Exact(2),
						}),
					})),
				},
			},
		},
	})
}

func TestAccPlansDataSource_unknownPlan(t *testing.T) {
	t.Parallel()
	sb := acctest.Start(t)
	offers := `[{"id":"ad3f2c10-7b64-4f0e-9c1d-2e3f4a5b6c7d","name":"heroku-redis:private-3","human_name":"Private 3","description":"Heroku Key-Value Store Private 3","price":{"cents":40000,"unit":"month"}}]`
	sb.Inject(sandbox.Fault{Match: sandbox.Match{Method: "GET", Path: "/addon-services/*/plans"},
		Do: sandbox.Effect{Status: 200, Body: &offers}})
	acctest.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: sb.Factories(),
		Steps: []resource.TestStep{
			{ // a plan that nobody published has what the API says, and no limits
				Config: `data "kvs_plans" "all" {}`,
				ConfigStateChecks: []statecheck.StateCheck{
					statecheck.ExpectKnownValue("data.kvs_plans.all", tfjsonpath.New("plans"), knownvalue.ListExact([]knownvalue.Check{
						knownvalue.ObjectPartial(map[string]knownvalue.Check{
							"name": knownvalue.StringExact("private-3"), "class": knownvalue.StringExact("private"),
							"monthly_price": knownvalue.Float64Exact(400),
							"memory_limit":  knownvalue.Null(), "high_availability": knownvalue.Null(), "compliance": knownvalue.Null(),
						}),
					})),
				},
			},
		},
	})
}

func TestAccRegionsDataSource_filter(t *testing.T) {
	t.Parallel()
	sb := acctest.Start(t)
	names := func(address string, want ...string) statecheck.StateCheck {
		var checks []knownvalue.Check
		for _, name := range want {
			checks = append(checks, knownvalue.ObjectPartial(map[string]knownvalue.Check{"name": knownvalue.StringExact(name)}))
		}
		return statecheck.ExpectKnownValue(address, tfjsonpath.New("regions"), knownvalue.ListExact(checks))
	}
	acctest.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: sb.Factories(),
		Steps: []resource.TestStep{
			{ // regions are listed by name; whether they can hold a Private Space is a filter in both directions
				Config: `
data "kvs_regions" "all" {}

data "kvs_regions" "private" {
  private_capable = true
}

data "kvs_regions" "common" {
  private_capable = false
}
`,
				ConfigStateChecks: []statecheck.StateCheck{
					statecheck.ExpectKnownValue("data.kvs_regions.all", tfjsonpath.New("regions"), knownvalue.ListSizeExact(12)),
					names("data.kvs_regions.common", "eu", "us"),
					names("data.kvs_regions.private", "dublin", "frankfurt", "london", "montreal", "mumbai", "oregon",
						"singapore", "sydney", "tokyo", "virginia"),
					statecheck.ExpectKnownValue("data.kvs_regions.common", tfjsonpath.New("regions").AtSliceIndex(0),
						knownvalue.ObjectPartial(map[string]knownvalue.Check{
							"country":         knownvalue.StringExact("Ireland"),
							"provider":        knownvalue.StringExact("amazon-web-services"),
							"provider_region": knownvalue.StringExact("eu-west-1"),
						})),
				},
			},
		},
	})
}

// Data sources whose arguments are unknown wait for apply, whatever the values turn out to be.
func TestAccDataSources_unknownValues(t *testing.T) {
	t.Parallel()
	sb := acctest.Start(t)
	mustCreateApp(t, sb.Client(t), "orders-web")
	later := func(expression string) string {
		return fmt.Sprintf(`terraform_data.later.output == "" ? null : %s`, expression)
	}
	acctest.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: sb.Factories(),
		Steps: []resource.TestStep{
			{
				Config: `
resource "terraform_data" "later" {
  input = "later"
}

data "kvs_app" "web" {
  name = ` + later(`"orders-web"`) + `
}

data "kvs_plans" "private" {
  class = ` + later(`"private"`) + `
}

data "kvs_regions" "common" {
  private_capable = ` + later("false") + `
}
`,
				ConfigPlanChecks: actionOn("data.kvs_app.web", plancheck.ResourceActionRead),
				ConfigStateChecks: []statecheck.StateCheck{
					statecheck.ExpectKnownValue("data.kvs_app.web", tfjsonpath.New("id"), knownvalue.NotNull()),
					statecheck.ExpectKnownValue("data.kvs_plans.private", tfjsonpath.New("plans"), knownvalue.ListSizeExact(5)),
					statecheck.ExpectKnownValue("data.kvs_regions.common", tfjsonpath.New("regions"), knownvalue.ListSizeExact(2)),
				},
			},
		},
	})
}
