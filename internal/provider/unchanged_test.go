// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"bytes"
	"context"
	"encoding/json"
	"maps"
	"math/big"
	"reflect"
	"slices"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-framework/types/basetypes"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/sandbox"
)

// The plan of what does not change is the one that the framework makes, whatever of it is configured.
func TestUnchanged_isWhatTheFrameworkPlans(t *testing.T) {
	t.Parallel()
	pair := newServers(t)
	planned := map[string]bool{}
	for _, req := range unchangedRequests(t, pair.framework) {
		if pair.unchanged(t, req) {
			pair.compare(t, req)
			planned[req.TypeName] = true
		}
	}
	for _, name := range []string{"kvs_attachment", "kvs_maintenance_window"} {
		if !planned[name] {
			t.Errorf("nothing was planned for %s", name)
		}
	}
}

// A store may have something to say, or defaults to return to, although nobody has changed anything.
func TestUnchanged_storeThatStaysAsItIs(t *testing.T) {
	t.Parallel()
	pair := newServers(t)
	framework := pair.framework
	schemas, err := framework.GetProviderSchema(t.Context(), &tfprotov6.GetProviderSchemaRequest{})
	if err != nil {
		t.Fatal(err)
	}
	store := schemas.ResourceSchemas["kvs_instance"]
	for name, c := range map[string]struct {
		state      map[string]any // beside a plain one
		unset      []string       // attributes that are not configured
		private    string
		appDoomed  bool
		unanswered bool // by the framework's own words
	}{
		"all configured":                     {},
		"name, plan and attachment left out": {unset: []string{"name", "plan", "attachment_name", "version"}},
		"settings at their defaults, left out": {
			state: map[string]any{"timeout": 300, "maxmemory_policy": "noeviction", "notify_keyspace_events": "", "deletion_protection": true},
			unset: []string{"timeout", "maxmemory_policy", "notify_keyspace_events", "deletion_protection", "outside_space"}},
		"protected": {state: map[string]any{"deletion_protection": true}},
		"a plan that nobody knows": {state: map[string]any{"plan": "premium-77", "memory_limit": nil, "connection_limit": nil,
			"monthly_price": nil, "high_availability": nil, "persistence": nil, "requires_tls": nil}},

		"timeout removed":            {unset: []string{"timeout"}, unanswered: true},
		"eviction policy removed":    {unset: []string{"maxmemory_policy"}, unanswered: true},
		"keyspace events removed":    {unset: []string{"notify_keyspace_events"}, unanswered: true},
		"permission removed":         {state: map[string]any{"outside_space": true}, unset: []string{"outside_space"}, unanswered: true},
		"protection by default":      {unset: []string{"deletion_protection"}, unanswered: true},
		"not ready":                  {state: map[string]any{"state": "preparing"}, unanswered: true},
		"being replaced":             {state: map[string]any{"state": "migrating"}, unanswered: true},
		"a retired store is kept":    {state: map[string]any{"retired_instance_id": "89f5c910-09ed-43f7-a98a-94626c9cbbda"}, unanswered: true},
		"an upgrade is due":          {state: map[string]any{"version": "8.0", "version_actual": "7.2.4"}, unanswered: true},
		"its version nears its end":  {state: map[string]any{"version": "6.2", "version_actual": "6.2.14"}, unanswered: true},
		"the catalogue has changed":  {state: map[string]any{"memory_limit": 49}, unanswered: true},
		"terms of a migration":       {state: map[string]any{"migration": map[string]any{"retire": "never"}}, unanswered: true},
		"its app is to be destroyed": {state: map[string]any{"deletion_protection": true}, appDoomed: true, unanswered: true},
		"private data":               {private: `{"retirement_overdue":"dHJ1ZQ=="}`, unanswered: true},
		"a fork":                     {state: map[string]any{"fork": map[string]any{"instance_id": "89f5c910-09ed-43f7-a98a-94626c9cbbda"}}, unanswered: true},
		"timeouts":                   {state: map[string]any{"timeouts": map[string]any{"create": "20m"}}, unanswered: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pair := newServers(t)
			attributes := plainStore()
			for attribute, value := range c.state {
				attributes[attribute] = value
			}
			if c.appDoomed {
				app := appModel{ID: types.StringValue(attributes["app_id"].(string))}
				pair.ours.conn.protected.refuseLoss(app)
				pair.theirs.conn.protected.refuseLoss(app)
			}
			prior := upgraded(t, framework, "kvs_instance", 0, attributes)
			req := &tfprotov6.PlanResourceChangeRequest{
				TypeName: "kvs_instance", PriorState: prior, ProposedNewState: prior,
				Config: configured(t, store, prior, true, c.unset...), PriorPrivate: []byte(c.private),
			}
			pair.compare(t, req)
			if got := pair.unchanged(t, req); got == c.unanswered {
				t.Errorf("answered without the framework: %t", got)
			}
		})
	}
}

