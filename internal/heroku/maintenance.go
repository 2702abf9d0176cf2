// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package heroku

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Statuses of a maintenance (Platform API reference, data maintenances). There may be others: Heroku's documents disagree about
// "pending" and "unknown".
const (
	MaintenanceNone      = "none" // there is no maintenance, and there never was
	MaintenancePending   = "pending"
	MaintenancePreparing = "preparing"
	MaintenanceReady     = "ready" // it can be run
	MaintenanceRunning   = "running"
	MaintenanceCompleted = "completed" // the status until the next maintenance
)

// MaxMaintenanceHistory is the largest number of maintenances that Heroku lists.
const MaxMaintenanceHistory = 20

const maxMaintenance = 365 * 24 * time.Hour

// Maintenance is the latest maintenance of a store, or an earlier one. Times are zero where Heroku gives none.
type Maintenance struct {
	AddOnID                AddOnID
	AddOnName              string
	AppID                  AppID
	AppName                string
	Status                 string
	Method                 string // "failover", "changeover"; empty when there is no maintenance
	Reason                 string // "routine_maintenance", "customer_request", "hardware_issue"; or empty
	Window                 string // the add-on's current window: "Fridays 18:00 to 22:00 UTC"; empty on plans without one
	RunWindow              string // the window in which this maintenance was or will be run
	RequiredBy             time.Time
	ScheduledFor           time.Time
	PreviouslyScheduledFor time.Time
	StartedAt              time.Time
	CompletedAt            time.Time
	Duration               *time.Duration // nil until it is completed
	CustomerRequested      bool
}

// Outstanding reports whether the maintenance has yet to be run.
func (m Maintenance) Outstanding() bool {
	switch m.Status {
	case MaintenancePending, MaintenancePreparing, MaintenanceReady:
		return true
	}
	return false
}

// MaintenanceWindow is the weekly window in which a store is maintained. In the response to a change, ScheduledFor is when an
// outstanding maintenance is now scheduled.
type MaintenanceWindow struct {
	Window                 string // "Mondays 22:30 to Tuesdays 02:30 UTC"; there is no structured form
	PreviousWindow         string // only in the response to a change
	ScheduledFor           time.Time
	PreviouslyScheduledFor time.Time
}

type wireMaintenance struct {
	AddOn struct {
		UUID   text `json:"uuid"`
		Name   text `json:"name"`
		Window text `json:"window"`
	} `json:"addon"`
	App struct {
		UUID text `json:"uuid"`
		Name text `json:"name"`
	} `json:"app"`
	Status                 text     `json:"status"`
	Method                 text     `json:"method"`
	Reason                 text     `json:"reason"`
	Window                 text     `json:"window"`
	RequiredBy             dataTime `json:"required_by"`
	ScheduledFor           dataTime `json:"scheduled_for"`
	PreviouslyScheduledFor dataTime `json:"previously_scheduled_for"`
	StartedAt              dataTime `json:"started_at"`
	CompletedAt            dataTime `json:"completed_at"`
	DurationSeconds        text     `json:"duration_seconds"`
	CustomerRequested      flag     `json:"customer_requested"`
}

func (w wireMaintenance) value() (Maintenance, error) {
	if w.Status == "" {
		return Maintenance{}, missing("status of a maintenance")
	}
	m := Maintenance{
		AddOnID:                AddOnID(w.AddOn.UUID),
		AddOnName:              string(w.AddOn.Name),
		AppID:                  AppID(w.App.UUID),
		AppName:                string(w.App.Name),
		Status:                 string(w.Status),
		Method:                 string(w.Method),
		Reason:                 string(w.Reason),
		Window:                 string(w.AddOn.Window),
		RunWindow:              string(w.Window),
		RequiredBy:             w.RequiredBy.Time,
		ScheduledFor:           w.ScheduledFor.Time,
		PreviouslyScheduledFor: w.PreviouslyScheduledFor.Time,
		StartedAt:              w.StartedAt.Time,
		CompletedAt:            w.CompletedAt.Time,
		CustomerRequested:      bool(w.CustomerRequested),
	}
	// NaN, and durations of more than a year, are not plausible and would overflow.
	if seconds, err := strconv.ParseFloat(string(w.DurationSeconds), 64); err == nil && seconds >= 0 && seconds <= maxMaintenance.Seconds() {
		d := time.Duration(seconds * float64(time.Second))
		m.Duration = &d
	}
	return m, nil
}

type wireMaintenances struct {
	Maintenances *[]wireMaintenance `json:"maintenances"`
}

// value refuses a response without the list: it would read as if there were no maintenance.
func (w wireMaintenances) value() ([]Maintenance, error) {
	if w.Maintenances == nil {
		return nil, missing("maintenances")
	}
	all := make([]Maintenance, 0, len(*w.Maintenances))
	for _, wire := range *w.Maintenances {
		m, err := wire.value()
		if err != nil {
			return nil, err
		}
		all = append(all, m)
	}
	return all, nil
}

