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
	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/sandbox"
)

const formation = "kvs_formation.web"

const formationApp = `
resource "kvs_app" "web" {
  name = "orders-web"
}
`

func formationBlock(label, process string, settings ...string) string {
	return fmt.Sprintf(`
resource "kvs_formation" %q {
  app_id = kvs_app.web.id
  type   = %q
  %s
}
`, label, process, strings.Join(settings, "\n  "))
}

// formationOf is an app with the dynos of its web process.
func formationOf(settings ...string) string {
	return formationApp + formationBlock("web", "web", settings...)
}

// expectDynos compares a process type with what it should be, such as "2 Standard-1X".
func expectDynos(t *testing.T, client *heroku.Client, process, want string) {
	t.Helper()
	app, err := client.FindApp(t.Context(), "orders-web")
	if err != nil {
		t.Fatal(err)
	}
	p, err := client.ProcessNow(t.Context(), app.ID, heroku.ProcessType(process))
	if got := fmt.Sprintf("%d %s", p.Quantity, p.Size); err != nil || got != want {
		t.Errorf("%s has %s, %v, want %s", process, got, err, want)
	}
}

// scales sets the dynos of a process type by hand.
func scales(t *testing.T, sb *acctest.Sandbox, process, body string) {
	t.Helper()
	byHand(t, sb, "PATCH", "/apps/orders-web/formation/"+process, body)
}

func formationHas(quantity int64, size string) []statecheck.StateCheck {
	return []statecheck.StateCheck{
		statecheck.ExpectKnownValue(formation, tfjsonpath.New("quantity"), knownvalue.Int64Exact(quantity)),
		statecheck.ExpectKnownValue(formation, tfjsonpath.New("size"), knownvalue.StringExact(size)),
	}
}

func formationPlanned(action plancheck.ResourceActionType) resource.ConfigPlanChecks {
	return resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{plancheck.ExpectResourceAction(formation, action)}}
}

func TestAccFormation_basic(t *testing.T) {
	t.Parallel()
	sb := acctest.Start(t)
	someone := sb.Client(t)
	acctest.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: sb.Factories(),
		Steps: []resource.TestStep{
			{ // what is set is sent in one request, and the size that is not stays
				Config: formationOf("quantity = 3"),
				ConfigStateChecks: append(formationHas(3, "Standard-1X"),
					statecheck.ExpectKnownValue(formation, tfjsonpath.New("app_name"), knownvalue.StringExact("orders-web"))),
				PostApplyFunc: func() {
					expectDynos(t, someone, "web", "3 Standard-1X")
					if n := len(sb.Requests("PATCH", ".*")); n != 1 {
						t.Errorf("%d requests were sent, want one", n)
					}
				},
			},
			{ // the id imports it,
				ResourceName:      formation,
				ImportState:       true,
				ImportStateVerify: true,
			},
			{ // so does the name of the app
				ResourceName:      formation,
				ImportState:       true,
				ImportStateId:     "orders-web:web",
				ImportStateVerify: true,
			},
			{ // without the resource, the dynos stay
				Config:        formationApp,
				PostApplyFunc: func() { expectDynos(t, someone, "web", "3 Standard-1X") },
			},
		},
	})
}

func TestAccFormation_identity(t *testing.T) {
	t.Parallel()
	sb := acctest.Start(t)
	acctest.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: sb.Factories(),
		TerraformVersionChecks:   []tfversion.TerraformVersionCheck{tfversion.SkipBelow(tfversion.Version1_12_0)},
		Steps: []resource.TestStep{
			{Config: formationOf("quantity = 2")},
			{ResourceName: formation, ImportState: true, ImportStateKind: resource.ImportBlockWithResourceIdentity},
		},
	})
}

