// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/provider"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/changecontrol"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
)

// changeControlOf is a provider block with these attributes of change_control; a value is a text, a bool, a list of freezes, or a
// tftypes.Value.
func changeControlOf(t *testing.T, p *kvsProvider, given map[string]any) (tfsdk.Config, types.Object) {
	t.Helper()
	var schema provider.SchemaResponse
	p.Schema(t.Context(), provider.SchemaRequest{}, &schema)
	of := schema.Schema.Type().TerraformType(t.Context()).(tftypes.Object)
	control := of.AttributeTypes["change_control"].(tftypes.Object)
	within := map[string]tftypes.Value{}
	for name, kind := range control.AttributeTypes {
		within[name] = tftypes.NewValue(kind, nil)
		switch value := given[name].(type) {
		case nil:
		case [][3]string:
			freeze := kind.(tftypes.List).ElementType
			freezes := []tftypes.Value{}
			for _, f := range value {
				freezes = append(freezes, tftypes.NewValue(freeze, map[string]tftypes.Value{
					"from": tftypes.NewValue(tftypes.String, f[0]), "to": tftypes.NewValue(tftypes.String, f[1]),
					"reason": tftypes.NewValue(tftypes.String, f[2])}))
			}
			within[name] = tftypes.NewValue(kind, freezes)
		default:
			within[name] = tftypes.NewValue(kind, value)
		}
	}
	all := map[string]tftypes.Value{}
	for name, kind := range of.AttributeTypes {
		all[name] = tftypes.NewValue(kind, nil)
	}
	all["change_control"] = tftypes.NewValue(control, within)
	config := tfsdk.Config{Schema: schema.Schema, Raw: tftypes.NewValue(of, all)}
	var object types.Object
	if diags := config.GetAttribute(t.Context(), path.Root("change_control"), &object); diags.HasError() {
		t.Fatal(diags)
	}
	return config, object
}

// What cannot be used is an error at configuration, at its attribute, before anything is sent.
func TestChangeControl_unusable(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	written := filepath.Join(dir, "written")
	if err := os.WriteFile(written, []byte("something else\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct {
		given    map[string]any
		at, says string
	}{
		"a pattern": {map[string]any{"reference_pattern": "^CHG("}, "change_control.reference_pattern", "regular expression"},
		"a scope":   {map[string]any{"applies_to": "everything"}, "change_control.applies_to", `"all"`},
		"no times": {map[string]any{"freezes": []tftypes.Value{tftypes.NewValue(tftypes.Object{AttributeTypes: map[string]tftypes.Type{
			"from": tftypes.String, "to": tftypes.String, "reason": tftypes.String}}, nil)}}, "change_control.freezes[0].from", "RFC 3339"},
		"a time": {map[string]any{"freezes": [][3]string{{"2026-12-18", "2027-01-04T08:00:00Z", "x"}}},
			"change_control.freezes[0].from", "RFC 3339"},
		"ends before": {map[string]any{"freezes": [][3]string{{"2027-01-04T08:00:00Z", "2026-12-18T00:00:00Z",
			"x"}}}, "change_control.freezes[0].to", "later than the beginning"},
		"two overlap": {map[string]any{"freezes": [][3]string{{"2026-12-18T00:00:00Z", "2027-01-04T08:00:00Z",
			"x"}, {"2027-01-01T00:00:00Z", "2027-02-01T00:00:00Z", "y"}}}, "change_control.freezes[1].from", "overlaps"},
		"a directory":      {map[string]any{"record_file": dir}, "change_control.record_file", "directory"},
		"no directory":     {map[string]any{"record_file": filepath.Join(dir, "none", "record")}, "change_control.record_file", "none"},
		"no change record": {map[string]any{"record_file": written}, "change_control.record_file", "verify_change_record"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := providerWith(map[string]string{"HEROKU_API_KEY": "token"},
				WithClient(func(*heroku.Options) { t.Error("something would be sent") }))
			config, _ := changeControlOf(t, p, test.given)
			var resp provider.ConfigureResponse
			p.Configure(t.Context(), provider.ConfigureRequest{Config: config}, &resp)
			if len(resp.Diagnostics) == 0 {
				t.Fatal("it is accepted")
			}
			summary := "Unusable change control"
			if strings.HasSuffix(test.at, "record_file") {
				summary = "The change record cannot be written"
			}
			d, ok := resp.Diagnostics[0].(interface{ Path() path.Path })
			if got := resp.Diagnostics[0]; !ok || d.Path().String() != test.at || got.Summary() != summary ||
				!strings.Contains(got.Detail(), test.says) {
				t.Errorf("it says %v", resp.Diagnostics)
			}
			if resp.ResourceData != nil {
				t.Error("the provider is ready")
			}
		})
	}
}

