// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package sandbox

import (
	"net/http"
	"slices"
	"sync"
	"time"
)

// Request is one line of the journal: never a body, never a header that could hold a secret.
type Request struct {
	Seq       int       `json:"seq"`       // 1, 2, 3 … in the order of arrival
	Time      time.Time `json:"time"`      // on the sandbox's clock
	RealTime  time.Time `json:"real_time"` // on the wall
	Method    string    `json:"method"`
	Path      string    `json:"path"`
	Query     string    `json:"query,omitempty"`
	UserAgent string    `json:"user_agent"`
	Status    int       `json:"status"` // 0: not answered, or not yet
	RequestID string    `json:"request_id"`
	Fault     string    `json:"fault,omitempty"` // id of the fault that struck it
}

type journal struct {
	mu       sync.Mutex
	first    int // Seq of requests[0]
	requests []Request
}

// begin notes a request and gives its number.
func (j *journal) begin(r *http.Request, now time.Time, requestID string) int {
	j.mu.Lock()
	defer j.mu.Unlock()
	seq := j.first + len(j.requests) + 1
	j.requests = append(j.requests, Request{
		Seq:       seq,
		Time:      now,
		RealTime:  time.Now(),
		Method:    r.Method,
		Path:      r.URL.Path,
		Query:     r.URL.RawQuery,
		UserAgent: r.UserAgent(),
		RequestID: requestID,
	})
	return seq
}

// note changes the line of a request, unless it has been forgotten meanwhile.
func (j *journal) note(seq int, change func(*Request)) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if i := seq - j.first - 1; i >= 0 && i < len(j.requests) {
		change(&j.requests[i])
	}
}

func (j *journal) list() []Request {
	j.mu.Lock()
	defer j.mu.Unlock()
	return slices.Clone(j.requests)
}

func (j *journal) reset() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.first += len(j.requests)
	j.requests = nil
}

// Journal lists the requests to both APIs since the start or the last reset, in the order of their arrival.
func (s *Sandbox) Journal() []Request { return s.journal.list() }

// ResetJournal forgets them; numbering goes on.
func (s *Sandbox) ResetJournal() { s.journal.reset() }
