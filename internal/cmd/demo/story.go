// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
)

// story is the demo: what its steps hand on to each other.
type story struct {
	*narrator
	root, home string // the checkout, and a temporary directory for everything else
	binaries   string
	work       string // where the CLI runs
	cli        *cli
	sandbox    *sandbox
	variables  []string // of the configuration, as they were given last
	outputs    map[string]string
	planned    run // what the migration was planned as
}

const (
	planBefore = "premium-0"
	planAfter  = "premium-1"
	planInside = "private-7" // of Private Spaces
)

// mistake is what a person may well try: a plan for Private Spaces on an app of the Common Runtime.
const (
	mistakeAddress = "kvs_instance.mistake"
	mistake        = `
resource "kvs_instance" "mistake" {
  app_id = kvs_app.web.id
  plan   = "` + planInside + `"
}
`
)

// tell tells the whole story, and leaves nothing behind but an OpenTofu in bin/ if it had to build one.
func tell(ctx context.Context, n *narrator, wish string) (err error) {
	s := &story{narrator: n}
	if s.root, err = checkout(ctx); err != nil {
		return err
	}
	if s.home, err = os.MkdirTemp("", "kvs-demo-"); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(s.home)) }()
	s.binaries, s.work = filepath.Join(s.home, "bin"), filepath.Join(s.home, "work")
	if err := errors.Join(os.Mkdir(s.binaries, 0o700), os.Mkdir(s.work, 0o700)); err != nil {
		return err
	}
	defer func() {
		if s.sandbox != nil {
			err = errors.Join(err, s.sandbox.stop())
		}
	}()

	err = s.play(ctx, wish)
	if ctx.Err() != nil {
		return errors.New("interrupted") // what broke off because of that is no news
	}
	return err
}

// step is one line of the story; doing says in a few words what takes so long.
type step struct {
	doing string
	do    func(context.Context) (outcome, error)
}

func (s *story) play(ctx context.Context, wish string) error {
	start := []step{
		{"looking for Terraform or OpenTofu", func(ctx context.Context) (outcome, error) { return s.findCLI(ctx, wish) }},
		{"building the provider and the sandbox", s.build},
		{"starting the sandbox", s.startSandbox},
	}
	inPlace := []step{
		{"applying examples/demo", s.create},
		{"writing keys and reading them back", s.writeKeys},
		{"planning " + planAfter, s.planUpgrade},
		{"upgrading to " + planAfter, s.upgrade},
		{"reading the keys back", s.readKeys},
		{"making a mistake", s.makeMistake},
		{"allocating a Private Space", s.allocate},
	}
	migration := []step{
		{"planning " + planInside, s.planMigration},
		{"migrating to " + planInside, s.migrate},
		{"reading the keys back", s.readInside},
		{"destroying the old store", s.retire},
	}
	end := []step{{"destroying everything", s.destroy}}

	s.steps = len(start) + len(inPlace) + len(migration) + len(end)
	if err := s.tellAll(ctx, start); err != nil {
		return err
	}
	if !s.sandbox.forks() {
		s.steps -= len(migration)
		migration = nil
	}
	if err := s.tellAll(ctx, slices.Concat(inPlace, migration, end)); err != nil {
		return err
	}
	fmt.Fprint(s.out, whatNext)
	return nil
}

func (s *story) tellAll(ctx context.Context, steps []step) error {
	for _, step := range steps {
		if err := s.tell(step.doing, func() (outcome, error) { return step.do(ctx) }); err != nil {
			return err
		}
	}
	return nil
}

const whatNext = `
What to try next
  make sandbox      a sandbox that stays, and the configuration to paste for experiments of your own
  examples/         one configuration for each resource; examples/demo is the one that was applied here, examples/premium-to-private the move
  docs/             every attribute, and what changing it does
  README.md         the same on the real Heroku
`

