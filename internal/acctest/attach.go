// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package acctest

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"net"
	"os"
	"sync"
	"testing"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6/tf6server"
	"google.golang.org/grpc"
)

// reattach sets, in the environment of a CLI, the running providers that it attaches to.
const reattach = "TF_REATTACH_PROVIDERS="

// address is the address of the provider under test.
const address = "terraform-kvs/kvs"

// attach serves providers within the test until the context ends, and returns the value of TF_REATTACH_PROVIDERS for a CLI.
// Otherwise a CLI starts a provider three to six times in each run, which takes most of the run's time. Each connection has a
// provider of its own, as if it were a process: the provider of an apply does not share state with that of the plan.
func attach(ctx context.Context, t *testing.T, providers map[string]Provider) string {
	t.Helper()
	all := map[string]any{}
	for address, provider := range providers {
		all[address] = attachTo(ctx, t, address, provider)
	}
	text, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// attachTo is attach for one provider.
func attachTo(ctx context.Context, t *testing.T, address string, provider Provider) map[string]any {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	context.AfterFunc(ctx, func() { _ = listener.Close() })
	go func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			server := grpc.NewServer(grpc.MaxRecvMsgSize(math.MaxInt32), grpc.MaxSendMsgSize(math.MaxInt32))
			factory := func() tfprotov6.ProviderServer {
				made, err := provider()
				if err != nil {
					panic(err)
				}
				return made
			}
			// GRPCServer uses no broker, and never fails. Without the sink, all logs would be in the test's output.
			_ = (&tf6server.GRPCProviderPlugin{
				GRPCProvider: factory, Name: "registry.terraform.io/" + address, Opts: []tf6server.ServeOpt{tf6server.WithLoggingSink(t)},
			}).GRPCServer(nil, server)
			context.AfterFunc(ctx, server.Stop)
			go func() { _ = server.Serve(&oneConnection{Conn: connection, ctx: ctx}) }()
		}
	}()
	return map[string]any{
		"Protocol": "grpc", "ProtocolVersion": 6, "Pid": os.Getpid(), "Test": true,
		"Addr": map[string]string{"Network": "tcp", "String": listener.Addr().String()},
	}
}

// oneConnection is a listener that accepts one connection, and no other until the context ends.
type oneConnection struct {
	net.Conn
	ctx  context.Context
	once sync.Once
}

func (l *oneConnection) Accept() (connection net.Conn, err error) {
	l.once.Do(func() { connection = l.Conn })
	if connection == nil {
		<-l.ctx.Done()
		err = errors.Join(net.ErrClosed, l.ctx.Err())
	}
	return connection, err
}

func (l *oneConnection) Addr() net.Addr { return l.LocalAddr() }

// Close does nothing: the server that accepted the connection closes it.
func (l *oneConnection) Close() error { return nil }
