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

// run is the state that the resource instances of one plan, or of one apply, share. Terraform configures the provider anew for
// each of the two. It tells an instance neither its address nor what else is planned, plans and applies instances in any order,
// and plans a replaced instance twice: with its state, and as a creation.
type run struct {
	mu      sync.Mutex
	asking  func() bool // whether any instance is waiting for an answer of Heroku; nil without a client
	inState map[object]bool
	kept    map[object]bool
	refused map[object]bool
	claims  map[string][]claim
	warned  map[string]bool

	deleting map[object]bool
	deleted  map[object]bool
	reads    bool // whether an object of the state was read

	planned map[object]objectChange // for objects of the state, by any of their instances

	// Apps and spaces.
	refreshed    map[object]bool
	stateObjects map[object]stateObject
	byName       map[uniqueName]object
	nameClaims   map[uniqueName]nameClaim

	rangeEdits map[string][]rangeEdit // planned edits of trusted IP ranges, by space

	// Stores.
	protected     map[string]string   // labels of protected stores, by their names and by their ids
	unnamedOrders map[string]int      // number of planned stores without an attachment name, by app
	unnamedStores map[string][]string // complete stores that were created without an attachment name, by app
	destroyReads  int                 // number of objects read because they are planned to be destroyed
	completed     map[heroku.AddOnID]heroku.AddOn

	sizes map[heroku.AppID]map[heroku.ProcessType]string // planned dyno sizes
}

// object identifies one thing at Heroku that a resource type manages.
type object struct {
	resourceType string // such as kvs_attachment
	id           string // UUID of the object, or of its parent where it has none
}

// claim is what one instance plans for something that exists only once at Heroku, such as an attachment name of an app.
type claim struct {
	id    string // id in the state, empty for a creation
	value string // planned value, empty while unknown; two claims of one value may be one instance that is planned twice
	owner string // kind of instance, where several kinds may claim
	text  string // the instance as a diagnostic names it

	// single forbids a second instance even with the same value. A replaced instance claims twice: with its id, and as a creation
	// whose replaces is that id.
	single   bool
	replaces string
}

func newRun() *run {
	return &run{
		inState: make(map[object]bool), kept: make(map[object]bool), refused: make(map[object]bool),
		claims: make(map[string][]claim), deleting: make(map[object]bool), deleted: make(map[object]bool),
		warned: make(map[string]bool), rangeEdits: make(map[string][]rangeEdit), planned: make(map[object]objectChange),
		refreshed: make(map[object]bool), stateObjects: make(map[object]stateObject),
		byName: make(map[uniqueName]object), nameClaims: make(map[uniqueName]nameClaim),
		protected: make(map[string]string), unnamedOrders: make(map[string]int), unnamedStores: make(map[string][]string),
		completed: make(map[heroku.AddOnID]heroku.AddOn), sizes: make(map[heroku.AppID]map[heroku.ProcessType]string),
	}
}

// noteInState records that an object is in the state of this configuration: a read or a plan with a prior state has shown it.
func (r *run) noteInState(o object) {
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.inState[o] = true
}

