// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/attr/xattr"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types/basetypes"
)

// In every notation, a text means what its normal form means, which is normal; and to mean the same goes both ways.
func FuzzNormalizedString(f *testing.F) {
	for _, pair := range [][2]string{
		{"premium-0", "heroku-redis:premium-0"}, {"hobby-dev", "mini"}, {"AKE", "KEg$lshztxe"}, {"Ex", "xE"},
		{"Sunday", "suns"}, {"1:30PM", "13:30"}, {"0:00", "12:00 am"}, {"", "?"},
	} {
		f.Add(pair[0], pair[1])
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		normalizes[planNotation](t, a, b)
		normalizes[keyspaceEventsNotation](t, a, b)
		normalizes[dayNotation](t, a, b)
		normalizes[timeNotation](t, a, b)
	})
}

func normalizes[N notation](t *testing.T, a, b string) {
	t.Helper()
	var n N
	left, right := newNormalizedString[N](a), newNormalizedString[N](b)
	equal := left.equivalent(right)
	if equal != right.equivalent(left) || a == b && !equal || !left.equivalent(left) {
		t.Errorf("%T: %q and %q are the same: %t, and the other way round: %t", n, a, b, equal, right.equivalent(left))
	}
	if kept := left.orEquivalent(right).ValueString(); kept != a && (kept != b || !equal) {
		t.Errorf("%T: %q becomes %q, knowing %q", n, a, kept, b)
	}
	normal, err := n.normalize(a)
	var judged xattr.ValidateAttributeResponse
	left.ValidateAttribute(t.Context(), xattr.ValidateAttributeRequest{Path: path.Root("x")}, &judged)
	if judged.Diagnostics.HasError() != (err != nil) {
		t.Errorf("%T: %q is judged by %v, and read with %v", n, a, judged.Diagnostics, err)
	}
	if err != nil {
		return
	}
	if again, err := n.normalize(normal); err != nil || again != normal {
		t.Errorf("%T: %q is %q, which is %q, %v", n, a, normal, again, err)
	}
	same, diags := left.StringSemanticEquals(t.Context(), basetypes.StringValuable(newNormalizedString[N](normal)))
	if !same || diags.HasError() {
		t.Errorf("%T: %q is not %q, %v", n, a, normal, diags)
	}
	if other, err := n.normalize(b); equal != (err == nil && other == normal) {
		t.Errorf("%T: %q is %q, and %q is %q, %v, and they are the same: %t", n, a, normal, b, other, err, equal)
	}
}
