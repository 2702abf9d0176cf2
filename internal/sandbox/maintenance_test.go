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

// maintained returns a world with a store that has this window, and the path of its maintenances.
func maintained(t *testing.T, day, at string, change ...func(*sandbox.Options)) (w world, path string) {
	t.Helper()
	w = start(t, change...)
	w.app("orders-api")
	w.store("orders-api", "kvs-a", "premium-0")
	path = " /data/maintenances/v1/" + w.send("GET /addons/kvs-a", "").get("id")
	w.send("POST"+path+"/window", fmt.Sprintf(`{"day_of_week":%q,"time_of_day":%q}`, day, at)).is(200)
	return w, path
}

// until moves the clock to a time such as "2026-01-16T18:00:00Z".
func (w world) until(s string) {
	w.t.Helper()
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		w.t.Fatal(err)
	}
	if t.Before(w.Clock().Now()) {
		w.t.Fatalf("it is %v already", w.Clock().Now())
	}
	w.Clock().AdvanceTo(t)
}

func TestMaintenance_runsByItselfInTheWindow(t *testing.T) {
	t.Parallel()
	w, path := maintained(t, "Friday", "18:00")
	w.app("orders-worker")
	w.send("POST /addon-attachments", `{"addon":"kvs-a","app":"orders-worker","name":"SHARED"}`).is(201)
	none := w.send("GET"+path, "").is(200).says("status", "none").says("addon.window", "Fridays 18:00 to 22:00 UTC").
		says("addon.plan", "premium-0").
		says("addon.attachments.0", "REDIS_URL").says("addon.kind", "heroku-redis").says("addon_description", "premium HA").
		says("app.name", "orders-api")
	for _, member := range []string{"completed_at", "duration_seconds", "method", "previously_scheduled_for", "reason", "required_by",
		"scheduled_for", "started_at", "window"} {
		none.says(member, "null")
	}

	if err := w.RequireMaintenance("kvs-a", 14*24*time.Hour); err != nil {
		t.Fatal(err)
	}
	w.send("GET"+path, "").says("status", "preparing").says("reason", "routine_maintenance").says("method", "failover").
		says("required_by", "2026-01-28T09:00:10.000+00:00").says("scheduled_for", "2026-01-16T18:00:00.000+00:00").
		says("window", "Fridays 18:00 to 22:00 UTC")
	if row := w.send("GET /redis/v0/databases/kvs-a", "").rows()["Maintenance"]; row != "required by 2026-01-28 09:00:10 +0000" {
		t.Errorf("the row says %q", row)
	}
	w.send("POST"+path+"/run", "").is(422).says("id", "unprocessable_entity")
	w.advance()
	w.send("GET"+path, "").says("status", "ready")
	w.until("2026-01-16T17:59:59Z")
	w.send("GET"+path, "").says("status", "ready")
	releases := w.send("GET /apps/orders-worker/releases", "").get("length")

	w.until("2026-01-16T18:00:01Z")
	w.send("GET"+path, "").says("status", "running").says("started_at", "2026-01-16T18:00:00.000+00:00").says("completed_at", "null")
	w.send("GET /redis/v0/databases/kvs-a/wait", "").says("message", "maintenance_running")
	w.send("POST"+path+"/run", "").is(422)
	w.send("POST"+path+"/schedule", `{}`).is(422)
	w.advance()
	w.send("GET"+path, "").says("status", "completed").says("completed_at", "2026-01-16T18:00:03.000+00:00").says("duration_seconds", "3")
	if got := w.send("GET /apps/orders-worker/releases", "").get("length"); got == releases {
		t.Error("the failover made no release on an attached app")
	}
	if row := w.send("GET /redis/v0/databases/kvs-a", "").rows()["Maintenance"]; row != "not required" {
		t.Errorf("afterwards the row says %q", row)
	}
	w.send("GET /redis/v0/databases/kvs-a/wait", "").says("message", "available")
}

func TestMaintenance_requiredBeforeTheWindowIgnoresIt(t *testing.T) {
	t.Parallel()
	w, path := maintained(t, "Friday", "18:00")
	if err := w.RequireMaintenance("kvs-a", 24*time.Hour); err != nil {
		t.Fatal(err)
	}
	w.send("GET"+path, "").says("scheduled_for", "2026-01-15T09:00:10.000+00:00").says("required_by", "2026-01-15T09:00:10.000+00:00")
	w.until("2026-01-15T09:00:11Z")
	w.send("GET"+path, "").says("status", "running")
}

