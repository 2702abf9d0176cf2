// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package sandbox

// teamAppBody is the representation of an app in the /teams endpoints.
func teamAppBody(c *call, a *app) object {
	b := c.w.appCore(a)
	b["joined"], b["locked"] = a.Owner == c.user.ID, a.Locked
	return b
}

func listTeamApps(c *call, t *team) (any, error) {
	return listWhere(c, c.w.Apps, func(a *app) bool { return a.Team == t.ID }, teamAppBody, "id", "name", "updated_at"), nil
}

func pathTeamApp(c *call) (*app, error) {
	a, err := pathApp(c)
	if err == nil && a.Team == "" {
		err = notFound("app", "app")
	}
	return a, err
}

func teamAppToChange(c *call) (*app, error) {
	a, err := pathTeamApp(c)
	if err == nil && !c.w.mayChange(c.user, a) {
		err = forbidden("You do not have the required access to the app %s", a.Name)
	}
	return a, err
}

func createTeamApp(c *call, in struct {
	Name            string    `json:"name"`
	Team            reference `json:"team"`
	Space           reference `json:"space"`
	Region          reference `json:"region"`
	Stack           reference `json:"stack"`
	Locked          bool      `json:"locked"`
	Personal        bool      `json:"personal"`
	InternalRouting *bool     `json:"internal_routing"`
}) (any, error) {
	if in.Space != "" {
		a, err := c.newAppInSpace(in.Name, string(in.Stack), string(in.Space), string(in.Team), string(in.Region))
		if err != nil {
			return nil, err
		}
		internal := in.InternalRouting != nil && *in.InternalRouting
		a.Locked, a.InternalRouting = in.Locked, &internal
		return teamAppBody(c, a), nil
	}
	if in.InternalRouting != nil && *in.InternalRouting {
		return nil, invalid("Internal routing is for apps in Private Spaces only.")
	}
	r, err := commonRegion(string(in.Region))
	if err != nil {
		return nil, err
	}
	var t *team
	switch {
	case in.Team != "":
		if t, err = c.team(string(in.Team)); err != nil {
			return nil, err
		}
	case !in.Personal:
		t = c.w.defaultTeam(c.user)
	}
	a, err := c.newApp(in.Name, string(in.Stack), r, t, nil)
	if err != nil {
		return nil, err
	}
	a.Locked = in.Locked
	return teamAppBody(c, a), nil
}

func updateTeamApp(c *call, a *app, in struct {
	Locked *bool     `json:"locked"`
	Owner  reference `json:"owner"`
}) (any, error) {
	if in.Owner != "" {
		if err := c.transfer(a, string(in.Owner)); err != nil {
			return nil, err
		}
	}
	if in.Locked != nil {
		a.Locked = *in.Locked
	}
	a.touch(c.now)
	return teamAppBody(c, a), nil
}

// transfer transfers an app to a team, by name or id, or to a user, by e-mail address or id.
func (c *call) transfer(a *app, owner string) error {
	t := find(c.w.Teams, owner, (*team).name)
	if sp := c.w.Spaces[a.Space]; sp != nil && (t == nil || t.ID != a.Team) {
		return invalid("App %s belongs to the team of the space %s, and moves only with it.", a.Name, sp.Name)
	}
	if t != nil {
		if t.role(c.user.ID) == "" {
			return forbidden("You do not have access to the team %s.", t.Name)
		}
		a.Team = t.ID
		return nil
	}
	u := find(c.w.Users, owner, func(u *user) string { return u.Email })
	if u == nil {
		return notFound("team", "team")
	}
	a.Team, a.Owner = "", u.ID
	return nil
}
