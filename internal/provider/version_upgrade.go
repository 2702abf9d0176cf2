// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"fmt"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/keyvalue"
)

// The upgrade of a version, by the action kvs_upgrade_version and by kvs_instance: Heroku prepares another server, and the
// version changes when the maintenance that it is prepared for is run.

// upgrade is what is asked for.
type upgrade struct {
	floor          keyvalue.Version
	now            bool // the maintenance is run when it is ready, and not left for the window
	acceptDataLoss bool // of a mini
	consent        path.Path
}

// upgrade orders what has not been ordered, and runs it if that is wanted.
func (u *upkeep) upgrade(ctx context.Context, asked upgrade) diag.Diagnostics {
	wanted := asked.floor
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
		return u.upgradeAtOnce(ctx, asked)
	}
	if asked.now {
		if diags := u.refuseUnprepared(ctx); diags.HasError() {
			return append(diags, u.putBack(ctx)...)
		}
	}
	m, err := u.latest(ctx)
	if underWay := m.Outstanding() || m.Status == heroku.MaintenanceRunning; err == nil && !(underWay && m.CustomerRequested) {
		err = u.client.UpgradeStore(ctx, u.addOn.ID, string(wanted.ForUpgrade()))
		if u.ordered = mayHaveBegun(err); err == nil {
			u.say(ctx, "ordered, from version "+store.Version)
		}
	}
	u.ordered = u.ordered || err == nil
	if err == nil && m.Status != heroku.MaintenanceRunning {
		u.begin(ctx, stepPreparing)
		m, err = u.client.WaitMaintenanceReady(u.watching(ctx), u.addOn.ID, u.remaining())
	}
	switch {
	case err != nil:
		return append(u.notUpgraded(err), u.putBack(ctx)...)
	case !asked.now:
		return u.leaveToWindow(ctx, m)
	}
	if diags := u.run(ctx); diags.HasError() {
		return diags
	}
	return u.checkVersion(ctx, wanted)
}

func (u *upkeep) notUpgraded(err error) diag.Diagnostics {
	object := storeLabel(u.addOn)
	if !u.ordered {
		object += ", whose upgrade was not ordered"
	}
	return diag.Diagnostics{u.failure("Unable to upgrade the version of Key-Value Store", object, err)}
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
func (u *upkeep) upgradeAtOnce(ctx context.Context, asked upgrade) diag.Diagnostics {
	if !asked.acceptDataLoss {
		return diag.Diagnostics{miniLosesData(storeLabel(u.addOn), asked.consent)}
	}
	err := u.client.UpgradeStore(ctx, u.addOn.ID, string(asked.floor.ForUpgrade()))
	if u.ordered = mayHaveBegun(err); err == nil {
		u.begin(ctx, stepAvailable)
		_, err = u.client.WaitStoreAvailable(ctx, u.addOn.ID, "", u.remaining())
	}
	if err != nil {
		return u.notUpgraded(err)
	}
	return u.checkVersion(ctx, asked.floor)
}

// miniLosesData refuses the upgrade that nobody has consented to.
func miniLosesData(label string, consent path.Path) diag.Diagnostic {
	return diag.NewAttributeErrorDiagnostic(consent, "Upgrading a mini loses its data", fmt.Sprintf(
		"%s is on the mini plan: Heroku upgrades it at once, and all its keys are lost. Nothing was done. "+
			"Set accept_data_loss = true if they may be, or change to a premium plan first.", label))
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
				"%s to order the upgrade anew, and ask Heroku Support if that does not help.", storeLabel(u.addOn), store.Version, wanted, u.again.begins()))}
	}
	u.say(ctx, "the store runs version "+store.Version)
	return nil
}
