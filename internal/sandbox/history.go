// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package sandbox

import (
	"fmt"
	"reflect"
	"slices"
	"sync"
)

// Moment is a snapshot of the apps, spaces and stores between two requests. All maps are keyed by name.
type Moment struct {
	After  string // method and path of the request that led to it, such as "DELETE /apps/{id}"; "" at the start
	Agent  string // User-Agent of that request
	Apps   map[string]AppMoment
	Spaces map[string]SpaceMoment
	Stores map[string]StoreMoment
}

// AppMoment is an app at one moment.
type AppMoment struct {
	ID, Team, Space, Region      string
	Maintenance, InternalRouting bool
	ConfigVars                   map[string]string // name -> name of the store whose URL it holds; "" if a user set it
	Formation                    map[string]string // process type -> quantity and size of its dynos, such as "1 Standard-1X"
}

// SpaceMoment is a space at one moment.
type SpaceMoment struct {
	ID, Team, Region, CIDR, DataCIDR, LogDrain string
	Shield                                     bool
	Ranges                                     []string // trusted IP ranges, sorted
	CreateApps                                 []string // e-mail addresses of members with the permission to create apps, sorted
}

// StoreMoment is a store at one moment.
type StoreMoment struct {
	ID, App, Plan, Version, MaxmemoryPolicy, NotifyKeyspaceEvents, Window string
	Timeout                                                               int
	Attachments                                                           []string // as app::NAME, sorted
}

// history records each moment that differs from the previous one.
type history struct {
	mu      sync.Mutex
	on      bool
	moments []Moment
}

// KeepHistory starts to record the history, beginning with the current moment.
func (s *Sandbox) KeepHistory() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.history.mu.Lock()
	s.history.on = true
	s.history.mu.Unlock()
	s.recordMoment("", "")
}

// History returns the moments since KeepHistory. Each of them differs from the previous one.
func (s *Sandbox) History() []Moment {
	s.history.mu.Lock()
	defer s.history.mu.Unlock()
	return slices.Clone(s.history.moments)
}

// recordMoment adds the current moment to the history, if the history is recorded and something has changed. s.mu is held.
func (s *Sandbox) recordMoment(after, agent string) {
	h := &s.history
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.on {
		return
	}
	now := s.world.moment()
	if n := len(h.moments); n > 0 {
		former := h.moments[n-1]
		former.After, former.Agent = "", ""
		if reflect.DeepEqual(former, now) {
			return
		}
	}
	now.After, now.Agent = after, agent
	h.moments = append(h.moments, now)
}

func (w *world) moment() Moment {
	m := Moment{Apps: map[string]AppMoment{}, Spaces: map[string]SpaceMoment{}, Stores: map[string]StoreMoment{}}
	for _, a := range w.Apps {
		one := AppMoment{
			ID: a.ID, Region: a.Region, Maintenance: a.Maintenance,
			InternalRouting: a.InternalRouting != nil && *a.InternalRouting, ConfigVars: map[string]string{}, Formation: map[string]string{},
		}
		for _, p := range a.Formation {
			one.Formation[p.Type] = fmt.Sprintf("%d %s", p.Quantity, p.Size)
		}
		if a.Team != "" {
			one.Team = w.Teams[a.Team].Name
		}
		if a.Space != "" {
			one.Space = w.Spaces[a.Space].Name
		}
		for name := range a.ConfigVars {
			one.ConfigVars[name] = ""
		}
		m.Apps[a.Name] = one
	}
	for _, a := range w.AddOns {
		if a.State == stateDeprovisioning || a.State == stateDeprovisioned {
			continue
		}
		one := StoreMoment{
			ID: a.ID, App: w.Apps[a.App].Name, Plan: string(a.Plan), Version: a.Store.Version, Window: a.Store.window().String(),
			MaxmemoryPolicy: a.Store.Settings.MaxmemoryPolicy, NotifyKeyspaceEvents: a.Store.Settings.NotifyKeyspaceEvents,
			Timeout: a.Store.Settings.Timeout,
		}
		for _, at := range w.Attachments {
			if at.AddOn != a.ID {
				continue
			}
			app := w.Apps[at.App].Name
			one.Attachments = append(one.Attachments, app+"::"+at.Name)
			if a.State == stateProvisioned {
				for _, name := range w.varsOf(at) {
					m.Apps[app].ConfigVars[name] = a.Name
				}
			}
		}
		slices.Sort(one.Attachments)
		if a.isStore() {
			m.Stores[a.Name] = one
		}
	}
	for _, sp := range w.Spaces {
		if sp.State == stateDeleting {
			continue
		}
		one := SpaceMoment{ID: sp.ID, Team: w.Teams[sp.Team].Name, Region: sp.Region, CIDR: sp.CIDR, DataCIDR: sp.DataCIDR,
			Shield: sp.Shield, Ranges: []string{}}
		if sp.LogDrain != nil {
			one.LogDrain = sp.LogDrain.URL
		}
		for _, r := range sp.Rulesets[len(sp.Rulesets)-1].Rules {
			if r.Action == "allow" {
				one.Ranges = append(one.Ranges, r.Source)
			}
		}
		for _, id := range sp.CreateApps {
			one.CreateApps = append(one.CreateApps, w.Users[id].Email)
		}
		slices.Sort(one.Ranges)
		slices.Sort(one.CreateApps)
		m.Spaces[sp.Name] = one
	}
	return m
}
