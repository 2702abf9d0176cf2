// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package sandbox

import (
	"bytes"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func openDir(t *testing.T, path string) *dataDir {
	t.Helper()
	d, err := openDataDir(path, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	return d
}

func TestDataDir_whatIsSavedIsThereAfterReopening(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "new", "dir")
	type value struct{ Name string }
	d := openDir(t, path)
	var got value
	if found, err := d.Load("world", &got); found || err != nil {
		t.Fatalf("an empty directory has a value: %t, %v", found, err)
	}
	for _, name := range []string{"first", "second"} {
		if err := d.Save("world", value{Name: name}); err != nil {
			t.Fatal(err)
		}
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	if found, err := openDir(t, path).Load("world", &got); !found || err != nil || got.Name != "second" {
		t.Errorf("got %+v, %t, %v", got, found, err)
	}
}

func TestDataDir_isReadableByItsOwnerOnly(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "data")
	openDir(t, path)
	for file, want := range map[string]os.FileMode{"": 0o700, "stores": 0o700, "sandbox.db": 0o600} {
		if mode := stat(t, filepath.Join(path, file)).Mode().Perm(); mode != want {
			t.Errorf("%q has mode %o", file, mode)
		}
	}
}

func TestDataDir_aSecondSandboxIsRefused(t *testing.T) {
	t.Parallel()
	path := t.TempDir()
	openDir(t, path)
	_, err := openDataDir(path, slog.New(slog.DiscardHandler))
	if err == nil || !strings.Contains(err.Error(), "already in use by another sandbox") {
		t.Errorf("got %v", err)
	}
}

func TestDataDir_aFileInItsPlaceIsAnError(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := openDataDir(file, slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), "data directory") {
		t.Errorf("got %v", err)
	}
}

func TestDataDir_endsTheServersThatAKilledSandboxLeftAndNoOthers(t *testing.T) {
	t.Parallel()
	path := t.TempDir()
	for _, test := range []struct {
		store, script string
		start         func(pid int) string
		ends          bool
	}{
		{store: "leftover", script: "exec sleep 60", start: processStartTime, ends: true},
		{store: "deaf", script: "trap '' TERM; echo; while :; do sleep 0.1; done", start: processStartTime, ends: true},
		{store: "pid-used-again", script: "exec sleep 60", start: func(int) string { return "1" }},
	} {
		cmd := exec.Command("/bin/sh", "-c", "echo started; "+test.script)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		if _, err := out.Read(make([]byte, 8)); err != nil {
			t.Fatal(err)
		}
		ended := make(chan struct{})
		go func() { _ = cmd.Wait(); close(ended) }()
		t.Cleanup(func() { _ = cmd.Process.Kill(); <-ended })
		dir := filepath.Join(path, "stores", test.store)
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		line := fmt.Sprintf("%d %s\n", cmd.Process.Pid, test.start(cmd.Process.Pid))
		if err := os.WriteFile(filepath.Join(dir, pidFileName), []byte(line), 0o600); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			select {
			case <-ended:
				if !test.ends {
					t.Errorf("%s: ended although it is another process", test.store)
				}
			default:
				if test.ends {
					t.Errorf("%s: still runs", test.store)
				}
			}
		})
	}
	garbage := filepath.Join(path, "stores", "garbage")
	if err := os.MkdirAll(garbage, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(garbage, pidFileName), []byte("-1 no pid"), 0o600); err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	d, err := openDataDir(path, slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	if n := strings.Count(log.String(), "an earlier sandbox left behind"); n != 2 {
		t.Errorf("the log tells of %d leftovers:\n%s", n, &log)
	}
	left, err := filepath.Glob(filepath.Join(path, "stores", "*", pidFileName))
	if err != nil || len(left) > 0 {
		t.Errorf("pid files left: %v, %v", left, err)
	}
}
