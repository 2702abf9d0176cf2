// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package faultmatrix

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/acctest"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/sandbox"
)

// These tests use the plugin protocol: a CLI would refuse some of the values, or take too long.

// server returns a configured provider and its schema.
func server(t *testing.T, sb *acctest.Sandbox) (tfprotov6.ProviderServer, *tfprotov6.GetProviderSchemaResponse) {
	t.Helper()
	provider, err := sb.Factories()["kvs"]()
	if err != nil {
		t.Fatal(err)
	}
	schema, err := provider.GetProviderSchema(t.Context(), &tfprotov6.GetProviderSchemaRequest{})
	if err != nil {
		t.Fatal(err)
	}
	config := dynamic(t, schema.Provider.ValueType(), object(schema.Provider, nil))
	configured, err := provider.ConfigureProvider(t.Context(),
		&tfprotov6.ConfigureProviderRequest{TerraformVersion: "1.14.0", Config: config})
	if err != nil || len(configured.Diagnostics) > 0 {
		t.Fatalf("configuring the provider: %v, %v", err, configured.Diagnostics)
	}
	return provider, schema
}

func dynamic(t *testing.T, is tftypes.Type, value tftypes.Value) *tfprotov6.DynamicValue {
	t.Helper()
	encoded, err := tfprotov6.NewDynamicValue(is, value)
	if err != nil {
		t.Fatal(err)
	}
	return &encoded
}

// object returns an object with these attributes, and null for all others.
func object(schema *tfprotov6.Schema, known map[string]tftypes.Value) tftypes.Value {
	attributes := map[string]tftypes.Value{}
	for _, attribute := range schema.Block.Attributes {
		attributes[attribute.Name] = tftypes.NewValue(attribute.ValueType(), nil)
	}
	maps.Copy(attributes, known)
	return tftypes.NewValue(schema.ValueType(), attributes)
}

// hostile are malicious or malformed names and ids.
var hostile = map[string]string{
	"nothing": "", "a space": " ", "unicode": "größe-заказы-注文-🛒", "control characters": "a\x00b\x1b[2Jc\r\n\td",
	"a way up":          "../../teams",
	"an escaped way up": "..%2F..%2Fteams", "a slash": "a/b", "an escaped slash": "a%2Fb", "a query": "a?force=true", "a fragment": "a#b",
	"half an import id": "orders-api::", "too much of one": "a::b::c", "a secret": "rediss://h:hunter2-canary@example.com:6380",
	"right to left": "orders\u202egnp.exe", "invalid UTF-8": "a\xff\xfeb", "1 MB": strings.Repeat("x", 1<<20), "a star": "*", "a dot": ".",
}

// A hostile import id is refused by a diagnostic, without a panic, and no request uses another path than the resource's own.
func TestAccHostile_importIDs(t *testing.T) {
	t.Parallel()
	sb := acctest.Start(t, func(o *sandbox.Options) { o.Engine = "miniredis" })
	provider, schema := server(t, sb)
	for _, resource := range slices.Sorted(maps.Keys(schema.ResourceSchemas)) {
		for name, id := range hostile {
			if name == "invalid UTF-8" {
				continue // the protocol allows valid UTF-8 only
			}
			t.Run(resource+" "+name, func(t *testing.T) {
				response, err := provider.ImportResourceState(t.Context(),
					&tfprotov6.ImportResourceStateRequest{TypeName: resource, ID: id})
				if err != nil {
					t.Fatalf("the provider fails: %v", err)
				}
				expectRefusal(t, response.Diagnostics)
				if len(response.ImportedResources) > 0 {
					t.Errorf("something was imported: %v", response.ImportedResources)
				}
			})
		}
	}
	for _, request := range sb.Requests("[A-Z]+", ".*") {
		if strings.Contains(request.Path, "/teams") || strings.Contains(request.Query, "force") {
			t.Errorf("an import asked for %s %s?%s", request.Method, request.Path, request.Query)
		}
	}
}

func expectRefusal(t *testing.T, diagnostics []*tfprotov6.Diagnostic) {
	t.Helper()
	refused := false
	for _, d := range diagnostics {
		refused = refused || d.Severity == tfprotov6.DiagnosticSeverityError
		if strings.Contains(d.Summary+d.Detail, "failed unexpectedly") {
			t.Errorf("a panic: %s", d.Detail)
		}
		if len(d.Detail) > 4<<10 {
			t.Errorf("a diagnostic of %d bytes: %s…", len(d.Detail), d.Detail[:200])
		}
	}
	if !refused {
		t.Error("it is not refused")
	}
}

