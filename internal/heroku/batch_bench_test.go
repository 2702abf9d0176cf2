// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package heroku_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
)

// BenchmarkRefresh reads every add-on of an account once, ten at a time, as a refresh does. It reports requests/op, which without
// shared reads would be the number of add-ons.
func BenchmarkRefresh(b *testing.B) {
	for _, n := range []int{10, 50, 200, 1000} {
		b.Run(fmt.Sprintf("addons=%d", n), func(b *testing.B) {
			var requests atomic.Int64
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				requests.Add(1)
				w.Header().Set("Content-Type", "application/json")
				if id, single := strings.CutPrefix(r.URL.Path, "/addons/"); single {
					fmt.Fprint(w, benchAddOn(id))
					return
				}
				all := make([]string, n)
				for i := range all {
					all[i] = benchAddOn(benchID(i))
				}
				fmt.Fprintf(w, "[%s]", strings.Join(all, ","))
			}))
			defer server.Close()
			b.ReportAllocs()
			for b.Loop() {
				client, err := heroku.New(heroku.Options{APIURL: server.URL, DataAPIURL: server.URL,
					Credential: heroku.Credential{Token: "t"}})
				if err != nil {
					b.Fatal(err)
				}
				readAll(b, client, n)
			}
			b.ReportMetric(float64(requests.Load())/float64(b.N), "requests/op")
		})
	}
}

func readAll(b *testing.B, client *heroku.Client, n int) {
	ids := make(chan int)
	var workers sync.WaitGroup
	for range 10 {
		workers.Go(func() {
			for i := range ids {
				if _, err := client.AddOn(b.Context(), heroku.AddOnID(benchID(i))); err != nil {
					b.Error(err)
				}
			}
		})
	}
	for i := range n {
		ids <- i
	}
	close(ids)
	workers.Wait()
}

func benchID(i int) string { return fmt.Sprintf("00000000-0000-4000-8000-%012d", i) }

func benchAddOn(id string) string {
	return fmt.Sprintf(`{"id":%q,"name":"store","state":"provisioned","app":{"id":"a","name":"web"},"plan":{"name":"heroku-redis:mini"},`+
		`"addon_service":{"name":"heroku-redis"},"config_vars":["REDIS_URL"]}`, id)
}
