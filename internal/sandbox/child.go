// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package sandbox

import (
	"bytes"
	"fmt"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
)

// stopTimeout is how long a server may take to end after TERM before it is killed.
const stopTimeout = 5 * time.Second

// processStarter starts processes from one OS thread that lives until close: Linux sends Pdeathsig when the forking *thread* ends,
// not its process, and Go promises threads no lifetime (golang.org/issue/27505).
type processStarter chan func()

func newProcessStarter() processStarter {
	jobs := make(processStarter)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		for job := range jobs {
			job()
		}
	}()
	return jobs
}

func (s processStarter) run(cmd *exec.Cmd) error {
	started := make(chan error)
	s <- func() { started <- cmd.Start() }
	return <-started
}

func (s processStarter) close() { close(s) }

// child is a running process and the last lines that it printed.
type child struct {
	cmd    *exec.Cmd
	output *tail
	done   chan struct{} // closed when the process has ended and cmd.ProcessState is set
}

// start starts a process that reads stdin; its environment is only PATH, so that no credential of the sandbox's leaks into it.
func (s processStarter) start(path string, args []string, dir, stdin string, secrets ...string) (*child, error) {
	output := &tail{secrets: secrets}
	c := &child{output: output, done: make(chan struct{}), cmd: &exec.Cmd{
		Path: path, Args: append([]string{path}, args...), Dir: dir, Env: []string{"PATH=/usr/bin:/bin"},
		Stdin: strings.NewReader(stdin), Stdout: output, Stderr: output,
		SysProcAttr: childAttributes(),
		WaitDelay:   time.Second, // a child's own child, such as an AOF rewrite, may hold the output open
	}}
	if err := s.run(c.cmd); err != nil {
		return nil, err
	}
	go func() {
		_ = c.cmd.Wait() // ProcessState says how it ended
		close(c.done)
	}()
	return c, nil
}

func (c *child) ended() bool {
	select {
	case <-c.done:
		return true
	default:
		return false
	}
}

// end sends TERM, and KILL after stopTimeout or when killNow is closed; nil is never closed. It returns when the process has ended.
func (c *child) end(killNow <-chan struct{}) {
	if c.ended() {
		return
	}
	if err := c.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		_ = c.cmd.Process.Kill()
	}
	timeout := time.NewTimer(stopTimeout)
	defer timeout.Stop()
	select {
	case <-c.done:
		return
	case <-killNow:
	case <-timeout.C:
	}
	if !c.ended() {
		kill(c.cmd.Process)
	}
	<-c.done
}

// String is how the process ended, and its last output.
func (c *child) String() string {
	return fmt.Sprintf("%s; its last output:\n%s", c.cmd.ProcessState, c.output)
}

// tail keeps the last lines written to it, without secrets.
type tail struct {
	secrets []string
	mu      sync.Mutex
	lines   []string
	partial []byte
}

const tailLines = 12

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.partial = append(t.partial, p...)
	for {
		line, rest, found := bytes.Cut(t.partial, []byte("\n"))
		if !found {
			return len(p), nil
		}
		t.partial = rest
		if text := strings.TrimSpace(string(line)); text != "" {
			t.lines = append(t.lines, t.scrub(text))
		}
		t.lines = slices.Clone(t.lines[max(0, len(t.lines)-tailLines):])
	}
}

func (t *tail) scrub(text string) string {
	for _, secret := range t.secrets {
		text = strings.ReplaceAll(text, secret, "(sensitive)")
	}
	return text
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.lines) == 0 {
		return "(none)"
	}
	return strings.Join(t.lines, "\n")
}
