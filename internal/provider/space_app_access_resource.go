// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework-validators/setvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/identityschema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/boolplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/setdefault"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
)

// kvs_space_app_access is what one member of a team may do in one of its spaces: create apps, or not. It belongs to the Platform API,
// and its identity is the space's UUID and the member's e-mail address. It does not include the membership of the team, so it is gone
// when the member leaves. Admins of the team may create apps whatever is set here.

var (
	_ resource.ResourceWithConfigure   = (*spaceAppAccessResource)(nil)
	_ resource.ResourceWithIdentity    = (*spaceAppAccessResource)(nil)
	_ resource.ResourceWithImportState = (*spaceAppAccessResource)(nil)
	_ resource.ResourceWithModifyPlan  = (*spaceAppAccessResource)(nil)
)

type spaceAppAccessResource struct{ connection }

func newSpaceAppAccessResource() resource.Resource { return &spaceAppAccessResource{} }

type spaceAppAccessModel struct {
	ID          types.String `tfsdk:"id"`
	SpaceID     types.String `tfsdk:"space_id"`
	SpaceName   types.String `tfsdk:"space_name"`
	Email       emailAddress `tfsdk:"email"`
	Permissions types.Set    `tfsdk:"permissions"`
	TakenOver   types.Bool   `tfsdk:"taken_over"`
}

type spaceAppAccessIdentity struct {
	SpaceID types.String `tfsdk:"space_id"`
	Email   types.String `tfsdk:"email"`
}

const (
	spaceAppAccessType = "kvs_space_app_access"
	createApps         = "create_apps"
)

func (r *spaceAppAccessResource) Metadata(_ context.Context, req resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_space_app_access"
	resp.ResourceBehavior.MutableIdentity = true
}

func (r *spaceAppAccessResource) Schema(_ context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "Whether a member of a team may create apps in a Private or Shield Space of the team. The member must already " +
			"be in the team. Admins may always create apps, so this resource refuses them. Destroying the resource revokes the permission.",
		Attributes: map[string]schema.Attribute{
			"id": schema.StringAttribute{
				Computed:            true,
				PlanModifiers:       []planmodifier.String{stringplanmodifier.UseStateForUnknown()},
				MarkdownDescription: "The UUID of the space and the e-mail address in lower case, separated by a colon.",
			},
			"space_id": schema.StringAttribute{
				Required:   true,
				Validators: []validator.String{uuidValidator()},
				MarkdownDescription: "The UUID of the space. Changing it revokes the permission in the previous space and grants it in the new " +
					"one, in place.",
			},
			"space_name": nameBeside("space_id", "The name of the space"),
			"email": schema.StringAttribute{
				Required:      true,
				CustomType:    emailAddressType{},
				PlanModifiers: []planmodifier.String{keepEquivalent()},
				MarkdownDescription: "The e-mail address of the member, in upper or lower case. Changing it revokes the permission of the " +
					"previous member and grants it to the new one, in place.",
			},
			"permissions": schema.SetAttribute{
				Optional:    true,
				Computed:    true,
				ElementType: types.StringType,
				Default:     setdefault.StaticValue(stringSet([]string{createApps})),
				Validators: []validator.Set{setvalidator.NoNullValues(),
					setvalidator.ValueStringsAre(stringvalidator.OneOf(createApps))},
				MarkdownDescription: "The permissions of the member: `create_apps`, the default and the only permission that Heroku has, or none " +
					"(`[]`). Changing it takes effect in place.",
			},
			"taken_over": schema.BoolAttribute{
				Computed:      true,
				PlanModifiers: []planmodifier.Bool{boolplanmodifier.UseStateForUnknown()},
				MarkdownDescription: "`true` if this resource took over an existing permission, because another instance in the same plan managed " +
					"it: the instance that this one replaces, or an instance whose address has changed. Null otherwise.",
			},
		},
	}
}

func (r *spaceAppAccessResource) IdentitySchema(_ context.Context, _ resource.IdentitySchemaRequest,
	resp *resource.IdentitySchemaResponse) {
	resp.IdentitySchema = identityschema.Schema{Attributes: map[string]identityschema.Attribute{
		"space_id": identityschema.StringAttribute{Description: "The UUID of the space.", RequiredForImport: true},
		"email":    identityschema.StringAttribute{Description: "The e-mail address of the member.", RequiredForImport: true},
	}}
}

