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
	"github.com/hashicorp/terraform-plugin-framework/action"
	"github.com/hashicorp/terraform-plugin-framework/action/schema"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
	"github.com/hashicorp/terraform-plugin-log/tflog"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/keyvalue"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/replacement"
)

// An action is invoked with its configuration and leaves nothing in the state. Terraform receives the final diagnostics of an
// interrupted action (see drainingServer), but no progress messages, and nothing after a crash. Every action can therefore be
// invoked again, and continues from what it finds at Heroku.

// invocation is one run of an action on one object. It sends progress messages and has a time limit.
type invocation struct {
	connection
	retry   retryAdvice // how the user continues after an error
	send    func(action.InvokeProgressEvent)
	object  string // prefix of each message, such as "orders-cache"
	steps   []string
	step    string
	started time.Time
	timeout time.Duration
}

const invokeTimeout = time.Hour

func (c *connection) invoke(resp *action.InvokeResponse, object string, steps ...string) *invocation {
	return &invocation{
		connection: *c, retry: invokeAgain, send: resp.SendProgress, object: object, steps: steps,
		started: c.client.Clock().Now(), timeout: invokeTimeout,
	}
}

// limit reads the time limit of the invocation from the configuration.
func (i *invocation) limit(ctx context.Context, configured timeouts.Value) diag.Diagnostics {
	var diags diag.Diagnostics
	i.timeout, diags = configured.Invoke(ctx, invokeTimeout)
	return diags
}

func (i *invocation) elapsed() time.Duration {
	return i.client.Clock().Now().Sub(i.started).Round(time.Second)
}

// remaining is the time left until the limit.
func (i *invocation) remaining() time.Duration { return max(i.timeout-i.elapsed(), 0) }

// failure is [connection.failure] with the advice that fits this invocation.
func (i *invocation) failure(summary, object string, err error) diag.Diagnostic {
	return i.failureOf(i.retry, summary, object, err)
}

// begin announces a step, once. Skipped steps are removed, so that the step numbers are consecutive.
func (i *invocation) begin(ctx context.Context, step string) {
	if step == i.step {
		return
	}
	if now, next := slices.Index(i.steps, i.step), slices.Index(i.steps, step); next > now {
		i.steps = slices.Delete(slices.Clone(i.steps), now+1, next)
	}
	i.step = step
	i.say(ctx, "")
}

// say sends a progress message about the current step. After an interrupt Terraform no longer receives messages, and sending one
// would block forever.
func (i *invocation) say(ctx context.Context, status string) {
	if ctx.Err() != nil {
		return
	}
	message := fmt.Sprintf("%s: step %d of %d, %s", i.object, slices.Index(i.steps, i.step)+1, len(i.steps), i.step)
	if status != "" {
		message += ": " + status
	}
	message += fmt.Sprintf(" (%s elapsed, at most %s remaining)", i.elapsed(), i.remaining())
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		defer i.recoverSend(ctx)
		i.send(action.InvokeProgressEvent{Message: message})
	}()
	select {
	case <-sent:
	case <-ctx.Done():
	}
}

// recoverSend is deferred by the goroutine that sends a message. A panic there would end the process, and the apps would stay in
// maintenance mode or scaled down. A message that is not received stops no action.
func (i *invocation) recoverSend(ctx context.Context) {
	if cause := recover(); cause != nil {
		tflog.Error(ctx, "A progress message was lost", map[string]any{"action_on": i.object, "error": panicText(cause), "at": callers()})
	}
}

// withProgress returns a context in which the states of a wait are sent as progress of the invocation: see logWait.
func (i *invocation) withProgress(ctx context.Context) context.Context {
	return context.WithValue(ctx, progressKey{}, i)
}

type progressKey struct{}

// readConfig reads the configuration of an invoked action, and reports whether the action can be carried out.
func (c *connection) readConfig(ctx context.Context, req action.InvokeRequest, config any, diags *diag.Diagnostics) bool {
	var attributes map[string]tftypes.Value
	if err := req.Config.Raw.As(&attributes); err != nil {
		diags.AddError("Unreadable configuration of an action", err.Error())
		return false
	}
	for _, name := range slices.Sorted(maps.Keys(attributes)) {
		if !attributes[name].IsFullyKnown() {
			diags.AddAttributeError(path.Root(name), "The action needs a value that is not known yet", fmt.Sprintf(
				"Nothing was done: %s is known only after apply. Invoke the action after the objects that it refers to have been applied.", name))
		}
	}
	diags.Append(req.Config.Get(ctx, config)...)
	return !diags.HasError() && c.ready(diags)
}

