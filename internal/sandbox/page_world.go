// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package sandbox

import (
	"cmp"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// pageWorld is the data that the page shows: names and states. Of secrets it has only the names.
type pageWorld struct {
	Version     uint64           `json:"version"`
	Engine      string           `json:"engine"`
	Ticks       bool             `json:"ticks"` // the clock runs in real time
	Teams       []pageTeam       `json:"teams"`
	Spaces      []pageSpace      `json:"spaces"`
	Apps        []pageApp        `json:"apps"`
	AddOns      []pageAddOn      `json:"add_ons"`
	Attachments []pageAttachment `json:"attachments"`
	Faults      []Fault          `json:"faults"`
	Ledger      Ledger           `json:"ledger"` // only its counts
}

type pageTeam struct {
	Name    string `json:"name"`
	Members int    `json:"members"`
}

type pageSpace struct {
	ID      string   `json:"id"`
	Name    string   `json:"name"`
	Team    string   `json:"team"`
	Region  string   `json:"region"`
	Shield  bool     `json:"shield"`
	State   string   `json:"state"`
	CIDR    string   `json:"cidr"`
	Data    string   `json:"data_cidr"`
	Ranges  []string `json:"ranges"`
	Applied bool     `json:"applied"` // the ranges are in effect
	Next    *pending `json:"next"`
}

type pageApp struct {
	ID          string   `json:"id"`
	Name        string   `json:"name"`
	Team        string   `json:"team"`
	Space       string   `json:"space"`
	Region      string   `json:"region"`
	Maintenance bool     `json:"maintenance"`
	Processes   []string `json:"processes"`   // "web 1 × Basic"
	ConfigVars  []string `json:"config_vars"` // their names
	Release     int      `json:"release"`
}

type pageAddOn struct {
	ID          string     `json:"id"`
	Name        string     `json:"name"`
	App         string     `json:"app"` // id
	Service     string     `json:"service"`
	Plan        string     `json:"plan"`
	State       string     `json:"state"`
	Store       *pageStore `json:"store"` // null = an add-on of another service
	Attachments int        `json:"attachments"`
	Next        *pending   `json:"next"`
}

type pageStore struct {
	Status      string    `json:"status"`
	Version     string    `json:"version"`
	Maintenance string    `json:"maintenance"` // status of the last maintenance
	Window      string    `json:"window"`
	StandbyAt   time.Time `json:"standby_at"` // zero = its plan has no standby
	Frozen      bool      `json:"frozen"`     // the standby is frozen
	Limit       int64     `json:"limit"`      // memory of the plan in bytes
	Usage       *usage    `json:"usage"`      // null = not measured yet
}

type pageAttachment struct {
	ID        string `json:"id"`
	App       string `json:"app"`    // id
	AddOn     string `json:"add_on"` // id
	Name      string `json:"name"`
	ConfigVar string `json:"config_var"`
}

// pending is the next event of an add-on or a space.
type pending struct {
	Kind   eventKind `json:"kind"`
	Due    time.Time `json:"due"`
	HeldBy string    `json:"held_by"` // id of a fault, or ""
}

// serveWorld answers with the page's data and the time of the clock. It does not apply due events.
func (s *Sandbox) serveWorld(w http.ResponseWriter, _ *http.Request) {
	clock := encode(s.clockBody())
	world := s.pageWorldJSON()
	setSecurityHeaders(w.Header())
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(clock)+len(world)-1))
	for _, part := range [][]byte{clock[:len(clock)-1], []byte(","), world[1:]} { // two objects become one
		if _, err := w.Write(part); err != nil {
			return // the client has disconnected
		}
	}
}

// pageWorldJSON returns the encoded pageWorld. It is computed once for each version of the world.
func (s *Sandbox) pageWorldJSON() []byte {
	p := &s.page
	p.snapshotMu.Lock()
	defer p.snapshotMu.Unlock()
	if p.snapshotJSON == nil || p.snapshotVersion != p.version.Load() {
		w := s.newPageWorld()
		p.snapshotJSON, p.snapshotVersion = encode(w), w.Version
	}
	return p.snapshotJSON
}

