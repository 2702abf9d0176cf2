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

// space creates a space in the first team, and waits until it is allocated and its network is ready.
func (w world) space(name string, members ...string) {
	w.t.Helper()
	body := strings.Join(append([]string{fmt.Sprintf(`"name":%q,"team":%q`, name, w.Team())}, members...), ",")
	w.send("POST /spaces", "{"+body+"}").is(201).says("state", "allocating")
	w.advance()
	w.send("GET /spaces/"+name, "").is(200).says("state", "allocated")
}

// appIn creates an app in a space.
func (w world) appIn(space, name string) {
	w.t.Helper()
	w.send("POST /teams/apps", fmt.Sprintf(`{"name":%q,"space":%q}`, name, space)).is(201)
}

func TestSpace_hasEveryMemberOfTheReference(t *testing.T) {
	t.Parallel()
	w := start(t)
	a := w.send("POST /spaces", `{"name":"acme-prod","team":"acme"}`).is(201).says("name", "acme-prod").says("team.name", "acme").
		says("organization.name", "acme").says("region.name", "virginia").says("region.description", "").says("state", "allocating").
		says("shield", "false").says("cidr", "10.0.0.0/16").says("data_cidr", "172.23.0.0/20").says("generation.name", "cedar").
		says("created_at", "2026-01-14T09:00:00Z")
	w.send("GET /spaces/"+a.get("id"), "", "Accept-Expansion: region").is(200).says("name", "acme-prod").
		says("region.description", "Virginia, United States")
	team := w.send("GET /teams/acme", "").get("id")
	// As the CLI sends it, and as other clients do, with the id of the team.
	w.send("POST /spaces",
		`{"name":"acme-eu","team":"`+team+`","region":"frankfurt","cidr":"10.40.0.0/16","data_cidr":"10.100.0.0/19","shield":true,"features":[],"generation":"cedar"}`).
		is(201).says("region.name", "frankfurt").says("cidr", "10.40.0.0/16").says("data_cidr", "10.100.0.0/19").says("shield", "true")
	w.send("GET /spaces", "", "Range: name ..").is(200).says("length", "2").says("0.name", "acme-eu")
	w.send("GET /teams/acme/spaces", "").is(200).says("length", "2")
	w.send("GET /teams/acme-data/spaces", "").is(200).says("length", "0")
}

