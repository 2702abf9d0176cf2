// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/action/schema"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/keyvalue"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/replacement"
)

// A maintenanceRun runs a maintenance now, outside of the window: for kvs_run_maintenance, and as the second half of an
// upgrade by kvs_upgrade_version and kvs_instance (Dev Center: Heroku Key-Value Store Maintenance). Heroku fails the store
// over without regard to its apps, so maintenanceRun checks that they are prepared, or prepares them.
type maintenanceRun struct {
	*invocation
	addOn       heroku.AddOn
	attachments []heroku.Attachment
	terms       maintenanceRunModel

	held, ordered, ran bool // whether apps may be held, an upgrade ordered, a maintenance run
}

// maintenanceRunModel says how to prepare the apps.
type maintenanceRunModel struct {
	Confirm        types.String `tfsdk:"confirm"`
	AppMaintenance types.Bool   `tfsdk:"app_maintenance"`
	ScaleDown      types.Bool   `tfsdk:"scale_down"`
}

// releaseTimeout limits, in real time, how long an interrupted run keeps its CLI waiting until the apps are put back.
const releaseTimeout = 2 * time.Minute

const (
	stepPreparing = "waiting for the maintenance to be ready"
	stepHolding   = "keeping the apps still"
	stepRunning   = "running the maintenance"
	stepAvailable = "waiting for the store to be available"
	stepPutBack   = "putting the apps back"
)

// steps returns the steps of a maintenance run on these terms.
func (m maintenanceRunModel) steps() []string {
	if m.hold() == (replacement.Hold{}) {
		return []string{stepPreparing, stepRunning, stepAvailable}
	}
	return []string{stepPreparing, stepHolding, stepRunning, stepAvailable, stepPutBack}
}

func maintenanceRunAttributes() map[string]schema.Attribute {
	return map[string]schema.Attribute{
		"confirm": schema.StringAttribute{
			Optional:   true,
			Validators: []validator.String{validatedBy(keyvalue.ValidateAppName)},
			MarkdownDescription: "Name of the app that owns the store. If set, the maintenance runs even if an app that the store is attached " +
				"to is not in maintenance mode. The apps then lose their connections for some minutes.",
		},
		"app_maintenance": schema.BoolAttribute{
			Optional: true,
			MarkdownDescription: "Whether to put all apps that the store is attached to into maintenance mode during the maintenance, and to " +
				"restore their previous mode afterwards, also after a failure or an interrupt. Until then, the previous mode is kept in the app's " +
				"config var `KVS_MIGRATION`; each change of this config var restarts the app. Defaults to `false`.",
		},
		"scale_down": schema.BoolAttribute{
			Optional: true,
			MarkdownDescription: "Whether to scale all process types of these apps to 0 during the maintenance, and back to their previous " +
				"quantities afterwards, also after a failure or an interrupt. Maintenance mode alone stops only web requests. Until then, the " +
				"previous values are kept as described for `app_maintenance`. Defaults to `false`.",
		},
	}
}

func (m maintenanceRunModel) hold() replacement.Hold {
	return replacement.Hold{AppMaintenance: m.AppMaintenance.ValueBool(), ScaleDown: m.ScaleDown.ValueBool()}
}

// newMaintenanceRun reads the attachments of the store.
func (i *invocation) newMaintenanceRun(ctx context.Context, addOn heroku.AddOn,
	terms maintenanceRunModel) (*maintenanceRun, diag.Diagnostics) {
	attachments, err := i.client.AddOnAttachments(ctx, addOn.ID)
	if err != nil {
		return nil, diag.Diagnostics{i.failure("Unable to read the attachments of Key-Value Store", storeLabel(addOn), err)}
	}
	return &maintenanceRun{invocation: i, addOn: addOn, attachments: attachments, terms: terms}, nil
}

func (u *maintenanceRun) apps() []heroku.AppID {
	var apps []heroku.AppID
	for _, attachment := range u.attachments {
		apps = append(apps, attachment.AppID)
	}
	return replacement.SortedUnique(apps)
}

// appNames returns the names of the apps of attachments.
func appNames(attachments []heroku.Attachment) string {
	var names []string
	for _, attachment := range attachments {
		names = append(names, attachment.AppName)
	}
	slices.Sort(names)
	return strings.Join(slices.Compact(names), ", ")
}

