// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

// Package heroku is a client for Heroku's Platform API and for the Data API of Heroku Key-Value Store.
//
// Every request to either host takes one path, [Client.run] in request.go, which paces, sends, reads, classifies and
// retries it. One table decides what is retried (retry.go). A POST that creates something is repeated only after a look-up,
// because Heroku has no idempotency keys (create.go). Reads of single objects that arrive together become one list request
// (batch.go), and all waits of one kind poll at the same ticks, so that they share requests too (wait.go).
//
// Start reading at [New], then [Client.App] for a read, [Client.CreateAddOn] for a write and
// [Client.WaitAddOnProvisioned] for a wait.
//
// Errors are [*Error] (Heroku returned an error), [*TransportError] (no response), [*BodyError] (a response that cannot be
// decoded) and [*WaitError] (a wait that ended without success). None of them holds a token, a password or a response body.
package heroku

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Ids are lower-case UUIDs. Each has its own type, so that the compiler finds ids that were swapped.
type (
	AppID        string
	AddOnID      string
	AttachmentID string
	SpaceID      string
	TeamID       string
)

const (
	defaultAPIURL     = "https://" + platformHost
	defaultDataAPIURL = "https://" + dataHost

	defaultAttemptTimeout = 30 * time.Second
	maxInFlight           = 10
)

// Options configure a [Client]. Only Credential is required.
type Options struct {
	APIURL         string // Platform API; https://api.heroku.com when empty
	DataAPIURL     string // Data API; https://api.data.heroku.com when empty
	Credential     Credential
	UserAgent      string
	Clock          Clock             // for sleeps and the timeouts of waits; RealClock when nil
	Transport      http.RoundTripper // a clone of http.DefaultTransport when nil
	AttemptTimeout time.Duration     // real time for one attempt; 30 s when zero

	// Observe is called after every attempt, with the context of the operation.
	Observe func(context.Context, Attempt)

	// Waits is called when a wait begins, whenever the state of the awaited object changes, and every 30 seconds. It is also
	// called before each pause that Heroku's rate limit makes necessary. The context is that of the operation.
	Waits func(context.Context, Waiting)

	// Announce is called before each try of every request that changes something, with the context of the operation. If it
	// returns an error, the request is not sent; otherwise the function that it returns is called once, with the result of the
	// try. Both may take time, but must not block.
	Announce func(context.Context, Write) (func(WriteResult), error)
}

// Format prints the options like any struct, see [Store.Format].
func (o Options) Format(s fmt.State, verb rune) {
	type fields Options
	fmt.Fprintf(s, fmt.FormatString(s, verb), fields(o))
}

// Attempt describes one HTTP request for a log. It has no header, body or query.
type Attempt struct {
	Method, Host, Path string
	Status             int // 0 when there was no response
	Duration           time.Duration
	RequestID          string
	Try                int    // from 1
	Err                string // what went wrong, in one line; empty when nothing did
}

// Waiting describes a wait for a log.
type Waiting struct {
	For     string // "add-on 01234567-89ab-cdef-0123-456789abcdef to be provisioned"
	State   string // as Heroku calls it, or the reason for a pause; empty at the beginning
	Elapsed time.Duration
	Limit   time.Duration // the timeout of the wait
}

// Client sends requests to both hosts. It is safe for concurrent use. Use one per configured provider: reads are shared,
// requests are paced and apps are locked within one Client only.
type Client struct {
	platform, data *endpoint
	credential     Credential
	known          secrets // that must not appear in errors and logs
	userAgent      string
	clock          Clock
	hostTime       hostTime
	http           *http.Client
	attemptTimeout time.Duration
	observe        func(context.Context, Attempt)
	reportWait     func(context.Context, Waiting)
	announceWrite  func(context.Context, Write) (func(WriteResult), error) // may be nil

	slots      chan struct{} // one for each request in flight
	creating   appLocks
	recentApps sync.Map     // AppID -> time.Time of its creation by this client
	deleted    sync.Map     // AddOnID -> true: this client has deleted it, and Heroku has confirmed that it is gone
	writes     atomic.Int64 // how many requests that change something have ended

	apps             *batch[AppID, App]
	addOns           *batch[AddOnID, AddOn]
	attachments      *batch[AttachmentID, Attachment]
	attachmentsByApp *batch[AppID, []Attachment]
	appsByAddOn      *batch[AddOnID, []AttachedApp]
	attachmentList   attachmentList
	spaces           *batch[SpaceID, Space]
	rulesets         *batch[SpaceID, Ruleset]
	rangeQueues      perOwner[SpaceID, *rangeQueue]
	stores           cache[AddOnID, Store]
	storeURLs        sync.Map // AddOnID -> Secret, for each store that was read
	members          perOwner[SpaceID, *batch[Email, SpaceMember]]
	processes        perOwner[AppID, *batch[ProcessType, Process]]
}

// endpoint is one of the two hosts.
type endpoint struct {
	base  string // without a trailing slash
	host  string
	pacer *pacer
}

