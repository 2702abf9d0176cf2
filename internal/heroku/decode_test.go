// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package heroku_test

import (
	"net/http"
	"reflect"
	"testing"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
)

func outcome(name string) handler {
	return func(w http.ResponseWriter, r *http.Request, _ int) { outcomes[name](w, r) }
}

// answering returns a server that sends this body in response to every request, and a client of it.
func answering(t *testing.T, body string) (*fake, *heroku.Client) {
	srv := serve(t, func(w http.ResponseWriter, _ *http.Request, _ int) { reply(w, 200, body) })
	return srv, srv.client(t)
}

// wantRequest checks that the server got one request, and which.
func wantRequest(t *testing.T, srv *fake, want string) {
	t.Helper()
	if got := srv.requests(); len(got) != 1 || got[0] != want {
		t.Errorf("requests %v, want %s", got, want)
	}
}

func equal(t *testing.T, got, want any, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestAppIsReadAsDocumented(t *testing.T) {
	t.Parallel()
	const whole = `{
  "acm": false, "archived_at": null, "build_stack": {"id": "f9f9cbd7-2970-41ef-8db5-3df7123b041f", "name": "heroku-24"},
  "created_at": "2026-01-14T09:10:41Z", "generation": {"id": "69a1f3d8-5b2e-4c7a-9e0f-3c4d5e6f7a80", "name": "cedar"},
  "id": "e3b1a6c2-9d47-4e5f-8a2b-6c7d8e9f0a1b", "internal_routing": true, "maintenance": true, "name": "orders-api",
  "organization": {"id": "b7a3c5d0-1c2e-4f7b-8d33-0c9f2e8a4411", "name": "acme-platform"},
  "region": {"id": "3544427c-5b3b-4e1e-b01a-b66362573b26", "name": "virginia"}, "repo_size": null,
  "space": {"id": "2d6f8f4b-0a1c-4f6e-93c4-7b1d2e5f6a70", "name": "acme-prod", "shield": true},
  "team": {"id": "b7a3c5d0-1c2e-4f7b-8d33-0c9f2e8a4411", "name": "acme-platform"},
  "updated_at": "2026-01-14T09:10:44Z", "web_url": "https://orders-api-4f1e7a9c2b60.herokuapp.com/", "joined": true, "something_new": {"a": [1]}
}`
	app := heroku.App{
		ID: appID, Name: "orders-api", Region: "virginia", Team: "acme-platform", Maintenance: true, InternalRouting: true,
		Space: &heroku.SpaceRef{ID: "2d6f8f4b-0a1c-4f6e-93c4-7b1d2e5f6a70", Name: "acme-prod", Shield: true}, Generation: "cedar",
		WebURL: "https://orders-api-4f1e7a9c2b60.herokuapp.com/", CreatedAt: "2026-01-14T09:10:41Z", UpdatedAt: "2026-01-14T09:10:44Z",
	}
	plain := heroku.App{ID: appID, Name: "orders-api"}
	for name, c := range map[string]struct {
		body string
		want heroku.App
	}{
		"whole": {whole, app},
		"nulls everywhere": {`{"id":"e3b1a6c2-9d47-4e5f-8a2b-6c7d8e9f0a1b","name":"orders-api","generation":null,"region":null,"team":null,
			"organization":null,"space":null,"maintenance":null,"internal_routing":null,"web_url":null,"created_at":null,"updated_at":null}`, plain},
		"nothing but the id and name": {`{"id":"e3b1a6c2-9d47-4e5f-8a2b-6c7d8e9f0a1b","name":"orders-api"}`, plain},
		"references as names": {`{"id":"e3b1a6c2-9d47-4e5f-8a2b-6c7d8e9f0a1b","name":"orders-api","region":"us","organization":"acme","generation":"fir"}`,
			heroku.App{ID: appID, Name: "orders-api", Region: "us", Team: "acme", Generation: "fir"}},
		"types that nobody expects": {`{"id":"e3b1a6c2-9d47-4e5f-8a2b-6c7d8e9f0a1b","name":"orders-api","generation":[],"region":[],"team":{"name":null},
			"space":{"id":{}},"maintenance":"true","web_url":{},"created_at":[]}`, heroku.App{ID: appID, Name: "orders-api", Maintenance: true}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv, client := answering(t, c.body)
			got, err := client.App(t.Context(), appID)
			equal(t, got, c.want, err)
			wantRequest(t, srv, "GET /apps/"+string(appID))
		})
	}
}

