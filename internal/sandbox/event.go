// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package sandbox

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/keyvalue"
)

// event is something that is going to happen to an add-on or a space at its time on the clock. It is data, so that it
// survives a restart; the first request after that time makes it happen.
type event struct {
	ID     string
	AddOn  string `json:",omitempty"` // what it happens to; where that is none, it happens to the space
	Space  string `json:",omitempty"`
	Kind   eventKind
	Due    time.Time
	HeldBy string `json:",omitempty"` // does not happen as long as this fault is there

	Server, Password, Version string `json:",omitempty"` // what the store is going to have
	Ruleset                   string `json:",omitempty"`
}

type eventKind string

const (
	provisioned         eventKind = "provisioned"
	provisioningFailed  eventKind = "provisioning failed"
	forked              eventKind = "forked"
	planChanged         eventKind = "plan changed"
	versionUpgraded     eventKind = "version upgraded"
	maintenancePrepared eventKind = "maintenance prepared"
	maintenanceDue      eventKind = "maintenance due"
	maintenanceDone     eventKind = "maintenance done"
	settingsChanged     eventKind = "settings changed"
	credentialsRotated  eventKind = "credentials rotated"
	passwordExpired     eventKind = "password expired"
	statsReset          eventKind = "stats reset"
	failedOver          eventKind = "failed over"
	restarted           eventKind = "restarted"
	gone                eventKind = "gone" // until then, the add-on keeps the event's space from being deleted

	// Of spaces:
	allocated    eventKind = "allocated"
	rulesApplied eventKind = "rules applied"
	spaceGone    eventKind = "space gone"
)

func (w *world) expect(e event) {
	e.ID = w.uuid()
	w.Events = append(w.Events, e)
}

// orHeld is the event, held by the fault that makes what the request creates stuck.
func (c *call) orHeld(e event) event {
	if c.effect.Provisioning == stuck {
		e.HeldBy = c.fault
	}
	return e
}

// cancel drops the add-on's events of a kind.
func (w *world) cancel(addOnID string, kind eventKind) {
	w.Events = slices.DeleteFunc(w.Events, func(e event) bool { return e.AddOn == addOnID && e.Kind == kind })
}

// forget drops whatever was going to happen to an add-on.
func (w *world) forget(addOnID string) {
	w.Events = slices.DeleteFunc(w.Events, func(e event) bool { return e.AddOn == addOnID })
}

// nextDue is the earliest event whose time has come. s.mu is held.
func (s *Sandbox) nextDue() (event, bool) {
	now := s.clock.Now()
	due := slices.DeleteFunc(slices.Clone(s.world.Events), func(e event) bool {
		return e.Due.After(now) || e.HeldBy != "" && s.faults.has(e.HeldBy)
	})
	if len(due) == 0 {
		return event{}, false
	}
	return slices.MinFunc(due, func(a, b event) int { return cmp.Compare(a.Due.UnixNano(), b.Due.UnixNano()) }), true
}

// readyTimeout bounds how long a request waits for a server whose time has come and which is not up yet.
const readyTimeout = 30 * time.Second

// settle makes everything happen that is due, one after the other. Work on servers is done outside of s.mu.
func (s *Sandbox) settle(ctx context.Context) error {
	s.mu.Lock()
	_, due := s.nextDue()
	s.mu.Unlock()
	if !due {
		return nil
	}
	select {
	case s.settling <- struct{}{}:
		defer func() { <-s.settling }()
	case <-ctx.Done():
		return ctx.Err()
	}
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	for {
		s.mu.Lock()
		e, due := s.nextDue()
		var work func(context.Context) (server, error)
		if due {
			work = s.work(e)
		}
		s.mu.Unlock()
		if !due {
			return nil
		}
		srv, err := work(ctx)
		if ctx.Err() != nil { // the next request tries again
			if errors.Is(ctx.Err(), context.DeadlineExceeded) {
				s.log.Warn("a store is late", "event", e.Kind, "add_on", e.AddOn)
			}
			return nil
		}
		if err := s.conclude(e, srv, err); err != nil {
			return err
		}
	}
}

