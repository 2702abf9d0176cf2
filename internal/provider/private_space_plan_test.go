// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"fmt"
	"slices"
	"strings"
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

func TestLongPrivateSpace_unknownIsNotChanged(t *testing.T) {
	t.Parallel()
	sb := acctest.Start(t)
	sameID := statecheck.CompareValue(compare.ValuesSame())
	config := func(n int, region, protected string) string {
		return release(n) + fmt.Sprintf(`
resource "kvs_private_space" "prod" {
  name                     = %s
  team                     = %s
  region                   = %s
  shield                   = %s
  cidr                     = %s
  data_cidr                = %s
  deletion_protection      = %s
  log_drain_url_wo         = "https://logs.example.com"
  log_drain_url_wo_version = %s
}
`, onceReleased(`"acme-prod"`), onceReleased(`"acme"`), onceReleased(region), onceReleased("true"), onceReleased(`"10.40.0.0/16"`),
			onceReleased(`"172.24.0.0/20"`), protected, onceReleased("1")) + appInSpace()
	}
	acctest.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: sb.Factories(),
		CheckDestroy:             sb.NothingLeft(),
		Steps: []resource.TestStep{
			{
				Config:            config(1, `"frankfurt"`, "true"),
				ConfigStateChecks: []statecheck.StateCheck{sameID.AddStateValue(space, tfjsonpath.New("id"))},
			},
			{ // what may turn out to replace a protected space is refused before anything in it is touched
				Config:      config(2, `"Frankfurt"`, "true"),
				ExpectError: acctest.Says("This change may replace a protected Private Space"),
			},
			{Config: config(1, `"frankfurt"`, "false")},
			{ // the same values, of which the plan knows none: the space stays, and so does the app in it
				Config: config(2, `"Frankfurt"`, "false"),
				ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
					plancheck.ExpectResourceAction(space, plancheck.ResourceActionUpdate),
					plancheck.ExpectKnownValue(space, tfjsonpath.New("id"), knownvalue.NotNull()),
					plancheck.ExpectResourceAction(app, plancheck.ResourceActionNoop),
				}},
				ConfigStateChecks: []statecheck.StateCheck{sameID.AddStateValue(space, tfjsonpath.New("id"))},
			},
			{ // another region is refused before anything is touched, since this plan has not shown it
				Config:      config(3, `"tokyo"`, "false"),
				ExpectError: refusedOnceKnown,
			},
			{ // a protection that is not known yet is one
				Config:      strings.Replace(privateSpace(`region = "tokyo"`), "= false", "= "+onceReleased("false"), 1) + release(6),
				ExpectError: acctest.Says("This change would replace a protected Private Space"),
			},
			{ // the next plan knows the region, and shows that the app goes too
				Config: privateSpace(`region = "tokyo"`) + appInSpace(),
				ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
					plancheck.ExpectResourceAction(space, plancheck.ResourceActionReplace),
					plancheck.ExpectResourceAction(app, plancheck.ResourceActionReplace),
				}},
				PostApplyFunc: func() {
					if n := len(sb.Requests("DELETE", "/(apps|spaces)/[^/]*")); n != 2 {
						t.Errorf("%d requests destroyed something, want those of the last plan for the app and the space", n)
					}
				},
			},
		},
	})
	if changed := sb.Requests("(PATCH|PUT)", "/spaces/.*"); len(changed) != 0 {
		t.Errorf("something was sent although nothing had changed: %v", changed)
	}
}

func TestLongPrivateSpace_regionSpellings(t *testing.T) {
	t.Parallel()
	sb := acctest.Start(t)
	refused := func(region, says string) resource.TestStep {
		return resource.TestStep{Config: privateSpace("region = " + region), PlanOnly: true, ExpectError: acctest.Says(says)}
	}
	acctest.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: sb.Factories(),
		CheckDestroy:             sb.NothingLeft(),
		Steps: []resource.TestStep{
			refused(`""`, "an empty text is not a region"),
			refused(`"478864c7-3c1a-4fbd-992b-7c6160abfb71"`, `is the id of a region: give its name, "tokyo"`),
			refused(`"eu"`, `Heroku has no region "eu" for a Private Space. There are: dublin, frankfurt, london`),
			{
				Config: privateSpace(`region = "Tokyo"`) + appInSpace(`region = "TOKYO"`),
				ConfigStateChecks: []statecheck.StateCheck{
					spaceHas("region", knownvalue.StringExact("Tokyo")), appHas("region", knownvalue.StringExact("TOKYO")),
				},
			},
			{
				Config:           privateSpace(`region = "tokyo"`) + appInSpace(),
				ConfigPlanChecks: noChange,
			},
		},
	})
	if made := sb.Requests("POST", "/spaces"); len(made) != 1 {
		t.Errorf("%d spaces were ordered, want 1", len(made))
	}
}

func TestAccPrivateSpace_logDrain(t *testing.T) {
	t.Parallel()
	sb := acctest.Start(t)
	later := release(1) + privateSpace(`log_drain_url_wo = `+onceReleased(`"http://logs.example.com/secret"`), `log_drain_url_wo_version = 1`)
	acctest.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: sb.Factories(),
		Steps: []resource.TestStep{
			{ // a URL that is known only while the plan is applied is judged before anything is sent
				Config:      later,
				ExpectError: acctest.Says("the URL of a space's log drain begins with https://"),
			},
			{Config: privateSpace(`log_drain_url_wo = ""`, `log_drain_url_wo_version = 1`), ExpectError: acctest.Says("begins with https://")},
			{Config: privateSpace(`log_drain_url_wo_version = 1`), ExpectError: acctest.Says("log_drain_url_wo")},
			{Config: release(2)},
		},
	})
	if made := sb.Requests("POST", ".*"); len(made) != 0 {
		t.Errorf("something was created: %v", made)
	}
}

