// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package replacement

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/keyvalue"
)

// This file finds the stores of a replacement by their state at Heroku, since an earlier run may have been killed, and another run
// may be active at the same time.

// find finds both stores and the progress of earlier runs.
func (m *Manager) find(ctx context.Context, plan Plan) (*replacement, error) {
	r := &replacement{Manager: m, plan: plan}
	return r, r.lookUp(ctx, plan.Old.ID)
}

// lookUp reads both stores, by the names that earlier runs have given them.
func (r *replacement) lookUp(ctx context.Context, id heroku.AddOnID) error {
	old, err := r.client.FindAddOn(ctx, string(id))
	if err != nil {
		return err // r.old stays set, because Release needs it
	}
	r.old = old
	attachments, err := r.client.AddOnAttachments(ctx, id)
	if err != nil {
		return err
	}
	r.leaseOfOther = r.leaseOfOthers(attachments)
	marker := heroku.AttachmentNamed(attachments, r.migrationMarker())
	r.phase, r.newStore, r.names, r.attachments = PhaseNotStarted, nil, nil, nil
	r.oldInUse = inUse(r.old.ID, attachments)
	if marker != nil {
		r.phase, r.markedAt = PhaseCopying, marker.CreatedAt
		arrived, err := r.findNewStore(ctx)
		if err != nil {
			return err
		}
		if len(arrived) > 0 {
			r.phase = PhaseMoving
		}
		attachments = append(attachments, arrived...)
	}
	r.apps = []heroku.AppID{r.old.AppID} // first, because the marker keeps this app attached until the end
	for _, attachment := range attachments {
		if !slices.Contains(r.apps, attachment.AppID) {
			r.apps = append(r.apps, attachment.AppID)
		}
		if IsInternalAttachment(r.old.ID, attachment.Name) {
			continue
		}
		r.expectAttachment(attachment)
		if attachment.AppID == r.old.AppID {
			r.names = append(r.names, attachment.Name)
		}
	}
	return nil
}

// expectAttachment records an attachment that the new store must have at the end.
func (r *replacement) expectAttachment(attachment heroku.Attachment) {
	if r.attachments == nil {
		r.attachments = make(map[attachmentName]bool)
	}
	r.attachments[attachmentName{attachment.AppID, attachment.Name}] = true
}

// findNewStore looks up the new store, by its temporary name and by the name that it gets in the end. It returns the attachments that
// were moved to it.
func (r *replacement) findNewStore(ctx context.Context) (arrived []heroku.Attachment, err error) {
	names := []string{keyvalue.ForkName(string(r.old.ID))}
	if original, retired := keyvalue.OriginalName(r.old.Name, string(r.old.ID)); retired {
		names = append(names, original)
	}
	for _, name := range names {
		found, err := r.client.FindAddOn(ctx, name)
		if heroku.IsNotFound(err) {
			continue
		}
		if err != nil {
			return nil, err
		}
		attachments, err := r.client.AddOnAttachments(ctx, found.ID)
		if err != nil && !IsDeleted(found) {
			return nil, err
		}
		if reason := r.whyNotNewStore(found, attachments); reason != "" {
			return nil, fmt.Errorf("the name %s, by which the new store is found again, belongs to the add-on %s of app %s, "+
				"which is not proven to be that store: %s. Nothing has been done to it. "+
				"If it is somebody else's, rename it (`heroku addons:rename`), and apply again", name, found.ID, found.AppName, reason)
		}
		r.newStore = &found
		return slices.DeleteFunc(attachments, func(a heroku.Attachment) bool { return IsInternalAttachment(r.old.ID, a.Name) }), nil
	}
	return nil, nil
}

// whyNotNewStore returns why a store is not proven to be the new one of this replacement, or "". A store that is being deleted needs no
// proof, since it has no data to lose.
func (r *replacement) whyNotNewStore(found heroku.AddOn, attachments []heroku.Attachment) string {
	first := heroku.AttachmentNamed(attachments, r.temporaryAttachment())
	made, madeErr := time.Parse(time.RFC3339, found.CreatedAt)
	marked, markedErr := time.Parse(time.RFC3339, r.markedAt)
	switch {
	case found.Service != keyvalue.Service:
		return "it is an add-on of " + found.Service
	case IsDeleted(found) || found.ID == r.ordered:
		return ""
	case first == nil || first.AppID != found.AppID:
		return fmt.Sprintf("it lacks the attachment %s to its own app, which the new store is ordered with", r.temporaryAttachment())
	case madeErr != nil || markedErr != nil || made.Before(marked):
		return fmt.Sprintf("it was made at %s, and the replacement began at %s", found.CreatedAt, r.markedAt)
	}
	return ""
}

// findOrWait finds both stores and the progress of earlier runs. While another run holds the lease, it waits. If the old store has
// been replaced by then, it returns the successor, and no replacement.
func (m *Manager) findOrWait(ctx context.Context, plan Plan) (*replacement, successor, error) {
	clock := m.client.Clock()
	for started := clock.Now(); ; {
		r, err := m.find(ctx, plan)
		now, err := m.successorOf(ctx, plan.Old, r.old, err)
		switch {
		case err != nil:
			return nil, now, err
		case now.ID != plan.Old.ID:
			return nil, now, nil
		case r.leaseOfOther == nil:
			return r, now, nil
		case clock.Now().Sub(started) >= plan.Timeout:
			return nil, now, leaseHeldError{*r.leaseOfOther}
		}
		if err := clock.Sleep(ctx, leasePoll); err != nil {
			return nil, now, err
		}
	}
}

