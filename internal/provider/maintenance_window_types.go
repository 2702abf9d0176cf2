// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import "github.com/terraform-kvs/terraform-provider-kvs/internal/keyvalue"

// dayOfWeek is an English name: "Sunday", "sundays" and "sun" are the same one.
type (
	dayOfWeek     = normalizedString[dayNotation]
	dayOfWeekType = normalizedStringType[dayNotation]
)

type dayNotation struct{}

func (dayNotation) normalize(s string) (string, error) {
	day, err := keyvalue.ParseDay(s)
	return day.String(), err
}

// timeOfDay is a full or half hour: "13:30" and "1:30PM" are the same one.
type (
	timeOfDay     = normalizedString[timeNotation]
	timeOfDayType = normalizedStringType[timeNotation]
)

type timeNotation struct{}

func (timeNotation) normalize(s string) (string, error) {
	minute, err := keyvalue.ParseTimeOfDay(s)
	return keyvalue.Window{Minute: minute}.TimeOfDay(), err
}
