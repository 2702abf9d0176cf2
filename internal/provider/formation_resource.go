// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"fmt"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework-validators/int64validator"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/identityschema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/int64planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/keyvalue"
)

// kvs_formation is the number and size of the dynos of one process type of an app. It belongs to the Platform API, and its
// identity is the app's UUID and the process type. A release adds and removes process types, so creating this resource changes
// an existing process type, and destroying it changes nothing. While a store of the app is replaced with scale_down, the process
// type has no dynos, which is no drift.

var (
	_ resource.ResourceWithConfigure   = (*formationResource)(nil)
	_ resource.ResourceWithIdentity    = (*formationResource)(nil)
	_ resource.ResourceWithImportState = (*formationResource)(nil)
	_ resource.ResourceWithModifyPlan  = (*formationResource)(nil)
)

type formationResource struct{ connection }

func newFormationResource() resource.Resource { return &formationResource{} }

type formationModel struct {
	ID       types.String `tfsdk:"id"`
	AppID    types.String `tfsdk:"app_id"`
	AppName  types.String `tfsdk:"app_name"`
	Type     types.String `tfsdk:"type"`
	Quantity wholeNumber  `tfsdk:"quantity"`
	Size     dynoSize     `tfsdk:"size"`
}

type formationIdentity struct {
	AppID types.String `tfsdk:"app_id"`
	Type  types.String `tfsdk:"type"`
}

const formationType = "kvs_formation"

func (r *formationResource) Metadata(_ context.Context, req resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_formation"
	resp.ResourceBehavior.MutableIdentity = true
}

func (r *formationResource) Schema(_ context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "Sets the number and the size of the dynos of one process type of an app. The app needs a release that " +
			"contains the process type. Heroku answers at once and starts or stops the dynos afterwards; an apply does not wait for them. " +
			"While `migration.scale_down` of a `kvs_instance` keeps the app without dynos, this resource plans and changes the values that are " +
			"restored afterwards. Destroying the resource leaves the dynos as they are.",
		Attributes: map[string]schema.Attribute{
			"id": schema.StringAttribute{
				Computed:            true,
				PlanModifiers:       []planmodifier.String{stringplanmodifier.UseStateForUnknown()},
				MarkdownDescription: "The UUID of the app and the process type, separated by a colon.",
			},
			"app_id": schema.StringAttribute{
				Required:            true,
				Validators:          []validator.String{uuidValidator()},
				MarkdownDescription: "The UUID of the app. Changing it replaces the resource; the dynos of the previous app stay as they are.",
			},
			"app_name": nameBeside("app_id", "The name of the app"),
			"type": schema.StringAttribute{
				Required:   true,
				Validators: []validator.String{validatedBy(keyvalue.ValidateProcessType)},
				MarkdownDescription: "The process type, as named in the Procfile, such as `web`. Changing it replaces the resource; the dynos of " +
					"the previous process type stay as they are.",
			},
			"quantity": schema.Int64Attribute{
				Optional:      true,
				Computed:      true,
				CustomType:    wholeNumberType{phrase: "a quantity of %s dynos", example: 2},
				PlanModifiers: []planmodifier.Int64{int64planmodifier.UseStateForUnknown()},
				Validators: []validator.Int64{int64ValidatedBy(keyvalue.ValidateDynoQuantity),
					int64validator.AtLeastOneOf(path.MatchRoot("quantity"), path.MatchRoot("size"))},
				MarkdownDescription: "The number of dynos of the process type; `0` stops it. If omitted, the number is left as it is, for example " +
					"for an autoscaler to change. By default, an app in a space may have 10 dynos of each process type, and a space may have 100 " +
					"dynos in all, of up to 100 process types.",
			},
			"size": schema.StringAttribute{
				Optional:      true,
				Computed:      true,
				CustomType:    dynoSizeType{},
				PlanModifiers: []planmodifier.String{stringplanmodifier.UseStateForUnknown(), keepEquivalent()},
				MarkdownDescription: "The size of the dynos, in upper or lower case, such as `Standard-1X`, or `Private-M` in a Private Space. In " +
					"a Shield Space `Shield-M` and `Private-M` mean the same. If omitted, the size is left as it is. All process types of an app " +
					"must use sizes of one family; to move to another family, change them together in one apply. Changing it restarts the dynos of " +
					"the process type.",
			},
		},
	}
}

