// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"cmp"
	"context"
	"strings"
	"time"

	"github.com/hashicorp/terraform-plugin-framework-timeouts/resource/timeouts"
	"github.com/hashicorp/terraform-plugin-framework-validators/int64validator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/identityschema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/booldefault"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/boolplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/setplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/keyvalue"
)

// kvs_private_space is a Private or Shield Space: an isolated network for apps and their stores. It belongs to the Platform API, and
// its identity is the space's UUID. Heroku fixes nearly every attribute of a space at creation. A change of the team transfers the
// space with all apps in it.

var (
	_ resource.ResourceWithConfigure      = (*privateSpaceResource)(nil)
	_ resource.ResourceWithIdentity       = (*privateSpaceResource)(nil)
	_ resource.ResourceWithImportState    = (*privateSpaceResource)(nil)
	_ resource.ResourceWithModifyPlan     = (*privateSpaceResource)(nil)
	_ resource.ResourceWithValidateConfig = (*privateSpaceResource)(nil)
)

type privateSpaceResource struct{ connection }

func newPrivateSpaceResource() resource.Resource { return &privateSpaceResource{} }

type privateSpaceModel struct {
	ID                 types.String   `tfsdk:"id"`
	Name               types.String   `tfsdk:"name"`
	Team               types.String   `tfsdk:"team"`
	Region             regionName     `tfsdk:"region"`
	Shield             types.Bool     `tfsdk:"shield"`
	Generation         generationName `tfsdk:"generation"`
	CIDR               types.String   `tfsdk:"cidr"`
	DataCIDR           types.String   `tfsdk:"data_cidr"`
	LogDrainURLWO      types.String   `tfsdk:"log_drain_url_wo"`
	LogDrainURLVersion wholeNumber    `tfsdk:"log_drain_url_wo_version"`
	DeletionProtection types.Bool     `tfsdk:"deletion_protection"`
	State              types.String   `tfsdk:"state"`
	OutboundIPs        types.Set      `tfsdk:"outbound_ips"`
	CreatedAt          types.String   `tfsdk:"created_at"`
	Timeouts           timeouts.Value `tfsdk:"timeouts"`
}

type privateSpaceIdentity struct {
	ID types.String `tfsdk:"id"`
}

// Allocation takes up to ten minutes (Dev Center: Private Spaces); the official CLI gives up after 25.
const (
	spaceCreateTimeout = 45 * time.Minute
	spaceUpdateTimeout = 20 * time.Minute
	spaceDeleteTimeout = 30 * time.Minute
)

func (r *privateSpaceResource) Metadata(_ context.Context, req resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_private_space"
}

