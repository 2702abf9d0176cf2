// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package replacement

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
)

// Apps are held while their store is replaced (in maintenance mode, or scaled to 0), and restored afterwards. Their former state
// must survive a crash of the provider, so it is stored in a config var of the app, the memo, which is written before the app
// is changed, and removed last.

// Hold says how apps are kept from writing (Dev Center: Heroku Key-Value Store and Private Spaces, "Migrating from a
// Premium KVS Plan to a Private KVS Plan"): maintenance mode stops web requests, and only scaling to 0 stops the dynos.
type Hold struct{ AppMaintenance, ScaleDown bool }

// HoldVar is the config var of the memo. A person can read it with `heroku config:get KVS_MIGRATION`.
const HoldVar = "KVS_MIGRATION"

// holdMemo is the state of an app before it was held. Several stores may hold one app at the same time: the first one writes the
// memo, and the last one to release the app restores it.
type holdMemo struct {
	Holders     []heroku.AddOnID `json:"holders"`
	Maintenance *bool            `json:"maintenance,omitzero"` // nil if no holder needs maintenance mode
	Formation   map[string]int   `json:"formation,omitzero"`   // dynos by process type; nil if no holder needs the app scaled to 0

	// Apps are the other apps that each holder holds. The attachments by which they were found may be gone by the end.
	Apps map[heroku.AddOnID][]heroku.AppID `json:"apps,omitempty"`
}

// AppLocks keeps two stores of one run from writing the memo of one app at the same time.
type AppLocks struct {
	mu   sync.Mutex
	apps map[heroku.AppID]*sync.Mutex
}

// Lock locks the apps in the given order. To avoid deadlocks, pass them in the order of [SortedUnique].
func (h *AppLocks) Lock(apps []heroku.AppID) (unlock func()) {
	if h == nil {
		return func() {}
	}
	var locked []*sync.Mutex
	for _, id := range apps {
		h.mu.Lock()
		if h.apps == nil {
			h.apps = make(map[heroku.AppID]*sync.Mutex)
		}
		if h.apps[id] == nil {
			h.apps[id] = new(sync.Mutex)
		}
		app := h.apps[id]
		h.mu.Unlock()
		app.Lock()
		locked = append(locked, app)
	}
	return func() {
		for _, app := range locked {
			app.Unlock()
		}
	}
}

// SortedUnique returns the apps sorted and without duplicates.
func SortedUnique(apps []heroku.AppID) []heroku.AppID {
	return slices.Compact(slices.Sorted(slices.Values(apps)))
}

// heldApp is the current state of an app, and its memo; a memo without holders means that there is none.
type heldApp struct {
	heroku.App
	memo      holdMemo
	formation []heroku.Process
}

// Hold holds apps for a store, the holder. since is true if all of them were held for it in this way already, by an earlier
// run: then no app has written since. After an error some apps may be held; call Release, which finds all of them by the
// first.
func (m *Manager) Hold(ctx context.Context, holder heroku.AddOnID, apps []heroku.AppID, how Hold) (since bool, err error) {
	if how == (Hold{}) || len(apps) == 0 {
		return false, nil
	}
	defer m.locks.Lock(SortedUnique(apps))()

	var found []heldApp
	for _, id := range apps { // read all of them before the first is changed
		app, err := m.heldApp(ctx, id)
		if err != nil {
			return false, err
		}
		found = append(found, app)
	}
	since = true
	for _, app := range found {
		held := app.isHeld(holder, how, apps)
		if !held {
			if err := m.holdApp(ctx, holder, app, how, apps); err != nil {
				return false, fmt.Errorf("keeping the app %s still: %w", app.Name, err)
			}
		}
		since = since && held
	}
	return since, nil
}

// areHeld reports whether every app is held for a store in this way. It changes nothing.
func (m *Manager) areHeld(ctx context.Context, holder heroku.AddOnID, apps []heroku.AppID, how Hold) (bool, error) {
	for _, id := range apps {
		app, err := m.heldApp(ctx, id)
		if err != nil || !app.isHeld(holder, how, apps) {
			return false, err
		}
	}
	return true, nil
}

// heldApp reads an app, its memo and its formation. An invalid memo is an error, since only the memo tells how to restore the app.
func (m *Manager) heldApp(ctx context.Context, id heroku.AppID) (heldApp, error) {
	app, err := m.client.FindApp(ctx, string(id))
	if err != nil {
		return heldApp{}, err
	}
	held := heldApp{App: app}
	if held.memo, err = m.memoOf(ctx, app); err != nil {
		return heldApp{}, err
	}
	held.formation, err = m.client.Formation(ctx, id)
	return held, err
}

// memoOf reads the memo of an app; without holders, there is none.
func (m *Manager) memoOf(ctx context.Context, app heroku.App) (memo holdMemo, err error) {
	text, set, err := m.client.ConfigVar(ctx, app.ID, HoldVar)
	if err == nil && set && (json.Unmarshal([]byte(text), &memo) != nil || len(memo.Holders) == 0) {
		err = fmt.Errorf("the config var %s of the app %s, in which this provider keeps what the app was like before, cannot be understood, "+
			"so nothing was touched: read it with `heroku config:get %[1]s -a %[2]s`, put maintenance mode and dynos of the app back by hand, "+
			"and remove it with `heroku config:unset %[1]s -a %[2]s`", HoldVar, app.Name)
	}
	if err != nil {
		return holdMemo{}, err
	}
	return memo, nil
}

