// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestMain calls main if the CLI has started this binary as its provider.
func TestMain(m *testing.M) {
	if startedAsProvider() {
		main()
		return
	}
	os.Exit(m.Run())
}

func TestWhatIsBeyondItsBoundIsNamed(t *testing.T) {
	t.Parallel()
	rows := []row{
		{work: "plan", bound: 10, ours: 11, unit: requests},
		{work: "create", bound: 10, ours: 11, unit: seconds},
		{work: "destroy", bound: 10, ours: 10, unit: requests},
		{work: "shown only", ours: 10, unit: requests},
	}
	if err := exceeded(rows, true); err == nil || !strings.Contains(err.Error(), "plan: 11, at most 10") ||
		!strings.Contains(err.Error(), "create: 11.0 s") {
		t.Error(err)
	}
	if err := exceeded(rows, false); err == nil || strings.Contains(err.Error(), "create") || strings.Contains(err.Error(), "destroy") {
		t.Error(err)
	}
	if err := exceeded(rows[2:], true); err != nil {
		t.Error(err)
	}
}

func TestResultsReplaceThoseOfTheSameCLI(t *testing.T) {
	t.Parallel()
	const page = "# Page\n<!-- make bench: opentofu -->\nold\n<!-- end of opentofu -->\n<!-- make bench: terraform -->\nkept\n<!-- end of " +
		"terraform -->\nend\n"
	got, err := replaceResults(page, "opentofu", "new\n")
	if err != nil || strings.Contains(got, "old") || !strings.Contains(got, "new") || !strings.Contains(got, "kept") ||
		!strings.HasSuffix(got, "end\n") {
		t.Errorf("%v\n%s", err, got)
	}
	if again, err := replaceResults(got, "opentofu", "new\n"); err != nil || again != got {
		t.Errorf("%v\n%s", err, again)
	}
	if _, err := replaceResults(page, "terragrunt", "new\n"); err == nil {
		t.Error("results went nowhere")
	}
}

func TestPublishedForTheReaderAndForTheNextGeneration(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	for _, dir := range pageDirs {
		file := filepath.Join(root, dir, page)
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte("<!-- make bench: opentofu -->\n<!-- end of opentofu -->\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	b := &bench{tools: &tools{name: "OpenTofu", version: "1.12.6"}, rows: []row{{work: "plan", ours: 203, unit: requests}}}
	if err := b.publish(root); err != nil {
		t.Fatal(err)
	}
	for _, dir := range pageDirs {
		text, err := os.ReadFile(filepath.Join(root, dir, page))
		if err != nil || !strings.Contains(string(text), "OpenTofu 1.12.6") || !strings.Contains(string(text), "203") {
			t.Errorf("%s: %v, %s", dir, err, text)
		}
	}
	b.name = "Terragrunt"
	if err := b.publish(root); err == nil {
		t.Error("results went nowhere")
	}
}

// Every measurement of the existing providers must belong to a row, because otherwise it would never be shown.
func TestFiguresOfTheFieldBelongToRows(t *testing.T) {
	t.Parallel()
	all, err := existingProviders()
	if err != nil || len(all) != 16 {
		t.Fatalf("%d figures: %v", len(all), err)
	}
	shown := markdown([]row{{work: "200 stores: create", ours: 633, unit: requests}, {work: "200 stores: create", ours: 9.9, unit: seconds}})
	if !strings.Contains(shown, "| 2400 ") || !strings.Contains(shown, "| 144.0 s ") {
		t.Error(shown)
	}
}