func (r *privateSpaceResource) Schema(ctx context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	keep := stringplanmodifier.UseStateForUnknown()
	resp.Schema = schema.Schema{
		MarkdownDescription: "A Private or Shield Space: an isolated network in which apps and their stores run. " +
			"A new space admits web traffic from the whole internet; restrict it with `kvs_trusted_ip_ranges`.",
		Attributes: map[string]schema.Attribute{
			"id": schema.StringAttribute{
				Computed:            true,
				PlanModifiers:       []planmodifier.String{keep},
				MarkdownDescription: "The UUID of the space. It stays the same when the space is renamed or transferred.",
			},
			"name": schema.StringAttribute{
				Required:            true,
				Validators:          []validator.String{validatedBy(keyvalue.ValidateSpaceName)},
				MarkdownDescription: "The name of the space. Changing it renames the space in place.",
			},
			"team": schema.StringAttribute{
				Required:   true,
				Validators: []validator.String{validatedBy(validateTeamName)},
				MarkdownDescription: "The name of the team that owns the space. Changing it transfers the space, with all apps in it, to another " +
					"team of the same enterprise account. The user of the API token must be an admin of both teams.",
			},
			"region": schema.StringAttribute{
				Optional:      true,
				Computed:      true,
				CustomType:    regionNameType{},
				PlanModifiers: []planmodifier.String{keep, keepEquivalent()},
				MarkdownDescription: "The region, such as `" + strings.Join(keyvalue.PrivateRegions(), "`, `") + "`, in upper or lower case. If " +
					"omitted, Heroku chooses a region. Changing it replaces the space, which `deletion_protection` refuses. Omitting it never " +
					"replaces the space.",
			},
			"shield": schema.BoolAttribute{
				Optional:      true,
				Computed:      true,
				PlanModifiers: []planmodifier.Bool{boolplanmodifier.UseStateForUnknown()},
				MarkdownDescription: "Whether the space is a Shield Space. Defaults to `false` for a new space. Changing it replaces the space, " +
					"which `deletion_protection` refuses. Omitting it never replaces the space.",
			},
			"generation": schema.StringAttribute{
				Optional:      true,
				Computed:      true,
				CustomType:    generationNameType{},
				PlanModifiers: []planmodifier.String{keep, keepEquivalent()},
				MarkdownDescription: "The generation of Heroku's platform: `cedar`, which Heroku chooses for a new space if this is omitted, or " +
					"`fir`. A `fir` space cannot be a Shield Space. It has no trusted IP ranges of your own, so it admits web traffic from the whole " +
					"internet. Its `outbound_ips` include IPv6 addresses. Apps and forks of stores cannot move from `cedar` to `fir`. Changing it " +
					"replaces the space, which `deletion_protection` refuses. Omitting it never replaces the space.",
			},
			"cidr": schema.StringAttribute{
				Optional:      true,
				Computed:      true,
				Validators:    []validator.String{validatedBy(keyvalue.ValidateDynoCIDR)},
				PlanModifiers: []planmodifier.String{keep},
				MarkdownDescription: "The private IPv4 range of the space's dynos, exactly a `/16`. Defaults to `" + keyvalue.DefaultDynoCIDR + "` " +
					"for a new space. Changing it replaces the space, which `deletion_protection` refuses. Omitting it never replaces the space.",
			},
			"data_cidr": schema.StringAttribute{
				Optional:      true,
				Computed:      true,
				Validators:    []validator.String{validatedBy(keyvalue.ValidateDataCIDR)},
				PlanModifiers: []planmodifier.String{keep},
				MarkdownDescription: "The private IPv4 range of the space's data services, a `/16` to a `/20`. If omitted, Heroku chooses a range " +
					"for a new space. Changing it replaces the space, which `deletion_protection` refuses. Omitting it never replaces the space.",
			},
			"log_drain_url_wo": schema.StringAttribute{
				Optional:  true,
				WriteOnly: true,
				Sensitive: true,
				Validators: []validator.String{validatedBy(keyvalue.ValidateLogDrainURL),
					stringvalidator.AlsoRequires(path.MatchRoot("log_drain_url_wo_version"))},
				MarkdownDescription: "The `https` URL to which Heroku sends the logs of the whole space. It is not stored in the state, so a new " +
					"value takes effect when `log_drain_url_wo_version` changes. Heroku cannot remove a log drain: if the URL is omitted later, the " +
					"logs continue to be sent there.",
			},
			"log_drain_url_wo_version": schema.Int64Attribute{
				Optional:   true,
				CustomType: versionNumber,
				Validators: []validator.Int64{int64validator.AlsoRequires(path.MatchRoot("log_drain_url_wo"))},
				MarkdownDescription: "A whole number to change whenever `log_drain_url_wo` changes. Changing it sets the space's log drain in " +
					"place.",
			},
			"deletion_protection": schema.BoolAttribute{
				Optional: true,
				Computed: true,
				Default:  booldefault.StaticBool(true),
				MarkdownDescription: "Whether this provider refuses to destroy or replace the space. To destroy the space on purpose, set it to " +
					"`false` and apply first. Heroku has no such protection: the dashboard and the CLI can still destroy an empty space. Defaults to " +
					"`true`.",
			},
			"state": schema.StringAttribute{
				Computed:            true,
				PlanModifiers:       []planmodifier.String{keep},
				MarkdownDescription: "`allocated` if the space is ready, `allocating` before that. The next apply waits until the space is ready.",
			},
			"outbound_ips": schema.SetAttribute{
				Computed:      true,
				ElementType:   types.StringType,
				PlanModifiers: []planmodifier.Set{setplanmodifier.UseStateForUnknown()},
				MarkdownDescription: "The stable IP addresses of outbound connections from the apps in the space. Null until Heroku has assigned " +
					"them.",
			},
			"created_at": schema.StringAttribute{
				Computed:            true,
				PlanModifiers:       []planmodifier.String{keep},
				MarkdownDescription: "When the space was ordered, in RFC 3339.",
			},
			"timeouts": timeoutsAttribute(ctx, timeouts.Opts{
				Create: true,
				Update: true,
				Delete: true,
				CreateDescription: "How long to wait for a new space, such as `1h`. Defaults to `45m`. After this time, the space is kept, a " +
					"warning is shown, and the next apply continues to wait.",
				UpdateDescription: "How long to wait for a transfer, such as `30m`. Defaults to `20m`.",
				DeleteDescription: "How long to wait until a destroyed space is gone. Defaults to `30m`.",
			}),
		},
	}
}