// newPageWorld makes the page's data. It iterates over each kind of object once, because it holds s.mu.
func (s *Sandbox) newPageWorld() pageWorld {
	version := s.page.version.Load() // before reading, so that a later change makes this version outdated
	usages := s.page.knownUsages()
	s.mu.Lock()
	defer s.mu.Unlock()
	w, next := s.world, map[string]*pending{}
	for _, e := range w.Events {
		id := cmp.Or(e.AddOn, e.Space)
		if known := next[id]; known == nil || e.Due.Before(known.Due) {
			next[id] = &pending{Kind: e.Kind, Due: e.Due}
			if s.faults.has(e.HeldBy) {
				next[id].HeldBy = e.HeldBy
			}
		}
	}
	page := pageWorld{
		Version: version, Engine: s.engine.Name(), Ticks: !s.clock.manual, Faults: s.faults.all(), Ledger: w.countLedger(),
		Teams: []pageTeam{}, Spaces: []pageSpace{}, Apps: []pageApp{}, AddOns: []pageAddOn{}, Attachments: []pageAttachment{},
	}
	for _, t := range w.Teams {
		page.Teams = append(page.Teams, pageTeam{t.Name, len(t.Members)})
	}
	for _, sp := range w.Spaces {
		page.Spaces = append(page.Spaces, w.newPageSpace(sp, next[sp.ID]))
	}
	vars, attached := map[string][]string{}, map[string]int{}
	for _, at := range w.Attachments {
		names := w.varsOf(at)
		page.Attachments = append(page.Attachments, pageAttachment{at.ID, at.App, at.AddOn, at.Name, strings.Join(names, " ")})
		attached[at.AddOn]++
		if w.AddOns[at.AddOn].State == stateProvisioned {
			vars[at.App] = append(vars[at.App], names...)
		}
	}
	for _, a := range w.Apps {
		page.Apps = append(page.Apps, w.newPageApp(a, vars[a.ID]))
	}
	for _, a := range w.AddOns {
		shown := pageAddOn{ID: a.ID, Name: a.Name, App: a.App, Service: a.service().Name,
			Plan: strings.TrimPrefix(a.planWire(), service.Name+":"), State: a.State, Attachments: attached[a.ID], Next: next[a.ID]}
		if a.isStore() {
			shown.Store = s.newPageStore(a, usages)
		}
		page.AddOns = append(page.AddOns, shown)
	}
	page.sort()
	return page
}

func (w *world) newPageSpace(sp *space, next *pending) pageSpace {
	shown := pageSpace{ID: sp.ID, Name: sp.Name, Region: sp.Region, Shield: sp.Shield, State: sp.State, CIDR: sp.CIDR, Data: sp.DataCIDR,
		Team: w.Teams[sp.Team].Name, Ranges: []string{}, Next: next}
	if n := len(sp.Rulesets); n > 0 {
		shown.Applied = sp.Rulesets[n-1].Applied
		for _, r := range sp.Rulesets[n-1].Rules {
			shown.Ranges = append(shown.Ranges, r.Source)
		}
	}
	return shown
}

func (w *world) newPageApp(a *app, ofAddOns []string) pageApp {
	shown := pageApp{ID: a.ID, Name: a.Name, Region: a.Region, Maintenance: a.Maintenance, Release: len(a.Releases), Processes: []string{}}
	if t := w.Teams[a.Team]; t != nil {
		shown.Team = t.Name
	}
	if sp := w.Spaces[a.Space]; sp != nil {
		shown.Space = sp.Name
	}
	for _, p := range a.Formation {
		shown.Processes = append(shown.Processes, p.Type+" "+strconv.Itoa(p.Quantity)+" × "+p.Size)
	}
	names := slices.AppendSeq(ofAddOns, maps.Keys(a.ConfigVars))
	slices.Sort(names)
	shown.ConfigVars = append([]string{}, slices.Compact(names)...)
	return shown
}

func (s *Sandbox) newPageStore(a *addOn, usages map[string]usage) *pageStore {
	plan := planByName(a.Plan)
	shown := &pageStore{Status: a.status(), Version: a.Store.Version, Limit: plan.MemoryBytes(), Maintenance: a.Store.lastMaintenance().Status}
	if a.State == stateDeprovisioning || a.State == stateDeprovisioned {
		shown.Status = a.State
	}
	if a.Store.Busy == busyFailover {
		shown.Status = "Failing over"
	}
	if a.hasMaintenance() {
		shown.Window = a.Store.window().String()
	}
	if plan.HighAvailability {
		shown.StandbyAt = a.Store.StandbyAt
		if a.Store.StandbyAt.IsZero() {
			shown.StandbyAt = a.CreatedAt
		}
	}
	_, shown.Frozen = s.standbys[a.ID]
	if u, ok := usages[a.ID]; ok {
		shown.Usage = &u
	}
	return shown
}

func (page *pageWorld) sort() {
	slices.SortFunc(page.Teams, func(a, b pageTeam) int { return cmp.Compare(a.Name, b.Name) })
	slices.SortFunc(page.Spaces, func(a, b pageSpace) int { return cmp.Compare(a.Name, b.Name) })
	slices.SortFunc(page.Apps, func(a, b pageApp) int { return cmp.Compare(a.Name, b.Name) })
	slices.SortFunc(page.AddOns, func(a, b pageAddOn) int { return cmp.Compare(a.Name, b.Name) })
	slices.SortFunc(page.Attachments, func(a, b pageAttachment) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.ID, b.ID))
	})
}
