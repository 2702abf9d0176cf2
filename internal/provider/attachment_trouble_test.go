// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"slices"
	"testing"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
)

// A new name is attached before the old one is dropped; when that fails, the app has both, and the next apply drops it.
func TestAttachment_underBothNames(t *testing.T) {
	t.Parallel()
	f := newFront(t, "")
	app, store, attachment := f.resource("kvs_app"), f.resource("kvs_instance"), f.resource("kvs_attachment")
	app.apply(values{"name": "orders-api"})
	store.apply(values{"name": "acme-cache", "app_id": app.get("id"), "plan": "premium-0", "deletion_protection": false})
	of := values{"app_id": app.get("id"), "instance_id": store.get("id"), "name": "CACHE"}
	attachment.apply(of)
	old := attachment.get("id")

	f.refuse("DELETE", "/addon-attachments/*", 1)
	of["name"] = "SESSIONS"
	attachment.apply(of)
	names := func() (names []string) {
		attachments, err := f.sb.Client(t).AppAttachments(t.Context(), heroku.AppID(app.get("id")))
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range attachments {
			names = append(names, a.Name)
		}
		slices.Sort(names)
		return names
	}
	if got := names(); !slices.Equal(got, []string{"CACHE", "REDIS", "SESSIONS"}) {
		t.Errorf("the app has the attachments %q", got)
	}
	why := f.said
	f.expectSaid(asError, "Unable to detach", "Attachment CACHE of store "+store.get("id"), "DELETE /addon-attachments/"+old, refusal)
	f.said = why
	f.expectSaid(asWarning, "The store is attached under both names", "On app orders-api the new attachment SESSIONS (",
		"the old attachment CACHE ("+old+") exists too", "Apply again to detach the old one")

	f.sb.Clear()
	attachment.refresh()
	attachment.apply(of)
	if got := names(); f.over() || !slices.Equal(got, []string{"REDIS", "SESSIONS"}) {
		t.Errorf("the app has the attachments %q; it says %q", got, summariesOf(f.said))
	}
}

// Whether a name is free on another app is looked up before a replacement; when it cannot be, nothing is touched.
func TestReplacement_attachmentsUnread(t *testing.T) {
	t.Parallel()
	c := newCarrying(t, nil)
	c.sb.ResetJournal()
	c.refuse("GET", "/apps/*/addon-attachments", 1)
	c.belongTo(c.api)
	c.expectSaid(asError, "Unable to read the attachments of the app", "App "+c.api.get("id"),
		"The store "+c.store.get("id")+" is to be attached to that app as REDIS",
		"403 forbidden", "GET /apps/"+c.api.get("id")+"/addon-attachments", refusal, "Nothing has been changed")
	if writes := c.sb.Requests("(POST|PATCH|PUT|DELETE)", ".*"); len(writes) > 0 {
		t.Errorf("%+v were sent", writes)
	}
	c.sb.Clear()
	c.belongTo(c.api)
	c.expectEnd("orders-api")
}
