// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package keyvalue

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// KeyCount is how many keys a database has. Expired keys count until the server has removed them.
type KeyCount struct {
	Keys     int64 // all of them
	Expiring int64 // those that have an expiry
}

// Lasting are the keys that only a command removes.
func (c KeyCount) Lasting() int64 { return c.Keys - c.Expiring }

// Keyspace counts the keys of each database that has some; nil: not known.
type Keyspace map[int]KeyCount

// Total is the count of all databases together.
func (k Keyspace) Total() KeyCount {
	var total KeyCount
	for _, count := range k {
		total.Keys += count.Keys
		total.Expiring += count.Expiring
	}
	return total
}

// String is half a sentence: "1000 keys, 200 of which expire (900 in database 0, 100 in database 3)".
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

// Likeness says whether one store is a copy of another.
type Likeness int

const (
	// Undecided: the counts are near to each other, and keys come and go while they are counted; or the copy has more than
	// its source, so that somebody writes to it already; or they are not known.
	Undecided Likeness = iota
	// Alike: the counts are those of a complete copy.
	Alike
	// Unlike: something is missing from the copy.
	Unlike
)

// Shares of a count that may be missing from a copy without proof that it is incomplete, as divisors.
const (
	// staleShare: a server keeps up to a tenth of its expired keys for a while (redis.conf, active-expire-effort), and
	// two servers not the same ones; they are not half of that apart.
	staleShare = 20
	// writtenShare: how much was written since the copy was made nobody knows; less than half is no copy.
	writtenShare = 2
)

// Compare judges a copy by its keys, which are counted between two counts of the source. Keys that expire go on both
// sides meanwhile, so that the copy has to have a number in between of those; of the others it has to have exactly as
// many, in every database. A source that somebody writes to never shows that its copy is complete.
func Compare(before, copied, after Keyspace) Likeness {
	if before == nil || copied == nil || after == nil {
		return Undecided
	}
	result := Alike
	for database := range union(before, copied, after) {
		switch compareDatabase(before[database], copied[database], after[database]) {
		case Unlike:
			return Unlike
		case Undecided:
			result = Undecided
		}
	}
	return result
}

func compareDatabase(before, copied, after KeyCount) Likeness {
	written := before.Lasting() != after.Lasting() || before.Expiring < after.Expiring
	lasting, lastingMore := offBy(copied.Lasting(), before.Lasting(), after.Lasting())
	expiring, expiringMore := offBy(copied.Expiring, before.Expiring, after.Expiring)
	switch {
	case written && (lasting+expiring)*writtenShare > max(before.Keys, after.Keys),
		!written && lasting > 0,
		!written && expiring*staleShare > max(before.Expiring, after.Expiring):
		return Unlike
	case written || expiring > 0 || lastingMore || expiringMore:
		return Undecided
	}
	return Alike
}

// offBy is how many are missing from n to be between two counts, or whether it has more than both.
func offBy(n, a, b int64) (missing int64, more bool) { return max(min(a, b)-n, 0), n > max(a, b) }

func union(spaces ...Keyspace) map[int]bool {
	databases := map[int]bool{}
	for _, space := range spaces {
		for database := range space {
			databases[database] = true
		}
	}
	return databases
}
