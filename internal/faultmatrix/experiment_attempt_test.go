// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package faultmatrix

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/acctest"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/acctest/remote"
)

// Attempt is a run that has not ended.
type Attempt struct {
	*acctest.Process
	harness *Harness
	trial   *Trial
	first   int // of its requests, in the journal
}

// Begin starts the CLI.
func (l *Harness) Begin(args ...string) *Attempt {
	l.T.Helper()
	trial := &Trial{Args: args, before: l.look(), log: filepath.Join(l.CLI.Dir(), fmt.Sprintf("trace-%d.log", len(l.trials)))}
	first := len(l.Journal())
	environment := l.CLI.Env
	l.CLI.Attach(l.factory)
	switch {
	case l.logged():
		l.CLI.Env = append(slices.Clone(environment), "TF_LOG=TRACE", "TF_LOG_PATH="+trial.log)
	case l.has(remote.Skew):
		l.CLI.Processes()
	}
	process := l.CLI.Start(args...)
	l.CLI.Env = environment
	return &Attempt{Process: process, harness: l, trial: trial, first: first}
}

// logged says that the next run has a log, and its provider a process. That costs as much as three runs without, so the
// short form has it where the experiment needs it, and for one in four of the others.
func (l *Harness) logged() bool {
	return acctest.LongForm() || l.acting && (l.apart || l.has(remote.Kill) || l.has(remote.Panic) || l.has(remote.Patience))
}

// Signal interrupts the run. At the second signal the CLI kills the provider.
func (a *Attempt) Signal(signal os.Signal) {
	a.trial.signals++
	a.Process.Signal(signal)
}

// End waits for the end of the run and judges what holds for each.
func (a *Attempt) End() *Trial {
	l, t := a.harness, a.trial
	t.Result = a.Wait()
	t.read()
	t.killed, t.panicked = l.has(remote.Kill), l.has(remote.Panic)
	for _, request := range l.Journal()[a.first:] {
		if strings.HasPrefix(request.UserAgent, acctest.ProviderAgent) {
			t.Requests = append(t.Requests, request)
		}
	}
	t.after = l.look()
	t.faults = l.Faults()
	switch {
	case slices.Contains(t.Args, "-out=saved"):
		l.planned = t.Planned
	case slices.Contains(t.Args, "saved"):
		t.Planned = l.planned
	}
	l.learnSecrets()
	l.trials = append(l.trials, t)
	l.judgeTrial(t)
	return t
}

// Await waits until the run has had an answer to such a request, as Sandbox.Await does for the whole experiment.
func (a *Attempt) Await(method, path string) { a.harness.Await(a.harness.T, method, path) }

// AwaitSent waits until such a request has arrived, answered or not.
func (a *Attempt) AwaitSent(method, path string) {
	a.harness.T.Helper()
	acctest.Await(a.harness.T, "request "+method+" "+path, func() bool { return len(a.harness.Requests(method, path)) > 0 })
}

// AwaitStop waits until the CLI has told the provider to stop: of two signals that come at once, it may see one.
func (a *Attempt) AwaitStop() {
	a.harness.T.Helper()
	acctest.Await(a.harness.T, "call of Stop", func() bool {
		log, _ := os.ReadFile(a.trial.log)
		return stopped.Match(log)
	})
}

// stopped is what the log of a CLI says when it tells a provider to stop.
var stopped = regexp.MustCompile(`GRPCProvider.*: Stop`)
