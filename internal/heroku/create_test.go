// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package heroku_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
)

var cache = heroku.AddOnCreate{Plan: "heroku-redis:premium-0", Name: "acme-cache"}

// unsure are the outcomes of a POST after which it may or may not have been carried out.
var unsure = []string{"reset", "timeout", "500", "502 HTML", "503 empty", "504", "200 HTML", "200 empty", "200 null", "200 half",
	"200 cut length"}

// impatient sets a short timeout for the outcome in which the server never responds, and only there: on a busy machine, other
// responses may be slow.
func impatient(outcome string) func(*heroku.Options) {
	return func(o *heroku.Options) {
		if outcome == "timeout" {
			o.AttemptTimeout = time.Second
		}
	}
}

func TestLostCreateThatWasCarriedOutIsAdopted(t *testing.T) {
	t.Parallel()
	for _, name := range unsure {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := serve(t, func(w http.ResponseWriter, r *http.Request, _ int) {
				if r.Method == "POST" {
					outcomes[name](w, r)
					return
				}
				reply(w, 200, addOnJSON(addOnID, "acme-cache", "provisioning"))
			})
			addOn, err := srv.client(t, impatient(name)).CreateAddOn(t.Context(), appID, cache)
			if err != nil || addOn.ID != addOnID {
				t.Errorf("%v, %v", addOn.ID, err)
			}
			if srv.count("POST") != 1 || srv.count("GET /addons/acme-cache") != 1 {
				t.Error(srv.requests())
			}
		})
	}
}

func TestLostCreateThatWasNotCarriedOutIsSentOnceMore(t *testing.T) {
	t.Parallel()
	for _, name := range unsure {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := serve(t, func(w http.ResponseWriter, r *http.Request, n int) {
				switch {
				case r.Method == "GET":
					reply(w, 404, notFound)
				case n == 1:
					outcomes[name](w, r)
				default:
					reply(w, 201, addOnJSON(addOnID, "acme-cache", "provisioning"))
				}
			})
			addOn, err := srv.client(t, impatient(name)).CreateAddOn(t.Context(), appID, cache)
			if err != nil || addOn.ID != addOnID || srv.count("POST") != 2 {
				t.Errorf("%v, %v, %v", addOn.ID, err, srv.requests())
			}
		})
	}
}

func TestLostCreateIsNotSentAgainUnlessAbsenceIsProven(t *testing.T) {
	t.Parallel()
	for name, lookUp := range map[string]string{"bare 404": "404", "forbidden": "403", "HTML": "200 HTML", "server error": "500"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := serve(t, func(w http.ResponseWriter, r *http.Request, _ int) {
				if r.Method == "POST" {
					reset(w, r)
				}
				outcomes[lookUp](w, r)
			})
			_, err := srv.client(t).CreateAddOn(t.Context(), appID, cache)
			if err == nil || !strings.Contains(err.Error(), "may have been created") || srv.count("POST") != 1 {
				t.Errorf("%v, %v", err, srv.requests())
			}
		})
	}
}

func TestLostCreateDoesNotAdoptWhatIsSomebodyElses(t *testing.T) {
	t.Parallel()
	ours := addOnJSON(addOnID, "acme-cache", "provisioned")
	for name, found := range map[string]string{
		"another app":  strings.Replace(ours, string(appID), "11111111-9d47-4e5f-8a2b-6c7d8e9f0a1b", 1),
		"another plan": strings.Replace(ours, "premium-0", "premium-5", 1),
		"an older one": strings.Replace(ours, "2026-01-14T09:12:30Z", "2025-11-02T10:00:00Z", 1),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := serve(t, func(w http.ResponseWriter, r *http.Request, _ int) {
				if r.Method == "POST" {
					reset(w, r)
				}
				reply(w, 200, found)
			})
			_, err := srv.client(t).CreateAddOn(t.Context(), appID, cache)
			if err == nil || !strings.Contains(err.Error(), "exists, but is not what was asked for") || srv.count("POST") != 1 {
				t.Errorf("%v, %v", err, srv.requests())
			}
		})
	}
}

