// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"testing"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/keyvalue"
)

func TestDefaultPlan(t *testing.T) {
	t.Parallel()
	plans := func(names ...string) []heroku.Plan {
		var offered []heroku.Plan
		for _, name := range names {
			offered = append(offered, heroku.Plan{Name: "heroku-redis:" + name, SpaceDefault: name == "private-9"})
		}
		return offered
	}
	all := plans("shield-10", "premium-0", "private-12", "private-9", "shield-9", "private-7", "mini", "shield-3")
	for name, test := range map[string]struct {
		offered []heroku.Plan
		at      keyvalue.Location
		want    string // "" = none
	}{
		"the one that Heroku names, although there are smaller ones": {all, keyvalue.PrivateSpace, "private-9"},
		"the smallest, where Heroku's default cannot run":            {all, keyvalue.ShieldSpace, "shield-9"},
		"the smallest, where Heroku names none": {plans("private-12", "private-10", "private-14"),
			keyvalue.PrivateSpace, "private-10"},
		"a plan that is not in the catalogue, when there is no other": {plans("mini", "shield-5", "shield-3"),
			keyvalue.ShieldSpace, "shield-3"},
		"none, where nothing fits": {plans("mini", "premium-0", "basic-1"), keyvalue.PrivateSpace, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got, found := defaultPlan(test.offered, test.at); got != test.want || found != (test.want != "") {
				t.Errorf("got %q (%t), want %q", got, found, test.want)
			}
		})
	}
}
