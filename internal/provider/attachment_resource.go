// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"cmp"
	"context"
	"fmt"
	"strings"

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

// kvs_attachment attaches a store to an app under a name, which gives the app the config var <NAME>_URL.
//
// The Platform API cannot change an attachment: a re-point or a rename creates another one with another UUID. The identity is
// therefore mutable and id is planned as unknown. One request re-points an attachment under the same name, so the app always has
// its variable. That is why a re-point is an update and not a replacement. attachment_handover.go decides what happens to the
// store that had the name.

var (
	_ resource.ResourceWithConfigure   = (*attachmentResource)(nil)
	_ resource.ResourceWithIdentity    = (*attachmentResource)(nil)
	_ resource.ResourceWithImportState = (*attachmentResource)(nil)
	_ resource.ResourceWithModifyPlan  = (*attachmentResource)(nil)
)

type attachmentResource struct{ connection }

func newAttachmentResource() resource.Resource { return &attachmentResource{} }

type attachmentModel struct {
	ID           types.String `tfsdk:"id"`
	InstanceID   types.String `tfsdk:"instance_id"`
	InstanceName types.String `tfsdk:"instance_name"`
	AppID        types.String `tfsdk:"app_id"`
	AppName      types.String `tfsdk:"app_name"`
	Name         types.String `tfsdk:"name"`
	ConfigVars   types.Set    `tfsdk:"config_vars"`
	Revision     types.Int64  `tfsdk:"credentials_revision"`

	OutsideSpace types.Bool   `tfsdk:"outside_space"`
	TakesOver    types.String `tfsdk:"takes_over"`
}

type attachmentIdentity struct {
	ID types.String `tfsdk:"id"`
}

func (r *attachmentResource) Metadata(_ context.Context, req resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_attachment"
	resp.ResourceBehavior.MutableIdentity = true
}

func (r *attachmentResource) Schema(_ context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "Attaches a store to an app under a name. The app gets the config var `<name>_URL` and restarts. The name " +
			"`REDIS` makes the store the app's primary, as `heroku redis:promote` does. No change of an argument replaces the resource. With " +
			"`create_before_destroy`, a replacement by `replace_triggered_by` or `-replace` keeps the attachment as it is. OpenTofu refuses " +
			"such a replacement and changes nothing, because it does not tell providers that a plan is being applied.",
		Attributes: map[string]schema.Attribute{
			"id": schema.StringAttribute{
				MarkdownDescription: "UUID of the attachment. Heroku creates a new attachment whenever `instance_id`, `app_id` or `name` changes.",
				Computed:            true,
			},
			"instance_id": schema.StringAttribute{
				MarkdownDescription: "UUID of the store, such as `kvs_instance.cache.id`. Changing it re-points the attachment in place: the " +
					"app's config var changes in one step, and the app restarts.",
				Required:   true,
				Validators: []validator.String{uuidValidator()},
			},
			"instance_name": nameBeside("instance_id", "Name of the store"),
			"app_id": schema.StringAttribute{
				MarkdownDescription: "UUID of the app that gets the config var, such as `kvs_app.web.id`. Changing it attaches the store to the " +
					"new app before it detaches it from the old one.",
				Required:   true,
				Validators: []validator.String{uuidValidator()},
			},
			"app_name": nameBeside("app_id", "Name of the app"),
			"name": schema.StringAttribute{
				MarkdownDescription: "Name of the attachment, such as `CACHE` for the config var `CACHE_URL`. If omitted, Heroku chooses a name. " +
					"`REDIS` makes the store the app's primary; a store that had this name before keeps an attachment under a name that Heroku " +
					"chooses. Any other name that is in use is refused, and so is an attachment that already exists: import it instead. Changing it " +
					"attaches the store under the new name before it detaches the old one.",
				Optional:      true,
				Computed:      true,
				Validators:    []validator.String{validatedBy(keyvalue.ValidateAttachmentName)},
				PlanModifiers: []planmodifier.String{stringplanmodifier.UseStateForUnknown()},
			},
			"config_vars": schema.SetAttribute{
				MarkdownDescription: "Names of the config vars that the attachment adds to the app. Their values are secret and are not stored " +
					"here.",
				Computed:    true,
				ElementType: types.StringType,
			},
			"credentials_revision": schema.Int64Attribute{
				MarkdownDescription: "`credentials_revision` of the attached store: a number that changes whenever the URL in the config var " +
					"changes. If the store itself changes in the same run, `kvs_instance` shows the new number at once, and this attribute shows it " +
					"from the next refresh on. Null if the Data API does not answer for the store.",
				Computed: true,
			},
			"outside_space": schema.BoolAttribute{
				MarkdownDescription: "Whether an app in a Private Space may use a store on a `mini` or `premium` plan, which runs outside the " +
					"network of the space. The data then travels over the public internet. Changing it sends no request to Heroku.",
				Optional: true,
			},
			"takes_over": schema.StringAttribute{
				MarkdownDescription: "UUID of an existing attachment that this resource took over at its creation and left unchanged, because " +
					"another instance in the same plan managed it: the instance that this one replaces, or an instance whose address has changed. " +
					"Null if none was taken over.",
				Computed:      true,
				PlanModifiers: []planmodifier.String{stringplanmodifier.UseStateForUnknown()},
			},
		},
	}
}

