// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
)

func forkType(t *testing.T) map[string]attr.Type {
	t.Helper()
	return forkAttribute().GetType().(types.ObjectType).AttrTypes
}

// fork is the attribute with these parts.
func fork(t *testing.T, id, url types.String, version types.Int64) types.Object {
	t.Helper()
	object, diags := types.ObjectValueFrom(t.Context(), forkType(t), forkModel{id, url, wholeNumber{Int64Value: version}})
	if diags.HasError() {
		t.Fatal(printed(diags))
	}
	return object
}

func TestForkRule(t *testing.T) {
	t.Parallel()
	none, later := types.StringNull(), types.StringUnknown()
	id, text := types.StringValue(string(oldStore)), types.StringValue
	const secret = "h:" + canary + "@host.example:6379"
	for name, test := range map[string]struct {
		id, url types.String
		want    []string
	}{
		"a store":                             {id: id, url: none},
		"a URL with TLS":                      {id: none, url: text("rediss://" + secret)},
		"a URL without TLS":                   {id: none, url: text("redis://" + secret)},
		"a store that is not known yet":       {id: later, url: none},
		"a URL that is not known yet":         {id: none, url: later},
		"nothing that is known yet":           {id: later, url: later},
		"a store, and what may turn out null": {id: id, url: later},
		"a URL, and what may turn out null":   {id: later, url: text("rediss://" + secret)},
		"no source": {id: none, url: none, want: []string{"Error: A fork needs a source | " +
			"Neither instance_id nor url_wo"}},
		"two sources": {id: id, url: text("rediss://" + secret), want: []string{"Error: A fork has one source | Keep the one"}},
		"a name in place of an id": {id: text("orders-cache"), url: none, want: []string{"Error: Invalid " +
			"source of a fork | give a UUID in lower case"}},
		"a URL in place of an id": {id: text("rediss://" + secret), url: none,
			want: []string{"Error: Invalid source of a fork | A URL belongs into url_wo"}},
		"another scheme": {id: none, url: text("https://" + secret),
			want: []string{"Error: Invalid source of a fork | does not start with redis:// or rediss://"}},
		"a URL without a host": {id: none, url: text("rediss://h:" + canary + "@"),
			want: []string{"Error: Invalid source of a fork | has no host"}},
		"a password that needs to be encoded": {id: none, url: text("rediss://h:" + canary + "#1@host.example"),
			want: []string{"Error: Invalid source of a fork | percent-encoded"}},
		"an empty URL": {id: none, url: text(""), want: []string{"Error: Invalid source of a fork | the URL is empty"}},
		"a broken URL beside an unknown store": {id: later, url: text(canary), want: []string{"Error: Invalid source " +
			"of a fork | does not start with"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			resp := new(validator.ObjectResponse)
			forkRule{}.ValidateObject(t.Context(), validator.ObjectRequest{Path: path.Root("fork"),
				ConfigValue: fork(t, test.id, test.url, types.Int64Null())}, resp)
			expectDiagnostics(t, resp.Diagnostics, test.want...)
			expectNoURL(t, printed(resp.Diagnostics), "redis://"+secret)
			// Terraform shows the lines of an attribute that a diagnostic points to.
			for _, d := range resp.Diagnostics {
				if _, points := d.(diag.DiagnosticWithPath); points && (known(test.id) || known(test.url)) {
					t.Errorf("%v points to where a URL may be written", d)
				}
			}
		})
	}
	for name, whole := range map[string]types.Object{"no fork": types.ObjectNull(forkType(t)), "a fork that is " +
		"unknown as a whole": types.ObjectUnknown(forkType(t))} {
		resp := new(validator.ObjectResponse)
		forkRule{}.ValidateObject(t.Context(), validator.ObjectRequest{Path: path.Root("fork"), ConfigValue: whole}, resp)
		if len(resp.Diagnostics) != 0 {
			t.Errorf("%s: %s", name, printed(resp.Diagnostics))
		}
	}
}