// work is what an event has to do with servers: it gives the server that is new, if any. s.mu is held, but not when it runs.
func (s *Sandbox) work(e event) func(context.Context) (server, error) {
	b, successor := s.backings[e.AddOn], s.successors[e.AddOn]
	nothing := func(context.Context) (server, error) { return nil, nil }
	a := s.world.AddOns[e.AddOn]
	if a == nil || b == nil {
		return nothing
	}
	settings, limits, copied := a.Store.Settings, limitsOf(a.Plan), a.Store.Fork
	switch e.Kind {
	case provisioned, forked:
		if copied == nil || e.Kind == provisioned && s.options.Forking > 0 {
			return b.wait
		}
		return func(ctx context.Context) (server, error) { return s.completeFork(ctx, b, *copied) }
	case planChanged:
		return func(ctx context.Context) (server, error) { return changeOver(ctx, b, successor, limits, e.Password) }
	case failedOver, maintenanceDone:
		spec := s.spec(a, e.Server, cmp.Or(e.Password, a.Store.Password))
		if plan, _ := keyvalue.LookupPlan(a.Plan); plan.SingleTenant && a.Store.PrivateHost == "" {
			spec.Port = a.Store.Port
		}
		return func(ctx context.Context) (server, error) { return failOver(ctx, b, successor, spec) }
	case restarted, versionUpgraded: // a mini's upgrade has no maintenance
		spec := s.spec(a, a.Store.Server, a.Store.Password)
		return func(ctx context.Context) (server, error) {
			srv, err := b.wait(ctx)
			if err == nil {
				err = srv.Restart(ctx, spec)
			}
			return nil, err
		}
	case credentialsRotated, passwordExpired:
		former := ""
		if e.Kind == passwordExpired {
			e.Password = a.Store.Password
		} else if s.options.PasswordOverlap > 0 {
			former = a.Store.Password
		}
		return func(ctx context.Context) (server, error) {
			srv, err := b.wait(ctx)
			if err == nil {
				err = srv.SetPassword(ctx, e.Password, former)
			}
			return nil, err
		}
	case statsReset:
		return func(ctx context.Context) (server, error) {
			srv, err := b.wait(ctx)
			if err == nil {
				err = srv.Admin(ctx, func(c *redis.Client) error { return c.ConfigResetStat(ctx).Err() })
			}
			if err != nil && strings.Contains(err.Error(), "unknown command") { // miniredis counts nothing
				err = nil
			}
			return nil, err
		}
	case settingsChanged:
		return func(ctx context.Context) (server, error) {
			srv, err := b.wait(ctx)
			if err == nil {
				err = srv.Configure(ctx, settings)
			}
			return nil, err
		}
	}
	return nothing
}

// changeOver goes to the successor once it has all that was written to the present server, and gives it. Where no copy could
// be made, as with miniredis, the present server stays, gets the new limits and password, and none is given.
func changeOver(ctx context.Context, present, successor *backing, limits serverLimits, password string) (server, error) {
	srv, err := successor.wait(ctx)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err == nil {
		from, err := present.origin(ctx)
		if err == nil {
			err = srv.StandAlone(ctx, from)
		}
		return srv, err
	}
	if srv, err = present.wait(ctx); err == nil {
		err = srv.Limit(ctx, limits)
	}
	if err == nil {
		err = srv.SetPassword(ctx, password, "")
	}
	return nil, err
}

