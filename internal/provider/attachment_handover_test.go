// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/acctest"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/sandbox"
)

// bluePrimary makes the blue store the web app's primary through its first and only attachment.
func bluePrimary(config string) string {
	return strings.Replace(config, `attachment_name     = "BLUE"`, "", 1)
}

// greenLater lets the blue store be first, and with it the primary.
func greenLater(config string) string {
	return strings.Replace(config, `attachment_name     = "GREEN"`,
		"attachment_name     = \"GREEN\"\n  depends_on          = [kvs_instance.blue]", 1)
}

func TestLongAttachment_promotion(t *testing.T) {
	t.Parallel()
	sb := acctest.Start(t)
	arrange := func(config string) string { return greenLater(bluePrimary(config)) }
	acctest.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: sb.Factories(),
		CheckDestroy:             sb.NothingLeft(),
		Steps: []resource.TestStep{
			{ // blue is the primary, and has no other attachment
				Config: arrange(twoAppsTwoStores),
				PostApplyFunc: func() {
					expectAttachments(t, sb, "orders-web", "REDIS of orders-blue", "GREEN of orders-green")
					sb.ResetJournal()
				},
			},
			{ // green becomes the primary; blue gets another name first, since its last attachment cannot be taken away
				Config:           arrange(attached("green", "web", "REDIS")),
				ConfigPlanChecks: actionOn(attachment, plancheck.ResourceActionCreate),
				PostApplyFunc: func() {
					expectAttachments(t, sb, "orders-web", "HEROKU_REDIS_<COLOR> of orders-blue",
						"GREEN of orders-green", "REDIS of orders-green")
					if made := sb.Requests("POST", "/addon-attachments"); len(made) != 2 {
						t.Errorf("%d attachments were made, want one for blue and one for green", len(made))
					}
				},
			},
			{ // back again: both have names of their own by now, so only the primary changes
				PreConfig:        func() { sb.ResetJournal() },
				Config:           arrange(attached("blue", "web", "REDIS")),
				ConfigPlanChecks: actionOn(attachment, plancheck.ResourceActionUpdate),
				PostApplyFunc: func() {
					expectAttachments(t, sb, "orders-web", "HEROKU_REDIS_<COLOR> of orders-blue",
						"GREEN of orders-green", "REDIS of orders-blue")
					if made := sb.Requests("POST", "/addon-attachments"); len(made) != 1 {
						t.Errorf("%d attachments were made, want 1", len(made))
					}
				},
			},
		},
	})
}

func TestLongAttachment_nameInUse(t *testing.T) {
	t.Parallel()
	sb := acctest.Start(t)
	someone := sb.Client(t)
	acctest.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: sb.Factories(),
		CheckDestroy:             sb.NothingLeft(),
		Steps: []resource.TestStep{
			{
				Config: twoAppsTwoStores,
				PostApplyFunc: func() {
					blue := mustFind(t, someone, "orders-blue")
					_, err := someone.CreateAttachment(t.Context(), heroku.AttachmentCreate{AddOn: blue.ID, App: blue.AppID, Name: "TAKEN"})
					if err != nil {
						t.Fatal(err)
					}
				},
			},
			{ // a name that another store has is refused while it is only a plan, with its holder
				Config:      attached("green", "web", "TAKEN"),
				PlanOnly:    true,
				ExpectError: acctest.Says("On app orders-web the name TAKEN belongs to the add-on orders-blue"),
			},
			{ // and with the block that imports the holder
				Config:      attached("green", "web", "TAKEN"),
				PlanOnly:    true,
				ExpectError: acctest.Says("import { to = kvs_attachment.example # the address of this resource id ="),
			},
			{ // so it is when nobody else wants it, and the store is the same
				Config:      attached("blue", "web", "TAKEN"),
				PlanOnly:    true,
				ExpectError: acctest.Says("The store orders-blue"),
			},
			{ // nothing was taken away from anybody
				Config: attached("green", "worker", "SAME"),
				PostApplyFunc: func() {
					expectAttachments(t, sb, "orders-web", "BLUE of orders-blue", "TAKEN of orders-blue", "GREEN of orders-green")
					expectAttachments(t, sb, "orders-worker", "SAME of orders-green")
				},
			},
		},
	})
}

func TestAccAttachment_refusal(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ arguments, says string }{
		"a store's name in place of its UUID": {"instance_id = \"orders-blue\"\napp_id = " +
			"\"7c4e2a90-3b5d-4f8e-a1c6-d2e3f4a5b6c7\"", "give a UUID in lower case"},
		"an app's name in place of its UUID": {"instance_id = \"7c4e2a90-3b5d-4f8e-a1c6-d2e3f4a5b6c7\"\napp_id = " +
			"\"orders-web\"", "give a UUID in lower case"},
		"a name in lower case": {"instance_id = \"7c4e2a90-3b5d-4f8e-a1c6-d2e3f4a5b6c7\"\napp_id = " +
			"\"7c4e2a90-3b5d-4f8e-a1c6-d2e3f4a5b6c7\"\nname = \"cache\"", "cache"},
	}
	sb := acctest.Start(t)
	refusals := map[string]acctest.Refusal{}
	for name, test := range tests {
		refusals[name] = acctest.Refusal{Config: "resource \"kvs_attachment\" \"shared\" {\n" + test.arguments + "\n}\n", Says: []string{test.says}}
	}
	sb.Refused(t, refusals)
}

