// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package sandbox

import (
	"context"
	"encoding/base64"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
)

// serveDyno is DynoDial for other processes, as an HTTP proxy: CONNECT <host>:<port> with the app as the proxy's user. It
// leads to stores only, which have passwords, so that it needs no token.
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
	if err := s.relay(client, early, store); err != nil {
		s.log.Debug("a connection through the proxy ended", "app", app, "error", err)
	}
}

// relay until one side ends, or the sandbox does.
func (s *Sandbox) relay(client net.Conn, fromClient io.Reader, store net.Conn) error {
	stop := context.AfterFunc(s.life, func() { _ = errors.Join(client.Close(), store.Close()) })
	defer stop()
	back := make(chan error, 1)
	go func() {
		_, err := io.Copy(client, store)
		back <- errors.Join(err, client.Close())
	}()
	_, err := io.Copy(store, fromClient)
	return errors.Join(err, store.Close(), <-back)
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
