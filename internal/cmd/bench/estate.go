// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package main

import (
	"fmt"
	"strings"
	"text/template"
)

// estate describes a configuration with n stores. Its apps already exist.
type estate struct {
	n        int
	apps     []string // ids
	windows  bool     // a kvs_maintenance_window for each store
	attached bool     // a kvs_attachment for each store, on another app, instead of a name for its first attachment
	direct   bool     // each object gets the id of its store from the list of all stores, instead of a local value that is evaluated once
}

func (e estate) configuration() string { return e.render(estateTemplate, "kvs_instance") }

// builtIn returns a configuration with the same number of built-in resources and references. Its time is the baseline: the time of the
// CLI itself.
func (e estate) builtIn() string { return e.render(builtInTemplate, "terraform_data") }

func (e estate) render(t *template.Template, kind string) string {
	id := "local.ids[count.index]"
	if e.direct {
		id = kind + ".cache[count.index].id"
	}
	var b strings.Builder
	check(t.Execute(&b, map[string]any{
		"N": e.n, "Apps": strings.Join(e.apps, `", "`), "ID": id, "Windows": e.windows, "Attached": e.attached}))
	return b.String()
}

var estateTemplate = template.Must(template.New("estate").Parse(`terraform {
  required_providers {
    kvs = { source = "terraform-kvs/kvs" }
  }
}

locals {
  apps = ["{{.Apps}}"]
  ids  = kvs_instance.cache[*].id
}

resource "kvs_instance" "cache" {
  count               = {{.N}}
  app_id              = local.apps[count.index % length(local.apps)]
  plan                = "premium-0"
  name                = "bench-${count.index}"
  timeout             = 600
  maxmemory_policy    = "allkeys-lru"
  deletion_protection = false
  {{if not .Attached}}attachment_name = "CACHE_${count.index}"{{end}}
}
{{if .Windows}}
resource "kvs_maintenance_window" "cache" {
  count       = {{.N}}
  instance_id = {{.ID}}
  day         = "Sunday"
  time        = "02:30"
}
{{end}}{{if .Attached}}
resource "kvs_attachment" "cache" {
  count       = {{.N}}
  app_id      = local.apps[(count.index + 1) % length(local.apps)]
  instance_id = {{.ID}}
  name        = "CACHE_${count.index}"
}
{{end}}`))

var builtInTemplate = template.Must(template.New("built-in").Parse(`locals {
  ids = terraform_data.cache[*].id
}
resource "terraform_data" "cache" {
  count = {{.N}}
  input = "n-${count.index}"
}
{{if .Windows}}
resource "terraform_data" "window" {
  count = {{.N}}
  input = {{.ID}}
}
{{end}}{{if .Attached}}
resource "terraform_data" "attachment" {
  count = {{.N}}
  input = {{.ID}}
}
{{end}}`))

// name returns the beginning of the name of a row.
func (e estate) name() string {
	return fmt.Sprintf("%d stores%s: ", e.n, map[bool]string{true: ", each attached to another app"}[e.attached])
}