func TestLongPrivateSpace_addressChanged(t *testing.T) {
	t.Parallel()
	sb := acctest.Start(t)
	renamed := strings.Replace(privateSpace(), `"prod"`, `"live"`, 1)
	acctest.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: sb.Factories(),
		CheckDestroy:             sb.NothingLeft(),
		Steps: []resource.TestStep{
			{Config: privateSpace()},
			{
				Config:      renamed,
				PlanOnly:    true,
				ExpectError: acctest.Says("Destroyed and created under the same name"),
			},
			{
				Config:           renamed + "moved {\n  from = kvs_private_space.prod\n  to   = kvs_private_space.live\n}\n",
				ConfigPlanChecks: noChange,
			},
			{ // two spaces cannot have one name
				Config:      strings.Replace(renamed, "acme-prod", "acme-live", 1) + strings.Replace(privateSpace(), "acme-prod", "acme-live", 1),
				ExpectError: acctest.Says("Two instances take the same name"),
			},
		},
	})
}

// What the plans of a space say, and what they refuse, with a space, an app and a store that somebody made by hand.
func TestAccPrivateSpace_onDemand(t *testing.T) {
	t.Parallel()
	sb := acctest.Start(t)
	someone := sb.Client(t)
	made := mustCreateSpace(t, someone, "acme-prod", false)
	_, err := someone.WaitSpaceNAT(t.Context(), made.ID, spaceWait)
	var inside, byHand heroku.App
	var addOn heroku.AddOn
	if err == nil {
		inside, err = someone.CreateApp(t.Context(), heroku.AppCreate{Name: "orders-web", Space: made.Name})
	}
	if err == nil {
		byHand, err = someone.CreateApp(t.Context(), heroku.AppCreate{Name: "by-hand", Space: made.Name})
	}
	if err == nil {
		addOn, err = someone.CreateAddOn(t.Context(), inside.ID, heroku.AddOnCreate{Plan: "heroku-redis:private-7", Name: "orders-cache"})
	}
	if err == nil {
		addOn, err = someone.WaitAddOnProvisioned(t.Context(), addOn.ID, aWhile)
	}
	if err != nil {
		t.Fatal(err)
	}
	imports := fmt.Sprintf(`
import {
  to = kvs_private_space.prod
  id = %q
}

import {
  to = kvs_app.web
  id = %q
}

import {
  to = kvs_instance.cache
  id = %q
}
`, made.ID, inside.ID, addOn.ID)
	config := func(protected bool, settings ...string) string {
		return strings.Replace(privateSpace(settings...), "= false", fmt.Sprintf("= %t", protected), 1) + appInSpace() + `
resource "kvs_instance" "cache" {
  app_id = kvs_app.web.id
  plan   = "private-7"
}
`
	}
	cli := sb.CLI(t, imports+config(true, `log_drain_url_wo = "https://logs.example.com"`, `log_drain_url_wo_version = 1`))
	cli.Apply()
	says := func(code int, texts []string, args ...string) {
		t.Helper()
		result := cli.Run(slices.Concat(args[:1], []string{"-no-color", "-input=false"}, args[1:])...)
		for _, text := range texts {
			if result.Code != code || !acctest.Says(text).MatchString(result.Output()) {
				t.Errorf("%v exited %d, want %d and %q:\n%s", args, result.Code, code, text, result.Output())
			}
		}
	}

	// a protected space is kept from -replace and from the consequence of a taint, by the plan
	protected := []string{"Private Space is protected from deletion"}
	says(1, protected, "plan", "-replace="+space)
	says(1, protected, "plan", "-replace="+space, "-refresh=false")
	cli.Run("taint", space)
	says(1, protected, "plan")
	cli.Run("untaint", space)

	// what is given up is said, in the plan and in the apply of a saved one
	given := []string{"The space is no longer protected: acme-prod", "The log drain of the space stays: acme-prod"}
	cli.Configure(config(false))
	says(0, given, "plan", "-out=saved")
	says(0, given, "apply", "saved")

	// without protection it is the protected store in it that keeps it
	owned := []string{"These are protected: - Key-Value Store orders-cache ("}
	says(1, owned, "plan", "-replace="+space)
	cli.Run("taint", space)
	says(1, owned, "plan")
	cli.Run("untaint", space)

	// and when nothing does, the plan says what is lost
	cli.Configure(privateSpace() + appInSpace() + "removed {\n  from = kvs_instance.cache\n  lifecycle {\n    destroy = false\n  }\n}\n")
	cli.Apply()
	says(0, []string{
		"The space is destroyed with all that it has: acme-prod", "- by-hand (id", "The app is destroyed with all that it has: orders-web",
	}, "plan", "-destroy")

	for _, app := range []heroku.App{inside, byHand} {
		if err := someone.DeleteApp(t.Context(), app.ID); err != nil {
			t.Fatal(err)
		}
	}
	sb.Clock().Advance(spaceWait)
	if err := someone.DeleteSpace(t.Context(), made.ID); err != nil {
		t.Fatal(err)
	}
	sb.Clock().Advance(spaceWait)
	says(0, []string{"The space is gone from Heroku: acme-prod", "The app is gone from Heroku: orders-web"}, "plan")
	if gone := sb.Requests("DELETE", "/spaces/[^/]*"); len(gone) != 0 {
		t.Errorf("%d requests of the provider destroyed a space, want none", len(gone))
	}
}
