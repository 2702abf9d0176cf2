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
