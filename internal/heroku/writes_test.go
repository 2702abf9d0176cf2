// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package heroku_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
)

// storesOnOneApp returns a server with three stores on one app, each attached to another app. Every write succeeds.
func storesOnOneApp(t *testing.T) (*fake, *heroku.Client, []heroku.AddOnID) {
	ids := manyIDs(3)
	item := func(path, id string) string {
		switch path {
		case "/apps":
			return appJSON(heroku.AppID(id), "orders-api")
		case "/addon-attachments":
			return fmt.Sprintf(`{"id":%q,"name":"CACHE","app":{"id":"other"},"addon":{"id":%q,"name":"a-name","app":{"id":%q}}}`, id, id, appID)
		}
		return addOnJSON(heroku.AddOnID(id), "a-name", "provisioned")
	}
	f := memory(func(w http.ResponseWriter, r *http.Request, _ int) {
		switch path := r.URL.Path; {
		case strings.HasSuffix(path, "/window"):
			reply(w, 200, `{"window":"Sundays 02:30 to 06:30 UTC"}`)
		case strings.HasPrefix(path, "/redis"):
			reply(w, 200, storeFor(r))
		case r.Method == "POST" && path == "/addon-attachments":
			var asked struct{ AddOn string }
			_ = json.NewDecoder(r.Body).Decode(&asked)
			reply(w, 201, fmt.Sprintf(`{"id":"made","name":"CACHE","app":{"id":"other"},"addon":{"id":%q,"name":"a-name","app":{"id":%q}}}`,
				asked.AddOn, appID))
		case r.Method == "POST":
			reply(w, 201, addOnJSON("made", "made", "provisioning"))
		case r.Method == "DELETE" && strings.HasPrefix(path, "/addon-attachments"):
			reply(w, 200, item("/addon-attachments", string(ids[0])))
		case r.Method == "DELETE" && path == "/apps/"+string(appID):
			reply(w, 200, appJSON(appID, "orders-api"))
		case r.Method != "GET":
			reply(w, 200, strings.Replace(addOnJSON(ids[0], "a-name", "provisioned"), `"provisioned"`, `"deprovisioned"`, 1))
		case strings.Count(path, "/") == 1 || strings.HasSuffix(path, "/addon-attachments"):
			path = path[strings.LastIndex(path, "/"):]
			reply(w, 200, "["+item(path, string(ids[0]))+","+item(path, string(ids[1]))+","+item(path, string(ids[2]))+"]")
		default:
			at := strings.LastIndex(path, "/")
			reply(w, 200, item(path[:at], path[at+1:]))
		}
	})
	return f, f.client(t, clocked(heroku.RealClock)), ids
}

// After any write of this client, everything is read again.
func TestAWriteDropsAllThatIsKept(t *testing.T) {
	t.Parallel()
	for name, write := range map[string]func(*testing.T, *heroku.Client, heroku.AddOnID) error{
		"another store is created": func(t *testing.T, c *heroku.Client, _ heroku.AddOnID) error {
			_, err := c.CreateAddOn(t.Context(), appID, heroku.AddOnCreate{Plan: "heroku-redis:premium-0", Name: "made"})
			return err
		},
		"another store is created and may replace an attachment": func(t *testing.T, c *heroku.Client, _ heroku.AddOnID) error {
			_, err := c.CreateAddOn(t.Context(), appID, heroku.AddOnCreate{Plan: "heroku-redis:premium-0", Name: "made", Confirm: "orders-api"})
			return err
		},
		"a store is attached to another app": func(t *testing.T, c *heroku.Client, id heroku.AddOnID) error {
			_, err := c.CreateAttachment(t.Context(), heroku.AttachmentCreate{AddOn: id, App: "other", Name: "CACHE"})
			return err
		},
		"a store is attached in place of another one": func(t *testing.T, c *heroku.Client, id heroku.AddOnID) error {
			_, err := c.CreateAttachment(t.Context(), heroku.AttachmentCreate{AddOn: id, App: "other", Name: "CACHE", Confirm: "orders-api"})
			return err
		},
		"a store is detached": func(t *testing.T, c *heroku.Client, id heroku.AddOnID) error {
			return c.DeleteAttachment(t.Context(), heroku.AttachmentID(id))
		},
		"a store's settings are changed": func(t *testing.T, c *heroku.Client, id heroku.AddOnID) error {
			zero := 0
			return c.UpdateStoreConfig(t.Context(), id, heroku.StoreConfigUpdate{Timeout: &zero})
		},
		"a store's window is set": func(t *testing.T, c *heroku.Client, id heroku.AddOnID) error {
			_, err := c.SetMaintenanceWindow(t.Context(), id, "sunday", "02:30")
			return err
		},
		"a store is destroyed": func(t *testing.T, c *heroku.Client, id heroku.AddOnID) error {
			return c.DeleteAddOn(t.Context(), appID, id)
		},
		"a store's plan is changed": func(t *testing.T, c *heroku.Client, id heroku.AddOnID) error {
			next := "heroku-redis:premium-1"
			_, err := c.UpdateAddOn(t.Context(), appID, id, heroku.AddOnUpdate{Plan: &next})
			return err
		},
		"an app is destroyed": func(t *testing.T, c *heroku.Client, _ heroku.AddOnID) error {
			return c.DeleteApp(t.Context(), appID)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f, client, ids := storesOnOneApp(t)
				read := map[string]func() error{
					"app":              func() error { _, err := client.App(t.Context(), heroku.AppID(ids[2])); return err },
					"add-on":           func() error { _, err := client.AddOn(t.Context(), ids[0]); return err },
					"other-add-on":     func() error { _, err := client.AddOn(t.Context(), ids[1]); return err },
					"attachment":       func() error { _, err := client.Attachment(t.Context(), heroku.AttachmentID(ids[0])); return err },
					"other-attachment": func() error { _, err := client.Attachment(t.Context(), heroku.AttachmentID(ids[1])); return err },
					"on-app":           func() error { _, err := client.AttachmentsOn(t.Context(), "other"); return err },
					"store":            func() error { _, err := client.Store(t.Context(), ids[0]); return err },
				}
				for range 3 { // the third read gets a list
					for what, again := range read {
						if err := again(); err != nil {
							t.Fatalf("%s: %v", what, err)
						}
					}
				}
				before := len(f.requests())
				for what, again := range read {
					if err := again(); err != nil || len(f.requests()) != before {
						t.Fatalf("%s is not shared: %v", what, f.requests())
					}
				}
				if err := write(t, client, ids[0]); err != nil {
					t.Fatal(err)
				}
				for what, again := range read {
					before := len(f.requests())
					if err := again(); err != nil {
						t.Errorf("%s: %v", what, err)
					}
					if len(f.requests()) == before {
						t.Errorf("%s was not read again", what)
					}
				}
			})
		})
	}
}

