// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package sandbox_test

import (
	"maps"
	"path/filepath"
	"testing"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/sandbox"
)

// inDataDir starts a sandbox with real servers on a data directory. running checks the number of server processes.
func inDataDir(t *testing.T, dir string) (w world, running func(want int)) {
	t.Helper()
	w = start(t, withServers, func(o *sandbox.Options) { o.DataDir = dir })
	return w, func(want int) {
		t.Helper()
		files, err := filepath.Glob(filepath.Join(dir, "stores", "*", "server.pid"))
		if err != nil || len(files) != want {
			t.Errorf("%d processes run, want %d (%v)", len(files), want, err)
		}
	}
}

func TestIdle_noServerStartsUntilSomebodyConnects(t *testing.T) {
	t.Parallel()
	w, running := inDataDir(t, t.TempDir())
	w.app("orders-api")
	w.store("orders-api", "kvs-a", "premium-0")
	w.store("orders-api", "kvs-b", "mini")
	w.send("PATCH /redis/v0/databases/kvs-a/config", `{"timeout":77}`).is(200)
	w.send("POST /redis/v0/databases/kvs-a/credentials_rotation", `{}`).is(200)
	w.send("POST /redis/v0/databases/kvs-a/stats/reset", `{}`).is(200)
	must(t, w.Restart("kvs-a"))
	must(t, w.Restart("kvs-b"))
	for metric, want := range map[string]string{"active-connections": "0", "hit-rate": "1", "evicted-keys": "0"} {
		if got := sampled(t, w.logOf(`{}`), "REDIS", metric); got != want {
			t.Errorf("%s is %s, want %s", metric, got, want)
		}
	}
	running(0)
	if got := w.redis("orders-api", "REDIS_URL").ConfigGet(t.Context(), "timeout").Val()["timeout"]; got != "77" {
		t.Errorf("the timeout is %q", got)
	}
	running(1)
}

func TestIdle_aStoreThatNobodyHasUsedCanBeCopied(t *testing.T) {
	t.Parallel()
	orders := maps.Clone(copies)
	orders["a failover"] = func(w world) string {
		must(t, w.FailOver("kvs-a"))
		return "REDIS_URL"
	}
	orders["a failover to a frozen standby"] = func(w world) string {
		must(t, w.FreezeStandby("kvs-a"))
		must(t, w.FailOver("kvs-a"))
		return "REDIS_URL"
	}
	for name, order := range orders {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := start(t, withServers)
			w.app("orders-api")
			w.store("orders-api", "kvs-a", "premium-0")
			configVar := order(w)
			w.advance()
			w.holds("orders-api", configVar)
			w.put("orders-api", configVar, "first")
			w.holds("orders-api", configVar, "first")
		})
	}
}

func TestIdle_dataOutlivesSandboxesInWhichNobodyConnects(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	w, _ := inDataDir(t, dir)
	w.app("orders-api")
	w.store("orders-api", "kvs-a", "premium-0")
	w.put("orders-api", "REDIS_URL", "kept")
	url := w.urlOf("orders-api", "REDIS_URL")
	for range 2 {
		must(t, w.Close())
		var running func(int)
		w, running = inDataDir(t, dir)
		w.send("GET /addons/kvs-a", "").says("state", "provisioned")
		running(0)
	}
	if w.urlOf("orders-api", "REDIS_URL") != url {
		t.Error("the URL has changed")
	}
	// Only a running server knows whether the data directory has keys.
	if got := sampled(t, w.logOf(`{}`), "REDIS", "active-connections"); got != "0" {
		t.Errorf("%s clients", got)
	}
	w.holds("orders-api", "REDIS_URL", "kept")
}
