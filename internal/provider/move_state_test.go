// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/acctest"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/sandbox"
)

// formerSecret is in every place of a former state that may hold a secret.
const formerSecret = "canary-7b1d4c9e"

// estate is what two teams have at Heroku, and what the other providers have of it in their state.
type estate struct {
	acctest.Apps
	objects []formerObject
	early   bool
}

// estateStores are the apps of stores, their plans and their eviction policies.
var estateStores = map[string][3]string{
	"orders-cache": {"orders-web", "premium-0", "allkeys-lru"}, "orders-queue": {"orders-web", "premium-1", "noeviction"},
	"orders-sessions": {"orders-api", "premium-0", "volatile-ttl"}, "orders-locks": {"orders-api", "mini", "noeviction"},
	"search-cache": {"search-web", "premium-2", "allkeys-lfu"}, "search-jobs": {"search-jobs", "premium-0", "noeviction"},
	"mail-queue": {"mail-web", "premium-0", "noeviction"}, "mail-limits": {"mail-web", "mini", "noeviction"},
	"admin-sessions": {"admin-web", "premium-0", "noeviction"}, "billing-cache": {"billing-web", "premium-0", "allkeys-lru"},
	"vault-cache": {"vault-web", "private-7", "noeviction"}, "vault-public": {"vault-web", "premium-0", "noeviction"},
}

// estateShared are attachments of stores to other apps, under the name SHARED.
var estateShared = map[string]string{"orders-cache": "search-web", "search-cache": "admin-web", "mail-queue": "billing-web"}

// newEstate makes 8 apps with process types, 12 stores, 3 shared attachments, 10 windows and 2 spaces with a member each.
// With early, every second state is one of
// an early version.
func newEstate(t *testing.T, early bool) *estate {
	t.Helper()
	sb := acctest.Start(t, func(o *sandbox.Options) {
		o.Engine, o.Provisioning, o.Allocation = "miniredis", time.Second, time.Second
	})
	e := &estate{Apps: sb.Apps(t), early: early}
	prod := e.space("acme-prod", false)
	e.add("heroku_space.prod", 0, map[string]any{"id": string(prod.ID), "name": prod.Name, "organization": "acme", "region": prod.Region,
		"shield":       false,
		"outbound_ips": []any{"192.0.2.1"}, "trusted_ip_ranges": []any{"192.0.2.0/24"}})
	vault := e.space("acme-vault", true)
	e.add("herokux_shield_private_space.vault", 0, map[string]any{"id": string(vault.ID), "name": vault.Name, "region": vault.Region,
		"is_shield": true,
		"team_name": "acme", "log_drain": "https://" + formerSecret + "@logs.example.com"})
	e.must2(e.Somebody.SetTrustedRanges(t.Context(), prod.ID, []heroku.Rule{{Action: "allow", Source: "192.0.2.0/24"}, {Action: "allow",
		Source: "198.51.100.7/32"}}))
	e.add("heroku_space_inbound_ruleset.prod", 0, map[string]any{"id": "2f1c6a0e-58b5-4b2c-8a54-11f4ac02f7aa", "space": "acme-prod",
		"rule": []any{map[string]any{"action": "allow", "source": "192.0.2.0/24"}, map[string]any{"action": "allow",
			"source": "198.51.100.7/32"}}})
	e.access(prod, "2f1c6a0e-58b5-4b2c-8a54-11f4ac02f7ab", string(prod.ID))
	e.access(vault, "2f1c6a0e-58b5-4b2c-8a54-11f4ac02f7ab", map[bool]string{true: vault.Name, false: string(vault.ID)}[early])
	apps := map[string]heroku.AppID{}
	stores := map[string]heroku.AddOn{}
	for i, name := range slices.Sorted(maps.Keys(estateStores)) {
		of := estateStores[name]
		if apps[of[0]] == "" {
			apps[of[0]] = e.app(of[0], early && len(apps)%2 == 1)
		}
		stores[name] = e.store(name, apps[of[0]], of, early && i%2 == 1)
	}
	for i, name := range slices.Sorted(maps.Keys(estateShared)) {
		e.shared(stores[name], apps[estateShared[name]], early && i%2 == 1)
	}
	e.add("heroku_formation.web", 0, map[string]any{"id": "a1c3e5f7-0b2d-4f68-8a9c-1e3f5b7d9a0c", "app_id": string(apps["orders-web"]),
		"type": "web", "quantity": 1, "size": "standard-1x"})
	worker := map[string]any{"id": "worker", "type": "worker", "quantity": 1, "size": "Standard-1X"}
	if early {
		worker["app"] = "admin-web"
	} else {
		worker["app_id"] = string(apps["admin-web"])
	}
	e.add("heroku_formation.worker", 0, worker)
	return e
}

