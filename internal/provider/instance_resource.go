// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/identityschema"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/keyvalue"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/replacement"
)

// kvs_instance is a Key-Value Store: an add-on of the service heroku-redis on one app.
//
// Its name, plan and attachments belong to the Platform API; its settings and version to the Data API. Its identity is the
// add-on's UUID. Neither API reports when the other one is done: the Data API may not know a `provisioned` add-on yet, and an
// add-on stays `provisioned` during a plan change while its data is still being copied.

var (
	_ resource.ResourceWithConfigure      = (*instanceResource)(nil)
	_ resource.ResourceWithIdentity       = (*instanceResource)(nil)
	_ resource.ResourceWithImportState    = (*instanceResource)(nil)
	_ resource.ResourceWithModifyPlan     = (*instanceResource)(nil)
	_ resource.ResourceWithValidateConfig = (*instanceResource)(nil)
)

type instanceResource struct{ connection }

func newInstanceResource() resource.Resource { return &instanceResource{} }

// Defaults of the `timeouts` attribute. Provisioning takes up to ten minutes on private plans and a plan change
// depends on the data (Dev Center: Heroku Key-Value Store and Private Spaces).
const (
	instanceCreateTimeout = 30 * time.Minute
	instanceUpdateTimeout = 60 * time.Minute
	instanceDeleteTimeout = 15 * time.Minute
)

func (r *instanceResource) Metadata(_ context.Context, req resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_instance"
	resp.ResourceBehavior.MutableIdentity = true
}

func (r *instanceResource) IdentitySchema(_ context.Context, _ resource.IdentitySchemaRequest, resp *resource.IdentitySchemaResponse) {
	resp.IdentitySchema = identityschema.Schema{Attributes: map[string]identityschema.Attribute{
		"id": identityschema.StringAttribute{
			RequiredForImport: true,
			Description:       "The UUID of the add-on.",
		},
	}}
}

func (r *instanceResource) Configure(_ context.Context, req resource.ConfigureRequest, resp *resource.ConfigureResponse) {
	r.configure(req.ProviderData, &resp.Diagnostics)
}

// ValidateConfig warns of keyspace events that Redis accepts and then never publishes.
func (r *instanceResource) ValidateConfig(ctx context.Context, req resource.ValidateConfigRequest, resp *resource.ValidateConfigResponse) {
	var configured keyspaceEvents
	if resp.Diagnostics.Append(req.Config.GetAttribute(ctx, path.Root("notify_keyspace_events"),
		&configured)...); resp.Diagnostics.HasError() {
		return
	}
	flags := configured.ValueString()
	if events, err := keyvalue.ParseKeyspaceEvents(flags); err == nil && events != 0 && !events.Publishes() {
		resp.Diagnostics.AddAttributeWarning(path.Root("notify_keyspace_events"), "Keyspace events that nobody receives",
			fmt.Sprintf("%q names no channel or no class of events, so nothing is published. Add K (keyspace channel) "+
				"or E (keyevent channel), and at least one class such as x (expired) or A (all of g$lshztxe).", flags))
	}
}

