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

// Version is one of a server, as short or as long as it is known: "7", "7.2", "7.2.4". Requests name two numbers, and the
// Data API reports three.
type Version string

var versionPattern = regexp.MustCompile(`^(0|[1-9][0-9]{0,5})(\.(0|[1-9][0-9]{0,5})){0,3}$`)

// ParseVersion reads numbers with dots between them. A version that nobody has announced is legal: whether it exists is
// Heroku's to say.
func ParseVersion(s string) (Version, error) {
	if !versionPattern.MatchString(s) {
		return "", fmt.Errorf("%q is not a version, which has numbers with dots between them: write for example \"7.2\"", s)
	}
	return Version(s), nil
}

// Accepts reports whether a server of that version does for a configuration that asks for v: "7.2" accepts 7.2.4, 7.4 and
// 8.0. Only the numbers that both have are compared, so that "7.2.4" accepts a server of which no more than 7.2 is known.
func (v Version) Accepts(running Version) bool { return running.compare(v) >= 0 }

// compare is negative when v is older than w, and 0 when they agree as far as both go.
func (v Version) compare(w Version) int {
	a, b := v.numbers(), w.numbers()
	shared := min(len(a), len(b))
	return slices.Compare(a[:shared], b[:shared])
}

// numbers ends before the first part that is none.
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

// ReleaseStatus is where a release is in its life. Two months after it becomes deprecated no new store can have it, after
// three Heroku upgrades those that do, and after four its life ends.
type ReleaseStatus string

const (
	ReleaseDeprecated ReleaseStatus = "deprecated"
	ReleaseAvailable  ReleaseStatus = "available"
	ReleaseDefault    ReleaseStatus = "default" // available, and what a new store gets
)

// releases is the table of Dev Center: Heroku Key-Value Store, "Version Support and Legacy Infrastructure", as it was in
// January 2025.
var releases = []Release{
	{"6.2", "Redis", ReleaseDeprecated, "December 2, 2024", day(2024, time.December, 2)},
	{"7.0", "Redis", ReleaseAvailable, "Q4 2025", day(2025, time.December, 31)},
	{"7.2", "Valkey", ReleaseDefault, "Q4 2026", day(2026, time.December, 31)},
}

func day(year int, month time.Month, day int) time.Time {
	return time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
}

// Releases lists the announced releases, oldest first. The caller may keep and change it.
func Releases() []Release { return slices.Clone(releases) }

// LookupRelease finds the announced release that a version belongs to: 7.2.4 to 7.2.
func LookupRelease(v Version) (Release, bool) {
	i := slices.IndexFunc(releases, func(r Release) bool { return len(v.numbers()) >= 2 && v.compare(r.Version) == 0 })
	if i < 0 {
		return Release{}, false
	}
	return releases[i], true
}

// ForNewStore is the version to order a new store with when it is to have at least v: empty, which orders Heroku's default,
// as long as that does.
func (v Version) ForNewStore() Version {
	for _, r := range releases {
		if v == "" || r.Status == ReleaseDefault && v.Accepts(r.Version) {
			return ""
		}
	}
	return v.ForUpgrade()
}

// ForUpgrade is the version to upgrade a store to when it is to have at least v: the lowest release that does, and that
// Heroku still gives to stores. One that nobody has announced is asked for as it is, with the two numbers of a release.
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

// Announced reports whether a release that was announced is v or newer.
func (v Version) Announced() bool { return v.Accepts(releases[len(releases)-1].Version) }

// ReleaseList names the announced releases in words.
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

// noticeBefore is how long before the end of a release's life a store on it is worth a warning: about the time from
// deprecation to the end.
const noticeBefore = 120 * 24 * time.Hour

// LifeCycleNotice is a sentence about a server whose release has reached the end of its life, or soon will; empty when
// there is nothing to say, or no newer release to go to. The dates are Heroku's, as of January 2025, and may have been
// moved since.
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

// upgradesTo reports whether what runs is below the version that is asked for. A version is a floor: a lower one than before
// is met by what runs, which Heroku also upgrades by itself, and changes nothing.
func (s Spec) upgradesTo(to Spec) bool {
	running := cmp.Or(s.Running, s.Version)
	return to.Version != "" && running != "" && !to.Version.Accepts(running)
}
