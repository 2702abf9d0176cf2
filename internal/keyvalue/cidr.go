// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package keyvalue

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// The private address ranges of RFC 1918, out of which the networks of a space are taken.
var privateNetworks = []netip.Prefix{
	netip.MustParsePrefix("10.0.0.0/8"),
	netip.MustParsePrefix("172.16.0.0/12"),
	netip.MustParsePrefix("192.168.0.0/16"),
}

// What Heroku keeps for itself (Dev Center: Private Spaces; Platform API reference, spaces).
var reservedNetworks = []netip.Prefix{
	netip.MustParsePrefix("172.17.0.0/16"),
	netip.MustParsePrefix("10.1.0.0/16"),
}

// cidrRule is what one kind of range has to be.
type cidrRule struct {
	widest, narrowest int          // bits of the mask
	size              string       // what the bits have to be, as a sentence about the range
	network           bool         // it becomes a network of a space
	example           netip.Prefix // obeys the rule, also with any other mask of an allowed size
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

// ValidateCIDR judges a trusted IP range: any IPv4 range with its mask. Like those of the other kinds of ranges, its
// errors say what is wrong and end in a range that is valid: as close as possible to what was written.
func ValidateCIDR(s string) error { return trustedRule.validate(s) }

// ValidateDynoCIDR judges the range of a space's dynos: exactly a /16.
func ValidateDynoCIDR(s string) error { return dynoRule.validate(s) }

// ValidateDataCIDR judges the range of a space's data services: a /16 to a /20.
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

// parseCIDR also returns what was probably meant when there is a problem; not valid if that cannot be guessed.
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

// problem says what is wrong with a range that could be read; "" when nothing is.
func (r cidrRule) problem(prefix netip.Prefix) string {
	if bits := prefix.Bits(); bits < r.widest || bits > r.narrowest {
		return fmt.Sprintf("is a /%d, and %s", bits, r.size)
	}
	if !r.network {
		return ""
	}
	// No private network is narrower than a network of a space: what overlaps one lies in it.
	if !slices.ContainsFunc(privateNetworks, prefix.Overlaps) {
		return fmt.Sprintf("is not private: a space's network lies in %s (RFC 1918)", joinPrefixes(privateNetworks))
	}
	if i := slices.IndexFunc(reservedNetworks, prefix.Overlaps); i >= 0 {
		return fmt.Sprintf("overlaps %s, which Heroku keeps for itself", reservedNetworks[i])
	}
	return ""
}

// correct proposes a valid range: the one around what was meant if possible, and otherwise the example.
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

// ValidateSpaceNetworks judges the two ranges of a space together. Each is taken to be valid by itself.
func ValidateSpaceNetworks(dyno, data string) error {
	left, errLeft := netip.ParsePrefix(dyno)
	right, errRight := netip.ParsePrefix(data)
	if both := errLeft == nil && errRight == nil; !both || !left.Overlaps(right) {
		return nil
	}
	free := netip.MustParseAddr("172.23.0.0") // as in the default
	if left.Contains(free) {
		free = netip.MustParseAddr("10.41.0.0")
	}
	return fmt.Errorf("the data range %s overlaps the dyno range %s: write for example %s", data, dyno, netip.PrefixFrom(free, right.Bits()))
}

// SameCIDR compares ranges by meaning: 192.0.2.7/24, as an API may return it, is 192.0.2.0/24.
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
