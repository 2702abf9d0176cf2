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

// Where a store may run follows from where its app does. Package keyvalue has the rules; here is who is asked, and when.

// planPlacement applies the rules while the plan is made, and again with all values known when Terraform applies it.
// What cannot be found out is left to place, and to Heroku.
func (r *instanceResource) planPlacement(ctx context.Context, m *instanceModel) diag.Diagnostics {
	if r.client == nil || m.AppID.IsUnknown() {
		return nil
	}
	app, err := r.hostOf(ctx, *m)
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

// place applies the rules before a store is ordered. It warns of nothing: planPlacement has, as far as it could.
func (r *instanceResource) place(ctx context.Context, m *instanceModel) (heroku.App, diag.Diagnostics) {
	app, err := r.hostOf(ctx, *m)
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

// hostOf reads an app once in a run, however many stores are ordered on it, unless its name counts: to confirm something.
func (r *instanceResource) hostOf(ctx context.Context, m instanceModel) (heroku.App, error) {
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

// choosePlan takes the space's default for a store whose author names no plan.
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

// defaultPlan is, of the plans that run in a space, the one that Heroku calls the default of spaces. It names one for
// spaces of both kinds, so that a Shield Space gets the smallest plan instead, as Dev Center says of the default.
func defaultPlan(offered []heroku.Plan, at keyvalue.Location) (name string, found bool) {
	offered = slices.DeleteFunc(slices.Clone(offered), func(plan heroku.Plan) bool { return !runsInside(plan, at) })
	if len(offered) == 0 {
		return "", false
	}
	// By the catalogue: prices may be negotiated.
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

// runsInside says that the plan is made for the location, as far as its name tells.
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
		"App %q is in %s, which %s for a store: set plan.\n\n%s", app.Name, whereabouts(app), why, choice(plansFor(location(app)))))
}

// checkPlacement refuses a plan that cannot run where the app is, and says what consent to another network means.
func (m instanceModel) checkPlacement(app heroku.App) diag.Diagnostics {
	var diags diag.Diagnostics
	plan := m.spec().Plan
	place := keyvalue.Place(plan, location(app))
	consented := m.OutsideSpace.ValueBool()
	switch {
	case place.Verdict == keyvalue.DoesNotFit, place.Verdict == keyvalue.NeedsConsent && !consented && !m.OutsideSpace.IsUnknown():
		detail := fmt.Sprintf("App %q, in %s: %s\n\n", app.Name, whereabouts(app), place.Reason)
		if place.RunsIn != "" {
			detail += fmt.Sprintf("To use this plan, put the app into %s: an app cannot move, so make a kvs_app with space_id there, "+
				"and give its id as app_id. Otherwise choose another plan.\n\n", place.RunsIn)
		}
		detail += choice(place.WouldFit)
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
			whereabouts(app), place.Reason))
	case consented && m.consent(app) == "":
		diags.AddAttributeWarning(path.Root("outside_space"), "outside_space has no effect here", fmt.Sprintf(
			"App %q is in %s, and a store on the plan %s runs there too: there is nothing to confirm. Leave "+
				"outside_space out.", app.Name, whereabouts(app), plan))
	}
	return diags
}

// consent is what confirms a store outside the network of the app's space: the app's name (Platform API reference,
// confirmation). It is empty where nothing is to be confirmed, because it would confirm other things as well.
func (m instanceModel) consent(app heroku.App) string {
	class, known := m.spec().Plan.Class()
	if m.OutsideSpace.ValueBool() && location(app) == keyvalue.PrivateSpace && (!known || class == keyvalue.ClassCommon) {
		return app.Name
	}
	return ""
}

// runsOutside says of an existing store what outside_space would have to say of it.
func (r *instanceResource) runsOutside(ctx context.Context, addOn heroku.AddOn) bool {
	app, err := r.client.App(ctx, addOn.AppID)
	if err != nil {
		return false
	}
	return keyvalue.Place(keyvalue.PlanName(keyvalue.ShortPlanName(addOn.Plan)), location(app)).Verdict == keyvalue.NeedsConsent
}

// location is where the app runs, in the words of the placement rules.
func location(app heroku.App) keyvalue.Location {
	switch {
	case app.Space == nil:
		return keyvalue.CommonRuntime
	case app.Space.Shield:
		return keyvalue.ShieldSpace
	}
	return keyvalue.PrivateSpace
}

// whereabouts is location with the name of the space.
func whereabouts(app heroku.App) string {
	switch {
	case app.Space == nil:
		return string(keyvalue.CommonRuntime)
	case app.Space.Shield:
		return "the Shield Space " + app.Space.Name
	}
	return "the Private Space " + app.Space.Name
}

// plansFor are the published plans that run at a location.
func plansFor(at keyvalue.Location) []keyvalue.PlanName {
	var names []keyvalue.PlanName
	for _, plan := range keyvalue.Plans() {
		if keyvalue.Place(plan.Name, at).Verdict == keyvalue.Fits {
			names = append(names, plan.Name)
		}
	}
	return names
}

func choice(plans []keyvalue.PlanName) string { return listOf("Plans that would fit", plans) }

// listOf lists plans with their memory and price, one a line.
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

// order is the request for a new store, but for a name that the configuration leaves to the provider.
func (m instanceModel) order(app heroku.App) heroku.AddOnCreate {
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

// Where a store can be reached from: the rules for the app that owns it hold for every other app, and a store in a space is
// reached from that very space.

// planPlacement judges while the plan is made. What cannot be read is left to place, and so is the plan that is made once more
// in the middle of an apply: a replacement may have moved the attachment to its new store by then.
func (r *attachmentResource) planPlacement(ctx context.Context, plan attachmentModel) diag.Diagnostics {
	if r.client.HasWritten() {
		return nil
	}
	addOn, err := r.client.AddOn(ctx, heroku.AddOnID(plan.InstanceID.ValueString()))
	if err != nil {
		return nil
	}
	class := keyvalue.PlanName(keyvalue.ShortPlanName(addOn.Plan))
	refusal, warning, _ := r.judgePlacement(ctx, plan, addOn, r.plans.of(string(addOn.ID), class))
	var diags diag.Diagnostics
	if refusal != nil {
		diags.Append(refusal)
	}
	if warning != nil {
		diags.Append(warning)
	}
	return diags
}

// place judges before a store is attached.
func (r *attachmentResource) place(ctx context.Context, plan attachmentModel, addOn heroku.AddOn) diag.Diagnostic {
	refusal, _, err := r.judgePlacement(ctx, plan, addOn, keyvalue.PlanName(keyvalue.ShortPlanName(addOn.Plan)))
	if err != nil {
		return r.failure("Unable to attach", plan.String(), err)
	}
	return refusal
}

func (r *attachmentResource) judgePlacement(ctx context.Context, plan attachmentModel, addOn heroku.AddOn,
	of keyvalue.PlanName) (refusal, warning diag.Diagnostic, err error) {
	if string(addOn.AppID) == plan.AppID.ValueString() {
		return nil, nil, nil // the store was placed there, with the consent that it took
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
	object := fmt.Sprintf("Store %s (%s) on the plan %s, app %s in %s", addOn.Name, addOn.ID, of, app.Name, whereabouts(app))
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
