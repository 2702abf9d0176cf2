// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package heroku

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// freshFor is how long a list may answer further reads: about as long as one refresh of a configuration asks for them.
	freshFor = 5 * time.Second
	// loneReads is how many reads within that time go by their own id. One more is a refresh, and gets a list.
	loneReads = 2
)

// reader reads one kind of object in the two ways that Heroku offers.
type reader[ID ~string, T any] struct {
	one func(context.Context, ID) (T, error)
	all func(context.Context) (map[ID]T, error)
}

// reading is what was read about one object.
type reading[T any] struct {
	item T
	err  error
}

// many reads several objects: by one list, and each one that the list does not have by its own GET, because only
// Heroku's not_found proves that something is gone. The list itself is returned when there is one.
func (r reader[ID, T]) many(ctx context.Context, ids map[ID]bool) (map[ID]reading[T], map[ID]T) {
	if len(ids) == 1 {
		return r.each(ctx, ids), nil
	}
	return r.byList(ctx, ids)
}

func (r reader[ID, T]) byList(ctx context.Context, ids map[ID]bool) (map[ID]reading[T], map[ID]T) {
	listed, err := r.all(ctx)
	if err != nil && !listUnusable(err) {
		failed := make(map[ID]reading[T], len(ids))
		for id := range ids {
			failed[id] = reading[T]{err: err}
		}
		return failed, nil
	}
	found, absent := make(map[ID]reading[T], len(ids)), make(map[ID]bool)
	for id := range ids {
		if item, ok := listed[id]; ok {
			found[id] = reading[T]{item: item}
		} else {
			absent[id] = true
		}
	}
	for id, own := range r.each(ctx, absent) {
		found[id] = own
	}
	return found, listed
}

// each reads objects by a GET of their own, side by side.
func (r reader[ID, T]) each(ctx context.Context, ids map[ID]bool) map[ID]reading[T] {
	var (
		mu    sync.Mutex
		wg    sync.WaitGroup
		found = make(map[ID]reading[T], len(ids))
	)
	for id := range ids {
		wg.Go(func() {
			item, err := r.one(ctx, id)
			mu.Lock()
			defer mu.Unlock()
			found[id] = reading[T]{item: item, err: err}
		})
	}
	wg.Wait()
	return found
}

// shared makes reads of one kind that arrive together share their requests. The first one goes out at once by its id;
// those that arrive meanwhile queue. Then a single one goes by its id too, and several become one list, which stays
// fresh for a moment.
type shared[ID ~string, T any] struct {
	reader[ID, T]
	clock  Clock
	writes *atomic.Uint64

	mu       sync.Mutex
	inFlight bool
	queue    []*request[ID, T]
	snapshot snapshot[ID, T]

	lone      int // reads by their own id, since a time and without a write of ours
	loneSince snapshot[ID, T]
}

// request is one Get on its way.
type request[ID ~string, T any] struct {
	ctx    context.Context
	id     ID
	writes uint64 // of ours, before it started
	answer chan reading[T]
}

// snapshot is the last list.
type snapshot[ID ~string, T any] struct {
	items  map[ID]T
	at     time.Time
	writes uint64 // of ours, before it was asked for
}

func newShared[ID ~string, T any](c *Client, r reader[ID, T]) *shared[ID, T] {
	return &shared[ID, T]{reader: r, clock: c.clock, writes: &c.writes}
}

// Get returns the object as Heroku has it now, or had it in a list of the last seconds. It never returns what was read
// before a write of ours that has ended before Get began. It ends with ctx, whatever the others do.
func (s *shared[ID, T]) Get(ctx context.Context, id ID) (T, error) {
	q := &request[ID, T]{ctx: ctx, id: id, writes: s.writes.Load(), answer: make(chan reading[T], 1)}
	if err := ctx.Err(); err != nil {
		var none T
		return none, err
	}
	s.admit(q)
	select {
	case r := <-q.answer:
		return r.item, r.err
	case <-ctx.Done():
		var none T
		return none, ctx.Err()
	}
}

// admit answers a request from the snapshot, queues it, or sets it going.
func (s *shared[ID, T]) admit(q *request[ID, T]) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.snapshot.answers(q, s.clock.Now()):
	case s.inFlight:
		s.queue = append(s.queue, q)
	default:
		s.inFlight = true
		go s.serve([]*request[ID, T]{q})
	}
}

// serve works until the queue is empty.
func (s *shared[ID, T]) serve(batch []*request[ID, T]) {
	for len(batch) > 0 {
		s.read(batch)
		batch = s.next()
	}
}

// next takes what has queued, answers what the last list can answer, and leaves out whoever has gone.
func (s *shared[ID, T]) next() []*request[ID, T] {
	s.mu.Lock()
	defer s.mu.Unlock()
	var batch []*request[ID, T]
	for _, q := range s.queue {
		if q.ctx.Err() == nil && !s.snapshot.answers(q, s.clock.Now()) {
			batch = append(batch, q)
		}
	}
	s.queue = nil
	s.inFlight = len(batch) > 0
	return batch
}

func (s *shared[ID, T]) read(batch []*request[ID, T]) {
	ctx, cancel := whileAnyWaits(batch)
	defer cancel()

	ids := make(map[ID]bool)
	for _, q := range batch {
		ids[q.id] = true
	}
	list := snapshot[ID, T]{at: s.clock.Now(), writes: s.writes.Load()}
	read := s.many
	if len(ids) == 1 && s.oneTooMany(list) {
		read = s.byList
	}
	var found map[ID]reading[T]
	found, list.items = read(ctx, ids)
	if list.items != nil {
		s.mu.Lock()
		s.snapshot = list
		s.mu.Unlock()
	}
	for _, q := range batch {
		q.answer <- found[q.id]
	}
}

// oneTooMany counts reads of a single object, which come one after the other when each is quick. A write of ours begins
// anew, since no list outlives it.
func (s *shared[ID, T]) oneTooMany(now snapshot[ID, T]) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if now.writes != s.loneSince.writes || now.at.Sub(s.loneSince.at) >= freshFor {
		s.lone, s.loneSince = 0, now
	}
	s.lone++
	return s.lone > loneReads
}

// answers answers a request if the list is recent, has the object, and was asked for after every write of ours that the
// request must see.
func (l snapshot[ID, T]) answers(q *request[ID, T], now time.Time) bool {
	item, ok := l.items[q.id]
	if !ok || l.writes < q.writes || now.Sub(l.at) >= freshFor {
		return false
	}
	q.answer <- reading[T]{item: item}
	return true
}

// whileAnyWaits is a context that ends when the last of the callers has gone: one that is cancelled must not take the
// others' answer with it.
func whileAnyWaits[ID ~string, T any](batch []*request[ID, T]) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(batch[0].ctx))
	var left atomic.Int64
	left.Store(int64(len(batch)))
	stops := make([]func() bool, 0, len(batch))
	for _, q := range batch {
		stops = append(stops, context.AfterFunc(q.ctx, func() {
			if left.Add(-1) == 0 {
				cancel()
			}
		}))
	}
	return ctx, func() {
		for _, stop := range stops {
			stop()
		}
		cancel()
	}
}