func TestSpace_isRefused(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.space("acme-prod")
	w.send("POST /teams", `{"name":"freelancers"}`).is(201)
	network := func(cidr, data string) string {
		var members string
		if cidr != "" {
			members += fmt.Sprintf(`,"cidr":%q`, cidr)
		}
		if data != "" {
			members += fmt.Sprintf(`,"data_cidr":%q`, data)
		}
		return `{"name":"acme-eu","team":"acme"` + members + "}"
	}
	tests := map[string]struct {
		line, body string
		status     int
		message    string
	}{
		"with a name that is taken":  {"POST /spaces", `{"name":"acme-prod","team":"acme"}`, 422, "Name acme-prod is already taken"},
		"with a name in upper case":  {"POST /spaces", `{"name":"Acme","team":"acme"}`, 422, "lowercase"},
		"with two dashes":            {"POST /spaces", `{"name":"acme--eu","team":"acme"}`, 422, "single dashes"},
		"with a dash at the end":     {"POST /spaces", `{"name":"acme-","team":"acme"}`, 422, "letter or digit"},
		"with a name of two letters": {"POST /spaces", `{"name":"ab","team":"acme"}`, 422, "too short"},
		"without a name":             {"POST /spaces", `{"team":"acme"}`, 422, "Name"},
		"without a team":             {"POST /spaces", `{"name":"acme-eu"}`, 422, "Team is required."},
		"in an unknown team":         {"POST /spaces", `{"name":"acme-eu","team":"nobody"}`, 404, "Couldn't find that team."},
		"in a team of no enterprise account": {"POST /spaces", `{"name":"acme-eu","team":"freelancers"}`, 403,
			"Space management is not enabled for this team."},
		"in an unknown region": {"POST /spaces", `{"name":"acme-eu","team":"acme","region":"mars"}`, 422,
			"Couldn't find the region mars."},
		"in a region of the Common Runtime": {"POST /spaces", `{"name":"acme-eu","team":"acme","region":"eu"}`, 422,
			"not available for Private Spaces"},
		"of an unknown generation": {"POST /spaces", `{"name":"acme-eu","team":"acme","generation":"oak"}`, 422,
			"Couldn't find the generation oak."},
		"of fir, with a shield": {"POST /spaces", `{"name":"acme-eu","team":"acme","generation":"fir","shield":true}`, 422,
			"not available in the fir generation"},
		"with an empty range":      {"POST /spaces", `{"name":"acme-eu","team":"acme","cidr":""}`, 422, `cidr "" is not`},
		"with no range for data":   {"POST /spaces", `{"name":"acme-eu","team":"acme","data_cidr":""}`, 422, `data_cidr "" is not`},
		"with a log drain to \"\"": {"POST /spaces", `{"name":"acme-eu","team":"acme","log_drain_url":""}`, 422, "https"},
		"with an unknown parameter": {"POST /spaces", `{"name":"acme-eu","team":"acme","size":"large"}`, 422,
			"Unknown params: size."},
		"with a log drain over HTTP": {"POST /spaces", `{"name":"acme-eu","team":"acme","log_drain_url":"http://logs.example"}`,
			422, "https"},
		"drained to nothing":                     {"PUT /spaces/acme-prod/log-drain", `{"url":""}`, 422, "https"},
		"with dynos in a /15":                    {"POST /spaces", network("10.40.0.0/15", ""), 422, "/16"},
		"with dynos in a /17":                    {"POST /spaces", network("10.40.0.0/17", ""), 422, "/16"},
		"with dynos in a public range":           {"POST /spaces", network("52.44.0.0/16", ""), 422, "RFC 1918"},
		"with dynos just beyond 172.16.0.0/12":   {"POST /spaces", network("172.32.0.0/16", ""), 422, "RFC 1918"},
		"with dynos in a reserved range":         {"POST /spaces", network("172.17.0.0/16", ""), 422, "reserved range 172.17.0.0/16"},
		"with dynos in the other reserved range": {"POST /spaces", network("10.1.0.0/16", ""), 422, "reserved range 10.1.0.0/16"},
		"with dynos in IPv6":                     {"POST /spaces", network("fd00::/16", ""), 422, "IPv4"},
		"with dynos at an address":               {"POST /spaces", network("10.40.0.0", ""), 422, "IPv4 CIDR"},
		"with data in a /15":                     {"POST /spaces", network("", "10.40.0.0/15"), 422, "/20"},
		"with data in a /21":                     {"POST /spaces", network("", "10.40.0.0/21"), 422, "/20"},
		"with data in a reserved range":          {"POST /spaces", network("", "10.1.16.0/20"), 422, "reserved range 10.1.0.0/16"},
		"with data among the dynos":              {"POST /spaces", network("10.40.0.0/16", "10.40.16.0/20"), 422, "overlap"},
		"with data among the default dynos":      {"POST /spaces", network("", "10.0.16.0/20"), 422, "overlap"},
		"renamed to what is taken":               {"PATCH /spaces/other-one", `{"name":"acme-prod"}`, 422, "already taken"},
		"renamed to what is no name":             {"PATCH /spaces/other-one", `{"name":"-"}`, 422, "too short"},
		"moved to another region":                {"PATCH /spaces/acme-prod", `{"region":"oregon"}`, 422, "Unknown params: region."},
		"by an id that is nobody's": {"GET /spaces/e3b1a6c2-9d47-4e5f-8a2b-6c7d8e9f0a1b", "", 404,
			"Couldn't find that space."},
		"given to nobody": {"POST /spaces/acme-prod/transfer", `{"new_owner":"nobody"}`, 404,
			"Couldn't find that team."},
		"given to another enterprise account": {"POST /spaces/acme-prod/transfer", `{"new_owner":"freelancers"}`, 422,
			"different enterprise account"},
		"given away while it is allocating": {"POST /spaces/other-one/transfer", `{"new_owner":"acme-data"}`, 422, "still being allocated"},
		"deleted while it is allocating":    {"DELETE /spaces/other-one", "", 422, "still being allocated"},
	}
	w.send("POST /spaces", `{"name":"other-one","team":"acme"}`).is(201)
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := w
			w.t = t
			if a := w.send(tc.line, tc.body).is(tc.status); !strings.Contains(a.get("message"), tc.message) {
				t.Errorf("the message %q does not say %q", a.get("message"), tc.message)
			}
		})
	}
}

