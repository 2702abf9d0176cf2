// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

func TestProtectedStores_whoeverComesSecondSeesTheConflict(t *testing.T) {
	t.Parallel()
	app := appModel{ID: types.StringValue("app"), Name: types.StringValue("orders-web")}
	store := func(id, app string, protected bool) instanceModel {
		return instanceModel{ID: types.StringValue(id), Name: types.StringValue("cache-" + id),
			AppID: types.StringValue(app), DeletionProtection: types.BoolValue(protected)}
	}
	for name, test := range map[string]struct {
		stores  []instanceModel
		refused []string // the names in the refusal, in order
	}{
		"protected stores are named, in one order": {[]instanceModel{store("b", "app", true),
			store("a", "app", true)}, []string{"cache-a", "cache-b"}},
		"an unprotected store holds nothing back":   {[]instanceModel{store("a", "app", false)}, nil},
		"a store of another app holds nothing back": {[]instanceModel{store("a", "other", true)}, nil},
		"a store that is read twice is one": {[]instanceModel{store("a", "app", true),
			store("a", "app", true)}, []string{"cache-a"}},
		"an app without stores is free to be replaced": {nil, nil},
	} {
		t.Run(name+", seen by the app", func(t *testing.T) {
			t.Parallel()
			var noted protectedStores
			for _, store := range test.stores {
				noted.note(store)
			}
			var said string
			for _, d := range noted.refuseLoss(app) {
				said += d.Detail()
			}
			if (said != "") != (test.refused != nil) {
				t.Fatalf("said %q, want the names %q", said, test.refused)
			}
			for _, name := range append(test.refused, "") {
				_, rest, found := strings.Cut(said, name)
				if !found {
					t.Errorf("%q is not in, or not in its place in:\n%s", name, said)
				}
				said = rest
			}
			if strings.Contains(said, "cache-") {
				t.Errorf("a store too many is named: %s", said)
			}
		})
		t.Run(name+", seen by the store", func(t *testing.T) {
			t.Parallel()
			var noted protectedStores
			if early := noted.refuseLoss(app); early != nil {
				t.Fatalf("refused without a store: %v", early)
			}
			for _, store := range test.stores {
				refused := noted.refuseLossOf(store).HasError()
				if want := test.refused != nil; refused != want {
					t.Errorf("%s: refused = %t, want %t", store.label(), refused, want)
				}
			}
		})
	}
}

// A space takes the apps in it, and with them their stores. The three are planned in any order.
func TestProtectedStores_ofASpace(t *testing.T) {
	t.Parallel()
	end := loss{id: "space", label: `Private Space "acme-prod"`, space: true}
	app := appModel{ID: types.StringValue("app"), Name: types.StringValue("orders-web"), SpaceID: types.StringValue("space")}
	outside := appModel{ID: types.StringValue("outside"), Name: types.StringValue("orders-site"), SpaceID: types.StringNull()}
	store := func(app string, protected bool) instanceModel {
		return instanceModel{
			ID: types.StringValue("of-" + app), Name: types.StringValue("cache"), AppID: types.StringValue(app),
			DeletionProtection: types.BoolValue(protected),
		}
	}
	type step func(*protectedStores) diag.Diagnostics
	space := step(func(p *protectedStores) diag.Diagnostics { return p.refuse(end) })
	inside := step(func(p *protectedStores) diag.Diagnostics { p.noteApp(app); return p.refuseLossIn(app) })
	beside := step(func(p *protectedStores) diag.Diagnostics { p.noteApp(outside); return p.refuseLossIn(outside) })
	stored := func(app string, protected bool) step {
		return func(p *protectedStores) diag.Diagnostics {
			p.note(store(app, protected))
			return p.refuseLossOf(store(app, protected))
		}
	}
	for name, test := range map[string]struct {
		steps   []step
		refused bool
	}{
		"the store last":          {[]step{space, inside, stored("app", true)}, true},
		"the app last":            {[]step{stored("app", true), space, inside}, true},
		"the space last":          {[]step{stored("app", true), inside, space}, true},
		"an unprotected store":    {[]step{space, inside, stored("app", false)}, false},
		"a store of another app":  {[]step{space, beside, stored("outside", true)}, false},
		"a space that stays":      {[]step{inside, stored("app", true)}, false},
		"an app without a store":  {[]step{space, inside}, false},
		"the space of nobody yet": {[]step{space}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var noted protectedStores
			var said diag.Diagnostics
			for _, step := range test.steps {
				said.Append(step(&noted)...)
			}
			if said.HasError() != test.refused || test.refused && said[0].Summary() != "The space holds a protected Key-Value Store" {
				t.Errorf("it says %v", said)
			}
		})
	}
}

// One object may be managed by two instances, of which only one protects it; Terraform plans them in any order.
func TestProtectedStores_oneObjectManagedTwice(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"kvs_instance", "kvs_private_space"} {
		ours, another, namesake := object{kind, "a"}, object{kind, "b"}, object{"kvs_app", "a"}
		var first protectedStores
		if first.protect(ours, "it").HasError() || !first.refuseDestroyOf(ours, "it").HasError() {
			t.Errorf("%s: protected first, its destroy is not refused", kind)
		}
		if first.refuseDestroyOf(another, "another").HasError() || first.refuseDestroyOf(namesake, "another").HasError() {
			t.Errorf("%s: the destroy of something else is refused", kind)
		}
		var second protectedStores
		if second.refuseDestroyOf(ours, "it").HasError() || !second.protect(ours, "it").HasError() {
			t.Errorf("%s: destroyed first, its protection does not refuse that", kind)
		}
		var none *protectedStores
		if none.protect(ours, "it").HasError() || none.refuseDestroyOf(ours, "it").HasError() {
			t.Errorf("%s: refused without a run", kind)
		}
	}
}
