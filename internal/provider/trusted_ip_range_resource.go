// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"fmt"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework-timeouts/resource/timeouts"
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

// kvs_trusted_ip_range is one trusted IP range of one space, for teams that share the space: other ranges are left as they are.
//
// It is a part of the space's inbound ruleset, which the Platform API replaces as a whole only; heroku/trusted_ip_change.go changes
// one range of it. Its identity is the space and the range, so the identity is mutable: a changed range is set in place of the former
// one, in one request. A new space has 0.0.0.0/0, which makes all other ranges pointless; it is removed only by closes_space.
// trusted_ip_range_live.go has what the instances of one space plan together.

var (
	_ resource.ResourceWithConfigure   = (*trustedRangeResource)(nil)
	_ resource.ResourceWithIdentity    = (*trustedRangeResource)(nil)
	_ resource.ResourceWithImportState = (*trustedRangeResource)(nil)
	_ resource.ResourceWithModifyPlan  = (*trustedRangeResource)(nil)
)

type trustedRangeResource struct{ connection }

func newTrustedRangeResource() resource.Resource { return &trustedRangeResource{} }

type trustedRangeModel struct {
	ID          types.String   `tfsdk:"id"`
	SpaceID     types.String   `tfsdk:"space_id"`
	SpaceName   types.String   `tfsdk:"space_name"`
	Range       types.String   `tfsdk:"range"`
	Description types.String   `tfsdk:"description"`
	ClosesSpace types.Bool     `tfsdk:"closes_space"`
	ExpiresAt   expiry         `tfsdk:"expires_at"`
	Applied     types.Bool     `tfsdk:"applied"`
	TakesOver   types.Bool     `tfsdk:"takes_over"`
	Timeouts    timeouts.Value `tfsdk:"timeouts"`
}

type trustedRangeIdentity struct {
	SpaceID types.String `tfsdk:"space_id"`
	Range   types.String `tfsdk:"range"`
}

func (r *trustedRangeResource) Metadata(_ context.Context, req resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_trusted_ip_range"
	resp.ResourceBehavior.MutableIdentity = true
}

