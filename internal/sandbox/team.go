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
	OwnerID              string // of the pseudo user <team>@herokumanager.com that owns the team's apps
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

// role of a user in the team; "" = not a member.
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

// team finds a team that the caller is a member of.
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

type teamBody struct {
	ID                    string  `json:"id"`
	CreatedAt             string  `json:"created_at"`
	CreditCardCollections bool    `json:"credit_card_collections"`
	Default               bool    `json:"default"`
	EnterpriseAccount     *idName `json:"enterprise_account"`
	IdentityProvider      *idName `json:"identity_provider"`
	MembershipLimit       *int    `json:"membership_limit"`
	Name                  string  `json:"name"`
	ProvisionedLicenses   bool    `json:"provisioned_licenses"`
	Role                  *string `json:"role"`
	Type                  string  `json:"type"`
	UpdatedAt             string  `json:"updated_at"`
}

func (b teamBody) key(field string) string {
	if field == "name" {
		return b.Name
	}
	return b.ID
}

func (c *call) teamBody(t *team) teamBody {
	b := teamBody{
		ID:        t.ID,
		CreatedAt: stamp(t.CreatedAt),
		Default:   t.Default,
		Name:      t.Name,
		Type:      "team",
		UpdatedAt: stamp(t.UpdatedAt),
	}
	if !t.Standalone {
		b.EnterpriseAccount, b.ProvisionedLicenses, b.Type = &idName{c.w.Enterprise.ID, c.w.Enterprise.Name}, true, "enterprise"
	}
	if role := t.role(c.user.ID); role != "" {
		b.Role = &role
	}
	return b
}

func listTeams(c *call) (int, any, error) {
	var bodies []teamBody
	for _, t := range c.w.Teams {
		if t.role(c.user.ID) != "" {
			bodies = append(bodies, c.teamBody(t))
		}
	}
	return http.StatusOK, list(bodies, "id", "name"), nil
}

func listEnterpriseTeams(c *call) (int, any, error) {
	if ref := c.PathValue("enterprise"); ref != c.w.Enterprise.ID && ref != c.w.Enterprise.Name {
		return 0, nil, notFound("enterprise_account", "enterprise account")
	}
	var bodies []teamBody
	for _, t := range c.w.Teams {
		if !t.Standalone && t.role(c.user.ID) != "" {
			bodies = append(bodies, c.teamBody(t))
		}
	}
	return http.StatusOK, list(bodies, "id", "name"), nil
}

// createTeam creates a team without an enterprise account, which cannot have spaces. Its creator is its admin.
func createTeam(c *call) (int, any, error) {
	var in struct {
		Name string `json:"name"`
	}
	if err := c.params(&in); err != nil {
		return 0, nil, err
	}
	switch {
	case !spaceNamePattern.MatchString(in.Name):
		return 0, nil, invalid("Name can only contain lowercase letters, digits, and single dashes.")
	case find(c.w.Teams, in.Name, (*team).name) != nil:
		return 0, nil, invalid("Name %s is already taken", in.Name)
	}
	t := &team{ID: c.w.uuid(), Name: in.Name, OwnerID: c.w.uuid(), Standalone: true, CreatedAt: c.now, UpdatedAt: c.now}
	t.Members = []member{{ID: c.w.uuid(), User: c.user.ID, Role: roleAdmin, CreatedAt: c.now, UpdatedAt: c.now}}
	c.w.Teams[t.ID] = t
	return http.StatusCreated, c.teamBody(t), nil
}

func getTeam(c *call) (int, any, error) {
	t, err := c.team(c.PathValue("team"))
	if err != nil {
		return 0, nil, err
	}
	return http.StatusOK, c.teamBody(t), nil
}

