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

// summary collects the results. A test that has subtests is counted only if it fails itself, and not because a subtest fails.
type summary struct {
	out      io.Writer
	module   string
	packages map[string]*testPackage
	timings  timings // of the packages that have finished
	history  timings // of the last run that passed; nil when there is none
	began    time.Time

	terminal, progressShown bool     // stderr is a terminal, and its last line shows the progress
	interrupted             string   // the signal; "" = none
	failures                []string // repeated at the end

	passed, failed, skipped int
	failedBefore            int // value of failed when the previous go test exited
}

type testPackage struct {
	output                  strings.Builder
	running                 map[string]*test
	parents                 map[string]bool // tests that have subtests
	failedWithin            map[string]bool // tests of which a subtest failed
	passed, failed, skipped int
	cached                  bool
	limit                   string // the -timeout that was exceeded; "" = none
}

type test struct {
	started time.Time
	paused  bool // it waits for other parallel tests
	output  strings.Builder
}

func newSummary(out io.Writer, module string) *summary {
	return &summary{out: out, module: module, packages: map[string]*testPackage{}, timings: timings{}}
}

func (s *summary) printf(format string, args ...any) {
	if s.progressShown {
		fmt.Fprint(s.out, "\r\x1b[K")
		s.progressShown = false
	}
	fmt.Fprintf(s.out, format, args...)
}

// reportFailure prints a failure, and keeps its first line for the end.
func (s *summary) reportFailure(line, output string) {
	s.failures = append(s.failures, line)
	s.printf("%s\n%s", line, indent(output))
}

// announced returns the number of tests that have started so far, without those that have subtests.
func (p *testPackage) announced() int {
	n := p.passed + p.failed + p.skipped
	for t := range p.running {
		if !p.parents[t] {
			n++
		}
	}
	return n
}

// exited is the action of an event from the shell that runs go test. Its output is the exit status of go test.
const exited = "go-test-exited"

// timedOut matches the output of a package that exceeds its -timeout.
var timedOut = regexp.MustCompile(`^panic: test timed out after (\S+)`)

func (s *summary) add(e event) {
	if e.Action == "build-output" {
		s.printf("%s", e.Output)
		return
	}
	if e.Action == exited {
		if e.Output != "0" && s.failed == s.failedBefore && s.failing() == 0 {
			s.failed++
			s.reportFailure("FAIL  go test exited with "+e.Output, "")
		}
		s.failedBefore = s.failed
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
			return // it was running at the timeout, which failPackage reports
		}
		delete(p.running, e.Test)
		p.failedWithin[parent] = true
		if p.failedWithin[e.Test] && t.output.Len() == 0 {
			return
		}
		p.failed++
		s.reportFailure(fmt.Sprintf("FAIL  %s %s (%s)", s.short(e.Package), e.Test, seconds(e.Elapsed)), t.output.String())
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
	s.closePackage(e.Package, p, e.Elapsed)
}

// closePackage adds the counts of a package to the total.
func (s *summary) closePackage(name string, p *testPackage, took float64) {
	s.passed, s.failed, s.skipped = s.passed+p.passed, s.failed+p.failed, s.skipped+p.skipped
	if n := p.passed + p.failed + p.skipped; n > 0 && !p.cached {
		s.timings[name] = timing{n, took}
	}
	delete(s.packages, name)
}

// failPackage reports failures that do not belong to a finished test: a timeout, an interrupt, a panic, or a failed build. It counts as one
// failure, however many tests did not finish.
func (s *summary) failPackage(name string, p *testPackage, how string) {
	pkg := s.short(name)
	var active []string
	var output strings.Builder
	unfinished := 0
	for _, t := range slices.Sorted(maps.Keys(p.running)) {
		r := p.running[t]
		output.WriteString(r.output.String())
		if p.parents[t] {
			continue
		}
		unfinished++
		if !r.paused {
			active = append(active, t)
		}
	}
	output.WriteString(p.output.String())
	during := ""
	if len(active) > 0 {
		during = " while these tests were running: " + strings.Join(active, ", ")
		if rest := unfinished - len(active); rest > 0 {
			during += fmt.Sprintf("; %d more had not begun or ended", rest)
		}
	}
	switch {
	case p.limit != "":
		s.reportFailure(fmt.Sprintf("LIMIT %s: the limit of %s passed%s", pkg, p.limit, during), output.String())
		p.failed++
	case s.interrupted != "" && (unfinished > 0 || p.failed == 0):
		s.reportFailure(fmt.Sprintf("STOP  %s: ended by a signal (%s)%s", pkg, s.interrupted, during), "")
		p.failed++
	case unfinished > 0:
		s.reportFailure(fmt.Sprintf("FAIL  %s: it ended%s", pkg, during), output.String())
		p.failed++
	case p.failed == 0:
		s.reportFailure("FAIL  "+pkg+", in no test of its own", output.String())
		p.failed++
	}
	s.printf("FAIL  %s: %d passed, %d failed, %d skipped (%s)\n", pkg, p.passed, p.failed, p.skipped, how)
}

// finish reports packages that did not finish because go test was killed, and repeats all failures.
func (s *summary) finish() {
	for _, name := range slices.Sorted(maps.Keys(s.packages)) {
		p := s.packages[name]
		s.failPackage(name, p, "did not finish")
		s.closePackage(name, p, 0)
	}
	switch {
	case s.interrupted != "" && s.failed == 0:
		s.failed = 1
		s.reportFailure("STOP  ended by a signal ("+s.interrupted+")", "")
	case s.passed+s.failed+s.skipped == 0:
		s.failed = 1
		s.reportFailure("FAIL  no test has run", "")
	}
	if len(s.failures) > 0 {
		s.printf("\nWhat went wrong:\n%s\n", strings.Join(s.failures, "\n"))
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

// isFraming reports whether a line of output only repeats the information of an event.
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
