// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package faultmatrix

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/acctest"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/sandbox"
)

func TestMain(m *testing.M) { acctest.ExperimentMain(m) }

// long says that the long form is asked for: every cell, not a choice of them.
func long() bool { return acctest.LongExperiments() }

// verb is one of the requests by which a resource changes something, and the configurations before and after it.
type verb struct {
	name          string
	before, after string
	destroy       bool
	match         sandbox.Match
}

type subject struct {
	name  string
	verbs []verb
	read  sandbox.Match // by which a refresh sees it
	whole string
}

const (
	webApp = `
resource "kvs_app" "web" {
  name = "orders-web"
}
`
	apiApp = `
resource "kvs_app" "api" {
  name = "orders-api"
}
`
	attachment = `
resource "kvs_attachment" "shared" {
  app_id      = kvs_app.api.id
  instance_id = kvs_instance.cache.id
  name        = "SHARED"
}
`
	window = `
resource "kvs_maintenance_window" "cache" {
  instance_id = kvs_instance.cache.id
  day         = "Monday"
  time        = "22:30"
}
`
	ranges = `
resource "kvs_trusted_ip_ranges" "prod" {
  space_id   = kvs_private_space.prod.id
  on_destroy = "open"
  ranges     = { "192.0.2.0/24" = {} }
}
`
)

func store(settings ...string) string {
	return fmt.Sprintf(`
resource "kvs_instance" "cache" {
  app_id              = kvs_app.web.id
  plan                = "premium-0"
  name                = "orders-cache"
  deletion_protection = false
  %s
}
`, strings.Join(settings, "\n  "))
}

func space(settings ...string) string {
	return fmt.Sprintf(`
resource "kvs_private_space" "prod" {
  name                = "acme-prod"
  team                = "acme"
  deletion_protection = false
  %s
}
`, strings.Join(settings, "\n  "))
}

func edited(config string, oldnew ...string) string {
	return strings.NewReplacer(oldnew...).Replace(config)
}

func on(method, path string) sandbox.Match { return sandbox.Match{Method: method, Path: path} }

var subjects = []subject{
	{"app", []verb{
		{"create", "", webApp, false, on("POST", "/apps")},
		{"update", webApp, edited(webApp, "orders-web", "orders-www"), false, on("PATCH", "/apps/*")},
		{"delete", webApp, webApp, true, on("DELETE", "/apps/*")},
	}, on("GET", "^/apps(/[^/]+)?$"), webApp},
	{"space", []verb{
		{"create", "", space(), false, on("POST", "/spaces")},
		{"update", space(), edited(space(), "acme-prod", "acme-live"), false, on("PATCH", "/spaces/*")},
		{"delete", space(), space(), true, on("DELETE", "/spaces/*")},
	}, on("GET", "^/spaces(/[^/]+)?$"), space()},
	{"ranges", []verb{
		{"create", space(), space() + ranges, false, on("PUT", "/spaces/*/inbound-ruleset")},
		{"update", space() + ranges, space() + edited(ranges, "192.0.2.0/24", "198.51.100.0/24"), false, on("PUT", "/spaces/*/inbound-ruleset")},
		{"delete", space() + ranges, space(), false, on("PUT", "/spaces/*/inbound-ruleset")},
	}, on("GET", "/spaces/*/inbound-ruleset"), space() + ranges},
	{"store", []verb{
		{"create", webApp, webApp + store(), false, on("POST", "/apps/*/addons")},
		{"update", webApp + store(), webApp + edited(store(), "premium-0", "premium-1"), false, on("PATCH", "/apps/*/addons/*")},
		{"settings", webApp + store(), webApp + store(`timeout = 60`), false, on("PATCH", "/redis/v0/databases/*/config")},
		{"delete", webApp + store(), webApp, false, on("DELETE", "/apps/*/addons/*")},
	}, on("GET", "^/addons(/[^/]+)?$"), webApp + store()},
	{"attachment", []verb{
		{"create", webApp + apiApp + store(), webApp + apiApp + store() + attachment, false, on("POST", "/addon-attachments")},
		{"update", webApp + apiApp + store() + attachment, webApp + apiApp + store() + edited(attachment, "SHARED", "JOINT"), false, on("POST", "/addon-attachments")},
		{"drop", webApp + apiApp + store() + attachment, webApp + apiApp + store() + edited(attachment, "SHARED", "JOINT"), false, on("DELETE", "/addon-attachments/*")},
		{"delete", webApp + apiApp + store() + attachment, webApp + apiApp + store(), false, on("DELETE", "/addon-attachments/*")},
	}, on("GET", "^/addon-attachments(/[^/]+)?$"), webApp + apiApp + store() + attachment},
	{"window", []verb{
		{"create", webApp + store(), webApp + store() + window, false, on("POST", "/data/maintenances/v1/*/window")},
		{"update", webApp + store() + window, webApp + store() + edited(window, "Monday", "Friday"), false, on("POST", "/data/maintenances/v1/*/window")},
	}, on("GET", "/redis/v0/databases/*"), webApp + store() + window},
}

// fault is one thing that goes wrong with a request that writes, and how the run ends.
type fault struct {
	name   string
	do     sandbox.Effect
	always bool // in the short form, too, with every verb
	exit   int
	forbid bool // it lasts: strikes each time
	slow   bool // the client has to lose its patience
}

