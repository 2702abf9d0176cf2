// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"

	"github.com/redis/go-redis/v9"
)

// dyno stands in for a dyno of an app: it has the app's config vars, and the network of the place where the app runs,
// through the sandbox's proxy.
type dyno struct {
	sandbox *sandbox
	app     string
}

// readKeys reads the keys where the app's REDIS_URL leads, and compares them with what was written into the directory.
func (d dyno) readKeys(ctx context.Context, dir string) error {
	options, err := d.storeOptions(ctx)
	if err != nil {
		return err
	}
	options.Dialer = func(ctx context.Context, _, addr string) (net.Conn, error) {
		conn, err := d.dial(ctx, addr)
		if err != nil {
			return nil, err
		}
		return tls.Client(conn, options.TLSConfig), nil // a dialer of one's own has to do it
	}
	store := redis.NewClient(options)
	defer func() { _ = store.Close() }()
	return compareWith(ctx, store, filepath.Join(dir, keysWritten))
}

func (d dyno) storeOptions(ctx context.Context) (*redis.Options, error) {
	vars, err := d.sandbox.configVars(ctx, d.app)
	if err != nil {
		return nil, err
	}
	return storeOptions(vars["REDIS_URL"])
}

// reach only tries to get where the app's REDIS_URL leads.
func (d dyno) reach(ctx context.Context) error {
	options, err := d.storeOptions(ctx)
	if err != nil {
		return err
	}
	conn, err := d.dial(ctx, options.Addr)
	if err != nil {
		return err
	}
	return conn.Close()
}

// errNoWay is what the network of the app says of a store in a space that the app is not in.
var errNoWay = errors.New("the app does not get there")

// dial asks the proxy for a connection to a store.
func (d dyno) dial(ctx context.Context, addr string) (net.Conn, error) {
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "tcp", strings.TrimPrefix(d.sandbox.url, "http://"))
	if err != nil {
		return nil, err
	}
	if err := d.connect(conn, addr); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return conn, nil
}

// connect makes a connection to the proxy one to the store, which is silent until it is spoken to.
func (d dyno) connect(conn net.Conn, addr string) error {
	user := base64.StdEncoding.EncodeToString([]byte(d.app + ":"))
	req := &http.Request{Method: http.MethodConnect, URL: &url.URL{Opaque: addr}, Host: addr,
		Header: http.Header{"Proxy-Authorization": {"Basic " + user}}}
	if err := req.Write(conn); err != nil {
		return err
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), req)
	if err != nil {
		return err
	}
	if resp.StatusCode == http.StatusOK {
		return nil // what is read of its body from here on is the store's
	}
	return errors.Join(fmt.Errorf("%w: %s", errNoWay, resp.Status), resp.Body.Close())
}
