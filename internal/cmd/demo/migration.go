// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// The last chapter: the store moves from the Common Runtime into a Private Space, with its keys.

// inSpace is a Private Space with an app in it that has no store yet.
const inSpace = `
resource "kvs_private_space" "prod" {
  name                = "acme-prod"
  team                = "acme"
  deletion_protection = false
}

resource "kvs_app" "inside" {
  name     = "orders-inside"
  space_id = kvs_private_space.prod.id
}

output "space_name" {
  value = kvs_private_space.prod.name
}

output "space_state" {
  value = kvs_private_space.prod.state
}

output "inside_name" {
  value = kvs_app.inside.name
}

output "retired_store_id" {
  value = kvs_instance.cache.retired_instance_id
}
`

// moveFile is laid over examples/demo: what it says of the store replaces what main.tf says.
const (
	moveFile = "main_override.tf"
	move     = `
resource "kvs_instance" "cache" {
  app_id    = kvs_app.inside.id
  plan      = "` + planInside + `"
  migration = { %s }
}
`
	held   = "app_maintenance = true, scale_down = true"
	retire = `retire = "always"`
)

// allocate allocates a space, and creates an app in it once it is there: one apply, in that order.
func (s *story) allocate(ctx context.Context) (outcome, error) {
	if err := s.configure("space.tf", inSpace); err != nil {
		return outcome{}, err
	}
	planned, err := s.cli.plan(ctx, s.variables...)
	if err != nil {
		return outcome{}, err
	}
	if !strings.Contains(planned.summary, "2 to add, 0 to change, 0 to destroy") {
		return outcome{}, fmt.Errorf("a space and an app should be two additions: %s", planned.summary)
	}
	if _, err := s.applied(ctx); err != nil {
		return outcome{}, err
	}
	o := s.outputs
	if o["space_state"] != "allocated" {
		return outcome{}, fmt.Errorf("the space should be allocated, and is %q", o["space_state"])
	}
	return outcome{sentence: fmt.Sprintf("Private Space %s allocated, then app %s created in it", o["space_name"], o["inside_name"])}, nil
}

func (s *story) configure(name, content string) error {
	return os.WriteFile(filepath.Join(s.work, name), []byte(content), 0o600)
}

// applied carries out what was planned last, and reads the outputs again.
func (s *story) applied(ctx context.Context) (run, error) {
	done, err := s.cli.apply(ctx)
	if err == nil {
		s.outputs, err = s.cli.outputs(ctx)
	}
	return done, err
}

// factsOfMove are what a newcomer wants to know first, of all that the plan says of a migration.
var factsOfMove = regexp.MustCompile(`REDIS_URL|maintenance mode|The old store|Price`)

func (s *story) planMigration(ctx context.Context) (outcome, error) {
	if err := s.configure(moveFile, fmt.Sprintf(move, held)); err != nil {
		return outcome{}, err
	}
	planned, err := s.cli.plan(ctx, s.variables...)
	if err != nil {
		return outcome{}, err
	}
	if !strings.Contains(planned.summary, "0 to add, 2 to change, 0 to destroy") {
		return outcome{}, fmt.Errorf("a migration should change the store and its attachment: %s", planned.summary)
	}
	s.planned = planned
	told := outcome{sentence: fmt.Sprintf("%s to %s, migration = { %s }: %q", planAfter, planInside, held, planned.summary)}
	if told.notes = planned.facts(factsOfMove); len(told.notes) == 0 {
		return outcome{}, errors.New("the plan does not say what the migration means")
	}
	return told, nil
}

func (s *story) migrate(ctx context.Context) (outcome, error) {
	old := s.outputs
	before, err := s.outside(ctx)
	if err != nil {
		return outcome{}, err
	}
	done, err := s.applied(ctx)
	if err != nil {
		return outcome{}, err
	}
	o := s.outputs
	if o["store_name"] != old["store_name"] || o["store_plan"] != planInside || o["store_id"] == old["store_id"] {
		return outcome{}, fmt.Errorf("another store named %s should be on %s, and %s (%s) is on %s", old["store_name"], planInside, o["store_name"], o["store_id"], o["store_plan"])
	}
	if o["retired_store_id"] != old["store_id"] {
		return outcome{}, fmt.Errorf("the old store %s should be kept, and it is %q", old["store_id"], o["retired_store_id"])
	}
	after, err := s.outside(ctx)
	if err != nil {
		return outcome{}, err
	}
	if err := errors.Join(s.wereHeld(ctx, before, after), s.arePointed(ctx)); err != nil {
		return outcome{}, err
	}
	told := outcome{
		sentence: fmt.Sprintf("migrated: %s is another store now, and REDIS_URL of %s, %s and %s leads to it", o["store_name"], o["inside_name"], o["web_name"], o["worker_name"]),
		notes: []string{fmt.Sprintf("%s and %s were in maintenance mode and at 0 dynos meanwhile, and are at %s again",
			o["web_name"], o["worker_name"], after[0].Dynos)},
	}
	for _, d := range done.diagnostics {
		if !slices.Contains(s.planned.diagnostics, d) { // which the plan could not know
			told.notes = append(told.notes, "Warning: "+d.Summary)
		}
	}
	return told, nil
}