// Whether a store that is found is older than the request is decided with Heroku's clock, however wrong the local one is.
func TestLostCreateIsDatedByHeroku(t *testing.T) {
	t.Parallel()
	for clock, ahead := range map[string]time.Duration{
		"right": 0, "20 minutes ahead": 20 * time.Minute, "years ahead": 5e4 * time.Hour, "5 hours behind": -5 * time.Hour,
		"years behind": -5e4 * time.Hour,
	} {
		for found, c := range map[string]struct {
			age  time.Duration
			ours bool
		}{
			"just made": {0, true}, "made by a clock of Heroku's that is slow": {50 * time.Second, true},
			"two minutes old": {2 * time.Minute, false}, "a day old": {24 * time.Hour, false},
		} {
			t.Run("a clock that is "+clock+", a store that is "+found, func(t *testing.T) {
				t.Parallel()
				here := newClock()
				here.now = start.Add(ahead)
				srv := serve(t, func(w http.ResponseWriter, r *http.Request, _ int) {
					switch {
					case r.Method == "POST":
						reset(w, r)
					case r.URL.Path == "/account/rate-limits":
						reply(w, 200, `{"remaining":4500}`)
					default:
						made := start.Add(-c.age).Format(time.RFC3339)
						reply(w, 200, strings.Replace(addOnJSON(addOnID, "acme-cache", "provisioning"), "2026-01-14T09:12:30Z", made, 1))
					}
				})
				client := srv.client(t, clocked(here))
				if _, err := client.RateLimit(t.Context()); err != nil {
					t.Fatal(err)
				}
				if at := client.HostTime(); !at.Equal(start) {
					t.Errorf("at Heroku it is %v, want %v", at, start)
				}
				addOn, err := client.CreateAddOn(t.Context(), appID, cache)
				if c.ours && (err != nil || addOn.ID != addOnID) || !c.ours &&
					(err == nil || !strings.Contains(err.Error(), "exists since")) {
					t.Errorf("%v, %v", addOn.ID, err)
				}
			})
		}
	}
}

// The Date of a proxy's response does not count as Heroku's time.
func TestTheTimeOfAProxyIsNotHerokus(t *testing.T) {
	t.Parallel()
	srv := serve(t, func(w http.ResponseWriter, _ *http.Request, _ int) {
		w.Header().Set("Date", "Thu, 01 Jan 1970 00:00:00 GMT")
		w.WriteHeader(http.StatusForbidden)
	})
	client := srv.client(t)
	if _, err := client.RateLimit(t.Context()); err == nil || !client.HostTime().Equal(start) {
		t.Errorf("%v, %v", err, client.HostTime())
	}
}

// If the look-up comes too early, the second request is refused because the first one has taken the name.
func TestLateFirstOrderIsAdoptedWhenTheSecondMeetsItsName(t *testing.T) {
	t.Parallel()
	srv := serve(t, func(w http.ResponseWriter, r *http.Request, n int) {
		switch {
		case r.Method == "POST" && n == 1:
			reset(w, r)
		case r.Method == "POST":
			reply(w, 422, `{"id":"invalid_params","message":"Name is already taken"}`)
		case n == 1:
			reply(w, 404, notFound)
		default:
			reply(w, 200, addOnJSON(addOnID, "acme-cache", "provisioning"))
		}
	})
	addOn, err := srv.client(t).CreateAddOn(t.Context(), appID, cache)
	if err != nil || addOn.ID != addOnID || srv.count("POST") != 2 {
		t.Errorf("%v, %v, %v", addOn.ID, err, srv.requests())
	}
}

// A name that is taken on the first try belongs to somebody else.
func TestTakenNameIsAnErrorWithoutALookUp(t *testing.T) {
	t.Parallel()
	srv := serve(t, func(w http.ResponseWriter, _ *http.Request, _ int) {
		reply(w, 422, `{"id":"invalid_params","message":"Name is already taken"}`)
	})
	_, err := srv.client(t).CreateAddOn(t.Context(), appID, cache)
	if !heroku.HasID(err, "invalid_params") || len(srv.requests()) != 1 {
		t.Errorf("%v, %v", err, srv.requests())
	}
}

