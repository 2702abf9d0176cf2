// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package sandbox

import (
	"context"
	"sync"
	"time"
)

// Clock is the clock of a sandbox. Everything that takes time at Heroku becomes due at a time on this clock.
type Clock struct {
	mu     sync.Mutex
	manual bool
	now    time.Time     // of a manual clock
	offset time.Duration // of a real clock: how far it has been advanced
	moved  chan struct{} // closed at the next advance; nil while nobody waits
}

// NewClock returns a clock that stands still until Advance or AdvanceTo moves it.
func NewClock(start time.Time) *Clock { return &Clock{manual: true, now: start.UTC()} }

// NewRealClock returns a clock that runs in real time and can also be advanced.
func NewRealClock() *Clock { return &Clock{} }

// Now returns the current time in UTC.
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

// waitUntil waits until the clock reaches t, or returns the error of ctx.
func (c *Clock) waitUntil(ctx context.Context, t time.Time) error {
	for {
		left, moved := c.timeLeft(t)
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

// timeLeft returns the time until t, and a channel that is closed when the clock is advanced.
func (c *Clock) timeLeft(t time.Time) (left time.Duration, moved <-chan struct{}) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.moved == nil {
		c.moved = make(chan struct{})
	}
	return t.Sub(c.read()), c.moved
}

// maxTime limits the clock, because JSON and a time.Duration cannot represent times much later than that.
var maxTime = time.Date(2200, time.January, 1, 0, 0, 0, 0, time.UTC)

// Advance moves the clock forward by d, and ignores a negative d. It returns false, and does nothing, if the result would be after maxTime.
func (c *Clock) Advance(d time.Duration) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if d > maxTime.Sub(c.read()) {
		return false
	}
	c.advance(d)
	return true
}

// AdvanceTo moves the clock forward to t, or to maxTime if that is earlier. It does nothing if t is in the past.
func (c *Clock) AdvanceTo(t time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if t.After(maxTime) {
		t = maxTime
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
