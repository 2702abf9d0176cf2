// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"fmt"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/identityschema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/boolplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/keyvalue"
)

// kvs_app is a Heroku app, with enough of its attributes to run a stack without a second provider. All of it belongs to the
// Platform API, and its identity is the app's UUID. Heroku destroys an app's add-ons together with it, without asking, so Delete
// refuses while the app owns any.

var (
	_ resource.ResourceWithConfigure   = (*appResource)(nil)
	_ resource.ResourceWithIdentity    = (*appResource)(nil)
	_ resource.ResourceWithImportState = (*appResource)(nil)
	_ resource.ResourceWithModifyPlan  = (*appResource)(nil)
)

type appResource struct{ connection }

func newAppResource() resource.Resource { return &appResource{} }

type appModel struct {
	ID              types.String `tfsdk:"id"`
	Name            types.String `tfsdk:"name"`
	Team            types.String `tfsdk:"team"`
	SpaceID         types.String `tfsdk:"space_id"`
	SpaceName       types.String `tfsdk:"space_name"`
	InternalRouting types.Bool   `tfsdk:"internal_routing"`
	Region          regionName   `tfsdk:"region"`
	Maintenance     types.Bool   `tfsdk:"maintenance"`
	WebURL          types.String `tfsdk:"web_url"`
	CreatedAt       types.String `tfsdk:"created_at"`
}

type appIdentity struct {
	ID types.String `tfsdk:"id"`
}

func (r *appResource) Metadata(_ context.Context, req resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_app"
}

func (r *appResource) Schema(_ context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "A Heroku app, which owns stores or has them attached. The provider refuses to destroy an app that still owns " +
			"add-ons, because Heroku would destroy them and their data with it.",
		Attributes: map[string]schema.Attribute{
			"id": schema.StringAttribute{
				MarkdownDescription: "UUID of the app. It stays the same when the app is renamed or transferred.",
				Computed:            true,
				PlanModifiers:       []planmodifier.String{stringplanmodifier.UseStateForUnknown()},
			},
			"name": schema.StringAttribute{
				MarkdownDescription: "Name of the app, unique across Heroku and part of its web address. Changing it renames the app in place.",
				Required:            true,
				Validators:          []validator.String{validatedBy(keyvalue.ValidateAppName)},
			},
			"team": schema.StringAttribute{
				MarkdownDescription: "Name of the team that owns the app. If omitted, the app belongs to the user of the API token, or to the " +
					"team of its space. Changing it transfers the app in place; an app in a space changes its team only when the space is " +
					"transferred. Removing it from an app outside of spaces is refused, because an app can leave a team only by a transfer to a user.",
				Optional:      true,
				Computed:      true,
				Validators:    []validator.String{validatedBy(validateTeamName)},
				PlanModifiers: []planmodifier.String{stringplanmodifier.UseStateForUnknown()},
			},
			"space_id": schema.StringAttribute{
				MarkdownDescription: "UUID of the Private or Shield Space that the app runs in. If omitted, the app runs in the Common Runtime. " +
					"An app cannot move, so changing it replaces the app. Removing it from an app that runs in a space is refused.",
				Optional:   true,
				Validators: []validator.String{uuidValidator()},
			},
			"space_name": nameBeside("space_id", "Name of the space; null in the Common Runtime"),
			"internal_routing": schema.BoolAttribute{
				MarkdownDescription: "Whether the app can be reached only from inside its space, which requires `space_id`. Defaults to `false` " +
					"for a new app. It cannot be changed after creation, so changing it replaces the app.",
				Optional:      true,
				Computed:      true,
				PlanModifiers: []planmodifier.Bool{boolplanmodifier.UseStateForUnknown()},
			},
			"region": schema.StringAttribute{
				MarkdownDescription: "Region of the app, such as `us` or `eu`, in upper or lower case. If omitted, it is the region of the app's " +
					"space, or one that Heroku chooses. An app cannot move, so changing it replaces the app.",
				Optional:      true,
				Computed:      true,
				CustomType:    regionNameType{},
				PlanModifiers: []planmodifier.String{stringplanmodifier.UseStateForUnknown(), keepEquivalent()},
			},
			"maintenance": schema.BoolAttribute{
				MarkdownDescription: "Whether the app shows its maintenance page instead of serving web requests; workers continue to run. If " +
					"omitted, the mode is left as it is. Changing it takes effect in place, without a restart.",
				Optional: true,
				Computed: true,
			},
			"web_url": schema.StringAttribute{
				MarkdownDescription: "Web address of the app. It changes when the app is renamed.",
				Computed:            true,
			},
			"created_at": schema.StringAttribute{
				MarkdownDescription: "Time at which the app was created, in RFC 3339.",
				Computed:            true,
				PlanModifiers:       []planmodifier.String{stringplanmodifier.UseStateForUnknown()},
			},
		},
	}
}