// actionStore finds the store of an action. It must be a provisioned Key-Value Store.
func (c *connection) actionStore(ctx context.Context, id types.String) (heroku.AddOn, diag.Diagnostics) {
	addOn, refusal, err := c.checkActionStore(ctx, id)
	if err != nil {
		return addOn, diag.Diagnostics{c.failureOf(invokeAgain, "Unable to read Key-Value Store",
			"Nothing was done with Key-Value Store "+id.ValueString(), err)}
	}
	return addOn, refusal
}

// checkActionStore is actionStore, but returns a failed request as err, separate from the reasons to refuse the store.
func (c *connection) checkActionStore(ctx context.Context, id types.String) (heroku.AddOn, diag.Diagnostics, error) {
	at := path.Root("instance_id")
	addOn, err := c.client.FindAddOn(ctx, id.ValueString())
	switch {
	case heroku.IsNotFound(err):
		return addOn, diag.Diagnostics{diag.NewAttributeErrorDiagnostic(at, "Key-Value Store not found",
			c.failureOf(invokeAgain, "", "Nothing was done with Key-Value Store "+id.ValueString(), err).Detail())}, nil
	case err != nil:
		return addOn, nil, err
	case addOn.Service != keyvalue.Service:
		return addOn, diag.Diagnostics{diag.NewAttributeErrorDiagnostic(at, "Not a Key-Value Store", fmt.Sprintf(
			"The add-on %s (%s) belongs to the service %s; a Key-Value Store is an add-on of %s. Nothing was done.",
			addOn.Name, addOn.ID, addOn.Service, keyvalue.Service))}, nil
	case addOn.State != heroku.StateProvisioned:
		return addOn, diag.Diagnostics{diag.NewAttributeErrorDiagnostic(at, "Key-Value Store is not ready", fmt.Sprintf(
			"The store %s (%s) on app %s is %s. Nothing was done; invoke the action again when it is provisioned.",
			addOn.Name, addOn.ID, addOn.AppName, addOn.State))}, nil
	}
	return addOn, nil, nil
}

// storeLabel names a store in a diagnostic.
func storeLabel(addOn heroku.AddOn) string {
	return fmt.Sprintf("Key-Value Store %s (%s)", addOn.Name, addOn.ID)
}

func actionInstanceID() schema.StringAttribute {
	return schema.StringAttribute{
		MarkdownDescription: "UUID of the store, such as `kvs_instance.cache.id`.",
		Required:            true,
		Validators:          []validator.String{uuidValidator()},
	}
}

func actionTimeouts(ctx context.Context) schema.Attribute {
	attribute := timeouts.AttributesWithOpts(ctx, timeouts.Opts{
		InvokeDescription: "How long the action may wait, such as `90m`. Defaults to `1h`. Work that has started continues at Heroku after " +
			"this time.",
	})
	if nested, ok := attribute.(schema.SingleNestedAttribute); ok {
		nested.MarkdownDescription = "How long to wait for operations that take time."
		if limit, ok := nested.Attributes["invoke"].(schema.StringAttribute); ok {
			limit.Validators = []validator.String{durationValidator()}
			nested.Attributes["invoke"] = limit
		}
		return nested
	}
	return attribute
}

// The plan of an action warns what the action will interrupt. It never fails, even where the action would be refused now,
// because the same apply may change the object before the action is invoked. Unknown values and failed reads are ignored.

// plannedAction collects what a plan finds out about the object of an action.
type plannedAction struct {
	connection
	addOn heroku.AddOn
	diags *diag.Diagnostics
}

// planConfig reads the configuration of a planned action, and reports whether all of it is known.
func (c *connection) planConfig(ctx context.Context, req action.ModifyPlanRequest, config any) bool {
	return c.client != nil && req.Config.Raw.IsFullyKnown() && !req.Config.Get(ctx, config).HasError()
}

// planStore finds the store of a planned action. It returns false if the plan has nothing more to say about it.
func (c *connection) planStore(ctx context.Context, id types.String, resp *action.ModifyPlanResponse) (plannedAction, bool) {
	addOn, refusal, err := c.checkActionStore(ctx, id)
	f := plannedAction{*c, addOn, &resp.Diagnostics}
	return f, err == nil && !f.warnRefused(refusal)
}

// warnRefused warns that the action would be refused, if refusal has an error.
func (f plannedAction) warnRefused(refusal diag.Diagnostics) bool {
	for _, d := range refusal.Errors() {
		f.warn("The action would be refused", "As things are, it would be refused: "+d.Summary()+".\n\n"+d.Detail())
	}
	return refusal.HasError()
}

// warnNothingToDo warns that the action has nothing to do.
func (f plannedAction) warnNothingToDo(why string) {
	f.warn("The action has nothing to do", fmt.Sprintf("%s: %s.", storeLabel(f.addOn), why))
}

func (f plannedAction) warn(summary, detail string) { f.diags.AddWarning(summary, detail) }