func TestSpace_networksThatAreFine(t *testing.T) {
	t.Parallel()
	w := start(t)
	for i, tc := range []struct{ cidr, data string }{
		{"172.16.0.0/16", "10.100.0.0/20"}, {"192.168.0.0/16", "172.31.0.0/16"}, {"10.255.0.0/16", "10.254.128.0/17"}, {"172.18.0.0/16",
			"172.16.240.0/20"},
	} {
		w.send("POST /spaces", fmt.Sprintf(`{"name":"space-%d","team":"acme","cidr":%q,"data_cidr":%q}`, i, tc.cidr, tc.data)).is(201).
			says("cidr", tc.cidr).says("data_cidr", tc.data)
	}
}

func TestSpace_isAllocatedRenamedAndDeleted(t *testing.T) {
	t.Parallel()
	w := start(t, func(o *sandbox.Options) { o.Allocation = 8 * time.Minute })
	w.send("POST /spaces", `{"name":"acme-prod","team":"acme"}`).is(201)
	w.send("GET /spaces/acme-prod/nat", "").is(404)
	w.Clock().Advance(8*time.Minute - time.Second)
	w.send("GET /spaces/acme-prod", "").is(200).says("state", "allocating")
	w.Clock().Advance(time.Second)
	w.send("GET /spaces/acme-prod", "").is(200).says("state", "allocated").says("updated_at", "2026-01-14T09:08:00Z")

	w.send("GET /spaces/acme-prod/nat", "").is(200).says("state", "updating").says("sources", "[]")
	w.advance()
	nat := w.send("GET /spaces/acme-prod/nat", "").is(200).says("state", "enabled").says("sources.length", "4")

	w.send("PATCH /spaces/acme-prod", `{"name":"acme-live"}`).is(200).says("name", "acme-live")
	w.send("GET /spaces/acme-prod", "").is(404).says("id", "not_found").says("resource", "space")
	w.send("GET /spaces/acme-live/nat", "").is(200).says("sources", nat.get("sources"))

	w.send("DELETE /spaces/acme-live", "").is(200).says("state", "deleting")
	w.send("GET /spaces/acme-live", "").is(200).says("state", "deleting")
	w.send("DELETE /spaces/acme-live", "").is(422).says("message", "Space acme-live is being deleted.")
	w.send("GET /spaces/acme-live/nat", "").is(404)
	w.send("GET /spaces/acme-live/inbound-ruleset", "").is(404)
	w.send("PUT /spaces/acme-live/inbound-ruleset", `{"rules":[]}`).is(422)
	w.send("POST /spaces", `{"name":"acme-live","team":"acme"}`).is(422).says("message", "Name acme-live is already taken")
	w.Clock().Advance(8 * time.Minute)
	w.send("GET /spaces/acme-live", "").is(404)
	w.send("POST /spaces", `{"name":"acme-live","team":"acme"}`).is(201)
	l := w.Ledger()
	if l.Created != 2 || l.Living != 1 || l.Objects[0].Kind != "space" || l.Objects[0].Name != "acme-live" ||
		l.Objects[0].DestroyedAt == nil {
		t.Errorf("ledger: %+v", l)
	}
}

func TestSpace_aFaultKeepsItAllocatingUntilItIsCleared(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.Inject(sandbox.Fault{Match: sandbox.Match{Method: "POST", Path: "/spaces"}, Do: sandbox.Effect{Provisioning: "stuck"}})
	w.send("POST /spaces", `{"name":"acme-prod","team":"acme"}`).is(201)
	w.Clock().Advance(24 * time.Hour)
	w.send("GET /spaces/acme-prod", "").is(200).says("state", "allocating")
	w.Clear()
	w.send("GET /spaces/acme-prod", "").is(200).says("state", "allocated")
}

func TestSpace_outlivesARestart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	w := persistent(t, dir, "miniredis")
	w.space("acme-prod", `"log_drain_url":"https://user:secret@logs.example/drain"`)
	w.send("POST /spaces", `{"name":"acme-eu","team":"acme"}`).is(201)
	before := w.send("GET /spaces/acme-prod/nat", "").is(200).body
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	w = persistent(t, dir, "miniredis")
	if after := w.send("GET /spaces/acme-prod/nat", "").is(200).body; after != before {
		t.Errorf("the addresses are %s, were %s", after, before)
	}
	w.send("GET /spaces/acme-prod/log-drain", "").is(200).says("url", "https://user:secret@logs.example/drain")
	w.advance()
	w.send("GET /spaces/acme-eu", "").is(200).says("state", "allocated")
}

