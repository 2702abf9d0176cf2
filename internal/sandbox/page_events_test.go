// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package sandbox

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

func startedFor(t *testing.T) *Sandbox {
	t.Helper()
	s, err := Start(t.Context(), Options{Engine: "miniredis", Clock: NewClock(time.Date(2026, 1, 14, 9, 0, 0, 0, time.UTC)), Seed: 1,
		RateLimit: 1 << 30})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func (s *Sandbox) try(method, path, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, s.URL()+path, strings.NewReader(body))
	r.Header = http.Header{"Accept": {"application/vnd.heroku+json; version=3"}, "Authorization": {"Bearer " + s.Token()},
		"Content-Type": {"application/json"}}
	answer := httptest.NewRecorder()
	s.ServeHTTP(answer, r)
	return answer
}

// stuckPage is a page that reads an event only when the test receives it.
type stuckPage struct {
	*httptest.ResponseRecorder
	began  func() // called when the first event is written
	events chan string
}

func (p *stuckPage) Write(b []byte) (int, error) {
	p.began()
	p.events <- string(b)
	return len(b), nil
}

// A page that does not read delays nobody, and nothing is queued for it. It gets the latest entries, and the information that it has
// missed some.
func TestPageEvents_aPageThatDoesNotReadCostsNothing(t *testing.T) {
	t.Parallel()
	s := startedFor(t)
	began, done := make(chan struct{}), make(chan struct{})
	page := &stuckPage{ResponseRecorder: httptest.NewRecorder(), began: sync.OnceFunc(func() { close(began) }), events: make(chan string)}
	go func() {
		defer close(done)
		s.serveEvents(page, httptest.NewRequest(http.MethodGet, s.URL()+controlPrefix+"events", nil))
	}()
	<-began
	for range 5000 {
		s.try("GET", "/account", "")
	}
	event := <-page.events
	for !strings.Contains(event, `"seq":5000`) {
		event = <-page.events
	}
	if told := strings.Count(event, `"seq":`); told > 2*maxEventLines || !strings.Contains(event, `"missed":true`) {
		t.Errorf("%d lines in one event: %.200s", told, event)
	}
	go func() { _ = s.Close() }()
	for open := true; open; {
		select {
		case <-page.events:
		case <-done:
			open = false
		}
	}
}

func TestPageEvents_aStreamKeepsLittle(t *testing.T) {
	t.Parallel()
	var j journal
	seen := streamState{}
	for range 50_000 { // without responses
		j.add(httptest.NewRequest(http.MethodGet, "/apps", nil), time.Time{}, "")
	}
	for _, since := range []streamState{seen, {last: 49_000}, {last: 49_990}} {
		lines, now := j.since(since, maxEventLines)
		if want := min(50_000-since.last, maxEventLines); len(lines) != want || len(now.pending) != want ||
			now.missed != (since.last < 50_000-maxEventLines) {
			t.Errorf("since %d: %d lines, %d open, missed %t", since.last, len(lines), len(now.pending), now.missed)
		}
	}
	_, now := j.since(seen, maxEventLines)
	for i := range 150 {
		j.update(49_801+i, func(q *Request) { q.Status = 200 })
	}
	lines, now := j.since(now, maxEventLines)
	if len(lines) != 150 || len(now.pending) != 50 || now.missed {
		t.Errorf("%d answered, %d open, missed %t", len(lines), len(now.pending), now.missed)
	}
	j.first += len(j.requests) // removed from the journal
	j.requests = nil
	if lines, now = j.since(now, maxEventLines); len(lines) != 0 || len(now.pending) != 0 || now.last != 50_000 || now.first != 50_001 {
		t.Errorf("after a reset: %d lines, %+v", len(lines), now)
	}
}

