// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package keyvalue_test

import (
	"strings"
	"testing"
	"time"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/keyvalue"
)

func TestParseVersion(t *testing.T) {
	t.Parallel()
	for _, good := range []string{"7", "7.2", "7.2.4", "10.0", "0.9.1.2", "999999.0"} {
		if v, err := keyvalue.ParseVersion(good); err != nil || string(v) != good {
			t.Errorf("%q: %q, %v", good, v, err)
		}
	}
	for _, bad := range []string{"", ".", "7.", ".2", "7..2", "v7.2", "7.2-rc1", "07.2", "7.02", " 7.2", "7.2 ", "7,2", "1.2.3.4.5",
		"1234567.0", "latest"} {
		if _, err := keyvalue.ParseVersion(bad); err == nil || !strings.Contains(err.Error(), `write for example "7.2"`) {
			t.Errorf("%q is accepted, or without an example: %v", bad, err)
		}
	}
}

func TestVersionAccepts(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		asked, running keyvalue.Version
		want           bool
	}{
		{"7.2", "7.2", true}, {"7.2", "7.2.4", true}, {"7.2", "7.4.0", true}, {"7.2", "7.10.0", true}, {"7.2", "8.0.1", true},
		{"7.2", "10.0", true},
		{"7.2", "7.0.15", false}, {"7.2", "6.2.14", false}, {"7.10", "7.2.4", false}, {"8", "7.2.4", false},
		{"7", "7.0.15", true}, {"7.2.4", "7.2.4", true}, {"7.2.4", "7.2.10", true}, {"7.2.4", "7.2.3", false},
		{"7.2.4", "7.2", true}, {"7.2", "7", true}, {"7.2", "7.2-rc1", true},
	} {
		if got := tt.asked.Accepts(tt.running); got != tt.want {
			t.Errorf("%s accepts %s: %t, want %t", tt.asked, tt.running, got, tt.want)
		}
	}
}

func TestReleases(t *testing.T) {
	t.Parallel()
	defaults := 0
	var previous keyvalue.Release
	for _, r := range keyvalue.Releases() {
		if r.Status == keyvalue.ReleaseDefault {
			defaults++
		}
		if previous.Version != "" && (!previous.Version.Accepts(r.Version) || !previous.LastDay.Before(r.LastDay)) {
			t.Errorf("%s is not after %s", r.Version, previous.Version)
		}
		previous = r
	}
	if defaults != 1 || previous.Version != "7.2" {
		t.Errorf("%d defaults, and the newest is %s", defaults, previous.Version)
	}
	for version, want := range map[keyvalue.Version]string{"6.2": "6.2", "7.0.15": "7.0", "7.2.4": "7.2", "7.2": "7.2", "7": "", "7.4": "",
		"8.0.1": "", "": ""} {
		got, known := keyvalue.LookupRelease(version)
		if string(got.Version) != want || known != (want != "") {
			t.Errorf("the release of %q: %q (%t), want %q", version, got.Version, known, want)
		}
	}
	if r, _ := keyvalue.LookupRelease("7.0.15"); r.EndOfLife != "Q4 2025" ||
		!r.LastDay.Equal(time.Date(2025, time.December, 31, 0, 0, 0, 0, time.UTC)) || r.Server != "Redis" {
		t.Errorf("%+v", r)
	}
	keyvalue.Releases()[0].Version = "0"
	if keyvalue.Releases()[0].Version != "6.2" {
		t.Error("the table can be changed")
	}
}

// A configured version is a minimum: a new store gets Heroku's default if that is sufficient, and an upgrade is to the lowest release
// that is.
func TestVersionToOrder(t *testing.T) {
	t.Parallel()
	for minimum, want := range map[keyvalue.Version]struct {
		created, upgraded keyvalue.Version
		announced         bool
	}{
		"":       {"", "7.0", true},
		"6":      {"", "7.0", true},
		"6.2":    {"", "7.0", true},
		"6.2.14": {"", "7.0", true},
		"7":      {"", "7.0", true},
		"7.0":    {"", "7.0", true},
		"7.0.15": {"", "7.0", true},
		"7.1":    {"", "7.2", true},
		"7.2":    {"", "7.2", true},
		"7.2.4":  {"", "7.2", true},
		"7.4":    {"7.4", "7.4", false},
		"8":      {"8.0", "8.0", false},
		"8.0":    {"8.0", "8.0", false},
		"8.0.2":  {"8.0.2", "8.0.2", false},
		"99":     {"99.0", "99.0", false},
	} {
		if got := minimum.ForNewStore(); got != want.created {
			t.Errorf("a new store of at least %q is ordered with %q, want %q", minimum, got, want.created)
		}
		if got := minimum.ForUpgrade(); got != want.upgraded {
			t.Errorf("a store of at least %q is upgraded to %q, want %q", minimum, got, want.upgraded)
		}
		if got := minimum.Announced(); got != want.announced {
			t.Errorf("%q is announced: %t", minimum, got)
		}
	}
	if got := keyvalue.ReleaseList(); got != "6.2 (deprecated), 7.0, 7.2 (default)" {
		t.Error(got)
	}
}

func TestLifeCycleNotice(t *testing.T) {
	t.Parallel()
	on := func(year int, month time.Month, day int) time.Time {
		return time.Date(year, month, day, 12, 0, 0, 0, time.UTC)
	}
	for name, tt := range map[string]struct {
		running keyvalue.Version
		now     time.Time
		want    string // part of the notice
	}{
		"half a year before nothing is said": {"7.0.15", on(2025, time.June, 1), ""},
		"some months before it is announced": {"7.0.15", on(2025, time.November, 1), "ends its life in Q4 2025"},
		"on the last day it still lives":     {"7.0.15", on(2025, time.December, 31), "ends its life in Q4 2025"},
		"afterwards it is over": {"7.0.15", on(2026, time.January, 14),
			"ended its life in Q4 2025, and upgrades what is left by itself. Version 7.2 is the newest"},
		"there is nothing to go to from the newest":       {"7.2.4", on(2026, time.December, 1), ""},
		"a release that nobody has announced is no one's": {"9.0.0", on(2030, time.January, 1), ""},
		"nothing is known of an unknown version":          {"", on(2030, time.January, 1), ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := keyvalue.LifeCycleNotice(tt.running, tt.now)
			if (got == "") != (tt.want == "") || !strings.Contains(got, tt.want) {
				t.Errorf("%q, want %q in it", got, tt.want)
			}
		})
	}
}
