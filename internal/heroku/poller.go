// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package heroku

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

const (
	unreachableAfter = 5 * time.Minute // of polls that all failed
	unknownFor       = time.Minute     // how long a new object may still be unknown to Heroku
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

// briefPause is the time before the n-th poll, from 0, of what may be there at once or take minutes, and has been waited for
// so long already: 350 ms, then a second, growing to 15 s, so that no wait is a tenth longer than what it waits for.
func briefPause(n int, waited time.Duration) time.Duration {
	soonest := time.Second
	if n == 0 {
		soonest = 350 * time.Millisecond
	}
	return min(max(soonest, waited/16), 15*time.Second)
}

// progress is what a poll tells about the thing waited for.
type progress struct {
	state   string
	ready   bool
	absent  bool  // the Data API does not know it, or does not know it yet
	failure error // Heroku says that it will never be ready
}

// patience is one wait: how long it has gone on, and when it ends without success.
type patience struct {
	what         string
	started      time.Time
	deadline     time.Time
	polls        int
	lastState    string
	failingSince time.Time
}

func newPatience(what string, now time.Time, timeout time.Duration) patience {
	return patience{what: what, started: now, deadline: now.Add(timeout)}
}

// consider takes in a poll. It returns whether the wait is over, and the error if it ended without success. What was
// polled counts first, so that a clock that leapt cannot end a wait before it has had a look.
func (p *patience) consider(now time.Time, got progress, err error) (over bool, _ error) {
	p.polls++
	if err != nil {
		if p.failingSince.IsZero() {
			p.failingSince = now
		}
		if hopeless(err) || now.Sub(p.failingSince) >= unreachableAfter {
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

func (p *patience) end(outcome WaitOutcome, now time.Time, err error) *WaitError {
	return &WaitError{Outcome: outcome, What: p.what, LastState: p.lastState, Elapsed: now.Sub(p.started), Err: err}
}

// next is when to poll again: not later than the deadline, so that a short wait ends in time.
func (p *patience) next(now time.Time, pause time.Duration) time.Time {
	next := now.Add(pause)
	if p.deadline.After(now) && p.deadline.Before(next) {
		return p.deadline
	}
	return next
}

// hopeless errors do not pass by waiting: the token or the account is refused, or the provider has a bug.
func hopeless(err error) bool {
	var e *Error
	return isBug(err) || errors.As(err, &e) && (e.Status == 401 || e.Status == 402 || e.Status == 403)
}

// poller lets everything of one kind that is waited for share one request per tick. It runs only while somebody waits.
type poller[ID ~string, T any] struct {
	reads *shared[ID, T]
	clock Clock
	pause func(polls int, waited time.Duration) time.Duration
	busy  func() int // how many others may be about to wait, too

	mu      sync.Mutex
	waiting map[*waiter[ID, T]]bool
	usual   time.Duration      // that a wait has taken: one that has just begun need not be polled often
	settled time.Time          // the last tick: whoever it released may soon be back with something new
	due     time.Time          // of the next tick
	stop    context.CancelFunc // ends the running loop; nil when none runs
	wake    context.CancelFunc // ends the loop's sleep, because due has come nearer
}

// waiter is one wait for one object.
type waiter[ID ~string, T any] struct {
	patience
	id     ID
	judge  func(item T, found bool, waited time.Duration) progress
	result chan reading[T]
}

func newPoller[ID ~string, T any](reads *shared[ID, T], pause func(polls int, waited time.Duration) time.Duration, busy func() int) *poller[ID, T] {
	return &poller[ID, T]{reads: reads, clock: reads.clock, pause: pause, busy: busy, waiting: make(map[*waiter[ID, T]]bool)}
}

// wait polls the object until judge finds it ready. Its error is always a *WaitError.
func (p *poller[ID, T]) wait(ctx context.Context, id ID, what string, timeout time.Duration,
	judge func(item T, found bool, waited time.Duration) progress,
) (T, error) {
	w := &waiter[ID, T]{
		patience: newPatience(what, p.clock.Now(), timeout),
		id:       id, judge: judge, result: make(chan reading[T], 1),
	}
	p.join(ctx, w)
	select {
	case r := <-w.result:
		return r.item, r.err
	case <-ctx.Done():
		var none T
		return none, p.leave(w, ctx.Err())
	}
}

func (p *poller[ID, T]) join(ctx context.Context, w *waiter[ID, T]) {
	p.mu.Lock()
	defer p.mu.Unlock()
	due := p.next(w, w.started)
	p.waiting[w] = true
	if p.settleByList(w, w.started); !p.waiting[w] {
		return
	}
	switch {
	case p.stop == nil:
		loop, stop := context.WithCancel(context.WithoutCancel(ctx))
		p.due, p.stop = due, stop
		go p.run(loop)
	case due.Before(p.due):
		p.due = due
		if p.wake != nil {
			p.wake()
		}
	}
}

func (p *poller[ID, T]) leave(w *waiter[ID, T], err error) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.waiting, w)
	p.stopWhenIdle()
	return w.end(Interrupted, p.clock.Now(), err)
}

func (p *poller[ID, T]) stopWhenIdle() {
	if len(p.waiting) == 0 && p.stop != nil {
		p.stop()
		p.stop, p.wake = nil, nil
	}
}

// run ticks until its context ends, which it does when nobody waits any more.
func (p *poller[ID, T]) run(ctx context.Context) {
	_, err := guarded(func() (none struct{}, _ error) {
		for p.sleep(ctx) == nil {
			p.tick(ctx)
		}
		return
	})
	if err != nil {
		p.giveUp(ctx, err)
	}
}

// giveUp tells everybody who waits that the loop is broken. Whoever comes after that gets a new one.
func (p *poller[ID, T]) giveUp(ctx context.Context, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if ctx.Err() != nil {
		return // this loop was stopped; another one may be running for others
	}
	now := p.clock.Now()
	for w := range p.waiting {
		w.result <- reading[T]{err: w.end(Unreachable, now, err)}
		delete(p.waiting, w)
	}
	p.stopWhenIdle()
}

// sleep lasts until the next tick is due; the arrival of another waiter may bring that forward.
func (p *poller[ID, T]) sleep(ctx context.Context) error {
	for {
		p.mu.Lock()
		if ctx.Err() != nil {
			p.mu.Unlock()
			return ctx.Err()
		}
		nap, wake := context.WithCancel(ctx)
		p.wake = wake
		left := p.due.Sub(p.clock.Now())
		if p.fresh() {
			left = min(left, glance)
		}
		p.mu.Unlock()

		err := p.clock.Sleep(nap, left)
		wake()
		if err == nil && p.ripe() {
			return nil
		}
	}
}

const (
	glance  = 10 * time.Millisecond // how often it is looked whether most of those who are going to wait do so
	regroup = 30 * time.Millisecond // what those who have been released get to come back
)

// fresh reports that somebody has only just begun to wait, for what may be there at once. p.mu is held.
func (p *poller[ID, T]) fresh() bool {
	if p.usual > instant {
		return false
	}
	for w := range p.waiting {
		if w.polls == 0 {
			return true
		}
	}
	return false
}

// ripe reports that it is time to poll: it is due, or few requests are under way whose senders could join. To wait for the
// last of them would let the slowest of each round hold up all others.
func (p *poller[ID, T]) ripe() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.clock.Now()
	if !now.Before(p.due) {
		return true
	}
	return p.fresh() && now.Sub(p.settled) >= regroup && len(p.waiting) >= p.busy()
}

// tick reads all that is waited for and tells whoever is done.
func (p *poller[ID, T]) tick(ctx context.Context) {
	batch, ids := p.pending()
	if len(ids) == 0 {
		return // the last one has just left
	}
	when := p.reads.now()
	var found map[ID]reading[T]
	if len(ids) == 1 {
		found = p.reads.each(ctx, ids)
	} else {
		found = p.reads.many(ctx, ids, len(ids))
	}
	p.reads.learn(found, when)

	p.mu.Lock()
	defer p.mu.Unlock()
	if ctx.Err() != nil {
		return // this loop was stopped; another one may be running for others
	}
	now := p.clock.Now()
	p.settled = now
	for _, w := range batch {
		if p.waiting[w] {
			p.settle(w, found[w.id], now)
		}
	}
	for w := range p.waiting {
		if w.polls == 0 {
			p.settleByList(w, now)
		}
	}
	p.due = time.Time{}
	for w := range p.waiting {
		if next := p.next(w, now); p.due.IsZero() || next.Before(p.due) {
			p.due = next
		}
	}
	p.stopWhenIdle()
}

// settleByList ends a wait that began after the list was asked for, if that shows what is waited for. That it does not
// proves nothing. p.mu is held.
func (p *poller[ID, T]) settleByList(w *waiter[ID, T], now time.Time) {
	item, shown := p.reads.Shown(w.id)
	if !shown {
		return
	}
	got, err := guarded(func() (progress, error) { return w.judge(item, true, now.Sub(w.started)), nil })
	if err == nil && got.ready {
		p.settle(w, reading[T]{item: item}, now)
	}
}

// lately is how long the last wait took that ended well; 0 when there was none.
func (p *poller[ID, T]) lately() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.usual
}

