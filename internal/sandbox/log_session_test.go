// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package sandbox_test

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// stream opens the log stream of a session.
func (w world) stream(body string, header ...string) *bufio.Reader {
	w.t.Helper()
	url := w.send("POST /apps/orders-api/log-sessions", body).is(201).get("logplex_url")
	r, err := http.NewRequestWithContext(w.t.Context(), http.MethodGet, url, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, h := range header {
		r.Header.Set("Accept", h)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = resp.Body.Close() })
	if resp.StatusCode != http.StatusOK {
		w.t.Fatalf("the stream answers %s", resp.Status)
	}
	return bufio.NewReader(resp.Body)
}

func (w world) logOf(body string) string {
	w.t.Helper()
	text, err := io.ReadAll(w.stream(body))
	if err != nil {
		w.t.Fatal(err)
	}
	return string(text)
}

// sampled returns a metric from the log line of a store, by the name of its attachment.
func sampled(t *testing.T, log, source, metric string) string {
	t.Helper()
	m := regexp.MustCompile(`(?m) source=` + source + ` .*sample#` + metric + `=(\S+)`).FindStringSubmatch(log)
	if m == nil {
		t.Fatalf("%s of %s is not in the log:\n%s", metric, source, log)
	}
	return m[1]
}

func TestLog_samplesEveryStoreOfAnAppFromItsServer(t *testing.T) {
	t.Parallel()
	w := start(t, withServers)
	w.app("orders-api")
	w.app("orders-worker")
	w.store("orders-api", "kvs-a", "premium-0")
	w.store("orders-worker", "kvs-w", "mini")
	w.send("POST /addon-attachments", `{"addon":"kvs-w","app":"orders-api","name":"WORK"}`).is(201)
	if got := sampled(t, w.logOf(`{}`), "REDIS", "hit-rate"); got != "1" {
		t.Errorf("the hit rate of a store that nobody has read is %s", got)
	}

	c := w.redis("orders-api", "REDIS_URL")
	must(t, w.Admin(t.Context(), "kvs-a", func(admin *redis.Client) error {
		return admin.ConfigSet(t.Context(), "maxmemory-policy", "allkeys-lru").Err()
	}))
	w.put("orders-api", "REDIS_URL", "there")
	for _, key := range []string{"there", "there", "there", "not-there"} {
		_ = c.Get(t.Context(), key).Err()
	}
	log := w.logOf(`{"lines":10,"tail":false}`)
	lines := strings.Split(strings.TrimSpace(log), "\n")
	format := regexp.MustCompile(
		`^2026-01-14T09:00:20.000000\+00:00 app\[heroku-redis\]: source=(REDIS addon=kvs-a|WORK addon=kvs-w) sample#active-connections=\d+ ` +
			`sample#load-avg-1m=[\d.]+ sample#load-avg-5m=[\d.]+ sample#load-avg-15m=[\d.]+ sample#read-iops=0 sample#write-iops=0 ` +
			`sample#memory-total=\d+kB sample#memory-free=\d+kB sample#memory-cached=\d+kB sample#memory-redis=\d{5,}bytes sample#hit-rate=[\d.]+ sample#evicted-keys=0$`)
	if len(lines) != 2 || !format.MatchString(lines[0]) || !format.MatchString(lines[1]) {
		t.Errorf("the log is\n%s", log)
	}
	for metric, want := range map[string]string{"active-connections": "2", "hit-rate": "0.75"} {
		if got := sampled(t, log, "REDIS", metric); got != want {
			t.Errorf("%s is %s, want %s", metric, got, want)
		}
	}
	if got := sampled(t, log, "WORK", "active-connections"); got != "0" {
		t.Errorf("%s clients of a store that nobody uses", got)
	}

	// Keys are evicted when the memory is full, and a reset clears the statistics.
	for i := range 80 {
		must(t, c.Set(t.Context(), fmt.Sprint("big:", i), strings.Repeat("x", 1<<20), 0).Err())
	}
	if got := sampled(t, w.logOf(`{}`), "REDIS", "evicted-keys"); len(got) < 2 {
		t.Errorf("%s keys were evicted", got)
	}
	w.send("POST /redis/v0/databases/kvs-a/stats/reset", `{}`).is(200)
	if log := w.logOf(`{}`); sampled(t, log, "REDIS", "evicted-keys") != "0" || sampled(t, log, "REDIS", "hit-rate") != "1" {
		t.Errorf("after the reset the log says\n%s", log)
	}
}

func TestLog_isFollowedByTheClock(t *testing.T) {
	t.Parallel()
	w := start(t, withServers)
	w.app("orders-api")
	w.store("orders-api", "kvs-a", "premium-0")
	events := w.stream(`{"tail":true,"lines":0}`, "text/event-stream")
	for minute := range 3 {
		w.Clock().Advance(time.Minute)
		line, err := events.ReadString('\n')
		if want := fmt.Sprintf("data: 2026-01-14T09:%02d:10.000000+00:00 app[heroku-redis]: source=REDIS ", minute+1); err != nil ||
			!strings.HasPrefix(line, want) {
			t.Fatalf("the event is %q, %v; want %q", line, err, want)
		}
		if end, err := events.ReadString('\n'); end != "\n" {
			t.Fatalf("the event ends with %q, %v", end, err)
		}
	}
}

func TestLog_hasTheLinesThatAreAskedFor(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.app("orders-api")
	w.store("orders-api", "kvs-a", "premium-0")
	w.store("orders-api", "kvs-b", "mini")
	for body, lines := range map[string]int{
		`{}`: 2, `{"lines":1}`: 1, `{"lines":0}`: 0, `{"dyno":"heroku-redis"}`: 2, `{"type":"heroku-redis","source":"app"}`: 2,
		`{"dyno":"web"}`: 0, `{"dyno_name":"web.1"}`: 0, `{"source":"heroku"}`: 0,
	} {
		if got := strings.Count(w.logOf(body), "\n"); got != lines {
			t.Errorf("%s: %d lines, want %d", body, got, lines)
		}
	}
	w.send("POST /apps/orders-api/log-sessions", `{"lines":-1}`).is(422)
	w.send("POST /apps/nowhere/log-sessions", `{}`).is(404)
	path := strings.TrimPrefix(w.send("POST /apps/orders-api/log-sessions", `{}`).get("logplex_url"), w.URL())
	w.send("GET "+path, "", "Authorization:", "Accept:").is(200)
	w.Clock().Advance(5 * time.Minute)
	w.send("GET "+path, "", "Authorization:", "Accept:").is(404)
}
