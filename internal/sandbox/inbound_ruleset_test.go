// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package sandbox_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/sandbox"
)

const ruleset = "/spaces/acme-prod/inbound-ruleset"

// allow returns a request body that allows these sources.
func allow(sources ...string) string {
	rules := make([]string, len(sources))
	for i, source := range sources {
		rules[i] = fmt.Sprintf(`{"action":"allow","source":%q}`, source)
	}
	return `{"rules":[` + strings.Join(rules, ",") + `]}`
}

func ranges(n int) (sources []string) {
	for i := range n {
		sources = append(sources, fmt.Sprintf("192.0.2.%d/32", i))
	}
	return sources
}

func TestRuleset_ofANewSpaceAdmitsEverybody(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.space("acme-prod")
	w.send("GET "+ruleset, "").is(200).says("rules", `[{"action":"allow","source":"0.0.0.0/0"}]`).says("applied", "true").
		says("created_by", "admin@acme.example").says("space.name", "acme-prod")
}

func TestRuleset_isReplacedAsAWhole(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.space("acme-prod")
	first := w.send("GET "+ruleset, "").get("id")
	second := w.send("PUT "+ruleset, allow("198.51.100.17/32", "192.0.2.5/24", "198.51.100.17/32")).is(200).says("applied", "false").
		says("rules.length", "2").says("rules.0.source", "198.51.100.17/32").says("rules.1.source", "192.0.2.5/24")
	w.send("GET "+ruleset, "").is(200).says("id", second.get("id")).says("applied", "false")
	w.advance()
	applied := w.send("GET "+ruleset, "").is(200).says("id", second.get("id")).says("applied", "true")

	// The CLI sends back the complete object that it has received.
	third := w.send("PUT "+ruleset, applied.body).is(200).says("rules", applied.get("rules")).says("applied", "false")
	w.send("PUT "+ruleset, `{"version":1,"default_action":"deny","rules":[{"action":"deny","source":"0.0.0.0/0"}]}`).is(200).
		says("rules.0.action", "deny")
	last := w.send("PUT "+ruleset, allow()).is(200).says("rules", "[]") // nothing is allowed
	w.advance()
	w.send("GET "+ruleset, "").is(200).says("applied", "true").says("rules", "[]")

	w.send("GET "+ruleset+"s", "").is(200).says("length", "5")
	w.send("GET "+ruleset+"s/"+first, "").is(200).says("rules.0.source", "0.0.0.0/0")
	w.send("GET "+ruleset+"s/"+third.get("id"), "").is(200).says("applied", "false") // it was replaced before it was applied
	w.send("GET "+ruleset+"s/nonsense", "").is(404).says("resource", "inbound_ruleset")
	ids := map[string]bool{first: true, second.get("id"): true, third.get("id"): true, last.get("id"): true}
	if len(ids) != 4 {
		t.Errorf("the ids are not distinct: %v", ids)
	}
}

func TestRuleset_isRefused(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.space("acme-prod")
	tests := map[string]struct{ body, message string }{
		"without a mask":           {allow("192.0.2.1"), "192.0.2.1"},
		"in IPv6":                  {allow("2001:db8::/32"), "2001:db8::/32"},
		"in words":                 {allow("office"), "office"},
		"with a mask of 33":        {allow("192.0.2.0/33"), "192.0.2.0/33"},
		"with a source of nothing": {`{"rules":[{"action":"allow"}]}`, "Source"},
		"with no action":           {`{"rules":[{"source":"192.0.2.0/24"}]}`, "Action"},
		"with an unknown action":   {`{"rules":[{"action":"reject","source":"192.0.2.0/24"}]}`, "reject"},
		"with a description": {`{"rules":[{"action":"allow","source":"192.0.2.0/24","description":"office"}]}`,
			"Unknown params: rules:description."},
		"with an unknown parameter": {`{"rules":[],"comment":"none"}`, "Unknown params: comment."},
		"without rules":             {`{}`, "Rules is required."},
		"with 21 ranges":            {allow(ranges(21)...), "20"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := w
			w.t = t
			if a := w.send("PUT "+ruleset, tc.body).is(422).says("id", "invalid_params"); !strings.Contains(a.get("message"), tc.message) {
				t.Errorf("the message %q does not say %q", a.get("message"), tc.message)
			}
			w.send("GET "+ruleset, "").is(200).says("rules.0.source", "0.0.0.0/0")
		})
	}
}

func TestRuleset_twentyRangesAreFineAndDuplicatesDoNotCount(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.space("acme-prod")
	w.send("PUT "+ruleset, allow(append(ranges(20), ranges(20)...)...)).is(200).says("rules.length", "20")
}

func TestRuleset_isNotFoundUntilTheNetworkIsThere(t *testing.T) {
	t.Parallel()
	w := start(t, func(o *sandbox.Options) { o.RulesetDelay = time.Minute })
	w.send("POST /spaces", `{"name":"acme-prod","team":"acme"}`).is(201)
	w.send("GET "+ruleset, "").is(404)
	w.advance()
	w.send("GET /spaces/acme-prod", "").is(200).says("state", "allocated")
	for _, line := range []string{"GET " + ruleset, "GET " + ruleset + "s", "PUT " + ruleset} {
		w.send(line, allow()).is(404).says("message", "Couldn't find that space.")
	}
	w.Clock().Advance(time.Minute)
	w.send("PUT "+ruleset, allow()).is(200)
}

func TestRuleset_aFaultKeepsItFromBeingApplied(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.space("acme-prod")
	w.Inject(sandbox.Fault{Match: sandbox.Match{Method: "PUT", Path: "/spaces/*/inbound-ruleset", Nth: 1},
		Do: sandbox.Effect{Provisioning: "stuck"}})
	w.send("PUT "+ruleset, allow("192.0.2.0/24")).is(200)
	w.Clock().Advance(time.Hour)
	w.send("GET "+ruleset, "").is(200).says("applied", "false")
	w.send("PUT "+ruleset, allow("192.0.2.0/24")).is(200) // as the CLI recommends
	w.advance()
	w.send("GET "+ruleset, "").is(200).says("applied", "true")
}
