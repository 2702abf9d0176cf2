// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/keyvalue"
)

// An attachment has one owner: one resource of one configuration. A plan is refused if two resources claim the same name of an
// app, or if a creation finds an existing attachment that no other instance of the plan gives up.

const (
	destroyedAttachment = "kvs_attachment by its name"    // planned to be destroyed, on any app
	madeStore           = "kvs_instance made in this run" // no other configuration can manage its first attachment
	madeApp             = "kvs_app made in this run"      // no other configuration has attached a store to it
	planningTime        = 200 * time.Millisecond          // long enough to plan the next instances
	knowWithin          = 5 * planningTime                // Terraform reads and plans up to ten instances at a time
)

// onlyOwner refuses two instances that plan the same attachment name of one app. replaced is the id of the attachment that a
// creation replaces, or empty.
func (r *attachmentResource) onlyOwner(state, plan attachmentModel, replaced string) diag.Diagnostics {
	instance := plan.InstanceID
	if instance.IsUnknown() {
		instance = state.InstanceID
	}
	if !known(plan.AppID) || !known(plan.Name) {
		return nil
	}
	return r.run.claimAttachment(plan.AppID.ValueString(), plan.Name.ValueString(), path.Root("name"), claim{
		id: state.ID.ValueString(), value: instance.ValueString(), owner: "kvs_attachment", single: true, replaces: replaced,
		text: fmt.Sprintf("a kvs_attachment of the store %s", cmp.Or(instance.ValueString(), "that is known only after apply")),
	})
}

// onlyOwnerOfFirst claims attachment_name of a kvs_instance, if it is configured.
func (r *instanceResource) onlyOwnerOfFirst(ctx context.Context, req resource.ModifyPlanRequest, state,
	plan instanceModel) diag.Diagnostics {
	var configured types.String
	diags := req.Config.GetAttribute(ctx, path.Root("attachment_name"), &configured)
	if !diags.HasError() {
		diags.Append(r.run.claimFirst(state.ID.ValueString(), predecessor(ctx, req), plan, configured)...)
	}
	return diags
}

// claimFirst is onlyOwnerOfFirst with decoded values. id is the store in the state, and replaced the store that a creation
// replaces; either may be empty.
func (r *run) claimFirst(id, replaced string, plan instanceModel, configured types.String) diag.Diagnostics {
	if id != "" {
		r.noteInState(object{"kvs_instance", id})
	}
	if !known(configured) || !known(plan.AppID) {
		return nil
	}
	return r.claimAttachment(plan.AppID.ValueString(), configured.ValueString(), path.Root("attachment_name"), claim{
		id: id, owner: "kvs_instance", single: true, replaces: replaced,
		text: fmt.Sprintf("attachment_name of the kvs_instance %s", cmp.Or(plan.Name.ValueString(), id, "that is created")),
	})
}

func (r *run) claimAttachment(app, name string, at path.Path, mine claim) diag.Diagnostics {
	other, conflict := r.claim(attachmentClaimKey(app, name), mine)
	if !conflict {
		return nil
	}
	return diag.Diagnostics{diag.NewAttributeErrorDiagnostic(at, "Two resources own one attachment", fmt.Sprintf(
		"App %s has one attachment called %s, and this configuration has two owners for it: %s, and %s. They would "+
			"undo each other at every apply. "+
			"Keep one of them, or give them different names. If both have the same attachment in the state, let go of "+
			"one without detaching it: "+
			"removed { from = kvs_attachment.other, lifecycle { destroy = false } }.", app, name, other.text, mine.text))}
}

