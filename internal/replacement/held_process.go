// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package replacement

import (
	"context"
	"maps"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
)

// A process type of a held app has no dynos for a while, and not because anybody wants none. Whoever manages it is told how many it
// has again afterwards, and changes that number while the app is held: a dyno that starts now would write to a store that is
// being copied.

// BehindHold is the process type as it is once the app is not held any more. held reports that it has no dynos until then.
func (m *Manager) BehindHold(ctx context.Context, p heroku.Process) (after heroku.Process, held bool, err error) {
	if p.Quantity > 0 { // no hold lets it run: somebody has scaled it since, and it stays so
		return p, false, nil
	}
	memo, err := m.memoOf(ctx, heroku.App{ID: p.AppID, Name: p.AppName})
	if err != nil {
		return p, false, err
	}
	if memo.Formation == nil { // or it was put back since the process type was read
		p, err = m.client.ProcessNow(ctx, p.AppID, heroku.ProcessType(p.Type))
		return p, false, err
	}
	p.Quantity = memo.Formation[p.Type]
	return p, true, nil
}

// ScaleProcess changes a process type. That of a held app keeps having no dynos: the quantity is what it has again afterwards. Nothing
// is changed unless unchanged says that the process type is what the caller takes it for.
func (m *Manager) ScaleProcess(ctx context.Context, app heroku.AppID, process heroku.ProcessType, u heroku.ProcessUpdate,
	unchanged func(heroku.Process) bool,
) (p heroku.Process, held bool, err error) {
	defer m.locks.Lock([]heroku.AppID{app})()
	if p, err = m.client.ProcessNow(ctx, app, process); err != nil {
		return p, false, err
	}
	p.AppID = app
	if p, held, err = m.BehindHold(ctx, p); err != nil {
		return p, false, err
	}
	if !unchanged(p) {
		return p, held, nil
	}
	after := p.Quantity
	if held && u.Quantity != nil {
		if after = *u.Quantity; after != p.Quantity {
			if err := m.rememberQuantity(ctx, p, after); err != nil {
				return p, held, err
			}
		}
		u.Quantity = nil
	}
	if u != (heroku.ProcessUpdate{}) {
		if p, err = m.client.UpdateProcess(ctx, app, process, u); err != nil {
			return p, held, err
		}
	}
	if held {
		p.Quantity = after
	}
	return p, held, nil
}

// rememberQuantity changes what a process type of a held app has again afterwards.
func (m *Manager) rememberQuantity(ctx context.Context, p heroku.Process, quantity int) error {
	memo, err := m.memoOf(ctx, heroku.App{ID: p.AppID, Name: p.AppName})
	if err != nil {
		return err
	}
	memo.Formation = maps.Clone(memo.Formation)
	memo.Formation[p.Type] = quantity
	return m.remember(ctx, p.AppID, memo)
}
