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

// What is lost when an app is destroyed or replaced, and what prevents it.

const appType = "kvs_app"

func (m appModel) object() object { return object{appType, m.ID.ValueString()} }

func (m appModel) stateObject(change objectChange) stateObject {
	return stateObject{object: m.object(), name: m.Name.ValueString(), label: m.String(), change: change}
}

// fixedChanges are the known changes that need a new app.
func (m appModel) fixedChanges(plan appModel) []fixedChange {
	return knownChanges(
		fixedChange{"space_id", m.SpaceID, plan.SpaceID},
		fixedChange{"region", m.Region, plan.Region},
		fixedChange{"internal_routing", m.InternalRouting, plan.InternalRouting},
	)
}

// fixedChanges adds a space_id that is unknown because the app's own space is replaced.
func (r *appResource) fixedChanges(state, plan appModel) []fixedChange {
	changes := state.fixedChanges(plan)
	if plan.SpaceID.IsUnknown() && r.run.willBeDestroyed(object{spaceType, state.SpaceID.ValueString()}) {
		changes = append(changes, fixedChange{"space_id", state.SpaceID, plan.SpaceID})
	}
	return changes
}

// compareLive refuses to update an app that was renamed, transferred or switched to another maintenance mode since the plan.
func (r *appResource) compareLive(ctx context.Context, state, plan appModel) diag.Diagnostics {
	app, err := r.client.App(ctx, state.appID())
	outdated := state.outdated(plan, app)
	if err == nil && outdated.HasError() { // the shared list may be stale: read the app by itself
		app, err = r.client.FindApp(ctx, string(app.ID))
		outdated = state.outdated(plan, app)
	}
	if err != nil {
		return diag.Diagnostics{r.failure("Unable to update app", state.String(), err)}
	}
	return outdated
}

func (m appModel) outdated(plan appModel, app heroku.App) diag.Diagnostics {
	now := m
	now.read(app)
	if !m.SpaceID.IsNull() {
		now.Team = m.Team // the team of the space, which the same run may transfer
	}
	return refuseOutdated(m.String(), liveValue{"name", m.Name, plan.Name, now.Name}, liveValue{"team", m.Team, plan.Team, now.Team},
		liveValue{"maintenance", m.Maintenance, plan.Maintenance, now.Maintenance})
}

// planDestroy plans that an app is destroyed or replaced.
func (r *appResource) planDestroy(ctx context.Context, state appModel, change objectChange) diag.Diagnostics {
	diags := r.run.notePlan(state.stateObject(change))
	diags.Append(r.protected.refuseLoss(state)...)
	if !diags.HasError() {
		diags.Append(r.lossWarning(ctx, state, change)...)
	}
	return diags
}

// planInPlace plans that an app stays: unchanged, or changed in place.
func (r *appResource) planInPlace(state, plan appModel) diag.Diagnostics {
	var diags diag.Diagnostics
	m := state.stateObject(stays)
	m.name = plan.Name.ValueString()
	if !plan.Name.Equal(state.Name) {
		_, _, refused := r.run.claimName(m.name, nameClaim{m.object, m.label})
		diags.Append(refused...)
	}
	diags.Append(r.run.notePlan(m)...)
	r.protected.noteApp(state)
	diags.Append(r.protected.refuseLossIn(state)...)
	return diags
}

// lossWarning lists what is lost with an app, because no new app will have it.
func (r *appResource) lossWarning(ctx context.Context, state appModel, change objectChange) diag.Diagnostics {
	lost := []string{"its web address, releases, dynos, settings and config vars"}
	if r.client != nil && r.run.mayReadMore() {
		names, err := r.client.ConfigVarNames(ctx, state.appID())
		if heroku.IsNotFound(err) {
			return nil // already gone, as Read has reported
		}
		if err == nil && len(names) > 0 {
			lost = append(lost, "the values of its config vars: "+strings.Join(names, ", "))
		}
		if attachments, err := r.client.AttachmentsOn(ctx, state.appID()); err == nil && len(attachments) > 0 {
			lost = append(lost, "its attachments: "+strings.Join(describeAttachments(attachments), ", "))
		}
	}
	successor := ""
	if change == isReplaced {
		successor = "\n\nThe app that replaces it begins empty."
	}
	return diag.Diagnostics{diag.NewWarningDiagnostic("The app is destroyed with all that it has",
		fmt.Sprintf("%s cannot be brought back. With it go:\n\n%s%s", state, bullets(lost), successor))}
}

func describeAttachments(attachments []heroku.Attachment) []string {
	texts := make([]string, len(attachments))
	for i, a := range attachments {
		texts[i] = fmt.Sprintf("%s (%s)", a.Name, a.AddOnName)
	}
	return texts
}

// isGone is the warning of a refresh that finds the app destroyed.
func (m appModel) isGone() diag.Diagnostic {
	return diag.NewWarningDiagnostic("The app is gone from Heroku", fmt.Sprintf(
		"%s was destroyed outside of Terraform, with its config vars, its add-ons and its attachments. "+
			"As long as it is in the configuration, the next apply makes a new, empty app under this name.", m))
}

