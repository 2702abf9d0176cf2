// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"fmt"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/action"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/keyvalue"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/replacement"
)

// A plan with an action says what the action interrupts, as things are. All of it are warnings, what would be refused too:
// the same apply may change the object before the action is invoked. What is unknown, or cannot be read, is not spoken of.

// plannedAction is what a plan finds out about the object of an action.
type plannedAction struct {
	connection
	addOn heroku.AddOn
	said  *diag.Diagnostics
}

// planConfig reads the configuration of an action that is planned, and reports whether it can be judged.
func (c *connection) planConfig(ctx context.Context, req action.ModifyPlanRequest, config any) bool {
	return c.client != nil && req.Config.Raw.IsFullyKnown() && !req.Config.Get(ctx, config).HasError()
}

// planStore is planConfig's second half for actions on a store; false when nothing more is to be said.
func (c *connection) planStore(ctx context.Context, id types.String, resp *action.ModifyPlanResponse) (plannedAction, bool) {
	addOn, refusal, err := c.judgeStore(ctx, id)
	f := plannedAction{*c, addOn, &resp.Diagnostics}
	return f, err == nil && !f.refuses(refusal)
}

// refuses says that the action would be refused, if there is a refusal.
func (f plannedAction) refuses(refusal diag.Diagnostics) bool {
	for _, d := range refusal.Errors() {
		f.warn("The action would be refused", "As things are, it would be refused: "+d.Summary()+".\n\n"+d.Detail())
	}
	return refusal.HasError()
}

// idle says that the action has nothing to do.
func (f plannedAction) idle(why string) {
	f.warn("The action has nothing to do", fmt.Sprintf("%s: %s.", storeLabel(f.addOn), why))
}

func (f plannedAction) warn(summary, detail string) { f.said.AddWarning(summary, detail) }

// attachedTo names the apps of a store, with what becomes of them.
func attachedTo(attachments []heroku.Attachment, become string) string {
	if len(attachments) == 0 {
		return "It is attached to no app."
	}
	return fmt.Sprintf("It is attached to these apps, which %s: %s.", become, appNames(attachments))
}

// interruption is what the apps of a store feel of a maintenance that is run on these terms.
func (m upkeepModel) interruption(attachments []heroku.Attachment) string {
	switch m.hold() {
	case replacement.Hold{AppMaintenance: true, ScaleDown: true}:
		return attachedTo(attachments, "are in maintenance mode and scaled to 0 meanwhile, restart, and are put back afterwards")
	case replacement.Hold{ScaleDown: true}:
		return attachedTo(attachments, "are scaled to 0 meanwhile and put back afterwards")
	case replacement.Hold{AppMaintenance: true}:
		return attachedTo(attachments, "are in maintenance mode meanwhile, restart, and are put back afterwards")
	}
	return attachedTo(attachments, "lose their connections and restart")
}

const offline = "The store is usually offline for a few minutes"

func (a *maintenanceRunAction) ModifyPlan(ctx context.Context, req action.ModifyPlanRequest, resp *action.ModifyPlanResponse) {
	var config maintenanceRunActionModel
	if !a.planConfig(ctx, req, &config) {
		return
	}
	f, found := a.planStore(ctx, config.InstanceID, resp)
	if !found || f.refuses(refuseOnMini(f.addOn)) {
		return
	}
	u, diags := a.invoke(&action.InvokeResponse{}, f.addOn.Name).newUpkeep(ctx, f.addOn, config.upkeepModel)
	if diags.HasError() {
		return
	}
	m, err := u.latest(ctx)
	if err == nil && !m.Outstanding() && m.Status != heroku.MaintenanceRunning {
		f.idle(nothingTo("run", m))
		return
	}
	refusal, e := u.unprepared(ctx)
	if err != nil || e != nil || m.Outstanding() && f.refuses(refusal) {
		return
	}
	f.warn("The store will be offline for some minutes", fmt.Sprintf("%s: its maintenance is run. %s, and the action waits for at most %s. %s",
		storeLabel(f.addOn), offline, invokeLimit(ctx, config.Timeouts), config.interruption(u.attachments)))
}

// invokeLimit is how long an action waits.
func invokeLimit(ctx context.Context, configured interface {
	Invoke(context.Context, time.Duration) (time.Duration, diag.Diagnostics)
}) time.Duration {
	limit, _ := configured.Invoke(ctx, invokeTimeout)
	return limit
}