func TestAccFormation_update(t *testing.T) {
	t.Parallel()
	sb := acctest.Start(t)
	someone := sb.Client(t)
	acctest.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: sb.Factories(),
		Steps: []resource.TestStep{
			{Config: formationOf("quantity = 2", `size = "standard-1x"`), ConfigStateChecks: formationHas(2, "standard-1x")},
			{ // another spelling means the same
				Config:           formationOf("quantity = 2", `size = "STANDARD-1X"`),
				ConfigPlanChecks: noChange,
			},
			{ // quantity and size change in place
				Config:            formationOf("quantity = 1", `size = "Standard-2X"`),
				ConfigPlanChecks:  formationPlanned(plancheck.ResourceActionUpdate),
				ConfigStateChecks: formationHas(1, "Standard-2X"),
				PostApplyFunc:     func() { expectDynos(t, someone, "web", "1 Standard-2X") },
			},
			{ // none at all is a quantity
				Config:            formationOf("quantity = 0"),
				ConfigPlanChecks:  formationPlanned(plancheck.ResourceActionUpdate),
				ConfigStateChecks: formationHas(0, "Standard-2X"),
				PostApplyFunc:     func() { expectDynos(t, someone, "web", "0 Standard-2X") },
			},
			{ // what somebody scales by hand is drift of exactly that, and goes
				PreConfig:        func() { scales(t, sb, "web", `{"quantity":5}`) },
				Config:           formationOf("quantity = 0"),
				ConfigPlanChecks: formationPlanned(plancheck.ResourceActionUpdate),
				PostApplyFunc:    func() { expectDynos(t, someone, "web", "0 Standard-2X") },
			},
			{ // what the configuration leaves out is somebody else's, such as an autoscaler's
				PreConfig:         func() { scales(t, sb, "web", `{"quantity":5}`) },
				Config:            formationOf(`size = "Standard-2X"`),
				ConfigPlanChecks:  noChange,
				ConfigStateChecks: formationHas(5, "Standard-2X"),
			},
		},
	})
}

// What replaces, and what must not.
func TestAccFormation_replacement(t *testing.T) {
	t.Parallel()
	unknown := func(release, process string) string {
		return formationApp + fmt.Sprintf(`
resource "terraform_data" "what" {
  input            = { app = kvs_app.web.id, type = %q, quantity = 2, size = "Standard-1X" }
  triggers_replace = %q
}

resource "kvs_formation" "web" {
  app_id   = terraform_data.what.output.app
  type     = terraform_data.what.output.type
  quantity = terraform_data.what.output.quantity
  size     = terraform_data.what.output.size
}
`, process, release)
	}
	sb, cli := workflow(t, formationOf("quantity = 2"))
	cli.Apply()
	// another process type is another resource, and the first one keeps its dynos
	cli.Configure(formationApp + formationBlock("web", "worker", "quantity = 4"))
	expectSays(t, planOf(cli), "kvs_formation.web must be replaced")
	expectSays(t, cli.Run("apply", "-auto-approve", "-input=false", "-no-color").Output(), "The dynos stay as they are",
		"It keeps 2 dynos of the size Standard-1X")
	someone := sb.Client(t)
	expectDynos(t, someone, "web", "2 Standard-1X")
	expectDynos(t, someone, "worker", "4 Standard-1X")
	expectSettled(t, cli)
	// what is only unknown is planned in place, comes out the same, and nothing is sent
	cli.Configure(unknown("1", "worker"))
	cli.Apply()
	cli.Configure(unknown("2", "worker"))
	expectSays(t, planOf(cli), "kvs_formation.web will be updated in-place")
	sb.ResetJournal()
	cli.Apply()
	unwritten(t, sb)
	expectSettled(t, cli)
	// another process type, which only the apply gets to know, is refused
	cli.Configure(unknown("3", "web"))
	refusal := []string{"The change needs another object", "Nothing has been changed"}
	if acctest.OnOpenTofu() {
		refusal = []string{"Provider produced inconsistent final plan"}
	}
	expectFailed(t, cli.Run("apply", "-auto-approve", "-input=false", "-no-color"), refusal...)
	expectDynos(t, someone, "worker", "2 Standard-1X")
	// an app that is replaced takes its process types along
	cli.Configure(strings.Replace(formationOf("quantity = 2"), `"orders-web"`, "\"orders-web\"\n  region = \"eu\"", 1))
	cli.Apply()
	expectDynos(t, someone, "web", "2 Standard-1X")
	expectSettled(t, cli)
}

