// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/compare"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/terraform"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"
	"github.com/hashicorp/terraform-plugin-testing/tfversion"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/acctest"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
)

const app = "kvs_app.web"

func appHas(attribute string, value knownvalue.Check) statecheck.StateCheck {
	return statecheck.ExpectKnownValue(app, tfjsonpath.New(attribute), value)
}

func actionOn(address string, action plancheck.ResourceActionType) resource.ConfigPlanChecks {
	return resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{plancheck.ExpectResourceAction(address, action)}}
}

func TestAccApp_basic(t *testing.T) {
	t.Parallel()
	sb := acctest.Start(t)
	acctest.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: sb.Factories(),
		CheckDestroy: func(*terraform.State) error {
			if _, err := sb.Client(t).FindApp(t.Context(), "orders-web"); !heroku.IsNotFound(err) {
				return errors.Join(errors.New("the app is not proven to be gone"), err)
			}
			return nil
		},
		Steps: []resource.TestStep{
			{ // a name is all that an app needs; it belongs to the token's user, and Heroku chooses the rest
				Config: `
resource "kvs_app" "web" {
  name = "orders-web"
}
`,
				ConfigStateChecks: []statecheck.StateCheck{
					appHas("id", knownvalue.NotNull()),
					appHas("name", knownvalue.StringExact("orders-web")),
					appHas("team", knownvalue.Null()),
					appHas("region", knownvalue.StringExact("us")),
					appHas("maintenance", knownvalue.Bool(false)),
					appHas("web_url", knownvalue.NotNull()),
					appHas("created_at", knownvalue.NotNull()),
				},
			},
			{ // the UUID imports it
				ResourceName:      app,
				ImportState:       true,
				ImportStateVerify: true,
			},
			{ // so does the name
				ResourceName:      app,
				ImportState:       true,
				ImportStateId:     "orders-web",
				ImportStateVerify: true,
			},
			{ // what is neither says what would be
				ResourceName:  app,
				ImportState:   true,
				ImportStateId: "Orders Web",
				ExpectError:   acctest.Says(`"Orders Web" is not an identifier of this resource: give the UUID or the name of an app, for example orders-api`),
			},
			{ // an app that does not exist is Heroku's to deny, and the error says what to check
				ResourceName:  app,
				ImportState:   true,
				ImportStateId: "no-such-app",
				ExpectError: acctest.Says("Check the spelling, whether a name or a UUID is wanted, and whether a " +
					"UUID is that of another kind of object: `heroku apps --all` lists the apps of an account"),
			},
		},
	})
}

func TestAccApp_importByIdentity(t *testing.T) {
	t.Parallel()
	sb := acctest.Start(t)
	acctest.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: sb.Factories(),
		TerraformVersionChecks:   []tfversion.TerraformVersionCheck{tfversion.SkipBelow(tfversion.Version1_12_0)},
		Steps: []resource.TestStep{
			{
				Config: `
resource "kvs_app" "web" {
  name = "orders-web"
}
`,
				ConfigStateChecks: []statecheck.StateCheck{statecheck.ExpectIdentityValueMatchesState(app, tfjsonpath.New("id"))},
			},
			{ // the identity in the state is enough to import the app again
				ResourceName:    app,
				ImportState:     true,
				ImportStateKind: resource.ImportBlockWithResourceIdentity,
			},
		},
	})
}

func TestAccApp_update(t *testing.T) {
	t.Parallel()
	sb := acctest.Start(t)
	sameID := statecheck.CompareValue(compare.ValuesSame())
	owned := func(name, team string, maintenance bool) string {
		return fmt.Sprintf(`
resource "kvs_app" "web" {
  name        = %q
  team        = %q
  region      = "eu"
  maintenance = %t
}
`, name, team, maintenance)
	}
	acctest.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: sb.Factories(),
		Steps: []resource.TestStep{
			{ // an app can be born in a team and in maintenance mode
				Config: owned("orders-web", "acme", true),
				ConfigStateChecks: []statecheck.StateCheck{
					sameID.AddStateValue(app, tfjsonpath.New("id")),
					appHas("team", knownvalue.StringExact("acme")),
					appHas("region", knownvalue.StringExact("eu")),
					appHas("maintenance", knownvalue.Bool(true)),
				},
			},
			{ // a new name and the end of the maintenance are one request on the same app
				Config: owned("orders-site", "acme", false),
				ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
					plancheck.ExpectResourceAction(app, plancheck.ResourceActionUpdate),
					plancheck.ExpectUnknownValue(app, tfjsonpath.New("web_url")), // the name is a part of it
				}},
				ConfigStateChecks: []statecheck.StateCheck{
					sameID.AddStateValue(app, tfjsonpath.New("id")),
					appHas("name", knownvalue.StringExact("orders-site")),
					appHas("maintenance", knownvalue.Bool(false)),
				},
				PostApplyFunc: func() {
					if changes := sb.Requests("PATCH", "/apps/.*"); len(changes) != 2 {
						t.Errorf("%d requests changed the app, want one for the maintenance at first and one for "+
							"both now: %v", len(changes), changes)
					}
				},
			},
			{ // another team takes the same app over, at the same address
				Config: owned("orders-site", "acme-data", false),
				ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
					plancheck.ExpectResourceAction(app, plancheck.ResourceActionUpdate),
					plancheck.ExpectKnownValue(app, tfjsonpath.New("web_url"), knownvalue.NotNull()),
				}},
				ConfigStateChecks: []statecheck.StateCheck{
					sameID.AddStateValue(app, tfjsonpath.New("id")),
					appHas("team", knownvalue.StringExact("acme-data")),
				},
			},
			{ // no team at all is refused while it is only a plan, with the reason and a way out
				Config: `
resource "kvs_app" "web" {
  name   = "orders-site"
  region = "eu"
}
`,
				ExpectError: acctest.Says(`An app cannot leave its team`),
			},
		},
	})
}

