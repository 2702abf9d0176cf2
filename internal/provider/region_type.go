// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"errors"
	"fmt"
	"strings"
)

// regionName is a region: "EU" and "eu" are the same one.
type (
	regionName     = normalizedString[regionNotation]
	regionNameType = normalizedStringType[regionNotation]
)

func newRegionName(s string) regionName { return newNormalizedString[regionNotation](s) }

type regionNotation struct{}

func (regionNotation) normalize(s string) (string, error) {
	switch name := strings.ToLower(strings.TrimSpace(s)); {
	case name == "":
		return "", errors.New("an empty text is not a region: give its name, or leave it out to let Heroku choose")
	case len(name) != len(s):
		return "", fmt.Errorf("%q is not a region: write %q", s, name)
	default:
		return name, nil
	}
}