func (s *story) findCLI(ctx context.Context, wish string) (outcome, error) {
	found, rejected, err := findCLI(ctx, wish, s.root, s.home)
	if err != nil {
		return outcome{}, err
	}
	how := "found"
	if found == nil {
		s.announce("no usable terraform or tofu on PATH: building OpenTofu into bin/tofu, 3 to 10 minutes, once")
		if found, err = buildTofu(ctx, s.root, s.home); err != nil {
			return outcome{}, err
		}
		how = "built"
	}
	s.cli = found
	return outcome{sentence: fmt.Sprintf("%s %s %s: %s", found.name, found.version, how, found.path), notes: rejected}, nil
}

func (s *story) build(ctx context.Context) (outcome, error) {
	_, err := goTool(ctx, s.root, "build", "-buildvcs=false", "-o", s.binaries+string(filepath.Separator), ".", "./internal/cmd/kvs-sandbox")
	return outcome{sentence: "provider and sandbox built"}, err
}

func (s *story) startSandbox(ctx context.Context) (_ outcome, err error) {
	if s.sandbox, err = startSandbox(ctx, filepath.Join(s.binaries, "kvs-sandbox"), s.home); err != nil {
		return outcome{}, err
	}
	engine := s.sandbox.engine()
	told := outcome{sentence: fmt.Sprintf("sandbox started: a local Heroku at %s, with %s behind each store", s.sandbox.url, engine)}
	if !s.sandbox.forks() {
		told.notes = []string{"no valkey-server or redis-server on PATH, so an embedded miniredis stands in, which cannot be forked: the migration is left out",
			"for a real one: apt-get install redis-server, or brew install redis"}
	}
	return told, s.cli.prepare(filepath.Join(s.root, "examples", "demo"), s.work, s.binaries, s.sandbox.env)
}

func (s *story) create(ctx context.Context) (outcome, error) {
	start := time.Now()
	s.variables = []string{"-var=plan=" + planBefore}
	if _, err := s.cli.plan(ctx, s.variables...); err != nil {
		return outcome{}, err
	}
	planned := time.Since(start)
	if _, err := s.cli.apply(ctx); err != nil {
		return outcome{}, err
	}
	var err error
	if s.outputs, err = s.cli.outputs(ctx); err != nil {
		return outcome{}, err
	}
	o := s.outputs
	if o["store_plan"] != planBefore {
		return outcome{}, fmt.Errorf("the store is on %q instead of %s", o["store_plan"], planBefore)
	}
	return outcome{
		sentence: fmt.Sprintf("store %s created on %s for app %s, and shared with app %s", o["store_name"], planBefore, o["web_name"], o["worker_name"]),
		remark:   inWords(planned) + " to plan",
	}, nil
}

func (s *story) writeKeys(ctx context.Context) (outcome, error) {
	if err := s.runKeys(ctx, "write", planBefore); err != nil {
		return outcome{}, err
	}
	return outcome{sentence: fmt.Sprintf("%s of %d types, half of them with a TTL, written and read back through the store's TLS URL, which is ephemeral: the state holds no URL", allKeys, len(kinds))}, nil
}

func (s *story) readKeys(ctx context.Context) (outcome, error) {
	if err := s.runKeys(ctx, "read", planAfter); err != nil {
		return outcome{}, err
	}
	return outcome{sentence: "the same " + allKeys + " read back from the upgraded store"}, nil
}

// runKeys lets the configuration run this program with the store's URL in its environment: neither the state, nor the
// command line, nor this process gets to see it.
func (s *story) runKeys(ctx context.Context, what, plan string) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	shell := strings.Join([]string{quoted(self), keysCommand, what, quoted(s.home)}, " ")
	s.variables = []string{"-var=plan=" + plan, "-var=command=" + shell}
	if _, err := s.cli.plan(ctx, s.variables...); err != nil {
		return err
	}
	_, applyErr := s.cli.apply(ctx)
	report, err := os.ReadFile(filepath.Join(s.home, keysReport))
	if err := errors.Join(applyErr, err); err != nil {
		return fmt.Errorf("%w\n%s", err, report)
	}
	state, err := os.ReadFile(filepath.Join(s.work, "terraform.tfstate"))
	if err != nil {
		return err
	}
	if bytes.Contains(state, []byte("rediss://")) {
		return errors.New("the state holds a store's URL")
	}
	return nil
}

