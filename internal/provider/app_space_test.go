// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"fmt"
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
	"github.com/terraform-kvs/terraform-provider-kvs/internal/keyvalue"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/sandbox"
)

// appInSpace is an app in the space of privateSpace; settings are further arguments.
func appInSpace(settings ...string) string { return appIn("kvs_private_space.prod.id", settings...) }

func appIn(spaceID string, settings ...string) string {
	return fmt.Sprintf(`
resource "kvs_app" "web" {
  name     = "orders-web"
  space_id = %s
  %s
}
`, spaceID, strings.Join(settings, "\n  "))
}

func TestAccAppInSpace_basic(t *testing.T) {
	t.Parallel()
	sb := acctest.Start(t)
	acctest.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: sb.Factories(),
		CheckDestroy:             sb.NothingLeft(),
		Steps: []resource.TestStep{
			{ // the space is all that has to be said: team and region are the space's
				Config: privateSpace(`region = "tokyo"`) + appInSpace(),
				ConfigStateChecks: []statecheck.StateCheck{
					appHas("team", knownvalue.StringExact("acme")),
					appHas("region", knownvalue.StringExact("tokyo")),
					appHas("internal_routing", knownvalue.Bool(false)),
					statecheck.CompareValuePairs(app, tfjsonpath.New("space_id"), space, tfjsonpath.New("id"), compare.ValuesSame()),
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
			{ // to say what follows from the space is no change
				Config: privateSpace(`region = "tokyo"`) + appInSpace(`team = "acme"`, `region = "tokyo"`,
					`internal_routing = false`),
				ConfigPlanChecks: noChange,
			},
			{ // nor is to leave it out again, the team included
				Config:           privateSpace(`region = "tokyo"`) + appInSpace(),
				ConfigPlanChecks: noChange,
			},
			{ // a space that is no longer written down would be another app: refused, with the way to keep this one
				Config: privateSpace(`region = "tokyo"`) + `
resource "kvs_app" "web" {
  name = "orders-web"
}
`,
				ExpectError: acctest.Says("An app cannot leave its space"),
			},
		},
	})
	if made := sb.Requests("POST", "/teams/apps"); len(made) != 1 {
		t.Errorf("%d apps were created, want 1", len(made))
	}
}

func TestAccAppInSpace_importByIdentity(t *testing.T) {
	t.Parallel()
	sb := acctest.Start(t)
	acctest.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: sb.Factories(),
		TerraformVersionChecks:   []tfversion.TerraformVersionCheck{tfversion.SkipBelow(tfversion.Version1_12_0)},
		Steps: []resource.TestStep{
			{Config: privateSpace() + appInSpace()},
			{
				ResourceName:    app,
				ImportState:     true,
				ImportStateKind: resource.ImportBlockWithResourceIdentity,
			},
		},
	})
}

func TestLongAppInSpace_update(t *testing.T) {
	t.Parallel()
	sb := acctest.Start(t)
	sameID := statecheck.CompareValue(compare.ValuesSame())
	transferred := strings.Replace(privateSpace(), `"acme"`, `"acme-data"`, 1)
	acctest.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: sb.Factories(),
		CheckDestroy:             sb.NothingLeft(),
		Steps: []resource.TestStep{
			{
				Config:            privateSpace() + appInSpace(),
				ConfigStateChecks: []statecheck.StateCheck{sameID.AddStateValue(app, tfjsonpath.New("id"))},
			},
			{ // the space is transferred and the app changed in one apply: the app goes along, and stays the same
				Config:           transferred + appInSpace(`maintenance = true`),
				ConfigPlanChecks: actionOn(app, plancheck.ResourceActionUpdate),
				ConfigStateChecks: []statecheck.StateCheck{
					sameID.AddStateValue(app, tfjsonpath.New("id")),
					appHas("maintenance", knownvalue.Bool(true)),
				},
			},
			{ // the team that it has now is nobody's change
				Config:            transferred + appInSpace(`maintenance = true`),
				ConfigPlanChecks:  noChange,
				ConfigStateChecks: []statecheck.StateCheck{appHas("team", knownvalue.StringExact("acme-data"))},
			},
			{ // a rename is one in place, as elsewhere
				Config:            strings.Replace(transferred+appInSpace(), "orders-web", "orders-site", 1),
				ConfigPlanChecks:  actionOn(app, plancheck.ResourceActionUpdate),
				ConfigStateChecks: []statecheck.StateCheck{sameID.AddStateValue(app, tfjsonpath.New("id"))},
			},
			{ // an app that names the space's team follows the space in the same apply
				Config: strings.Replace(privateSpace()+appInSpace(`team = kvs_private_space.prod.team`),
					"orders-web", "orders-site", 1),
				ConfigPlanChecks: actionOn(app, plancheck.ResourceActionUpdate),
				ConfigStateChecks: []statecheck.StateCheck{sameID.AddStateValue(app, tfjsonpath.New("id")),
					appHas("team", knownvalue.StringExact("acme"))},
			},
		},
	})
	if sent := sb.Requests("PATCH", "/teams/apps/.*"); len(sent) != 0 {
		t.Errorf("%d requests transferred the app, which goes with its space", len(sent))
	}
}

