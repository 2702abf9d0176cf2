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

// Who owns an attachment: one resource of one configuration. Two resources of one plan that claim the same name of an app
// are refused, and so is a creation of what is there already, unless another instance of the same plan gives it up.

const (
	attachmentNamed = "kvs_attachment by its name"    // that is destroyed, wherever it is
	madeStore       = "kvs_instance made in this run" // whose first attachment nobody else can know
	madeApp         = "kvs_app made in this run"      // on which nobody else has attached anything
	planningTime    = 200 * time.Millisecond          // is enough to plan what comes next
	knowWithin      = 5 * planningTime                // Terraform reads and plans up to ten instances at a time
)

// onlyOwner refuses two instances that plan the same name of one app. replaced is what a creation replaces.
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

// onlyOwnerOfFirst claims the name that a store's configuration gives to its first attachment.
func (r *instanceResource) onlyOwnerOfFirst(ctx context.Context, req resource.ModifyPlanRequest, state,
	plan instanceModel) diag.Diagnostics {
	var configured types.String
	diags := req.Config.GetAttribute(ctx, path.Root("attachment_name"), &configured)
	if !diags.HasError() {
		diags.Append(r.run.claimFirst(state.ID.ValueString(), predecessor(ctx, req), plan, configured)...)
	}
	return diags
}

