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

// Apps are held (maintenance mode, scaled to 0) while their store is replaced, and put back afterwards. What was before has
// to survive a crash of the provider, so it is remembered on the app itself, in a config var that is written before anything
// is touched and removed last.

// Hold says how apps are kept from writing (Dev Center: Heroku Key-Value Store and Private Spaces, "Migrating from a
// Premium KVS Plan to a Private KVS Plan"): maintenance mode stops web requests, only scaling to 0 stops the dynos.
type Hold struct{ AppMaintenance, ScaleDown bool }

// HoldVar is the config var of the memo: a person on call reads it with `heroku config:get KVS_MIGRATION`.
const HoldVar = "KVS_MIGRATION"

// holdMemo is what an app was like before. Several stores may hold one app at the same time: the first one records, the
// last one to leave puts back.
type holdMemo struct {
	Holders     []heroku.AddOnID `json:"holders"`
	Maintenance *bool            `json:"maintenance,omitzero"` // nil: no holder has asked for maintenance mode
	Formation   map[string]int   `json:"formation,omitzero"`   // dynos by process type; nil: no holder has asked for 0

	// By holder, the other apps that it holds: the attachments by which they were found may be gone in the end.
	Apps map[heroku.AddOnID][]heroku.AppID `json:"apps,omitempty"`
}

// AppLocks keeps two stores of one run from writing the memo of an app at the same time.
type AppLocks struct {
	mu   sync.Mutex
	apps map[heroku.AppID]*sync.Mutex
}

// Lock takes the apps in one order, whoever asks, and returns what gives them back.
func (h *AppLocks) Lock(apps []heroku.AppID) (unlock func()) {
	if h == nil {
		return func() {}
	}
	var taken []*sync.Mutex
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
		taken = append(taken, app)
	}
	return func() {
		for _, app := range taken {
			app.Unlock()
		}
	}
}

// EachOnce names each app once, in an order that is the same whoever asks.
func EachOnce(apps []heroku.AppID) []heroku.AppID {
	return slices.Compact(slices.Sorted(slices.Values(apps)))
}

// heldApp is an app as it is now, and its memo; without holders there is none.
type heldApp struct {
	heroku.App
	memo      holdMemo
	formation []heroku.Process
}

// Hold holds apps on behalf of a store. since reports that every one of them was held on its behalf already, as asked: an
// earlier run did it and nobody has written since. After an error some may be held: Release them, which finds all of them
// by the first.
func (m *Manager) Hold(ctx context.Context, holder heroku.AddOnID, apps []heroku.AppID, how Hold) (since bool, err error) {
	if how == (Hold{}) || len(apps) == 0 {
		return false, nil
	}
	defer m.locks.Lock(EachOnce(apps))()

	var found []heldApp
	for _, id := range apps { // all of them before the first is touched
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

// areHeld reports that every app is held on behalf of a store, as asked; nothing is changed.
func (m *Manager) areHeld(ctx context.Context, holder heroku.AddOnID, apps []heroku.AppID, how Hold) (bool, error) {
	for _, id := range apps {
		app, err := m.heldApp(ctx, id)
		if err != nil || !app.isHeld(holder, how, apps) {
			return false, err
		}
	}
	return true, nil
}

// heldApp reads an app afresh. An unreadable memo is not guessed at: what it says is all there is to put the app back.
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

// memoOf reads the memo of an app; without holders there is none.
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

// isHeld reports that the app is held already as asked.
func (a heldApp) isHeld(holder heroku.AddOnID, how Hold, with []heroku.AppID) bool {
	known := append(a.memo.Apps[holder], a.ID)
	return slices.Contains(a.memo.Holders, holder) &&
		!slices.ContainsFunc(with, func(app heroku.AppID) bool { return !slices.Contains(known, app) }) &&
		(!how.AppMaintenance || a.Maintenance && a.memo.Maintenance != nil) &&
		(!how.ScaleDown || len(a.running()) == 0 && a.memo.Formation != nil)
}

// running are the process types that have dynos.
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
	if err := m.remember(ctx, app.ID, app.remembering(holder, how, with)); err != nil {
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
	none := app.running()
	for process := range none {
		none[process] = 0
	}
	return m.client.Scale(ctx, app.ID, none)
}

// remembering is the memo with one more holder. What somebody has switched on or off since the memo was written is
// meant: that is how the app is put back then.
func (a heldApp) remembering(holder heroku.AddOnID, how Hold, with []heroku.AppID) holdMemo {
	memo := holdMemo{
		Holders: slices.Clone(a.memo.Holders), Maintenance: a.memo.Maintenance,
		Formation: maps.Clone(a.memo.Formation), Apps: maps.Clone(a.memo.Apps),
	}
	others := slices.DeleteFunc(slices.Concat(memo.Apps[holder], with), func(app heroku.AppID) bool { return app == a.ID })
	if memo.Apps == nil {
		memo.Apps = make(map[heroku.AddOnID][]heroku.AppID)
	}
	if len(others) > 0 {
		memo.Apps[holder] = EachOnce(others)
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

func (m *Manager) remember(ctx context.Context, app heroku.AppID, memo holdMemo) error {
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

// Release puts back what the memo says, on the apps that have one of this holder, and leaves the others alone. It
// goes on after a failure, may be repeated, and an app that is gone is none to put back.
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
	defer m.locks.Lock(EachOnce(apps))()
	var failures []error
	for _, id := range slices.Backward(apps) { // the first one knows of the others until the end
		name, err := m.releaseApp(ctx, holder, id)
		if err != nil && !heroku.IsNotFound(err) {
			failures = append(failures, fmt.Errorf("putting the app %s back: %w", cmp.Or(name, string(id)), err))
		}
	}
	return errors.Join(failures...)
}

// releaseApp also returns the app's name, if it could be read.
func (m *Manager) releaseApp(ctx context.Context, holder heroku.AddOnID, id heroku.AppID) (name string, err error) {
	app, err := m.heldApp(ctx, id)
	if err != nil || !slices.Contains(app.memo.Holders, holder) {
		return app.Name, err
	}
	if len(app.memo.Holders) > 1 {
		app.memo.Holders = slices.DeleteFunc(app.memo.Holders, func(id heroku.AddOnID) bool { return id == holder })
		delete(app.memo.Apps, holder)
		return app.Name, m.remember(ctx, id, app.memo)
	}
	if err := m.client.Scale(ctx, id, app.stopped()); err != nil {
		return app.Name, err
	}
	if before := app.memo.Maintenance; before != nil && !*before && app.Maintenance {
		if err := m.setAppMaintenance(ctx, id, false); err != nil {
			return app.Name, err
		}
	}
	return app.Name, m.client.SetConfigVar(ctx, id, HoldVar, nil)
}

// stopped are the process types to scale back. One that has dynos was scaled by somebody since, and one that is gone
// was so by a release.
func (a heldApp) stopped() map[string]int {
	stopped := make(map[string]int)
	for _, process := range a.formation {
		if before := a.memo.Formation[process.Type]; before > 0 && process.Quantity == 0 {
			stopped[process.Type] = before
		}
	}
	return stopped
}
