// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package sandbox_test

import (
	"bufio"
	"encoding/json"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/sandbox"
)

// asBrowser is the Accept header with which a browser requests a page.
const asBrowser = "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"

var controlToken = regexp.MustCompile(`name="sandbox-control" content="([^"]+)"`)

func TestPage_isForBrowsersAndHasOneTokenPerSandbox(t *testing.T) {
	t.Parallel()
	w := start(t)
	page := w.send("GET /", "", asBrowser, "Authorization:").is(200)
	for name, want := range map[string]string{
		"Content-Type": "text/html; charset=utf-8", "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff",
		"X-Frame-Options": "DENY", "Referrer-Policy": "no-referrer", "Cross-Origin-Resource-Policy": "same-origin", "Set-Cookie": "",
	} {
		if got := page.header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	policy := page.header.Get("Content-Security-Policy")
	for _, directive := range []string{"default-src 'none'", "script-src 'self'", "style-src 'self'", "connect-src 'self'", "base-uri 'none'",
		"form-action 'none'", "frame-ancestors 'none'", "require-trusted-types-for 'script'"} {
		if !strings.Contains(policy+";", directive+";") {
			t.Errorf("the policy lacks %s: %s", directive, policy)
		}
	}
	if strings.Contains(policy, "unsafe") {
		t.Errorf("the policy allows something unsafe: %s", policy)
	}
	if len(w.Journal()) != 0 {
		t.Error("the page is in the journal")
	}
	// All files of the page are served by the sandbox.
	for _, file := range regexp.MustCompile(`(?:src|href)="(/[^"]+)"`).FindAllStringSubmatch(page.body, -1) {
		a := w.send("GET "+file[1], "", "Accept:", "Authorization:").is(200)
		if a.header.Get("X-Content-Type-Options") != "nosniff" || a.header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %v", file[1], a.header)
		}
		for _, module := range regexp.MustCompile(`from "\./([^"]+)"`).FindAllStringSubmatch(a.body, -1) {
			w.send("GET /__sandbox/page/"+module[1], "", "Accept:").is(200)
		}
		if strings.Contains(strings.ReplaceAll(a.body, "http://www.w3.org/2000/svg", ""), "://") {
			t.Errorf("%s names another host", file[1])
		}
	}
	w.send("GET /__sandbox/page/nothing.js", "").is(404)
	w.send("GET /__sandbox/page/../page.go", "").is(404)
	if token := controlToken.FindStringSubmatch(page.body); token == nil || len(token[1]) < 32 || token[1] == w.Token() {
		t.Errorf("the token is %q", token)
	}
	if other := start(t).send("GET /", "", asBrowser).is(200); other.body == page.body {
		t.Error("two sandboxes with the same seed have the same token")
	}
	// Heroku's API has no such route, and still answers 404 to other clients.
	w.send("GET /", "").is(404).says("id", "not_found")
	w.send("GET /", "", "Accept: */*", "Authorization:").is(401)
	w.send("POST /", `{}`, asBrowser).is(406)
}

// Requests that change something need the page's token if they come from a browser, and only then.
func TestPage_tokenIsForBrowsers(t *testing.T) {
	t.Parallel()
	w := start(t)
	token := controlToken.FindStringSubmatch(w.send("GET /", "", asBrowser).body)[1]
	own, with := "Origin: "+w.URL(), "X-Sandbox-Control: "+token
	for _, line := range []string{"POST clock", "POST faults", "DELETE faults", "DELETE faults/x", "DELETE journal", "POST failover",
		"POST standby", "POST restart", "POST maintenances"} {
		line = strings.Replace(line, " ", " /__sandbox/", 1)
		for name, headers := range map[string][]string{
			"no token":             {own},
			"no origin":            {"Sec-Fetch-Site: same-origin"},
			"a mode only":          {"Sec-Fetch-Mode: cors"},
			"another token":        {own, "X-Sandbox-Control: " + strings.ToUpper(token)},
			"the token of the API": {own, "X-Sandbox-Control: " + w.Token()},
			"a part of it":         {own, "X-Sandbox-Control: " + token[:8]},
			"who typed it":         {"Sec-Fetch-Site: none"},
		} {
			if a := w.send(line, `{"store":"x"}`, headers...); a.status != 403 {
				t.Errorf("%s with %s: %d", line, name, a.status)
			}
		}
		if a := w.send(line, `{"store":"x"}`, own, "Sec-Fetch-Site: same-origin", with); a.status == 403 {
			t.Errorf("%s with the token: 403", line)
		}
		if a := w.send(line, `{"store":"x"}`); a.status == 403 {
			t.Errorf("%s by no browser: 403", line)
		}
		if a := w.send(line, `{"store":"x"}`, "Origin: https://evil.example", with); a.status != 403 {
			t.Errorf("%s with the token, of another origin: %d", line, a.status)
		}
	}
	w.send("GET /__sandbox/world", "", own, "Sec-Fetch-Site: same-origin").is(200)
}

