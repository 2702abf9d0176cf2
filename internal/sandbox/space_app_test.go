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

func TestSpaceApp_isOfTheSpacesTeamAndRegion(t *testing.T) {
	t.Parallel()
	w := start(t)
	id := w.send("POST /spaces", `{"name":"acme-eu","team":"acme-data","region":"frankfurt","shield":true}`).is(201).get("id")
	w.advance()
	w.send("POST /teams/apps", `{"name":"by-name","space":"acme-eu"}`).is(201).says("team.name", "acme-data").says("region.name", "frankfurt").
		says("space.id", id).says("space.name", "acme-eu").says("space.shield", "true").says("internal_routing", "false").
		says("owner.email", "acme-data@herokumanager.com")
	w.send("POST /teams/apps", `{"name":"by-id","space":"`+id+`","team":"acme-data","region":"frankfurt","internal_routing":true}`).is(201).
		says("internal_routing", "true")
	w.send("GET /apps/by-id", "").is(200).says("space.name", "acme-eu").says("internal_routing", "true")
	w.send("PATCH /spaces/acme-eu", `{"name":"acme-europe"}`).is(200)
	w.send("GET /teams/acme-data/apps", "").is(200).says("length", "2").says("0.space.name", "acme-europe")
	w.send("GET /users/~/apps", "").is(200).says("length", "2").says("0.space.id", id)
	w.send("GET /users/somebody/apps", "").is(404)
}

func TestSpaceApp_isRefused(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.space("acme-prod")
	w.space("full")
	for i := range 20 {
		w.appIn("full", fmt.Sprintf("app-%d", i))
	}
	w.send("POST /spaces", `{"name":"acme-new","team":"acme"}`).is(201)
	tests := map[string]struct {
		body    string
		status  int
		message string
	}{
		"in an unknown space":              {`{"name":"orders-api","space":"nowhere"}`, 404, "Couldn't find that space."},
		"in a space of another team":       {`{"name":"orders-api","space":"acme-prod","team":"acme-data"}`, 422, "belongs to the team acme"},
		"in an unknown team":               {`{"name":"orders-api","space":"acme-prod","team":"nobody"}`, 404, "Couldn't find that team."},
		"in another region":                {`{"name":"orders-api","space":"acme-prod","region":"oregon"}`, 422, "is in region virginia"},
		"in a region that there is not":    {`{"name":"orders-api","space":"acme-prod","region":"mars"}`, 422, "is in region virginia"},
		"in a space that is allocating":    {`{"name":"orders-api","space":"acme-new"}`, 422, "Space acme-new is allocating."},
		"as the 21st of the space":         {`{"name":"orders-api","space":"full"}`, 422, "more than 20 apps"},
		"with a name that is taken":        {`{"name":"app-1","space":"acme-prod"}`, 422, "Name app-1 is already taken"},
		"with internal routing, elsewhere": {`{"name":"orders-api","internal_routing":true}`, 422, "Private Spaces only"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := w
			w.t = t
			if a := w.send("POST /teams/apps", tc.body).is(tc.status); !strings.Contains(a.get("message"), tc.message) {
				t.Errorf("the message %q does not say %q", a.get("message"), tc.message)
			}
		})
	}
	w.send("PATCH /teams/apps/app-1", `{"owner":"acme-data"}`).is(422)
	w.send("PATCH /teams/apps/app-1", `{"owner":"acme"}`).is(200)
	w.send("GET /apps/app-1", "").is(200).says("team.name", "acme")
}

func TestSpaceApp_takesAPermissionThatAdminsAlwaysHave(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.space("acme-prod")
	const members = "/spaces/acme-prod/members"
	member := w.as(w.MemberToken())
	member.send("POST /teams/apps", `{"name":"members-own","space":"acme-prod"}`).is(403).says("id", "forbidden")

	w.send("GET "+members, "").is(200).says("length", "2")
	w.send("GET "+members+"/member@acme.example", "").is(200).says("permissions", "[]").says("space.name", "acme-prod").
		says("user.email", "member@acme.example")
	for range 2 {
		w.send("PATCH "+members+"/member@acme.example", `{"permissions":[{"name":"create_apps"}]}`).is(200).says("permissions.length", "1").
			says("permissions.0.name", "create_apps")
	}
	member.send("POST /teams/apps", `{"name":"members-own","space":"acme-prod"}`).is(201)
	id := w.send("GET "+members+"/member@acme.example", "").get("user.id")
	w.send("PATCH "+members+"/"+id, `{"permissions":[]}`).is(200).says("permissions", "[]")
	member.send("POST /teams/apps", `{"name":"one-more","space":"acme-prod"}`).is(403)

	w.send("PATCH "+members+"/admin@acme.example", `{"permissions":[]}`).is(200).says("permissions.0.name", "create_apps")
	w.send("GET "+members+"/stranger@acme.example", "").is(404)
	w.send("PATCH "+members+"/stranger@acme.example", `{"permissions":[]}`).is(404)
	w.send("PATCH "+members+"/member@acme.example", `{"permissions":[{"name":"delete_apps"}]}`).is(422)
	w.send("PATCH "+members+"/member@acme.example", `{}`).is(422)
}

