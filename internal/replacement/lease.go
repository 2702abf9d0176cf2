// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package replacement

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/keyvalue"
)

// Two runs may carry out the same replacement at the same time: not every Terraform backend locks the state, and two states may
// manage the same store. So a run moves and destroys things only under a lease: an attachment of the old store to its own app,
// with the id of the run in its name, and with its age from Heroku. A run creates its lease, and deletes it again if it then
// finds another valid one: of two runs, at least one sees the other. Waiting for a copy, the longest part, needs no lease, so
// that an apply after a crash there does not have to wait.

const (
	// leaseTerm is how long a lease is valid, and so the longest wait of an apply after a run that was killed.
	leaseTerm = 3 * time.Minute
	// leaseMargin is the last part of the term, in which the holder sends no more writes: a request that is in flight ends
	// within half of it (heroku.Options, AttemptTimeout), and Heroku's own clocks may differ.
	leaseMargin = time.Minute
	leasePoll   = 10 * time.Second
)

var (
	errLeaseOver         = errors.New("the lease of this run is over, and another run may have taken over the replacement")
	errFinishedElsewhere = errors.New("another run has finished the replacement")
	errCopyGone          = errors.New("another run has given up the new store, or has made another one")
)

// leaseHeldError means that another run holds the lease.
type leaseHeldError struct{ holder heroku.Attachment }

func (e leaseHeldError) Error() string {
	return fmt.Sprintf("another run is at work on the same replacement: its lease is the attachment %s of app %s, made at %s. "+
		"A lease is valid for %s; if no other run is alive, wait that long", e.holder.Name, e.holder.AppName, e.holder.CreatedAt, leaseTerm)
}

// leaseOfOthers returns a valid lease of another run, or nil. own are leases of this run besides r.lease.
func (r *replacement) leaseOfOthers(attachments []heroku.Attachment, own ...heroku.AttachmentID) *heroku.Attachment {
	at := slices.IndexFunc(attachments, func(a heroku.Attachment) bool {
		return keyvalue.IsLease(a.Name, string(r.old.ID)) && a.ID != r.lease.ID && !slices.Contains(own, a.ID) && r.leaseAge(a) < leaseTerm
	})
	if at < 0 {
		return nil
	}
	return &attachments[at]
}

// leaseAge returns the age of a lease in Heroku's time. It is 0 if the creation time cannot be parsed.
func (r *replacement) leaseAge(lease heroku.Attachment) time.Duration {
	made, err := time.Parse(time.RFC3339, lease.CreatedAt)
	if err != nil {
		return 0
	}
	return r.client.HostTime().Sub(made)
}

// takeLease creates a lease, and deletes expired ones and the run's previous one. If another run holds a lease, it returns that.
func (r *replacement) takeLease(ctx context.Context) (other *heroku.Attachment, err error) {
	attachments, err := r.client.AddOnAttachments(ctx, r.old.ID)
	if other = r.leaseOfOthers(attachments); err != nil || other != nil {
		return other, err
	}
	name := keyvalue.Lease(string(r.old.ID), uuid.NewString()[:8])
	made, err := r.client.CreateAttachment(ctx, heroku.AttachmentCreate{AddOn: r.old.ID, App: r.old.AppID, Name: name})
	if err != nil {
		return nil, err
	}
	attachments, err = r.client.AddOnAttachments(ctx, r.old.ID)
	if other = r.leaseOfOthers(attachments, made.ID); err != nil || other != nil {
		return other, errors.Join(err, r.client.DeleteAttachment(context.WithoutCancel(ctx), made.ID))
	}
	r.lease = made
	for _, attachment := range attachments { // the previous lease of this run, and expired ones
		if err == nil && keyvalue.IsLease(attachment.Name, string(r.old.ID)) && attachment.ID != made.ID {
			err = r.client.DeleteAttachment(ctx, attachment.ID)
		}
	}
	return nil, err
}

