// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-testing/compare"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/acctest"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/sandbox"
)

// What goes wrong after an order has been taken must neither lose the store, nor order it twice, nor taint it.

const orderPath = "/apps/*/addons"

// expectOneStore also fails when no order was seen, so that a story that never ordered cannot pass.
func expectOneStore(t *testing.T, sb *acctest.Sandbox) {
	t.Helper()
	if created := sb.Ledger().Created; created != 1 {
		t.Errorf("%d stores were created, want 1", created)
	}
}

func TestLongInstanceCreate_lostAnswer(t *testing.T) {
	t.Parallel()
	html := "<html><body>Application error</body></html>"
	faults := map[string]sandbox.Effect{
		"the connection is reset after the order was taken":     {Commit: true, Reset: true},
		"the answer ends in the middle":                         {Commit: true, Truncate: true},
		"a router answers 503 after the order was taken":        {Commit: true, Status: 503, Body: &html, ContentType: "text/html"},
		"a router answers 200 with a page in Heroku's place":    {Commit: true, Status: 200, Body: &html, ContentType: "text/html"},
		"the connection is reset before the order was taken":    {Reset: true},
		"Heroku answers 500 and has not taken the order":        {Status: 500},
		"Heroku wants patience, with a Retry-After of 55 years": {Status: 429, Headers: map[string]string{"Retry-After": "1768381200"}},
	}
	for name, effect := range faults {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sb := acctest.Start(t)
			for _, path := range []string{orderPath, "/apps"} { // the app's own creation suffers the same
				sb.Inject(sandbox.Fault{Match: sandbox.Match{Method: "POST", Path: path, Nth: 1}, Do: effect})
			}
			acctest.Test(t, resource.TestCase{
				ProtoV6ProviderFactories: sb.Factories(),
				CheckDestroy:             sb.NothingLeft(),
				Steps: []resource.TestStep{
					{
						Config:            appAndStore("premium-0"),
						ConfigStateChecks: []statecheck.StateCheck{storeHas("state", knownvalue.StringExact("provisioned"))},
					},
				},
			})
			expectOneStore(t, sb)
			if struck := sb.Faults()[0].Struck; struck != 1 {
				t.Errorf("the fault struck %d times, want 1", struck)
			}
		})
	}
}

func TestAccInstanceCreate_nameTaken(t *testing.T) {
	t.Parallel()
	sb := acctest.Start(t)
	acctest.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: sb.Factories(),
		Steps: []resource.TestStep{
			{ // somebody else's store of that name is neither adopted nor touched
				Config: appAndStore("premium-0") + `
resource "kvs_instance" "twin" {
  app_id              = kvs_app.web.id
  plan                = "premium-0"
  name                = "orders-cache"
  deletion_protection = false
  depends_on          = [kvs_instance.cache]
}
`,
				ExpectError: acctest.Says("An add-on with this name exists already"),
			},
		},
	})
	expectOneStore(t, sb)
}

func TestAccInstanceCreate_timeout(t *testing.T) {
	t.Parallel()
	sb := acctest.Start(t)
	sameID := statecheck.CompareValue(compare.ValuesSame())
	impatient := appAndStore("premium-0", `timeouts = { create = "1m" }`)
	acctest.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: sb.Factories(),
		CheckDestroy:             sb.NothingLeft(),
		Steps: []resource.TestStep{
			{ // a store that takes longer than the timeout is kept, untainted: the apply succeeds with a warning
				PreConfig: func() {
					sb.Inject(sandbox.Fault{Match: sandbox.Match{Method: "POST", Path: orderPath},
						Do: sandbox.Effect{Provisioning: "stuck"}})
				},
				Config: impatient,
				ConfigStateChecks: []statecheck.StateCheck{
					sameID.AddStateValue(store, tfjsonpath.New("id")),
					storeHas("state", knownvalue.StringExact("provisioning")),
				},
				ExpectNonEmptyPlan: true,
			},
			{ // what needs the store fails by name instead of half-working
				Config: impatient + `
resource "kvs_attachment" "shared" {
  app_id      = kvs_app.web.id
  instance_id = kvs_instance.cache.id
  name        = "SHARED"
}
`,
				ExpectError: acctest.Says("Unable to finish the change of Key-Value Store"),
			},
			{ // once Heroku is done, the same store is simply ready
				PreConfig:        func() { sb.Clear() },
				Config:           impatient,
				ConfigPlanChecks: noChange,
				ConfigStateChecks: []statecheck.StateCheck{sameID.AddStateValue(store, tfjsonpath.New("id")),
					storeHas("state", knownvalue.StringExact("provisioned"))},
			},
		},
	})
	expectOneStore(t, sb)
}

