// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package sandbox

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/acctest/redisserver"
)

// processEngineFor returns an engine with real servers. The test fails without a server binary; `make test` installs one.
func processEngineFor(t *testing.T) *processEngine {
	t.Helper()
	e, err := chooseEngine("auto", slog.New(slog.DiscardHandler), newCertificate)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	process, ok := e.(*processEngine)
	if !ok {
		t.Fatal("neither valkey-server nor redis-server is on PATH: run `make test`, which installs one, or apt-get install redis-server")
	}
	return process
}

func miniredisEngineFor(t *testing.T) engine {
	t.Helper()
	e, err := chooseEngine("miniredis", slog.New(slog.DiscardHandler), newCertificate)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	return e
}

func start(t *testing.T, e engine, spec serverSpec) server {
	t.Helper()
	if spec.Password == "" {
		spec.Password = "secret"
	}
	s, err := e.Start(t.Context(), spec)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { // before t.TempDir removes the directory
		if err := s.Stop(context.WithoutCancel(t.Context()), true); err != nil {
			t.Error(err)
		}
	})
	return s
}

// listens reports whether connections to the address of the server are still accepted after a minute. A process that another test starts
// can hold a closed listener until it has loaded its program.
func listens(t *testing.T, s server) bool {
	t.Helper()
	host, port := s.Addr()
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); {
		conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", net.JoinHostPort(host, strconv.Itoa(port)))
		if err != nil {
			return false
		}
		_ = conn.Close()
	}
	return true
}

// client connects to a server as a user's application does.
func client(t *testing.T, s server, user, password string) *redis.Client {
	t.Helper()
	host, port := s.Addr()
	c := redis.NewClient(&redis.Options{
		Addr:       net.JoinHostPort(host, strconv.Itoa(port)),
		Username:   user,
		Password:   password,
		TLSConfig:  &tls.Config{InsecureSkipVerify: true},
		MaxRetries: -1,
	})
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func setting(t *testing.T, c *redis.Client, name string) string {
	t.Helper()
	values, err := c.ConfigGet(t.Context(), name).Result()
	if err != nil {
		t.Fatal(err)
	}
	return values[name]
}

// engines runs a test against every engine.
func engines(t *testing.T, story func(t *testing.T, e engine)) {
	t.Run("with a server process", func(t *testing.T) { t.Parallel(); story(t, processEngineFor(t)) })
	t.Run("with miniredis", func(t *testing.T) { t.Parallel(); story(t, miniredisEngineFor(t)) })
}

func TestEngine_aPasswordOpensTheStoreAloneAndWithUserH(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, e engine) {
		s := start(t, e, serverSpec{Password: `p w"\é#`})
		for _, user := range []string{"", "h", "default"} {
			if err := client(t, s, user, `p w"\é#`).Set(t.Context(), "key", "value", 0).Err(); err != nil {
				t.Errorf("as user %q: %v", user, err)
			}
			if err := client(t, s, user, "wrong").Get(t.Context(), "key").Err(); err == nil || !strings.Contains(err.Error(), "WRONGPASS") {
				t.Errorf("as user %q with a wrong password: %v", user, err)
			}
		}
		if err := client(t, s, "", "").Get(t.Context(), "key").Err(); err == nil || !strings.Contains(err.Error(), "NOAUTH") {
			t.Errorf("without a password: %v", err)
		}
	})
}

func TestEngine_aServerWithoutAPasswordIsRefused(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, e engine) {
		if _, err := e.Start(t.Context(), serverSpec{}); err == nil {
			t.Error("started without a password")
		}
		if err := start(t, e, serverSpec{}).SetPassword(t.Context(), "", ""); err == nil {
			t.Error("took the password away")
		}
	})
}

func TestEngine_aNewPasswordReplacesTheOldOneAndConnectionsStay(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, e engine) {
		s := start(t, e, serverSpec{Password: "old"})
		connected := client(t, s, "h", "old").Conn()
		t.Cleanup(func() { _ = connected.Close() })
		if err := connected.Ping(t.Context()).Err(); err != nil {
			t.Fatal(err)
		}
		if err := s.SetPassword(t.Context(), "new", ""); err != nil {
			t.Fatal(err)
		}
		for _, user := range []string{"", "h"} {
			if err := client(t, s, user, "new").Ping(t.Context()).Err(); err != nil {
				t.Errorf("as user %q with the new password: %v", user, err)
			}
			if err := client(t, s, user, "old").Ping(t.Context()).Err(); err == nil {
				t.Errorf("as user %q the old password still opens the store", user)
			}
		}
		if err := connected.Ping(t.Context()).Err(); err != nil {
			t.Errorf("the connection made with the old password: %v", err)
		}
		if err := s.Configure(t.Context(), serverSettings{Timeout: 9}); err != nil {
			t.Errorf("the sandbox itself after the change: %v", err)
		}
	})
}

