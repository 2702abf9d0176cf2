// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"strings"
	"sync"
	"testing"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/sandbox"
)

// plan is what a plan with an action says.
func (s actionServer) plan(name string, given values) told {
	s.Helper()
	planned, err := s.server.PlanAction(s.Context(), &tfprotov6.PlanActionRequest{ActionType: name, Config: s.config(name, given)})
	if err != nil {
		s.Fatal(err)
	}
	said := told{T: s.T}
	said.diagnose(planned.Diagnostics)
	return said
}

// warned fails the test unless there was one warning that says this; without texts, unless nothing was said.
func (told told) warned(texts ...string) {
	told.Helper()
	if len(told.errors) > 0 || len(told.warnings) != min(len(texts), 1) {
		told.Fatalf("it says:\n%s", told)
	}
	for _, text := range texts {
		if !strings.Contains(told.warnings[0], text) {
			told.Errorf("the warning does not say %q:\n%s", text, told)
		}
	}
}

// A plan says what an action interrupts and for how long, or why it would be refused, as things are; and sends nothing.
func TestActions_planned(t *testing.T) {
	t.Parallel()
	const offline = "The store will be offline for some minutes"
	inMaintenance := func(w keptWorld) {
		for _, app := range []heroku.AppID{w.web, w.api} {
			w.SwitchMaintenance(app, true)
		}
	}
	both := func(w keptWorld) { w.require(); inMaintenance(w) }
	for name, test := range map[string]struct {
		plan    string // of the store
		prepare func(keptWorld)
		action  string
		given   values
		says    []string
	}{
		"maintenance, apps held": {"premium-0", keptWorld.require, runMaintenance, values{"app_maintenance": true, "scale_down": true},
			[]string{offline, "orders-cache (", "at most 1h0m0s", "are in maintenance mode and scaled to 0 meanwhile, restart, and are put back " +
				"afterwards: orders-api, orders-web."}},
		"maintenance, scaled down": {"premium-0", keptWorld.require, runMaintenance, values{"scale_down": true, "timeouts": "90m"},
			[]string{offline, "at most 1h30m0s", "are scaled to 0 meanwhile and put back afterwards: orders-api, orders-web."}},
		"maintenance mode": {"premium-0", keptWorld.require, runMaintenance, values{"app_maintenance": true},
			[]string{offline, "are in maintenance mode meanwhile, restart, and are put back afterwards"}},
		"maintenance, confirmed": {"premium-0", keptWorld.require, runMaintenance, values{"confirm": "orders-web"},
			[]string{offline, "lose their connections and restart: orders-api, orders-web."}},
		"maintenance, prepared": {"premium-0", both, runMaintenance, nil, []string{offline}},
		"maintenance, not prepared": {"premium-0", keptWorld.require, runMaintenance, nil,
			[]string{"The action would be refused", "An app is not in maintenance mode", "orders-api, orders-web"}},
		"maintenance, another app": {"premium-0", keptWorld.require, runMaintenance, values{"confirm": "shop"},
			[]string{"The action would be refused", "The confirmation names another app"}},
		"maintenance, none": {"premium-0", nil, runMaintenance, values{"app_maintenance": true},
			[]string{"The action has nothing to do", "there is nothing to run: no maintenance is outstanding"}},
		"maintenance of a mini": {"mini", nil, runMaintenance, nil,
			[]string{"The action would be refused", "The store's plan has no maintenance"}},

		"upgrade now": {"premium-0", nil, upgradeVersion, values{"version": "8.0", "when": "now", "app_maintenance": true},
			[]string{offline, "is upgraded from version 7.2.4 to 8.0. There is no way back.", "at most 1h0m0s", "orders-api, orders-web"}},
		"upgrade now, not prepared": {"premium-0", nil, upgradeVersion, values{"version": "8.0", "when": "now"},
			[]string{"The action would be refused", "An app is not in maintenance mode"}},
		"upgrade in the window": {"premium-0", nil, upgradeVersion, values{"version": "8.0"},
			[]string{"The store will be upgraded in its maintenance window", "There is no way back", "restart then: orders-api, orders-web."}},
		"upgrade made": {"premium-0", nil, upgradeVersion, values{"version": "7.2"},
			[]string{"The action has nothing to do", "it runs version 7.2.4 already"}},
		"upgrade of a mini": {"mini", nil, upgradeVersion, values{"version": "8.0"},
			[]string{"The action would be refused", "Upgrading a mini loses its data"}},
		"upgrade of a mini, consented": {"mini", nil, upgradeVersion, values{"version": "8.0", "accept_data_loss": true},
			[]string{"All keys of the store will be lost", "orders-api, orders-web"}},

		"rotation": {"premium-0", nil, rotateCredentials, nil,
			[]string{"The password of the store will change", "get the new URL and restart: orders-api, orders-web.", "at most 1h0m0s",
				"after_update"}},
		"schedule": {"premium-0", keptWorld.require, "kvs_schedule_maintenance", values{"in_weeks": 1}, nil},
		"schedule, none": {"premium-0", nil, "kvs_schedule_maintenance", values{"in_weeks": 1},
			[]string{"The action has nothing to do", "there is nothing to schedule"}},
		"schedule, too late": {"premium-0", keptWorld.require, "kvs_schedule_maintenance", values{"in_weeks": 9},
			[]string{"The action would be refused", "The maintenance cannot be put off for so long"}},
		"schedule of a mini": {"mini", nil, "kvs_schedule_maintenance", values{"in_weeks": 1},
			[]string{"The action would be refused", "has no maintenance"}},
		"statistics": {"premium-0", nil, "kvs_reset_stats", nil, nil},
		"another store": {"premium-0", nil, "kvs_reset_stats", values{"instance_id": string(oneStore)},
			[]string{"The action would be refused", "Key-Value Store not found"}},
		"maintenance mode on": {"mini", nil, "kvs_set_app_maintenance", values{"maintenance": true},
			[]string{"Visitors of the app will see its maintenance page", "App orders-web ("}},
		"maintenance mode off": {"mini", inMaintenance, "kvs_set_app_maintenance", values{"maintenance": false}, nil},
		"maintenance mode, so already": {"mini", nil, "kvs_set_app_maintenance", values{"maintenance": false},
			[]string{"The action has nothing to do", "App orders-web (", "switching maintenance mode off, it was so already"}},
		"another app": {"mini", nil, "kvs_set_app_maintenance", values{"maintenance": true, "app_id": string(oneStore)},
			[]string{"The action would be refused", "App not found"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newKeptWorld(t, test.plan)
			if test.prepare != nil {
				test.prepare(w)
			}
			given := w.about(test.given)
			if test.action == "kvs_set_app_maintenance" {
				delete(given, "instance_id")
				if given["app_id"] == nil {
					given["app_id"] = string(w.web)
				}
			}
			w.ResetJournal()
			w.plan(test.action, given).warned(test.says...)
			if writes := w.Requests("(POST|PATCH|PUT|DELETE)", ".*"); len(writes) != 0 {
				t.Errorf("this was sent: %v", writes)
			}
		})
	}
}

