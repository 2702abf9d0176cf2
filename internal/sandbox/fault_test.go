// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package sandbox_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/sandbox"
)

// inject adds a fault, given as JSON, and returns its id.
func (w world) inject(fault string) string {
	w.t.Helper()
	return w.send("POST /__sandbox/faults", fault, "Authorization:", "Accept:").is(201).get("id")
}

func TestFault_strikesTheRequestsItMatches(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		match  string
		struck string // which of these requests: GET /apps/orders-api three times, GET /apps, POST /apps
	}{
		"all":                         {`{}`, "xxxxx"},
		"one method":                  {`{"method":"post"}`, "....x"},
		"one path":                    {`{"path":"/apps/orders-api"}`, "xxx.."},
		"a glob within a segment":     {`{"path":"/apps/*"}`, "xxx.."},
		"a glob across segments":      {`{"path":"/**"}`, "xxxxx"},
		"a regular expression":        {`{"path":"^/apps$"}`, "...xx"},
		"the second":                  {`{"path":"/apps/*","nth":2}`, ".x..."},
		"from the second":             {`{"path":"/apps/*","from":2}`, ".xx.."},
		"to the second":               {`{"path":"/apps/*","to":2}`, "xx..."},
		"twice":                       {`{"path":"/apps/*","times":2}`, "xx..."},
		"the name in the body":        {`{"name":"kvs-*"}`, "....x"},
		"another name":                {`{"name":"other-*"}`, "....."},
		"the user agent":              {`{"user_agent":"sandbox"}`, "xxxxx"},
		"another user agent":          {`{"user_agent":"Terraform"}`, "....."},
		"one method and another path": {`{"method":"POST","path":"/apps/*"}`, "....."},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := start(t)
			w.app("orders-api")
			w.inject(`{"match":` + tc.match + `,"do":{"status":503}}`)
			got := ""
			for _, line := range []string{"GET /apps/orders-api", "GET /apps/orders-api", "GET /apps/orders-api", "GET /apps", "POST /apps"} {
				body := ""
				if line == "POST /apps" {
					body = `{"name":"kvs-web"}`
				}
				if w.send(line, body).status == 503 {
					got += "x"
				} else {
					got += "."
				}
			}
			if got != tc.struck {
				t.Errorf("struck %s, want %s", got, tc.struck)
			}
		})
	}
}

func TestFault_answersSomethingElse(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		do     string
		status int
		body   string // part of it; "" = empty
		header string // "Name: value" in the response
		apps   string // number of apps after POST /apps
	}{
		"a status in the envelope": {`{"status":500}`, 500, `"internal_server_error"`, "Content-Type: application/json", "0"},
		"HTML": {`{"status":503,"body":"<html>Maintenance</html>","content_type":"text/html"}`, 503, "<html>",
			"Content-Type: text/html", "0"},
		"an empty body":                {`{"status":502,"body":""}`, 502, "", "", "0"},
		"JSON of one's own":            {`{"status":403,"body":"{\"id\":\"two_factor\",\"message\":\"m\"}"}`, 403, `"two_factor"`, "", "0"},
		"an empty success":             {`{"status":200,"body":""}`, 200, "", "", "0"},
		"429 with Retry-After":         {`{"status":429,"headers":{"Retry-After":"7"}}`, 429, `"rate_limit"`, "Retry-After: 7", "0"},
		"429 and nothing more":         {`{"status":429}`, 429, `"rate_limit"`, "RateLimit-Remaining: 0", "0"},
		"an error after the commit":    {`{"status":502,"commit":true}`, 502, `"Bad Gateway"`, "", "1"},
		"a header on a usual answer":   {`{"headers":{"X-Heroku-Warning":"careful"}}`, 201, `"name"`, "X-Heroku-Warning: careful", "1"},
		"members that nobody knows":    {`{"unknown_fields":true}`, 201, `"sandbox_unknown"`, "", "1"},
		"the usual after some waiting": {`{"delay":"10ms"}`, 201, `"name"`, "", "1"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := start(t)
			id := w.inject(`{"match":{"method":"POST"},"do":` + tc.do + `}`)
			a := w.send("POST /apps", `{"name":"orders-api"}`, "Request-Id: mine").is(tc.status)
			if tc.body == "" && a.body != "" || !strings.Contains(a.body, tc.body) {
				t.Errorf("body %q", a.body)
			}
			if name, value, _ := strings.Cut(tc.header, ": "); name != "" && a.header.Get(name) != value {
				t.Errorf("%s: %q", name, a.header.Get(name))
			}
			if !strings.HasPrefix(a.header.Get("Request-Id"), "mine,") {
				t.Errorf("Request-Id: %q", a.header.Get("Request-Id"))
			}
			if j := w.Journal()[0]; j.Status != tc.status || j.Fault != id || j.Method != "POST" || j.Path != "/apps" {
				t.Errorf("journal: %+v", j)
			}
			w.send("GET /apps", "").says("length", tc.apps)
		})
	}
}

