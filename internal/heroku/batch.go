// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package heroku

import (
	"context"
	"errors"
	"maps"
	"sync"
	"time"
)

const (
	collectFor     = 10 * time.Millisecond // of real time
	maxSingleReads = 2                     // the third read that comes alone is part of a refresh, and gets a list

	cacheTTL           = time.Minute
	cacheTTLAfterWrite = 5 * time.Second // while a plan is applied, Heroku changes things as well
)

// moment is when a request was sent: on the clock, and after how many writes of this client.
type moment struct {
	at     time.Time
	writes int64
}

func (c *Client) now() moment { return moment{c.clock.Now(), c.writes.Load()} }

// holds reports whether what was read at a moment may still be told: not after a write of this client, whatever it wrote.
func (c *Client) isFresh(m moment) bool {
	limit := cacheTTL
	if m.writes > 0 {
		limit = cacheTTLAfterWrite
	}
	return c.writes.Load() == m.writes && c.clock.Now().Sub(m.at) < limit
}

// kept holds answers for the rest of the operation.
type cache[ID ~string, T any] struct {
	client           *Client
	absentMeansEmpty bool // an object that a list does not have is empty; otherwise only a GET of its own proves that it is gone

	mu          sync.Mutex
	items       map[ID]T
	requestedAt moment // when the oldest of them was asked for
}

func (k *cache[ID, T]) get(id ID) (item T, ok bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.valid() {
		item, ok = k.items[id]
		ok = ok || k.absentMeansEmpty
	}
	return item, ok
}

// once is get however long ago the object was asked for.
func (k *cache[ID, T]) getStale(id ID) (item T, ok bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	item, ok = k.items[id]
	return item, ok || k.items != nil && k.absentMeansEmpty
}

// valid reports whether the answers may still be told. k.mu is held.
func (k *cache[ID, T]) valid() bool { return k.items != nil && k.client.isFresh(k.requestedAt) }

// list is the list that is kept, in the order of the ids; nil when none is.
func (k *cache[ID, T]) values() []T {
	k.mu.Lock()
	defer k.mu.Unlock()
	if !k.valid() {
		return nil
	}
	return sortedValues(k.items)
}

// put keeps one more answer.
func (k *cache[ID, T]) put(id ID, item T, requestedAt moment) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if !k.valid() {
		k.items, k.requestedAt = make(map[ID]T), requestedAt
	}
	if requestedAt.writes == k.requestedAt.writes {
		k.items[id] = item
	}
}

// replace keeps a list instead, unless a newer one is kept; nil keeps nothing.
func (k *cache[ID, T]) replace(list map[ID]T, requestedAt moment) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if !requestedAt.at.Before(k.requestedAt.at) {
		k.items, k.requestedAt = list, requestedAt
	}
}

// batch reads objects of one kind. Reads that begin within a moment of each other, or while a list is under way, share one
// list request, and the list is kept for later reads. A read that stays alone is one GET, and is not kept.
type batch[ID ~string, T any] struct {
	one func(context.Context, ID) (T, error)
	all func(context.Context) (map[ID]T, error)
	cache[ID, T]

	mu              sync.Mutex
	open            *round[ID, T] // that reads can join
	singleReads     int           // reads that came alone
	firstSingleRead moment        // the first of them
	everRead        map[ID]T      // by a GET for Earlier
}

// mode says what may answer a read.
type mode int

const (
	shared    mode = iota // also a list that is kept
	poll                  // a new answer
	firstPoll             // a new list, which others can join who begin to wait meanwhile
)

// round is one list request, or a GET for each object, and the reads that wait for it.
type round[ID ~string, T any] struct {
	ctx         context.Context // ends when no read waits any more
	cancel      context.CancelFunc
	readers     int
	ids         map[ID]bool
	mode        mode // the strictest of its reads
	sent        bool
	requestedAt moment

	done   chan struct{}
	listed map[ID]T // nil when there was no list
	own    map[ID]readResult[T]
	err    error // of the list
}

// answerTo is what a GET said about one object.
type readResult[T any] struct {
	item T
	err  error
}

func newBatch[ID ~string, T any](c *Client, one func(context.Context, ID) (T, error),
	all func(context.Context) (map[ID]T, error)) *batch[ID, T] {
	return &batch[ID, T]{one: one, all: all, cache: cache[ID, T]{client: c}, everRead: make(map[ID]T)}
}

// perOwner is something for each object that others belong to, such as one batch for the members of each space. It is made when
// it is first asked for.
type perOwner[Owner comparable, T any] struct {
	create func(Owner) T

	mu  sync.Mutex
	all map[Owner]T
}

func (p *perOwner[Owner, T]) of(owner Owner) T {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.all == nil {
		p.all = make(map[Owner]T)
	}
	one, made := p.all[owner]
	if !made {
		one = p.create(owner)
		p.all[owner] = one
	}
	return one
}

// Get returns the object as Heroku has it now, or had it when a list was read in this operation. It never returns what was
// read before a write of this client that ended before Get began. It ends with ctx, whatever the others do.
func (b *batch[ID, T]) Get(ctx context.Context, id ID) (T, error) {
	if item, ok := b.cache.get(id); ok {
		return item, ctx.Err()
	}
	return b.read(ctx, id, shared)
}

// Earlier returns the object as some read of this client has found it, whatever was written since: for what stays as it is.
func (b *batch[ID, T]) GetCached(ctx context.Context, id ID) (T, error) {
	if item, ok := b.known(id); ok {
		return item, ctx.Err()
	}
	item, err := b.Get(ctx, id)
	if err == nil {
		b.learn(id, item)
	}
	return item, err
}

func (b *batch[ID, T]) known(id ID) (item T, ok bool) {
	if item, ok = b.cache.getStale(id); ok {
		return item, ok
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	item, ok = b.everRead[id]
	if !ok && len(b.everRead) >= maxSingleReads {
		b.singleReads, b.firstSingleRead = maxSingleReads, b.client.now() // the next read gets a list, also when every single one came after a write
	}
	return item, ok
}

// learn keeps an object for Earlier.
func (b *batch[ID, T]) learn(id ID, item T) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.everRead[id] = item
}

// errNotListed is for a poll that joined a list which does not have the object: the list was asked for too early.
var errNotListed = errors.New("the list does not have it")

// read asks Heroku, together with all who read meanwhile.
func (b *batch[ID, T]) read(ctx context.Context, id ID, m mode) (none T, _ error) {
	for ctx.Err() == nil {
		r := b.join(ctx, id, m)
		select {
		case <-ctx.Done():
			b.leave(r)
			continue
		case <-r.done:
		}
		if answer, ok := r.own[id]; ok {
			return answer.item, answer.err
		}
		if item, ok := r.listed[id]; ok || r.err != nil || r.listed != nil && b.absentMeansEmpty {
			return item, r.err
		}
		if m != shared {
			return none, errNotListed
		} // else it joined too late, and gets a round of its own
	}
	return none, ctx.Err()
}

// join adds a read to the open round, or opens one. A list that was asked for before a write of this client is for waits
// only: what they wait for is not undone by a write.
func (b *batch[ID, T]) join(ctx context.Context, id ID, m mode) *round[ID, T] {
	b.mu.Lock()
	defer b.mu.Unlock()
	r := b.open
	if r == nil || r.sent && m == shared && r.requestedAt.writes != b.client.writes.Load() {
		r = &round[ID, T]{ids: make(map[ID]bool), done: make(chan struct{})}
		r.ctx, r.cancel = context.WithCancel(context.WithoutCancel(ctx))
		b.open = r
		go b.serve(r)
	}
	r.readers++
	if !r.sent {
		r.ids[id] = true
		r.mode = max(r.mode, m)
	}
	return r
}

// leave takes a read back. A round that nobody waits for ends.
func (b *batch[ID, T]) leave(r *round[ID, T]) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if r.readers--; r.readers == 0 {
		r.cancel()
		b.close(r)
	}
}

// close keeps other reads from joining a round. b.mu is held.
func (b *batch[ID, T]) close(r *round[ID, T]) {
	if b.open == r {
		b.open = nil
	}
}

// serve is the life of a round: it collects reads, asks, and answers.
func (b *batch[ID, T]) serve(r *round[ID, T]) {
	defer r.cancel()
	_, err := catchPanic(func() (none struct{}, _ error) {
		_ = RealClock.Sleep(r.ctx, collectFor)
		if b.send(r) {
			b.list(r)
		} else {
			b.each(r, r.ids)
		}
		if r.mode != shared && r.listed == nil {
			b.cache.replace(nil, r.requestedAt) // no later read is told less than this wait was
		}
		return none, nil
	})
	b.mu.Lock()
	defer b.mu.Unlock()
	b.close(r)
	if err != nil {
		r.err = err
	}
	close(r.done)
}

// send ends the collecting, and decides whether to ask for a list.
func (b *batch[ID, T]) send(r *round[ID, T]) (list bool) {
	now := b.client.now()
	b.cache.mu.Lock()
	listed := b.cache.valid()
	b.cache.mu.Unlock()
	b.mu.Lock()
	defer b.mu.Unlock()
	r.sent, r.requestedAt = true, now
	switch {
	case listed && r.mode == shared: // another list would not have them either
	case len(r.ids) > 1, r.mode == firstPoll:
		list = true
	case r.mode == shared:
		if !b.client.isFresh(b.firstSingleRead) {
			b.singleReads, b.firstSingleRead = 0, now
		}
		b.singleReads++
		list = b.singleReads > maxSingleReads
	}
	if !list {
		b.close(r)
	}
	return list
}

// list asks for the list, and for each object that the list does not have: only Heroku's not_found proves that one is gone.
func (b *batch[ID, T]) list(r *round[ID, T]) {
	listed, err := catchPanic(func() (map[ID]T, error) { return b.all(r.ctx) })
	switch {
	case listUnusable(err) || isBug(err):
		b.each(r, r.ids)
		return
	case err != nil:
		r.err = err
		return
	}
	b.cache.replace(listed, r.requestedAt)
	absent := maps.Clone(r.ids)
	maps.DeleteFunc(absent, func(id ID, _ bool) bool {
		_, ok := listed[id]
		return ok || b.absentMeansEmpty
	})
	b.each(r, absent)
	r.listed = listed
}

// each reads objects by a GET of their own, side by side.
func (b *batch[ID, T]) each(r *round[ID, T], ids map[ID]bool) {
	var (
		mu  sync.Mutex
		wg  sync.WaitGroup
		own = make(map[ID]readResult[T])
	)
	for id := range ids {
		wg.Go(func() {
			item, err := catchPanic(func() (T, error) { return b.one(r.ctx, id) })
			mu.Lock()
			defer mu.Unlock()
			own[id] = readResult[T]{item, err}
		})
	}
	wg.Wait()
	r.own = own
}

// listUnusable tells errors that concern the list only from those that every other request would meet as well.
func listUnusable(err error) bool {
	var body *BodyError
	if errors.As(err, &body) {
		return body.Status < 300
	}
	var e *Error
	return errors.As(err, &e) && (e.Status == 403 || e.Status == 404 || e.Status == 416)
}
