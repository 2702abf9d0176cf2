// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package sandbox_test

import (
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/acctest/redisserver"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/sandbox"
)

// withServers starts a sandbox with real servers behind the stores.
func withServers(o *sandbox.Options) { o.Engine = "auto" }

// forkOf creates a fork with the attachment name FORK.
func (w world) forkOf(app, name, url string) answer {
	w.t.Helper()
	return w.send("POST /apps/"+app+"/addons",
		fmt.Sprintf(`{"plan":"heroku-redis:premium-0","name":%q,"attachment":{"name":"FORK"},"config":{"fork":%q}}`, name, url)).is(201)
}

// put writes a key into the store whose URL a config var has.
func (w world) put(app, configVar string, keys ...string) {
	w.t.Helper()
	c := w.redis(app, configVar)
	for _, key := range keys {
		if err := c.Set(w.t.Context(), key, "value of "+key, 0).Err(); err != nil {
			w.t.Fatal(err)
		}
	}
}

// holds checks the keys of the store whose URL a config var has.
func (w world) holds(app, configVar string, keys ...string) {
	w.t.Helper()
	c := w.redis(app, configVar)
	for _, key := range keys {
		if got, err := c.Get(w.t.Context(), key).Result(); got != "value of "+key {
			w.t.Errorf("%s of %s has %s = %q, %v", configVar, app, key, got, err)
		}
	}
	if n := c.DBSize(w.t.Context()).Val(); n != int64(len(keys)) {
		w.t.Errorf("%s of %s has %d keys, want %d", configVar, app, n, len(keys))
	}
}

func (w world) urlOf(app, configVar string) string {
	w.t.Helper()
	return w.send("GET /apps/"+app+"/config-vars", "").is(200).get(configVar)
}

func TestFork_hasTheKeysButNotTheSettings(t *testing.T) {
	t.Parallel()
	w := start(t, func(o *sandbox.Options) { o.Engine = "redis" })
	w.app("orders-api")
	w.store("orders-api", "kvs-a", "premium-0")
	w.send("PATCH /redis/v0/databases/kvs-a/config", `{"timeout":7}`).is(200)
	url := w.send("GET /apps/orders-api/config-vars", "").get("REDIS_URL")
	if err := w.redis("orders-api", "REDIS_URL").Set(t.Context(), "greeting", "hello", 0).Err(); err != nil {
		t.Fatal(err)
	}
	w.send("POST /apps/orders-api/addons",
		fmt.Sprintf(`{"plan":"heroku-redis:premium-0","name":"kvs-f","attachment":{"name":"FORK"},"config":{"fork":%q}}`, url)).is(201)
	if rows := w.send("GET /redis/v0/databases/kvs-f", "").is(200).rows(); rows["Status"] != "Preparing (fork in progress)" {
		t.Errorf("status %q", rows["Status"])
	}
	w.advance()
	w.send("GET /addons/kvs-f", "").says("state", "provisioned")
	w.send("GET /redis/v0/databases/kvs-f/config", "").says("timeout.value", "300")
	if got, err := w.redis("orders-api", "FORK_URL").Get(t.Context(), "greeting").Result(); got != "hello" {
		t.Errorf("the fork has %q, %v", got, err)
	}
}

func TestFork_ofMiniredisFails(t *testing.T) {
	t.Parallel()
	w := start(t) // miniredis has no SYNC
	w.app("orders-api")
	w.store("orders-api", "kvs-a", "premium-0")
	url := w.send("GET /apps/orders-api/config-vars", "").get("REDIS_URL")
	w.send("POST /apps/orders-api/addons", fmt.Sprintf(`{"plan":"heroku-redis:premium-0","name":"kvs-f","config":{"fork":%q}}`, url)).is(201)
	w.advance()
	w.send("GET /addons/kvs-f", "").is(200).says("state", "deprovisioned").says("config_vars", "[]")
	w.send("GET /redis/v0/databases/kvs-f", "").is(404)
}

