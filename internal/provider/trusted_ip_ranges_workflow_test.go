// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/acctest"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/sandbox"
)

const office, branch = "192.0.2.0/24", "198.51.100.0/24"

// expectTrusted compares the ranges that the space has.
func expectTrusted(t *testing.T, sb *acctest.Sandbox, want ...string) {
	t.Helper()
	client := sb.Client(t)
	now, err := client.TrustedRanges(t.Context(), mustFindSpace(t, client, "acme-prod").ID)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, rule := range now.Rules {
		got = append(got, rule.Source)
	}
	slices.Sort(got)
	if slices.Sort(want); !slices.Equal(got, want) {
		t.Errorf("the space has %v, want %v", got, want)
	}
}

// rangesBehind are ranges whose space becomes known only during apply, whenever the release changes.
func rangesBehind(space, release string) string {
	return privateSpace() + strings.NewReplacer("acme-prod", "acme-other", `"prod"`, `"other"`).Replace(privateSpace()) + fmt.Sprintf(`
resource "terraform_data" "space" {
  input            = kvs_private_space.%s.id
  triggers_replace = %q
}

resource "kvs_trusted_ip_ranges" "prod" {
  space_id   = terraform_data.space.output
  ranges     = { %q = { description = terraform_data.space.id } }
  on_destroy = "open"
}
`, space, release, office)
}

func TestLongTrustedIPRanges_unknownIsNotChanged(t *testing.T) {
	t.Parallel()
	sb, cli := workflow(t, rangesBehind("prod", "1"))
	cli.Apply()
	// a space that is only unknown comes out the same, and nothing is sent
	cli.Configure(rangesBehind("prod", "2"))
	if plan := planOf(cli); !strings.Contains(plan, "kvs_trusted_ip_ranges.prod will be updated in-place") {
		t.Errorf("an unknown space is no update:\n%s", plan)
	}
	sb.ResetJournal()
	cli.Apply()
	unwritten(t, sb)
	expectSettled(t, cli)
	// another space, which only the apply gets to know, is refused
	cli.Configure(rangesBehind("other", "3"))
	refusal := []string{"The change needs another object", "Nothing has been changed"}
	if acctest.OnOpenTofu() { // it refuses by itself what was planned in place and needs another object
		refusal = []string{"Provider produced inconsistent final plan"}
	}
	expectFailed(t, cli.Run("apply", "-auto-approve", "-input=false", "-no-color"), refusal...)
	expectTrusted(t, sb, office)
	// the next plan knows it, and says of the first space what a destroy would say
	expectSays(t, planOf(cli), "must be replaced", "The space will admit the whole internet: acme-prod")
}

func TestAccTrustedIPRanges_unknownRanges(t *testing.T) {
	t.Parallel()
	of := func(source, release string) string {
		return privateSpace() + fmt.Sprintf(`
resource "terraform_data" "range" {
  input            = %q
  triggers_replace = %q
}

resource "kvs_trusted_ip_ranges" "prod" {
  space_id = kvs_private_space.prod.id
  ranges   = { (terraform_data.range.output) = {} }
}
`, source, release)
	}
	sb, cli := workflow(t, of(office, "1"))
	cli.Apply()
	cli.Configure(of(office, "2"))
	sb.ResetJournal()
	cli.Apply()
	unwritten(t, sb)
	cli.Configure(of(branch, "3"))
	cli.Apply()
	expectTrusted(t, sb, branch)
	expectSettled(t, cli)
}

// released makes the ranges be replaced by every release, the new ones first.
func released(release, onDestroy string) string {
	return trusted([]string{office}, fmt.Sprintf("on_destroy = %q", onDestroy), `lifecycle {
    create_before_destroy = true
    replace_triggered_by  = [terraform_data.release]
  }`) + fmt.Sprintf("\nresource \"terraform_data\" \"release\" {\n  input = %q\n}\n", release)
}

func TestAccTrustedIPRanges_createBeforeDestroy(t *testing.T) {
	t.Parallel()
	for _, onDestroy := range []string{"open", "restore_previous"} {
		t.Run(onDestroy, func(t *testing.T) {
			t.Parallel()
			sb, cli := workflow(t, privateSpace())
			cli.Apply()
			mustTrust(t, sb.Client(t), branch)
			cli.Configure(released("1", onDestroy))
			cli.Apply()
			cli.Configure(released("2", onDestroy))
			cli.Apply()
			expectTrusted(t, sb, office)
			expectNeverOpened(t, sb)
			expectSettled(t, cli)
		})
	}
}

func TestAccTrustedIPRanges_renamedAddress(t *testing.T) {
	t.Parallel()
	under := func(name string) string {
		return strings.Replace(trusted([]string{office}, `on_destroy = "open"`), `"kvs_trusted_ip_ranges" "prod"`,
			`"kvs_trusted_ip_ranges" "`+name+`"`, 1)
	}
	sb, cli := workflow(t, under("prod"))
	cli.Apply()
	for _, name := range []string{"a", "b", "c"} { // Terraform runs the creation and the destroy in any order
		cli.Configure(under(name))
		cli.Apply()
		expectTrusted(t, sb, office)
		expectSettled(t, cli)
	}
	// without a successor, the destroy does what it says
	cli.Configure(privateSpace())
	expectSays(t, cli.Apply().Output(), "The space will admit the whole internet")
	expectTrusted(t, sb, "0.0.0.0/0")
}

