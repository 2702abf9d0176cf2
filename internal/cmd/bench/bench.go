// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/sandbox"
)

// bench is one run of all workloads.
type bench struct {
	*tools
	sizes
	say    io.Writer // what is going on
	only   string    // what the names of the parts to run have in common; "" for all
	rows   []row
	growth []point
}

// sizes of the workloads.
type sizes struct {
	stores, apps  int
	latency       time.Duration // of each request
	waiting       int           // stores that are provisioned at the same time, on half as many apps
	provisioning  time.Duration
	account       int // stores of an account of which five are managed
	budget        int // reads with 500 requests left
	growth        []int
	growthLatency time.Duration
	live          int // stores with a server behind each
	repeats       int
}

func (b *bench) run(ctx context.Context) error {
	for _, part := range []struct {
		what string
		run  func(context.Context) error
	}{
		{"the life of an estate", func(ctx context.Context) error { return b.life(ctx, false) }},
		{"the same, with attachments to other apps", func(ctx context.Context) error { return b.life(ctx, true) }},
		{"the same, with direct references", b.direct},
		{"stores that take a while", b.wait},
		{"a few stores of a large account", b.fewOfMany},
		{"a budget that is nearly used up", b.nearlyNothingLeft},
		{"growth", b.grow},
		{"the provider's process", b.process},
		{"the sandbox", b.local},
	} {
		if b.only != "" && !strings.Contains(part.what, b.only) {
			continue
		}
		fmt.Fprintf(b.say, "%s %s …\n", time.Now().Format(time.TimeOnly), part.what)
		if err := part.run(ctx); err != nil {
			return fmt.Errorf("%s: %w", part.what, err)
		}
	}
	return nil
}

func (b *bench) add(rows ...row) { b.rows = append(b.rows, rows...) }

// life creates an estate, plans it without a change, and destroys it, beside the same number of built-in resources. What
// counts is the quickest of several lives: machines are busy with other things now and then.
func (b *bench) life(ctx context.Context, attached bool) error {
	e := estate{n: b.stores, windows: true, attached: attached}
	ours, floor, err := b.workspaces(ctx, e)
	if err != nil {
		return err
	}
	defer func() { _ = ours.sandbox.Close() }()
	steps := []struct {
		what        string
		run         func(*workspace, context.Context) (measured, error)
		times       int
		add         func(e estate, ours, floor measured)
		ours, floor measured
	}{
		{what: "create", run: (*workspace).apply, times: 1, add: b.addCreate},
		{what: "plan", run: (*workspace).plan, times: 2, add: b.addPlan},
		{what: "destroy", run: (*workspace).destroy, times: 1, add: b.addDestroy},
	}
	for range b.repeats {
		for i := range steps {
			step := &steps[i]
			for range step.times {
				f, err := step.run(floor, ctx)
				if err != nil {
					return err
				}
				m, err := step.run(ours, ctx)
				if err != nil {
					return err
				}
				b.detail(step.what, m, f)
				step.ours, step.floor = step.ours.orQuicker(m), step.floor.orQuicker(f)
			}
		}
	}
	for _, step := range steps {
		step.add(e, step.ours, step.floor)
	}
	return nil
}

// workspaces are one for an estate and one for as many built-in resources, each empty yet.
func (b *bench) workspaces(ctx context.Context, e estate) (ours, floor *workspace, err error) {
	sb, apps, err := startWorld(ctx, b.apps, sandbox.Options{Latency: b.latency})
	if err != nil {
		return nil, nil, err
	}
	e.apps = apps
	if ours, err = b.workspace(e.configuration(), sb); err == nil {
		floor, err = b.workspace(e.builtIn(), nil)
	}
	if err != nil {
		return nil, nil, errors.Join(err, sb.Close())
	}
	return ours, floor, nil
}

// direct creates the same estate with windows that refer to the stores themselves.
func (b *bench) direct(ctx context.Context) error {
	ours, floor, err := b.workspaces(ctx, estate{n: b.stores, windows: true, direct: true})
	if err != nil {
		return err
	}
	defer func() { _ = ours.sandbox.Close() }()
	f, err := floor.apply(ctx)
	if err != nil {
		return err
	}
	m, err := ours.apply(ctx)
	if err != nil {
		return err
	}
	b.detail("create", m, f)
	b.add(row{work: fmt.Sprintf("%d stores, each window referring to all of them for one id: create", b.stores),
		limit: f.took.Seconds() + b.inTurn(len(m.requests)), ours: m.took.Seconds(), unit: seconds})
	return nil
}

// inTurn is how long requests take that all workers of the CLI share.
func (b *bench) inTurn(requests int) float64 {
	return float64(requests) * b.latency.Seconds() / float64(b.parallelism)
}

