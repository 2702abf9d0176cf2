// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"fmt"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/diag"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
)

// What an app takes along when it is destroyed or replaced, and who keeps it from that.

const appType = "kvs_app"

func (m appModel) object() object { return object{appType, m.ID.ValueString()} }

func (m appModel) member(f fate) member {
	return member{object: m.object(), name: m.Name.ValueString(), label: m.String(), fate: f}
}

// fixedChanges are the known values that only another app could have.
func (m appModel) fixedChanges(plan appModel) []fixedChange {
	return knownChanges(
		fixedChange{"space_id", m.SpaceID, plan.SpaceID},
		fixedChange{"region", m.Region, plan.Region},
		fixedChange{"internal_routing", m.InternalRouting, plan.InternalRouting},
	)
}

// fixedChanges adds a space that is not known yet because the app's own one is replaced.
func (r *appResource) fixedChanges(state, plan appModel) []fixedChange {
	changes := state.fixedChanges(plan)
	if plan.SpaceID.IsUnknown() && r.run.goes(object{spaceType, state.SpaceID.ValueString()}) {
		changes = append(changes, fixedChange{"space_id", state.SpaceID, plan.SpaceID})
	}
	return changes
}

// compareLive stops an Update of an app that was renamed, transferred or put into another mode since the plan was made.
func (r *appResource) compareLive(ctx context.Context, state, plan appModel) diag.Diagnostics {
	app, err := r.client.App(ctx, state.appID())
	outdated := state.outdated(plan, app)
	if err == nil && outdated.HasError() { // a read may show what was before: look again
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
		now.Team = m.Team // it goes with the space, which may be transferred in this very run
	}
	return refuseOutdated(m.String(), liveValue{"name", m.Name, plan.Name, now.Name}, liveValue{"team", m.Team, plan.Team, now.Team},
		liveValue{"maintenance", m.Maintenance, plan.Maintenance, now.Maintenance})
}

// planEnd is the end of an app, be it for good or for a new one.
func (r *appResource) planEnd(ctx context.Context, state appModel, f fate) diag.Diagnostics {
	diags := r.run.plans(state.member(f))
	diags.Append(r.protected.refuseLoss(state)...)
	if !diags.HasError() {
		diags.Append(r.lossWarning(ctx, state, f)...)
	}
	return diags
}

// planStay is an app that is left as it is or changed in place.
func (r *appResource) planStay(state, plan appModel) diag.Diagnostics {
	var diags diag.Diagnostics
	m := state.member(stays)
	m.name = plan.Name.ValueString()
	if !plan.Name.Equal(state.Name) {
		_, _, refused := r.run.takes(m.name, taking{m.object, m.label})
		diags.Append(refused...)
	}
	diags.Append(r.run.plans(m)...)
	r.protected.noteApp(state)
	diags.Append(r.protected.refuseLossIn(state)...)
	return diags
}

// lossWarning names what no other app will have.
func (r *appResource) lossWarning(ctx context.Context, state appModel, f fate) diag.Diagnostics {
	lost := []string{"its web address, releases, dynos, settings and config vars"}
	if r.client != nil && r.run.look() {
		names, err := r.client.ConfigVarNames(ctx, state.appID())
		if heroku.IsNotFound(err) {
			return nil // it is gone already, as Read has said
		}
		if err == nil && len(names) > 0 {
			lost = append(lost, "the values of its config vars: "+strings.Join(names, ", "))
		}
		if attachments, err := r.client.AttachmentsOn(ctx, state.appID()); err == nil && len(attachments) > 0 {
			lost = append(lost, "its attachments: "+strings.Join(describeAttachments(attachments), ", "))
		}
	}
	successor := ""
	if f == isReplaced {
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

// isGone is said by a refresh that finds the app destroyed.
func (m appModel) isGone() diag.Diagnostic {
	return diag.NewWarningDiagnostic("The app is gone from Heroku", fmt.Sprintf(
		"%s was destroyed outside of Terraform, with its config vars, its add-ons and its attachments. "+
			"As long as it is in the configuration, the next apply makes a new, empty app under this name.", m))
}

// ownedAddOns lists what would die with the app, one line each. Add-ons that are only attached to it belong to others,
// and those that are on their way out are nobody's loss.
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