// copies are the requests by which Heroku copies a store, each with the config var of the copy.
var copies = map[string]func(w world) (configVar string){
	"a fork": func(w world) string {
		w.forkOf("orders-api", "kvs-f", w.urlOf("orders-api", "REDIS_URL"))
		return "FORK_URL"
	},
	"a change of plan": func(w world) string {
		w.send("PATCH /apps/orders-api/addons/kvs-a", `{"plan":"heroku-redis:premium-1"}`).is(200)
		return "REDIS_URL"
	},
}

// All writes to the source arrive until the copy is complete, for both a fork and a change of plan.
func TestCopy_followsItsSourceUntilItIsComplete(t *testing.T) {
	t.Parallel()
	for name, order := range copies {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := start(t, withServers, func(o *sandbox.Options) { o.Provisioning = time.Hour })
			w.app("orders-api")
			w.send("POST /apps/orders-api/addons", `{"plan":"heroku-redis:premium-0","name":"kvs-a"}`).is(201)
			w.Clock().Advance(time.Hour)
			w.put("orders-api", "REDIS_URL", "before")
			configVar := order(w)
			w.put("orders-api", "REDIS_URL", "at-once")
			w.Clock().Advance(59 * time.Minute)
			w.put("orders-api", "REDIS_URL", "late")
			if waiting := w.send("GET /redis/v0/databases/kvs-a/wait", "").get("waiting?"); name == "a change of plan" && waiting != "true" {
				t.Error("the plan is changed before its time")
			}
			w.put("orders-api", "REDIS_URL", "last")
			w.Clock().Advance(time.Minute)
			w.holds("orders-api", configVar, "before", "at-once", "late", "last")
			w.put("orders-api", configVar, "own") // it is no longer a replica
			w.holds("orders-api", configVar, "before", "at-once", "late", "last", "own")
		})
	}
}

// A client that writes continuously during a change of plan loses no acknowledged write.
func TestPlanChange_losesNoAcknowledgedWrite(t *testing.T) {
	t.Parallel()
	w := start(t, withServers)
	w.app("orders-api")
	w.store("orders-api", "kvs-a", "premium-0")
	acknowledged := make(chan int)
	writer := w.redis("orders-api", "REDIS_URL")
	began := make(chan struct{})
	go func() {
		n := 0
		for ; writer.Set(t.Context(), fmt.Sprint("key:", n), n, 0).Err() == nil; n++ {
			if n == 0 {
				close(began)
			}
		}
		acknowledged <- n // the old server has ended
	}()
	<-began
	w.send("PATCH /apps/orders-api/addons/kvs-a", `{"plan":"heroku-redis:premium-1"}`).is(200)
	w.advance()
	w.send("GET /redis/v0/databases/kvs-a/wait", "").says("waiting?", "false")
	n := <-acknowledged
	if got := w.redis("orders-api", "REDIS_URL").DBSize(t.Context()).Val(); got < int64(n) || got > int64(n)+1 {
		t.Errorf("%d writes were acknowledged, and %d keys are there", n, got)
	}
}