func TestAddOnIsReadAsDocumented(t *testing.T) {
	t.Parallel()
	cents := 90000
	for name, c := range map[string]struct {
		body string
		want heroku.AddOn
	}{
		"whole": {`{
  "actions": [], "addon_service": {"id": "5bbf672c-07f6-49c2-9c16-f1dcb96784db", "name": "heroku-redis"},
  "app": {"id": "e3b1a6c2-9d47-4e5f-8a2b-6c7d8e9f0a1b", "name": "orders-api"},
  "billed_price": {"cents": 90000, "contract": false, "unit": "month"}, "billing_entity": {"id": "e3b1", "name": "orders-api", "type": "app"},
  "config_vars": ["REDIS_URL"], "created_at": "2026-01-14T09:12:30Z", "id": "7c4e2a90-3b5d-4f8e-a1c6-d2e3f4a5b6c7",
  "name": "redis-curved-48210", "plan": {"id": "ad3f2c10-7b64-4f0e-9c1d-2e3f4a5b6c7d", "name": "heroku-redis:private-7"},
  "provider_id": "7c4e", "state": "provisioned", "updated_at": "2026-01-14T09:21:07Z", "web_url": "https://addons-sso.heroku.com/x",
  "provision_message": "Your add-on should be available in a few minutes."}`, heroku.AddOn{
			ID: addOnID, Name: "redis-curved-48210", AppID: appID, AppName: "orders-api", Service: "heroku-redis",
			Plan:  "heroku-redis:private-7",
			State: heroku.StateProvisioned, ConfigVars: []string{"REDIS_URL"}, WebURL: "https://addons-sso.heroku.com/x",
			CreatedAt: "2026-01-14T09:12:30Z", UpdatedAt: "2026-01-14T09:21:07Z", BilledCents: &cents,
			ProvisionMessage: "Your add-on should be available in a few minutes.",
		}},
		"nulls everywhere": {`{"id":"7c4e2a90-3b5d-4f8e-a1c6-d2e3f4a5b6c7","name":"x","app":null,"addon_service":null,"plan":null,"state":null,
			"config_vars":null,"billed_price":null,"web_url":null}`, heroku.AddOn{ID: addOnID, Name: "x"}},
		"types that nobody expects": {`{"id":"7c4e2a90-3b5d-4f8e-a1c6-d2e3f4a5b6c7","name":"x","plan":"heroku-redis:mini","config_vars":[null,"A_URL",7],
			"billed_price":{"cents":"90000"}}`, heroku.AddOn{
			ID: addOnID, Name: "x", Plan: "heroku-redis:mini", ConfigVars: []string{"A_URL", "7"}, BilledCents: &cents,
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv, client := answering(t, c.body)
			got, err := client.AddOn(t.Context(), addOnID)
			equal(t, got, c.want, err)
			wantRequest(t, srv, "GET /addons/"+string(addOnID))
		})
	}
}

func TestAttachmentIsReadAsDocumented(t *testing.T) {
	t.Parallel()
	want := heroku.Attachment{
		ID: attachmentID, Name: "REDIS", AppID: appID, AppName: "orders-worker", AddOnID: addOnID, AddOnName: "acme-cache",
		OwnerAppID: "owner-app", OwnerAppName: "orders-api", CreatedAt: "2026-01-14T10:02:00Z", ConfigVars: []string{"REDIS_URL"},
	}
	one := attachmentJSON(attachmentID, "REDIS", addOnID)
	var inclusion string
	srv := serve(t, func(w http.ResponseWriter, r *http.Request, _ int) {
		inclusion = r.Header.Get("Accept-Inclusion")
		if r.URL.Path == "/addon-attachments/"+string(attachmentID) || r.URL.Path == "/apps/orders-worker/addon-attachments/REDIS" {
			reply(w, 200, one)
			return
		}
		reply(w, 200, "["+one+"]")
	})
	c, ctx := srv.client(t), t.Context()

	single, err := c.Attachment(ctx, attachmentID)
	equal(t, single, want, err)
	single, err = c.AppAttachment(ctx, "orders-worker", "REDIS")
	equal(t, single, want, err)
	all, err := c.AppAttachments(ctx, appID)
	equal(t, all, []heroku.Attachment{want}, err)
	all, err = c.AddOnAttachments(ctx, addOnID)
	equal(t, all, []heroku.Attachment{want}, err)

	equal(t, srv.requests(), []string{
		"GET /addon-attachments/" + string(attachmentID), "GET /apps/orders-worker/addon-attachments/REDIS",
		"GET /apps/" + string(appID) + "/addon-attachments", "GET /addons/" + string(addOnID) + "/addon-attachments",
	}, nil)
	if inclusion != "addon:plan,config_vars" {
		t.Errorf("Accept-Inclusion: %q", inclusion)
	}
}