func TestEngine_aSecondStartContinuesWithTheKeysOnlyWhenPersistent(t *testing.T) {
	t.Parallel()
	for _, persistent := range []bool{true, false} {
		t.Run(fmt.Sprintf("persistent %t", persistent), func(t *testing.T) {
			t.Parallel()
			engines(t, func(t *testing.T, e engine) {
				spec := serverSpec{Dir: filepath.Join(t.TempDir(), "store"), Persistent: persistent, Port: redisserver.FreePort()}
				first := start(t, e, spec)
				c := client(t, first, "h", "secret")
				c.Set(t.Context(), "string", "a\x00\xff", 0)
				c.Set(t.Context(), "empty", "", 0)
				c.Set(t.Context(), "expiring", "value", time.Hour)
				c.RPush(t.Context(), "list", "b", "a", "b")
				c.SAdd(t.Context(), "set", "x", "y")
				c.HSet(t.Context(), "hash", "field", "value")
				c.ZAdd(t.Context(), "zset", redis.Z{Score: 1.5, Member: "one"})
				c.XAdd(t.Context(), &redis.XAddArgs{Stream: "stream", ID: "1-1", Values: []string{"field", "value"}})
				before := contents(t, c)
				if len(before) != 8 {
					t.Fatalf("wrote %d keys", len(before))
				}
				if err := first.Stop(t.Context(), true); err != nil {
					t.Fatal(err)
				}
				if err := first.Stop(t.Context(), false); err != nil {
					t.Errorf("the second Stop: %v", err)
				}
				if listens(t, first) {
					t.Fatal("the stopped server still listens")
				}
				second := start(t, e, spec)
				for _, s := range []server{first, second} {
					if got := port(s); got != spec.Port {
						t.Errorf("the port is %d, want %d", got, spec.Port)
					}
				}
				after := contents(t, client(t, second, "h", "secret"))
				want := before
				if !persistent {
					want = map[string]string{}
				}
				if fmt.Sprint(after) != fmt.Sprint(want) {
					t.Errorf("keys before the restart\n%q\nand after it\n%q", want, after)
				}
			})
		})
	}
}

func TestEngine_keysOfAnEarlierPlanDoNotComeBack(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, e engine) {
		dir := filepath.Join(t.TempDir(), "store")
		for i, persistent := range []bool{true, false, true} {
			s := start(t, e, serverSpec{Dir: dir, Persistent: persistent})
			c := client(t, s, "h", "secret")
			if n := c.DBSize(t.Context()).Val(); n != 0 {
				t.Errorf("start %d, persistent %t: found %d keys", i, persistent, n)
			}
			c.Set(t.Context(), fmt.Sprint("key-", i), "value", 0)
			if err := s.Stop(t.Context(), true); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// contents returns every key with its value and whether it expires.
func contents(t *testing.T, c *redis.Client) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, key := range c.Keys(t.Context(), "*").Val() {
		var value any
		switch c.Type(t.Context(), key).Val() {
		case "string":
			value = c.Get(t.Context(), key).Val()
		case "list":
			value = c.LRange(t.Context(), key, 0, -1).Val()
		case "set":
			value = len(c.SMembers(t.Context(), key).Val())
		case "hash":
			value = c.HGetAll(t.Context(), key).Val()
		case "zset":
			value = c.ZRangeWithScores(t.Context(), key, 0, -1).Val()
		case "stream":
			value = c.XRange(t.Context(), key, "-", "+").Val()
		}
		ttl := c.TTL(t.Context(), key).Val()
		all[key] = fmt.Sprintf("%v, expires %t", value, ttl > 59*time.Minute && ttl <= time.Hour)
	}
	return all
}

func TestEngine_stopRemovesTheDirectoryUnlessItsDataIsKept(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, e engine) {
		spec := serverSpec{Dir: filepath.Join(t.TempDir(), "store"), Persistent: true}
		s := start(t, e, spec)
		if mode := stat(t, spec.Dir).Mode().Perm(); mode != 0o700 {
			t.Errorf("the directory has mode %o", mode)
		}
		if err := s.Stop(t.Context(), false); err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(spec.Dir); !os.IsNotExist(err) {
			t.Errorf("the directory is still there: %v", err)
		}
		if listens(t, s) {
			t.Error("the server still listens")
		}
	})
}

