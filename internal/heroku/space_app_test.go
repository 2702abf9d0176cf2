// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package heroku_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
)

func TestSpaceAppsAreThoseOfTheTeamInTheSpace(t *testing.T) {
	t.Parallel()
	in := func(id heroku.AppID, space string) string {
		return strings.Replace(appJSON(id, string(id)), `"space":null`, `"space":`+space, 1)
	}
	srv := serve(t, func(w http.ResponseWriter, r *http.Request, n int) {
		switch {
		case strings.HasPrefix(r.URL.Path, "/spaces/"):
			reply(w, 200, spaceJSON(spaceID, "acme-prod", "acme-platform", "allocated"))
		case n == 1:
			w.Header().Set("Next-Range", "id ]b..; max=1000")
			reply(w, 206, "["+in("a", `{"id":"2d6f8f4b-0a1c-4f6e-93c4-7b1d2e5f6a70","name":"acme-prod","shield":false}`)+","+in("b", "null")+"]")
		default:
			reply(w, 200, "["+in("c", `{"id":"another","name":"acme-test"}`)+","+
				in("d", `{"id":"2d6f8f4b-0a1c-4f6e-93c4-7b1d2e5f6a70","name":"acme-prod"}`)+"]")
		}
	})
	apps, err := srv.client(t).SpaceApps(t.Context(), spaceID)
	if err != nil || len(apps) != 2 || apps[0].ID != "a" || apps[1].ID != "d" {
		t.Errorf("%v, %v", apps, err)
	}
	if want := []string{"GET /spaces/" + string(spaceID), "GET /teams/acme-platform/apps",
		"GET /teams/acme-platform/apps"}; !slices.Equal(srv.requests(), want) {
		t.Error(srv.requests())
	}
}

func TestSpaceAppsThatCannotBeListedAreNotNone(t *testing.T) {
	t.Parallel()
	for name, team := range map[string]string{"a team that may not be read": "acme-platform", "no team": ""} {
		srv := serve(t, func(w http.ResponseWriter, r *http.Request, _ int) {
			if strings.HasPrefix(r.URL.Path, "/spaces/") {
				reply(w, 200, spaceJSON(spaceID, "acme-prod", team, "allocated"))
				return
			}
			reply(w, 403, `{"id":"forbidden","message":"You do not have access to the team acme-platform."}`)
		})
		if apps, err := srv.client(t).SpaceApps(t.Context(), spaceID); err == nil {
			t.Errorf("%s: %v", name, apps)
		}
	}
}

func TestAppInASpaceIsOrderedThroughTheTeam(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		order heroku.AppCreate
		want  string
	}{
		"with its team": {
			heroku.AppCreate{Name: "orders-api", Team: "acme-platform", Space: "acme-prod"},
			`{"name":"orders-api","space":"acme-prod","team":"acme-platform"}`,
		},
		"with the space's team, reachable from inside only": {
			heroku.AppCreate{Name: "orders-api", Space: "acme-prod", InternalRouting: true},
			`{"internal_routing":true,"name":"orders-api","space":"acme-prod"}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var body string
			srv := serve(t, func(w http.ResponseWriter, r *http.Request, _ int) {
				body = sent(t, r)
				reply(w, 201, strings.Replace(appJSON(appID, "orders-api"), `"space":null`, `"space":{"name":"acme-prod"}`, 1))
			})
			if _, err := srv.client(t).CreateApp(t.Context(), c.order); err != nil || body != c.want {
				t.Errorf("sent %s, want %s (%v)", body, c.want, err)
			}
			wantRequest(t, srv, "POST /teams/apps")
		})
	}
}

func TestLostAppInASpaceIsAdoptedFromThatSpaceOnly(t *testing.T) {
	t.Parallel()
	inSpace := func(name string) string {
		app := strings.Replace(appJSON(appID, "orders-api"), `"team":null`, `"team":{"id":"b7","name":"acme-platform"}`, 1)
		if name == "" {
			return app
		}
		return strings.Replace(app, `"space":null`, fmt.Sprintf(`"space":{"id":"2d","name":%q}`, name), 1)
	}
	for name, c := range map[string]struct {
		order heroku.AppCreate
		found string
		ok    bool
	}{
		"that space, any team":    {heroku.AppCreate{Name: "orders-api", Space: "acme-prod"}, inSpace("acme-prod"), true},
		"that space, that team":   {heroku.AppCreate{Name: "orders-api", Space: "acme-prod", Team: "acme-platform"}, inSpace("acme-prod"), true},
		"that space, other team":  {heroku.AppCreate{Name: "orders-api", Space: "acme-prod", Team: "acme-data"}, inSpace("acme-prod"), false},
		"another space":           {heroku.AppCreate{Name: "orders-api", Space: "acme-prod"}, inSpace("acme-test"), false},
		"the Common Runtime":      {heroku.AppCreate{Name: "orders-api", Space: "acme-prod"}, inSpace(""), false},
		"a space, none asked for": {heroku.AppCreate{Name: "orders-api", Team: "acme-platform"}, inSpace("acme-prod"), false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := serve(t, func(w http.ResponseWriter, r *http.Request, _ int) {
				if r.Method == "POST" {
					reset(w, r)
				}
				reply(w, 200, c.found)
			})
			app, err := srv.client(t).CreateApp(t.Context(), c.order)
			if (err == nil) != c.ok || (c.ok && app.ID != appID) || srv.count("POST") != 1 {
				t.Errorf("%v, %v, %v", app, err, srv.requests())
			}
		})
	}
}