func TestMaintenance_isRunByHandOnceReady(t *testing.T) {
	t.Parallel()
	for _, legacy := range []bool{false, true} {
		t.Run(fmt.Sprintf("legacy call: %v", legacy), func(t *testing.T) {
			t.Parallel()
			w, path := maintained(t, "Friday", "18:00", func(o *sandbox.Options) { o.Maintenance = 3 * time.Minute })
			w.send("POST"+path+"/run", "").is(422)
			if err := w.RequireMaintenance("kvs-a", 14*24*time.Hour); err != nil {
				t.Fatal(err)
			}
			w.advance()
			if legacy {
				w.send("POST /redis/v0/databases/kvs-a/maintenance", "").is(200)
			} else {
				w.send("POST"+path+"/run", "").is(200).says("message", "Maintenance triggered")
			}
			w.send("GET"+path, "").says("status", "running")
			w.Clock().Advance(3 * time.Minute)
			w.send("GET"+path, "").says("status", "completed").says("duration_seconds", "180")
			w.until("2026-01-16T18:00:01Z") // its window begins, and it has already been run
			w.send("GET"+path, "").says("status", "completed")
		})
	}
}

// A maintenance ends with a failover that loses no writes. On multi-tenant plans the URL changes.
func TestMaintenance_endsOnAnotherServer(t *testing.T) {
	t.Parallel()
	for plan, moves := range map[string]bool{"premium-0": true, "premium-7": false} {
		t.Run(plan, func(t *testing.T) {
			t.Parallel()
			w := start(t, withServers)
			w.app("orders-api")
			w.store("orders-api", "kvs-a", plan)
			must(t, w.RequireMaintenance("kvs-a", 24*time.Hour))
			w.advance()
			before, run := w.urlOf("orders-api", "REDIS_URL"), serverID(t, w.redis("orders-api", "REDIS_URL"))
			releases := w.send("GET /apps/orders-api/releases", "").get("length")
			w.send("POST /data/maintenances/v1/"+w.send("GET /addons/kvs-a", "").get("id")+"/run", "").is(200)
			w.put("orders-api", "REDIS_URL", "meanwhile")
			w.send("POST /redis/v0/databases/kvs-a/credentials_rotation", `{}`).is(422)
			w.advance()
			if moved := w.urlOf("orders-api", "REDIS_URL") != before; moved != moves {
				t.Errorf("the URL has changed: %v, want %v", moved, moves)
			}
			if w.send("GET /apps/orders-api/releases", "").get("length") == releases {
				t.Error("the app was not restarted")
			}
			if serverID(t, w.redis("orders-api", "REDIS_URL")) == run {
				t.Error("it is the same server")
			}
			w.holds("orders-api", "REDIS_URL", "meanwhile")
		})
	}
}

func TestMaintenance_isScheduledByWeeks(t *testing.T) {
	t.Parallel()
	w, path := maintained(t, "Friday", "18:00")
	schedule := func(body string) answer { return w.send("POST"+path+"/schedule", body) }
	schedule(`{"delay_weeks":1}`).is(422) // there is no maintenance
	if err := w.RequireMaintenance("kvs-a", 60*24*time.Hour); err != nil {
		t.Fatal(err)
	}
	schedule(`{"delay_weeks":"2"}`).is(200).says("previously_scheduled_for", "2026-01-16T18:00:00.000+00:00").
		says("scheduled_for", "2026-01-30T18:00:00.000+00:00")
	schedule(`{"delay_weeks":"-1"}`).is(200).says("scheduled_for", "2026-01-23T18:00:00.000+00:00")
	schedule(`{"delay_weeks":1}`).is(200).says("scheduled_for", "2026-01-30T18:00:00.000+00:00")
	schedule(`{"delay_weeks":null}`).is(200).says("scheduled_for", "2026-02-13T18:00:00.000+00:00")
	schedule(`{"delay_weeks":-8}`).is(422).says("id", "unprocessable_entity")
	schedule(`{"delay_weeks":8}`).is(422).says("id", "unprocessable_entity")
	schedule(`{"delay_weeks":"soon"}`).is(400)
	schedule(`{"weeks":1}`).is(400)
	w.send("GET"+path, "").says("scheduled_for", "2026-02-13T18:00:00.000+00:00")
	w.until("2026-01-30T18:00:01Z")
	w.send("GET"+path, "").says("status", "ready")
	w.until("2026-02-13T18:00:01Z")
	w.send("GET"+path, "").says("status", "running")
}

