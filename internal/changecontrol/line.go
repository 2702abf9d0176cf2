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

// Event is the kind of a line of the record.
type Event string

const (
	EventIntent   Event = "intent"   // a request is about to be sent
	EventAnswered Event = "answered" // there was a response, with the status in the line
	EventLost     Event = "lost"     // the request may have reached Heroku, and there was no response
	EventUnsent   Event = "unsent"   // the request was certainly not sent
	EventTorn     Event = "torn"     // the record ended in an incomplete line, which is in Removed
)

// Line is one line of the record. The fields are written in this order, followed by the hash.
type Line struct {
	Seq       int64           `json:"seq"` // from 1
	Event     Event           `json:"event"`
	Answers   int64           `json:"answers"`  // the seq of the intent, or 0
	Time      string          `json:"time"`     // RFC 3339, Heroku's time
	Previous  string          `json:"previous"` // the hash of the line before
	Reference string          `json:"reference"`
	Emergency bool            `json:"emergency"`
	Actor     string          `json:"actor"` // the account; empty if unknown
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

// zeroHash is Previous of the first line.
var zeroHash = strings.Repeat("0", 2*sha256.Size)

// A line ends with the hash of everything before it, and a brace. Without that, the last line could not be checked, because no
// other line contains its hash.
const (
	hashPrefix = `,"hash":"`
	hashSuffix = `"}`
	hashLength = len(hashPrefix) + 2*sha256.Size + len(hashSuffix)
)

// render returns the line without a line break.
func (l Line) render() ([]byte, error) {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(l); err != nil {
		return nil, err
	}
	body := bytes.TrimSuffix(b.Bytes(), []byte("\n"))
	return append(body[:len(body)-1:len(body)-1], hashPrefix+hashOf(body)+hashSuffix...), nil
}

var errNotALine = errors.New("it is not a line that this provider has written")

// parseLine parses a line and verifies its hash.
func parseLine(raw []byte) (Line, error) {
	var l Line
	if len(raw) <= hashLength {
		return l, errNotALine
	}
	body := append(bytes.Clone(raw[:len(raw)-hashLength]), '}')
	if string(raw[len(raw)-hashLength:]) != hashPrefix+hashOf(body)+hashSuffix {
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
