// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"time"
)

// timings has the number of tests and the duration of each package.
type timings map[string]timing

type timing struct {
	Tests   int
	Seconds float64
}

// readHistory returns nil if the file is missing or invalid; the estimate is then less precise.
func readHistory(file string) timings {
	content, err := os.ReadFile(file)
	if err != nil {
		return nil
	}
	var h timings
	if json.Unmarshal(content, &h) != nil {
		return nil
	}
	return h
}

// write adds the timings to those of other packages in the file. It does nothing if file is "".
func (t timings) write(file string) error {
	if file == "" {
		return nil
	}
	all := readHistory(file)
	if all == nil {
		all = timings{}
	}
	maps.Copy(all, t)
	content, err := json.Marshal(all)
	if err != nil {
		return err
	}
	err = os.WriteFile(file, content, 0o600)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // a missing directory means that no history is wanted
	}
	return err
}

// progress prints the number of finished and known tests, the elapsed time, and an estimate of the remaining time.
func (s *summary) progress(now time.Time) {
	done, known, weight, left := 0, 0, 0.0, 0.0
	longest, since, running := "", now, 0
	for _, name := range slices.Sorted(maps.Keys(s.packages)) {
		p := s.packages[name]
		for t, r := range p.running {
			if r.paused || p.parents[t] {
				continue
			}
			running++
			if r.started.Before(since) {
				longest, since = s.short(name)+" "+t, r.started
			}
		}
	}
	count := func(name string, finished, seen int, over bool) {
		past := s.history[name]
		all := max(past.Tests, seen)
		if over || all == 0 {
			all = seen
		}
		done, known = done+finished, known+all
		seconds := past.Seconds
		if s.history == nil {
			seconds = float64(all)
		}
		weight += seconds
		if !over && all > 0 {
			left += seconds * float64(all-finished) / float64(all)
		}
	}
	for name, p := range s.packages {
		count(name, p.passed+p.failed+p.skipped, p.announced(), false)
	}
	for name, t := range s.timings {
		count(name, t.Tests, t.Tests, true)
	}
	for name := range s.history {
		if _, over := s.timings[name]; !over && s.packages[name] == nil {
			count(name, 0, 0, false)
		}
	}
	elapsed := now.Sub(s.began)
	estimate, least := "", "at least "
	if s.history != nil {
		least = ""
	}
	if past := weight - left; past > 0 && left > 0 {
		estimate = fmt.Sprintf(", %sabout %s left", least, (time.Duration(float64(elapsed) * left / past)).Round(time.Second))
	}
	failed := ""
	if n := s.failed + s.failing(); n > 0 {
		failed = fmt.Sprintf(", %d FAILED", n)
	}
	tests := fmt.Sprintf("%d of %s%d tests", done, least, known)
	if len(s.packages) == 0 { // before the first package, and while go test compiles
		tests = fmt.Sprintf("compiling; %d tests so far", done)
	}
	line := fmt.Sprintf("...   %s%s, %s%s", tests, failed, elapsed.Round(time.Second), estimate)
	if running > 0 {
		line += fmt.Sprintf("; %d running, %s for %s", running, longest, now.Sub(since).Round(time.Second))
	}
	if s.terminal {
		s.show(line)
		return
	}
	s.printf("%s\n", line)
}

// failing returns the number of failures in packages that have not finished.
func (s *summary) failing() (n int) {
	for _, p := range s.packages {
		n += p.failed
	}
	return n
}

// show replaces the last line of a terminal.
func (s *summary) show(line string) {
	const columns = 110
	if len(line) > columns {
		line = line[:columns]
	}
	fmt.Fprintf(s.out, "\r\x1b[K%s", line)
	s.progressShown = true
}