// An upgrade is not scheduled until it is ready. Until then scheduled_for is null, and not missing.
func TestMaintenance_thatWasNotScheduledSaysNull(t *testing.T) {
	t.Parallel()
	w, path := maintained(t, "Friday", "18:00")
	w.send("POST /redis/v0/databases/kvs-a/upgrade", `{"version":"8.0"}`).is(200)
	w.send("POST"+path+"/schedule", `{"delay_weeks":0}`).is(200).says("previously_scheduled_for", "null").
		says("scheduled_for", "2026-01-16T18:00:00.000+00:00")
	w.until("2026-01-16T18:00:10Z")
	w.send("GET"+path, "").says("status", "completed")
	w.send("GET /redis/v0/databases/kvs-a", "").says("version", "8.0.2")
}

func TestMaintenance_historyIsNewestFirst(t *testing.T) {
	t.Parallel()
	w, path := maintained(t, "Friday", "18:00")
	w.send("GET"+path+"/history", "").is(200).says("maintenances", "[]")
	for range 7 {
		if err := w.RequireMaintenance("kvs-a", 14*24*time.Hour); err != nil {
			t.Fatal(err)
		}
		w.Clock().Advance(7 * 24 * time.Hour)
		w.send("GET"+path, "").says("status", "completed")
	}
	w.send("GET"+path+"/history", "").says("maintenances.length", "5").
		says("maintenances.0.completed_at", "2026-02-27T18:00:03.000+00:00").says("maintenances.1.completed_at", "2026-02-20T18:00:03.000+00:00")
	w.send("GET"+path+"/history/?limit=2", "").says("maintenances.length", "2")
	w.send("GET"+path+"/history?limit=20", "").says("maintenances.length", "7")
	for _, limit := range []string{"0", "21", "many"} {
		w.send("GET"+path+"/history?limit="+limit, "").is(422)
	}
}

func TestMaintenance_ofAnAppHasAllItsStores(t *testing.T) {
	t.Parallel()
	w, _ := maintained(t, "Friday", "18:00")
	w.store("orders-api", "small", "mini")
	w.app("orders-worker")
	list := func(app string) answer {
		return w.send("GET /data/maintenances/v1/apps/"+w.send("GET /apps/"+app, "").get("id"), "").is(200)
	}
	got := list("orders-api").says("maintenances.length", "2")
	windows := map[string]string{}
	for i := range 2 {
		got.says(fmt.Sprintf("maintenances.%d.status", i), "none")
		windows[got.get(fmt.Sprintf("maintenances.%d.addon.name", i))] = got.get(fmt.Sprintf("maintenances.%d.addon.window", i))
	}
	if windows["kvs-a"] != "Fridays 18:00 to 22:00 UTC" || windows["small"] != "null" {
		t.Errorf("the windows are %v", windows)
	}
	list("orders-worker").says("maintenances", "[]")
	w.send("GET /data/maintenances/v1/apps/orders-api", "").is(404).says("message", "not found").says("id", "")
}

func TestMaintenance_isNotForMini(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.app("orders-api")
	w.store("orders-api", "small", "mini")
	path := " /data/maintenances/v1/" + w.send("GET /addons/small", "").get("id")
	for _, noun := range []string{"", "/window", "/history"} {
		w.send("GET"+path+noun, "").is(404).says("message", "not found").says("id", "")
	}
	w.send("POST"+path+"/window", `{"day_of_week":"sunday","time_of_day":"14:30"}`).is(422).
		says("message", "Maintenance windows are not available on the mini plan of small.")
	w.send("POST"+path+"/run", "").is(422)
	w.send("POST"+path+"/schedule", `{"delay_weeks":1}`).is(422)
	w.send("GET /redis/v0/databases/small/maintenance", "").is(422)
	w.send("PUT /redis/v0/databases/small/maintenance_window", `{"description":"Mon 10:00"}`).is(422)
	if err := w.RequireMaintenance("small", time.Hour); err == nil {
		t.Error("a maintenance of a mini was accepted")
	}
}

