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
	unreachableAfter = 5 * time.Minute // during which all polls have failed
	notFoundGrace    = time.Minute     // for which Heroku may not find a new object
	reportEvery      = 30 * time.Second
)

// pauseBefore returns the pause before the n-th poll, from 0, of something that takes minutes: 1 s, 2 s, 5 s, growing to 15 s.
func pauseBefore(n int) time.Duration {
	switch {
	case n == 0:
		return time.Second
	case n == 1:
		return 2 * time.Second
	}
	return min(5*time.Second+time.Duration(n-2)*time.Second, 15*time.Second)
}

// ticks is the polling schedule of waits of one kind. All of them poll at the same times, so that their reads share one list
// request: a period doubles as a wait gets longer, so that an older wait polls only when younger ones poll too.
type ticks struct{ first, least time.Duration }

const longestTick = 32 * time.Second

var (
	addOnTicks = ticks{100 * time.Millisecond, time.Second}
	spaceTicks = ticks{time.Second, 4 * time.Second}
)

// next returns the first tick after now. The period grows with the duration of the wait, and is at most an eighth of it, so that
// no wait lasts more than an eighth too long.
func (t ticks) next(now time.Time, polls int, waited time.Duration) time.Time {
	period := t.least
	if polls == 0 {
		period = t.first
	}
	for period < longestTick && 16*period <= waited {
		period *= 2
	}
	return now.Truncate(period).Add(period)
}

// progress is the result of a poll.
type progress struct {
	state   string
	ready   bool
	absent  bool  // the Data API does not know the store, or does not know it yet
	failure error // the object will never be ready
}

// waitState is the state of one wait.
type waitState struct {
	what          string
	started       time.Time
	deadline      time.Time
	polls         int
	lastState     string
	failingSince  time.Time
	reportedState string
	reportedAt    time.Time
}

func newWaitState(what string, now time.Time, timeout time.Duration) waitState {
	return waitState{what: what, started: now, deadline: now.Add(timeout), reportedAt: now}
}

func (p *waitState) waiting(now time.Time) Waiting {
	return Waiting{For: p.what, State: p.lastState, Elapsed: now.Sub(p.started), Limit: p.deadline.Sub(p.started)}
}

// due reports whether [Options].Waits has to be called again. If so, it records that as done.
func (p *waitState) due(now time.Time) bool {
	if p.lastState == p.reportedState && now.Sub(p.reportedAt) < reportEvery {
		return false
	}
	p.reportedState, p.reportedAt = p.lastState, now
	return true
}

// observe records the result of a poll. It returns whether the wait is over, and the error if it ended without success. The
// result counts before the deadline does, so that a clock that has jumped does not end a wait for an object that is ready.
func (p *waitState) observe(now time.Time, got progress, err error) (over bool, _ error) {
	p.polls++
	if err != nil {
		if p.failingSince.IsZero() {
			p.failingSince = now
		}
		if isPermanent(err) || now.Sub(p.failingSince) >= unreachableAfter {
			return true, p.end(Unreachable, now, err)
		}
	} else {
		p.failingSince = time.Time{}
		p.lastState = got.state
		switch {
		case errors.Is(got.failure, errGone):
			return true, p.end(Gone, now, got.failure)
		case got.failure != nil:
			return true, p.end(Failed, now, got.failure)
		case got.ready:
			return true, nil
		}
	}
	if !now.Before(p.deadline) {
		return true, p.end(TimedOut, now, err)
	}
	return false, nil
}

// pause returns the time until the next poll, or until the deadline if that is earlier.
func (p *waitState) pause(now time.Time, next func(now time.Time, polls int, waited time.Duration) time.Time) time.Duration {
	pause := next(now, p.polls, now.Sub(p.started)).Sub(now)
	if left := p.deadline.Sub(now); left > 0 {
		pause = min(pause, left)
	}
	return pause
}