func TestSpace_isDeletedOnlyWhenNothingLivesInIt(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.space("acme-prod")
	w.appIn("acme-prod", "orders-api")
	w.store("orders-api", "kvs-in", "private-7")
	w.send("POST /apps/orders-api/addons", `{"plan":"heroku-redis:premium-0","name":"kvs-out","confirm":"orders-api"}`).is(201)
	w.send("DELETE /spaces/acme-prod", "").is(422).says("id", "invalid_params").
		says("message", "Space acme-prod contains apps and cannot be deleted.")
	w.send("DELETE /apps/orders-api/addons/kvs-in", "").is(202).says("state", "deprovisioning")
	w.Clock().Advance(2 * time.Second)
	w.send("DELETE /apps/orders-api", "").is(200)
	w.send("GET /addons/kvs-in", "").is(404)
	w.Clock().Advance(2 * time.Second)
	w.send("DELETE /spaces/acme-prod", "").is(422).
		says("message", "Space acme-prod contains data services that are still being removed and cannot be deleted yet.")
	w.Clock().Advance(2 * time.Second)
	w.send("DELETE /spaces/acme-prod", "").is(200).says("state", "deleting")
	w.advance()
	w.send("GET /spaces/acme-prod", "").is(404)
	if l := w.Ledger(); l.Living != 0 {
		t.Errorf("ledger: %+v", l)
	}
}

func TestSpace_aStoreOutsideOfItDoesNotHoldItUp(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.space("acme-prod")
	w.appIn("acme-prod", "orders-api")
	w.send("POST /apps/orders-api/addons", `{"plan":"heroku-redis:premium-0","confirm":"orders-api"}`).is(201)
	w.send("DELETE /apps/orders-api", "").is(200)
	w.send("DELETE /spaces/acme-prod", "").is(200)
}

func TestSpace_membersSeeItAndOnlyAdminsChangeIt(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.space("acme-prod", `"log_drain_url":"https://logs.example"`)
	member := w.as(w.MemberToken())
	for _, path := range []string{"", "/nat", "/inbound-ruleset", "/inbound-rulesets", "/members", "/topology", "/dynos"} {
		member.send("GET /spaces/acme-prod"+path, "").is(200)
	}
	member.send("GET /spaces", "").is(200).says("length", "1")
	for line, body := range map[string]string{
		"POST /spaces":                                        `{"name":"acme-eu","team":"acme"}`,
		"PATCH /spaces/acme-prod":                             `{"name":"mine"}`,
		"DELETE /spaces/acme-prod":                            ``,
		"POST /spaces/acme-prod/transfer":                     `{"new_owner":"acme-data"}`,
		"PUT /spaces/acme-prod/inbound-ruleset":               `{"rules":[]}`,
		"GET /spaces/acme-prod/log-drain":                     ``,
		"PUT /spaces/acme-prod/log-drain":                     `{"url":"https://logs.example"}`,
		"PATCH /spaces/acme-prod/members/member@acme.example": `{"permissions":[{"name":"create_apps"}]}`,
	} {
		member.send(line, body).is(403).says("id", "forbidden")
	}
	w.send("DELETE /teams/acme/members/member@acme.example", "").is(200)
	member.send("GET /spaces", "").is(200).says("length", "0")
	member.send("GET /spaces/acme-prod", "").is(403)
}

