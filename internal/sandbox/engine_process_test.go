// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package sandbox

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

func TestProcess_settingsAndLimitsTakeEffectAtStartAndLater(t *testing.T) {
	t.Parallel()
	s := start(t, processEngineFor(t), serverSpec{
		Limits:   serverLimits{MaxMemory: 25 << 20, MaxClients: 20},
		Settings: serverSettings{Timeout: 300, MaxmemoryPolicy: "allkeys-lru", NotifyKeyspaceEvents: "KEA"},
	})
	c := client(t, s, "h", "secret")
	check := func(want map[string]string) {
		t.Helper()
		for name, value := range want {
			if got := setting(t, c, name); got != value {
				t.Errorf("%s is %q, want %q", name, got, value)
			}
		}
	}
	check(map[string]string{
		"maxmemory": "26214400", "maxclients": "22", "timeout": "300", "maxmemory-policy": "allkeys-lru", "notify-keyspace-events": "AKE",
		"appendonly": "no", "save": "", "unixsocket": "", "port": "0",
	})
	if err := s.Configure(t.Context(), serverSettings{Timeout: 0, MaxmemoryPolicy: "volatile-ttl"}); err != nil {
		t.Fatal(err)
	}
	if err := s.Limit(t.Context(), serverLimits{MaxMemory: 1 << 30, MaxClients: 200}); err != nil {
		t.Fatal(err)
	}
	check(map[string]string{"maxmemory": "1073741824", "maxclients": "202", "timeout": "0", "maxmemory-policy": "volatile-ttl",
		"notify-keyspace-events": ""})
}

func TestProcess_thePlanWithTheMostConnectionsStartsWithinTheMachinesLimit(t *testing.T) {
	t.Parallel()
	e := processEngineFor(t)
	s := start(t, e, serverSpec{Limits: serverLimits{MaxMemory: 100 << 30, MaxClients: 20}})
	if err := s.Limit(t.Context(), serverLimits{MaxMemory: 100 << 30, MaxClients: 65000}); err != nil {
		t.Fatal(err)
	}
	direct := start(t, e, serverSpec{Limits: serverLimits{MaxMemory: 100 << 30, MaxClients: 65000}})
	want := fmt.Sprint(min(65000+reservedClients, e.openFiles-reservedFiles))
	for _, s := range []server{s, direct} {
		if got := setting(t, client(t, s, "h", "secret"), "maxclients"); got != want {
			t.Errorf("maxclients is %s, want %s", got, want)
		}
	}
}

func TestProcess_aStoreWithoutAFreeConnectionCanBeChangedAndCopied(t *testing.T) {
	t.Parallel()
	e := processEngineFor(t)
	full := start(t, e, serverSpec{Limits: serverLimits{MaxClients: 3}})
	for range 3 {
		connected := client(t, full, "h", "secret").Conn()
		t.Cleanup(func() { _ = connected.Close() })
		if err := connected.Set(t.Context(), "key", "value", 0).Err(); err != nil {
			t.Fatal(err)
		}
	}
	if err := full.Configure(t.Context(), serverSettings{Timeout: 60}); err != nil {
		t.Error(err)
	}
	if err := copyFrom(t, start(t, e, serverSpec{}), sourceOf(full)); err != nil {
		t.Error(err)
	}
}

func copyFrom(t *testing.T, s server, from source) error {
	t.Helper()
	if err := s.Follow(t.Context(), from); err != nil {
		return err
	}
	return s.Promote(t.Context(), from)
}

func sourceOf(s server) source {
	host, port := s.Addr()
	return source{Host: host, Port: port, Username: "h", Password: "secret", TLS: true}
}

