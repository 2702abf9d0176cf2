// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestMain stands in for main: the CLI starts this binary as its provider.
func TestMain(m *testing.M) {
	if metered() {
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
	if err := beyond(rows, true); err == nil || !strings.Contains(err.Error(), "plan: 11, at most 10") || !strings.Contains(err.Error(), "create: 11.0 s") {
		t.Error(err)
	}
	if err := beyond(rows, false); err == nil || strings.Contains(err.Error(), "create") || strings.Contains(err.Error(), "destroy") {
		t.Error(err)
	}
	if err := beyond(rows[2:], true); err != nil {
		t.Error(err)
	}
}

func TestResultsReplaceThoseOfTheSameCLI(t *testing.T) {
	t.Parallel()
	const page = "# Page\n<!-- make bench: opentofu -->\nold\n<!-- end of opentofu -->\n<!-- make bench: terraform -->\nkept\n<!-- end of terraform -->\nend\n"
	got, err := between(page, "opentofu", "new\n")
	if err != nil || strings.Contains(got, "old") || !strings.Contains(got, "new") || !strings.Contains(got, "kept") || !strings.HasSuffix(got, "end\n") {
		t.Errorf("%v\n%s", err, got)
	}
	if again, err := between(got, "opentofu", "new\n"); err != nil || again != got {
		t.Errorf("%v\n%s", err, again)
	}
	if _, err := between(page, "terragrunt", "new\n"); err == nil {
		t.Error("results went nowhere")
	}
}

func TestPublishedForTheReaderAndForTheNextGeneration(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	for _, home := range homes {
		file := filepath.Join(root, home, page)
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte("<!-- make bench: opentofu -->\n<!-- end of opentofu -->\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	b := &bench{tools: &tools{name: "OpenTofu", version: "1.12.6"}, rows: []row{{work: "plan", ours: 203, unit: requests}}, growth: []point{{n: 10}, {n: 5000}}}
	if err := b.publish(root); err != nil {
		t.Fatal(err)
	}
	for _, home := range homes {
		text, err := os.ReadFile(filepath.Join(root, home, page))
		if err != nil || !strings.Contains(string(text), "OpenTofu 1.12.6") || !strings.Contains(string(text), "203") {
			t.Errorf("%s: %v, %s", home, err, text)
		}
		drawn, err := os.ReadFile(filepath.Join(root, home, "images/performance-opentofu.svg"))
		if err != nil || !strings.Contains(string(drawn), "</svg>") {
			t.Errorf("%s: %v, %s", home, err, drawn)
		}
	}
	b.name = "Terragrunt"
	if err := b.publish(root); err == nil {
		t.Error("results went nowhere")
	}
}

func TestPlotIsWhatABrowserDraws(t *testing.T) {
	t.Parallel()
	drawn, err := plot([]point{{n: 10}, {n: 5000}}, "OpenTofu")
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{"<svg ", "</svg>", "OpenTofu alone", ">1000<"} {
		if !strings.Contains(string(drawn), part) {
			t.Errorf("there is no %s in\n%s", part, drawn)
		}
	}
	if strings.Contains(string(drawn), "NaN") || strings.Contains(string(drawn), "Inf") {
		t.Errorf("%s", drawn)
	}
}