func (r *attachmentResource) IdentitySchema(_ context.Context, _ resource.IdentitySchemaRequest, resp *resource.IdentitySchemaResponse) {
	resp.IdentitySchema = identityschema.Schema{Attributes: map[string]identityschema.Attribute{
		"id": identityschema.StringAttribute{Description: "UUID of the attachment.", RequiredForImport: true},
	}}
}

func (r *attachmentResource) Configure(_ context.Context, req resource.ConfigureRequest, resp *resource.ConfigureResponse) {
	r.configure(req.ProviderData, &resp.Diagnostics)
}

// ModifyPlan refuses a second owner and an app that cannot reach the store, and reports what happens to the present holder of
// the name, as far as that is known. Unknown values are planned in place: Update decides.
func (r *attachmentResource) ModifyPlan(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	if r.client == nil {
		return
	}
	var state, plan, config attachmentModel
	if !req.State.Raw.IsNull() {
		resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
		r.run.noteInState(state.object())
		setReplacedID(ctx, resp, state.ID)
	}
	if resp.Diagnostics.HasError() {
		return
	}
	if req.Plan.Raw.IsNull() {
		r.run.noteInState(object{destroyedAttachment, state.Name.ValueString()})
		if resp.Diagnostics.Append(r.run.refuseDuplicate(state.object(), state.String(), isDestroyed)...); resp.Diagnostics.HasError() {
			return
		}
		r.run.leavesToSuccessor(ctx, state.claimKey(), resp)
		return
	}
	resp.Diagnostics.Append(req.Config.Get(ctx, &config)...)
	if resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...); resp.Diagnostics.HasError() {
		return
	}
	replaced := predecessor(ctx, req)
	if resp.Diagnostics.Append(r.onlyOwner(state, plan, replaced)...); !req.State.Raw.IsNull() && !resp.Diagnostics.HasError() {
		resp.Diagnostics.Append(r.run.refuseDuplicate(state.object(), state.String(), plan.changeFrom(state))...)
	}
	if resp.Diagnostics.HasError() {
		return
	}
	applies := r.run.isApplying(r.client, req.ClientCapabilities.DeferralAllowed)
	if !req.State.Raw.IsNull() && plan.InstanceID.Equal(state.InstanceID) {
		plan.Revision = state.Revision
	}
	switch {
	case req.State.Raw.IsNull():
		resp.Diagnostics.Append(r.planCreation(ctx, config, &plan, replaced, applies)...)
	case plan.attachesAs(state):
		plan.ID, plan.ConfigVars = state.ID, state.ConfigVars // at most outside_space differs
	case plan.known():
		unfinished, diags := req.Private.GetKey(ctx, unfinishedAttachment)
		resp.Diagnostics.Append(diags...)
		resp.Diagnostics.Append(r.planHandover(ctx, state, &plan, idOf(unfinished), applies)...)
	}
	if !applies && plan.known() && !plan.attachesAs(state) {
		resp.Diagnostics.Append(r.planPlacement(ctx, plan)...)
	}
	if !applies && !resp.Diagnostics.HasError() {
		resp.Diagnostics.Append(r.planConfigVar(ctx, state, plan)...)
	}
	resp.Diagnostics.Append(resp.Plan.Set(ctx, &plan)...)
}

