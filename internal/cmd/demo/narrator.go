// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package main

import (
	"fmt"
	"io"
	"time"
)

// narrator prints each step in one line when it is done, with its duration. Dots show that a slow step is still running.
type narrator struct {
	out         io.Writer
	step, steps int
}

// outcome is what a step says: a sentence, a remark that is put before its duration, and further lines.
type outcome struct {
	sentence, remark string
	notes            []string
}

// must ends a step with an error, which tell returns.
func must(err error) {
	if err != nil {
		panic(err)
	}
}

func mustBe(condition bool, format string, args ...any) {
	if !condition {
		must(fmt.Errorf(format, args...))
	}
}

// tell runs a step; doing is printed while it is slow.
func (n *narrator) tell(doing string, do func() outcome) (err error) {
	n.step++
	start, done, slow := time.Now(), make(chan struct{}), false
	var result outcome
	go func() {
		defer close(done)
		defer func() { err, _ = recover().(error) }()
		result = do()
	}()
	tick := time.NewTicker(2 * time.Second)
	defer tick.Stop()
	for running := true; running; {
		select {
		case <-done:
			running = false
		case <-tick.C:
			if !slow {
				fmt.Fprintf(n.out, "        %s ", doing)
			}
			fmt.Fprint(n.out, ".")
			slow = true
		}
	}
	if slow {
		fmt.Fprintln(n.out)
	}
	if err != nil {
		return fmt.Errorf("step %d of %d, %s: %w", n.step, n.steps, doing, err)
	}
	fmt.Fprintf(n.out, "[%2d/%d] %s (%s%s)\n", n.step, n.steps, result.sentence, result.remark, inWords(time.Since(start)))
	for _, note := range result.notes {
		fmt.Fprintf(n.out, "        %s\n", note)
	}
	return nil
}

// inWords: "41 ms", "4.2 s", "2m51s".
func inWords(d time.Duration) string {
	switch {
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	case d < time.Minute:
		return fmt.Sprintf("%.1f s", d.Seconds())
	}
	return d.Round(time.Second).String()
}
