// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package heroku_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
)

// operations are calls for the columns of the retry table.
var operations = map[string]struct {
	method string
	do     func(context.Context, *heroku.Client) error
}{
	"read": {"GET", func(ctx context.Context, c *heroku.Client) error {
		_, err := c.FindAddOn(ctx, string(addOnID))
		return err
	}},
	"patch": {"PATCH", func(ctx context.Context, c *heroku.Client) error {
		plan := "heroku-redis:premium-1"
		_, err := c.UpdateAddOn(ctx, appID, addOnID, heroku.AddOnUpdate{Plan: &plan})
		return err
	}},
	"delete": {"DELETE", func(ctx context.Context, c *heroku.Client) error {
		return c.DeleteAddOn(ctx, appID, addOnID)
	}},
	"create": {"POST", func(ctx context.Context, c *heroku.Client) error {
		_, err := c.CreateAddOn(ctx, appID, heroku.AddOnCreate{Plan: "heroku-redis:premium-0", Name: "acme-cache"})
		return err
	}},
}

// outcomes are handlers for the possible outcomes of an attempt.
var outcomes = map[string]func(w http.ResponseWriter, r *http.Request){
	"reset":   func(w http.ResponseWriter, r *http.Request) { reset(w, r) },
	"timeout": func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body); <-r.Context().Done() },
	"429": func(w http.ResponseWriter, _ *http.Request) {
		reply(w, 429, `{"id":"rate_limit","message":"wait\nplease"}`)
	},
	"500":       func(w http.ResponseWriter, _ *http.Request) { reply(w, 500, `{"id":"server_error","message":"x"}`) },
	"502 HTML":  func(w http.ResponseWriter, _ *http.Request) { reply(w, 502, `<html>bad gateway`) },
	"503 empty": func(w http.ResponseWriter, _ *http.Request) { reply(w, 503, ``) },
	"504":       func(w http.ResponseWriter, _ *http.Request) { reply(w, 504, `{}`) },
	"409":       func(w http.ResponseWriter, _ *http.Request) { reply(w, 409, `{"id":"conflict","message":"busy"}`) },
	"422 being provisioned": func(w http.ResponseWriter, _ *http.Request) {
		reply(w, 422, `{"id":"invalid_params","message":"App orders-api is being provisioned. Please try again later."}`)
	},
	"403 being provisioned": func(w http.ResponseWriter, _ *http.Request) {
		reply(w, 403, `{"id":"forbidden","message":"App orders-api is being provisioned. Please try again later."}`)
	},
	"400": func(w http.ResponseWriter, _ *http.Request) { reply(w, 400, `{"id":"bad_request","message":"x"}`) },
	"401": func(w http.ResponseWriter, _ *http.Request) { reply(w, 401, `{"id":"unauthorized","message":"x"}`) },
	"403": func(w http.ResponseWriter, _ *http.Request) { reply(w, 403, `{"id":"forbidden","message":"x"}`) },
	"404": func(w http.ResponseWriter, _ *http.Request) { reply(w, 404, `{"message":"no id"}`) },
	"422": func(w http.ResponseWriter, _ *http.Request) { reply(w, 422, `{"id":"invalid_params","message":"x"}`) },
	"423": func(w http.ResponseWriter, _ *http.Request) {
		reply(w, 423, `{"id":"confirmation_required","message":"x"}`)
	},
	"501":            func(w http.ResponseWriter, _ *http.Request) { reply(w, 501, `{"id":"x","message":"x"}`) },
	"520 of a proxy": func(w http.ResponseWriter, _ *http.Request) { reply(w, 520, `<html>unknown error`) },
	"200 HTML":       func(w http.ResponseWriter, _ *http.Request) { reply(w, 200, `<html>welcome`) },
	"200 empty":      func(w http.ResponseWriter, _ *http.Request) { reply(w, 200, ``) },
	"200 null":       func(w http.ResponseWriter, _ *http.Request) { reply(w, 200, `null`) },
	"200 half":       func(w http.ResponseWriter, _ *http.Request) { reply(w, 200, `{"id":"7c4e","na`) },
	"200 cut length": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "900")
		reply(w, 200, `{"id":`)
	},
}

