// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package heroku_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
)

const (
	spaceID       = heroku.SpaceID("2d6f8f4b-0a1c-4f6e-93c4-7b1d2e5f6a70")
	spaceNotFound = `{"id":"not_found","message":"Couldn't find that space.","resource":"space"}`
)

// acme has the parameters of a create, and acmeProd is the response to it.
var (
	acme     = heroku.SpaceCreate{Name: "acme-prod", Team: "acme-platform", Region: "virginia", DataCIDR: "172.23.0.0/20"}
	acmeProd = spaceJSON(spaceID, "acme-prod", "acme-platform", "allocating")
)

func spaceJSON(id heroku.SpaceID, name, team, state string) string {
	return fmt.Sprintf(`{"cidr":"10.0.0.0/16","created_at":"2026-01-14T09:12:12Z","data_cidr":"172.23.0.0/20",
"generation":{"id":"69a1f3d8-5b2e-4c7a-9e0f-3c4d5e6f7a80","name":"cedar"},"id":%q,"name":%q,"organization":{"name":%q},
"region":{"id":"3544427c-5b3b-4e1e-b01a-b66362573b26","name":"virginia"},"shield":false,"state":%q,
"team":{"id":"b7a3c5d0-1c2e-4f7b-8d33-0c9f2e8a4411","name":%q},"updated_at":"2026-01-14T09:12:12Z"}`, id, name, team, state, team)
}

// sent returns the body of a request as compact JSON.
func sent(t *testing.T, r *http.Request) string {
	t.Helper()
	var body any
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
		t.Error(err)
	}
	return toJSON(t, body)
}

func TestSpaceIsReadAsDocumented(t *testing.T) {
	t.Parallel()
	const whole = `{
  "cidr": "10.40.0.0/16", "created_at": "2026-01-14T08:30:12Z", "data_cidr": "172.23.0.0/20",
  "generation": {"id": "69a1f3d8-5b2e-4c7a-9e0f-3c4d5e6f7a80", "name": "cedar"},
  "id": "2d6f8f4b-0a1c-4f6e-93c4-7b1d2e5f6a70", "name": "acme-prod", "organization": {"name": "acme-platform"},
  "region": {"id": "3544427c-5b3b-4e1e-b01a-b66362573b26", "name": "virginia"}, "shield": true, "state": "allocated",
  "team": {"id": "b7a3c5d0-1c2e-4f7b-8d33-0c9f2e8a4411", "name": "acme-platform"}, "updated_at": "2026-01-14T08:38:40Z",
  "something_new": {"a": [1]}
}`
	space := heroku.Space{
		ID: spaceID, Name: "acme-prod", Team: "acme-platform", Region: "virginia", State: heroku.SpaceAllocated, Shield: true,
		CIDR: "10.40.0.0/16", DataCIDR: "172.23.0.0/20", Generation: "cedar",
		CreatedAt: "2026-01-14T08:30:12Z", UpdatedAt: "2026-01-14T08:38:40Z",
	}
	ungenerated := space
	ungenerated.Generation = ""
	const generation = `"generation": {"id": "69a1f3d8-5b2e-4c7a-9e0f-3c4d5e6f7a80", "name": "cedar"},`
	plain := heroku.Space{ID: spaceID, Name: "acme-prod"}
	for name, c := range map[string]struct {
		body string
		want heroku.Space
	}{
		"whole":                  {whole, space},
		"a generation as a name": {strings.Replace(whole, generation, `"generation": "cedar",`, 1), space},
		"no generation":          {strings.Replace(whole, generation, "", 1), ungenerated},
		"a null generation":      {strings.Replace(whole, generation, `"generation": null,`, 1), ungenerated},
		"nulls everywhere": {`{"id":"2d6f8f4b-0a1c-4f6e-93c4-7b1d2e5f6a70","name":"acme-prod","generation":null,"region":null,"team":null,
			"organization":null,"shield":null,"state":null,"cidr":null,"data_cidr":null,"created_at":null,"updated_at":null}`, plain},
		"only the organization, as it was once called": {
			`{"id":"2d6f8f4b-0a1c-4f6e-93c4-7b1d2e5f6a70","name":"acme-prod","organization":{"name":"acme"}}`,
			heroku.Space{ID: spaceID, Name: "acme-prod", Team: "acme"},
		},
		"types that nobody expects": {`{"id":"2d6f8f4b-0a1c-4f6e-93c4-7b1d2e5f6a70","name":"acme-prod","generation":[],"region":"virginia","team":{"name":null},
			"shield":"true","state":{},"cidr":[]}`, heroku.Space{ID: spaceID, Name: "acme-prod", Region: "virginia", Shield: true}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv, client := answering(t, c.body)
			got, err := client.Space(t.Context(), spaceID)
			equal(t, got, c.want, err)
			wantRequest(t, srv, "GET /spaces/"+string(spaceID))
		})
	}
}