// quoted is safe from the shell.
func quoted(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

func (s *story) planUpgrade(ctx context.Context) (outcome, error) {
	s.variables[0] = "-var=plan=" + planAfter
	planned, err := s.cli.plan(ctx, s.variables...)
	if err != nil {
		return outcome{}, err
	}
	if !strings.Contains(planned.summary, "0 to add, 1 to change, 0 to destroy") {
		return outcome{}, fmt.Errorf("an upgrade in place should be one change: %s", planned.summary)
	}
	told := outcome{
		sentence: fmt.Sprintf("%s to %s: %q", planBefore, planAfter, planned.summary),
		notes:    planned.facts(regexp.MustCompile("")),
	}
	if len(told.notes) == 0 {
		return outcome{}, errors.New("the plan does not say what the upgrade means")
	}
	return told, nil
}

func (s *story) upgrade(ctx context.Context) (outcome, error) {
	if _, err := s.cli.apply(ctx); err != nil {
		return outcome{}, err
	}
	after, err := s.cli.outputs(ctx)
	if err != nil {
		return outcome{}, err
	}
	before := s.outputs
	for _, kept := range []string{"store_id", "store_name", "attachment_id"} {
		if before[kept] == "" || after[kept] != before[kept] {
			return outcome{}, fmt.Errorf("%s should stay: it was %q and is %q", kept, before[kept], after[kept])
		}
	}
	if after["store_plan"] != planAfter {
		return outcome{}, fmt.Errorf("the store is on %q instead of %s", after["store_plan"], planAfter)
	}
	return outcome{sentence: fmt.Sprintf("upgraded in place: still %s, still id %s, still shared with %s", after["store_name"], after["store_id"], after["worker_name"])}, nil
}

func (s *story) makeMistake(ctx context.Context) (outcome, error) {
	before, err := s.sandbox.ledger(ctx)
	if err != nil {
		return outcome{}, err
	}
	file := filepath.Join(s.work, "mistake.tf")
	if err := os.WriteFile(file, []byte(mistake), 0o600); err != nil {
		return outcome{}, err
	}
	planned, err := s.cli.plan(ctx, s.variables...)
	if ctx.Err() != nil {
		return outcome{}, err
	}
	refused := slices.IndexFunc(planned.diagnostics, func(d diagnostic) bool {
		return d.Severity == "error" && d.Address == mistakeAddress
	})
	if err == nil || refused < 0 {
		return outcome{}, errors.Join(errors.New("the plan of "+planInside+" in the Common Runtime should be refused"), err)
	}
	after, err := s.sandbox.ledger(ctx)
	if err := errors.Join(err, os.Remove(file)); err != nil {
		return outcome{}, err
	}
	if after.Created != before.Created {
		return outcome{}, fmt.Errorf("a refused plan should create nothing, and the ledger went from %s to %s", before, after)
	}
	return outcome{
		sentence: fmt.Sprintf("a mistake refused at plan time, and nothing was created: %s in the Common Runtime", planInside),
		notes:    []string{"Error: " + planned.diagnostics[refused].Summary},
	}, nil
}

func (s *story) destroy(ctx context.Context) (outcome, error) {
	if _, err := s.cli.plan(ctx, append(s.variables, "-destroy")...); err != nil {
		return outcome{}, err
	}
	if _, err := s.cli.apply(ctx); err != nil {
		return outcome{}, err
	}
	l, err := s.sandbox.ledger(ctx)
	if err != nil {
		return outcome{}, err
	}
	if l.stores() == 0 || l.spaces() == 0 || l.Destroyed != l.Created || l.Orphans != 0 {
		return outcome{}, fmt.Errorf("the ledger should be even, and says %s", l)
	}
	return outcome{sentence: fmt.Sprintf("everything destroyed; the sandbox's ledger: %s", l)}, nil
}
