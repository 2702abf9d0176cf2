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

func TestLongApp_readFailureKeepsState(t *testing.T) {
	t.Parallel()
	sb := acctest.Start(t)
	managed := `
resource "kvs_app" "web" {
  name = "orders-web"
}
`
	html := "<html>Not found</html>"
	answers := map[string]sandbox.Effect{
		"a forbidden app":                   {Status: 403},
		"a 404 that is not Heroku's":        {Status: 404, Body: &html, ContentType: "text/html"},
		"an empty answer":                   {Status: 200, Body: new(string)},
		"a sign-in page in place of an app": {Status: 200, Body: &html, ContentType: "text/html"},
	}
	steps := []resource.TestStep{{Config: managed}}
	for name, effect := range answers {
		var fault string
		steps = append(steps,
			resource.TestStep{ // none of these proves that the app is gone, so the refresh fails
				PreConfig: func() {
					t.Log(name)
					fault = sb.Inject(sandbox.Fault{Match: sandbox.Match{Method: "GET", Path: "/apps/*"}, Do: effect})
				},
				Config:      managed,
				PlanOnly:    true,
				ExpectError: acctest.Says("Unable to read app"),
			},
			resource.TestStep{ // and the state still has it
				PreConfig: func() {
					if fault == "" {
						t.Error("no fault was injected")
					}
					sb.Clear()
				},
				Config:           managed,
				ConfigPlanChecks: noChange,
			})
	}
	acctest.Test(t, resource.TestCase{ProtoV6ProviderFactories: sb.Factories(), Steps: steps})
}

func TestAccApp_deleteKeepsStores(t *testing.T) {
	t.Parallel()
	sb := acctest.Start(t)
	someone := sb.Client(t)
	managed := `
resource "kvs_app" "web" {
  name = "orders-web"
}
`
	acctest.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: sb.Factories(),
		CheckDestroy:             sb.NothingLeft(),
		Steps: []resource.TestStep{
			{Config: managed},
			{ // a store that Terraform does not know would die with its app, so the app stays and the error names the store
				PreConfig: func() {
					found := mustFindApp(t, someone, "orders-web")
					if _, err := someone.CreateAddOn(t.Context(), found.ID,
						heroku.AddOnCreate{Plan: "heroku-redis:premium-0", Name: "made-by-hand"}); err != nil {
						t.Fatal(err)
					}
				},
				Config:      managed,
				Destroy:     true,
				ExpectError: acctest.Says("- made-by-hand (heroku-redis:premium-0, id"),
			},
			{ // both are still there
				Config:           managed,
				ConfigPlanChecks: noChange,
				PostApplyFunc: func() {
					addOn := mustFind(t, someone, "made-by-hand")
					if err := someone.DeleteAddOn(t.Context(), addOn.AppID, addOn.ID); err != nil {
						t.Error(err)
					}
				},
			},
		},
	})
	if requests := sb.Requests("DELETE", "/apps/[^/]*"); len(requests) != 1 {
		t.Errorf("%d requests destroyed an app, want only the one after the store was gone", len(requests))
	}
}

func TestLongApp_deleteIgnoresForeignStores(t *testing.T) {
	t.Parallel()
	sb := acctest.Start(t)
	someone := sb.Client(t)
	web := `
resource "kvs_app" "web" {
  name = "orders-web"
}
`
	worker := `
resource "kvs_app" "worker" {
  name = "orders-worker"
}
`
	acctest.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: sb.Factories(),
		Steps: []resource.TestStep{
			{Config: web + worker},
			{ // a store of another app is only attached here: it survives, and does not hold the app back
				PreConfig: func() {
					owner, guest := mustFindApp(t, someone, "orders-web"), mustFindApp(t, someone, "orders-worker")
					addOn, err := someone.CreateAddOn(t.Context(), owner.ID,
						heroku.AddOnCreate{Plan: "heroku-redis:premium-0", Name: "shared"})
					if err == nil {
						addOn, err = someone.WaitAddOnProvisioned(t.Context(), addOn.ID, aWhile)
					}
					if err == nil {
						_, err = someone.CreateAttachment(t.Context(),
							heroku.AttachmentCreate{AddOn: addOn.ID, App: guest.ID, Name: "SHARED"})
					}
					if err != nil {
						t.Fatal(err)
					}
				},
				Config: web,
				PostApplyFunc: func() {
					addOn := mustFind(t, someone, "shared")
					if err := someone.DeleteAddOn(t.Context(), addOn.AppID, addOn.ID); err != nil {
						t.Error(err)
					}
				},
			},
		},
	})
}