// ModifyPlan decides what a change means before anything is done: first destroy, then create, then update.
func (r *instanceResource) ModifyPlan(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	var state, plan, config instanceModel
	if !req.State.Raw.IsNull() {
		resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	}
	switch {
	case req.Plan.Raw.IsNull():
	case req.Plan.Raw.Equal(req.State.Raw) && state.ready(): // decoding would take longer than the rest of ModifyPlan
		plan = state
	default:
		resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
		resp.Diagnostics.Append(req.Config.Get(ctx, &config)...)
	}
	if resp.Diagnostics.HasError() {
		return
	}

	applies := r.run.isApplying(r.client, req.ClientCapabilities.DeferralAllowed)
	switch {
	case req.Plan.Raw.IsNull():
		resp.Diagnostics.Append(r.run.refuseDuplicate(storeObject(state.addOnID()), state.label(), isDestroyed)...)
		if resp.Diagnostics.Append(r.refuseLoss(state)...); !resp.Diagnostics.HasError() {
			resp.Diagnostics.Append(state.secondStoreWarning()...)
			resp.Diagnostics.Append(r.lossOnDestroy(ctx, state)...)
		}
		return
	case req.State.Raw.IsNull():
		if resp.Diagnostics.Append(r.planCreation(ctx, config, &plan, applies)...); !resp.Diagnostics.HasError() {
			resp.Diagnostics.Append(r.refuseReplacementOf(predecessor(ctx, req))...)
		}
	default:
		overdue, diags := req.Private.GetKey(ctx, retirementOverdue)
		resp.Diagnostics.Append(diags...)
		resp.Diagnostics.Append(r.certificates.load(ctx, state.addOnID(), req.Private)...)
		resp.Diagnostics.Append(r.run.refuseDuplicate(storeObject(state.addOnID()), state.label(), stays)...)
		resp.Diagnostics.Append(r.planExisting(ctx, state, config, &plan, overdue != nil, applies)...)
		setReplacedID(ctx, resp, state.ID)
		resp.Diagnostics.Append(r.certificates.save(ctx, state.addOnID(), resp.Private)...)
	}
	resp.Diagnostics.Append(r.onlyOwnerOfFirst(ctx, req, state, plan)...)
	plan.setPlanFacts()
	r.plans.note(plan)
	resp.Diagnostics.Append(resp.Plan.Set(ctx, &plan)...)
}

// planCreation refuses what Heroku would refuse during the apply, and what would overwrite something.
func (r *instanceResource) planCreation(ctx context.Context, config instanceModel, plan *instanceModel, applies bool) diag.Diagnostics {
	diags := plan.planFork(config.Fork)
	if label, is := r.run.protectedLabel(config.Name.ValueString()); is {
		diags.Append(protectedName(label))
	}
	if diags.Append(r.refuseUnknownPlan(ctx, *plan)...); diags.HasError() {
		return diags
	}
	diags.Append(unannouncedVersionWarning("The new store", keyvalue.Version(config.Version.ValueString()), keyvalue.Version.ForNewStore)...)
	if !config.Plan.IsUnknown() {
		diags.Append(r.planPlacement(ctx, plan)...)
	}
	diags.Append(r.refuseFork(ctx, config, plan.AppID)...)
	// During an apply the name may belong to a store that the same run destroys: Heroku then decides.
	if !applies && !diags.HasError() {
		diags.Append(r.planAttachment(ctx, *plan, config)...)
	}
	return diags
}

// planExisting plans a store that exists.
func (r *instanceResource) planExisting(ctx context.Context, state, config instanceModel, plan *instanceModel, overdue,
	applies bool) diag.Diagnostics {
	diags := r.planUpdate(ctx, state, config, plan, applies)
	diags.Append(r.planRetirement(ctx, state, plan, overdue)...)
	diags.Append(state.warnOfEviction(*plan)...)
	diags.Append(planForkChange(state.Fork, plan.Fork)...)
	return diags
}

