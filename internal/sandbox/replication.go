// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package sandbox

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// linkTimeout is how long a copy may be without a link to its source before it is given up.
const linkTimeout = 10 * time.Second

// CopyFrom makes the server a replica of the source until it is in sync, as a fork and a plan change do
// (Dev Center: Heroku Key-Value Store, "Creating a fork"); what is written to the source afterwards is not copied.
func (s *processServer) CopyFrom(ctx context.Context, from source) error {
	s.changes.Lock()
	defer s.changes.Unlock()
	if err := s.probe(ctx, from); err != nil {
		return fmt.Errorf("%w: %w", errNoReplication, err)
	}
	return s.admin(ctx, func(c *redis.Client) error {
		err := s.replicate(ctx, c, from)
		// Also after a failure or an interrupt: a replica refuses writes, and the credentials are another store's.
		return errors.Join(err, standAlone(context.WithoutCancel(ctx), c))
	})
}

// probe asks the source what a replica would, because a replica itself only says that its link is down.
// REPLCONF is the first command of that handshake and changes nothing.
func (s *processServer) probe(ctx context.Context, from source) error {
	return speak(ctx, from, s.engine.cert.clientConfig(), func(c *redis.Client) error {
		return c.Do(ctx, "REPLCONF", "capa", "psync2").Err()
	})
}

func (s *processServer) replicate(ctx context.Context, c *redis.Client, from source) error {
	for _, d := range [][2]string{
		{"masteruser", from.Username}, {"masterauth", from.Password}, {"tls-replication", yesNo(from.TLS)},
	} {
		if err := c.ConfigSet(ctx, d[0], d[1]).Err(); err != nil {
			return fmt.Errorf("setting %s: %w", d[0], err)
		}
	}
	if err := c.ReplicaOf(ctx, from.Host, strconv.Itoa(from.Port)).Err(); err != nil {
		return fmt.Errorf("starting to replicate: %w", err)
	}
	poll := time.NewTicker(5 * time.Millisecond)
	defer poll.Stop()
	if err := s.awaitOffset(ctx, c, poll, 0); err != nil {
		return err
	}
	target, err := s.offset(ctx, from) // what was written during the sync is copied too
	if err != nil {
		return err
	}
	if err := s.awaitOffset(ctx, c, poll, target); err != nil {
		return err
	}
	return s.awaitRewrite(ctx, c, poll)
}

// offset is how far the source's replication stream has come.
func (s *processServer) offset(ctx context.Context, from source) (offset int64, err error) {
	err = speak(ctx, from, s.engine.cert.clientConfig(), func(c *redis.Client) error {
		primary, err := info(ctx, c, "replication")
		offset = number(primary["master_repl_offset"])
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("asking the source for its offset: %w", err)
	}
	return offset, nil
}

// awaitOffset returns when the link is up, the first sync done and the replica's offset at least target.
func (s *processServer) awaitOffset(ctx context.Context, c *redis.Client, poll *time.Ticker, target int64) error {
	for linked := time.Now(); ; {
		replica, err := info(ctx, c, "replication")
		if err != nil {
			return err
		}
		up, syncing := replica["master_link_status"] == "up", replica["master_sync_in_progress"] == "1"
		switch {
		case up && !syncing && number(replica["slave_repl_offset"]) >= target:
			return nil
		case up || syncing:
			linked = time.Now()
		case time.Since(linked) > linkTimeout:
			return fmt.Errorf("%w: no link within %s; the copy's last output:\n%s", errNoReplication, linkTimeout, s.child.output)
		}
		if err := s.pause(ctx, poll); err != nil {
			return err
		}
	}
}

// awaitRewrite: after a full sync a persistent server writes a new AOF, and until then TERM would lose the copy.
func (s *processServer) awaitRewrite(ctx context.Context, c *redis.Client, poll *time.Ticker) error {
	for {
		persistence, err := info(ctx, c, "persistence")
		if err != nil {
			return err
		}
		if persistence["aof_rewrite_in_progress"] != "1" && persistence["aof_rewrite_scheduled"] != "1" {
			return nil
		}
		if err := s.pause(ctx, poll); err != nil {
			return err
		}
	}
}

func (s *processServer) pause(ctx context.Context, poll *time.Ticker) error {
	select {
	case <-poll.C:
		return nil
	case <-s.child.done:
		return fmt.Errorf("the server ended while it was copying: %s", s.child)
	case <-ctx.Done():
		return fmt.Errorf("copying: %w", ctx.Err())
	}
}

func standAlone(ctx context.Context, c *redis.Client) error {
	errs := []error{c.ReplicaOf(ctx, "NO", "ONE").Err()}
	for _, d := range [][2]string{{"masteruser", ""}, {"masterauth", ""}, {"tls-replication", "yes"}} {
		errs = append(errs, c.ConfigSet(ctx, d[0], d[1]).Err())
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("ending the replication: %w", err)
	}
	return nil
}

// info reads one section of INFO into its fields.
func info(ctx context.Context, c *redis.Client, section string) (map[string]string, error) {
	text, err := c.Info(ctx, section).Result()
	if err != nil {
		return nil, fmt.Errorf("reading INFO %s: %w", section, err)
	}
	fields := map[string]string{}
	for line := range strings.Lines(text) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), ":"); ok {
			fields[name] = value
		}
	}
	return fields, nil
}

func number(s string) int64 {
	n, _ := strconv.ParseInt(s, 10, 64) // absent counts as 0
	return n
}
