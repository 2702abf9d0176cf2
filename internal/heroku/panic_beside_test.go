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

// These tests are in the package because no response of Heroku can make a shared read panic in its goroutine.

const canary = "hunter2-canary"

type objectID string

// isTestPanic reports whether err is a panic of these tests, without its value.
func isTestPanic(err error) bool {
	var bug *BugError
	return errors.As(err, &bug) && bug.Method == "" && strings.Contains(bug.At, "internal/heroku.") && !strings.Contains(err.Error(), canary)
}

// panickyClock panics on one call of Now, after left calls.
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
		one, all bool // whether the requests for one object, or for the list, panic
		now      int  // which call of the clock's Now panics, from 1; 0 for none
		fails    int  // how many of the three rounds fail
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
					func(context.Context, objectID) (string, error) { check(test.one); return "read", nil },
					func(context.Context) (map[objectID]string, error) {
						check(test.all)
						return map[objectID]string{"a": "read", "b": "read"}, nil
					})
				answers := make(chan error)
				rounds := 0
				for range 3 {
					for _, id := range []objectID{"a", "b", "b"} {
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
						if err := <-answers; err != nil && !isTestPanic(err) {
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

// If the read of the store during the wait for its add-on panics, the store is read again.
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
				t.Error("the panic of the second read, in the caller's goroutine, is lost")
			}
		}()
		_, _, _ = c.WaitReady(ctx, "7c4e", "", time.Minute) // a client without hosts panics when it sends a request to the Data API
	})
}
