// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package sandbox

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// These tests check that clients and web pages cannot harm the machine on which a sandbox runs.

// A client of a store cannot affect anything but this store. A command that a server does not know is safe.
func TestProcess_aClientDoesNotLeaveItsStore(t *testing.T) {
	t.Parallel()
	e := processEngineFor(t)
	t.Log(e.Name())
	s := start(t, e, serverSpec{})
	elsewhere := t.TempDir()
	for _, user := range []string{"h", "default"} {
		c := client(t, s, user, "secret")
		for _, command := range []string{
			"CONFIG SET bind 0.0.0.0", "CONFIG SET port 6379", "CONFIG SET tls-port 6380", "CONFIG SET dir " + elsewhere,
			"CONFIG SET dbfilename x", "CONFIG SET appendonly yes",
			"CONFIG SET protected-mode no", "CONFIG SET requirepass other", "CONFIG SET maxmemory 0", "CONFIG SET maxclients 9999",
			"CONFIG SET enable-debug-command yes",
			"CONFIG REWRITE", "MODULE LOAD /tmp/x.so", "MODULE LIST", "DEBUG SLEEP 0", "DEBUG SEGFAULT", "SAVE", "BGSAVE", "BGREWRITEAOF",
			"SHUTDOWN NOSAVE",
			"REPLICAOF 127.0.0.1 1", "SLAVEOF 127.0.0.1 1", "FAILOVER", "CLUSTER RESET", "MIGRATE 127.0.0.1 1 key 0 10",
			"ACL SETUSER h +@all", "ACL SETUSER other on nopass ~* +@all", "ACL DELUSER " + adminUser, "ACL LOAD", "ACL SAVE", "ACL LIST",
			"ACL GETUSER " + adminUser,
		} {
			var words []any
			for _, word := range strings.Fields(command) {
				words = append(words, word)
			}
			err := c.Do(t.Context(), words...).Err()
			if err == nil || !strings.Contains(err.Error(), "NOPERM") && !strings.Contains(err.Error(), "no permissions") &&
				!strings.Contains(err.Error(), "unknown") &&
				!strings.Contains(err.Error(), "command not allowed") { // by any client
				t.Errorf("%s as %s: %v", command, user, err)
			}
			if err := c.Eval(t.Context(), "return redis.call(unpack(ARGV))", nil, words...).Err(); err == nil {
				t.Errorf("%s as %s, by a script", command, user)
			}
		}
		// commands of apps and forks still work
		for _, command := range []string{"SET key value", "GET key", "INFO", "DBSIZE", "CONFIG GET timeout", "CONFIG RESETSTAT", "ACL WHOAMI",
			"CLIENT LIST", "SCAN 0", "FLUSHALL"} {
			var words []any
			for _, word := range strings.Fields(command) {
				words = append(words, word)
			}
			if err := c.Do(t.Context(), words...).Err(); err != nil {
				t.Errorf("%s as %s: %v", command, user, err)
			}
		}
		if err := c.Do(t.Context(), "PSYNC").Err(); err == nil || !strings.Contains(err.Error(), "wrong number of arguments") {
			t.Errorf("%s may not replicate: %v", user, err)
		}
	}
	if files, err := os.ReadDir(elsewhere); err != nil || len(files) > 0 {
		t.Errorf("files elsewhere: %v, %v", files, err)
	}
	// the restrictions remain after a change of the password
	if err := s.SetPassword(t.Context(), "other", "secret"); err != nil {
		t.Fatal(err)
	}
	for _, password := range []string{"other", "secret"} {
		if err := client(t, s, "h", password).ConfigSet(t.Context(), "port", "6379").Err(); err == nil ||
			!strings.Contains(err.Error(), "NOPERM") {
			t.Errorf("after a rotation: %v", err)
		}
	}
	for _, password := range []string{"", "secret", "other", "kvs-sandbox"} {
		if err := client(t, s, adminUser, password).Ping(t.Context()).Err(); err == nil {
			t.Errorf("the sandbox's own user takes the password %q", password)
		}
	}
	if err := s.Admin(t.Context(), func(c *redis.Client) error { return c.ConfigSet(t.Context(), "timeout", "77").Err() }); err != nil {
		t.Errorf("the sandbox itself: %v", err)
	}
}

