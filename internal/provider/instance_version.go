// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"

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

func (m migrationModel) upgrades() string { return firstOf(m.VersionUpgrade.ValueString(), upgradeNow) }

// planVersion speaks of the life of the version, and of an upgrade that is prepared already. awaited says that there is
// nothing left to do but to wait for the window.
func (r *instanceResource) planVersion(ctx context.Context, state instanceModel, plan *instanceModel, change keyvalue.Change) (awaited bool, diags diag.Diagnostics) {
	if r.client == nil {
		return false, nil
	}
	if notice := keyvalue.LifeCycleNotice(keyvalue.Version(state.VersionActual.ValueString()), r.client.HostTime()); notice != "" && !change.VersionUpgrade {
		diags.AddAttributeWarning(path.Root("version"), "The store's version nears the end of its life", state.label()+": "+notice)
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

// upgrade brings the server to what the configuration asks for. It looks first at what an earlier run has begun.
func (r *instanceResource) upgrade(ctx context.Context, m *instanceModel, store heroku.Store, timeout time.Duration) (heroku.Store, error) {
	floor := keyvalue.Version(m.Version.ValueString())
	if floor == "" || floor.Accepts(keyvalue.Version(store.Version)) {
		return store, nil
	}
	id := m.addOnID()
	prepared, err := r.preparedUpgrade(ctx, id)
	if err == nil && prepared == nil {
		err = r.client.UpgradeStore(ctx, id, string(floor))
	}
	if err == nil {
		store, err = r.client.WaitStoreAvailable(ctx, id, "", timeout)
	}
	if err != nil || floor.Accepts(keyvalue.Version(store.Version)) || m.terms(ctx).upgrades() == upgradeInWindow {
		return store, err
	}
	if err = r.client.RunMaintenance(ctx, id); err == nil {
		store, err = r.client.WaitStoreAvailable(ctx, id, "", timeout)
	}
	if err == nil && !floor.Accepts(keyvalue.Version(store.Version)) {
		err = fmt.Errorf("after the upgrade the server runs version %s, and %s was asked for", store.Version, floor)
	}
	return store, err
}

// versionUpgradeWarning is for the person who approves the upgrade.
func versionUpgradeWarning(state, plan instanceModel, change keyvalue.Change, terms migrationModel) diag.Diagnostic {
	when := "It is run as soon as it is prepared."
	if terms.upgrades() == upgradeInWindow {
		when = "It is prepared now and run in the store's maintenance window."
	}
	return diag.NewAttributeWarningDiagnostic(path.Root("version"), "Upgrading the version of the store", fmt.Sprintf(
		"%s: %s to %s. %s\n\n%s", state.label(), firstOf(state.VersionActual.ValueString(), "its version"), plan.Version.ValueString(), when, bullets(change.Facts)))
}