type memberBody struct {
	CreatedAt               string  `json:"created_at"`
	Email                   string  `json:"email"`
	Federated               bool    `json:"federated"`
	ID                      string  `json:"id"`
	IdentityProvider        *idName `json:"identity_provider"`
	Role                    string  `json:"role"`
	TwoFactorAuthentication bool    `json:"two_factor_authentication"`
	UpdatedAt               string  `json:"updated_at"`
	User                    struct {
		Email string `json:"email"`
		ID    string `json:"id"`
		Name  string `json:"name"`
	} `json:"user"`
}

func (b memberBody) key(field string) string {
	if field == "email" {
		return b.Email
	}
	return b.ID
}

func (w *world) memberBody(m member) memberBody {
	u := w.Users[m.User]
	b := memberBody{CreatedAt: stamp(m.CreatedAt), Email: u.Email, ID: m.ID, Role: m.Role, UpdatedAt: stamp(m.UpdatedAt)}
	b.User.Email, b.User.ID, b.User.Name = u.Email, u.ID, u.Name
	return b
}

func listTeamMembers(c *call) (int, any, error) {
	t, err := c.team(c.PathValue("team"))
	if err != nil {
		return 0, nil, err
	}
	var bodies []memberBody
	for _, m := range t.Members {
		bodies = append(bodies, c.w.memberBody(m))
	}
	return http.StatusOK, list(bodies, "email", "id"), nil
}

// teamToManage is for admins only.
func (c *call) teamToManage() (*team, error) {
	t, err := c.team(c.PathValue("team"))
	if err == nil && t.role(c.user.ID) != roleAdmin {
		err = forbidden("You must be an admin of the team %s.", t.Name)
	}
	return t, err
}

// setTeamMember serves PUT, POST (new members only) and PATCH (present members only).
func setTeamMember(c *call) (int, any, error) {
	t, err := c.teamToManage()
	if err != nil {
		return 0, nil, err
	}
	var in struct {
		Email     string `json:"email"`
		Role      string `json:"role"`
		Federated *bool  `json:"federated"`
	}
	if err := c.params(&in); err != nil {
		return 0, nil, err
	}
	if !slices.Contains([]string{roleAdmin, roleMember, roleViewer}, in.Role) {
		return 0, nil, invalid("Role %q is not one of admin, member, viewer.", in.Role)
	}
	if !strings.Contains(in.Email, "@") {
		return 0, nil, invalid("Email is invalid")
	}
	u := find(c.w.Users, in.Email, func(u *user) string { return u.Email })
	i := slices.IndexFunc(t.Members, func(m member) bool { return u != nil && m.User == u.ID })
	switch {
	case i >= 0 && c.Method == http.MethodPost:
		return 0, nil, invalid("%s is already a member of the team %s.", in.Email, t.Name)
	case i < 0 && c.Method == http.MethodPatch:
		return 0, nil, notFound("member", "member")
	case i >= 0:
		t.Members[i].Role, t.Members[i].UpdatedAt = in.Role, c.now
		return http.StatusOK, c.w.memberBody(t.Members[i]), nil
	}
	if u == nil {
		u = &user{ID: c.w.uuid(), Email: in.Email, CreatedAt: c.now}
		c.w.Users[u.ID] = u
	}
	m := member{ID: c.w.uuid(), User: u.ID, Role: in.Role, CreatedAt: c.now, UpdatedAt: c.now}
	t.Members = append(t.Members, m)
	status := http.StatusOK
	if c.Method == http.MethodPost {
		status = http.StatusCreated
	}
	return status, c.w.memberBody(m), nil
}

func deleteTeamMember(c *call) (int, any, error) {
	t, err := c.teamToManage()
	if err != nil {
		return 0, nil, err
	}
	ref := c.PathValue("member")
	for i, m := range t.Members {
		if m.ID == ref || m.User == ref || c.w.Users[m.User].Email == ref {
			t.Members = slices.Delete(t.Members, i, i+1)
			return http.StatusOK, c.w.memberBody(m), nil
		}
	}
	return 0, nil, notFound("member", "member")
}
