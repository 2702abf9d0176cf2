// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package sandbox_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/sandbox"
)

type dial = func(ctx context.Context, network, addr string) (net.Conn, error)

// redisFrom connects to the store whose URL is in a config var of an app, with a dial function.
func (w world) redisFrom(app, configVar string, over dial) *redis.Client {
	w.t.Helper()
	o, err := redis.ParseURL(w.send("GET /apps/"+app+"/config-vars", "").is(200).get(configVar))
	if err != nil {
		w.t.Fatalf("%s of %s: %v", configVar, app, err)
	}
	o.MaxRetries = -1
	o.DialerRetries = 1
	o.Dialer = func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := over(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		return tls.Client(conn, &tls.Config{InsecureSkipVerify: true}), nil // self-signed, as Heroku's
	}
	c := redis.NewClient(o)
	w.t.Cleanup(func() { _ = c.Close() })
	return c
}

// proxied returns a dial function that connects through the sandbox's proxy as an app.
func (w world) proxied(app string) dial {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := new(net.Dialer).DialContext(ctx, network, strings.TrimPrefix(w.URL(), "http://"))
		if err != nil {
			return nil, err
		}
		header := "Proxy-Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte(app+":")) + "\r\n"
		if app == "" {
			header = ""
		}
		if _, err := fmt.Fprintf(conn, "CONNECT %s HTTP/1.1\r\nHost: %s\r\n%s\r\n", addr, addr, header); err != nil {
			return nil, err
		}
		// The reader does not buffer what follows: in TLS, the client sends first.
		answer, err := http.ReadResponse(bufio.NewReaderSize(conn, 16), nil)
		if err != nil {
			return nil, err
		}
		if answer.StatusCode != http.StatusOK {
			return nil, fmt.Errorf("the proxy says %s", answer.Status)
		}
		return conn, nil
	}
}

func TestPrivateStore_isReachedFromItsOwnSpaceOnly(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.space("private")
	w.space("shield", `"shield":true`)
	w.app("common-app")
	for space, app := range map[string]string{"private": "private-app", "shield": "shield-app"} {
		w.appIn(space, app)
		w.appIn(space, app+"-2")
	}
	w.store("private-app", "kvs-private", "private-7")
	w.store("shield-app", "kvs-shield", "shield-7")
	w.store("common-app", "kvs-common", "premium-0")
	outside := new(net.Dialer).DialContext

	for app, own := range map[string]string{"private-app": "kvs-private", "shield-app": "kvs-shield"} {
		raw := w.send("GET /apps/"+app+"/config-vars", "").get("REDIS_URL")
		u, err := url.Parse(raw)
		if err != nil || !strings.HasSuffix(u.Hostname(), ".invalid") || u.Scheme != "rediss" {
			t.Fatalf("the URL of a private store: %v", err)
		}
		w.send("GET /redis/v0/databases/"+own, "").is(200).says("resource_url", raw).says("port", u.Port())
		for from, over := range map[string]dial{
			"outside":                    outside,
			"the Common Runtime":         w.DynoDial("common-app"),
			"nowhere":                    w.DynoDial("no-app"),
			"nowhere, by the proxy":      w.proxied("no-app"),
			"nobody, by the proxy":       w.proxied(""),
			"the Common Runtime, by it":  w.proxied("common-app"),
			"the other space":            w.DynoDial(map[string]string{"private-app": "shield-app", "shield-app": "private-app"}[app]),
			"the other space, by its id": w.DynoDial(w.send("GET /spaces/private", "").get("id")),
		} {
			if conn, err := over(t.Context(), "tcp", u.Host); err == nil {
				_ = conn.Close()
				t.Errorf("%s can be reached from %s", own, from)
			}
		}
		for _, over := range []dial{w.DynoDial(app), w.DynoDial(app + "-2"), w.proxied(app), w.proxied(app + "-2")} {
			if err := w.redisFrom(app, "REDIS_URL", over).Incr(t.Context(), "visits").Err(); err != nil {
				t.Errorf("%s: %v", own, err)
			}
		}
		if n, err := w.redisFrom(app, "REDIS_URL", w.proxied(app)).Get(t.Context(), "visits").Int(); n != 4 {
			t.Errorf("%s: %d visits, %v", own, n, err)
		}
		// A store outside of spaces is reachable from everywhere.
		if err := w.redisFrom("common-app", "REDIS_URL", w.proxied(app)).Ping(t.Context()).Err(); err != nil {
			t.Error(err)
		}
	}
	if err := w.redis("common-app", "REDIS_URL").Ping(t.Context()).Err(); err != nil {
		t.Error(err)
	}
}