func (p *poller[ID, T]) next(w *waiter[ID, T], now time.Time) time.Time {
	return w.patience.next(now, p.pause(w.polls, max(p.usual, now.Sub(w.started))))
}

func (p *poller[ID, T]) pending() (batch []*waiter[ID, T], ids map[ID]bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	ids = make(map[ID]bool)
	for w := range p.waiting {
		batch = append(batch, w)
		ids[w.id] = true
	}
	return batch, ids
}

func (p *poller[ID, T]) settle(w *waiter[ID, T], r reading[T], now time.Time) {
	err := r.err
	var got progress
	if err == nil || IsNotFound(err) {
		got, err = guarded(func() (progress, error) { return w.judge(r.item, err == nil, now.Sub(w.started)), nil })
	}
	if got.failure != nil && r.err != nil {
		got.failure = fmt.Errorf("%w: %s", got.failure, r.err.Error()) // not as an error: that it is not found is judged already
	}
	over, err := w.consider(now, got, err)
	if !over {
		return
	}
	if took := now.Sub(w.started); err == nil && took > 0 { // one that ended as it began says nothing of others
		p.usual = took
	}
	w.result <- reading[T]{item: r.item, err: err}
	delete(p.waiting, w)
}

// await polls one thing that no list tells about, until probe finds it ready. Its error is always a *WaitError.
func await[T any](ctx context.Context, c *Client, what string, timeout time.Duration,
	probe func(ctx context.Context, waited time.Duration) (T, progress, error),
) (T, error) {
	wait := newPatience(what, c.clock.Now(), timeout)
	for {
		item, got, err := probe(ctx, c.clock.Now().Sub(wait.started))
		now := c.clock.Now()
		if ctx.Err() != nil {
			return item, wait.end(Interrupted, now, ctx.Err())
		}
		if over, err := wait.consider(now, got, err); over {
			return item, err
		}
		if err := c.clock.Sleep(ctx, wait.next(now, pauseBefore(wait.polls)).Sub(now)); err != nil {
			return item, wait.end(Interrupted, c.clock.Now(), err)
		}
	}
}
