// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package sandbox_test

import (
	"testing"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/sandbox"
)

// These tests cover parts of an app on which nothing else depends: they can be read and changed, or requests are refused, as on Heroku.

func TestBuildpacks_areReplacedAsAWhole(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.app("orders-api")
	const line = "PUT /apps/orders-api/buildpack-installations"
	w.exchange(
		exchange{"GET /apps/orders-api/buildpack-installations", "", 200, []string{"length=0"}},
		exchange{line, `{"updates":[{"buildpack":"https://github.com/acme/pack"},{"buildpack":"heroku/go"}]}`, 200, []string{
			"length=2", "0.ordinal=0", "0.buildpack.name=https://github.com/acme/pack", "0.buildpack.url=https://github.com/acme/pack",
			"1.ordinal=1", "1.buildpack.name=heroku/go"}},
		exchange{line, `{"updates":[{"buildpack":"heroku"}]}`, 422, []string{"id=invalid_params"}},
		exchange{line, `{"updates":[{"buildpack":""}]}`, 422, nil},
		exchange{line, `{"updates":[{"pack":"heroku/go"}]}`, 422, []string{"message=Unknown params: updates:pack."}},
		exchange{line, `{}`, 422, []string{"message=Updates is required."}},
		exchange{"GET /apps/orders-api/buildpack-installations", "", 200, []string{"length=2"}},
		exchange{line, `{"updates":[]}`, 200, []string{"length=0"}},
		exchange{"GET /apps/nothing/buildpack-installations", "", 404, []string{"resource=app"}},
	)
	w.as(w.MemberToken()).exchange(exchange{line, `{"updates":[]}`, 403, []string{"id=forbidden"}})
}

func TestStack_isTheOneThatWasOrdered(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.exchange(
		exchange{"POST /apps", `{"name":"orders-api","stack":"heroku-22"}`, 201,
			[]string{"stack.name=heroku-22", "build_stack.name=heroku-22"}},
		exchange{"POST /teams/apps", `{"name":"orders-web","stack":{"name":"container"}}`, 201, []string{"stack.name=container"}},
		exchange{"POST /teams/apps", `{"name":"orders-old","stack":"cedar-14"}`, 404,
			[]string{"resource=stack", "message=Couldn't find that stack."}},
		exchange{"POST /apps", `{"name":"orders-cnb","stack":"cnb"}`, 422, []string{"id=invalid_params"}},
		exchange{"GET /apps/orders-old", "", 404, nil},
		exchange{"PATCH /apps/orders-api", `{"build_stack":"heroku-24"}`, 200,
			[]string{"stack.name=heroku-22", "build_stack.name=heroku-24"}},
		exchange{"PATCH /apps/orders-api", `{"name":"orders-new","build_stack":"nonsense"}`, 404, []string{"resource=stack"}},
		exchange{"GET /apps/orders-new", "", 404, nil},
		exchange{"GET /stacks/heroku-24", "", 200, []string{"default=true", "id=f9f9cbd7-2970-41ef-8db5-3df7123b041f"}},
		exchange{"GET /apps/orders-api/available-stacks", "", 200, []string{"length=3"}},
	)
	if err := w.Deploy("orders-api", "web"); err != nil {
		t.Fatal(err)
	}
	w.exchange(exchange{"GET /apps/orders-api", "", 200, []string{"stack.name=heroku-24"}})
}

