// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

// warner answers every request with one warning.
type warner struct {
	server
	detail string
}

func (w *warner) warning() []*tfprotov6.Diagnostic {
	return []*tfprotov6.Diagnostic{{Severity: tfprotov6.DiagnosticSeverityWarning, Summary: "Look out", Detail: w.detail}}
}

func (w *warner) PlanResourceChange(context.Context, *tfprotov6.PlanResourceChangeRequest) (*tfprotov6.PlanResourceChangeResponse, error) {
	return &tfprotov6.PlanResourceChangeResponse{Diagnostics: w.warning()}, nil
}

func (w *warner) ReadDataSource(context.Context, *tfprotov6.ReadDataSourceRequest) (*tfprotov6.ReadDataSourceResponse, error) {
	return &tfprotov6.ReadDataSourceResponse{Diagnostics: w.warning()}, nil
}

func (w *warner) OpenEphemeralResource(context.Context, *tfprotov6.OpenEphemeralResourceRequest) (*tfprotov6.OpenEphemeralResourceResponse, error) {
	return &tfprotov6.OpenEphemeralResourceResponse{Diagnostics: w.warning()}, nil
}

func (w *warner) RenewEphemeralResource(context.Context, *tfprotov6.RenewEphemeralResourceRequest) (*tfprotov6.RenewEphemeralResourceResponse, error) {
	return &tfprotov6.RenewEphemeralResourceResponse{Diagnostics: w.warning()}, nil
}

func (w *warner) InvokeAction(context.Context, *tfprotov6.InvokeActionRequest) (*tfprotov6.InvokeActionServerStream, error) {
	events := []tfprotov6.InvokeActionEvent{{Type: tfprotov6.CompletedInvokeActionEventType{Diagnostics: w.warning()}}}
	return &tfprotov6.InvokeActionServerStream{Events: slices.Values(events)}, nil
}

func (w *warner) PlanAction(context.Context, *tfprotov6.PlanActionRequest) (*tfprotov6.PlanActionResponse, error) {
	return &tfprotov6.PlanActionResponse{Diagnostics: w.warning()}, nil
}

// of is a value of a type with these attributes; the others are unknown.
func of(t *testing.T, schema *tfprotov6.Schema, given map[string]string) *tfprotov6.DynamicValue {
	t.Helper()
	object, is := schema.ValueType().(tftypes.Object)
	if !is {
		t.Fatalf("%v is no object", schema.ValueType())
	}
	all := map[string]tftypes.Value{}
	for name, kind := range object.AttributeTypes {
		all[name] = tftypes.NewValue(kind, tftypes.UnknownValue)
		if text, has := given[name]; has {
			all[name] = tftypes.NewValue(kind, text)
		}
	}
	value, err := tfprotov6.NewDynamicValue(object, tftypes.NewValue(object, all))
	if err != nil {
		t.Fatal(err)
	}
	return &value
}

