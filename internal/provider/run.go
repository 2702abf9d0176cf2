// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"maps"
	"sync"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
)

// run is what the resource instances of one plan, or of one apply, know of each other. Terraform configures the provider
// anew for each of the two. An instance is told neither its address nor what else is planned, instances are planned and
// applied in any order, and one that is replaced is planned twice: with what is in the state, and as a creation.
type run struct {
	mu      sync.Mutex
	asking  func() bool // whether an instance asks Heroku something; nil where nobody does
	inState map[object]bool
	kept    map[object]bool
	wanted  map[object]bool
	yielded map[object]bool
	claims  map[string][]claim
	said    map[string]bool

	destroyed map[object]bool
	ended     map[object]bool
	reads     bool

	planned map[object]fate // of what is in the state, by any of its instances

	// Of apps and spaces.
	refreshed map[object]bool
	members   map[object]member
	byName    map[nameOf]object
	takers    map[nameOf]taking

	rangeEdits map[string][]rangeEdit // of the trusted ranges of spaces

	// Of stores.
	protected  map[string]string   // stores that are protected, in words, by their names and by their ids
	ordered    map[string]int      // how many stores are to be ordered on an app without an attachment name
	successors map[string][]string // by app: stores that were made without an attachment name, and are complete
	looks      int                 // at objects that are planned to be destroyed
	made       map[heroku.AddOnID]heroku.AddOn

	sizes map[heroku.AppID]map[heroku.ProcessType]string // that process types are planned to have
}

// object is one thing at Heroku that instances of a resource type manage.
type object struct {
	resourceType string // such as kvs_attachment
	id           string // UUID of the object, or of what it belongs to where it has none
}

// claim is what one instance plans to make of something of which Heroku has one, such as an attachment name of an app.
type claim struct {
	id    string // of the object in the state, empty for a creation
	value string // what it is to be, empty when not known; two claims of the same value may be one instance that is planned twice
	owner string // what kind of instance it is, where there are several
	text  string // the instance in words

	// single: no other instance may plan the same either. One that is replaced claims twice: with its id and as a creation,
	// which says what it replaces.
	single   bool
	replaces string
}

func newRun() *run {
	return &run{
		inState: make(map[object]bool), kept: make(map[object]bool), wanted: make(map[object]bool), yielded: make(map[object]bool),
		claims: make(map[string][]claim), destroyed: make(map[object]bool), ended: make(map[object]bool),
		said: make(map[string]bool), rangeEdits: make(map[string][]rangeEdit), planned: make(map[object]fate), refreshed: make(map[object]bool), members: make(map[object]member),
		byName: make(map[nameOf]object), takers: make(map[nameOf]taking),
		protected: make(map[string]string), ordered: make(map[string]int), successors: make(map[string][]string),
		made: make(map[heroku.AddOnID]heroku.AddOn), sizes: make(map[heroku.AppID]map[heroku.ProcessType]string),
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
	left := r.kept[o] || r.wanted[o]
	r.yielded[o] = r.yielded[o] || left // what is destroyed is nobody's to inherit
	r.destroyed[o] = !left
	return left
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
		differs := other.value != mine.value && other.value != "" && mine.value != "" || other.owner != mine.owner
		if differs || other.id != "" && mine.id != "" && other.id != mine.id || mine.single &&
			(other.id == "" || other.id != mine.replaces) {
			return other, true
		}
	}
	r.claims[thing] = append(r.claims[thing], mine)
	return claim{}, false
}