func TestPlansAreReadAsDocumented(t *testing.T) {
	t.Parallel()
	srv, c := answering(t, `[{"addon_service":{"id":"5bbf","name":"heroku-redis"},"compliance":null,"created_at":"2016-09-08T00:00:00Z","default":false,
"description":"Heroku Key-Value Store Private 7","human_name":"Private 7","id":"ad3f","installable_inside_private_network":true,
"installable_outside_private_network":false,"name":"heroku-redis:private-7","price":{"cents":90000,"contract":false,"unit":"month"},
"space_default":true,"state":"ga","visible":true},{"id":"x","name":"heroku-redis:future","price":null,"default":null}]`)
	got, err := c.Plans(t.Context())
	equal(t, got, []heroku.Plan{{
		ID: "ad3f", Name: "heroku-redis:private-7", HumanName: "Private 7", Description: "Heroku Key-Value Store Private 7", State: "ga",
		Cents:        90000,
		SpaceDefault: true, InsidePrivate: true, Visible: true,
	}, {ID: "x", Name: "heroku-redis:future"}}, err)
	wantRequest(t, srv, "GET /addon-services/heroku-redis/plans")
}

func TestRegionsAreReadAsDocumented(t *testing.T) {
	t.Parallel()
	srv, c := answering(t, `[{"country":"United States","created_at":"2014-06-19T18:25:12Z","description":"Virginia, United States",
"id":"3544427c-5b3b-4e1e-b01a-b66362573b26","locale":"Virginia","name":"virginia","private_capable":true,
"provider":{"name":"amazon-web-services","region":"us-east-1"},"updated_at":"2016-08-09T22:03:28Z"},{"name":"moon","provider":null}]`)
	got, err := c.Regions(t.Context())
	equal(t, got, []heroku.Region{{
		ID: "3544427c-5b3b-4e1e-b01a-b66362573b26", Name: "virginia", Country: "United States", Locale: "Virginia",
		Description: "Virginia, United States", PrivateCapable: true, Provider: "amazon-web-services", ProviderRegion: "us-east-1",
	}, {Name: "moon"}}, err)
	wantRequest(t, srv, "GET /regions")
}

func TestSmallReads(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	srv, c := answering(t, `{"remaining":4312}`)
	remaining, err := c.RateLimit(ctx)
	equal(t, remaining, 4312, err)
	wantRequest(t, srv, "GET /account/rate-limits")

	srv, c = answering(t, `{"REDIS_URL":"rediss://:p@h:1","CACHE_TTL":"300","EXOTIC":null}`)
	names, err := c.ConfigVarNames(ctx, appID)
	equal(t, names, []string{"CACHE_TTL", "EXOTIC", "REDIS_URL"}, err)
	wantRequest(t, srv, "GET /apps/"+string(appID)+"/config-vars")

	srv, c = answering(t, `{}`)
	names, err = c.ConfigVarNames(ctx, appID)
	equal(t, names, []string{}, err)
	wantRequest(t, srv, "GET /apps/"+string(appID)+"/config-vars")

	srv, c = answering(t, "["+addOnJSON(addOnID, "acme-cache", "provisioned")+"]")
	found, err := c.ResolveAddOn(ctx, "orders-api", "REDIS")
	equal(t, len(found), 1, err)
	wantRequest(t, srv, "POST /actions/addons/resolve")

	srv, c = answering(t, "[]")
	found, err = c.AppAddOns(ctx, appID)
	equal(t, len(found), 0, err)
	wantRequest(t, srv, "GET /apps/"+string(appID)+"/addons")
}

