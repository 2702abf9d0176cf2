// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/keyvalue"
)

// What becomes of the store that another one has replaced. It may be kept for as long as nobody has said that the new
// one is complete, and it goes with it in the end.

// retirementOverdue, in the private state, says that the retired store was to be destroyed and could not be.
const retirementOverdue = "retirement_overdue"

// planRetirement speaks of a store that an earlier replacement has kept.
func (r *instanceResource) planRetirement(ctx context.Context, state instanceModel, plan *instanceModel, overdue bool) diag.Diagnostics {
	var diags diag.Diagnostics
	kept := state.RetiredInstanceID.ValueString()
	if kept == "" || plan.RetiredInstanceID.IsUnknown() {
		return diags
	}
	if overdue || plan.terms(ctx).retires() == retireAlways {
		if diags.Append(r.protected.refuseDestroyOf(storeObject(heroku.AddOnID(kept)), "The retired Key-Value Store "+kept)...); diags.HasError() {
			return diags
		}
		if r.client != nil {
			if doubt, err := r.notRetired(ctx, state, kept); err == nil && doubt != "" {
				return append(diags, willNotBeDestroyed(state, kept, doubt))
			}
		}
		plan.RetiredInstanceID = types.StringNull()
		diags.AddAttributeWarning(path.Root("migration"), "The retired store will be destroyed",
			fmt.Sprintf("%s replaced the store %s, which was kept since. It is destroyed now, with all its keys.", state.label(), kept))
		return diags
	}
	diags.AddAttributeWarning(path.Root("retired_instance_id"), "A retired store is kept", fmt.Sprintf(
		"%s replaced the store %s, which is kept under another name: %s. When the new store is known to be complete, set migration = { retire = \"always\" } to destroy it.",
		state.label(), kept, r.priceOf(ctx, heroku.AddOnID(kept))))
	return diags
}

func (r *instanceResource) priceOf(ctx context.Context, id heroku.AddOnID) string {
	if r.client != nil {
		if addOn, err := r.client.AddOn(ctx, id); err == nil {
			plan, _ := keyvalue.LookupPlan(keyvalue.PlanName(shortPlan(addOn.Plan)))
			return fmt.Sprintf("%s on the plan %s, %s", addOn.Name, shortPlan(addOn.Plan), paidFor(plan.MonthlyPriceCents))
		}
	}
	return "it is paid for"
}

// retire destroys the old store or keeps it. A store that could not be destroyed is left to a later run, of the new store's
// state. One that is kept ends the replacement here: until then, the state stays the old one's.
func (m *replacement) retire(ctx context.Context) (done bool, diags diag.Diagnostics) {
	m.want.RetiredInstanceID = types.StringValue(string(m.old.ID))
	if err := m.arrived(ctx); err != nil {
		return false, diag.Diagnostics{m.notFinished(err)}
	}
	policy := m.terms.retires()
	if policy != retireAlways && (policy == retireNever || !m.proven && !m.terms.recreates()) {
		if err := m.unmark(ctx); err != nil {
			return false, diag.Diagnostics{m.notFinished(err)}
		}
		return true, nil
	}
	if err := m.destroyStore(ctx, m.old.ID, m.timeout); err != nil {
		return true, diag.Diagnostics{m.failure("Unable to retire Key-Value Store", m.label(), err)}
	}
	m.want.RetiredInstanceID, m.lease = types.StringNull(), heroku.Attachment{}
	return true, nil
}

// unmark ends the replacement for a store that is kept.
func (m *replacement) unmark(ctx context.Context) error {
	name := keyvalue.RetiredAttachment(string(m.old.ID))
	_, err := m.client.AppAttachment(ctx, string(m.old.AppID), name)
	if heroku.IsNotFound(err) {
		_, err = m.client.CreateAttachment(ctx, heroku.AttachmentCreate{AddOn: m.old.ID, App: m.old.AppID, Name: name})
	}
	if err == nil {
		err = m.removeMark(ctx)
	}
	return err
}

