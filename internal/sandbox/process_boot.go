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

// boot is an attempt to start the process, for all who wait for one.
type boot struct {
	done chan struct{} // closed when err is there
	err  error
}

// connect opens a connection to the process, as long as it takes to start it.
func (s *processServer) connect(ctx context.Context) (net.Conn, error) {
	if err := s.awake(ctx); err != nil {
		return nil, err
	}
	return new(net.Dialer).DialContext(ctx, "tcp", net.JoinHostPort("127.0.0.1", strconv.FormatInt(s.inner.Load(), 10)))
}

// awake returns once the process runs. An attempt to start it goes on when one of those who wait for it leaves.
func (s *processServer) awake(ctx context.Context) error {
	if s.inner.Load() != 0 {
		return nil
	}
	b, err := s.begin()
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

func (s *processServer) begin() (*boot, error) {
	s.life.Lock()
	defer s.life.Unlock()
	if s.stopped {
		return nil, errStopped
	}
	if s.boot == nil {
		b := &boot{done: make(chan struct{})}
		s.boot = b
		s.boots.Go(func() {
			b.err = s.start()
			s.life.Lock()
			s.boot = nil
			s.life.Unlock()
			close(b.done)
		})
	}
	return s.boot, nil
}

func (s *processServer) start() error {
	s.changes.Lock()
	defer s.changes.Unlock()
	if s.inner.Load() != 0 {
		return nil
	}
	if s.origin != (source{}) { // it would not be a replica any more
		return errors.New("the server ended while it was copying")
	}
	err := s.launch(s.proxy.life)
	if err != nil && s.proxy.life.Err() == nil {
		s.engine.log.Warn("the server of a store did not start", "store", s.spec.ID, "port", s.proxy.port(), "error", err)
	}
	return err
}

// launch starts the process on a port of its own and returns when it is ready. s.changes is held.
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
			err = s.ready(ctx, port)
		}
		if err == nil {
			s.inner.Store(int64(port))
			go s.watch(s.child)
			return nil
		}
		s.halt(atOnce)
		if !errors.Is(err, errAddressInUse) || try == portTries {
			return fmt.Errorf("starting %s: %w", s.engine.name, err)
		}
	}
}

func (s *processServer) spawn(port int) (err error) {
	s.life.Lock()
	defer s.life.Unlock()
	if s.stopped {
		return errStopped
	}
	if !s.spec.Persistent {
		if err := s.emptyDir(); err != nil {
			return err
		}
	}
	password := s.spec.Password
	s.child, err = s.engine.starter.start(s.engine.binary, []string{"-"}, s.spec.Dir, s.engine.config(s, port), password, quote(password), s.engine.adminPassword)
	if err != nil {
		return err
	}
	return writePIDFile(s.spec.Dir, s.child.cmd.Process.Pid)
}

// ready: an authenticated PING over TLS is answered. errAddressInUse: another process has the port.
func (s *processServer) ready(ctx context.Context, port int) error {
	poll := time.NewTicker(readyPoll)
	defer poll.Stop()
	for {
		last := s.answers(ctx, port)
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

func (s *processServer) answers(ctx context.Context, port int) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second) // who has the port may not speak TLS
	defer cancel()
	return speak(ctx, s.at(port), s.engine.cert.clientConfig(), func(*redis.Client) error { return nil })
}

// watch reports a server that ends although nobody stopped it: out of memory, or a user's SHUTDOWN. Who needs it starts it again.
func (s *processServer) watch(c *child) {
	<-c.done
	s.life.Lock()
	defer s.life.Unlock()
	if !s.stopped && s.child == c {
		s.inner.Store(0)
		s.engine.log.Warn("the server of a store ended by itself", "store", s.spec.ID, "port", s.proxy.port(), "end", c.String())
	}
}

// halt ends the process for a while. s.changes is held.
func (s *processServer) halt(hurry <-chan struct{}) {
	s.life.Lock()
	defer s.life.Unlock()
	former := s.child
	if former == nil {
		return
	}
	s.child = nil // watch has nothing to report
	s.inner.Store(0)
	former.end(hurry)
}
