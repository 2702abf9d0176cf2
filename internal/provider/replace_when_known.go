// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"fmt"
	"strconv"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

// An attribute that is fixed when its object is created needs another object when it changes. The framework's
// RequiresReplace takes an unknown value for a changed one, and so destroys what a module's depends_on only makes unknown.
// ModifyPlan therefore plans a replacement for known values only, and an unknown one in place. Update compares it when it is
// known, and refuses with fixedAtCreation.

// fixedAtCreation is the error of an Update whose value became known only during apply, and turned out to be another one.
func fixedAtCreation(at path.Path, object string, from, to attr.Value) diag.Diagnostic {
	return diag.NewAttributeErrorDiagnostic(at, "The change needs another object", fmt.Sprintf(
		"%s has %s = %s, which is fixed when it is created. The new value was not known when this plan was made, and turned out to be %s. "+
			"Nothing has been changed. Apply again: the next plan shows what is replaced.", object, at, from, to))
}

// replacedID, in the private state that an instance was planned with, is its id, which the creation is told that replaces it
// because of a changed value, -replace or replace_triggered_by. A creation that is planned once more while it is applied is told nothing.
const replacedID = "replaced_id"

// tellSuccessor writes it.
func tellSuccessor(ctx context.Context, resp *resource.ModifyPlanResponse, id types.String) {
	resp.Diagnostics.Append(resp.Private.SetKey(ctx, replacedID, quoted(id.ValueString()))...)
}

// predecessor is what a creation replaces, empty for one that replaces nothing.
func predecessor(ctx context.Context, req resource.ModifyPlanRequest) string {
	if !req.State.Raw.IsNull() {
		return ""
	}
	id, _ := req.Private.GetKey(ctx, replacedID)
	return privateText(id)
}

// quoted is a text for the private state, which is JSON.
func quoted(text string) []byte { return []byte(strconv.Quote(text)) }

// privateText reads it. What cannot be read was written by nobody.
func privateText(json []byte) string {
	text, _ := strconv.Unquote(string(json))
	return text
}

// refuseOutdated is the error of an Update whose object is not any more what the plan was made from: what was changed since then
// would be undone, or become part of a state that no plan has shown. What is now as it is planned is no difference.
func refuseOutdated(object string, values ...liveValue) diag.Diagnostics {
	var differs []string
	for _, v := range values {
		if !v.now.Equal(v.then) && (v.planned.IsUnknown() || !v.now.Equal(v.planned)) {
			differs = append(differs, fmt.Sprintf("%s is %s now, and was %s", v.attribute, v.now, v.then))
		}
	}
	if len(differs) == 0 {
		return nil
	}
	return diag.Diagnostics{diag.NewErrorDiagnostic("The object has changed since the plan was made", fmt.Sprintf(
		"%s is not any more what this plan was made for:\n\n%s\n\nNothing has been changed. Plan again, and not with -refresh=false, to see what that means.",
		object, bullets(differs)))}
}

// liveValue is an attribute as the plan was made, as it is planned, and as Heroku has it.
type liveValue struct {
	attribute          string
	then, planned, now attr.Value
}

// fixedChange is a value that is known to differ from what its object was created with.
type fixedChange struct {
	attribute string
	from, to  attr.Value
}

// knownChanges leaves out what is not known yet, is left out of the configuration, or means the same.
func knownChanges(changes ...fixedChange) (known []fixedChange) {
	for _, c := range changes {
		if !c.to.IsUnknown() && !c.to.IsNull() && !means(c.from, c.to) {
			known = append(known, c)
		}
	}
	return known
}

func means(a, b attr.Value) bool {
	if text, ok := a.(regionName); ok {
		other, ok := b.(regionName)
		return ok && text.equivalent(other)
	}
	return a.Equal(b)
}

// planReplacement plans another object for what is known to differ. While a plan is applied it is planned once more, with
// the values that have become known since, and Terraform takes a replacement in place of an update for a bug of the provider:
// so that is refused here. Terraform alone says that it applies, by allowing deferral; an apply reads no object of the state.
// OpenTofu does not say it, and refuses the apply itself.
func (r *run) planReplacement(
	req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse, o object, label string, changes []fixedChange,
) (said diag.Diagnostics) {
	for _, c := range changes {
		at, read := path.Root(c.attribute), r.isRefreshed(o)
		if req.ClientCapabilities.DeferralAllowed && !read {
			said.Append(fixedAtCreation(at, label, c.from, c.to))
			continue
		}
		resp.RequiresReplace.Append(at)
		if !read {
			said.AddAttributeWarning(at, "The object is replaced as it was last read", fmt.Sprintf(
				"%s = %s is fixed when the object is created, and is to be %s. If OpenTofu says while it applies that the final plan is inconsistent, "+
					"the new value was not known before. Nothing has been changed then: apply again, and the next plan shows what is replaced.",
				at, c.from, c.to))
		}
	}
	return said
}
