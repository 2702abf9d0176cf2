// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"strings"
	"testing"
	"time"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/acctest"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/sandbox"
)

// A policy under which keys begin to disappear is said in the plan; one that drops no others is not.
func TestAccInstance_evictionWarning(t *testing.T) {
	t.Parallel()
	sb := acctest.Start(t, func(o *sandbox.Options) { o.Clock, o.Engine, o.Provisioning = nil, "miniredis", time.Millisecond })
	with := func(policy string) string {
		return `
resource "kvs_app" "web" {
  name = "orders-web"
}

resource "kvs_instance" "cache" {
  app_id              = kvs_app.web.id
  plan                = "premium-0"
  name                = "orders-cache"
  maxmemory_policy    = "` + policy + `"
  deletion_protection = false
}
`
	}
	cli := sb.CLI(t, with("noeviction"))
	cli.Apply()
	for _, test := range []struct{ policy, says string }{
		{"volatile-ttl", "keys with an expiry time may be dropped"},
		{"allkeys-lru", "any key may be dropped"},
		{"allkeys-lfu", ""},
		{"noeviction", ""},
	} {
		cli.Configure(with(test.policy))
		said := cli.Apply().Output()
		warned := strings.Contains(said, "The store will drop keys when its memory is full: orders-cache")
		if warned != (test.says != "") || !acctest.Says(test.says).MatchString(said) {
			t.Errorf("to %s: warned %t:\n%s", test.policy, warned, said)
		}
	}
	cli.Apply("-destroy")
}
