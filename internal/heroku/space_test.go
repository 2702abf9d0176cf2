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
	"time"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
)

const (
	spaceID       = heroku.SpaceID("2d6f8f4b-0a1c-4f6e-93c4-7b1d2e5f6a70")
	spaceNotFound = `{"id":"not_found","message":"Couldn't find that space.","resource":"space"}`

	drainSecret = "canary-drain-token"
	drainURL    = heroku.Secret("https://acme:canary-drain-password@logs.acme.example/" + drainSecret + "?key=canary-drain-key")
)

// acme is an order, and acmeProd the space that it makes.
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

// sent is the body of a request.
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
			asked(t, srv, "GET /spaces/"+string(spaceID))
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

func TestSpaceReadsThatArriveTogetherCostAGetAndAList(t *testing.T) {
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
		if want := []string{"GET /spaces/space-0", "GET /spaces"}; !slices.Equal(f.requests(), want) {
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
				Shield: true, LogDrainURL: "https://logs.acme.example/x",
			},
			`{"cidr":"10.40.0.0/16","data_cidr":"172.23.0.0/20","log_drain_url":"https://logs.acme.example/x","name":"acme-prod",` +
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
			asked(t, srv, "POST /spaces")
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
			order.CIDR = "10.0.0.0/16"
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
		asked(t, srv, "POST /spaces")
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
		"answered":                        {func(w http.ResponseWriter, _ *http.Request) { reply(w, 201, theirs) }, "", 0, []string{post}, true},
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

// spaces is a memory server whose spaces have the state, or "" for not found, and the team that a function says.
func spaces(t *testing.T, ids []heroku.SpaceID, now func(age time.Duration) (state, team string)) (*fake, *heroku.Client) {
	begun := time.Now()
	f := memory(func(w http.ResponseWriter, r *http.Request, _ int) {
		var listed []string
		if state, team := now(time.Since(begun)); state != "" {
			for _, id := range ids {
				listed = append(listed, spaceJSON(id, "acme-prod", team, state))
			}
		}
		switch {
		case r.URL.Path == "/spaces":
			reply(w, 200, "["+strings.Join(listed, ",")+"]")
		case len(listed) == 0:
			reply(w, 404, spaceNotFound)
		default:
			reply(w, 200, listed[slices.Index(ids, heroku.SpaceID(strings.TrimPrefix(r.URL.Path, "/spaces/")))])
		}
	})
	return f, f.client(t, clocked(heroku.RealClock))
}

// turning is a space of one team that is in one state before and in another one after.
func turning(before string, after time.Duration, then string) func(time.Duration) (string, string) {
	return func(age time.Duration) (string, string) {
		return becoming(before, after, then)("", age), "acme"
	}
}

func TestWaitsForSpaces(t *testing.T) {
	t.Parallel()
	allocated := func(ctx context.Context, c *heroku.Client) error {
		s, err := c.WaitSpaceAllocated(ctx, spaceID, 20*time.Minute)
		if err == nil && s.State != heroku.SpaceAllocated {
			err = fmt.Errorf("ended in state %s", s.State)
		}
		return err
	}
	gone := func(ctx context.Context, c *heroku.Client) error {
		return c.WaitSpaceGone(ctx, spaceID, 20*time.Minute)
	}
	owned := func(ctx context.Context, c *heroku.Client) error {
		s, err := c.WaitSpaceTeam(ctx, spaceID, "acme-data", 20*time.Minute)
		if err == nil && s.Team != "acme-data" {
			err = fmt.Errorf("ended with team %s", s.Team)
		}
		return err
	}
	moving := func(age time.Duration) (string, string) {
		return "allocated", becoming("acme", 30*time.Second, "acme-data")("", age)
	}
	for name, c := range map[string]struct {
		wait    func(context.Context, *heroku.Client) error
		now     func(time.Duration) (state, team string)
		outcome heroku.WaitOutcome // 0 for success
		last    string
	}{
		"allocated after eight minutes":     {allocated, turning("allocating", 8*time.Minute, "allocated"), 0, ""},
		"unknown at first":                  {allocated, turning("", 30*time.Second, "allocated"), 0, ""},
		"a state that nobody knows":         {allocated, turning("contemplating", time.Minute, "allocated"), 0, ""},
		"never allocated":                   {allocated, turning("allocating", time.Hour, ""), heroku.TimedOut, "allocating"},
		"deleted while allocating":          {allocated, turning("allocating", time.Minute, "deleting"), heroku.Failed, "deleting"},
		"vanished while allocating":         {allocated, turning("allocating", 2*time.Minute, ""), heroku.Failed, "not found"},
		"gone":                              {gone, turning("deleting", 3*time.Minute, ""), 0, ""},
		"never gone":                        {gone, turning("deleting", time.Hour, ""), heroku.TimedOut, "deleting"},
		"transferred":                       {owned, moving, 0, ""},
		"never transferred":                 {owned, turning("allocated", time.Hour, ""), heroku.TimedOut, "belongs to acme"},
		"not to be seen after the transfer": {owned, turning("allocated", time.Second, ""), heroku.Failed, "not found"},
		"not to be seen for a moment, then is": {owned, func(age time.Duration) (string, string) {
			return becoming("", 30*time.Second, "allocated")("", age), "acme-data"
		}, 0, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				_, client := spaces(t, []heroku.SpaceID{spaceID}, c.now)
				err := c.wait(t.Context(), client)
				var wait *heroku.WaitError
				switch {
				case c.outcome == 0:
					if err != nil {
						t.Error(err)
					}
				case !errors.As(err, &wait) || wait.Outcome != c.outcome || wait.LastState != c.last:
					t.Errorf("%v", err)
				case !strings.Contains(err.Error(), string(spaceID)):
					t.Errorf("%v does not name the space", err)
				}
			})
		})
	}
}

