// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package heroku

import (
	"context"
	"net/http"
	"strconv"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// The budget belongs to the account: 4500 requests, refilled continuously within the hour
// (Platform API reference, rate limits). All tools of the account draw on it.
const (
	budget        = 4500
	scarce        = budget / 10
	reserve       = 100 // what is left to others, as far as possible
	refillPerHour = 4500
	spend         = 2 * time.Minute // in which the greater part of what is above the reserve is used up
)

// pacer spreads requests before Heroku refuses them. Above a tenth of the budget it does nothing. Below, it lets through
// what flows back and, over a few minutes, what is left above the reserve; of the reserve ever less, because others may be
// drawing too.
type pacer struct {
	mu      sync.Mutex
	limiter *rate.Limiter
}

func newPacer() *pacer {
	return &pacer{limiter: rate.NewLimiter(rate.Inf, 1)}
}

// wait holds a request back as long as needed, after it has told for how long.
func (p *pacer) wait(ctx context.Context, clock Clock, tell func(time.Duration)) error {
	p.mu.Lock()
	now := clock.Now() // within the lock, so that the limiter sees time only go forward
	reservation := p.limiter.ReserveN(now, 1)
	delay := reservation.DelayFrom(now)
	p.mu.Unlock()

	if delay <= 0 {
		return ctx.Err()
	}
	tell(delay)
	err := clock.Sleep(ctx, delay)
	if err != nil {
		reservation.CancelAt(clock.Now())
	}
	return err
}

// learn takes over what an answer says is left. The Data API need not say anything.
func (p *pacer) learn(h http.Header, clock Clock) {
	remaining, err := strconv.Atoi(h.Get("RateLimit-Remaining"))
	if err != nil {
		return
	}
	limit := rate.Inf
	switch {
	case remaining < reserve:
		limit = rate.Limit(max(float64(remaining)/reserve, 0.2) * refillPerHour / 3600)
	case remaining < scarce:
		limit = rate.Limit(refillPerHour/3600. + float64(remaining-reserve)/spend.Seconds())
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.limiter.SetLimitAt(clock.Now(), limit)
}