// planUpdate plans a change and warns of its consequences. It also plans to resume an unfinished creation or replacement.
func (r *instanceResource) planUpdate(ctx context.Context, state, config instanceModel, plan *instanceModel,
	applies bool) diag.Diagnostics {
	r.noteState(state)
	diags := r.protected.refuseLossOf(state)
	if state.DeletionProtection.ValueBool() || plan.DeletionProtection.ValueBool() {
		diags.Append(r.protected.protect(storeObject(state.addOnID()), state.label())...)
	}
	diags.Append(state.warnOfProtection(*plan)...)
	if diags.Append(r.refuseUnknownApp(state, *plan, plan.terms(ctx))...); diags.HasError() {
		return diags
	}
	if !state.ready() {
		plan.State = types.StringUnknown()
		plan.VersionActual, plan.CredentialsRevision = types.StringUnknown(), types.Int64Unknown()
		plan.ConfigVars = types.SetUnknown(types.StringType)
		if plan.AttachmentName.IsNull() {
			plan.AttachmentName = types.StringUnknown()
		}
		if config.Name.IsNull() && plan.Name.Equal(state.Name) && state.State.ValueString() == heroku.StateProvisioning {
			plan.Name = types.StringUnknown() // it gets its permanent name when it is complete
		}
	}
	if !plan.AttachmentName.Equal(state.AttachmentName) {
		if !applies && known(plan.AttachmentName) && plan.AppID.Equal(state.AppID) && r.client != nil && state.ready() {
			diags.Append(r.refuseVarInUse(ctx, heroku.AppID(state.AppID.ValueString()),
				plan.AttachmentName.ValueString(), path.Root("attachment_name"), state.addOnID())...)
		}
		plan.ConfigVars = types.SetUnknown(types.StringType)
	}
	if plan.Plan.IsUnknown() || plan.AppID.IsUnknown() {
		plan.markReplaced(state, config)
		if plan.AppID.IsUnknown() && r.run.willBeDestroyed(object{appType, state.AppID.ValueString()}) {
			diags.Append(state.appReplaced())
			return diags
		}
		diags.AddAttributeWarning(unknownAttribute(*plan), "The change may need a new store", fmt.Sprintf(
			"%s: the new value is known only after apply. If it turns out to need a new store, that is made as "+
				"`migration` says, and its id changes.", state.label()))
		return diags
	}
	change := keyvalue.Impact(state.spec(), plan.spec())
	if change.PlanChanges {
		diags.Append(r.refuseUnknownPlan(ctx, *plan)...)
	}
	if diags.Append(refuseUpgrade(state, *plan, change, plan.terms(ctx))...); diags.HasError() {
		return diags
	}
	awaited, notices := r.planVersion(ctx, state, plan, change)
	diags.Append(notices...)
	if change.VersionUpgrade && !awaited || plan.Version.IsUnknown() {
		plan.VersionActual = types.StringUnknown()
	}
	if change.Method == keyvalue.InPlace && !awaited || plan.Version.IsUnknown() {
		plan.CredentialsRevision = types.Int64Unknown() // the URL may change when the new server takes over
	}
	switch {
	case change.Method == keyvalue.NewStore, change.Method == keyvalue.Refused:
		diags.Append(r.planReplacement(ctx, state, config, plan, change)...)
		return diags
	case awaited:
	case change.Method == keyvalue.InPlace && change.VersionUpgrade && !change.PlanChanges:
		diags.Append(versionUpgradeWarning(state, *plan, change, plan.terms(ctx)))
	case change.Method == keyvalue.InPlace:
		diags.AddAttributeWarning(path.Root("plan"), planChangeSummary(change),
			fmt.Sprintf("%s: %s to %s.\n\n%s", state.label(), state.spec().Plan, plan.spec().Plan, bullets(change.Facts)))
		if change.Downgrade && r.client != nil {
			diags.Append(r.proveRoom(ctx, state.addOnID(), state.label(), plan.spec().Plan, plan.terms(ctx).AcceptUnproven.ValueBool())...)
		}
	case state.State.ValueString() == instanceMigrating:
		diags.AddWarning("An unfinished replacement will be undone", fmt.Sprintf(
			"%s was to be replaced by another store, and the configuration does not ask for that any more. The copy "+
				"is destroyed; the store itself stays as it is.", state.label()))
	}
	if change.Method == keyvalue.InPlace || plan.OutsideSpace.ValueBool() && !state.OutsideSpace.ValueBool() {
		diags.Append(r.planPlacement(ctx, plan)...)
	}
	return diags
}

// unknownAttribute is the attribute whose unknown value prevents a decision.
func unknownAttribute(plan instanceModel) path.Path {
	if plan.AppID.IsUnknown() {
		return path.Root("app_id")
	}
	return path.Root("plan")
}

func planChangeSummary(change keyvalue.Change) string {
	if change.Downgrade {
		return "Changing to a smaller plan needs the data to fit"
	}
	return "Changing the plan copies the data"
}

