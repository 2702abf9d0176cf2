// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package main

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/sandbox"
)

const managed = 5

// fewOfMany plans five stores of an account that has many.
func (b *bench) fewOfMany(ctx context.Context) error {
	sb, apps, err := startWorld(ctx, 2*b.apps, sandbox.Options{Latency: b.latency})
	if err != nil {
		return err
	}
	defer func() { _ = sb.Close() }()
	if _, err := order(ctx, sb, apps, managed, b.account); err != nil {
		return err
	}
	more, err := b.workspace(estate{n: managed, apps: apps[:managed]}.configuration(), sb)
	if err != nil {
		return err
	}
	if _, err := more.apply(ctx); err != nil {
		return err
	}
	m, err := more.plan(ctx)
	if err != nil {
		return err
	}
	b.detail("plan", m, measured{})
	field := ""
	if b.account == 1000 {
		field = "30"
	}
	b.add(row{work: fmt.Sprintf("%d stores, %d of them managed: plan", b.account, managed), field: field,
		limit: managed + 3, bound: 2 * managed, ours: float64(len(m.requests)), unit: requests})
	return nil
}

const (
	bucket = 4500 // requests an hour
	left   = 500
)

// nearlyNothingLeft reads objects one by one, as ten workers, when 500 of the hour's requests are left. Time is the
// sandbox's, which a wait of the client's moves.
func (b *bench) nearlyNothingLeft(ctx context.Context) error {
	sb, apps, err := startWorld(ctx, 1, sandbox.Options{RateLimit: bucket, Clock: sandbox.NewClock(time.Now())})
	if err != nil {
		return err
	}
	defer func() { _ = sb.Close() }()
	for range bucket - left - 1 { // one was for the app
		if err := ask(ctx, sb, http.MethodGet, "/apps/"+apps[0], nil, nil); err != nil {
			return err
		}
	}
	clock := &waitingClock{Clock: sb.Clock()}
	client, err := heroku.New(heroku.Options{APIURL: sb.URL(), DataAPIURL: sb.URL(), Credential: heroku.Credential{Token: sb.Token()}, Clock: clock})
	if err != nil {
		return err
	}
	sb.ResetJournal()
	began := sb.Clock().Now()
	var workers sync.WaitGroup
	errs := make(chan error, b.parallelism)
	for range b.parallelism {
		workers.Go(func() {
			for range b.budget / b.parallelism {
				if _, err := client.FindApp(ctx, apps[0]); err != nil {
					errs <- err
					return
				}
			}
		})
	}
	workers.Wait()
	close(errs)
	if err := <-errs; err != nil {
		return err
	}
	refused := 0
	for _, r := range sb.Journal() {
		if r.Status == http.StatusTooManyRequests {
			refused++
		}
	}
	what := fmt.Sprintf("%d single reads with %d requests left: ", b.budget, left)
	limit := max(float64(b.budget-left)*3600/bucket, 0)
	b.add(
		row{work: what + "refused with 429", bound: float64(b.parallelism), ours: float64(refused), unit: requests},
		row{work: what + "time", limit: limit, ours: sb.Clock().Now().Sub(began).Seconds(), unit: seconds},
	)
	return nil
}

// waitingClock moves the sandbox's clock instead of waiting.
type waitingClock struct{ *sandbox.Clock }

func (c *waitingClock) Sleep(ctx context.Context, d time.Duration) error {
	c.AdvanceTo(c.Now().Add(d))
	return ctx.Err()
}
