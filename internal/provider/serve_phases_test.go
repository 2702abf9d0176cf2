// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"testing"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/acctest"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/sandbox"
)

// phases is a provider as a CLI speaks to it that configures it once.
type phases struct {
	*testing.T
	server  tfprotov6.ProviderServer
	schemas *tfprotov6.GetProviderSchemaResponse
}

func newPhases(t *testing.T) *phases {
	t.Helper()
	server, err := acctest.Start(t, func(o *sandbox.Options) { o.Engine = "miniredis" }).Factories()["kvs"]()
	if err != nil {
		t.Fatal(err)
	}
	schemas, err := server.GetProviderSchema(t.Context(), &tfprotov6.GetProviderSchemaRequest{})
	if err != nil {
		t.Fatal(err)
	}
	return &phases{t, server, schemas}
}

func (p *phases) configure(validated bool) {
	p.Helper()
	config := p.value(p.schemas.Provider, nil)
	if validated {
		if _, err := p.server.ValidateProviderConfig(p.Context(), &tfprotov6.ValidateProviderConfigRequest{Config: config}); err != nil {
			p.Fatal(err)
		}
	}
	configured, err := p.server.ConfigureProvider(p.Context(), &tfprotov6.ConfigureProviderRequest{Config: config})
	if err != nil || len(configured.Diagnostics) > 0 {
		p.Fatal(err, configured)
	}
}

func (p *phases) value(schema *tfprotov6.Schema, given values) *tfprotov6.DynamicValue {
	p.Helper()
	of := schema.ValueType().(tftypes.Object)
	return dynamic(p.T, of, (&front{T: p.T}).attributes(of, given))
}

func none(t *testing.T, schema *tfprotov6.Schema) *tfprotov6.DynamicValue {
	return dynamicNull(t, schema.ValueType().(tftypes.Object))
}

// plan plans the creation of an app and gives what is planned, nil when it is refused.
func (p *phases) plan(name string, applying bool) *tfprotov6.DynamicValue {
	p.Helper()
	schema := p.schemas.ResourceSchemas["kvs_app"]
	config := p.value(schema, values{"name": name})
	planned, err := p.server.PlanResourceChange(p.Context(), &tfprotov6.PlanResourceChangeRequest{
		TypeName: "kvs_app", PriorState: none(p.T, schema), Config: config, ProposedNewState: config,
		ClientCapabilities: &tfprotov6.PlanResourceChangeClientCapabilities{DeferralAllowed: applying},
	})
	if err != nil {
		p.Fatal(err)
	}
	for _, d := range planned.Diagnostics {
		if d.Severity == tfprotov6.DiagnosticSeverityError {
			return nil
		}
	}
	return planned.PlannedState
}

// apply plans once more and creates.
func (p *phases) apply(name string) *tfprotov6.DynamicValue {
	p.Helper()
	planned := p.plan(name, true)
	if planned == nil {
		p.Fatal("what was planned is refused when it is planned once more, at apply")
	}
	schema := p.schemas.ResourceSchemas["kvs_app"]
	made, err := p.server.ApplyResourceChange(p.Context(), &tfprotov6.ApplyResourceChangeRequest{
		TypeName: "kvs_app", PriorState: none(p.T, schema), PlannedState: planned, Config: p.value(schema, values{"name": name}),
	})
	if err != nil || len(made.Diagnostics) > 0 {
		p.Fatal(err, made.Diagnostics)
	}
	return made.NewState
}

// A plan of a test file is not refused for what an earlier plan of that file was to create, nor an apply for its own plan.
func TestPhases_ofAProviderThatIsConfiguredOnce(t *testing.T) {
	t.Parallel()
	p := newPhases(t)
	p.configure(false)
	for range 2 {
		if p.plan("acme-web", false) == nil {
			t.Fatal("a plan is refused for what an earlier one was to create")
		}
	}
	state := p.apply("acme-web")
	schema := p.schemas.ResourceSchemas["kvs_app"]
	for range 2 { // the second read begins another plan
		read, err := p.server.ReadResource(t.Context(), &tfprotov6.ReadResourceRequest{TypeName: "kvs_app", CurrentState: state})
		if err != nil || len(read.Diagnostics) > 0 {
			t.Fatal(err, read.Diagnostics)
		}
		nothing := none(t, schema)
		gone, err := p.server.PlanResourceChange(t.Context(), &tfprotov6.PlanResourceChangeRequest{
			TypeName: "kvs_app", PriorState: state, Config: nothing, ProposedNewState: nothing,
		})
		if err != nil || len(gone.Diagnostics) != 1 || gone.Diagnostics[0].Severity != tfprotov6.DiagnosticSeverityWarning {
			t.Errorf("the plan of a destroy: %v, %v", err, gone.Diagnostics)
		}
	}
}

// Everybody else configures it for each plan, and there two instances of one name are refused.
func TestPhases_ofAProviderThatIsConfiguredForEachPlan(t *testing.T) {
	t.Parallel()
	p := newPhases(t)
	p.configure(true)
	if p.plan("acme-web", false) == nil {
		t.Fatal("the first app is refused")
	}
	if p.plan("acme-web", false) != nil {
		t.Error("a second app of the same name is not refused")
	}
}

// What a mock invents is accepted as an id until the provider is configured, and nothing else is.
func TestIDs_thatAMockInvents(t *testing.T) {
	t.Parallel()
	p := newPhases(t)
	accepted := func(id string) bool {
		t.Helper()
		judged, err := p.server.ValidateResourceConfig(t.Context(), &tfprotov6.ValidateResourceConfigRequest{
			TypeName: "kvs_attachment", Config: p.value(p.schemas.ResourceSchemas["kvs_attachment"],
				values{"app_id": id, "instance_id": "7c4e2a90-3b5d-4f8e-a1c6-d2e3f4a5b6c7", "name": "CACHE"}),
		})
		if err != nil {
			t.Fatal(err)
		}
		return len(judged.Diagnostics) == 0
	}
	invented := []string{"q7a1x0zk", "2t1RPg5h5Fve"} // by Terraform, by OpenTofu
	for _, id := range invented {
		if !accepted(id) {
			t.Errorf("%q, which a mock invents, is refused", id)
		}
	}
	for _, id := range []string{"", "acme-web", "web", "https://acme-web.herokuapp.com", "7C4E2A90-3B5D-4F8E-A1C6-D2E3F4A5B6C7"} {
		if accepted(id) {
			t.Errorf("%q, which no mock invents, is accepted", id)
		}
	}
	p.configure(true)
	for _, id := range invented {
		if accepted(id) {
			t.Errorf("%q is accepted by a provider that is configured", id)
		}
	}
}
