// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/acctest"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/sandbox"
)

// What Terraform does every day, and what an app must not lose by it.

// workflow is a sandbox that is quick in real time, and a CLI in a directory of its own.
func workflow(t *testing.T, config string) (*acctest.Sandbox, *acctest.CLI) {
	t.Helper()
	sb := acctest.Start(t, func(o *sandbox.Options) {
		o.Clock, o.Engine, o.Provisioning, o.Allocation = nil, "miniredis", time.Millisecond, time.Millisecond
	})
	return sb, sb.CLI(t, config)
}

// planOf is what a plan prints, whether or not it succeeds.
func planOf(cli *acctest.CLI, args ...string) string {
	return cli.Run(append([]string{"plan", "-input=false", "-no-color"}, args...)...).Output()
}

func expectSays(t *testing.T, output string, sentences ...string) {
	t.Helper()
	for _, sentence := range sentences {
		if !acctest.Says(sentence).MatchString(output) {
			t.Errorf("%q is not said:\n%s", sentence, output)
		}
	}
}

// expectSettled asks for a plan without a change.
func expectSettled(t *testing.T, cli *acctest.CLI) {
	t.Helper()
	if again := cli.Run("plan", "-input=false", "-no-color", "-detailed-exitcode"); again.Code != 0 {
		t.Errorf("the next plan exited %d:\n%s", again.Code, again.Output())
	}
}

// expectFailed asks for an apply that fails and says why.
func expectFailed(t *testing.T, result acctest.Result, sentences ...string) {
	t.Helper()
	if result.Code == 0 {
		t.Error("the apply succeeded")
	}
	expectSays(t, result.Output(), sentences...)
}

// unwritten fails the test if something was sent since the journal was reset.
func unwritten(t *testing.T, sb *acctest.Sandbox) {
	t.Helper()
	if writes := sb.Requests("(POST|PATCH|PUT|DELETE)", ".*"); len(writes) > 0 {
		t.Errorf("%v were sent", writes)
	}
	if reads := sb.Requests("GET", ".*"); len(reads) == 0 {
		t.Error("nothing was read either, so nothing was counted")
	}
}

// deployed makes the attachment be replaced by every release, the new one first.
func deployed(config, release string) string {
	return strings.Replace(config, `  name        = "SHARED"
`, `  name        = "SHARED"
  lifecycle {
    create_before_destroy = true
    replace_triggered_by  = [terraform_data.release]
  }
`, 1) + fmt.Sprintf("\nresource \"terraform_data\" \"release\" {\n  input = %q\n}\n", release)
}

func TestAccAttachment_createBeforeDestroy(t *testing.T) {
	t.Parallel()
	// the new instance takes over what the old one has, and the old one leaves it alone
	sb, cli := workflow(t, deployed(attached("blue", "worker", "SHARED"), "1"))
	cli.Apply()
	if acctest.OnOpenTofu() { // what cannot be told from somebody else's is refused, and nothing is lost
		sb.ResetJournal()
		cli.Configure(deployed(attached("blue", "worker", "SHARED"), "2"))
		expectFailed(t, cli.Run("apply", "-auto-approve", "-input=false", "-no-color"), "The attachment exists already",
			"leave out create_before_destroy")
		unwritten(t, sb)
		expectAttachments(t, sb, "orders-worker", "SHARED of orders-blue")
		return
	}
	for release := range 2 {
		sb.ResetJournal()
		cli.Configure(deployed(attached("blue", "worker", "SHARED"), fmt.Sprint(release+2)))
		cli.Apply()
		unwritten(t, sb)
		expectAttachments(t, sb, "orders-worker", "SHARED of orders-blue")
		expectSettled(t, cli)
	}
	// so it does when another store is attached by the same plan
	cli.Configure(deployed(attached("green", "worker", "SHARED"), "9"))
	cli.Apply()
	expectAttachments(t, sb, "orders-worker", "SHARED of orders-green")
	expectSettled(t, cli)
	// without create_before_destroy it is detached and attached anew, as the plan says
	// (the release stays: Terraform 1.16.0 leaves a deposed object when what has triggered replacements goes in the same run)
	cli.Configure(attached("green", "worker", "SHARED") + "\nresource \"terraform_data\" \"release\" {\n  input = \"9\"\n}\n")
	cli.Apply("-replace=" + attachment)
	expectAttachments(t, sb, "orders-worker", "SHARED of orders-green")
	expectSettled(t, cli)
}

