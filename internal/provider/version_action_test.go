// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"strings"
	"testing"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/sandbox"
)

const upgradeVersion = "kvs_upgrade_version"

func (w keptWorld) version() string {
	w.Apps.Helper()
	store, err := w.Somebody.WaitStoreAvailable(w.Apps.Context(), w.store, "", 0)
	if err != nil {
		w.Apps.Fatal(err)
	}
	return store.Version
}

func TestUpgradeVersion_now(t *testing.T) {
	t.Parallel()
	w := newKeptWorld(t, "premium-0")
	given := w.about(values{"version": "8.0", "when": "now", "app_maintenance": true, "scale_down": true})
	w.invoke(upgradeVersion, given).succeeded(
		"step 1 of 7, ordering the upgrade", "ordered, from version", "waiting for the maintenance to be ready: preparing",
		"keeping the apps still", "running the maintenance: running", "putting the apps back",
		"step 7 of 7, checking the version: the store runs version 8.0.2",
	)
	w.expectBoth(running)
	if got := w.version(); !strings.HasPrefix(got, "8.0") {
		t.Errorf("the store runs %s", got)
	}
	w.invoke(upgradeVersion, given).succeeded("already")
	w.invoke(upgradeVersion, w.about(values{"version": "7.2", "when": "now"})).succeeded("already")
	if orders := w.Requests("POST", ".*/upgrade"); len(orders) != 1 {
		t.Errorf("%d upgrades were ordered, want 1", len(orders))
	}
}

func TestUpgradeVersion_inTheWindow(t *testing.T) {
	t.Parallel()
	w := newKeptWorld(t, "premium-0")
	given := w.about(values{"version": "8.0"})
	w.invoke(upgradeVersion, given).succeeded("ordered, from version", "it runs in the maintenance window, at 2026-01-")
	if status := w.status(); status != "ready" {
		t.Errorf("the maintenance is %s", status)
	}
	// invoked again, it is not ordered twice
	w.invoke(upgradeVersion, given).succeeded("it runs in the maintenance window, at 2026-01-")
	if orders := w.Requests("POST", ".*/upgrade"); len(orders) != 1 {
		t.Errorf("%d upgrades were ordered, want 1", len(orders))
	}
	// and run at last
	w.invoke(upgradeVersion, w.about(values{"version": "8.0", "when": "now"})).failed("An app is not in maintenance mode")
	w.invoke(upgradeVersion, w.about(values{"version": "8.0", "when": "now",
		"confirm": "orders-web"})).succeeded("the store runs version 8.0.2")
}

func TestUpgradeVersion_refusesAnAppThatIsInUseBeforeItIsOrdered(t *testing.T) {
	t.Parallel()
	w := newKeptWorld(t, "premium-0")
	w.invoke(upgradeVersion, w.about(values{"version": "8.0",
		"when": "now"})).failed("An app is not in maintenance mode", "orders-api, orders-web")
	if orders := w.Requests("POST", ".*/upgrade"); len(orders) != 0 {
		t.Error(orders)
	}
}

func TestUpgradeVersion_refusedByHeroku(t *testing.T) {
	t.Parallel()
	w := newKeptWorld(t, "premium-0")
	w.invoke(upgradeVersion, w.about(values{"version": "99.1"})).failed("Unable to upgrade the version", `99.1\" is not available`)
	w.require()
	w.invoke(upgradeVersion, w.about(values{"version": "8.0"})).failed("Unable to upgrade the version", "has a maintenance already")
}

func TestUpgradeVersion_ofAMini(t *testing.T) {
	t.Parallel()
	w := newKeptWorld(t, "mini")
	w.invoke(upgradeVersion, w.about(values{"version": "8.0"})).failed("accept_data_loss",
		"Upgrading a mini loses its data", "orders-cache")
	if orders := w.Requests("POST", ".*/upgrade"); len(orders) != 0 {
		t.Error(orders)
	}
	w.invoke(upgradeVersion, w.about(values{"version": "8.0", "accept_data_loss": true})).succeeded("the store runs version 8.0.2")
}

func TestUpgradeVersion_interrupted(t *testing.T) {
	t.Parallel()
	for _, at := range []string{
		"ordering the upgrade", "ordered, from version", "waiting for the maintenance to be ready: preparing",
		"keeping the apps still", "running the maintenance: running", "checking the version",
	} {
		t.Run(at, func(t *testing.T) {
			t.Parallel()
			w := newKeptWorld(t, "premium-0", slowly)
			given := w.about(values{"version": "8.0", "when": "now", "app_maintenance": true, "scale_down": true})
			w.invokeUntil(at, upgradeVersion, given)
			w.expectBoth(running)
			w.invoke(upgradeVersion, given).succeeded()
			w.expectBoth(running)
			if got := w.version(); !strings.HasPrefix(got, "8.0") {
				t.Errorf("the store runs %s", got)
			}
			if m, err := w.Somebody.MaintenanceHistory(t.Context(), w.store, heroku.MaxMaintenanceHistory); err != nil || len(m) != 1 {
				t.Errorf("%d upgrades, %v; want 1", len(m), err)
			}
		})
	}
}

func TestUpgradeVersion_lostAnswer(t *testing.T) {
	t.Parallel()
	for name, effect := range map[string]sandbox.Effect{"after it was ordered": {Commit: true, Reset: true},
		"before it was ordered": {Reset: true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newKeptWorld(t, "premium-0")
			w.Inject(sandbox.Fault{Match: sandbox.Match{Method: "POST", Path: "/redis/v0/databases/*/upgrade", Times: 1}, Do: effect})
			w.invoke(upgradeVersion, w.about(values{"version": "8.0", "when": "now",
				"confirm": "orders-web"})).succeeded("the store runs version 8.0.2")
		})
	}
}