func (r *spaceAppAccessResource) Configure(_ context.Context, req resource.ConfigureRequest, resp *resource.ConfigureResponse) {
	r.configure(req.ProviderData, &resp.Diagnostics)
}

// ModifyPlan refuses a second owner, a permission that exists already, and taking permissions from an admin. It plans another space
// or member, known or not, in place.
func (r *spaceAppAccessResource) ModifyPlan(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	var state, plan spaceAppAccessModel
	applying := r.run.isApplying(r.client, req.ClientCapabilities.DeferralAllowed)
	exists := !req.State.Raw.IsNull()
	if exists {
		resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
		r.run.noteInState(state.object())
		setReplacedID(ctx, resp, state.ID)
	}
	if resp.Diagnostics.HasError() {
		return
	}
	if req.Plan.Raw.IsNull() {
		r.run.leavesToSuccessor(ctx, state.claimKey(), resp)
		return
	}
	if resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...); resp.Diagnostics.HasError() {
		return
	}
	replaced := predecessor(ctx, req)
	if resp.Diagnostics.Append(r.onlyOwner(state, plan, replaced)...); resp.Diagnostics.HasError() {
		return
	}
	switch {
	case exists && plan.known() && plan.key() == state.key():
		if !applying && !plan.Permissions.IsUnknown() && len(plan.permissions()) < len(state.permissions()) {
			resp.Diagnostics.Append(r.refuseForAdmin(ctx, state)...)
		}
		return
	case exists && !plan.known():
		if plan.ID = types.StringUnknown(); state.TakenOver.ValueBool() {
			plan.TakenOver = types.BoolUnknown()
		}
	default:
		plan.ID = types.StringUnknown()
		resp.Diagnostics.Append(r.planTakeOver(ctx, &plan, replaced, applying)...)
	}
	resp.Diagnostics.Append(resp.Plan.SetAttribute(ctx, path.Root("id"), plan.ID)...)
	resp.Diagnostics.Append(resp.Plan.SetAttribute(ctx, path.Root("taken_over"), plan.TakenOver)...)
}

func (r *spaceAppAccessResource) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	saved := false
	defer recoverPanic(&resp.Diagnostics, "Setting the permissions of a member", func() bool { return saved })
	var plan spaceAppAccessModel
	if resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...); resp.Diagnostics.HasError() || !r.ready(&resp.Diagnostics) {
		return
	}
	if resp.Diagnostics.Append(r.grant(ctx, &plan)...); resp.Diagnostics.HasError() {
		return
	}
	resp.Diagnostics.Append(resp.State.Set(ctx, &plan)...)
	resp.Diagnostics.Append(resp.Identity.Set(ctx, plan.identity())...)
	saved = !resp.Diagnostics.HasError()
}

// grant sets the planned permissions of a member that the resource has not managed before.
func (r *spaceAppAccessResource) grant(ctx context.Context, plan *spaceAppAccessModel) diag.Diagnostics {
	r.run.takeOver(ctx, plan.object())
	member, err := r.member(ctx, *plan)
	if err != nil {
		return diag.Diagnostics{r.memberFailure(ctx, "Unable to set the permissions of the member", *plan, err)}
	}
	has := len(member.Permissions) > 0
	if has && plan.TakenOver.IsNull() {
		return diag.Diagnostics{r.permissionExists(ctx, *plan, member)}
	}
	member, diags := r.set(ctx, *plan, member)
	if diags.HasError() {
		return diags
	}
	if plan.TakenOver = types.BoolNull(); has {
		plan.TakenOver = types.BoolValue(true)
	}
	plan.SpaceName = plannedName(plan.SpaceName, optionalString(member.SpaceName))
	plan.read(member)
	return diags
}

// set sends the planned permissions of a member unless the member has them already.
func (r *spaceAppAccessResource) set(
	ctx context.Context, plan spaceAppAccessModel, member heroku.SpaceMember,
) (heroku.SpaceMember, diag.Diagnostics) {
	wanted := plan.permissions()
	if slices.Equal(member.Permissions, wanted) {
		return member, nil
	}
	answer, err := r.client.SetSpaceMember(ctx, member, wanted)
	if err == nil && slices.Equal(answer.Permissions, wanted) {
		return answer, nil
	}
	if (err == nil || refusedByHeroku(err)) && r.isAdmin(ctx, member) {
		return answer, diag.Diagnostics{adminKeepsPermission(plan.String())}
	}
	const summary = "Unable to set the permissions of the member"
	if err != nil {
		return answer, diag.Diagnostics{r.memberFailure(ctx, summary, plan, err)}
	}
	return answer, diag.Diagnostics{diag.NewErrorDiagnostic(summary, fmt.Sprintf("%s: Heroku was asked for %q and answered %q.",
		plan, wanted, answer.Permissions))}
}

