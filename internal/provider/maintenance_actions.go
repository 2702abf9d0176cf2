// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"fmt"
	"maps"
	"math"
	"net/http"
	"time"

	"github.com/hashicorp/terraform-plugin-framework-timeouts/action/timeouts"
	"github.com/hashicorp/terraform-plugin-framework/action"
	"github.com/hashicorp/terraform-plugin-framework/action/schema"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/keyvalue"
)

// kvs_run_maintenance runs the outstanding maintenance of a store now instead of in its window, and waits for its end.

var (
	_ action.ActionWithConfigure  = (*maintenanceRunAction)(nil)
	_ action.ActionWithModifyPlan = (*maintenanceRunAction)(nil)
)

type maintenanceRunAction struct{ connection }

func newMaintenanceRunAction() action.Action { return &maintenanceRunAction{} }

type maintenanceRunActionModel struct {
	InstanceID types.String `tfsdk:"instance_id"`
	maintenanceRunModel
	Timeouts timeouts.Value `tfsdk:"timeouts"`
}

func (a *maintenanceRunAction) Metadata(_ context.Context, req action.MetadataRequest, resp *action.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_run_maintenance"
}

func (a *maintenanceRunAction) Schema(ctx context.Context, _ action.SchemaRequest, resp *action.SchemaResponse) {
	attributes := map[string]schema.Attribute{"instance_id": actionInstanceID(), "timeouts": actionTimeouts(ctx)}
	maps.Copy(attributes, maintenanceRunAttributes())
	resp.Schema = schema.Schema{
		MarkdownDescription: "Runs the outstanding maintenance of a store now, and waits until it is done. The store is offline for some " +
			"minutes, and the apps that it is attached to restart. The action is refused unless all of these apps are in maintenance mode, or " +
			"`app_maintenance`, `confirm` or `scale_down` is set. If the maintenance is being prepared or is already running, the action waits " +
			"for it; if no maintenance is outstanding, it does nothing. The action can be interrupted: the apps are then restored, at the " +
			"latest when the action is invoked again, and a maintenance that has started continues at Heroku.",
		Attributes: attributes,
	}
}

func (a *maintenanceRunAction) Configure(_ context.Context, req action.ConfigureRequest, resp *action.ConfigureResponse) {
	a.configure(req.ProviderData, &resp.Diagnostics)
}

func (a *maintenanceRunAction) Invoke(ctx context.Context, req action.InvokeRequest, resp *action.InvokeResponse) {
	defer recoverPanic(&resp.Diagnostics, "Running a maintenance", nil)
	var config maintenanceRunActionModel
	if !a.readConfig(ctx, req, &config, &resp.Diagnostics) {
		return
	}
	addOn, diags := a.actionStore(ctx, config.InstanceID)
	if !diags.HasError() {
		diags.Append(refuseOnMini(addOn)...)
	}
	i := a.invoke(resp, addOn.Name, config.steps()...)
	diags.Append(i.limit(ctx, config.Timeouts)...)
	if resp.Diagnostics.Append(diags...); diags.HasError() {
		return
	}
	u, diags := i.newMaintenanceRun(ctx, addOn, config.maintenanceRunModel)
	if resp.Diagnostics.Append(diags...); diags.HasError() {
		return
	}
	resp.Diagnostics.Append(u.run(ctx)...)
}

// kvs_schedule_maintenance chooses the week in which the outstanding maintenance of a store runs. Heroku moves the scheduled time
// by a number of weeks, so that a repeated request moves it again. The action counts weeks from now, so that repeating it is safe.

var (
	_ action.ActionWithConfigure      = (*maintenanceScheduleAction)(nil)
	_ action.ActionWithModifyPlan     = (*maintenanceScheduleAction)(nil)
	_ action.ActionWithValidateConfig = (*maintenanceScheduleAction)(nil)
)

type maintenanceScheduleAction struct{ connection }

func newMaintenanceScheduleAction() action.Action { return &maintenanceScheduleAction{} }

type maintenanceScheduleActionModel struct {
	InstanceID types.String `tfsdk:"instance_id"`
	NotBefore  types.String `tfsdk:"not_before"`
	InWeeks    wholeNumber  `tfsdk:"in_weeks"`
}

const (
	scheduling = "scheduling the maintenance"
	week       = 7 * 24 * time.Hour
)

func (a *maintenanceScheduleAction) Metadata(_ context.Context, req action.MetadataRequest, resp *action.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_schedule_maintenance"
}

