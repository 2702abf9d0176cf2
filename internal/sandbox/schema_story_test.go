// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package sandbox_test

import "strings"

// fill replaces placeholders in the paths of links by objects that the story has created.
var fill = strings.NewReplacer(
	"{app}", "orders-api", "{team-app}", "orders-api", "{add-on}", "orders-cache", "{space}", "acme-prod", "{team}", "acme",
	"{account}", "~", "{region}", "eu", "{add-on-service}", "heroku-redis", "{", "no-", "}", "",
)

// refusedLinks have no successful response in the sandbox. See also emptyResourceLinks.
var refusedLinks = map[string]int{
	"PATCH /addons/{add-on}/config":      403, // only for the add-on partner
	"POST /apps/{app}/dynos":             403,
	"GET /apps/{app}/pipeline-couplings": 404,
}

// emptyResourceLinks are the path prefixes of resources that the sandbox does not support.
var emptyResourceLinks = []string{
	"/account/features", "/account/keys", "/addons/{add-on}/log-drains", "/addons/{add-on}/webhook",
	"/apps/{app}/builds", "/apps/{app}/slugs",
	"/apps/{app}/sni-endpoints", "/apps/{app}/telemetry-drains", "/apps/{app}/webhook", "/pipelines", "/pipeline-couplings",
	"/spaces/{space}/peerings", "/spaces/{space}/telemetry-drains", "/spaces/{space}/vpn-connections", "/telemetry-drains",
}

