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

// Journal lists the requests to both APIs since the start or the last reset, in the order of their arrival.
func (s *Sandbox) Journal() []Request {
	s.journal.mu.Lock()
	defer s.journal.mu.Unlock()
	return slices.Clone(s.journal.requests)
}

// ResetJournal forgets them; numbering goes on.
func (s *Sandbox) ResetJournal() {
	s.journal.mu.Lock()
	defer s.journal.mu.Unlock()
	s.journal.first += len(s.journal.requests)
	s.journal.requests = nil
}

// LedgerEntry is a billable object.
type LedgerEntry struct {
	Kind        string     `json:"kind"` // "add-on" or "space"
	ID          string     `json:"id"`
	Name        string     `json:"name"` // the present one, or the last
	Plan        string     `json:"plan"` // the present one, or the last; empty for a space
	AppID       string     `json:"app_id"`
	App         string     `json:"app"` // its name; empty for a space
	CreatedAt   time.Time  `json:"created_at"`
	DestroyedAt *time.Time `json:"destroyed_at"` // null: it exists
}

// Ledger lists every billable object that was ever created. An object that exists at the end of a run is an orphan.
type Ledger struct {
	Created   int           `json:"created"`
	Destroyed int           `json:"destroyed"`
	Living    int           `json:"living"`
	Orphans   int           `json:"orphans"` // the same as living
	Objects   []LedgerEntry `json:"objects"` // in the order of creation
}

// Ledger counts and lists the billable objects.
func (s *Sandbox) Ledger() Ledger {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := Ledger{Created: len(s.world.Ledger), Objects: slices.Clone(s.world.Ledger)}
	if l.Objects == nil {
		l.Objects = []LedgerEntry{}
	}
	for _, e := range l.Objects {
		if e.DestroyedAt != nil {
			l.Destroyed++
		}
	}
	l.Living = l.Created - l.Destroyed
	l.Orphans = l.Living
	return l
}

// updateLedger changes the entry of an object; a new object gets one.
func (w *world) updateLedger(id string, change func(*LedgerEntry)) {
	i := slices.IndexFunc(w.Ledger, func(e LedgerEntry) bool { return e.ID == id })
	if i < 0 {
		i = len(w.Ledger)
		w.Ledger = append(w.Ledger, LedgerEntry{ID: id})
	}
	change(&w.Ledger[i])
}
