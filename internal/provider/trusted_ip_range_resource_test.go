// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"
	"github.com/hashicorp/terraform-plugin-testing/tfversion"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/acctest"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/sandbox"
)

const oneRange = "kvs_trusted_ip_range.office"

// trusts is a range of the space, with further arguments.
func trusts(name, source string, settings ...string) string {
	return fmt.Sprintf(`
resource "kvs_trusted_ip_range" %q {
  space_id = kvs_private_space.prod.id
  range    = %q
  %s
}
`, name, source, strings.Join(settings, "\n  "))
}

func TestAccTrustedIPRange_basic(t *testing.T) {
	t.Parallel()
	sb := acctest.Start(t)
	config := privateSpace() + trusts("office", office, `closes_space = true`, `description = "office"`, `expires_at = "2030-01-01T00:00:00Z"`)
	forgotten := []string{"closes_space", "description", "expires_at"}
	acctest.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: sb.Factories(),
		CheckDestroy:             sb.NothingLeft(),
		Steps: []resource.TestStep{
			{ // the range is in force when the apply ends, and what every new space has is gone
				Config: config,
				ConfigStateChecks: []statecheck.StateCheck{
					statecheck.ExpectKnownValue(oneRange, tfjsonpath.New("applied"), knownvalue.Bool(true)),
					statecheck.ExpectKnownValue(oneRange, tfjsonpath.New("takes_over"), knownvalue.Null()),
				},
				PostApplyFunc: func() { expectTrusted(t, sb, office) },
			},
			{ // the id imports it, but for what Heroku does not keep
				ResourceName: oneRange, ImportState: true, ImportStateVerify: true, ImportStateVerifyIgnore: forgotten,
			},
			{ // so does the name of the space
				ResourceName: oneRange, ImportState: true, ImportStateId: "acme-prod:" + office,
				ImportStateVerify: true, ImportStateVerifyIgnore: forgotten,
			},
			{ // another description, another spelling of the time and a later one are remembered without a request
				PreConfig: func() { sb.ResetJournal() },
				Config: strings.NewReplacer(`"office"`+"\n  expires_at", `"head office"`+"\n  expires_at", "2030-01-01T00:00:00Z",
					"2030-01-01T01:00:00+01:00").Replace(config),
				ConfigStateChecks: []statecheck.StateCheck{
					statecheck.ExpectKnownValue(oneRange, tfjsonpath.New("description"), knownvalue.StringExact("head office")),
				},
				PostApplyFunc: func() {
					if sent := sb.Requests("PUT", ".*"); len(sent) != 0 {
						t.Errorf("a description sent %v", sent)
					}
					if read := sb.Requests("GET", "/spaces/.*/inbound-ruleset"); len(read) == 0 {
						t.Error("the ruleset was not even read, so nothing was counted")
					}
				},
			},
		},
	})
}

func TestAccTrustedIPRange_identity(t *testing.T) {
	t.Parallel()
	sb := acctest.Start(t)
	acctest.Test(t, resource.TestCase{
		TerraformVersionChecks:   []tfversion.TerraformVersionCheck{tfversion.SkipBelow(tfversion.Version1_12_0)},
		ProtoV6ProviderFactories: sb.Factories(),
		CheckDestroy:             sb.NothingLeft(),
		Steps: []resource.TestStep{
			{Config: privateSpace() + trusts("office", office)},
			{ // the space and the range together are the identity
				ResourceName: oneRange, ImportState: true, ImportStateKind: resource.ImportBlockWithResourceIdentity,
			},
		},
	})
}

func TestAccTrustedIPRange_update(t *testing.T) {
	t.Parallel()
	sb := acctest.Start(t)
	someone := sb.Client(t)
	acctest.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: sb.Factories(),
		CheckDestroy:             sb.NothingLeft(),
		Steps: []resource.TestStep{
			{ // without a word about it, the space stays open
				Config:        privateSpace() + trusts("office", office),
				PostApplyFunc: func() { expectTrusted(t, sb, "0.0.0.0/0", office) },
			},
			{ // it is closed in place
				Config: privateSpace() + trusts("office", office, "closes_space = true"),
				ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
					plancheck.ExpectResourceAction(oneRange, plancheck.ResourceActionUpdate),
				}},
				PostApplyFunc: func() { expectTrusted(t, sb, office) },
			},
			{ // another range is set in place of this one in one step, and those of others stay
				PreConfig: func() {
					mustTrust(t, someone, "192.0.2.9/24", "203.0.113.0/24")
					sb.ResetJournal()
				},
				Config: privateSpace() + trusts("office", branch, "closes_space = true"),
				ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
					plancheck.ExpectResourceAction(oneRange, plancheck.ResourceActionUpdate),
				}},
				PostApplyFunc: func() {
					expectTrusted(t, sb, "203.0.113.0/24", branch)
					if sent := sb.Requests("PUT", "/spaces/.*/inbound-ruleset"); len(sent) != 1 {
						t.Errorf("%d requests set ranges, want 1", len(sent))
					}
				},
			},
			{ // what is taken away of closes_space opens nothing
				Config:        privateSpace() + trusts("office", branch),
				PostApplyFunc: func() { expectTrusted(t, sb, "203.0.113.0/24", branch) },
			},
			{ // the range goes, and nothing else does
				Config:        privateSpace(),
				PostApplyFunc: func() { expectTrusted(t, sb, "203.0.113.0/24") },
			},
		},
	})
}

