// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/hashicorp/terraform-plugin-framework/diag"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
)

// protectedStores finds, at plan time, apps and spaces that are to be destroyed while they hold a protected store: Heroku
// would destroy it with its app, and a space gives up its apps first. Terraform plans an app before the stores that refer to
// it, or after, or at the same time, so each side leaves a note and whoever comes second sees the other's.
type protectedStores struct {
	mu     sync.Mutex
	stores map[string]map[string]string // by app and store: the store in words
	spaces map[string]string            // by app: the space that it is in
	doomed map[string]loss              // by the id of an app or a space

	// One store or space may be managed by two instances, of which only one protects it.
	guarded map[object]string // by what is protected: the same in words
	ending  map[object]string // by what an instance plans to destroy: the same in words
}

// loss is an app or a space that is to be destroyed or replaced.
type loss struct {
	id, label string
	space     bool
}

func storeObject(id heroku.AddOnID) object { return object{"kvs_instance", string(id)} }

// protect notes that an instance protects an object, and refuses a destroy that another instance plans for it.
func (p *protectedStores) protect(o object, label string) diag.Diagnostics {
	if p == nil {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.guarded == nil {
		p.guarded = make(map[object]string)
	}
	p.guarded[o] = label
	if _, planned := p.ending[o]; planned {
		return diag.Diagnostics{protectedElsewhere(o, label)}
	}
	return nil
}

// protector is the instance that protects an object, in words.
func (p *protectedStores) protector(o object) (label string, protected bool) {
	if p == nil {
		return "", false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	label, protected = p.guarded[o]
	return label, protected
}

// refuseDestroyOf is asked by an instance that does not protect its object itself and is to destroy it.
func (p *protectedStores) refuseDestroyOf(o object, label string) diag.Diagnostics {
	if p == nil {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ending == nil {
		p.ending = make(map[object]string)
	}
	p.ending[o] = label
	if _, protected := p.guarded[o]; protected {
		return diag.Diagnostics{protectedElsewhere(o, label)}
	}
	return nil
}

func protectedElsewhere(o object, label string) diag.Diagnostic {
	return diag.NewErrorDiagnostic("Another resource protects what is to be destroyed", fmt.Sprintf(
		"%s is managed twice in this configuration: one %s is to be destroyed, and another one with the same id has deletion_protection = true. "+
			"To stop managing it in one place, use a removed block with destroy = false there. To destroy it on purpose, first apply deletion_protection = false to the other one as well.", label, o.resourceType))
}

// note remembers a store that was read.
func (p *protectedStores) note(store instanceModel) {
	if p == nil || !store.DeletionProtection.ValueBool() {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	app := store.AppID.ValueString()
	if p.stores == nil {
		p.stores = make(map[string]map[string]string)
	}
	if p.stores[app] == nil {
		p.stores[app] = make(map[string]string)
	}
	p.stores[app][store.ID.ValueString()] = store.label()
	if p.guarded == nil {
		p.guarded = make(map[object]string)
	}
	p.guarded[storeObject(store.addOnID())] = store.label()
}

// noteApp remembers which space an app is in.
func (p *protectedStores) noteApp(app appModel) {
	if p == nil || app.SpaceID.ValueString() == "" {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.spaces == nil {
		p.spaces = make(map[string]string)
	}
	p.spaces[app.ID.ValueString()] = app.SpaceID.ValueString()
}

// refuseLoss is asked by an app that is planned to be destroyed or replaced.
func (p *protectedStores) refuseLoss(app appModel) diag.Diagnostics {
	return p.refuse(loss{id: app.ID.ValueString(), label: app.String()})
}

// refuse is asked when an app or a space is planned to be destroyed or replaced.
func (p *protectedStores) refuse(l loss) diag.Diagnostics {
	if p == nil {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.doomed == nil {
		p.doomed = make(map[string]loss)
	}
	p.doomed[l.id] = l
	var held []string
	for app, stores := range p.stores {
		if app == l.id || l.space && p.spaces[app] == l.id {
			held = slices.AppendSeq(held, maps.Values(stores))
		}
	}
	if len(held) == 0 {
		return nil
	}
	slices.Sort(held)
	return diag.Diagnostics{lossOf(l, held)}
}

// refuseLossIn is asked by an app in a space, which may be planned to be destroyed or replaced.
func (p *protectedStores) refuseLossIn(app appModel) diag.Diagnostics {
	if p == nil {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	l, doomed := p.doomed[app.SpaceID.ValueString()]
	if stores := slices.Sorted(maps.Values(p.stores[app.ID.ValueString()])); doomed && len(stores) > 0 {
		return diag.Diagnostics{lossOf(l, stores)}
	}
	return nil
}

// refuseLossOf is asked by a store that is planned to stay.
func (p *protectedStores) refuseLossOf(store instanceModel) diag.Diagnostics {
	if p == nil || !store.DeletionProtection.ValueBool() {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	app := store.AppID.ValueString()
	l, doomed := p.doomed[app]
	if !doomed {
		l, doomed = p.doomed[p.spaces[app]]
	}
	if doomed {
		return diag.Diagnostics{lossOf(l, []string{store.label()})}
	}
	return nil
}

func lossOf(l loss, stores []string) diag.Diagnostic {
	if l.space {
		return diag.NewErrorDiagnostic("The space holds a protected Key-Value Store", fmt.Sprintf(
			"%s is to be destroyed or replaced, which takes the apps in it, and with them their stores and the data. These are protected:\n\n%s\n\n"+
				"To lose them on purpose, first apply deletion_protection = false to each and destroy it. "+
				"To keep them, keep the space, or first move them to an app elsewhere: change their app_id and apply.", l.label, bullets(stores)))
	}
	return diag.NewErrorDiagnostic("The app owns a protected Key-Value Store", fmt.Sprintf(
		"%s is to be destroyed or replaced, and Heroku would destroy its stores and their data with it. These are protected:\n\n%s\n\n"+
			"To lose them on purpose, first apply deletion_protection = false to each and destroy it. "+
			"To keep them, keep the app, or first move them to another one: change their app_id and apply.", l.label, bullets(stores)))
}

// refuseLoss refuses to destroy a store that is protected, here or by another instance that manages it too.
func (r *instanceResource) refuseLoss(state instanceModel) diag.Diagnostics {
	if diags := state.refuseDestroy(); diags.HasError() {
		return diags
	}
	return r.protected.refuseDestroyOf(storeObject(state.addOnID()), state.label())
}
