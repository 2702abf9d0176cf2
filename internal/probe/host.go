// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package probe

import (
	"net/netip"
	"strings"
)

// selfSigned are the domains under which Heroku's stores are, and the one of the sandbox's private stores. Stores run on
// EC2, under *.compute-1.amazonaws.com and *.<region>.compute.amazonaws.com.
var selfSigned = []string{".amazonaws.com", ".heroku.com", ".herokuapp.com", ".invalid"}

// SelfSigned reports whether the certificate of a host is one that cannot be verified: those of Heroku's stores
// (*.amazonaws.com, *.heroku.com, *.herokuapp.com) are self-signed (Dev Center: Heroku Key-Value Store, "Security and
// Compliance"), and so are those of the sandbox, on loopback addresses and under .invalid (RFC 6761). Every other host
// has to have a certificate that is trusted.
func SelfSigned(host string) bool {
	host = strings.TrimSuffix(strings.ToLower(host), ".")
	if address, err := netip.ParseAddr(host); err == nil {
		return address.Unmap().IsLoopback()
	}
	for _, domain := range selfSigned {
		if strings.HasSuffix(host, domain) && host != domain {
			return true
		}
	}
	return host == "localhost"
}
