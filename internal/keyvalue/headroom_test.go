// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package keyvalue_test

import (
	"strings"
	"testing"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/keyvalue"
)

func TestHeadroom(t *testing.T) {
	t.Parallel()
	const limit = 50 << 20 // of premium-0, which takes 40 clients
	target, _ := keyvalue.LookupPlan("premium-0")
	for name, test := range map[string]struct {
		live    keyvalue.Usage
		refused bool
		drops   int64
		says    []string // parts of the reasons; empty if the store fits
	}{
		"nothing is known, nothing is held against it": {live: keyvalue.Usage{}},
		"the last byte and the last client":            {live: keyvalue.Usage{UsedBytes: limit, Clients: 40, Policy: "noeviction"}},
		"one byte too many": {
			live: keyvalue.Usage{UsedBytes: limit + 1, Policy: "noeviction"}, refused: true,
			says: []string{"52428801 bytes are used and the plan premium-0 has 52428800 (50 MB): under noeviction it would refuse all writes."},
		},
		"one client too many": {
			live: keyvalue.Usage{Clients: 41, Policy: "allkeys-lru"}, refused: true,
			says: []string{"41 clients are connected, and the plan premium-0 takes 40: it would refuse the others."},
		},
		"too much of both is said of both": {
			live: keyvalue.Usage{UsedBytes: limit + 7, Clients: 50}, refused: true,
			says: []string{"refuse all writes", "50 clients"},
		},
		"a policy that nobody named is the default": {
			live: keyvalue.Usage{UsedBytes: limit + 1}, refused: true, says: []string{"under noeviction it would refuse"},
		},
		"a policy that nobody knows refuses writes": {
			live: keyvalue.Usage{UsedBytes: limit + 1, Policy: "keep-all"}, refused: true, says: []string{"under keep-all it would refuse"},
		},
		"any key can be dropped": {
			live: keyvalue.Usage{UsedBytes: limit + 1000, Policy: "allkeys-lfu", Keys: counts(10, 0)}, drops: 1000,
			says: []string{"under allkeys-lfu it would drop keys of 1000 bytes at once."},
		},
		"a policy newer than this list is known by its kind": {
			live: keyvalue.Usage{UsedBytes: limit + 1000, Policy: "allkeys-lrm"}, drops: 1000, says: []string{"under allkeys-lrm it would drop"},
		},
		"keys are dropped, and clients are refused": {
			live: keyvalue.Usage{UsedBytes: limit + 1000, Clients: 41, Policy: "allkeys-lru"}, refused: true, drops: 1000,
			says: []string{"drop keys of 1000 bytes", "41 clients"},
		},
		"only keys with an expiry can be dropped": {
			live: keyvalue.Usage{UsedBytes: limit + 1000, Policy: "volatile-lru", Keys: counts(10, 4)}, drops: 1000,
			says: []string{
				"drop keys of 1000 bytes at once, out of the 4 with an expiry; 10 have none, and if these alone are too large it would refuse all " +
					"writes."},
		},
		"no key has an expiry": {
			live: keyvalue.Usage{UsedBytes: limit + 1000, Policy: "volatile-ttl", Keys: counts(10, 0)}, refused: true,
			says: []string{
				"under volatile-ttl it would refuse all writes, because it drops keys with an expiry only and none of the 10 keys has one."},
		},
		"how many have an expiry is not known": {
			live: keyvalue.Usage{UsedBytes: limit + 1000, Policy: "volatile-random"}, drops: 1000,
			says: []string{"out of those with an expiry; if the others alone are too large it would refuse all writes."},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := keyvalue.Headroom(target, test.live)
			if got.Refused != test.refused || got.Drops != test.drops || len(got.Reasons) != len(test.says) {
				t.Errorf("got %+v", got)
			}
			for _, want := range test.says {
				if !strings.Contains(strings.Join(got.Reasons, "\n"), want) {
					t.Errorf("%q is not in %q", want, got.Reasons)
				}
			}
		})
	}
}
