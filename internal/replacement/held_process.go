// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package replacement

import (
	"context"
	"maps"
	"strings"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
)

// While an app is held, its process types have no dynos. Callers that manage a process type see the quantity that it has after the
// hold, and change that quantity: a dyno that starts during the hold would write to a store that is being copied.

// AfterHold returns the process type as it will be when the app is released. held is true if it has no dynos until then.
func (m *Manager) AfterHold(ctx context.Context, p heroku.Process) (after heroku.Process, held bool, err error) {
	if p.Quantity > 0 { // somebody has scaled it in spite of a hold, which a release leaves alone
		return p, false, nil
	}
	memo, err := m.memoOf(ctx, heroku.App{ID: p.AppID, Name: p.AppName})
	if err != nil {
		return p, false, err
	}
	if memo.Formation == nil { // the app is not held, but may have been when the process type was read
		p, err = m.client.ProcessNow(ctx, p.AppID, heroku.ProcessType(p.Type))
		return p, false, err
	}
	p.Quantity = memo.Formation[p.Type]
	return p, true, nil
}

// ScaleProcess changes a process type. In a held app it keeps having no dynos, and the quantity is that after the hold. Nothing is
// changed unless the function unchanged returns true for the current process type.
//
// All process types of an app have sizes of one family, so that one of them alone cannot change to another family. If Heroku refuses a
// size, the request is repeated with the sizes that beside returns for the other process types.
func (m *Manager) ScaleProcess(ctx context.Context, app heroku.AppID, process heroku.ProcessType, u heroku.ProcessUpdate,
	unchanged func(heroku.Process) bool, beside func() map[heroku.ProcessType]string,
) (p heroku.Process, held bool, err error) {
	defer m.locks.Lock([]heroku.AppID{app})()
	if p, err = m.client.ProcessNow(ctx, app, process); err != nil {
		return p, false, err
	}
	p.AppID = app
	if p, held, err = m.AfterHold(ctx, p); err != nil {
		return p, false, err
	}
	if !unchanged(p) {
		return p, held, nil
	}
	after := p.Quantity
	if held && u.Quantity != nil {
		if after = *u.Quantity; after != p.Quantity {
			if err := m.writeQuantity(ctx, p, after); err != nil {
				return p, held, err
			}
		}
		u.Quantity = nil
	}
	if u != (heroku.ProcessUpdate{}) {
		p, err = m.client.UpdateProcess(ctx, app, process, u)
		if u.Size != "" && heroku.HasID(err, "invalid_params") {
			p, err = m.resizeTogether(ctx, app, process, u, beside(), err)
		}
		if err != nil {
			return p, held, err
		}
	}
	if held {
		p.Quantity = after
	}
	return p, held, nil
}

// writeQuantity changes the quantity that a process type of a held app will have after the hold.
func (m *Manager) writeQuantity(ctx context.Context, p heroku.Process, quantity int) error {
	memo, err := m.memoOf(ctx, heroku.App{ID: p.AppID, Name: p.AppName})
	if err != nil {
		return err
	}
	memo.Formation = maps.Clone(memo.Formation)
	memo.Formation[p.Type] = quantity
	return m.writeMemo(ctx, p.AppID, memo)
}

// resizeTogether changes a process type together with the sizes of others. refused is Heroku's error for the process type alone.
func (m *Manager) resizeTogether(ctx context.Context, app heroku.AppID, process heroku.ProcessType, u heroku.ProcessUpdate,
	sizes map[heroku.ProcessType]string, refused error,
) (heroku.Process, error) {
	formation, err := m.client.Formation(ctx, app)
	if err != nil {
		return heroku.Process{}, refused
	}
	updates := map[heroku.ProcessType]heroku.ProcessUpdate{process: u}
	for _, p := range formation {
		other := heroku.ProcessType(p.Type)
		if size := sizes[other]; other != process && size != "" && !strings.EqualFold(size, p.Size) {
			updates[other] = heroku.ProcessUpdate{Size: size}
		}
	}
	if len(updates) == 1 {
		return heroku.Process{}, refused
	}
	if formation, err = m.client.UpdateProcesses(ctx, app, updates); err != nil {
		return heroku.Process{}, err
	}
	for _, p := range formation {
		if heroku.ProcessType(p.Type) == process {
			return p, nil
		}
	}
	return m.client.ProcessNow(ctx, app, process)
}
