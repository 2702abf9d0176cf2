// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/hashicorp/terraform-plugin-framework-timeouts/action/timeouts"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/action"
	"github.com/hashicorp/terraform-plugin-framework/action/schema"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/keyvalue"
)

// kvs_upgrade_version gives a store a newer version. The surprise: on production plans Heroku only prepares a maintenance,
// and the version changes when that is run; a mini is upgraded at once and loses its keys.

var _ action.ActionWithConfigure = (*versionAction)(nil)

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
	i := a.invoke(resp, addOn.Name, slices.Concat([]string{stepOrdering}, upkeepSteps, []string{stepVersion})...)
	if resp.Diagnostics.Append(i.limit(ctx, config.Timeouts)...); resp.Diagnostics.HasError() {
		return
	}
	u, diags := i.newUpkeep(ctx, addOn, config.upkeepModel)
	if resp.Diagnostics.Append(diags...); diags.HasError() {
		return
	}
	resp.Diagnostics.Append(u.upgrade(ctx, config)...)
}

// upgrade orders what has not been ordered, and runs it if that is wanted.
func (u *upkeep) upgrade(ctx context.Context, config versionActionModel) diag.Diagnostics {
	wanted := keyvalue.Version(config.Version.ValueString())
	u.begin(ctx, stepOrdering)
	store, err := u.client.Store(ctx, u.addOn.ID)
	if err != nil {
		return u.notUpgraded(err)
	}
	if wanted.Accepts(keyvalue.Version(store.Version)) {
		u.say(ctx, fmt.Sprintf("the store runs version %s already", store.Version))
		return u.putBack(ctx)
	}
	if name, err := keyvalue.ParsePlanName(u.addOn.Plan); err == nil && hasNoWindow(name) {
		return u.upgradeAtOnce(ctx, wanted, config.AcceptDataLoss.ValueBool())
	}
	now := config.When.ValueString() == upgradeNow
	if now {
		if diags := u.refuseUnprepared(ctx); diags.HasError() {
			return append(diags, u.putBack(ctx)...)
		}
	}
	m, err := u.latest(ctx)
	if underWay := m.Outstanding() || m.Status == heroku.MaintenanceRunning; err == nil && !(underWay && m.CustomerRequested) {
		if err = u.client.UpgradeStore(ctx, u.addOn.ID, string(wanted)); err == nil {
			u.say(ctx, "ordered, from version "+store.Version)
		}
	}
	if err == nil && m.Status != heroku.MaintenanceRunning {
		u.begin(ctx, stepPreparing)
		m, err = u.client.WaitMaintenanceReady(ctx, u.addOn.ID, u.remaining(), u.watch(ctx))
	}
	switch {
	case err != nil:
		return append(u.notUpgraded(err), u.putBack(ctx)...)
	case !now:
		return u.leaveToWindow(ctx, m)
	}
	if diags := u.run(ctx); diags.HasError() {
		return diags
	}
	return u.checkVersion(ctx, wanted)
}

func (u *upkeep) notUpgraded(err error) diag.Diagnostics {
	return diag.Diagnostics{u.failure("Unable to upgrade the version of Key-Value Store", storeLabel(u.addOn), err)}
}

// leaveToWindow says when the version will change.
func (u *upkeep) leaveToWindow(ctx context.Context, m heroku.Maintenance) diag.Diagnostics {
	how := "it runs in the maintenance window"
	if !m.ScheduledFor.IsZero() {
		how += ", at " + m.ScheduledFor.Format(time.RFC3339)
	}
	if m.Status == heroku.MaintenanceRunning {
		how = "it is running already"
	}
	u.say(ctx, how)
	return u.putBack(ctx)
}

// upgradeAtOnce is for a mini, whose keys do not survive it.
func (u *upkeep) upgradeAtOnce(ctx context.Context, wanted keyvalue.Version, accepted bool) diag.Diagnostics {
	if !accepted {
		return diag.Diagnostics{diag.NewAttributeErrorDiagnostic(path.Root("accept_data_loss"), "Upgrading a mini loses its data", fmt.Sprintf(
			"%s is on the mini plan: Heroku upgrades it at once, and all its keys are lost. Nothing was done. Set accept_data_loss = true if they may be, or change to a premium plan first.", storeLabel(u.addOn)))}
	}
	err := u.client.UpgradeStore(ctx, u.addOn.ID, string(wanted))
	if err == nil {
		u.begin(ctx, stepAvailable)
		_, err = u.client.WaitStoreAvailable(ctx, u.addOn.ID, "", u.remaining())
	}
	if err != nil {
		return u.notUpgraded(err)
	}
	return u.checkVersion(ctx, wanted)
}

func (u *upkeep) checkVersion(ctx context.Context, wanted keyvalue.Version) diag.Diagnostics {
	u.begin(ctx, stepVersion)
	store, err := u.client.WaitStoreAvailable(ctx, u.addOn.ID, "", u.remaining())
	switch {
	case err != nil:
		return u.notUpgraded(err)
	case !wanted.Accepts(keyvalue.Version(store.Version)):
		return diag.Diagnostics{diag.NewErrorDiagnostic("The store has not got the version", fmt.Sprintf(
			"%s runs version %s after the upgrade, and %s was asked for. Its apps are as they were before. "+
				"Invoke the action again to order the upgrade anew, and ask Heroku Support if that does not help.", storeLabel(u.addOn), store.Version, wanted))}
	}
	u.say(ctx, "the store runs version "+store.Version)
	return nil
}
