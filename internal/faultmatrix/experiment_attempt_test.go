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

// Attempt is a run of the CLI that has not ended.
type Attempt struct {
	*acctest.Process
	harness *Harness
	trial   *Trial
	first   int // index of its first request in the journal
}

// Begin starts the CLI.
func (l *Harness) Begin(args ...string) *Attempt {
	l.T.Helper()
	trial := &Trial{Args: args, before: l.snapshot(), log: filepath.Join(l.CLI.Dir(), fmt.Sprintf("trace-%d.log", len(l.trials)))}
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

// logged reports whether the next run has a log and its provider a process of its own. Such a run takes as long as three others, so
// the short form does it where the experiment needs it, and in one of four other experiments.
func (l *Harness) logged() bool {
	return acctest.LongForm() || l.actionRunning && (l.separateProcess || l.has(remote.Kill) || l.has(remote.Panic) || l.has(remote.Patience))
}

// Signal interrupts the run. At the second signal the CLI kills the provider.
func (a *Attempt) Signal(signal os.Signal) {
	a.trial.signals++
	a.Process.Signal(signal)
}

// End waits for the end of the run and checks the invariants of every run.
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
	t.after = l.snapshot()
	t.faults = l.Faults()
	switch {
	case slices.Contains(t.Args, "-out=saved"):
		l.planned = t.Planned
	case slices.Contains(t.Args, "saved"):
		t.Planned = l.planned
	}
	l.learnSecrets()
	l.trials = append(l.trials, t)
	l.checkTrial(t)
	return t
}

// AwaitSleep waits until the provider sleeps on the clock, which Harness.HoldTime has stopped. So the provider has all answers to what
// it has sent.
func (a *Attempt) AwaitSleep() {
	a.harness.T.Helper()
	acctest.Await(a.harness.T, "sleep of the provider", func() bool { return a.harness.clock.sleeping.Load() > 0 })
}

// AwaitSent waits until a matching request has arrived, answered or not.
func (a *Attempt) AwaitSent(method, path string) {
	a.harness.T.Helper()
	acctest.Await(a.harness.T, "request "+method+" "+path, func() bool { return len(a.harness.Requests(method, path)) > 0 })
}

// AwaitStop waits until the CLI has told the provider to stop. The CLI may handle two signals that come at once as one.
func (a *Attempt) AwaitStop() {
	a.harness.T.Helper()
	acctest.Await(a.harness.T, "call of Stop", func() bool {
		log, _ := os.ReadFile(a.trial.log)
		return stopped.Match(log)
	})
}

// stopped matches the line in the log of a CLI that tells a provider to stop.
var stopped = regexp.MustCompile(`GRPCProvider.*: Stop`)
