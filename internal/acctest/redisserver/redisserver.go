// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

// Package redisserver starts a Redis or Valkey server that the sandbox does not manage, for tests of what users keep outside of Heroku.
package redisserver

import (
	"fmt"
	"math/rand/v2"
	"net"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// Start starts a server without TLS on 127.0.0.1 that writes nothing to disk, and stops it at the end of the test. The directives are
// lines of redis.conf. The server reads them from its stdin, so that a password is in no process list.
func Start(t testing.TB, directives ...string) (address string) {
	t.Helper()
	binary, err := exec.LookPath("valkey-server")
	if err != nil {
		binary = "redis-server"
	}
	port := FreePort()
	address = fmt.Sprintf("127.0.0.1:%d", port)
	command := exec.Command(binary, "-")
	command.Dir = t.TempDir()
	command.Stdin = strings.NewReader(strings.Join(append([]string{
		fmt.Sprint("port ", port), "bind 127.0.0.1", `save ""`, "repl-diskless-sync yes", "repl-diskless-sync-delay 0",
	}, directives...), "\n"))
	var output strings.Builder
	command.Stdout, command.Stderr = &output, &output
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	var exit error
	go func() { exit = command.Wait(); close(ended) }()
	t.Cleanup(func() { _ = command.Process.Kill(); <-ended })
	for {
		if conn, err := net.Dial("tcp", address); err == nil {
			_ = conn.Close()
			return address
		}
		select {
		case <-ended:
			t.Fatalf("%s ended: %v\n%s", binary, exit, output.String())
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// FreePort returns a port of 127.0.0.1 at which nothing listens. It is below the ports that systems give to port 0 (49152 and above, on
// Linux 32768 and above), so that it stays free until the test listens on it. FreePort does not listen itself: a process that another test
// starts at that moment would hold the port until it has loaded its program.
func FreePort() int {
	for {
		port := 16384 + rand.IntN(16384)
		conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil {
			return port
		}
		_ = conn.Close()
	}
}