func (a *maintenanceScheduleAction) Schema(_ context.Context, _ action.SchemaRequest, resp *action.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "Chooses the maintenance window in which the outstanding maintenance of a store runs, later or earlier than " +
			"Heroku has scheduled it, but not after the time by which Heroku requires it. To change the day and the time of the window, use " +
			"`kvs_maintenance_window`. Invoking the action again changes nothing, and if no maintenance is outstanding, it does nothing.",
		Attributes: map[string]schema.Attribute{
			"instance_id": actionInstanceID(),
			"not_before": schema.StringAttribute{
				MarkdownDescription: "Date, such as `2026-02-23`. The maintenance runs in the first window that begins on or after this date, in " +
					"UTC. Give either this or `in_weeks`.",
				Optional:   true,
				Validators: []validator.String{validatedBy(func(s string) error { _, err := parseDate(s); return err })},
			},
			"in_weeks": schema.Int64Attribute{
				MarkdownDescription: "Number of weeks from now. The maintenance runs in the first window after these weeks; `0` means the next " +
					"window. Give either this or `not_before`.",
				Optional:   true,
				CustomType: wholeNumberType{phrase: "a time of %s weeks", example: 4},
				Validators: []validator.Int64{int64ValidatedBy(validateWeeks)},
			},
		},
	}
}

// validateWeeks allows up to a year. Heroku requires every maintenance long before that.
func validateWeeks(weeks int64) error {
	if weeks >= 0 && weeks <= 52 {
		return nil
	}
	return fmt.Errorf("a maintenance cannot be put off for %d weeks: write a whole number from 0 to 52, for example 4", weeks)
}

func parseDate(s string) (time.Time, error) {
	date, err := time.Parse(time.DateOnly, s)
	if err != nil {
		return date, fmt.Errorf("%q is not a date: write it as year, month and day, for example \"2026-02-23\"", s)
	}
	return date, nil
}

func (a *maintenanceScheduleAction) Configure(_ context.Context, req action.ConfigureRequest, resp *action.ConfigureResponse) {
	a.configure(req.ProviderData, &resp.Diagnostics)
}

func (a *maintenanceScheduleAction) ValidateConfig(ctx context.Context, req action.ValidateConfigRequest,
	resp *action.ValidateConfigResponse) {
	var config maintenanceScheduleActionModel
	if diags := req.Config.Get(ctx, &config); diags.HasError() || config.NotBefore.IsUnknown() || config.InWeeks.IsUnknown() {
		return // the attribute's own validator has refused an unreadable value
	}
	if config.NotBefore.IsNull() == config.InWeeks.IsNull() {
		resp.Diagnostics.AddError("The week of the maintenance is missing or ambiguous",
			"Give either not_before or in_weeks, and not both.")
	}
}

func (a *maintenanceScheduleAction) Invoke(ctx context.Context, req action.InvokeRequest, resp *action.InvokeResponse) {
	defer recoverPanic(&resp.Diagnostics, "Scheduling a maintenance", nil)
	var config maintenanceScheduleActionModel
	if !a.readConfig(ctx, req, &config, &resp.Diagnostics) {
		return
	}
	addOn, diags := a.actionStore(ctx, config.InstanceID)
	if !diags.HasError() {
		diags.Append(refuseOnMini(addOn)...)
	}
	if resp.Diagnostics.Append(diags...); diags.HasError() {
		return
	}
	i := a.invoke(resp, addOn.Name, scheduling)
	i.begin(ctx, scheduling)
	resp.Diagnostics.Append(i.schedule(ctx, addOn, config)...)
}

func (i *invocation) schedule(ctx context.Context, addOn heroku.AddOn, config maintenanceScheduleActionModel) diag.Diagnostics {
	const summary = "Unable to schedule the maintenance of Key-Value Store"
	c, refusal, err := i.chooseWeek(ctx, addOn, config)
	switch {
	case err != nil:
		return diag.Diagnostics{i.failure(summary, storeLabel(addOn)+", whose maintenance was not scheduled", err)}
	case refusal != nil:
		return diag.Diagnostics{refusal}
	case c.skip != "":
		i.say(ctx, c.skip)
		return nil
	}
	at, err := i.client.ScheduleMaintenance(ctx, addOn.ID, c.scheduled, c.weeks)
	if err != nil {
		return diag.Diagnostics{i.failure(summary, storeLabel(addOn), err)}
	}
	i.say(ctx, "it is scheduled for "+at.Format(time.RFC3339))
	return nil
}

// weekChoice is the number of weeks by which to move the scheduled maintenance.
type weekChoice struct {
	scheduled time.Time
	weeks     int
	skip      string // why nothing is to be done, empty otherwise
}

