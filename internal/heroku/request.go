// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package heroku

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// call describes one request to either host.
type call struct {
	operation operation
	method    string
	endpoint  *endpoint
	path      []string // unescaped elements
	query     url.Values
	header    map[string]string
	body      any   // JSON; nil for none
	app       AppID // the app that the call is about, when a fresh one may still be unknown to Heroku
}

// reply is what a call tells beyond its body.
type reply struct {
	header         http.Header
	status         int
	mayHaveApplied bool // it failed, but Heroku may have done what was asked for
}

// exchange makes a call and decodes its answer; an answer that decode refuses is a failed try.
func exchange[T any](ctx context.Context, c *Client, k call, decode func([]byte) (T, error)) (value T, r reply, err error) {
	r, err = c.run(ctx, k, func(body []byte) (err error) {
		value, err = decode(body)
		return err
	})
	if err != nil {
		var none T
		return none, r, err
	}
	return value, r, nil
}

// run is the one request path: try, classify, and do what the table in retry.go says, within the budget of one call.
func (c *Client) run(ctx context.Context, k call, accept func([]byte) error) (reply, error) {
	if k.operation != read {
		defer c.writes.Add(1) // well or not: nothing that was read before may pass for the present
	}
	target, body, err := k.prepare()
	if err != nil {
		return reply{}, err
	}
	var (
		started        = c.clock.Now()
		counts         = attemptCounts{}
		mayHaveApplied bool
	)
	for try := 1; ; try++ {
		tell, err := c.announce(ctx, k, try)
		if err != nil {
			return reply{mayHaveApplied: mayHaveApplied}, err
		}
		if err := k.checkPrecondition(ctx); err != nil {
			tell(WriteResult{})
			return reply{mayHaveApplied: mayHaveApplied}, err
		}
		a, out, err := c.try(ctx, k, target, body, try, accept)
		tell(a.writeResult(out))
		c.report(ctx, k, a, try, err)
		mayHaveApplied = mayHaveApplied || out == lost || out == serverError || out == unreadable

		v := counts.next(k.operation, out)
		switch {
		case v == succeed:
			return reply{header: a.header, status: a.status}, nil
		case v == fail || v == verify || ctx.Err() != nil:
			return reply{header: a.header, status: a.status, mayHaveApplied: mayHaveApplied}, err
		}
		pause := c.pause(out, counts[v], a.header)
		if c.clock.Now().Add(pause).Sub(started) > retryBudget {
			return reply{mayHaveApplied: mayHaveApplied}, err
		}
		if out == throttled {
			c.reportWait(ctx, Waiting{For: "the next try of " + k.method + " " + k.displayPath(), State: "Heroku's rate limit is used up (429)", Limit: pause})
		}
		if e := c.clock.Sleep(ctx, pause); e != nil {
			return reply{mayHaveApplied: mayHaveApplied}, fmt.Errorf("%w before the next try, after: %w", e, err)
		}
	}
}

// pause is how long to wait before the next try.
func (c *Client) pause(out outcome, failures int, h http.Header) time.Duration {
	if out == throttled {
		if wait, ok := retryAfter(h, c.clock.Now()); ok {
			return wait
		}
	}
	return backoff(failures)
}

// prepare renders URL and body once for all tries.
func (k call) prepare() (target string, body []byte, err error) {
	path, err := k.escaped()
	if err != nil {
		return "", nil, err
	}
	if k.body != nil {
		if body, err = json.Marshal(k.body); err != nil {
			return "", nil, fmt.Errorf("%s %s: the request cannot be encoded: %w", k.method, path, err)
		}
	}
	if len(k.query) > 0 {
		path += "?" + k.query.Encode()
	}
	return k.endpoint.base + path, body, nil
}

// escaped is the only place where ids and names enter a path: whatever they contain, they stay one element each.
func (k call) escaped() (string, error) {
	var b strings.Builder
	for _, element := range k.path {
		if element == "" || element == "." || element == ".." {
			return "", fmt.Errorf("%s /%s: %q is not an id or a name", k.method, k.path[0], element)
		}
		b.WriteByte('/')
		b.WriteString(url.PathEscape(element))
	}
	return b.String(), nil
}

// where is the path for messages.
func (k call) displayPath() string {
	path, err := k.escaped()
	if err != nil {
		return "/"
	}
	return path
}

// classify names the outcome of an attempt, and the error that it would be.
func (c *Client) classify(ctx context.Context, k call, a attemptResult, try int, accept func([]byte) error) (outcome, error) {
	switch {
	case a.status == 0 || (a.err != nil && a.status < 300):
		err := &TransportError{Method: k.method, Path: k.displayPath(), Status: a.status, RequestID: a.requestID, Tries: try, Sent: a.sent, Err: a.err}
		switch {
		case a.sent:
			return lost, err
		case ctx.Err() != nil:
			return refused, err
		}
		return unsent, err
	case a.status >= 200 && a.status < 300:
		if reason := unreadableBody(a, accept); reason != "" {
			return unreadable, c.bodyError(k, a, reason, try)
		}
		return done, nil
	}
	e, err := c.responseError(k, a, try)
	return classifyStatus(e, c.isRecent(k.app)), err
}

