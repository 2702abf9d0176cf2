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

// A store in a space has a URL whose host does not resolve, because its top-level domain is reserved (RFC 6761). Its server listens on
// loopback like any other, at a port that the API does not show. Apps of the space reach it with DynoDial or the proxy.
const (
	privateDomain = "invalid"
	privatePort   = 6380
)

// privateHost returns the host name of a new store in a space. The store keeps it when the store or the space is renamed.
func privateHost(a *addOn, sp *space) string {
	return fmt.Sprintf("kvs-%s.%s.%s", a.ID[:8], sp.Name, privateDomain)
}

// spaceOf returns the id of the space that an add-on runs in; "" = it runs outside of spaces, even if its app is in a space.
func (w *world) spaceOf(a *addOn) string {
	if !a.isStore() || planByName(a.Plan).Class == keyvalue.ClassCommon {
		return ""
	}
	return w.Apps[a.App].Space
}

// storeAt finds the provisioned store with this host and port in its URL.
func (w *world) storeAt(host string, port int) *addOn {
	for _, a := range w.AddOns {
		if h, p := a.Store.address(); a.isStore() && a.State == stateProvisioned && h == host && p == port {
			return a
		}
	}
	return nil
}

// DynoDial returns a dial function for the network of an app's dynos. The app is given by id or name. The function connects to the stores
// of the app's space and to those outside of spaces, by the host and port of their URLs, and fails with a *net.OpError for all other
// addresses. With a TLS client around the connection, it can be used as redis.Options.Dialer.
func (s *Sandbox) DynoDial(app string) func(ctx context.Context, network, addr string) (net.Conn, error) {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		server, err := s.route(ctx, app, addr)
		if err != nil {
			return nil, &net.OpError{Op: "dial", Net: network, Err: err}
		}
		return new(net.Dialer).DialContext(ctx, network, server)
	}
}

// route returns the loopback address of the server for the address in a store's URL, if the app can reach the store.
func (s *Sandbox) route(ctx context.Context, appRef, addr string) (string, error) {
	host, text, err := net.SplitHostPort(addr)
	if err != nil {
		return "", err
	}
	port, err := strconv.Atoi(text)
	if err != nil {
		return "", fmt.Errorf("address %s: the port is no number", addr)
	}
	if err := s.applyDueEvents(ctx); err != nil {
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

// serveDyno offers DynoDial to other processes as an HTTP proxy: CONNECT <host>:<port>, with the app as the user of the proxy. It needs
// no token, because it connects only to stores, which have passwords.
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
		return // the client has disconnected
	}
	relay(s.lifetime, client, early, store)
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