func (r *instanceResource) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	saved := false
	defer recoverPanic(&resp.Diagnostics, "Creating a Key-Value Store", func() bool { return saved })
	var plan, config instanceModel
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	resp.Diagnostics.Append(req.Config.Get(ctx, &config)...)
	timeout, diags := plan.Timeouts.Create(ctx, instanceCreateTimeout)
	if resp.Diagnostics.Append(diags...); resp.Diagnostics.HasError() || !r.ready(&resp.Diagnostics) {
		return
	}
	app, diags := r.place(ctx, &plan)
	if resp.Diagnostics.Append(diags...); resp.Diagnostics.HasError() {
		return
	}
	if resp.Diagnostics.Append(r.refuseOverwrite(ctx, plan, app)...); resp.Diagnostics.HasError() {
		return
	}
	order, diags := r.orderOf(ctx, plan, config, app)
	if resp.Diagnostics.Append(diags...); resp.Diagnostics.HasError() {
		return
	}
	addOn, failure := r.orderStore(ctx, app, order)
	if failure != nil {
		resp.Diagnostics.Append(failure)
		return
	}
	save := func() {
		resp.Diagnostics.Append(resp.State.Set(ctx, &plan)...)
		resp.Diagnostics.Append(resp.Identity.Set(ctx, instanceIdentity{ID: plan.ID})...)
		saved = !resp.Diagnostics.HasError()
	}
	plan.read(addOn, nil)
	r.run.noteKept(object{madeStore, string(addOn.ID)})
	save()

	// From here on, an error would taint the store, and the next apply would destroy it.
	err := r.finish(ctx, &plan, live{addOn: addOn}, string(plan.spec().Plan), timeout)
	switch {
	case declaredFailed(err):
		resp.State.RemoveResource(ctx)
		resp.Diagnostics.Append(r.failure("Unable to create Key-Value Store", plan.label(), err))
		return
	case err != nil:
		resp.Diagnostics.Append(r.unfinished(plan, err))
		resp.Diagnostics.Append(resp.Private.SetKey(ctx, forkUnverified, config.forkMark())...)
	default:
		if config.Name.IsNull() {
			resp.Diagnostics.Append(r.setPermanentName(ctx, &plan)...)
		}
		if config.AttachmentName.IsNull() {
			r.run.noteUnnamedStore(plan.AppID.ValueString(), plan.ID.ValueString())
		}
		for _, d := range r.upgrade(ctx, &plan, true, timeout) {
			resp.Diagnostics.AddWarning(d.Summary(), d.Detail())
		}
		gone, diags := r.verifyFork(ctx, plan, config, timeout)
		if resp.Diagnostics.Append(diags...); gone {
			resp.State.RemoveResource(ctx)
			return
		}
		resp.Diagnostics.Append(r.certificates.save(ctx, plan.addOnID(), resp.Private)...)
		addOn.Name, addOn.State = plan.Name.ValueString(), heroku.StateProvisioned
		r.run.noteCompleted(addOn)
	}
	save()
}

// orderOf is the request for a new store, with the URL of its source if it is a fork.
func (r *instanceResource) orderOf(ctx context.Context, plan, config instanceModel, app heroku.App) (heroku.AddOnCreate, diag.Diagnostics) {
	order := plan.createRequest(app)
	fork, diags := forkOf(ctx, config.Fork)
	if config.Fork.IsNull() || diags.HasError() {
		return order, diags
	}
	source, external, diags := r.forkSource(ctx, fork)
	if diags.Append(r.refuseFork(ctx, config, plan.AppID)...); !diags.HasError() {
		diags.Append(r.proveSource(ctx, source, path.Root("fork"), external, plan.spec().Plan,
			plan.terms(ctx).AcceptUnproven.ValueBool())...)
		order.Config["fork"] = source.Reveal()
	}
	return order, diags
}

