// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package probe

import (
	"net/netip"
	"regexp"
	"strings"
)

// storeHost are the names under which Heroku's stores are: those that EC2 gives to its machines, such as
// ec2-203-0-113-40.compute-1.amazonaws.com and, outside of Virginia, ec2-203-0-113-40.eu-west-1.compute.amazonaws.com.
// Amazon's own services are elsewhere under amazonaws.com, and have certificates that can be verified.
var storeHost = regexp.MustCompile(`^ec2(-[0-9]{1,3}){4}\.(compute-1|[a-z]{2}(-[a-z]+)+-[0-9]\.compute)\.amazonaws\.com$`)

// SelfSigned reports whether the certificate of a host is one that cannot be verified, going by its name alone: those of
// Heroku's stores are self-signed (Dev Center: Heroku Key-Value Store, "Security and Compliance"), and so are those of
// the sandbox, on loopback addresses and under .invalid (RFC 6761). Every other host has to have a certificate that is
// trusted.
func SelfSigned(host string) bool {
	return isLoopback(host) || neverResolves(host) || storeHost.MatchString(strings.TrimSuffix(strings.ToLower(host), "."))
}

// isLoopback reports whether a host is this machine.
func isLoopback(host string) bool {
	host = strings.TrimSuffix(strings.ToLower(host), ".")
	address, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && address.Unmap().IsLoopback()
}
