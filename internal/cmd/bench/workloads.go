// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/sandbox"
)

// bench is one run of all workloads.
type bench struct {
	*tools
	sizes
	log  io.Writer
	rows []row
}

// check panics if err is not nil. measure recovers, and returns the error.
func check(err error) {
	if err != nil {
		panic(err)
	}
}

// measure runs the workloads whose names contain the text in only. With "", it runs all of them.
func measure(ctx context.Context, cli, only string, size sizes, log io.Writer) (b *bench, err error) {
	defer func() {
		if failed, ok := recover().(error); ok {
			err = failed
		}
	}()
	b = &bench{tools: newTools(ctx, cli), sizes: size, log: log}
	defer func() { _ = os.RemoveAll(b.home) }()
	for _, workload := range []struct {
		name string
		run  func(context.Context)
	}{
		{"create, plan and destroy", func(ctx context.Context) { b.lifeCycle(ctx, false) }},
		{"create, plan and destroy with attachments to other apps", func(ctx context.Context) { b.lifeCycle(ctx, true) }},
		{"direct references", b.directReferences},
		{"slow provisioning", b.slowProvisioning},
		{"a few stores of a large account", b.fewOfMany},
		{"growth", b.grow},
	} {
		if strings.Contains(workload.name, only) {
			fmt.Fprintf(log, "%s %s …\n", time.Now().Format(time.TimeOnly), workload.name)
			workload.run(ctx)
		}
	}
	return b, nil
}

func (b *bench) add(rows ...row) { b.rows = append(b.rows, rows...) }

// requestTime returns the seconds that requests take if the CLI sends them in parallel.
func (b *bench) requestTime(requests int) float64 {
	return float64(requests) * b.latency.Seconds() / parallelism
}

// allowance is the number of requests that an estate of any size may send in addition to those for its stores.
const allowance = 12

// maxTimeFactor is how many times its limit a life cycle may take. The limit leaves out the processor time of the framework and of the
// CLI's work on our attributes, which differs between machines. Requests that wait for each other without need take longer than that.
const maxTimeFactor = 2

// lifeCycle creates an estate, plans it without a change, and destroys it, and does the same with built-in resources. The fastest of
// several repeats counts, because other programs may slow one down.
func (b *bench) lifeCycle(ctx context.Context, attached bool) {
	e := estate{n: b.stores, windows: true, attached: attached}
	ours, baseline := b.workspaces(ctx, e)
	defer stop(ours.sandbox)
	n, attachment := float64(e.n), 0.0
	if attached {
		attachment = 1
	}
	steps := []struct {
		name           string
		run            func(*workspace, context.Context) measured
		times          int
		limit          float64 // requests
		bound          float64 // requests
		ours, baseline measured
	}{
		// Create: for each store a creation, a read of the Data API and a window, and for each app its config vars, so that none that
		// users have set is overwritten. Plan: a read of the Data API. Destroy: a read of the Data API and a deletion.
		{name: "create", run: (*workspace).apply, times: 1, limit: (3+attachment)*n + float64(b.apps),
			bound: (3+attachment)*n + float64(b.apps) + max(0.2*(1+attachment)*n, allowance)},
		{name: "plan without a change", run: (*workspace).plan, times: 2, limit: n + 3, bound: n + allowance},
		{name: "destroy", run: (*workspace).destroy, times: 1, limit: (2 + attachment) * n, bound: (2.2+attachment)*n + allowance},
	}
	for range b.repeats {
		for i := range steps {
			step := &steps[i]
			for range step.times {
				baseline := step.run(baseline, ctx)
				m := step.run(ours, ctx)
				b.logDetails(step.name, m, baseline)
				step.ours, step.baseline = step.ours.quicker(m), step.baseline.quicker(baseline)
			}
		}
	}
	for _, step := range steps {
		limit := step.baseline.took.Seconds() + b.requestTime(len(step.ours.requests))
		if step.name == "plan without a change" { // the check of the token, the first read and each list are sequential
			limit = step.baseline.took.Seconds() + b.requestTime(e.n) + b.latency.Seconds()*float64(min(len(step.ours.requests)-e.n, 4))
		}
		work := e.name() + step.name
		b.add(
			row{work: work, limit: step.limit, bound: step.bound, ours: float64(len(step.ours.requests)), unit: requests},
			row{work: work, limit: limit, bound: maxTimeFactor * limit, ours: step.ours.took.Seconds(), unit: seconds},
		)
	}
}

// workspaces returns a workspace for an estate and one for the same number of built-in resources. Nothing has been applied yet.
func (b *bench) workspaces(ctx context.Context, e estate) (ours, baseline *workspace) {
	sb, apps := startSandbox(ctx, b.apps, sandbox.Options{Latency: b.latency})
	e.apps = apps
	return b.workspace(e.configuration(), sb), b.workspace(e.builtIn(), nil)
}

// directReferences creates the estate with windows that refer to the list of stores directly.
func (b *bench) directReferences(ctx context.Context) {
	ours, baseline := b.workspaces(ctx, estate{n: b.stores, windows: true, direct: true})
	defer stop(ours.sandbox)
	f := baseline.apply(ctx)
	m := ours.apply(ctx)
	b.logDetails("create", m, f)
	b.add(row{work: fmt.Sprintf("%d stores, each window referring to all of them for one id: create", b.stores),
		limit: f.took.Seconds() + b.requestTime(len(m.requests)), ours: m.took.Seconds(), unit: seconds})
}