// adopt accepts the successor that another run has created, if it is as planned.
func (m *Manager) adopt(ctx context.Context, plan Plan, now successor) Outcome {
	if now.AppID != plan.AppID || keyvalue.ShortPlanName(now.Plan) != string(plan.Plan) {
		return Outcome{Findings: Findings{Failure{StepReplace, plan.Old, fmt.Errorf(
			"another run has replaced it by %s (%s) on the plan %s of app %s, which is not what is planned here; plan again",
			now.Name, now.ID, keyvalue.ShortPlanName(now.Plan), now.AppName)}}}
	}
	outcome := Outcome{Kept: now.Kept, Findings: plan.ReadBack(ctx, now.AddOn)}
	if !outcome.Findings.Failed() {
		outcome.Phase = PhaseRetired
	}
	return outcome
}

// overtaken returns the store by which another run has replaced the old one meanwhile. It destroys a new store that this run has
// created, if it is unused, since nothing else refers to it.
func (r *replacement) overtaken(ctx context.Context) (now successor, overtaken bool) {
	attachments, err := r.client.AddOnAttachments(ctx, r.old.ID)
	if err == nil && !inUse(r.old.ID, attachments) && r.phase < PhaseMoving &&
		heroku.AttachmentNamed(attachments, keyvalue.RetiredAttachment(string(r.old.ID))) != nil {
		err = r.Detach(ctx, r.old.AppID, r.migrationMarker(), r.old.ID) // this run created it after the other run had finished
	}
	if err != nil && !heroku.IsNotFound(err) {
		return now, false
	}
	old, err := r.client.FindAddOn(ctx, string(r.old.ID))
	now, err = r.successorOf(ctx, r.plan.Old, old, err)
	if err != nil || now.ID == r.old.ID {
		return now, false
	}
	if r.ordered != "" && r.ordered != now.ID {
		if unused, err := r.unused(ctx, r.ordered); err == nil && unused {
			_ = r.Destroy(ctx, r.ordered, r.plan.Timeout) // best effort
		}
	}
	return now, true
}

// successor is the store that has replaced another one, or the original store if none has.
type successor struct {
	heroku.AddOn
	Kept heroku.AddOnID // the replaced store, if it still exists
}

// Current returns the store that has replaced the given one, or the store itself. kept is the replaced store, if it still exists.
func (m *Manager) Current(ctx context.Context, of Store) (now heroku.AddOn, kept heroku.AddOnID, err error) {
	addOn, err := m.client.AddOn(ctx, of.ID)
	found, err := m.successorOf(ctx, of, addOn, err)
	return found.AddOn, found.Kept, err
}

// successorOf returns the store that has replaced the given one, or the store itself. addOn and err are the result of reading the given
// store. There is a successor if a replacement was finished by a run that was lost before it could write the state: then the old
// store is gone or has another name, and the new store has the name in the state, and the attachment ForkAttachment for this id. The
// name alone proves nothing, because somebody may have given it to another store.
func (m *Manager) successorOf(ctx context.Context, of Store, addOn heroku.AddOn, err error) (successor, error) {
	itself := successor{AddOn: addOn}
	kept := err == nil && GaveNameAway(addOn, of.Name)
	gone := heroku.IsNotFound(err) || err == nil && IsDeleted(addOn)
	if of.Name == "" || !kept && !gone {
		return itself, err
	}
	found, failed := m.client.FindAddOn(ctx, of.Name)
	switch {
	case heroku.IsNotFound(failed):
		return itself, err
	case failed != nil:
		return itself, failed // without knowing the successor, the caller might create an empty store
	case found.ID == of.ID, found.Service != keyvalue.Service, found.State != heroku.StateProvisioned,
		!keyvalue.Succeeds(found.ConfigVars, string(of.ID)):
		return itself, err
	}
	if kept {
		return successor{found, addOn.ID}, nil
	}
	return successor{AddOn: found}, nil
}

// IsDeleted reports whether the store is deleted, or is being deleted.
func IsDeleted(addOn heroku.AddOn) bool {
	return addOn.State == heroku.StateDeprovisioning || addOn.State == heroku.StateDeprovisioned
}

// InProgress reports whether a replacement of the store has begun: it has the migration marker.
func InProgress(addOn heroku.AddOn) bool {
	return slices.Contains(addOn.ConfigVars, keyvalue.ConfigVar(keyvalue.MigrationMarker(string(addOn.ID))))
}

// GaveNameAway reports whether a store is retired, so that its successor has the given name.
func GaveNameAway(addOn heroku.AddOn, name string) bool {
	original, retired := keyvalue.OriginalName(addOn.Name, string(addOn.ID))
	return retired && original == name && !InProgress(addOn) &&
		slices.Contains(addOn.ConfigVars, keyvalue.ConfigVar(keyvalue.RetiredAttachment(string(addOn.ID))))
}
