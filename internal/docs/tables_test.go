// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package docs

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/keyvalue"
)

var update = flag.Bool("update", false, "write the tables into templates/guides")

// tables are those of the guides, by page and by the name in the marks around them.
var tables = map[string]map[string]func() string{
	"plans-and-prices.md": {
		"common plans":  func() string { return planTable(keyvalue.ClassCommon) },
		"private plans": func() string { return planTable(keyvalue.ClassPrivate) },
		"shield plans":  func() string { return planTable(keyvalue.ClassShield) },
		"spaces":        spaceTable,
	},
	"versions.md": {"versions": versionTable},
}

// The tables of the guides are those of package keyvalue. With -update they become so.
func TestTables_areThoseOfTheCatalogue(t *testing.T) {
	t.Parallel()
	for name, ofPage := range tables {
		path := filepath.Join(root, "templates", "guides", name)
		page := read(t, path)
		current := page
		for mark, table := range ofPage {
			begin, end := "<!-- begin "+mark+" -->\n", "<!-- end "+mark+" -->"
			before, rest, opened := strings.Cut(current, begin)
			_, after, closed := strings.Cut(rest, end)
			if !opened || !closed {
				t.Fatalf("%s has no table between %q and %q", name, begin, end)
			}
			current = before + begin + "\n" + table() + "\n" + end + after
		}
		switch {
		case current == page:
		case *update:
			if err := os.WriteFile(path, []byte(current), 0o600); err != nil {
				t.Fatal(err)
			}
		default:
			t.Errorf("the tables of %s are not those of package keyvalue: run make generate", name)
		}
	}
}

func planTable(class keyvalue.RuntimeClass) string {
	var b strings.Builder
	b.WriteString("| Plan | Memory | Connections | vCPUs | Standby | To disk | Maintenance window | Price a month |\n")
	b.WriteString("|---|--:|--:|--:|---|---|---|--:|\n")
	for _, p := range keyvalue.Plans() {
		if p.Class != class {
			continue
		}
		cpus, persistence, price := fmt.Sprint(p.VCPU), "every second", "not published"
		if p.SharedCPU {
			cpus += ", shared"
		}
		if p.Persistence == "None" {
			persistence = "no"
		}
		if p.MonthlyPriceCents != nil {
			price = dollars(*p.MonthlyPriceCents)
		}
		fmt.Fprintf(&b, "| `%s` | %s | %d | %s | %s | %s | %s | %s |\n", p.Name, memory(p.MemoryMB), p.ConnectionLimit, cpus,
			yes(p.HighAvailability), persistence, yes(p.MaintenanceWindow), price)
	}
	return b.String()
}

func spaceTable() string {
	return "| Space | Price a month, at most |\n|---|--:|\n" +
		"| Private Space | " + dollars(keyvalue.SpacePriceCents(false)) + " |\n" +
		"| Shield Space (`shield = true`) | " + dollars(keyvalue.SpacePriceCents(true)) + " |\n"
}

func versionTable() string {
	var b strings.Builder
	b.WriteString("| Version | Server | Status | End of life |\n|---|---|---|---|\n")
	for _, r := range keyvalue.Releases() {
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", r.Version, r.Server, r.Status, r.EndOfLife)
	}
	return b.String()
}

func memory(mb int) string {
	if mb%1024 == 0 {
		return fmt.Sprintf("%d GB", mb/1024)
	}
	return fmt.Sprintf("%d MB", mb)
}

func dollars(cents int) string { return fmt.Sprintf("$%d.%02d", cents/100, cents%100) }

func yes(is bool) string {
	if is {
		return "yes"
	}
	return "no"
}
