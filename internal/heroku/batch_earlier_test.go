// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package heroku_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"errors"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
)

// CachedApp sends no more requests for apps that were read before, although each write of an apply invalidates the lists.
func TestAppsThatWereReadAreNotAskedForAgainAfterAWrite(t *testing.T) {
	t.Parallel()
	var ids []heroku.AppID
	var all []string
	for i := range 10 {
		ids = append(ids, heroku.AppID(fmt.Sprintf("e3b1a6c2-9d47-4e5f-8a2b-%012d", i)))
		all = append(all, appJSON(ids[i], fmt.Sprint("app-", i)))
	}
	f := memory(func(w http.ResponseWriter, r *http.Request, _ int) {
		_, id, one := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
		switch {
		case r.Method == http.MethodDelete:
			reply(w, 404, notFound)
		case !one:
			reply(w, 200, "["+strings.Join(all, ",")+"]")
		default:
			reply(w, 200, appJSON(heroku.AppID(id), "app"))
		}
	})
	c := f.client(t)
	for range 2 {
		for _, id := range ids {
			app, err := c.CachedApp(t.Context(), id)
			if err != nil || app.ID != id {
				t.Errorf("asked for %s, got %s: %v", id, app.ID, err)
			}
			if err := c.DeleteAttachment(t.Context(), attachmentID); err != nil {
				t.Error(err)
			}
		}
	}
	if f.count("GET /apps/") != 2 || f.count("GET /apps") != 3 {
		t.Error(f.requests())
	}
	fresh := f.count("GET /apps")
	if _, err := c.App(t.Context(), ids[0]); err != nil || f.count("GET /apps") != fresh+1 {
		t.Error("App has returned an app that was read before a write:", err)
	}
}

// listing is a server with one attachment in the list of all attachments. It answers all other reads with this status and body.
func listing(status int, body string) *fake {
	return memory(func(w http.ResponseWriter, r *http.Request, _ int) {
		switch {
		case r.Method == http.MethodDelete:
			reply(w, 404, notFound)
		case r.URL.Path == "/addon-attachments":
			reply(w, 200, "["+attachmentJSON(attachmentID, "CACHE", addOnID)+"]")
		default:
			reply(w, status, body)
		}
	})
}

// Apps without attachments do not appear in the list of attachments, and yet need no request of their own.
func TestAttachmentsThatWereListedAreThoseOfEveryApp(t *testing.T) {
	t.Parallel()
	f := listing(200, "[]")
	c := f.client(t)
	for i := range 10 {
		id := heroku.AppID(fmt.Sprintf("%s%02d", appID[:len(appID)-2], i))
		if attached, err := c.CachedAttachmentsOn(t.Context(), id); err != nil || len(attached) != 0 {
			t.Error(attached, err)
		}
		_ = c.DeleteAttachment(t.Context(), attachmentID)
	}
	attached, err := c.CachedAttachmentsOn(t.Context(), appID)
	if err != nil || heroku.AttachmentNamed(attached, "CACHE") == nil || f.count("GET /") != 3 {
		t.Error(attached, err, f.requests())
	}
}

// One list serves reads of attachments by id, by app and by add-on, until a write of this client.
func TestAttachmentsAreListedOnceForAllWhoReadThem(t *testing.T) {
	t.Parallel()
	f := listing(404, notFound)
	c := f.client(t)
	read := func() {
		for range 4 { // the third one gets a list
			apps, err := c.AttachedApps(t.Context(), addOnID)
			if err == nil && (len(apps) != 1 || apps[0].App != "orders-worker" || apps[0].As != "CACHE" ||
				!slices.Equal(apps[0].ConfigVars, []string{"CACHE_URL"})) {
				t.Error(apps)
			}
			if _, err := c.Attachment(t.Context(), attachmentID); err != nil && !heroku.IsNotFound(err) {
				t.Error(err)
			}
		}
	}
	read()
	if n := f.count("GET /addon-attachments") - f.count("GET /addon-attachments/"); n != 1 {
		t.Errorf("%d lists: %v", n, f.requests())
	}
	_ = c.DeleteAttachment(t.Context(), attachmentID)
	read()
	if n := f.count("GET /addon-attachments") - f.count("GET /addon-attachments/"); n != 2 {
		t.Errorf("%d lists: %v", n, f.requests())
	}
}

func TestListsThatDoNotEndAreRefused(t *testing.T) {
	t.Parallel()
	for name, h := range map[string]handler{
		"the same page for ever": func(w http.ResponseWriter, _ *http.Request, _ int) {
			w.Header().Set("Next-Range", "id ]a..; max=1000")
			reply(w, 206, "["+addOnJSON("a", "a", "provisioned")+"]")
		},
		"empty pages for ever": func(w http.ResponseWriter, _ *http.Request, n int) {
			w.Header().Set("Next-Range", fmt.Sprintf("id ]%d..; max=1000", n))
			reply(w, 206, "[]")
		},
		"new pages for ever": func(w http.ResponseWriter, _ *http.Request, n int) {
			w.Header().Set("Next-Range", fmt.Sprintf("id ]%d..; max=1000", n))
			reply(w, 206, "["+addOnJSON(heroku.AddOnID(fmt.Sprint(n)), "a", "provisioned")+"]")
		},
		"a part without a next": func(w http.ResponseWriter, _ *http.Request, _ int) {
			reply(w, 206, "["+addOnJSON("a", "a", "provisioned")+"]")
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := memory(h)
			_, err := srv.client(t).AppAddOns(t.Context(), appID)
			var body *heroku.BodyError
			if !errors.As(err, &body) {
				t.Error(err)
			}
			if n := len(srv.requests()); n > 2 && name != "new pages for ever" || n > 200 {
				t.Errorf("%d requests", n)
			}
		})
	}
}

func TestDuplicatesAcrossPagesAreDropped(t *testing.T) {
	t.Parallel()
	srv := serve(t, func(w http.ResponseWriter, _ *http.Request, n int) {
		status := 200
		if n == 1 {
			status = 206
			w.Header().Set("Next-Range", "id ]b..; max=1000")
		}
		reply(w, status, "["+addOnJSON("b", "b", "provisioned")+","+addOnJSON(heroku.AddOnID(fmt.Sprint(n)), "x", "provisioned")+"]")
	})
	got, err := srv.client(t).AppAddOns(t.Context(), appID)
	if err != nil || len(got) != 3 {
		t.Errorf("%d, %v", len(got), err)
	}
}
