// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"unicode"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/keyvalue"
)

// What a space settles for the apps in it: their region, and their team, which they never leave without the space.

func validateTeamName(s string) error {
	name := strings.ToLower(strings.TrimSpace(s))
	switch {
	case name == "" || keyvalue.IsUUID(s):
		return fmt.Errorf("%q is not a team's name: give the name that `heroku teams` prints, for example acme-platform", s)
	case strings.ContainsFunc(name, unicode.IsSpace):
		return fmt.Errorf("%q is not a team's name, which has neither capitals nor blanks: give the name that `heroku teams` prints, for example acme-platform", s)
	case name != s:
		return fmt.Errorf("%q is not a team's name, which has neither capitals nor blanks: write %q", s, name)
	}
	return nil
}

// checkPlace judges the region and the space of a new app.
func (r *appResource) checkPlace(ctx context.Context, config appModel) diag.Diagnostics {
	var diags diag.Diagnostics
	switch {
	case config.SpaceID.IsNull():
		diags = r.checkRegion(ctx, config.Region, regionUse{what: "an app outside of spaces", common: true})
	case config.SpaceID.IsUnknown():
		diags = r.checkRegion(ctx, config.Region, regionUse{what: "an app in a space", private: true})
	}
	diags.Append(r.checkSpace(ctx, config)...)
	return diags
}

// checkSpace refuses what the app's space rules out. What cannot be found out at plan time is left to Create.
// It judges the configuration: until a replacement is planned, the plan repeats the region of the app's former place.
func (r *appResource) checkSpace(ctx context.Context, config appModel) diag.Diagnostics {
	var diags diag.Diagnostics
	if config.SpaceID.IsNull() && config.InternalRouting.ValueBool() {
		diags.AddAttributeError(path.Root("internal_routing"), "Internal routing needs a space",
			"An app in the Common Runtime has no network of its own that it could be reached from. Set space_id, or leave internal_routing out.")
	}
	if r.client == nil || config.SpaceID.IsNull() || config.SpaceID.IsUnknown() {
		return diags
	}
	space, err := r.client.Space(ctx, heroku.SpaceID(config.SpaceID.ValueString()))
	if heroku.IsNotFound(err) {
		diags.Append(unknownSpace(config))
	} else if err == nil {
		space.Team = cmp.Or(r.owners.of(space.ID), space.Team)
		diags.Append(config.checkAgainst(space)...)
	}
	return diags
}

// readySpace is the space of an app that is about to be created.
func (r *appResource) readySpace(ctx context.Context, plan appModel) (heroku.Space, diag.Diagnostics) {
	space, err := r.client.Space(ctx, heroku.SpaceID(plan.SpaceID.ValueString()))
	switch {
	case heroku.IsNotFound(err):
		return space, diag.Diagnostics{unknownSpace(plan)}
	case err != nil:
		return space, diag.Diagnostics{r.failure("Unable to read the space of the app", fmt.Sprintf("App %q", plan.Name.ValueString()), err)}
	case space.State != heroku.SpaceAllocated:
		return space, diag.Diagnostics{diag.NewAttributeErrorDiagnostic(path.Root("space_id"), "The space cannot hold apps yet", fmt.Sprintf(
			"App %q was not created: the space %s (%s) is %s, and takes apps only once it is allocated. "+
				"Apply again then; a kvs_private_space waits for it, as long as its timeouts.create says.", plan.Name.ValueString(), space.Name, space.ID, space.State))}
	}
	return space, plan.checkAgainst(space)
}

func unknownSpace(plan appModel) diag.Diagnostic {
	return diag.NewAttributeErrorDiagnostic(path.Root("space_id"), "Space not found", fmt.Sprintf(
		"Heroku knows no space with the id %q that this token may see. Use the UUID of an existing space, for instance kvs_private_space.prod.id.", plan.SpaceID.ValueString()))
}

func (m appModel) checkAgainst(space heroku.Space) diag.Diagnostics {
	var diags diag.Diagnostics
	if region := m.Region.normalized(); region != "" && region != space.Region {
		diags.AddAttributeError(path.Root("region"), "The region is that of the space", fmt.Sprintf(
			"App %q is to run in the space %s, which is in the region %s, and the configuration says %s. Leave region out: it follows from the space.",
			m.Name.ValueString(), space.Name, space.Region, m.Region.ValueString()))
	}
	if team := m.Team.ValueString(); team != "" && team != space.Team {
		diags.AddAttributeError(path.Root("team"), "The app belongs to the team of its space", fmt.Sprintf(
			"App %q is to be owned by the team %s, and the space %s belongs to the team %s, as every app in it does. "+
				"Leave team out: the app then goes along when the space is transferred.", m.Name.ValueString(), team, space.Name, space.Team))
	}
	return diags
}

// movedWithSpace is the app once it belongs to the team, which only a transfer of its space can bring about.
func (r *appResource) movedWithSpace(ctx context.Context, id heroku.AppID, team string) (heroku.App, error) {
	app, err := r.client.FindApp(ctx, string(id))
	if err == nil && app.Team != team {
		err = fmt.Errorf("the app belongs to the team %s, as its space does, and not to %s: leave team out, and transfer the space", app.Team, team)
	}
	return app, err
}