// planCreation decides whether a creation may take over an existing attachment: only if another instance of this plan has it.
// Create cannot be told directly, because it sees only the plan that Terraform makes again during the apply. takes_over is
// therefore planned as unknown where a takeover is allowed and as null elsewhere: Terraform refuses to apply a null that has
// become an id.
func (r *attachmentResource) planCreation(ctx context.Context, config attachmentModel, plan *attachmentModel,
	replaced string, applies bool) diag.Diagnostics {
	plan.TakesOver = types.StringNull()
	app := plan.AppID.ValueString()
	if config.Name.IsNull() || r.run.isKept(object{madeApp, app}) {
		return nil
	}
	if !plan.known() {
		if replaced != "" || r.run.awaitInState(ctx, object{destroyedAttachment, plan.Name.ValueString()}, planningTime) {
			plan.TakesOver = types.StringUnknown()
		}
		return nil
	}
	if applies && !r.wasAttached(ctx, heroku.AppID(app), plan.Name.ValueString()) {
		return nil
	}
	attachments, err := r.client.AttachmentsOn(ctx, heroku.AppID(app))
	holder := heroku.AttachmentNamed(attachments, plan.Name.ValueString())
	if err != nil || holder == nil {
		return nil
	}
	wanted := heroku.AddOnID(plan.InstanceID.ValueString())
	handedOver := holder.Name == keyvalue.PrimaryAttachment && holder.AddOnID != wanted
	if !handedOver && !r.madeHere(*holder) && r.planTakeover(ctx, *holder, wanted, plan, applies) || applies {
		if plan.TakesOver.IsNull() || string(holder.ID) == replaced {
			return nil
		}
		return r.refuseTakeover(*holder, *plan, applies)
	}
	decision, err := r.judge(ctx, holder, wanted)
	if err != nil {
		return nil
	}
	return r.handoverDiagnostics(attachments, holder, decision)
}

// wasAttached reports whether the app had an attachment of that name when this apply first listed the app's attachments. A later
// one was made by this run, which knows it, or is refused by Create.
func (r *attachmentResource) wasAttached(ctx context.Context, app heroku.AppID, name string) bool {
	attachments, err := r.client.CachedAttachmentsOn(ctx, app)
	return err != nil || heroku.AttachmentNamed(attachments, name) != nil
}

// planTakeover plans to take over an attachment that another instance of this plan has, because that instance is replaced or its
// address, key or index has changed.
func (r *attachmentResource) planTakeover(ctx context.Context, holder heroku.Attachment, wanted heroku.AddOnID,
	plan *attachmentModel, applies bool) bool {
	switch {
	case applies:
		plan.TakesOver = types.StringValue(string(holder.ID))
	case r.run.awaitInState(ctx, object{"kvs_attachment", string(holder.ID)}, knowWithin) || r.isFirst(ctx, holder, wanted):
		plan.TakesOver = types.StringUnknown()
	default:
		return false
	}
	return true
}

// refuseTakeover refuses to take over an attachment that another instance keeps. During an apply Terraform compares takes_over with
// the plan, and its error blames the provider. A warning explains that error in advance, because the provider cannot tell
// whether Terraform will report it.
func (r *attachmentResource) refuseTakeover(holder heroku.Attachment, plan attachmentModel, applies bool) diag.Diagnostics {
	if !applies {
		return r.run.refuseDuplicate(object{"kvs_attachment", string(holder.ID)}, plan.String(), isTakenOver)
	}
	return diag.Diagnostics{diag.NewAttributeWarningDiagnostic(path.Root("takes_over"),
		"The attachment is taken over as it is", fmt.Sprintf(
			"The store %s (%s) is attached to the app %s as %s since %s (%s), and nothing is sent, because the plan has "+
				"found it in another instance. "+
				"If Terraform reports an inconsistent final plan, the plan did not find it there: somebody has attached the store since then. "+
				"Nothing has been changed in that case; plan again, and the plan says how to import it.",
			holder.AddOnName, holder.AddOnID, holder.AppName, holder.Name, cmp.Or(holder.CreatedAt, "an unknown time"), holder.ID))}
}

// planConfigVar refuses a name whose config var was set by hand.
func (r *attachmentResource) planConfigVar(ctx context.Context, state, plan attachmentModel) diag.Diagnostics {
	app := heroku.AppID(plan.AppID.ValueString())
	stays := plan.AppID.Equal(state.AppID) && plan.Name.Equal(state.Name)
	if stays || !known(plan.AppID) || !known(plan.Name) || r.run.isKept(object{madeApp, string(app)}) {
		return nil
	}
	return r.refuseVarByHand(ctx, app, plan.Name.ValueString(), path.Root("name"))
}

