// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"fmt"
	"net/http"
	"slices"
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

const (
	appAccess   = "kvs_space_app_access.dev"
	plainMember = "member@acme.example" // of each sandbox
	adminMember = "admin@acme.example"
)

// accessOf is a space with the permissions of a member, and further arguments of these.
func accessOf(email string, settings ...string) string {
	return privateSpace() + accessBlock("dev", email, settings...)
}

func accessBlock(label, email string, settings ...string) string {
	return fmt.Sprintf(`
resource "kvs_space_app_access" %q {
  space_id = kvs_private_space.prod.id
  email    = %q
  %s
}
`, label, email, strings.Join(settings, "\n  "))
}

// byHand is a request of somebody else's.
func byHand(t *testing.T, sb *acctest.Sandbox, method, path, body string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, sb.URL()+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Accept", "application/vnd.heroku+json; version=3")
	request.Header.Set("Authorization", "Bearer "+sb.Token())
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("User-Agent", acctest.SomeoneElseAgent)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	if response.StatusCode >= http.StatusBadRequest {
		t.Fatalf("%s %s: %s", method, path, response.Status)
	}
}

// joins makes somebody a member of the team, or gives a member another role.
func joins(t *testing.T, sb *acctest.Sandbox, email, role string) {
	t.Helper()
	byHand(t, sb, "PUT", "/teams/acme/members", fmt.Sprintf(`{"email":%q,"role":%q}`, email, role))
}

func leaves(t *testing.T, sb *acctest.Sandbox, email string) {
	t.Helper()
	byHand(t, sb, "DELETE", "/teams/acme/members/"+email, "")
}

// grants gives a permission by hand, or takes it away.
func grants(t *testing.T, sb *acctest.Sandbox, email string, permissions ...string) {
	t.Helper()
	bodies := []string{}
	for _, name := range permissions {
		bodies = append(bodies, fmt.Sprintf(`{"name":%q}`, name))
	}
	byHand(t, sb, "PATCH", "/spaces/acme-prod/members/"+email, `{"permissions":[`+strings.Join(bodies, ",")+`]}`)
}

// expectMayCreate compares who may create apps in the space without being an admin.
func expectMayCreate(t *testing.T, sb *acctest.Sandbox, want ...string) {
	t.Helper()
	client := sb.Client(t)
	members, err := client.SpaceMembers(t.Context(), mustFindSpace(t, client, "acme-prod").ID)
	if err != nil {
		t.Fatal(err)
	}
	got := []string{}
	for _, m := range members {
		if len(m.Permissions) > 0 && m.Email != adminMember {
			got = append(got, string(m.Email))
		}
	}
	if slices.Sort(want); !slices.Equal(got, want) {
		t.Errorf("%v may create apps, want %v", got, want)
	}
}

func accessPlanned(action plancheck.ResourceActionType) resource.ConfigPlanChecks {
	return resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{plancheck.ExpectResourceAction(appAccess, action)}}
}

func permissionsAre(names ...string) statecheck.StateCheck {
	checks := []knownvalue.Check{}
	for _, name := range names {
		checks = append(checks, knownvalue.StringExact(name))
	}
	return statecheck.ExpectKnownValue(appAccess, tfjsonpath.New("permissions"), knownvalue.SetExact(checks))
}

func TestAccSpaceAppAccess_basic(t *testing.T) {
	t.Parallel()
	sb := acctest.Start(t)
	acctest.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: sb.Factories(),
		Steps: []resource.TestStep{
			{ // the member may create apps afterwards, as the plan shows
				Config: accessOf(plainMember),
				ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
					plancheck.ExpectKnownValue(appAccess, tfjsonpath.New("permissions"),
						knownvalue.SetExact([]knownvalue.Check{knownvalue.StringExact("create_apps")})),
					plancheck.ExpectKnownValue(appAccess, tfjsonpath.New("taken_over"), knownvalue.Null()),
				}},
				ConfigStateChecks: []statecheck.StateCheck{
					permissionsAre("create_apps"),
					statecheck.ExpectKnownValue(appAccess, tfjsonpath.New("space_name"), knownvalue.StringExact("acme-prod")),
				},
				PostApplyFunc: func() { expectMayCreate(t, sb, plainMember) },
			},
			{ // the id imports it,
				ResourceName:      appAccess,
				ImportState:       true,
				ImportStateVerify: true,
			},
			{ // so do the names of space and member, in any case
				ResourceName:            appAccess,
				ImportState:             true,
				ImportStateId:           "acme-prod:Member@ACME.example",
				ImportStateVerify:       true,
				ImportStateVerifyIgnore: []string{"email"},
			},
			{ // another spelling of the address means the same
				Config:           accessOf("MEMBER@acme.example"),
				ConfigPlanChecks: noChange,
			},
			{ // without the resource, the member may no longer
				Config:        privateSpace(),
				PostApplyFunc: func() { expectMayCreate(t, sb) },
			},
		},
	})
}