// destroyStore destroys a store that its caller has proven to be the right one. That it is gone already is success.
func (r *instanceResource) destroyStore(ctx context.Context, id heroku.AddOnID, timeout time.Duration) error {
	addOn, err := r.client.FindAddOn(ctx, string(id))
	if err == nil && addOn.State != heroku.StateDeprovisioning {
		err = r.client.DeleteAddOn(ctx, addOn.AppID, id)
	}
	if err == nil {
		err = r.client.WaitAddOnGone(ctx, id, timeout)
	}
	if heroku.IsNotFound(err) {
		return nil
	}
	return err
}

// notRetired says why a store is not proven to be the one that a replacement by keeper has kept; empty when it is, and when
// it is gone. The state alone proves nothing: the store may be in use again, and a state can be written by hand.
func (r *instanceResource) notRetired(ctx context.Context, keeper instanceModel, kept string) (doubt string, err error) {
	id := heroku.AddOnID(kept)
	if !isUUID(kept) || id == keeper.addOnID() {
		return "that is not the id of a store that could be destroyed", nil
	}
	if by, protected := r.protected.protector(storeObject(heroku.AddOnID(kept))); protected {
		return "it is managed here too, and protected, as " + by, nil
	}
	addOn, err := r.client.FindAddOn(ctx, kept)
	if heroku.IsNotFound(err) || err == nil && ending(addOn) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	if addOn.Service != keyValueStoreService {
		return fmt.Sprintf("%s is an add-on of %s", addOn.Name, addOn.Service), nil
	}
	original, retired := keyvalue.OriginalName(addOn.Name, kept)
	if !retired {
		return fmt.Sprintf("its name is %s, which is not that of a retired store", addOn.Name), nil
	}
	if original != keeper.Name.ValueString() { // the keeper may have been renamed since
		now, err := r.client.AddOn(ctx, keeper.addOnID())
		if err != nil || !keyvalue.Succeeds(now.ConfigVars, kept) {
			return fmt.Sprintf("its name %s is that of a store which %s did not replace", addOn.Name, keeper.label()), err
		}
	}
	attachments, err := r.client.AddOnAttachments(ctx, id)
	if err != nil {
		return "", err
	}
	marked := false
	for _, attachment := range attachments {
		if !markOf(id, attachment.Name) || attachment.AppID != addOn.AppID {
			return fmt.Sprintf("it is attached to app %s as %s", attachment.AppName, attachment.Name), nil
		}
		marked = marked || attachment.Name == keyvalue.RetiredAttachment(kept) || attachment.Name == keyvalue.MigrationMark(kept)
	}
	if !marked {
		return fmt.Sprintf("it lacks the attachment %s of a retired store", keyvalue.RetiredAttachment(kept)), nil
	}
	return "", nil
}

// retireKept destroys the store that an earlier replacement has kept.
func (r *instanceResource) retireKept(ctx context.Context, keeper instanceModel, kept string, timeout time.Duration) diag.Diagnostics {
	doubt, err := r.notRetired(ctx, keeper, kept)
	if err == nil && doubt != "" {
		return diag.Diagnostics{diag.NewErrorDiagnostic("The retired store was not destroyed", notDestroyed(keeper, kept, doubt))}
	}
	if err == nil {
		err = r.destroyStore(ctx, heroku.AddOnID(kept), timeout)
	}
	if err != nil {
		return diag.Diagnostics{r.failure("Unable to retire Key-Value Store", "Key-Value Store "+kept, err)}
	}
	return nil
}

// willNotBeDestroyed is said before the rest goes on.
func willNotBeDestroyed(keeper instanceModel, kept, doubt string) diag.Diagnostic {
	return diag.NewAttributeWarningDiagnostic(path.Root("retired_instance_id"), "The retired store will not be destroyed", notDestroyed(keeper, kept, doubt))
}

func notDestroyed(keeper instanceModel, kept, doubt string) string {
	return fmt.Sprintf("%s is said to have replaced the store %s, and that one is not proven to be left over from it: %s. It is kept as it is. "+
		"Look at it with `heroku addons:info %[2]s`; if nobody needs it, destroy it with `heroku addons:destroy %[2]s`.", keeper.label(), kept, doubt)
}