// mayHaveBegun reports whether a request may have taken effect: Heroku has accepted it, or has not refused it with a 4xx status.
func mayHaveBegun(err error) bool {
	var answer *heroku.Error
	return !errors.As(err, &answer) || answer.Status >= http.StatusInternalServerError
}

// refuseOnMini refuses a store on the mini plan, which has no maintenance.
func refuseOnMini(addOn heroku.AddOn) diag.Diagnostics {
	name, err := keyvalue.ParsePlanName(addOn.Plan)
	if err != nil || !hasNoWindow(name) {
		return nil
	}
	return diag.Diagnostics{diag.NewAttributeErrorDiagnostic(path.Root("instance_id"), "The store's plan has no maintenance", fmt.Sprintf(
		"%s is on the plan %s. Heroku has maintenances that can be run or scheduled on Premium, Private and Shield "+
			"plans only. Nothing was done.", storeLabel(addOn), name))}
}

// refuseUnprepared refuses to run the maintenance while an app is in use. Heroku does not check that.
func (u *maintenanceRun) refuseUnprepared(ctx context.Context) diag.Diagnostics {
	refusal, err := u.checkPrepared(ctx)
	if err != nil {
		return diag.Diagnostics{u.failure("Unable to read an app that the store is attached to",
			fmt.Sprintf("An app of %s, which %s is attached to. Nothing was done", appNames(u.attachments), storeLabel(u.addOn)), err)}
	}
	return refusal
}

func (u *maintenanceRun) checkPrepared(ctx context.Context) (diag.Diagnostics, error) {
	if confirm := u.terms.Confirm.ValueString(); confirm != "" && confirm != u.addOn.AppName {
		return diag.Diagnostics{diag.NewAttributeErrorDiagnostic(path.Root("confirm"), "The confirmation names another app", fmt.Sprintf(
			"%s belongs to the app %s, and confirm is %q. Nothing was done: check that it is the right store, then set confirm = %q.",
			storeLabel(u.addOn), u.addOn.AppName, confirm, u.addOn.AppName))}, nil
	}
	if u.terms.Confirm.ValueString() != "" || u.terms.hold() != (replacement.Hold{}) {
		return nil, nil
	}
	var inUse []string
	for _, id := range u.apps() {
		app, err := u.client.FindApp(ctx, string(id))
		if err != nil {
			return nil, err
		}
		if !app.Maintenance {
			inUse = append(inUse, app.Name)
		}
	}
	if len(inUse) == 0 {
		return nil, nil
	}
	slices.Sort(inUse)
	ways := fmt.Sprintf("Set app_maintenance = true to put them into maintenance mode meanwhile, and scale_down = true "+
		"to stop their workers too; or switch their maintenance mode on first; or set confirm = %q to run the maintenance "+
		"all the same.", u.addOn.AppName)
	if u.retry == applyAgain {
		ways = "Set migration = { app_maintenance = true } to put them into maintenance mode meanwhile, and scale_down = true to stop their " +
			"workers too; or switch their maintenance mode on first; or leave the upgrade to the maintenance window, with version_upgrade = " +
			"\"window\"."
	}
	return diag.Diagnostics{diag.NewErrorDiagnostic("An app is not in maintenance mode", fmt.Sprintf(
		"%s is attached to apps that serve requests, which would lose their connections: %s. Nothing was done: the "+
			"maintenance was not run.\n\n%s",
		storeLabel(u.addOn), strings.Join(inUse, ", "), ways))}, nil
}

// run runs the outstanding maintenance, or waits for the end of the one that is running. It always puts the apps back, also those
// that a crashed run has held.
func (u *maintenanceRun) run(ctx context.Context) (diags diag.Diagnostics) {
	defer func() { diags.Append(u.restoreApps(ctx)...) }()
	u.begin(ctx, stepPreparing)
	m, err := u.latest(ctx)
	if err == nil && m.Outstanding() {
		if diags := u.refuseUnprepared(ctx); diags.HasError() {
			return diags
		}
		m, err = u.client.WaitMaintenanceReady(u.withProgress(ctx), u.addOn.ID, u.remaining())
	}
	switch {
	case err != nil:
		return u.runFailure(err)
	case m.Status == heroku.MaintenanceCompleted || m.Status == heroku.MaintenanceNone:
		u.say(ctx, nothingToDo("run", m))
		return nil
	}
	if u.terms.hold() != (replacement.Hold{}) {
		u.held = true
		u.begin(ctx, stepHolding)
		u.say(ctx, appNames(u.attachments))
		if _, err := u.replacements().Hold(ctx, u.addOn.ID, u.apps(), u.terms.hold()); err != nil {
			return diag.Diagnostics{u.failure("Unable to keep the apps still", storeLabel(u.addOn)+", whose maintenance was not run", err)}
		}
	}
	return u.runReady(ctx, m)
}

