// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package keyvalue

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// KeyCount is the number of keys in a database. Expired keys count until the server has removed them.
type KeyCount struct {
	Keys     int64 // all of them
	Expiring int64 // keys that have an expiry
}

// Persistent is the number of keys without an expiry.
func (c KeyCount) Persistent() int64 { return c.Keys - c.Expiring }

// Keyspace holds the key counts by database; empty databases are missing, and nil means unknown.
type Keyspace map[int]KeyCount

// Total returns the counts of all databases together.
func (k Keyspace) Total() KeyCount {
	var total KeyCount
	for _, count := range k {
		total.Keys += count.Keys
		total.Expiring += count.Expiring
	}
	return total
}

// String returns a text for messages: "1000 keys, 200 of which expire (900 in database 0, 100 in database 3)".
func (k Keyspace) String() string {
	if k == nil {
		return "an unknown number of keys"
	}
	total := k.Total()
	text := fmt.Sprintf("%d keys, %d of which expire", total.Keys, total.Expiring)
	if len(k) < 2 {
		return text
	}
	var databases []string
	for _, database := range slices.Sorted(maps.Keys(k)) {
		databases = append(databases, fmt.Sprintf("%d in database %d", k[database].Keys, database))
	}
	return text + " (" + strings.Join(databases, ", ") + ")"
}

// CopyState tells whether one store is a complete copy of another.
type CopyState int

const (
	// CopyUndecided means that the counts differ a little while keys are written or expire, that the copy has more keys than its
	// source, so that somebody writes to it already, or that the counts are unknown.
	CopyUndecided CopyState = iota
	// CopyComplete means that the counts are those of a complete copy.
	CopyComplete
	// CopyIncomplete means that keys are missing from the copy.
	CopyIncomplete
)

// A copy counts as incomplete only if more than this part of the keys is missing. The constants are divisors of the count.
const (
	// expiredDivisor is for keys with an expiry. A server keeps up to a tenth of its expired keys for a while (redis.conf,
	// active-expire-effort), and two servers keep different ones, but do not differ by half of that.
	expiredDivisor = 20
	// writtenDivisor is for a source that was written to since the copy was made, by an unknown number of keys.
	writtenDivisor = 2
)

// CompareCopy compares the keys of a copy, counted between two counts of its source, with the source. Keys with an expiry
// disappear from both meanwhile, so the copy must have a number of them between the two counts. Of the other keys it must have
// exactly as many, in every database. While the source is written to, the result is never CopyComplete.
func CompareCopy(before, copied, after Keyspace) CopyState {
	if before == nil || copied == nil || after == nil {
		return CopyUndecided
	}
	result := CopyComplete
	for database := range union(before, copied, after) {
		switch compareDatabase(before[database], copied[database], after[database]) {
		case CopyIncomplete:
			return CopyIncomplete
		case CopyUndecided:
			result = CopyUndecided
		}
	}
	return result
}

func compareDatabase(before, copied, after KeyCount) CopyState {
	written := before.Persistent() != after.Persistent() || before.Expiring < after.Expiring
	lasting, lastingMore := missingFrom(copied.Persistent(), before.Persistent(), after.Persistent())
	expiring, expiringMore := missingFrom(copied.Expiring, before.Expiring, after.Expiring)
	switch {
	case written && (lasting+expiring)*writtenDivisor > max(before.Keys, after.Keys),
		!written && lasting > 0,
		!written && expiring*expiredDivisor > max(before.Expiring, after.Expiring):
		return CopyIncomplete
	case written || expiring > 0 || lastingMore || expiringMore:
		return CopyUndecided
	}
	return CopyComplete
}

// missingFrom returns by how much n is below the counts a and b, and whether it is above both.
func missingFrom(n, a, b int64) (missing int64, more bool) { return max(min(a, b)-n, 0), n > max(a, b) }

func union(spaces ...Keyspace) map[int]bool {
	databases := map[int]bool{}
	for _, space := range spaces {
		for database := range space {
			databases[database] = true
		}
	}
	return databases
}