// isFirst reports whether an attachment is the first one of the wanted store, under a name that Heroku chose, and this
// configuration manages the store.
func (r *attachmentResource) isFirst(ctx context.Context, a heroku.Attachment, wanted heroku.AddOnID) bool {
	chosen := a.Name == keyvalue.PrimaryAttachment || strings.HasPrefix(a.Name, "HEROKU_REDIS_")
	return chosen && a.AddOnID == wanted && a.AppID == a.OwnerAppID &&
		r.run.awaitInState(ctx, object{"kvs_instance", string(wanted)}, planningTime)
}

// handover is the effect of attaching a store under a name on the present holder of the name.
type handover int

const (
	handoverNone     handover = iota // the name is free
	handoverAdopt                    // the attachment is this resource's own: nothing is sent
	handoverReplace                  // another store has the name and loses it
	handoverExists                   // the wanted store has the name, but this resource has not attached it
	handoverConflict                 // another store has the name, and must keep it
)

// judge decides the handover from the present holder of a name, which may be nil. ours are the attachments that this resource
// may adopt. Only the primary's name moves between stores without being asked for: any other holder may be somebody else's.
func (r *attachmentResource) judge(ctx context.Context, holder *heroku.Attachment, wanted heroku.AddOnID,
	ours ...heroku.AttachmentID) (handover, error) {
	switch {
	case holder == nil:
		return handoverNone, nil
	case holder.AddOnID == wanted && (slices.Contains(ours, holder.ID) || r.madeHere(*holder)):
		return handoverAdopt, nil
	case holder.AddOnID == wanted:
		return handoverExists, nil
	case slices.Contains(ours, holder.ID):
		return handoverReplace, nil
	case holder.Name != keyvalue.PrimaryAttachment:
		return handoverConflict, nil
	}
	addOn, err := r.client.AddOn(ctx, holder.AddOnID)
	if err != nil {
		return handoverConflict, err
	}
	if addOn.Service != keyvalue.Service {
		return handoverConflict, nil
	}
	return handoverReplace, nil
}

// madeHere reports whether an attachment is the first one of a store that this run ordered without an attachment name.
func (r *attachmentResource) madeHere(a heroku.Attachment) bool {
	return a.AppID == a.OwnerAppID && r.run.isKept(object{madeStore, string(a.AddOnID)})
}

// planHandover reports at plan time what apply will do to the holder of the planned name. A failed read is ignored, because
// apply reads again.
func (r *attachmentResource) planHandover(ctx context.Context, state attachmentModel, plan *attachmentModel,
	unfinished heroku.AttachmentID, applies bool) diag.Diagnostics {
	attachments, err := r.client.AttachmentsOn(ctx, heroku.AppID(plan.AppID.ValueString()))
	if err != nil {
		return nil
	}
	holder := heroku.AttachmentNamed(attachments, plan.Name.ValueString())
	wanted := heroku.AddOnID(plan.InstanceID.ValueString())
	// The attachment is its own under an unchanged name: the replacement of its store may have re-pointed it.
	elsewhere := !plan.AppID.Equal(state.AppID) || !plan.Name.Equal(state.Name)
	foreign := holder != nil && holder.AddOnID == wanted && holder.ID != state.attachmentID() && holder.ID != unfinished
	if elsewhere && foreign && r.planTakeover(ctx, *holder, wanted, plan, applies) {
		return r.refuseTakeover(*holder, *plan, applies)
	}
	if applies {
		return nil
	}
	ours := []heroku.AttachmentID{state.attachmentID(), unfinished}
	if holder != nil && !elsewhere { // Update refuses one that was re-pointed since the plan
		ours = append(ours, holder.ID)
	}
	decision, err := r.judge(ctx, holder, wanted, ours...)
	if err != nil {
		return nil
	}
	return r.handoverDiagnostics(attachments, holder, decision)
}

