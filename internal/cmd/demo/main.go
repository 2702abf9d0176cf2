// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

// Command demo shows the provider at work on this machine, without a Heroku account: it builds everything, starts
// the sandbox, applies examples/demo, changes the plan of the store, makes a mistake, moves the store into a Private
// Space, and destroys it all again. It drives the built binaries as processes, as a person would.
//
// Its exit code is 0 only if every key was the same after each change, the apps were put back, and nothing is left over.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGHUP, syscall.SIGPIPE)
	defer stop()
	// Ctrl-C interrupts the child processes, and the step that waits for one of them fails.
	signal.Notify(make(chan os.Signal, 1), os.Interrupt)
	binary := flag.String("cli", "terraform", "the terraform or tofu to use, a name or a path")
	flag.Parse()
	if flag.Arg(0) == keysCommand && flag.NArg() == 3 {
		if err := useKeys(ctx, os.Getenv("REDIS_URL"), flag.Arg(1) == "write"); err != nil {
			must(os.WriteFile(flag.Arg(2), []byte(err.Error()), 0o600))
			os.Exit(1)
		}
	} else if err := runDemo(ctx, *binary); err != nil {
		fmt.Fprintf(os.Stderr, "\nThe demo stopped: %v\n", err)
		os.Exit(1)
	}
}

// runDemo leaves nothing behind.
func runDemo(ctx context.Context, binary string) (err error) {
	s := &story{narrator: narrator{out: os.Stdout}, binary: binary}
	if s.home, err = os.MkdirTemp("", "kvs-demo-"); err != nil {
		return err
	}
	err = s.play(ctx)
	if s.sandbox.process != nil {
		err = errors.Join(err, s.sandbox.stop())
	}
	return errors.Join(err, os.RemoveAll(s.home))
}
