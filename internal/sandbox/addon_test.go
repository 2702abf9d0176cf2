// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package sandbox_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/sandbox"
)

func TestAddOn_isProvisionedWhenItsTimeHasCome(t *testing.T) {
	t.Parallel()
	w := start(t, func(o *sandbox.Options) { o.Provisioning = 2 * time.Minute })
	w.app("orders-api")
	// This is the body that the CLI sends: attachment and config are always present, option values are strings or true.
	a := w.send("POST /apps/orders-api/addons",
		`{"attachment":{},"config":{"timeout":"60","maxmemory_policy":"volatile-lru","new-flag":true},"name":"redis-curved-48210","plan":{"name":"heroku-redis:premium-0"}}`,
		"X-Heroku-Legacy-Provider-Messages: true", "Accept-Expansion: addon_service,plan,colour").is(201).
		says("state", "provisioning").says("config_vars", "[]").says("plan.name",
		"heroku-redis:premium-0").says("plan.price.cents", "1500").
		says("addon_service.human_name", "Heroku Key-Value Store").says("app.name", "orders-api").says("billing_entity.type", "app").
		says("billed_price.cents", "1500").says("provision_message", "Your add-on should be available in a few minutes.")
	w.Clock().Advance(2*time.Minute - time.Second)
	w.send("GET /apps/orders-api/addons/redis-curved-48210", "").is(200).says("state", "provisioning").says("provision_message", "")
	w.send("GET /apps/orders-api/config-vars", "").is(200).says("REDIS_URL", "")
	w.send("GET /apps/orders-api/releases", "").is(200).says("length", "3")
	w.Clock().Advance(time.Second)
	w.send("GET /addons/"+a.get("id"), "").is(200).says("state", "provisioned").says("config_vars", `["REDIS_URL"]`).says("plan.price", "").
		says("updated_at", "2026-01-14T09:02:00Z").says("created_at", "2026-01-14T09:00:00Z")
	w.send("GET /apps/orders-api/releases", "").is(200).says("length", "4").says("3.description", "Attach REDIS (@ref:redis-curved-48210)").
		says("3.addon_plan_names", `["heroku-redis:premium-0"]`)
	w.send("GET /redis/v0/databases/redis-curved-48210/config", "").is(200).says("timeout.value", "60").
		says("maxmemory_policy.value", "volatile-lru")
	url := w.send("GET /apps/orders-api/config-vars", "").get("REDIS_URL")
	w.send("GET /addons/redis-curved-48210/config", "").is(200).says("0.name", "REDIS_URL").says("0.value", url)
	if err := w.redis("orders-api", "REDIS_URL").Ping(t.Context()).Err(); err != nil {
		t.Errorf("a provisioned store does not answer: %v", err)
	}
}

func TestAddOn_isOrderedInEveryForm(t *testing.T) {
	t.Parallel()
	w := start(t)
	id := w.send("GET /plans/heroku-redis:premium-1", "").get("id")
	for i, tc := range []struct{ plan, name string }{
		{`"heroku-redis:premium-1"`, "heroku-redis:premium-1"}, {`"` + id + `"`, "heroku-redis:premium-1"}, {`{"id":"` + id + `"}`,
			"heroku-redis:premium-1"},
		{`"heroku-redis"`, "heroku-redis:mini"}, {`{"name":"heroku-redis:hobby-dev"}`, "heroku-redis:mini"},
	} {
		app := fmt.Sprintf("app-%d", i)
		w.app(app)
		w.send("POST /apps/"+app+"/addons", `{"plan":`+tc.plan+`,"confirm":"`+app+`"}`).is(201).says("plan.name", tc.name)
	}
}