// handoverDiagnostics turns a handover into diagnostics.
func (r *attachmentResource) handoverDiagnostics(attachments []heroku.Attachment, holder *heroku.Attachment,
	decision handover) diag.Diagnostics {
	var diags diag.Diagnostics
	switch decision {
	case handoverConflict:
		diags.Append(nameInUse(*holder))
	case handoverExists:
		diags.Append(attachedAlready(*holder))
	case handoverReplace:
		diags.AddAttributeWarning(path.Root("instance_id"), replaceSummary(holder.Name), fmt.Sprintf(
			"%s on app %s now points to the store %s (%s). %s The app restarts.",
			keyvalue.ConfigVar(holder.Name), holder.AppName, holder.AddOnName, holder.AddOnID, r.afterHandover(attachments, *holder)))
	}
	return diags
}

func replaceSummary(name string) string {
	if name == keyvalue.PrimaryAttachment {
		return "The app gets another primary store"
	}
	return "The attachment is re-pointed to another store"
}

// afterHandover says how the app can reach the store that loses the name. attachments are all attachments of the app.
func (r *attachmentResource) afterHandover(attachments []heroku.Attachment, holder heroku.Attachment) string {
	var others []string
	for _, attachment := range attachments {
		if attachment.AddOnID == holder.AddOnID && attachment.ID != holder.ID {
			others = append(others, keyvalue.ConfigVar(attachment.Name))
		}
	}
	switch {
	case len(others) > 0:
		slices.Sort(others)
		return fmt.Sprintf("That store stays reachable from the app as %s.", others[0])
	case holder.AppID == holder.OwnerAppID:
		return "That store is first attached once more, and stays reachable as HEROKU_REDIS_<COLOR>_URL with a color that Heroku chooses."
	}
	return fmt.Sprintf("That store stays attached to its own app %s, and is no longer reachable from this one.", holder.OwnerAppName)
}

// nameInUse refuses to take a name from another add-on.
func nameInUse(holder heroku.Attachment) diag.Diagnostic {
	return diag.NewAttributeErrorDiagnostic(path.Root("name"), "The attachment name is in use", fmt.Sprintf(
		"On app %s the name %s belongs to the add-on %s (%s), and only the name %s can move from one store to another by itself. Choose "+
			"another name, or manage the existing attachment and then re-point it through its instance_id:\n\n%s",
		holder.AppName, holder.Name, holder.AddOnName, holder.AddOnID, keyvalue.PrimaryAttachment,
		importBlock("kvs_attachment", string(holder.ID))))
}

// attachedAlready refuses to manage an attachment that existed before.
func attachedAlready(holder heroku.Attachment) diag.Diagnostic {
	return diag.NewAttributeErrorDiagnostic(path.Root("name"), "The attachment exists already", fmt.Sprintf(
		"The store %s (%s) is attached to the app %s as %s since %s, and not by this resource: another configuration may manage it, and "+
			"would lose it when this one is destroyed. To manage it here, import it:\n\n%s\n\nIf this configuration has it already under "+
			"another address, key or number, say so with a moved block instead, or, with -parallelism=1, apply without that. On OpenTofu, "+
			"leave out create_before_destroy as well: the provider cannot tell there whether the attachment is the one that it replaces or "+
			"somebody else's.",
		holder.AddOnName, holder.AddOnID, holder.AppName, holder.Name, cmp.Or(holder.CreatedAt, "an unknown time"),
		importBlock("kvs_attachment", string(holder.ID))))
}