// lists is what a small estate may spend beside its stores.
const lists = 12

func (b *bench) addPlan(e estate, m, floor measured) {
	n := float64(e.n)
	// The check of the token, the first read and each list come one after the other.
	limit := floor.took.Seconds() + b.inTurn(e.n) + b.latency.Seconds()*float64(min(len(m.requests)-e.n, 4))
	b.add(
		row{work: e.name() + "plan without a change", field: b.inField("1200"), limit: n + 3, bound: n + lists, ours: float64(len(m.requests)), unit: requests},
		row{work: e.name() + "plan without a change", field: b.inField("14.9 s"), limit: limit, bound: 1.3 * limit, ours: m.took.Seconds(), unit: seconds},
	)
}

func (b *bench) addCreate(e estate, m, floor measured) {
	n := float64(e.n)
	each := 3.0 // the order, one read of the Data API, the window
	if e.attached {
		each++
	}
	limit := floor.took.Seconds() + b.inTurn(len(m.requests))
	b.add(
		row{work: e.name() + "create", field: b.inField("2400"), limit: each * n, bound: each*n + max(0.2*n, lists), ours: float64(len(m.requests)), unit: requests},
		row{work: e.name() + "create", field: b.inField("144 s"), limit: limit, bound: 1.5 * limit, ours: m.took.Seconds(), unit: seconds},
	)
}

func (b *bench) addDestroy(e estate, m, floor measured) {
	n := float64(e.n)
	each := 2.0 // one read of the Data API, the removal
	if e.attached {
		each++
	}
	limit := floor.took.Seconds() + b.inTurn(len(m.requests))
	b.add(
		row{work: e.name() + "destroy", field: b.inField("1600"), limit: each * n, bound: (each+0.2)*n + lists, ours: float64(len(m.requests)), unit: requests},
		row{work: e.name() + "destroy", field: b.inField("44 s"), limit: limit, bound: 1.5 * limit, ours: m.took.Seconds(), unit: seconds},
	)
}

// inField repeats what the existing providers took, where the work is the same.
func (b *bench) inField(took string) string {
	if b.stores == 200 && b.latency == 100*time.Millisecond {
		return took
	}
	return ""
}

// wait creates stores that take a while, two on each app.
func (b *bench) wait(ctx context.Context) error {
	sb, apps, err := startWorld(ctx, (b.waiting+1)/2, sandbox.Options{Latency: b.latency, Provisioning: b.provisioning})
	if err != nil {
		return err
	}
	defer func() { _ = sb.Close() }()
	e := estate{n: b.waiting, apps: apps}
	w, err := b.workspace(e.configuration(), sb)
	if err != nil {
		return err
	}
	m, err := w.apply(ctx)
	if err != nil {
		return err
	}
	b.detail("create", m, measured{})
	polls := 0
	for _, r := range m.requests {
		if r.Method == http.MethodGet && strings.HasPrefix(r.Path, "/addons") {
			polls++
		}
	}
	field := ""
	if b.waiting == 10 && b.provisioning == 30*time.Second {
		field = "341 s"
	}
	limit := b.provisioning + 10*b.latency // plan: check, app; apply: check, app, two orders on each app, list, read
	what := fmt.Sprintf("%d stores on %d apps, each provisioned in %v: ", b.waiting, len(apps), b.provisioning)
	b.add(
		row{work: what + "create", field: field, limit: limit.Seconds(), bound: 1.1 * limit.Seconds(), ours: m.took.Seconds(), unit: seconds},
		row{work: what + "polls, one a second for all", limit: 1, bound: b.provisioning.Seconds() + 2, ours: float64(polls), unit: requests},
	)
	return nil
}

// detail says which requests there were.
func (b *bench) detail(what string, m, floor measured) {
	kinds, order := map[string]int{}, []string{}
	for _, r := range m.requests {
		kind := fmt.Sprintf("%s %s %d", r.Method, anyID.ReplaceAllString(r.Path, "*"), r.Status)
		if kinds[kind]++; kinds[kind] == 1 {
			order = append(order, kind)
		}
	}
	fmt.Fprintf(b.say, "  %s: %.1f s (built-in resources: %.1f s), %d requests; CPU: %s %.1f s, provider %.1f s; provider's memory: %d MiB\n",
		what, m.took.Seconds(), floor.took.Seconds(), len(m.requests), b.name, m.cli.Seconds(), m.provider.CPU.Seconds(), m.provider.MaxRSS>>20)
	for _, kind := range order {
		fmt.Fprintf(b.say, "  %6d %s\n", kinds[kind], kind)
	}
}

var anyID = regexp.MustCompile(`[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`)
