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

// This file computes how changes of several people to the rules of one space are merged. It sends no requests.

// ruleKey identifies a rule by its meaning: 192.0.2.7/24 is the same as 192.0.2.0/24.
type ruleKey struct{ action, source string }

func (r Rule) key() ruleKey {
	if prefix, err := netip.ParsePrefix(r.Source); err == nil {
		return ruleKey{r.Action, prefix.Masked().String()}
	}
	return ruleKey{r.Action, r.Source}
}

// edits are changes of a list of rules: the rule to add for a key, or nil to remove it.
type edits map[ruleKey]*Rule

// edits returns the edits of a change. A range that is both added and removed is added, so that nobody loses access.
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

// over returns the union of both edits, in which e takes precedence over other.
func (e edits) over(other edits) edits {
	all := edits{}
	maps.Copy(all, other)
	maps.Copy(all, e)
	return all
}

// applyTo returns rules with the edits applied. The order and the spelling of the other rules stay.
func (e edits) applyTo(rules []Rule) []Rule {
	result, missing := make([]Rule, 0, len(rules)), maps.Clone(e)
	for _, rule := range rules {
		key := rule.key()
		if wanted, edited := e[key]; edited && wanted == nil {
			continue
		}
		delete(missing, key)
		result = append(result, rule)
	}
	for _, key := range slices.SortedFunc(maps.Keys(missing), func(a, b ruleKey) int {
		return cmp.Or(cmp.Compare(a.source, b.source), cmp.Compare(a.action, b.action))
	}) {
		if rule := missing[key]; rule != nil {
			result = append(result, *rule)
		}
	}
	return result
}

// areAppliedIn reports whether applying the edits would not change the rules.
func (e edits) areAppliedIn(rules []Rule) bool { return len(difference(rules, e.applyTo(rules))) == 0 }

// difference returns the edits that turn from into to.
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

// overwrittenEdits returns the changes of others that made has undone. made is the ruleset that was written, based on read; others
// are the rulesets that were created in between, and earlier those that were created shortly before read.
//
// The others may have based their rulesets on stale reads as well, so a ruleset is compared with the one that it was based on, and
// not with its predecessor. Heroku does not report that, and reports the creation time in whole seconds only. So the rulesets of
// one second are put into an order in which each differs as little as possible from one before it.
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

// staleReadWindow is how old a ruleset may be when somebody writes a change of it.
const staleReadWindow = time.Minute

// editsSince returns the edits from the ruleset that s was based on to s. That ruleset is taken to be the first of those from which
// s differs least, except those with the same rules, since a write changes something.
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

// createdTime returns CreatedAt as a time, or zero if it cannot be parsed.
func (s Ruleset) createdTime() time.Time {
	t, err := time.Parse(time.RFC3339, s.CreatedAt)
	if err != nil {
		return time.Time{}
	}
	return t.UTC()
}
