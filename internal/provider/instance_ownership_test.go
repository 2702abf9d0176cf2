// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/acctest"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/sandbox"
)

// What is destroyed, adopted or re-pointed has been proven to be the object that the resource made or was given. A name, and
// an id in the state, prove nothing.

func embedded(o *sandbox.Options) { o.Engine = "miniredis" }

// theirs is a store that another team makes on an app of its own.
func (l *lab) theirs(name, plan string) heroku.AddOn {
	l.Helper()
	app := mustCreateApp(l.T, l.client, "their-app")
	made, err := l.client.CreateAddOn(l.Context(), app.ID, heroku.AddOnCreate{Plan: "heroku-redis:" + plan, Name: name,
		AttachmentName: "REDIS"})
	if err == nil {
		_, err = l.client.WaitAddOnProvisioned(l.Context(), made.ID, aWhile)
	}
	if err != nil {
		l.Fatal(err)
	}
	return made
}

func (l *lab) expectUntouched(theirs heroku.AddOn) {
	l.Helper()
	now, err := l.client.FindAddOn(l.Context(), string(theirs.ID))
	if err != nil || now.Name != theirs.Name || now.Plan != theirs.Plan || now.State != heroku.StateProvisioned {
		l.Errorf("their store is now %+v (%v)", now, err)
	}
	if at, err := l.client.AppAttachment(l.Context(), "their-app", "REDIS"); err != nil || at.AddOnID != theirs.ID {
		l.Errorf("REDIS of their app leads to %s (%v)", at.AddOnID, err)
	}
}

func (l *lab) storeID() heroku.AddOnID {
	l.Helper()
	object, _ := l.cli.Object(store)
	id, _ := object.Attributes["id"].(string)
	return heroku.AddOnID(id)
}

// ownStore is one store alone, on one app.
func ownStore(plan, settings string) string {
	return `
resource "kvs_app" "web" {
  name = "orders-web"
}

resource "kvs_instance" "cache" {
  app_id              = kvs_app.web.id
  plan                = "` + plan + `"
  name                = "orders-cache"
  attachment_name     = "REDIS"
  ` + settings + `
}
`
}

const unprotected = "deletion_protection = false"

// Somebody destroys the store, and another team makes one of the same name on its own app.
func TestAccInstance_namesake(t *testing.T) {
	t.Parallel()
	for name, args := range map[string][]string{
		"destroyed":                   {"destroy", "-auto-approve"},
		"destroyed without a refresh": {"destroy", "-auto-approve", "-refresh=false"},
		"applied":                     {"apply", "-auto-approve"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLab(t, ownStore("premium-0", unprotected), embedded)
			l.mustApply(ownStore("premium-0", unprotected))
			object, _ := l.cli.Object("kvs_app.web")
			app, _ := object.Attributes["id"].(string)
			if err := l.client.DeleteAddOn(t.Context(), heroku.AppID(app), l.storeID()); err != nil {
				t.Fatal(err)
			}
			theirs := l.theirs("orders-cache", "premium-0")
			result := l.run(mishap{}, append(args, "-input=false", "-no-color")...)
			if destroys := args[0] == "destroy"; destroys && result.Code != 0 || !destroys &&
				(result.Code != 1 || !acctest.Says("An add-on with this name exists already").MatchString(result.Output())) {
				t.Errorf("%s exited %d:\n%s", args[0], result.Code, result.Output())
			}
			l.expectUntouched(theirs)
		})
	}
}

// One store is managed at two addresses, and protected at one of them.
func TestAccInstance_protectedElsewhere(t *testing.T) {
	t.Parallel()
	for name, address := range map[string]struct{ removed, protects string }{
		"planned before the one that protects it": {"a", "z"},
		"planned after the one that protects it":  {"z", "a"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			at := func(address, settings string) string {
				_, instance, _ := strings.Cut(ownStore("premium-0", settings), "resource \"kvs_instance\" \"cache\"")
				instance = strings.Replace(instance, `attachment_name     = "REDIS"`, "", 1) // which has one owner
				return "resource \"kvs_instance\" \"" + address + "\"" + instance
			}
			app, _, _ := strings.Cut(ownStore("premium-0", ""), "resource \"kvs_instance\"")
			l := newLab(t, app+at(address.removed, unprotected), embedded)
			l.mustApply(app + at(address.removed, unprotected))
			both := app + at(address.removed, unprotected) + at(address.protects, "")
			id := l.Living()[0].ID
			l.cli.Configure(both + "import {\n  to = kvs_instance." + address.protects + "\n  id = \"" + id + "\"\n}\n")
			l.mustRefuse("Two resources manage one object", "plan")
			l.cli.Configure(both)
			l.run(mishap{}, "import", "-input=false", "kvs_instance."+address.protects, id)
			const refusal = "Another resource protects what is to be destroyed"
			for _, order := range []string{"-parallelism=1", "-parallelism=10"} {
				l.cli.Configure(app + at(address.protects, ""))
				l.mustRefuse(refusal, "plan", order)
			}
			l.cli.Configure(app)
			l.mustRefuse("Key-Value Store is protected from deletion", "apply", "-auto-approve")
			l.expectOneStore()
			// the ways out: a removed block, or no protection at all
			l.mustApply(app + at(address.protects, "") + "removed {\n  from = kvs_instance." + address.removed + "\n  lifecycle {\n    destroy = false\n  }\n}\n")
			l.expectOneStore()
		})
	}
}

