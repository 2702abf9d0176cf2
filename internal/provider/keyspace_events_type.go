// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import "github.com/terraform-kvs/terraform-provider-kvs/internal/keyvalue"

// keyspaceEvents is a set of flags: their order does not matter, and A stands for g$lshztxe.
type (
	keyspaceEvents     = normalizedString[keyspaceEventsNotation]
	keyspaceEventsType = normalizedStringType[keyspaceEventsNotation]
)

func newKeyspaceEvents(s string) keyspaceEvents {
	return newNormalizedString[keyspaceEventsNotation](s)
}

type keyspaceEventsNotation struct{}

func (keyspaceEventsNotation) normalize(s string) (string, error) {
	events, err := keyvalue.ParseKeyspaceEvents(s)
	if err != nil {
		return "", err
	}
	return events.String(), nil
}
