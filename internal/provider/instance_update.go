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
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/keyvalue"
)

func (r *instanceResource) Update(ctx context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	defer recoverPanic(&resp.Diagnostics, "Updating a Key-Value Store", nil)
	var state, plan, config instanceModel
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	resp.Diagnostics.Append(req.Config.Get(ctx, &config)...)
	timeout, diags := plan.Timeouts.Update(ctx, instanceUpdateTimeout)
	if resp.Diagnostics.Append(diags...); resp.Diagnostics.HasError() || !r.ready(&resp.Diagnostics) {
		return
	}
	resp.Diagnostics.Append(r.certificates.recall(ctx, state.addOnID(), req.Private)...)
	save := func(m instanceModel) {
		resp.Diagnostics.Append(resp.State.Set(ctx, &m)...)
		resp.Diagnostics.Append(r.certificates.keep(ctx, m.addOnID(), resp.Private)...)
		resp.Diagnostics.Append(resp.Identity.Set(ctx, instanceIdentity{ID: m.ID})...)
	}
	// The plan may have been made while the app or the plan was unknown.
	change := keyvalue.Impact(state.spec(), plan.spec())
	if resp.Diagnostics.Append(refuseUpgrade(state, plan, change, plan.terms(ctx))...); resp.Diagnostics.HasError() {
		return
	}
	now, diags := r.compareLive(ctx, state, plan, config, change)
	if resp.Diagnostics.Append(diags...); resp.Diagnostics.HasError() {
		return
	}
	if change.Method != keyvalue.NoChange && now.addOn.ID != "" {
		resp.Diagnostics.Append(r.attachedSince(ctx, state)...)
	}
	if change.Method == keyvalue.NewStore || change.Method == keyvalue.Refused {
		resp.Diagnostics.Append(refuseReplacement(state, plan, change, plan.terms(ctx))...)
		if resp.Diagnostics.Append(r.refuseForkOf(ctx, state, plan, plan.terms(ctx))...); resp.Diagnostics.HasError() {
			return
		}
		done, diags := r.replace(ctx, state, &plan, timeout)
		resp.Diagnostics.Append(diags...)
		if done {
			save(plan)
			former, unread := req.Private.GetKey(ctx, attachmentsCarried)
			resp.Diagnostics.Append(unread...)
			resp.Diagnostics.Append(resp.Private.SetKey(ctx, attachmentsCarried, carriedFrom(former, state, plan))...)
			if !plan.RetiredInstanceID.IsNull() && diags.HasError() {
				resp.Diagnostics.Append(resp.Private.SetKey(ctx, retirementOverdue, []byte("true"))...)
			}
		}
		return
	}
	if state.State.ValueString() == instanceMigrating {
		if resp.Diagnostics.Append(r.abandon(ctx, state, &plan, timeout)...); resp.Diagnostics.HasError() {
			return
		}
	}
	plan.ID = state.ID
	if plan.RetiredInstanceID.IsUnknown() {
		plan.RetiredInstanceID = state.RetiredInstanceID
	}
	if resp.Diagnostics.Append(r.changeInPlace(ctx, &state, &plan, now, change, timeout, resp)...); resp.Diagnostics.HasError() {
		return
	}
	save(plan)
	resp.Diagnostics.Append(r.resumeFork(ctx, req, resp, plan)...)
	if kept := state.RetiredInstanceID; !kept.IsNull() && plan.RetiredInstanceID.IsNull() {
		if diags := r.retireKept(ctx, state, kept.ValueString(), timeout); diags.HasError() {
			resp.Diagnostics.Append(diags...)
			resp.Diagnostics.Append(resp.State.SetAttribute(ctx, path.Root("retired_instance_id"), kept)...)
			return
		}
		resp.Diagnostics.Append(resp.Private.SetKey(ctx, retirementOverdue, nil)...)
	}
	if state.RetiredInstanceID.IsNull() { // until then it proves also whose store the kept one is
		if err := r.replacements().EndSuccession(ctx, plan.addOnID()); err != nil {
			failure := r.failure("Unable to detach", plan.label(), err) // the change is done, and the next one tries again
			resp.Diagnostics.AddWarning(failure.Summary(), failure.Detail())
		}
	}
}

// changeInPlace asks the Platform API for what it has to be told, remembers that it did, and waits for the end of that.
func (r *instanceResource) changeInPlace(ctx context.Context, state, plan *instanceModel, now live,
	change keyvalue.Change, timeout time.Duration, resp *resource.UpdateResponse) diag.Diagnostics {
	const summary = "Unable to change Key-Value Store"
	if diags := r.refuseInUse(ctx, *plan, now.addOn, change, timeout); diags.HasError() {
		return diags
	}
	resumed := !state.ready()
	if !resumed && plan.AttachmentName.Equal(state.AttachmentName) {
		now.attached = true
	}
	if update, changed := plan.changesTo(*state); changed {
		if change.Downgrade {
			if diags := r.proveRoom(ctx, state.addOnID(), state.label(), plan.spec().Plan,
				plan.terms(ctx).AcceptUnproven.ValueBool()).Errors(); diags.HasError() {
				return diags
			}
		}
		if update.Plan != nil { // Heroku refuses another change while one is under way
			if _, err := r.available(ctx, now, "", timeout); err != nil {
				return diag.Diagnostics{r.failure(summary, state.label(), err)}
			}
			now.store = nil
		}
		addOn, err := r.client.UpdateAddOn(ctx, heroku.AppID(state.AppID.ValueString()), state.addOnID(), update)
		if err != nil {
			return diag.Diagnostics{r.failure(summary, state.label(), err)}
		}
		resumed = resumed || update.Plan != nil
		now.addOn = addOn
		state.read(addOn, nil)
		resp.Diagnostics.Append(resp.State.Set(ctx, state)...)
	}
	awaited := ""
	if resumed { // a plan that was ordered, be it by an earlier run
		awaited = string(plan.spec().Plan)
	}
	planned := *plan
	if err := r.finish(ctx, plan, now, awaited, timeout); err != nil {
		return diag.Diagnostics{r.failure("Unable to finish the change of Key-Value Store", state.label(), err)}
	}
	var diags diag.Diagnostics
	if planned.Name.IsUnknown() {
		diags = r.nameForGood(ctx, plan)
	}
	diags.Append(r.upgrade(ctx, plan, false, timeout)...)
	plan.keepPlanned(planned)
	return diags
}

