// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"sync"
	"time"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
)

// run is what the resource instances of one plan, or of one apply, know of each other. Terraform configures the provider
// anew for each of the two. An instance is told neither its address nor what else is planned, instances are planned and
// applied in any order, and one that is replaced is planned twice: with what is in the state, and as a creation.
type run struct {
	mu      sync.Mutex
	inState map[object]bool
	kept    map[object]bool
	wanted  map[object]bool
	yielded map[object]bool
	claims  map[string][]claim
}

// object is one thing at Heroku that instances of a resource type manage.
type object struct {
	resourceType string // such as kvs_attachment
	id           string // UUID of the object, or of what it belongs to where it has none
}

// claim is what one instance plans to make of something of which Heroku has one, such as an attachment name of an app.
type claim struct {
	id    string // of the object in the state, empty for a creation
	value string // what it is to be; two claims of the same value may be one instance that is planned twice
	text  string // the instance in words
}

func newRun() *run {
	return &run{
		inState: make(map[object]bool), kept: make(map[object]bool), wanted: make(map[object]bool), yielded: make(map[object]bool),
		claims: make(map[string][]claim),
	}
}

// note says that an object is in the state of this configuration: a read or a plan with a prior state has shown it.
func (r *run) note(o object) {
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.inState[o] = true
}

// knows reports whether an object is known to be in the state of this configuration.
func (r *run) knows(o object) bool {
	if r == nil {
		return false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.inState[o]
}

// keep says that an instance has made, set, re-pointed or taken over an object in this run: no Delete of another instance
// may undo that.
func (r *run) keep(o object) {
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.kept[o] = true
}

// keeps reports whether an instance of this run has kept an object.
func (r *run) keeps(o object) bool {
	if r == nil {
		return false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.kept[o]
}

// yield is asked by Delete before it sends anything. It reports whether another instance of this run keeps the object or
// wants it: the object then has to be left alone.
func (r *run) yield(o object) bool {
	if r == nil {
		return false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.yielded[o] = true
	return r.kept[o] || r.wanted[o]
}

// inheritWithin is how long a creation waits for the Delete of the instance that it succeeds. Terraform runs the two at
// the same time when the address of an instance has changed without a moved block.
const inheritWithin = 5 * time.Second

// inherit is asked by a creation that meets its object at Heroku. It reports whether the instance that had the object gives
// it up in this run, and waits a moment for that. From then on Delete leaves the object alone, also when the creation is
// refused.
func (r *run) inherit(ctx context.Context, clock heroku.Clock, o object) bool {
	if r == nil {
		return false
	}
	const step = 100 * time.Millisecond
	for waited := time.Duration(0); ; waited += step {
		if r.want(o) {
			r.keep(o)
			return true
		}
		if waited >= inheritWithin || clock.Sleep(ctx, step) != nil {
			return false
		}
	}
}

// want says that a creation needs the object, and reports whether a Delete has left it to that.
func (r *run) want(o object) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	given := r.yielded[o] && r.wanted[o]
	r.wanted[o] = true
	return given
}

// claim registers what an instance plans to make of something of which Heroku has one, and returns another instance that
// plans to make something else of it. A planned destroy makes no claim, so that it is no second owner.
func (r *run) claim(thing string, mine claim) (other claim, conflict bool) {
	if r == nil {
		return claim{}, false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, other := range r.claims[thing] {
		if other.value != mine.value || other.id != "" && mine.id != "" && other.id != mine.id {
			return other, true
		}
	}
	r.claims[thing] = append(r.claims[thing], mine)
	return claim{}, false
}
