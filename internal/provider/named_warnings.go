// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"strings"
	"sync"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

// Terraform shows one of several warnings that have the same summary, and of the others no more than their number. What it
// shows is what a plan is approved by, so that every warning about a resource gets the name of its object.

// naming is a server that adds those names.
type naming struct {
	server
	mu      *sync.Mutex
	schemas *map[string]*tfprotov6.Schema // of resources, by their types; read when the first warning is said
}

func withNames(s tfprotov6.ProviderServer) tfprotov6.ProviderServer {
	whole, served := s.(server)
	if !served {
		return s
	}
	return naming{whole, new(sync.Mutex), new(map[string]*tfprotov6.Schema)}
}

// schema is that of a resource type, nil when there is none.
func (n naming) schema(ctx context.Context, resourceType string) *tfprotov6.Schema {
	n.mu.Lock()
	defer n.mu.Unlock()
	if *n.schemas == nil {
		served, err := n.GetProviderSchema(ctx, &tfprotov6.GetProviderSchemaRequest{})
		if err != nil {
			return nil
		}
		*n.schemas = served.ResourceSchemas
	}
	return (*n.schemas)[resourceType]
}

func (n naming) ValidateResourceConfig(ctx context.Context, req *tfprotov6.ValidateResourceConfigRequest) (*tfprotov6.ValidateResourceConfigResponse, error) {
	resp, err := n.server.ValidateResourceConfig(ctx, req)
	if resp != nil {
		n.name(ctx, resp.Diagnostics, req.TypeName, req.Config)
	}
	return resp, err
}

func (n naming) ReadResource(ctx context.Context, req *tfprotov6.ReadResourceRequest) (*tfprotov6.ReadResourceResponse, error) {
	resp, err := n.server.ReadResource(ctx, req)
	if resp != nil {
		n.name(ctx, resp.Diagnostics, req.TypeName, req.CurrentState)
	}
	return resp, err
}

func (n naming) PlanResourceChange(ctx context.Context, req *tfprotov6.PlanResourceChangeRequest) (*tfprotov6.PlanResourceChangeResponse, error) {
	resp, err := n.server.PlanResourceChange(ctx, req)
	if resp != nil {
		n.name(ctx, resp.Diagnostics, req.TypeName, req.PriorState, req.ProposedNewState)
	}
	return resp, err
}

func (n naming) ApplyResourceChange(ctx context.Context, req *tfprotov6.ApplyResourceChangeRequest) (*tfprotov6.ApplyResourceChangeResponse, error) {
	resp, err := n.server.ApplyResourceChange(ctx, req)
	if resp != nil {
		n.name(ctx, resp.Diagnostics, req.TypeName, req.PriorState, resp.NewState, req.PlannedState)
	}
	return resp, err
}

// name adds the name that the first of the values has to the summaries of warnings.
func (n naming) name(ctx context.Context, said []*tfprotov6.Diagnostic, resourceType string, values ...*tfprotov6.DynamicValue) {
	name := ""
	for _, d := range said {
		if d.Severity != tfprotov6.DiagnosticSeverityWarning {
			continue
		}
		if name == "" {
			if name = n.nameIn(ctx, resourceType, values); name == "" {
				return
			}
		}
		if known, _, _ := strings.Cut(name, " of "); !strings.Contains(d.Summary, known) { // else it says which object it is about
			d.Summary += ": " + name
		}
	}
}

// exists is false for an object that is null, which MessagePack writes as a single byte.
func exists(v *tfprotov6.DynamicValue) bool { return v != nil && len(v.MsgPack) > 1 }

// identifying are the attributes by which people know an object, where these are not its name.
var identifying = map[string][]string{
	"kvs_attachment":         {"name", "app_id"},
	"kvs_maintenance_window": {"instance_id"},
	"kvs_trusted_ip_ranges":  {"space_id"},
}

func (n naming) nameIn(ctx context.Context, resourceType string, values []*tfprotov6.DynamicValue) string {
	schema := n.schema(ctx, resourceType)
	if schema == nil {
		return ""
	}
	wanted := identifying[resourceType]
	if wanted == nil {
		wanted = []string{"name"}
	}
	for _, value := range values {
		if !exists(value) {
			continue
		}
		var attributes map[string]tftypes.Value
		object, err := value.Unmarshal(schema.ValueType())
		if err != nil || object.As(&attributes) != nil {
			continue
		}
		var parts []string
		for _, attribute := range wanted {
			var text string
			if v, has := attributes[attribute]; has && v.IsKnown() && !v.IsNull() && v.As(&text) == nil {
				parts = append(parts, text)
			}
		}
		if len(parts) > 0 {
			return strings.Join(parts, " of ")
		}
	}
	return ""
}
