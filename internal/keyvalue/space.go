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

// The networks of a space whose author names none (Platform API reference, spaces).
const (
	DefaultDynoCIDR = "10.0.0.0/16"
	DefaultDataCIDR = "172.23.0.0/20"
)

// SpaceAppsLimit is how many apps a new space may have (Dev Center: Private Spaces, "Default Limits for Private Spaces").
const SpaceAppsLimit = 20

// SpacePriceCents is the most that a space costs a month, in US cents, as Heroku's command line says when it creates one. A
// contract may say otherwise.
func SpacePriceCents(shield bool) int {
	if shield {
		return 300000
	}
	return 100000
}

var privateRegions = []string{"dublin", "frankfurt", "london", "montreal", "mumbai", "oregon", "singapore", "sydney", "tokyo", "virginia"}

// PrivateRegions are the regions that Dev Center lists for Private Spaces, in alphabetical order. Others may exist.
func PrivateRegions() []string { return slices.Clone(privateRegions) }

// Generations of Heroku's platform that spaces run on. Others may come.
const (
	Cedar = "cedar"
	Fir   = "fir"
)

// ValidateGeneration judges what is known of a generation and of what else a space is to have (Platform API reference, spaces).
func ValidateGeneration(generation string, shield bool) error {
	if generation == Fir && shield {
		return errors.New("Heroku has no Shield Spaces of the generation fir: leave shield out, or order a space of the generation cedar")
	}
	return nil
}

// ForkRefusal says why a store of an app of one generation cannot begin as a copy of one of an app of another; empty when it
// can, or when nobody knows. An app cannot move between them either (Dev Center: Migrating Apps From a Cedar Private Space to a
// Fir Private Space).
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

// ValidateLogDrainURL judges the URL of a space's log drain (Platform API reference, spaces). Its error does not repeat the
// URL, which may hold a secret.
func ValidateLogDrainURL(s string) error {
	u, err := url.Parse(s)
	if err == nil && strings.HasPrefix(s, "https://") && u.Hostname() != "" {
		return nil
	}
	return errors.New("the URL of a space's log drain begins with https:// and names a host: write for example https://logs.example.com/space")
}
