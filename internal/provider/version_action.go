// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"maps"
	"slices"

	"github.com/hashicorp/terraform-plugin-framework-timeouts/action/timeouts"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/action"
	"github.com/hashicorp/terraform-plugin-framework/action/schema"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/keyvalue"
)

// kvs_upgrade_version gives a store a newer version. The surprise: on production plans Heroku only prepares a maintenance,
// and the version changes when that is run; a mini is upgraded at once and loses its keys.

var (
	_ action.ActionWithConfigure  = (*versionAction)(nil)
	_ action.ActionWithModifyPlan = (*versionAction)(nil)
)

type versionAction struct{ connection }

func newVersionAction() action.Action { return &versionAction{} }

type versionActionModel struct {
	InstanceID types.String `tfsdk:"instance_id"`
	Version    types.String `tfsdk:"version"`
	When       types.String `tfsdk:"when"`
	upkeepModel
	AcceptDataLoss types.Bool     `tfsdk:"accept_data_loss"`
	Timeouts       timeouts.Value `tfsdk:"timeouts"`
}

const (
	stepOrdering = "ordering the upgrade"
	stepVersion  = "checking the version"
)

func (a *versionAction) Metadata(_ context.Context, req action.MetadataRequest, resp *action.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_upgrade_version"
}

func (a *versionAction) Schema(ctx context.Context, _ action.SchemaRequest, resp *action.SchemaResponse) {
	attributes := map[string]schema.Attribute{
		"instance_id": actionInstanceID(),
		"version": schema.StringAttribute{
			MarkdownDescription: "The version that the store is to have at least, such as `7.2`. One that runs it, or a later one, is left as it is.",
			Required:            true,
			Validators:          []validator.String{validatedBy(validateVersion)},
		},
		"when": schema.StringAttribute{
			MarkdownDescription: "`window`, the default, leaves the prepared maintenance to the store's maintenance window; `now` runs it as soon as it is ready, and the three attributes about apps apply then.",
			Optional:            true,
			Validators:          []validator.String{stringvalidator.OneOf(upgradeNow, upgradeInWindow)},
		},
		"accept_data_loss": schema.BoolAttribute{
			MarkdownDescription: "Consent to losing all keys, which the upgrade of a store on the mini plan means. Off by default.",
			Optional:            true,
		},
		"timeouts": actionTimeouts(ctx),
	}
	maps.Copy(attributes, upkeepAttributes())
	resp.Schema = schema.Schema{
		MarkdownDescription: "Upgrades the version of a store. There is no way back. Heroku prepares a maintenance, which takes the store offline for some minutes when it is run; " +
			"a store on the mini plan is upgraded at once and loses all keys. " +
			"It can be interrupted and invoked again: an upgrade that has been ordered is not ordered twice, and apps that are held still are put back.",
		Attributes: attributes,
	}
}

func (a *versionAction) Configure(_ context.Context, req action.ConfigureRequest, resp *action.ConfigureResponse) {
	a.configure(req.ProviderData, &resp.Diagnostics)
}

func (a *versionAction) Invoke(ctx context.Context, req action.InvokeRequest, resp *action.InvokeResponse) {
	defer recoverPanic(&resp.Diagnostics, "Upgrading a version", nil)
	var config versionActionModel
	if !a.accept(ctx, req, &config, &resp.Diagnostics) {
		return
	}
	addOn, diags := a.ofStore(ctx, config.InstanceID)
	if resp.Diagnostics.Append(diags...); diags.HasError() {
		return
	}
	i := a.invoke(resp, addOn.Name, config.steps(addOn)...)
	if resp.Diagnostics.Append(i.limit(ctx, config.Timeouts)...); resp.Diagnostics.HasError() {
		return
	}
	u, diags := i.newUpkeep(ctx, addOn, config.upkeepModel)
	if resp.Diagnostics.Append(diags...); diags.HasError() {
		return
	}
	resp.Diagnostics.Append(u.upgrade(ctx, config.upgrade())...)
}

// steps are those of an upgrade of the store.
func (m versionActionModel) steps(addOn heroku.AddOn) []string {
	name, err := keyvalue.ParsePlanName(addOn.Plan)
	switch {
	case err == nil && hasNoWindow(name):
		return []string{stepOrdering, stepAvailable, stepVersion}
	case m.When.ValueString() != upgradeNow:
		return []string{stepOrdering, stepPreparing}
	}
	return slices.Concat([]string{stepOrdering}, m.upkeepModel.steps(), []string{stepVersion})
}

func (m versionActionModel) upgrade() upgrade {
	return upgrade{
		floor: keyvalue.Version(m.Version.ValueString()), now: m.When.ValueString() == upgradeNow,
		acceptDataLoss: m.AcceptDataLoss.ValueBool(), consent: path.Root("accept_data_loss"),
	}
}
