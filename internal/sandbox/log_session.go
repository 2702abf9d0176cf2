// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package sandbox

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// logSession gives access to the log stream of an app, at a URL that needs no token (Platform API reference, log sessions). It is not kept
// across restarts.
type logSession struct {
	App       string // id
	Process   string // process type or source to show; "" = all. Only heroku-redis has logs
	Lines     int    // maximum number of lines at the start
	Tail      bool   // continue until the client disconnects
	ExpiresAt time.Time
}

const (
	logPrefix       = "/logplex/sessions/"
	logSessionLife  = 5 * time.Minute
	defaultLogLines = 100
	maxLogLines     = 1500
	logProcess      = "heroku-redis"
)

func createLogSession(c *call, a *app, in struct {
	Dyno     string `json:"dyno"`
	DynoName string `json:"dyno_name"`
	Type     string `json:"type"`
	Source   string `json:"source"`
	Lines    *int   `json:"lines"`
	Tail     bool   `json:"tail"`
}) (any, error) {
	session := logSession{App: a.ID, Process: cmp.Or(in.Type, in.DynoName, in.Dyno), Lines: defaultLogLines, Tail: in.Tail,
		ExpiresAt: c.now.Add(logSessionLife)}
	if in.Source != "" && in.Source != "app" {
		session.Process = in.Source
	}
	if in.Lines != nil {
		if *in.Lines < 0 || *in.Lines > maxLogLines {
			return nil, invalid("lines must be between 0 and %d.", maxLogLines)
		}
		session.Lines = *in.Lines
	}
	id := randomID()
	c.s.logSessions[id] = session
	return object{"id": id, "logplex_url": c.s.url + logPrefix + id, "created_at": stamp(c.now), "updated_at": stamp(c.now)}, nil
}

// serveLog streams the log lines of a session, as Server-Sent Events if the client accepts them, like the Heroku CLI, or else as text.
func (s *Sandbox) serveLog(w http.ResponseWriter, r *http.Request) {
	id := strings.TrimPrefix(r.URL.Path, logPrefix)
	s.mu.Lock()
	session, ok := s.logSessions[id]
	if s.closing || !ok || !s.clock.Now().Before(session.ExpiresAt) {
		delete(s.logSessions, id)
		s.mu.Unlock()
		http.Error(w, "The log session has expired.", http.StatusNotFound)
		return
	}
	s.background.Add(1)
	s.mu.Unlock()
	defer s.background.Done()

	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	defer context.AfterFunc(s.lifetime, cancel)()
	events := strings.Contains(r.Header.Get("Accept"), "text/event-stream")
	w.Header().Set("Content-Type", map[bool]string{true: "text/event-stream", false: "text/plain; charset=utf-8"}[events])
	w.WriteHeader(http.StatusOK)
	for first := true; first || session.Tail; first = false {
		now := s.clock.Now()
		lines := s.samples(ctx, session, now)
		if first {
			lines = lines[max(0, len(lines)-session.Lines):]
		}
		for _, line := range lines {
			if events {
				line = "data: " + line + "\n"
			}
			if _, err := io.WriteString(w, line+"\n"); err != nil {
				return // the client has disconnected
			}
		}
		if err := http.NewResponseController(w).Flush(); err != nil || session.Tail && s.clock.waitUntil(ctx, now.Add(sampleInterval)) != nil {
			return
		}
	}
}

// samples returns the current log lines of all stores that are attached to the app of a session.
func (s *Sandbox) samples(ctx context.Context, session logSession, now time.Time) []string {
	if session.Process != "" && session.Process != logProcess {
		return nil
	}
	if err := s.applyDueEvents(ctx); err != nil {
		s.log.Error("due events cannot be applied", "error", err)
	}
	type sampled struct {
		source, store string
		backing       *backing
	}
	var stores []sampled
	s.mu.Lock()
	for _, at := range sorted(s.world.Attachments) {
		if a := s.world.AddOns[at.AddOn]; at.App == session.App && a.isStore() && a.State == stateProvisioned {
			stores = append(stores, sampled{at.Name, a.Name, s.backings[a.ID]})
		}
	}
	s.mu.Unlock()
	slices.SortFunc(stores, func(a, b sampled) int { return strings.Compare(a.source, b.source) })

	var lines []string
	for _, store := range stores {
		metrics, err := store.backing.sample(ctx)
		if err != nil {
			s.log.Debug("a store was not sampled", "store", store.store, "error", err)
			continue // Heroku too delivers logs on a best-effort basis
		}
		lines = append(lines, fmt.Sprintf("%s app[%s]: source=%s addon=%s %s",
			now.Format("2006-01-02T15:04:05.000000+00:00"), logProcess, store.source, store.store, metrics))
	}
	return lines
}

// sample reads the metrics of the server, as sampleLine returns them.
func (b *backing) sample(ctx context.Context) (metrics string, err error) {
	ctx, cancel := context.WithTimeout(ctx, sampleTimeout)
	defer cancel()
	srv, err := b.wait(ctx)
	if err != nil {
		return "", err
	}
	if srv.Idle() { // a connection would start it
		return sampleLine(idleInfo, machineLoad()), nil
	}
	err = srv.Admin(ctx, func(c *redis.Client) error {
		all := map[string]string{}
		for _, section := range []string{"clients", "memory", "stats"} {
			fields, err := info(ctx, c, section)
			if err != nil && section == "clients" { // the only section that miniredis has
				return err
			}
			for name, value := range fields {
				all[name] = value
			}
		}
		metrics = sampleLine(all, machineLoad())
		return nil
	})
	return metrics, err
}