func TestAddOn_isRefused(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.app("orders-api")
	w.store("orders-api", "taken", "mini")
	const unknown = "Couldn't find either the add-on service or the add-on plan of "
	tests := map[string]struct {
		body    string
		status  int
		id      string
		message string
	}{
		"without a plan": {`{}`, 422, "invalid_params", unknown + `"".`},
		"with an unknown plan": {`{"plan":"heroku-redis:premium-77"}`, 422, "invalid_params",
			unknown + `"heroku-redis:premium-77".`},
		"with another service":        {`{"plan":"heroku-postgresql:mini"}`, 422, "invalid_params", unknown},
		"with a plan without service": {`{"plan":"premium-0"}`, 422, "invalid_params", unknown},
		"with a private plan": {`{"plan":"heroku-redis:private-7"}`, 422, "invalid_params",
			"heroku-redis:private-7 cannot be installed"},
		"with a shield plan": {`{"plan":"heroku-redis:shield-7"}`, 422, "invalid_params",
			"heroku-redis:shield-7 cannot be installed"},
		"with a name that is taken": {`{"plan":"heroku-redis:mini","name":"taken"}`, 422, "invalid_params",
			"Name is already taken"},
		"with a name of digits": {`{"plan":"heroku-redis:mini","name":"1st"}`, 422, "invalid_params",
			"must start with a letter"},
		"with an unknown policy": {`{"plan":"heroku-redis:mini","config":{"maxmemory_policy":"lru"}}`, 422,
			"provider_error", "contacting the add-on partner"},
		"with a negative timeout": {`{"plan":"heroku-redis:mini","config":{"timeout":"-1"}}`, 422, "provider_error", "timeout"},
		"with an unknown version": {`{"plan":"heroku-redis:mini","config":{"version":"5.0"}}`, 422, "provider_error", "5.0"},
		"with a fork of no URL": {`{"plan":"heroku-redis:mini","config":{"fork":"secret-thing"}}`, 422, "provider_error",
			"contacting"},
		"with an attachment's name that is in use": {`{"plan":"heroku-redis:mini","attachment":{"name":"REDIS"}}`, 423,
			"confirmation_required", "already attached"},
		"with a bad attachment's name": {`{"plan":"heroku-redis:mini","attachment":{"name":"1ST"}}`, 422, "invalid_params",
			"must start with a letter"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			w := w
			w.t = t
			a := w.send("POST /apps/orders-api/addons", tc.body).is(tc.status).says("id", tc.id)
			if !strings.Contains(a.get("message"), tc.message) || strings.Contains(a.body, "secret-thing") {
				t.Errorf("the message is %q", a.get("message"))
			}
			if want := map[int]string{423: "orders-api"}[tc.status]; a.header.Get("X-Confirmation-Required") != want {
				t.Errorf("X-Confirmation-Required: %q", a.header.Get("X-Confirmation-Required"))
			}
		})
	}
	w.send("POST /apps/nowhere/addons", `{"plan":"heroku-redis:mini"}`).is(404).says("resource", "app")
	if l := w.Ledger(); l.Created != 1 {
		t.Errorf("something refused was billed: %+v", l)
	}
	w.send("GET /addons", "").says("length", "1")
}

func TestAddOn_twoOnOneAppAtTheSameTimeConflict(t *testing.T) {
	t.Parallel()
	w := start(t, func(o *sandbox.Options) { o.Latency = 100 * time.Millisecond })
	w.app("orders-api")
	w.app("orders-worker")
	statuses := map[int]int{}
	var mu sync.Mutex
	var wg sync.WaitGroup
	for _, app := range []string{"orders-api", "orders-api", "orders-worker"} {
		wg.Go(func() {
			a, err := w.try("POST /apps/"+app+"/addons", `{"plan":"heroku-redis:mini"}`)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				t.Error(err)
			}
			statuses[a.status]++
		})
	}
	wg.Wait()
	if statuses[201] != 2 || statuses[409] != 1 {
		t.Errorf("statuses: %v", statuses)
	}
	w.send("POST /apps/orders-api/addons", `{"plan":"heroku-redis:mini"}`).is(201)
}

func TestAddOn_listsOfAnAppHaveWhatIsAttachedAndNamesAsSeenFromThere(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.app("orders-api")
	w.app("orders-worker")
	w.store("orders-api", "kvs-a", "premium-0")
	w.send("POST /addon-attachments", `{"addon":"kvs-a","app":"orders-worker","name":"SHARED"}`).is(201)
	w.send("GET /apps/orders-worker/addons", "").is(200).says("length", "1").says("0.app.name", "orders-api").
		says("0.config_vars", `["SHARED_URL"]`)
	w.send("GET /apps/orders-worker/addons/kvs-a", "").is(200).says("config_vars", `["SHARED_URL"]`)
	w.send("GET /apps/orders-api/addons", "").is(200).says("0.config_vars", `["REDIS_URL"]`)
	w.send("GET /addons", "").is(200).says("0.config_vars", `["REDIS_URL"]`)
	w.send("GET /teams/acme/addons", "").is(200).says("length", "1")
	w.send("GET /teams/acme-data/addons", "").is(200).says("length", "0")
	for _, ref := range []string{"kvs-a", "orders-api::REDIS", "orders-worker%3A%3Ashared"} {
		w.send("GET /addons/"+ref, "").is(200).says("name", "kvs-a")
	}
	w.send("GET /addons/orders-api::CACHE", "").is(404).says("resource", "add_on").says("message", "Couldn't find that add-on.")
	// It can only be changed through the app that owns it.
	w.send("PATCH /apps/orders-worker/addons/kvs-a", `{"name":"kvs-b"}`).is(404)
	w.send("DELETE /apps/orders-worker/addons/kvs-a", "").is(404)
}