func (e *estate) must(err error) {
	e.Helper()
	if err != nil {
		e.Fatal(err)
	}
}

// access lets a member create apps in a space, which the former state has by its id or its name.
func (e *estate) access(space heroku.Space, user, reference string) {
	e.Helper()
	member, err := e.Somebody.SpaceMember(e.Context(), space.ID, plainMember)
	e.must(err)
	e.must2(e.Somebody.SetSpaceMember(e.Context(), member, []string{"create_apps"}))
	e.add("heroku_space_app_access."+strings.TrimPrefix(space.Name, "acme-"), 0, map[string]any{"id": user, "space": reference,
		"email": "Member@acme.example", "permissions": []any{"create_apps"}})
}

// must2 is must for calls of which only the error is wanted.
func (e *estate) must2(_ any, err error) { e.Helper(); e.must(err) }

func (e *estate) add(address string, version int, attributes map[string]any) {
	e.objects = append(e.objects, formerObject{address, version, attributes})
}

func (e *estate) space(name string, shield bool) heroku.Space {
	e.Helper()
	space, err := e.Somebody.CreateSpace(e.Context(), heroku.SpaceCreate{Name: name, Team: "acme", Region: "virginia", Shield: shield})
	e.must(err)
	space, err = e.Somebody.WaitSpaceAllocated(e.Context(), space.ID, aWhile)
	e.must(err)
	return space
}

func (e *estate) app(name string, early bool) heroku.AppID {
	e.Helper()
	order := heroku.AppCreate{Name: name, Team: "acme"}
	if name == "vault-web" {
		order.Space = "acme-prod"
	}
	app, err := e.Somebody.CreateApp(e.Context(), order)
	e.must(err)
	attributes := map[string]any{"id": string(app.ID), "uuid": string(app.ID), "name": name, "region": app.Region, "space": order.Space,
		"organization":          []any{map[string]any{"name": "acme", "locked": false, "personal": false}},
		"all_config_vars":       map[string]any{"REDIS_URL": "rediss://:" + formerSecret + "@host:1"},
		"sensitive_config_vars": map[string]any{"KEY": formerSecret}}
	if early || e.early && name == "mail-web" {
		attributes["id"] = name
	}
	if e.early && name == "mail-web" {
		delete(attributes, "uuid")
	}
	e.add(`heroku_app.app["`+name+`"]`, map[bool]int{true: 0, false: 1}[early], attributes)
	return app.ID
}

