// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package faultmatrix

import (
	"testing"
	"time"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/acctest"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/sandbox"
)

// What people and other tools do beside Terraform.

// beside runs something with a client of somebody else's.
func beside(does func(*acctest.Lab, *heroku.Client) error) func(*acctest.Lab) {
	return func(l *acctest.Lab) {
		l.T.Helper()
		if err := does(l, l.Client(l.T)); err != nil {
			l.T.Fatal(err)
		}
	}
}

// withStore is beside for what is about orders-cache.
func withStore(does func(*acctest.Lab, *heroku.Client, heroku.AddOn) error) func(*acctest.Lab) {
	return beside(func(l *acctest.Lab, c *heroku.Client) error {
		addOn, err := c.FindAddOn(l.T.Context(), "orders-cache")
		if err != nil {
			return err
		}
		return does(l, c, addOn)
	})
}

// withSpace is beside for what is about acme-prod.
func withSpace(does func(*acctest.Lab, *heroku.Client, heroku.Space) error) func(*acctest.Lab) {
	return beside(func(l *acctest.Lab, c *heroku.Client) error {
		found, err := c.FindSpace(l.T.Context(), "acme-prod")
		if err != nil {
			return err
		}
		return does(l, c, found)
	})
}

func TestAccOutside(t *testing.T) {
	t.Parallel()
	shared := webApp + apiApp + store() + attachment
	run(t, map[string][]acctest.Experiment{
		"app": {
			{Name: "the name is somebody else's", Config: webApp, Exit: 1, Says: "An app with this name exists already",
				Outside: beside(func(l *acctest.Lab, c *heroku.Client) error {
					_, err := c.CreateApp(l.T.Context(), heroku.AppCreate{Name: "orders-web"})
					return err
				}), Repair: func(l *acctest.Lab) { l.Import() }},
			{Name: "deleted by hand", Before: webApp, Config: webApp, Outside: beside(func(l *acctest.Lab, c *heroku.Client) error {
				app, err := c.FindApp(l.T.Context(), "orders-web")
				if err != nil {
					return err
				}
				return c.DeleteApp(l.T.Context(), app.ID)
			})},
			{Name: "renamed by hand", Before: webApp, Config: webApp, Outside: func(l *acctest.Lab) { l.Request("PATCH", "/apps/orders-web", `{"name":"orders-www"}`) }},
			{Name: "a refused destroy with a store that nobody manages", Before: webApp, Config: webApp, Exit: 1, Rule: true, Says: "The app still owns add-ons",
				Outside: func(l *acctest.Lab) {
					l.Request("POST", "/apps/orders-web/addons", `{"plan":"heroku-redis:mini"}`)
				},
				Act: func(l *acctest.Lab) *acctest.Trial { return l.Destroy() }},
		},
		"store": {
			{Name: "the name is somebody else's", Before: webApp, Config: webApp + store(), Exit: 1, Says: "An add-on with this name exists already",
				Outside: func(l *acctest.Lab) {
					l.Request("POST", "/apps/orders-web/addons", `{"plan":"heroku-redis:premium-0","name":"orders-cache"}`)
				}, Repair: func(l *acctest.Lab) { l.Import() }},
			{Name: "deleted by hand", Before: webApp + store() + window, Config: webApp + store() + window, Reorders: 1, Outside: func(l *acctest.Lab) {
				l.Request("DELETE", "/apps/orders-web/addons/orders-cache", `{}`)
			}},
			{Name: "deleted by hand with its attachments", Before: shared, Config: shared, Reorders: 1, Outside: func(l *acctest.Lab) {
				l.Request("DELETE", "/apps/orders-web/addons/orders-cache", `{"force":true}`)
			}},
			{Name: "renamed by hand", Before: webApp + store(), Config: webApp + store(), Outside: func(l *acctest.Lab) {
				l.Request("PATCH", "/apps/orders-web/addons/orders-cache", `{"name":"orders-other"}`)
			}},
			{Name: "on another plan by hand", Before: webApp + store(), Config: webApp + store(), Outside: func(l *acctest.Lab) {
				l.Request("PATCH", "/apps/orders-web/addons/orders-cache", `{"plan":"heroku-redis:mini"}`)
				l.Clock().Advance(time.Hour)
			}},
			{Name: "other settings by hand", Before: webApp + store(), Config: webApp + store(), Outside: withStore(func(l *acctest.Lab, c *heroku.Client, a heroku.AddOn) error {
				timeout, policy := 17, "allkeys-lru"
				return c.UpdateStoreConfig(l.T.Context(), a.ID, heroku.StoreConfigUpdate{Timeout: &timeout, MaxmemoryPolicy: &policy})
			})},
			{Name: "promoted away by hand", Before: webApp + store(), Config: webApp + store(), Outside: withStore(func(l *acctest.Lab, c *heroku.Client, a heroku.AddOn) error {
				_, err := c.CreateAttachment(l.T.Context(), heroku.AttachmentCreate{AddOn: a.ID, App: a.AppID, Name: "BESIDE"})
				return err
			})},
		},
		"attachment": {
			{Name: "the name is somebody else's", Before: webApp + apiApp + store(), Config: shared, Exit: 1, Rule: true, Says: "The attachment name is in use",
				Outside: func(l *acctest.Lab) {
					l.Request("POST", "/apps/orders-api/addons", `{"plan":"heroku-redis:mini","attachment":{"name":"SHARED"},"name":"api-cache"}`)
				},
				After: webApp + apiApp + store() + edited(attachment, "SHARED", "JOINT")},
			{Name: "detached by hand", Before: shared, Config: shared, Outside: beside(func(l *acctest.Lab, c *heroku.Client) error {
				found, err := c.AppAttachment(l.T.Context(), "orders-api", "SHARED")
				if err != nil {
					return err
				}
				return c.DeleteAttachment(l.T.Context(), found.ID)
			})},
		},
		"space": {
			{Name: "the name is somebody else's", Config: space(), Exit: 1, Says: "A space with this name exists already",
				Outside: func(l *acctest.Lab) { l.Request("POST", "/spaces", `{"name":"acme-prod","team":"acme"}`) },
				Repair:  func(l *acctest.Lab) { l.Import() }},
			{Name: "deleted by hand", Before: space(), Config: space(), Reorders: 1, Outside: withSpace(func(l *acctest.Lab, c *heroku.Client, s heroku.Space) error {
				err := c.DeleteSpace(l.T.Context(), s.ID)
				l.Clock().Advance(10 * allocation)
				return err
			})},
			{Name: "transferred by hand", Before: space(), Config: space(), Outside: withSpace(func(l *acctest.Lab, c *heroku.Client, s heroku.Space) error {
				_, err := c.TransferSpace(l.T.Context(), s.ID, "acme-data")
				return err
			})},
			{Name: "renamed by hand", Before: space(), Config: space(), Outside: withSpace(func(l *acctest.Lab, c *heroku.Client, s heroku.Space) error {
				_, err := c.RenameSpace(l.T.Context(), s.ID, "acme-live")
				return err
			})},
		},
		"ranges": {
			{Name: "edited by hand", Before: space() + ranges, Config: space() + ranges, Outside: withSpace(func(l *acctest.Lab, c *heroku.Client, s heroku.Space) error {
				_, err := c.SetTrustedRanges(l.T.Context(), s.ID, []heroku.Rule{{Action: "allow", Source: "0.0.0.0/0"}})
				return err
			})},
		},
		"window": {
			{Name: "set by hand", Before: webApp + store() + window, Config: webApp + store() + window, Outside: withStore(func(l *acctest.Lab, c *heroku.Client, a heroku.AddOn) error {
				_, err := c.SetMaintenanceWindow(l.T.Context(), a.ID, "sunday", "02:30")
				return err
			})},
		},
	})
}

