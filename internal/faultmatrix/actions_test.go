// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package faultmatrix

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/acctest"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/sandbox"
)

// Actions are invoked over the plugin protocol, since the oldest supported CLI has no actions.

// actionCase is an action, and the request by which it changes something.
type actionCase struct {
	given        map[string]any // configuration, beside the id
	write        sandbox.Match
	idempotent   bool // the request may be sent again without a check
	unobservable bool // no read shows whether the request took effect, so that an unreadable answer is an error
	due          bool // the action needs a maintenance that waits for its window
}

var actionCases = map[string]actionCase{
	"kvs_reset_stats":          {nil, on("POST", "/redis/v0/databases/*/stats/reset"), true, true, false},
	"kvs_rotate_credentials":   {nil, on("POST", "/redis/v0/databases/*/credentials_rotation"), false, false, false},
	"kvs_run_maintenance":      {map[string]any{"confirm": "orders-web"}, on("POST", "/data/maintenances/v1/*/run"), false, false, true},
	"kvs_schedule_maintenance": {map[string]any{"in_weeks": 2}, on("POST", "/data/maintenances/v1/*/schedule"), false, false, true},
	"kvs_set_app_maintenance":  {map[string]any{"maintenance": true}, on("PATCH", "/apps/*"), true, false, false},
	"kvs_upgrade_version":      {map[string]any{"version": "8.0"}, on("POST", "/redis/v0/databases/*/upgrade"), false, false, false},
}

// writeFault is a fault of an action's write. A write that took effect in spite of it must not be repeated.
type writeFault struct {
	name string
	do   sandbox.Effect
	once bool // the next try succeeds
}

var writeFaults = []writeFault{
	{"401", sandbox.Effect{Status: 401}, false},
	{"403", sandbox.Effect{Status: 403}, false},
	{"404", sandbox.Effect{Status: 404}, false},
	{"404 of a proxy", sandbox.Effect{Status: 404, Body: text(page), ContentType: "text/html"}, false},
	{"422", sandbox.Effect{Status: 422}, false},
	{"429 for good", sandbox.Effect{Status: 429}, false},
	{"500 for good", sandbox.Effect{Status: 500}, false},
	{"resets for good", sandbox.Effect{Reset: true}, false},
	{"a page with 200", sandbox.Effect{Status: 200, Body: text(page), ContentType: "text/html"}, false},
	{"reset before", sandbox.Effect{Reset: true}, true},
	{"reset after commit", sandbox.Effect{Commit: true, Reset: true}, true},
	{"503 page after commit", sandbox.Effect{Commit: true, Status: 503, Body: text(page), ContentType: "text/html"}, true},
	{"a page with 200 after commit", sandbox.Effect{Commit: true, Status: 200, Body: text(page), ContentType: "text/html"}, true},
	{"cut in the middle", sandbox.Effect{Commit: true, Truncate: true}, true},
}

// Each action is invoked with each fault: it reports what support needs to know, or takes effect exactly once.
func TestActions_writeFaults(t *testing.T) {
	t.Parallel()
	for name, d := range actionCases {
		for _, m := range writeFaults {
			t.Run(name+", "+m.name, func(t *testing.T) {
				t.Parallel()
				sb := acctest.Start(t, func(o *sandbox.Options) { o.Engine = "miniredis" })
				there := d.prepare(t, sb)
				fault := sandbox.Fault{Match: d.write, Do: m.do}
				if m.once {
					fault.Match.Times = 1
				}
				sb.Inject(fault)
				sb.ResetJournal()
				diagnostics := d.invoke(t, sb, name, there)
				if sb.Faults()[0].Struck == 0 {
					t.Fatalf("it sent no such request: %v, %s", sb.Journal(), words(diagnostics))
				}
				m.check(t, d, sb, diagnostics)
			})
		}
	}
}

// check compares the diagnostics and the requests with the expected ones.
func (m writeFault) check(t *testing.T, d actionCase, sb *acctest.Sandbox, diagnostics []*tfprotov6.Diagnostic) {
	t.Helper()
	readable := m.do.Status != 200 && !m.do.Truncate
	if m.once && (readable || !d.unobservable) {
		expectNone(t, diagnostics)
	} else {
		expectReport(t, diagnostics, sb, m.do)
	}
	done := 0
	for _, r := range sb.Journal() {
		if r.Method != "GET" && (r.Fault == "" || m.do.Commit) {
			done++
		}
	}
	switch {
	case !m.once && done != 0:
		t.Errorf("%d times something was done", done)
	case m.once && done != 1 && !(d.idempotent && done == 2):
		t.Errorf("it was done %d times: %s", done, words(diagnostics))
	}
}

func TestActions_allAreTested(t *testing.T) {
	t.Parallel()
	_, schema := server(t, acctest.Start(t, func(o *sandbox.Options) { o.Engine = "miniredis" }))
	if there, here := slices.Sorted(maps.Keys(schema.ActionSchemas)), slices.Sorted(maps.Keys(actionCases)); !slices.Equal(there, here) {
		t.Errorf("there are %q, and here %q", there, here)
	}
}

// prepare creates an app and a store for an action, and returns their ids by the names of the action's attributes.
func (d actionCase) prepare(t *testing.T, sb *acctest.Sandbox) map[string]string {
	t.Helper()
	c, ctx := sb.Client(t), t.Context()
	app, err := c.CreateApp(ctx, heroku.AppCreate{Name: "orders-web"})
	var store heroku.AddOn
	if err == nil {
		store, err = c.CreateAddOn(ctx, app.ID, heroku.AddOnCreate{Plan: "heroku-redis:premium-0", Name: "orders-cache", AttachmentName: "REDIS"})
	}
	if err == nil {
		_, err = c.WaitStoreAvailable(ctx, store.ID, "", time.Hour)
	}
	if err == nil && d.due {
		err = sb.RequireMaintenance("orders-cache", 6*7*24*time.Hour)
	}
	if err == nil && d.due {
		_, err = c.WaitMaintenanceReady(ctx, store.ID, time.Hour)
	}
	if err != nil {
		t.Fatal(err)
	}
	return map[string]string{"app_id": string(app.ID), "instance_id": string(store.ID)}
}

// invoke runs an action to its end and returns its diagnostics.
func (d actionCase) invoke(t *testing.T, sb *acctest.Sandbox, name string, there map[string]string) []*tfprotov6.Diagnostic {
	t.Helper()
	provider, schemas := server(t, sb)
	schema := schemas.ActionSchemas[name].Schema
	given := map[string]tftypes.Value{}
	for _, attribute := range schema.Block.Attributes {
		if value, ok := d.given[attribute.Name]; ok {
			given[attribute.Name] = tftypes.NewValue(attribute.ValueType(), value)
		} else if id, ok := there[attribute.Name]; ok && strings.HasSuffix(attribute.Name, "_id") {
			given[attribute.Name] = text6(id)
		}
	}
	actions := provider.(tfprotov6.ActionServer)
	stream, err := actions.InvokeAction(t.Context(), &tfprotov6.InvokeActionRequest{ActionType: name,
		Config: dynamic(t, schema.ValueType(), object(schema, given))})
	if err != nil {
		t.Fatal(err)
	}
	var diagnostics []*tfprotov6.Diagnostic
	for event := range stream.Events {
		if end, ok := event.Type.(tfprotov6.CompletedInvokeActionEventType); ok {
			diagnostics = append(diagnostics, end.Diagnostics...)
		}
	}
	return diagnostics
}
