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
	schemas func() (*tfprotov6.GetProviderSchemaResponse, error)
}

func withNames(s tfprotov6.ProviderServer) tfprotov6.ProviderServer {
	whole, served := s.(server)
	if !served {
		return s
	}
	return naming{whole, sync.OnceValues(func() (*tfprotov6.GetProviderSchemaResponse, error) {
		return whole.GetProviderSchema(context.Background(), &tfprotov6.GetProviderSchemaRequest{})
	})}
}

func (n naming) ValidateResourceConfig(ctx context.Context, req *tfprotov6.ValidateResourceConfigRequest) (*tfprotov6.ValidateResourceConfigResponse, error) {
	resp, err := n.server.ValidateResourceConfig(ctx, req)
	if resp != nil {
		n.name(resp.Diagnostics, req.TypeName, req.Config)
	}
	return resp, err
}

func (n naming) ReadResource(ctx context.Context, req *tfprotov6.ReadResourceRequest) (*tfprotov6.ReadResourceResponse, error) {
	resp, err := n.server.ReadResource(ctx, req)
	if resp != nil {
		n.name(resp.Diagnostics, req.TypeName, req.CurrentState)
	}
	return resp, err
}

func (n naming) PlanResourceChange(ctx context.Context, req *tfprotov6.PlanResourceChangeRequest) (*tfprotov6.PlanResourceChangeResponse, error) {
	resp, err := n.server.PlanResourceChange(ctx, req)
	if resp != nil {
		n.name(resp.Diagnostics, req.TypeName, req.PriorState, req.ProposedNewState)
	}
	return resp, err
}

func (n naming) ApplyResourceChange(ctx context.Context, req *tfprotov6.ApplyResourceChangeRequest) (*tfprotov6.ApplyResourceChangeResponse, error) {
	resp, err := n.server.ApplyResourceChange(ctx, req)
	if resp != nil {
		n.name(resp.Diagnostics, req.TypeName, req.PriorState, resp.NewState, req.PlannedState)
	}
	return resp, err
}

// name adds the name that the first of the values has to the summaries of warnings.
func (n naming) name(said []*tfprotov6.Diagnostic, resourceType string, values ...*tfprotov6.DynamicValue) {
	name := ""
	for _, d := range said {
		if d.Severity != tfprotov6.DiagnosticSeverityWarning {
			continue
		}
		if name == "" {
			if name = n.nameIn(resourceType, values); name == "" {
				return
			}
		}
		if !strings.Contains(d.Summary, name) {
			d.Summary += ": " + name
		}
	}
}

// identifying are the attributes by which people know an object, where these are not its name.
var identifying = map[string][]string{
	"kvs_attachment":         {"name", "app_id"},
	"kvs_maintenance_window": {"instance_id"},
	"kvs_trusted_ip_ranges":  {"space_id"},
}

func (n naming) nameIn(resourceType string, values []*tfprotov6.DynamicValue) string {
	schemas, err := n.schemas()
	if err != nil || schemas.ResourceSchemas[resourceType] == nil {
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
		object, err := value.Unmarshal(schemas.ResourceSchemas[resourceType].ValueType())
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
