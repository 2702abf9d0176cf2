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

// world is a memory server whose add-ons have the state that a function of the time since the start says; "" is 404.
func world(t *testing.T, ids []heroku.AddOnID, state func(id heroku.AddOnID, age time.Duration) string) (*fake, *heroku.Client) {
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

// becoming is one state before and another one after.
func becoming(before string, after time.Duration, then string) func(heroku.AddOnID, time.Duration) string {
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
		f, c := world(t, []heroku.AddOnID{addOnID}, func(_ heroku.AddOnID, age time.Duration) string {
			at = append(at, age)
			return becoming("provisioning", 100*time.Second, "provisioned")(addOnID, age)
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
		f, c := world(t, ids, becoming("provisioning", 20*time.Second, "provisioned"))
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
		at      time.Duration // when there is something to see
	}{
		"declared failure": {becoming("provisioning", 9*time.Second, "deprovisioned"), heroku.Failed, "deprovisioned",
			9 * time.Second},
		"not found for a short while": {becoming("", 50*time.Second, "provisioned"), 0, "", 50 * time.Second},
		"not found for over a minute": {becoming("", time.Hour, "provisioned"), heroku.Gone, "not found", time.Minute},
		"vanished": {becoming("provisioning", 65*time.Second, ""), heroku.Gone, "not found",
			2*time.Minute + 5*time.Second},
		"a state that nobody knows": {becoming("contemplating", 9*time.Second, "provisioned"), 0, "", 9 * time.Second},
		"never ready":               {becoming("provisioning", 24*time.Hour, ""), heroku.TimedOut, "provisioning", 10 * time.Minute},
		"destroyed while provisioning": {becoming("deprovisioning", 9*time.Second, "deprovisioned"), heroku.Failed, "deprovisioned",
			9 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				begun := time.Now()
				_, client := world(t, []heroku.AddOnID{addOnID}, c.state)
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
		"not found":     becoming("deprovisioning", 9*time.Second, ""),
		"deprovisioned": becoming("provisioned", 9*time.Second, "deprovisioned"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ids := manyIDs(3)
				_, c := world(t, ids, state)
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
				case time.Since(begun) > 6*time.Minute || hopelessAtOnce(c.outcome) != (time.Since(begun) < 2*time.Second):
					t.Errorf("%v after %v", err, time.Since(begun))
				}
			})
		})
	}
}

func hopelessAtOnce(outcome string) bool { return outcome == "401" || outcome == "403" }

func TestInterruptedWaitReturnsAtOnceAndTheOthersGoOn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ids := manyIDs(3)
		f, c := world(t, ids, becoming("provisioning", 40*time.Second, "provisioned"))
		ctx, cancel := context.WithCancel(t.Context())
		first, others := make(chan error, 1), make(chan error, 2)
		go func() { _, err := c.WaitAddOnProvisioned(ctx, ids[0], time.Hour); first <- err }()
		synctest.Wait() // the one whose context the poller began with
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
		// Nobody waits any more: the poller has stopped. A leaked goroutine would make synctest fail.
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
		_, c := world(t, ids, func(id heroku.AddOnID, _ time.Duration) string {
			if id == ids[0] {
				return "provisioning"
			}
			return "provisioned"
		})
		ctx, cancel := context.WithCancel(t.Context())
		slow := make(chan error)
		go func() { _, err := c.WaitAddOnProvisioned(ctx, ids[0], time.Hour); slow <- err }()
		<-time.After(200 * time.Second) // the ticks are 15 s apart by now
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
		_, c := world(t, []heroku.AddOnID{addOnID}, becoming("provisioning", time.Second, "provisioned"))
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

// leapingClock stands for what others do to a virtual clock meanwhile.
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

// On a virtual clock one stuck wait burns its whole half hour within milliseconds. Nobody else may suffer for that:
// what was polled counts before what the clock says.
func TestVirtualTimeDoesNotRunAwayFromOtherWaiters(t *testing.T) {
	t.Parallel()
	clock := newClock()
	var mu sync.Mutex
	born := map[heroku.AddOnID]time.Time{}
	state := func(id heroku.AddOnID) string {
		mu.Lock()
		defer mu.Unlock()
		at, ok := born[id]
		if !ok {
			at = clock.Now()
			born[id] = at
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

// A list that was read while a store was being made must not answer whoever comes when the wait is over.
func TestNobodyIsToldLessThanAWaitHasSeen(t *testing.T) {
	t.Parallel()
	for name, waiters := range map[string]int{"by its own GET": 1, "by a list": 2} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ids := manyIDs(2)
				f, c := world(t, ids, becoming("provisioning", 300*time.Millisecond, "provisioned"))
				for range 3 { // the third read makes a list of it
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
		f, _ := world(t, []heroku.AddOnID{addOnID}, becoming("provisioning", 100*time.Second, "provisioned"))
		var told []heroku.Waiting
		c := f.client(t, clocked(heroku.RealClock), waits(func(w heroku.Waiting) { told = append(told, w) }))
		if _, err := c.WaitAddOnProvisioned(t.Context(), addOnID, 30*time.Minute); err != nil {
			t.Fatal(err)
		}
		var states []string
		for i, w := range told {
			states = append(states, w.State)
			if w.For != "add-on "+string(addOnID)+" to be provisioned" || w.Limit != 30*time.Minute {
				t.Errorf("told of %+v", w)
			}
			if i > 0 && w.Elapsed-told[i-1].Elapsed > 40*time.Second {
				t.Errorf("nothing told between %v and %v", told[i-1].Elapsed, w.Elapsed)
			}
		}
		want := []string{"", "provisioning", "provisioning", "provisioning", "provisioning", "provisioned"}
		if !slices.Equal(states, want) {
			t.Errorf("told %q, want %q", states, want)
		}
	})
}

func TestPausesOfTheRateLimitAreTold(t *testing.T) {
	t.Parallel()
	var told []heroku.Waiting
	see := waits(func(w heroku.Waiting) { told = append(told, w) })
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
	if len(told) < 2 || told[0].For != "the next try of GET /addons/acme-cache" ||
		!strings.Contains(told[0].State, "429") || told[0].Limit != 7*time.Second {
		t.Fatalf("told %+v", told)
	}
	if last := told[len(told)-1]; last.For != "the next request" ||
		!strings.Contains(last.State, "few requests are left") || last.Limit <= 0 {
		t.Errorf("told %+v", last)
	}
}