func TestLongAppInSpace_replacement(t *testing.T) {
	t.Parallel()
	sb := acctest.Start(t)
	someone := sb.Client(t)
	first, second := mustCreateSpace(t, someone, "acme-prod", false), mustCreateSpace(t, someone, "acme-test", false)
	newID := statecheck.CompareValue(compare.ValuesDiffer())
	in := func(space heroku.Space, settings ...string) string {
		return appIn(fmt.Sprintf("%q", space.ID), settings...)
	}
	step := func(config string, checks ...statecheck.StateCheck) resource.TestStep {
		return resource.TestStep{
			Config:            config,
			ConfigPlanChecks:  actionOn(app, plancheck.ResourceActionReplace),
			ConfigStateChecks: append(checks, newID.AddStateValue(app, tfjsonpath.New("id"))),
		}
	}
	acctest.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: sb.Factories(),
		Steps: []resource.TestStep{
			{
				Config: `
resource "kvs_app" "web" {
  name = "orders-web"
}
`,
				ConfigStateChecks: []statecheck.StateCheck{newID.AddStateValue(app, tfjsonpath.New("id"))},
			},
			// an app cannot move into a space, nor to another one, nor change how it is reached
			step(in(first), appHas("region", knownvalue.StringExact("virginia")), appHas("team", knownvalue.StringExact("acme"))),
			step(in(second)),
			step(in(second, `internal_routing = true`), appHas("internal_routing", knownvalue.Bool(true))),
			{ // which is left as it is when it is no longer written down
				Config:            in(second),
				ConfigPlanChecks:  noChange,
				ConfigStateChecks: []statecheck.StateCheck{appHas("internal_routing", knownvalue.Bool(true))},
			},
		},
	})
}

func TestLongAppInSpace_drift(t *testing.T) {
	t.Parallel()
	sb := acctest.Start(t)
	someone := sb.Client(t)
	inside := mustCreateSpace(t, someone, "acme-prod", true)
	in := func(settings ...string) string { return appIn(fmt.Sprintf("%q", inside.ID), settings...) }
	acctest.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: sb.Factories(),
		Steps: []resource.TestStep{
			{Config: in()},
			{ // somebody transferred the space, and the app with it: no drift where the team is not written down
				PreConfig: func() {
					if _, err := someone.TransferSpace(t.Context(), inside.ID, "acme-data"); err != nil {
						t.Fatal(err)
					}
				},
				Config:            in(),
				ConfigPlanChecks:  noChange,
				ConfigStateChecks: []statecheck.StateCheck{appHas("team", knownvalue.StringExact("acme-data"))},
			},
			{ // where it is, no request could bring the app back
				Config:      in(`team = "acme"`),
				ExpectError: acctest.Says(`App "orders-web" is to be owned by the team acme, and the space acme-prod belongs to the team acme-data`),
			},
			{ // somebody moved the app out, by making another one: the plan puts it back, as a new one
				PreConfig: func() {
					if err := someone.DeleteApp(t.Context(), mustFindApp(t, someone, "orders-web").ID); err != nil {
						t.Fatal(err)
					}
				},
				Config:           in(),
				ConfigPlanChecks: actionOn(app, plancheck.ResourceActionCreate),
			},
		},
	})
}

