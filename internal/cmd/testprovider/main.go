// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

// Command testprovider is the provider binary that Terraform and OpenTofu start in tests. It is the real provider, except that an
// experiment can replace its clock and make it exit. It is built once for all tests.
package main

import (
	"log"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/acctest/remote"
)

func main() {
	if err := remote.Serve(); err != nil {
		log.Fatal(err)
	}
}