func TestLongApp_personalAppJoinsTeam(t *testing.T) {
	t.Parallel()
	sb := acctest.Start(t)
	sameID := statecheck.CompareValue(compare.ValuesSame())
	acctest.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: sb.Factories(),
		Steps: []resource.TestStep{
			{
				Config: `
resource "kvs_app" "web" {
  name = "orders-web"
}
`,
				ConfigStateChecks: []statecheck.StateCheck{sameID.AddStateValue(app, tfjsonpath.New("id"))},
			},
			{ // a personal app is transferred to its first team in place
				Config: `
resource "kvs_app" "web" {
  name = "orders-web"
  team = "acme"
}
`,
				ConfigPlanChecks:  actionOn(app, plancheck.ResourceActionUpdate),
				ConfigStateChecks: []statecheck.StateCheck{sameID.AddStateValue(app, tfjsonpath.New("id"))},
			},
		},
	})
}

func TestAccApp_replacement(t *testing.T) {
	t.Parallel()
	sb := acctest.Start(t)
	newID := statecheck.CompareValue(compare.ValuesDiffer())
	acctest.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: sb.Factories(),
		Steps: []resource.TestStep{
			{
				Config: `
resource "kvs_app" "web" {
  name   = "orders-web"
  region = "us"
}
`,
				ConfigStateChecks: []statecheck.StateCheck{newID.AddStateValue(app, tfjsonpath.New("id"))},
			},
			{ // a region that is no longer written down stays as it is
				Config: `
resource "kvs_app" "web" {
  name = "orders-web"
}
`,
				ConfigPlanChecks: noChange,
			},
			{ // an app cannot move: another region is another app
				Config: `
resource "kvs_app" "web" {
  name   = "orders-web"
  region = "eu"
}
`,
				ConfigPlanChecks:  actionOn(app, plancheck.ResourceActionReplace),
				ConfigStateChecks: []statecheck.StateCheck{newID.AddStateValue(app, tfjsonpath.New("id"))},
			},
		},
	})
}

func TestLongApp_drift(t *testing.T) {
	t.Parallel()
	sb := acctest.Start(t)
	someone := sb.Client(t)
	managed := `
resource "kvs_app" "web" {
  name        = "orders-web"
  maintenance = false
}
`
	acctest.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: sb.Factories(),
		Steps: []resource.TestStep{
			{Config: managed},
			{ // somebody switched maintenance on and renamed the app: the plan undoes exactly that
				PreConfig: func() {
					name, on := "renamed-by-hand", true
					found := mustFindApp(t, someone, "orders-web")
					if _, err := someone.UpdateApp(t.Context(), found.ID, heroku.AppUpdate{Name: &name, Maintenance: &on}); err != nil {
						t.Fatal(err)
					}
				},
				Config: managed,
				ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
					plancheck.ExpectResourceAction(app, plancheck.ResourceActionUpdate),
					plancheck.ExpectKnownValue(app, tfjsonpath.New("name"), knownvalue.StringExact("orders-web")),
					plancheck.ExpectKnownValue(app, tfjsonpath.New("maintenance"), knownvalue.Bool(false)),
				}},
				ConfigStateChecks: []statecheck.StateCheck{appHas("maintenance", knownvalue.Bool(false))},
			},
			{ // a mode that the configuration does not mention is nobody's drift
				PreConfig: func() {
					on := true
					found := mustFindApp(t, someone, "orders-web")
					if _, err := someone.UpdateApp(t.Context(), found.ID, heroku.AppUpdate{Maintenance: &on}); err != nil {
						t.Fatal(err)
					}
				},
				Config: `
resource "kvs_app" "web" {
  name = "orders-web"
}
`,
				ConfigPlanChecks:  noChange,
				ConfigStateChecks: []statecheck.StateCheck{appHas("maintenance", knownvalue.Bool(true))},
			},
			{ // somebody destroyed the app: the plan creates it, and does not fail
				PreConfig: func() {
					if err := someone.DeleteApp(t.Context(), mustFindApp(t, someone, "orders-web").ID); err != nil {
						t.Fatal(err)
					}
				},
				Config:           managed,
				ConfigPlanChecks: actionOn(app, plancheck.ResourceActionCreate),
			},
		},
	})
}

func TestLongApp_unknownValues(t *testing.T) {
	t.Parallel()
	sb := acctest.Start(t)
	acctest.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: sb.Factories(),
		Steps: []resource.TestStep{
			{ // values that are known only after apply are no mistake at plan time, although any of them could be one
				Config: `
resource "terraform_data" "later" {
  input = "orders-web"
}

resource "kvs_app" "web" {
  name        = terraform_data.later.output
  team        = terraform_data.later.output == "" ? "x" : "acme"
  region      = terraform_data.later.output == "" ? "x" : "eu"
  maintenance = terraform_data.later.output != ""
}
`,
				ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
					plancheck.ExpectUnknownValue(app, tfjsonpath.New("name")),
					plancheck.ExpectUnknownValue(app, tfjsonpath.New("maintenance")),
				}},
				ConfigStateChecks: []statecheck.StateCheck{
					appHas("name", knownvalue.StringExact("orders-web")),
					appHas("team", knownvalue.StringExact("acme")),
					appHas("region", knownvalue.StringExact("eu")),
					appHas("maintenance", knownvalue.Bool(true)),
				},
			},
		},
	})
}
