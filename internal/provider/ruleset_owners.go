// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
)

// rulesetOwners finds two resources of one configuration that own the ruleset of one space. A resource is not told its
// address, and is planned more than once, so that two are told apart by their ranges.
type rulesetOwners struct {
	mu     sync.Mutex
	ranges map[string][]string // by space
}

func (o *rulesetOwners) claim(space string, ranges []string) (other []string, conflict bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if other, claimed := o.ranges[space]; claimed && !slices.Equal(other, ranges) {
		return other, true
	}
	if o.ranges == nil {
		o.ranges = make(map[string][]string)
	}
	o.ranges[space] = ranges
	return nil, false
}

func (r *trustedRangesResource) onlyOwner(plan trustedRangesModel) diag.Diagnostics {
	var diags diag.Diagnostics
	if r.rulesets == nil {
		return diags
	}
	other, conflict := r.rulesets.claim(plan.SpaceID.ValueString(), plan.sources())
	if conflict {
		diags.AddAttributeError(path.Root("space_id"), "Two resources own the trusted IP ranges of one space", fmt.Sprintf(
			"Space %s: this kvs_trusted_ip_ranges lists %s; another one in this configuration lists %s. Each replaces the whole set, so they would undo each other at every apply. Put all ranges into one of them.",
			plan.SpaceID.ValueString(), listed(plan.sources()), listed(other)))
	}
	return diags
}

func listed(ranges []string) string { return firstOf(strings.Join(ranges, ", "), "no range") }