func TestProcess_aCopyHasTheKeysOfItsSourceAndLivesOnItsOwn(t *testing.T) {
	t.Parallel()
	for _, plan := range []struct {
		is               string
		persistent, keep bool
	}{{is: "persistent", persistent: true, keep: true}, {is: "in memory"}} {
		t.Run(plan.is, func(t *testing.T) {
			t.Parallel()
			e := processEngineFor(t)
			original := start(t, e, serverSpec{Persistent: true, Settings: serverSettings{Timeout: 1}})
			from := client(t, original, "h", "secret")
			_, err := from.Pipelined(t.Context(), func(p redis.Pipeliner) error {
				for i := range 1000 {
					p.Set(t.Context(), fmt.Sprint("key:", i), strings.Repeat("x", 100), 0)
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			spec := serverSpec{Dir: filepath.Join(t.TempDir(), "copy"), Persistent: plan.persistent}
			s := start(t, e, spec)
			if err := copyFrom(t, s, sourceOf(original)); err != nil {
				t.Fatal(err)
			}
			if err := original.Stop(t.Context(), false); err != nil {
				t.Fatal(err)
			}
			c := client(t, s, "h", "secret")
			if n := c.DBSize(t.Context()).Val(); n != 1000 {
				t.Errorf("copied %d keys", n)
			}
			if err := c.Set(t.Context(), "own", "write", 0).Err(); err != nil {
				t.Errorf("writing to the copy: %v", err)
			}
			for name, want := range map[string]string{"masterauth": "", "masteruser": "", "tls-replication": "yes"} {
				if got := setting(t, c, name); got != want {
					t.Errorf("%s is %q", name, got)
				}
			}
			// If it is stopped immediately after a copy, it must have all keys on disk, or none if it is not persistent.
			if err := s.Stop(t.Context(), true); err != nil {
				t.Fatal(err)
			}
			want := int64(0)
			if plan.keep {
				want = 1001
			}
			if n := client(t, start(t, e, spec), "h", "secret").DBSize(t.Context()).Val(); n != want {
				t.Errorf("after a restart there are %d keys, want %d", n, want)
			}
		})
	}
}

func TestProcess_aSourceThatCannotBeCopiedIsNamedAndTheCopyStaysUsable(t *testing.T) {
	t.Parallel()
	e := processEngineFor(t)
	mini := start(t, miniredisEngineFor(t), serverSpec{})
	limited := start(t, e, serverSpec{})
	if err := limited.Admin(t.Context(), func(c *redis.Client) error {
		return c.ACLSetUser(t.Context(), "h", "-psync", "-sync", "-replconf").Err()
	}); err != nil {
		t.Fatal(err)
	}
	foreign := start(t, processEngineFor(t), serverSpec{})
	wrong := sourceOf(start(t, e, serverSpec{}))
	wrong.Password = "not-the-password"
	for _, test := range []struct {
		is   string
		from source
		want string
	}{
		{is: "a server with another certificate", from: sourceOf(foreign), want: "certificate"},
		{is: "a miniredis", from: source{Host: "127.0.0.1", Port: port(mini), Password: "secret", TLS: true}, want: "certificate"},
		{is: "a user without the right to replicate", from: sourceOf(limited), want: "NOPERM"},
		{is: "a wrong password", from: wrong, want: "WRONGPASS"},
		{is: "nobody", from: source{Host: "127.0.0.1", Port: 1}, want: "refused"},
	} {
		t.Run(test.is, func(t *testing.T) {
			t.Parallel()
			s := start(t, e, serverSpec{})
			err := copyFrom(t, s, test.from)
			if !errors.Is(err, errNoReplication) || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
			if strings.Contains(fmt.Sprint(err), test.from.Password) && test.from.Password != "" {
				t.Errorf("the error has the password in it: %v", err)
			}
			if err := client(t, s, "h", "secret").Set(t.Context(), "key", "value", 0).Err(); err != nil {
				t.Errorf("writing afterwards: %v", err)
			}
		})
	}
}

func TestMiniredis_cannotBeForked(t *testing.T) {
	t.Parallel()
	e := miniredisEngineFor(t)
	if err := copyFrom(t, start(t, e, serverSpec{}), sourceOf(start(t, e, serverSpec{}))); !errors.Is(err, errNoReplication) {
		t.Errorf("got %v", err)
	}
}

func port(s server) int { _, p := s.Addr(); return p }

// fakeServer returns an engine whose binary is a shell script.
func fakeServer(t *testing.T, script string) engine {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "redis-server")
	text := "#!/bin/sh\n[ \"$1\" = --version ] && echo 'Redis server v=7.0.0' && exit\n" + script
	syscall.ForkLock.RLock() // a child forked meanwhile would have the file open for writing, so that it could not be executed
	err := os.WriteFile(binary, []byte(text), 0o755)
	syscall.ForkLock.RUnlock()
	if err != nil {
		t.Fatal(err)
	}
	e, err := newProcessEngine(binary, slog.New(slog.DiscardHandler), newCertificate)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.Close() })
	return e
}

