// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package sandbox_test

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/sandbox"
)

// rows returns the rows of a store's info by name.
func (a answer) rows() map[string]string {
	rows := map[string]string{}
	for i := 0; a.get(fmt.Sprintf("info.%d.name", i)) != ""; i++ {
		rows[a.get(fmt.Sprintf("info.%d.name", i))] = a.get(fmt.Sprintf("info.%d.values.0", i))
	}
	return rows
}

func TestStore_infoHasAllRowsInOrder(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.app("orders-api")
	w.send("POST /apps/orders-api/addons", `{"plan":"heroku-redis:premium-0","name":"kvs-a"}`).is(201)
	const path = "GET /redis/v0/databases/kvs-a"
	young := w.send(path, "").is(200).says("resource_url", "null").says("port", "null").says("version", "null").
		says("formation.primary", "null").says("plan", "premium-0")
	if rows := young.rows(); rows["Status"] != "Preparing" || rows["HA Status"] != "Preparing" || rows["Version"] != "" {
		t.Errorf("while it is being provisioned: %v", rows)
	}
	w.send(path+"/wait", "").is(200).says("waiting?", "true").says("message", "preparing")
	w.send(path+"/config", "").is(422).says("id", "unprocessable_entity")
	w.advance()
	a := w.send(path, "").is(200).says("name", "kvs-a").says("plan", "premium-0").says("version", "7.2.4").says("prefer_native_tls", "true").
		says("resource_url", w.send("GET /apps/orders-api/config-vars", "").get("REDIS_URL")).
		says("addon_id", w.send("GET /addons/kvs-a", "").get("id"))
	want := "Plan: Premium 0, Status: Available, Created: 2026-01-14 09:00 UTC, Version: 7.2.4, Timeout: 300, Maxmemory: noeviction, " +
		"Maintenance: not required, " +
		"Maintenance window: *, Persistence: AOF, HA Status: Available, Requires TLS: Yes, Keyspace Notifications: Disabled, Plan Connection " +
		"Limit: 40"
	var rows []string
	for i := 0; a.get(fmt.Sprintf("info.%d.name", i)) != ""; i++ {
		name, value := a.get(fmt.Sprintf("info.%d.name", i)), a.get(fmt.Sprintf("info.%d.values.0", i))
		if name == "Maintenance window" {
			if !regexp.MustCompile(`^(Mon|Tues|Wednes|Thurs|Fri)days \d\d:[03]0 to ([A-Z][a-z]+days )?\d\d:[03]0 UTC$`).MatchString(value) {
				t.Errorf("window %q", value)
			}
			value = "*"
		}
		rows = append(rows, name+": "+value)
	}
	if got := strings.Join(rows, ", "); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	w.send(path+"/wait", "").is(200).says("waiting?", "false").says("message", "available")
	w.send("GET /redis/v0/databases/nothing", "").is(404).says("id", "not_found").says("message", "Add-on not found")

	w.store("orders-api", "small", "mini")
	mini := w.send("GET /redis/v0/databases/small", "").rows()
	if _, ok := mini["Maintenance window"]; ok || mini["Persistence"] != "None" || mini["HA Status"] != "" || mini["Plan"] != "Mini" {
		t.Errorf("mini: %v", mini)
	}
}

func TestStore_isUnknownToTheDataAPIForAMoment(t *testing.T) {
	t.Parallel()
	w := start(t, func(o *sandbox.Options) { o.DataAPIDelay = 20 * time.Second })
	w.app("orders-api")
	w.store("orders-api", "kvs-a", "premium-0") // ten seconds
	w.send("GET /redis/v0/databases/kvs-a/wait", "").is(404).says("message", "Add-on not found")
	w.advance()
	w.send("GET /redis/v0/databases/kvs-a/wait", "").is(200)
}