func (e *estate) store(name string, app heroku.AppID, of [3]string, early bool) heroku.AddOn {
	e.Helper()
	ctx := e.Context()
	order := heroku.AddOnCreate{Plan: "heroku-redis:" + of[1], Name: name}
	if name == "vault-public" {
		order.Confirm = of[0]
	}
	addOn, err := e.Somebody.CreateAddOn(ctx, app, order)
	e.must(err)
	addOn, err = e.Somebody.WaitAddOnProvisioned(ctx, addOn.ID, aWhile)
	e.must(err)
	e.must2(e.Somebody.WaitStoreAvailable(ctx, addOn.ID, "", aWhile))
	e.must(e.Somebody.UpdateStoreConfig(ctx, addOn.ID, heroku.StoreConfigUpdate{MaxmemoryPolicy: &of[2]}))
	attributes := map[string]any{"id": string(addOn.ID), "app_id": string(app), "name": name, "plan": "heroku-redis:" + of[1],
		"provider_id":       "p-1",
		"config":            map[string]any{"maxmemory_policy": of[2], "fork": "rediss://:" + formerSecret + "@host:1", "version": "7.0"},
		"config_vars":       []any{"REDIS_URL"},
		"config_var_values": map[string]any{"REDIS_URL": "rediss://:" + formerSecret + "@host:1"}}
	version := 3
	if early {
		version = 0
		maps.Copy(attributes, map[string]any{"id": name, "app": of[0], "plan": "heroku-redis", "config": []any{attributes["config"]}})
		delete(attributes, "app_id")
	}
	e.add(`heroku_addon.store["`+name+`"]`, version, attributes)
	if of[1] != "mini" {
		e.must2(e.Somebody.SetMaintenanceWindow(ctx, addOn.ID, "sunday", "10:30"))
		e.add(`herokux_redis_maintenance_window.window["`+name+`"]`, 0, map[string]any{"id": string(addOn.ID), "redis_id": string(addOn.ID),
			"window": "Sundays 10:30"})
	}
	return addOn
}

func (e *estate) shared(store heroku.AddOn, app heroku.AppID, early bool) {
	e.Helper()
	attachment, err := e.Somebody.CreateAttachment(e.Context(), heroku.AttachmentCreate{AddOn: store.ID, App: app, Name: "SHARED"})
	e.must(err)
	attributes := map[string]any{"id": string(attachment.ID), "app_id": string(app), "addon_id": string(store.ID), "name": "SHARED",
		"namespace": ""}
	version := 1
	if early {
		version = 0
		maps.Copy(attributes, map[string]any{"app_id": attachment.AppName, "addon_id": store.Name})
	}
	e.add(`heroku_addon_attachment.shared["`+store.Name+`"]`, version, attributes)
}

// configuration says the same with the resources of this provider, in other spellings where there are some.
func (e *estate) configuration() string { return e.locals() + estateSpaces + estateApps + estateRest }

func (e *estate) locals() string {
	var stores, shared strings.Builder
	for name, of := range estateStores {
		fmt.Fprintf(&stores, "    %s = { app = %q, plan = \"heroku-redis:%s\", policy = %q }\n", name, of[0], of[1], of[2])
	}
	for store, app := range estateShared {
		fmt.Fprintf(&shared, "    %s = %q\n", store, app)
	}
	return fmt.Sprintf(`
locals {
  stores = {
%s  }
  shared = {
%s  }
}
`, stores.String(), shared.String())
}

const estateSpaces = `
resource "kvs_private_space" "prod" {
  name   = "acme-prod"
  team   = "acme"
  region = "Virginia"
}

resource "kvs_private_space" "vault" {
  name   = "acme-vault"
  team   = "acme"
  shield = true
}

resource "kvs_trusted_ip_ranges" "prod" {
  space_id = kvs_private_space.prod.id
  ranges   = { for range in ["192.0.2.0/24", "198.51.100.7/32"] : range => {} }
}

resource "kvs_space_app_access" "prod" {
  space_id = kvs_private_space.prod.id
  email    = "member@acme.example"
}

resource "kvs_space_app_access" "vault" {
  space_id = kvs_private_space.vault.id
  email    = "MEMBER@acme.example"
}

`

const estateApps = `
resource "kvs_app" "app" {
  for_each = toset(values(local.stores)[*].app)
  name     = each.key
  team     = "acme"
  space_id = each.key == "vault-web" ? kvs_private_space.prod.id : null
}

`

