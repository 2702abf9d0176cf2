// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package faultmatrix

import (
	"cmp"
	"fmt"
	"maps"
	"net/url"
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

// Data sources, list resources and ephemeral resources are tested with the same faults as resources.

// source is a data source, a list resource or an ephemeral resource, and one of its requests.
type source struct {
	kind, name string
	given      map[string]string // value by attribute: a name of fixtureNames for its id, or the value itself
	part       string            // what the request reads; empty for the main request
	read       sandbox.Match
	tolerated  []string // names of faults in spite of which the read succeeds
	retried    []string // names of faults after which the read waits until it times out
}

func (s source) config() string {
	var b strings.Builder
	for _, thing := range fixtureNames {
		fmt.Fprintf(&b, "variable %q {\n  type = string\n}\n", thing)
	}
	fmt.Fprintf(&b, "%s %q \"seen\" {\n", s.kind, s.name)
	for attribute, value := range s.given {
		if slices.Contains(fixtureNames, value) {
			fmt.Fprintf(&b, "  %s = var.%s\n", attribute, value)
		} else {
			fmt.Fprintf(&b, "  %s = %q\n", attribute, value)
		}
	}
	return b.String() + "}\n"
}

var fixtureNames = []string{"app", "store", "space"}

func (s source) experiment() string {
	if s.part == "" {
		return "read"
	}
	return "read of " + s.part
}

var (
	ofStore = map[string]string{"instance_id": "store"}
	byName  = map[string]string{"app_id": "app", "attachment_name": "REDIS"}
	aStore  = on("GET", "/redis/v0/databases/*")
)

var sources = []source{
	{"data", "kvs_app", map[string]string{"id": "app"}, "", on("GET", "/apps/*"), nil, nil},
	{"data", "kvs_attachments", nil, "", on("GET", "/addon-attachments"), []string{"an empty list"}, nil},
	{"data", "kvs_attachments", nil, "stores", on("GET", "/addons"), []string{"an empty list"}, nil},
	{"data", "kvs_attachments", nil, "apps", on("GET", "/apps"), []string{"an empty list"}, nil},
	{"data", "kvs_instance", map[string]string{"id": "store"}, "", on("GET", "/addons/*"), nil, nil},
	{"data", "kvs_instance", byName, "an attachment", on("GET", "/apps/*/addon-attachments/*"), nil, nil},
	{"data", "kvs_instance", map[string]string{"id": "store"}, "settings", aStore, []string{"404"}, nil}, // a store that is not ready
	{"data", "kvs_instances", nil, "", on("GET", "/addons"), []string{"an empty list"}, nil},
	{"data", "kvs_instances", nil, "apps", on("GET", "/apps"), []string{"an empty list"}, nil},
	{"data", "kvs_instances", nil, "attachments", on("GET", "/addon-attachments"), []string{"an empty list"}, nil},
	{"data", "kvs_instances", map[string]string{"version": "7.2"}, "settings", aStore, []string{"404"}, nil}, // a store that is not ready
	{"data", "kvs_maintenance", ofStore, "the store", on("GET", "/addons/*"), nil, nil},
	{"data", "kvs_maintenance", ofStore, "", on("GET", "/data/maintenances/v1/*"), []string{"404"}, nil}, // one that has had none
	{"data", "kvs_maintenance", map[string]string{"app_id": "app"}, "an app's stores", on("GET", "/apps/*/addons"),
		[]string{"an empty list"},
		nil},
	{"data", "kvs_maintenance", map[string]string{"app_id": "app"}, "an app", on("GET", "/data/maintenances/v1/apps/*"), nil, nil},
	{"data", "kvs_plans", nil, "", on("GET", "/addon-services/*/plans"), []string{"an empty list"}, nil},
	{"data", "kvs_private_space", map[string]string{"id": "space"}, "", on("GET", "/spaces/*"), nil, nil},
	// there are none yet
	{"data", "kvs_private_space", map[string]string{"id": "space"}, "addresses", on("GET", "/spaces/*/nat"), []string{"404"}, nil},
	{"data", "kvs_private_space", map[string]string{"id": "space"}, "apps", on("GET", "/teams/*/apps"), []string{"an empty list"}, nil},
	// an app that has just gone
	{"data", "kvs_private_space", map[string]string{"id": "space"}, "stores", on("GET", "/apps/*/addons"),
		[]string{"404", "an empty list"}, nil},
	{"data", "kvs_regions", nil, "", on("GET", "/regions"), []string{"an empty list"}, nil},
	{"data", "kvs_usage", ofStore, "", on("GET", "/addons/*"), nil, nil},
	{"data", "kvs_usage", ofStore, "the store", aStore, []string{"404"}, nil}, // a store that is not ready
	{"list", "kvs_app", nil, "", on("GET", "/apps"), []string{"an empty list"}, nil},
	{"list", "kvs_attachment", nil, "", on("GET", "/addon-attachments"), []string{"an empty list"}, nil},
	{"list", "kvs_instance", nil, "", on("GET", "/addons"), []string{"an empty list"}, nil},
	{"list", "kvs_instance", nil, "settings", aStore, []string{"404"}, nil}, // a store that is not ready
	{"list", "kvs_maintenance_window", nil, "the store", aStore, []string{"404"}, nil},
	{"list", "kvs_formation", nil, "process types", on("GET", "/apps/*/formation"), []string{"an empty list"}, nil},
	{"list", "kvs_space_app_access", nil, "members", on("GET", "/spaces/*/members"), []string{"an empty list"}, nil},
	{"list", "kvs_space_app_access", nil, "the team", on("GET", "/teams/*/members"), []string{"an empty list"}, nil},
	{"list", "kvs_private_space", nil, "", on("GET", "/spaces"), []string{"an empty list"}, nil},
	{"list", "kvs_trusted_ip_ranges", nil, "ranges", on("GET", "/spaces/*/inbound-ruleset"), nil, nil},
	{"list", "kvs_trusted_ip_range", nil, "ranges", on("GET", "/spaces/*/inbound-ruleset"), nil, nil},
	{"ephemeral", "kvs_credentials", ofStore, "", aStore, nil, []string{"404"}}, // a store that is not ready
	{"ephemeral", "kvs_credentials", byName, "an attachment", on("GET", "/apps/*/addon-attachments/*"), nil, nil},
}

// sourceFaults returns the faults of a refresh, and some that are different for sources.
func sourceFaults() []fault {
	return append(slices.Clone(reads),
		fault{name: "404", do: sandbox.Effect{Status: 404}, exit: 1},
		fault{name: "500 for good", do: sandbox.Effect{Status: 500}, exit: 1},
		fault{name: "another type", do: sandbox.Effect{Status: 200, Body: text(`["x"]`)}, exit: 1},
		fault{name: "unknown states", do: sandbox.Effect{UnknownFields: true, UnknownEnum: true}},
	)
}

// createFixture creates, as somebody else, an app with a store and a space with an app. It returns the ids of fixtureNames.
func createFixture(t *testing.T, sb *acctest.Sandbox) map[string]string {
	t.Helper()
	c, ctx := sb.Client(t), t.Context()
	app, err := c.CreateApp(ctx, heroku.AppCreate{Name: "orders-web"})
	var store heroku.AddOn
	if err == nil {
		store, err = c.CreateAddOn(ctx, app.ID, heroku.AddOnCreate{Plan: "heroku-redis:premium-0", Name: "orders-cache",
			AttachmentName: "REDIS"})
	}
	if err == nil {
		_, err = c.WaitStoreAvailable(ctx, store.ID, "", time.Hour)
	}
	var space heroku.Space
	if err == nil {
		space, err = c.CreateSpace(ctx, heroku.SpaceCreate{Name: "acme-prod", Team: "acme"})
	}
	if err == nil {
		_, err = c.WaitSpaceAllocated(ctx, space.ID, time.Hour)
	}
	if err == nil {
		_, err = c.WaitSpaceNAT(ctx, space.ID, time.Hour)
	}
	if err == nil {
		_, err = c.CreateApp(ctx, heroku.AppCreate{Name: "orders-inside", Space: "acme-prod"})
	}
	if err != nil {
		t.Fatal(err)
	}
	return map[string]string{"app": string(app.ID), "store": string(store.ID), "space": string(space.ID)}
}

// Each source is read with each fault, on the CLI. The short form has the ephemeral resource only, whose answer is a secret: the test
// below reads all of them.
func TestAccSources(t *testing.T) {
	t.Parallel()
	experiments := map[string][]Experiment{}
	for _, s := range sources {
		for _, f := range sourceFaults() {
			short := s.kind == "ephemeral" && s.part == "" && f.name == "unknown states"
			if !short && !long() || s.kind == "list" { // few CLIs have list resources
				continue
			}
			e := Experiment{
				Name: s.experiment() + ", " + f.name, Config: s.config(), Exit: f.exit, Budget: 200,
				Outside: func(l *Harness) {
					for thing, id := range createFixture(l.T, l.Sandbox) {
						l.CLI.Env = append(l.CLI.Env, "TF_VAR_"+thing+"="+id)
					}
				},
				InjectedFaults: []sandbox.Fault{{Match: s.read, Do: f.do}},
				Act:            planned,
			}
			if slices.Contains(s.tolerated, f.name) {
				e.Exit = 0
			}
			if slices.Contains(s.retried, f.name) {
				e.RuleError, e.Says = true, "timed out after"
			}
			experiments[s.name] = append(experiments[s.name], e)
		}
	}
	runExperiments(t, experiments)
}

// Every source of the provider is read with every fault over the plugin protocol: the answer or the error is the expected one, and
// has no password in it.
func TestAccSources_overTheProtocol(t *testing.T) {
	t.Parallel()
	sb := acctest.Start(t, func(o *sandbox.Options) { o.Engine = "miniredis" })
	_, schema := server(t, sb)
	there := createFixture(t, sb)
	stored, err := sb.Client(t).Store(t.Context(), heroku.AddOnID(there["store"]))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range slices.Concat(slices.Collect(maps.Keys(schema.DataSourceSchemas)),
		slices.Collect(maps.Keys(schema.EphemeralResourceSchemas)), slices.Collect(maps.Keys(schema.ListResourceSchemas))) {
		if !slices.ContainsFunc(sources, func(s source) bool { return s.name == name }) {
			t.Errorf("nobody reads %s here", name)
		}
	}
	for _, s := range sources {
		for _, f := range sourceFaults() {
			t.Run(s.name+" "+s.experiment()+", "+f.name, func(t *testing.T) {
				provider, schema := server(t, sb) // a new one, without answers of earlier reads
				sb.ResetJournal()
				sb.Inject(sandbox.Fault{Match: s.read, Do: f.do})
				defer sb.Clear()
				diagnostics := s.ask(t, provider, schema, there)
				if sb.Faults()[0].Struck == 0 {
					t.Fatal("the fault does not strike")
				}
				switch {
				case f.exit == 0 || slices.Contains(s.tolerated, f.name):
					expectNone(t, diagnostics)
				case slices.Contains(s.retried, f.name):
					if !strings.Contains(words(diagnostics), "timed out after") {
						t.Errorf("it does not say that it waited: %s", words(diagnostics))
					}
				default:
					expectReport(t, diagnostics, sb, f.do)
				}
				expectNoSecret(t, diagnostics, stored.ResourceURL.Reveal())
			})
		}
	}
}

// The provider gives up a list that never ends.
func TestAccSources_endlessLists(t *testing.T) {
	t.Parallel()
	sb := acctest.Start(t, func(o *sandbox.Options) { o.Engine, o.PageSize = "miniredis", 1 })
	there := createFixture(t, sb)
	for _, s := range sources {
		if !slices.Contains(s.tolerated, "an empty list") {
			continue // the request is no list
		}
		t.Run(s.name+" "+s.experiment(), func(t *testing.T) {
			provider, schema := server(t, sb)
			sb.ResetJournal()
			sb.Inject(sandbox.Fault{Match: s.read, Do: sandbox.Effect{EndlessPages: true}})
			defer sb.Clear()
			diagnostics := s.ask(t, provider, schema, there)
			if n := len(sb.Journal()); n > 20 {
				t.Errorf("it took %d requests to see that the list repeats itself", n)
			}
			expectSound(t, diagnostics)
			if said := words(diagnostics); !strings.Contains(said, "the pages of the list do not come to an end") {
				t.Errorf("half a list passes for the whole: %s", said)
			}
		})
	}
}

// ask reads a source as a CLI does.
func (s source) ask(t *testing.T, provider tfprotov6.ProviderServer, schemas *tfprotov6.GetProviderSchemaResponse,
	there map[string]string) []*tfprotov6.Diagnostic {
	t.Helper()
	given := map[string]tftypes.Value{}
	for attribute, value := range s.given {
		given[attribute] = text6(cmp.Or(there[value], value))
	}
	if s.kind == "ephemeral" {
		schema := schemas.EphemeralResourceSchemas[s.name]
		opened, err := provider.OpenEphemeralResource(t.Context(), &tfprotov6.OpenEphemeralResourceRequest{
			TypeName: s.name, Config: dynamic(t, schema.ValueType(), object(schema, given)),
		})
		if err != nil {
			t.Fatal(err)
		}
		return opened.Diagnostics
	}
	if s.kind == "list" {
		lists, ok := provider.(tfprotov6.ListResourceServer)
		if !ok {
			t.Fatal("there are no lists")
		}
		schema := schemas.ListResourceSchemas[s.name]
		stream, err := lists.ListResource(t.Context(), &tfprotov6.ListResourceRequest{
			TypeName: s.name, Config: dynamic(t, schema.ValueType(), object(schema, given)), IncludeResource: true,
		})
		if err != nil {
			t.Fatal(err)
		}
		var all []*tfprotov6.Diagnostic
		for r := range stream.Results {
			all = append(all, r.Diagnostics...)
		}
		return all
	}
	schema := schemas.DataSourceSchemas[s.name]
	read, err := provider.ReadDataSource(t.Context(), &tfprotov6.ReadDataSourceRequest{
		TypeName: s.name, Config: dynamic(t, schema.ValueType(), object(schema, given)),
	})
	if err != nil {
		t.Fatal(err)
	}
	return read.Diagnostics
}

// ids are Heroku's error ids in the answers of faults with a status and no body.
var ids = map[int]string{401: "unauthorized", 403: "forbidden", 404: "not_found", 422: "invalid_params", 429: "rate_limit",
	500: "internal_server_error"}

// expectReport expects errors, each with the request that failed and Heroku's answer to it.
func expectReport(t *testing.T, diagnostics []*tfprotov6.Diagnostic, sb *acctest.Sandbox, do sandbox.Effect) {
	t.Helper()
	expectSound(t, diagnostics)
	var failed []sandbox.Request
	for _, request := range sb.Journal() {
		if request.Fault != "" {
			failed = append(failed, request)
		}
	}
	errors := 0
	for _, d := range diagnostics {
		if d.Severity != tfprotov6.DiagnosticSeverityError {
			continue
		}
		errors++
		if !slices.ContainsFunc(failed, func(r sandbox.Request) bool { return reports(d.Detail, r, do) }) {
			t.Errorf("this does not say which request failed, and how (%s %s: %d, …):\n%s: %s", failed[0].Method,
				failed[0].Path, failed[0].Status,
				d.Summary, d.Detail)
		}
	}
	if errors == 0 {
		t.Errorf("there is no error after %s %s: %d", failed[0].Method, failed[0].Path, failed[0].Status)
	}
}

// reports reports whether a text has what support needs to know about a failed request.
func reports(detail string, r sandbox.Request, do sandbox.Effect) bool {
	_, requestID, _ := strings.Cut(r.RequestID, ",")
	parts := []string{r.Method + " " + (&url.URL{Path: r.Path}).EscapedPath()}
	if r.Status != 0 {
		parts = append(parts, fmt.Sprint(r.Status), requestID)
	}
	if do.Status != 0 && do.Body == nil {
		parts = append(parts, ids[do.Status])
	}
	return !slices.ContainsFunc(parts, func(part string) bool { return !strings.Contains(detail, part) })
}

// expectNone expects no error.
func expectNone(t *testing.T, diagnostics []*tfprotov6.Diagnostic) {
	t.Helper()
	expectSound(t, diagnostics)
	for _, d := range diagnostics {
		if d.Severity == tfprotov6.DiagnosticSeverityError {
			t.Errorf("%s: %s", d.Summary, d.Detail)
		}
	}
}

// expectSound expects no panic, and no detail of more than 4 KB.
func expectSound(t *testing.T, diagnostics []*tfprotov6.Diagnostic) {
	t.Helper()
	for _, d := range diagnostics {
		if strings.Contains(d.Summary+d.Detail, "unexpectedly") || strings.Contains(d.Detail, "report it") || len(d.Detail) > 4<<10 {
			t.Errorf("%s: %s", d.Summary, d.Detail[:min(len(d.Detail), 1000)])
		}
	}
}

// expectNoSecret expects that no diagnostic has a secret part of a URL, in any spelling. It first checks that it would find the parts.
func expectNoSecret(t *testing.T, diagnostics []*tfprotov6.Diagnostic, secret string) {
	t.Helper()
	text := words(diagnostics)
	if !hasSecret("before "+secret+" after", secret) {
		t.Fatal("a secret would not be found")
	}
	if hasSecret(text, secret) {
		t.Errorf("a secret is in the diagnostics:\n%s", text)
	}
}

func hasSecret(text, secret string) bool {
	return slices.ContainsFunc(spellings(secret), func(part string) bool { return strings.Contains(text, part) })
}
