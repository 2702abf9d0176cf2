// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

// nameBeside is the attribute for the name of what the attribute id names by its UUID, so that a plan is read without a
// look-up. The name comes with answers that are read anyway. A rename elsewhere reaches the state with the next read.
func nameBeside(id, description string) schema.StringAttribute {
	return schema.StringAttribute{
		Computed:      true,
		PlanModifiers: []planmodifier.String{keepsNameWith{path.Root(id)}},
		MarkdownDescription: description + ", as of the last refresh. No plan has a change because of it: " +
			"it is known only after apply where `" + id + "` changes, and otherwise stays.",
	}
}

// plannedName is such a name after a change: what was planned, or else what Heroku says; null when it does not.
func plannedName(planned types.String, found string) types.String {
	if planned.IsUnknown() {
		return optionalString(found)
	}
	return planned
}

// keepsNameWith plans the name of the state as long as the UUID stays.
type keepsNameWith struct{ id path.Path }

func (k keepsNameWith) Description(context.Context) string {
	return "The name stays as long as " + k.id.String() + " does."
}

func (k keepsNameWith) MarkdownDescription(ctx context.Context) string { return k.Description(ctx) }

func (k keepsNameWith) PlanModifyString(
	ctx context.Context, req planmodifier.StringRequest, resp *planmodifier.StringResponse,
) {
	if req.State.Raw.IsNull() || !req.PlanValue.IsUnknown() {
		return
	}
	var before, planned types.String
	resp.Diagnostics.Append(req.State.GetAttribute(ctx, k.id, &before)...)
	resp.Diagnostics.Append(req.Plan.GetAttribute(ctx, k.id, &planned)...)
	if planned.Equal(before) {
		resp.PlanValue = req.StateValue
	}
}