func (r *instanceResource) Read(ctx context.Context, req resource.ReadRequest, resp *resource.ReadResponse) {
	defer recoverPanic(&resp.Diagnostics, "Reading a Key-Value Store", nil)
	var state instanceModel
	if resp.Diagnostics.Append(req.State.Get(ctx, &state)...); resp.Diagnostics.HasError() || !r.ready(&resp.Diagnostics) {
		return
	}
	if err := r.identifyStore(ctx, &state.ID); err != nil {
		resp.Diagnostics.Append(r.failure("Unable to read Key-Value Store", state.label(), err))
		return
	}
	resp.Diagnostics.Append(resp.Identity.Set(ctx, instanceIdentity{ID: state.ID})...)
	resp.Diagnostics.Append(r.certificates.load(ctx, state.addOnID(), req.Private)...)
	known := state
	addOn, kept, err := r.replacements().Current(ctx, state.store())
	if kept != "" {
		state.RetiredInstanceID = types.StringValue(string(kept))
	}
	if heroku.IsNotFound(err) || err == nil && addOn.State == heroku.StateDeprovisioned {
		resp.State.RemoveResource(ctx)
		resp.Diagnostics.Append(known.goneWarning())
		return
	}
	if err != nil {
		resp.Diagnostics.Append(r.failure("Unable to read Key-Value Store", state.label(), err))
		return
	}
	if addOn.ID != state.addOnID() {
		resp.Diagnostics.Append(state.successorWarning(addOn))
		resp.Diagnostics.Append(resp.Identity.Set(ctx, instanceIdentity{ID: types.StringValue(string(addOn.ID))})...)
	}
	r.noteState(state)
	store, err := r.storeOf(ctx, addOn)
	if err != nil {
		resp.Diagnostics.Append(r.failure("Unable to read the settings of Key-Value Store", state.label(), err))
		return
	}
	state.read(addOn, store)
	state.AttachedApps = r.attachedApps(ctx, addOn.ID)
	if state.OutsideSpace.IsNull() { // not known after a move from another provider
		state.OutsideSpace = types.BoolValue(r.runsOutside(ctx, addOn))
	}
	if kept := state.RetiredInstanceID.ValueString(); kept != "" {
		if _, err := r.client.AddOn(ctx, heroku.AddOnID(kept)); heroku.IsNotFound(err) {
			state.RetiredInstanceID = types.StringNull()
		}
	}
	resp.Diagnostics.Append(resp.State.Set(ctx, &state)...)
}

// attachedApps are the config var names of the apps that a store is attached to, by app name; null if they cannot be read.
func (r *instanceResource) attachedApps(ctx context.Context, id heroku.AddOnID) types.Map {
	apps, err := r.client.AttachedApps(ctx, id)
	if err != nil {
		return types.MapNull(configVarsType)
	}
	configVars := make(map[string][]string, len(apps))
	for _, a := range apps {
		if !replacement.IsInternalAttachment(id, a.As) {
			configVars[a.App] = append(configVars[a.App], a.ConfigVars...)
		}
	}
	return byApp(configVars)
}

// storeOf reads the store from the Data API; nil if the Data API does not know it yet.
func (r *instanceResource) storeOf(ctx context.Context, addOn heroku.AddOn) (*heroku.Store, error) {
	if addOn.State != heroku.StateProvisioned {
		return nil, nil
	}
	store, err := r.client.Store(ctx, addOn.ID)
	if heroku.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return &store, nil
}

