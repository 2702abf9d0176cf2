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

// linkTimeout is how long a replica may be without a link to its source before the copy fails.
const linkTimeout = 10 * time.Second

// Follow makes the server a replica of the source and returns when the first sync is done. Later writes to the source are replicated too
// (Dev Center: Heroku Key-Value Store, "Creating a fork").
func (s *processServer) Follow(ctx context.Context, from source) error {
	if err := s.ensureRunning(ctx); err != nil {
		return err
	}
	s.changeMu.Lock()
	defer s.changeMu.Unlock()
	if err := s.follow(ctx, from); err != nil {
		// A replica would refuse writes, and would keep the credentials of the source.
		err = errors.Join(err, s.stopReplicating(context.WithoutCancel(ctx)))
		s.closeTunnel() // also if stopReplicating failed because the server has ended
		return err
	}
	return nil
}

// Promote waits until the server has everything that the source has now, and ends the replication. After an error, the server is still a
// replica.
func (s *processServer) Promote(ctx context.Context, from source) (err error) {
	s.changeMu.Lock()
	defer s.changeMu.Unlock()
	if s.origin == (source{}) {
		return nil // it is not a replica
	}
	if from.Host != s.origin.Host || from.Port != s.origin.Port { // the source has another server now
		if err := s.follow(ctx, from); err != nil {
			return err
		}
	}
	s.upstream.Username, s.upstream.Password = from.Username, from.Password // they may have been rotated
	target, err := s.offset(ctx, from.Final)
	if err == nil {
		err = s.admin(ctx, func(c *redis.Client) error {
			poll := time.NewTicker(pollInterval)
			defer poll.Stop()
			if err := s.awaitOffset(ctx, c, poll, target); err != nil {
				return err
			}
			return s.awaitRewrite(ctx, c, poll)
		})
	}
	if err != nil {
		if from.Final {
			err = errors.Join(err, s.unpause(context.WithoutCancel(ctx)))
		}
		return err
	}
	return s.stopReplicating(ctx)
}

const (
	pollInterval = 5 * time.Millisecond
	writesPaused = 20 * time.Second // maximum pause of the writes to a source that is replaced
)

func (s *processServer) follow(ctx context.Context, from source) error {
	s.closeTunnel()
	s.origin, s.upstream = from, from
	if from.Outside && from.TLS {
		t, err := openTunnel(ctx, from)
		if err != nil {
			return fmt.Errorf("%w: %w", errNoReplication, err)
		}
		s.tunnel.Store(t)
		s.upstream = t.localSource()
	}
	if err := s.probe(ctx); err != nil {
		return fmt.Errorf("%w: %w", errNoReplication, err)
	}
	return s.admin(ctx, func(c *redis.Client) error { return s.replicate(ctx, c) })
}

// closeTunnel closes the tunnel to the source, if there is one.
func (s *processServer) closeTunnel() {
	if t := s.tunnel.Swap(nil); t != nil {
		t.close()
	}
}

// stopReplicating ends the replication, if there is one.
func (s *processServer) stopReplicating(ctx context.Context) error {
	err := s.admin(ctx, func(c *redis.Client) error { return replicaOfNoOne(ctx, c) })
	if err == nil {
		s.closeTunnel()
		s.origin, s.upstream = source{}, source{}
	}
	return err
}

// withSource calls do with a connection to the source.
func (s *processServer) withSource(ctx context.Context, do func(*redis.Client) error) error {
	return withClient(ctx, s.upstream, s.engine.cert.clientConfig(), do)
}

// probe checks whether the source can be replicated, because a replica reports only that its link is down. REPLCONF is the first command
// of the handshake and changes nothing. PSYNC without arguments fails with a wrong number of arguments if the server supports it. ACL
// DRYRUN, where it exists, tells whether the user may run PSYNC.
func (s *processServer) probe(ctx context.Context) error {
	return s.withSource(ctx, func(c *redis.Client) error {
		if err := c.Do(ctx, "REPLCONF", "capa", "psync2").Err(); err != nil {
			return err
		}
		if err := c.Do(ctx, "PSYNC").Err(); err == nil || !strings.Contains(err.Error(), "wrong number of arguments") {
			return fmt.Errorf("PSYNC: %w", err)
		}
		user, err := c.Do(ctx, "ACL", "WHOAMI").Text()
		if err != nil {
			user = s.upstream.Username
		}
		if verdict, err := c.Do(ctx, "ACL", "DRYRUN", user, "PSYNC", "?", "-1").Text(); err == nil && verdict != "OK" {
			return errors.New(verdict)
		}
		return nil
	})
}

func (s *processServer) replicate(ctx context.Context, c *redis.Client) error {
	from := s.upstream
	source := [][2]string{{"masteruser", from.Username}, {"masterauth", from.Password}, {"tls-replication", yesNo(from.TLS)}}
	if err := configSet(ctx, c, source); err != nil {
		return err
	}
	if err := c.ReplicaOf(ctx, from.Host, strconv.Itoa(from.Port)).Err(); err != nil {
		return fmt.Errorf("starting to replicate: %w", err)
	}
	poll := time.NewTicker(pollInterval)
	defer poll.Stop()
	return s.awaitOffset(ctx, c, poll, 0)
}

// offset returns the replication offset of the source. With pause, the source accepts no more writes after it.
func (s *processServer) offset(ctx context.Context, pause bool) (offset int64, err error) {
	err = s.withSource(ctx, func(c *redis.Client) error {
		if pause {
			if err := c.Do(ctx, "CLIENT", "PAUSE", writesPaused.Milliseconds(), "WRITE").Err(); err != nil {
				return err
			}
		}
		primary, err := info(ctx, c, "replication")
		offset = number(primary["master_repl_offset"])
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("asking the source for its offset: %w", err)
	}
	return offset, nil
}

func (s *processServer) unpause(ctx context.Context) error {
	return s.withSource(ctx, func(c *redis.Client) error { return c.ClientUnpause(ctx).Err() })
}

// awaitOffset returns when the link is up, the first sync done and the replica's offset at least target.
func (s *processServer) awaitOffset(ctx context.Context, c *redis.Client, poll *time.Ticker, target int64) error {
	linked := time.Now()
	for asked := linked; ; {
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
		case !s.origin.Outside && time.Since(asked) > time.Second: // a server of the sandbox that has been stopped does not start again
			if err := s.withSource(ctx, func(*redis.Client) error { return nil }); err != nil {
				return fmt.Errorf("%w: %w", errNoReplication, err)
			}
			asked = time.Now()
		}
		if err := s.pause(ctx, poll); err != nil {
			return err
		}
	}
}

// awaitRewrite waits until a persistent server has written a new AOF after a full sync. Before that, TERM would lose the copied keys.
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

func replicaOfNoOne(ctx context.Context, c *redis.Client) error {
	errs := []error{c.ReplicaOf(ctx, "NO", "ONE").Err()}
	for _, d := range [][2]string{{"masteruser", ""}, {"masterauth", ""}, {"tls-replication", "yes"}} {
		errs = append(errs, c.ConfigSet(ctx, d[0], d[1]).Err())
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("ending the replication: %w", err)
	}
	return nil
}

// info returns the fields of one section of INFO.
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
	n, _ := strconv.ParseInt(s, 10, 64) // an absent field counts as 0
	return n
}
