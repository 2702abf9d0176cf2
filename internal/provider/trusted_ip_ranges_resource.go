// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/terraform-plugin-framework-timeouts/resource/timeouts"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/identityschema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/boolplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/setplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringdefault"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/keyvalue"
)

// kvs_trusted_ip_ranges is the whole set of trusted IP ranges of one space, which Heroku calls its inbound ruleset.
// It belongs to the Platform API, and its identity is the space's UUID. Heroku cannot delete a ruleset, and a new space admits the
// whole internet, so destroying this resource changes nothing unless on_destroy asks for it.
//
// The ranges are the keys of a map: each is beside its description, no range can be listed twice, and a plan
// shows exactly the ranges that are added and removed.

var (
	_ resource.ResourceWithConfigure      = (*trustedRangesResource)(nil)
	_ resource.ResourceWithIdentity       = (*trustedRangesResource)(nil)
	_ resource.ResourceWithImportState    = (*trustedRangesResource)(nil)
	_ resource.ResourceWithModifyPlan     = (*trustedRangesResource)(nil)
	_ resource.ResourceWithValidateConfig = (*trustedRangesResource)(nil)
)

type trustedRangesResource struct{ connection }

func newTrustedRangesResource() resource.Resource { return &trustedRangesResource{} }

type trustedRangesModel struct {
	ID             types.String   `tfsdk:"id"`
	SpaceID        types.String   `tfsdk:"space_id"`
	SpaceName      types.String   `tfsdk:"space_name"`
	Ranges         types.Map      `tfsdk:"ranges"`
	OnDestroy      types.String   `tfsdk:"on_destroy"`
	Applied        types.Bool     `tfsdk:"applied"`
	PreviousRanges types.Set      `tfsdk:"previous_ranges"`
	Timeouts       timeouts.Value `tfsdk:"timeouts"`
}

// trustedRange is an element of the map ranges.
type trustedRange struct {
	Description types.String `tfsdk:"description"`
}

var trustedRangeType = types.ObjectType{AttrTypes: map[string]attr.Type{"description": types.StringType}}

type trustedRangesIdentity struct {
	SpaceID types.String `tfsdk:"space_id"`
}

// What destroying the resource does to the space.
const (
	onDestroyKeep    = "keep"
	onDestroyRestore = "restore_previous"
	onDestroyOpen    = "open"
)

// trustedRangesTimeout is far more than the "few moments" that a change may take (Dev Center: Private Spaces).
const trustedRangesTimeout = 10 * time.Minute

func (r *trustedRangesResource) Metadata(_ context.Context, req resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_trusted_ip_ranges"
}

func (r *trustedRangesResource) Schema(ctx context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "All trusted IP ranges of a Private or Shield Space. Clients outside these ranges cannot reach web processes " +
			"in the space. A space can have only one such resource, because each replaces the whole set. Teams that share a space use " +
			"`kvs_trusted_ip_range` instead.",
		Attributes: map[string]schema.Attribute{
			"id": schema.StringAttribute{
				Computed:            true,
				PlanModifiers:       []planmodifier.String{stringplanmodifier.UseStateForUnknown()},
				MarkdownDescription: "The UUID of the space.",
			},
			"space_id": schema.StringAttribute{
				Required:   true,
				Validators: []validator.String{uuidValidator()},
				MarkdownDescription: "The UUID of the space. Changing it leaves the previous space as described in `on_destroy` and sets the " +
					"ranges of the new one.",
			},
			"space_name": nameBeside("space_id", "The name of the space"),
			"ranges": schema.MapNestedAttribute{
				Required: true,
				MarkdownDescription: "The trusted ranges: IPv4 with a mask, such as `192.0.2.0/24`, each with an optional description. An empty " +
					"map blocks everybody. Changing it replaces the whole set in one step, in place.",
				NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
					"description": schema.StringAttribute{
						Optional: true,
						MarkdownDescription: "Description of the range. Heroku does not store it, so it is kept only in the state. Changing it sends no " +
							"request to Heroku.",
					},
				}},
			},
			"on_destroy": schema.StringAttribute{
				Optional:   true,
				Computed:   true,
				Default:    stringdefault.StaticString(onDestroyKeep),
				Validators: []validator.String{stringvalidator.OneOf(onDestroyKeep, onDestroyRestore, onDestroyOpen)},
				MarkdownDescription: "What happens when the resource is destroyed. `keep`, the default, leaves the ranges in force and only " +
					"removes the resource from the state. `restore_previous` sets the ranges from before this resource, unless they were open to the " +
					"internet. `open` sets `0.0.0.0/0`, which admits the whole internet. Changing it sends no request to Heroku.",
			},
			"applied": schema.BoolAttribute{
				Computed:      true,
				PlanModifiers: []planmodifier.Bool{boolplanmodifier.UseStateForUnknown()},
				MarkdownDescription: "Whether the ranges are in force, as reported by Heroku. If it is `false`, the next apply sets them again " +
					"and waits.",
			},
			"previous_ranges": schema.SetAttribute{
				Computed:      true,
				ElementType:   types.StringType,
				PlanModifiers: []planmodifier.Set{setplanmodifier.UseStateForUnknown()},
				MarkdownDescription: "The ranges that the space had before this resource, which `on_destroy = \"restore_previous\"` restores. " +
					"Null after an import.",
			},
			"timeouts": timeoutsAttribute(ctx, timeouts.Opts{
				Create:            true,
				Update:            true,
				CreateDescription: "How long to wait until the ranges are in force, such as `20m`. Defaults to `10m`.",
				UpdateDescription: "How long to wait until changed ranges are in force, such as `20m`. Defaults to `10m`.",
			}),
		},
	}
}

