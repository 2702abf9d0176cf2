// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

// Summaries of what no story over the protocol can provoke by itself.
func TestSummaries_ofTheInside(t *testing.T) {
	t.Parallel()
	for want, say := range map[string]func(*diag.Diagnostics){
		"The provider failed unexpectedly": func(diags *diag.Diagnostics) {
			defer recoverPanic(diags, "Creating an app", nil)
			panic("x")
		},
		"The app owns a protected Key-Value Store": func(diags *diag.Diagnostics) {
			lost := &protectedStores{lost: map[string]loss{"e3b1": {id: "e3b1", label: `App "orders-api"`}}}
			diags.Append(lost.refuseLossOf(instanceModel{AppID: types.StringValue("e3b1"), DeletionProtection: types.BoolValue(true)})...)
		},
		"Unexpected provider data": func(diags *diag.Diagnostics) {
			var conn connection
			conn.configure("a connection", diags)
		},
	} {
		t.Run(want, func(t *testing.T) {
			t.Parallel()
			var diags diag.Diagnostics
			say(&diags)
			if len(diags) != 1 || diags[0].Summary() != want {
				t.Errorf("it says %v, want %q", diags, want)
			}
		})
	}
}
