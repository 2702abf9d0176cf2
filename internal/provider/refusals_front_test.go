// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/acctest"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/provider"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/sandbox"
)

// front is what Terraform is to the provider, without a CLI: one story over the protocol, so quick that it can be told once
// for each request in it. A story ends with the first error.
type front struct {
	*testing.T
	sb       *acctest.Sandbox
	server   tfprotov6.ProviderServer
	schemas  *tfprotov6.GetProviderSchemaResponse
	refuser  *refuser
	through  http.RoundTripper // instead of the refuser, if there is one
	said     []*tfprotov6.Diagnostic
	applying bool // what is planned is applied: Terraform allows deferral without having read anything
}

// refuser answers one request, once it is armed, in Heroku's place: nothing of it has been done. It is told by what it asks for
// and how many have asked for that before, since requests side by side come in any order.
type refuser struct {
	mu      sync.Mutex
	armed   bool
	refuse  string // one of seen; empty: none
	seen    []string
	refused string // the request
}

const refusal = "Not on a Saturday."

func (r *refuser) RoundTrip(request *http.Request) (*http.Response, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.armed {
		return http.DefaultTransport.RoundTrip(request)
	}
	asks := request.Method + " " + request.URL.Path
	nth := 1
	for _, before := range r.seen {
		if strings.HasPrefix(before, asks+" ") {
			nth++
		}
	}
	r.seen = append(r.seen, fmt.Sprint(asks, " ", nth))
	if r.seen[len(r.seen)-1] != r.refuse {
		return http.DefaultTransport.RoundTrip(request)
	}
	r.refused = asks
	return &http.Response{
		StatusCode: http.StatusForbidden, Header: http.Header{"Content-Type": {"application/json"},
			"Request-Id": {"5c0f"}}, Request: request,
		Body: io.NopCloser(strings.NewReader(`{"id":"forbidden","message":"` + refusal + `"}`)),
	}, nil
}

func (r *refuser) arm(armed bool) (before bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	before, r.armed = r.armed, armed
	return before
}

// sandboxTime moves the sandbox's clock instead of sleeping.
type sandboxTime struct{ *sandbox.Clock }

func (c sandboxTime) Sleep(ctx context.Context, d time.Duration) error {
	c.AdvanceTo(c.Now().Add(d))
	return ctx.Err()
}

func newFront(t *testing.T, refuse string, edit ...func(*sandbox.Options)) *front {
	t.Helper()
	f := &front{T: t, refuser: &refuser{refuse: refuse}}
	quick := func(o *sandbox.Options) {
		o.Engine, o.Provisioning, o.Allocation = "miniredis", time.Second, time.Second // hardly a poll
	}
	f.sb = acctest.Start(t, append([]func(*sandbox.Options){quick}, edit...)...)
	f.command()
	return f
}

// command starts the provider anew, as each command of the CLI does.
func (f *front) command() {
	f.Helper()
	armed := f.refuser.arm(false)
	defer f.refuser.arm(armed)
	f.server = providerserver.NewProtocol6(provider.New("test", provider.WithClient(func(o *heroku.Options) {
		o.APIURL, o.DataAPIURL, o.Clock, o.Transport = f.sb.URL(), f.sb.URL(), sandboxTime{f.sb.Clock()}, f.refuser
		if f.through != nil {
			o.Transport = f.through
		}
		o.Credential = heroku.Credential{Token: f.sb.Token(), Source: "the test"}
	}))())()
	var err error
	if f.schemas, err = f.server.GetProviderSchema(f.Context(), &tfprotov6.GetProviderSchemaRequest{}); err != nil {
		f.Fatal(err)
	}
	done, err := f.server.ConfigureProvider(f.Context(), &tfprotov6.ConfigureProviderRequest{Config: f.value(f.schemas.Provider, nil)})
	f.heard(err, done.Diagnostics)
}

// begin ends what has to be there before the story.
func (f *front) begin() {
	f.Helper()
	if len(f.said) > 0 {
		f.Fatalf("before the story: %v", f.said[0])
	}
	f.refuser.arm(true)
}

