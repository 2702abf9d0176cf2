// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/action"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/keyvalue"
)

// The version of a store is a floor: Heroku upgrades by itself too, and nothing goes back. An upgrade that is asked for is
// a maintenance: Heroku prepares another server, which takes over when the maintenance is run, at once or in the window
// (Dev Center: Upgrading a Heroku Key-Value Store Version). A mini store is upgraded at once, and loses its keys.

const (
	upgradeNow      = "now"
	upgradeInWindow = "window"
)

func validateVersion(s string) error {
	_, err := keyvalue.ParseVersion(s)
	return err
}

func (m migrationModel) upgrades() string {
	return cmp.Or(m.VersionUpgrade.ValueString(), upgradeInWindow)
}

// planVersion speaks of the life of the version, and of an upgrade that is prepared already. awaited says that there is
// nothing left to do but to wait for the window.
func (r *instanceResource) planVersion(ctx context.Context, state instanceModel, plan *instanceModel, change keyvalue.Change) (awaited bool, diags diag.Diagnostics) {
	if r.client == nil {
		return false, nil
	}
	if notice := keyvalue.LifeCycleNotice(keyvalue.Version(state.VersionActual.ValueString()), r.client.HostTime()); notice != "" && !change.VersionUpgrade {
		diags.AddAttributeWarning(path.Root("version"), "The store's version nears the end of its life", state.label()+": "+notice)
	}
	if change.VersionUpgrade {
		diags.Append(unannounced(state.label(), keyvalue.Version(plan.Version.ValueString()), keyvalue.Version.ForUpgrade)...)
	} else {
		diags.Append(r.upgradeGoesOn(ctx, state, *plan)...)
	}
	if !change.VersionUpgrade || change.PlanChanges || plan.terms(ctx).upgrades() != upgradeInWindow {
		return false, diags
	}
	prepared, err := r.preparedUpgrade(ctx, state.addOnID())
	if err != nil || prepared == nil || prepared.Status != heroku.MaintenanceReady {
		return false, diags
	}
	diags.AddAttributeWarning(path.Root("version"), "The upgrade waits for the maintenance window", fmt.Sprintf(
		"%s runs %s; the upgrade is prepared and scheduled for %s. To run it now, set migration = { version_upgrade = \"now\" }.",
		state.label(), state.VersionActual.ValueString(), prepared.ScheduledFor.Format(time.RFC3339)))
	return true, diags
}

// unannounced speaks of a floor that no version reaches that Heroku is known to have.
func unannounced(label string, floor keyvalue.Version, ordered func(keyvalue.Version) keyvalue.Version) diag.Diagnostics {
	if floor == "" || floor.Announced() {
		return nil
	}
	return diag.Diagnostics{diag.NewAttributeWarningDiagnostic(path.Root("version"), "No announced version is as new as that", fmt.Sprintf(
		"%s is to run at least version %s. Versions that Heroku has announced, as far as this provider knows: %s. "+
			"Version %s is ordered, and Heroku decides whether there is one.", label, floor, keyvalue.ReleaseList(), ordered(floor)))}
}

// upgradeGoesOn speaks of an upgrade that has been ordered, when the floor that it was ordered for is taken back.
func (r *instanceResource) upgradeGoesOn(ctx context.Context, state, plan instanceModel) diag.Diagnostics {
	floor, runs := keyvalue.Version(state.Version.ValueString()), keyvalue.Version(state.VersionActual.ValueString())
	if floor == "" || floor.Accepts(runs) || plan.Version.IsUnknown() || plan.Version.Equal(state.Version) {
		return nil
	}
	prepared, err := r.preparedUpgrade(ctx, state.addOnID())
	if err != nil || prepared == nil {
		return nil
	}
	return diag.Diagnostics{diag.NewAttributeWarningDiagnostic(path.Root("version"), "The upgrade that was ordered goes on", fmt.Sprintf(
		"%s runs %s, and an upgrade for version = %q has been ordered; the maintenance for it is %s, scheduled for %s. "+
			"A lower floor does not cancel it, and there is no way back afterwards. If the store must not be upgraded, ask Heroku Support before that time.",
		state.label(), runs, floor, prepared.Status, prepared.ScheduledFor.Format(time.RFC3339)))}
}

// preparedUpgrade is the maintenance that somebody has asked for and that has not been run, or nil.
func (r *instanceResource) preparedUpgrade(ctx context.Context, id heroku.AddOnID) (*heroku.Maintenance, error) {
	latest, err := r.client.Maintenance(ctx, id)
	switch {
	case heroku.HasStatus(err, http.StatusNotFound): // a mini store, which has none
		return nil, nil
	case err != nil:
		return nil, err
	case !latest.CustomerRequested || !latest.Outstanding() && latest.Status != heroku.MaintenanceRunning:
		return nil, nil
	}
	return &latest, nil
}