// isHeld reports whether the app is held for the holder in this way, together with the other apps.
func (a heldApp) isHeld(holder heroku.AddOnID, how Hold, with []heroku.AppID) bool {
	known := append(a.memo.Apps[holder], a.ID)
	return slices.Contains(a.memo.Holders, holder) &&
		!slices.ContainsFunc(with, func(app heroku.AppID) bool { return !slices.Contains(known, app) }) &&
		(!how.AppMaintenance || a.Maintenance && a.memo.Maintenance != nil) &&
		(!how.ScaleDown || len(a.running()) == 0 && a.memo.Formation != nil)
}

// running returns the process types that have dynos, with their quantities.
func (a heldApp) running() map[string]int {
	running := make(map[string]int)
	for _, process := range a.formation {
		if process.Quantity > 0 {
			running[process.Type] = process.Quantity
		}
	}
	return running
}

func (m *Manager) holdApp(ctx context.Context, holder heroku.AddOnID, app heldApp, how Hold, with []heroku.AppID) error {
	if err := m.writeMemo(ctx, app.ID, app.memoWith(holder, how, with)); err != nil {
		return err
	}
	if how.AppMaintenance && !app.Maintenance {
		if err := m.setAppMaintenance(ctx, app.ID, true); err != nil {
			return err
		}
	}
	if !how.ScaleDown {
		return nil
	}
	quantities := app.running()
	for process := range quantities {
		quantities[process] = 0
	}
	return m.client.Scale(ctx, app.ID, quantities)
}

// memoWith returns the memo with another holder. Changes that somebody has made to the app since the memo was written are taken
// over into it, so that they are restored too.
func (a heldApp) memoWith(holder heroku.AddOnID, how Hold, with []heroku.AppID) holdMemo {
	memo := holdMemo{
		Holders: slices.Clone(a.memo.Holders), Maintenance: a.memo.Maintenance,
		Formation: maps.Clone(a.memo.Formation), Apps: maps.Clone(a.memo.Apps),
	}
	others := slices.DeleteFunc(slices.Concat(memo.Apps[holder], with), func(app heroku.AppID) bool { return app == a.ID })
	if memo.Apps == nil {
		memo.Apps = make(map[heroku.AddOnID][]heroku.AppID)
	}
	if len(others) > 0 {
		memo.Apps[holder] = SortedUnique(others)
	}
	if !slices.Contains(memo.Holders, holder) {
		memo.Holders = append(memo.Holders, holder)
	}
	if how.AppMaintenance && (memo.Maintenance == nil || !a.Maintenance) {
		memo.Maintenance = &a.Maintenance
	}
	if how.ScaleDown {
		if memo.Formation == nil {
			memo.Formation = make(map[string]int)
		}
		maps.Copy(memo.Formation, a.running())
	}
	return memo
}

func (m *Manager) writeMemo(ctx context.Context, app heroku.AppID, memo holdMemo) error {
	text, err := json.Marshal(memo)
	if err != nil {
		return err
	}
	value := string(text)
	return m.client.SetConfigVar(ctx, app, HoldVar, &value)
}

func (m *Manager) setAppMaintenance(ctx context.Context, app heroku.AppID, on bool) error {
	_, err := m.client.UpdateApp(ctx, app, heroku.AppUpdate{Maintenance: &on})
	return err
}

// Release restores the apps that this holder holds, and leaves the others alone. It continues after an error, may be repeated,
// and ignores apps that do not exist.
func (m *Manager) Release(ctx context.Context, holder heroku.AddOnID, apps []heroku.AppID) error {
	if len(apps) == 0 {
		return nil
	}
	first, err := m.heldApp(ctx, apps[0])
	if err != nil && !heroku.IsNotFound(err) {
		return fmt.Errorf("putting the app %s back: %w", apps[0], err)
	}
	for _, id := range first.memo.Apps[holder] {
		if !slices.Contains(apps, id) {
			apps = append(slices.Clone(apps), id)
		}
	}
	defer m.locks.Lock(SortedUnique(apps))()
	var failures []error
	for _, id := range slices.Backward(apps) { // the first app, whose memo has the others, comes last
		name, err := m.releaseApp(ctx, holder, id)
		if err != nil && !heroku.IsNotFound(err) {
			failures = append(failures, fmt.Errorf("putting the app %s back: %w", cmp.Or(name, string(id)), err))
		}
	}
	return errors.Join(failures...)
}

// releaseApp restores one app. It also returns the app's name, if it could be read.
func (m *Manager) releaseApp(ctx context.Context, holder heroku.AddOnID, id heroku.AppID) (name string, err error) {
	app, err := m.heldApp(ctx, id)
	if err != nil || !slices.Contains(app.memo.Holders, holder) {
		return app.Name, err
	}
	if len(app.memo.Holders) > 1 {
		app.memo.Holders = slices.DeleteFunc(app.memo.Holders, func(id heroku.AddOnID) bool { return id == holder })
		delete(app.memo.Apps, holder)
		return app.Name, m.writeMemo(ctx, id, app.memo)
	}
	if err := m.client.Scale(ctx, id, app.toScaleBack()); err != nil {
		return app.Name, err
	}
	if before := app.memo.Maintenance; before != nil && !*before && app.Maintenance {
		if err := m.setAppMaintenance(ctx, id, false); err != nil {
			return app.Name, err
		}
	}
	return app.Name, m.client.SetConfigVar(ctx, id, HoldVar, nil)
}

// toScaleBack returns the process types to scale, with their former quantities. It leaves out those that have dynos, because
// somebody has scaled them since, and those that no longer exist.
func (a heldApp) toScaleBack() map[string]int {
	stopped := make(map[string]int)
	for _, process := range a.formation {
		if before := a.memo.Formation[process.Type]; before > 0 && process.Quantity == 0 {
			stopped[process.Type] = before
		}
	}
	return stopped
}
