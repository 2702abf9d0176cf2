// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

// Command demo demonstrates the provider on this machine, without a Heroku account. It builds the provider and the sandbox, starts the
// sandbox, applies examples/demo, changes the plan of the store, makes a mistake, moves the store into a Private Space, and destroys
// everything. It runs the built binaries as processes.
//
// The exit code is 0 only if no key has changed after any step, the apps are back in operation after the move, and nothing is left at the
// end.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGHUP, syscall.SIGPIPE)
	defer stop()
	// Ctrl-C also interrupts the child processes. The step fails when they have ended.
	interrupts := make(chan os.Signal, 1)
	signal.Notify(interrupts, os.Interrupt)
	binary := flag.String("cli", "terraform", "the terraform or tofu to use, a name or an absolute path")
	flag.Parse()
	err := attempt(func() {
		if flag.Arg(0) == "keys" { // examples/demo runs it: demo keys write|check
			useKeys(ctx, os.Getenv("REDIS_URL"), flag.Arg(1) == "write")
		} else {
			runDemo(ctx, *binary, interrupts)
		}
	})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// runDemo runs the demo, and removes everything that it has created.
func runDemo(ctx context.Context, binary string, interrupts <-chan os.Signal) {
	s := &story{narrator: narrator{out: os.Stdout, interrupts: interrupts, facts: map[string]string{}}, binary: binary,
		dir: must(os.MkdirTemp("", "kvs-demo-"))}
	err := attempt(func() { s.play(ctx) })
	if err = errors.Join(err, s.stop(), os.RemoveAll(s.dir)); err != nil {
		check(fmt.Errorf("\nThe demo stopped: %w", err))
	}
}

// narrator prints a line for each finished step, with its duration. Dots show that a slow step is still running.
type narrator struct {
	out         io.Writer
	interrupts  <-chan os.Signal
	step, steps int
	facts       map[string]string // values of $NAME in sentences
	notes       []string          // further lines of this step
	remark      string            // put before the duration of this step
}

// expand replaces $NAME in a sentence by facts.
func (n *narrator) expand(sentence string) string {
	return os.Expand(sentence, func(name string) string {
		mustBe(n.facts[name] != "", "nothing is known of %s", name)
		return n.facts[name]
	})
}

// tell runs a step. It prints doing while a slow step is running, and done at its end.
func (n *narrator) tell(doing, done string, do func()) {
	n.step, n.notes, n.remark = n.step+1, nil, ""
	start, tick, ended := time.Now(), time.Tick(2*time.Second), make(chan error)
	go func() { ended <- attempt(func() { do(); done = n.expand(done) }) }()
	for progress := "        " + doing + " ."; ; progress = "." {
		select {
		case <-tick:
			fmt.Fprint(n.out, progress)
			continue
		case err := <-ended:
			if progress == "." {
				fmt.Fprintln(n.out)
			}
			mustBe(err == nil, "step %d of %d, %s: %v", n.step, n.steps, doing, err)
			mustBe(len(n.interrupts) == 0, "step %d of %d, %s: interrupted", n.step, n.steps, doing)
		}
		fmt.Fprintf(n.out, "[%2d/%d] %s (%s%s)\n", n.step, n.steps, done, n.remark, inWords(time.Since(start)))
		for _, note := range n.notes {
			fmt.Fprintf(n.out, "        %s\n", note)
		}
		return
	}
}

// inWords formats a duration as "41 ms", "4.2 s" or "2m51s".
func inWords(d time.Duration) string {
	switch {
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	case d < time.Minute:
		return fmt.Sprintf("%.1f s", d.Seconds())
	}
	return d.Round(time.Second).String()
}

// check panics if err is not nil. Like the panics of must and mustBe, attempt turns it into an error.
func check(err error) {
	if err != nil {
		panic(err)
	}
}

func must[T any](value T, err error) T {
	check(err)
	return value
}

func mustBe(condition bool, format string, args ...any) {
	if !condition {
		check(fmt.Errorf(format, args...))
	}
}

func attempt(do func()) (err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("%v", cause)
		}
	}()
	do()
	return nil
}
