// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/hashicorp/terraform-plugin-framework/provider"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
)

// guarded turns a panic during any request into an error diagnostic. An unrecovered panic would end the process, and with it every
// other request and the ids of what these have just created. The methods of resources, data sources and actions recover themselves
// (recoverPanic), because they know what they have done; guarded covers the rest, such as plans, validators and functions. It does
// not cover state stores, which the provider does not have, nor the goroutine in which the framework invokes an action.
type guarded struct{ server }

// guardedServer wraps s if it implements server.
func guardedServer(s tfprotov6.ProviderServer) tfprotov6.ProviderServer {
	if inner, ok := s.(server); ok {
		return guarded{inner}
	}
	return s
}

// guard calls answer. After a panic it returns the response that failed makes from the diagnostic.
func guard[Q, R any](ctx context.Context, what string, req Q, answer func(context.Context, Q) (R, error),
	failed func(*tfprotov6.Diagnostic) R) (resp R, err error) {
	defer func() {
		if cause := recover(); cause != nil {
			resp, err = failed(panicDiagnostic(what, cause)), nil
		}
	}()
	return answer(ctx, req)
}

func panicDiagnostic(what string, cause any) *tfprotov6.Diagnostic {
	return &tfprotov6.Diagnostic{
		Severity: tfprotov6.DiagnosticSeverityError, Summary: "The provider failed unexpectedly",
		Detail: fmt.Sprintf("%s: the provider failed with %s.\n\nThis is a bug: please report it with these lines.\n%s",
			what, panicText(cause), strings.Join(callers(), "\n")),
	}
}

// diagnosticOnly returns a response with the diagnostic in its field Diagnostics, or an empty one if it has no such field.
func diagnosticOnly[R any](d *tfprotov6.Diagnostic) *R {
	resp := new(R)
	if field := reflect.ValueOf(resp).Elem().FieldByName("Diagnostics"); field.IsValid() {
		field.Set(reflect.ValueOf([]*tfprotov6.Diagnostic{d}))
	}
	return resp
}

// ReadResource keeps the state after a panic: without one, Terraform would forget the object.
func (g guarded) ReadResource(ctx context.Context, req *tfprotov6.ReadResourceRequest) (*tfprotov6.ReadResourceResponse, error) {
	return guard(ctx, "ReadResource", req, g.server.ReadResource, func(d *tfprotov6.Diagnostic) *tfprotov6.ReadResourceResponse {
		return &tfprotov6.ReadResourceResponse{NewState: req.CurrentState, Private: req.Private,
			NewIdentity: req.CurrentIdentity, Diagnostics: []*tfprotov6.Diagnostic{d}}
	})
}

// ApplyResourceChange keeps the prior state after a panic.
func (g guarded) ApplyResourceChange(
	ctx context.Context, req *tfprotov6.ApplyResourceChangeRequest,
) (*tfprotov6.ApplyResourceChangeResponse, error) {
	return guard(ctx, "ApplyResourceChange", req, g.server.ApplyResourceChange,
		func(d *tfprotov6.Diagnostic) *tfprotov6.ApplyResourceChangeResponse {
			return &tfprotov6.ApplyResourceChangeResponse{NewState: req.PriorState, Private: req.PlannedPrivate,
				NewIdentity: req.PlannedIdentity, Diagnostics: []*tfprotov6.Diagnostic{d}}
		})
}

// CallFunction returns a FunctionError, since its response has no diagnostics.
func (g guarded) CallFunction(ctx context.Context, req *tfprotov6.CallFunctionRequest) (*tfprotov6.CallFunctionResponse, error) {
	return guard(ctx, "CallFunction", req, g.server.CallFunction, func(d *tfprotov6.Diagnostic) *tfprotov6.CallFunctionResponse {
		return &tfprotov6.CallFunctionResponse{Error: &tfprotov6.FunctionError{Text: d.Summary + ": " + d.Detail}}
	})
}

// ListResource also guards the list while it is being read.
func (g guarded) ListResource(ctx context.Context, req *tfprotov6.ListResourceRequest) (*tfprotov6.ListResourceServerStream, error) {
	failed := func(d *tfprotov6.Diagnostic) *tfprotov6.ListResourceServerStream {
		return &tfprotov6.ListResourceServerStream{Results: func(yield func(tfprotov6.ListResourceResult) bool) {
			yield(tfprotov6.ListResourceResult{Diagnostics: []*tfprotov6.Diagnostic{d}})
		}}
	}
	stream, err := guard(ctx, "ListResource", req, g.server.ListResource, failed)
	if err == nil && stream != nil && stream.Results != nil {
		stream.Results = guardedSeq("ListResource", stream.Results, func(d *tfprotov6.Diagnostic) tfprotov6.ListResourceResult {
			return tfprotov6.ListResourceResult{Diagnostics: []*tfprotov6.Diagnostic{d}}
		})
	}
	return stream, err
}

