// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package sandbox_test

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/sandbox"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// serverID returns the run id of the server, which changes when the process is restarted.
func serverID(t *testing.T, c interface {
	Info(context.Context, ...string) *redis.StringCmd
}) string {
	t.Helper()
	id := regexp.MustCompile(`run_id:\w+`).FindString(c.Info(t.Context(), "server").Val())
	if id == "" {
		t.Fatal("INFO has no run_id")
	}
	return id
}

func TestFailover_goesToASecondServerWithEveryWrite(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		plan  string
		moves bool // the URL changes
	}{{"premium-0", true}, {"premium-5", true}, {"premium-7", false}} {
		t.Run(tc.plan, func(t *testing.T) {
			t.Parallel()
			w := start(t, withServers)
			w.app("orders-api")
			w.app("orders-worker")
			w.store("orders-api", "kvs-a", tc.plan)
			w.send("POST /addon-attachments", `{"addon":"kvs-a","app":"orders-worker","name":"SHARED"}`).is(201)
			w.send("PATCH /redis/v0/databases/kvs-a/config", `{"timeout":77}`).is(200)
			w.put("orders-api", "REDIS_URL", "before")
			before := w.urlOf("orders-api", "REDIS_URL")
			connected := w.redis("orders-api", "REDIS_URL").Conn()
			run := serverID(t, connected)
			releases := w.send("GET /apps/orders-worker/releases", "").get("length")

			must(t, w.FailOver("kvs-a"))
			after := w.urlOf("orders-api", "REDIS_URL")
			if moved := after != before; moved != tc.moves {
				t.Errorf("the URL has changed: %v, want %v", moved, tc.moves)
			}
			w.send("GET /apps/orders-worker/config-vars", "").says("SHARED_URL", after)
			if released := w.send("GET /apps/orders-worker/releases", "").get("length") != releases; released != tc.moves {
				t.Errorf("there is a new release: %v, want %v", released, tc.moves)
			}
			w.holds("orders-api", "REDIS_URL", "before")
			c := w.redis("orders-worker", "SHARED_URL")
			if serverID(t, c) == run {
				t.Error("it is the same server")
			}
			if got := c.ConfigGet(t.Context(), "timeout").Val()["timeout"]; got != "77" {
				t.Errorf("the timeout is %q", got)
			}
			if err := connected.Ping(t.Context()).Err(); err == nil {
				t.Error("a connection outlived the failover")
			}
			w.send("GET /addons/kvs-a", "").says("state", "provisioned").says("plan.name", "heroku-redis:"+tc.plan)
			w.send("GET /redis/v0/databases/kvs-a/wait", "").says("waiting?", "false")

			// The next standby is not ready yet.
			if row := w.send("GET /redis/v0/databases/kvs-a", "").rows()["HA Status"]; row != "Preparing" {
				t.Errorf("HA status %q", row)
			}
			if err := w.FailOver("kvs-a"); err == nil || !strings.Contains(err.Error(), "not ready") {
				t.Errorf("failing over at once: %v", err)
			}
			w.advance()
			if row := w.send("GET /redis/v0/databases/kvs-a", "").rows()["HA Status"]; row != "Available" {
				t.Errorf("HA status %q", row)
			}
			must(t, w.FailOver("kvs-a"))
			w.holds("orders-api", "REDIS_URL", "before")
		})
	}
}

func TestFailover_losesWhatWasWrittenAfterTheStandbyWasFrozen(t *testing.T) {
	t.Parallel()
	for _, plan := range []string{"premium-0", "premium-7"} {
		t.Run(plan, func(t *testing.T) {
			t.Parallel()
			w := start(t, withServers)
			w.app("orders-api")
			w.store("orders-api", "kvs-a", plan)
			w.put("orders-api", "REDIS_URL", "before")
			w.send("POST /__sandbox/standby", `{"store":"kvs-a"}`, "Authorization:", "Accept:").is(200)
			w.put("orders-api", "REDIS_URL", "lost-1", "lost-2")
			w.send("POST /redis/v0/databases/kvs-a/credentials_rotation", `{}`).is(200) // the standby gets the new password too
			w.holds("orders-api", "REDIS_URL", "before", "lost-1", "lost-2")
			w.send("POST /__sandbox/failover", `{"store":"kvs-a"}`, "Authorization:", "Accept:").is(200)
			w.holds("orders-api", "REDIS_URL", "before")

			// The next failover loses no writes.
			w.advance()
			w.put("orders-api", "REDIS_URL", "kept")
			must(t, w.FailOver("kvs-a"))
			w.holds("orders-api", "REDIS_URL", "before", "kept")
		})
	}
}