func TestStore_settingsAreChangedInPart(t *testing.T) {
	t.Parallel()
	for _, engine := range []string{"miniredis", "redis"} {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			w := start(t, func(o *sandbox.Options) { o.Engine = engine })
			w.app("orders-api")
			w.store("orders-api", "kvs-a", "premium-0")
			const path = "/redis/v0/databases/kvs-a/config"
			w.send("GET "+path, "").is(200).says("timeout.value", "300").says("timeout.default", "300").says("maxmemory_policy.value", "noeviction").
				says("maxmemory_policy.values.volatile-lru", "evict the least recently used keys among those with an expiry").
				says("notify_keyspace_events.value", "").says("notify_keyspace_events.default", "").says("standby_segv_workaround.value", "false")
			w.send("PATCH "+path, `{"notify_keyspace_events":"Ex","timeout":0}`).is(200).says("timeout.value", "0").
				says("notify_keyspace_events.value", "xE").says("maxmemory_policy.value", "noeviction")
			w.send("PATCH "+path, `{"maxmemory_policy":"allkeys-lfu"}`).is(200).says("timeout.value", "0").
				says("maxmemory_policy.value", "allkeys-lfu")
			if engine == "redis" {
				got, err := w.redis("orders-api", "REDIS_URL").ConfigGet(t.Context(), "*e*").Result()
				if err != nil || got["maxmemory-policy"] != "allkeys-lfu" || got["timeout"] != "0" || got["notify-keyspace-events"] != "xE" {
					t.Errorf("the server has %q %q %q, %v", got["maxmemory-policy"], got["timeout"], got["notify-keyspace-events"], err)
				}
			}
			for flags, canonical := range map[string]string{"KEA": "AKE", "g$lshztxeKE": "AKE", "Km$": "$mK", "": ""} {
				w.send("PATCH "+path, fmt.Sprintf(`{"notify_keyspace_events":%q}`, flags)).is(200).says("notify_keyspace_events.value", canonical)
			}
			for body, status := range map[string]int{
				`{"timeout":-1}`: 422, `{"maxmemory_policy":"lru"}`: 422, `{"notify_keyspace_events":"Q"}`: 422,
				`{"timeout":"60"}`: 400, `{"timeout":1.5}`: 400, `{"lfu_decay_time":1}`: 400,
			} {
				w.send("PATCH "+path, body).is(status).says("id", map[int]string{422: "unprocessable_entity", 400: "bad_request"}[status])
			}
			w.send("GET "+path, "").is(200).says("timeout.value", "0")
		})
	}
}

func TestStore_versionUpgradeIsAMaintenanceAndGoesUpOnly(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.app("orders-api")
	w.send("POST /apps/orders-api/addons", `{"plan":"heroku-redis:premium-0","name":"kvs-a","config":{"version":"7.0"}}`).is(201)
	w.advance()
	const path = "/redis/v0/databases/kvs-a"
	w.send("GET "+path, "").says("version", "7.0.15")
	for _, version := range []string{"7.0", "6.2", "99", ""} {
		w.send("POST "+path+"/upgrade", fmt.Sprintf(`{"version":%q}`, version)).is(422).says("id", "unprocessable_entity")
	}
	maintenance := "GET /data/maintenances/v1/" + w.send("GET /addons/kvs-a", "").get("id")
	w.send("POST "+path+"/upgrade", `{"version":"7.2"}`).is(200)
	w.send(maintenance, "").says("status", "preparing").says("reason", "customer_request").says("customer_requested", "true").
		says("scheduled_for", "null").says("required_by", "null")
	w.send("GET "+path+"/wait", "").says("waiting?", "true").says("message", "upgrading version")
	w.send("POST "+path+"/upgrade", `{"version":"8.0"}`).is(422)
	w.send("PATCH /apps/orders-api/addons/kvs-a", `{"plan":"heroku-redis:premium-1"}`).is(422)
	w.advance()
	w.send("GET "+path+"/wait", "").says("waiting?", "false") // the window may begin in several days
	w.send("GET "+path, "").says("version", "7.0.15")
	w.send(maintenance, "").says("status", "ready")
	w.send("POST "+path+"/upgrade", `{"version":"8.0"}`).is(422)
	w.send(strings.Replace(maintenance, "GET", "POST", 1)+"/run", "").is(200)
	w.send("GET "+path+"/wait", "").says("waiting?", "true").says("message", "maintenance_running")
	w.send("PATCH "+path+"/config", `{"timeout":7}`).is(422)
	w.advance()
	w.send("GET "+path, "").says("version", "7.2.4")
	w.send(maintenance, "").says("status", "completed")
	w.send("POST "+path+"/stats/reset", `{}`).is(200).says("message", "Stats reset successful.")
}

func TestStore_versionUpgradeOfMiniIsImmediate(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.app("orders-api")
	w.send("POST /apps/orders-api/addons", `{"plan":"heroku-redis:mini","name":"kvs-a","config":{"version":"7.0"}}`).is(201)
	w.advance()
	w.send("POST /redis/v0/databases/kvs-a/upgrade", `{"version":"7.2"}`).is(200)
	w.send("GET /redis/v0/databases/kvs-a", "").says("version", "7.2.4")
	w.send("GET /redis/v0/databases/kvs-a/wait", "").says("waiting?", "false")
}

func TestStore_manyAreProvisionedInParallel(t *testing.T) {
	t.Parallel()
	w := start(t, func(o *sandbox.Options) { o.Engine = "redis" })
	const n = 12
	for i := range n {
		app := fmt.Sprintf("app-%02d", i)
		w.app(app)
		w.send("POST /apps/"+app+"/addons", `{"plan":"heroku-redis:premium-0"}`).is(201).says("state", "provisioning")
	}
	w.advance()
	all := w.send("GET /addons", "").is(200).says("length", fmt.Sprint(n))
	for i := range n {
		all.says(fmt.Sprintf("%d.state", i), "provisioned")
		if err := w.redis(fmt.Sprintf("app-%02d", i), "REDIS_URL").Set(context.WithoutCancel(t.Context()), "k", "v", 0).Err(); err != nil {
			t.Error(err)
		}
	}
}
