// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package sandbox

import (
	"net/http"
	"slices"
	"strings"
	"time"
)

type enterprise struct{ ID, Name string }

type team struct {
	ID, Name             string
	OwnerID              string // id of the pseudo user <team>@herokumanager.com, who owns the team's apps
	Default              bool
	Standalone           bool // belongs to no enterprise account
	CreatedAt, UpdatedAt time.Time
	Members              []member
}

type member struct {
	ID, User, Role       string
	CreatedAt, UpdatedAt time.Time
}

const (
	roleAdmin  = "admin"
	roleMember = "member"
	roleViewer = "viewer"
)

func (t *team) name() string { return t.Name }

// role returns the role of a user in the team; "" = not a member.
func (t *team) role(userID string) string {
	for _, m := range t.Members {
		if m.User == userID {
			return m.Role
		}
	}
	return ""
}

func (w *world) defaultTeam(u *user) *team {
	var found *team
	for _, t := range sorted(w.Teams) {
		if t.role(u.ID) != "" && (found == nil || t.Default) {
			found = t
		}
	}
	return found
}

// team finds a team by id or name. The caller must be a member of it.
func (c *call) team(ref string) (*team, error) {
	t := find(c.w.Teams, ref, (*team).name)
	if t == nil {
		return nil, notFound("team", "team")
	}
	if t.role(c.user.ID) == "" {
		return nil, forbidden("You do not have access to the team %s.", t.Name)
	}
	return t, nil
}

func pathTeam(c *call) (*team, error) { return c.team(c.PathValue("team")) }

func teamBody(c *call, t *team) object {
	b := object{
		"id": t.ID, "name": t.Name, "default": t.Default, "role": orNull(t.role(c.user.ID)), "type": "team",
		"enterprise_account": nil, "provisioned_licenses": false, "credit_card_collections": false, "identity_provider": nil,
		"membership_limit": nil, "created_at": stamp(t.CreatedAt), "updated_at": stamp(t.UpdatedAt),
	}
	if !t.Standalone {
		b["enterprise_account"] = idName{c.w.Enterprise.ID, c.w.Enterprise.Name}
		b["type"], b["provisioned_licenses"] = "enterprise", true
	}
	return b
}

func listTeams(c *call) (any, error) {
	return listWhere(c, c.w.Teams, func(t *team) bool { return t.role(c.user.ID) != "" }, teamBody, "id", "name"), nil
}

func listEnterpriseTeams(c *call) (any, error) {
	if ref := c.PathValue("enterprise"); ref != c.w.Enterprise.ID && ref != c.w.Enterprise.Name {
		return nil, notFound("enterprise_account", "enterprise account")
	}
	is := func(t *team) bool { return !t.Standalone && t.role(c.user.ID) != "" }
	return listWhere(c, c.w.Teams, is, teamBody, "id", "name"), nil
}

// createTeam creates a team that belongs to no enterprise account and therefore cannot have spaces. The caller becomes its admin.
func createTeam(c *call, in struct {
	Name string `json:"name"`
}) (any, error) {
	switch {
	case !spaceNamePattern.MatchString(in.Name):
		return nil, invalid("Name can only contain lowercase letters, digits, and single dashes.")
	case find(c.w.Teams, in.Name, (*team).name) != nil:
		return nil, invalid("Name %s is already taken", in.Name)
	}
	t := &team{ID: c.w.uuid(), Name: in.Name, OwnerID: c.w.uuid(), Standalone: true, CreatedAt: c.now, UpdatedAt: c.now}
	t.Members = []member{{ID: c.w.uuid(), User: c.user.ID, Role: roleAdmin, CreatedAt: c.now, UpdatedAt: c.now}}
	c.w.Teams[t.ID] = t
	return teamBody(c, t), nil
}

func (w *world) memberBody(m member) object {
	u := w.Users[m.User]
	return object{
		"id": m.ID, "email": u.Email, "role": m.Role, "user": object{"id": u.ID, "email": u.Email, "name": u.Name},
		"federated": false, "identity_provider": nil, "two_factor_authentication": false,
		"created_at": stamp(m.CreatedAt), "updated_at": stamp(m.UpdatedAt),
	}
}

// listTeamFeatures lists one feature of teams of an enterprise account: permissions for each collaborator of an app.
func listTeamFeatures(_ *call, t *team) (any, error) {
	l := listing{fields: []string{"id", "name"}}
	if !t.Standalone {
		l.items = []object{featureBody("org-access-controls", "Control the access to each app of the team.", t.CreatedAt)}
	}
	return l, nil
}

func listTeamMembers(c *call, t *team) (any, error) {
	return listAll(t.Members, c.w.memberBody, "email", "id"), nil
}

// teamToManage finds the team in the path. The caller must be its admin.
func teamToManage(c *call) (*team, error) {
	t, err := pathTeam(c)
	if err == nil && t.role(c.user.ID) != roleAdmin {
		err = forbidden("You must be an admin of the team %s.", t.Name)
	}
	return t, err
}

// setTeamMember serves PUT, POST (new members only) and PATCH (existing members only).
func setTeamMember(c *call, t *team, in struct {
	Email     string `json:"email"`
	Role      string `json:"role"`
	Federated *bool  `json:"federated"`
}) (any, error) {
	if !slices.Contains([]string{roleAdmin, roleMember, roleViewer}, in.Role) {
		return nil, invalid("Role %q is not one of admin, member, viewer.", in.Role)
	}
	if !strings.Contains(in.Email, "@") {
		return nil, invalid("Email is invalid")
	}
	u := find(c.w.Users, in.Email, func(u *user) string { return u.Email })
	i := slices.IndexFunc(t.Members, func(m member) bool { return u != nil && m.User == u.ID })
	switch {
	case i >= 0 && c.Method == http.MethodPost:
		return nil, invalid("%s is already a member of the team %s.", in.Email, t.Name)
	case i < 0 && c.Method == http.MethodPatch:
		return nil, notFound("member", "member")
	case i >= 0:
		t.Members[i].Role, t.Members[i].UpdatedAt = in.Role, c.now
		return c.w.memberBody(t.Members[i]), nil
	}
	if u == nil {
		u = &user{ID: c.w.uuid(), Email: in.Email, CreatedAt: c.now}
		c.w.Users[u.ID] = u
	}
	m := member{ID: c.w.uuid(), User: u.ID, Role: in.Role, CreatedAt: c.now, UpdatedAt: c.now}
	t.Members = append(t.Members, m)
	return c.w.memberBody(m), nil
}

func deleteTeamMember(c *call, t *team) (any, error) {
	ref := c.PathValue("member")
	for i, m := range t.Members {
		if m.ID == ref || m.User == ref || c.w.Users[m.User].Email == ref {
			t.Members = slices.Delete(t.Members, i, i+1)
			for _, sp := range c.w.Spaces { // a member who rejoins does not get the permission back
				if sp.Team == t.ID {
					sp.CreateApps = slices.DeleteFunc(sp.CreateApps, func(id string) bool { return id == m.User })
				}
			}
			return c.w.memberBody(m), nil
		}
	}
	return nil, notFound("member", "member")
}
