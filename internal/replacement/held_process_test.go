// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package replacement_test

import (
	"sync"
	"testing"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/replacement"
)

func dynos(n int) heroku.ProcessUpdate { return heroku.ProcessUpdate{Quantity: &n} }

// scaled changes a process type, and returns its quantity and whether the app is held.
func (w holdTest) scaled(holder *replacement.Manager, app heroku.AppID, process heroku.ProcessType, u heroku.ProcessUpdate) (int, bool) {
	w.Helper()
	p, held, err := holder.ScaleProcess(w.Context(), app, process, u, func(heroku.Process) bool { return true }, nil)
	if err != nil {
		w.Error(err)
	}
	return p.Quantity, held
}

func TestScaleProcess_ofAHeldAppIsForAfterwards(t *testing.T) {
	t.Parallel()
	w := newHoldTest(t)
	app, holder := w.RunningApp("orders-api"), w.holder()
	w.hold(holder, oneStore, fullHold, false, app)
	var wg sync.WaitGroup
	for process, n := range map[heroku.ProcessType]int{"web": 5, "worker": 0, "clock": 1} { // concurrently, as Terraform does
		wg.Go(func() {
			if got, held := w.scaled(holder, app, process, dynos(n)); got != n || !held {
				t.Errorf("%s: %d dynos, held %t", process, got, held)
			}
		})
	}
	wg.Wait()
	w.ExpectApp(app, `maintenance clock=0 web=0 worker=0 {"holders":["7c4e2a90-3b5d-4f8e-a1c6-d2e3f4a5b6c7"],"maintenance":false,`+
		`"formation":{"clock":1,"web":5,"worker":0}}`)
	for process, want := range map[string]int{"web": 5, "worker": 0, "clock": 1} {
		p, held, err := holder.AfterHold(t.Context(), heroku.Process{AppID: app, Type: process})
		if err != nil || !held || p.Quantity != want {
			t.Errorf("%s has %d behind the hold (%t, %v), want %d", process, p.Quantity, held, err, want)
		}
	}
	// A size is changed at once, because it starts no dynos.
	w.scaled(holder, app, "web", heroku.ProcessUpdate{Size: "standard-2x"})
	if p, err := w.Somebody.ProcessNow(t.Context(), app, "web"); err != nil || p.Size != "Standard-2X" || p.Quantity != 0 {
		t.Errorf("%+v, %v", p, err)
	}
	w.release(holder, oneStore, app)
	w.ExpectApp(app, "open clock=1 web=5 worker=0")
}

func TestScaleProcess_ofAnAppWhoseDynosRun(t *testing.T) {
	t.Parallel()
	w := newHoldTest(t)
	app, holder := w.RunningApp("orders-api"), w.holder()
	if got, held := w.scaled(holder, app, "web", dynos(3)); got != 3 || held {
		t.Errorf("%d dynos, held %t", got, held)
	}
	w.hold(holder, oneStore, replacement.Hold{AppMaintenance: true}, false, app) // stops no dynos
	if got, held := w.scaled(holder, app, "clock", dynos(1)); got != 1 || held {
		t.Errorf("%d dynos, held %t", got, held)
	}
	w.release(holder, oneStore, app)
	w.ExpectApp(app, "open clock=1 web=3 worker=1")
}

// A process type that is not as the caller expects is left alone. The caller sees it as it will be after the hold.
func TestScaleProcess_asksFirst(t *testing.T) {
	t.Parallel()
	w := newHoldTest(t)
	app, holder := w.RunningApp("orders-api"), w.holder()
	w.hold(holder, oneStore, fullHold, false, app)
	before := w.AppState(app)
	var saw heroku.Process
	_, _, err := holder.ScaleProcess(t.Context(), app, "web", dynos(9), func(p heroku.Process) bool {
		saw = p
		return false
	}, nil)
	if err != nil || saw.Quantity != 2 {
		t.Errorf("saw %+v, %v", saw, err)
	}
	w.ExpectApp(app, before)
	w.release(holder, oneStore, app)
	// A process type of an app that was released since it was read has its dynos.
	p, held, err := holder.AfterHold(t.Context(), heroku.Process{AppID: app, Type: "web"})
	if err != nil || held || p.Quantity != 2 {
		t.Errorf("%+v, %t, %v", p, held, err)
	}
	if _, _, err := holder.ScaleProcess(t.Context(), app, "none", dynos(1), nil, nil); !heroku.IsNotFound(err) {
		t.Error(err)
	}
}