func (r *instanceResource) Delete(ctx context.Context, req resource.DeleteRequest, resp *resource.DeleteResponse) {
	defer recoverPanic(&resp.Diagnostics, "Destroying a Key-Value Store", nil)
	var state instanceModel
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	timeout, diags := state.Timeouts.Delete(ctx, instanceDeleteTimeout)
	if resp.Diagnostics.Append(diags...); resp.Diagnostics.HasError() || !r.ready(&resp.Diagnostics) {
		return
	}
	r.run.noteInState(storeObject(state.addOnID())) // for an instance that is planned now and takes over its attachment's name
	// Terraform calls ModifyPlan neither for -replace nor for the destroy half of a tainted replacement.
	if resp.Diagnostics.Append(r.refuseLoss(state)...); resp.Diagnostics.HasError() {
		return
	}
	if r.run.skipDelete(storeObject(state.addOnID())) {
		resp.Diagnostics.Append(state.wantedByAnother())
		return
	}
	if resp.Diagnostics.Append(r.destroySecondStore(ctx, state, timeout)...); resp.Diagnostics.HasError() {
		return
	}
	if resp.Diagnostics.Append(r.handOver(ctx, state)...); resp.Diagnostics.HasError() {
		return
	}
	carried, diags := req.Private.GetKey(ctx, attachmentsCarried)
	resp.Diagnostics.Append(diags...)
	err := r.client.DeleteAddOn(ctx, heroku.AppID(state.AppID.ValueString()), state.addOnID())
	if heroku.HasStatus(err, http.StatusUnprocessableEntity) {
		attached, listErr := r.replacements().AttachedElsewhere(ctx, state.addOnID())
		if foreign := foreignAttachments(attached, carried); listErr == nil && len(foreign) > 0 {
			resp.Diagnostics.Append(r.stillInUse(state.label(), foreign, err))
			return
		}
		if listErr == nil { // may be empty by now, if an app has just been destroyed
			err = r.detachAndDelete(ctx, state, attached)
		}
	}
	if err == nil {
		err = r.client.WaitAddOnGone(ctx, state.addOnID(), timeout)
	}
	if err != nil {
		resp.Diagnostics.Append(r.failure("Unable to destroy Key-Value Store", state.label(), err))
	}
}

// declaredFailed reports whether Heroku has given up the store, or somebody has destroyed it.
func declaredFailed(err error) bool {
	var wait *heroku.WaitError
	return errors.As(err, &wait) && (wait.Outcome == heroku.Failed || wait.Outcome == heroku.Gone)
}

// failTheRun ends the warning about an incomplete creation. The run succeeds, because an error would taint the object.
const failTheRun = " To have such a run fail, and nothing else happen, write a postcondition on state: " +
	"see the guide \"Continuous integration\"."

// unfinished reports a store that exists but is not ready. It is a warning, because an error would taint the store: see Create.
func (r *instanceResource) unfinished(m instanceModel, err error) diag.Diagnostic {
	cause := r.failure("", m.label(), err)
	return diag.NewWarningDiagnostic("Key-Value Store is not ready yet",
		cause.Detail()+"\n\nThe store exists and is kept in the state. The next apply continues with this same store: "+
			"nothing is ordered again, and nothing is destroyed. "+
			"Whatever depends on it may not work until then. To wait longer, raise timeouts.create."+failTheRun)
}

// ImportState accepts the add-on's UUID, its name, or app::ATTACHMENT.
func (r *instanceResource) ImportState(ctx context.Context, req resource.ImportStateRequest, resp *resource.ImportStateResponse) {
	defer recoverPanic(&resp.Diagnostics, "Importing a Key-Value Store", nil)
	if !r.ready(&resp.Diagnostics) {
		return
	}
	id := importReference(ctx, req, path.Root("id"), &resp.Diagnostics)
	addOn, diags := r.findInstance(ctx, id)
	if resp.Diagnostics.Append(diags...); resp.Diagnostics.HasError() {
		return
	}
	resp.Diagnostics.Append(resp.State.SetAttribute(ctx, path.Root("id"), string(addOn.ID))...)
	resp.Diagnostics.Append(resp.State.SetAttribute(ctx, path.Root("deletion_protection"), true)...)
	resp.Diagnostics.Append(resp.State.SetAttribute(ctx, path.Root("outside_space"), r.runsOutside(ctx, addOn))...)
	resp.Diagnostics.Append(resp.Identity.Set(ctx, instanceIdentity{ID: types.StringValue(string(addOn.ID))})...)
}

type instanceIdentity struct {
	ID types.String `tfsdk:"id"`
}