func (u *maintenanceRun) runFailure(err error) diag.Diagnostics {
	object := storeLabel(u.addOn)
	if !u.ran {
		object += ", whose maintenance was not run"
	}
	return diag.Diagnostics{u.failure("Unable to run the maintenance of Key-Value Store", object, err)}
}

// runReady runs a maintenance that is ready, or continues with one that is running.
func (u *maintenanceRun) runReady(ctx context.Context, m heroku.Maintenance) diag.Diagnostics {
	u.begin(ctx, stepRunning)
	if m.Status != heroku.MaintenanceRunning {
		err := u.start(ctx)
		if u.ran = mayHaveBegun(err); err != nil {
			return u.runFailure(err)
		}
	}
	u.ran = true
	m, err := u.client.WaitMaintenanceOver(u.withProgress(ctx), u.addOn.ID, u.remaining())
	if err != nil {
		return u.runFailure(err)
	}
	u.begin(ctx, stepAvailable)
	if _, err := u.client.WaitStoreAvailable(ctx, u.addOn.ID, "", u.remaining()); err != nil {
		return u.runFailure(err)
	}
	if m.Duration != nil {
		u.say(ctx, fmt.Sprintf("the maintenance took %s", m.Duration.Round(time.Second)))
	}
	return nil
}

// start runs the maintenance. It succeeds as well if the maintenance has begun meanwhile, because its window has come.
func (u *maintenanceRun) start(ctx context.Context) error {
	err := u.client.RunMaintenance(ctx, u.addOn.ID)
	if err == nil || ctx.Err() != nil {
		return err
	}
	if m, e := u.latest(ctx); e == nil && m.Status != heroku.MaintenanceNone && !m.Outstanding() {
		return nil
	}
	return err
}

// latest returns the store's latest maintenance, with status none if there was none.
func (u *maintenanceRun) latest(ctx context.Context) (heroku.Maintenance, error) {
	m, err := u.client.Maintenance(ctx, u.addOn.ID)
	if heroku.HasStatus(err, http.StatusNotFound) {
		return heroku.Maintenance{Status: heroku.MaintenanceNone}, nil
	}
	return m, err
}

// nothingToDo says why a maintenance is not outstanding. do is the verb: "run" or "schedule".
func nothingToDo(do string, m heroku.Maintenance) string {
	switch {
	case m.Status == heroku.MaintenanceRunning:
		return "there is nothing to " + do + ": the maintenance is running"
	case m.CompletedAt.IsZero():
		return "there is nothing to " + do + ": no maintenance is outstanding"
	}
	return "there is nothing to " + do + ": the last maintenance was completed at " + m.CompletedAt.Format(time.RFC3339)
}

// restoreApps puts the apps back, also after an interrupt, within releaseTimeout.
func (u *maintenanceRun) restoreApps(ctx context.Context) diag.Diagnostics {
	if u.held {
		u.begin(ctx, stepPutBack)
	}
	detached, cancel := context.WithTimeout(context.WithoutCancel(ctx), releaseTimeout)
	defer cancel()
	if err := u.replacements().Release(detached, u.addOn.ID, u.apps()); err != nil {
		return diag.Diagnostics{u.failure("Unable to put the apps back",
			fmt.Sprintf("%s, whose apps may still be in maintenance mode or scaled to 0: their config var %s says "+
				"what they were like before. %s to put them back", storeLabel(u.addOn), replacement.HoldVar, u.retry.capitalized()), err)}
	}
	return nil
}

// Version upgrades, by the action kvs_upgrade_version and by kvs_instance: Heroku prepares another server as a maintenance, and
// the version changes when that maintenance runs.

// upgradeRequest is a version upgrade that a configuration asks for.
type upgradeRequest struct {
	floor          keyvalue.Version
	now            bool      // run the maintenance when it is ready, instead of leaving it for the window
	acceptDataLoss bool      // for a store on the mini plan
	consent        path.Path // the attribute that sets acceptDataLoss
}

