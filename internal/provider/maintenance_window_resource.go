// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/identityschema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/keyvalue"
)

// kvs_maintenance_window is the weekly window of one store. It belongs to the Data API, and its identity is the store's UUID.
// Every store has a window from the start, and Heroku cannot remove it: creating this resource changes the window, and destroying
// the resource leaves the window as it is.

var (
	_ resource.ResourceWithConfigure   = (*maintenanceWindowResource)(nil)
	_ resource.ResourceWithIdentity    = (*maintenanceWindowResource)(nil)
	_ resource.ResourceWithImportState = (*maintenanceWindowResource)(nil)
	_ resource.ResourceWithModifyPlan  = (*maintenanceWindowResource)(nil)
)

type maintenanceWindowResource struct{ connection }

func newMaintenanceWindowResource() resource.Resource { return &maintenanceWindowResource{} }

type maintenanceWindowModel struct {
	ID           types.String `tfsdk:"id"`
	InstanceID   types.String `tfsdk:"instance_id"`
	InstanceName types.String `tfsdk:"instance_name"`
	Day          dayOfWeek    `tfsdk:"day"`
	Time         timeOfDay    `tfsdk:"time"`
	Window       types.String `tfsdk:"window"`
	EndsAt       types.String `tfsdk:"ends_at"`
	Next         types.String `tfsdk:"next"`
}

type maintenanceWindowIdentity struct {
	InstanceID types.String `tfsdk:"instance_id"`
}

func (r *maintenanceWindowResource) Metadata(_ context.Context, req resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_maintenance_window"
	resp.ResourceBehavior.MutableIdentity = true
}

func (r *maintenanceWindowResource) Schema(_ context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	computed := func(description string) schema.StringAttribute {
		return schema.StringAttribute{
			Computed:            true,
			PlanModifiers:       []planmodifier.String{stringplanmodifier.UseStateForUnknown()},
			MarkdownDescription: description,
		}
	}
	resp.Schema = schema.Schema{
		MarkdownDescription: "The weekly maintenance window of a store: four hours, in UTC, in which Heroku maintains the store by itself. " +
			"Every store has a window from the start, from Monday to Friday between 18:00 and 23:00 UTC, except on the mini plan, which has " +
			"none.",
		Attributes: map[string]schema.Attribute{
			"id": computed("The UUID of the store."),
			"instance_id": schema.StringAttribute{
				Required:   true,
				Validators: []validator.String{uuidValidator()},
				MarkdownDescription: "The UUID of the store. Changing it sets the window of the new store in place and leaves the window of the " +
					"previous store as it is.",
			},
			"instance_name": nameBeside("instance_id", "The name of the store"),
			"day": schema.StringAttribute{
				Required:      true,
				CustomType:    dayOfWeekType{},
				PlanModifiers: []planmodifier.String{keepEquivalent()},
				MarkdownDescription: "The day of the week on which the window begins, in English: `Sunday`, `sundays` and `sun` mean the same. " +
					"Changing it takes effect in place.",
			},
			"time": schema.StringAttribute{
				Required:      true,
				CustomType:    timeOfDayType{},
				PlanModifiers: []planmodifier.String{keepEquivalent()},
				MarkdownDescription: "The time in UTC at which the window begins, on the hour or half hour: `13:30` and `1:30PM` mean the same. " +
					"Changing it takes effect in place.",
			},
			"window":  computed("The whole window in Heroku's wording, such as `Mondays 22:30 to Tuesdays 02:30 UTC`."),
			"ends_at": computed("When the window ends, such as `Tuesdays 02:30 UTC`."),
			"next": computed("When the window begins next, in RFC 3339, as of the last apply or refresh. It advances every week in the state; " +
				"only `-refresh-only` shows this as a change."),
		},
	}
}

func (r *maintenanceWindowResource) IdentitySchema(_ context.Context, _ resource.IdentitySchemaRequest,
	resp *resource.IdentitySchemaResponse) {
	resp.IdentitySchema = identityschema.Schema{Attributes: map[string]identityschema.Attribute{
		"instance_id": identityschema.StringAttribute{Description: "The UUID of the store.", RequiredForImport: true},
	}}
}

func (r *maintenanceWindowResource) Configure(_ context.Context, req resource.ConfigureRequest, resp *resource.ConfigureResponse) {
	r.configure(req.ProviderData, &resp.Diagnostics)
}

