// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
)

// What a run knows of apps and spaces: which ones are in the state, what is planned for each, and who takes a name. Both
// have names of which Heroku has one, and both take everything in them along when they are destroyed.

// fate is what is planned for an object of the state.
type fate int

const (
	unplanned fate = iota // it was read; one that is tainted is never planned, only its successor is
	stays                 // as it is, or changed in place
	isReplaced
	isDestroyed
	isTaken // over as it is, by an instance that is created or renamed
)

// member is an object of the state.
type member struct {
	object
	name      string // that it has, or is planned to have; empty while that is unknown
	label     string // in words
	protected bool
	fate      fate
}

// nameOf is a name of which Heroku has one.
type nameOf struct{ resourceType, name string }

// taking is an instance that is created under a name, or renamed to it.
type taking struct {
	by    object // no id for a creation
	label string
}

// found says that a read has shown an object of the state.
func (r *run) found(m member) {
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.refreshed[m.object] = true
	if _, known := r.members[m.object]; !known {
		r.place(m)
	}
}

// isRefreshed reports whether a read has shown the object in this run. An apply reads nothing.
func (r *run) isRefreshed(o object) bool {
	if r == nil {
		return false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.refreshed[o]
}

// plans says what is planned for an object of the state. One that is destroyed must have no successor under its name.
func (r *run) plans(m member) diag.Diagnostics {
	if r == nil {
		return nil
	}
	if twice := r.sole(m.object, m.label, m.fate); twice.HasError() {
		return twice
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if m.fate == unplanned || r.members[m.object].fate != isReplaced { // it is planned again as a creation
		r.place(m)
	}
	taker, taken := r.takers[nameOf{m.resourceType, m.name}]
	if m.fate != isDestroyed || !taken || taker.by == m.object {
		return nil
	}
	return diag.Diagnostics{destroyedAndTaken(m, taker.label)}
}

// sole says what an instance plans for its object. It refuses two instances of one object, unless both give it up: one that is
// destroyed, replaced or renamed would take away what the other one keeps. Whoever is planned second notices.
func (r *run) sole(o object, label string, f fate) diag.Diagnostics {
	if r == nil {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	other := r.planned[o]
	if other != isTaken {
		r.planned[o] = f
	}
	if other == unplanned || f == isDestroyed && other != stays && other != isReplaced || f == isTaken && other == isDestroyed {
		return nil
	}
	return diag.Diagnostics{diag.NewErrorDiagnostic("Two resources manage one object", fmt.Sprintf(
		"%s is managed under two addresses of this configuration or its state: whatever is destroyed or changed at "+
			"one of them would be taken away from the other. "+
			"Keep one of the two, and let go of the other without destroying anything:\n\n"+
			"removed {\n  from = %s.other # the address to give up\n  lifecycle {\n    destroy = false\n  }\n}\n\n"+
			"If only the address has changed, write a moved block, and no import block. "+
			"If one of them is what an interrupted create_before_destroy has left (\"deposed\"), run `terraform state "+
			"rm` on its address, and import the object again.",
		label, o.resourceType))}
}

// place makes a member the one that is known, also by its name. r.mu is held.
func (r *run) place(m member) {
	r.members[m.object] = m
	if m.name != "" {
		r.byName[nameOf{m.resourceType, m.name}] = m.object
	}
}

// takes says that an instance is created under a name, or renamed to it. It returns the object of the state that has the
// name, which then is replaced because of -replace or a taint, of which a plan is told nothing else.
func (r *run) takes(name string, t taking) (replaced member, found bool, diags diag.Diagnostics) {
	if r == nil || name == "" {
		return member{}, false, nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	key := nameOf{t.by.resourceType, name}
	other, taken := r.takers[key]
	r.takers[key] = t
	m, known := r.members[r.byName[key]]
	switch {
	case taken && (other.by != t.by || t.by.id == ""): // a creation is planned once
		return member{}, false, diag.Diagnostics{takenTwice(name, other.label, t.label)}
	case !known || m.object == t.by || m.name != name:
		return member{}, false, nil
	case m.fate == isDestroyed:
		return member{}, false, diag.Diagnostics{destroyedAndTaken(m, t.label)}
	case t.by.id != "":
		return member{}, false, nil // a rename to a name that stays taken is Heroku's to refuse
	}
	m.fate = isReplaced
	r.members[m.object] = m
	return m, true, nil
}

// goes reports whether an object of the state is planned to be destroyed or replaced.
func (r *run) goes(o object) bool {
	if r == nil {
		return false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	fate := r.members[o].fate
	return fate == isReplaced || fate == isDestroyed
}

// appStays reports whether a kvs_app with this id is planned to stay in this run: it is neither destroyed nor replaced.
func (r *run) appStays(id string) bool {
	if r == nil {
		return false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.members[object{"kvs_app", id}].fate == stays
}

// refuses says that a creation has met an object that exists already. A Delete of that object, by another instance of
// this run, then leaves it alone.
func (r *run) refuses(o object) {
	if r != nil {
		r.want(o)
	}
}

// destroyedAndTaken is for an instance whose address has changed. The two would run in any order, and what is destroyed
// takes along more than its successor gets.
func destroyedAndTaken(m member, taker string) diag.Diagnostic {
	return diag.NewAttributeErrorDiagnostic(path.Root("name"), "Destroyed and created under the same name", fmt.Sprintf(
		"%s is to be destroyed, and in the same plan %s takes its name. The new object would have nothing of what the old one has.\n\n"+
			"If it is the same object whose address has changed (another resource name, for_each key, count index or module), "+
			"say so with a moved block, and it stays as it is:\n\n%s\n\n"+
			"To destroy it on purpose, apply without its successor first.", m.label, taker, movedBlock(m.resourceType)))
}

// takenTwice is for two instances that are created under one name, or renamed to it.
func takenTwice(name, one, other string) diag.Diagnostic {
	return diag.NewAttributeErrorDiagnostic(path.Root("name"), "Two instances take the same name", fmt.Sprintf(
		"In this plan, %s and %s take the name %q, which is unique at Heroku: the second one would fail while the plan is applied. Give "+
			"one of them another name.", one, other, name))
}

// movedBlock is ready to be pasted; only the labels, which no provider is told, are the reader's to set.
func movedBlock(resourceType string) string {
	return fmt.Sprintf("moved {\n  from = %s.old # the address in the state\n"+
		"  to   = %[1]s.new # the address in the configuration\n}", resourceType)
}

// wantedElsewhere is the error of a Delete whose object has a successor under another address.
func wantedElsewhere(resourceType, label string) diag.Diagnostic {
	return diag.NewErrorDiagnostic("Another instance has met this object", fmt.Sprintf(
		"%s was not destroyed: another %s of this configuration was to be created under its name. "+
			"If it is the same object whose address has changed, say so with a moved block, and it stays as it is:\n\n%s\n\n"+
			"To destroy it on purpose, apply without its successor first.", label, resourceType, movedBlock(resourceType)))
}