func TestAccSpaceAppAccess_identity(t *testing.T) {
	t.Parallel()
	sb := acctest.Start(t)
	acctest.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: sb.Factories(),
		TerraformVersionChecks:   []tfversion.TerraformVersionCheck{tfversion.SkipBelow(tfversion.Version1_12_0)},
		Steps: []resource.TestStep{
			{Config: accessOf(plainMember)},
			{ResourceName: appAccess, ImportState: true, ImportStateKind: resource.ImportBlockWithResourceIdentity},
		},
	})
}

func TestAccSpaceAppAccess_update(t *testing.T) {
	t.Parallel()
	sb := acctest.Start(t)
	acctest.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: sb.Factories(),
		Steps: []resource.TestStep{
			{Config: accessOf(plainMember)},
			{ // no permission is a setting of its own, and is made in place
				Config:            accessOf(plainMember, "permissions = []"),
				ConfigPlanChecks:  accessPlanned(plancheck.ResourceActionUpdate),
				ConfigStateChecks: []statecheck.StateCheck{permissionsAre()},
				PostApplyFunc:     func() { expectMayCreate(t, sb) },
			},
			{ // what somebody gives by hand is drift of exactly that, and goes
				PreConfig:        func() { grants(t, sb, plainMember, "create_apps") },
				Config:           accessOf(plainMember, "permissions = []"),
				ConfigPlanChecks: accessPlanned(plancheck.ResourceActionUpdate),
				PostApplyFunc:    func() { expectMayCreate(t, sb) },
			},
			{ // and back
				Config:            accessOf(plainMember, `permissions = ["create_apps"]`),
				ConfigPlanChecks:  accessPlanned(plancheck.ResourceActionUpdate),
				ConfigStateChecks: []statecheck.StateCheck{permissionsAre("create_apps")},
				PostApplyFunc:     func() { expectMayCreate(t, sb, plainMember) },
			},
		},
	})
}

// Nothing replaces: another member, or another space, is planned in place, and the former one loses what the other one gets.
func TestLongSpaceAppAccess_replacement(t *testing.T) {
	t.Parallel()
	other := "dev@acme.example"
	unknown := func(release, email string) string {
		return privateSpace() + fmt.Sprintf(`
resource "terraform_data" "who" {
  input            = { email = %q, space = kvs_private_space.prod.id, may = ["create_apps"] }
  triggers_replace = %q
}

resource "kvs_space_app_access" "dev" {
  space_id    = terraform_data.who.output.space
  email       = terraform_data.who.output.email
  permissions = terraform_data.who.output.may
}
`, email, release)
	}
	sb, cli := workflow(t, accessOf(plainMember))
	joins(t, sb, other, "member")
	cli.Apply()
	cli.Configure(accessOf(other))
	expectSays(t, planOf(cli), "kvs_space_app_access.dev will be updated in-place")
	cli.Apply()
	expectMayCreate(t, sb, other)
	expectSettled(t, cli)
	// who is only unknown comes out the same, and nothing is sent
	cli.Configure(unknown("1", other))
	cli.Apply()
	cli.Configure(unknown("2", other))
	expectSays(t, planOf(cli), "kvs_space_app_access.dev will be updated in-place")
	sb.ResetJournal()
	cli.Apply()
	unwritten(t, sb)
	expectSettled(t, cli)
	// or another one, whom only the apply gets to know
	cli.Configure(unknown("3", plainMember))
	cli.Apply()
	expectMayCreate(t, sb, plainMember)
	expectSettled(t, cli)
	// who has the permission already keeps it to himself
	grants(t, sb, other, "create_apps")
	cli.Configure(accessOf(other))
	expectSays(t, planOf(cli), "The member has the permission already")
	cli.Configure(unknown("4", other))
	if applied := cli.Run("apply", "-auto-approve", "-input=false", "-no-color"); applied.Code == 0 {
		t.Errorf("a permission of somebody else's is taken over:\n%s", applied.Output())
	}
	expectMayCreate(t, sb, plainMember, other)
	// another space
	cli.Configure(accessOf(plainMember))
	cli.Apply()
	second := strings.NewReplacer("acme-prod", "acme-other", `"prod"`, `"other"`).Replace(privateSpace())
	cli.Configure(strings.Replace(accessOf(plainMember), "kvs_private_space.prod.id", "kvs_private_space.other.id", 1) + second)
	cli.Apply()
	expectMayCreate(t, sb, other)
	expectSettled(t, cli)
}

