// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package sandbox

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
)

// miniredisEngine runs the stores within this process, for machines without a Redis or Valkey server. It does not enforce limits and
// settings, and cannot replicate.
type miniredisEngine struct {
	cert   certificate
	copies bool // Options.CopyForks

	mu      sync.Mutex
	servers map[*miniredisServer]struct{}
	closed  bool
}

func newMiniredisEngine(issue func() (certificate, error)) (engine, error) {
	cert, err := issue()
	if err != nil {
		return nil, err
	}
	return &miniredisEngine{cert: cert, servers: map[*miniredisServer]struct{}{}}, nil
}

func (e *miniredisEngine) Name() string { return "miniredis" }

func (e *miniredisEngine) Start(_ context.Context, spec serverSpec) (server, error) {
	if spec.Password == "" {
		return nil, errors.New("starting miniredis: a server without a password is refused")
	}
	s := &miniredisServer{engine: e, dir: spec.Dir, persistent: spec.Persistent, redis: miniredis.NewMiniRedis()}
	s.setPassword(spec.Password)
	s.redis.ClockTTL(true) // keys expire in real time, as in a real server
	if err := s.prepareDir(); err != nil {
		return nil, fmt.Errorf("starting miniredis: %w", err)
	}
	if err := s.listen(spec.Port, e.cert); err != nil {
		return nil, fmt.Errorf("starting miniredis: %w", err)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		s.redis.Close()
		return nil, errors.New("starting miniredis: the sandbox is closed")
	}
	e.servers[s] = struct{}{}
	return s, nil
}

func (e *miniredisEngine) Close() error {
	e.mu.Lock()
	e.closed = true
	running := make([]*miniredisServer, 0, len(e.servers))
	for s := range e.servers {
		running = append(running, s)
	}
	e.mu.Unlock()
	var errs []error
	for _, s := range running {
		errs = append(errs, s.stop(true))
	}
	return errors.Join(errs...)
}

type miniredisServer struct {
	engine     *miniredisEngine
	dir        string // "" = nothing is kept
	persistent bool
	redis      *miniredis.Miniredis
	host       string
	port       int
	following  atomic.Bool

	mu       sync.Mutex
	stopped  bool
	password string
}

func (s *miniredisServer) prepareDir() error {
	if s.dir == "" {
		return nil
	}
	if !s.persistent {
		if err := os.RemoveAll(s.dir); err != nil {
			return err
		}
	}
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return err
	}
	return loadDump(s.redis, s.dumpFile())
}

// listen listens on the preferred port, or on any free port if that is in use.
func (s *miniredisServer) listen(port int, cert certificate) error {
	err := s.redis.StartAddrTLS(fmt.Sprintf("127.0.0.1:%d", port), cert.serverConfig())
	if err != nil && port != 0 {
		err = s.redis.StartAddrTLS("127.0.0.1:0", cert.serverConfig())
	}
	if err != nil {
		return err
	}
	host, text, err := net.SplitHostPort(s.redis.Addr())
	if err != nil {
		return err
	}
	s.host = host
	s.port, err = strconv.Atoi(text)
	return err
}

func (s *miniredisServer) setPassword(password string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.password = password
	s.redis.RequireAuth(password)
	s.redis.RequireUserAuth("h", password)
}

func (s *miniredisServer) dumpFile() string { return filepath.Join(s.dir, "dump.json") }

func (s *miniredisServer) Addr() (host string, port int) { return s.host, s.port }

// Configure and Limit do nothing, because miniredis enforces neither. The API returns the values from the world.
func (s *miniredisServer) Configure(context.Context, serverSettings) error { return nil }

func (s *miniredisServer) Limit(context.Context, serverLimits) error { return nil }

// SetPassword invalidates the former password immediately, because miniredis supports one password per user.
func (s *miniredisServer) SetPassword(_ context.Context, password, _ string) error {
	if password == "" {
		return errors.New("a server without a password is refused")
	}
	s.setPassword(password)
	return nil
}

func (s *miniredisServer) Source() source {
	s.mu.Lock()
	defer s.mu.Unlock()
	return source{Host: s.host, Port: s.port, Password: s.password, TLS: true}
}

func (s *miniredisServer) Follow(_ context.Context, from source) error {
	if s.engine.copies && s.engine.serverAt(from.Port) != nil {
		s.following.Store(true)
		return nil
	}
	return fmt.Errorf("%w: miniredis has no SYNC; install valkey or redis to fork stores", errNoReplication)
}

func (s *miniredisServer) Promote(_ context.Context, from source) error {
	if !s.following.Swap(false) {
		return nil
	}
	origin := s.engine.serverAt(from.Port)
	if origin == nil {
		return fmt.Errorf("%w: the source has stopped", errNoReplication)
	}
	for n := range databases {
		for _, name := range origin.redis.DB(n).Keys() {
			key, err := dumpKey(origin.redis.DB(n), name)
			if err == nil {
				err = loadKey(s.redis.DB(n), key)
			}
			if err != nil {
				return fmt.Errorf("copying a store: %w", err)
			}
		}
	}
	return nil
}

func (e *miniredisEngine) serverAt(port int) *miniredisServer {
	e.mu.Lock()
	defer e.mu.Unlock()
	for s := range e.servers {
		if s.port == port {
			return s
		}
	}
	return nil
}

func (s *miniredisServer) Restart(context.Context, serverSpec) error {
	if !s.persistent {
		s.redis.FlushAll()
	}
	return nil
}

func (s *miniredisServer) TakeAddress(server) error {
	return errors.New("miniredis cannot take over an address")
}

func (s *miniredisServer) Idle() bool { return false }

func (s *miniredisServer) Admin(ctx context.Context, do func(*redis.Client) error) error {
	return withClient(ctx, s.Source(), s.engine.cert.clientConfig(), do)
}

func (s *miniredisServer) Stop(_ context.Context, keepData bool) error { return s.stop(keepData) }

func (s *miniredisServer) stop(keepData bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopped {
		return nil
	}
	s.stopped = true
	s.engine.mu.Lock()
	delete(s.engine.servers, s)
	s.engine.mu.Unlock()
	s.redis.Close()
	switch {
	case s.dir == "":
		return nil
	case !keepData:
		return os.RemoveAll(s.dir)
	case s.persistent:
		return saveDump(s.redis, s.dumpFile())
	}
	return nil
}
