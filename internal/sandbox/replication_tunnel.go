// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package sandbox

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"sync"
)

// tunnel leads from loopback to a TLS server outside. A replica verifies its primary's certificate and cannot be told not to,
// while Heroku's stores have self-signed ones (Dev Center: Connecting to Heroku Key-Value Store).
type tunnel struct {
	to       source
	listener net.Listener
	end      context.CancelFunc
	relays   sync.WaitGroup
}

// openTunnel fails when the source does not answer.
func openTunnel(ctx context.Context, to source) (*tunnel, error) {
	t := &tunnel{to: to}
	probe, err := t.dial(ctx)
	if err != nil {
		return nil, err
	}
	listener, listenErr := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err := errors.Join(listenErr, probe.Close()); err != nil {
		return nil, fmt.Errorf("opening a way to the source: %w", err)
	}
	life, end := context.WithCancel(context.WithoutCancel(ctx))
	t.listener, t.end = listener, end
	t.relays.Go(func() { t.serve(life) })
	return t, nil
}

func (t *tunnel) dial(ctx context.Context) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	config := &tls.Config{ServerName: t.to.Host, InsecureSkipVerify: true} //nolint:gosec // self-signed, as Heroku's
	return (&tls.Dialer{Config: config}).DialContext(ctx, "tcp", net.JoinHostPort(t.to.Host, strconv.Itoa(t.to.Port)))
}

// entrance is the source as a replica sees it.
func (t *tunnel) entrance() source {
	entrance := t.to
	entrance.Host, entrance.TLS = "127.0.0.1", false
	if address, ok := t.listener.Addr().(*net.TCPAddr); ok {
		entrance.Port = address.Port
	}
	return entrance
}

func (t *tunnel) serve(life context.Context) {
	for {
		near, err := t.listener.Accept()
		if err != nil {
			return // closed
		}
		t.relays.Go(func() {
			defer func() { _ = near.Close() }()
			far, err := t.dial(life)
			if err != nil {
				return // the replica tries again
			}
			defer func() { _ = far.Close() }()
			stop := context.AfterFunc(life, func() { _ = errors.Join(near.Close(), far.Close()) })
			defer stop()
			back := make(chan struct{})
			go func() {
				_, _ = io.Copy(near, far)
				_ = near.Close()
				close(back)
			}()
			_, _ = io.Copy(far, near)
			_ = far.Close()
			<-back
		})
	}
}

func (t *tunnel) close() {
	_ = t.listener.Close()
	t.end()
	t.relays.Wait()
}
