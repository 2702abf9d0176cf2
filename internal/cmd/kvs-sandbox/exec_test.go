// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

//go:build unix

package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

func init() {
	if os.Getenv("KVS_TEST_COMMAND") != "" {
		os.Exit(actAsCommand())
	}
}

// actAsCommand is the command that exec runs in these tests. Its first argument selects what it does with the sandbox in its environment.
func actAsCommand() (code int) {
	url, token := os.Getenv("HEROKU_API_URL"), os.Getenv("HEROKU_API_KEY")
	var into any
	switch os.Args[1] {
	case "create-app":
		into = sandboxAnswer(url, token, "POST", "/apps", `{"name":"web"}`)
	case "list-apps":
		into = sandboxAnswer(url, token, "GET", "/apps", "")
	case "await-signal":
		signals := make(chan os.Signal, 1)
		signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
		fmt.Println("process group", syscall.Getpgrp())
		into = (<-signals).String()
		code = 5
	}
	_ = json.NewEncoder(os.Stdout).Encode(into)
	return code
}

func sandboxAnswer(url, token, method, path, body string) (answer any) {
	req, err := http.NewRequest(method, url+path, strings.NewReader(body))
	if err != nil {
		return err.Error()
	}
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Accept", "application/vnd.heroku+json; version=3")
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err.Error()
	}
	defer func() { _ = resp.Body.Close() }()
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		return err.Error()
	}
	return answer
}

// startExec starts kvs-sandbox exec, and returns the running command with its stdout and its recorded stderr.
func startExec(t *testing.T, args ...string) (*exec.Cmd, *bufio.Reader, *log) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self, append([]string{"exec", "--engine", "miniredis"}, args...)...)
	cmd.Env = append(os.Environ(), "KVS_TEST_SANDBOX_COMMAND=1", "TMPDIR="+t.TempDir(), "HEROKU_API_KEY=the one of the developer")
	stderr := &log{}
	cmd.Stderr = stderr
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // no terminal
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd, bufio.NewReader(stdout), stderr
}

// runExec runs kvs-sandbox exec and waits for its end.
func runExec(t *testing.T, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	cmd, reader, said := startExec(t, args...)
	var text strings.Builder
	if _, err := reader.WriteTo(&text); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	return text.String(), said.String(), cmd.ProcessState.ExitCode()
}

// ourselves returns the command that runs this test binary as actAsCommand.
func ourselves(t *testing.T, does string) []string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return []string{"env", "KVS_TEST_SANDBOX_COMMAND=", "KVS_TEST_COMMAND=1", self, does}
}

func TestExec_theCommandHasTheEnvironmentAndItsExitCodeCounts(t *testing.T) {
	t.Parallel()
	const show = `echo "$HEROKU_API_URL $HEROKU_DATA_API_URL $HEROKU_HOST $KVS_SANDBOX_TEAM"; echo "$HEROKU_API_KEY"; exit 7`
	stdout, stderr, code := runExec(t, "--token", "the token", "--team", "builders", "--", "sh", "-c", show)
	first, key, _ := strings.Cut(stdout, "\n")
	url, _, _ := strings.Cut(first, " ")
	if code != 7 || !strings.HasPrefix(url, "http://127.0.0.1:") ||
		first != strings.Join([]string{url, url, url, "builders"}, " ") || key != "the token\n" {
		t.Errorf("exit code %d, stdout %q", code, stdout)
	}
	if stderr != "" {
		t.Errorf("in the middle of what the command says: %q", stderr)
	}
}

