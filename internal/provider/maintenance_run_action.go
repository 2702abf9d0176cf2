// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"maps"

	"github.com/hashicorp/terraform-plugin-framework-timeouts/action/timeouts"
	"github.com/hashicorp/terraform-plugin-framework/action"
	"github.com/hashicorp/terraform-plugin-framework/action/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

// kvs_run_maintenance runs the maintenance of a store that is ready, now instead of in its window, and waits for its end.

var (
	_ action.ActionWithConfigure  = (*maintenanceRunAction)(nil)
	_ action.ActionWithModifyPlan = (*maintenanceRunAction)(nil)
)

type maintenanceRunAction struct{ connection }

func newMaintenanceRunAction() action.Action { return &maintenanceRunAction{} }

type maintenanceRunActionModel struct {
	InstanceID types.String `tfsdk:"instance_id"`
	upkeepModel
	Timeouts timeouts.Value `tfsdk:"timeouts"`
}

func (a *maintenanceRunAction) Metadata(_ context.Context, req action.MetadataRequest, resp *action.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_run_maintenance"
}

func (a *maintenanceRunAction) Schema(ctx context.Context, _ action.SchemaRequest, resp *action.SchemaResponse) {
	attributes := map[string]schema.Attribute{"instance_id": actionInstanceID(), "timeouts": actionTimeouts(ctx)}
	maps.Copy(attributes, upkeepAttributes())
	resp.Schema = schema.Schema{
		MarkdownDescription: "Runs the outstanding maintenance of a store now, and waits until it is done: the store is offline for some minutes, and the apps that it is attached to restart. " +
			"It is refused unless all of them are in maintenance mode, or one of the attributes below takes care of that. " +
			"One that is being prepared is waited for, one that is running already is waited out, and when there is none, nothing is done. " +
			"It can be interrupted: the apps are put back then, at the latest when it is invoked again, and a maintenance that has begun goes on at Heroku.",
		Attributes: attributes,
	}
}

func (a *maintenanceRunAction) Configure(_ context.Context, req action.ConfigureRequest, resp *action.ConfigureResponse) {
	a.configure(req.ProviderData, &resp.Diagnostics)
}

func (a *maintenanceRunAction) Invoke(ctx context.Context, req action.InvokeRequest, resp *action.InvokeResponse) {
	defer recoverPanic(&resp.Diagnostics, "Running a maintenance", nil)
	var config maintenanceRunActionModel
	if !a.accept(ctx, req, &config, &resp.Diagnostics) {
		return
	}
	addOn, diags := a.ofStore(ctx, config.InstanceID)
	if !diags.HasError() {
		diags.Append(refuseOnMini(addOn)...)
	}
	i := a.invoke(resp, addOn.Name, config.steps()...)
	diags.Append(i.limit(ctx, config.Timeouts)...)
	if resp.Diagnostics.Append(diags...); diags.HasError() {
		return
	}
	u, diags := i.newUpkeep(ctx, addOn, config.upkeepModel)
	if resp.Diagnostics.Append(diags...); diags.HasError() {
		return
	}
	resp.Diagnostics.Append(u.run(ctx)...)
}