// attach creates the planned attachment and returns it. It reads before each step, so that it continues an interrupted run and
// attaches nothing twice. before is the present attachment of this resource, nil on create. ours are further attachments that it
// may adopt.
func (r *attachmentResource) attach(ctx context.Context, plan attachmentModel, before *heroku.Attachment,
	ours ...heroku.AttachmentID) (heroku.Attachment, diag.Diagnostic) {
	const summary = "Unable to attach"
	order := heroku.AttachmentCreate{
		AddOn: heroku.AddOnID(plan.InstanceID.ValueString()),
		App:   heroku.AppID(plan.AppID.ValueString()),
		Name:  plan.Name.ValueString(),
	}
	addOn, err := r.addOn(ctx, order.AddOn)
	if err != nil {
		return heroku.Attachment{}, r.failure(summary, plan.String(), err)
	}
	if refusal := attachable(addOn); refusal != nil {
		return heroku.Attachment{}, refusal
	}
	if before == nil || !r.isAttached(ctx, order) {
		if refusal := r.place(ctx, plan, addOn); refusal != nil {
			return heroku.Attachment{}, refusal
		}
	}
	// Most names are free, and Heroku refuses a name that is in use. REDIS usually has a holder.
	var refused error
	if before == nil && len(ours) == 0 && order.Name != keyvalue.PrimaryAttachment {
		attachment, err := r.client.CreateAttachment(ctx, order)
		if err == nil {
			return attachment, nil
		}
		if order.Name == "" || !refusedByHeroku(err) {
			return heroku.Attachment{}, r.failure(summary, plan.String(), err)
		}
		refused = err
	}
	if before != nil {
		ours = append(ours, before.ID)
	}
	attachments, err := r.client.AppAttachments(ctx, order.App)
	if err != nil {
		return heroku.Attachment{}, r.failure(summary, plan.String(), err)
	}
	holder := heroku.AttachmentNamed(attachments, order.Name)
	if holder == nil && refused != nil {
		return heroku.Attachment{}, r.refusal(plan, refused)
	}
	decision, err := r.judge(ctx, holder, order.AddOn, ours...)
	if err != nil {
		return heroku.Attachment{}, r.failure(summary, plan.String(), err)
	}
	switch decision {
	case handoverAdopt:
		return *holder, nil
	case handoverExists:
		return heroku.Attachment{}, attachedAlready(*holder)
	case handoverConflict:
		return heroku.Attachment{}, nameInUse(*holder)
	case handoverReplace:
		if err := r.keepReachable(ctx, *holder); err != nil {
			return heroku.Attachment{}, r.failure("Unable to keep the former store attached", plan.String(), err)
		}
		// Only a known holder is replaced. If another attachment takes the name meanwhile, Heroku asks for its confirmation and
		// the request fails.
		order.Confirm = holder.AppName
	}
	attachment, err := r.client.CreateAttachment(ctx, order)
	if err != nil {
		return heroku.Attachment{}, r.refusal(plan, err)
	}
	return attachment, nil
}

// refusedByHeroku reports an error after which nothing was attached or detached, possibly because of a name or another
// attachment.
func refusedByHeroku(err error) bool {
	return heroku.HasStatus(err, http.StatusLocked) || heroku.HasStatus(err, http.StatusUnprocessableEntity)
}

func (r *attachmentResource) refusal(plan attachmentModel, err error) diag.Diagnostic {
	if heroku.HasID(err, "confirmation_required") {
		return r.configVarInUse(plan, err)
	}
	return r.failure("Unable to attach", plan.String(), err)
}

// attachable refuses an add-on of another service and a store that is not provisioned, so that resources that depend on the
// attachment are not applied.
func attachable(addOn heroku.AddOn) diag.Diagnostic {
	at := path.Root("instance_id")
	switch {
	case addOn.Service != keyvalue.Service:
		return diag.NewAttributeErrorDiagnostic(at, "Not a Key-Value Store", fmt.Sprintf(
			"The add-on %s (%s) belongs to the service %s; a Key-Value Store is an add-on of %s.", addOn.Name, addOn.ID,
			addOn.Service, keyvalue.Service))
	case addOn.State != heroku.StateProvisioned:
		return diag.NewAttributeErrorDiagnostic(at, "Key-Value Store is not ready", fmt.Sprintf(
			"The store %s (%s) on app %s is %s, and Heroku attaches only provisioned ones. Nothing was attached. "+
				"Apply again when it is ready; the apply waits for stores that it manages.", addOn.Name, addOn.ID,
			addOn.AppName, addOn.State))
	}
	return nil
}

