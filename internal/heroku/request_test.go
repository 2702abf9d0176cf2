// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package heroku_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
)

// everyRead calls each method that only reads.
var everyRead = map[string]func(context.Context, *heroku.Client) error{
	"App":            func(ctx context.Context, c *heroku.Client) error { _, err := c.App(ctx, appID); return err },
	"FindApp":        func(ctx context.Context, c *heroku.Client) error { _, err := c.FindApp(ctx, "x"); return err },
	"AppAddOns":      func(ctx context.Context, c *heroku.Client) error { _, err := c.AppAddOns(ctx, appID); return err },
	"ConfigVarNames": func(ctx context.Context, c *heroku.Client) error { _, err := c.ConfigVarNames(ctx, appID); return err },
	"AddOn":          func(ctx context.Context, c *heroku.Client) error { _, err := c.AddOn(ctx, addOnID); return err },
	"FindAddOn":      func(ctx context.Context, c *heroku.Client) error { _, err := c.FindAddOn(ctx, "x"); return err },
	"ResolveAddOn":   func(ctx context.Context, c *heroku.Client) error { _, err := c.ResolveAddOn(ctx, "x", "Y"); return err },
	"Attachment": func(ctx context.Context, c *heroku.Client) error {
		_, err := c.Attachment(ctx, attachmentID)
		return err
	},
	"AppAttachments": func(ctx context.Context, c *heroku.Client) error { _, err := c.AppAttachments(ctx, appID); return err },
	"AppAttachment": func(ctx context.Context, c *heroku.Client) error {
		_, err := c.AppAttachment(ctx, "x", "Y")
		return err
	},
	"AddOnAttachments": func(ctx context.Context, c *heroku.Client) error {
		_, err := c.AddOnAttachments(ctx, addOnID)
		return err
	},
	"Account":   func(ctx context.Context, c *heroku.Client) error { _, err := c.Account(ctx); return err },
	"Plans":     func(ctx context.Context, c *heroku.Client) error { _, err := c.Plans(ctx); return err },
	"Regions":   func(ctx context.Context, c *heroku.Client) error { _, err := c.Regions(ctx); return err },
	"RateLimit": func(ctx context.Context, c *heroku.Client) error { _, err := c.RateLimit(ctx); return err },
	"Store":     func(ctx context.Context, c *heroku.Client) error { _, err := c.Store(ctx, addOnID); return err },
}

func TestBodiesThatCannotBeUnderstood(t *testing.T) {
	t.Parallel()
	bodies := map[string]string{
		"HTML":              "<!DOCTYPE html>\n<title>canary</title>",
		"nothing":           "",
		"blanks":            " \n ",
		"null":              "null",
		"a string":          `"canary"`,
		"a number":          "42",
		"half an object":    `{"id":"canary`,
		"half an array":     `[{"id":"canary"`,
		"garbage":           "canary",
		"binary":            "\x00\xff\x1f\x8b canary",
		"another array":     `["canary", 1]`,
		"an array of it":    `[[["canary"]]]`,
		"an endless object": addOnJSON(addOnID, "canary", "provisioned") + strings.Repeat(" ", 4<<20),
		"an endless array":  listJSON(addOnID) + strings.Repeat(" ", 4<<20),
	}
	for what, body := range bodies {
		for name, do := range everyRead {
			if len(body) > 1<<20 && name != "AddOn" && name != "AppAddOns" {
				continue // two of this size are enough
			}
			t.Run(name+" of "+what, func(t *testing.T) {
				t.Parallel()
				srv := memory(func(w http.ResponseWriter, _ *http.Request, _ int) { reply(w, 200, body) })
				err := do(t.Context(), srv.client(t))
				var bad *heroku.BodyError
				if !errors.As(err, &bad) || bad.Status != 200 || bad.RequestID == "" || bad.Tries != 3 {
					t.Fatalf("%#v", err)
				}
				if text := err.Error(); strings.ContainsAny(text, "\r\n\x00") || strings.Contains(text, "canary") || len([]rune(bad.Reason)) > 80 {
					t.Errorf("%q", text)
				}
			})
		}
	}
}