func TestManySpacesAreWaitedForWithOneRequestATick(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ids := []heroku.SpaceID{"space-0", "space-1", "space-2"}
		f, c := spaces(t, ids, turning("allocating", 20*time.Second, "allocated"))
		errs := make(chan error)
		for _, id := range ids {
			go func() {
				s, err := c.WaitSpaceAllocated(t.Context(), id, time.Hour)
				if err == nil && s.ID != id {
					err = fmt.Errorf("waited for %s, got %s", id, s.ID)
				}
				errs <- err
			}()
		}
		for range ids {
			if err := <-errs; err != nil {
				t.Error(err)
			}
		}
		if f.count("GET /spaces") != 5 || f.count("GET /spaces/") != 0 { // at 1, 3, 8, 14, 21 s
			t.Error(f.requests())
		}
	})
}

func TestAllocationTakesFewRequests(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f, c := spaces(t, []heroku.SpaceID{spaceID}, turning("allocating", 10*time.Minute, "allocated"))
		if _, err := c.WaitSpaceAllocated(t.Context(), spaceID, time.Hour); err != nil || len(f.requests()) > 50 {
			t.Errorf("%v after %d requests", err, len(f.requests()))
		}
	})
}

func TestInterruptedWaitForASpaceReturnsAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		_, c := spaces(t, []heroku.SpaceID{spaceID}, turning("allocating", time.Hour, "allocated"))
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Second)
		defer cancel()
		begun := time.Now()
		_, err := c.WaitSpaceAllocated(ctx, spaceID, time.Hour)
		var wait *heroku.WaitError
		if !errors.As(err, &wait) || wait.Outcome != heroku.Interrupted || time.Since(begun) != 100*time.Second {
			t.Errorf("%v after %v", err, time.Since(begun))
		}
	})
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
			asked(t, srv, "GET /spaces/"+string(spaceID)+"/nat")
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
	if want := []string{"GET /spaces/" + string(spaceID), "GET /teams/acme-platform/apps", "GET /teams/acme-platform/apps"}; !slices.Equal(srv.requests(), want) {
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
				reply(w, 201, appJSON(appID, "orders-api"))
			})
			if _, err := srv.client(t).CreateApp(t.Context(), c.order); err != nil || body != c.want {
				t.Errorf("sent %s, want %s (%v)", body, c.want, err)
			}
			asked(t, srv, "POST /teams/apps")
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

func TestLogDrainIsReplaced(t *testing.T) {
	t.Parallel()
	const put, get = "PUT /spaces/" + string(spaceID) + "/log-drain", "GET /spaces/" + string(spaceID) + "/log-drain"
	drain := func(url string) string {
		return fmt.Sprintf(`{"addon":null,"created_at":"2026-01-14T08:30:12Z","id":"d1","token":"d.99","updated_at":"2026-01-14T08:30:12Z","url":%q}`, url)
	}
	for name, c := range map[string]struct {
		answer string
		now    heroku.Secret
		want   []string
		ok     bool
	}{
		"answered":              {"", drainURL, []string{put}, true},
		"lost, and done":        {"200 HTML", drainURL, []string{put, get}, true},
		"lost, and not done":    {"200 HTML", "https://logs.acme.example/old", []string{put, get}, false},
		"reset again and again": {"reset", drainURL, []string{put, put, put, put, get}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := serve(t, func(w http.ResponseWriter, r *http.Request, _ int) {
				if r.Method == "PUT" {
					if body := sent(t, r); body != toJSON(t, map[string]string{"url": drainURL.Reveal()}) {
						t.Errorf("sent %s", body)
					}
					if c.answer != "" {
						outcomes[c.answer](w, r)
						return
					}
				}
				reply(w, 200, drain(c.now.Reveal()))
			})
			if err := srv.client(t).SetSpaceLogDrain(t.Context(), spaceID, drainURL); (err == nil) != c.ok {
				t.Error(err)
			}
			if !slices.Equal(srv.requests(), c.want) {
				t.Error(srv.requests())
			}
		})
	}
}

