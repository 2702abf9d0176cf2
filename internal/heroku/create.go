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
	// lookUpTimeout limits, in real time, the look-up of a created object after the caller was interrupted.
	lookUpTimeout = 30 * time.Second
	// settleTime is how long Heroku gets to finish a request whose response was lost, before the look-up.
	settleTime = time.Second
	// clockTolerance is by how much the local clock may be ahead of Heroku's if no response has told Heroku's time.
	clockTolerance = 15 * time.Minute
	// dateTolerance is by how much Heroku's own clocks may differ.
	dateTolerance = time.Minute
)

// nonIdempotentPost is a POST that creates an object or starts an operation. Heroku has no idempotency keys, so that after a lost
// response the object is looked up before the request may be sent again (Platform API reference, add-ons, create).
type nonIdempotentPost[T any] struct {
	what   string // "add-on acme-cache"
	call   call
	decode func([]byte) (T, error)
	find   func(context.Context) (T, error) // a not_found error proves that nothing was created; nil: it cannot be looked up
	check  func(T) error                    // returns nil if the found object is the one that this request creates
}

// errAbsent is what find returns, besides Heroku's not_found, when nothing was created.
var errAbsent = errors.New("it does not exist")

// send sends the request, and sends it once more only if a look-up proves that the first one has created nothing.
func (o nonIdempotentPost[T]) send(ctx context.Context, c *Client) (T, error) {
	mayExist := false
	for sends := 1; ; sends++ {
		value, r, err := exchange(ctx, c, o.call, o.decode)
		if err == nil {
			return value, nil
		}
		mayExist = mayExist || r.mayHaveApplied
		if !mayExist {
			return value, err
		}
		found, absent, err := o.verify(ctx, c, err)
		if !absent || sends == 2 || ctx.Err() != nil {
			return found, err
		}
	}
}

// verify looks up what a request has created that failed with the error lost. It returns the object, or the error to give up
// with; absent means that nothing was created.
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

// earliestCreatedAt returns a lower bound, in Heroku's time, for the created_at of an object that is created now.
func (c *Client) earliestCreatedAt() time.Time {
	if now, told := c.hostTime.at(c.clock.Now()); told {
		return now.Add(-dateTolerance)
	}
	return c.clock.Now().Add(-clockTolerance)
}

// createdBefore reports whether createdAt is certainly before earliest. A time that cannot be parsed is not.
func createdBefore(createdAt string, earliest time.Time) bool {
	t, err := time.Parse(time.RFC3339, createdAt)
	return err == nil && t.Before(earliest)
}
