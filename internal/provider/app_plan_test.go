// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"fmt"
	"regexp"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/compare"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/acctest"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
)

// release makes terraform_data.release unknown in the plan of each new one, as depends_on of a module does.
func release(n int) string {
	return fmt.Sprintf(`
resource "terraform_data" "release" {
  input = "%d"
}
`, n)
}

// onceReleased is a value that is known only when the release is.
func onceReleased(value string) string {
	return `terraform_data.release.output == "" ? null : ` + value
}

// refusedOnceKnown is the refusal of a plan that turns out to need another object; OpenTofu tells no provider that it applies.
var refusedOnceKnown = regexp.MustCompile(acctest.Says("The change needs another object").String() + "|" +
	acctest.Says("Provider produced inconsistent final plan").String())

func TestAccApp_unknownIsNotChanged(t *testing.T) {
	t.Parallel()
	sb := acctest.Start(t)
	inside := fmt.Sprintf("%q", mustCreateSpace(t, sb.Client(t), "acme-prod", false).ID)
	sameID := statecheck.CompareValue(compare.ValuesSame())
	config := func(n int, space, region, internal string) string {
		return release(n) + fmt.Sprintf(`
resource "kvs_app" "web" {
  name             = %s
  team             = %s
  space_id         = %s
  region           = %s
  internal_routing = %s
  maintenance      = %s
}
`, onceReleased(`"orders-web"`), onceReleased(`"acme"`), onceReleased(space), onceReleased(region),
			onceReleased(internal), onceReleased("false"))
	}
	acctest.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: sb.Factories(),
		Steps: []resource.TestStep{
			{
				Config:            config(1, inside, `"virginia"`, "false"),
				ConfigStateChecks: []statecheck.StateCheck{sameID.AddStateValue(app, tfjsonpath.New("id"))},
			},
			{ // the same values, of which the plan knows none: the app stays, and so does its id for those who refer to it
				Config: config(2, inside, `"virginia"`, "false"),
				ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
					plancheck.ExpectResourceAction(app, plancheck.ResourceActionUpdate),
					plancheck.ExpectKnownValue(app, tfjsonpath.New("id"), knownvalue.NotNull()),
					plancheck.ExpectKnownValue(app, tfjsonpath.New("created_at"), knownvalue.NotNull()),
				}},
				ConfigStateChecks: []statecheck.StateCheck{sameID.AddStateValue(app, tfjsonpath.New("id"))},
			},
			{ // another region in other letters is the same one
				Config:            config(3, inside, `"Virginia"`, "false"),
				ConfigStateChecks: []statecheck.StateCheck{sameID.AddStateValue(app, tfjsonpath.New("id"))},
			},
			{ // a value that turns out to be another one is refused, and nothing has been changed
				Config:      config(4, inside, `"virginia"`, "true"),
				ExpectError: refusedOnceKnown,
			},
			{ // the next plan knows it, and shows the new app
				Config:           config(4, inside, `"virginia"`, "true"),
				ConfigPlanChecks: actionOn(app, plancheck.ResourceActionReplace),
				PostApplyFunc: func() {
					if n := len(sb.Requests("DELETE", "/apps/.*")); n != 1 {
						t.Errorf("%d apps were destroyed, want only the one that a plan showed", n)
					}
				},
			},
		},
	})
	if changed := sb.Requests("PATCH", ".*"); len(changed) != 0 {
		t.Errorf("something was sent although nothing had changed: %v", changed)
	}
}

