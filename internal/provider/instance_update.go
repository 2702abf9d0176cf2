// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/keyvalue"
)

func (r *instanceResource) Update(ctx context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	defer recoverPanic(&resp.Diagnostics, "Updating a Key-Value Store", nil)
	var state, plan, config instanceModel
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	resp.Diagnostics.Append(req.Config.Get(ctx, &config)...)
	timeout, diags := plan.Timeouts.Update(ctx, instanceUpdateTimeout)
	if resp.Diagnostics.Append(diags...); resp.Diagnostics.HasError() || !r.ready(&resp.Diagnostics) {
		return
	}
	resp.Diagnostics.Append(r.certificates.recall(ctx, state.addOnID(), req.Private)...)
	save := func(m instanceModel) {
		resp.Diagnostics.Append(resp.State.Set(ctx, &m)...)
		resp.Diagnostics.Append(r.certificates.keep(ctx, m.addOnID(), resp.Private)...)
		resp.Diagnostics.Append(resp.Identity.Set(ctx, instanceIdentity{ID: m.ID})...)
	}
	// The plan may have been made while the app or the plan was unknown.
	change := keyvalue.Impact(state.spec(), plan.spec())
	if resp.Diagnostics.Append(refuseUpgrade(state, plan, change, plan.terms(ctx))...); resp.Diagnostics.HasError() {
		return
	}
	now, diags := r.compareLive(ctx, state, plan, config, change)
	if resp.Diagnostics.Append(diags...); resp.Diagnostics.HasError() {
		return
	}
	if change.Method != keyvalue.NoChange && now.addOn.ID != "" {
		resp.Diagnostics.Append(r.attachedSince(ctx, state)...)
	}
	if change.Method == keyvalue.NewStore || change.Method == keyvalue.Refused {
		if resp.Diagnostics.Append(refuseReplacement(state, plan, change, plan.terms(ctx))...); resp.Diagnostics.HasError() {
			return
		}
		done, diags := r.replace(ctx, state, &plan, timeout)
		resp.Diagnostics.Append(diags...)
		if done {
			save(plan)
			former, unread := req.Private.GetKey(ctx, attachmentsCarried)
			resp.Diagnostics.Append(unread...)
			resp.Diagnostics.Append(resp.Private.SetKey(ctx, attachmentsCarried, carriedFrom(former, state, plan))...)
			if !plan.RetiredInstanceID.IsNull() && diags.HasError() {
				resp.Diagnostics.Append(resp.Private.SetKey(ctx, retirementOverdue, []byte("true"))...)
			}
		}
		return
	}
	if state.State.ValueString() == instanceMigrating {
		if resp.Diagnostics.Append(r.abandon(ctx, state, &plan, timeout)...); resp.Diagnostics.HasError() {
			return
		}
	}
	plan.ID = state.ID
	if plan.RetiredInstanceID.IsUnknown() {
		plan.RetiredInstanceID = state.RetiredInstanceID
	}
	if resp.Diagnostics.Append(r.changeInPlace(ctx, &state, &plan, now, change, timeout, resp)...); resp.Diagnostics.HasError() {
		return
	}
	save(plan)
	resp.Diagnostics.Append(r.resumeFork(ctx, req, resp, plan)...)
	if kept := state.RetiredInstanceID; !kept.IsNull() && plan.RetiredInstanceID.IsNull() {
		if diags := r.retireKept(ctx, state, kept.ValueString(), timeout); diags.HasError() {
			resp.Diagnostics.Append(diags...)
			resp.Diagnostics.Append(resp.State.SetAttribute(ctx, path.Root("retired_instance_id"), kept)...)
			return
		}
		resp.Diagnostics.Append(resp.Private.SetKey(ctx, retirementOverdue, nil)...)
	}
	if state.RetiredInstanceID.IsNull() { // until then it proves also whose store the kept one is
		if err := r.replacements().EndSuccession(ctx, plan.addOnID()); err != nil {
			failure := r.failure("Unable to detach", plan.label(), err) // the change is done, and the next one tries again
			resp.Diagnostics.AddWarning(failure.Summary(), failure.Detail())
		}
	}
}

