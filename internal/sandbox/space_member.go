// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package sandbox

import (
	"net/http"
	"slices"
)

const createApps = "create_apps" // the only permission there is

type permission struct {
	Description string `json:"description"`
	Name        string `json:"name"`
}

type spaceMemberBody struct {
	CreatedAt   string       `json:"created_at"`
	ID          string       `json:"id"`
	Permissions []permission `json:"permissions"`
	Space       idName       `json:"space"`
	UpdatedAt   string       `json:"updated_at"`
	User        ownerBody    `json:"user"`
}

func (b spaceMemberBody) key(string) string { return b.ID }

// mayCreateApps: admins always may, other members of the team by permission.
func (w *world) mayCreateApps(u *user, sp *space) bool {
	role := w.Teams[sp.Team].role(u.ID)
	return role == roleAdmin || role != "" && slices.Contains(sp.CreateApps, u.ID)
}

func (w *world) spaceMemberBody(sp *space, m member) spaceMemberBody {
	u := w.Users[m.User]
	b := spaceMemberBody{
		CreatedAt:   stamp(sp.CreatedAt),
		ID:          catalogueID("space member " + sp.ID + u.ID),
		Permissions: []permission{},
		Space:       sp.idName(),
		UpdatedAt:   stamp(sp.UpdatedAt),
		User:        ownerBody{Email: u.Email, ID: u.ID},
	}
	if w.mayCreateApps(u, sp) {
		b.Permissions = append(b.Permissions, permission{"Create apps in the space", createApps})
	}
	return b
}

func listSpaceMembers(c *call) (int, any, error) {
	sp, err := c.space(c.PathValue("space"))
	if err != nil {
		return 0, nil, err
	}
	var bodies []spaceMemberBody
	for _, m := range c.w.Teams[sp.Team].Members {
		bodies = append(bodies, c.w.spaceMemberBody(sp, m))
	}
	return http.StatusOK, list(bodies, "id"), nil
}

// spaceMember finds the path's member of the space's team, by e-mail or user id.
func (c *call) spaceMember(sp *space) (member, error) {
	ref := c.PathValue("member")
	for _, m := range c.w.Teams[sp.Team].Members {
		if m.User == ref || c.w.Users[m.User].Email == ref {
			return m, nil
		}
	}
	return member{}, notFound("member", "member")
}

func getSpaceMember(c *call) (int, any, error) {
	sp, err := c.space(c.PathValue("space"))
	if err != nil {
		return 0, nil, err
	}
	m, err := c.spaceMember(sp)
	if err != nil {
		return 0, nil, err
	}
	return http.StatusOK, c.w.spaceMemberBody(sp, m), nil
}

func updateSpaceMember(c *call) (int, any, error) {
	sp, err := c.spaceToChange()
	if err != nil {
		return 0, nil, err
	}
	m, err := c.spaceMember(sp)
	if err != nil {
		return 0, nil, err
	}
	var in struct {
		Permissions *[]struct {
			Name string `json:"name"`
		} `json:"permissions"`
	}
	if err := c.params(&in); err != nil {
		return 0, nil, err
	}
	if in.Permissions == nil {
		return 0, nil, invalid("Permissions is required.")
	}
	for _, p := range *in.Permissions {
		if p.Name != createApps {
			return 0, nil, invalid("Permission %q is not one of %s.", p.Name, createApps)
		}
	}
	sp.CreateApps = slices.DeleteFunc(sp.CreateApps, func(id string) bool { return id == m.User })
	if len(*in.Permissions) > 0 {
		sp.CreateApps = append(sp.CreateApps, m.User)
	}
	sp.UpdatedAt = c.now
	return http.StatusOK, c.w.spaceMemberBody(sp, m), nil
}
