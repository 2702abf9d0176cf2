// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"math/big"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/provider"
)

// What follows gives every attribute that can be configured a value that is none, and hears what validation says.

// oneValue is a configuration in which only one attribute is set: "resource kvs_instance.fork.url_wo_version".
type oneValue struct {
	where string
	value tftypes.Value
}

// configurable visits every attribute that can be set, of any schema.
func configurable(t *testing.T, visit func(where string, a *tfprotov6.SchemaAttribute)) {
	t.Helper()
	for where, schema := range servedSchemas(t) {
		eachAttribute(where, schema.Block, func(where string, a *tfprotov6.SchemaAttribute) {
			if a.Optional || a.Required {
				visit(where, a)
			}
		})
	}
}

// says are the errors about the attribute, and about nothing in particular.
func (o oneValue) says(t *testing.T) (said []string) {
	t.Helper()
	block, attribute, _ := strings.Cut(o.where, ".")
	kind, name := block[:strings.LastIndex(block, " ")], block[strings.LastIndex(block, " ")+1:]
	server := providerserver.NewProtocol6(provider.New("test")())().(interface {
		tfprotov6.ProviderServer
		tfprotov6.ActionServer
		tfprotov6.ListResourceServer
	})
	of := servedSchemas(t)[block].ValueType()
	config := dynamic(t, of, with(of, strings.Split(attribute, "."), o.value).(map[string]tftypes.Value))
	var (
		all []*tfprotov6.Diagnostic
		err error
	)
	switch kind {
	case "provider":
		var resp *tfprotov6.ValidateProviderConfigResponse
		if resp, err = server.ValidateProviderConfig(t.Context(), &tfprotov6.ValidateProviderConfigRequest{Config: config}); err == nil {
			all = resp.Diagnostics
		}
	case "resource":
		var resp *tfprotov6.ValidateResourceConfigResponse
		if resp, err = server.ValidateResourceConfig(t.Context(), &tfprotov6.ValidateResourceConfigRequest{
			TypeName: name, Config: config, ClientCapabilities: &tfprotov6.ValidateResourceConfigClientCapabilities{WriteOnlyAttributesAllowed: true},
		}); err == nil {
			all = resp.Diagnostics
		}
	case "data source":
		var resp *tfprotov6.ValidateDataResourceConfigResponse
		if resp, err = server.ValidateDataResourceConfig(t.Context(),
			&tfprotov6.ValidateDataResourceConfigRequest{TypeName: name, Config: config}); err == nil {
			all = resp.Diagnostics
		}
	case "ephemeral resource":
		var resp *tfprotov6.ValidateEphemeralResourceConfigResponse
		if resp, err = server.ValidateEphemeralResourceConfig(t.Context(),
			&tfprotov6.ValidateEphemeralResourceConfigRequest{TypeName: name, Config: config}); err == nil {
			all = resp.Diagnostics
		}
	case "list resource":
		var resp *tfprotov6.ValidateListResourceConfigResponse
		if resp, err = server.ValidateListResourceConfig(t.Context(),
			&tfprotov6.ValidateListResourceConfigRequest{TypeName: name, Config: config}); err == nil {
			all = resp.Diagnostics
		}
	case "action":
		var resp *tfprotov6.ValidateActionConfigResponse
		if resp, err = server.ValidateActionConfig(t.Context(),
			&tfprotov6.ValidateActionConfigRequest{ActionType: name, Config: config}); err == nil {
			all = resp.Diagnostics
		}
	default:
		t.Fatalf("%s is of no kind", o.where)
	}
	if err != nil {
		t.Fatalf("%s: %v", o.where, err)
	}
	for _, d := range all {
		within := d.Attribute == nil || strings.HasPrefix(d.Attribute.String(), `AttributeName("`+strings.Split(attribute, ".")[0]+`")`)
		if d.Severity == tfprotov6.DiagnosticSeverityError && within {
			said = append(said, d.Summary+": "+d.Detail)
		}
	}
	return said
}

// with is a value of a type in which all but one attribute is null; the attributes on the way are set, an element of a
// map or a list too.
func with(of tftypes.Type, steps []string, value tftypes.Value) any {
	switch of := of.(type) {
	case tftypes.Object:
		all := map[string]tftypes.Value{}
		for name, kind := range of.AttributeTypes {
			all[name] = tftypes.NewValue(kind, nil)
		}
		if len(steps) == 1 {
			all[steps[0]] = value
		} else {
			kind := of.AttributeTypes[steps[0]]
			all[steps[0]] = tftypes.NewValue(kind, with(kind, steps[1:], value))
		}
		return all
	case tftypes.Map:
		return map[string]tftypes.Value{"192.0.2.0/24": tftypes.NewValue(of.ElementType, with(of.ElementType, steps, value))}
	case tftypes.List:
		return []tftypes.Value{tftypes.NewValue(of.ElementType, with(of.ElementType, steps, value))}
	case tftypes.Set:
		return []tftypes.Value{tftypes.NewValue(of.ElementType, with(of.ElementType, steps, value))}
	}
	panic("nothing is within " + of.String())
}

