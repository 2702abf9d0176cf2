// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package heroku_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
)

const (
	maintenancePath = "/data/maintenances/v1/" + string(addOnID)

	maintenanceJSON = `{
  "addon": {
    "attachments": ["REDIS_URL"],
    "kind": "heroku-redis",
    "name": "redis-curved-48210",
    "plan": "private-7",
    "uuid": "7c4e2a90-3b5d-4f8e-a1c6-d2e3f4a5b6c7",
    "window": "Fridays 18:00 to 22:00 UTC"
  },
  "addon_description": "private HA",
  "app": {"name": "orders-api", "uuid": "e3b1a6c2-9d47-4e5f-8a2b-6c7d8e9f0a1b"},
  "completed_at": null,
  "customer_requested": false,
  "duration_seconds": null,
  "method": "failover",
  "previously_scheduled_for": null,
  "reason": "routine_maintenance",
  "required_by": "2026-02-03T08:54:02.518+00:00",
  "scheduled_for": "2026-01-30T18:00:00.000+00:00",
  "server_created_at": "2025-12-26T08:30:37.872+00:00",
  "started_at": null,
  "status": "ready",
  "window": "Thursdays 18:00 to 22:00 UTC"
}`
	noMaintenanceJSON = `{"addon":{"attachments":[],"kind":"heroku-redis","name":"acme-cache","plan":"mini","uuid":"1b","window":null},
"app":{"name":"orders-api","uuid":"` + string(appID) + `"},"method":null,"reason":null,"required_by":null,"scheduled_for":null,"status":"none","window":null}`
	windowJSON = `{"previous_window":null,"previously_scheduled_for":null,"scheduled_for":null,"window":"Tuesdays 17:30 to 21:30 UTC"}`
)

func TestMaintenanceIsReadFromTheDataAPI(t *testing.T) {
	t.Parallel()
	srv := serve(t, func(w http.ResponseWriter, _ *http.Request, _ int) { reply(w, 200, maintenanceJSON) })
	m, err := srv.client(t, func(o *heroku.Options) { o.APIURL = "http://127.0.0.1:1" }).Maintenance(t.Context(), addOnID)
	want := heroku.Maintenance{
		AddOnID: addOnID, AddOnName: "redis-curved-48210", AppID: appID, AppName: "orders-api",
		Status: heroku.MaintenanceReady, Method: "failover", Reason: "routine_maintenance",
		Window: "Fridays 18:00 to 22:00 UTC", RunWindow: "Thursdays 18:00 to 22:00 UTC",
		RequiredBy: time.Date(2026, 2, 3, 8, 54, 2, 518e6, time.UTC), ScheduledFor: time.Date(2026, 1, 30, 18, 0, 0, 0, time.UTC),
	}
	if err != nil || m != want || !m.Outstanding() {
		t.Errorf("got  %+v, %v\nwant %+v", m, err, want)
	}
	if got := srv.requests(); !slices.Equal(got, []string{"GET " + maintenancePath}) {
		t.Error(got)
	}
}

func TestMaintenanceIsReadLeniently(t *testing.T) {
	t.Parallel()
	evening := time.Date(2026, 1, 30, 18, 0, 0, 0, time.UTC)
	seconds := func(s float64) *time.Duration {
		d := time.Duration(s * float64(time.Second))
		return &d
	}
	for name, c := range map[string]struct {
		body string
		want heroku.Maintenance
	}{
		"nothing but a status":       {`{"status":"none"}`, heroku.Maintenance{Status: "none"}},
		"a status that nobody knows": {`{"status":"unknown"}`, heroku.Maintenance{Status: "unknown"}},
		"a time of the newer records": {`{"status":"ready","scheduled_for":"2026-01-30T18:00:00.000+00:00"}`,
			heroku.Maintenance{Status: "ready", ScheduledFor: evening}},
		"a time of the older records": {`{"status":"ready","scheduled_for":"2026-01-30 18:00:00 +0000"}`,
			heroku.Maintenance{Status: "ready", ScheduledFor: evening}},
		"a time of the info table": {`{"status":"ready","scheduled_for":"2026-01-30 18:00 UTC"}`,
			heroku.Maintenance{Status: "ready", ScheduledFor: evening}},
		"a time of another zone": {`{"status":"ready","scheduled_for":"2026-01-30T19:00:00+01:00"}`,
			heroku.Maintenance{Status: "ready", ScheduledFor: evening}},
		"what is no time": {`{"status":"ready","scheduled_for":"soon","required_by":{},"started_at":7}`,
			heroku.Maintenance{Status: "ready"}},
		"a duration as a number": {`{"status":"completed","duration_seconds":186}`,
			heroku.Maintenance{Status: "completed", Duration: seconds(186)}},
		"a duration as a fraction": {`{"status":"completed","duration_seconds":186.5}`,
			heroku.Maintenance{Status: "completed", Duration: seconds(186.5)}},
		"a duration as text": {`{"status":"completed","duration_seconds":"186"}`,
			heroku.Maintenance{Status: "completed", Duration: seconds(186)}},
		"a duration of null": {`{"status":"completed","duration_seconds":null}`, heroku.Maintenance{Status: "completed"}},
		"an owner that is null": {`{"status":"pending","addon":null,"app":null,"customer_requested":null}`,
			heroku.Maintenance{Status: "pending"}},
		"something that is not listed": {`{"status":"running","customer_requested":true,"severity":{"level":1}}`,
			heroku.Maintenance{Status: "running", CustomerRequested: true}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := serve(t, func(w http.ResponseWriter, _ *http.Request, _ int) { reply(w, 200, c.body) })
			got, err := srv.client(t).Maintenance(t.Context(), addOnID)
			if err != nil {
				t.Fatal(err)
			}
			if (got.Duration == nil) != (c.want.Duration == nil) || got.Duration != nil && *got.Duration != *c.want.Duration {
				t.Errorf("duration %v, want %v", got.Duration, c.want.Duration)
			}
			got.Duration, c.want.Duration = nil, nil
			if got != c.want {
				t.Errorf("got  %+v\nwant %+v", got, c.want)
			}
		})
	}
}

