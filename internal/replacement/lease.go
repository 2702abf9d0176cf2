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

// Two runs may carry out the same replacement at the same time: Terraform locks a state, and neither every backend does
// that nor do two states know of each other. Whatever a run moves or destroys, it does under a lease: an attachment of the
// old store to its own app, whose name has the id of the run and whose age is told by Heroku. A run makes its lease, looks
// whether there is another one, and takes its own back if so: of two, at least one sees the other. Waiting for a copy needs
// no lease, so that an apply after a crash in that longest part has nobody to wait for.

const (
	// leaseTerm is how long a lease is valid, and how long an apply waits at most after a run that was killed.
	leaseTerm = 3 * time.Minute
	// leaseRest is the end of the term, in which its holder sends nothing any more: a request that is under way already
	// is answered or given up within half of it (heroku.Options, AttemptTimeout), and clocks within Heroku may differ.
	leaseRest = time.Minute
	leasePoll = 10 * time.Second
)

var (
	errLeaseOver = errors.New("the lease of this run is over, and another run may have taken over the replacement")
	errOvertaken = errors.New("another run has finished the replacement")
	errCopyGone  = errors.New("another run has given up the new store, or has made another one")
)

// leaseHeldError says who has the lease.
type leaseHeldError struct{ holder heroku.Attachment }

func (e leaseHeldError) Error() string {
	return fmt.Sprintf("another run is at work on the same replacement: its lease is the attachment %s of app %s, made at %s. "+
		"A lease is valid for %s; if no other run is alive, wait that long", e.holder.Name, e.holder.AppName, e.holder.CreatedAt, leaseTerm)
}

// leaseOfOthers is one that is valid and not ours.
func (r *replacement) leaseOfOthers(attachments []heroku.Attachment, ours ...heroku.AttachmentID) *heroku.Attachment {
	at := slices.IndexFunc(attachments, func(a heroku.Attachment) bool {
		return keyvalue.IsLease(a.Name, string(r.old.ID)) && a.ID != r.lease.ID && !slices.Contains(ours, a.ID) && r.leaseAge(a) < leaseTerm
	})
	if at < 0 {
		return nil
	}
	return &attachments[at]
}

// leaseAge is by Heroku's clock. A lease whose age cannot be read is as if it was new.
func (r *replacement) leaseAge(lease heroku.Attachment) time.Duration {
	made, err := time.Parse(time.RFC3339, lease.CreatedAt)
	if err != nil {
		return 0
	}
	return r.client.HostTime().Sub(made)
}

// takeLease makes a lease, or a new one in place of ours. It returns the one that stands in the way.
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
	for _, attachment := range attachments { // ours, and those that are over
		if err == nil && keyvalue.IsLease(attachment.Name, string(r.old.ID)) && attachment.ID != made.ID {
			err = r.client.DeleteAttachment(ctx, attachment.ID)
		}
	}
	return nil, err
}

// claimLease makes sure of the lease, for which it waits, and then looks at both stores again: while it was not held, another
// run may have done anything.
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
			return r.lookAgain(ctx)
		case clock.Now().Sub(started) >= r.plan.Timeout:
			return leaseHeldError{*other}
		}
		if err := clock.Sleep(ctx, leasePoll); err != nil {
			return err
		}
	}
}

// lookAgain is lookUp for a run that has just got the lease.
func (r *replacement) lookAgain(ctx context.Context) error {
	started := r.phase != PhaseNotStarted
	err := r.lookUp(ctx, r.old.ID)
	switch {
	case err != nil:
		return err
	case r.phase < PhaseMoving && !r.oldInUse: // every store has an attachment until it is replaced
		return errOvertaken
	case started && r.phase == PhaseNotStarted: // another run has stepped back
		if err := r.begin(ctx); err != nil {
			return err
		}
		return r.lookUp(ctx, r.old.ID)
	}
	return nil
}

// claimCopy begins the part that is not undone: what was copied and verified has to be what is there now.
func (r *replacement) claimCopy(ctx context.Context) Findings {
	made, moving := r.newStore.ID, r.phase >= PhaseMoving
	err := r.claimLease(ctx)
	if err == nil && (r.newStore == nil || r.newStore.ID != made) {
		err = errCopyGone
	}
	if err == nil && (r.phase >= PhaseMoving) != moving {
		r.heldSinceCopy = false // by a run of whose terms nothing is known
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

// leaseHolds is asked before each write under the lease.
func (r *replacement) leaseHolds() error {
	if r.lease.ID == "" || r.leaseAge(r.lease) >= leaseTerm-leaseRest {
		return errLeaseOver
	}
	return nil
}

// underLease limits writes to the time of the lease.
func (r *replacement) underLease(ctx context.Context) context.Context {
	return heroku.OnlyWhile(ctx, r.leaseHolds)
}

// keepLease is called between the steps of what takes long.
func (r *replacement) keepLease(ctx context.Context) error {
	if err := r.leaseHolds(); err != nil || r.leaseAge(r.lease) < leaseTerm/2 {
		return err
	}
	other, err := r.takeLease(ctx)
	if other != nil {
		err = errLeaseOver
	}
	return err
}

// giveBackLease ends the lease. One that stays is over by itself, and is removed by the next run that takes one; so what ends the
// replacement, after which there is no such run, does it before the marker goes.
func (r *replacement) giveBackLease(ctx context.Context) error {
	if r.lease.ID == "" {
		return nil
	}
	id := r.lease.ID
	r.lease = heroku.Attachment{}
	return r.client.DeleteAttachment(context.WithoutCancel(ctx), id)
}

// removeMarker ends the replacement. What it does is right at any time, so that it needs no lease.
func (r *replacement) removeMarker(ctx context.Context) error {
	ctx = heroku.OnlyWhile(ctx, func() error { return nil })
	if err := r.giveBackLease(ctx); err != nil {
		return err
	}
	return r.Detach(ctx, r.old.AppID, r.migrationMarker(), r.old.ID)
}
