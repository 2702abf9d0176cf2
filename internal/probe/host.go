// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package probe

import (
	"net/netip"
	"regexp"
	"strings"
)

// storeHost matches the host names of Heroku's stores, which are those of EC2 machines: ec2-203-0-113-40.compute-1.amazonaws.com
// and, outside of Virginia, ec2-203-0-113-40.eu-west-1.compute.amazonaws.com. Amazon's own services have other names under
// amazonaws.com, and certificates that can be verified.
var storeHost = regexp.MustCompile(`^ec2(-[0-9]{1,3}){4}\.(compute-1|[a-z]{2}(-[a-z]+)+-[0-9]\.compute)\.amazonaws\.com$`)

// SelfSigned reports whether a host, by its name, has a self-signed certificate: Heroku's stores do (Dev Center: Heroku
// Key-Value Store, "Security and Compliance"), and so do those of the sandbox, on loopback addresses and under .invalid
// (RFC 6761). Every other host must have a trusted certificate.
func SelfSigned(host string) bool {
	return isLoopback(host) || neverResolves(host) || storeHost.MatchString(strings.TrimSuffix(strings.ToLower(host), "."))
}

// isLoopback reports whether a host is the local machine.
func isLoopback(host string) bool {
	host = strings.TrimSuffix(strings.ToLower(host), ".")
	address, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && address.Unmap().IsLoopback()
}