// endSuccession removes what proves that this store has replaced another one. The state has its own id by now, so that the
// proof has served. It is done by the next change of the store: a plan changes nothing, and nothing is planned only for this.
func (r *instanceResource) endSuccession(ctx context.Context, m instanceModel) error {
	addOn, err := r.client.AddOn(ctx, m.addOnID())
	for _, name := range keyvalue.Successions(addOn.ConfigVars) {
		if err == nil {
			err = r.detachFrom(ctx, addOn.AppID, name, addOn.ID)
		}
	}
	return err
}

// otherStore says that two stores go with one resource.
func (m instanceModel) otherStore() diag.Diagnostics {
	var diags diag.Diagnostics
	switch kept := m.RetiredInstanceID.ValueString(); {
	case kept != "":
		diags.AddWarning("Two stores will be destroyed", fmt.Sprintf("%s replaced the store %s, which was kept since. Both are destroyed.", m.label(), kept))
	case m.State.ValueString() == instanceMigrating:
		diags.AddWarning("Two stores will be destroyed", fmt.Sprintf("%s is being replaced, and the replacement is not finished. Both stores are destroyed, and the apps put back.", m.label()))
	}
	return diags
}

// destroyOther destroys the second store of a replacement: the one that was kept, or the one that was not finished.
func (r *instanceResource) destroyOther(ctx context.Context, state instanceModel, timeout time.Duration) diag.Diagnostics {
	const summary = "Unable to destroy Key-Value Store"
	var diags diag.Diagnostics
	if kept := state.RetiredInstanceID.ValueString(); kept != "" {
		doubt, err := r.notRetired(ctx, state, kept)
		switch {
		case err != nil:
		case doubt != "":
			diags.Append(willNotBeDestroyed(state, kept, doubt))
		default:
			err = r.destroyStore(ctx, heroku.AddOnID(kept), timeout)
		}
		if err != nil {
			return diag.Diagnostics{r.failure(summary, "Key-Value Store "+kept, err)}
		}
	}
	if state.State.ValueString() != instanceMigrating {
		return diags
	}
	m, err := r.replacementOf(ctx, state, &state, timeout)
	if heroku.IsNotFound(err) {
		return diags
	}
	defer func() { _ = m.giveBack(ctx) }()
	if err == nil && m.fresh != nil {
		if used := m.discardUsed(ctx); used.HasError() {
			return append(diags, used...)
		}
	}
	if err == nil {
		err = m.releaseApps(ctx, m.old.ID, m.apps)
	}
	if err != nil {
		return append(diags, r.failure(summary, state.label(), err))
	}
	return diags
}

// discardUsed destroys the new store of a replacement that is given up together with the old one. What was carried over
// from the app of the old store goes with it; other apps have to be detached first, as for any store.
func (m *replacement) discardUsed(ctx context.Context) diag.Diagnostics {
	fresh := instanceModel{ID: types.StringValue(string(m.fresh.ID)), Name: types.StringValue(m.fresh.Name)}
	err := m.claim(ctx)
	if err != nil || m.fresh == nil {
		return m.notDiscarded(fresh, err)
	}
	ctx = m.underLease(ctx)
	attached, err := m.client.AddOnAttachments(ctx, m.fresh.ID)
	for _, attachment := range attached {
		if err == nil && attachment.AppID == m.old.AppID && attachment.AppID != m.fresh.AppID {
			err = m.client.DeleteAttachment(ctx, attachment.ID)
		}
	}
	if err == nil {
		err = m.destroyStore(ctx, m.fresh.ID, m.timeout)
	}
	if heroku.HasStatus(err, http.StatusUnprocessableEntity) {
		if foreign, failed := m.attachedElsewhere(ctx, fresh); failed == nil && len(foreign) > 0 {
			return diag.Diagnostics{m.stillInUse(fresh, foreign, err)}
		}
	}
	return m.notDiscarded(fresh, err)
}

func (m *replacement) notDiscarded(fresh instanceModel, err error) diag.Diagnostics {
	if err == nil {
		return nil
	}
	return diag.Diagnostics{m.failure("Unable to destroy Key-Value Store", fresh.label(), err)}
}
