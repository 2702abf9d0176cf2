// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package heroku

import (
	"context"
	"errors"
	"maps"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// What runs beside its callers may panic in a way that no answer of Heroku's provokes: the tests build it themselves.

const canary = "hunter2-canary"

// thing is ready from some moment on.
type thing struct{ ready bool }

type thingID string

// bugs are where a reader panics.
type bugs struct {
	one, all, ids bool
	slow          time.Duration // that a read by its id takes
}

func (b bugs) reader(ready func() bool) reader[thingID, thing] {
	check := func(broken bool) {
		if broken {
			panic(canary)
		}
	}
	return reader[thingID, thing]{
		one: func(ctx context.Context, _ thingID) (thing, error) {
			check(b.one)
			return thing{ready()}, RealClock.Sleep(ctx, b.slow)
		},
		all: func(context.Context, int) (map[thingID]thing, error) {
			check(b.all)
			return map[thingID]thing{"a": {ready()}, "b": {ready()}}, nil
		},
		ids: func(id thingID, _ thing) []string { check(b.ids); return []string{string(id)} },
	}
}

// isOurs reports the error of a panic of the tests.
func isOurs(err error) bool {
	var bug *BugError
	return errors.As(err, &bug) && bug.Method == "" && strings.Contains(bug.At, "internal/heroku.") && !strings.Contains(err.Error(), canary)
}

// sleepless panics where the loop of a poller begins.
type sleepless struct{ Clock }

func (sleepless) Sleep(context.Context, time.Duration) error { panic(canary) }

// idle says that nobody is about to wait.
func idle[T any]() (none T) { return }

func TestPanic_besideAWait(t *testing.T) {
	t.Parallel()
	fine := func(item thing, _ bool, _ time.Duration) progress { return progress{state: "made", ready: item.ready} }
	broken := func(item thing, found bool, waited time.Duration) progress {
		if item.ready {
			panic(canary)
		}
		return fine(item, found, waited)
	}
	pause := func(int, time.Duration) time.Duration { return time.Second }
	for name, test := range map[string]struct {
		bugs  bugs
		judge func(thing, bool, time.Duration) progress // of b; a has a good one
		pause func(int, time.Duration) time.Duration
		clock Clock
		fail  string // which waits
	}{
		"in nothing":            {bugs{}, fine, pause, RealClock, ""},
		"in what judges":        {bugs{}, broken, pause, RealClock, "b"},
		"in the read of one":    {bugs{one: true, all: true}, fine, pause, RealClock, "ab"},
		"in the read of a list": {bugs{all: true}, fine, pause, RealClock, ""},
		"in the loop, later": {bugs{}, fine, func(n int, _ time.Duration) time.Duration {
			if n == 2 {
				panic(canary)
			}
			return time.Second
		}, RealClock, "ab"},
		"in the loop, at once": {bugs{}, fine, pause, sleepless{RealClock}, "ab"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				begun := time.Now()
				reads := newShared(&Client{clock: RealClock}, test.bugs.reader(func() bool { return time.Since(begun) > 5*time.Second }))
				p := newPoller(reads, test.pause, idle)
				p.clock = test.clock
				for round := range 2 { // whoever waits after that finds no lock held and no loop missing
					ended := map[string]chan error{"a": make(chan error, 1), "b": make(chan error, 1)}
					for id, judge := range map[string]func(thing, bool, time.Duration) progress{"a": fine, "b": test.judge} {
						go func() {
							_, err := p.wait(t.Context(), thingID(id), "thing "+id, time.Minute, judge)
							ended[id] <- err
						}()
					}
					for id := range maps.Keys(ended) {
						err := <-ended[id]
						var wait *WaitError
						switch fails := strings.Contains(test.fail, id); {
						case !fails && err != nil:
							t.Errorf("%d: the wait for %s ended with %v", round, id, err)
						case fails && !(errors.As(err, &wait) && wait.Outcome == Unreachable && wait.What == "thing "+id && isOurs(err)):
							t.Errorf("%d: the wait for %s ended with %v", round, id, err)
						}
					}
					if took := time.Since(begun); took > time.Minute {
						t.Errorf("it took %s", took)
					}
					begun = time.Now()
				}
			})
		})
	}
}

// panickyClock panics on one look at it.
type panickyClock struct {
	Clock
	left *int
}

func (c panickyClock) Now() time.Time {
	if *c.left--; *c.left == 0 {
		panic(canary)
	}
	return c.Clock.Now()
}

func TestPanic_besideARead(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		bugs  bugs
		now   int // which look at the clock panics
		fails int // of three rounds
	}{
		"in nothing":                      {bugs{}, 0, 0},
		"in the read of one":              {bugs{one: true, all: true}, 0, 3},
		"in the read of a list":           {bugs{all: true}, 0, 0},
		"in what compares it with writes": {bugs{ids: true}, 0, 0},
		"in what is around it":            {bugs{}, 2, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				test.bugs.slow = time.Second // so that the second one and the third one queue
				reads := newShared(&Client{clock: panickyClock{RealClock, &test.now}}, test.bugs.reader(func() bool { return true }))
				answers := make(chan error)
				rounds := 0
				for range 3 {
					for _, id := range []thingID{"a", "b", "b"} {
						go func() {
							item, err := reads.Get(t.Context(), id)
							if err == nil && !item.ready {
								err = errors.New("nothing was read")
							}
							answers <- err
						}()
						synctest.Wait()
					}
					failed := 0
					for range 3 {
						if err := <-answers; err != nil && !isOurs(err) {
							t.Error(err)
						} else if err != nil {
							failed++
						}
					}
					if failed > 0 {
						rounds++
					}
				}
				if rounds != test.fails {
					t.Errorf("reads failed in %d of 3 rounds, want %d", rounds, test.fails)
				}
			})
		})
	}
}

func TestPanic_besideAStore(t *testing.T) {
	t.Parallel()
	first := 1
	c := &Client{clock: panickyClock{RealClock, &first}, addOnWaits: &poller[AddOnID, AddOn]{usual: time.Second}}
	c.foresee(t.Context(), "7c4e")()
	if first != 0 || c.foreseeing.Load() != 0 {
		t.Errorf("%d looks at the clock are left, and %d reads", first, c.foreseeing.Load())
	}
}

func TestPanic_besideAStoreThatIsWanted(t *testing.T) {
	t.Parallel()
	first := 1
	c := &Client{clock: panickyClock{RealClock, &first}}
	if _, err := c.AskStore(t.Context(), "7c4e")(); !isOurs(err) {
		t.Errorf("it ended with %v", err)
	}
}
