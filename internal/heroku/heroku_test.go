// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package heroku_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
)

const (
	token = "HRKU-3d0b6a5e-1111-4c1d-8a51-0d8e0c5f7a10"

	appID        = heroku.AppID("e3b1a6c2-9d47-4e5f-8a2b-6c7d8e9f0a1b")
	addOnID      = heroku.AddOnID("7c4e2a90-3b5d-4f8e-a1c6-d2e3f4a5b6c7")
	attachmentID = heroku.AttachmentID("94d2b7f1-6c3a-4e8d-b5f0-1a2b3c4d5e6f")

	notFound = `{"id":"not_found","message":"Couldn't find that add-on.","resource":"add_on"}`
)

// start is the time in the response bodies of these tests.
var start = time.Date(2026, 1, 14, 9, 12, 30, 0, time.UTC)

// virtualClock advances its time instead of sleeping.
type virtualClock struct {
	mu    sync.Mutex
	now   time.Time
	slept []time.Duration
}

func newClock() *virtualClock { return &virtualClock{now: start} }

func (c *virtualClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *virtualClock) Sleep(ctx context.Context, d time.Duration) error {
	begun := c.Now()
	if err := ctx.Err(); err != nil {
		return err
	}
	c.mu.Lock()
	c.slept = append(c.slept, d)
	if end := begun.Add(d); end.After(c.now) {
		c.now = end
	}
	c.mu.Unlock()
	runtime.Gosched()
	return ctx.Err()
}

// sleeps returns the durations of all sleeps so far.
func (c *virtualClock) sleeps() []time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.slept)
}

// blockingClock sleeps until the context is cancelled.
type blockingClock struct {
	*virtualClock
	asleep chan struct{}
}

func (c blockingClock) Sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	select {
	case c.asleep <- struct{}{}:
	default:
	}
	<-ctx.Done()
	return ctx.Err()
}

// fake is a server. Its handler also gets the number of requests with the same method and path so far, from 1.
type fake struct {
	*httptest.Server
	transport http.RoundTripper
	mu        sync.Mutex
	log       []string
	times     map[string]int
}

type handler func(w http.ResponseWriter, r *http.Request, n int)

// serve starts a server on the local network.
func serve(t *testing.T, h handler) *fake {
	t.Helper()
	f := &fake{}
	f.Server = httptest.NewServer(f.handle(h))
	t.Cleanup(f.Close)
	return f
}

// memory returns a server without a network, for use in a synctest bubble.
func memory(h handler) *fake {
	f := &fake{Server: &httptest.Server{URL: "https://heroku.test"}}
	f.transport = roundTripper(func(r *http.Request) (*http.Response, error) {
		answered := make(chan *http.Response, 1)
		go func() {
			recorder := httptest.NewRecorder()
			f.handle(h)(recorder, r)
			answered <- recorder.Result()
		}()
		select {
		case response := <-answered:
			return response, nil
		case <-r.Context().Done():
			return nil, r.Context().Err()
		}
	})
	return f
}

// handle records each request before it calls h.
func (f *fake) handle(h handler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		line := r.Method + " " + r.URL.EscapedPath()
		f.mu.Lock()
		f.log = append(f.log, line)
		if f.times == nil {
			f.times = make(map[string]int)
		}
		f.times[line]++
		n := f.times[line]
		f.mu.Unlock()
		h(w, r, n)
	}
}

// count counts the requests whose method and path begin with prefix.
func (f *fake) count(prefix string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := 0
	for _, l := range f.log {
		if strings.HasPrefix(l, prefix) {
			n++
		}
	}
	return n
}

func (f *fake) requests() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.log)
}

// client returns a client of the server with a virtual clock.
func (f *fake) client(t *testing.T, edit ...func(*heroku.Options)) *heroku.Client {
	t.Helper()
	o := heroku.Options{
		APIURL: f.URL, DataAPIURL: f.URL + "/", Clock: newClock(), Transport: f.transport,
		Credential: heroku.Credential{Token: token, Source: "the test"},
	}
	for _, e := range edit {
		e(&o)
	}
	c, err := heroku.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// waits is an option that passes reports of waits to see.
func waits(see func(heroku.Waiting)) func(*heroku.Options) {
	return func(o *heroku.Options) { o.Waits = func(_ context.Context, w heroku.Waiting) { see(w) } }
}

func clocked(c heroku.Clock) func(*heroku.Options) {
	return func(o *heroku.Options) { o.Clock = c }
}

func reply(w http.ResponseWriter, status int, body string) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Request-Id", "0c6f2c5e-7d0b-4b71-8f5e-9a4b3c2d1e0f")
	if w.Header().Get("Date") == "" {
		w.Header().Set("Date", start.Format(http.TimeFormat))
	}
	w.WriteHeader(status)
	_, _ = io.WriteString(w, body)
}

// reset closes the connection without a response, after it has read the request.
func reset(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	panic(http.ErrAbortHandler)
}

func appJSON(id heroku.AppID, name string) string {
	return fmt.Sprintf(`{"acm":false,"archived_at":null,"created_at":"2026-01-14T09:10:41Z","generation":{"id":"69a1","name":"cedar"},
"id":%q,"internal_routing":null,"maintenance":false,"name":%q,"organization":null,"owner":{"email":"ops@acme.example","id":"5f0b"},
"region":{"id":"59ac","name":"us"},"space":null,"team":null,"updated_at":"2026-01-14T09:10:44Z","web_url":null}`, id, name)
}

func addOnJSON(id heroku.AddOnID, name, state string) string {
	return fmt.Sprintf(`{"actions":[],"addon_service":{"id":"5bbf","name":"heroku-redis"},"app":{"id":%q,"name":"orders-api"},
"billed_price":{"cents":1500,"contract":false,"unit":"month"},"config_vars":["REDIS_URL"],"created_at":"2026-01-14T09:12:30Z","id":%q,
"name":%q,"plan":{"id":"ad3f","name":"heroku-redis:premium-0"},"provider_id":"7c4e","state":%q,"updated_at":"2026-01-14T09:21:07Z",
"web_url":"https://addons-sso.heroku.com/x"}`, appID, id, name, state)
}

func attachmentJSON(id heroku.AttachmentID, name string, addOn heroku.AddOnID) string {
	return fmt.Sprintf(`{"addon":{"app":{"id":"owner-app","name":"orders-api"},"id":%q,"name":"acme-cache"},
"app":{"id":%q,"name":"orders-worker"},"created_at":"2026-01-14T10:02:00Z","id":%q,"log_input_url":null,"name":%q,"namespace":null,
"config_vars":["%s_URL"],"web_url":null}`, addOn, appID, id, name, name)
}