func (r *formationResource) IdentitySchema(_ context.Context, _ resource.IdentitySchemaRequest, resp *resource.IdentitySchemaResponse) {
	resp.IdentitySchema = identityschema.Schema{Attributes: map[string]identityschema.Attribute{
		"app_id": identityschema.StringAttribute{Description: "The UUID of the app.", RequiredForImport: true},
		"type":   identityschema.StringAttribute{Description: "The process type.", RequiredForImport: true},
	}}
}

func (r *formationResource) Configure(_ context.Context, req resource.ConfigureRequest, resp *resource.ConfigureResponse) {
	r.configure(req.ProviderData, &resp.Diagnostics)
}

// ModifyPlan refuses a second owner, and a size that does not run where the app is. Another app or process type needs another
// resource. An unknown one is planned in place, and Update refuses it if it turns out to be another one.
func (r *formationResource) ModifyPlan(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	var state, plan formationModel
	applies := r.run.isApplying(r.client, req.ClientCapabilities.DeferralAllowed)
	exists := !req.State.Raw.IsNull()
	if exists {
		resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
		setReplacedID(ctx, resp, state.ID)
	}
	if resp.Diagnostics.HasError() || req.Plan.Raw.IsNull() { // Delete sends nothing
		return
	}
	if resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...); resp.Diagnostics.HasError() {
		return
	}
	if exists {
		if plan.AppID.IsUnknown() && r.run.willBeDestroyed(object{appType, state.AppID.ValueString()}) {
			resp.RequiresReplace.Append(path.Root("app_id"))
			return
		}
		if changes := state.fixedChanges(plan); len(changes) > 0 {
			resp.Diagnostics.Append(replaceUnlessApplied(resp, applies, state.String(), changes)...)
			return
		}
	}
	if resp.Diagnostics.Append(r.onlyOwner(state, plan, predecessor(ctx, req))...); resp.Diagnostics.HasError() {
		return
	}
	if plan.known() && known(plan.Size.StringValue) {
		r.run.noteSize(plan.appID(), plan.processType(), plan.Size.normalized())
	}
	if !exists || !plan.Quantity.Equal(state.Quantity) || !plan.Size.Equal(state.Size) {
		resp.Diagnostics.Append(r.checkLimits(ctx, plan)...)
	}
}

// replaceUnlessApplied plans a replacement for the known changes. During an apply Terraform requires the update that it planned,
// so the changes are refused.
func replaceUnlessApplied(resp *resource.ModifyPlanResponse, applies bool, label string, changes []fixedChange) (diags diag.Diagnostics) {
	for _, c := range changes {
		if at := path.Root(c.attribute); applies {
			diags.Append(fixedAtCreation(at, label, c.from, c.to))
		} else {
			resp.RequiresReplace.Append(at)
		}
	}
	return diags
}

func (r *formationResource) onlyOwner(state, plan formationModel, replaced string) diag.Diagnostics {
	if !plan.known() {
		return nil
	}
	mine := claim{id: state.ID.ValueString(), text: plan.String(), single: true, replaces: replaced}
	if _, conflict := r.run.claim("formation "+plan.key(), mine); !conflict {
		return nil
	}
	return diag.Diagnostics{diag.NewAttributeErrorDiagnostic(path.Root("type"), "Two resources own the dynos of one process type", fmt.Sprintf(
		"%s: this configuration has two kvs_formation for the same process type of the same app. They would undo each other at every "+
			"apply. Keep one of them. If only the address of one has changed, say so with a moved block:\n\n%s",
		plan, movedBlock(formationType)))}
}

// checkLimits checks the plan against Heroku's published rules. If the app cannot be read, Heroku decides.
func (r *formationResource) checkLimits(ctx context.Context, plan formationModel) (diags diag.Diagnostics) {
	if size := plan.Size.StringValue; known(size) && !keyvalue.KnownDynoSize(size.ValueString()) {
		diags.AddAttributeWarning(path.Root("size"), "The dyno size is not known", fmt.Sprintf(
			"%s: %q is neither Eco nor Basic, and does not begin with Standard-, Performance-, Private-, Shield- or dyno-. Unless Heroku has "+
				"added this size, the apply is refused.", plan, size.ValueString()))
	}
	if r.client == nil || !known(plan.AppID) {
		return diags
	}
	app, err := r.client.App(ctx, plan.appID())
	if err != nil {
		return diags
	}
	if known(plan.Size.StringValue) {
		if err := keyvalue.CheckDynoSize(plan.Size.ValueString(), location(app)); err != nil {
			diags.AddAttributeError(path.Root("size"), "The dyno size does not run where the app is", fmt.Sprintf(
				"App %q, in %s: %s.", app.Name, locationLabel(app), err))
		}
	}
	if n := plan.Quantity.ValueInt64(); app.Space != nil && n > keyvalue.DynosPerTypeLimit {
		diags.AddAttributeWarning(path.Root("quantity"), "More dynos than a space has by default", fmt.Sprintf(
			"%s: in a space Heroku allows %d dynos of a process type by default, and the configuration has %d. Unless Heroku Support has "+
				"raised the limit, the apply is refused.", plan, keyvalue.DynosPerTypeLimit, n))
	}
	return diags
}

