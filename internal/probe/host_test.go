// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package probe_test

import (
	"testing"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/probe"
)

func TestSelfSigned(t *testing.T) {
	t.Parallel()
	for host, want := range map[string]bool{
		"ec2-203-0-113-40.compute-1.amazonaws.com":         true,
		"ec2-203-0-113-40.eu-west-1.compute.amazonaws.com": true,
		"EC2-203-0-113-40.Compute-1.AmazonAWS.com.":        true,
		"redis-1.acme.amazonaws.com":                       true,
		"kvs.heroku.com":                                   true,
		"orders-web.herokuapp.com":                         true,
		"kvs-7c4e2a90.acme-prod.invalid":                   true,
		"localhost":                                        true,
		"127.0.0.1":                                        true,
		"127.8.9.10":                                       true,
		"::1":                                              true,
		"::ffff:127.0.0.1":                                 true,

		"":                                false,
		"amazonaws.com":                   false,
		"evilamazonaws.com":               false,
		"amazonaws.com.evil.example":      false,
		"heroku.com.evil.example":         false,
		"notheroku.com":                   false,
		"redis.example.com":               false,
		"localhost.example.com":           false,
		"127.0.0.1.example.com":           false,
		"203.0.113.40":                    false,
		"10.0.0.1":                        false,
		"2001:db8::1":                     false,
		"cache.redis.cache.windows.net":   false,
		"invalid":                         false,
		"redis-12345.cloud.redislabs.com": false,
	} {
		if got := probe.SelfSigned(host); got != want {
			t.Errorf("%q: %t, want %t", host, got, want)
		}
	}
}