func text(s string) *string { return &s }

const page = "<html><body>Application error</body></html>"

var faults = []fault{
	{name: "reset after commit", do: sandbox.Effect{Commit: true, Reset: true}, always: true},
	{name: "503 page after commit", do: sandbox.Effect{Commit: true, Status: 503, Body: text(page), ContentType: "text/html"}, always: true},
	{name: "reset before read", do: sandbox.Effect{Reset: true}},
	{name: "502 after commit", do: sandbox.Effect{Commit: true, Status: 502}},
	{name: "504 after commit", do: sandbox.Effect{Commit: true, Status: 504, Body: text("")}},
	{name: "501 after commit", do: sandbox.Effect{Commit: true, Status: 501}},
	{name: "500 before", do: sandbox.Effect{Status: 500}},
	{name: "no answer in time after commit", do: sandbox.Effect{Commit: true, Hang: true}, slow: true},
	{name: "no answer in time before", do: sandbox.Effect{Hang: true}, slow: true},
	{name: "cut in the middle", do: sandbox.Effect{Commit: true, Truncate: true}},
	{name: "a page with 200", do: sandbox.Effect{Commit: true, Status: 200, Body: text(page), ContentType: "text/html"}},
	{name: "an empty body", do: sandbox.Effect{Commit: true, Status: 200, Body: text("")}},
	{name: "null", do: sandbox.Effect{Commit: true, Status: 200, Body: text("null")}},
	{name: "another type", do: sandbox.Effect{Commit: true, Status: 200, Body: text(`["x"]`)}},
	{name: "10 MB", do: sandbox.Effect{Commit: true, Status: 200, Body: text(`{"id":"` + strings.Repeat("x", 10<<20) + `"}`)}},
	{name: "unknown fields and states", do: sandbox.Effect{UnknownFields: true, UnknownEnum: true}},
	{name: "409 once", do: sandbox.Effect{Status: 409}},
	{name: "429 without Retry-After", do: sandbox.Effect{Status: 429}},
	{name: "429 tiny", do: retryAfter("0")},
	{name: "429 huge", do: retryAfter("99999999999999999999999")},
	{name: "429 negative", do: retryAfter("-5")},
	{name: "429 date", do: retryAfter("Wed, 14 Jan 2026 09:00:20 GMT")},
	{name: "429 epoch", do: retryAfter("1768381200")},
	{name: "429 garbage", do: retryAfter("soon")},
	{name: "429 for good", do: sandbox.Effect{Status: 429}, exit: 1, forbid: true},
	{name: "400", do: sandbox.Effect{Status: 400}, exit: 1, forbid: true},
	{name: "401", do: sandbox.Effect{Status: 401}, exit: 1, forbid: true},
	{name: "402", do: sandbox.Effect{Status: 402, Body: text(`{"id":"delinquent","message":"Please pay."}`)}, exit: 1, forbid: true},
	{name: "403", do: sandbox.Effect{Status: 403}, exit: 1, forbid: true},
	{name: "422", do: sandbox.Effect{Status: 422}, exit: 1, forbid: true},
	{name: "423", do: sandbox.Effect{Status: 423}, exit: 1, forbid: true},
	{name: "500 for good", do: sandbox.Effect{Status: 500}, exit: 1, forbid: true},
	{name: "resets for good", do: sandbox.Effect{Reset: true}, exit: 1, forbid: true},
	{name: "404 of a proxy", do: sandbox.Effect{Status: 404, Body: text(page), ContentType: "text/html"}, exit: 1, forbid: true},
	{name: "a redirect to another host", do: sandbox.Effect{Status: 307, Body: text(""), Headers: map[string]string{"Location": "http://localhost:9/elsewhere"}}, exit: 1, forbid: true},
}

func retryAfter(value string) sandbox.Effect {
	return sandbox.Effect{Status: 429, Headers: map[string]string{"Retry-After": value}}
}

// experiment is one cell of the matrix.
func (f fault) experiment(v verb) acctest.Experiment {
	e := acctest.Experiment{
		Name: v.name + ", " + f.name, Before: v.before, Config: v.after, Gone: v.destroy, Exit: f.exit,
		Trouble: []sandbox.Fault{{Match: v.match, Do: f.do}},
	}
	if !f.forbid {
		e.Trouble[0].Match.Times = 1
	}
	e.Act = func(l *acctest.Lab) *acctest.Trial {
		if f.slow {
			l.Patience(300 * time.Millisecond)
		}
		if v.destroy {
			return l.Destroy()
		}
		return l.Apply()
	}
	return e
}

// Every write of every resource meets every fault. The short form has the most dangerous of them for each, and the
// others in turn.
func TestAccFaults(t *testing.T) {
	t.Parallel()
	for i, s := range subjects {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			for j, v := range s.verbs {
				for k, f := range faults {
					if always := f.always && v.name == "create"; !always && !long() && k%cells != 5*(4*i+j)%cells {
						continue
					}
					e := f.experiment(v)
					t.Run(e.Name, func(t *testing.T) {
						t.Parallel()
						e.Run(t)
					})
				}

			}
		})
	}
}

// cells is how many of the faults share a turn in the short form: one of as many.
const cells = 34
