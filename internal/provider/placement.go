// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/keyvalue"
)

// Where a store may run depends on where its app runs. Package keyvalue has the rules; this file reads the apps and applies the rules.

// planPlacement applies the rules at plan time, and again with all values known when Terraform applies the plan. It accepts what
// it cannot find out: place and Heroku check again.
func (r *instanceResource) planPlacement(ctx context.Context, m *instanceModel) diag.Diagnostics {
	if r.client == nil || m.AppID.IsUnknown() {
		return nil
	}
	app, err := r.ownerApp(ctx, *m)
	switch {
	case heroku.IsNotFound(err):
		return diag.Diagnostics{unknownApp(*m)}
	case err != nil:
		return nil
	}
	if diags := r.choosePlan(ctx, m, app); diags.HasError() {
		return diags
	}
	return m.checkPlacement(app)
}

// place applies the rules before a store is ordered. It drops the warnings, which planPlacement has given.
func (r *instanceResource) place(ctx context.Context, m *instanceModel) (heroku.App, diag.Diagnostics) {
	app, err := r.ownerApp(ctx, *m)
	switch {
	case heroku.IsNotFound(err):
		return app, diag.Diagnostics{unknownApp(*m)}
	case err != nil:
		return app, diag.Diagnostics{r.failure("Unable to read the app of the Key-Value Store",
			fmt.Sprintf("App %q", m.AppID.ValueString()), err)}
	}
	if diags := r.choosePlan(ctx, m, app); diags.HasError() {
		return app, diags
	}
	return app, m.checkPlacement(app).Errors()
}

// ownerApp returns the app of the store. It may return an earlier answer of this run, unless the app's current name is needed to
// confirm a store outside of the space.
func (r *instanceResource) ownerApp(ctx context.Context, m instanceModel) (heroku.App, error) {
	id := heroku.AppID(m.AppID.ValueString())
	if m.OutsideSpace.ValueBool() {
		return r.client.App(ctx, id)
	}
	return r.client.CachedApp(ctx, id)
}

func unknownApp(m instanceModel) diag.Diagnostic {
	return diag.NewAttributeErrorDiagnostic(path.Root("app_id"), "App not found", fmt.Sprintf(
		"Heroku knows no app with the id %q that this token may see. Use the UUID of an existing app, for instance "+
			"kvs_app.web.id.", m.AppID.ValueString()))
}

// choosePlan sets the default plan of the space where the configuration names no plan.
func (r *instanceResource) choosePlan(ctx context.Context, m *instanceModel, app heroku.App) diag.Diagnostics {
	if !m.Plan.IsUnknown() {
		return nil
	}
	if app.Space == nil {
		return diag.Diagnostics{planRequired(app, "has no default plan")}
	}
	offered, err := r.offered.of(ctx, r.client)
	if err != nil {
		return diag.Diagnostics{r.failure("Unable to choose a plan for the Key-Value Store", "Plans of Key-Value Store", err)}
	}
	chosen, found := defaultPlan(offered, location(app))
	if !found {
		return diag.Diagnostics{planRequired(app, "has no plan that Heroku offers to this account")}
	}
	m.Plan = newPlanName(chosen)
	return nil
}

// defaultPlan returns, of the plans that run in a space, the one that Heroku marks as the default of spaces. Heroku marks one plan
// for spaces of both kinds. Where that one does not run, the smallest plan is the default, as in Dev Center.
func defaultPlan(offered []heroku.Plan, at keyvalue.Location) (name string, found bool) {
	offered = slices.DeleteFunc(slices.Clone(offered), func(plan heroku.Plan) bool { return !runsInside(plan, at) })
	if len(offered) == 0 {
		return "", false
	}
	// Sizes come from the catalogue: an account may have negotiated prices.
	size := func(plan heroku.Plan) int {
		return planModel{Name: types.StringValue(keyvalue.ShortPlanName(plan.Name))}.rank()
	}
	chosen := slices.MinFunc(offered, func(a, b heroku.Plan) int {
		return cmp.Or(cmp.Compare(size(a), size(b)),
			cmp.Compare(a.Name, b.Name))
	})
	if i := slices.IndexFunc(offered, func(plan heroku.Plan) bool { return plan.SpaceDefault }); i >= 0 {
		chosen = offered[i]
	}
	return keyvalue.ShortPlanName(chosen.Name), true
}

// runsInside reports whether the plan's name says that it runs at the location.
func runsInside(plan heroku.Plan, at keyvalue.Location) bool {
	name, err := keyvalue.ParsePlanName(plan.Name)
	if err != nil {
		return false
	}
	_, known := name.Class()
	return known && keyvalue.Place(name, at).Verdict == keyvalue.Fits
}