// keepReachable attaches the holder's store once more, under a name that Heroku chooses, if it is about to lose its last
// attachment to its own app. Heroku does not allow a store without one (the CLI's redis:promote does the same).
func (c *connection) keepReachable(ctx context.Context, holder heroku.Attachment) error {
	last, err := c.isLastOnOwner(ctx, holder)
	if err != nil || !last {
		return err
	}
	_, err = c.client.CreateAttachment(ctx, heroku.AttachmentCreate{AddOn: holder.AddOnID, App: holder.AppID})
	return err
}

// isLastOnOwner reports whether an attachment is the only one of its store on the app that owns the store.
func (c *connection) isLastOnOwner(ctx context.Context, attachment heroku.Attachment) (bool, error) {
	if attachment.AppID != attachment.OwnerAppID {
		return false, nil
	}
	all, err := c.client.AddOnAttachments(ctx, attachment.AddOnID)
	if err != nil {
		return false, err
	}
	return !slices.ContainsFunc(all, func(other heroku.Attachment) bool {
		return other.AppID == attachment.OwnerAppID && other.ID != attachment.ID
	}), nil
}

// configVarInUse explains why Heroku asks for a confirmation although no attachment had the name a moment ago.
func (r *attachmentResource) configVarInUse(plan attachmentModel, err error) diag.Diagnostic {
	failed := r.failure("", plan.String(), err)
	return diag.NewAttributeErrorDiagnostic(path.Root("name"), "The attachment name is in use", fmt.Sprintf(
		"%s\n\nThe app has a config var %s that was set by hand, or another attachment took the name just now. Nothing was overwritten. "+
			"Choose another name, or remove the config var if its value is not needed any more.",
		failed.Detail(), keyvalue.ConfigVar(plan.Name.ValueString())))
}

// isAttached reports whether the app has the store under that name already. The replacement of a store moves its attachments,
// and has reported which apps lose access.
func (r *attachmentResource) isAttached(ctx context.Context, order heroku.AttachmentCreate) bool {
	attachments, err := r.client.AppAttachments(ctx, order.App)
	holder := heroku.AttachmentNamed(attachments, order.Name)
	return err == nil && holder != nil && holder.AddOnID == order.AddOn
}

// takenOver returns the attachment that Create may adopt: one that exists, and that no Delete is removing.
func (r *attachmentResource) takenOver(ctx context.Context, plan *attachmentModel) []heroku.AttachmentID {
	if plan.TakesOver.IsUnknown() { // a Delete may have registered it since the plan
		plan.TakesOver = types.StringNull()
		attachments, err := r.client.AppAttachments(ctx, heroku.AppID(plan.AppID.ValueString()))
		if holder := heroku.AttachmentNamed(attachments, plan.Name.ValueString()); err == nil && holder != nil &&
			r.run.isInState(object{"kvs_attachment", string(holder.ID)}) {
			plan.TakesOver = types.StringValue(string(holder.ID))
		}
	}
	taken := plan.TakesOver.ValueString()
	if taken == "" {
		return nil
	}
	if !r.run.tryKeep(object{"kvs_attachment", taken}) {
		r.run.awaitDeleted(ctx, object{"kvs_attachment", taken})
		return nil
	}
	return []heroku.AttachmentID{heroku.AttachmentID(taken)}
}

// removedWithParent reports whether an attachment is gone together with its app or store, and the plan has another app or store. An app
// or a store that is replaced is destroyed before its attachments are updated.
func (r *attachmentResource) removedWithParent(ctx context.Context, state, plan attachmentModel) bool {
	var err error
	if !plan.AppID.Equal(state.AppID) {
		_, err = r.client.App(ctx, heroku.AppID(state.AppID.ValueString()))
	}
	if !heroku.IsNotFound(err) && !plan.InstanceID.Equal(state.InstanceID) {
		_, err = r.client.AddOn(ctx, heroku.AddOnID(state.InstanceID.ValueString()))
	}
	return heroku.IsNotFound(err)
}
