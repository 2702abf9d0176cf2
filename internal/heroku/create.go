// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package heroku

import (
	"context"
	"errors"
	"fmt"
	"time"
)

const (
	// lookUpTimeout is real time: what was ordered is worth finding even when the caller has been interrupted.
	lookUpTimeout = 30 * time.Second
	// settleTime is what Heroku gets to finish a request whose answer was lost, before it is asked about it.
	settleTime = time.Second
	// clockTolerance is by how much a local clock may be ahead of Heroku's, as long as no answer has told the time there.
	clockTolerance = 15 * time.Minute
	// dateTolerance is by how much the clocks within Heroku may differ.
	dateTolerance = time.Minute
)

// order is a POST that creates something. Heroku knows no idempotency key, so that a lost answer is resolved by looking
// for the thing itself (Platform API reference, add-ons, create).
type nonIdempotentPost[T any] struct {
	what   string // "add-on acme-cache"
	call   call
	decode func([]byte) (T, error)
	find   func(context.Context) (T, error) // a not_found error proves that it does not exist; nil: it cannot be found
	check  func(T) error                    // nil when what was found is what this order asked for
}

// errAbsent is find's own proof, beside Heroku's not_found.
var errAbsent = errors.New("it does not exist")

// place sends an order. It never orders twice: only when the look-up proves that the first order left nothing behind
// is it sent again, once.
func (o nonIdempotentPost[T]) send(ctx context.Context, c *Client) (T, error) {
	ordered := false // Heroku may have it
	for sends := 1; ; sends++ {
		value, r, err := exchange(ctx, c, o.call, o.decode)
		if err == nil {
			return value, nil
		}
		ordered = ordered || r.mayHaveApplied
		if !ordered {
			return value, err
		}
		found, absent, err := o.verify(ctx, c, err)
		if !absent || sends == 2 || ctx.Err() != nil {
			return found, err
		}
	}
}

// verify finds out what became of an order that ended in lost. It returns the thing, or the error to give up with;
// absent says that it certainly does not exist.
func (o nonIdempotentPost[T]) verify(ctx context.Context, c *Client, lost error) (found T, absent bool, err error) {
	var none T
	if o.find == nil {
		return none, false, fmt.Errorf("%s may have been created, and has no name of ours to look it up by: %w", o.what, lost)
	}
	_ = c.clock.Sleep(ctx, settleTime) // an interrupt only shortens it

	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lookUpTimeout)
	defer cancel()
	found, err = o.find(ctx)
	switch {
	case errors.Is(err, errAbsent) || IsNotFound(err):
		return none, true, lost
	case err != nil:
		return none, false, fmt.Errorf("%s may have been created (%w), and looking it up failed: %w", o.what, lost, err)
	}
	if err := o.check(found); err != nil {
		return none, false, fmt.Errorf("%s exists, but is not what was asked for: %w (the answer to the request was lost: %w)",
			o.what, err, lost)
	}
	return found, false, nil
}

// earliest is the time at Heroku before which nothing was created that is ordered now.
func (c *Client) earliestCreatedAt() time.Time {
	if now, told := c.hostTime.at(c.clock.Now()); told {
		return now.Add(-dateTolerance)
	}
	return c.clock.Now().Add(-clockTolerance)
}

// createdBefore reports that something has certainly existed at a time. A thing without a readable time is not certainly
// old.
func createdBefore(createdAt string, earliest time.Time) bool {
	t, err := time.Parse(time.RFC3339, createdAt)
	return err == nil && t.Before(earliest)
}
