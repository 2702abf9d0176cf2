// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package heroku

import "context"

// RoleAdmin is the role of members who have all permissions in the spaces of the team.
const RoleAdmin = "admin"

// TeamMember is a member of a team (Platform API reference, teams).
type TeamMember struct {
	Email Email
	Role  string // "admin", "member" or "viewer"
}

type wireTeamMember struct {
	Email text `json:"email"`
	Role  text `json:"role"`
}

func (w wireTeamMember) value() (TeamMember, error) {
	if w.Email == "" || w.Role == "" {
		return TeamMember{}, missing("e-mail address and role of a member")
	}
	return TeamMember{Email: Email(w.Email), Role: string(w.Role)}, nil
}

// TeamRoles returns the roles of the members of a team, by their addresses in lower case. Heroku cannot read a single member.
func (c *Client) TeamRoles(ctx context.Context, team string) (map[Email]string, error) {
	members, err := index(ctx, c, c.get("teams", team, "members"), decodeMany[wireTeamMember],
		func(m TeamMember) Email { return m.Email.Folded() })
	if err != nil {
		return nil, err
	}
	roles := make(map[Email]string, len(members))
	for email, m := range members {
		roles[email] = m.Role
	}
	return roles, nil
}
