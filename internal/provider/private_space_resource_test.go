// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

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

const space = "kvs_private_space.prod"

// privateSpace is an unprotected space of the first team; settings are further arguments.
func privateSpace(settings ...string) string {
	return fmt.Sprintf(`
resource "kvs_private_space" "prod" {
  name                = "acme-prod"
  team                = "acme"
  deletion_protection = false
  %s
}
`, strings.Join(settings, "\n  "))
}

func spaceHas(attribute string, value knownvalue.Check) statecheck.StateCheck {
	return statecheck.ExpectKnownValue(space, tfjsonpath.New(attribute), value)
}

func TestAccPrivateSpace_basic(t *testing.T) {
	t.Parallel()
	sb := acctest.Start(t)
	acctest.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: sb.Factories(),
		CheckDestroy:             sb.NothingLeft(),
		Steps: []resource.TestStep{
			{ // a name and a team are enough; the space is there when it is allocated, with its addresses
				Config: privateSpace(),
				ConfigStateChecks: []statecheck.StateCheck{
					spaceHas("state", knownvalue.StringExact("allocated")),
					spaceHas("region", knownvalue.StringExact("virginia")),
					spaceHas("shield", knownvalue.Bool(false)),
					spaceHas("cidr", knownvalue.StringExact("10.0.0.0/16")),
					spaceHas("data_cidr", knownvalue.NotNull()),
					spaceHas("outbound_ips", knownvalue.SetSizeExact(4)),
					spaceHas("generation", knownvalue.StringExact("cedar")),
				},
			},
			{ // the UUID imports it, and nothing that the configuration leaves out plans a replacement
				ResourceName:            space,
				ImportState:             true,
				ImportStateVerify:       true,
				ImportStateVerifyIgnore: []string{"deletion_protection"},
			},
			{ // so does the name
				ResourceName:            space,
				ImportState:             true,
				ImportStateId:           "acme-prod",
				ImportStateVerify:       true,
				ImportStateVerifyIgnore: []string{"deletion_protection"},
			},
			{ // what is neither says what would be one
				ResourceName:  space,
				ImportState:   true,
				ImportStateId: "Acme Prod",
				ExpectError:   acctest.Says("give the UUID or the name of a Private Space, for example acme-prod"),
			},
		},
	})
}

func TestAccPrivateSpace_update(t *testing.T) {
	t.Parallel()
	sb := acctest.Start(t)
	sameID := statecheck.CompareValue(compare.ValuesSame())
	updated := resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{plancheck.ExpectResourceAction(space,
		plancheck.ResourceActionUpdate)}}
	acctest.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: sb.Factories(),
		CheckDestroy:             sb.NothingLeft(),
		Steps: []resource.TestStep{
			{
				Config:            privateSpace(`log_drain_url_wo = "https://logs.example.com/in"`, `log_drain_url_wo_version = 1`),
				ConfigStateChecks: []statecheck.StateCheck{sameID.AddStateValue(space, tfjsonpath.New("id"))},
			},
			{ // another name and another team are the same space
				Config: strings.NewReplacer("acme-prod", "acme-live", `"acme"`,
					`"acme-data"`).Replace(privateSpace(`log_drain_url_wo = "https://logs.example.com/in"`,
					`log_drain_url_wo_version = 1`)),
				ConfigPlanChecks: updated,
				ConfigStateChecks: []statecheck.StateCheck{
					sameID.AddStateValue(space, tfjsonpath.New("id")),
					spaceHas("name", knownvalue.StringExact("acme-live")),
					spaceHas("team", knownvalue.StringExact("acme-data")),
				},
			},
			{ // another log drain is set when its version changes, and is in no state
				Config: strings.NewReplacer("acme-prod", "acme-live", `"acme"`,
					`"acme-data"`).Replace(privateSpace(`log_drain_url_wo = "https://logs.example.com/other"`,
					`log_drain_url_wo_version = 2`)),
				ConfigPlanChecks: updated,
				ConfigStateChecks: []statecheck.StateCheck{
					sameID.AddStateValue(space, tfjsonpath.New("id")),
					spaceHas("log_drain_url_wo", knownvalue.Null()),
				},
				PostApplyFunc: func() {
					if n := len(sb.Requests("PUT", "/spaces/.*/log-drain")); n != 1 {
						t.Errorf("the log drain was set %d times, want 1", n)
					}
				},
			},
		},
	})
	if created := sb.Ledger().Created; created != 1 {
		t.Errorf("%d spaces were created, want 1", created)
	}
}