func TestAccInstanceCreate_dependentsWait(t *testing.T) {
	t.Parallel()
	sb := acctest.Start(t)
	sb.Inject(sandbox.Fault{Match: sandbox.Match{Method: "POST", Path: orderPath}, Do: sandbox.Effect{Provisioning: "stuck"}})
	acctest.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: sb.Factories(),
		Steps: []resource.TestStep{
			{ // our own timeout is a success to Terraform, so the attachment itself has to refuse
				Config: appAndStore("premium-0", `timeouts = { create = "1m" }`) + `
resource "kvs_attachment" "shared" {
  app_id      = kvs_app.web.id
  instance_id = kvs_instance.cache.id
  name        = "SHARED"
}
`,
				ExpectError: acctest.Says("Key-Value Store is not ready"),
			},
		},
	})
	expectOneStore(t, sb)
	if attached := sb.Requests("POST", "/addon-attachments"); len(attached) != 0 {
		t.Errorf("%d attachments were ordered, want none", len(attached))
	}
}

func TestAccInstanceCreate_declaredFailure(t *testing.T) {
	t.Parallel()
	sb := acctest.Start(t)
	acctest.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: sb.Factories(),
		CheckDestroy:             sb.NothingLeft(),
		Steps: []resource.TestStep{
			{ // Heroku gives up: that is an error, and nothing stays in the state
				PreConfig: func() {
					sb.Inject(sandbox.Fault{Match: sandbox.Match{Method: "POST", Path: orderPath},
						Do: sandbox.Effect{Provisioning: "fail"}})
				},
				Config:      appAndStore("premium-0"),
				ExpectError: acctest.Says("deprovisioned"),
			},
			{ // so the next apply orders afresh, once Heroku has cleared the failed order and its name away
				PreConfig: func() {
					sb.Clear()
					sb.Clock().Advance(time.Hour)
				},
				Config:           appAndStore("premium-0"),
				ConfigPlanChecks: planned(plancheck.ResourceActionCreate),
			},
		},
	})
}

func TestLongInstanceCreate_settingsFail(t *testing.T) {
	t.Parallel()
	sb := acctest.Start(t)
	sameID := statecheck.CompareValue(compare.ValuesSame())
	configured := appAndStore("premium-0", `notify_keyspace_events = "KEA"`)
	acctest.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: sb.Factories(),
		CheckDestroy:             sb.NothingLeft(),
		Steps: []resource.TestStep{
			{ // the store is there, only a setting could not be made: that must not taint it
				PreConfig: func() {
					sb.Inject(sandbox.Fault{Match: sandbox.Match{Method: "PATCH", Path: "/redis/v0/databases/*/config"},
						Do: sandbox.Effect{Status: 500}})
				},
				Config:             configured,
				ConfigStateChecks:  []statecheck.StateCheck{sameID.AddStateValue(store, tfjsonpath.New("id"))},
				ExpectNonEmptyPlan: true,
			},
			{ // the next apply repairs it in place
				PreConfig:         func() { sb.Clear() },
				Config:            configured,
				ConfigPlanChecks:  planned(plancheck.ResourceActionUpdate),
				ConfigStateChecks: []statecheck.StateCheck{sameID.AddStateValue(store, tfjsonpath.New("id"))},
				PostApplyFunc:     func() { expectServerSettings(t, sb, "300", "noeviction", "AKE") },
			},
		},
	})
	expectOneStore(t, sb)
}

