// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"iter"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/list"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/keyvalue"
)

// Lists of objects that Heroku lists by space or by app only: each takes one request for every space or app.

func listSpaceAppAccess() list.ListResource {
	return &lister[spaceAppAccessModel]{
		construct: newSpaceAppAccessResource, filters: rangeFilters,
		description: "Lists the team members who may create apps in the Private and Shield Spaces that the API token can see, without being " +
			"an admin of the team. It requires one request for each space and one for each team.",
		find: func(ctx context.Context, q query) iter.Seq2[listing[spaceAppAccessModel], error] {
			return results(q.spaceMembers(ctx, q.Selection), func(member heroku.SpaceMember) listing[spaceAppAccessModel] {
				found := spaceAppAccessModel{SpaceID: types.StringValue(string(member.SpaceID)), SpaceName: optionalString(member.SpaceName)}
				found.read(member)
				return listing[spaceAppAccessModel]{
					id: found.key(), name: member.SpaceName + ":" + string(member.Email),
					identity: map[string]string{"space_id": string(member.SpaceID), "email": string(member.Email)},
					read: func(_ context.Context, m *spaceAppAccessModel) diag.Diagnostics {
						*m = found
						return nil
					},
				}
			})
		},
	}
}

// spaceMembers yields the members with a permission in the selected spaces, without the admins of the team.
func (c *connection) spaceMembers(ctx context.Context, s keyvalue.Selection) iter.Seq2[heroku.SpaceMember, error] {
	return func(yield func(heroku.SpaceMember, error) bool) {
		teams := map[string]map[heroku.Email]string{}
		for space, err := range c.spaces(ctx, s) {
			about := heroku.SpaceMember{SpaceID: space.ID, SpaceName: space.Name}
			if err == nil && teams[space.Team] == nil {
				teams[space.Team], err = c.client.TeamRoles(ctx, space.Team)
			}
			var members []heroku.SpaceMember
			if err == nil {
				members, err = c.client.SpaceMembers(ctx, space.ID)
			}
			if err != nil {
				yield(about, err)
				return
			}
			for _, m := range members {
				m.SpaceID, m.SpaceName = space.ID, space.Name
				admin := teams[space.Team][m.Email.Folded()] == heroku.RoleAdmin
				if len(m.Permissions) > 0 && !admin && !yield(m, nil) {
					return
				}
			}
		}
	}
}

func listFormations() list.ListResource {
	return &lister[formationModel]{
		construct: newFormationResource, filters: formationFilters,
		description: "Lists the process types of the apps that the API token can see. It requires one request for each app.",
		find: func(ctx context.Context, q query) iter.Seq2[listing[formationModel], error] {
			return results(q.processes(ctx, q.Selection), func(process heroku.Process) listing[formationModel] {
				return listing[formationModel]{
					id: string(process.AppID) + ":" + process.Type, name: process.AppName + ":" + process.Type,
					identity: map[string]string{"app_id": string(process.AppID), "type": process.Type},
					read: func(ctx context.Context, m *formationModel) diag.Diagnostics {
						after, _, err := q.replacements().AfterHold(ctx, process)
						if err != nil {
							return diag.Diagnostics{q.failureOf(runAgain, "Unable to list what is at Heroku", "App "+process.AppName, err)}
						}
						m.AppID, m.AppName = types.StringValue(string(process.AppID)), optionalString(process.AppName)
						m.Type = types.StringValue(process.Type)
						m.read(after)
						return nil
					},
				}
			})
		},
	}
}

// processes yields the process types of the selected apps.
func (c *connection) processes(ctx context.Context, s keyvalue.Selection) iter.Seq2[heroku.Process, error] {
	return func(yield func(heroku.Process, error) bool) {
		for app, err := range c.apps(ctx, s) {
			var formation []heroku.Process
			if err == nil {
				formation, err = c.client.Formation(ctx, app.ID)
			}
			if err != nil {
				yield(heroku.Process{AppID: app.ID, AppName: app.Name}, err)
				return
			}
			for _, p := range formation {
				p.AppID, p.AppName = app.ID, app.Name
				if !yield(p, nil) {
					return
				}
			}
		}
	}
}
