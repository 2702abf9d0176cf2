// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package sandbox

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// startAttempt is an attempt to start the process. Several callers may wait for it.
type startAttempt struct {
	done chan struct{} // closed when err is set
	err  error
}

// connect opens a connection to the process, and starts the process if necessary.
func (s *processServer) connect(ctx context.Context) (net.Conn, error) {
	if err := s.ensureRunning(ctx); err != nil {
		return nil, err
	}
	return new(net.Dialer).DialContext(ctx, "tcp", net.JoinHostPort("127.0.0.1", strconv.FormatInt(s.processPort.Load(), 10)))
}

// ensureRunning returns when the process runs. If ctx ends before, the attempt to start the process continues.
func (s *processServer) ensureRunning(ctx context.Context) error {
	if s.processPort.Load() != 0 {
		return nil
	}
	b, err := s.startOrJoin()
	if err != nil {
		return err
	}
	select {
	case <-b.done:
		return b.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *processServer) startOrJoin() (*startAttempt, error) {
	s.lifecycleMu.Lock()
	defer s.lifecycleMu.Unlock()
	if s.stopped {
		return nil, errStopped
	}
	if s.attempt == nil {
		b := &startAttempt{done: make(chan struct{})}
		s.attempt = b
		s.attempts.Go(func() {
			b.err = s.start()
			s.lifecycleMu.Lock()
			s.attempt = nil
			s.lifecycleMu.Unlock()
			close(b.done)
		})
	}
	return s.attempt, nil
}

func (s *processServer) start() error {
	s.changeMu.Lock()
	defer s.changeMu.Unlock()
	if s.processPort.Load() != 0 {
		return nil
	}
	if s.origin != (source{}) { // a restarted process would no longer be a replica
		return errors.New("the server ended while it was copying")
	}
	err := s.launch(s.proxy.lifetime)
	if err != nil && s.proxy.lifetime.Err() == nil {
		s.engine.log.Warn("the server of a store did not start", "store", s.spec.ID, "port", s.proxy.port(), "error", err)
	}
	return err
}

// launch starts the process on a free port and returns when it is ready. s.changeMu is held.
func (s *processServer) launch(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, startTimeout, fmt.Errorf("not ready within %s", startTimeout))
	defer cancel()
	select {
	case s.engine.starting <- struct{}{}:
		defer func() { <-s.engine.starting }()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	for try := 1; ; try++ {
		port, err := freePort(ctx)
		if err == nil {
			err = s.spawn(port)
		}
		if err == nil {
			err = s.awaitReady(ctx, port)
		}
		if err == nil {
			s.processPort.Store(int64(port))
			go s.watch(s.child)
			return nil
		}
		s.endChild(immediately)
		if !errors.Is(err, errAddressInUse) || try == portTries {
			return fmt.Errorf("starting %s: %w", s.engine.name, err)
		}
	}
}

func (s *processServer) spawn(port int) (err error) {
	s.lifecycleMu.Lock()
	defer s.lifecycleMu.Unlock()
	if s.stopped {
		return errStopped
	}
	if !s.spec.Persistent {
		if err := s.emptyDir(); err != nil {
			return err
		}
	}
	password := s.spec.Password
	s.child, err = s.engine.starter.start(s.engine.binary, []string{"-"}, s.spec.Dir, s.engine.config(s, port),
		password, quote(password), s.engine.adminPassword)
	if err != nil {
		return err
	}
	return writePIDFile(s.spec.Dir, s.child.cmd.Process.Pid)
}

// awaitReady returns when the server answers an authenticated PING over TLS, or errAddressInUse when another process has the port.
func (s *processServer) awaitReady(ctx context.Context, port int) error {
	poll := time.NewTicker(readyPoll)
	defer poll.Stop()
	for {
		last := s.ping(ctx, port)
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

func (s *processServer) ping(ctx context.Context, port int) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second) // another process that has taken the port may not use TLS
	defer cancel()
	return withClient(ctx, s.at(port), s.engine.cert.clientConfig(), func(*redis.Client) error { return nil })
}

// watch logs if a server ends without being stopped, for example by a signal. The next connection starts it again.
func (s *processServer) watch(c *child) {
	<-c.done
	s.lifecycleMu.Lock()
	defer s.lifecycleMu.Unlock()
	if !s.stopped && s.child == c {
		s.processPort.Store(0)
		s.engine.log.Warn("the server of a store ended by itself", "store", s.spec.ID, "port", s.proxy.port(), "end", c.String())
	}
}

// endChild ends the process; it can be started again. s.changeMu is held.
func (s *processServer) endChild(killNow <-chan struct{}) {
	s.lifecycleMu.Lock()
	defer s.lifecycleMu.Unlock()
	former := s.child
	if former == nil {
		return
	}
	s.child = nil // so that watch does not log the end
	s.processPort.Store(0)
	former.end(killNow)
}
