// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

func newStory(t *testing.T) *story {
	return &story{narrator: narrator{facts: map[string]string{}}, dir: t.TempDir()}
}

func TestTheOutputOfTheCLIIsRead(t *testing.T) {
	t.Parallel()
	const output = `{"@level":"warn","@message":"Warning: Provider development overrides are in effect","type":"diagnostic",` +
		`"diagnostic":{"severity":"warning","summary":"Provider development overrides are in effect","detail":"…"}}
{"@level":"info","@message":"Plan: 0 to add, 1 to change, 0 to destroy.","changes":{"add":0},"type":"change_summary"}
{"@level":"error","@message":"Error: No","type":"diagnostic",` +
		`"diagnostic":{"severity":"error","summary":"No","detail":"Because.","address":"kvs_instance.mistake"}}
{"@level":"info","@message":"Outputs: 2","outputs":{"store_plan":{"sensitive":false,"type":"string","value":"premium-1"},` +
		`"store_id":{"sensitive":false,"action":"noop"}},"type":"outputs"}
panic: no JSON
`
	s := newStory(t)
	s.binary, s.facts["store_id"] = "/bin/sh", "the one of before"
	for name, content := range map[string]string{"output": output, "plan": "cat output; exit $CODE", "command.log": "no connection\n"} {
		if err := os.WriteFile(filepath.Join(s.dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s.env = []string{"CODE=0"}
	said, err := s.run(t.Context(), "plan")
	if want := []diagnostic{{"error", "No", "Because.", "kvs_instance.mistake"}}; err != nil || !reflect.DeepEqual(said, want) {
		t.Errorf("read %+v, want %+v (%v)", said, want, err)
	}
	if want := map[string]string{"summary": "Plan: 0 to add, 1 to change, 0 to destroy.", "store_plan": "premium-1",
		"store_id": "the one of before"}; !reflect.DeepEqual(s.facts, want) {
		t.Errorf("the facts are %v, want %v", s.facts, want)
	}
	s.env, s.facts["cli"] = []string{"CODE=1"}, "Terraform"
	_, err = s.run(t.Context(), "plan")
	const want = "no connection\nTerraform plan: exit status 1\n\nError: No\nBecause.\npanic: no JSON\n"
	if err == nil || err.Error() != want {
		t.Errorf("the error is %q, want %q", err, want)
	}
}

func TestOnlyTheWantedFactsOfAPlanAreTold(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	s.planned = []diagnostic{
		{Summary: "Nothing to list", Detail: "Price: none."},
		{Summary: "Replaced", Detail: "Because.\n\n  - Price: $1.\n  - Memory: 1 MB.\n  - The old store goes."},
		{Summary: "Not about this", Detail: "  - Memory: 1 MB."},
	}
	want := []string{"Warning: Replaced", "  - Price: $1.", "  - The old store goes."}
	if got := s.warned("(?m)^ *- .*(?:Price|The old store).*$"); !reflect.DeepEqual(got, want) {
		t.Errorf("told %q, want %q", got, want)
	}
	if attempt(func() { s.warned("Connections") }) == nil {
		t.Error("nothing is told of Connections, and that is not noticed")
	}
}

func TestAnObjectThatIsNotRefusedIsNoticed(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	s.binary = "/bin/sh"
	const refusal = `echo '{"type":"diagnostic","diagnostic":{"severity":"error","summary":"No","address":"a.b"}}'; exit `
	for code, refused := range map[string]bool{"0": false, "1": true} {
		if err := os.WriteFile(filepath.Join(s.dir, "plan"), []byte(refusal+code), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := attempt(func() { s.refuse(t.Context(), "a.b") }); (err == nil) != refused {
			t.Errorf("the exit code is %s: %v", code, err)
		}
		if attempt(func() { s.refuse(t.Context(), "a.c") }) == nil {
			t.Errorf("the exit code is %s, and another object is refused", code)
		}
	}
	if want := []string{"Error: No"}; !reflect.DeepEqual(s.notes, want) {
		t.Errorf("noted %q, want %q", s.notes, want)
	}
}

func TestOldVersionsAreToldFromNewOnes(t *testing.T) {
	t.Parallel()
	for version, want := range map[string]bool{
		"1.11.0": true, "1.12.6-dev": true, "2.0.0": true, "1.10.5": false, "0.15.5": false, "1.9.8": false, "": false, "dev": false,
	} {
		if got := supported(version); got != want {
			t.Errorf("%q is at least 1.11: %t, want %t", version, got, want)
		}
	}
}

// Differences in the ledger or the state of an app are detected.
func TestWhatIsNotAsItShouldBeIsNoticed(t *testing.T) {
	t.Parallel()
	answers := map[string]string{
		"/__sandbox/ledger":   `{"created":3,"destroyed":1,"living":2,"orphans":2,"objects":[]}`,
		"/apps/1":             `{"id":"1","maintenance":false}`,
		"/apps/1/formation":   `[{"type":"worker","quantity":1},{"type":"web","quantity":1}]`, // in any order
		"/apps/1/config-vars": `{"REDIS_URL":"rediss://"}`,
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if answers[r.URL.Path] == "" || r.Header.Get("Authorization") != "Bearer token" {
			w.WriteHeader(http.StatusNotFound)
		}
		_, _ = w.Write([]byte(answers[r.URL.Path]))
	}))
	defer server.Close()
	s := &sandbox{url: server.URL, token: "token"}
	counts := func(want ledger) error { return attempt(func() { s.mustCount(t.Context(), want) }) }
	runs := func() error { return attempt(func() { s.mustRun(t.Context(), "1") }) }
	if err := errors.Join(counts(ledger{Created: 3, Destroyed: 1, Orphans: 2}), runs()); err != nil {
		t.Error(err)
	}
	if counts(ledger{Created: 3, Destroyed: 2, Orphans: 1}) == nil {
		t.Error("another ledger is not told apart")
	}
	for path, other := range map[string]string{"/apps/1": `{"maintenance":true}`, "/apps/1/formation": `[{"type":"web","quantity":1}]`,
		"/apps/1/config-vars": `{"KVS_MIGRATION":"web=1"}`} {
		was := answers[path]
		if answers[path] = other; runs() == nil {
			t.Errorf("%s may be %s", path, other)
		}
		answers[path] = was
	}
}

func TestAStepIsToldInOneLine(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	n := &narrator{out: &out, steps: 10, facts: map[string]string{"name": "cache"}}
	n.tell("creating a store", "store $name created", func() { n.remark, n.notes = "41 ms to plan, ", []string{"and more"} })
	lines := strings.Split(out.String(), "\n")
	if len(lines) != 3 || !strings.HasPrefix(lines[0], "[ 1/10] store cache created (41 ms to plan, ") || lines[1] != "        and more" {
		t.Errorf("told:\n%s", out.String())
	}
	for i, do := range []func(){func() { check(errors.New("no")) }, func() { panic("no") }, func() { n.expand("of $nobody") }} {
		err := attempt(func() { n.tell("failing", "done", do) })
		if err == nil || !strings.HasPrefix(err.Error(), fmt.Sprintf("step %d of 10, failing: no", i+2)) {
			t.Errorf("the failure is told as %v", err)
		}
	}
}

// An interrupted step fails even if its function ignores the interrupt.
func TestAnInterruptedStepFails(t *testing.T) {
	t.Parallel()
	interrupts := make(chan os.Signal, 1)
	n := &narrator{out: io.Discard, steps: 10, interrupts: interrupts}
	err := attempt(func() { n.tell("waiting", "done", func() { interrupts <- os.Interrupt }) })
	if err == nil || err.Error() != "step 1 of 10, waiting: interrupted" {
		t.Errorf("the failure is told as %v", err)
	}
}

func TestTimesAreShort(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]string{41 * time.Millisecond: "41 ms", 4240 * time.Millisecond: "4.2 s",
		171 * time.Second: "2m51s"} {
		if got := inWords(d); got != want {
			t.Errorf("%d ns is %q, want %q", d, got, want)
		}
	}
}

// The URL has a password, so no error may contain any part of it.
func TestKeysNeverRepeatTheURL(t *testing.T) {
	t.Parallel()
	for _, url := range []string{"redis://h:canary@127.0.0.1:1", "rediss://h:canary@127.0.0.1:99999999", "rediss://h:canary@127.0.0.1:1"} {
		err := attempt(func() { useKeys(t.Context(), url, true) })
		if err == nil || strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: %v", url, err)
		}
	}
}

