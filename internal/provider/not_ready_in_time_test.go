// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"strings"
	"testing"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/acctest"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/sandbox"
)

// A creation that is not complete in time is a warning, and the run succeeds. Whoever wants the run to fail writes a postcondition:
// it fails with nothing tainted, what depends on the object waits, and the next apply goes on with the same one.
func TestAccNotReadyInTime_failsTheRun(t *testing.T) {
	t.Parallel()
	const storeNotReady = `!contains(["provisioning", "preparing", "migrating"], self.state)`
	for name, c := range map[string]struct {
		address, order, config, condition string
	}{
		"store": {store, "/apps/*/addons", `
resource "kvs_app" "web" {
  name = "orders-web"
}

resource "kvs_instance" "cache" {
  app_id              = kvs_app.web.id
  plan                = "premium-0"
  deletion_protection = false
  timeouts            = { create = "10m" }
  LIFECYCLE
}
`, storeNotReady},
		"space": {space, "/spaces", privateSpace(`timeouts = { create = "10m" }`, "LIFECYCLE"), `self.state != "allocating"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			config := c.config + "\nresource \"terraform_data\" \"dependent\" {\n  input = " + c.address + ".id\n}\n"
			failing := strings.Replace(config, "LIFECYCLE", `lifecycle {
    postcondition {
      condition     = `+c.condition+`
      error_message = "It is ${self.state}, and kept: apply again to go on waiting."
    }
  }`, 1)
			stuck := sandbox.Fault{Match: sandbox.Match{Method: "POST", Path: c.order}, Do: sandbox.Effect{Provisioning: "stuck"}}

			// Without it, the run succeeds and says in a warning what is left to do.
			warned, cli := acctest.Start(t), (*acctest.CLI)(nil)
			warned.Inject(stuck)
			cli = warned.CLI(t, strings.Replace(config, "LIFECYCLE", "", 1))
			if said := cli.Apply(); !acctest.Says("is not ready yet").MatchString(said.Output()) ||
				!strings.Contains(said.Output(), "Apply complete!") {
				t.Errorf("the run does not say that it is not ready:\n%s", said.Output())
			}

			sb := acctest.Start(t)
			sb.Inject(stuck)
			cli = sb.CLI(t, failing)
			apply := func(code int, says string) {
				t.Helper()
				result := cli.Run("apply", "-auto-approve", "-input=false", "-no-color")
				if result.Code != code || !acctest.Says(says).MatchString(result.Output()) {
					t.Fatalf("the apply exited %d, want %d and %q:\n%s", result.Code, code, says, result.Output())
				}
			}
			apply(1, "and kept: apply again to go on waiting.")
			first, found := cli.Object(c.address)
			if !found || first.Tainted {
				t.Fatalf("the state has it: %t, and tainted: %t", found, first.Tainted)
			}
			if _, made := cli.Object("terraform_data.dependent"); made {
				t.Error("what depends on it was made")
			}
			planned := cli.Run("plan", "-input=false", "-no-color")
			if planned.Code != 0 || !strings.Contains(planned.Stdout, c.address+" will be updated in-place") ||
				strings.Contains(planned.Stdout, "must be replaced") {
				t.Errorf("the next plan exits %d, and does not go on with the same object:\n%s", planned.Code, planned.Output())
			}

			sb.Clear()
			apply(0, "Apply complete!")
			if now, _ := cli.Object(c.address); now.Attributes["id"] != first.Attributes["id"] || now.Tainted {
				t.Errorf("it is another object: %v, and was %v", now.Attributes["id"], first.Attributes["id"])
			}
			if orders := sb.Requests("POST", strings.ReplaceAll(c.order, "*", "[^/]*")); len(orders) != 1 {
				t.Errorf("%d were ordered, want 1", len(orders))
			}
			if settled := cli.Run("plan", "-input=false", "-no-color", "-detailed-exitcode"); settled.Code != 0 {
				t.Errorf("there is something left to do:\n%s", settled.Output())
			}
		})
	}
}

// The modules do so of their own accord, and let their caller choose.
func TestAccNotReadyInTime_modules(t *testing.T) {
	t.Parallel()
	for required, code := range map[string]int{"true": 1, "false": 0} {
		t.Run(required, func(t *testing.T) {
			t.Parallel()
			sb := acctest.Start(t)
			sb.Inject(sandbox.Fault{Match: sandbox.Match{Method: "POST", Path: "/apps/*/addons"}, Do: sandbox.Effect{Provisioning: "stuck"}})
			cli := withModules(t, sb, `
resource "kvs_app" "web" {
  name = "orders-web"
}

module "shared" {
  source              = "./modules/shared-store"
  owner_app_id        = kvs_app.web.id
  deletion_protection = false
  require_ready       = `+required+`
}
`)
			succeed(t, cli, "get")
			result := cli.Run("apply", "-auto-approve", "-input=false", "-no-color")
			if failed := acctest.Says("It is kept: apply again to go on waiting for it.").MatchString(result.Output()); result.Code != code ||
				failed != (code == 1) {
				t.Errorf("the apply exited %d, want %d:\n%s", result.Code, code, result.Output())
			}
			sb.Clear()
			cli.Apply()
			if made := sb.Requests("POST", "/apps/[^/]*/addons"); len(made) != 1 {
				t.Errorf("%d stores were ordered, want 1", len(made))
			}
		})
	}
}
