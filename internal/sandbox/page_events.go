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
	maxStreams    = 16                     // event streams that can be open at the same time
	maxEventLines = 200                    // journal entries in one event; a page requests those that it misses
	eventPause    = 200 * time.Millisecond // minimum time between two events of a stream
	writeTimeout  = 10 * time.Second       // after which a page that does not read is disconnected
)

// streamState is what one event stream has already sent. Nothing is queued for a slow page: each event is computed from this state when
// it is sent.
type streamState struct {
	version uint64 // of the world
	first   int    // number of the first journal entry
	last    int    // number of the latest journal entry
	pending []int  // numbers of entries without a response, at most maxEventLines
	missed  bool   // there were more new entries than maxEventLines
}

// serveEvents streams Server-Sent Events to a page: new journal entries, and notices that the world has changed and must be read again.
func (s *Sandbox) serveEvents(w http.ResponseWriter, r *http.Request) {
	closeStream, err := s.openStream()
	if err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	defer closeStream()
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	defer context.AfterFunc(s.lifetime, cancel)()
	stream := http.NewResponseController(w)
	_ = stream.SetReadDeadline(time.Time{})
	setSecurityHeaders(w.Header())
	w.Header().Set("Content-Type", "text/event-stream")
	_, seen := s.journal.since(streamState{}, 0)
	for {
		happened := s.page.nextChange() // before newEvents, so that no change is missed
		event, now := s.newEvents(seen)
		_ = stream.SetWriteDeadline(time.Now().Add(writeTimeout))
		if _, err := w.Write(event); err != nil || stream.Flush() != nil {
			return // the page is closed, or does not read
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

// newEvents returns the encoded events since the given state, and the new state.
func (s *Sandbox) newEvents(seen streamState) (events []byte, now streamState) {
	entries, now := s.journal.since(seen, maxEventLines)
	if len(entries) > 0 || now.first != seen.first {
		events = fmt.Appendf(events, "event: journal\ndata: %s\n\n",
			encode(object{"requests": append([]Request{}, entries...), "missed": now.missed, "first": now.first}))
	}
	if now.version = s.page.version.Load(); now.version != seen.version || seen.version == 0 {
		events = fmt.Appendf(events, "event: changed\ndata: %s\n\n", encode(object{"version": now.version}))
	}
	return events, now
}

// since returns the entries that are new or have got their response since the given state, and the new state. It returns at most limit new
// entries, the latest ones.
func (j *journal) since(seen streamState, limit int) (entries []Request, now streamState) {
	j.mu.Lock()
	defer j.mu.Unlock()
	now.first, now.last = j.first+1, j.first+len(j.requests)
	for _, seq := range seen.pending {
		i := seq - j.first - 1
		switch {
		case i < 0:
		case j.requests[i].Status == 0:
			now.pending = append(now.pending, seq)
		default:
			entries = append(entries, j.requests[i])
		}
	}
	fresh := j.requests[min(max(0, seen.last-j.first, len(j.requests)-limit), len(j.requests)):]
	for _, entry := range fresh {
		if entry.Status == 0 {
			now.pending = append(now.pending, entry.Seq)
		}
	}
	now.missed = now.last-seen.last > limit || len(now.pending) > limit
	now.pending = now.pending[max(0, len(now.pending)-limit):]
	return append(entries, fresh...), now
}

// openStream registers an event stream, and starts the background work with the first one. closeStream reverses this.
func (s *Sandbox) openStream() (closeStream func(), err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := &s.page
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case s.closing:
		return nil, errors.New("The sandbox is closing.")
	case p.streams == maxStreams:
		return nil, fmt.Errorf("%d pages are open already.", maxStreams)
	}
	s.background.Add(1)
	if p.streams++; p.streams == 1 {
		ctx, cancel := context.WithCancel(s.lifetime)
		p.stopWork = cancel
		_, moved := s.clock.timeLeft(maxTime) // before the page reads the time
		s.background.Go(func() { s.applyEventsWhenDue(ctx, moved) })
		s.background.Go(func() { s.measureUsages(ctx) })
	}
	return func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.streams--; p.streams == 0 {
			p.stopWork()
		}
		s.background.Done()
	}, nil
}

// applyEventsWhenDue applies events when they become due, instead of at the next request, and notifies the page when the clock is advanced.
func (s *Sandbox) applyEventsWhenDue(ctx context.Context, moved <-chan struct{}) {
	for sleep(ctx, eventPause) {
		happened := s.page.nextChange()
		now := s.clock.Now()
		if err := s.applyDueEvents(ctx); err != nil && ctx.Err() == nil {
			s.log.Error("due events cannot be applied", "error", err)
		}
		left, _ := s.clock.timeLeft(s.nextDueTime(now))
		timer := time.NewTimer(left)
		due := timer.C
		if s.clock.manual {
			due = nil
		}
		select {
		case <-happened:
		case <-moved: // it stays closed, so an earlier advance is not missed
			_, moved = s.clock.timeLeft(maxTime)
			s.page.changed()
		case <-due:
		case <-ctx.Done():
		}
		timer.Stop()
	}
}

// nextDueTime returns the time of the next event after now. An event that is already due waits for something else, such as a fault.
func (s *Sandbox) nextDueTime(now time.Time) time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	next := maxTime
	for _, e := range s.world.Events {
		if e.Due.After(now) && e.Due.Before(next) {
			next = e.Due
		}
	}
	return next
}
