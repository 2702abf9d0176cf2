// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package main

import (
	"encoding/json"
	"io"
	"maps"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// stream encodes events of one package, given as "run TestA", "output TestA some text", or "pass" (of the package).
func stream(t *testing.T, events ...string) string {
	t.Helper()
	var b strings.Builder
	for i, e := range events {
		action, rest, _ := strings.Cut(e, " ")
		name, output, _ := strings.Cut(rest, " ")
		if output != "" {
			output += "\n"
		}
		line, err := json.Marshal(event{
			Time: time.Unix(int64(i), 0), Action: action, Package: "example.com/m/internal/store", Test: name, Output: output, Elapsed: 1.5,
		})
		if err != nil {
			t.Fatal(err)
		}
		b.Write(line)
		b.WriteByte('\n')
	}
	return b.String()
}

func TestSummary(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		events []string
		counts string
		says   []string
		silent []string
	}{
		{
			name:   "a test that passes says nothing of its own",
			events: []string{"start", "run TestA", "output TestA chatter", "pass TestA", "pass"},
			counts: "1 passed, 0 failed, 0 skipped",
			says:   []string{"ok    internal/store: 1 passed, 0 skipped (1.5s)"}, silent: []string{"chatter"},
		},
		{
			name:   "a test with subtests is not counted beside them",
			events: []string{"start", "run TestA", "run TestA/x", "pass TestA/x", "run TestA/y", "pass TestA/y", "pass TestA", "pass"},
			counts: "2 passed, 0 failed, 0 skipped",
		},
		{
			name: "a failure is told in full and counted once",
			events: []string{"start", "run TestA", "run TestA/x", "output TestA/x a_test.go:4: it broke", "fail TestA/x",
				"output TestA --- FAIL: TestA (0.00s)", "fail TestA", "fail"},
			counts: "0 passed, 1 failed, 0 skipped",
			says:   []string{"FAIL  internal/store TestA/x (1.5s)\n      a_test.go:4: it broke\n", "FAIL  internal/store: 0 passed, 1 failed"},
			silent: []string{"TestA (1.5s)"},
		},
		{
			name:   "a parent that fails on its own account is told",
			events: []string{"start", "run TestA", "run TestA/x", "pass TestA/x", "output TestA own failure", "fail TestA", "fail"},
			counts: "1 passed, 1 failed, 0 skipped",
			says:   []string{"FAIL  internal/store TestA (1.5s)\n      own failure"},
		},
		{
			name:   "a skipped test is told with its reason",
			events: []string{"start", "run TestA", "output TestA a_test.go:3: no redis here", "skip TestA", "pass"},
			counts: "0 passed, 0 failed, 1 skipped",
			says:   []string{"skip  internal/store TestA: a_test.go:3: no redis here", "1 skipped"},
		},
		{
			name:   "a test that never ended is a failure, told with what the package said",
			events: []string{"start", "run TestA", "pass TestA", "run TestB", "output TestB panic: oh", "output  exit status 2", "fail"},
			counts: "1 passed, 1 failed, 0 skipped",
			says:   []string{"FAIL  internal/store: it ended while these tests were running: TestB\n      panic: oh\n      exit status 2\n"},
		},
		{
			name: "a limit is one failure, and names what was running",
			events: []string{"start", "run TestA", "pass TestA", "run TestB", "run TestC", "pause TestC",
				"output TestB panic: test timed out after 80m0s", "output TestB goroutine 7 [select]:", "fail TestB", "output  FAIL", "fail"},
			counts: "1 passed, 1 failed, 0 skipped",
			says: []string{
				"LIMIT internal/store: the limit of 80m0s passed while these tests were running: TestB; 1 more had not begun or ended\n",
				"goroutine 7 [select]:", "What went wrong:\nLIMIT internal/store",
			},
			silent: []string{"FAIL  internal/store TestB"},
		},
		{
			name:   "a failure is told again at the end",
			events: []string{"start", "run TestA", "output TestA a_test.go:4: it broke", "fail TestA", "fail"},
			counts: "0 passed, 1 failed, 0 skipped", says: []string{"\nWhat went wrong:\nFAIL  internal/store TestA (1.5s)\n"},
		},
		{
			name:   "a status of go test that nothing explains is a failure",
			events: []string{"start", "run TestA", "pass TestA", "pass", "go-test-exited  1"},
			counts: "1 passed, 1 failed, 0 skipped", says: []string{"FAIL  go test exited with 1"},
		},
		{
			name:   "a status of go test that a failure explains is none",
			events: []string{"start", "run TestA", "fail TestA", "fail", "go-test-exited  1"},
			counts: "0 passed, 1 failed, 0 skipped", silent: []string{"exited"},
		},
		{
			name:   "a package that fails without a failing test is a failure",
			events: []string{"start", "run TestA", "pass TestA", "output  race detected outside of test execution", "fail"},
			counts: "1 passed, 1 failed, 0 skipped",
			says:   []string{"race detected outside of test execution"},
		},
		{
			name:   "a stream that breaks off is a failure",
			events: []string{"start", "run TestA", "pass TestA"},
			counts: "1 passed, 1 failed, 0 skipped",
			says:   []string{"FAIL  internal/store: 1 passed, 1 failed, 0 skipped (did not finish)"},
		},
		{
			name:   "a package without tests is not mentioned",
			events: []string{"start", "output  ?   example.com/m/internal/store [no test files]", "skip"},
			counts: "0 passed, 1 failed, 0 skipped",
			says:   []string{"no test has run"}, silent: []string{"internal/store"},
		},
		{
			name:   "nothing at all is a failure",
			counts: "0 passed, 1 failed, 0 skipped", says: []string{"no test has run"},
		},
		{
			name:   "a cached result says so",
			events: []string{"start", "run TestA", "pass TestA", "output  ok \texample.com/m/internal/store\t(cached)", "pass"},
			counts: "1 passed, 0 failed, 0 skipped", says: []string{"(cached)"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var out strings.Builder
			s := newSummary(&out, "example.com/m")
			s.read(strings.NewReader(stream(t, tt.events...)), nil, nil)
			s.finish()
			if got := s.counts(); got != tt.counts {
				t.Errorf("counts %q, want %q", got, tt.counts)
			}
			for _, say := range tt.says {
				if !strings.Contains(out.String(), say) {
					t.Errorf("should say %q:\n%s", say, &out)
				}
			}
			for _, silent := range tt.silent {
				if strings.Contains(out.String(), silent) {
					t.Errorf("should not say %q:\n%s", silent, &out)
				}
			}
		})
	}
}

