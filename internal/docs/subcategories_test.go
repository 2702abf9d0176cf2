// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package docs

import (
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// subcategories are those that the registries group the pages by.
var subcategories = []string{"Apps", "Change control", "Discovery", "Maintenance", "Spaces", "Stores"}

var subcategory = regexp.MustCompile(`(?m)^subcategory: "(.*)"$`)

// A new resource gets one by its name in templates/resources.md.tmpl, a function in templates/functions.md.tmpl.
func TestSubcategories_everyPageHasOne(t *testing.T) {
	t.Parallel()
	for _, page := range pages(t) {
		if !strings.HasPrefix(page, "docs/") || page == "docs/index.md" || strings.HasPrefix(page, "docs/guides/") {
			continue
		}
		has := subcategory.FindStringSubmatch(read(t, filepath.Join(root, page)))
		if has == nil || !slices.Contains(subcategories, has[1]) {
			t.Errorf("%s is in none of the subcategories %q", page, subcategories)
		}
	}
}

// sections are those that each resource has in templates/resources, beside what its schema says.
var sections = []string{"Permissions", "Costs", "What restarts", "Limits", "See also"}

func TestSections_everyResourceHasThem(t *testing.T) {
	t.Parallel()
	for _, page := range pages(t) {
		if !strings.HasPrefix(page, "docs/resources/") {
			continue
		}
		text := read(t, filepath.Join(root, page))
		for _, section := range sections {
			_, after, found := strings.Cut(text, "\n## "+section+"\n")
			if content, _, _ := strings.Cut(after, "\n## "); !found || strings.TrimSpace(content) == "" {
				t.Errorf("%s does not say anything under %q", page, section)
			}
		}
	}
}
