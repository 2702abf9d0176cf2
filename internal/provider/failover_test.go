// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-testing/compare"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/acctest"
)

// withURL shows the URL that kvs_credentials reads.
func withURL(config string) string {
	return config + `
ephemeral "kvs_credentials" "cache" {
  instance_id = kvs_instance.cache.id
}

provider "echo" {
  data = ephemeral.kvs_credentials.cache.url
}

resource "echo" "shown" {}
`
}

// A store fails over: the same store, no change, and whoever reads its credentials next gets the new ones.
func TestAccInstance_failover(t *testing.T) {
	t.Parallel()
	sb := acctest.Start(t)
	sameID := statecheck.CompareValue(compare.ValuesSame())
	anotherURL := statecheck.CompareValue(compare.ValuesDiffer())
	acctest.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: withEcho(sb),
		CheckDestroy:             sb.NothingLeft(),
		Steps: []resource.TestStep{
			{
				Config: withURL(appAndStore("premium-0")),
				ConfigStateChecks: []statecheck.StateCheck{
					sameID.AddStateValue(store, tfjsonpath.New("id")),
					anotherURL.AddStateValue("echo.shown", tfjsonpath.New("data")),
				},
				PostApplyFunc: func() {
					if err := sb.Redis(t, "orders-cache").Set(t.Context(), "greeting", "hello", 0).Err(); err != nil {
						t.Error(err)
					}
				},
			},
			{ // nothing is to be done about it
				PreConfig: func() {
					if err := sb.FailOver("orders-cache"); err != nil {
						t.Fatal(err)
					}
					sb.Clock().Advance(time.Hour)
				},
				Config:           appAndStore("premium-0"),
				ConfigPlanChecks: planned(plancheck.ResourceActionNoop),
				PostApplyFunc: func() {
					if got, err := sb.Redis(t, "orders-cache").Get(t.Context(), "greeting").Result(); got != "hello" {
						t.Errorf("the key has become %q (%v)", got, err)
					}
				},
			},
			{ // and the new URL is read where it is used
				Config: withURL(appAndStore("premium-0")),
				ConfigStateChecks: []statecheck.StateCheck{
					sameID.AddStateValue(store, tfjsonpath.New("id")),
					anotherURL.AddStateValue("echo.shown", tfjsonpath.New("data")),
				},
			},
		},
	})
}

// A mini has lost its data in a restart: that is its nature, and no change.
func TestAccInstance_miniRestart(t *testing.T) {
	t.Parallel()
	sb := acctest.Start(t)
	acctest.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: sb.Factories(),
		CheckDestroy:             sb.NothingLeft(),
		Steps: []resource.TestStep{
			{
				Config: appAndStore("mini"),
				PostApplyFunc: func() {
					if err := sb.Redis(t, "orders-cache").Set(t.Context(), "greeting", "hello", 0).Err(); err != nil {
						t.Error(err)
					}
				},
			},
			{
				PreConfig: func() {
					if err := sb.Restart("orders-cache"); err != nil {
						t.Fatal(err)
					}
				},
				Config:           appAndStore("mini"),
				ConfigPlanChecks: noChange,
				PostApplyFunc: func() {
					if left, err := sb.Redis(t, "orders-cache").DBSize(t.Context()).Result(); left != 0 || err != nil {
						t.Errorf("%d keys are left (%v), so the restart was none", left, err)
					}
				},
			},
		},
	})
}