func TestAnInterruptEndsAChild(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cmd := newStory(t).command(ctx, "/bin/sh", "-c", "echo ready; exec sleep 60")
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := stdout.Read(make([]byte, 6)); err != nil {
		t.Fatal(err)
	}
	cancel()
	if err := cmd.Wait(); err == nil || cmd.ProcessState.Success() {
		t.Errorf("the child ended well: %v", err)
	}
}

// An interrupt also reaches the sandbox, but must not end it, because the CLI still needs it.
func TestTheSandboxEndsWithTheDemo(t *testing.T) {
	t.Parallel()
	process := newStory(t).command(t.Context(), "/bin/sh", "-c", untilItsInputEnds)
	process.Env = append(process.Env, "HEROKU_API_URL=http://127.0.0.1:1", "HEROKU_API_KEY=token")
	var s sandbox
	if err := s.stop(); err != nil {
		t.Errorf("there is nothing to stop: %v", err)
	}
	s.start(process)
	if s.url != "http://127.0.0.1:1" || s.token != "token" {
		t.Errorf("the sandbox is at %q, with the token %q", s.url, s.token)
	}
	if err := process.Process.Signal(os.Interrupt); err != nil {
		t.Error(err)
	}
	if err := s.stop(); err != nil {
		t.Errorf("it was interrupted: %v", err)
	}
}

// The demo runs in the root of the repository.
func TestTheConfigurationsAreThere(t *testing.T) {
	t.Chdir(filepath.Join("..", "..", ".."))
	if found, _ := filepath.Glob("examples/demo/*.tf"); len(found) != 3 {
		t.Errorf("examples/demo has %v", found)
	}
	s := newStory(t)
	for name, migration := range map[string]string{"cli.tfrc": "", "mistake.tf": "", "space.tf": "", "unprotected_override.tf": "",
		"move_override.tf":   "migration = { app_maintenance = true, scale_down = true }",
		"retire_override.tf": `migration = { retire = "always" }`} {
		if s.configure(name); s.facts["migration"] != migration {
			t.Errorf("%s has %q, want %q", name, s.facts["migration"], migration)
		}
	}
}
