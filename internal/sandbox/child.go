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

// processStarter starts processes from one OS thread that exists until close. Linux sends Pdeathsig when the forking *thread* ends, and
// the Go runtime may end other threads at any time (golang.org/issue/27505).
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

// child is a child process with the last lines of its output.
type child struct {
	cmd    *exec.Cmd
	output *tail
	done   chan struct{} // closed when the process has ended and cmd.ProcessState is set
}

// start starts a process with the given stdin. Its environment contains only PATH, so that no credentials leak into it. The secrets are
// removed from its recorded output.
func (s processStarter) start(path string, args []string, dir, stdin string, secrets ...string) (*child, error) {
	output := &tail{secrets: secrets}
	c := &child{output: output, done: make(chan struct{}), cmd: &exec.Cmd{
		Path: path, Args: append([]string{path}, args...), Dir: dir, Env: []string{"PATH=/usr/bin:/bin"},
		Stdin: strings.NewReader(stdin), Stdout: output, Stderr: output,
		SysProcAttr: childAttributes(),
		WaitDelay:   time.Second, // the server's own child, such as an AOF rewrite, may keep the output open
	}}
	if err := s.run(c.cmd); err != nil {
		return nil, err
	}
	go func() {
		_ = c.cmd.Wait() // ProcessState has the result
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

// end sends TERM, and KILL after stopTimeout or when killNow is closed (a nil killNow never is). It returns when the process has ended.
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

// String returns the exit status of the ended process and its last output.
func (c *child) String() string {
	return fmt.Sprintf("%s; its last output:\n%s", c.cmd.ProcessState, c.output)
}

// tail is a writer that keeps the last lines, with the secrets replaced.
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
