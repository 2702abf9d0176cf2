// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package sandbox

import (
	"cmp"
	"context"
	"errors"
	"fmt"
)

// standby is a second server that FreezeStandby has disconnected from its primary. For other stores no standby runs; a failover starts one
// with a copy of all writes.
type standby struct {
	server  string // name of its directory
	backing *backing
}

// FailOver makes the standby of a store, given by id or name, its primary (Dev Center: Heroku Key-Value Store, high availability). It has
// every acknowledged write, unless FreezeStandby was called before. Below premium-7 the URL changes and every attached app gets a new
// release; from premium-7 on, and in spaces, nothing changes for clients. The next standby is ready after Options.Provisioning. It is an
// error if the store is unknown, is being created or changed, or has no standby.
func (s *Sandbox) FailOver(store string) error {
	return s.withUsableStore(store, "failing over", func(a *addOn) error {
		if err := s.hasStandby(a); err != nil {
			return err
		}
		a.Store.Busy = busyFailover
		s.addFailoverEvent(a, event{Kind: failedOver, AddOn: a.ID, Due: s.clock.Now()})
		return nil
	})
}

// withUsableStore applies due events, calls do with a store that is not being created or changed, and applies the events that are due
// then. s.mu is held during do.
func (s *Sandbox) withUsableStore(store, doing string, do func(*addOn) error) error {
	if err := s.applyDueEvents(s.lifetime); err != nil {
		return err
	}
	s.mu.Lock()
	a, err := s.usable(store)
	if err == nil {
		err = do(a)
	}
	if err == nil {
		err = s.save()
	}
	s.mu.Unlock()
	if err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	return s.applyDueEvents(s.lifetime)
}

// addFailoverEvent adds the event that makes a standby the primary. It uses the frozen standby if there is one, and starts one otherwise.
// s.mu is held.
func (s *Sandbox) addFailoverEvent(a *addOn, e event) {
	e.Server = s.world.uuid()
	if !planByName(a.Plan).SingleTenant {
		e.Password = s.world.password()
	}
	if frozen, ok := s.standbys[a.ID]; ok && e.Kind == failedOver { // a maintenance loses no writes, so it needs a current standby
		s.successors[a.ID], e.Server = frozen.backing, frozen.server
		delete(s.standbys, a.ID)
	} else {
		s.startSuccessor(a, e)
	}
	s.world.addEvent(e)
}

// promoteStandby makes the standby the primary in the world, and reports whether the URL has changed.
func (s *Sandbox) promoteStandby(a *addOn, e event, srv server, failure error) (urlChanged bool) {
	former := a.Store.url()
	if failure == nil {
		a.Store.Password, a.Store.StandbyAt = cmp.Or(e.Password, a.Store.Password), e.Due.Add(s.options.Provisioning)
		s.world.cancel(a.ID, passwordExpired)
	}
	s.replaceServer(a, e, srv, failure)
	return a.Store.url() != former
}

// FreezeStandby disconnects the standby of a store, given by id or name, from its primary. The next failover loses all later writes, as
// it can with Heroku's asynchronous replication.
func (s *Sandbox) FreezeStandby(store string) error {
	if err := s.applyDueEvents(s.lifetime); err != nil {
		return err
	}
	s.mu.Lock()
	a, err := s.usable(store)
	if err == nil {
		err = s.hasStandby(a)
	}
	if err != nil {
		s.mu.Unlock()
		return fmt.Errorf("freezing the standby: %w", err)
	}
	id, frozen := a.ID, standby{server: s.world.uuid()}
	current := s.backings[id]
	frozen.backing = s.startServer(s.spec(a, frozen.server, a.Store.Password), current.replacementSource)
	s.mu.Unlock()

	srv, err := frozen.backing.wait(s.lifetime)
	if err == nil {
		err = s.freeze(srv, current)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err == nil && s.backings[id] != current {
		err = errors.New("the server of the store has been replaced meanwhile")
	}
	if err != nil {
		s.stopServer(frozen.backing)
		return fmt.Errorf("freezing the standby: %w", err)
	}
	s.stopStandby(id)
	s.standbys[id] = frozen
	s.page.changed()
	return nil
}

func (s *Sandbox) freeze(srv server, current *backing) error {
	ctx, cancel := context.WithTimeout(s.lifetime, readyTimeout)
	defer cancel()
	from, err := current.replacementSource(ctx)
	if err != nil {
		return err
	}
	from.Final = false
	return srv.Promote(ctx, from)
}

// Restart restarts the server of a store, given by id or name, at the same address, as after a failure. A mini loses its keys; all other
// plans keep them (Dev Center: Heroku Key-Value Store, persistence).
func (s *Sandbox) Restart(store string) error {
	return s.withUsableStore(store, "restarting", func(a *addOn) error {
		s.world.addEvent(event{Kind: restarted, AddOn: a.ID, Due: s.clock.Now()})
		return nil
	})
}

// usable finds a store, and fails while it is being created or changed. s.mu is held.
func (s *Sandbox) usable(store string) (*addOn, error) {
	a := s.world.store(store)
	switch {
	case a == nil:
		return nil, fmt.Errorf("there is no store %q", store)
	case a.State != stateProvisioned:
		return nil, fmt.Errorf("%s is %s", a.Name, a.State)
	case a.Store.Busy != "":
		return nil, a.Store.busy(a.Name)
	}
	return a, nil
}

func (s *Sandbox) hasStandby(a *addOn) error {
	switch {
	case !planByName(a.Plan).HighAvailability:
		return fmt.Errorf("%s has no standby, on plan %s", a.Name, a.Plan)
	case s.clock.Now().Before(a.Store.StandbyAt):
		return fmt.Errorf("the standby of %s is not ready before %s", a.Name, stamp(a.Store.StandbyAt))
	}
	return nil
}

// standbySpec returns the specification of a standby. Its port is set only if the address of the store must not change.
func (s *Sandbox) standbySpec(a *addOn, e event) serverSpec {
	spec := s.spec(a, e.Server, cmp.Or(e.Password, a.Store.Password))
	if planByName(a.Plan).SingleTenant && a.Store.PrivateHost == "" {
		spec.Port = a.Store.Port
	}
	return spec
}

// failOver promotes the standby and returns it. If spec has a port, the standby takes over the address of the current server.
func failOver(ctx context.Context, current, successor *backing, spec serverSpec) (server, error) {
	srv, err := promoteSuccessor(ctx, current, successor, spec.Limits, spec.Password)
	if srv == nil || err != nil {
		return srv, err
	}
	if err := srv.Configure(ctx, spec.Settings); err != nil { // a frozen standby may have older settings
		return nil, err
	}
	if err := srv.SetPassword(ctx, spec.Password, ""); err != nil {
		return nil, err
	}
	if spec.Port == 0 {
		return srv, nil
	}
	former, err := current.wait(ctx)
	if err != nil {
		return nil, err
	}
	ctx = context.WithoutCancel(ctx) // a takeover of the address must not be interrupted
	return srv, errors.Join(srv.TakeAddress(former), former.Stop(ctx, false))
}

func (s *Sandbox) stopStandby(addOnID string) {
	if frozen, ok := s.standbys[addOnID]; ok {
		s.stopServer(frozen.backing)
		delete(s.standbys, addOnID)
	}
}
