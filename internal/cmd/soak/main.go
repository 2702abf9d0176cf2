// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

// Command soak makes a table of the results of the fault matrix. It reads the output of `go test -json` from files that are named after the
// tested CLI (terraform.json, tofu.json), prints a table of experiment × resource × CLI with totals, and writes it into the page that -page
// names, between two marks. It exits with 1 if a test has failed or was skipped.
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