func TestEngine_aTakenPortIsReplacedByAFreeOne(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, e engine) {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = listener.Close() })
		taken := listener.Addr().(*net.TCPAddr).Port
		s := start(t, e, serverSpec{Port: taken})
		if _, port := s.Addr(); port == taken || port == 0 {
			t.Errorf("the port is %d", port)
		}
		if err := client(t, s, "h", "secret").Ping(t.Context()).Err(); err != nil {
			t.Error(err)
		}
	})
}

func TestEngine_closeStopsEveryServerAndStartsNoMore(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, e engine) {
		dir := filepath.Join(t.TempDir(), "store")
		running := []server{start(t, e, serverSpec{}), start(t, e, serverSpec{Dir: dir, Persistent: true})}
		for range 2 {
			if err := e.Close(); err != nil {
				t.Fatal(err)
			}
		}
		for _, s := range running {
			if listens(t, s) {
				t.Error("a server still listens")
			}
		}
		if _, err := e.Start(t.Context(), serverSpec{Password: "secret"}); err == nil {
			t.Error("started after Close")
		}
		stat(t, dir) // Close does not remove a directory that the caller has chosen
	})
}

func stat(t *testing.T, path string) os.FileInfo {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info
}

func TestChooseEngine(t *testing.T) {
	script := func(dir, name, version string) {
		text := fmt.Sprintf("#!/bin/sh\necho '%s'\n", version)
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	valkey, redisOnly, both, old, nothing := t.TempDir(), t.TempDir(), t.TempDir(), t.TempDir(), t.TempDir()
	script(old, "redis-server", "Redis server v=6.0.16 sha=00000000:0 malloc=jemalloc-5.2.1 bits=64 build=1")
	for _, dir := range []string{valkey, both} {
		script(dir, "valkey-server", "Valkey server v=8.1.3 sha=00000000:0 malloc=libc bits=64 build=1")
	}
	for _, dir := range []string{redisOnly, both} {
		script(dir, "redis-server", "Redis server v=7.0.15 sha=00000000:0 malloc=libc bits=64 build=1")
	}
	for _, test := range []struct{ is, engine, path, want, err string }{
		{is: "auto prefers valkey", engine: "auto", path: both, want: "valkey-server 8.1.3"},
		{is: "auto takes redis when there is no valkey", engine: "auto", path: redisOnly, want: "redis-server 7.0.15"},
		{is: "auto works on a bare machine", engine: "auto", path: nothing, want: "miniredis"},
		{is: "none named is auto", engine: "", path: nothing, want: "miniredis"},
		{is: "redis is taken when asked for", engine: "redis", path: both, want: "redis-server 7.0.15"},
		{is: "miniredis is taken when asked for", engine: "miniredis", path: both, want: "miniredis"},
		{is: "a missing valkey is named", engine: "valkey", path: redisOnly, err: `install the package "valkey"`},
		{is: "a missing redis is named", engine: "redis", path: valkey, err: `install the package "redis"`},
		{is: "a server that is too old is named", engine: "auto", path: old, err: "is version 6.0.16; the sandbox needs Redis 6.2 or later"},
		{is: "an unknown engine gets the known ones", engine: "memcached", path: both, err: "use auto, valkey, redis or miniredis"},
	} {
		t.Run(test.is, func(t *testing.T) {
			t.Setenv("PATH", test.path)
			e, err := chooseEngine(test.engine, slog.New(slog.DiscardHandler), newCertificate)
			if test.err != "" {
				if err == nil || !strings.Contains(err.Error(), test.err) {
					t.Fatalf("got %v, want %q", err, test.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = e.Close() })
			if e.Name() != test.want {
				t.Errorf("got %s, want %s", e.Name(), test.want)
			}
		})
	}
}
