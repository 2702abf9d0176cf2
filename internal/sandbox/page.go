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

// webPage is what a browser shows of the sandbox while things happen. Nothing of it runs as long as none is open.
type webPage struct {
	token   string        // by which requests of the page are known, see unproven
	version atomic.Uint64 // counts the changes of what the page shows, but for the journal and the time

	mu     sync.Mutex // guards what follows
	moved  chan struct{}
	open   int    // event streams
	end    func() // ends what is done as long as there is one
	usages map[string]usage

	snapshot sync.Mutex // one at a time is made; guards what follows
	made     []byte     // the last one
	of       uint64     // its version
}

//go:embed page
var pageFiles embed.FS

const (
	pagePrefix  = controlPrefix + "page/"
	tokenHeader = "X-Sandbox-Control"
	// pagePolicy: the page has its own files, and asks where it comes from. Nothing becomes a part of it as markup or as script, and no
	// other page can frame it.
	pagePolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; " +
		"form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
)

// servePage answers with the page itself, which nothing keeps: it has the token.
func (s *Sandbox) servePage(w http.ResponseWriter, _ *http.Request) {
	index, err := pageFiles.ReadFile("page/index.html")
	if err != nil {
		s.refusal(err).send(w, false)
		return
	}
	guard(w.Header())
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = w.Write(bytes.Replace(index, []byte("CONTROL-TOKEN"), []byte(s.page.token), 1))
}

// wantsPage reports whether the sandbox's own page is asked for, which has the address of a route that Heroku does not have.
func wantsPage(r *http.Request) bool {
	return r.URL.Path == "/" && (r.Method == http.MethodGet || r.Method == http.MethodHead) &&
		strings.Contains(r.Header.Get("Accept"), "text/html")
}

// guard has what a browser has to know of all that is not Heroku's.
func guard(h http.Header) {
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
		guard(w.Header())
		static.ServeHTTP(w, r)
	})
	mux.HandleFunc("GET "+controlPrefix+"world", s.serveWorld)
	mux.HandleFunc("GET "+controlPrefix+"events", s.serveEvents)
}

var browserHeaders = []string{"Origin", "Sec-Fetch-Site", "Sec-Fetch-Mode", "Sec-Fetch-Dest"}

// unproven reports whether a request to change something comes from a browser, and not from the page: that has the token of this
// process, which no other page can read. A token in a cookie would be sent for the pages of other ports too.
func (s *Sandbox) unproven(r *http.Request) bool {
	browser := slices.ContainsFunc(browserHeaders, func(name string) bool { return r.Header.Get(name) != "" })
	return browser && r.Method != http.MethodGet && r.Method != http.MethodHead &&
		subtle.ConstantTimeCompare([]byte(r.Header.Get(tokenHeader)), []byte(s.page.token)) == 0
}

// changed says that the page has something else to show.
func (p *webPage) changed() {
	p.version.Add(1)
	p.wake()
}

// wake lets those look who wait for something to happen.
func (p *webPage) wake() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.moved != nil {
		close(p.moved)
		p.moved = nil
	}
}

// next is closed when something happens after now.
func (p *webPage) next() <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.moved == nil {
		p.moved = make(chan struct{})
	}
	return p.moved
}
