// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/compare"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"
	"github.com/hashicorp/terraform-plugin-testing/tfversion"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/acctest"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
)

const attachment = "kvs_attachment.shared"

// twoAppsTwoStores are the web app with two stores, blue (its primary) and green, and the worker without any.
const twoAppsTwoStores = `
resource "kvs_app" "web" {
  name = "orders-web"
}

resource "kvs_app" "worker" {
  name = "orders-worker"
}

resource "kvs_instance" "blue" {
  app_id              = kvs_app.web.id
  plan                = "mini"
  name                = "orders-blue"
  attachment_name     = "BLUE"
  deletion_protection = false
}

resource "kvs_instance" "green" {
  app_id              = kvs_app.web.id
  plan                = "mini"
  name                = "orders-green"
  attachment_name     = "GREEN"
  deletion_protection = false
}
`

// attached is the attachment of one of the stores to one of the apps.
func attached(storeLabel, appLabel, name string) string {
	return twoAppsTwoStores + fmt.Sprintf(`
resource "kvs_attachment" "shared" {
  instance_id = kvs_instance.%s.id
  app_id      = kvs_app.%s.id
  name        = %q
}
`, storeLabel, appLabel, name)
}

func attachmentHas(attribute string, value knownvalue.Check) statecheck.StateCheck {
	return statecheck.ExpectKnownValue(attachment, tfjsonpath.New(attribute), value)
}

// expectAttachments compares all attachments of an app, as "NAME of store", with what Heroku says.
func expectAttachments(t *testing.T, sb *acctest.Sandbox, appName string, want ...string) {
	t.Helper()
	client := sb.Client(t)
	found, err := client.AppAttachments(t.Context(), mustFindApp(t, client, appName).ID)
	if err != nil {
		t.Errorf("listing the attachments of %s: %v", appName, err)
		return
	}
	var got []string
	for _, a := range found {
		name := a.Name
		if strings.HasPrefix(name, "HEROKU_REDIS_") {
			name = "HEROKU_REDIS_<COLOR>"
		}
		got = append(got, name+" of "+a.AddOnName)
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("%s has the attachments %v, want %v", appName, got, want)
	}
}

func TestAccAttachment_basic(t *testing.T) {
	t.Parallel()
	sb := acctest.Start(t)
	acctest.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: sb.Factories(),
		CheckDestroy:             sb.NothingLeft(),
		Steps: []resource.TestStep{
			{ // a config var is not the name of its attachment
				Config:      attached("blue", "worker", "REDIS_URL"),
				ExpectError: acctest.Says(`would give the config var REDIS_URL_URL: write for example "REDIS", which gives the config var REDIS_URL`),
			},
			{ // without a name Heroku chooses: an app's first store is its primary
				Config: twoAppsTwoStores + `
resource "kvs_attachment" "shared" {
  instance_id = kvs_instance.blue.id
  app_id      = kvs_app.worker.id
}
`,
				ConfigStateChecks: []statecheck.StateCheck{
					attachmentHas("id", knownvalue.NotNull()),
					attachmentHas("name", knownvalue.StringExact("REDIS")),
					attachmentHas("config_vars", knownvalue.SetExact([]knownvalue.Check{knownvalue.StringExact("REDIS_URL")})),
				},
				PostApplyFunc: func() { expectAttachments(t, sb, "orders-worker", "REDIS of orders-blue") },
			},
			{ // the UUID imports it
				ResourceName:      attachment,
				ImportState:       true,
				ImportStateVerify: true,
			},
			{ // so does the app with the name
				ResourceName:      attachment,
				ImportState:       true,
				ImportStateId:     "orders-worker::REDIS",
				ImportStateVerify: true,
			},
			{ // what is neither says what would be
				ResourceName:  attachment,
				ImportState:   true,
				ImportStateId: "orders-worker/REDIS",
				ExpectError:   acctest.Says("give the UUID of an attachment, or its app and its name as <app>::<NAME>, for example orders-api::REDIS"),
			},
			{ // an attachment that does not exist is Heroku's to deny
				ResourceName:  attachment,
				ImportState:   true,
				ImportStateId: "orders-worker::NOWHERE",
				ExpectError:   acctest.Says("`heroku addons --app NAME` lists the attachments of an app"),
			},
			{ // nor is it when it is imported
				ResourceName:  attachment,
				ImportState:   true,
				ImportStateId: "orders-worker::REDIS_URL",
				ExpectError:   acctest.Says("REDIS_URL is the config var of an attachment, which has the name REDIS: orders-worker::REDIS."),
			},
		},
	})
}

