// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package sandbox

import (
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/keyvalue"
)

// A store in a space has a URL whose host no machine resolves: the top-level domain is reserved for that (RFC 6761). Its
// server listens on loopback like any other, at a port that the API does not show. Only apps of the space can reach it, by DynoDial
// or the proxy.
const (
	privateDomain = "invalid"
	privatePort   = 6380
)

// privateHost is the host of a store in a space. It stays when the store or the space is renamed.
func privateHost(a *addOn, sp *space) string {
	return fmt.Sprintf("kvs-%s.%s.%s", a.ID[:8], sp.Name, privateDomain)
}

// spaceOf gives the id of the space that a store is in; "" = outside of spaces, wherever its app is.
func (w *world) spaceOf(a *addOn) string {
	if !a.isStore() || catalogued(a.Plan).Class == keyvalue.ClassCommon {
		return ""
	}
	return w.Apps[a.App].Space
}

// storeAt finds the store with that address in its URL.
func (w *world) storeAt(host string, port int) *addOn {
	for _, a := range w.AddOns {
		if h, p := a.Store.address(); a.isStore() && a.State == stateProvisioned && h == host && p == port {
			return a
		}
	}
	return nil
}

// DynoDial is the network as the dynos of an app have it: it dials the stores of their space, and those outside of
// spaces, by the host and port of their URLs. Nothing else can be reached. It suits redis.Options.Dialer, once a
// TLS client is put around it.
func (s *Sandbox) DynoDial(app string) func(ctx context.Context, network, addr string) (net.Conn, error) {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		server, err := s.route(ctx, app, addr)
		if err != nil {
			return nil, &net.OpError{Op: "dial", Net: network, Err: err}
		}
		return new(net.Dialer).DialContext(ctx, network, server)
	}
}

// route gives the address of the server behind a store's public address, as seen from an app.
func (s *Sandbox) route(ctx context.Context, appRef, addr string) (string, error) {
	host, text, err := net.SplitHostPort(addr)
	if err != nil {
		return "", err
	}
	port, err := strconv.Atoi(text)
	if err != nil {
		return "", fmt.Errorf("address %s: the port is no number", addr)
	}
	if err := s.settle(ctx); err != nil {
		return "", err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	from := find(s.world.Apps, appRef, (*app).name)
	if from == nil {
		return "", fmt.Errorf("there is no app %s", appRef)
	}
	a := s.world.storeAt(host, port)
	if a == nil || a.Store.PrivateHost != "" && s.world.spaceOf(a) != from.Space {
		return "", fmt.Errorf("no store at %s can be reached from the app %s", addr, from.Name)
	}
	return net.JoinHostPort(a.Store.Host, strconv.Itoa(a.Store.Port)), nil
}

// serveDyno offers DynoDial to other processes, as an HTTP proxy: CONNECT <host>:<port> with the app as the proxy's user. It
// connects to stores only, which have passwords, so it needs no token.
func (s *Sandbox) serveDyno(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	if s.closing {
		s.mu.Unlock()
		panic(http.ErrAbortHandler)
	}
	s.background.Add(1)
	s.mu.Unlock()
	defer s.background.Done()

	app := proxyUser(r)
	if app == "" {
		w.Header().Set("Proxy-Authenticate", `Basic realm="the name of an app"`)
		http.Error(w, "Name an app as the proxy's user: http://APP@"+strings.TrimPrefix(s.url, "http://"), http.StatusProxyAuthRequired)
		return
	}
	store, err := s.DynoDial(app)(r.Context(), "tcp", r.Host)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	defer func() { _ = store.Close() }()
	client, early, err := http.NewResponseController(w).Hijack()
	if err != nil {
		s.log.Error("the proxy cannot take over a connection", "error", err)
		return
	}
	defer func() { _ = client.Close() }()
	if _, err := io.WriteString(client, "HTTP/1.1 200 Connection established\r\n\r\n"); err != nil {
		return // the client left
	}
	relay(s.life, client, early, store)
}

func proxyUser(r *http.Request) string {
	encoded, ok := strings.CutPrefix(r.Header.Get("Proxy-Authorization"), "Basic ")
	if !ok {
		return ""
	}
	text, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		return ""
	}
	user, _, _ := strings.Cut(string(text), ":")
	return user
}
