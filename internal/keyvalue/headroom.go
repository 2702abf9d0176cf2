// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package keyvalue

import (
	"cmp"
	"fmt"
	"strings"
)

// Usage is what a live store uses of its plan. Zero values are not known.
type Usage struct {
	UsedBytes int64 // memory as the server itself counts it (INFO, used_memory)
	Clients   int   // connected now; servers remember no peak
	Policy    EvictionPolicy
	Keys      Keyspace
}

// Fit is whether what a store uses has room in a plan. Without Reasons it fits.
type Fit struct {
	Refused bool     // the server would refuse writes or connections
	Drops   int64    // bytes that the server would evict at once
	Reasons []string // one sentence each, with the numbers
}

// Headroom judges a change to a smaller plan.
//
// It compares used_memory with the memory of the plan because that is what a server does itself: its own overhead, the
// tables and the buffers of its clients count against maxmemory as the keys do, and the server of another plan has them
// too. Only buffers for replicas and for the file on disk are not held against maxmemory, so the rule may ask for a
// little more room than the server would, never for less (redis.conf, maxmemory).
//
// Beyond the limit a store refuses writes under noeviction, and drops keys under an evicting policy; the volatile ones
// drop keys with an expiry only and refuse writes when there are none left (Dev Center: Heroku
// Key-Value Store, "maxmemory-policy").
func Headroom(target Plan, live Usage) Fit {
	var fit Fit
	if over := live.UsedBytes - target.MemoryBytes(); over > 0 {
		fit.tellMemory(target, live, over)
	}
	if live.Clients > target.ConnectionLimit {
		fit.Refused = true
		fit.Reasons = append(fit.Reasons, fmt.Sprintf("%d clients are connected, and the plan %s takes %d: it would refuse the others.",
			live.Clients, target.Name, target.ConnectionLimit))
	}
	return fit
}

// tellMemory says what becomes of the bytes that are over the limit.
func (f *Fit) tellMemory(target Plan, live Usage, over int64) {
	const refuses = "it would refuse all writes"
	total, policy := live.Keys.Total(), cmp.Or(live.Policy, DefaultSettings().MaxmemoryPolicy)
	volatile := strings.HasPrefix(string(policy), "volatile-")
	consequence := fmt.Sprintf("it would drop keys of %d bytes at once", over)
	switch {
	case !volatile && !strings.HasPrefix(string(policy), "allkeys-"):
		f.Refused, consequence = true, refuses
	case volatile && live.Keys != nil && total.Expiring == 0:
		f.Refused, consequence = true, refuses+fmt.Sprintf(", because it drops keys with an expiry only and none of the %d keys has one",
			total.Keys)
	case volatile && live.Keys != nil:
		consequence += fmt.Sprintf(", out of the %d with an expiry; %d have none, and if these alone are too large %s", total.Expiring,
			total.Lasting(), refuses)
	case volatile:
		consequence += ", out of those with an expiry; if the others alone are too large " + refuses
	}
	if !f.Refused {
		f.Drops = over
	}
	f.Reasons = append(f.Reasons, fmt.Sprintf("%d bytes are used and the plan %s has %d (%s): under %s %s.",
		live.UsedBytes, target.Name, target.MemoryBytes(), target.memory(), policy, consequence))
}
