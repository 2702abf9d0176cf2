// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package changecontrol

import (
	"bytes"
	"slices"
)

// Verification is what a record shows about itself.
type Verification struct {
	Valid       bool
	Lines       int    // that the text has, whole or not
	FirstBroken int    // the number of the first line that is not as it was written where it was written; 0: none
	Head        string // SHA-256 of the last line that is in order, without its end; empty: there is none
	Unanswered  []Line // intents that no line answers, up to there
}

// Verify reads a record. It finds every line that was changed, removed, moved or inserted, except for what happens at the
// end alone: whoever removes the last lines leaves a shorter record that is in order, as whoever writes all hashes anew
// leaves another one. Lines and Head show that to who has kept those of before elsewhere. An intent that no line answers
// is in order, since a process may be killed at any time: what became of its request has to be looked up at Heroku.
//
// The end of the last line may be missing, as after the text was trimmed.
func Verify(text []byte) Verification {
	v := Verification{}
	lines := bytes.Split(text, []byte("\n"))
	if len(lines[len(lines)-1]) == 0 {
		lines = lines[:len(lines)-1]
	}
	v.Lines = len(lines)
	c := chain{head: noPrevious}
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

// chain is a record as far as it was read.
type chain struct {
	seq  int64
	head string // the hash of the last line
	open []Line // intents without an answer
}

// add takes the next line, if that can be the next one.
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