func TestLongInstanceUpdate_stuckPlanChange(t *testing.T) {
	t.Parallel()
	sb := acctest.Start(t)
	sameID := statecheck.CompareValue(compare.ValuesSame())
	acctest.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: sb.Factories(),
		CheckDestroy:             sb.NothingLeft(),
		Steps: []resource.TestStep{
			{
				Config:            appAndStore("premium-0"),
				ConfigStateChecks: []statecheck.StateCheck{sameID.AddStateValue(store, tfjsonpath.New("id"))},
			},
			{ // Heroku calls the store provisioned on its new plan while the copy does not end: the apply does not believe it
				PreConfig: func() {
					sb.Inject(sandbox.Fault{Match: sandbox.Match{Method: "PATCH", Path: orderPath + "/*"},
						Do: sandbox.Effect{PlanChange: "stuck"}})
				},
				Config:      appAndStore("premium-1", `timeouts = { update = "10m" }`),
				ExpectError: acctest.Says("Unable to finish the change of Key-Value Store"),
			},
			{ // the next apply waits for the end of the same change and asks for no second one
				PreConfig: func() {
					sb.Clear()
					sb.ResetJournal()
				},
				Config:           appAndStore("premium-1", `timeouts = { update = "10m" }`),
				ConfigPlanChecks: planned(plancheck.ResourceActionUpdate),
				ConfigStateChecks: []statecheck.StateCheck{
					sameID.AddStateValue(store, tfjsonpath.New("id")),
					storeHas("state", knownvalue.StringExact("provisioned")),
				},
				PostApplyFunc: func() {
					if asked := sb.Requests("PATCH", "/apps/.*/addons/.*"); len(asked) != 0 {
						t.Errorf("%d more plan changes were ordered, want none", len(asked))
					}
					if looked := sb.Requests("GET", "/redis/v0/databases/.*"); len(looked) == 0 {
						t.Error("the Data API was not asked, so nothing was waited for")
					}
				},
			},
		},
	})
}

func TestAccInstanceRead_proofOfAbsence(t *testing.T) {
	t.Parallel()
	page := "<html>Not Found</html>"
	sb := acctest.Start(t)
	steps := []resource.TestStep{{Config: appAndStore("mini")}}
	for _, effect := range []sandbox.Effect{ // none is proof that the store is gone: an error, and the state stays
		{Status: 404, Body: &page, ContentType: "text/html"}, // a proxy's
		{Status: 404, Body: new(string)},
		{Status: 403},
		{Status: 503},
		{Status: 200, Body: &page, ContentType: "text/html"},
		{Status: 200, Body: new(string)},
		{Commit: true, Truncate: true},
	} {
		steps = append(steps, resource.TestStep{
			PreConfig: func() {
				sb.Clear()
				sb.Inject(sandbox.Fault{Match: sandbox.Match{Method: "GET", Path: "^/addons(/[^/]+)?$"}, Do: effect})
			},
			Config:      appAndStore("mini"),
			ExpectError: acctest.Says("Unable to read Key-Value Store"),
		})
	}
	acctest.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: sb.Factories(),
		Steps: append(steps, resource.TestStep{
			PreConfig:        func() { sb.Clear() },
			Config:           appAndStore("mini"),
			ConfigPlanChecks: noChange,
		}),
	})
	expectOneStore(t, sb)
}

func TestAccInstanceDelete_lostAnswer(t *testing.T) {
	t.Parallel()
	for name, effect := range map[string]sandbox.Effect{
		"the connection is reset after the store was destroyed": {Commit: true, Reset: true},
		"the connection is reset before":                        {Reset: true},
		"an outage":                                             {Status: 503},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sb := acctest.Start(t)
			sb.Inject(sandbox.Fault{Match: sandbox.Match{Method: "DELETE", Path: orderPath + "/*", Nth: 1}, Do: effect})
			acctest.Test(t, resource.TestCase{
				ProtoV6ProviderFactories: sb.Factories(),
				CheckDestroy:             sb.NothingLeft(),
				Steps:                    []resource.TestStep{{Config: appAndStore("mini")}},
			})
			if struck := sb.Faults()[0].Struck; struck != 1 {
				t.Errorf("the fault struck %d times, want 1", struck)
			}
		})
	}
}

func TestLongInstanceCreate_manyAtOnce(t *testing.T) {
	t.Parallel()
	sb := acctest.Start(t)
	acctest.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: sb.Factories(),
		CheckDestroy:             sb.NothingLeft(),
		Steps: []resource.TestStep{
			{ // Heroku takes one order at a time for one app: ten stores on it queue for the order, not for the provisioning
				Config: `
resource "kvs_app" "web" {
  name = "orders-web"
}

resource "kvs_instance" "cache" {
  count               = 10
  app_id              = kvs_app.web.id
  plan                = "mini"
  deletion_protection = false
}
`,
				PostApplyFunc: func() {
					for _, request := range sb.Requests("POST", "/apps/.*/addons") {
						if request.Status != 201 {
							t.Errorf("an order was answered %d: two were sent at once", request.Status)
						}
					}
				},
			},
		},
	})
	if created := sb.Ledger().Created; created != 10 {
		t.Errorf("%d stores were created, want 10", created)
	}
}
