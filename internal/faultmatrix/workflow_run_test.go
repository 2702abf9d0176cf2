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

// stage is where one workflow of one resource takes place.
type stage struct {
	*Harness
	from     int // of the moments that are judged, in the history
	breaches []breach
	kept     bool // a run was refused, with all kept, where it might have gone through as well
}

// workflow is one cell of the matrix: what people tell Terraform about one resource, and what has to come of it.
type workflow struct {
	resource, name string
	play           func(*stage)
}

func newStage(t *testing.T) *stage {
	t.Helper()
	s := &stage{Harness: newHarness(t, Experiment{Budget: workflowBudget})}
	s.KeepHistory()
	return s
}

func (s *stage) broken(clause, format string, args ...any) {
	s.breaches = append(s.breaches, breach{clause, fmt.Sprintf(format, args...)})
}

// begin applies a configuration in peace.
func (s *stage) begin(config string, args ...string) {
	s.T.Helper()
	s.CLI.Configure(config)
	if trial := s.Apply(args...); trial.Code != 0 {
		s.T.Fatalf("the workflow cannot begin:\n%s", trial.errors())
	}
	s.mark()
}

// mark begins what is judged at the present moment.
func (s *stage) mark() { s.from = len(s.History()) - 1 }

// byHand is what somebody else does; what is judged begins after it.
func (s *stage) byHand(does func(*Harness)) {
	s.Somebody(func() { does(s.Harness) })
	s.Clock().Advance(time.Minute)
	s.Request("GET", "/apps", "") // lets happen what is due
	s.mark()
}

// change applies another configuration.
func (s *stage) change(config string, args ...string) *Trial {
	s.T.Helper()
	s.CLI.Configure(config)
	return s.Apply(args...)
}

// present are the facts of now.
func (s *stage) present() []string {
	history := s.History()
	return facts(history[len(history)-1])
}

// ends judges what a run has come to that should succeed.
func (s *stage) ends(trial *Trial, want wanted) {
	s.T.Helper()
	if trial.Code != 0 {
		s.broken("exit code", "%s exits %d:\n%s", strings.Join(trial.Args, " "), trial.Code, trial.errors())
	}
	s.breaches = append(s.breaches, judge(s.History()[s.from:], want)...)
	s.mark()
}

// quiet is a run that succeeds and has nothing to do at Heroku.
func (s *stage) quiet(trial *Trial) {
	s.T.Helper()
	s.ends(trial, s.asBefore())
	if sent := writes(trial); len(sent) > 0 {
		s.broken("nothing is sent", "%s", strings.Join(sent, ", "))
	}
}

// asBefore wants all as it was when what is judged began.
func (s *stage) asBefore() wanted { return wanted{facts: facts(s.History()[s.from])} }

// refused is a run that ends in errors, each of which says this, and changes nothing. Where Heroku is to refuse, it may
// have been asked.
func (s *stage) refused(trial *Trial, says string) {
	s.T.Helper()
	if sent := writes(trial); len(sent) > 0 {
		s.broken("nothing is sent", "%s", strings.Join(sent, ", "))
	}
	s.refusedByHeroku(trial, says)
}

func (s *stage) refusedByHeroku(trial *Trial, says string) {
	s.T.Helper()
	if trial.Code != 1 {
		s.broken("exit code", "%s exits %d, want a refusal:\n%s", strings.Join(trial.Args, " "), trial.Code, trial.errors())
	}
	s.says(trial, "error", says)
	s.breaches = append(s.breaches, judge(s.History()[s.from:], s.asBefore())...)
	s.mark()
}

// endsOrKeeps is for runs in which chance decides what comes first: they succeed, or are refused with a way out; in both
// cases Heroku has what is wanted.
func (s *stage) endsOrKeeps(trial *Trial, want wanted, says string) {
	s.T.Helper()
	if trial.Code != 0 {
		s.kept = true
		s.says(trial, "error", says)
		trial.Code = 0
	}
	s.ends(trial, want)
}

// says judges the words: each error, or some warning.
func (s *stage) says(trial *Trial, severity, pattern string) {
	s.T.Helper()
	words, said := regexp.MustCompile("(?is)"+pattern), false
	for _, d := range trial.Diagnostics {
		if d.Severity != severity || severity == "warning" && d.Address == "" {
			continue // of the CLI itself
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

// settles judges that there is nothing left to do.
func (s *stage) settles(args ...string) {
	s.T.Helper()
	if plan := s.Plan(args...); plan.Code != 0 {
		s.broken("settles", "the plan afterwards exits %d, with %v:\n%s", plan.Code, plan.Planned, plan.errors())
	}
	s.mark()
}

// within applies until there is nothing to do, n times at most.
func (s *stage) within(n int, want wanted, args ...string) {
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

// saved plans, lets somebody act meanwhile, and applies the plan.
func (s *stage) saved(config string, meanwhile func(*Harness)) *Trial {
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

// writes are the requests of a run that change something, if they are carried out.
func writes(trial *Trial) []string {
	var sent []string
	for _, request := range trial.Requests {
		if request.Method != http.MethodGet {
			sent = append(sent, fmt.Sprintf("%s %s: %d", request.Method, request.Path, request.Status))
		}
	}
	return sent
}

// run plays a workflow and fails the test for everything that does not hold.
func (w workflow) run(t *testing.T) {
	t.Helper()
	s := newStage(t)
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

// results are what came of the workflows, for the table.
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

// markdown is the table of a whole run.
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

// The matrix: every resource, every workflow. The short form has a sample of the cells; KVS_WORKFLOWS=1 has all of them, as
// the long form does, without its logs.
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

// commonWorkflows is how many workflows every resource has, whatever somebody can do to it by hand.
const commonWorkflows = 19

// sampled says which cells the short form has, about 30 of them: of the common workflows each for one resource, and some of
// the others.
func sampled() map[string]bool {
	sample, others := map[string]bool{}, 0
	for i, p := range pieces() {
		for j, w := range generic(p) {
			if common := j < commonWorkflows; common && i%6 == j%6 || !common && (i+j)%17 == 0 {
				sample[w.key()] = true
			}
		}
	}
	for _, w := range ownWorkflows() {
		if others++; others%5 == 0 {
			sample[w.key()] = true
		}
	}
	return sample
}

func (w workflow) key() string { return w.resource + " " + w.name }