func TestLongTrustedIPRanges_nullElements(t *testing.T) {
	t.Parallel()
	null := strings.Replace(trusted([]string{office, branch}), "= {}", "= null", 1)
	sb, cli := workflow(t, null)
	cli.Apply()
	expectTrusted(t, sb, office, branch)
	expectSettled(t, cli)
	// another range beside it, and one that goes
	cli.Configure(strings.Replace(trusted([]string{office, "203.0.113.0/24"}), "= {}", "= null", 1))
	cli.Apply()
	expectTrusted(t, sb, office, "203.0.113.0/24")
	expectSettled(t, cli)
	// {} means the same, and sends nothing
	cli.Configure(trusted([]string{office, "203.0.113.0/24"}))
	sb.ResetJournal()
	cli.Apply()
	unwritten(t, sb)
	expectSettled(t, cli)
	// and back, to the end
	cli.Configure(strings.ReplaceAll(trusted([]string{office, "203.0.113.0/24"}, `on_destroy = "restore_previous"`), "= {}", "= null"))
	cli.Apply()
	expectSettled(t, cli)
	if end := cli.Run("destroy", "-auto-approve", "-input=false", "-no-color"); end.Code != 0 {
		t.Errorf("destroy exited %d:\n%s", end.Code, end.Output())
	}
}

func TestLongTrustedIPRanges_savedPlan(t *testing.T) {
	t.Parallel()
	sb, cli := workflow(t, trusted([]string{office, branch}))
	cli.Apply()
	someone := sb.Client(t)
	cli.Configure(trusted([]string{office, branch, "203.0.113.0/24"}))
	for _, refresh := range []string{"-refresh=true", "-refresh=false"} {
		mustTrust(t, someone, office, branch)
		if plan := cli.Run("plan", "-input=false", "-no-color", "-out=approved", refresh); plan.Code != 0 {
			t.Fatal(plan.Output())
		}
		mustTrust(t, someone, office, "198.18.0.0/24") // one was revoked, and one admitted
		expectFailed(t, cli.Run("apply", "-input=false", "-no-color", "approved"),
			"The trusted IP ranges have changed since the plan was made", "added since then: 198.18.0.0/24",
			"removed since then: "+branch, "Plan again")
		expectTrusted(t, sb, office, "198.18.0.0/24")
	}
	cli.Apply() // a plan of now shows all of it
	expectTrusted(t, sb, office, branch, "203.0.113.0/24")
}

func TestLongTrustedIPRanges_savedPlanOfACreation(t *testing.T) {
	t.Parallel()
	sb, cli := workflow(t, privateSpace())
	cli.Apply()
	cli.Configure(trusted([]string{office}))
	if plan := cli.Run("plan", "-input=false", "-no-color", "-out=approved"); plan.Code != 0 {
		t.Fatal(plan.Output())
	}
	mustTrust(t, sb.Client(t), branch)
	// Terraform compares what was planned of the ranges before with what there is
	expectFailed(t, cli.Run("apply", "-input=false", "-no-color", "approved"), "The space has trusted IP ranges already", "previous_ranges")
	expectTrusted(t, sb, branch)
}

func TestAccTrustedIPRanges_goneOnProofOnly(t *testing.T) {
	t.Parallel()
	sb, cli := workflow(t, privateSpace())
	cli.Apply()
	mustTrust(t, sb.Client(t), branch)
	cli.Configure(trusted([]string{office}, `on_destroy = "restore_previous"`))
	cli.Apply()
	// the ruleset is not found, and the space is there: the state keeps what it has
	sb.Inject(sandbox.Fault{Match: sandbox.Match{Method: "GET", Path: "/spaces/*/inbound-ruleset"}, Do: sandbox.Effect{Status: 404}})
	unread := planOf(cli)
	expectSays(t, unread, "The trusted IP ranges could not be read", "That is no proof that the space is gone", "No changes")
	if strings.Contains(unread, "does not exist") {
		t.Errorf("it says that the space does not exist:\n%s", unread)
	}
	sb.Clear()
	cli.Apply()
	cli.Configure(privateSpace())
	cli.Apply()
	expectTrusted(t, sb, branch)
}

