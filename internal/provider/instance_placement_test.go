// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

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

// mustCreateSpace makes a space of the first team beside Terraform, and waits until it can hold apps.
func mustCreateSpace(t *testing.T, client *heroku.Client, name string, shield bool) heroku.Space {
	t.Helper()
	created, err := client.CreateSpace(t.Context(), heroku.SpaceCreate{Name: name, Team: "acme", Shield: shield})
	if err == nil {
		created, err = client.WaitSpaceAllocated(t.Context(), created.ID, aWhile)
	}
	if err != nil {
		t.Fatalf("creating the space %s: %v", name, err)
	}
	return created
}

// place is where a test's app is, made beside Terraform.
type place string

const (
	common  place = "the Common Runtime"
	private place = "the Private Space acme-prod"
	shield  place = "the Shield Space acme-prod"
)

func mustCreateAppIn(t *testing.T, client *heroku.Client, where place) heroku.App {
	t.Helper()
	order := heroku.AppCreate{Name: "orders-web"}
	if where != common {
		order.Space = mustCreateSpace(t, client, "acme-prod", where == shield).Name
	}
	created, err := client.CreateApp(t.Context(), order)
	if err != nil {
		t.Fatalf("creating an app in %s: %v", where, err)
	}
	return created
}

// storeOn is an unprotected store of an app that is there already.
func storeOn(app heroku.AppID, settings ...string) string {
	return fmt.Sprintf(`
resource "kvs_instance" "cache" {
  app_id              = %q
  name                = "orders-cache"
  deletion_protection = false
  %s
}
`, app, strings.Join(settings, "\n  "))
}

func expectNoOrder(t *testing.T, sb *acctest.Sandbox) {
	t.Helper()
	if orders := sb.Requests("POST", "/apps/.*/addons"); len(orders) != 0 {
		t.Errorf("%d stores were ordered, want none", len(orders))
	}
}

func TestAccInstancePlacement_refusal(t *testing.T) {
	t.Parallel()
	const (
		premiums = "Plans that would fit: - mini (25 MB, $3.00 a month) - premium-0 (50 MB, $15.00 a month)"
		privates = "Plans that would fit: - private-7 (7 GB, $900.00 a month) - private-9 (10 GB, $1750.00 a month)"
		shields  = "Plans that would fit: - shield-7 (7 GB, $1100.00 a month) - shield-9 (10 GB, $2100.00 a month)"
	)
	const outside = "outside_space = true"
	movingTo := func(where string) string {
		return " To use this plan, put the app into " + where + ": an app cannot move, so make a kvs_app with " +
			"space_id there, and give its id as app_id. " +
			"Otherwise choose another plan. "
	}
	cases := map[string]struct {
		where    place
		settings []string
		says     []string
	}{
		"premium in a Private Space without consent": {private, []string{`plan = "premium-0"`}, []string{
			"so the app's data would travel over the public internet. " + privates, "The other way out is outside_space = true"}},
		"premium in a Shield Space": {shield, []string{`plan = "premium-0"`}, []string{
			"A Shield Space takes stores on shield plans only, and premium-0 runs in the Common Runtime. " + shields}},
		"premium in a Shield Space with consent": {shield, []string{`plan = "mini"`, outside}, []string{
			"A Shield Space takes stores on shield plans only, and mini runs in the Common Runtime. " + shields,
			"outside_space = true does not change that."}},
		"private in a Shield Space": {shield, []string{`plan = "private-7"`}, []string{
			"A Shield Space takes stores on shield plans only, and private-7 is a private plan. " + shields}},
		"shield in a Private Space": {private, []string{`plan = "shield-7"`, outside}, []string{
			"The plan shield-7 runs inside the network of a Shield Space only, and the app is in a Private Space." + movingTo("a Shield Space") + privates}},
		"private in the Common Runtime": {common, []string{`plan = "heroku-redis:private-7"`}, []string{
			"The plan private-7 runs inside the network of a Private Space only, and the app is in the Common Runtime." + movingTo("a Private Space") + premiums}},
		"shield in the Common Runtime": {common, []string{`plan = "shield-9"`}, []string{
			"The plan shield-9 runs inside the network of a Shield Space only, and the app is in the Common Runtime." + movingTo("a Shield Space") + premiums}},
		"no plan in the Common Runtime": {common, nil, []string{
			`App "orders-web" is in the Common Runtime, which has no default plan for a store: set plan. ` + premiums}},
	}
	for _, where := range []place{common, private, shield} {
		t.Run(string(where), func(t *testing.T) {
			t.Parallel()
			sb := acctest.Start(t)
			app := mustCreateAppIn(t, sb.Client(t), where)
			refusals := map[string]acctest.Refusal{}
			for name, test := range cases {
				if test.where == where {
					refusals[name] = acctest.Refusal{Config: storeOn(app.ID, test.settings...),
						Says: append(test.says, string(where), `App "orders-web"`)}
				}
			}
			sb.Refused(t, refusals)
			expectNoOrder(t, sb)
		})
	}
}