// refuseUpgrade keeps the keys of a mini, which no upgrade leaves there.
func refuseUpgrade(state, plan instanceModel, change keyvalue.Change, terms migrationModel) diag.Diagnostics {
	if change.VersionUpgrade && hasNoWindow(plan.spec().Plan) && !terms.AcceptDataLoss.ValueBool() {
		return diag.Diagnostics{miniLosesData(state.label(), path.Root("migration"))}
	}
	return nil
}

// upgradeOf prepares the upgrade of a store, as kvs_upgrade_version does it. A store that was ordered just now has no
// keys, and nobody uses it.
func (r *instanceResource) upgradeOf(ctx context.Context, m instanceModel, addOn heroku.AddOn, young bool, timeout time.Duration) (*upkeep, upgrade, diag.Diagnostics) {
	terms := m.terms(ctx)
	asked := upgrade{
		floor: keyvalue.Version(m.Version.ValueString()), now: young || terms.upgrades() == upgradeNow,
		acceptDataLoss: young || terms.AcceptDataLoss.ValueBool(), consent: path.Root("migration"),
	}
	apps := upkeepModel{AppMaintenance: terms.AppMaintenance, ScaleDown: terms.ScaleDown}
	if young {
		apps = upkeepModel{Confirm: types.StringValue(addOn.AppName)}
	}
	i := &invocation{
		connection: r.connection, again: applying, send: func(action.InvokeProgressEvent) {}, object: addOn.Name,
		started: r.client.Clock().Now(), timeout: timeout,
	}
	u, diags := i.newUpkeep(ctx, addOn, apps)
	return u, asked, diags
}

// upgrade brings the server to what the configuration asks for, and goes on with what an earlier run has begun.
func (r *instanceResource) upgrade(ctx context.Context, m *instanceModel, young bool, timeout time.Duration) diag.Diagnostics {
	floor := keyvalue.Version(m.Version.ValueString())
	if floor == "" || floor.Accepts(keyvalue.Version(m.VersionActual.ValueString())) {
		return nil
	}
	addOn, err := r.client.AddOn(ctx, m.addOnID())
	if err != nil {
		return diag.Diagnostics{r.failure("Unable to upgrade the version of Key-Value Store", m.label(), err)}
	}
	u, asked, diags := r.upgradeOf(ctx, *m, addOn, young, timeout)
	if diags.HasError() {
		return diags
	}
	diags.Append(u.upgrade(ctx, asked)...)
	if store, err := r.client.Store(ctx, addOn.ID); err == nil {
		m.VersionActual = types.StringValue(store.Version)
	}
	return diags
}

// refuseInUse refuses, before anything is changed, an upgrade that apps would feel that are not prepared for it.
func (r *instanceResource) refuseInUse(ctx context.Context, plan instanceModel, addOn heroku.AddOn, change keyvalue.Change, timeout time.Duration) diag.Diagnostics {
	if !change.VersionUpgrade || hasNoWindow(plan.spec().Plan) || plan.terms(ctx).upgrades() != upgradeNow {
		return nil
	}
	u, _, diags := r.upgradeOf(ctx, plan, addOn, false, timeout)
	if !diags.HasError() {
		diags.Append(u.refuseUnprepared(ctx)...)
	}
	return diags
}

// versionUpgradeWarning is for the person who approves the upgrade.
func versionUpgradeWarning(state, plan instanceModel, change keyvalue.Change, terms migrationModel) diag.Diagnostic {
	when := "It is prepared now and run in the store's maintenance window."
	switch {
	case hasNoWindow(plan.spec().Plan):
		when = "It is made at once."
	case terms.upgrades() == upgradeNow && !terms.holds():
		when = "It is run as soon as it is prepared. All apps that the store is attached to have to be in maintenance mode then: see migration.app_maintenance."
	case terms.upgrades() == upgradeNow:
		when = "It is run as soon as it is prepared, while the apps are kept still."
	}
	return diag.NewAttributeWarningDiagnostic(path.Root("version"), "Upgrading the version of the store", fmt.Sprintf(
		"%s: %s to %s. %s\n\n%s", state.label(), cmp.Or(state.VersionActual.ValueString(), "its version"), plan.Version.ValueString(), when, bullets(change.Facts)))
}