func TestCollaborators_seeAndOperateAnApp(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.app("orders-api")
	w.send("POST /apps", `{"name":"mine-alone"}`).is(201)
	member := w.as(w.MemberToken())
	member.exchange(exchange{"GET /apps/mine-alone", "", 403, nil})
	w.exchange(
		exchange{"GET /apps/mine-alone/collaborators", "", 200, []string{"length=1", "0.role=owner", "0.user.email=admin@acme.example",
			"0.user.federated=false", "0.permissions.length=4"}},
		exchange{"POST /apps/mine-alone/collaborators", `{"user":"member@acme.example","silent":true}`, 201,
			[]string{"role=collaborator", "user.email=member@acme.example", "user.federated=false", "permissions.0.name=view"}},
		exchange{"POST /apps/mine-alone/collaborators", `{"user":"member@acme.example"}`, 422,
			[]string{"message=User is already a collaborator on app mine-alone"}},
		exchange{"POST /apps/mine-alone/collaborators", `{"user":"admin@acme.example"}`, 422, nil},
		exchange{"POST /apps/mine-alone/collaborators", `{"user":"nobody@acme.example"}`, 404, []string{"resource=user"}},
		exchange{"GET /apps/mine-alone/collaborators/admin@acme.example", "", 200, []string{"role=owner"}},
		exchange{"DELETE /apps/mine-alone/collaborators/admin@acme.example", "", 404, []string{"resource=collaborator"}},
	)
	member.exchange(exchange{"PATCH /apps/mine-alone/config-vars", `{"A":"b"}`, 200, nil})
	w.exchange(
		exchange{"DELETE /apps/mine-alone/collaborators/member@acme.example", "", 200, []string{"user.email=member@acme.example"}},
		exchange{"GET /apps/mine-alone/collaborators/member@acme.example", "", 404, nil},
	)
	member.exchange(exchange{"GET /apps/mine-alone", "", 403, nil})

	const team = "/teams/apps/orders-api/collaborators"
	w.exchange(
		exchange{"POST " + team, `{"user":"member@acme.example","permissions":["view","deploy"]}`, 201,
			[]string{"permissions.length=2", "permissions.0.name=deploy"}},
		exchange{"POST " + team, `{"user":{"name":"admin@acme.example"},"permissions":["own"]}`, 422, nil},
	)
	member.exchange(exchange{"PATCH /apps/orders-api/config-vars", `{"A":"b"}`, 403, nil})
	w.exchange(exchange{"PATCH " + team + "/member@acme.example", `{"permissions":["operate","view"]}`, 200,
		[]string{"permissions.1.name=view"}})
	member.exchange(exchange{"PATCH /apps/orders-api/config-vars", `{"A":"b"}`, 200, nil})
	w.exchange(
		exchange{"GET " + team, "", 200, []string{"length=2"}},
		exchange{"GET /teams/apps/mine-alone/collaborators", "", 404, []string{"resource=app"}},
		exchange{"DELETE " + team + "/member@acme.example", "", 200, nil},
		exchange{"GET /teams/permissions", "", 200, []string{"length=4"}},
		exchange{"GET /teams/acme/features", "", 200, []string{"length=1", "0.name=org-access-controls", "0.enabled=true"}},
	)
}

func TestDomains_areHerokusOwnAndCustomOnes(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.app("orders-api")
	w.app("orders-web")
	own := w.send("GET /apps/orders-api/domains", "").is(200).says("length", "1").says("0.kind",
		"heroku").says("0.cname", "null").get("0.hostname")
	w.exchange(
		exchange{"POST /apps/orders-api/domains", `{"hostname":"Shop.acme.example","sni_endpoint":null}`, 201,
			[]string{"hostname=shop.acme.example", "kind=custom", "acm_status=null", "sni_endpoint=null", "app.name=orders-api"}},
		exchange{"POST /apps/orders-web/domains", `{"hostname":"shop.acme.example"}`, 422,
			[]string{"message=shop.acme.example is currently in use by another app."}},
		exchange{"POST /apps/orders-api/domains", `{"hostname":"no host"}`, 422, nil},
		exchange{"POST /apps/orders-api/domains", `{"hostname":"a.acme.example","sni_endpoint":"cert"}`, 404,
			[]string{"resource=sni_endpoint"}},
		exchange{"POST /apps/orders-api/acm", "", 200, []string{"acm=true"}},
		exchange{"GET /apps/orders-api/domains/shop.acme.example", "", 200, []string{"acm_status=pending"}},
		exchange{"DELETE /apps/orders-api/acm", "", 200, []string{"acm=false"}},
		exchange{"DELETE /apps/orders-api/domains/" + own, "", 422, nil},
		exchange{"DELETE /apps/orders-api/domains/shop.acme.example", "", 200, nil},
		exchange{"GET /apps/orders-api/domains/shop.acme.example", "", 404, []string{"resource=domain"}},
	)
}

