// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package sandbox

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// event is a change of an add-on or a space that becomes due at a time on the clock. The first request after that time applies it. It is
// plain data, so that it can be saved in the data directory.
type event struct {
	ID     string
	AddOn  string `json:",omitempty"` // id; "" = an event of a space
	Space  string `json:",omitempty"`
	Kind   eventKind
	Due    time.Time
	HeldBy string `json:",omitempty"` // id of a fault; the event does not become due while that exists

	Server, Password, Version string `json:",omitempty"` // values of the store after the event
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
	addOnGone           eventKind = "gone" // until then, the space of the event cannot be deleted

	// Of spaces:
	allocated    eventKind = "allocated"
	rulesApplied eventKind = "rules applied"
	spaceGone    eventKind = "space gone"
)

func (w *world) addEvent(e event) {
	e.ID = w.uuid()
	w.Events = append(w.Events, e)
}

// holdIfStuck returns the event, held by the fault of the request if the fault has "provisioning": "stuck".
func (c *call) holdIfStuck(e event) event {
	if c.effect.Provisioning == stuck {
		e.HeldBy = c.fault
	}
	return e
}

// cancel removes the pending events of one kind of an add-on.
func (w *world) cancel(addOnID string, kind eventKind) {
	w.Events = slices.DeleteFunc(w.Events, func(e event) bool { return e.AddOn == addOnID && e.Kind == kind })
}

// nextDue returns the earliest event that is due. s.mu is held.
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

// readyTimeout limits how long a request waits for a server that should be ready by now.
const readyTimeout = 30 * time.Second

// applyDueEvents applies all events that are due, one after the other. s.mu is not held while servers are changed.
func (s *Sandbox) applyDueEvents(ctx context.Context) error {
	s.mu.Lock()
	_, due := s.nextDue()
	s.mu.Unlock()
	if !due {
		return nil
	}
	select {
	case s.applyingEvents <- struct{}{}:
		defer func() { <-s.applyingEvents }()
	case <-ctx.Done():
		return ctx.Err()
	}
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	for {
		s.mu.Lock()
		e, due := s.nextDue()
		var work serverWork
		if due {
			work = s.serverWork(e)
		}
		s.mu.Unlock()
		if !due {
			return nil
		}
		srv, err := work(ctx)
		if ctx.Err() != nil { // the next request tries again
			if errors.Is(ctx.Err(), context.DeadlineExceeded) {
				s.log.Warn("the server of a store is not ready", "event", e.Kind, "add_on", e.AddOn)
			}
			return nil
		}
		if err := s.apply(e, srv, err); err != nil {
			return err
		}
	}
}

// apply applies an event to the world, unless its add-on or space has been destroyed meanwhile. srv and failure are the results of the
// event's serverWork.
func (s *Sandbox) apply(e event, srv server, failure error) error {
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
		s.applyStoreEvent(e, a, srv, failure)
	} else if sp := s.world.Spaces[e.Space]; sp != nil {
		s.world.applySpaceEvent(sp, e)
	}
	if err := s.save(); err != nil {
		return fmt.Errorf("after %s of %s: %w", e.Kind, cmp.Or(e.AddOn, e.Space), err)
	}
	return nil
}
