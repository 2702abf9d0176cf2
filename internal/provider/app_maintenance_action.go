// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework/action"
	"github.com/hashicorp/terraform-plugin-framework/action/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
)

// kvs_set_app_maintenance switches an app's maintenance mode on or off, for apps that no configuration manages.

var (
	_ action.ActionWithConfigure  = (*appMaintenanceAction)(nil)
	_ action.ActionWithModifyPlan = (*appMaintenanceAction)(nil)
)

type appMaintenanceAction struct{ connection }

func newAppMaintenanceAction() action.Action { return &appMaintenanceAction{} }

type appMaintenanceActionModel struct {
	AppID       types.String `tfsdk:"app_id"`
	Maintenance types.Bool   `tfsdk:"maintenance"`
}

func (a *appMaintenanceAction) Metadata(_ context.Context, req action.MetadataRequest, resp *action.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_set_app_maintenance"
}

func (a *appMaintenanceAction) Schema(_ context.Context, _ action.SchemaRequest, resp *action.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "Switches the maintenance mode of an app on or off: web requests get a maintenance page, and the dynos keep running. " +
			"For an app with a `kvs_app`, set `maintenance` there: the next apply would put it back to that.",
		Attributes: map[string]schema.Attribute{
			"app_id": schema.StringAttribute{
				MarkdownDescription: "UUID of the app, such as `kvs_app.web.id`.",
				Required:            true,
				Validators:          []validator.String{uuidValidator()},
			},
			"maintenance": schema.BoolAttribute{
				MarkdownDescription: "Whether the app is to be in maintenance mode.",
				Required:            true,
			},
		},
	}
}

func (a *appMaintenanceAction) Configure(_ context.Context, req action.ConfigureRequest, resp *action.ConfigureResponse) {
	a.configure(req.ProviderData, &resp.Diagnostics)
}

func (a *appMaintenanceAction) Invoke(ctx context.Context, req action.InvokeRequest, resp *action.InvokeResponse) {
	defer recoverPanic(&resp.Diagnostics, "Switching the maintenance mode of an app", nil)
	var config appMaintenanceActionModel
	if !a.accept(ctx, req, &config, &resp.Diagnostics) {
		return
	}
	on := config.Maintenance.ValueBool()
	object := "App " + config.AppID.ValueString()
	app, err := a.client.FindApp(ctx, config.AppID.ValueString())
	if err == nil {
		object = fmt.Sprintf("App %s (%s)", app.Name, app.ID)
		i := a.invoke(resp, app.Name, maintenanceModeStep(on))
		i.begin(ctx, maintenanceModeStep(on))
		switch {
		case app.Maintenance == on:
			i.say(ctx, "it was so already")
		default:
			if _, err = a.client.UpdateApp(ctx, app.ID, heroku.AppUpdate{Maintenance: &on}); err == nil {
				i.say(ctx, "done")
			}
		}
	}
	if err != nil {
		resp.Diagnostics.Append(a.failureOf(invoking, "Unable to switch the maintenance mode of the app", object, err))
	}
}

func maintenanceModeStep(on bool) string {
	if on {
		return "switching maintenance mode on"
	}
	return "switching maintenance mode off"
}