// isInState reports whether an object is known to be in the state of this configuration.
func (r *run) isInState(o object) bool {
	if r == nil {
		return false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.inState[o]
}

// noteKept records that an instance has created, set, re-pointed or taken over an object in this run: no Delete of another
// instance may undo that.
func (r *run) noteKept(o object) {
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.kept[o] = true
}

// isKept reports whether an instance of this run keeps the object.
func (r *run) isKept(o object) bool {
	if r == nil {
		return false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.kept[o]
}

// skipDelete reports whether Delete must leave the object alone, because another instance of this run keeps it or was refused for
// it. Delete calls it before it sends anything: if the result is false, the object counts as being deleted from then on.
func (r *run) skipDelete(o object) bool {
	if r == nil {
		return false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	skip := r.kept[o] || r.refused[o]
	r.deleting[o] = !skip
	return skip
}

// mayRemoveFormer reports whether an Update may remove the object that it gives up for another one: no other instance of this run
// keeps it, or claims it under the key. If the result is true, the object counts as being deleted from then on.
func (r *run) mayRemoveFormer(ctx context.Context, o object, key string) bool {
	return !r.awaitClaim(ctx, key, planningTime) && !r.skipDelete(o)
}

// deleteTimeout is how long a creation waits for the Delete of the instance that it succeeds. Terraform runs the two at
// the same time when the address of an instance has changed without a moved block.
const deleteTimeout = 5 * time.Second

// noteRefused records that a creation was refused because its object exists already. A Delete of that object, by another instance
// of this run, then leaves it alone.
func (r *run) noteRefused(o object) {
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.refused[o] = true
}

// claim registers the claim of an instance under a key, and returns another one that conflicts with it. A planned destroy makes
// no claim, so that it is no second owner.
func (r *run) claim(key string, mine claim) (other claim, conflict bool) {
	if r == nil {
		return claim{}, false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, other := range r.claims[key] {
		differs := other.value != mine.value && other.value != "" && mine.value != "" || other.owner != mine.owner
		if differs || other.id != "" && mine.id != "" && other.id != mine.id || mine.single &&
			(other.id == "" || other.id != mine.replaces) {
			return other, true
		}
	}
	r.claims[key] = append(r.claims[key], mine)
	return claim{}, false
}

// tryKeep is noteKept for a creation that has found the object at Heroku. It does nothing and returns false once a Delete of the
// object has begun.
func (r *run) tryKeep(o object) bool {
	if r == nil {
		return true
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.kept[o] = r.kept[o] || !r.deleting[o]
	return !r.deleting[o]
}

// noteDeleted records that a Delete has ended.
func (r *run) noteDeleted(o object) {
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.deleted[o] = true
}

// leftToSuccessor is a key in the private state of a planned destroy: another instance of the plan has the same object, such as
// one whose address has changed.
const leftToSuccessor = "left_to_successor"

// leavesToSuccessor reports whether another instance of the plan claims what a planned destroy would remove, and tells Delete so
// through the private state.
func (r *run) leavesToSuccessor(ctx context.Context, key string, resp *resource.ModifyPlanResponse) bool {
	if !r.awaitClaim(ctx, key, planningTime) {
		return false
	}
	resp.Diagnostics.Append(resp.Private.SetKey(ctx, leftToSuccessor, []byte("true"))...)
	return true
}

// takeOver keeps the object for an instance, so that no Delete of another instance removes it any more. It waits for a Delete
// that has begun.
func (r *run) takeOver(ctx context.Context, o object) {
	if !r.tryKeep(o) {
		r.awaitDeleted(ctx, o)
		r.noteKept(o)
	}
}

// awaitDeleted waits for the end of a Delete that has begun.
func (r *run) awaitDeleted(ctx context.Context, o object) {
	r.await(ctx, deleteTimeout, func() bool { return r.deleted[o] })
}

// noteRead records that an object of the state was read, which happens in a plan only.
func (r *run) noteRead(o object) {
	if r == nil {
		return
	}
	r.noteInState(o)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.reads = true
}

// isApplying reports whether ModifyPlan is called during an apply. Terraform then allows deferral although nothing was read.
// OpenTofu never allows deferral: there, a request that changed something shows the apply.
func (r *run) isApplying(client *heroku.Client, deferralAllowed bool) bool {
	if client == nil { // there is no apply without one
		return false
	}
	if r == nil {
		return client.HasWritten()
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return !r.reads && deferralAllowed || client.HasWritten()
}

// awaitClaim reports whether an instance makes a claim under the key within the limit: instances are planned concurrently.
func (r *run) awaitClaim(ctx context.Context, key string, limit time.Duration) bool {
	return r.await(ctx, limit, func() bool { return len(r.claims[key]) > 0 })
}

// awaitInState reports whether the object becomes known to be in the state within the limit.
func (r *run) awaitInState(ctx context.Context, o object, limit time.Duration) bool {
	return r.await(ctx, limit, func() bool { return r.inState[o] })
}

// maxAwait is the longest time that await takes.
const maxAwait = 20 * time.Second

// await reports whether done returns true within the limit, in real time: done depends on this process alone. The limit starts
// again while another instance waits for Heroku, since Terraform plans the dependents of that instance only afterwards.
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
		if idle >= limit || waited >= maxAwait || heroku.RealClock.Sleep(ctx, step) != nil {
			return false
		}
	}
}

// noteProtected records a protected store of the state. key is its name or its id.
func (r *run) noteProtected(key, label string) {
	if r == nil || key == "" {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.protected[key] = label
}

// protectedLabel returns the label of the protected store that has key as its name or id.
func (r *run) protectedLabel(key string) (label string, is bool) {
	if r == nil || key == "" {
		return "", false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	label, is = r.protected[key]
	return label, is
}

// countUnnamed adds one to the planned stores of an app that have no attachment name, and returns their number.
func (r *run) countUnnamed(app string) int {
	if r == nil {
		return 0
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.unnamedOrders[app]++
	return r.unnamedOrders[app]
}

// noteSize records the planned dyno size of a process type.
func (r *run) noteSize(app heroku.AppID, process heroku.ProcessType, size string) {
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

// plannedSizes returns the planned dyno sizes of an app. It waits up to knowWithin for more than one, since instances are planned
// concurrently.
func (r *run) plannedSizes(ctx context.Context, app heroku.AppID) map[heroku.ProcessType]string {
	if r == nil {
		return nil
	}
	r.await(ctx, knowWithin, func() bool { return len(r.sizes[app]) > 1 })
	r.mu.Lock()
	defer r.mu.Unlock()
	return maps.Clone(r.sizes[app])
}

// noteCompleted records that a store was created in this run and is complete.
func (r *run) noteCompleted(addOn heroku.AddOn) {
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.completed[addOn.ID] = addOn
}

// completedStore returns a store that was created in this run and is complete.
func (r *run) completedStore(id heroku.AddOnID) (addOn heroku.AddOn, is bool) {
	if r == nil {
		return addOn, false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	addOn, is = r.completed[id]
	return addOn, is
}

// noteUnnamedStore records that a store was created on an app without an attachment name, and is complete.
func (r *run) noteUnnamedStore(app, store string) {
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.unnamedStores[app] = append(r.unnamedStores[app], store)
}

// soleUnnamedStore returns the store that noteUnnamedStore has recorded for an app, empty unless there is exactly one.
func (r *run) soleUnnamedStore(app string) string {
	if r == nil {
		return ""
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.unnamedStores[app]) != 1 {
		return ""
	}
	return r.unnamedStores[app][0]
}

// maxDestroyReads limits how many objects a plan reads to say what their destruction would lose: each takes requests of its own.
const maxDestroyReads = 10

// mayReadMore reports whether one more object may be read for that.
func (r *run) mayReadMore() bool {
	if r == nil {
		return false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.destroyReads++
	return r.destroyReads <= maxDestroyReads
}