func (r *appResource) IdentitySchema(_ context.Context, _ resource.IdentitySchemaRequest, resp *resource.IdentitySchemaResponse) {
	resp.IdentitySchema = identityschema.Schema{Attributes: map[string]identityschema.Attribute{
		"id": identityschema.StringAttribute{Description: "UUID of the app.", RequiredForImport: true},
	}}
}

func (r *appResource) Configure(_ context.Context, req resource.ConfigureRequest, resp *resource.ConfigureResponse) {
	r.configure(req.ProviderData, &resp.Diagnostics)
}

// ModifyPlan refuses impossible changes, plans a replacement for changes that need one, and keeps the web address unless the
// name changes.
func (r *appResource) ModifyPlan(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	var state, plan, config appModel
	if !req.State.Raw.IsNull() {
		resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	}
	if req.Plan.Raw.IsNull() {
		if !resp.Diagnostics.HasError() {
			resp.Diagnostics.Append(r.planDestroy(ctx, state, isDestroyed)...)
		}
		return
	}
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	resp.Diagnostics.Append(req.Config.Get(ctx, &config)...)
	if resp.Diagnostics.HasError() {
		return
	}
	if req.State.Raw.IsNull() {
		resp.Diagnostics.Append(r.planCreate(ctx, config, &plan)...)
	} else if changes := r.fixedChanges(state, plan); len(changes) > 0 {
		resp.Diagnostics.Append(r.planUpdate(ctx, state, config, &plan)...)
		resp.Diagnostics.Append(r.checkPlace(ctx, config)...)
		resp.Diagnostics.Append(r.run.planReplacement(req, resp, state.object(), state.String(), changes)...)
		if !resp.Diagnostics.HasError() {
			resp.Diagnostics.Append(r.planDestroy(ctx, state, isReplaced)...)
		}
	} else {
		resp.Diagnostics.Append(r.planUpdate(ctx, state, config, &plan)...)
		resp.Diagnostics.Append(r.planInPlace(state, plan)...)
	}
	resp.Diagnostics.Append(resp.Plan.Set(ctx, &plan)...)
}

// planCreate fills in the values of an app outside of spaces. The app may be the second half of a replacement: a plan is not
// told about that, but the name of an app in the state shows it.
func (r *appResource) planCreate(ctx context.Context, config appModel, plan *appModel) diag.Diagnostics {
	if config.InternalRouting.IsNull() {
		plan.InternalRouting = types.BoolValue(false)
	}
	if config.SpaceID.IsNull() {
		plan.SpaceName = types.StringNull()
		if config.Team.IsNull() {
			plan.Team = types.StringNull()
		}
	}
	name := plan.Name.ValueString()
	replaced, found, diags := r.run.claimName(name, nameClaim{object{resourceType: appType}, fmt.Sprintf("a new app %q", name)})
	if found {
		former := appModel{ID: types.StringValue(replaced.id), Name: plan.Name}
		if diags.Append(r.protected.refuseLoss(former)...); !diags.HasError() {
			diags.Append(r.lossWarning(ctx, former, isReplaced)...)
		}
	}
	diags.Append(r.checkPlace(ctx, config)...)
	return diags
}

