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
	resp.Diagnostics.Append(r.certificates.load(ctx, state.addOnID(), req.Private)...)
	save := func(m instanceModel) {
		resp.Diagnostics.Append(resp.State.Set(ctx, &m)...)
		resp.Diagnostics.Append(r.certificates.save(ctx, m.addOnID(), resp.Private)...)
		resp.Diagnostics.Append(resp.Identity.Set(ctx, instanceIdentity{ID: m.ID})...)
	}
	// app_id or plan may have been unknown when the plan was made, so the change is judged again.
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
			resp.Diagnostics.Append(resp.Private.SetKey(ctx, attachmentsCarried, addCarriedApp(former, state, plan))...)
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
		if diags := r.destroyRetired(ctx, state, kept.ValueString(), timeout); diags.HasError() {
			resp.Diagnostics.Append(diags...)
			resp.Diagnostics.Append(resp.State.SetAttribute(ctx, path.Root("retired_instance_id"), kept)...)
			return
		}
		resp.Diagnostics.Append(resp.Private.SetKey(ctx, retirementOverdue, nil)...)
	}
	if state.RetiredInstanceID.IsNull() { // while a store is kept, the attachment also proves whose store it is
		if err := r.replacements().EndSuccession(ctx, plan.addOnID()); err != nil {
			failure := r.failure("Unable to detach", plan.label(), err) // the change is done; the next change tries again
			resp.Diagnostics.AddWarning(failure.Summary(), failure.Detail())
		}
	}
}