func TestSpaceApp_isBeingProvisionedForAWhile(t *testing.T) {
	t.Parallel()
	w := start(t, func(o *sandbox.Options) { o.AppDelay = time.Minute })
	w.space("acme-prod")
	w.appIn("acme-prod", "orders-api")
	w.app("elsewhere")
	w.store("elsewhere", "kvs-a", "mini")
	for line, body := range map[string]string{
		"POST /apps/orders-api/addons":       `{"plan":"heroku-redis:private-7"}`,
		"POST /addon-attachments":            `{"addon":"kvs-a","app":"orders-api"}`,
		"PATCH /apps/orders-api/config-vars": `{"A":"b"}`,
	} {
		w.send(line, body).is(422).says("message", "App orders-api is being provisioned. Please try again later.")
	}
	w.send("GET /apps/orders-api", "").is(200)
	w.Clock().Advance(time.Minute)
	w.send("POST /apps/orders-api/addons", `{"plan":"heroku-redis:private-7"}`).is(201)
}

func TestPlacement_ofAPlanOnAnApp(t *testing.T) {
	t.Parallel()
	w := start(t)
	strict := start(t, func(o *sandbox.Options) { o.StrictPlacement = true })
	for _, w := range []world{w, strict} {
		w.space("private")
		w.space("shield", `"shield":true`)
		w.app("common-app")
		w.appIn("private", "private-app")
		w.appIn("shield", "shield-app")
	}
	const confirm = 423
	for _, tc := range []struct {
		plan                    string
		common, private, shield int
	}{
		{"mini", 201, confirm, 422},
		{"premium-0", 201, confirm, 422},
		{"premium-14", 201, confirm, 422},
		{"private-7", 422, 201, 422},
		{"shield-9", 422, 422, 201},
	} {
		for app, want := range map[string]int{"common-app": tc.common, "private-app": tc.private, "shield-app": tc.shield} {
			t.Run(tc.plan+" on "+app, func(t *testing.T) {
				t.Parallel()
				body := `{"plan":"heroku-redis:` + tc.plan + `"}`
				w, strict := w, strict
				w.t, strict.t = t, t
				// Another add-on may currently be created on the same app.
				until := func(w world, body string) answer {
					for {
						if a := w.send("POST /apps/"+app+"/addons", body); a.status != 409 || t.Context().Err() != nil {
							return a
						}
					}
				}
				a := until(w, body).is(want)
				switch want {
				case 422:
					a.says("id", "invalid_params")
					until(w, `{"plan":"heroku-redis:`+tc.plan+`","confirm":"`+app+`"}`).is(422)
				case confirm:
					a.says("id", "confirmation_required").says("message", "This add-on is not automatically networked with this Private Space. ")
					if got := a.header.Get("X-Confirmation-Required"); got != app {
						t.Errorf("X-Confirmation-Required: %q", got)
					}
					id := w.send("GET /apps/"+app, "").get("id")
					until(w, `{"plan":"heroku-redis:`+tc.plan+`","confirm":"`+id+`"}`).is(confirm) // the name, not the id
					until(w, `{"plan":"heroku-redis:`+tc.plan+`","confirm":"`+app+`"}`).is(201)
					until(strict, body).is(422).says("id", "invalid_params")
					until(strict, `{"plan":"heroku-redis:`+tc.plan+`","confirm":"`+app+`"}`).is(422)
				}
			})
		}
	}
}

func TestPlacement_theServiceAloneIsTheDefaultPlanOfTheSurroundings(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.space("private")
	w.space("shield", `"shield":true`)
	w.app("common-app")
	w.appIn("private", "private-app")
	w.appIn("shield", "shield-app")
	for app, plan := range map[string]string{"common-app": "mini", "private-app": "private-7", "shield-app": "shield-7"} {
		w.send("POST /apps/"+app+"/addons", `{"plan":"heroku-redis"}`).is(201).says("plan.name", "heroku-redis:"+plan)
	}
}

// Dyno sizes depend on where an app runs, and a space has a limit for the dynos of all apps.
func TestFormation_inSpaces(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.space("acme-prod")
	w.app("orders-api")
	w.send("PATCH /apps/orders-api/formation/web", `{"size":"private-s"}`).is(422).says("id", "invalid_params")
	for n := range 6 {
		name := fmt.Sprintf("orders-%d", n)
		w.send("POST /teams/apps", fmt.Sprintf(`{"name":%q,"space":"acme-prod"}`, name)).is(201)
		w.send("PATCH /apps/"+name+"/formation/web", `{"size":"standard-1x"}`).is(422).says("id", "invalid_params")
		scaled := w.send("PATCH /apps/"+name+"/formation", `{"updates":[{"type":"web","quantity":10},{"type":"worker","quantity":9}]}`)
		if n < 5 {
			scaled.is(200)
		} else {
			scaled.is(422).says("id", "cannot_update_above_limit")
		}
	}
	w.send("GET /apps/orders-5/formation/web", "").is(200).says("quantity", "1")
}

// A user who leaves a team and rejoins does not get the former permissions back.
func TestSpaceMember_whoLeavesTheTeam(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.space("acme-prod")
	const member = "/spaces/acme-prod/members/member@acme.example"
	w.send("PATCH "+member, `{"permissions":[{"name":"create_apps"}]}`).is(200).says("permissions.0.name", "create_apps")
	w.send("DELETE /teams/acme/members/member@acme.example", "").is(200)
	w.send("GET "+member, "").is(404)
	w.send("PUT /teams/acme/members", `{"email":"member@acme.example","role":"member"}`).is(200)
	w.send("GET "+member, "").is(200).says("permissions.0.name", "")
}
