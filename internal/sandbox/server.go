// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package sandbox

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

type route struct {
	pattern string
	handle  handler
	creates bool // the status is 201
	public  bool // needs no API token
	query   bool // changes nothing, even if it is a POST
	free    bool // not counted by the rate limit
}

func newMux() *http.ServeMux {
	mux := http.NewServeMux()
	for _, rt := range slices.Concat(routes, emptyResourceRoutes()) {
		mux.HandleFunc(rt.pattern, func(w http.ResponseWriter, _ *http.Request) {
			if p, ok := w.(*routePicker); ok {
				p.route = &rt
			}
		})
	}
	return mux
}

// routePicker is a ResponseWriter that receives the route which a ServeMux chooses, and discards the response.
type routePicker struct {
	http.ResponseWriter
	route *route
}

func (*routePicker) Header() http.Header         { return http.Header{} }
func (*routePicker) Write(b []byte) (int, error) { return len(b), nil }
func (*routePicker) WriteHeader(int)             {}

// reply is a complete response, before a fault is applied to it.
type reply struct {
	status int
	header http.Header
	body   []byte
}

const maxBody = 1 << 20

// ServeHTTP serves both APIs, the control endpoints, the page, the log streams, and the proxy for dynos.
func (s *Sandbox) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodConnect {
		s.serveDyno(w, r)
		return
	}
	if why := crossOriginRefusal(r); why != "" {
		s.log.Warn("a cross-origin request was refused", "host", r.Host, "origin", r.Header.Get("Origin"), "path", r.URL.Path)
		s.refusal(forbidden("%s", why)).send(w, false)
		return
	}
	switch {
	case strings.HasPrefix(r.URL.Path, logPrefix) && r.Method == http.MethodGet:
		s.serveLog(w, r)
		return
	case wantsPage(r):
		s.servePage(w, r)
		return
	}
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(s.bodyTimeout))
	if strings.HasPrefix(r.URL.Path, controlPrefix) {
		s.control.ServeHTTP(w, r)
		return
	}
	if method := r.Header.Get("X-HTTP-Method-Override"); method != "" && r.Method == http.MethodPost {
		r.Method = strings.ToUpper(method)
	}
	body, bodyErr := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if bodyErr == nil { // a fault may delay the response
		_ = http.NewResponseController(w).SetReadDeadline(time.Time{})
	}

	requestID := randomID()
	s.mu.Lock()
	if s.closing {
		s.mu.Unlock()
		panic(http.ErrAbortHandler)
	}
	s.background.Add(1)
	defer s.background.Done()
	seq := s.journal.add(r, s.clock.Now(), requestID)
	fault, effect := s.faults.match(r, body)
	s.mu.Unlock()
	if fault != "" {
		s.journal.update(seq, func(q *Request) { q.Fault = fault })
		s.page.changed() // the page shows the counts of faults
	}
	s.page.notify()

	rep, ok := s.reply(r, body, bodyErr, fault, effect)
	if !ok {
		panic(http.ErrAbortHandler) // returning would send an empty 200
	}
	switch {
	case effect.Hang:
		<-r.Context().Done()
		panic(http.ErrAbortHandler)
	case effect.Reset:
		if err := reset(w); err != nil {
			s.log.Error("a fault could not be carried out", "fault", fault, "error", err)
		}
		return
	}
	rep.header.Set("Date", s.clock.Now().Format(http.TimeFormat)) // the sandbox's clock, not the machine's
	effect.applyTo(&rep)
	rep.header.Set("Request-Id", strings.Join(append(r.Header.Values("Request-Id"), requestID), ","))
	s.journal.update(seq, func(q *Request) { q.Status = rep.status })
	s.page.notify()
	s.log.Debug("request", "method", r.Method, "path", r.URL.Path, "status", rep.status, "request_id", requestID, "fault", fault)
	rep.send(effect.slowDown(r.Context(), w), effect.Truncate)
}

// reply returns the response to a request, or false if the client disconnects or the sandbox closes before.
func (s *Sandbox) reply(r *http.Request, body []byte, bodyErr error, fault string, effect Effect) (reply, bool) {
	carriedOut := effect.Commit || !effect.Hang && !effect.Reset && effect.Status == 0
	if carriedOut {
		done, err := s.beginCreation(r)
		if err != nil {
			return s.refusal(err), true
		}
		defer done()
	}
	if !sleep(r.Context(), s.options.Latency+time.Duration(effect.Delay)) {
		return reply{}, false
	}
	switch {
	case !carriedOut:
		return reply{header: http.Header{}}, true
	case bodyErr != nil:
		return s.refusal(refuse(http.StatusBadRequest, "bad_request",
			"Unable to read the request: it ended early, or is larger than %d bytes.", maxBody)), true
	}
	return s.answer(r, body, fault, effect), true
}

