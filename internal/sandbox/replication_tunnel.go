// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package sandbox

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strconv"
)

// tunnel forwards a loopback port to a TLS server outside of the sandbox. It is needed because a replica always verifies the certificate
// of its primary, and Heroku's stores have self-signed ones (Dev Center: Connecting to Heroku Key-Value Store).
type tunnel struct {
	to    source
	proxy *tcpProxy
}

// openTunnel opens a tunnel to the source. It fails if the source does not answer. If a later connection fails, the replica tries again.
func openTunnel(ctx context.Context, to source) (*tunnel, error) {
	t := &tunnel{to: to}
	probe, err := t.dial(ctx)
	if err != nil {
		return nil, err
	}
	t.proxy = newTCPProxy(ctx, t.dial)
	if err := errors.Join(t.proxy.open(ctx, 0), probe.Close()); err != nil {
		t.proxy.close()
		return nil, fmt.Errorf("opening a tunnel to the source: %w", err)
	}
	return t, nil
}

func (t *tunnel) dial(ctx context.Context) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	config := &tls.Config{ServerName: t.to.Host, InsecureSkipVerify: true} //nolint:gosec // self-signed, as Heroku's
	return (&tls.Dialer{Config: config}).DialContext(ctx, "tcp", net.JoinHostPort(t.to.Host, strconv.Itoa(t.to.Port)))
}

// localSource returns the source with the address of the tunnel.
func (t *tunnel) localSource() source {
	local := t.to
	local.Host, local.Port, local.TLS = "127.0.0.1", t.proxy.port(), false
	return local
}

func (t *tunnel) close() { t.proxy.close() }
