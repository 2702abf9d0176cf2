// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package keyvalue

import (
	"fmt"
	"strings"
	"time"
)

// Selection is a filter for objects at Heroku. Empty and nil fields match everything.
type Selection struct {
	Team       string
	App, Space string // a name or a UUID
	Plan       PlanName
	Version    Version // "7" and "7.2" select a store that runs 7.2.4
	Deprecated *bool
	Unattached *bool
}

// Candidate holds the properties of an object that a [Selection] filters by.
type Candidate struct {
	Team               string
	AppID, AppName     string
	SpaceID, SpaceName string
	Plan               PlanName
	Attached           bool // to any app
}

// Selects reports whether the object matches, apart from the version, which Heroku's lists do not have.
func (s Selection) Selects(c Candidate) bool {
	return (s.Team == "" || strings.EqualFold(s.Team, c.Team)) &&
		(s.App == "" || s.App == c.AppID || strings.EqualFold(s.App, c.AppName)) &&
		(s.Space == "" || s.Space == c.SpaceID || strings.EqualFold(s.Space, c.SpaceName)) &&
		(s.Plan == "" || s.Plan == c.Plan) &&
		(s.Unattached == nil || *s.Unattached != c.Attached)
}

// ByVersion reports whether the versions of stores are needed for the selection.
func (s Selection) ByVersion() bool { return s.Version != "" || s.Deprecated != nil }

// SelectsVersion reports whether the version of a store matches at the time now. An unknown version does not match.
func (s Selection) SelectsVersion(running Version, now time.Time) bool {
	if !s.ByVersion() {
		return true
	}
	return running != "" && running.compare(s.Version) == 0 &&
		(s.Deprecated == nil || *s.Deprecated == running.Deprecated(now))
}

// Deprecated reports whether the version has reached its end of life, or soon will: see [LifeCycleNotice].
func (v Version) Deprecated(now time.Time) bool { return LifeCycleNotice(v, now) != "" }

// ValidateAppReference validates the name or the UUID of an app.
func ValidateAppReference(s string) error {
	if IsUUID(s) {
		return nil
	}
	if err := ValidateAppName(s); err != nil {
		return fmt.Errorf("%w, or its UUID", err)
	}
	return nil
}

// ValidateSpaceReference validates the name or the UUID of a space.
func ValidateSpaceReference(s string) error {
	if IsUUID(s) {
		return nil
	}
	if err := ValidateSpaceName(s); err != nil {
		return fmt.Errorf("%w, or its UUID", err)
	}
	return nil
}
