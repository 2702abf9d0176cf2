// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package heroku_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
)

// platform is a memory server on which add-ons are ordered; each is provisioned after a time, and every request takes a
// tenth of a second.
type platform struct {
	mu       sync.Mutex
	born     map[string]time.Time
	takes    time.Duration
	ordering map[string]bool // apps on which an order is under way
}

const networkLatency = 100 * time.Millisecond

func (p *platform) answer(w http.ResponseWriter, r *http.Request, _ int) {
	path := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	ordering := r.Method == "POST" && path[0] == "apps"
	if ordering && !p.begin(path[1]) {
		reply(w, 409, `{"id":"conflict","message":"two at once"}`)
		return
	}
	<-time.After(networkLatency)
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case ordering:
		delete(p.ordering, path[1])
		var order struct{ Name string }
		_ = json.NewDecoder(r.Body).Decode(&order)
		p.born[order.Name] = time.Now()
		reply(w, 201, addOnJSON(heroku.AddOnID(order.Name), order.Name, "provisioning"))
	case path[0] == "redis":
		reply(w, 200, storeAskedFor(r))
	case path[0] == "data":
		reply(w, 200, `{"window":"Sundays 02:30 to 06:30 UTC"}`)
	case len(path) == 1:
		var all []string
		for id := range p.born {
			all = append(all, p.addOn(id))
		}
		slices.Sort(all)
		reply(w, 200, "["+strings.Join(all, ",")+"]")
	default:
		reply(w, 200, p.addOn(path[1]))
	}
}

func (p *platform) begin(app string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ordering[app] {
		return false
	}
	p.ordering[app] = true
	return true
}

func (p *platform) addOn(id string) string {
	state := "provisioning"
	if time.Since(p.born[id]) >= p.takes {
		state = "provisioned"
	}
	return addOnJSON(heroku.AddOnID(id), id, state)
}

// Ten workers create stores and set their windows, as Terraform has them do, and spend some time by themselves.
func TestStoresAreMadeAsFastAsTheNetworkAllows(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		stores, apps int
		takes, cpu   time.Duration
		requests     int
		within       time.Duration
	}{
		// Three requests for each, ten at a time: 6 s. What is beyond is polls, and orders that meet another on their app.
		"ready at once":                     {200, 10, 0, 0, 640, 8700 * time.Millisecond},
		"ready at once, with a busy CLI":    {200, 10, 0, 20 * time.Millisecond, 640, 9900 * time.Millisecond},
		"ready after half a minute":         {10, 5, 30 * time.Second, 0, 58, 33 * time.Second},
		"ready after minutes, in ten turns": {100, 10, 3 * time.Minute, 0, 820, 33 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p := &platform{born: map[string]time.Time{}, ordering: map[string]bool{}, takes: c.takes}
				f := memory(p.answer)
				begun := time.Now()
				work(t, f.client(t, clocked(heroku.RealClock)), c.stores, c.apps, c.cpu)
				if n, took := len(f.requests()), time.Since(begun); n > c.requests || took > c.within {
					t.Errorf("%d requests in %v, want at most %d in %v", n, took, c.requests, c.within)
				}
				if n := f.count("GET /addons/"); n > 1+c.stores/20 { // one that waits alone is asked for alone
					t.Errorf("%d stores were asked for by themselves", n)
				}
			})
		})
	}
}

func work(t *testing.T, client *heroku.Client, stores, apps int, cpu time.Duration) {
	tasks := make(chan func() error, 2*stores)
	var left, workers sync.WaitGroup
	left.Add(2 * stores)
	for _, i := range rand.Perm(stores) { // as a CLI does, so that two orders for one app often meet
		id, app := heroku.AddOnID(fmt.Sprintf("store-%d", i)), heroku.AppID(fmt.Sprintf("app-%d", i%apps))
		tasks <- func() error {
			err := makeStore(t.Context(), client, app, id)
			tasks <- func() error { return setWindow(t.Context(), client, id) }
			return err
		}
	}
	for range 10 {
		workers.Go(func() {
			for task := range tasks {
				<-time.After(rand.N(2*cpu + 1))
				if err := task(); err != nil {
					t.Error(err)
				}
				left.Done()
			}
		})
	}
	left.Wait()
	close(tasks)
	workers.Wait()
}

func makeStore(ctx context.Context, client *heroku.Client, app heroku.AppID, id heroku.AddOnID) error {
	if _, err := client.CreateAddOn(ctx, app, heroku.AddOnCreate{Plan: "heroku-redis:premium-0", Name: string(id)}); err != nil {
		return err
	}
	_, _, err := client.WaitReady(ctx, id, "private-7", time.Hour)
	return err
}

func setWindow(ctx context.Context, client *heroku.Client, id heroku.AddOnID) error {
	_, err := client.SetMaintenanceWindow(ctx, id, "sunday", "02:30")
	return err
}