// changeInPlace asks the Platform API for what it has to be told, remembers that it did, and waits for the end of that.
func (r *instanceResource) changeInPlace(ctx context.Context, state, plan *instanceModel, now live, change keyvalue.Change, timeout time.Duration, resp *resource.UpdateResponse) diag.Diagnostics {
	const summary = "Unable to change Key-Value Store"
	if diags := r.refuseInUse(ctx, *plan, now.addOn, change, timeout); diags.HasError() {
		return diags
	}
	resumed := !state.ready()
	if !resumed && plan.AttachmentName.Equal(state.AttachmentName) {
		now.attached = true
	}
	if update, changed := plan.changesTo(*state); changed {
		if change.Downgrade {
			if diags := r.proveRoom(ctx, state.addOnID(), state.label(), plan.spec().Plan, plan.terms(ctx).AcceptUnproven.ValueBool()).Errors(); diags.HasError() {
				return diags
			}
		}
		if update.Plan != nil { // Heroku refuses another change while one is under way
			if _, err := r.available(ctx, now, "", timeout); err != nil {
				return diag.Diagnostics{r.failure(summary, state.label(), err)}
			}
			now.store = nil
		}
		addOn, err := r.client.UpdateAddOn(ctx, heroku.AppID(state.AppID.ValueString()), state.addOnID(), update)
		if err != nil {
			return diag.Diagnostics{r.failure(summary, state.label(), err)}
		}
		resumed = resumed || update.Plan != nil
		now.addOn = addOn
		state.read(addOn, nil)
		resp.Diagnostics.Append(resp.State.Set(ctx, state)...)
	}
	awaited := ""
	if resumed { // a plan that was ordered, be it by an earlier run
		awaited = string(plan.spec().Plan)
	}
	planned := *plan
	if err := r.finish(ctx, plan, now, awaited, timeout); err != nil {
		return diag.Diagnostics{r.failure("Unable to finish the change of Key-Value Store", state.label(), err)}
	}
	var diags diag.Diagnostics
	if planned.Name.IsUnknown() {
		diags = r.nameForGood(ctx, plan)
	}
	diags.Append(r.upgrade(ctx, plan, false, timeout)...)
	plan.keepPlanned(planned)
	return diags
}

// live is what Heroku has of a store before anything is changed.
type live struct {
	addOn    heroku.AddOn
	store    *heroku.Store // nil: it has to be waited for
	attached bool          // the attachment is not this change's
}

// available is the store when it can be used and, if plan is not empty, runs on that plan.
func (r *instanceResource) available(ctx context.Context, now live, plan string, timeout time.Duration) (heroku.Store, error) {
	if now.store != nil && !now.store.Preparing() && (plan == "" || now.store.Plan == plan) {
		return *now.store, nil
	}
	return r.client.WaitStoreAvailable(ctx, now.addOn.ID, plan, timeout)
}

// finish waits until the store is ready on both APIs, for a plan only if one was ordered, brings attachment and settings to
// what is planned, and reads everything back. It is looked up before it is done, so that an interrupted run continues where
// it stopped.
func (r *instanceResource) finish(ctx context.Context, m *instanceModel, now live, plan string, timeout time.Duration) (err error) {
	addOn := now.addOn
	if addOn.State != heroku.StateProvisioned {
		var store heroku.Store
		if addOn, store, err = r.client.WaitReady(ctx, m.addOnID(), plan, timeout); err != nil {
			return err
		}
		now.addOn, now.store = addOn, &store
	}
	store, err := r.available(ctx, now, plan, timeout)
	if err != nil {
		return err
	}
	if !now.attached {
		if addOn, err = r.attachAs(ctx, addOn, m.AttachmentName); err != nil {
			return err
		}
	}
	if update, changed := m.settingsFor(store); changed {
		if err := r.client.UpdateStoreConfig(ctx, addOn.ID, update); err != nil {
			return err
		}
		if store, err = r.client.Store(ctx, addOn.ID); err != nil {
			return err
		}
	}
	m.readAsAsked(addOn, store)
	return nil
}