func TestLongPrivateSpace_fixed(t *testing.T) {
	t.Parallel()
	sb := acctest.Start(t)
	protected := func(settings ...string) string {
		return strings.Replace(privateSpace(settings...), "deletion_protection = false", "", 1)
	}
	refusal := acctest.Says("This change would replace a protected Private Space")
	acctest.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: sb.Factories(),
		CheckDestroy:             sb.NothingLeft(),
		Steps: []resource.TestStep{
			{Config: protected(`region = "oregon"`, `cidr = "10.40.0.0/16"`, `data_cidr = "172.23.0.0/20"`)},
			{Config: protected(`region = "tokyo"`), ExpectError: refusal},
			{Config: protected(`shield = true`), ExpectError: refusal},
			{Config: protected(`cidr = "10.41.0.0/16"`), ExpectError: refusal},
			{Config: protected(`data_cidr = "172.24.0.0/20"`), ExpectError: refusal},
			{ // leaving any of them out plans nothing
				Config:           protected(),
				ConfigPlanChecks: noChange,
			},
			{ // the end of a protected space is refused as well
				Config:      protected(),
				Destroy:     true,
				ExpectError: acctest.Says("Private Space is protected from deletion"),
			},
			{ // without protection a change is the replacement that the plan shows
				Config: privateSpace(),
			},
			{
				Config:           privateSpace(`region = "tokyo"`),
				ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{plancheck.ExpectResourceAction(space, plancheck.ResourceActionReplace)}},
			},
		},
	})
}

func TestLongPrivateSpace_drift(t *testing.T) {
	t.Parallel()
	sb := acctest.Start(t)
	someone := sb.Client(t)
	acctest.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: sb.Factories(),
		CheckDestroy:             sb.NothingLeft(),
		Steps: []resource.TestStep{
			{Config: privateSpace()},
			{ // somebody renamed and transferred it: the plan undoes exactly that
				PreConfig: func() {
					found := mustFindSpace(t, someone, "acme-prod")
					if _, err := someone.RenameSpace(t.Context(), found.ID, "renamed-by-hand"); err != nil {
						t.Fatal(err)
					}
					if _, err := someone.TransferSpace(t.Context(), found.ID, "acme-data"); err != nil {
						t.Fatal(err)
					}
				},
				Config: privateSpace(),
				ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
					plancheck.ExpectResourceAction(space, plancheck.ResourceActionUpdate),
					plancheck.ExpectKnownValue(space, tfjsonpath.New("name"), knownvalue.StringExact("acme-prod")),
					plancheck.ExpectKnownValue(space, tfjsonpath.New("team"), knownvalue.StringExact("acme")),
				}},
			},
			{ // somebody destroyed it: the plan orders a new one, and does not fail
				PreConfig: func() {
					found := mustFindSpace(t, someone, "acme-prod")
					if err := someone.DeleteSpace(t.Context(), found.ID); err != nil {
						t.Fatal(err)
					}
					if err := someone.WaitSpaceGone(t.Context(), found.ID, spaceWait); err != nil {
						t.Fatal(err)
					}
				},
				Config:           privateSpace(),
				ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{plancheck.ExpectResourceAction(space, plancheck.ResourceActionCreate)}},
			},
		},
	})
}

func mustFindSpace(t *testing.T, client *heroku.Client, name string) heroku.Space {
	t.Helper()
	found, err := client.FindSpace(t.Context(), name)
	if err != nil {
		t.Fatalf("finding the space %s: %v", name, err)
	}
	return found
}

// otherSpace ends a space, and begins another one.
func otherSpace(name, team string) string {
	return fmt.Sprintf("timeouts = null\n}\nresource \"kvs_private_space\" \"other\" {\n  name = %q\n  team = %q", name, team)
}