func (p *waitState) end(outcome WaitOutcome, now time.Time, err error) *WaitError {
	return &WaitError{Outcome: outcome, What: p.what, LastState: p.lastState, Elapsed: now.Sub(p.started), Err: err}
}

// isPermanent reports whether waiting cannot help: the token or the account is refused, or the provider has a bug.
func isPermanent(err error) bool {
	var e *Error
	return isBug(err) || errors.As(err, &e) && (e.Status == 401 || e.Status == 402 || e.Status == 403)
}

// await calls probe until it reports that the object is ready. It is for objects that Heroku cannot list. Its error is always a
// *WaitError.
func await[T any](ctx context.Context, c *Client, what string, timeout time.Duration,
	probe func(ctx context.Context, waited time.Duration) (T, progress, error),
) (T, error) {
	pauses := func(now time.Time, polls int, _ time.Duration) time.Time {
		if polls == 0 {
			return now
		}
		return now.Add(pauseBefore(polls))
	}
	return awaitAt(ctx, c, what, timeout, pauses, probe)
}

// wait polls an object until evaluate reports that it is ready. Its error is always a *WaitError.
func (b *batch[ID, T]) wait(ctx context.Context, id ID, what string, timeout time.Duration, at ticks,
	evaluate func(item T, found bool, waited time.Duration) progress,
) (T, error) {
	m := firstPoll
	return awaitAt(ctx, b.client, what, timeout, at.next, func(ctx context.Context, waited time.Duration) (T, progress, error) {
		item, err := b.read(ctx, id, m)
		m = poll
		switch {
		case errors.Is(err, errNotListed):
			return item, progress{state: "not listed yet"}, nil
		case err != nil && !IsNotFound(err):
			return item, progress{}, err
		}
		got := evaluate(item, err == nil, waited)
		if got.failure != nil && err != nil {
			got.failure = fmt.Errorf("%w: %s", got.failure, err.Error()) // not wrapped: evaluate has decided what not_found means
		}
		return item, got, nil
	})
}

// awaitAt calls probe at the times that next returns, until the object is ready.
func awaitAt[T any](ctx context.Context, c *Client, what string, timeout time.Duration,
	next func(now time.Time, polls int, waited time.Duration) time.Time,
	probe func(ctx context.Context, waited time.Duration) (T, progress, error),
) (T, error) {
	wait := newWaitState(what, c.clock.Now(), timeout)
	c.reportWait(ctx, wait.waiting(wait.started))
	for {
		var none T
		if err := c.clock.Sleep(ctx, wait.pause(c.clock.Now(), next)); err != nil {
			return none, wait.end(Interrupted, c.clock.Now(), err)
		}
		item, got, err := probe(ctx, c.clock.Now().Sub(wait.started))
		now := c.clock.Now()
		if ctx.Err() != nil {
			return item, wait.end(Interrupted, now, ctx.Err())
		}
		over, err := wait.observe(now, got, err)
		if wait.due(now) {
			c.reportWait(ctx, wait.waiting(now))
		}
		if over {
			return item, err
		}
	}
}

// missesUntilGone is after how many reads in a row that do not find an object it may count as gone.
const missesUntilGone = 3

// withMissingTime returns a function for [batch.wait] that passes to evaluate for how long the object has not been found, instead
// of for how long the wait has lasted. That time is 0 until missesUntilGone polls in a row have not found the object. Otherwise
// one stale read could end the wait for a new object, whose id would then be lost.
func withMissingTime[T any](evaluate func(item T, found bool, missing time.Duration) progress) func(T, bool, time.Duration) progress {
	var (
		seen   time.Duration // when the object was last found, from the beginning of the wait
		misses int
	)
	return func(item T, found bool, waited time.Duration) progress {
		if found {
			seen, misses = waited, 0
			return evaluate(item, true, 0)
		}
		if misses++; misses < missesUntilGone {
			return evaluate(item, false, 0)
		}
		return evaluate(item, false, waited-seen)
	}
}
