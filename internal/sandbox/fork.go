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

// fork is the source of a store that is created as a copy, and follows it until the copy is complete (Dev Center: Heroku Key-Value
// Store, migrating to it).
type fork struct {
	URL     string
	Inside  string `json:",omitempty"` // add-on id of the source; "" = it is a server outside
	Trouble string `json:",omitempty"` // what the fault does to the copy
}

// What a fault does to a fork, besides stuck.
const (
	forkRefused    = "refused"    // the source has no SYNC
	forkLost       = "lost"       // the source is destroyed before the copy is complete
	forkIncomplete = "incomplete" // keys are missing in the copy
)

// orderFork takes the provisioning option "fork". Heroku can reach the stores of all spaces.
func (c *call) orderFork(to *addOn, raw string) error {
	if catalogued(to.Plan).Class == keyvalue.ClassShield {
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

// parseSource reads the URL of a server outside the sandbox. The error contains nothing of the URL, which has a password in it.
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

// forkOrigin is the origin of a fork. A source in the sandbox may get another server or password meanwhile.
func (s *Sandbox) forkOrigin(f fork) origin {
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

// completeFork ends the copying into the server behind a store.
func (s *Sandbox) completeFork(ctx context.Context, b *backing, f fork) (server, error) {
	srv, err := b.wait(ctx)
	if err != nil {
		return nil, err
	}
	if f.Trouble == forkLost {
		return nil, errors.New("the source of the fork is lost")
	}
	from, err := s.forkOrigin(f)(ctx)
	if err == nil {
		err = srv.StandAlone(ctx, from)
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
		if err := c.Do(ctx, "SELECT", n).Err(); err != nil { // the client has one connection only
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
