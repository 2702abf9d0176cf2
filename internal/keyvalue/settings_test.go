// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package keyvalue_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/keyvalue"
)

func TestDefaultSettings(t *testing.T) {
	t.Parallel()
	if got, want := keyvalue.DefaultSettings(),
		(keyvalue.Settings{Timeout: 300, MaxmemoryPolicy: "noeviction", NotifyKeyspaceEvents: 0}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestEvictionPolicies(t *testing.T) {
	t.Parallel()
	want := []keyvalue.EvictionPolicy{
		"noeviction", "allkeys-lru", "volatile-lru", "allkeys-random", "volatile-random", "volatile-ttl", "allkeys-lfu", "volatile-lfu",
	}
	if got := keyvalue.EvictionPolicies(); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	keyvalue.EvictionPolicies()[0] = "changed"
	for _, policy := range want {
		if got, err := keyvalue.ParseEvictionPolicy(string(policy)); err != nil || got != policy {
			t.Errorf("%q reads as %q, %v", policy, got, err)
		}
	}
}

func TestBeginsToEvict(t *testing.T) {
	t.Parallel()
	for _, from := range keyvalue.EvictionPolicies() {
		for _, to := range keyvalue.EvictionPolicies() {
			want := ""
			switch {
			case strings.HasPrefix(string(to), "allkeys-") && !strings.HasPrefix(string(from), "allkeys-"):
				want = "any key"
			case strings.HasPrefix(string(to), "volatile-") && from == "noeviction":
				want = "keys with an expiry time"
			}
			if got := keyvalue.BeginsToEvict(from, to); got != want {
				t.Errorf("from %s to %s: %q, want %q", from, to, got, want)
			}
		}
	}
}

func TestParseEvictionPolicyRefuses(t *testing.T) {
	t.Parallel()
	for _, in := range []string{"", "lru", "allkeys_lru", "NoEviction", "noeviction ", "volatile-lru,allkeys-lru"} {
		_, err := keyvalue.ParseEvictionPolicy(in)
		if err == nil {
			t.Errorf("%q is accepted", in)
			continue
		}
		for _, policy := range keyvalue.EvictionPolicies() {
			if !strings.Contains(err.Error(), string(policy)) {
				t.Errorf("%q: the error does not offer %s: %v", in, policy, err)
			}
		}
	}
}

func TestValidateTimeout(t *testing.T) {
	t.Parallel()
	for _, ok := range []int64{0, 1, 300, 1<<31 - 1} {
		if err := keyvalue.ValidateTimeout(ok); err != nil {
			t.Errorf("%d: %v", ok, err)
		}
	}
	for bad, want := range map[int64]string{
		-1:        "a timeout of -1 seconds is negative",
		-1 << 63:  "negative",
		1 << 31:   "more than Redis can hold",
		1<<63 - 1: "more than Redis can hold",
	} {
		if err := keyvalue.ValidateTimeout(bad); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%d: the error should say %q: %v", bad, want, err)
		}
	}
}