func (r *trustedRangeResource) Schema(ctx context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "One trusted IP range of a Private or Shield Space, for teams and modules that share the space. The other " +
			"ranges of the space stay as they are, whoever sets them. Heroku can only replace all ranges of a space at once, so the provider " +
			"reads them, changes them, writes them, and reads them again; it notices and keeps what somebody else has written meanwhile. " +
			"Ranges that are applied at the same time share one request. If one configuration owns all ranges of a space, use " +
			"`kvs_trusted_ip_ranges`; do not use both resources for one space. No two configurations may have the same range of a space: " +
			"neither can see the other, and destroying the range in one removes it for both.",
		Attributes: map[string]schema.Attribute{
			"id": schema.StringAttribute{
				Computed:            true,
				PlanModifiers:       []planmodifier.String{stringplanmodifier.UseStateForUnknown()},
				MarkdownDescription: "The UUID of the space and the range, separated by a colon.",
			},
			"space_id": schema.StringAttribute{
				Required:            true,
				Validators:          []validator.String{uuidValidator()},
				MarkdownDescription: "The UUID of the space. Changing it removes the range from the previous space and adds it to the new one.",
			},
			"space_name": nameBeside("space_id", "The name of the space"),
			"range": schema.StringAttribute{
				Required:   true,
				Validators: []validator.String{validatedBy(keyvalue.ValidateCIDR)},
				MarkdownDescription: "The range: IPv4 with a mask, such as `192.0.2.0/24`. Changing it replaces this range with the new one in " +
					"one step. A range that the space already has is refused: import it instead.",
			},
			"description": schema.StringAttribute{
				Optional: true,
				MarkdownDescription: "Description of the range. Heroku does not store it, so it is kept only in the state. Changing it sends no " +
					"request to Heroku.",
			},
			"closes_space": schema.BoolAttribute{
				Optional: true,
				MarkdownDescription: "Whether the space should admit only its trusted ranges. A new space has `" + keyvalue.Internet + "`, which " +
					"admits the whole internet regardless of its other ranges. `true` removes that range in the same request that adds this range. " +
					"Clients outside all ranges can no longer reach the space, so set it on a range that depends on all others. If somebody opens " +
					"the space later, the next plan shows it and closes the space again. Otherwise, and after `true` has been removed, only this " +
					"range changes: this resource never opens a space.",
			},
			"expires_at": schema.StringAttribute{
				CustomType:    expiryType{},
				Optional:      true,
				PlanModifiers: []planmodifier.String{keepEquivalent()},
				MarkdownDescription: "When the range is no longer needed, in RFC 3339, such as `2026-12-18T00:00:00Z`. From this time on, every " +
					"plan warns, and a policy can refuse the range; the range itself stays until it is removed. Changing it sends no request to " +
					"Heroku.",
			},
			"applied": schema.BoolAttribute{
				Computed:      true,
				PlanModifiers: []planmodifier.Bool{boolplanmodifier.UseStateForUnknown()},
				MarkdownDescription: "Whether the ranges of the space are in force, as reported by Heroku. If it is `false`, the next apply waits " +
					"for this, and sets the ranges again if it has taken too long.",
			},
			"takes_over": schema.BoolAttribute{
				Computed:      true,
				PlanModifiers: []planmodifier.Bool{boolplanmodifier.UseStateForUnknown()},
				MarkdownDescription: "Whether this resource took over an existing range, because another instance in the same plan managed it: " +
					"the instance that this one replaces, or an instance whose address has changed. Null otherwise.",
			},
			"timeouts": timeoutsAttribute(ctx, timeouts.Opts{
				Create: true, Update: true, Delete: true,
				CreateDescription: "How long to wait until the range is in force, such as `20m`. Defaults to `10m`.",
				UpdateDescription: "How long to wait until a changed range is in force, such as `20m`. Defaults to `10m`.",
				DeleteDescription: "How long to wait until the range is no longer in force, such as `20m`. Defaults to `10m`.",
			}),
		},
	}
}

func (r *trustedRangeResource) IdentitySchema(_ context.Context, _ resource.IdentitySchemaRequest, resp *resource.IdentitySchemaResponse) {
	resp.IdentitySchema = identityschema.Schema{Attributes: map[string]identityschema.Attribute{
		"space_id": identityschema.StringAttribute{Description: "The UUID of the space.", RequiredForImport: true},
		"range":    identityschema.StringAttribute{Description: "The range, such as 192.0.2.0/24.", RequiredForImport: true},
	}}
}

func (r *trustedRangeResource) Configure(_ context.Context, req resource.ConfigureRequest, resp *resource.ConfigureResponse) {
	r.configure(req.ProviderData, &resp.Diagnostics)
}