func TestForkAttribute_keepsNoURL(t *testing.T) {
	t.Parallel()
	url, ok := forkAttribute().Attributes["url_wo"].(schema.StringAttribute)
	if !ok || !url.WriteOnly || !url.Sensitive || url.Computed {
		t.Errorf("url_wo is %+v", url)
	}
}

func TestPlanFork(t *testing.T) {
	t.Parallel()
	none, some, later := types.ObjectNull(forkType(t)), fork(t, types.StringValue(string(oldStore)), types.StringNull(),
		types.Int64Null()), types.ObjectUnknown(forkType(t))
	for name, test := range map[string]struct {
		plan planName
		fork types.Object
		want []string
	}{
		"a fork to a private plan":     {newPlanName("private-7"), some, nil},
		"a new store on a shield plan": {newPlanName("shield-7"), none, nil},
		"a fork to a shield plan": {newPlanName("shield-7"), some, []string{"Error: Heroku does not fork to " +
			"shield plans | The plan shield-7"}},
		"a fork to a new shield plan":      {newPlanName("shield-99"), some, []string{"Error: Heroku does not fork to shield plans"}},
		"some source, to a shield plan":    {newPlanName("shield-7"), later, nil},
		"a fork to a plan not known yet":   {planName{StringValue: types.StringUnknown()}, some, nil},
		"a fork to a plan nobody knows of": {newPlanName("mega-1"), some, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			expectDiagnostics(t, instanceModel{Plan: test.plan}.planFork(test.fork), test.want...)
		})
	}
}

func TestPlanForkChange(t *testing.T) {
	t.Parallel()
	none := types.ObjectNull(forkType(t))
	store := func(id types.String) types.Object { return fork(t, id, types.StringNull(), types.Int64Null()) }
	version := func(n int64) types.Object {
		return fork(t, types.StringNull(), types.StringNull(), types.Int64Value(n))
	}
	before, other := store(types.StringValue(string(oldStore))), store(types.StringValue(string(newStore)))
	for name, test := range map[string]struct {
		state, plan types.Object
		warns       bool
	}{
		"it stays":                            {before, before, false},
		"there is none":                       {none, none, false},
		"another store":                       {before, other, true},
		"another version of the URL":          {version(1), version(2), true},
		"a URL in place of a store":           {before, version(1), true},
		"it is removed":                       {before, none, true},
		"it is added":                         {none, before, true},
		"a store that is not known yet":       {before, store(types.StringUnknown()), false},
		"a fork that is not known yet at all": {before, types.ObjectUnknown(forkType(t)), false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var want []string
			if test.warns {
				want = []string{"Warning: A fork is made at creation only | sends nothing to Heroku"}
			}
			expectDiagnostics(t, planForkChange(test.state, test.plan), want...)
		})
	}
}

func TestUnready(t *testing.T) {
	t.Parallel()
	there := heroku.AddOn{State: heroku.StateProvisioned}
	for name, test := range map[string]struct {
		addOn heroku.AddOn
		store *heroku.Store
		want  string
	}{
		"a store that is available":         {there, &heroku.Store{Status: "Available", ResourceURL: "redis://host"}, ""},
		"one that is being made":            {heroku.AddOn{State: heroku.StateProvisioning}, nil, "provisioning"},
		"one that could not be made":        {heroku.AddOn{State: heroku.StateDeprovisioned}, nil, "deprovisioned"},
		"one that the Data API has not yet": {there, nil, "preparing"},
		"one that is being upgraded": {there, &heroku.Store{Status: "Preparing (upgrade in progress)",
			ResourceURL: "redis://host"}, `"Preparing (upgrade in progress)"`},
		"one without a URL": {there, &heroku.Store{Status: "Available"}, "preparing"},
	} {
		if got := unreadyState(test.addOn, test.store); got != test.want {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
}
