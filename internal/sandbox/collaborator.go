// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package sandbox

import (
	"slices"
	"time"
)

// collaborator is a user who works on an app without owning it.
type collaborator struct {
	ID, User             string
	Permissions          []string // only on an app of a team; on a personal app collaborators have all of them
	CreatedAt, UpdatedAt time.Time
}

// appPermissions maps permissions on an app of a team to their descriptions (Dev Center: App Permissions in Heroku Teams).
var appPermissions = map[string]string{
	"view":    "Can view the app.",
	"deploy":  "Can deploy and restart the app.",
	"operate": "Can manage config, add-ons and dynos of the app.",
	"manage":  "Can manage the app and its collaborators.",
}

func (a *app) collaborator(userID string) *collaborator {
	i := slices.IndexFunc(a.Collaborators, func(one collaborator) bool { return one.User == userID })
	if i < 0 {
		return nil
	}
	return &a.Collaborators[i]
}

// mayOperate reports whether a collaborator may change the app.
func (a *app) mayOperate(userID string) bool {
	one := a.collaborator(userID)
	return one != nil && (a.Team == "" || slices.Contains(one.Permissions, "operate") || slices.Contains(one.Permissions, "manage"))
}

func permissionBodies(names []string) []object {
	bodies := []object{}
	for _, name := range names {
		bodies = append(bodies, object{"name": name, "description": appPermissions[name]})
	}
	return bodies
}

func (c *call) collaboratorBody(a *app, one collaborator) object {
	u := c.w.Users[one.User]
	return object{
		"id": one.ID, "app": a.idName(), "role": "collaborator", "user": object{"id": u.ID, "email": u.Email, "federated": false},
		"permissions": permissionBodies(one.Permissions), "created_at": stamp(one.CreatedAt), "updated_at": stamp(one.UpdatedAt),
	}
}

// ownerBody is the representation of the owner, who is listed as a collaborator and cannot be removed.
func (c *call) ownerBody(a *app) object {
	owner := c.w.ownerOf(a)
	owner["federated"] = false
	return object{
		"id": catalogueID("collaborator " + a.ID), "app": a.idName(), "role": "owner", "user": owner,
		"permissions": permissionBodies(allPermissions), "created_at": stamp(a.CreatedAt), "updated_at": stamp(a.CreatedAt),
	}
}

var allPermissions = []string{"deploy", "manage", "operate", "view"}

func listPermissions(*call) (any, error) { return permissionBodies(allPermissions), nil }

func listCollaborators(c *call, a *app) (any, error) {
	l := listAll(a.Collaborators, func(one collaborator) object { return c.collaboratorBody(a, one) }, "id")
	l.items = append(l.items, c.ownerBody(a))
	return l, nil
}

// pathCollaborator finds the collaborator in the path by e-mail address, user id or collaborator id.
func (c *call) pathCollaborator(a *app) (*collaborator, error) {
	ref := c.PathValue("collaborator")
	for i, one := range a.Collaborators {
		if ref == one.ID || ref == one.User || ref == c.w.Users[one.User].Email {
			return &a.Collaborators[i], nil
		}
	}
	return nil, notFound("collaborator", "collaborator")
}

func getCollaborator(c *call, a *app) (any, error) {
	if owner := c.w.ownerOf(a); owner.is(c.PathValue("collaborator")) || owner["email"] == c.PathValue("collaborator") {
		return c.ownerBody(a), nil
	}
	one, err := c.pathCollaborator(a)
	if err != nil {
		return nil, err
	}
	return c.collaboratorBody(a, *one), nil
}

type collaboratorParams struct {
	User        reference `json:"user"`
	Permissions []string  `json:"permissions"`
	Silent      bool      `json:"silent"`
}

func createCollaborator(c *call, a *app, in collaboratorParams) (any, error) {
	u := find(c.w.Users, string(in.User), func(u *user) string { return u.Email })
	switch {
	case u == nil:
		return nil, notFound("user", "user")
	case u.ID == a.Owner && a.Team == "" || a.collaborator(u.ID) != nil:
		return nil, invalid("User is already a collaborator on app %s", a.Name)
	}
	permissions, err := checkPermissions(in.Permissions)
	if err != nil {
		return nil, err
	}
	one := collaborator{ID: c.w.uuid(), User: u.ID, Permissions: permissions, CreatedAt: c.now, UpdatedAt: c.now}
	a.Collaborators = append(a.Collaborators, one)
	return c.collaboratorBody(a, one), nil
}

// checkPermissions returns the permissions sorted and with "view", which is always included. It refuses unknown permissions.
func checkPermissions(names []string) ([]string, error) {
	names = append([]string{"view"}, names...)
	for _, name := range names {
		if appPermissions[name] == "" {
			return nil, invalid("Permission %q is not one of deploy, manage, operate, view.", name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names), nil
}

func updateCollaborator(c *call, a *app, in struct {
	Permissions []string `json:"permissions"`
}) (any, error) {
	one, err := c.pathCollaborator(a)
	if err != nil {
		return nil, err
	}
	if one.Permissions, err = checkPermissions(in.Permissions); err != nil {
		return nil, err
	}
	one.UpdatedAt = c.now
	return c.collaboratorBody(a, *one), nil
}

func deleteCollaborator(c *call, a *app) (any, error) {
	one, err := c.pathCollaborator(a)
	if err != nil {
		return nil, err
	}
	body := c.collaboratorBody(a, *one)
	a.Collaborators = slices.DeleteFunc(a.Collaborators, func(other collaborator) bool { return other.ID == one.ID })
	return body, nil
}
