// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/acctest"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/keyvalue"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/sandbox"
)

// These tests speak the plugin protocol themselves: some CLIs have no query, and none shows when a result arrives.

// listServer is a configured provider.
type listServer struct {
	*testing.T
	sb     *acctest.Sandbox
	server interface {
		tfprotov6.ProviderServer
		tfprotov6.ListResourceServer
	}
	schemas    *tfprotov6.GetProviderSchemaResponse
	identities map[string]*tfprotov6.ResourceIdentitySchema
}

func newListServer(t *testing.T, sb *acctest.Sandbox) listServer {
	t.Helper()
	return newListServerAs(t, sb, sb.Token())
}

func newListServerAs(t *testing.T, sb *acctest.Sandbox, token string) listServer {
	t.Helper()
	server, err := sb.FactoriesAs(token)["kvs"]()
	if err != nil {
		t.Fatal(err)
	}
	s := listServer{T: t, sb: sb}
	s.server = server.(interface {
		tfprotov6.ProviderServer
		tfprotov6.ListResourceServer
	})
	if s.schemas, err = server.GetProviderSchema(t.Context(), &tfprotov6.GetProviderSchemaRequest{}); err != nil {
		t.Fatal(err)
	}
	identities, err := server.GetResourceIdentitySchemas(t.Context(), &tfprotov6.GetResourceIdentitySchemasRequest{})
	if err != nil {
		t.Fatal(err)
	}
	s.identities = identities.IdentitySchemas
	configured, err := server.ConfigureProvider(t.Context(),
		&tfprotov6.ConfigureProviderRequest{Config: configOf(t, s.schemas.Provider, nil)})
	if err != nil || len(configured.Diagnostics) > 0 {
		t.Fatal(err, configured)
	}
	return s
}

// configOf is a value of a schema of which all else is null.
func configOf(t *testing.T, schema *tfprotov6.Schema, given values) *tfprotov6.DynamicValue {
	t.Helper()
	of := schema.ValueType().(tftypes.Object)
	all := map[string]tftypes.Value{}
	for name, kind := range of.AttributeTypes {
		all[name] = tftypes.NewValue(kind, given[name])
	}
	return dynamic(t, of, all)
}

// result is one of a list.
type result struct {
	name, identity string
	identified     *tfprotov6.ResourceIdentityData
	resource       map[string]tftypes.Value // with include_resource
}

// answer is what a list or a data source says.
type answer struct {
	told
	results []result
}

func (a answer) names() (names []string) {
	for _, r := range a.results {
		names = append(names, r.name)
	}
	slices.Sort(names)
	return names
}

// question is a list block.
type question struct {
	kind    string
	given   values
	include bool
	limit   int64
	arrived func(result) bool // returns false to hear no more
}

func (s listServer) list(q question) answer {
	s.Helper()
	all := answer{told: told{T: s.T}}
	schema := s.schemas.ListResourceSchemas[q.kind]
	if schema == nil {
		s.Fatalf("there is no list of %s", q.kind)
	}
	config := configOf(s.T, schema, q.given)
	valid, err := s.server.ValidateListResourceConfig(s.Context(),
		&tfprotov6.ValidateListResourceConfigRequest{TypeName: q.kind, Config: config})
	if err != nil {
		s.Fatal(err)
	}
	if all.diagnose(valid.Diagnostics); len(all.errors) > 0 {
		return all
	}
	stream, err := s.server.ListResource(s.Context(), &tfprotov6.ListResourceRequest{TypeName: q.kind, Config: config,
		IncludeResource: q.include, Limit: q.limit})
	if err != nil {
		s.Fatal(err)
	}
	for r := range stream.Results {
		all.diagnose(r.Diagnostics)
		if r.Identity == nil {
			continue
		}
		one := result{name: r.DisplayName, identity: s.identity(q.kind, r.Identity), identified: r.Identity}
		if q.include {
			one.resource = attributes(s.T, s.schemas.ResourceSchemas[q.kind], r.Resource)
		}
		all.results = append(all.results, one)
		if q.arrived != nil && !q.arrived(one) {
			break
		}
	}
	return all
}

