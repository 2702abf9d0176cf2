// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/acctest"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/provider"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/sandbox"
)

var modulesDir = filepath.Join(examplesDir, "modules")

// withModules is a CLI with all of examples/modules in the directory modules.
func withModules(t *testing.T, sb *acctest.Sandbox, config string) *acctest.CLI {
	t.Helper()
	cli := sb.CLI(t, config)
	if err := os.CopyFS(filepath.Join(cli.Dir(), "modules"), os.DirFS(modulesDir)); err != nil {
		t.Fatal(err)
	}
	return cli
}

// succeed runs a command, and fails the test unless it exits with 0.
func succeed(t *testing.T, cli *acctest.CLI, args ...string) acctest.Result {
	t.Helper()
	result := cli.Run(args...)
	if result.Code != 0 {
		t.Fatalf("%s exited %d:\n%s", strings.Join(args, " "), result.Code, result.Output())
	}
	return result
}

func modules(t *testing.T) []string {
	t.Helper()
	found, err := fs.Glob(os.DirFS(modulesDir), "*/main.tf")
	if err != nil || len(found) < 3 {
		t.Fatalf("only these modules were found: %v, %v", found, err)
	}
	for i := range found {
		found[i] = filepath.Dir(found[i])
	}
	return found
}

// Each module passes its own tests, with mocks and against the sandbox. As for everybody else, the provider is a process of its
// own and time is real.
func TestAccModules_theirOwnTests(t *testing.T) {
	t.Parallel()
	for _, module := range modules(t) {
		t.Run(module, func(t *testing.T) {
			t.Parallel()
			sb := acctest.Start(t, func(o *sandbox.Options) {
				o.Clock, o.Provisioning, o.Allocation = nil, time.Millisecond, time.Millisecond
			})
			cli := withModules(t, sb, "").Processes()
			chdir := "-chdir=" + filepath.Join("modules", module)
			passed := regexp.MustCompile(`Success! [1-9][0-9]* passed, 0 failed\.`)

			offline := succeed(t, cli, chdir, "test", "-no-color")
			if !passed.MatchString(offline.Stdout) {
				t.Errorf("with mocks no test ran:\n%s", offline.Output())
			}
			if sent := sb.Requests(".*", ".*"); len(sent) > 0 {
				t.Errorf("tests with mocks sent %d requests", len(sent))
			}

			succeed(t, cli, chdir, "get", "-test-directory=tests/sandbox")
			living := succeed(t, cli, chdir, "test", "-no-color", "-test-directory=tests/sandbox")
			if !passed.MatchString(living.Stdout) {
				t.Errorf("against the sandbox no test ran:\n%s", living.Output())
			}
			for _, object := range sb.Living() {
				t.Errorf("%s %s is left over", object.Kind, object.Name)
			}
		})
	}
}

// The usage in the README of each module is applied, planned again without a change, and destroyed.
func TestLongModules_usage(t *testing.T) {
	t.Parallel()
	for _, module := range modules(t) {
		t.Run(module, func(t *testing.T) {
			t.Parallel()
			sb := acctest.Start(t)
			cli, dir := withModules(t, sb, ""), filepath.Join("modules", module, "example")
			cli.Write(filepath.Join(dir, acctest.UnprotectedFile), acctest.Unprotected(cli.File(filepath.Join(dir, "main.tf"))))
			applyModules(t, sb, cli, "-chdir="+dir)
		})
	}
}

