// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package sandbox

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// processServer is one running valkey-server or redis-server.
type processServer struct {
	engine     *processEngine
	id         string
	dir        string
	temporary  bool // dir is the engine's, not the caller's
	persistent bool
	port       atomic.Int64
	child      *child

	changes  sync.Mutex // one change at a time; guards what follows
	password string
	origin   source // that is followed; none when it stands alone
	upstream source // the same as the replica sees it

	tunnel atomic.Pointer[tunnel] // to a source outside, over TLS

	life    sync.Mutex // starting and stopping; guards stopped
	stopped bool
}

// prepareDir ends what a killed sandbox left running in the directory, and empties it for a server that keeps nothing.
func (s *processServer) prepareDir() (err error) {
	if s.dir == "" {
		s.temporary = true
		s.dir, err = os.MkdirTemp(s.engine.dir, "store-")
		return err
	}
	if _, err := endLeftover(s.dir); err != nil {
		return err
	}
	if !s.persistent {
		if err := os.RemoveAll(s.dir); err != nil {
			return err
		}
	}
	return os.MkdirAll(s.dir, 0o700)
}

func (s *processServer) removeDir(keepData bool) error {
	if keepData && !s.temporary {
		return nil
	}
	return os.RemoveAll(s.dir)
}

// launch starts the process and returns when it is ready; errAddressInUse when another process has the port.
func (s *processServer) launch(ctx context.Context, spec serverSpec) error {
	if s.port.Load() == 0 {
		port, err := freePort(ctx)
		if err != nil {
			return err
		}
		s.port.Store(int64(port))
	}
	if err := s.spawn(spec); err != nil {
		return err
	}
	return s.ready(ctx)
}

func (s *processServer) spawn(spec serverSpec) (err error) {
	s.life.Lock()
	defer s.life.Unlock()
	if s.stopped {
		return errors.New("the sandbox is closed")
	}
	s.child, err = s.engine.spawner.spawn(s.engine.binary, []string{"-"}, s.dir, s.engine.config(s, spec), spec.Password, quote(spec.Password))
	if err != nil {
		return err
	}
	return writePIDFile(s.dir, s.child.cmd.Process.Pid)
}

// ready: an authenticated PING over TLS is answered.
func (s *processServer) ready(ctx context.Context) error {
	poll := time.NewTicker(10 * time.Millisecond)
	defer poll.Stop()
	for {
		last := s.answers(ctx)
		if last == nil {
			return nil
		}
		select {
		case <-s.child.done:
			if strings.Contains(s.child.output.String(), "Address already in use") {
				return errAddressInUse
			}
			return fmt.Errorf("it exited before it was ready: %s", s.child)
		case <-ctx.Done():
			return fmt.Errorf("%w (%w); its last output:\n%s", context.Cause(ctx), last, s.child.output)
		case <-poll.C:
		}
	}
}

func (s *processServer) answers(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second) // who has the port may not speak TLS
	defer cancel()
	return s.admin(ctx, func(*redis.Client) error { return nil })
}

// watch reports a server that ends although nobody stopped it: out of memory, or a user's SHUTDOWN.
func (s *processServer) watch(c *child) {
	<-c.done
	s.life.Lock()
	defer s.life.Unlock()
	if !s.stopped && s.child == c {
		s.engine.log.Warn("the server of a store ended by itself", "store", s.id, "port", s.port.Load(), "end", c.String())
	}
}

func (s *processServer) Restart(ctx context.Context, spec serverSpec) error {
	s.changes.Lock()
	defer s.changes.Unlock()
	if err := s.halt(); err != nil {
		return fmt.Errorf("restarting the server: %w", err)
	}
	s.password = spec.Password
	if err := s.launch(ctx, spec); err != nil {
		return fmt.Errorf("restarting the server: %w", err)
	}
	go s.watch(s.child)
	return nil
}

// halt ends the process for a while, and forgets what would not outlive that.
func (s *processServer) halt() error {
	s.life.Lock()
	defer s.life.Unlock()
	if s.stopped {
		return errors.New("it is stopped")
	}
	former := s.child
	s.child = nil // watch has nothing to report
	former.end(nil)
	if s.persistent {
		return nil
	}
	if err := os.RemoveAll(s.dir); err != nil {
		return err
	}
	return os.Mkdir(s.dir, 0o700)
}

func (s *processServer) Rebind(ctx context.Context, port int) error {
	s.changes.Lock()
	defer s.changes.Unlock()
	if err := s.admin(ctx, func(c *redis.Client) error { return c.ConfigSet(ctx, "tls-port", strconv.Itoa(port)).Err() }); err != nil {
		return fmt.Errorf("moving the server to port %d: %w", port, err)
	}
	s.port.Store(int64(port))
	return nil
}

func (s *processServer) Stop(ctx context.Context, keepData bool) error {
	return s.stop(ctx.Done(), keepData)
}

var atOnce = func() <-chan struct{} {
	closed := make(chan struct{})
	close(closed)
	return closed
}()