func TestAccAttachment_renamedAddress(t *testing.T) {
	t.Parallel()
	keyed := func(prefix string) string {
		return twoAppsTwoStores + fmt.Sprintf(`
resource "kvs_attachment" "each" {
  for_each    = { for name in ["ONE", "TWO", "THREE"] : "%s-${name}" => name }
  instance_id = kvs_instance.blue.id
  app_id      = kvs_app.worker.id
  name        = each.value
}
`, prefix)
	}
	sb, cli := workflow(t, keyed("a"))
	cli.Apply()
	all := []string{"ONE of orders-blue", "TWO of orders-blue", "THREE of orders-blue"}
	for _, prefix := range []string{"b", "c", "d"} { // Terraform runs creations and destroys in any order
		cli.Configure(keyed(prefix))
		cli.Apply()
		expectAttachments(t, sb, "orders-worker", all...)
		expectSettled(t, cli)
	}
}

func TestAccAttachment_existsAlready(t *testing.T) {
	t.Parallel()
	sb, first := workflow(t, attached("blue", "worker", "SHARED"))
	first.Apply()
	there, err := sb.Client(t).AppAttachment(t.Context(), "orders-worker", "SHARED")
	if err != nil {
		t.Fatal(err)
	}
	literal := fmt.Sprintf("resource \"kvs_attachment\" \"example\" {\n  instance_id = %q\n  app_id      = %q\n  name "+
		"       = \"SHARED\"\n}\n", there.AddOnID, there.AppID)
	second := sb.CLI(t, literal)
	sb.ResetJournal()
	failed := second.Run("apply", "-auto-approve", "-input=false", "-no-color")
	expectFailed(t, failed, "The attachment exists already",
		"The store orders-blue ("+string(there.AddOnID)+") is attached to the app orders-worker as SHARED", "and not by this resource")
	if removed := second.Run("destroy", "-auto-approve", "-input=false", "-no-color"); removed.Code != 0 {
		t.Errorf("destroying nothing exited %d:\n%s", removed.Code, removed.Output())
	}
	unwritten(t, sb)
	expectAttachments(t, sb, "orders-worker", "SHARED of orders-blue")

	// the block that is shown works as it is
	block := regexp.MustCompile(`import \{[^}]+\}`).FindString(strings.ReplaceAll(failed.Output(), "│", ""))
	second.Configure(literal + "\n" + block + "\n")
	second.Apply()
	unwritten(t, sb)
	expectSettled(t, second)
}

func TestLongAttachment_twoOwners(t *testing.T) {
	t.Parallel()
	second := func(store, app, name string) string {
		return fmt.Sprintf("\nresource \"kvs_attachment\" \"second\" {\n  instance_id = kvs_instance.%s.id\n  app_id  "+
			"    = kvs_app.%s.id\n  name        = %q\n}\n", store, app, name)
	}
	sb, cli := workflow(t, attached("blue", "worker", "SHARED"))
	cli.Apply()
	for config, both := range map[string][]string{
		// two stores under one name of one app
		attached("blue", "worker", "SHARED") + second("green", "worker", "SHARED"): {"SHARED, and this configuration " +
			"has two owners", "a kvs_attachment of the store"},
		// a name that the configuration of a store gives to its first attachment
		attached("blue", "web", "GREEN"):  {"attachment_name of the kvs_instance orders-green", "a kvs_attachment of the store"},
		attached("green", "web", "GREEN"): {"attachment_name of the kvs_instance orders-green", "a kvs_attachment of the store"},
	} {
		cli.Configure(config)
		expectSays(t, planOf(cli), append(both, "Two resources own one attachment")...)
	}
	// both are made by the same plan, so that only their apply can tell
	other := strings.NewReplacer(`"kvs_app" "worker"`, `"kvs_app" "other"`, "orders-worker", "orders-other")
	cli.Configure(other.Replace(attached("blue", "other", "SHARED") + second("green", "other", "SHARED")))
	expectFailed(t, cli.Run("apply", "-auto-approve", "-input=false", "-no-color"), "Two resources own one attachment")
	if found, err := sb.Client(t).AppAttachments(t.Context(),
		mustFindApp(t, sb.Client(t), "orders-other").ID); err != nil || len(found) > 1 {
		t.Errorf("%v, error %v", found, err)
	}
}

// behind is an attachment whose app, store and name become known only during apply, whenever the release changes.
func behind(app, store, name, release string) string {
	return twoAppsTwoStores + fmt.Sprintf(`
resource "terraform_data" "later" {
  input            = { app = kvs_app.%s.id, store = kvs_instance.%s.id, name = %q }
  triggers_replace = %q
}

resource "kvs_attachment" "shared" {
  instance_id = terraform_data.later.output.store
  app_id      = terraform_data.later.output.app
  name        = terraform_data.later.output.name
}
`, app, store, name, release)
}

