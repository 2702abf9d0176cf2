// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"
)

// event is a line of `go test -json`; see `go doc test2json` and, for builds, `go help buildjson`.
type event struct {
	Time    time.Time
	Action  string
	Package string
	Test    string
	Output  string
	Elapsed float64 // seconds
}

// summary holds what is not told yet. A test that has subtests counts only when it fails on its own account.
type summary struct {
	out      io.Writer
	module   string
	packages map[string]*testPackage

	passed, failed, skipped int
}

type testPackage struct {
	output                  strings.Builder
	running                 map[string]*test
	parents                 map[string]bool // tests that have subtests
	failedWithin            map[string]bool // tests of which a subtest failed
	passed, failed, skipped int
	cached                  bool
}

type test struct {
	started time.Time
	paused  bool // it waits for its turn among the parallel tests
	output  strings.Builder
}

func newSummary(out io.Writer, module string) *summary {
	return &summary{out: out, module: module, packages: map[string]*testPackage{}}
}

func (s *summary) printf(format string, args ...any) { fmt.Fprintf(s.out, format, args...) }

func (s *summary) add(e event) {
	if e.Action == "build-output" {
		s.printf("%s", e.Output)
		return
	}
	if e.Package == "" {
		return
	}
	p := s.packages[e.Package]
	if p == nil {
		p = &testPackage{running: map[string]*test{}, parents: map[string]bool{}, failedWithin: map[string]bool{}}
		s.packages[e.Package] = p
	}
	if e.Test == "" {
		s.addPackage(p, e)
		return
	}

	t := p.running[e.Test]
	if t == nil {
		t = &test{started: e.Time}
		p.running[e.Test] = t
	}
	parent := parentOf(e.Test)
	switch e.Action {
	case "run":
		p.parents[parent] = true
	case "pause":
		t.paused = true
	case "cont":
		t.paused, t.started = false, e.Time
	case "output":
		if !isFraming(e.Output) {
			t.output.WriteString(e.Output)
		}
	case "pass":
		delete(p.running, e.Test)
		if !p.parents[e.Test] {
			p.passed++
		}
	case "skip":
		delete(p.running, e.Test)
		p.skipped++
		s.printf("skip  %s %s: %s\n", s.short(e.Package), e.Test, strings.TrimSpace(t.output.String()))
	case "fail":
		delete(p.running, e.Test)
		p.failedWithin[parent] = true
		if p.failedWithin[e.Test] && t.output.Len() == 0 {
			return
		}
		p.failed++
		s.printf("FAIL  %s %s (%s)\n%s", s.short(e.Package), e.Test, seconds(e.Elapsed), indent(t.output.String()))
	}
}

func (s *summary) addPackage(p *testPackage, e event) {
	switch e.Action {
	case "output":
		p.cached = p.cached || strings.HasSuffix(e.Output, "\t(cached)\n")
		p.output.WriteString(e.Output)
		return
	case "pass":
		took := seconds(e.Elapsed)
		if p.cached {
			took = "cached"
		}
		if p.passed+p.skipped > 0 {
			s.printf("ok    %s: %d passed, %d skipped (%s)\n", s.short(e.Package), p.passed, p.skipped, took)
		}
	case "fail":
		s.failPackage(e.Package, p, seconds(e.Elapsed))
	case "skip": // it has no tests
	default:
		return
	}
	s.passed, s.failed, s.skipped = s.passed+p.passed, s.failed+p.failed, s.skipped+p.skipped
	delete(s.packages, e.Package)
}

// failPackage tells what the tests that ended have not told: a panic, a timeout, a build that failed.
func (s *summary) failPackage(name string, p *testPackage, how string) {
	untold := p.failed == 0
	for _, t := range slices.Sorted(maps.Keys(p.running)) {
		if p.parents[t] && p.running[t].output.Len() == 0 {
			continue
		}
		p.failed++
		untold = true
		s.printf("FAIL  %s %s did not finish\n%s", s.short(name), t, indent(p.running[t].output.String()))
	}
	if untold {
		p.failed = max(p.failed, 1)
		s.printf("%s", indent(p.output.String()))
	}
	s.printf("FAIL  %s: %d passed, %d failed, %d skipped (%s)\n", s.short(name), p.passed, p.failed, p.skipped, how)
}

// finish fails what the input has left open: go test was killed.
func (s *summary) finish() {
	for _, name := range slices.Sorted(maps.Keys(s.packages)) {
		p := s.packages[name]
		s.failPackage(name, p, "did not finish")
		s.passed, s.failed, s.skipped = s.passed+p.passed, s.failed+p.failed, s.skipped+p.skipped
	}
	if s.passed+s.failed+s.skipped == 0 {
		s.failed = 1
		s.printf("FAIL  no test has run\n")
	}
}

// progress says what is running, of each package that has tests running.
func (s *summary) progress(now time.Time) {
	for _, name := range slices.Sorted(maps.Keys(s.packages)) {
		p := s.packages[name]
		running, longest := 0, ""
		for t, r := range p.running {
			if r.paused || p.parents[t] {
				continue
			}
			running++
			if longest == "" || r.started.Before(p.running[longest].started) {
				longest = t
			}
		}
		if running > 0 {
			s.printf("...   %s: %d passed, %d failed, %d running, %s for %s\n", s.short(name), p.passed, p.failed,
				running, longest, now.Sub(p.running[longest].started).Round(time.Second))
		}
	}
}

func (s *summary) counts() string {
	return fmt.Sprintf("%d passed, %d failed, %d skipped", s.passed, s.failed, s.skipped)
}

func (s *summary) short(pkg string) string { return strings.TrimPrefix(pkg, s.module+"/") }

func parentOf(test string) string {
	i := strings.LastIndexByte(test, '/')
	return test[:max(i, 0)]
}

// isFraming says whether a line only announces what the events say anyway.
func isFraming(line string) bool {
	line = strings.TrimLeft(line, " ")
	return strings.HasPrefix(line, "=== ") || strings.HasPrefix(line, "--- ")
}

func indent(output string) string {
	if output == "" {
		return ""
	}
	return "      " + strings.ReplaceAll(strings.TrimRight(output, "\n"), "\n", "\n      ") + "\n"
}

func seconds(s float64) string {
	return time.Duration(s * float64(time.Second)).Round(10 * time.Millisecond).String()
}