// stop ends the process, at once when hurry closes or nothing of it is kept.
func (s *processServer) stop(hurry <-chan struct{}, keepData bool) error {
	s.life.Lock()
	defer s.life.Unlock()
	if s.stopped {
		return nil
	}
	s.stopped = true
	s.engine.remove(s)
	if !keepData || s.temporary {
		hurry = atOnce // a copy that still writes its first AOF does not end on TERM
	}
	if s.child != nil {
		s.child.end(hurry)
	}
	s.hangUp()
	err := os.Remove(filepath.Join(s.dir, pidFileName))
	if errors.Is(err, os.ErrNotExist) {
		err = nil
	}
	return errors.Join(err, s.removeDir(keepData))
}

func (s *processServer) Addr() (host string, port int) { return "127.0.0.1", int(s.port.Load()) }

func (s *processServer) Source() source {
	s.changes.Lock()
	defer s.changes.Unlock()
	return s.self()
}

func (s *processServer) Admin(ctx context.Context, do func(*redis.Client) error) error {
	s.changes.Lock()
	defer s.changes.Unlock()
	return s.admin(ctx, do)
}

func (s *processServer) Configure(ctx context.Context, settings serverSettings) error {
	s.changes.Lock()
	defer s.changes.Unlock()
	return s.admin(ctx, func(c *redis.Client) error {
		for _, d := range settings.directives() {
			if err := c.ConfigSet(ctx, d[0], d[1]).Err(); err != nil {
				return fmt.Errorf("setting %s: %w", d[0], err)
			}
		}
		return nil
	})
}

func (s *processServer) Limit(ctx context.Context, limits serverLimits) error {
	s.changes.Lock()
	defer s.changes.Unlock()
	return s.admin(ctx, func(c *redis.Client) error {
		if err := c.ConfigSet(ctx, "maxmemory", strconv.FormatInt(limits.MaxMemory, 10)).Err(); err != nil {
			return fmt.Errorf("setting maxmemory: %w", err)
		}
		if err := c.ConfigSet(ctx, "maxclients", strconv.Itoa(s.engine.clients(limits.MaxClients))).Err(); err != nil {
			return fmt.Errorf("setting maxclients: %w", err)
		}
		return nil
	})
}

func (s *processServer) SetPassword(ctx context.Context, password, also string) error {
	if password == "" {
		return errors.New("a server without a password is refused")
	}
	s.changes.Lock()
	defer s.changes.Unlock()
	return s.admin(ctx, func(c *redis.Client) error {
		if err := c.ConfigSet(ctx, "requirepass", password).Err(); err != nil {
			return fmt.Errorf("setting the password: %w", err)
		}
		s.password = password
		if err := c.ACLSetUser(ctx, "h", userRules(password)...).Err(); err != nil {
			return fmt.Errorf("setting the password of user h: %w", err)
		}
		if also == "" {
			return nil
		}
		for _, user := range []string{"default", "h"} {
			if err := c.ACLSetUser(ctx, user, hashed(also)).Err(); err != nil {
				return fmt.Errorf("keeping the former password of user %s: %w", user, err)
			}
		}
		return nil
	})
}

// userRules are those of user h, with whom Heroku's URLs authenticate; the password goes as its hash.
func userRules(password string) []string {
	return []string{"resetpass", hashed(password), "~*", "&*", "+@all"}
}

// hashed is a password as an ACL rule.
func hashed(password string) string { return fmt.Sprintf("#%x", sha256.Sum256([]byte(password))) }

func (s *processServer) self() source {
	return source{Host: "127.0.0.1", Port: int(s.port.Load()), Password: s.password, TLS: true}
}

// admin does something on a connection of its own, which must not stay: it counts against the store's limit.
func (s *processServer) admin(ctx context.Context, do func(*redis.Client) error) error {
	return speak(ctx, s.self(), s.engine.cert.clientConfig(), do)
}

const dialTimeout = 10 * time.Second

// speak does something on one authenticated connection. go-redis is handed an open one: it would log and repeat failed dials itself.
func speak(ctx context.Context, to source, config *tls.Config, do func(*redis.Client) error) error {
	dialing, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	dial := (&net.Dialer{}).DialContext
	if to.TLS {
		dial = (&tls.Dialer{Config: config}).DialContext
	}
	conn, err := dial(dialing, "tcp", net.JoinHostPort(to.Host, strconv.Itoa(to.Port)))
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }() // go-redis closes it only if it has used it
	c := redis.NewClient(&redis.Options{
		Dialer:                   func(context.Context, string, string) (net.Conn, error) { return conn, nil },
		Username:                 to.Username,
		Password:                 to.Password,
		Protocol:                 2,
		PoolSize:                 1,
		MaxRetries:               -1,
		DialerRetries:            1,
		DisableIdentity:          true,
		ContextTimeoutEnabled:    true,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	})
	defer func() { _ = c.Close() }()
	if err := c.Ping(ctx).Err(); err != nil {
		return err
	}
	return do(c)
}
