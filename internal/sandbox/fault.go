// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package sandbox

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Fault is an effect that is injected into matching requests. If several faults match a request, only the oldest is applied.
type Fault struct {
	ID    string `json:"id,omitempty"` // given by Inject
	Match Match  `json:"match"`
	Do    Effect `json:"do"`

	Seen   int `json:"seen"`   // requests that matched method, path, name and agent
	Struck int `json:"struck"` // requests that the fault was applied to

	path, name *regexp.Regexp
}

// Match selects requests. Empty fields match all requests. Nth, From and To count the requests that match method, path, name and agent.
type Match struct {
	Method string `json:"method,omitempty"`
	Path   string `json:"path,omitempty"`       // glob: * within a segment, ** across; a regular expression when it begins with ^
	Name   string `json:"name,omitempty"`       // glob for the member "name" of the request body
	Agent  string `json:"user_agent,omitempty"` // substring of the User-Agent
	Nth    int    `json:"nth,omitempty"`        // only the n-th, from 1
	From   int    `json:"from,omitempty"`       // the n-th and later
	To     int    `json:"to,omitempty"`         // the n-th and earlier
	Times  int    `json:"times,omitempty"`      // apply the fault at most so many times
}

// Effect is what a fault does to a request. With Hang, Reset or Status the request is not carried out, unless Commit is set.
type Effect struct {
	Delay  Duration `json:"delay,omitempty"`  // in real time, before anything else
	Commit bool     `json:"commit,omitempty"` // the request is carried out, and only its response is lost or replaced

	Hang     bool `json:"hang,omitempty"`     // no response until the client disconnects
	Reset    bool `json:"reset,omitempty"`    // the connection is reset
	Truncate bool `json:"truncate,omitempty"` // the response ends after half of the body

	Drip Duration `json:"drip,omitempty"` // in real time, before each byte of the response body

	Status      int               `json:"status,omitempty"`       // of the response; without Body, the body is an error in Heroku's format
	Body        *string           `json:"body,omitempty"`         // of the response; "" = an empty body
	ContentType string            `json:"content_type,omitempty"` // of Body; default application/json
	Headers     map[string]string `json:"headers,omitempty"`      // added to the response: Retry-After, X-Heroku-Warning …

	Stale         bool `json:"stale,omitempty"`          // a GET does not see the latest write since the fault was injected
	DuplicatePage bool `json:"duplicate_page,omitempty"` // a continued list repeats the previous page
	EndlessPages  bool `json:"endless_pages,omitempty"`  // a list never ends
	UnknownFields bool `json:"unknown_fields,omitempty"` // objects in the response get members that no client knows
	UnknownEnum   bool `json:"unknown_enum,omitempty"`   // members "state" and "status" get a value that no client knows

	// These fields affect what the request creates, changes or deletes. "stuck" lasts until the fault is cleared.
	Provisioning   string   `json:"provisioning,omitempty"`   // of an add-on, space or ruleset: "stuck"; of an add-on also "fail"
	Fork           string   `json:"fork,omitempty"`           // "stuck", or one of the constants in fork.go
	PlanChange     string   `json:"plan_change,omitempty"`    // "stuck"
	Deprovisioning Duration `json:"deprovisioning,omitempty"` // how long the removal takes; DELETE of an add-on answers 202
}

const (
	stuck = "stuck"
	fail  = "fail"
)

// empty reports whether the effect does nothing.
func (e Effect) empty() bool { return reflect.DeepEqual(e, Effect{}) }

// Duration is encoded in JSON as "1.5s".
type Duration time.Duration

