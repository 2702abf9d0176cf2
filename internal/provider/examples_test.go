// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/config"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/acctest"
)

// Every example is applied, planned again without a change as after every step, and destroyed: a broken one cannot ship.
// What it makes is protected from deletion, so that a copy of it is, and an override file ends that here.
func TestAccExamples(t *testing.T) {
	t.Parallel()
	examples := exampleFiles(t)
	if len(examples) < 10 {
		t.Fatalf("only %d examples were found: %v", len(examples), examples)
	}
	for _, file := range examples {
		t.Run(strings.TrimPrefix(file, examplesDir+string(filepath.Separator)), func(t *testing.T) {
			t.Parallel()
			sb := acctest.Start(t)
			acctest.Test(t, resource.TestCase{
				ProtoV6ProviderFactories: sb.Factories(),
				CheckDestroy:             sb.NothingLeft(),
				Steps:                    []resource.TestStep{exampleStep(t, file)},
			})
		})
	}
}

// exampleStep applies one file, or the whole directory of a main.tf, with an override file beside it.
func exampleStep(t *testing.T, file string) resource.TestStep {
	t.Helper()
	files, dir, all := []string{file}, t.TempDir(), ""
	if filepath.Base(file) == "main.tf" {
		files, _ = filepath.Glob(filepath.Join(filepath.Dir(file), "*.tf"))
	}
	write := func(name, content string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, file := range files {
		content := string(fileOf(t, file))
		write(filepath.Base(file), content)
		all += content
	}
	write(acctest.UnprotectedFile, acctest.Unprotected(all))
	return resource.TestStep{ConfigDirectory: config.StaticDirectory(dir)}
}

// An example with a provider block is run by the CLI alone: terraform-plugin-testing takes the block for a provider to install.
func TestAccExamples_provider(t *testing.T) {
	t.Parallel()
	for _, file := range providerExamples {
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			config := recordingTo(filepath.Join(t.TempDir(), "record.jsonl"), string(fileOf(t, filepath.Join(examplesDir, file))))
			l := newLab(t, config, embedded)
			l.cli.Unprotect(config)
			l.cli.Env = []string{"TF_VAR_change_reference=CHG0012345"}
			l.mustApply(config)
			l.expectNoChanges()
			if result := l.run(mishap{}, "destroy", "-auto-approve", "-input=false", "-no-color"); result.Code != 0 {
				t.Errorf("the destroy exited %d:\n%s", result.Code, result.Output())
			}
		})
	}
}

// Each rule in HCL stops the plan that breaks it, and a reference lets through what it is for.
func TestAccExamples_rulesInHCL(t *testing.T) {
	t.Parallel()
	config := string(fileOf(t, filepath.Join(examplesDir, "policies", "in-hcl", "main.tf")))
	l := newLab(t, config, embedded)
	l.cli.Unprotect(config)
	l.mustApply(config)
	transferred := strings.Replace(config, `"acme"`, `"acme-data"`, 1)
	lossy := strings.Replace(config, `"private-7"`, "\"premium-0\"\n  outside_space = true\n"+
		`  migration = { strategy = "recreate", accept_data_loss = true }`, 1)
	others := strings.NewReplacer(`"premium-0"`, `"premium-14"`, `["192.0.2.0/24"]`, `["0.0.0.0/0"]`,
		`"acme-orders-cache"`, "\"acme-orders-cache\"\n  maxmemory_policy = \"allkeys-lru\"").Replace(lossy)
	for changed, refusals := range map[string][]string{
		transferred: {"The space is transferred to another team"},
		others: {"Keys may be lost", "Keys are dropped when the memory is full", "The store costs more than $1000 a month",
			"A range is open to more than 65536 addresses"},
	} {
		l.cli.Configure(changed)
		refused := l.mustRefuse(refusals[0], "plan")
		for _, says := range refusals[1:] {
			if !acctest.Says(says).MatchString(refused.Output()) {
				t.Errorf("it does not say %q:\n%s", says, refused.Output())
			}
		}
	}
	l.cli.Env = []string{"TF_VAR_change_reference=CHG0012345"}
	l.mustApply(lossy)
	l.cli.Env = nil
	l.expectNoChanges()
}

// recordingTo is an example whose record is not where its provider runs, which is where the tests are.
func recordingTo(path, example string) string {
	return strings.Replace(example, `"kvs-changes.jsonl"`, fmt.Sprintf("%q", path), 1)
}

var providerExamples = []string{
	filepath.Join("policies", "in-hcl", "main.tf"), filepath.Join("provider", "provider.tf"), filepath.Join("shield", "main.tf"),
}

var examplesDir = filepath.Join("..", "..", "examples")

// exampleFiles leaves out what is no configuration of its own: import blocks, which name objects that only their reader
// has, and what stands beside a main.tf. Actions are a syntax error for CLIs without them; TestActions_examples looks at those.
// Modules have inputs, and tests of their own; so have examples with the provider of somebody else.
func exampleFiles(t *testing.T) []string {
	t.Helper()
	var files []string
	err := fs.WalkDir(os.DirFS(examplesDir), ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".tf" || slices.Contains(providerExamples, filepath.FromSlash(path)) ||
			strings.HasPrefix(path, "actions/") || strings.HasPrefix(path, "modules/") || strings.HasPrefix(entry.Name(), "import-") ||
			strings.HasPrefix(entry.Name(), "ephemeral-resource-") {
			return err
		}
		_, beside := os.Stat(filepath.Join(examplesDir, filepath.Dir(path), "main.tf"))
		if entry.Name() == "main.tf" || beside != nil {
			files = append(files, filepath.Join(examplesDir, path))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}