// claimFirst is onlyOwnerOfFirst with what has been decoded; id is that of a store in the state, replaced that of one to which
// the new one succeeds.
func (r *run) claimFirst(id, replaced string, plan instanceModel, configured types.String) diag.Diagnostics {
	if id != "" {
		r.note(object{"kvs_instance", id})
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
	other, conflict := r.claim(attachmentThing(app, name), mine)
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

// planCreation decides whether a creation may take over what is there: only if another instance of this plan has it. That
// cannot be said to Create, which sees only what is planned while the plan is applied: therefore takes_over is planned
// unknown, and otherwise null, and Terraform itself refuses to apply a null that has become an id.
func (r *attachmentResource) planCreation(ctx context.Context, config attachmentModel, plan *attachmentModel,
	replaced string, applies bool) diag.Diagnostics {
	plan.TakesOver = types.StringNull()
	app := plan.AppID.ValueString()
	if config.Name.IsNull() || r.run.keeps(object{madeApp, app}) {
		return nil
	}
	if !plan.known() {
		if replaced != "" || r.run.comesToKnow(ctx, object{attachmentNamed, plan.Name.ValueString()}, planningTime) {
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
		return r.sayTaken(*holder, *plan, applies)
	}
	decision, err := r.judge(ctx, holder, wanted)
	if err != nil {
		return nil
	}
	return r.announce(attachments, holder, decision)
}

// wasAttached reports whether the app had an attachment of that name when this apply asked for those of the app. What has
// come since was made by this run, which knows it, or is refused by Create.
func (r *attachmentResource) wasAttached(ctx context.Context, app heroku.AppID, name string) bool {
	attachments, err := r.client.CachedAttachmentsOn(ctx, app)
	return err != nil || heroku.AttachmentNamed(attachments, name) != nil
}

// planTakeover plans that an instance takes over what another one of this plan has: one that is replaced, or whose address,
// key or number has changed.
func (r *attachmentResource) planTakeover(ctx context.Context, holder heroku.Attachment, wanted heroku.AddOnID,
	plan *attachmentModel, applies bool) bool {
	switch {
	case applies:
		plan.TakesOver = types.StringValue(string(holder.ID))
	case r.run.comesToKnow(ctx, object{"kvs_attachment", string(holder.ID)}, knowWithin) || r.isFirst(ctx, holder, wanted):
		plan.TakesOver = types.StringUnknown()
	default:
		return false
	}
	return true
}

// sayTaken refuses to take over what another instance keeps. While a plan is applied, Terraform compares takes_over with what was
// planned, in words that blame the provider: what they mean is said beside them, since nothing tells whether they will come.
func (r *attachmentResource) sayTaken(holder heroku.Attachment, plan attachmentModel, applies bool) diag.Diagnostics {
	if !applies {
		return r.run.sole(object{"kvs_attachment", string(holder.ID)}, plan.String(), isTaken)
	}
	return diag.Diagnostics{diag.NewAttributeWarningDiagnostic(path.Root("takes_over"),
		"The attachment is taken over as it is", fmt.Sprintf(
			"The store %s (%s) is attached to the app %s as %s since %s (%s), and nothing is sent, because the plan has "+
				"found it in another instance. "+
				"If Terraform says that the final plan is inconsistent, the plan has not: somebody has attached the store since then. "+
				"Nothing has been changed in that case; plan again, and the plan says how to import it.",
			holder.AddOnName, holder.AddOnID, holder.AppName, holder.Name, cmp.Or(holder.CreatedAt, "an unknown time"), holder.ID))}
}

// planConfigVar refuses a name whose config var somebody has set by hand.
func (r *attachmentResource) planConfigVar(ctx context.Context, state, plan attachmentModel) diag.Diagnostics {
	app := heroku.AppID(plan.AppID.ValueString())
	stays := plan.AppID.Equal(state.AppID) && plan.Name.Equal(state.Name)
	if stays || !known(plan.AppID) || !known(plan.Name) || r.run.keeps(object{madeApp, string(app)}) {
		return nil
	}
	return r.refuseVarByHand(ctx, app, plan.Name.ValueString(), path.Root("name"))
}

// isFirst reports that an attachment came with the wanted store, which this configuration manages without naming it: Heroku
// chose the name.
func (r *attachmentResource) isFirst(ctx context.Context, a heroku.Attachment, wanted heroku.AddOnID) bool {
	chosen := a.Name == keyvalue.PrimaryAttachment || strings.HasPrefix(a.Name, "HEROKU_REDIS_")
	return chosen && a.AddOnID == wanted && a.AppID == a.OwnerAppID &&
		r.run.comesToKnow(ctx, object{"kvs_instance", string(wanted)}, planningTime)
}

// handover is what attaching under a name does to the attachment that bears it now.
type handover int

const (
	handoverNone     handover = iota // the name is free
	handoverAdopt                    // it is this resource's own already: nothing is sent
	handoverReplace                  // another store bears it and gives way
	handoverExists                   // the wanted store bears it, and somebody else has attached it
	handoverConflict                 // another store bears it that this configuration may not touch
)

// judge decides about the present holder of a name. ours are the attachments that this resource may take for its own.
// Only the primary's name changes hands by itself, and only between stores: everything else may be somebody's.
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

// madeHere reports that an attachment is the first one of a store that was ordered in this run, without a name for it.
func (r *attachmentResource) madeHere(a heroku.Attachment) bool {
	return a.AppID == a.OwnerAppID && r.run.keeps(object{madeStore, string(a.AddOnID)})
}

// planHandover says at plan time what apply will do to the holder of the planned name. What cannot be read now is no
// error: apply looks again.
func (r *attachmentResource) planHandover(ctx context.Context, state attachmentModel, plan *attachmentModel,
	half heroku.AttachmentID, applies bool) diag.Diagnostics {
	attachments, err := r.client.AttachmentsOn(ctx, heroku.AppID(plan.AppID.ValueString()))
	if err != nil {
		return nil
	}
	holder := heroku.AttachmentNamed(attachments, plan.Name.ValueString())
	wanted := heroku.AddOnID(plan.InstanceID.ValueString())
	// Under the name that it has already, the attachment is its own: the replacement of its store may have re-pointed it.
	elsewhere := !plan.AppID.Equal(state.AppID) || !plan.Name.Equal(state.Name)
	foreign := holder != nil && holder.AddOnID == wanted && holder.ID != state.attachmentID() && holder.ID != half
	if elsewhere && foreign && r.planTakeover(ctx, *holder, wanted, plan, applies) {
		return r.sayTaken(*holder, *plan, applies)
	}
	if applies {
		return nil
	}
	ours := []heroku.AttachmentID{state.attachmentID(), half}
	if holder != nil && !elsewhere { // where somebody has re-pointed it since, Update says so
		ours = append(ours, holder.ID)
	}
	decision, err := r.judge(ctx, holder, wanted, ours...)
	if err != nil {
		return nil
	}
	return r.announce(attachments, holder, decision)
}

// announce words a decision.
func (r *attachmentResource) announce(attachments []heroku.Attachment, holder *heroku.Attachment, decision handover) diag.Diagnostics {
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

// afterHandover says how the store that gives way can be reached afterwards. attachments are those of the same app.
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

// nameInUse refuses to take a name away from somebody else.
func nameInUse(holder heroku.Attachment) diag.Diagnostic {
	return diag.NewAttributeErrorDiagnostic(path.Root("name"), "The attachment name is in use", fmt.Sprintf(
		"On app %s the name %s belongs to the add-on %s (%s), and only %s may change hands between stores by itself. "+
			"Choose another name, or manage the existing attachment and then re-point it through its instance_id:\n\n%s",
		holder.AppName, holder.Name, holder.AddOnName, holder.AddOnID, keyvalue.PrimaryAttachment,
		importBlock("kvs_attachment", string(holder.ID))))
}

// attachedAlready refuses to manage what was there before.
func attachedAlready(holder heroku.Attachment) diag.Diagnostic {
	return diag.NewAttributeErrorDiagnostic(path.Root("name"), "The attachment exists already", fmt.Sprintf(
		"The store %s (%s) is attached to the app %s as %s since %s, and not by this resource: another configuration "+
			"may manage it, and would lose it when this one is destroyed. "+
			"To manage it here, import it:\n\n%s\n\nIf this configuration has it already under another address, key "+
			"or number, say so with a moved block instead, or, with -parallelism=1, apply without that. "+
			"On OpenTofu, leave out create_before_destroy as well: the attachment that it replaces cannot be told "+
			"there from somebody else's.",
		holder.AddOnName, holder.AddOnID, holder.AppName, holder.Name, cmp.Or(holder.CreatedAt, "an unknown time"),
		importBlock("kvs_attachment", string(holder.ID))))
}

// attach makes the planned attachment and returns it. It looks before each step, so that a run that was cut short is
// continued and nothing is attached twice. before is the attachment that this resource had so far, nil on create; others
// that it may take for its own are ours.
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
	if before == nil || !r.leads(ctx, order) {
		if refusal := r.place(ctx, plan, addOn); refusal != nil {
			return heroku.Attachment{}, refusal
		}
	}
	// Most names are free, and Heroku refuses one that is not. The primary's has a holder most of the time.
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
		// Only a holder that has been looked at is replaced: anything else under this name makes Heroku ask, and us fail.
		order.Confirm = holder.AppName
	}
	attachment, err := r.client.CreateAttachment(ctx, order)
	if err != nil {
		return heroku.Attachment{}, r.refusal(plan, err)
	}
	return attachment, nil
}

// refusedByHeroku: nothing was attached or detached, and it may be because of a name or of what else is attached.
func refusedByHeroku(err error) bool {
	return heroku.HasStatus(err, http.StatusLocked) || heroku.HasStatus(err, http.StatusUnprocessableEntity)
}

func (r *attachmentResource) refusal(plan attachmentModel, err error) diag.Diagnostic {
	if heroku.HasID(err, "confirmation_required") {
		return r.configVarInUse(plan, err)
	}
	return r.failure("Unable to attach", plan.String(), err)
}

// attachable refuses by name what cannot be attached, so that a store that is not ready stops what depends on it.
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

// keepReachable gives the store that is about to lose an attachment another one, under a name that Heroku chooses, when
// it would be left without any on its own app, which Heroku does not allow (as the CLI's redis:promote does).
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

// configVarInUse explains the confirmation that Heroku asks for although no attachment had the name a moment ago.
func (r *attachmentResource) configVarInUse(plan attachmentModel, err error) diag.Diagnostic {
	failed := r.failure("", plan.String(), err)
	return diag.NewAttributeErrorDiagnostic(path.Root("name"), "The attachment name is in use", fmt.Sprintf(
		"%s\n\nThe app has a config var %s that was set by hand, or another attachment took the name just now. Nothing was overwritten. "+
			"Choose another name, or remove the config var if its value is not needed any more.",
		failed.Detail(), keyvalue.ConfigVar(plan.Name.ValueString())))
}

// leads reports whether the app has the store under that name already: a replacement of the store moves its attachments along,
// and has said which apps are cut off by that.
func (r *attachmentResource) leads(ctx context.Context, order heroku.AttachmentCreate) bool {
	attachments, err := r.client.AppAttachments(ctx, order.App)
	holder := heroku.AttachmentNamed(attachments, order.Name)
	return err == nil && holder != nil && holder.AddOnID == order.AddOn
}

// takenOver settles which attachment Create may take for its own: one that is there and that no Delete is taking away.
func (r *attachmentResource) takenOver(ctx context.Context, plan *attachmentModel) []heroku.AttachmentID {
	if plan.TakesOver.IsUnknown() { // a Delete may have told by now whose it is
		plan.TakesOver = types.StringNull()
		attachments, err := r.client.AppAttachments(ctx, heroku.AppID(plan.AppID.ValueString()))
		if holder := heroku.AttachmentNamed(attachments, plan.Name.ValueString()); err == nil && holder != nil &&
			r.run.knows(object{"kvs_attachment", string(holder.ID)}) {
			plan.TakesOver = types.StringValue(string(holder.ID))
		}
	}
	taken := plan.TakesOver.ValueString()
	if taken == "" {
		return nil
	}
	if !r.run.take(object{"kvs_attachment", taken}) {
		r.run.awaitDeleted(ctx, object{"kvs_attachment", taken})
		return nil
	}
	return []heroku.AttachmentID{heroku.AttachmentID(taken)}
}

// wentAlong reports that an attachment is gone because its app or its store is, and that the plan is for another one: an
// app or a store that is replaced is destroyed before its attachments are told.
func (r *attachmentResource) wentAlong(ctx context.Context, state, plan attachmentModel) bool {
	var err error
	if !plan.AppID.Equal(state.AppID) {
		_, err = r.client.App(ctx, heroku.AppID(state.AppID.ValueString()))
	}
	if !heroku.IsNotFound(err) && !plan.InstanceID.Equal(state.InstanceID) {
		_, err = r.client.AddOn(ctx, heroku.AddOnID(state.InstanceID.ValueString()))
	}
	return heroku.IsNotFound(err)
}