func TestObjectOfAnotherKindIsRefused(t *testing.T) {
	t.Parallel()
	for name, do := range everyRead {
		if name == "ConfigVarNames" {
			continue // any object is a map of config vars
		}
		for _, body := range []string{`{}`, `[{}]`, `{"id":null,"name":null,"remaining":null}`} {
			srv := serve(t, func(w http.ResponseWriter, _ *http.Request, _ int) { reply(w, 200, body) })
			var bad *heroku.BodyError
			if err := do(t.Context(), srv.client(t)); !errors.As(err, &bad) {
				t.Errorf("%s of %s: %v", name, body, err)
			}
		}
	}
}

func TestGetWithABadBodyRecovers(t *testing.T) {
	t.Parallel()
	srv := serve(t, func(w http.ResponseWriter, _ *http.Request, n int) {
		if n < 3 {
			reply(w, 200, `{"id":"half","name":"half", "plan`)
			return
		}
		reply(w, 200, addOnJSON(addOnID, "acme-cache", "provisioned"))
	})
	a, err := srv.client(t).AddOn(t.Context(), addOnID)
	if err != nil || a.ID != addOnID {
		t.Errorf("%v, %v", a, err)
	}
}

func TestErrorsSayWhatHerokuSaid(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		status int
		body   string
		header map[string]string
		want   string
	}{
		"an id and a message": {
			422, `{"id":"invalid_params","message":"Name is already taken"}`, nil,
			"GET /addons/x: 422 invalid_params: Name is already taken (request id 0c6f2c5e-7d0b-4b71-8f5e-9a4b3c2d1e0f)",
		},
		"several lines": {
			403, `{"id":"forbidden","message":"No\nreally\r\n not"}`, nil,
			"GET /addons/x: 403 forbidden: No really not (request id 0c6f2c5e-7d0b-4b71-8f5e-9a4b3c2d1e0f)",
		},
		"no id": {
			404, `{"message":"not found"}`, nil,
			"GET /addons/x: 404 not found: not found (request id 0c6f2c5e-7d0b-4b71-8f5e-9a4b3c2d1e0f)",
		},
		"HTML": {
			404, `<html>`, nil,
			"GET /addons/x: the answer, with status 404, cannot be understood: it is an HTML page instead of JSON " +
				"(application/json, request id 0c6f2c5e-7d0b-4b71-8f5e-9a4b3c2d1e0f)",
		},
		"types that nobody expects": {
			400, `{"id":7,"message":{"a":1},"url":[],"resource":null,"errors":[{"x":1}]}`, nil,
			"GET /addons/x: 400 7 (request id 0c6f2c5e-7d0b-4b71-8f5e-9a4b3c2d1e0f)",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := serve(t, func(w http.ResponseWriter, _ *http.Request, _ int) { reply(w, c.status, c.body) })
			if _, err := srv.client(t).FindAddOn(t.Context(), "x"); err == nil || err.Error() != c.want {
				t.Errorf("got  %v\nwant %s", err, c.want)
			}
		})
	}
}

func TestErrorFields(t *testing.T) {
	t.Parallel()
	srv := serve(t, func(w http.ResponseWriter, _ *http.Request, _ int) {
		w.Header().Set("X-Confirmation-Required", "orders-api")
		reply(w, 423, `{"id":"confirmation_required","message":"m","url":"https://devcenter.heroku.com/x","resource":"add_on"}`)
	})
	_, err := srv.client(t).CreateAddOn(t.Context(), appID, cache)
	var e *heroku.Error
	if !errors.As(err, &e) || !heroku.HasID(fmt.Errorf("x: %w", err), "confirmation_required") || heroku.HasID(nil, "") {
		t.Fatal(err)
	}
	want := heroku.Error{
		Status: 423, ID: "confirmation_required", Message: "m", URL: "https://devcenter.heroku.com/x", Resource: "add_on",
		RequestID: "0c6f2c5e-7d0b-4b71-8f5e-9a4b3c2d1e0f", Method: "POST", Path: "/apps/" + string(appID) + "/addons",
		ConfirmationRequired: "orders-api", Tries: 1,
	}
	if *e != want {
		t.Errorf("%+v", e)
	}
}

