// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package acctest

import "regexp"

// The CLIs merge each file whose name ends in overrides over the other files of its directory.
const (
	UnprotectedFile = "unprotected" + overrides
	overrides       = "_override.tf"
)

// protected are the blocks that deletion_protection is in, or an input of: the modules are those of examples/modules.
var protected = regexp.MustCompile(`(?m)^(resource "kvs_(?:instance|private_space)" "\w+"|module "\w+") \{`)

// Unprotected is an override file for a configuration. Examples leave deletion_protection out, so that a copy of one is
// protected; with this file beside it, a test can destroy what it has made.
func Unprotected(config string) (file string) {
	for _, block := range protected.FindAllStringSubmatch(config, -1) {
		file += block[1] + " {\n  deletion_protection = false\n}\n"
	}
	return file
}

// Unprotect puts the override file beside the configuration of an example.
func (c *CLI) Unprotect(config string) {
	c.t.Helper()
	c.Write(UnprotectedFile, Unprotected(config))
}
