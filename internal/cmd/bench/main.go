// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

// Command bench measures the provider with a real Terraform or OpenTofu against the sandbox: requests, time and memory. It compares the
// results with the theoretical minimum, in which only the network and the CLI take time.
//
// This minimum is computed from the same run: from the number of requests, the latency that the sandbox adds to each of them, and the
// time that the CLI takes for the same number of built-in resources. The exit code is 1 if a result exceeds its bound.
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
	"strings"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	var err error
	if startedAsProvider() {
		err = runProvider(context.WithoutCancel(ctx)) // the CLI ends it
	} else {
		err = run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	}
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// sizes are the parameters of the workloads.
type sizes struct {
	stores, apps  int
	latency       time.Duration // of each request
	waiting       int           // stores that are provisioned at the same time, two on each app
	provisioning  time.Duration
	account       int           // stores of an account, five of which are managed
	growth        []int         // numbers of stores that are planned
	growthLatency time.Duration // of each request while growth is measured
	repeats       int           // of the life cycle; the fastest one counts
}

var (
	full = sizes{stores: 200, apps: 10, latency: 100 * time.Millisecond, waiting: 10, provisioning: 30 * time.Second,
		account: 1000, growth: []int{10, 50, 100, 200, 1000, 5000}, growthLatency: 10 * time.Millisecond, repeats: 2}
	quick = sizes{stores: 20, apps: 10, latency: 10 * time.Millisecond, waiting: 4, provisioning: 2 * time.Second,
		account: 60, growth: []int{5, 20}, growthLatency: time.Millisecond, repeats: 1}
)

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(stderr)
	cli := flags.String("cli", "terraform", "the terraform or tofu to use, a name or a path")
	small := flags.Bool("quick", false, "small workloads, in less than a minute, whose times mean nothing; they are not published")
	only := flags.String("only", "", "run only the workloads whose names contain this `text`; they are not published")
	if err := flags.Parse(args); err != nil {
		return err
	}
	size := full
	if *small {
		size = quick
	}
	b, err := measure(ctx, *cli, *only, size, stderr)
	if err != nil {
		return err
	}
	fmt.Fprintf(stdout, "\n%d CPUs. %s", runtime.NumCPU(), b.results())
	if !*small && *only == "" {
		if err := b.publish("."); err != nil {
			return err
		}
		fmt.Fprintf(stdout, "\nThe table is in docs/%s now.\n", page)
	}
	return exceeded(b.rows, !*small)
}

// exceeded returns an error that names the results beyond their bounds. For small workloads it checks only requests, because their time and
// memory are meaningless.
func exceeded(rows []row, large bool) error {
	var names []string
	for _, r := range rows {
		if !r.within() && (large || r.unit == requests) {
			names = append(names, fmt.Sprintf("%s: %s, at most %s", r.work, r.unit.format(r.ours), r.unit.format(r.bound)))
		}
	}
	if names == nil {
		return nil
	}
	return errors.New("\nmore than the bound:\n  " + strings.Join(names, "\n  "))
}