func TestOnlyNotFoundProvesAbsence(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]bool{
		notFound: true, `{"message":"not found"}`: false, `<html>`: false, ``: false, `{"id":"gone","message":"x"}`: false,
	} {
		srv := serve(t, func(w http.ResponseWriter, _ *http.Request, _ int) { reply(w, 404, body) })
		_, err := srv.client(t).AddOn(t.Context(), addOnID)
		if heroku.IsNotFound(err) != want {
			t.Errorf("%q: %v", body, err)
		}
	}
	srv := serve(t, func(w http.ResponseWriter, _ *http.Request, _ int) { reply(w, 403, notFound) })
	if _, err := srv.client(t).AddOn(t.Context(), addOnID); heroku.IsNotFound(err) {
		t.Error("403 with the id of a 404 passed for absence")
	}
}

func TestIDsNeverChangeThePath(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var paths []string
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		paths = append(paths, r.RequestURI)
		mu.Unlock()
		reply(w, 404, notFound)
	}))
	t.Cleanup(srv.Close)
	c, err := heroku.New(heroku.Options{APIURL: srv.URL + "/base/", Credential: heroku.Credential{Token: token}, Clock: newClock()})
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{
		"a/b", "../apps", "a/../../b", "%2e%2e", "%2F", "a?x=1", "a#b", "a b", "a\nb", "a\x00b", "ü", "a;b", "//evil.example/x", `a\b`, "...",
	} {
		mu.Lock()
		paths = nil
		mu.Unlock()
		if _, err := c.FindAddOn(t.Context(), id); !heroku.IsNotFound(err) {
			t.Errorf("%q: %v", id, err)
		}
		want := "/base/addons/" + url.PathEscape(id)
		if len(paths) != 1 || paths[0] != want || strings.Count(paths[0], "/") != 3 {
			t.Errorf("%q became %q", id, paths)
		}
	}
	mu.Lock()
	paths = nil
	mu.Unlock()
	for _, id := range []string{"", ".", ".."} {
		_, one := c.FindAddOn(t.Context(), id)
		_, two := c.CreateAddOn(t.Context(), heroku.AppID(id), cache)
		three := c.DeleteAddOn(t.Context(), appID, heroku.AddOnID(id))
		_, four := c.Store(t.Context(), heroku.AddOnID(id))
		for _, err := range []error{one, two, three, four} {
			if err == nil || !strings.Contains(err.Error(), "is not an id or a name") {
				t.Errorf("%q: %v", id, err)
			}
		}
	}
	if len(paths) != 0 {
		t.Error(paths)
	}
}

func TestRedirects(t *testing.T) {
	t.Parallel()
	stranger := serve(t, func(w http.ResponseWriter, r *http.Request, _ int) {
		t.Errorf("the stranger got %s %s with %q", r.Method, r.URL, r.Header.Get("Authorization"))
	})
	for _, status := range []int{301, 302, 303, 307, 308} {
		srv := serve(t, func(w http.ResponseWriter, r *http.Request, _ int) {
			switch r.URL.Path {
			case "/addons/moved":
				http.Redirect(w, r, "/addons/here", status)
			case "/addons/here":
				if r.Header.Get("Authorization") == "" {
					t.Error("the token got lost on the way to the same host")
				}
				reply(w, 200, addOnJSON(addOnID, "moved", "provisioned"))
			case "/addons/loop":
				http.Redirect(w, r, "/addons/loop", status)
			default:
				http.Redirect(w, r, stranger.URL+"/addons/x", status)
			}
		})
		c := srv.client(t)
		if a, err := c.FindAddOn(t.Context(), "moved"); err != nil || a.Name != "moved" {
			t.Errorf("%d within the host: %v", status, err)
		}
		for name, err := range map[string]error{
			"loop": func() error { _, err := c.FindAddOn(t.Context(), "loop"); return err }(),
			"GET":  func() error { _, err := c.FindAddOn(t.Context(), "elsewhere"); return err }(),
			"POST": operations["create"].do(t.Context(), c), "PATCH": operations["patch"].do(t.Context(), c),
			"DELETE": operations["delete"].do(t.Context(), c),
		} {
			var body *heroku.BodyError
			if !errors.As(err, &body) || body.Status != status || !strings.Contains(body.Reason, "redirect") {
				t.Errorf("%s with %d: %v", name, status, err)
			}
		}
	}
}

