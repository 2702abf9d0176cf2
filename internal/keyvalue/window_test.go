// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package keyvalue_test

import (
	"strings"
	"testing"
	"time"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/keyvalue"
)

func TestParseWindow_spellingsThatMeanTheSame(t *testing.T) {
	t.Parallel()
	want := keyvalue.Window{Day: time.Sunday, Minute: 13*60 + 30}
	for _, day := range []string{"Sunday", "sundays", "sun", "SUNDAY", "SuN"} {
		for _, at := range []string{"13:30", "1:30PM", "01:30 pm", "01:30pm", "1:30 PM"} {
			if got, err := keyvalue.ParseWindow(day, at); err != nil || got != want {
				t.Errorf("%s %s: %v, %v", day, at, got, err)
			}
		}
	}
}

func TestParseTimeOfDay(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]int{
		"00:00": 0, "0:30": 30, "12:00am": 0, "12:30 AM": 30, "1:00AM": 60, "11:30am": 690,
		"12:00": 720, "12:00PM": 720, "12:30pm": 750, "13:00": 780, "1:00pm": 780, "23:30": 1410, "11:30PM": 1410,
	} {
		if got, err := keyvalue.ParseTimeOfDay(s); err != nil || got != want {
			t.Errorf("%q: %d, %v, want %d", s, got, err, want)
		}
	}
}

func TestParseWindow_errorsSayTheGrammarWithAnExample(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ day, at, says string }{
		"no day":           {"", "13:30", "for example Sunday"},
		"another language": {"Sonntag", "13:30", `"Sonntag" is not a day of the week`},
		"two letters":      {"su", "13:30", "for example Sunday"},
		"a quarter":        {"Sunday", "14:15", "begin at :00 or :30, for example 14:00"},
		"a minute off": {"Sunday", "14:31",
			`"14:31" is not a full or half hour: maintenance windows begin at :00 or :30, for example 14:30`},
		"too many minutes":      {"Sunday", "14:60", "for example 14:00"},
		"more minutes":          {"Sunday", "14:90", "for example 14:30"},
		"midnight as an hour":   {"Sunday", "24:00", "0 to 23, for example 13:30"},
		"an afternoon's hour":   {"Sunday", "13:30PM", "1 to 12, for example 1:30PM"},
		"no hour of a morning":  {"Sunday", "0:30am", "1 to 12, for example 1:30PM"},
		"no minutes":            {"Sunday", "14", "for example 13:30 or 1:30PM"},
		"seconds":               {"Sunday", "14:30:00", "for example 13:30 or 1:30PM"},
		"a zone":                {"Sunday", "14:30 CET", "in UTC"},
		"nothing":               {"Sunday", "", "for example 13:30 or 1:30PM"},
		"both as the day":       {"Sundays 10:30", "10:30", `write for example day = "Sundays" and time = "10:30"`},
		"both as the time":      {"Sunday", "sun 1:30 PM", `write for example day = "sun" and time = "1:30 PM"`},
		"two days":              {"Sunday Monday", "10:30", "for example Sunday"},
		"digits of other kinds": {"Sunday", "١٣:٣٠", "for example 13:30 or 1:30PM"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := keyvalue.ParseWindow(c.day, c.at); err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%v, want one that says %q", err, c.says)
			}
		})
	}
}

func TestParseWindowText(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]keyvalue.Window{
		"Mondays 22:30 to Tuesdays 02:30 UTC":  {Day: time.Monday, Minute: 1350},
		"mondays 22:30 TO tuesdays 2:30 utc":   {Day: time.Monday, Minute: 1350},
		"Tuesdays 17:30 to 21:30 UTC":          {Day: time.Tuesday, Minute: 1050},
		"Tuesdays 17:30 to Tuesdays 21:30 UTC": {Day: time.Tuesday, Minute: 1050},
		"Saturdays 20:00 to Sundays 00:00 UTC": {Day: time.Saturday, Minute: 1200},
		"Saturdays 23:30 to Sundays 03:30 UTC": {Day: time.Saturday, Minute: 1410},
		"Mon 10:00":                            {Day: time.Monday, Minute: 600},
		"Mondays 10:30":                        {Day: time.Monday, Minute: 630},
	} {
		if got, err := keyvalue.ParseWindowText(s); err != nil || got != want {
			t.Errorf("%q: %v, %v, want %v", s, got, err, want)
		}
	}
	for _, s := range []string{
		"", "Mondays", "not set", "Mondays 22:30 to 02:30 UTC", "Mondays 10:00 to 14:30 UTC", "Mondays 10:00 to Tuesdays 14:00 UTC",
		"Mondays 10:15 to 14:15 UTC", "Mondays 10:00 to 14:00", "Mondays 10:00 to 14:00 CET", "Mondays 10:00 to 14:99 UTC",
		"Moondays 10:00 to 14:00 UTC",
	} {
		if got, err := keyvalue.ParseWindowText(s); err == nil {
			t.Errorf("%q was read as %v", s, got)
		}
	}
}

