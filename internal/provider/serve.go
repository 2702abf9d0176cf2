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

// Serve serves the provider to Terraform or OpenTofu until that ends, or to whoever attaches to it.
func Serve(version string, attachable bool, with ...Option) error {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(250) // the heap is small, and most of what is collected is the garbage of one request
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
	return guardedServer(mockable(phased(withNames(finishing(releasing(providerserver.NewProtocol6(p)()))), p)))
}

// silenceTrace keeps the plugin libraries from tracing when nobody has asked for logs. They trace by default, and the CLI throws
// it away after both have spent a third of their time on it. The result is false when somebody has asked.
func silenceTrace() bool {
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

// finishingServer answers StopProvider when the actions under way have said how they ended. What an action says after that is
// dropped by terraform-plugin-go, and Terraform takes an action that says nothing for one that has succeeded.
type finishingServer struct {
	server
	underWay *sync.RWMutex // held for reading by each action
}

// lastWords is how long is waited for them, in real time: what an interrupted action sends, and what puts its apps back.
const lastWords = releaseTimeout + time.Minute

func finishing(s tfprotov6.ProviderServer) tfprotov6.ProviderServer {
	if whole, ok := s.(server); ok {
		return finishingServer{whole, new(sync.RWMutex)}
	}
	return s
}

func (s finishingServer) InvokeAction(
	ctx context.Context, req *tfprotov6.InvokeActionRequest,
) (*tfprotov6.InvokeActionServerStream, error) {
	s.underWay.RLock()
	stream, err := s.server.InvokeAction(ctx, req)
	if err != nil || stream == nil || stream.Events == nil {
		s.underWay.RUnlock()
		return stream, err
	}
	return &tfprotov6.InvokeActionServerStream{Events: func(push func(tfprotov6.InvokeActionEvent) bool) {
		defer s.underWay.RUnlock()
		stream.Events(push)
	}}, nil
}

// StopProvider cancels the contexts of all requests first, as the framework does.
func (s finishingServer) StopProvider(ctx context.Context, req *tfprotov6.StopProviderRequest) (*tfprotov6.StopProviderResponse, error) {
	resp, err := s.server.StopProvider(ctx, req)
	over := make(chan struct{})
	go func() {
		s.underWay.Lock()
		defer s.underWay.Unlock()
		close(over)
	}()
	select {
	case <-over:
	case <-ctx.Done():
	case <-time.After(lastWords):
	}
	return resp, err
}

// releasingServer gives the framework contexts that hold nothing once their request has been answered. The framework keeps the
// context of every request until the provider ends, some 20 KB each with its loggers, and four requests concern every resource.
type releasingServer struct{ server }

func releasing(s tfprotov6.ProviderServer) tfprotov6.ProviderServer {
	if whole, ok := s.(server); ok {
		return releasingServer{whole}
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

// release answers a request with a context that loses its parent, and is cancelled, when the request has been answered.
func release[Q, R any](ctx context.Context, req Q, answer func(context.Context, Q) (R, error)) (R, error) {
	released := &releasedContext{done: ctx.Done()}
	released.parent.Store(&ctx)
	defer released.parent.Store(nil)
	return answer(released, req)
}

// releasedContext is its parent until that is taken from it.
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
