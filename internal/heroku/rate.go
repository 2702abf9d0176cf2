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

// The rate limit is a token bucket of the account: 4500 requests, refilled continuously over an hour
// (Platform API reference, rate limits). All clients of the account share it.
const (
	budget        = 4500
	scarce        = budget / 10
	reserve       = 100 // requests that are left to other clients as far as possible
	refillPerHour = 4500
	spend         = 2 * time.Minute // over which most of the requests above the reserve are used
)

// pacer slows requests down before Heroku refuses them. While more than a tenth of the budget is left, it does nothing. Below
// that, the rate is that of the refill, plus what uses up the requests above the reserve over a few minutes. Within the
// reserve the rate falls with what is left, because other clients may use the account too.
type pacer struct {
	mu      sync.Mutex
	limiter *rate.Limiter
}

func newPacer() *pacer {
	return &pacer{limiter: rate.NewLimiter(rate.Inf, 1)}
}

// wait delays a request as long as needed. Before a delay it calls report with its length.
func (p *pacer) wait(ctx context.Context, clock Clock, report func(time.Duration)) error {
	p.mu.Lock()
	now := clock.Now() // within the lock, so that the limiter never sees time go backward
	reservation := p.limiter.ReserveN(now, 1)
	delay := reservation.DelayFrom(now)
	p.mu.Unlock()

	if delay <= 0 {
		return ctx.Err()
	}
	report(delay)
	err := clock.Sleep(ctx, delay)
	if err != nil {
		reservation.CancelAt(clock.Now())
	}
	return err
}

// learn sets the rate from the number of remaining requests in a response. Responses of the Data API may lack it.
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