// changeInPlace sends the plan and the name to the Platform API, saves that in the state, and waits until the change is
// complete.
func (r *instanceResource) changeInPlace(ctx context.Context, state, plan *instanceModel, now live,
	change keyvalue.Change, timeout time.Duration, resp *resource.UpdateResponse) diag.Diagnostics {
	const summary = "Unable to change Key-Value Store"
	if diags := r.refuseUpgradeInUse(ctx, *plan, now.addOn, change, timeout); diags.HasError() {
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
		if update.Plan != nil { // Heroku refuses a change while another one is in progress
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
	if resumed { // a plan that this or an earlier run has ordered
		awaited = string(plan.spec().Plan)
	}
	planned := *plan
	if err := r.finish(ctx, plan, now, awaited, timeout); err != nil {
		return diag.Diagnostics{r.failure("Unable to finish the change of Key-Value Store", state.label(), err)}
	}
	var diags diag.Diagnostics
	if planned.Name.IsUnknown() {
		diags = r.setPermanentName(ctx, plan)
	}
	diags.Append(r.upgrade(ctx, plan, false, timeout)...)
	plan.keepPlanned(planned)
	return diags
}

// live is the store at Heroku before the change.
type live struct {
	addOn    heroku.AddOn
	store    *heroku.Store // nil if it has to be waited for
	attached bool          // this change does not affect the attachment
}

// available waits until the store can be used and, if plan is not empty, runs on that plan.
func (r *instanceResource) available(ctx context.Context, now live, plan string, timeout time.Duration) (heroku.Store, error) {
	if now.store != nil && !now.store.Preparing() && (plan == "" || now.store.Plan == plan) {
		return *now.store, nil
	}
	return r.client.WaitStoreAvailable(ctx, now.addOn.ID, plan, timeout)
}

// finish waits until the store is ready on both APIs, applies the planned attachment and settings, and reads the result. A plan
// is waited for only if one was ordered. Each step first reads what is there, so that an interrupted run continues where it
// stopped.
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
	m.readAfterChange(addOn, store)
	return nil
}

// The version of a store is a minimum: Heroku also upgrades by itself, and no version can be lowered. An upgrade is a
// maintenance: Heroku prepares another server, which takes over when the maintenance is run, either at once or in the
// maintenance window (Dev Center: Upgrading a Heroku Key-Value Store Version). A mini store is upgraded at once, and loses its
// keys.

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

// planVersion warns of a version that approaches its end of life, and of an upgrade that is already prepared. awaited reports
// that the maintenance window is all that is left to wait for.
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
		diags.Append(unannouncedVersionWarning(state.label(), keyvalue.Version(plan.Version.ValueString()), keyvalue.Version.ForUpgrade)...)
	} else {
		diags.Append(r.orderedUpgradeWarning(ctx, state, *plan)...)
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

// unannouncedVersionWarning warns of a minimum that no announced version satisfies.
func unannouncedVersionWarning(label string, floor keyvalue.Version, ordered func(keyvalue.Version) keyvalue.Version) diag.Diagnostics {
	if floor == "" || floor.Announced() {
		return nil
	}
	return diag.Diagnostics{diag.NewAttributeWarningDiagnostic(path.Root("version"), "No announced version is as new as that", fmt.Sprintf(
		"%s is to run at least version %s. Versions that Heroku has announced, as far as this provider knows: %s. "+
			"Version %s is ordered, and Heroku decides whether it exists.", label, floor, keyvalue.ReleaseList(), ordered(floor)))}
}

// orderedUpgradeWarning warns that lowering the minimum does not cancel an upgrade that has been ordered.
func (r *instanceResource) orderedUpgradeWarning(ctx context.Context, state, plan instanceModel) diag.Diagnostics {
	floor, runs := keyvalue.Version(state.Version.ValueString()), keyvalue.Version(state.VersionActual.ValueString())
	if floor == "" || floor.Accepts(runs) || plan.Version.IsUnknown() || plan.Version.Equal(state.Version) {
		return nil
	}
	prepared, err := r.preparedUpgrade(ctx, state.addOnID())
	if err != nil || prepared == nil {
		return nil
	}
	return diag.Diagnostics{diag.NewAttributeWarningDiagnostic(path.Root("version"), "The upgrade that was ordered goes on", fmt.Sprintf(
		"%s runs %s, and an upgrade for version = %q has been ordered; the maintenance for it is %s, scheduled for %s. A lower version in "+
			"the configuration does not cancel it, and the upgrade cannot be undone. If the store must not be upgraded, ask Heroku Support "+
			"before that time.",
		state.label(), runs, floor, prepared.Status, prepared.ScheduledFor.Format(time.RFC3339)))}
}

// preparedUpgrade is a maintenance that a customer has requested and that has not been completed, or nil.
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

// refuseUpgrade refuses to upgrade a mini store without consent, because it loses its keys.
func refuseUpgrade(state, plan instanceModel, change keyvalue.Change, terms migrationModel) diag.Diagnostics {
	if change.VersionUpgrade && hasNoWindow(plan.spec().Plan) && !terms.AcceptDataLoss.ValueBool() {
		return diag.Diagnostics{miniLosesData(state.label(), path.Root("migration"))}
	}
	return nil
}

// prepareUpgrade builds the upgrade of a store, as the action kvs_upgrade_version does. A new store has no keys, and nobody uses
// it.
func (r *instanceResource) prepareUpgrade(ctx context.Context, m instanceModel, addOn heroku.AddOn, isNew bool,
	timeout time.Duration) (*maintenanceRun, upgradeRequest, diag.Diagnostics) {
	terms := m.terms(ctx)
	asked := upgradeRequest{
		floor: keyvalue.Version(m.Version.ValueString()), now: isNew || terms.upgrades() == upgradeNow,
		acceptDataLoss: isNew || terms.AcceptDataLoss.ValueBool(), consent: path.Root("migration"),
	}
	apps := maintenanceRunModel{AppMaintenance: terms.AppMaintenance, ScaleDown: terms.ScaleDown}
	if isNew {
		apps = maintenanceRunModel{Confirm: types.StringValue(addOn.AppName)}
	}
	i := &invocation{
		connection: r.connection, retry: applyAgain, send: func(action.InvokeProgressEvent) {}, object: addOn.Name,
		started: r.client.Clock().Now(), timeout: timeout,
	}
	u, diags := i.newMaintenanceRun(ctx, addOn, apps)
	return u, asked, diags
}

// upgrade upgrades the server to the configured minimum version. It also resumes an upgrade that an earlier run has begun.
func (r *instanceResource) upgrade(ctx context.Context, m *instanceModel, isNew bool, timeout time.Duration) diag.Diagnostics {
	floor := keyvalue.Version(m.Version.ValueString())
	if floor == "" || floor.Accepts(keyvalue.Version(m.VersionActual.ValueString())) {
		return nil
	}
	addOn, err := r.client.AddOn(ctx, m.addOnID())
	if err != nil {
		return diag.Diagnostics{r.failure("Unable to upgrade the version of Key-Value Store", m.label(), err)}
	}
	u, asked, diags := r.prepareUpgrade(ctx, *m, addOn, isNew, timeout)
	if diags.HasError() {
		return diags
	}
	diags.Append(u.upgrade(ctx, asked)...)
	if store, err := r.client.Store(ctx, addOn.ID); err == nil {
		m.VersionActual = types.StringValue(store.Version)
	}
	return diags
}

// refuseUpgradeInUse refuses, before anything is changed, an immediate upgrade that would interrupt apps which are not prepared
// for it.
func (r *instanceResource) refuseUpgradeInUse(ctx context.Context, plan instanceModel, addOn heroku.AddOn,
	change keyvalue.Change, timeout time.Duration) diag.Diagnostics {
	if !change.VersionUpgrade || hasNoWindow(plan.spec().Plan) || plan.terms(ctx).upgrades() != upgradeNow {
		return nil
	}
	u, _, diags := r.prepareUpgrade(ctx, plan, addOn, false, timeout)
	if !diags.HasError() {
		diags.Append(u.refuseUnprepared(ctx)...)
	}
	return diags
}

// versionUpgradeWarning describes the upgrade to the person who approves it.
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
