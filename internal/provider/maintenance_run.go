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

// A maintenanceRun is a maintenance that is run now, outside of the window: by kvs_run_maintenance, and as the second half of an
// upgrade by kvs_upgrade_version and kvs_instance (Dev Center: Heroku Key-Value Store Maintenance). Heroku fails the store
// over whatever its apps do; that they are prepared for it is seen to here.
type maintenanceRun struct {
	*invocation
	addOn       heroku.AddOn
	attachments []heroku.Attachment
	terms       maintenanceRunModel

	held, ordered, ran bool // what may have been done: apps held, an upgrade ordered, a maintenance run
}

// maintenanceRunModel says what the apps are to feel of it.
type maintenanceRunModel struct {
	Confirm        types.String `tfsdk:"confirm"`
	AppMaintenance types.Bool   `tfsdk:"app_maintenance"`
	ScaleDown      types.Bool   `tfsdk:"scale_down"`
}

// releaseTimeout is real time: an interrupted run does not keep its CLI for longer than this to put the apps back.
const releaseTimeout = 2 * time.Minute

const (
	stepPreparing = "waiting for the maintenance to be ready"
	stepHolding   = "keeping the apps still"
	stepRunning   = "running the maintenance"
	stepAvailable = "waiting for the store to be available"
	stepPutBack   = "putting the apps back"
)

// steps are those of a maintenance that is run on these terms.
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
			MarkdownDescription: "Name of the app that owns the store, to run the maintenance although an app that " +
				"the store is attached to is not in maintenance mode. " +
				"The apps lose their connections for some minutes then.",
		},
		"app_maintenance": schema.BoolAttribute{
			Optional: true,
			MarkdownDescription: "Whether to put all apps that the store is attached to into maintenance mode " +
				"meanwhile, and back afterwards, also after a failure or an interrupt. " +
				"Off by default. What was before is kept in the app's config var `KVS_MIGRATION` until then, and each " +
				"change of that restarts the app.",
		},
		"scale_down": schema.BoolAttribute{
			Optional: true,
			MarkdownDescription: "Whether to scale all process types of these apps to 0 meanwhile, and back to what " +
				"they were afterwards, also after a failure or an interrupt: " +
				"maintenance mode stops web requests only. Off by default. What was before is kept like that of `app_maintenance`.",
		},
	}
}

func (m maintenanceRunModel) hold() replacement.Hold {
	return replacement.Hold{AppMaintenance: m.AppMaintenance.ValueBool(), ScaleDown: m.ScaleDown.ValueBool()}
}

// newMaintenanceRun reads which apps the store is attached to.
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

// appNames are the names of the apps that a store is attached to.
func appNames(attachments []heroku.Attachment) string {
	var names []string
	for _, attachment := range attachments {
		names = append(names, attachment.AppName)
	}
	slices.Sort(names)
	return strings.Join(slices.Compact(names), ", ")
}

// mayHaveBegun says that Heroku has not refused a request, so that what it asks for may be under way.
func mayHaveBegun(err error) bool {
	var answer *heroku.Error
	return !errors.As(err, &answer) || answer.Status >= http.StatusInternalServerError
}

// refuseOnMini: there is no maintenance on that plan.
func refuseOnMini(addOn heroku.AddOn) diag.Diagnostics {
	name, err := keyvalue.ParsePlanName(addOn.Plan)
	if err != nil || !hasNoWindow(name) {
		return nil
	}
	return diag.Diagnostics{diag.NewAttributeErrorDiagnostic(path.Root("instance_id"), "The store's plan has no maintenance", fmt.Sprintf(
		"%s is on the plan %s. Heroku has maintenances that can be run or scheduled on Premium, Private and Shield "+
			"plans only. Nothing was done.", storeLabel(addOn), name))}
}

// refuseUnprepared is what Heroku leaves to its clients: an app that is in use is not to lose its store by surprise.
func (u *maintenanceRun) refuseUnprepared(ctx context.Context) diag.Diagnostics {
	refusal, err := u.unprepared(ctx)
	if err != nil {
		return diag.Diagnostics{u.failure("Unable to read an app that the store is attached to",
			fmt.Sprintf("An app of %s, which %s is attached to. Nothing was done", appNames(u.attachments), storeLabel(u.addOn)), err)}
	}
	return refusal
}

func (u *maintenanceRun) unprepared(ctx context.Context) (diag.Diagnostics, error) {
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
	ways := fmt.Sprintf("Set app_maintenance = true, with scale_down = true if their workers have to rest as well, to "+
		"keep them still meanwhile; or switch their maintenance mode on first; "+
		"or set confirm = %q to run the maintenance all the same.", u.addOn.AppName)
	if u.again == applying {
		ways = "Set migration = { app_maintenance = true }, with scale_down = true if their workers have to rest as " +
			"well, to keep them still meanwhile; " +
			"or switch their maintenance mode on first; or leave the upgrade to the maintenance window, with version_upgrade = \"window\"."
	}
	return diag.Diagnostics{diag.NewErrorDiagnostic("An app is not in maintenance mode", fmt.Sprintf(
		"%s is attached to apps that serve requests, which would lose their connections: %s. Nothing was done: the "+
			"maintenance was not run.\n\n%s",
		storeLabel(u.addOn), strings.Join(inUse, ", "), ways))}, nil
}

