// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

// Package changecontrol decides whether a change may be made now, and keeps the record of what was sent because of it.
//
// [New] reads the configuration, and [Control.Judge] answers for one change. [Control.KeepRecord] names the file to which
// every write is appended before it is sent and after its answer, by [Control.Announce]; [Verify] reads such a file again.
//
// There is neither Terraform nor Heroku here: who is governed follows from the networks that a change touches, and the time is
// told by the caller.
package changecontrol

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"
)

// Config is what was configured, as it was written.
type Config struct {
	Reference        string // empty: none
	ReferenceUnknown bool   // there is one, and only apply will know it
	ReferencePattern string // empty: any reference will do
	AppliesTo        string // a Scope; empty: shield
	Freezes          []FreezeConfig
	Emergency        bool
}

// FreezeConfig is a time without changes: from the one RFC 3339 time until immediately before the other.
type FreezeConfig struct{ From, To, Reason string }

// Scope says whose changes are governed.
type Scope string

const (
	ScopeShield  Scope = "shield"  // of Shield Spaces and of what is in them or on a shield plan
	ScopePrivate Scope = "private" // of all Private Spaces likewise
	ScopeAll     Scope = "all"
)

// Problem is a part of the configuration that cannot be used: an attribute, of which freeze if it is one of these (else -1).
type Problem struct {
	Attribute string
	Freeze    int
	Text      string // one sentence that ends in what would do
}

// Control is a configuration that can be used. A nil one governs nothing.
type Control struct {
	reference string
	unknown   bool
	pattern   *regexp.Regexp // nil: any
	scope     Scope
	freezes   []freeze
	emergency bool
	record    *record // nil: none is kept
}

type freeze struct {
	from, to time.Time
	reason   string
}

// A pattern has to match the whole reference: one without ^ and $ would else accept any text around a number.
const (
	wholeOpens  = `\A(?:`
	wholeCloses = `)\z`
)

const timeExample = `write it as RFC 3339, for example "2026-12-18T00:00:00Z"`

// New reads a configuration. With any problem there is no Control.
func New(c Config) (*Control, []Problem) {
	control := &Control{reference: c.Reference, unknown: c.ReferenceUnknown, scope: ScopeShield, emergency: c.Emergency}
	var problems []Problem
	report := func(attribute string, freeze int, format string, values ...any) {
		problems = append(problems, Problem{attribute, freeze, fmt.Sprintf(format, values...)})
	}

	if c.ReferencePattern != "" {
		pattern, err := regexp.Compile(wholeOpens + c.ReferencePattern + wholeCloses)
		if _, alone := regexp.Compile(c.ReferencePattern); err != nil || alone != nil {
			report("reference_pattern", -1, "%q is not a regular expression as RE2 reads them: write for example \"^CHG[0-9]{7}$\"",
				c.ReferencePattern)
		}
		control.pattern = pattern
	}
	if c.AppliesTo != "" {
		control.scope = Scope(c.AppliesTo)
	}
	if !slices.Contains([]Scope{ScopeShield, ScopePrivate, ScopeAll}, control.scope) {
		report("applies_to", -1, "%q names no group of objects: write \"shield\", \"private\" or \"all\"", c.AppliesTo)
	}
	for i, f := range c.Freezes {
		from, errFrom := time.Parse(time.RFC3339, f.From)
		if errFrom != nil {
			report("from", i, "%q is not a time: %s", f.From, timeExample)
		}
		to, errTo := time.Parse(time.RFC3339, f.To)
		if errTo != nil {
			report("to", i, "%q is not a time: %s", f.To, timeExample)
		}
		if errFrom != nil || errTo != nil {
			continue
		}
		if !from.Before(to) {
			report("to", i, "the freeze ends at %s and begins at %s: write an end that is later than the beginning", f.To, f.From)
			continue
		}
		for _, other := range control.freezes {
			if from.Before(other.to) && other.from.Before(to) {
				report("from", i, "the freeze from %s to %s overlaps the one from %s to %s: write one freeze for both, or let the later one begin "+
					"when the earlier one ends", f.From, f.To, clockTime(other.from), clockTime(other.to))
				break
			}
		}
		control.freezes = append(control.freezes, freeze{from, to, f.Reason})
	}
	if len(problems) > 0 {
		return nil, problems
	}
	return control, nil
}

func clockTime(t time.Time) string { return t.Format(time.RFC3339) }

// Object is what a change is about. What is not known is empty.
type Object struct {
	Kind  string `json:"kind"` // such as "kvs_instance"
	ID    string `json:"id"`
	Name  string `json:"name"`
	App   string `json:"app"`   // its name
	Space string `json:"space"` // its name
}

func (o Object) String() string {
	name := o.Name
	if name == "" {
		name = o.ID
	}
	return strings.TrimSpace(o.Kind + " " + name)
}

// Network is where an object is, or what its plan is made for.
type Network string

const (
	NetworkUnknown Network = ""
	NetworkCommon  Network = "common"
	NetworkPrivate Network = "private"
	NetworkShield  Network = "shield"
)

