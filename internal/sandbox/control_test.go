// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package sandbox_test

import (
	"strings"
	"testing"
	"time"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/sandbox"
)

func TestControl_faultsAreListedAndCleared(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.send("GET /__sandbox/faults", "").is(200).says("length", "0")
	a := w.inject(`{"match":{"path":"/account"},"do":{"status":500,"delay":"1ms"}}`)
	w.inject(`{"match":{"path":"/apps"},"do":{"hang":true}}`)
	w.send("GET /account", "").is(500)
	w.send("GET /__sandbox/faults", "").is(200).says("length", "2").says("0.id", a).says("0.seen", "1").says("0.struck",
		"1").says("0.do.delay", "1ms").says("1.struck", "0")
	w.send("DELETE /__sandbox/faults/"+a, "").is(204)
	w.send("DELETE /__sandbox/faults/"+a, "").is(404)
	w.send("GET /account", "").is(200)
	w.send("DELETE /__sandbox/faults", "").is(204)
	w.send("GET /apps", "").is(200)
}

func TestControl_refusesWhatCannotBeMeant(t *testing.T) {
	t.Parallel()
	w := start(t)
	for _, tc := range []struct{ line, body string }{
		{"POST /__sandbox/faults", `{"match":{},"do":{}}`},
		{"POST /__sandbox/faults", `{"match":{"pth":"/x"},"do":{"hang":true}}`},
		{"POST /__sandbox/faults", `{"match":{"path":"^("},"do":{"hang":true}}`},
		{"POST /__sandbox/faults", `{"do":{"provisioning":"slow"}}`},
		{"POST /__sandbox/faults", `{"do":{"plan_change":"fail"}}`},
		{"POST /__sandbox/faults", `{"do":{"fork":"slow"}}`},
		{"POST /__sandbox/failover", `{}`},
		{"POST /__sandbox/restart", `{"name":"kvs-a"}`},
		{"POST /__sandbox/faults", `{"do":{"status":7}}`},
		{"POST /__sandbox/faults", `{"do":{"delay":"soon"}}`},
		{"POST /__sandbox/clock", `{"advance":"-1s"}`},
		{"POST /__sandbox/clock", `{"advance":"a day"}`},
	} {
		if a := w.send(tc.line, tc.body).is(422); a.get("error") == "" {
			t.Errorf("%s %s: no reason in %s", tc.line, tc.body, a.body)
		}
	}
	w.send("GET /__sandbox/nothing", "").is(404)
	// With DNS rebinding, a page in a browser can send requests here, but with another Host header.
	w.send("GET /__sandbox/ledger", "").is(200)
	r, err := w.tryHost("GET /__sandbox/ledger", "", "evil.example")
	if err != nil || r.status != 403 {
		t.Errorf("with another host: %d, %v", r.status, err)
	}
}

// Any web page in a browser on this machine can send requests to the sandbox.
func TestControl_isNotSteeredByThePagesOfOthers(t *testing.T) {
	t.Parallel()
	w := start(t)
	own := "Origin: " + w.URL()
	token := controlToken.FindStringSubmatch(w.send("GET /", "", asBrowser).body)[1]
	for name, test := range map[string]struct {
		line, body string
		headers    []string
		status     int
	}{
		"a form": {"POST /__sandbox/clock", `{"advance":"1h"}`, []string{"Content-Type: text/plain"}, 415},
		"a form of another kind": {"POST /__sandbox/clock", `{"advance":"1h"}`,
			[]string{"Content-Type: application/x-www-form-urlencoded"}, 415},
		"no type at all":                    {"POST /__sandbox/clock", `{"advance":"1h"}`, []string{"Content-Type:"}, 415},
		"a type that only begins like JSON": {"POST /__sandbox/clock", `{"advance":"1h"}`, []string{"Content-Type: application/jsonx"}, 415},
		"another origin":                    {"POST /__sandbox/clock", `{"advance":"1h"}`, []string{"Origin: https://evil.example"}, 403},
		"another port of this machine":      {"POST /__sandbox/clock", `{"advance":"1h"}`, []string{"Origin: http://127.0.0.1:1"}, 403},
		"the same over TLS": {"POST /__sandbox/clock", `{"advance":"1h"}`,
			[]string{"Origin: " + strings.Replace(w.URL(), "http:", "https:", 1)}, 403},
		"a sandboxed frame":                   {"POST /__sandbox/clock", `{"advance":"1h"}`, []string{"Origin: null"}, 403},
		"another site":                        {"POST /__sandbox/clock", `{"advance":"1h"}`, []string{"Sec-Fetch-Site: cross-site"}, 403},
		"another host of the same site":       {"POST /__sandbox/clock", `{"advance":"1h"}`, []string{"Sec-Fetch-Site: same-site"}, 403},
		"another site that removes something": {"DELETE /__sandbox/journal", "", []string{"Origin: https://evil.example"}, 403},
		"another site that reads":             {"GET /__sandbox/journal", "", []string{"Sec-Fetch-Site: cross-site"}, 403},
		"another host that means this":        {"POST /__sandbox/failover", `{"store":"x"}`, []string{"Content-Type: text/plain"}, 415},
		"JSON":                                {"POST /__sandbox/clock", `{"advance":"1h"}`, nil, 200},
		"JSON, with its charset": {"POST /__sandbox/clock", `{"advance":"1h"}`,
			[]string{"Content-Type: application/json; charset=utf-8"}, 200},
		"the same origin without its token": {"POST /__sandbox/clock", `{"advance":"1h"}`, []string{own, "Sec-Fetch-Site: same-origin"}, 403},
		"a page of the sandbox's own": {"POST /__sandbox/clock", `{"advance":"1h"}`,
			[]string{own, "Sec-Fetch-Site: same-origin", "X-Sandbox-Control: " + token}, 200},
		"who types an address":           {"GET /__sandbox/journal", "", []string{"Sec-Fetch-Site: none"}, 200},
		"a shell that removes something": {"DELETE /__sandbox/journal", "", []string{"Accept:", "Authorization:"}, 204},
	} {
		before := w.Clock().Now()
		w.send(test.line, test.body, test.headers...).is(test.status)
		if moved := !w.Clock().Now().Equal(before); moved && test.status != 200 {
			t.Errorf("%s: the clock was moved", name)
		}
	}
}