// identity is what it consists of, in the order of the names.
func (s listServer) identity(kind string, data *tfprotov6.ResourceIdentityData) (id string) {
	s.Helper()
	value, err := data.IdentityData.Unmarshal(s.identities[kind].ValueType())
	var parts map[string]tftypes.Value
	if err == nil {
		err = value.As(&parts)
	}
	for _, name := range slices.Sorted(maps.Keys(parts)) {
		var part string
		if err == nil {
			err = parts[name].As(&part)
		}
		id = strings.TrimSpace(id + " " + part)
	}
	if err != nil || len(strings.Fields(id)) != len(s.identities[kind].IdentityAttributes) {
		s.Fatalf("the identity of a %s is %v (%v)", kind, value, err)
	}
	return id
}

func attributes(t *testing.T, schema *tfprotov6.Schema, of *tfprotov6.DynamicValue) (all map[string]tftypes.Value) {
	t.Helper()
	if of == nil {
		t.Fatal("there is no value")
	}
	value, err := of.Unmarshal(schema.ValueType())
	if err == nil {
		err = value.As(&all)
	}
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// read asks a data source, whose results are in the attribute that is called like it.
func (s listServer) read(kind string, given values) answer {
	s.Helper()
	schema := s.schemas.DataSourceSchemas[kind]
	all := answer{told: told{T: s.T}}
	read, err := s.server.ReadDataSource(s.Context(), &tfprotov6.ReadDataSourceRequest{TypeName: kind,
		Config: configOf(s.T, schema, given)})
	if err != nil {
		s.Fatal(err)
	}
	if all.diagnose(read.Diagnostics); len(all.errors) > 0 {
		return all
	}
	var found []tftypes.Value
	if err := attributes(s.T, schema, read.State)[strings.TrimPrefix(kind, "kvs_")].As(&found); err != nil {
		s.Fatal(err)
	}
	for _, value := range found {
		one := result{}
		if err := value.As(&one.resource); err != nil {
			s.Fatal(err)
		}
		one.name, one.identity = text(one.resource["name"]), text(one.resource["id"])
		if app, ok := one.resource["owner_app_id"]; ok && !app.IsNull() {
			one.name = text(one.resource["app_name"]) + "::" + one.name
		}
		all.results = append(all.results, one)
	}
	return all
}

// text is a string, or else how a value is written.
func text(v tftypes.Value) (s string) {
	if v.As(&s) != nil {
		return v.String()
	}
	return s
}

// requests are how many the provider sends meanwhile.
func (s listServer) requests(meanwhile func()) int {
	s.sb.ResetJournal()
	meanwhile()
	return len(s.sb.Requests("[A-Z]+", ".*"))
}

// listKinds are the resources that can be listed, with how many of them the estate has.
var listKinds = map[string]int{
	"kvs_app": 9, "kvs_instance": 14, "kvs_attachment": 3, "kvs_maintenance_window": 10, "kvs_private_space": 2, "kvs_trusted_ip_ranges": 2,
	"kvs_space_app_access": 2, "kvs_formation": 18,
	"kvs_trusted_ip_range": 3,
}

// All of these look at one estate, one after the other, and change nothing.
func TestDiscovery(t *testing.T) {
	t.Parallel()
	e := newEstate(t, false)
	own, err := e.Somebody.CreateApp(t.Context(), heroku.AppCreate{Name: "private-web"}) // of nobody's team
	e.must(err)
	kept, err := e.Somebody.CreateAddOn(t.Context(), own.ID,
		heroku.AddOnCreate{Plan: "heroku-redis:mini", Name: "private-kept", AttachmentName: "OLD"})
	e.must(err)
	e.must2(e.Somebody.WaitAddOnProvisioned(t.Context(), kept.ID, aWhile))
	e.must2(e.Somebody.CreateAttachment(t.Context(), heroku.AttachmentCreate{AddOn: kept.ID, App: own.ID,
		Name: keyvalue.RetiredAttachment(string(kept.ID))}))
	old, err := e.Somebody.AppAttachment(t.Context(), "private-web", "OLD")
	e.must(err)
	e.must(e.Somebody.DeleteAttachment(t.Context(), old.ID))
	e.must2(e.Somebody.CreateAddOn(t.Context(), own.ID, heroku.AddOnCreate{Plan: "heroku-redis:mini", Name: "private-cache"}))
	for _, c := range []struct {
		name string
		test func(listServer)
	}{
		{"every resource is listed", listServer.listsEveryResource},
		{"what is included plans empty", listServer.includesWhatPlansEmpty},
		{"filters", listServer.filters},
		{"settings of stores", listServer.settings},
		{"a store of somebody else's app", listServer.foreign},
	} {
		t.Run(c.name, func(t *testing.T) { c.test(newListServer(t, e.Sandbox)) })
	}
}

func (s listServer) listsEveryResource() {
	if got := slices.Sorted(maps.Keys(s.schemas.ListResourceSchemas)); !slices.Equal(got,
		slices.Sorted(maps.Keys(s.schemas.ResourceSchemas))) {
		s.Errorf("there are lists of %q, want all resources", got)
	}
	asked := s.requests(func() {
		for kind, want := range listKinds {
			found := s.list(question{kind: kind})
			if found.succeeded(); len(found.results) != want {
				s.Errorf("%s: %d results, want %d: %q", kind, len(found.results), want, found.names())
			}
			if limited := s.list(question{kind: kind, limit: 1}); len(limited.results) != 1 {
				s.Errorf("%s: %d results with a limit of 1", kind, len(limited.results))
			}
		}
	})
	// Members, process types and ranges have no list of their own: two spaces and nine apps, and one of each more for a limit of 1.
	if asked > 4+(1+2)+9+(2+1)+(1+1)+1 {
		s.Errorf("all lists took %d requests, want those of apps, add-ons, attachments, spaces, and those of each space and app:\n%v",
			asked, s.sb.Requests("[A-Z]+", ".*"))
	}
}

// What a list includes is what an import and the read after it find, and the configuration that is generated of it plans no
// change. It takes a request for each store and each set of ranges, and none for the others.
func (s listServer) includesWhatPlansEmpty() {
	for kind, want := range listKinds {
		s := newListServer(s.T, s.sb)
		var found answer
		asked := s.requests(func() { found = s.list(question{kind: kind, include: true}) })
		if found.succeeded(); len(found.results) != want {
			s.Errorf("%s: %d results, want %d", kind, len(found.results), want)
		}
		if most := map[string]int{"kvs_instance": 2 + 13, "kvs_maintenance_window": 1 + 10,
			"kvs_trusted_ip_ranges": 1 + 2, "kvs_trusted_ip_range": 1 + 2, "kvs_attachment": 3, "kvs_space_app_access": 1 + 1 + 2,
			"kvs_formation": 1 + 9}[kind]; asked > max(most, 1) {
			s.Errorf("%s: it took %d requests:\n%v", kind, asked, s.sb.Requests("[A-Z]+", ".*"))
		}
		for _, r := range found.results {
			if r.name != "private-cache" { // which is not ready, so that it is waited for
				s.plansEmpty(kind, r)
			}
		}
	}
}

// plansEmpty imports what was listed, and plans the configuration that is generated of the list's result.
func (s listServer) plansEmpty(kind string, r result) {
	s.Helper()
	ctx, schema := s.Context(), s.schemas.ResourceSchemas[kind]
	imported, err := s.server.ImportResourceState(ctx, &tfprotov6.ImportResourceStateRequest{TypeName: kind, Identity: r.identified})
	if err != nil || len(imported.Diagnostics) > 0 {
		s.Fatal(err, imported)
	}
	of := imported.ImportedResources[0]
	read, err := s.server.ReadResource(ctx, &tfprotov6.ReadResourceRequest{TypeName: kind, CurrentState: of.State,
		Private: of.Private, CurrentIdentity: of.Identity})
	if err != nil || len(read.Diagnostics) > 0 {
		s.Fatal(err, read)
	}
	state := attributes(s.T, schema, read.NewState)
	listed := dynamic(s.T, schema.ValueType(), r.resource)
	for name, value := range state {
		unread := name == "attached_apps" || name == "outbound_ips" || // which are no configuration
			kind == "kvs_attachment" && name == "credentials_revision"
		if !value.Equal(r.resource[name]) && !unread {
			s.Errorf("%s: %s is listed as %s and imported as %s", r.name, name, r.resource[name], value)
		}
	}
	generated, err := s.server.GenerateResourceConfig(ctx, &tfprotov6.GenerateResourceConfigRequest{TypeName: kind, State: listed})
	if err != nil || len(generated.Diagnostics) > 0 {
		s.Fatal(err, generated)
	}
	proposed := attributes(s.T, schema, generated.Config)
	for _, a := range schema.Block.Attributes {
		if a.Computed && proposed[a.Name].IsNull() {
			proposed[a.Name] = state[a.Name]
		}
	}
	plan, err := s.server.PlanResourceChange(ctx, &tfprotov6.PlanResourceChangeRequest{TypeName: kind,
		PriorState: read.NewState, PriorPrivate: read.Private,
		ProposedNewState: dynamic(s.T, schema.ValueType(), proposed), Config: generated.Config, PriorIdentity: read.NewIdentity})
	if err != nil || slices.ContainsFunc(plan.Diagnostics, func(d *tfprotov6.Diagnostic) bool { return d.Severity == tfprotov6.DiagnosticSeverityError }) {
		s.Fatal(err, plan)
	}
	for name, value := range attributes(s.T, schema, plan.PlannedState) {
		if !value.Equal(state[name]) {
			s.Errorf("%s: %s is planned as %s and is %s", r.name, name, value, state[name])
		}
	}
}

// The same filters select the same stores, in a list and in a data source.
func (s listServer) filters() {
	client := s.sb.Client(s.T)
	own, err := client.FindApp(s.Context(), "private-web")
	if err != nil {
		s.Fatal(err)
	}
	prod, err := client.FindSpace(s.Context(), "acme-prod")
	if err != nil {
		s.Fatal(err)
	}
	const vault = "vault-cache vault-public"
	for _, c := range []struct {
		given values
		want  string // names, or a number of them
	}{
		{nil, "14"},
		{values{"team": "acme"}, "12"},
		{values{"team": "another"}, ""},
		{values{"app": "orders-web"}, "orders-cache orders-queue"},
		{values{"app": string(own.ID)}, "private-cache private-kept"},
		{values{"space": "acme-prod"}, vault},
		{values{"space": string(prod.ID)}, vault},
		{values{"space": "acme-prod", "plan": "heroku-redis:premium-0"}, "vault-public"},
		{values{"plan": "mini"}, "mail-limits orders-locks private-cache private-kept"},
		{values{"version": "7.2", "app": "orders-web"}, "orders-cache orders-queue"},
		{values{"version": "7.0"}, ""},
		{values{"deprecated": true}, ""},
		{values{"deprecated": false}, "13"}, // of the last one, which is not ready, nothing is known
		{values{"unattached": true}, "private-kept"},
		{values{"unattached": false, "team": "acme"}, "12"},
	} {
		listed, read := s.list(question{kind: "kvs_instance", given: c.given}), s.read("kvs_instances", c.given)
		listed.succeeded()
		read.succeeded()
		if !slices.Equal(listed.names(), read.names()) {
			s.Errorf("%v: the list has %q, the data source %q", c.given, listed.names(), read.names())
		}
		if got := strings.Join(listed.names(), " "); got != c.want && fmt.Sprint(len(listed.results)) != c.want {
			s.Errorf("%v: %q, want %q", c.given, got, c.want)
		}
	}
	for _, c := range []struct {
		kind  string
		given values
		want  string
	}{
		{"kvs_app", values{"team": "acme"}, "8"},
		{"kvs_app", values{"space": "acme-prod"}, "vault-web"},
		{"kvs_attachment", values{"app": "search-web"}, "search-web::SHARED"},
		{"kvs_attachment", values{"app": "search-web", "include_first": true}, "search-web::REDIS search-web::SHARED"},
		{"kvs_attachment", values{"plan": "premium-2"}, "admin-web::SHARED"},
		{"kvs_attachment", values{"include_first": true}, "16"},
		{"kvs_attachment", values{"space": "acme-prod"}, ""},
		{"kvs_maintenance_window", values{"app": "mail-web"}, "mail-queue"},
		{"kvs_maintenance_window", values{"version": "7", "space": "acme-prod"}, vault},
		{"kvs_private_space", values{"team": "acme"}, "acme-prod acme-vault"},
		{"kvs_private_space", values{"team": "another"}, ""},
		{"kvs_trusted_ip_ranges", values{"space": "acme-vault"}, "acme-vault"},
		{"kvs_space_app_access", values{"space": "acme-vault"}, "acme-vault:member@acme.example"},
		{"kvs_space_app_access", values{"team": "another"}, ""},
		{"kvs_formation", values{"app": "search-web"}, "search-web:web search-web:worker"},
		{"kvs_formation", values{"space": "acme-prod"}, "vault-web:web vault-web:worker"},
		{"kvs_trusted_ip_range", values{"space": "acme-vault"}, "acme-vault 0.0.0.0/0"},
	} {
		listed := s.list(question{kind: c.kind, given: c.given})
		listed.succeeded()
		if got := strings.Join(listed.names(), " "); got != c.want && fmt.Sprint(len(listed.results)) != c.want {
			s.Errorf("%s %v: %q, want %q", c.kind, c.given, got, c.want)
		}
	}
	all := s.read("kvs_attachments", values{"app": "search-web"})
	if got := strings.Join(all.names(), " "); got != "search-web::REDIS search-web::SHARED" {
		s.Errorf("the data source has the attachments %q", got)
	}
	for _, a := range all.results {
		if first := text(a.resource["first"]) == text(tftypes.NewValue(tftypes.Bool, true)); first != strings.HasSuffix(a.name, "REDIS") {
			s.Errorf("%s is the first one of its store: %t", a.name, first)
		}
	}
}

// What a data source says of a store, with settings and without.
func (s listServer) settings() {
	for _, settings := range []bool{false, true} {
		var all answer
		asked := s.requests(func() { all = s.read("kvs_instances", values{"settings": settings, "team": "acme"}) })
		if most := map[bool]int{false: 3, true: 12}[settings]; asked != most { // the lists are still known
			s.Errorf("with settings %t, it took %d requests, want %d", settings, asked, most)
		}
		i := slices.IndexFunc(all.results, func(r result) bool { return r.name == "orders-cache" })
		if all.succeeded(); i < 0 {
			s.Fatalf("orders-cache is not among %q", all.names())
		}
		store := all.results[i].resource
		for name, want := range map[string]string{
			"app_name": "orders-web", "team": "acme", "plan": "premium-0", "attachment_name": "REDIS", "state": "provisioned",
		} {
			if got := text(store[name]); got != want {
				s.Errorf("%s is %q, want %q", name, got, want)
			}
		}
		for name, want := range map[string]string{"maxmemory_policy": "allkeys-lru", "notify_keyspace_events": "",
			"version_actual": "7.2.4"} {
			if got := store[name]; got.IsNull() == settings || settings && text(got) != want {
				s.Errorf("with settings %t, %s is %s, want %q", settings, name, got, want)
			}
		}
		var attachments []tftypes.Value
		if err := store["attachments"].As(&attachments); err != nil || len(attachments) != 2 {
			s.Errorf("it has the attachments %v (%v)", attachments, err)
		}
	}
}

// The attachment of a store on an app that the token cannot see is one of a store all the same.
func (s listServer) foreign() {
	client := s.sb.Client(s.T)
	store, err := client.FindAddOn(s.Context(), "private-kept")
	var app heroku.App
	if err == nil {
		app, err = client.FindApp(s.Context(), "admin-web")
	}
	if err == nil {
		_, err = client.CreateAttachment(s.Context(), heroku.AttachmentCreate{AddOn: store.ID, App: app.ID, Name: "LENT"})
	}
	if err != nil {
		s.Fatal(err)
	}
	none := "[]"
	for name, addOns := range map[string]*string{"with the store in the list": nil, "without it": &none} {
		if addOns != nil {
			s.sb.Inject(sandbox.Fault{Match: sandbox.Match{Method: "GET", Path: "/addons"}, Do: sandbox.Effect{Status: 200, Body: addOns}})
		}
		member := newListServerAs(s.T, s.sb, s.sb.MemberToken())
		found := member.list(question{kind: "kvs_attachment", given: values{"app": "admin-web", "plan": "mini"}, include: true})
		if found.succeeded(); !slices.Equal(found.names(), []string{"admin-web::LENT"}) {
			s.Errorf("%s, a member of the team finds the attachments %q", name, found.names())
		}
		s.sb.Clear()
	}
}