func TestAccFormation_gone(t *testing.T) {
	t.Parallel()
	sb, cli := workflow(t, formationOf("quantity = 2"))
	cli.Apply()
	// a process type goes with a release,
	if err := sb.Deploy("orders-web", "worker"); err != nil {
		t.Fatal(err)
	}
	expectSays(t, planOf(cli), "The app has no such process type any more", "kvs_formation.web will be created")
	expectFailed(t, cli.Run("apply", "-auto-approve", "-input=false", "-no-color"), "The app has no such process type",
		"The present release has the process types worker")
	// and comes with one
	if err := sb.Deploy("orders-web", "web", "worker"); err != nil {
		t.Fatal(err)
	}
	cli.Apply()
	expectDynos(t, sb.Client(t), "web", "2 Standard-1X")
	// the app takes it along
	byHand(t, sb, "DELETE", "/apps/orders-web", "")
	expectSays(t, planOf(cli), "The process type is gone with its app", "kvs_formation.web will be created")
	cli.Apply()
	expectSettled(t, cli)
	// an answer that proves nothing changes nothing
	sb.Inject(sandbox.Fault{Match: sandbox.Match{Method: "GET", Path: "/apps/*/formation/*"},
		Do: sandbox.Effect{Status: 404, Body: new("<html>not here</html>"), ContentType: "text/html"}})
	if plan := cli.Run("plan", "-input=false", "-no-color"); plan.Code != 1 || strings.Contains(plan.Output(), "will be created") {
		t.Errorf("a page instead of an answer: exit %d\n%s", plan.Code, plan.Output())
	}
}

// An app has process types only once it has been released.
func TestAccFormation_unreleased(t *testing.T) {
	t.Parallel()
	sb := acctest.Start(t, func(o *sandbox.Options) { o.Undeployed, o.Clock, o.Engine = true, nil, "miniredis" })
	cli := sb.CLI(t, formationOf("quantity = 2"))
	expectFailed(t, cli.Run("apply", "-auto-approve", "-input=false", "-no-color"), "The app has no release with process types yet",
		"add the resource that releases it to depends_on of this resource")
	if err := sb.Deploy("orders-web", "web"); err != nil {
		t.Fatal(err)
	}
	cli.Apply()
	expectDynos(t, sb.Client(t), "web", "2 Standard-1X")
}

// Sizes and limits depend on where the app is.
func TestAccFormation_spaces(t *testing.T) {
	t.Parallel()
	in := func(shield string, settings ...string) string {
		return privateSpace(shield) + strings.Replace(formationApp, "}", "  space_id = kvs_private_space.prod.id\n}", 1) +
			formationBlock("web", "web", settings...)
	}
	sb, cli := workflow(t, in("shield = true", "quantity = 2", `size = "Shield-M"`))
	cli.Apply()
	expectDynos(t, sb.Client(t), "web", "2 Private-M")
	expectSettled(t, cli)
	cli.Configure(in("shield = true", "quantity = 2", `size = "private-m"`))
	expectSettled(t, cli)
	cli.Configure(in("shield = true", "quantity = 2", `size = "Standard-1X"`))
	expectSays(t, planOf(cli), "The dyno size does not run where the app is", "do not run in a Shield Space",
		"one of the sizes that begin with Shield-")
	// a size that the provider does not know, and more than a space has by default, are Heroku's to allow
	cli.Configure(in("shield = true", "quantity = 2", `size = "huge"`))
	expectSays(t, planOf(cli), "The dyno size is not known", "Unless Heroku has added this size, the apply is refused.")
	cli.Configure(in("shield = true", "quantity = 11", `size = "Shield-M"`))
	expectSays(t, planOf(cli), "More dynos than a space has by default")
	expectFailed(t, cli.Run("apply", "-auto-approve", "-input=false", "-no-color"), "cannot_update_above_limit",
		"Heroku Support raises them on request")
	expectDynos(t, sb.Client(t), "web", "2 Private-M")
}

