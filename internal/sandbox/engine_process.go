// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package sandbox

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"time"
)

// processEngine runs a valkey-server or redis-server process behind each store. The processes are configured over stdin and accept only
// TLS, so that no password appears in a command line, an environment or a file.
type processEngine struct {
	binary            string
	name              string
	log               *slog.Logger
	dir               string // the certificate, and the directories of servers without a Dir
	cert              certificate
	certFile, keyFile string
	adminPassword     string // of adminUser
	openFiles         int
	starter           processStarter
	starting          chan struct{} // a semaphore that limits the processes that start at the same time

	mu      sync.Mutex
	servers map[*processServer]struct{}
	closed  bool
}

const (
	startTimeout = 15 * time.Second
	readyPoll    = time.Millisecond
	portTries    = 10
)

var errAddressInUse = errors.New("the port is in use")

// versionPattern reads "Redis server v=7.0.15 sha=…" and "Valkey server v=8.0.1 …".
var versionPattern = regexp.MustCompile(`\bv=([0-9.]+)`)

func newProcessEngine(binary string, log *slog.Logger, issue func() (certificate, error)) (engine, error) {
	version, err := versionOf(binary)
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "kvs-sandbox-")
	if err != nil {
		return nil, fmt.Errorf("the sandbox's temporary directory: %w", err)
	}
	e := &processEngine{
		binary: binary, name: filepath.Base(binary) + " " + version, log: log,
		dir: dir, openFiles: raiseOpenFiles(), servers: map[*processServer]struct{}{},
		starting: make(chan struct{}, 2*runtime.NumCPU()), adminPassword: randomID(),
	}
	if e.cert, err = issue(); err == nil {
		e.certFile, e.keyFile, err = e.cert.writeTo(dir)
	}
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	e.starter = newProcessStarter()
	return e, nil
}

// serverVersions caches the versions of server binaries, by path. Running a binary takes most of the time that a sandbox needs to start.
var serverVersions sync.Map

// versionOf returns the version of a server binary, or an error if it is too old.
func versionOf(binary string) (string, error) {
	if known, ok := serverVersions.Load(binary); ok {
		return known.(string), nil //nolint:forcetypeassert // nothing else is stored
	}
	out, err := (&exec.Cmd{Path: binary, Args: []string{binary, "--version"}}).Output()
	if err != nil {
		return "", fmt.Errorf("running %s --version: %w", binary, err)
	}
	version := versionPattern.FindStringSubmatch(string(out))
	if version == nil {
		return "", fmt.Errorf("%s --version: unexpected answer %.80q", binary, out)
	}
	var major, minor int
	if _, err := fmt.Sscanf(version[1], "%d.%d", &major, &minor); err != nil || major < 6 || major == 6 && minor < 2 {
		return "", fmt.Errorf("%s is version %s; the sandbox needs Redis 6.2 or later, or Valkey: install one, or use "+
			"--engine miniredis", binary, version[1])
	}
	serverVersions.Store(binary, version[1])
	return version[1], nil
}

func (e *processEngine) Name() string { return e.name }

func (e *processEngine) Start(ctx context.Context, spec serverSpec) (server, error) {
	s, err := e.prepare(ctx, spec)
	if err != nil {
		return nil, fmt.Errorf("preparing a %s: %w", filepath.Base(e.binary), err)
	}
	return s, nil
}

func (e *processEngine) prepare(ctx context.Context, spec serverSpec) (*processServer, error) {
	if spec.Password == "" {
		return nil, errors.New("a server without a password is refused")
	}
	s := &processServer{engine: e, spec: spec}
	s.proxy = newTCPProxy(ctx, s.connect)
	if err := s.prepareDir(); err != nil {
		return nil, err
	}
	err := e.add(s)
	if err == nil {
		err = s.proxy.open(ctx, spec.Port)
	}
	if err != nil {
		return nil, errors.Join(err, s.Stop(ctx, spec.Dir != ""))
	}
	return s, nil
}

// add registers the server for Close. It is called before the server listens, so that Close finds every server.
func (e *processEngine) add(s *processServer) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return errors.New("the sandbox is closed")
	}
	e.servers[s] = struct{}{}
	return nil
}

func (e *processEngine) remove(s *processServer) {
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.servers, s)
}