// ModifyPlan plans the whole window from its day and time, and refuses a store that can have no window.
func (r *maintenanceWindowResource) ModifyPlan(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	if req.Plan.Raw.IsNull() {
		return
	}
	var state, plan maintenanceWindowModel
	if resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...); !req.State.Raw.IsNull() {
		resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	}
	if resp.Diagnostics.HasError() {
		return
	}
	if resp.Diagnostics.Append(r.onlyOwner(plan)...); resp.Diagnostics.HasError() {
		return
	}
	if !req.State.Raw.IsNull() && plan.Day.equivalent(state.Day) && plan.Time.equivalent(state.Time) &&
		plan.InstanceID.Equal(state.InstanceID) {
		return
	}
	plan.ID = plan.InstanceID
	plan.Window, plan.EndsAt, plan.Next = types.StringUnknown(), types.StringUnknown(), types.StringUnknown()
	if window, err := plan.parseWindow(); err == nil {
		plan.Window, plan.EndsAt = types.StringValue(window.String()), types.StringValue(window.EndsAt())
	}
	resp.Diagnostics.Append(resp.Plan.Set(ctx, &plan)...)
	if r.client != nil && !plan.InstanceID.IsUnknown() {
		if addOn, err := r.addOn(ctx, plan.addOnID()); err == nil {
			resp.Diagnostics.Append(r.refuseWithoutWindow(addOn)...)
		}
	}
}

// onlyOwner refuses two resources that set different windows for one store.
func (r *maintenanceWindowResource) onlyOwner(plan maintenanceWindowModel) diag.Diagnostics {
	window, err := plan.parseWindow()
	if err != nil || !known(plan.InstanceID) {
		return nil
	}
	store := plan.InstanceID.ValueString()
	other, conflict := r.run.claim("window of "+store, claim{value: window.String(), text: window.String()})
	if !conflict {
		return nil
	}
	return diag.Diagnostics{diag.NewAttributeErrorDiagnostic(path.Root("instance_id"),
		"Two resources own the maintenance window of one store", fmt.Sprintf(
			"Key-Value Store %s: one kvs_maintenance_window of this configuration says %s, another one %s. A store has "+
				"one window, so they would undo each other at every apply. Keep one of them.",
			store, other.text, window))}
}

// refuseMovedWindow refuses to overwrite a window that was changed after the plan was made, since nobody has approved that.
func (r *maintenanceWindowResource) refuseMovedWindow(ctx context.Context, state, plan maintenanceWindowModel) diag.Diagnostics {
	store, err := r.client.Store(ctx, state.addOnID())
	if err != nil {
		return diag.Diagnostics{r.failure("Unable to read the maintenance window", state.String(), err)}
	}
	now, err := keyvalue.ParseWindowText(store.MaintenanceWindow)
	if before, e := state.parseWindow(); err != nil || e != nil || now == before {
		return nil // a window that is missing or cannot be parsed cannot be compared
	}
	if wanted, err := plan.parseWindow(); err == nil && now == wanted {
		return nil
	}
	return diag.Diagnostics{diag.NewErrorDiagnostic("The maintenance window has changed since the plan was made", fmt.Sprintf(
		"%s was %s when the plan was made, and is %s now. Nothing has been changed. Plan again to see what is there.",
		state, state.Window.ValueString(), now))}
}

// refuseWithoutWindow refuses a store whose plan is known to have no maintenance window.
func (r *maintenanceWindowResource) refuseWithoutWindow(addOn heroku.AddOn) diag.Diagnostics {
	var diags diag.Diagnostics
	name, err := keyvalue.ParsePlanName(addOn.Plan)
	if name = r.plans.of(string(addOn.ID), name); err == nil && hasNoWindow(name) {
		diags.AddAttributeError(path.Root("instance_id"), "The store's plan has no maintenance window", fmt.Sprintf(
			"Key-Value Store %s (%s) is on the plan %s. Heroku has maintenance windows on Premium, Private and Shield "+
				"plans only.", addOn.Name, addOn.ID, name))
	}
	return diags
}

func hasNoWindow(name keyvalue.PlanName) bool {
	plan, ok := keyvalue.LookupPlan(name)
	return ok && !plan.MaintenanceWindow
}

