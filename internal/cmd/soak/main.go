// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

// Command soak makes a table of the results of the fault matrix. It reads `go test -json` from files named after the
// CLI that was driven (terraform.json, tofu.json), prints the table of experiment × resource × CLI with its totals, and
// puts it into the page that -page names, between two marks. It exits with 1 when anything failed or was left out.
package main

import (
	"flag"
	"fmt"
	"os"
)

func main() {
	page := flag.String("page", "", "the page whose table is replaced")
	flag.Parse()

	var t table
	for _, name := range flag.Args() {
		if err := t.readFile(name); err != nil {
			fail(err)
		}
	}
	fmt.Print(t.String())
	if *page != "" {
		if err := t.writeInto(*page); err != nil {
			fail(err)
		}
	}
	if !t.passed() {
		os.Exit(1)
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "soak:", err)
	os.Exit(1)
}
