// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package faultmatrix

import (
	"fmt"
	"maps"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// workflowRun executes one workflow of one resource.
type workflowRun struct {
	*Harness
	from     int // index in the history of the first moment to check
	breaches []breach
	kept     bool // a run was refused without a change, where it might have succeeded as well
}

// workflow is one cell of the matrix: a use of Terraform with one resource, and the expected result.
type workflow struct {
	resource, name string
	play           func(*workflowRun)
}

func newWorkflowRun(t *testing.T) *workflowRun {
	t.Helper()
	s := &workflowRun{Harness: newHarness(t, Experiment{Budget: workflowBudget})}
	s.KeepHistory()
	return s
}

func (s *workflowRun) broken(clause, format string, args ...any) {
	s.breaches = append(s.breaches, breach{clause, fmt.Sprintf(format, args...)})
}

// begin applies a configuration before the workflow.
func (s *workflowRun) begin(config string, args ...string) {
	s.T.Helper()
	s.CLI.Configure(config)
	if trial := s.Apply(args...); trial.Code != 0 {
		s.T.Fatalf("the workflow cannot begin:\n%s", trial.errors())
	}
	s.mark()
}

// mark makes the present moment the first one to check.
func (s *workflowRun) mark() { s.from = len(s.History()) - 1 }

// byHand does something as somebody else, and calls mark after it.
func (s *workflowRun) byHand(does func(*Harness)) {
	s.RecordOutside(func() { does(s.Harness) })
	s.Clock().Advance(time.Minute)
	s.Request("GET", "/apps", "") // the sandbox does what is due
	s.mark()
}

// change applies another configuration.
func (s *workflowRun) change(config string, args ...string) *Trial {
	s.T.Helper()
	s.CLI.Configure(config)
	return s.Apply(args...)
}

// present returns the present facts.
func (s *workflowRun) present() []string {
	history := s.History()
	return facts(history[len(history)-1])
}

// ends checks a run that should succeed.
func (s *workflowRun) ends(trial *Trial, want wanted) {
	s.T.Helper()
	if trial.Code != 0 {
		s.broken("exit code", "%s exits %d:\n%s", strings.Join(trial.Args, " "), trial.Code, trial.errors())
	}
	s.breaches = append(s.breaches, judge(s.History()[s.from:], want)...)
	s.mark()
}

// quiet checks a run that should succeed without a write.
func (s *workflowRun) quiet(trial *Trial) {
	s.T.Helper()
	s.ends(trial, s.asBefore())
	if sent := writes(trial); len(sent) > 0 {
		s.broken("nothing is sent", "%s", strings.Join(sent, ", "))
	}
}

// asBefore expects the facts of the first moment to check.
func (s *workflowRun) asBefore() wanted { return wanted{facts: facts(s.History()[s.from])} }

// refused checks a run that should end in errors, each of which matches says, without a write. refusedByHeroku is the same for runs
// that may send a write which Heroku refuses.
func (s *workflowRun) refused(trial *Trial, says string) {
	s.T.Helper()
	if sent := writes(trial); len(sent) > 0 {
		s.broken("nothing is sent", "%s", strings.Join(sent, ", "))
	}
	s.refusedByHeroku(trial, says)
}

func (s *workflowRun) refusedByHeroku(trial *Trial, says string) {
	s.T.Helper()
	if trial.Code != 1 {
		s.broken("exit code", "%s exits %d, want a refusal:\n%s", strings.Join(trial.Args, " "), trial.Code, trial.errors())
	}
	s.says(trial, "error", says)
	s.breaches = append(s.breaches, judge(s.History()[s.from:], s.asBefore())...)
	s.mark()
}

// endsOrKeeps checks a run whose order of operations is random: it succeeds, or is refused with errors that match says. In both cases
// the facts at the end are those of want.
func (s *workflowRun) endsOrKeeps(trial *Trial, want wanted, says string) {
	s.T.Helper()
	if trial.Code != 0 {
		s.kept = true
		s.says(trial, "error", says)
		trial.Code = 0
	}
	s.ends(trial, want)
}

// says checks that each error, or some warning, matches a pattern.
func (s *workflowRun) says(trial *Trial, severity, pattern string) {
	s.T.Helper()
	words, said := regexp.MustCompile("(?is)"+pattern), false
	for _, d := range trial.Diagnostics {
		if d.Severity != severity || severity == "warning" && d.Address == "" {
			continue // a warning of the CLI itself
		}
		text := strings.Join(strings.Fields(d.Summary+"\n"+d.Detail), " ")
		said = said || words.MatchString(text)
		if severity == "error" && !words.MatchString(text) {
			s.broken("what it says", "want /%s/, got: %s", pattern, text)
		}
	}
	if !said {
		s.broken("what it says", "no %s says /%s/:\n%s", severity, pattern, trial.errors())
	}
}

// settles checks that the next plan is empty.
func (s *workflowRun) settles(args ...string) {
	s.T.Helper()
	if plan := s.Plan(args...); plan.Code != 0 {
		s.broken("settles", "the plan afterwards exits %d, with %v:\n%s", plan.Code, plan.Planned, plan.errors())
	}
	s.mark()
}

// within applies until an apply succeeds, at most n times, and checks that the next plan is empty.
func (s *workflowRun) within(n int, want wanted, args ...string) {
	s.T.Helper()
	var last *Trial
	for range n {
		if last = s.Apply(args...); last.Code == 0 {
			break
		}
	}
	s.ends(last, want)
	s.settles(args...)
}

// saved saves a plan, makes an outside change, and applies the plan.
func (s *workflowRun) saved(config string, meanwhile func(*Harness)) *Trial {
	s.T.Helper()
	s.CLI.Configure(config)
	if plan := s.Plan("-out=saved"); plan.Code != 2 {
		s.T.Fatalf("there is no plan to save:\n%s", plan.errors())
	}
	if meanwhile != nil {
		s.byHand(meanwhile)
	}
	return s.Record("apply", "-input=false", "-json", "saved")
}

// writes returns the requests of a run that are no reads.
func writes(trial *Trial) []string {
	var sent []string
	for _, request := range trial.Requests {
		if request.Method != http.MethodGet {
			sent = append(sent, fmt.Sprintf("%s %s: %d", request.Method, request.Path, request.Status))
		}
	}
	return sent
}

// run runs a workflow and fails the test for each breach.
func (w workflow) run(t *testing.T) {
	t.Helper()
	s := newWorkflowRun(t)
	defer func() {
		for _, v := range s.violations {
			s.breaches = append(s.breaches, breach{v.Invariant, v.Text})
		}
		for _, b := range s.breaches {
			t.Errorf("%s", b)
		}
		if t.Failed() {
			t.Log(s.story())
		}
		table.note(w, outcome(t.Failed(), s.kept))
	}()
	w.play(s)
}

func outcome(failed, kept bool) string {
	switch {
	case failed:
		return "failed"
	case kept:
		return "refused, all kept"
	}
	return "passed"
}

// results are the outcomes of the workflows.
type results struct {
	mu    sync.Mutex
	cells map[string]map[string]string // by workflow, by resource
}

var table = results{cells: map[string]map[string]string{}}

func (r *results) note(w workflow, result string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.cells[w.name] == nil {
		r.cells[w.name] = map[string]string{}
	}
	r.cells[w.name][w.resource] = result
}

// markdown returns the table of all outcomes.
func (r *results) markdown() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	resources := map[string]bool{}
	for _, row := range r.cells {
		for resource := range row {
			resources[resource] = true
		}
	}
	columns := slices.Sorted(maps.Keys(resources))
	var b strings.Builder
	fmt.Fprintf(&b, "| workflow | `%s` |\n|---|%s\n", strings.Join(columns, "` | `"), strings.Repeat("---|", len(columns)))
	for _, name := range slices.Sorted(maps.Keys(r.cells)) {
		fmt.Fprintf(&b, "| %s |", name)
		for _, resource := range columns {
			result := r.cells[name][resource]
			if result == "" {
				result = "–"
			}
			fmt.Fprintf(&b, " %s |", result)
		}
		b.WriteString("\n")
	}
	return b.String()
}

