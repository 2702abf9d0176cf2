// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"fmt"
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
		"%s replaced the store %s, which is kept %s: %s. When the new store is known to be complete, set migration = { retire = \"always\" } to destroy it.",
		state.label(), kept, "under another name", r.priceOf(ctx, heroku.AddOnID(kept))))
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

// retire destroys the old store or keeps it. The state is that of the new one, whatever becomes of the old one.
func (m *replacement) retire(ctx context.Context) diag.Diagnostics {
	m.want.RetiredInstanceID = types.StringValue(string(m.old.ID))
	var err error
	switch policy := m.terms.retires(); {
	case policy == retireAlways, policy == retireWhenVerified && (m.proven || m.terms.recreates()):
		if err = m.destroyRetired(ctx, m.old.ID, m.timeout); err == nil {
			m.want.RetiredInstanceID = types.StringNull()
		}
	default:
		err = m.unmark(ctx)
	}
	if err != nil {
		return diag.Diagnostics{m.failure("Unable to retire Key-Value Store", m.label(), err)}
	}
	return nil
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

// destroyRetired destroys a store whose data is in another one.
func (r *instanceResource) destroyRetired(ctx context.Context, id heroku.AddOnID, timeout time.Duration) error {
	addOn, err := r.client.FindAddOn(ctx, string(id))
	if err == nil {
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
		err = m.discard(ctx)
	}
	if err == nil {
		err = m.releaseApps(ctx, m.old.ID, m.apps)
	}
	if err != nil {
		return diag.Diagnostics{r.failure(summary, state.label(), err)}
	}
	return nil
}
