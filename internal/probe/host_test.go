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
		"ec2-1-2-3-4.us-gov-west-1.compute.amazonaws.com":  true,
		"kvs-7c4e2a90.acme-prod.invalid":                   true,
		"localhost":                                        true,
		"127.0.0.1":                                        true,
		"127.8.9.10":                                       true,
		"::1":                                              true,
		"::ffff:127.0.0.1":                                 true,

		"":                           false,
		"amazonaws.com":              false,
		"redis-1.acme.amazonaws.com": false,
		"orders.abc123.0001.use1.cache.amazonaws.com":                   false,
		"master.orders.abc123.use1.cache.amazonaws.com":                 false,
		"clustercfg.orders.abc123.memorydb.eu-west-1.amazonaws.com":     false,
		"vpce-0a1b2c-3d4e5f.vpce-svc-6a7b.us-east-1.vpce.amazonaws.com": false,
		"s3.eu-west-1.amazonaws.com":                                    false,
		"redis.compute-1.amazonaws.com":                                 false,
		"ec2-203-0-113.compute-1.amazonaws.com":                         false,
		"ec2-203-0-113-40.amazonaws.com":                                false,
		"ec2-203-0-113-40.compute.amazonaws.com":                        false,
		"ec2-203-0-113-40.compute-1.amazonaws.com.evil.example":         false,
		"x.ec2-203-0-113-40.compute-1.amazonaws.com":                    false,
		"ec2-203-0-113-40.compute-1xamazonaws.com":                      false,
		"kvs.heroku.com":                  false,
		"orders-web.herokuapp.com":        false,
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
