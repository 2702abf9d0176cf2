// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package heroku_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
)

// catalogue serves single add-ons and their list. It delays the GET of "first" until it is released, so that the reads that
// begin meanwhile are queued.
type catalogue struct {
	*fake
	client  *heroku.Client
	release chan struct{}
	answers chan error
	asked   int
}

func newCatalogue(t *testing.T, list handler) *catalogue {
	c := &catalogue{release: make(chan struct{}), answers: make(chan error, 100)}
	c.fake = memory(func(w http.ResponseWriter, r *http.Request, n int) {
		id := r.URL.Path[strings.LastIndex(r.URL.Path, "/")+1:]
		switch {
		case r.URL.Path == "/addons":
			list(w, r, n)
			return
		case id == "first":
			<-c.release
		case id == "gone":
			reply(w, 404, notFound)
			return
		}
		reply(w, 200, addOnJSON(heroku.AddOnID(id), "a-name", "provisioned"))
	})
	c.client = c.fake.client(t, clocked(heroku.RealClock))
	return c
}

// get reads add-ons in the background, and returns when their shared requests have been sent.
func (c *catalogue) get(ctx context.Context, ids ...heroku.AddOnID) {
	c.begin(ctx, ids...)
	<-time.After(collected)
	synctest.Wait()
}

// begin reads add-ons in the background, and returns while more reads can join.
func (c *catalogue) begin(ctx context.Context, ids ...heroku.AddOnID) {
	for _, id := range ids {
		c.asked++
		go func() {
			a, err := c.client.AddOn(ctx, id)
			if err == nil && a.ID != id {
				err = fmt.Errorf("asked for %s, got %s", id, a.ID)
			}
			c.answers <- err
		}()
	}
	synctest.Wait()
}

// collected is after how long the reads of one round have been sent.
const collected = 11 * time.Millisecond

// finish releases the first GET and returns the errors of all reads.
func (c *catalogue) finish() []error {
	close(c.release)
	var errs []error
	for range c.asked {
		if err := <-c.answers; err != nil {
			errs = append(errs, err)
		}
	}
	return errs
}

// listOf serves a list of these ids in pages of this size.
func listOf(t *testing.T, ids []heroku.AddOnID, pageSize int) handler {
	return func(w http.ResponseWriter, r *http.Request, page int) {
		want := "id ..; max=1000"
		if page > 1 {
			want = fmt.Sprintf("id ]%d..; max=1000", page-1)
		}
		if got := r.Header.Get("Range"); got != want {
			t.Errorf("Range %q, want %q", got, want)
		}
		status := 200
		if page*pageSize < len(ids) {
			status = 206
			w.Header().Set("Next-Range", fmt.Sprintf("id ]%d..; max=1000", page))
		}
		reply(w, status, listJSON(ids[(page-1)*pageSize:min(page*pageSize, len(ids))]...))
	}
}

func listJSON(ids ...heroku.AddOnID) string {
	var items []string
	for _, id := range ids {
		items = append(items, addOnJSON(id, "a-name", "provisioned"))
	}
	return "[" + strings.Join(items, ",") + "]"
}

func manyIDs(n int) (ids []heroku.AddOnID) {
	for i := range n {
		ids = append(ids, heroku.AddOnID(fmt.Sprintf("7c4e2a90-3b5d-4f8e-a1c6-%012d", i)))
	}
	return ids
}

func TestSixtyReadsAtOnceCostAGetAndAList(t *testing.T) {
	t.Parallel()
	for pageSize, pages := range map[int]int{60: 1, 25: 3} {
		t.Run(fmt.Sprintf("%d pages", pages), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ids := manyIDs(60)
				c := newCatalogue(t, listOf(t, ids, pageSize))
				c.get(t.Context(), "first")
				c.get(t.Context(), ids...)
				if errs := c.finish(); errs != nil {
					t.Error(errs)
				}
				if c.count("GET /addons/") != 1 || len(c.requests()) != 1+pages {
					t.Error(c.requests())
				}
			})
		})
	}
}

