// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/boolplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringplanmodifier"
)

// An attribute that is fixed when its object is created needs another object when it changes. The framework's
// RequiresReplace takes an unknown value for a changed one, and so destroys what a module's depends_on only makes unknown.
// These modifiers plan an unknown value in place. Update compares it when it is known, and refuses with fixedAtCreation.

const replaceDescription = "Replaces the object when the value is known to differ."

// replaceStringWhenKnown stands after the modifiers that compare by meaning, such as keepEquivalent.
func replaceStringWhenKnown() planmodifier.String {
	return stringplanmodifier.RequiresReplaceIf(
		func(_ context.Context, req planmodifier.StringRequest, resp *stringplanmodifier.RequiresReplaceIfFuncResponse) {
			resp.RequiresReplace = !req.ConfigValue.IsNull() && !req.PlanValue.IsUnknown()
		}, replaceDescription, replaceDescription)
}

func replaceBoolWhenKnown() planmodifier.Bool {
	return boolplanmodifier.RequiresReplaceIf(
		func(_ context.Context, req planmodifier.BoolRequest, resp *boolplanmodifier.RequiresReplaceIfFuncResponse) {
			resp.RequiresReplace = !req.ConfigValue.IsNull() && !req.PlanValue.IsUnknown()
		}, replaceDescription, replaceDescription)
}

// fixedAtCreation is the error of an Update whose value became known only during apply, and turned out to be another one.
func fixedAtCreation(at path.Path, object string, from, to attr.Value) diag.Diagnostic {
	return diag.NewAttributeErrorDiagnostic(at, "The change needs another object", fmt.Sprintf(
		"%s has %s = %s, which is fixed when it is created. The new value was not known when this plan was made, and turned out to be %s. "+
			"Nothing has been changed. Apply again: the next plan shows what is replaced.", object, at, from, to))
}
