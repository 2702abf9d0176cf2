// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package sandbox

import (
	"context"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// usage is what a store holds, as its server said.
type usage struct {
	Asleep bool  `json:"asleep"` // nobody has used it, and no server runs
	Keys   int64 `json:"keys"`
	Memory int64 `json:"memory"` // bytes, in steps of usageStep; 0: the server does not say

	at time.Time
}

const (
	usageStep    = 64 << 10        // less than that changes with each connection
	usagePause   = time.Second     // between two rounds, when something happens
	usageRound   = 5 * time.Second // and when nothing does
	maxAsked     = 50              // servers in a round, those first that were not asked for longest
	askedAtOnce  = 4               // of them
	usageTimeout = 2 * time.Second // for one
	maxLookedAt  = 10 * maxAsked   // stores in a round
)

func (p *webPage) knownUsages() map[string]usage {
	p.mu.Lock()
	defer p.mu.Unlock()
	return maps.Clone(p.usages)
}

// measure asks the servers for what they hold, as long as a page is open.
func (s *Sandbox) measure(ctx context.Context) {
	for ctx.Err() == nil {
		happened := s.page.next()
		s.measureSome(ctx)
		timer := time.NewTimer(usageRound)
		select {
		case <-happened:
		case <-timer.C:
		case <-ctx.Done():
		}
		timer.Stop()
		sleep(ctx, usagePause)
	}
}

// measureSome does not start a server, nor wait for one.
func (s *Sandbox) measureSome(ctx context.Context) {
	servers := s.running()
	known := s.page.knownUsages()
	ids := slices.SortedFunc(maps.Keys(servers), func(a, b string) int { return known[a].at.Compare(known[b].at) })
	var mu sync.Mutex
	measured := map[string]usage{}
	note := func(id string, u usage) {
		mu.Lock()
		defer mu.Unlock()
		u.at = time.Now()
		measured[id] = u
	}
	var asking sync.WaitGroup
	slots, asked := make(chan struct{}, askedAtOnce), 0
	for _, id := range ids[:min(len(ids), maxLookedAt)] {
		if servers[id].Idle() {
			note(id, usage{Asleep: true})
			continue
		}
		if asked++; asked > maxAsked || ctx.Err() != nil {
			break
		}
		slots <- struct{}{}
		asking.Go(func() {
			defer func() { <-slots }()
			u, err := measureServer(ctx, servers[id])
			if err == nil {
				note(id, u)
			} else if former, ok := known[id]; ok { // it is asked again when the others were
				note(id, former)
			}
		})
	}
	asking.Wait()
	s.page.learn(measured, servers)
}

// running are the servers of the stores that can be used.
func (s *Sandbox) running() map[string]server {
	s.mu.Lock()
	defer s.mu.Unlock()
	servers := map[string]server{}
	for id, b := range s.backings {
		if a := s.world.AddOns[id]; a == nil || a.State != stateProvisioned {
			continue
		}
		select {
		case <-b.done:
			if b.server != nil {
				servers[id] = b.server
			}
		default:
		}
	}
	return servers
}

// learn keeps what was measured, and nothing of stores that are gone.
func (p *webPage) learn(measured map[string]usage, servers map[string]server) {
	p.mu.Lock()
	differs := false
	for id, u := range measured {
		former, known := p.usages[id]
		differs = differs || !known || former.Asleep != u.Asleep || former.Keys != u.Keys || former.Memory != u.Memory
		p.usages[id] = u
	}
	maps.DeleteFunc(p.usages, func(id string, _ usage) bool { return servers[id] == nil })
	p.mu.Unlock()
	if differs {
		p.changed()
	}
}

func measureServer(ctx context.Context, srv server) (u usage, err error) {
	ctx, cancel := context.WithTimeout(ctx, usageTimeout)
	defer cancel()
	err = srv.Admin(ctx, func(c *redis.Client) error {
		keyspace, err := info(ctx, c, "keyspace") // db0:keys=3,expires=1,avg_ttl=0
		for _, database := range keyspace {
			for field := range strings.SplitSeq(database, ",") {
				if n, ok := strings.CutPrefix(field, "keys="); ok {
					u.Keys += number(n)
				}
			}
		}
		if err != nil { // miniredis does not have it
			u.Keys, err = c.DBSize(ctx).Result()
			return err
		}
		memory, err := info(ctx, c, "memory")
		u.Memory = number(memory["used_memory"]) / usageStep * usageStep
		return err
	})
	return u, err
}
