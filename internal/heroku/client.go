// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

// Package heroku is a client for Heroku's Platform API and for the Data API of Heroku Key-Value Store.
//
// Every request to either host takes one path, [Client.run] in request.go: it paces, sends, reads, classifies and
// retries. What may be repeated is decided by one table (retry.go); a POST that creates something is never repeated
// blindly, because Heroku knows no idempotency key (create.go). Reads of single objects are shared: many that arrive
// together become one list request (batch.go). Waiting is shared too: all waits of one kind read at the same ticks (wait.go).
//
// Start reading at [New], then [Client.App] for a read, [Client.CreateAddOn] for a write and
// [Client.WaitAddOnProvisioned] for a wait.
//
// Errors are [*Error] (Heroku said no), [*TransportError] (no answer), [*BodyError] (an answer that cannot be
// understood) and [*WaitError] (a wait that ended early). None of them ever holds a token, a password or a body.
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

// Identities are lower-case UUIDs. They are distinct types because swapping two is this domain's likeliest silent bug.
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

// Options say whom a [Client] talks to, and how. Only Credential is required.
type Options struct {
	APIURL         string // Platform API; https://api.heroku.com when empty
	DataAPIURL     string // Data API; https://api.data.heroku.com when empty
	Credential     Credential
	UserAgent      string
	Clock          Clock             // what sleeps and timeouts of waits are measured on; RealClock when nil
	Transport      http.RoundTripper // a pool of its own when nil
	AttemptTimeout time.Duration     // real time for one attempt; 30 s when zero

	// Observe is told of every attempt, once its outcome is known. The context is the one of the operation.
	Observe func(context.Context, Attempt)

	// Waits is told of each wait: when it begins, whenever what is waited for has another state, and every half minute; and of
	// each pause before a request that Heroku's rate limit makes necessary. The context is the one of the operation.
	Waits func(context.Context, Waiting)

	// Announce is told of every request that changes something, before each of its tries, and what it returns is told once
	// what became of that try. After an error the try is not sent, and neither are any others. The context is the one of
	// the operation, so that callers can say in it what the write is for. Both may take time, but not block.
	Announce func(context.Context, Write) (func(WriteResult), error)
}

// Format prints the options like any struct, see [Store.Format].
func (o Options) Format(s fmt.State, verb rune) {
	type fields Options
	fmt.Fprintf(s, fmt.FormatString(s, verb), fields(o))
}

// Attempt is what may be logged about one HTTP request: no header, no body, no query.
type Attempt struct {
	Method, Host, Path string
	Status             int // 0 when there was no answer
	Duration           time.Duration
	RequestID          string
	Try                int    // from 1
	Err                string // what went wrong, in one line; empty when nothing did
}

// Waiting is what may be logged about a wait.
type Waiting struct {
	For     string // such as "add-on 01234567-89ab-cdef-0123-456789abcdef to be provisioned"
	State   string // in Heroku's words, or the reason of a pause; empty at the beginning
	Elapsed time.Duration
	Limit   time.Duration // after which the wait ends in any case
}

// Client speaks to both hosts. It is safe for concurrent use, and meant to be one per configured provider: sharing,
// pacing and the locks per app work within one Client.
type Client struct {
	platform, data *endpoint
	credential     Credential
	known          secrets // that no error or log may repeat
	userAgent      string
	clock          Clock
	hostTime       hostTime
	http           *http.Client
	attemptTimeout time.Duration
	observe        func(context.Context, Attempt)
	reportWait     func(context.Context, Waiting)
	announceWrite  func(context.Context, Write) (func(WriteResult), error) // nil: nobody is told

	slots      chan struct{} // one for each request in flight
	creating   appLocks
	recentApps sync.Map     // AppID -> time.Time of its creation by this client
	deleted    sync.Map     // AddOnID: Heroku has said, in answer to this client's request, that it is gone
	writes     atomic.Int64 // requests that change something and have ended

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
	storeURLs        sync.Map // AddOnID -> Secret, of each store that was read
	members          perOwner[SpaceID, *batch[Email, SpaceMember]]
	processes        perOwner[AppID, *batch[ProcessType, Process]]
}

// endpoint is one of the two hosts.
type endpoint struct {
	base  string // without a trailing slash
	host  string
	pacer *pacer
}

// New makes a client; it sends nothing. It refuses base URLs that are not plain https URLs (http of this machine), an empty
// token, and one that is for other hosts.
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
		data.pacer = platform.pacer // one host, one budget
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

// Credential returns what the client authenticates with; its Source tells where a refused token came from.
func (c *Client) Credential() Credential { return c.credential }

// Clock is the time that waits are measured with.
func (c *Client) Clock() Clock { return c.clock }

// Asking reports whether a request is under way.
func (c *Client) InFlight() bool { return len(c.slots) > 0 }

// HasWritten reports that something was written, or at least tried: a plan is being carried out.
func (c *Client) HasWritten() bool { return c.writes.Load() > 0 }

// Format prints where the client points, whatever the verb: its fields hold the token.
func (c *Client) Format(s fmt.State, _ rune) {
	if c == nil {
		fmt.Fprint(s, "heroku.Client(nil)")
		return
	}
	fmt.Fprintf(s, "heroku.Client(%s)", c.platform.base)
}

// newEndpoint checks a base URL. Its errors do not repeat the URL: it may hold a password.
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

// newHTTPClient never lets the token out of the host that it is meant for: Go's own rule for redirects keeps it for
// subdomains and other ports, and would turn a POST into a GET.
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

// appLocks serialises the creation of add-ons and attachments on one app: two at once fail or race
// (Platform API reference: Heroku's own provider holds one process-wide lock for it).
type appLocks struct {
	mu    sync.Mutex
	locks map[AppID]chan struct{}
}

// acquire waits for its turn or for the end of ctx.
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
