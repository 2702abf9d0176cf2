// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"cmp"
	"context"
	"fmt"
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
	aMoment         = 200 * time.Millisecond          // is enough to plan what comes next
	knowWithin      = 5 * aMoment                     // Terraform reads and plans up to ten instances at a time
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
func (r *instanceResource) onlyOwnerOfFirst(ctx context.Context, req resource.ModifyPlanRequest, state, plan instanceModel) diag.Diagnostics {
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
		"App %s has one attachment called %s, and this configuration has two owners for it: %s, and %s. They would undo each other at every apply. "+
			"Keep one of them, or give them different names. If both have the same attachment in the state, let go of one without detaching it: "+
			"removed { from = kvs_attachment.other, lifecycle { destroy = false } }.", app, name, other.text, mine.text))}
}

// planCreation decides whether a creation may take over what is there: only if another instance of this plan has it. That
// cannot be said to Create, which sees only what is planned while the plan is applied: therefore takes_over is planned
// unknown, and otherwise null, and Terraform itself refuses to apply a null that has become an id.
func (r *attachmentResource) planCreation(ctx context.Context, config attachmentModel, plan *attachmentModel, replaced string, applies bool) diag.Diagnostics {
	plan.TakesOver = types.StringNull()
	app := plan.AppID.ValueString()
	if config.Name.IsNull() || r.run.keeps(object{madeApp, app}) {
		return nil
	}
	if !plan.known() {
		if replaced != "" || r.run.comesToKnow(ctx, object{attachmentNamed, plan.Name.ValueString()}, aMoment) {
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
	attachments, err := r.client.AttachmentsEarlierOn(ctx, app)
	return err != nil || heroku.AttachmentNamed(attachments, name) != nil
}

// planTakeover plans that an instance takes over what another one of this plan has: one that is replaced, or whose address,
// key or number has changed.
func (r *attachmentResource) planTakeover(ctx context.Context, holder heroku.Attachment, wanted heroku.AddOnID, plan *attachmentModel, applies bool) bool {
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
	return diag.Diagnostics{diag.NewAttributeWarningDiagnostic(path.Root("takes_over"), "The attachment is taken over as it is", fmt.Sprintf(
		"The store %s (%s) is attached to the app %s as %s since %s (%s), and nothing is sent, because the plan has found it in another instance. "+
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
	return chosen && a.AddOnID == wanted && a.AppID == a.OwnerAppID && r.run.comesToKnow(ctx, object{"kvs_instance", string(wanted)}, aMoment)
}
