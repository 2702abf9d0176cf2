// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package keyvalue_test

import (
	"strings"
	"testing"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/keyvalue"
)

// A plan has the same name with and without the service prefix, and parsing the name again does not change it.
func FuzzPlanName(f *testing.F) {
	for _, s := range []string{"premium-0", "hobby-dev", "mini", "heroku-redis", "heroku-redis:premium-0", "private-7", "Premium-0",
		"Premium 0", "heroku-redis:", ""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		name, err := keyvalue.ParsePlanName(s)
		if err != nil {
			if name != "" {
				t.Errorf("%q: an error comes with the plan %q", s, name)
			}
			if !strings.Contains(err.Error(), `"premium-0"`) {
				t.Errorf("%q: the error has no example: %v", s, err)
			}
			return
		}
		for _, spelling := range []string{string(name), name.Wire(), keyvalue.Service + ":" + strings.TrimPrefix(s, keyvalue.Service+":")} {
			if again, err := keyvalue.ParsePlanName(spelling); err != nil || again != name {
				t.Errorf("%q is the plan %q, and %q is %q, %v", s, name, spelling, again, err)
			}
		}
		if plan, published := keyvalue.LookupPlan(name); published {
			if class, known := name.Class(); !known || class != plan.Class || plan.Name != name {
				t.Errorf("%q is of class %q (%t), and published as %+v", name, class, known, plan)
			}
		}
	})
}