func (r *spaceAppAccessResource) Read(ctx context.Context, req resource.ReadRequest, resp *resource.ReadResponse) {
	defer recoverPanic(&resp.Diagnostics, "Reading the permissions of a member", nil)
	var state spaceAppAccessModel
	if resp.Diagnostics.Append(req.State.Get(ctx, &state)...); resp.Diagnostics.HasError() || !r.ready(&resp.Diagnostics) {
		return
	}
	const summary = "Unable to read the permissions of the member"
	if err := r.identifySpace(ctx, &state.SpaceID); err != nil {
		resp.Diagnostics.Append(r.failure(summary, state.String(), err))
		return
	}
	r.run.noteRead(state.object())
	// The framework wants an identity even if the object is gone, and older CLIs keep none.
	resp.Diagnostics.Append(resp.Identity.Set(ctx, state.identity())...)
	member, err := r.member(ctx, state)
	switch {
	case heroku.IsNotFound(err):
		resp.Diagnostics.Append(r.goneDiagnostic(ctx, state))
		resp.State.RemoveResource(ctx)
		return
	case err != nil:
		resp.Diagnostics.Append(r.failure(summary, state.String(), err))
		return
	}
	state.SpaceName = optionalString(member.SpaceName)
	state.read(member)
	resp.Diagnostics.Append(resp.State.Set(ctx, &state)...)
}

// Update takes permissions from the former member before it gives them to another one, so that a failure in between leaves none behind.
func (r *spaceAppAccessResource) Update(ctx context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	defer recoverPanic(&resp.Diagnostics, "Changing the permissions of a member", nil)
	var state, plan spaceAppAccessModel
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	if resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...); resp.Diagnostics.HasError() || !r.ready(&resp.Diagnostics) {
		return
	}
	if plan.key() == state.key() {
		resp.Diagnostics.Append(r.change(ctx, state, plan)...)
		plan.ID, plan.SpaceName, plan.TakenOver = state.ID, plannedName(plan.SpaceName, state.SpaceName), state.TakenOver
	} else {
		if !r.run.awaitClaim(ctx, state.claimKey(), planningTime) { // by an instance whose index has shifted
			resp.Diagnostics.Append(r.giveUp(ctx, state)...)
		}
		if !resp.Diagnostics.HasError() {
			resp.Diagnostics.Append(r.grant(ctx, &plan)...)
		}
	}
	if resp.Diagnostics.HasError() {
		return
	}
	resp.Diagnostics.Append(resp.State.Set(ctx, &plan)...)
	resp.Diagnostics.Append(resp.Identity.Set(ctx, plan.identity())...)
}

// change updates the permissions of the same member.
func (r *spaceAppAccessResource) change(ctx context.Context, state, plan spaceAppAccessModel) diag.Diagnostics {
	if slices.Equal(plan.permissions(), state.permissions()) {
		return nil
	}
	member, err := r.member(ctx, state)
	if err != nil {
		return diag.Diagnostics{r.memberFailure(ctx, "Unable to set the permissions of the member", state, err)}
	}
	now := liveValue{"permissions", state.Permissions, plan.Permissions, stringSet(member.Permissions)}
	if diags := refuseOutdated(state.String(), now); diags.HasError() {
		return diags
	}
	r.run.noteKept(state.object())
	_, diags := r.set(ctx, plan, member)
	return diags
}

// Delete takes away the permissions that this resource has given. It does nothing for somebody who has left the team.
func (r *spaceAppAccessResource) Delete(ctx context.Context, req resource.DeleteRequest, resp *resource.DeleteResponse) {
	defer recoverPanic(&resp.Diagnostics, "Taking away the permissions of a member", nil)
	var state spaceAppAccessModel
	left, diags := req.Private.GetKey(ctx, leftToSuccessor)
	resp.Diagnostics.Append(diags...)
	if resp.Diagnostics.Append(req.State.Get(ctx, &state)...); resp.Diagnostics.HasError() || !r.ready(&resp.Diagnostics) {
		return
	}
	r.run.noteInState(state.object()) // for the instance that takes it over: on OpenTofu, its ModifyPlan cannot recognize an apply
	if len(left) == 0 {
		resp.Diagnostics.Append(r.giveUp(ctx, state)...)
	}
}

