// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package sandbox

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/keyvalue"
)

// backing is the server behind a store. It starts in the background.
type backing struct {
	name   string        // of the store
	done   chan struct{} // closed when server or err is set, after which both are read-only
	server server
	err    error
}

const (
	copyTimeout  = 5 * time.Minute
	stopTimeLeft = 10 * time.Second
)

// wait waits for the start and returns the server. It fails if b is nil.
func (b *backing) wait(ctx context.Context) (server, error) {
	if b == nil {
		return nil, errors.New("there is no server")
	}
	select {
	case <-b.done:
		return b.server, b.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Admin calls do with a client that is connected to the server of a store, given by name or id, with administrator rights.
func (s *Sandbox) Admin(ctx context.Context, store string, do func(*redis.Client) error) error {
	s.mu.Lock()
	a := s.world.store(store)
	var b *backing
	if a != nil {
		b = s.backings[a.ID]
	}
	s.mu.Unlock()
	srv, err := b.wait(ctx)
	if err != nil {
		return fmt.Errorf("the store %s: %w", store, err)
	}
	return srv.Admin(ctx, do)
}

func limitsOf(p keyvalue.PlanName) serverLimits {
	plan := planByName(p)
	return serverLimits{MaxMemory: plan.MemoryBytes(), MaxClients: plan.ConnectionLimit}
}

// spec returns the specification of the server behind a store. s.mu is held.
func (s *Sandbox) spec(a *addOn, serverID, password string) serverSpec {
	spec := serverSpec{
		ID:         a.Name,
		Password:   password,
		Limits:     limitsOf(a.Plan),
		Settings:   a.Store.Settings,
		Persistent: planByName(a.Plan).Persistence == "AOF",
	}
	if s.dataDir != nil {
		spec.Dir = s.dataDir.StoreDir(serverID)
	}
	return spec
}

// startBacking starts the server of a store. The server of a fork replicates its source. s.mu is held.
func (s *Sandbox) startBacking(a *addOn) {
	spec := s.spec(a, a.Store.Server, a.Store.Password)
	spec.Port = a.Store.Port
	var from sourceFunc
	if a.Store.Fork != nil {
		from = s.forkSource(*a.Store.Fork)
	}
	s.backings[a.ID] = s.startServer(spec, from)
}

// startSuccessor starts the server that a plan change or failover switches to. It replicates the current server until then. s.mu is held.
func (s *Sandbox) startSuccessor(a *addOn, e event) {
	s.successors[a.ID] = s.startServer(s.spec(a, e.Server, cmp.Or(e.Password, a.Store.Password)), s.backings[a.ID].replacementSource)
}

// sourceFunc returns the server to copy from, and waits until it is known.
type sourceFunc func(context.Context) (source, error)

// replacementSource returns the server as the source of a copy that is going to replace it.
func (b *backing) replacementSource(ctx context.Context) (source, error) {
	srv, err := b.wait(ctx)
	if err != nil {
		return source{}, err
	}
	from := srv.Source()
	from.Final = true
	return from, nil
}

func (s *Sandbox) startServer(spec serverSpec, from sourceFunc) *backing {
	b := &backing{name: spec.ID, done: make(chan struct{})}
	s.background.Go(func() {
		defer close(b.done)
		b.server, b.err = s.runServer(spec, from)
	})
	return b
}

func (s *Sandbox) runServer(spec serverSpec, from sourceFunc) (server, error) {
	srv, err := s.engine.Start(s.lifetime, spec)
	if err != nil || from == nil {
		return srv, err
	}
	ctx, cancel := context.WithTimeout(s.lifetime, copyTimeout)
	defer cancel()
	if err := follow(ctx, srv, from); err != nil {
		return nil, errors.Join(fmt.Errorf("copying into the server of %s: %w", spec.ID, err), srv.Stop(ctx, false))
	}
	return srv, nil
}

// follow makes srv replicate the source. It starts again if the source gets another server or password meanwhile.
func follow(ctx context.Context, srv server, from sourceFunc) error {
	for {
		upstream, err := from(ctx)
		if err == nil {
			err = srv.Follow(ctx, upstream)
		}
		if err == nil || ctx.Err() != nil {
			return err
		}
		if current, lost := from(ctx); lost != nil || current == upstream {
			return err
		}
	}
}

// stopBacking stops all servers of an add-on and removes their data, in the background. s.mu is held.
func (s *Sandbox) stopBacking(addOnID string) {
	s.stopServer(s.backings[addOnID])
	s.stopServer(s.successors[addOnID])
	s.stopStandby(addOnID)
	delete(s.backings, addOnID)
	delete(s.successors, addOnID)
}

func (s *Sandbox) stopServer(b *backing) {
	if b == nil {
		return
	}
	s.background.Go(func() {
		<-b.done // startTimeout and copyTimeout limit the wait
		if b.server == nil {
			return
		}
		ctx, cancel := context.WithTimeout(context.WithoutCancel(s.lifetime), stopTimeLeft)
		defer cancel()
		if err := b.server.Stop(ctx, false); err != nil {
			s.log.Warn("a server did not stop", "store", b.name, "error", err)
		}
	})
}

// resumeServers starts the servers of all stores in a data directory, and waits for those of provisioned stores.
func (s *Sandbox) resumeServers(ctx context.Context) error {
	s.startBackings()
	for _, id := range slices.Sorted(maps.Keys(s.world.AddOns)) {
		a := s.world.AddOns[id]
		if !a.isStore() || a.State != stateProvisioned {
			continue
		}
		srv, err := s.backings[id].wait(ctx)
		if err != nil {
			return fmt.Errorf("continuing the store %s: %w", a.Name, err)
		}
		a.Store.Host, a.Store.Port = srv.Addr() // the port is another one if the old one is taken
	}
	return nil
}

func (s *Sandbox) startBackings() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, a := range s.world.AddOns {
		if a.isStore() && (a.State == stateProvisioning || a.State == stateProvisioned) {
			s.startBacking(a)
		}
	}
	for _, e := range s.world.Events {
		if a := s.world.AddOns[e.AddOn]; e.Server != "" && a != nil {
			s.startSuccessor(a, e)
		}
	}
}
