// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package heroku_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
)

// addOnServer returns a server whose add-ons have the state that the function returns for their age; with "", they are not found.
func addOnServer(t *testing.T, ids []heroku.AddOnID, state func(id heroku.AddOnID, age time.Duration) string) (*fake, *heroku.Client) {
	begun := time.Now()
	f := memory(func(w http.ResponseWriter, r *http.Request, _ int) {
		var listed []string
		for _, id := range ids {
			now := state(id, time.Since(begun))
			switch {
			case r.URL.Path == "/addons" && now != "":
				listed = append(listed, addOnJSON(id, "a-name", now))
			case r.URL.Path == "/addons/"+string(id) && now != "":
				reply(w, 200, addOnJSON(id, "a-name", now))
				return
			}
		}
		if r.URL.Path != "/addons" {
			reply(w, 404, notFound)
			return
		}
		reply(w, 200, "["+strings.Join(listed, ",")+"]")
	})
	return f, f.client(t, clocked(heroku.RealClock))
}

// changing returns a function for [addOnServer], with the state before until the time after, and then the state then.
func changing(before string, after time.Duration, then string) func(heroku.AddOnID, time.Duration) string {
	return func(_ heroku.AddOnID, age time.Duration) string {
		if age < after {
			return before
		}
		return then
	}
}

func TestWaitForOneIsItsOwnGetAtPausesOfAnEighth(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		begun := time.Now()
		var at []time.Duration
		f, c := addOnServer(t, []heroku.AddOnID{addOnID}, func(_ heroku.AddOnID, age time.Duration) string {
			at = append(at, age)
			return changing("provisioning", 100*time.Second, "provisioned")(addOnID, age)
		})
		a, err := c.WaitAddOnProvisioned(t.Context(), addOnID, 30*time.Minute)
		if err != nil || a.State != heroku.StateProvisioned || a.ID != addOnID {
			t.Errorf("%v, %v", a, err)
		}
		for i, waited := range at[1:] {
			if pause := waited - at[i]; pause > max(time.Second, at[i]/8) {
				t.Errorf("%v until the poll at %v", pause, waited)
			}
		}
		if at[0] > 120*time.Millisecond || f.count("GET /addons/") != len(at)-1 || len(at) > 50 { // the first one is a list
			t.Errorf("polled at %v after %v", at, time.Since(begun))
		}
	})
}

func TestManyWaitsCostOneRequestATick(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ids := manyIDs(60)
		f, c := addOnServer(t, ids, changing("provisioning", 20*time.Second, "provisioned"))
		errs := make(chan error)
		for _, id := range ids {
			go func() {
				a, err := c.WaitAddOnProvisioned(t.Context(), id, 30*time.Minute)
				if err == nil && a.ID != id {
					err = errors.New("another add-on")
				}
				errs <- err
			}()
		}
		for range ids {
			if err := <-errs; err != nil {
				t.Error(err)
			}
		}
		// At once, then every second up to 16 s, then at 18 and 20 s.
		if n := len(f.requests()); n != 19 || f.count("GET /addons/") != 0 {
			t.Errorf("%d requests", n)
		}
	})
}

func TestWaitsEndAsHerokuSays(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		state   func(heroku.AddOnID, time.Duration) string
		outcome heroku.WaitOutcome // 0 for success
		state2  string
		at      time.Duration // when the wait could end
	}{
		"declared failure": {changing("provisioning", 9*time.Second, "deprovisioned"), heroku.Failed, "deprovisioned",
			9 * time.Second},
		"not found for a short while": {changing("", 50*time.Second, "provisioned"), 0, "", 50 * time.Second},
		"not found for over a minute": {changing("", time.Hour, "provisioned"), heroku.Gone, "not found", time.Minute},
		"vanished": {changing("provisioning", 65*time.Second, ""), heroku.Gone, "not found",
			2*time.Minute + 5*time.Second},
		"a state that nobody knows": {changing("contemplating", 9*time.Second, "provisioned"), 0, "", 9 * time.Second},
		"never ready":               {changing("provisioning", 24*time.Hour, ""), heroku.TimedOut, "provisioning", 10 * time.Minute},
		"destroyed while provisioning": {changing("deprovisioning", 9*time.Second, "deprovisioned"), heroku.Failed, "deprovisioned",
			9 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				begun := time.Now()
				_, client := addOnServer(t, []heroku.AddOnID{addOnID}, c.state)
				_, err := client.WaitAddOnProvisioned(t.Context(), addOnID, 10*time.Minute)
				took := time.Since(begun)
				if took < c.at || took > c.at+max(time.Second, c.at/8)+collected {
					t.Errorf("ended after %v, want %v or an eighth more", took, c.at)
				}
				if c.outcome == 0 {
					if err != nil {
						t.Error(err)
					}
					return
				}
				var wait *heroku.WaitError
				if !errors.As(err, &wait) || wait.Outcome != c.outcome || wait.LastState != c.state2 || wait.Elapsed != took {
					t.Errorf("%#v", err)
				}
				if !strings.Contains(err.Error(), string(addOnID)) {
					t.Errorf("%v does not name the add-on", err)
				}
			})
		})
	}
}