func (r *privateSpaceResource) IdentitySchema(_ context.Context, _ resource.IdentitySchemaRequest, resp *resource.IdentitySchemaResponse) {
	resp.IdentitySchema = identityschema.Schema{Attributes: map[string]identityschema.Attribute{
		"id": identityschema.StringAttribute{Description: "The UUID of the space.", RequiredForImport: true},
	}}
}

func (r *privateSpaceResource) Configure(_ context.Context, req resource.ConfigureRequest, resp *resource.ConfigureResponse) {
	r.configure(req.ProviderData, &resp.Diagnostics)
}

// ValidateConfig checks the two ranges together, where an absent one means Heroku's default, and the generation together with
// shield.
func (r *privateSpaceResource) ValidateConfig(ctx context.Context, req resource.ValidateConfigRequest,
	resp *resource.ValidateConfigResponse) {
	var config privateSpaceModel
	if resp.Diagnostics.Append(req.Config.Get(ctx, &config)...); resp.Diagnostics.HasError() {
		return
	}
	if err := keyvalue.ValidateGeneration(config.Generation.normalized(), config.Shield.ValueBool()); err != nil {
		resp.Diagnostics.AddAttributeError(path.Root("generation"), "The generation has no Shield Spaces", err.Error()+".")
	}
	if config.CIDR.IsUnknown() || config.DataCIDR.IsUnknown() {
		return
	}
	dyno := cmp.Or(config.CIDR.ValueString(), keyvalue.DefaultDynoCIDR)
	data := cmp.Or(config.DataCIDR.ValueString(), keyvalue.DefaultDataCIDR)
	if err := keyvalue.ValidateSpaceNetworks(dyno, data); err != nil {
		resp.Diagnostics.AddAttributeError(path.Root("data_cidr"), "The networks of the space overlap", err.Error()+".")
	}
}

