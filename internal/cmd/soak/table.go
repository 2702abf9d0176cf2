// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// table counts results by experiment, resource and CLI. It includes every test of the run: a subtest resource/experiment counts for this
// experiment and resource, and any other subtest for the experiment of its test, with the resource "several".
type table struct {
	clis   []string
	counts map[key]*count
}

type key struct{ experiment, resource, cli string }

type count struct{ passed, failed int }

func (t *table) readFile(name string) error {
	file, err := os.Open(name)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	return t.read(file, strings.TrimSuffix(filepath.Base(name), filepath.Ext(name)))
}

func (t *table) read(in io.Reader, cli string) error {
	passed, explained := map[string]bool{}, map[string]bool{}
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, 64<<20)
	for lines.Scan() {
		var event struct{ Action, Test string }
		if json.Unmarshal(lines.Bytes(), &event) != nil || event.Test == "" {
			continue
		}
		switch event.Action {
		case "pass", "fail", "skip": // a skipped test counts as failed, because it proves nothing
			passed[event.Test] = event.Action == "pass"
		}
	}
	t.clis = append(t.clis, cli)
	// A test that has subtests counts only when it fails and none of them does.
	for test, ok := range passed {
		for i, c := range test {
			if parent := test[:i]; c == '/' && (passed[parent] || !ok) {
				explained[parent] = true
			}
		}
	}
	for test, ok := range passed {
		if !explained[test] {
			t.add(test, ok, cli)
		}
	}
	return lines.Err()
}

func (t *table) add(test string, passed bool, cli string) {
	suite, rest, isSubtest := strings.Cut(test, "/")
	resource, experiment, hasResource := strings.Cut(rest, "/")
	switch {
	case !isSubtest && passed:
		return // not an experiment
	case !hasResource:
		resource, experiment = "several", words(suite)
	}
	if t.counts == nil {
		t.counts = map[key]*count{}
	}
	k := key{strings.ReplaceAll(experiment, "_", " "), resource, cli}
	if t.counts[k] == nil {
		t.counts[k] = &count{}
	}
	if passed {
		t.counts[k].passed++
	} else {
		t.counts[k].failed++
	}
}

var wordStart = regexp.MustCompile(`([a-z])([A-Z])`)

// words turns the name of a test into words: "TestAccSources_endlessLists" becomes "sources, endless lists".
func words(test string) string {
	name := strings.TrimPrefix(strings.TrimPrefix(test, "Test"), "Acc")
	return strings.ToLower(wordStart.ReplaceAllString(strings.ReplaceAll(name, "_", ", "), "$1 $2"))
}

// total returns the sum for one CLI; "" means all of them.
func (t *table) total(cli string) (sum count) {
	for k, c := range t.counts {
		if cli == "" || k.cli == cli {
			sum.passed, sum.failed = sum.passed+c.passed, sum.failed+c.failed
		}
	}
	return sum
}

// passed reports whether all tests of every CLI have passed, and there was at least one for each.
func (t *table) passed() bool {
	for _, cli := range t.clis {
		if sum := t.total(cli); sum.failed > 0 || sum.passed == 0 {
			return false
		}
	}
	return len(t.clis) > 0
}

func (t *table) String() string {
	var b strings.Builder
	for _, cli := range t.clis {
		sum := t.total(cli)
		fmt.Fprintf(&b, "%s: %d experiments passed, %d failed\n", cli, sum.passed, sum.failed)
	}
	resources, experiments := map[string]bool{}, map[string]bool{}
	for k := range t.counts {
		resources[k.resource], experiments[k.experiment] = true, true
	}
	columns := slices.Sorted(maps.Keys(resources))
	fmt.Fprintf(&b, "\n| Experiment | %s |\n|---|%s\n", strings.Join(columns, " | "), strings.Repeat("---|", len(columns)))
	for _, experiment := range slices.Sorted(maps.Keys(experiments)) {
		fmt.Fprintf(&b, "| %s |", experiment)
		for _, resource := range columns {
			fmt.Fprintf(&b, " %s |", t.cell(experiment, resource))
		}
		b.WriteString("\n")
	}
	return b.String()
}

// cell returns passed/total for each CLI, or "" if the experiment does not exist for the resource.
func (t *table) cell(experiment, resource string) string {
	var cells []string
	for _, cli := range t.clis {
		if c := t.counts[key{experiment, resource, cli}]; c != nil {
			cells = append(cells, fmt.Sprintf("%d/%d", c.passed, c.passed+c.failed))
		} else {
			cells = append(cells, "–")
		}
	}
	if distinct := slices.Compact(slices.Clone(cells)); len(distinct) == 1 && distinct[0] == "–" {
		return ""
	}
	return strings.Join(cells, " · ")
}

const (
	begin = "<!-- the table begins -->\n"
	end   = "<!-- the table ends -->\n"
)

// writeInto replaces the text between the marks of a page.
func (t *table) writeInto(page string) error {
	content, err := os.ReadFile(page)
	if err != nil {
		return err
	}
	before, rest, ok := strings.Cut(string(content), begin)
	_, after, closed := strings.Cut(rest, end)
	if !ok || !closed {
		return fmt.Errorf("%s has no place for the table: it needs the lines %q and %q", page, begin, end)
	}
	//nolint:gosec // documentation is readable by everybody
	return os.WriteFile(page, []byte(before+begin+t.String()+end+after), 0o644)
}
