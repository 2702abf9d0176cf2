// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"strings"
	"testing"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
)

// A plan has the names of what its UUIDs mean. A rename, here or by hand, changes nothing else, and the state follows.
func TestAccNames_besideUUIDs(t *testing.T) {
	t.Parallel()
	const wakes = `
resource "terraform_data" "web" {
  input = kvs_instance.cache.app_id
}
`
	l := newLab(t, approved+wakes+staffed, embedded)
	l.mustApply(approved + wakes + staffed)
	expect := func(names map[string]map[string]any) {
		t.Helper()
		for address, want := range names {
			if object, _ := l.cli.Object(address); !contains(object.Attributes, want) {
				t.Errorf("%s has %v, want %v", address, object.Attributes, want)
			}
		}
	}
	expect(map[string]map[string]any{
		"kvs_app.inside":                {"space_name": "acme-prod"},
		"kvs_app.web":                   {"space_name": nil},
		"kvs_trusted_ip_ranges.prod":    {"space_name": "acme-prod"},
		"kvs_maintenance_window.inside": {"instance_name": "orders-inside-cache"},
		"kvs_attachment.worker":         {"instance_name": "orders-cache", "app_name": "orders-worker"},
		"kvs_space_app_access.member":   {"space_name": "acme-prod"},
		"kvs_formation.worker":          {"app_name": "orders-worker"},
	})

	// what is renamed in the plan, and changed beside that: names follow with the next refresh
	renamed := strings.NewReplacer(`"acme-prod"`, `"acme-main"`, `"orders-inside"`, `"orders-within"`,
		`"orders-inside-cache"`, `"orders-within-cache"`, `"orders-web"`, `"orders-www"`, `"orders-worker"`, `"orders-jobs"`,
		"192.0.2.0/24", "203.0.113.0/24", "Sunday", "Monday", "SECOND", "THIRD",
		`"orders-cache"`, "\"orders-store\"\n  timeout = 60", `"CACHE"`, `"STORE"`,
		"quantity = 3", "quantity = 4").Replace(approved+staffed) + wakes
	l.mustApply(renamed)
	l.expectNoChanges()
	l.mustApply(renamed)
	expect(map[string]map[string]any{
		"kvs_app.inside":                {"space_name": "acme-main"},
		"kvs_trusted_ip_ranges.prod":    {"space_name": "acme-main"},
		"kvs_maintenance_window.inside": {"instance_name": "orders-within-cache"},
		"kvs_attachment.worker":         {"instance_name": "orders-store", "app_name": "orders-jobs"},
		"kvs_space_app_access.member":   {"space_name": "acme-main"},
		"kvs_formation.worker":          {"app_name": "orders-jobs"},
	})

	// what is re-pointed has the name of what it leads to; what is renamed by hand meanwhile stays as it was planned
	pointed := strings.Replace(renamed, "instance_id = kvs_instance.cache.id", "instance_id = kvs_instance.spare.id", 1)
	planned := l.changesOf(pointed)["kvs_attachment.worker"]
	if planned.After["app_name"] != "orders-jobs" || planned.Unknown["instance_name"] != true {
		t.Errorf("planned %v, unknown %v", planned.After, planned.Unknown)
	}
	byHand, err := l.client.FindApp(t.Context(), "orders-jobs")
	name := "orders-hands"
	if err == nil {
		_, err = l.client.UpdateApp(t.Context(), byHand.ID, heroku.AppUpdate{Name: &name})
	}
	if err != nil {
		t.Fatal(err)
	}
	if result := l.run(mishap{}, "apply", "-input=false", "-no-color", "plan.tfplan"); result.Code != 0 {
		t.Errorf("the apply exited %d:\n%s", result.Code, result.Output())
	}
	expect(map[string]map[string]any{
		"kvs_attachment.worker": {"instance_name": "orders-spare", "app_name": "orders-jobs"},
	})
}
