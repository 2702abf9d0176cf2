// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package docs

import (
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"testing"
)

// aboutProtection are the files whose subject is how to destroy what is protected.
var aboutProtection = []string{
	"README.md",                                               // how to destroy its example
	"*/resources/instance.md", "*/resources/private_space.md", // the same
	"*/guides/modules.md*",      // a test of a module destroys what it has made
	"*/guides/troubleshooting*", // the refusal of a destroy
	"examples/modules/*/tests/*", "examples/modules/*/tests/*/*",
}

var unprotected = regexp.MustCompile(`deletion_protection\s*=\s*false`)

// What is copied from here is protected from deletion: no example and no page switches that off, but where it is the subject.
func TestExamples_areProtected(t *testing.T) {
	t.Parallel()
	files, found := []string{"README.md"}, map[string]bool{}
	for _, dir := range []string{"docs", "examples", "templates"} {
		err := fs.WalkDir(os.DirFS(root), dir, func(path string, entry fs.DirEntry, err error) error {
			if err == nil && !entry.IsDir() {
				files = append(files, path)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, file := range files {
		if !unprotected.MatchString(read(t, filepath.Join(root, file))) {
			continue
		}
		i := slices.IndexFunc(aboutProtection, func(pattern string) bool { fits, _ := path.Match(pattern, file); return fits })
		if i < 0 {
			t.Errorf("%s switches deletion_protection off: leave it out, tests destroy examples all the same (acctest.Unprotected)", file)
			continue
		}
		found[aboutProtection[i]] = true
	}
	for _, pattern := range aboutProtection {
		if !found[pattern] {
			t.Errorf("%s does not switch it off: take it off this list", pattern)
		}
	}
}
