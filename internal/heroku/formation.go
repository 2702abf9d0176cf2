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
	return list(ctx, c, c.get("apps", string(id), "formation"), requireEachID(id, processApp, decodeMany[wireProcess]),
		func(p Process) string { return p.Type })
}

// Process returns one process type of an app. Those of one app that are read together are one list. A process type that the app
// does not have is a 404, as is an app that does not exist.
func (c *Client) Process(ctx context.Context, app AppID, process ProcessType) (Process, error) {
	return c.processes.of(app).Get(ctx, process)
}

func (c *Client) newProcesses(app AppID) *batch[ProcessType, Process] {
	one := func(ctx context.Context, process ProcessType) (Process, error) {
		return c.ProcessNow(ctx, app, process)
	}
	return newBatch(c, one, func(ctx context.Context) (map[ProcessType]Process, error) {
		return index(ctx, c, c.get("apps", string(app), "formation"), requireEachID(app, processApp, decodeMany[wireProcess]), processType)
	})
}

// ProcessNow is Process from Heroku itself, and not from what was read a moment ago.
func (c *Client) ProcessNow(ctx context.Context, app AppID, process ProcessType) (Process, error) {
	p, _, err := exchange(ctx, c, c.get("apps", string(app), "formation", string(process)), processOf(app, process))
	return p, err
}

// processOf refuses an answer about another process type.
func processOf(app AppID, process ProcessType) func([]byte) (Process, error) {
	is := rejectIf(func(p Process) bool { return p.Type != string(process) }, decodeOne[wireProcess])
	return requireID(app, processApp, is)
}

// ProcessUpdate is what of a process type is to change: nil and empty leave it as it is.
type ProcessUpdate struct {
	Quantity *int
	Size     string
}

type wireDynoSize struct {
	Name string `json:"name"`
}

// wireUpdate is the update of a process type, which one request for several names in each.
type wireUpdate struct {
	Type     ProcessType   `json:"type,omitempty"`
	Quantity *int          `json:"quantity,omitempty"`
	DynoSize *wireDynoSize `json:"dyno_size,omitempty"`
}

func (u ProcessUpdate) wire(process ProcessType) wireUpdate {
	w := wireUpdate{Type: process, Quantity: u.Quantity}
	if u.Size != "" {
		w.DynoSize = &wireDynoSize{u.Size}
	}
	return w
}

// made says that a process type has become as the update wants it.
func (u ProcessUpdate) isAppliedTo(p Process) bool {
	return (u.Quantity == nil || p.Quantity == *u.Quantity) && (u.Size == "" || strings.EqualFold(p.Size, u.Size))
}

// UpdateProcess sets quantity and size of a process type. The answer comes at once: dynos start and stop afterwards.
func (c *Client) UpdateProcess(ctx context.Context, app AppID, process ProcessType, u ProcessUpdate) (Process, error) {
	k := c.patch(u.wire(""), "apps", string(app), "formation", string(process))
	return updateObject(ctx, c, k, processOf(app, process),
		func(ctx context.Context) (Process, error) { return c.ProcessNow(ctx, app, process) }, u.isAppliedTo)
}

// UpdateProcesses is UpdateProcess for several process types of an app, all or none of them.
func (c *Client) UpdateProcesses(ctx context.Context, app AppID, updates map[ProcessType]ProcessUpdate) ([]Process, error) {
	var wires []wireUpdate
	for _, process := range slices.Sorted(maps.Keys(updates)) {
		wires = append(wires, updates[process].wire(process))
	}
	k := c.patch(map[string]any{"updates": wires}, "apps", string(app), "formation")
	return updateObject(ctx, c, k, requireEachID(app, processApp, decodeMany[wireProcess]),
		func(ctx context.Context) ([]Process, error) { return c.Formation(ctx, app) },
		func(now []Process) bool {
			left := maps.Clone(updates)
			for _, p := range now {
				if u, wanted := left[ProcessType(p.Type)]; wanted && u.isAppliedTo(p) {
					delete(left, ProcessType(p.Type))
				}
			}
			return len(left) == 0
		})
}

// Scale sets the number of dynos of these process types, all or none of them; their sizes stay. A process type that the
// app does not have is a 404.
func (c *Client) Scale(ctx context.Context, id AppID, quantities map[string]int) error {
	if len(quantities) == 0 {
		return nil
	}
	updates := make(map[ProcessType]ProcessUpdate, len(quantities))
	for process, quantity := range quantities {
		updates[ProcessType(process)] = ProcessUpdate{Quantity: &quantity}
	}
	_, err := c.UpdateProcesses(ctx, id, updates)
	return err
}
