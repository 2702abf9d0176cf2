// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package sandbox_test

import (
	"bufio"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/acctest/browser"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/sandbox"
)

// large returns a world with many apps, one store each, and many requests in the journal.
func large(t testing.TB, s *sandbox.Sandbox, apps, requests int) {
	t.Helper()
	send := func(method, path, body string) int {
		r := httptest.NewRequest(method, s.URL()+path, strings.NewReader(body))
		r.Header = http.Header{"Accept": {"application/vnd.heroku+json; version=3"}, "Authorization": {"Bearer " + s.Token()},
			"Content-Type": {"application/json"}, "User-Agent": {"terraform-provider-kvs/0.1.0"}}
		answer := httptest.NewRecorder()
		s.ServeHTTP(answer, r)
		return answer.Code
	}
	for i := range apps {
		if status := send("POST", "/apps", fmt.Sprintf(`{"name":"app-%04d"}`, i)); status != 201 {
			t.Fatalf("app %d: %d", i, status)
		}
		order := fmt.Sprintf(`{"plan":"heroku-redis:premium-0","name":"store-%04d"}`, i)
		if status := send("POST", fmt.Sprintf("/apps/app-%04d/addons", i), order); status != 201 {
			t.Fatalf("store %d: %d", i, status)
		}
	}
	s.Clock().Advance(10 * time.Second)
	var paths []string
	for i := range requests - len(s.Journal()) {
		paths = append(paths, fmt.Sprintf("/apps/app-%04d", i%1000))
	}
	s.FillJournal(paths)
}

// TestPage_ofALargeWorld is not parallel, because it could take ports that other tests want to reuse.
func TestPage_ofALargeWorld(t *testing.T) {
	b := browser.Start(t)
	w := start(t, func(o *sandbox.Options) { o.RateLimit = 1_000_000 })
	large(t, w.Sandbox, 1000, 50_000)
	p := openPage(t, b, w)
	p.Shows("#counts", "1\u202f000 apps, 1\u202f000 stores, 1\u202f000 attachments")
	p.Shows("#stores .more", "50 of 1\u202f000 stores.")
	p.Shows("#journal .more", "The last 200 requests are shown.")
	p.Shows("#journal tbody th, #journal tbody td", "GET /apps/app-0")
	const elements = "document.querySelectorAll('*').length"
	before := browser.Get[int](p, elements)
	if before > 6000 {
		t.Errorf("%d elements", before)
	}
	// A filter searches all rows.
	browser.Get[any](p, `void document.querySelector("#filter").focus()`)
	p.Type("store-0987")
	p.Shows("#stores tbody th", "store-0987")
	p.Shows("#stores .more", "1 store with that name, of 1\u202f000.")
	p.Shows("#diagram text", "app-0987")
	browser.Get[any](p, `void document.querySelector("#journal-filter").focus()`)
	p.Type("POST /apps?") // the oldest entries
	p.Shows("#journal tbody td", "POST /apps")
	p.Click("#older")
	p.Shows("#journal .more", "Older requests.")
	// New requests do not make the page larger.
	large(t, w.Sandbox, 0, 55_000)
	p.Shows("#journal .more", "came since: press Newest")
	browser.Get[any](p, `void (document.querySelector("#journal-filter").value = "")`)
	p.Click("#newest")
	p.Shows("#journal tbody td", "GET /apps/app-0")
	w.app("the-last")
	p.Shows("#journal tbody td", "POST /teams/apps")
	if after := browser.Get[int](p, elements); after > before {
		t.Errorf("%d elements, and %d before", after, before)
	}
	if heap := browser.Get[int](p, "performance.memory.usedJSHeapSize"); heap > 100<<20 {
		t.Errorf("the page takes %d bytes", heap)
	}
	saysNoError(t, p)
}

// These benchmarks measure the page of a large world. Compare each with the handler alone.
func BenchmarkPage(b *testing.B) {
	s, err := sandbox.Start(b.Context(), sandbox.Options{Engine: "miniredis", Clock: sandbox.NewClock(epoch), Seed: 1, RateLimit: 1 << 40})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = s.Close() })
	large(b, s, 1000, 50_000)
	get := func(path string) []byte {
		r := httptest.NewRequest(http.MethodGet, s.URL()+path, nil)
		r.Header.Set("Accept", "application/vnd.heroku+json; version=3")
		r.Header.Set("Authorization", "Bearer "+s.Token())
		answer := httptest.NewRecorder()
		s.ServeHTTP(answer, r)
		return answer.Body.Bytes()
	}
	over := func(b *testing.B, url string) {
		b.Helper()
		client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}
		defer client.CloseIdleConnections()
		b.ReportAllocs()
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				r, _ := http.NewRequestWithContext(b.Context(), http.MethodGet, url, nil)
				r.Header.Set("Accept", "application/vnd.heroku+json; version=3")
				r.Header.Set("Authorization", "Bearer "+s.Token())
				response, err := client.Do(r)
				if err != nil {
					b.Error(err)
					return
				}
				_, _ = bufio.NewReader(response.Body).WriteTo(discard{})
				_ = response.Body.Close()
			}
		})
	}
	for _, path := range []string{"/__sandbox/world", "/__sandbox/journal?max=200", "/__sandbox/journal?max=200&contains=nowhere",
		"/apps/app-0500"} {
		body := get(path)
		bare := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(body) }))
		b.Run(fmt.Sprintf("bare handler, %d bytes", len(body)), func(b *testing.B) { over(b, bare.URL) })
		b.Run("GET "+path, func(b *testing.B) { over(b, s.URL()+path) })
		bare.Close()
	}
	b.Run("the world after a change", func(b *testing.B) {
		for b.Loop() {
			s.Clear()
			get("/__sandbox/world")
		}
	})
}

type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }
