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
	collectFor     = 10 * time.Millisecond // real time
	maxSingleReads = 2                     // a third read that comes alone is taken for part of a refresh, and gets a list

	cacheTTL           = time.Minute
	cacheTTLAfterWrite = 5 * time.Second // shorter, because Heroku changes objects as well while a plan is applied
)

// moment is when a request was sent.
type moment struct {
	at     time.Time
	writes int64 // that this client had made by then
}

func (c *Client) now() moment { return moment{c.clock.Now(), c.writes.Load()} }

// isFresh reports whether the response to a request that was sent at this moment may still be used. After any write of this
// client it may not.
func (c *Client) isFresh(m moment) bool {
	limit := cacheTTL
	if m.writes > 0 {
		limit = cacheTTLAfterWrite
	}
	return c.writes.Load() == m.writes && c.clock.Now().Sub(m.at) < limit
}

// cache holds the objects that were read, for the rest of the operation.
type cache[ID ~string, T any] struct {
	client           *Client
	absentMeansEmpty bool // an object that is not in a list has the zero value; otherwise only its own GET can tell that it is gone

	mu          sync.Mutex
	items       map[ID]T
	requestedAt moment // of the oldest item
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

// getStale is like get, but also returns items that are no longer fresh.
func (k *cache[ID, T]) getStale(id ID) (item T, ok bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	item, ok = k.items[id]
	return item, ok || k.items != nil && k.absentMeansEmpty
}

// valid reports whether the items are fresh. The caller holds k.mu.
func (k *cache[ID, T]) valid() bool { return k.items != nil && k.client.isFresh(k.requestedAt) }

// values returns the items in the order of their ids, or nil if there are no fresh ones.
func (k *cache[ID, T]) values() []T {
	k.mu.Lock()
	defer k.mu.Unlock()
	if !k.valid() {
		return nil
	}
	return sortedValues(k.items)
}

// put adds an item.
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

// replace replaces all items, unless they are newer than list. A nil list empties the cache.
func (k *cache[ID, T]) replace(list map[ID]T, requestedAt moment) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if !requestedAt.at.Before(k.requestedAt.at) {
		k.items, k.requestedAt = list, requestedAt
	}
}

// batch reads objects of one kind. Reads that begin within collectFor of each other, or while a list request is under way, share
// one list request, and later reads use that list as well. A read that stays alone is one GET, which is not cached.
type batch[ID ~string, T any] struct {
	one func(context.Context, ID) (T, error)
	all func(context.Context) (map[ID]T, error)
	cache[ID, T]

	mu              sync.Mutex
	open            *round[ID, T] // the round that reads can join
	singleReads     int           // how many reads came alone since firstSingleRead
	firstSingleRead moment
	everRead        map[ID]T // objects that were read by a GET for GetCached
}

// mode says which responses may serve a read.
type mode int

const (
	shared    mode = iota // a cached list will do
	poll                  // only a new response
	firstPoll             // only a new list, so that other waits that begin meanwhile can join it
)

// round is one list request, or one GET per object, with the reads that wait for it.
type round[ID ~string, T any] struct {
	ctx         context.Context // is cancelled when no read waits any more
	cancel      context.CancelFunc
	readers     int
	ids         map[ID]bool
	mode        mode // the strictest of its reads
	sent        bool
	requestedAt moment

	done   chan struct{}
	listed map[ID]T             // nil if no list was read
	own    map[ID]readResult[T] // by a GET of their own
	err    error                // of the list request
}

// readResult is the result of the GET of one object.
type readResult[T any] struct {
	item T
	err  error
}

func newBatch[ID ~string, T any](c *Client, one func(context.Context, ID) (T, error),
	all func(context.Context) (map[ID]T, error)) *batch[ID, T] {
	return &batch[ID, T]{one: one, all: all, cache: cache[ID, T]{client: c}, everRead: make(map[ID]T)}
}

// perOwner holds one value per owner, such as one batch for the members of each space, and creates it on first use.
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

// Get returns the object as Heroku has it now, or had it when a list was read in this operation. It never returns an object that
// was read before a write of this client if that write had ended before Get began. It returns when ctx is cancelled, whatever
// the other reads do.
func (b *batch[ID, T]) Get(ctx context.Context, id ID) (T, error) {
	if item, ok := b.cache.get(id); ok {
		return item, ctx.Err()
	}
	return b.read(ctx, id, shared)
}

// GetCached returns the object as this client has once read it, even if something was written since. It is for properties that
// never change.
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
		// The next read gets a list, even if there was a write before each of the single reads.
		b.singleReads, b.firstSingleRead = maxSingleReads, b.client.now()
	}
	return item, ok
}

// learn stores an object for GetCached.
func (b *batch[ID, T]) learn(id ID, item T) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.everRead[id] = item
}

// errNotListed is returned to a poll that joined a list request after it was sent, when the list does not have the object.
var errNotListed = errors.New("the list does not have it")

// read reads the object from Heroku, in one round with the other reads that begin meanwhile.
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
		} // otherwise it joined too late, and the loop starts another round
	}
	return none, ctx.Err()
}

// join adds a read to the open round, or opens one. A shared read does not join a list request that was sent before a write of
// this client; a poll may, because a write does not undo what it waits for.
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

// leave removes a read from its round, and cancels a round that has no reads left.
func (b *batch[ID, T]) leave(r *round[ID, T]) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if r.readers--; r.readers == 0 {
		r.cancel()
		b.close(r)
	}
}

// close keeps other reads from joining a round. The caller holds b.mu.
func (b *batch[ID, T]) close(r *round[ID, T]) {
	if b.open == r {
		b.open = nil
	}
}

// serve runs a round: it collects reads, sends the requests, and wakes the readers.
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
			b.cache.replace(nil, r.requestedAt) // the cached list is older than what this poll has found
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

// send ends the collection of reads, and decides whether the round is a list request.
func (b *batch[ID, T]) send(r *round[ID, T]) (list bool) {
	now := b.client.now()
	b.cache.mu.Lock()
	listed := b.cache.valid()
	b.cache.mu.Unlock()
	b.mu.Lock()
	defer b.mu.Unlock()
	r.sent, r.requestedAt = true, now
	switch {
	case listed && r.mode == shared: // the cached list does not have these objects, so another would not either
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

// list reads the list, and then each object that is not in it by its own GET: only the error not_found proves that it is gone.
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

// each reads every object by its own GET, concurrently.
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

// listUnusable reports whether the error concerns only the list request, so that a GET of each object may still succeed.
func listUnusable(err error) bool {
	var body *BodyError
	if errors.As(err, &body) {
		return body.Status < 300
	}
	var e *Error
	return errors.As(err, &e) && (e.Status == 403 || e.Status == 404 || e.Status == 416)
}
