// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package heroku

import (
	"context"
	"maps"
	"slices"
)

// Process is a process type of an app and the dynos that run it (Platform API reference, formation).
type Process struct {
	AppID    AppID
	Type     string // "web"
	Quantity int    // 0 keeps the process type
	Size     string // "Private-M", also in a Shield Space
}

type wireProcess struct {
	App      ref    `json:"app"`
	Type     text   `json:"type"`
	Quantity number `json:"quantity"`
	Size     text   `json:"size"`
	DynoSize ref    `json:"dyno_size"` // what Size is becoming
}

// value refuses a process without a quantity: that would read as if it were scaled to 0.
func (w wireProcess) value() (Process, error) {
	if w.Type == "" || w.Quantity.value == nil {
		return Process{}, missing("type and quantity of a process")
	}
	size := w.Size
	if size == "" {
		size = w.DynoSize.Name
	}
	return Process{AppID: AppID(w.App.ID), Type: string(w.Type), Quantity: *w.Quantity.value, Size: string(size)}, nil
}

func processApp(p Process) AppID { return p.AppID }

// Formation lists the process types of an app; it has none before its first release of code.
func (c *Client) Formation(ctx context.Context, id AppID) ([]Process, error) {
	return list(ctx, c, c.get("apps", string(id), "formation"), aboutEach(id, processApp, many[wireProcess]),
		func(p Process) string { return p.Type })
}

// Scale sets the number of dynos of these process types, all or none of them; their sizes stay. A process type that the
// app does not have is a 404.
func (c *Client) Scale(ctx context.Context, id AppID, quantities map[string]int) error {
	if len(quantities) == 0 {
		return nil
	}
	type update struct {
		Type     string `json:"type"`
		Quantity int    `json:"quantity"`
	}
	var updates []update
	for _, process := range slices.Sorted(maps.Keys(quantities)) {
		updates = append(updates, update{Type: process, Quantity: quantities[process]})
	}
	k := c.patch(map[string]any{"updates": updates}, "apps", string(id), "formation")
	_, err := change(ctx, c, k, aboutEach(id, processApp, many[wireProcess]),
		func(ctx context.Context) ([]Process, error) { return c.Formation(ctx, id) },
		func(now []Process) bool {
			left := maps.Clone(quantities)
			maps.DeleteFunc(left, func(process string, quantity int) bool {
				return slices.ContainsFunc(now, func(p Process) bool { return p.Type == process && p.Quantity == quantity })
			})
			return len(left) == 0
		})
	return err
}
