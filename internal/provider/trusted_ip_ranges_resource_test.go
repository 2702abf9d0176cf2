// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/acctest"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/sandbox"
)

const trustedRanges = "kvs_trusted_ip_ranges.prod"

// trusted is a space with a set of ranges, each without a description, and further arguments of the set.
func trusted(ranges []string, settings ...string) string {
	var lines []string
	for _, source := range ranges {
		lines = append(lines, fmt.Sprintf("    %q = {}", source))
	}
	return privateSpace() + fmt.Sprintf(`
resource "kvs_trusted_ip_ranges" "prod" {
  space_id = kvs_private_space.prod.id
  ranges = {
%s
  }
  %s
}
`, strings.Join(lines, "\n"), strings.Join(settings, "\n  "))
}

// rulesets are all that the space ever had, oldest first, as lists of their sources.
func rulesets(t *testing.T, sb *acctest.Sandbox) [][]string {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, sb.URL()+"/spaces/acme-prod/inbound-rulesets", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Accept", "application/vnd.heroku+json; version=3")
	request.Header.Set("Authorization", "Bearer "+sb.Token())
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	var history []struct {
		CreatedAt string `json:"created_at"`
		Rules     []struct{ Source string }
	}
	if err := json.NewDecoder(response.Body).Decode(&history); err != nil {
		t.Fatal(err)
	}
	slices.SortStableFunc(history, func(a, b struct {
		CreatedAt string `json:"created_at"`
		Rules     []struct{ Source string }
	}) int {
		return strings.Compare(a.CreatedAt, b.CreatedAt)
	})
	var all [][]string
	for _, ruleset := range history {
		sources := []string{}
		for _, rule := range ruleset.Rules {
			sources = append(sources, rule.Source)
		}
		all = append(all, sources)
	}
	return all
}

// expectNeverOpened looks at all rulesets but the one that every space begins with.
func expectNeverOpened(t *testing.T, sb *acctest.Sandbox) {
	t.Helper()
	history := rulesets(t, sb)
	if len(history) < 2 || !slices.Contains(history[0], "0.0.0.0/0") {
		t.Fatalf("the history of rulesets is %v, want Heroku's default and what was set after it", history)
	}
	for _, sources := range history[1:] {
		if slices.Contains(sources, "0.0.0.0/0") {
			t.Errorf("the space was opened to the internet: %v", history)
		}
	}
}

func rangesAre(ranges ...string) statecheck.StateCheck {
	want := map[string]knownvalue.Check{}
	for _, source := range ranges {
		want[source] = knownvalue.NotNull()
	}
	return statecheck.ExpectKnownValue(trustedRanges, tfjsonpath.New("ranges"), knownvalue.MapExact(want))
}