func TestAccTrustedIPRange_drift(t *testing.T) {
	t.Parallel()
	sb := acctest.Start(t)
	someone := sb.Client(t)
	config := privateSpace() + trusts("office", office, "closes_space = true")
	acctest.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: sb.Factories(),
		CheckDestroy:             sb.NothingLeft(),
		Steps: []resource.TestStep{
			{Config: config},
			{ // ranges of others, and another spelling of this one, are no change
				PreConfig:        func() { mustTrust(t, someone, "203.0.113.0/24", "192.0.2.7/24") },
				Config:           config,
				ConfigPlanChecks: noChange,
			},
			{ // one that somebody has removed is added again
				PreConfig: func() { mustTrust(t, someone, "203.0.113.0/24") },
				Config:    config,
				ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
					plancheck.ExpectResourceAction(oneRange, plancheck.ResourceActionCreate),
				}},
				PostApplyFunc: func() { expectTrusted(t, sb, "203.0.113.0/24", office) },
			},
			{ // a space that somebody has opened is closed again
				PreConfig: func() { mustTrust(t, someone, "203.0.113.0/24", office, "0.0.0.0/0") },
				Config:    config,
				ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
					plancheck.ExpectResourceAction(oneRange, plancheck.ResourceActionUpdate),
				}},
				PostApplyFunc: func() { expectTrusted(t, sb, "203.0.113.0/24", office) },
			},
			{ // one that goes with its space is planned with it
				PreConfig: func() {
					found := mustFindSpace(t, someone, "acme-prod")
					if err := someone.DeleteSpace(t.Context(), found.ID); err != nil {
						t.Fatal(err)
					}
					if err := someone.WaitSpaceGone(t.Context(), found.ID, spaceWait); err != nil {
						t.Fatal(err)
					}
				},
				Config: config,
				ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
					plancheck.ExpectResourceAction(oneRange, plancheck.ResourceActionCreate),
				}},
				PostApplyFunc: func() { expectTrusted(t, sb, office) },
			},
		},
	})
}

func TestAccTrustedIPRange_refusal(t *testing.T) {
	t.Parallel()
	sb := acctest.Start(t)
	refusals := map[string]acctest.Refusal{}
	for name, test := range map[string]struct{ config, says string }{
		"host bits":              {trusts("office", "192.0.2.9/24"), "192.0.2.0/24"},
		"an address alone":       {trusts("office", "192.0.2.9"), "192.0.2.9/32"},
		"an IPv6 range":          {trusts("office", "2001:db8::/32"), "IPv6"},
		"no range":               {trusts("office", ""), "192.0.2.0/24"},
		"a date without a time":  {trusts("office", office, `expires_at = "2026-12-18"`), "is not a time"},
		"an empty time":          {trusts("office", office, `expires_at = ""`), "is not a time"},
		"the name of the space":  {strings.Replace(trusts("office", office), "kvs_private_space.prod.id", `"acme-prod"`, 1), "is not an id"},
		"the internet, and none": {trusts("office", "0.0.0.0/0", "closes_space = true"), ""},
	} {
		if test.says != "" {
			refusals[name] = acctest.Refusal{Config: privateSpace() + test.config, Says: []string{test.says}}
		}
	}
	sb.Refused(t, refusals)
}