func TestAccFormation_refusal(t *testing.T) {
	t.Parallel()
	refusals := map[string]acctest.Refusal{}
	for name, c := range map[string]struct{ process, setting, says string }{
		"neither quantity nor size": {"web", "", "At least one attribute"},
		"less than none":            {"web", "quantity = -1", "-1 is not a number of dynos"},
		"half a dyno":               {"web", "quantity = 1.5", "a quantity of 1.5 dynos is not a whole number"},
		"far too many":              {"web", "quantity = 1e30", "more than 64 bits can hold"},
		"an empty size":             {"web", `size = ""`, "an empty text is not a dyno size"},
		"a size with spaces":        {"web", `size = " Eco"`, `write "Eco"`},
		"an empty process type":     {"", "quantity = 1", "is not the name of a process type"},
	} {
		refusals[name] = acctest.Refusal{Config: formationApp + formationBlock("web", c.process, c.setting), Says: []string{c.says}}
	}
	sb := acctest.Start(t)
	sb.Refused(t, refusals)
	cli := sb.CLI(t, formationOf("quantity = 2")+formationBlock("other", "web", "quantity = 2"))
	cli.Configure(formationApp)
	cli.Apply()
	cli.Configure(formationOf("quantity = 2") + formationBlock("other", "web", "quantity = 2"))
	expectSays(t, planOf(cli), "Two resources own the dynos of one process type")
	// a saved plan that does not start from what is there
	cli.Configure(formationOf("quantity = 2"))
	cli.Apply()
	cli.Configure(formationOf("quantity = 3"))
	if planned := cli.Run("plan", "-out=saved", "-input=false", "-no-color"); planned.Code != 0 {
		t.Fatal(planned.Output())
	}
	scales(t, sb, "web", `{"quantity":7}`)
	expectFailed(t, cli.Run("apply", "-input=false", "-no-color", "saved"), "The object has changed since the plan was made",
		"quantity is 7 now, and was 2")
	expectDynos(t, sb.Client(t), "web", "7 Standard-1X")
}

// Sizes of an app are of one family, so that Heroku refuses to change one process type after the other.
func TestAccFormation_family(t *testing.T) {
	t.Parallel()
	both := func(size string) string {
		return formationApp + formationBlock("web", "web", "quantity = 2", fmt.Sprintf("size = %q", size)) +
			formationBlock("worker", "worker", fmt.Sprintf("size = %q", size))
	}
	sb, cli := workflow(t, both("Basic"))
	someone := sb.Client(t)
	expect := func(size string) {
		t.Helper()
		expectDynos(t, someone, "web", "2 "+size)
		expectDynos(t, someone, "worker", "1 "+size)
		expectSettled(t, cli)
	}
	cli.Apply()
	expect("Basic")
	cli.Configure(both("Standard-2X"))
	cli.Apply()
	expect("Standard-2X")
	// one at a time, the second one brings the first along
	cli.Configure(both("Eco"))
	cli.Run("apply", "-auto-approve", "-input=false", "-no-color", "-parallelism=1")
	expect("Eco")
	// alone, it is Heroku's to refuse
	cli.Configure(formationApp + formationBlock("web", "web", "quantity = 2", `size = "Standard-1X"`))
	expectFailed(t, cli.Run("apply", "-auto-approve", "-input=false", "-no-color"), "Unable to scale the process type",
		"Cannot use the following dyno types in the same app")
}