func (r *maintenanceWindowResource) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	defer recoverPanic(&resp.Diagnostics, "Setting a maintenance window", nil)
	var plan maintenanceWindowModel
	if resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...); resp.Diagnostics.HasError() || !r.ready(&resp.Diagnostics) {
		return
	}
	if resp.Diagnostics.Append(r.set(ctx, &plan)...); resp.Diagnostics.HasError() {
		return
	}
	resp.Diagnostics.Append(resp.State.Set(ctx, &plan)...)
	resp.Diagnostics.Append(resp.Identity.Set(ctx, maintenanceWindowIdentity{plan.InstanceID})...)
}

// set sends the window. It does not wait for a store that is being provisioned: the resource that created the store does.
func (r *maintenanceWindowResource) set(ctx context.Context, m *maintenanceWindowModel) diag.Diagnostics {
	var diags diag.Diagnostics
	const summary = "Unable to set the maintenance window"
	window, err := m.parseWindow()
	if err != nil {
		diags.AddError(summary, err.Error()+".")
		return diags
	}
	addOn, err := r.addOn(ctx, m.addOnID())
	if err != nil {
		diags.Append(r.failure(summary, m.String(), err))
		return diags
	}
	object := fmt.Sprintf("Maintenance window of Key-Value Store %s (%s)", addOn.Name, addOn.ID)
	if addOn.State != heroku.StateProvisioned {
		diags.AddError("Key-Value Store is not ready", fmt.Sprintf(
			"%s: the store is %s, and can be given a window once it is %s. Apply again then.",
			object, addOn.State, heroku.StateProvisioned))
		return diags
	}
	answer, err := r.client.SetMaintenanceWindow(ctx, addOn.ID, strings.ToLower(window.Day.String()), window.TimeOfDay())
	if err != nil {
		diags.Append(r.failure(summary, object, err))
		return diags
	}
	if got, err := keyvalue.ParseWindowText(answer.Window); err == nil && got != window {
		diags.AddError(summary, fmt.Sprintf("%s: Heroku was asked for %q and answered %q.", object, window, answer.Window))
		return diags
	}
	m.InstanceName = plannedName(m.InstanceName, optionalString(addOn.Name))
	m.read(window, r.client.HostTime())
	return diags
}

func (r *maintenanceWindowResource) Read(ctx context.Context, req resource.ReadRequest, resp *resource.ReadResponse) {
	defer recoverPanic(&resp.Diagnostics, "Reading a maintenance window", nil)
	var state maintenanceWindowModel
	if resp.Diagnostics.Append(req.State.Get(ctx, &state)...); resp.Diagnostics.HasError() || !r.ready(&resp.Diagnostics) {
		return
	}
	resp.Diagnostics.Append(resp.Identity.Set(ctx, maintenanceWindowIdentity{state.InstanceID})...)
	store, err := r.client.Store(ctx, state.addOnID())
	if heroku.HasStatus(err, http.StatusNotFound) {
		// The Data API learns of a new store later than the Platform API, so only the latter proves that a store is gone.
		if _, err = r.client.AddOn(ctx, state.addOnID()); heroku.IsNotFound(err) {
			resp.Diagnostics.AddWarning("The maintenance window is gone with its store", fmt.Sprintf(
				"%s: the store does not exist any more, and its window went with it. A plan that sets it again needs "+
					"another store.", state))
			resp.State.RemoveResource(ctx)
			return
		}
	}
	switch {
	case err != nil:
		resp.Diagnostics.Append(r.failure("Unable to read the maintenance window", state.String(), err))
		return
	case hasNoWindow(keyvalue.PlanName(store.Plan)):
		resp.Diagnostics.AddWarning("The store has no maintenance window any more", fmt.Sprintf(
			"%s: the store is on the plan %s now, which has none. As long as the configuration sets a window, the apply is refused: "+
				"leave it out, or change the plan.", state, store.Plan))
		resp.State.RemoveResource(ctx)
		return
	case store.MaintenanceWindow == "": // Heroku omits it while the store is being prepared
		return
	}
	window, err := keyvalue.ParseWindowText(store.MaintenanceWindow)
	if err != nil {
		resp.Diagnostics.AddWarning("The maintenance window cannot be understood", fmt.Sprintf("%s: Heroku says %q. The state keeps %s.",
			state, store.MaintenanceWindow, cmp.Or(state.Window.ValueString(), "nothing")))
		return
	}
	state.InstanceName = optionalString(store.Name)
	state.read(window, r.client.HostTime())
	resp.Diagnostics.Append(resp.State.Set(ctx, &state)...)
}