func (r *trustedRangesResource) IdentitySchema(_ context.Context, _ resource.IdentitySchemaRequest, resp *resource.IdentitySchemaResponse) {
	resp.IdentitySchema = identityschema.Schema{Attributes: map[string]identityschema.Attribute{
		"space_id": identityschema.StringAttribute{Description: "The UUID of the space.", RequiredForImport: true},
	}}
}

func (r *trustedRangesResource) Configure(_ context.Context, req resource.ConfigureRequest, resp *resource.ConfigureResponse) {
	r.configure(req.ProviderData, &resp.Diagnostics)
}

// ValidateConfig refuses invalid ranges, and suggests the one that was probably meant.
func (r *trustedRangesResource) ValidateConfig(ctx context.Context, req resource.ValidateConfigRequest,
	resp *resource.ValidateConfigResponse) {
	var config trustedRangesModel
	if resp.Diagnostics.Append(req.Config.Get(ctx, &config)...); resp.Diagnostics.HasError() {
		return
	}
	for _, key := range config.sources() {
		if err := keyvalue.ValidateCIDR(key); err != nil {
			resp.Diagnostics.Append(invalidValue(path.Root("ranges").AtMapKey(key), err))
		}
	}
}

// ModifyPlan warns of what the ranges mean for the space. Another space needs another object. An unknown space is planned in place,
// and Update refuses it if it turns out to be another one.
func (r *trustedRangesResource) ModifyPlan(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	var state, plan trustedRangesModel
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
		if resp.Diagnostics.Append(r.run.refuseDuplicate(state.object(), state.String(), isDestroyed)...); resp.Diagnostics.HasError() {
			return
		}
		if !r.run.leavesToSuccessor(ctx, state.claimKey(), resp) {
			resp.Diagnostics.Append(state.warnOfDestroy()...)
		}
		return
	}
	if resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...); exists && !resp.Diagnostics.HasError() {
		resp.Diagnostics.Append(r.run.refuseDuplicate(state.object(), state.String(), stays)...)
	}
	if resp.Diagnostics.HasError() {
		return
	}
	if exists && plan.SpaceID.IsUnknown() && r.run.willBeDestroyed(object{spaceType, state.SpaceID.ValueString()}) {
		resp.RequiresReplace.Append(path.Root("space_id"))
		resp.Diagnostics.Append(state.warnOfDestroy()...)
		return
	}
	if exists && known(plan.SpaceID) && !plan.SpaceID.Equal(state.SpaceID) {
		if applying {
			resp.Diagnostics.Append(fixedAtCreation(path.Root("space_id"), state.String(), state.SpaceID, plan.SpaceID))
			return
		}
		resp.RequiresReplace.Append(path.Root("space_id"))
		resp.Diagnostics.Append(state.warnOfDestroy()...)
		return
	}
	if resp.Diagnostics.Append(r.onlyOwner(state, plan, predecessor(ctx, req))...); resp.Diagnostics.HasError() {
		return
	}
	if !exists {
		resp.Diagnostics.Append(r.planPrevious(ctx, &plan, resp)...)
	}
	if plan.Ranges.IsUnknown() || state.Applied.Equal(types.BoolValue(false)) {
		resp.Diagnostics.Append(resp.Plan.SetAttribute(ctx, path.Root("applied"), types.BoolUnknown())...)
	}
	if !plan.Ranges.IsUnknown() && (!exists || !slices.Equal(plan.sources(), state.sources())) {
		resp.Diagnostics.Append(r.review(ctx, state, plan)...)
		resp.Diagnostics.Append(resp.Plan.SetAttribute(ctx, path.Root("applied"), types.BoolUnknown())...)
	}
}

