// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package main

import (
	"fmt"
	"strings"
)

// estate is what a configuration of n stores is made of. The apps are there before.
type estate struct {
	n        int
	apps     []string // ids
	windows  bool     // a kvs_maintenance_window for each store
	attached bool     // a kvs_attachment for each store, on another app, instead of a name for its first one

	direct bool // each object refers to all stores for the id of its own, instead of to a local value, which is more to evaluate
}

// resources is how many Terraform has to do with.
func (e estate) resources() int {
	each := 1
	if e.windows {
		each++
	}
	if e.attached {
		each++
	}
	return each * e.n
}

const required = "terraform {\n  required_providers {\n    kvs = {\n      source = \"terraform-kvs/kvs\"\n    }\n  }\n}\n"

func (e estate) configuration() string {
	var b strings.Builder
	fmt.Fprintf(&b, `%s
locals {
  apps = ["%s"]
}

resource "kvs_instance" "cache" {
  count               = %d
  app_id              = local.apps[count.index %% length(local.apps)]
  plan                = "premium-0"
  name                = "bench-${count.index}"
  timeout             = 600
  maxmemory_policy    = "allkeys-lru"
  deletion_protection = false
`, required, strings.Join(e.apps, `", "`), e.n)
	if !e.attached {
		b.WriteString("  attachment_name     = \"CACHE_${count.index}\"\n")
	}
	b.WriteString("}\n")
	id := e.reference(&b, "kvs_instance")
	if e.windows {
		fmt.Fprintf(&b, `
resource "kvs_maintenance_window" "cache" {
  count       = %d
  instance_id = %s
  day         = "Sunday"
  time        = "02:30"
}
`, e.n, id)
	}
	if e.attached {
		fmt.Fprintf(&b, `
resource "kvs_attachment" "cache" {
  count       = %d
  app_id      = local.apps[(count.index + 1) %% length(local.apps)]
  instance_id = %s
  name        = "CACHE_${count.index}"
}
`, e.n, id)
	}
	return b.String()
}

// builtIn has as many resources as the estate, which refer to each other in the same way, and nothing behind them: what
// they take is the CLI's own.
func (e estate) builtIn() string {
	var b strings.Builder
	fmt.Fprintf(&b, "resource \"terraform_data\" \"cache\" {\n  count = %d\n  input = \"n-${count.index}\"\n}\n", e.n)
	id := e.reference(&b, "terraform_data")
	for i := range e.resources()/e.n - 1 {
		fmt.Fprintf(&b, "\nresource \"terraform_data\" \"of_cache_%d\" {\n  count = %d\n  input = %s\n}\n", i, e.n, id)
	}
	return b.String()
}

// reference is the id of the store, or of what stands for it, with the same number.
func (e estate) reference(b *strings.Builder, kind string) string {
	all := kind + ".cache"
	if e.direct {
		return all + "[count.index].id"
	}
	fmt.Fprintf(b, "\nlocals {\n  ids = %s[*].id\n}\n", all)
	return "local.ids[count.index]"
}

// name begins the name of a row.
func (e estate) name() string {
	if e.attached {
		return fmt.Sprintf("%d stores, each attached to another app: ", e.n)
	}
	return fmt.Sprintf("%d stores: ", e.n)
}
