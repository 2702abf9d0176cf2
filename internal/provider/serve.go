// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"os"
	"regexp"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6/tf6server"
)

const address = "registry.terraform.io/terraform-kvs/kvs"

// Serve serves the provider to Terraform or OpenTofu until the CLI ends the process. With attachable, it waits for a CLI to attach,
// for a debugger (TF_REATTACH_PROVIDERS).
func Serve(version string, attachable bool, with ...Option) error {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(250) // the heap is small, and most garbage is that of single requests
	}
	silenceTrace()
	var opts []tf6server.ServeOpt
	if attachable {
		opts = append(opts, tf6server.WithManagedDebug())
	}
	return tf6server.Serve(address, func() tfprotov6.ProviderServer { return NewServer(version, with...) }, opts...)
}

// NewServer returns the provider as it is served.
func NewServer(version string, with ...Option) tfprotov6.ProviderServer {
	p := New(version, with...)()
	return guardedServer(mockable(phased(withNames(draining(releasing(providerserver.NewProtocol6(p)()))), p)))
}

// silenceTrace turns off the trace logs of the plugin libraries unless a TF_LOG variable is set, and reports whether it did. The
// libraries trace by default, and the CLI discards the logs after both have spent a third of their time on them.
func silenceTrace() bool {
	for _, variable := range os.Environ() {
		if name, value, _ := strings.Cut(variable, "="); strings.HasPrefix(name, "TF_LOG") && value != "" {
			return false
		}
	}
	return os.Setenv("TF_LOG_SDK", "OFF") == nil && os.Setenv("TF_LOG_PROVIDER_KVS", "OFF") == nil
}

// server is a ProviderServer with the optional interfaces that the framework implements.
type server interface {
	tfprotov6.ProviderServer
	tfprotov6.ListResourceServer
	tfprotov6.ActionServer
	tfprotov6.StateStoreServer
}

// drainingServer answers StopProvider after the running actions have reported how they ended. terraform-plugin-go drops later
// events, and Terraform treats an action without a final event as successful.
type drainingServer struct {
	server
	running *sync.RWMutex // each running action holds a read lock
}

// drainTimeout limits that wait, in real time: for the last request of an interrupted action, and for putting its apps back.
const drainTimeout = releaseTimeout + time.Minute

func draining(s tfprotov6.ProviderServer) tfprotov6.ProviderServer {
	if inner, ok := s.(server); ok {
		return drainingServer{inner, new(sync.RWMutex)}
	}
	return s
}

func (s drainingServer) InvokeAction(
	ctx context.Context, req *tfprotov6.InvokeActionRequest,
) (*tfprotov6.InvokeActionServerStream, error) {
	s.running.RLock()
	stream, err := s.server.InvokeAction(ctx, req)
	if err != nil || stream == nil || stream.Events == nil {
		s.running.RUnlock()
		return stream, err
	}
	return &tfprotov6.InvokeActionServerStream{Events: func(push func(tfprotov6.InvokeActionEvent) bool) {
		defer s.running.RUnlock()
		stream.Events(push)
	}}, nil
}

// StopProvider cancels the contexts of all requests first, as the framework does.
func (s drainingServer) StopProvider(ctx context.Context, req *tfprotov6.StopProviderRequest) (*tfprotov6.StopProviderResponse, error) {
	resp, err := s.server.StopProvider(ctx, req)
	done := make(chan struct{})
	go func() {
		s.running.Lock()
		defer s.running.Unlock()
		close(done)
	}()
	select {
	case <-done:
	case <-ctx.Done():
	case <-time.After(drainTimeout):
	}
	return resp, err
}

// releasingServer passes contexts to the framework that drop their values once the request has been answered. The framework keeps
// the context of every request until the process ends: about 20 KB each with its loggers, and four requests for every resource.
type releasingServer struct{ server }

func releasing(s tfprotov6.ProviderServer) tfprotov6.ProviderServer {
	if inner, ok := s.(server); ok {
		return releasingServer{inner}
	}
	return s
}

