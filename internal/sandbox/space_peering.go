// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package sandbox

import (
	"net/netip"
	"strings"
)

// getPeeringInfo returns what is needed to peer with the network of a space. The account and VPC are fictitious. The dynos use two
// blocks of the space's range (Dev Center: Private Space Peering).
func getPeeringInfo(_ *call, sp *space) (any, error) {
	r, _ := lookUpRegion(sp.Region)
	network := netip.MustParsePrefix(sp.CIDR).Addr().As4()
	part := func(third byte) string {
		return netip.PrefixFrom(netip.AddrFrom4([4]byte{network[0], network[1], third, 0}), 20).String()
	}
	dynos := []string{part(128), part(144)}
	return object{
		"aws_account_id": "000000000000", "aws_region": r.provider, "vpc_id": "vpc-" + strings.ReplaceAll(sp.ID, "-", "")[:17],
		"vpc_cidr": sp.CIDR, "dyno_cidr_blocks": dynos, "space_cidr_blocks": dynos,
		"unavailable_cidr_blocks": append([]string{sp.DataCIDR}, reservedNetworks...),
	}, nil
}
