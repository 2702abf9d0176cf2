// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"slices"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/keyvalue"
)

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
func (r *attachmentResource) judge(ctx context.Context, holder *heroku.Attachment, wanted heroku.AddOnID, ours ...heroku.AttachmentID) (handover, error) {
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
func (r *attachmentResource) planHandover(ctx context.Context, state attachmentModel, plan *attachmentModel, half heroku.AttachmentID, applies bool) diag.Diagnostics {
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
		holder.AppName, holder.Name, holder.AddOnName, holder.AddOnID, keyvalue.PrimaryAttachment, importBlock("kvs_attachment", string(holder.ID))))
}

// attachedAlready refuses to manage what was there before.
func attachedAlready(holder heroku.Attachment) diag.Diagnostic {
	return diag.NewAttributeErrorDiagnostic(path.Root("name"), "The attachment exists already", fmt.Sprintf(
		"The store %s (%s) is attached to the app %s as %s since %s, and not by this resource: another configuration may manage it, and would lose it when this one is destroyed. "+
			"To manage it here, import it:\n\n%s\n\nIf this configuration has it already under another address, key or number, say so with a moved block instead, or, with -parallelism=1, apply without that. "+
			"On OpenTofu, leave out create_before_destroy as well: the attachment that it replaces cannot be told there from somebody else's.",
		holder.AddOnName, holder.AddOnID, holder.AppName, holder.Name, cmp.Or(holder.CreatedAt, "an unknown time"), importBlock("kvs_attachment", string(holder.ID))))
}

// attach makes the planned attachment and returns it. It looks before each step, so that a run that was cut short is
// continued and nothing is attached twice. before is the attachment that this resource had so far, nil on create; others
// that it may take for its own are ours.
func (r *attachmentResource) attach(ctx context.Context, plan attachmentModel, before *heroku.Attachment, ours ...heroku.AttachmentID) (heroku.Attachment, diag.Diagnostic) {
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
			"The add-on %s (%s) belongs to the service %s; a Key-Value Store is an add-on of %s.", addOn.Name, addOn.ID, addOn.Service, keyvalue.Service))
	case addOn.State != heroku.StateProvisioned:
		return diag.NewAttributeErrorDiagnostic(at, "Key-Value Store is not ready", fmt.Sprintf(
			"The store %s (%s) on app %s is %s, and Heroku attaches only provisioned ones. Nothing was attached. "+
				"Apply again when it is ready; the apply waits for stores that it manages.", addOn.Name, addOn.ID, addOn.AppName, addOn.State))
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
