// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package sandbox

import (
	"slices"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/keyvalue"
)

// runtime returns the runtime of an app, which is also the class of the plans that run there.
func (w *world) runtime(a *app) keyvalue.RuntimeClass {
	switch sp := w.Spaces[a.Space]; {
	case sp == nil:
		return keyvalue.ClassCommon
	case sp.Shield:
		return keyvalue.ClassShield
	}
	return keyvalue.ClassPrivate
}

func (w *world) appsIn(sp *space) []*app {
	return slices.DeleteFunc(sorted(w.Apps), func(a *app) bool { return a.Space != sp.ID })
}

// newAppInSpace creates an app that belongs to the space's team and runs in its region.
func (c *call) newAppInSpace(name, stackRef, spaceRef, teamRef, regionRef string) (*app, error) {
	sp, err := c.space(spaceRef)
	if err != nil {
		return nil, err
	}
	owner := c.w.Teams[sp.Team]
	if teamRef != "" {
		t, err := c.team(teamRef)
		if err != nil {
			return nil, err
		}
		if t != owner {
			return nil, invalid("Space %s belongs to the team %s, not to %s.", sp.Name, owner.Name, t.Name)
		}
	}
	r, _ := lookUpRegion(sp.Region)
	if other, ok := lookUpRegion(regionRef); regionRef != "" && (!ok || other != r) {
		return nil, invalid("Space %s is in region %s, not in %s.", sp.Name, r.name, regionRef)
	}
	switch {
	case !c.w.mayCreateApps(c.user, sp):
		return nil, forbidden("You do not have permission to create apps in the space %s.", sp.Name)
	case sp.State != stateAllocated:
		return nil, invalid("Space %s is %s. Apps can be created once it is allocated.", sp.Name, sp.State)
	case len(c.w.appsIn(sp)) >= keyvalue.SpaceAppsLimit:
		return nil, invalid("Space %s cannot have more than %d apps.", sp.Name, keyvalue.SpaceAppsLimit)
	}
	return c.newApp(name, stackRef, r, owner, sp)
}

// readyApp finds an app that the caller may change. A new app in a space is refused until Options.AppDelay has passed.
func (c *call) readyApp(ref string) (*app, error) {
	a, err := c.appToChange(ref)
	if err == nil && a.Space != "" && c.now.Before(a.CreatedAt.Add(c.s.options.AppDelay)) {
		return nil, invalid("App %s is being provisioned. Please try again later.", a.Name)
	}
	return a, err
}