// review warns of addresses that a change shuts out, and of ranges that may not mean what was intended.
func (r *trustedRangesResource) review(ctx context.Context, state, plan trustedRangesModel) diag.Diagnostics {
	var diags diag.Diagnostics
	shield, label := false, "A new space"
	if r.client != nil && known(plan.SpaceID) {
		label, shield, diags = r.spaceOfRanges(ctx, plan.spaceID(), path.Root("ranges"))
	}
	diags.Append(warnOfLoss(label, state.sources(), plan.sources())...)
	if hints := keyvalue.ReviewTrustedRanges(plan.sources(), shield); len(hints) > 0 {
		diags.AddAttributeWarning(path.Root("ranges"), "Trusted IP ranges may not mean what was intended", label+":\n\n"+bullets(hints))
	}
	return diags
}

func (m trustedRangesModel) warnOfDestroy() diag.Diagnostics {
	var diags diag.Diagnostics
	switch {
	case m.OnDestroy.ValueString() == onDestroyOpen:
		diags.AddWarning("The space will admit the whole internet", fmt.Sprintf(
			"on_destroy = %q sets %s as the only trusted range of space %s.", onDestroyOpen, keyvalue.Internet, m.SpaceID.ValueString()))
	case m.OnDestroy.ValueString() == onDestroyRestore && m.restorable() == nil:
		diags.AddWarning("The trusted IP ranges stay as they are", m.notRestored())
	case m.OnDestroy.ValueString() == onDestroyRestore:
		var restored []string
		for _, rule := range m.restorable() {
			restored = append(restored, rule.Source)
		}
		diags.Append(warnOfLoss("Space "+m.SpaceID.ValueString(), m.sources(), restored)...)
	}
	return diags
}

func (r *trustedRangesResource) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	saved := false
	defer recoverPanic(&resp.Diagnostics, "Setting trusted IP ranges", func() bool { return saved })
	var plan trustedRangesModel
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	timeout, diags := plan.Timeouts.Create(ctx, trustedRangesTimeout)
	if resp.Diagnostics.Append(diags...); resp.Diagnostics.HasError() || !r.ready(&resp.Diagnostics) {
		return
	}
	r.run.takeOver(ctx, plan.object())
	// A space that has just been allocated answers 404 at first (Platform API reference, spaces).
	previous, err := r.client.WaitTrustedRangesApplied(ctx, plan.spaceID(), timeout)
	if err != nil && !stillApplying(err) {
		resp.Diagnostics.Append(r.failure("Unable to read the trusted IP ranges", plan.String(), err))
		return
	}
	if refusal := plan.refuseOtherThanPlanned(previous); refusal != nil {
		resp.Diagnostics.Append(refusal)
		return
	}
	ruleset, err := r.client.SetTrustedRanges(ctx, plan.spaceID(), plan.rules())
	if err != nil {
		resp.Diagnostics.Append(r.failure("Unable to set the trusted IP ranges", plan.String(), err))
		return
	}
	plan.ID = plan.SpaceID
	plan.PreviousRanges = plan.previousOf(previous)
	plan.Applied, plan.SpaceName = appliedValue(ruleset), plannedName(plan.SpaceName, optionalString(ruleset.SpaceName))
	save := func() {
		resp.Diagnostics.Append(resp.State.Set(ctx, &plan)...)
		resp.Diagnostics.Append(resp.Identity.Set(ctx, trustedRangesIdentity{SpaceID: plan.SpaceID})...)
		saved = !resp.Diagnostics.HasError()
	}
	save()
	ruleset, err = r.client.WaitTrustedRangesApplied(ctx, plan.spaceID(), timeout)
	if err != nil {
		plan.Applied = types.BoolValue(false)
		resp.Diagnostics.AddWarning("The trusted IP ranges are not in force yet",
			r.failure("", plan.String(), err).Detail()+"\n\nThey are set and kept in the state; the next apply sets them again and waits.")
	} else {
		plan.Applied = appliedValue(ruleset)
	}
	save()
}

