// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package faultmatrix

import (
	"context"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/acctest"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/acctest/remote"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/provider"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/sandbox"
)

// If a test kills the provider or reads its log, the provider is a process of its own: see Harness.logged. Otherwise the CLI attaches
// to a provider within the test: see acctest.CLI.Attach.

// factory constructs a provider within the test, with the experiment's clock.
func (l *Harness) factory() (tfprotov6.ProviderServer, error) {
	connect := func(o *heroku.Options) {
		l.Connect(o)
		o.Clock = heldClock{l.clock}
	}
	return provider.NewServer("test", provider.WithClient(connect)), nil
}

// heldClock is the experiment's clock for a provider within the test.
type heldClock struct{ *clockServer }

func (c heldClock) Now() time.Time { return c.clock.Now() }

func (c heldClock) Sleep(ctx context.Context, d time.Duration) error { return c.sleep(ctx, d) }

// clockServer serves the sandbox's clock to a provider in another process. While the clock is held, no sleep ends.
type clockServer struct {
	*httptest.Server
	clock *sandbox.Clock

	sleeping atomic.Int32 // number of sleeps under way

	mu   sync.Mutex
	held chan struct{} // closed unless the clock is held
}

func newClockServer(t *testing.T, clock *sandbox.Clock) *clockServer {
	c := &clockServer{clock: clock, held: make(chan struct{})}
	close(c.held)
	mux := http.NewServeMux()
	mux.HandleFunc("/now", func(w http.ResponseWriter, _ *http.Request) { c.answer(w) })
	mux.HandleFunc("/sleep", func(w http.ResponseWriter, r *http.Request) {
		d, err := time.ParseDuration(r.URL.Query().Get("for"))
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		if c.sleep(r.Context(), d) == nil {
			c.answer(w)
		}
	})
	c.Server = httptest.NewServer(mux)
	t.Cleanup(func() {
		c.release()
		c.CloseClientConnections()
		c.Close()
	})
	return c
}

// sleep advances the clock to the end of the sleep, as soon as the clock is not held.
func (c *clockServer) sleep(ctx context.Context, d time.Duration) error {
	if err := ctx.Err(); err != nil || d <= 0 {
		return err
	}
	until := c.clock.Now().Add(d)
	c.sleeping.Add(1)
	defer c.sleeping.Add(-1)
	select {
	case <-c.passing():
		c.clock.AdvanceTo(until)
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (c *clockServer) answer(w http.ResponseWriter) {
	w.Header().Set("Now", c.clock.Now().Format(time.RFC3339Nano))
}

func (c *clockServer) passing() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.held
}

func (c *clockServer) hold() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.held = make(chan struct{})
}

func (c *clockServer) release() {
	c.mu.Lock()
	defer c.mu.Unlock()
	select {
	case <-c.held:
	default:
		close(c.held)
	}
}

// newCLI returns a CLI that starts providers with the experiment's clock.
func newCLI(t *testing.T, s *acctest.Sandbox, clock *clockServer, config string) *acctest.CLI {
	t.Helper()
	c := s.CLI(t, config).Processes()
	c.Env = []string{
		remote.Clock + "=" + clock.URL,
		"GORACE=atexit_sleep_ms=0", // saves a second for each of the providers that a run starts
	}
	return c
}
