// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package heroku

import (
	"context"
	"net/http"
	"sync"
	"time"
)

// Clock measures every sleep and every timeout of a wait; tests replace it so that they need not wait.
// Only the timeout of a single HTTP attempt is real time.
type Clock interface {
	Now() time.Time
	// Sleep returns after d, or with ctx's error as soon as ctx is cancelled.
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

// hostTime estimates Heroku's time from its responses, because a local clock may be wrong by hours.
type hostTime struct {
	mu     sync.Mutex
	known  bool
	offset time.Duration // Heroku's time minus local time
}

// learn takes the offset from the Date of a response, which is never later than Heroku's time when the response arrives.
func (h *hostTime) learn(answer http.Header, now time.Time) {
	date, err := http.ParseTime(answer.Get("Date"))
	if err != nil || answer.Get("Request-Id") == "" { // without a Request-Id, it is a proxy's response
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.known, h.offset = true, date.Sub(now)
}

// at converts local time to Heroku's. Until a response has told the offset, it returns now and false.
func (h *hostTime) at(now time.Time) (time.Time, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return now.Add(h.offset), h.known
}

// HostTime returns the time at Heroku, or local time if no response has told Heroku's yet.
func (c *Client) HostTime() time.Time {
	now, _ := c.hostTime.at(c.clock.Now())
	return now
}
