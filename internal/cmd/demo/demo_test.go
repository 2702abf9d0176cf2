// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestTheOutputOfThePlanIsRead(t *testing.T) {
	t.Parallel()
	const output = `{"@level":"warn","@message":"Warning: Provider development overrides are in effect","diagnostic":{"severity":"warning","summary":"Provider development overrides are in effect","detail":"…"},"type":"diagnostic"}
{"@level":"info","@message":"Plan: 0 to add, 1 to change, 0 to destroy.","changes":{"add":0},"type":"change_summary"}
{"@level":"error","@message":"Error: No","diagnostic":{"severity":"error","summary":"No","detail":"Because.","address":"kvs_instance.mistake"},"type":"diagnostic"}
{"@level":"info","@message":"Outputs: 1","outputs":{"store_plan":{"sensitive":false,"type":"string","value":"premium-1"}},"type":"outputs"}
panic: no JSON
`
	result, rest := readEvents([]byte(output))
	want := run{
		summary:     "Plan: 0 to add, 1 to change, 0 to destroy.",
		outputs:     map[string]string{"store_plan": "premium-1"},
		diagnostics: []diagnostic{{Severity: "error", Summary: "No", Detail: "Because.", Address: "kvs_instance.mistake"}},
	}
	if !reflect.DeepEqual(result, want) {
		t.Errorf("read %+v, want %+v", result, want)
	}
	if rest != "panic: no JSON\n" {
		t.Errorf("the rest is %q", rest)
	}
}

func TestOnlyTheWantedFactsOfAPlanAreTold(t *testing.T) {
	t.Parallel()
	planned := run{diagnostics: []diagnostic{
		{Summary: "Nothing to list", Detail: "Price: none."},
		{Summary: "Replaced", Detail: "Because.\n\n  - Price: $1.\n  - Memory: 1 MB.\n  - The old store goes."},
		{Summary: "Not about this", Detail: "  - Memory: 1 MB."},
	}}
	want := []string{"Warning: Replaced", "  - Price: $1.", "  - The old store goes."}
	if got := planned.facts(mainFacts); !reflect.DeepEqual(got, want) {
		t.Errorf("told %q, want %q", got, want)
	}
}

func TestThePriceOfAKeptStoreIsFound(t *testing.T) {
	t.Parallel()
	planned := run{diagnostics: []diagnostic{{Detail: "Price: $30.00 a month before."},
		{Detail: "It is kept: orders-retired on premium-1, at $30.00 a month. Destroy it."}}}
	if got := planned.priceOf("orders-retired"); got != "$30.00 a month" {
		t.Errorf("the price is %q", got)
	}
	if got := planned.priceOf("another"); got != "" {
		t.Errorf("another store costs %q", got)
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

func TestTheLedgerIsCountedByKind(t *testing.T) {
	t.Parallel()
	var l ledger
	const answer = `{"created":3,"destroyed":2,"living":1,"orphans":1,"objects":[{"kind":"add-on"},{"kind":"space"},{"kind":"add-on"}]}`
	if err := json.Unmarshal([]byte(answer), &l); err != nil {
		t.Fatal(err)
	}
	if got, want := l.String(), "2 stores and 1 space created, 2 destroyed, orphans 1"; got != want {
		t.Errorf("told as %q, want %q", got, want)
	}
}

func TestTheShellTakesAQuotedWordAsItIs(t *testing.T) {
	t.Parallel()
	for _, word := range []string{"/tmp/demo", "/tmp/a b", "it's", `$HOME "x" \n`} {
		out, err := exec.CommandContext(t.Context(), "/bin/sh", "-c", "printf %s "+quoted(word)).Output()
		if err != nil || string(out) != word {
			t.Errorf("the shell makes %q of %q (%v)", out, word, err)
		}
	}
}

func TestAStepIsToldInOneLine(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	n := &narrator{out: &out, steps: 10}
	err := n.tell("creating a store", func() outcome {
		return outcome{sentence: "store created", remark: "41 ms to plan, ", notes: []string{"and more"}}
	})
	lines := strings.Split(out.String(), "\n")
	if err != nil || len(lines) != 3 || !strings.HasPrefix(lines[0], "[ 1/10] store created (41 ms to plan, ") ||
		lines[1] != "        and more" {
		t.Errorf("told (%v):\n%s", err, out.String())
	}
	failure := errors.New("no")
	err = n.tell("failing", func() outcome { must(failure); return outcome{} })
	if !errors.Is(err, failure) || !strings.HasPrefix(err.Error(), "step 2 of 10, failing: ") {
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

// The URL has a password in it, so nothing of it may get into the report, whatever is wrong with it.
func TestKeysNeverRepeatTheURL(t *testing.T) {
	t.Parallel()
	for _, url := range []string{"redis://h:canary@127.0.0.1:1", "rediss://h:canary@127.0.0.1:99999999", "rediss://h:canary@127.0.0.1:1"} {
		err := useKeys(t.Context(), url, true)
		if err == nil || strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: %v", url, err)
		}
	}
}

func TestAnInterruptEndsAChild(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cmd := command(ctx, t.TempDir(), "/bin/sh", "-c", "echo ready; exec sleep 60")
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

func TestTheExampleIsThere(t *testing.T) {
	t.Parallel()
	c := &cli{}
	dir := t.TempDir()
	if err := c.prepare(filepath.Join("..", "..", "..", "examples", "demo"), dir, "/nowhere"); err != nil {
		t.Fatal(err)
	}
	if copied, _ := filepath.Glob(filepath.Join(dir, "*.tf")); len(copied) != 3 {
		t.Errorf("copied %v", copied)
	}
}
