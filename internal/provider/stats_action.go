// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/action"
	"github.com/hashicorp/terraform-plugin-framework/action/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

// kvs_reset_stats sets the counters of a store's server back to 0, as `heroku redis:stats-reset` does.

var (
	_ action.ActionWithConfigure  = (*statsAction)(nil)
	_ action.ActionWithModifyPlan = (*statsAction)(nil)
)

type statsAction struct{ connection }

func newStatsAction() action.Action { return &statsAction{} }

type statsActionModel struct {
	InstanceID types.String `tfsdk:"instance_id"`
}

const resettingStats = "resetting the statistics"

func (a *statsAction) Metadata(_ context.Context, req action.MetadataRequest, resp *action.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_reset_stats"
}

func (a *statsAction) Schema(_ context.Context, _ action.SchemaRequest, resp *action.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "Sets the statistics of a store's server back to 0, such as its hits, misses, and expired and evicted keys, so that what `kvs_usage` tells begins anew. Keys and settings stay.",
		Attributes:          map[string]schema.Attribute{"instance_id": actionInstanceID()},
	}
}

func (a *statsAction) Configure(_ context.Context, req action.ConfigureRequest, resp *action.ConfigureResponse) {
	a.configure(req.ProviderData, &resp.Diagnostics)
}

func (a *statsAction) Invoke(ctx context.Context, req action.InvokeRequest, resp *action.InvokeResponse) {
	defer recoverPanic(&resp.Diagnostics, "Resetting the statistics of a store", nil)
	var config statsActionModel
	if !a.accept(ctx, req, &config, &resp.Diagnostics) {
		return
	}
	addOn, diags := a.ofStore(ctx, config.InstanceID)
	if resp.Diagnostics.Append(diags...); diags.HasError() {
		return
	}
	i := a.invoke(resp, addOn.Name, resettingStats)
	i.begin(ctx, resettingStats)
	if err := a.client.ResetStats(ctx, addOn.ID); err != nil {
		resp.Diagnostics.Append(i.failure("Unable to reset the statistics of Key-Value Store", storeLabel(addOn), err))
		return
	}
	i.say(ctx, "done")
}