// attachedTo is a sentence that names the apps of a store; become completes "these apps, which ...".
func attachedTo(attachments []heroku.Attachment, become string) string {
	if len(attachments) == 0 {
		return "It is attached to no app."
	}
	return fmt.Sprintf("It is attached to these apps, which %s: %s.", become, appNames(attachments))
}

// interruption describes how a maintenance that is run on these terms interrupts the apps of the store.
func (m maintenanceRunModel) interruption(attachments []heroku.Attachment) string {
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
	if !found || f.warnRefused(refuseOnMini(f.addOn)) {
		return
	}
	u, diags := a.invoke(&action.InvokeResponse{}, f.addOn.Name).newMaintenanceRun(ctx, f.addOn, config.maintenanceRunModel)
	if diags.HasError() {
		return
	}
	m, err := u.latest(ctx)
	if err == nil && !m.Outstanding() && m.Status != heroku.MaintenanceRunning {
		f.warnNothingToDo(nothingToDo("run", m))
		return
	}
	refusal, e := u.checkPrepared(ctx)
	if err != nil || e != nil || m.Outstanding() && f.warnRefused(refusal) {
		return
	}
	f.warn("The store will be offline for some minutes", fmt.Sprintf("%s: its maintenance is run. %s, and the action waits for at most %s. %s",
		storeLabel(f.addOn), offline, invokeLimit(ctx, config.Timeouts), config.interruption(u.attachments)))
}

// invokeLimit is the time limit of an action.
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
	u, diags := a.invoke(&action.InvokeResponse{}, f.addOn.Name).newMaintenanceRun(ctx, f.addOn, config.maintenanceRunModel)
	store, err := a.client.Store(ctx, f.addOn.ID)
	if diags.HasError() || err != nil {
		return
	}
	asked := config.upgrade()
	if asked.floor.Accepts(keyvalue.Version(store.Version)) {
		f.warnNothingToDo(fmt.Sprintf("it runs version %s already", store.Version))
		return
	}
	upgraded := fmt.Sprintf("%s is upgraded from version %s to %s. There is no way back.", storeLabel(f.addOn), store.Version, asked.floor)
	if name, err := keyvalue.ParsePlanName(f.addOn.Plan); err == nil && hasNoWindow(name) {
		if asked.acceptDataLoss {
			f.warn("All keys of the store will be lost", upgraded+" On the mini plan that is done at once, and no key is kept. "+
				attachedTo(u.attachments, "lose their connections, and restart if the URL of the store changes"))
			return
		}
		f.warnRefused(diag.Diagnostics{miniLosesData(storeLabel(f.addOn), asked.consent)})
		return
	}
	if !asked.now {
		f.warn("The store will be upgraded in its maintenance window", fmt.Sprintf(
			"%s A maintenance is prepared, and Heroku runs it in the window of the store. %s then. %s",
			upgraded, offline, attachedTo(u.attachments, "lose their connections and restart then")))
		return
	}
	refusal, err := u.checkPrepared(ctx)
	if err != nil || f.warnRefused(refusal) {
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
		"%s: the old password is refused afterwards. Clients that do not read it from the config vars of an app must be given the new one. "+
			"%s The action waits for at most %s.\n\nA kvs_credentials in the same run may read the old password before the action is invoked: "+
			"Terraform 1.15 reads it first if an action_trigger says after_update. Invoke the action in a run of its own, and read the new "+
			"password in the next one.",
		storeLabel(f.addOn), attachedTo(attachments, "get the new URL and restart"), invokeLimit(ctx, config.Timeouts)))
}

func (a *maintenanceScheduleAction) ModifyPlan(ctx context.Context, req action.ModifyPlanRequest, resp *action.ModifyPlanResponse) {
	var config maintenanceScheduleActionModel
	if !a.planConfig(ctx, req, &config) {
		return
	}
	f, found := a.planStore(ctx, config.InstanceID, resp)
	if !found || f.warnRefused(refuseOnMini(f.addOn)) {
		return
	}
	c, refusal, err := a.chooseWeek(ctx, f.addOn, config)
	switch {
	case err != nil:
	case refusal != nil:
		f.warnRefused(diag.Diagnostics{refusal})
	case c.skip != "":
		f.warnNothingToDo(c.skip)
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
		f.warnRefused(diag.Diagnostics{diag.NewAttributeErrorDiagnostic(at, "App not found",
			a.failureOf(invokeAgain, "", "App "+config.AppID.ValueString(), err).Detail())})
	case err != nil:
	case app.Maintenance == on:
		f.warn("The action has nothing to do", fmt.Sprintf("App %s (%s): %s, it was so already.", app.Name, app.ID, maintenanceModeStep(on)))
	case on:
		f.warn("Visitors of the app will see its maintenance page", fmt.Sprintf(
			"App %s (%s): web requests get the maintenance page until its maintenance mode is switched off, and its dynos keep running.",
			app.Name, app.ID))
	}
}
