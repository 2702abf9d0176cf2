// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package sandbox

import (
	"bufio"
	"context"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

// TestMain lets the test binary act as a sandbox that can be killed.
func TestMain(m *testing.M) {
	if dir := os.Getenv("KVS_TEST_ENGINE_IN"); dir != "" {
		if err := runEngine(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	os.Exit(m.Run())
}

// runEngine starts servers from many goroutines, prints their pids, and waits to be killed.
func runEngine(dir string) error {
	e, err := chooseEngine("auto", slog.New(slog.DiscardHandler), newCertificate)
	if err != nil {
		return err
	}
	failed := make(chan error)
	for i := range 4 {
		go func() {
			runtime.LockOSThread() // never unlocked, so that its thread ends with the goroutine; this must not end the server
			id := fmt.Sprint("store-", i)
			s, err := e.Start(context.Background(), serverSpec{ID: id, Dir: filepath.Join(dir, id), Password: "secret", Persistent: true})
			if err == nil {
				err = s.(*processServer).ensureRunning(context.Background())
			}
			if err != nil {
				failed <- err
				return
			}
			fmt.Println(s.(*processServer).child.cmd.Process.Pid)
		}()
	}
	return <-failed
}

func TestProcess_noServerOutlivesAKilledSandbox(t *testing.T) {
	t.Parallel()
	processEngineFor(t) // fails the test with a helpful message if no server is installed
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	sandbox := exec.CommandContext(t.Context(), self)
	// A killed process cannot remove its temporary directory.
	sandbox.Env = append(os.Environ(), "KVS_TEST_ENGINE_IN="+dir, "TMPDIR="+t.TempDir())
	sandbox.Stderr = os.Stderr
	out, err := sandbox.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := sandbox.Start(); err != nil {
		t.Fatal(err)
	}
	started := map[int]string{}
	for lines := bufio.NewScanner(out); len(started) < 4 && lines.Scan(); {
		var pid int
		if _, err := fmt.Sscan(lines.Text(), &pid); err != nil {
			t.Fatal(err)
		}
		started[pid] = processStartTime(pid)
	}
	if len(started) != 4 {
		t.Fatalf("%d servers started", len(started))
	}
	pause, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	<-pause.Done() // meanwhile the threads that have started the servers end
	for pid, start := range started {
		if start == "" || processStartTime(pid) != start {
			t.Errorf("server %d ended while its sandbox was running", pid)
		}
	}
	if err := sandbox.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = sandbox.Wait()
	for pid, start := range started {
		for deadline := time.Now().Add(10 * time.Minute); processStartTime(pid) == start; runtime.Gosched() {
			if time.Now().After(deadline) {
				t.Errorf("server %d is still running", pid)
				_ = endProcess(pid, start)
				break
			}
		}
	}
}

func TestProcess_aPasswordIsInNoCommandLineEnvironmentOrFile(t *testing.T) {
	t.Parallel()
	const canary = "canary-3141592653"
	e := processEngineFor(t)
	dir := filepath.Join(t.TempDir(), "store")
	s := start(t, e, serverSpec{Dir: dir, Password: canary, Persistent: true}).(*processServer)
	if err := client(t, s, "h", canary).Set(t.Context(), "key", "positive-control", 0).Err(); err != nil {
		t.Fatal(err)
	}
	if err := s.SetPassword(t.Context(), canary+"-2", ""); err != nil {
		t.Fatal(err)
	}
	if err := s.Stop(t.Context(), true); err != nil { // writes the AOF to disk
		t.Fatal(err)
	}
	s = start(t, e, serverSpec{Dir: dir, Password: canary, Persistent: true}).(*processServer)
	if err := s.ensureRunning(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{"cmdline", "environ"} {
		text := read(t, fmt.Sprintf("/proc/%d/%s", s.child.cmd.Process.Pid, file))
		if len(text) == 0 || strings.Contains(text, "canary") {
			t.Errorf("%s: %q", file, text)
		}
	}
	found := false
	for _, root := range []string{dir, e.dir} {
		err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() {
				return err
			}
			text := read(t, path)
			if strings.Contains(text, "canary") {
				t.Errorf("%s has the password in it", path)
			}
			found = found || strings.Contains(text, "positive-control")
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if mode := stat(t, root).Mode().Perm(); mode != 0o700 {
			t.Errorf("%s has mode %o", root, mode)
		}
	}
	if !found {
		t.Error("the search does not even find the key that was written")
	}
	if mode := stat(t, e.keyFile).Mode().Perm(); mode != 0o600 {
		t.Errorf("the TLS key has mode %o", mode)
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// Not parallel, because other tests have goroutines and open files too.
func TestProcess_aClosedEngineLeavesNoGoroutineFileOrProcess(t *testing.T) {
	files := func() int {
		entries, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Fatal(err)
		}
		return len(entries)
	}
	ping(t, start(t, processEngineFor(t), serverSpec{})) // opens everything that is opened only once
	goroutines, before := runtime.NumGoroutine(), files()
	e := processEngineFor(t)
	var children []*child
	for range 3 {
		s := start(t, e, serverSpec{Persistent: true}).(*processServer)
		visit(t, port(s)) // stays connected without sending anything
		if err := s.ensureRunning(t.Context()); err != nil {
			t.Fatal(err)
		}
		children = append(children, s.child)
		start(t, e, serverSpec{}) // without connections
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	for _, c := range children {
		if pid := c.cmd.Process.Pid; processStartTime(pid) != "" {
			t.Errorf("process %d is still running", pid)
		}
	}
	// The three sockets on the clients' side are closed at the end of the test.
	for deadline := time.Now().Add(10 * time.Minute); runtime.NumGoroutine() > goroutines || files() > before+3; runtime.Gosched() {
		if time.Now().After(deadline) {
			t.Fatalf("%d goroutines and %d files, before there were %d and %d", runtime.NumGoroutine(), files(), goroutines, before)
		}
	}
}