func (r *trustedRangesResource) Read(ctx context.Context, req resource.ReadRequest, resp *resource.ReadResponse) {
	defer recoverPanic(&resp.Diagnostics, "Reading trusted IP ranges", nil)
	var state trustedRangesModel
	if resp.Diagnostics.Append(req.State.Get(ctx, &state)...); resp.Diagnostics.HasError() || !r.ready(&resp.Diagnostics) {
		return
	}
	if err := r.identifySpace(ctx, &state.SpaceID); err != nil {
		resp.Diagnostics.Append(r.failure("Unable to read the trusted IP ranges", state.String(), err))
		return
	}
	r.run.noteRead(state.object())
	resp.Diagnostics.Append(resp.Identity.Set(ctx, trustedRangesIdentity{SpaceID: state.SpaceID})...)
	ruleset, err := r.client.TrustedRanges(ctx, state.spaceID())
	if heroku.IsNotFound(err) { // every space has a ruleset, so only a missing space proves that the ranges are gone
		if _, spaceErr := r.client.Space(ctx, state.spaceID()); heroku.IsNotFound(spaceErr) {
			resp.Diagnostics.AddWarning("The trusted IP ranges are gone with their space", fmt.Sprintf(
				"%s: the space does not exist any more, and its ranges went with it. A plan that creates them needs another space.", state))
			resp.State.RemoveResource(ctx)
			return
		}
		resp.Diagnostics.AddWarning("The trusted IP ranges could not be read", fmt.Sprintf(
			"%s: %s\n\nThat is no proof that the space is gone, so the state keeps the ranges that were read last. "+
				"Plan again to compare them with what is there.", state, whatHappened(err)))
		return
	}
	if err != nil {
		resp.Diagnostics.Append(r.failure("Unable to read the trusted IP ranges", state.String(), err))
		return
	}
	if denied := deniedBy(ruleset); len(denied) > 0 {
		resp.Diagnostics.AddWarning("The space has rules that deny", fmt.Sprintf(
			"%s: somebody has set rules that deny %s. This resource knows trusted ranges only; the next change of "+
				"ranges drops those rules.", state, strings.Join(denied, ", ")))
	}
	resp.Diagnostics.Append(state.warnOfOpening(ruleset)...)
	resp.Diagnostics.Append(state.read(ctx, ruleset)...)
	resp.Diagnostics.Append(resp.State.Set(ctx, &state)...)
}

func (r *trustedRangesResource) Update(ctx context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	defer recoverPanic(&resp.Diagnostics, "Changing trusted IP ranges", nil)
	var state, plan trustedRangesModel
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
	plan.SpaceName = state.SpaceName
	// Descriptions and on_destroy are in the state only.
	if !slices.Equal(plan.sources(), state.sources()) || !state.Applied.ValueBool() {
		if resp.Diagnostics.Append(r.refuseChangedRanges(ctx, state, plan)...); resp.Diagnostics.HasError() {
			return
		}
		r.run.takeOver(ctx, plan.object())
		if _, err := r.client.SetTrustedRanges(ctx, plan.spaceID(), plan.rules()); err != nil {
			resp.Diagnostics.Append(r.failure("Unable to set the trusted IP ranges", plan.String(), err))
			return
		}
		plan.Applied = types.BoolValue(false)
		resp.Diagnostics.Append(resp.State.Set(ctx, &plan)...)
		ruleset, err := r.client.WaitTrustedRangesApplied(ctx, plan.spaceID(), timeout)
		if err != nil {
			resp.Diagnostics.Append(r.failure("The trusted IP ranges are set, but not in force yet", plan.String(), err))
			return
		}
		plan.Applied = appliedValue(ruleset)
	} else {
		plan.Applied = state.Applied
	}
	resp.Diagnostics.Append(resp.State.Set(ctx, &plan)...)
	resp.Diagnostics.Append(resp.Identity.Set(ctx, trustedRangesIdentity{SpaceID: plan.SpaceID})...)
}

