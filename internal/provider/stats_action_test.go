// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"strings"
	"testing"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/sandbox"
)

func TestResetStats(t *testing.T) {
	t.Parallel()
	w := newKeptWorld(t, "premium-0", realServer)
	server := w.Redis(t, "orders-cache")
	hits := func() string {
		info, err := server.Info(t.Context(), "stats").Result()
		if err != nil {
			t.Fatal(err)
		}
		_, after, _ := strings.Cut(info, "keyspace_misses:")
		count, _, _ := strings.Cut(after, "\r\n")
		return count
	}
	if err := server.Get(t.Context(), "absent").Err(); err == nil || hits() != "1" {
		t.Fatalf("%v, %s misses", err, hits())
	}
	w.Inject(sandbox.Fault{Match: sandbox.Match{Method: "POST", Path: "/redis/v0/databases/*/stats/reset", Times: 1},
		Do: sandbox.Effect{Status: 503}})
	w.invoke("kvs_reset_stats", w.about(nil)).succeeded("orders-cache: step 1 of 1, resetting the statistics", "done")
	w.status() // what is ordered is done by the next request
	if got := hits(); got != "0" {
		t.Errorf("there are %s misses after the reset", got)
	}
	w.invoke("kvs_reset_stats", w.about(nil)).succeeded("done")
}