func TestSpaceWithoutAnIdentityIsRefused(t *testing.T) {
	t.Parallel()
	for _, body := range []string{`{}`, `{"id":"2d6f8f4b"}`, `{"name":"acme-prod"}`, `[]`, `null`} {
		_, client := answering(t, body)
		var unreadable *heroku.BodyError
		if _, err := client.FindSpace(t.Context(), "acme-prod"); !errors.As(err, &unreadable) {
			t.Errorf("%s: %v", body, err)
		}
	}
}

func TestSpaceReadsThatArriveTogetherCostAList(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		var all []string
		for i := range 10 {
			all = append(all, spaceJSON(heroku.SpaceID(fmt.Sprint("space-", i)), "a-name", "acme", "allocated"))
		}
		f := memory(func(w http.ResponseWriter, r *http.Request, _ int) {
			if r.URL.Path == "/spaces" {
				reply(w, 200, "["+strings.Join(all, ",")+"]")
				return
			}
			<-release
			reply(w, 200, all[0])
		})
		c := f.client(t, clocked(heroku.RealClock))
		errs := make(chan error, 10)
		for i := range 10 {
			go func() {
				id := heroku.SpaceID(fmt.Sprint("space-", i))
				s, err := c.Space(t.Context(), id)
				if err == nil && s.ID != id {
					err = fmt.Errorf("asked for %s, got %s", id, s.ID)
				}
				errs <- err
			}()
			synctest.Wait()
		}
		close(release)
		for range 10 {
			if err := <-errs; err != nil {
				t.Error(err)
			}
		}
		if want := []string{"GET /spaces"}; !slices.Equal(f.requests(), want) {
			t.Error(f.requests())
		}
	})
}