// claimLease waits for the lease unless it is held, and then reads both stores again, since another run may have changed anything
// meanwhile.
func (r *replacement) claimLease(ctx context.Context) error {
	if r.lease.ID != "" && r.leaseAge(r.lease) < leaseTerm/2 {
		return nil
	}
	clock := r.client.Clock()
	for started := clock.Now(); ; {
		other, err := r.takeLease(ctx)
		switch {
		case err != nil:
			return err
		case other == nil:
			return r.refresh(ctx)
		case clock.Now().Sub(started) >= r.plan.Timeout:
			return leaseHeldError{*other}
		}
		if err := clock.Sleep(ctx, leasePoll); err != nil {
			return err
		}
	}
}

// refresh calls lookUp after the lease was taken.
func (r *replacement) refresh(ctx context.Context) error {
	started := r.phase != PhaseNotStarted
	err := r.lookUp(ctx, r.old.ID)
	switch {
	case err != nil:
		return err
	case r.phase < PhaseMoving && !r.oldInUse: // every store has an attachment until it is replaced
		return errFinishedElsewhere
	case started && r.phase == PhaseNotStarted: // another run has rolled back
		if err := r.addMarker(ctx); err != nil {
			return err
		}
		return r.lookUp(ctx, r.old.ID)
	}
	return nil
}

// claimCopy takes the lease before the part that cannot be undone. It returns an error finding unless the new store is still the one
// that was copied and verified.
func (r *replacement) claimCopy(ctx context.Context) Findings {
	made, moving := r.newStore.ID, r.phase >= PhaseMoving
	err := r.claimLease(ctx)
	if err == nil && (r.newStore == nil || r.newStore.ID != made) {
		err = errCopyGone
	}
	if err == nil && (r.phase >= PhaseMoving) != moving {
		r.heldSinceCopy = false // another run has moved attachments, under unknown terms
	}
	if err == nil && r.heldSinceCopy && r.oldInUse && r.phase < PhaseMoving {
		var held bool
		if held, err = r.areHeld(ctx, r.old.ID, r.apps, r.plan.Terms.Hold); err == nil && !held {
			err = errors.New("another run has put the apps back, so that the copy may lack what they have written since")
		}
	}
	if err != nil {
		return Findings{r.halted(err)}
	}
	r.phase = max(r.phase, PhaseVerified)
	return nil
}

// checkLease is called before each write under the lease.
func (r *replacement) checkLease() error {
	if r.lease.ID == "" || r.leaseAge(r.lease) >= leaseTerm-leaseMargin {
		return errLeaseOver
	}
	return nil
}

// underLease returns a context whose writes are only sent while the lease is held.
func (r *replacement) underLease(ctx context.Context) context.Context {
	return heroku.OnlyWhile(ctx, r.checkLease)
}

// keepLease renews the lease if half of its term is over. It is called between the steps of long operations.
func (r *replacement) keepLease(ctx context.Context) error {
	if err := r.checkLease(); err != nil || r.leaseAge(r.lease) < leaseTerm/2 {
		return err
	}
	other, err := r.takeLease(ctx)
	if other != nil {
		err = errLeaseOver
	}
	return err
}

// releaseLease deletes the lease. A lease that stays expires, and the next run that takes one deletes it. At the end of a
// replacement there is no such run, so removeMarker calls releaseLease first.
func (r *replacement) releaseLease(ctx context.Context) error {
	if r.lease.ID == "" {
		return nil
	}
	id := r.lease.ID
	r.lease = heroku.Attachment{}
	return r.client.DeleteAttachment(context.WithoutCancel(ctx), id)
}

// removeMarker ends the replacement. It needs no lease, because it is correct at any time.
func (r *replacement) removeMarker(ctx context.Context) error {
	ctx = heroku.OnlyWhile(ctx, func() error { return nil })
	if err := r.releaseLease(ctx); err != nil {
		return err
	}
	return r.Detach(ctx, r.old.AppID, r.migrationMarker(), r.old.ID)
}