func TestAccTrustedIPRanges_basic(t *testing.T) {
	t.Parallel()
	sb := acctest.Start(t)
	described := privateSpace() + `
resource "kvs_trusted_ip_ranges" "prod" {
  space_id = kvs_private_space.prod.id
  ranges = {
    "192.0.2.0/24"    = { description = "office" }
    "198.51.100.7/32" = {}
  }
}
`
	acctest.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: sb.Factories(),
		CheckDestroy:             sb.NothingLeft(),
		Steps: []resource.TestStep{
			{ // the whole set is in force when the apply ends, and each range keeps its description
				Config: described,
				ConfigStateChecks: []statecheck.StateCheck{
					statecheck.ExpectKnownValue(trustedRanges,
						tfjsonpath.New("ranges").AtMapKey("192.0.2.0/24").AtMapKey("description"), knownvalue.StringExact("office")),
					statecheck.ExpectKnownValue(trustedRanges, tfjsonpath.New("applied"), knownvalue.Bool(true)),
				},
				PostApplyFunc: func() { expectNeverOpened(t, sb) },
			},
			{ // the space's id imports it, but for what Heroku does not keep
				ResourceName:            trustedRanges,
				ImportState:             true,
				ImportStateVerify:       true,
				ImportStateVerifyIgnore: []string{"previous_ranges", "ranges.192.0.2.0/24.description", "ranges.192.0.2.0/24.%"},
			},
			{ // so does its name
				ResourceName:            trustedRanges,
				ImportState:             true,
				ImportStateId:           "acme-prod",
				ImportStateVerify:       true,
				ImportStateVerifyIgnore: []string{"previous_ranges", "ranges.192.0.2.0/24.description", "ranges.192.0.2.0/24.%"},
			},
			{ // another description is remembered without a request
				PreConfig: func() { sb.ResetJournal() },
				Config:    strings.Replace(described, "office", "head office", 1),
				ConfigStateChecks: []statecheck.StateCheck{
					statecheck.ExpectKnownValue(trustedRanges,
						tfjsonpath.New("ranges").AtMapKey("192.0.2.0/24").AtMapKey("description"), knownvalue.StringExact("head office")),
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

func TestAccTrustedIPRanges_update(t *testing.T) {
	t.Parallel()
	sb := acctest.Start(t)
	someone := sb.Client(t)
	acctest.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: sb.Factories(),
		CheckDestroy:             sb.NothingLeft(),
		Steps: []resource.TestStep{
			{Config: trusted([]string{"192.0.2.0/24"})},
			{ // ranges come and go in one step
				Config:            trusted([]string{"198.51.100.0/24", "203.0.113.0/24"}),
				ConfigStateChecks: []statecheck.StateCheck{rangesAre("198.51.100.0/24", "203.0.113.0/24")},
				PostApplyFunc: func() {
					if sent := sb.Requests("PUT", "/spaces/.*/inbound-ruleset"); len(sent) != 2 {
						t.Errorf("%d requests set ranges, want 2", len(sent))
					}
				},
			},
			{ // order and spelling make no difference, also when somebody else wrote them
				PreConfig: func() {
					mustTrust(t, someone, "203.0.113.9/24", "198.51.100.0/24")
				},
				Config:           trusted([]string{"203.0.113.0/24", "198.51.100.0/24"}),
				ConfigPlanChecks: noChange,
			},
			{ // a range that somebody added shows as exactly that, and goes
				PreConfig: func() {
					mustTrust(t, someone, "203.0.113.0/24", "198.51.100.0/24", "192.0.2.99/32")
				},
				Config: trusted([]string{"203.0.113.0/24", "198.51.100.0/24"}),
				ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
					plancheck.ExpectResourceAction(trustedRanges, plancheck.ResourceActionUpdate),
				}},
				ConfigStateChecks: []statecheck.StateCheck{rangesAre("198.51.100.0/24", "203.0.113.0/24")},
			},
			{ // an empty set blocks everybody, which is allowed
				Config:            trusted(nil),
				ConfigStateChecks: []statecheck.StateCheck{rangesAre()},
				PostApplyFunc: func() {
					if history := rulesets(t, sb); len(history[len(history)-1]) != 0 {
						t.Errorf("the space has %v, want no range", history[len(history)-1])
					}
				},
			},
		},
	})
}

// mustTrust sets the ranges of the space by hand, and waits until they are in force.
func mustTrust(t *testing.T, client *heroku.Client, sources ...string) {
	t.Helper()
	found := mustFindSpace(t, client, "acme-prod")
	var rules []heroku.Rule
	for _, source := range sources {
		rules = append(rules, heroku.Rule{Action: "allow", Source: source})
	}
	_, err := client.SetTrustedRanges(t.Context(), found.ID, rules)
	if err == nil {
		_, err = client.WaitTrustedRangesApplied(t.Context(), found.ID, spaceWait)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func TestAccTrustedIPRanges_onDestroy(t *testing.T) {
	t.Parallel()
	sb := acctest.Start(t)
	someone := sb.Client(t)
	office, herokus := []string{"192.0.2.0/24"}, []string{"0.0.0.0/0"}
	steps := []resource.TestStep{{Config: privateSpace()}}
	for _, test := range []struct {
		before []string // what the space has before the resource
		choice string
		after  []string
	}{
		{herokus, ``, office}, // it is kept
		{[]string{"198.51.100.0/24"}, `on_destroy = "restore_previous"`, []string{"198.51.100.0/24"}},
		{herokus, `on_destroy = "restore_previous"`, office},                              // which does not open the space,
		{[]string{"0.0.0.0/1", "128.0.0.0/1"}, `on_destroy = "restore_previous"`, office}, // nor in two halves
		{herokus, `on_destroy = "open"`, herokus},
	} {
		steps = append(steps, resource.TestStep{
			PreConfig: func() { mustTrust(t, someone, test.before...) },
			Config:    trusted(office, test.choice),
		}, resource.TestStep{ // the resource goes, the space stays
			Config: privateSpace(),
			PostApplyFunc: func() {
				history := rulesets(t, sb)
				if now := history[len(history)-1]; !slices.Equal(now, test.after) {
					t.Errorf("after %v, %s: the space has %v, want %v", test.before, test.choice, now, test.after)
				}
			},
		})
	}
	acctest.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: sb.Factories(),
		CheckDestroy:             sb.NothingLeft(),
		Steps:                    steps,
	})
}

