// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package heroku_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
)

const formationPath = "/apps/" + string(appID) + "/formation"

func TestFormationIsReadLeniently(t *testing.T) {
	t.Parallel()
	worker := heroku.Process{AppID: appID, AppName: "orders-api", Type: "worker", Quantity: 2, Size: "Private-M"}
	for name, c := range map[string]struct {
		body string
		want []heroku.Process // nil: refused
	}{
		"as documented": {`[{"app":{"id":"` + string(appID) + `","name":"orders-api"},"command":"bin/worker","dyno_size":{"id":"3d","name":"Private-M"},"id":"a1",
"quantity":2,"size":"Private-M","type":"worker"}]`, []heroku.Process{worker}},
		"a size that is only in its new place": {`[{"dyno_size":{"name":"Private-M"},"quantity":"2","type":"worker"}]`,
			[]heroku.Process{{Type: "worker", Quantity: 2, Size: "Private-M"}}},
		"scaled to 0": {`[{"type":"worker","quantity":0,"size":"Eco"}]`,
			[]heroku.Process{{Type: "worker", Size: "Eco"}}},
		"an app without code": {`[]`, []heroku.Process{}},
		"without a quantity":  {`[{"type":"worker","size":"Eco"}]`, nil},
		"without a type":      {`[{"quantity":1}]`, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := serve(t, func(w http.ResponseWriter, _ *http.Request, _ int) { reply(w, 200, c.body) })
			got, err := srv.client(t).Formation(t.Context(), appID)
			if !slices.Equal(got, c.want) || (err == nil) != (c.want != nil) {
				t.Errorf("%+v, %v", got, err)
			}
			if first := srv.requests()[0]; first != "GET "+formationPath {
				t.Error(first)
			}
		})
	}
}

func TestScaleIsOneRequestAndResolvesALostAnswer(t *testing.T) {
	t.Parallel()
	const patch, get = "PATCH " + formationPath, "GET " + formationPath
	for name, c := range map[string]struct {
		answer string // to the PATCH
		now    string
		want   []string
		ok     bool
	}{
		"answered": {"", "", []string{patch}, true},
		"lost, and done": {"200 HTML", `[{"type":"clock","quantity":9},{"type":"web","quantity":0},{"type":"worker","quantity":3}]`,
			[]string{patch, get}, true},
		"lost, and not done": {"200 HTML", `[{"type":"web","quantity":0},{"type":"worker","quantity":1}]`,
			[]string{patch, get}, false},
		"lost, and a type is gone": {"200 HTML", `[{"type":"web","quantity":0}]`, []string{patch, get}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := serve(t, func(w http.ResponseWriter, r *http.Request, _ int) {
				if r.Method == "GET" {
					reply(w, 200, c.now)
					return
				}
				if body := sent(t, r); body != `{"updates":[{"quantity":0,"type":"web"},{"quantity":3,"type":"worker"}]}` {
					t.Errorf("sent %s", body)
				}
				if c.answer != "" {
					outcomes[c.answer](w, r)
					return
				}
				reply(w, 200, `[{"type":"web","quantity":0},{"type":"worker","quantity":3}]`)
			})
			if err := srv.client(t).Scale(t.Context(), appID, map[string]int{"worker": 3, "web": 0}); (err == nil) != c.ok {
				t.Error(err)
			}
			if !slices.Equal(srv.requests(), c.want) {
				t.Error(srv.requests())
			}
		})
	}
}

func TestScaleOfNothingSendsNothing(t *testing.T) {
	t.Parallel()
	srv := serve(t, func(w http.ResponseWriter, _ *http.Request, _ int) { reply(w, 500, "") })
	if err := srv.client(t).Scale(t.Context(), appID, nil); err != nil || len(srv.requests()) != 0 {
		t.Error(err, srv.requests())
	}
}

func TestScaleOfAProcessTypeThatDoesNotExistSaysSo(t *testing.T) {
	t.Parallel()
	srv := serve(t, func(w http.ResponseWriter, _ *http.Request, _ int) {
		reply(w, 404, `{"id":"not_found","message":"Couldn't find that process type (worker)."}`)
	})
	err := srv.client(t).Scale(t.Context(), appID, map[string]int{"worker": 1})
	if !heroku.IsNotFound(err) || !strings.Contains(err.Error(), "process type (worker)") {
		t.Error(err)
	}
}

func TestProcessIsReadAndUpdated(t *testing.T) {
	t.Parallel()
	const path = formationPath + "/web"
	two, answer := 2, `{"app":{"id":"`+string(appID)+`","name":"orders-api"},"type":"web","quantity":2,"size":"Standard-2X"}`
	want := heroku.Process{AppID: appID, AppName: "orders-api", Type: "web", Quantity: 2, Size: "Standard-2X"}
	for name, c := range map[string]struct {
		update heroku.ProcessUpdate
		body   string
		lost   string // the answer to the PATCH
		now    string
		ok     bool
	}{
		"both":                       {heroku.ProcessUpdate{Quantity: &two, Size: "standard-2x"}, `{"dyno_size":{"name":"standard-2x"},"quantity":2}`, "", "", true},
		"the quantity":               {heroku.ProcessUpdate{Quantity: &two}, `{"quantity":2}`, "", "", true},
		"the size":                   {heroku.ProcessUpdate{Size: "standard-2x"}, `{"dyno_size":{"name":"standard-2x"}}`, "", "", true},
		"lost, and done":             {heroku.ProcessUpdate{Quantity: &two, Size: "standard-2x"}, `{"dyno_size":{"name":"standard-2x"},"quantity":2}`, "200 HTML", answer, true},
		"lost, and the size is not":  {heroku.ProcessUpdate{Size: "standard-1x"}, `{"dyno_size":{"name":"standard-1x"}}`, "200 HTML", answer, false},
		"lost, and the number isn't": {heroku.ProcessUpdate{Quantity: new(int)}, `{"quantity":0}`, "200 HTML", answer, false},
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
				if c.lost != "" {
					outcomes[c.lost](w, r)
					return
				}
				reply(w, 200, answer)
			})
			got, err := srv.client(t).UpdateProcess(t.Context(), appID, "web", c.update)
			if (err == nil) != c.ok || c.ok && got != want {
				t.Errorf("%+v, %v", got, err)
			}
			if first := srv.requests()[0]; first != "PATCH "+path {
				t.Error(first)
			}
		})
	}
	for _, body := range []string{`{}`, `{"type":"web"}`, `{"type":"worker","quantity":1}`, `[]`} {
		_, client := answering(t, body)
		if p, err := client.Process(t.Context(), appID, "web"); err == nil {
			t.Errorf("%s reads as %+v", body, p)
		}
	}
}
