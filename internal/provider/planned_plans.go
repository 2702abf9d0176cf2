// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"sync"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/keyvalue"
)

// plannedPlans remembers, while a plan is made, to which plans stores are to be changed: what depends on a store is
// planned after it, and is to be judged by what the store will be.
type plannedPlans struct {
	mu    sync.Mutex
	plans map[string]keyvalue.PlanName // by the store's id
}

func (p *plannedPlans) note(store instanceModel) {
	if p == nil || store.ID.IsUnknown() || store.Plan.IsUnknown() {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.plans == nil {
		p.plans = make(map[string]keyvalue.PlanName)
	}
	p.plans[store.ID.ValueString()] = store.spec().Plan
}

// of is the plan that a store is on, or is to be on.
func (p *plannedPlans) of(id string, now keyvalue.PlanName) keyvalue.PlanName {
	if p == nil {
		return now
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if planned, ok := p.plans[id]; ok {
		return planned
	}
	return now
}
