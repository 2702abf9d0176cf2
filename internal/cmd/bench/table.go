// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package main

import (
	"bytes"
	_ "embed"
	"encoding/csv"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"text/tabwriter"
)

// row is one line of the table.
type row struct {
	work  string
	limit float64 // theoretical minimum, where only the network and the CLI take time; 0 = none
	bound float64 // accepted maximum; 0 = the result is only shown
	ours  float64
	unit  unit
}

type unit string

const (
	requests  unit = "requests"
	seconds   unit = "seconds"
	mebibytes unit = "MiB"
	kibibytes unit = "KiB"
	ratio     unit = ""
)

func (u unit) format(value float64) string {
	switch u {
	case requests:
		return fmt.Sprintf("%.0f", value)
	case seconds:
		return fmt.Sprintf("%.1f s", value)
	case ratio:
		return fmt.Sprintf("%.2f", value)
	}
	return fmt.Sprintf("%.1f %s", value, u)
}

func (r row) optional(value float64) string {
	if value == 0 {
		return "" // the row has no such value
	}
	return r.unit.format(value)
}

func (r row) within() bool { return r.bound == 0 || r.ours <= r.bound }

// existingData has measurements of the two existing Heroku providers for the same work, with their sources.
//
//go:embed field.csv
var existingData []byte

// existingProviders returns the measurements of the existing providers, keyed by work and unit.
func existingProviders() (map[string]float64, error) {
	lines, err := csv.NewReader(bytes.NewReader(existingData)).ReadAll()
	values := map[string]float64{}
	for _, line := range lines[min(1, len(lines)):] {
		value, numberErr := strconv.ParseFloat(line[2], 64)
		values[line[0]+line[1]], err = value, errors.Join(err, numberErr)
	}
	return values, err
}

// markdown formats the rows as an aligned Markdown table.
func markdown(rows []row) string {
	others, err := existingProviders()
	if err != nil {
		return err.Error() // never happens: a test checks the file
	}
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 1, ' ', 0)
	fmt.Fprint(w, "| Work\t| In the field\t| Limit\t| At most\t| Ours\t| Within\t|\n| ---\t| --:\t| --:\t| --:\t| --:\t| --:\t|\n")
	for _, r := range rows {
		within := map[bool]string{true: "yes", false: "**no**"}[r.within()]
		if r.bound == 0 {
			within = ""
		}
		fmt.Fprintf(w, "| %s\t| %s\t| %s\t| %s\t| %s\t| %s\t|\n", r.work, r.optional(others[r.work+string(r.unit)]),
			r.optional(r.limit), r.optional(r.bound), r.unit.format(r.ours), within)
	}
	_ = w.Flush() // a strings.Builder never fails
	return b.String()
}

func (b *bench) results() string {
	return fmt.Sprintf("%s %s, %d stores on %d apps, every request takes %v, `-parallelism=%d`:\n\n%s",
		b.name, b.version, b.stores, b.apps, b.latency, parallelism, markdown(b.rows))
}

const page = "guides/performance.md"

// pageDirs are the directories with the page: its source, and the output of make generate.
var pageDirs = []string{"templates", "docs"}

// publish replaces the results of the same CLI in the page.
func (b *bench) publish(root string) error {
	for _, dir := range pageDirs {
		file := filepath.Join(root, dir, page)
		content, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		replaced, err := replaceResults(string(content), strings.ToLower(b.name), b.results())
		if err == nil {
			err = os.WriteFile(file, []byte(replaced), 0o644) //nolint:gosec // documentation is readable by everybody
		}
		if err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
	}
	return nil
}

// replaceResults replaces the text between the marks for a CLI.
func replaceResults(page, cli, text string) (string, error) {
	begin, end := "<!-- make bench: "+cli+" -->\n", "<!-- end of "+cli+" -->\n"
	head, rest, ok := strings.Cut(page, begin)
	_, tail, closed := strings.Cut(rest, end)
	if !ok || !closed {
		return "", fmt.Errorf("there is no place for the results of %s", cli)
	}
	return head + begin + "\n" + text + "\n" + end + tail, nil
}
