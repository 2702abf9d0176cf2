// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/acctest"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/sandbox"
)

func TestAccPrivateSpaceDataSource_lookUp(t *testing.T) {
	t.Parallel()
	sb := acctest.Start(t)
	const found = "data.kvs_private_space.by_name"
	checks := same("id", space, "data.kvs_private_space.by_id", found)
	for _, attribute := range []string{"name", "team", "region", "shield", "cidr", "data_cidr", "state", "outbound_ips",
		"generation", "created_at"} {
		checks = append(checks, same(attribute, space, "data.kvs_private_space.by_id", found)...)
	}
	named := func(list string, names ...string) statecheck.StateCheck {
		var each []knownvalue.Check
		for _, name := range names {
			each = append(each, knownvalue.ObjectPartial(map[string]knownvalue.Check{"name": knownvalue.StringExact(name)}))
		}
		return statecheck.ExpectKnownValue(found, tfjsonpath.New(list), knownvalue.ListExact(each))
	}
	inside := privateSpace(`region = "dublin"`) + appInSpace() + `
resource "kvs_app" "api" {
  name     = "orders-api"
  space_id = kvs_private_space.prod.id
}

resource "kvs_app" "elsewhere" {
  name = "orders-elsewhere"
  team = "acme"
}

resource "kvs_instance" "inside" {
  app_id              = kvs_app.api.id
  name                = "orders-inside"
  deletion_protection = false
}

resource "kvs_instance" "outside" {
  app_id              = kvs_app.web.id
  name                = "orders-outside"
  plan                = "mini"
  outside_space       = true
  deletion_protection = false
}

resource "kvs_instance" "elsewhere" {
  app_id              = kvs_app.elsewhere.id
  name                = "orders-elsewhere"
  plan                = "mini"
  deletion_protection = false
}

# attached to an app of the space, which does not make it a store of the space
resource "kvs_attachment" "elsewhere" {
  app_id      = kvs_app.web.id
  instance_id   = kvs_instance.elsewhere.id
  name          = "ELSEWHERE"
  outside_space = true
}

data "kvs_private_space" "by_id" {
  id         = kvs_private_space.prod.id
  depends_on = [kvs_instance.inside, kvs_instance.outside, kvs_attachment.elsewhere]
}

data "kvs_private_space" "by_name" {
  name       = kvs_private_space.prod.name
  depends_on = [kvs_instance.inside, kvs_instance.outside, kvs_attachment.elsewhere]
}
`
	acctest.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: sb.Factories(),
		CheckDestroy:             sb.NothingLeft(),
		Steps: []resource.TestStep{
			{ // a space that is not there is Heroku's to deny
				Config: `
data "kvs_private_space" "missing" {
  name = "no-such-space"
}
`,
				ExpectError: acctest.Says(`Private Space "no-such-space": Heroku answered 404 not_found to GET /spaces/no-such-space`),
			},
			{ // one way of looking is enough
				Config: `
data "kvs_private_space" "both" {
  id   = "7c4e2a90-3b5d-4f8e-a1c6-d2e3f4a5b6c7"
  name = "acme-prod"
}
`,
				ExpectError: acctest.Says("Invalid Attribute Combination"),
			},
			{ // and none is too little
				Config:      `data "kvs_private_space" "none" {}`,
				ExpectError: acctest.Says("Missing Attribute Configuration"),
			},
			{ // the id and the name find the same space, with all that the resource knows and with what lives in it
				Config: inside,
				ConfigStateChecks: append(checks,
					named("apps", "orders-api", "orders-web"),
					named("stores", "orders-inside", "orders-outside"),
					statecheck.ExpectKnownValue(found, tfjsonpath.New("stores").AtSliceIndex(0).AtMapKey("plan"),
						knownvalue.StringExact("private-7")),
				),
			},
		},
	})
}

// A space that is still being allocated has no addresses, which is no reason to fail.
func TestAccPrivateSpaceDataSource_allocating(t *testing.T) {
	t.Parallel()
	sb := acctest.Start(t)
	sb.Inject(sandbox.Fault{Match: sandbox.Match{Method: "POST", Path: "/spaces"}, Do: sandbox.Effect{Provisioning: "stuck"}})
	if _, err := sb.Client(t).CreateSpace(t.Context(), heroku.SpaceCreate{Name: "acme-prod", Team: "acme"}); err != nil {
		t.Fatal(err)
	}
	const found = "data.kvs_private_space.prod"
	acctest.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: sb.Factories(),
		Steps: []resource.TestStep{
			{
				Config: `
data "kvs_private_space" "prod" {
  name = "acme-prod"
}
`,
				ConfigStateChecks: []statecheck.StateCheck{
					statecheck.ExpectKnownValue(found, tfjsonpath.New("state"), knownvalue.StringExact("allocating")),
					statecheck.ExpectKnownValue(found, tfjsonpath.New("outbound_ips"), knownvalue.Null()),
					statecheck.ExpectKnownValue(found, tfjsonpath.New("apps"), knownvalue.ListSizeExact(0)),
					statecheck.ExpectKnownValue(found, tfjsonpath.New("stores"), knownvalue.ListSizeExact(0)),
				},
			},
		},
	})
}

func TestAccAppDataSource_space(t *testing.T) {
	t.Parallel()
	sb := acctest.Start(t)
	facts := func(address string, want map[string]knownvalue.Check) []statecheck.StateCheck {
		var checks []statecheck.StateCheck
		for attribute, value := range want {
			checks = append(checks, statecheck.ExpectKnownValue(address, tfjsonpath.New(attribute), value))
		}
		return checks
	}
	acctest.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: sb.Factories(),
		Steps: []resource.TestStep{
			{
				Config: privateSpace(`shield = true`) + appInSpace(`internal_routing = true`) + fmt.Sprintf(`
resource "kvs_app" "common" {
  name = "orders-common"
}
%s%s`, lookUp("inside", "web"), lookUp("outside", "common")),
				ConfigStateChecks: append(append(
					facts("data.kvs_app.inside", map[string]knownvalue.Check{
						"space_name": knownvalue.StringExact("acme-prod"), "shield": knownvalue.Bool(true),
						"internal_routing": knownvalue.Bool(true),
						"team":             knownvalue.StringExact("acme"), "region": knownvalue.StringExact("virginia"),
					}),
					facts("data.kvs_app.outside", map[string]knownvalue.Check{
						"space_id": knownvalue.Null(), "space_name": knownvalue.Null(),
						"shield": knownvalue.Bool(false), "internal_routing": knownvalue.Bool(false),
					})...), same("space_id", app, "data.kvs_app.inside")...),
			},
		},
	})
}

func lookUp(label, app string) string {
	return strings.NewReplacer("LABEL", label, "APP", app).Replace(`
data "kvs_app" "LABEL" {
  id = kvs_app.APP.id
}
`)
}
