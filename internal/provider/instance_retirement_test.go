// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/types"
)

// What a state says of a retired store is judged before Heroku is asked: it may have been written by hand.
func TestNotRetired_withoutAsking(t *testing.T) {
	t.Parallel()
	const own, other = "7c4e2a90-3b5d-4f8e-a1c6-d2e3f4a5b6c7", "fc3930ae-b1fc-45e2-b527-29abfb649eac"
	keeper := instanceModel{ID: types.StringValue(own), Name: types.StringValue("orders-cache")}
	protected := &protectedStores{}
	protected.note(instanceModel{ID: types.StringValue(other), Name: types.StringValue("orders-archive"),
		DeletionProtection: types.BoolValue(true)})
	r := &instanceResource{connection{protected: protected}}
	for kept, want := range map[string]string{
		"orders-archive":       "not the id of a store",
		strings.ToUpper(other): "not the id of a store",
		own:                    "not the id of a store",
		other:                  "protected, as Key-Value Store orders-archive",
	} {
		if doubt, err := r.replacements().WhyNotRetired(t.Context(), keeper.store(), kept); err != nil || !strings.Contains(doubt, want) {
			t.Errorf("%s: %q (%v), want %q", kept, doubt, err, want)
		}
	}
}