// Two owners of one range, or of the set of ranges that it is in, are found in the plan.
func TestAccTrustedIPRange_twoOwners(t *testing.T) {
	t.Parallel()
	sb, cli := workflow(t, privateSpace())
	cli.Apply()
	mustTrust(t, sb.Client(t), "203.0.113.0/24")
	for name, test := range map[string]struct {
		config string
		says   []string
	}{
		"the same range twice": {trusts("office", office) + trusts("again", office), []string{"Two resources own one trusted IP range"}},
		"beside the whole set": {trusts("office", office) + strings.Replace(trusted([]string{branch}), privateSpace(), "", 1),
			[]string{"The ranges of a space are managed together and one by one", "a kvs_trusted_ip_range for " + office,
				"a kvs_trusted_ip_ranges with " + branch}},
		"opened and closed": {trusts("office", office, "closes_space = true") + trusts("all", "0.0.0.0/0"),
			[]string{"The space is opened and closed at the same time"}},
		"opened and closed by one": {trusts("all", "0.0.0.0/0", "closes_space = true"),
			[]string{"The space is opened and closed at the same time"}},
		"one that somebody else has set": {trusts("theirs", "203.0.113.0/24"), []string{"The trusted IP range exists already", "import {",
			`id = "` + string(mustFindSpace(t, sb.Client(t), "acme-prod").ID) + `:203.0.113.0/24"`}},
	} {
		cli.Configure(privateSpace() + test.config)
		sb.ResetJournal()
		plan := cli.Run("plan", "-input=false", "-no-color")
		if plan.Code != 1 {
			t.Errorf("%s: the plan exits %d:\n%s", name, plan.Code, plan.Output())
		}
		expectSays(t, plan.Output(), test.says...)
	}
	// the block that the refusal gives imports it
	id := string(mustFindSpace(t, sb.Client(t), "acme-prod").ID) + ":203.0.113.0/24"
	cli.Configure(privateSpace() + trusts("theirs", "203.0.113.0/24") +
		fmt.Sprintf("import {\n  to = kvs_trusted_ip_range.theirs\n  id = %q\n}\n", id))
	sb.ResetJournal()
	cli.Apply()
	unwritten(t, sb)
	expectSettled(t, cli)
	expectTrusted(t, sb, "203.0.113.0/24")
	// what is not there cannot be imported
	cli.Configure(privateSpace() + trusts("theirs", "203.0.113.0/24") + trusts("new", office))
	for id, says := range map[string]string{
		"acme-prod:" + office: "The space does not have the trusted IP range", "acme-prod": "Invalid import identifier",
		"acme-prod:192.0.2.9/24": "Invalid import identifier", "acme-none:" + office: "Unable to find Private Space",
	} {
		expectFailed(t, cli.Run("import", "-input=false", "-no-color", "kvs_trusted_ip_range.new", id), says)
	}
}

// What a plan says of those who are admitted and shut out, of which a person approves it.
func TestLongTrustedIPRange_warnings(t *testing.T) {
	t.Parallel()
	sb, cli := workflow(t, privateSpace())
	cli.Apply()
	says := func(config string, sentences ...string) {
		t.Helper()
		cli.Configure(privateSpace() + config)
		expectSays(t, planOf(cli), sentences...)
	}
	says(trusts("office", office), "The trusted IP range restricts nothing: "+office,
		"until one kvs_trusted_ip_range of it has closes_space = true")
	says(trusts("office", office, "closes_space = true"), "The change closes the space: "+office, "shuts out everybody but "+office)
	says(trusts("low", "0.0.0.0/1", "closes_space = true")+trusts("high", "128.0.0.0/1"), "they open the space to the whole internet")
	says(trusts("vpn", "10.1.0.0/16"), "10.1.0.0/16 is private (RFC 1918)")
	says(trusts("old", office, `expires_at = "2020-01-01T00:00:00Z"`, `description = "the fair"`), "The trusted IP range has expired: "+office,
		"was needed until 2020-01-01T00:00:00Z (the fair)")

	both := trusts("office", office, "closes_space = true") + trusts("branch", branch, `expires_at = "2020-01-01T00:00:00Z"`)
	cli.Configure(privateSpace() + both)
	cli.Apply()
	says(both, "No changes", "The trusted IP range has expired: "+branch) // in every plan
	says(trusts("office", office, "closes_space = true"), "The change shuts out addresses: "+branch, "It admits "+office+" then")
	says("", "Nobody can reach the web processes in the space any more")
	mustTrust(t, sb.Client(t), office)
	says(both, "The trusted IP range is gone", branch, "admin@acme.example has set the ranges of the space to "+office)
	mustTrust(t, sb.Client(t), office, branch)
	says(trusts("office", "192.0.2.0/25", "closes_space = true"), "the change shuts out "+branch)
	says(trusts("office", "192.0.2.0/23", "closes_space = true") + trusts("branch", branch)) // is wider
	if plan := planOf(cli); strings.Contains(plan, "shuts out") {
		t.Errorf("a wider range shuts somebody out:\n%s", plan)
	}
	cli.Configure(privateSpace())
	cli.Apply()
	expectTrusted(t, sb) // nobody: it is not opened
}

