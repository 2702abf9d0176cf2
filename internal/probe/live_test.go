// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package probe_test

import (
	"context"
	"fmt"
	"maps"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/acctest"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/probe"
)

// These tests use real servers, behind the sandbox's stores.

func TestMain(m *testing.M) { acctest.Main(m) }

// store creates a store on a plan and returns its URL.
func store(t *testing.T, sb *acctest.Sandbox, app heroku.App, name, plan string) string {
	t.Helper()
	client := sb.Client(t)
	addOn, err := client.CreateAddOn(t.Context(), app.ID, heroku.AddOnCreate{Plan: "heroku-redis:" + plan, Name: name})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.WaitAddOnProvisioned(t.Context(), addOn.ID, time.Hour); err != nil {
		t.Fatal(err)
	}
	ready, err := client.WaitStoreAvailable(t.Context(), addOn.ID, "", time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	return ready.ResourceURL.Reveal()
}

func premium(t *testing.T) (sb *acctest.Sandbox, storeURL string) {
	t.Helper()
	sb = acctest.Start(t)
	app, err := sb.Client(t).CreateApp(t.Context(), heroku.AppCreate{Name: "orders-web"})
	if err != nil {
		t.Fatal(err)
	}
	return sb, store(t, sb, app, "orders-cache", "premium-0")
}

// replicationsBegun returns the statistics about replication, which Look must not change.
func replicationsBegun(t *testing.T, client *redis.Client) string {
	t.Helper()
	info, err := client.Info(t.Context()).Result()
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for line := range strings.Lines(info) {
		for _, field := range []string{"sync_full:", "sync_partial_ok:", "sync_partial_err:", "connected_slaves:", "repl_backlog_active:",
			"total_forks:"} {
			if strings.HasPrefix(line, field) {
				found = append(found, strings.TrimSpace(line))
			}
		}
	}
	return strings.Join(found, " ")
}

func TestLook(t *testing.T) {
	t.Parallel()
	sb, storeURL := premium(t)
	client := sb.Redis(t, "orders-cache")
	expiry := map[int]time.Duration{7: time.Hour}
	for database, keys := range map[int]int{0: 3, 7: 2} {
		in := client.Conn()
		if err := in.Select(t.Context(), database).Err(); err != nil {
			t.Fatal(err)
		}
		for i := range keys {
			if err := in.Set(t.Context(), fmt.Sprint("key", i), "value", expiry[database]).Err(); err != nil {
				t.Fatal(err)
			}
		}
		for i := range 4 {
			_ = in.Get(t.Context(), fmt.Sprint("key", i)).Err()
		}
		_ = in.Close()
	}
	before := replicationsBegun(t, client)

	got, err := probe.Look(t.Context(), storeURL, probe.Options{InsecureTLS: true})
	if err != nil {
		t.Fatal(err)
	}
	if !got.TLS || got.Server == "" || !strings.Contains(got.Version, ".") || got.Role != "primary" {
		t.Errorf("the server is not described: %+v", got)
	}
	if got.MaxMemory != 50<<20 || got.UsedMemory < 100_000 || got.UsedMemory > got.MaxMemory || got.PeakMemory < got.UsedMemory/2 {
		t.Errorf("memory: %d used, %d peak, %d at most", got.UsedMemory, got.PeakMemory, got.MaxMemory)
	}
	if got.ConnectedClients < 1 || got.MaxClients < 40 || got.EvictionPolicy != "noeviction" || got.EvictedKeys != 0 {
		t.Errorf("clients or eviction: %+v", got)
	}
	if got.Hits != 5 || got.Misses != 3 {
		t.Errorf("%d hits and %d misses, want 5 and 3", got.Hits, got.Misses)
	}
	if rate, known := got.HitRate(); !known || rate != 0.625 {
		t.Errorf("hit rate %v (%t), want 0.625", rate, known)
	}
	if !maps.Equal(got.Keys, map[int]int64{0: 3, 7: 2}) {
		t.Errorf("keys %v", got.Keys)
	}
	if !maps.Equal(got.Expiring, map[int]int64{7: 2}) {
		t.Errorf("expiring %v", got.Expiring)
	}
	if count, known := got.KeyCount(); count != 5 || !known {
		t.Errorf("%d keys (%t), want 5", count, known)
	}
	if !got.CanFork {
		t.Error("it cannot be forked from")
	}
	if after := replicationsBegun(t, client); after != before || !strings.Contains(after, "sync_full:0") {
		t.Errorf("the look began a replication: %q before, %q after", before, after)
	}
}

func TestLook_emptyStore(t *testing.T) {
	t.Parallel()
	_, storeURL := premium(t)
	got, err := probe.Look(t.Context(), storeURL+"?ssl_cert_reqs=none", probe.Options{InsecureTLS: true})
	if err != nil {
		t.Fatal(err)
	}
	if count, known := got.KeyCount(); count != 0 || !known {
		t.Errorf("%d keys (%t), want a known 0", count, known)
	}
	if _, known := got.HitRate(); known {
		t.Error("a hit rate without a read")
	}
}

// CanFork is right for ACL rules of a real server, and finding out starts no replication.
func TestLook_canFork(t *testing.T) {
	t.Parallel()
	sb, storeURL := premium(t)
	client := sb.Redis(t, "orders-cache")
	before := replicationsBegun(t, client)
	for name, test := range map[string]struct {
		rules []any
		want  bool
	}{
		"anything":                        {[]any{"+@all"}, true},
		"all but replication":             {[]any{"+@all", "-psync", "-sync"}, false},
		"nothing dangerous but INFO":      {[]any{"+@all", "-@dangerous", "+info"}, false},
		"all but ACL":                     {[]any{"+@all", "-acl"}, true},
		"who it is, but no dry run":       {[]any{"+@all", "-acl|dryrun"}, true},
		"neither ACL nor replication":     {[]any{"+@all", "-acl", "-psync", "-sync", "-replconf"}, false},
		"only to replicate and to inform": {[]any{"+psync", "+replconf", "+info", "+ping"}, true},
		"only to inform":                  {[]any{"+info"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			user := strings.ReplaceAll(name, " ", "-")
			if err := sb.Admin(t.Context(), "orders-cache", func(admin *redis.Client) error {
				return admin.Do(t.Context(), append([]any{"ACL", "SETUSER", user, "on", ">secret", "~*", "&*"}, test.rules...)...).Err()
			}); err != nil {
				t.Fatal(err)
			}
			as, _ := url.Parse(storeURL)
			as.User = url.UserPassword(user, "secret")
			got, err := probe.Look(t.Context(), as.String(), probe.Options{InsecureTLS: true})
			if err != nil {
				t.Fatal(err)
			}
			if got.CanFork != test.want || got.Version == "" {
				t.Errorf("can fork: %t, want %t", got.CanFork, test.want)
			}
		})
	}
	if after := replicationsBegun(t, client); after != before {
		t.Errorf("a look began a replication: %q before, %q after", before, after)
	}
}

func TestLook_privateStore(t *testing.T) {
	t.Parallel()
	sb := acctest.Start(t)
	client := sb.Client(t)
	space, err := client.CreateSpace(t.Context(), heroku.SpaceCreate{Name: "acme-prod", Team: "acme"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.WaitSpaceAllocated(t.Context(), space.ID, time.Hour); err != nil {
		t.Fatal(err)
	}
	app, err := client.CreateApp(t.Context(), heroku.AppCreate{Name: "orders-api", Space: "acme-prod"})
	if err != nil {
		t.Fatal(err)
	}
	storeURL := store(t, sb, app, "orders-private", "private-7")

	if _, err := probe.Look(t.Context(), storeURL, probe.Options{InsecureTLS: true}); reason(err) != probe.ReasonDNS {
		t.Errorf("from outside: %v, want %s", err, probe.ReasonDNS)
	}
	inside := probe.Options{InsecureTLS: true, Dial: sb.DynoDial("orders-api")}
	got, err := probe.Look(t.Context(), storeURL, inside)
	if err != nil || got.MaxMemory != 7<<30 || !got.TLS {
		t.Errorf("from a dyno: %v, %+v", err, got)
	}
	elsewhere := probe.Options{InsecureTLS: true, Dial: sb.DynoDial("no-such-app")}
	if _, err := probe.Look(t.Context(), storeURL, elsewhere); reason(err) != probe.ReasonRefused {
		t.Errorf("from elsewhere: %v, want %s", err, probe.ReasonRefused)
	}
}

// miniredis reports few fields of INFO. Key counts that it does not report are unknown, and not 0.
func TestLook_miniredis(t *testing.T) {
	t.Parallel()
	server := miniredis.RunT(t)
	server.RequireAuth("secret")
	if err := server.Set("key", "value"); err != nil {
		t.Fatal(err)
	}
	got, err := probe.Look(t.Context(), "redis://:secret@"+server.Addr(), probe.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if got.TLS || got.Server != "" || got.Version != "" || got.CanFork || got.ConnectedClients != 1 {
		t.Errorf("%+v", got)
	}
	if _, known := got.KeyCount(); known {
		t.Error("keys that the server did not count")
	}
}

func TestLook_endsWithItsContext(t *testing.T) {
	t.Parallel()
	silent := listen(t, func(conn connection) { conn.untilClosed() })
	for name, scheme := range map[string]string{"waiting for an answer": "redis", "waiting for TLS": "rediss"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithCancel(t.Context())
			timer := time.AfterFunc(50*time.Millisecond, cancel)
			defer timer.Stop()
			_, err := probe.Look(ctx, scheme+"://:secret@"+silent, probe.Options{Timeout: time.Minute})
			if err == nil || !strings.Contains(err.Error(), "context canceled") || reason(err) != "" {
				t.Errorf("%v", err)
			}
		})
	}
}
