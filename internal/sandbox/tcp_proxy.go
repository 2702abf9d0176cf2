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

// tcpProxy listens on a loopback port and connects every client to a server. It copies bytes unchanged, so TLS is between the client
// and the server.
type tcpProxy struct {
	dial        func(context.Context) (net.Conn, error) // connects to the server; after an error the client's connection is closed
	life        context.Context                         // ends with close
	end         context.CancelFunc
	connections sync.WaitGroup // one for each client
	accepting   sync.WaitGroup // one for each listener

	mu       sync.Mutex // guards listener and released
	listener *net.TCPListener
	released bool // another proxy has the listener
}

const (
	acceptPause = 50 * time.Millisecond
	relayBuffer = 8 << 10
)

// newTCPProxy does not listen before open is called.
func newTCPProxy(ctx context.Context, dial func(context.Context) (net.Conn, error)) *tcpProxy {
	p := &tcpProxy{dial: dial}
	p.life, p.end = context.WithCancel(context.WithoutCancel(ctx))
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

// listenOn accepts on the listener, and no longer on the one before. Open connections stay.
func (p *tcpProxy) listenOn(listener *net.TCPListener) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.life.Err() != nil {
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

// takeOver listens where another proxy has listened, which keeps its open connections. Who connects meanwhile waits.
func (p *tcpProxy) takeOver(from *tcpProxy) error {
	from.mu.Lock()
	listener := from.listener
	if listener == nil || from.released || from.life.Err() != nil {
		from.mu.Unlock()
		return errors.New("the other proxy does not listen")
	}
	from.released = true
	from.mu.Unlock()
	err := listener.SetDeadline(time.Unix(1, 0)) // ends Accept
	from.accepting.Wait()
	return errors.Join(err, listener.SetDeadline(time.Time{}), p.listenOn(listener))
}

// port is the last port that the proxy listened on. It must have been open.
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
		case errors.Is(err, net.ErrClosed), errors.Is(err, os.ErrDeadlineExceeded), // closed, or taken over
			!sleep(p.life, acceptPause): // until a file descriptor is free
			return
		}
	}
}

func (p *tcpProxy) connect(client net.Conn) {
	defer func() { _ = client.Close() }()
	server, err := p.dial(p.life)
	if err != nil {
		return
	}
	relay(p.life, client, client, server)
}

// close returns when no connection is left.
func (p *tcpProxy) close() {
	p.mu.Lock()
	p.end()
	if p.listener != nil && !p.released {
		_ = p.listener.Close()
	}
	p.mu.Unlock()
	p.accepting.Wait()
	p.connections.Wait()
}

// relay copies both ways until the server ends the connection, or ctx ends; fromClient is what the client sends. A client that has
// closed its half still gets answers. A server that has closed its half is done: Redis and Valkey do not close one half only.
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

// copyBytes hides the types from io.Copy, which would use splice(2) and four more file descriptors for each connection, idle ones too.
func copyBytes(to io.Writer, from io.Reader) error {
	_, err := io.CopyBuffer(struct{ io.Writer }{to}, struct{ io.Reader }{from}, make([]byte, relayBuffer))
	return err
}
