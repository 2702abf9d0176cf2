// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package main

import (
	"bytes"
	"crypto/tls"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// TestMain lets the test binary act as the command, so that tests can send signals to it and kill it.
func TestMain(m *testing.M) {
	if os.Getenv("KVS_TEST_SANDBOX_COMMAND") != "" {
		main()
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// process is a running sandbox command.
type process struct {
	cmd    *exec.Cmd
	tmp    string
	stdout string // complete, because it is closed when the sandbox is ready
	stderr *log
	exited chan struct{}
}

type log struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// runCommand starts the command and returns when it is ready, or has ended.
func runCommand(t *testing.T, args ...string) *process {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p := &process{cmd: exec.Command(self, args...), tmp: t.TempDir(), stderr: &log{}, exited: make(chan struct{})}
	p.cmd.Env = append(os.Environ(), "KVS_TEST_SANDBOX_COMMAND=1", "TMPDIR="+p.tmp)
	p.cmd.Stderr = p.stderr
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(stdout)
	if err != nil {
		t.Fatal(err)
	}
	p.stdout = string(text)
	go func() { _ = p.cmd.Wait(); close(p.exited) }()
	t.Cleanup(func() { _ = p.cmd.Process.Kill(); <-p.exited })
	return p
}

// end sends a signal and returns the exit code, or -1 if the signal has killed the process.
func (p *process) end(t *testing.T, signal os.Signal) int {
	t.Helper()
	if err := p.cmd.Process.Signal(signal); err != nil {
		t.Fatal(err)
	}
	return p.wait(t)
}

func (p *process) wait(t *testing.T) int {
	t.Helper()
	timeout := time.NewTimer(10 * time.Minute) // so long only if it hangs
	defer timeout.Stop()
	select {
	case <-p.exited:
	case <-timeout.C:
		t.Fatalf("the sandbox is still running:\n%s", p.stderr)
	}
	return p.cmd.ProcessState.ExitCode()
}

// env returns the variables of a shell that has evaluated stdout.
func (p *process) env(t *testing.T, name string) string {
	t.Helper()
	shell := exec.CommandContext(t.Context(), "sh", "-c", `eval "$1" && printenv "$2"`, "sh", p.stdout, name)
	shell.Env = []string{"PATH=" + os.Getenv("PATH")}
	out, err := shell.Output()
	if err != nil {
		t.Fatalf("evaluating %q: %v\n%s", p.stdout, err, p.stderr)
	}
	return strings.TrimSuffix(string(out), "\n")
}

// call sends a request to the API with the URL and token in the variables.
func (p *process) call(t *testing.T, method, path, body string, into any) int {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, p.env(t, "HEROKU_API_URL")+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+p.env(t, "HEROKU_API_KEY"))
	req.Header.Set("Accept", "application/vnd.heroku+json; version=3")
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if err := json.NewDecoder(resp.Body).Decode(into); err != nil {
		t.Fatalf("%s %s: %s: %v", method, path, resp.Status, err)
	}
	return resp.StatusCode
}

type addOn struct{ ID, Name, State string }

// newStore creates an app and a store, and returns when the store is provisioned.
func (p *process) newStore(t *testing.T) {
	t.Helper()
	var made addOn
	if status := p.call(t, "POST", "/apps", `{"name":"web"}`, &made); status != http.StatusCreated {
		t.Fatalf("creating an app: %d", status)
	}
	if status := p.call(t, "POST", "/apps/web/addons", `{"plan":"heroku-redis:premium-0","name":"cache"}`,
		&made); status != http.StatusCreated {
		t.Fatalf("creating a store: %d", status)
	}
	poll := time.NewTicker(20 * time.Millisecond)
	defer poll.Stop()
	for made.State != "provisioned" {
		select {
		case <-poll.C:
		case <-t.Context().Done():
			t.Fatal(t.Context().Err())
		}
		p.call(t, "GET", "/apps/web/addons/cache", "", &made)
	}
}

// store connects to the store with the URL in the app's config var.
func (p *process) store(t *testing.T) *redis.Client {
	t.Helper()
	vars := map[string]string{}
	p.call(t, "GET", "/apps/web/config-vars", "", &vars)
	options, err := redis.ParseURL(vars["REDIS_URL"])
	if err != nil {
		t.Fatalf("REDIS_URL is no URL: %v", err)
	}
	options.TLSConfig = &tls.Config{InsecureSkipVerify: true}
	options.MaxRetries = -1
	c := redis.NewClient(options)
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func TestSandbox_stdoutIsOneLineForAShellAndStderrSaysTheRest(t *testing.T) {
	t.Parallel()
	const token = `it's a "token" with $HOME; false`
	p := runCommand(t, "--engine", "miniredis", "--token", token, "--team", "builders")
	if strings.Count(p.stdout, "\n") != 1 || !strings.HasPrefix(p.stdout, "export ") {
		t.Errorf("stdout is %q", p.stdout)
	}
	url := p.env(t, "HEROKU_API_URL")
	for name, want := range map[string]string{"HEROKU_DATA_API_URL": url, "HEROKU_API_KEY": token, "KVS_SANDBOX_TEAM": "builders"} {
		if got := p.env(t, name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	for _, want := range []string{
		"A local Heroku runs at " + url,
		"page    " + url + "/ in a browser", "miniredis", "builders and builders-data", `kvs = { source = "terraform-kvs/kvs" }`,
		`api_url      = "` + url + `"`, "HEROKU_HOST=" + url + " HEROKU_DATA_HOST=127.0.0.1", "Ctrl-C",
	} {
		if !strings.Contains(p.stderr.String(), want) {
			t.Errorf("stderr does not say %q:\n%s", want, p.stderr)
		}
	}
	if strings.Contains(p.stderr.String(), "token\" with") {
		t.Errorf("stderr has the token in it:\n%s", p.stderr)
	}
}

func TestSandbox_appsAreDeployedUnlessItIsToldOtherwise(t *testing.T) {
	t.Parallel()
	for args, want := range map[string]int{"": 2, "--undeployed": 0} {
		p := runCommand(t, append(strings.Fields(args), "--engine", "miniredis")...)
		var app struct{ Name string }
		p.call(t, "POST", "/apps", `{"name":"web"}`, &app)
		var formation []struct{ Type string }
		if p.call(t, "GET", "/apps/web/formation", "", &formation); len(formation) != want {
			t.Errorf("with %q an app has %d process types, want %d", args, len(formation), want)
		}
	}
}

func TestSandbox_theSignalsThatEndItLeaveNothingBehind(t *testing.T) {
	t.Parallel()
	for _, signal := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP} {
		t.Run(signal.String(), func(t *testing.T) {
			t.Parallel()
			p := runCommand(t, "--provisioning", "0s")
			p.newStore(t)
			c := p.store(t)
			if err := c.Set(t.Context(), "key", "value", 0).Err(); err != nil {
				t.Fatal(err)
			}
			if code := p.end(t, signal); code != 0 {
				t.Errorf("exit code %d:\n%s", code, p.stderr)
			}
			if conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", c.Options().Addr); err == nil {
				_ = conn.Close()
				t.Error("the server of the store is still running")
			}
			if left, err := os.ReadDir(p.tmp); err != nil || len(left) > 0 {
				t.Errorf("left in the temporary directory: %v, %v", left, err)
			}
		})
	}
}

func TestSandbox_aSecondStartOnTheSameDataDirectoryContinues(t *testing.T) {
	t.Parallel()
	for _, signal := range []syscall.Signal{syscall.SIGTERM, syscall.SIGKILL} {
		t.Run("after "+signal.String(), func(t *testing.T) {
			t.Parallel()
			engine := "redis"
			if _, err := exec.LookPath("valkey-server"); err == nil {
				engine = "valkey"
			} // without either, the test fails: the keys of a miniredis do not survive a kill
			args := []string{"--provisioning", "0s", "--engine", engine, "--team", "builders", "--data-dir", filepath.Join(t.TempDir(), "data")}
			first := runCommand(t, args...)
			first.newStore(t)
			if err := first.store(t).Set(t.Context(), "key", "value", 0).Err(); err != nil {
				t.Fatal(err)
			}
			token := first.env(t, "HEROKU_API_KEY")
			first.end(t, signal)

			second := runCommand(t, args...)
			if got := second.env(t, "HEROKU_API_KEY"); got != token {
				t.Error("the token is another one")
			}
			var found addOn
			if status := second.call(t, "GET", "/apps/web/addons/cache", "", &found); status != http.StatusOK || found.State != "provisioned" {
				t.Errorf("the store: %d, %+v", status, found)
			}
			if got, err := second.store(t).Get(t.Context(), "key").Result(); err != nil || got != "value" {
				t.Errorf("the key: %q, %v", got, err)
			}
			if code := second.end(t, syscall.SIGTERM); code != 0 {
				t.Errorf("exit code %d:\n%s", code, second.stderr)
			}
		})
	}
}

func TestSandbox_aDataDirectoryInUseIsRefused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	runCommand(t, "--engine", "miniredis", "--data-dir", dir)
	second := runCommand(t, "--engine", "miniredis", "--data-dir", dir)
	if code := second.wait(t); code != 1 || !strings.Contains(second.stderr.String(), "already in use by another sandbox") {
		t.Errorf("exit code %d:\n%s", code, second.stderr)
	}
}

func TestSandbox_whatItCannotDoIsSaidAndEndsIt(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		is, says string
		args     []string
		code     int
	}{
		{is: "listening for everybody", args: []string{"--addr", "0.0.0.0:0"}, code: 1, says: "loopback only"},
		{is: "listening on another machine's address", args: []string{"--addr", "192.0.2.1:0"}, code: 1, says: "loopback only"},
		{is: "an unknown engine", args: []string{"--engine", "memcached"}, code: 1, says: "use auto, valkey, redis or miniredis"},
		{is: "an unknown flag", args: []string{"--colour"}, code: 2, says: "-colour"},
		{is: "an argument", args: []string{"start"}, code: 2, says: `unexpected argument "start"`},
		{is: "negative provisioning", args: []string{"--provisioning", "-1s"}, code: 2, says: "duration of 0s or more"},
		{is: "negative allocation", args: []string{"--allocation", "-1s"}, code: 2, says: "duration of 0s or more"},
		{is: "no requests at all", args: []string{"--rate-limit", "0"}, code: 2, says: "1 or more"},
		{is: "help", args: []string{"--help"}, code: 0, says: "-data-dir"},
	} {
		t.Run(test.is, func(t *testing.T) {
			t.Parallel()
			p := runCommand(t, test.args...)
			if code := p.wait(t); code != test.code || !strings.Contains(p.stderr.String(), test.says) || p.stdout != "" {
				t.Errorf("exit code %d, stdout %q, stderr:\n%s", code, p.stdout, p.stderr)
			}
			if left, err := os.ReadDir(p.tmp); err != nil && !errors.Is(err, os.ErrNotExist) || len(left) > 0 {
				t.Errorf("left in the temporary directory: %v, %v", left, err)
			}
		})
	}
}

func TestQuote_makesOneWordOfAnyText(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"plain-1.2:3/4", "", "two words", "it's", `"$HOME"`, "`id`", "a\nb", "*", "~"} {
		out, err := exec.CommandContext(t.Context(), "sh", "-c", "printf %s "+quote(text)).Output()
		if err != nil || string(out) != text {
			t.Errorf("%q comes back as %q, %v", text, out, err)
		}
	}
}

func TestGuide_warnsOfAddressesThatTheHerokuCLIIgnores(t *testing.T) {
	t.Parallel()
	var text bytes.Buffer
	if err := describe(&text, guide{URL: "http://[::1]:5000", Host: "::1", Engine: "redis-server 7.0.15"}); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(text.String(), "HEROKU_HOST") || !strings.Contains(text.String(), "it would send the token to Heroku") {
		t.Error(&text)
	}
}