// ModifyPlan refuses to destroy or replace a protected space. It plans an update for a space that is not allocated yet, so that the
// next apply continues to wait.
func (r *privateSpaceResource) ModifyPlan(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	var state, plan, config privateSpaceModel
	if !req.State.Raw.IsNull() {
		resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	}
	if req.Plan.Raw.IsNull() {
		if !resp.Diagnostics.HasError() {
			resp.Diagnostics.Append(r.planDestroy(ctx, state, state.DeletionProtection.ValueBool(), isDestroyed)...)
		}
		return
	}
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	resp.Diagnostics.Append(req.Config.Get(ctx, &config)...)
	if resp.Diagnostics.HasError() {
		return
	}
	if req.State.Raw.IsNull() {
		resp.Diagnostics.Append(r.planCreate(ctx, plan, config, &resp.Plan)...)
		return
	}
	if resp.Diagnostics.Append(state.refuseUnknown(plan)...); resp.Diagnostics.HasError() {
		return
	}
	if changes := state.fixedChanges(plan); len(changes) > 0 {
		resp.Diagnostics.Append(state.refuseReplacement(plan, changes)...)
		resp.Diagnostics.Append(r.checkRegion(ctx, config.Region, spaceRegionUse)...)
		if resp.Diagnostics.HasError() {
			return
		}
		resp.Diagnostics.Append(r.run.planReplacement(req, resp, state.object(), state.String(), changes)...)
		if !resp.Diagnostics.HasError() {
			resp.Diagnostics.Append(r.planDestroy(ctx, state, false, isReplaced)...)
		}
	} else {
		resp.Diagnostics.Append(r.planInPlace(state, plan)...)
	}
	r.owners.setTeam(state.spaceID(), plan.Team.ValueString())
	resp.Diagnostics.Append(state.changeWarnings(plan, config)...)
	if !state.ready() {
		plan.State = types.StringUnknown()
		plan.OutboundIPs = types.SetUnknown(types.StringType)
		resp.Diagnostics.Append(resp.Plan.Set(ctx, &plan)...)
	}
}

func (r *privateSpaceResource) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	saved := false
	defer recoverPanic(&resp.Diagnostics, "Creating a Private Space", func() bool { return saved })
	var plan, config privateSpaceModel
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	resp.Diagnostics.Append(req.Config.Get(ctx, &config)...)
	timeout, diags := plan.Timeouts.Create(ctx, spaceCreateTimeout)
	if resp.Diagnostics.Append(diags...); resp.Diagnostics.HasError() || !r.ready(&resp.Diagnostics) {
		return
	}
	space, err := r.client.CreateSpace(ctx, heroku.SpaceCreate{
		Name:        plan.Name.ValueString(),
		Team:        plan.Team.ValueString(),
		Region:      plan.Region.normalized(),
		CIDR:        plan.CIDR.ValueString(),
		DataCIDR:    plan.DataCIDR.ValueString(),
		Shield:      plan.Shield.ValueBool(),
		Generation:  plan.Generation.normalized(),
		LogDrainURL: heroku.Secret(config.LogDrainURLWO.ValueString()),
	})
	if err != nil {
		resp.Diagnostics.Append(r.creationFailure(ctx, plan.Name.ValueString(), err))
		return
	}
	save := func() {
		resp.Diagnostics.Append(resp.State.Set(ctx, &plan)...)
		resp.Diagnostics.Append(resp.Identity.Set(ctx, privateSpaceIdentity{ID: plan.ID})...)
		saved = !resp.Diagnostics.HasError()
	}
	plan.read(space, nil)
	save()

	// From here on an error would taint the space, and the next apply would destroy it.
	if err := r.finish(ctx, &plan, timeout); declaredFailed(err) {
		resp.State.RemoveResource(ctx)
		resp.Diagnostics.Append(r.failure("Unable to create Private Space", plan.String(), err))
		return
	} else if err != nil {
		resp.Diagnostics.AddWarning("Private Space is not ready yet",
			r.failure("", plan.String(), err).Detail()+"\n\nThe space exists and is kept in the state. The next apply "+
				"continues with this same space: nothing is ordered again, and nothing is destroyed. "+
				"Apps cannot be created in it until then. To wait longer, raise timeouts.create."+failTheRun)
	}
	save()
}

// finish waits until the space is allocated and its addresses are assigned.
func (r *privateSpaceResource) finish(ctx context.Context, m *privateSpaceModel, timeout time.Duration) error {
	space, err := r.client.WaitSpaceAllocated(ctx, m.spaceID(), timeout)
	if err != nil {
		return err
	}
	nat, err := r.client.WaitSpaceNAT(ctx, space.ID, timeout)
	if err != nil {
		return err
	}
	m.read(space, &nat)
	return nil
}

