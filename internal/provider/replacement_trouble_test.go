// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/sandbox"
)

// Where a replacement is left in the middle, the next person has to learn from what is said alone where it stands.

// carrying is a store of orders-web that orders-api uses as well, and that is to become orders-api's.
type carrying struct {
	*front
	web, api, store *managed
	of              values
}

func newCarrying(t *testing.T, terms values) carrying {
	t.Helper()
	f := newFront(t, "", engineOf(withServers))
	c := carrying{front: f, web: f.resource("kvs_app"), api: f.resource("kvs_app"), store: f.resource("kvs_instance")}
	c.web.apply(values{"name": "orders-web"})
	c.api.apply(values{"name": "orders-api"})
	c.of = values{"name": "orders-cache", "plan": "premium-0", "attachment_name": "REDIS", "deletion_protection": false,
		"app_id": c.web.get("id"), "migration": terms}
	c.store.apply(c.of)
	f.resource("kvs_attachment").apply(values{"app_id": c.api.get("id"), "instance_id": c.store.get("id"), "name": "SHARED"})
	if len(c.said) > 0 {
		t.Fatalf("before the story: %v", c.said[0])
	}
	return c
}

// belongTo applies that an app owns the store.
func (c carrying) belongTo(owner *managed) {
	c.Helper()
	c.of["app_id"] = owner.get("id")
	c.store.apply(c.of)
}

// refuse makes Heroku refuse such requests, from the n-th on.
func (f *front) refuse(method, path string, from int) {
	f.Helper()
	body := `{"id":"forbidden","message":"` + refusal + `"}`
	f.sb.Inject(sandbox.Fault{
		Match: sandbox.Match{Method: method, Path: path, From: from, Agent: "terraform-provider-kvs"},
		Do:    sandbox.Effect{Status: http.StatusForbidden, Body: &body},
	})
}

// expectSaid wants these texts in the detail of a diagnostic, and forgets all that was said.
func (f *front) expectSaid(severity tfprotov6.DiagnosticSeverity, summary string, texts ...string) {
	f.Helper()
	at := slices.IndexFunc(f.said, func(d *tfprotov6.Diagnostic) bool { return d.Summary == summary && d.Severity == severity })
	if at < 0 {
		f.Fatalf("it says %q, and not %q", summariesOf(f.said), summary)
	}
	for _, text := range texts {
		if !strings.Contains(f.said[at].Detail, text) {
			f.Errorf("%q is not in what is said:\n%s", text, f.said[at].Detail)
		}
	}
	f.said = nil
}

const (
	asError   = tfprotov6.DiagnosticSeverityError
	asWarning = tfprotov6.DiagnosticSeverityWarning
)

// expectEnd wants the store to be whole, alone, of this app and with nobody held.
func (c carrying) expectEnd(owner string) {
	c.Helper()
	if c.over() {
		c.Errorf("the last apply failed: %v", c.said[len(c.said)-1])
	}
	living := slices.DeleteFunc(c.sb.Living(), func(e sandbox.LedgerEntry) bool { return e.Kind != "add-on" })
	if len(living) != 1 || living[0].ID != c.store.get("id") || living[0].Name != "orders-cache" {
		c.Errorf("%+v live, and the state has %s", living, c.store.get("id"))
	}
	for _, name := range []string{"orders-web", "orders-api"} {
		app, err := c.sb.Client(c.T).FindApp(c.Context(), name)
		if err != nil || app.Maintenance {
			c.Errorf("%s in maintenance mode: %t (%v)", name, app.Maintenance, err)
		}
	}
	if at, err := c.sb.Client(c.T).AppAttachment(c.Context(), "orders-api", "SHARED"); err != nil || at.OwnerAppName != owner {
		c.Errorf("SHARED leads to a store of %s (%v), want %s", at.OwnerAppName, err, owner)
	}
}

