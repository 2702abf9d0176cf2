// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/hashicorp/terraform-plugin-framework/diag"
)

// protectedStores finds, at plan time, apps that are to be destroyed while they own a protected store: Heroku would
// destroy it with them. Terraform plans an app before the stores that refer to it, or after, or at the same time, so each
// side leaves a note and whoever comes second sees the other's.
type protectedStores struct {
	mu     sync.Mutex
	stores map[string]map[string]string // by app and store: the store in words
	doomed map[string]string            // by app: the app in words

	// One store or space may be managed by two instances, of which only one protects it.
	guarded map[object]string // by what is protected: the same in words
	ending  map[object]string // by what an instance plans to destroy: the same in words
}

func storeObject(id string) object { return object{"kvs_instance", id} }

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
	p.guarded[storeObject(store.ID.ValueString())] = store.label()
}

// refuseLoss is asked by an app that is planned to be destroyed or replaced.
func (p *protectedStores) refuseLoss(app appModel) diag.Diagnostics {
	if p == nil {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.doomed == nil {
		p.doomed = make(map[string]string)
	}
	p.doomed[app.ID.ValueString()] = app.String()
	if owned := slices.Sorted(maps.Values(p.stores[app.ID.ValueString()])); len(owned) > 0 {
		return diag.Diagnostics{lossOf(app.String(), owned)}
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
	if app, doomed := p.doomed[store.AppID.ValueString()]; doomed {
		return diag.Diagnostics{lossOf(app, []string{store.label()})}
	}
	return nil
}

func lossOf(app string, stores []string) diag.Diagnostic {
	return diag.NewErrorDiagnostic("The app owns a protected Key-Value Store", fmt.Sprintf(
		"%s is to be destroyed or replaced, and Heroku would destroy its stores and their data with it. These are protected:\n\n%s\n\n"+
			"To lose them on purpose, first apply deletion_protection = false to each and destroy it. "+
			"To keep them, keep the app, or first move them to another one: change their app_id and apply.", app, bullets(stores)))
}

// refuseLoss refuses to destroy a store that is protected, here or by another instance that manages it too.
func (r *instanceResource) refuseLoss(state instanceModel) diag.Diagnostics {
	if diags := state.refuseDestroy(); diags.HasError() {
		return diags
	}
	return r.protected.refuseDestroyOf(storeObject(state.ID.ValueString()), state.label())
}

// refuseLoss refuses to destroy a space that is protected, here or by another instance that manages it too.
func (r *privateSpaceResource) refuseLoss(state privateSpaceModel) diag.Diagnostics {
	if diags := state.refuseDestroy(); diags.HasError() {
		return diags
	}
	return r.protected.refuseDestroyOf(object{"kvs_private_space", state.ID.ValueString()}, state.String())
}
