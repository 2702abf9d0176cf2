// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package heroku_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
)

// bubble runs a test in a synctest bubble.
func bubble(t *testing.T, of func(t *testing.T)) {
	t.Helper()
	synctest.Test(t, of)
}

func (s *spaceRules) realTimeClient(t *testing.T) *heroku.Client {
	return s.client(t, clocked(heroku.RealClock))
}

func added(sources ...string) heroku.TrustedRangesChange {
	return heroku.TrustedRangesChange{Add: sources, New: true}
}

func removed(sources ...string) heroku.TrustedRangesChange {
	return heroku.TrustedRangesChange{Remove: sources}
}

func sortedText(sources []string) string {
	return strings.Join(slices.Sorted(slices.Values(sources)), " ")
}

func expectRanges(t *testing.T, s *spaceRules, want ...string) {
	t.Helper()
	if got := sortedText(s.now()); got != sortedText(want) {
		t.Errorf("the space has %s, want %s; it had %v", got, sortedText(want), s.rulesets())
	}
}

func source(n int) string { return fmt.Sprintf("203.0.%d.0/24", n) }

func TestChangeOfRangesLeavesTheOthers(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		has    []string
		change heroku.TrustedRangesChange
		want   []string
		puts   int
	}{
		"added":                {[]string{source(1)}, added(source(2)), []string{source(1), source(2)}, 1},
		"removed":              {[]string{source(1), source(2)}, removed(source(1)), []string{source(2)}, 1},
		"the last one removed": {[]string{source(1)}, removed(source(1)), nil, 1},
		"removed already":      {[]string{source(2)}, removed(source(1)), []string{source(2)}, 0},
		"there already":        {[]string{source(2)}, heroku.TrustedRangesChange{Add: []string{source(2)}}, []string{source(2)}, 0},
		"sent again":           {[]string{source(2)}, heroku.TrustedRangesChange{Add: []string{source(2)}, Force: true}, []string{source(2)}, 1},
		"one for another": {[]string{source(1), source(3)}, heroku.TrustedRangesChange{Add: []string{source(2)}, Remove: []string{source(1)},
			New: true}, []string{source(2), source(3)}, 1},
		"a space is closed": {[]string{"0.0.0.0/0"}, heroku.TrustedRangesChange{Add: []string{source(2)}, Remove: []string{"0.0.0.0/0"},
			New: true}, []string{source(2)}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bubble(t, func(t *testing.T) {
				s := newSpaceRules(1, test.has...)
				set, err := s.realTimeClient(t).ChangeTrustedRanges(t.Context(), spaceID, test.change)
				if err != nil || len(set.Rules) != len(test.want) || s.puts() != test.puts {
					t.Errorf("%v, %v, after %v", set.Rules, err, s.requests())
				}
				expectRanges(t, s, test.want...)
			})
		})
	}
}

func TestRangeThatIsThereIsNotNew(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		s := newSpaceRules(1, "203.0.1.9/24")
		client := s.realTimeClient(t)
		failures := concurrently(2, func(i int) error {
			_, err := client.ChangeTrustedRanges(t.Context(), spaceID, added(source(i+1)))
			return err
		})
		var present *heroku.RangesPresentError
		if !errors.As(failures[0], &present) || !slices.Equal(present.Ranges, []string{source(1)}) || failures[1] != nil {
			t.Error(failures)
		}
		expectRanges(t, s, "203.0.1.9/24", source(2))
	})
}

// concurrently calls do n times, concurrently, and returns the errors.
func concurrently(n int, do func(i int) error) []error {
	failures := make([]error, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { failures[i] = do(i) })
	}
	wg.Wait()
	return failures
}