func TestLongTrustedIPRanges_gone(t *testing.T) {
	t.Parallel()
	sb := acctest.Start(t)
	someone := sb.Client(t)
	acctest.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: sb.Factories(),
		CheckDestroy:             sb.NothingLeft(),
		Steps: []resource.TestStep{
			{Config: trusted([]string{"192.0.2.0/24"})},
			{ // a space that somebody destroyed takes its ranges along: both are planned anew
				PreConfig: func() {
					found := mustFindSpace(t, someone, "acme-prod")
					if err := someone.DeleteSpace(t.Context(), found.ID); err != nil {
						t.Fatal(err)
					}
					if err := someone.WaitSpaceGone(t.Context(), found.ID, spaceWait); err != nil {
						t.Fatal(err)
					}
				},
				Config: trusted([]string{"192.0.2.0/24"}),
				ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
					plancheck.ExpectResourceAction(space, plancheck.ResourceActionCreate),
					plancheck.ExpectResourceAction(trustedRanges, plancheck.ResourceActionCreate),
				}},
			},
		},
	})
}

func TestAccTrustedIPRanges_refusal(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ source, says string }{
		"host bits":              {"192.0.2.9/24", "192.0.2.0/24"},
		"an address alone":       {"192.0.2.9", "192.0.2.9/32"},
		"an IPv6 range":          {"2001:db8::/32", "IPv6"},
		"what is not a range":    {"office", "192.0.2.0/24"},
		"a mask that is not one": {"192.0.2.0/33", "192.0.2.0/24"},
	}
	sb := acctest.Start(t)
	refusals := map[string]acctest.Refusal{}
	for name, test := range tests {
		refusals[name] = acctest.Refusal{Config: trusted([]string{test.source}), Says: []string{test.says}}
	}
	sb.Refused(t, refusals)
}

func TestLongTrustedIPRanges_tooMany(t *testing.T) {
	t.Parallel()
	sb := acctest.Start(t)
	var many []string
	for i := range 21 {
		many = append(many, fmt.Sprintf("192.0.2.%d/32", i))
	}
	acctest.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: sb.Factories(),
		Steps: []resource.TestStep{
			{Config: privateSpace()},
			{ // the limit can be raised, so it is Heroku's to refuse, in its own words
				Config:      trusted(many),
				ExpectError: acctest.Says("Heroku answered 422 invalid_params to PUT /spaces/"),
			},
		},
	})
}

func TestAccTrustedIPRanges_twoOwners(t *testing.T) {
	t.Parallel()
	sb := acctest.Start(t)
	second := `
resource "kvs_trusted_ip_ranges" "again" {
  space_id = kvs_private_space.prod.id
  ranges   = { "198.51.100.0/24" = {} }
}
`
	acctest.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: sb.Factories(),
		Steps: []resource.TestStep{
			{Config: privateSpace()},
			{ // two resources for one ruleset would undo each other at every apply
				Config:      trusted([]string{"192.0.2.0/24"}) + second,
				ExpectError: acctest.Says("Two resources own the trusted IP ranges of one space"),
			},
			{ // also when the space is made in the same run, and only its apply can tell
				Config:      strings.ReplaceAll(trusted([]string{"192.0.2.0/24"})+second, "acme-prod", "acme-other"),
				ExpectError: acctest.Says("Two resources own the trusted IP ranges of one space"),
			},
		},
	})
}

