// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package keyvalue

import (
	"fmt"
	"net/netip"
	"slices"
	"time"
)

// TrustedRangesLimit is the maximum number of trusted IP ranges of a new space; Heroku raises it on request (Dev Center:
// Private Spaces, "Default Limits for Private Spaces").
const TrustedRangesLimit = 20

// Internet is the range of all addresses, which is the only trusted range of a new space.
const Internet = "0.0.0.0/0"

// AdmitsInternet reports whether ranges together contain all addresses, as 0.0.0.0/0 does, and 0.0.0.0/1 with 128.0.0.0/1.
func AdmitsInternet(ranges []string) bool { return admitted(ranges) == allAddresses }

// AdmitsMost reports whether ranges together contain at least half of all addresses.
func AdmitsMost(ranges []string) bool { return shareOf(ranges) >= 50 }

// shareOf returns the share of all addresses that ranges together contain, in percent.
func shareOf(ranges []string) uint64 { return admitted(ranges) * 100 / allAddresses }

const allAddresses uint64 = 1 << 32

// admitted counts the addresses in a set of ranges. It relies on the fact that of two overlapping ranges one contains the other.
func admitted(ranges []string) (addresses uint64) {
	var prefixes []netip.Prefix
	for _, s := range ranges {
		if prefix, err := netip.ParsePrefix(s); err == nil && prefix.Addr().Is4() && !slices.Contains(prefixes, prefix.Masked()) {
			prefixes = append(prefixes, prefix.Masked())
		}
	}
	for _, prefix := range prefixes {
		within := func(other netip.Prefix) bool { return other.Bits() < prefix.Bits() && other.Contains(prefix.Addr()) }
		if !slices.ContainsFunc(prefixes, within) {
			addresses += allAddresses >> prefix.Bits()
		}
	}
	return addresses
}

// ReviewTrustedRanges returns sentences about probably unintended properties of a set of valid ranges. Duplicates count once.
// shield means that the space is a Shield Space.
func ReviewTrustedRanges(ranges []string, shield bool) []string {
	var distinct []string
	for _, s := range ranges {
		if !slices.ContainsFunc(distinct, func(other string) bool { return SameCIDR(s, other) }) {
			distinct = append(distinct, s)
		}
	}
	one := slices.ContainsFunc(distinct, func(s string) bool { return SameCIDR(s, Internet) })
	all, share := AdmitsInternet(distinct), shareOf(distinct)

	var hints []string
	if len(distinct) == 0 {
		hints = append(hints, "The set is empty, so nobody can reach the web processes in the space.")
	}
	switch {
	case all && !one && shield:
		hints = append(hints, "The ranges together hold every address: they open the Shield Space to the whole internet, as 0.0.0.0/0 does.")
	case all && !one:
		hints = append(hints, "The ranges together hold every address: they open the space to the whole internet, as 0.0.0.0/0 does.")
	case all && shield:
		hints = append(hints, "0.0.0.0/0 opens the Shield Space to the whole internet.")
	case AdmitsMost(distinct) && !all:
		hints = append(hints, fmt.Sprintf("The ranges together hold %d %% of all IPv4 addresses.", share))
	}
	if one && len(distinct) > 1 {
		hints = append(hints, "0.0.0.0/0 admits everybody, so the narrower ranges beside it mean nothing.")
	}
	for _, s := range distinct {
		if use := UseOfUnroutable(s); use != "" {
			hints = append(hints, fmt.Sprintf("%s is %s: no client has such an address on the internet, so the range admits nobody.", s, use))
		}
	}
	if n := len(distinct); n > TrustedRangesLimit {
		hints = append(hints,
			fmt.Sprintf("There are %d ranges, and a new space may have %d; Heroku raises the limit on request, and refuses more until then.", n,
				TrustedRangesLimit))
	}
	return hints
}

// unroutable are ranges that are not used on the internet, with their use (IANA IPv4 Special-Purpose Address Registry). The
// ranges for documentation are left out, since they are placeholders in examples.
var unroutable = []struct {
	prefix netip.Prefix
	use    string
}{
	{netip.MustParsePrefix("10.0.0.0/8"), "private (RFC 1918)"},
	{netip.MustParsePrefix("172.16.0.0/12"), "private (RFC 1918)"},
	{netip.MustParsePrefix("192.168.0.0/16"), "private (RFC 1918)"},
	{netip.MustParsePrefix("100.64.0.0/10"), "shared by the customers of a carrier (RFC 6598)"},
	{netip.MustParsePrefix("127.0.0.0/8"), "loopback (RFC 1122)"},
	{netip.MustParsePrefix("169.254.0.0/16"), "link-local (RFC 3927)"},
	{netip.MustParsePrefix("224.0.0.0/4"), "multicast (RFC 5771)"},
	{netip.MustParsePrefix("240.0.0.0/4"), "reserved (RFC 1112)"},
}

// UseOfUnroutable returns the use of a range that lies entirely in an unroutable one, or "".
func UseOfUnroutable(s string) string {
	prefix, err := netip.ParsePrefix(s)
	if err != nil {
		return ""
	}
	for _, kind := range unroutable {
		if kind.prefix.Bits() <= prefix.Bits() && kind.prefix.Contains(prefix.Addr()) {
			return kind.use
		}
	}
	return ""
}

// ShutOut returns the ranges of before that after does not contain completely, as they are written. A range that is removed is not
// among them if a wider one, or parts that cover it, remain.
func ShutOut(before, after []string) (out []string) {
	for _, s := range before {
		prefix, err := netip.ParsePrefix(s)
		if err != nil || !prefix.Addr().Is4() {
			continue
		}
		prefix = prefix.Masked()
		var parts []string
		whole := false
		for _, other := range after {
			kept, err := netip.ParsePrefix(other)
			if err != nil || !kept.Overlaps(prefix) {
				continue
			}
			whole = whole || kept.Bits() <= prefix.Bits()
			parts = append(parts, other)
		}
		if !whole && admitted(parts) < allAddresses>>prefix.Bits() {
			out = append(out, s)
		}
	}
	return out
}

// ParseExpiry parses the time after which a range is no longer needed.
func ParseExpiry(s string) (time.Time, error) {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return t, fmt.Errorf("%q is not a time: write it as RFC 3339, for example %q", s, "2026-12-18T00:00:00Z")
	}
	return t, nil
}
