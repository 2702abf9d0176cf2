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

// spaceRules is a space as Heroku has it: each PUT makes another ruleset, and the last one counts.
type spaceRules struct {
	*fake
	mu      sync.Mutex
	random  *rand.Rand
	history [][]string
	made    []time.Time
	ids     []string

	pace   time.Duration                             // of an answer at most, before it is given and after
	before func(r *http.Request, n int) (int, error) // answers in place of the server, or not: 0
	lose   func(r *http.Request, n int) bool         // the answer of what was done
	stale  func(n int) int                           // by how many rulesets the n-th answer of the current one is late
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

// json is a ruleset; one is in force 2 s after it was made, unless another one came.
func (s *spaceRules) json(i int) string {
	rules := make([]string, len(s.history[i]))
	for j, source := range s.history[i] {
		rules[j] = fmt.Sprintf(`{"action":"allow","source":%q}`, source)
	}
	return fmt.Sprintf(`{"applied":%t,"created_at":%q,"created_by":"somebody@acme.example","id":%q,"rules":[%s],`+
		`"space":{"id":%q,"name":"acme-prod"}}`,
		time.Since(s.made[i]) >= 2*time.Second, s.made[i].UTC().Format(time.RFC3339), s.ids[i], strings.Join(rules, ","), spaceID)
}

func (s *spaceRules) dawdle() {
	if s.pace > 0 {
		s.mu.Lock()
		pause := time.Duration(s.random.Int64N(int64(s.pace)))
		s.mu.Unlock()
		passes(pause)
	}
}

func (s *spaceRules) answer(w http.ResponseWriter, r *http.Request, n int) {
	s.dawdle()
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
	s.dawdle()
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

// puts are the requests that write.
func (s *spaceRules) puts() int { return s.count("PUT") }

// passes lets time pass in a bubble.
func passes(d time.Duration) { _ = heroku.RealClock.Sleep(context.Background(), d) }