type wireWindow struct {
	Window                 text     `json:"window"`
	PreviousWindow         text     `json:"previous_window"`
	ScheduledFor           dataTime `json:"scheduled_for"`
	PreviouslyScheduledFor dataTime `json:"previously_scheduled_for"`
	// The names of these two fields in the Heroku CLI.
	ScheduledAt           dataTime `json:"scheduled_at"`
	PreviouslyScheduledAt dataTime `json:"previously_scheduled_at"`
}

func (w wireWindow) value() (MaintenanceWindow, error) {
	if w.Window == "" {
		return MaintenanceWindow{}, missing("window")
	}
	return MaintenanceWindow{
		Window:                 string(w.Window),
		PreviousWindow:         string(w.PreviousWindow),
		ScheduledFor:           w.ScheduledFor.or(w.ScheduledAt),
		PreviouslyScheduledFor: w.PreviouslyScheduledFor.or(w.PreviouslyScheduledAt),
	}, nil
}

// dataTime is a time in one of the Data API's formats, converted to UTC. It is zero if it is null or has another format.
type dataTime struct{ time.Time }

var dataTimeFormats = []string{time.RFC3339, "2006-01-02 15:04:05 -0700", "2006-01-02 15:04:05 MST", "2006-01-02 15:04 MST"}

func (t *dataTime) UnmarshalJSON(b []byte) error {
	t.Time = time.Time{}
	var s text
	if err := s.UnmarshalJSON(b); err != nil {
		return err
	}
	for _, format := range dataTimeFormats {
		if parsed, err := time.Parse(format, string(s)); err == nil {
			t.Time = parsed.UTC()
			return nil
		}
	}
	return nil
}

func (t dataTime) or(other dataTime) time.Time {
	if t.IsZero() {
		return other.Time
	}
	return t.Time
}

// maintenances returns a GET below /data/maintenances/v1, where Heroku accepts ids, and no names.
func (c *Client) maintenances(rest ...string) call {
	k := c.get(append([]string{"data", "maintenances", "v1"}, rest...)...)
	k.endpoint = c.data
	return k
}

func maintenanceAddOn(m Maintenance) AddOnID { return m.AddOnID }

// Maintenance returns the latest maintenance of a store. If there was none, its status is [MaintenanceNone], or the error is a
// 404 without the id not_found: see [HasStatus]. On the plan mini it is an error.
func (c *Client) Maintenance(ctx context.Context, id AddOnID) (Maintenance, error) {
	m, _, err := exchange(ctx, c, c.maintenances(string(id)), requireID(id, maintenanceAddOn, decodeOne[wireMaintenance]))
	return m, err
}

// AppMaintenances returns the latest maintenance of each data add-on that the app owns, of Key-Value Stores and others.
func (c *Client) AppMaintenances(ctx context.Context, id AppID) ([]Maintenance, error) {
	of := func(m Maintenance) AppID { return m.AppID }
	all, _, err := exchange(ctx, c, c.maintenances("apps", string(id)), requireEachID(id, of, decodeOne[wireMaintenances]))
	return all, err
}

// MaintenanceHistory returns the last maintenances of a store, newest first. The limit is at most [MaxMaintenanceHistory].
func (c *Client) MaintenanceHistory(ctx context.Context, id AddOnID, limit int) ([]Maintenance, error) {
	k := c.maintenances(string(id), "history")
	k.query = url.Values{"limit": {strconv.Itoa(limit)}}
	all, _, err := exchange(ctx, c, k, requireEachID(id, maintenanceAddOn, decodeOne[wireMaintenances]))
	return all, err
}

// MaintenanceWindow returns a store's window. [Store] has its text too, so that no other request is needed for that.
func (c *Client) MaintenanceWindow(ctx context.Context, id AddOnID) (MaintenanceWindow, error) {
	w, _, err := exchange(ctx, c, c.maintenances(string(id), "window"), decodeOne[wireWindow])
	return w, err
}

// SetMaintenanceWindow sets when the four-hour window begins in which a store is maintained: a day in English ("tuesday") and a
// full or half hour in UTC ("17:30"). It cannot be unset.
func (c *Client) SetMaintenanceWindow(ctx context.Context, id AddOnID, day, timeOfDay string) (MaintenanceWindow, error) {
	k := c.maintenances(string(id), "window")
	// This POST is idempotent: repeating it gives the same result.
	k.operation, k.method = write, http.MethodPost
	k.body = map[string]string{"day_of_week": day, "time_of_day": timeOfDay}
	begins := strings.ToLower(day) + "s " + timeOfDay
	return updateObject(ctx, c, k, decodeOne[wireWindow],
		func(ctx context.Context) (MaintenanceWindow, error) { return c.MaintenanceWindow(ctx, id) },
		func(now MaintenanceWindow) bool { return strings.HasPrefix(strings.ToLower(now.Window), begins) })
}
