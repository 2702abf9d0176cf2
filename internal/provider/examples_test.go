// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-testing/config"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/acctest"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/sandbox"
)

// Every example is applied, planned again without a change as after every step, and destroyed: a broken one cannot ship.
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
				Steps:                    []resource.TestStep{exampleStep(file)},
			})
		})
	}
}

// exampleStep applies one file, or the whole directory of a main.tf.
func exampleStep(file string) resource.TestStep {
	if filepath.Base(file) == "main.tf" {
		return resource.TestStep{ConfigDirectory: config.StaticDirectory(filepath.Dir(file))}
	}
	return resource.TestStep{ConfigFile: config.StaticFile(file)}
}

// The provider's own example has a provider block, which terraform-plugin-testing takes for a provider to install.
func TestAccExamples_provider(t *testing.T) {
	t.Parallel()
	content, err := os.ReadFile(filepath.Join(examplesDir, "provider", "provider.tf"))
	if err != nil {
		t.Fatal(err)
	}
	sb := acctest.Start(t, func(o *sandbox.Options) { o.Clock, o.Provisioning = nil, time.Millisecond })
	cli := sb.CLI(t, string(content))
	cli.Apply()
	if plan := cli.Run("plan", "-detailed-exitcode", "-input=false"); plan.Code != 0 {
		t.Errorf("the plan after it exited %d, want 0 (no changes):\n%s", plan.Code, plan.Output())
	}
	cli.Apply("-destroy")
}

var examplesDir = filepath.Join("..", "..", "examples")

// exampleFiles leaves out what is no configuration of its own: import blocks, which name objects that only their reader
// has, and what stands beside a main.tf. Actions are a syntax error for CLIs without them; TestActions_examples looks at those.
// Modules have inputs, and tests of their own.
func exampleFiles(t *testing.T) []string {
	t.Helper()
	var files []string
	err := fs.WalkDir(os.DirFS(examplesDir), ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".tf" || path == "provider/provider.tf" || strings.HasPrefix(path, "actions/") ||
			strings.HasPrefix(path, "modules/") || strings.HasPrefix(entry.Name(), "import-") {
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
