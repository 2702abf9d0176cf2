// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/attr/xattr"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-framework/types/basetypes"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

func TestNormalizedString_equality(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		a, b basetypes.StringValuableWithSemanticEquals
		want bool
	}{
		"a plan with and without its service is the same":     {newPlanName("premium-0"), newPlanName("heroku-redis:premium-0"), true},
		"the old name of mini is mini":                        {newPlanName("hobby-dev"), newPlanName("mini"), true},
		"two plans differ":                                    {newPlanName("premium-0"), newPlanName("premium-1"), false},
		"a plan that cannot be read equals itself":            {newPlanName("?"), newPlanName("?"), true},
		"a plan that cannot be read equals nothing else":      {newPlanName("?"), newPlanName("!"), false},
		"flags in another order are the same":                 {newKeyspaceEvents("KEx"), newKeyspaceEvents("xEK"), true},
		"A is all the classes it stands for":                  {newKeyspaceEvents("AKE"), newKeyspaceEvents("g$lshztxeKE"), true},
		"A leaves out m":                                      {newKeyspaceEvents("AmK"), newKeyspaceEvents("AK"), false},
		"no flags differ from some":                           {newKeyspaceEvents(""), newKeyspaceEvents("K"), false},
		"a plan is never equal to flags, whatever their text": {newPlanName("mini"), newKeyspaceEvents("mini"), false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, diags := test.a.StringSemanticEquals(t.Context(), test.b)
			if diags.HasError() {
				t.Fatalf("diagnostics: %v", diags)
			}
			if got != test.want {
				t.Errorf("equal = %v, want %v", got, test.want)
			}
		})
	}
}

func TestNormalizedString_validation(t *testing.T) {
	t.Parallel()
	unknown := planName{basetypes.NewStringUnknown()}
	null := planName{basetypes.NewStringNull()}
	tests := map[string]struct {
		value xattr.ValidateableAttribute
		valid bool
	}{
		"a plan of this service is accepted":       {newPlanName("heroku-redis:premium-0"), true},
		"a plan that nobody published is accepted": {newPlanName("private-3"), true},
		"a plan of another service is refused":     {newPlanName("heroku-postgresql:mini"), false},
		"an empty plan is refused":                 {newPlanName(""), false},
		"an unknown plan is not judged":            {unknown, true},
		"a null plan is not judged":                {null, true},
		"flags are accepted":                       {newKeyspaceEvents("AKE"), true},
		"no flags are accepted":                    {newKeyspaceEvents(""), true},
		"a letter that is no flag is refused":      {newKeyspaceEvents("Kq"), false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var resp xattr.ValidateAttributeResponse
			test.value.ValidateAttribute(t.Context(), xattr.ValidateAttributeRequest{Path: path.Root("plan")}, &resp)
			if valid := !resp.Diagnostics.HasError(); valid != test.valid {
				t.Errorf("valid = %v, want %v: %v", valid, test.valid, resp.Diagnostics)
			}
		})
	}
}

func TestNormalizedString_keepsKnownSpelling(t *testing.T) {
	t.Parallel()
	fromAPI := newPlanName("heroku-redis:premium-0")
	tests := map[string]struct {
		known planName
		want  string
	}{
		"the same plan keeps its spelling":     {newPlanName("premium-0"), "premium-0"},
		"another plan is replaced":             {newPlanName("premium-1"), "heroku-redis:premium-0"},
		"nothing known takes what Heroku says": {planName{basetypes.NewStringUnknown()}, "heroku-redis:premium-0"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := fromAPI.orEquivalent(test.known).ValueString(); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestKeepEquivalent(t *testing.T) {
	t.Parallel()
	ofPlans := schema.StringAttribute{CustomType: planNameType{}}
	ofFlags := schema.StringAttribute{CustomType: keyspaceEventsType{}}
	tests := map[string]struct {
		attribute    schema.StringAttribute
		prior, asked types.String
		want         types.String
	}{
		"another spelling plans the prior value": {ofPlans, types.StringValue("heroku-redis:mini"),
			types.StringValue("mini"), types.StringValue("heroku-redis:mini")},
		"another plan is planned": {ofPlans, types.StringValue("mini"), types.StringValue("premium-0"),
			types.StringValue("premium-0")},
		"flags are compared as a set":      {ofFlags, types.StringValue("AKE"), types.StringValue("EKA"), types.StringValue("AKE")},
		"an unknown value stays unknown":   {ofPlans, types.StringValue("mini"), types.StringUnknown(), types.StringUnknown()},
		"a new object plans what is asked": {ofPlans, types.StringNull(), types.StringValue("mini"), types.StringValue("mini")},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			attribute := path.Root("it")
			resp := planmodifier.StringResponse{PlanValue: test.asked}
			keepEquivalent().PlanModifyString(t.Context(), planmodifier.StringRequest{
				Path:       attribute,
				Plan:       tfsdk.Plan{Schema: schema.Schema{Attributes: map[string]schema.Attribute{"it": test.attribute}}},
				StateValue: test.prior,
				PlanValue:  test.asked,
			}, &resp)
			if resp.Diagnostics.HasError() {
				t.Fatalf("diagnostics: %v", resp.Diagnostics)
			}
			if !resp.PlanValue.Equal(test.want) {
				t.Errorf("planned %s, want %s", resp.PlanValue, test.want)
			}
		})
	}
}

func TestNormalizedStringType_roundTrip(t *testing.T) {
	t.Parallel()
	for name, raw := range map[string]tftypes.Value{
		"known":   tftypes.NewValue(tftypes.String, "mini"),
		"null":    tftypes.NewValue(tftypes.String, nil),
		"unknown": tftypes.NewValue(tftypes.String, tftypes.UnknownValue),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			value, err := planNameType{}.ValueFromTerraform(t.Context(), raw)
			if err != nil {
				t.Fatal(err)
			}
			back, err := value.ToTerraformValue(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if !back.Equal(raw) {
				t.Errorf("came back as %s, want %s", back, raw)
			}
			if !value.Type(t.Context()).Equal(planNameType{}) {
				t.Errorf("type = %s", value.Type(t.Context()))
			}
		})
	}
	var flags attr.Type = keyspaceEventsType{}
	if flags.Equal(planNameType{}) {
		t.Error("the type of flags equals the type of plans")
	}
}
