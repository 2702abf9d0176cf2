// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package sandbox_test

import (
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/sandbox"
)

func TestRequest_isRefused(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.app("orders-api")
	tests := map[string]struct {
		line, body string
		headers    []string
		status     int
		id         string
		message    string // part of it
	}{
		"without a token": {"GET /account", "", []string{"Authorization:"}, 401, "unauthorized", "no credentials"},
		"with a wrong token": {"GET /account", "", []string{"Authorization: Bearer nope"}, 401, "unauthorized",
			"Invalid credentials"},
		"with an unknown scheme": {"GET /account", "", []string{"Authorization: Token " + w.Token()}, 401, "unauthorized",
			"Invalid credentials"},
		"without a version":        {"GET /account", "", []string{"Accept: application/json"}, 406, "not_acceptable", "version"},
		"without an Accept header": {"GET /account", "", []string{"Accept:"}, 406, "not_acceptable", "version"},
		"with version 2": {"GET /account", "", []string{"Accept: application/vnd.heroku+json; version=2"}, 406,
			"not_acceptable", "version"},
		"with version 30": {"GET /account", "", []string{"Accept: application/vnd.heroku+json; version=30"}, 406,
			"not_acceptable", "version"},
		"at an unknown endpoint":   {"GET /nothing", "", nil, 404, "not_found", "endpoint"},
		"with an unknown verb":     {"PUT /apps", "{}", nil, 404, "not_found", "verb"},
		"with malformed JSON":      {"POST /apps", `{"name":`, nil, 400, "bad_request", "JSON"},
		"with an array for a body": {"POST /apps", `[1]`, nil, 400, "bad_request", "JSON"},
		"with null for a body":     {"POST /apps", `null`, nil, 400, "bad_request", "JSON"},
		"with an object that names nothing": {"POST /apps", `{"region":{}}`, nil, 400, "bad_request",
			"region: a reference without id and name"},
		"with an object of an empty name": {"POST /teams/apps", `{"team":{"name":""}}`, nil, 400, "bad_request", "team"},
		"with a misspelt name of an object": {"POST /apps", `{"stack":{"nam":"heroku-24"}}`, nil, 422, "invalid_params",
			"Unknown params: stack:nam."},
		"with a number for an object": {"POST /apps", `{"region":7}`, nil, 400, "bad_request", "region"},
		"with an option of a number": {"POST /apps/orders-api/addons",
			`{"plan":"heroku-redis:mini","config":{"timeout":60}}`, nil, 400, "bad_request", "60"},
		"with an option of null": {"POST /apps/orders-api/addons",
			`{"plan":"heroku-redis:mini","config":{"fork":null}}`, nil, 400, "bad_request", "null"},
		"with an option of an object": {"POST /apps/orders-api/addons",
			`{"plan":"heroku-redis:mini","config":{"fork":{}}}`, nil, 400, "bad_request", "{}"},
		"with a log drain to nothing": {"POST /apps/orders-api/log-drains", `{"url":""}`, nil, 422, "invalid_params", "Url is invalid"},
		"with an unknown stack":       {"POST /apps", `{"stack":"heroku-99"}`, nil, 404, "not_found", "stack"},
		"with a form for a body": {"POST /apps", `name=a`, []string{"Content-Type: application/x-www-form-urlencoded"}, 415,
			"unsupported_media_type", "JSON"},
		"with JSON that is not said to be": {"POST /apps", `{"name":"abc"}`, []string{"Content-Type:"}, 415,
			"unsupported_media_type", "JSON"},
		"with a parameter of the wrong type": {"POST /apps", `{"name":7}`, nil, 400, "bad_request", "name"},
		"with an unknown parameter": {"POST /apps", `{"space":"x","team":"y"}`, nil, 422, "invalid_params",
			"Unknown params: space, team."},
		"with a nested unknown parameter": {"POST /apps/orders-api/addons", `{"plan":"heroku-redis:mini","attachment":{"nam":"X"}}`, nil,
			422, "invalid_params", "Unknown params: attachment:nam."},
		"with an unknown parameter in a list": {"PATCH /apps/orders-api/formation", `{"updates":[{"typ":"web"}]}`, nil,
			422, "invalid_params",
			"Unknown params: updates:typ."},
		"larger than a mebibyte": {"POST /apps", `{"name":"` + strings.Repeat("a", 1<<20) + `"}`, nil, 400, "bad_request", "larger"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := w
			w.t = t
			a := w.send(tc.line, tc.body, tc.headers...).is(tc.status).says("id", tc.id)
			if !strings.Contains(a.get("message"), tc.message) {
				t.Errorf("the message %q does not say %q", a.get("message"), tc.message)
			}
		})
	}
}