// Held apps can neither be moved on nor back: nobody writes anywhere, which somebody has to be told.
func TestReplacement_stillHeld(t *testing.T) {
	t.Parallel()
	c := newCarrying(t, values{"app_maintenance": true})
	old := c.store.get("id")
	c.refuse("POST", "/addon-attachments", 4) // after the mark, the lease and the first attachment
	c.belongTo(c.api)
	held := c.said
	c.expectSaid(asError, "Unable to move the attachments of Key-Value Store", "orders-cache ("+old+")", refusal)
	c.said = held
	c.expectSaid(asWarning, "The apps are still held", "orders-cache ("+old+")", "403 forbidden", refusal,
		"  - "+c.web.get("id")+"\n  - "+c.api.get("id"), "apply again: that moves the rest", "its config var KVS_MIGRATION")
	for _, name := range []string{"orders-web", "orders-api"} {
		if app, err := c.sb.Client(t).FindApp(t.Context(), name); err != nil || !app.Maintenance {
			t.Errorf("%s is not held (%v)", name, err)
		}
	}
	c.sb.Clear()
	c.store.refresh()
	c.belongTo(c.api)
	c.expectEnd("orders-api")
}

// A replacement that was cut short is gone on with, and the plan says so.
func TestReplacement_continued(t *testing.T) {
	t.Parallel()
	c := newCarrying(t, nil)
	old := c.store.get("id")
	c.refuse("POST", "/addon-attachments", 3) // after the mark and the lease
	c.belongTo(c.api)
	c.expectSaid(asError, "Unable to move the attachments of Key-Value Store", refusal)
	c.sb.Clear()
	c.store.refresh()
	c.belongTo(c.api)
	c.expectEnd("orders-api")
	c.expectSaid(asWarning, "The replacement of the store will be continued",
		"orders-cache ("+old+")", "REDIS_URL of app orders-web, SHARED_URL of app orders-api", "The old store is destroyed when")
}

// A replacement that ended in a run that could not say so is found by the name that the state knows.
func TestReplacement_endedUnheard(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ retire, was string }{
		"with the old store gone": {"always", "is gone"},
		"with the old store kept": {"never", "is kept under another name"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCarrying(t, values{"retire": test.retire})
			before := *c.store
			c.belongTo(c.api)
			newest := c.store.get("id")
			*c.store, c.said = before, nil // the run was lost with its last answer
			old := c.store.get("id")
			c.store.refresh()
			c.expectSaid(asWarning, "The store was replaced by another one", "orders-cache ("+old+") "+test.was,
				"orders-cache ("+newest+")", "the attachment KVS_FORK_", "Nothing is left to do")
			if got := c.store.get("id"); got != newest {
				t.Errorf("the state has %s, want %s", got, newest)
			}
			c.belongTo(c.api)
			if c.over() || c.store.get("id") != newest {
				t.Errorf("the next apply says %q, and the state has %s", summariesOf(c.said), c.store.get("id"))
			}
		})
	}
}

// Undoing fails as well, at each of its steps, and is done by a later apply.
func TestReplacement_notUndone(t *testing.T) {
	t.Parallel()
	c := newCarrying(t, nil)
	old := c.store.get("id")
	c.refuse("POST", "/addon-attachments", 3)
	c.belongTo(c.api)
	c.expectSaid(asError, "Unable to move the attachments of Key-Value Store", refusal)
	for _, step := range []struct{ method, path, request, stands string }{
		{"GET", "/addons/" + old + "/addon-attachments", "GET /addons/" + old + "/addon-attachments", "nothing has been changed"},
		{"GET", "/addons/kvs-fork-of-*", "GET /addons/kvs-fork-of-" + old, "nothing has been changed"},
		{"DELETE", "/apps/*/addons/*", "DELETE /apps/", "The new one, kvs-fork-of-" + old + " ("},
	} {
		c.sb.Clear()
		c.store.refresh()
		c.refuse(step.method, step.path, 1)
		c.belongTo(c.web)
		c.expectSaid(asError, "Unable to undo the replacement of Key-Value Store", "orders-cache ("+old+")",
			"403 forbidden", step.request, refusal, step.stands, "apply again to undo the replacement")
	}
	c.sb.Clear()
	c.store.refresh()
	c.belongTo(c.web)
	c.expectEnd("orders-web")
}
