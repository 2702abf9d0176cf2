// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package keyvalue

import (
	"fmt"
	"strings"
	"time"
)

// Selection says which of the objects at Heroku are meant. What is empty or nil leaves none of them out.
type Selection struct {
	Team       string
	App, Space string // a name or a UUID
	Plan       PlanName
	Version    Version // "7" and "7.2" select a store that runs 7.2.4
	Deprecated *bool
	Unattached *bool
}

// Candidate is what is known of an object that may be meant.
type Candidate struct {
	Team               string
	AppID, AppName     string
	SpaceID, SpaceName string
	Plan               PlanName
	Attached           bool // to any app
}

// Selects judges all but the version, which a list does not tell.
func (s Selection) Selects(c Candidate) bool {
	return (s.Team == "" || strings.EqualFold(s.Team, c.Team)) &&
		(s.App == "" || s.App == c.AppID || strings.EqualFold(s.App, c.AppName)) &&
		(s.Space == "" || s.Space == c.SpaceID || strings.EqualFold(s.Space, c.SpaceName)) &&
		(s.Plan == "" || s.Plan == c.Plan) &&
		(s.Unattached == nil || *s.Unattached != c.Attached)
}

// ByVersion reports that the versions of stores have to be known.
func (s Selection) ByVersion() bool { return s.Version != "" || s.Deprecated != nil }

// SelectsVersion judges the version that a store runs at a time. A store of which none is known is not meant.
func (s Selection) SelectsVersion(running Version, now time.Time) bool {
	if !s.ByVersion() {
		return true
	}
	return running != "" && running.compare(s.Version) == 0 &&
		(s.Deprecated == nil || *s.Deprecated == running.Deprecated(now))
}

// Deprecated reports that the life of a version ends soon, or has ended: see [LifeCycleNotice].
func (v Version) Deprecated(now time.Time) bool { return LifeCycleNotice(v, now) != "" }

// ValidateAppReference accepts what names an app: its name or its UUID.
func ValidateAppReference(s string) error {
	if IsUUID(s) {
		return nil
	}
	if err := ValidateAppName(s); err != nil {
		return fmt.Errorf("%w, or its UUID", err)
	}
	return nil
}

// ValidateSpaceReference accepts what names a space: its name or its UUID.
func ValidateSpaceReference(s string) error {
	if IsUUID(s) {
		return nil
	}
	if err := ValidateSpaceName(s); err != nil {
		return fmt.Errorf("%w, or its UUID", err)
	}
	return nil
}