func TestRequest_isAcceptedInEveryFormThatClientsUse(t *testing.T) {
	t.Parallel()
	w := start(t)
	basic := func(user string) string {
		return "Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+w.Token()))
	}
	for _, headers := range [][]string{
		{basic("")}, {basic("ops@acme.example")}, {"Authorization: bearer " + w.Token()},
		{"Accept: application/vnd.heroku+json; version=3.sdk"}, {"Accept: application/vnd.heroku+json;version=3.fir"},
		{"Accept: */*, application/vnd.heroku+json; version=3"},
	} {
		w.send("GET /account", "", headers...).is(200)
	}
	for _, public := range []string{"/regions", "/addon-services", "/addon-services/heroku-redis/plans", "/plans/heroku-redis:premium-0"} {
		w.send("GET "+public, "", "Authorization:").is(200)
	}
	w.send("POST /apps", "").is(201)
	w.send("POST /apps", "{}").is(201)
	w.app("orders-api")
	w.send("POST /apps/orders-api", `{"maintenance":true}`, "X-HTTP-Method-Override: PATCH").is(200).says("maintenance", "true")
}

func TestAnswer_carriesTheHeadersThatClientsRead(t *testing.T) {
	t.Parallel()
	w := start(t)
	a := w.send("GET /account", "", "Request-Id: 1b9c7a55-5f0f-4a8e-9a53-0b6a3f1d2c4e,second").is(200)
	ids := strings.Split(a.header.Get("Request-Id"), ",")
	if len(ids) != 3 || ids[0] != "1b9c7a55-5f0f-4a8e-9a53-0b6a3f1d2c4e" || ids[1] != "second" {
		t.Errorf("Request-Id: %q is not the client's ids and one more", ids)
	}
	if j := w.Journal(); j[len(j)-1].RequestID != ids[2] {
		t.Errorf("the journal has request id %q, the answer %q", j[len(j)-1].RequestID, ids[2])
	}
	for name, want := range map[string]string{
		"Content-Type": "application/json", "Cache-Control": "private, no-cache", "RateLimit-Multiplier": "1",
		"RateLimit-Remaining": "4499",
		"Oauth-Scope":         "global",
	} {
		if got := a.header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	etag := a.header.Get("ETag")
	again := w.send("GET /account", "", "If-None-Match: "+etag).is(304)
	if again.body != "" || again.header.Get("ETag") != etag || again.header.Get("RateLimit-Remaining") != "4498" {
		t.Errorf("304 with body %q, headers %v", again.body, again.header)
	}
	w.send("GET /account", "", `If-None-Match: "other"`).is(200)
}

func TestRateLimit_isABucketPerAccountThatRefillsOverTime(t *testing.T) {
	t.Parallel()
	w := start(t, func(o *sandbox.Options) { o.RateLimit = 3 })
	w.app("orders-api")
	w.store("orders-api", "kvs-a", "mini") // three requests
	limited := w.send("GET /account", "").is(429).says("id", "rate_limit")
	if got := limited.header.Get("RateLimit-Remaining"); got != "0" {
		t.Errorf("RateLimit-Remaining: %q", got)
	}
	w.send("GET /account/rate-limits", "").is(200).says("remaining", "0")
	w.send("GET /redis/v0/databases/kvs-a/wait", "").is(200) // the Data API has its own limits
	w.as(w.MemberToken()).send("GET /account", "").is(200)
	w.Clock().Advance(20 * time.Minute)
	w.send("GET /account/rate-limits", "").is(200).says("remaining", "1")
	w.send("GET /account", "").is(200)
	w.send("GET /account", "").is(429)
	w.Clock().Advance(24 * time.Hour)
	w.send("GET /account/rate-limits", "").is(200).says("remaining", "3")
}

// The Heroku CLI up to version 10.2 requests plain JSON from the Data API; later ones request a version of the API.
func TestRequest_theDataAPITakesPlainJSON(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.app("orders-api")
	w.store("orders-api", "orders-cache", "premium-0")
	id := w.send("GET /addons/orders-cache", "").get("id")
	for accept, status := range map[string]int{
		"application/json": 200, "application/vnd.heroku+json; version=3.sdk": 200, "text/html": 406, "": 406,
		"application/vnd.heroku+json; version=2": 406,
	} {
		for _, line := range []string{"GET /redis/v0/databases/orders-cache", "PATCH /redis/v0/databases/orders-cache/config",
			"GET /data/maintenances/v1/" + id} {
			w.send(line, "", "Accept: "+accept).is(status)
		}
	}
}

func TestRequest_webPagesOfOthersGetNothing(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.app("orders-api")
	session := strings.TrimPrefix(w.send("POST /apps/orders-api/log-sessions", "").is(201).get("logplex_url"), w.URL())
	for _, line := range []string{"GET /account", "POST /apps", "GET /regions", "GET /redis/v0/databases/x",
		"GET /nothing", "GET " + session,
		"OPTIONS /apps", "GET /__sandbox/journal"} {
		for _, header := range []string{"Origin: https://evil.example", "Origin: null", "Origin: http://127.0.0.1:1",
			"Sec-Fetch-Site: cross-site"} {
			a := w.send(line, "", header).is(403)
			if !strings.Contains(a.body, "web pages of others") || a.header.Get("Access-Control-Allow-Origin") != "" {
				t.Errorf("%s with %s: %s, %v", line, header, a.body, a.header)
			}
		}
		for _, host := range []string{"evil.example", "127.0.0.1.evil.example:80", "192.0.2.1", "[::2]:80"} {
			if a, err := w.tryHost(line, "", host); err != nil || a.status != 403 {
				t.Errorf("%s at %s: %d, %v", line, host, a.status, err)
			}
		}
	}
	for _, n := range w.Journal() {
		if n.Status == 403 {
			t.Errorf("the journal has %+v", n)
		}
	}
	w.send("GET /apps", "", "Origin: "+w.URL(), "Sec-Fetch-Site: same-origin").is(200).says("length", "1")
	if a, err := w.tryHost("GET /account", "", "localhost:"+w.URL()[strings.LastIndex(w.URL(), ":")+1:]); err != nil || a.status != 200 {
		t.Errorf("at localhost: %d, %v", a.status, err)
	}
}

// A client that follows Next-Range gets every object once, even if many have the same key.
func TestRange_losesNothingThatHasTheKeyOfAnother(t *testing.T) {
	t.Parallel()
	w := start(t)
	for i := range 3 {
		w.app(fmt.Sprintf("app-%d", i))
	}
	w.advance()
	for i := range 4 {
		w.app(fmt.Sprintf("next-%d", i))
	}
	w.store("app-0", "orders-cache", "premium-0")
	for i := range 3 {
		w.send("POST /addon-attachments", fmt.Sprintf(`{"addon":"orders-cache","app":"next-%d","name":"CACHE"}`, i)).is(201)
	}
	w.send("POST /addon-attachments", `{"addon":"orders-cache","app":"next-0","name":"OTHER"}`).is(201)
	for _, tc := range []struct{ line, field, order string }{
		{"GET /apps", "updated_at", "asc"}, {"GET /apps", "updated_at", "desc"},
		{"GET /addon-attachments", "name", "asc"}, {"GET /addon-attachments", "name", "desc"}, {"GET /apps", "id", "asc"},
	} {
		all := w.send(tc.line, "").is(200)
		for size := range 6 {
			seen, next := map[string]int{}, fmt.Sprintf("%s ..; max=%d, order=%s", tc.field, size+1, tc.order)
			for pages := 0; next != "" && pages < 20; pages++ {
				a := w.send(tc.line, "", "Range: "+next)
				for i := 0; a.get(strconv.Itoa(i)) != ""; i++ {
					seen[a.get(fmt.Sprintf("%d.id", i))]++
				}
				next = a.header.Get("Next-Range")
			}
			for i := 0; all.get(strconv.Itoa(i)) != ""; i++ {
				if id := all.get(fmt.Sprintf("%d.id", i)); seen[id] != 1 {
					t.Errorf("%s by %s %s, pages of %d: %s was seen %d times", tc.line, tc.field, tc.order, size+1, id, seen[id])
				}
			}
		}
	}
}

func TestRange_whichListsHaveOne(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.app("orders-api")
	for line, want := range map[string]string{
		"GET /apps/orders-api/dynos": "name, id", "GET /apps/orders-api/collaborators": "id",
		"GET /apps/orders-api/formation":   "id, name, updated_at",
		"PATCH /apps/orders-api/formation": "", "GET /apps/orders-api/config-vars": "", "GET /apps/orders-api/builds": "id",
	} {
		a := w.send(line, "").is(200)
		if got := a.header.Get("Accept-Ranges"); got != want || (a.header.Get("Content-Range") == "") != (want == "") {
			t.Errorf("%s: Accept-Ranges %q, Content-Range %q", line, got, a.header.Get("Content-Range"))
		}
	}
}

func TestRange_pagesThroughLists(t *testing.T) {
	t.Parallel()
	w := start(t)
	for i := range 5 {
		w.app(fmt.Sprintf("app-%d", i))
	}
	tests := map[string]struct {
		header, names, next string
		status              int
	}{
		"all, by name":                {"name ..", "app-0 app-1 app-2 app-3 app-4", "", 200},
		"the first two":               {"name ..; max=2", "app-0 app-1", "name ]app-1..; max=2", 206},
		"strictly after":              {"name ]app-1..; max=2", "app-2 app-3", "name ]app-3..; max=2", 206},
		"from, inclusive":             {"name app-1..; max=2", "app-1 app-2", "name ]app-2..; max=2", 206},
		"the last page":               {"name ]app-3..; max=2", "app-4", "", 200},
		"between two":                 {"name app-1..app-2", "app-1 app-2", "", 200},
		"between two, in pages":       {"name app-0..app-2; max=2", "app-0 app-1", "name ]app-1..app-2; max=2", 206},
		"after something that is not": {"name ]app-1x..; max=1", "app-2", "name ]app-2..; max=1", 206},
		"beyond the end":              {"name ]zzz..", "", "", 200},
		"descending, as heroku-go":    {"name ..; max=2,order=desc", "app-4 app-3", "name ]app-3..; max=2,order=desc", 206},
		"descending, as the CLI":      {"name ]app-3..; max=2, order=desc", "app-2 app-1", "name ]app-1..; max=2,order=desc", 206},
		"with a trailing semicolon":   {"name ..; max=1;", "app-0", "name ]app-0..; max=1", 206},
		"field only":                  {"name", "app-0 app-1 app-2 app-3 app-4", "", 200},
		"more than the maximum":       {"name ..; max=5000", "app-0 app-1 app-2 app-3 app-4", "", 200},
		"an unknown field":            {"colour ..", "", "", 416},
		"no number":                   {"name ..; max=many", "", "", 416},
		"zero":                        {"name ..; max=0", "", "", 416},
		"an unknown order":            {"name ..; order=up", "", "", 416},
		"bytes":                       {"bytes=0-499", "", "", 416},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := w
			w.t = t
			a := w.send("GET /apps", "", "Range: "+tc.header).is(tc.status)
			if tc.status == 416 {
				a.says("id", "requested_range_not_satisfiable")
				return
			}
			var names []string
			for i := 0; a.get(strconv.Itoa(i)) != ""; i++ {
				names = append(names, a.get(fmt.Sprintf("%d.name", i)))
			}
			if got := strings.Join(names, " "); got != tc.names {
				t.Errorf("got %q, want %q", got, tc.names)
			}
			if got := a.header.Get("Next-Range"); got != tc.next {
				t.Errorf("Next-Range %q, want %q", got, tc.next)
			}
			if a.header.Get("Accept-Ranges") != "id, name, updated_at" || a.header.Get("Content-Range") == "" {
				t.Errorf("headers %v", a.header)
			}
		})
	}
}

func TestRange_pageSizeCapsWhatARequestMayAskFor(t *testing.T) {
	t.Parallel()
	w := start(t, func(o *sandbox.Options) { o.PageSize = 5 })
	w.send("GET /plans", "").is(206).says("length", "5")
	w.send("GET /plans", "", "Range: id ..; max=1000").is(206).says("length", "5")
	start(t).send("GET /addon-services/heroku-redis/plans", "").is(200).says("length", "22")
}
