// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/acctest"
)

// While a store is replaced, its apps have no dynos. That is no drift, nothing starts one, and what the configuration says meanwhile is
// what they have afterwards.
func TestAccFormation_held(t *testing.T) {
	t.Parallel()
	dynos := func(web string) string {
		return formationBlock("web", "web", "quantity = "+web) + formationBlock("worker", "worker", "quantity = 2")
	}
	before, after := twoApps("web", "premium-0", heldStill), twoApps("api", "premium-1", heldStill)
	l := newLab(t, before+dynos("3"))
	l.mustApply(before + dynos("3"))
	apps := l.Apps(t)
	web := mustFindApp(t, l.client, "orders-web").ID
	apps.ExpectApp(web, "open web=3 worker=2")
	// the replacement is interrupted, and the apps are held
	l.cli.Configure(after + dynos("3"))
	if result := l.apply(mishap{kind: crashed, of: attaching, write: 3}); result.Code == 0 {
		t.Fatalf("the apply survived its provider:\n%s", result.Output())
	}
	expectHeld := func() {
		t.Helper()
		if state := apps.AppState(web); !strings.HasPrefix(state, "maintenance web=0 worker=0 {") {
			t.Errorf("the app is %s, want it held", state)
		}
	}
	expectHeld()
	// a refresh finds no drift, and an apply starts nothing
	l.ResetJournal()
	only := []string{"-target=kvs_formation.web", "-target=kvs_formation.worker"}
	if plan := l.run(mishap{}, append([]string{"plan", "-detailed-exitcode", "-input=false", "-no-color"}, only...)...); plan.Code != 0 {
		t.Errorf("the plan exited %d:\n%s", plan.Code, plan.Output())
	}
	if refreshed := l.run(mishap{}, "apply", "-refresh-only", "-auto-approve", "-input=false", "-no-color"); refreshed.Code != 0 {
		t.Errorf("the refresh exited %d:\n%s", refreshed.Code, refreshed.Output())
	}
	if object, _ := l.cli.Object("kvs_formation.web"); fmt.Sprint(object.Attributes["quantity"]) != "3" {
		t.Errorf("the state has %v", object.Attributes)
	}
	if plan := l.plan(); plan.Code != 2 || strings.Contains(plan.Output(), "kvs_formation.web will be") {
		t.Errorf("the plan exited %d:\n%s", plan.Code, plan.Output())
	}
	expectHeld()
	// an import knows as much
	beside := l.CLI(t, formationApp+dynos("3"))
	beside.Run("import", "kvs_app.web", "orders-web")
	if imported := beside.Run("import", "kvs_formation.web", "orders-web:web"); imported.Code != 0 {
		t.Errorf("the import exited %d:\n%s", imported.Code, imported.Output())
	}
	if object, _ := beside.Object("kvs_formation.web"); fmt.Sprint(object.Attributes["quantity"]) != "3" {
		t.Errorf("the import has %v", object.Attributes)
	}
	// another quantity is for afterwards; another size can come at once
	l.cli.Configure(after + formationBlock("web", "web", "quantity = 4", `size = "Standard-2X"`) +
		formationBlock("worker", "worker", "quantity = 0"))
	said := l.apply(mishap{}, only...)
	if said.Code != 0 || !acctest.Says("The dynos start when the app is released").MatchString(said.Output()) {
		t.Errorf("the apply exited %d:\n%s", said.Code, said.Output())
	}
	expectHeld()
	expectDynos(t, l.client, "web", "0 Standard-2X")
	if plan := l.run(mishap{}, append([]string{"plan", "-detailed-exitcode", "-input=false", "-no-color"}, only...)...); plan.Code != 0 {
		t.Errorf("the plan after it exited %d:\n%s", plan.Code, plan.Output())
	}
	// the end of the replacement brings them back
	if result := l.apply(mishap{}); result.Code != 0 {
		t.Fatalf("the apply exited %d:\n%s", result.Code, result.Output())
	}
	apps.ExpectApp(web, "open web=4 worker=0")
	l.expectNoChanges()
	// and from then on none is drift again
	scales(t, l.Sandbox, "web", `{"quantity":0}`)
	if plan := l.plan(); plan.Code != 2 || !strings.Contains(plan.Output(), "kvs_formation.web will be updated in-place") {
		t.Errorf("the plan exited %d:\n%s", plan.Code, plan.Output())
	}
}

// What the config var says of a held app is not guessed at.
func TestAccFormation_unreadableHold(t *testing.T) {
	t.Parallel()
	sb, cli := workflow(t, formationOf("quantity = 2"))
	cli.Apply()
	scales(t, sb, "web", `{"quantity":0}`)
	byHand(t, sb, "PATCH", "/apps/orders-web/config-vars", `{"KVS_MIGRATION":"by hand"}`)
	plan := cli.Run("plan", "-input=false", "-no-color")
	if plan.Code != 1 {
		t.Errorf("the plan exited %d", plan.Code)
	}
	expectSays(t, plan.Output(), "Unable to read the process type", "cannot be understood", "heroku config:unset KVS_MIGRATION -a orders-web")
}