// A redirect to http is not followed, even on the same host.
func TestRedirectToPlainHTTPIsNotFollowed(t *testing.T) {
	t.Parallel()
	srv := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "http://"+r.Host+"/addons/x", http.StatusFound)
	}))
	t.Cleanup(srv.Close)
	c, err := heroku.New(heroku.Options{
		APIURL: srv.URL, DataAPIURL: srv.URL, Transport: srv.Client().Transport, Clock: newClock(),
		Credential: heroku.Credential{Token: token, Source: "the test"},
	})
	if err != nil {
		t.Fatal(err)
	}
	var body *heroku.BodyError
	if _, err := c.FindAddOn(t.Context(), "elsewhere"); !errors.As(err, &body) || !strings.Contains(body.Reason, "redirect") {
		t.Error(err)
	}
}

// net/http would turn a redirected POST into a GET, whose response is not that of a create.
func TestRedirectedWritesAreNotFollowedEvenWithinTheHost(t *testing.T) {
	t.Parallel()
	for _, status := range []int{302, 307} {
		for op, o := range operations {
			if op == "read" {
				continue
			}
			srv := serve(t, func(w http.ResponseWriter, r *http.Request, _ int) {
				if r.URL.Path == "/addons/elsewhere" {
					t.Errorf("%s was followed as %s", op, r.Method)
				}
				http.Redirect(w, r, "/addons/elsewhere", status)
			})
			if err := o.do(t.Context(), srv.client(t)); err == nil {
				t.Errorf("%s with %d succeeded", op, status)
			}
		}
	}
}

func TestEveryAttemptIsObserved(t *testing.T) {
	t.Parallel()
	srv := serve(t, func(w http.ResponseWriter, r *http.Request, n int) {
		switch n {
		case 1:
			reset(w, r)
		case 2:
			reply(w, 200, "<html>")
		case 3:
			reply(w, 503, "")
		default:
			reply(w, 200, addOnJSON(addOnID, "acme-cache", "provisioned"))
		}
	})
	type key struct{}
	var seen []heroku.Attempt
	c := srv.client(t, func(o *heroku.Options) {
		o.Observe = func(ctx context.Context, a heroku.Attempt) {
			if ctx.Value(key{}) != "mine" {
				t.Error("not the context of the operation")
			}
			seen = append(seen, a)
		}
	})
	if _, err := c.AddOn(context.WithValue(t.Context(), key{}, "mine"), addOnID); err != nil {
		t.Fatal(err)
	}
	if len(seen) != 4 {
		t.Fatalf("%+v", seen)
	}
	for i, a := range seen {
		status := []int{0, 200, 503, 200}[i]
		if a.Method != "GET" || a.Path != "/addons/"+string(addOnID) || "http://"+a.Host != srv.URL || a.Status != status || a.Try != i+1 ||
			(a.Err == "") != (i == 3) || (a.RequestID == "") != (i == 0) || a.Duration <= 0 {
			t.Errorf("%+v", a)
		}
	}
}

func TestEachAttemptHasItsOwnRequestID(t *testing.T) {
	t.Parallel()
	var ids []string
	srv := serve(t, func(w http.ResponseWriter, r *http.Request, _ int) {
		ids = append(ids, r.Header.Get("Request-Id"))
		reply(w, 503, "")
	})
	_, _ = srv.client(t).AddOn(t.Context(), addOnID)
	slices.Sort(ids)
	if len(slices.Compact(ids)) != 4 || ids[0] == "" {
		t.Error(ids)
	}
}
