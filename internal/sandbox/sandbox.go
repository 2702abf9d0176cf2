// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

// Package sandbox is a local Heroku: the Platform API and the Data API, with a real server behind each store.
//
// It takes facts from keyvalue and decides by itself: the catalogue of plans, the limits of spaces, and the defaults of networks and
// settings are shared; what a request may say, which plan fits where, and when a window begins are written here a second time, so that
// a mistake of the provider's is a failed test instead of being made on both sides.
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

// Options of a sandbox; the zero value is usable.
type Options struct {
	Addr            string        // where to listen, loopback only; default 127.0.0.1:0
	Token           string        // of the admin; default that of the data directory, or a random one
	Team            string        // name of the first team and of the enterprise account; default "acme"
	DataDir         string        // keeps the world and the stores' data across restarts; "" = nothing is kept
	Engine          string        // what runs behind a store: auto (default), valkey, redis, miniredis
	Provisioning    time.Duration // how long a store takes to be provisioned, or its plan to be changed; default 3 s
	Maintenance     time.Duration // how long a maintenance runs, after it took Provisioning to prepare it; default the same
	Forking         time.Duration // how long a fork is still in progress once it is provisioned; default 0: it is complete by then
	CopyForks       bool          // on miniredis a fork of a store in this sandbox is a copy, instead of being refused
	Rotation        time.Duration // how long it takes to rotate credentials; default 0
	PasswordOverlap time.Duration // how long after that the former password still opens the store, though not on miniredis; default 0
	DataAPIDelay    time.Duration // how long after its creation a store is unknown to the Data API; default 0
	Allocation      time.Duration // how long a space takes to be allocated, or to be deleted; default 3 s
	AppDelay        time.Duration // how long after its creation an app in a space refuses add-ons, attachments and config vars; default 0
	RulesetDelay    time.Duration // how long after its allocation a space's inbound ruleset is not found; default 0
	Undeployed      bool          // apps begin without a deployment, and have no process types; default web and worker, one dyno each
	StrictPlacement bool          // a plan outside of an app's Private Space is refused with 422; default 423 until it is confirmed
	Latency         time.Duration // added to every request, in real time
	RateLimit       int           // tokens per account and hour; default 4500
	PageSize        int           // items per page; set, it also caps what a request may ask for. Default 200, at most 1000
	Seed            uint64        // of names, ids and passwords; default a random one
	Clock           *Clock        // default real time
	Log             *slog.Logger  // default none
}

// Sandbox is a local Heroku: the Platform API and the Data API on one port, and a real server behind each store.
type Sandbox struct {
	options  Options
	log      *slog.Logger
	clock    *Clock
	url      string
	engine   engine
	dataDir  *dataDir // nil: nothing is kept
	journal  journal
	history  history
	page     webPage
	limiter  limiter
	mux      *http.ServeMux
	control  *http.ServeMux
	tokens   map[string]string // token -> user id
	settling chan struct{}     // held by the one request that lets due events happen

	bodyTimeout time.Duration // real time in which the body of a request has to arrive

	mu          sync.Mutex // guards what follows
	world       *world
	faults      faults
	backings    map[string]*backing // the server behind each store, by add-on id
	successors  map[string]*backing // the one that a plan change copies to, or that a failover goes to
	standbys    map[string]standby  // those that were frozen
	creating    map[string]bool     // apps on which an add-on is being created
	logSessions map[string]logSession
	closing     bool // no request is begun any more

	life       context.Context // ends with Close
	end        context.CancelFunc
	background sync.WaitGroup // requests, and work on servers
	http       *http.Server
	closed     func() error
}

const (
	defaultPageSize = 200
	worldKey        = "world"
)

// Start returns once requests are answered; ctx bounds the start only. Close must be called.
func Start(ctx context.Context, o Options) (_ *Sandbox, err error) {
	if err := o.complete(); err != nil {
		return nil, err
	}
	s := &Sandbox{
		options:     o,
		log:         o.Log,
		clock:       o.Clock,
		settling:    make(chan struct{}, 1),
		bodyTimeout: 30 * time.Second,
		backings:    map[string]*backing{},
		successors:  map[string]*backing{},
		standbys:    map[string]standby{},
		creating:    map[string]bool{},
		logSessions: map[string]logSession{},
		limiter:     limiter{o.RateLimit, map[string]*rate.Limiter{}},
		page:        webPage{token: randomID(), usages: map[string]usage{}},
	}
	s.life, s.end = context.WithCancel(context.WithoutCancel(ctx))
	s.closed = sync.OnceValue(s.close)
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

// openEngine opens the data directory, if there is one, and finds what runs behind the stores.
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

// randomID is for what no seed should foretell or repeat: tokens and request ids.
func randomID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	return formatUUID(b, 4)
}

// openWorld continues the world of the data directory, servers included, or begins a new one.
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
		s.world.Spaces = map[string]*space{} // the data directory is older than spaces
	}
	s.options.Token = cmp.Or(s.options.Token, s.world.Token, "HRKU-"+randomID())
	s.world.Token = s.options.Token
	s.clock.AdvanceTo(s.world.SavedAt) // it may have been advanced before the restart
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

// save keeps the world after each change; s.mu is held (or nobody else is there yet).
func (s *Sandbox) save() error {
	s.page.changed()
	if s.dataDir == nil {
		return nil
	}
	s.world.SavedAt = s.clock.Now()
	return s.dataDir.Save(worldKey, s.world)
}

// Close stops every server and removes what the sandbox created, but for a data directory. A second call does nothing more.
func (s *Sandbox) Close() error { return s.closed() }

func (s *Sandbox) close() error {
	s.mu.Lock()
	s.closing = true
	for id := range s.standbys { // their directories would be left behind
		s.stopStandby(id)
	}
	s.mu.Unlock()
	s.end()
	var errs []error
	if s.http != nil {
		errs = append(errs, s.http.Close())
	}
	s.background.Wait()
	if s.world != nil {
		s.mu.Lock()
		errs = append(errs, s.save()) // the clock may have moved since
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

// URL is the base URL of both APIs.
func (s *Sandbox) URL() string { return s.url }

// Token is the admin's.
func (s *Sandbox) Token() string { return s.options.Token }

// MemberToken is that of the second user, a plain member of both teams.
func (s *Sandbox) MemberToken() string { return s.options.Token + "-member" }

// Team is the name of the first team; the second has "-data" behind it.
func (s *Sandbox) Team() string { return s.world.Enterprise.Name }

// Clock is the sandbox's time.
func (s *Sandbox) Clock() *Clock { return s.clock }

// Engine is a human name of what runs behind the stores: "redis-server 7.0.15", "miniredis".
func (s *Sandbox) Engine() string { return s.engine.Name() }