func TestControl_clockIsReadAndAdvanced(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.send("GET /__sandbox/clock", "").is(200).says("now", "2026-01-14T09:00:00Z")
	w.send("POST /__sandbox/clock", `{"advance":"30s"}`).is(200).says("now", "2026-01-14T09:00:30Z")
	w.send("POST /__sandbox/clock", `{"advance":"2562047h"}`).is(422)
	if !w.Clock().Now().Equal(epoch.Add(30 * time.Second)) {
		t.Error(w.Clock().Now())
	}
}

func TestClock_neverGoesBack(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]*sandbox.Clock{"manual": sandbox.NewClock(time.Now()), "real": sandbox.NewRealClock()} {
		now := c.Now()
		c.Advance(-time.Hour)
		c.AdvanceTo(now.Add(-time.Hour))
		if c.Now().Before(now) {
			t.Errorf("%s: went back", name)
		}
		c.AdvanceTo(now.Add(time.Hour))
		if d := c.Now().Sub(now); d < time.Hour || d > time.Hour+time.Minute {
			t.Errorf("%s: advanced by %s", name, d)
		}
	}
}

func TestJournal_hasEveryRequestInOrderAndNoSecret(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.app("orders-api")
	w.send("PATCH /apps/orders-api/config-vars", `{"SECRET":"canary"}`).is(200)
	w.Clock().Advance(time.Minute)
	w.send("GET /addons?app=orders-api", "").is(200)
	w.send("GET /account", "", "Authorization: Bearer canary").is(401)
	a := w.send("GET /__sandbox/journal", "", "Authorization:", "Accept:").is(200)
	a.says("length", "4") // without the requests to control endpoints
	a.says("0.seq", "1").says("0.method", "POST").says("0.path", "/teams/apps").says("0.status", "201").says("0.user_agent", "sandbox-test")
	a.says("2.time", "2026-01-14T09:01:00Z").says("2.query", "app=orders-api").says("3.status", "401").says("3.seq", "4")
	if strings.Contains(a.body, "canary") || strings.Contains(a.body, w.Token()) {
		t.Errorf("the journal has a secret: %s", a.body)
	}
	w.send("DELETE /__sandbox/journal", "").is(204)
	w.send("GET /account", "").is(200)
	if j := w.Journal(); len(j) != 1 || j[0].Seq != 5 || j[0].RealTime.IsZero() {
		t.Errorf("after a reset: %+v", j)
	}
}

func TestLedger_countsWhatIsBilled(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.send("GET /__sandbox/ledger", "").is(200).says("created", "0").says("objects", "[]")
	w.app("orders-api")
	w.store("orders-api", "kvs-a", "premium-0")
	w.store("orders-api", "kvs-b", "mini")
	w.send("DELETE /apps/orders-api/addons/kvs-a", "").is(200)
	w.send("GET /__sandbox/ledger", "").is(200).says("created", "2").says("destroyed", "1").says("living", "1").says("orphans", "1").
		says("objects.0.kind", "add-on").says("objects.0.name", "kvs-a").says("objects.0.plan", "heroku-redis:premium-0").says("objects.0.app",
		"orders-api").
		says("objects.0.created_at", "2026-01-14T09:00:00Z").says("objects.0.destroyed_at", "2026-01-14T09:00:20Z").says("objects.1.destroyed_at",
		"null")
}