func TestCreateSpaceSendsWhatHerokuDocuments(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		order heroku.SpaceCreate
		want  string
	}{
		"only what must be": {heroku.SpaceCreate{Name: "acme-prod", Team: "acme-platform"}, `{"name":"acme-prod","team":"acme-platform"}`},
		"the documented example": {
			acme,
			`{"data_cidr":"172.23.0.0/20","name":"acme-prod","region":"virginia","team":"acme-platform"}`,
		},
		"everything": {
			heroku.SpaceCreate{
				Name: "acme-prod", Team: "acme-platform", Region: "virginia", CIDR: "10.40.0.0/16", DataCIDR: "172.23.0.0/20",
				Shield: true, Generation: "cedar", LogDrainURL: "https://logs.acme.example/x",
			},
			`{"cidr":"10.40.0.0/16","data_cidr":"172.23.0.0/20","generation":"cedar","log_drain_url":"https://logs.acme.example/x","name":"acme-prod",` +
				`"region":"virginia","shield":true,"team":"acme-platform"}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var body string
			srv := serve(t, func(w http.ResponseWriter, r *http.Request, _ int) {
				body = sent(t, r)
				reply(w, 201, acmeProd)
			})
			space, err := srv.client(t).CreateSpace(t.Context(), c.order)
			if err != nil || space.ID != spaceID || space.State != heroku.SpaceAllocating {
				t.Errorf("%v, %v", space, err)
			}
			if body != c.want {
				t.Errorf("sent %s, want %s", body, c.want)
			}
			wantRequest(t, srv, "POST /spaces")
		})
	}
}

func TestLostSpaceThatWasOrderedIsAdopted(t *testing.T) {
	t.Parallel()
	for _, name := range unsure {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := serve(t, func(w http.ResponseWriter, r *http.Request, _ int) {
				if r.Method == "POST" {
					outcomes[name](w, r)
					return
				}
				reply(w, 200, acmeProd)
			})
			space, err := srv.client(t, impatient(name)).CreateSpace(t.Context(), acme)
			if err != nil || space.ID != spaceID {
				t.Errorf("%v, %v", space, err)
			}
			if want := []string{"POST /spaces", "GET /spaces/acme-prod"}; !slices.Equal(srv.requests(), want) {
				t.Error(srv.requests())
			}
		})
	}
}

func TestLostSpaceIsOrderedAgainOnceAndOnlyWhenItsAbsenceIsProven(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		lookUp func(w http.ResponseWriter, r *http.Request)
		posts  int
	}{
		"not found":    {func(w http.ResponseWriter, _ *http.Request) { reply(w, 404, spaceNotFound) }, 2},
		"bare 404":     {outcomes["404"], 1},
		"forbidden":    {outcomes["403"], 1},
		"HTML":         {outcomes["200 HTML"], 1},
		"server error": {outcomes["500"], 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := serve(t, func(w http.ResponseWriter, r *http.Request, _ int) {
				if r.Method == "POST" {
					reset(w, r)
				}
				c.lookUp(w, r)
			})
			if _, err := srv.client(t).CreateSpace(t.Context(), acme); err == nil || srv.count("POST") != c.posts {
				t.Errorf("%v, %v", err, srv.requests())
			}
		})
	}
}

func TestLostSpaceIsNotAdoptedWhenItIsNotTheOneOrdered(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		old, now string
		why      string
	}{
		"another team":         {`"name":"acme-platform"`, `"name":"acme-data"`, "belongs to acme-data"},
		"a Shield Space":       {`"shield":false`, `"shield":true`, "is a Shield Space"},
		"another region":       {`"name":"virginia"`, `"name":"tokyo"`, "is in region tokyo"},
		"another dyno network": {`"cidr":"10.0.0.0/16"`, `"cidr":"10.41.0.0/16"`, "are in 10.41.0.0/16"},
		"another data network": {`"data_cidr":"172.23.0.0/20"`, `"data_cidr":"10.50.0.0/20"`, "are in 10.50.0.0/20"},
		"another generation":   {`"name":"cedar"`, `"name":"fir"`, "is of the generation fir"},
		"on its way out":       {`"state":"allocating"`, `"state":"deleting"`, "is being deleted"},
		"an older one":         {"2026-01-14T09:12:12Z", "2025-11-02T10:00:00Z", "exists since 2025-11-02T10:00:00Z"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := serve(t, func(w http.ResponseWriter, r *http.Request, _ int) {
				if r.Method == "POST" {
					reset(w, r)
				}
				reply(w, 200, strings.ReplaceAll(acmeProd, c.old, c.now))
			})
			order := acme
			order.CIDR, order.Generation = "10.0.0.0/16", "cedar"
			_, err := srv.client(t).CreateSpace(t.Context(), order)
			if err == nil || !strings.Contains(err.Error(), "not what was asked for") || !strings.Contains(err.Error(), c.why) {
				t.Error(err)
			}
			if srv.count("POST") != 1 {
				t.Error(srv.requests())
			}
		})
	}
}

func TestRefusedSpaceIsNotLookedUp(t *testing.T) {
	t.Parallel()
	for status, body := range map[int]string{
		422: `{"id":"invalid_params","message":"Name is already taken"}`,
		403: `{"id":"forbidden","message":"Space management is not enabled for this team."}`,
		404: `{"id":"not_found","message":"Couldn't find that team.","resource":"team"}`,
	} {
		srv := serve(t, func(w http.ResponseWriter, _ *http.Request, _ int) { reply(w, status, body) })
		var said *heroku.Error
		if _, err := srv.client(t).CreateSpace(t.Context(), acme); !errors.As(err, &said) || said.Status != status {
			t.Error(err)
		}
		wantRequest(t, srv, "POST /spaces")
	}
}

func TestInterruptedSpaceOrderStillReturnsTheSpace(t *testing.T) {
	t.Parallel()
	for _, lost := range []bool{false, true} {
		t.Run(fmt.Sprintf("answer lost: %t", lost), func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithCancel(t.Context())
			srv := serve(t, func(w http.ResponseWriter, r *http.Request, _ int) {
				if r.Method == "POST" {
					cancel()
					if lost {
						reset(w, r)
					}
				}
				reply(w, 201, acmeProd)
			})
			space, err := srv.client(t).CreateSpace(ctx, acme)
			if err != nil || space.ID != spaceID || srv.count("POST") != 1 {
				t.Errorf("%v, %v, %v", space, err, srv.requests())
			}
		})
	}
}

func TestRenamedSpaceIsReadAnew(t *testing.T) {
	t.Parallel()
	for _, answer := range []string{"", "reset", "502 HTML", "200 HTML"} {
		t.Run("answer: "+answer, func(t *testing.T) {
			t.Parallel()
			var mu sync.Mutex
			name, body := "acme-prod", ""
			srv := serve(t, func(w http.ResponseWriter, r *http.Request, _ int) {
				mu.Lock()
				defer mu.Unlock()
				if r.Method == "PATCH" {
					name, body = "acme-prod-eu", sent(t, r)
					if answer != "" {
						outcomes[answer](w, r)
						return
					}
				}
				reply(w, 200, spaceJSON(spaceID, name, "acme-platform", "allocated"))
			})
			c := srv.client(t)
			if _, err := c.Space(t.Context(), spaceID); err != nil {
				t.Error(err)
			}
			space, err := c.RenameSpace(t.Context(), spaceID, "acme-prod-eu")
			if err != nil || space.Name != "acme-prod-eu" || body != `{"name":"acme-prod-eu"}` {
				t.Errorf("%v, %v, sent %s", space, err, body)
			}
			if space, err := c.Space(t.Context(), spaceID); err != nil || space.Name != "acme-prod-eu" {
				t.Errorf("%v, %v", space, err)
			}
		})
	}
}

func TestTransferIsRepeatedOnlyAfterALook(t *testing.T) {
	t.Parallel()
	const post, get = "POST /spaces/" + string(spaceID) + "/transfer", "GET /spaces/" + string(spaceID)
	theirs, ours := spaceJSON(spaceID, "acme-prod", "acme-data", "allocated"), spaceJSON(spaceID, "acme-prod", "acme-platform", "allocated")
	for name, c := range map[string]struct {
		first  func(w http.ResponseWriter, r *http.Request)
		look   string
		status int
		want   []string
		ok     bool
	}{
		"answered": {func(w http.ResponseWriter, _ *http.Request) { reply(w, 201, theirs) }, "",
			0, []string{post}, true},
		"lost, and done":                  {outcomes["reset"], theirs, 200, []string{post, get}, true},
		"unreadable, and done":            {outcomes["200 empty"], theirs, 200, []string{post, get}, true},
		"lost, and not done":              {outcomes["reset"], ours, 200, []string{post, get, post}, true},
		"lost, and the look is forbidden": {outcomes["reset"], `{"id":"forbidden","message":"no"}`, 403, []string{post, get}, false},
		"refused": {func(w http.ResponseWriter, _ *http.Request) {
			reply(w, 422, `{"id":"invalid_params","message":"The teams belong to different enterprise accounts."}`)
		}, "", 0, []string{post}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := serve(t, func(w http.ResponseWriter, r *http.Request, n int) {
				switch {
				case r.Method == "GET":
					reply(w, c.status, c.look)
				case n == 1:
					c.first(w, r)
				default:
					if body := sent(t, r); body != `{"new_owner":"acme-data"}` {
						t.Errorf("sent %s", body)
					}
					reply(w, 201, theirs)
				}
			})
			space, err := srv.client(t).TransferSpace(t.Context(), spaceID, "acme-data")
			if (err == nil) != c.ok || (c.ok && space.Team != "acme-data") {
				t.Errorf("%v, %v", space, err)
			}
			if !slices.Equal(srv.requests(), c.want) {
				t.Error(srv.requests())
			}
		})
	}
}

func TestDeleteSpace(t *testing.T) {
	t.Parallel()
	deleting, allocated := spaceJSON(spaceID, "acme-prod", "acme", "deleting"), spaceJSON(spaceID, "acme-prod", "acme", "allocated")
	gone := func(w http.ResponseWriter, _ *http.Request) { reply(w, 404, spaceNotFound) }
	full := func(w http.ResponseWriter, _ *http.Request) {
		reply(w, 422, `{"id":"invalid_params","message":"Space acme-prod contains apps and cannot be deleted."}`)
	}
	says := func(body string) func(http.ResponseWriter, *http.Request) {
		return func(w http.ResponseWriter, _ *http.Request) { reply(w, 200, body) }
	}
	for name, c := range map[string]struct {
		answer, look func(w http.ResponseWriter, r *http.Request)
		err          string
	}{
		"accepted":                             {says(deleting), nil, ""},
		"gone already":                         {gone, nil, ""},
		"refused because of apps":              {full, says(allocated), "contains apps"},
		"refused because it is going already":  {full, says(deleting), ""},
		"unreadable, and on its way":           {outcomes["200 HTML"], says(deleting), ""},
		"unreadable, and gone":                 {outcomes["200 empty"], gone, ""},
		"unreadable, and there":                {outcomes["200 HTML"], says(allocated), "HTML"},
		"lost again and again, and on its way": {outcomes["reset"], says(deleting), ""},
		"404 of something in between":          {outcomes["404"], outcomes["404"], "404"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := serve(t, func(w http.ResponseWriter, r *http.Request, _ int) {
				if r.Method == "DELETE" {
					c.answer(w, r)
					return
				}
				c.look(w, r)
			})
			err := srv.client(t).DeleteSpace(t.Context(), spaceID)
			if (err == nil) != (c.err == "") || (err != nil && !strings.Contains(err.Error(), c.err)) {
				t.Error(err)
			}
		})
	}
}

func TestNATIsReadAsDocumented(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		body string
		want heroku.NAT
	}{
		"enabled": {`{"created_at":"2026-01-14T08:38:40Z","sources":["52.44.101.17","52.71.8.203","54.165.77.90","34.198.12.44"],
			"state":"enabled","updated_at":"2026-01-14T08:38:40Z"}`,
			heroku.NAT{State: "enabled", Sources: []string{"52.44.101.17", "52.71.8.203", "54.165.77.90", "34.198.12.44"}}},
		"not enabled yet": {`{"sources":[],"state":"updating"}`, heroku.NAT{State: "updating"}},
		"no sources":      {`{"sources":null,"state":"disabled"}`, heroku.NAT{State: "disabled"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv, client := answering(t, c.body)
			got, err := client.SpaceNAT(t.Context(), spaceID)
			equal(t, got, c.want, err)
			wantRequest(t, srv, "GET /spaces/"+string(spaceID)+"/nat")
		})
	}
}

func TestNATThatIsNotReadyIsAnError(t *testing.T) {
	t.Parallel()
	for status, body := range map[int]string{404: spaceNotFound, 503: `{"id":"unavailable","message":"The space is being set up."}`} {
		srv := serve(t, func(w http.ResponseWriter, _ *http.Request, _ int) { reply(w, status, body) })
		var said *heroku.Error
		if _, err := srv.client(t).SpaceNAT(t.Context(), spaceID); !errors.As(err, &said) || said.Status != status {
			t.Errorf("%d: %v", status, err)
		}
	}
	_, client := answering(t, `{"sources":["52.44.101.17"]}`)
	var unreadable *heroku.BodyError
	if _, err := client.SpaceNAT(t.Context(), spaceID); !errors.As(err, &unreadable) {
		t.Error(err)
	}
}