// Terraform shows one of several warnings with the same summary: what differs has to differ there.
func TestWarnings_areToldApartByTheirSummaries(t *testing.T) {
	t.Parallel()
	whole, served := providerserver.NewProtocol6(New("test")())().(server)
	if !served {
		t.Fatal("the framework serves something else")
	}
	w := &warner{server: whole}
	named, is := withNames(w).(namingServer)
	if !is {
		t.Fatal("there are no names")
	}
	ctx := t.Context()
	schemas, err := whole.GetProviderSchema(ctx, &tfprotov6.GetProviderSchemaRequest{})
	if err != nil {
		t.Fatal(err)
	}
	summary := func(said []*tfprotov6.Diagnostic, err error) string {
		if err != nil || len(said) != 1 {
			t.Fatalf("%d things are said, %v", len(said), err)
		}
		return said[0].Summary
	}
	plan := func(kind string, given map[string]string) string {
		resp, err := named.PlanResourceChange(ctx, &tfprotov6.PlanResourceChangeRequest{TypeName: kind,
			ProposedNewState: of(t, schemas.ResourceSchemas[kind], given)})
		return summary(resp.Diagnostics, err)
	}
	data := func(given map[string]string) string {
		resp, err := named.ReadDataSource(ctx, &tfprotov6.ReadDataSourceRequest{TypeName: "kvs_usage",
			Config: of(t, schemas.DataSourceSchemas["kvs_usage"], given)})
		return summary(resp.Diagnostics, err)
	}
	open := func(given map[string]string) string {
		resp, err := named.OpenEphemeralResource(ctx, &tfprotov6.OpenEphemeralResourceRequest{
			TypeName: "kvs_credentials", Config: of(t, schemas.EphemeralResourceSchemas["kvs_credentials"], given)})
		return summary(resp.Diagnostics, err)
	}
	renew := func() string {
		resp, err := named.RenewEphemeralResource(ctx, &tfprotov6.RenewEphemeralResourceRequest{TypeName: "kvs_credentials"})
		return summary(resp.Diagnostics, err)
	}
	invoke := func(given map[string]string) (said string) {
		resp, err := named.InvokeAction(ctx, &tfprotov6.InvokeActionRequest{
			ActionType: "kvs_reset_stats", Config: of(t, schemas.ActionSchemas["kvs_reset_stats"].Schema, given)})
		for event := range resp.Events {
			if completed, is := event.Type.(tfprotov6.CompletedInvokeActionEventType); is {
				said = summary(completed.Diagnostics, err)
			}
		}
		return said
	}
	planAction := func(given map[string]string) string {
		resp, err := named.PlanAction(ctx, &tfprotov6.PlanActionRequest{
			ActionType: "kvs_reset_stats", Config: of(t, schemas.ActionSchemas["kvs_reset_stats"].Schema, given)})
		return summary(resp.Diagnostics, err)
	}
	none := map[string]string{}
	for i, test := range []struct {
		detail string
		say    func() string
		want   string
	}{
		{"a", func() string { return plan("kvs_instance", map[string]string{"name": "acme", "app_id": "1"}) }, "Look out: acme"},
		// a name that is a word of the summary is a name all the same
		{"a", func() string { return plan("kvs_app", map[string]string{"name": "out"}) }, "Look out: out"},
		// a store that has no name yet is known by its app; another one there says something else, or the same
		{"a", func() string { return plan("kvs_instance", map[string]string{"app_id": "1"}) }, "Look out: 1"},
		{"b", func() string { return plan("kvs_instance", map[string]string{"app_id": "1"}) }, "Look out: 1 (2)"},
		{"a", func() string { return plan("kvs_instance", map[string]string{"app_id": "1"}) }, "Look out: 1"},
		{"a", func() string { return plan("kvs_attachment", map[string]string{"name": "CACHE", "app_id": "1"}) },
			"Look out: CACHE of app 1"},
		{"a", func() string {
			return plan("kvs_attachment", map[string]string{"name": "CACHE", "app_id": "1", "app_name": "web"})
		}, "Look out: CACHE of app web"},
		{"a", func() string {
			return plan("kvs_maintenance_window", map[string]string{"instance_id": "3", "instance_name": "cache"})
		}, "Look out: cache"},
		{"a", func() string {
			return plan("kvs_trusted_ip_ranges", map[string]string{"space_id": "4", "space_name": "prod"})
		}, "Look out: prod"},
		{"a", func() string { return plan("kvs_attachment", map[string]string{"app_id": "2"}) }, "Look out: 2"},
		{"a", func() string { return plan("kvs_maintenance_window", map[string]string{"instance_id": "3"}) }, "Look out: 3"},
		{"a", func() string { return plan("kvs_trusted_ip_ranges", map[string]string{"space_id": "4"}) }, "Look out: 4"},
		{"a", func() string { return plan("kvs_instance", none) }, "Look out"},
		{"b", func() string { return plan("kvs_attachment", none) }, "Look out (2)"},
		{"a", func() string { return data(map[string]string{"instance_id": "5"}) }, "Look out: 5"},
		{"a", func() string { return open(map[string]string{"attachment_id": "6"}) }, "Look out: 6"},
		{"c", renew, "Look out (3)"},
		{"a", func() string { return invoke(map[string]string{"instance_id": "7"}) }, "Look out: 7"},
		{"a", func() string { return planAction(map[string]string{"instance_id": "8"}) }, "Look out: 8"},
	} {
		w.detail = test.detail
		if got := test.say(); got != test.want {
			t.Errorf("%d: %q, want %q", i, got, test.want)
		}
	}
	// each plan and each apply begins anew
	configured, err := named.ConfigureProvider(ctx, &tfprotov6.ConfigureProviderRequest{Config: of(t, schemas.Provider, none)})
	if err != nil || len(configured.Diagnostics) > 0 {
		t.Fatal(configured.Diagnostics, err)
	}
	w.detail = "d"
	if got := plan("kvs_instance", none); got != "Look out" {
		t.Errorf("after a new beginning: %q", got)
	}
}

// What a plan does not look at any more is said not to have been looked at.
func TestLossOnDestroy_ofAnEleventhStore(t *testing.T) {
	t.Parallel()
	said := (&instanceResource{}).lossOnDestroy(t.Context(), instanceModel{})
	if len(said) != 1 ||
		!strings.Contains(said[0].Detail(), "looks only at the first 10 objects that it destroys, and this is a further one") {
		t.Errorf("it says %v", said)
	}
}