func TestPage_refusesTheRequestsOfOthers(t *testing.T) {
	t.Parallel()
	w := start(t)
	for _, path := range []string{"/", "/__sandbox/world", "/__sandbox/events", "/__sandbox/page/page.js", "/__sandbox/journal?max=1",
		"/__sandbox/ledger"} {
		for _, header := range []string{"Origin: https://evil.example", "Origin: null", "Sec-Fetch-Site: cross-site",
			"Sec-Fetch-Site: same-site"} {
			if a := w.send("GET "+path, "", asBrowser, header); a.status != 403 || strings.Contains(a.body, "sandbox-control") {
				t.Errorf("%s with %s: %d", path, header, a.status)
			}
		}
		if a, err := w.tryHost("GET "+path, "", "evil.example", asBrowser); err != nil || a.status != 403 {
			t.Errorf("%s of another host: %d, %v", path, a.status, err)
		}
	}
}

func TestPage_worldHasNamesAndStatesButNoSecret(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.app("orders-api")
	w.store("orders-api", "orders-cache", "premium-0")
	w.send("POST /apps/orders-api/addons", `{"plan":"papertrail:choklad","name":"orders-logs"}`).is(201)
	w.space("acme-prod")
	w.inject(`{"match":{"path":"/account"},"do":{"status":503}}`)
	secrets := canaries(t, w)
	a := w.send("GET /__sandbox/world", "", "Authorization:", "Accept:").is(200)
	a.says("now", w.Clock().Now().Format(time.RFC3339)).says("ticks", "false").says("engine", "miniredis").
		says("apps.0.name", "orders-api").says("apps.0.config_vars", `["API_SECRET","PAPERTRAIL_API_TOKEN","REDIS_URL"]`).
		says("apps.0.processes.0", "web 1 × Standard-1X").says("add_ons.0.name", "orders-cache").says("add_ons.0.plan", "premium-0").
		says("add_ons.0.state", "provisioned").says("add_ons.0.store.status", "Available").says("add_ons.0.store.version", "7.2.4").
		says("add_ons.0.store.limit", "52428800").says("add_ons.1.store", "null").says("attachments.length", "2").
		says("spaces.0.name", "acme-prod").says("spaces.0.ranges.0", "0.0.0.0/0").says("teams.1.name", "acme-data").
		says("faults.0.do.status", "503").says("ledger.living", "3")
	for _, secret := range secrets {
		if strings.Contains(a.body, secret) {
			t.Errorf("the world has %q", secret)
		}
	}
	// It does not apply due events: only open pages and API requests do.
	w.send("POST /apps/orders-api/addons", `{"plan":"heroku-redis:mini","name":"a-small-one"}`).is(201)
	w.Clock().Advance(time.Minute)
	w.send("GET /__sandbox/world", "").says("add_ons.0.name", "a-small-one").says("add_ons.0.state", "provisioning").
		says("add_ons.0.next.kind", "provisioned")
	w.send("GET /account", "").is(503)
	w.Clear()
	w.send("GET /account", "").is(200)
	w.send("GET /__sandbox/world", "").says("add_ons.0.state", "provisioned").says("add_ons.0.next", "null")
}

