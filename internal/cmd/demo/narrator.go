// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package main

import (
	"fmt"
	"io"
	"sync"
	"time"
)

// narrator tells each step in one line once it is done, with its time. While a step is slow it shows what is going on.
type narrator struct {
	out         io.Writer
	step, steps int

	mu   sync.Mutex
	open bool // a line that says what is going on, which dots follow
}

// outcome is what there is to say about a step: a sentence, a remark that joins its time in brackets, and further lines.
type outcome struct {
	sentence string
	remark   string
	notes    []string
}

// patience is how long nothing is said about a step that runs, and then between two signs of life.
const patience = 2 * time.Second

func newNarrator(out io.Writer) *narrator { return &narrator{out: out} }

// tell runs a step; doing says in a few words what takes so long.
func (n *narrator) tell(doing string, do func() (outcome, error)) error {
	n.step++
	start := time.Now()
	done, quiet := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(quiet)
		n.showProgress(doing, done)
	}()
	result, err := do()
	close(done)
	<-quiet // from here on nobody else writes
	if err != nil {
		return fmt.Errorf("step %d of %d, %s: %w", n.step, n.steps, doing, err)
	}

	took := inWords(time.Since(start))
	if result.remark != "" {
		took = result.remark + ", " + took
	}
	fmt.Fprintf(n.out, "[%2d/%d] %s (%s)\n", n.step, n.steps, result.sentence, took)
	for _, note := range result.notes {
		fmt.Fprintf(n.out, "        %s\n", note)
	}
	return nil
}

// announce says at once what is going on, when it is known beforehand that it takes long.
func (n *narrator) announce(doing string) { n.progress(doing, "") }

func (n *narrator) progress(doing, sign string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if !n.open {
		fmt.Fprintf(n.out, "        %s ", doing)
		n.open = true
	}
	fmt.Fprint(n.out, sign)
}

func (n *narrator) showProgress(doing string, done <-chan struct{}) {
	tick := time.NewTicker(patience)
	defer tick.Stop()
	for {
		select {
		case <-done:
			if n.open {
				fmt.Fprintln(n.out)
				n.open = false
			}
			return
		case <-tick.C:
			n.progress(doing, ".")
		}
	}
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