// ModifyPlan refuses a second owner and a range that somebody else has set, and warns of who is admitted and who is shut out. Another
// space needs another object. An unknown space is planned in place, and Update refuses it if it turns out to be another one.
func (r *trustedRangeResource) ModifyPlan(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	var state, plan trustedRangeModel
	applying := r.run.isApplying(r.client, req.ClientCapabilities.DeferralAllowed)
	exists := !req.State.Raw.IsNull()
	if exists {
		resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
		r.note(state)
		setReplacedID(ctx, resp, state.ID)
	}
	if resp.Diagnostics.HasError() {
		return
	}
	if req.Plan.Raw.IsNull() {
		if resp.Diagnostics.Append(r.run.refuseDuplicate(state.object(), state.String(), isDestroyed)...); resp.Diagnostics.HasError() {
			return
		}
		if !r.run.leavesToSuccessor(ctx, state.claimKey(), resp) {
			resp.Diagnostics.Append(r.warnOfEdit(ctx, state, rangeEdit{remove: state.ranges()})...)
		}
		return
	}
	if resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...); exists && !resp.Diagnostics.HasError() {
		resp.Diagnostics.Append(r.run.refuseDuplicate(state.object(), state.String(), plan.changeFrom(state))...)
	}
	if resp.Diagnostics.HasError() {
		return
	}
	otherSpace := exists && known(plan.SpaceID) && !plan.SpaceID.Equal(state.SpaceID)
	switch {
	case otherSpace && applying:
		resp.Diagnostics.Append(fixedAtCreation(path.Root("space_id"), state.String(), state.SpaceID, plan.SpaceID))
		return
	case otherSpace || exists && plan.SpaceID.IsUnknown() && r.run.willBeDestroyed(object{spaceType, state.SpaceID.ValueString()}):
		resp.RequiresReplace.Append(path.Root("space_id"))
		resp.Diagnostics.Append(r.warnOfEdit(ctx, state, rangeEdit{remove: state.ranges()})...)
		return
	}
	replaced := predecessor(ctx, req)
	if resp.Diagnostics.Append(r.onlyOwner(state, plan, replaced)...); resp.Diagnostics.HasError() {
		return
	}
	if !exists || !plan.Range.Equal(state.Range) {
		plan.ID, plan.Applied = plan.plannedID(), types.BoolUnknown()
		resp.Diagnostics.Append(r.planTakeOver(ctx, &plan, replaced, applying)...)
	}
	if closes := plan.ClosesSpace; closes.IsUnknown() || closes.ValueBool() && !state.ClosesSpace.ValueBool() ||
		state.Applied.Equal(types.BoolValue(false)) {
		plan.Applied = types.BoolUnknown()
	}
	if !resp.Diagnostics.HasError() {
		resp.Diagnostics.Append(r.warnOfEdit(ctx, plan, plan.editOf(state))...)
		resp.Diagnostics.Append(r.warnOfExpiry(plan)...)
	}
	resp.Diagnostics.Append(resp.Plan.Set(ctx, &plan)...)
}

func (r *trustedRangeResource) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	saved := false
	defer recoverPanic(&resp.Diagnostics, "Adding a trusted IP range", func() bool { return saved })
	var plan trustedRangeModel
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	timeout, diags := plan.Timeouts.Create(ctx, trustedRangesTimeout)
	if resp.Diagnostics.Append(diags...); resp.Diagnostics.HasError() || !r.ready(&resp.Diagnostics) {
		return
	}
	r.run.takeOver(ctx, plan.object())
	edit := plan.editOf(trustedRangeModel{})
	change := heroku.TrustedRangesChange{Add: edit.add, Remove: edit.remove, New: !plan.mayTakeOver()}
	ruleset, err := r.client.ChangeTrustedRanges(ctx, plan.spaceID(), change)
	if resp.Diagnostics.Append(r.changeDiagnostics(plan, err)...); resp.Diagnostics.HasError() {
		return
	}
	plan.setCreated(ruleset)
	save := func() {
		resp.Diagnostics.Append(resp.State.Set(ctx, &plan)...)
		resp.Diagnostics.Append(resp.Identity.Set(ctx, plan.identity())...)
		saved = !resp.Diagnostics.HasError()
	}
	save()
	if ruleset, err = r.client.WaitTrustedRangesChanged(ctx, plan.spaceID(), change, timeout); err != nil {
		resp.Diagnostics.AddWarning("The trusted IP range is not in force yet",
			r.failure("", plan.String(), err).Detail()+"\n\nIt is set and kept in the state; the next apply waits for it.")
	} else {
		plan.Applied = appliedValue(ruleset)
	}
	save()
}

