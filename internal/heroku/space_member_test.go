// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package heroku_test

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
)

const membersPath = "/spaces/" + string(spaceID) + "/members"

// memberJSON returns the JSON of a member with permissions.
func memberJSON(email string, permissions ...string) string {
	list := make([]string, len(permissions))
	for i, name := range permissions {
		list[i] = fmt.Sprintf(`{"description":"x","name":%q}`, name)
	}
	return fmt.Sprintf(`{"created_at":"2026-01-14T08:30:12Z","id":%[1]q,"permissions":[%[2]s],"space":{"id":%[1]q,"name":"acme-prod"},
"updated_at":"2026-01-14T08:30:12Z","user":{"email":%[3]q,"id":"8d7c6b5a-4f3e-4d2c-9b1a-0f9e8d7c6b5a"}}`,
		string(spaceID), strings.Join(list, ","), email)
}

func memberOf(email string, permissions ...string) heroku.SpaceMember {
	return heroku.SpaceMember{SpaceID: spaceID, SpaceName: "acme-prod", UserID: "8d7c6b5a-4f3e-4d2c-9b1a-0f9e8d7c6b5a",
		Email: heroku.Email(email), Permissions: permissions}
}

func TestSpaceMemberIsReadAsDocumented(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		body string
		want heroku.SpaceMember
	}{
		"with the permission": {memberJSON("dev@acme.example", "create_apps"), memberOf("dev@acme.example", "create_apps")},
		"without any":         {memberJSON("dev@acme.example"), memberOf("dev@acme.example")},
		"in another case":     {memberJSON("Dev@acme.example"), memberOf("Dev@acme.example")},
		"permissions as texts": {`{"permissions":["create_apps"],"user":{"email":"dev@acme.example"}}`,
			heroku.SpaceMember{Email: "dev@acme.example", Permissions: []string{"create_apps"}}},
		"permissions of the day": {memberJSON("dev@acme.example", "view", "create_apps"), memberOf("dev@acme.example", "create_apps", "view")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv, client := answering(t, c.body)
			got, err := client.SpaceMember(t.Context(), spaceID, "DEV@acme.example")
			equal(t, got, c.want, err)
			wantRequest(t, srv, "GET "+membersPath+"/dev@acme.example")
		})
	}
}

// A response without permissions must not read as if they had been revoked.
func TestHalfASpaceMemberIsRefused(t *testing.T) {
	t.Parallel()
	for _, body := range []string{
		`{}`, `{"permissions":null,"user":{"email":"dev@acme.example"}}`, `{"permissions":[]}`,
		`{"permissions":[{}],"user":{"email":"dev@acme.example"}}`,
		`[]`, `null`, memberJSON("other@acme.example", "create_apps"),
		strings.ReplaceAll(memberJSON("dev@acme.example"), string(spaceID), "7c4e2a90-3b5d-4f8e-a1c6-d2e3f4a5b6c7"),
	} {
		_, client := answering(t, body)
		var unreadable *heroku.BodyError
		if m, err := client.SpaceMember(t.Context(), spaceID, "dev@acme.example"); !errors.As(err, &unreadable) {
			t.Errorf("%s: %v, %v", body, m, err)
		}
	}
}

// Members of one space that are read together are read as a list. A member that is not in it is read by its own GET, which tells
// whether the member exists.
func TestSpaceMembersAreReadTogether(t *testing.T) {
	t.Parallel()
	srv := serve(t, func(w http.ResponseWriter, r *http.Request, _ int) {
		if strings.HasSuffix(r.URL.Path, "/members") {
			reply(w, 200, "["+memberJSON("a@acme.example")+","+memberJSON("B@acme.example", "create_apps")+"]")
			return
		}
		reply(w, 404, `{"id":"not_found","resource":"member","message":"Couldn't find that member."}`)
	})
	client := srv.client(t)
	var wg sync.WaitGroup
	for email, there := range map[heroku.Email]bool{"a@acme.example": true, "b@acme.example": true, "c@acme.example": false} {
		wg.Go(func() {
			m, err := client.SpaceMember(t.Context(), spaceID, email)
			if heroku.IsNotFound(err) == there || there && !strings.EqualFold(string(m.Email), string(email)) {
				t.Errorf("%s: %+v, %v", email, m, err)
			}
		})
	}
	wg.Wait()
	if n := len(srv.requests()); n > 3 {
		t.Errorf("%d requests, want the list, the missing one, and the list again for another spelling: %v", n, srv.requests())
	}
}

func TestSetSpaceMember(t *testing.T) {
	t.Parallel()
	const path = membersPath + "/8d7c6b5a-4f3e-4d2c-9b1a-0f9e8d7c6b5a"
	for name, c := range map[string]struct {
		wanted []string
		body   string
		answer string // to the PATCH
		now    string
		want   []string
		ok     bool
	}{
		"given":      {[]string{"create_apps"}, `{"permissions":[{"name":"create_apps"}]}`, "", "", []string{"PATCH " + path}, true},
		"taken away": {nil, `{"permissions":[]}`, "", "", []string{"PATCH " + path}, true},
		"lost, and done": {nil, `{"permissions":[]}`, "200 HTML", memberJSON("dev@acme.example"),
			[]string{"PATCH " + path, "GET " + path}, true},
		"lost, and not done": {nil, `{"permissions":[]}`, "200 HTML", memberJSON("dev@acme.example", "create_apps"),
			[]string{"PATCH " + path, "GET " + path}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := serve(t, func(w http.ResponseWriter, r *http.Request, _ int) {
				if r.Method == "GET" {
					reply(w, 200, c.now)
					return
				}
				if body := sent(t, r); body != c.body {
					t.Errorf("sent %s", body)
				}
				if c.answer != "" {
					outcomes[c.answer](w, r)
					return
				}
				reply(w, 200, memberJSON("dev@acme.example", c.wanted...))
			})
			_, err := srv.client(t).SetSpaceMember(t.Context(), memberOf("dev@acme.example"), c.wanted)
			if (err == nil) != c.ok {
				t.Error(err)
			}
			if got := srv.requests(); !slices.Equal(got, c.want) {
				t.Errorf("asked for %v, want %v", got, c.want)
			}
		})
	}
}

func TestTeamRoles(t *testing.T) {
	t.Parallel()
	srv, client := answering(t, `[{"email":"Admin@acme.example","role":"admin"},{"email":"dev@acme.example","role":"member"}]`)
	roles, err := client.TeamRoles(t.Context(), "acme")
	if err != nil || roles["admin@acme.example"] != heroku.RoleAdmin || roles["dev@acme.example"] != "member" || len(roles) != 2 {
		t.Errorf("%v, %v", roles, err)
	}
	wantRequest(t, srv, "GET /teams/acme/members")
	_, client = answering(t, `[{"email":"dev@acme.example"}]`)
	if roles, err := client.TeamRoles(t.Context(), "acme"); err == nil {
		t.Errorf("without a role: %v", roles)
	}
}