func TestMaintenanceIsOutstandingUntilItRuns(t *testing.T) {
	t.Parallel()
	for status, want := range map[string]bool{
		"none": false, "pending": true, "preparing": true, "ready": true, "running": false, "completed": false, "unknown": false, "": false,
	} {
		if got := (heroku.Maintenance{Status: status}).Outstanding(); got != want {
			t.Errorf("%q: %v", status, got)
		}
	}
}

func TestMaintenancesOfAnApp(t *testing.T) {
	t.Parallel()
	srv := serve(t, func(w http.ResponseWriter, _ *http.Request, _ int) {
		reply(w, 200, `{"maintenances":[`+maintenanceJSON+`,`+noMaintenanceJSON+`]}`)
	})
	all, err := srv.client(t).AppMaintenances(t.Context(), appID)
	if err != nil || len(all) != 2 || all[0].Status != "ready" || all[1].Status != "none" || all[1].AddOnID != "1b" || all[1].Window != "" {
		t.Errorf("%+v, %v", all, err)
	}
	if got := srv.requests(); !slices.Equal(got, []string{"GET /data/maintenances/v1/apps/" + string(appID)}) {
		t.Error(got)
	}
}

func TestMaintenanceHistoryAsksForAsManyAsWanted(t *testing.T) {
	t.Parallel()
	var query string
	srv := serve(t, func(w http.ResponseWriter, r *http.Request, _ int) {
		query = r.URL.RawQuery
		reply(w, 200, `{"maintenances":[]}`)
	})
	all, err := srv.client(t).MaintenanceHistory(t.Context(), addOnID, heroku.MaxMaintenanceHistory)
	if err != nil || all == nil || len(all) != 0 || query != "limit=20" {
		t.Errorf("%v, %v, asked for %s", all, err, query)
	}
	if got := srv.requests(); !slices.Equal(got, []string{"GET " + maintenancePath + "/history"}) {
		t.Error(got)
	}
}

func TestMaintenanceAnswersThatAreNotThat(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{"no status": `{"window":"x"}`, "no list": `{}`,
		"a list that is null":       `{"maintenances":null}`,
		"an element without status": `{"maintenances":[{}]}`} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := serve(t, func(w http.ResponseWriter, _ *http.Request, _ int) { reply(w, 200, body) })
			if m, err := srv.client(t).Maintenance(t.Context(), addOnID); err == nil {
				t.Errorf("was read as %+v", m)
			}
			if all, err := srv.client(t).AppMaintenances(t.Context(), appID); err == nil {
				t.Errorf("was read as %+v", all)
			}
			if w, err := srv.client(t).MaintenanceWindow(t.Context(), addOnID); err == nil && name != "no status" {
				t.Errorf("was read as %+v", w)
			}
		})
	}
}

// The API's 404 has a message but no id, so it does not prove that the store is gone.
func TestMaintenanceThatIsNotFound(t *testing.T) {
	t.Parallel()
	srv := serve(t, func(w http.ResponseWriter, _ *http.Request, _ int) { reply(w, 404, `{"message":"not found"}`) })
	_, err := srv.client(t).Maintenance(t.Context(), addOnID)
	if !heroku.HasStatus(err, http.StatusNotFound) || heroku.IsNotFound(err) {
		t.Error(err)
	}
	if n := len(srv.requests()); n != 1 {
		t.Errorf("%d requests, want 1", n)
	}
}

