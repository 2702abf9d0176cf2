// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/acctest"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/sandbox"
)

// A plan with many stores costs one Data API call for each and a handful of lists.
func TestLongInstance_requestsAtScale(t *testing.T) {
	t.Parallel()
	const n = 60
	sb := acctest.Start(t, func(o *sandbox.Options) { o.Engine = "miniredis" })
	estate := fmt.Sprintf(`
resource "kvs_app" "web" {
  count = %[1]d
  name  = "orders-web-${count.index}"
}

resource "kvs_instance" "cache" {
  count               = %[1]d
  app_id              = kvs_app.web[count.index].id
  plan                = "premium-0"
  deletion_protection = false
}

resource "kvs_attachment" "cache" {
  count       = %[1]d
  app_id      = kvs_app.web[count.index].id
  instance_id = kvs_instance.cache[count.index].id
  name        = "SHARED"
}
`, n)
	acctest.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: sb.Factories(),
		CheckDestroy:             sb.NothingLeft(),
		Steps: []resource.TestStep{
			{Config: estate},
			{ // plans that change nothing, counted below
				PreConfig:        func() { sb.ResetJournal() },
				Config:           estate,
				ConfigPlanChecks: noChange,
			},
		},
	})

	// Each takes three minutes: one after another no two would be ordered within that time.
	if together := mostWithin(sb.Ledger().Objects, 3*time.Minute); together < 5 {
		t.Errorf("at most %d stores were being provisioned at the same time, want the ten that Terraform creates at once or nearly so", together)
	}
	expectRefresh(t, sb, n, n+10)
}

// mostWithin is the largest number of objects that were ordered within a time of each other.
func mostWithin(objects []sandbox.LedgerEntry, d time.Duration) int {
	most := 0
	for i := range objects {
		j := i
		for j < len(objects) && objects[j].CreatedAt.Sub(objects[i].CreatedAt) < d {
			j++
		}
		most = max(most, j-i)
	}
	return most
}

// A plan with many spaces costs two requests for each, its addresses and its ranges, and a handful of lists.
func TestLongPrivateSpace_requestsAtScale(t *testing.T) {
	t.Parallel()
	const spaces, apps = 10, 20
	sb := acctest.Start(t)
	estate := fmt.Sprintf(`
resource "kvs_private_space" "prod" {
  count               = %[1]d
  name                = "acme-prod-${count.index}"
  team                = "acme"
  deletion_protection = false
}

resource "kvs_trusted_ip_ranges" "prod" {
  count    = %[1]d
  space_id = kvs_private_space.prod[count.index].id
  ranges   = { for i in range(20) : "192.0.2.${i}/32" => {} }
}

resource "kvs_app" "web" {
  count    = %[2]d
  name     = "orders-web-${count.index}"
  space_id = kvs_private_space.prod[count.index %% %[1]d].id
}
`, spaces, apps)
	acctest.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: sb.Factories(),
		CheckDestroy:             sb.NothingLeft(),
		Steps: []resource.TestStep{
			{Config: estate},
			{ // plans that change nothing, counted below
				PreConfig:        func() { sb.ResetJournal() },
				Config:           estate,
				ConfigPlanChecks: noChange,
			},
		},
	})
	expectRefresh(t, sb, 2*spaces, 10+2*spaces)
}

// expectRefresh counts the requests of each command that only read, and fails unless there was one.
func expectRefresh(t *testing.T, sb *acctest.Sandbox, least, most int) {
	t.Helper()
	refreshes := 0
	for _, command := range sb.Commands() {
		if len(command) < least || slices.ContainsFunc(command, func(r sandbox.Request) bool { return r.Method != "GET" }) {
			continue
		}
		refreshes++
		if len(command) > most {
			t.Errorf("a refresh took %d requests, want at most %d", len(command), most)
		}
	}
	if refreshes == 0 {
		t.Error("no refresh was seen, so nothing was counted")
	}
}