func TestLongAppInSpace_unknownValues(t *testing.T) {
	t.Parallel()
	sb := acctest.Start(t)
	later := func(team string) string {
		return privateSpace() + fmt.Sprintf(`
resource "terraform_data" "later" {
  input = "orders-web"
}

resource "kvs_app" "web" {
  name             = "orders-web"
  space_id         = terraform_data.later.output == "" ? "x" : kvs_private_space.prod.id
  team             = terraform_data.later.output == "" ? "x" : %q
  internal_routing = terraform_data.later.output != ""
}
`, team)
	}
	acctest.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: sb.Factories(),
		CheckDestroy:             sb.NothingLeft(),
		Steps: []resource.TestStep{
			{ // the rules hold once the values are known: before the app is created
				Config:      later("acme-data"),
				ExpectError: acctest.Says("The app belongs to the team of its space"),
			},
			{
				PreConfig: func() {
					if made := sb.Requests("POST", "/(teams/)?apps"); len(made) != 0 {
						t.Errorf("%d apps were created, want none", len(made))
					}
				},
				Config: later("acme"),
				ConfigStateChecks: []statecheck.StateCheck{
					appHas("team", knownvalue.StringExact("acme")),
					appHas("internal_routing", knownvalue.Bool(true)),
				},
			},
		},
	})
}

func TestAccAppInSpace_refusal(t *testing.T) {
	t.Parallel()
	sb := acctest.Start(t)
	inside := fmt.Sprintf("%q", mustCreateSpace(t, sb.Client(t), "acme-prod", false).ID)
	refusals := map[string]acctest.Refusal{}
	for name, test := range map[string]struct{ config, says string }{
		"another region than the space's": {appIn(inside, `region = "tokyo"`),
			`App "orders-web" is to run in the space acme-prod, which is in the region virginia, and the configuration says tokyo. Leave region out`},
		"a region of the Common Runtime": {appIn(inside, `region = "us"`), "The region is that of the space"},
		"another team than the space's": {appIn(inside, `team = "acme-data"`),
			"the space acme-prod belongs to the team acme, as every app in it does. Leave team out"},
		"a space that does not exist":      {appIn(`"00000000-0000-4000-8000-000000000000"`), "Space not found"},
		"the name of a space":              {appIn(`"acme-prod"`), "give a UUID in lower case"},
		"internal routing without a space": {appIn("null", `internal_routing = true`), "Internal routing needs a space"},
	} {
		refusals[name] = acctest.Refusal{Config: test.config, Says: []string{test.says}}
	}
	sb.Refused(t, refusals)
	if made := sb.Requests("POST", ".*"); len(made) != 0 {
		t.Errorf("something was created: %v", made)
	}
}

func TestLongAppInSpace_notAllocated(t *testing.T) {
	t.Parallel()
	sb := acctest.Start(t)
	impatient := privateSpace(`timeouts = { create = "5m" }`) + appInSpace()
	acctest.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: sb.Factories(),
		CheckDestroy:             sb.NothingLeft(),
		Steps: []resource.TestStep{
			{ // a space that takes too long is a warning of its own, so the app has to refuse, by name
				PreConfig: func() {
					sb.Inject(sandbox.Fault{Match: sandbox.Match{Method: "POST", Path: "/spaces"},
						Do: sandbox.Effect{Provisioning: "stuck"}})
				},
				Config:      impatient,
				ExpectError: acctest.Says(`App "orders-web" was not created: the space acme-prod`),
			},
			{ // the next apply has both
				PreConfig: func() { sb.Clear() },
				Config:    impatient,
			},
		},
	})
	if made := sb.Requests("POST", "/teams/apps"); len(made) != 1 {
		t.Errorf("%d requests created an app, want only the one in the allocated space", len(made))
	}
}

