// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package heroku_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"path"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
)

var friday = time.Date(2026, 1, 16, 18, 0, 0, 0, time.UTC)

// storeServer is a Data API with one store, which POST requests change.
type storeServer struct {
	maintenance, started, scheduled string
	version, status, password       string
	posts                           []string // the last path segment and the body of each POST
}

func newStoreServer() *storeServer {
	return &storeServer{maintenance: "ready", scheduled: "2026-01-16T18:00:00Z", version: "7.0.15", status: "Available", password: "canary-old"}
}

func (k *storeServer) do(operation string) {
	switch operation {
	case "run":
		k.maintenance, k.started = "running", "2026-01-14T09:12:30Z"
	case "schedule":
		k.scheduled = "2026-01-30T18:00:00Z"
	case "upgrade":
		k.maintenance, k.status = "preparing", "Preparing (upgrade in progress)"
	case "credentials_rotation":
		k.password = "canary-new"
	}
}

func (k *storeServer) answer(w http.ResponseWriter, r *http.Request) {
	if strings.HasPrefix(r.URL.Path, "/redis/") {
		reply(w, 200,
			fmt.Sprintf(
				`{"addon_id":%q,"name":"acme-cache","plan":"premium-0","version":%q,"resource_url":"rediss://:%s@h:1","info":[{"name":"Status","values":[%q]}]}`,
				addOnID, k.version, k.password, k.status))
		return
	}
	reply(w, 200, fmt.Sprintf(`{"status":%q,"started_at":%q,"scheduled_for":%q}`, k.maintenance, k.started, k.scheduled))
}

// serve starts the server. The n-th word of script says what happens to the n-th POST: "ok", "lost" (carried out, but the response
// is lost), "never" (not carried out, and the response is lost), or one of outcomes.
func (k *storeServer) serve(t *testing.T, script ...string) *fake {
	t.Helper()
	return serve(t, func(w http.ResponseWriter, r *http.Request, _ int) {
		if r.Method == "GET" {
			k.answer(w, r)
			return
		}
		operation := path.Base(r.URL.Path)
		post := operation
		if r.ContentLength > 0 {
			post += " " + sent(t, r)
		}
		k.posts = append(k.posts, post)
		how := script[min(len(k.posts), len(script))-1]
		if how == "ok" || how == "lost" {
			k.do(operation)
		}
		switch how {
		case "ok":
			reply(w, 200, fmt.Sprintf(`{"message":"It is done.","scheduled_for":%q,"previously_scheduled_for":null,"window":null}`, k.scheduled))
		case "lost", "never":
			reply(w, 200, "<html>")
		default:
			outcomes[how](w, r)
		}
	})
}

// An operation that was carried out is not requested again, even if its response is lost.
func TestOrdersAboutAStoreSurviveALostAnswer(t *testing.T) {
	t.Parallel()
	operations := map[string]struct {
		do   func(context.Context, *heroku.Client) error
		post string
	}{
		"run": {func(ctx context.Context, c *heroku.Client) error { return c.RunMaintenance(ctx, addOnID) }, "run"},
		"rotate": {func(ctx context.Context, c *heroku.Client) error {
			_, err := c.RotateCredentials(ctx, addOnID)
			return err
		}, "credentials_rotation {}"},
		"schedule": {func(ctx context.Context, c *heroku.Client) error {
			at, err := c.ScheduleMaintenance(ctx, addOnID, friday, 2)
			if err == nil && !at.Equal(friday.AddDate(0, 0, 14)) {
				err = fmt.Errorf("scheduled for %s", at)
			}
			return err
		}, `schedule {"delay_weeks":2}`},
		"upgrade": {func(ctx context.Context, c *heroku.Client) error { return c.UpgradeStore(ctx, addOnID, "7.2") },
			`upgrade {"version":"7.2"}`},
	}
	for name, operation := range operations {
		for script, want := range map[string]struct {
			posts int
			ok    bool
		}{
			"ok":          {1, true},
			"lost":        {1, true},
			"never ok":    {2, true},
			"never lost":  {2, true},
			"never never": {2, false},
			"never 422":   {2, false},
			"422":         {1, false},
			"403":         {1, false},
		} {
			t.Run(name+", "+script, func(t *testing.T) {
				t.Parallel()
				k := newStoreServer()
				if name == "upgrade" {
					k.maintenance = "completed"
				}
				srv := k.serve(t, strings.Fields(script)...)
				if err := operation.do(t.Context(), srv.client(t)); (err == nil) != want.ok {
					t.Error(err)
				} else if err != nil && strings.Contains(err.Error(), "canary") {
					t.Errorf("the error holds a password: %v", err)
				}
				if len(k.posts) != want.posts || slices.ContainsFunc(k.posts, func(post string) bool { return post != operation.post }) {
					t.Errorf("sent %q, want %d × %s", k.posts, want.posts, operation.post)
				}
			})
		}
	}
}

