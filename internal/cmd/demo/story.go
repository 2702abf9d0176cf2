// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package main

import (
	"bytes"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
)

// story is the demo: what its steps hand on to each other. A step fails by must.
type story struct {
	narrator
	binary    string // of the CLI
	home      string // a temporary directory for everything
	cli       cli
	sandbox   sandbox
	variables []string          // of the configuration, as arguments
	planned   run               // the plan that apply carries out
	outputs   map[string]string // after the last apply
}

// step is one line of the story; doing is printed while the step is slow.
type step struct {
	doing string
	do    func(context.Context) outcome
}

const whatNext = `
What to try next
  make sandbox      a sandbox that stays, and the configuration to paste for experiments of your own
  examples/         one configuration for each resource; examples/demo is the one that was applied here, examples/premium-to-private the move
  docs/             every attribute, and what changing it does
  README.md         the same on the real Heroku
`

func (s *story) play(ctx context.Context) error {
	steps := []step{
		{"looking for Terraform or OpenTofu", s.findCLI},
		{"building the provider and the sandbox", s.build},
		{"starting the sandbox", s.startSandbox},
		{"applying examples/demo", s.create},
		{"writing keys and reading them back", s.writeKeys},
		{"planning premium-1", s.planUpgrade},
		{"upgrading to premium-1", s.upgrade},
		{"reading the keys back", s.readKeys},
		{"making a mistake", s.makeMistake},
		{"allocating a Private Space", s.allocate},
		{"planning private-7", s.planMigration},
		{"migrating to private-7", s.migrate},
		{"reading the keys back", s.readKeysInSpace},
		{"destroying the old store", s.retire},
		{"trying to destroy everything", s.tryToDestroy},
		{"destroying everything", s.destroy},
	}
	for s.steps = len(steps); s.step < len(steps); {
		step := steps[s.step]
		if err := s.tell(step.doing, func() outcome { return step.do(ctx) }); err != nil {
			return err
		}
		if s.sandbox.engine == "miniredis" && s.steps == len(steps) {
			steps = slices.Delete(steps, 10, 14) // the migration
			s.steps = len(steps)
		}
	}
	fmt.Fprint(s.out, whatNext)
	return nil
}

// plan fails unless the summary contains want.
func (s *story) plan(ctx context.Context, want string, args ...string) {
	var err error
	s.planned, err = s.cli.run(ctx, slices.Concat([]string{"plan", "-json", "-input=false", "-out=demo.tfplan"}, s.variables, args)...)
	must(err)
	mustBe(strings.Contains(s.planned.summary, want), "the plan should be %q, and is %q", want, s.planned.summary)
}

// apply carries out the last plan, and fails unless the outputs are then as wanted.
func (s *story) apply(ctx context.Context, want map[string]string) run {
	done, err := s.cli.run(ctx, "apply", "-json", "-input=false", "demo.tfplan")
	must(err)
	s.outputs = done.outputs
	for name, value := range want {
		mustBe(value != "" && s.outputs[name] == value, "the output %s should be %q, and is %q", name, value, s.outputs[name])
	}
	return done
}

// configure writes a file of the configuration. A file main_override.tf replaces arguments of main.tf.
func (s *story) configure(name, content string) {
	must(os.WriteFile(filepath.Join(s.cli.dir, name), []byte(content), 0o600))
}

func (s *story) findCLI(ctx context.Context) outcome {
	s.cli = openCLI(ctx, s.home, s.binary)
	return outcome{sentence: fmt.Sprintf("%s %s found: %s", s.cli.name, s.cli.version, s.cli.path)}
}

func (s *story) build(ctx context.Context) outcome {
	into := filepath.Join(s.home, "bin") + string(filepath.Separator)
	said, err := exec.CommandContext(ctx, "go", "build", "-buildvcs=false", "-o", into, ".", "./internal/cmd/kvs-sandbox").CombinedOutput()
	mustBe(err == nil, "%v\n%s", err, said)
	return outcome{sentence: "provider and sandbox built"}
}

