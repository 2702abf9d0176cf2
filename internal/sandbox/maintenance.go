// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package sandbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// maintenance is a maintenance of a store. Heroku requires it, or a version upgrade causes it.
type maintenance struct {
	Status        string
	Method        string
	Reason        string
	Version       string `json:",omitempty"` // version of the store after the maintenance; "" = unchanged
	Window        string // window of the store when the maintenance started; "" = not started
	RequiredBy    time.Time
	ScheduledFor  time.Time // when it starts, if it is ready and has not been run by then
	PreviouslyFor time.Time // the former ScheduledFor
	StartedAt     time.Time
	CompletedAt   time.Time
}

// Statuses of a maintenance, in order (Platform API reference, data maintenances).
const (
	maintenanceNone      = "none"
	maintenancePreparing = "preparing"
	maintenanceReady     = "ready"
	maintenanceRunning   = "running"
	maintenanceCompleted = "completed"
)

const (
	defaultHistory = 5
	maxHistory     = 20
	defaultDelay   = 2 // weeks; the default of the Heroku CLI
)

// openMaintenance returns the maintenance that is not completed, or nil.
func (s *store) openMaintenance() *maintenance {
	if n := len(s.Maintenances); n > 0 && s.Maintenances[n-1].Status != maintenanceCompleted {
		return &s.Maintenances[n-1]
	}
	return nil
}

// maintenanceRow returns the value of the row "Maintenance" in the store's info.
func (s *store) maintenanceRow() string {
	if m := s.openMaintenance(); m != nil && !m.RequiredBy.IsZero() {
		return "required by " + m.RequiredBy.Format("2006-01-02 15:04:05 -0700")
	}
	return "not required"
}

// hasMaintenance reports whether the plan has maintenances and a window, as all plans but mini do.
func (a *addOn) hasMaintenance() bool { return planByName(a.Store.Plan).MaintenanceWindow }

// RequireMaintenance adds a maintenance to a store, given by id or name, that Heroku requires within the given time. It is prepared, and
// then runs in the store's next window, or at the end of that time if this is earlier. It is an error if the store is unknown, is not
// provisioned, has a plan without maintenances, or already has a maintenance that is not completed.
func (s *Sandbox) RequireMaintenance(store string, in time.Duration) error {
	if err := s.applyDueEvents(s.lifetime); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.world.store(store)
	switch {
	case a == nil:
		return fmt.Errorf("there is no store %q", store)
	case a.State != stateProvisioned || !a.hasMaintenance():
		return fmt.Errorf("no maintenance can be required of %s: it is %s, on plan %s", a.Name, a.State, a.Plan)
	case in <= 0:
		return fmt.Errorf("a maintenance cannot be required within %s", in)
	case a.Store.openMaintenance() != nil:
		return fmt.Errorf("%s has a maintenance already, which is %s", a.Name, a.Store.openMaintenance().Status)
	}
	now := s.clock.Now()
	required := now.Add(in)
	s.prepareMaintenance(a, maintenance{Method: "failover", Reason: "routine_maintenance", RequiredBy: required}, now)
	s.world.schedule(a, earliest(a.Store.window().next(now.Add(s.options.Provisioning)), required))
	return s.save()
}

