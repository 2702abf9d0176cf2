// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/google/uuid"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/sandbox"
)

// point is a plan of so many stores without a change, and one of as many built-in resources.
type point struct {
	n           int
	ours, floor measured
}

// cpuEach is what the provider needs for a store, in milliseconds.
func (p point) cpuEach() float64 { return p.ours.provider.CPU.Seconds() * 1000 / float64(p.n) }

// grow plans more and more stores.
func (b *bench) grow(ctx context.Context) error {
	for _, n := range b.sizes.growth {
		p, err := b.growTo(ctx, n)
		if err != nil {
			return err
		}
		b.detail(fmt.Sprintf("plan of %d stores", n), p.ours, p.floor)
		b.growth = append(b.growth, p)
	}
	first, last := b.growth[0], b.growth[len(b.growth)-1]
	before := b.growth[max(len(b.growth)-2, 0)]
	pages := float64((last.n + 999) / 1000)
	grown := float64(last.ours.provider.MaxRSS-first.ours.provider.MaxRSS) / 1024 / float64(max(last.n-first.n, 1))
	b.add(
		row{work: fmt.Sprintf("%d stores without windows: plan", last.n), limit: float64(last.n) + 2 + pages,
			bound: 1.02*float64(last.n) + lists, ours: float64(len(last.ours.requests)), unit: requests},
		row{work: fmt.Sprintf("%d stores: plan, of the account's 4500 requests an hour", last.n),
			bound: 0.02*float64(last.n) + lists, ours: float64(charged(last.ours.requests)), unit: requests},
		row{work: fmt.Sprintf("%d stores: the provider's CPU for each, against that with %d", last.n, before.n),
			limit: 1, bound: 1.25, ours: last.cpuEach() / before.cpuEach(), unit: ratio},
		row{work: fmt.Sprintf("%d stores: the provider's memory for each more than %d", last.n, first.n),
			bound: 20, ours: max(grown, 0), unit: kibibytes},
	)
	return nil
}

// charged counts the requests that the account pays for: those to the Platform API.
func charged(all []sandbox.Request) int {
	n := 0
	for _, r := range all {
		if !strings.HasPrefix(r.Path, "/redis/") && !strings.HasPrefix(r.Path, "/data/") && r.Path != "/account/rate-limits" {
			n++
		}
	}
	return n
}

// growTo plans n stores. Creating five thousand resources takes the CLI itself a quarter of an hour, so that all stores
// but the first are ordered beside it, and their state is copied from that of the first.
func (b *bench) growTo(ctx context.Context, n int) (p point, err error) {
	p.n = n
	sb, apps, err := startWorld(ctx, 50, sandbox.Options{Latency: b.growthLatency, RateLimit: 1 << 30})
	if err != nil {
		return p, err
	}
	defer func() { _ = sb.Close() }()
	w, err := b.workspace(estate{n: 1, apps: apps}.configuration(), sb)
	if err != nil {
		return p, err
	}
	if _, err := w.apply(ctx); err != nil {
		return p, err
	}
	stores, err := order(ctx, sb, apps, 1, n)
	if err != nil {
		return p, err
	}
	err = w.multiply(n, func(first map[string]any, i int) []string {
		s := stores[i]
		return []string{
			text(first["id"]), s.ID, text(first["app_id"]), s.app, text(first["created_at"]), s.CreatedAt,
			`"bench-0"`, fmt.Sprintf(`"bench-%d"`, i), `"CACHE_0`, fmt.Sprintf(`"CACHE_%d`, i),
		}
	})
	if err != nil {
		return p, err
	}
	if err := w.write("main.tf", estate{n: n, apps: apps}.configuration()); err != nil {
		return p, err
	}
	if p.ours, err = w.plan(ctx); err != nil {
		return p, err
	}
	p.floor, err = b.floorOf(ctx, n)
	return p, err
}

// floorOf plans n built-in resources.
func (b *bench) floorOf(ctx context.Context, n int) (measured, error) {
	w, err := b.workspace(estate{n: 1}.builtIn(), nil)
	if err != nil {
		return measured{}, err
	}
	if _, err := w.apply(ctx); err != nil {
		return measured{}, err
	}
	err = w.multiply(n, func(first map[string]any, i int) []string {
		return []string{text(first["id"]), uuid.NewString(), `"n-0"`, fmt.Sprintf(`"n-%d"`, i)}
	})
	if err != nil {
		return measured{}, err
	}
	if err := w.write("main.tf", estate{n: n}.builtIn()); err != nil {
		return measured{}, err
	}
	return w.plan(ctx)
}

// multiply makes n resources of the one in the state. changes are what differs in the i-th, in pairs of old and new.
func (w *workspace) multiply(n int, changes func(first map[string]any, i int) []string) error {
	file := filepath.Join(w.dir, "terraform.tfstate")
	content, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var (
		state     map[string]json.RawMessage
		resources []map[string]json.RawMessage
		instances []map[string]json.RawMessage
		first     map[string]any
	)
	if err := json.Unmarshal(content, &state); err != nil {
		return err
	}
	if err := json.Unmarshal(state["resources"], &resources); err != nil {
		return err
	}
	if err := json.Unmarshal(resources[0]["instances"], &instances); err != nil {
		return err
	}
	if err := json.Unmarshal(instances[0]["attributes"], &first); err != nil {
		return err
	}
	model, err := json.Marshal(instances[0])
	if err != nil {
		return err
	}
	for i := 1; i < n; i++ {
		var copied map[string]json.RawMessage
		if err := json.Unmarshal([]byte(strings.NewReplacer(changes(first, i)...).Replace(string(model))), &copied); err != nil {
			return err
		}
		copied["index_key"] = json.RawMessage(fmt.Sprint(i))
		instances = append(instances, copied)
	}
	if resources[0]["instances"], err = json.Marshal(instances); err != nil {
		return err
	}
	if state["resources"], err = json.Marshal(resources); err != nil {
		return err
	}
	if content, err = json.Marshal(state); err != nil {
		return err
	}
	return os.WriteFile(file, content, 0o600)
}

func text(value any) string { return fmt.Sprint(value) }