func TestSchema_whatIsNoWholeNumberIsRefused(t *testing.T) {
	t.Parallel()
	numbers := 0
	configurable(t, func(where string, a *tfprotov6.SchemaAttribute) {
		if a.Type == nil || !a.Type.Is(tftypes.Number) {
			return
		}
		numbers++
		for written, want := range map[string]string{
			"1.5":   " of 1.5",
			"-0.25": "is not a whole number: write for example -1 or 0, or round",
			"1e30":  " of 1e+30",
			"-1e30": "is more than 64 bits can hold: write for example ",
		} {
			number, _, err := big.ParseFloat(written, 10, 512, big.ToNearestEven)
			if err != nil {
				t.Fatal(err)
			}
			said := strings.Join(oneValue{where, tftypes.NewValue(tftypes.Number, number)}.says(t), "\n")
			if !strings.Contains(said, want) || strings.Contains(said, "provider") {
				t.Errorf("%s = %s: it says %q, want %q", where, written, said, want)
			}
		}
	})
	if numbers < 4 {
		t.Errorf("only %d numbers were seen", numbers)
	}
}

// namesValues says that a diagnostic gives values that would do.
var namesValues = regexp.MustCompile(`for example|such as|must be one of: \[|write one of `)

// meaningful are blank texts that are values.
var meaningful = map[string][]string{
	"resource kvs_instance.notify_keyspace_events":      {""},
	"resource kvs_trusted_ip_ranges.ranges.description": {"", " "},
	"resource kvs_trusted_ip_range.description":         {"", " "},
}

// resourceRules are attributes that their resource judges together with others.
var resourceRules = []string{
	"resource kvs_app.region", "resource kvs_app.team", "resource kvs_private_space.log_drain_url_wo",
	"resource kvs_private_space.region", "resource kvs_private_space.team",
}

func TestSchema_emptyStringIsNotAbsent(t *testing.T) {
	t.Parallel()
	texts := 0
	configurable(t, func(where string, a *tfprotov6.SchemaAttribute) {
		if a.Type == nil || !a.Type.Is(tftypes.String) || slices.Contains(resourceRules, where) {
			return
		}
		texts++
		for _, text := range []string{"", " "} {
			said := oneValue{where, tftypes.NewValue(tftypes.String, text)}.says(t)
			if told := slices.ContainsFunc(said, namesValues.MatchString); told == slices.Contains(meaningful[where], text) {
				t.Errorf("%s = %q: it says %q", where, text, said)
			}
		}
	})
	if texts < 60 {
		t.Errorf("only %d texts were seen", texts)
	}
}

func TestSchema_timeoutsArePositiveTimes(t *testing.T) {
	t.Parallel()
	timeouts := 0
	configurable(t, func(where string, a *tfprotov6.SchemaAttribute) {
		if !strings.Contains(where, ".timeouts.") {
			return
		}
		timeouts++
		for _, text := range []string{"-5m", "0s", "0", "30", "5 minutes", "30M"} {
			said := strings.Join(oneValue{where, tftypes.NewValue(tftypes.String, text)}.says(t), "\n")
			if !strings.Contains(said, `"`+text+`" is not a time to wait: write a number above 0 and its unit (s, m or h), for example "90s"`) {
				t.Errorf("%s = %q: it says %q", where, text, said)
			}
		}
		if said := (oneValue{where, tftypes.NewValue(tftypes.String, "1h30m")}).says(t); len(said) != 0 &&
			!strings.HasPrefix(where, "ephemeral") {
			t.Errorf("%s: it says %q", where, said)
		}
	})
	if timeouts < 10 {
		t.Errorf("only %d timeouts were seen", timeouts)
	}
}

// besides are errors about what has to be set beside an attribute.
var besides = regexp.MustCompile(`^(Invalid Attribute Combination|Missing Attribute Configuration|A fork needs a source|The week of the maintenance is missing)`)

// What is known only after apply is no mistake, be it a part, an element or the whole of an attribute.
func TestSchema_unknownIsNoError(t *testing.T) {
	t.Parallel()
	configurable(t, func(where string, a *tfprotov6.SchemaAttribute) {
		for _, said := range (oneValue{where, tftypes.NewValue(a.ValueType(), tftypes.UnknownValue)}).says(t) {
			if !besides.MatchString(said) {
				t.Errorf("%s is unknown, and it says %q", where, said)
			}
		}
	})
}

// An element that is null means what its resource says, or is refused in words about the value.
func TestSchema_nullElementBlamesNobody(t *testing.T) {
	t.Parallel()
	configurable(t, func(where string, a *tfprotov6.SchemaAttribute) {
		var of tftypes.Type
		value := func(element tftypes.Value) any { return []tftypes.Value{element} }
		switch collection := a.ValueType().(type) {
		case tftypes.Map:
			of = collection.ElementType
			value = func(element tftypes.Value) any { return map[string]tftypes.Value{"192.0.2.0/24": element} }
		case tftypes.List:
			of = collection.ElementType
		case tftypes.Set:
			of = collection.ElementType
		default:
			return
		}
		for _, said := range (oneValue{where, tftypes.NewValue(a.ValueType(), value(tftypes.NewValue(of, nil)))}).says(t) {
			if strings.Contains(said, "provider") {
				t.Errorf("%s has an element that is null, and it says %q", where, said)
			}
		}
	})
}