func (r *maintenanceWindowResource) Update(ctx context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	defer recoverPanic(&resp.Diagnostics, "Changing a maintenance window", nil)
	var state, plan maintenanceWindowModel
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	if resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...); resp.Diagnostics.HasError() || !r.ready(&resp.Diagnostics) {
		return
	}
	before, stateErr := state.parseWindow()
	wanted, planErr := plan.parseWindow()
	switch {
	case !plan.InstanceID.Equal(state.InstanceID): // another store, whose window the plan was not made from
	case stateErr == nil && planErr == nil && before == wanted: // the values that were unknown in the plan are the same
		plan.InstanceName = state.InstanceName
		plan.read(wanted, r.client.HostTime())
		resp.Diagnostics.Append(resp.State.Set(ctx, &plan)...)
		resp.Diagnostics.Append(resp.Identity.Set(ctx, maintenanceWindowIdentity{plan.InstanceID})...)
		return
	default:
		if resp.Diagnostics.Append(r.refuseMovedWindow(ctx, state, plan)...); resp.Diagnostics.HasError() {
			return
		}
	}
	if resp.Diagnostics.Append(r.set(ctx, &plan)...); resp.Diagnostics.HasError() {
		return
	}
	resp.Diagnostics.Append(resp.State.Set(ctx, &plan)...)
	resp.Diagnostics.Append(resp.Identity.Set(ctx, maintenanceWindowIdentity{plan.InstanceID})...)
}

// Delete sends nothing: Heroku cannot remove a window.
func (r *maintenanceWindowResource) Delete(ctx context.Context, req resource.DeleteRequest, resp *resource.DeleteResponse) {
	defer recoverPanic(&resp.Diagnostics, "Forgetting a maintenance window", nil)
	var state maintenanceWindowModel
	if resp.Diagnostics.Append(req.State.Get(ctx, &state)...); resp.Diagnostics.HasError() {
		return
	}
	resp.Diagnostics.AddWarning("The maintenance window stays as it is", fmt.Sprintf(
		"%s is no longer managed. Heroku cannot unset a window: as long as the store exists, it is maintained on %s.",
		state, state.Window.ValueString()))
}

// ImportState takes the same import IDs as kvs_instance: the store's UUID, its name, or app::ATTACHMENT.
func (r *maintenanceWindowResource) ImportState(ctx context.Context, req resource.ImportStateRequest, resp *resource.ImportStateResponse) {
	defer recoverPanic(&resp.Diagnostics, "Importing a maintenance window", nil)
	reference := importReference(ctx, req, path.Root("instance_id"), &resp.Diagnostics)
	if resp.Diagnostics.HasError() || !r.ready(&resp.Diagnostics) {
		return
	}
	addOn, diags := r.findInstance(ctx, reference)
	if resp.Diagnostics.Append(diags...); !diags.HasError() {
		resp.Diagnostics.Append(r.refuseWithoutWindow(addOn)...)
	}
	if resp.Diagnostics.HasError() {
		return
	}
	for _, attribute := range []string{"id", "instance_id"} {
		resp.Diagnostics.Append(resp.State.SetAttribute(ctx, path.Root(attribute), string(addOn.ID))...)
	}
	resp.Diagnostics.Append(resp.Identity.Set(ctx, maintenanceWindowIdentity{types.StringValue(string(addOn.ID))})...)
}

func (m maintenanceWindowModel) addOnID() heroku.AddOnID {
	return heroku.AddOnID(m.InstanceID.ValueString())
}

// String names the window in a diagnostic.
func (m maintenanceWindowModel) String() string {
	return "Maintenance window of Key-Value Store " + m.InstanceID.ValueString()
}

// parseWindow returns an error while the day or the time is unknown.
func (m maintenanceWindowModel) parseWindow() (keyvalue.Window, error) {
	return keyvalue.ParseWindow(m.Day.ValueString(), m.Time.ValueString())
}

// read is the only mapping from a window to the state. A day and a time that mean the same keep their spelling.
func (m *maintenanceWindowModel) read(window keyvalue.Window, now time.Time) {
	m.ID = m.InstanceID
	m.Day = newNormalizedString[dayNotation](window.Day.String()).orEquivalent(m.Day)
	m.Time = newNormalizedString[timeNotation](window.TimeOfDay()).orEquivalent(m.Time)
	m.Window = types.StringValue(window.String())
	m.EndsAt = types.StringValue(window.EndsAt())
	m.Next = types.StringValue(window.Next(now).Format(time.RFC3339))
}
