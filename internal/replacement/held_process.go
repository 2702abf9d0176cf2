// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package replacement

import (
	"context"
	"maps"
	"strings"

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
//
// All process types of an app have sizes of one family, so that none of them can leave it alone: where Heroku refuses a size, it is
// asked for together with those that beside has for the others.
func (m *Manager) ScaleProcess(ctx context.Context, app heroku.AppID, process heroku.ProcessType, u heroku.ProcessUpdate,
	unchanged func(heroku.Process) bool, beside func() map[heroku.ProcessType]string,
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

// resizeTogether changes a process type together with the sizes of others. refused is what Heroku has said to it alone.
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
