// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package faultmatrix

import (
	"slices"
	"testing"
)

// The absence of breaches proves something only if a breach is reported: each clause is broken here once, by a client that does what
// the provider must not do.
func TestAccWorkflows_invariant(t *testing.T) {
	t.Parallel()
	s := newWorkflowRun(t)
	of := map[string]resourceCase{}
	for _, p := range resourceCases() {
		of[p.resource] = p
	}
	ranges, shared, window := of["kvs_trusted_ip_ranges"], of["kvs_attachment"], of["kvs_maintenance_window"]
	s.begin(shared.config() + ranges.config() + window.block(window.label))
	said := wanted{facts: joinFacts(shared.facts, ranges.facts, []string{"store orders-cache window Mondays 22:30"})}
	sent("PATCH", "/apps/orders-api/config-vars", `{"GREETING":"hello"}`)(s.Harness)
	s.mark()
	if found := judge(s.History()[s.from:], said); len(found) > 0 {
		t.Fatalf("nothing is broken, and this is reported: %v", found)
	}

	attach := sent("POST", "/addon-attachments", `{"addon":"orders-cache","app":"orders-api","name":"SHARED"}`)
	detach := detaches("orders-api", "SHARED")
	config := func(body string) func(*Harness) {
		return sent("PATCH", "/redis/v0/databases/orders-cache/config", body)
	}
	greet := func(value string) func(*Harness) {
		return sent("PATCH", "/apps/orders-api/config-vars", `{"GREETING":`+value+`}`)
	}
	aside := sent("POST", "/apps", `{"name":"orders-aside"}`)
	notAside := sent("DELETE", "/apps/orders-aside", "")
	for _, test := range []struct {
		clause        string
		breaks, mends func(*Harness)
		after         bool // mends runs after the check
	}{
		{finalVars, detach, attach, true},
		{finalRanges, admits("203.0.113.0/24"), admits("192.0.2.0/24"), true},
		{finalSettings, config(`{"timeout":17}`), config(`{"timeout":300}`), true},
		{finalSettings, setsWindow("sunday", "02:30"), setsWindow("monday", "22:30"), true},
		{finalObjects, aside, notAside, true},
		{alwaysVars, detach, attach, false},
		{alwaysVars, repoints("orders-api", "SHARED"), func(l *Harness) {
			sent("POST", "/addon-attachments", `{"addon":"orders-cache","app":"orders-api","name":"SHARED","confirm":"orders-api"}`)(l)
			sent("DELETE", "/apps/orders-api/addons/their-cache", "{}")(l)
		}, false},
		{neverOpen, admits(internet), admits("192.0.2.0/24"), false},
		{alwaysSet, config(`{"maxmemory_policy":"allkeys-lru"}`), config(`{"maxmemory_policy":"noeviction"}`), false},
		{handMade, greet("null"), greet(`"hello"`), false},
	} {
		t.Run(test.clause, func(t *testing.T) {
			run := s.Begin("plan", "-input=false", "-json") // as if a run had done it
			run.AwaitSent("GET", "/account/rate-limits")
			test.breaks(s.Harness)
			if test.after {
				run.End()
			} else {
				test.mends(s.Harness)
				run.End()
			}
			reported(t, s, said, test.clause)
			if test.after {
				test.mends(s.Harness)
			}
			s.mark()
		})
	}
	// A store that was destroyed and created again has another identity.
	t.Run("a store gone", func(t *testing.T) {
		sent("DELETE", "/apps/orders-web/addons/orders-cache", `{"force":true}`)(s.Harness)
		sent("POST", "/apps/orders-web/addons", `{"plan":"heroku-redis:premium-0","name":"orders-cache"}`)(s.Harness)
		attach(s.Harness)
		setsWindow("monday", "22:30")(s.Harness)
		reported(t, s, said, alwaysThere)
		announced := said
		announced.may = []string{"store orders-cache", "app orders-web has REDIS_URL", "app orders-api has SHARED_URL"}
		if found := judge(s.History()[s.from:], announced); len(found) > 0 {
			t.Errorf("a plan has announced it, and this is reported: %v", found)
		}
	})
}

// reported fails the test unless a breach of the clause is found.
func reported(t *testing.T, s *workflowRun, said wanted, clause string) {
	t.Helper()
	found := judge(s.History()[s.from:], said)
	if !slices.ContainsFunc(found, func(b breach) bool { return b.clause == clause }) {
		t.Errorf("%s was broken and not reported; reported were %v", clause, found)
	}
}
