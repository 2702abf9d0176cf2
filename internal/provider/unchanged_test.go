// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"bytes"
	"context"
	"encoding/json"
	"math/big"
	"os"
	"slices"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-framework/types/basetypes"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

// The plan of what does not change is the one that the framework makes, whatever of it is configured.
func TestUnchanged_isWhatTheFrameworkPlans(t *testing.T) {
	t.Parallel()
	framework := providerserver.NewProtocol6(New("test")())()
	planned := map[string]bool{}
	for _, req := range unchangedRequests(t, framework) {
		if !unchanged(req) {
			continue
		}
		planned[req.TypeName] = true
		want, err := framework.PlanResourceChange(t.Context(), req)
		if err != nil {
			t.Fatal(err)
		}
		got, err := forgetting(framework).PlanResourceChange(t.Context(), req)
		if err != nil {
			t.Fatal(err)
		}
		if len(want.Diagnostics) > 0 || len(want.RequiresReplace) > 0 || want.Deferred != nil {
			t.Fatalf("%s: the framework has something to say: %+v", req.TypeName, want)
		}
		if !bytes.Equal(got.PlannedState.MsgPack, want.PlannedState.MsgPack) {
			t.Errorf("%s: the framework plans another state", req.TypeName)
		}
		if !bytes.Equal(got.PlannedPrivate, want.PlannedPrivate) {
			t.Errorf("%s: private data %q, the framework plans %q", req.TypeName, got.PlannedPrivate, want.PlannedPrivate)
		}
		if got.PlannedIdentity != req.PriorIdentity {
			t.Errorf("%s: the identity becomes %v", req.TypeName, got.PlannedIdentity)
		}
	}
	for _, name := range planless {
		if !planned[name] {
			t.Errorf("nothing was planned for %s", name)
		}
	}
}

func TestUnchanged_isNothingElse(t *testing.T) {
	t.Parallel()
	for _, req := range unchangedRequests(t, providerserver.NewProtocol6(New("test")())()) {
		null, _ := tfprotov6.NewDynamicValue(tftypes.String, tftypes.NewValue(tftypes.String, nil))
		for name, edit := range map[string]func(*tfprotov6.PlanResourceChangeRequest){
			"creation":         func(r *tfprotov6.PlanResourceChangeRequest) { r.PriorState = &null },
			"destruction":      func(r *tfprotov6.PlanResourceChangeRequest) { r.ProposedNewState = &null },
			"nothing at all":   func(r *tfprotov6.PlanResourceChangeRequest) { r.PriorState, r.ProposedNewState = &null, &null },
			"no state":         func(r *tfprotov6.PlanResourceChangeRequest) { r.PriorState = nil },
			"a change":         func(r *tfprotov6.PlanResourceChangeRequest) { r.ProposedNewState = another(r.ProposedNewState) },
			"a kind of others": func(r *tfprotov6.PlanResourceChangeRequest) { r.TypeName = "kvs_instance" },
		} {
			edited := *req
			if edit(&edited); unchanged(&edited) {
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
	content, err := os.ReadFile("testdata/state-0.1.0.json")
	if err != nil {
		t.Fatal(err)
	}
	var states []struct {
		Type       string
		Case       string
		Version    int64 `json:"schema_version"`
		Attributes json.RawMessage
	}
	if err := json.Unmarshal(content, &states); err != nil {
		t.Fatal(err)
	}
	for _, s := range states {
		if s.Case != "complete" {
			continue
		}
		prior, err := framework.UpgradeResourceState(t.Context(), &tfprotov6.UpgradeResourceStateRequest{
			TypeName: s.Type, Version: s.Version, RawState: &tfprotov6.RawState{JSON: s.Attributes}})
		if err != nil || len(prior.Diagnostics) > 0 {
			t.Fatal(err, prior)
		}
		for _, optional := range []bool{true, false} {
			all = append(all, &tfprotov6.PlanResourceChangeRequest{
				TypeName: s.Type, PriorState: prior.UpgradedState, ProposedNewState: prior.UpgradedState,
				Config: configured(t, schemas.ResourceSchemas[s.Type], prior.UpgradedState, optional), PriorPrivate: []byte(`{"key":"InZhbHVlIg=="}`),
			})
		}
	}
	return all
}

// configured is the configuration behind a state.
func configured(t *testing.T, schema *tfprotov6.Schema, state *tfprotov6.DynamicValue, optional bool) *tfprotov6.DynamicValue {
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
		if !a.Required && !(a.Optional && optional) {
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
