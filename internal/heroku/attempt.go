// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package heroku

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
)

const maxBodySize = 4 << 20

// attemptResult is the result of one attempt: a response, or the error of the transport.
type attemptResult struct {
	status    int
	header    http.Header
	requestID string
	body      []byte
	truncated string // why the body is not whole; empty when it is
	err       error  // there was no response, or it broke off
	sent      bool   // the request may have reached the server
	took      time.Duration
}

// attempt sends the request once. Once sent, a create is not cancelled with its caller: the response holds the id of an
// object that costs money.
func (c *Client) attempt(ctx context.Context, k call, target string, body []byte) (a attemptResult) {
	if err := c.acquireSlot(ctx, k.endpoint); err != nil {
		return attemptResult{err: err}
	}
	defer func() { <-c.slots }()

	if k.operation == create {
		ctx = context.WithoutCancel(ctx)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, c.attemptTimeout, errNoAnswerInTime)
	defer cancel()

	began := time.Now()
	defer func() { a.took = time.Since(began) }()

	var trace connTrace
	request, err := c.request(trace.watch(ctx), k, target, body)
	if err != nil {
		return attemptResult{err: err}
	}
	response, err := c.http.Do(request)
	if err != nil {
		return attemptResult{err: c.sanitizeError(ctx, err), sent: trace.mayHaveSent(err)}
	}
	defer response.Body.Close()

	a = attemptResult{status: response.StatusCode, header: response.Header, sent: true}
	a.requestID = c.shownRequestID(response.Header.Get("Request-Id"))
	k.endpoint.pacer.learn(response.Header, c.clock)
	c.hostTime.learn(response.Header, c.clock.Now())
	a.body, err = io.ReadAll(io.LimitReader(response.Body, maxBodySize+1))
	switch {
	case len(a.body) > maxBodySize:
		a.truncated = "it is longer than 4 MiB"
	case errors.Is(err, io.ErrUnexpectedEOF):
		a.truncated = "it ends early"
	case err != nil:
		a.err = c.sanitizeError(ctx, err)
	}
	return a
}

// shownRequestID returns the ids of a request without secrets: its own id and one of each server, as a list of UUIDs with commas
// (Platform API reference, response headers). A list of that form needs no search for parts of secrets, which costs more the more
// stores a run has read.
func (c *Client) shownRequestID(header string) string {
	const length = len("01234567-89ab-cdef-0123-456789abcdef")
	if slices.ContainsFunc(strings.Split(header, ","), func(id string) bool {
		return len(id) != length || uuid.Validate(id) != nil || c.known.contain(id)
	}) {
		header = c.scrub(header)
	}
	return clip(header, 200)
}

// acquireSlot waits for the rate limit and for one of the slots for requests in flight. When it returns nil, the caller has to
// release the slot by receiving from c.slots.
func (c *Client) acquireSlot(ctx context.Context, host *endpoint) error {
	err := host.pacer.wait(ctx, c.clock, func(pause time.Duration) {
		c.reportWait(ctx, Waiting{For: "the next request", State: "few requests are left of the account's rate limit", Limit: pause})
	})
	if err != nil {
		return err
	}
	select {
	case c.slots <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	if err := ctx.Err(); err != nil { // select picks at random when both are ready
		<-c.slots
		return err
	}
	return nil
}

// request builds the request with its headers (Platform API reference, request headers). Each attempt has its own Request-Id.
func (c *Client) request(ctx context.Context, k call, target string, body []byte) (*http.Request, error) {
	r, err := http.NewRequestWithContext(ctx, k.method, target, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("the request cannot be built: %s", c.sanitizedText(err))
	}
	r.Header.Set("Accept", "application/vnd.heroku+json; version=3")
	r.Header.Set("Authorization", "Bearer "+c.credential.Token)
	r.Header.Set("Request-Id", uuid.NewString())
	r.Header.Set("User-Agent", c.userAgent)
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	for name, value := range k.header {
		r.Header.Set(name, value)
	}
	return r, nil
}

var (
	errNoAnswerInTime = errors.New("no answer in time")
	errMalformed      = errors.New("a malformed HTTP answer")
)

// sanitizeError reduces a transport error to what is safe to show: net/http quotes URLs and parts of malformed responses.
func (c *Client) sanitizeError(ctx context.Context, err error) error {
	if errors.Is(context.Cause(ctx), errNoAnswerInTime) {
		return errNoAnswerInTime
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	var (
		network *net.OpError
		name    *net.DNSError
		cert    *tls.CertificateVerificationError
	)
	switch {
	case errors.As(err, &name):
		return name
	case errors.As(err, &network):
		return network
	case errors.As(err, &cert):
		return fmt.Errorf("the certificate is not trusted: %s", clip(c.scrub(cert.Err.Error()), 300)) // it quotes names from the certificate
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Errorf("the connection was closed before the answer came: %w", io.ErrUnexpectedEOF)
	case strings.Contains(err.Error(), "malformed"):
		return errMalformed
	}
	return errors.New(c.sanitizedText(err))
}

// sanitizedText returns the text of an error without its URL, and without its first quotation mark and all that follows.
func (c *Client) sanitizedText(err error) string {
	var inner *url.Error
	if errors.As(err, &inner) {
		err = inner.Err
	}
	unquoted, _, _ := strings.Cut(err.Error(), `"`)
	return clip(c.scrub(unquoted), 120)
}

// connTrace records whether a request asked for a connection, and whether it obtained one.
type connTrace struct{ requested, obtained bool }

func (w *connTrace) watch(ctx context.Context) context.Context {
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GetConn: func(string) { w.requested = true },
		GotConn: func(httptrace.GotConnInfo) { w.obtained = true },
	})
}

// mayHaveSent is false only if the request was certainly not sent: it obtained no connection, or the error is one of
// connecting.
func (w *connTrace) mayHaveSent(err error) bool {
	if w.requested && !w.obtained {
		return false
	}
	var (
		network *net.OpError
		name    *net.DNSError
	)
	dialing := errors.As(err, &network) && network.Op == "dial" || errors.As(err, &name)
	return w.obtained || !dialing
}
