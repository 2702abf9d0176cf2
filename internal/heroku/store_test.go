// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package heroku_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
)

const (
	databasePath = "/redis/v0/databases/" + string(addOnID)

	storeJSON = `{
  "addon_id": "7c4e2a90-3b5d-4f8e-a1c6-d2e3f4a5b6c7",
  "created_at": "2026-01-14T09:12:31.000+00:00",
  "formation": {"id": "b8e0d2c4-6f1a-4b3c-9d5e-7f8a9b0c1d2e", "primary": "1d3f5b7a-9c0e-4a2b-8c4d-6e7f8a9b0c1d"},
  "info": [
    {"name": "Plan", "values": ["Private 7"]},
    {"name": "Status", "values": ["Available"]},
    {"name": "Created", "values": ["2026-01-14 09:12 UTC"]},
    {"name": "Version", "values": ["7.2.4"]},
    {"name": "Timeout", "values": ["60"]},
    {"name": "Maxmemory", "values": ["volatile-lru"]},
    {"name": "Maintenance", "values": ["not required"]},
    {"name": "Maintenance window", "values": ["Mondays 22:30 to Tuesdays 02:30 UTC"]},
    {"name": "Persistence", "values": ["AOF"]},
    {"name": "HA Status", "values": ["Available"]},
    {"name": "Requires TLS", "values": ["Yes"]},
    {"name": "Keyspace Notifications", "values": ["Disabled"]},
    {"name": "Plan Connection Limit", "values": ["10000"]}
  ],
  "metaas_source": "heroku-redis-7c4e2a90",
  "name": "redis-curved-48210",
  "plan": "private-7",
  "port": 6380,
  "prefer_native_tls": true,
  "resource_url": "rediss://:p8f1c0de@ec2-203-0-113-40.compute-1.amazonaws.com:6380",
  "version": "7.2.4"
}`
)

// storeFor returns storeJSON with the id in the request's path.
func storeFor(r *http.Request) string {
	id, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/redis/v0/databases/"), "/")
	return strings.Replace(storeJSON, string(addOnID), id, 1)
}

func readStore(t *testing.T, body string) heroku.Store {
	t.Helper()
	srv := serve(t, func(w http.ResponseWriter, _ *http.Request, _ int) { reply(w, 200, body) })
	s, err := srv.client(t).Store(t.Context(), addOnID)
	if err != nil {
		t.Fatal(err)
	}
	if got := srv.requests(); len(got) != 1 || got[0] != "GET "+databasePath {
		t.Error(got)
	}
	return s
}

func TestStoreHasSettingsVersionAndWindowFromOneCall(t *testing.T) {
	t.Parallel()
	s := readStore(t, storeJSON)
	for what, ok := range map[string]bool{
		"id":          s.AddOnID == addOnID && s.Name == "redis-curved-48210",
		"plan":        s.Plan == "private-7",
		"version":     s.Version == "7.2.4",
		"status":      s.Status == "Available" && !s.Preparing(),
		"timeout":     s.Timeout != nil && *s.Timeout == 60,
		"policy":      s.MaxmemoryPolicy != nil && *s.MaxmemoryPolicy == "volatile-lru",
		"events":      s.NotifyKeyspaceEvents != nil && *s.NotifyKeyspaceEvents == "",
		"window":      s.MaintenanceWindow == "Mondays 22:30 to Tuesdays 02:30 UTC" && s.Maintenance == "not required",
		"persistence": s.Persistence == "AOF" && s.HAStatus == "Available" && s.RequiresTLS != nil && *s.RequiresTLS,
		"URL":         s.ResourceURL.Reveal() == "rediss://:p8f1c0de@ec2-203-0-113-40.compute-1.amazonaws.com:6380",
	} {
		if !ok {
			t.Errorf("%s: %+v", what, s)
		}
	}
}

func TestStoreIsReadLeniently(t *testing.T) {
	t.Parallel()
	t.Run("while it is prepared nearly everything is absent", func(t *testing.T) {
		t.Parallel()
		s := readStore(t, `{"addon_id":"7c4e2a90-3b5d-4f8e-a1c6-d2e3f4a5b6c7","formation":{"id":"b8","primary":null},"info":[{"name":"Status",
			"values":["Preparing (fork in progress)"]},{"name":"Version","values":[]},{"name":"Timeout","values":null}],"plan":null,"port":null,
			"resource_url":null,"version":null}`)
		if !s.Preparing() || s.Timeout != nil || s.MaxmemoryPolicy != nil || s.NotifyKeyspaceEvents != nil || s.RequiresTLS != nil ||
			s.ResourceURL != "" {
			t.Errorf("%+v", s)
		}
	})
	t.Run("values are text or numbers and names in any case", func(t *testing.T) {
		t.Parallel()
		s := readStore(t, `{"name":"x","plan":"heroku-redis:premium-0","info":[{"name":"TIMEOUT","values":[0]},{"name":"keyspace notifications",
			"values":["AKE"]},{"name":"status","values":["available"]},{"name":"VERSION","values":[7.2]},{"name":null,"values":["?"]}]}`)
		if s.Timeout == nil || *s.Timeout != 0 || *s.NotifyKeyspaceEvents != "AKE" || s.Preparing() || s.Plan != "premium-0" ||
			s.Version != "7.2" {
			t.Errorf("%+v", s)
		}
	})
}