// sleep waits for d, and returns false if ctx ends before.
func sleep(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// answer applies due events, carries out the request, and applies the events that are due then.
func (s *Sandbox) answer(r *http.Request, body []byte, fault string, effect Effect) reply {
	if err := s.applyDueEvents(r.Context()); err != nil {
		return s.refusal(err)
	}
	rep := s.carryOut(r, body, fault, effect)
	if err := s.applyDueEvents(r.Context()); err != nil {
		return s.refusal(err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.recordMoment(r.Method+" "+r.URL.Path, r.UserAgent()) // after the events
	return rep
}

func (s *Sandbox) carryOut(r *http.Request, body []byte, fault string, effect Effect) reply {
	var picked routePicker
	s.mux.ServeHTTP(&picked, r)

	s.mu.Lock()
	defer s.mu.Unlock()
	c := &call{Request: r, s: s, w: s.world, now: s.clock.Now(), body: body, fault: fault, effect: effect}
	result, err := c.run(picked.route)
	s.recordMoment(r.Method+" "+r.URL.Path, r.UserAgent())
	var rep reply
	if err == nil {
		rep, err = c.respond(result)
	}
	if err == nil && c.writes {
		err = s.save()
	}
	if err != nil {
		rep = s.refusal(err)
	}
	rep.header.Set("Cache-Control", "private, no-cache")
	rep.header.Set("Vary", "Authorization,Accept-Encoding")
	rep.header.Set("X-Content-Type-Options", "nosniff")
	if c.user != nil && !dataAPI(r.URL.Path) {
		rep.header.Set("Oauth-Scope", "global")
		rep.header.Set("Oauth-Scope-Accepted", "global")
		rep.header.Set("RateLimit-Multiplier", "1")
		rep.header.Set("RateLimit-Remaining", strconv.Itoa(s.limiter.remaining(c.user.ID, c.now)))
	}
	return rep
}

var errNoEndpoint = refuse(http.StatusNotFound, "not_found", "The requested API endpoint was not found. "+
	"Are you using the right HTTP verb (i.e. `GET` vs. `POST`), and did you specify your intended version with the `Accept` header?")

// run performs the checks that are common to all requests and calls the handler.
func (c *call) run(rt *route) (any, error) {
	var err error
	if c.user, err = c.s.authenticate(c.Request); err != nil && (rt == nil || !rt.public) {
		return nil, err
	}
	if !accepted(c.Request) {
		return nil, refuse(http.StatusNotAcceptable, "not_acceptable",
			"Please specify a version along with Heroku's API MIME type. For example, `Accept: application/vnd.heroku+json; version=3`.")
	}
	if rt == nil {
		return nil, errNoEndpoint
	}
	if c.user != nil && !rt.free && !dataAPI(c.URL.Path) && !c.s.limiter.bucket(c.user.ID).AllowN(c.now, 1) {
		limited := *defaultErrors[http.StatusTooManyRequests]
		limited.status = http.StatusTooManyRequests
		return nil, &limited
	}
	if err := c.checkBody(); err != nil {
		return nil, err
	}
	c.status = http.StatusOK
	if rt.creates {
		c.status = http.StatusCreated
	}
	c.writes = c.Method != http.MethodGet && !rt.query
	if !c.writes {
		if c.effect.Stale && c.s.faults.before != nil {
			c.w = c.s.faults.before
		}
		return rt.handle(c)
	}
	before, err := c.s.worldForStaleReads()
	if err != nil {
		return nil, err
	}
	body, err := rt.handle(c)
	if err == nil {
		c.s.faults.before = before
	}
	return body, err
}

func (c *call) checkBody() error {
	c.body = bytes.TrimSpace(c.body)
	if len(c.body) == 0 {
		return nil
	}
	media, _, err := mime.ParseMediaType(c.Header.Get("Content-Type"))
	if err != nil || media != "application/json" && !strings.HasSuffix(media, "+json") {
		return refuse(http.StatusUnsupportedMediaType, "unsupported_media_type",
			"The request's body must be JSON, with `Content-Type: application/json`.")
	}
	var object map[string]json.RawMessage
	if err := json.Unmarshal(c.body, &object); err != nil || object == nil {
		return refuse(http.StatusBadRequest, "bad_request", "Unable to parse the request: its body is not a JSON object.")
	}
	return nil
}

// respond encodes a result, or the requested page of a list. It answers a GET with 304 if the client has the current ETag.
func (c *call) respond(result any) (reply, error) {
	rep := reply{status: c.status, header: http.Header{}}
	if l, ok := result.(listing); ok {
		var err error
		if rep.status, rep.header, result, err = l.paginate(c.Header.Get("Range"), c.s.options.PageSize, c.effect); err != nil {
			return reply{}, err
		}
	}
	rep.body = encode(result)
	rep.header.Set("Content-Type", "application/json")
	if c.Method == http.MethodGet {
		etag := fmt.Sprintf(`"%x"`, sha256.Sum256(rep.body))[:33] + `"`
		rep.header.Set("ETag", etag)
		for known := range strings.SplitSeq(c.Header.Get("If-None-Match"), ",") {
			if strings.TrimPrefix(strings.TrimSpace(known), "W/") == etag {
				rep.status, rep.body = http.StatusNotModified, nil
				rep.header.Del("Content-Type")
			}
		}
	}
	return rep, nil
}

// refusal returns the response for an error: an *apiError as it is, and any other error as a 500.
func (s *Sandbox) refusal(err error) reply {
	var e *apiError
	if !errors.As(err, &e) {
		s.log.Error("internal error", "error", err)
		e = refuse(http.StatusInternalServerError, "internal_server_error", "Internal server error.")
	}
	rep := reply{status: e.status, header: http.Header{"Content-Type": {"application/json"}}, body: encode(e)}
	for name, values := range e.header {
		rep.header[name] = values
	}
	return rep
}

// encode encodes a value as JSON without HTML escapes, as Heroku does.
func encode(v any) []byte {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		panic(fmt.Sprintf("sandbox: encoding %T: %v", v, err)) // all types of this package can be encoded
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

func (rep reply) send(w http.ResponseWriter, truncate bool) {
	for name, values := range rep.header {
		w.Header()[name] = values
	}
	if rep.status != http.StatusNotModified && rep.status != http.StatusNoContent {
		w.Header().Set("Content-Length", strconv.Itoa(len(rep.body)))
	}
	w.WriteHeader(rep.status)
	if truncate {
		_, _ = w.Write(rep.body[:len(rep.body)/2])
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler) // closes the connection in the middle of the response
	}
	_, _ = w.Write(rep.body) // the client may have disconnected
}