func (r *appResource) planUpdate(ctx context.Context, state, config appModel, plan *appModel) diag.Diagnostics {
	var diags diag.Diagnostics
	if plan.Name.Equal(state.Name) {
		plan.WebURL = state.WebURL
	}
	if plan.SpaceID.IsNull() && !state.SpaceID.IsNull() {
		diags.AddAttributeError(path.Root("space_id"), "An app cannot leave its space", fmt.Sprintf(
			"%s runs in the space %s, and the configuration names no space. Set space_id = %q to leave it there. "+
				"To move, create a second kvs_app beside this one, and destroy this one last.", state,
			state.SpaceID.ValueString(), state.SpaceID.ValueString()))
		return diags
	}
	if config.Team.IsNull() && !state.Team.IsNull() && plan.SpaceID.IsNull() {
		diags.AddAttributeError(path.Root("team"), "An app cannot leave its team",
			fmt.Sprintf("%s belongs to the team %s, and the configuration names no team. "+
				"Heroku hands an app to a person only after that person has accepted it. "+
				"Set team = %q to leave it there, or transfer the app with `heroku apps:transfer` first.", state,
				state.Team.ValueString(), state.Team.ValueString()))
	}
	if !plan.Team.Equal(state.Team) {
		diags.Append(r.checkSpace(ctx, config)...)
	}
	// A different spelling of the region makes the framework plan an unknown maintenance mode although nothing changes.
	unchanged := *plan
	unchanged.Maintenance = state.Maintenance
	if config.Maintenance.IsNull() && unchanged == state {
		*plan = unchanged
	}
	return diags
}

func (r *appResource) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	checkpointed := false
	defer recoverPanic(&resp.Diagnostics, "Creating an app", func() bool { return checkpointed })
	var plan appModel
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	if resp.Diagnostics.HasError() || !r.ready(&resp.Diagnostics) {
		return
	}
	order := heroku.AppCreate{
		Name:            plan.Name.ValueString(),
		Region:          plan.Region.normalized(),
		Team:            plan.Team.ValueString(),
		InternalRouting: plan.InternalRouting.ValueBool(),
	}
	if !plan.SpaceID.IsNull() {
		space, diags := r.readySpace(ctx, plan)
		if resp.Diagnostics.Append(diags...); resp.Diagnostics.HasError() {
			return
		}
		order.Space = space.Name
	}
	app, err := r.client.CreateApp(ctx, order)
	if err != nil {
		resp.Diagnostics.Append(r.creationFailure(ctx, plan.Name.ValueString(), err))
		return
	}
	r.run.noteKept(object{madeApp, string(app.ID)})
	var state appModel
	state.read(app)
	wanted := plan.Maintenance
	if !wanted.IsUnknown() {
		state.Maintenance = wanted // Terraform requires the planned value, even if the request below fails
	}
	resp.Diagnostics.Append(resp.Identity.Set(ctx, appIdentity{ID: state.ID})...)
	resp.Diagnostics.Append(resp.State.Set(ctx, state)...)
	checkpointed = !resp.Diagnostics.HasError()

	if !checkpointed || wanted.IsUnknown() || wanted.ValueBool() == app.Maintenance {
		return
	}
	if _, err := r.client.UpdateApp(ctx, app.ID, heroku.AppUpdate{Maintenance: wanted.ValueBoolPointer()}); err != nil {
		// An error would taint the new app, and the next apply would destroy it.
		failed := r.failure("", state.String(), err)
		resp.Diagnostics.AddAttributeWarning(path.Root("maintenance"), "The app was created without its maintenance mode",
			failed.Detail()+"\n\nThe app is kept; the next plan shows the difference and the next apply repairs it.")
	}
}

// creationFailure finds out whether the name belongs to an app that this token can see and that can be imported.
func (r *appResource) creationFailure(ctx context.Context, name string, err error) diag.Diagnostic {
	failure := r.failure("Unable to create app", fmt.Sprintf("App %q", name), err)
	if !heroku.HasID(err, "invalid_params") {
		return failure
	}
	taken, findErr := r.client.FindApp(ctx, name)
	if findErr != nil {
		return failure
	}
	r.run.noteRefused(object{appType, string(taken.ID)})
	return diag.NewAttributeErrorDiagnostic(path.Root("name"), "An app with this name exists already", fmt.Sprintf(
		"%s\n\nThe name belongs to an app that this token can see: choose another name, or manage the existing app by "+
			"importing it:\n\n%s\n\n"+
			"If it is an app of this configuration whose address has changed, write a moved block instead:\n\n%s\n\n"+
			"With create_before_destroy an app cannot keep its name, since names are unique at Heroku.",
		failure.Detail(), importBlock(appType, string(taken.ID)), movedBlock(appType)))
}

