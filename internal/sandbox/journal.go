// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package sandbox

import (
	"bytes"
	"math"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"
)

// Request is an entry of the journal. It contains no body and no header that could have a secret.
type Request struct {
	Seq       int       `json:"seq"`       // 1, 2, 3 … in the order of arrival
	Time      time.Time `json:"time"`      // on the sandbox's clock
	RealTime  time.Time `json:"real_time"` // of the machine
	Method    string    `json:"method"`
	Path      string    `json:"path"`
	Query     string    `json:"query,omitempty"`
	UserAgent string    `json:"user_agent"`
	Status    int       `json:"status"` // 0 = no response, or not yet
	RequestID string    `json:"request_id"`
	Fault     string    `json:"fault,omitempty"` // id of the fault that was applied
}

type journal struct {
	mu       sync.Mutex
	first    int // Seq of requests[0]
	requests []Request
}

// maxJournal is the number of requests that are kept. When it is reached, the oldest tenth is removed.
const maxJournal = 100_000

// add adds a request and returns its number.
func (j *journal) add(r *http.Request, now time.Time, requestID string) int {
	j.mu.Lock()
	defer j.mu.Unlock()
	if len(j.requests) == maxJournal {
		j.first += maxJournal / 10
		j.requests = slices.Delete(j.requests, 0, maxJournal/10)
	}
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

// update changes the entry of a request, unless it has been removed meanwhile.
func (j *journal) update(seq int, change func(*Request)) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if i := seq - j.first - 1; i >= 0 && i < len(j.requests) {
		change(&j.requests[i])
	}
}

// Journal returns the requests to both APIs since the start or the last reset, in the order of their arrival.
func (s *Sandbox) Journal() []Request {
	s.journal.mu.Lock()
	defer s.journal.mu.Unlock()
	return slices.Clone(s.journal.requests)
}

const journalChunk = 4096 // entries that search reads before it releases the lock

// search returns the latest entries with a number below before that contain text, ignoring case. It returns at most limit entries, in the
// order of arrival.
func (j *journal) search(limit, before int, text string) []Request {
	found, wanted, buffer := make([]Request, 0, min(limit, 256)), bytes.ToLower([]byte(text)), []byte(nil)
	for more := true; more && len(found) < limit; {
		j.mu.Lock()
		end := min(len(j.requests), max(0, before-j.first-1))
		begin := max(0, end-journalChunk)
		for i := end - 1; i >= begin && len(found) < limit; i-- {
			if text != "" {
				buffer = j.requests[i].appendSearchText(buffer[:0])
			}
			if bytes.Contains(buffer, wanted) {
				found = append(found, j.requests[i])
			}
		}
		before, more = j.first+begin+1, begin > 0
		j.mu.Unlock()
	}
	slices.Reverse(found)
	return found
}

// appendSearchText appends the text that search compares, in lower case.
func (q *Request) appendSearchText(b []byte) []byte {
	for _, part := range []string{q.Method, " ", q.Path, "?", q.Query, " "} {
		b = append(b, part...)
	}
	b = strconv.AppendInt(b, int64(q.Status), 10)
	for _, part := range []string{" ", q.UserAgent, " ", q.Fault} {
		b = append(b, part...)
	}
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return b
}

// getJournal returns the whole journal, or the part of it that the query selects.
func (s *Sandbox) getJournal(r *http.Request) (int, any) {
	if r.URL.RawQuery == "" {
		return http.StatusOK, encodeJournal(s.Journal())
	}
	limits := map[string]int{"max": math.MaxInt, "before": math.MaxInt}
	query := r.URL.Query()
	for name := range query {
		_, isLimit := limits[name]
		n, err := strconv.Atoi(query.Get(name))
		switch {
		case name == "contains":
		case !isLimit || err != nil || n < 1:
			return http.StatusUnprocessableEntity, controlError{"The journal takes max and before, which are numbers from 1 on, and contains."}
		default:
			limits[name] = n
		}
	}
	return http.StatusOK, encodeJournal(s.journal.search(limits["max"], limits["before"], query.Get("contains")))
}

// encodeJournal has the same result as encode, in a fifth of the time, because the journal may be long.
func encodeJournal(entries []Request) encoded {
	b := append(make([]byte, 0, 2+320*len(entries)), '[')
	for i, q := range entries {
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendInt(append(b, `{"seq":`...), int64(q.Seq), 10)
		b = q.Time.AppendFormat(append(b, `,"time":"`...), time.RFC3339Nano)
		b = q.RealTime.AppendFormat(append(b, `","real_time":"`...), time.RFC3339Nano)
		b = appendJSON(append(b, `","method":`...), q.Method)
		b = appendJSON(append(b, `,"path":`...), q.Path)
		if q.Query != "" {
			b = appendJSON(append(b, `,"query":`...), q.Query)
		}
		b = appendJSON(append(b, `,"user_agent":`...), q.UserAgent)
		b = strconv.AppendInt(append(b, `,"status":`...), int64(q.Status), 10)
		b = appendJSON(append(b, `,"request_id":`...), q.RequestID)
		if q.Fault != "" {
			b = appendJSON(append(b, `,"fault":`...), q.Fault)
		}
		b = append(b, '}')
	}
	return append(b, ']')
}

// appendJSON appends a text as a JSON string.
func appendJSON(b []byte, text string) []byte {
	for i := range len(text) {
		if c := text[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			return append(b, encode(text)...)
		}
	}
	return append(append(append(b, '"'), text...), '"')
}

// ResetJournal removes all entries of the journal. The numbering continues.
func (s *Sandbox) ResetJournal() {
	s.journal.mu.Lock()
	s.journal.first += len(s.journal.requests)
	s.journal.requests = nil
	s.journal.mu.Unlock()
	s.page.notify()
}

// LedgerEntry is a billable object.
type LedgerEntry struct {
	Kind        string     `json:"kind"` // "add-on" or "space"
	ID          string     `json:"id"`
	Name        string     `json:"name"` // current or, if destroyed, last
	Plan        string     `json:"plan"` // current or, if destroyed, last; "" for a space
	AppID       string     `json:"app_id"`
	App         string     `json:"app"` // its name; "" for a space
	CreatedAt   time.Time  `json:"created_at"`
	DestroyedAt *time.Time `json:"destroyed_at"` // null = it exists
}

// Ledger counts and lists all billable objects that were ever created. An object that still exists at the end of a test run is an orphan.
type Ledger struct {
	Created   int           `json:"created"`
	Destroyed int           `json:"destroyed"`
	Living    int           `json:"living"`
	Orphans   int           `json:"orphans"` // equal to Living
	Objects   []LedgerEntry `json:"objects"` // in the order of creation
}

// Ledger returns the ledger of the billable objects.
func (s *Sandbox) Ledger() Ledger {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := s.world.countLedger()
	l.Objects = append([]LedgerEntry{}, s.world.Ledger...)
	return l
}

func (w *world) countLedger() Ledger {
	l := Ledger{Created: len(w.Ledger)}
	for _, e := range w.Ledger {
		if e.DestroyedAt != nil {
			l.Destroyed++
		}
	}
	l.Living = l.Created - l.Destroyed
	l.Orphans = l.Living
	return l
}

// updateLedger changes the entry of an object, and adds one for a new object.
func (w *world) updateLedger(id string, change func(*LedgerEntry)) {
	i := slices.IndexFunc(w.Ledger, func(e LedgerEntry) bool { return e.ID == id })
	if i < 0 {
		i = len(w.Ledger)
		w.Ledger = append(w.Ledger, LedgerEntry{ID: id})
	}
	change(&w.Ledger[i])
}