// The source may change while it is copied.
func TestFork_followsASourceThatChanges(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]string{
		"its plan":     `PATCH /apps/orders-api/addons/kvs-a {"plan":"heroku-redis:premium-1"}`,
		"its password": `POST /redis/v0/databases/kvs-a/credentials_rotation {}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := start(t, withServers)
			w.app("orders-api")
			w.store("orders-api", "kvs-a", "premium-0")
			w.put("orders-api", "REDIS_URL", "before")
			id := w.inject(`{"match":{"method":"POST","path":"/apps/*/addons"},"do":{"fork":"stuck"}}`)
			w.forkOf("orders-api", "kvs-f", w.urlOf("orders-api", "REDIS_URL"))
			old := w.urlOf("orders-api", "REDIS_URL")
			line, body, _ := strings.Cut(change, " {")
			w.send(line, "{"+body).is(200)
			w.advance()
			if w.urlOf("orders-api", "REDIS_URL") == old {
				t.Fatal("the source has not changed")
			}
			w.put("orders-api", "REDIS_URL", "after")
			w.send("DELETE /__sandbox/faults/"+id, "").is(204)
			w.send("GET /addons/kvs-f", "").says("state", "provisioned")
			w.holds("orders-api", "FORK_URL", "before", "after")
		})
	}
}

// plainRedis starts a server outside of the sandbox, without TLS, which has one key.
func plainRedis(t *testing.T, password string) (addr string) {
	t.Helper()
	addr = redisserver.Start(t, "requirepass "+password)
	c := redis.NewClient(&redis.Options{Addr: addr, Password: password})
	t.Cleanup(func() { _ = c.Close() })
	if err := c.Set(t.Context(), "from-outside", "value of from-outside", 0).Err(); err != nil {
		t.Fatal(err)
	}
	return addr
}

func TestFork_ofAServerOutside(t *testing.T) {
	t.Parallel()
	t.Run("over TLS, with a certificate that nobody trusts", func(t *testing.T) {
		t.Parallel()
		w, outside := start(t, withServers), start(t, withServers)
		outside.app("elsewhere")
		outside.store("elsewhere", "theirs", "premium-0")
		outside.put("elsewhere", "REDIS_URL", "from-outside")
		w.app("orders-api")
		w.forkOf("orders-api", "kvs-f", outside.urlOf("elsewhere", "REDIS_URL"))
		outside.put("elsewhere", "REDIS_URL", "late")
		w.advance()
		w.send("GET /addons/kvs-f", "").says("state", "provisioned")
		outside.put("elsewhere", "REDIS_URL", "too-late")
		w.holds("orders-api", "FORK_URL", "from-outside", "late")
	})
	t.Run("without TLS", func(t *testing.T) {
		t.Parallel()
		w := start(t, withServers)
		w.app("orders-api")
		w.forkOf("orders-api", "kvs-f", "redis://:secret@"+plainRedis(t, "secret"))
		w.advance()
		w.send("GET /addons/kvs-f", "").says("state", "provisioned")
		w.holds("orders-api", "FORK_URL", "from-outside")
	})
}

// The request is accepted, but provisioning fails: the fork is no longer billed, and the source is unchanged.
func TestFork_thatCannotBeMade(t *testing.T) {
	t.Parallel()
	fault := func(what string) func(w world) string {
		return func(w world) string {
			w.inject(`{"match":{"method":"POST","path":"/apps/*/addons"},"do":{"fork":"` + what + `"}}`)
			return w.urlOf("orders-api", "REDIS_URL")
		}
	}
	tests := map[string]func(w world) (url string){
		"as a fault: the source refuses SYNC":   fault("refused"),
		"as a fault: the source goes meanwhile": fault("lost"),
		"a source whose user may not replicate": func(w world) string {
			if err := w.Admin(w.t.Context(), "kvs-a", func(c *redis.Client) error {
				return c.ACLSetUser(w.t.Context(), "kvs-sandbox", "-sync", "-psync").Err()
			}); err != nil {
				w.t.Fatal(err)
			}
			return w.urlOf("orders-api", "REDIS_URL")
		},
		"a source that is not there":                    func(world) string { return "redis://:secret@127.0.0.1:1" },
		"a server that knows no SYNC":                   func(world) string { return "redis://" + unlikeRedis(t, "-ERR unknown command\r\n") },
		"a server that announces more than there is":    func(world) string { return "redis://" + unlikeRedis(t, "*2147483647\r\n") },
		"a server that announces a text without bounds": func(world) string { return "redis://" + unlikeRedis(t, "$9223372036854775800\r\n") },
		"a server that nests without end": func(world) string {
			return "redis://" + unlikeRedis(t, strings.Repeat("*1\r\n",
				100_000))
		},
	}
	for name, source := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := start(t, withServers)
			w.app("orders-api")
			w.store("orders-api", "kvs-a", "premium-0")
			w.put("orders-api", "REDIS_URL", "kept")
			w.forkOf("orders-api", "kvs-f", source(w))
			w.advance()
			w.send("GET /addons/kvs-f", "").is(200).says("state", "deprovisioned").says("config_vars", "[]")
			w.send("GET /redis/v0/databases/kvs-f", "").is(404)
			w.holds("orders-api", "REDIS_URL", "kept")
			if l := w.Ledger(); l.Created != 2 || l.Living != 1 {
				t.Errorf("ledger: %+v", l)
			}
		})
	}
}

// unlikeRedis starts a server that sends the same reply to every line, like a managed server to a command that it does not support.
func unlikeRedis(t *testing.T, reply string) (addr string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer func() { _ = conn.Close() }()
				request := make([]byte, 4096)
				for {
					n, err := conn.Read(request)
					if err != nil {
						return
					}
					answer := reply
					if strings.Contains(strings.ToUpper(string(request[:n])), "PING") {
						answer = "+PONG\r\n"
					}
					if _, err := conn.Write([]byte(answer)); err != nil {
						return
					}
				}
			}()
		}
	}()
	return listener.Addr().String()
}

func TestFork_ofASourceThatIsDestroyedMeanwhileFails(t *testing.T) {
	t.Parallel()
	w := start(t, withServers)
	w.app("orders-api")
	w.app("orders-next")
	w.store("orders-api", "kvs-a", "premium-0")
	w.forkOf("orders-next", "kvs-f", w.urlOf("orders-api", "REDIS_URL"))
	w.send("GET /redis/v0/databases/kvs-f", "").is(200).says("info.1.values.0", "Preparing (fork in progress)")
	w.send("DELETE /apps/orders-api/addons/kvs-a", "").is(200)
	w.advance()
	w.send("GET /addons/kvs-f", "").is(200).says("state", "deprovisioned")
}

func TestFork_stallsUntilTheFaultIsClearedAndBothAreBilledMeanwhile(t *testing.T) {
	t.Parallel()
	w := start(t, withServers)
	w.app("orders-api")
	w.store("orders-api", "kvs-a", "premium-0")
	id := w.Inject(sandbox.Fault{Match: sandbox.Match{Method: "POST", Path: "/apps/*/addons"}, Do: sandbox.Effect{Fork: "stuck"}})
	w.forkOf("orders-api", "kvs-f", w.urlOf("orders-api", "REDIS_URL"))
	w.Clock().Advance(24 * time.Hour)
	w.put("orders-api", "REDIS_URL", "much-later")
	w.send("GET /addons/kvs-f", "").says("state", "provisioning")
	w.send("GET /redis/v0/databases/kvs-f", "").says("info.1.values.0", "Preparing (fork in progress)")
	w.send("GET /redis/v0/databases/kvs-f/wait", "").says("waiting?", "true")
	if l := w.Ledger(); l.Living != 2 {
		t.Errorf("ledger: %+v", l)
	}
	w.send("DELETE /__sandbox/faults/"+id, "").is(204)
	w.send("GET /addons/kvs-f", "").says("state", "provisioned")
	w.holds("orders-api", "FORK_URL", "much-later")
}

func TestFork_arrivesIncomplete(t *testing.T) {
	t.Parallel()
	w := start(t, withServers)
	w.app("orders-api")
	w.store("orders-api", "kvs-a", "premium-0")
	for i := range 25 {
		w.put("orders-api", "REDIS_URL", fmt.Sprintf("key:%02d", i))
	}
	w.inject(`{"match":{"method":"POST","path":"/apps/*/addons"},"do":{"fork":"incomplete"}}`)
	w.forkOf("orders-api", "kvs-f", w.urlOf("orders-api", "REDIS_URL"))
	w.advance()
	w.send("GET /addons/kvs-f", "").says("state", "provisioned")
	if n := w.redis("orders-api", "FORK_URL").DBSize(t.Context()).Val(); n != 22 {
		t.Errorf("the fork has %d of 25 keys", n)
	}
	if n := w.redis("orders-api", "REDIS_URL").DBSize(t.Context()).Val(); n != 25 {
		t.Errorf("the source has %d of 25 keys", n)
	}
}

// Heroku shows the config vars of a fork that is still in progress.
func TestFork_mayBeInProgressWhenItIsProvisioned(t *testing.T) {
	t.Parallel()
	for trouble, status := range map[string]string{"": "Available", "lost": "Preparing (fork in progress)"} {
		t.Run("trouble: "+trouble, func(t *testing.T) {
			t.Parallel()
			w := start(t, withServers, func(o *sandbox.Options) { o.Forking = time.Hour })
			w.app("orders-api")
			w.store("orders-api", "kvs-a", "premium-0")
			w.put("orders-api", "REDIS_URL", "before")
			w.inject(`{"match":{"method":"POST","path":"/apps/*/addons"},"do":{"fork":"` + trouble + `","headers":{"X":"y"}}}`)
			w.forkOf("orders-api", "kvs-f", w.urlOf("orders-api", "REDIS_URL"))
			w.advance()
			w.send("GET /addons/kvs-f", "").says("state", "provisioned").says("config_vars", `["FORK_URL"]`)
			w.send("GET /redis/v0/databases/kvs-f", "").says("info.1.values.0", "Preparing (fork in progress)")
			w.send("GET /redis/v0/databases/kvs-f/wait", "").says("waiting?", "true").says("message", "preparing")
			w.send("PATCH /redis/v0/databases/kvs-f/config", `{"timeout":1}`).is(422)
			if err := w.redis("orders-api", "FORK_URL").Set(t.Context(), "key", "value", 0).Err(); err == nil ||
				!strings.Contains(err.Error(), "READONLY") {
				t.Errorf("writing to a fork in progress: %v", err)
			}
			w.put("orders-api", "REDIS_URL", "meanwhile")
			w.Clock().Advance(time.Hour)
			w.send("GET /redis/v0/databases/kvs-f", "").says("info.1.values.0", status)
			if trouble == "" {
				w.holds("orders-api", "FORK_URL", "before", "meanwhile")
			}
		})
	}
}

// An incomplete copy starts again from the beginning after a restart of the sandbox.
func TestCopy_outlivesARestartOfTheSandbox(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	w := persistent(t, dir, "auto")
	w.app("orders-api")
	w.store("orders-api", "kvs-a", "premium-0")
	w.store("orders-api", "kvs-b", "premium-0")
	w.store("orders-api", "kvs-m", "premium-0")
	must(t, w.RequireMaintenance("kvs-m", 24*time.Hour))
	w.advance()
	names := map[string]string{} // of the config vars
	for _, store := range []string{"kvs-a", "kvs-b", "kvs-m"} {
		names[store] = w.send("GET /addons/"+store, "").get("config_vars.0")
		w.put("orders-api", names[store], "before")
	}
	w.forkOf("orders-api", "kvs-f", w.urlOf("orders-api", names["kvs-a"]))
	w.send("PATCH /apps/orders-api/addons/kvs-b", `{"plan":"heroku-redis:premium-1"}`).is(200)
	w.send("POST /data/maintenances/v1/"+w.send("GET /addons/kvs-m", "").get("id")+"/run", "").is(200)
	must(t, w.Close())

	w = persistent(t, dir, "auto")
	w.put("orders-api", names["kvs-a"], "after")
	w.put("orders-api", names["kvs-b"], "after")
	w.put("orders-api", names["kvs-m"], "after")
	w.advance()
	w.send("GET /redis/v0/databases/kvs-f/wait", "").says("waiting?", "false")
	w.send("GET /redis/v0/databases/kvs-b", "").says("plan", "premium-1")
	for _, name := range []string{"FORK_URL", names["kvs-a"], names["kvs-b"], names["kvs-m"]} {
		w.holds("orders-api", name, "before", "after")
	}
}

func TestFork_toAShieldPlanIsRefused(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.send("POST /spaces", `{"name":"vault","team":"acme","shield":true}`).is(201)
	w.advance()
	w.appIn("vault", "orders-vault")
	a := w.send("POST /apps/orders-vault/addons",
		`{"plan":"heroku-redis:shield-7","config":{"fork":"rediss://h:secret-thing@example.com:6380"}}`).is(422).says("id", "provider_error")
	if strings.Contains(a.body, "secret-thing") || !strings.Contains(a.get("message"), "shield plan cannot be a fork") {
		t.Errorf("the message is %q", a.get("message"))
	}
}