// importBlock is an import block to copy. The reader replaces the resource label, which Terraform does not tell providers.
func importBlock(resourceType, id string) string {
	return fmt.Sprintf("import {\n  to = %s.example # the address of this resource\n  id = %q\n}", resourceType, id)
}

func (r *appResource) Read(ctx context.Context, req resource.ReadRequest, resp *resource.ReadResponse) {
	defer recoverPanic(&resp.Diagnostics, "Reading an app", nil)
	var state appModel
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	if resp.Diagnostics.HasError() || !r.ready(&resp.Diagnostics) {
		return
	}
	if err := r.identifyApp(ctx, &state.ID); err != nil {
		resp.Diagnostics.Append(r.failure("Unable to read app", state.String(), err))
		return
	}
	// The identity is set even if the object is gone: the framework requires one, and older CLIs store none.
	resp.Diagnostics.Append(resp.Identity.Set(ctx, appIdentity{ID: state.ID})...)
	app, err := r.client.App(ctx, state.appID())
	if heroku.IsNotFound(err) {
		resp.Diagnostics.Append(state.isGone())
		resp.State.RemoveResource(ctx)
		return
	}
	if err != nil {
		resp.Diagnostics.Append(r.failure("Unable to read app", state.String(), err))
		return
	}
	state.read(app)
	r.run.noteRefreshed(state.stateObject(unplanned))
	r.protected.noteApp(state)
	resp.Diagnostics.Append(resp.State.Set(ctx, state)...)
}

func (r *appResource) Update(ctx context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	defer recoverPanic(&resp.Diagnostics, "Updating an app", nil)
	var state, plan appModel
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	if resp.Diagnostics.HasError() || !r.ready(&resp.Diagnostics) {
		return
	}
	for _, c := range state.fixedChanges(plan) {
		resp.Diagnostics.Append(fixedAtCreation(path.Root(c.attribute), state.String(), c.from, c.to))
	}
	if resp.Diagnostics.HasError() {
		return
	}
	steps := r.steps(state, plan)
	if len(steps) > 0 {
		if resp.Diagnostics.Append(r.compareLive(ctx, state, plan)...); resp.Diagnostics.HasError() {
			return
		}
	}
	for _, step := range steps {
		app, err := step(ctx)
		if err != nil {
			resp.Diagnostics.Append(r.failure("Unable to update app", state.String(), err))
			return
		}
		state.read(app)
		state.SpaceName = plannedName(plan.SpaceName, state.SpaceName)
		if !plan.SpaceID.IsNull() && !plan.Team.IsUnknown() {
			state.Team = plan.Team // the next refresh reports a transfer of the space since the plan
		}
		// Saved after each step, so that the state is correct if the next one fails.
		resp.Diagnostics.Append(resp.State.Set(ctx, state)...)
	}
	resp.Diagnostics.Append(resp.Identity.Set(ctx, appIdentity{ID: state.ID})...)
}

// steps returns the requests that turn state into plan. They send only what differs.
func (r *appResource) steps(state, plan appModel) []func(context.Context) (heroku.App, error) {
	var steps []func(context.Context) (heroku.App, error)
	if !plan.Team.Equal(state.Team) && !plan.Team.IsUnknown() {
		steps = append(steps, func(ctx context.Context) (heroku.App, error) {
			if !state.SpaceID.IsNull() {
				return r.checkTeamOfSpace(ctx, state.appID(), plan.Team.ValueString())
			}
			return r.client.TransferApp(ctx, state.appID(), plan.Team.ValueString())
		})
	}
	var update heroku.AppUpdate
	if !plan.Name.Equal(state.Name) {
		update.Name = plan.Name.ValueStringPointer()
	}
	if !plan.Maintenance.IsUnknown() && !plan.Maintenance.Equal(state.Maintenance) {
		update.Maintenance = plan.Maintenance.ValueBoolPointer()
	}
	if update != (heroku.AppUpdate{}) {
		steps = append(steps, func(ctx context.Context) (heroku.App, error) {
			return r.client.UpdateApp(ctx, state.appID(), update)
		})
	}
	return steps
}