func TestWindow_String(t *testing.T) {
	t.Parallel()
	for want, c := range map[string]struct {
		window keyvalue.Window
		endsAt string
	}{
		"Mondays 22:30 to Tuesdays 02:30 UTC":  {keyvalue.Window{Day: time.Monday, Minute: 1350}, "Tuesdays 02:30 UTC"},
		"Sundays 00:00 to 04:00 UTC":           {keyvalue.Window{}, "Sundays 04:00 UTC"},
		"Fridays 19:30 to 23:30 UTC":           {keyvalue.Window{Day: time.Friday, Minute: 1170}, "Fridays 23:30 UTC"},
		"Saturdays 20:00 to Sundays 00:00 UTC": {keyvalue.Window{Day: time.Saturday, Minute: 1200}, "Sundays 00:00 UTC"},
	} {
		if got := c.window.String(); got != want || c.window.EndsAt() != c.endsAt {
			t.Errorf("%q ending %q, want %q ending %q", got, c.window.EndsAt(), want, c.endsAt)
		}
	}
}

func at(t *testing.T, s string) time.Time {
	t.Helper()
	parsed, err := time.Parse(time.RFC3339, s)
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

func TestWindow_NextAndContains(t *testing.T) {
	t.Parallel()
	monday := keyvalue.Window{Day: time.Monday, Minute: 1350}     // ends after midnight
	saturday := keyvalue.Window{Day: time.Saturday, Minute: 1410} // ends in the next week
	thursday := keyvalue.Window{Day: time.Thursday, Minute: 600}
	for name, c := range map[string]struct {
		window    keyvalue.Window
		now, next string
		inside    bool
	}{
		"days before it":                    {monday, "2026-01-14T09:00:00Z", "2026-01-19T22:30:00Z", false},
		"a second before it":                {monday, "2026-01-19T22:29:59Z", "2026-01-19T22:30:00Z", false},
		"at its beginning":                  {monday, "2026-01-19T22:30:00Z", "2026-01-19T22:30:00Z", true},
		"a moment after its beginning":      {monday, "2026-01-19T22:30:01Z", "2026-01-26T22:30:00Z", true},
		"in it, after midnight":             {monday, "2026-01-20T02:29:59Z", "2026-01-26T22:30:00Z", true},
		"at its end":                        {monday, "2026-01-20T02:30:00Z", "2026-01-26T22:30:00Z", false},
		"in it, in the next week":           {saturday, "2026-01-18T01:00:00Z", "2026-01-24T23:30:00Z", true},
		"in it, in the next year":           {thursday, "2026-12-31T12:00:00Z", "2027-01-07T10:00:00Z", true},
		"before it, over the year's end":    {keyvalue.Window{Day: time.Friday}, "2026-12-31T23:59:59Z", "2027-01-01T00:00:00Z", false},
		"before it, over a leap day":        {keyvalue.Window{Day: time.Tuesday}, "2028-02-28T12:00:00Z", "2028-02-29T00:00:00Z", false},
		"on its day, in another zone's day": {monday, "2026-01-20T00:15:00+02:00", "2026-01-19T22:30:00Z", false},
		"in it, by a time of another zone":  {monday, "2026-01-20T01:00:00+02:00", "2026-01-26T22:30:00Z", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := c.window.Next(at(t, c.now)); got != at(t, c.next) {
				t.Errorf("%v is next on %v, want %s", c.window, got, c.next)
			}
			if got := c.window.Contains(at(t, c.now)); got != c.inside {
				t.Errorf("%v contains %s: %v", c.window, c.now, got)
			}
		})
	}
}

// For every window of the week, the next one begins on its day at its time, within a week.
func TestWindow_everyOneOfTheWeek(t *testing.T) {
	t.Parallel()
	now := at(t, "2026-12-29T13:37:11Z")
	for slot := range 7 * 48 {
		w := keyvalue.Window{Day: time.Weekday(slot / 48), Minute: slot % 48 * 30}
		next := w.Next(now)
		if next.Before(now) || !next.Add(-7*24*time.Hour).Before(now) || next.Weekday() != w.Day || next.Hour()*60+next.Minute() != w.Minute ||
			next.Second() != 0 {
			t.Errorf("%v is next on %v", w, next)
		}
		day, minute := w.Ends()
		if ends := next.Add(keyvalue.WindowLength); ends.Weekday() != day || ends.Hour()*60+ends.Minute() != minute || w.Contains(ends) ||
			!w.Contains(ends.Add(-1)) {
			t.Errorf("%v ends on %v", w, ends)
		}
		if again, err := keyvalue.ParseWindow(w.Day.String(), w.TimeOfDay()); err != nil || again != w {
			t.Errorf("%v: %v, %v", w, again, err)
		}
		if again, err := keyvalue.ParseWindowText(w.String()); err != nil || again != w {
			t.Errorf("%v: %v, %v", w, again, err)
		}
	}
}