// run runs the outstanding maintenance, or waits for the end of the one that is running. Whatever becomes of it, no app
// stays held, be it by this run or by one that crashed.
func (u *maintenanceRun) run(ctx context.Context) (diags diag.Diagnostics) {
	defer func() { diags.Append(u.putBack(ctx)...) }()
	u.begin(ctx, stepPreparing)
	m, err := u.latest(ctx)
	if err == nil && m.Outstanding() {
		if diags := u.refuseUnprepared(ctx); diags.HasError() {
			return diags
		}
		m, err = u.client.WaitMaintenanceReady(u.watching(ctx), u.addOn.ID, u.remaining())
	}
	switch {
	case err != nil:
		return u.unable(err)
	case m.Status == heroku.MaintenanceCompleted || m.Status == heroku.MaintenanceNone:
		u.say(ctx, nothingTo("run", m))
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
	return u.carryOut(ctx, m)
}

func (u *maintenanceRun) unable(err error) diag.Diagnostics {
	object := storeLabel(u.addOn)
	if !u.ran {
		object += ", whose maintenance was not run"
	}
	return diag.Diagnostics{u.failure("Unable to run the maintenance of Key-Value Store", object, err)}
}

// carryOut runs a maintenance that is ready, or goes on with one that is running.
func (u *maintenanceRun) carryOut(ctx context.Context, m heroku.Maintenance) diag.Diagnostics {
	u.begin(ctx, stepRunning)
	if m.Status != heroku.MaintenanceRunning {
		err := u.start(ctx)
		if u.ran = mayHaveBegun(err); err != nil {
			return u.unable(err)
		}
	}
	u.ran = true
	m, err := u.client.WaitMaintenanceOver(u.watching(ctx), u.addOn.ID, u.remaining())
	if err != nil {
		return u.unable(err)
	}
	u.begin(ctx, stepAvailable)
	if _, err := u.client.WaitStoreAvailable(ctx, u.addOn.ID, "", u.remaining()); err != nil {
		return u.unable(err)
	}
	if m.Duration != nil {
		u.say(ctx, fmt.Sprintf("the maintenance took %s", m.Duration.Round(time.Second)))
	}
	return nil
}

// start runs the maintenance, unless it has begun by itself meanwhile: its window may have come.
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

// latest is the store's maintenance, of status none when there was none.
func (u *maintenanceRun) latest(ctx context.Context) (heroku.Maintenance, error) {
	m, err := u.client.Maintenance(ctx, u.addOn.ID)
	if heroku.HasStatus(err, http.StatusNotFound) {
		return heroku.Maintenance{Status: heroku.MaintenanceNone}, nil
	}
	return m, err
}

// nothingTo is for a maintenance that is not outstanding, to do what with.
func nothingTo(do string, m heroku.Maintenance) string {
	switch {
	case m.Status == heroku.MaintenanceRunning:
		return "there is nothing to " + do + ": the maintenance is running"
	case m.CompletedAt.IsZero():
		return "there is nothing to " + do + ": no maintenance is outstanding"
	}
	return "there is nothing to " + do + ": the last maintenance was completed at " + m.CompletedAt.Format(time.RFC3339)
}

// putBack outlives an interrupt, but not for long.
func (u *maintenanceRun) putBack(ctx context.Context) diag.Diagnostics {
	if u.held {
		u.begin(ctx, stepPutBack)
	}
	detached, cancel := context.WithTimeout(context.WithoutCancel(ctx), releaseTimeout)
	defer cancel()
	if err := u.replacements().Release(detached, u.addOn.ID, u.apps()); err != nil {
		return diag.Diagnostics{u.failure("Unable to put the apps back",
			fmt.Sprintf("%s, whose apps may still be in maintenance mode or scaled to 0: their config var %s says "+
				"what they were like before. %s to put them back", storeLabel(u.addOn), replacement.HoldVar, u.again.begins()), err)}
	}
	return nil
}

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
func (u *maintenanceRun) upgrade(ctx context.Context, asked upgrade) diag.Diagnostics {
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

func (u *maintenanceRun) notUpgraded(err error) diag.Diagnostics {
	object := storeLabel(u.addOn)
	if !u.ordered {
		object += ", whose upgrade was not ordered"
	}
	return diag.Diagnostics{u.failure("Unable to upgrade the version of Key-Value Store", object, err)}
}

// leaveToWindow says when the version will change.
func (u *maintenanceRun) leaveToWindow(ctx context.Context, m heroku.Maintenance) diag.Diagnostics {
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
func (u *maintenanceRun) upgradeAtOnce(ctx context.Context, asked upgrade) diag.Diagnostics {
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

func (u *maintenanceRun) checkVersion(ctx context.Context, wanted keyvalue.Version) diag.Diagnostics {
	u.begin(ctx, stepVersion)
	store, err := u.client.WaitStoreAvailable(ctx, u.addOn.ID, "", u.remaining())
	switch {
	case err != nil:
		return u.notUpgraded(err)
	case !wanted.Accepts(keyvalue.Version(store.Version)):
		return diag.Diagnostics{diag.NewErrorDiagnostic("Store version was not upgraded", fmt.Sprintf(
			"%s runs version %s after the upgrade, and %s was asked for. Its apps are as they were before. "+
				"%s to order the upgrade anew, and ask Heroku Support if that does not help.", storeLabel(u.addOn),
			store.Version, wanted, u.again.begins()))}
	}
	u.say(ctx, "the store runs version "+store.Version)
	return nil
}
