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
	Quantity int    // of dynos; a process type that is scaled to 0 still exists
	Size     string // the name of the dyno size: "Private-M", also in a Shield Space
}

// ProcessType is the name of a process type of an app, such as "web".
type ProcessType string

type wireProcess struct {
	App      ref    `json:"app"`
	Type     text   `json:"type"`
	Quantity number `json:"quantity"`
	Size     text   `json:"size"`
	DynoSize ref    `json:"dyno_size"` // Heroku's replacement for the field size
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

// Formation lists the process types of an app. An app has none before code is released to it.
func (c *Client) Formation(ctx context.Context, id AppID) ([]Process, error) {
	return list(ctx, c, c.get("apps", string(id), "formation"), requireEachID(id, processApp, decodeMany[wireProcess]),
		func(p Process) string { return p.Type })
}

// Process returns one process type of an app. Reads of several process types of one app at once share one list request. The
// error is a 404 if the app or the process type does not exist.
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

// ProcessNow is like [Client.Process], but always sends a request, and never uses a cached list.
func (c *Client) ProcessNow(ctx context.Context, app AppID, process ProcessType) (Process, error) {
	p, _, err := exchange(ctx, c, c.get("apps", string(app), "formation", string(process)), processOf(app, process))
	return p, err
}

// processOf decodes a process type, and refuses another one than the requested.
func processOf(app AppID, process ProcessType) func([]byte) (Process, error) {
	is := rejectIf(func(p Process) bool { return p.Type != string(process) }, decodeOne[wireProcess])
	return requireID(app, processApp, is)
}

// ProcessUpdate holds the changes of a process type; a nil Quantity and an empty Size leave it unchanged.
type ProcessUpdate struct {
	Quantity *int
	Size     string
}

type wireDynoSize struct {
	Name string `json:"name"`
}

// wireUpdate is the JSON of an update. Type is only sent in a request that updates several process types.
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

// isAppliedTo reports whether the process type is as the update wants it.
func (u ProcessUpdate) isAppliedTo(p Process) bool {
	return (u.Quantity == nil || p.Quantity == *u.Quantity) && (u.Size == "" || strings.EqualFold(p.Size, u.Size))
}

// UpdateProcess sets the quantity and size of a process type. It returns before the dynos start and stop.
func (c *Client) UpdateProcess(ctx context.Context, app AppID, process ProcessType, u ProcessUpdate) (Process, error) {
	k := c.patch(u.wire(""), "apps", string(app), "formation", string(process))
	return updateObject(ctx, c, k, processOf(app, process),
		func(ctx context.Context) (Process, error) { return c.ProcessNow(ctx, app, process) }, u.isAppliedTo)
}

// UpdateProcesses is [Client.UpdateProcess] for several process types of an app. Heroku updates all of them or none.
func (c *Client) UpdateProcesses(ctx context.Context, app AppID, updates map[ProcessType]ProcessUpdate) ([]Process, error) {
	var wires []wireUpdate
	for _, process := range slices.Sorted(maps.Keys(updates)) {
		wires = append(wires, updates[process].wire(process))
	}
	k := c.patch(map[string]any{"updates": wires}, "apps", string(app), "formation")
	return updateObject(ctx, c, k, requireEachID(app, processApp, decodeMany[wireProcess]),
		func(ctx context.Context) ([]Process, error) { return c.Formation(ctx, app) },
		func(now []Process) bool {
			missing := maps.Clone(updates)
			for _, p := range now {
				if u, ok := missing[ProcessType(p.Type)]; ok && u.isAppliedTo(p) {
					delete(missing, ProcessType(p.Type))
				}
			}
			return len(missing) == 0
		})
}

// Scale sets the number of dynos of these process types, of all or of none; their sizes stay. The error is a 404 if the app
// does not have one of the process types.
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