const estateRest = `
resource "kvs_formation" "web" {
  app_id   = kvs_app.app["orders-web"].id
  type     = "web"
  quantity = 1
  size     = "Standard-1X"
}

resource "kvs_formation" "worker" {
  app_id   = kvs_app.app["admin-web"].id
  type     = "worker"
  quantity = 1
}

resource "kvs_instance" "store" {
  for_each         = local.stores
  app_id           = kvs_app.app[each.value.app].id
  plan             = each.value.plan
  name             = each.key
  version          = "7.0"
  maxmemory_policy = each.value.policy
  outside_space    = each.key == "vault-public"
}

resource "kvs_attachment" "shared" {
  for_each    = local.shared
  app_id      = kvs_app.app[each.value].id
  instance_id = kvs_instance.store[each.key].id
  name        = "SHARED"
}

resource "kvs_maintenance_window" "window" {
  for_each    = { for name, store in local.stores : name => store if store.plan != "heroku-redis:mini" }
  instance_id = kvs_instance.store[each.key].id
  day         = "Sundays"
  time        = "10:30am"
}
`

const estateMoves = `
moved {
  from = heroku_space.prod
  to   = kvs_private_space.prod
}

moved {
  from = herokux_shield_private_space.vault
  to   = kvs_private_space.vault
}

moved {
  from = heroku_space_inbound_ruleset.prod
  to   = kvs_trusted_ip_ranges.prod
}

moved {
  from = heroku_space_app_access.prod
  to   = kvs_space_app_access.prod
}

moved {
  from = heroku_space_app_access.vault
  to   = kvs_space_app_access.vault
}

moved {
  from = heroku_app.app
  to   = kvs_app.app
}
` + storeMoves

const storeMoves = `
moved {
  from = heroku_formation.web
  to   = kvs_formation.web
}

moved {
  from = heroku_formation.worker
  to   = kvs_formation.worker
}

moved {
  from = heroku_addon.store
  to   = kvs_instance.store
}

moved {
  from = heroku_addon_attachment.shared
  to   = kvs_attachment.shared
}

moved {
  from = herokux_redis_maintenance_window.window
  to   = kvs_maintenance_window.window
}
`

// formerly says where the other providers come from.
const formerly = `
terraform {
  required_providers {
    kvs = {
      source = "terraform-kvs/kvs"
    }
    heroku = {
      source = "heroku/heroku"
    }
    herokux = {
      source = "davidji99/herokux"
    }
  }
}
`

func TestAccMoveState_estate(t *testing.T) {
	t.Parallel()
	e := newEstate(t, true)
	cli := e.CLI(t, formerly+e.configuration()+estateMoves)
	adopt(t, cli, e.objects)
	if !strings.Contains(cli.StateFile(), formerSecret) {
		t.Fatal("the former state holds no secret, so that nothing is shown")
	}

	// Without a refresh, nothing is known of what has been moved.
	if unread := cli.Run("plan", "-no-color", "-input=false", "-refresh=false"); unread.Code != 1 ||
		!acctest.Says("The moved object has not been read yet").MatchString(unread.Output()) {
		t.Errorf("without a refresh, the plan exits %d:\n%s", unread.Code, unread.Output())
	}

	// The plan moves all of it, and has nothing else to do.
	plan := cli.Run("plan", "-no-color", "-input=false", "-out=saved")
	if plan.Code != 0 || !strings.Contains(plan.Stdout, "Plan: 0 to add, 0 to change, 0 to destroy.") {
		t.Fatalf("the plan exits %d:\n%s", plan.Code, plan.Output())
	}
	if moved := strings.Count(plan.Stdout, "has moved to kvs_"); moved != len(e.objects) {
		t.Errorf("%d of %d objects are moved:\n%s", moved, len(e.objects), plan.Stdout)
	}
	if strings.Count(plan.Output(), "Warning: ") > 1 { // one is of the CLI, about how the provider is found
		t.Errorf("it warns of something:\n%s", plan.Output())
	}

	commands := e.Commands()
	asked := map[string]bool{}
	for _, request := range commands[len(commands)-1] {
		if asked[request.Path] {
			t.Errorf("%s is read twice", request.Path)
		}
		asked[request.Path] = true
	}
	if !asked["/apps/mail-web"] || !asked["/addons/mail-queue"] || !asked["/spaces/acme-prod"] {
		t.Errorf("no early state has been resolved by its name: %v", slices.Sorted(maps.Keys(asked)))
	}

	// So does the apply, after which nothing of the former state is left.
	if applied := cli.Run("apply", "-no-color", "-input=false", "saved"); applied.Code != 0 {
		t.Fatalf("the apply exits %d:\n%s", applied.Code, applied.Output())
	}
	if state := cli.StateFile(); strings.Contains(state, formerSecret) || strings.Contains(state, "heroku/heroku") {
		t.Error("something of the former state is left")
	}
	if writes := e.Requests("(POST|PATCH|PUT|DELETE)", ".*"); len(writes) != 0 {
		t.Errorf("this was sent: %v", writes)
	}

	// The moved blocks are needed no more.
	cli.Configure(formerly + e.configuration())
	if again := cli.Run("plan", "-no-color", "-input=false", "-detailed-exitcode"); again.Code != 0 {
		t.Errorf("without the moved blocks, the plan exits %d:\n%s", again.Code, again.Output())
	}
}

