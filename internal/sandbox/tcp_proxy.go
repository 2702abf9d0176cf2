// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package sandbox

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"time"
)

// tcpProxy listens on a loopback port and connects every client to a server. It copies bytes unchanged, so TLS is end to end.
type tcpProxy struct {
	dial        func(context.Context) (net.Conn, error) // connects to the server; if it fails, the client is disconnected
	lifetime    context.Context                         // canceled by close
	cancel      context.CancelFunc
	connections sync.WaitGroup // one for each client
	accepting   sync.WaitGroup // one for each listener

	mu       sync.Mutex // guards listener and released
	listener *net.TCPListener
	released bool // another proxy has taken over the listener
}

const (
	acceptPause = 50 * time.Millisecond
	relayBuffer = 8 << 10
)

// newTCPProxy returns a proxy that does not listen until open is called.
func newTCPProxy(ctx context.Context, dial func(context.Context) (net.Conn, error)) *tcpProxy {
	p := &tcpProxy{dial: dial}
	p.lifetime, p.cancel = context.WithCancel(context.WithoutCancel(ctx))
	return p
}

// open listens on the port, or on any free one when the port is 0 or in use.
func (p *tcpProxy) open(ctx context.Context, port int) error {
	listener, err := listen(ctx, port)
	if err != nil && port != 0 {
		listener, err = listen(ctx, 0)
	}
	if err != nil {
		return err
	}
	return p.listenOn(listener)
}

func listen(ctx context.Context, port int) (*net.TCPListener, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		return nil, err
	}
	return listener.(*net.TCPListener), nil //nolint:forcetypeassert // the network is tcp
}

// listenOn replaces the listener. Open connections stay open.
func (p *tcpProxy) listenOn(listener *net.TCPListener) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.lifetime.Err() != nil {
		return errors.Join(errors.New("the proxy is closed"), listener.Close())
	}
	former := p.listener
	p.listener = listener
	p.accepting.Go(func() { p.serve(listener) })
	if former == nil {
		return nil
	}
	return former.Close()
}

// takeOver takes over the listener of another proxy, which keeps its open connections. New connections wait meanwhile.
func (p *tcpProxy) takeOver(from *tcpProxy) error {
	from.mu.Lock()
	listener := from.listener
	if listener == nil || from.released || from.lifetime.Err() != nil {
		from.mu.Unlock()
		return errors.New("the other proxy does not listen")
	}
	from.released = true
	from.mu.Unlock()
	err := listener.SetDeadline(time.Unix(1, 0)) // ends Accept
	from.accepting.Wait()
	return errors.Join(err, listener.SetDeadline(time.Time{}), p.listenOn(listener))
}

// port returns the last port that the proxy has listened on. The proxy must have been opened.
func (p *tcpProxy) port() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	address, _ := p.listener.Addr().(*net.TCPAddr)
	return address.Port
}

func (p *tcpProxy) serve(listener net.Listener) {
	for {
		client, err := listener.Accept()
		switch {
		case err == nil:
			p.connections.Go(func() { p.connect(client) })
		case errors.Is(err, net.ErrClosed), errors.Is(err, os.ErrDeadlineExceeded), // the listener is closed, or taken over
			!sleep(p.lifetime, acceptPause): // for example until a file descriptor is free
			return
		}
	}
}

func (p *tcpProxy) connect(client net.Conn) {
	defer func() { _ = client.Close() }()
	server, err := p.dial(p.lifetime)
	if err != nil {
		return
	}
	relay(p.lifetime, client, client, server)
}

// close closes the listener and all connections, and waits for them to end.
func (p *tcpProxy) close() {
	p.mu.Lock()
	p.cancel()
	if p.listener != nil && !p.released {
		_ = p.listener.Close()
	}
	p.mu.Unlock()
	p.accepting.Wait()
	p.connections.Wait()
}

// relay copies in both directions until the server closes the connection, or ctx ends. fromClient is the data from the client. A client
// that has closed its half of the connection still gets responses. If the server closes its half, relay ends, because Redis and Valkey
// never close one half only.
func relay(ctx context.Context, client net.Conn, fromClient io.Reader, server net.Conn) {
	closeBoth := func() { _ = errors.Join(client.Close(), server.Close()) }
	defer context.AfterFunc(ctx, closeBoth)()
	var toServer sync.WaitGroup
	toServer.Go(func() {
		half, ok := server.(interface{ CloseWrite() error })
		if err := copyBytes(server, fromClient); err != nil || !ok || half.CloseWrite() != nil {
			closeBoth()
		}
	})
	_ = copyBytes(client, server)
	closeBoth()
	toServer.Wait()
}

// copyBytes hides the types from io.Copy, which would otherwise use splice(2) and four more file descriptors for each connection.
func copyBytes(to io.Writer, from io.Reader) error {
	_, err := io.CopyBuffer(struct{ io.Writer }{to}, struct{ io.Reader }{from}, make([]byte, relayBuffer))
	return err
}
