// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package keyvalue_test

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/keyvalue"
)

// An accepted range has no host bits, and the error for any other suggests a valid range. SameCIDR is symmetric. The error for two
// networks that overlap suggests one that does not.
func FuzzCIDR(f *testing.F) {
	for _, pair := range [][2]string{
		{"192.0.2.7/24", "192.0.2.0/24"}, {"10.0.0.0/16", "10.0.16.0/20"}, {"172.23.0.0/16", "172.23.0.0/20"}, {"10.0.0.0/16", "172.23.0.0/20"},
		{"10.40.0.0/16", "203.0.113.9"}, {"10.1.0.0/16", "::1/64"}, {"", `a": write b`},
	} {
		f.Add(pair[0], pair[1])
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		checkSuggestion(t, a)
		checkSuggestion(t, b)
		same := keyvalue.SameCIDR(a, b)
		if same != keyvalue.SameCIDR(b, a) || same && !(keyvalue.SameCIDR(a, a) && keyvalue.SameCIDR(b, b)) {
			t.Errorf("%q is %q in one direction only", a, b)
		}
		if keyvalue.ValidateDynoCIDR(a) != nil || keyvalue.ValidateDataCIDR(b) != nil {
			return
		}
		err := keyvalue.ValidateSpaceNetworks(a, b)
		if err == nil {
			if netip.MustParsePrefix(a).Overlaps(netip.MustParsePrefix(b)) {
				t.Errorf("%s and %s overlap", a, b)
			}
			return
		}
		_, proposal, _ := strings.Cut(err.Error(), "write for example ")
		if keyvalue.ValidateDataCIDR(proposal) != nil || keyvalue.ValidateSpaceNetworks(a, proposal) != nil {
			t.Errorf("the suggested range is refused: %v", err)
		}
	})
}

func checkSuggestion(t *testing.T, s string) {
	t.Helper()
	for kind, validate := range map[string]func(string) error{
		"trusted": keyvalue.ValidateCIDR, "dyno": keyvalue.ValidateDynoCIDR, "data": keyvalue.ValidateDataCIDR,
	} {
		err := validate(s)
		if err == nil {
			if prefix, e := netip.ParsePrefix(s); e != nil || prefix != prefix.Masked() || !prefix.Addr().Is4() ||
				!keyvalue.SameCIDR(s, prefix.String()) {
				t.Errorf("%s: %q is accepted", kind, s)
			}
			continue
		}
		_, proposal, _ := strings.Cut(err.Error()[strings.LastIndex(err.Error(), ": write "):], ": write ")
		if e := validate(strings.TrimPrefix(proposal, "for example ")); e != nil {
			t.Errorf("%s: %v, but: %v", kind, err, e)
		}
	}
}
