// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package replacement_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/acctest"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/replacement"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/sandbox"
)

const (
	oneStore   = heroku.AddOnID("7c4e2a90-3b5d-4f8e-a1c6-d2e3f4a5b6c7")
	otherStore = heroku.AddOnID("8d5f3ba1-4c6e-4a9f-b2d7-e3f4a5b6c7d8")
)

var still = replacement.Hold{AppMaintenance: true, ScaleDown: true}

// heldWorld has an app orders-web with two web dynos and one worker, and a client of somebody else.
type heldWorld struct {
	*testing.T
	*acctest.Sandbox
	client *heroku.Client
}

func newHeldWorld(t *testing.T) heldWorld {
	t.Helper()
	sb := acctest.Start(t, func(o *sandbox.Options) { o.Engine = "miniredis" })
	return heldWorld{t, sb, sb.Client(t)}
}

// app makes an app that is up and running.
func (w heldWorld) app(name string) heroku.AppID {
	w.Helper()
	app, err := w.client.CreateApp(w.Context(), heroku.AppCreate{Name: name})
	if err == nil {
		err = w.Deploy(name, "web", "worker", "clock")
	}
	if err == nil {
		err = w.client.Scale(w.Context(), app.ID, map[string]int{"web": 2, "clock": 0})
	}
	if err != nil {
		w.Fatal(err)
	}
	return app.ID
}

// holder is one run of the provider.
func (w heldWorld) holder() *replacement.Manager {
	w.Helper()
	return replacement.NewManager(w.Client(w.T), &replacement.AppLocks{}, nil, nil)
}

func (w heldWorld) switchMaintenance(app heroku.AppID, on bool) {
	w.Helper()
	if _, err := w.client.UpdateApp(w.Context(), app, heroku.AppUpdate{Maintenance: &on}); err != nil {
		w.Fatal(err)
	}
}

func (w heldWorld) scale(app heroku.AppID, quantities map[string]int) {
	w.Helper()
	if err := w.client.Scale(w.Context(), app, quantities); err != nil {
		w.Fatal(err)
	}
}

// state is an app in one line.
func (w heldWorld) state(id heroku.AppID) string {
	w.Helper()
	app, err := w.client.FindApp(w.Context(), string(id))
	if err != nil {
		w.Fatal(err)
	}
	formation, err := w.client.Formation(w.Context(), id)
	if err != nil {
		w.Fatal(err)
	}
	memo, _, err := w.client.ConfigVar(w.Context(), id, "KVS_MIGRATION")
	if err != nil {
		w.Fatal(err)
	}
	parts := []string{map[bool]string{true: "maintenance", false: "open"}[app.Maintenance]}
	slices.SortFunc(formation, func(a, b heroku.Process) int { return strings.Compare(a.Type, b.Type) })
	for _, process := range formation {
		parts = append(parts, fmt.Sprintf("%s=%d", process.Type, process.Quantity))
	}
	return strings.TrimSpace(strings.Join(parts, " ") + " " + memo)
}

func (w heldWorld) expect(app heroku.AppID, want string) {
	w.Helper()
	if got := w.state(app); got != want {
		w.Errorf("the app is\n%s\nwant\n%s", got, want)
	}
}

func (w heldWorld) hold(holder *replacement.Manager, store heroku.AddOnID, how replacement.Hold, wantSince bool, apps ...heroku.AppID) {
	w.Helper()
	if since, err := holder.Hold(w.Context(), store, apps, how); err != nil || since != wantSince {
		w.Errorf("held since before: %t, %v; want %t", since, err, wantSince)
	}
}

func (w heldWorld) release(holder *replacement.Manager, store heroku.AddOnID, apps ...heroku.AppID) {
	w.Helper()
	if err := holder.Release(w.Context(), store, apps); err != nil {
		w.Error(err)
	}
}

const (
	running = "open clock=0 web=2 worker=1"
	memo    = `{"holders":["7c4e2a90-3b5d-4f8e-a1c6-d2e3f4a5b6c7"],"maintenance":false,"formation":{"web":2,"worker":1}}`
)