func (r *appResource) Delete(ctx context.Context, req resource.DeleteRequest, resp *resource.DeleteResponse) {
	defer recoverPanic(&resp.Diagnostics, "Destroying an app", nil)
	var state appModel
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	if resp.Diagnostics.HasError() || !r.ready(&resp.Diagnostics) {
		return
	}
	if r.run.skipDelete(state.object()) {
		resp.Diagnostics.Append(wantedElsewhere(appType, state.String()))
		return
	}
	owned, err := r.ownedAddOns(ctx, state.appID())
	if heroku.IsNotFound(err) {
		return
	}
	if err != nil {
		resp.Diagnostics.Append(r.failure("Unable to destroy app", state.String(), err))
		return
	}
	if len(owned) > 0 {
		resp.Diagnostics.AddError("The app still owns add-ons", fmt.Sprintf(
			"%s was not destroyed: Heroku would destroy these add-ons and their data with it.\n\n%s\n\n"+
				"Destroy each of them first, or bring it under management with an import block so that the plan shows its end. "+
				"To keep them while the app is replaced, make a second app beside it, change app_id of each store and "+
				"apply, and destroy this app last.",
			state, strings.Join(owned, "\n")))
		return
	}
	if err := r.client.DeleteApp(ctx, state.appID()); err != nil {
		resp.Diagnostics.Append(r.failure("Unable to destroy app", state.String(), err))
	}
}

// ImportState accepts the app's UUID or its name.
func (r *appResource) ImportState(ctx context.Context, req resource.ImportStateRequest, resp *resource.ImportStateResponse) {
	defer recoverPanic(&resp.Diagnostics, "Importing an app", nil)
	id := importReference(ctx, req, path.Root("id"), &resp.Diagnostics)
	if !keyvalue.IsUUID(id) && keyvalue.ValidateAppName(id) != nil {
		resp.Diagnostics.Append(invalidImport(id, "the UUID or the name of an app", "orders-api"))
	}
	if resp.Diagnostics.HasError() || !r.ready(&resp.Diagnostics) {
		return
	}
	var (
		app heroku.App
		err error
	)
	if keyvalue.IsUUID(id) { // the client reads many of these with one list request
		app, err = r.client.App(ctx, heroku.AppID(id))
	} else {
		app, err = r.client.FindApp(ctx, id)
	}
	if err != nil {
		resp.Diagnostics.Append(r.failure("Unable to import app", fmt.Sprintf("App %q", id), err))
		return
	}
	var state appModel
	state.read(app)
	resp.Diagnostics.Append(resp.Identity.Set(ctx, appIdentity{ID: state.ID})...)
	resp.Diagnostics.Append(resp.State.Set(ctx, state)...)
}

func (m appModel) appID() heroku.AppID { return heroku.AppID(m.ID.ValueString()) }

// String names the app in a diagnostic.
func (m appModel) String() string {
	return fmt.Sprintf("App %q (%s)", m.Name.ValueString(), m.ID.ValueString())
}

// read maps Heroku's app to the state.
func (m *appModel) read(app heroku.App) {
	m.ID = types.StringValue(string(app.ID))
	m.Name = types.StringValue(app.Name)
	m.Team = optionalString(app.Team)
	var space heroku.SpaceRef
	if app.Space != nil {
		space = *app.Space
	}
	m.SpaceID = optionalString(string(space.ID))
	m.SpaceName = optionalString(space.Name)
	m.InternalRouting = types.BoolValue(app.InternalRouting)
	m.Region = newRegionName(app.Region)
	m.Maintenance = types.BoolValue(app.Maintenance)
	m.WebURL = optionalString(app.WebURL)
	m.CreatedAt = types.StringValue(app.CreatedAt)
}

// optionalString is null for the empty string, which stands for what Heroku leaves out.
func optionalString(s string) types.String {
	if s == "" {
		return types.StringNull()
	}
	return types.StringValue(s)
}