func (e *processEngine) Close() error {
	e.mu.Lock()
	if e.closed {
		e.mu.Unlock()
		return nil
	}
	e.closed = true
	running := make([]*processServer, 0, len(e.servers))
	for s := range e.servers {
		running = append(running, s)
	}
	e.mu.Unlock()

	var stopped sync.WaitGroup
	errs := make([]error, len(running))
	for i, s := range running {
		stopped.Go(func() { errs[i] = s.stop(nil, true) })
	}
	stopped.Wait()
	e.starter.close()
	return errors.Join(append(errs, os.RemoveAll(e.dir))...)
}

// freePort returns a free port, because a server cannot choose one itself. Another process may take the port before the server does; launch
// then tries again.
func freePort(ctx context.Context) (int, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return 0, fmt.Errorf("looking for a free port: %w", err)
	}
	address, err := netip.ParseAddrPort(listener.Addr().String())
	return int(address.Port()), errors.Join(err, listener.Close())
}

// config returns the configuration that the server reads from stdin. It uses only directives that Redis 6.2, 7 and 8 and Valkey all have.
func (e *processEngine) config(s *processServer, port int) string {
	spec := s.spec
	var b strings.Builder
	set := func(directive string, args ...string) {
		b.WriteString(directive)
		for _, arg := range args {
			b.WriteByte(' ')
			b.WriteString(quote(arg))
		}
		b.WriteByte('\n')
	}
	set("bind", "127.0.0.1")
	set("port", "0")
	set("tls-port", fmt.Sprint(port))
	set("tls-cert-file", e.certFile)
	set("tls-key-file", e.keyFile)
	set("tls-ca-cert-file", e.certFile)
	set("tls-auth-clients", "no")
	set("tls-replication", "yes")
	set("requirepass", spec.Password)
	set("user", adminUser, "on", hashed(e.adminPassword), "~*", "&*", "+@all")
	for _, user := range []string{"default", "h"} {
		set("user", append([]string{user, "on"}, userRules(spec.Password, s.former)...)...)
	}
	set("dir", spec.Dir)
	set("daemonize", "no")
	set("loglevel", "warning")
	set("save", "")
	set("appendonly", yesNo(spec.Persistent))
	set("appendfsync", "everysec")
	for _, d := range append(e.directives(spec.Limits), spec.Settings.directives()...) {
		set(d[0], d[1])
	}
	// A fork or plan change should copy within milliseconds, so do not wait for further replicas or write a file in between.
	set("repl-diskless-sync", "yes")
	set("repl-diskless-sync-delay", "0")
	set("repl-diskless-load", "on-empty-db")
	set("repl-ping-replica-period", "1")
	set("repl-timeout", "10")
	return b.String()
}

const (
	// reservedClients are added to the plan's connection limit, for the sandbox itself and for a replica: a store without a free
	// connection must still be configurable and upgradable.
	reservedClients = 2
	// reservedFiles are the file descriptors that a server needs for itself (32, CONFIG_MIN_RESERVED_FDS) and a reserve.
	reservedFiles  = 64
	defaultClients = 10000
)

// maxClients returns the maxclients for a plan's connection limit. It is limited by the open files that this machine allows, because a
// server refuses more.
func (e *processEngine) maxClients(limit int) int {
	if limit == 0 {
		limit = defaultClients
	}
	return max(1, min(limit+reservedClients, e.openFiles-reservedFiles))
}

func (e *processEngine) directives(limits serverLimits) [][2]string {
	return [][2]string{{"maxmemory", fmt.Sprint(limits.MaxMemory)}, {"maxclients", fmt.Sprint(e.maxClients(limits.MaxClients))}}
}

// directives returns the settings as configuration directives of the server.
func (s serverSettings) directives() [][2]string {
	return [][2]string{
		{"timeout", fmt.Sprint(s.Timeout)},
		{"maxmemory-policy", cmp.Or(s.MaxmemoryPolicy, "noeviction")},
		{"notify-keyspace-events", s.NotifyKeyspaceEvents},
	}
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

// quote encodes an argument for the server's configuration parser: in double quotes, with \xHH for special characters.
func quote(arg string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, c := range []byte(arg) {
		if c < ' ' || c > '~' || c == '"' || c == '\\' {
			fmt.Fprintf(&b, `\x%02x`, c)
		} else {
			b.WriteByte(c)
		}
	}
	b.WriteByte('"')
	return b.String()
}
