// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package sandbox

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/keyvalue"
)

// fork is the source of a store that is created as a copy. The store replicates it until the copy is complete (Dev Center: Heroku Key-Value
// Store, migrating to it).
type fork struct {
	URL     string
	Inside  string `json:",omitempty"` // add-on id of the source; "" = a server outside of the sandbox
	Trouble string `json:",omitempty"` // effect of a fault on the copy: one of the constants below
}

// Effects of a fault on a fork, besides stuck.
const (
	forkRefused    = "refused"    // the source does not allow SYNC
	forkLost       = "lost"       // the source is destroyed before the copy is complete
	forkIncomplete = "incomplete" // keys are missing in the copy
)

// addFork applies the provisioning option "fork", which is the URL raw. The source may be in any space, because Heroku can reach all of
// them.
func (c *call) addFork(to *addOn, raw string) error {
	if planByName(to.Plan).Class == keyvalue.ClassShield {
		return errors.New("a shield plan cannot be a fork")
	}
	from, err := parseSource(raw)
	if err != nil {
		return err
	}
	f := &fork{URL: raw}
	if a := c.w.storeAt(from.Host, from.Port); a != nil && a.Store.Password == from.Password {
		f.Inside = a.ID
		if c.w.generation(c.w.Apps[a.App]) == cedar && c.w.generation(c.w.Apps[to.App]) == fir {
			return errors.New("a store of the cedar generation cannot be forked to the fir generation")
		}
	}
	if c.effect.Fork != stuck {
		f.Trouble = c.effect.Fork
	}
	to.Store.Fork = f
	return nil
}

// parseSource parses the URL of a source. The error contains no part of the URL, which has a password.
func parseSource(raw string) (source, error) {
	u, err := url.Parse(raw)
	if err != nil || u.Hostname() == "" || u.Scheme != "redis" && u.Scheme != "rediss" {
		return source{}, errors.New("fork is not a redis:// or rediss:// URL")
	}
	port, err := strconv.ParseUint(cmp.Or(u.Port(), "6379"), 10, 16)
	if err != nil {
		return source{}, errors.New("the port in the URL of the fork is not a number from 1 to 65535")
	}
	password, _ := u.User.Password()
	return source{Host: u.Hostname(), Port: int(port), Username: u.User.Username(), Password: password,
		TLS: u.Scheme == "rediss", Outside: true}, nil
}

// forkSource returns a function that finds the source of a fork. A source in the sandbox may change its server or password at any time.
func (s *Sandbox) forkSource(f fork) sourceFunc {
	if f.Trouble == forkRefused {
		return func(context.Context) (source, error) { return source{}, errNoReplication }
	}
	if f.Inside == "" {
		from, err := parseSource(f.URL)
		return func(context.Context) (source, error) { return from, err }
	}
	return func(ctx context.Context) (source, error) {
		s.mu.Lock()
		b := s.backings[f.Inside]
		s.mu.Unlock()
		srv, err := b.wait(ctx)
		if err != nil {
			return source{}, fmt.Errorf("the source of the fork is gone: %w", err)
		}
		return srv.Source(), nil
	}
}

// completeFork ends the replication from the source of a fork, and applies the fault to the copy, if there is one.
func (s *Sandbox) completeFork(ctx context.Context, b *backing, f fork) (server, error) {
	srv, err := b.wait(ctx)
	if err != nil {
		return nil, err
	}
	if f.Trouble == forkLost {
		return nil, errors.New("the source of the fork is lost")
	}
	from, err := s.forkSource(f)(ctx)
	if err == nil {
		err = srv.Promote(ctx, from)
	}
	if err == nil && f.Trouble == forkIncomplete {
		err = srv.Admin(ctx, func(c *redis.Client) error { return dropKeys(ctx, c) })
	}
	return srv, err
}

// dropKeys removes every tenth key of each database, in alphabetical order, and at least one.
func dropKeys(ctx context.Context, c *redis.Client) error {
	databases, err := info(ctx, c, "keyspace")
	if err != nil {
		return err
	}
	for name := range databases {
		n, err := strconv.Atoi(strings.TrimPrefix(name, "db"))
		if err != nil {
			return fmt.Errorf("database %q: %w", name, err)
		}
		if err := c.Do(ctx, "SELECT", n).Err(); err != nil { // this works because the client has only one connection
			return err
		}
		keys, err := c.Keys(ctx, "*").Result()
		if err != nil {
			return err
		}
		slices.Sort(keys)
		for i := 0; i < len(keys); i += 10 {
			if err := c.Del(ctx, keys[i]).Err(); err != nil {
				return err
			}
		}
	}
	return nil
}
