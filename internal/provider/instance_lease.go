// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/hashicorp/terraform-plugin-framework/diag"

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

// leasedError says who has the lease.
type leasedError struct{ holder heroku.Attachment }

func (e leasedError) Error() string {
	return fmt.Sprintf("another run is at work on the same replacement: its lease is the attachment %s of app %s, made at %s. "+
		"A lease is valid for %s; if no other run is alive, wait that long", e.holder.Name, e.holder.AppName, e.holder.CreatedAt, leaseTerm)
}

// leaseOfOthers is one that is valid and not ours.
func (m *replacement) leaseOfOthers(attachments []heroku.Attachment, ours ...heroku.AttachmentID) *heroku.Attachment {
	at := slices.IndexFunc(attachments, func(a heroku.Attachment) bool {
		return keyvalue.IsLease(a.Name, string(m.old.ID)) && a.ID != m.lease.ID && !slices.Contains(ours, a.ID) && m.leaseAge(a) < leaseTerm
	})
	if at < 0 {
		return nil
	}
	return &attachments[at]
}

// leaseAge is by Heroku's clock. A lease whose age cannot be read is as if it was new.
func (m *replacement) leaseAge(lease heroku.Attachment) time.Duration {
	made, err := time.Parse(time.RFC3339, lease.CreatedAt)
	if err != nil {
		return 0
	}
	return m.client.HostTime().Sub(made)
}

// takeLease makes a lease, or a new one in place of ours. It returns the one that stands in the way.
func (m *replacement) takeLease(ctx context.Context) (other *heroku.Attachment, err error) {
	attachments, err := m.client.AddOnAttachments(ctx, m.old.ID)
	if other = m.leaseOfOthers(attachments); err != nil || other != nil {
		return other, err
	}
	made, err := m.client.CreateAttachment(ctx, heroku.AttachmentCreate{AddOn: m.old.ID, App: m.old.AppID, Name: keyvalue.Lease(string(m.old.ID), uuid.NewString()[:8])})
	if err != nil {
		return nil, err
	}
	attachments, err = m.client.AddOnAttachments(ctx, m.old.ID)
	if other = m.leaseOfOthers(attachments, made.ID); err != nil || other != nil {
		return other, errors.Join(err, m.client.DeleteAttachment(context.WithoutCancel(ctx), made.ID))
	}
	m.lease = made
	for _, attachment := range attachments { // ours, and those that are over
		if err == nil && keyvalue.IsLease(attachment.Name, string(m.old.ID)) && attachment.ID != made.ID {
			err = m.client.DeleteAttachment(ctx, attachment.ID)
		}
	}
	return nil, err
}

// claim makes sure of the lease, for which it waits, and then looks at both stores again: while it was not held, another
// run may have done anything.
func (m *replacement) claim(ctx context.Context) error {
	if m.lease.ID != "" && m.leaseAge(m.lease) < leaseTerm/2 {
		return nil
	}
	clock := m.client.Clock()
	for started := clock.Now(); ; {
		other, err := m.takeLease(ctx)
		switch {
		case err != nil:
			return err
		case other == nil:
			return m.lookAgain(ctx)
		case clock.Now().Sub(started) >= m.timeout:
			return leasedError{*other}
		}
		if err := clock.Sleep(ctx, leasePoll); err != nil {
			return err
		}
	}
}

func (m *replacement) lookAgain(ctx context.Context) error {
	began := m.begun
	err := m.lookUp(ctx, m.old.ID)
	switch {
	case err != nil:
		return err
	case !m.moved && !m.left: // every store has an attachment until it is replaced
		return errOvertaken
	case began && !m.begun: // another run has stepped back
		if err := m.begin(ctx); err != nil {
			return err
		}
		return m.lookUp(ctx, m.old.ID)
	}
	return nil
}

// claimCopy begins the part that is not undone: what was copied and proven has to be what is there now.
func (m *replacement) claimCopy(ctx context.Context) diag.Diagnostics {
	made, moved := m.fresh.ID, m.moved
	err := m.claim(ctx)
	if err == nil && (m.fresh == nil || m.fresh.ID != made) {
		err = errCopyGone
	}
	if err == nil && m.moved != moved {
		m.still = false // by a run of whose terms nothing is known
	}
	if err == nil && m.still && m.left && !m.moved {
		var held bool
		if held, err = m.areHeld(ctx, m.old.ID, m.apps, m.terms.hold()); err == nil && !held {
			err = errors.New("another run has put the apps back, so that the copy may lack what they have written since")
		}
	}
	if err != nil {
		return diag.Diagnostics{m.halted(err)}
	}
	return nil
}

// leaseHolds is asked before each write under the lease.
func (m *replacement) leaseHolds() error {
	if m.lease.ID == "" || m.leaseAge(m.lease) >= leaseTerm-leaseRest {
		return errLeaseOver
	}
	return nil
}

// underLease limits writes to the time of the lease.
func (m *replacement) underLease(ctx context.Context) context.Context {
	return heroku.OnlyWhile(ctx, m.leaseHolds)
}

// keepLease is called between the steps of what takes long.
func (m *replacement) keepLease(ctx context.Context) error {
	if err := m.leaseHolds(); err != nil || m.leaseAge(m.lease) < leaseTerm/2 {
		return err
	}
	other, err := m.takeLease(ctx)
	if other != nil {
		err = errLeaseOver
	}
	return err
}

// giveBack ends the lease. One that stays is over by itself, and is removed by the next run that takes one; so what ends the
// replacement, after which there is no such run, does it before the mark goes.
func (m *replacement) giveBack(ctx context.Context) error {
	if m.lease.ID == "" {
		return nil
	}
	id := m.lease.ID
	m.lease = heroku.Attachment{}
	return m.client.DeleteAttachment(context.WithoutCancel(ctx), id)
}

// removeMark ends the replacement. What it does is right at any time, so that it needs no lease.
func (m *replacement) removeMark(ctx context.Context) error {
	ctx = heroku.OnlyWhile(ctx, func() error { return nil })
	if err := m.giveBack(ctx); err != nil {
		return err
	}
	return m.detachFrom(ctx, m.old.AppID, m.mark(), m.old.ID)
}
