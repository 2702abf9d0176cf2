// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/acctest"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/sandbox"
)

// The Data API answers for a store that is gone as for one that it does not know yet, and is not asked about it.
func TestAccInstance_goneStoreIsNotAskedAbout(t *testing.T) {
	t.Parallel()
	sb := acctest.Start(t)
	someone := sb.Client(t)
	path := ""
	acctest.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: sb.Factories(),
		CheckDestroy:             sb.NothingLeft(),
		Steps: []resource.TestStep{
			{Config: appAndStore("premium-0")},
			{
				PreConfig: func() {
					addOn := mustFind(t, someone, "orders-cache")
					path = string(addOn.ID)
					if err := someone.DeleteAddOn(t.Context(), addOn.AppID, addOn.ID); err != nil {
						t.Fatal(err)
					}
					sb.ResetJournal()
				},
				Config:             appAndStore("premium-0"),
				PlanOnly:           true,
				ExpectNonEmptyPlan: true,
			},
		},
	})
	if asked := sb.Requests("GET", "/redis/v0/databases/"+path); len(asked) != 0 {
		t.Errorf("the Data API was asked %d times about the store", len(asked))
	}
}

// However many stores are ordered on an app, and however long that takes, it is read once.
func TestLongInstance_readsItsAppOnce(t *testing.T) {
	t.Parallel()
	sb := acctest.Start(t, func(o *sandbox.Options) { o.Engine = "miniredis" })
	acctest.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: sb.Factories(),
		CheckDestroy:             sb.NothingLeft(),
		Steps: []resource.TestStep{{ // each store takes three minutes: of what was read for the first ten, nothing is fresh any more
			Config: `
resource "kvs_app" "web" {
  name = "orders-web"
}

resource "kvs_instance" "cache" {
  count               = 25
  app_id              = kvs_app.web.id
  plan                = "premium-0"
  name                = "orders-cache-${count.index}"
  deletion_protection = false
}
`,
		}},
	})
	orders := sb.Requests("POST", "/apps/[^/]+/addons")
	if len(orders) != 25 {
		t.Fatalf("%d stores were ordered", len(orders))
	}
	for _, read := range sb.Requests("GET", "/apps(/[^/]+)?") {
		if read.Seq > orders[9].Seq && read.Seq < orders[24].Seq { // the first ten ask at the same time
			t.Errorf("%s was read again at %s", read.Path, read.Time)
		}
	}
}
