// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"maps"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/compare"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/acctest"
)

// twoApps have one store: it belongs to the app that is given, and both are attached to it.
func twoApps(owner, plan string, settings string) string {
	return `
resource "kvs_app" "web" {
  name = "orders-web"
}

resource "kvs_app" "api" {
  name = "orders-api"
}

resource "kvs_instance" "cache" {
  app_id              = kvs_app.` + owner + `.id
  plan                = "` + plan + `"
  name                = "orders-cache"
  attachment_name     = "REDIS"
  deletion_protection = false
  ` + settings + `
}

resource "kvs_attachment" "api" {
  app_id      = kvs_app.api.id
  instance_id = kvs_instance.cache.id
  name        = "SHARED"
}
`
}

// A store moves to another app with its keys, its settings, its name and its attachments.
func TestLongInstance_otherApp(t *testing.T) {
	t.Parallel()
	sb := acctest.Start(t)
	another := statecheck.CompareValue(compare.ValuesDiffer())
	acctest.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: sb.Factories(),
		CheckDestroy:             sb.NothingLeft(),
		Steps: []resource.TestStep{
			{ // one app owns the store, another one uses it
				Config:            twoApps("web", "premium-0", `maxmemory_policy = "volatile-lru"`),
				ConfigStateChecks: []statecheck.StateCheck{another.AddStateValue(store, tfjsonpath.New("id"))},
				PostApplyFunc: func() {
					if err := sb.Redis(t, "orders-cache").Set(t.Context(), "greeting", "hello", 0).Err(); err != nil {
						t.Error(err)
					}
				},
			},
			{ // the other one becomes the owner: in place, by a fork
				Config: twoApps("api", "premium-1", `maxmemory_policy = "volatile-lru"`),
				ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
					plancheck.ExpectResourceAction(store, plancheck.ResourceActionUpdate),
					plancheck.ExpectUnknownValue(store, tfjsonpath.New("id")),
					plancheck.ExpectResourceAction("kvs_attachment.api", plancheck.ResourceActionUpdate),
				}},
				ConfigStateChecks: []statecheck.StateCheck{
					another.AddStateValue(store, tfjsonpath.New("id")),
					storeHas("name", knownvalue.StringExact("orders-cache")),
					storeHas("plan", knownvalue.StringExact("premium-1")),
					storeHas("maxmemory_policy", knownvalue.StringExact("volatile-lru")),
					storeHas("retired_instance_id", knownvalue.Null()),
					storeHas("config_vars", knownvalue.SetExact([]knownvalue.Check{knownvalue.StringExact("REDIS_URL")})),
				},
				PostApplyFunc: func() {
					if got, err := sb.Redis(t, "orders-cache").Get(t.Context(), "greeting").Result(); got != "hello" {
						t.Errorf("the key has become %q (%v)", got, err)
					}
					if living := sb.Living(); len(living) != 1 {
						t.Errorf("%d stores live, want the new one: %+v", len(living), living)
					}
				},
			},
		},
	})
}

// intoSpace is the move of Dev Center: an app of the Common Runtime and the app that takes over from it in a space.
func intoSpace(owner, plan, settings string) string {
	return `
resource "kvs_private_space" "prod" {
  name                = "acme-prod"
  team                = "acme"
  deletion_protection = false
}

resource "kvs_app" "web" {
  name = "orders-web"
}

resource "kvs_app" "inside" {
  name     = "orders-inside"
  space_id = kvs_private_space.prod.id
}

resource "kvs_instance" "cache" {
  app_id              = kvs_app.` + owner + `.id
  plan                = "` + plan + `"
  name                = "orders-cache"
  deletion_protection = false
  ` + settings + `
}

resource "kvs_maintenance_window" "cache" {
  instance_id = kvs_instance.cache.id
  day         = "Sunday"
  time        = "02:30"
}
`
}

// A premium store moves into a Private Space, where nobody outside can count its keys: the old one is kept until told.
func TestAccInstance_premiumToPrivate(t *testing.T) {
	t.Parallel()
	sb := acctest.Start(t)
	acctest.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: sb.Factories(),
		CheckDestroy:             sb.NothingLeft(),
		Steps: []resource.TestStep{
			{
				Config: intoSpace("web", "premium-0", ""),
				PostApplyFunc: func() {
					if err := sb.Redis(t, "orders-cache").Set(t.Context(), "greeting", "hello", 0).Err(); err != nil {
						t.Error(err)
					}
				},
			},
			{ // both the app and the plan change
				Config:           intoSpace("inside", "private-7", ""),
				ConfigPlanChecks: planned(plancheck.ResourceActionUpdate),
				ConfigStateChecks: []statecheck.StateCheck{
					storeHas("name", knownvalue.StringExact("orders-cache")),
					storeHas("attachment_name", knownvalue.StringExact("REDIS")),
					storeHas("config_vars", knownvalue.SetExact([]knownvalue.Check{knownvalue.StringExact("REDIS_URL")})),
					storeHas("retired_instance_id", knownvalue.NotNull()),
					statecheck.ExpectKnownValue("kvs_maintenance_window.cache", tfjsonpath.New("window"),
						knownvalue.StringExact("Sundays 02:30 to 06:30 UTC")),
				},
				PostApplyFunc: func() {
					inside := sb.RedisFrom(t, "orders-inside", "orders-cache")
					if got, err := inside.Get(t.Context(), "greeting").Result(); got != "hello" {
						t.Errorf("the key has become %q (%v)", got, err)
					}
					if got, err := sb.Redis(t, sb.Living()[1].Name).Get(t.Context(), "greeting").Result(); got != "hello" {
						t.Errorf("the kept store has %q (%v)", got, err)
					}
				},
			},
			{ // which is the whole of it
				Config:           intoSpace("inside", "private-7", ""),
				ConfigPlanChecks: noChange,
			},
			{ // the old one goes when the configuration says so
				Config:            intoSpace("inside", "private-7", `migration = { retire = "always" }`),
				ConfigPlanChecks:  planned(plancheck.ResourceActionUpdate),
				ConfigStateChecks: []statecheck.StateCheck{storeHas("retired_instance_id", knownvalue.Null())},
				PostApplyFunc: func() {
					if living := sb.Living(); len(living) != 2 {
						t.Errorf("%+v live, want the space and the new store", living)
					}
				},
			},
		},
	})
}

