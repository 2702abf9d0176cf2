// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package keyvalue

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// The networks that Heroku gives to a space by default (Platform API reference, spaces).
const (
	DefaultDynoCIDR = "10.0.0.0/16"
	DefaultDataCIDR = "172.23.0.0/20"
)

// SpaceAppsLimit is the maximum number of apps in a new space (Dev Center: Private Spaces, "Default Limits for Private Spaces").
const SpaceAppsLimit = 20

// SpacePriceCents returns the maximum price of a space per month, in US cents, as the Heroku CLI shows it on creation. A contract
// may have another price.
func SpacePriceCents(shield bool) int {
	if shield {
		return 300000
	}
	return 100000
}

var privateRegions = []string{"dublin", "frankfurt", "london", "montreal", "mumbai", "oregon", "singapore", "sydney", "tokyo", "virginia"}

// PrivateRegions returns the regions that Dev Center lists for Private Spaces, in alphabetical order. There may be others.
func PrivateRegions() []string { return slices.Clone(privateRegions) }

// Generations of Heroku's platform that spaces run on. There may be others.
const (
	Cedar = "cedar"
	Fir   = "fir"
)

// ValidateGeneration checks that a generation has Shield Spaces, if one is requested (Platform API reference, spaces).
func ValidateGeneration(generation string, shield bool) error {
	if generation == Fir && shield {
		return errors.New("Heroku has no Shield Spaces of the generation fir: leave shield out, or order a space of the generation cedar")
	}
	return nil
}

// ForkRefusal returns why a store cannot be forked from an app of one generation to an app of another, or "" if it can, or if
// that is unknown. Apps cannot move between generations either (Dev Center: Migrating Apps From a Cedar Private Space to a Fir
// Private Space).
func ForkRefusal(from, to string) string {
	if from == Cedar && to == Fir {
		return "Heroku has no fork of a store of the generation cedar into an app of the generation fir."
	}
	return ""
}

var spaceNamePattern = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)

// ValidateSpaceName checks the name of a space against the pattern of the Platform API reference, spaces.
func ValidateSpaceName(s string) error {
	if len(s) >= 3 && spaceNamePattern.MatchString(s) {
		return nil
	}
	example := "acme-prod"
	if folded := strings.ToLower(strings.Trim(s, " ")); len(folded) >= 3 && spaceNamePattern.MatchString(folded) {
		example = folded
	}
	return fmt.Errorf("%q cannot be the name of a space, which has 3 or more lower-case letters, digits and single dashes, and does "+
		"not start or end with a dash: write for example %q", s, example)
}

// ValidateLogDrainURL validates the URL of a space's log drain (Platform API reference, spaces). Its error does not repeat the
// URL, which may hold a secret.
func ValidateLogDrainURL(s string) error {
	u, err := url.Parse(s)
	if err == nil && strings.HasPrefix(s, "https://") && u.Hostname() != "" {
		return nil
	}
	return errors.New("the URL of a space's log drain begins with https:// and names a host: write for example https://logs.example.com/space")
}