// A region of a new app, and of one that exists, is judged by what it means.
func TestLongApp_regionSpellings(t *testing.T) {
	t.Parallel()
	sb := acctest.Start(t)
	in := func(region string) string {
		return fmt.Sprintf(`
resource "kvs_app" "web" {
  name   = "orders-web"
  region = %s
}
`, region)
	}
	refused := func(region, says string) resource.TestStep {
		return resource.TestStep{Config: in(region), PlanOnly: true, ExpectError: acctest.Says(says)}
	}
	acctest.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: sb.Factories(),
		Steps: []resource.TestStep{
			refused(`""`, "an empty text is not a region"),
			refused(`"eu "`, `"eu " is not a region: write "eu"`),
			refused(`"ed30241c-ed8c-4bb6-9714-61953675d0b4"`, `is the id of a region: give its name, "eu"`),
			refused(`"atlantis"`, `Heroku has no region "atlantis" for an app outside of spaces. There are: eu, us.`),
			refused(`"tokyo"`, "The region cannot be used here"),
			{ // capitals are kept as they were written, and mean the same
				Config:            in(`"EU"`),
				ConfigStateChecks: []statecheck.StateCheck{appHas("region", knownvalue.StringExact("EU"))},
			},
			{
				Config:           in(`"eu"`),
				ConfigPlanChecks: noChange,
			},
			{
				ResourceName:            app,
				ImportState:             true,
				ImportStateVerify:       true,
				ImportStateVerifyIgnore: []string{"region"},
			},
			// what is refused for a new app replaces none either
			refused(`""`, "an empty text is not a region"),
			refused(`"ed30241c-ed8c-4bb6-9714-61953675d0b4"`, `give its name, "eu"`),
			refused(`"ed30241c-ed8c-4bb6-9714-61953675d0b5"`, `is an id: give the name of the region`),
			{
				Config:           in("null"),
				ConfigPlanChecks: noChange,
			},
		},
	})
	if made := sb.Requests("POST", "/apps"); len(made) != 1 {
		t.Errorf("%d apps were ordered, want 1", len(made))
	}
}

func TestLongApp_nameAndTeamSpellings(t *testing.T) {
	t.Parallel()
	sb := acctest.Start(t)
	step := func(name, team, says string) resource.TestStep {
		return resource.TestStep{
			Config: fmt.Sprintf(`
resource "kvs_app" "web" {
  name = %q
  team = %q
}
`, name, team),
			PlanOnly:    true,
			ExpectError: acctest.Says(says),
		}
	}
	acctest.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: sb.Factories(),
		Steps: []resource.TestStep{
			{ // one name is not for two
				Config:      "resource \"kvs_app\" \"web\" {\n  count = 2\n  name  = \"orders-web\"\n}\n",
				PlanOnly:    true,
				ExpectError: acctest.Says("Two instances take the same name"),
			},
			step("Orders-Web", "acme", `write for example "orders-web"`),
			step("", "acme", "cannot be the name of an app"),
			step("orders-web", "Acme", `"Acme" is not a team's name, which has neither capitals nor blanks: write "acme"`),
			step("orders-web", " acme", `write "acme"`),
			step("orders-web", "acme platform", `"acme platform" is not a team's name, which has neither capitals nor blanks: give the name`),
			step("orders-web", "", "is not a team's name"),
			step("orders-web", "59accabd-516d-4f0e-83e6-6e3757701145", "is not a team's name"),
		},
	})
	if made := sb.Requests("POST", ".*"); len(made) != 0 {
		t.Errorf("something was created: %v", made)
	}
}

// apps are one app for each key, named by the key's value.
func apps(keys string) string {
	return fmt.Sprintf(`
resource "kvs_app" "each" {
  for_each = %s
  name     = each.value
}
`, keys)
}

