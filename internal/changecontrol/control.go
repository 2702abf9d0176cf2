// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

// Package changecontrol decides whether a change may be made now, and keeps a record of the requests that were sent for it.
//
// [New] validates the configuration, and [Control.Judge] checks one change. [Control.KeepRecord] sets the file to which
// [Control.Announce] appends every write before it is sent, and its result; [Verify] checks such a file.
//
// The package knows neither Terraform nor Heroku: whether a change is governed depends on the networks that it touches, and the
// caller passes the time.
package changecontrol

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"
)

// Config is the configuration as it was written.
type Config struct {
	Reference        string // empty if there is none
	ReferenceUnknown bool   // the reference is only known during apply
	ReferencePattern string // empty if any reference is valid
	AppliesTo        string // a Scope; ScopeShield if empty
	Freezes          []FreezeConfig
	Emergency        bool
}

// FreezeConfig is a period without changes, between two RFC 3339 times. From is in the period, and To is not.
type FreezeConfig struct{ From, To, Reason string }

// Scope says which objects are governed.
type Scope string

const (
	ScopeShield  Scope = "shield"  // Shield Spaces, the objects in them, and stores on shield plans
	ScopePrivate Scope = "private" // the same for all Private Spaces, including Shield Spaces
	ScopeAll     Scope = "all"
)

// Problem is an invalid attribute of the configuration.
type Problem struct {
	Attribute string
	Freeze    int    // the index of the freeze that the attribute belongs to, or -1
	Text      string // one sentence, which ends with a valid value
}

// Control is a valid configuration. A nil Control governs nothing.
type Control struct {
	reference string
	unknown   bool
	pattern   *regexp.Regexp // nil if any reference is valid
	scope     Scope
	freezes   []freeze
	emergency bool
	record    *record // nil if no record is kept
}

type freeze struct {
	from, to time.Time
	reason   string
}

// The pattern has to match the whole reference: without ^ and $, it would otherwise accept any text around a number.
const (
	patternPrefix = `\A(?:`
	patternSuffix = `)\z`
)

const timeExample = `write it as RFC 3339, for example "2026-12-18T00:00:00Z"`

// New validates a configuration. If there are problems, the Control is nil.
func New(c Config) (*Control, []Problem) {
	control := &Control{reference: c.Reference, unknown: c.ReferenceUnknown, scope: ScopeShield, emergency: c.Emergency}
	var problems []Problem
	report := func(attribute string, freeze int, format string, values ...any) {
		problems = append(problems, Problem{attribute, freeze, fmt.Sprintf(format, values...)})
	}

	if c.ReferencePattern != "" {
		pattern, err := regexp.Compile(patternPrefix + c.ReferencePattern + patternSuffix)
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

// Object is the object that is changed. Unknown fields are empty.
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

// Network is the network that an object is in, or that its plan is for.
type Network string

const (
	NetworkUnknown Network = ""
	NetworkCommon  Network = "common"
	NetworkPrivate Network = "private"
	NetworkShield  Network = "shield"
)

// Change is a change of one object.
type Change struct {
	Object Object

	// Networks are those of the space, of the app's space and of the plan, each before and after the change: an app that leaves a
	// Shield Space is governed, as is one that enters it. An empty list counts as unknown.
	Networks []Network

	// Planned is the reference in the saved plan. It is nil during planning, and if the plan has none because the reference was
	// unknown, came from the environment, or cannot be stored for this object.
	Planned *string
}

// Phase is when a change is judged.
type Phase int

const (
	Planning Phase = iota // unknown values do not count against the change yet
	Applying              // unknown values count against the change
)

// Rule is a rule that a change breaks.
type Rule string

const (
	NoReference      Rule = "no_reference"
	InvalidReference Rule = "invalid_reference"
	OtherReference   Rule = "other_reference" // it differs from the planned one
	InFreeze         Rule = "freeze"
)

// Refusal explains why a change is not permitted (Reason), and what to do (Remedy), in full sentences.
type Refusal struct {
	Rule   Rule
	Object Object
	Reason string
	Remedy string
}

func (r Refusal) Error() string { return r.Object.String() + ": " + r.Reason + " " + r.Remedy }

// Governs reports whether a change is governed. If a network is unknown, it counts as governed only during apply.
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

// Judge returns why a change is not permitted at the time now; it is permitted if the result is empty. Pass Heroku's time, since
// the local clock may be wrong.
func (c *Control) Judge(ch Change, phase Phase, now time.Time) []Refusal {
	if !c.Governs(ch, phase) {
		return nil
	}
	refusals := c.checkReference(ch, phase)
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

func (c *Control) checkReference(ch Change, phase Phase) []Refusal {
	refuse := func(rule Rule, reason, remedy string) []Refusal {
		return []Refusal{{rule, ch.Object, reason, remedy}}
	}
	switch {
	case c.unknown && phase == Planning:
		return nil
	case c.reference == "":
		return refuse(NoReference, "A change of this object needs the reference of an approved change, and there is none.",
			"Set change_control.reference or the environment variable KVS_CHANGE_REFERENCE"+c.patternHint()+".")
	}
	if problem := c.referenceProblem(); problem != "" {
		return refuse(InvalidReference, fmt.Sprintf("The change reference %q %s.", clip(c.reference), problem),
			"Set change_control.reference or the environment variable KVS_CHANGE_REFERENCE"+c.patternHint()+".")
	}
	if ch.Planned != nil && *ch.Planned != c.reference {
		return refuse(OtherReference,
			fmt.Sprintf("The plan was made under the reference %q, and is applied under %q.", clip(*ch.Planned), clip(c.reference)),
			"Apply it under the reference that it was approved with, or make a new plan.")
	}
	return nil
}

// patternHint returns the end of a remedy that names the pattern, or "" if there is none.
func (c *Control) patternHint() string {
	if c.pattern == nil {
		return ""
	}
	pattern := strings.TrimSuffix(strings.TrimPrefix(c.pattern.String(), patternPrefix), patternSuffix)
	return fmt.Sprintf(" to one that matches reference_pattern (%s)", pattern)
}

const maxReferenceLength = 200

// referenceProblem returns what is wrong with the reference, as the predicate of a sentence, or "".
func (c *Control) referenceProblem() string {
	switch {
	case strings.TrimSpace(c.reference) != c.reference:
		return "begins or ends with a space"
	case strings.ContainsFunc(c.reference, func(r rune) bool { return unicode.IsControl(r) || r == unicode.ReplacementChar }):
		return "has characters that cannot be printed"
	case len(c.reference) > maxReferenceLength:
		return fmt.Sprintf("is longer than %d bytes", maxReferenceLength)
	case c.pattern != nil && !c.pattern.MatchString(c.reference):
		return "does not match reference_pattern"
	}
	return ""
}

// clip shortens a text for use in a sentence.
func clip(s string) string {
	const most = 60
	if runes := []rune(s); len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return s
}