func TestChangesThatComeTogetherAreOneWrite(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		s := newSpaceRules(1, "0.0.0.0/0", source(0))
		type operation struct{}
		var mu sync.Mutex
		announced := map[any]int{}
		client := s.client(t, clocked(heroku.RealClock), func(o *heroku.Options) {
			o.Announce = func(ctx context.Context, _ heroku.Write) (func(heroku.WriteResult), error) {
				return func(result heroku.WriteResult) {
					mu.Lock()
					defer mu.Unlock()
					if result.Status == 200 {
						announced[ctx.Value(operation{})]++
					}
				}, nil
			}
		})
		failures := concurrently(10, func(i int) error {
			ctx := context.WithValue(t.Context(), operation{}, i)
			change := added(source(i + 1))
			switch i {
			case 8:
				change = removed(source(0))
			case 9:
				change = heroku.TrustedRangesChange{Add: []string{source(10)}, Remove: []string{"0.0.0.0/0"}}
			}
			_, err := client.ChangeTrustedRanges(ctx, spaceID, change)
			return err
		})
		if err := errors.Join(failures...); err != nil || s.puts() != 1 || len(announced) != 10 || announced[3] != 1 {
			t.Errorf("%v, %v, announced %v", err, s.requests(), announced)
		}
		expectRanges(t, s, source(1), source(2), source(3), source(4), source(5), source(6), source(7), source(8), source(10))
	})
}

func TestOneOfManyThatIsRefusedTakesNoneAlong(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		s := newSpaceRules(1)
		s.before = func(r *http.Request, _ int) (int, error) {
			if body, _ := r.GetBody(); r.Method == "PUT" {
				var asked struct{ Rules []any }
				_ = json.NewDecoder(body).Decode(&asked)
				if len(asked.Rules) > 2 {
					return 422, nil
				}
			}
			return 0, nil
		}
		client := s.realTimeClient(t)
		refused := 0
		for _, err := range concurrently(3, func(i int) error {
			_, err := client.ChangeTrustedRanges(t.Context(), spaceID, added(source(i)))
			return err
		}) {
			var said *heroku.Error
			if errors.As(err, &said) && said.Status == 422 {
				refused++
			} else if err != nil {
				t.Error(err)
			}
		}
		if refused != 1 || len(s.now()) != 2 {
			t.Errorf("%d are refused, and the space has %v", refused, s.now())
		}
	})
}

// A ruleset that somebody else writes between the client's read and its write, or right after it, is merged with the client's change.
func TestLostUpdatesAreNoticedAndRepeated(t *testing.T) {
	t.Parallel()
	theirs, ours, old := source(1), source(2), source(3)
	for name, test := range map[string]struct {
		before, after func([]string) []string // what somebody writes before and after the client's first PUT, based on what was read
		change        heroku.TrustedRangesChange
		want          []string
	}{
		"added meanwhile":     {func(r []string) []string { return append(r, theirs) }, nil, added(ours), []string{old, ours, theirs}},
		"removed meanwhile":   {func([]string) []string { return nil }, nil, added(ours), []string{ours}},
		"exchanged meanwhile": {func([]string) []string { return []string{theirs} }, nil, added(ours), []string{ours, theirs}},
		"overwritten":         {nil, func(r []string) []string { return append(r, theirs) }, added(ours), []string{old, ours, theirs}},
		"removed by us, and overwritten": {nil, func(r []string) []string { return append(r, theirs) }, removed(old),
			[]string{theirs}},
		"both": {func(r []string) []string { return append(r, theirs) }, func(r []string) []string { return append(r, source(4)) },
			added(ours), []string{old, ours, theirs, source(4)}},
		"the same by somebody else": {func(r []string) []string { return append(r, ours) }, nil, added(ours), []string{old, ours}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bubble(t, func(t *testing.T) {
				s := newSpaceRules(1, old)
				write := func(make func([]string) []string, r *http.Request, n int) {
					if r.Method == "PUT" && n == 1 && make != nil {
						s.mu.Lock()
						defer s.mu.Unlock()
						s.set(make([]string{old})) // based on an earlier read
					}
				}
				s.before = func(r *http.Request, n int) (int, error) { write(test.before, r, n); return 0, nil }
				s.lose = func(r *http.Request, n int) bool { write(test.after, r, n); return false }
				if _, err := s.realTimeClient(t).ChangeTrustedRanges(t.Context(), spaceID, test.change); err != nil {
					t.Error(err)
				}
				expectRanges(t, s, test.want...)
			})
		})
	}
}

