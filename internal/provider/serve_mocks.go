// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"regexp"
	"sync/atomic"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
)

// mockableServer tells validators whether the provider has been configured. `terraform test` never configures a provider that
// it mocks: it asks it for its schema and lets it validate configurations, with ids in them that it has invented.
type mockableServer struct {
	server
	configured *atomic.Bool
}

func mockable(s tfprotov6.ProviderServer) tfprotov6.ProviderServer {
	if whole, ok := s.(server); ok {
		return mockableServer{whole, new(atomic.Bool)}
	}
	return s
}

type mockableKey struct{}

// inventedValue is what Terraform (8 of them) and OpenTofu (4 to 15) invent for a text.
var inventedValue = regexp.MustCompile(`^[A-Za-z0-9]{4,15}$`)

// mayBeInvented says of a value that is judged that a mock may have made it. Nothing goes wrong when it has not: a plan
// configures the provider, and validates again what it plans.
func mayBeInvented(ctx context.Context, value string) bool {
	return ctx.Value(mockableKey{}) != nil && inventedValue.MatchString(value)
}

func (s mockableServer) ConfigureProvider(ctx context.Context,
	req *tfprotov6.ConfigureProviderRequest) (*tfprotov6.ConfigureProviderResponse, error) {
	s.configured.Store(true)
	return s.server.ConfigureProvider(ctx, req)
}

func (s mockableServer) ValidateResourceConfig(ctx context.Context,
	req *tfprotov6.ValidateResourceConfigRequest) (*tfprotov6.ValidateResourceConfigResponse, error) {
	return s.server.ValidateResourceConfig(s.with(ctx), req)
}

func (s mockableServer) ValidateDataResourceConfig(ctx context.Context,
	req *tfprotov6.ValidateDataResourceConfigRequest) (*tfprotov6.ValidateDataResourceConfigResponse, error) {
	return s.server.ValidateDataResourceConfig(s.with(ctx), req)
}

func (s mockableServer) ValidateEphemeralResourceConfig(ctx context.Context,
	req *tfprotov6.ValidateEphemeralResourceConfigRequest) (*tfprotov6.ValidateEphemeralResourceConfigResponse, error) {
	return s.server.ValidateEphemeralResourceConfig(s.with(ctx), req)
}

func (s mockableServer) ValidateActionConfig(ctx context.Context,
	req *tfprotov6.ValidateActionConfigRequest) (*tfprotov6.ValidateActionConfigResponse, error) {
	return s.server.ValidateActionConfig(s.with(ctx), req)
}

func (s mockableServer) with(ctx context.Context) context.Context {
	if s.configured.Load() {
		return ctx
	}
	return context.WithValue(ctx, mockableKey{}, true)
}