// A successor keeps what it has taken over: a replacement that is made first, another address, other keys.
func TestLongSpaceAppAccess_successors(t *testing.T) {
	t.Parallel()
	sb, cli := workflow(t, accessOf(plainMember, "lifecycle {\n    create_before_destroy = true\n  }"))
	cli.Apply()
	if !acctest.OnOpenTofu() { // which cannot tell a predecessor from somebody else
		if applied := cli.Run("apply", "-replace="+appAccess, "-auto-approve", "-input=false", "-no-color"); applied.Code != 0 {
			t.Errorf("the replacement exits %d:\n%s", applied.Code, applied.Output())
		} else {
			expectSays(t, applied.Output(), "The permission is taken over as it is")
		}
		expectMayCreate(t, sb, plainMember)
		expectSettled(t, cli)
	}
	cli.Configure(privateSpace() + accessBlock("other", plainMember))
	if applied := cli.Run("apply", "-auto-approve", "-input=false", "-no-color"); applied.Code != 0 {
		t.Errorf("another address exits %d:\n%s", applied.Code, applied.Output())
	}
	expectMayCreate(t, sb, plainMember)
	expectSettled(t, cli)
	if applied := cli.Run("apply", "-replace=kvs_space_app_access.other", "-auto-approve", "-input=false", "-no-color"); applied.Code != 0 {
		t.Errorf("a replacement that destroys first exits %d:\n%s", applied.Code, applied.Output())
	}
	expectMayCreate(t, sb, plainMember)
}

func TestAccSpaceAppAccess_gone(t *testing.T) {
	t.Parallel()
	sb, cli := workflow(t, accessOf(plainMember))
	cli.Apply()
	// what somebody has taken away by hand is given again
	grants(t, sb, plainMember)
	expectSays(t, planOf(cli), "kvs_space_app_access.dev will be updated in-place")
	cli.Apply()
	expectMayCreate(t, sb, plainMember)
	// an answer that proves nothing changes nothing
	sb.Inject(sandbox.Fault{Match: sandbox.Match{Method: "GET", Path: "/spaces/*/members/*"},
		Do: sandbox.Effect{Status: 404, Body: new("<html>not here</html>"), ContentType: "text/html"}})
	if plan := cli.Run("plan", "-input=false", "-no-color"); plan.Code != 1 || strings.Contains(plan.Output(), "will be created") {
		t.Errorf("a page instead of an answer: exit %d\n%s", plan.Code, plan.Output())
	}
	sb.Clear()
	// who leaves the team has no permission to come back with
	leaves(t, sb, plainMember)
	expectSays(t, planOf(cli), "The member has left the team", "The member is not in the team yet",
		"kvs_space_app_access.dev will be created")
	expectFailed(t, cli.Run("apply", "-auto-approve", "-input=false", "-no-color"), "The member is not in the team",
		"Only members of the team acme", "heroku members:add member@acme.example --role member --team acme")
	joins(t, sb, plainMember, "member")
	expectMayCreate(t, sb)
	cli.Apply()
	expectMayCreate(t, sb, plainMember)
	// and has nothing left to lose
	leaves(t, sb, plainMember)
	cli.Configure(privateSpace())
	cli.Apply("-refresh=false")
	expectSettled(t, cli)
	// the space takes permissions along
	joins(t, sb, plainMember, "member")
	cli.Configure(accessOf(plainMember))
	cli.Apply()
	byHand(t, sb, "DELETE", "/spaces/acme-prod", "")
	expectSays(t, planOf(cli), "The permissions are gone with their space", "kvs_space_app_access.dev will be created")
	cli.Apply()
	expectMayCreate(t, sb, plainMember)
}

