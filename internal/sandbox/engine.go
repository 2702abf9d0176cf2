// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package sandbox

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os/exec"

	"github.com/redis/go-redis/v9"
)

// engine starts the servers behind the stores of one sandbox.
type engine interface {
	// Name returns the name and version of the server, such as "redis-server 7.0.15" or "miniredis".
	Name() string
	// Start returns when the server's port is open. A server process starts with the first connection. ctx bounds the start, not
	// the lifetime of the server.
	Start(ctx context.Context, spec serverSpec) (server, error)
	// Close stops every server that still runs and removes what the engine has created, except the data of servers with a Dir.
	Close() error
}

// serverSpec is the specification of a server. Starting the same spec again loads its data if it is Persistent.
type serverSpec struct {
	ID         string // of the store; for logs
	Dir        string // the store's own directory; "" = a temporary one, removed with the server
	Password   string // of the default user (password-only AUTH) and of the user "h"
	Port       int    // preferred port; another one is chosen if it is 0 or in use
	Limits     serverLimits
	Settings   serverSettings
	Persistent bool // keys survive a restart on the same Dir (Dev Center: all plans but mini)
}

type serverLimits struct {
	MaxMemory  int64 // bytes; 0 = unlimited
	MaxClients int   // 0 = the server's default
}

type serverSettings struct {
	Timeout              int // seconds until an idle connection is closed; 0 = never
	MaxmemoryPolicy      string
	NotifyKeyspaceEvents string // "" = none
}

// source is a server to copy from.
type source struct {
	Host               string
	Port               int
	Username, Password string
	TLS                bool
	Outside            bool // not a server of this sandbox; its certificate is not verified, because Heroku's are self-signed
	Final              bool // the copy replaces the server, whose writes are paused before the copy is promoted
}

type server interface {
	Addr() (host string, port int)
	Configure(ctx context.Context, settings serverSettings) error
	Limit(ctx context.Context, limits serverLimits) error
	// SetPassword replaces the password. Existing connections stay open. The former password stays valid too, unless it is "".
	SetPassword(ctx context.Context, password, former string) error
	// Source returns the address and credentials with which another server copies this one.
	Source() source
	// Follow replaces all keys by those of the source, and keeps replicating it. The error wraps errNoReplication if the source
	// cannot be replicated.
	Follow(ctx context.Context, from source) error
	// Promote waits until the server has everything that the source has now, and ends the replication that Follow has begun.
	Promote(ctx context.Context, from source) error
	// Restart restarts the server with the password, limits and settings of the spec, on the same port. A server that is not
	// persistent loses its keys. A server that does not run only gets the new values.
	Restart(ctx context.Context, spec serverSpec) error
	// TakeAddress makes the server listen on the port of another server of the same engine. The other server keeps only its open
	// connections. The port is never free for other programs.
	TakeAddress(from server) error
	// Idle reports whether the server has not been used: its process does not run, and it has no data.
	Idle() bool
	// Admin calls do with a separate connection that has administrator rights. It starts the server if necessary.
	Admin(ctx context.Context, do func(*redis.Client) error) error
	// Stop ends the server and, without keepData, removes its directory. A second call does nothing.
	Stop(ctx context.Context, keepData bool) error
}

// errNoReplication is returned if a source does not allow SYNC, which a fork needs (Dev Center: Heroku Key-Value Store, forking).
var errNoReplication = errors.New("the source does not support replication")

// chooseEngine returns the engine with the given name; "auto" or "" means the first real server on PATH, or else miniredis. The servers use
// the certificate that issue returns.
func chooseEngine(name string, log *slog.Logger, issue func() (certificate, error)) (engine, error) {
	var binaries []string
	switch name {
	case "", "auto":
		binaries = []string{"valkey-server", "redis-server"}
	case "valkey":
		binaries = []string{"valkey-server"}
	case "redis":
		binaries = []string{"redis-server"}
	case "miniredis":
		return newMiniredisEngine(issue)
	default:
		return nil, fmt.Errorf("unknown engine %q: use auto, valkey, redis or miniredis", name)
	}
	for _, binary := range binaries {
		if path, err := exec.LookPath(binary); err == nil {
			return newProcessEngine(path, log, issue)
		}
	}
	if len(binaries) == 1 {
		return nil, fmt.Errorf("engine %s: no %s on PATH; install the package %q (apt-get, dnf, brew) or use --engine auto",
			name, binaries[0], binaryPackage[binaries[0]])
	}
	return newMiniredisEngine(issue)
}

// binaryPackage maps a binary to the package that contains it, in Debian and Homebrew.
var binaryPackage = map[string]string{"valkey-server": "valkey", "redis-server": "redis"}