func TestMaintenanceWindow(t *testing.T) {
	t.Parallel()
	w, path := maintained(t, "monday", "22:30")
	set := func(day, at string) answer {
		return w.send("POST"+path+"/window", fmt.Sprintf(`{"day_of_week":%q,"time_of_day":%q}`, day, at))
	}
	w.send("GET"+path+"/window", "").is(200).says("window", "Mondays 22:30 to Tuesdays 02:30 UTC").says("previous_window", "null").
		says("scheduled_for", "null").says("scheduled_at", "null").says("previously_scheduled_for", "null").
		says("previously_scheduled_at", "null")
	set("SUNDAY", "1:30PM").is(200).says("window", "Sundays 13:30 to 17:30 UTC").says("previous_window", "Mondays 22:30 to Tuesdays 02:30 UTC")
	if row := w.send("GET /redis/v0/databases/kvs-a", "").rows()["Maintenance window"]; row != "Sundays 13:30 to 17:30 UTC" {
		t.Errorf("the row says %q", row)
	}
	for _, wrong := range [][2]string{{"sundays", "13:30"}, {"sun", "13:30"}, {"someday", "13:30"}, {"", "13:30"}, {"sunday", "13:15"},
		{"sunday", ""}, {"sunday", "25:00"}} {
		set(wrong[0], wrong[1]).is(422).says("id", "unprocessable_entity")
	}
	w.send("POST"+path+"/window", `{"day":"sunday"}`).is(400)

	// A maintenance that waits for the window moves with it, but not beyond the time by which it is required.
	if err := w.RequireMaintenance("kvs-a", 6*24*time.Hour); err != nil {
		t.Fatal(err)
	}
	moved := set("Thursday", "00:00").is(200)
	for _, suffix := range []string{"for", "at"} {
		moved.says("previously_scheduled_"+suffix, "2026-01-18T13:30:00.000+00:00").says("scheduled_"+suffix, "2026-01-15T00:00:00.000+00:00")
	}
	set("Tuesday", "23:30").is(200).says("scheduled_for", "2026-01-20T09:00:10.000+00:00")

	// The endpoints that older versions of the Heroku CLI use, which accept names.
	w.send("GET /redis/v0/databases/kvs-a/maintenance", "").is(200).
		says("message", "Maintenance required by 2026-01-20 09:00:10 +0000, window is Tuesdays 23:30 to Wednesdays 03:30 UTC")
	w.send("PUT /redis/v0/databases/kvs-a/maintenance_window", `{"description":"Mon 10:00"}`).is(200).
		says("window", "Mondays 10:00 to 14:00 UTC").says("scheduled_at", "2026-01-19T10:00:00.000+00:00")
	w.send("PUT /redis/v0/databases/kvs-a/maintenance_window", `{"description":"Mon 10:10"}`).is(422)
}

func TestMaintenance_findsStoresByUUIDOnly(t *testing.T) {
	t.Parallel()
	w, path := maintained(t, "monday", "22:30")
	for _, line := range []string{
		"GET /data/maintenances/v1/kvs-a", "GET /data/maintenances/v1/kvs-a/window", "POST /data/maintenances/v1/kvs-a/run",
		"GET /data/maintenances/v1/01234567-89ab-4cde-8f01-23456789abcd", "GET" + path + "/nonsense",
	} {
		w.send(line, "").is(404)
	}
	w.as(w.MemberToken()).send("GET"+path, "").is(403)
}

func TestRequireMaintenance_refusals(t *testing.T) {
	t.Parallel()
	w, _ := maintained(t, "monday", "22:30")
	if err := w.RequireMaintenance("kvs-a", time.Hour); err != nil {
		t.Fatal(err)
	}
	for want, err := range map[string]error{
		"kvs-a has a maintenance already": w.RequireMaintenance("kvs-a", time.Hour),
		"there is no store":               w.RequireMaintenance("kvs-b", time.Hour),
		"cannot be required within":       w.RequireMaintenance("kvs-a", 0),
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

// Scheduled events of a store survive a restart.
func TestMaintenance_outlivesARestart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	keep := func(o *sandbox.Options) { o.DataDir = dir }
	w, path := maintained(t, "Friday", "18:00", keep)
	if err := w.RequireMaintenance("kvs-a", 14*24*time.Hour); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	w = start(t, keep)
	w.send("GET"+path, "").says("status", "preparing")
	w.until("2026-01-16T18:00:01Z")
	w.send("GET"+path, "").says("status", "running")
}
