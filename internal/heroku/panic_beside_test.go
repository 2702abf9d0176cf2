// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package heroku

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// Reads that are shared run beside their callers, and may panic in a way that no answer of Heroku's provokes.

const canary = "hunter2-canary"

type thingID string

// isOurs reports the error of a panic of the tests.
func isOurs(err error) bool {
	var bug *BugError
	return errors.As(err, &bug) && bug.Method == "" && strings.Contains(bug.At, "internal/heroku.") && !strings.Contains(err.Error(), canary)
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
		one, all bool // which requests panic
		now      int  // which look at the clock does
		fails    int  // of three rounds
	}{
		"in nothing":             {false, false, 0, 0},
		"in the read of one":     {true, true, 0, 3},
		"in the read of a list":  {false, true, 0, 0},
		"in what is around them": {false, false, 1, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				check := func(broken bool) {
					if broken {
						panic(canary)
					}
				}
				client := &Client{clock: panickyClock{RealClock, &test.now}}
				reads := newBatch(client,
					func(context.Context, thingID) (string, error) { check(test.one); return "read", nil },
					func(context.Context) (map[thingID]string, error) {
						check(test.all)
						return map[thingID]string{"a": "read", "b": "read"}, nil
					})
				answers := make(chan error)
				rounds := 0
				for range 3 {
					for _, id := range []thingID{"a", "b", "b"} {
						go func() {
							item, err := reads.read(t.Context(), id, poll)
							if err == nil && item != "read" {
								err = errors.New("nothing was read")
							}
							answers <- err
						}()
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

// The store that is looked at while its add-on is waited for is looked at again.
func TestPanic_besideAWait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := &Client{clock: RealClock}
		c.addOns = newBatch(c,
			func(_ context.Context, id AddOnID) (AddOn, error) { return AddOn{ID: id, State: StateProvisioned}, nil },
			func(context.Context) (map[AddOnID]AddOn, error) { return nil, nil })
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		defer func() {
			if recover() == nil {
				t.Error("the panic of the second look, which is the caller's own, is lost")
			}
		}()
		_, _, _ = c.WaitReady(ctx, "7c4e", "", time.Minute) // a client without hosts panics when it asks the Data API
	})
}
