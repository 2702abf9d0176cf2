// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"time"
)

// diagnostic is a diagnostic of a plan or an apply.
type diagnostic struct{ Severity, Summary, Detail, Address string }

// command prepares a child process without the settings of this machine. The process is interrupted when ctx ends.
func (s *story) command(ctx context.Context, path string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Dir, cmd.Env = s.dir, append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + s.dir, "TMPDIR=" + s.dir,
		"CHECKPOINT_DISABLE=1", "TF_IN_AUTOMATION=1", "TF_CLI_CONFIG_FILE=cli.tfrc"}, s.env...)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 20 * time.Second
	return cmd
}

// supported reports whether a version is 1.11 or later: ephemeral resources need Terraform 1.10 or OpenTofu 1.11.
func supported(version string) bool {
	var major, minor int
	n, _ := fmt.Sscanf(version, "%d.%d.", &major, &minor)
	return n == 2 && (major > 1 || major == 1 && minor >= 11)
}

// run runs Terraform or OpenTofu, which print one JSON document per line, and returns their diagnostics. The error contains all messages,
// and the output of the configuration's command from command.log: the CLI suppresses it, because the command gets an ephemeral value.
func (s *story) run(ctx context.Context, args ...string) (said []diagnostic, err error) {
	output, err := s.command(ctx, s.binary, append([]string{args[0], "-json", "-input=false"}, args[1:]...)...).CombinedOutput()
	text := ""
	for line := range bytes.Lines(output) {
		var event struct {
			Type       string
			Message    string `json:"@message"`
			Diagnostic diagnostic
			Outputs    map[string]struct{ Value string }
		}
		switch err := json.Unmarshal(line, &event); {
		case err != nil:
			text += string(line)
		case event.Type == "change_summary":
			s.facts["summary"] = event.Message // "Plan: 0 to add, 1 to change, 0 to destroy."
		// Every run has a warning that the provider is a local build.
		case event.Type == "diagnostic" && !strings.Contains(event.Diagnostic.Summary, "development overrides"):
			said = append(said, event.Diagnostic)
			text += fmt.Sprintf("\n%s\n%s\n", event.Message, event.Diagnostic.Detail)
		}
		for name, output := range event.Outputs {
			if output.Value != "" { // a plan has no values of outputs
				s.facts[name] = output.Value
			}
		}
	}
	if err != nil {
		log, _ := os.ReadFile(s.dir + "/command.log")
		err = fmt.Errorf("%s%s %s: %w\n%s", log, s.facts["cli"], args[0], err, text)
	}
	return said, err
}

// sandbox is a running kvs-sandbox process.
type sandbox struct {
	process    *exec.Cmd
	input      io.Closer
	url, token string
}

// untilItsInputEnds is the command that kvs-sandbox exec runs. It ends when the demo ends for any reason. It ignores interrupts, because
// the CLI still needs the sandbox after an interrupt.
const untilItsInputEnds = `trap "" INT TERM HUP; echo "$HEROKU_API_URL $HEROKU_API_KEY"; exec cat >&2`

// start returns when the sandbox is ready.
func (s *sandbox) start(process *exec.Cmd) {
	input, output := must(process.StdinPipe()), must(process.StdoutPipe())
	process.Stderr = os.Stderr
	check(process.Start())
	s.process, s.input = process, input
	must(fmt.Fscan(output, &s.url, &s.token))
}

// stop stops the sandbox, which stops all its servers.
func (s *sandbox) stop() error {
	if s.process == nil {
		return nil
	}
	return errors.Join(s.input.Close(), s.process.Wait())
}

// get reads from Heroku's API, or from the sandbox's own endpoints.
func get[T any](ctx context.Context, s *sandbox, path string) (answer T) {
	request := must(http.NewRequestWithContext(ctx, http.MethodGet, s.url+path, nil))
	request.Header = http.Header{"Accept": {"application/vnd.heroku+json; version=3"}, "Authorization": {"Bearer " + s.token}}
	response, err := http.DefaultClient.Do(request)
	check(err)
	defer func() { _ = response.Body.Close() }()
	mustBe(response.StatusCode == http.StatusOK, "GET %s: %s", path, response.Status)
	check(json.NewDecoder(response.Body).Decode(&answer))
	return answer
}

// ledger has the sandbox's counts of stores and spaces.
type ledger struct{ Created, Destroyed, Orphans int }

func (s *sandbox) mustCount(ctx context.Context, want ledger) {
	is := get[ledger](ctx, s, "/__sandbox/ledger")
	mustBe(is == want, "the sandbox's ledger should be %+v, and is %+v", want, is)
}

// mustRun fails unless an app is in normal operation, without traces of a migration.
func (s *sandbox) mustRun(ctx context.Context, id string) {
	dynos := map[any]any{}
	for _, process := range get[[]struct{ Type, Quantity any }](ctx, s, "/apps/"+id+"/formation") {
		dynos[process.Type] = process.Quantity
	}
	maintenance := get[struct{ Maintenance bool }](ctx, s, "/apps/"+id).Maintenance
	_, held := get[map[string]string](ctx, s, "/apps/"+id+"/config-vars")["KVS_MIGRATION"] // the provider's record of what to restore
	is := fmt.Sprintf("%v, maintenance %t, held %t", dynos, maintenance, held)
	mustBe(is == "map[web:1 worker:1], maintenance false, held false", "the app %s should be in use, and is %s", id, is)
}

// dialAs returns a function that connects to stores as a dyno of the app does, through the sandbox's proxy.
func (s *sandbox) dialAs(app string) func(context.Context, string, string) (net.Conn, error) {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := new(net.Dialer).DialContext(ctx, network, strings.TrimPrefix(s.url, "http://"))
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(conn, "CONNECT %s HTTP/1.1\r\nHost: %[1]s\r\nProxy-Authorization: Basic %s\r\n\r\n",
			addr, base64.StdEncoding.EncodeToString([]byte(app+":")))
		response, err := http.ReadResponse(bufio.NewReader(conn), nil) //nolint:bodyclose // the body is the connection
		if err == nil && response.StatusCode != http.StatusOK {
			err = errors.New(response.Status)
		}
		if err != nil {
			return nil, errors.Join(err, conn.Close())
		}
		return tls.Client(conn, &tls.Config{InsecureSkipVerify: true}), nil //nolint:gosec // self-signed, see connect
	}
}