// New returns a client, and sends no request. It returns an error for a base URL that is not a plain https URL (http is
// accepted for the local machine), for an empty token, and for a token that belongs to other hosts.
func New(o Options) (*Client, error) {
	platform, err := newEndpoint("API URL", cmp.Or(o.APIURL, defaultAPIURL))
	if err != nil {
		return nil, err
	}
	data, err := newEndpoint("Data API URL", cmp.Or(o.DataAPIURL, defaultDataAPIURL))
	if err != nil {
		return nil, err
	}
	if data.host == platform.host {
		data.pacer = platform.pacer // one host has one rate limit
	}
	if err := o.Credential.check(); err != nil {
		return nil, err
	}
	if err := o.Credential.checkHosts(platform.host, data.host); err != nil {
		return nil, err
	}

	c := &Client{
		platform:       platform,
		data:           data,
		credential:     o.Credential,
		userAgent:      cmp.Or(o.UserAgent, "terraform-provider-kvs"),
		clock:          o.Clock,
		http:           newHTTPClient(o.Transport),
		attemptTimeout: cmp.Or(o.AttemptTimeout, defaultAttemptTimeout),
		observe:        o.Observe,
		reportWait:     o.Waits,
		announceWrite:  o.Announce,
		slots:          make(chan struct{}, maxInFlight),
	}
	c.known.add(Secret(c.credential.Token))
	if c.clock == nil {
		c.clock = RealClock
	}
	if c.observe == nil {
		c.observe = func(context.Context, Attempt) {}
	}
	if c.reportWait == nil {
		c.reportWait = func(context.Context, Waiting) {}
	}

	c.apps = newBatch(c, c.getApp, c.allApps)
	c.addOns = newBatch(c, c.getAddOn, c.allAddOns)
	c.attachmentList.turn = make(chan struct{}, 1)
	c.attachments = newBatch(c, c.getAttachment, c.allAttachments)
	c.attachmentsByApp = newBatch(c, c.AppAttachments, c.allAttachmentsByApp)
	c.attachmentsByApp.absentMeansEmpty = true
	c.appsByAddOn = newBatch(c, c.getAttachedApps, c.allAttachedApps)
	c.appsByAddOn.absentMeansEmpty = true
	c.spaces = newBatch(c, c.getSpace, c.allSpaces)
	c.rulesets = newBatch(c, c.TrustedRanges, noRulesetList)
	c.stores.client = c
	c.members.create = c.newMembers
	c.processes.create = c.newProcesses
	c.rangeQueues.create = newRangeQueue
	return c, nil
}

// Credential returns the credential that the client uses; its Source is for messages about a token that was refused.
func (c *Client) Credential() Credential { return c.credential }

// Clock returns the clock that waits are measured with.
func (c *Client) Clock() Clock { return c.clock }

// InFlight reports whether a request is under way.
func (c *Client) InFlight() bool { return len(c.slots) > 0 }

// HasWritten reports whether this client has made, or tried, a write. If so, a plan is being applied.
func (c *Client) HasWritten() bool { return c.writes.Load() > 0 }

// Format prints only the API URL, for every verb, because the fields hold the token.
func (c *Client) Format(s fmt.State, _ rune) {
	if c == nil {
		fmt.Fprint(s, "heroku.Client(nil)")
		return
	}
	fmt.Fprintf(s, "heroku.Client(%s)", c.platform.base)
}

// newEndpoint checks a base URL. Its errors do not repeat the URL, which may hold a password.
func newEndpoint(what, raw string) (*endpoint, error) {
	u, err := url.Parse(strings.TrimSpace(raw))
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s: not a URL", what)
	case u.Scheme != "http" && u.Scheme != "https":
		return nil, fmt.Errorf("%s: must begin with https:// or http://", what)
	case u.Hostname() == "":
		return nil, fmt.Errorf("%s: has no host", what)
	case u.User != nil:
		return nil, fmt.Errorf("%s: must not contain a user name or password", what)
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return nil, fmt.Errorf("%s: must not contain a query or fragment", what)
	case u.Scheme == "http" && !isLoopback(u.Host):
		return nil, fmt.Errorf("%s: must begin with https://. Over http:// the API token and all passwords could be read on the way; "+
			"that is accepted for this machine only (localhost, 127.0.0.1, [::1]), as for the sandbox", what)
	}
	return &endpoint{base: strings.TrimRight(u.String(), "/"), host: u.Host, pacer: newPacer()}, nil
}

// newHTTPClient returns an HTTP client that sends the token only to the host that it is meant for. By default net/http would also
// send it to subdomains and other ports of that host after a redirect, and would turn a redirected POST into a GET.
func newHTTPClient(transport http.RoundTripper) *http.Client {
	if transport == nil {
		transport = http.DefaultTransport
		if pool, ok := transport.(*http.Transport); ok {
			pool = pool.Clone()
			pool.MaxIdleConnsPerHost = maxInFlight
			transport = pool
		}
	}
	return &http.Client{
		Transport: redactingTransport{transport},
		CheckRedirect: func(next *http.Request, via []*http.Request) error {
			first := via[0]
			same := next.URL.Host == first.URL.Host && next.URL.Scheme == first.URL.Scheme
			if first.Method != http.MethodGet || !same || len(via) > 3 {
				return http.ErrUseLastResponse
			}
			return nil
		},
	}
}

// appLocks serialises the creation of add-ons and attachments on one app: two at once fail or race. Heroku's own provider
// holds one process-wide lock for this.
type appLocks struct {
	mu    sync.Mutex
	locks map[AppID]chan struct{}
}

// acquire locks the app, or returns an error when ctx is cancelled first.
func (l *appLocks) acquire(ctx context.Context, id AppID) (release func(), err error) {
	l.mu.Lock()
	if l.locks == nil {
		l.locks = make(map[AppID]chan struct{})
	}
	lock, ok := l.locks[id]
	if !ok {
		lock = make(chan struct{}, 1)
		l.locks[id] = lock
	}
	l.mu.Unlock()

	select {
	case lock <- struct{}{}:
		return func() { <-lock }, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("%w: %w", errQueued, ctx.Err())
	}
}

var errQueued = errors.New("interrupted while waiting for another creation on the same app; nothing was sent")
