// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package heroku

import (
	"cmp"
	"maps"
	"net/netip"
	"slices"
	"time"
)

// What several people do to the rules of one space, which Heroku only ever replaces as a whole. Nothing here asks anybody.

// admission is a rule by what it means: 192.0.2.7/24 is 192.0.2.0/24.
type ruleKey struct{ action, source string }

func (r Rule) key() ruleKey {
	if prefix, err := netip.ParsePrefix(r.Source); err == nil {
		return ruleKey{r.Action, prefix.Masked().String()}
	}
	return ruleKey{r.Action, r.Source}
}

// edits say of some rules whether they are to be there: as they are to be written, or nil for those that are not.
type edits map[ruleKey]*Rule

// edits are those of a change. What is both added and removed is added: that shuts nobody out.
func (t TrustedRangesChange) edits() edits {
	e := edits{}
	for _, source := range t.Remove {
		e[Rule{allow, source}.key()] = nil
	}
	for _, source := range t.Add {
		rule := Rule{allow, source}
		e[rule.key()] = &rule
	}
	return e
}

const allow = "allow"

// over is both: where they contradict each other, e counts.
func (e edits) over(other edits) edits {
	all := edits{}
	maps.Copy(all, other)
	maps.Copy(all, e)
	return all
}

// madeIn is rules with the edits made: nothing else changes, neither its order nor its spelling.
func (e edits) applyTo(rules []Rule) []Rule {
	made, missing := make([]Rule, 0, len(rules)), maps.Clone(e)
	for _, rule := range rules {
		a := rule.key()
		if wanted, spoken := e[a]; spoken && wanted == nil {
			continue
		}
		delete(missing, a)
		made = append(made, rule)
	}
	for _, a := range slices.SortedFunc(maps.Keys(missing), func(a, b ruleKey) int {
		return cmp.Or(cmp.Compare(a.source, b.source), cmp.Compare(a.action, b.action))
	}) {
		if rule := missing[a]; rule != nil {
			made = append(made, *rule)
		}
	}
	return made
}

// areIn reports whether rules are as the edits would make them.
func (e edits) areAppliedIn(rules []Rule) bool { return len(difference(rules, e.applyTo(rules))) == 0 }

// difference is what makes the one of the other.
func difference(from, to []Rule) edits {
	e, had := edits{}, map[ruleKey]bool{}
	for _, rule := range from {
		had[rule.key()], e[rule.key()] = true, nil
	}
	for _, rule := range to {
		if had[rule.key()] {
			delete(e, rule.key())
		} else {
			e[rule.key()] = &rule
		}
	}
	return e
}

// overwritten is what others have changed since a ruleset was read, and what the one that was made of it has undone therefore. earlier
// are those that were there a moment before.
//
// Others may have been late as well: what one of them has changed is told from the ruleset that it was made of, and not from the
// one before it. Heroku tells the second in which each was made, and not of which it was made. So those of one second are put
// into an order in which each differs from one before it as little as possible.
func overwrittenEdits(read, made Ruleset, earlier, others []Ruleset) edits {
	latest := func(a, b Ruleset) int {
		return cmp.Or(b.createdTime().Compare(a.createdTime()), cmp.Compare(a.ID, b.ID))
	}
	before := append([]Ruleset{made, read}, slices.SortedFunc(slices.Values(earlier), latest)...)
	left := slices.SortedFunc(slices.Values(others), func(a, b Ruleset) int { return latest(b, a) })
	all := edits{}
	for len(left) > 0 {
		next, least := 0, edits(nil)
		for i, other := range left {
			if !other.createdTime().Equal(left[0].createdTime()) {
				break
			}
			if changed := other.editsSince(before); least == nil || len(changed) < len(least) {
				next, least = i, changed
			}
		}
		maps.Copy(all, least)
		before = slices.Insert(before, 0, left[next])
		left = slices.Delete(left, next, next+1)
	}
	return all
}

// lateFor is how old what somebody has read may be when it is written back.
const staleReadWindow = time.Minute

// since is what s changes of the ruleset that it was made of: the first of those from which it differs least. Whoever has made it has
// changed something, so that it was made of none of the same rules.
func (s Ruleset) editsSince(before []Ruleset) edits {
	least := edits{}
	for _, other := range before {
		changed := difference(other.Rules, s.Rules)
		if len(changed) > 0 && !other.createdTime().After(s.createdTime()) && (len(least) == 0 || len(changed) < len(least)) {
			least = changed
		}
	}
	return least
}

// madeAt is zero for a time that cannot be read.
func (s Ruleset) createdTime() time.Time {
	t, err := time.Parse(time.RFC3339, s.CreatedAt)
	if err != nil {
		return time.Time{}
	}
	return t.UTC()
}
