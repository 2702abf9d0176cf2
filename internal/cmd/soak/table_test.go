// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func lines(events ...string) string {
	var b strings.Builder
	for _, event := range events {
		action, test, _ := strings.Cut(event, " ")
		b.WriteString(`{"Action":"` + action + `","Test":"` + test + `"}` + "\n")
	}
	return b.String()
}

func TestTable_counts(t *testing.T) {
	t.Parallel()
	var got table
	terraform := lines("pass TestAccFaults/app/create,_401", "pass TestAccFaults/app", "pass TestAccFaults",
		"run TestAccFaults/app/create,_402",
		"pass TestAccRandomSoak/seed_1", "pass TestAccRandomSoak/seed_2", "pass TestSample")
	tofu := lines("fail TestAccFaults/app/create,_401", "fail TestAccFaults/app", "fail TestAccFaults", "skip TestAccRandomSoak/seed_1")
	if err := got.read(strings.NewReader(terraform), "terraform"); err != nil {
		t.Fatal(err)
	}
	if !got.passed() {
		t.Errorf("three passes are a failure:\n%s", got.String())
	}
	if err := got.read(strings.NewReader(tofu), "tofu"); err != nil {
		t.Fatal(err)
	}
	if got.passed() {
		t.Error("a failure and a skip are a success")
	}
	want := `terraform: 3 experiments passed, 0 failed
tofu: 0 experiments passed, 2 failed

| Experiment | app | several |
|---|---|---|
| create, 401 | 1/1 · 0/1 |  |
| random soak |  | 2/2 · 0/1 |
`
	if got.String() != want {
		t.Errorf("the table is\n%s\nwant\n%s", got.String(), want)
	}
}

func TestTable_nothingTried(t *testing.T) {
	t.Parallel()
	var nothing table
	if nothing.passed() {
		t.Error("no run at all is a success")
	}
	if err := nothing.read(strings.NewReader(""), "terraform"); err != nil || nothing.passed() {
		t.Errorf("a run without experiments is a success (error %v)", err)
	}
}

func TestTable_page(t *testing.T) {
	t.Parallel()
	var some table
	if err := some.read(strings.NewReader(lines("pass TestAccDeaths/app/killed")), "terraform"); err != nil {
		t.Fatal(err)
	}
	page := filepath.Join(t.TempDir(), "page")
	write := func(content string) error {
		if err := os.WriteFile(page, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return some.writeInto(page)
	}
	if err := write("before\n" + begin + "old\n" + end + "after\n"); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	if got := string(content); got != "before\n"+begin+some.String()+end+"after\n" {
		t.Errorf("the page is\n%s", got)
	}
	if err := write("no marks"); err == nil {
		t.Error("a page without marks is accepted")
	}
}

func TestTable_everyFailureCounts(t *testing.T) {
	t.Parallel()
	for _, event := range []string{"fail TestSample", "fail TestAccDeaths", "fail TestAccDeaths/app", "skip TestAccDeaths/app/killed"} {
		var got table
		if err := got.read(strings.NewReader(lines(event, "pass TestAccDeaths/app/other")), "terraform"); err != nil || got.passed() {
			t.Errorf("%s is a success (error %v)", event, err)
		}
	}
}

func TestTable_namesOfTests(t *testing.T) {
	t.Parallel()
	for test, want := range map[string]string{
		"TestAccKillSoak": "kill soak", "TestAccSources_endlessLists": "sources, endless lists", "TestURLs_parsed": "urls, parsed",
	} {
		if got := words(test); got != want {
			t.Errorf("%s is %q, want %q", test, got, want)
		}
	}
}