// TestRetryTable checks how often each operation is sent when every attempt has the same outcome. The look-up of a create that may
// have been carried out finds nothing.
func TestRetryTable(t *testing.T) {
	t.Parallel()
	type sends struct{ read, patch, delete, create int }
	table := map[string]sends{
		"reset":                 {4, 4, 4, 2},
		"timeout":               {4, 4, 4, 2},
		"429":                   {10, 10, 10, 10},
		"500":                   {4, 4, 4, 2},
		"502 HTML":              {4, 4, 4, 2},
		"503 empty":             {4, 4, 4, 2},
		"504":                   {4, 4, 4, 2},
		"409":                   {1, 10, 10, 10},
		"422 being provisioned": {1, 10, 10, 10},
		"403 being provisioned": {1, 10, 10, 10},
		"400":                   {1, 1, 1, 1},
		"401":                   {1, 1, 1, 1},
		"403":                   {1, 1, 1, 1},
		"404":                   {1, 1, 1, 1},
		"422":                   {1, 1, 1, 1},
		"423":                   {1, 1, 1, 1},
		"501":                   {4, 4, 4, 2},
		"520 of a proxy":        {4, 4, 4, 2},
		"200 HTML":              {3, 1, 1, 2},
		"200 empty":             {3, 1, 1, 2},
		"200 null":              {3, 1, 1, 2},
		"200 half":              {3, 1, 1, 2},
		"200 cut length":        {3, 1, 1, 2},
	}
	if len(table) != len(outcomes) {
		t.Fatalf("the table has %d outcomes of %d", len(table), len(outcomes))
	}
	for name, want := range table {
		for op, n := range map[string]int{"read": want.read, "patch": want.patch, "delete": want.delete, "create": want.create} {
			t.Run(fmt.Sprintf("%s on %s", op, name), func(t *testing.T) {
				t.Parallel()
				method := operations[op].method
				srv := serve(t, func(w http.ResponseWriter, r *http.Request, _ int) {
					switch {
					case r.Method == method:
						outcomes[name](w, r)
					case r.Method == "GET" && op == "create":
						reply(w, 404, notFound)
					default: // the read after an uncertain change: it was not carried out
						reply(w, 200, addOnJSON(addOnID, "acme-cache", "provisioned"))
					}
				})
				var tries atomic.Int32
				c := srv.client(t, impatient(name), func(o *heroku.Options) {
					o.Observe = func(_ context.Context, a heroku.Attempt) {
						if a.Method == method {
							tries.Add(1)
						}
					}
				})
				if err := operations[op].do(t.Context(), c); err == nil {
					t.Error("succeeded")
				} else if strings.Contains(err.Error(), "\n") {
					t.Errorf("error has several lines: %q", err)
				}
				got := srv.count(method)
				if name == "timeout" { // on a busy machine an attempt may time out before it reaches the server
					got = int(tries.Load())
				}
				if got != n {
					t.Errorf("sent %d times, want %d: %v", got, n, srv.requests())
				}
			})
		}
	}
}

// A request that was certainly not sent may always be repeated, even a create, without a look-up.
func TestRetryOfWhatWasNeverSent(t *testing.T) {
	t.Parallel()
	failures := map[string]error{
		"connection refused": &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED},
		"unknown host":       &net.DNSError{Err: "no such host", Name: "api.heroku.com", IsNotFound: true},
	}
	for name, failure := range failures {
		for op, o := range operations {
			t.Run(op+" on "+name, func(t *testing.T) {
				t.Parallel()
				srv := serve(t, nil)
				tries := 0
				c := srv.client(t, func(o *heroku.Options) {
					o.Transport = roundTripper(func(*http.Request) (*http.Response, error) { tries++; return nil, failure })
				})
				err := o.do(t.Context(), c)
				var transport *heroku.TransportError
				if !errors.As(err, &transport) || transport.Sent || transport.Tries != 4 || tries != 4 {
					t.Errorf("%d tries, error %#v", tries, err)
				}
				if !errors.Is(err, failure) {
					t.Errorf("%v hides its cause", err)
				}
			})
		}
	}
}

func TestFailedTLSHandshakeCountsAsNeverSent(t *testing.T) {
	t.Parallel()
	srv := serve(t, nil)
	var statuses []int
	c := srv.client(t, func(o *heroku.Options) {
		o.APIURL = "https" + strings.TrimPrefix(o.APIURL, "http") // which the server does not speak
		o.Observe = func(_ context.Context, a heroku.Attempt) { statuses = append(statuses, a.Status) }
	})
	err := operations["create"].do(t.Context(), c)
	var transport *heroku.TransportError
	if !errors.As(err, &transport) || transport.Sent || len(statuses) != 4 || strings.Contains(err.Error(), "may have been created") {
		t.Errorf("%v after %d tries", err, len(statuses))
	}
}