// live is what Heroku has of a store before anything is changed.
type live struct {
	addOn    heroku.AddOn
	store    *heroku.Store // nil: it has to be waited for
	attached bool          // the attachment is not this change's
}

// available is the store when it can be used and, if plan is not empty, runs on that plan.
func (r *instanceResource) available(ctx context.Context, now live, plan string, timeout time.Duration) (heroku.Store, error) {
	if now.store != nil && !now.store.Preparing() && (plan == "" || now.store.Plan == plan) {
		return *now.store, nil
	}
	return r.client.WaitStoreAvailable(ctx, now.addOn.ID, plan, timeout)
}

// finish waits until the store is ready on both APIs, for a plan only if one was ordered, brings attachment and settings to
// what is planned, and reads everything back. It is looked up before it is done, so that an interrupted run continues where
// it stopped.
func (r *instanceResource) finish(ctx context.Context, m *instanceModel, now live, plan string, timeout time.Duration) (err error) {
	addOn := now.addOn
	if addOn.State != heroku.StateProvisioned {
		var store heroku.Store
		if addOn, store, err = r.client.WaitReady(ctx, m.addOnID(), plan, timeout); err != nil {
			return err
		}
		now.addOn, now.store = addOn, &store
	}
	store, err := r.available(ctx, now, plan, timeout)
	if err != nil {
		return err
	}
	if !now.attached {
		if addOn, err = r.attachAs(ctx, addOn, m.AttachmentName); err != nil {
			return err
		}
	}
	if update, changed := m.settingsFor(store); changed {
		if err := r.client.UpdateStoreConfig(ctx, addOn.ID, update); err != nil {
			return err
		}
		if store, err = r.client.Store(ctx, addOn.ID); err != nil {
			return err
		}
	}
	m.readAsAsked(addOn, store)
	return nil
}

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
func (r *instanceResource) planVersion(ctx context.Context, state instanceModel, plan *instanceModel,
	change keyvalue.Change) (awaited bool, diags diag.Diagnostics) {
	if r.client == nil {
		return false, nil
	}
	if notice := keyvalue.LifeCycleNotice(keyvalue.Version(state.VersionActual.ValueString()),
		r.client.HostTime()); notice != "" && !change.VersionUpgrade {
		diags.AddAttributeWarning(path.Root("version"), "The store's version is approaching end of life", state.label()+": "+notice)
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
			"A lower floor does not cancel it, and there is no way back afterwards. If the store must not be "+
			"upgraded, ask Heroku Support before that time.",
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
func (r *instanceResource) upgradeOf(ctx context.Context, m instanceModel, addOn heroku.AddOn, young bool,
	timeout time.Duration) (*maintenanceRun, upgradeRequest, diag.Diagnostics) {
	terms := m.terms(ctx)
	asked := upgradeRequest{
		floor: keyvalue.Version(m.Version.ValueString()), now: young || terms.upgrades() == upgradeNow,
		acceptDataLoss: young || terms.AcceptDataLoss.ValueBool(), consent: path.Root("migration"),
	}
	apps := maintenanceRunModel{AppMaintenance: terms.AppMaintenance, ScaleDown: terms.ScaleDown}
	if young {
		apps = maintenanceRunModel{Confirm: types.StringValue(addOn.AppName)}
	}
	i := &invocation{
		connection: r.connection, again: applying, send: func(action.InvokeProgressEvent) {}, object: addOn.Name,
		started: r.client.Clock().Now(), timeout: timeout,
	}
	u, diags := i.newMaintenanceRun(ctx, addOn, apps)
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
func (r *instanceResource) refuseInUse(ctx context.Context, plan instanceModel, addOn heroku.AddOn,
	change keyvalue.Change, timeout time.Duration) diag.Diagnostics {
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
		when = "It is run as soon as it is prepared. All apps that the store is attached to have to be in maintenance " +
			"mode then: see migration.app_maintenance."
	case terms.upgrades() == upgradeNow:
		when = "It is run as soon as it is prepared, while the apps are held: in maintenance mode, or scaled to 0."
	}
	return diag.NewAttributeWarningDiagnostic(path.Root("version"), "Upgrading the version of the store", fmt.Sprintf(
		"%s: %s to %s. %s\n\n%s", state.label(), cmp.Or(state.VersionActual.ValueString(), "its version"),
		plan.Version.ValueString(), when, bullets(change.Facts)))
}
