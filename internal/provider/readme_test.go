// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var exampleBlock = regexp.MustCompile("(?ms)^```terraform\n(.*?)^```$")

// The example of README.md as a newcomer meets it: applied as it stands, planned again without a change, protected, and
// gone after deletion_protection = false.
func TestAccREADME_example(t *testing.T) {
	t.Parallel()
	blocks := exampleBlock.FindAllStringSubmatch(string(fileOf(t, filepath.Join("..", "..", "README.md"))), -1)
	if len(blocks) != 1 {
		t.Fatalf("README.md has %d configurations, not one that is complete", len(blocks))
	}
	config := blocks[0][1]
	l := newLab(t, config, embedded)
	l.mustApply(config)
	l.expectNoChanges()
	if output := l.run(mishap{}, "output", "-no-color", "config_vars"); !strings.Contains(output.Stdout, `"REDIS_URL"`) {
		t.Errorf("it does not put out what README.md says:\n%s", output.Output())
	}
	destroy := []string{"destroy", "-auto-approve", "-input=false", "-no-color"}
	l.mustRefuse("Key-Value Store is protected from deletion", destroy...)
	l.mustApply(strings.Replace(config, "  plan ", "  deletion_protection = false\n  plan ", 1))
	if result := l.run(mishap{}, destroy...); result.Code != 0 {
		t.Errorf("the destroy exited %d:\n%s", result.Code, result.Output())
	}
}