// A default of a kind that is not looked at would be missed when its argument is removed.
func TestUnchanged_knowsEveryDefault(t *testing.T) {
	t.Parallel()
	stores := declarationOf(t.Context(), newInstanceResource())
	declared := 0
	for name, attribute := range stores.schema.Attributes {
		if value := reflect.ValueOf(attribute).FieldByName("Default"); !value.IsValid() || value.IsNil() {
			continue
		}
		declared++
		if _, known := stores.defaults[name]; !known {
			t.Errorf("the default of %s is not known", name)
		}
	}
	if declared == 0 || declared != len(stores.defaults) {
		t.Errorf("%d are declared, and %d known", declared, len(stores.defaults))
	}
}

// Nothing is known of a store while the provider is not configured.
func TestUnchanged_withoutAConfiguration(t *testing.T) {
	t.Parallel()
	pair := newServers(t)
	prior := upgraded(t, pair.framework, "kvs_instance", 0, plainStore())
	req := &tfprotov6.PlanResourceChangeRequest{TypeName: "kvs_instance", PriorState: prior, ProposedNewState: prior, Config: prior}
	if !pair.unchanged(t, req) {
		t.Error("the store does not pass for unchanged")
	}
	if pair.ours.conn = nil; pair.ours.unchanged(t.Context(), req) {
		t.Error("an unconfigured provider answers")
	}
}

// plainStore is the state of a store about which there is nothing to say.
func plainStore() map[string]any {
	return map[string]any{
		"app_id": "782c46b7-a80b-4381-983a-ed9266ceff8f", "id": "01e693fb-5e2c-4eea-a7fc-f39eb7d3ad9f", "name": "orders-cache",
		"plan": "premium-0", "outside_space": false, "attachment_name": "REDIS", "config_vars": []string{"REDIS_URL"}, "version": "7.2",
		"timeout": 60, "maxmemory_policy": "volatile-lru", "notify_keyspace_events": "KEA", "deletion_protection": false,
		"state": "provisioned", "version_actual": "8.0.2", "memory_limit": 50, "connection_limit": 40, "monthly_price": 15,
		"high_availability": true, "persistence": "AOF", "requires_tls": true, "created_at": "2026-01-14T09:08:08Z",
		"web_url": "https://addons-sso.heroku.com/apps/782c46b7-a80b-4381-983a-ed9266ceff8f/addons/01e693fb-5e2c-4eea-a7fc-f39eb7d3ad9f",
	}
}

// servers are two configured providers in the same state: one as the framework serves it, and one as we do.
type servers struct {
	theirs, ours      *kvsProvider
	framework, served tfprotov6.ProviderServer
}

func newServers(t *testing.T) servers {
	t.Helper()
	sb, err := sandbox.Start(t.Context(), sandbox.Options{Engine: "miniredis"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sb.Close() })
	connect := WithClient(func(o *heroku.Options) {
		o.APIURL, o.DataAPIURL, o.Credential = sb.URL(), sb.URL(), heroku.Credential{Token: sb.Token(), Source: "the test"}
	})
	provider := func() *kvsProvider { return New("test", connect)().(*kvsProvider) }
	s := servers{theirs: provider(), ours: provider()}
	s.framework, s.served = providerserver.NewProtocol6(s.theirs)(), forgetting(s.ours)
	kind := tftypes.Object{AttributeTypes: map[string]tftypes.Type{"api_key": tftypes.String, "api_url": tftypes.String, "data_api_url": tftypes.String, "probe": tftypes.String}}
	null := tftypes.NewValue(tftypes.String, nil)
	config, err := tfprotov6.NewDynamicValue(kind, tftypes.NewValue(kind, map[string]tftypes.Value{"api_key": null, "api_url": null, "data_api_url": null, "probe": null}))
	if err != nil {
		t.Fatal(err)
	}
	for _, each := range []tfprotov6.ProviderServer{s.framework, s.served} {
		if done, err := each.ConfigureProvider(t.Context(), &tfprotov6.ConfigureProviderRequest{Config: &config}); err != nil || len(done.Diagnostics) > 0 {
			t.Fatal(err, done)
		}
	}
	return s
}