// The configuration wins over the environment, and only what is configured travels with a saved plan.
func TestChangeControl_reference(t *testing.T) {
	t.Parallel()
	environment := map[string]string{"KVS_CHANGE_REFERENCE": "CHG0000001"}
	text := func(s string) *string { return &s }
	tests := map[string]struct {
		given   any
		planned *string
		refuses bool // while it is planned
	}{
		"from the configuration": {"CHG0000002", text("CHG0000002"), false},
		"from the environment":   {nil, nil, false},
		"of a wrong form":        {"CHG2", text("CHG2"), true},
		"not known yet":          {tftypes.UnknownValue, nil, false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := providerWith(environment)
			_, object := changeControlOf(t, p, map[string]any{"reference": test.given,
				"reference_pattern": "CHG[0-9]{7}", "applies_to": "all"})
			c, known, diags := p.changeControl(t.Context(), object)
			if !known || diags.HasError() {
				t.Fatal(known, diags)
			}
			if (c.planned == nil) != (test.planned == nil) || c.planned != nil && *c.planned != *test.planned {
				t.Errorf("a saved plan carries %v", c.planned)
			}
			refusals := c.Judge(changecontrol.Change{}, changecontrol.Planning, time.Now())
			if refused := len(refusals) > 0; refused != test.refuses {
				t.Errorf("it says %v", refusals)
			}
		})
	}
}

// A provider with a part that is not known is not ready, as with its token: it could let pass what is frozen.
func TestChangeControl_unknown(t *testing.T) {
	t.Parallel()
	for _, attribute := range []string{"reference_pattern", "applies_to", "freezes", "record_file", "emergency"} {
		p := providerWith(nil)
		config, _ := changeControlOf(t, p, map[string]any{attribute: tftypes.UnknownValue})
		var resp provider.ConfigureResponse
		p.Configure(t.Context(), provider.ConfigureRequest{Config: config}, &resp)
		if len(resp.Diagnostics) > 0 || resp.ResourceData != nil {
			t.Errorf("%s: %v, %v", attribute, resp.Diagnostics, resp.ResourceData)
		}
	}
}

// The record begins with its first write: a plan leaves no file.
func TestChangeControl_planLeavesNoRecord(t *testing.T) {
	t.Parallel()
	heroku := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"remaining":4500}`))
	}))
	t.Cleanup(heroku.Close)
	p := providerWith(map[string]string{"HEROKU_API_KEY": "token", "HEROKU_API_URL": heroku.URL, "HEROKU_DATA_API_URL": heroku.URL})
	record := filepath.Join(t.TempDir(), "record")
	config, _ := changeControlOf(t, p, map[string]any{"record_file": record})
	var resp provider.ConfigureResponse
	p.Configure(t.Context(), provider.ConfigureRequest{Config: config}, &resp)
	if resp.Diagnostics.HasError() || resp.ResourceData == nil {
		t.Fatal(resp.Diagnostics)
	}
	if _, err := os.Stat(record); !os.IsNotExist(err) {
		t.Errorf("there is a record: %v", err)
	}
}