// conclude makes the event part of the world, unless what it was to happen to has been destroyed meanwhile.
func (s *Sandbox) conclude(e event, srv server, failure error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := len(s.world.Events)
	s.world.Events = slices.DeleteFunc(s.world.Events, func(other event) bool { return other.ID == e.ID })
	if len(s.world.Events) == n {
		return nil
	}
	if a := s.world.AddOns[e.AddOn]; a != nil {
		if failure != nil {
			s.log.Error("work on a store's server failed", "event", e.Kind, "store", a.Name, "error", failure)
		}
		s.happen(e, a, srv, failure)
	} else if sp := s.world.Spaces[e.Space]; sp != nil {
		s.world.happenTo(sp, e)
	}
	if err := s.save(); err != nil {
		return fmt.Errorf("after %s of %s: %w", e.Kind, cmp.Or(e.AddOn, e.Space), err)
	}
	return nil
}

func (s *Sandbox) happen(e event, a *addOn, srv server, failure error) {
	w := s.world
	switch e.Kind {
	case provisioned:
		if failure != nil {
			s.failProvisioning(a, e.Due)
			return
		}
		a.State, a.UpdatedAt = stateProvisioned, e.Due
		switch {
		case a.Store.Fork != nil && s.options.Forking > 0:
			a.Store.Busy = busyFork
		default:
			a.Store.Fork = nil
		}
		a.Store.Host, a.Store.Port = srv.Addr()
		for _, at := range w.Attachments {
			if at.AddOn == a.ID {
				delete(w.Apps[at.App].ConfigVars, at.configVar()) // one set by hand is overwritten
			}
		}
		w.releaseAttached(a, "Attach", addOnPartner, e.Due)
	case provisioningFailed:
		s.failProvisioning(a, e.Due)
	case forked:
		if failure == nil { // else it stays in progress for good
			a.Store.Fork, a.Store.Busy, a.UpdatedAt = nil, "", e.Due
		}
	case planChanged:
		a.Store.Plan, a.Store.Busy, a.UpdatedAt = a.Plan, "", e.Due
		if failure == nil {
			a.Store.Password = e.Password
		}
		if srv != nil && failure == nil {
			s.succeed(a, e, srv)
		} else {
			s.stopServer(s.successors[a.ID])
		}
		delete(s.successors, a.ID)
		w.releaseAttached(a, "Update", addOnPartner, e.Due)
	case failedOver:
		a.Store.Busy = ""
		if s.tookOver(a, e, srv, failure) {
			w.releaseAttached(a, "Update", addOnPartner, e.Due)
		}
	case credentialsRotated:
		if failure == nil {
			a.Store.Password = e.Password
			w.releaseAttached(a, "Update", addOnPartner, e.Due)
			w.cancel(a.ID, passwordExpired) // of the one before, which is dead now
			if overlap := s.options.PasswordOverlap; overlap > 0 {
				w.expect(event{Kind: passwordExpired, AddOn: a.ID, Due: e.Due.Add(overlap)})
			}
		}
	case versionUpgraded:
		a.Store.Version, a.Store.Busy = e.Version, ""
	case maintenanceDone:
		s.tookOver(a, e, srv, failure)
		s.maintain(a, e)
	case maintenancePrepared, maintenanceDue:
		s.maintain(a, e)
	case gone:
		delete(w.AddOns, a.ID)
	}
}

// succeed puts the successor in the place of the present server.
func (s *Sandbox) succeed(a *addOn, e event, srv server) {
	s.stopServer(s.backings[a.ID])
	s.stopStandby(a.ID) // it followed the former one
	s.backings[a.ID] = s.successors[a.ID]
	a.Store.Server = e.Server
	a.Store.Host, a.Store.Port = srv.Addr()
}

// failProvisioning leaves a record that says so, and that nobody is billed for.
func (s *Sandbox) failProvisioning(a *addOn, at time.Time) {
	a.State, a.UpdatedAt = stateDeprovisioned, at
	s.stopBacking(a.ID)
	s.world.enter(a.ID, func(e *LedgerEntry) { e.DestroyedAt = &at })
	s.world.expect(event{Kind: gone, AddOn: a.ID, Due: at.Add(failedRecordKept)})
}

// failedRecordKept is how long an order that failed can still be looked up; its name is taken as long.
const failedRecordKept = time.Minute
