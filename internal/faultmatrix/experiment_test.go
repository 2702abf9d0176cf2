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

// Experiment is one thing that goes wrong: what is there before, what goes wrong, what the CLI is told meanwhile, and
// how that ends. What must hold after every experiment is in experiment_invariants.go and not repeated here.
type Experiment struct {
	Name    string
	Kind    string // of what goes wrong: `make test` has one of each for each resource; the name when empty
	Always  bool   // `make test` has it, whatever else it has of its kind
	Options func(*sandbox.Options)
	Before  string                // applied in peace first; nothing when empty
	Outside func(*Harness)        // what somebody else does then
	Config  string                // what the action is about
	Trouble []sandbox.Fault       // of the provider's requests, during the action only
	Spared  bool                  // the faults need not strike
	Act     func(*Harness) *Trial // an apply when nil

	Exit   int    // how the action ends: 0, 1 or AnyExit
	Says   string // in an error or a warning of the action, if anything
	Rule   bool   // an error of it is a rule's, and not an answer of Heroku's
	Killed bool   // nobody can say anything: the next apply must name what it finds, and what it names is imported

	Repair   func(*Harness) // what the diagnostics tell a person to do; the faults are lifted
	After    string         // what is applied at the end; Config when empty
	Settling int            // applies that it takes, beyond one
	Gone     bool           // the action is a destroy, and so is the end
	Reorders int            // orders beyond one for each store and space at the end
	Budget   int            // requests of one run; requestBudget when 0
	Secrets  []string       // beyond the token and what Heroku makes
}

// AnyExit is for faults that come at random.
const AnyExit = -1

// requestBudget is for configurations of a handful of objects, faults and their retries included.
const requestBudget = 90

// Violation is an invariant that did not hold.
type Violation struct{ Invariant, Text string }

func (v Violation) String() string { return v.Invariant + ": " + v.Text }

// Run carries the experiment out, and fails the test for everything that does not hold.
func (e Experiment) Run(t *testing.T) {
	t.Helper()
	lab := e.carryOut(t)
	for _, violation := range lab.violations {
		t.Errorf("%s", violation)
	}
	if len(lab.violations) > 0 {
		t.Log(lab.story())
	}
}

// carryOut is Run without the verdict.
func (e Experiment) carryOut(t *testing.T) *Harness {
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
	for _, fault := range e.Trouble {
		fault.Match.Agent = acctest.ProviderAgent
		lab.Inject(fault)
	}
	lab.acting = true
	action := lab.act()
	lab.acting = false
	lab.judgeAction(action)
	faults := lab.Faults()
	lab.Clear()
	lab.Calm()
	for _, fault := range faults {
		if fault.Struck == 0 && !e.Spared {
			lab.violate("the fault strikes", "%s %s, %+v did not", fault.Match.Method, fault.Match.Path, fault.Do)
		}
	}
	lab.converge(action)
	lab.judgeSecrets()
	return lab
}

func (l *Harness) act() *Trial {
	if l.Act != nil {
		return l.Act(l)
	}
	return l.Apply()
}

// converge is what happens after every experiment: the faults are lifted, and one apply leaves nothing to do. After an
// apply that met with nothing worth a warning there is nothing left to do even without.
func (l *Harness) converge(action *Trial) {
	if l.Killed {
		l.judgeOrphans(l.Apply(), "the apply after it")
		l.Import()
	}
	if l.Repair != nil {
		l.Repair(l)
	}
	if l.Gone {
		l.convergeToNothing()
		return
	}
	if l.After != "" {
		l.CLI.Configure(l.After)
	}
	for range l.Settling {
		l.Apply()
	}
	if whole := l.last() == action && l.After == "" && action.smooth(); !whole || acctest.LongForm() {
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
	l.judgeEnd()
}

// show has the last plan as JSON. What is in it is in the saved plan too, so the short form goes without.
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
	l.judgeEnd()
}

// Import does what the errors of the last run say: it takes in what they found, each at the address of its error, until
// an apply succeeds or finds nothing more.
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

// smooth says that an apply did all that was planned, and said nothing about it.
func (t *Trial) smooth() bool {
	return t.Args[0] == "apply" && t.Code == 0 && !slices.ContainsFunc(t.Diagnostics,
		func(d Diagnostic) bool { return d.Summary != overridden })
}

func (l *Harness) last() *Trial { return l.trials[len(l.trials)-1] }

var importBlock = regexp.MustCompile(`import \{\s+to = [^\n]+\s+id = "([^"\n]+)"\s+\}`)

// Request is what somebody else asks of the API, beyond what the client can.
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