func earliest(a, b time.Time) time.Time {
	if !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// prepareMaintenance adds a maintenance, whose preparation begins now. s.mu is held.
func (s *Sandbox) prepareMaintenance(a *addOn, m maintenance, now time.Time) {
	m.Status = maintenancePreparing
	a.Store.Maintenances = append(a.Store.Maintenances, m)
	s.world.addEvent(event{Kind: maintenancePrepared, AddOn: a.ID, Due: now.Add(s.options.Provisioning)})
}

// schedule sets the time at which the open maintenance runs.
func (w *world) schedule(a *addOn, at time.Time) {
	m := a.Store.openMaintenance()
	m.PreviouslyFor, m.ScheduledFor = m.ScheduledFor, at
	w.cancel(a.ID, maintenanceDue)
	w.addEvent(event{Kind: maintenanceDue, AddOn: a.ID, Due: at})
}

// advanceMaintenance moves a maintenance to its next status.
func (s *Sandbox) advanceMaintenance(a *addOn, e event) {
	m := a.Store.openMaintenance()
	switch {
	case m == nil:
	case e.Kind == maintenancePrepared:
		m.Status = maintenanceReady
		if a.Store.Busy == busyVersion {
			a.Store.Busy = ""
		}
		switch {
		case m.ScheduledFor.IsZero():
			s.world.schedule(a, a.Store.window().next(e.Due))
		case !m.ScheduledFor.After(e.Due): // it became due before it was ready
			s.world.addEvent(event{Kind: maintenanceDue, AddOn: a.ID, Due: e.Due})
		}
	case e.Kind == maintenanceDue && m.Status == maintenanceReady && a.Store.Busy != "":
		s.world.addEvent(event{Kind: maintenanceDue, AddOn: a.ID, Due: e.Due.Add(s.options.Provisioning)})
	case e.Kind == maintenanceDue && m.Status == maintenanceReady:
		s.startMaintenance(a, e.Due)
	case e.Kind == maintenanceDone:
		m.Status, m.CompletedAt, a.Store.Busy = maintenanceCompleted, e.Due, ""
		if m.Version != "" {
			a.Store.Version = m.Version
		}
		s.world.releaseAttached(a, "Update", addOnPartner, e.Due)
	}
}

// startMaintenance starts the open maintenance, which must be ready. It ends with a failover to a standby. s.mu is held.
func (s *Sandbox) startMaintenance(a *addOn, now time.Time) {
	m := a.Store.openMaintenance()
	m.Status, m.StartedAt, m.Window, a.Store.Busy = maintenanceRunning, now, a.Store.window().String(), busyMaintenance
	s.world.cancel(a.ID, maintenanceDue)
	s.addFailoverEvent(a, event{Kind: maintenanceDone, AddOn: a.ID, Due: now.Add(s.options.Maintenance)})
}

// dataStamp formats a time as the Data API does.
func dataStamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000+00:00") }

// maintenanceBody is the representation of a maintenance. Absent values are null: the Heroku CLI distinguishes null from a missing member.
func (c *call) maintenanceBody(a *addOn, m maintenance) object {
	owner, attachments := c.w.Apps[a.App], []string{}
	for _, at := range c.w.attachmentsOf(a.ID, a.App) {
		attachments = append(attachments, c.w.varsOf(at)...)
	}
	var window, duration any
	ranIn := orNull(m.Window)
	if a.hasMaintenance() {
		window = a.Store.window().String()
		if ranIn == nil && m.Status != maintenanceNone {
			ranIn = window
		}
	}
	if !m.CompletedAt.IsZero() {
		duration = m.CompletedAt.Sub(m.StartedAt).Seconds()
	}
	description := strings.SplitN(string(a.Store.Plan), "-", 2)[0]
	if planByName(a.Store.Plan).HighAvailability {
		description += " HA"
	}
	return object{
		"addon": object{"uuid": a.ID, "name": a.Name, "kind": service.Name, "plan": string(a.Store.Plan),
			"attachments": attachments, "window": window},
		"addon_description": description, "app": object{"uuid": owner.ID, "name": owner.Name},
		"status": m.Status, "method": orNull(m.Method), "reason": orNull(m.Reason), "window": ranIn,
		"customer_requested":       m.Reason == "customer_request",
		"required_by":              timeOrNull(m.RequiredBy, dataStamp),
		"scheduled_for":            timeOrNull(m.ScheduledFor, dataStamp),
		"previously_scheduled_for": timeOrNull(m.PreviouslyFor, dataStamp),
		"started_at":               timeOrNull(m.StartedAt, dataStamp),
		"completed_at":             timeOrNull(m.CompletedAt, dataStamp),
		"duration_seconds":         duration, "server_created_at": dataStamp(a.CreatedAt),
	}
}

// lastMaintenance returns the store's last maintenance, or one with the status none.
func (s *store) lastMaintenance() maintenance {
	if n := len(s.Maintenances); n > 0 {
		return s.Maintenances[n-1]
	}
	return maintenance{Status: maintenanceNone}
}

// errNoMaintenance returns a 404 without an error id (Platform API reference, data maintenances).
func errNoMaintenance() error { return refuse(http.StatusNotFound, "", "not found") }

// maintenanceStore finds the store in the path by its UUID only, because the Heroku CLI resolves names before.
func maintenanceStore(c *call) (*addOn, error) {
	if !uuidPattern.MatchString(c.PathValue("store")) {
		return nil, errNoMaintenance()
	}
	a, err := pathStore(c)
	switch {
	case err != nil:
		return nil, err
	case a.State == stateProvisioning || !a.hasMaintenance() && c.Method == http.MethodGet:
		return nil, errNoMaintenance()
	case !a.hasMaintenance():
		return nil, unprocessable("Maintenance windows are not available on the %s plan of %s.", a.Store.Plan, a.Name)
	}
	return a, nil
}

func getMaintenance(c *call, a *addOn) object { return c.maintenanceBody(a, a.Store.lastMaintenance()) }

// getMaintenanceNoun serves …/apps/{app}, …/{store}/history and …/{store}/window: a ServeMux rejects these patterns as ambiguous.
func getMaintenanceNoun(c *call) (any, error) {
	noun := c.PathValue("noun")
	switch {
	case c.PathValue("store") == "apps":
		return listAppMaintenances(c, noun)
	case noun == "history":
		return with(maintenanceStore, listMaintenanceHistory)(c)
	case noun == "window":
		return show(maintenanceStore, windowBody)(c)
	}
	return nil, errNoEndpoint
}

func listAppMaintenances(c *call, appID string) (any, error) {
	app := c.w.Apps[appID]
	if app == nil || !c.w.mayRead(c.user, app) {
		return nil, errNoMaintenance()
	}
	bodies := []object{}
	for _, a := range sorted(c.w.AddOns) {
		if a.isStore() && a.App == app.ID && a.State == stateProvisioned {
			bodies = append(bodies, getMaintenance(c, a))
		}
	}
	return object{"maintenances": bodies}, nil
}

func listMaintenanceHistory(c *call, a *addOn) (_ any, err error) {
	limit := defaultHistory
	if text := c.URL.Query().Get("limit"); text != "" {
		if limit, err = strconv.Atoi(text); err != nil || limit < 1 || limit > maxHistory {
			return nil, unprocessable("limit must be between 1 and %d", maxHistory)
		}
	}
	bodies := []object{}
	for _, m := range slices.Backward(a.Store.Maintenances) {
		if len(bodies) < limit {
			bodies = append(bodies, c.maintenanceBody(a, m))
		}
	}
	return object{"maintenances": bodies}, nil
}

func runMaintenance(c *call, a *addOn) (any, error) {
	m := a.Store.openMaintenance()
	switch {
	case m == nil || m.Status != maintenanceReady:
		return nil, unprocessable("%s has no maintenance that is ready to run.", a.Name)
	case a.Store.Busy != "":
		return nil, a.Store.busy(a.Name)
	}
	c.s.startMaintenance(a, c.now)
	return object{"message": "Maintenance triggered"}, nil
}

// weeks is a number of weeks, given as a number, as a string ("2" or "-2"), or as null.
type weeks struct{ n *int }

func (w *weeks) UnmarshalJSON(raw []byte) error {
	var text *string
	if json.Unmarshal(raw, &text) != nil {
		s := string(raw)
		text = &s
	}
	if text == nil {
		return nil
	}
	n, err := strconv.Atoi(*text)
	w.n = &n
	if err != nil || max(n, -n) > 52 {
		return errors.New("delay_weeks must be a whole number of weeks, for example 2")
	}
	return nil
}

func scheduleMaintenance(c *call, a *addOn, in struct {
	DelayWeeks weeks `json:"delay_weeks"`
}) (any, error) {
	m := a.Store.openMaintenance()
	if m == nil || m.Status == maintenanceRunning {
		return nil, unprocessable("%s has no maintenance that could be scheduled.", a.Name)
	}
	delay, from := defaultDelay, m.ScheduledFor
	if in.DelayWeeks.n != nil {
		delay = *in.DelayWeeks.n
	}
	if from.IsZero() {
		from = c.now
	}
	at := a.Store.window().next(from.AddDate(0, 0, 7*delay))
	switch {
	case at.Before(c.now):
		return nil, unprocessable("Maintenance cannot be scheduled for %s, which is in the past.", dataStamp(at))
	case !m.RequiredBy.IsZero() && at.After(m.RequiredBy):
		return nil, unprocessable("Maintenance cannot be scheduled for %s: it is required by %s.",
			dataStamp(at), dataStamp(m.RequiredBy))
	}
	c.w.schedule(a, at)
	return c.maintenanceBody(a, *a.Store.openMaintenance()), nil
}