func TestFailover_inASpaceKeepsTheURL(t *testing.T) {
	t.Parallel()
	w := start(t, withServers)
	w.space("private")
	w.appIn("private", "private-app")
	w.store("private-app", "kvs-private", "private-7")
	before := w.urlOf("private-app", "REDIS_URL")
	must(t, w.redisFrom("private-app", "REDIS_URL", w.DynoDial("private-app")).Set(t.Context(), "k", "v", 0).Err())
	must(t, w.FailOver("kvs-private"))
	if w.urlOf("private-app", "REDIS_URL") != before {
		t.Error("the URL has changed")
	}
	if got, err := w.redisFrom("private-app", "REDIS_URL", w.DynoDial("private-app")).Get(t.Context(), "k").Result(); got != "v" {
		t.Errorf("the key is %q, %v", got, err)
	}
}

func TestFailover_isRefused(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.app("orders-api")
	w.store("orders-api", "small", "mini")
	w.store("orders-api", "kvs-a", "premium-0")
	w.send("PATCH /apps/orders-api/addons/kvs-a", `{"plan":"heroku-redis:premium-1"}`).is(200)
	w.send("POST /apps/orders-api/addons", `{"plan":"heroku-redis:premium-0","name":"kvs-new"}`).is(201)
	for store, want := range map[string]string{"small": "no standby", "kvs-a": "in the middle of a plan upgrade", "kvs-new": "provisioning",
		"nobody": "there is no store"} {
		for _, do := range []func(string) error{w.FailOver, w.FreezeStandby} {
			if err := do(store); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v, want %q", store, err, want)
			}
		}
		a := w.send("POST /__sandbox/failover", fmt.Sprintf(`{"store":%q}`, store), "Authorization:", "Accept:").is(422)
		if !strings.Contains(a.get("error"), want) {
			t.Errorf("%s: %s", store, a.body)
		}
	}
}

func TestFailover_outlivesARestartOfTheSandbox(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	keep := func(o *sandbox.Options) { o.DataDir = dir }
	w := start(t, withServers, keep)
	w.app("orders-api")
	w.store("orders-api", "kvs-a", "premium-7")
	w.put("orders-api", "REDIS_URL", "before")
	must(t, w.FailOver("kvs-a"))
	w.advance()
	must(t, w.FreezeStandby("kvs-a"))
	before := w.urlOf("orders-api", "REDIS_URL")
	must(t, w.Close())
	w = start(t, withServers, keep)
	if w.urlOf("orders-api", "REDIS_URL") != before {
		t.Error("the URL has changed")
	}
	w.holds("orders-api", "REDIS_URL", "before")
}

func TestRestart_losesTheKeysOfAMiniOnly(t *testing.T) {
	t.Parallel()
	for _, engine := range []string{"auto", "miniredis"} {
		for plan, kept := range map[string][]string{"mini": nil, "premium-0": {"before"}} {
			t.Run(plan+" on "+engine, func(t *testing.T) {
				t.Parallel()
				w := start(t, func(o *sandbox.Options) { o.Engine = engine })
				w.app("orders-api")
				w.store("orders-api", "kvs-a", plan)
				w.send("PATCH /redis/v0/databases/kvs-a/config", `{"timeout":77}`).is(200)
				w.send("POST /redis/v0/databases/kvs-a/credentials_rotation", `{}`).is(200)
				w.put("orders-api", "REDIS_URL", "before")
				url := w.urlOf("orders-api", "REDIS_URL")
				releases := w.send("GET /apps/orders-api/releases", "").get("length")
				w.send("POST /__sandbox/restart", `{"store":"kvs-a"}`, "Authorization:", "Accept:").is(200)
				w.send("GET /apps/orders-api/config-vars", "").says("REDIS_URL", url)
				w.send("GET /apps/orders-api/releases", "").says("length", releases)
				w.holds("orders-api", "REDIS_URL", kept...)
				if engine == "auto" {
					if got := w.redis("orders-api", "REDIS_URL").ConfigGet(t.Context(), "timeout").Val()["timeout"]; got != "77" {
						t.Errorf("the timeout is %q", got)
					}
				}
				if err := w.Restart("nobody"); err == nil {
					t.Error("nobody was restarted")
				}
			})
		}
	}
}

func TestStore_aVersionUpgradeOfAMiniLosesItsKeys(t *testing.T) {
	t.Parallel()
	w := start(t, withServers)
	w.app("orders-api")
	w.store("orders-api", "kvs-a", "mini")
	w.put("orders-api", "REDIS_URL", "before")
	w.send("POST /redis/v0/databases/kvs-a/upgrade", `{"version":"8.0"}`).is(200)
	w.send("GET /redis/v0/databases/kvs-a", "").says("version", "8.0.2")
	w.holds("orders-api", "REDIS_URL")
}