// Whoever is in the same apply is in the same request; the limit of a space is Heroku's to refuse, and takes only the last ones along.
func TestLongTrustedIPRange_many(t *testing.T) {
	t.Parallel()
	sb, cli := workflow(t, privateSpace())
	cli.Apply()
	many := func(n int) string {
		return privateSpace() + fmt.Sprintf(`
resource "kvs_trusted_ip_range" "many" {
  count        = %d
  space_id     = kvs_private_space.prod.id
  range        = "192.0.2.${count.index}/32"
  closes_space = true
}
`, n)
	}
	cli.Configure(many(8))
	sb.ResetJournal()
	cli.Apply()
	if sent := sb.Requests("PUT", "/spaces/.*/inbound-ruleset"); len(sent) != 1 {
		t.Errorf("8 ranges took %d requests", len(sent))
	}
	if read := sb.Requests("GET", "/spaces/.*/inbound-rulesets"); len(read) != 2 {
		t.Errorf("8 ranges read the history %d times, want before and after", len(read))
	}
	expectSettled(t, cli)
	sb.ResetJournal()
	expectSettled(t, cli)
	if read := sb.Requests("GET", "/spaces/.*/inbound-ruleset"); len(read) > 3 {
		t.Errorf("a refresh of 8 ranges reads them %d times", len(read))
	}
	cli.Configure(many(22))
	failed := cli.Run("apply", "-auto-approve", "-input=false", "-no-color")
	expectFailed(t, failed, "Unable to change the trusted IP ranges of the space", "cannot have more than 20 trusted IP ranges")
	prod := mustFindSpace(t, sb.Client(t), "acme-prod").ID
	if now, err := sb.Client(t).TrustedRanges(t.Context(), prod); err != nil || len(now.Rules) != 20 {
		t.Errorf("the space has %d ranges, want the 20 that fit: %v", len(now.Rules), err)
	}
	cli.Configure(many(2))
	sb.ResetJournal()
	cli.Apply()
	expectTrusted(t, sb, "192.0.2.0/32", "192.0.2.1/32")
	if sent := sb.Requests("PUT", "/spaces/.*/inbound-ruleset"); len(sent) > 4 { // ten at a time
		t.Errorf("18 ranges took %d requests to go", len(sent))
	}
}