func (r *trustedRangeResource) Read(ctx context.Context, req resource.ReadRequest, resp *resource.ReadResponse) {
	defer recoverPanic(&resp.Diagnostics, "Reading a trusted IP range", nil)
	var state trustedRangeModel
	if resp.Diagnostics.Append(req.State.Get(ctx, &state)...); resp.Diagnostics.HasError() || !r.ready(&resp.Diagnostics) {
		return
	}
	r.run.noteRead(state.object())
	r.note(state)
	resp.Diagnostics.Append(resp.Identity.Set(ctx, state.identity())...)
	ruleset, err := r.client.SharedTrustedRanges(ctx, state.spaceID())
	if heroku.IsNotFound(err) { // every space has a ruleset, so only a missing space proves that the range is gone
		if r.spaceGone(ctx, state) {
			resp.Diagnostics.AddWarning("The trusted IP range is gone with its space", fmt.Sprintf(
				"%s: the space does not exist any more, and its ranges went with it. A plan that adds it needs another space.", state))
			resp.State.RemoveResource(ctx)
			return
		}
		resp.Diagnostics.AddWarning("The trusted IP range could not be read", fmt.Sprintf(
			"%s: %s\n\nThat is no proof that the space is gone, so the state keeps what was read last. "+
				"Plan again to compare it with what is there.", state, whatHappened(err)))
		return
	}
	if err != nil {
		resp.Diagnostics.Append(r.failure("Unable to read the trusted IP range", state.String(), err))
		return
	}
	if !state.in(ruleset) {
		resp.Diagnostics.AddWarning("The trusted IP range is gone", fmt.Sprintf(
			"%s is in the state and not at Heroku: %s has set the ranges of the space to %s. "+
				"As long as the configuration has it, the plan adds it again.", state, setBy(ruleset), listed(allowed(ruleset))))
		resp.State.RemoveResource(ctx)
		return
	}
	resp.Diagnostics.Append(r.warnOfOpening(state, ruleset)...)
	state.read(ruleset, r.client.HostTime())
	resp.Diagnostics.Append(resp.State.Set(ctx, &state)...)
}

// Update replaces the range of the state by another one, in one request. An error leaves the state as it was.
func (r *trustedRangeResource) Update(ctx context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	defer recoverPanic(&resp.Diagnostics, "Changing a trusted IP range", nil)
	var state, plan trustedRangeModel
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	timeout, diags := plan.Timeouts.Update(ctx, trustedRangesTimeout)
	if resp.Diagnostics.Append(diags...); resp.Diagnostics.HasError() || !r.ready(&resp.Diagnostics) {
		return
	}
	if !plan.SpaceID.Equal(state.SpaceID) {
		resp.Diagnostics.Append(fixedAtCreation(path.Root("space_id"), state.String(), state.SpaceID, plan.SpaceID))
		return
	}
	change, diags := r.changeOf(ctx, state, plan)
	if resp.Diagnostics.Append(diags...); resp.Diagnostics.HasError() {
		return
	}
	plan.ID, plan.SpaceName = plan.plannedID(), state.SpaceName
	save := func() {
		resp.Diagnostics.Append(resp.State.Set(ctx, &plan)...)
		resp.Diagnostics.Append(resp.Identity.Set(ctx, plan.identity())...)
	}
	if change == nil { // the other attributes are in the state only
		plan.Applied = state.Applied
		plan.resolveTakesOver()
		save()
		return
	}
	ruleset, err := r.client.ChangeTrustedRanges(ctx, plan.spaceID(), *change)
	r.run.noteDeleted(state.object())
	if resp.Diagnostics.Append(r.changeDiagnostics(plan, err)...); resp.Diagnostics.HasError() {
		return
	}
	plan.setCreated(ruleset)
	save()
	if ruleset, err = r.client.WaitTrustedRangesChanged(ctx, plan.spaceID(), *change, timeout); err != nil {
		resp.Diagnostics.Append(r.failure("The trusted IP range is set, but not in force yet", plan.String(), err))
		return
	}
	plan.Applied = appliedValue(ruleset)
	save()
}

