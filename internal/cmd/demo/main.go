// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

// Command demo shows the provider at work on this machine, without a Heroku account: it builds everything, starts
// the sandbox, applies examples/demo, changes the plan of the store, makes a mistake, moves the store into a Private
// Space, and destroys it all again.
//
// It checks what it tells: it ends with exit code 0 only if every key was the same after each change, the apps were
// put back, and nothing is left over. It drives the built binaries as processes, as a person would.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGPIPE)
	defer stop()
	if len(os.Args) > 1 && os.Args[1] == keysCommand {
		os.Exit(keys(ctx, os.Args[2:]))
	}
	binary := flag.String("cli", "", "the terraform or tofu to use, a name or a path (default: the one on PATH, else an OpenTofu built into bin/)")
	flag.Parse()

	if err := tell(ctx, newNarrator(os.Stdout), *binary); err != nil {
		fmt.Fprintf(os.Stderr, "\nThe demo stopped: %v\n", err)
		os.Exit(1)
	}
}