func TestWaitUntilGone(t *testing.T) {
	t.Parallel()
	for name, state := range map[string]func(heroku.AddOnID, time.Duration) string{
		"not found":     changing("deprovisioning", 9*time.Second, ""),
		"deprovisioned": changing("provisioned", 9*time.Second, "deprovisioned"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ids := manyIDs(3)
				_, c := addOnServer(t, ids, state)
				errs := make(chan error)
				for _, id := range ids {
					go func() { errs <- c.WaitAddOnGone(t.Context(), id, time.Minute) }()
				}
				for range ids {
					if err := <-errs; err != nil {
						t.Error(err)
					}
				}
			})
		})
	}
}

func TestBare404IsNotGone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := memory(func(w http.ResponseWriter, _ *http.Request, _ int) { reply(w, 404, "<html>not here") })
		err := f.client(t, clocked(heroku.RealClock)).WaitAddOnGone(t.Context(), addOnID, time.Minute)
		var wait *heroku.WaitError
		if !errors.As(err, &wait) || wait.Outcome != heroku.TimedOut {
			t.Error(err)
		}
	})
}

func TestPollsThatFail(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		outcome string
		healsAt time.Duration
		want    heroku.WaitOutcome
	}{
		"server errors for four minutes": {"500", 4 * time.Minute, 0},
		"HTML for four minutes":          {"200 HTML", 4 * time.Minute, 0},
		"server errors for ever":         {"503 empty", time.Hour, heroku.Unreachable},
		"a token that is refused":        {"401", time.Hour, heroku.Unreachable},
		"an add-on that is forbidden":    {"403", time.Hour, heroku.Unreachable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				begun := time.Now()
				f := memory(func(w http.ResponseWriter, r *http.Request, _ int) {
					if time.Since(begun) < c.healsAt {
						outcomes[c.outcome](w, r)
						return
					}
					reply(w, 200, addOnJSON(addOnID, "a", "provisioned"))
				})
				_, err := f.client(t, clocked(heroku.RealClock)).WaitAddOnProvisioned(t.Context(), addOnID, 30*time.Minute)
				var wait *heroku.WaitError
				switch {
				case c.want == 0:
					if err != nil {
						t.Error(err)
					}
				case !errors.As(err, &wait) || wait.Outcome != c.want || wait.Err == nil:
					t.Error(err)
				case time.Since(begun) > 6*time.Minute || isPermanent(c.outcome) != (time.Since(begun) < 2*time.Second):
					t.Errorf("%v after %v", err, time.Since(begun))
				}
			})
		})
	}
}

func isPermanent(outcome string) bool { return outcome == "401" || outcome == "403" }

func TestInterruptedWaitReturnsAtOnceAndTheOthersGoOn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ids := manyIDs(3)
		f, c := addOnServer(t, ids, changing("provisioning", 40*time.Second, "provisioned"))
		ctx, cancel := context.WithCancel(t.Context())
		first, others := make(chan error, 1), make(chan error, 2)
		go func() { _, err := c.WaitAddOnProvisioned(ctx, ids[0], time.Hour); first <- err }()
		synctest.Wait() // this wait has started the shared requests
		for _, id := range ids[1:] {
			go func() { _, err := c.WaitAddOnProvisioned(t.Context(), id, time.Hour); others <- err }()
		}
		<-time.After(10 * time.Second)
		cancel()
		begun := time.Now()
		var wait *heroku.WaitError
		if err := <-first; !errors.As(err, &wait) || wait.Outcome != heroku.Interrupted || wait.LastState != "provisioning" {
			t.Error(err)
		} else if !errors.Is(err, context.Canceled) || time.Since(begun) != 0 || wait.Elapsed != 10*time.Second {
			t.Errorf("%v after %v", err, time.Since(begun))
		}
		for range 2 {
			if err := <-others; err != nil {
				t.Error(err)
			}
		}
		// No wait is left, so there are no more requests. A leaked goroutine would make synctest fail.
		before := len(f.requests())
		<-time.After(time.Hour)
		if n := len(f.requests()) - before; n != 0 {
			t.Errorf("%d requests after the last wait", n)
		}
	})
}

func TestInterruptDuringAPollReturnsAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		f := memory(func(_ http.ResponseWriter, r *http.Request, _ int) { cancel(); <-r.Context().Done() })
		begun := time.Now()
		_, err := f.client(t, clocked(heroku.RealClock)).WaitAddOnProvisioned(ctx, addOnID, time.Hour)
		if !errors.Is(err, context.Canceled) || time.Since(begun) > 120*time.Millisecond {
			t.Errorf("%v after %v", err, time.Since(begun))
		}
	})
}

func TestLateWaiterIsPolledSoon(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ids := manyIDs(2)
		_, c := addOnServer(t, ids, func(id heroku.AddOnID, _ time.Duration) string {
			if id == ids[0] {
				return "provisioning"
			}
			return "provisioned"
		})
		ctx, cancel := context.WithCancel(t.Context())
		slow := make(chan error)
		go func() { _, err := c.WaitAddOnProvisioned(ctx, ids[0], time.Hour); slow <- err }()
		<-time.After(200 * time.Second) // by now the first wait polls rarely
		begun := time.Now()
		if _, err := c.WaitAddOnProvisioned(t.Context(), ids[1], time.Hour); err != nil || time.Since(begun) > time.Second {
			t.Errorf("%v after %v", err, time.Since(begun))
		}
		cancel()
		if err := <-slow; err == nil {
			t.Error("the cancelled wait ended without an error")
		}
	})
}

func TestPollerServesOneWaitAfterAnother(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		_, c := addOnServer(t, []heroku.AddOnID{addOnID}, changing("provisioning", time.Second, "provisioned"))
		for range 3 {
			if _, err := c.WaitAddOnProvisioned(t.Context(), addOnID, time.Minute); err != nil {
				t.Error(err)
			}
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			if _, err := c.WaitAddOnProvisioned(ctx, addOnID, time.Minute); !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
		}
	})
}

// leapingClock jumps ahead a day at each sleep, as a virtual clock does that other waits share.
type leapingClock struct{ *virtualClock }

func (c leapingClock) Sleep(ctx context.Context, d time.Duration) error {
	return c.virtualClock.Sleep(ctx, d+24*time.Hour)
}

func TestClockThatLeapsDoesNotEndAWaitBeforeItHasHadALook(t *testing.T) {
	t.Parallel()
	srv := memory(func(w http.ResponseWriter, _ *http.Request, _ int) {
		reply(w, 200, addOnJSON(addOnID, "acme-cache", "provisioned"))
	})
	c := srv.client(t, clocked(leapingClock{newClock()}))
	if _, err := c.WaitAddOnProvisioned(t.Context(), addOnID, time.Minute); err != nil {
		t.Error(err)
	}
}

