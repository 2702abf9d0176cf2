// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

// Command kvs-sandbox runs a local Heroku with a real server behind each Key-Value Store, until it is interrupted, or while another
// command runs: kvs-sandbox exec -- terraform test.
//
// When it is ready, it prints one line to stdout, for a shell to evaluate; everything else goes to stderr. It listens on loopback only.
// At the end it stops every server that it has started, and removes everything that it has created, except the --data-dir.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/sandbox"
)

func main() {
	if len(os.Args) > 1 && os.Args[1] == "exec" {
		os.Exit(execute(context.Background(), os.Args[2:], os.Stderr))
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	context.AfterFunc(ctx, stop) // a second signal ends the process immediately, and its servers with it
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
	case errors.Is(err, errUsage):
		os.Exit(2)
	case err != nil:
		fmt.Fprintln(os.Stderr, "kvs-sandbox:", err)
		os.Exit(1)
	}
}

var errUsage = errors.New("usage")

// run runs a sandbox until ctx ends. It closes stdout after the line for the shell, so that a shell that reads it continues.
func run(ctx context.Context, args []string, stdout io.WriteCloser, stderr io.Writer) (err error) {
	options, err := parse(args, stderr)
	if err != nil {
		return err
	}
	options.Log = slog.New(slog.NewTextHandler(stderr, nil))
	s, err := sandbox.Start(ctx, options)
	if errors.Is(err, context.Canceled) && ctx.Err() != nil {
		return nil // it was interrupted before it was ready
	}
	if err != nil {
		return err
	}
	defer func() {
		if closing := s.Close(); closing != nil {
			err = errors.Join(err, fmt.Errorf("stopping: %w", closing))
			return
		}
		fmt.Fprintln(stderr, "The sandbox has stopped.")
	}()
	if err := describe(stderr, guideOf(s, options.DataDir)); err != nil {
		return err
	}
	if _, err := fmt.Fprintln(stdout, exports(s)); err != nil {
		return err
	}
	if err := stdout.Close(); err != nil {
		return err
	}
	<-ctx.Done()
	return nil
}

// parse parses the arguments. If they are wrong, it prints the reason and the usage, and returns errUsage.
func parse(args []string, stderr io.Writer) (sandbox.Options, error) {
	var o sandbox.Options
	flags := newFlags("kvs-sandbox", &o, stderr)
	flags.Usage = func() {
		fmt.Fprint(stderr, "Usage: kvs-sandbox [options], or kvs-sandbox exec [options] -- COMMAND [ARGUMENT...]\n\n")
		flags.PrintDefaults()
	}
	if err := parseFlags(flags, args, &o); err != nil {
		return o, err
	}
	if flags.NArg() > 0 {
		return o, refused(flags, fmt.Sprintf("unexpected argument %q", flags.Arg(0)))
	}
	return o, nil
}

func newFlags(name string, o *sandbox.Options, stderr io.Writer) *flag.FlagSet {
	o.CopyForks = true
	flags := flag.NewFlagSet(name, flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&o.Addr, "addr", "127.0.0.1:0", "`address` to listen on, loopback only; port 0 chooses a free one")
	flags.StringVar(&o.Token, "token", "", "API `token` that is accepted (default a random one, or that of the data directory)")
	flags.StringVar(&o.Team, "team", "acme", "`name` of the first team; the second one is called <name>-data")
	flags.StringVar(&o.DataDir, "data-dir", "", "`directory` that keeps apps, stores and keys for the next start (default: nothing is kept)")
	flags.StringVar(&o.Engine, "engine", "auto",
		"what runs behind a store: auto, valkey, redis or miniredis; auto takes the first one that is installed")
	flags.DurationVar(&o.Provisioning, "provisioning", 3*time.Second, "how long it takes to create a store or to change its plan")
	flags.DurationVar(&o.Allocation, "allocation", 3*time.Second, "how long it takes to allocate a Private Space, or to delete it")
	flags.BoolVar(&o.Undeployed, "undeployed", false,
		"apps begin without process types (default: as if deployed once, with one web and one worker dyno)")
	flags.DurationVar(&o.Latency, "latency", 0, "added to every request")
	flags.IntVar(&o.RateLimit, "rate-limit", 4500, "requests per hour and account")
	flags.Uint64Var(&o.Seed, "seed", 0, "of names, ids and passwords, to get the same ones again (default a random one)")
	return flags
}

// parseFlags parses and checks the options that all commands have in common.
func parseFlags(flags *flag.FlagSet, args []string, o *sandbox.Options) error {
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return err
		}
		return errUsage
	}
	switch {
	case o.Provisioning < 0 || o.Allocation < 0 || o.Latency < 0:
		return refused(flags, "--provisioning, --allocation and --latency take a duration of 0s or more, such as 3s or 100ms")
	case o.RateLimit < 1:
		return refused(flags, "--rate-limit takes a number of 1 or more")
	}
	// 0s means immediately, but a zero in sandbox.Options means the default.
	o.Provisioning, o.Allocation = max(o.Provisioning, 1), max(o.Allocation, 1)
	return nil
}

func refused(flags *flag.FlagSet, wrong string) error {
	fmt.Fprintln(flags.Output(), wrong)
	flags.Usage()
	return errUsage
}
