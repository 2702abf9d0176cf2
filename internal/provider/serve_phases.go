// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/hashicorp/terraform-plugin-framework/provider"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
)

// sessions are the connections of a configured provider, one after the other: each plan and each apply has its own.
type sessions struct {
	connect func() (connection, error)
	now     atomic.Pointer[connection]
}

func (s *sessions) renew() error {
	conn, err := s.connect()
	if err == nil {
		s.now.Store(&conn)
	}
	return err
}

// phasedServer begins a session for each plan and each apply where Terraform does not. It configures a provider anew for each
// of them, but for `terraform test`, where newer versions (1.16 does, 1.11 does not) configure it once for all runs of a file. What
// the instances of one plan know of each other would outlive it: a second plan would be refused for what the first one was to
// create. A provider that is configured once is told by its configuration not having been validated before.
type phasedServer struct {
	server
	provider  *kvsProvider
	validated *atomic.Bool
	*phase
}

// phase is the plan or the apply that is under way.
type phase struct {
	mu       sync.Mutex
	applying bool
	read     map[string]bool // the states that it has read
}

func phased(s tfprotov6.ProviderServer, p provider.Provider) tfprotov6.ProviderServer {
	whole, isServer := s.(server)
	ours, isOurs := p.(*kvsProvider)
	if !isServer || !isOurs {
		return s
	}
	return phasedServer{whole, ours, new(atomic.Bool), &phase{read: map[string]bool{}}}
}

func (s phasedServer) ValidateProviderConfig(ctx context.Context,
	req *tfprotov6.ValidateProviderConfigRequest) (*tfprotov6.ValidateProviderConfigResponse, error) {
	s.validated.Store(true)
	return s.server.ValidateProviderConfig(ctx, req)
}

// ReadResource belongs to a plan, and to another one when it reads the same once more.
func (s phasedServer) ReadResource(ctx context.Context, req *tfprotov6.ReadResourceRequest) (*tfprotov6.ReadResourceResponse, error) {
	if s.severalPhases() && req.CurrentState != nil {
		s.enter(false, req.TypeName+" "+string(req.CurrentState.MsgPack))
	}
	return s.server.ReadResource(ctx, req)
}

// PlanResourceChange belongs to an apply where deferral is allowed: what is to be created or updated is planned there once more.
// What is refused in a plan may have met what another plan has left, of which nothing tells when there is no state to read.
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

// enter begins another phase unless the one that is under way is meant.
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

// begin is called while s.mu is held.
func (s phasedServer) begin(applying bool) {
	s.applying = applying
	clear(s.read)
	_ = s.provider.sessions.renew() // with the same options it has succeeded before
}

func isError(d *tfprotov6.Diagnostic) bool { return d.Severity == tfprotov6.DiagnosticSeverityError }