// A store of somebody else has the name that the new one is found by.
func TestAccReplacement_foreignName(t *testing.T) {
	t.Parallel()
	for name, plan := range map[string]string{"on the plan that is wanted": "premium-1", "on another plan": "premium-2"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l, seeded := unfinished(t, "", mishap{kind: crashed, write: 1, of: attaching}) // the old store is marked
			theirs := l.theirs("kvs-fork-of-"+string(l.storeID()), plan)
			l.mustRefuse("it lacks the attachment KVS_FORK_", "apply", "-auto-approve")
			l.expectUntouched(theirs)
			l.expectServed(bothApps, seeded)
			l.cli.Configure(twoApps("web", "premium-0", ""))
			l.mustRefuse("is not proven to be that store", "apply", "-auto-approve")
			l.mustRefuse("is not proven to be that store", "destroy", "-auto-approve", "-target=kvs_instance.cache")
			l.expectUntouched(theirs)
			// the way out that the message names
			away := "their-cache"
			if _, err := l.client.UpdateAddOn(t.Context(), theirs.AppID, theirs.ID, heroku.AddOnUpdate{Name: &away}); err != nil {
				t.Fatal(err)
			}
			l.mustApply(twoApps("api", "premium-1", ""))
			l.expectServed(bothApps, seeded)
		})
	}
}

// The store that was kept is destroyed only while it is what the replacement has left.
func TestAccReplacement_keptIsProven(t *testing.T) {
	t.Parallel()
	l := newLab(t, twoApps("web", "premium-0", ""))
	l.mustApply(twoApps("web", "premium-0", ""))
	old := l.storeID()
	moved := twoApps("api", "premium-1", `migration = { retire = "never" }`)
	l.mustApply(moved)
	always := twoApps("api", "premium-1", `migration = { retire = "always" }`)
	retired, err := l.client.FindAddOn(t.Context(), string(old))
	if err != nil {
		t.Fatal(err)
	}
	expectKept := func(why string) {
		t.Helper()
		result := l.mustApply(always)
		if said := result.Output(); !acctest.Says("The retired store will not be destroyed").MatchString(said) ||
			!acctest.Says(why).MatchString(said) {
			t.Errorf("it does not say that the retired store is kept because %s:\n%s", why, said)
		}
		l.expectStores(2)
		if object, _ := l.cli.Object(store); object.Attributes["retired_instance_id"] != string(old) {
			t.Errorf("the state has the retired store %v, want %s", object.Attributes["retired_instance_id"], old)
		}
		l.mustApply(moved)
	}
	rename := func(name string) {
		t.Helper()
		if _, err := l.client.UpdateAddOn(t.Context(), retired.AppID, old, heroku.AddOnUpdate{Name: &name}); err != nil {
			t.Fatal(err)
		}
	}

	// it is in use again
	reports := mustCreateApp(t, l.client, "orders-reports")
	attach := func() heroku.Attachment {
		t.Helper()
		made, err := l.client.CreateAttachment(t.Context(), heroku.AttachmentCreate{AddOn: old, App: reports.ID, Name: "ARCHIVE"})
		if err != nil {
			t.Fatal(err)
		}
		return made
	}
	archive := attach()
	expectKept("it is attached to app orders-reports as ARCHIVE")
	if err := l.client.DeleteAttachment(t.Context(), archive.ID); err != nil {
		t.Fatal(err)
	}
	// it has a name of its own
	rename("orders-archive")
	expectKept("its name is orders-archive, which is not that of a retired store")
	rename("theirs-retired-" + string(old[:8]))
	rename(retired.Name)
	// it is managed here as well, and protected
	imported := `
resource "kvs_instance" "archive" {
  app_id = kvs_app.web.id
  plan   = "premium-0"
}

import {
  to = kvs_instance.archive
  id = "` + string(old) + `"
}
`
	l.mustApply(moved + imported)
	l.cli.Configure(always + imported)
	l.mustRefuse("Another resource protects what is to be destroyed", "plan")
	l.mustRefuse("Another resource protects what is to be destroyed", "apply", "-auto-approve", "-parallelism=1")
	l.expectStores(2)
	l.mustApply(moved + "\nremoved {\n  from = kvs_instance.archive\n  lifecycle {\n    destroy = false\n  }\n}\n")
	// it comes into use between plan and apply
	l.cli.Configure(always)
	if plan := l.run(mishap{}, "plan", "-out=saved", "-input=false"); plan.Code != 0 {
		t.Fatalf("plan exited %d:\n%s", plan.Code, plan.Output())
	}
	archive = attach()
	// the plan that Terraform makes once more while it applies sees it, or else the apply itself
	applied := l.run(mishap{}, "apply", "-input=false", "-no-color", "saved")
	said := acctest.Says("The retired store will not be destroyed").MatchString(applied.Output()) ||
		acctest.Says("The retired store was not destroyed").MatchString(applied.Output())
	if applied.Code != 1 || !said {
		t.Errorf("the apply of the saved plan exited %d:\n%s", applied.Code, applied.Output())
	}
	l.expectStores(2)
	// a destroy leaves it as well, and says so
	destroyed := l.run(mishap{}, "destroy", "-auto-approve", "-input=false", "-no-color")
	if destroyed.Code != 1 && destroyed.Code != 0 || !acctest.Says("The retired store will not be destroyed").MatchString(destroyed.Output()) {
		t.Errorf("destroy exited %d:\n%s", destroyed.Code, destroyed.Output())
	}
	if !slices.Contains(l.stores(), retired.Name) {
		t.Errorf("%v live, want %s among them", l.stores(), retired.Name)
	}
}
