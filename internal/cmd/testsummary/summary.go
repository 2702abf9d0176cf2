// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package main

import (
	"fmt"
	"io"
	"maps"
	"regexp"
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
	timings  timings // of the packages that have finished
	history  timings // of the last run that passed; nil when there is none
	began    time.Time

	live, shown bool // stderr is a terminal, and its last line is about the progress
	interrupted string
	broken      []string // what the end repeats

	passed, failed, skipped int
	judged                  int // the failures that the exit status of a go test is explained by
}

type testPackage struct {
	output                  strings.Builder
	running                 map[string]*test
	parents                 map[string]bool // tests that have subtests
	failedWithin            map[string]bool // tests of which a subtest failed
	passed, failed, skipped int
	cached                  bool
	limit                   string // the -timeout that it met, if it did
}

type test struct {
	started time.Time
	paused  bool // it waits for its turn among the parallel tests
	output  strings.Builder
}

func newSummary(out io.Writer, module string) *summary {
	return &summary{out: out, module: module, packages: map[string]*testPackage{}, timings: timings{}}
}

func (s *summary) printf(format string, args ...any) {
	if s.shown {
		fmt.Fprint(s.out, "\r\x1b[K")
		s.shown = false
	}
	fmt.Fprintf(s.out, format, args...)
}

// breaks prints a failure, and keeps its first line for the end.
func (s *summary) breaks(line, output string) {
	s.broken = append(s.broken, line)
	s.printf("%s\n%s", line, indent(output))
}

// seen are the tests that have been announced so far, but for those that only hold others.
func (p *testPackage) seen() int {
	n := p.passed + p.failed + p.skipped
	for t := range p.running {
		if !p.parents[t] {
			n++
		}
	}
	return n
}

// exited is an event of the shell that ran go test: with which status that ended.
const exited = "go-test-exited"

// timedOut is how a package ends that meets its limit.
var timedOut = regexp.MustCompile(`^panic: test timed out after (\S+)`)

func (s *summary) add(e event) {
	if e.Action == "build-output" {
		s.printf("%s", e.Output)
		return
	}
	if e.Action == exited {
		if e.Output != "0" && s.failed == s.judged && s.failing() == 0 {
			s.failed++
			s.breaks("FAIL  go test exited with "+e.Output, "")
		}
		s.judged = s.failed
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
	if limit := timedOut.FindStringSubmatch(e.Output); limit != nil {
		p.limit = limit[1]
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
		if p.limit != "" && strings.Contains(t.output.String(), "panic: test timed out after ") {
			return // it is the one that ran when the limit passed
		}
		delete(p.running, e.Test)
		p.failedWithin[parent] = true
		if p.failedWithin[e.Test] && t.output.Len() == 0 {
			return
		}
		p.failed++
		s.breaks(fmt.Sprintf("FAIL  %s %s (%s)", s.short(e.Package), e.Test, seconds(e.Elapsed)), t.output.String())
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
	s.close(e.Package, p, e.Elapsed)
}

// close adds a package's counts to those of all.
func (s *summary) close(name string, p *testPackage, took float64) {
	s.passed, s.failed, s.skipped = s.passed+p.passed, s.failed+p.failed, s.skipped+p.skipped
	if n := p.passed + p.failed + p.skipped; n > 0 && !p.cached {
		s.timings[name] = timing{n, took}
	}
	delete(s.packages, name)
}

// failPackage tells what the tests that ended have not told: a limit, an interrupt, a panic, a build that failed. That is
// one failure, however many tests it has kept from their end.
func (s *summary) failPackage(name string, p *testPackage, how string) {
	pkg := s.short(name)
	var active []string
	var said strings.Builder
	unfinished := 0
	for _, t := range slices.Sorted(maps.Keys(p.running)) {
		r := p.running[t]
		said.WriteString(r.output.String())
		if p.parents[t] {
			continue
		}
		unfinished++
		if !r.paused {
			active = append(active, t)
		}
	}
	said.WriteString(p.output.String())
	during := ""
	if len(active) > 0 {
		during = " while these tests were running: " + strings.Join(active, ", ")
		if rest := unfinished - len(active); rest > 0 {
			during += fmt.Sprintf("; %d more had not begun or ended", rest)
		}
	}
	switch {
	case p.limit != "":
		s.breaks(fmt.Sprintf("LIMIT %s: the limit of %s passed%s", pkg, p.limit, during), said.String())
		p.failed++
	case s.interrupted != "" && (unfinished > 0 || p.failed == 0):
		s.breaks(fmt.Sprintf("STOP  %s: ended by a signal (%s)%s", pkg, s.interrupted, during), "")
		p.failed++
	case unfinished > 0:
		s.breaks(fmt.Sprintf("FAIL  %s: it ended%s", pkg, during), said.String())
		p.failed++
	case p.failed == 0:
		s.breaks("FAIL  "+pkg+", in no test of its own", said.String())
		p.failed++
	}
	s.printf("FAIL  %s: %d passed, %d failed, %d skipped (%s)\n", pkg, p.passed, p.failed, p.skipped, how)
}

// finish fails what the input has left open, since go test was killed, and says once more what went wrong.
func (s *summary) finish() {
	for _, name := range slices.Sorted(maps.Keys(s.packages)) {
		p := s.packages[name]
		s.failPackage(name, p, "did not finish")
		s.close(name, p, 0)
	}
	switch {
	case s.interrupted != "" && s.failed == 0:
		s.failed = 1
		s.breaks("STOP  ended by a signal ("+s.interrupted+")", "")
	case s.passed+s.failed+s.skipped == 0:
		s.failed = 1
		s.breaks("FAIL  no test has run", "")
	}
	if len(s.broken) > 0 {
		s.printf("\nWhat went wrong:\n%s\n", strings.Join(s.broken, "\n"))
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