// unreadableBody says what is wrong with the body of a 2xx; "" when nothing is.
func unreadableBody(a attemptResult, accept func([]byte) error) string {
	if a.truncated != "" {
		return a.truncated
	}
	if err := accept(a.body); err != nil {
		return clip(err.Error(), 80)
	}
	return ""
}

// refusal turns an answer that is not 2xx into an error: an Error when Heroku speaks, a BodyError when something on the
// way does. The Error serves for classification in both cases.
func (c *Client) responseError(k call, a attemptResult, try int) (*Error, error) {
	e := &Error{
		Status: a.status, RequestID: a.requestID, Method: k.method, Path: k.displayPath(), Tries: try,
		ConfirmationRequired: clip(c.scrub(a.header.Get("X-Confirmation-Required")), 80),
	}
	if a.status >= 300 && a.status < 400 {
		return e, c.bodyError(k, a, "a redirect that is not followed", try)
	}
	told, err := decode[errorBody](a.body)
	if a.truncated != "" {
		err = errors.New(a.truncated)
	}
	if err != nil {
		return e, c.bodyError(k, a, clip(err.Error(), 80), try)
	}
	e.ID = clip(c.scrub(string(told.ID)), 80)
	e.Message = c.scrub(string(told.Message))
	if runes := []rune(e.Message); len(runes) > maxMessageLength {
		e.Message = string(runes[:maxMessageLength]) + "…"
	}
	e.URL = clip(c.scrub(string(told.URL)), 300)
	e.Resource = clip(c.scrub(string(told.Resource)), 80)
	return e, e
}

// longestMessage is far more than Heroku ever says.
const maxMessageLength = 4000

type errorBody struct {
	ID       text  `json:"id"`
	Message  prose `json:"message"`
	URL      text  `json:"url"`
	Resource text  `json:"resource"`
}

func (c *Client) bodyError(k call, a attemptResult, reason string, try int) *BodyError {
	contentType, _, err := mime.ParseMediaType(a.header.Get("Content-Type"))
	if err != nil {
		contentType = ""
	}
	return &BodyError{
		Method: k.method, Path: k.displayPath(), Status: a.status, RequestID: a.requestID,
		ContentType: clip(c.scrub(contentType), 60), Reason: reason, Tries: try,
	}
}

// report tells the observer about an attempt that was really made.
func (c *Client) report(ctx context.Context, k call, a attemptResult, try int, err error) {
	if a.status == 0 && !a.sent && ctx.Err() != nil {
		return
	}
	attempt := Attempt{
		Method: k.method, Host: k.endpoint.host, Path: k.displayPath(), Status: a.status,
		Duration: a.took, RequestID: a.requestID, Try: try,
	}
	if err != nil {
		attempt.Err = err.Error()
	}
	c.observe(ctx, attempt)
}

// Calls of each kind.

func (c *Client) get(path ...string) call {
	return call{operation: read, method: http.MethodGet, endpoint: c.platform, path: path}
}

func (c *Client) patch(body any, path ...string) call {
	return call{operation: write, method: http.MethodPatch, endpoint: c.platform, path: path, body: body}
}

func (c *Client) post(body any, path ...string) call {
	return call{operation: create, method: http.MethodPost, endpoint: c.platform, path: path, body: body}
}

func (k call) withHeader(name, value string) call {
	header := maps.Clone(k.header)
	if header == nil {
		header = map[string]string{}
	}
	header[name] = value
	k.header = header
	return k
}

// remove sends a DELETE; that the thing is gone already is success. When the answer leaves a doubt, the same path is read.
func (c *Client) remove(ctx context.Context, path ...string) (deletedObject, error) {
	k := call{operation: write, method: http.MethodDelete, endpoint: c.platform, path: path}
	its := requireID(text(path[len(path)-1]), func(left deletedObject) text { return left.ID }, decode[deletedObject])
	left, r, err := exchange(ctx, c, k, its)
	switch {
	case err == nil:
		return left, nil
	case IsNotFound(err):
		return deletedObject{}, nil
	case !r.mayHaveApplied || ctx.Err() != nil:
		return deletedObject{}, err
	}
	left, _, e := exchange(ctx, c, c.get(path...), its)
	switch {
	case IsNotFound(e):
		return deletedObject{}, nil
	case e == nil && (left.State == StateDeprovisioning || left.State == StateDeprovisioned):
		return left, nil
	}
	return deletedObject{}, err
}

// remains is the last representation of what is being removed: only add-ons have a state. What was gone already leaves nothing.
type deletedObject struct {
	ID    text `json:"id"`
	State text `json:"state"`
}

// change sends a PATCH. When its answer leaves a doubt, the object itself is asked whether it has become as wanted.
func updateObject[T any](ctx context.Context, c *Client, k call, decode func([]byte) (T, error),
	current func(context.Context) (T, error), wanted func(T) bool,
) (T, error) {
	value, r, err := exchange(ctx, c, k, decode)
	if err == nil || !r.mayHaveApplied || ctx.Err() != nil {
		return value, err
	}
	if now, e := current(ctx); e == nil && wanted(now) {
		return now, nil
	}
	return value, err
}