// upgrade orders the upgrade unless it has been ordered already, and runs its maintenance if asked.now.
func (u *maintenanceRun) upgrade(ctx context.Context, asked upgradeRequest) diag.Diagnostics {
	wanted := asked.floor
	u.begin(ctx, stepOrdering)
	store, err := u.client.Store(ctx, u.addOn.ID)
	if err != nil {
		return u.upgradeFailure(err)
	}
	if wanted.Accepts(keyvalue.Version(store.Version)) {
		u.say(ctx, fmt.Sprintf("the store runs version %s already", store.Version))
		return u.restoreApps(ctx)
	}
	if name, err := keyvalue.ParsePlanName(u.addOn.Plan); err == nil && hasNoWindow(name) {
		return u.upgradeAtOnce(ctx, asked)
	}
	if asked.now {
		if diags := u.refuseUnprepared(ctx); diags.HasError() {
			return append(diags, u.restoreApps(ctx)...)
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
		m, err = u.client.WaitMaintenanceReady(u.withProgress(ctx), u.addOn.ID, u.remaining())
	}
	switch {
	case err != nil:
		return append(u.upgradeFailure(err), u.restoreApps(ctx)...)
	case !asked.now:
		return u.leaveToWindow(ctx, m)
	}
	if diags := u.run(ctx); diags.HasError() {
		return diags
	}
	return u.checkVersion(ctx, wanted)
}

func (u *maintenanceRun) upgradeFailure(err error) diag.Diagnostics {
	object := storeLabel(u.addOn)
	if !u.ordered {
		object += ", whose upgrade was not ordered"
	}
	return diag.Diagnostics{u.failure("Unable to upgrade the version of Key-Value Store", object, err)}
}

// leaveToWindow reports when the version will change, and puts back apps that an earlier run has held.
func (u *maintenanceRun) leaveToWindow(ctx context.Context, m heroku.Maintenance) diag.Diagnostics {
	how := "it runs in the maintenance window"
	if !m.ScheduledFor.IsZero() {
		how += ", at " + m.ScheduledFor.Format(time.RFC3339)
	}
	if m.Status == heroku.MaintenanceRunning {
		how = "it is running already"
	}
	u.say(ctx, how)
	return u.restoreApps(ctx)
}

// upgradeAtOnce upgrades a store on the mini plan, which loses its keys.
func (u *maintenanceRun) upgradeAtOnce(ctx context.Context, asked upgradeRequest) diag.Diagnostics {
	if !asked.acceptDataLoss {
		return diag.Diagnostics{miniLosesData(storeLabel(u.addOn), asked.consent)}
	}
	err := u.client.UpgradeStore(ctx, u.addOn.ID, string(asked.floor.ForUpgrade()))
	if u.ordered = mayHaveBegun(err); err == nil {
		u.begin(ctx, stepAvailable)
		_, err = u.client.WaitStoreAvailable(ctx, u.addOn.ID, "", u.remaining())
	}
	if err != nil {
		return u.upgradeFailure(err)
	}
	return u.checkVersion(ctx, asked.floor)
}

// miniLosesData refuses the upgrade of a store on the mini plan without consent to data loss.
func miniLosesData(label string, consent path.Path) diag.Diagnostic {
	return diag.NewAttributeErrorDiagnostic(consent, "Upgrading a mini loses its data", fmt.Sprintf(
		"%s is on the mini plan: Heroku upgrades it at once, and all its keys are lost. Nothing was done. "+
			"Set accept_data_loss = true if they may be, or change to a premium plan first.", label))
}

func (u *maintenanceRun) checkVersion(ctx context.Context, wanted keyvalue.Version) diag.Diagnostics {
	u.begin(ctx, stepVersion)
	store, err := u.client.WaitStoreAvailable(ctx, u.addOn.ID, "", u.remaining())
	switch {
	case err != nil:
		return u.upgradeFailure(err)
	case !wanted.Accepts(keyvalue.Version(store.Version)):
		return diag.Diagnostics{diag.NewErrorDiagnostic("Store version was not upgraded", fmt.Sprintf(
			"%s runs version %s after the upgrade, and %s was asked for. Its apps are as they were before. "+
				"%s to order the upgrade anew, and ask Heroku Support if that does not help.", storeLabel(u.addOn),
			store.Version, wanted, u.retry.capitalized()))}
	}
	u.say(ctx, "the store runs version "+store.Version)
	return nil
}