// InvokeAction also guards the events.
func (g guarded) InvokeAction(ctx context.Context, req *tfprotov6.InvokeActionRequest) (*tfprotov6.InvokeActionServerStream, error) {
	completed := func(d *tfprotov6.Diagnostic) tfprotov6.InvokeActionEvent {
		return tfprotov6.InvokeActionEvent{Type: tfprotov6.CompletedInvokeActionEventType{Diagnostics: []*tfprotov6.Diagnostic{d}}}
	}
	stream, err := guard(ctx, "InvokeAction", req, g.server.InvokeAction,
		func(d *tfprotov6.Diagnostic) *tfprotov6.InvokeActionServerStream {
			return &tfprotov6.InvokeActionServerStream{Events: func(yield func(tfprotov6.InvokeActionEvent) bool) { yield(completed(d)) }}
		})
	if err == nil && stream != nil && stream.Events != nil {
		stream.Events = guardedSeq("InvokeAction", stream.Events, completed)
	}
	return stream, err
}

// guardedSeq ends a sequence that panics with the element that last returns.
func guardedSeq[E any](what string, all func(func(E) bool), last func(*tfprotov6.Diagnostic) E) func(func(E) bool) {
	return func(yield func(E) bool) {
		defer func() {
			if cause := recover(); cause != nil {
				yield(last(panicDiagnostic(what, cause)))
			}
		}()
		all(yield)
	}
}

// All other methods return the diagnostic only.

func (g guarded) GetMetadata(ctx context.Context, req *tfprotov6.GetMetadataRequest) (*tfprotov6.GetMetadataResponse, error) {
	return guard(ctx, "GetMetadata", req, g.server.GetMetadata, diagnosticOnly[tfprotov6.GetMetadataResponse])
}

func (g guarded) GetProviderSchema(
	ctx context.Context, req *tfprotov6.GetProviderSchemaRequest,
) (*tfprotov6.GetProviderSchemaResponse, error) {
	return guard(ctx, "GetProviderSchema", req, g.server.GetProviderSchema, diagnosticOnly[tfprotov6.GetProviderSchemaResponse])
}

func (g guarded) GetResourceIdentitySchemas(ctx context.Context,
	req *tfprotov6.GetResourceIdentitySchemasRequest) (*tfprotov6.GetResourceIdentitySchemasResponse, error) {
	return guard(ctx, "GetResourceIdentitySchemas", req, g.server.GetResourceIdentitySchemas,
		diagnosticOnly[tfprotov6.GetResourceIdentitySchemasResponse])
}

func (g guarded) ValidateProviderConfig(ctx context.Context,
	req *tfprotov6.ValidateProviderConfigRequest) (*tfprotov6.ValidateProviderConfigResponse, error) {
	return guard(ctx, "ValidateProviderConfig", req, g.server.ValidateProviderConfig, diagnosticOnly[tfprotov6.ValidateProviderConfigResponse])
}

func (g guarded) ConfigureProvider(
	ctx context.Context, req *tfprotov6.ConfigureProviderRequest,
) (*tfprotov6.ConfigureProviderResponse, error) {
	return guard(ctx, "ConfigureProvider", req, g.server.ConfigureProvider, diagnosticOnly[tfprotov6.ConfigureProviderResponse])
}

func (g guarded) StopProvider(ctx context.Context, req *tfprotov6.StopProviderRequest) (*tfprotov6.StopProviderResponse, error) {
	return guard(ctx, "StopProvider", req, g.server.StopProvider, diagnosticOnly[tfprotov6.StopProviderResponse])
}

func (g guarded) ValidateResourceConfig(ctx context.Context,
	req *tfprotov6.ValidateResourceConfigRequest) (*tfprotov6.ValidateResourceConfigResponse, error) {
	return guard(ctx, "ValidateResourceConfig", req, g.server.ValidateResourceConfig, diagnosticOnly[tfprotov6.ValidateResourceConfigResponse])
}

func (g guarded) UpgradeResourceState(
	ctx context.Context, req *tfprotov6.UpgradeResourceStateRequest,
) (*tfprotov6.UpgradeResourceStateResponse, error) {
	return guard(ctx, "UpgradeResourceState", req, g.server.UpgradeResourceState, diagnosticOnly[tfprotov6.UpgradeResourceStateResponse])
}

func (g guarded) PlanResourceChange(
	ctx context.Context, req *tfprotov6.PlanResourceChangeRequest,
) (*tfprotov6.PlanResourceChangeResponse, error) {
	return guard(ctx, "PlanResourceChange", req, g.server.PlanResourceChange, diagnosticOnly[tfprotov6.PlanResourceChangeResponse])
}

