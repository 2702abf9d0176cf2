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

// reattach is how the environment of a CLI says what it attaches to.
const reattach = "TF_REATTACH_PROVIDERS="

// attachAll is what TF_REATTACH_PROVIDERS of a CLI has to be for providers within the test, by their addresses.
func attachAll(ctx context.Context, t *testing.T, providers map[string]func() (tfprotov6.ProviderServer, error)) string {
	t.Helper()
	all := map[string]any{}
	for address, provider := range providers {
		all[address] = map[string]any{
			"Protocol": "grpc", "ProtocolVersion": 6, "Pid": os.Getpid(), "Test": true,
			"Addr": map[string]string{"Network": "tcp", "String": attach(ctx, t, address, provider)},
		}
	}
	text, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// attach serves a provider within the test until the context ends, and returns where. A CLI starts a provider three to six times in each run, which is most of the run's time; this saves it. Each
// connection has a provider of its own, as each process would be: what the one of the plan knows, that of the apply does not.
func attach(ctx context.Context, t *testing.T, address string, provider func() (tfprotov6.ProviderServer, error)) string {
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
			// It uses no broker, and never fails. Without a sink for its logs, they would all come to the test's output.
			_ = (&tf6server.GRPCProviderPlugin{
				GRPCProvider: factory, Name: "registry.terraform.io/" + address, Opts: []tf6server.ServeOpt{tf6server.WithLoggingSink(t)},
			}).GRPCServer(nil, server)
			context.AfterFunc(ctx, server.Stop)
			go func() { _ = server.Serve(&oneConnection{Conn: connection, ctx: ctx}) }()
		}
	}()
	return listener.Addr().String()
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

// Close does nothing: the connection is closed by whoever accepted it.
func (l *oneConnection) Close() error { return nil }