// nextPlan makes what follows another plan: within one, no two instances may own the same thing.
func (s servers) nextPlan() {
	for _, p := range []*kvsProvider{s.ours, s.theirs} {
		if p.conn != nil {
			clear(p.conn.run.claims)
		}
	}
}

func (s servers) unchanged(t *testing.T, req *tfprotov6.PlanResourceChangeRequest) bool {
	t.Helper()
	s.nextPlan()
	return s.ours.unchanged(t.Context(), req)
}

// compare plans on both. What they keep of a plan, for the next one, they keep twice.
func (s servers) compare(t *testing.T, req *tfprotov6.PlanResourceChangeRequest) {
	t.Helper()
	s.nextPlan()
	want, err := s.framework.PlanResourceChange(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	got, err := s.served.PlanResourceChange(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got.PlannedState.MsgPack, want.PlannedState.MsgPack) {
		t.Errorf("%s: the framework plans another state", req.TypeName)
	}
	if !bytes.Equal(got.PlannedPrivate, want.PlannedPrivate) {
		t.Errorf("%s: private data %q, the framework plans %q", req.TypeName, got.PlannedPrivate, want.PlannedPrivate)
	}
	if s.unchanged(t, req) && got.PlannedIdentity != req.PriorIdentity {
		t.Errorf("%s: the identity becomes %v", req.TypeName, got.PlannedIdentity)
	}
	if len(got.RequiresReplace) != len(want.RequiresReplace) || (got.Deferred == nil) != (want.Deferred == nil) {
		t.Errorf("%s: the framework replaces %v, and we %v", req.TypeName, want.RequiresReplace, got.RequiresReplace)
	}
	same := func(a, b *tfprotov6.Diagnostic) bool {
		return a.Severity == b.Severity && a.Summary == b.Summary && a.Detail == b.Detail
	}
	if !slices.EqualFunc(got.Diagnostics, want.Diagnostics, same) {
		t.Errorf("%s: the framework says %v, and we say %v", req.TypeName, want.Diagnostics, got.Diagnostics)
	}
	if noted := s.ours.conn.plans.plans; !maps.Equal(noted, s.theirs.conn.plans.plans) {
		t.Errorf("%s: other plans are remembered: %v", req.TypeName, noted)
	}
}

func TestUnchanged_isNothingElse(t *testing.T) {
	t.Parallel()
	pair := newServers(t)
	for _, req := range unchangedRequests(t, pair.framework) {
		null, _ := tfprotov6.NewDynamicValue(tftypes.String, tftypes.NewValue(tftypes.String, nil))
		for name, edit := range map[string]func(*tfprotov6.PlanResourceChangeRequest){
			"creation":         func(r *tfprotov6.PlanResourceChangeRequest) { r.PriorState = &null },
			"destruction":      func(r *tfprotov6.PlanResourceChangeRequest) { r.ProposedNewState = &null },
			"nothing at all":   func(r *tfprotov6.PlanResourceChangeRequest) { r.PriorState, r.ProposedNewState = &null, &null },
			"no state":         func(r *tfprotov6.PlanResourceChangeRequest) { r.PriorState = nil },
			"a change":         func(r *tfprotov6.PlanResourceChangeRequest) { r.ProposedNewState = another(r.ProposedNewState) },
			"a kind of others": func(r *tfprotov6.PlanResourceChangeRequest) { r.TypeName = "kvs_app" },
		} {
			edited := *req
			if edit(&edited); pair.ours.unchanged(t.Context(), &edited) {
				t.Errorf("%s: %s passes for what does not change", req.TypeName, name)
			}
		}
	}
}

func another(v *tfprotov6.DynamicValue) *tfprotov6.DynamicValue {
	changed := slices.Clone(v.MsgPack)
	changed[len(changed)-1]++
	return &tfprotov6.DynamicValue{MsgPack: changed}
}

// unchangedRequests are for the states that releases have written: with all that can be configured, and with no more than
// has to be.
func unchangedRequests(t *testing.T, framework tfprotov6.ProviderServer) (all []*tfprotov6.PlanResourceChangeRequest) {
	t.Helper()
	schemas, err := framework.GetProviderSchema(t.Context(), &tfprotov6.GetProviderSchemaRequest{})
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range FrozenStates(t, func([]byte) bool { return false }) {
		if s.Case != "complete" {
			continue
		}
		prior := upgraded(t, framework, s.Type, s.Version, s.Attributes)
		for _, optional := range []bool{true, false} {
			all = append(all, &tfprotov6.PlanResourceChangeRequest{
				TypeName: s.Type, PriorState: prior, ProposedNewState: prior,
				Config: configured(t, schemas.ResourceSchemas[s.Type], prior, optional), PriorPrivate: []byte(`{"key":"InZhbHVlIg=="}`),
			})
		}
	}
	return all
}

// upgraded is a state as the CLI sends it, made of the JSON in a state file.
func upgraded(t *testing.T, framework tfprotov6.ProviderServer, kind string, version int64, attributes any) *tfprotov6.DynamicValue {
	t.Helper()
	content, err := json.Marshal(attributes)
	if err != nil {
		t.Fatal(err)
	}
	now, err := framework.UpgradeResourceState(t.Context(), &tfprotov6.UpgradeResourceStateRequest{
		TypeName: kind, Version: version, RawState: &tfprotov6.RawState{JSON: content}})
	if err != nil || len(now.Diagnostics) > 0 {
		t.Fatal(err, now)
	}
	return now.UpgradedState
}

// configured is the configuration behind a state, without what is optional if that is not wanted, or unset.
func configured(t *testing.T, schema *tfprotov6.Schema, state *tfprotov6.DynamicValue, optional bool, unset ...string) *tfprotov6.DynamicValue {
	t.Helper()
	value, err := state.Unmarshal(schema.ValueType())
	if err != nil {
		t.Fatal(err)
	}
	var attributes map[string]tftypes.Value
	if err := value.As(&attributes); err != nil {
		t.Fatal(err)
	}
	for _, a := range schema.Block.Attributes {
		if !a.Required && !(a.Optional && optional) || slices.Contains(unset, a.Name) {
			attributes[a.Name] = tftypes.NewValue(attributes[a.Name].Type(), nil)
		}
	}
	config, err := tfprotov6.NewDynamicValue(schema.ValueType(), tftypes.NewValue(schema.ValueType(), attributes))
	if err != nil {
		t.Fatal(err)
	}
	return &config
}

// slate counts how often it is written.
type slate int

func (s *slate) Set(context.Context, any) diag.Diagnostics { *s++; return nil }

func TestSetChanged(t *testing.T) {
	t.Parallel()
	type model struct {
		Price types.Float64
		Vars  types.Set
		Day   dayOfWeek
	}
	as := func(price float64, day string, vars ...string) model {
		return model{types.Float64Value(price), stringSet(vars), newNormalizedString[dayNotation](day)}
	}
	read := as(15, "Sunday", "REDIS_URL")
	precise, _, _ := big.ParseFloat("15", 10, 512, big.ToNearestEven) // as it comes from a state
	read.Price = floatOf(t, precise)
	for name, test := range map[string]struct {
		now   model
		wrote slate
	}{
		"the same":                           {as(15, "Sunday", "REDIS_URL"), 0},
		"another number":                     {as(15.5, "Sunday", "REDIS_URL"), 1},
		"another set":                        {as(15, "Sunday", "CACHE_URL"), 1},
		"another spelling of the same":       {as(15, "sun", "REDIS_URL"), 1},
		"null instead of a value":            {model{types.Float64Null(), read.Vars, read.Day}, 1},
		"something that is only known later": {model{types.Float64Unknown(), read.Vars, read.Day}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var target slate
			if setChanged(t.Context(), &target, read, test.now); target != test.wrote {
				t.Errorf("it was written %d times", target)
			}
		})
	}
}

func floatOf(t *testing.T, f *big.Float) types.Float64 {
	t.Helper()
	value, err := types.Float64Type.ValueFromTerraform(t.Context(), tftypes.NewValue(tftypes.Number, f))
	if err != nil {
		t.Fatal(err)
	}
	float, ok := value.(basetypes.Float64Value)
	if !ok {
		t.Fatalf("%T", value)
	}
	return float
}
