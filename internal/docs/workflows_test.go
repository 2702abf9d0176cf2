// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package docs

import (
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	use    = regexp.MustCompile(`(?m)^ *(?:- )?uses: *(.*)$`)
	pinned = regexp.MustCompile(`^[\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$`)
)

// A tag can be moved to other code, a commit cannot. The comment is for readers, and for Dependabot, which changes both.
func TestWorkflows_pinTheirActions(t *testing.T) {
	t.Parallel()
	found := 0
	for _, pattern := range []string{".github/workflows/*.yml", "examples/*/*.yml"} {
		files, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil || len(files) < 2 {
			t.Fatalf("%s: only %v (%v)", pattern, files, err)
		}
		for _, file := range files {
			for _, match := range use.FindAllStringSubmatch(read(t, file), -1) {
				found++
				if !pinned.MatchString(match[1]) {
					t.Errorf("%s: %s has no commit, or no version beside it", file, match[1])
				}
			}
		}
	}
	if found < 10 || pinned.MatchString("actions/checkout@v4") || pinned.MatchString("actions/checkout@"+strings.Repeat("0", 40)) {
		t.Errorf("this rule sees too little, %d actions", found)
	}
}
