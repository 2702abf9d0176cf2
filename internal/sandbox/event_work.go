// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package sandbox

import (
	"context"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// serverWork is the part of an event that changes servers. It returns the new server, if there is one.
type serverWork func(context.Context) (server, error)

// serverWork returns the work on servers for an event. s.mu is held here, but not while the returned function runs.
func (s *Sandbox) serverWork(e event) serverWork {
	b, successor := s.backings[e.AddOn], s.successors[e.AddOn]
	a := s.world.AddOns[e.AddOn]
	if a == nil || b == nil {
		return func(context.Context) (server, error) { return nil, nil }
	}
	password, settings, limits := a.Store.Password, a.Store.Settings, limitsOf(a.Plan)
	switch e.Kind {
	case provisioned, forked:
		if copied := a.Store.Fork; copied != nil && (e.Kind == forked || s.options.Forking == 0) {
			return func(ctx context.Context) (server, error) { return s.completeFork(ctx, b, *copied) }
		}
		return b.wait
	case planChanged:
		return func(ctx context.Context) (server, error) {
			return promoteSuccessor(ctx, b, successor, limits, e.Password)
		}
	case failedOver, maintenanceDone:
		spec := s.standbySpec(a, e)
		return func(ctx context.Context) (server, error) { return failOver(ctx, b, successor, spec) }
	case restarted, versionUpgraded: // versionUpgraded occurs only on mini; other plans are upgraded by a maintenance
		spec := s.spec(a, a.Store.Server, password)
		return b.withServer(func(ctx context.Context, srv server) error { return srv.Restart(ctx, spec) })
	case credentialsRotated:
		former := ""
		if s.options.PasswordOverlap > 0 {
			former = password
		}
		return b.withServer(func(ctx context.Context, srv server) error { return srv.SetPassword(ctx, e.Password, former) })
	case passwordExpired:
		return b.withServer(func(ctx context.Context, srv server) error { return srv.SetPassword(ctx, password, "") })
	case statsReset:
		return b.withServer(resetStats)
	case settingsChanged:
		return b.withServer(func(ctx context.Context, srv server) error { return srv.Configure(ctx, settings) })
	}
	return func(context.Context) (server, error) { return nil, nil }
}

// withServer returns work that calls do with the current server.
func (b *backing) withServer(do func(context.Context, server) error) serverWork {
	return func(ctx context.Context) (server, error) {
		srv, err := b.wait(ctx)
		if err == nil {
			err = do(ctx, srv)
		}
		return nil, err
	}
}

func resetStats(ctx context.Context, srv server) error {
	if srv.Idle() {
		return nil
	}
	err := srv.Admin(ctx, func(c *redis.Client) error { return c.ConfigResetStat(ctx).Err() })
	if err != nil && strings.Contains(err.Error(), "unknown command") {
		return nil // miniredis keeps no statistics
	}
	return err
}

// promoteSuccessor promotes the successor when it has all writes of the current server, and returns it. If the successor could not copy, as
// with miniredis, the current server stays and gets the new limits and password, and the result is nil.
func promoteSuccessor(ctx context.Context, current, successor *backing, limits serverLimits, password string) (server, error) {
	srv, err := successor.wait(ctx)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err == nil {
		from, err := current.replacementSource(ctx)
		if err == nil {
			err = srv.Promote(ctx, from)
		}
		return srv, err
	}
	if srv, err = current.wait(ctx); err == nil {
		err = srv.Limit(ctx, limits)
	}
	if err == nil {
		err = srv.SetPassword(ctx, password, "")
	}
	return nil, err
}

// applyStoreEvent applies an event to an add-on.
func (s *Sandbox) applyStoreEvent(e event, a *addOn, srv server, failure error) {
	w := s.world
	switch e.Kind {
	case provisioned:
		if failure != nil {
			s.failProvisioning(a, e.Due)
			return
		}
		s.provision(a, srv, e.Due)
	case provisioningFailed:
		s.failProvisioning(a, e.Due)
	case forked:
		if failure == nil { // after a failure the fork stays in progress forever
			a.Store.Fork, a.Store.Busy, a.UpdatedAt = nil, "", e.Due
		}
	case planChanged:
		a.Store.Plan, a.Store.Busy, a.UpdatedAt = a.Plan, "", e.Due
		if failure == nil {
			a.Store.Password = e.Password
		}
		s.replaceServer(a, e, srv, failure)
		w.releaseAttached(a, "Update", addOnPartner, e.Due)
	case failedOver:
		a.Store.Busy = ""
		if s.promoteStandby(a, e, srv, failure) {
			w.releaseAttached(a, "Update", addOnPartner, e.Due)
		}
	case credentialsRotated:
		if failure == nil {
			s.applyRotation(a, e)
		}
	case versionUpgraded:
		a.Store.Version, a.Store.Busy = e.Version, ""
	case maintenanceDone:
		s.promoteStandby(a, e, srv, failure)
		s.advanceMaintenance(a, e)
	case maintenancePrepared, maintenanceDue:
		s.advanceMaintenance(a, e)
	case addOnGone:
		w.detachAll(a)
		delete(w.AddOns, a.ID)
	}
}

// provision makes a new store available. While its fork is in progress, it accepts only reads.
func (s *Sandbox) provision(a *addOn, srv server, at time.Time) {
	a.State, a.UpdatedAt = stateProvisioned, at
	if a.Store.Fork != nil && s.options.Forking > 0 {
		a.Store.Busy = busyFork
	} else {
		a.Store.Fork = nil
	}
	a.Store.Host, a.Store.Port = srv.Addr()
	for _, attached := range s.world.Attachments {
		if attached.AddOn == a.ID {
			for _, name := range s.world.varsOf(attached) {
				delete(s.world.Apps[attached.App].ConfigVars, name) // a config var that was set by a user is overwritten
			}
		}
	}
	s.world.releaseAttached(a, "Attach", addOnPartner, at)
}

// applyRotation gives the new password to the attached apps. The former password expires after Options.PasswordOverlap; older ones have
// expired.
func (s *Sandbox) applyRotation(a *addOn, e event) {
	a.Store.Password = e.Password
	s.world.releaseAttached(a, "Update", addOnPartner, e.Due)
	s.world.cancel(a.ID, passwordExpired)
	if overlap := s.options.PasswordOverlap; overlap > 0 {
		s.world.addEvent(event{Kind: passwordExpired, AddOn: a.ID, Due: e.Due.Add(overlap)})
	}
}

// replaceServer replaces the current server by its successor, unless the successor has failed.
func (s *Sandbox) replaceServer(a *addOn, e event, srv server, failure error) {
	successor := s.successors[a.ID]
	delete(s.successors, a.ID)
	if srv == nil || failure != nil {
		s.stopServer(successor)
		return
	}
	s.stopServer(s.backings[a.ID])
	s.stopStandby(a.ID) // it replicated the former server
	s.backings[a.ID] = successor
	a.Store.Server = e.Server
	a.Store.Host, a.Store.Port = srv.Addr()
}

// failProvisioning marks the add-on as deprovisioned. It is no longer billed, and can be read until failedRecordKept has passed.
func (s *Sandbox) failProvisioning(a *addOn, at time.Time) {
	a.State, a.UpdatedAt = stateDeprovisioned, at
	s.stopBacking(a.ID)
	s.world.updateLedger(a.ID, func(e *LedgerEntry) { e.DestroyedAt = &at })
	s.world.addEvent(event{Kind: addOnGone, AddOn: a.ID, Due: at.Add(failedRecordKept)})
}

// failedRecordKept is how long an add-on whose provisioning failed still exists and keeps its name.
const failedRecordKept = time.Minute