func TestAddOn_isRenamed(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.app("orders-api")
	w.store("orders-api", "kvs-a", "premium-0")
	w.store("orders-api", "kvs-b", "mini")
	releases := w.send("GET /apps/orders-api/releases", "").get("length")
	w.send("PATCH /apps/orders-api/addons/kvs-a", `{"name":"kvs-new"}`).is(200).says("name", "kvs-new").says("config_vars", `["REDIS_URL"]`)
	w.send("GET /addons/kvs-a", "").is(404)
	w.send("GET /redis/v0/databases/kvs-new", "").is(200).says("name", "kvs-new")
	w.send("PATCH /apps/orders-api/addons/kvs-new", `{"name":"kvs-b"}`).is(422).says("message", "Name is already taken")
	w.send("PATCH /apps/orders-api/addons/kvs-new", `{"name":"kvs-new"}`).is(200)
	w.send("PATCH /apps/orders-api/addons/kvs-new", `{"name":"x y"}`).is(422)
	w.send("GET /apps/orders-api/releases", "").says("length", releases)
	if l := w.Ledger(); l.Objects[0].Name != "kvs-new" {
		t.Errorf("ledger: %+v", l)
	}
}

func TestPlanChange_isAtOnceOnThePlatformAndLaterOnTheDataAPI(t *testing.T) {
	t.Parallel()
	for _, engine := range []string{"miniredis", "redis"} {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			ctx := context.WithoutCancel(t.Context())
			w := start(t, func(o *sandbox.Options) { o.Engine = engine })
			w.app("orders-api")
			w.app("orders-worker")
			w.store("orders-api", "kvs-a", "premium-0")
			w.send("POST /addon-attachments", `{"addon":"kvs-a","app":"orders-worker"}`).is(201)
			w.send("PATCH /redis/v0/databases/kvs-a/config", `{"timeout":77}`).is(200)
			if err := w.redis("orders-api", "REDIS_URL").Set(ctx, "greeting", "hello", time.Hour).Err(); err != nil {
				t.Fatal(err)
			}
			old := w.send("GET /apps/orders-api/config-vars", "").get("REDIS_URL")
			id := w.send("GET /addons/kvs-a", "").get("id")

			w.send("PATCH /apps/orders-api/addons/kvs-a", `{"plan":{"name":"heroku-redis:premium-1"}}`, "Accept-Expansion: plan",
				"X-Heroku-Legacy-Provider-Messages: true").is(200).
				says("plan.name", "heroku-redis:premium-1").says("plan.price.cents", "3000").says("state",
				"provisioned").says("provision_message",
				"The Heroku Data for Redis instance is in the process of being upgraded.\nThe time it takes to "+
					"upgrade is dependent on how much "+
					"data exists in the instance.")
			w.send("GET /redis/v0/databases/kvs-a", "").is(200).says("plan", "premium-0").says("info.0.values.0", "Premium 0").
				says("info.1.values.0", "Preparing (upgrade in progress)")
			w.send("GET /redis/v0/databases/kvs-a/wait", "").is(200).says("waiting?", "true").says("message", "preparing")
			w.send("PATCH /apps/orders-api/addons/kvs-a", `{"plan":"heroku-redis:premium-2"}`).is(422).says("id", "unprocessable_entity")
			w.send("PATCH /redis/v0/databases/kvs-a/config", `{"timeout":1}`).is(422).says("id", "unprocessable_entity")
			w.send("POST /redis/v0/databases/kvs-a/credentials_rotation", `{}`).is(422)
			w.send("GET /apps/orders-api/config-vars", "").says("REDIS_URL", old)
			releases := w.send("GET /apps/orders-worker/releases", "").get("length")

			w.advance()
			w.send("GET /redis/v0/databases/kvs-a/wait", "").is(200).says("waiting?", "false").says("message", "available")
			w.send("GET /redis/v0/databases/"+id, "").is(200).says("plan", "premium-1").says("info.1.values.0",
				"Available").says("addon_id", id)
			w.send("GET /redis/v0/databases/kvs-a/config", "").is(200).says("timeout.value", "77")
			url := w.send("GET /apps/orders-api/config-vars", "").get("REDIS_URL")
			w.send("GET /apps/orders-worker/config-vars", "").says("REDIS_URL", url)
			if url == old {
				t.Error("the URL has not changed")
			}
			if w.send("GET /apps/orders-worker/releases", "").get("length") == releases {
				t.Error("the app that it is attached to was not released")
			}
			if got, err := w.redis("orders-api", "REDIS_URL").Get(ctx, "greeting").Result(); got != "hello" {
				t.Errorf("the key is %q, %v", got, err)
			}
			if ttl := w.redis("orders-api", "REDIS_URL").TTL(ctx, "greeting").Val(); ttl <= 0 {
				t.Errorf("the key expires in %s", ttl)
			}
			if engine == "redis" {
				got, err := w.redis("orders-api", "REDIS_URL").ConfigGet(ctx, "maxmemory").Result()
				if err != nil || got["maxmemory"] != "104857600" {
					t.Errorf("the new server has the limits %v, %v", got, err)
				}
			}
			if l := w.Ledger(); l.Created != 1 || l.Objects[0].Plan != "heroku-redis:premium-1" {
				t.Errorf("ledger: %+v", l)
			}
		})
	}
}

