// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package keyvalue

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Version is the version of a server, with one or more numbers: "7", "7.2", "7.2.4". Requests have two numbers, and the
// Data API reports three.
type Version string

var versionPattern = regexp.MustCompile(`^(0|[1-9][0-9]{0,5})(\.(0|[1-9][0-9]{0,5})){0,3}$`)

// ParseVersion parses numbers with dots between them. A version that was not announced is no error: Heroku decides whether it
// exists.
func ParseVersion(s string) (Version, error) {
	if !versionPattern.MatchString(s) {
		return "", fmt.Errorf("%q is not a version, which has numbers with dots between them: write for example \"7.2\"", s)
	}
	return Version(s), nil
}

// Accepts reports whether the running version is v or newer: "7.2" accepts 7.2.4, 7.4 and 8.0. Only the numbers that both have
// are compared, so that "7.2.4" accepts 7.2.
func (v Version) Accepts(running Version) bool { return running.compare(v) >= 0 }

// compare is negative if v is older than w, and 0 if all numbers that both have are equal.
func (v Version) compare(w Version) int {
	a, b := v.numbers(), w.numbers()
	shared := min(len(a), len(b))
	return slices.Compare(a[:shared], b[:shared])
}

// numbers returns the numbers up to the first part that is not one.
func (v Version) numbers() []int {
	var numbers []int
	for part := range strings.SplitSeq(string(v), ".") {
		n, err := strconv.Atoi(part)
		if err != nil {
			break
		}
		numbers = append(numbers, n)
	}
	return numbers
}

// Release is a version that Heroku has announced.
type Release struct {
	Version   Version // two numbers
	Server    string  // "Redis" or "Valkey"
	Status    ReleaseStatus
	EndOfLife string    // as Heroku announces it: "December 2, 2024", "Q4 2025"
	LastDay   time.Time // the latest day, in UTC, that EndOfLife can mean
}

// ReleaseStatus is the stage in the life cycle of a release. Two months after its deprecation, new stores cannot have it; after
// three months Heroku upgrades the stores that do; after four months it reaches its end of life.
type ReleaseStatus string

const (
	ReleaseDeprecated ReleaseStatus = "deprecated"
	ReleaseAvailable  ReleaseStatus = "available"
	ReleaseDefault    ReleaseStatus = "default" // available, and the version of new stores
)

// releases is the table of Dev Center, Heroku Key-Value Store, "Version Support and Legacy Infrastructure", as of January 2025.
var releases = []Release{
	{"6.2", "Redis", ReleaseDeprecated, "December 2, 2024", day(2024, time.December, 2)},
	{"7.0", "Redis", ReleaseAvailable, "Q4 2025", day(2025, time.December, 31)},
	{"7.2", "Valkey", ReleaseDefault, "Q4 2026", day(2026, time.December, 31)},
}

func day(year int, month time.Month, day int) time.Time {
	return time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
}

// Releases returns the announced releases, oldest first, in a new slice.
func Releases() []Release { return slices.Clone(releases) }

// LookupRelease finds the announced release that a version belongs to: 7.2.4 belongs to 7.2.
func LookupRelease(v Version) (Release, bool) {
	i := slices.IndexFunc(releases, func(r Release) bool { return len(v.numbers()) >= 2 && v.compare(r.Version) == 0 })
	if i < 0 {
		return Release{}, false
	}
	return releases[i], true
}

// ForNewStore returns the version to request for a new store that needs at least v. It is empty if Heroku's default is
// sufficient.
func (v Version) ForNewStore() Version {
	for _, r := range releases {
		if v == "" || r.Status == ReleaseDefault && v.Accepts(r.Version) {
			return ""
		}
	}
	return v.ForUpgrade()
}

// ForUpgrade returns the version to upgrade a store to that needs at least v: the lowest sufficient release that is not
// deprecated. If v was not announced, it is v itself, with at least two numbers.
func (v Version) ForUpgrade() Version {
	for _, r := range releases {
		if r.Status != ReleaseDeprecated && v.Accepts(r.Version) {
			return r.Version
		}
	}
	if len(v.numbers()) == 1 {
		return v + ".0"
	}
	return v
}

// Announced reports whether any announced release is v or newer.
func (v Version) Announced() bool { return v.Accepts(releases[len(releases)-1].Version) }

// ReleaseList returns the announced releases as a text for messages.
func ReleaseList() string {
	names := make([]string, len(releases))
	for i, r := range releases {
		names[i] = string(r.Version)
		if r.Status != ReleaseAvailable {
			names[i] += " (" + string(r.Status) + ")"
		}
	}
	return strings.Join(names, ", ")
}

// noticeBefore is how long before the end of life of its release a store gets a warning: about the time between deprecation and
// end of life.
const noticeBefore = 120 * 24 * time.Hour

// LifeCycleNotice returns a sentence about a server whose release has reached its end of life, or soon will. It is empty
// otherwise, and if there is no newer release. The dates are Heroku's as of January 2025, and may have changed since.
func LifeCycleNotice(running Version, now time.Time) string {
	release, known := LookupRelease(running)
	newest := releases[len(releases)-1]
	if !known || release == newest || now.Before(release.LastDay.Add(-noticeBefore)) {
		return ""
	}
	ends := "ends its life"
	if now.After(release.LastDay.AddDate(0, 0, 1)) {
		ends = "ended its life"
	}
	return fmt.Sprintf(
		"It runs %s %s. Heroku announced that it %s in %s, and upgrades what is left by itself. Version %s is the newest that was announced.",
		release.Server, running, ends, release.EndOfLife, newest.Version)
}

// upgradesTo reports whether the server has to be upgraded. A configured version is a minimum, because Heroku also upgrades
// servers by itself: a lower one than before changes nothing.
func (s Spec) upgradesTo(to Spec) bool {
	running := cmp.Or(s.Running, s.Version)
	return to.Version != "" && running != "" && !to.Version.Accepts(running)
}
