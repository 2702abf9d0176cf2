// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package keyvalue

import (
	"cmp"
	"fmt"
	"strings"
)

// Usage is what a running store uses. Zero values mean unknown.
type Usage struct {
	UsedBytes int64 // used_memory of INFO
	Clients   int   // connected now; the server reports no peak
	Policy    EvictionPolicy
	Keys      Keyspace
}

// Fit tells whether the data and clients of a store fit into a plan. Without Reasons they do.
type Fit struct {
	Refused bool     // the server would refuse writes or connections
	Drops   int64    // bytes that the server would evict at once
	Reasons []string // one sentence each, with the numbers
}

// Headroom tells whether a running store fits into another plan.
//
// It compares used_memory with the memory of the plan, as the server does with maxmemory: the server's overhead and the
// buffers of clients count as the keys do, and they exist on the other plan too. Only the buffers for replicas and for the
// append-only file do not count against maxmemory, so that Headroom may demand a little more memory than the server needs,
// but never less (redis.conf, maxmemory).
//
// Above the limit, a store refuses writes under the policy noeviction, and evicts keys under the others. The volatile
// policies evict only keys with an expiry, and refuse writes when none are left (Dev Center: Heroku Key-Value Store,
// "maxmemory-policy").
func Headroom(target Plan, live Usage) Fit {
	var fit Fit
	if over := live.UsedBytes - target.MemoryBytes(); over > 0 {
		fit.addMemoryReason(target, live, over)
	}
	if live.Clients > target.ConnectionLimit {
		fit.Refused = true
		fit.Reasons = append(fit.Reasons, fmt.Sprintf("%d clients are connected, and the plan %s takes %d: it would refuse the others.",
			live.Clients, target.Name, target.ConnectionLimit))
	}
	return fit
}

// addMemoryReason adds what the server would do because of the bytes above the limit.
func (f *Fit) addMemoryReason(target Plan, live Usage, over int64) {
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
			total.Persistent(), refuses)
	case volatile:
		consequence += ", out of those with an expiry; if the others alone are too large " + refuses
	}
	if !f.Refused {
		f.Drops = over
	}
	f.Reasons = append(f.Reasons, fmt.Sprintf("%d bytes are used and the plan %s has %d (%s): under %s %s.",
		live.UsedBytes, target.Name, target.MemoryBytes(), target.memory(), policy, consequence))
}