func TestAccAttachment_importByIdentity(t *testing.T) {
	t.Parallel()
	sb := acctest.Start(t)
	acctest.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: sb.Factories(),
		TerraformVersionChecks:   []tfversion.TerraformVersionCheck{tfversion.SkipBelow(tfversion.Version1_12_0)},
		Steps: []resource.TestStep{
			{Config: attached("blue", "worker", "SHARED")},
			{ // a re-point changes the identity, and the CLI accepts that
				Config:            attached("green", "worker", "SHARED"),
				ConfigStateChecks: []statecheck.StateCheck{statecheck.ExpectIdentityValueMatchesState(attachment, tfjsonpath.New("id"))},
			},
			{ // the identity in the state is enough to import the attachment again
				ResourceName:    attachment,
				ImportState:     true,
				ImportStateKind: resource.ImportBlockWithResourceIdentity,
			},
		},
	})
}

func TestAccAttachment_repoint(t *testing.T) {
	t.Parallel()
	sb := acctest.Start(t)
	newID := statecheck.CompareValue(compare.ValuesDiffer())
	acctest.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: sb.Factories(),
		CheckDestroy:             sb.NothingLeft(),
		Steps: []resource.TestStep{
			{
				Config:            attached("blue", "worker", "SHARED"),
				ConfigStateChecks: []statecheck.StateCheck{newID.AddStateValue(attachment, tfjsonpath.New("id"))},
				PostApplyFunc:     func() { sb.ResetJournal() },
			},
			{ // another store is an update: one request replaces the attachment, so that the worker is never without its URL
				Config: attached("green", "worker", "SHARED"),
				ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
					plancheck.ExpectResourceAction(attachment, plancheck.ResourceActionUpdate),
					plancheck.ExpectUnknownValue(attachment, tfjsonpath.New("id")),
					plancheck.ExpectKnownValue(attachment, tfjsonpath.New("name"), knownvalue.StringExact("SHARED")),
				}},
				ConfigStateChecks: []statecheck.StateCheck{newID.AddStateValue(attachment, tfjsonpath.New("id"))},
				PostApplyFunc: func() {
					expectAttachments(t, sb, "orders-worker", "SHARED of orders-green")
					made, dropped := sb.Requests("POST", "/addon-attachments"), sb.Requests("DELETE", "/addon-attachments/.*")
					if len(made) != 1 || len(dropped) != 0 {
						t.Errorf("want one request that replaces the attachment, got %v and %v", made, dropped)
					}
				},
			},
			{ // another name is attached before the old one is dropped
				Config:            attached("green", "worker", "COMMON"),
				ConfigPlanChecks:  actionOn(attachment, plancheck.ResourceActionUpdate),
				ConfigStateChecks: []statecheck.StateCheck{newID.AddStateValue(attachment, tfjsonpath.New("id"))},
				PostApplyFunc: func() {
					expectAttachments(t, sb, "orders-worker", "COMMON of orders-green")
					made, dropped := sb.Requests("POST", "/addon-attachments"), sb.Requests("DELETE", "/addon-attachments/.*")
					if len(made) != 2 || len(dropped) != 1 || dropped[0].Seq < made[1].Seq {
						t.Errorf("want the new name made before the old one is dropped, got %v and %v", made, dropped)
					}
				},
			},
			{ // both at once is the same
				Config:           attached("blue", "worker", "SHARED"),
				ConfigPlanChecks: actionOn(attachment, plancheck.ResourceActionUpdate),
				PostApplyFunc:    func() { expectAttachments(t, sb, "orders-worker", "SHARED of orders-blue") },
			},
			{ // a name that is no longer written down stays as it is
				Config: twoAppsTwoStores + `
resource "kvs_attachment" "shared" {
  instance_id = kvs_instance.blue.id
  app_id      = kvs_app.worker.id
}
`,
				ConfigPlanChecks: noChange,
			},
		},
	})
}

func TestLongAttachment_anotherApp(t *testing.T) {
	t.Parallel()
	sb := acctest.Start(t)
	acctest.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: sb.Factories(),
		CheckDestroy:             sb.NothingLeft(),
		Steps: []resource.TestStep{
			{Config: attached("blue", "worker", "SHARED")},
			{ // another app is an update: attached there first, detached here then
				PreConfig:        func() { sb.ResetJournal() },
				Config:           attached("blue", "web", "SHARED"),
				ConfigPlanChecks: actionOn(attachment, plancheck.ResourceActionUpdate),
				PostApplyFunc: func() {
					made, dropped := sb.Requests("POST", "/addon-attachments"), sb.Requests("DELETE", "/addon-attachments/.*")
					if len(made) != 1 || len(dropped) != 1 || dropped[0].Seq < made[0].Seq {
						t.Errorf("want one attachment made before the other is dropped, got %v and %v", made, dropped)
					}
					expectAttachments(t, sb, "orders-worker")
					expectAttachments(t, sb, "orders-web", "BLUE of orders-blue", "SHARED of orders-blue", "GREEN of orders-green")
				},
			},
		},
	})
}

