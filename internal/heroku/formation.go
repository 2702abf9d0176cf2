// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package heroku

import (
	"context"
	"maps"
	"slices"
	"strings"
)

// Process is a process type of an app and the dynos that run it (Platform API reference, formation).
type Process struct {
	AppID    AppID
	AppName  string
	Type     string // "web"
	Quantity int    // 0 keeps the process type
	Size     string // "Private-M", also in a Shield Space
}

// ProcessType is what a process type of an app is called: "web".
type ProcessType string

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
	return Process{
		AppID: AppID(w.App.ID), AppName: string(w.App.Name), Type: string(w.Type), Quantity: *w.Quantity.value,
		Size: string(size),
	}, nil
}

func processApp(p Process) AppID        { return p.AppID }
func processType(p Process) ProcessType { return ProcessType(p.Type) }

// Formation lists the process types of an app; it has none before its first release of code.
func (c *Client) Formation(ctx context.Context, id AppID) ([]Process, error) {
	return list(ctx, c, c.get("apps", string(id), "formation"), aboutEach(id, processApp, many[wireProcess]),
		func(p Process) string { return p.Type })
}

// Process returns one process type of an app. Those of one app that are read together are one list. A process type that the app
// does not have is a 404, as is an app that does not exist.
func (c *Client) Process(ctx context.Context, app AppID, process ProcessType) (Process, error) {
	return c.processes.in(app).Get(ctx, process)
}

func (c *Client) newProcesses(app AppID) *batch[ProcessType, Process] {
	one := func(ctx context.Context, process ProcessType) (Process, error) {
		return c.ProcessNow(ctx, app, process)
	}
	return newBatch(c, one, func(ctx context.Context) (map[ProcessType]Process, error) {
		return index(ctx, c, c.get("apps", string(app), "formation"), aboutEach(app, processApp, many[wireProcess]), processType)
	})
}

// ProcessNow is Process from Heroku itself, and not from what was read a moment ago.
func (c *Client) ProcessNow(ctx context.Context, app AppID, process ProcessType) (Process, error) {
	p, _, err := exchange(ctx, c, c.get("apps", string(app), "formation", string(process)), processOf(app, process))
	return p, err
}

// processOf refuses an answer about another process type.
func processOf(app AppID, process ProcessType) func([]byte) (Process, error) {
	is := unless(func(p Process) bool { return p.Type != string(process) }, one[wireProcess])
	return about(app, processApp, is)
}

// ProcessUpdate is what of a process type is to change: nil and empty leave it as it is.
type ProcessUpdate struct {
	Quantity *int
	Size     string
}

// UpdateProcess sets quantity and size of a process type. The answer comes at once: dynos start and stop afterwards.
func (c *Client) UpdateProcess(ctx context.Context, app AppID, process ProcessType, u ProcessUpdate) (Process, error) {
	type size struct {
		Name string `json:"name"`
	}
	body := struct {
		Quantity *int  `json:"quantity,omitempty"`
		DynoSize *size `json:"dyno_size,omitempty"`
	}{Quantity: u.Quantity}
	if u.Size != "" {
		body.DynoSize = &size{u.Size}
	}
	k := c.patch(body, "apps", string(app), "formation", string(process))
	return change(ctx, c, k, processOf(app, process),
		func(ctx context.Context) (Process, error) { return c.ProcessNow(ctx, app, process) },
		func(now Process) bool {
			return (u.Quantity == nil || now.Quantity == *u.Quantity) && (u.Size == "" || strings.EqualFold(now.Size, u.Size))
		})
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
