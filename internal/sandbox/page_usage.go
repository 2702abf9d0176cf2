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

// usage is the content of a store, as reported by its server.
type usage struct {
	Asleep bool  `json:"asleep"` // the store has not been used, and no server runs
	Keys   int64 `json:"keys"`
	Memory int64 `json:"memory"` // bytes, in steps of usageStep; 0 = unknown

	at time.Time // of the measurement
}

const (
	usageStep     = 64 << 10         // smaller changes occur with each connection
	usagePause    = time.Second      // between two rounds while something changes
	usageRound    = 5 * time.Second  // between two rounds while nothing changes
	maxMeasured   = 50               // servers measured in a round; the ones measured longest ago come first
	maxConcurrent = 4                // servers measured at the same time
	usageTimeout  = 2 * time.Second  // for one server
	maxChecked    = 10 * maxMeasured // stores considered in a round
)

func (p *webPage) knownUsages() map[string]usage {
	p.mu.Lock()
	defer p.mu.Unlock()
	return maps.Clone(p.usages)
}

// measureUsages measures the usage of stores repeatedly, while a page is open.
func (s *Sandbox) measureUsages(ctx context.Context) {
	for ctx.Err() == nil {
		happened := s.page.nextChange()
		s.measureRound(ctx)
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

// measureRound measures running servers once. It neither starts a server nor waits for one to start.
func (s *Sandbox) measureRound(ctx context.Context) {
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
	slots, asked := make(chan struct{}, maxConcurrent), 0
	for _, id := range ids[:min(len(ids), maxChecked)] {
		if servers[id].Idle() {
			note(id, usage{Asleep: true})
			continue
		}
		if asked++; asked > maxMeasured || ctx.Err() != nil {
			break
		}
		slots <- struct{}{}
		asking.Go(func() {
			defer func() { <-slots }()
			u, err := measureServer(ctx, servers[id])
			if err == nil {
				note(id, u)
			} else if former, ok := known[id]; ok { // it is measured again after the others
				note(id, former)
			}
		})
	}
	asking.Wait()
	s.page.storeUsages(measured, servers)
}

// running returns the servers of all provisioned stores that have started, by add-on id.
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

// storeUsages stores the measured usages, and removes those of stores that no longer exist.
func (p *webPage) storeUsages(measured map[string]usage, servers map[string]server) {
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
		if err != nil { // miniredis does not have this section
			u.Keys, err = c.DBSize(ctx).Result()
			return err
		}
		memory, err := info(ctx, c, "memory")
		u.Memory = number(memory["used_memory"]) / usageStep * usageStep
		return err
	})
	return u, err
}