func TestLinesThatAreNoEventsArePassedOn(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	s := newSummary(&out, "example.com/m")
	s.read(strings.NewReader("go: no such module\n"+`{"Action":"build-output","ImportPath":"m","Output":"a.go:1: undefined: x\n"}`+"\n"), nil,
		nil)
	if got, want := out.String(), "go: no such module\na.go:1: undefined: x\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestInterruptIsNoFailureOfEachTest(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	s := newSummary(&out, "example.com/m")
	s.read(strings.NewReader(stream(t, "start", "run TestA", "pass TestA", "run TestB", "run TestC", "pause TestC")), nil, nil)
	s.interrupted = "interrupt"
	s.finish()
	if got, want := s.counts(), "1 passed, 1 failed, 0 skipped"; got != want {
		t.Errorf("counts %q, want %q", got, want)
	}
	const says = "STOP  internal/store: ended by a signal (interrupt) while these tests were running: TestB; 1 more had not begun or ended\n"
	if !strings.Contains(out.String(), says) {
		t.Errorf("should say %q:\n%s", says, &out)
	}
}

func TestInterruptBeforeAnyTestIsAFailure(t *testing.T) {
	t.Parallel()
	s := newSummary(io.Discard, "example.com/m")
	s.interrupted = "interrupt"
	s.finish()
	if s.failed == 0 {
		t.Error("it passes")
	}
}

func TestProgress(t *testing.T) {
	t.Parallel()
	midway := []string{"start", "run TestDone", "pass TestDone", "run TestWaits", "pause TestWaits",
		"run TestOld", "run TestOld/sub", "run TestNew", "run TestLate", "pause TestLate", "cont TestLate", "run TestMore", "pause TestMore"}
	for name, test := range map[string]struct {
		history timings
		want    string
		events  []string
	}{
		"before the first test": {want: "...   compiling; 0 tests so far, 1m0s\n"},
		"between two packages":  {want: "...   compiling; 1 tests so far, 1m0s\n", events: []string{"start", "run TestDone", "pass TestDone", "pass"}},
		"without a history": {nil,
			"...   1 of at least 6 tests, 1m0s, at least about 5m0s left; 3 running, internal/store TestOld/sub for 54s\n", midway},
		"with a history": {
			timings{"example.com/m/internal/store": {Tests: 10, Seconds: 100}, "example.com/m/internal/other": {Tests: 5, Seconds: 20}},
			"...   1 of 15 tests, 1m0s, about 11m0s left; 3 running, internal/store TestOld/sub for 54s\n", midway,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out strings.Builder
			s := newSummary(&out, "example.com/m")
			s.began, s.history = time.Unix(0, 0), test.history
			var began strings.Builder
			s.out = &began
			s.read(strings.NewReader(stream(t, test.events...)), nil, nil)
			s.out = &out
			s.progress(time.Unix(60, 0))
			if out.String() != test.want {
				t.Errorf("got %q, want %q", out.String(), test.want)
			}
		})
	}
}

func TestHistory(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "tests.json")
	if h := readHistory(file); h != nil {
		t.Errorf("what is not there reads as %v", h)
	}
	for _, part := range []timings{{"a": {1, 2}, "b": {3, 4}}, {"b": {5, 6}}} {
		if err := part.write(file); err != nil {
			t.Fatal(err)
		}
	}
	if got, want := readHistory(file), (timings{"a": {1, 2}, "b": {5, 6}}); !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