// A manipulated data directory cannot refer to directories outside of it.
func TestDataDir_idsThatAreNone(t *testing.T) {
	t.Parallel()
	const id = "7c4e2a90-3b5d-4f8e-a1c6-d2e3f4a5b6c7"
	whole := func() *world {
		w := newWorld(1, "acme", time.Now())
		w.AddOns[id] = &addOn{ID: id, App: id, Name: "orders-cache", Plan: "mini", State: stateProvisioned, Store: store{Server: id,
			Password: "secret"}}
		w.Events = []event{{ID: id, AddOn: id, Kind: planChanged, Due: time.Now().Add(time.Hour), Server: id}}
		return w
	}
	for name, edit := range map[string]func(w *world, victim string){
		"the server of a store":                 func(w *world, victim string) { w.AddOns[id].Store.Server = "../../" + filepath.Base(victim) },
		"the server of a store, none":           func(w *world, _ string) { w.AddOns[id].Store.Server = "" },
		"the server of a store, this directory": func(w *world, _ string) { w.AddOns[id].Store.Server = "." },
		"the server that a store goes to":       func(w *world, victim string) { w.Events[0].Server = "../../" + filepath.Base(victim) },
		"an add-on":                             func(w *world, victim string) { w.AddOns["../../"+filepath.Base(victim)] = w.AddOns[id] },
		"an add-on that is nothing":             func(w *world, _ string) { w.AddOns[id] = nil },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			parent := t.TempDir()
			victim, dir := filepath.Join(parent, "victim"), filepath.Join(parent, "data")
			if err := os.MkdirAll(victim, 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(victim, "precious"), []byte("x"), 0o600); err != nil {
				t.Fatal(err)
			}
			w := whole()
			edit(w, victim)
			d, err := openDataDir(dir, slog.New(slog.DiscardHandler))
			if err == nil {
				err = errors.Join(d.Save(worldKey, w), d.Close())
			}
			if err != nil {
				t.Fatal(err)
			}
			s, err := Start(t.Context(), Options{DataDir: dir, Engine: "miniredis", Clock: NewClock(time.Now())})
			if err == nil {
				err = s.Close()
				t.Errorf("it was started (%v)", err)
			} else if !strings.Contains(err.Error(), "data directory") {
				t.Error(err)
			}
			if _, err := os.Stat(filepath.Join(victim, "precious")); err != nil {
				t.Errorf("another directory was emptied: %v", err)
			}
		})
	}
	if err := whole().checkIDs(); err != nil {
		t.Errorf("what is right is refused: %v", err)
	}
}

func TestClock_doesNotOverflow(t *testing.T) {
	t.Parallel()
	const most = time.Duration(1<<63 - 1)
	for name, c := range map[string]*Clock{"manual": NewClock(time.Now()), "real": NewRealClock()} {
		before := c.Now()
		for range 5 {
			if c.Advance(most) {
				t.Errorf("%s: it was moved by %s", name, most)
			}
		}
		for c.Advance(50 * 365 * 24 * time.Hour) {
		}
		c.AdvanceTo(time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC))
		if now := c.Now(); now.Before(before) || now.After(maxTime.Add(time.Hour)) || c.Advance(time.Hour) {
			t.Errorf("%s: it is %s", name, now)
		}
	}
}

// dial opens a raw connection to the sandbox.
func dial(t *testing.T, s *Sandbox, text string) *bufio.Reader {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", strings.TrimPrefix(s.URL(), "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	deadline, _ := ctx.Deadline()
	_ = conn.SetDeadline(deadline)
	_, _ = conn.Write([]byte(text))
	return bufio.NewReader(conn)
}

// Every endpoint ends a request whose body does not arrive, and one with endless headers.
func TestServer_whoSendsNoBodyIsNotWaitedFor(t *testing.T) {
	t.Parallel()
	s, err := Start(t.Context(), Options{Engine: "miniredis", Clock: NewClock(time.Now())})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	s.bodyTimeout = 50 * time.Millisecond
	for _, path := range []string{"/apps", "/__sandbox/clock", "/__sandbox/faults"} {
		head := fmt.Sprintf(
			"POST %s HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: 10\r\nAuthorization: Bearer %s\r\n\r\n{", path,
			s.Token())
		answer, err := dial(t, s, head).ReadString('\n')
		if !strings.HasPrefix(answer, "HTTP/1.1 4") && !errors.Is(err, io.EOF) { // it is refused, or the connection ends
			t.Errorf("%s: %q, %v", path, answer, err)
		}
	}
	answer, err := dial(t, s, "GET /apps HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Long: "+strings.Repeat("x", 128<<10)+"\r\n\r\n").ReadString('\n')
	if err == nil && !strings.Contains(answer, " 431 ") {
		t.Errorf("128 kB of headers: %q", answer)
	}
}