// After an error that does not tell whether the request was sent, it must count as sent.
func TestUnknownTransportFailureCountsAsSent(t *testing.T) {
	t.Parallel()
	srv := serve(t, nil)
	var methods []string
	c := srv.client(t, func(o *heroku.Options) {
		o.Transport = roundTripper(func(r *http.Request) (*http.Response, error) {
			methods = append(methods, r.Method)
			return nil, errors.New("reset by the moon")
		})
	})
	err := operations["create"].do(t.Context(), c)
	if err == nil || strings.Count(strings.Join(methods, " "), "POST") != 1 {
		t.Errorf("%v, %v", methods, err)
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	const date = "Wed, 14 Jan 2026 10:00:00 GMT" // the server's time, which differs from the client's
	jitter := [2]time.Duration{0, 501 * time.Millisecond}
	exactly := func(d time.Duration) [2]time.Duration { return [2]time.Duration{d, d} }
	for value, want := range map[string][2]time.Duration{
		"":                              jitter,
		"7":                             exactly(7 * time.Second),
		" 7 ":                           exactly(7 * time.Second),
		"0":                             jitter,
		"-5":                            jitter,
		"1.5":                           jitter,
		"soon":                          jitter,
		"3600":                          exactly(time.Minute),
		"1768380000":                    exactly(time.Minute), // a Unix time
		"99999999999999999999999999":    exactly(time.Minute),
		"Wed, 14 Jan 2026 10:00:20 GMT": exactly(20 * time.Second),
		"Wed, 14 Jan 2026 12:00:00 GMT": exactly(time.Minute),
		"Wed, 14 Jan 2026 09:59:00 GMT": jitter,
	} {
		t.Run("Retry-After "+value, func(t *testing.T) {
			t.Parallel()
			srv := serve(t, func(w http.ResponseWriter, _ *http.Request, n int) {
				if n > 1 {
					reply(w, 200, addOnJSON(addOnID, "acme-cache", "provisioned"))
					return
				}
				w.Header().Set("Date", date)
				if value != "" {
					w.Header().Set("Retry-After", value)
				}
				reply(w, 429, `{"id":"rate_limit","message":"x"}`)
			})
			clock := newClock()
			if err := operations["read"].do(t.Context(), srv.client(t, clocked(clock))); err != nil {
				t.Fatal(err)
			}
			slept := clock.sleeps()
			if len(slept) != 1 || slept[0] < want[0] || slept[0] > want[1] {
				t.Errorf("slept %v, want %v", slept, want)
			}
		})
	}
}

func TestThrottledCallEndsWithinItsBudget(t *testing.T) {
	t.Parallel()
	srv := serve(t, func(w http.ResponseWriter, _ *http.Request, _ int) {
		w.Header().Set("Retry-After", "86400")
		reply(w, 429, `{"id":"rate_limit","message":"x"}`)
	})
	clock := newClock()
	err := operations["read"].do(t.Context(), srv.client(t, clocked(clock)))
	if took := clock.Now().Sub(start); !heroku.HasID(err, "rate_limit") || took > 10*time.Minute {
		t.Errorf("%v after %v", err, took)
	}
}

func TestBackoffGrowsToEightSeconds(t *testing.T) {
	t.Parallel()
	srv := serve(t, func(w http.ResponseWriter, _ *http.Request, _ int) { reply(w, 429, ``) })
	clock := newClock()
	if operations["read"].do(t.Context(), srv.client(t, clocked(clock))) == nil {
		t.Fatal("succeeded")
	}
	for i, slept := range clock.sleeps() {
		limit := min(500*time.Millisecond<<i, 8*time.Second) + time.Millisecond
		if slept <= 0 || slept > limit {
			t.Errorf("pause %d was %v, limit %v", i+1, slept, limit)
		}
	}
}

func TestCancelledSleepEndsAtOnce(t *testing.T) {
	t.Parallel()
	for op, o := range operations {
		t.Run(op, func(t *testing.T) {
			t.Parallel()
			srv := serve(t, func(w http.ResponseWriter, _ *http.Request, _ int) {
				w.Header().Set("Retry-After", "60")
				reply(w, 429, `{"id":"rate_limit","message":"x"}`)
			})
			clock := blockingClock{newClock(), make(chan struct{}, 1)}
			ctx, cancel := context.WithCancel(t.Context())
			go func() { <-clock.asleep; cancel() }()
			err := o.do(ctx, srv.client(t, clocked(clock)))
			if !errors.Is(err, context.Canceled) || !heroku.HasID(err, "rate_limit") {
				t.Errorf("%v does not wrap both the 429 and the interruption", err)
			}
			if n := srv.count(o.method); n != 1 {
				t.Errorf("sent %d times", n)
			}
		})
	}
}

// The endpoint that creates add-ons may not know a new app yet. For a minute, not_found is retried, but only for an app that this
// client has created.
func TestCreateOnNewbornAppToleratesNotFound(t *testing.T) {
	t.Parallel()
	srv := serve(t, func(w http.ResponseWriter, r *http.Request, n int) {
		switch {
		case r.URL.Path == "/apps":
			reply(w, 201, appJSON(appID, "orders-api"))
		case n < 3:
			reply(w, 404, `{"id":"not_found","message":"Couldn't find that app.","resource":"app"}`)
		default:
			reply(w, 201, addOnJSON(addOnID, "acme-cache", "provisioning"))
		}
	})
	ctx := t.Context()
	if err := operations["create"].do(ctx, srv.client(t)); !heroku.IsNotFound(err) {
		t.Errorf("an app of somebody else's: %v", err)
	}
	c := srv.client(t)
	if _, err := c.CreateApp(ctx, heroku.AppCreate{Name: "orders-api"}); err != nil {
		t.Fatal(err)
	}
	if err := operations["create"].do(ctx, c); err != nil {
		t.Errorf("an app of our own: %v", err)
	}
}

// A change that may or may not have been carried out is verified by reading the object.
func TestChangeInDoubtIsVerified(t *testing.T) {
	t.Parallel()
	upgraded := strings.Replace(addOnJSON(addOnID, "acme-cache", "provisioned"), "premium-0", "premium-1", 1)
	for name, answer := range map[string]func(http.ResponseWriter, *http.Request, int){
		"an unreadable answer": func(w http.ResponseWriter, _ *http.Request, _ int) { reply(w, 200, "<html>") },
		"only lost answers":    func(w http.ResponseWriter, r *http.Request, _ int) { reset(w, r) },
		"a lost answer, then a refusal because it is running": func(w http.ResponseWriter, r *http.Request, n int) {
			if n == 1 {
				reset(w, r)
			}
			reply(w, 422, `{"id":"unprocessable_entity","message":"a plan change is running"}`)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := serve(t, func(w http.ResponseWriter, r *http.Request, n int) {
				switch r.Method {
				case "PATCH":
					answer(w, r, n)
				default:
					reply(w, 200, upgraded)
				}
			})
			if err := operations["patch"].do(t.Context(), srv.client(t)); err != nil {
				t.Error(err)
			}
		})
	}
	t.Run("a settings change", func(t *testing.T) {
		t.Parallel()
		srv := serve(t, func(w http.ResponseWriter, r *http.Request, _ int) {
			if r.Method == "PATCH" {
				reply(w, 200, "")
				return
			}
			reply(w, 200, `{"timeout":{"default":300,"value":0},"notify_keyspace_events":{"value":"AKE"}}`)
		})
		c := srv.client(t)
		zero, sixty := 0, 60
		for events, made := range map[string]bool{"AKE": true, "KEA": true, "eKEg$lshztx": true, "eKEg$lshzt": false, "AK": false, "AKEm": false,
			"": false} {
			if err := c.UpdateStoreConfig(t.Context(), addOnID, heroku.StoreConfigUpdate{NotifyKeyspaceEvents: &events}); (err == nil) != made {
				t.Errorf("%q: %v", events, err)
			}
		}
		if err := c.UpdateStoreConfig(t.Context(), addOnID, heroku.StoreConfigUpdate{Timeout: &zero}); err != nil {
			t.Error(err)
		}
		if err := c.UpdateStoreConfig(t.Context(), addOnID, heroku.StoreConfigUpdate{Timeout: &sixty}); err == nil {
			t.Error("a change that was not made passed for one")
		}
	})
}