// due makes Heroku want a maintenance within three weeks.
func (f *front) due(store string) {
	f.Helper()
	if err := f.sb.RequireMaintenance(store, 3*7*24*time.Hour); err != nil {
		f.Fatal(err)
	}
}

// over says that the story has ended.
func (f *front) over() bool {
	for _, d := range f.said {
		if d.Severity == tfprotov6.DiagnosticSeverityError {
			return true
		}
	}
	return false
}

func (f *front) heard(err error, diagnostics []*tfprotov6.Diagnostic) {
	f.Helper()
	if err != nil {
		f.Fatal(err)
	}
	f.said = append(f.said, diagnostics...)
}

// value is one of a schema, with these attributes and all others null.
func (f *front) value(schema *tfprotov6.Schema, given values) *tfprotov6.DynamicValue {
	f.Helper()
	of := schema.ValueType().(tftypes.Object)
	return dynamic(f.T, of, f.attributes(of, given))
}

func (f *front) attributes(of tftypes.Object, given values) map[string]tftypes.Value {
	all := make(map[string]tftypes.Value)
	for name, kind := range of.AttributeTypes {
		all[name] = tftypes.NewValue(kind, nil)
		switch value := given[name].(type) {
		case nil:
		case values: // an object, or a map of objects
			if of, ok := kind.(tftypes.Object); ok {
				all[name] = tftypes.NewValue(of, f.attributes(of, value))
				continue
			}
			elements := make(map[string]tftypes.Value)
			of := kind.(tftypes.Map).ElementType.(tftypes.Object)
			for key, element := range value {
				elements[key] = tftypes.NewValue(of, f.attributes(of, element.(values)))
			}
			all[name] = tftypes.NewValue(kind, elements)
		default:
			all[name] = tftypes.NewValue(kind, value)
		}
	}
	return all
}

// managed is a resource as Terraform keeps it.
type managed struct {
	*front
	name     string
	of       tftypes.Object
	state    *tfprotov6.DynamicValue // nil before it exists
	private  []byte
	identity *tfprotov6.ResourceIdentityData
}

func (f *front) resource(name string) *managed {
	return &managed{front: f, name: name, of: f.schemas.ResourceSchemas[name].ValueType().(tftypes.Object)}
}

// get reads a text out of the state, once there is one.
func (m *managed) get(attribute string) (text string) {
	m.Helper()
	if m.state == nil {
		return "7c4e2a90-3b5d-4f8e-a1c6-d2e3f4a5b6c7"
	}
	value, err := m.state.Unmarshal(m.of)
	if err != nil {
		m.Fatal(err)
	}
	var all map[string]tftypes.Value
	if value.IsNull() || value.As(&all) != nil || !all[attribute].IsKnown() || all[attribute].As(&text) != nil {
		return ""
	}
	return text
}

// apply validates, plans and applies a configuration; nil destroys.
func (m *managed) apply(given values) {
	m.Helper()
	if m.over() {
		return
	}
	m.command()
	none := dynamicNull(m.T, m.of)
	config, proposed, prior := none, none, none
	if m.state != nil {
		prior = m.state
	}
	if given != nil {
		config = m.value(m.schemas.ResourceSchemas[m.name], given)
		proposed = m.proposed(given, prior)
		judged, err := m.server.ValidateResourceConfig(m.Context(),
			&tfprotov6.ValidateResourceConfigRequest{TypeName: m.name, Config: config,
				ClientCapabilities: &tfprotov6.ValidateResourceConfigClientCapabilities{WriteOnlyAttributesAllowed: true}})
		m.heard(err, judged.Diagnostics)
	}
	if m.over() {
		return
	}
	plan, err := m.server.PlanResourceChange(m.Context(), &tfprotov6.PlanResourceChangeRequest{
		TypeName: m.name, PriorState: prior, ProposedNewState: proposed, Config: config, PriorPrivate: m.private, PriorIdentity: m.identity,
	})
	if m.heard(err, plan.Diagnostics); m.over() {
		return
	}
	done, err := m.server.ApplyResourceChange(m.Context(), &tfprotov6.ApplyResourceChangeRequest{
		TypeName: m.name, PriorState: prior, PlannedState: plan.PlannedState, Config: config,
		PlannedPrivate: plan.PlannedPrivate, PlannedIdentity: plan.PlannedIdentity,
	})
	m.heard(err, done.Diagnostics)
	m.state, m.private, m.identity = done.NewState, done.Private, done.NewIdentity
}