func (d Duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

// UnmarshalText parses the format of time.ParseDuration.
func (d *Duration) UnmarshalText(text []byte) error {
	v, err := time.ParseDuration(string(text))
	*d = Duration(v)
	return err
}

// faults are guarded by Sandbox.mu.
type faults struct {
	list   []*Fault
	serial int
	before *world // the world before the last write; nil while no fault makes reads stale
}

func (f *Fault) compile() (err error) {
	if f.path, err = pattern(f.Match.Path); err != nil {
		return fmt.Errorf("path of the fault: %w", err)
	}
	if f.name, err = pattern(f.Match.Name); err != nil {
		return fmt.Errorf("name of the fault: %w", err)
	}
	if p := f.Do.Provisioning; p != "" && p != stuck && p != fail {
		return fmt.Errorf("provisioning %q: use %s or %s", p, stuck, fail)
	}
	if p := f.Do.PlanChange; p != "" && p != stuck {
		return fmt.Errorf("plan_change %q: use %s", p, stuck)
	}
	if known := []string{"", stuck, forkRefused, forkLost, forkIncomplete}; !slices.Contains(known, f.Do.Fork) {
		return fmt.Errorf("fork %q: use %s", f.Do.Fork, strings.Join(known[1:], ", "))
	}
	if s := f.Do.Status; s != 0 && (s < 200 || s > 599) {
		return fmt.Errorf("status %d: use 200 to 599", s)
	}
	return nil
}

// pattern compiles a glob, or a regular expression that begins with ^.
func pattern(s string) (*regexp.Regexp, error) {
	switch {
	case s == "":
		return regexp.MustCompile(""), nil
	case strings.HasPrefix(s, "^"):
		return regexp.Compile(s)
	}
	quoted := regexp.QuoteMeta(s)
	quoted = strings.ReplaceAll(quoted, `\*\*`, `.*`)
	quoted = strings.ReplaceAll(quoted, `\*`, `[^/]*`)
	return regexp.Compile("^" + quoted + "$")
}

// Inject adds a fault and returns its id. It panics if a pattern or value is invalid.
func (s *Sandbox) Inject(f Fault) (id string) {
	id, err := s.inject(f)
	if err != nil {
		panic("sandbox: " + err.Error())
	}
	return id
}

func (s *Sandbox) inject(f Fault) (string, error) {
	if err := f.compile(); err != nil {
		return "", err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults.serial++
	f.ID, f.Seen, f.Struck = "fault-"+strconv.Itoa(s.faults.serial), 0, 0
	s.faults.list = append(s.faults.list, &f)
	s.page.changed()
	var err error
	if s.faults.before == nil {
		s.faults.before, err = s.worldForStaleReads()
	}
	return f.ID, err
}

// worldForStaleReads returns a copy of the current world, or nil if no fault makes reads stale. s.mu is held.
func (s *Sandbox) worldForStaleReads() (*world, error) {
	if !slices.ContainsFunc(s.faults.list, func(f *Fault) bool { return f.Do.Stale }) {
		return nil, nil
	}
	return s.world.clone()
}

// Clear removes all faults. Everything that was stuck continues.
func (s *Sandbox) Clear() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults.list, s.faults.before = nil, nil
	s.page.changed()
}

// remove removes a fault, and returns false if the id is unknown.
func (s *Sandbox) remove(id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := len(s.faults.list)
	s.faults.list = slices.DeleteFunc(s.faults.list, func(f *Fault) bool { return f.ID == id })
	s.page.changed()
	return len(s.faults.list) < n
}

// Faults returns all faults with their counts.
func (s *Sandbox) Faults() []Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.faults.all()
}

func (fs *faults) all() []Fault {
	all := make([]Fault, len(fs.list))
	for i, f := range fs.list {
		all[i] = *f
	}
	return all
}

func (fs *faults) has(id string) bool {
	return slices.ContainsFunc(fs.list, func(f *Fault) bool { return f.ID == id })
}

// match counts a request and returns the id and the effect of the fault that applies to it; "" = none.
func (fs *faults) match(r *http.Request, body []byte) (id string, effect Effect) {
	var named struct{ Name reference }
	_ = json.Unmarshal(body, &named) // a body that is not JSON has no name
	for _, f := range fs.list {
		m := f.Match
		if m.Method != "" && !strings.EqualFold(m.Method, r.Method) || !f.path.MatchString(r.URL.Path) ||
			!f.name.MatchString(string(named.Name)) || !strings.Contains(r.UserAgent(), m.Agent) {
			continue
		}
		f.Seen++
		if id != "" || m.Nth != 0 && f.Seen != m.Nth || f.Seen < m.From || m.To != 0 && f.Seen > m.To || m.Times != 0 && f.Struck >= m.Times {
			continue
		}
		f.Struck++
		id, effect = f.ID, f.Do
	}
	return id, effect
}

