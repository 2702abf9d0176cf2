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

// Which stores a replacement is about, by what Heroku shows: an earlier run may have been killed, and another one may be at
// work at the same time.

// find finds both stores and what an earlier run has done.
func (m *Manager) find(ctx context.Context, plan Plan) (*replacement, error) {
	r := &replacement{Manager: m, plan: plan}
	return r, r.lookUp(ctx, plan.Old.ID)
}

// lookUp asks Heroku, by the names that an earlier run has left.
func (r *replacement) lookUp(ctx context.Context, id heroku.AddOnID) error {
	old, err := r.client.FindAddOn(ctx, string(id))
	if err != nil {
		return err // r.old stays what it was: it is what there is to put back
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
	r.apps = []heroku.AppID{r.old.AppID} // first, since its marker stays to the end
	for _, attachment := range attachments {
		if !slices.Contains(r.apps, attachment.AppID) {
			r.apps = append(r.apps, attachment.AppID)
		}
		if IsInternalAttachment(r.old.ID, attachment.Name) {
			continue
		}
		r.note(attachment)
		if attachment.AppID == r.old.AppID {
			r.names = append(r.names, attachment.Name)
		}
	}
	return nil
}

// note remembers an attachment that has to lead to the new store in the end.
func (r *replacement) note(attachment heroku.Attachment) {
	if r.attachments == nil {
		r.attachments = make(map[attachmentName]bool)
	}
	r.attachments[attachmentName{attachment.AppID, attachment.Name}] = true
}

// findNewStore looks the new store up: by the name that it has first, then by the one that it takes over. It returns the
// attachments that it has beside its first one.
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
		if doubt := r.doubtNewStore(found, attachments); doubt != "" {
			return nil, fmt.Errorf("the name %s, by which the new store is found again, belongs to the add-on %s of app %s, "+
				"which is not proven to be that store: %s. Nothing has been done to it. "+
				"If it is somebody else's, rename it (`heroku addons:rename`), and apply again", name, found.ID, found.AppName, doubt)
		}
		r.newStore = &found
		return slices.DeleteFunc(attachments, func(a heroku.Attachment) bool { return IsInternalAttachment(r.old.ID, a.Name) }), nil
	}
	return nil, nil
}

// doubtNewStore says why a store is not proven to be the new one of this replacement. One that Heroku has given up proves nothing,
// and has nothing to lose.
func (r *replacement) doubtNewStore(found heroku.AddOn, attachments []heroku.Attachment) string {
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

// join finds both stores and what earlier runs have done. It waits for another run that is moving or destroying something;
// the store that has replaced the old one by then is returned instead.
func (m *Manager) join(ctx context.Context, plan Plan) (*replacement, successor, error) {
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

// adopt takes over what another run has made of the store, if that is what is planned.
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

// overtaken finds the store that another run has put in place of the old one meanwhile. A new store that was ordered here
// is given up then: nobody uses it, and nothing else knows of it.
func (r *replacement) overtaken(ctx context.Context) (now successor, overtaken bool) {
	attachments, err := r.client.AddOnAttachments(ctx, r.old.ID)
	if err == nil && !inUse(r.old.ID, attachments) && r.phase < PhaseMoving &&
		heroku.AttachmentNamed(attachments, keyvalue.RetiredAttachment(string(r.old.ID))) != nil {
		err = r.Detach(ctx, r.old.AppID, r.migrationMarker(), r.old.ID) // it was made too late
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
			_ = r.Destroy(ctx, r.ordered, r.plan.Timeout) // it is named by the error that is returned otherwise
		}
	}
	return now, true
}

// successor is the store that has replaced another one, or that one itself.
type successor struct {
	heroku.AddOn
	Kept heroku.AddOnID // the one that was replaced, if it still is there
}

// Current is the store that a caller's one is by now, and the one that it has replaced, if that is kept.
func (m *Manager) Current(ctx context.Context, of Store) (now heroku.AddOn, kept heroku.AddOnID, err error) {
	addOn, err := m.client.AddOn(ctx, of.ID)
	found, err := m.successorOf(ctx, of, addOn, err)
	return found.AddOn, found.Kept, err
}

// successorOf is the store that a caller's one is by now, given what Heroku says of its id. It is another one when a
// replacement ended in a run that was lost before it could say so: the old store is gone or kept under another name, and
// the new one bears the name that the caller knows, and the attachment that it was ordered with as the successor of just
// this id. A name alone proves nothing: anybody may have given it to a store since.
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
		return itself, failed // whether there is one decides between a store that is kept and an empty one
	case found.ID == of.ID, found.Service != keyvalue.Service, found.State != heroku.StateProvisioned,
		!keyvalue.Succeeds(found.ConfigVars, string(of.ID)):
		return itself, err
	}
	if kept {
		return successor{found, addOn.ID}, nil
	}
	return successor{AddOn: found}, nil
}

// IsDeleted says that Heroku has given the store up, or is about to.
func IsDeleted(addOn heroku.AddOn) bool {
	return addOn.State == heroku.StateDeprovisioning || addOn.State == heroku.StateDeprovisioned
}

// InProgress says that another store is to replace this one, as an earlier run has marked it.
func InProgress(addOn heroku.AddOn) bool {
	return slices.Contains(addOn.ConfigVars, keyvalue.ConfigVar(keyvalue.MigrationMarker(string(addOn.ID))))
}

// GaveNameAway says that a store has been replaced, and is kept while another one bears its name.
func GaveNameAway(addOn heroku.AddOn, name string) bool {
	original, retired := keyvalue.OriginalName(addOn.Name, string(addOn.ID))
	return retired && original == name && !InProgress(addOn) &&
		slices.Contains(addOn.ConfigVars, keyvalue.ConfigVar(keyvalue.RetiredAttachment(string(addOn.ID))))
}