func TestAccAppInSpace_limit(t *testing.T) {
	t.Parallel()
	sb := acctest.Start(t)
	someone := sb.Client(t)
	inside := mustCreateSpace(t, someone, "acme-prod", false)
	for i := range keyvalue.SpaceAppsLimit {
		if _, err := someone.CreateApp(t.Context(), heroku.AppCreate{Name: fmt.Sprintf("orders-%d", i), Space: inside.Name}); err != nil {
			t.Fatal(err)
		}
	}
	acctest.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: sb.Factories(),
		Steps: []resource.TestStep{
			{ // the limit is Heroku's, which can raise it, and so are the words
				Config:      appIn(fmt.Sprintf("%q", inside.ID)),
				ExpectError: acctest.Says(`Heroku answered 422 invalid_params to POST /teams/apps: "Space acme-prod cannot have more than 20 apps."`),
			},
		},
	})
}

// A new app in a space is being provisioned for a while, in which Heroku wants patience.
func TestLongAppInSpace_beingProvisioned(t *testing.T) {
	t.Parallel()
	sb := acctest.Start(t, func(o *sandbox.Options) { o.AppDelay = 10 * time.Second })
	acctest.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: sb.Factories(),
		CheckDestroy:             sb.NothingLeft(),
		Steps: []resource.TestStep{
			{
				Config:            privateSpace() + appInSpace() + strings.Replace(storeOn(""), `""`, "kvs_app.web.id", 1),
				ConfigStateChecks: []statecheck.StateCheck{storeHas("plan", knownvalue.StringExact("private-7"))},
			},
		},
	})
	var refused int
	for _, order := range sb.Requests("POST", "/apps/.*/addons") {
		if order.Status != 201 {
			refused++
		}
	}
	if refused == 0 {
		t.Error("no order was refused, so nothing was waited out")
	}
}

// An app that is destroyed takes its stores with it, so a plan that would is refused where a store is protected.
func TestAccApp_replacedUnderProtectedStore(t *testing.T) {
	t.Parallel()
	sb := acctest.Start(t)
	protected := strings.Replace(appAndStore("premium-0"), "deletion_protection = false", "", 1)
	acctest.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: sb.Factories(),
		CheckDestroy:             sb.NothingLeft(),
		Steps: []resource.TestStep{
			{Config: protected},
			{ // Terraform plans the store after the app, so here it is the store that sees the end of its app
				Config:      strings.Replace(protected, `"orders-web"`, "\"orders-web\"\n  region = \"eu\"", 1),
				PlanOnly:    true,
				ExpectError: acctest.Says("These are protected: - Key-Value Store orders-cache ("),
			},
			{
				Config:           appAndStore("premium-0"),
				ConfigPlanChecks: planned(plancheck.ResourceActionUpdate),
			},
		},
	})
	expectOneAppDestroyed(t, sb)
}

func TestAccApp_droppedUnderProtectedStore(t *testing.T) {
	t.Parallel()
	sb := acctest.Start(t)
	made := mustCreateApp(t, sb.Client(t), "orders-web")
	managed := fmt.Sprintf(`
import {
  to = kvs_app.web
  id = %q
}

resource "kvs_app" "web" {
  name = "orders-web"
}
`, made.ID)
	protected := strings.Replace(storeOn(made.ID, `plan = "premium-0"`), "deletion_protection = false", "", 1)
	acctest.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: sb.Factories(),
		CheckDestroy:             sb.NothingLeft(),
		Steps: []resource.TestStep{
			{Config: managed + protected},
			{ // the two do not refer to each other, so either may be planned first
				Config:      protected,
				PlanOnly:    true,
				ExpectError: acctest.Says("These are protected: - Key-Value Store orders-cache ("),
			},
			{
				Config:           managed + storeOn(made.ID, `plan = "premium-0"`),
				ConfigPlanChecks: planned(plancheck.ResourceActionUpdate),
			},
			{Config: managed},
		},
	})
	expectOneAppDestroyed(t, sb)
}

func expectOneAppDestroyed(t *testing.T, sb *acctest.Sandbox) {
	t.Helper()
	if n := len(sb.Requests("DELETE", "/apps/[^/]*")); n != 1 {
		t.Errorf("%d requests destroyed an app, want only the one of the clean-up", n)
	}
}
