// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package heroku

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// freshFor is how long an answer may serve further questions, and how long a refresh is silent at most.
	freshFor = 5 * time.Second
	// refreshFor is how long an answer may serve as long as nothing has been written and one question follows the other:
	// a refresh of thousands of stores asks for lists all the time, and for a store's window when it has been through all
	// of their settings.
	refreshFor = time.Minute
	// loneReads is how many reads within that time go by their own id. One more is a refresh, and gets a list.
	loneReads = 2
	// wave is how many who queue behind a single read do not wait for its end. For fewer, a list could turn out too long.
	wave = 5
)

// reader reads one kind of object in the two ways that Heroku offers.
type reader[ID ~string, T any] struct {
	one func(context.Context, ID) (T, error)
	all func(ctx context.Context, most int) (map[ID]T, error) // in so many requests at most
	ids func(ID, T) []string                                  // which writes of ours change what was read

	sparse bool // what the list does not have is nothing, rather than unknown
}

// reading is what was read about one object.
type reading[T any] struct {
	item T
	err  error
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
			item, err := guarded(func() (T, error) { return r.one(ctx, id) })
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
	writes *writes

	mu       sync.Mutex
	inFlight bool
	lone     bool // a single object is being read, and nobody has overtaken that
	turn     int  // of those that serve: one that has been overtaken does not go on
	queue    []*request[ID, T]
	asked    time.Time // when the last question came
	snapshot snapshot[ID, T]
	reads    int    // of single objects since a moment, and without a write of ours that may have touched anything
	since    moment // when that was
	pages    int    // that a list has, if it was too long once
}

// request is one Get on its way.
type request[ID ~string, T any] struct {
	ctx    context.Context
	id     ID
	answer chan reading[T]
}

// moment is when a request was sent: on the clock, and among our writes.
type moment struct {
	at     time.Time
	writes uint64
}

// snapshot is the last list, and what has been learned since.
type snapshot[ID ~string, T any] struct {
	moment
	items map[ID]T
}

func newShared[ID ~string, T any](c *Client, r reader[ID, T]) *shared[ID, T] {
	return &shared[ID, T]{reader: r, clock: c.clock, writes: &c.writes}
}

func (s *shared[ID, T]) now() moment { return moment{s.clock.Now(), s.writes.mark()} }

// Get returns the object as Heroku has it now, or had it in a list of the last seconds. It never returns what was read
// before a write of ours that has ended before Get began. It ends with ctx, whatever the others do.
func (s *shared[ID, T]) Get(ctx context.Context, id ID) (T, error) {
	q := &request[ID, T]{ctx: ctx, id: id, answer: make(chan reading[T], 1)}
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
	now := s.clock.Now()
	if now.Sub(s.asked) >= freshFor && now.Sub(s.snapshot.at) >= freshFor {
		s.snapshot.items = nil // another operation has begun
	}
	s.asked = now
	switch {
	case s.answers(q):
	case s.inFlight:
		s.queue = append(s.queue, q)
		s.overtake()
	default:
		s.inFlight = true
		go s.serve([]*request[ID, T]{q}, s.turn)
	}
}

// overtake serves those who queue behind a single read, if they are so many that they get a list, without waiting for its
// end. s.mu is held.
func (s *shared[ID, T]) overtake() {
	if !s.lone || len(s.queue) < wave {
		return
	}
	batch := s.queue
	s.lone, s.queue = false, nil
	s.turn++
	go s.serve(batch, s.turn)
}

// serve works until the queue is empty, or it has been overtaken.
func (s *shared[ID, T]) serve(batch []*request[ID, T], turn int) {
	for len(batch) > 0 {
		found, err := guarded(func() (map[ID]reading[T], error) { return s.read(batch), nil })
		for _, q := range batch {
			answer := found[q.id]
			if err != nil {
				answer.err = err
			}
			q.answer <- answer
		}
		batch = s.next(turn)
	}
}

// next takes what has queued, answers what the last list can answer, and leaves out whoever has gone.
func (s *shared[ID, T]) next(turn int) []*request[ID, T] {
	s.mu.Lock()
	defer s.mu.Unlock()
	if turn != s.turn {
		return nil
	}
	s.lone = false
	var batch []*request[ID, T]
	for _, q := range s.queue {
		if q.ctx.Err() == nil && !s.answers(q) {
			batch = append(batch, q)
		}
	}
	s.queue = nil
	s.inFlight = len(batch) > 0
	return batch
}

