// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"bytes"
	"context"
	"reflect"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/defaults"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

// Most plans change nothing, and most of what a provider does for them is to decode, copy and encode what stays as it is.

// setChanged writes a state or a plan unless it would be what it was before.
func setChanged[M any](ctx context.Context, target interface {
	Set(context.Context, any) diag.Diagnostics
}, before, now M) diag.Diagnostics {
	if same(before, now) {
		return nil
	}
	return target.Set(ctx, &now)
}

// same compares two models, whose fields are all values of the framework.
func same[M any](a, b M) bool {
	x, y := reflect.ValueOf(a), reflect.ValueOf(b)
	for i := range x.NumField() {
		before, isValue := x.Field(i).Interface().(attr.Value)
		now, areValues := y.Field(i).Interface().(attr.Value)
		if !isValue || !areValues || !before.Equal(now) {
			return false
		}
	}
	return true
}

// unchanged reports that the framework would only return what it was given.
func (p *kvsProvider) unchanged(ctx context.Context, req *tfprotov6.PlanResourceChangeRequest) bool {
	if !exists(req.PriorState) || !exists(req.ProposedNewState) || !bytes.Equal(req.PriorState.MsgPack, req.ProposedNewState.MsgPack) {
		return false
	}
	switch req.TypeName {
	case "kvs_instance":
		return p.storeStays(ctx, req)
	case "kvs_attachment":
		return p.conn == nil || p.attachmentStays(ctx, req)
	case "kvs_maintenance_window":
		return p.conn == nil || p.windowStays(ctx, req)
	}
	return false
}

// attachmentStays says of an attachment what ModifyPlan would: only that it has an owner. It has no default that could
// differ from what it has.
func (p *kvsProvider) attachmentStays(ctx context.Context, req *tfprotov6.PlanResourceChangeRequest) bool {
	var state attachmentModel
	if !p.attachments.read(ctx, req.PriorState, &state) {
		return false
	}
	p.conn.run.note(state.object())
	p.conn.run.note(object{attachmentNamed, state.Name.ValueString()})
	return !(&attachmentResource{*p.conn}).onlyOwner(state, state).HasError()
}

// windowStays does the same for a maintenance window.
func (p *kvsProvider) windowStays(ctx context.Context, req *tfprotov6.PlanResourceChangeRequest) bool {
	var state maintenanceWindowModel
	return p.windows.read(ctx, req.PriorState, &state) && !(&maintenanceWindowResource{*p.conn}).onlyOwner(state).HasError()
}

// exists is false for an object that is null, which MessagePack writes as a single byte.
func exists(v *tfprotov6.DynamicValue) bool { return v != nil && len(v.MsgPack) > 1 }

// storeStays reports the same of a store, which needs a closer look. One with blocks of arguments, whose defaults and secrets
// only the framework knows, or with private data is left to that.
func (p *kvsProvider) storeStays(ctx context.Context, req *tfprotov6.PlanResourceChangeRequest) bool {
	if p.conn == nil || req.Config == nil || len(req.PriorPrivate) > 0 {
		return false
	}
	var has, configured map[string]tftypes.Value
	prior, err := p.stores.decode(req.PriorState, &has)
	if err != nil {
		return false
	}
	if _, err := p.stores.decode(req.Config, &configured); err != nil {
		return false
	}
	for name, value := range p.stores.defaults {
		if configured[name].IsNull() && !has[name].Equal(value) {
			return false
		}
	}
	var state instanceModel
	known := tfsdk.State{Raw: prior, Schema: p.stores.schema}
	if known.Get(ctx, &state).HasError() || !state.Fork.IsNull() || !state.Migration.IsNull() || !state.Timeouts.IsNull() {
		return false
	}
	var first string // null and unknown stay empty
	_ = configured["attachment_name"].As(&first)
	return (&instanceResource{*p.conn}).stays(ctx, state) && !p.conn.run.claimFirst(state.ID.ValueString(), state, types.StringPointerValue(nonEmpty(first))).HasError()
}

// declared is what a resource declares, as it is wanted for each plan.
type declared struct {
	schema   schema.Schema
	kind     tftypes.Type
	defaults map[string]tftypes.Value
}

// read decodes a state into a model.
func (d declared) read(ctx context.Context, v *tfprotov6.DynamicValue, model any) bool {
	value, err := v.Unmarshal(d.kind)
	if err != nil {
		return false
	}
	state := tfsdk.State{Raw: value, Schema: d.schema}
	return !state.Get(ctx, model).HasError()
}

func nonEmpty(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

func declarationOf(ctx context.Context, r resource.Resource) declared {
	var resp resource.SchemaResponse
	r.Schema(ctx, resource.SchemaRequest{}, &resp)
	d := declared{schema: resp.Schema, kind: resp.Schema.Type().TerraformType(ctx), defaults: make(map[string]tftypes.Value)}
	for name, attribute := range resp.Schema.Attributes {
		if value := defaultOf(ctx, attribute); value != nil {
			d.defaults[name], _ = value.ToTerraformValue(ctx)
		}
	}
	return d
}

// decode also gives the attributes of an object.
func (d declared) decode(v *tfprotov6.DynamicValue, attributes *map[string]tftypes.Value) (tftypes.Value, error) {
	value, err := v.Unmarshal(d.kind)
	if err == nil {
		err = value.As(attributes)
	}
	return value, err
}

// defaultOf is the default of an attribute, nil when it has none.
func defaultOf(ctx context.Context, attribute schema.Attribute) attr.Value {
	switch a := attribute.(type) {
	case schema.BoolAttribute:
		if a.Default != nil {
			var resp defaults.BoolResponse
			a.Default.DefaultBool(ctx, defaults.BoolRequest{}, &resp)
			return resp.PlanValue
		}
	case schema.Int64Attribute:
		if a.Default != nil {
			var resp defaults.Int64Response
			a.Default.DefaultInt64(ctx, defaults.Int64Request{}, &resp)
			return resp.PlanValue
		}
	case schema.StringAttribute:
		if a.Default != nil {
			var resp defaults.StringResponse
			a.Default.DefaultString(ctx, defaults.StringRequest{}, &resp)
			return resp.PlanValue
		}
	}
	return nil
}