func TestLongAttachment_storeThatIsNotReady(t *testing.T) {
	t.Parallel()
	sb := acctest.Start(t)
	someone := sb.Client(t)
	web := mustCreateApp(t, someone, "orders-web")
	sb.Inject(sandbox.Fault{Match: sandbox.Match{Method: "POST", Path: "/apps/*/addons"}, Do: sandbox.Effect{Provisioning: "stuck"}})
	addOn, err := someone.CreateAddOn(t.Context(), web.ID, heroku.AddOnCreate{Plan: "heroku-redis:mini", Name: "orders-slow"})
	if err != nil {
		t.Fatal(err)
	}
	config := `
resource "kvs_attachment" "shared" {
  instance_id = "` + string(addOn.ID) + `"
  app_id      = "` + string(web.ID) + `"
  name        = "SHARED"
}
`
	acctest.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: sb.Factories(),
		Steps: []resource.TestStep{
			{ // a store that is still being provisioned is refused by its name, and nothing is sent
				Config:      config,
				ExpectError: acctest.Says("The store orders-slow (" + string(addOn.ID) + ") on app orders-web is provisioning"),
			},
			{ // when it is ready, the same configuration attaches it
				PreConfig: func() {
					sb.Clear()
					if _, err := someone.WaitAddOnProvisioned(t.Context(), addOn.ID, aWhile); err != nil {
						t.Fatal(err)
					}
				},
				Config:            config,
				ConfigStateChecks: []statecheck.StateCheck{attachmentHas("name", knownvalue.StringExact("SHARED"))},
			},
		},
	})
	if made := sb.Requests("POST", "/addon-attachments"); len(made) != 1 {
		t.Errorf("%d requests attached the store, want 1", len(made))
	}
}

func TestAccAttachment_configVarSetByHand(t *testing.T) {
	t.Parallel()
	sb := acctest.Start(t)
	someone := sb.Client(t)
	acctest.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: sb.Factories(),
		CheckDestroy:             sb.NothingLeft(),
		Steps: []resource.TestStep{
			{Config: twoAppsTwoStores},
			{ // a variable that somebody set by hand is not overwritten, and its value is not shown
				PreConfig: func() {
					setConfigVar(t, sb, mustFindApp(t, someone, "orders-worker").Name, "REDIS_URL", "redis://by-hand")
				},
				Config:      attached("blue", "worker", "REDIS"),
				ExpectError: acctest.Says("has the config var REDIS_URL already, which no attachment has set"),
			},
			{ // it is still there
				Config: twoAppsTwoStores,
				PostApplyFunc: func() {
					names, err := someone.ConfigVarNames(t.Context(), mustFindApp(t, someone, "orders-worker").ID)
					if err != nil || len(names) != 1 || names[0] != "REDIS_URL" {
						t.Errorf("config vars %v, error %v; want REDIS_URL", names, err)
					}
				},
			},
		},
	})
}

func TestLongAttachment_lostAnswer(t *testing.T) {
	t.Parallel()
	sb := acctest.Start(t)
	acctest.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: sb.Factories(),
		CheckDestroy:             sb.NothingLeft(),
		Steps: []resource.TestStep{
			{Config: attached("blue", "worker", "SHARED")},
			{ // the re-point happened and its answer was lost: it is found by its name
				PreConfig: func() {
					sb.ResetJournal()
					sb.Inject(sandbox.Fault{Match: sandbox.Match{Method: "POST", Path: "/addon-attachments", Nth: 1},
						Do: sandbox.Effect{Commit: true, Reset: true}})
				},
				Config: attached("green", "worker", "SHARED"),
				PostApplyFunc: func() {
					expectAttachments(t, sb, "orders-worker", "SHARED of orders-green")
					if made := sb.Requests("POST", "/addon-attachments"); len(made) != 1 {
						t.Errorf("%d requests attached the store, want 1", len(made))
					}
				},
			},
			{ // the rename got half-way, and the apply failed
				PreConfig: func() {
					sb.ResetJournal()
					sb.Inject(sandbox.Fault{Match: sandbox.Match{Method: "DELETE", Path: "/addon-attachments/*"},
						Do: sandbox.Effect{Status: 403}})
				},
				Config:      attached("green", "worker", "COMMON"),
				ExpectError: acctest.Says("Unable to detach"),
			},
			{ // the next apply does the other half only
				PreConfig:        func() { sb.Clear() },
				Config:           attached("green", "worker", "COMMON"),
				ConfigPlanChecks: actionOn(attachment, plancheck.ResourceActionUpdate),
				PostApplyFunc: func() {
					expectAttachments(t, sb, "orders-worker", "COMMON of orders-green")
					if made := sb.Requests("POST", "/addon-attachments"); len(made) != 1 {
						t.Errorf("%d requests attached the store, want 1", len(made))
					}
				},
			},
		},
	})
}
