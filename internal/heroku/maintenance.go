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

// Statuses of a maintenance (Platform API reference, data maintenances): an open set, since the sources disagree about
// "pending" and "unknown".
const (
	MaintenanceNone      = "none" // there is nothing to do, and was not yet
	MaintenancePending   = "pending"
	MaintenancePreparing = "preparing"
	MaintenanceReady     = "ready" // it can be run
	MaintenanceRunning   = "running"
	MaintenanceCompleted = "completed" // until there is another one
)

// MaxMaintenanceHistory is how many maintenances Heroku tells of at most.
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
	Window                 string // of the add-on now: "Fridays 18:00 to 22:00 UTC"; empty on plans without one
	RunWindow              string // in which this maintenance was, or is to be, run
	RequiredBy             time.Time
	ScheduledFor           time.Time
	PreviouslyScheduledFor time.Time
	StartedAt              time.Time
	CompletedAt            time.Time
	Duration               *time.Duration // nil until it is completed
	CustomerRequested      bool
}

// Outstanding reports that the maintenance has yet to be run.
func (m Maintenance) Outstanding() bool {
	switch m.Status {
	case MaintenancePending, MaintenancePreparing, MaintenanceReady:
		return true
	}
	return false
}

// MaintenanceWindow is when a store is maintained, every week, and to when that has moved what was outstanding.
type MaintenanceWindow struct {
	Window                 string // "Mondays 22:30 to Tuesdays 02:30 UTC"; there is no structured form
	PreviousWindow         string // in the answer to a change
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
	// Beyond a year, and NaN, it is no duration of a maintenance, and would overflow.
	if seconds, err := strconv.ParseFloat(string(w.DurationSeconds), 64); err == nil && seconds >= 0 && seconds <= maxMaintenance.Seconds() {
		d := time.Duration(seconds * float64(time.Second))
		m.Duration = &d
	}
	return m, nil
}

type wireMaintenances struct {
	Maintenances *[]wireMaintenance `json:"maintenances"`
}

// value refuses an answer without the list: that would read as if there were no maintenance.
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
	// What the Heroku CLI calls the two.
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

// dataTime is a time in one of the Data API's styles, in UTC; zero when it is null or in none of them.
type dataTime struct{ time.Time }

var dataTimeStyles = []string{time.RFC3339, "2006-01-02 15:04:05 -0700", "2006-01-02 15:04:05 MST", "2006-01-02 15:04 MST"}

func (t *dataTime) UnmarshalJSON(b []byte) error {
	t.Time = time.Time{}
	var s text
	if err := s.UnmarshalJSON(b); err != nil {
		return err
	}
	for _, style := range dataTimeStyles {
		if parsed, err := time.Parse(style, string(s)); err == nil {
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

// maintenances takes ids only, never names.
func (c *Client) maintenances(rest ...string) call {
	k := c.get(append([]string{"data", "maintenances", "v1"}, rest...)...)
	k.endpoint = c.data
	return k
}

func maintenanceAddOn(m Maintenance) AddOnID { return m.AddOnID }

// Maintenance returns the latest maintenance of a store. When there was none, its status is [MaintenanceNone], or the
// answer is a 404 that does not have the id not_found: see [HasStatus]. On mini it is an error.
func (c *Client) Maintenance(ctx context.Context, id AddOnID) (Maintenance, error) {
	m, _, err := exchange(ctx, c, c.maintenances(string(id)), requireID(id, maintenanceAddOn, decodeOne[wireMaintenance]))
	return m, err
}

// AppMaintenances returns the latest maintenance of each data add-on that the app owns, Key-Value Stores and others.
func (c *Client) AppMaintenances(ctx context.Context, id AppID) ([]Maintenance, error) {
	of := func(m Maintenance) AppID { return m.AppID }
	all, _, err := exchange(ctx, c, c.maintenances("apps", string(id)), requireEachID(id, of, decodeOne[wireMaintenances]))
	return all, err
}

// MaintenanceHistory returns the last maintenances of a store, newest first, at most [MaxMaintenanceHistory].
func (c *Client) MaintenanceHistory(ctx context.Context, id AddOnID, limit int) ([]Maintenance, error) {
	k := c.maintenances(string(id), "history")
	k.query = url.Values{"limit": {strconv.Itoa(limit)}}
	all, _, err := exchange(ctx, c, k, requireEachID(id, maintenanceAddOn, decodeOne[wireMaintenances]))
	return all, err
}

// MaintenanceWindow returns a store's window. [Client.Store] has its text too, without another request.
func (c *Client) MaintenanceWindow(ctx context.Context, id AddOnID) (MaintenanceWindow, error) {
	w, _, err := exchange(ctx, c, c.maintenances(string(id), "window"), decodeOne[wireWindow])
	return w, err
}

// SetMaintenanceWindow sets when the four hours begin in which a store is maintained: a day in English ("tuesday") and a
// full or half hour ("17:30"), in UTC. It cannot be unset.
func (c *Client) SetMaintenanceWindow(ctx context.Context, id AddOnID, day, timeOfDay string) (MaintenanceWindow, error) {
	k := c.maintenances(string(id), "window")
	// A POST, but one that sets: repeating it gives the same result.
	k.operation, k.method = write, http.MethodPost
	k.body = map[string]string{"day_of_week": day, "time_of_day": timeOfDay}
	begins := strings.ToLower(day) + "s " + timeOfDay
	return updateObject(ctx, c, k, decodeOne[wireWindow],
		func(ctx context.Context) (MaintenanceWindow, error) { return c.MaintenanceWindow(ctx, id) },
		func(now MaintenanceWindow) bool { return strings.HasPrefix(strings.ToLower(now.Window), begins) })
}
