// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import "github.com/terraform-kvs/terraform-provider-kvs/internal/keyvalue"

// planName is a plan: "premium-0" and "heroku-redis:premium-0" are the same one, and so are "mini" and "hobby-dev".
type (
	planName     = normalizedString[planNotation]
	planNameType = normalizedStringType[planNotation]
)

func newPlanName(s string) planName { return newNormalizedString[planNotation](s) }

type planNotation struct{}

func (planNotation) normalize(s string) (string, error) {
	name, err := keyvalue.ParsePlanName(s)
	return string(name), err
}