func TestLostCreateWithoutANameIsNotSentAgain(t *testing.T) {
	t.Parallel()
	srv := serve(t, func(w http.ResponseWriter, r *http.Request, _ int) { reset(w, r) })
	c := srv.client(t)
	_, addOnErr := c.CreateAddOn(t.Context(), appID, heroku.AddOnCreate{Plan: "heroku-redis:mini"})
	_, appErr := c.CreateApp(t.Context(), heroku.AppCreate{})
	for _, err := range []error{addOnErr, appErr} {
		if err == nil || !strings.Contains(err.Error(), "may have been created") {
			t.Error(err)
		}
	}
	if len(srv.requests()) != 2 {
		t.Error(srv.requests())
	}
}

func TestLostAppIsLookedUp(t *testing.T) {
	t.Parallel()
	ours := strings.Replace(appJSON(appID, "orders-api"), `"team":null`, `"team":{"id":"b7","name":"acme-platform"}`, 1)
	for name, c := range map[string]struct {
		found string
		ok    bool
	}{
		"ours":           {ours, true},
		"personal":       {appJSON(appID, "orders-api"), false},
		"another region": {strings.Replace(ours, `"name":"us"`, `"name":"eu"`, 1), false},
		"an older one":   {strings.Replace(ours, "2026-01-14T09:10:41Z", "2024-01-14T09:10:41Z", 1), false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := serve(t, func(w http.ResponseWriter, r *http.Request, _ int) {
				if r.Method == "POST" {
					reset(w, r)
				}
				reply(w, 200, c.found)
			})
			app, err := srv.client(t).CreateApp(t.Context(), heroku.AppCreate{Name: "orders-api", Region: "us", Team: "acme-platform"})
			if (err == nil) != c.ok || (c.ok && app.ID != appID) {
				t.Errorf("%v, %v", app, err)
			}
			if srv.count("POST /teams/apps") != 1 || srv.count("GET /apps/orders-api") != 1 {
				t.Error(srv.requests())
			}
		})
	}
}

func TestLostAttachmentIsLookedUp(t *testing.T) {
	t.Parallel()
	const byName = "GET /apps/e3b1a6c2-9d47-4e5f-8a2b-6c7d8e9f0a1b/addon-attachments/REDIS"
	ours, theirs := attachmentJSON(attachmentID, "REDIS", addOnID), attachmentJSON("old", "REDIS", "other-add-on")
	named := heroku.AttachmentCreate{AddOn: addOnID, App: appID, Name: "REDIS"}
	confirmed, unnamed := named, named
	confirmed.Confirm, unnamed.Name = "orders-worker", ""

	for name, c := range map[string]struct {
		order heroku.AttachmentCreate
		get   func(path string, n int) (int, string)
		posts int
		err   string
	}{
		"a name that is ours": {named, func(string, int) (int, string) { return 200, ours }, 1, ""},
		"a name that is somebody else's": {
			named, func(string, int) (int, string) { return 200, theirs }, 1, "not what was asked for",
		},
		"a name that does not exist": {named, func(string, int) (int, string) { return 404, notFound }, 2, ""},
		"a name that confirm allows to take over": {
			confirmed, func(string, int) (int, string) { return 200, theirs }, 2, "",
		},
		"no name, a new one in the list": {unnamed, func(_ string, n int) (int, string) {
			if n == 1 {
				return 200, "[" + theirs + "]"
			}
			return 200, "[" + theirs + "," + ours + "]"
		}, 1, ""},
		"no name, nothing new in the list": {unnamed, func(string, int) (int, string) {
			return 200, "[" + attachmentJSON("older", "CACHE", addOnID) + "]"
		}, 2, ""},
		"no name, two new ones in the list": {unnamed, func(_ string, n int) (int, string) {
			if n == 1 {
				return 200, "[]"
			}
			return 200, "[" + ours + "," + attachmentJSON("another", "HEROKU_REDIS_RED", addOnID) + "]"
		}, 1, "several attachments"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := serve(t, func(w http.ResponseWriter, r *http.Request, n int) {
				switch {
				case r.Method == "GET":
					status, body := c.get(r.URL.Path, n)
					reply(w, status, body)
				case n == 1:
					reset(w, r)
				default:
					reply(w, 201, ours)
				}
			})
			got, err := srv.client(t).CreateAttachment(t.Context(), c.order)
			switch {
			case c.err == "" && (err != nil || got.ID != attachmentID):
				t.Errorf("%v, %v", got, err)
			case c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err)):
				t.Error(err)
			}
			if srv.count("POST") != c.posts || (c.order.Name != "" && srv.count(byName) == 0) {
				t.Error(srv.requests())
			}
		})
	}
}

