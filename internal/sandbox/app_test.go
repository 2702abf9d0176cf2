// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package sandbox_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/sandbox"
)

func TestApp_hasEveryMemberOfTheReference(t *testing.T) {
	t.Parallel()
	w := start(t)
	a := w.send("POST /teams/apps", `{"name":"orders-api","team":"acme","region":"eu"}`).is(201).
		says("name", "orders-api").says("team.name", "acme").says("owner.email", "acme@herokumanager.com").says("region.name", "eu").
		says("space", "null").says("joined", "true").says("locked", "false").says("acm", "").says("generation", "").says("organization", "")
	id := a.get("id")
	for _, line := range []string{"GET /apps/orders-api", "GET /apps/" + id} {
		w.send(line, "").is(200).says("id", id).says("organization.name", "acme").says("generation.name", "cedar").says("acm", "false").
			says("repo_size", "null").says("slug_size", "25165824").says("archived_at", "null").says("maintenance", "false").
			says("stack.name", "heroku-24").says("build_stack.name", "heroku-24").says("git_url", "https://git.heroku.com/orders-api.git").
			says("created_at", "2026-01-14T09:00:00Z")
	}
	if url := a.get("web_url"); !strings.HasPrefix(url, "https://orders-api-") || !strings.HasSuffix(url, ".herokuapp.com/") {
		t.Errorf("web_url %q", url)
	}
	w.send("GET /teams/apps/orders-api", "").is(200).says("joined", "true")
	w.send("GET /teams/acme/apps", "").is(200).says("0.name", "orders-api").says("0.locked", "false")
	w.send("GET /apps/orders-api/dynos", "").is(200).says("length", "2").says("0.name", "web.1").says("0.state", "up").
		says("1.type", "worker").
		says("0.release.version", "3").says("0.app.name", "orders-api").says("0.size", "Standard-1X")
	// The CLI would take any 200 for a coupling.
	w.send("GET /apps/orders-api/pipeline-couplings", "").is(404).says("resource", "pipeline_coupling")
	w.send("GET /apps/orders-api/collaborators", "").is(200).says("0.user.email", "acme@herokumanager.com")
}

