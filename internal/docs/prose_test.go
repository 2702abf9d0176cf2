// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package docs

import (
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/keyvalue"
)

// unwanted are words that boast, that belittle what the reader has to do, or that say nothing.
var unwanted = regexp.MustCompile(`(?i)\b(simply|just|easily|effortless(ly)?|seamless(ly)?|powerful|robust|blazing(ly)?|cutting[- ]edge|` +
	`state[- ]of[- ]the[- ]art|world[- ]class|best[- ]in[- ]class|enterprise[- ]grade|battle[- ]tested|rock[- ]solid|game[- ]chang\w+|` +
	`leverag(e|es|ing)|utili[sz]e[sd]?|obviously|of course|needless to say|please note|in order to|and/or|awesome|amazing|magic(al(ly)?)?)\b`)

func TestProse_hasNoUnwantedWords(t *testing.T) {
	t.Parallel()
	for _, page := range pages(t) {
		for _, word := range unwantedWords(read(t, filepath.Join(root, page))) {
			t.Errorf("%s says %q", page, word)
		}
	}
	planted := "It simply works.\n```\njust code\n```\n`just` code, adjust, and it is Seamless."
	if found := unwantedWords(planted); strings.Join(found, " ") != "simply Seamless" {
		t.Errorf("this rule sees %q", found)
	}
}

func unwantedWords(text string) []string {
	return unwanted.FindAllString(inlineCode.ReplaceAllString(fenced.ReplaceAllString(text, ""), ""), -1)
}

// What a stranger reads first stays short enough to be read.
func TestREADME_isShort(t *testing.T) {
	t.Parallel()
	const mostLines, widest = 120, 110
	lines := strings.Split(strings.TrimSuffix(read(t, filepath.Join(root, "README.md")), "\n"), "\n")
	if len(lines) > mostLines {
		t.Errorf("README.md has %d lines, and may have %d", len(lines), mostLines)
	}
	for i, line := range lines {
		if n := utf8.RuneCountInString(line); n > widest {
			t.Errorf("README.md:%d has %d characters, and may have %d", i+1, n, widest)
		}
	}
}

func TestREADME_statesThePriceOfItsExample(t *testing.T) {
	t.Parallel()
	text := read(t, filepath.Join(root, "README.md"))
	ordered := regexp.MustCompile(`(?m)^  plan +(?:= )+"([a-z0-9-]+)"`).FindStringSubmatch(text)
	if ordered == nil {
		t.Fatal("README.md orders no store")
	}
	plan, published := keyvalue.LookupPlan(keyvalue.PlanName(ordered[1]))
	if !published || plan.MonthlyPriceCents == nil || !strings.Contains(text, "costs "+dollars(*plan.MonthlyPriceCents)+" a month") {
		t.Errorf("README.md does not say what %s costs", ordered[1])
	}
}
