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
	unreachableAfter = 5 * time.Minute // of polls that all failed
	notFoundGrace    = time.Minute     // how long a new object may still be unknown to Heroku
	reportEvery      = 30 * time.Second
)

// pauseBefore is the time before the n-th poll of what takes minutes, from 0: 1 s, 2 s, 5 s, growing to 15 s.
func pauseBefore(n int) time.Duration {
	switch {
	case n == 0:
		return time.Second
	case n == 1:
		return 2 * time.Second
	}
	return min(5*time.Second+time.Duration(n-2)*time.Second, 15*time.Second)
}

// ticks is when waits of one kind ask. All of them ask at the same ticks, so that their reads become one list: the periods are
// powers of two, and one that began earlier asks at ticks at which younger ones do as well.
type ticks struct{ first, least time.Duration }

const longestTick = 32 * time.Second

var (
	addOnTicks = ticks{100 * time.Millisecond, time.Second}
	spaceTicks = ticks{time.Second, 4 * time.Second} // they take minutes
)

// next is the first tick after now. A wait that has lasted longer asks less often, but is never more than an eighth too long.
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

// progress is what a poll tells about the thing waited for.
type progress struct {
	state   string
	ready   bool
	absent  bool  // the Data API does not know it, or does not know it yet
	failure error // Heroku says that it will never be ready
}

// waitState is one wait: how long it has gone on, and when it ends without success.
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

// due reports whether Options.Waits is to be told again, which then counts as done.
func (p *waitState) due(now time.Time) bool {
	if p.lastState == p.reportedState && now.Sub(p.reportedAt) < reportEvery {
		return false
	}
	p.reportedState, p.reportedAt = p.lastState, now
	return true
}

// observe takes in a poll. It returns whether the wait is over, and the error if it ended without success. What was
// polled counts first, so that a clock that leapt cannot end a wait before it has had a look.
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

// pause is the time until the next poll: not later than the deadline, so that a short wait ends in time.
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

// isPermanent errors do not pass by waiting: the token or the account is refused, or the provider has a bug.
func isPermanent(err error) bool {
	var e *Error
	return isBug(err) || errors.As(err, &e) && (e.Status == 401 || e.Status == 402 || e.Status == 403)
}

// await polls one thing that no list tells about, until probe finds it ready. Its error is always a *WaitError.
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

// wait polls an object until judge finds it ready. Its error is always a *WaitError.
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
			got.failure = fmt.Errorf("%w: %s", got.failure, err.Error()) // not as an error: that it is not found is judged already
		}
		return item, got, nil
	})
}

// awaitAt polls at the times that next says.
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

// certainlyMissing is how many polls in a row must not find a thing that should be there.
const missesUntilGone = 3

// unseen makes a judge that is told for how long a thing has not been found, instead of for how long it is waited for:
// one stale read would otherwise pass for the end of what is being made, and it would be lost. As long as only a few
// polls have missed it, that is no time at all, whatever the clock says.
func withMissingTime[T any](evaluate func(item T, found bool, missing time.Duration) progress) func(T, bool, time.Duration) progress {
	var (
		seen   time.Duration
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