func TestApp_isRefused(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.app("orders-api")
	tests := map[string]struct {
		line, body string
		status     int
		message    string
	}{
		"with a name that is taken":  {"POST /apps", `{"name":"orders-api"}`, 422, "Name orders-api is already taken"},
		"with a name in upper case":  {"POST /apps", `{"name":"Orders"}`, 422, "lowercase"},
		"with a name of two letters": {"POST /apps", `{"name":"ab"}`, 422, "too short"},
		"with a name of 31 letters":  {"POST /apps", `{"name":"` + strings.Repeat("a", 31) + `"}`, 422, "too long"},
		"with a dash at the end":     {"POST /apps", `{"name":"orders-"}`, 422, "letter or digit"},
		"in an unknown region":       {"POST /apps", `{"region":"mars"}`, 404, "region"},
		"in a region for spaces":     {"POST /apps", `{"region":"virginia"}`, 422, "Private Spaces"},
		"in an unknown team":         {"POST /teams/apps", `{"team":"nobody"}`, 404, "team"},
		"in an unknown space":        {"POST /teams/apps", `{"space":"nowhere"}`, 404, "Couldn't find that space."},
		"renamed to what is taken":   {"PATCH /apps/other-app", `{"name":"orders-api"}`, 422, "already taken"},
		"by an id that is nobody's":  {"GET /apps/e3b1a6c2-9d47-4e5f-8a2b-6c7d8e9f0a1b", "", 404, "Couldn't find that app."},
		"with another process type": {"PATCH /apps/orders-api/formation", `{"updates":[{"type":"clock","quantity":1}]}`, 404,
			"Couldn't find that process type (clock)."},
		"given to nobody": {"PATCH /teams/apps/orders-api", `{"owner":"nobody"}`, 404, "team"},
		"with eleven dynos of a type": {"PATCH /apps/orders-api/formation", `{"updates":[{"type":"web","quantity":"+10"}]}`, 422,
			"Cannot update to more than 10 Standard-1X size dynos per process type."},
		"with a config var of no name":  {"PATCH /apps/orders-api/config-vars", `{"A B":"x"}`, 422, "A B"},
		"with a config var of a number": {"PATCH /apps/orders-api/config-vars", `{"A":1}`, 400, "strings"},
		"with too large config vars":    {"PATCH /apps/orders-api/config-vars", `{"A":"` + strings.Repeat("x", 64<<10) + `"}`, 422, "65536"},
	}
	w.app("other-app")
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

func TestApp_personalAndDefaultTeam(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.send("POST /apps", `{"name":"mine-alone"}`).is(201).says("team", "null").says("owner.email", "admin@acme.example")
	w.send("POST /teams/apps", `{"name":"the-teams"}`).is(201).says("team.name", "acme")
	w.send("POST /teams/apps", `{"personal":true}`).is(201).says("team", "null")
	w.send("PATCH /teams/apps/mine-alone", `{"owner":"acme-data"}`).is(200).says("team.name", "acme-data")
	w.send("PATCH /teams/apps/mine-alone", `{"owner":"member@acme.example"}`).is(200).says("team", "null")
	w.send("GET /apps/mine-alone", "").is(403)
}

func TestApp_membersReadAndOnlyAdminsAndCreatorsChange(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.app("orders-api")
	w.send("POST /apps", `{"name":"mine-alone"}`).is(201)
	member := w.as(w.MemberToken())
	member.send("GET /apps", "").is(200).says("length", "1")
	member.send("GET /apps/orders-api", "").is(200)
	member.send("GET /apps/mine-alone", "").is(403).says("message", "You do not have the required access to the app mine-alone")
	for _, line := range []string{"GET /apps/orders-api/config-vars", "PATCH /apps/orders-api", "DELETE /apps/orders-api",
		"POST /apps/orders-api/addons"} {
		member.send(line, "").is(403).says("id", "forbidden")
	}
	member.app("members-own")
	member.store("members-own", "kvs-m", "mini")
	member.send("GET /redis/v0/databases/kvs-m", "").is(200)
	w.store("orders-api", "kvs-a", "mini")
	member.send("GET /redis/v0/databases/kvs-a", "").is(403).says("id", "forbidden")
	w.send("DELETE /apps/members-own", "").is(200)
}

func TestApp_isUpdatedAndRenamed(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.app("orders-api")
	w.store("orders-api", "kvs-a", "mini")
	releases := w.send("GET /apps/orders-api/releases", "").get("length")
	w.advance()
	w.send("PATCH /apps/orders-api", `{"maintenance":true,"name":"orders-v2"}`).is(200).says("maintenance", "true").says("name", "orders-v2").
		says("updated_at", "2026-01-14T09:00:20Z")
	w.send("GET /apps/orders-api", "").is(404).says("id", "not_found").says("resource", "app").says("message", "Couldn't find that app.")
	w.send("GET /addons/kvs-a", "").is(200).says("app.name", "orders-v2")
	w.send("GET /apps/orders-v2/releases", "").says("length", releases) // maintenance mode makes no release
	if l := w.Ledger(); l.Objects[0].App != "orders-v2" {
		t.Errorf("ledger: %+v", l)
	}
}

func TestApp_goesWithItsAddOnsAndAttachments(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.app("orders-api")
	w.app("orders-worker")
	w.store("orders-api", "kvs-a", "premium-0")
	w.store("orders-worker", "kvs-w", "premium-0")
	w.send("POST /addon-attachments", `{"addon":"kvs-a","app":"orders-worker","name":"SHARED"}`).is(201)
	w.send("POST /addon-attachments", `{"addon":"kvs-w","app":"orders-api","name":"WORK"}`).is(201)
	before := w.send("GET /apps/orders-worker/releases", "").get("length")
	w.send("DELETE /apps/orders-api", "").is(200).says("name", "orders-api")
	for _, gone := range []string{"/apps/orders-api", "/addons/kvs-a", "/redis/v0/databases/kvs-a"} {
		w.send("GET "+gone, "").is(404)
	}
	w.send("GET /addons/kvs-w", "").is(200).says("state", "provisioned")
	w.send("GET /apps/orders-worker/config-vars", "").is(200).says("SHARED_URL", "")
	w.send("GET /addon-attachments", "").is(200).says("length", "1")
	if after := w.send("GET /apps/orders-worker/releases", "").get("length"); after == before {
		t.Error("the other app was not released")
	}
	w.app("orders-api") // the name is free again
	w.advance()
	w.send("GET /addons", "").is(200).says("length", "1")
	if l := w.Ledger(); l.Created != 2 || l.Destroyed != 1 || l.Living != 1 || l.Orphans != 1 {
		t.Errorf("ledger: %+v", l)
	}
}

func TestConfigVars_areSetRemovedAndReleased(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.app("orders-api")
	newest := func() answer {
		return w.send("GET /apps/orders-api/releases", "", "Range: version ..; max=1, order=desc").is(206).says("length", "1")
	}
	slug := newest().says("0.version", "3").says("0.current", "true").says("0.status", "succeeded").get("0.slug.id")
	newest().says("0.description", "Deploy "+slug[:8])
	w.send("GET /apps/orders-api/releases/1", "").is(200).says("description", "Initial release").says("current", "false").says("slug", "null")
	w.send("GET /apps/orders-api/releases/2", "").is(200).says("description", "Enable Logplex").says("slug", "null")
	w.send("GET /apps/orders-api/releases/9", "").is(404).says("resource", "release")
	w.send("PATCH /apps/orders-api/config-vars", `{"CACHE_TTL":"300","OLD_FLAG":"1"}`).is(200).says("CACHE_TTL", "300").says("OLD_FLAG", "1")
	newest().says("0.version", "4").says("0.description", "Set CACHE_TTL, OLD_FLAG config vars").says("0.slug.id", slug)
	w.send("PATCH /apps/orders-api/config-vars", `{"CACHE_TTL":"60","OLD_FLAG":null}`).is(200).says("CACHE_TTL", "60").says("OLD_FLAG", "")
	newest().says("0.description", "Set CACHE_TTL and Remove OLD_FLAG config vars")
	w.send("PATCH /apps/orders-api/config-vars", `{"CACHE_TTL":"60","OLD_FLAG":null}`).is(200)
	newest().says("0.version", "5") // no change, no release
}

func TestConfigVars_ofAnAttachmentAreProtected(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.app("orders-api")
	w.store("orders-api", "kvs-a", "premium-0")
	for _, body := range []string{`{"REDIS_URL":"x","A":"b"}`, `{"REDIS_URL":null}`} {
		w.send("PATCH /apps/orders-api/config-vars", body).is(422).says("id", "invalid_params").
			says("message", "Cannot overwrite attachment values REDIS_URL.")
	}
	w.send("GET /apps/orders-api/config-vars", "").is(200).says("A", "")
}

func TestFormation_takesEveryFormThatClientsSend(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.app("orders-api")
	const path = "PATCH /apps/orders-api/formation"
	steps := []struct{ line, body, quantity, size string }{
		{path, `{"updates":[{"type":"worker","quantity":"2"}]}`, "2", "Standard-1X"},
		{path, `{"updates":[{"type":"worker","quantity":"+3","size":"standard-2x"}]}`, "5", "Standard-2X"},
		{path, `{"updates":[{"type":"worker","quantity":"-1"}]}`, "4", "Standard-2X"},
		{path, `{"updates":[{"type":"worker","quantity":1,"dyno_size":{"name":"Performance-M"}}]}`, "1", "Performance-M"},
		{path + "/worker", `{"quantity":0}`, "0", "Performance-M"},
	}
	for _, s := range steps {
		w.send(s.line, s.body).is(200)
		w.send("GET /apps/orders-api/formation/worker", "").is(200).says("quantity", s.quantity).says("size", s.size).
			says("dyno_size.name", s.size).says("type", "worker")
	}
	w.send("GET /apps/orders-api/formation", "", "Range: name ..").is(200).says("length", "2").says("0.type", "web").says("0.quantity", "1")
	w.send(path, `{"updates":[{"type":"web","quantity":9},{"type":"clock","quantity":1}]}`).is(404)
	w.send(path, `{"updates":[{"type":"web","size":"Huge"}]}`).is(422)
	w.send(path, `{"updates":[{"type":"web","size":"basic"}]}`).is(422).
		says("message", "Cannot use the following dyno types in the same app: Basic and Performance-M")
	w.send(path+"/web", `{"size":"basic"}`).is(422)
	w.send("GET /apps/orders-api/formation/web", "").is(200).says("size", "Standard-1X")
	w.send(path, `{"updates":[{"type":"web","quantity":"-5"}]}`).is(422)
	w.send(path, `{"updates":[{"type":"web","quantity":11}]}`).is(422).says("id", "cannot_update_above_limit")
	w.send(path, `{"updates":[{"type":"web","quantity":"many"}]}`).is(400)
	w.send("GET /apps/orders-api/formation/web", "").is(200).says("quantity", "1") // all or none
}

func TestDeploy_replacesTheFormation(t *testing.T) {
	t.Parallel()
	for _, undeployed := range []bool{false, true} {
		t.Run(fmt.Sprintf("undeployed: %v", undeployed), func(t *testing.T) {
			t.Parallel()
			w := start(t, func(o *sandbox.Options) { o.Undeployed = undeployed })
			w.app("orders-api")
			formation := func() (types string) {
				got := w.send("GET /apps/orders-api/formation", "", "Range: name ..").is(200)
				for i := 0; got.get(fmt.Sprintf("%d.type", i)) != ""; i++ {
					types += got.get(fmt.Sprintf("%d.type", i)) + "=" + got.get(fmt.Sprintf("%d.quantity", i)) + " "
				}
				return types
			}
			deploy := func(types ...string) {
				if err := w.Deploy("orders-api", types...); err != nil {
					t.Fatal(err)
				}
			}
			if got, want := formation(), map[bool]string{false: "web=1 worker=1 "}[undeployed]; got != want {
				t.Errorf("a new app has %q, want %q", got, want)
			}
			deploy("worker", "clock")
			w.send("PATCH /apps/orders-api/formation", `{"updates":[{"type":"worker","quantity":3}]}`).is(200)
			before := w.send("GET /apps/orders-api/releases", "").get("length")
			deploy("worker", "web")
			if got := formation(); got != "web=1 worker=3 " {
				t.Errorf("after the deployment it has %q", got)
			}
			if after := w.send("GET /apps/orders-api/releases", "").get("length"); after == before {
				t.Error("the deployment made no release")
			}
			deploy()
			if got := formation(); got != "" {
				t.Errorf("without process types it has %q", got)
			}
		})
	}
}

func TestCatalogue_isTheReferences(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.send("GET /regions", "", "Range: name ..").is(200).says("length", "12").says("0.name", "dublin").says("0.private_capable", "true")
	w.send("GET /regions/virginia", "").is(200).says("id", "3544427c-5b3b-4e1e-b01a-b66362573b26").
		says("description", "Virginia, United States").
		says("provider.region", "us-east-1").says("provider.name", "amazon-web-services")
	w.send("GET /regions/mars", "").is(404)
	w.send("GET /addon-services", "", "Range: name ..").is(200).says("length", "4").says("1.name", "heroku-redis").
		says("1.human_name", "Heroku Key-Value Store").says("1.state", "ga")
	w.send("GET /addon-services/heroku-kafka", "").is(404).says("message", "Couldn't find that add-on service")
	plan := w.send("GET /plans/heroku-redis:private-7", "").is(200).says("name", "heroku-redis:private-7").says("human_name", "Private 7").
		says("price.cents", "90000").says("price.unit", "month").says("installable_inside_private_network", "true").
		says("installable_outside_private_network", "false").
		says("space_default", "true").says("default", "false").says("compliance", "null").says("addon_service.name", "heroku-redis")
	w.send("GET /addon-services/heroku-redis/plans/"+plan.get("id"), "").is(200).says("name", "heroku-redis:private-7")
	w.send("GET /plans/heroku-redis:mini", "").is(200).says("default", "true").says("price.cents", "300")
	w.send("GET /plans/heroku-redis:hobby-dev", "").is(200).says("name", "heroku-redis:mini")
	w.send("GET /plans/heroku-redis:shield-7", "").is(200).says("compliance", `["HIPAA","PCI"]`)
	// A plan without a published price has contract set.
	w.send("GET /plans/heroku-redis:premium-4", "").is(200).says("price.contract", "true").says("price.cents", "0")
	w.send("GET /plans/heroku-redis:premium-6", "").is(404)
}
