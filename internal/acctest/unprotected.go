// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package acctest

import "regexp"

// The CLIs merge a file whose name ends in overrides into the other files of its directory.
const (
	UnprotectedFile = "unprotected" + overrides
	overrides       = "_override.tf"
)

// protected matches blocks with an attribute deletion_protection, or an input of that name as all modules of examples/modules have.
var protected = regexp.MustCompile(`(?m)^(resource "kvs_(?:instance|private_space)" "\w+"|module "\w+") \{`)

// Unprotected returns an override file that turns deletion_protection off. Examples leave the attribute out, so that a copy of one
// is protected; with this file beside it, a test can destroy what it has created.
func Unprotected(config string) (file string) {
	for _, block := range protected.FindAllStringSubmatch(config, -1) {
		file += block[1] + " {\n  deletion_protection = false\n}\n"
	}
	return file
}

// Unprotect writes the override file beside the configuration of an example.
func (c *CLI) Unprotect(config string) {
	c.t.Helper()
	c.Write(UnprotectedFile, Unprotected(config))
}
