// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package sandbox_test

import "testing"

// The history has each moment that differs from the previous one, with the request that led to it.
func TestHistory(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.app("orders-api")
	w.store("orders-api", "kvs-a", "premium-0")
	w.KeepHistory()
	w.app("orders-worker")
	w.send("GET /apps", "").is(200)
	id := w.send("POST /addon-attachments", `{"addon":"kvs-a","app":"orders-worker","name":"CACHE"}`).is(201).get("id")
	w.send("DELETE /addon-attachments/"+id, "").is(200)
	moments := w.History()
	if len(moments) != 4 {
		t.Fatalf("%d moments, want the first one and three changes: %+v", len(moments), moments)
	}
	for i, want := range []struct{ after, store string }{{"", ""}, {"POST /teams/apps", ""}, {"POST /addon-attachments", "kvs-a"},
		{"DELETE /addon-attachments/" + id, ""}} {
		if got := moments[i]; got.After != want.after || got.Apps["orders-worker"].ConfigVars["CACHE_URL"] != want.store {
			t.Errorf("moment %d is %+v, want one after %q with CACHE_URL of %q", i, got, want.after, want.store)
		}
	}
	if got := moments[0].Stores["kvs-a"]; got.App != "orders-api" || got.Plan != "premium-0" || got.Timeout != 300 {
		t.Errorf("the store is %+v", got)
	}
}
