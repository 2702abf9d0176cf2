// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package sandbox

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"
)

const (
	maxStreams   = 16                     // pages that are open at once
	maxTold      = 200                    // lines of the journal in one event; a page that has missed some asks for them
	eventPause   = 200 * time.Millisecond // between one event and the next
	writeTimeout = 10 * time.Second       // for a page that does not read
)

// told is what one event stream has said already, and all that is kept for it: what happens while its page does not read is not
// queued, but looked up when it does.
type told struct {
	version uint64 // of the world
	first   int    // line of the journal that there was
	last    int    // the latest one
	open    []int  // lines that had no answer yet, maxTold at most
	missed  bool   // there were more than were told
}

// serveEvents says what happens while a page is open, as Server-Sent Events: the lines of the journal, and that the page has to ask for
// the world again.
func (s *Sandbox) serveEvents(w http.ResponseWriter, r *http.Request) {
	leave, err := s.arrive()
	if err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	defer leave()
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	defer context.AfterFunc(s.life, cancel)()
	stream := http.NewResponseController(w)
	_ = stream.SetReadDeadline(time.Time{})
	guard(w.Header())
	w.Header().Set("Content-Type", "text/event-stream")
	_, seen := s.journal.since(told{}, 0)
	for {
		happened := s.page.next() // before looking, so that nothing is missed
		event, now := s.news(seen)
		_ = stream.SetWriteDeadline(time.Now().Add(writeTimeout))
		if _, err := w.Write(event); err != nil || stream.Flush() != nil {
			return // the page is closed, or reads nothing
		}
		seen = now
		select {
		case <-happened:
		case <-ctx.Done():
			return
		}
		if !sleep(ctx, eventPause) {
			return
		}
	}
}

// news are the events since what was told.
func (s *Sandbox) news(seen told) (events []byte, now told) {
	lines, now := s.journal.since(seen, maxTold)
	if len(lines) > 0 || now.first != seen.first {
		events = fmt.Appendf(events, "event: journal\ndata: %s\n\n",
			encode(object{"requests": append([]Request{}, lines...), "missed": now.missed, "first": now.first}))
	}
	if now.version = s.page.version.Load(); now.version != seen.version || seen.version == 0 {
		events = fmt.Appendf(events, "event: changed\ndata: %s\n\n", encode(object{"version": now.version}))
	}
	return events, now
}

// since are the lines that are new, and those that have been answered meanwhile: the last ones, at most so many.
func (j *journal) since(seen told, most int) (lines []Request, now told) {
	j.mu.Lock()
	defer j.mu.Unlock()
	now.first, now.last = j.first+1, j.first+len(j.requests)
	for _, seq := range seen.open {
		i := seq - j.first - 1
		switch {
		case i < 0:
		case j.requests[i].Status == 0:
			now.open = append(now.open, seq)
		default:
			lines = append(lines, j.requests[i])
		}
	}
	fresh := j.requests[min(max(0, seen.last-j.first, len(j.requests)-most), len(j.requests)):]
	for _, line := range fresh {
		if line.Status == 0 {
			now.open = append(now.open, line.Seq)
		}
	}
	now.missed = now.last-seen.last > most || len(now.open) > most
	now.open = now.open[max(0, len(now.open)-most):]
	return append(lines, fresh...), now
}

// arrive begins what is done as long as a page is open; leave ends it.
func (s *Sandbox) arrive() (leave func(), err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := &s.page
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case s.closing:
		return nil, errors.New("The sandbox is closing.")
	case p.open == maxStreams:
		return nil, fmt.Errorf("%d pages are open already.", maxStreams)
	}
	s.background.Add(1)
	if p.open++; p.open == 1 {
		ctx, cancel := context.WithCancel(s.life)
		p.end = cancel
		_, moved := s.clock.left(farthest) // from before the page knows the time
		s.background.Go(func() { s.passTime(ctx, moved) })
		s.background.Go(func() { s.measure(ctx) })
	}
	return func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.open--; p.open == 0 {
			p.end()
		}
		s.background.Done()
	}, nil
}

// passTime lets happen what is due when it is due, which otherwise the next request does, and says when the clock was moved.
func (s *Sandbox) passTime(ctx context.Context, moved <-chan struct{}) {
	for sleep(ctx, eventPause) {
		happened := s.page.next()
		now := s.clock.Now()
		if err := s.settle(ctx); err != nil && ctx.Err() == nil {
			s.log.Error("what is due did not happen", "error", err)
		}
		left, _ := s.clock.left(s.nextEvent(now))
		timer := time.NewTimer(left)
		due := timer.C
		if s.clock.manual {
			due = nil
		}
		select {
		case <-happened:
		case <-moved: // which it stays until here, also when that was some time ago
			_, moved = s.clock.left(farthest)
			s.page.changed()
		case <-due:
		case <-ctx.Done():
		}
		timer.Stop()
	}
}

// nextEvent is when the next thing happens of itself; what was due already waits for something else.
func (s *Sandbox) nextEvent(now time.Time) time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	next := farthest
	for _, e := range s.world.Events {
		if e.Due.After(now) && e.Due.Before(next) {
			next = e.Due
		}
	}
	return next
}
