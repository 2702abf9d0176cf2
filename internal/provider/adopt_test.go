// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/acctest"
)

// The steps of the guide "Adopting existing infrastructure", beside the plan of TestAccMoveState_estate.

// estateImports import all of the estate by names.
const estateImports = `
import {
  to = kvs_private_space.prod
  id = "acme-prod"
}

import {
  to = kvs_private_space.vault
  id = "acme-vault"
}

import {
  to = kvs_trusted_ip_ranges.prod
  id = "acme-prod"
}

import {
  to = kvs_space_app_access.prod
  id = "acme-prod:member@acme.example"
}

import {
  to = kvs_space_app_access.vault
  id = "acme-vault:Member@acme.example"
}

import {
  to = kvs_formation.web
  id = "orders-web:web"
}

import {
  to = kvs_formation.worker
  id = "admin-web:worker"
}

import {
  for_each = toset(values(local.stores)[*].app)
  to       = kvs_app.app[each.key]
  id       = each.key
}

import {
  for_each = local.stores
  to       = kvs_instance.store[each.key]
  id       = each.key
}

import {
  for_each = local.shared
  to       = kvs_attachment.shared[each.key]
  id       = "${each.value}::SHARED"
}

import {
  for_each = { for name, store in local.stores : name => store if store.plan != "heroku-redis:mini" }
  to       = kvs_maintenance_window.window[each.key]
  id       = each.key
}
`

// planned runs a plan, and fails the test unless its summary is this.
func (e *estate) planned(cli *acctest.CLI, what, summary string) {
	e.Helper()
	plan := cli.Run("plan", "-no-color", "-input=false")
	if plan.Code != 0 || !strings.Contains(plan.Stdout, summary) {
		e.Errorf("%s: the plan exits %d, want %q:\n%s", what, plan.Code, summary, plan.Output())
	}
}

// unversioned is the configuration without a floor for the versions of stores, which nobody has asked for.
func (e *estate) unversioned() string {
	return strings.ReplaceAll(e.configuration(), "  version          = \"7.0\"\n", "")
}

// An estate that was made by hand is imported by names, without one UUID, and is then what the configuration says.
func TestAccAdopt_handMade(t *testing.T) {
	t.Parallel()
	e := newEstate(t, false)
	cli := e.CLI(t, e.unversioned()+estateImports)
	e.planned(cli, "imports", fmt.Sprintf("Plan: %d to import, 0 to add, 0 to change, 0 to destroy.", len(e.objects)))
	cli.Apply()
	cli.Configure(e.unversioned())
	e.planned(cli, "after the imports", "No changes.")

	// A floor for the versions of the stores, which they satisfy, changes nothing but the state.
	cli.Configure(e.configuration())
	e.planned(cli, "with a floor", fmt.Sprintf("Plan: 0 to add, %d to change, 0 to destroy.", len(estateStores)))
	cli.Apply()
	if writes := e.Requests("(POST|PATCH|PUT|DELETE)", ".*"); len(writes) != 0 {
		t.Errorf("this was sent: %v", writes)
	}
}

const rangesByHand = `
resource "kvs_trusted_ip_ranges" "acme-prod" {
  space_id = kvs_private_space.acme-prod.id
  ranges   = { for range in ["192.0.2.0/24", "198.51.100.7/32"] : range => {} }
}
`

// An estate that nobody has written down is found by data sources, and its configuration is generated: no UUID is written.
func TestAccAdopt_discovered(t *testing.T) {
	t.Parallel()
	e := newEstate(t, false)
	example, err := os.ReadFile(filepath.Join(examplesDir, "adopt", "main.tf"))
	if err != nil {
		t.Fatal(err)
	}
	for source, found := range map[string]int{"kvs_instances": 7, "kvs_attachments": 3} { // their examples, on what is there
		example, err := os.ReadFile(filepath.Join(examplesDir, "data-sources", source, "data-source.tf"))
		if err != nil {
			t.Fatal(err)
		}
		e.planned(e.CLI(t, string(example)), source, fmt.Sprintf("Plan: %d to import, 0 to add, 0 to change, 0 to destroy.", found))
	}
	finding := e.CLI(t, string(example))
	e.ResetJournal()
	finding.Apply()
	if asked := e.Requests("GET", ".*"); len(asked) > 1+2*3 {
		t.Errorf("to find it took %d requests, want the check of the token and three lists for each data source: %v", len(asked), asked)
	}
	adopting := e.CLI(t, finding.Run("output", "-raw", "imports").Stdout)

	// The configuration is generated with UUIDs, which become references.
	const all = 1 + 1 + 8 + 12 + 3 + 10 // the space and its ranges, apps, stores, attachments, windows
	imports := fmt.Sprintf("Plan: %d to import, 0 to add, 0 to change, 0 to destroy.", all)
	generated := adopting.Run("plan", "-no-color", "-input=false", "-generate-config-out=generated.tf")
	switch {
	case acctest.OnOpenTofu(): // which writes keys of maps without quotation marks, cannot read them, and leaves out the resource
		adopting.Write("generated.tf", adopting.File("generated.tf")+rangesByHand)
	case !strings.Contains(generated.Stdout, imports):
		t.Fatalf("the plan exits %d, want %q:\n%s", generated.Code, imports, generated.Output())
	}
	uuid := regexp.MustCompile(`= "[0-9a-f]{8}-[0-9a-f-]{27}"`) // comments may keep theirs
	if !uuid.MatchString(adopting.File("generated.tf")) {
		t.Errorf("no UUID was generated, so that nothing is shown:\n%s", adopting.File("generated.tf"))
	}
	references := finding.Run("output", "-raw", "references").Stdout
	for _, file := range []string{"generated.tf", "main.tf"} {
		sed := exec.CommandContext(t.Context(), "sed", references)
		sed.Stdin = strings.NewReader(adopting.File(file))
		edited, err := sed.Output()
		if err != nil {
			t.Fatal(err)
		}
		adopting.Write(file, string(edited))
	}
	if left := uuid.FindAllString(adopting.File("generated.tf"), -1); len(left) > 0 {
		t.Errorf("these UUIDs are left: %v", left)
	}
	e.ResetJournal()
	e.planned(adopting, "with references", imports)
	if asked := e.Requests("GET", ".*"); len(asked) > 12+15 { // not one for each object: 51
		t.Errorf("the plan took %d requests, want one for each store, lists, and some that come alone", len(asked))
	}
	adopting.Apply()
	adopting.Configure("")
	e.planned(adopting, "adopted", "No changes.")
	if writes := e.Requests("(POST|PATCH|PUT|DELETE)", ".*"); len(writes) != 0 {
		t.Errorf("this was sent: %v", writes)
	}
}