func TestAccPrivateSpace_refusal(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ setting, says string }{
		"a dyno range of a /15":           {`cidr = "10.40.0.0/15"`, "exactly a /16"},
		"a dyno range of a /17":           {`cidr = "10.40.0.0/17"`, "10.40.0.0/16"},
		"a data range of a /21":           {`data_cidr = "172.23.0.0/21"`, "a /20 is the minimum size"},
		"a public range":                  {`cidr = "203.0.0.0/16"`, "RFC 1918"},
		"host bits":                       {`cidr = "10.40.1.0/16"`, "10.40.0.0/16"},
		"a range that Heroku keeps":       {`cidr = "10.1.0.0/16"`, "10.1.0.0/16"},
		"another range that Heroku keeps": {`data_cidr = "172.17.0.0/20"`, "172.17.0.0/16"},
		"ranges that overlap":             {`data_cidr = "10.0.16.0/20"`, "overlaps"},
		"an IPv6 range":                   {`cidr = "fd00::/16"`, "IPv6"},
		"a log drain that is not https": {"log_drain_url_wo = \"http://logs.example.com\"\n  " +
			"log_drain_url_wo_version = 1", "begins with https://"},
		"a team in capitals":              {otherSpace("acme-other", "ACME"), `write "acme"`},
		"a name in capitals":              {otherSpace("Acme-Other", "acme"), `write for example "acme-other"`},
		"an empty range":                  {`cidr = ""`, "is not an address range"},
		"a log drain without its version": {`log_drain_url_wo = "https://logs.example.com"`, "log_drain_url_wo_version"},
	}
	sb := acctest.Start(t)
	refusals := map[string]acctest.Refusal{}
	for name, test := range tests {
		refusals[name] = acctest.Refusal{Config: privateSpace(test.setting), Says: []string{test.says}}
	}
	sb.Refused(t, refusals)
	if made := sb.Requests("POST", ".*"); len(made) != 0 {
		t.Errorf("something was created: %v", made)
	}
}

func TestAccPrivateSpace_refusedByHeroku(t *testing.T) {
	t.Parallel()
	sb := acctest.Start(t)
	acctest.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: sb.Factories(),
		Steps: []resource.TestStep{
			{ // Heroku lists its regions, so an unknown one is refused by the plan
				Config:      privateSpace(`region = "atlantis"`),
				PlanOnly:    true,
				ExpectError: acctest.Says(`Heroku has no region "atlantis" for a Private Space. There are: dublin, frankfurt`),
			},
			{ // without the list it is Heroku's to refuse
				PreConfig: func() {
					sb.Inject(sandbox.Fault{Match: sandbox.Match{Method: "GET", Path: "/regions"}, Do: sandbox.Effect{Status: 403}})
				},
				Config:      privateSpace(`region = "atlantis"`),
				ExpectError: acctest.Says("Unable to create Private Space"),
			},
			{ // so is a team that does not exist
				Config:      strings.Replace(privateSpace(), `"acme"`, `"no-such-team"`, 1),
				ExpectError: acctest.Says("Couldn't find that team"),
			},
			{ // and a name that is not one is refused before
				Config:      strings.Replace(privateSpace(), "acme-prod", "Acme--Prod", 1),
				ExpectError: acctest.Says("cannot be the name of a space"),
			},
		},
	})
	if created := sb.Ledger().Created; created != 0 {
		t.Errorf("%d spaces were created, want none", created)
	}
}

func TestAccPrivateSpace_memberMayNot(t *testing.T) {
	t.Parallel()
	sb := acctest.Start(t)
	acctest.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: sb.FactoriesAs(sb.MemberToken()),
		Steps: []resource.TestStep{
			{ // a plain member of the team is refused, in Heroku's words, with what to do
				Config:      privateSpace(),
				ExpectError: acctest.Says("Heroku answered 403 forbidden to POST /spaces"),
			},
		},
	})
}

func TestLongPrivateSpace_unknownValues(t *testing.T) {
	t.Parallel()
	sb := acctest.Start(t)
	acctest.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: sb.Factories(),
		CheckDestroy:             sb.NothingLeft(),
		Steps: []resource.TestStep{
			{ // ranges that come from another resource plan cleanly
				Config: `
resource "terraform_data" "network" {
  input = "10.40.0.0/16"
}
` + privateSpace(`cidr = terraform_data.network.output`, `data_cidr = terraform_data.network.output == "" ? "" : "172.24.0.0/20"`),
				ConfigStateChecks: []statecheck.StateCheck{spaceHas("cidr", knownvalue.StringExact("10.40.0.0/16"))},
			},
		},
	})
}

func TestLongPrivateSpace_lostAnswer(t *testing.T) {
	t.Parallel()
	sb := acctest.Start(t)
	sb.Inject(sandbox.Fault{Match: sandbox.Match{Method: "POST", Path: "/spaces", Nth: 1}, Do: sandbox.Effect{Commit: true, Reset: true}})
	acctest.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: sb.Factories(),
		CheckDestroy:             sb.NothingLeft(),
		Steps:                    []resource.TestStep{{Config: privateSpace()}},
	})
	if created := sb.Ledger().Created; created != 1 {
		t.Errorf("%d spaces were created, want 1", created)
	}
}

