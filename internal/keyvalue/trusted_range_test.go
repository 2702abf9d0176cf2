// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package keyvalue_test

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/keyvalue"
)

func TestReviewOfTrustedRanges(t *testing.T) {
	t.Parallel()
	const (
		empty  = "The set is empty, so nobody can reach the web processes in the space."
		shield = "0.0.0.0/0 opens the Shield Space to the whole internet."
		beside = "0.0.0.0/0 admits everybody, so the narrower ranges beside it mean nothing."
		many   = "There are 21 ranges, and a new space may have 20; Heroku raises the limit on request, and refuses more until then."
	)
	numbered := func(n int) (ranges []string) {
		for i := range n {
			ranges = append(ranges, fmt.Sprintf("192.0.%d.0/24", i))
		}
		return ranges
	}
	office := []string{"192.0.2.0/26", "198.51.100.17/32"}
	for _, tt := range []struct {
		name   string
		ranges []string
		shield bool
		want   []string
	}{
		{"two ranges", office, false, nil},
		{"two ranges of a Shield Space", office, true, nil},
		{"no range", nil, false, []string{empty}},
		{"no range of a Shield Space", []string{}, true, []string{empty}},
		{"everybody", []string{"0.0.0.0/0"}, false, nil},
		{"everybody into a Shield Space", []string{"0.0.0.0/0"}, true, []string{shield}},
		{"everybody, spelled in another way, into a Shield Space", []string{"10.0.0.0/0"}, true, []string{shield}},
		{"everybody and the office", append([]string{"0.0.0.0/0"}, office...), false, []string{beside}},
		{"the office and everybody", append(slices.Clone(office), "0.0.0.0/0"), false, []string{beside}},
		{"everybody and the office into a Shield Space", append([]string{"0.0.0.0/0"}, office...), true, []string{shield, beside}},
		{"everybody, in two halves", []string{"0.0.0.0/1", "128.0.0.0/1"}, false,
			[]string{"The ranges together hold every address: they open the space to the whole internet, as 0.0.0.0/0 does."}},
		{"everybody, in pieces, into a Shield Space", []string{"0.0.0.0/1", "11.0.0.0/8", "128.0.0.0/2", "192.0.0.0/2", "192.0.2.0/26"}, true,
			[]string{"The ranges together hold every address: they open the Shield Space to the whole internet, as 0.0.0.0/0 does."}},
		{"all but a quarter", []string{"0.0.0.0/1", "128.0.0.0/2", "11.0.0.0/8"}, false,
			[]string{"The ranges together hold 75 % of all IPv4 addresses."}},
		{"a half", []string{"0.0.0.0/1"}, true, []string{"The ranges together hold 50 % of all IPv4 addresses."}},
		{"less than a half", []string{"0.0.0.0/2", "64.0.0.0/3"}, true, nil},
		{"a private range beside the office", append(slices.Clone(office), "10.1.2.0/24"), false,
			[]string{"10.1.2.0/24 is private (RFC 1918): no client has such an address on the internet, so the range admits nobody."}},
		{"everybody, twice", []string{"0.0.0.0/0", "0.0.0.0/0"}, false, nil},
		{"everybody, in two spellings", []string{"0.0.0.0/0", "10.0.0.0/0"}, false, nil},
		{"20 ranges", numbered(20), false, nil},
		{"21 ranges", numbered(21), false, []string{many}},
		{"20 ranges, one of them twice", append(numbered(20), "192.0.0.0/24"), false, nil},
		{"20 ranges, one of them in two spellings", append(numbered(20), "192.0.0.9/24"), false, nil},
		{"21 ranges of a Shield Space, one for everybody", append(numbered(20), "0.0.0.0/0"), true, []string{shield, beside, many}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := keyvalue.ReviewTrustedRanges(tt.ranges, tt.shield); !slices.Equal(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestUseOfUnroutable(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]string{
		"10.0.0.0/8": "private (RFC 1918)", "10.1.2.3/32": "private (RFC 1918)", "172.31.255.0/24": "private (RFC 1918)",
		"192.168.0.0/16": "private (RFC 1918)", "100.64.0.0/10": "shared by the customers of a carrier (RFC 6598)",
		"100.127.255.255/32": "shared by the customers of a carrier (RFC 6598)", "127.0.0.1/32": "loopback (RFC 1122)",
		"169.254.169.254/32": "link-local (RFC 3927)", "224.0.0.1/32": "multicast (RFC 5771)", "255.255.255.255/32": "reserved (RFC 1112)",
		// ranges that also contain other addresses
		"8.0.0.0/6": "", "172.16.0.0/11": "", "172.0.0.0/8": "", "192.168.0.0/15": "", "100.64.0.0/9": "", "0.0.0.0/0": "", "192.0.0.0/2": "",
		// neighbouring ranges
		"9.255.255.255/32": "", "11.0.0.0/8": "", "172.32.0.0/16": "", "192.169.0.0/16": "", "100.128.0.0/10": "", "203.0.113.0/24": "",
		// not IPv4 ranges
		"": "", "office": "", "10.0.0.1": "", "fd00::/8": "",
	} {
		if got := keyvalue.UseOfUnroutable(s); got != want {
			t.Errorf("%s: %q, want %q", s, got, want)
		}
	}
}

func TestShutOut(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name                string
		before, after, want []string
	}{
		{"nothing changes", []string{"192.0.2.0/24"}, []string{"192.0.2.0/24"}, nil},
		{"one goes", []string{"192.0.2.0/24", "198.51.100.0/24"}, []string{"192.0.2.0/24"}, []string{"198.51.100.0/24"}},
		{"all go", []string{"192.0.2.0/24", "198.51.100.0/24"}, nil, []string{"192.0.2.0/24", "198.51.100.0/24"}},
		{"one is widened", []string{"192.0.2.0/25"}, []string{"192.0.2.0/24"}, nil},
		{"one is narrowed", []string{"192.0.2.0/24"}, []string{"192.0.2.0/25"}, []string{"192.0.2.0/24"}},
		{"one is halved", []string{"192.0.2.0/24"}, []string{"192.0.2.0/25", "192.0.2.128/25"}, nil},
		{"one half twice", []string{"192.0.2.0/24"}, []string{"192.0.2.0/25", "192.0.2.0/26", "192.0.2.0/25"}, []string{"192.0.2.0/24"}},
		{"the internet in halves", []string{"0.0.0.0/0"}, []string{"0.0.0.0/1", "128.0.0.0/1"}, nil},
		{"the internet goes", []string{"0.0.0.0/0", "192.0.2.0/24"}, []string{"192.0.2.0/24"}, []string{"0.0.0.0/0"}},
		{"one within the internet", []string{"0.0.0.0/0", "192.0.2.0/24"}, []string{"0.0.0.0/0"}, nil},
		{"another spelling", []string{"192.0.2.7/24"}, []string{"192.0.2.0/24"}, nil},
		{"what is no range", []string{"office", "fd00::/8"}, nil, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := keyvalue.ShutOut(tt.before, tt.after); !slices.Equal(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// ShutOut is compared with a check of each address, in a small network.
func TestShutOutAddressByAddress(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(3, 5))
	some := func() (ranges []string) {
		for range random.IntN(6) {
			bits := 26 + random.IntN(7)
			ranges = append(ranges, netip.PrefixFrom(netip.AddrFrom4([4]byte{192, 0, 2, byte(random.IntN(64))}), bits).Masked().String())
		}
		return ranges
	}
	out := 0
	for range 3_000 {
		before, after := some(), some()
		var want []string
		for _, s := range before {
			prefix := netip.MustParsePrefix(s)
			for addr := prefix.Addr(); prefix.Contains(addr); addr = addr.Next() {
				if !slices.ContainsFunc(after, func(other string) bool { return netip.MustParsePrefix(other).Contains(addr) }) {
					want = append(want, s)
					break
				}
			}
		}
		if got := keyvalue.ShutOut(before, after); !slices.Equal(got, want) {
			t.Fatalf("%v, then %v: got %v, want %v", before, after, got, want)
		}
		out += len(want)
	}
	if out < 1000 {
		t.Errorf("only %d ranges were shut out", out)
	}
}

func TestParseExpiry(t *testing.T) {
	t.Parallel()
	want := time.Date(2026, 12, 18, 0, 0, 0, 0, time.UTC)
	for _, s := range []string{"2026-12-18T00:00:00Z", "2026-12-18T01:00:00+01:00", "2026-12-17T19:00:00.000-05:00"} {
		if got, err := keyvalue.ParseExpiry(s); err != nil || !got.Equal(want) {
			t.Errorf("%s: %v, %v", s, got, err)
		}
	}
	for _, s := range []string{"", " ", "2026-12-18", "2026-12-18 00:00:00Z", "tomorrow", "2026-13-01T00:00:00Z", " 2026-12-18T00:00:00Z"} {
		_, err := keyvalue.ParseExpiry(s)
		want := fmt.Sprintf("%q is not a time: write it as RFC 3339, for example \"2026-12-18T00:00:00Z\"", s)
		if err == nil || err.Error() != want {
			t.Errorf("%q: %v", s, err)
		}
	}
}
