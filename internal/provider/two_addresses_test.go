// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/acctest"
)

// One object under two addresses: whatever is destroyed at one of them must not be taken away from the other.

// A second block for an attachment that exists is told apart from a replacement of the first one, in any order.
func TestAccAttachment_twoThatAgree(t *testing.T) {
	t.Parallel()
	block := func(label, app string) string {
		return fmt.Sprintf("\nresource \"kvs_attachment\" %q {\n  instance_id = kvs_instance.blue.id\n  app_id      = "+
			"%s\n  name        = \"SHARED\"\n}\n", label, app)
	}
	later := "\nresource \"terraform_data\" \"later\" {\n  input = kvs_app.worker.id\n}\n"
	sb, cli := workflow(t, attached("blue", "worker", "SHARED"))
	cli.Apply()
	sb.ResetJournal()
	says := "Two resources own one attachment"
	refused := func(config string, args ...string) {
		t.Helper()
		cli.Configure(config)
		expectFailed(t, cli.Run(append([]string{"apply", "-auto-approve", "-input=false", "-no-color"}, args...)...), says)
	}
	refused(attached("blue", "worker", "SHARED")+block("first", "kvs_app.worker.id"), "-parallelism=1", "-refresh=false")
	refused(attached("blue", "worker", "SHARED") + block("third", "kvs_app.worker.id"))
	refused(attached("blue", "worker", "SHARED")+block("third", "kvs_app.worker.id"), "-replace="+attachment)
	// nor does it help that the app of one of them is not known yet
	cli.Configure(attached("blue", "worker", "SHARED") + block("third", "terraform_data.later.output") + later)
	failed := cli.Run("apply", "-auto-approve", "-input=false", "-no-color")
	if acctest.OnOpenTofu() {
		expectFailed(t, failed, "The attachment exists already")
	} else { // Terraform says it in words of its own, and beside them stands what they mean
		expectFailed(t, failed, "Provider produced inconsistent final plan", "The attachment is taken over as it is",
			"somebody has attached the store since then", "plan again")
	}
	says = "Two resources manage one object"
	refused(twoAppsTwoStores + block("shared", "terraform_data.later.output") + strings.Replace(later, "input = ",
		"triggers_replace = 2\n  input = ", 1) +
		block("third", "kvs_app.worker.id"))
	unwritten(t, sb)
	expectAttachments(t, sb, "orders-worker", "SHARED of orders-blue")
}

// What was imported twice is not destroyed at one address while it stays at the other, whichever is planned first.
func TestAccImportedTwice(t *testing.T) {
	t.Parallel()
	const space = `
resource "kvs_private_space" "original" {
  name                = "acme-prod"
  team                = "acme"
  deletion_protection = false
}

resource "kvs_trusted_ip_ranges" "original" {
  space_id   = kvs_private_space.original.id
  ranges     = { "192.0.2.0/24" = {} }
  on_destroy = "open"
}
`
	originals := strings.NewReplacer(`"kvs_app" "web"`, `"kvs_app" "original"`, "kvs_app.web", "kvs_app.original",
		`"kvs_instance" "blue"`, `"kvs_instance" "original"`, "kvs_instance.blue", "kvs_instance.original",
		`"kvs_attachment" "shared"`, `"kvs_attachment" "original"`, `attachment_name     = "BLUE"`,
		"").Replace(attached("blue", "worker", "SHARED")) + space
	sb, cli := workflow(t, originals)
	cli.Apply()
	id := func(address string) string {
		t.Helper()
		object, _ := cli.Object(address)
		text, _ := object.Attributes["id"].(string)
		return text
	}
	twins := strings.NewReplacer("original", "a_twin", "kvs_private_space.original.id",
		fmt.Sprintf("%q", id("kvs_private_space.original"))).Replace(space) +
		fmt.Sprintf("\nresource \"kvs_app\" \"a_twin\" {\n  name = \"orders-web\"\n}\n"+
			"\nresource \"kvs_instance\" \"a_twin\" {\n  app_id = %q\n  plan = \"mini\"\n  name = \"orders-blue\"\n  "+
			"deletion_protection = false\n}\n"+
			"\nresource \"kvs_attachment\" \"a_twin\" {\n  app_id = %q\n  instance_id = %q\n  name = \"SHARED\"\n}\n",
			id("kvs_app.original"), id("kvs_app.worker"), id("kvs_instance.original"))
	objects := map[string]string{ // as they are called
		"kvs_app": `App "orders-web" (`, "kvs_instance": "Key-Value Store orders-blue (", "kvs_attachment": "SHARED",
		"kvs_private_space": `Private Space "acme-prod" (`, "kvs_trusted_ip_ranges": "Trusted IP ranges of space",
	}
	cli.Configure(originals + twins)
	removed := ""
	for kind := range objects {
		if imported := cli.Run("import", "-input=false", "-no-color", kind+".a_twin", id(kind+".original")); imported.Code != 0 {
			t.Fatal(imported.Output())
		}
		removed += fmt.Sprintf("\nremoved {\n  from = %s.a_twin\n  lifecycle {\n    destroy = false\n  }\n}\n", kind)
	}
	sb.ResetJournal()
	// without references, so that one that is refused does not keep the others from being planned
	alone := strings.NewReplacer("kvs_app.original.id", fmt.Sprintf("%q", id("kvs_app.original")), "kvs_app.worker.id",
		fmt.Sprintf("%q", id("kvs_app.worker")),
		"kvs_instance.original.id", fmt.Sprintf("%q", id("kvs_instance.original")),
		"kvs_private_space.original.id", fmt.Sprintf("%q", id("kvs_private_space.original"))).Replace(originals)
	for what, config := range map[string]string{"the imported ones are removed": alone,
		"the first ones are removed": twins, "both stay": alone + twins} {
		for _, order := range [][]string{{"-parallelism=1"}, {"-parallelism=10", "-refresh=false"}} {
			cli.Configure(config)
			plan := planOf(cli, order...)
			refusals := strings.Split(plan, "Error: Two resources ")[1:]
			if len(refusals) == 0 {
				t.Errorf("%s, %v: nothing is refused:\n%s", what, order, plan)
			}
			for kind, object := range objects {
				refused := slices.ContainsFunc(refusals, func(text string) bool { return strings.Contains(text, object) })
				// Terraform 1.16 plans no end of what the end of a refused one has to come before.
				unplanned := what == "the first ones are removed" && !strings.Contains(plan, kind+".original will be destroyed")
				if !refused && !unplanned {
					t.Errorf("%s, %v: %s is not refused:\n%s", what, order, kind, plan)
				}
			}
		}
	}
	unwritten(t, sb)
	cli.Configure(originals + removed)
	cli.Apply()
	unwritten(t, sb)
	expectSettled(t, cli)
}
