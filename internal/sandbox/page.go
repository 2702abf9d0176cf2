// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package sandbox

import (
	"bytes"
	"crypto/subtle"
	"embed"
	"io/fs"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// webPage is the state behind the sandbox's web page. Its background work runs only while a page is open.
type webPage struct {
	token   string        // identifies requests of the page, see lacksPageToken
	version atomic.Uint64 // counts changes of the displayed world, except the journal and the time

	mu       sync.Mutex       // guards the fields up to usages
	signal   chan struct{}    // closed by notify; nil while nobody waits
	streams  int              // number of open event streams
	stopWork func()           // stops the background work
	usages   map[string]usage // by add-on id

	snapshotMu      sync.Mutex // guards the fields below, so that one snapshot is made at a time
	snapshotJSON    []byte     // the latest snapshot
	snapshotVersion uint64     // version that snapshotJSON shows
}

//go:embed page
var pageFiles embed.FS

const (
	pagePrefix  = controlPrefix + "page/"
	tokenHeader = "X-Sandbox-Control"
	// pagePolicy allows the page its own files and requests to its own origin. It forbids markup and scripts made from text, and frames.
	pagePolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; " +
		"form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
)

// servePage serves the page with the token in it. No cache may store it.
func (s *Sandbox) servePage(w http.ResponseWriter, _ *http.Request) {
	index, err := pageFiles.ReadFile("page/index.html")
	if err != nil {
		s.refusal(err).send(w, false)
		return
	}
	setSecurityHeaders(w.Header())
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = w.Write(bytes.Replace(index, []byte("CONTROL-TOKEN"), []byte(s.page.token), 1))
}

// wantsPage reports whether a browser requests the sandbox's page, which is at "/". Heroku's APIs do not have this path.
func wantsPage(r *http.Request) bool {
	return r.URL.Path == "/" && (r.Method == http.MethodGet || r.Method == http.MethodHead) &&
		strings.Contains(r.Header.Get("Accept"), "text/html")
}

// setSecurityHeaders sets the headers that protect the page and the control endpoints in a browser.
func setSecurityHeaders(h http.Header) {
	h.Set("Content-Security-Policy", pagePolicy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
}

func (s *Sandbox) addPage(mux *http.ServeMux) {
	files, err := fs.Sub(pageFiles, "page")
	if err != nil {
		panic(err) // the name is valid
	}
	static := http.StripPrefix(pagePrefix, http.FileServerFS(files))
	mux.HandleFunc("GET "+pagePrefix+"{file}", func(w http.ResponseWriter, r *http.Request) {
		setSecurityHeaders(w.Header())
		static.ServeHTTP(w, r)
	})
	mux.HandleFunc("GET "+controlPrefix+"world", s.serveWorld)
	mux.HandleFunc("GET "+controlPrefix+"events", s.serveEvents)
}

var browserHeaders = []string{"Origin", "Sec-Fetch-Site", "Sec-Fetch-Mode", "Sec-Fetch-Dest"}

// lacksPageToken reports whether a browser sends a change without the page's token, which other pages cannot read. The token is not a
// cookie, because a browser would send a cookie also for pages at other ports of this machine.
func (s *Sandbox) lacksPageToken(r *http.Request) bool {
	browser := slices.ContainsFunc(browserHeaders, func(name string) bool { return r.Header.Get(name) != "" })
	return browser && r.Method != http.MethodGet && r.Method != http.MethodHead &&
		subtle.ConstantTimeCompare([]byte(r.Header.Get(tokenHeader)), []byte(s.page.token)) == 0
}

// changed records that the displayed world has changed.
func (p *webPage) changed() {
	p.version.Add(1)
	p.notify()
}

// notify wakes all goroutines that wait for nextChange.
func (p *webPage) notify() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.signal != nil {
		close(p.signal)
		p.signal = nil
	}
}

// nextChange returns a channel that is closed by the next call of notify.
func (p *webPage) nextChange() <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.signal == nil {
		p.signal = make(chan struct{})
	}
	return p.signal
}