// defaultErrors are the error bodies that Heroku uses for each status (Platform API reference, errors).
var defaultErrors = map[int]*apiError{
	400: {ID: "bad_request", Message: "Request invalid, validate usage and try again."},
	401: {ID: "unauthorized", Message: "Invalid credentials provided."},
	402: {ID: "delinquent", Message: "Account delinquent. Please pay outstanding invoices."},
	403: {ID: "forbidden", Message: "You do not have the required access."},
	404: {ID: "not_found", Message: "The requested resource could not be found."},
	409: {ID: "conflict", Message: "Another operation on the same resource is running."},
	422: {ID: "invalid_params", Message: "Request failed, validate parameters and try again."},
	423: {ID: "confirmation_required", Message: "Confirmation is required."},
	429: {ID: "rate_limit", Message: "Your account reached the API rate limit\nPlease wait a few minutes before making new requests",
		URL: "https://devcenter.heroku.com/articles/platform-api-reference#rate-limits"},
	500: {ID: "internal_server_error", Message: "Internal server error."},
	503: {ID: "service_unavailable", Message: "Service is temporarily unavailable."},
}

// applyTo applies the effect to a reply.
func (e Effect) applyTo(rep *reply) {
	if e.Status != 0 {
		rep.status = e.Status
		rep.header.Del("ETag")
		rep.header.Set("Content-Type", "application/json")
		switch body := defaultErrors[e.Status]; {
		case e.Body != nil:
			rep.body = []byte(*e.Body)
			if e.ContentType != "" {
				rep.header.Set("Content-Type", e.ContentType)
			}
		case body != nil:
			rep.body = encode(body)
		default:
			rep.body = encode(&apiError{ID: "error", Message: http.StatusText(e.Status)})
		}
		if e.Status == http.StatusTooManyRequests {
			rep.header.Set("RateLimit-Remaining", "0")
		}
	}
	if e.UnknownFields || e.UnknownEnum {
		var body any
		if json.Unmarshal(rep.body, &body) == nil {
			rep.body = encode(e.addUnknowns(body))
			rep.header.Del("ETag")
		}
	}
	for name, value := range e.Headers {
		rep.header.Set(name, value)
	}
}

// addUnknowns adds members and values that no client knows, at every depth.
func (e Effect) addUnknowns(v any) any {
	switch v := v.(type) {
	case []any:
		for i := range v {
			v[i] = e.addUnknowns(v[i])
		}
	case map[string]any:
		for name, member := range v {
			v[name] = e.addUnknowns(member)
			if _, isText := member.(string); isText && e.UnknownEnum && (name == "state" || name == "status") {
				v[name] = "hibernating"
			}
		}
		if e.UnknownFields {
			v["sandbox_unknown"] = map[string]any{"since": 2030, "tags": []any{"a", nil}}
		}
	}
	return v
}

// slowDown wraps a writer so that it sends the body slowly, if the effect has Drip.
func (e Effect) slowDown(ctx context.Context, w http.ResponseWriter) http.ResponseWriter {
	if e.Drip <= 0 {
		return w
	}
	return &slowWriter{ResponseWriter: w, ctx: ctx, pause: time.Duration(e.Drip)}
}

// slowWriter pauses before each byte, until the client disconnects.
type slowWriter struct {
	http.ResponseWriter
	ctx   context.Context
	pause time.Duration
}

func (w *slowWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *slowWriter) Write(b []byte) (n int, err error) {
	for ; n < len(b) && err == nil; n++ {
		if err = http.NewResponseController(w.ResponseWriter).Flush(); err == nil && !sleep(w.ctx, w.pause) {
			err = w.ctx.Err()
		}
		if err == nil {
			_, err = w.ResponseWriter.Write(b[n : n+1])
		}
	}
	return n, err
}

// reset closes the connection without a response, so that the client gets "connection reset by peer".
func reset(w http.ResponseWriter) error {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return fmt.Errorf("resetting a connection: %w", err)
	}
	var linger error
	if tcp, ok := conn.(*net.TCPConn); ok {
		linger = tcp.SetLinger(0)
	}
	return errors.Join(linger, conn.Close())
}
