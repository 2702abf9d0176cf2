// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package faultmatrix

import (
	"cmp"
	"fmt"
	"hash/crc32"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/acctest"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/sandbox"
)

func TestMain(m *testing.M) { acctest.Main(m) }

// long reports whether the long form runs, which has every cell of the matrix instead of a sample.
func long() bool { return acctest.LongForm() }

// writeCase is one of the requests by which a resource changes something, and the configurations before and after it.
type writeCase struct {
	name          string
	before, after string
	destroy       bool
	match         sandbox.Match
}

// subject is a resource of the matrix.
type subject struct {
	name   string
	writes []writeCase
	read   sandbox.Match // the request of a refresh
	config string
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
	access = `
resource "kvs_space_app_access" "prod" {
  space_id    = kvs_private_space.prod.id
  email       = "member@acme.example"
  permissions = ["create_apps"]
}
`
	formation = `
resource "kvs_formation" "web" {
  app_id   = kvs_app.web.id
  type     = "web"
  quantity = 2
}
`
	oneRange = `
resource "kvs_trusted_ip_range" "office" {
  space_id     = kvs_private_space.prod.id
  range        = "192.0.2.0/24"
  closes_space = true
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
	{"app", []writeCase{
		{"create", "", webApp, false, on("POST", "/apps")},
		{"update", webApp, edited(webApp, "orders-web", "orders-www"), false, on("PATCH", "/apps/*")},
		{"delete", webApp, webApp, true, on("DELETE", "/apps/*")},
	}, on("GET", "^/apps(/[^/]+)?$"), webApp},
	{"space", []writeCase{
		{"create", "", space(), false, on("POST", "/spaces")},
		{"update", space(), edited(space(), "acme-prod", "acme-live"), false, on("PATCH", "/spaces/*")},
		{"delete", space(), space(), true, on("DELETE", "/spaces/*")},
	}, on("GET", "^/spaces(/[^/]+)?$"), space()},
	{"ranges", []writeCase{
		{"create", space(), space() + ranges, false, on("PUT", "/spaces/*/inbound-ruleset")},
		{"update", space() + ranges, space() + edited(ranges, "192.0.2.0/24", "198.51.100.0/24"), false, on("PUT", "/spaces/*/inbound-ruleset")},
		{"delete", space() + ranges, space(), false, on("PUT", "/spaces/*/inbound-ruleset")},
	}, on("GET", "/spaces/*/inbound-ruleset"), space() + ranges},
	{"range", []writeCase{
		{"create", space(), space() + oneRange, false, on("PUT", "/spaces/*/inbound-ruleset")},
		{"update", space() + oneRange, space() + edited(oneRange, "192.0.2.0/24", "198.51.100.0/24"), false,
			on("PUT", "/spaces/*/inbound-ruleset")},
		{"delete", space() + oneRange, space(), false, on("PUT", "/spaces/*/inbound-ruleset")},
	}, on("GET", "^/spaces/[^/]+/inbound-ruleset$"), space() + oneRange},
	{"store", []writeCase{
		{"create", webApp, webApp + store(), false, on("POST", "/apps/*/addons")},
		{"update", webApp + store(), webApp + edited(store(), "premium-0", "premium-1"), false, on("PATCH", "/apps/*/addons/*")},
		{"settings", webApp + store(), webApp + store(`timeout = 60`), false, on("PATCH", "/redis/v0/databases/*/config")},
		{"delete", webApp + store(), webApp, false, on("DELETE", "/apps/*/addons/*")},
	}, on("GET", "^/addons(/[^/]+)?$"), webApp + store()},
	{"attachment", []writeCase{
		{"create", webApp + apiApp + store(), webApp + apiApp + store() + attachment, false, on("POST", "/addon-attachments")},
		{"update", webApp + apiApp + store() + attachment, webApp + apiApp + store() + edited(attachment, "SHARED", "JOINT"), false,
			on("POST", "/addon-attachments")},
		{"drop", webApp + apiApp + store() + attachment, webApp + apiApp + store() + edited(attachment, "SHARED", "JOINT"), false,
			on("DELETE", "/addon-attachments/*")},
		{"delete", webApp + apiApp + store() + attachment, webApp + apiApp + store(), false, on("DELETE", "/addon-attachments/*")},
	}, on("GET", "^/addon-attachments(/[^/]+)?$"), webApp + apiApp + store() + attachment},
	{"window", []writeCase{
		{"create", webApp + store(), webApp + store() + window, false, on("POST", "/data/maintenances/v1/*/window")},
		{"update", webApp + store() + window, webApp + store() + edited(window, "Monday", "Friday"), false,
			on("POST", "/data/maintenances/v1/*/window")},
	}, on("GET", "/redis/v0/databases/*"), webApp + store() + window},
	{"access", []writeCase{
		{"create", space(), space() + access, false, on("PATCH", "/spaces/*/members/*")},
		{"update", space() + access, space() + edited(access, `["create_apps"]`, "[]"), false, on("PATCH", "/spaces/*/members/*")},
		{"delete", space() + access, space(), false, on("PATCH", "/spaces/*/members/*")},
	}, on("GET", "^/spaces/[^/]+/members/[^/]+$"), space() + access},
	{"formation", []writeCase{
		{"create", webApp, webApp + formation, false, on("PATCH", "/apps/*/formation/*")},
		{"update", webApp + formation, webApp + edited(formation, "= 2", "= 3"), false, on("PATCH", "/apps/*/formation/*")},
	}, on("GET", "^/apps/[^/]+/formation/[^/]+$"), webApp + formation},
}

// fault is one thing that goes wrong with a request that writes, and how the run ends.
type fault struct {
	name    string
	kind    string // the short form has one fault of each kind for each resource
	do      sandbox.Effect
	always  bool // in the short form as well, with every create and every read
	exit    int
	lasting bool // affects every matching request, not only the first one
	slow    bool // needs a client that gives up after patience
}

// Kinds of faults.
const (
	lostAnswer = "an answer that is lost"
	notDone    = "no answer, of a request that may not have been carried out"
	nonsense   = "an answer that cannot be understood"
	tryAgain   = "a request to try again later"
	outage     = "an outage"
	refusal    = "a refusal"
)

func text(s string) *string { return &s }

const page = "<html><body>Application error</body></html>"

var faults = []fault{
	{name: "reset after commit", kind: lostAnswer, do: sandbox.Effect{Commit: true, Reset: true}, always: true},
	{name: "503 page after commit", kind: lostAnswer, do: sandbox.Effect{Commit: true, Status: 503, Body: text(page),
		ContentType: "text/html"}},
	{name: "reset before read", kind: notDone, do: sandbox.Effect{Reset: true}},
	{name: "502 after commit", kind: lostAnswer, do: sandbox.Effect{Commit: true, Status: 502}},
	{name: "504 after commit", kind: lostAnswer, do: sandbox.Effect{Commit: true, Status: 504, Body: text("")}},
	{name: "501 after commit", kind: lostAnswer, do: sandbox.Effect{Commit: true, Status: 501}},
	{name: "500 before", kind: notDone, do: sandbox.Effect{Status: 500}},
	{name: "no answer in time after commit", kind: notDone, do: sandbox.Effect{Commit: true, Hang: true}, slow: true},
	{name: "no answer in time before", kind: notDone, do: sandbox.Effect{Hang: true}, slow: true},
	{name: "cut in the middle", kind: nonsense, do: sandbox.Effect{Commit: true, Truncate: true}},
	{name: "a page with 200", kind: nonsense, do: sandbox.Effect{Commit: true, Status: 200, Body: text(page), ContentType: "text/html"}},
	{name: "an empty body", kind: nonsense, do: sandbox.Effect{Commit: true, Status: 200, Body: text("")}},
	{name: "null", kind: nonsense, do: sandbox.Effect{Commit: true, Status: 200, Body: text("null")}},
	{name: "another type", kind: nonsense, do: sandbox.Effect{Commit: true, Status: 200, Body: text(`["x"]`)}},
	{name: "10 MB", kind: nonsense, do: sandbox.Effect{Commit: true, Status: 200, Body: text(`{"id":"` + strings.Repeat("x", 10<<20) + `"}`)}},
	{name: "unknown fields and states", kind: nonsense, do: sandbox.Effect{UnknownFields: true, UnknownEnum: true}},
	{name: "409 once", kind: tryAgain, do: sandbox.Effect{Status: 409}},
	{name: "429 without Retry-After", kind: tryAgain, do: sandbox.Effect{Status: 429}},
	{name: "429 tiny", kind: tryAgain, do: retryAfter("0")},
	{name: "429 huge", kind: tryAgain, do: retryAfter("99999999999999999999999")},
	{name: "429 negative", kind: tryAgain, do: retryAfter("-5")},
	{name: "429 date", kind: tryAgain, do: retryAfter("Wed, 14 Jan 2026 09:00:20 GMT")},
	{name: "429 epoch", kind: tryAgain, do: retryAfter("1768381200")},
	{name: "429 garbage", kind: tryAgain, do: retryAfter("soon")},
	{name: "429 for good", kind: outage, do: sandbox.Effect{Status: 429}, exit: 1, lasting: true},
	{name: "400", kind: refusal, do: sandbox.Effect{Status: 400}, exit: 1, lasting: true},
	{name: "401", kind: refusal, do: sandbox.Effect{Status: 401}, exit: 1, lasting: true},
	{name: "402", kind: refusal, do: sandbox.Effect{Status: 402, Body: text(`{"id":"delinquent","message":"Please pay."}`)}, exit: 1,
		lasting: true},
	{name: "403", kind: refusal, do: sandbox.Effect{Status: 403}, exit: 1, lasting: true},
	{name: "422", kind: refusal, do: sandbox.Effect{Status: 422}, exit: 1, lasting: true},
	{name: "423", kind: refusal, do: sandbox.Effect{Status: 423}, exit: 1, lasting: true},
	{name: "500 for good", kind: outage, do: sandbox.Effect{Status: 500}, exit: 1, lasting: true},
	{name: "resets for good", kind: outage, do: sandbox.Effect{Reset: true}, exit: 1, lasting: true},
	{name: "404 of a proxy", kind: refusal, do: sandbox.Effect{Status: 404, Body: text(page), ContentType: "text/html"}, exit: 1,
		lasting: true},
	{name: "a redirect to another host", kind: nonsense, do: sandbox.Effect{Status: 307, Body: text(""),
		Headers: map[string]string{"Location": "http://localhost:9/elsewhere"}}, exit: 1, lasting: true},
}

func retryAfter(value string) sandbox.Effect {
	return sandbox.Effect{Status: 429, Headers: map[string]string{"Retry-After": value}}
}

// patience is how long the client waits for an answer in an experiment with a slow fault, in real time. All answers but that of the
// fault take a few milliseconds, and far less than this even on a slow machine.
const patience = 3 * time.Second

// experiment is one cell of the matrix.
func (f fault) experiment(v writeCase) Experiment {
	e := Experiment{
		Name: v.name + ", " + f.name, Kind: f.kind, Always: f.always && v.name == "create",
		Before: v.before, Config: v.after, Destroyed: v.destroy, Exit: f.exit,
		InjectedFaults: []sandbox.Fault{{Match: v.match, Do: f.do}},
	}
	if !f.lasting {
		e.InjectedFaults[0].Match.Times = 1
	}
	e.Act = func(l *Harness) *Trial {
		if f.slow {
			l.Patience(patience)
		}
		if v.destroy {
			return l.Destroy()
		}
		return l.Apply()
	}
	return e
}

// Every write of every resource is tested with every fault. The short form has the most dangerous fault for each create, and one
// fault of each kind for each resource.
func TestAccFaults(t *testing.T) {
	t.Parallel()
	experiments := map[string][]Experiment{}
	for _, s := range subjects {
		for _, v := range s.writes {
			for _, f := range faults {
				experiments[s.name] = append(experiments[s.name], f.experiment(v))
			}
		}
	}
	runExperiments(t, experiments)
}

// runExperiments runs the experiments of each resource, or a sample of them in the short form.
func runExperiments(t *testing.T, experiments map[string][]Experiment) {
	t.Helper()
	for resource, list := range experiments {
		if !long() {
			list = sample(resource, list)
		}
		t.Run(resource, func(t *testing.T) {
			t.Parallel()
			for _, e := range list {
				t.Run(e.Name, func(t *testing.T) {
					t.Parallel()
					e.Run(t)
				})
			}
		})
	}
}

// sample returns the short form of a resource's experiments: those with Always, and one of each other kind. The choice depends on
// the names only, so that it is stable and differs between resources.
func sample(resource string, all []Experiment) []Experiment {
	var kinds []string
	of := map[string][]Experiment{}
	var chosen []Experiment
	covered := map[string]bool{}
	for _, e := range all {
		kind := cmp.Or(e.Kind, e.Name)
		if e.Always {
			chosen, covered[kind] = append(chosen, e), true
			continue
		}
		if len(of[kind]) == 0 {
			kinds = append(kinds, kind)
		}
		of[kind] = append(of[kind], e)
	}
	for _, kind := range kinds {
		if !covered[kind] {
			slices.SortFunc(of[kind], func(a, b Experiment) int { return cmp.Compare(a.Name, b.Name) })
			sum := crc32.ChecksumIEEE([]byte(resource + ", " + kind))
			chosen = append(chosen, of[kind][sum%uint32(len(of[kind]))])
		}
	}
	return chosen
}

func TestSample(t *testing.T) {
	t.Parallel()
	all := []Experiment{
		{Name: "a", Kind: "one"}, {Name: "b", Kind: "one"}, {Name: "c"}, {Name: "d", Kind: "two", Always: true}, {Name: "e", Kind: "two"},
		{Name: "f", Kind: "one"},
	}
	var names []string
	for _, e := range sample("app", all) {
		names = append(names, e.Name)
	}
	if len(names) != 3 || names[0] != "d" || !slices.Contains(names, "c") || slices.Contains(names, "e") {
		t.Errorf("chosen are %q, want d, one of a, b and f, and c", names)
	}
	several := map[string]bool{}
	for _, resource := range []string{"app", "store", "space", "window", "ranges", "attachment"} {
		several[sample(resource, all)[1].Name] = true
	}
	if len(several) < 2 {
		t.Errorf("of one kind each resource has %v", several)
	}
}