// The hand-written encoder has the same result as encoding/json.
func TestJournal_isEncodedAsItIs(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 14, 9, 0, 0, 120_000_000, time.UTC)
	lines := []Request{{}, {Seq: 7, Time: now, RealTime: now.In(time.FixedZone("", 3600)), Method: "GET", Path: "/apps", Query: "a=b",
		UserAgent: "x", Status: 200, RequestID: "id", Fault: "fault-1"}}
	for _, text := range []string{`"`, `\`, "<script>&", "ü\u2028", "\x00\n\x7f", "\xff", "a\tb"} {
		lines = append(lines, Request{Path: text, Query: text, UserAgent: text, Method: text, RequestID: text, Fault: text})
	}
	if got, want := string(encodeJournal(lines)), string(encode(lines)); got != want {
		t.Errorf("%s\n%s", got, want)
	}
	if got := string(encodeJournal(nil)); got != "[]" {
		t.Error(got)
	}
}

func TestJournal_isBounded(t *testing.T) {
	t.Parallel()
	var j journal
	r := httptest.NewRequest(http.MethodGet, "/apps", nil)
	for i := range maxJournal + maxJournal/2 {
		if seq := j.add(r, time.Time{}, ""); seq != i+1 {
			t.Fatalf("the %d. has number %d", i+1, seq)
		}
	}
	if n := len(j.requests); n > maxJournal || n < maxJournal*9/10 || cap(j.requests) > 2*maxJournal {
		t.Errorf("%d are kept, with room for %d", n, cap(j.requests))
	}
	if last := j.requests[len(j.requests)-1].Seq; last != maxJournal+maxJournal/2 || j.requests[0].Seq != j.first+1 {
		t.Errorf("from %d to %d, first %d", j.requests[0].Seq, last, j.first)
	}
	if found := j.search(3, maxJournal, "get /apps"); len(found) != 3 || found[2].Seq != maxJournal-1 {
		t.Errorf("found %+v", found)
	}
}

// For a large world, the page's data has some hundred bytes for each object, and is encoded once for each version. The test is not
// parallel, so that no other test allocates memory.
func TestPageWorld_isMadeOnceAndBounded(t *testing.T) {
	s := startedFor(t)
	const apps = 200
	for i := range apps {
		s.try("POST", "/apps", fmt.Sprintf(`{"name":"app-%03d"}`, i))
		if answer := s.try("POST", fmt.Sprintf("/apps/app-%03d/addons", i), `{"plan":"heroku-redis:premium-0"}`); answer.Code != 201 {
			t.Fatal(answer.Body)
		}
	}
	s.clock.Advance(time.Minute)
	s.try("GET", "/account", "")
	first := s.pageWorldJSON()
	if each := len(first) / apps; each > 1200 {
		t.Errorf("%d bytes for an app with its store and attachment", each)
	}
	if again := s.pageWorldJSON(); &again[0] != &first[0] {
		t.Error("it is made again though nothing has changed")
	}
	if n := testing.AllocsPerRun(10, func() { s.try("GET", "/__sandbox/world", "") }); n > 100 {
		t.Errorf("%v allocations to read it again", n)
	}
	s.try("DELETE", "/apps/app-000", "")
	if after := s.pageWorldJSON(); &after[0] == &first[0] || strings.Contains(string(after), "app-000") {
		t.Error("it is not made again after a change")
	}
}

// Without an open page, nothing runs in the background. The test is not parallel, so that no other test has a page open.
func TestPageEvents_nothingRunsWithoutAPage(t *testing.T) {
	s := startedFor(t)
	// running waits until this number of goroutines works for pages.
	running := func(want int) {
		t.Helper()
		stacks := make([]byte, 4<<20)
		for {
			text := string(stacks[:runtime.Stack(stacks, true)])
			if n := strings.Count(text, "sandbox.(*Sandbox).applyEventsWhenDue(") + strings.Count(text, "sandbox.(*Sandbox).measureUsages("); n == want {
				return
			}
			if t.Context().Err() != nil {
				t.Fatal("they do not end")
			}
			runtime.Gosched()
		}
	}
	running(0)
	var leaves []func()
	for range maxStreams {
		leave, err := s.openStream()
		if err != nil {
			t.Fatal(err)
		}
		leaves = append(leaves, leave)
	}
	running(2)
	if answer := s.try("GET", "/__sandbox/events", ""); answer.Code != http.StatusServiceUnavailable {
		t.Errorf("one more page: %d", answer.Code)
	}
	for i, leave := range leaves {
		if i == maxStreams-1 {
			running(2)
		}
		leave()
	}
	running(0)
	leave, err := s.openStream()
	if err != nil {
		t.Fatal(err)
	}
	running(2)
	leave()
	running(0)
}

// Every advance of the clock is reported, also between two iterations of applyEventsWhenDue.
func TestPageEvents_everyMoveOfTheClockIsSaid(t *testing.T) {
	t.Parallel()
	s := startedFor(t)
	leave, err := s.openStream()
	if err != nil {
		t.Fatal(err)
	}
	defer leave()
	for range 5 {
		happened, before := s.page.nextChange(), s.page.version.Load()
		s.clock.Advance(time.Hour)
		for s.page.version.Load() == before {
			select {
			case <-happened:
				happened = s.page.nextChange()
			case <-t.Context().Done():
				t.Fatal("it is not said")
			}
		}
	}
}