// story sends a request for every kind of object.
func (j *schemaJudge) story() {
	j.t.Helper()
	// the account and the catalogue
	for _, path := range []string{
		"/account", "/account/rate-limits", "/users/~", "/users/~/apps", "/teams", "/teams/acme", "/enterprise-accounts/acme/teams",
		"/teams/acme/members", "/teams/acme/available-generations", "/teams/acme/allowed-addon-services", "/teams/acme/features",
		"/teams/acme/invitations", "/teams/permissions",
		"/regions", "/regions/eu", "/regions/tokyo/addon-region-capabilities", "/addon-region-capabilities",
		"/addon-services", "/addon-services/scheduler", "/addon-services/heroku-redis/region-capabilities",
		"/addon-services/heroku-redis/plans",
		"/addon-services/heroku-postgresql/plans", "/addon-services/heroku-redis/plans/heroku-redis:mini", "/plans/heroku-redis:premium-4",
		"/generations", "/generations/fir", "/stacks", "/stacks/heroku-24", "/dyno-sizes", "/dyno-sizes/eco",
	} {
		j.ask("GET "+path, "")
	}
	j.ask("POST /teams", `{"name":"freelancers"}`)
	j.ask("PUT /teams/acme/members", `{"email":"new@acme.example","role":"member"}`)
	j.ask("PATCH /teams/acme/members", `{"email":"new@acme.example","role":"admin"}`)
	j.ask("POST /teams/acme/members", `{"email":"other@acme.example","role":"member"}`)
	j.ask("DELETE /teams/acme/members/other@acme.example", "")

	// spaces: creation, changes and deletion
	j.ask("POST /spaces", `{"name":"acme-prod","team":"acme"}`)
	j.ask("POST /spaces", `{"name":"acme-next","team":"acme","generation":"fir"}`)
	j.advance()
	j.ask("PATCH /spaces/acme-next", `{"name":"acme-gone"}`)
	j.ask("POST /spaces/acme-gone/transfer", `{"new_owner":"acme-data"}`)
	j.ask("DELETE /spaces/acme-gone", "")
	j.ask("PUT /spaces/acme-prod/inbound-ruleset", `{"rules":[{"action":"allow","source":"192.0.2.0/24"}]}`)
	ruleset := j.ask("GET /spaces/acme-prod/inbound-ruleset", "").get("id")
	j.ask("PATCH /spaces/acme-prod/members/member@acme.example", `{"permissions":[{"name":"create_apps"}]}`)
	j.ask("POST /teams/apps", `{"name":"orders-inside","space":"acme-prod"}`)
	for _, path := range []string{
		"/spaces", "/spaces/acme-prod", "/teams/acme/spaces", "/spaces/acme-prod/nat", "/spaces/acme-prod/topology",
		"/spaces/acme-prod/peering-info",
		"/spaces/acme-prod/peerings", "/spaces/acme-prod/vpn-connections", "/spaces/acme-prod/telemetry-drains",
		"/spaces/acme-prod/inbound-rulesets", "/spaces/acme-prod/inbound-rulesets/" + ruleset,
		"/spaces/acme-prod/members", "/spaces/acme-prod/members/member@acme.example", "/apps/orders-inside",
		"/apps/orders-inside/available-stacks",
		"/apps/orders-inside/available-dyno-sizes",
	} {
		j.ask("GET "+path, "")
	}

	// an app of a team, and a personal one
	j.ask("POST /teams/apps", `{"name":"orders-api","team":"acme"}`)
	j.ask("POST /apps", `{"name":"mine-alone","stack":"heroku-22"}`)
	j.ask("PATCH /apps/mine-alone", `{"maintenance":true,"build_stack":"heroku-24"}`)
	j.ask("PATCH /teams/apps/orders-api", `{"locked":true}`)
	for _, line := range []string{"POST", "PATCH", "DELETE"} {
		j.ask(line+" /apps/orders-api/acm", "")
	}
	j.ask("PUT /apps/orders-api/buildpack-installations", `{"updates":[{"buildpack":"heroku/go"},{"buildpack":"https://example.com/pack"}]}`)
	j.ask("POST /apps/orders-api/collaborators", `{"user":"member@acme.example"}`)
	j.ask("DELETE /apps/orders-api/collaborators/member@acme.example", "")
	j.ask("POST /teams/apps/orders-api/collaborators", `{"user":"member@acme.example","permissions":["deploy"]}`)
	j.ask("PATCH /teams/apps/orders-api/collaborators/member@acme.example", `{"permissions":["operate"]}`)
	domain := j.ask("POST /apps/orders-api/domains", `{"hostname":"orders.acme.example"}`).get("id")
	j.ask("PATCH /apps/orders-api/domains/"+domain, `{"sni_endpoint":null}`)
	drain := j.ask("POST /apps/orders-api/log-drains", `{"url":"syslog+tls://logs.acme.example:6514"}`).get("id")
	j.ask("PATCH /apps/orders-api/features/preboot", `{"enabled":true}`)
	j.ask("PATCH /apps/orders-api/config-vars", `{"CACHE_TTL":"300"}`)
	j.ask("PATCH /apps/orders-api/formation", `{"updates":[{"type":"web","quantity":2}]}`)
	j.ask("PATCH /apps/orders-api/formation/web", `{"quantity":1}`)
	j.ask("POST /apps/orders-api/releases", `{"release":"3"}`)
	j.ask("POST /apps/orders-api/log-sessions", `{}`)
	for _, line := range []string{"DELETE /apps/orders-api/dynos", "DELETE /apps/orders-api/dynos/web.1",
		"DELETE /apps/orders-api/formations/web",
		"POST /apps/orders-api/dynos/web.1/actions/stop", "POST /apps/orders-api/formations/web/actions/stop"} {
		j.ask(line, "")
	}

	// a store that is attached to two apps, and an add-on of another service
	j.ask("POST /apps/orders-api/addons", `{"plan":"heroku-redis:premium-0","name":"orders-cache"}`,
		"X-Heroku-Legacy-Provider-Messages: true")
	j.ask("POST /apps/orders-api/addons", `{"plan":"heroku-postgresql"}`)
	j.advance()
	j.ask("PATCH /apps/orders-api/addons/heroku-postgresql", `{"plan":"heroku-postgresql:standard-0"}`)
	attachment := j.ask("POST /addon-attachments", `{"addon":"orders-cache","app":"mine-alone"}`).get("id")
	j.ask("POST /actions/addons/resolve", `{"addon":"REDIS","app":"orders-api"}`)
	j.ask("POST /actions/addon-attachments/resolve", `{"addon_attachment":"orders-api::REDIS"}`)
	for _, path := range []string{
		"/addons", "/addons/orders-cache", "/addons/orders-cache/config", "/addons/orders-cache/addon-attachments",
		"/addons/orders-cache/log-drains",
		"/addons/orders-cache/webhooks", "/addons/orders-cache/webhook-deliveries", "/addons/orders-cache/webhook-events",
		"/users/~/addons", "/teams/acme/addons", "/addon-attachments", "/addon-attachments/" + attachment,
		"/apps", "/teams/acme/apps", "/teams/apps/orders-api", "/apps/orders-api", "/apps/orders-api/addons",
		"/apps/orders-api/addons/orders-cache",
		"/apps/orders-api/addon-attachments", "/apps/orders-api/addon-attachments/REDIS", "/apps/orders-api/available-stacks",
		"/apps/orders-api/available-dyno-sizes", "/apps/orders-api/buildpack-installations", "/apps/orders-api/builds",
		"/apps/orders-api/collaborators", "/apps/orders-api/collaborators/member@acme.example", "/teams/apps/orders-api/collaborators",
		"/teams/apps/orders-api/collaborators/member@acme.example", "/apps/orders-api/config-vars", "/apps/orders-api/domains",
		"/apps/orders-api/domains/" + domain, "/apps/orders-api/dynos", "/apps/orders-api/dynos/web.1", "/apps/orders-api/features",
		"/apps/orders-api/features/preboot", "/apps/orders-api/formation", "/apps/orders-api/formation/web", "/apps/orders-api/log-drains",
		"/apps/orders-api/log-drains/" + drain, "/apps/orders-api/releases", "/apps/orders-api/releases/4",
		"/apps/orders-api/releases/4/config-vars",
		"/apps/orders-api/sni-endpoints",
		"/apps/orders-api/telemetry-drains", "/apps/orders-api/webhooks", "/apps/orders-api/webhook-deliveries",
		"/apps/orders-api/webhook-events", "/account/features", "/account/keys", "/pipelines", "/pipeline-couplings",
	} {
		j.ask("GET "+path, "")
	}

	// deletion of objects that fill does not need
	j.ask("DELETE /addon-attachments/"+attachment, "")
	j.ask("DELETE /apps/orders-api/addons/heroku-postgresql", "")
	j.ask("DELETE /apps/orders-api/domains/"+domain, "")
	j.ask("DELETE /apps/orders-api/log-drains/"+drain, "")
	j.ask("DELETE /teams/apps/orders-api/collaborators/member@acme.example", "")
	j.ask("DELETE /apps/mine-alone", "")
}
