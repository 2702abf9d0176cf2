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
	path      []string // unescaped segments
	query     url.Values
	header    map[string]string
	body      any   // JSON; nil for none
	app       AppID // set when a 404 may mean that Heroku does not know this new app yet
}

// reply is what a call returns besides the decoded body.
type reply struct {
	header         http.Header
	status         int
	mayHaveApplied bool // the call failed, but Heroku may have carried it out
}

// exchange makes a call and decodes the response. A try whose response decode refuses has failed.
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

// run makes a call: it tries, classifies the outcome, and retries as the table in retry.go says, within retryBudget. All
// requests are sent by it.
func (c *Client) run(ctx context.Context, k call, accept func([]byte) error) (reply, error) {
	if k.operation != read {
		defer c.writes.Add(1) // whether it succeeds or not: objects that were read before are no longer current
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
		reportResult, err := c.announce(ctx, k, try)
		if err != nil {
			return reply{mayHaveApplied: mayHaveApplied}, err
		}
		if err := k.checkPrecondition(ctx); err != nil {
			reportResult(WriteResult{})
			return reply{mayHaveApplied: mayHaveApplied}, err
		}
		a, out, err := c.try(ctx, k, target, body, try, accept)
		reportResult(a.writeResult(out))
		c.report(ctx, k, a, try, err)
		mayHaveApplied = mayHaveApplied || out == lost || out == serverError || out == unreadable

		action := counts.next(k.operation, out)
		switch {
		case action == succeed:
			return reply{header: a.header, status: a.status}, nil
		case action == fail || action == verify || ctx.Err() != nil:
			return reply{header: a.header, status: a.status, mayHaveApplied: mayHaveApplied}, err
		}
		pause := c.pause(out, counts[action], a.header)
		if c.clock.Now().Add(pause).Sub(started) > retryBudget {
			return reply{mayHaveApplied: mayHaveApplied}, err
		}
		if out == throttled {
			c.reportWait(ctx, Waiting{
				For: "the next try of " + k.method + " " + k.displayPath(), State: "Heroku's rate limit is used up (429)", Limit: pause,
			})
		}
		if e := c.clock.Sleep(ctx, pause); e != nil {
			return reply{mayHaveApplied: mayHaveApplied}, fmt.Errorf("%w before the next try, after: %w", e, err)
		}
	}
}

// pause returns how long to wait before the next try.
func (c *Client) pause(out outcome, failures int, h http.Header) time.Duration {
	if out == throttled {
		if wait, ok := retryAfter(h, c.clock.Now()); ok {
			return wait
		}
	}
	return backoff(failures)
}

// prepare returns the URL and the body, which are the same for all tries.
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

// escaped returns the path. It escapes every id and name, so that each stays one path segment, whatever it contains.
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

// displayPath returns the path for messages.
func (k call) displayPath() string {
	path, err := k.escaped()
	if err != nil {
		return "/"
	}
	return path
}

// classify returns the outcome of an attempt, and the error to return if there is no other try.
func (c *Client) classify(ctx context.Context, k call, a attemptResult, try int, accept func([]byte) error) (outcome, error) {
	switch {
	case a.status == 0 || (a.err != nil && a.status < 300):
		err := &TransportError{
			Method: k.method, Path: k.displayPath(), Status: a.status, RequestID: a.requestID, Tries: try, Sent: a.sent, Err: a.err,
		}
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

// unreadableBody returns what is wrong with the body of a 2xx response, or "".
func unreadableBody(a attemptResult, accept func([]byte) error) string {
	if a.truncated != "" {
		return a.truncated
	}
	if err := accept(a.body); err != nil {
		return clip(err.Error(), 80)
	}
	return ""
}

// responseError turns a response that is not 2xx into an error: an *Error if it is Heroku's, a *BodyError if it comes from
// something on the way, such as a proxy. It also returns an *Error in both cases, for the classification.
func (c *Client) responseError(k call, a attemptResult, try int) (*Error, error) {
	e := &Error{
		Status: a.status, RequestID: a.requestID, Method: k.method, Path: k.displayPath(), Tries: try,
		ConfirmationRequired: clip(c.scrub(a.header.Get("X-Confirmation-Required")), 80),
	}
	if a.status >= 300 && a.status < 400 {
		return e, c.bodyError(k, a, "a redirect that is not followed", try)
	}
	fields, err := decode[errorBody](a.body)
	if a.truncated != "" {
		err = errors.New(a.truncated)
	}
	if err != nil {
		return e, c.bodyError(k, a, clip(err.Error(), 80), try)
	}
	e.ID = clip(c.scrub(string(fields.ID)), 80)
	e.Message = c.scrub(string(fields.Message))
	if runes := []rune(e.Message); len(runes) > maxMessageLength {
		e.Message = string(runes[:maxMessageLength]) + "…"
	}
	e.URL = clip(c.scrub(string(fields.URL)), 300)
	e.Resource = clip(c.scrub(string(fields.Resource)), 80)
	return e, e
}

// maxMessageLength is far above the length of Heroku's messages.
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

// report calls [Options].Observe, unless the attempt was cancelled before it was sent.
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

// remove sends a DELETE. An object that does not exist is no error. When it is uncertain whether the DELETE was carried out,
// the same path is read.
func (c *Client) remove(ctx context.Context, path ...string) (deletedObject, error) {
	k := call{operation: write, method: http.MethodDelete, endpoint: c.platform, path: path}
	decodeDeleted := requireID(text(path[len(path)-1]), func(o deletedObject) text { return o.ID }, decode[deletedObject])
	deleted, r, err := exchange(ctx, c, k, decodeDeleted)
	switch {
	case err == nil:
		return deleted, nil
	case IsNotFound(err):
		return deletedObject{}, nil
	case !r.mayHaveApplied || ctx.Err() != nil:
		return deletedObject{}, err
	}
	deleted, _, e := exchange(ctx, c, c.get(path...), decodeDeleted)
	switch {
	case IsNotFound(e):
		return deletedObject{}, nil
	case e == nil && (deleted.State == StateDeprovisioning || deleted.State == StateDeprovisioned):
		return deleted, nil
	}
	return deletedObject{}, err
}

// deletedObject is the last representation of a deleted object. Only add-ons have a state. It is zero if the object did not
// exist.
type deletedObject struct {
	ID    text `json:"id"`
	State text `json:"state"`
}

// updateObject sends a PATCH or an idempotent PUT or POST. When it is uncertain whether the request was carried out, it reads the
// current object, and succeeds if wanted reports that it is as requested.
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
