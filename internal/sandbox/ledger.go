// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package sandbox

import (
	"slices"
	"time"
)

// LedgerEntry is a billable object.
type LedgerEntry struct {
	Kind        string     `json:"kind"` // "add-on" or "space"
	ID          string     `json:"id"`
	Name        string     `json:"name"` // the present one, or the last
	Plan        string     `json:"plan"` // the present one, or the last; empty for a space
	AppID       string     `json:"app_id"`
	App         string     `json:"app"` // its name; empty for a space
	CreatedAt   time.Time  `json:"created_at"`
	DestroyedAt *time.Time `json:"destroyed_at"` // null: it exists
}

// Ledger lists every billable object that was ever created. An object that exists at the end of a run is an orphan.
type Ledger struct {
	Created   int           `json:"created"`
	Destroyed int           `json:"destroyed"`
	Living    int           `json:"living"`
	Orphans   int           `json:"orphans"` // the same as living
	Objects   []LedgerEntry `json:"objects"` // in the order of creation
}

// Ledger counts and lists the billable objects.
func (s *Sandbox) Ledger() Ledger {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := Ledger{Created: len(s.world.Ledger), Objects: slices.Clone(s.world.Ledger)}
	if l.Objects == nil {
		l.Objects = []LedgerEntry{}
	}
	for _, e := range l.Objects {
		if e.DestroyedAt != nil {
			l.Destroyed++
		}
	}
	l.Living = l.Created - l.Destroyed
	l.Orphans = l.Living
	return l
}

// updateLedger changes the entry of an object; a new object gets one.
func (w *world) updateLedger(id string, change func(*LedgerEntry)) {
	i := slices.IndexFunc(w.Ledger, func(e LedgerEntry) bool { return e.ID == id })
	if i < 0 {
		i = len(w.Ledger)
		w.Ledger = append(w.Ledger, LedgerEntry{ID: id})
	}
	change(&w.Ledger[i])
}
