// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"fmt"
	"regexp"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/acctest"
)

func runs(version string) statecheck.StateCheck {
	return storeHas("version_actual", knownvalue.StringRegexp(regexp.MustCompile("^"+regexp.QuoteMeta(version))))
}

func expectUpgrades(t *testing.T, sb *acctest.Sandbox, want int) {
	t.Helper()
	if upgrades := sb.Requests("POST", "/redis/v0/databases/.*/upgrade"); len(upgrades) != want {
		t.Errorf("%d upgrades were ordered, want %d", len(upgrades), want)
	}
}

// A floor is raised: Heroku prepares another server, which takes over at once, with the keys.
func TestAccInstance_version(t *testing.T) {
	t.Parallel()
	sb := acctest.Start(t)
	acctest.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: sb.Factories(),
		CheckDestroy:             sb.NothingLeft(),
		Steps: []resource.TestStep{
			{ // what cannot be a version says what would be one
				Config:      appAndStore("premium-0", `version = "latest"`),
				ExpectError: acctest.Says(`write for example "7.2"`),
			},
			{ // it is a floor: a new store gets the default, which is higher
				Config:            appAndStore("premium-0", `version = "7.0"`),
				ConfigStateChecks: []statecheck.StateCheck{runs("7.2.")},
				PostApplyFunc: func() {
					if err := sb.Redis(t, "orders-cache").Set(t.Context(), "greeting", "hello", 0).Err(); err != nil {
						t.Error(err)
					}
				},
			},
			{ // a higher one upgrades in place
				Config: appAndStore("premium-0", `version = "8.0"`, `migration = { version_upgrade = "now", app_maintenance = true }`),
				ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
					plancheck.ExpectResourceAction(store, plancheck.ResourceActionUpdate),
					plancheck.ExpectUnknownValue(store, tfjsonpath.New("version_actual")),
				}},
				ConfigStateChecks: []statecheck.StateCheck{runs("8.0.")},
				PostApplyFunc: func() {
					if got, err := sb.Redis(t, "orders-cache").Get(t.Context(), "greeting").Result(); got != "hello" {
						t.Errorf("the key has become %q (%v)", got, err)
					}
					expectUpgrades(t, sb, 1)
				},
			},
			{ // a lower floor is met by what runs: nothing goes back
				Config:            appAndStore("premium-0", `version = "7.0"`),
				ConfigStateChecks: []statecheck.StateCheck{runs("8.0.")},
				PostApplyFunc:     func() { expectUpgrades(t, sb, 1) },
			},
			{ // no floor, and one that is met, send nothing
				Config:            appAndStore("premium-0"),
				ConfigStateChecks: []statecheck.StateCheck{runs("8.0.")},
			},
			{
				Config:            appAndStore("premium-0", `version = "7.0"`),
				ConfigStateChecks: []statecheck.StateCheck{runs("8.0.")},
				PostApplyFunc:     func() { expectUpgrades(t, sb, 1) },
			},
		},
	})
}

// An upgrade that is left for the window is no change until the window has come.
func TestLongInstance_versionInWindow(t *testing.T) {
	t.Parallel()
	sb := acctest.Start(t)
	floor := []string{`version = "8.0"`}
	acctest.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: sb.Factories(),
		CheckDestroy:             sb.NothingLeft(),
		Steps: []resource.TestStep{
			{Config: appAndStore("premium-0", `version = "7.0"`)},
			{ // the apply waits until the upgrade is prepared, and no longer
				Config:            appAndStore("premium-0", floor...),
				ConfigStateChecks: []statecheck.StateCheck{runs("7.2.")},
			},
			{ // nothing is left to do
				Config:           appAndStore("premium-0", floor...),
				ConfigPlanChecks: noChange,
			},
			{ // the window comes, and Heroku upgrades by itself, which is no change either
				PreConfig:         func() { sb.Clock().Advance(8 * 24 * time.Hour) },
				Config:            appAndStore("premium-0", floor...),
				ConfigPlanChecks:  noChange,
				ConfigStateChecks: []statecheck.StateCheck{runs("8.0.")},
			},
		},
	})
	expectUpgrades(t, sb, 1)
}

// A version that is known only after apply is no error.
func TestLongInstance_unknownVersion(t *testing.T) {
	t.Parallel()
	sb := acctest.Start(t)
	unknown := func(version string) string {
		return fmt.Sprintf("resource \"terraform_data\" \"version\" {\n  input = %q\n}\n", version) +
			appAndStore("premium-0", "version = terraform_data.version.output", `migration = { version_upgrade = "now", app_maintenance = true }`)
	}
	acctest.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: sb.Factories(),
		CheckDestroy:             sb.NothingLeft(),
		Steps: []resource.TestStep{
			{Config: unknown("7.0"), ConfigStateChecks: []statecheck.StateCheck{runs("7.2.")}},
			{Config: unknown("8.0"), ConfigStateChecks: []statecheck.StateCheck{runs("8.0.")}},
		},
	})
}

// Heroku upgraded the store by itself: no diff, and no replacement.
func TestLongInstance_versionByHeroku(t *testing.T) {
	t.Parallel()
	sb := acctest.Start(t)
	floor := appAndStore("premium-0", `version = "7.0"`)
	acctest.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: sb.Factories(),
		CheckDestroy:             sb.NothingLeft(),
		Steps: []resource.TestStep{
			{Config: floor},
			{
				PreConfig: func() {
					someone := sb.Client(t)
					if err := someone.UpgradeStore(t.Context(), mustFind(t, someone, "orders-cache").ID, "8.0"); err != nil {
						t.Fatal(err)
					}
					sb.Clock().Advance(8 * 24 * time.Hour)
				},
				Config:            floor,
				ConfigPlanChecks:  noChange,
				ConfigStateChecks: []statecheck.StateCheck{runs("8.0.")},
			},
		},
	})
}

// A floor that is taken back cancels no upgrade, and a floor that nothing reaches is said to be one: by the plan.
func TestVersion_saidWhilePlanning(t *testing.T) {
	t.Parallel()
	f, _, store, of := aStore(t, values{"version": "7.2"})
	f.command()
	store.plans(but(of, "version", "9.9"))
	f.mustSay("No announced version is as new as that", "acme-cache", "at least version 9.9", "7.2 (default)", "Version 9.9 is ordered")
	store.apply(but(of, "version", "8.0"))
	f.mustSucceed()
	for _, lower := range []any{"7.2", nil} {
		f.command()
		store.plans(but(of, "version", lower))
		f.mustSay("The upgrade that was ordered goes on", "acme-cache", `for version = "8.0"`, "does not cancel it", "Heroku Support")
	}
	store.apply(of)
	f.mustSay("The upgrade that was ordered goes on")
	f.command()
	store.plans(but(of, "timeout", 60))
	if len(f.said) > 0 {
		t.Errorf("a change of something else says %q", summariesOf(f.said))
	}
}