func TestAccInstancePlacement_consent(t *testing.T) {
	t.Parallel()
	sb := acctest.Start(t)
	app := mustCreateAppIn(t, sb.Client(t), private)
	sameID := statecheck.CompareValue(compare.ValuesSame())
	acctest.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: sb.Factories(),
		Steps: []resource.TestStep{
			{ // without consent nothing is ordered
				Config:      storeOn(app.ID, `plan = "premium-0"`),
				ExpectError: acctest.Says("Plan does not fit the app's runtime"),
			},
			{ // with it Heroku takes the order, which it refuses without the app's name as confirmation
				PreConfig: func() { expectNoOrder(t, sb) },
				Config:    storeOn(app.ID, `plan = "premium-0"`, `outside_space = true`),
				ConfigStateChecks: []statecheck.StateCheck{
					sameID.AddStateValue(store, tfjsonpath.New("id")),
					storeHas("outside_space", knownvalue.Bool(true)),
				},
			},
			{ // an import finds out that it runs outside
				ResourceName:            store,
				ImportState:             true,
				ImportStateVerify:       true,
				ImportStateVerifyIgnore: []string{"deletion_protection"},
			},
			{ // to take it back changes nothing at Heroku
				PreConfig:        func() { sb.ResetJournal() },
				Config:           storeOn(app.ID, `plan = "premium-0"`),
				ConfigPlanChecks: planned(plancheck.ResourceActionUpdate),
				ConfigStateChecks: []statecheck.StateCheck{
					sameID.AddStateValue(store, tfjsonpath.New("id")),
					storeHas("outside_space", knownvalue.Bool(false)),
				},
				PostApplyFunc: func() {
					if sent := append(sb.Requests("PATCH", ".*"), sb.Requests("POST", ".*")...); len(sent) != 0 {
						t.Errorf("something was sent: %v", sent)
					}
				},
			},
			{ // but another plan out there needs it again
				Config:      storeOn(app.ID, `plan = "premium-1"`),
				ExpectError: acctest.Says("The other way out is outside_space = true"),
			},
			{
				Config:            storeOn(app.ID, `plan = "premium-1"`, `outside_space = true`),
				ConfigPlanChecks:  planned(plancheck.ResourceActionUpdate),
				ConfigStateChecks: []statecheck.StateCheck{sameID.AddStateValue(store, tfjsonpath.New("id"))},
			},
		},
	})
}

func TestLongInstancePlacement_consentIsForTheNetworkOnly(t *testing.T) {
	t.Parallel()
	sb := acctest.Start(t)
	app := mustCreateAppIn(t, sb.Client(t), private)
	setConfigVar(t, sb, "orders-web", "CACHE_URL", "set-by-hand")
	acctest.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: sb.Factories(),
		Steps: []resource.TestStep{
			{ // Heroku would take the same confirmation for an order to overwrite the variable, which the plan refuses already
				Config:      storeOn(app.ID, `plan = "premium-0"`, `outside_space = true`, `attachment_name = "CACHE"`),
				ExpectError: acctest.Says("The attachment would overwrite a config var"),
			},
		},
	})
	expectNoOrder(t, sb)
}

