// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package sandbox

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"
)

// doorway is a loopback port that leads elsewhere. Bytes pass as they are, so TLS begins and ends behind it.
type doorway struct {
	lead  func(context.Context) (net.Conn, error) // to what is behind it; its errors only close the visitor's connection
	life  context.Context                         // ends with close
	end   context.CancelFunc
	pipes sync.WaitGroup // one for each visitor, and one for the listener

	mu       sync.Mutex // guards listener
	listener net.Listener
}

const (
	acceptPause = 50 * time.Millisecond
	pipeBuffer  = 8 << 10
)

// newDoorway is shut until open, or moved to a port.
func newDoorway(ctx context.Context, lead func(context.Context) (net.Conn, error)) *doorway {
	d := &doorway{lead: lead}
	d.life, d.end = context.WithCancel(context.WithoutCancel(ctx))
	return d
}

// open at the port that is wished for, or at any where it is 0 or taken.
func (d *doorway) open(ctx context.Context, port int) error {
	err := d.move(ctx, port)
	if err != nil && port != 0 {
		err = d.move(ctx, 0)
	}
	return err
}

// move to another port, which must be free; connections stay.
func (d *doorway) move(ctx context.Context, port int) error {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.life.Err() != nil {
		return errors.Join(errors.New("it is closed"), listener.Close())
	}
	former := d.listener
	d.listener = listener
	d.pipes.Go(func() { d.serve(listener) })
	if former == nil {
		return nil
	}
	return former.Close()
}

// port that it is at, or was; it must have been open.
func (d *doorway) port() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	address, _ := d.listener.Addr().(*net.TCPAddr)
	return address.Port
}

func (d *doorway) serve(listener net.Listener) {
	for {
		visitor, err := listener.Accept()
		switch {
		case err == nil:
			d.pipes.Go(func() { d.admit(visitor) })
		case errors.Is(err, net.ErrClosed) || !sleep(d.life, acceptPause): // until a file descriptor is free
			return
		}
	}
}

func (d *doorway) admit(visitor net.Conn) {
	defer func() { _ = visitor.Close() }()
	inside, err := d.lead(d.life)
	if err != nil {
		return
	}
	pipe(d.life, visitor, inside)
}

// close returns when no connection is left.
func (d *doorway) close() {
	d.mu.Lock()
	d.end()
	if d.listener != nil {
		_ = d.listener.Close()
	}
	d.mu.Unlock()
	d.pipes.Wait()
}

// pipe copies both ways until the server ends the connection, or ctx ends. A visitor who has ended its half still gets answers;
// a server that has ended its half has ended, for neither Redis nor Valkey does that otherwise.
func pipe(ctx context.Context, visitor, server net.Conn) {
	hangUp := func() { _ = errors.Join(visitor.Close(), server.Close()) }
	defer context.AfterFunc(ctx, hangUp)()
	var there sync.WaitGroup
	there.Go(func() {
		half, ok := server.(interface{ CloseWrite() error })
		if err := carry(server, visitor); err != nil || !ok || half.CloseWrite() != nil {
			hangUp()
		}
	})
	_ = carry(visitor, server)
	hangUp()
	there.Wait()
}

// carry copies by hand: io.Copy would splice(2), which takes four more file descriptors for each connection, idle ones too.
func carry(to io.Writer, from io.Reader) error {
	_, err := io.CopyBuffer(struct{ io.Writer }{to}, struct{ io.Reader }{from}, make([]byte, pipeBuffer))
	return err
}
