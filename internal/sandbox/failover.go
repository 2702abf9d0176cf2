// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package sandbox

import (
	"cmp"
	"context"
	"errors"
	"fmt"
)

// standby is a second server that FreezeStandby has disconnected from its primary. Other stores have none running: a failover starts it,
// with the same result.
type standby struct {
	server  string // names its directory
	backing *backing
}

// FailOver makes the standby of a store, by id or name, its primary (Dev Center: Heroku Key-Value Store, high availability).
// It has every write that was acknowledged, unless FreezeStandby was called before. Below premium-7 the URL changes and every
// attached app has a new release; above, and in spaces, nothing changes for clients. The next standby takes Options.Provisioning.
func (s *Sandbox) FailOver(store string) error {
	return s.order(store, "failing over", func(a *addOn) error {
		if err := s.hasStandby(a); err != nil {
			return err
		}
		a.Store.Busy = busyFailover
		s.addFailoverEvent(a, event{Kind: failedOver, AddOn: a.ID, Due: s.clock.Now()})
		return nil
	})
}

// order does something with a store that is not being created or changed, once all that is due has happened, and lets happen what
// is due then.
func (s *Sandbox) order(store, doing string, do func(*addOn) error) error {
	if err := s.settle(s.life); err != nil {
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
	return s.settle(s.life)
}

// addFailoverEvent starts the standby, unless it is frozen, and adds the event that makes it the primary. s.mu is held.
func (s *Sandbox) addFailoverEvent(a *addOn, e event) {
	e.Server = s.world.uuid()
	if !catalogued(a.Plan).SingleTenant {
		e.Password = s.world.password()
	}
	if frozen, ok := s.standbys[a.ID]; ok && e.Kind == failedOver { // a maintenance waits for its standby
		s.successors[a.ID], e.Server = frozen.backing, frozen.server
		delete(s.standbys, a.ID)
	} else {
		s.startSuccessor(a, e)
	}
	s.world.addEvent(e)
}

// promoteStandby makes the standby the primary, and reports whether the URL has changed.
func (s *Sandbox) promoteStandby(a *addOn, e event, srv server, failure error) (urlChanged bool) {
	former := a.Store.url()
	if failure == nil {
		a.Store.Password, a.Store.StandbyAt = cmp.Or(e.Password, a.Store.Password), e.Due.Add(s.options.Provisioning)
		s.world.cancel(a.ID, passwordExpired)
	}
	s.replaceServer(a, e, srv, failure)
	return a.Store.url() != former
}

// FreezeStandby cuts the standby of a store, by id or name, off from its primary: replication is asynchronous, and the next
// failover loses what is written from now on.
func (s *Sandbox) FreezeStandby(store string) error {
	if err := s.settle(s.life); err != nil {
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
	present := s.backings[id]
	frozen.backing = s.startServer(s.spec(a, frozen.server, a.Store.Password), present.origin)
	s.mu.Unlock()

	srv, err := frozen.backing.wait(s.life)
	if err == nil {
		err = s.freeze(srv, present)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err == nil && s.backings[id] != present {
		err = errors.New("the store has got another server meanwhile")
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

func (s *Sandbox) freeze(srv server, present *backing) error {
	ctx, cancel := context.WithTimeout(s.life, readyTimeout)
	defer cancel()
	from, err := present.origin(ctx)
	if err != nil {
		return err
	}
	from.Final = false
	return srv.StandAlone(ctx, from)
}

// Restart ends the server of a store, by id or name, and starts it again at the same address, as after a failure. A mini has
// no keys then, and nothing else is lost (Dev Center: Heroku Key-Value Store, persistence).
func (s *Sandbox) Restart(store string) error {
	return s.order(store, "restarting", func(a *addOn) error {
		s.world.addEvent(event{Kind: restarted, AddOn: a.ID, Due: s.clock.Now()})
		return nil
	})
}

// usable finds a store that is not being created or changed. s.mu is held.
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
	case !catalogued(a.Plan).HighAvailability:
		return fmt.Errorf("%s has no standby, on plan %s", a.Name, a.Plan)
	case s.clock.Now().Before(a.Store.StandbyAt):
		return fmt.Errorf("the standby of %s is not ready before %s", a.Name, stamp(a.Store.StandbyAt))
	}
	return nil
}

// standbySpec has the port of a server whose address has to stay, else none.
func (s *Sandbox) standbySpec(a *addOn, e event) serverSpec {
	spec := s.spec(a, e.Server, cmp.Or(e.Password, a.Store.Password))
	if catalogued(a.Plan).SingleTenant && a.Store.PrivateHost == "" {
		spec.Port = a.Store.Port
	}
	return spec
}

// failOver returns the standby, with the address of the present server where that must not change.
func failOver(ctx context.Context, present, successor *backing, spec serverSpec) (server, error) {
	srv, err := changeOver(ctx, present, successor, spec.Limits, spec.Password)
	if srv == nil || err != nil {
		return srv, err
	}
	if err := srv.Configure(ctx, spec.Settings); err != nil { // a frozen standby may not know the latest
		return nil, err
	}
	if err := srv.SetPassword(ctx, spec.Password, ""); err != nil {
		return nil, err
	}
	if spec.Port == 0 {
		return srv, nil
	}
	former, err := present.wait(ctx)
	if err != nil {
		return nil, err
	}
	ctx = context.WithoutCancel(ctx) // once the address is taken over, this has to finish
	return srv, errors.Join(srv.TakeAddress(former), former.Stop(ctx, false))
}

func (s *Sandbox) stopStandby(addOnID string) {
	if frozen, ok := s.standbys[addOnID]; ok {
		s.stopServer(frozen.backing)
		delete(s.standbys, addOnID)
	}
}