// Delete removes the range and nothing else. Removing the last range does not open the space.
func (r *trustedRangeResource) Delete(ctx context.Context, req resource.DeleteRequest, resp *resource.DeleteResponse) {
	defer recoverPanic(&resp.Diagnostics, "Removing a trusted IP range", nil)
	var state trustedRangeModel
	left, diags := req.Private.GetKey(ctx, leftToSuccessor)
	resp.Diagnostics.Append(diags...)
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	timeout, diags := state.Timeouts.Delete(ctx, trustedRangesTimeout)
	if resp.Diagnostics.Append(diags...); resp.Diagnostics.HasError() || !r.ready(&resp.Diagnostics) {
		return
	}
	r.note(state)
	if len(left) > 0 || r.run.skipDelete(state.object()) { // another instance has the range
		return
	}
	defer r.run.noteDeleted(state.object())
	change := heroku.TrustedRangesChange{Remove: state.ranges()}
	_, err := r.client.ChangeTrustedRanges(ctx, state.spaceID(), change)
	r.run.noteDeleted(state.object())
	if heroku.IsNotFound(err) {
		return // it went with its space
	}
	if resp.Diagnostics.Append(r.changeDiagnostics(state, err)...); resp.Diagnostics.HasError() {
		return
	}
	if _, err = r.client.WaitTrustedRangesChanged(ctx, state.spaceID(), change, timeout); err != nil && !r.spaceGone(ctx, state) {
		resp.Diagnostics.AddWarning("The trusted IP range is removed, but may still be in force",
			r.failure("", state.String(), err).Detail())
	}
}

// ImportState takes the space, by its UUID or its name, and the range: SPACE:RANGE.
func (r *trustedRangeResource) ImportState(ctx context.Context, req resource.ImportStateRequest, resp *resource.ImportStateResponse) {
	defer recoverPanic(&resp.Diagnostics, "Importing a trusted IP range", nil)
	id := importReference(ctx, req, path.Root("space_id"), &resp.Diagnostics)
	space, source, _ := strings.Cut(id, ":")
	if req.ID == "" && req.Identity != nil {
		var identified types.String // null when nothing was given at all
		resp.Diagnostics.Append(req.Identity.GetAttribute(ctx, path.Root("range"), &identified)...)
		space, source = id, identified.ValueString()
	}
	if err := keyvalue.ValidateCIDR(source); err != nil {
		resp.Diagnostics.Append(invalidImport(strings.TrimSuffix(space+":"+source, ":"),
			"the UUID or the name of a space, a colon and the range", "acme-prod:192.0.2.0/24"))
	}
	if resp.Diagnostics.HasError() || !r.ready(&resp.Diagnostics) {
		return
	}
	found, diags := r.findSpace(ctx, space)
	if resp.Diagnostics.Append(diags...); resp.Diagnostics.HasError() {
		return
	}
	state := trustedRangeModel{SpaceID: types.StringValue(string(found.ID)), Range: types.StringValue(source)}
	ruleset, err := r.client.SharedTrustedRanges(ctx, found.ID)
	if err != nil {
		resp.Diagnostics.Append(r.failure("Unable to read the trusted IP range", state.String(), err))
		return
	}
	if !state.in(ruleset) {
		resp.Diagnostics.AddError("The space does not have the trusted IP range", fmt.Sprintf(
			"Space %q (%s) has no range %s to import; it has %s.", found.Name, found.ID, source, listed(allowed(ruleset))))
		return
	}
	for attribute, value := range map[string]types.String{"id": state.plannedID(), "space_id": state.SpaceID, "range": state.Range} {
		resp.Diagnostics.Append(resp.State.SetAttribute(ctx, path.Root(attribute), value)...)
	}
	resp.Diagnostics.Append(resp.Identity.Set(ctx, state.identity())...)
}