func TestPlanChange_isRefused(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.app("orders-api")
	w.store("orders-api", "kvs-a", "premium-0")
	for plan, message := range map[string]string{
		"heroku-redis:premium-77": "Couldn't find either the add-on service or the add-on plan of",
		"":                        "Couldn't find either the add-on service or the add-on plan of",
		"heroku-postgresql:mini":  "Couldn't find either the add-on service or the add-on plan of",
		"heroku-redis:private-7":  "Cannot change the plan of kvs-a from heroku-redis:premium-0 to heroku-redis:private-7",
		"heroku-redis:shield-7":   "Cannot change the plan of kvs-a",
	} {
		a := w.send("PATCH /apps/orders-api/addons/kvs-a", fmt.Sprintf(`{"plan":%q,"name":"kvs-b"}`,
			plan)).is(422).says("id", "invalid_params")
		if !strings.HasPrefix(a.get("message"), message) {
			t.Errorf("%s: %s", plan, a.get("message"))
		}
	}
	w.send("GET /addons/kvs-a", "").is(200) // and was not renamed
	w.send("PATCH /apps/orders-api/addons/kvs-a", `{"plan":"heroku-redis:premium-0"}`).is(200)
	w.send("GET /redis/v0/databases/kvs-a/wait", "").says("waiting?", "false") // the same plan is no change
	w.send("POST /apps/orders-api/addons", `{"plan":"heroku-redis:mini","name":"fresh"}`).is(201)
	w.send("PATCH /apps/orders-api/addons/fresh", `{"plan":"heroku-redis:premium-0"}`).is(422).
		says("message", "Add-on fresh is being provisioned. Please try again later.")
}

