// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package keyvalue

import (
	"cmp"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Window is the weekly window, in UTC, in which Heroku maintains a store. It begins on a full or half hour and is four hours
// long (Dev Center: Heroku Key-Value Store Maintenance).
type Window struct {
	Day    time.Weekday
	Minute int // since midnight: 0 to 1410, in steps of 30
}

// WindowLength is the length of every window.
const WindowLength = 4 * time.Hour

const (
	minutesPerDay = 24 * 60
	week          = 7 * 24 * time.Hour
	windowExample = "Mondays 22:30 to Tuesdays 02:30 UTC"
)

// ParseWindow parses the beginning of a window, see [ParseDay] and [ParseTimeOfDay].
func ParseWindow(day, timeOfDay string) (Window, error) {
	weekday, err := ParseDay(day)
	if err != nil {
		return Window{}, err
	}
	minute, err := ParseTimeOfDay(timeOfDay)
	return Window{Day: weekday, Minute: minute}, err
}

// ParseDay parses a day of the week: its English name, its plural, or its first three letters, in upper or lower case.
func ParseDay(s string) (time.Weekday, error) {
	given := strings.ToLower(s)
	for day := time.Sunday; day <= time.Saturday; day++ {
		name := strings.ToLower(day.String())
		if given == name || given == name+"s" || given == name[:3] {
			return day, nil
		}
	}
	if err := dayAndTime(s); err != nil {
		return 0, err
	}
	return 0, fmt.Errorf("%q is not a day of the week: give an English name, for example Sunday (sundays and sun mean the same)", s)
}

// dayAndTime returns an error that explains how to write a text such as "Sundays 10:30", which the provider davidji99/herokux
// accepts. It returns nil for other texts.
func dayAndTime(s string) error {
	day, timeOfDay, both := strings.Cut(s, " ")
	if !both {
		return nil
	}
	if _, err := ParseWindow(day, timeOfDay); err == nil {
		return fmt.Errorf("%q is a day and a time: write for example day = %q and time = %q", s, day, timeOfDay)
	}
	return nil
}

var timeOfDayPattern = regexp.MustCompile(`(?i)^(\d{1,2}):(\d{2})(?: ?([ap])m)?$`)

// ParseTimeOfDay parses a full or half hour, such as 13:30 or 1:30PM, and returns the minutes since midnight.
func ParseTimeOfDay(s string) (int, error) {
	parts := timeOfDayPattern.FindStringSubmatch(s)
	if parts == nil {
		if err := dayAndTime(s); err != nil {
			return 0, err
		}
		return 0, fmt.Errorf("%q is not a time of day: give hours and minutes in UTC, for example 13:30 or 1:30PM", s)
	}
	hour, _ := strconv.Atoi(parts[1]) // the pattern allows only digits
	minute, _ := strconv.Atoi(parts[2])
	half := strings.ToLower(parts[3])
	switch {
	case half == "" && hour > 23:
		return 0, fmt.Errorf("%q is not a time of day: the hours are 0 to 23, for example 13:30", s)
	case half != "" && (hour < 1 || hour > 12):
		return 0, fmt.Errorf("%q is not a time of day: with AM or PM the hours are 1 to 12, for example 1:30PM", s)
	case minute%30 != 0 || minute > 59:
		return 0, fmt.Errorf("%q is not a full or half hour: maintenance windows begin at :00 or :30, for example %02d:%02d", s, hour,
			minute/30%2*30)
	case half != "":
		hour %= 12
		if half == "p" {
			hour += 12
		}
	}
	return hour*60 + minute, nil
}

var windowPattern = regexp.MustCompile(`(?i)^([a-z]+) (\d{1,2}:\d{2})(?: to (?:([a-z]+) )?(\d{1,2}:\d{2}) UTC)?$`)

// ParseWindowText parses a window as Heroku writes it: "Mondays 22:30 to Tuesdays 02:30 UTC", without the second day if it is
// the same, in upper or lower case. It also accepts the beginning alone, "Mon 10:00", as in older responses.
func ParseWindowText(s string) (Window, error) {
	parts := windowPattern.FindStringSubmatch(s)
	if parts == nil {
		return Window{}, fmt.Errorf("%q is not a maintenance window such as %q", s, windowExample)
	}
	w, err := ParseWindow(parts[1], parts[2])
	if err != nil || parts[4] == "" {
		return w, err
	}
	ends, err := ParseWindow(cmp.Or(parts[3], parts[1]), parts[4])
	if err != nil {
		return Window{}, err
	}
	if day, minute := w.Ends(); ends != (Window{Day: day, Minute: minute}) {
		return Window{}, fmt.Errorf("%q is not a maintenance window of four hours such as %q", s, windowExample)
	}
	return w, nil
}

// String returns the window as Heroku writes it, see [ParseWindowText].
func (w Window) String() string {
	day, minute := w.Ends()
	text := fmt.Sprintf("%ss %s to ", w.Day, clockTime(w.Minute))
	if day != w.Day {
		text += day.String() + "s "
	}
	return text + clockTime(minute) + " UTC"
}

// TimeOfDay returns the window's beginning as "22:30".
func (w Window) TimeOfDay() string { return clockTime(w.Minute) }

// Ends returns the day and the minute since midnight at which the window ends.
func (w Window) Ends() (day time.Weekday, minute int) {
	minute = w.Minute + int(WindowLength/time.Minute)
	return (w.Day + time.Weekday(minute/minutesPerDay)) % 7, minute % minutesPerDay
}

// EndsAt returns the end of the window as "Tuesdays 02:30 UTC".
func (w Window) EndsAt() string {
	day, minute := w.Ends()
	return fmt.Sprintf("%ss %s UTC", day, clockTime(minute))
}

// Next returns when the window begins next, in UTC: at now or later, and within a week.
func (w Window) Next(now time.Time) time.Time {
	now = now.UTC()
	// In UTC all days have 24 hours, so that weeks can be added as durations.
	midnight := time.Date(now.Year(), now.Month(), now.Day(), 0, 0, 0, 0, time.UTC)
	days := int(w.Day-now.Weekday()+7) % 7
	begins := midnight.AddDate(0, 0, days).Add(time.Duration(w.Minute) * time.Minute)
	if begins.Before(now) {
		begins = begins.Add(week)
	}
	return begins
}

// Contains reports whether a time is in the window, which includes its beginning and not its end.
func (w Window) Contains(t time.Time) bool {
	begins := w.Next(t)
	return begins.Equal(t) || t.Before(begins.Add(-week).Add(WindowLength))
}

func clockTime(minute int) string { return fmt.Sprintf("%02d:%02d", minute/60, minute%60) }