// The address of a provider may be that of a fork, or of another registry.
func TestMoveState_anyProvider(t *testing.T) {
	t.Parallel()
	const state = `{"id":"7c4e2a90-3b5d-4f8e-a1c6-d2e3f4a5b6c7","name":"orders-web","stack":"heroku-24"}`
	for _, address := range []string{"registry.terraform.io/heroku/heroku", "registry.opentofu.org/heroku/heroku",
		"tf.example.com/acme/heroku"} {
		moved, said := moveState(t, address, "heroku_app", state, "kvs_app")
		if len(said.errors) != 0 || moved.TargetState == nil {
			t.Errorf("%s: %s", address, said)
		}
	}
}

func moveState(t *testing.T, address, from, state, to string) (*tfprotov6.MoveResourceStateResponse, told) {
	t.Helper()
	server, _, _ := unconfigured(t)
	moved, err := server.MoveResourceState(t.Context(), &tfprotov6.MoveResourceStateRequest{
		SourceProviderAddress: address, SourceTypeName: from, SourceState: &tfprotov6.RawState{JSON: []byte(state)}, TargetTypeName: to})
	if err != nil {
		t.Fatal(err)
	}
	said := told{T: t}
	said.diagnose(moved.Diagnostics)
	return moved, said
}

func TestMoveState_refusals(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		from  string
		state map[string]any
		to    string
		says  []string
	}{
		"another service": {"heroku_addon", map[string]any{"plan": "heroku-postgresql:mini", "name": "orders-db"}, "kvs_instance",
			[]string{"Not a Key-Value Store", `heroku_addon orders-db has the plan "heroku-postgresql:mini"`}},
		"another kind": {"heroku_app", nil, "kvs_instance",
			[]string{"The moved block leads to another kind of resource", "A heroku_app becomes a kvs_app, and not a kvs_instance"}},
		"dynos": {"heroku_formation", nil, "kvs_app",
			[]string{"The moved block leads to another kind of resource", "A heroku_formation becomes a kvs_formation"}},
		"settings": {"herokux_redis_config", nil, "kvs_instance", []string{"Nothing here corresponds to the former resource",
			"removed {\n  from = herokux_redis_config.example"}},
		"no id":          {"heroku_app", map[string]any{"id": nil}, "kvs_app", []string{"The former state cannot be read"}},
		"a type unknown": {"heroku_drain", nil, "kvs_app", []string{"Unable to Move Resource State"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			attributes := map[string]any{"id": "7c4e2a90-3b5d-4f8e-a1c6-d2e3f4a5b6c7", "secret": formerSecret}
			maps.Copy(attributes, test.state)
			text, err := json.Marshal(attributes)
			if err != nil {
				t.Fatal(err)
			}
			moved, said := moveState(t, "registry.terraform.io/heroku/heroku", test.from, string(text), test.to)
			if said.failed(test.says...); moved.TargetState != nil || strings.Contains(said.String(), formerSecret) {
				t.Errorf("it becomes %v:\n%s", moved.TargetState, said)
			}
		})
	}
}