// Renamed keys, shifted numbers, and a successor that is created first: no range is away for a moment.
func TestAccTrustedIPRange_workflows(t *testing.T) {
	t.Parallel()
	named := func(names, sources string) string {
		return privateSpace() + fmt.Sprintf(`
locals {
  names   = [%s]
  sources = [%s]
}

resource "kvs_trusted_ip_range" "named" {
  for_each = { for i, name in local.names : name => local.sources[i] }
  space_id = kvs_private_space.prod.id
  range    = each.value
}

resource "kvs_trusted_ip_range" "first" {
  space_id     = kvs_private_space.prod.id
  range        = "203.0.113.0/24"
  closes_space = true
}
`, names, sources)
	}
	const a, b, c = `"192.0.2.0/24"`, `"198.51.100.0/24"`, `"198.18.0.0/24"`
	for _, parallel := range []string{"-parallelism=1", "-parallelism=10"} {
		t.Run(parallel, func(t *testing.T) {
			t.Parallel()
			sb, cli := workflow(t, named(`"x", "y", "z"`, a+","+b+","+c))
			cli.Apply()
			sb.ResetJournal()
			apply := func(config string, args ...string) {
				t.Helper()
				cli.Configure(config)
				if done := cli.Run(append([]string{"apply", "-auto-approve", "-input=false", "-no-color", parallel}, args...)...); done.Code != 0 {
					t.Fatal(done.Output())
				}
				expectSettled(t, cli)
				expectTrusted(t, sb, "192.0.2.0/24", "198.51.100.0/24", "198.18.0.0/24", "203.0.113.0/24")
			}
			if keys := named(`"p", "q", "r"`, a+","+b+","+c); parallel == "-parallelism=10" {
				apply(keys)
			} else { // what is planned and applied one by one may be removed before it is known that another instance wants it
				cli.Configure(keys)
				if done := cli.Run("apply", "-auto-approve", "-input=false", "-no-color", parallel); done.Code != 0 {
					expectSays(t, done.Output(), "The trusted IP range exists already", "say so with a moved block")
					apply(keys + "moved {\n  from = kvs_trusted_ip_range.named[\"x\"]\n  to   = kvs_trusted_ip_range.named[\"p\"]\n}\n" +
						"moved {\n  from = kvs_trusted_ip_range.named[\"y\"]\n  to   = kvs_trusted_ip_range.named[\"q\"]\n}\n" +
						"moved {\n  from = kvs_trusted_ip_range.named[\"z\"]\n  to   = kvs_trusted_ip_range.named[\"r\"]\n}\n")
				}
				expectSettled(t, cli)
				expectTrusted(t, sb, "192.0.2.0/24", "198.51.100.0/24", "198.18.0.0/24", "203.0.113.0/24")
				return
			}
			unwritten(t, sb)
			apply(named(`"p", "q", "r"`, b+","+c+","+a)) // the values go round
			apply(named(`"p", "q", "r"`, b+","+c+","+a), `-replace=kvs_trusted_ip_range.named["p"]`)
			sb.ResetJournal()
			first := strings.Replace(named(`"p", "q", "r"`, b+","+c+","+a), "closes_space = true", "closes_space = true\n  lifecycle {\n"+
				"    create_before_destroy = true\n  }", 1)
			apply(first)
			if acctest.OnOpenTofu() { // it tells no provider that a plan is being applied
				return
			}
			apply(first, "-replace=kvs_trusted_ip_range.first")
			unwritten(t, sb)
			sb.ResetJournal()
			cli.Configure(first)
			expectSays(t, cli.Run("apply", "-auto-approve", "-input=false", "-no-color", "-replace=kvs_trusted_ip_range.first").Output(),
				"The trusted IP range is taken over as it is", "Nothing has been changed in that case")
			// what nobody has planned to take over is not taken over by a plan that was saved before
			cli.Configure(first + trusts("new", "198.18.7.0/24"))
			if plan := cli.Run("plan", "-input=false", "-no-color", "-out=approved"); plan.Code != 0 {
				t.Fatal(plan.Output())
			}
			mustTrust(t, sb.Client(t), "192.0.2.0/24", "198.51.100.0/24", "198.18.0.0/24", "203.0.113.0/24", "198.18.7.0/24")
			expectFailed(t, cli.Run("apply", "-input=false", "-no-color", "approved"), "inconsistent final plan",
				"somebody has added the range since then")
			expectSays(t, planOf(cli), "The trusted IP range exists already")
		})
	}
}

func TestAccTrustedIPRange_unknownIsNotChanged(t *testing.T) {
	t.Parallel()
	of := func(source, release string) string {
		return privateSpace() + fmt.Sprintf(`
resource "terraform_data" "range" {
  input            = %q
  triggers_replace = %q
}

resource "terraform_data" "space" {
  input            = kvs_private_space.prod.id
  triggers_replace = %[2]q
}

resource "kvs_trusted_ip_range" "office" {
  space_id     = terraform_data.space.output
  range        = terraform_data.range.output
  description  = terraform_data.range.id
  closes_space = terraform_data.range.output != ""
}
`, source, release)
	}
	sb, cli := workflow(t, of(office, "1"))
	cli.Apply()
	cli.Configure(of(office, "2"))
	if plan := planOf(cli); !strings.Contains(plan, oneRange+" will be updated in-place") {
		t.Errorf("an unknown range is no update:\n%s", plan)
	}
	sb.ResetJournal()
	cli.Apply()
	unwritten(t, sb)
	expectSettled(t, cli)
	cli.Configure(of(branch, "3"))
	cli.Apply()
	expectTrusted(t, sb, branch)
	expectSettled(t, cli)
}

// A space that is made anew gets its range in the same apply.
func TestLongTrustedIPRange_spaceReplaced(t *testing.T) {
	t.Parallel()
	config := func(region string) string {
		return privateSpace(fmt.Sprintf("region = %q", region)) + trusts("office", office, "closes_space = true")
	}
	sb, cli := workflow(t, config("virginia"))
	cli.Apply()
	cli.Configure(config("oregon"))
	cli.Apply()
	expectTrusted(t, sb, office)
	expectSettled(t, cli)
}

func TestAccTrustedIPRange_goneOnProofOnly(t *testing.T) {
	t.Parallel()
	sb, cli := workflow(t, privateSpace()+trusts("office", office))
	cli.Apply()
	sb.Inject(sandbox.Fault{Match: sandbox.Match{Method: "GET", Path: "/spaces/*/inbound-ruleset"}, Do: sandbox.Effect{Status: 404}})
	expectSays(t, planOf(cli), "The trusted IP range could not be read", "That is no proof that the space is gone", "No changes")
}