func TestLongApp_addressChanged(t *testing.T) {
	t.Parallel()
	sb := acctest.Start(t)
	counted := func(names string) string {
		return fmt.Sprintf(`
resource "kvs_app" "counted" {
  count = length(%[1]s)
  name  = %[1]s[count.index]
}
`, names)
	}
	three, two := apps(`{ a = "orders-a", b = "orders-b", c = "orders-c" }`), counted(`["orders-0", "orders-1"]`)
	cli := sb.CLI(t, three+two)
	cli.Apply()
	for change, config := range map[string]string{
		"other keys alone": apps(`{ x = "orders-a", y = "orders-b", z = "orders-c" }`) + two,
		"another name of the resource": apps(`{ a = "orders-a", b = "orders-b" }`) + two + "resource \"kvs_app\" " +
			"\"other\" {\n  name = \"orders-c\"\n}\n",
		"an index that shifts": three + counted(`["orders-1"]`),
	} {
		cli.Configure(config)
		plan := cli.Run("plan", "-no-color", "-input=false")
		for _, says := range []string{"Destroyed and created under the same name", "moved { from = kvs_app.old"} {
			if plan.Code != 1 || !acctest.Says(says).MatchString(plan.Output()) {
				t.Errorf("%s: the plan exited %d and does not say %q:\n%s", change, plan.Code, says, plan.Output())
			}
		}
	}

	// A moved block says that it is the same app, and one that goes for good is nobody else's.
	cli.Configure(apps(`{ x = "orders-a", b = "orders-b", c = "orders-c" }`) + two + `
moved {
  from = kvs_app.each["a"]
  to   = kvs_app.each["x"]
}
`)
	if moved := cli.Apply(); !acctest.Says("0 added, 0 changed, 0 destroyed").MatchString(moved.Output()) {
		t.Errorf("a moved block changes something:\n%s", moved.Output())
	}
	cli.Configure(apps(`{ x = "orders-a", b = "orders-b" }`) + counted(`["orders-0"]`))
	if gone := cli.Apply(); !acctest.Says("0 added, 0 changed, 2 destroyed").MatchString(gone.Output()) {
		t.Errorf("two apps that were taken out are not what is destroyed:\n%s", gone.Output())
	}
}

// Names are unique at Heroku, so that a successor cannot be made beside an app.
func TestLongApp_createBeforeDestroy(t *testing.T) {
	t.Parallel()
	sb := acctest.Start(t)
	in := func(region string) string {
		return fmt.Sprintf(`
resource "kvs_app" "web" {
  name   = "orders-web"
  region = %q

  lifecycle {
    create_before_destroy = true
  }
}
`, region)
	}
	acctest.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: sb.Factories(),
		Steps: []resource.TestStep{
			{Config: in("us")},
			{
				Config:      in("eu"),
				ExpectError: acctest.Says("With create_before_destroy an app cannot keep its name"),
			},
			{ // the app is still there, and still managed
				Config:           in("us"),
				ConfigPlanChecks: noChange,
				PostApplyFunc: func() {
					if gone := sb.Requests("DELETE", "/apps/.*"); len(gone) != 0 {
						t.Errorf("an app was destroyed: %v", gone)
					}
				},
			},
		},
	})
}