// A retry after a lost response does not undo what somebody has written since.
func TestLostAnswersToAChange(t *testing.T) {
	t.Parallel()
	theirs, ours, old := source(1), source(2), source(3)
	for name, test := range map[string]struct {
		lose   int  // the number of responses that are lost
		theirs bool // somebody writes before the second PUT
		ok     bool
	}{
		"once":                              {1, false, true},
		"and somebody wrote since then":     {1, true, true},
		"all, and read then":                {4, false, true},
		"all, with somebody else's between": {4, true, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bubble(t, func(t *testing.T) {
				s := newSpaceRules(1, old)
				s.lose = func(r *http.Request, n int) bool {
					if r.Method != "PUT" {
						return false
					}
					if n == 1 && test.theirs {
						s.mu.Lock()
						s.set([]string{old, ours, theirs})
						s.mu.Unlock()
					}
					return n <= test.lose
				}
				_, err := s.realTimeClient(t).ChangeTrustedRanges(t.Context(), spaceID, added(ours))
				if (err == nil) != test.ok {
					t.Error(err)
				}
				if want := []string{old, ours}; test.theirs {
					expectRanges(t, s, append(want, theirs)...)
				} else {
					expectRanges(t, s, want...)
				}
			})
		})
	}
}

func TestChangeThatCannotBeVerified(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		fails      func(s *spaceRules, r *http.Request) bool
		unverified bool
		puts       int
	}{
		"nothing is written when the history cannot be read": {func(_ *spaceRules, r *http.Request) bool {
			return strings.HasSuffix(r.URL.Path, "/inbound-rulesets")
		}, false, 0},
		"what was written is said to be unverified": {func(s *spaceRules, r *http.Request) bool {
			return s.puts() > 0 && strings.HasSuffix(r.URL.Path, "/inbound-rulesets")
		}, true, 1},
		"what cannot be written is an error": {func(_ *spaceRules, r *http.Request) bool { return r.Method == "PUT" }, false, 4},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bubble(t, func(t *testing.T) {
				s := newSpaceRules(1, source(1))
				s.before = func(r *http.Request, _ int) (int, error) {
					if test.fails(s, r) {
						return 0, errLost
					}
					return 0, nil
				}
				_, err := s.realTimeClient(t).ChangeTrustedRanges(t.Context(), spaceID, added(source(2)))
				var unverified *heroku.UnverifiedError
				if err == nil || errors.As(err, &unverified) != test.unverified || s.puts() != test.puts {
					t.Errorf("%v after %v", err, s.requests())
				}
			})
		})
	}
}

// If somebody else writes after each write, the client gives up.
func TestChangeWithoutEnd(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		s := newSpaceRules(1, source(1))
		s.lose = func(r *http.Request, _ int) bool {
			if r.Method == "PUT" {
				s.mu.Lock()
				s.set([]string{source(1)})
				s.mu.Unlock()
			}
			return false
		}
		_, err := s.realTimeClient(t).ChangeTrustedRanges(t.Context(), spaceID, added(source(2)))
		var unverified *heroku.UnverifiedError
		if !errors.As(err, &unverified) || s.puts() != 12 {
			t.Errorf("%v after %d writes", err, s.puts())
		}
	})
}

func TestChangeOfASpaceWithoutRulesYet(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		s, begun := newSpaceRules(1, "0.0.0.0/0"), time.Now()
		s.before = func(r *http.Request, _ int) (int, error) {
			if strings.Contains(r.URL.Path, "inbound") && time.Since(begun) < 20*time.Second {
				return 404, nil
			}
			return 0, nil
		}
		if _, err := s.realTimeClient(t).ChangeTrustedRanges(t.Context(), spaceID, added(source(2))); err != nil {
			t.Error(err)
		}
		expectRanges(t, s, "0.0.0.0/0", source(2))
		gone := newSpaceRules(1)
		gone.before = func(*http.Request, int) (int, error) { return 404, nil }
		if _, err := gone.realTimeClient(t).ChangeTrustedRanges(t.Context(), spaceID, removed(source(2))); !heroku.IsNotFound(err) {
			t.Error(err)
		}
	})
}