func TestLongAttachment_drift(t *testing.T) {
	t.Parallel()
	sb := acctest.Start(t)
	someone := sb.Client(t)
	detach := func() heroku.Attachment {
		found, err := someone.AppAttachment(t.Context(), "orders-worker", "SHARED")
		if err == nil {
			err = someone.DeleteAttachment(t.Context(), found.ID)
		}
		if err != nil {
			t.Fatal(err)
		}
		return found
	}
	acctest.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: sb.Factories(),
		CheckDestroy:             sb.NothingLeft(),
		Steps: []resource.TestStep{
			{Config: attached("blue", "worker", "SHARED")},
			{ // somebody detached it: the plan attaches it again, and does not fail
				PreConfig:        func() { detach() },
				Config:           attached("blue", "worker", "SHARED"),
				ConfigPlanChecks: actionOn(attachment, plancheck.ResourceActionCreate),
			},
			{ // somebody attached it anew under the same name: that one is taken over as it is
				PreConfig: func() {
					former := detach()
					_, err := someone.CreateAttachment(t.Context(), heroku.AttachmentCreate{AddOn: former.AddOnID, App: former.AppID, Name: former.Name})
					if err != nil {
						t.Fatal(err)
					}
					sb.ResetJournal()
				},
				Config:           attached("blue", "worker", "SHARED"),
				ConfigPlanChecks: noChange,
				PostApplyFunc: func() {
					if made := sb.Requests("POST", "/addon-attachments"); len(made) != 0 {
						t.Errorf("it was attached once more: %v", made)
					}
					if looked := sb.Requests("GET", "/apps/.*/addon-attachments/SHARED"); len(looked) == 0 {
						t.Error("nobody looked who has the name")
					}
				},
			},
		},
	})
}

func TestAccAttachment_lastOneStays(t *testing.T) {
	t.Parallel()
	sb := acctest.Start(t)
	arrange := func(config string) string { return greenLater(bluePrimary(config)) }
	second := `
resource "kvs_attachment" "second" {
  instance_id = kvs_instance.blue.id
  app_id      = kvs_app.web.id
  name        = "SECOND"
}
`
	found := ""
	if acctest.OnOpenTofu() { // while it applies, it cannot be told that the store is managed here, too: see createBeforeDestroy
		found = `
import {
  to = kvs_attachment.shared
  id = "orders-web::REDIS"
}
`
	}
	acctest.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: sb.Factories(),
		CheckDestroy:             sb.NothingLeft(),
		Steps: []resource.TestStep{
			{ // the first attachment of a store that names none can be managed too: it came with the store, in the same run
				Config: arrange(attached("blue", "web", "REDIS")),
				PostApplyFunc: func() {
					for _, request := range sb.Requests("POST", "/addon-attachments") {
						if request.Status == http.StatusCreated {
							t.Errorf("it was attached once more: %v", request)
						}
					}
				},
			},
			{ // it is the last one on the store's own app, so it stays there when it is no longer managed
				Config: arrange(twoAppsTwoStores),
				PostApplyFunc: func() {
					expectAttachments(t, sb, "orders-web", "REDIS of orders-blue", "GREEN of orders-green")
				},
			},
			// with another one beside it, it can go; it is taken over once more, since its store is managed here
			{Config: arrange(attached("blue", "web", "REDIS")) + second + found},
			{
				Config: arrange(twoAppsTwoStores) + second,
				PostApplyFunc: func() {
					expectAttachments(t, sb, "orders-web", "SECOND of orders-blue", "GREEN of orders-green")
				},
			},
		},
	})
}

func TestLongAttachment_unknownValues(t *testing.T) {
	t.Parallel()
	sb := acctest.Start(t)
	acctest.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: sb.Factories(),
		CheckDestroy:             sb.NothingLeft(),
		Steps: []resource.TestStep{
			{ // values that are known only after apply are no mistake at plan time, although any of them could be one
				Config: twoAppsTwoStores + `
resource "terraform_data" "later" {
  input = "SHARED"
}

resource "kvs_attachment" "shared" {
  instance_id = terraform_data.later.output == "" ? "x" : kvs_instance.blue.id
  app_id      = terraform_data.later.output == "" ? "x" : kvs_app.worker.id
  name        = terraform_data.later.output
}
`,
				ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
					plancheck.ExpectUnknownValue(attachment, tfjsonpath.New("instance_id")),
					plancheck.ExpectUnknownValue(attachment, tfjsonpath.New("name")),
				}},
				ConfigStateChecks: []statecheck.StateCheck{attachmentHas("name", knownvalue.StringExact("SHARED"))},
			},
			{ // the store's own attachment_name is an owner as well, also while the store of the other one is unknown
				Config: attached("blue", "worker", "SHARED") + `
resource "terraform_data" "second" {
  input = kvs_instance.blue.id
}

resource "kvs_attachment" "second" {
  instance_id = terraform_data.second.output
  app_id      = kvs_app.web.id
  name        = "BLUE"
}
`,
				ExpectError: acctest.Says("attachment_name of the kvs_instance orders-blue"),
			},
		},
	})
}