func planRequired(app heroku.App, why string) diag.Diagnostic {
	return diag.NewAttributeErrorDiagnostic(path.Root("plan"), "A plan is required here", fmt.Sprintf(
		"App %q is in %s, which %s for a store: set plan.\n\n%s", app.Name, locationLabel(app), why, fittingPlans(plansFor(location(app)))))
}

// checkPlacement refuses a plan that cannot run where the app is, and warns of what consent to another network means.
func (m instanceModel) checkPlacement(app heroku.App) diag.Diagnostics {
	var diags diag.Diagnostics
	plan := m.spec().Plan
	place := keyvalue.Place(plan, location(app))
	consented := m.OutsideSpace.ValueBool()
	switch {
	case place.Verdict == keyvalue.DoesNotFit, place.Verdict == keyvalue.NeedsConsent && !consented && !m.OutsideSpace.IsUnknown():
		detail := fmt.Sprintf("App %q, in %s: %s\n\n", app.Name, locationLabel(app), place.Reason)
		if place.RunsIn != "" {
			detail += fmt.Sprintf("To use this plan, put the app into %s: an app cannot move, so make a kvs_app with space_id there, "+
				"and give its id as app_id. Otherwise choose another plan.\n\n", place.RunsIn)
		}
		detail += fittingPlans(place.WouldFit)
		switch {
		case place.Verdict == keyvalue.NeedsConsent:
			detail += "\n\nThe other way out is outside_space = true, if the data may leave the space's network."
		case consented:
			detail += "\n\noutside_space = true does not change that."
		}
		diags.AddAttributeError(path.Root("plan"), "Plan does not fit the app's runtime", detail)
	case place.Verdict == keyvalue.NeedsConsent && consented:
		diags.AddAttributeWarning(path.Root("outside_space"), "Data will travel over the public internet", fmt.Sprintf(
			"App %q, in %s: %s outside_space = true confirms that to Heroku when the store is created.", app.Name,
			locationLabel(app), place.Reason))
	case consented && m.consent(app) == "":
		diags.AddAttributeWarning(path.Root("outside_space"), "outside_space has no effect here", fmt.Sprintf(
			"App %q is in %s, and a store on the plan %s runs there too: there is nothing to confirm. Leave "+
				"outside_space out.", app.Name, locationLabel(app), plan))
	}
	return diags
}

// consent returns the app's name, which confirms a store outside the network of the app's space (Platform API reference,
// confirmation). It is empty where that needs no confirmation, because the name would confirm other things as well.
func (m instanceModel) consent(app heroku.App) string {
	class, known := m.spec().Plan.Class()
	if m.OutsideSpace.ValueBool() && location(app) == keyvalue.PrivateSpace && (!known || class == keyvalue.ClassCommon) {
		return app.Name
	}
	return ""
}

// runsOutside returns the value of outside_space that fits an existing store.
func (r *instanceResource) runsOutside(ctx context.Context, addOn heroku.AddOn) bool {
	app, err := r.client.App(ctx, addOn.AppID)
	if err != nil {
		return false
	}
	return keyvalue.Place(keyvalue.PlanName(keyvalue.ShortPlanName(addOn.Plan)), location(app)).Verdict == keyvalue.NeedsConsent
}

// location returns where the app runs, as the placement rules name it.
func location(app heroku.App) keyvalue.Location {
	switch {
	case app.Space == nil:
		return keyvalue.CommonRuntime
	case app.Space.Shield:
		return keyvalue.ShieldSpace
	}
	return keyvalue.PrivateSpace
}

// locationLabel is location with the name of the space.
func locationLabel(app heroku.App) string {
	switch {
	case app.Space == nil:
		return string(keyvalue.CommonRuntime)
	case app.Space.Shield:
		return "the Shield Space " + app.Space.Name
	}
	return "the Private Space " + app.Space.Name
}

// plansFor returns the published plans that run at a location.
func plansFor(at keyvalue.Location) []keyvalue.PlanName {
	var names []keyvalue.PlanName
	for _, plan := range keyvalue.Plans() {
		if keyvalue.Place(plan.Name, at).Verdict == keyvalue.Fits {
			names = append(names, plan.Name)
		}
	}
	return names
}

func fittingPlans(plans []keyvalue.PlanName) string { return listOf("Plans that would fit", plans) }

// listOf lists plans with their memory and price, one per line.
func listOf(what string, plans []keyvalue.PlanName) string {
	lines := make([]string, len(plans))
	for i, name := range plans {
		lines[i] = string(name)
		if plan, published := keyvalue.LookupPlan(name); published {
			lines[i] = plan.Summary()
		}
	}
	return what + ":\n" + bullets(lines)
}