// take is keep for a creation that has found the object live. It is false while a Delete is taking the object away.
func (r *run) take(o object) bool {
	if r == nil {
		return true
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.kept[o] = r.kept[o] || !r.destroyed[o]
	return !r.destroyed[o]
}

// deleted says that a Delete has ended.
func (r *run) deleted(o object) {
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ended[o] = true
}

// leftToSuccessor, in the private state of a planned destroy, says that another instance of the plan has the same
// object, such as one whose address has changed.
const leftToSuccessor = "left_to_successor"

// leavesToSuccessor reports whether another instance of the plan has the thing that a planned destroy is about, and tells Delete.
func (r *run) leavesToSuccessor(ctx context.Context, thing string, resp *resource.ModifyPlanResponse) bool {
	if !r.claimed(ctx, thing, planningTime) {
		return false
	}
	resp.Diagnostics.Append(resp.Private.SetKey(ctx, leftToSuccessor, []byte("true"))...)
	return true
}

// takeOver says that an instance of this run has the object, so that no Delete of another one takes it away any more. One that has
// begun is waited for.
func (r *run) takeOver(ctx context.Context, o object) {
	if !r.take(o) {
		r.awaitDeleted(ctx, o)
		r.keep(o)
	}
}

// awaitDeleted waits for the end of a Delete that has begun.
func (r *run) awaitDeleted(ctx context.Context, o object) {
	r.await(ctx, inheritWithin, func() bool { return r.ended[o] })
}

// read says that a read has shown an object of the state. Only a plan reads.
func (r *run) read(o object) {
	if r == nil {
		return
	}
	r.note(o)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.reads = true
}

// applies reports whether a plan is made once more while it is applied. Only then a CLI allows deferral without having read
// anything. OpenTofu never allows it: there a write tells.
func (r *run) applies(client *heroku.Client, deferralAllowed bool) bool {
	if client == nil { // nothing is applied without one
		return false
	}
	if r == nil {
		return client.HasWritten()
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return !r.reads && deferralAllowed || client.HasWritten()
}

// claimed reports whether an instance claims the thing, and waits a moment for one: instances are planned at the same time.
func (r *run) claimed(ctx context.Context, thing string, wait time.Duration) bool {
	return r.await(ctx, wait, func() bool { return len(r.claims[thing]) > 0 })
}

// comesToKnow is knows for an object that may be planned a moment later.
func (r *run) comesToKnow(ctx context.Context, o object, wait time.Duration) bool {
	return r.await(ctx, wait, func() bool { return r.inState[o] })
}

// longestWait is how long an instance waits for others altogether.
const longestWait = 20 * time.Second

// await waits in real time: what it waits for is done by this process. The limit begins anew while another instance asks
// Heroku something: what depends on that is planned only afterwards.
func (r *run) await(ctx context.Context, limit time.Duration, done func() bool) bool {
	if r == nil {
		return false
	}
	check := func() bool {
		r.mu.Lock()
		defer r.mu.Unlock()
		return done()
	}
	const step = 20 * time.Millisecond
	for waited, idle := time.Duration(0), time.Duration(0); ; waited, idle = waited+step, idle+step {
		if check() {
			return true
		}
		if r.asking != nil && r.asking() {
			idle = 0
		}
		if idle >= limit || waited >= longestWait || heroku.RealClock.Sleep(ctx, step) != nil {
			return false
		}
	}
}

// protect remembers a protected store that is in the state of this configuration.
func (r *run) protect(key, label string) {
	if r == nil || key == "" {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.protected[key] = label
}

// protects is the protected store of that name or id, in words.
func (r *run) protects(key string) (label string, is bool) {
	if r == nil || key == "" {
		return "", false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	label, is = r.protected[key]
	return label, is
}

// unnamed counts the stores that are to be ordered on an app without a name for their attachment.
func (r *run) unnamed(app string) int {
	if r == nil {
		return 0
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ordered[app]++
	return r.ordered[app]
}

// resizes says which size a process type is planned to have.
func (r *run) resizes(app heroku.AppID, process heroku.ProcessType, size string) {
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.sizes[app] == nil {
		r.sizes[app] = make(map[heroku.ProcessType]string)
	}
	r.sizes[app][process] = size
}

// sizesOf are those of an app. It waits a moment for more than one: instances are planned at the same time.
func (r *run) sizesOf(ctx context.Context, app heroku.AppID) map[heroku.ProcessType]string {
	if r == nil {
		return nil
	}
	r.await(ctx, knowWithin, func() bool { return len(r.sizes[app]) > 1 })
	r.mu.Lock()
	defer r.mu.Unlock()
	return maps.Clone(r.sizes[app])
}

// finished says that a store was made in this run and is complete.
func (r *run) finished(addOn heroku.AddOn) {
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.made[addOn.ID] = addOn
}

// completed is a store that was made in this run and is complete.
func (r *run) completed(id heroku.AddOnID) (addOn heroku.AddOn, is bool) {
	if r == nil {
		return addOn, false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	addOn, is = r.made[id]
	return addOn, is
}

// inherits says that a store was made on an app, complete, and without a name for its attachment.
func (r *run) inherits(app, store string) {
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.successors[app] = append(r.successors[app], store)
}

// heir is the one store that was made so on an app, empty if there is none or a choice.
func (r *run) heir(app string) string {
	if r == nil {
		return ""
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.successors[app]) != 1 {
		return ""
	}
	return r.successors[app][0]
}

// mostLooks is at how many objects a plan looks that destroys them: each takes requests of its own.
const mostLooks = 10

// look reports whether one more object may be looked at.
func (r *run) look() bool {
	if r == nil {
		return false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.looks++
	return r.looks <= mostLooks
}