func (a *versionAction) ModifyPlan(ctx context.Context, req action.ModifyPlanRequest, resp *action.ModifyPlanResponse) {
	var config versionActionModel
	if !a.planConfig(ctx, req, &config) {
		return
	}
	f, found := a.planStore(ctx, config.InstanceID, resp)
	if !found {
		return
	}
	u, diags := a.invoke(&action.InvokeResponse{}, f.addOn.Name).newUpkeep(ctx, f.addOn, config.upkeepModel)
	store, err := a.client.Store(ctx, f.addOn.ID)
	if diags.HasError() || err != nil {
		return
	}
	asked := config.upgrade()
	if asked.floor.Accepts(keyvalue.Version(store.Version)) {
		f.idle(fmt.Sprintf("it runs version %s already", store.Version))
		return
	}
	upgraded := fmt.Sprintf("%s is upgraded from version %s to %s. There is no way back.", storeLabel(f.addOn), store.Version, asked.floor)
	if name, err := keyvalue.ParsePlanName(f.addOn.Plan); err == nil && hasNoWindow(name) {
		if asked.acceptDataLoss {
			f.warn("All keys of the store will be lost", upgraded+" On the mini plan that is done at once, and no key is kept. "+
				attachedTo(u.attachments, "lose their connections, and restart if the URL of the store changes"))
			return
		}
		f.refuses(diag.Diagnostics{miniLosesData(storeLabel(f.addOn), asked.consent)})
		return
	}
	if !asked.now {
		f.warn("The store will be upgraded in its maintenance window", fmt.Sprintf(
			"%s A maintenance is prepared, and Heroku runs it in the window of the store. %s then. %s",
			upgraded, offline, attachedTo(u.attachments, "lose their connections and restart then")))
		return
	}
	refusal, err := u.unprepared(ctx)
	if err != nil || f.refuses(refusal) {
		return
	}
	f.warn("The store will be offline for some minutes", fmt.Sprintf(
		"%s The maintenance is run as soon as it is prepared. %s, and the action waits for at most %s. %s",
		upgraded, offline, invokeLimit(ctx, config.Timeouts), config.interruption(u.attachments)))
}

func (a *credentialsAction) ModifyPlan(ctx context.Context, req action.ModifyPlanRequest, resp *action.ModifyPlanResponse) {
	var config credentialsActionModel
	if !a.planConfig(ctx, req, &config) {
		return
	}
	f, found := a.planStore(ctx, config.InstanceID, resp)
	if !found {
		return
	}
	attachments, err := a.client.AddOnAttachments(ctx, f.addOn.ID)
	if err != nil {
		return
	}
	f.warn("The password of the store will change", fmt.Sprintf(
		"%s: the old one is refused afterwards, and whatever has it from elsewhere than its app has to be given the new one. %s "+
			"The action waits for at most %s.\n\n"+
			"What reads kvs_credentials in the same run may have read the old password before the action is invoked: "+
			"Terraform 1.15 reads it first where an action_trigger says after_update. "+
			"Invoke the action in a run of its own, and read in the next one.",
		storeLabel(f.addOn), attachedTo(attachments, "get the new URL and restart"), invokeLimit(ctx, config.Timeouts)))
}

func (a *maintenanceScheduleAction) ModifyPlan(ctx context.Context, req action.ModifyPlanRequest, resp *action.ModifyPlanResponse) {
	var config maintenanceScheduleActionModel
	if !a.planConfig(ctx, req, &config) {
		return
	}
	f, found := a.planStore(ctx, config.InstanceID, resp)
	if !found || f.refuses(refuseOnMini(f.addOn)) {
		return
	}
	c, refusal, err := a.choose(ctx, f.addOn, config)
	switch {
	case err != nil:
	case refusal != nil:
		f.refuses(diag.Diagnostics{refusal})
	case c.nothing != "":
		f.idle(c.nothing)
	}
}

func (a *statsAction) ModifyPlan(ctx context.Context, req action.ModifyPlanRequest, resp *action.ModifyPlanResponse) {
	var config statsActionModel
	if a.planConfig(ctx, req, &config) {
		a.planStore(ctx, config.InstanceID, resp)
	}
}

func (a *appMaintenanceAction) ModifyPlan(ctx context.Context, req action.ModifyPlanRequest, resp *action.ModifyPlanResponse) {
	var config appMaintenanceActionModel
	if !a.planConfig(ctx, req, &config) {
		return
	}
	on, at := config.Maintenance.ValueBool(), path.Root("app_id")
	app, err := a.client.FindApp(ctx, config.AppID.ValueString())
	f := plannedAction{a.connection, heroku.AddOn{}, &resp.Diagnostics}
	switch {
	case heroku.IsNotFound(err):
		f.refuses(diag.Diagnostics{diag.NewAttributeErrorDiagnostic(at, "App not found",
			a.failureOf(invoking, "", "App "+config.AppID.ValueString(), err).Detail())})
	case err != nil:
	case app.Maintenance == on:
		f.warn("The action has nothing to do", fmt.Sprintf("App %s (%s): %s, it was so already.", app.Name, app.ID, maintenanceModeStep(on)))
	case on:
		f.warn("Visitors of the app will see its maintenance page", fmt.Sprintf(
			"App %s (%s): web requests get the maintenance page until its maintenance mode is switched off, and its dynos keep running.",
			app.Name, app.ID))
	}
}