func (r *privateSpaceResource) Read(ctx context.Context, req resource.ReadRequest, resp *resource.ReadResponse) {
	defer recoverPanic(&resp.Diagnostics, "Reading a Private Space", nil)
	var state privateSpaceModel
	if resp.Diagnostics.Append(req.State.Get(ctx, &state)...); resp.Diagnostics.HasError() || !r.ready(&resp.Diagnostics) {
		return
	}
	resp.Diagnostics.Append(resp.Identity.Set(ctx, privateSpaceIdentity{ID: state.ID})...)
	space, err := r.client.Space(ctx, state.spaceID())
	if heroku.IsNotFound(err) {
		resp.Diagnostics.Append(state.isGone())
		resp.State.RemoveResource(ctx)
		return
	}
	if err != nil {
		resp.Diagnostics.Append(r.failure("Unable to read Private Space", state.String(), err))
		return
	}
	nat, err := r.outboundOf(ctx, space)
	if err != nil {
		resp.Diagnostics.Append(r.failure("Unable to read the outbound addresses of Private Space", state.String(), err))
		return
	}
	state.read(space, nat)
	r.run.noteRefreshed(state.stateObject(unplanned))
	resp.Diagnostics.Append(resp.State.Set(ctx, &state)...)
}

func (r *privateSpaceResource) Update(ctx context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	defer recoverPanic(&resp.Diagnostics, "Updating a Private Space", nil)
	var state, plan, config privateSpaceModel
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	resp.Diagnostics.Append(req.Config.Get(ctx, &config)...)
	timeout, diags := plan.Timeouts.Update(ctx, spaceUpdateTimeout)
	if resp.Diagnostics.Append(diags...); resp.Diagnostics.HasError() || !r.ready(&resp.Diagnostics) {
		return
	}
	for _, c := range state.fixedChanges(plan) {
		resp.Diagnostics.Append(fixedAtCreation(path.Root(c.attribute), state.String(), c.from, c.to))
	}
	if resp.Diagnostics.HasError() {
		return
	}
	if resp.Diagnostics.Append(r.compareLive(ctx, state, plan)...); resp.Diagnostics.HasError() {
		return
	}
	for _, step := range r.steps(state, plan, heroku.Secret(config.LogDrainURLWO.ValueString()), timeout) {
		space, err := step(ctx)
		if err != nil {
			resp.Diagnostics.Append(r.failure("Unable to change Private Space", state.String(), err))
			return
		}
		state.read(space, nil)
		// Saved after each step: when the next one fails, the state holds what has been done.
		resp.Diagnostics.Append(resp.State.Set(ctx, &state)...)
	}
	if err := r.finish(ctx, &plan, timeout); err != nil {
		resp.Diagnostics.Append(r.failure("Unable to finish the change of Private Space", state.String(), err))
		return
	}
	resp.Diagnostics.Append(resp.State.Set(ctx, &plan)...)
	resp.Diagnostics.Append(resp.Identity.Set(ctx, privateSpaceIdentity{ID: plan.ID})...)
}

// steps lists the requests that turn state into plan; only what differs is sent.
func (r *privateSpaceResource) steps(state, plan privateSpaceModel, drain heroku.Secret,
	timeout time.Duration) []func(context.Context) (heroku.Space, error) {
	id := state.spaceID()
	var steps []func(context.Context) (heroku.Space, error)
	if !plan.Name.Equal(state.Name) {
		steps = append(steps, func(ctx context.Context) (heroku.Space, error) {
			return r.client.RenameSpace(ctx, id, plan.Name.ValueString())
		})
	}
	if team := plan.Team.ValueString(); team != state.Team.ValueString() {
		steps = append(steps, func(ctx context.Context) (heroku.Space, error) {
			if space, err := r.client.TransferSpace(ctx, id, team); err != nil {
				return space, err
			}
			return r.client.WaitSpaceTeam(ctx, id, team, timeout)
		})
	}
	if drain != "" && !plan.LogDrainURLVersion.Equal(state.LogDrainURLVersion) {
		steps = append(steps, func(ctx context.Context) (heroku.Space, error) {
			if err := r.client.SetSpaceLogDrain(ctx, id, drain); err != nil {
				return heroku.Space{}, err
			}
			return r.client.Space(ctx, id)
		})
	}
	return steps
}