func (r *formationResource) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	saved := false
	defer recoverPanic(&resp.Diagnostics, "Scaling a process type", func() bool { return saved })
	var plan formationModel
	if resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...); resp.Diagnostics.HasError() || !r.ready(&resp.Diagnostics) {
		return
	}
	process, diags := r.scale(ctx, plan, plan.update(formationModel{}), func(heroku.Process) diag.Diagnostics { return nil })
	if resp.Diagnostics.Append(diags...); diags.HasError() {
		return
	}
	size := plan.Size
	plan.AppName = plannedName(plan.AppName, optionalString(process.AppName))
	if plan.read(process); known(size.StringValue) {
		plan.Size = size
	}
	resp.Diagnostics.Append(resp.State.Set(ctx, &plan)...)
	resp.Diagnostics.Append(resp.Identity.Set(ctx, plan.identity())...)
	saved = !resp.Diagnostics.HasError()
}

// scale sends the update. unchanged returns errors if the process type is no longer what the plan was made for.
func (r *formationResource) scale(ctx context.Context, m formationModel, update heroku.ProcessUpdate,
	unchanged func(heroku.Process) diag.Diagnostics,
) (heroku.Process, diag.Diagnostics) {
	const summary = "Unable to scale the process type"
	var diags diag.Diagnostics
	process, held, err := r.replacements().ScaleProcess(ctx, m.appID(), m.processType(), update, func(now heroku.Process) bool {
		diags.Append(unchanged(now)...)
		return !diags.HasError()
	}, func() map[heroku.ProcessType]string { return r.run.plannedSizes(ctx, m.appID()) })
	switch {
	case diags.HasError():
	case heroku.IsNotFound(err):
		diags.Append(r.missingType(ctx, summary, m, err))
	case err != nil:
		diags.Append(r.failure(summary, m.String(), err))
	case update.Quantity != nil && process.Quantity != *update.Quantity:
		diags.AddError(summary, fmt.Sprintf("%s: Heroku was asked for %d dynos and answered %d.", m, *update.Quantity, process.Quantity))
	case held && update.Quantity != nil:
		diags.AddAttributeWarning(path.Root("quantity"), "The dynos start when the app is released", fmt.Sprintf(
			"%s: a store of this app is being replaced, and the dynos of the app are stopped meanwhile. The process type "+
				"gets %d dynos when the replacement ends, in an apply of the kvs_instance. The config var KVS_MIGRATION of "+
				"the app contains this number.", m, *update.Quantity))
	}
	return process, diags
}

// missingType explains a process type that was not found: the app is gone, has no release, or has other process types.
func (r *formationResource) missingType(ctx context.Context, summary string, m formationModel, err error) diag.Diagnostic {
	formation, e := r.client.Formation(ctx, m.appID())
	if e != nil {
		return r.failure(summary, m.String(), err)
	}
	const next = "If this configuration releases the app, add the resource that releases it to depends_on of this resource."
	if len(formation) == 0 {
		return diag.NewAttributeErrorDiagnostic(path.Root("type"), "The app has no release with process types yet", fmt.Sprintf(
			"%s: %s\n\nThe app has no process type at all: it needs a release of its code first, and can be scaled afterwards. %s",
			m, whatHappened(err), next))
	}
	var types []string
	for _, process := range formation {
		types = append(types, process.Type)
	}
	return diag.NewAttributeErrorDiagnostic(path.Root("type"), "The app has no such process type", fmt.Sprintf(
		"%s: %s\n\nThe present release has the process types %s. A process type comes with a release whose Procfile names it. %s",
		m, whatHappened(err), strings.Join(types, ", "), next))
}

