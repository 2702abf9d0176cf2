// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

// Command terraform-provider-kvs serves the provider to Terraform and OpenTofu, which start it.
package main

import (
	"flag"
	"log"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/provider"
)

// version is set by the linker when a release is built.
var version = "dev"

func main() {
	debug := flag.Bool("debug", false, "run on its own, for a debugger, and print the TF_REATTACH_PROVIDERS to use it with")
	flag.Parse()

	if err := provider.Serve(version, *debug); err != nil {
		log.Fatal(err)
	}
}