func TestLongTrustedIPRanges_unknownValues(t *testing.T) {
	t.Parallel()
	sb := acctest.Start(t)
	acctest.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: sb.Factories(),
		CheckDestroy:             sb.NothingLeft(),
		Steps: []resource.TestStep{
			{ // a map that is known only after apply plans cleanly
				Config: privateSpace() + `
resource "terraform_data" "office" {
  input = "192.0.2.0/24"
}

resource "kvs_trusted_ip_ranges" "prod" {
  space_id = kvs_private_space.prod.id
  ranges   = { (terraform_data.office.output) = { description = terraform_data.office.id } }
}
`,
				ConfigStateChecks: []statecheck.StateCheck{rangesAre("192.0.2.0/24")},
			},
		},
	})
}

func TestLongTrustedIPRanges_justAllocated(t *testing.T) {
	t.Parallel()
	sb := acctest.Start(t)
	// For a moment after its allocation Heroku does not know the ruleset of a space.
	sb.Inject(sandbox.Fault{Match: sandbox.Match{Path: "/spaces/*/inbound-ruleset", To: 3}, Do: sandbox.Effect{Status: 404}})
	acctest.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: sb.Factories(),
		CheckDestroy:             sb.NothingLeft(),
		Steps: []resource.TestStep{
			{
				Config:            trusted([]string{"192.0.2.0/24"}),
				ConfigStateChecks: []statecheck.StateCheck{rangesAre("192.0.2.0/24")},
				PostApplyFunc:     func() { expectNeverOpened(t, sb) },
			},
		},
	})
}

// What a set means that its author may not have meant is said in the plan, and only when the set changes.
func TestAccTrustedIPRanges_warnings(t *testing.T) {
	t.Parallel()
	sb := acctest.Start(t, func(o *sandbox.Options) { o.Clock, o.Allocation = nil, time.Millisecond })
	cli := sb.CLI(t, privateSpace(`shield = true`))
	cli.Apply()
	says := func(ranges []string, hints ...string) {
		t.Helper()
		cli.Configure(strings.Replace(trusted(ranges), "deletion_protection", "shield = true\n  deletion_protection", 1))
		plan := cli.Run("plan", "-input=false", "-no-color")
		for _, hint := range hints {
			if !acctest.Says(hint).MatchString(plan.Stdout) {
				t.Errorf("the plan of %v does not say %q:\n%s", ranges, hint, plan.Output())
			}
		}
	}
	says(nil, "The set is empty")
	says([]string{"0.0.0.0/0", "192.0.2.0/24"}, "opens the Shield Space to the whole internet",
		"the narrower ranges beside it mean nothing")
	var many []string
	for i := range 21 {
		many = append(many, fmt.Sprintf("192.0.2.%d/32", i))
	}
	says(many, "There are 21 ranges")

	// ranges that somebody has set already are named before they are replaced
	mustTrust(t, sb.Client(t), "198.51.100.0/24")
	says([]string{"192.0.2.0/24"}, "They are replaced, all of them: 198.51.100.0/24")

	cli.Apply()
	if again := cli.Run("plan", "-input=false", "-no-color", "-detailed-exitcode"); again.Code != 0 ||
		strings.Contains(again.Stdout, "They are replaced") {
		t.Errorf("a plan that changes nothing exited %d and said:\n%s", again.Code, again.Output())
	}

	// what happens to the ranges at the end is said before it happens
	cli.Configure(strings.Replace(trusted([]string{"192.0.2.0/24"}, `on_destroy = "open"`), "deletion_protection",
		"shield = true\n  deletion_protection", 1))
	cli.Apply()
	if plan := cli.Run("plan", "-destroy", "-input=false", "-no-color"); !acctest.Says(
		"The space will admit the whole internet").MatchString(plan.Stdout) {
		t.Errorf("the plan of a destroy that opens the space does not say so:\n%s", plan.Output())
	}
}