// Heroku says why it does not like a URL, and may repeat it, or the part that matters.
func TestNoErrorOrAttemptShowsALogDrain(t *testing.T) {
	t.Parallel()
	calls := map[string]func(context.Context, *heroku.Client) error{
		"create": func(ctx context.Context, c *heroku.Client) error {
			_, err := c.CreateSpace(ctx, heroku.SpaceCreate{Name: "acme-prod", Team: "acme-platform", LogDrainURL: drainURL})
			return err
		},
		"replace": func(ctx context.Context, c *heroku.Client) error { return c.SetSpaceLogDrain(ctx, spaceID, drainURL) },
	}
	for name, says := range map[string]string{
		"the whole URL":                     drainURL.Reveal(),
		"the URL without user and password": strings.Replace(drainURL.Reveal(), "acme:canary-drain-password@", "", 1),
		"its path":                          "/" + drainSecret + "?key=canary-drain-key",
		"its query":                         "key=canary-drain-key",
		"its password":                      "canary-drain-password",
	} {
		for how, answer := range map[string]func(http.ResponseWriter){
			"a refusal": func(w http.ResponseWriter) {
				reply(w, 422, toJSON(t, map[string]string{"id": says, "message": "Cannot reach " + says + " now", "url": says, "resource": says}))
			},
			"an escaped refusal": func(w http.ResponseWriter) {
				reply(w, 422, `{"id":"invalid_params","message":"`+strings.NewReplacer("/", `\/`, "c", `\u0063`).Replace(says)+`"}`)
			},
			"a failure": func(w http.ResponseWriter) { reply(w, 500, toJSON(t, map[string]string{"message": says})) },
			"a page":    func(w http.ResponseWriter) { reply(w, 422, "<html>"+says) },
			"a header": func(w http.ResponseWriter) {
				for _, h := range []string{"Request-Id", "X-Confirmation-Required", "Content-Type"} {
					w.Header().Set(h, "text/"+says)
				}
				w.WriteHeader(423)
				_, _ = w.Write([]byte(`{"id":"confirmation_required","message":"x"}`))
			},
			"an unreadable success": func(w http.ResponseWriter) { reply(w, 200, `["`+says+`"]`) },
			"a broken answer": func(w http.ResponseWriter) {
				if conn, _, err := w.(http.Hijacker).Hijack(); err == nil {
					_, _ = conn.Write([]byte("HTTP/1.1 " + says + "\r\n\r\n"))
					_ = conn.Close()
				}
			},
		} {
			for call, do := range calls {
				t.Run(call+", "+how+" with "+name, func(t *testing.T) {
					t.Parallel()
					var mu sync.Mutex
					var seen []heroku.Attempt
					srv := serve(t, func(w http.ResponseWriter, _ *http.Request, _ int) { answer(w) })
					c := srv.client(t, func(o *heroku.Options) {
						o.Observe = func(_ context.Context, a heroku.Attempt) {
							mu.Lock()
							defer mu.Unlock()
							seen = append(seen, a)
						}
					})
					err := do(t.Context(), c)
					if err == nil || len(seen) == 0 {
						t.Fatalf("%v, %d attempts", err, len(seen))
					}
					var said *heroku.Error
					var body *heroku.BodyError
					var transport *heroku.TransportError
					_, _, _ = errors.As(err, &said), errors.As(err, &body), errors.As(err, &transport)
					for _, v := range []any{err, err.Error(), seen, said, body, transport} {
						if out := printed(t, v); strings.Contains(out, "canary") {
							t.Errorf("%T shows a secret: %s", v, out)
						}
					}
				})
			}
		}
	}
}

func TestRefusalOfALogDrainKeepsItsWords(t *testing.T) {
	t.Parallel()
	srv := serve(t, func(w http.ResponseWriter, _ *http.Request, _ int) {
		reply(w, 422, toJSON(t, map[string]string{
			"id": "invalid_params", "message": "The log drain " + drainURL.Reveal() + " does not answer.", "url": "https://devcenter.heroku.com/x",
		}))
	})
	_, err := srv.client(t).CreateSpace(t.Context(), heroku.SpaceCreate{Name: "acme-prod", Team: "acme", LogDrainURL: drainURL})
	var said *heroku.Error
	if !errors.As(err, &said) || said.ID != "invalid_params" || said.URL != "https://devcenter.heroku.com/x" ||
		said.Message != "The log drain (sensitive) does not answer." {
		t.Errorf("%#v", err)
	}
}

func TestOrderOfASpacePrintsNoLogDrain(t *testing.T) {
	t.Parallel()
	order := heroku.SpaceCreate{Name: "acme-prod", LogDrainURL: drainURL}
	for _, v := range []any{order, &order, []*heroku.SpaceCreate{&order}} {
		if out := printed(t, v); strings.Contains(out, "canary") || strings.Contains(out, fmt.Sprintf("%x", drainSecret)) {
			t.Errorf("%T shows a secret: %s", v, out)
		}
	}
	if out := printed(t, order); !strings.Contains(out, "acme-prod") {
		t.Errorf("the name is no secret: %s", out)
	}
}
