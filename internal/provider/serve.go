// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"os"
	"runtime/debug"
	"strings"
	"sync/atomic"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/provider"
	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6/tf6server"
)

const address = "registry.terraform.io/terraform-kvs/kvs"

// Serve serves the provider to Terraform or OpenTofu until that ends, or to whoever attaches to it.
//
// It is providerserver.Serve without what counts with thousands of resources: a trace that nobody reads, the memory of
// every request that there was, and the plan of what does not change.
func Serve(version string, attachable bool, with ...Option) error {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(250) // the heap is small, and most of what is collected is the garbage of one request
	}
	serve := NewServer
	if !quiet() { // a poll may outlive the request that began it, and logs with that one's context
		serve = func(version string, with ...Option) tfprotov6.ProviderServer {
			return guardedServer(withNames(providerserver.NewProtocol6(New(version, with...)())()))
		}
	}
	var opts []tf6server.ServeOpt
	if attachable {
		opts = append(opts, tf6server.WithManagedDebug())
	}
	return tf6server.Serve(address, func() tfprotov6.ProviderServer {
		return serve(version, with...)
	}, opts...)
}

// NewServer returns the provider as it is served when nobody has asked for logs.
func NewServer(version string, with ...Option) tfprotov6.ProviderServer {
	return guardedServer(withNames(forgetting(New(version, with...)())))
}

// quiet keeps the plugin libraries from tracing when nobody has asked for logs. They trace by default, and the CLI throws
// it away after both have spent a third of their time on it. The result is false when somebody has.
func quiet() bool {
	for _, variable := range os.Environ() {
		if name, value, _ := strings.Cut(variable, "="); strings.HasPrefix(name, "TF_LOG") && value != "" {
			return false
		}
	}
	return os.Setenv("TF_LOG_SDK", "OFF") == nil && os.Setenv("TF_LOG_PROVIDER_KVS", "OFF") == nil
}

// server is all that a provider can answer.
type server interface {
	tfprotov6.ProviderServer
	tfprotov6.ListResourceServer
	tfprotov6.ActionServer
	tfprotov6.StateStoreServer
}

// forgetful gives the framework contexts that hold on to nothing once their request has been answered: it keeps each
// until the provider ends, some twenty kilobytes apiece. Four requests concern every resource. What contexts carry here
// are loggers, which cost a tenth of the provider's time even while they are silent: they are left out.
type forgetful struct {
	server
	provider *kvsProvider
}

func forgetting(p provider.Provider) tfprotov6.ProviderServer {
	s := providerserver.NewProtocol6(p)()
	whole, served := s.(server)
	ours, is := p.(*kvsProvider)
	if !served || !is {
		return s
	}
	return forgetful{whole, ours}
}

func (f forgetful) ValidateResourceConfig(ctx context.Context, req *tfprotov6.ValidateResourceConfigRequest) (*tfprotov6.ValidateResourceConfigResponse, error) {
	return forget(ctx, req, f.server.ValidateResourceConfig)
}

func (f forgetful) UpgradeResourceState(ctx context.Context, req *tfprotov6.UpgradeResourceStateRequest) (*tfprotov6.UpgradeResourceStateResponse, error) {
	return forget(ctx, req, f.server.UpgradeResourceState)
}

func (f forgetful) UpgradeResourceIdentity(ctx context.Context, req *tfprotov6.UpgradeResourceIdentityRequest) (*tfprotov6.UpgradeResourceIdentityResponse, error) {
	return forget(ctx, req, f.server.UpgradeResourceIdentity)
}

func (f forgetful) ReadResource(ctx context.Context, req *tfprotov6.ReadResourceRequest) (*tfprotov6.ReadResourceResponse, error) {
	return forget(ctx, req, f.server.ReadResource)
}

func (f forgetful) PlanResourceChange(ctx context.Context, req *tfprotov6.PlanResourceChangeRequest) (*tfprotov6.PlanResourceChangeResponse, error) {
	if f.provider.unchanged(ctx, req) {
		return &tfprotov6.PlanResourceChangeResponse{PlannedState: req.PriorState, PlannedPrivate: req.PriorPrivate, PlannedIdentity: req.PriorIdentity}, nil
	}
	return forget(ctx, req, f.server.PlanResourceChange)
}

func (f forgetful) ApplyResourceChange(ctx context.Context, req *tfprotov6.ApplyResourceChangeRequest) (*tfprotov6.ApplyResourceChangeResponse, error) {
	return forget(ctx, req, f.server.ApplyResourceChange)
}

func (f forgetful) ReadDataSource(ctx context.Context, req *tfprotov6.ReadDataSourceRequest) (*tfprotov6.ReadDataSourceResponse, error) {
	return forget(ctx, req, f.server.ReadDataSource)
}

func forget[Q, R any](ctx context.Context, req Q, answer func(context.Context, Q) (R, error)) (R, error) {
	passing := &passingContext{done: ctx.Done()}
	passing.parent.Store(&ctx)
	defer passing.parent.Store(nil)
	return answer(passing, req)
}

// passingContext is its parent until that is taken from it, and cancelled from then on.
type passingContext struct {
	done   <-chan struct{}
	parent atomic.Pointer[context.Context]
}

func (c *passingContext) Done() <-chan struct{} { return c.done }

func (c *passingContext) Deadline() (time.Time, bool) {
	if parent := c.parent.Load(); parent != nil {
		return (*parent).Deadline()
	}
	return time.Time{}, false
}

func (c *passingContext) Err() error {
	if parent := c.parent.Load(); parent != nil {
		return (*parent).Err()
	}
	return context.Canceled
}

func (c *passingContext) Value(any) any { return nil }