func TestInterruptedChangeOfRanges(t *testing.T) {
	t.Parallel()
	for name, during := range map[string]string{"before it is written": "GET", "while it is written": "PUT"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bubble(t, func(t *testing.T) {
				s := newSpaceRules(1, source(1))
				ctx, cancel := context.WithCancel(t.Context())
				s.before = func(r *http.Request, _ int) (int, error) {
					if r.Method == during {
						cancel()
						sleep(time.Second)
					}
					return 0, nil
				}
				_, err := s.realTimeClient(t).ChangeTrustedRanges(ctx, spaceID, added(source(2)))
				sleep(5 * time.Second) // the server is not interrupted
				if want := during == "PUT"; (err == nil) != want || (s.puts() == 1) != want || want == errors.Is(err, context.Canceled) {
					t.Errorf("%v after %v", err, s.requests())
				}
			})
		})
	}
}

func TestUndoneWhileItIsWaitedFor(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		s := newSpaceRules(1, source(1))
		client, change := s.realTimeClient(t), added(source(2))
		if _, err := client.ChangeTrustedRanges(t.Context(), spaceID, change); err != nil {
			t.Fatal(err)
		}
		go func() { // somebody saves a web page that was loaded before
			sleep(500 * time.Millisecond)
			s.mu.Lock()
			s.set([]string{source(1), source(3)})
			s.mu.Unlock()
		}()
		if _, err := client.WaitTrustedRangesChanged(t.Context(), spaceID, change, time.Minute); err != nil {
			t.Error(err)
		}
		expectRanges(t, s, source(1), source(2), source(3))
	})
}

// Two teams, and a person with a web page that shows an earlier state, change the rules at the same time. In whatever order Heroku
// gets their requests, no change is lost, and the space is never open to everybody.
func TestTwoClientsAndAPage(t *testing.T) {
	t.Parallel()
	repeated := 0
	for seed := range uint64(300) {
		synctest.Test(t, func(t *testing.T) {
			s := newSpaceRules(seed, source(100), source(101))
			s.pace = 120 * time.Millisecond
			s.lose = func(r *http.Request, _ int) bool {
				s.mu.Lock()
				defer s.mu.Unlock()
				return r.Method == "PUT" && s.random.IntN(8) == 0
			}
			clients := []*heroku.Client{s.realTimeClient(t), s.realTimeClient(t)}
			want := []string{source(50), source(51), source(101)}
			var wg sync.WaitGroup
			for team, client := range clients {
				for i := range 3 {
					change := added(source(10*team + i))
					want = append(want, change.Add...)
					s.mu.Lock()
					pause := time.Duration(s.random.Int64N(int64(400 * time.Millisecond)))
					s.mu.Unlock()
					wg.Go(func() {
						sleep(pause)
						_, err := client.ChangeTrustedRanges(t.Context(), spaceID, change)
						if err == nil {
							_, err = client.WaitTrustedRangesChanged(t.Context(), spaceID, change, time.Minute)
						}
						if err != nil {
							t.Error(err)
						}
					})
				}
			}
			wg.Go(func() {
				for _, edit := range []heroku.TrustedRangesChange{added(source(50)), removed(source(100)), added(source(51))} {
					loaded := s.now()
					s.pause()
					s.mu.Lock()
					s.set(append(slices.DeleteFunc(loaded, func(one string) bool { return slices.Contains(edit.Remove, one) }), edit.Add...))
					s.mu.Unlock()
					s.pause()
				}
			})
			wg.Wait()
			if got := sortedText(s.now()); got != sortedText(want) {
				t.Errorf("seed %d: the space has %s, want %s; it had %v", seed, got, sortedText(want), s.rulesets())
			}
			if slices.ContainsFunc(s.rulesets(), func(one []string) bool { return slices.Contains(one, "0.0.0.0/0") }) {
				t.Errorf("seed %d: it was opened: %v", seed, s.rulesets())
			}
			undone := false
			for i, now := range s.rulesets()[1:] {
				undone = undone || slices.ContainsFunc(s.rulesets()[i], func(one string) bool {
					return slices.Contains(want, one) && !slices.Contains(now, one)
				})
			}
			if undone {
				repeated++
			}
		})
	}
	t.Logf("in %d of 300 runs, a write undid another change for a moment", repeated)
	if repeated < 50 {
		t.Errorf("only in %d of 300 runs a change was undone, which is too few for this test", repeated)
	}
}
