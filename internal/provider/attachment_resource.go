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
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/keyvalue"
)

// kvs_attachment is a store attached to an app under a name, which gives the app the config var <NAME>_URL.
//
// The Platform API owns all of it and cannot change an attachment: a re-point or a rename makes another one, with another
// UUID, so the identity is mutable and id is planned unknown. The surprise: a re-point happens under the same name in one
// request, so that the app is never without its variable; this is why it is an update and not a replacement.
// How a name changes hands, and what becomes of the store that held it, is in attachment_handover.go.

var (
	_ resource.ResourceWithConfigure   = (*attachmentResource)(nil)
	_ resource.ResourceWithIdentity    = (*attachmentResource)(nil)
	_ resource.ResourceWithImportState = (*attachmentResource)(nil)
	_ resource.ResourceWithModifyPlan  = (*attachmentResource)(nil)
)

type attachmentResource struct{ connection }

func newAttachmentResource() resource.Resource { return &attachmentResource{} }

type attachmentModel struct {
	ID         types.String `tfsdk:"id"`
	InstanceID types.String `tfsdk:"instance_id"`
	AppID      types.String `tfsdk:"app_id"`
	Name       types.String `tfsdk:"name"`
	ConfigVars types.Set    `tfsdk:"config_vars"`
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
		MarkdownDescription: "Attaches a store to an app under a name: the app gets the config var `<name>_URL` and restarts. " +
			"The name `REDIS` makes the store the app's primary, as `heroku redis:promote` does.",
		Attributes: map[string]schema.Attribute{
			"id": schema.StringAttribute{
				MarkdownDescription: "UUID of the attachment. Heroku makes a new one whenever `instance_id` or `name` changes.",
				Computed:            true,
			},
			"instance_id": schema.StringAttribute{
				MarkdownDescription: "UUID of the store, such as `kvs_instance.cache.id`. " +
					"Changing it re-points the attachment in place: the app's variable changes in one step and the app restarts.",
				Required:   true,
				Validators: []validator.String{uuidValidator()},
			},
			"app_id": schema.StringAttribute{
				MarkdownDescription: "UUID of the app that gets the config var, such as `kvs_app.web.id`. Changing it replaces the attachment.",
				Required:            true,
				Validators:          []validator.String{uuidValidator()},
				PlanModifiers:       []planmodifier.String{stringplanmodifier.RequiresReplace()},
			},
			"name": schema.StringAttribute{
				MarkdownDescription: "Name of the attachment, such as `CACHE` for the config var `CACHE_URL`; when absent, Heroku chooses one. " +
					"`REDIS` makes the store the app's primary: another store that holds this name keeps an attachment under a name that Heroku chooses. " +
					"Any other name that is in use is refused. Changing it attaches under the new name first and detaches the old one then.",
				Optional:      true,
				Computed:      true,
				Validators:    []validator.String{validatedBy(keyvalue.ValidateAttachmentName)},
				PlanModifiers: []planmodifier.String{stringplanmodifier.UseStateForUnknown()},
			},
			"config_vars": schema.SetAttribute{
				MarkdownDescription: "Names of the config vars that the attachment gives to the app; their values are secret and are not kept here.",
				Computed:            true,
				ElementType:         types.StringType,
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

// ModifyPlan says what happens to the present holder of the name, as far as it can be known before apply.
func (r *attachmentResource) ModifyPlan(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	if req.Plan.Raw.IsNull() || req.Plan.Raw.Equal(req.State.Raw) || r.client == nil {
		return
	}
	var state, plan attachmentModel
	if !req.State.Raw.IsNull() {
		resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	}
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	if resp.Diagnostics.HasError() || plan.AppID.IsUnknown() || plan.Name.IsUnknown() || plan.Name.IsNull() {
		return
	}
	resp.Diagnostics.Append(r.planHandover(ctx, state, plan)...)
}

func (r *attachmentResource) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	checkpointed := false
	defer recoverPanic(&resp.Diagnostics, "Creating an attachment", func() bool { return checkpointed })
	var plan attachmentModel
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	if resp.Diagnostics.HasError() || !r.ready(&resp.Diagnostics) {
		return
	}
	attachment, failure := r.attach(ctx, plan, "")
	if failure != nil {
		resp.Diagnostics.Append(failure)
		return
	}
	var state attachmentModel
	state.read(attachment)
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
	// Also for an object that is gone: the framework wants an identity even then, and older CLIs keep none.
	resp.Diagnostics.Append(resp.Identity.Set(ctx, attachmentIdentity{ID: state.ID})...)
	known := state
	attachment, err := r.client.Attachment(ctx, state.attachmentID())
	if heroku.IsNotFound(err) {
		// A re-point makes a new attachment of the same name, also when somebody else does it.
		attachment, err = r.client.AppAttachment(ctx, state.AppID.ValueString(), state.Name.ValueString())
	}
	if heroku.IsNotFound(err) {
		resp.State.RemoveResource(ctx)
		return
	}
	if err != nil {
		resp.Diagnostics.Append(r.failure("Unable to read attachment", state.String(), err))
		return
	}
	state.read(attachment)
	resp.Diagnostics.Append(resp.Identity.Set(ctx, attachmentIdentity{ID: state.ID})...)
	resp.Diagnostics.Append(setChanged(ctx, &resp.State, known, state)...)
}

// Update attaches as planned before it detaches what was there. An error leaves the state as it was: the next apply finds
// what has been attached already, by its name, and goes on with the detaching.
func (r *attachmentResource) Update(ctx context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	defer recoverPanic(&resp.Diagnostics, "Updating an attachment", nil)
	var state, plan attachmentModel
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	if resp.Diagnostics.HasError() || !r.ready(&resp.Diagnostics) {
		return
	}
	attachment, failure := r.attach(ctx, plan, state.attachmentID())
	if failure != nil {
		resp.Diagnostics.Append(failure)
		return
	}
	if !plan.Name.Equal(state.Name) && attachment.ID != state.attachmentID() {
		resp.Diagnostics.Append(r.detach(ctx, state)...)
		if resp.Diagnostics.HasError() {
			resp.Diagnostics.AddWarning("The store is attached under both names", fmt.Sprintf(
				"On app %s the new attachment %s (%s) is there, and %s (%s) is not gone. Apply again to detach it.",
				attachment.AppName, attachment.Name, attachment.ID, state.Name.ValueString(), state.ID.ValueString()))
			return
		}
	}
	state.read(attachment)
	resp.Diagnostics.Append(resp.Identity.Set(ctx, attachmentIdentity{ID: state.ID})...)
	resp.Diagnostics.Append(resp.State.Set(ctx, state)...)
}

func (r *attachmentResource) Delete(ctx context.Context, req resource.DeleteRequest, resp *resource.DeleteResponse) {
	defer recoverPanic(&resp.Diagnostics, "Destroying an attachment", nil)
	var state attachmentModel
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	if resp.Diagnostics.HasError() || !r.ready(&resp.Diagnostics) {
		return
	}
	resp.Diagnostics.Append(r.detach(ctx, state)...)
}

// detach removes an attachment unless it is the store's last one on its own app, which only goes with the store
// (Platform API reference, add-on attachments).
func (r *attachmentResource) detach(ctx context.Context, state attachmentModel) diag.Diagnostics {
	const summary = "Unable to detach"
	var diags diag.Diagnostics
	attachment, err := r.client.Attachment(ctx, state.attachmentID())
	if heroku.IsNotFound(err) {
		return nil
	}
	if err != nil {
		diags.Append(r.failure(summary, state.String(), err))
		return diags
	}
	last, err := r.isLastOnOwner(ctx, attachment)
	if err == nil && last {
		diags.AddWarning("The attachment stays until its store is destroyed", fmt.Sprintf(
			"%s is the only one that the store %s has on its own app %s, and Heroku keeps the last one. "+
				"It is no longer managed here; destroying the store removes it.", state, attachment.AddOnName, attachment.OwnerAppName))
		return diags
	}
	if err == nil {
		err = r.client.DeleteAttachment(ctx, attachment.ID)
	}
	if err != nil && !heroku.IsNotFound(err) {
		diags.Append(r.failure(summary, state.String(), err))
	}
	return diags
}

// ImportState takes the attachment's UUID, or app::NAME.
func (r *attachmentResource) ImportState(ctx context.Context, req resource.ImportStateRequest, resp *resource.ImportStateResponse) {
	defer recoverPanic(&resp.Diagnostics, "Importing an attachment", nil)
	id := importReference(ctx, req, path.Root("id"), &resp.Diagnostics)
	app, name, qualified := strings.Cut(id, "::")
	validApp := isUUID(app) || keyvalue.ValidateAppName(app) == nil
	if !isUUID(id) && (!qualified || !validApp || keyvalue.ValidateAttachmentName(name) != nil) {
		resp.Diagnostics.Append(invalidImport(id, "the UUID of an attachment, or its app and its name as <app>::<NAME>", "orders-api::REDIS"))
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

// String names the attachment in a diagnostic.
func (m attachmentModel) String() string {
	return fmt.Sprintf("Attachment %s of store %s on app %s", firstOf(m.Name.ValueString(), "(unnamed)"), m.InstanceID.ValueString(), m.AppID.ValueString())
}

// read is the one mapping from Heroku's attachment to the state.
func (m *attachmentModel) read(attachment heroku.Attachment) {
	m.ID = types.StringValue(string(attachment.ID))
	m.InstanceID = types.StringValue(string(attachment.AddOnID))
	m.AppID = types.StringValue(string(attachment.AppID))
	m.Name = types.StringValue(attachment.Name)
	configVars := attachment.ConfigVars
	if len(configVars) == 0 { // left out of some answers; every attachment gives at least this one
		configVars = []string{keyvalue.ConfigVar(attachment.Name)}
	}
	m.ConfigVars = stringSet(configVars)
}