func TestAccAttachment_unknownIsNotChanged(t *testing.T) {
	t.Parallel()
	sb, cli := workflow(t, behind("worker", "blue", "SHARED", "1"))
	cli.Apply()
	// what is only unknown comes out the same, and nothing is sent
	cli.Configure(behind("worker", "blue", "SHARED", "2"))
	if plan := planOf(cli); !strings.Contains(plan, "kvs_attachment.shared will be updated in-place") {
		t.Errorf("an unknown app is no update:\n%s", plan)
	}
	sb.ResetJournal()
	cli.Apply()
	unwritten(t, sb)
	expectSettled(t, cli)
	// when it turns out to be another app, it is attached there before it is detached here
	cli.Configure(behind("web", "blue", "SHARED", "3"))
	sb.ResetJournal()
	cli.Apply()
	made, dropped := sb.Requests("POST", "/addon-attachments"), sb.Requests("DELETE", "/addon-attachments/.*")
	if len(made) != 1 || len(dropped) != 1 || dropped[0].Seq < made[0].Seq {
		t.Errorf("want one attachment made before the other is dropped, got %v and %v", made, dropped)
	}
	expectAttachments(t, sb, "orders-worker")
	expectSettled(t, cli)
}

func TestAccAttachment_savedPlan(t *testing.T) {
	t.Parallel()
	sb, cli := workflow(t, attached("blue", "worker", "SHARED"))
	cli.Apply()
	someone := sb.Client(t)
	save := func(config string) {
		t.Helper()
		cli.Configure(config)
		if plan := cli.Run("plan", "-input=false", "-no-color", "-out=approved"); plan.Code != 0 {
			t.Fatal(plan.Output())
		}
	}
	save(attached("green", "worker", "SHARED"))
	// meanwhile somebody re-points it to a third store
	worker := mustFindApp(t, someone, "orders-worker")
	third, err := someone.CreateAddOn(t.Context(), worker.ID,
		heroku.AddOnCreate{Plan: "heroku-redis:mini", Name: "orders-third", AttachmentName: "THIRD"})
	if err == nil {
		_, err = someone.WaitAddOnProvisioned(t.Context(), third.ID, aWhile)
	}
	if err == nil {
		_, err = someone.CreateAttachment(t.Context(), heroku.AttachmentCreate{AddOn: third.ID, App: worker.ID,
			Name: "SHARED", Confirm: worker.Name})
	}
	if err != nil {
		t.Fatal(err)
	}
	expectFailed(t, cli.Run("apply", "-input=false", "-no-color", "approved"),
		"The attachment has changed since the plan was made", "leads to the store orders-third", "Plan again")
	expectAttachments(t, sb, "orders-worker", "SHARED of orders-third", "THIRD of orders-third")
	// a plan that has read nothing says the same, and not that the name is somebody else's
	expectFailed(t, cli.Run("apply", "-auto-approve", "-input=false", "-no-color", "-refresh=false"),
		"The attachment has changed since the plan was made", "leads to the store orders-third", "Plan again")
	expectAttachments(t, sb, "orders-worker", "SHARED of orders-third", "THIRD of orders-third")

	// or detaches it
	save(attached("green", "worker", "SHARED"))
	found, err := someone.AppAttachment(t.Context(), "orders-worker", "SHARED")
	if err == nil {
		err = someone.DeleteAttachment(t.Context(), found.ID)
	}
	if err != nil {
		t.Fatal(err)
	}
	expectFailed(t, cli.Run("apply", "-input=false", "-no-color", "approved"),
		"The attachment has changed since the plan was made", "is gone: somebody has detached it")
	expectAttachments(t, sb, "orders-worker", "THIRD of orders-third")

	// the next plan says why there is one to add
	expectSays(t, planOf(cli), "The attachment is gone: SHARED of app orders-worker", "1 to add")
}

// acrossNetworks are a store in a space, one outside of any, and an app in each place.
func acrossNetworks(more ...string) string {
	return privateSpace() + `
resource "kvs_private_space" "shield" {
  name                = "acme-shield"
  team                = "acme"
  shield              = true
  deletion_protection = false
}

resource "kvs_private_space" "other" {
  name                = "acme-other"
  team                = "acme"
  deletion_protection = false
}

resource "kvs_app" "all" {
  for_each = { prod = kvs_private_space.prod.id, shield = kvs_private_space.shield.id, other = kvs_private_space.other.id, web = null }
  name     = "orders-${each.key}"
  space_id = each.value
}

resource "kvs_instance" "private" {
  app_id              = kvs_app.all["prod"].id
  plan                = "private-7"
  deletion_protection = false
}

resource "kvs_instance" "common" {
  app_id              = kvs_app.all["web"].id
  plan                = "premium-0"
  deletion_protection = false
}
` + strings.Join(more, "\n")
}

func across(store, app, more string) string {
	return fmt.Sprintf("resource \"kvs_attachment\" \"shared\" {\n  instance_id = kvs_instance.%s.id\n  app_id      = "+
		"kvs_app.all[%q].id\n  name        = \"SHARED\"\n%s\n}\n", store, app, more)
}