func (r *attachmentResource) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	checkpointed := false
	defer recoverPanic(&resp.Diagnostics, "Creating an attachment", func() bool { return checkpointed })
	var plan attachmentModel
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	if resp.Diagnostics.HasError() || !r.ready(&resp.Diagnostics) {
		return
	}
	attachment, failure := r.attach(ctx, plan, nil, r.takenOver(ctx, &plan)...)
	if failure != nil {
		resp.Diagnostics.Append(failure)
		return
	}
	state := plan
	state.read(attachment)
	state.Revision = r.revisionSeen(ctx, attachment.AddOnID)
	r.run.noteKept(state.object())
	resp.Diagnostics.Append(resp.Identity.Set(ctx, attachmentIdentity{ID: state.ID})...)
	resp.Diagnostics.Append(resp.State.Set(ctx, state)...)
	checkpointed = !resp.Diagnostics.HasError()
}

func (r *attachmentResource) Read(ctx context.Context, req resource.ReadRequest, resp *resource.ReadResponse) {
	defer recoverPanic(&resp.Diagnostics, "Reading an attachment", nil)
	var state attachmentModel
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	if resp.Diagnostics.HasError() || !r.ready(&resp.Diagnostics) {
		return
	}
	r.run.noteRead(state.object())
	// The identity is set even if the object is gone: the framework requires one, and older CLIs store none.
	resp.Diagnostics.Append(resp.Identity.Set(ctx, attachmentIdentity{ID: state.ID})...)
	attachment, err := r.live(ctx, state)
	if heroku.IsNotFound(err) {
		resp.Diagnostics.AddWarning("The attachment is gone", fmt.Sprintf(
			"%s (%s) is in the state and not at Heroku: it was detached, or its store or its app was destroyed. The app no longer gets "+
				"%s from it. As long as the configuration has it, the plan attaches the store again.", state,
			state.ID.ValueString(), keyvalue.ConfigVar(state.Name.ValueString())))
		resp.State.RemoveResource(ctx)
		return
	}
	if err != nil {
		resp.Diagnostics.Append(r.failure("Unable to read attachment", state.String(), err))
		return
	}
	state.read(attachment)
	if store, err := r.client.Store(ctx, attachment.AddOnID); err == nil { // a failed read keeps the known revision
		state.Revision = revisionOf(attachment.AddOnID, store.ResourceURL, state.Revision)
	}
	r.run.noteInState(state.object())
	resp.Diagnostics.Append(resp.Identity.Set(ctx, attachmentIdentity{ID: state.ID})...)
	resp.Diagnostics.Append(resp.State.Set(ctx, &state)...)
}

// live reads the attachment of the state. A re-point, also one from elsewhere, creates a new attachment of the same name.
func (r *attachmentResource) live(ctx context.Context, state attachmentModel) (heroku.Attachment, error) {
	attachment, err := r.client.Attachment(ctx, state.attachmentID())
	if heroku.IsNotFound(err) {
		return r.client.AppAttachment(ctx, state.AppID.ValueString(), state.Name.ValueString())
	}
	return attachment, err
}

// Update attaches as planned before it detaches the former attachment. After an error the state is unchanged: the next apply
// finds the new attachment by its name, and continues with the detaching.
func (r *attachmentResource) Update(ctx context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	defer recoverPanic(&resp.Diagnostics, "Updating an attachment", nil)
	var state, plan attachmentModel
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	if resp.Diagnostics.HasError() || !r.ready(&resp.Diagnostics) {
		return
	}
	before, failure := r.currentAttachment(ctx, state, plan)
	if failure != nil {
		resp.Diagnostics.Append(failure)
		return
	}
	if before.ID == "" { // destroyed together with its app or its store
		if before, failure = r.attach(ctx, plan, nil); failure != nil {
			resp.Diagnostics.Append(failure)
			return
		}
	}
	attachment := before
	if !plan.attachesAs(state) || before.AddOnID != heroku.AddOnID(plan.InstanceID.ValueString()) {
		unfinished, diags := req.Private.GetKey(ctx, unfinishedAttachment)
		if resp.Diagnostics.Append(diags...); resp.Diagnostics.HasError() {
			return
		}
		if attachment, failure = r.attach(ctx, plan, &before, append(r.takenOver(ctx, &plan), idOf(unfinished))...); failure != nil {
			resp.Diagnostics.Append(failure)
			return
		}
	}
	made := plan
	made.read(attachment)
	made.InstanceName = plannedName(plan.InstanceName, made.InstanceName)
	made.AppName = plannedName(plan.AppName, made.AppName)
	if made.Revision.IsUnknown() {
		made.Revision = r.revisionSeen(ctx, attachment.AddOnID)
	}
	if made.TakesOver.IsUnknown() {
		made.TakesOver = types.StringNull()
	}
	r.run.noteKept(made.object())
	if attachment.ID != before.ID && (attachment.AppID != before.AppID || attachment.Name != before.Name) &&
		// If count has changed, another instance may have the former attachment.
		r.run.mayRemoveFormer(ctx, state.object(), state.claimKey()) {
		former := state
		former.read(before)
		resp.Diagnostics.Append(r.detach(ctx, former)...)
		if resp.Diagnostics.HasError() {
			resp.Diagnostics.Append(resp.Private.SetKey(ctx, unfinishedAttachment, privateString(string(attachment.ID)))...)
			resp.Diagnostics.AddWarning("The store is attached under both names", fmt.Sprintf(
				"On app %s the new attachment %s (%s) exists, and the old attachment %s (%s) exists too. Apply again to detach the old one.",
				attachment.AppName, attachment.Name, attachment.ID, state.Name.ValueString(), state.ID.ValueString()))
			return
		}
	}
	resp.Diagnostics.Append(resp.Private.SetKey(ctx, unfinishedAttachment, nil)...)
	resp.Diagnostics.Append(resp.Identity.Set(ctx, attachmentIdentity{ID: made.ID})...)
	resp.Diagnostics.Append(resp.State.Set(ctx, made)...)
}