func (g guarded) ImportResourceState(
	ctx context.Context, req *tfprotov6.ImportResourceStateRequest,
) (*tfprotov6.ImportResourceStateResponse, error) {
	return guard(ctx, "ImportResourceState", req, g.server.ImportResourceState, diagnosticOnly[tfprotov6.ImportResourceStateResponse])
}

func (g guarded) MoveResourceState(
	ctx context.Context, req *tfprotov6.MoveResourceStateRequest,
) (*tfprotov6.MoveResourceStateResponse, error) {
	return guard(ctx, "MoveResourceState", req, g.server.MoveResourceState, diagnosticOnly[tfprotov6.MoveResourceStateResponse])
}

func (g guarded) UpgradeResourceIdentity(ctx context.Context,
	req *tfprotov6.UpgradeResourceIdentityRequest) (*tfprotov6.UpgradeResourceIdentityResponse, error) {
	return guard(ctx, "UpgradeResourceIdentity", req, g.server.UpgradeResourceIdentity,
		diagnosticOnly[tfprotov6.UpgradeResourceIdentityResponse])
}

func (g guarded) GenerateResourceConfig(ctx context.Context,
	req *tfprotov6.GenerateResourceConfigRequest) (*tfprotov6.GenerateResourceConfigResponse, error) {
	return guard(ctx, "GenerateResourceConfig", req, g.server.GenerateResourceConfig, diagnosticOnly[tfprotov6.GenerateResourceConfigResponse])
}

func (g guarded) ValidateDataResourceConfig(ctx context.Context,
	req *tfprotov6.ValidateDataResourceConfigRequest) (*tfprotov6.ValidateDataResourceConfigResponse, error) {
	return guard(ctx, "ValidateDataResourceConfig", req, g.server.ValidateDataResourceConfig,
		diagnosticOnly[tfprotov6.ValidateDataResourceConfigResponse])
}

func (g guarded) ReadDataSource(ctx context.Context, req *tfprotov6.ReadDataSourceRequest) (*tfprotov6.ReadDataSourceResponse, error) {
	return guard(ctx, "ReadDataSource", req, g.server.ReadDataSource, diagnosticOnly[tfprotov6.ReadDataSourceResponse])
}

func (g guarded) ValidateEphemeralResourceConfig(ctx context.Context,
	req *tfprotov6.ValidateEphemeralResourceConfigRequest) (*tfprotov6.ValidateEphemeralResourceConfigResponse, error) {
	return guard(ctx, "ValidateEphemeralResourceConfig", req, g.server.ValidateEphemeralResourceConfig,
		diagnosticOnly[tfprotov6.ValidateEphemeralResourceConfigResponse])
}

func (g guarded) OpenEphemeralResource(
	ctx context.Context, req *tfprotov6.OpenEphemeralResourceRequest,
) (*tfprotov6.OpenEphemeralResourceResponse, error) {
	return guard(ctx, "OpenEphemeralResource", req, g.server.OpenEphemeralResource, diagnosticOnly[tfprotov6.OpenEphemeralResourceResponse])
}

func (g guarded) RenewEphemeralResource(ctx context.Context,
	req *tfprotov6.RenewEphemeralResourceRequest) (*tfprotov6.RenewEphemeralResourceResponse, error) {
	return guard(ctx, "RenewEphemeralResource", req, g.server.RenewEphemeralResource, diagnosticOnly[tfprotov6.RenewEphemeralResourceResponse])
}

func (g guarded) CloseEphemeralResource(ctx context.Context,
	req *tfprotov6.CloseEphemeralResourceRequest) (*tfprotov6.CloseEphemeralResourceResponse, error) {
	return guard(ctx, "CloseEphemeralResource", req, g.server.CloseEphemeralResource, diagnosticOnly[tfprotov6.CloseEphemeralResourceResponse])
}

func (g guarded) GetFunctions(ctx context.Context, req *tfprotov6.GetFunctionsRequest) (*tfprotov6.GetFunctionsResponse, error) {
	return guard(ctx, "GetFunctions", req, g.server.GetFunctions, diagnosticOnly[tfprotov6.GetFunctionsResponse])
}

func (g guarded) ValidateListResourceConfig(ctx context.Context,
	req *tfprotov6.ValidateListResourceConfigRequest) (*tfprotov6.ValidateListResourceConfigResponse, error) {
	return guard(ctx, "ValidateListResourceConfig", req, g.server.ValidateListResourceConfig,
		diagnosticOnly[tfprotov6.ValidateListResourceConfigResponse])
}