func TestLogDrains_ofAnApp(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.app("orders-api")
	const line = "POST /apps/orders-api/log-drains"
	id := w.send(line, `{"url":"syslog://logs.acme.example:514"}`).is(201).says("app.name", "orders-api").says("addon", "null").get("id")
	w.exchange(
		exchange{line, `{"url":"syslog://logs.acme.example:514"}`, 422, []string{"message=Url has already been taken"}},
		exchange{line, `{"url":"ftp://logs.acme.example"}`, 422, []string{"message=Url is invalid"}},
		exchange{line, `{}`, 422, nil},
		exchange{"GET /apps/orders-api/log-drains", "", 200, []string{"length=1"}},
		exchange{"GET /apps/orders-api/log-drains/" + id, "", 200, []string{"url=syslog://logs.acme.example:514"}},
		exchange{"DELETE /apps/orders-api/log-drains/" + id, "", 200, nil},
		exchange{"DELETE /apps/orders-api/log-drains/" + id, "", 404, []string{"resource=log_drain"}},
	)
}

func TestAppFeatures_areSwitched(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.app("orders-api")
	w.exchange(
		exchange{"GET /apps/orders-api/features/log-runtime-metrics", "", 200, []string{"enabled=false"}},
		exchange{"PATCH /apps/orders-api/features/log-runtime-metrics", `{"enabled":true}`, 200, []string{"enabled=true"}},
		exchange{"GET /apps/orders-api/features", "", 200, []string{"length=8"}},
		exchange{"GET /apps/orders-api/features/log-runtime-metrics", "", 200, []string{"enabled=true"}},
		exchange{"PATCH /apps/orders-api/features/log-runtime-metrics", `{}`, 422, nil},
		exchange{"PATCH /apps/orders-api/features/nonsense", `{"enabled":true}`, 404, []string{"resource=app_feature"}},
	)
}

func TestDynos_areRestarted(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.app("orders-api")
	w.send("PATCH /apps/orders-api/formation", `{"updates":[{"type":"web","quantity":2}]}`).is(200)
	// started is when web.1, web.2 and worker.1 began.
	started := func(want ...string) {
		t.Helper()
		a := w.send("GET /apps/orders-api/dynos", "").is(200).says("length", "3").says("0.name", "web.1").says("2.name", "worker.1")
		for i, at := range want {
			a.says([]string{"0", "1", "2"}[i]+".created_at", "2026-01-14T09:"+at+"Z")
		}
	}
	started("00:00", "00:00", "00:00")
	w.advance()
	w.exchange(exchange{"DELETE /apps/orders-api/dynos/web.2", "", 202, nil})
	started("00:00", "00:10", "00:00")
	w.advance()
	w.exchange(exchange{"DELETE /apps/orders-api/formations/worker", "", 202, nil})
	started("00:00", "00:10", "00:20")
	w.advance()
	w.exchange(exchange{"POST /apps/orders-api/formations/web/actions/stop", "", 202, nil})
	started("00:30", "00:30", "00:20")
	w.advance()
	w.exchange(exchange{"DELETE /apps/orders-api/dynos", "", 202, nil})
	started("00:40", "00:40", "00:40")
	w.exchange(
		exchange{"GET /apps/orders-api/dynos/web.3", "", 404, []string{"resource=dyno"}},
		exchange{"DELETE /apps/orders-api/dynos/web.3", "", 404, []string{"resource=dyno"}},
		exchange{"DELETE /apps/orders-api/formations/clock", "", 404, []string{"message=Couldn't find that process type (clock)."}},
		exchange{"POST /apps/orders-api/dynos", `{"command":"bash"}`, 403, []string{"id=forbidden"}},
		exchange{"GET /dyno-sizes/standard-1x", "", 200, []string{"name=Standard-1X", "memory=0.5", "cost.cents=2500"}},
		exchange{"GET /dyno-sizes/huge", "", 404, nil},
		exchange{"GET /apps/orders-api/available-dyno-sizes", "", 200, []string{"length=9"}},
	)
}

