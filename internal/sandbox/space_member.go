// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package sandbox

import "slices"

const createApps = "create_apps" // the only permission there is

// mayCreateApps reports whether a user may create apps in a space: admins always may, other members of the team with the permission.
func (w *world) mayCreateApps(u *user, sp *space) bool {
	role := w.Teams[sp.Team].role(u.ID)
	return role == roleAdmin || role != "" && slices.Contains(sp.CreateApps, u.ID)
}

func spaceMemberBody(w *world, sp *space, m member) object {
	u, permissions := w.Users[m.User], []object{}
	if w.mayCreateApps(u, sp) {
		permissions = append(permissions, object{"name": createApps, "description": "Create apps in the space"})
	}
	return object{
		"id": catalogueID("space member " + sp.ID + u.ID), "space": sp.idName(), "permissions": permissions,
		"user": object{"id": u.ID, "email": u.Email}, "created_at": stamp(sp.CreatedAt), "updated_at": stamp(sp.UpdatedAt),
	}
}

func listSpaceMembers(c *call, sp *space) (any, error) {
	body := func(m member) object { return spaceMemberBody(c.w, sp, m) }
	return listAll(c.w.Teams[sp.Team].Members, body, "id"), nil
}

// spaceMember finds the member in the path, by e-mail address or user id. All members of the space's team are members of the space.
func (c *call) spaceMember(sp *space) (member, error) {
	ref := c.PathValue("member")
	for _, m := range c.w.Teams[sp.Team].Members {
		if m.User == ref || c.w.Users[m.User].Email == ref {
			return m, nil
		}
	}
	return member{}, notFound("member", "member")
}

func getSpaceMember(c *call, sp *space) (any, error) {
	m, err := c.spaceMember(sp)
	if err != nil {
		return nil, err
	}
	return spaceMemberBody(c.w, sp, m), nil
}

func updateSpaceMember(c *call, sp *space, in struct {
	Permissions *[]struct {
		Name string `json:"name"`
	} `json:"permissions"`
}) (any, error) {
	m, err := c.spaceMember(sp)
	if err != nil {
		return nil, err
	}
	if in.Permissions == nil {
		return nil, invalid("Permissions is required.")
	}
	for _, p := range *in.Permissions {
		if p.Name != createApps {
			return nil, invalid("Permission %q is not one of %s.", p.Name, createApps)
		}
	}
	sp.CreateApps = slices.DeleteFunc(sp.CreateApps, func(id string) bool { return id == m.User })
	if len(*in.Permissions) > 0 {
		sp.CreateApps = append(sp.CreateApps, m.User)
	}
	sp.UpdatedAt = c.now
	return spaceMemberBody(c.w, sp, m), nil
}