// Over a network, reads arrive in any order, so that some may be sent alone.
func TestSixtyReadsInAnyOrderCostAHandfulOfRequests(t *testing.T) {
	t.Parallel()
	ids := manyIDs(60)
	srv := serve(t, func(w http.ResponseWriter, r *http.Request, _ int) {
		if r.URL.Path == "/addons" {
			reply(w, 200, listJSON(ids...))
			return
		}
		reply(w, 200, addOnJSON(heroku.AddOnID(strings.TrimPrefix(r.URL.Path, "/addons/")), "x", "provisioned"))
	})
	c := srv.client(t)
	errs := make(chan error, len(ids))
	for _, id := range ids {
		go func() { _, err := c.AddOn(t.Context(), id); errs <- err }()
	}
	for range ids {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	if got := srv.requests(); len(got) > 8 {
		t.Error(got)
	}
}

func TestLoneReadIsOneGetAndIsNotKept(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCatalogue(t, nil)
		c.get(t.Context(), "a")
		c.get(t.Context(), "a")
		<-time.After(time.Minute)
		c.get(t.Context(), "first")
		c.get(t.Context(), "b") // alone in the queue
		if errs := c.finish(); errs != nil {
			t.Error(errs)
		}
		want := []string{"GET /addons/a", "GET /addons/a", "GET /addons/first", "GET /addons/b"}
		if got := c.requests(); !slices.Equal(got, want) {
			t.Error(got)
		}
	})
}

// With -parallelism=1 no two reads of a refresh arrive together.
func TestThirdLoneReadIsAList(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ids := manyIDs(5)
		c := newCatalogue(t, listOf(t, ids, 5))
		for _, id := range ids {
			c.get(t.Context(), id)
		}
		if err := c.client.DeleteAttachment(t.Context(), attachmentID); err != nil {
			t.Error(err)
		}
		c.get(t.Context(), ids[0]) // after a write, the count starts again
		c.get(t.Context(), ids[1])
		if errs := c.finish(); errs != nil {
			t.Error(errs)
		}
		if c.count("GET /addons/") != 4 || c.count("GET /addons") != 5 {
			t.Error(c.requests())
		}
	})
}

func TestListServesForAMinuteOrUntilAWriteOfOurs(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		meanwhile func(*heroku.Client)
		requests  int
	}{
		"at once":                 {func(*heroku.Client) {}, 0},
		"before a minute is over": {func(*heroku.Client) { <-time.After(59 * time.Second) }, 0},
		"after a minute":          {func(*heroku.Client) { <-time.After(time.Minute) }, 1},
		"after a write":           {func(c *heroku.Client) { _ = c.DeleteAttachment(context.Background(), attachmentID) }, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ids := manyIDs(3)
				cat := newCatalogue(t, listOf(t, ids, 3))
				cat.get(t.Context(), "first")
				cat.get(t.Context(), ids...)
				if errs := cat.finish(); errs != nil {
					t.Fatal(errs)
				}
				c.meanwhile(cat.client)
				before := cat.count("GET")
				if _, err := cat.client.AddOn(t.Context(), ids[1]); err != nil {
					t.Error(err)
				}
				if n := cat.count("GET") - before; n != c.requests {
					t.Errorf("%d requests, want %d", n, c.requests)
				}
			})
		})
	}
}

// A refresh of thousands of stores takes long. The list is read again after a minute, or after five seconds while a plan is applied.
func TestListServesForARefreshThatGoesOn(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		writes bool
		every  time.Duration
		lists  int
	}{
		"for a minute":                   {false, 4 * time.Second, 2},
		"for five seconds after a write": {true, 4 * time.Second, 13},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ids := manyIDs(3)
				cat := newCatalogue(t, func(w http.ResponseWriter, _ *http.Request, _ int) { reply(w, 200, listJSON(ids...)) })
				if c.writes {
					_ = cat.client.DeleteAttachment(t.Context(), attachmentID)
				}
				for begun := time.Now(); time.Since(begun) < 100*time.Second; {
					for _, id := range ids {
						if _, err := cat.client.AddOn(t.Context(), id); err != nil {
							t.Error(err)
						}
					}
					<-time.After(c.every)
				}
				if n := cat.count("GET /addons") - cat.count("GET /addons/"); n != c.lists {
					t.Errorf("%d lists, want %d", n, c.lists)
				}
			})
		})
	}
}

// A read that begins after a write of this client must not use a list that was requested before it, even one still in flight.
func TestReadAfterAWriteDoesNotSeeAnOlderList(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		listed, goOn := make(chan struct{}), make(chan struct{})
		plan := "premium-0"
		srv := memory(func(w http.ResponseWriter, r *http.Request, n int) {
			now := strings.Replace(addOnJSON(addOnID, "acme-cache", "provisioned"), "premium-0", plan, 1)
			switch {
			case r.Method == "PATCH":
				plan = "premium-1"
				now = strings.Replace(now, "premium-0", plan, 1)
			case r.URL.Path == "/addons" && n == 1: // the response is from before the write, and arrives after it
				now = "[" + now + "," + addOnJSON("b", "b", "provisioned") + "]"
				close(listed)
				<-goOn
			}
			reply(w, 200, now)
		})
		c := srv.client(t, clocked(heroku.RealClock))
		for _, id := range []heroku.AddOnID{"first", addOnID, "b"} {
			go func() { _, _ = c.AddOn(t.Context(), id) }()
			synctest.Wait()
		}
		<-listed
		next := "heroku-redis:premium-1"
		if _, err := c.UpdateAddOn(t.Context(), appID, addOnID, heroku.AddOnUpdate{Plan: &next}); err != nil {
			t.Fatal(err)
		}
		after := make(chan string)
		go func() { a, _ := c.AddOn(t.Context(), addOnID); after <- a.Plan }()
		synctest.Wait()
		<-time.After(collected)
		close(goOn)
		if got := <-after; got != next {
			t.Errorf("read %q after the change to %q", got, next)
		}
		if a, _ := c.AddOn(t.Context(), addOnID); a.Plan != next {
			t.Errorf("a later read returned %q", a.Plan)
		}
	})
}

