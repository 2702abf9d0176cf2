// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"fmt"
	"net/http"
	"slices"
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

// present is the store that the state means now. It is another one when a replacement ended in a run that was lost before
// it could say so: the old store is gone or kept under another name, and the new one bears the name that the state knows.
func (r *instanceResource) present(ctx context.Context, state *instanceModel) (heroku.AddOn, error) {
	addOn, err := r.client.AddOn(ctx, state.addOnID())
	name := state.Name.ValueString()
	kept := err == nil && gaveAway(addOn, name)
	gone := heroku.IsNotFound(err) || err == nil && ending(addOn)
	if name == "" || !kept && !gone {
		return addOn, err
	}
	successor, failed := r.client.FindAddOn(ctx, name)
	switch {
	case heroku.IsNotFound(failed):
		return addOn, err
	case failed != nil:
		return addOn, failed // whether there is one decides between a store that is kept and an empty one
	case successor.ID == state.addOnID(), successor.Service != keyValueStoreService, successor.State != heroku.StateProvisioned:
		return addOn, err
	}
	if kept {
		state.RetiredInstanceID = types.StringValue(string(addOn.ID))
	}
	return successor, nil
}

// ending says that Heroku has given the store up, or is about to.
func ending(addOn heroku.AddOn) bool {
	return addOn.State == heroku.StateDeprovisioning || addOn.State == heroku.StateDeprovisioned
}

// gaveAway says that a store has been replaced, and is kept while another one bears its name.
func gaveAway(addOn heroku.AddOn, name string) bool {
	original, retired := keyvalue.OriginalName(addOn.Name, string(addOn.ID))
	return retired && original == name && !migrating(addOn) &&
		slices.Contains(addOn.ConfigVars, keyvalue.ConfigVar(keyvalue.RetiredAttachment(string(addOn.ID))))
}

// succeeded says so.
func (m instanceModel) succeeded(by heroku.AddOn) diag.Diagnostic {
	was := "is gone"
	if !m.RetiredInstanceID.IsNull() {
		was = "is kept under another name"
	}
	return diag.NewWarningDiagnostic("The store was replaced by another one", fmt.Sprintf(
		"%s %s, and %s (%s) bears its name now: it is taken for the store that replaced it, in a run that was lost before it could say so. "+
			"Nothing is left to do, unless nobody has replaced it: look at it with `heroku addons:info %[4]s` then, before anything is applied.", m.label(), was, by.Name, by.ID))
}

// retire destroys the old store or keeps it. A store that could not be destroyed is left to a later run, of the new store's
// state. One that is kept ends the replacement here: until then, the state stays the old one's.
func (m *replacement) retire(ctx context.Context) (done bool, diags diag.Diagnostics) {
	m.want.RetiredInstanceID = types.StringValue(string(m.old.ID))
	policy := m.terms.retires()
	if policy != retireAlways && (policy == retireNever || !m.proven && !m.terms.recreates()) {
		if err := m.unmark(context.WithoutCancel(ctx)); err != nil {
			return false, diag.Diagnostics{m.notFinished(err)}
		}
		return true, nil
	}
	if err := m.destroyRetired(ctx, m.old.ID, m.timeout); err != nil {
		return true, diag.Diagnostics{m.failure("Unable to retire Key-Value Store", m.label(), err)}
	}
	m.want.RetiredInstanceID = types.StringNull()
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
		err = m.detachFrom(ctx, m.old.AppID, m.mark(), m.old.ID)
	}
	return err
}

// destroyRetired destroys a store whose data is in another one. That it is gone already is success.
func (r *instanceResource) destroyRetired(ctx context.Context, id heroku.AddOnID, timeout time.Duration) error {
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
	if kept := state.RetiredInstanceID.ValueString(); kept != "" {
		if err := r.destroyRetired(ctx, heroku.AddOnID(kept), timeout); err != nil {
			return diag.Diagnostics{r.failure(summary, "Key-Value Store "+kept, err)}
		}
	}
	if state.State.ValueString() != instanceMigrating {
		return nil
	}
	m, err := r.replacementOf(ctx, state, &state, timeout)
	if heroku.IsNotFound(err) {
		return nil
	}
	if err == nil && m.fresh != nil {
		if diags := m.discardUsed(ctx); diags.HasError() {
			return diags
		}
	}
	if err == nil {
		err = m.releaseApps(ctx, m.old.ID, m.apps)
	}
	if err != nil {
		return diag.Diagnostics{r.failure(summary, state.label(), err)}
	}
	return nil
}

// discardUsed destroys the new store of a replacement that is given up together with the old one. What was carried over
// from the app of the old store goes with it; other apps have to be detached first, as for any store.
func (m *replacement) discardUsed(ctx context.Context) diag.Diagnostics {
	fresh := instanceModel{ID: types.StringValue(string(m.fresh.ID)), Name: types.StringValue(m.fresh.Name)}
	attached, err := m.client.AddOnAttachments(ctx, m.fresh.ID)
	for _, attachment := range attached {
		if err == nil && attachment.AppID == m.old.AppID && attachment.AppID != m.fresh.AppID {
			err = m.client.DeleteAttachment(ctx, attachment.ID)
		}
	}
	if err == nil {
		err = m.discard(ctx)
	}
	if heroku.HasStatus(err, http.StatusUnprocessableEntity) {
		if foreign, failed := m.attachedElsewhere(ctx, fresh); failed == nil && len(foreign) > 0 {
			return diag.Diagnostics{m.stillInUse(fresh, foreign, err)}
		}
	}
	if err != nil {
		return diag.Diagnostics{m.failure("Unable to destroy Key-Value Store", fresh.label(), err)}
	}
	return nil
}