func TestDeleteInDoubt(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		delete, get func(http.ResponseWriter, *http.Request, int)
		ok          bool
	}{
		"a lost answer, then not found": {
			delete: func(w http.ResponseWriter, r *http.Request, n int) {
				if n == 1 {
					reset(w, r)
				}
				reply(w, 404, notFound)
			}, ok: true,
		},
		"a bare 404 proves nothing": {
			delete: func(w http.ResponseWriter, _ *http.Request, _ int) { reply(w, 404, "<html>") },
		},
		"an unreadable answer, and it is gone": {
			delete: func(w http.ResponseWriter, _ *http.Request, _ int) { reply(w, 200, "") },
			get:    func(w http.ResponseWriter, _ *http.Request, _ int) { reply(w, 404, notFound) }, ok: true,
		},
		"an unreadable answer, and it is going": {
			delete: func(w http.ResponseWriter, _ *http.Request, _ int) { reply(w, 202, "") },
			get: func(w http.ResponseWriter, _ *http.Request, _ int) {
				reply(w, 200, addOnJSON(addOnID, "acme-cache", "deprovisioning"))
			}, ok: true,
		},
		"an unreadable answer, and it is there": {
			delete: func(w http.ResponseWriter, _ *http.Request, _ int) { reply(w, 200, "<html>") },
			get: func(w http.ResponseWriter, _ *http.Request, _ int) {
				reply(w, 200, addOnJSON(addOnID, "acme-cache", "provisioned"))
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := serve(t, func(w http.ResponseWriter, r *http.Request, n int) {
				if r.Method == "DELETE" {
					c.delete(w, r, n)
					return
				}
				c.get(w, r, n)
			})
			if err := operations["delete"].do(t.Context(), srv.client(t)); (err == nil) != c.ok {
				t.Error(err)
			}
		})
	}
}
