// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/sandbox"
)

const runMaintenance = "kvs_run_maintenance"

// slowly makes a maintenance take so long that there is time to do something meanwhile.
func slowly(o *sandbox.Options) { o.Maintenance = 50 * time.Minute }

func TestRunMaintenance_orchestrated(t *testing.T) {
	t.Parallel()
	w := newKeptWorld(t, "premium-0")
	w.require()
	w.invoke(runMaintenance, w.about(values{"app_maintenance": true, "scale_down": true})).succeeded(
		"orders-cache: step 1 of 5, waiting for the maintenance to be ready (0s elapsed, at most 1h0m0s remaining)",
		"waiting for the maintenance to be ready: preparing",
		"step 2 of 5, keeping the apps still",
		"keeping the apps still: orders-api, orders-web",
		"step 3 of 5, running the maintenance",
		"running the maintenance: running",
		"step 4 of 5, waiting for the store to be available",
		"the maintenance took 3m0s",
		"step 5 of 5, putting the apps back",
	)
	w.expectBoth(running)
	if status := w.status(); status != "completed" {
		t.Errorf("the maintenance is %s", status)
	}
	// invoked again, there is nothing to do, and no app need be in maintenance mode for that
	w.ResetJournal()
	w.invoke(runMaintenance, w.about(nil)).succeeded("step 1 of 3, ",
		"there is nothing to run: the last maintenance was completed at 2026-01-14T")
	last := w.invoke(runMaintenance, w.about(values{"app_maintenance": true}))
	if last.succeeded("there is nothing to run"); strings.Contains(last.String(), "putting the apps back") {
		t.Error(last)
	}
	if writes := w.Requests("(POST|PATCH|PUT|DELETE)", ".*"); len(writes) != 0 {
		t.Error(writes)
	}
}

func TestRunMaintenance_holdsTheAppsMeanwhile(t *testing.T) {
	t.Parallel()
	w := newKeptWorld(t, "premium-0", slowly)
	w.require()
	held := strings.Replace(memo, string(oneStore), string(w.store), 1)
	w.Inject(sandbox.Fault{Match: sandbox.Match{Method: "PATCH", Path: "/apps/*/formation", From: 3}, Do: sandbox.Effect{Status: 403}})
	w.invoke(runMaintenance, w.about(values{"app_maintenance": true, "scale_down": true})).failed(
		"Unable to put the apps back", "KVS_MIGRATION", "Invoke the action again")
	heldBeside := func(other heroku.AppID) string {
		return "maintenance clock=0 web=0 worker=0 " + strings.TrimSuffix(held, "}") + fmt.Sprintf(`,"apps":{%q:[%q]}}`, w.store, other)
	}
	w.ExpectApp(w.web, heldBeside(w.api))
	w.ExpectApp(w.api, heldBeside(w.web))

	// whatever the next invocation is asked for, and though there is nothing left to run, it puts them back
	w.Clear()
	w.invoke(runMaintenance, w.about(nil)).succeeded("there is nothing to run")
	w.expectBoth(running)
}

func TestRunMaintenance_refusesAnAppThatIsInUse(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		more values
		mode []string // apps in maintenance mode
		says []string // nil: it runs
	}{
		"both apps are in use": {nil, nil, []string{"An app is not in maintenance mode", "orders-api, orders-web",
			`confirm = "orders-web"`, "app_maintenance = true"}},
		"one app is in use": {nil, []string{"web"}, []string{"An app is not in maintenance mode", ": orders-api."}},
		"no app is in use":  {nil, []string{"web", "api"}, nil},
		"it is confirmed":   {values{"confirm": "orders-web"}, nil, nil},
		"another app is confirmed": {values{"confirm": "orders-api"}, nil, []string{"The confirmation names " +
			"another app", `"orders-web"`}},
		"another one, with orchestration": {values{"confirm": "shop", "app_maintenance": true}, nil,
			[]string{"The confirmation names another app"}},
		"maintenance mode is switched on": {values{"app_maintenance": true}, nil, nil},
		"dynos are stopped":               {values{"scale_down": true}, nil, nil},
		"orchestration is explicitly false": {values{"scale_down": false, "app_maintenance": false}, nil,
			[]string{"An app is not in maintenance mode"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newKeptWorld(t, "premium-0")
			w.require()
			for _, app := range test.mode {
				w.SwitchMaintenance(map[string]heroku.AppID{"web": w.web, "api": w.api}[app], true)
			}
			before := w.AppState(w.web) + w.AppState(w.api)
			said := w.invoke(runMaintenance, w.about(test.more))
			if test.says == nil {
				said.succeeded("running the maintenance")
			} else {
				said.failed(append(test.says, "orders-cache ("+string(w.store)+")", "Nothing was done")...)
			}
			if ran := w.status() == "completed"; ran != (test.says == nil) {
				t.Errorf("the maintenance is %s", w.status())
			}
			if after := w.AppState(w.web) + w.AppState(w.api); after != before {
				t.Errorf("the apps are %s, and were %s", after, before)
			}
		})
	}
}