// proposed is what the configuration says, and what was, for what only the provider fills in.
func (m *managed) proposed(given values, prior *tfprotov6.DynamicValue) *tfprotov6.DynamicValue {
	m.Helper()
	all := m.attributes(m.of, given)
	was, err := prior.Unmarshal(m.of)
	if err != nil {
		m.Fatal(err)
	}
	var before map[string]tftypes.Value
	if !was.IsNull() {
		if err := was.As(&before); err != nil {
			m.Fatal(err)
		}
	}
	for _, a := range m.schemas.ResourceSchemas[m.name].Block.Attributes {
		if value, known := before[a.Name]; known && a.Computed && all[a.Name].IsNull() {
			all[a.Name] = value
		}
		if a.WriteOnly {
			all[a.Name] = tftypes.NewValue(all[a.Name].Type(), nil)
		}
	}
	return dynamic(m.T, m.of, all)
}

func (m *managed) refresh() {
	m.Helper()
	if m.over() {
		return
	}
	m.command()
	read, err := m.server.ReadResource(m.Context(), &tfprotov6.ReadResourceRequest{TypeName: m.name,
		CurrentState: m.state, Private: m.private, CurrentIdentity: m.identity})
	m.heard(err, read.Diagnostics)
	m.state, m.private, m.identity = read.NewState, read.Private, read.NewIdentity
}

func (f *front) imports(name, id string) *managed {
	f.Helper()
	m := f.resource(name)
	if f.over() {
		return m
	}
	f.command()
	imported, err := f.server.ImportResourceState(f.Context(), &tfprotov6.ImportResourceStateRequest{TypeName: name, ID: id})
	if f.heard(err, imported.Diagnostics); f.over() {
		return m
	}
	m.state, m.private, m.identity = imported.ImportedResources[0].State, imported.ImportedResources[0].Private,
		imported.ImportedResources[0].Identity
	m.refresh()
	return m
}

func (f *front) reads(name string, given values) {
	f.Helper()
	if f.over() {
		return
	}
	f.command()
	read, err := f.server.ReadDataSource(f.Context(), &tfprotov6.ReadDataSourceRequest{TypeName: name,
		Config: f.value(f.schemas.DataSourceSchemas[name], given)})
	f.heard(err, read.Diagnostics)
}

func (f *front) opens(name string, given values) {
	f.Helper()
	if f.over() {
		return
	}
	f.command()
	opened, err := f.server.OpenEphemeralResource(f.Context(), &tfprotov6.OpenEphemeralResourceRequest{
		TypeName: name, Config: f.value(f.schemas.EphemeralResourceSchemas[name], given),
	})
	f.heard(err, opened.Diagnostics)
}

func (f *front) invokes(name string, given values) {
	f.Helper()
	if f.over() {
		return
	}
	f.command()
	config := f.value(f.schemas.ActionSchemas[name].Schema, given)
	actions := f.server.(tfprotov6.ActionServer)
	judged, err := actions.ValidateActionConfig(f.Context(), &tfprotov6.ValidateActionConfigRequest{ActionType: name, Config: config})
	if f.heard(err, judged.Diagnostics); f.over() {
		return
	}
	stream, err := actions.InvokeAction(f.Context(), &tfprotov6.InvokeActionRequest{ActionType: name, Config: config})
	f.heard(err, nil)
	for event := range stream.Events {
		if completed, ok := event.Type.(tfprotov6.CompletedInvokeActionEventType); ok {
			f.heard(nil, completed.Diagnostics)
		}
	}
}

func dynamicNull(t *testing.T, of tftypes.Object) *tfprotov6.DynamicValue {
	t.Helper()
	value, err := tfprotov6.NewDynamicValue(of, tftypes.NewValue(of, nil))
	if err != nil {
		t.Fatal(err)
	}
	return &value
}