func TestPrivateStore_keepsItsAddressThroughRenamesAndUpgrades(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.space("private")
	w.appIn("private", "private-app")
	w.store("private-app", "kvs-private", "private-7")
	host := func() string {
		u, err := url.Parse(w.send("GET /apps/private-app/config-vars", "").get("REDIS_URL"))
		if err != nil {
			t.Fatal(err)
		}
		return u.Host
	}
	before := host()
	w.send("PATCH /spaces/private", `{"name":"public"}`).is(200)
	w.send("PATCH /apps/private-app/addons/kvs-private", `{"name":"kvs-renamed","plan":"heroku-redis:private-9"}`).is(200)
	w.advance()
	if after := host(); after != before {
		t.Errorf("the store is at %s, was at %s", after, before)
	}
	if err := w.redisFrom("private-app", "REDIS_URL", w.DynoDial("private-app")).Ping(t.Context()).Err(); err != nil {
		t.Error(err)
	}
}

func TestPrivateStore_aPremiumOneOfAPrivateAppIsOutside(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.space("private")
	w.appIn("private", "private-app")
	w.send("POST /apps/private-app/addons", `{"plan":"heroku-redis:premium-0","confirm":"private-app"}`).is(201)
	w.advance()
	if err := w.redis("private-app", "REDIS_URL").Ping(t.Context()).Err(); err != nil {
		t.Error(err)
	}
}

func TestProxy_leadsToStoresOnlyAndEndsWithTheSandbox(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.app("common-app")
	w.store("common-app", "kvs-common", "premium-0")
	for _, addr := range []string{strings.TrimPrefix(w.URL(), "http://"), "127.0.0.1:22", "example.com:443", "127.0.0.1:redis"} {
		if conn, err := w.proxied("common-app")(t.Context(), "tcp", addr); err == nil {
			_ = conn.Close()
			t.Errorf("the proxy leads to %s", addr)
		}
	}
	if n := len(w.Journal()); n != 3 { // creating an app and a store, and reading its state
		t.Errorf("%d requests in the journal", n)
	}
	u, err := url.Parse(w.send("GET /apps/common-app/config-vars", "").get("REDIS_URL"))
	if err != nil {
		t.Fatal(err)
	}
	conn, err := w.proxied("common-app")(t.Context(), "tcp", u.Host)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := conn.SetReadDeadline(time.Now().Add(hang)); err != nil {
		t.Fatal(err)
	}
	var timeout net.Error
	if _, err := conn.Read(make([]byte, 1)); err == nil || errors.As(err, &timeout) && timeout.Timeout() {
		t.Errorf("the connection is still there: %v", err)
	}
}

// Heroku itself can fork a store in a space from anywhere, with only the URL, although clients outside of the space cannot reach the store.
func TestPrivateStore_isForkedFromEverywhere(t *testing.T) {
	t.Parallel()
	w := start(t, func(o *sandbox.Options) { o.Engine = "redis" })
	w.space("private")
	w.space("other")
	w.appIn("private", "private-app")
	w.appIn("other", "other-app")
	w.app("common-app")
	w.store("private-app", "kvs-private", "private-7")
	if err := w.redisFrom("private-app", "REDIS_URL", w.DynoDial("private-app")).Set(t.Context(), "greeting", "hello", 0).Err(); err != nil {
		t.Fatal(err)
	}
	source := w.send("GET /apps/private-app/config-vars", "").get("REDIS_URL")
	plans := map[string]string{"private-app": "private-7", "other-app": "private-7", "common-app": "premium-0"}
	for app, plan := range plans {
		w.send("POST /apps/"+app+"/addons", fmt.Sprintf(`{"plan":"heroku-redis:%s","attachment":{"name":"FORK"},"config":{"fork":%q}}`, plan,
			source)).is(201)
	}
	guessed := strings.Replace(source, "rediss://h:", "rediss://h:not-", 1)
	w.send("POST /apps/common-app/addons", fmt.Sprintf(`{"plan":"heroku-redis:premium-0","name":"kvs-thief","config":{"fork":%q}}`,
		guessed)).is(201)
	w.advance()
	w.send("GET /addons/kvs-thief", "").is(200).says("state", "deprovisioned")
	for app := range plans {
		if got, err := w.redisFrom(app, "FORK_URL", w.DynoDial(app)).Get(t.Context(), "greeting").Result(); got != "hello" {
			t.Errorf("the fork of %s has %q, %v", app, got, err)
		}
	}
}

func TestPrivateStore_outlivesARestart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	w := persistent(t, dir, "miniredis")
	w.space("private")
	w.appIn("private", "private-app")
	w.store("private-app", "kvs-private", "private-7")
	url := w.send("GET /apps/private-app/config-vars", "").get("REDIS_URL")
	if err := w.redisFrom("private-app", "REDIS_URL", w.DynoDial("private-app")).Set(t.Context(), "greeting", "hello", 0).Err(); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	w = persistent(t, dir, "miniredis")
	w.send("GET /apps/private-app/config-vars", "").says("REDIS_URL", url)
	if got, err := w.redisFrom("private-app", "REDIS_URL", w.DynoDial("private-app")).Get(t.Context(), "greeting").Result(); got != "hello" {
		t.Errorf("the key is %q, %v", got, err)
	}
}
