// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package faultmatrix

import (
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/acctest"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/sandbox"
)

// Experiment is one thing that goes wrong during one run of the CLI, the action: the objects before, the faults, the action, and how
// it ends. experiment_invariants_test.go checks what must hold after every experiment.
type Experiment struct {
	Name           string
	Kind           string // kind of fault, of which `make test` runs one for each resource; Name if empty
	Always         bool   // `make test` always runs the experiment
	Options        func(*sandbox.Options)
	Before         string                // configuration that is applied first, without faults; none if empty
	Outside        func(*Harness)        // what somebody else does after that
	Config         string                // configuration of the action
	InjectedFaults []sandbox.Fault       // into the provider's requests, during the action only
	FaultsOptional bool                  // a fault may have no effect
	Act            func(*Harness) *Trial // the action; an apply if nil

	Exit      int    // exit code of the action: 0, 1 or AnyExit
	Says      string // text in an error or a warning of the action
	RuleError bool   // an error of the action comes from a rule of the provider, not from an answer of Heroku
	Killed    bool   // the action cannot report anything: the next apply must name what it finds, which is imported

	Repair       func(*Harness) // what the diagnostics tell a person to do, after the faults have ended
	After        string         // configuration that is applied at the end; Config if empty
	ExtraApplies int            // number of applies at the end, beyond one
	Destroyed    bool           // the action is a destroy, and a destroy ends the experiment
	ExtraOrders  int            // number of orders, beyond one for each store and space
	Budget       int            // maximum number of requests of one run; requestBudget if 0
	Secrets      []string       // beside the token and the URLs of stores
}

// AnyExit is the exit code of an action with random faults.
const AnyExit = -1

// requestBudget is enough for a handful of objects, with faults and their retries.
const requestBudget = 90

// Violation is an invariant that did not hold.
type Violation struct{ Invariant, Text string }

func (v Violation) String() string { return v.Invariant + ": " + v.Text }

// Run executes the experiment, and fails the test for each violation.
func (e Experiment) Run(t *testing.T) {
	t.Helper()
	lab := e.execute(t)
	for _, violation := range lab.violations {
		t.Errorf("%s", violation)
	}
	if len(lab.violations) > 0 {
		t.Log(lab.story())
	}
}

// execute is Run without failing the test.
func (e Experiment) execute(t *testing.T) *Harness {
	t.Helper()
	lab := newHarness(t, e)
	if e.Before != "" {
		lab.CLI.Configure(e.Before)
		if before := lab.Apply(); before.Code != 0 {
			t.Fatalf("the experiment cannot begin:\n%s", before.Output())
		}
	}
	if lab.Outside != nil {
		lab.Outside(lab)
	}
	lab.CLI.Configure(e.Config)
	for _, fault := range e.InjectedFaults {
		fault.Match.Agent = acctest.ProviderAgent
		lab.Inject(fault)
	}
	lab.actionRunning = true
	action := lab.act()
	lab.actionRunning = false
	lab.checkAction(action)
	faults := lab.Faults()
	lab.Clear()
	lab.Resume()
	for _, fault := range faults {
		if fault.Struck == 0 && !e.FaultsOptional {
			lab.violate("the fault strikes", "%s %s, %+v did not", fault.Match.Method, fault.Match.Path, fault.Do)
		}
	}
	lab.converge(action)
	lab.checkSecrets()
	return lab
}

func (l *Harness) act() *Trial {
	if l.Act != nil {
		return l.Act(l)
	}
	return l.Apply()
}

// converge checks that one apply without faults leaves nothing to do. After an action without any diagnostic there must be nothing
// to do even without that apply.
func (l *Harness) converge(action *Trial) {
	if l.Killed {
		l.checkOrphans(l.Apply(), "the apply after it")
		l.Import()
	}
	if l.Repair != nil {
		l.Repair(l)
	}
	if l.Destroyed {
		l.convergeToNothing()
		return
	}
	if l.After != "" {
		l.CLI.Configure(l.After)
	}
	for range l.ExtraApplies {
		l.Apply()
	}
	// A plan of what was applied before changes nothing either, whatever it says.
	planned := action.Args[0] == "plan" && l.Before == l.Config && l.Outside == nil
	if complete := l.last() == action && l.After == "" && (action.clean() || planned); !complete || acctest.LongForm() {
		if final := l.Apply(); final.Code != 0 {
			l.violate("converges", "one more apply exits %d:\n%s", final.Code, final.errors())
			return
		}
	}
	plans := map[string][]string{"": {"-out=saved"}}
	if acctest.LongForm() {
		plans[" without refresh"] = []string{"-refresh=false"}
	}
	for what, args := range plans {
		if plan := l.Plan(args...); plan.Code != 0 {
			l.violate("converges", "the plan%s after one more apply exits %d, with changes %v:\n%s", what, plan.Code, plan.Planned, plan.errors())
		}
	}
	l.show()
	l.checkEnd()
}

// show reads the last plan as JSON. The saved plan has the same values, so the short form does without.
func (l *Harness) show() {
	l.concluded = true
	if acctest.LongForm() {
		l.shown = l.Record("show", "-json", "saved").Stdout
	}
}

func (l *Harness) convergeToNothing() {
	if final := l.Destroy(); final.Code != 0 {
		l.violate("converges", "one more destroy exits %d:\n%s", final.Code, final.errors())
	}
	l.Plan("-destroy", "-out=saved")
	l.show()
	if objects := objects(l.CLI); len(objects) > 0 {
		l.violate("converges", "after one more destroy the state has %v", objects)
	}
	l.checkEnd()
}

// Import follows the import blocks in the errors of the last run, each at the address of its error, until an apply succeeds or has
// no new ones.
func (l *Harness) Import() {
	l.T.Helper()
	blocks := map[string]string{}
	for found := true; found && l.last().Code != 0; {
		found = false
		for _, d := range l.last().Diagnostics {
			block := importBlock.FindStringSubmatch(d.Detail)
			if block == nil || blocks[d.Address] != "" {
				continue
			}
			found = true
			blocks[d.Address] = fmt.Sprintf("import {\n  to = %s\n  id = %q\n}\n", d.Address, block[1])
		}
		if !found && len(blocks) == 0 {
			l.violate("a way out", "no error has an import block:\n%s", l.last().errors())
			return
		}
		if found {
			l.CLI.Write("import.tf", strings.Join(slices.Collect(maps.Values(blocks)), ""))
			l.Apply()
		}
	}
}

// clean reports whether the run is an apply that succeeded without a diagnostic.
func (t *Trial) clean() bool {
	return t.Args[0] == "apply" && t.Code == 0 && !slices.ContainsFunc(t.Diagnostics,
		func(d Diagnostic) bool { return d.Summary != overridden })
}

func (l *Harness) last() *Trial { return l.trials[len(l.trials)-1] }

var importBlock = regexp.MustCompile(`import \{\s+to = [^\n]+\s+id = "([^"\n]+)"\s+\}`)

// Request sends a request as somebody else, for what the client has no method.
func (l *Harness) Request(method, path, body string) {
	l.T.Helper()
	request, err := http.NewRequestWithContext(l.T.Context(), method, l.URL()+path, strings.NewReader(body))
	if err != nil {
		l.T.Fatal(err)
	}
	request.Header.Set("Accept", "application/vnd.heroku+json; version=3")
	request.Header.Set("Authorization", "Bearer "+l.Token())
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("User-Agent", acctest.SomeoneElseAgent)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		l.T.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode >= http.StatusBadRequest {
		l.T.Fatalf("%s %s: %s", method, path, response.Status)
	}
}
