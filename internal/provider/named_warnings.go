// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

// Terraform shows one of several warnings that have the same summary, and of the others no more than their number. What it
// shows is what a plan is approved by, so that every warning gets the name of the object that it is about. No other place
// puts names into summaries.

// naming is a server that adds those names.
type naming struct {
	server
	*names
}

type names struct {
	mu     sync.Mutex
	served *tfprotov6.GetProviderSchemaResponse // read when the first warning is said
	said   map[string][]string                  // details, by summaries
}

func withNames(s tfprotov6.ProviderServer) tfprotov6.ProviderServer {
	whole, served := s.(server)
	if !served {
		return s
	}
	return naming{whole, &names{said: map[string][]string{}}}
}

// ConfigureProvider begins a plan or an apply.
func (n naming) ConfigureProvider(ctx context.Context, req *tfprotov6.ConfigureProviderRequest) (*tfprotov6.ConfigureProviderResponse, error) {
	n.mu.Lock()
	clear(n.said)
	n.mu.Unlock()
	return n.server.ConfigureProvider(ctx, req)
}

func (n naming) ValidateResourceConfig(ctx context.Context, req *tfprotov6.ValidateResourceConfigRequest) (*tfprotov6.ValidateResourceConfigResponse, error) {
	resp, err := n.server.ValidateResourceConfig(ctx, req)
	if resp != nil {
		n.name(ctx, resp.Diagnostics, resourceSchema(req.TypeName), req.Config)
	}
	return resp, err
}

func (n naming) ReadResource(ctx context.Context, req *tfprotov6.ReadResourceRequest) (*tfprotov6.ReadResourceResponse, error) {
	resp, err := n.server.ReadResource(ctx, req)
	if resp != nil {
		n.name(ctx, resp.Diagnostics, resourceSchema(req.TypeName), req.CurrentState)
	}
	return resp, err
}

func (n naming) PlanResourceChange(ctx context.Context, req *tfprotov6.PlanResourceChangeRequest) (*tfprotov6.PlanResourceChangeResponse, error) {
	resp, err := n.server.PlanResourceChange(ctx, req)
	if resp != nil {
		n.name(ctx, resp.Diagnostics, resourceSchema(req.TypeName), req.PriorState, req.ProposedNewState)
	}
	return resp, err
}

func (n naming) ApplyResourceChange(ctx context.Context, req *tfprotov6.ApplyResourceChangeRequest) (*tfprotov6.ApplyResourceChangeResponse, error) {
	resp, err := n.server.ApplyResourceChange(ctx, req)
	if resp != nil {
		n.name(ctx, resp.Diagnostics, resourceSchema(req.TypeName), req.PriorState, resp.NewState, req.PlannedState)
	}
	return resp, err
}

func (n naming) ReadDataSource(ctx context.Context, req *tfprotov6.ReadDataSourceRequest) (*tfprotov6.ReadDataSourceResponse, error) {
	resp, err := n.server.ReadDataSource(ctx, req)
	if resp != nil {
		n.name(ctx, resp.Diagnostics, func(all *tfprotov6.GetProviderSchemaResponse) *tfprotov6.Schema {
			return all.DataSourceSchemas[req.TypeName]
		}, req.Config)
	}
	return resp, err
}

func (n naming) OpenEphemeralResource(ctx context.Context, req *tfprotov6.OpenEphemeralResourceRequest) (*tfprotov6.OpenEphemeralResourceResponse, error) {
	resp, err := n.server.OpenEphemeralResource(ctx, req)
	if resp != nil {
		n.name(ctx, resp.Diagnostics, func(all *tfprotov6.GetProviderSchemaResponse) *tfprotov6.Schema {
			return all.EphemeralResourceSchemas[req.TypeName]
		}, req.Config)
	}
	return resp, err
}

func (n naming) RenewEphemeralResource(ctx context.Context, req *tfprotov6.RenewEphemeralResourceRequest) (*tfprotov6.RenewEphemeralResourceResponse, error) {
	resp, err := n.server.RenewEphemeralResource(ctx, req)
	if resp != nil { // which is not told the configuration
		n.name(ctx, resp.Diagnostics, resourceSchema(""))
	}
	return resp, err
}