func TestAccTrustedIPRanges_openedByHand(t *testing.T) {
	t.Parallel()
	sb, cli := workflow(t, trusted([]string{office}))
	cli.Apply()
	const name = "The space is open to the whole internet: acme-prod"
	for _, opened := range [][]string{{"0.0.0.0/0"}, {"0.0.0.0/1", "128.0.0.0/1"}} {
		mustTrust(t, sb.Client(t), opened...)
		expectSays(t, planOf(cli), name, "were "+office, "It stays so until an apply sets other ranges")
	}
	mustTrust(t, sb.Client(t), "0.0.0.0/1", "128.0.0.0/2")
	expectSays(t, planOf(cli), "The space is open to much of the internet: ", "half of all IPv4 addresses or more")
	cli.Apply()
	expectTrusted(t, sb, office)
}

// What goes with its space or its store is said to be gone by itself too: the space or the store may be managed elsewhere.
func TestGone_withItsSpaceOrStore(t *testing.T) {
	t.Parallel()
	f, _, store, _ := aStore(t, nil)
	window := f.resource("kvs_maintenance_window")
	window.apply(values{"instance_id": store.get("id"), "day": "monday", "time": "10:30"})
	space, ranges := f.resource("kvs_private_space"), f.resource("kvs_trusted_ip_ranges")
	space.apply(values{"name": "acme-prod", "team": "acme", "deletion_protection": false})
	ranges.apply(values{"space_id": space.get("id"), "ranges": values{office: values{}}})
	shared, one := f.resource("kvs_private_space"), f.resource("kvs_trusted_ip_range")
	shared.apply(values{"name": "acme-shared", "team": "acme", "deletion_protection": false})
	one.apply(values{"space_id": shared.get("id"), "range": office})
	f.mustSucceed()
	mini := "heroku-redis:mini" // has no window
	if _, err := f.someone().UpdateAddOn(t.Context(), heroku.AppID(store.get("app_id")),
		heroku.AddOnID(store.get("id")), heroku.AddOnUpdate{Plan: &mini}); err != nil {
		t.Fatal(err)
	}
	f.sb.Clock().Advance(time.Minute)
	former := *window
	former.refresh()
	f.mustSay("The store has no maintenance window any more", store.get("id"), "on the plan mini now")
	if err := f.someone().DeleteAddOn(t.Context(), heroku.AppID(store.get("app_id")), heroku.AddOnID(store.get("id"))); err != nil {
		t.Fatal(err)
	}
	if err := f.someone().DeleteSpace(t.Context(), heroku.SpaceID(space.get("id"))); err != nil {
		t.Fatal(err)
	}
	if err := f.someone().DeleteSpace(t.Context(), heroku.SpaceID(shared.get("id"))); err != nil {
		t.Fatal(err)
	}
	f.sb.Clock().Advance(spaceWait)
	one.refresh()
	f.mustSay("The trusted IP range is gone with its space", shared.get("id"), "needs another space")
	window.refresh()
	f.mustSay("The maintenance window is gone with its store", store.get("id"), "needs another store")
	ranges.refresh()
	f.mustSay("The trusted IP ranges are gone with their space", space.get("id"), "needs another space")
	// what is gone is not destroyed: a plan is asked for that when the configuration has lost it as well
	app := f.resource("kvs_app")
	app.apply(values{"name": "orders-gone"})
	f.mustSucceed()
	if err := f.someone().DeleteApp(t.Context(), heroku.AppID(app.get("id"))); err != nil {
		t.Fatal(err)
	}
	f.command()
	app.plans(nil)
	space.plans(nil)
	if len(f.said) > 0 {
		t.Errorf("it says %q of what is gone already", summariesOf(f.said))
	}
}

// Two instances that set the same ranges are two owners all the same: the destroy of one of them would open the space.
func TestLongTrustedIPRanges_twoOwnersThatAgree(t *testing.T) {
	t.Parallel()
	second := strings.Replace(trusted([]string{office}), `"prod" {
  space_id`, `"again" {
  space_id`, 1)
	second = second[strings.Index(second, `resource "kvs_trusted_ip_ranges"`):]
	_, cli := workflow(t, privateSpace())
	cli.Apply()
	cli.Configure(trusted([]string{office}) + second)
	expectSays(t, planOf(cli), "Two resources own the trusted IP ranges of one space")
}

func TestAccTrustedIPRanges_spaceReplaced(t *testing.T) {
	t.Parallel()
	config := func(region string) string {
		return privateSpace(fmt.Sprintf("region = %q", region)) + `
resource "kvs_trusted_ip_ranges" "prod" {
  space_id = kvs_private_space.prod.id
  ranges   = { "192.0.2.0/24" = {} }
}
`
	}
	// the ranges of a space that is made anew are set in the same apply
	sb, cli := workflow(t, config("virginia"))
	cli.Apply()
	cli.Configure(config("oregon"))
	cli.Apply()
	client := sb.Client(t)
	found, err := client.FindSpace(t.Context(), "acme-prod")
	if err != nil {
		t.Fatal(err)
	}
	if set, err := client.TrustedRanges(t.Context(), found.ID); err != nil || len(set.Rules) != 1 || set.Rules[0].Source != "192.0.2.0/24" {
		t.Errorf("the ranges are %v: %v", set.Rules, err)
	}
	expectSettled(t, cli)
}