// Change is one of one object.
type Change struct {
	Object Object

	// Networks of everything that the change touches, before it and after it: of the space, of the app's space, of the plan.
	// An app that leaves a Shield Space is governed, and so is one that comes into it. None at all counts as unknown.
	Networks []Network

	// Planned is the reference that a saved plan carries. It is nil when the plan has none: the reference was unknown or came
	// from the environment, the plan has no place for it, or this is the plan.
	Planned *string
}

// Phase is when a change is judged.
type Phase int

const (
	Planning Phase = iota // what is not known yet is judged later
	Applying              // what is not known by now counts against the change
)

// Rule is what a change breaks.
type Rule string

const (
	NoReference      Rule = "no_reference"
	InvalidReference Rule = "invalid_reference"
	OtherReference   Rule = "other_reference" // than the one that was planned
	InFreeze         Rule = "freeze"
)

// Refusal says why a change is not permitted, and what to do. Both texts are sentences.
type Refusal struct {
	Rule   Rule
	Object Object
	Reason string
	Remedy string
}

func (r Refusal) Error() string { return r.Object.String() + ": " + r.Reason + " " + r.Remedy }

// Governs reports whether a change is governed. While it is planned, one of which that is not known is not, yet.
func (c *Control) Governs(ch Change, phase Phase) bool {
	if c == nil {
		return false
	}
	touches := func(networks ...Network) bool {
		return slices.ContainsFunc(ch.Networks, func(n Network) bool { return slices.Contains(networks, n) })
	}
	switch {
	case c.scope == ScopeAll || touches(NetworkShield) || c.scope == ScopePrivate && touches(NetworkPrivate):
		return true
	case len(ch.Networks) == 0 || touches(NetworkUnknown):
		return phase == Applying
	}
	return false
}

// Judge says what forbids a change now; nothing: it is permitted. The time is Heroku's, since a local clock may be wrong.
func (c *Control) Judge(ch Change, phase Phase, now time.Time) []Refusal {
	if !c.Governs(ch, phase) {
		return nil
	}
	refusals := c.judgeReference(ch, phase)
	for _, f := range c.freezes {
		if now.Before(f.from) || !now.Before(f.to) || c.emergency && len(refusals) == 0 {
			continue
		}
		reason := fmt.Sprintf("Changes are frozen from %s to %s", clockTime(f.from), clockTime(f.to))
		if f.reason != "" {
			reason += fmt.Sprintf(" (%s)", f.reason)
		}
		refusals = append(refusals, Refusal{
			InFreeze, ch.Object, reason + ".",
			"Plan and apply it afterwards. What cannot wait passes with emergency = true and a valid reference, and is recorded as such.",
		})
	}
	return refusals
}

func (c *Control) judgeReference(ch Change, phase Phase) []Refusal {
	refuse := func(rule Rule, reason, remedy string) []Refusal {
		return []Refusal{{rule, ch.Object, reason, remedy}}
	}
	switch {
	case c.unknown && phase == Planning:
		return nil
	case c.reference == "":
		return refuse(NoReference, "A change of this object needs the reference of an approved change, and there is none.",
			"Set change_control.reference or the environment variable KVS_CHANGE_REFERENCE"+c.wanted()+".")
	}
	if problem := c.referenceProblem(); problem != "" {
		return refuse(InvalidReference, fmt.Sprintf("The change reference %q %s.", clip(c.reference), problem),
			"Set change_control.reference or the environment variable KVS_CHANGE_REFERENCE"+c.wanted()+".")
	}
	if ch.Planned != nil && *ch.Planned != c.reference {
		return refuse(OtherReference,
			fmt.Sprintf("The plan was made under the reference %q, and is applied under %q.", clip(*ch.Planned), clip(c.reference)),
			"Apply it under the reference that it was approved with, or make a new plan.")
	}
	return nil
}

// wanted is what a reference looks like, to be put behind a remedy.
func (c *Control) wanted() string {
	if c.pattern == nil {
		return ""
	}
	pattern := strings.TrimSuffix(strings.TrimPrefix(c.pattern.String(), wholeOpens), wholeCloses)
	return fmt.Sprintf(" to one that matches reference_pattern (%s)", pattern)
}

const longestReference = 200

// referenceProblem continues a sentence about the reference; empty when nothing is wrong with it.
func (c *Control) referenceProblem() string {
	switch {
	case strings.TrimSpace(c.reference) != c.reference:
		return "begins or ends with a space"
	case strings.ContainsFunc(c.reference, func(r rune) bool { return unicode.IsControl(r) || r == unicode.ReplacementChar }):
		return "has characters that cannot be printed"
	case len(c.reference) > longestReference:
		return fmt.Sprintf("is longer than %d bytes", longestReference)
	case c.pattern != nil && !c.pattern.MatchString(c.reference):
		return "does not match reference_pattern"
	}
	return ""
}

// clip shortens what may be too long for a sentence.
func clip(s string) string {
	const most = 60
	if runes := []rune(s); len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return s
}
