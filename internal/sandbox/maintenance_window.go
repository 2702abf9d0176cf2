// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package sandbox

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/keyvalue"
)

// windowBody has the times under both names: the API's specification and the Heroku CLI disagree.
type windowBody struct {
	PreviousWindow         *string `json:"previous_window"`
	PreviouslyScheduledAt  *string `json:"previously_scheduled_at"`
	PreviouslyScheduledFor *string `json:"previously_scheduled_for"`
	ScheduledAt            *string `json:"scheduled_at"`
	ScheduledFor           *string `json:"scheduled_for"`
	Window                 string  `json:"window"`
}

func (s *store) windowBody() windowBody {
	b := windowBody{Window: s.window().String()}
	if m := s.open(); m != nil {
		b.ScheduledFor, b.PreviouslyScheduledFor = dataStampOrNull(m.ScheduledFor), dataStampOrNull(m.PreviouslyFor)
		b.ScheduledAt, b.PreviouslyScheduledAt = b.ScheduledFor, b.PreviouslyScheduledFor
	}
	return b
}

func getWindow(c *call) (int, any, error) {
	a, err := c.maintenanceStore()
	if err != nil {
		return 0, nil, err
	}
	return http.StatusOK, a.Store.windowBody(), nil
}

func setWindow(c *call) (int, any, error) {
	a, err := c.maintenanceStore()
	if err != nil {
		return 0, nil, err
	}
	var in struct {
		DayOfWeek string `json:"day_of_week"`
		TimeOfDay string `json:"time_of_day"`
	}
	if err := c.params(&in); err != nil {
		return 0, nil, err
	}
	window, err := keyvalue.ParseWindow(in.DayOfWeek, in.TimeOfDay)
	// Whether Heroku takes plurals and abbreviations is not known: a client had better not rely on it.
	if err == nil && !strings.EqualFold(in.DayOfWeek, window.Day.String()) {
		err = fmt.Errorf("day_of_week must be a day of the week, for example %s", window.Day)
	}
	if err != nil {
		return 0, nil, refuse(http.StatusUnprocessableEntity, "unprocessable_entity", "%s", err)
	}
	former := a.Store.window().String()
	c.moveWindow(a, window)
	b := a.Store.windowBody()
	b.PreviousWindow = &former
	return http.StatusOK, b, nil
}

// moveWindow takes a maintenance that has not begun along.
func (c *call) moveWindow(a *addOn, to keyvalue.Window) {
	a.Store.WindowDay, a.Store.WindowFrom = to.Day, to.Minute
	if m := a.Store.open(); m != nil && m.Status != maintenanceRunning && !m.ScheduledFor.IsZero() {
		c.w.schedule(a, earliest(to.Next(c.now), m.RequiredBy))
	}
}

// legacyStore finds the store of a call that today's Heroku CLI makes no more, by id or name.
func (c *call) legacyStore() (*addOn, error) {
	a, err := c.storeAddOn()
	if err == nil && (a.State == stateProvisioning || !a.hasMaintenance()) {
		err = refuse(http.StatusUnprocessableEntity, "unprocessable_entity", "Maintenance is not available on %s.", a.Name)
	}
	return a, err
}

func getLegacyMaintenance(c *call) (int, any, error) {
	a, err := c.legacyStore()
	if err != nil {
		return 0, nil, err
	}
	return http.StatusOK, messageBody{"Maintenance " + a.Store.maintenanceRow() + ", window is " + a.Store.window().String()}, nil
}

func runLegacyMaintenance(c *call) (int, any, error) {
	a, err := c.legacyStore()
	if err != nil {
		return 0, nil, err
	}
	c.SetPathValue("store", a.ID)
	return runMaintenance(c)
}

func setLegacyWindow(c *call) (int, any, error) {
	a, err := c.legacyStore()
	if err != nil {
		return 0, nil, err
	}
	var in struct {
		Description string `json:"description"`
	}
	if err := c.params(&in); err != nil {
		return 0, nil, err
	}
	window, err := keyvalue.ParseWindowText(in.Description)
	if err != nil {
		return 0, nil, refuse(http.StatusUnprocessableEntity, "unprocessable_entity", "%s", err)
	}
	c.moveWindow(a, window)
	return http.StatusOK, struct {
		Window      string  `json:"window"`
		ScheduledAt *string `json:"scheduled_at,omitempty"`
	}{window.String(), a.Store.windowBody().ScheduledAt}, nil
}

// window is the store's, which every one has from the start: on mini nobody gets to see it.
func (s *store) window() keyvalue.Window {
	return keyvalue.Window{Day: s.WindowDay, Minute: s.WindowFrom}
}

// randomWindow is one from Monday to Friday, from 18:00 to 22:30 (Dev Center: Heroku Key-Value Store Maintenance).
func (w *world) randomWindow() keyvalue.Window {
	r := w.random()
	return keyvalue.Window{Day: time.Monday + time.Weekday(r.IntN(5)), Minute: 18*60 + 30*r.IntN(10)}
}