// Apps are held while their store changes hands, and are what they were afterwards.
func TestLongInstance_heldApps(t *testing.T) {
	t.Parallel()
	sb := acctest.Start(t)
	held := `migration = { app_maintenance = true, scale_down = true }`
	acctest.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: sb.Factories(),
		CheckDestroy:             sb.NothingLeft(),
		Steps: []resource.TestStep{
			{
				Config: twoApps("web", "premium-0", held),
				PostApplyFunc: func() {
					web := mustFindApp(t, sb.Client(t), "orders-web")
					if err := sb.Client(t).Scale(t.Context(), web.ID, map[string]int{"web": 3, "worker": 2}); err != nil {
						t.Fatal(err)
					}
					sb.ResetJournal()
				},
			},
			{
				Config: twoApps("api", "premium-1", held),
				PostApplyFunc: func() {
					expectScale(t, sb, "orders-web", map[string]int{"web": 3, "worker": 2})
					expectScale(t, sb, "orders-api", map[string]int{"web": 1, "worker": 1})
					off, order, point, on := firstSeq(sb, "PATCH", "/apps/[^/]*/formation"),
						firstSeq(sb, "POST", "/apps/.*/addons"), firstSeq(sb, "POST", "/addon-attachments"),
						lastSeq(sb, "PATCH", "/apps/[^/]*/formation")
					if point > off || off > order || order > on {
						t.Errorf("the old store was marked at %d, apps were scaled down at %d and up at %d, the new "+
							"store was ordered at %d", point, off, on, order)
					}
				},
			},
		},
	})
}

// expectScale also wants the app to serve again, with no memo of the hold left.
func expectScale(t *testing.T, sb *acctest.Sandbox, name string, want map[string]int) {
	t.Helper()
	app := mustFindApp(t, sb.Client(t), name)
	if app.Maintenance {
		t.Errorf("%s is in maintenance mode", name)
	}
	processes, err := sb.Client(t).Formation(t.Context(), app.ID)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]int{}
	for _, process := range processes {
		got[process.Type] = process.Quantity
	}
	if !maps.Equal(got, want) {
		t.Errorf("%s has %v, want %v", name, got, want)
	}
	if _, set, err := sb.Client(t).ConfigVar(t.Context(), app.ID, "KVS_MIGRATION"); set || err != nil {
		t.Errorf("%s still has the memo (%v)", name, err)
	}
}

func firstSeq(sb *acctest.Sandbox, method, path string) int {
	if found := sb.Requests(method, path); len(found) > 0 {
		return int(found[0].Seq)
	}
	return -1
}

func lastSeq(sb *acctest.Sandbox, method, path string) int {
	if found := sb.Requests(method, path); len(found) > 0 {
		return int(found[len(found)-1].Seq)
	}
	return -1
}

// An owner that is known only after apply is no error: if it turns out to be another app, the store moves there.
func TestLongInstance_unknownApp(t *testing.T) {
	t.Parallel()
	sb := acctest.Start(t)
	owned := func(owner string) string {
		return `
resource "terraform_data" "owner" {
  input = kvs_app.` + owner + `.id
}
` + strings.Replace(twoApps("web", "premium-0", ""), "app_id              = kvs_app.web.id",
			"app_id              = terraform_data.owner.output", 1)
	}
	acctest.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: sb.Factories(),
		CheckDestroy:             sb.NothingLeft(),
		Steps: []resource.TestStep{
			{
				Config: owned("web"),
				PostApplyFunc: func() {
					if err := sb.Redis(t, "orders-cache").Set(t.Context(), "greeting", "hello", 0).Err(); err != nil {
						t.Error(err)
					}
				},
			},
			{
				Config: owned("api"),
				ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
					plancheck.ExpectResourceAction(store, plancheck.ResourceActionUpdate),
					plancheck.ExpectUnknownValue(store, tfjsonpath.New("app_id")),
				}},
				PostApplyFunc: func() {
					if got, err := sb.Redis(t, "orders-cache").Get(t.Context(), "greeting").Result(); got != "hello" {
						t.Errorf("the key has become %q (%v)", got, err)
					}
					if owner := mustFind(t, sb.Client(t), "orders-cache").AppName; owner != "orders-api" {
						t.Errorf("it belongs to %s, want orders-api", owner)
					}
				},
			},
			{Config: owned("api"), ConfigPlanChecks: noChange},
		},
	})
}