// Delete opens the space only if on_destroy says so: Heroku cannot remove a ruleset, and its default is the whole internet.
func (r *trustedRangesResource) Delete(ctx context.Context, req resource.DeleteRequest, resp *resource.DeleteResponse) {
	defer recoverPanic(&resp.Diagnostics, "Forgetting trusted IP ranges", nil)
	var state trustedRangesModel
	left, diags := req.Private.GetKey(ctx, leftToSuccessor)
	resp.Diagnostics.Append(diags...)
	if resp.Diagnostics.Append(req.State.Get(ctx, &state)...); resp.Diagnostics.HasError() || !r.ready(&resp.Diagnostics) {
		return
	}
	if len(left) > 0 || r.run.skipDelete(state.object()) { // another instance sets the ranges of this space
		return
	}
	defer r.run.noteDeleted(state.object())
	var rules []heroku.Rule
	switch state.OnDestroy.ValueString() {
	case onDestroyOpen:
		rules = []heroku.Rule{{Action: "allow", Source: keyvalue.Internet}}
	case onDestroyRestore:
		rules = state.restorable()
	}
	if rules == nil {
		return
	}
	_, err := r.client.SetTrustedRanges(ctx, state.spaceID(), rules)
	if err != nil && !heroku.IsNotFound(err) {
		resp.Diagnostics.Append(r.failure("Unable to set the trusted IP ranges", state.String(), err))
	}
}

// restorable returns the rules that restore_previous sets, nil if they are unknown or would open the space.
func (m trustedRangesModel) restorable() []heroku.Rule {
	if m.PreviousRanges.IsNull() || m.PreviousRanges.IsUnknown() {
		return nil
	}
	rules, sources := []heroku.Rule{}, []string{}
	for _, element := range m.PreviousRanges.Elements() {
		source, ok := element.(types.String)
		if !ok {
			return nil
		}
		sources = append(sources, source.ValueString())
		rules = append(rules, heroku.Rule{Action: "allow", Source: source.ValueString()})
	}
	if keyvalue.AdmitsInternet(sources) {
		return nil
	}
	return rules
}

func (m trustedRangesModel) notRestored() string {
	reason := "The ranges from before this resource are not known, since it was imported"
	if !m.PreviousRanges.IsNull() {
		reason = "Before this resource the space admitted the whole internet"
	}
	return fmt.Sprintf("%s, so on_destroy = %q restores nothing: the ranges of space %s stay in force. To open the "+
		"space on purpose, first apply on_destroy = %q.",
		reason, onDestroyRestore, m.SpaceID.ValueString(), onDestroyOpen)
}

// ImportState takes the space's UUID or its name.
func (r *trustedRangesResource) ImportState(ctx context.Context, req resource.ImportStateRequest, resp *resource.ImportStateResponse) {
	defer recoverPanic(&resp.Diagnostics, "Importing trusted IP ranges", nil)
	reference := importReference(ctx, req, path.Root("space_id"), &resp.Diagnostics)
	if resp.Diagnostics.HasError() || !r.ready(&resp.Diagnostics) {
		return
	}
	space, diags := r.findSpace(ctx, reference)
	if resp.Diagnostics.Append(diags...); resp.Diagnostics.HasError() {
		return
	}
	for _, attribute := range []string{"id", "space_id"} {
		resp.Diagnostics.Append(resp.State.SetAttribute(ctx, path.Root(attribute), string(space.ID))...)
	}
	resp.Diagnostics.Append(resp.State.SetAttribute(ctx, path.Root("on_destroy"), onDestroyKeep)...)
	resp.Diagnostics.Append(resp.Identity.Set(ctx, trustedRangesIdentity{SpaceID: types.StringValue(string(space.ID))})...)
}

func (m trustedRangesModel) spaceID() heroku.SpaceID { return heroku.SpaceID(m.SpaceID.ValueString()) }

// String names the set in a diagnostic.
func (m trustedRangesModel) String() string {
	return "Trusted IP ranges of space " + m.SpaceID.ValueString()
}

// sources returns the ranges, sorted.
func (m trustedRangesModel) sources() []string { return slices.Sorted(maps.Keys(m.Ranges.Elements())) }

func (m trustedRangesModel) rules() []heroku.Rule {
	rules := []heroku.Rule{}
	for _, source := range m.sources() {
		rules = append(rules, heroku.Rule{Action: "allow", Source: source})
	}
	return rules
}