func TestDestroyedStoreIsNotAskedForWhenHerokuHasSaidThatItIsGone(t *testing.T) {
	t.Parallel()
	f, c, ids := storesOnOneApp(t)
	if err := c.DeleteAddOn(t.Context(), appID, ids[0]); err != nil {
		t.Error(err)
	}
	if err := c.WaitAddOnGone(t.Context(), ids[0], time.Minute); err != nil || len(f.requests()) != 1 {
		t.Errorf("%v after %v", err, f.requests())
	}
}

// A destroyed add-on does not come back with a stale list: its app would still seem to have it.
func TestStaleListDoesNotBringBackWhatWasDestroyed(t *testing.T) {
	t.Parallel()
	for name, state := range map[string]string{"gone at once": "deprovisioned", "gone after a while": "deprovisioning"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := memory(func(w http.ResponseWriter, r *http.Request, _ int) {
					switch {
					case r.Method == http.MethodDelete:
						reply(w, 200, addOnJSON("a", "a", state))
					case strings.HasPrefix(r.URL.Path, "/addons/"):
						reply(w, 404, `{"id":"not_found","message":"Couldn't find that add-on."}`)
					default:
						reply(w, 200, "["+addOnJSON("a", "a", "provisioned")+","+addOnJSON("b", "b", "provisioned")+"]")
					}
				})
				c := f.client(t, clocked(heroku.RealClock))
				if err := c.DeleteAddOn(t.Context(), appID, "a"); err != nil {
					t.Fatal(err)
				}
				if err := c.WaitAddOnGone(t.Context(), "a", time.Minute); err != nil {
					t.Fatal(err)
				}
				if left, err := c.AppAddOns(t.Context(), appID); err != nil || len(left) != 1 || left[0].ID != "b" {
					t.Errorf("%v, %v", left, err)
				}
			})
		})
	}
}

func TestCreateSendsWhatHerokuDocuments(t *testing.T) {
	t.Parallel()
	var got map[string]any
	var header http.Header
	srv := serve(t, func(w http.ResponseWriter, r *http.Request, _ int) {
		header = r.Header
		if err := json.NewDecoder(r.Body).Decode(&got); err != nil {
			t.Error(err)
		}
		reply(w, 201, addOnJSON(addOnID, "acme-cache", "provisioning"))
	})
	c := srv.client(t)
	if _, err := c.CreateAddOn(t.Context(), appID, cache); err != nil {
		t.Fatal(err)
	}
	if want := `{"name":"acme-cache","plan":"heroku-redis:premium-0"}`; toJSON(t, got) != want {
		t.Errorf("sent %s, want %s", toJSON(t, got), want)
	}
	for name, want := range map[string]string{
		"Accept":                            "application/vnd.heroku+json; version=3",
		"Authorization":                     "Bearer " + token,
		"Content-Type":                      "application/json",
		"X-Heroku-Legacy-Provider-Messages": "true",
		"Idempotency-Key":                   "", // with it, net/http would send the request again by itself
	} {
		if header.Get(name) != want {
			t.Errorf("%s: %q", name, header.Get(name))
		}
	}
	full := cache
	full.AttachmentName, full.Confirm, full.Config = "REDIS", "orders-api", map[string]string{"timeout": "0"}
	if _, err := c.CreateAddOn(t.Context(), appID, full); err != nil {
		t.Fatal(err)
	}
	want := `{"attachment":{"name":"REDIS"},"config":{"timeout":"0"},"confirm":"orders-api","name":"acme-cache","plan":"heroku-redis:premium-0"}`
	if toJSON(t, got) != want {
		t.Errorf("sent %s, want %s", toJSON(t, got), want)
	}
}

func toJSON(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
