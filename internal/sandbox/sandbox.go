// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

// Package sandbox is a local Heroku: the Platform API and the Data API, with a real server behind each store.
//
// It shares facts with the provider through package keyvalue: the catalogue of plans, the limits of spaces, and the defaults of
// networks and settings. It implements the rules independently (what a request may contain, which plan fits where, when a maintenance
// window begins), so that a mistake in the provider fails a test instead of being repeated here.
package sandbox

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	mathrand "math/rand/v2"
	"net"
	"net/http"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Options configures a sandbox; the zero value is usable.
type Options struct {
	Addr            string        // loopback address to listen on; default 127.0.0.1:0
	Token           string        // API token of the admin; default: the one in the data directory, or a random one
	Team            string        // name of the first team and of the enterprise account; default "acme"
	DataDir         string        // directory that keeps the state and the stores' data across restarts; "" = nothing is kept
	Engine          string        // server behind each store: auto (default), valkey, redis, miniredis
	Provisioning    time.Duration // how long a store takes to be provisioned, or its plan to be changed; default 3 s
	Maintenance     time.Duration // how long a maintenance runs after its preparation, which takes Provisioning; default: Provisioning
	Forking         time.Duration // how long a fork keeps copying after it is provisioned; default 0
	CopyForks       bool          // with miniredis, a fork copies the keys of a store in this sandbox; default: such a fork is refused
	Rotation        time.Duration // how long a rotation of credentials takes; default 0
	PasswordOverlap time.Duration // how long the old password stays valid after a rotation, except with miniredis; default 0
	DataAPIDelay    time.Duration // how long a new store is unknown to the Data API; default 0
	Allocation      time.Duration // how long a space takes to be allocated, or to be deleted; default 3 s
	AppDelay        time.Duration // how long a new app in a space refuses add-ons, attachments and config vars; default 0
	RulesetDelay    time.Duration // how long the inbound ruleset of a newly allocated space is not found; default 0
	Undeployed      bool          // new apps have no deployment and no process types; default: web and worker, one dyno each
	StrictPlacement bool          // a common plan for an app in a Private Space is refused with 422; default: 423 until it is confirmed
	Latency         time.Duration // added to every request, in real time
	RateLimit       int           // Platform API requests per account and hour; default 4500
	PageSize        int           // items per page; if set, a request cannot ask for more. Default 200, at most 1000
	Seed            uint64        // seed for names, ids and passwords; default: random
	Clock           *Clock        // default real time
	Log             *slog.Logger  // default none
}

// Sandbox is a local Heroku: the Platform API and the Data API on one port, and a real server behind each store.
type Sandbox struct {
	options        Options
	log            *slog.Logger
	clock          *Clock
	url            string
	engine         engine
	dataDir        *dataDir // nil: nothing is kept
	journal        journal
	history        history
	page           webPage
	limiter        limiter
	mux            *http.ServeMux    // both APIs
	control        *http.ServeMux    // the control endpoints and the page's files
	tokens         map[string]string // token -> user id
	applyingEvents chan struct{}     // a semaphore of 1: one goroutine at a time applies due events

	bodyTimeout time.Duration // real time within which the body of a request must arrive

	mu          sync.Mutex // guards the fields up to closing
	world       *world
	faults      faults
	backings    map[string]*backing // the server behind each store, by add-on id
	successors  map[string]*backing // the server that a plan change or failover switches to, by add-on id
	standbys    map[string]standby  // frozen standbys, by add-on id
	creating    map[string]bool     // ids of apps on which an add-on is being created
	logSessions map[string]logSession
	closing     bool // new requests are rejected

	lifetime   context.Context // canceled by Close
	cancel     context.CancelFunc
	background sync.WaitGroup // requests in flight, and work on servers
	http       *http.Server
	closeOnce  func() error
}

const (
	defaultPageSize = 200
	worldKey        = "world"
)

// Start starts a sandbox and returns when it accepts requests. ctx bounds the start only. The caller must call Close.
func Start(ctx context.Context, o Options) (_ *Sandbox, err error) {
	if err := o.complete(); err != nil {
		return nil, err
	}
	s := &Sandbox{
		options:        o,
		log:            o.Log,
		clock:          o.Clock,
		applyingEvents: make(chan struct{}, 1),
		bodyTimeout:    30 * time.Second,
		backings:       map[string]*backing{},
		successors:     map[string]*backing{},
		standbys:       map[string]standby{},
		creating:       map[string]bool{},
		logSessions:    map[string]logSession{},
		limiter:        limiter{o.RateLimit, map[string]*rate.Limiter{}},
		page:           webPage{token: randomID(), usages: map[string]usage{}},
	}
	s.lifetime, s.cancel = context.WithCancel(context.WithoutCancel(ctx))
	s.closeOnce = sync.OnceValue(s.close)
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Close())
		}
	}()

	if err := s.openEngine(); err != nil {
		return nil, fmt.Errorf("starting the sandbox: %w", err)
	}
	if err := s.openWorld(ctx); err != nil {
		return nil, fmt.Errorf("starting the sandbox: %w", err)
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", o.Addr)
	if err != nil {
		return nil, fmt.Errorf("starting the sandbox: %w", err)
	}
	s.url = "http://" + listener.Addr().String()
	s.mux, s.control = newMux(), newControl(s)
	s.http = &http.Server{
		Handler:           s,
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
	}
	s.background.Go(func() {
		if err := s.http.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			s.log.Error("the sandbox stopped listening", "error", err)
		}
	})
	s.log.Info("sandbox ready", "url", s.url, "team", o.Team, "engine", s.engine.Name())
	return s, nil
}