func TestReleases_areCreatedAndRolledBack(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.app("orders-api")
	// The current release cannot be rolled back to.
	slug := w.send("GET /apps/orders-api/releases/3", "").is(200).says("eligible_for_rollback", "false").get("slug.id")
	if err := w.Deploy("orders-api", "web"); err != nil {
		t.Fatal(err)
	}
	const line = "POST /apps/orders-api/releases"
	w.store("orders-api", "orders-cache", "mini")
	for _, body := range []string{`{"A":"1"}`, `{"A":"2","B":"1"}`, `{"A":null,"B":null}`} {
		w.send("PATCH /apps/orders-api/config-vars", body).is(200)
	}
	w.exchange(
		exchange{"GET /apps/orders-api/releases/4/config-vars", "", 200, []string{"A="}},
		exchange{"GET /apps/orders-api/releases/6/config-vars", "", 200, []string{"A=1", "B="}},
		exchange{"GET /apps/orders-api/releases/v7/config-vars", "", 200, []string{"A=2", "B=1"}},
		exchange{"GET /apps/orders-api/releases/8/config-vars", "", 200, []string{"A=", "B="}},
		exchange{"GET /apps/orders-api/releases/9/config-vars", "", 404, []string{"resource=release"}},
		exchange{line, `{"release":"7"}`, 201, []string{"version=9"}},
		exchange{"GET /apps/orders-api/config-vars", "", 200, []string{"A=2", "B=1", "REDIS_URL=" + w.urlOf("orders-api", "REDIS_URL")}},
		exchange{line, `{"release":"8"}`, 201, []string{"version=10"}},
		exchange{"GET /apps/orders-api/config-vars", "", 200, []string{"A=", "B="}},
		exchange{line, `{"release":"4"}`, 201, []string{"version=11"}},
		exchange{"GET /apps/orders-api/releases/3", "", 200, []string{"eligible_for_rollback=true", "current=false"}},
		exchange{line, `{}`, 422, []string{"message=Slug is required."}},
		exchange{line, `{"slug":"e3b1a6c2-9d47-4e5f-8a2b-6c7d8e9f0a1b"}`, 404, []string{"resource=slug"}},
		exchange{line, `{"release":"99"}`, 404, []string{"resource=release"}},
		exchange{line, `{"release":"1"}`, 422, nil},
		exchange{line, `{"release":"v3"}`, 201, []string{"version=12", "description=Rollback to v3", "current=true", "slug.id=" + slug}},
		exchange{"GET /apps/orders-api/formation", "", 200, []string{"length=2"}}, // of this slug, not of the latest one
		exchange{line, `{"slug":"` + slug + `","description":"Again"}`, 201, []string{"version=13", "description=Again"}},
	)
	w.as(w.MemberToken()).exchange(exchange{line, `{"release":"3"}`, 403, nil})
}

func TestNounsThatThereAreNoneOf(t *testing.T) {
	t.Parallel()
	w := start(t, func(o *sandbox.Options) { o.RulesetDelay = 0 })
	w.app("orders-api")
	w.store("orders-api", "orders-cache", "mini")
	w.send("POST /spaces", `{"name":"acme-prod","team":"acme"}`).is(201)
	w.exchange(exchange{"GET /spaces/acme-prod/vpn-connections", "", 404, []string{"resource=space"}}) // it is being allocated
	w.advance()
	for _, path := range []string{"/apps/orders-api/builds", "/apps/orders-api/webhooks", "/addons/orders-cache/log-drains", "/pipelines",
		"/spaces/acme-prod/peerings", "/spaces/acme-prod/vpn-connections", "/account/keys"} {
		w.exchange(
			exchange{"GET " + path, "", 200, []string{"length=0"}},
			exchange{"GET " + path + "/e3b1a6c2-9d47-4e5f-8a2b-6c7d8e9f0a1b", "", 404, []string{"id=not_found"}},
			exchange{"DELETE " + path + "/e3b1a6c2-9d47-4e5f-8a2b-6c7d8e9f0a1b", "", 404, []string{"id=not_found"}},
		)
	}
	w.exchange(
		exchange{"GET /apps/nothing/builds", "", 404, []string{"resource=app"}},
		exchange{"GET /spaces/nothing/peerings", "", 404, []string{"resource=space"}},
		exchange{"GET /addons/nothing/log-drains", "", 404, []string{"resource=add_on"}},
		exchange{"POST /apps/orders-api/builds", `{"source_blob":{}}`, 403, []string{"message=Builds are not enabled for this account."}},
		exchange{"POST /spaces/acme-prod/vpn-connections", `{}`, 403, []string{"id=forbidden"}},
		exchange{"PATCH /addons/orders-cache/config", `{"config":[]}`, 403, []string{"id=forbidden"}},
		exchange{"GET /spaces/acme-prod/peering-info", "", 200, []string{"aws_region=us-east-1", "vpc_cidr=10.0.0.0/16",
			`dyno_cidr_blocks=["10.0.128.0/20","10.0.144.0/20"]`,
			`unavailable_cidr_blocks=["172.23.0.0/20","172.17.0.0/16","10.1.0.0/16"]`}},
		exchange{"DELETE /spaces/acme-prod", "", 200, []string{"state=deleting"}},
		exchange{"GET /spaces/acme-prod", "", 200, []string{"state=deleting"}},
		exchange{"GET /spaces/acme-prod/nat", "", 404, nil},
		exchange{"GET /spaces/acme-prod/peering-info", "", 404, []string{"resource=space"}},
	)
	w.advance()
	w.exchange(exchange{"GET /spaces/acme-prod", "", 404, []string{"resource=space"}})
}

