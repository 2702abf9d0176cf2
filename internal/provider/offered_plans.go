// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/keyvalue"
)

// offeredPlans are the plans that Heroku offers to this account, read once in a run.
type offeredPlans struct {
	mu    sync.Mutex
	plans []heroku.Plan
}

// of reads them, again after an error.
func (o *offeredPlans) of(ctx context.Context, client *heroku.Client) ([]heroku.Plan, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.plans != nil {
		return o.plans, nil
	}
	plans, err := client.Plans(ctx)
	if err == nil {
		o.plans = plans
	}
	return plans, err
}

// refuseUnknownPlan refuses a plan that is neither in the published catalogue nor in the list of what Heroku offers. Where
// that list cannot be read, Heroku decides.
func (r *instanceResource) refuseUnknownPlan(ctx context.Context, m instanceModel) diag.Diagnostics {
	name := m.spec().Plan
	if _, published := keyvalue.LookupPlan(name); published || name == "" || m.Plan.IsUnknown() || r.client == nil {
		return nil
	}
	offered, err := r.offered.of(ctx, r.client)
	if err != nil || len(offered) == 0 || slices.ContainsFunc(offered, func(plan heroku.Plan) bool { return keyvalue.ShortPlanName(plan.Name) == string(name) }) {
		return nil
	}
	names := make([]keyvalue.PlanName, len(offered))
	for i, plan := range offered {
		names[i] = keyvalue.PlanName(keyvalue.ShortPlanName(plan.Name))
	}
	rank := func(name keyvalue.PlanName) int { return planModel{Name: types.StringValue(string(name))}.rank() }
	slices.SortFunc(names, func(a, b keyvalue.PlanName) int { return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(a, b)) })
	return diag.Diagnostics{diag.NewAttributeErrorDiagnostic(path.Root("plan"), "Heroku does not offer this plan", fmt.Sprintf(
		"There is no plan %q of Key-Value Store for this account. %s", name, listOf("Plans that Heroku offers", names)))}
}