// A plan that this provider cannot place is Heroku's to judge, in its own words, with what the configuration can do.
func TestAccInstancePlacement_refusedByHeroku(t *testing.T) {
	t.Parallel()
	sb := acctest.Start(t)
	app := mustCreateAppIn(t, sb.Client(t), private)
	unlisted := `{"id":"forbidden","message":"You do not have access to this."}`
	sb.Inject(sandbox.Fault{Match: sandbox.Match{Method: "GET", Path: "/addon-services/heroku-redis/plans"},
		Do: sandbox.Effect{Status: 403, Body: &unlisted}})
	said := `{"id":"confirmation_required","message":"This add-on is not automatically networked with this Private Space. "}`
	sb.Inject(sandbox.Fault{Match: sandbox.Match{Method: "POST", Path: orderPath}, Do: sandbox.Effect{Status: 423, Body: &said}})
	var steps []resource.TestStep
	for _, says := range []string{"423 confirmation_required",
		"This add-on is not automatically networked with this Private Space.", "If it is about the network, outside_space = true confirms"} {
		steps = append(steps, resource.TestStep{Config: storeOn(app.ID, `plan = "basic-1"`), ExpectError: acctest.Says(says)})
	}
	acctest.Test(t, resource.TestCase{ProtoV6ProviderFactories: sb.Factories(), Steps: steps})
}

func TestLongInstancePlacement_defaultPlan(t *testing.T) {
	t.Parallel()
	for where, want := range map[place][2]string{private: {"private-7", "private-9"}, shield: {"shield-7", "shield-9"}} {
		t.Run(string(where), func(t *testing.T) {
			t.Parallel()
			sb := acctest.Start(t)
			someone := sb.Client(t)
			app := mustCreateAppIn(t, someone, where)
			sameID := statecheck.CompareValue(compare.ValuesSame())
			acctest.Test(t, resource.TestCase{
				ProtoV6ProviderFactories: sb.Factories(),
				Steps: []resource.TestStep{
					{ // the plan that a space's store gets is in the plan already
						Config: storeOn(app.ID),
						ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
							plancheck.ExpectKnownValue(store, tfjsonpath.New("plan"), knownvalue.StringExact(want[0])),
							plancheck.ExpectKnownValue(store, tfjsonpath.New("memory_limit"), knownvalue.Int64Exact(7*1024)),
						}},
						ConfigStateChecks: []statecheck.StateCheck{
							sameID.AddStateValue(store, tfjsonpath.New("id")),
							storeHas("plan", knownvalue.StringExact(want[0])),
							storeHas("state", knownvalue.StringExact("provisioned")),
						},
					},
					{ // an upgrade by hand is nobody's drift, as long as the configuration names no plan
						PreConfig: func() {
							wire := "heroku-redis:" + want[1]
							addOn := mustFind(t, someone, "orders-cache")
							if _, err := someone.UpdateAddOn(t.Context(), addOn.AppID, addOn.ID,
								heroku.AddOnUpdate{Plan: &wire}); err != nil {
								t.Fatal(err)
							}
							if _, err := someone.WaitStoreAvailable(t.Context(), addOn.ID, want[1], aWhile); err != nil {
								t.Fatal(err)
							}
						},
						Config:            storeOn(app.ID),
						ConfigPlanChecks:  noChange,
						ConfigStateChecks: []statecheck.StateCheck{storeHas("plan", knownvalue.StringExact(want[1]))},
					},
					{ // nor does another change of the store bring the default back
						Config:           storeOn(app.ID, `timeout = 60`),
						ConfigPlanChecks: planned(plancheck.ResourceActionUpdate),
						ConfigStateChecks: []statecheck.StateCheck{
							sameID.AddStateValue(store, tfjsonpath.New("id")),
							storeHas("plan", knownvalue.StringExact(want[1])),
						},
					},
					{ // a plan that was written down and no longer is stays, too
						Config:           storeOn(app.ID, `timeout = 60`, fmt.Sprintf("plan = %q", want[1])),
						ConfigPlanChecks: noChange,
					},
					{
						Config:           storeOn(app.ID, `timeout = 60`),
						ConfigPlanChecks: noChange,
					},
				},
			})
		})
	}
}