func TestMaintenanceWindowIsReadUnderEitherName(t *testing.T) {
	t.Parallel()
	later, sooner := time.Date(2026, 1, 20, 17, 30, 0, 0, time.UTC), time.Date(2026, 1, 16, 18, 0, 0, 0, time.UTC)
	const window = `"window":"Tuesdays 17:30 to 21:30 UTC","previous_window":"Fridays 18:00 to 22:00 UTC"`
	for name, c := range map[string]struct {
		body          string
		later, sooner time.Time
	}{
		"the specification's": {`{` + window +
			`,"scheduled_for":"2026-01-20T17:30:00.000+00:00","previously_scheduled_for":"2026-01-16T18:00:00.000+00:00"}`, later, sooner},
		"the Heroku CLI's": {`{` + window +
			`,"scheduled_at":"2026-01-20 17:30:00 +0000","previously_scheduled_at":"2026-01-16 18:00:00 +0000"}`, later, sooner},
		"both": {`{` + window + `,"scheduled_for":"2026-01-20T17:30:00Z","scheduled_at":"2026-01-16T18:00:00Z"}`, later,
			time.Time{}},
		"neither": {`{` + window + `,"scheduled_for":null}`, time.Time{}, time.Time{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := serve(t, func(w http.ResponseWriter, _ *http.Request, _ int) { reply(w, 200, c.body) })
			got, err := srv.client(t).MaintenanceWindow(t.Context(), addOnID)
			want := heroku.MaintenanceWindow{Window: "Tuesdays 17:30 to 21:30 UTC", PreviousWindow: "Fridays 18:00 to 22:00 UTC",
				ScheduledFor: c.later, PreviouslyScheduledFor: c.sooner}
			if err != nil || got != want {
				t.Errorf("got  %+v, %v\nwant %+v", got, err, want)
			}
		})
	}
}

func TestMaintenanceWindowIsSet(t *testing.T) {
	t.Parallel()
	var sent map[string]string
	srv := serve(t, func(w http.ResponseWriter, r *http.Request, _ int) {
		_ = json.NewDecoder(r.Body).Decode(&sent)
		reply(w, 200, windowJSON)
	})
	got, err := srv.client(t).SetMaintenanceWindow(t.Context(), addOnID, "tuesday", "17:30")
	if err != nil || got.Window != "Tuesdays 17:30 to 21:30 UTC" || toJSON(t, sent) != `{"day_of_week":"tuesday","time_of_day":"17:30"}` {
		t.Errorf("%+v, %v, sent %v", got, err, sent)
	}
	if got := srv.requests(); !slices.Equal(got, []string{"POST " + maintenancePath + "/window"}) {
		t.Error(got)
	}
}

// The POST is idempotent, so it is repeated; if every response is lost, the window is read.
func TestMaintenanceWindowIsSetAgainWhenTheAnswerIsLost(t *testing.T) {
	t.Parallel()
	t.Run("once", func(t *testing.T) {
		t.Parallel()
		srv := serve(t, func(w http.ResponseWriter, r *http.Request, n int) {
			if n == 1 {
				reset(w, r)
			}
			reply(w, 200, windowJSON)
		})
		if _, err := srv.client(t).SetMaintenanceWindow(t.Context(), addOnID, "tuesday", "17:30"); err != nil || srv.count("POST") != 2 {
			t.Errorf("%v after %v", err, srv.requests())
		}
	})
	for name, c := range map[string]struct {
		body string
		ok   bool
	}{
		"always, and it was set":     {windowJSON, true},
		"always, and it was not set": {`{"window":"Tuesdays 18:00 to 22:00 UTC"}`, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := serve(t, func(w http.ResponseWriter, r *http.Request, _ int) {
				if r.Method == http.MethodPost {
					reset(w, r)
				}
				reply(w, 200, c.body)
			})
			_, err := srv.client(t).SetMaintenanceWindow(t.Context(), addOnID, "Tuesday", "17:30")
			if (err == nil) != c.ok || srv.count("POST") != 4 || srv.count("GET "+maintenancePath+"/window") != 1 {
				t.Errorf("%v after %v", err, srv.requests())
			}
		})
	}
}

func TestStoreIsReadAnewAfterItsWindowWasSet(t *testing.T) {
	t.Parallel()
	srv := serve(t, func(w http.ResponseWriter, r *http.Request, _ int) {
		if r.Method == http.MethodPost {
			reply(w, 200, windowJSON)
			return
		}
		reply(w, 200, storeJSON)
	})
	c := srv.client(t)
	for range 2 {
		if _, err := c.Store(t.Context(), addOnID); err != nil {
			t.Fatal(err)
		}
		if _, err := c.SetMaintenanceWindow(t.Context(), addOnID, "tuesday", "17:30"); err != nil {
			t.Fatal(err)
		}
	}
	if n := srv.count("GET"); n != 2 {
		t.Errorf("%d reads, want 2", n)
	}
}
