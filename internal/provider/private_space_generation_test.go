// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/compare"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/acctest"
)

func TestAccPrivateSpace_generation(t *testing.T) {
	t.Parallel()
	sb := acctest.Start(t)
	sameID := statecheck.CompareValue(compare.ValuesSame())
	refused := func(says string, settings ...string) resource.TestStep {
		return resource.TestStep{Config: privateSpace(settings...), PlanOnly: true, ExpectError: acctest.Says(says)}
	}
	ranges := `
resource "kvs_trusted_ip_ranges" "prod" {
  space_id = kvs_private_space.prod.id
  ranges   = { "192.0.2.0/24" = {} }
}
`
	lookup := `
data "kvs_private_space" "prod" {
  id = kvs_private_space.prod.id
}
`
	acctest.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: sb.Factories(),
		CheckDestroy:             sb.NothingLeft(),
		Steps: []resource.TestStep{
			refused("The generation has no Shield Spaces", `generation = "FIR"`, `shield = true`),
			refused("is not a generation of Heroku's platform", `generation = ""`),
			{ // what nobody here knows is Heroku's to judge
				Config:      privateSpace(`generation = "oak"`),
				ExpectError: acctest.Says("Couldn't find the generation oak"),
			},
			{ // a space of fir has IPv6 addresses as well; however it is written, it is the same generation
				Config: privateSpace(`generation = "Fir"`) + lookup,
				ConfigStateChecks: []statecheck.StateCheck{
					sameID.AddStateValue(space, tfjsonpath.New("id")),
					spaceHas("generation", knownvalue.StringExact("Fir")),
					spaceHas("outbound_ips", knownvalue.SetSizeExact(5)),
					statecheck.ExpectKnownValue("data."+space, tfjsonpath.New("generation"), knownvalue.StringExact("fir")),
				},
			},
			{
				Config:            privateSpace(`generation = "fir"`),
				ConfigPlanChecks:  noChange,
				ConfigStateChecks: []statecheck.StateCheck{sameID.AddStateValue(space, tfjsonpath.New("id"))},
			},
			{Config: privateSpace(), ConfigPlanChecks: noChange}, // leaving it out keeps it
			{ // so does a value that is not known yet, and turns out to be the same
				Config: privateSpace("generation = "+onceReleased(`"fir"`)) + release(1),
				ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
					plancheck.ExpectResourceAction(space, plancheck.ResourceActionUpdate),
				}},
				ConfigStateChecks: []statecheck.StateCheck{sameID.AddStateValue(space, tfjsonpath.New("id"))},
			},
			{
				ResourceName:            space,
				ImportState:             true,
				ImportStateVerify:       true,
				ImportStateVerifyIgnore: []string{"deletion_protection", "generation"}, // it was written "Fir"
			},
			{ // its ranges cannot be set
				Config:      privateSpace(`generation = "fir"`) + ranges,
				ExpectError: acctest.Says("The trusted IP ranges of the space cannot be set"),
			},
			{
				Config: privateSpace(`generation = "fir"`) + `
resource "kvs_trusted_ip_range" "office" {
  space_id = kvs_private_space.prod.id
  range    = "192.0.2.0/24"
}
`,
				ExpectError: acctest.Says("The trusted IP ranges of the space cannot be set"),
			},
			{ // a protected space is not replaced
				Config:      strings.Replace(privateSpace(`generation = "cedar"`), "= false", "= true", 1),
				ExpectError: acctest.Says(`has generation = "Fir", and Heroku fixes it when a space is created`),
			},
			{ // another one is another space
				Config: privateSpace(`generation = "cedar"`) + ranges,
				ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
					plancheck.ExpectResourceAction(space, plancheck.ResourceActionReplace),
				}},
				ConfigStateChecks: []statecheck.StateCheck{spaceHas("generation", knownvalue.StringExact("cedar"))},
			},
		},
	})
	if created := sb.Ledger().Created; created != 2 {
		t.Errorf("%d spaces were created, want 2", created)
	}
	if sent := sb.Requests("PUT", "/spaces/.*/inbound-ruleset"); len(sent) != 1 {
		t.Errorf("ranges were set %d times, want once, for the space of cedar", len(sent))
	}
}

// No fork of a store gets from cedar to fir: the plan says so, for a new store, for one that moves, and, where the plan cannot know
// the app, the apply does before it orders anything.
func TestAccInstance_forkToFir(t *testing.T) {
	t.Parallel()
	sb := acctest.Start(t)
	config := func(owner, settings, more string) string {
		return privateSpace(`generation = "fir"`) + release(1) + fmt.Sprintf(`
resource "kvs_app" "web" {
  name = "orders-web"
}

resource "kvs_app" "inside" {
  name     = "orders-inside"
  space_id = kvs_private_space.prod.id
}

resource "kvs_instance" "cache" {
  app_id              = %s
  deletion_protection = false
  %s
}
`, owner, settings) + more
	}
	const old, inside = "kvs_app.web.id", "kvs_app.inside.id"
	const cannot = "Heroku has no fork of a store of the generation cedar into an app of the generation fir"
	acctest.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: sb.Factories(),
		CheckDestroy:             sb.NothingLeft(),
		Steps: []resource.TestStep{
			{Config: config(old, `plan = "premium-0"`, "")},
			{
				Config: config(inside, `plan = "private-7"`, ""), PlanOnly: true,
				ExpectError: acctest.Says("The store cannot be forked there"),
			},
			{Config: config(old, `plan = "premium-0"`, `
resource "kvs_instance" "copy" {
  app_id              = kvs_app.inside.id
  plan                = "private-7"
  fork                = { instance_id = kvs_instance.cache.id }
  deletion_protection = false
}
`), PlanOnly: true, ExpectError: acctest.Says(cannot)},
			{
				Config:      strings.Replace(config(onceReleased(inside), `plan = "private-7"`, ""), `input = "1"`, `input = "2"`, 1),
				ExpectError: acctest.Says(cannot),
			},
			{ // an empty store may be made there
				Config: config(inside, `plan = "private-7"`+"\n"+`  migration = { strategy = "recreate", accept_data_loss = true }`, ""),
			},
		},
	})
	if ordered := sb.Requests("POST", "/apps/[^/]*/addons"); len(ordered) != 2 {
		t.Errorf("%d stores were ordered, want the first and the empty one", len(ordered))
	}
}