func TestStoreIsKeptForAMinuteOrUntilAWriteOfOurs(t *testing.T) {
	t.Parallel()
	srv := serve(t, func(w http.ResponseWriter, r *http.Request, _ int) {
		if r.Method == "PATCH" {
			reply(w, 200, `{"timeout":{"value":0}}`)
			return
		}
		reply(w, 200, storeJSON)
	})
	clock := newClock()
	c := srv.client(t, clocked(clock))
	read := func(want int) {
		t.Helper()
		if _, err := c.Store(t.Context(), addOnID); err != nil {
			t.Error(err)
		}
		if n := srv.count("GET"); n != want {
			t.Errorf("%d requests, want %d", n, want)
		}
	}
	read(1)
	read(1)
	_ = clock.Sleep(t.Context(), time.Minute)
	read(2)
	zero := 0
	if err := c.UpdateStoreConfig(t.Context(), addOnID, heroku.StoreConfigUpdate{Timeout: &zero}); err != nil {
		t.Error(err)
	}
	read(3)
}

func TestZeroSettingsAreSent(t *testing.T) {
	t.Parallel()
	var got map[string]any
	srv := serve(t, func(w http.ResponseWriter, r *http.Request, _ int) {
		_ = json.NewDecoder(r.Body).Decode(&got)
		reply(w, 200, `{"timeout":{"default":300,"value":0},"standby_segv_workaround":{"value":false},"maxmemory_policy":null}`)
	})
	zero, off := 0, ""
	err := srv.client(t).UpdateStoreConfig(t.Context(), addOnID, heroku.StoreConfigUpdate{Timeout: &zero, NotifyKeyspaceEvents: &off})
	if want := `{"notify_keyspace_events":"","timeout":0}`; err != nil || toJSON(t, got) != want {
		t.Errorf("%v, sent %s", err, toJSON(t, got))
	}
	if got := srv.requests(); len(got) != 1 || got[0] != "PATCH "+databasePath+"/config" {
		t.Error(got)
	}
}

// stages returns a server with a sequence of pairs of responses, to /wait and to info: each /wait moves on to the next pair, and the
// last one stays. The add-on is provisioned.
func stages(t *testing.T, pairs ...[2]string) (*fake, *heroku.Client) {
	return stagesOf(t, addOnJSON(addOnID, "acme-cache", "provisioned"), pairs...)
}

// stagesOf is [stages] with this response of the Platform API for the add-on.
func stagesOf(t *testing.T, addOn string, pairs ...[2]string) (*fake, *heroku.Client) {
	var now [2]string
	waits := 0
	f := memory(func(w http.ResponseWriter, r *http.Request, _ int) {
		if strings.HasPrefix(r.URL.Path, "/addons/") {
			reply(w, map[bool]int{true: 404, false: 200}[addOn == notFound], addOn)
			return
		}
		body := now[1]
		if strings.HasSuffix(r.URL.Path, "/wait") {
			waits++
			now = pairs[min(waits, len(pairs))-1]
			body = now[0]
		}
		status := 200
		if strings.Contains(body, "not found") || body == "<html>" {
			status = 404
		}
		reply(w, status, body)
	})
	return f, f.client(t, clocked(heroku.RealClock))
}