// createRequest returns the request for a new store. Its name is empty if the configuration leaves it to the provider.
func (m instanceModel) createRequest(app heroku.App) heroku.AddOnCreate {
	options := map[string]string{
		"timeout":          fmt.Sprint(m.Timeout.ValueInt64()),
		"maxmemory_policy": m.MaxmemoryPolicy.ValueString(),
	}
	if version := keyvalue.Version(m.Version.ValueString()).ForNewStore(); version != "" {
		options["version"] = string(version)
	}
	return heroku.AddOnCreate{
		Plan:           m.spec().Plan.Wire(),
		Name:           m.Name.ValueString(),
		AttachmentName: m.AttachmentName.ValueString(),
		Confirm:        m.consent(app),
		Config:         options,
	}
}

// The placement of attachments: the rules for the app that owns a store hold for every other app, and a store in a space can be
// reached from that space only.

// planPlacement applies the rules at plan time. It accepts what it cannot read, and every plan during an apply, when a replacement
// may have moved the attachment to its new store already: place checks again.
func (r *attachmentResource) planPlacement(ctx context.Context, plan attachmentModel) diag.Diagnostics {
	if r.client.HasWritten() {
		return nil
	}
	addOn, err := r.client.AddOn(ctx, heroku.AddOnID(plan.InstanceID.ValueString()))
	if err != nil {
		return nil
	}
	class := keyvalue.PlanName(keyvalue.ShortPlanName(addOn.Plan))
	refusal, warning, _ := r.checkPlacement(ctx, plan, addOn, r.plans.of(string(addOn.ID), class))
	var diags diag.Diagnostics
	if refusal != nil {
		diags.Append(refusal)
	}
	if warning != nil {
		diags.Append(warning)
	}
	return diags
}

// place applies the rules before a store is attached.
func (r *attachmentResource) place(ctx context.Context, plan attachmentModel, addOn heroku.AddOn) diag.Diagnostic {
	refusal, _, err := r.checkPlacement(ctx, plan, addOn, keyvalue.PlanName(keyvalue.ShortPlanName(addOn.Plan)))
	if err != nil {
		return r.failure("Unable to attach", plan.String(), err)
	}
	return refusal
}

func (r *attachmentResource) checkPlacement(ctx context.Context, plan attachmentModel, addOn heroku.AddOn,
	of keyvalue.PlanName) (refusal, warning diag.Diagnostic, err error) {
	if string(addOn.AppID) == plan.AppID.ValueString() {
		return nil, nil, nil // the rules were applied when the store was created
	}
	app, err := r.client.CachedApp(ctx, heroku.AppID(plan.AppID.ValueString()))
	if err != nil {
		return nil, nil, err
	}
	class, published := of.Class()
	place := keyvalue.Place(of, location(app))
	if published && class != keyvalue.ClassCommon && place.Verdict == keyvalue.Fits {
		owner, err := r.client.CachedApp(ctx, addOn.AppID)
		if err != nil {
			return nil, nil, err
		}
		if owner.Space != nil && app.Space != nil && owner.Space.ID != app.Space.ID {
			place = keyvalue.Placement{Verdict: keyvalue.DoesNotFit, Reason: fmt.Sprintf(
				"The store's host resolves in the space %s only, and the app is in the space %s.", owner.Space.Name, app.Space.Name)}
		}
	}
	object := fmt.Sprintf("Store %s (%s) on the plan %s, app %s in %s", addOn.Name, addOn.ID, of, app.Name, locationLabel(app))
	switch {
	case place.Verdict == keyvalue.DoesNotFit && class != keyvalue.ClassCommon:
		return diag.NewAttributeErrorDiagnostic(path.Root("instance_id"), "The app cannot reach the store", fmt.Sprintf(
			"%s: %s The app would get a config var that leads nowhere. Attach a store that runs where the app runs.",
			object, place.Reason)), nil, nil
	case place.Verdict == keyvalue.DoesNotFit:
		return diag.NewAttributeErrorDiagnostic(path.Root("instance_id"), "The app cannot reach the store", fmt.Sprintf(
			"%s: %s Attach a store on a shield plan in that space; outside_space does not change that.", object, place.Reason)), nil, nil
	case place.Verdict == keyvalue.NeedsConsent && plan.OutsideSpace.IsUnknown():
	case place.Verdict == keyvalue.NeedsConsent && !plan.OutsideSpace.ValueBool():
		return diag.NewAttributeErrorDiagnostic(path.Root("outside_space"),
			"The store is outside the network of the app's space", fmt.Sprintf(
				"%s: %s Attach a store on a private plan in that space, or set outside_space = true, if the data may "+
					"leave the space's network.", object, place.Reason)), nil, nil
	case place.Verdict == keyvalue.NeedsConsent:
		return nil, diag.NewAttributeWarningDiagnostic(path.Root("outside_space"), "Data will travel over the public internet", fmt.Sprintf(
			"%s: %s outside_space = true consents to that.", object, place.Reason)), nil
	}
	return nil, nil, nil
}