func TestSpace_isTransferredWithTheAppsInside(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.space("acme-prod")
	w.appIn("acme-prod", "orders-api")
	w.store("orders-api", "kvs-in", "private-7")
	w.app("stays-here")
	id := w.send("GET /spaces/acme-prod", "").get("id")
	nat := w.send("GET /spaces/acme-prod/nat", "").get("sources")
	w.send("POST /spaces/acme-prod/transfer", `{"new_owner":"acme-data"}`).is(201).says("id", id).says("team.name", "acme-data").
		says("organization.name", "acme-data")
	w.send("GET /apps/orders-api", "").is(200).says("team.name", "acme-data").says("owner.email", "acme-data@herokumanager.com").
		says("space.name", "acme-prod")
	w.send("GET /apps/stays-here", "").is(200).says("team.name", "acme")
	w.send("GET /addons/kvs-in", "").is(200).says("state", "provisioned")
	w.send("GET /spaces/acme-prod/nat", "").is(200).says("sources", nat)
	w.send("GET /teams/acme/spaces", "").is(200).says("length", "0")
	w.send("GET /teams/acme-data/spaces", "").is(200).says("0.id", id)
	w.send("POST /spaces/acme-prod/transfer", `{"new_owner":"acme-data"}`).is(201) // a repetition has no effect
	w.send("PUT /teams/acme/members", `{"email":"admin@acme.example","role":"member"}`).is(200)
	w.send("POST /spaces/acme-prod/transfer", `{"new_owner":"acme"}`).is(403).says("message", "You must be an admin of the team acme.")
}

func TestSpace_logDrain(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.space("acme-prod")
	w.send("GET /spaces/acme-prod/log-drain", "").is(404).says("resource", "log_drain")
	a := w.send("PUT /spaces/acme-prod/log-drain", `{"url":"https://logs.example/a"}`).is(200).says("url", "https://logs.example/a").
		says("addon", "null")
	w.advance()
	w.send("PUT /spaces/acme-prod/log-drain", `{"url":"https://logs.example/b"}`).is(200).says("id", a.get("id")).
		says("created_at", a.get("created_at")).says("updated_at", "2026-01-14T09:00:20Z")
	w.send("GET /spaces/acme-prod/log-drain", "").is(200).says("url", "https://logs.example/b")
	for _, url := range []string{"", "https://", "http://logs.example", "syslog+tls://logs.example"} {
		w.send("PUT /spaces/acme-prod/log-drain", fmt.Sprintf(`{"url":%q}`, url)).is(422)
	}
}

func TestSpace_topologyListsWhatTheFormationAsksFor(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.space("acme-prod", `"cidr":"10.40.0.0/16"`)
	w.appIn("acme-prod", "orders-api")
	w.app("elsewhere")
	w.send("GET /spaces/acme-prod/topology", "").is(200).says("version", "1").says("apps.length", "1").says("apps.0.formations.length", "2")
	w.send("PATCH /apps/orders-api/formation", `{"updates":[{"type":"web","quantity":2}]}`).is(200).says("0.size", "Private-S")
	topology := w.send("GET /spaces/acme-prod/topology", "").is(200).says("apps.0.id", w.send("GET /apps/orders-api", "").get("id")).
		says("apps.0.formations.0.process_type", "web").says("apps.0.formations.0.dynos.length", "2").
		says("apps.0.formations.0.dynos.1.number", "2").says("apps.0.formations.0.dynos.1.hostname", "2.web.orders-api.app.localspace")
	if ip := topology.get("apps.0.formations.0.dynos.1.private_ip"); !strings.HasPrefix(ip, "10.40.") {
		t.Errorf("a dyno at %s is not in the space's network", ip)
	}
	if domain := topology.get("apps.0.domains.0"); !strings.HasSuffix(domain, ".herokuapp.com") {
		t.Errorf("domain %q", domain)
	}
	w.send("GET /spaces/acme-prod/dynos", "").is(200).says("length", "1").says("0.app_name", "orders-api").says("0.dynos.length", "3").
		says("0.dynos.0.name", "web.1").says("0.dynos.0.size", "Private-S").says("0.dynos.0.state", "up").says("0.dynos.2.type", "worker")
}

func TestTeam_ofNoEnterpriseAccount(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.send("POST /teams", `{"name":"freelancers"}`).is(201).says("type", "team").says("enterprise_account", "null").says("role", "admin")
	w.send("POST /teams", `{"name":"freelancers"}`).is(422)
	w.send("POST /teams", `{"name":"Free Lancers"}`).is(422)
	w.send("GET /teams", "").is(200).says("length", "3")
	w.send("GET /enterprise-accounts/acme/teams", "").is(200).says("length", "2")
	w.as(w.MemberToken()).send("GET /teams/freelancers", "").is(403)
	w.send("POST /teams/apps", `{"name":"orders-api","team":"freelancers"}`).is(201).says("team.name", "freelancers")
}