func TestAppHold_putsBackWhatWasBefore(t *testing.T) {
	t.Parallel()
	const holders = `{"holders":["7c4e2a90-3b5d-4f8e-a1c6-d2e3f4a5b6c7"]`
	for name, test := range map[string]struct {
		how    replacement.Hold
		before func(heldWorld, heroku.AppID)
		held   string
		after  string
	}{
		"both":                    {still, nil, "maintenance clock=0 web=0 worker=0 " + memo, running},
		"maintenance mode only":   {replacement.Hold{AppMaintenance: true}, nil, "maintenance clock=0 web=2 worker=1 " + holders + `,"maintenance":false}`, running},
		"scaling only":            {replacement.Hold{ScaleDown: true}, nil, "open clock=0 web=0 worker=0 " + holders + `,"formation":{"web":2,"worker":1}}`, running},
		"neither touches nothing": {replacement.Hold{}, nil, running, running},
		"an app that was in maintenance mode stays so": {
			still, func(w heldWorld, app heroku.AppID) { w.switchMaintenance(app, true) },
			"maintenance clock=0 web=0 worker=0 " + strings.Replace(memo, "false", "true", 1), "maintenance clock=0 web=2 worker=1",
		},
		"an app that has no dynos gets none": {
			still, func(w heldWorld, app heroku.AppID) { w.scale(app, map[string]int{"web": 0, "worker": 0}) },
			"maintenance clock=0 web=0 worker=0 " + holders + `,"maintenance":false,"formation":{}}`, "open clock=0 web=0 worker=0",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newHeldWorld(t)
			app := w.app("orders-web")
			if test.before != nil {
				test.before(w, app)
			}
			run := w.holder()
			w.hold(run, oneStore, test.how, false, app, app)
			w.expect(app, test.held)
			w.release(run, otherStore, app)
			w.expect(app, test.held)
			w.release(run, oneStore, app, app)
			w.expect(app, test.after)
			w.release(run, oneStore, app)
			w.expect(app, test.after)
		})
	}
}

// The memo outlives the run that wrote it, wherever that one ended.
func TestAppHold_survivesTheRunThatBeganIt(t *testing.T) {
	t.Parallel()
	for name, lost := range map[string]sandbox.Match{
		"before the memo was written":              {Method: "PATCH", Path: "/apps/*/config-vars"},
		"before maintenance mode":                  {Method: "PATCH", Path: "/apps/*"},
		"before the dynos were stopped":            {Method: "PATCH", Path: "/apps/*/formation"},
		"between the two apps":                     {Method: "PATCH", Path: "/apps/*/config-vars", Nth: 2},
		"before the dynos were started again":      {Method: "PATCH", Path: "/apps/*/formation", Nth: 3},
		"before maintenance mode was left":         {Method: "PATCH", Path: "/apps/*", Nth: 3},
		"before the memo was removed":              {Method: "PATCH", Path: "/apps/*/config-vars", Nth: 3},
		"while the second app was being read":      {Method: "GET", Path: "/apps/*/formation", Nth: 2},
		"while the second app was read at the end": {Method: "GET", Path: "/apps/*/config-vars", Nth: 4},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newHeldWorld(t)
			apps := []heroku.AppID{w.app("orders-web"), w.app("orders-api")}
			crashed := w.holder()
			lost.Times = 1
			w.Inject(sandbox.Fault{Match: lost, Do: sandbox.Effect{Status: 403}})
			_, err := crashed.Hold(t.Context(), oneStore, apps, still)
			if err == nil {
				err = crashed.Release(t.Context(), oneStore, apps)
			}
			if err == nil {
				t.Fatal("nothing went wrong")
			}

			next := w.holder()
			w.hold(next, oneStore, still, false, apps...)
			for i, app := range apps {
				w.expect(app, fmt.Sprintf(`maintenance clock=0 web=0 worker=0 %s,"apps":{"%s":["%s"]}}`, strings.TrimSuffix(memo, "}"), oneStore, apps[1-i]))
			}
			w.hold(w.holder(), oneStore, still, true, apps...)
			w.release(next, oneStore, apps[0]) // the other one may not be attached any more
			for _, app := range apps {
				w.expect(app, running)
			}
		})
	}
}

func TestAppHold_isNotSinceBeforeWhenSomebodyMayHaveWritten(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		meanwhile func(heldWorld, heroku.AppID)
		after     string
	}{
		"a dyno was started":        {func(w heldWorld, app heroku.AppID) { w.scale(app, map[string]int{"web": 1}) }, "open clock=0 web=1 worker=1"},
		"maintenance mode was left": {func(w heldWorld, app heroku.AppID) { w.switchMaintenance(app, false) }, running},
		"a process type was added and started": {func(w heldWorld, app heroku.AppID) {
			if err := w.Deploy("orders-web", "web", "worker", "cron"); err != nil {
				w.Fatal(err)
			}
		}, "open cron=1 web=2 worker=1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newHeldWorld(t)
			app := w.app("orders-web")
			run := w.holder()
			w.hold(run, oneStore, still, false, app)
			test.meanwhile(w, app)
			w.hold(run, oneStore, still, false, app)
			w.hold(run, oneStore, still, true, app)
			w.release(run, oneStore, app)
			w.expect(app, test.after)
		})
	}
}

