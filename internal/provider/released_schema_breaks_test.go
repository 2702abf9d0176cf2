// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"bytes"
	"encoding/json"
	"slices"
	"testing"
)

// edited is the schema of today after a change in it; path leads to the object that is changed.
func edited(t *testing.T, change func(map[string]any), path ...string) providerSchema {
	t.Helper()
	var document map[string]any
	if err := json.Unmarshal(fileOf(t, "testdata/schema.json"), &document); err != nil {
		t.Fatal(err)
	}
	at := document["provider_schemas"].(map[string]any)["registry.terraform.io/hashicorp/kvs"].(map[string]any)
	for _, step := range path {
		at = at[step].(map[string]any)
	}
	change(at)
	content, err := json.Marshal(document)
	if err != nil {
		t.Fatal(err)
	}
	schema, _ := schemaIn(t, content)
	return schema
}

func set(name string, value any) func(map[string]any) {
	return func(m map[string]any) { m[name] = value }
}

func without(name string) func(map[string]any) {
	return func(m map[string]any) { delete(m, name) }
}

// Today's schema is taken for the released one, and each change is planted into what is built.
func TestSchema_plantedChanges(t *testing.T) {
	t.Parallel()
	released := edited(t, func(map[string]any) {})
	app := []string{"resource_schemas", "kvs_app", "block", "attributes"}
	in := func(path []string, more ...string) []string { return append(slices.Clone(path), more...) }
	for name, c := range map[string]struct {
		path   []string
		change func(map[string]any)
		want   string // none when it breaks nothing
	}{
		"nothing":                 {nil, func(map[string]any) {}, ""},
		"a resource that goes":    {[]string{"resource_schemas"}, without("kvs_app"), "resource/kvs_app: is gone"},
		"a data source that goes": {[]string{"data_source_schemas"}, without("kvs_app"), "data-source/kvs_app: is gone"},
		"an ephemeral that goes": {[]string{"ephemeral_resource_schemas"}, without("kvs_credentials"),
			"ephemeral/kvs_credentials: is gone"},
		"a function that goes": {[]string{"functions"}, without("parse_url"), "function/parse_url: is gone"},
		"a function of other type": {[]string{"functions", "parse_url"}, set("return_type", "string"),
			"function/parse_url: takes or returns another type"},
		"an attribute that goes":    {app, without("team"), "resource/kvs_app team: is gone"},
		"another type":              {in(app, "team"), set("type", "number"), "resource/kvs_app team: has another type"},
		"optional becomes required": {in(app, "team"), set("required", true), "resource/kvs_app team: became required"},
		"a new required attribute": {app, set("colour", map[string]any{"type": "string", "required": true}),
			"resource/kvs_app colour: is new and required"},
		"a new optional attribute":   {app, set("colour", map[string]any{"type": "string", "optional": true}), ""},
		"a new sensitive mark":       {in(app, "web_url"), set("sensitive", true), "resource/kvs_app web_url: became sensitive"},
		"a value not given any more": {in(app, "web_url"), without("computed"), "resource/kvs_app web_url: is no longer filled in"},
		"a value no longer stored":   {in(app, "name"), set("write_only", true), "resource/kvs_app name: is no longer in state"},
		"an option that is fixed":    {in(app, "maintenance"), without("optional"), "resource/kvs_app maintenance: can no longer be set"},
		"another description":        {in(app, "name"), set("description", "x"), ""},
		"an older version of state": {[]string{"resource_schemas", "kvs_app"}, set("version", -1),
			"resource/kvs_app: has an older version of its state"},
		"an identity without its id": {[]string{"resource_identity_schemas", "kvs_app", "attributes"}, without("id"),
			"identity/kvs_app id: is gone"},
		"a provider's attribute": {[]string{"provider", "block", "attributes"}, without("api_url"), "provider/kvs api_url: is gone"},
		"an attribute that is nested": {[]string{"resource_schemas", "kvs_instance", "block", "attributes", "timeouts",
			"nested_type", "attributes"}, without("create"),
			"resource/kvs_instance timeouts.create: is gone"},
		"another nesting": {[]string{"resource_schemas", "kvs_instance", "block", "attributes", "timeouts",
			"nested_type"}, set("nesting_mode", "list"),
			"resource/kvs_instance timeouts: is nested in another way"},
		"an ephemeral's attribute": {[]string{"ephemeral_resource_schemas", "kvs_credentials", "block", "attributes"}, without("password"),
			"ephemeral/kvs_credentials password: is gone"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got []string
			breaks := breaksBetween(released, edited(t, c.change, c.path...))
			for _, b := range breaks {
				got = append(got, b.String())
			}
			var want []string
			if c.want != "" {
				want = []string{c.want}
			}
			if !slices.Equal(got, want) {
				t.Errorf("got %q, want %q", got, want)
			}
			if missing := unannounced(breaks,
				"# Changelog\n\n## 9.0.0 (Unreleased)\n\nFEATURES:\n\n* `team` resource/kvs_app: x\n"); len(missing) != len(breaks) {
				t.Errorf("this passes for announced: %q", got)
			}
			var entries bytes.Buffer
			for _, b := range breaks {
				entries.WriteString("* " + b.object + ": `" + b.attribute + "` goes\n")
			}
			if missing := unannounced(breaks, "# Changelog\n\n## 9.0.0 (Unreleased)\n\nBREAKING CHANGES:\n\n"+entries.String()+"\nFEATURES:\n\n## 8.0.0 (May 1, 2026)\n"); len(missing) != 0 {
				t.Errorf("this is announced: %q", missing)
			}
			if missing := unannounced(breaks, "# Changelog\n\n## 9.0.0 (Unreleased)\n\n## 8.0.0 (May 1, "+
				"2026)\n\nBREAKING CHANGES:\n\n"+entries.String()); len(missing) != len(breaks) {
				t.Errorf("an earlier release has announced %q", got)
			}
		})
	}
}