// A root has each module more than once: with for_each, with inputs that are known after apply only, and after others.
func TestAccModules_manyInOneRoot(t *testing.T) {
	t.Parallel()
	sb := acctest.Start(t)
	cli := withModules(t, sb, `
		locals { teams = toset(["orders", "billing"]) }

		resource "terraform_data" "late" {
			input = {
				name = "acme-late", plan = "premium-1", attachment = "LATE", policy = "allkeys-lru", timeout = 60, day = "Sunday"
				time = "02:30", team = "acme", space = "acme-shield", region = "frankfurt", office = "office", internal = true
				shield_plan = "shield-9", protected = false, quiet = true, retire = "never", empty = "", nothing = null
			}
		}
		resource "kvs_app" "owner" {
			for_each = local.teams
			name     = "acme-${each.key}"
		}
		resource "kvs_app" "reader" {
			name = "acme-reader"
		}
		resource "kvs_private_space" "prod" {
			name                = "acme-prod"
			team                = "acme"
			deletion_protection = false
		}

		module "shared" {
			source              = "./modules/shared-store"
			for_each            = local.teams
			owner_app_id        = kvs_app.owner[each.key].id
			consumers           = { reader = { app_id = kvs_app.reader.id, attachment_name = upper(each.key) } }
			deletion_protection = false
		}
		module "late" {
			source              = "./modules/shared-store"
			owner_app_id        = kvs_app.reader.id
			name                = terraform_data.late.output.name
			plan                = terraform_data.late.output.plan
			attachment_name     = terraform_data.late.output.attachment
			consumers = {
				for team in local.teams : team => { app_id = kvs_app.owner[team].id, attachment_name = terraform_data.late.output.attachment }
			}
			settings = {
				maxmemory_policy       = terraform_data.late.output.policy
				timeout                = terraform_data.late.output.timeout
				notify_keyspace_events = terraform_data.late.output.empty
			}
			version_floor       = terraform_data.late.output.nothing
			window              = { day = terraform_data.late.output.day, time = terraform_data.late.output.time }
			deletion_protection = terraform_data.late.output.protected
			depends_on          = [module.shared]
		}
		module "shield" {
			source   = "./modules/shield-space"
			for_each = toset(["one"])

			name                = terraform_data.late.output.space
			team                = terraform_data.late.output.team
			region              = terraform_data.late.output.region
			cidr                = terraform_data.late.output.empty
			data_cidr           = terraform_data.late.output.nothing
			trusted_ranges      = { "192.0.2.0/24" = terraform_data.late.output.office, "198.51.100.17/32" = null }
			apps                = { acme-inside = { internal_routing = terraform_data.late.output.internal } }
			stores = {
				acme-inside-cache = {
					app             = "acme-inside"
					plan            = terraform_data.late.output.shield_plan
					attachment_name = terraform_data.late.output.attachment
				}
			}
			window              = { day = terraform_data.late.output.day, time = terraform_data.late.output.time }
			deletion_protection = false
			depends_on          = [module.late]
		}
		module "move" {
			source              = "./modules/premium-to-private"
			for_each            = local.teams
			app_id              = kvs_app.owner[each.key].id
			space_id            = kvs_private_space.prod.id
			app_name            = "acme-${each.key}-inside"
			store_name          = "acme-${each.key}-moved"
			premium_plan        = terraform_data.late.output.nothing
			attachment_name     = "MOVED"
			settings            = { maxmemory_policy = terraform_data.late.output.policy }
			quiet               = terraform_data.late.output.quiet
			retire              = terraform_data.late.output.retire
			deletion_protection = false
		}
		output "late" { value = module.late.consumers }
		output "shield" { value = module.shield["one"].not_managed_here }
	`)
	succeed(t, cli, "fmt", "-check", "-recursive", "modules")
	applyModules(t, sb, cli)
}

// applyModules applies a root with modules, plans it again without a change, and destroys all of it.
func applyModules(t *testing.T, sb *acctest.Sandbox, cli *acctest.CLI, chdir ...string) {
	t.Helper()
	run := func(args ...string) { t.Helper(); succeed(t, cli, append(chdir, args...)...) }
	run("get")
	run("apply", "-auto-approve", "-input=false", "-no-color")
	run("plan", "-detailed-exitcode", "-input=false", "-no-color")
	run("destroy", "-auto-approve", "-input=false", "-no-color")
	for _, object := range sb.Living() {
		t.Errorf("%s %s is left over", object.Kind, object.Name)
	}
}

// The mock file has a value for all that Terraform would invent otherwise. It invents a text anew in each plan, and fails on
// the difference.
func TestMockFileIsComplete(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join(modulesDir, "mocks", "kvs.tfmock.hcl"))
	if err != nil {
		t.Fatal(err)
	}
	mocks := map[string]string{}
	for _, block := range regexp.MustCompile(`(?ms)^mock_(?:resource|data) "(\w+)" \{\n.*?^\}`).FindAllStringSubmatch(string(text), -1) {
		kind := strings.TrimPrefix(strings.Fields(block[0])[0], "mock_")
		mocks[kind+" "+block[1]] = block[0]
	}
	schemas, err := provider.NewServer("test").GetProviderSchema(t.Context(), &tfprotov6.GetProviderSchemaRequest{})
	if err != nil {
		t.Fatal(err)
	}
	for name, schema := range schemas.ResourceSchemas {
		complete(t, name, mocks["resource "+name], schema.Block.Attributes)
	}
	for name, schema := range schemas.DataSourceSchemas {
		if mock := mocks["data "+name]; mock != "" { // without one, what is invented is harmless: nothing is compared
			complete(t, "data."+name, mock, schema.Block.Attributes)
		}
	}
}

func complete(t *testing.T, name, mock string, attributes []*tfprotov6.SchemaAttribute) {
	t.Helper()
	for _, attribute := range attributes {
		if list := attribute.NestedType != nil && attribute.NestedType.Nesting == tfprotov6.SchemaObjectNestingModeList; !attribute.Computed || list {
			continue
		}
		if !regexp.MustCompile(`(?m)^ +` + attribute.Name + ` +=`).MatchString(mock) {
			t.Errorf("%s: the mock has no %s", name, attribute.Name)
		}
		if attribute.NestedType != nil {
			for _, member := range attribute.NestedType.Attributes {
				if !regexp.MustCompile(`(?m)^ {6,}` + member.Name + ` +=`).MatchString(mock) {
					t.Errorf("%s: the mock has no %s of %s", name, member.Name, attribute.Name)
				}
			}
		}
	}
}
