// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package keyvalue

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// DynosPerTypeLimit is the maximum number of dynos of one process type for an app in a new space; Heroku raises it on request
// (Dev Center: Private Spaces, "Default Limits for Private Spaces").
const DynosPerTypeLimit = 10

// DynoSize returns a dyno size as the API spells it, but in lower case. The API has no shield sizes: the Heroku CLI uses these names
// for private sizes in a Shield Space (Platform API reference, formation).
func DynoSize(size string) (string, error) {
	name := strings.ToLower(strings.TrimSpace(size))
	switch {
	case name == "":
		return "", errors.New("an empty text is not a dyno size: give its name, for example Standard-1X, or leave it out to leave " +
			"the size as it is")
	case len(name) != len(size):
		return "", fmt.Errorf("%q is not a dyno size: write %q", size, strings.TrimSpace(size))
	}
	if rest, shield := strings.CutPrefix(name, "shield-"); shield {
		name = "private-" + rest
	}
	return name, nil
}

// dynoFamily returns the family of a dyno size, such as standard, empty if it is unknown.
func dynoFamily(size string) string {
	name := strings.ToLower(size)
	for _, family := range []string{"standard", "performance", "private", "shield", "dyno"} {
		if strings.HasPrefix(name, family+"-") {
			return family
		}
	}
	if name == "eco" || name == "basic" {
		return name
	}
	return ""
}

// KnownDynoSize reports whether the name of a size belongs to a known family of sizes. Heroku may have others.
func KnownDynoSize(size string) bool { return dynoFamily(size) != "" }

// CheckDynoSize returns an error if dynos of a size cannot run in a location. An unknown size is no error: Heroku decides.
func CheckDynoSize(size string, location Location) error {
	home, known := map[string][]Location{
		"eco": {CommonRuntime}, "basic": {CommonRuntime}, "standard": {CommonRuntime}, "performance": {CommonRuntime},
		"private": {PrivateSpace, ShieldSpace}, "shield": {ShieldSpace},
	}[dynoFamily(size)]
	if !known || slices.Contains(home, location) {
		return nil
	}
	return fmt.Errorf("dynos of the size %s do not run in %s: choose %s", size, location, map[Location]string{
		CommonRuntime: "Eco, Basic, or one of the sizes that begin with Standard- or Performance-",
		PrivateSpace:  "one of the sizes that begin with Private-",
		ShieldSpace:   "one of the sizes that begin with Shield-",
	}[location])
}

var processTypePattern = regexp.MustCompile(`^[-\w]{1,128}$`)

// ValidateProcessType checks the name of a process type (Platform API schema, formation).
func ValidateProcessType(s string) error {
	if processTypePattern.MatchString(s) {
		return nil
	}
	return fmt.Errorf("%q is not the name of a process type: give one of the names in the Procfile, for example web", s)
}

// ValidateDynoQuantity returns an error for a negative number.
func ValidateDynoQuantity(n int64) error {
	if n >= 0 {
		return nil
	}
	return fmt.Errorf("%d is not a number of dynos: write 0 or more", n)
}