func (r *privateSpaceResource) Delete(ctx context.Context, req resource.DeleteRequest, resp *resource.DeleteResponse) {
	defer recoverPanic(&resp.Diagnostics, "Destroying a Private Space", nil)
	var state privateSpaceModel
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	timeout, diags := state.Timeouts.Delete(ctx, spaceDeleteTimeout)
	if resp.Diagnostics.Append(diags...); resp.Diagnostics.HasError() || !r.ready(&resp.Diagnostics) {
		return
	}
	// Terraform calls ModifyPlan neither for -replace nor for the destroy half of a tainted replacement.
	if state.DeletionProtection.ValueBool() {
		resp.Diagnostics.Append(protectedSpace(state.String()))
		return
	}
	if diags := r.protected.refuseDestroyOf(state.object(), state.String()); diags.HasError() {
		resp.Diagnostics.Append(diags...)
		return
	}
	if r.run.skipDelete(state.object()) {
		resp.Diagnostics.Append(wantedElsewhere(spaceType, state.String()))
		return
	}
	if err := r.deleteOnceEmpty(ctx, state.spaceID(), timeout); err != nil {
		resp.Diagnostics.Append(r.deletionFailure(ctx, state, err))
		return
	}
	if err := r.client.WaitSpaceGone(ctx, state.spaceID(), timeout); err != nil {
		resp.Diagnostics.Append(r.failure("Unable to destroy Private Space", state.String(), err))
	}
}

// ImportState takes the space's UUID or its name.
func (r *privateSpaceResource) ImportState(ctx context.Context, req resource.ImportStateRequest, resp *resource.ImportStateResponse) {
	defer recoverPanic(&resp.Diagnostics, "Importing a Private Space", nil)
	reference := importReference(ctx, req, path.Root("id"), &resp.Diagnostics)
	if resp.Diagnostics.HasError() || !r.ready(&resp.Diagnostics) {
		return
	}
	space, diags := r.findSpace(ctx, reference)
	if resp.Diagnostics.Append(diags...); resp.Diagnostics.HasError() {
		return
	}
	resp.Diagnostics.Append(resp.State.SetAttribute(ctx, path.Root("id"), string(space.ID))...)
	resp.Diagnostics.Append(resp.State.SetAttribute(ctx, path.Root("deletion_protection"), true)...)
	resp.Diagnostics.Append(resp.Identity.Set(ctx, privateSpaceIdentity{ID: types.StringValue(string(space.ID))})...)
}

// read is the only mapping from Heroku's space to the state. Without nat, the addresses stay as they are. No value is left unknown.
func (m *privateSpaceModel) read(space heroku.Space, nat *heroku.NAT) {
	m.ID = types.StringValue(string(space.ID))
	m.Name = types.StringValue(space.Name)
	m.Team = types.StringValue(space.Team)
	m.Region = newRegionName(space.Region)
	m.Shield = types.BoolValue(space.Shield)
	m.CIDR = types.StringValue(space.CIDR)
	m.DataCIDR = types.StringValue(space.DataCIDR)
	m.State = types.StringValue(space.State)
	m.Generation = m.generationIn(space)
	m.CreatedAt = types.StringValue(space.CreatedAt)
	m.LogDrainURLWO = types.StringNull()
	switch {
	case nat != nil && len(nat.Sources) > 0:
		m.OutboundIPs = stringSet(nat.Sources)
	case m.OutboundIPs.IsUnknown():
		m.OutboundIPs = types.SetNull(types.StringType)
	}
}