func (n naming) PlanAction(ctx context.Context, req *tfprotov6.PlanActionRequest) (*tfprotov6.PlanActionResponse, error) {
	resp, err := n.server.PlanAction(ctx, req)
	if resp != nil {
		n.name(ctx, resp.Diagnostics, actionSchema(req.ActionType), req.Config)
	}
	return resp, err
}

func (n naming) InvokeAction(ctx context.Context, req *tfprotov6.InvokeActionRequest) (*tfprotov6.InvokeActionServerStream, error) {
	resp, err := n.server.InvokeAction(ctx, req)
	if resp == nil || resp.Events == nil {
		return resp, err
	}
	return &tfprotov6.InvokeActionServerStream{Events: func(yield func(tfprotov6.InvokeActionEvent) bool) {
		for event := range resp.Events {
			if completed, is := event.Type.(tfprotov6.CompletedInvokeActionEventType); is {
				n.name(ctx, completed.Diagnostics, actionSchema(req.ActionType), req.Config)
			}
			if !yield(event) {
				return
			}
		}
	}}, err
}

// schemaOf finds the schema of what is spoken of, nil when there is none.
type schemaOf func(*tfprotov6.GetProviderSchemaResponse) *tfprotov6.Schema

func resourceSchema(resourceType string) schemaOf {
	return func(all *tfprotov6.GetProviderSchemaResponse) *tfprotov6.Schema {
		return all.ResourceSchemas[resourceType]
	}
}

func actionSchema(actionType string) schemaOf {
	return func(all *tfprotov6.GetProviderSchemaResponse) *tfprotov6.Schema {
		if action := all.ActionSchemas[actionType]; action != nil {
			return action.Schema
		}
		return nil
	}
}

// name adds the name that the first of the values has to the summaries of warnings. An object that is to be created may have
// none yet, and one object may be warned of twice: a number tells apart what a name does not.
func (n naming) name(ctx context.Context, said []*tfprotov6.Diagnostic, of schemaOf, values ...*tfprotov6.DynamicValue) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, d := range said {
		if d.Severity != tfprotov6.DiagnosticSeverityWarning {
			continue
		}
		if name := n.nameIn(ctx, of, values); name != "" {
			d.Summary += ": " + name
		}
		details := n.said[d.Summary]
		at := slices.Index(details, d.Detail)
		if at < 0 {
			at, n.said[d.Summary] = len(details), append(details, d.Detail)
		}
		if at > 0 {
			d.Summary += fmt.Sprintf(" (%d)", at+1)
		}
	}
}

// exists is false for an object that is null, which MessagePack writes as a single byte.
func exists(v *tfprotov6.DynamicValue) bool { return v != nil && len(v.MsgPack) > 1 }

// identifying are the attributes by which people know an object, the best ones first. What belongs together is in one text.
var identifying = [][]string{{"name"}, {"instance_id"}, {"attachment_id"}, {"space_id"}, {"app_id"}}

// identifyingAttachments are those of what is known by its name and its app, neither of which is enough.
var identifyingAttachments = [][]string{{"name", "app_id"}, {"app_id"}}

func (n naming) nameIn(ctx context.Context, of schemaOf, values []*tfprotov6.DynamicValue) string {
	if n.served == nil {
		served, err := n.GetProviderSchema(ctx, &tfprotov6.GetProviderSchemaRequest{})
		if err != nil {
			return ""
		}
		n.served = served
	}
	schema := of(n.served)
	if schema == nil {
		return ""
	}
	wanted := identifying
	if schema == n.served.ResourceSchemas["kvs_attachment"] {
		wanted = identifyingAttachments
	}
	var objects []map[string]tftypes.Value
	for _, value := range values {
		var attributes map[string]tftypes.Value
		if !exists(value) {
			continue
		}
		if object, err := value.Unmarshal(schema.ValueType()); err == nil && object.As(&attributes) == nil {
			objects = append(objects, attributes)
		}
	}
	for _, together := range wanted {
		for _, attributes := range objects {
			if parts := texts(attributes, together); len(parts) == len(together) {
				return strings.Join(parts, " of app ")
			}
		}
	}
	return ""
}

// texts are the values of those attributes that are known and not empty.
func texts(attributes map[string]tftypes.Value, names []string) (all []string) {
	for _, name := range names {
		var text string
		v, has := attributes[name]
		if has && v.Type().Is(tftypes.String) && v.IsKnown() && !v.IsNull() && v.As(&text) == nil && text != "" {
			all = append(all, text)
		}
	}
	return all
}
