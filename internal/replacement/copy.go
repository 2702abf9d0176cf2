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

// createNewStore creates the new store. Its first attachment is a temporary one, so that no app reads the copy before it is complete.
func (r *replacement) createNewStore(ctx context.Context) Findings {
	app, err := r.client.App(ctx, r.plan.AppID)
	if err != nil {
		return Findings{Failure{StepReadApp, storeOf(r.old), err}}
	}
	create := r.plan.Order(app)
	create.Name, create.AttachmentName = keyvalue.ForkName(string(r.old.ID)), r.temporaryAttachment()
	if !r.plan.Terms.Recreate {
		source, err := r.client.Store(ctx, r.old.ID)
		if err != nil {
			return Findings{Failure{StepReadSettings, storeOf(r.old), err}}
		}
		create.Config["fork"] = source.ResourceURL.Reveal()
	}
	created, err := r.client.CreateAddOn(ctx, app.ID, create)
	if heroku.HasID(err, "invalid_params") { // another run may have just created it
		if _, err := r.findNewStore(ctx); err != nil {
			return Findings{r.halted(err)}
		}
		if r.newStore != nil && r.isAsPlanned() {
			return nil
		}
	}
	if err != nil {
		return Findings{r.halted(fmt.Errorf("ordering the new store %s: %w", create.Name, err))}
	}
	r.newStore, r.ordered = &created, created.ID
	return nil
}

// finishNewStore waits for the copy, and sets what a fork does not copy: the settings and the maintenance window.
func (r *replacement) finishNewStore(ctx context.Context) error {
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

// newStoreFailed handles an error of finishNewStore. It destroys a copy that has failed at Heroku, since the next run cannot use it.
func (r *replacement) newStoreFailed(ctx context.Context, err error) Findings {
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

// verify compares the keys of both stores. If keys are missing, it destroys the new store.
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

// verifyAgain verifies the copy again after an earlier run has begun to move attachments. If apps have written since, the result
// is not Verified, and the old store is kept.
func (r *replacement) verifyAgain(ctx context.Context) {
	if r.plan.Terms.Recreate || !r.plan.Terms.Verify {
		return
	}
	if result, _, err := r.VerifyCopy(ctx, r.old.ID, r.newStore.ID); err == nil {
		r.verification = result
	}
}

// discardStale destroys a copy of an earlier run that is complete, unless the apps have been held since: later writes of the apps
// are only in the old store. A copy that is still being made receives their writes, and stays.
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

// discard destroys the unused new store, under the lease and after it was read again.
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

// unused reports whether a new store has no other attachment than the one that it was created with.
func (r *replacement) unused(ctx context.Context, id heroku.AddOnID) (bool, error) {
	attachments, err := r.client.AddOnAttachments(ctx, id)
	if heroku.IsNotFound(err) {
		return true, nil
	}
	return !slices.ContainsFunc(attachments, func(a heroku.Attachment) bool { return a.Name != r.temporaryAttachment() }), err
}
