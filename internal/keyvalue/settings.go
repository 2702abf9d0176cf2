// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package keyvalue

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// Settings are the settings of a store. They take effect without a restart and survive plan changes, version
// upgrades and failovers, but a fork does not copy them (Dev Center: Heroku Key-Value Store, "Configuring Your
// Instance").
type Settings struct {
	Timeout              int // seconds until an idle connection is closed; 0 for never
	MaxmemoryPolicy      EvictionPolicy
	NotifyKeyspaceEvents KeyspaceEvents
}

// DefaultSettings returns the settings of a new store.
func DefaultSettings() Settings {
	return Settings{Timeout: 300, MaxmemoryPolicy: "noeviction"}
}

// EvictionPolicy is what a store does when its memory is full, such as "allkeys-lru".
type EvictionPolicy string

var evictionPolicies = []EvictionPolicy{
	"noeviction",
	"allkeys-lru",
	"volatile-lru",
	"allkeys-random",
	"volatile-random",
	"volatile-ttl",
	"allkeys-lfu",
	"volatile-lfu",
}

// EvictionPolicies returns all policies in the order of the Data API's documentation.
func EvictionPolicies() []EvictionPolicy { return slices.Clone(evictionPolicies) }

// evicts returns which keys a policy evicts when the memory is full, as a phrase; "" for none.
func (p EvictionPolicy) evicts() string {
	switch {
	case strings.HasPrefix(string(p), "allkeys-"):
		return "any key"
	case strings.HasPrefix(string(p), "volatile-"):
		return "keys with an expiry time"
	}
	return ""
}

// BeginsToEvict returns which keys a store begins to evict when its policy changes, as a phrase; "" if there are none that it did
// not evict before.
func BeginsToEvict(from, to EvictionPolicy) string {
	if from.evicts() == to.evicts() || from.evicts() == "any key" {
		return ""
	}
	return to.evicts()
}

// ParseEvictionPolicy accepts exactly the names of EvictionPolicies.
func ParseEvictionPolicy(s string) (EvictionPolicy, error) {
	if policy := EvictionPolicy(s); slices.Contains(evictionPolicies, policy) {
		return policy, nil
	}
	names := make([]string, len(evictionPolicies))
	for i, policy := range evictionPolicies {
		names[i] = string(policy)
	}
	return "", fmt.Errorf("%q is not an eviction policy: write one of %s", s, strings.Join(names, ", "))
}

// ValidateTimeout checks that the number of seconds is not negative and fits into 32 bits.
func ValidateTimeout(seconds int64) error {
	if seconds < 0 {
		return fmt.Errorf(
			"a timeout of %d seconds is negative: write a whole number of seconds such as 300, or 0 to never close an idle connection", seconds)
	}
	if seconds > math.MaxInt32 {
		return fmt.Errorf("a timeout of %d seconds is more than Redis can hold, which is %d: write 0 to never close an idle connection", seconds,
			math.MaxInt32)
	}
	return nil
}
