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

var fullHold = replacement.Hold{AppMaintenance: true, ScaleDown: true}

// holdTest is a sandbox with apps, which runs of the provider hold.
type holdTest struct{ acctest.Apps }

func newHoldTest(t *testing.T) holdTest {
	t.Helper()
	return holdTest{acctest.Start(t, func(o *sandbox.Options) { o.Engine = "miniredis" }).Apps(t)}
}

// holder returns the Manager of one run of the provider.
func (w holdTest) holder() *replacement.Manager {
	w.Helper()
	return replacement.NewManager(w.Client(w.T), &replacement.AppLocks{}, nil, nil)
}

func (w holdTest) scale(app heroku.AppID, quantities map[string]int) {
	w.Helper()
	if err := w.Somebody.Scale(w.Context(), app, quantities); err != nil {
		w.Fatal(err)
	}
}

func (w holdTest) hold(holder *replacement.Manager, store heroku.AddOnID, how replacement.Hold, wantSince bool, apps ...heroku.AppID) {
	w.Helper()
	if since, err := holder.Hold(w.Context(), store, apps, how); err != nil || since != wantSince {
		w.Errorf("held since before: %t, %v; want %t", since, err, wantSince)
	}
}

func (w holdTest) release(holder *replacement.Manager, store heroku.AddOnID, apps ...heroku.AppID) {
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
		before func(holdTest, heroku.AppID)
		held   string
		after  string
	}{
		"both": {fullHold, nil, "maintenance clock=0 web=0 worker=0 " + memo, running},
		"maintenance mode only": {replacement.Hold{AppMaintenance: true}, nil,
			"maintenance clock=0 web=2 worker=1 " + holders + `,"maintenance":false}`, running},
		"scaling only": {replacement.Hold{ScaleDown: true}, nil,
			"open clock=0 web=0 worker=0 " + holders + `,"formation":{"web":2,"worker":1}}`, running},
		"neither touches nothing": {replacement.Hold{}, nil, running, running},
		"an app that was in maintenance mode stays so": {
			fullHold, func(w holdTest, app heroku.AppID) { w.SwitchMaintenance(app, true) },
			"maintenance clock=0 web=0 worker=0 " + strings.Replace(memo, "false", "true", 1), "maintenance clock=0 web=2 worker=1",
		},
		"an app that has no dynos gets none": {
			fullHold, func(w holdTest, app heroku.AppID) { w.scale(app, map[string]int{"web": 0, "worker": 0}) },
			"maintenance clock=0 web=0 worker=0 " + holders + `,"maintenance":false,"formation":{}}`, "open clock=0 web=0 worker=0",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newHoldTest(t)
			app := w.RunningApp("orders-web")
			if test.before != nil {
				test.before(w, app)
			}
			run := w.holder()
			w.hold(run, oneStore, test.how, false, app, app)
			w.ExpectApp(app, test.held)
			w.release(run, otherStore, app)
			w.ExpectApp(app, test.held)
			w.release(run, oneStore, app, app)
			w.ExpectApp(app, test.after)
			w.release(run, oneStore, app)
			w.ExpectApp(app, test.after)
		})
	}
}

// The memo survives the run that wrote it, wherever that run has failed.
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
			w := newHoldTest(t)
			apps := []heroku.AppID{w.RunningApp("orders-web"), w.RunningApp("orders-api")}
			crashed := w.holder()
			lost.Times = 1
			w.Inject(sandbox.Fault{Match: lost, Do: sandbox.Effect{Status: 403}})
			_, err := crashed.Hold(t.Context(), oneStore, apps, fullHold)
			if err == nil {
				err = crashed.Release(t.Context(), oneStore, apps)
			}
			if err == nil {
				t.Fatal("nothing went wrong")
			}

			next := w.holder()
			w.hold(next, oneStore, fullHold, false, apps...)
			for i, app := range apps {
				w.ExpectApp(app, fmt.Sprintf(`maintenance clock=0 web=0 worker=0 %s,"apps":{"%s":["%s"]}}`,
					strings.TrimSuffix(memo, "}"), oneStore, apps[1-i]))
			}
			w.hold(w.holder(), oneStore, fullHold, true, apps...)
			w.release(next, oneStore, apps[0]) // the other app is found by the memo of this one
			for _, app := range apps {
				w.ExpectApp(app, running)
			}
		})
	}
}

func TestAppHold_isNotSinceBeforeWhenSomebodyMayHaveWritten(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		meanwhile func(holdTest, heroku.AppID)
		after     string
	}{
		"a dyno was started": {func(w holdTest, app heroku.AppID) { w.scale(app, map[string]int{"web": 1}) },
			"open clock=0 web=1 worker=1"},
		"maintenance mode was left": {func(w holdTest, app heroku.AppID) { w.SwitchMaintenance(app, false) }, running},
		"a process type was added and started": {func(w holdTest, app heroku.AppID) {
			if err := w.Deploy("orders-web", "web", "worker", "cron"); err != nil {
				w.Fatal(err)
			}
		}, "open cron=1 web=2 worker=1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newHoldTest(t)
			app := w.RunningApp("orders-web")
			run := w.holder()
			w.hold(run, oneStore, fullHold, false, app)
			test.meanwhile(w, app)
			w.hold(run, oneStore, fullHold, false, app)
			w.hold(run, oneStore, fullHold, true, app)
			w.release(run, oneStore, app)
			w.ExpectApp(app, test.after)
		})
	}
}