func TestLongAttachment_acrossNetworks(t *testing.T) {
	t.Parallel()
	sb, cli := workflow(t, acrossNetworks())
	// also when all is made in one run, the apply refuses
	cli.Configure(acrossNetworks(across("common", "shield", "")))
	expectFailed(t, cli.Run("apply", "-auto-approve", "-input=false", "-no-color"), "The app cannot reach the store",
		"outside_space does not change that")
	for _, test := range []struct{ attachment, says string }{
		{across("private", "web", ""), "The app would get a config var that leads nowhere"},
		{across("private", "shield", ""), "The app would get a config var that leads nowhere"},
		{across("private", "other", ""), "The store's host resolves in the space acme-prod only, and the app is in the space acme-other"},
		{across("common", "prod", ""), "The store is outside the network of the app's space"},
		{across("common", "prod", "outside_space = false"), "or set outside_space = true"},
		{across("common", "shield", "outside_space = true"), "The app cannot reach the store"},
		{across("common", "prod", "outside_space = true"), "Data will travel over the public internet: SHARED of app "},
	} {
		cli.Configure(acrossNetworks(test.attachment))
		expectSays(t, planOf(cli), test.says)
	}
	cli.Apply() // the last one, with consent
	expectAttachments(t, sb, "orders-prod", "REDIS of "+storeOf(t, sb, "orders-prod", "REDIS"),
		"SHARED of "+storeOf(t, sb, "orders-web", "REDIS"))
	// the consent may go later: that attaches nothing, and so it is not judged
	cli.Configure(acrossNetworks(across("common", "prod", "")))
	sb.ResetJournal()
	cli.Apply()
	unwritten(t, sb)
	expectSettled(t, cli)
}

// storeOf is the name of the store behind an attachment.
func storeOf(t *testing.T, sb *acctest.Sandbox, app, name string) string {
	t.Helper()
	found, err := sb.Client(t).AppAttachment(t.Context(), app, name)
	if err != nil {
		t.Fatal(err)
	}
	return found.AddOnName
}

func TestLongAttachment_countShifts(t *testing.T) {
	t.Parallel()
	config := func(names string) string {
		return attached("blue", "worker", "OTHER") + fmt.Sprintf(`
resource "kvs_attachment" "each" {
  count       = length(%[1]s)
  app_id      = kvs_app.worker.id
  instance_id = kvs_instance.blue.id
  name        = %[1]s[count.index]
}
`, names)
	}
	// what moves to another number stays as it is, and what is left over is detached
	sb, cli := workflow(t, config(`["FIRST", "SECOND", "THIRD"]`))
	cli.Apply()
	sb.ResetJournal()
	cli.Configure(config(`["SECOND", "THIRD"]`))
	if acctest.OnOpenTofu() { // where a plan and its apply cannot be told apart
		return
	}
	cli.Apply()
	if sent := sb.Requests("(POST|DELETE)", "/addon-attachments.*"); len(sent) != 1 {
		t.Errorf("%v were sent, want one detachment", sent)
	}
	expectAttachments(t, sb, "orders-worker", "OTHER of orders-blue", "SECOND of orders-blue", "THIRD of orders-blue")
	expectSettled(t, cli)
}

func TestAccAttachment_appReplaced(t *testing.T) {
	t.Parallel()
	// an app that is made anew has lost its attachments, and gets them in the same apply
	sb, cli := workflow(t, attached("blue", "worker", "SHARED"))
	cli.Apply()
	cli.Apply("-replace=kvs_app.worker")
	expectAttachments(t, sb, "orders-worker", "SHARED of orders-blue")
	expectSettled(t, cli)
}

func TestAccAttachment_configVarByHand(t *testing.T) {
	t.Parallel()
	// the plan refuses a name whose config var somebody has set, for a new attachment and for a renamed one
	sb, cli := workflow(t, twoAppsTwoStores)
	cli.Apply()
	client, value := sb.Client(t), "by hand"
	if err := client.SetConfigVar(t.Context(), mustFindApp(t, client, "orders-worker").ID, "JOINT_URL", &value); err != nil {
		t.Fatal(err)
	}
	cli.Configure(attached("blue", "worker", "JOINT"))
	expectSays(t, planOf(cli), "The attachment would overwrite a config var", "JOINT_URL")
	cli.Configure(attached("blue", "worker", "SHARED"))
	cli.Apply()
	cli.Configure(attached("blue", "worker", "JOINT"))
	expectSays(t, planOf(cli), "The attachment would overwrite a config var", "JOINT_URL")
	expectAttachments(t, sb, "orders-worker", "SHARED of orders-blue")
}