// A create that is in flight is not cancelled: its response has the id of something that costs money.
func TestInterruptedCreateStillReturnsWhatWasCreated(t *testing.T) {
	t.Parallel()
	for name, lookUps := range map[string]int{"answered": 0, "lost": 1} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				srv := memory(func(w http.ResponseWriter, r *http.Request, _ int) {
					if r.Method == "POST" {
						cancel()
						<-time.After(20 * time.Second)
						if name == "lost" {
							reply(w, 503, "")
							return
						}
					}
					reply(w, 201, addOnJSON(addOnID, "acme-cache", "provisioning"))
				})
				addOn, err := srv.client(t).CreateAddOn(ctx, appID, cache)
				if err != nil || addOn.ID != addOnID || srv.count("POST") != 1 || srv.count("GET") != lookUps {
					t.Errorf("%v, %v, %v", addOn, err, srv.requests())
				}
			})
		})
	}
}

func TestNothingIsSentAfterAnInterrupt(t *testing.T) {
	t.Parallel()
	srv := serve(t, nil)
	c := srv.client(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for name, o := range operations {
		if err := o.do(ctx, c); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := c.CreateApp(ctx, heroku.AppCreate{Name: "orders-api"}); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if got := srv.requests(); len(got) != 0 {
		t.Error(got)
	}
}

func TestInterruptedLostCreateIsNotSentAgain(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	srv := serve(t, func(w http.ResponseWriter, r *http.Request, _ int) {
		if r.Method == "POST" {
			cancel()
			reset(w, r)
		}
		reply(w, 404, notFound)
	})
	if _, err := srv.client(t).CreateAddOn(ctx, appID, cache); err == nil || srv.count("POST") != 1 {
		t.Errorf("%v, %v", err, srv.requests())
	}
}

func TestCreatesAreSerialPerAppAndParallelAcrossApps(t *testing.T) {
	t.Parallel()
	var (
		mu      sync.Mutex
		running = map[string]int{}
		worst   int
		both    = make(chan struct{}, 2)
		arrived = make(chan struct{})
	)
	go func() { <-both; <-both; close(arrived) }()
	srv := serve(t, func(w http.ResponseWriter, r *http.Request, n int) {
		mu.Lock()
		running[r.URL.Path]++
		worst = max(worst, running[r.URL.Path])
		mu.Unlock()
		if n == 1 { // the first creates of both apps wait for each other, and would deadlock if they were not parallel
			both <- struct{}{}
			<-arrived
		}
		mu.Lock()
		running[r.URL.Path]--
		mu.Unlock()
		reply(w, 201, addOnJSON(addOnID, "acme-cache", "provisioning"))
	})
	c := srv.client(t)
	var wg sync.WaitGroup
	for i := range 10 {
		wg.Go(func() {
			if _, err := c.CreateAddOn(t.Context(), heroku.AppID(fmt.Sprintf("app-%d", i%2)), cache); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if worst != 1 || srv.count("POST") != 10 {
		t.Errorf("%d at once on one app, %d requests", worst, srv.count("POST"))
	}
}

func TestQueueForAnAppCanBeLeft(t *testing.T) {
	t.Parallel()
	release, inFlight := make(chan struct{}), make(chan struct{})
	srv := serve(t, func(w http.ResponseWriter, _ *http.Request, _ int) {
		close(inFlight)
		<-release
		reply(w, 201, addOnJSON(addOnID, "acme-cache", "provisioning"))
	})
	c := srv.client(t)
	var wg sync.WaitGroup
	wg.Go(func() { _, _ = c.CreateAddOn(t.Context(), appID, cache) })
	<-inFlight
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.CreateAttachment(ctx, heroku.AttachmentCreate{App: appID, AddOn: addOnID,
		Name: "X"}); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	close(release)
	wg.Wait()
	if n := srv.count("POST"); n != 1 {
		t.Errorf("%d POSTs", n)
	}
}