// Every resource with every workflow. The short form has a sample of the cells. KVS_WORKFLOWS=1 runs all of them, as the long form
// does, but without logs.
func TestAccWorkflows(t *testing.T) {
	t.Parallel()
	t.Run("all", func(t *testing.T) {
		sample := sampled()
		for _, w := range workflows() {
			if !long() && !sample[w.key()] && os.Getenv("KVS_WORKFLOWS") == "" {
				continue
			}
			t.Run(w.key(), func(t *testing.T) {
				t.Parallel()
				w.run(t)
			})
		}
	})
	if long() || os.Getenv("KVS_WORKFLOWS") != "" {
		t.Log("\n" + table.markdown())
	}
}

// commonWorkflows is the number of workflows that every resource has, without those of outside changes.
const commonWorkflows = 21

// sampled returns the keys of the cells in the short form, about 40: each common workflow for one resource, and some others.
func sampled() map[string]bool {
	sample, others := map[string]bool{}, 0
	for i, p := range resourceCases() {
		for j, w := range generic(p) {
			first := i == j%6 || i >= 6 && (i+j)%6 == 0 // the first six resources have each common workflow once
			if common := j < commonWorkflows; common && first || !common && (i+j)%29 == 0 {
				sample[w.key()] = true
			}
		}
	}
	for _, w := range ownWorkflows() {
		if others++; others%7 == 0 {
			sample[w.key()] = true
		}
	}
	return sample
}

func (w workflow) key() string { return w.resource + " " + w.name }