// outside are the apps of the Common Runtime.
func (s *story) outside(ctx context.Context) (apps [2]app, err error) {
	for i, name := range []string{s.outputs["web_name"], s.outputs["worker_name"]} {
		if apps[i], err = s.sandbox.app(ctx, name); err != nil {
			return apps, err
		}
	}
	return apps, nil
}

// wereHeld says that the apps were kept still, and that all of it was taken back.
func (s *story) wereHeld(ctx context.Context, before, after [2]app) error {
	for i, app := range after {
		if app != before[i] {
			return fmt.Errorf("an app should be as before: it was %+v and is %+v", before[i], app)
		}
		for _, path := range []string{"/apps/" + app.ID, "/apps/" + app.ID + "/formation"} {
			if n, err := s.sandbox.changes(ctx, path); err != nil || n < 2 {
				return errors.Join(fmt.Errorf("%s should have been changed and put back: %d changes", path, n), err)
			}
		}
	}
	return nil
}

// arePointed says that the store is the primary one of every app.
func (s *story) arePointed(ctx context.Context) error {
	for _, app := range []string{"inside_name", "web_name", "worker_name"} {
		primary, err := s.sandbox.primary(ctx, s.outputs[app])
		if err != nil || primary != s.outputs["store_id"] {
			return errors.Join(fmt.Errorf("REDIS_URL of %s should lead to %s, and leads to %q", s.outputs[app], s.outputs["store_id"], primary), err)
		}
	}
	return nil
}

func (s *story) readInside(ctx context.Context) (outcome, error) {
	inside := dyno{s.sandbox, s.outputs["inside_name"]}
	if err := inside.readKeys(ctx, s.home); err != nil {
		return outcome{}, err
	}
	outside := dyno{s.sandbox, s.outputs["web_name"]}
	if err := outside.reach(ctx); !errors.Is(err, errNoWay) {
		return outcome{}, errors.Join(fmt.Errorf("a store in a space should be out of reach for %s", outside.app), err)
	}
	return outcome{sentence: fmt.Sprintf("the same %s read back by a dyno of %s, types, contents and TTLs as before; %s, outside the space, does not get there", allKeys, inside.app, outside.app)}, nil
}

// retire destroys the old store, which is paid for as long as it is kept: every plan says so.
func (s *story) retire(ctx context.Context) (outcome, error) {
	kept, err := s.store(ctx, s.outputs["retired_store_id"])
	if err != nil {
		return outcome{}, err
	}
	planned, err := s.cli.plan(ctx, s.variables...)
	if err != nil {
		return outcome{}, err
	}
	price := planned.priceOf(kept.Name)
	if kept.DestroyedAt != nil || price == "" {
		return outcome{}, fmt.Errorf("the plan should say that %s is kept, and for how much", kept.Name)
	}
	if err := s.configure(moveFile, fmt.Sprintf(move, retire)); err != nil {
		return outcome{}, err
	}
	if _, err := s.cli.plan(ctx, s.variables...); err != nil {
		return outcome{}, err
	}
	if _, err := s.applied(ctx); err != nil {
		return outcome{}, err
	}
	if kept, err = s.store(ctx, kept.ID); err != nil || kept.DestroyedAt == nil {
		return outcome{}, errors.Join(fmt.Errorf("%s should be destroyed", kept.Name), err)
	}
	return outcome{sentence: fmt.Sprintf("the old store, kept until now as %s for %s, destroyed by migration = { %s }", kept.Name, price, retire)}, nil
}

var priceInPlan = regexp.MustCompile(`\$[0-9.,]*[0-9] a month`)

// priceOf is what a plan says of the price of a store that it has a diagnostic about; empty when it says none.
func (r run) priceOf(store string) string {
	for _, d := range r.diagnostics {
		if strings.Contains(d.Detail, store) {
			return priceInPlan.FindString(d.Detail)
		}
	}
	return ""
}

// store finds one in the ledger.
func (s *story) store(ctx context.Context, id string) (entry, error) {
	l, err := s.sandbox.ledger(ctx)
	if err != nil {
		return entry{}, err
	}
	i := slices.IndexFunc(l.Objects, func(e entry) bool { return e.ID == id })
	if i < 0 {
		return entry{}, fmt.Errorf("the ledger has no store %q", id)
	}
	return l.Objects[i], nil
}
