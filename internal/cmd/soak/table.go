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
	"slices"
	"strings"
)

// table counts outcomes by experiment, resource and CLI. Experiments that differ in a number only are one row.
type table struct {
	clis   []string
	counts map[key]*count
}

type key struct{ experiment, resource, cli string }

type count struct{ passed, failed int }

// suites are the tests whose subtests are experiments; those with a title are not about one resource.
var suites = map[string]string{
	"TestAccFaults": "", "TestAccReads": "", "TestAccOutside": "", "TestAccPeople": "", "TestAccInterruptions": "", "TestAccDeaths": "", "TestAccPanics": "",
	"TestAccMigration": "", "TestAccSources": "", "TestAccClocks": "", "TestAccDrips": "",
	"TestAccRedirects":               "a redirect to another host, token watched",
	"TestAccRandomSoak":              "random faults over 30 objects, one seed each",
	"TestAccKillSoak":                "the provider is killed after one of its answers, one after the other",
	"TestAccHostile_importIDs":       "hostile import ids",
	"TestAccSources_overTheProtocol": "every data source with every fault, over the protocol",
	"TestAccSources_endlessLists":    "data sources with lists that never end, over the protocol",
	"TestActions_misfortunes":        "every action with every fault, over the protocol",
	"TestURLs_parsed":                "URLs with special characters, parsed",
	"TestAccURLs_ofForks":            "URLs with special characters, of a fork",
	"TestAccURLs_ofStores":           "URLs with special characters, of a store",
}

const several = "several"

func (t *table) readFile(name string) error {
	file, err := os.Open(name)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	return t.read(file, strings.TrimSuffix(filepath.Base(name), filepath.Ext(name)))
}

func (t *table) read(in io.Reader, cli string) error {
	if t.counts == nil {
		t.counts = map[key]*count{}
	}
	t.clis = append(t.clis, cli)
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, 64<<20)
	for lines.Scan() {
		var event struct{ Action, Test string }
		if json.Unmarshal(lines.Bytes(), &event) != nil {
			continue
		}
		t.add(event.Action, event.Test, cli)
	}
	return lines.Err()
}

// add takes in the end of a test. Skipped is failed: what was not tried proves nothing.
func (t *table) add(action, test, cli string) {
	if action != "pass" && action != "fail" && action != "skip" {
		return
	}
	suite, rest, _ := strings.Cut(test, "/")
	title, known := suites[suite]
	resource, experiment, deep := strings.Cut(rest, "/")
	switch {
	case !known, rest == "", title == "" && !deep:
		return // a parent of experiments
	case title != "":
		resource, experiment = several, title
	}
	k := key{strings.ReplaceAll(experiment, "_", " "), resource, cli}
	if t.counts[k] == nil {
		t.counts[k] = &count{}
	}
	if action == "pass" {
		t.counts[k].passed++
	} else {
		t.counts[k].failed++
	}
}

// total of one CLI; "" is all of them.
func (t *table) total(cli string) (sum count) {
	for k, c := range t.counts {
		if cli == "" || k.cli == cli {
			sum.passed, sum.failed = sum.passed+c.passed, sum.failed+c.failed
		}
	}
	return sum
}

// passed is false also when nothing was tried.
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

// cell is passed/tried for each CLI; empty where there is no such experiment.
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

// writeInto replaces what is between the marks of a page.
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
	//nolint:gosec // a page of the documentation is for everybody
	return os.WriteFile(page, []byte(before+begin+t.String()+end+after), 0o644)
}
