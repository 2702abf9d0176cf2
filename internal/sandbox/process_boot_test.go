// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package sandbox

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/redis/go-redis/v9"
)

// started counts the servers of an engine that have ever started a process.
func started(t *testing.T, e *processEngine) int {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(e.dir, "store-*", pidFileName))
	if err != nil {
		t.Fatal(err)
	}
	return len(files)
}

func ping(t *testing.T, s server) {
	t.Helper()
	if err := client(t, s, "h", "secret").Ping(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
}

func TestProcess_asManyRunAsWereConnectedTo(t *testing.T) {
	t.Parallel()
	e := processEngineFor(t)
	var servers []server
	for i := range 200 {
		s := start(t, e, serverSpec{Persistent: i%2 == 0})
		if err := s.Configure(t.Context(), serverSettings{Timeout: i}); err != nil {
			t.Fatal(err)
		}
		if !s.Idle() {
			t.Errorf("server %d is not idle", i)
		}
		servers = append(servers, s)
	}
	const strangers = 10 // clients of other tests, whose store had one of these ports before
	if n := started(t, e); n > strangers {
		t.Errorf("%d processes run before anybody connects", n)
	}
	for i := range 3 {
		ping(t, servers[i*50])
	}
	if n := started(t, e); n < 3 || n > 3+strangers || servers[0].Idle() || servers[50].Idle() {
		t.Errorf("%d processes run for three connections", n)
	}
}

// countingServer is an engine with a real server that records each start, and fails while the file "broken" exists.
func countingServer(t *testing.T) (e *processEngine, starts func() int, broken string) {
	t.Helper()
	real, dir := processEngineFor(t), t.TempDir()
	log, broken := filepath.Join(dir, "starts"), filepath.Join(dir, "broken")
	script := fmt.Sprintf("echo start >>%s\nif [ -e %s ]; then grep requirepass; echo out of order; exit 3; fi\nexec %s -\n", log, broken,
		real.binary)
	return fakeServer(t, script).(*processEngine), func() int {
		text, _ := os.ReadFile(log)
		return strings.Count(string(text), "start")
	}, broken
}

func TestProcess_connectionsAtOnceStartOneProcess(t *testing.T) {
	t.Parallel()
	e, starts, _ := countingServer(t)
	s := start(t, e, serverSpec{})
	var users sync.WaitGroup
	errs := make([]error, 20)
	for i := range errs {
		c := client(t, s, "h", "secret")
		users.Go(func() {
			if i%4 == 0 {
				errs[i] = s.Admin(t.Context(), func(*redis.Client) error { return nil })
			} else {
				errs[i] = c.Ping(t.Context()).Err()
			}
		})
	}
	users.Wait()
	for i, err := range errs {
		if err != nil {
			t.Errorf("user %d: %v", i, err)
		}
	}
	if n := starts(); n != 1 {
		t.Errorf("%d processes were started", n)
	}
}

func TestProcess_aStartThatFailsIsLoggedAndTheNextConnectionTriesAgain(t *testing.T) {
	t.Parallel()
	e, starts, broken := countingServer(t)
	log := make(lines, 8)
	e.log = slog.New(slog.NewTextHandler(log, nil))
	if err := os.WriteFile(broken, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	s := start(t, e, serverSpec{ID: "orders-cache"})
	for attempt := 1; attempt <= 2; attempt++ {
		if got, err := io.ReadAll(visit(t, port(s))); err != nil || len(got) > 0 {
			t.Errorf("the connection ends with %q, %v", got, err)
		}
		line := <-log
		for _, want := range []string{"did not start", "orders-cache", "out of order", "exit status 3", "(sensitive)"} {
			if !strings.Contains(line, want) {
				t.Errorf("the log has no %q: %s", want, line)
			}
		}
		if strings.Contains(line, `"secret`) {
			t.Errorf("the log has the password in it: %s", line)
		}
		if n := starts(); n != attempt {
			t.Errorf("%d starts for %d connections", n, attempt)
		}
	}
	if err := os.Remove(broken); err != nil {
		t.Fatal(err)
	}
	ping(t, s)
}

func TestProcess_changesBeforeTheFirstConnectionHoldAfterIt(t *testing.T) {
	t.Parallel()
	e := processEngineFor(t)
	s := start(t, e, serverSpec{Password: "first", Limits: serverLimits{MaxMemory: 25 << 20, MaxClients: 20}})
	for _, err := range []error{
		s.Configure(t.Context(), serverSettings{Timeout: 77, MaxmemoryPolicy: "allkeys-lru", NotifyKeyspaceEvents: "KEA"}),
		s.Limit(t.Context(), serverLimits{MaxMemory: 50 << 20, MaxClients: 40}),
		s.SetPassword(t.Context(), "second", ""),
		s.SetPassword(t.Context(), "third", "second"),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	if n := started(t, e); n != 0 {
		t.Errorf("%d processes run", n)
	}
	opens := func(want map[string]bool) {
		t.Helper()
		for password, opens := range want {
			for _, user := range []string{"", "h"} {
				if err := client(t, s, user, password).Ping(t.Context()).Err(); (err == nil) != opens {
					t.Errorf("as user %q with the %s password: %v", user, password, err)
				}
			}
		}
	}
	opens(map[string]bool{"first": false, "second": true, "third": true})
	for name, want := range map[string]string{
		"timeout": "77", "maxmemory-policy": "allkeys-lru", "notify-keyspace-events": "AKE", "maxmemory": "52428800", "maxclients": "42",
		"requirepass": "third",
	} {
		if got := setting(t, client(t, s, "h", "third"), name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if err := s.SetPassword(t.Context(), "third", ""); err != nil {
		t.Fatal(err)
	}
	opens(map[string]bool{"first": false, "second": false, "third": true})
}

func TestProcess_aRestartStartsNoServerThatDoesNotRun(t *testing.T) {
	t.Parallel()
	e := processEngineFor(t)
	s := start(t, e, serverSpec{Password: "first", Settings: serverSettings{Timeout: 1}})
	if err := s.Restart(t.Context(), serverSpec{Password: "secret", Settings: serverSettings{Timeout: 77}}); err != nil {
		t.Fatal(err)
	}
	if n := started(t, e); n != 0 {
		t.Errorf("%d processes run", n)
	}
	if got := setting(t, client(t, s, "h", "secret"), "timeout"); got != "77" {
		t.Errorf("the timeout is %q", got)
	}
}

func TestProcess_oneThatEndedByItselfStartsAgainWithWhatItKeeps(t *testing.T) {
	t.Parallel()
	for persistent, want := range map[bool]int64{true: 1, false: 0} {
		t.Run(fmt.Sprintf("persistent %t", persistent), func(t *testing.T) {
			t.Parallel()
			s := start(t, processEngineFor(t), serverSpec{Persistent: persistent, Settings: serverSettings{Timeout: 77}})
			c := client(t, s, "h", "secret")
			if err := c.Set(t.Context(), "key", "value", 0).Err(); err != nil {
				t.Fatal(err)
			}
			waits := client(t, s, "h", "secret").Conn()
			t.Cleanup(func() { _ = waits.Close() })
			if err := waits.Ping(t.Context()).Err(); err != nil {
				t.Fatal(err)
			}
			blocked := make(chan error, 1)
			go func() { blocked <- waits.BLPop(t.Context(), 0, "never").Err() }()
			child := s.(*processServer).child
			// a file that must be removed for a store that is not persistent
			_ = s.Admin(t.Context(), func(c *redis.Client) error { return c.Do(t.Context(), "SHUTDOWN", "SAVE").Err() })
			<-child.done
			if err := <-blocked; err == nil {
				t.Error("a client's connection outlived the server")
			}
			again := client(t, s, "h", "secret")
			if n, err := again.DBSize(t.Context()).Result(); n != want || err != nil {
				t.Errorf("there are %d keys, %v; want %d", n, err, want)
			}
			if got := setting(t, again, "timeout"); got != "77" {
				t.Errorf("the timeout is %q", got)
			}
		})
	}
}

func TestProcess_theServerItselfRejectsAClientBeyondTheLimit(t *testing.T) {
	t.Parallel()
	s := start(t, processEngineFor(t), serverSpec{Limits: serverLimits{MaxClients: 1}})
	var clients []*redis.Conn
	for range 1 + reservedClients {
		connected := client(t, s, "h", "secret").Conn()
		clients = append(clients, connected)
		t.Cleanup(func() { _ = connected.Close() })
		if err := connected.Ping(t.Context()).Err(); err != nil {
			t.Fatal(err)
		}
	}
	if err := tls.Client(visit(t, port(s)), &tls.Config{InsecureSkipVerify: true}).HandshakeContext(t.Context()); err == nil {
		t.Error("one more client is connected")
	}
	if text := clients[0].Info(t.Context(), "stats").Val(); !regexp.MustCompile(`rejected_connections:[1-9]`).MatchString(text) {
		t.Errorf("the server says %s", text)
	}
}

func TestProcess_stopEndsAStartAndThoseWhoWaitForIt(t *testing.T) {
	t.Parallel()
	e := fakeServer(t, "trap '' TERM; cat >/dev/null; echo started >&2; while :; do sleep 0.1; done\n").(*processEngine)
	s := start(t, e, serverSpec{}).(*processServer)
	waiting := visit(t, port(s))
	asked := make(chan error, 2)
	go func() { asked <- s.Admin(t.Context(), nil) }()
	go func() { asked <- s.Follow(t.Context(), source{Host: "127.0.0.1", Port: 1}) }()
	for s.processPort.Load() == 0 && started(t, e) == 0 {
		if !sleep(t.Context(), readyPoll) {
			t.Fatal("no process is started")
		}
	}
	if err := s.Stop(context.WithoutCancel(t.Context()), false); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := <-asked; err == nil {
			t.Error("who waited got a server")
		}
	}
	if got, _ := io.ReadAll(waiting); len(got) > 0 {
		t.Errorf("the connection got %q", got)
	}
	if listens(t, s) {
		t.Error("the port is still open")
	}
	if _, err := os.Stat(s.spec.Dir); !os.IsNotExist(err) {
		t.Errorf("the directory is still there: %v", err)
	}
	if err := s.Admin(t.Context(), nil); err == nil {
		t.Error("a stopped server was started")
	}
}