// chooseWeek compares the scheduled time with the configured one. The refusal is nil if the maintenance can be moved.
func (c *connection) chooseWeek(
	ctx context.Context, addOn heroku.AddOn, config maintenanceScheduleActionModel,
) (choice weekChoice, refusal diag.Diagnostic, err error) {
	m, err := c.client.Maintenance(ctx, addOn.ID)
	if heroku.HasStatus(err, http.StatusNotFound) || err == nil && !m.Outstanding() {
		return weekChoice{skip: nothingToDo("schedule", m)}, nil, nil
	}
	if err != nil {
		return choice, nil, err
	}
	window, err := keyvalue.ParseWindowText(m.Window)
	if err != nil {
		return choice, diag.NewErrorDiagnostic("Unable to schedule the maintenance of Key-Value Store", fmt.Sprintf(
			"%s: %s. Nothing was done; choose the week with `heroku data:maintenances:schedule`.", storeLabel(addOn), err)), nil
	}
	now := c.client.HostTime()
	wanted := window.Next(config.earliest(now))
	if !m.RequiredBy.IsZero() && wanted.After(m.RequiredBy) {
		return choice, diag.NewErrorDiagnostic("The maintenance cannot be put off for so long", fmt.Sprintf(
			"%s: Heroku requires its maintenance by %s, and the window that was asked for begins at %s. Nothing was "+
				"done: choose an earlier week.",
			storeLabel(addOn), m.RequiredBy.Format(time.RFC3339), wanted.Format(time.RFC3339))), nil
	}
	choice = weekChoice{scheduled: m.ScheduledFor, weeks: weeksBetween(m.ScheduledFor, now, wanted)}
	if choice.weeks == 0 && !m.ScheduledFor.IsZero() {
		choice.skip = "it is scheduled for " + m.ScheduledFor.Format(time.RFC3339) + " already"
	}
	return choice, nil, nil
}

// earliest is the earliest time at which the window may begin, never before now.
func (m maintenanceScheduleActionModel) earliest(now time.Time) time.Time {
	earliest := now.Add(time.Duration(m.InWeeks.ValueInt64()) * week)
	if date, err := parseDate(m.NotBefore.ValueString()); err == nil && date.After(earliest) {
		return date
	}
	return earliest
}

// weeksBetween returns by how many weeks to move the scheduled maintenance into the window that begins at wanted. Without
// a schedule, Heroku counts from now and takes the next window.
func weeksBetween(scheduled, now, wanted time.Time) int {
	if scheduled.IsZero() {
		return int(wanted.Sub(now) / week)
	}
	return int(math.Round(float64(wanted.Sub(scheduled)) / float64(week)))
}

// kvs_set_app_maintenance switches an app's maintenance mode on or off, for apps that no configuration manages.

var (
	_ action.ActionWithConfigure  = (*appMaintenanceAction)(nil)
	_ action.ActionWithModifyPlan = (*appMaintenanceAction)(nil)
)

type appMaintenanceAction struct{ connection }

func newAppMaintenanceAction() action.Action { return &appMaintenanceAction{} }

type appMaintenanceActionModel struct {
	AppID       types.String `tfsdk:"app_id"`
	Maintenance types.Bool   `tfsdk:"maintenance"`
}

func (a *appMaintenanceAction) Metadata(_ context.Context, req action.MetadataRequest, resp *action.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_set_app_maintenance"
}

func (a *appMaintenanceAction) Schema(_ context.Context, _ action.SchemaRequest, resp *action.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "Switches the maintenance mode of an app on or off. In maintenance mode, web requests get a maintenance page " +
			"and the dynos keep running. For an app that a `kvs_app` manages, set `maintenance` there instead, because its next apply restores " +
			"the configured value.",
		Attributes: map[string]schema.Attribute{
			"app_id": schema.StringAttribute{
				MarkdownDescription: "UUID of the app, such as `kvs_app.web.id`.",
				Required:            true,
				Validators:          []validator.String{uuidValidator()},
			},
			"maintenance": schema.BoolAttribute{
				MarkdownDescription: "Whether the app should be in maintenance mode.",
				Required:            true,
			},
		},
	}
}

func (a *appMaintenanceAction) Configure(_ context.Context, req action.ConfigureRequest, resp *action.ConfigureResponse) {
	a.configure(req.ProviderData, &resp.Diagnostics)
}

func (a *appMaintenanceAction) Invoke(ctx context.Context, req action.InvokeRequest, resp *action.InvokeResponse) {
	defer recoverPanic(&resp.Diagnostics, "Switching the maintenance mode of an app", nil)
	var config appMaintenanceActionModel
	if !a.readConfig(ctx, req, &config, &resp.Diagnostics) {
		return
	}
	on := config.Maintenance.ValueBool()
	object := "App " + config.AppID.ValueString()
	app, err := a.client.FindApp(ctx, config.AppID.ValueString())
	if err == nil {
		object = fmt.Sprintf("App %s (%s)", app.Name, app.ID)
		i := a.invoke(resp, app.Name, maintenanceModeStep(on))
		i.begin(ctx, maintenanceModeStep(on))
		switch {
		case app.Maintenance == on:
			i.say(ctx, "it was so already")
		default:
			if _, err = a.client.UpdateApp(ctx, app.ID, heroku.AppUpdate{Maintenance: &on}); err == nil {
				i.say(ctx, "done")
			}
		}
	}
	if err != nil {
		resp.Diagnostics.Append(a.failureOf(invokeAgain, "Unable to switch the maintenance mode of the app", object, err))
	}
}

func maintenanceModeStep(on bool) string {
	if on {
		return "switching maintenance mode on"
	}
	return "switching maintenance mode off"
}