// The whole of it in one apply: nothing is known at plan time, and the rules hold before the order.
func TestAccInstancePlacement_unknownValues(t *testing.T) {
	t.Parallel()
	sb := acctest.Start(t)
	inside := func(settings ...string) string {
		return privateSpace() + `
variable "plan" {
  type    = string
  default = null
}

resource "kvs_app" "web" {
  name     = "orders-web"
  space_id = kvs_private_space.prod.id
}

resource "terraform_data" "later" {
  input = kvs_app.web.name
}

` + strings.Replace(storeOn("", settings...), `""`, "kvs_app.web.id", 1)
	}
	unknown := inside(`plan = terraform_data.later.output == "" ? "x" : var.plan`, `outside_space = terraform_data.later.output == ""`)
	acctest.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: sb.Factories(),
		CheckDestroy:             sb.NothingLeft(),
		Steps: []resource.TestStep{
			{
				Config:          unknown,
				ConfigVariables: config.Variables{"plan": config.StringVariable("premium-0")},
				ExpectError:     acctest.Says("so the app's data would travel over the public internet."),
			},
			{ // a plan that turns out to be none is the space's default
				PreConfig:         func() { expectNoOrder(t, sb) },
				Config:            unknown,
				ConfigPlanChecks:  planned(plancheck.ResourceActionCreate),
				ConfigStateChecks: []statecheck.StateCheck{storeHas("plan", knownvalue.StringExact("private-7"))},
			},
			{
				Config:           inside(),
				ConfigPlanChecks: noChange,
			},
		},
	})
}

// A plan change, too, is judged before the order when the plan is known only then.
func TestLongInstancePlacement_unknownPlanChange(t *testing.T) {
	t.Parallel()
	sb := acctest.Start(t)
	app := mustCreateAppIn(t, sb.Client(t), private)
	later := func(plan string, settings ...string) string {
		return fmt.Sprintf(`
resource "terraform_data" "later" {
  input = %q
}
`, plan) + storeOn(app.ID, append(settings, `plan = terraform_data.later.output`)...)
	}
	acctest.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: sb.Factories(),
		Steps: []resource.TestStep{
			{Config: later("premium-0", `outside_space = true`)},
			{
				Config:      later("premium-1"),
				ExpectError: acctest.Says("The other way out is outside_space = true"),
			},
		},
	})
	if changes := sb.Requests("PATCH", "/apps/.*/addons/.*"); len(changes) != 0 {
		t.Errorf("%d plan changes were ordered, want none", len(changes))
	}
}

// What consent means is said in the plan; so is consent to nothing.
func TestAccInstancePlacement_warnings(t *testing.T) {
	t.Parallel()
	sb := acctest.Start(t, func(o *sandbox.Options) {
		o.Clock, o.Allocation, o.Engine = nil, time.Millisecond, "miniredis"
	})
	someone := sb.Client(t)
	inside := mustCreateAppIn(t, someone, private)
	elsewhere := mustCreateApp(t, someone, "orders-worker")
	cli := sb.CLI(t, "")
	for _, test := range []struct {
		app  heroku.AppID
		plan string
		says string
	}{
		{inside.ID, "premium-0", `Data will travel over the public internet`},
		{inside.ID, "private-7", `App "orders-web" is in the Private Space acme-prod, and a store on the plan private-7 runs there too: there is nothing to confirm.`},
		{elsewhere.ID, "premium-0", `App "orders-worker" is in the Common Runtime, and a store on the plan premium-0 runs there too`},
	} {
		cli.Configure(storeOn(test.app, fmt.Sprintf("plan = %q", test.plan), "outside_space = true"))
		if plan := cli.Run("plan", "-input=false", "-no-color"); plan.Code != 0 || !acctest.Says(test.says).MatchString(plan.Stdout) {
			t.Errorf("the plan of %s does not say %q:\n%s", test.plan, test.says, plan.Output())
		}
	}
	expectNoOrder(t, sb)
}
