// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package sandbox

import (
	"context"
	"sync"
	"time"
)

// Clock is the sandbox's time: everything that takes a while at Heroku has a due time on it.
type Clock struct {
	mu     sync.Mutex
	manual bool
	now    time.Time     // of a manual clock
	offset time.Duration // of a real clock: how far it was advanced
	moved  chan struct{} // closed at the next advance; nil as long as nobody waits for one
}

// NewClock makes a clock that moves only when it is told to.
func NewClock(start time.Time) *Clock { return &Clock{manual: true, now: start.UTC()} }

// NewRealClock makes a clock that ticks by itself and can be advanced beyond that.
func NewRealClock() *Clock { return &Clock{} }

// Now is in UTC.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.read()
}

func (c *Clock) read() time.Time {
	if c.manual {
		return c.now
	}
	return time.Now().UTC().Add(c.offset)
}

// until returns when it is t, or with an error when ctx ends.
func (c *Clock) until(ctx context.Context, t time.Time) error {
	for {
		left, moved := c.left(t)
		if left <= 0 {
			return nil
		}
		timer := time.NewTimer(left)
		due := timer.C
		if c.manual {
			due = nil
		}
		select {
		case <-moved:
		case <-due:
		case <-ctx.Done():
		}
		timer.Stop()
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
}

// left is the time until t, as long as the clock is not moved.
func (c *Clock) left(t time.Time) (left time.Duration, moved <-chan struct{}) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.moved == nil {
		c.moved = make(chan struct{})
	}
	return t.Sub(c.read()), c.moved
}

// farthest is where the clock stops: what is due later than that could not be written as JSON, nor counted in nanoseconds.
var farthest = time.Date(2200, time.January, 1, 0, 0, 0, 0, time.UTC)

// Advance moves the clock forward; it never goes back. It is false, and nothing moves, where the clock would go too far.
func (c *Clock) Advance(d time.Duration) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if d > farthest.Sub(c.read()) {
		return false
	}
	c.advance(d)
	return true
}

// AdvanceTo moves the clock to t, unless it is there already or beyond.
func (c *Clock) AdvanceTo(t time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if t.After(farthest) {
		t = farthest
	}
	c.advance(t.Sub(c.read()))
}

func (c *Clock) advance(d time.Duration) {
	if d <= 0 {
		return
	}
	if c.moved != nil {
		close(c.moved)
		c.moved = nil
	}
	if c.manual {
		c.now = c.now.Add(d)
	} else {
		c.offset += d
	}
}