// ownedAddOns lists the add-ons that Heroku would destroy together with the app, one line each. It leaves out add-ons of other
// apps that are only attached to this one, and add-ons that are being deprovisioned.
func (r *appResource) ownedAddOns(ctx context.Context, app heroku.AppID) ([]string, error) {
	addOns, err := r.client.AppAddOns(ctx, app)
	if err != nil {
		return nil, err
	}
	var owned []string
	for _, addOn := range addOns {
		leaving := addOn.State == heroku.StateDeprovisioning || addOn.State == heroku.StateDeprovisioned
		if addOn.AppID == app && !leaving {
			owned = append(owned, fmt.Sprintf("- %s (%s, id %s)", addOn.Name, addOn.Plan, addOn.ID))
		}
	}
	return owned, nil
}

// A space determines the region and the team of its apps. An app changes its team only together with its space.

func validateTeamName(s string) error {
	name := strings.ToLower(strings.TrimSpace(s))
	switch {
	case name == "" || keyvalue.IsUUID(s):
		return fmt.Errorf("%q is not a team's name: give the name that `heroku teams` prints, for example acme-platform", s)
	case strings.ContainsFunc(name, unicode.IsSpace):
		return fmt.Errorf("%q is not a team's name, which has neither capitals nor blanks: give the name that `heroku "+
			"teams` prints, for example acme-platform", s)
	case name != s:
		return fmt.Errorf("%q is not a team's name, which has neither capitals nor blanks: write %q", s, name)
	}
	return nil
}

// checkPlace checks the region and the space of a new app.
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

// checkSpace refuses what the app's space rules out. What cannot be read at plan time is left to Create. It checks the
// configuration, because the plan still has the region of the former space until a replacement is planned.
func (r *appResource) checkSpace(ctx context.Context, config appModel) diag.Diagnostics {
	var diags diag.Diagnostics
	if config.SpaceID.IsNull() && config.InternalRouting.ValueBool() {
		diags.AddAttributeError(path.Root("internal_routing"), "Internal routing needs a space",
			"An app in the Common Runtime has no network of its own that it could be reached from. Set space_id, or "+
				"leave internal_routing out.")
	}
	if r.client == nil || config.SpaceID.IsNull() || config.SpaceID.IsUnknown() {
		return diags
	}
	space, err := r.client.Space(ctx, heroku.SpaceID(config.SpaceID.ValueString()))
	if heroku.IsNotFound(err) {
		diags.Append(unknownSpace(config))
	} else if err == nil {
		space.Team = cmp.Or(r.owners.team(space.ID), space.Team)
		diags.Append(config.checkAgainst(space)...)
	}
	return diags
}

// readySpace reads the space of an app that is about to be created. It refuses a space that is not allocated.
func (r *appResource) readySpace(ctx context.Context, plan appModel) (heroku.Space, diag.Diagnostics) {
	space, err := r.client.Space(ctx, heroku.SpaceID(plan.SpaceID.ValueString()))
	switch {
	case heroku.IsNotFound(err):
		return space, diag.Diagnostics{unknownSpace(plan)}
	case err != nil:
		return space, diag.Diagnostics{r.failure("Unable to read the space of the app",
			fmt.Sprintf("App %q", plan.Name.ValueString()), err)}
	case space.State != heroku.SpaceAllocated:
		return space, diag.Diagnostics{diag.NewAttributeErrorDiagnostic(path.Root("space_id"),
			"The space cannot hold apps yet", fmt.Sprintf(
				"App %q was not created: the space %s (%s) is %s, and accepts apps only once it is allocated. Apply again then. A "+
					"kvs_private_space waits until the space is allocated, for at most its timeouts.create.",
				plan.Name.ValueString(), space.Name, space.ID, space.State))}
	}
	return space, plan.checkAgainst(space)
}

func unknownSpace(plan appModel) diag.Diagnostic {
	return diag.NewAttributeErrorDiagnostic(path.Root("space_id"), "Space not found", fmt.Sprintf(
		"Heroku knows no space with the id %q that this token may see. Use the UUID of an existing space, for "+
			"instance kvs_private_space.prod.id.", plan.SpaceID.ValueString()))
}

func (m appModel) checkAgainst(space heroku.Space) diag.Diagnostics {
	var diags diag.Diagnostics
	if region := m.Region.normalized(); region != "" && region != space.Region {
		diags.AddAttributeError(path.Root("region"), "The region is that of the space", fmt.Sprintf(
			"App %q is to run in the space %s, which is in the region %s, and the configuration says %s. Leave region "+
				"out: it follows from the space.",
			m.Name.ValueString(), space.Name, space.Region, m.Region.ValueString()))
	}
	if team := m.Team.ValueString(); team != "" && team != space.Team {
		diags.AddAttributeError(path.Root("team"), "The app belongs to the team of its space", fmt.Sprintf(
			"App %q is to be owned by the team %s, and the space %s belongs to the team %s, as every app in it does. "+
				"Leave team out: the app then goes along when the space is transferred.", m.Name.ValueString(), team,
			space.Name, space.Team))
	}
	return diags
}

// checkTeamOfSpace reads the app, and returns an error unless it belongs to the team. Only a transfer of its space changes that.
func (r *appResource) checkTeamOfSpace(ctx context.Context, id heroku.AppID, team string) (heroku.App, error) {
	app, err := r.client.FindApp(ctx, string(id))
	if err == nil && app.Team != team {
		err = fmt.Errorf("the app belongs to the team %s, as its space does, and not to %s: leave team out, and "+
			"transfer the space", app.Team, team)
	}
	return app, err
}
