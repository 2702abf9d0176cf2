// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

// Command testprovider is the provider as the CLIs of the tests start it: the same one, but in an experiment it has the
// experiment's clock and dies on demand. It is built once for all tests.
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
