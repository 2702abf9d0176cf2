// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package keyvalue_test

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/keyvalue"
)

const (
	dynoSize  = "the range of a space's dynos is exactly a /16"
	dataSize  = "the range of a space's data services is a /16 to a /20 (a /20 is the minimum size)"
	private   = "is not private: a space's network lies in 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16 (RFC 1918)"
	notARange = "is not an address range, which has an IPv4 address and a mask"
	notIPv4   = "is IPv6, and Heroku takes IPv4 ranges here"
	hostBits  = "names an address inside of a range, and not the range"
)

func TestRangesThatAreValid(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		validate func(string) error
		ranges   []string
	}{
		{keyvalue.ValidateCIDR, []string{
			"0.0.0.0/0", "128.0.0.0/1", "192.0.2.0/24", "192.0.2.0/26", "198.51.100.17/32", "10.1.0.0/16", "172.17.0.0/16", "255.255.255.255/32",
		}},
		{keyvalue.ValidateDynoCIDR, []string{
			"10.0.0.0/16", "10.40.0.0/16", "10.2.0.0/16", "10.255.0.0/16", "172.16.0.0/16", "172.18.0.0/16", "172.31.0.0/16", "192.168.0.0/16",
		}},
		{keyvalue.ValidateDataCIDR, []string{
			"172.23.0.0/20", "10.100.0.0/20", "10.100.0.0/16", "10.100.128.0/17", "10.100.192.0/18", "10.100.224.0/19", "10.0.240.0/20",
			"10.2.0.0/20",
			"172.16.240.0/20", "172.18.0.0/20", "192.168.240.0/20",
		}},
	} {
		for _, s := range tt.ranges {
			if err := tt.validate(s); err != nil {
				t.Error(err)
			}
		}
	}
}

