// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package main

import (
	"fmt"
	"strings"
)

// row is one line of the table: what was measured, and what it may be at most.
type row struct {
	work  string
	field string  // what the two existing providers take for it together, measured once; "" where they have none
	limit float64 // what it would be if nothing but the network and the CLI took time
	bound float64 // 0: shown, but not judged
	ours  float64
	unit  unit
}

type unit int

const (
	requests unit = iota
	seconds
	milliseconds
	mebibytes
	kibibytes
	ratio
)

// counted reports that it does not depend on the machine, nor on how busy it is.
func (u unit) counted() bool { return u == requests }

func (u unit) format(value float64) string {
	switch u {
	case requests:
		return fmt.Sprintf("%.0f", value)
	case seconds:
		return fmt.Sprintf("%.1f s", value)
	case milliseconds:
		return fmt.Sprintf("%.0f ms", value)
	case mebibytes:
		return fmt.Sprintf("%.1f MiB", value)
	case kibibytes:
		return fmt.Sprintf("%.1f KiB", value)
	}
	return fmt.Sprintf("%.2f", value)
}

func (r row) within() bool { return r.bound == 0 || r.ours <= r.bound }

// cells are the row as text.
func (r row) cells() []string {
	cells := []string{r.work, r.field, "", "", r.unit.format(r.ours), ""}
	if r.limit > 0 {
		cells[2] = r.unit.format(r.limit)
	}
	if r.bound > 0 {
		cells[3], cells[5] = r.unit.format(r.bound), "yes"
		if !r.within() {
			cells[5] = "**no**"
		}
	}
	return cells
}

var heads = []string{"Work", "In the field", "Limit", "At most", "Ours", "Within"}

// markdown is the table for people, aligned.
func markdown(rows []row) string {
	lines := [][]string{heads}
	for _, r := range rows {
		lines = append(lines, r.cells())
	}
	width := make([]int, len(heads))
	for _, cells := range lines {
		for i, cell := range cells {
			width[i] = max(width[i], len([]rune(cell)))
		}
	}
	var b strings.Builder
	for n, cells := range lines {
		for i, cell := range cells {
			pad := strings.Repeat(" ", width[i]-len([]rune(cell)))
			if i > 0 && n > 0 {
				cell, pad = pad+cell, ""
			}
			b.WriteString("| " + cell + pad + " ")
		}
		b.WriteString("|\n")
		if n == 0 {
			for i, w := range width {
				rule := strings.Repeat("-", w)
				if i > 0 {
					rule = rule[1:] + ":"
				}
				b.WriteString("| " + rule + " ")
			}
			b.WriteString("|\n")
		}
	}
	return b.String()
}