// On a virtual clock, one wait that makes no progress uses up its half hour within milliseconds. The other waits still succeed,
// because the result of a poll counts before the deadline.
func TestVirtualTimeDoesNotRunAwayFromOtherWaiters(t *testing.T) {
	t.Parallel()
	clock := newClock()
	var mu sync.Mutex
	createdAt := map[heroku.AddOnID]time.Time{}
	state := func(id heroku.AddOnID) string {
		mu.Lock()
		defer mu.Unlock()
		at, ok := createdAt[id]
		if !ok {
			at = clock.Now()
			createdAt[id] = at
		}
		if id != "stuck" && clock.Now().Sub(at) >= 3*time.Second {
			return "provisioned"
		}
		return "provisioning"
	}
	ids := append(manyIDs(20), "stuck")
	srv := serve(t, func(w http.ResponseWriter, r *http.Request, _ int) {
		if id, single := strings.CutPrefix(r.URL.Path, "/addons/"); single {
			reply(w, 200, addOnJSON(heroku.AddOnID(id), "x", state(heroku.AddOnID(id))))
			return
		}
		var all []string
		for _, id := range ids {
			all = append(all, addOnJSON(id, "x", state(id)))
		}
		reply(w, 200, "["+strings.Join(all, ",")+"]")
	})
	c := srv.client(t, clocked(clock))
	errs := make(chan error, len(ids))
	for _, id := range ids {
		go func() {
			if _, err := c.WaitAddOnProvisioned(t.Context(), id, 30*time.Minute); (err == nil) != (id != "stuck") {
				errs <- fmt.Errorf("%s: %w", id, err)
				return
			}
			errs <- nil
		}()
		runtime.Gosched()
	}
	for range ids {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
}

// A list that was read while a store was being created does not serve reads after the wait has ended.
func TestNobodyIsToldLessThanAWaitHasSeen(t *testing.T) {
	t.Parallel()
	for name, waiters := range map[string]int{"by its own GET": 1, "by a list": 2} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ids := manyIDs(2)
				f, c := addOnServer(t, ids, changing("provisioning", 300*time.Millisecond, "provisioned"))
				for range 3 { // the third read gets a list
					if a, err := c.AddOn(t.Context(), ids[0]); err != nil || a.State != "provisioning" {
						t.Errorf("%v, %v", a, err)
					}
				}
				errs := make(chan error)
				for _, id := range ids[:waiters] {
					go func() { _, err := c.WaitAddOnProvisioned(t.Context(), id, time.Minute); errs <- err }()
				}
				for range waiters {
					if err := <-errs; err != nil {
						t.Error(err)
					}
				}
				before := len(f.requests())
				if a, err := c.AddOn(t.Context(), ids[0]); err != nil || a.State != "provisioned" || len(f.requests()) > before+1 {
					t.Errorf("%v, %v after %v", a, err, f.requests())
				}
			})
		})
	}
}

func TestWaitsTellTheirBeginningEachStateAndEveryHalfMinute(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f, _ := addOnServer(t, []heroku.AddOnID{addOnID}, changing("provisioning", 100*time.Second, "provisioned"))
		var reported []heroku.Waiting
		c := f.client(t, clocked(heroku.RealClock), waits(func(w heroku.Waiting) { reported = append(reported, w) }))
		if _, err := c.WaitAddOnProvisioned(t.Context(), addOnID, 30*time.Minute); err != nil {
			t.Fatal(err)
		}
		var states []string
		for i, w := range reported {
			states = append(states, w.State)
			if w.For != "add-on "+string(addOnID)+" to be provisioned" || w.Limit != 30*time.Minute {
				t.Errorf("reported %+v", w)
			}
			if i > 0 && w.Elapsed-reported[i-1].Elapsed > 40*time.Second {
				t.Errorf("no report between %v and %v", reported[i-1].Elapsed, w.Elapsed)
			}
		}
		want := []string{"", "provisioning", "provisioning", "provisioning", "provisioning", "provisioned"}
		if !slices.Equal(states, want) {
			t.Errorf("reported %q, want %q", states, want)
		}
	})
}

func TestPausesOfTheRateLimitAreTold(t *testing.T) {
	t.Parallel()
	var reported []heroku.Waiting
	see := waits(func(w heroku.Waiting) { reported = append(reported, w) })
	srv := serve(t, func(w http.ResponseWriter, _ *http.Request, n int) {
		w.Header().Set("RateLimit-Remaining", "0")
		if n == 1 {
			w.Header().Set("Retry-After", "7")
			reply(w, 429, `{"id":"rate_limit","message":"x"}`)
			return
		}
		reply(w, 200, addOnJSON(addOnID, "acme-cache", "provisioned"))
	})
	c := srv.client(t, see)
	for range 2 {
		if _, err := c.FindAddOn(t.Context(), "acme-cache"); err != nil {
			t.Fatal(err)
		}
	}
	if len(reported) < 2 || reported[0].For != "the next try of GET /addons/acme-cache" ||
		!strings.Contains(reported[0].State, "429") || reported[0].Limit != 7*time.Second {
		t.Fatalf("reported %+v", reported)
	}
	if last := reported[len(reported)-1]; last.For != "the next request" ||
		!strings.Contains(last.State, "few requests are left") || last.Limit <= 0 {
		t.Errorf("reported %+v", last)
	}
}
