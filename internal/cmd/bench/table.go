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
	limit float64 // the least that is possible, where only the network and the CLI take time; 0 if there is none
	bound float64 // the most that is accepted; 0: the result is shown, but not judged
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
		return "" // the row has none
	}
	return r.unit.format(value)
}

func (r row) within() bool { return r.bound == 0 || r.ours <= r.bound }

// fieldData has what the two existing Heroku providers take for the same work, with its source.
//
//go:embed field.csv
var fieldData []byte

// field is what the existing providers take by work and unit.
func field() (map[string]float64, error) {
	lines, err := csv.NewReader(bytes.NewReader(fieldData)).ReadAll()
	values := map[string]float64{}
	for _, line := range lines[min(1, len(lines)):] {
		value, numberErr := strconv.ParseFloat(line[2], 64)
		values[line[0]+line[1]], err = value, errors.Join(err, numberErr)
	}
	return values, err
}

// markdown is the table, aligned.
func markdown(rows []row) string {
	others, err := field()
	if err != nil {
		return err.Error() // a test reads the file
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
	_ = w.Flush() // a strings.Builder takes everything
	return b.String()
}

func (b *bench) results() string {
	return fmt.Sprintf("%s %s, %d stores on %d apps, every request takes %v, `-parallelism=%d`:\n\n%s",
		b.name, b.version, b.stores, b.apps, b.latency, parallelism, markdown(b.rows))
}

const page = "guides/performance.md"

// homes of the page: the source, and what make generate makes of it.
var homes = []string{"templates", "docs"}

// publish puts the results where the page has those of the same CLI.
func (b *bench) publish(root string) error {
	for _, home := range homes {
		file := filepath.Join(root, home, page)
		content, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		replaced, err := replaceResults(string(content), strings.ToLower(b.name), b.results())
		if err == nil {
			err = os.WriteFile(file, []byte(replaced), 0o644) //nolint:gosec // for everybody
		}
		if err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
	}
	return nil
}

// replaceResults replaces the text between the marks of a CLI.
func replaceResults(page, cli, text string) (string, error) {
	begin, end := "<!-- make bench: "+cli+" -->\n", "<!-- end of "+cli+" -->\n"
	head, rest, ok := strings.Cut(page, begin)
	_, tail, closed := strings.Cut(rest, end)
	if !ok || !closed {
		return "", fmt.Errorf("there is no place for the results of %s", cli)
	}
	return head + begin + "\n" + text + "\n" + end + tail, nil
}