func TestWaitForAStore(t *testing.T) {
	t.Parallel()
	const (
		busy, ready = `{"message":"preparing","waiting?":true}`, `{"message":"available","waiting?":false}`
		unknown     = `{"id":"not_found","message":"Add-on not found"}`
		noID        = `{"message":"not found"}`
	)
	preparing := strings.Replace(storeJSON, "Available", "Preparing (upgrade in progress)", 1)
	upgraded := strings.Replace(storeJSON, `"private-7"`, `"private-9"`, 1)
	for name, c := range map[string]struct {
		plan   string
		stages [][2]string
		waits  int
	}{
		"that is there":                        {"", [][2]string{{ready, storeJSON}}, 1},
		"that the Data API does not know yet":  {"", [][2]string{{unknown}, {noID}, {"<html>"}, {ready, storeJSON}}, 4},
		"that is prepared":                     {"", [][2]string{{busy}, {busy}, {ready, storeJSON}}, 3},
		"whose info appears after its wait":    {"", [][2]string{{ready, unknown}, {ready, storeJSON}}, 2},
		"whose info says that it is prepared":  {"", [][2]string{{ready, preparing}, {ready, storeJSON}}, 2},
		"that has not begun to change plan":    {"private-9", [][2]string{{ready, storeJSON}, {busy}, {ready, upgraded}}, 3},
		"of which the answer says nothing yet": {"", [][2]string{{`{}`}, {ready, storeJSON}}, 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f, client := stages(t, c.stages...)
				s, err := client.WaitStoreAvailable(t.Context(), addOnID, c.plan, 10*time.Minute)
				if err != nil || s.Name == "" || (c.plan != "" && s.Plan != c.plan) {
					t.Errorf("%v, %v", s, err)
				}
				if n := f.count("GET " + databasePath + "/wait"); n != c.waits {
					t.Errorf("asked %d times", n)
				}
			})
		})
	}
	for name, c := range map[string]struct {
		stages [][2]string
		state  string
	}{
		"never known":            {[][2]string{{unknown}}, "not known to the Data API"},
		"never ready":            {[][2]string{{busy}}, "preparing"},
		"never on the plan":      {[][2]string{{ready, storeJSON}}, "Available on plan private-7"},
		"known again and absent": {[][2]string{{ready, unknown}}, "not known to the Data API"},
	} {
		t.Run("that is "+name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				_, client := stages(t, c.stages...)
				begun := time.Now()
				_, err := client.WaitStoreAvailable(t.Context(), addOnID, "private-9", 10*time.Minute)
				var wait *heroku.WaitError
				if !errors.As(err, &wait) || wait.Outcome != heroku.TimedOut || wait.LastState != c.state || time.Since(begun) != 10*time.Minute {
					t.Errorf("%v after %v", err, time.Since(begun))
				}
			})
		})
	}
}

// Only the Platform API tells that the store is destroyed: the Data API responds as for a store that it does not know yet, or as
// if it were still busy.
func TestWaitForAStoreThatIsDestroyed(t *testing.T) {
	t.Parallel()
	const busy, unknown = `{"message":"preparing","waiting?":true}`, `{"id":"not_found","message":"Add-on not found"}`
	for name, c := range map[string]struct {
		addOn   string
		stages  [][2]string
		within  time.Duration
		reads   int // of the Platform API
		outcome heroku.WaitOutcome
	}{
		"before the first poll": {notFound, [][2]string{{unknown}}, 15 * time.Second, 3, heroku.Gone},
		"while it is prepared":  {notFound, [][2]string{{busy}, {unknown}}, 25 * time.Second, 3, heroku.Gone},
		"and both say so": {addOnJSON(addOnID, "acme-cache", "deprovisioning"), [][2]string{{busy}, {unknown}},
			10 * time.Second, 1, heroku.Gone},
		"and the Data API is behind": {addOnJSON(addOnID, "acme-cache", "deprovisioned"), [][2]string{{busy}}, time.Minute, 1,
			heroku.Gone},
		"not, and busy for all of the time": {addOnJSON(addOnID, "acme-cache", "provisioned"), [][2]string{{busy}}, time.Hour, 49,
			heroku.TimedOut},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f, client := stagesOf(t, c.addOn, c.stages...)
				begun := time.Now()
				_, err := client.WaitStoreAvailable(t.Context(), addOnID, "", time.Hour)
				var wait *heroku.WaitError
				if !errors.As(err, &wait) || wait.Outcome != c.outcome || time.Since(begun) > c.within {
					t.Errorf("%v after %v", err, time.Since(begun))
				}
				if n := f.count("GET /addons/" + string(addOnID)); n != c.reads {
					t.Errorf("%d reads of the Platform API, want %d", n, c.reads)
				}
			})
		})
	}
}

func TestInterruptedWaitForAStoreReturnsAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		_, client := stages(t, [2]string{`{"message":"preparing","waiting?":true}`})
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		begun := time.Now()
		_, err := client.WaitStoreAvailable(ctx, addOnID, "", time.Hour)
		var wait *heroku.WaitError
		if !errors.As(err, &wait) || wait.Outcome != heroku.Interrupted || wait.LastState != "preparing" || time.Since(begun) != 10*time.Second {
			t.Errorf("%v after %v", err, time.Since(begun))
		}
	})
}