func TestAppHold_leavesAloneWhatWasChangedMeanwhile(t *testing.T) {
	t.Parallel()
	w := newHeldWorld(t)
	app := w.app("orders-web")
	run := w.holder()
	w.hold(run, oneStore, still, false, app)
	w.scale(app, map[string]int{"web": 5})
	w.switchMaintenance(app, false)
	if err := w.Deploy("orders-web", "web", "clock"); err != nil { // without the worker, which cannot be scaled back
		t.Fatal(err)
	}
	w.release(run, oneStore, app)
	w.expect(app, "open clock=0 web=5")
}

// Two stores of one app change hands in one apply: the app is put back when both have.
func TestAppHold_byTwoStoresAtOnce(t *testing.T) {
	t.Parallel()
	w := newHeldWorld(t)
	app := w.app("orders-web")
	run := w.holder()
	var both sync.WaitGroup
	for _, store := range []heroku.AddOnID{oneStore, otherStore} {
		both.Go(func() { w.hold(run, store, still, false, app) })
	}
	both.Wait()
	if got := w.state(app); !strings.HasPrefix(got, "maintenance clock=0 web=0 worker=0") || !strings.HasSuffix(got, `"maintenance":false,"formation":{"web":2,"worker":1}}`) {
		t.Error(got)
	}
	w.release(run, otherStore, app)
	w.expect(app, "maintenance clock=0 web=0 worker=0 "+memo)
	w.release(run, oneStore, app)
	w.expect(app, running)
}

func TestAppHold_byTwoStoresThatAskForDifferentThings(t *testing.T) {
	t.Parallel()
	w := newHeldWorld(t)
	app := w.app("orders-web")
	run := w.holder()
	w.hold(run, otherStore, replacement.Hold{AppMaintenance: true}, false, app)
	w.hold(run, oneStore, replacement.Hold{ScaleDown: true}, false, app)
	w.hold(run, oneStore, replacement.Hold{AppMaintenance: true}, true, app)
	w.release(run, otherStore, app)
	w.expect(app, "maintenance clock=0 web=0 worker=0 "+memo)
	w.release(run, oneStore, app)
	w.expect(app, running)
}

// What cannot be understood is not overwritten, and no app is touched, not even those that could be.
func TestAppHold_refusesAMemoThatItCannotRead(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "yes", `{"holders":`, `{"holders":[]}`, `{}`, `[]`, `{"holders":["a"],"formation":{"web":"two"}}`} {
		w := newHeldWorld(t)
		apps := []heroku.AppID{w.app("orders-api"), w.app("orders-web")}
		slices.Sort(apps)
		if err := w.client.SetConfigVar(t.Context(), apps[1], "KVS_MIGRATION", &text); err != nil {
			t.Fatal(err)
		}
		named, err := w.client.FindApp(t.Context(), string(apps[1]))
		if err != nil {
			t.Fatal(err)
		}
		_, held := w.holder().Hold(t.Context(), oneStore, apps, still)
		for what, err := range map[string]error{"holding": held, "releasing": w.holder().Release(t.Context(), oneStore, apps)} {
			if err == nil || !strings.Contains(err.Error(), "KVS_MIGRATION") || !strings.Contains(err.Error(), named.Name) {
				t.Errorf("%s with %q: %v", what, text, err)
			}
		}
		w.expect(apps[0], running)
		w.expect(apps[1], strings.TrimSpace(running+" "+text))
	}
}

func TestAppHold_ofAnAppThatIsGone(t *testing.T) {
	t.Parallel()
	w := newHeldWorld(t)
	gone, app := w.app("orders-api"), w.app("orders-web")
	run := w.holder()
	w.hold(run, oneStore, still, false, gone, app)
	if err := w.client.DeleteApp(t.Context(), gone); err != nil {
		t.Fatal(err)
	}
	w.release(run, oneStore, gone, app)
	w.expect(app, running)
	if _, err := run.Hold(t.Context(), oneStore, []heroku.AppID{gone, app}, still); !heroku.IsNotFound(err) {
		t.Errorf("holding it again: %v", err)
	}
	w.expect(app, running)
}

func TestAppHold_ofNoAppProvesNothing(t *testing.T) {
	t.Parallel()
	w := newHeldWorld(t)
	w.hold(w.holder(), oneStore, still, false)
	if requests := w.Journal(); len(requests) != 0 {
		t.Error(requests)
	}
}