func (r *formationResource) Read(ctx context.Context, req resource.ReadRequest, resp *resource.ReadResponse) {
	defer recoverPanic(&resp.Diagnostics, "Reading a process type", nil)
	var state formationModel
	if resp.Diagnostics.Append(req.State.Get(ctx, &state)...); resp.Diagnostics.HasError() || !r.ready(&resp.Diagnostics) {
		return
	}
	const summary = "Unable to read the process type"
	if err := r.identifyApp(ctx, &state.AppID); err != nil {
		resp.Diagnostics.Append(r.failure(summary, state.String(), err))
		return
	}
	r.run.noteRead(object{formationType, state.key()})
	// The identity is set even if the process type is gone: the framework requires one, and older CLIs store none.
	resp.Diagnostics.Append(resp.Identity.Set(ctx, state.identity())...)
	process, err := r.client.Process(ctx, state.appID(), state.processType())
	if err == nil && process.Quantity == 0 && !state.Quantity.Equal(newWholeNumber(0)) {
		process.AppID = state.appID()
		process, _, err = r.replacements().AfterHold(ctx, process)
	}
	switch {
	case heroku.IsNotFound(err):
		resp.Diagnostics.Append(r.goneWarning(ctx, state))
		resp.State.RemoveResource(ctx)
		return
	case err != nil:
		resp.Diagnostics.Append(r.failure(summary, state.String(), err))
		return
	}
	state.AppName = optionalString(process.AppName)
	state.read(process)
	resp.Diagnostics.Append(resp.State.Set(ctx, &state)...)
}

// goneWarning explains why the process type is gone.
func (r *formationResource) goneWarning(ctx context.Context, state formationModel) diag.Diagnostic {
	if _, err := r.client.App(ctx, state.appID()); heroku.IsNotFound(err) {
		return diag.NewWarningDiagnostic("The process type is gone with its app", fmt.Sprintf(
			"%s: the app does not exist any more. A plan that scales it again needs another app.", state))
	}
	return diag.NewWarningDiagnostic("The app has no such process type any more", fmt.Sprintf(
		"%s: the present release does not have it. As long as the configuration has it, the apply is refused until a release has it again: "+
			"leave the resource out, or release a Procfile that names it.", state))
}

func (r *formationResource) Update(ctx context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	defer recoverPanic(&resp.Diagnostics, "Scaling a process type", nil)
	var state, plan formationModel
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	if resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...); resp.Diagnostics.HasError() || !r.ready(&resp.Diagnostics) {
		return
	}
	for _, c := range state.fixedChanges(plan) {
		resp.Diagnostics.Append(fixedAtCreation(path.Root(c.attribute), state.String(), c.from, c.to))
	}
	if resp.Diagnostics.HasError() {
		return
	}
	if update := plan.update(state); update != (heroku.ProcessUpdate{}) {
		_, diags := r.scale(ctx, plan, update, func(process heroku.Process) diag.Diagnostics { return state.outdated(plan, update, process) })
		if resp.Diagnostics.Append(diags...); diags.HasError() {
			return
		}
	}
	if plan.Quantity.IsUnknown() {
		plan.Quantity = state.Quantity
	}
	if plan.Size.IsUnknown() {
		plan.Size = state.Size
	}
	plan.ID, plan.AppName = state.ID, plannedName(plan.AppName, state.AppName)
	resp.Diagnostics.Append(resp.State.Set(ctx, &plan)...)
	resp.Diagnostics.Append(resp.Identity.Set(ctx, plan.identity())...)
}

// Delete only removes the resource from the state, because a process type belongs to a release.
func (r *formationResource) Delete(ctx context.Context, req resource.DeleteRequest, resp *resource.DeleteResponse) {
	defer recoverPanic(&resp.Diagnostics, "Forgetting a process type", nil)
	var state formationModel
	if resp.Diagnostics.Append(req.State.Get(ctx, &state)...); resp.Diagnostics.HasError() {
		return
	}
	if n := state.Quantity.ValueInt64(); n > 0 {
		resp.Diagnostics.AddWarning("The dynos stay as they are", fmt.Sprintf(
			"%s is no longer managed. It keeps %d dynos of the size %s as long as the app has it.", state, n, state.Size.ValueString()))
	}
}