func TestCatalogue_ofGenerationsRegionsAndCapabilities(t *testing.T) {
	t.Parallel()
	w := start(t)
	for region, description := range map[string]string{"us": "United States", "eu": "Europe", "singapore": "Singapore",
		"tokyo": "Tokyo, Japan"} {
		w.send("GET /regions/"+region, "").is(200).says("description", description)
	}
	w.exchange(
		exchange{"GET /generations", "", 200, []string{"length=2"}},
		exchange{"GET /generations/fir", "", 200, []string{"name=fir"}},
		exchange{"GET /generations/oak", "", 404, nil},
		exchange{"GET /teams/acme/available-generations", "", 200, []string{"length=2"}},
		exchange{"GET /addon-services/heroku-redis/region-capabilities", "", 200,
			[]string{"length=12", "0.addon_service.name=heroku-redis"}},
		exchange{"GET /regions/tokyo/addon-region-capabilities", "", 200, []string{"length=4", "0.region.name=tokyo"}},
		exchange{"GET /regions/mars/addon-region-capabilities", "", 404, nil},
		exchange{"GET /addon-region-capabilities", "", 200, []string{"length=48"}},
	)
}

// A space of the fir generation has no shield, trusted IP ranges or log drains. Its apps have the stack cnb and no buildpacks.
func TestFir_isAnotherGeneration(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.send("POST /spaces", `{"name":"acme-fir","team":"acme","generation":"fir"}`).is(201).says("generation.name", "fir")
	w.advance()
	w.exchange(
		exchange{"POST /teams/apps", `{"name":"orders-api","space":"acme-fir"}`, 201, []string{"stack.name=cnb"}},
		exchange{"GET /apps/orders-api", "", 200, []string{"generation.name=fir", "build_stack.name=cnb"}},
		exchange{"POST /teams/apps", `{"name":"orders-web","space":"acme-fir","stack":"heroku-24"}`, 422, nil},
		exchange{"GET /apps/orders-api/formation/web", "", 200, []string{"size=dyno-2c-4gb"}},
		exchange{"GET /apps/orders-api/available-stacks", "", 200, []string{"length=1"}},
		exchange{"PUT /apps/orders-api/buildpack-installations", `{"updates":[{"buildpack":"heroku/go"}]}`, 422, nil},
		exchange{"POST /apps/orders-api/log-drains", `{"url":"https://logs.acme.example"}`, 422, nil},
		exchange{"PUT /spaces/acme-fir/inbound-ruleset", `{"rules":[]}`, 422, nil},
		exchange{"GET /spaces/acme-fir/inbound-ruleset", "", 200, []string{"rules.length=1"}},
		exchange{"POST /apps/orders-api/addons", `{"plan":"heroku-redis:private-7"}`, 201, nil},
	)
}
