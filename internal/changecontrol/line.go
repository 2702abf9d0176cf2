// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package changecontrol

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"strings"
)

// Event is what a line of the record tells.
type Event string

const (
	EventIntent   Event = "intent"   // a request is about to be sent
	EventAnswered Event = "answered" // Heroku has answered it, well or not: see the status
	EventLost     Event = "lost"     // it may have reached Heroku, and there was no answer
	EventUnsent   Event = "unsent"   // it has certainly not left this machine
	EventTorn     Event = "torn"     // the record ended in a part of a line, which is in removed
)

// Line is one line of the record, in the order in which it is written; its hash follows.
type Line struct {
	Seq       int64           `json:"seq"` // from 1
	Event     Event           `json:"event"`
	Answers   int64           `json:"answers"` // the seq of the intent; 0: it answers none
	Time      string          `json:"time"`    // RFC 3339, of Heroku's clock
	Previous  string          `json:"previous"`
	Reference string          `json:"reference"`
	Emergency bool            `json:"emergency"`
	Actor     string          `json:"actor"` // empty: not known
	Object    Object          `json:"object"`
	Method    string          `json:"method"`
	Path      string          `json:"path"`
	Try       int             `json:"try"`
	Status    *int            `json:"status"`
	RequestID string          `json:"request_id"`
	Run       *Run            `json:"run"`
	Impact    json.RawMessage `json:"impact"`
	Removed   string          `json:"removed,omitempty"`
}

// noPrevious is what the first line has for the hash of the line before.
var noPrevious = strings.Repeat("0", 2*sha256.Size)

// What a line ends in: the hash of all that is before it, closed by a brace. So the last line can be checked, too, which no
// other follows.
const (
	hashOpens  = `,"hash":"`
	hashCloses = `"}`
	hashLength = len(hashOpens) + 2*sha256.Size + len(hashCloses)
)

// render writes a line without the end of line.
func (l Line) render() ([]byte, error) {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(l); err != nil {
		return nil, err
	}
	body := bytes.TrimSuffix(b.Bytes(), []byte("\n"))
	return append(body[:len(body)-1:len(body)-1], hashOpens+hashOf(body)+hashCloses...), nil
}

var errNotALine = errors.New("it is not a line that this provider has written")

// parseLine reads a line and proves that it is as it was written.
func parseLine(raw []byte) (Line, error) {
	var l Line
	if len(raw) <= hashLength {
		return l, errNotALine
	}
	body := append(bytes.Clone(raw[:len(raw)-hashLength]), '}')
	if string(raw[len(raw)-hashLength:]) != hashOpens+hashOf(body)+hashCloses {
		return l, errNotALine
	}
	if err := json.Unmarshal(body, &l); err != nil {
		return l, errNotALine
	}
	return l, nil
}

func hashOf(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}
