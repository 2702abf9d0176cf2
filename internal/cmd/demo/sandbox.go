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
	"syscall"
	"time"
)

// sandbox is the kvs-sandbox command in a process of its own.
type sandbox struct {
	process            *exec.Cmd
	log                string   // the file that it logs into
	env                []string // what it printed for its users' environment
	url, token, engine string   // engine: "redis-server 7.0.15", or "miniredis", which cannot be forked
}

var engineInLog = regexp.MustCompile(`engine="?([^"\n]+)`)

// start returns when the sandbox is ready. The sandbox runs until stop, not until the end of ctx. It takes a second for a store
// and half a second for a space, which take Heroku minutes.
func (s *sandbox) start(ctx context.Context, binary, home string) {
	s.log = filepath.Join(home, "sandbox.log")
	log, err := os.Create(s.log)
	must(err)
	defer func() { _ = log.Close() }()
	s.process = command(context.WithoutCancel(ctx), home, binary, "--provisioning=1s", "--allocation=500ms")
	s.process.Stderr = log
	stdout, err := s.process.StdoutPipe()
	must(err)
	must(s.process.Start())
	defer context.AfterFunc(ctx, func() { _ = s.process.Process.Signal(syscall.SIGTERM) })()
	line, err := bufio.NewReader(stdout).ReadString('\n') // export HEROKU_API_URL=http://127.0.0.1:40000 HEROKU_API_KEY=…
	must(err)
	s.env = strings.Fields(strings.ReplaceAll(strings.TrimPrefix(line, "export "), "'", ""))
	for _, variable := range s.env {
		switch name, value, _ := strings.Cut(variable, "="); name {
		case "HEROKU_API_URL":
			s.url = value
		case "HEROKU_API_KEY":
			s.token = value
		}
	}
	said, err := os.ReadFile(s.log)
	must(err)
	s.engine = strings.TrimSpace(string(engineInLog.FindSubmatch(said)[1]))
}

// stop ends the sandbox, which ends every server that it started.
func (s *sandbox) stop() error {
	if s.process == nil || s.process.Process == nil {
		return nil
	}
	_ = s.process.Process.Signal(syscall.SIGTERM)
	err := s.process.Wait()
	if err != nil {
		said, _ := os.ReadFile(s.log)
		err = fmt.Errorf("the sandbox failed: %w\n%s", err, said)
	}
	return err
}

// get reads from Heroku's API, or from the sandbox's own endpoints.
func get[T any](ctx context.Context, s *sandbox, path string) (answer T) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url+path, nil)
	must(err)
	request.Header = http.Header{"Accept": {"application/vnd.heroku+json; version=3"}, "Authorization": {"Bearer " + s.token}}
	response, err := http.DefaultClient.Do(request)
	must(err)
	defer func() { _ = response.Body.Close() }()
	mustBe(response.StatusCode == http.StatusOK, "GET %s: %s", path, response.Status)
	must(json.NewDecoder(response.Body).Decode(&answer))
	return answer
}

// ledger counts the billable objects that were ever created.
type ledger struct {
	Created, Destroyed, Orphans int
	Objects                     []billable
}

type billable struct {
	Kind, ID, Name string
	DestroyedAt    *time.Time `json:"destroyed_at"`
}

func (s *sandbox) ledger(ctx context.Context) ledger { return get[ledger](ctx, s, "/__sandbox/ledger") }

// String: "2 stores and 1 space created, 3 destroyed, orphans 0".
func (l ledger) String() string {
	counts := map[string]int{}
	for _, object := range l.Objects {
		counts[object.Kind]++
	}
	return fmt.Sprintf("%s and %s created, %d destroyed, orphans %d",
		counted(counts["add-on"], "store"), counted(counts["space"], "space"), l.Destroyed, l.Orphans)
}

func counted(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

func (l ledger) object(id string) billable {
	for _, object := range l.Objects {
		if object.ID == id {
			return object
		}
	}
	must(errors.New("the ledger has no object " + id))
	return billable{}
}

// app is what a migration changes of an app and has to put back.
type app struct {
	id, formation string // "web=1 worker=1"
	maintenance   bool
	held          bool // the provider's note of how to put it back exists
}

func (s *sandbox) app(ctx context.Context, name string) app {
	a := get[struct {
		ID          string
		Maintenance bool
	}](ctx, s, "/apps/"+name)
	var formation []string
	for _, process := range get[[]struct{ Type, Quantity any }](ctx, s, "/apps/"+name+"/formation") {
		formation = append(formation, fmt.Sprintf("%v=%v", process.Type, process.Quantity))
	}
	slices.Sort(formation)
	_, held := get[map[string]string](ctx, s, "/apps/"+name+"/config-vars")["KVS_MIGRATION"]
	return app{a.ID, strings.Join(formation, " "), a.Maintenance, held}
}

// changes counts the requests that have changed something at a path.
func (s *sandbox) changes(ctx context.Context, path string) (n int) {
	for _, request := range get[[]struct{ Method, Path string }](ctx, s, "/__sandbox/journal") {
		if request.Method == http.MethodPatch && request.Path == path {
			n++
		}
	}
	return n
}
