// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
)

// sandbox is the local Heroku, in a process of its own.
type sandbox struct {
	process *exec.Cmd
	env     []string // what it printed: where it is, and a token
	url     string
	token   string
	log     *os.File
	end     func() error
}

// ledger counts the billable objects that there ever were.
type ledger struct {
	Created, Destroyed, Orphans int
	Objects                     []entry
}

type entry struct {
	Kind, ID, Name string
	DestroyedAt    *time.Time `json:"destroyed_at"` // nil: it lives
}

func (l ledger) spaces() int {
	spaces := 0
	for _, object := range l.Objects {
		if object.Kind == "space" {
			spaces++
		}
	}
	return spaces
}

func (l ledger) stores() int { return len(l.Objects) - l.spaces() }

// String: "2 stores and 1 space created, 3 destroyed, orphans 0".
func (l ledger) String() string {
	return fmt.Sprintf("%s and %s created, %d destroyed, orphans %d", counted(l.stores(), "store"), counted(l.spaces(), "space"), l.Destroyed, l.Orphans)
}

func counted(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// How long the sandbox takes for a store and for a space, which take Heroku minutes.
const (
	provisioning = time.Second
	allocation   = time.Second / 2
)

// startSandbox returns once the sandbox answers; its life does not end with ctx but with stop.
func startSandbox(ctx context.Context, binary, home string) (*sandbox, error) {
	s := &sandbox{process: command(context.WithoutCancel(ctx), binary, "--provisioning="+provisioning.String(), "--allocation="+allocation.String())}
	s.process.Dir, s.process.Env = home, bareEnvironment(home)
	stdout, err := s.process.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if s.log, err = os.Create(filepath.Join(home, "sandbox.log")); err != nil {
		return nil, err
	}
	s.process.Stderr = s.log
	if err := s.process.Start(); err != nil {
		return nil, err
	}
	s.end = sync.OnceValue(func() error {
		_ = s.process.Process.Signal(syscall.SIGTERM)
		return errors.Join(s.process.Wait(), s.log.Close())
	})
	ready := context.AfterFunc(ctx, func() { _ = s.process.Process.Signal(syscall.SIGTERM) })
	defer ready()

	lines := bufio.NewScanner(stdout)
	for s.url == "" && lines.Scan() {
		s.read(lines.Text())
	}
	if s.url == "" {
		return nil, fmt.Errorf("the sandbox did not start: %w\n%s", errors.Join(ctx.Err(), s.end()), s.said())
	}
	return s, nil
}

// read takes the variables from the line that the sandbox prints once it is ready, such as: export HEROKU_API_URL=http://127.0.0.1:40000 HEROKU_API_KEY=…
func (s *sandbox) read(line string) {
	assignments, ok := strings.CutPrefix(line, "export ")
	if !ok {
		return
	}
	for _, assignment := range strings.Fields(assignments) {
		name, value, _ := strings.Cut(assignment, "=")
		value = strings.Trim(value, "'\"")
		s.env = append(s.env, name+"="+value)
		switch name {
		case "HEROKU_API_URL":
			s.url = value
		case "HEROKU_API_KEY":
			s.token = value
		}
	}
}

// stop ends the sandbox and every server that it started.
func (s *sandbox) stop() error {
	if err := s.end(); err != nil {
		return fmt.Errorf("the sandbox did not end well: %w\n%s", err, s.said())
	}
	return nil
}

// said is all that the sandbox wrote for people.
func (s *sandbox) said() string {
	said, err := os.ReadFile(s.log.Name())
	if err != nil {
		return err.Error()
	}
	return string(said)
}

var engineInLog = regexp.MustCompile(`engine="?([^"\n]+)`)

// engine is what runs behind the stores, such as "redis-server 7.0.15", as the sandbox's log names it.
func (s *sandbox) engine() string {
	if found := engineInLog.FindStringSubmatch(s.said()); found != nil {
		return strings.TrimSpace(found[1])
	}
	return "a server"
}

// forks says whether stores can be copied: an embedded server cannot.
func (s *sandbox) forks() bool { return s.engine() != "miniredis" }

func (s *sandbox) ledger(ctx context.Context) (l ledger, err error) {
	err = s.get(ctx, "/__sandbox/ledger", &l)
	return l, err
}

// app is what a migration may change of an app, but for its store.
type app struct {
	ID          string
	Maintenance bool
	Dynos       string // "web=1 worker=1"
	Held        bool   // the provider keeps a memo there of how to put it back
}

func (s *sandbox) app(ctx context.Context, name string) (a app, err error) {
	var formation []struct {
		Type     string
		Quantity int
	}
	vars, err := s.configVars(ctx, name)
	if err := errors.Join(err, s.get(ctx, "/apps/"+name, &a), s.get(ctx, "/apps/"+name+"/formation", &formation)); err != nil {
		return a, err
	}
	var dynos []string
	for _, process := range formation {
		dynos = append(dynos, fmt.Sprintf("%s=%d", process.Type, process.Quantity))
	}
	slices.Sort(dynos)
	a.Dynos = strings.Join(dynos, " ")
	_, a.Held = vars["KVS_MIGRATION"]
	return a, nil
}

func (s *sandbox) configVars(ctx context.Context, app string) (vars map[string]string, err error) {
	err = s.get(ctx, "/apps/"+app+"/config-vars", &vars)
	return vars, err
}

// primary is the id of the store that an app's REDIS_URL is of.
func (s *sandbox) primary(ctx context.Context, app string) (string, error) {
	var attachment struct{ AddOn struct{ ID string } }
	err := s.get(ctx, "/apps/"+app+"/addon-attachments/REDIS", &attachment)
	return attachment.AddOn.ID, err
}

// changes counts the requests that have changed something at a path.
func (s *sandbox) changes(ctx context.Context, path string) (n int, err error) {
	var journal []struct{ Method, Path string }
	if err := s.get(ctx, "/__sandbox/journal", &journal); err != nil {
		return 0, err
	}
	for _, request := range journal {
		if request.Method == http.MethodPatch && request.Path == path {
			n++
		}
	}
	return n, nil
}

// get reads what Heroku, or the sandbox itself, says at a path.
func (s *sandbox) get(ctx context.Context, path string, into any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url+path, nil)
	if err != nil {
		return err
	}
	req.Header.Set("Accept", "application/vnd.heroku+json; version=3")
	req.Header.Set("Authorization", "Bearer "+s.token)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("asking the sandbox for %s: %w", path, err)
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("asking the sandbox for %s: %s", path, resp.Status)
	}
	if err := json.NewDecoder(resp.Body).Decode(into); err != nil {
		return fmt.Errorf("reading the sandbox's %s: %w", path, err)
	}
	return nil
}
