// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package sandbox_test

import (
	"context"
	"crypto/tls"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/sandbox"
)

// opens reports whether a store accepts the password in a URL.
func opens(t *testing.T, raw string) bool {
	t.Helper()
	o, err := redis.ParseURL(raw)
	if err != nil {
		t.Fatal("a URL cannot be read")
	}
	o.TLSConfig = &tls.Config{InsecureSkipVerify: true}
	o.MaxRetries = -1
	c := redis.NewClient(o)
	defer func() { _ = c.Close() }()
	err = c.Ping(context.WithoutCancel(t.Context())).Err()
	if err != nil && !strings.Contains(err.Error(), "WRONGPASS") {
		t.Errorf("the store answers %v", err)
	}
	return err == nil
}

func TestRotation_changesTheURLEverywhere(t *testing.T) {
	t.Parallel()
	for _, engine := range []string{"miniredis", "redis"} {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			w := start(t, func(o *sandbox.Options) { o.Engine = engine })
			w.app("orders-api")
			w.app("orders-worker")
			w.store("orders-api", "kvs-a", "premium-0")
			w.send("POST /addon-attachments", `{"addon":"kvs-a","app":"orders-worker","name":"SHARED"}`).is(201)
			old := w.send("GET /apps/orders-api/config-vars", "").get("REDIS_URL")
			releases := w.send("GET /apps/orders-worker/releases", "").get("length")
			w.send("POST /redis/v0/databases/kvs-a/credentials_rotation", `{}`).is(200)
			url := w.send("GET /apps/orders-api/config-vars", "").get("REDIS_URL")
			if url == old {
				t.Error("the URL is the same")
			}
			w.send("GET /apps/orders-worker/config-vars", "").says("SHARED_URL", url)
			w.send("GET /redis/v0/databases/kvs-a", "").says("resource_url", url)
			if w.send("GET /apps/orders-worker/releases", "").get("length") == releases {
				t.Error("no release was made")
			}
			if err := w.redis("orders-worker", "SHARED_URL").Ping(t.Context()).Err(); err != nil {
				t.Errorf("the new password does not open the store: %v", err)
			}
			if opens(t, old) {
				t.Error("the old password still opens the store")
			}
		})
	}
}

// Both the new password and the expiry of the old one are delayed.
func TestRotation_takesAsLongAsItIsTold(t *testing.T) {
	t.Parallel()
	w := start(t, withServers, func(o *sandbox.Options) { o.Rotation, o.PasswordOverlap = time.Minute, time.Hour })
	w.app("orders-api")
	w.store("orders-api", "kvs-a", "premium-0")
	rotate := func() {
		t.Helper()
		w.send("POST /redis/v0/databases/kvs-a/credentials_rotation", `{}`).is(200)
	}
	var urls []string
	open := func(want ...bool) {
		t.Helper()
		for i, raw := range urls {
			if got := opens(t, raw); got != want[i] {
				t.Errorf("password %d opens the store: %v, want %v", i, got, want[i])
			}
		}
	}
	next := func() { t.Helper(); urls = append(urls, w.urlOf("orders-api", "REDIS_URL")) }

	next()
	rotate()
	w.Clock().Advance(59 * time.Second)
	w.send("GET /apps/orders-api/config-vars", "").says("REDIS_URL", urls[0])
	w.Clock().Advance(time.Second)
	next()
	open(true, true)
	w.Clock().Advance(59 * time.Minute)
	rotate()
	w.Clock().Advance(time.Minute)
	next() // the first password expires at the second rotation at the latest
	open(false, true, true)
	w.Clock().Advance(59 * time.Minute)
	w.send("GET /addons/kvs-a", "").is(200)
	open(false, true, true)
	w.Clock().Advance(time.Minute)
	w.send("GET /addons/kvs-a", "").is(200)
	open(false, false, true)
}