func TestWritesGoWhereHerokuDocumentsThem(t *testing.T) {
	t.Parallel()
	ctx, name, on := t.Context(), "new-name", false
	app, addOn := appJSON(appID, "orders-api"), addOnJSON(addOnID, "acme-cache", "provisioned")
	for what, c := range map[string]struct {
		do     func(*heroku.Client) error
		answer string
		want   string
	}{
		"a personal app": {func(c *heroku.Client) error {
			_, err := c.CreateApp(ctx, heroku.AppCreate{Name: "orders-api", Region: "eu"})
			return err
		}, app, `POST /apps {"name":"orders-api","region":"eu"}`},
		"a team's app": {func(c *heroku.Client) error {
			_, err := c.CreateApp(ctx, heroku.AppCreate{Name: "orders-api", Team: "acme"})
			return err
		}, app, `POST /teams/apps {"name":"orders-api","team":"acme"}`},
		"maintenance off": {func(c *heroku.Client) error {
			_, err := c.UpdateApp(ctx, appID, heroku.AppUpdate{Maintenance: &on})
			return err
		}, app, `PATCH /apps/` + string(appID) + ` {"maintenance":false}`},
		"an app's name": {func(c *heroku.Client) error {
			_, err := c.UpdateApp(ctx, appID, heroku.AppUpdate{Name: &name})
			return err
		}, app, `PATCH /apps/` + string(appID) + ` {"name":"new-name"}`},
		"an app's team": {func(c *heroku.Client) error { _, err := c.TransferApp(ctx, appID, "acme"); return err },
			app, `PATCH /teams/apps/` + string(appID) + ` {"owner":"acme"}`},
		"an app's end": {func(c *heroku.Client) error { return c.DeleteApp(ctx, appID) }, app, `DELETE /apps/` + string(appID) + ` `},
		"an add-on's name alone": {func(c *heroku.Client) error {
			_, err := c.UpdateAddOn(ctx, appID, addOnID, heroku.AddOnUpdate{Name: &name})
			return err
		}, addOn, `PATCH /apps/` + string(appID) + `/addons/` + string(addOnID) + ` {"name":"new-name"}`},
		"an add-on's plan alone": {func(c *heroku.Client) error {
			_, err := c.UpdateAddOn(ctx, appID, addOnID, heroku.AddOnUpdate{Plan: &name})
			return err
		}, addOn, `PATCH /apps/` + string(appID) + `/addons/` + string(addOnID) + ` {"plan":{"name":"new-name"}}`},
		"an add-on's end": {func(c *heroku.Client) error { return c.DeleteAddOn(ctx, appID, addOnID) },
			addOn, `DELETE /apps/` + string(appID) + `/addons/` + string(addOnID) + ` `},
		"an attachment": {func(c *heroku.Client) error {
			_, err := c.CreateAttachment(ctx, heroku.AttachmentCreate{AddOn: addOnID, App: appID, Name: "REDIS", Confirm: "orders-worker"})
			return err
		}, attachmentJSON(attachmentID, "REDIS", addOnID),
			`POST /addon-attachments {"addon":"` + string(addOnID) + `","app":"` + string(appID) + `","confirm":"orders-worker","name":"REDIS"}`},
		"an attachment's end": {func(c *heroku.Client) error { return c.DeleteAttachment(ctx, attachmentID) },
			attachmentJSON(attachmentID, "REDIS", addOnID), `DELETE /addon-attachments/` + string(attachmentID) + ` `},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			var got string
			srv := serve(t, func(w http.ResponseWriter, r *http.Request, _ int) {
				body := make([]byte, 1000)
				n, _ := r.Body.Read(body)
				got = r.Method + " " + r.URL.Path + " " + string(body[:n])
				reply(w, 200, c.answer)
			})
			if err := c.do(srv.client(t)); err != nil || got != c.want || len(srv.requests()) != 1 {
				t.Errorf("%v\ngot  %s\nwant %s", err, got, c.want)
			}
		})
	}
}

func TestGoneAlreadyIsDeleted(t *testing.T) {
	t.Parallel()
	srv := serve(t, func(w http.ResponseWriter, _ *http.Request, _ int) { reply(w, 404, notFound) })
	c, ctx := srv.client(t), t.Context()
	for _, err := range []error{c.DeleteApp(ctx, appID), c.DeleteAddOn(ctx, appID, addOnID), c.DeleteAttachment(ctx, attachmentID)} {
		if err != nil {
			t.Error(err)
		}
	}
}