func (s *story) startSandbox(ctx context.Context) (o outcome) {
	binaries := filepath.Join(s.home, "bin")
	s.sandbox.start(ctx, filepath.Join(binaries, "kvs-sandbox"), s.home)
	if s.sandbox.engine == "miniredis" {
		o.notes = []string{"no valkey-server or redis-server on PATH, so an embedded miniredis stands in, which cannot be forked: " +
			"the migration is left out",
			"for a real one: apt-get install redis-server, or brew install redis"}
	}
	o.notes = append(o.notes, "watch it in a browser: "+s.sandbox.url+"/")
	s.cli.env = s.sandbox.env
	must(s.cli.prepare(filepath.Join("examples", "demo"), filepath.Join(s.home, "work"), binaries))
	o.sentence = fmt.Sprintf("sandbox started: a local Heroku at %s, with %s behind each store", s.sandbox.url, s.sandbox.engine)
	return o
}

func (s *story) create(ctx context.Context) outcome {
	start := time.Now()
	s.variables = []string{"-var=plan=premium-0"}
	s.plan(ctx, "to add")
	planned := time.Since(start)
	s.apply(ctx, map[string]string{"store_plan": "premium-0"})
	return outcome{
		sentence: fmt.Sprintf("store %s created on premium-0 for app %s, and shared with app %s",
			s.outputs["store_name"], s.outputs["web_name"], s.outputs["worker_name"]),
		remark: inWords(planned) + " to plan, ",
	}
}

func (s *story) writeKeys(ctx context.Context) outcome {
	s.runKeysCommand(ctx, "write")
	return outcome{sentence: fmt.Sprintf("%s of %d types, half of them with a TTL, written and read back "+
		"through the store's TLS URL, which is ephemeral: the state holds no URL", allKeys, len(kinds))}
}

func (s *story) readKeys(ctx context.Context) outcome {
	s.runKeysCommand(ctx, "check")
	return outcome{sentence: "the same " + allKeys + " read back from the upgraded store"}
}

// runKeysCommand lets the configuration run this program with the store's URL in its environment: neither the state, nor the
// command line, nor this process gets the URL.
func (s *story) runKeysCommand(ctx context.Context, what string) {
	self, err := os.Executable()
	must(err)
	report := filepath.Join(s.home, "report")
	s.variables = []string{s.variables[0], fmt.Sprintf("-var=command=%s %s %s %s", quoted(self), keysCommand, what, quoted(report))}
	s.plan(ctx, "1 to add")
	_, err = s.cli.run(ctx, "apply", "-json", "-input=false", "demo.tfplan")
	said, _ := os.ReadFile(report) // only a failure is reported
	mustBe(err == nil, "%s\n%v", said, err)
	state, err := os.ReadFile(filepath.Join(s.cli.dir, "terraform.tfstate"))
	must(err)
	mustBe(!bytes.Contains(state, []byte("rediss://")), "the state holds a store's URL")
}

