// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package replacement

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/keyvalue"
)

// order orders the new store. No app reads its copy before it is complete, so its first attachment is a temporary one.
func (r *replacement) order(ctx context.Context) Findings {
	app, err := r.client.App(ctx, r.plan.AppID)
	if err != nil {
		return Findings{Failure{StepReadApp, storeOf(r.old), err}}
	}
	order := r.plan.Order(app)
	order.Name, order.AttachmentName = keyvalue.ForkName(string(r.old.ID)), r.temporaryAttachment()
	if !r.plan.Terms.Recreate {
		source, err := r.client.Store(ctx, r.old.ID)
		if err != nil {
			return Findings{Failure{StepReadSettings, storeOf(r.old), err}}
		}
		order.Config["fork"] = source.ResourceURL.Reveal()
	}
	created, err := r.client.CreateAddOn(ctx, app.ID, order)
	if heroku.HasID(err, "invalid_params") { // another run may have ordered it a moment ago
		if _, err := r.findNewStore(ctx); err != nil {
			return Findings{r.halted(err)}
		}
		if r.newStore != nil && r.asPlanned() {
			return nil
		}
	}
	if err != nil {
		return Findings{r.halted(fmt.Errorf("ordering the new store %s: %w", order.Name, err))}
	}
	r.newStore, r.ordered = &created, created.ID
	return nil
}

// settle waits for the copy and gives the new store what a fork does not copy: settings and maintenance window.
func (r *replacement) settle(ctx context.Context) error {
	created, err := r.client.WaitAddOnProvisioned(ctx, r.newStore.ID, r.plan.Timeout)
	if err != nil {
		return err
	}
	store, err := r.client.WaitStoreAvailable(ctx, created.ID, string(r.plan.Plan), r.plan.Timeout)
	if err != nil {
		return err
	}
	r.newStore = &created
	if update, changed := r.plan.Settings(store); changed {
		if err := r.client.UpdateStoreConfig(ctx, created.ID, update); err != nil {
			return err
		}
	}
	before, err := r.client.Store(ctx, r.old.ID)
	if err != nil || before.MaintenanceWindow == "" || store.MaintenanceWindow == "" || before.MaintenanceWindow == store.MaintenanceWindow {
		return err // not every plan has a window
	}
	window, err := keyvalue.ParseWindowText(before.MaintenanceWindow)
	if err == nil {
		_, err = r.client.SetMaintenanceWindow(ctx, created.ID, strings.ToLower(window.Day.String()), window.TimeOfDay())
	}
	return err
}

// notSettled: a copy that Heroku gave up is of no use to the next run.
func (r *replacement) notSettled(ctx context.Context, err error) Findings {
	given := storeOf(*r.newStore)
	findings := Findings{r.halted(fmt.Errorf("the new store %s (%s): %w", given.Name, given.ID, err))}
	var wait *heroku.WaitError
	if errors.As(err, &wait) && (wait.Outcome == heroku.Failed || wait.Outcome == heroku.Gone) {
		if err := r.discard(context.WithoutCancel(ctx)); err != nil {
			findings.Append(Failure{StepDestroy, given, err})
		}
	}
	return findings
}

// verify compares the keys of both stores. If they differ, the new store is destroyed.
func (r *replacement) verify(ctx context.Context) Findings {
	if r.plan.Terms.Recreate || !r.plan.Terms.Verify {
		return nil
	}
	result, reason, err := r.VerifyCopy(ctx, r.old.ID, r.newStore.ID)
	switch {
	case err != nil:
		return Findings{Failure{StepVerify, storeOf(r.old), err}}
	case result == Verified:
		r.verification = Verified
		return nil
	case result == Inconclusive:
		return Findings{CopyInconclusive{storeOf(r.old), reason, r.plan.Terms.Retire == RetireAlways}}
	}
	given := storeOf(*r.newStore)
	findings := Findings{CopyIncomplete{storeOf(r.old), given, reason}}
	if err := r.discard(context.WithoutCancel(ctx)); err != nil {
		findings.Append(Failure{StepDestroy, given, err})
	}
	return findings
}

// verifyAgain verifies the copy once more, for an earlier run that moved the first attachment. What the apps have written
// since makes that impossible, and the old store is kept then.
func (r *replacement) verifyAgain(ctx context.Context) {
	if r.plan.Terms.Recreate || !r.plan.Terms.Verify {
		return
	}
	if result, _, err := r.VerifyCopy(ctx, r.old.ID, r.newStore.ID); err == nil {
		r.verification = result
	}
}

// discardStale gives up a copy of an earlier run that is complete already, unless the apps have been held ever since:
// what they have written after it is only in the old store. One that is still being made goes on receiving their writes.
func (r *replacement) discardStale(ctx context.Context, held bool) error {
	if r.newStore == nil {
		return nil
	}
	if !IsDeleted(*r.newStore) {
		if held || r.plan.Terms.Recreate {
			return nil
		}
		store, err := r.client.Store(ctx, r.newStore.ID)
		if heroku.IsNotFound(err) || err == nil && store.Preparing() {
			return nil
		}
	}
	return r.discard(ctx)
}

// discard destroys the new store, which nobody uses: under the lease, and after another look.
func (r *replacement) discard(ctx context.Context) error {
	given := r.newStore.ID
	if err := r.claimLease(ctx); err != nil {
		return err
	}
	switch {
	case r.newStore == nil: // another run has done it
		return nil
	case r.newStore.ID != given:
		return errCopyGone
	}
	unused, err := r.unused(ctx, given)
	if err == nil && !unused {
		err = fmt.Errorf("the new store %s (%s) is in use: it has attachments beside %s", r.newStore.Name, given, r.temporaryAttachment())
	}
	if err == nil {
		err = r.Destroy(r.underLease(ctx), given, r.plan.Timeout)
	}
	if err == nil {
		r.newStore = nil
	}
	return err
}

// unused reports that a new store has no attachment but the one that it was ordered with.
func (r *replacement) unused(ctx context.Context, id heroku.AddOnID) (bool, error) {
	attachments, err := r.client.AddOnAttachments(ctx, id)
	if heroku.IsNotFound(err) {
		return true, nil
	}
	return !slices.ContainsFunc(attachments, func(a heroku.Attachment) bool { return a.Name != r.temporaryAttachment() }), err
}