func TestFault_losesTheAnswer(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		do    string
		apps  string // number of apps afterwards
		is    error
		state int // status in the journal
	}{
		"a reset before the request is carried out": {`{"reset":true}`, "0", syscall.ECONNRESET, 0},
		"a reset after the commit":                  {`{"reset":true,"commit":true}`, "1", syscall.ECONNRESET, 0},
		"a truncated body":                          {`{"truncate":true}`, "1", io.ErrUnexpectedEOF, 201},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := start(t)
			w.inject(`{"match":{"method":"POST"},"do":` + tc.do + `}`)
			if _, err := w.try("POST /apps", `{"name":"orders-api"}`); !errors.Is(err, tc.is) {
				t.Errorf("the client sees %v", err)
			}
			if j := w.Journal()[0]; j.Status != tc.state {
				t.Errorf("journal: %+v", j)
			}
			w.send("GET /apps", "").says("length", tc.apps)
		})
	}
}

// The response begins immediately, and its body arrives byte by byte. A client that disconnects in between has lost it.
func TestFault_dripsTheAnswer(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.inject(`{"match":{"method":"POST"},"do":{"drip":"1ms"}}`)
	began := time.Now()
	a := w.send("POST /apps", `{"name":"orders-api"}`).is(201).says("name", "orders-api")
	if took := time.Since(began); took < time.Duration(len(a.body))*time.Millisecond {
		t.Errorf("%d bytes took %v", len(a.body), took)
	}
	w.Clear()
	w.inject(`{"match":{"method":"POST"},"do":{"drip":"1h"}}`)
	ctx, leave := context.WithCancel(t.Context())
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, w.URL()+"/apps", strings.NewReader(`{"name":"orders-web"}`))
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{"Accept": "application/vnd.heroku+json; version=3", "Authorization": "Bearer " + w.Token(),
		"Content-Type": "application/json"} {
		request.Header.Set(name, value)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	leave()
	if body, err := io.ReadAll(answer.Body); answer.StatusCode != 201 || len(body) > 0 || err == nil {
		t.Errorf("%s, %q, %v", answer.Status, body, err)
	}
	w.send("GET /apps", "").says("length", "2")
}

func TestFault_staleReadsSeeTheWorldBeforeTheLastWrite(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.app("orders-api")
	w.inject(`{"match":{"method":"GET","path":"/apps/orders-api","times":2},"do":{"stale":true}}`)
	w.send("GET /apps/orders-api", "").says("maintenance", "false")
	w.send("PATCH /apps/orders-api", `{"maintenance":true}`).says("maintenance", "true")
	w.send("GET /apps/orders-api", "").says("maintenance", "false")
	w.send("GET /apps/orders-api", "").says("maintenance", "true")
}

func TestFault_pagesRepeatOrNeverEnd(t *testing.T) {
	t.Parallel()
	w := start(t, func(o *sandbox.Options) { o.PageSize = 2 })
	for i := range 4 {
		w.app(fmt.Sprintf("app-%d", i))
	}
	w.inject(`{"match":{"path":"/apps","nth":2},"do":{"duplicate_page":true}}`)
	next := "name ..; max=2"
	var seen []string
	for next != "" {
		a := w.send("GET /apps", "", "Range: "+next)
		seen = append(seen, a.get("0.name"))
		next = a.header.Get("Next-Range")
	}
	if got := strings.Join(seen, " "); got != "app-0 app-0 app-2" {
		t.Errorf("pages begin with %s", got)
	}
	w.Clear()
	w.inject(`{"match":{"path":"/apps"},"do":{"endless_pages":true}}`)
	for range 5 {
		w.send("GET /apps", "", "Range: name ]app-3..; max=2").is(206).says("0.name", "app-0")
	}
}

