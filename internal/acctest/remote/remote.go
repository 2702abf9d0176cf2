// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

// Package remote is the provider of an experiment as a process of its own, so that it can be killed. Its waits move the
// sandbox's clock, as those of a provider within the test do. What is to happen to it stands in its environment.
package remote

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/provider"
)

// The variables that it reads. Without the first one it is the provider as everybody has it.
const (
	Clock     = "KVS_EXPERIMENT_CLOCK"      // address of the clock
	Patience  = "KVS_EXPERIMENT_PATIENCE"   // how long an attempt of the client may take, in real time
	Kill      = "KVS_EXPERIMENT_KILL"       // after which answer the provider dies: its number, or method and path
	KillGroup = "KVS_EXPERIMENT_KILL_GROUP" // and the CLI with it
	Skew      = "KVS_EXPERIMENT_SKEW"       // by how much the provider's clock is ahead of Heroku's
	Panic     = "KVS_EXPERIMENT_PANIC"      // a method and path whose answer makes it panic instead
)

// Serve serves the provider to the CLI that started this process.
func Serve() error {
	at := os.Getenv(Clock)
	if at == "" {
		return provider.Serve("test", false)
	}
	return provider.Serve("test", false, provider.WithClient(func(o *heroku.Options) {
		ahead, _ := time.ParseDuration(os.Getenv(Skew)) // zero is right
		o.Clock = skewed{clock(at), ahead}
		o.AttemptTimeout, _ = time.ParseDuration(os.Getenv(Patience)) // zero is the default
		if when := cmp.Or(os.Getenv(Kill), os.Getenv(Panic)); when != "" {
			o.Transport = newCrashingTransport(when)
		}
	}))
}

// crashingTransport is a transport whose process dies when a certain answer has arrived, before the client sees it.
type crashingTransport struct {
	number  int64
	request *regexp.Regexp
	answers atomic.Int64
}

func newCrashingTransport(when string) *crashingTransport {
	if n, err := strconv.ParseInt(when, 10, 64); err == nil {
		return &crashingTransport{number: n}
	}
	return &crashingTransport{request: regexp.MustCompile("^" + when + "$")}
}

func (m *crashingTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := http.DefaultTransport.RoundTrip(r)
	n := m.answers.Add(1)
	if n == m.number || m.request != nil && m.request.MatchString(r.Method+" "+r.URL.Path) {
		if os.Getenv(Panic) != "" {
			panic("an experiment")
		}
		if os.Getenv(KillGroup) != "" {
			_ = KillProcessGroup(0) // the CLI too, as when the machine is lost
		} else if self, err := os.FindProcess(os.Getpid()); err == nil {
			_ = self.Kill()
		}
		select {}
	}
	return response, err
}

// clock is the sandbox's clock as a provider in another process sees it.
type clock string

func (c clock) Now() time.Time {
	now, err := c.ask(context.Background(), "/now", 0)
	if err != nil {
		panic("the experiment's clock is out of reach: " + err.Error())
	}
	return now
}

func (c clock) Sleep(ctx context.Context, d time.Duration) error {
	if err := ctx.Err(); err != nil || d <= 0 {
		return err
	}
	_, err := c.ask(ctx, "/sleep", d)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

// skewed is the clock of a machine on which it is wrong.
type skewed struct {
	heroku.Clock
	ahead time.Duration
}

func (c skewed) Now() time.Time { return c.Clock.Now().Add(c.ahead) }

// clockClient is not the default one, whose transport experiments may replace.
var clockClient = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 50}}

func (c clock) ask(ctx context.Context, path string, d time.Duration) (time.Time, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, string(c)+path+"?"+url.Values{"for": {d.String()}}.Encode(), nil)
	if err != nil {
		return time.Time{}, err
	}
	response, err := clockClient.Do(request)
	if err != nil {
		return time.Time{}, err
	}
	defer response.Body.Close()
	return time.Parse(time.RFC3339Nano, response.Header.Get("Now"))
}
