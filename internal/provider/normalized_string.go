// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/attr/xattr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/types/basetypes"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

// notation is a way of writing a value in which different texts may mean the same.
// normalize returns the one text that all equivalent ones share, or says what is wrong with s.
type notation interface {
	normalize(s string) (string, error)
}

// normalizedStringType is the schema type of a normalizedString.
type normalizedStringType[N notation] struct{ basetypes.StringType }

// normalizedString keeps the user's spelling and compares by meaning.
type normalizedString[N notation] struct{ basetypes.StringValue }

var (
	_ basetypes.StringTypable                    = normalizedStringType[planNotation]{}
	_ basetypes.StringValuableWithSemanticEquals = normalizedString[planNotation]{}
	_ xattr.ValidateableAttribute                = normalizedString[planNotation]{}
)

func newNormalizedString[N notation](s string) normalizedString[N] {
	return normalizedString[N]{basetypes.NewStringValue(s)}
}

func (t normalizedStringType[N]) String() string { return fmt.Sprintf("%T", t) }

func (t normalizedStringType[N]) ValueType(context.Context) attr.Value { return normalizedString[N]{} }

func (t normalizedStringType[N]) Equal(other attr.Type) bool {
	_, same := other.(normalizedStringType[N])
	return same
}

func (t normalizedStringType[N]) ValueFromString(_ context.Context, v basetypes.StringValue) (basetypes.StringValuable, diag.Diagnostics) {
	return normalizedString[N]{v}, nil
}

func (t normalizedStringType[N]) ValueFromTerraform(ctx context.Context, v tftypes.Value) (attr.Value, error) {
	value, err := t.StringType.ValueFromTerraform(ctx, v)
	if err != nil {
		return nil, err
	}
	text, ok := value.(basetypes.StringValue)
	if !ok {
		return nil, fmt.Errorf("unexpected value type %T", value)
	}
	return normalizedString[N]{text}, nil
}

func (v normalizedString[N]) Type(context.Context) attr.Type { return normalizedStringType[N]{} }

func (v normalizedString[N]) Equal(other attr.Value) bool {
	o, same := other.(normalizedString[N])
	return same && v.StringValue.Equal(o.StringValue)
}

// StringSemanticEquals reports whether both mean the same; texts that cannot be read are equal only when identical.
func (v normalizedString[N]) StringSemanticEquals(_ context.Context, other basetypes.StringValuable) (bool, diag.Diagnostics) {
	o, same := other.(normalizedString[N])
	return same && v.equivalent(o), nil
}

func (v normalizedString[N]) equivalent(o normalizedString[N]) bool {
	var n N
	a, errA := n.normalize(v.ValueString())
	b, errB := n.normalize(o.ValueString())
	if errA != nil || errB != nil {
		return v.ValueString() == o.ValueString()
	}
	return a == b
}

// normalized is the one text for all that mean the same: what is sent to Heroku. It is empty for what is null or unknown.
func (v normalizedString[N]) normalized() string {
	var n N
	text, err := n.normalize(v.ValueString())
	if err != nil {
		return v.ValueString()
	}
	return text
}

// orEquivalent is known when it means the same as v, so that what was written once is not spelled anew.
func (v normalizedString[N]) orEquivalent(known normalizedString[N]) normalizedString[N] {
	if !known.IsNull() && !known.IsUnknown() && v.equivalent(known) {
		return known
	}
	return v
}

func (v normalizedString[N]) ValidateAttribute(_ context.Context, req xattr.ValidateAttributeRequest, resp *xattr.ValidateAttributeResponse) {
	if v.IsNull() || v.IsUnknown() {
		return
	}
	var n N
	if _, err := n.normalize(v.ValueString()); err != nil {
		resp.Diagnostics.Append(invalidValue(req.Path, err))
	}
}

// keepEquivalent plans the prior value when the configuration only spells it differently.
// The framework compares by meaning after apply, not between the configuration and the state.
func keepEquivalent() planmodifier.String { return equivalenceKeeper{} }

type equivalenceKeeper struct{}

func (equivalenceKeeper) Description(context.Context) string {
	return "Keeps the value in the state when the configuration means the same."
}

func (k equivalenceKeeper) MarkdownDescription(ctx context.Context) string { return k.Description(ctx) }

func (equivalenceKeeper) PlanModifyString(ctx context.Context, req planmodifier.StringRequest, resp *planmodifier.StringResponse) {
	if req.StateValue.IsNull() || req.PlanValue.IsNull() || req.PlanValue.IsUnknown() {
		return
	}
	attrType, diags := req.Plan.Schema.TypeAtPath(ctx, req.Path)
	resp.Diagnostics.Append(diags...)
	stringType, ok := attrType.(basetypes.StringTypable)
	if diags.HasError() || !ok {
		return
	}
	planned, diags := stringType.ValueFromString(ctx, req.PlanValue)
	resp.Diagnostics.Append(diags...)
	prior, diags := stringType.ValueFromString(ctx, req.StateValue)
	resp.Diagnostics.Append(diags...)
	comparable, ok := planned.(basetypes.StringValuableWithSemanticEquals)
	if !ok || resp.Diagnostics.HasError() {
		return
	}
	equal, diags := comparable.StringSemanticEquals(ctx, prior)
	resp.Diagnostics.Append(diags...)
	if equal {
		resp.PlanValue = req.StateValue
	}
}
