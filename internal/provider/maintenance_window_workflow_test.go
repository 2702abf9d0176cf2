// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"fmt"
	"testing"
)

func TestLongMaintenanceWindow_twoOwners(t *testing.T) {
	t.Parallel()
	second := func(day string) string {
		return fmt.Sprintf("\nresource \"kvs_maintenance_window\" \"team\" {\n  instance_id = kvs_instance.cache.id\n "+
			" day         = %q\n  time        = \"22:30\"\n}\n", day)
	}
	_, cli := workflow(t, windowOf("premium-0", "Monday", "22:30"))
	cli.Apply()
	// two that disagree would undo each other at every apply
	cli.Configure(windowOf("premium-0", "Monday", "22:30") + second("Tuesday"))
	expectSays(t, planOf(cli), "Two resources own the maintenance window of one store",
		"Mondays 22:30 to Tuesdays 02:30 UTC", "Tuesdays 22:30 to Wednesdays 02:30 UTC")
	// two that agree do no harm
	cli.Configure(windowOf("premium-0", "Monday", "22:30") + second("mon"))
	cli.Apply()
	expectSettled(t, cli)
}

func TestLongMaintenanceWindow_unknownIsNotChanged(t *testing.T) {
	t.Parallel()
	behind := func(day, release string) string {
		return appAndStore("premium-0") + fmt.Sprintf(`
resource "terraform_data" "later" {
  input            = { day = %q, store = kvs_instance.cache.id }
  triggers_replace = %q
}

resource "kvs_maintenance_window" "cache" {
  instance_id = terraform_data.later.output.store
  day         = terraform_data.later.output.day
  time        = "22:30"
}
`, day, release)
	}
	sb, cli := workflow(t, behind("Monday", "1"))
	cli.Apply()
	cli.Configure(behind("Monday", "2"))
	sb.ResetJournal()
	cli.Apply()
	unwritten(t, sb)
	expectSettled(t, cli)
	cli.Configure(behind("Friday", "3"))
	cli.Apply()
	if got := windowOn(t, sb.Client(t)); got != "Fridays 22:30 to Saturdays 02:30 UTC" {
		t.Errorf("Heroku has %q", got)
	}
}

func TestLongMaintenanceWindow_savedPlan(t *testing.T) {
	t.Parallel()
	sb, cli := workflow(t, windowOf("premium-0", "Monday", "22:30"))
	cli.Apply()
	cli.Configure(windowOf("premium-0", "Friday", "22:30"))
	if plan := cli.Run("plan", "-input=false", "-no-color", "-out=approved"); plan.Code != 0 {
		t.Fatal(plan.Output())
	}
	someone := sb.Client(t)
	if _, err := someone.SetMaintenanceWindow(t.Context(), mustFind(t, someone, "orders-cache").ID, "sunday", "06:00"); err != nil {
		t.Fatal(err)
	}
	expectFailed(t, cli.Run("apply", "-input=false", "-no-color", "approved"),
		"The maintenance window has changed since the plan was made", "is Sundays 06:00 to 10:00 UTC now")
	if got := windowOn(t, someone); got != "Sundays 06:00 to 10:00 UTC" {
		t.Errorf("Heroku has %q", got)
	}
	cli.Apply()
}
