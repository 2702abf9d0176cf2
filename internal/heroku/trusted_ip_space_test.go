// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package heroku_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
)

// spaceRules is a server with one space: each PUT creates a ruleset, and the last one is current.
type spaceRules struct {
	*fake
	mu      sync.Mutex
	random  *rand.Rand
	history [][]string
	made    []time.Time
	ids     []string

	pace   time.Duration                             // the longest pause before a request is carried out, and after
	before func(r *http.Request, n int) (int, error) // returns an error, or a status to send, or 0 to carry out the request
	lose   func(r *http.Request, n int) bool         // whether the response is lost after the request was carried out
	stale  func(n int) int                           // how many rulesets old the n-th response for the current one is
}

var errLost = errors.New("connection reset by peer")

func newSpaceRules(seed uint64, sources ...string) *spaceRules {
	s := &spaceRules{random: rand.New(rand.NewPCG(seed, 1))}
	s.set(sources)
	s.fake = memory(s.answer)
	inner := s.transport
	s.transport = roundTripper(func(r *http.Request) (*http.Response, error) {
		response, err := inner.RoundTrip(r)
		if err == nil && response.Header.Get("Lost") != "" {
			return nil, errLost
		}
		return response, err
	})
	return s
}

func (s *spaceRules) set(sources []string) {
	s.history, s.made = append(s.history, sources), append(s.made, time.Now())
	s.ids = append(s.ids, fmt.Sprintf("%08x-0000-4000-8000-%012d", s.random.Uint32(), len(s.ids)))
}

func (s *spaceRules) now() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.history[len(s.history)-1])
}

func (s *spaceRules) rulesets() [][]string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.history)
}

// json returns a ruleset, which is applied 2 s after its creation.
func (s *spaceRules) json(i int) string {
	rules := make([]string, len(s.history[i]))
	for j, source := range s.history[i] {
		rules[j] = fmt.Sprintf(`{"action":"allow","source":%q}`, source)
	}
	return fmt.Sprintf(`{"applied":%t,"created_at":%q,"created_by":"somebody@acme.example","id":%q,"rules":[%s],`+
		`"space":{"id":%q,"name":"acme-prod"}}`,
		time.Since(s.made[i]) >= 2*time.Second, s.made[i].UTC().Format(time.RFC3339), s.ids[i], strings.Join(rules, ","), spaceID)
}

func (s *spaceRules) pause() {
	if s.pace > 0 {
		s.mu.Lock()
		pause := time.Duration(s.random.Int64N(int64(s.pace)))
		s.mu.Unlock()
		sleep(pause)
	}
}

func (s *spaceRules) answer(w http.ResponseWriter, r *http.Request, n int) {
	s.pause()
	if s.before != nil {
		if status, err := s.before(r, n); err != nil {
			w.Header().Set("Lost", "yes")
			return
		} else if status != 0 {
			reply(w, status, map[int]string{404: spaceNotFound,
				422: `{"id":"invalid_params","message":"A space can have 20 rules at most."}`}[status])
			return
		}
	}
	status, body := s.carryOut(r, n)
	s.pause()
	if s.lose != nil && s.lose(r, n) {
		w.Header().Set("Lost", "yes")
		return
	}
	reply(w, status, body)
}

func (s *spaceRules) carryOut(r *http.Request, n int) (int, string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case r.Method == "PUT":
		var asked struct{ Rules []struct{ Source string } }
		_ = json.NewDecoder(r.Body).Decode(&asked)
		sources := []string{}
		for _, rule := range asked.Rules {
			sources = append(sources, rule.Source)
		}
		s.set(sources)
	case strings.HasSuffix(r.URL.Path, "/inbound-rulesets"):
		all := make([]string, len(s.history))
		for i := range all {
			all[i] = s.json(i)
		}
		slices.SortFunc(all, func(a, b string) int { // by id, as Heroku lists
			return strings.Compare(a[strings.Index(a, `"id"`):], b[strings.Index(b, `"id"`):])
		})
		return 200, "[" + strings.Join(all, ",") + "]"
	case !strings.HasSuffix(r.URL.Path, "/inbound-ruleset"):
		return 200, spaceJSON(spaceID, "acme-prod", "acme", "allocated")
	}
	late := 0
	if s.stale != nil && r.Method == "GET" {
		late = s.stale(n)
	}
	return 200, s.json(max(0, len(s.history)-1-late))
}

// puts returns the number of writes.
func (s *spaceRules) puts() int { return s.count("PUT") }

// sleep sleeps for the time of the bubble.
func sleep(d time.Duration) { _ = heroku.RealClock.Sleep(context.Background(), d) }