// Terraform tells a provider neither of -replace nor of a taint.
func TestLongApp_replacedOnDemandUnderProtectedStore(t *testing.T) {
	t.Parallel()
	sb := acctest.Start(t)
	someone := sb.Client(t)
	made := mustCreateApp(t, someone, "orders-web")
	addOn, err := someone.CreateAddOn(t.Context(), made.ID, heroku.AddOnCreate{Plan: "heroku-redis:premium-0", Name: "orders-cache"})
	if err == nil {
		addOn, err = someone.WaitAddOnProvisioned(t.Context(), addOn.ID, aWhile)
	}
	if err == nil {
		err = someone.SetConfigVar(t.Context(), made.ID, "SECRET_KEY_BASE", new(string))
	}
	if err != nil {
		t.Fatal(err)
	}
	cli := sb.CLI(t, fmt.Sprintf(`
import {
  to = kvs_app.web
  id = %q
}

import {
  to = kvs_instance.cache
  id = %q
}

resource "kvs_app" "web" {
  name = "orders-web"
}

resource "kvs_instance" "cache" {
  app_id = kvs_app.web.id
  plan   = "premium-0"
}
`, made.ID, addOn.ID))
	cli.Apply()
	refused := acctest.Says("These are protected: - Key-Value Store orders-cache (")
	for _, args := range [][]string{{"-replace=kvs_app.web"}, {"-replace=kvs_app.web", "-refresh=false"}} {
		plan := cli.Run(append([]string{"plan", "-no-color", "-input=false"}, args...)...)
		if plan.Code != 1 || !refused.MatchString(plan.Output()) {
			t.Errorf("plan %v exited %d:\n%s", args, plan.Code, plan.Output())
		}
	}
	if taint := cli.Run("taint", "kvs_app.web"); taint.Code != 0 {
		t.Fatal(taint.Output())
	}
	if plan := cli.Run("plan", "-no-color", "-input=false"); plan.Code != 1 || !refused.MatchString(plan.Output()) {
		t.Errorf("the plan of a tainted app exited %d:\n%s", plan.Code, plan.Output())
	}
	cli.Run("untaint", "kvs_app.web")

	// What an app takes along is named, and so is one that is gone.
	cli.Configure(`
resource "kvs_app" "web" {
  name = "orders-web"
}

removed {
  from = kvs_instance.cache

  lifecycle {
    destroy = false
  }
}
`)
	cli.Apply()
	plan := cli.Run("plan", "-destroy", "-no-color", "-input=false")
	for _, says := range []string{
		"The app is destroyed with all that it has: orders-web", "config vars: REDIS_URL, SECRET_KEY_BASE", "attachments: REDIS (orders-cache)",
	} {
		if plan.Code != 0 || !acctest.Says(says).MatchString(plan.Output()) {
			t.Errorf("the plan to destroy the app exited %d and does not say %q:\n%s", plan.Code, says, plan.Output())
		}
	}
	if err := someone.DeleteApp(t.Context(), made.ID); err != nil {
		t.Fatal(err)
	}
	plan = cli.Run("plan", "-no-color", "-input=false")
	if !acctest.Says("The app is gone from Heroku: orders-web").MatchString(plan.Output()) {
		t.Errorf("the plan does not say that the app is gone:\n%s", plan.Output())
	}
	if gone := sb.Requests("DELETE", "/apps/[^/]*"); len(gone) != 0 {
		t.Errorf("%d requests of the provider destroyed an app, want none", len(gone))
	}
}

// A saved plan that no longer starts from what is there changes nothing.
func TestAccApp_savedPlan(t *testing.T) {
	t.Parallel()
	sb := acctest.Start(t)
	config := func(maintenance string) string {
		return "resource \"kvs_app\" \"web\" {\n  name        = \"orders-web\"\n  maintenance = " + maintenance + "\n}\n"
	}
	cli := sb.CLI(t, config("false"))
	cli.Apply()
	cli.Configure(config("true"))
	if plan := cli.Run("plan", "-input=false", "-no-color", "-out=saved"); plan.Code != 0 {
		t.Fatalf("the plan exited %d:\n%s", plan.Code, plan.Output())
	}
	someone := sb.Client(t)
	app := mustFindApp(t, someone, "orders-web")
	renamed := "orders-www"
	if _, err := someone.UpdateApp(t.Context(), app.ID, heroku.AppUpdate{Name: &renamed}); err != nil {
		t.Fatal(err)
	}
	sb.ResetJournal()
	result := cli.Run("apply", "-input=false", "-no-color", "saved")
	for _, says := range []string{"The object has changed since the plan was made", `name is "orders-www" now, and was "orders-web"`} {
		if !acctest.Says(says).MatchString(result.Output()) {
			t.Errorf("exit %d, it does not say %q:\n%s", result.Code, says, result.Output())
		}
	}
	if sent := append(sb.Requests("PATCH", ".*"), sb.Requests("POST", ".*")...); result.Code != 1 || len(sent) != 0 {
		t.Errorf("exit %d, sent: %v", result.Code, sent)
	}
	cli.Apply() // the next plan shows all of it
}