// quoted is one word of a shell.
func quoted(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

func (s *story) planUpgrade(ctx context.Context) outcome {
	s.variables[0] = "-var=plan=premium-1"
	s.plan(ctx, "0 to add, 1 to change, 0 to destroy")
	return s.factsOf("premium-0 to premium-1", regexp.MustCompile(""))
}

// factsOf fails when the plan does not list what the change means.
func (s *story) factsOf(change string, wanted *regexp.Regexp) outcome {
	facts := s.planned.facts(wanted)
	mustBe(facts != nil, "the plan does not say what the change means")
	return outcome{sentence: fmt.Sprintf("%s: %q", change, s.planned.summary), notes: facts}
}

func (s *story) upgrade(ctx context.Context) outcome {
	o := s.outputs
	s.apply(ctx, map[string]string{
		"store_plan": "premium-1", "store_id": o["store_id"], "store_name": o["store_name"], "attachment_id": o["attachment_id"]})
	return outcome{sentence: fmt.Sprintf("upgraded in place: still %s, still id %s, still shared with %s",
		o["store_name"], o["store_id"], o["worker_name"])}
}

//go:embed mistake.tf
var mistake string

func (s *story) makeMistake(ctx context.Context) outcome {
	before := s.sandbox.ledger(ctx)
	s.configure("mistake.tf", mistake)
	summary := s.refusal(ctx, "kvs_instance.mistake")
	must(os.Remove(filepath.Join(s.cli.dir, "mistake.tf")))
	after := s.sandbox.ledger(ctx)
	mustBe(after.Created == before.Created, "a refused plan should create nothing, and the ledger went from %s to %s", before, after)
	return outcome{
		sentence: "a mistake refused at plan time, and nothing was created: private-7 in the Common Runtime",
		notes:    []string{"Error: " + summary},
	}
}

// refusal is why a plan refuses an object. It fails if there is none.
func (s *story) refusal(ctx context.Context, address string, args ...string) string {
	planned, err := s.cli.run(ctx, slices.Concat([]string{"plan", "-json", "-input=false"}, s.variables, args)...)
	i := slices.IndexFunc(planned.diagnostics, func(d diagnostic) bool { return d.Severity == "error" && d.Address == address })
	mustBe(err != nil && i >= 0, "the plan should refuse %s: %v", address, err)
	return planned.diagnostics[i].Summary
}

//go:embed space.tf
var space string

// allocate allocates a space and then creates an app in it: one apply, in that order.
func (s *story) allocate(ctx context.Context) outcome {
	s.configure("space.tf", space)
	s.plan(ctx, "2 to add, 0 to change, 0 to destroy")
	s.apply(ctx, map[string]string{"space_state": "allocated"})
	return outcome{sentence: fmt.Sprintf("Private Space acme-prod allocated, then app %s created in it", s.outputs["inside_name"])}
}

const migration = `
resource "kvs_instance" "cache" {
  app_id    = kvs_app.inside.id
  plan      = "private-7"
  migration = { %s }
}
`

// mainFacts are what a newcomer needs to know first, of all that the plan says of a migration.
var mainFacts = regexp.MustCompile(`REDIS_URL|maintenance mode|The old store|Price`)

func (s *story) planMigration(ctx context.Context) outcome {
	const held = "app_maintenance = true, scale_down = true"
	s.configure("main_override.tf", fmt.Sprintf(migration, held))
	s.plan(ctx, "0 to add, 2 to change, 0 to destroy")
	return s.factsOf("premium-1 to private-7, migration = { "+held+" }", mainFacts)
}

func (s *story) migrate(ctx context.Context) outcome {
	old, outside := s.outputs, []string{s.outputs["web_name"], s.outputs["worker_name"]}
	var before []app
	for _, name := range outside {
		before = append(before, s.sandbox.app(ctx, name))
	}
	done := s.apply(ctx, map[string]string{"store_name": old["store_name"], "store_plan": "private-7", "retired_store_id": old["store_id"]})
	o := s.outputs
	mustBe(o["store_id"] != old["store_id"], "the store should be another one")
	for i, name := range outside {
		after := s.sandbox.app(ctx, name)
		mustBe(after == before[i], "app %s should be as before: it was %+v and is %+v", name, before[i], after)
		for _, path := range []string{"/apps/" + after.id, "/apps/" + after.id + "/formation"} {
			mustBe(s.sandbox.changes(ctx, path) >= 2, "%s should have been changed and put back", path)
		}
	}
	for _, name := range append(outside, o["inside_name"]) {
		primary := get[struct{ Addon struct{ ID string } }](ctx, &s.sandbox, "/apps/"+name+"/addon-attachments/REDIS").Addon.ID
		mustBe(primary == o["store_id"], "REDIS_URL of %s should lead to %s, and leads to %s", name, o["store_id"], primary)
	}
	notes := []string{fmt.Sprintf("%s and %s were in maintenance mode and at 0 dynos meanwhile, and are at %s again",
		o["web_name"], o["worker_name"], before[0].formation)}
	for _, d := range done.diagnostics {
		if !slices.Contains(s.planned.diagnostics, d) { // the plan could not know it
			notes = append(notes, "Warning: "+d.Summary)
		}
	}
	return outcome{notes: notes, sentence: fmt.Sprintf("migrated: %s is another store now, and REDIS_URL of %s, %s and %s leads to it",
		o["store_name"], o["inside_name"], o["web_name"], o["worker_name"])}
}

// readKeysInSpace reads the keys as a dyno in the space, by the app's REDIS_URL, and tries to reach the store from outside.
func (s *story) readKeysInSpace(ctx context.Context) outcome {
	inside, outside := s.outputs["inside_name"], s.outputs["web_name"]
	vars := get[map[string]string](ctx, &s.sandbox, "/apps/"+inside+"/config-vars")
	store, err := connect(vars["REDIS_URL"], s.sandbox.dialAs(inside))
	must(err)
	defer func() { _ = store.Close() }()
	must(checkKeys(ctx, store))
	_, err = s.sandbox.dialAs(outside)(ctx, "tcp", store.Options().Addr)
	mustBe(errors.Is(err, errNoRoute), "a store in a space should be out of reach for %s: %v", outside, err)
	return outcome{sentence: fmt.Sprintf("the same %s read back by a dyno of %s, types, contents and TTLs as before; "+
		"%s, outside the space, does not get there", allKeys, inside, outside)}
}

// retire destroys the old store, which is paid for as long as it is kept, as every plan says.
func (s *story) retire(ctx context.Context) outcome {
	const retire = `retire = "always"`
	id := s.outputs["retired_store_id"]
	kept := s.sandbox.ledger(ctx).object(id)
	s.plan(ctx, "")
	price := s.planned.priceOf(kept.Name)
	mustBe(kept.DestroyedAt == nil && price != "", "the plan should say that %s is kept, and for how much", kept.Name)
	s.configure("main_override.tf", fmt.Sprintf(migration, retire))
	s.plan(ctx, "")
	s.apply(ctx, nil)
	mustBe(s.sandbox.ledger(ctx).object(id).DestroyedAt != nil, "%s should be destroyed", kept.Name)
	return outcome{sentence: fmt.Sprintf("the old store, kept until now as %s for %s, destroyed by migration = { %s }",
		kept.Name, price, retire)}
}

func (s *story) tryToDestroy(ctx context.Context) outcome {
	return outcome{
		sentence: "a destroy refused at plan time: the store is protected, as every store is by default",
		notes:    []string{"Error: " + s.refusal(ctx, "kvs_instance.cache", "-destroy")},
	}
}

const unprotected = `
resource %q %q {
  deletion_protection = false
}
`

func (s *story) destroy(ctx context.Context) outcome {
	off := fmt.Sprintf(unprotected, "kvs_instance", "cache")
	if s.outputs["space_state"] != "" {
		off += fmt.Sprintf(unprotected, "kvs_private_space", "prod")
	}
	s.configure("unprotected_override.tf", off)
	s.plan(ctx, "0 to add")
	s.apply(ctx, nil)
	s.plan(ctx, "", "-destroy")
	s.apply(ctx, nil)
	l := s.sandbox.ledger(ctx)
	mustBe(l.Created >= 2 && l.Destroyed == l.Created && l.Orphans == 0, "everything should be destroyed, and the ledger says %s", l)
	return outcome{sentence: fmt.Sprintf("everything destroyed, after deletion_protection = false; the sandbox's ledger: %s", l)}
}