// An admin may always create apps: there is nothing to give, and nothing to take away.
func TestAccSpaceAppAccess_admin(t *testing.T) {
	t.Parallel()
	sb, cli := workflow(t, privateSpace())
	cli.Apply()
	cli.Configure(accessOf(adminMember))
	expectSays(t, planOf(cli), "An admin of the team may always create apps", "there is nothing to give here")
	// who becomes one later on stays as he is,
	cli.Configure(accessOf(plainMember))
	cli.Apply()
	joins(t, sb, plainMember, "admin")
	expectSettled(t, cli)
	// cannot lose the permission,
	cli.Configure(accessOf(plainMember, "permissions = []"))
	expectSays(t, planOf(cli), "An admin of the team may always create apps", "Remove the resource")
	// and is let go of with a warning
	cli.Configure(privateSpace())
	applied := cli.Run("apply", "-auto-approve", "-input=false", "-no-color")
	if applied.Code != 0 {
		t.Errorf("exit %d:\n%s", applied.Code, applied.Output())
	}
	expectSays(t, applied.Output(), "The member may still create apps")
	expectSettled(t, cli)
}

func TestAccSpaceAppAccess_refusal(t *testing.T) {
	t.Parallel()
	sb, cli := workflow(t, privateSpace())
	cli.Apply()
	// what exists is not created
	grants(t, sb, plainMember, "create_apps")
	cli.Configure(accessOf(plainMember))
	expectSays(t, planOf(cli), "The member has the permission already", "to = kvs_space_app_access.example", ":member@acme.example")
	cli.Configure(accessOf(plainMember, "permissions = []"))
	expectSays(t, planOf(cli), "The member has the permission already")
	// nor when it comes to exist after the plan was made
	grants(t, sb, plainMember)
	cli.Configure(accessOf(plainMember))
	if planned := cli.Run("plan", "-out=saved", "-input=false", "-no-color"); planned.Code != 0 {
		t.Fatal(planned.Output())
	}
	grants(t, sb, plainMember, "create_apps")
	if applied := cli.Run("apply", "-input=false", "-no-color", "saved"); applied.Code == 0 {
		t.Errorf("a permission of somebody else's is taken over:\n%s", applied.Output())
	}
	expectMayCreate(t, sb, plainMember)
	// two owners of one
	grants(t, sb, plainMember)
	cli.Configure(accessOf(plainMember) + accessBlock("other", "Member@acme.example"))
	expectSays(t, planOf(cli), "Two resources own the permissions of one member")
}

func TestAccSpaceAppAccess_invalid(t *testing.T) {
	t.Parallel()
	refusals := map[string]acctest.Refusal{}
	for name, c := range map[string]struct {
		email    string
		settings []string
		says     string
	}{
		"no address":           {"dev", nil, `"dev" is not an e-mail address`},
		"an empty address":     {"", nil, `"" is not an e-mail address`},
		"with a name":          {"Dev <dev@acme.example>", nil, "without a name and without spaces"},
		"another permission":   {plainMember, []string{`permissions = ["deploy"]`}, `value must be one of: ["create_apps"]`},
		"a permission is null": {plainMember, []string{`permissions = [null]`}, "null"},
	} {
		refusals[name] = acctest.Refusal{Config: accessOf(c.email, c.settings...), Says: []string{c.says}}
	}
	acctest.Start(t).Refused(t, refusals)
}

// Many of one space are read together.
func TestLongSpaceAppAccess_many(t *testing.T) {
	t.Parallel()
	config := privateSpace()
	sb, cli := workflow(t, config)
	for i := range 12 {
		email := fmt.Sprintf("dev-%d@acme.example", i)
		joins(t, sb, email, "member")
		config += accessBlock(fmt.Sprintf("dev_%d", i), email)
	}
	cli.Configure(config)
	cli.Apply()
	sb.ResetJournal()
	expectSettled(t, cli)
	if n := len(sb.Requests("GET", "/spaces/[^/]+/members.*")); n == 0 || n > 4 {
		t.Errorf("12 members of one space were read with %d requests", n)
	}
}
