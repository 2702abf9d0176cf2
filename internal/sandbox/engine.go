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
	// Name is a short human name: "redis-server 7.0.15", "miniredis".
	Name() string
	// Start returns once the server's port is open; a process behind it starts with the first connection. ctx bounds the start,
	// not the server's life.
	Start(ctx context.Context, spec serverSpec) (server, error)
	// Close stops every server that still runs and removes what the engine created; the data of servers with a Dir stays.
	Close() error
}

// serverSpec says how a server starts. Starting the same spec again continues with its data when Persistent.
type serverSpec struct {
	ID         string // of the store; for logs
	Dir        string // the store's own directory; "" = a temporary one that goes with the server
	Password   string // of the default user (password-only AUTH) and of the user "h"
	Port       int    // wished for; another one is chosen when it is 0 or taken
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
	Outside            bool // it is nobody's here: its certificate is not verified, as Heroku's own could not be
	Final              bool // it goes when the copy is complete, and takes no writes from the last moment on
}

type server interface {
	Addr() (host string, port int)
	Configure(ctx context.Context, settings serverSettings) error
	Limit(ctx context.Context, limits serverLimits) error
	// SetPassword replaces the password; connections made with an old one stay, and "also" still opens new ones unless it is "".
	SetPassword(ctx context.Context, password, also string) error
	// Source is how another server copies this one.
	Source() source
	// Follow replaces all keys by those of the source, by replication, and goes on following it. Wraps errNoReplication when
	// the source does not offer it.
	Follow(ctx context.Context, from source) error
	// StandAlone ends what Follow began, once everything is there that the source has now.
	StandAlone(ctx context.Context, from source) error
	// Restart ends the server and starts it again as the spec says, on the same port; what is not persistent is empty then. One
	// that does not run gets the password, limits and settings only.
	Restart(ctx context.Context, spec serverSpec) error
	// TakeAddress makes it listen where another server of the same engine has listened, which then only keeps its connections.
	// At no moment is the port free for others.
	TakeAddress(from server) error
	// Idle says that the server does not run and has no keys: it has not been used.
	Idle() bool
	// Admin does something on a connection of its own, for which the server starts.
	Admin(ctx context.Context, do func(*redis.Client) error) error
	// Stop ends the server; without keepData its directory is removed too. A second call does nothing more.
	Stop(ctx context.Context, keepData bool) error
}

// errNoReplication: the source cannot be copied by SYNC, which a fork needs (Dev Center: Heroku Key-Value Store, forking).
var errNoReplication = errors.New("the source does not support replication")

// chooseEngine finds the engine of that name; "auto" (or "") takes the first real server on PATH, else miniredis. Its servers
// have the certificate that issue gives.
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

// binaryPackage is what to install to have the binary (Debian and Homebrew name them so).
var binaryPackage = map[string]string{"valkey-server": "valkey", "redis-server": "redis"}