func (s releasingServer) ValidateResourceConfig(ctx context.Context,
	req *tfprotov6.ValidateResourceConfigRequest) (*tfprotov6.ValidateResourceConfigResponse, error) {
	return release(ctx, req, s.server.ValidateResourceConfig)
}

func (s releasingServer) UpgradeResourceState(ctx context.Context,
	req *tfprotov6.UpgradeResourceStateRequest) (*tfprotov6.UpgradeResourceStateResponse, error) {
	return release(ctx, req, s.server.UpgradeResourceState)
}

func (s releasingServer) UpgradeResourceIdentity(ctx context.Context,
	req *tfprotov6.UpgradeResourceIdentityRequest) (*tfprotov6.UpgradeResourceIdentityResponse, error) {
	return release(ctx, req, s.server.UpgradeResourceIdentity)
}

func (s releasingServer) ReadResource(ctx context.Context, req *tfprotov6.ReadResourceRequest) (*tfprotov6.ReadResourceResponse, error) {
	return release(ctx, req, s.server.ReadResource)
}

func (s releasingServer) PlanResourceChange(ctx context.Context,
	req *tfprotov6.PlanResourceChangeRequest) (*tfprotov6.PlanResourceChangeResponse, error) {
	return release(ctx, req, s.server.PlanResourceChange)
}

func (s releasingServer) ApplyResourceChange(ctx context.Context,
	req *tfprotov6.ApplyResourceChangeRequest) (*tfprotov6.ApplyResourceChangeResponse, error) {
	return release(ctx, req, s.server.ApplyResourceChange)
}

func (s releasingServer) ReadDataSource(ctx context.Context,
	req *tfprotov6.ReadDataSourceRequest) (*tfprotov6.ReadDataSourceResponse, error) {
	return release(ctx, req, s.server.ReadDataSource)
}

// release calls answer with a context that drops its parent, and is cancelled, when answer returns.
func release[Q, R any](ctx context.Context, req Q, answer func(context.Context, Q) (R, error)) (R, error) {
	released := &releasedContext{done: ctx.Done()}
	released.parent.Store(&ctx)
	defer released.parent.Store(nil)
	return answer(released, req)
}

// releasedContext delegates to its parent until that is set to nil.
type releasedContext struct {
	done   <-chan struct{}
	parent atomic.Pointer[context.Context]
}

func (c *releasedContext) Done() <-chan struct{} { return c.done }

func (c *releasedContext) Deadline() (time.Time, bool) {
	if parent := c.parent.Load(); parent != nil {
		return (*parent).Deadline()
	}
	return time.Time{}, false
}

func (c *releasedContext) Err() error {
	if parent := c.parent.Load(); parent != nil {
		return (*parent).Err()
	}
	return context.Canceled
}

func (c *releasedContext) Value(key any) any {
	if parent := c.parent.Load(); parent != nil {
		return (*parent).Value(key)
	}
	return nil
}

// mockableServer lets validators know whether the provider has been configured. `terraform test` never configures a provider that
// it mocks: it reads the schema and has the provider validate configurations that contain generated ids.
type mockableServer struct {
	server
	configured *atomic.Bool
}

func mockable(s tfprotov6.ProviderServer) tfprotov6.ProviderServer {
	if inner, ok := s.(server); ok {
		return mockableServer{inner, new(atomic.Bool)}
	}
	return s
}

type mockableKey struct{}

// mockedValue matches the strings that Terraform (8 characters) and OpenTofu (4 to 15) generate for mocked attributes.
var mockedValue = regexp.MustCompile(`^[A-Za-z0-9]{4,15}$`)

// mayBeMocked reports whether a mock may have generated a value. Accepting a value wrongly does no harm: a plan configures the
// provider and validates again.
func mayBeMocked(ctx context.Context, value string) bool {
	return ctx.Value(mockableKey{}) != nil && mockedValue.MatchString(value)
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
