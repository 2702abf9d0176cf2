// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package heroku

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

func ruleList(sources string) (rules []Rule) {
	for source := range strings.FieldsSeq(sources) {
		action := allow
		if denied, is := strings.CutPrefix(source, "!"); is {
			action, source = "deny", denied
		}
		rules = append(rules, Rule{action, source})
	}
	return rules
}

func spelled(rules []Rule) string {
	var all []string
	for _, rule := range rules {
		if rule.Action != allow {
			rule.Source = "!" + rule.Source
		}
		all = append(all, rule.Source)
	}
	return strings.Join(all, " ")
}

func TestEditsOfRules(t *testing.T) {
	t.Parallel()
	const a, b, c = "192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24"
	for name, test := range map[string]struct {
		rules       string
		add, remove string
		want        string
	}{
		"one is added":                         {a, b, "", a + " " + b},
		"several are added, in order":          {a, c + " " + b, "", a + " " + b + " " + c},
		"to none":                              {"", a, "", a},
		"one that is there":                    {a + " " + b, a, "", a + " " + b},
		"one that is there in other words":     {"192.0.2.9/24 " + b, a, "", "192.0.2.9/24 " + b},
		"one is removed":                       {a + " " + b + " " + c, "", b, a + " " + c},
		"in other words":                       {"192.0.2.9/24 " + b, "", a, b},
		"twice":                                {"192.0.2.9/24 " + b + " " + a, "", a, b},
		"one that is not there":                {a, "", b, a},
		"the last one":                         {a, "", a, ""},
		"one for another":                      {a + " " + b, c, a, b + " " + c},
		"one that goes and comes":              {a + " " + b, a, a, a + " " + b},
		"rules that deny stay":                 {"!" + a + " " + b, a, b, "!" + a + " " + a},
		"what nobody understands stays":        {"office ::/0", a, "", "office ::/0 " + a},
		"the internet, and what is beside":     {"0.0.0.0/0 " + a, b, "0.0.0.0/0", a + " " + b},
		"the internet in other words":          {"1.2.3.4/0", b, "0.0.0.0/0", b},
		"nothing":                              {a + " " + b, "", "", a + " " + b},
		"a wider one is another one":           {"192.0.2.0/23", a, "", "192.0.2.0/23 " + a},
		"a wider one stays when a part is out": {"192.0.2.0/23 " + a, "", a, "192.0.2.0/23"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := TrustedRangesChange{Add: strings.Fields(test.add), Remove: strings.Fields(test.remove)}.edits()
			before := ruleList(test.rules)
			made := e.applyTo(before)
			if got := spelled(made); got != test.want {
				t.Errorf("%s, want %s", got, test.want)
			}
			if !e.areAppliedIn(made) || e.areAppliedIn(before) != (len(difference(before, made)) == 0) {
				t.Errorf("made: %v, before: %v", e.areAppliedIn(made), e.areAppliedIn(before))
			}
			if again := spelled(difference(before, made).applyTo(before)); again != test.want {
				t.Errorf("the difference, applied, gives %s", again)
			}
		})
	}
}

func TestOverwritten(t *testing.T) {
	t.Parallel()
	const base = "1.0.0.0/8 2.0.0.0/8"
	for name, test := range map[string]struct {
		earlier []string // each the second of its creation, and the ranges
		others  []string
		want    string // base with the changes of the others
	}{
		"nobody":        {nil, nil, base},
		"one adds":      {nil, []string{"1 " + base + " 3.0.0.0/8"}, base + " 3.0.0.0/8"},
		"one removes":   {nil, []string{"1 1.0.0.0/8"}, "1.0.0.0/8"},
		"one exchanges": {nil, []string{"1 3.0.0.0/8 2.0.0.0/8"}, "2.0.0.0/8 3.0.0.0/8"},
		"one after the other": {nil, []string{"1 " + base + " 3.0.0.0/8", "2 " + base + " 3.0.0.0/8 4.0.0.0/8"},
			base + " 3.0.0.0/8 4.0.0.0/8"},
		"one undone by the other": {nil, []string{"1 " + base + " 3.0.0.0/8", "2 " + base + " 4.0.0.0/8"}, base + " 3.0.0.0/8 4.0.0.0/8"},
		"added and removed again": {nil, []string{"1 " + base + " 3.0.0.0/8", "2 " + base}, base},
		"removed and added again": {nil, []string{"1 1.0.0.0/8", "2 " + base}, base},
		"added and removed again, in one second": {nil, []string{"1 " + base + " 3.0.0.0/8 4.0.0.0/8",
			"1 " + base + " 3.0.0.0/8"}, base + " 3.0.0.0/8 4.0.0.0/8"}, // or the other way round: the order is unknown
		"two in one second":            {nil, []string{"1 " + base + " 3.0.0.0/8", "1 " + base + " 4.0.0.0/8"}, base + " 3.0.0.0/8 4.0.0.0/8"},
		"two in one second who remove": {nil, []string{"1 1.0.0.0/8", "1 2.0.0.0/8"}, ""},
		"two, the one made of the other": {nil, []string{"1 " + base + " 3.0.0.0/8", "1 " + base + " 3.0.0.0/8 4.0.0.0/8"},
			base + " 3.0.0.0/8 4.0.0.0/8"},
		"and one later": {nil, []string{"1 " + base + " 3.0.0.0/8", "1 " + base + " 4.0.0.0/8", "2 " + base + " 5.0.0.0/8"},
			base + " 3.0.0.0/8 4.0.0.0/8 5.0.0.0/8"},
		"the same, written anew": {nil, []string{"1 " + base}, base},
		"exchanged by one, and added to by another one": {nil, []string{"1 9.0.0.0/8 1.0.0.0/8", "1 " + base + " 3.0.0.0/8"},
			"1.0.0.0/8 3.0.0.0/8 9.0.0.0/8"},
		"one who has read what was there before": {[]string{"0 1.0.0.0/8"}, []string{"1 1.0.0.0/8 3.0.0.0/8"}, base + " 3.0.0.0/8"},
		"two who have read what was made of it": {nil, []string{"0 " + base + " 7.0.0.0/8 3.0.0.0/8", "0 " + base + " 7.0.0.0/8 4.0.0.0/8"},
			base + " 3.0.0.0/8 4.0.0.0/8"},
		"one who goes back to it": {[]string{"0 1.0.0.0/8"}, []string{"1 1.0.0.0/8"}, "1.0.0.0/8"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sets := func(prefix string, texts []string) (all []Ruleset) {
				for i, text := range texts {
					second, sources, _ := strings.Cut(text, " ")
					made := fmt.Sprintf("2026-01-14T09:00:0%sZ", second)
					all = append(all, Ruleset{ID: fmt.Sprint(prefix, i), CreatedAt: made, Rules: ruleList(sources)})
				}
				return all
			}
			read, earlier, others := sets("r", []string{"0 " + base})[0], sets("e", test.earlier), sets("o", test.others)
			made := Ruleset{ID: "made", CreatedAt: read.CreatedAt, Rules: ruleList(base + " 7.0.0.0/8")}
			for range 2 { // in whatever order they are listed
				if got := spelled(overwrittenEdits(read, made, earlier, others).applyTo(read.Rules)); got != test.want {
					t.Errorf("%s, want %s", got, test.want)
				}
				slices.Reverse(others)
			}
		})
	}
}
