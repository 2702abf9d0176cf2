// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"bytes"
	"context"
	"reflect"
	"slices"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
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

// planless are the resources about which ModifyPlan has nothing to say while they stay as they are, and whose attributes
// have no default that could differ from what they have.
var planless = []string{"kvs_attachment", "kvs_maintenance_window"}

// unchanged reports that the framework would only return what it was given.
func unchanged(req *tfprotov6.PlanResourceChangeRequest) bool {
	return slices.Contains(planless, req.TypeName) && exists(req.PriorState) && exists(req.ProposedNewState) &&
		bytes.Equal(req.PriorState.MsgPack, req.ProposedNewState.MsgPack)
}

// exists is false for an object that is null, which MessagePack writes as a single byte.
func exists(v *tfprotov6.DynamicValue) bool { return v != nil && len(v.MsgPack) > 1 }