func TestAddOn_isDestroyed(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.app("orders-api")
	w.app("orders-worker")
	w.store("orders-api", "kvs-a", "premium-0")
	w.send("POST /addon-attachments", `{"addon":"kvs-a","app":"orders-worker"}`).is(201)
	conn := w.redis("orders-api", "REDIS_URL").Conn() // one connection, which ends with the server
	if err := conn.Ping(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	const path = "DELETE /apps/orders-api/addons/kvs-a"
	for _, body := range []string{"", `{"force":false}`} {
		w.send(path, body).is(422).says("message", "Cannot destroy last attachment to billing app for resource kvs-a")
	}
	w.send(path, `{"force":true}`).is(200).says("state", "deprovisioned").says("config_vars", "[]")
	w.send(path, "").is(404).says("id", "not_found").says("resource", "add_on")
	for _, app := range []string{"orders-api", "orders-worker"} {
		w.send("GET /apps/"+app+"/config-vars", "").is(200).says("REDIS_URL", "")
		w.send("GET /apps/"+app+"/releases", "", "Range: version ..; max=1, order=desc").says("0.description", "Detach REDIS (@ref:kvs-a)")
	}
	w.send("GET /addon-attachments", "").says("length", "0")
	ctx, cancel := context.WithTimeout(t.Context(), hang)
	defer cancel()
	for conn.Ping(ctx).Err() == nil { // it is stopped in the background
		if ctx.Err() != nil {
			t.Fatal("the server of a destroyed store answers")
		}
	}
	if ctx.Err() != nil {
		t.Error("the server of a destroyed store still accepts connections")
	}
}

func TestAddOn_isDestroyedWhileItIsBeingProvisioned(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.app("orders-api")
	w.send("POST /apps/orders-api/addons", `{"plan":"heroku-redis:premium-0","name":"kvs-a"}`).is(201)
	w.send("DELETE /apps/orders-api/addons/kvs-a", "").is(200).says("state", "deprovisioned")
	w.advance()
	w.send("GET /addons/kvs-a", "").is(404)
	w.send("GET /apps/orders-api/releases", "").says("length", "3")
	if l := w.Ledger(); l.Living != 0 || l.Objects[0].DestroyedAt == nil || !l.Objects[0].DestroyedAt.Equal(epoch) {
		t.Errorf("ledger: %+v", l)
	}
}

func TestResolve(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.app("orders-api")
	w.app("orders-worker")
	w.store("orders-api", "redis-a-1", "premium-0")
	w.store("orders-worker", "redis-b-2", "premium-0")
	w.send("POST /addon-attachments", `{"addon":"redis-b-2","app":"orders-worker","name":"WORK"}`).is(201)
	id := w.send("GET /addons/redis-a-1", "").get("id")
	tests := map[string]struct {
		body   string
		status int
		want   string // name, or resource, or part of the message
	}{
		"by name":                         {`{"addon":"redis-a-1"}`, 200, "redis-a-1"},
		"by name, with null for the app":  {`{"addon":"redis-a-1","app":null}`, 200, "redis-a-1"},
		"by id":                           {`{"addon":"` + id + `","app":"orders-api"}`, 200, "redis-a-1"},
		"by attachment on an app":         {`{"addon":"REDIS","app":"orders-api"}`, 200, "redis-a-1"},
		"by config var on an app":         {`{"addon":"REDIS_URL","app":"orders-worker"}`, 200, "redis-b-2"},
		"by app::ATTACHMENT":              {`{"addon":"orders-worker::WORK"}`, 200, "redis-b-2"},
		"by service on an app":            {`{"addon":"heroku-redis","app":"orders-api"}`, 200, "redis-a-1"},
		"by an attachment that is unique": {`{"addon":"WORK"}`, 200, "redis-b-2"},
		"by an ambiguous attachment": {`{"addon":"REDIS"}`, 422,
			"Ambiguous identifier; multiple matching add-ons found: redis-a-1, redis-b-2."},
		"on an app that it is not on": {`{"addon":"redis-a-1","app":"orders-worker"}`, 404, "add_on"},
		"on an unknown app":           {`{"addon":"redis-a-1","app":"nowhere"}`, 404, "app"},
		"of another service":          {`{"addon":"redis-a-1","addon_service":"heroku-postgresql"}`, 404, "add_on"},
		"by a service without an app": {`{"addon":"heroku-redis"}`, 404, "add_on"},
		"by nothing":                  {`{}`, 404, "add_on"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := w
			w.t = t
			a := w.send("POST /actions/addons/resolve", tc.body, "Accept-Expansion: addon_service,plan").is(tc.status)
			switch tc.status {
			case 200:
				a.says("length", "1").says("0.name", tc.want).says("0.plan.price.cents", "1500")
			case 404:
				a.says("id", "not_found").says("resource", tc.want)
			case 422:
				a.says("id", "multiple_matches").says("message", tc.want)
			}
		})
	}
	const path = "POST /actions/addon-attachments/resolve"
	w.send(path, `{"addon_attachment":"REDIS","app":"orders-api"}`).is(200).says("0.addon.name", "redis-a-1")
	w.send(path, `{"addon_attachment":"orders-worker::WORK"}`).is(200).says("0.name", "WORK")
	w.send(path, `{"addon_attachment":"REDIS"}`).is(422).says("id", "multiple_matches")
	w.send(path, `{"addon_attachment":"NOPE","app":null}`).is(404).says("resource", "add_on attachment")
}