func TestJournal_isReadInParts(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.app("orders-api")
	for range 9 {
		w.send("GET /apps", "").is(200)
	}
	w.send("GET /nothing?a=b", "").is(404)
	w.send("GET /__sandbox/journal?max=3", "").is(200).says("length", "3").says("0.seq", "9").says("2.seq", "11")
	w.send("GET /__sandbox/journal?max=3&before=9", "").is(200).says("length", "3").says("0.seq", "6").says("2.seq", "8")
	w.send("GET /__sandbox/journal?before=2", "").is(200).says("length", "1").says("0.path", "/teams/apps")
	w.send("GET /__sandbox/journal?contains=post%20/TEAMS", "").is(200).says("length", "1").says("0.seq", "1")
	w.send("GET /__sandbox/journal?contains=%3Fa%3Db%20404", "").is(200).says("length", "1").says("0.seq", "11")
	w.send("GET /__sandbox/journal?contains=nowhere", "").is(200).says("length", "0")
	w.send("GET /__sandbox/journal", "").is(200).says("length", "11")
	for _, query := range []string{"max=0", "max=x", "before=-1", "limit=3", "max="} {
		w.send("GET /__sandbox/journal?"+query, "").is(422)
	}
	w.ResetJournal()
	w.send("GET /__sandbox/journal?max=3", "").is(200).says("length", "0")
}

// stream reads the names and data of events.
type stream struct {
	t     *testing.T
	lines *bufio.Scanner
}

func (w world) listen(t *testing.T) stream {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.URL()+"/__sandbox/events", nil)
	must(t, err)
	response, err := http.DefaultClient.Do(r)
	must(t, err)
	t.Cleanup(func() { _ = response.Body.Close() })
	if kind := response.Header.Get("Content-Type"); response.StatusCode != 200 || kind != "text/event-stream" {
		t.Fatalf("%s, %s", response.Status, kind)
	}
	return stream{t, bufio.NewScanner(response.Body)}
}

// until waits for an event of this kind that meets a condition.
func (s stream) until(kind string, is func(event eventData) bool) eventData {
	s.t.Helper()
	of := ""
	for s.lines.Scan() {
		if name, ok := strings.CutPrefix(s.lines.Text(), "event: "); ok {
			of = name
		}
		data, ok := strings.CutPrefix(s.lines.Text(), "data: ")
		if !ok || of != kind {
			continue
		}
		var event eventData
		must(s.t, json.Unmarshal([]byte(data), &event))
		if is(event) {
			return event
		}
	}
	s.t.Fatalf("the stream ended: %v", s.lines.Err())
	return eventData{}
}

type eventData struct {
	Version  int
	Requests []sandbox.Request
	First    int
	Missed   bool
}

func (e eventData) has(path string, status int) bool {
	return slices.ContainsFunc(e.Requests, func(q sandbox.Request) bool { return q.Path == path && q.Status == status })
}

func TestPage_eventsSayWhatHappens(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.app("before")
	events := w.listen(t)
	first := events.until("changed", func(eventData) bool { return true }).Version
	w.app("orders-api")
	events.until("journal", func(e eventData) bool {
		if e.has("/teams/apps", 201) && len(e.Requests) != 1 {
			t.Errorf("more than one line: %+v", e)
		}
		return e.has("/teams/apps", 201)
	})
	changed := events.until("changed", func(e eventData) bool { return e.Version > first }).Version
	// A request without a response is sent, and sent again when it has one.
	w.inject(`{"match":{"path":"/account","times":1},"do":{"hang":true}}`)
	answered := make(chan struct{})
	go func() { defer close(answered); _, _ = w.try("GET /account", "") }()
	events.until("journal", func(e eventData) bool { return e.has("/account", 0) })
	// Reads do not change the world.
	w.send("GET /apps", "").is(200)
	events.until("journal", func(e eventData) bool { return e.has("/apps", 200) })
	// Due events are applied without a request, and an advance of the clock is sent.
	w.send("POST /apps/orders-api/addons", `{"plan":"heroku-redis:premium-0","name":"orders-cache"}`).is(201)
	w.Clock().Advance(time.Minute)
	for w.send("GET /__sandbox/world", "").get("add_ons.0.state") != "provisioned" {
		changed = events.until("changed", func(e eventData) bool { return e.Version > changed }).Version
	}
	w.ResetJournal()
	events.until("journal", func(e eventData) bool { return e.First > 1 && len(e.Requests) == 0 })
	must(t, w.Close())
	<-answered
	if events.lines.Scan() && events.lines.Err() == nil && events.lines.Text() != "" {
		t.Errorf("after the end: %q", events.lines.Text())
	}
}
