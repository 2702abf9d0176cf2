// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

// Command bench measures the provider over a real Terraform or OpenTofu against the sandbox: requests, time and memory,
// beside what they would be if nothing but the network and the CLI took time.
//
// The limits come from the same run: from its requests, the latency that the sandbox adds to each of them, and what the
// CLI takes for as many built-in resources. It ends with exit code 1 when something is beyond its bound.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	var err error
	if metered() {
		err = meter(context.WithoutCancel(ctx)) // the CLI ends it
	} else {
		err = run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	}
	switch {
	case errors.Is(err, flag.ErrHelp):
	case err != nil:
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

var (
	full = sizes{stores: 200, apps: 10, latency: 100 * time.Millisecond, waiting: 10, provisioning: 30 * time.Second,
		account: 1000, budget: 1000, growth: []int{10, 50, 100, 200, 1000, 5000}, growthLatency: 10 * time.Millisecond, live: 200, repeats: 2}
	quick = sizes{stores: 20, apps: 10, latency: 10 * time.Millisecond, waiting: 4, provisioning: 2 * time.Second,
		account: 60, budget: 600, growth: []int{5, 20}, growthLatency: time.Millisecond, live: 20, repeats: 1}
)

func run(ctx context.Context, args []string, stdout, stderr io.Writer) (err error) {
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(stderr)
	cli := flags.String("cli", "", "the terraform or tofu to use, a name or a path (default: the one on PATH)")
	short := flags.Bool("quick", false, "small workloads, in less than a minute: only the counts mean something")
	publish := flags.Bool("publish", true, "put the results into docs/"+page+", if nothing about the workloads is changed")
	parallelism := flags.Int("parallelism", 10, "of the CLI")
	size := full
	flags.Func("growth", "numbers of stores to plan, such as 10,200,5000", func(list string) (err error) {
		size.growth, err = numbers(list)
		return err
	})
	only := flags.String("only", "", "run the parts only whose names contain this `text`")
	flags.IntVar(&size.stores, "n", size.stores, "stores to create, plan and destroy")
	flags.DurationVar(&size.latency, "latency", size.latency, "of each request")
	if err := flags.Parse(args); err != nil {
		return err
	}
	flags.Visit(func(f *flag.Flag) { *publish = *publish && (f.Name == "cli" || f.Name == "publish") })
	if *short {
		size = quick
	}
	b, err := measure(ctx, *cli, *only, *parallelism, size, stderr)
	if err != nil {
		return err
	}
	fmt.Fprintf(stdout, "\n%s %s on %d CPUs; every request takes %v, -parallelism=%d.\n\n%s", b.name, b.version, runtime.NumCPU(), size.latency, *parallelism, markdown(b.rows))
	if *publish {
		if err := b.publish("."); err != nil {
			return err
		}
		fmt.Fprintf(stdout, "\nThe table and the picture of the growth are in docs/%s now.\n", page)
	}
	return beyond(b.rows, !*short)
}

// measure runs all workloads.
func measure(ctx context.Context, cli, only string, parallelism int, size sizes, say io.Writer) (b *bench, err error) {
	t, err := newTools(ctx, cli, parallelism)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, t.close()) }()
	b = &bench{tools: t, sizes: size, say: say, only: only}
	return b, b.run(ctx)
}

// beyond is an error that names what is beyond its bound. Small workloads say nothing about time and memory.
func beyond(rows []row, large bool) error {
	var names []string
	for _, r := range rows {
		if !r.within() && (large || r.unit.counted()) {
			names = append(names, fmt.Sprintf("%s: %s, at most %s", r.work, r.unit.format(r.ours), r.unit.format(r.bound)))
		}
	}
	if names == nil {
		return nil
	}
	return errors.New("\nbeyond the bound:\n  " + strings.Join(names, "\n  "))
}

func numbers(list string) (all []int, err error) {
	for word := range strings.SplitSeq(list, ",") {
		n, err := strconv.Atoi(strings.TrimSpace(word))
		if err != nil || n < 1 {
			return nil, fmt.Errorf("%q is not a number of stores", word)
		}
		all = append(all, n)
	}
	return all, nil
}