func TestAbsenceFromAListIsConfirmedByAGet(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCatalogue(t, listOf(t, []heroku.AddOnID{"listed"}, 1))
		c.get(t.Context(), "first")
		c.get(t.Context(), "listed", "hidden", "gone", "gone") // "hidden" exists, but is missing in the stale list
		errs := c.finish()
		if len(errs) != 2 || !heroku.IsNotFound(errs[0]) || !heroku.IsNotFound(errs[1]) {
			t.Error(errs)
		}
		if c.count("GET /addons/gone") != 1 || c.count("GET /addons/hidden") != 1 || c.count("GET /addons/listed") != 0 {
			t.Error(c.requests())
		}
		if len(c.requests()) != 4 { // first, the list, gone and hidden: another list would not have had it either
			t.Error(c.requests())
		}
	})
}

func TestCancelledReaderReturnsAtOnceAndDoesNotFailTheOthers(t *testing.T) {
	t.Parallel()
	for name, leavers := range map[string][]heroku.AddOnID{
		"the first one": {"a"}, "another one": {"b"}, "both": {"a", "b"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var c *catalogue
				c = newCatalogue(t, func(w http.ResponseWriter, _ *http.Request, _ int) {
					<-c.release
					reply(w, 200, listJSON("a", "b", "c"))
				})
				leaving, leave := context.WithCancel(t.Context())
				for _, id := range []heroku.AddOnID{"a", "b", "c"} {
					ctx := t.Context()
					if slices.Contains(leavers, id) {
						ctx = leaving
					}
					c.begin(ctx, id)
				}
				<-time.After(collected) // the list is in flight
				leave()
				synctest.Wait()
				left := 0
				for range len(c.answers) {
					if err := <-c.answers; errors.Is(err, context.Canceled) {
						left++
					} else if err != nil {
						t.Error(err)
					}
					c.asked--
				}
				if left != len(leavers) {
					t.Errorf("%d have returned", left)
				}
				if errs := c.finish(); errs != nil {
					t.Error(errs)
				}
			})
		})
	}
}

func TestListGoesOnUntilTheLastReaderHasGone(t *testing.T) {
	t.Parallel()
	for name, leavers := range map[string]int{"one leaves": 1, "all leave": 3} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				goOn, ended := make(chan struct{}), false
				c := newCatalogue(t, func(w http.ResponseWriter, r *http.Request, _ int) {
					select {
					case <-goOn:
					case <-r.Context().Done():
						ended = true
						return
					}
					reply(w, 200, listJSON("a", "b", "c"))
				})
				var leave []context.CancelFunc
				for _, id := range []heroku.AddOnID{"a", "b", "c"} {
					ctx, cancel := context.WithCancel(t.Context())
					defer cancel()
					leave = append(leave, cancel)
					c.begin(ctx, id)
				}
				<-time.After(collected)
				synctest.Wait() // the list is in flight
				for i := range leavers {
					leave[i]()
				}
				synctest.Wait()
				if ended != (leavers == 3) {
					t.Errorf("the request was ended: %t", ended)
				}
				close(goOn)
				cancelled := 0
				for range c.asked {
					if err := <-c.answers; errors.Is(err, context.Canceled) {
						cancelled++
					} else if err != nil {
						t.Error(err)
					}
				}
				if cancelled != leavers {
					t.Errorf("%d were cancelled", cancelled)
				}
			})
		})
	}
}

func TestFailedListFallsBackOrReachesEverybody(t *testing.T) {
	t.Parallel()
	for name, fallsBack := range map[string]bool{"403": true, "200 HTML": true, "500": false, "401": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c := newCatalogue(t, func(w http.ResponseWriter, r *http.Request, _ int) { outcomes[name](w, r) })
				c.get(t.Context(), "first")
				c.get(t.Context(), "a", "b", "c")
				want := 3
				if fallsBack {
					want = 0
				}
				if errs := c.finish(); len(errs) != want {
					t.Error(errs)
				}
			})
		})
	}
}