func TestFault_unknownStates(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.app("orders-api")
	w.store("orders-api", "kvs-a", "premium-0")
	w.inject(`{"match":{"path":"/addons*"},"do":{"unknown_enum":true,"unknown_fields":true}}`)
	w.send("GET /addons", "").is(200).says("0.state", "hibernating").says("0.name", "kvs-a").says("0.plan.sandbox_unknown.since", "2030")
}

func TestFault_provisioningIsStuckUntilTheFaultIsCleared(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.app("orders-api")
	id := w.inject(`{"match":{"method":"POST","path":"/apps/*/addons","name":"kvs-*","times":1},"do":{"provisioning":"stuck"}}`)
	w.send("POST /apps/orders-api/addons", `{"plan":"heroku-redis:premium-0","name":"kvs-a"}`).is(201)
	w.Clock().Advance(time.Hour)
	w.send("GET /addons/kvs-a", "").says("state", "provisioning")
	w.send("GET /redis/v0/databases/kvs-a/wait", "").says("waiting?", "true")
	w.send("DELETE /__sandbox/faults/"+id, "").is(204)
	w.send("GET /addons/kvs-a", "").says("state", "provisioned")

	w.inject(`{"match":{"method":"PATCH"},"do":{"plan_change":"stuck"}}`)
	w.send("PATCH /apps/orders-api/addons/kvs-a", `{"plan":"heroku-redis:premium-1"}`).is(200)
	w.Clock().Advance(time.Hour)
	w.send("GET /redis/v0/databases/kvs-a", "").says("plan", "premium-0")
	w.Clear()
	w.send("GET /redis/v0/databases/kvs-a", "").says("plan", "premium-1")
}

func TestFault_provisioningFails(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.app("orders-api")
	w.inject(`{"match":{"method":"POST"},"do":{"provisioning":"fail"}}`)
	w.send("POST /apps/orders-api/addons", `{"plan":"heroku-redis:premium-0","name":"kvs-a"}`).is(201).says("state", "provisioning")
	w.advance()
	w.send("GET /addons/kvs-a", "").is(200).says("state", "deprovisioned").says("config_vars", "[]")
	w.send("GET /apps/orders-api/config-vars", "").says("REDIS_URL", "")
	if l := w.Ledger(); l.Created != 1 || l.Living != 0 {
		t.Errorf("ledger: %+v", l)
	}
	w.send("DELETE /apps/orders-api/addons/kvs-a", "").is(200).says("state", "deprovisioned")
	w.send("GET /addons/kvs-a", "").is(404)
}

func TestFault_deprovisioningTakesTime(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.app("orders-api")
	w.store("orders-api", "kvs-a", "premium-0")
	w.inject(`{"match":{"method":"DELETE"},"do":{"deprovisioning":"30s"}}`)
	w.send("DELETE /apps/orders-api/addons/kvs-a", "").is(202).says("state", "deprovisioning")
	w.send("GET /addons/kvs-a", "").is(200).says("state", "deprovisioning")
	w.send("GET /redis/v0/databases/kvs-a", "").is(404)
	w.send("POST /addon-attachments", `{"addon":"kvs-a","app":"orders-api"}`).is(422)
	w.Clock().Advance(30 * time.Second)
	w.send("GET /addons/kvs-a", "").is(404)
}

func TestInject_panicsOnWhatCannotBeMeant(t *testing.T) {
	t.Parallel()
	w := start(t)
	defer func() {
		if recover() == nil {
			t.Error("a bad pattern was accepted")
		}
	}()
	w.Inject(sandbox.Fault{Match: sandbox.Match{Path: "^("}, Do: sandbox.Effect{Reset: true}})
}
