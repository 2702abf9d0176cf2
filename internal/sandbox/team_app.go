// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package sandbox

import "net/http"

// teamAppBody is what the /teams endpoints answer.
type teamAppBody struct {
	appCore
	Joined bool `json:"joined"`
	Locked bool `json:"locked"`
}

func (c *call) teamAppBody(a *app) teamAppBody {
	return teamAppBody{appCore: c.w.appCore(a), Joined: a.Owner == c.user.ID, Locked: a.Locked}
}

func listTeamApps(c *call) (int, any, error) {
	t, err := c.team(c.PathValue("team"))
	if err != nil {
		return 0, nil, err
	}
	var bodies []teamAppBody
	for _, a := range c.w.Apps {
		if a.Team == t.ID {
			bodies = append(bodies, c.teamAppBody(a))
		}
	}
	return http.StatusOK, list(bodies, "id", "name", "updated_at"), nil
}

func getTeamApp(c *call) (int, any, error) {
	a, err := c.app(c.PathValue("app"))
	if err != nil {
		return 0, nil, err
	}
	if a.Team == "" {
		return 0, nil, notFound("app", "app")
	}
	return http.StatusOK, c.teamAppBody(a), nil
}

func createTeamApp(c *call) (int, any, error) {
	var in struct {
		Name            string    `json:"name"`
		Team            reference `json:"team"`
		Space           reference `json:"space"`
		Region          reference `json:"region"`
		Stack           reference `json:"stack"`
		Locked          bool      `json:"locked"`
		Personal        bool      `json:"personal"`
		InternalRouting *bool     `json:"internal_routing"`
	}
	if err := c.params(&in); err != nil {
		return 0, nil, err
	}
	if in.Space != "" {
		a, err := c.newAppInSpace(in.Name, string(in.Space), string(in.Team), string(in.Region))
		if err != nil {
			return 0, nil, err
		}
		internal := in.InternalRouting != nil && *in.InternalRouting
		a.Locked, a.InternalRouting = in.Locked, &internal
		return http.StatusCreated, c.teamAppBody(a), nil
	}
	if in.InternalRouting != nil && *in.InternalRouting {
		return 0, nil, invalid("Internal routing is for apps in Private Spaces only.")
	}
	r, err := commonRegion(string(in.Region))
	if err != nil {
		return 0, nil, err
	}
	var t *team
	switch {
	case in.Team != "":
		if t, err = c.team(string(in.Team)); err != nil {
			return 0, nil, err
		}
	case !in.Personal:
		t = c.w.defaultTeam(c.user)
	}
	a, err := c.newApp(in.Name, r, t, nil)
	if err != nil {
		return 0, nil, err
	}
	a.Locked = in.Locked
	return http.StatusCreated, c.teamAppBody(a), nil
}

func updateTeamApp(c *call) (int, any, error) {
	a, err := c.appToChange(c.PathValue("app"))
	if err != nil {
		return 0, nil, err
	}
	var in struct {
		Locked *bool     `json:"locked"`
		Owner  reference `json:"owner"`
	}
	if err := c.params(&in); err != nil {
		return 0, nil, err
	}
	if in.Owner != "" {
		if err := c.transfer(a, string(in.Owner)); err != nil {
			return 0, nil, err
		}
	}
	if in.Locked != nil {
		a.Locked = *in.Locked
	}
	a.touch(c.now)
	return http.StatusOK, c.teamAppBody(a), nil
}

// transfer gives an app to a team, or to a user by e-mail or id.
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