// A Heroku that cannot be asked is no reason to say anything: the invocation will.
func TestActions_plannedWithoutAnAnswer(t *testing.T) {
	t.Parallel()
	w := newKeptWorld(t, "premium-0")
	w.Inject(sandbox.Fault{Match: sandbox.Match{Method: "GET", Path: "/*/*", Agent: "terraform-provider-kvs"},
		Do: sandbox.Effect{Status: 403}})
	for name, given := range required(string(w.store)) {
		w.plan(name, given).warned()
	}
}

// What an action says when the provider is stopped has been heard when that is answered: terraform-plugin-go drops the rest.
func TestStopProvider_waitsForTheLastWords(t *testing.T) {
	t.Parallel()
	w := newKeptWorld(t, "premium-0", slowly)
	w.require()
	config := w.config(runMaintenance, w.about(values{"app_maintenance": true, "scale_down": true}))
	stream, err := w.server.InvokeAction(t.Context(), &tfprotov6.InvokeActionRequest{ActionType: runMaintenance, Config: config})
	if err != nil {
		t.Fatal(err)
	}
	var (
		mu      sync.Mutex
		stopped bool
		stop    sync.Once
		stops   = make(chan error, 1)
		heard   = told{T: t}
	)
	for event := range stream.Events {
		mu.Lock()
		deaf := stopped
		mu.Unlock()
		switch event := event.Type.(type) {
		case tfprotov6.ProgressInvokeActionEventType:
			if strings.Contains(event.Message, "running the maintenance: running") {
				stop.Do(func() {
					go func() {
						_, err := w.server.StopProvider(t.Context(), &tfprotov6.StopProviderRequest{})
						mu.Lock()
						stopped = true
						mu.Unlock()
						stops <- err
					}()
				})
			}
		case tfprotov6.CompletedInvokeActionEventType:
			if !deaf {
				heard.diagnose(event.Diagnostics)
			}
		}
	}
	if err := <-stops; err != nil {
		t.Fatal(err)
	}
	heard.failed("Unable to run the maintenance of Key-Value Store", "orders-cache ("+string(w.store)+")", "invoke the action again",
		"interrupted")
	w.expectBoth(running)
}