// Each rule with its whole message: what was written, what is wrong, and a suggestion.
func TestRangesThatAreRefused(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name     string
		validate func(string) error
		in       string
		want     string // the message after the quoted range
	}{
		{"a trusted address without a mask", keyvalue.ValidateCIDR, "198.51.100.17", "has no mask: write 198.51.100.17/32"},
		{"a trusted range with host bits", keyvalue.ValidateCIDR, "192.0.2.7/24", hostBits + ": write 192.0.2.0/24"},
		{"a trusted range of everything with host bits", keyvalue.ValidateCIDR, "1.2.3.4/0", hostBits + ": write 0.0.0.0/0"},
		{"a trusted IPv6 range", keyvalue.ValidateCIDR, "2001:db8::/32", notIPv4 + ": write for example 192.0.2.0/24"},
		{"all of IPv6", keyvalue.ValidateCIDR, "::/0", notIPv4 + ": write for example 192.0.2.0/24"},
		{"an IPv6 address without a mask", keyvalue.ValidateCIDR, "2001:db8::1", notIPv4 + ": write for example 192.0.2.0/24"},
		{"IPv4 in the clothes of IPv6", keyvalue.ValidateCIDR, "::ffff:192.0.2.0/120", notIPv4 + ": write for example 192.0.2.0/24"},
		{"nothing", keyvalue.ValidateCIDR, "", notARange + ": write for example 192.0.2.0/24"},
		{"words", keyvalue.ValidateCIDR, "office", notARange + ": write for example 192.0.2.0/24"},
		{"a mask that is too long", keyvalue.ValidateCIDR, "192.0.2.0/33", notARange + ": write for example 192.0.2.0/24"},
		{"a mask below zero", keyvalue.ValidateCIDR, "192.0.2.0/-1", notARange + ": write for example 192.0.2.0/24"},
		{"a mask in dots", keyvalue.ValidateCIDR, "192.0.2.0/255.255.255.0", notARange + ": write for example 192.0.2.0/24"},
		{"a mask with a leading zero", keyvalue.ValidateCIDR, "192.0.2.0/024", notARange + ": write for example 192.0.2.0/24"},
		{"an empty mask", keyvalue.ValidateCIDR, "192.0.2.0/", notARange + ": write for example 192.0.2.0/24"},
		{"a number that is too big", keyvalue.ValidateCIDR, "192.0.2.256/24", notARange + ": write for example 192.0.2.0/24"},
		{"three numbers", keyvalue.ValidateCIDR, "192.0.2/24", notARange + ": write for example 192.0.2.0/24"},
		{"a blank in front", keyvalue.ValidateCIDR, " 192.0.2.0/24", notARange + ": write for example 192.0.2.0/24"},

		{"dynos in a /15", keyvalue.ValidateDynoCIDR, "10.40.0.0/15", "is a /15, and " + dynoSize + ": write 10.40.0.0/16"},
		{"dynos in a /17", keyvalue.ValidateDynoCIDR, "10.40.128.0/17", "is a /17, and " + dynoSize + ": write 10.40.0.0/16"},
		{"dynos in a /16 with host bits", keyvalue.ValidateDynoCIDR, "10.40.1.0/16", hostBits + ": write 10.40.0.0/16"},
		{"dynos in a /24 with host bits", keyvalue.ValidateDynoCIDR, "10.40.1.9/24", hostBits + ": write 10.40.0.0/16"},
		{"dynos in a public /16", keyvalue.ValidateDynoCIDR, "52.44.0.0/16", private + ": write for example 10.40.0.0/16"},
		{"dynos just above 172.16.0.0/12", keyvalue.ValidateDynoCIDR, "172.32.0.0/16", private + ": write for example 10.40.0.0/16"},
		{"dynos just below 192.168.0.0/16", keyvalue.ValidateDynoCIDR, "192.167.0.0/16", private + ": write for example 10.40.0.0/16"},
		{"dynos in 100.64.0.0/10", keyvalue.ValidateDynoCIDR, "100.64.0.0/16", private + ": write for example 10.40.0.0/16"},
		{"dynos in the one reserved range", keyvalue.ValidateDynoCIDR, "10.1.0.0/16",
			"overlaps 10.1.0.0/16, which Heroku keeps for itself: write for example 10.40.0.0/16"},
		{"dynos in the other reserved range", keyvalue.ValidateDynoCIDR, "172.17.0.0/16",
			"overlaps 172.17.0.0/16, which Heroku keeps for itself: write for example 10.40.0.0/16"},
		{"dynos in a part of a reserved range", keyvalue.ValidateDynoCIDR, "10.1.16.0/20", "is a /20, and " + dynoSize +
			": write for example 10.40.0.0/16"},
		{"dynos in a public /8", keyvalue.ValidateDynoCIDR, "52.0.0.0/8", "is a /8, and " + dynoSize + ": write for example 10.40.0.0/16"},
		{"dynos in all of 10.0.0.0/8", keyvalue.ValidateDynoCIDR, "10.0.0.0/8", "is a /8, and " + dynoSize + ": write 10.0.0.0/16"},
		{"dynos at an address without a mask", keyvalue.ValidateDynoCIDR, "10.40.0.0", "has no mask: write 10.40.0.0/16"},
		{"dynos at a public address without a mask", keyvalue.ValidateDynoCIDR, "52.44.101.17", "has no mask: write for example 10.40.0.0/16"},
		{"dynos in IPv6", keyvalue.ValidateDynoCIDR, "fd00::/16", notIPv4 + ": write for example 10.40.0.0/16"},
		{"dynos in words", keyvalue.ValidateDynoCIDR, "default", notARange + ": write for example 10.40.0.0/16"},

		{"data in a /21", keyvalue.ValidateDataCIDR, "10.50.8.0/21", "is a /21, and " + dataSize + ": write 10.50.0.0/20"},
		{"data in a /15", keyvalue.ValidateDataCIDR, "10.50.0.0/15", "is a /15, and " + dataSize + ": write 10.50.0.0/16"},
		{"data in a /19 with host bits", keyvalue.ValidateDataCIDR, "10.50.1.0/19", hostBits + ": write 10.50.0.0/19"},
		{"data in a public /18", keyvalue.ValidateDataCIDR, "52.44.0.0/18", private + ": write for example 10.40.0.0/18"},
		{"data in the one reserved range", keyvalue.ValidateDataCIDR, "10.1.0.0/16",
			"overlaps 10.1.0.0/16, which Heroku keeps for itself: write for example 10.40.0.0/16"},
		{"data in a part of the one reserved range", keyvalue.ValidateDataCIDR, "10.1.16.0/20",
			"overlaps 10.1.0.0/16, which Heroku keeps for itself: write for example 10.40.0.0/20"},
		{"data in a part of the other reserved range", keyvalue.ValidateDataCIDR, "172.17.240.0/20",
			"overlaps 172.17.0.0/16, which Heroku keeps for itself: write for example 10.40.0.0/20"},
		{"data around a reserved range", keyvalue.ValidateDataCIDR, "172.16.0.0/15", "is a /15, and " + dataSize + ": write 172.16.0.0/16"},
		{"data at an address without a mask", keyvalue.ValidateDataCIDR, "10.50.17.4", "has no mask: write 10.50.16.0/20"},
		{"data in IPv6", keyvalue.ValidateDataCIDR, "fd00::/20", notIPv4 + ": write for example 10.40.0.0/20"},
		{"data nowhere", keyvalue.ValidateDataCIDR, "", notARange + ": write for example 10.40.0.0/20"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			err := tt.validate(tt.in)
			if want := fmt.Sprintf("%q %s", tt.in, tt.want); err == nil || err.Error() != want {
				t.Errorf("got  %v\nwant %s", err, want)
			}
		})
	}
}