// The maintenance that the look-up finds may be an earlier one than the one that was run.
func TestMaintenanceThatRanBeforeIsNotTheOneThatWasLost(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		status, started string
		ok              bool
	}{
		"it is running":                {"running", "2026-01-14T09:12:00Z", true},
		"it is over already":           {"completed", "2026-01-14T09:12:31Z", true},
		"the one of last week is over": {"completed", "2026-01-07T09:12:31Z", false},
		"there is none":                {"none", "", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k := newStoreServer()
			k.maintenance, k.started = c.status, c.started
			if err := k.serve(t, "never").client(t).RunMaintenance(t.Context(), addOnID); (err == nil) != c.ok || len(k.posts) != 1 {
				t.Error(err, k.posts)
			}
		})
	}
}

func TestUpgradeThatIsThereIsRecognised(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		edit  func(*storeServer)
		posts int
	}{
		"by the version, as on mini":     {func(k *storeServer) { k.version = "7.2.4" }, 1},
		"by what the store is doing":     {func(k *storeServer) { k.status = "upgrading version" }, 1},
		"not by another version":         {func(k *storeServer) { k.version = "7.20.1" }, 2},
		"not by a maintenance from then": {func(k *storeServer) { k.maintenance = "ready" }, 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k := newStoreServer()
			k.maintenance = "none"
			c.edit(k)
			if err := k.serve(t, "never").client(t).UpgradeStore(t.Context(), addOnID, "7.2"); (err == nil) != (c.posts == 1) ||
				len(k.posts) != c.posts {
				t.Error(err, k.posts)
			}
		})
	}
}

func TestStatsAreResetAsOftenAsItTakes(t *testing.T) {
	t.Parallel()
	for script, want := range map[string]struct {
		posts int
		ok    bool
	}{"ok": {1, true}, "500 ok": {2, true}, "reset ok": {2, true}, "422": {1, false}} {
		k := newStoreServer()
		err := k.serve(t, strings.Fields(script)...).client(t).ResetStats(t.Context(), addOnID)
		if (err == nil) != want.ok || len(k.posts) != want.posts || k.posts[0] != "reset {}" {
			t.Errorf("%s: %v, %q", script, err, k.posts)
		}
	}
}