// Every attribute of every resource and data source may be null, unknown or empty, with the others null or unknown:
// validation, planning and reading return an answer and never panic.
func TestAccHostile_values(t *testing.T) {
	t.Parallel()
	sb := acctest.Start(t, func(o *sandbox.Options) { o.Engine = "miniredis" })
	provider, schema := server(t, sb)
	asked := 0
	for name, resource := range schema.ResourceSchemas {
		for _, config := range variations(resource) {
			asked++
			encoded := dynamic(t, resource.ValueType(), config)
			validated, err := provider.ValidateResourceConfig(t.Context(),
				&tfprotov6.ValidateResourceConfigRequest{TypeName: name, Config: encoded})
			if err != nil {
				t.Fatalf("%s: validating %v: %v", name, config, err)
			}
			expectNoPanic(t, name, config, validated.Diagnostics)
			planned, err := provider.PlanResourceChange(t.Context(), &tfprotov6.PlanResourceChangeRequest{
				TypeName: name, Config: encoded, ProposedNewState: encoded,
				PriorState: dynamic(t, resource.ValueType(), tftypes.NewValue(resource.ValueType(), nil)),
			})
			if err != nil {
				t.Fatalf("%s: planning %v: %v", name, config, err)
			}
			expectNoPanic(t, name, config, planned.Diagnostics)
		}
	}
	for name, source := range schema.DataSourceSchemas {
		for _, config := range variations(source) {
			asked++
			encoded := dynamic(t, source.ValueType(), config)
			validated, err := provider.ValidateDataResourceConfig(t.Context(),
				&tfprotov6.ValidateDataResourceConfigRequest{TypeName: name, Config: encoded})
			if err != nil {
				t.Fatalf("%s: validating %v: %v", name, config, err)
			}
			expectNoPanic(t, name, config, validated.Diagnostics)
			if !config.IsFullyKnown() {
				continue // the CLIs do not read a data source with unknown values
			}
			read, err := provider.ReadDataSource(t.Context(), &tfprotov6.ReadDataSourceRequest{TypeName: name, Config: encoded})
			if err != nil {
				t.Fatalf("%s: reading %v: %v", name, config, err)
			}
			expectNoPanic(t, name, config, read.Diagnostics)
		}
	}
	if asked < 300 {
		t.Errorf("only %d configurations were tried", asked)
	}
	if created := sb.Ledger().Created; created != 0 {
		t.Errorf("planning created %d objects", created)
	}
}

func expectNoPanic(t *testing.T, what string, config tftypes.Value, diagnostics []*tfprotov6.Diagnostic) {
	t.Helper()
	for _, d := range diagnostics {
		if strings.Contains(d.Summary, "unexpectedly") || strings.Contains(d.Summary, "Value Conversion Error") ||
			strings.Contains(d.Detail, "report") {
			t.Errorf("%s with %v: %s: %s", what, config, d.Summary, d.Detail)
		}
	}
}

// variations returns configurations in which one attribute is null, unknown, empty or hostile, and the others null or unknown.
func variations(schema *tfprotov6.Schema) []tftypes.Value {
	var all []tftypes.Value
	for _, rest := range []any{nil, tftypes.UnknownValue} {
		others := map[string]tftypes.Value{}
		for _, a := range schema.Block.Attributes {
			others[a.Name] = tftypes.NewValue(a.ValueType(), nil)
			if a.Required || a.Optional {
				others[a.Name] = tftypes.NewValue(a.ValueType(), rest)
			}
		}
		for _, a := range schema.Block.Attributes {
			if !a.Required && !a.Optional {
				continue
			}
			for _, value := range empties(a.ValueType()) {
				one := maps.Clone(others)
				one[a.Name] = value
				all = append(all, object(schema, one))
			}
		}
	}
	return all
}

func empties(is tftypes.Type) []tftypes.Value {
	values := []tftypes.Value{tftypes.NewValue(is, nil), tftypes.NewValue(is, tftypes.UnknownValue)}
	switch {
	case is.Is(tftypes.String):
		for name, text := range hostile {
			if name != "invalid UTF-8" && name != "1 MB" {
				values = append(values, tftypes.NewValue(is, text))
			}
		}
	case is.Is(tftypes.Number):
		for _, number := range []int64{0, -1, 1 << 62} {
			values = append(values, tftypes.NewValue(is, number))
		}
	case is.Is(tftypes.Bool):
		values = append(values, tftypes.NewValue(is, false), tftypes.NewValue(is, true))
	case is.Is(tftypes.Map{}):
		values = append(values, tftypes.NewValue(is, map[string]tftypes.Value{}))
	case is.Is(tftypes.Set{}), is.Is(tftypes.List{}):
		values = append(values, tftypes.NewValue(is, []tftypes.Value{}))
	}
	if structure, ok := is.(tftypes.Object); ok {
		null, unknown := map[string]tftypes.Value{}, map[string]tftypes.Value{}
		for name, member := range structure.AttributeTypes {
			null[name], unknown[name] = tftypes.NewValue(member, nil), tftypes.NewValue(member, tftypes.UnknownValue)
		}
		values = append(values, tftypes.NewValue(is, null), tftypes.NewValue(is, unknown))
	}
	return values
}