func TestAccApp_refusal(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ config, says string }{
		"a name that Heroku would refuse": {`name = "Orders"`, "Orders"},
		"a UUID in place of a team": {"name = \"orders-web\"\nteam = \"7c4e2a90-3b5d-4f8e-a1c6-d2e3f4a5b6c7\"",
			"is not a team's name"},
	}
	sb := acctest.Start(t)
	refusals := map[string]acctest.Refusal{}
	for name, test := range tests {
		refusals[name] = acctest.Refusal{Config: "resource \"kvs_app\" \"web\" {\n" + test.config + "\n}\n", Says: []string{test.says}}
	}
	sb.Refused(t, refusals)
	if made := sb.Requests("POST", ".*"); len(made) != 0 {
		t.Errorf("something was created: %v", made)
	}
}

func TestAccApp_unknownRegion(t *testing.T) {
	t.Parallel()
	sb := acctest.Start(t)
	atlantis := `
resource "kvs_app" "web" {
  name   = "orders-web"
  region = "atlantis"
}
`
	acctest.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: sb.Factories(),
		Steps: []resource.TestStep{
			{ // Heroku lists its regions, so that one which is not there is refused by the plan
				Config:      atlantis,
				PlanOnly:    true,
				ExpectError: acctest.Says(`Heroku has no region "atlantis" for an app outside of spaces. There are: eu, us.`),
			},
			{ // without the list it is Heroku's to refuse, in its own words
				PreConfig: func() {
					sb.Inject(sandbox.Fault{Match: sandbox.Match{Method: "GET", Path: "/regions"}, Do: sandbox.Effect{Status: 403}})
				},
				Config:      atlantis,
				ExpectError: acctest.Says("Couldn't find that region."),
			},
		},
	})
	if requests := sb.Requests("POST", "/apps"); len(requests) != 1 {
		t.Errorf("%d requests asked for the app, want the one without the list", len(requests))
	}
}

func TestAccApp_nameTaken(t *testing.T) {
	t.Parallel()
	sb := acctest.Start(t)
	someone := sb.Client(t)
	taken, err := someone.CreateApp(t.Context(), heroku.AppCreate{Name: "orders-web"})
	if err != nil {
		t.Fatal(err)
	}
	acctest.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: sb.Factories(),
		Steps: []resource.TestStep{
			{ // an app that exists already is not adopted: the error has the block that would import it
				Config: `
resource "kvs_app" "web" {
  name = "orders-web"
}
`,
				ExpectError: acctest.Says(fmt.Sprintf(`import { to = kvs_app.example # the address of this resource id = "%s" }`, taken.ID)),
			},
		},
	})
}

func TestLongApp_maintenanceFailsAfterCreation(t *testing.T) {
	t.Parallel()
	sb := acctest.Start(t)
	closed := `
resource "kvs_app" "web" {
  name        = "orders-web"
  maintenance = true
}
`
	sameID := statecheck.CompareValue(compare.ValuesSame())
	acctest.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: sb.Factories(),
		Steps: []resource.TestStep{
			{ // the app is there but its mode could not be set: a warning, since an error would have it destroyed
				PreConfig: func() {
					sb.Inject(sandbox.Fault{Match: sandbox.Match{Method: "PATCH", Path: "/apps/*"}, Do: sandbox.Effect{Status: 403}})
				},
				Config:             closed,
				ExpectNonEmptyPlan: true,
				ConfigStateChecks:  []statecheck.StateCheck{sameID.AddStateValue(app, tfjsonpath.New("id"))},
			},
			{ // the next apply repairs it, on the same app
				PreConfig:        func() { sb.Clear() },
				Config:           closed,
				ConfigPlanChecks: actionOn(app, plancheck.ResourceActionUpdate),
				ConfigStateChecks: []statecheck.StateCheck{
					sameID.AddStateValue(app, tfjsonpath.New("id")),
					appHas("maintenance", knownvalue.Bool(true)),
				},
			},
		},
	})
	if requests := sb.Requests("POST", "/apps"); len(requests) != 1 {
		t.Errorf("%d apps were created, want 1", len(requests))
	}
}

func TestLongApp_lostAnswer(t *testing.T) {
	t.Parallel()
	sb := acctest.Start(t)
	sb.Inject(sandbox.Fault{Match: sandbox.Match{Method: "POST", Path: "/apps", Nth: 1}, Do: sandbox.Effect{Commit: true, Reset: true}})
	acctest.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: sb.Factories(),
		Steps: []resource.TestStep{
			{ // Heroku made the app and the answer was lost: it is found by its name, and not made twice
				Config: `
resource "kvs_app" "web" {
  name = "orders-web"
}
`,
				ConfigStateChecks: []statecheck.StateCheck{appHas("id", knownvalue.NotNull())},
			},
		},
	})
	if requests := sb.Requests("POST", "/apps"); len(requests) != 1 {
		t.Errorf("%d requests created an app, want 1", len(requests))
	}
}
