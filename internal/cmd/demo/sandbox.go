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
	log     *os.File
	end     func() error
}

// ledger counts the billable objects that there ever were.
type ledger struct {
	Created, Destroyed, Orphans int
	Objects                     []struct{ Kind string }
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

// allocation is how long the sandbox takes for a space, which takes Heroku some ten minutes.
const allocation = 4 * time.Second

// startSandbox returns once the sandbox answers; its life does not end with ctx but with stop.
func startSandbox(ctx context.Context, binary, home string) (*sandbox, error) {
	s := &sandbox{process: command(context.WithoutCancel(ctx), binary, "--allocation="+allocation.String())}
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
		if name == "HEROKU_API_URL" {
			s.url = value
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

func (s *sandbox) ledger(ctx context.Context) (ledger, error) {
	var l ledger
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url+"/__sandbox/ledger", nil)
	if err != nil {
		return l, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return l, fmt.Errorf("asking the sandbox for its ledger: %w", err)
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		return l, fmt.Errorf("asking the sandbox for its ledger: %s", resp.Status)
	}
	if err := json.NewDecoder(resp.Body).Decode(&l); err != nil {
		return l, fmt.Errorf("reading the sandbox's ledger: %w", err)
	}
	return l, nil
}
