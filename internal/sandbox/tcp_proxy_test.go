// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package sandbox

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"testing"
	"time"
)

// proxyTo starts a server that passes each connection to host, and returns a proxy in front of it.
func proxyTo(t *testing.T, host func(net.Conn)) *tcpProxy {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer func() { _ = conn.Close() }()
				host(conn)
			}()
		}
	}()
	d := newTCPProxy(t.Context(), func(ctx context.Context) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "tcp", listener.Addr().String())
	})
	t.Cleanup(d.close)
	if err := d.open(t.Context(), 0); err != nil {
		t.Fatal(err)
	}
	return d
}

func visit(t *testing.T, port int) *net.TCPConn {
	t.Helper()
	conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(10 * time.Minute)); err != nil {
		t.Fatal(err)
	}
	return conn.(*net.TCPConn)
}

func say(t *testing.T, conn net.Conn, text, want string) {
	t.Helper()
	if _, err := io.WriteString(conn, text); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, len(want))
	if _, err := io.ReadFull(conn, got); err != nil || string(got) != want {
		t.Fatalf("the answer is %q, %v; want %q", got, err, want)
	}
}

func echo(conn net.Conn) { _, _ = io.Copy(conn, conn) }

func TestTCPProxy_aVisitorWhoHasSaidItsLastStillGetsTheAnswer(t *testing.T) {
	t.Parallel()
	d := proxyTo(t, func(conn net.Conn) {
		all, _ := io.ReadAll(conn)
		_, _ = conn.Write(all)
	})
	visitor := visit(t, d.port())
	sent := make([]byte, 1<<20)
	go func() {
		_, _ = visitor.Write(sent)
		_ = visitor.CloseWrite()
	}()
	if got, err := io.ReadAll(visitor); err != nil || len(got) != len(sent) {
		t.Errorf("%d bytes of %d came back: %v", len(got), len(sent), err)
	}
}

func TestTCPProxy_aServerThatEndsClosesItsVisitors(t *testing.T) {
	t.Parallel()
	d := proxyTo(t, func(conn net.Conn) { _, _ = io.WriteString(conn, "-ERR max number of clients reached\r\n") })
	if got, err := io.ReadAll(visit(t, d.port())); err != nil || string(got) != "-ERR max number of clients reached\r\n" {
		t.Errorf("read %q, %v", got, err)
	}
}

// A successor takes over the port but not the connections, and no other process can take the port in between.
func TestTCPProxy_takesOverTheAddress(t *testing.T) {
	t.Parallel()
	former := proxyTo(t, echo)
	successor := proxyTo(t, func(conn net.Conn) { _, _ = io.WriteString(conn, "successor") })
	address, own := former.port(), successor.port()
	visitor := visit(t, address)
	say(t, visitor, "before", "before")
	taken, stop := make(chan error), make(chan struct{})
	go func() {
		for {
			if listener, err := listen(t.Context(), address); err == nil {
				taken <- errors.Join(errors.New("the port was free for a while"), listener.Close())
				return
			}
			select {
			case <-stop:
				taken <- nil
				return
			default:
			}
		}
	}()
	if err := successor.takeOver(former); err != nil {
		t.Fatal(err)
	}
	say(t, visitor, "after", "after")
	former.close()
	close(stop)
	if err := <-taken; err != nil {
		t.Error(err)
	}
	say(t, visit(t, address), "", "successor")
	if got := successor.port(); got != address {
		t.Errorf("the successor is at port %d, want %d", got, address)
	}
	if conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", own)); err == nil {
		_ = conn.Close()
		t.Error("the successor is still at its own port")
	}
	if err := successor.takeOver(former); err == nil {
		t.Error("an address was taken over twice")
	}
}

func TestTCPProxy_closeEndsEveryVisitorAlsoOneWhoWaits(t *testing.T) {
	t.Parallel()
	waiting := make(chan struct{})
	d := newTCPProxy(t.Context(), func(ctx context.Context) (net.Conn, error) {
		close(waiting)
		<-ctx.Done()
		return nil, ctx.Err()
	})
	if err := d.open(t.Context(), 0); err != nil {
		t.Fatal(err)
	}
	connected := proxyTo(t, echo)
	visitors := []net.Conn{visit(t, d.port()), visit(t, connected.port())}
	say(t, visitors[1], "there", "there")
	<-waiting
	for _, d := range []*tcpProxy{d, connected} {
		d.close()
		d.close()
		if err := d.open(t.Context(), 0); err == nil {
			t.Error("opened after it was closed")
		}
	}
	for i, visitor := range visitors {
		if _, err := visitor.Read(make([]byte, 1)); err == nil || errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("visitor %d: %v", i, err)
		}
	}
}
