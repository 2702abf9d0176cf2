// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

// Package browser drives a Chromium without a window, for the tests of the sandbox's page. It speaks the DevTools protocol over a pipe.
package browser

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"
)

// Browser is one process for all tests that share it. Each of its pages is on its own, as in a private window.
type Browser struct {
	t    testing.TB
	to   *os.File
	life context.Context // ends with the process

	mu      sync.Mutex // guards what follows, and writing
	serial  int
	waiting map[int]chan answer
	pages   map[string]*Page // by session
}

type answer struct {
	Result json.RawMessage
	Error  *struct{ Message string }
}

// hang is how long nothing takes that comes at all, however slow the machine is.
const hang = 2 * time.Minute

var names = []string{"chromium", "chromium-browser", "google-chrome-stable", "google-chrome"}

// Start skips the test, by name and with what to install, where there is no Chromium.
func Start(t *testing.T) *Browser {
	t.Helper()
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			b, err := start(t, path)
			if err != nil {
				t.Fatalf("starting %s: %v", path, err)
			}
			return b
		}
	}
	t.Skip("NOT TESTED in a browser, since there is no Chromium: install the package chromium (`make browser`)")
	return nil
}

func start(t *testing.T, path string) (*Browser, error) {
	profile, err := os.MkdirTemp("", "kvs-browser-") //nolint:usetesting // it is written into after the test, see removeProfile
	if err != nil {
		return nil, err
	}
	t.Cleanup(func() { removeProfile(t, profile) })
	args := []string{"--headless=new", "--remote-debugging-pipe", "--user-data-dir=" + profile, "--no-first-run", "--disable-gpu",
		"--disable-dev-shm-usage", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-extensions",
		"--disable-background-timer-throttling", "--disable-renderer-backgrounding", "--disable-backgrounding-occluded-windows",
		"--force-color-profile=srgb", "--window-size=1280,900", "--proxy-server=direct://", "--lang=en-US", "--log-level=3"}
	if os.Geteuid() == 0 {
		args = append(args, "--no-sandbox") // it refuses to run as root otherwise
	}
	commands, to, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	from, answers, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(path, append(args, "about:blank")...)
	cmd.ExtraFiles = []*os.File{commands, answers} // 3 and 4
	var log strings.Builder
	cmd.Stderr = &log
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	_, _ = commands.Close(), answers.Close()
	life, end := context.WithCancel(context.WithoutCancel(t.Context()))
	b := &Browser{t: t, to: to, life: life, waiting: map[int]chan answer{}, pages: map[string]*Page{}}
	go func() {
		defer end()
		b.read(bufio.NewReader(from))
	}()
	t.Cleanup(func() {
		_ = to.Close() // it ends by that
		kill := time.AfterFunc(hang, func() { _ = cmd.Process.Kill() })
		_ = cmd.Wait()
		kill.Stop()
		_ = from.Close()
		if t.Failed() {
			t.Logf("the browser said:\n%s", log.String())
		}
	})
	_, err = call[struct{}](b, "", "Browser.getVersion", nil)
	return b, err
}

// removeProfile waits for the last processes of the browser, which outlive the first one and write into it.
func removeProfile(t *testing.T, dir string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), hang)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for os.RemoveAll(dir) != nil {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Errorf("%s is left behind", dir)
			return
		}
	}
}

// read gives each message to who waits for it.
func (b *Browser) read(from *bufio.Reader) {
	for {
		text, err := from.ReadBytes(0)
		if err != nil {
			return
		}
		var m struct {
			ID        int
			SessionID string `json:"sessionId"`
			Method    string
			Params    json.RawMessage
			answer
		}
		if json.Unmarshal(text[:len(text)-1], &m) != nil {
			continue
		}
		b.mu.Lock()
		if to := b.waiting[m.ID]; m.ID != 0 && to != nil {
			to <- m.answer
			delete(b.waiting, m.ID)
		} else if p := b.pages[m.SessionID]; p != nil {
			p.note(m.Method, m.Params)
		}
		b.mu.Unlock()
	}
}

// call does one command and waits for its result.
func call[T any](b *Browser, session, method string, params any) (result T, err error) {
	b.mu.Lock()
	b.serial++
	id, got := b.serial, make(chan answer, 1)
	b.waiting[id] = got
	message := map[string]any{"id": id, "method": method}
	if params != nil {
		message["params"] = params
	}
	if session != "" {
		message["sessionId"] = session
	}
	text, err := json.Marshal(message)
	if err == nil {
		_, err = b.to.Write(append(text, 0))
	}
	b.mu.Unlock()
	if err != nil {
		return result, err
	}
	limit := time.NewTimer(hang)
	defer limit.Stop()
	select {
	case a := <-got:
		if a.Error != nil {
			return result, fmt.Errorf("%s: %s", method, a.Error.Message)
		}
		return result, json.Unmarshal(a.Result, &result)
	case <-b.life.Done():
		return result, errors.New(method + ": the browser has ended")
	case <-limit.C:
		return result, fmt.Errorf("%s: no answer in %s", method, hang)
	}
}
