// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// troubleshooting are the summaries that rows of the guide explain. A row has a cause and a remedy.
func troubleshooting(t *testing.T, page string) (explained []string) {
	t.Helper()
	for line := range strings.Lines(page) {
		row, isRow := strings.CutPrefix(strings.TrimSpace(line), "| ")
		if !isRow || strings.HasPrefix(row, "Summary |") {
			continue
		}
		cells := strings.Split(strings.TrimSuffix(row, " |"), " | ")
		if len(cells) != 3 || slices.Contains(cells, "") {
			t.Errorf("this row is not summary, cause and remedy: %s", line)
			continue
		}
		explained = append(explained, strings.Split(cells[0], "<br>")...)
	}
	return explained
}

// A summary that is renamed is renamed in the guide, too.
func TestTroubleshooting_explainsEverySummary(t *testing.T) {
	t.Parallel()
	explained := troubleshooting(t, string(fileOf(t, filepath.Join("..", "..", "templates", "guides", "troubleshooting.md"))))
	said := map[string]string{}
	for _, s := range readSummaries(sources(t, false, "provider")).found {
		said[s.text] = s.at
	}
	for text, at := range said {
		if !slices.Contains(explained, text) {
			t.Errorf("templates/guides/troubleshooting.md does not explain %q of %s", text, at)
		}
	}
	for i, text := range explained {
		if said[text] == "" {
			t.Errorf("templates/guides/troubleshooting.md explains %q, which nothing says", text)
		}
		if slices.Contains(explained[:i], text) {
			t.Errorf("templates/guides/troubleshooting.md explains %q twice", text)
		}
	}
}
