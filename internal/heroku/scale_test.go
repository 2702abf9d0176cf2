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

// platform is a server that creates add-ons. Every request takes networkLatency.
type platform struct {
	mu        sync.Mutex
	createdAt map[string]time.Time // by add-on
	takes     time.Duration        // until an add-on is provisioned
	creating  map[string]bool      // apps on which an add-on is being created
}

const networkLatency = 100 * time.Millisecond

func (p *platform) answer(w http.ResponseWriter, r *http.Request, _ int) {
	path := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	creating := r.Method == "POST" && path[0] == "apps"
	if creating && !p.begin(path[1]) {
		reply(w, 409, `{"id":"conflict","message":"two at once"}`)
		return
	}
	<-time.After(networkLatency)
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case creating:
		delete(p.creating, path[1])
		var create struct{ Name string }
		_ = json.NewDecoder(r.Body).Decode(&create)
		p.createdAt[create.Name] = time.Now()
		reply(w, 201, addOnJSON(heroku.AddOnID(create.Name), create.Name, "provisioning"))
	case path[0] == "redis":
		reply(w, 200, storeFor(r))
	case path[0] == "data":
		reply(w, 200, `{"window":"Sundays 02:30 to 06:30 UTC"}`)
	case len(path) == 1:
		var all []string
		for id := range p.createdAt {
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
	if p.creating[app] {
		return false
	}
	p.creating[app] = true
	return true
}

func (p *platform) addOn(id string) string {
	state := "provisioning"
	if time.Since(p.createdAt[id]) >= p.takes {
		state = "provisioned"
	}
	return addOnJSON(heroku.AddOnID(id), id, state)
}

// Ten workers create stores and set their windows, like the resources of a Terraform apply. Between requests they use some CPU time.
func TestStoresAreMadeAsFastAsTheNetworkAllows(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		stores, apps int
		takes, cpu   time.Duration
		requests     int
		within       time.Duration
	}{
		// Three requests for each, ten at a time, take 6 s. The rest is for polls, and for creates that wait for another on their app.
		"ready at once":                     {200, 10, 0, 0, 640, 8700 * time.Millisecond},
		"ready at once, with a busy CLI":    {200, 10, 0, 20 * time.Millisecond, 640, 9900 * time.Millisecond},
		"ready after half a minute":         {10, 5, 30 * time.Second, 0, 58, 33 * time.Second},
		"ready after minutes, in ten turns": {100, 10, 3 * time.Minute, 0, 820, 33 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p := &platform{createdAt: map[string]time.Time{}, creating: map[string]bool{}, takes: c.takes}
				f := memory(p.answer)
				begun := time.Now()
				work(t, f.client(t, clocked(heroku.RealClock)), c.stores, c.apps, c.cpu)
				if n, took := len(f.requests()), time.Since(begun); n > c.requests || took > c.within {
					t.Errorf("%d requests in %v, want at most %d in %v", n, took, c.requests, c.within)
				}
				if n := f.count("GET /addons/"); n > 1+c.stores/20 { // a wait that is alone sends single GETs
					t.Errorf("%d add-ons were read by a GET of their own", n)
				}
			})
		})
	}
}

func work(t *testing.T, client *heroku.Client, stores, apps int, cpu time.Duration) {
	tasks := make(chan func() error, 2*stores)
	var left, workers sync.WaitGroup
	left.Add(2 * stores)
	for _, i := range rand.Perm(stores) { // random, like Terraform's order, so that there are often two creates for one app
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