func TestProcess_anEarlyExitIsReportedWithTheLastOutputButNoSecret(t *testing.T) {
	t.Parallel()
	e := fakeServer(t, "grep requirepass; echo it is broken >&2; exit 3\n")
	err := start(t, e, serverSpec{Password: `se"cret`}).Admin(t.Context(), nil)
	for _, want := range []string{"exited before it was ready", "exit status 3", "requirepass (sensitive)", "it is broken"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
	if strings.Contains(fmt.Sprint(err), "cret") {
		t.Errorf("the error has the password in it: %v", err)
	}
}

func TestProcess_anInterruptedStartLeavesNothing(t *testing.T) {
	t.Parallel()
	e := fakeServer(t, "trap '' TERM; cat >/dev/null; while :; do sleep 0.1; done\n").(*processEngine)
	s := start(t, e, serverSpec{})
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if err := s.Admin(ctx, nil); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	if err := s.Stop(t.Context(), true); err != nil {
		t.Error(err)
	}
	if child := s.(*processServer).child; child != nil {
		t.Errorf("a process is left: %v", child)
	}
	left, err := filepath.Glob(filepath.Join(e.dir, "store-*"))
	if err != nil || len(left) > 0 || len(e.servers) > 0 {
		t.Errorf("left: %v, %v, %d servers", left, err, len(e.servers))
	}
}

func TestProcess_theEnginesOwnDirectoryGoesWithIt(t *testing.T) {
	t.Parallel()
	e := processEngineFor(t)
	start(t, e, serverSpec{Persistent: true})
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(e.dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%s is still there: %v", e.dir, err)
	}
}

// lines is a writer for a log. It sends each write, which is one line, to a channel.
type lines chan string

func (l lines) Write(p []byte) (int, error) { l <- string(p); return len(p), nil }

func TestProcess_aServerThatEndsByItselfIsLoggedAndOneThatIsStoppedIsNot(t *testing.T) {
	t.Parallel()
	e, log := processEngineFor(t), make(lines, 8)
	e.log = slog.New(slog.NewTextHandler(log, nil))
	if err := start(t, e, serverSpec{ID: "stopped"}).Stop(t.Context(), false); err != nil {
		t.Fatal(err)
	}
	s := start(t, e, serverSpec{ID: "shut-down"})
	// the connection ends without a reply
	_ = s.Admin(t.Context(), func(c *redis.Client) error { return c.ShutdownNoSave(t.Context()).Err() })
	select {
	case line := <-log:
		if !strings.Contains(line, "ended by itself") || !strings.Contains(line, "shut-down") {
			t.Errorf("the log says %q", line)
		}
	case <-t.Context().Done():
		t.Fatal("the log says nothing")
	}
	if err := s.Stop(t.Context(), false); err != nil {
		t.Errorf("stopping it afterwards: %v", err)
	}
	if err := e.Close(); err != nil {
		t.Error(err)
	}
	select {
	case line := <-log:
		t.Errorf("the log also says %q", line)
	default:
	}
}
