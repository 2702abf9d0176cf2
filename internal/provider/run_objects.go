// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
)

// Apps and spaces in a run: which ones are in the state, what is planned for each, and which instance plans to have which name.
// Heroku gives a name to one app or space only, and destroying either of them destroys everything in it.

// objectChange is what is planned for an object of the state.
type objectChange int

const (
	unplanned objectChange = iota // it was read only; Terraform plans the successor of a tainted object, never the object itself
	stays                         // as it is, or changed in place
	isReplaced
	isDestroyed
	isTakenOver // by an instance that is created or renamed
)

// stateObject is an object of the state.
type stateObject struct {
	object
	name      string // name after the plan, empty while unknown
	label     string // the object as a diagnostic names it
	protected bool
	change    objectChange
}

// uniqueName is a name that Heroku gives to one object of a resource type only.
type uniqueName struct{ resourceType, name string }

// nameClaim is an instance that is created under a name, or renamed to it.
type nameClaim struct {
	by    object // no id for a creation
	label string
}

// noteRefreshed records that a read has shown an object of the state.
func (r *run) noteRefreshed(m stateObject) {
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.refreshed[m.object] = true
	if _, known := r.stateObjects[m.object]; !known {
		r.record(m)
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

// notePlan records what is planned for an object of the state. It refuses to destroy an object whose name another instance claims.
func (r *run) notePlan(m stateObject) diag.Diagnostics {
	if r == nil {
		return nil
	}
	if twice := r.refuseDuplicate(m.object, m.label, m.change); twice.HasError() {
		return twice
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if m.change == unplanned || r.stateObjects[m.object].change != isReplaced { // Terraform plans a replaced object again as a creation
		r.record(m)
	}
	taker, taken := r.nameClaims[uniqueName{m.resourceType, m.name}]
	if m.change != isDestroyed || !taken || taker.by == m.object {
		return nil
	}
	return diag.Diagnostics{destroyedAndTaken(m, taker.label)}
}

// refuseDuplicate records what an instance plans for its object. It refuses a second instance of the same object, unless both
// give it up: destroying, replacing or renaming one would take away what the other one keeps.
func (r *run) refuseDuplicate(o object, label string, change objectChange) diag.Diagnostics {
	if r == nil {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	other := r.planned[o]
	if other != isTakenOver {
		r.planned[o] = change
	}
	if other == unplanned || change == isDestroyed && other != stays && other != isReplaced || change == isTakenOver && other == isDestroyed {
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

// record stores m under its object and its name. The caller holds r.mu.
func (r *run) record(m stateObject) {
	r.stateObjects[m.object] = m
	if m.name != "" {
		r.byName[uniqueName{m.resourceType, m.name}] = m.object
	}
}

// claimName records that an instance is created under a name, or renamed to it. For a creation it returns the object of the state
// that has the name: it is being replaced because of -replace or a taint, which Terraform tells a provider in no other way.
func (r *run) claimName(name string, c nameClaim) (replaced stateObject, found bool, diags diag.Diagnostics) {
	if r == nil || name == "" {
		return stateObject{}, false, nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	key := uniqueName{c.by.resourceType, name}
	other, taken := r.nameClaims[key]
	r.nameClaims[key] = c
	m, known := r.stateObjects[r.byName[key]]
	switch {
	case taken && (other.by != c.by || c.by.id == ""): // a creation is planned once
		return stateObject{}, false, diag.Diagnostics{takenTwice(name, other.label, c.label)}
	case !known || m.object == c.by || m.name != name:
		return stateObject{}, false, nil
	case m.change == isDestroyed:
		return stateObject{}, false, diag.Diagnostics{destroyedAndTaken(m, c.label)}
	case c.by.id != "":
		return stateObject{}, false, nil // Heroku refuses a rename to a name that stays in use
	}
	m.change = isReplaced
	r.stateObjects[m.object] = m
	return m, true, nil
}

// willBeDestroyed reports whether an object of the state is planned to be destroyed or replaced.
func (r *run) willBeDestroyed(o object) bool {
	if r == nil {
		return false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	change := r.stateObjects[o].change
	return change == isReplaced || change == isDestroyed
}

// appStays reports whether a kvs_app with this id is planned to stay in this run: it is neither destroyed nor replaced.
func (r *run) appStays(id string) bool {
	if r == nil {
		return false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.stateObjects[object{"kvs_app", id}].change == stays
}

// destroyedAndTaken refuses a destroy and a creation under one name, which is what a changed address looks like. Terraform would
// run the two in any order, and the successor would begin without the content of the destroyed object.
func destroyedAndTaken(m stateObject, taker string) diag.Diagnostic {
	return diag.NewAttributeErrorDiagnostic(path.Root("name"), "Destroyed and created under the same name", fmt.Sprintf(
		"%s is to be destroyed, and in the same plan %s takes its name. The new object would have nothing of what the old one has.\n\n"+
			"If it is the same object whose address has changed (another resource name, for_each key, count index or module), "+
			"say so with a moved block, and it stays as it is:\n\n%s\n\n"+
			"To destroy it on purpose, apply without its successor first.", m.label, taker, movedBlock(m.resourceType)))
}

// takenTwice refuses two instances that are created under one name, or renamed to it.
func takenTwice(name, one, other string) diag.Diagnostic {
	return diag.NewAttributeErrorDiagnostic(path.Root("name"), "Two instances take the same name", fmt.Sprintf(
		"In this plan, %s and %s take the name %q, which is unique at Heroku: the second one would fail while the plan is applied. Give "+
			"one of them another name.", one, other, name))
}

// movedBlock returns a moved block with placeholders for the labels, which Terraform does not tell a provider.
func movedBlock(resourceType string) string {
	return fmt.Sprintf("moved {\n  from = %s.old # the address in the state\n"+
		"  to   = %[1]s.new # the address in the configuration\n}", resourceType)
}

// wantedElsewhere is the error of a Delete whose object another instance was to be created as, under another address.
func wantedElsewhere(resourceType, label string) diag.Diagnostic {
	return diag.NewErrorDiagnostic("Another instance has met this object", fmt.Sprintf(
		"%s was not destroyed: another %s of this configuration was to be created under its name. "+
			"If it is the same object whose address has changed, say so with a moved block, and it stays as it is:\n\n%s\n\n"+
			"To destroy it on purpose, apply without its successor first.", label, resourceType, movedBlock(resourceType)))
}