// giveUp takes the permissions away, unless another instance sets those of this member.
func (r *spaceAppAccessResource) giveUp(ctx context.Context, state spaceAppAccessModel) (diags diag.Diagnostics) {
	if r.run.skipDelete(state.object()) {
		return nil
	}
	defer r.run.noteDeleted(state.object())
	if len(state.permissions()) == 0 { // permissions given since then are not this resource's
		return nil
	}
	member, err := r.member(ctx, state)
	if err == nil && len(member.Permissions) > 0 {
		var answer heroku.SpaceMember
		answer, err = r.client.SetSpaceMember(ctx, member, nil)
		if kept := err == nil && len(answer.Permissions) > 0; kept || refusedByHeroku(err) && r.isAdmin(ctx, member) {
			diags.AddWarning("The member may still create apps", fmt.Sprintf(
				"%s is no longer managed, and the permission stays: Heroku cannot revoke it for an admin of the team.", state))
			return diags
		}
	}
	if err != nil && !heroku.IsNotFound(err) {
		diags.Append(r.failure("Unable to take away the permissions of the member", state.String(), err))
	}
	return diags
}

// ImportState takes the space, by its UUID or its name, and the e-mail address, with a colon between them.
func (r *spaceAppAccessResource) ImportState(ctx context.Context, req resource.ImportStateRequest, resp *resource.ImportStateResponse) {
	defer recoverPanic(&resp.Diagnostics, "Importing the permissions of a member", nil)
	reference := pairReference(ctx, req, "space_id", "email", &resp.Diagnostics)
	space, address, both := strings.Cut(reference, ":")
	var notation emailNotation
	if _, err := notation.normalize(address); !both || err != nil {
		resp.Diagnostics.Append(invalidImport(reference, "the space, by its UUID or its name, and the e-mail address of the member, with a "+
			"colon between them", "acme-prod:dev@acme.example"))
	}
	if resp.Diagnostics.HasError() || !r.ready(&resp.Diagnostics) {
		return
	}
	found, diags := r.findSpace(ctx, space)
	if resp.Diagnostics.Append(diags...); diags.HasError() {
		return
	}
	m := spaceAppAccessModel{SpaceID: types.StringValue(string(found.ID)), Email: newEmailAddress(address)}
	member, err := r.member(ctx, m)
	if err != nil {
		resp.Diagnostics.Append(r.memberFailure(ctx, "Unable to import the permissions of the member", m, err))
		return
	}
	m.SpaceName = optionalString(found.Name)
	m.read(member)
	resp.Diagnostics.Append(resp.State.Set(ctx, &m)...)
	resp.Diagnostics.Append(resp.Identity.Set(ctx, m.identity())...)
}

func (m spaceAppAccessModel) spaceID() heroku.SpaceID { return heroku.SpaceID(m.SpaceID.ValueString()) }

// known reports whether the plan says which member of which space it is about.
func (m spaceAppAccessModel) known() bool { return known(m.SpaceID) && known(m.Email.StringValue) }

// key is the id, independent of the spelling of the address.
func (m spaceAppAccessModel) key() string {
	return m.SpaceID.ValueString() + ":" + m.Email.normalized()
}

func (m spaceAppAccessModel) object() object { return object{spaceAppAccessType, m.key()} }

// claimKey identifies the permissions of a member, which one instance may own.
func (m spaceAppAccessModel) claimKey() string { return "permissions of " + m.key() }

func (m spaceAppAccessModel) identity() spaceAppAccessIdentity {
	return spaceAppAccessIdentity{m.SpaceID, m.Email.StringValue}
}

// String names the member in a diagnostic.
func (m spaceAppAccessModel) String() string {
	return fmt.Sprintf("Member %s of space %s", m.Email.ValueString(), m.SpaceID.ValueString())
}

// permissions returns the known permissions, sorted.
func (m spaceAppAccessModel) permissions() []string {
	return slices.Sorted(slices.Values(stringsOf(m.Permissions)))
}

// read is the only mapping from Heroku's member to the state. An address that means the same keeps its spelling.
func (m *spaceAppAccessModel) read(member heroku.SpaceMember) {
	m.Email = newEmailAddress(string(member.Email)).orEquivalent(m.Email)
	m.ID = types.StringValue(m.key())
	m.Permissions = stringSet(member.Permissions)
}
