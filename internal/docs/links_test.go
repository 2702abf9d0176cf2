// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package docs

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"
)

// Every relative link leads to a file that exists, and its anchor to a heading there. Those of templates are judged from
// the page that they become.
func TestLinks_leadSomewhere(t *testing.T) {
	t.Parallel()
	links := 0
	for _, page := range pages(t) {
		text := read(t, filepath.Join(root, page))
		for _, target := range linksOf(text) {
			links++
			if wrong := follow(rendered(page), target, repository); wrong != "" {
				t.Errorf("%s links to %s: %s", page, target, wrong)
			}
		}
	}
	if links < 100 {
		t.Errorf("only %d links were found", links)
	}
}

// rendered is the page that a template becomes.
func rendered(page string) string {
	if within, ok := strings.CutPrefix(page, "templates/"); ok {
		return "docs/" + strings.TrimSuffix(within, ".tmpl")
	}
	return page
}

// repository is what a path of the repository holds: the text of a file, nothing for a directory, false if there is none.
func repository(name string) (text string, exists bool) {
	info, err := os.Stat(filepath.Join(root, filepath.FromSlash(name)))
	if err != nil || info.IsDir() {
		return "", err == nil
	}
	content, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(name)))
	return string(content), err == nil
}

var (
	inlineLink = regexp.MustCompile(`\]\(([^()\s]+)\)`)
	fenced     = regexp.MustCompile("(?ms)^ *```.*?^ *```$")
	inlineCode = regexp.MustCompile("`[^`\n]*`")
	heading    = regexp.MustCompile(`(?m)^#+ +(.+?) *$`)
	anchorTag  = regexp.MustCompile(`<a (?:id|name)="([^"]+)"`)
	linkText   = regexp.MustCompile(`\[([^\]]*)\]\([^)]*\)`)
)

// linksOf are the targets within the repository of a page's links.
func linksOf(text string) (targets []string) {
	for _, match := range inlineLink.FindAllStringSubmatch(inlineCode.ReplaceAllString(fenced.ReplaceAllString(text, ""), ""), -1) {
		if target := match[1]; !strings.Contains(target, "://") && !strings.HasPrefix(target, "mailto:") {
			targets = append(targets, target)
		}
	}
	return targets
}

// follow says what is wrong with a link; nothing if it leads somewhere.
func follow(page, target string, file func(string) (string, bool)) string {
	name, anchor, _ := strings.Cut(target, "#")
	to := page
	if name != "" {
		to = path.Join(path.Dir(page), name)
	}
	text, exists := file(to)
	switch {
	case !exists:
		return "there is no " + to
	case anchor != "" && !slices.Contains(anchors(text), anchor):
		return fmt.Sprintf("%s has no heading #%s", to, anchor)
	}
	return ""
}

// anchors are the fragments that GitHub and the registries give to headings.
func anchors(text string) (all []string) {
	for _, match := range anchorTag.FindAllStringSubmatch(text, -1) {
		all = append(all, match[1])
	}
	for _, match := range heading.FindAllStringSubmatch(fenced.ReplaceAllString(text, ""), -1) {
		title := linkText.ReplaceAllString(match[1], "$1")
		all = append(all, strings.Map(func(r rune) rune {
			switch {
			case r == ' ':
				return '-'
			case r == '-' || r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r):
				return unicode.ToLower(r)
			}
			return -1
		}, title))
	}
	return all
}

func TestLinks_plantedFaults(t *testing.T) {
	t.Parallel()
	files := map[string]string{
		"docs/index.md":        "# A `kvs` page: [linked](x.md), too\n```\n# no heading\n```\n<a id=\"nested--x\"></a>",
		"docs/guides/guide.md": "[one](../index.md)\n```\n[not](a link)\n```\n`[nor](this.md)` [out](https://example.com)",
	}
	file := func(name string) (string, bool) { text, ok := files[name]; return text, ok }
	if found := linksOf(files["docs/guides/guide.md"]); !slices.Equal(found, []string{"../index.md"}) {
		t.Errorf("the links are %v", found)
	}
	for target, want := range map[string]string{
		"../index.md":                           "",
		"../index.md#a-kvs-page-linked-too":     "",
		"../index.md#nested--x":                 "",
		"../index.md#no-heading":                "docs/index.md has no heading #no-heading",
		"index.md":                              "there is no docs/guides/index.md",
		"#here":                                 "docs/guides/guide.md has no heading #here",
		"../../templates/guides/guide.md.tmpl#": "there is no templates/guides/guide.md.tmpl",
	} {
		if got := follow(rendered("templates/guides/guide.md.tmpl"), target, file); got != want {
			t.Errorf("%s: %q, want %q", target, got, want)
		}
	}
}
