// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package changecontrol

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// These tests run several processes that write to one record, and kill some of them. The test binary is also the child process.

const (
	childMode   = "KVS_TEST_CHANGECONTROL_CHILD"
	childRecord = "KVS_TEST_CHANGECONTROL_RECORD"
	pairs       = 25 // of lines that a child writes
)

// children are the modes of a child process.
var children = map[string]func(ctx context.Context, c *Control, path string) error{
	"writes": func(ctx context.Context, c *Control, _ string) error {
		for range pairs {
			answered, err := c.Announce(ctx, testWrite)
			if err != nil {
				return err
			}
			answered(Answer{Event: EventAnswered, Status: 200})
		}
		return c.Unwritten(ctx)
	},
	// The process is killed between the two lines.
	"intends": func(ctx context.Context, c *Control, _ string) error {
		if _, err := c.Announce(ctx, testWrite); err != nil {
			return err
		}
		waitForKill()
		return nil
	},
	// The process is killed in the middle of a line, while it holds the lock.
	"tears": func(ctx context.Context, _ *Control, path string) error {
		f, err := lockRecord(ctx, path, os.O_CREATE)
		if err != nil {
			return err
		}
		end, err := readEnd(f)
		if err != nil {
			return err
		}
		line, err := end.linesFor(Line{Event: EventIntent, Method: "PATCH", Path: "/addons/7c4e"})
		if err != nil {
			return err
		}
		if _, err := f.WriteAt(line[:len(line)/2], end.size); err != nil {
			return err
		}
		waitForKill()
		return f.Close()
	},
}

func waitForKill() {
	fmt.Println("ready")
	_, _ = io.Copy(io.Discard, os.Stdin)
}

func TestMain(m *testing.M) {
	mode := os.Getenv(childMode)
	if mode == "" {
		os.Exit(m.Run())
	}
	path := os.Getenv(childRecord)
	if err := children[mode](withTestChange(context.Background()), recording(path), path); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// child returns the command for a child process.
func child(t *testing.T, mode, path string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self)
	cmd.Env = append(os.Environ(), childMode+"="+mode, childRecord+"="+path)
	return cmd
}

// killed runs a child until it prints that it is ready, and then kills it with SIGKILL.
func killed(t *testing.T, mode, path string) {
	t.Helper()
	cmd := child(t, mode, path)
	var said strings.Builder
	cmd.Stderr = &said
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = stdin.Close() }()
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if killed := cmd.Process.Kill(); killed != nil {
		t.Error(killed)
	}
	if ended := cmd.Wait(); ended == nil {
		t.Error("it was not killed")
	}
	if line != "ready\n" {
		t.Fatalf("%q %v %s", line, err, said.String())
	}
}

func TestProcesses_atOnce(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	const processes = 3
	ended := make(chan error, processes)
	for range processes {
		cmd := child(t, "writes", path)
		go func() {
			out, err := cmd.CombinedOutput()
			if err != nil {
				err = fmt.Errorf("%w: %s", err, out)
			}
			ended <- err
		}()
	}
	for range processes {
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
	expectRecord(t, path, 2*processes*pairs, 0)
}

func TestProcesses_killedBetweenTheLines(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	announce(t, recording(path))(Answer{Event: EventAnswered, Status: 200})
	killed(t, "intends", path)
	v := expectRecord(t, path, 3, 1)
	if len(v.Unanswered) == 1 && (v.Unanswered[0].Seq != 3 || v.Unanswered[0].Path != "/addons/7c4e" ||
		v.Unanswered[0].Object.Name != "acme-cache") {
		t.Errorf("unanswered is %+v", v.Unanswered[0])
	}
	announce(t, recording(path))(Answer{Event: EventAnswered, Status: 200}) // another process can write at once
	expectRecord(t, path, 5, 1)
}

func TestProcesses_killedInTheMiddleOfALine(t *testing.T) {
	t.Parallel()
	for name, before := range map[string]int{"of the first one": 0, "of another one": 1} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "record")
			for range before {
				announce(t, recording(path))(Answer{Event: EventAnswered, Status: 200})
			}
			killed(t, "tears", path)
			if v := Verify(content(t, path)); v.Valid || v.FirstBroken != 2*before+1 {
				t.Errorf("a part of a line: %+v", v)
			}
			announce(t, recording(path))(Answer{Event: EventAnswered, Status: 200})
			expectRecord(t, path, 2*before+3, 0)
		})
	}
}
