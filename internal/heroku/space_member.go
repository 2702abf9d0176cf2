// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package heroku

import (
	"cmp"
	"context"
	"slices"
	"strings"
)

// Email is an e-mail address. Heroku ignores upper and lower case.
type Email string

// Folded returns the address in lower case, for comparisons.
func (e Email) Folded() Email { return Email(strings.ToLower(string(e))) }

// SpaceMember is a member of the team that owns a space, with the member's permissions in the space (Platform API reference, space
// app access). For users who are not members of the team, Heroku returns 404. Admins of the team may always create apps.
type SpaceMember struct {
	SpaceID     SpaceID
	SpaceName   string
	UserID      string
	Email       Email
	Permissions []string // sorted; Heroku has only "create_apps"
}

type wireSpaceMember struct {
	Space       ref    `json:"space"`
	Permissions *[]ref `json:"permissions"`
	User        struct {
		ID    text `json:"id"`
		Email text `json:"email"`
	} `json:"user"`
}

// value refuses a response without permissions: it would read as if the permissions had been revoked.
func (w wireSpaceMember) value() (SpaceMember, error) {
	if w.Permissions == nil || w.User.Email == "" {
		return SpaceMember{}, missing("permissions and e-mail address of a member")
	}
	m := SpaceMember{
		SpaceID: SpaceID(w.Space.ID), SpaceName: string(w.Space.Name), UserID: string(w.User.ID), Email: Email(w.User.Email),
	}
	for _, permission := range *w.Permissions {
		if permission.Name == "" {
			return SpaceMember{}, missing("name of a permission")
		}
		m.Permissions = append(m.Permissions, string(permission.Name))
	}
	slices.Sort(m.Permissions)
	return m, nil
}

func memberSpace(m SpaceMember) SpaceID { return m.SpaceID }
func memberEmail(m SpaceMember) Email   { return m.Email.Folded() }
func memberName(m SpaceMember) string   { return string(m.Email) }

// SpaceMembers lists the members of a space, sorted by their addresses.
func (c *Client) SpaceMembers(ctx context.Context, space SpaceID) ([]SpaceMember, error) {
	members, err := list(ctx, c, c.get("spaces", string(space), "members"), requireEachID(space, memberSpace, decodeMany[wireSpaceMember]),
		memberName)
	slices.SortFunc(members, func(a, b SpaceMember) int { return strings.Compare(string(a.Email), string(b.Email)) })
	return members, err
}

// SpaceMember returns one member of a space. Reads of several members of one space at once share one list request.
func (c *Client) SpaceMember(ctx context.Context, space SpaceID, email Email) (SpaceMember, error) {
	return c.members.of(space).Get(ctx, email.Folded())
}

func (c *Client) newMembers(space SpaceID) *batch[Email, SpaceMember] {
	all := func(ctx context.Context) (map[Email]SpaceMember, error) {
		return index(ctx, c, c.get("spaces", string(space), "members"),
			requireEachID(space, memberSpace, decodeMany[wireSpaceMember]), memberEmail)
	}
	return newBatch(c, func(ctx context.Context, email Email) (SpaceMember, error) {
		m, err := c.getSpaceMember(ctx, space, email, string(email))
		if IsNotFound(err) { // Heroku may know the member by another spelling of the address
			if listed, e := all(ctx); e == nil && listed[email].Email != "" {
				return listed[email], nil
			}
		}
		return m, err
	}, all)
}

func (c *Client) getSpaceMember(ctx context.Context, space SpaceID, email Email, reference string) (SpaceMember, error) {
	m, _, err := exchange(ctx, c, c.get("spaces", string(space), "members", reference), spaceMemberOf(space, email))
	return m, err
}

// spaceMemberOf decodes a member, and refuses another one than the requested.
func spaceMemberOf(space SpaceID, email Email) func([]byte) (SpaceMember, error) {
	is := rejectIf(func(m SpaceMember) bool { return m.Email.Folded() != email.Folded() }, decodeOne[wireSpaceMember])
	return requireID(space, memberSpace, is)
}

// SetSpaceMember sets the permissions of a member, which must have been read before; an empty list revokes all. It returns the
// member with the permissions that Heroku has set, which revokes none of an admin.
func (c *Client) SetSpaceMember(ctx context.Context, m SpaceMember, permissions []string) (SpaceMember, error) {
	type permission struct {
		Name string `json:"name"`
	}
	body := struct {
		Permissions []permission `json:"permissions"` // [] when there are none, never null
	}{make([]permission, 0, len(permissions))}
	for _, name := range permissions {
		body.Permissions = append(body.Permissions, permission{name})
	}
	reference := cmp.Or(m.UserID, string(m.Email))
	k := c.patch(body, "spaces", string(m.SpaceID), "members", reference)
	return updateObject(ctx, c, k, spaceMemberOf(m.SpaceID, m.Email),
		func(ctx context.Context) (SpaceMember, error) {
			return c.getSpaceMember(ctx, m.SpaceID, m.Email, reference)
		},
		func(now SpaceMember) bool {
			return slices.Equal(now.Permissions, slices.Sorted(slices.Values(permissions)))
		})
}
