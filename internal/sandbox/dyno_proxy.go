// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package sandbox

import (
	"encoding/base64"
	"io"
	"net/http"
	"strings"
)

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