// released lets go of everything that the other providers have in the state.
func (e *estate) released() string {
	var text strings.Builder
	for _, address := range e.addresses() {
		fmt.Fprintf(&text, "\nremoved {\n  from = %s\n  lifecycle {\n    destroy = false\n  }\n}\n", address)
	}
	return text.String()
}

// addresses are those of the other providers' resources, without keys.
func (e *estate) addresses() []string {
	all := map[string]bool{}
	for _, object := range e.objects {
		kind, name, _ := object.parts()
		all[kind+"."+name] = true
	}
	return slices.Sorted(maps.Keys(all))
}

// formerApps is what a configuration says of apps that stay with the other provider.
const formerApps = `
resource "heroku_app" "app" {
  for_each = toset(values(local.stores)[*].app)
  name     = each.key
}
`

// formerSpaces is the same of spaces.
const formerSpaces = `
resource "heroku_space" "prod" {
  name = "acme-prod"
}

resource "herokux_shield_private_space" "vault" {
  name = "acme-vault"
}

resource "heroku_space_inbound_ruleset" "prod" {
  space = "acme-prod"
}

resource "heroku_space_app_access" "prod" {
  space = heroku_space.prod.id
}

resource "heroku_space_app_access" "vault" {
  space = herokux_shield_private_space.vault.id
}
`

const formerStores = `
resource "heroku_formation" "web" {
  app_id = heroku_app.app["orders-web"].id
}

resource "heroku_formation" "worker" {
  app_id = heroku_app.app["admin-web"].id
}

resource "heroku_addon" "store" {
  for_each = local.stores
  app_id   = heroku_app.app[each.value.app].id
  plan     = each.value.plan
}

resource "heroku_addon_attachment" "shared" {
  for_each = local.shared
  app_id   = heroku_app.app[each.value].id
  addon_id = heroku_addon.store[each.key].id
}

resource "herokux_redis_maintenance_window" "window" {
  for_each = { for name, store in local.stores : name => store if store.plan != "heroku-redis:mini" }
  redis_id = heroku_addon.store[each.key].id
}
`

func TestAccAdopt_besideTheOtherProviders(t *testing.T) {
	t.Parallel()
	e := newEstate(t, false)
	cli := e.CLI(t, formerly+e.unversioned()+estateImports)
	adopt(t, cli, e.objects)
	all := len(e.objects)

	// The trap: import blocks beside a state that has the objects already.
	e.planned(cli, "imports alone", fmt.Sprintf("Plan: %d to import, 0 to add, 0 to change, %d to destroy.", all, all))

	// With removed blocks, nothing is destroyed.
	cli.Configure(formerly + e.unversioned() + estateImports + e.released())
	e.planned(cli, "imports and removed blocks", fmt.Sprintf("Plan: %d to import, 0 to add, 0 to change, 0 to destroy", all))

	// Side by side: apps and spaces stay where they are, and the stores move.
	beside := formerly + e.locals() + formerSpaces + formerApps + strings.ReplaceAll(estateRest, "kvs_app.", "heroku_app.")
	cli.Configure(beside + storeMoves)
	e.planned(cli, "stores alone", "Plan: 0 to add, 0 to change, 0 to destroy.")
	cli.Apply()
	cli.Configure(beside)
	e.planned(cli, "side by side", "No changes.")

	// Back out: the state of before, and its configuration.
	cli.Configure(formerly + e.locals() + formerSpaces + formerApps + formerStores)
	adopt(t, cli, e.objects)
	e.planned(cli, "backed out", "No changes.")
	if writes := e.Requests("(POST|PATCH|PUT|DELETE)", ".*"); len(writes) != 0 {
		t.Errorf("this was sent: %v", writes)
	}
}