// In a refresh of a thousand stores, the windows are read about 15 seconds after the settings, from the same response.
func TestStoreIsReadOnceInARefreshThatTakesLonger(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := memory(func(w http.ResponseWriter, r *http.Request, _ int) { reply(w, 200, storeFor(r)) })
		c := f.client(t, clocked(heroku.RealClock))
		stores := manyIDs(100)
		for range 2 {
			for _, id := range stores {
				if _, err := c.Store(t.Context(), id); err != nil {
					t.Error(err)
				}
				<-time.After(250 * time.Millisecond)
			}
		}
		if n := len(f.requests()); n != len(stores) {
			t.Errorf("%d requests for %d stores", n, len(stores))
		}
	})
}

// A store that is available at once needs one request to each API, and the two overlap.
func TestStoreThatIsThereAtOnceIsAskedForOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := memory(func(w http.ResponseWriter, r *http.Request, _ int) {
			<-time.After(100 * time.Millisecond)
			if strings.HasPrefix(r.URL.Path, "/redis/") {
				reply(w, 200, storeJSON)
				return
			}
			reply(w, 200, listJSON(addOnID))
		})
		begun := time.Now()
		addOn, s, err := f.client(t, clocked(heroku.RealClock)).WaitReady(t.Context(), addOnID, "private-7", time.Minute)
		if err != nil || s.Version != "7.2.4" || addOn.State != heroku.StateProvisioned {
			t.Errorf("%v, %v, %v", addOn, s, err)
		}
		if took := time.Since(begun); took > 220*time.Millisecond || len(f.requests()) != 2 {
			t.Errorf("%v after %v", f.requests(), took)
		}
	})
}

// A store that is not available at once is polled after its add-on is provisioned.
func TestStoreThatTakesAWhileIsWaitedFor(t *testing.T) {
	t.Parallel()
	for name, first := range map[string]struct {
		status int
		body   string
	}{
		"it is not known yet":    {404, `{"id":"not_found","message":"Add-on not found"}`},
		"it is being prepared":   {200, strings.Replace(storeJSON, "Available", "Preparing (fork in progress)", 1)},
		"it is on another plan":  {200, strings.Replace(storeJSON, `"private-7"`, `"private-9"`, 1)},
		"it cannot be read":      {403, `{"id":"forbidden","message":"no"}`},
		"the answer is not JSON": {200, "[]"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				begun := time.Now()
				f := memory(func(w http.ResponseWriter, r *http.Request, _ int) {
					switch early := time.Since(begun) < 30*time.Second; {
					case strings.HasSuffix(r.URL.Path, "/wait"):
						reply(w, 200, `{"message":"available","waiting?":false}`)
					case strings.HasPrefix(r.URL.Path, "/redis/") && early:
						reply(w, first.status, first.body)
					case strings.HasPrefix(r.URL.Path, "/redis/"):
						reply(w, 200, storeJSON)
					case r.URL.Path == "/addons":
						reply(w, 200, listJSON())
					default:
						reply(w, 200, addOnJSON(addOnID, "acme-cache", changing("provisioning", 40*time.Second, "provisioned")("", time.Since(begun))))
					}
				})
				_, s, err := f.client(t, clocked(heroku.RealClock)).WaitReady(t.Context(), addOnID, "private-7", time.Hour)
				if err != nil || s.Version != "7.2.4" || s.Preparing() || time.Since(begun) < 40*time.Second {
					t.Errorf("%v, %v after %v", s, err, time.Since(begun))
				}
			})
		})
	}
}

// The URL of a store is that of the last read, even if something was written since.
func TestCachedStoreURL(t *testing.T) {
	t.Parallel()
	urls := []string{"rediss://:first@h:1", "rediss://:second@h:1"}
	reads := 0
	srv := serve(t, func(w http.ResponseWriter, r *http.Request, _ int) {
		if r.Method == http.MethodPatch {
			reply(w, 200, `{"timeout":{"value":60}}`)
			return
		}
		reply(w, 200, strings.Replace(storeJSON, "rediss://:p8f1c0de@ec2-203-0-113-40.compute-1.amazonaws.com:6380", urls[min(reads, 1)], 1))
		reads++
	})
	client := srv.client(t)
	expect := func(want string, requests int) {
		t.Helper()
		if url, err := client.CachedStoreURL(t.Context(), addOnID); err != nil || url.Reveal() != want || srv.count("GET") != requests {
			t.Errorf("the first URL: %t, after %d reads, %v", url.Reveal() == urls[0], srv.count("GET"), err)
		}
	}
	expect(urls[0], 1)
	timeout := 60
	if err := client.UpdateStoreConfig(t.Context(), addOnID, heroku.StoreConfigUpdate{Timeout: &timeout}); err != nil {
		t.Fatal(err)
	}
	expect(urls[0], 1)
	if _, err := client.Store(t.Context(), addOnID); err != nil {
		t.Fatal(err)
	}
	expect(urls[1], 2)
}