// Reads that lie: every resource meets every bad answer while it is refreshed, and nothing is taken for gone.
func TestAccReads(t *testing.T) {
	t.Parallel()
	experiments := map[string][]acctest.Experiment{}
	for i, s := range subjects {
		for j, f := range reads {
			if !f.always && !long() && (i+j)%len(subjects) != 0 {
				continue
			}
			experiments[s.name] = append(experiments[s.name], acctest.Experiment{
				Name: "read, " + f.name, Before: s.whole, Config: s.whole, Exit: f.exit, Budget: 200,
				Trouble: []sandbox.Fault{{Match: s.read, Do: f.do}},
				Act:     func(l *acctest.Lab) *acctest.Trial { return l.Plan() },
			})
		}
	}
	run(t, experiments)
}

var reads = []fault{
	{name: "404 of a proxy", do: sandbox.Effect{Status: 404, Body: text(page), ContentType: "text/html"}, exit: 1, always: true},
	{name: "an empty 404", do: sandbox.Effect{Status: 404, Body: text("")}, exit: 1},
	{name: "401", do: sandbox.Effect{Status: 401}, exit: 1},
	{name: "403", do: sandbox.Effect{Status: 403}, exit: 1},
	{name: "429 for good", do: sandbox.Effect{Status: 429}, exit: 1},
	{name: "503 for good", do: sandbox.Effect{Status: 503}, exit: 1},
	{name: "resets for good", do: sandbox.Effect{Reset: true}, exit: 1},
	{name: "a page with 200", do: sandbox.Effect{Status: 200, Body: text(page), ContentType: "text/html"}, exit: 1},
	{name: "an empty body", do: sandbox.Effect{Status: 200, Body: text("")}, exit: 1},
	{name: "null", do: sandbox.Effect{Status: 200, Body: text("null")}, exit: 1},
	{name: "an empty list", do: sandbox.Effect{Status: 200, Body: text("[]")}, exit: 1},
	{name: "another object", do: sandbox.Effect{Status: 200, Body: text(`{"id":"7c4e2a90-3b5d-4f8e-a1c6-d2e3f4a5b6c7"}`)}, exit: 1},
	{name: "cut in the middle", do: sandbox.Effect{Commit: true, Truncate: true}, exit: 1},
	{name: "10 MB", do: faults[13].do, exit: 1},
	{name: "a redirect to another host", do: sandbox.Effect{Status: 302, Body: text(""), Headers: map[string]string{"Location": "http://localhost:9/elsewhere"}}, exit: 1},
	{name: "unknown fields", do: sandbox.Effect{UnknownFields: true}},
}
