// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package heroku_test

import (
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
)

// bucket is Heroku's rate limit on a virtual clock: 4500 tokens an hour, refilled continuously.
type bucket struct {
	mu     sync.Mutex
	clock  *virtualClock
	tokens float64
	at     time.Time
}

func (b *bucket) take() (remaining int, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.clock.Now()
	b.tokens = min(b.tokens+now.Sub(b.at).Hours()*4500, 4500)
	b.at = now
	if b.tokens < 1 {
		return 0, false
	}
	b.tokens--
	return int(b.tokens), true
}

func bucketServer(clock *virtualClock, tokens float64, refused *atomic.Int64) *fake {
	b := &bucket{clock: clock, tokens: tokens, at: clock.Now()}
	return memory(func(w http.ResponseWriter, _ *http.Request, _ int) {
		remaining, ok := b.take()
		w.Header().Set("RateLimit-Remaining", fmt.Sprint(remaining))
		if !ok {
			refused.Add(1)
			reply(w, 429, `{"id":"rate_limit","message":"x"}`)
			return
		}
		reply(w, 200, addOnJSON(addOnID, "acme-cache", "provisioned"))
	})
}

func readMany(t *testing.T, c *heroku.Client, workers, each int) {
	t.Helper()
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for range each {
				if _, err := c.FindAddOn(t.Context(), "acme-cache"); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
}

func TestScarceBudgetIsSpreadSoThatNothingIsRefused(t *testing.T) {
	t.Parallel()
	for _, tokens := range []float64{500, 449, 60} {
		t.Run(fmt.Sprintf("%.0f left", tokens), func(t *testing.T) {
			t.Parallel()
			clock, refused := newClock(), atomic.Int64{}
			srv := bucketServer(clock, tokens, &refused)
			readMany(t, srv.client(t, clocked(clock)), 20, 40)
			if n := refused.Load(); n != 0 {
				t.Errorf("%d requests of 800 met a 429", n)
			}
			if took := clock.Now().Sub(start); took < 5*time.Minute {
				t.Errorf("800 requests took %v", took)
			}
		})
	}
}

func TestAmpleBudgetCostsNoTime(t *testing.T) {
	t.Parallel()
	clock, refused := newClock(), atomic.Int64{}
	srv := bucketServer(clock, 4500, &refused)
	readMany(t, srv.client(t, clocked(clock)), 20, 20)
	if slept := clock.sleeps(); len(slept) != 0 {
		t.Errorf("slept %v", slept)
	}
}

func TestAtMostTenRequestsAreInFlight(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var inFlight, answered atomic.Int64
		srv := memory(func(w http.ResponseWriter, _ *http.Request, _ int) {
			inFlight.Add(1)
			<-time.After(time.Second)
			inFlight.Add(-1)
			reply(w, 200, addOnJSON(addOnID, "acme-cache", "provisioned"))
		})
		c := srv.client(t)
		for range 40 {
			go func() {
				if _, err := c.FindAddOn(t.Context(), "acme-cache"); err == nil {
					answered.Add(1)
				}
			}()
		}
		for range 4 {
			synctest.Wait()
			if n := inFlight.Load(); n != 10 {
				t.Errorf("%d in flight", n)
			}
			<-time.After(time.Second)
		}
		synctest.Wait()
		if n := answered.Load(); n != 40 {
			t.Errorf("%d answered", n)
		}
	})
}