func TestRunMaintenance_interrupted(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		at     string
		status string // of the maintenance then
	}{
		"while it is prepared":          {"waiting for the maintenance to be ready: preparing", "preparing"},
		"while the apps are held":       {"keeping the apps still", "ready"},
		"while it is running":           {"running the maintenance: running", "running"},
		"while the apps are put back":   {"putting the apps back", "completed"},
		"while the store is waited for": {"waiting for the store to be available", "completed"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newKeptWorld(t, "premium-0", slowly)
			w.require()
			orchestrated := w.about(values{"app_maintenance": true, "scale_down": true})
			said := w.invokeUntil(test.at, runMaintenance, orchestrated)
			if test.status != "completed" {
				said.failed("orders-cache (" + string(w.store) + ")")
			}
			w.expectBoth(running) // at once, and not only at the next run
			if got := w.status(); got != test.status {
				t.Errorf("the maintenance is %s, want %s", got, test.status)
			}
			w.ResetJournal()
			w.invoke(runMaintenance, orchestrated).succeeded()
			w.expectBoth(running)
			if got := w.status(); got != "completed" {
				t.Errorf("in the end the maintenance is %s", got)
			}
			wanted := 0
			if test.status == "preparing" || test.status == "ready" {
				wanted = 1
			}
			if runs := w.Requests("POST", "/data/maintenances/.*/run"); len(runs) != wanted {
				t.Errorf("the second invocation ran it %d times, want %d", len(runs), wanted)
			}
		})
	}
}

// The server of a real provider stops listening once it is interrupted. Nothing may wait for it then.
func TestRunMaintenance_interruptedAndNotHeard(t *testing.T) {
	t.Parallel()
	w := newKeptWorld(t, "premium-0", slowly)
	w.require()
	ctx, interrupt := context.WithCancel(t.Context())
	defer interrupt()
	config := w.config(runMaintenance, w.about(values{"app_maintenance": true, "scale_down": true}))
	stream, err := w.server.InvokeAction(ctx, &tfprotov6.InvokeActionRequest{ActionType: runMaintenance, Config: config})
	if err != nil {
		t.Fatal(err)
	}
	for event := range stream.Events {
		if progress, ok := event.Type.(tfprotov6.ProgressInvokeActionEventType); ok &&
			strings.Contains(progress.Message, "running the maintenance: running") {
			interrupt()
			break
		}
	}
	patient, end := context.WithTimeout(t.Context(), 10*time.Minute)
	defer end()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for w.AppState(w.web) != running || w.AppState(w.api) != running {
		select {
		case <-patient.Done():
			t.Fatalf("the apps are not put back: %s", w.AppState(w.web))
		case <-tick.C:
		}
	}
}

// An interrupt, and a Heroku that lets nothing be put back then: the next invocation does it.
func TestRunMaintenance_interruptedWithoutAWayBack(t *testing.T) {
	t.Parallel()
	w := newKeptWorld(t, "premium-0", slowly)
	w.require()
	w.Inject(sandbox.Fault{Match: sandbox.Match{Method: "PATCH", Path: "/apps/*/formation", From: 3}, Do: sandbox.Effect{Status: 403}})
	said := w.invokeUntil("running the maintenance: running", runMaintenance, w.about(values{"app_maintenance": true, "scale_down": true}))
	if text := said.String(); !strings.Contains(text, "Unable to put the apps back") {
		t.Error(text)
	}
	if got := w.AppState(w.web); !strings.HasPrefix(got, "maintenance clock=0 web=0 worker=0 {") {
		t.Errorf("the app is %s", got)
	}
	w.Clear()
	w.invoke(runMaintenance, w.about(nil)).succeeded("running the maintenance")
	w.expectBoth(running)
}

func TestRunMaintenance_lostAnswer(t *testing.T) {
	t.Parallel()
	for name, effect := range map[string]sandbox.Effect{
		"after it had begun": {Commit: true, Reset: true}, "before it began": {Reset: true},
		"with an error instead": {Commit: true, Status: 503},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newKeptWorld(t, "premium-0")
			w.require()
			w.Inject(sandbox.Fault{Match: sandbox.Match{Method: "POST", Path: "/data/maintenances/v1/*/run", Times: 1}, Do: effect})
			w.invoke(runMaintenance, w.about(values{"confirm": "orders-web"})).succeeded("the maintenance took 3m0s")
		})
	}
}

func TestRunMaintenance_thatCannotEnd(t *testing.T) {
	t.Parallel()
	w := newKeptWorld(t, "premium-0", slowly)
	w.require()
	w.invoke(runMaintenance, w.about(values{"app_maintenance": true, "timeouts": "10m"})).failed(
		"Unable to run the maintenance", "timed out after", "last state: running")
	w.expectBoth(running)
}

func TestRunMaintenance_ofAMini(t *testing.T) {
	t.Parallel()
	w := newKeptWorld(t, "mini")
	w.invoke(runMaintenance, w.about(nil)).failed("instance_id", "The store's plan has no maintenance", "mini")
	w.invoke("kvs_schedule_maintenance", w.about(values{"in_weeks": 1})).failed("The store's plan has no maintenance")
}

func TestRunMaintenance_ofAStoreThatGoesMeanwhile(t *testing.T) {
	t.Parallel()
	w := newKeptWorld(t, "premium-0", slowly)
	w.require()
	gone := `{"id":"not_found","message":"Add-on not found"}`
	w.Inject(sandbox.Fault{
		Match: sandbox.Match{Method: "GET", Path: "/data/maintenances/v1/*", From: 20},
		Do:    sandbox.Effect{Status: 404, Body: &gone},
	})
	w.invoke(runMaintenance, w.about(values{"app_maintenance": true})).failed("Unable to run the maintenance",
		"the add-on is unknown to Heroku")
	w.expectBoth(running)
}