// unfinishedAttachment is a key of the private state. Its value is the id of an attachment, as JSON, that an unfinished update
// created.
const unfinishedAttachment = "attached_beside"

func idOf(private []byte) heroku.AttachmentID {
	return heroku.AttachmentID(parsePrivateString(private))
}

// currentAttachment reads the attachment that the plan starts from. It refuses one that leads to another store by now, because nobody has
// approved to re-point that.
func (r *attachmentResource) currentAttachment(ctx context.Context, state, plan attachmentModel) (heroku.Attachment, diag.Diagnostic) {
	const summary = "The attachment has changed since the plan was made"
	now, err := r.live(ctx, state)
	switch {
	case heroku.IsNotFound(err):
		// An interrupted run may have re-pointed it already.
		if wanted, e := r.client.AppAttachment(ctx, plan.AppID.ValueString(), plan.Name.ValueString()); e == nil &&
			string(wanted.AddOnID) == plan.InstanceID.ValueString() {
			return wanted, nil
		}
		if r.removedWithParent(ctx, state, plan) {
			return heroku.Attachment{}, nil
		}
		return now, diag.NewErrorDiagnostic(summary, fmt.Sprintf(
			"%s (%s) is gone: somebody has detached it. Nothing has been changed. Plan again to see what is there.",
			state, state.ID.ValueString()))
	case err != nil:
		return now, r.failure("Unable to read attachment", state.String(), err)
	case string(now.AddOnID) != state.InstanceID.ValueString() && string(now.AddOnID) != plan.InstanceID.ValueString():
		return now, diag.NewAttributeErrorDiagnostic(path.Root("instance_id"), summary, fmt.Sprintf(
			"%s was planned to lead from the store %s to the store %s, and leads to the store %s (%s) by now. Nothing "+
				"has been changed. Plan again to see what is there.",
			state, state.InstanceID.ValueString(), plan.InstanceID.ValueString(), now.AddOnName, now.AddOnID))
	}
	return now, nil
}

func (r *attachmentResource) Delete(ctx context.Context, req resource.DeleteRequest, resp *resource.DeleteResponse) {
	defer recoverPanic(&resp.Diagnostics, "Destroying an attachment", nil)
	var state attachmentModel
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	left, diags := req.Private.GetKey(ctx, leftToSuccessor)
	resp.Diagnostics.Append(diags...)
	if resp.Diagnostics.HasError() || !r.ready(&resp.Diagnostics) {
		return
	}
	r.run.noteInState(state.object())
	if len(left) > 0 || r.run.skipDelete(state.object()) {
		return
	}
	defer r.run.noteDeleted(state.object())
	resp.Diagnostics.Append(r.detach(ctx, state)...)
}

// detach removes an attachment. Heroku keeps the last attachment of a store to its own app until the store is destroyed
// (Platform API reference, add-on attachments).
func (r *attachmentResource) detach(ctx context.Context, state attachmentModel) (diags diag.Diagnostics) {
	err := r.client.DeleteAttachment(ctx, state.attachmentID())
	switch stays := r.last(ctx, state, err); {
	case err == nil:
	case stays != nil:
		diags.AddWarning("The attachment stays until its store is destroyed", fmt.Sprintf(
			"%s is the only attachment of the store %s to its own app %s, and Heroku keeps the "+
				"last one. It is no longer managed here; destroying the store removes it.", state, stays.AddOnName, stays.OwnerAppName))
	default:
		diags.Append(r.failure("Unable to detach", state.String(), err))
	}
	return diags
}