func TestExec_howItEndsIsTold(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		is, says string
		args     []string
		code     int
	}{
		{is: "a command that succeeds", args: []string{"true"}, code: 0},
		{is: "a command that ends itself by a signal", args: []string{"--", "sh", "-c", "kill -TERM $$"}, code: 143},
		{is: "a command that is not there", args: []string{"--", "kvs-no-such-command"}, code: 127, says: "kvs-no-such-command"},
		{is: "a command that is not there, by its path", args: []string{"--", "/kvs/no/such"}, code: 127, says: "/kvs/no/such"},
		{is: "a command that is a directory", args: []string{"--", "/"}, code: 126, says: "/"},
		{is: "no command", code: 125, says: "which command?"},
		{is: "an unknown option", args: []string{"--colour", "--", "true"}, code: 125, says: "-colour"},
		{is: "a sandbox that cannot start", args: []string{"--addr", "0.0.0.0:0", "--", "echo", "started"}, code: 125,
			says: "loopback only"},
		{is: "a log that cannot be written", args: []string{"--log", "/kvs/no/such", "--", "echo", "started"},
			code: 125, says: "/kvs/no/such"},
		{is: "help", args: []string{"--help"}, code: 0, says: "128 + N"},
	} {
		t.Run(test.is, func(t *testing.T) {
			t.Parallel()
			stdout, stderr, code := runExec(t, test.args...)
			if code != test.code || !strings.Contains(stderr, test.says) || stdout != "" {
				t.Errorf("exit code %d, want %d; stdout %q, stderr %q", code, test.code, stdout, stderr)
			}
		})
	}
}

// A signal to the process group of exec, as timeout sends it, must not interrupt the command twice.
func TestExec_signalsGoOnToTheCommandWhichIsInAGroupOfItsOwn(t *testing.T) {
	t.Parallel()
	for _, sent := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP} {
		t.Run(sent.String(), func(t *testing.T) {
			t.Parallel()
			cmd, stdout, stderr := startExec(t, append([]string{"--"}, ourselves(t, "await-signal")...)...)
			var group int
			if _, err := fmt.Fscanf(stdout, "process group %d\n", &group); err != nil || group == cmd.Process.Pid {
				t.Errorf("the process group is %d, that of exec %d: %v", group, cmd.Process.Pid, err)
			}
			if err := cmd.Process.Signal(sent); err != nil {
				t.Fatal(err)
			}
			if got, err := stdout.ReadString('\n'); err != nil || got != fmt.Sprintf("%q\n", sent.String()) {
				t.Errorf("the command got %q, %v", got, err)
			}
			_ = cmd.Wait()
			if code := cmd.ProcessState.ExitCode(); code != 5 {
				t.Errorf("exit code %d, stderr %s", code, stderr)
			}
		})
	}
}

func TestExec_stateIsKeptAndLogSaysEachRequest(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	state, logged := filepath.Join(dir, "state"), filepath.Join(dir, "log")
	if stdout, stderr, code := runExec(t, append([]string{"--state", state, "--log", logged, "--"},
		ourselves(t, "create-app")...)...); code != 0 {
		t.Fatalf("exit code %d: %s%s", code, stdout, stderr)
	}
	if stdout, _, code := runExec(t, append([]string{"--state", state, "--"}, ourselves(t, "list-apps")...)...); code != 0 ||
		!strings.Contains(stdout, `"name":"web"`) {
		t.Errorf("exit code %d: %s", code, stdout)
	}
	text, err := os.ReadFile(logged)
	if err != nil || !strings.Contains(string(text), "method=POST path=/apps status=201") || strings.Contains(string(text), "HRKU-") {
		t.Errorf("%v: %s", err, text)
	}
}

func TestExec_waitKeepsTheSandboxUntilASignal(t *testing.T) {
	t.Parallel()
	cmd, _, stderr := startExec(t, "--wait", "--token", "token", "--", "sh", "-c", "exit 3")
	poll := time.NewTicker(20 * time.Millisecond)
	defer poll.Stop()
	var line string
	for !strings.HasSuffix(line, "\n") {
		select {
		case <-poll.C:
		case <-t.Context().Done():
			t.Fatal(t.Context().Err())
		}
		_, line, _ = strings.Cut(stderr.String(), "\nexport HEROKU_API_URL=")
	}
	url, _, _ := strings.Cut(line, " ")
	answer := sandboxAnswer(url, "token", "GET", "/account", "")
	if account, ok := answer.(map[string]any); !ok || account["email"] == nil {
		t.Errorf("the sandbox answers %v after the command", answer)
	}
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	if code := cmd.ProcessState.ExitCode(); code != 3 {
		t.Errorf("exit code %d, stderr %s", code, stderr)
	}
}