func TestNetworksOfASpaceThatOverlap(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, dyno, data string
		proposal         string // empty if they do not overlap
	}{
		{"the defaults", keyvalue.DefaultDynoCIDR, keyvalue.DefaultDataCIDR, ""},
		{"neighbours", "10.40.0.0/16", "10.41.0.0/20", ""},
		{"the example of the documentation", "172.16.0.0/16", "10.100.0.0/20", ""},
		{"the same", "10.40.0.0/16", "10.40.0.0/16", "172.23.0.0/16"},
		{"one at the start of the other", "10.40.0.0/16", "10.40.0.0/20", "172.23.0.0/20"},
		{"one at the end of the other", "10.40.0.0/16", "10.40.224.0/19", "172.23.0.0/19"},
		{"dynos where the data usually is", "172.23.0.0/16", "172.23.0.0/20", "10.41.0.0/20"},
		{"an unknown dyno range", "", "10.40.0.0/20", ""},
		{"an unknown data range", "10.40.0.0/16", "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			err := keyvalue.ValidateSpaceNetworks(tt.dyno, tt.data)
			if tt.proposal == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			want := fmt.Sprintf("the data range %s overlaps the dyno range %s: write for example %s", tt.data, tt.dyno, tt.proposal)
			if err == nil || err.Error() != want {
				t.Errorf("got  %v\nwant %s", err, want)
			}
		})
	}
}

// The range that a message suggests must be valid.
func TestWhatAMessageProposesIsValid(t *testing.T) {
	t.Parallel()
	proposal := func(err error) string {
		words := strings.Fields(err.Error())
		return words[len(words)-1]
	}
	rules := map[string]func(string) error{
		"trusted": keyvalue.ValidateCIDR, "dyno": keyvalue.ValidateDynoCIDR, "data": keyvalue.ValidateDataCIDR,
	}
	refused := map[string]int{}
	try := func(s string) {
		for name, validate := range rules {
			if err := validate(s); err != nil {
				refused[name]++
				if e := validate(proposal(err)); e != nil {
					t.Errorf("%v: but that is refused: %v", err, e)
				}
			}
		}
	}
	random := rand.New(rand.NewPCG(1, 2))
	for range 5_000 {
		b := [4]byte{byte(random.Uint32()), byte(random.Uint32()), byte(random.Uint32()), byte(random.Uint32())}
		// Half of the addresses are near the limits of the rules.
		if near := [][2]byte{{10, 0}, {10, 1}, {10, 40}, {172, 16}, {172, 17}, {172, 31}, {192, 168}}; random.IntN(2) == 0 {
			n := near[random.IntN(len(near))]
			b[0], b[1] = n[0], n[1]
		}
		addr := netip.AddrFrom4(b)
		prefix := netip.PrefixFrom(addr, random.IntN(33))
		try(addr.String())
		try(prefix.String())
		try(prefix.Masked().String())
		try(netip.PrefixFrom(netip.AddrFrom16(addr.As16()), random.IntN(129)).String())
	}
	for name := range rules {
		if refused[name] < 1000 {
			t.Errorf("only %d ranges were refused as %s ranges", refused[name], name)
		}
	}

	overlaps := 0
	for second := range 256 {
		for _, first := range []int{10, 172, 192} {
			dyno := fmt.Sprintf("%d.%d.0.0/16", first, second)
			if keyvalue.ValidateDynoCIDR(dyno) != nil {
				continue
			}
			for bits := 16; bits <= 20; bits++ {
				data := fmt.Sprintf("%d.%d.0.0/%d", first, second, bits)
				err := keyvalue.ValidateSpaceNetworks(dyno, data)
				if err == nil {
					t.Errorf("%s and %s do not overlap", dyno, data)
					continue
				}
				overlaps++
				better := proposal(err)
				if e := keyvalue.ValidateDataCIDR(better); e != nil {
					t.Errorf("%v: but that is refused: %v", err, e)
				}
				if e := keyvalue.ValidateSpaceNetworks(dyno, better); e != nil {
					t.Errorf("%v: but that is refused: %v", err, e)
				}
			}
		}
	}
	if overlaps < 1000 {
		t.Errorf("only %d overlaps", overlaps)
	}
}

func TestSameCIDR(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, a, b string
		want       bool
	}{
		{"the same text", "192.0.2.0/24", "192.0.2.0/24", true},
		{"host bits, as Heroku keeps them", "192.0.2.7/24", "192.0.2.0/24", true},
		{"host bits on both sides", "192.0.2.7/24", "192.0.2.9/24", true},
		{"everything", "1.2.3.4/0", "0.0.0.0/0", true},
		{"another mask", "192.0.2.0/24", "192.0.2.0/25", false},
		{"another network", "192.0.2.0/24", "192.0.3.0/24", false},
		{"an address and its range", "192.0.2.7", "192.0.2.7/32", false},
		{"everything in IPv4 and in IPv6", "0.0.0.0/0", "::/0", false},
		{"garbage", "office", "office", false},
		{"garbage and a range", "192.0.2.0/24", "office", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if keyvalue.SameCIDR(tt.a, tt.b) != tt.want || keyvalue.SameCIDR(tt.b, tt.a) != tt.want {
				t.Errorf("%s and %s: want %t", tt.a, tt.b, tt.want)
			}
		})
	}
}
