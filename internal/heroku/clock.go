// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package heroku

import (
	"context"
	"net/http"
	"sync"
	"time"
)

// Clock is what every sleep and every timeout of a wait is measured on, so that tests need not wait.
// Only the limit of a single HTTP attempt is real time.
type Clock interface {
	Now() time.Time
	// Sleep returns after d, or with ctx's error as soon as ctx ends.
	Sleep(ctx context.Context, d time.Duration) error
}

// RealClock is the wall clock.
var RealClock Clock = realClock{}

type realClock struct{}

func (realClock) Now() time.Time { return time.Now() }

func (realClock) Sleep(ctx context.Context, d time.Duration) error {
	if err := ctx.Err(); err != nil || d <= 0 {
		return err
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// hostTime is the time at Heroku, as its answers tell it: a local clock may be wrong by hours.
type hostTime struct {
	mu     sync.Mutex
	known  bool
	offset time.Duration // of the local clock
}

// learn takes over the Date of an answer of Heroku's, which is never later than the moment at which it arrives.
func (h *hostTime) learn(answer http.Header, now time.Time) {
	date, err := http.ParseTime(answer.Get("Date"))
	if err != nil || answer.Get("Request-Id") == "" { // a proxy's answer tells the proxy's time
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.known, h.offset = true, date.Sub(now)
}

// at is Heroku's time when it is now here; the same, and false, as long as nobody has told it.
func (h *hostTime) at(now time.Time) (time.Time, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return now.Add(h.offset), h.known
}

// HostTime is the time at Heroku, or the local one as long as no answer has told it.
func (c *Client) HostTime() time.Time {
	now, _ := c.hostTime.at(c.clock.Now())
	return now
}