func (g guarded) ValidateActionConfig(
	ctx context.Context, req *tfprotov6.ValidateActionConfigRequest,
) (*tfprotov6.ValidateActionConfigResponse, error) {
	return guard(ctx, "ValidateActionConfig", req, g.server.ValidateActionConfig, diagnosticOnly[tfprotov6.ValidateActionConfigResponse])
}

func (g guarded) PlanAction(ctx context.Context, req *tfprotov6.PlanActionRequest) (*tfprotov6.PlanActionResponse, error) {
	return guard(ctx, "PlanAction", req, g.server.PlanAction, diagnosticOnly[tfprotov6.PlanActionResponse])
}

// sessions holds the current connection of a configured provider. Each plan and each apply has its own.
type sessions struct {
	connect func() (connection, error)
	current atomic.Pointer[connection]
}

func (s *sessions) renew() error {
	conn, err := s.connect()
	if err == nil {
		s.current.Store(&conn)
	}
	return err
}

// phasedServer renews the session for each plan and each apply where Terraform does not. Terraform configures a provider anew for
// each of them, except in `terraform test`, where newer versions (1.16, but not 1.11) configure it once for all runs of a file. The
// state that the instances of a plan share would then outlive the plan: a second plan would be refused because of objects that the
// first one planned to create. phasedServer recognizes such a provider by its configuration not having been validated.
type phasedServer struct {
	server
	provider  *kvsProvider
	validated *atomic.Bool
	*phase
}

// phase is the current plan or apply.
type phase struct {
	mu       sync.Mutex
	applying bool
	read     map[string]bool // states that were read in it
}

func phased(s tfprotov6.ProviderServer, p provider.Provider) tfprotov6.ProviderServer {
	inner, isServer := s.(server)
	ours, isOurs := p.(*kvsProvider)
	if !isServer || !isOurs {
		return s
	}
	return phasedServer{inner, ours, new(atomic.Bool), &phase{read: map[string]bool{}}}
}

func (s phasedServer) ValidateProviderConfig(ctx context.Context,
	req *tfprotov6.ValidateProviderConfigRequest) (*tfprotov6.ValidateProviderConfigResponse, error) {
	s.validated.Store(true)
	return s.server.ValidateProviderConfig(ctx, req)
}

// ReadResource belongs to a plan. Reading the same state again begins another plan.
func (s phasedServer) ReadResource(ctx context.Context, req *tfprotov6.ReadResourceRequest) (*tfprotov6.ReadResourceResponse, error) {
	if s.severalPhases() && req.CurrentState != nil {
		s.enter(false, req.TypeName+" "+string(req.CurrentState.MsgPack))
	}
	return s.server.ReadResource(ctx, req)
}

// PlanResourceChange belongs to an apply if deferral is allowed: Terraform plans creations and updates again in an apply. If a plan is
// refused, the reason may be the shared state of an earlier plan, which goes unnoticed where there is no state to read. So
// PlanResourceChange begins another phase and tries once more.
func (s phasedServer) PlanResourceChange(ctx context.Context,
	req *tfprotov6.PlanResourceChangeRequest) (*tfprotov6.PlanResourceChangeResponse, error) {
	if !s.severalPhases() {
		return s.server.PlanResourceChange(ctx, req)
	}
	applying := req.ClientCapabilities != nil && req.ClientCapabilities.DeferralAllowed
	s.enter(applying, "")
	resp, err := s.server.PlanResourceChange(ctx, req)
	if err == nil && !applying && slices.ContainsFunc(resp.Diagnostics, isError) {
		s.mu.Lock()
		s.begin(false)
		s.mu.Unlock()
		return s.server.PlanResourceChange(ctx, req)
	}
	return resp, err
}

func (s phasedServer) ApplyResourceChange(ctx context.Context,
	req *tfprotov6.ApplyResourceChangeRequest) (*tfprotov6.ApplyResourceChangeResponse, error) {
	if s.severalPhases() {
		s.enter(true, "")
	}
	return s.server.ApplyResourceChange(ctx, req)
}

func (s phasedServer) severalPhases() bool { return !s.validated.Load() && s.provider.sessions != nil }

// enter begins another phase if applying differs from the current one, or if the state has been read in it.
func (s phasedServer) enter(applying bool, state string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.applying != applying || s.read[state] {
		s.begin(applying)
	}
	if state != "" {
		s.read[state] = true
	}
}

// begin begins another phase. The caller holds s.mu.
func (s phasedServer) begin(applying bool) {
	s.applying = applying
	clear(s.read)
	_ = s.provider.sessions.renew() // cannot fail: the same options have succeeded in Configure
}

func isError(d *tfprotov6.Diagnostic) bool { return d.Severity == tfprotov6.DiagnosticSeverityError }