func TestAppHold_leavesAloneWhatWasChangedMeanwhile(t *testing.T) {
	t.Parallel()
	w := newHoldTest(t)
	app := w.RunningApp("orders-web")
	run := w.holder()
	w.hold(run, oneStore, fullHold, false, app)
	w.scale(app, map[string]int{"web": 5})
	w.SwitchMaintenance(app, false)
	if err := w.Deploy("orders-web", "web", "clock"); err != nil { // without the worker, so that it cannot be scaled
		t.Fatal(err)
	}
	w.release(run, oneStore, app)
	w.ExpectApp(app, "open clock=0 web=5")
}

// One apply replaces two stores of one app, which is released only after both.
func TestAppHold_byTwoStoresAtOnce(t *testing.T) {
	t.Parallel()
	w := newHoldTest(t)
	app := w.RunningApp("orders-web")
	run := w.holder()
	var both sync.WaitGroup
	for _, store := range []heroku.AddOnID{oneStore, otherStore} {
		both.Go(func() { w.hold(run, store, fullHold, false, app) })
	}
	both.Wait()
	if got := w.AppState(app); !strings.HasPrefix(got, "maintenance clock=0 web=0 worker=0") ||
		!strings.HasSuffix(got, `"maintenance":false,"formation":{"web":2,"worker":1}}`) {
		t.Error(got)
	}
	w.release(run, otherStore, app)
	w.ExpectApp(app, "maintenance clock=0 web=0 worker=0 "+memo)
	w.release(run, oneStore, app)
	w.ExpectApp(app, running)
}

func TestAppHold_byTwoStoresThatAskForDifferentThings(t *testing.T) {
	t.Parallel()
	w := newHoldTest(t)
	app := w.RunningApp("orders-web")
	run := w.holder()
	w.hold(run, otherStore, replacement.Hold{AppMaintenance: true}, false, app)
	w.hold(run, oneStore, replacement.Hold{ScaleDown: true}, false, app)
	w.hold(run, oneStore, replacement.Hold{AppMaintenance: true}, true, app)
	w.release(run, otherStore, app)
	w.ExpectApp(app, "maintenance clock=0 web=0 worker=0 "+memo)
	w.release(run, oneStore, app)
	w.ExpectApp(app, running)
}

// An invalid memo is not overwritten, and no app is changed, not even those without one.
func TestAppHold_refusesAMemoThatItCannotRead(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "yes", `{"holders":`, `{"holders":[]}`, `{}`, `[]`, `{"holders":["a"],"formation":{"web":"two"}}`} {
		w := newHoldTest(t)
		apps := []heroku.AppID{w.RunningApp("orders-api"), w.RunningApp("orders-web")}
		slices.Sort(apps)
		if err := w.Somebody.SetConfigVar(t.Context(), apps[1], "KVS_MIGRATION", &text); err != nil {
			t.Fatal(err)
		}
		named, err := w.Somebody.FindApp(t.Context(), string(apps[1]))
		if err != nil {
			t.Fatal(err)
		}
		_, held := w.holder().Hold(t.Context(), oneStore, apps, fullHold)
		for what, err := range map[string]error{"holding": held, "releasing": w.holder().Release(t.Context(), oneStore, apps)} {
			if err == nil || !strings.Contains(err.Error(), "KVS_MIGRATION") || !strings.Contains(err.Error(), named.Name) {
				t.Errorf("%s with %q: %v", what, text, err)
			}
		}
		w.ExpectApp(apps[0], running)
		w.ExpectApp(apps[1], strings.TrimSpace(running+" "+text))
	}
}

func TestAppHold_ofAnAppThatIsGone(t *testing.T) {
	t.Parallel()
	w := newHoldTest(t)
	gone, app := w.RunningApp("orders-api"), w.RunningApp("orders-web")
	run := w.holder()
	w.hold(run, oneStore, fullHold, false, gone, app)
	if err := w.Somebody.DeleteApp(t.Context(), gone); err != nil {
		t.Fatal(err)
	}
	w.release(run, oneStore, gone, app)
	w.ExpectApp(app, running)
	if _, err := run.Hold(t.Context(), oneStore, []heroku.AppID{gone, app}, fullHold); !heroku.IsNotFound(err) {
		t.Errorf("holding it again: %v", err)
	}
	w.ExpectApp(app, running)
}

func TestAppHold_ofNoAppProvesNothing(t *testing.T) {
	t.Parallel()
	w := newHoldTest(t)
	w.hold(w.holder(), oneStore, fullHold, false)
	if requests := w.Journal(); len(requests) != 0 {
		t.Error(requests)
	}
}