// ImportState accepts the app's UUID or name and the process type, separated by a colon.
func (r *formationResource) ImportState(ctx context.Context, req resource.ImportStateRequest, resp *resource.ImportStateResponse) {
	defer recoverPanic(&resp.Diagnostics, "Importing a process type", nil)
	reference := pairReference(ctx, req, "app_id", "type", &resp.Diagnostics)
	app, process, _ := strings.Cut(reference, ":")
	if keyvalue.ValidateAppReference(app) != nil || keyvalue.ValidateProcessType(process) != nil {
		resp.Diagnostics.Append(invalidImport(reference, "the app, by its UUID or its name, and the process type, with a colon between them",
			"orders-web:worker"))
	}
	if resp.Diagnostics.HasError() || !r.ready(&resp.Diagnostics) {
		return
	}
	const summary = "Unable to import the process type"
	m := formationModel{AppID: types.StringValue(app), Type: types.StringValue(process)}
	if err := r.identifyApp(ctx, &m.AppID); err != nil {
		resp.Diagnostics.Append(r.failure(summary, m.String(), err))
		return
	}
	switch _, err := r.client.Process(ctx, m.appID(), m.processType()); {
	case heroku.IsNotFound(err):
		resp.Diagnostics.Append(r.missingType(ctx, summary, m, err))
		return
	case err != nil:
		resp.Diagnostics.Append(r.failure(summary, m.String(), err))
		return
	}
	resp.Diagnostics.Append(resp.State.SetAttribute(ctx, path.Root("id"), m.key())...)
	resp.Diagnostics.Append(resp.State.SetAttribute(ctx, path.Root("app_id"), m.AppID)...)
	resp.Diagnostics.Append(resp.State.SetAttribute(ctx, path.Root("type"), m.Type)...)
	resp.Diagnostics.Append(resp.Identity.Set(ctx, m.identity())...)
}

func (m formationModel) appID() heroku.AppID { return heroku.AppID(m.AppID.ValueString()) }

func (m formationModel) processType() heroku.ProcessType {
	return heroku.ProcessType(m.Type.ValueString())
}

// known reports whether the app and the process type are known.
func (m formationModel) known() bool { return known(m.AppID) && known(m.Type) }

// key is the id: the app's UUID and the process type, separated by a colon.
func (m formationModel) key() string { return m.AppID.ValueString() + ":" + m.Type.ValueString() }

func (m formationModel) identity() formationIdentity { return formationIdentity{m.AppID, m.Type} }

// String names the process type in a diagnostic.
func (m formationModel) String() string {
	return fmt.Sprintf("Process type %s of app %s", m.Type.ValueString(), m.AppID.ValueString())
}

// fixedChanges are the known changes that need another resource.
func (m formationModel) fixedChanges(plan formationModel) []fixedChange {
	return knownChanges(fixedChange{"app_id", m.AppID, plan.AppID}, fixedChange{"type", m.Type, plan.Type})
}

// update is the request for the known differences from the state.
func (m formationModel) update(state formationModel) (u heroku.ProcessUpdate) {
	if !m.Quantity.IsNull() && !m.Quantity.IsUnknown() && !m.Quantity.Equal(state.Quantity) {
		n := int(m.Quantity.ValueInt64())
		u.Quantity = &n
	}
	if known(m.Size.StringValue) && (state.Size.IsNull() || !m.Size.equivalent(state.Size)) {
		u.Size = m.Size.normalized()
	}
	return u
}

// outdated refuses an update of a process type that has changed since the plan.
func (m formationModel) outdated(plan formationModel, update heroku.ProcessUpdate, now heroku.Process) diag.Diagnostics {
	var values []liveValue
	if update.Quantity != nil {
		values = append(values, liveValue{"quantity", m.Quantity, plan.Quantity, newWholeNumber(int64(now.Quantity))})
	}
	if update.Size != "" {
		live := newDynoSize(now.Size)
		values = append(values, liveValue{"size", m.Size, attr.Value(live.orEquivalent(plan.Size)), live.orEquivalent(m.Size)})
	}
	return refuseOutdated(m.String(), values...)
}

// read maps Heroku's process type to the state. A size that means the same keeps its spelling.
func (m *formationModel) read(process heroku.Process) {
	m.ID = types.StringValue(m.key())
	m.Quantity = newWholeNumber(int64(process.Quantity))
	m.Size = newDynoSize(process.Size).orEquivalent(m.Size)
}

// A change of size restarts the dynos of the process type, and a change of their number restarts none. What a creation changes
// is not known.
func (m formationModel) impact(_ context.Context, before *formationModel) impact {
	i := harmless(methodScale)
	if before == nil || !m.Size.IsUnknown() && !m.Size.equivalent(before.Size) {
		i.Interruption, i.Restarts = keyvalue.InterruptionBrief, appsOf(nameOrID(m.AppName, m.AppID))
	}
	return i
}
