// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package sandbox

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// windowBody is the representation of a window. It has the times under two names, because the API's specification and the Heroku CLI
// differ.
func windowBody(_ *call, a *addOn) object {
	m := a.Store.openMaintenance()
	if m == nil {
		m = &maintenance{}
	}
	scheduled, previously := timeOrNull(m.ScheduledFor, dataStamp), timeOrNull(m.PreviouslyFor, dataStamp)
	return object{
		"window": a.Store.window().String(), "previous_window": nil, "scheduled_at": scheduled, "scheduled_for": scheduled,
		"previously_scheduled_at": previously, "previously_scheduled_for": previously,
	}
}

func setWindow(c *call, a *addOn, in struct {
	DayOfWeek string `json:"day_of_week"`
	TimeOfDay string `json:"time_of_day"`
}) (any, error) {
	window, err := parseWindow(in.DayOfWeek, in.TimeOfDay)
	if err != nil {
		return nil, unprocessable("%s", err)
	}
	former := a.Store.window().String()
	c.moveWindow(a, window)
	b := windowBody(c, a)
	b["previous_window"] = former
	return b, nil
}

// moveWindow changes the window of a store, and moves a maintenance that is scheduled and not running into it.
func (c *call) moveWindow(a *addOn, to window) {
	a.Store.WindowDay, a.Store.WindowFrom = to.day, to.minute
	if m := a.Store.openMaintenance(); m != nil && m.Status != maintenanceRunning && !m.ScheduledFor.IsZero() {
		c.w.schedule(a, earliest(to.next(c.now), m.RequiredBy))
	}
}

// legacyStore finds the store in the path, by id or name, for requests that only old versions of the Heroku CLI send.
func legacyStore(c *call) (*addOn, error) {
	a, err := pathStore(c)
	if err == nil && (a.State == stateProvisioning || !a.hasMaintenance()) {
		err = unprocessable("Maintenance is not available on %s.", a.Name)
	}
	return a, err
}

func getLegacyMaintenance(_ *call, a *addOn) object {
	return object{"message": "Maintenance " + a.Store.maintenanceRow() + ", window is " + a.Store.window().String()}
}

func setLegacyWindow(c *call, a *addOn, in struct {
	Description string `json:"description"`
}) (any, error) {
	window, err := parseWindowText(in.Description)
	if err != nil {
		return nil, unprocessable("%s", err)
	}
	c.moveWindow(a, window)
	b := object{"window": window.String()}
	if at := windowBody(c, a)["scheduled_at"]; at != nil {
		b["scheduled_at"] = at
	}
	return b, nil
}

// window is the weekly period of four hours in which a store is maintained (Dev Center: Heroku Key-Value Store Maintenance).
type window struct {
	day    time.Weekday
	minute int // since midnight, UTC
}

// window returns the window of the store. A store on mini has one too, which the API does not show.
func (s *store) window() window { return window{s.WindowDay, s.WindowFrom} }

// randomWindow returns a window that begins on Monday to Friday from 18:00 to 22:30 (Dev Center: Heroku Key-Value Store Maintenance).
func (w *world) randomWindow() window {
	r := w.random()
	return window{time.Monday + time.Weekday(r.IntN(5)), 18*60 + 30*r.IntN(10)}
}

// parseWindow parses the full English name of a day, and a time such as 13:30 or 1:30PM. It is unknown whether Heroku accepts plurals and
// abbreviations of days.
func parseWindow(day, timeOfDay string) (window, error) {
	for weekday := time.Sunday; weekday <= time.Saturday; weekday++ {
		if !strings.EqualFold(day, weekday.String()) {
			continue
		}
		for _, layout := range []string{"15:04", "3:04PM"} {
			if t, err := time.Parse(layout, strings.ToUpper(timeOfDay)); err == nil && t.Minute()%30 == 0 {
				return window{weekday, t.Hour()*60 + t.Minute()}, nil
			}
		}
		return window{}, errors.New("time_of_day must be a full or half hour, for example 13:30")
	}
	return window{}, errors.New("day_of_week must be a day of the week, for example Sunday")
}

// parseWindowText parses a window as String formats it, or only its beginning, such as "Mon 10:00".
func parseWindowText(text string) (window, error) {
	words := strings.Fields(text)
	for day := time.Sunday; len(words) > 1 && day <= time.Saturday; day++ {
		if !strings.EqualFold(words[0], day.String()[:3]) && !strings.EqualFold(words[0], day.String()+"s") {
			continue
		}
		w, err := parseWindow(day.String(), words[1])
		if err == nil && len(words) > 2 && !strings.EqualFold(text, w.String()) {
			break
		}
		return w, err
	}
	return window{}, fmt.Errorf("%q is not a maintenance window such as %q", text, window{day: time.Monday, minute: 22*60 + 30})
}

// String formats the window as Heroku does: "Mondays 22:30 to Tuesdays 02:30 UTC", without the second day if both are the same.
func (w window) String() string {
	begins := time.Date(2026, time.February, 1+int(w.day), 0, w.minute, 0, 0, time.UTC) // 1 February 2026 is a Sunday
	ends := begins.Add(4 * time.Hour)
	text := begins.Format("Monday") + "s " + begins.Format("15:04") + " to "
	if ends.Weekday() != w.day {
		text += ends.Format("Monday") + "s "
	}
	return text + ends.Format("15:04") + " UTC"
}

// next returns the time at which the window next begins, which may be now.
func (w window) next(now time.Time) time.Time {
	now = now.UTC()
	days := int(w.day-now.Weekday()+7) % 7
	begins := time.Date(now.Year(), now.Month(), now.Day()+days, 0, w.minute, 0, 0, time.UTC)
	if begins.Before(now) {
		begins = begins.AddDate(0, 0, 7)
	}
	return begins
}