// last returns the attachment of the state if Heroku refused to remove it because it is the store's last one on its own app,
// else nil.
func (r *attachmentResource) last(ctx context.Context, state attachmentModel, refused error) *heroku.Attachment {
	if !refusedByHeroku(refused) {
		return nil
	}
	attachment, err := r.client.Attachment(ctx, state.attachmentID())
	if err != nil {
		return nil
	}
	if last, err := r.isLastOnOwner(ctx, attachment); err != nil || !last {
		return nil
	}
	return &attachment
}

// ImportState accepts the attachment's UUID, or app::NAME.
func (r *attachmentResource) ImportState(ctx context.Context, req resource.ImportStateRequest, resp *resource.ImportStateResponse) {
	defer recoverPanic(&resp.Diagnostics, "Importing an attachment", nil)
	id := importReference(ctx, req, path.Root("id"), &resp.Diagnostics)
	app, name, qualified := strings.Cut(id, "::")
	validApp := keyvalue.IsUUID(app) || keyvalue.ValidateAppName(app) == nil
	if !keyvalue.IsUUID(id) && (!qualified || !validApp || keyvalue.ValidateAttachmentName(name) != nil) {
		resp.Diagnostics.Append(invalidImport(id, "the UUID of an attachment, or its app and its name as <app>::<NAME>",
			"orders-api::REDIS"))
	}
	if resp.Diagnostics.HasError() || !r.ready(&resp.Diagnostics) {
		return
	}
	var (
		attachment heroku.Attachment
		err        error
	)
	if qualified {
		attachment, err = r.client.AppAttachment(ctx, app, name)
	} else {
		attachment, err = r.client.Attachment(ctx, heroku.AttachmentID(id))
	}
	if err != nil {
		resp.Diagnostics.Append(r.failure("Unable to import attachment", fmt.Sprintf("Attachment %q", id), err))
		return
	}
	var state attachmentModel
	state.read(attachment)
	resp.Diagnostics.Append(resp.Identity.Set(ctx, attachmentIdentity{ID: state.ID})...)
	resp.Diagnostics.Append(resp.State.Set(ctx, state)...)
}

func (m attachmentModel) attachmentID() heroku.AttachmentID {
	return heroku.AttachmentID(m.ID.ValueString())
}

func (m attachmentModel) object() object { return object{"kvs_attachment", m.ID.ValueString()} }

// claimKey is the key under which the attachment's name is claimed in a run.
func (m attachmentModel) claimKey() string {
	return attachmentClaimKey(m.AppID.ValueString(), m.Name.ValueString())
}

func attachmentClaimKey(app, name string) string { return "attachment " + name + " of app " + app }

// known reports whether store, app and name are known.
func (m attachmentModel) known() bool {
	return known(m.AppID) && known(m.InstanceID) && known(m.Name)
}

// attachesAs reports whether two models are the same attachment of the same store.
func (m attachmentModel) attachesAs(other attachmentModel) bool {
	return m.AppID.Equal(other.AppID) && m.InstanceID.Equal(other.InstanceID) && m.Name.Equal(other.Name)
}

// changeFrom reports whether the plan keeps the attachment of the state, or gives it up for one of another app or name.
func (m attachmentModel) changeFrom(state attachmentModel) objectChange {
	if m.known() && m.claimKey() != state.claimKey() {
		return isDestroyed
	}
	return stays
}

// String names the attachment in a diagnostic.
func (m attachmentModel) String() string {
	return fmt.Sprintf("Attachment %s of store %s on app %s", cmp.Or(m.Name.ValueString(), "(unnamed)"),
		m.InstanceID.ValueString(), m.AppID.ValueString())
}

// read maps Heroku's attachment to the state.
func (m *attachmentModel) read(attachment heroku.Attachment) {
	m.ID = types.StringValue(string(attachment.ID))
	m.InstanceID = types.StringValue(string(attachment.AddOnID))
	m.InstanceName = optionalString(attachment.AddOnName)
	m.AppID = types.StringValue(string(attachment.AppID))
	m.AppName = optionalString(attachment.AppName)
	m.Name = types.StringValue(attachment.Name)
	configVars := attachment.ConfigVars
	if len(configVars) == 0 { // some answers omit them; every attachment has at least this one
		configVars = []string{keyvalue.ConfigVar(attachment.Name)}
	}
	m.ConfigVars = stringSet(configVars)
}