func TestWaitsForAMaintenance(t *testing.T) {
	t.Parallel()
	type wait = func(*heroku.Client, context.Context, heroku.AddOnID, time.Duration) (heroku.Maintenance, error)
	ready, over := (*heroku.Client).WaitMaintenanceReady, (*heroku.Client).WaitMaintenanceOver
	for name, c := range map[string]struct {
		wait    wait
		polls   string // one after the other; the last one stays
		outcome heroku.WaitOutcome
		state   string
	}{
		"ready after a while":                {ready, "none completed pending preparing ready", 0, "ready"},
		"ready, and run by itself":           {ready, "preparing running", 0, "running"},
		"none that could get ready":          {ready, "none", heroku.Failed, "none"},
		"the one before stays the last":      {ready, "completed", heroku.Failed, "completed"},
		"never heard of":                     {ready, "404", heroku.Failed, "none"},
		"not ready in time":                  {ready, "preparing", heroku.TimedOut, "preparing"},
		"a state that nobody knows":          {ready, "thinking", heroku.TimedOut, "thinking"},
		"ready, after trouble":               {ready, "preparing 503 503 ready", 0, "ready"},
		"not allowed to look":                {ready, "403", heroku.Unreachable, ""},
		"over after a while":                 {over, "ready running running completed", 0, "completed"},
		"over, and forgotten":                {over, "running none", 0, "none"},
		"not begun":                          {over, "ready", heroku.Failed, "ready"},
		"not over in time":                   {over, "running", heroku.TimedOut, "running"},
		"running in a state nobody knows":    {over, "running verifying completed", 0, "completed"},
		"the store was destroyed meanwhile":  {over, "running gone", heroku.Gone, "gone"},
		"over, but the last answer was lost": {over, "running reset completed", 0, "completed"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			polls := strings.Fields(c.polls)
			srv := serve(t, func(w http.ResponseWriter, r *http.Request, n int) {
				switch now := polls[min(n, len(polls))-1]; now {
				case "503":
					reply(w, 503, "")
				case "404", "403", "reset":
					outcomes[now](w, r)
				case "gone":
					reply(w, 404, notFound)
				default:
					reply(w, 200, fmt.Sprintf(`{"status":%q}`, now))
				}
			})
			var seen []string
			client := srv.client(t, waits(func(w heroku.Waiting) { seen = append(seen, w.State) }))
			m, err := c.wait(client, t.Context(), addOnID, 10*time.Minute)
			var failed *heroku.WaitError
			switch {
			case c.outcome == 0 && (err != nil || m.Status != c.state || seen[len(seen)-1] != c.state):
				t.Errorf("%+v, %v, seen %q", m, err, seen)
			case c.outcome != 0 && (!errors.As(err, &failed) || failed.Outcome != c.outcome || failed.LastState != c.state):
				t.Errorf("%v, want %v in state %q", err, c.outcome, c.state)
			}
		})
	}
}

func TestWaitForCredentials(t *testing.T) {
	t.Parallel()
	store := func(url, status string) string {
		return fmt.Sprintf(`{"name":"acme-cache","resource_url":%s,"info":[{"name":"Status","values":[%q]}]}`, url, status)
	}
	const before, after = `"rediss://:canary-old@h:1"`, `"rediss://:canary-new@h:1"`
	for name, c := range map[string]struct {
		polls   []string
		outcome heroku.WaitOutcome
	}{
		"changed after a while": {[]string{store(before, "Available"), store("null", "Available"), store(after, "Preparing"),
			store(after, "Available")}, 0},
		"unchanged":               {[]string{store(before, "Available")}, heroku.TimedOut},
		"a store that is gone":    {[]string{store(before, "Available"), notFound}, heroku.Gone},
		"a store that is no more": {[]string{notFound}, heroku.Gone},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := serve(t, func(w http.ResponseWriter, _ *http.Request, n int) {
				body := c.polls[min(n, len(c.polls))-1]
				reply(w, map[bool]int{true: 404, false: 200}[body == notFound], body)
			})
			var seen []string
			client := srv.client(t, waits(func(w heroku.Waiting) { seen = append(seen, w.State) }))
			got, err := client.WaitCredentialsRotated(t.Context(), addOnID, "rediss://:canary-old@h:1", time.Minute)
			var failed *heroku.WaitError
			if c.outcome == 0 && (err != nil || got.ResourceURL.Reveal() != "rediss://:canary-new@h:1") || c.outcome != 0 &&
				(!errors.As(err, &failed) || failed.Outcome != c.outcome) {
				t.Errorf("%v, %v", got, err)
			}
			if said := fmt.Sprint(err, seen); strings.Contains(said, "canary") {
				t.Error(said)
			}
		})
	}
}

func TestWaitsEndWithTheirContext(t *testing.T) {
	t.Parallel()
	k := newStoreServer()
	k.maintenance = "preparing"
	ctx, cancel := context.WithCancel(t.Context())
	client := k.serve(t).client(t, waits(func(w heroku.Waiting) {
		if w.State != "" {
			cancel()
		}
	}))
	_, err := client.WaitMaintenanceReady(ctx, addOnID, time.Hour)
	var failed *heroku.WaitError
	if !errors.As(err, &failed) || failed.Outcome != heroku.Interrupted || !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
