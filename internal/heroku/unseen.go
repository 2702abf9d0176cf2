// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package heroku

import "time"

// certainlyMissing is how many polls in a row must not find a thing that should be there.
const certainlyMissing = 3

// unseen makes a judge that is told for how long a thing has not been found, instead of for how long it is waited for:
// one stale read would otherwise pass for the end of what is being made, and it would be lost. As long as only a few
// polls have missed it, that is no time at all, whatever the clock says.
func unseen[T any](judge func(item T, found bool, missing time.Duration) progress) func(T, bool, time.Duration) progress {
	var (
		seen   time.Duration
		misses int
	)
	return func(item T, found bool, waited time.Duration) progress {
		if found {
			seen, misses = waited, 0
			return judge(item, true, 0)
		}
		if misses++; misses < certainlyMissing {
			return judge(item, false, 0)
		}
		return judge(item, false, waited-seen)
	}
}