// openEngine opens the data directory, if there is one, and chooses the engine of the stores.
func (s *Sandbox) openEngine() (err error) {
	issue := newCertificate
	if s.options.DataDir != "" {
		if s.dataDir, err = openDataDir(s.options.DataDir, s.log); err != nil {
			return err
		}
		issue = s.dataDir.Certificate
	}
	if s.engine, err = chooseEngine(s.options.Engine, s.log, issue); err != nil {
		return err
	}
	if embedded, ok := s.engine.(*miniredisEngine); ok {
		embedded.copies = s.options.CopyForks
	}
	return nil
}

func (o *Options) complete() error {
	o.Addr = cmp.Or(o.Addr, "127.0.0.1:0")
	host, _, err := net.SplitHostPort(o.Addr)
	if err != nil {
		return fmt.Errorf("the sandbox's address %q: %w", o.Addr, err)
	}
	if !loopback(host) {
		return fmt.Errorf("the sandbox listens on loopback only, and %q is not: use 127.0.0.1 or localhost", host)
	}
	o.Team = cmp.Or(o.Team, "acme")
	o.Provisioning = cmp.Or(o.Provisioning, 3*time.Second)
	o.Maintenance = cmp.Or(o.Maintenance, o.Provisioning)
	o.Allocation = cmp.Or(o.Allocation, 3*time.Second)
	o.RateLimit = cmp.Or(o.RateLimit, 4500)
	o.Seed = cmp.Or(o.Seed, mathrand.Uint64())
	o.Clock = cmp.Or(o.Clock, NewRealClock())
	o.Log = cmp.Or(o.Log, slog.New(slog.DiscardHandler))
	return nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// randomID returns an unpredictable UUID, independent of the seed, for tokens and request ids.
func randomID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	return formatUUID(b, 4)
}

// openWorld loads the world from the data directory and restarts its servers, or creates a new world.
func (s *Sandbox) openWorld(ctx context.Context) (err error) {
	found := false
	if s.dataDir != nil {
		if found, err = s.dataDir.Load(worldKey, &s.world); err != nil {
			return err
		}
	}
	if !found {
		s.world = newWorld(s.options.Seed, s.options.Team, s.clock.Now())
	}
	if err := s.world.checkIDs(); err != nil {
		return fmt.Errorf("data directory %s: %w", s.options.DataDir, err)
	}
	if s.world.Spaces == nil {
		s.world.Spaces = map[string]*space{} // written by a version without spaces
	}
	s.options.Token = cmp.Or(s.options.Token, s.world.Token, "HRKU-"+randomID())
	s.world.Token = s.options.Token
	s.clock.AdvanceTo(s.world.SavedAt) // the clock may have been advanced before the restart
	s.tokens = map[string]string{}
	for _, u := range s.world.Users {
		switch u.Email {
		case "admin@" + s.world.Enterprise.Name + ".example":
			s.tokens[s.options.Token] = u.ID
		case "member@" + s.world.Enterprise.Name + ".example":
			s.tokens[s.MemberToken()] = u.ID
		}
	}
	if err := s.resumeServers(ctx); err != nil {
		return err
	}
	return s.save()
}

// save writes the world to the data directory, if there is one. s.mu is held, except during the start.
func (s *Sandbox) save() error {
	s.page.changed()
	if s.dataDir == nil {
		return nil
	}
	s.world.SavedAt = s.clock.Now()
	return s.dataDir.Save(worldKey, s.world)
}

// Close stops every server and removes everything that the sandbox created, except the data directory. Further calls return the same
// result.
func (s *Sandbox) Close() error { return s.closeOnce() }

func (s *Sandbox) close() error {
	s.mu.Lock()
	s.closing = true
	for id := range s.standbys { // which removes their directories
		s.stopStandby(id)
	}
	s.mu.Unlock()
	s.cancel()
	var errs []error
	if s.http != nil {
		errs = append(errs, s.http.Close())
	}
	s.background.Wait()
	if s.world != nil {
		s.mu.Lock()
		errs = append(errs, s.save()) // the clock may have advanced since the last save
		s.mu.Unlock()
	}
	if s.engine != nil {
		errs = append(errs, s.engine.Close())
	}
	if s.dataDir != nil {
		errs = append(errs, s.dataDir.Close())
	}
	return errors.Join(errs...)
}

// URL returns the base URL of both APIs.
func (s *Sandbox) URL() string { return s.url }

// Token returns the API token of the admin.
func (s *Sandbox) Token() string { return s.options.Token }

// MemberToken returns the API token of the second user, who is a plain member of both teams.
func (s *Sandbox) MemberToken() string { return s.options.Token + "-member" }

// Team returns the name of the first team. The second team has the same name with the suffix "-data".
func (s *Sandbox) Team() string { return s.world.Enterprise.Name }

// Clock returns the sandbox's clock.
func (s *Sandbox) Clock() *Clock { return s.clock }

// Engine returns the name and version of the server behind the stores, such as "redis-server 7.0.15" or "miniredis".
func (s *Sandbox) Engine() string { return s.engine.Name() }
