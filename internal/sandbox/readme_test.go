// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package sandbox_test

import (
	"io"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/sandbox"
)

var shellBlock = regexp.MustCompile("(?s)```sh\n(.*?)```")

func TestREADME_everyCurlExampleWorks(t *testing.T) {
	t.Parallel()
	w := start(t, withServers)
	w.app("orders-api")
	w.store("orders-api", "orders-cache", "premium-0")
	s := w.Sandbox
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	shown := map[string]bool{}
	for _, block := range shellBlock.FindAllStringSubmatch(string(text), -1) {
		req := curl(t, s, block[1])
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if err != nil || resp.StatusCode > 299 {
			t.Errorf("%s%s: %s %v", block[1], resp.Status, body, err)
		}
		shown[req.URL.Path] = true
	}
	for _, endpoint := range []string{"faults", "clock", "maintenances", "failover", "standby", "restart", "journal", "ledger"} {
		if !shown["/__sandbox/"+endpoint] {
			t.Errorf("there is no example of %s", endpoint)
		}
	}
}

// curl sends the request of a curl command without curl, which not every machine has. A shell splits the command into words.
func curl(t *testing.T, s *sandbox.Sandbox, script string) *http.Request {
	t.Helper()
	shell := exec.CommandContext(t.Context(), "sh", "-euc", "curl() { printf '%s\\0' \"$@\"; }\n"+script)
	shell.Env = []string{"HEROKU_API_URL=" + s.URL(), "HEROKU_API_KEY=" + s.Token()}
	out, err := shell.Output()
	if err != nil {
		t.Fatalf("%s: %v", script, err)
	}
	method, url, body := http.MethodGet, "", ""
	header := http.Header{}
	args := strings.Split(strings.TrimSuffix(string(out), "\x00"), "\x00")
	for len(args) > 0 {
		arg := args[0]
		args = args[1:]
		switch arg {
		case "-fsS":
		case "-H":
			name, value, _ := strings.Cut(args[0], ": ")
			header.Set(name, value)
			args = args[1:]
		case "-X":
			method, args = args[0], args[1:]
		case "-d":
			method, body, args = http.MethodPost, args[0], args[1:]
		default:
			url = arg
		}
	}
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatalf("%s: %v", script, err)
	}
	req.Header = header
	return req
}
