// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/keyvalue"
)

// regionList is Heroku's list of regions, asked for once in a run. Everybody may read it.
type regionList struct {
	mu      sync.Mutex
	regions []heroku.Region
}

// of is empty when the list cannot be had: what is not there to be compared with is left to Heroku.
func (l *regionList) of(ctx context.Context, client *heroku.Client) []heroku.Region {
	if l == nil || client == nil {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.regions) == 0 {
		if regions, err := client.Regions(ctx); err == nil {
			l.regions = regions
		}
	}
	return l.regions
}

// regionUse is what is to be put into a region.
type regionUse struct {
	what    string // such as "an app of the Common Runtime"
	private bool   // only regions that can hold a space will do
	common  bool   // only the others will
}

func (u regionUse) fits(region heroku.Region) bool {
	return !(u.private && !region.PrivateCapable) && !(u.common && region.PrivateCapable)
}

// checkRegion refuses a region that does not exist, or that cannot take what is to be put there, and names those that can.
func (c *connection) checkRegion(ctx context.Context, region regionName, use regionUse) diag.Diagnostics {
	if region.IsNull() || region.IsUnknown() {
		return nil
	}
	name, all := region.normalized(), c.regionList.of(ctx, c.client)
	if keyvalue.IsUUID(name) {
		err := fmt.Errorf("%q is an id: give the name of the region, as data.kvs_regions lists it", name)
		if i := slices.IndexFunc(all, func(r heroku.Region) bool { return r.ID == name }); i >= 0 {
			err = fmt.Errorf("%q is the id of a region: give its name, %q", name, all[i].Name)
		}
		return diag.Diagnostics{invalidValue(path.Root("region"), err)}
	}
	var fitting []string
	for _, r := range all {
		if use.fits(r) {
			fitting = append(fitting, r.Name)
		}
	}
	if len(fitting) == 0 || slices.Contains(fitting, name) {
		return nil
	}
	slices.Sort(fitting)
	return diag.Diagnostics{diag.NewAttributeErrorDiagnostic(path.Root("region"), "The region cannot be used here", fmt.Sprintf(
		"Heroku has no region %q for %s. There are: %s.", region.ValueString(), use.what, strings.Join(fitting, ", ")))}
}
