// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/keyvalue"
)

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

func (r *attachmentResource) judgePlacement(ctx context.Context, plan attachmentModel, addOn heroku.AddOn, of keyvalue.PlanName) (refusal, warning diag.Diagnostic, err error) {
	if string(addOn.AppID) == plan.AppID.ValueString() {
		return nil, nil, nil // the store was placed there, with the consent that it took
	}
	app, err := r.client.AppEarlier(ctx, heroku.AppID(plan.AppID.ValueString()))
	if err != nil {
		return nil, nil, err
	}
	class, published := of.Class()
	place := keyvalue.Place(of, location(app))
	if published && class != keyvalue.ClassCommon && place.Verdict == keyvalue.Fits {
		owner, err := r.client.AppEarlier(ctx, addOn.AppID)
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
			"%s: %s The app would get a config var that leads nowhere. Attach a store that runs where the app runs.", object, place.Reason)), nil, nil
	case place.Verdict == keyvalue.DoesNotFit:
		return diag.NewAttributeErrorDiagnostic(path.Root("instance_id"), "The app cannot reach the store", fmt.Sprintf(
			"%s: %s Attach a store on a shield plan in that space; outside_space does not change that.", object, place.Reason)), nil, nil
	case place.Verdict == keyvalue.NeedsConsent && plan.OutsideSpace.IsUnknown():
	case place.Verdict == keyvalue.NeedsConsent && !plan.OutsideSpace.ValueBool():
		return diag.NewAttributeErrorDiagnostic(path.Root("outside_space"), "The store is outside the network of the app's space", fmt.Sprintf(
			"%s: %s Attach a store on a private plan in that space, or set outside_space = true, if the data may leave the space's network.", object, place.Reason)), nil, nil
	case place.Verdict == keyvalue.NeedsConsent:
		return nil, diag.NewAttributeWarningDiagnostic(path.Root("outside_space"), "Data will travel over the public internet", fmt.Sprintf(
			"%s: %s outside_space = true consents to that.", object, place.Reason)), nil
	}
	return nil, nil, nil
}