func (s *shared[ID, T]) read(batch []*request[ID, T]) map[ID]reading[T] {
	ctx, cancel := whileAnyWaits(batch)
	defer cancel()

	ids := make(map[ID]bool)
	for _, q := range batch {
		ids[q.id] = true
	}
	reads := s.count(len(ids))
	switch {
	case s.current():
		return s.each(ctx, ids) // the list would have answered if it had them
	case len(ids) == 1 && reads <= loneReads:
		s.alone()
		return s.each(ctx, ids)
	}
	return s.many(ctx, ids, reads)
}

// current reports that another list would say what the last one says: it is recent, and nothing has been written since.
func (s *shared[ID, T]) current() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.recent() && s.writes.mark() == s.snapshot.writes
}

// recent reports that there is a list of the last seconds. s.mu is held.
func (s *shared[ID, T]) recent() bool {
	return s.snapshot.items != nil && s.clock.Now().Sub(s.snapshot.at) < freshFor
}

// alone notes that a single object is being read.
func (s *shared[ID, T]) alone() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lone = true
	s.overtake()
}

// count counts reads, which come one after the other when each is quick.
func (s *shared[ID, T]) count(reads int) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if now := s.now(); s.writes.since(s.since.writes) || now.at.Sub(s.since.at) >= freshFor {
		s.reads, s.since = 0, now
	}
	s.reads += reads
	return s.reads
}

// many reads several objects: by a list, and each one that the list does not have by its own GET, because only Heroku's
// not_found proves that something is gone. worth is how many requests the list may take: it is kept for a moment, so
// that a long one pays once so many reads have been wanted.
func (s *shared[ID, T]) many(ctx context.Context, ids map[ID]bool, worth int) map[ID]reading[T] {
	s.mu.Lock()
	long := s.pages > worth
	s.mu.Unlock()
	if long {
		return s.each(ctx, ids)
	}
	list := snapshot[ID, T]{moment: s.now()}
	listed, err := guarded(func() (map[ID]T, error) { return s.all(ctx, worth) })
	if err != nil {
		return s.withoutList(ctx, ids, err)
	}
	found, absent := make(map[ID]reading[T], len(ids)), make(map[ID]bool)
	for id := range ids {
		if item, ok := listed[id]; ok || s.sparse {
			found[id] = reading[T]{item: item}
		} else {
			absent[id] = true
		}
	}
	list.items = listed
	s.keep(list)
	for id, own := range s.each(ctx, absent) {
		found[id] = own
	}
	return found
}

// withoutList is what becomes of reads whose list failed: they go by themselves, unless they would fail as well.
func (s *shared[ID, T]) withoutList(ctx context.Context, ids map[ID]bool, err error) map[ID]reading[T] {
	var long *longList
	if errors.As(err, &long) {
		s.mu.Lock()
		s.pages = long.pages
		s.mu.Unlock()
	}
	if listUnusable(err) || isBug(err) {
		return s.each(ctx, ids)
	}
	failed := make(map[ID]reading[T], len(ids))
	for id := range ids {
		failed[id] = reading[T]{err: err}
	}
	return failed
}

// keep makes a list the one that answers, unless there is a newer one.
func (s *shared[ID, T]) keep(list snapshot[ID, T]) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !list.at.Before(s.snapshot.at) {
		s.snapshot = list
	}
}

// learn corrects the list by what was read at a later moment: nothing may be told that is older than what a wait has seen.
func (s *shared[ID, T]) learn(found map[ID]reading[T], when moment) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if when.at.Before(s.snapshot.at) {
		return
	}
	for id, r := range found {
		if r.err != nil {
			delete(s.snapshot.items, id)
		} else if s.snapshot.items != nil {
			s.snapshot.items[id] = r.item
		}
	}
}

// answers answers a request from the list, if that can.
func (s *shared[ID, T]) answers(q *request[ID, T]) bool {
	item, ok := s.listed(q.id)
	if ok {
		q.answer <- reading[T]{item: item}
	}
	return ok
}

// listed is what the list says of an object, if it is recent, has the object, and no write of ours has touched that since.
// When a panic keeps that from being found out, one may have. s.mu is held.
func (s *shared[ID, T]) listed(id ID) (T, bool) {
	item, ok := s.snapshot.items[id]
	ok = ok || s.sparse && s.snapshot.items != nil
	if !ok || s.clock.Now().Sub(s.snapshot.at) >= s.writes.lasting() {
		return item, false
	}
	touched, err := guarded(func() (bool, error) { return s.writes.since(s.snapshot.writes, s.ids(id, item)...), nil })
	return item, !touched && err == nil
}

// Shown is what a list of the last seconds says of an object. That it has none proves nothing.
func (s *shared[ID, T]) Shown(id ID) (item T, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.recent() {
		return item, false
	}
	return s.listed(id)
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