// slowProvisioning creates stores whose provisioning takes time, two on each app.
func (b *bench) slowProvisioning(ctx context.Context) {
	sb, apps := startSandbox(ctx, (b.waiting+1)/2, sandbox.Options{Latency: b.latency, Provisioning: b.provisioning})
	defer stop(sb)
	w := b.workspace(estate{n: b.waiting, apps: apps}.configuration(), sb)
	m := w.apply(ctx)
	b.logDetails("create", m, measured{})
	polls := 0
	for _, r := range m.requests {
		if r.Method == http.MethodGet && strings.HasPrefix(r.Path, "/addons") {
			polls++
		}
	}
	// requests in sequence: check and app for the plan; check, app, two creations on each app, list and read for the apply
	limit := (b.provisioning + 10*b.latency).Seconds()
	work := fmt.Sprintf("%d stores on %d apps, each provisioned in %v: ", b.waiting, len(apps), b.provisioning)
	b.add(
		row{work: work + "create", limit: limit, bound: 1.1 * limit, ours: m.took.Seconds(), unit: seconds},
		row{work: work + "polls, one a second for all", limit: 1, bound: b.provisioning.Seconds() + 2, ours: float64(polls), unit: requests},
	)
}

// fewOfMany plans five stores of an account that has many more.
func (b *bench) fewOfMany(ctx context.Context) {
	const managed = 5
	sb, apps := startSandbox(ctx, 2*b.apps, sandbox.Options{Latency: b.latency})
	defer stop(sb)
	createStores(ctx, sb, apps, managed, b.account)
	w := b.workspace(estate{n: managed, apps: apps[:managed]}.configuration(), sb)
	w.apply(ctx)
	m := w.plan(ctx)
	b.logDetails("plan", m, measured{})
	b.add(row{work: fmt.Sprintf("%d stores, %d of them managed: plan", b.account, managed),
		limit: managed + 3, bound: 2 * managed, ours: float64(len(m.requests)), unit: requests})
}

// grow plans increasing numbers of stores.
func (b *bench) grow(ctx context.Context) {
	var all []measured
	for _, n := range b.growth {
		m, baseline := b.planStores(ctx, n)
		b.logDetails(fmt.Sprintf("plan of %d stores", n), m, baseline)
		all = append(all, m)
		b.add(
			row{work: fmt.Sprintf("%d stores without windows: plan", n), limit: float64(n + 2 + (n+999)/1000),
				bound: 1.02*float64(n) + allowance, ours: float64(len(m.requests)), unit: requests},
			row{work: fmt.Sprintf("%d stores without windows: plan", n), limit: baseline.took.Seconds(), ours: m.took.Seconds(), unit: seconds},
			row{work: fmt.Sprintf("the provider: memory while %d stores are refreshed", n),
				ours: float64(m.provider.MaxRSS) / (1 << 20), unit: mebibytes},
		)
	}
	last, first, before := len(all)-1, b.growth[0], max(len(all)-2, 0)
	n := b.growth[last]
	cpu := func(i int) float64 { return all[i].provider.CPU.Seconds() / float64(b.growth[i]) }
	grown := float64(all[last].provider.MaxRSS-all[0].provider.MaxRSS) / 1024 / float64(max(n-first, 1))
	binary, err := os.Stat(b.provider)
	check(err)
	b.add(
		row{work: fmt.Sprintf("%d stores: plan, of the account's 4500 requests an hour", n),
			bound: 0.02*float64(n) + allowance, ours: float64(rateLimited(all[last].requests)), unit: requests},
		row{work: fmt.Sprintf("%d stores: the provider's CPU for each, against that with %d", n, b.growth[before]),
			limit: 1, bound: 1.25, ours: cpu(last) / cpu(before), unit: ratio},
		row{work: fmt.Sprintf("%d stores: the provider's memory for each more than %d", n, first),
			bound: 30, ours: max(grown, 0), unit: kibibytes},
		row{work: "the provider: size of the binary", ours: float64(binary.Size()) / (1 << 20), unit: mebibytes},
	)
}

// rateLimited returns the number of requests that count against the rate limit: those to the Platform API.
func rateLimited(all []sandbox.Request) (n int) {
	for _, r := range all {
		if !strings.HasPrefix(r.Path, "/redis/") && !strings.HasPrefix(r.Path, "/data/") && r.Path != "/account/rate-limits" {
			n++
		}
	}
	return n
}

// planStores plans n stores, and the same number of built-in resources. The CLI takes a quarter of an hour to create five thousand
// resources, so all stores but the first are created without it, and their state is copied from that of the first.
func (b *bench) planStores(ctx context.Context, n int) (m, baseline measured) {
	sb, apps := startSandbox(ctx, 50, sandbox.Options{Latency: b.growthLatency, RateLimit: 1 << 30})
	defer stop(sb)
	stores := createStores(ctx, sb, apps, 1, n)
	m = b.planCopies(ctx, n, sb, func(n int) string { return estate{n: n, apps: apps}.configuration() }, func(i int) []string {
		s := stores[i]
		return []string{s.ID, s.app, s.CreatedAt, fmt.Sprintf(`"bench-%d"`, i), fmt.Sprintf(`"CACHE_%d`, i)}
	})
	baseline = b.planCopies(ctx, n, nil, func(n int) string { return estate{n: n}.builtIn() }, func(i int) []string {
		return []string{uuid.NewString(), "", "", fmt.Sprintf(`"n-%d"`, i), ""}
	})
	return m, baseline
}

func (b *bench) logDetails(name string, m, baseline measured) {
	fmt.Fprintf(b.log, "  %s: %.1f s (built-in resources: %.1f s), %d requests; CPU: %s %.1f s, provider %.1f s; provider's memory: %d MiB\n",
		name, m.took.Seconds(), baseline.took.Seconds(), len(m.requests),
		b.name, m.cli.Seconds(), m.provider.CPU.Seconds(), m.provider.MaxRSS>>20)
}
