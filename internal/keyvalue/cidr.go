// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package keyvalue

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// privateNetworks are the private address ranges of RFC 1918. The networks of a space must lie in one of them.
var privateNetworks = []netip.Prefix{
	netip.MustParsePrefix("10.0.0.0/8"),
	netip.MustParsePrefix("172.16.0.0/12"),
	netip.MustParsePrefix("192.168.0.0/16"),
}

// reservedNetworks are the ranges that Heroku reserves (Dev Center: Private Spaces; Platform API reference, spaces).
var reservedNetworks = []netip.Prefix{
	netip.MustParsePrefix("172.17.0.0/16"),
	netip.MustParsePrefix("10.1.0.0/16"),
}

// cidrRule holds the requirements of one kind of range.
type cidrRule struct {
	widest, narrowest int          // prefix lengths
	size              string       // the required size, as a clause for messages
	network           bool         // the range is a network of a space
	example           netip.Prefix // a valid range, which is also valid with any other allowed prefix length
}

var (
	trustedRule = cidrRule{widest: 0, narrowest: 32, example: netip.MustParsePrefix("192.0.2.0/24")}

	// Exactly a /16 (Platform API reference, spaces).
	dynoRule = cidrRule{
		widest: 16, narrowest: 16, size: "the range of a space's dynos is exactly a /16",
		network: true, example: netip.MustParsePrefix("10.40.0.0/16"),
	}
	// "A /20 is the minimum size" (Dev Center: Private Spaces), and a /16 the maximum (Platform API reference, spaces).
	dataRule = cidrRule{
		widest: 16, narrowest: 20, size: "the range of a space's data services is a /16 to a /20 (a /20 is the minimum size)",
		network: true, example: netip.MustParsePrefix("10.40.0.0/20"),
	}
)

// ValidateCIDR validates a trusted IP range: any IPv4 range in CIDR notation. The errors of the Validate functions of this file
// say what is wrong, and suggest a valid range that is as close as possible to s.
func ValidateCIDR(s string) error { return trustedRule.validate(s) }

// ValidateDynoCIDR validates the range of a space's dynos: exactly a /16.
func ValidateDynoCIDR(s string) error { return dynoRule.validate(s) }

// ValidateDataCIDR validates the range of a space's data services: a /16 to a /20.
func ValidateDataCIDR(s string) error { return dataRule.validate(s) }

func (r cidrRule) validate(s string) error {
	prefix, problem := parseCIDR(s)
	if problem == "" {
		problem = r.problem(prefix)
	}
	if problem == "" {
		return nil
	}
	return fmt.Errorf("%q %s: write %s", s, problem, r.correct(prefix))
}

// parseCIDR parses a range. If there is a problem, meant is the range that was probably meant, or the zero prefix.
func parseCIDR(s string) (meant netip.Prefix, problem string) {
	prefix, err := netip.ParsePrefix(s)
	addr := prefix.Addr()
	if err != nil {
		addr, _ = netip.ParseAddr(s)
		prefix = netip.PrefixFrom(addr, addr.BitLen())
	}
	switch {
	case !addr.IsValid():
		return netip.Prefix{}, "is not an address range, which has an IPv4 address and a mask"
	case !addr.Is4():
		return netip.Prefix{}, "is IPv6, and Heroku takes IPv4 ranges here"
	case err != nil:
		return prefix, "has no mask"
	case prefix != prefix.Masked():
		return prefix.Masked(), "names an address inside of a range, and not the range"
	}
	return prefix, ""
}

// problem returns what is wrong with a parsed range, or "".
func (r cidrRule) problem(prefix netip.Prefix) string {
	if bits := prefix.Bits(); bits < r.widest || bits > r.narrowest {
		return fmt.Sprintf("is a /%d, and %s", bits, r.size)
	}
	if !r.network {
		return ""
	}
	// A space's network is never wider than a private network, so a network that overlaps one lies in it.
	if !slices.ContainsFunc(privateNetworks, prefix.Overlaps) {
		return fmt.Sprintf("is not private: a space's network lies in %s (RFC 1918)", joinPrefixes(privateNetworks))
	}
	if i := slices.IndexFunc(reservedNetworks, prefix.Overlaps); i >= 0 {
		return fmt.Sprintf("overlaps %s, which Heroku keeps for itself", reservedNetworks[i])
	}
	return ""
}

// correct suggests a valid range: the one around the meant range if that is valid, and otherwise the example.
func (r cidrRule) correct(meant netip.Prefix) string {
	bits := r.example.Bits()
	if meant.IsValid() {
		bits = min(max(meant.Bits(), r.widest), r.narrowest)
		if near := netip.PrefixFrom(meant.Addr(), bits).Masked(); r.problem(near) == "" {
			return near.String()
		}
	}
	return "for example " + netip.PrefixFrom(r.example.Addr(), bits).String()
}

// ValidateSpaceNetworks checks that the two networks of a space do not overlap. Each must be valid by itself.
func ValidateSpaceNetworks(dyno, data string) error {
	left, errLeft := netip.ParsePrefix(dyno)
	right, errRight := netip.ParsePrefix(data)
	if both := errLeft == nil && errRight == nil; !both || !left.Overlaps(right) {
		return nil
	}
	free := netip.MustParseAddr("172.23.0.0") // the default
	if left.Contains(free) {
		free = netip.MustParseAddr("10.41.0.0")
	}
	return fmt.Errorf("the data range %s overlaps the dyno range %s: write for example %s", data, dyno, netip.PrefixFrom(free, right.Bits()))
}

// SameCIDR reports whether two ranges hold the same addresses: 192.0.2.7/24, as an API may return it, is the same as 192.0.2.0/24.
func SameCIDR(a, b string) bool {
	left, errLeft := netip.ParsePrefix(a)
	right, errRight := netip.ParsePrefix(b)
	return errLeft == nil && errRight == nil && left.Masked() == right.Masked()
}

func joinPrefixes(prefixes []netip.Prefix) string {
	texts := make([]string, len(prefixes))
	for i, prefix := range prefixes {
		texts[i] = prefix.String()
	}
	return strings.Join(texts, ", ")
}
