// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package changecontrol

import (
	"bytes"
	"slices"
)

// Verification is the result of verifying a record.
type Verification struct {
	Valid       bool
	Lines       int    // of the text, including an incomplete last line
	FirstBroken int    // the number of the first line that was changed or is in the wrong place, or 0
	Head        string // SHA-256 of the last valid line without its line break; empty if there is none
	Unanswered  []Line // intents without a result, among the valid lines
}

// Verify verifies a record. It finds the first line that was changed, removed, moved or inserted. It cannot find that the last
// lines were removed, or that all hashes were recomputed; compare Lines and Head with values that were stored elsewhere for
// that. An intent without a result is valid, since a process may be killed at any time: the result of its request has to be
// looked up at Heroku.
//
// The last line break may be missing, as after the text was trimmed.
func Verify(text []byte) Verification {
	v := Verification{}
	lines := bytes.Split(text, []byte("\n"))
	if len(lines[len(lines)-1]) == 0 {
		lines = lines[:len(lines)-1]
	}
	v.Lines = len(lines)
	c := chain{head: zeroHash}
	for i, raw := range lines {
		if !c.add(raw) {
			v.FirstBroken = i + 1
			break
		}
		v.Head = c.head
	}
	v.Valid, v.Unanswered = v.FirstBroken == 0, c.open
	return v
}

// chain is the state of a verification.
type chain struct {
	seq  int64
	head string // the hash of the last line
	open []Line // intents without a result
}

// add adds the next line. It returns false if the line is not valid in this place.
func (c *chain) add(raw []byte) bool {
	l, err := parseLine(raw)
	if err != nil || l.Seq != c.seq+1 || l.Previous != c.head {
		return false
	}
	switch l.Event {
	case EventIntent:
		if l.Answers != 0 {
			return false
		}
		c.open = append(c.open, l)
	case EventAnswered, EventLost, EventUnsent:
		i := slices.IndexFunc(c.open, func(intent Line) bool { return intent.Seq == l.Answers })
		if i < 0 || c.open[i].Method != l.Method || c.open[i].Path != l.Path {
			return false
		}
		c.open = slices.Delete(c.open, i, i+1)
	case EventTorn:
	default:
		return false
	}
	c.seq, c.head = l.Seq, hashOf(raw)
	return true
}