func TestAccPrivateSpace_contents(t *testing.T) {
	t.Parallel()
	sb := acctest.Start(t)
	someone := sb.Client(t)
	acctest.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: sb.Factories(),
		CheckDestroy:             sb.NothingLeft(),
		Steps: []resource.TestStep{
			{
				Config: privateSpace(),
				PostApplyFunc: func() {
					if _, err := someone.CreateApp(t.Context(),
						heroku.AppCreate{Name: "by-hand", Team: "acme", Space: "acme-prod"}); err != nil {
						t.Fatal(err)
					}
				},
			},
			{ // an app that somebody made in it keeps it, and is named
				Config:      privateSpace(),
				Destroy:     true,
				ExpectError: acctest.Says("These apps still live in the space, whether they are managed here or not: - by-hand"),
			},
			{ // once it is gone the space can go
				PreConfig: func() {
					app, err := someone.FindApp(t.Context(), "by-hand")
					if err == nil {
						err = someone.DeleteApp(t.Context(), app.ID)
					}
					if err != nil {
						t.Fatal(err)
					}
				},
				Config: privateSpace(),
			},
		},
	})
}

func TestLongPrivateSpace_neverAllocated(t *testing.T) {
	t.Parallel()
	sb := acctest.Start(t)
	sb.Inject(sandbox.Fault{Match: sandbox.Match{Method: "POST", Path: "/spaces"}, Do: sandbox.Effect{Provisioning: "stuck"}})
	sameID := statecheck.CompareValue(compare.ValuesSame())
	acctest.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: sb.Factories(),
		CheckDestroy:             sb.NothingLeft(),
		Steps: []resource.TestStep{
			{ // a space that takes too long is kept, untainted
				Config: privateSpace(`timeouts = { create = "20m" }`),
				ConfigStateChecks: []statecheck.StateCheck{
					sameID.AddStateValue(space, tfjsonpath.New("id")),
					spaceHas("state", knownvalue.StringExact("allocating")),
				},
				ExpectNonEmptyPlan: true,
			},
			{ // and is simply there once Heroku is done
				PreConfig: func() { sb.Clear() },
				Config:    privateSpace(`timeouts = { create = "20m" }`),
				ConfigStateChecks: []statecheck.StateCheck{
					sameID.AddStateValue(space, tfjsonpath.New("id")),
					spaceHas("state", knownvalue.StringExact("allocated")),
					spaceHas("outbound_ips", knownvalue.SetSizeExact(4)),
				},
			},
		},
	})
	if created := sb.Ledger().Created; created != 1 {
		t.Errorf("%d spaces were created, want 1", created)
	}
}

func TestAccPrivateSpace_interrupted(t *testing.T) {
	t.Parallel()
	sb := acctest.Start(t)
	cli := sb.InRealTime(sb.CLI(t, privateSpace()))
	apply := cli.Start("apply", "-auto-approve", "-input=false", "-no-color")
	sb.Await(t, "POST", "/spaces")
	sb.Await(t, "GET", "/spaces.*")
	apply.Signal(syscall.SIGINT)
	if result := apply.Wait(); result.Code != 1 || !acctest.Says("Private Space is not ready yet").MatchString(result.Output()) {
		t.Errorf("an interrupted apply exited %d:\n%s", result.Code, result.Output())
	}
	kept, ok := cli.Object(space)
	if !ok || kept.Tainted {
		t.Fatalf("the state has %+v (found: %v), want the untainted space", kept, ok)
	}

	// the next apply waits for the same space, and its waits advance the clock
	cli.Attach(sb.Factories()["kvs"]).Apply()
	if plan := cli.Run("plan", "-detailed-exitcode", "-input=false"); plan.Code != 0 {
		t.Errorf("the plan after it exited %d, want 0 (no changes):\n%s", plan.Code, plan.Output())
	}
	if orders := sb.Requests("POST", "/spaces"); len(orders) != 1 || sb.Ledger().Created != 1 {
		t.Errorf("%d orders were sent and %d spaces created, want one", len(orders), sb.Ledger().Created)
	}
}

// spaceWait is more than any space of a test takes.
const spaceWait = time.Hour
