// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package keyvalue

import (
	"errors"
	"fmt"
	"strings"
)

// KeyspaceEvents is the set of events that a store publishes over pub/sub: the notify-keyspace-events of Redis.
// The zero value is no events. Sets can be compared with ==, however they were written.
type KeyspaceEvents uint16

// keyspaceFlags are the flags of the Data API in canonical order; the n-th flag is the n-th bit.
const keyspaceFlags = "g$lshztxe" + "m" + "KE"

const (
	// allClasses are the classes that the flag A stands for: all but m, key misses.
	allClasses KeyspaceEvents = 1<<9 - 1
	// anyClass are all classes of events, including m.
	anyClass KeyspaceEvents = 1<<10 - 1
	// anyChannel is K (by key) and E (by event).
	anyChannel KeyspaceEvents = 1<<10 | 1<<11
)

// ParseKeyspaceEvents parses flags in any order; "A" stands for "g$lshztxe", and "" for no events.
func ParseKeyspaceEvents(s string) (KeyspaceEvents, error) {
	var events KeyspaceEvents
	if s == "disabled" { // the value that the provider davidji99/herokux accepts
		return 0, errors.New(`"disabled" is not a set of keyspace event flags: write "" for no events`)
	}
	for _, flag := range s {
		if flag == 'A' {
			events |= allClasses
			continue
		}
		bit := strings.IndexRune(keyspaceFlags, flag)
		if bit < 0 {
			return 0, fmt.Errorf("%q is not a keyspace event flag: the flags are K (by key), E (by event), g (generic), $ (string), "+
				"l (list), s (set), h (hash), z (sorted set), t (stream), x (expired), e (evicted), m (missed) and A (all but m); "+
				`write for example "AKE", or "" for no events`, flag)
		}
		events |= 1 << bit
	}
	return events, nil
}

// String formats the set as Redis does: A or the classes, then m, K and E.
func (e KeyspaceEvents) String() string {
	var b strings.Builder
	if e&allClasses == allClasses {
		b.WriteByte('A')
		e &^= allClasses
	}
	for bit, flag := range keyspaceFlags {
		if e&(1<<bit) != 0 {
			b.WriteRune(flag)
		}
	}
	return b.String()
}

// Publishes reports whether the store publishes any events, which takes a channel (K or E) and a class.
func (e KeyspaceEvents) Publishes() bool {
	return e&anyChannel != 0 && e&anyClass != 0
}
