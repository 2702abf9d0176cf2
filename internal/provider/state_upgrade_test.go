// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"math/big"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/acctest"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/provider"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/sandbox"
)

// States that a release has written are in testdata/state-VERSION.json, and every later release takes them. A file is
// made once, from the state that an apply of frozenConfig leaves, with the release that it is named after, and never
// again:
//
//	KVS_FREEZE_STATE=0.1.0 TF_ACC=1 go test ./internal/provider -run TestAccState_frozen
//
// The ids in it are the sandbox's.

type frozen = provider.Frozen

// The cases of each resource.
const (
	whole     = "complete"
	older     = "written before its newest attributes"
	forgetful = "written with an attribute that nobody knows any more"
)

// newest are attributes that a release before might not have had. Those that protect a store are not among them: without
// its deletion_protection a state protects nothing.
var newest = map[string][]string{
	"kvs_formation":  {"app_name"},
	"kvs_app":        {"internal_routing", "maintenance", "team"},
	"kvs_attachment": {"config_vars", "credentials_revision"},
	"kvs_instance": {"retired_instance_id", "outside_space", "version", "version_actual", "persistence",
		"credentials_revision", "migration.version_upgrade", "migration.accept_unproven", "timeouts.update"},
	"kvs_maintenance_window": {"ends_at", "next"},
	"kvs_private_space":      {"data_cidr", "generation", "log_drain_url_wo", "log_drain_url_wo_version", "timeouts"},
	"kvs_space_app_access":   {"space_name", "taken_over"},
	"kvs_trusted_ip_range":   {"closes_space", "description", "expires_at", "timeouts"},
	"kvs_trusted_ip_ranges":  {"on_destroy", "previous_ranges", "ranges.192.0.2.0/24.description"},
}

// forgotten is an attribute that nobody knows any more, of the resource and of these objects in it.
const forgotten = "forgotten"

var forgettingObjects = []string{"migration", "timeouts", "fork", "ranges.192.0.2.0/24"}

const frozenConfig = `
resource "kvs_private_space" "prod" {
  name                     = "acme-prod"
  team                     = "acme"
  deletion_protection      = false
  log_drain_url_wo         = "https://logs.example.com/in"
  log_drain_url_wo_version = 1
  timeouts                 = { create = "1h" }
}

resource "kvs_trusted_ip_ranges" "prod" {
  space_id   = kvs_private_space.prod.id
  on_destroy = "restore_previous"
  ranges = {
    "192.0.2.0/24"    = { description = "office" }
    "198.51.100.7/32" = {}
  }
}

resource "kvs_private_space" "shared" {
  name                = "acme-shared"
  team                = "acme"
  deletion_protection = false
}

resource "kvs_trusted_ip_range" "office" {
  space_id     = kvs_private_space.shared.id
  range        = "192.0.2.0/24"
  description  = "office"
  closes_space = true
  expires_at   = "2099-12-18T00:00:00Z"
  timeouts     = { create = "20m" }
}

resource "kvs_app" "web" {
  name        = "orders-web"
  team        = "acme"
  maintenance = true
}

resource "kvs_app" "inside" {
  name     = "orders-inside"
  space_id = kvs_private_space.prod.id
}

resource "kvs_space_app_access" "member" {
  space_id = kvs_private_space.prod.id
  email    = "Member@acme.example"
}

resource "kvs_formation" "web" {
  app_id   = kvs_app.web.id
  type     = "web"
  quantity = 2
  size     = "standard-2x"
}

resource "kvs_instance" "cache" {
  app_id                 = kvs_app.web.id
  plan                   = "premium-0"
  name                   = "orders-cache"
  attachment_name        = "REDIS"
  version                = "7.2"
  timeout                = 60
  maxmemory_policy       = "volatile-lru"
  notify_keyspace_events = "KEA"
  deletion_protection    = false
  migration              = { app_maintenance = true, retire = "never", version_upgrade = "window" }
  timeouts               = { create = "20m", update = "1h" }
}

resource "kvs_instance" "copy" {
  app_id              = kvs_app.web.id
  plan                = "premium-0"
  name                = "orders-copy"
  deletion_protection = false
  fork                = { instance_id = kvs_instance.cache.id }
}

resource "kvs_attachment" "inside" {
  app_id      = kvs_app.inside.id
  instance_id = kvs_instance.cache.id
  name        = "SHARED"
}

resource "kvs_maintenance_window" "cache" {
  instance_id = kvs_instance.cache.id
  day         = "Monday"
  time        = "22:30"
}
`

// frozenStates are those of all releases, which hold no secret.
func frozenStates(t *testing.T) []frozen {
	t.Helper()
	return provider.FrozenStates(t, func(content []byte) bool {
		return acctest.Says("redis://").Match(content) || acctest.Says("rediss://").Match(content) ||
			strings.Contains(string(content), "logs.example.com")
	})
}

func TestState_upgrade(t *testing.T) {
	t.Parallel()
	provider, schema, identities := unconfigured(t)
	seen := map[string]bool{}
	for _, state := range frozenStates(t) {
		seen[state.Type+", "+state.Case] = true
		t.Run(state.Type+"."+state.Name+", "+state.Case, func(t *testing.T) {
			t.Parallel()
			upgraded, err := provider.UpgradeResourceState(t.Context(), &tfprotov6.UpgradeResourceStateRequest{
				TypeName: state.Type, Version: state.Version, RawState: raw(t, state.Attributes)})
			if err != nil || len(upgraded.Diagnostics) > 0 {
				t.Fatalf("the state is not taken: %v, %+v", err, upgraded)
			}
			value, err := upgraded.UpgradedState.Unmarshal(schema.ResourceSchemas[state.Type].ValueType())
			expectSame(t, value, err, state.Attributes)

			expectIdentity(t, provider, identities.IdentitySchemas[state.Type], state)
		})
	}
	for name := range schema.ResourceSchemas {
		for _, which := range []string{whole, older, forgetful} {
			if !seen[name+", "+which] {
				t.Errorf("no release has frozen a state of %s, %s", name, which)
			}
		}
	}
}

// expectIdentity: what the CLIs read of an identity by themselves has to be just what the schema says. They forgive
// nothing, and only ask for an upgrade when the version is another one.
func expectIdentity(t *testing.T, provider tfprotov6.ProviderServer, schema *tfprotov6.ResourceIdentitySchema, state frozen) {
	t.Helper()
	if state.IdentityVersion == schema.Version {
		var attributes []string
		for _, attribute := range schema.IdentityAttributes {
			attributes = append(attributes, attribute.Name)
		}
		if was := slices.Sorted(maps.Keys(state.Identity)); !slices.Equal(was, slices.Sorted(slices.Values(attributes))) {
			t.Errorf("the identity had %v and has %v: this needs another version of it, and an UpgradeIdentity", was, attributes)
		}
		return
	}
	upgraded, err := provider.UpgradeResourceIdentity(t.Context(), &tfprotov6.UpgradeResourceIdentityRequest{
		TypeName: state.Type, Version: state.IdentityVersion, RawIdentity: raw(t, state.Identity)})
	if err != nil || len(upgraded.Diagnostics) > 0 || upgraded.UpgradedIdentity == nil {
		t.Fatalf("the identity is not taken: %v, %+v", err, upgraded)
	}
	value, err := upgraded.UpgradedIdentity.IdentityData.Unmarshal(schema.ValueType())
	expectSame(t, value, err, state.Identity)
}

func unconfigured(t *testing.T) (tfprotov6.ProviderServer, *tfprotov6.GetProviderSchemaResponse,
	*tfprotov6.GetResourceIdentitySchemasResponse) {
	t.Helper()
	provider, err := acctest.Start(t, func(o *sandbox.Options) { o.Engine = "miniredis" }).Factories()["kvs"]()
	if err != nil {
		t.Fatal(err)
	}
	schema, err := provider.GetProviderSchema(t.Context(), &tfprotov6.GetProviderSchemaRequest{})
	if err != nil {
		t.Fatal(err)
	}
	identities, err := provider.GetResourceIdentitySchemas(t.Context(), &tfprotov6.GetResourceIdentitySchemasRequest{})
	if err != nil {
		t.Fatal(err)
	}
	return provider, schema, identities
}

func raw(t *testing.T, attributes map[string]any) *tfprotov6.RawState {
	t.Helper()
	text, err := json.Marshal(attributes)
	if err != nil {
		t.Fatal(err)
	}
	return &tfprotov6.RawState{JSON: text}
}

// expectSame: what was there is there still, and the rest is null.
func expectSame(t *testing.T, got tftypes.Value, err error, was map[string]any) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	if is, want := known(t, got), remembered(was); !reflect.DeepEqual(is, want) {
		t.Errorf("it becomes\n%v\nwant\n%v", is, want)
	}
}

// remembered is what of a state has a value that anybody knows.
func remembered(of any) any {
	switch of := of.(type) {
	case map[string]any:
		members := map[string]any{}
		for name, member := range of {
			if member != nil && name != forgotten {
				members[name] = remembered(member)
			}
		}
		return members
	case []any:
		return inAnyOrder(of, remembered)
	}
	return of
}

// known is the same of what the provider makes of it.
func known(t *testing.T, v tftypes.Value) any {
	t.Helper()
	var (
		text    string
		yes     bool
		number  big.Float
		members map[string]tftypes.Value
		list    []tftypes.Value
	)
	is := v.Type()
	switch {
	case is.Is(tftypes.String) && v.As(&text) == nil:
		return text
	case is.Is(tftypes.Bool) && v.As(&yes) == nil:
		return yes
	case is.Is(tftypes.Number) && v.As(&number) == nil:
		short, _ := number.Float64()
		return short
	case (is.Is(tftypes.Object{}) || is.Is(tftypes.Map{})) && v.As(&members) == nil:
		all := map[string]any{}
		for name, member := range members {
			if !member.IsNull() {
				all[name] = known(t, member)
			}
		}
		return all
	case (is.Is(tftypes.Set{}) || is.Is(tftypes.List{})) && v.As(&list) == nil:
		return inAnyOrder(list, func(v tftypes.Value) any { return known(t, v) })
	}
	t.Fatalf("a value of the type %v", is)
	return nil
}

func inAnyOrder[T any](list []T, each func(T) any) []any {
	all := []any{}
	for _, element := range list {
		all = append(all, each(element))
	}
	slices.SortFunc(all, func(a, b any) int { return cmp.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
	return all
}

// A state file of an earlier release is refreshed, and nothing that it knows is destroyed or replaced. What it cannot
// know is read, or set again.
func TestAccState_frozen(t *testing.T) {
	t.Parallel()
	l := newLab(t, frozenConfig)
	// A new attachment needs this consent; what is attached already is not judged again.
	l.mustApply(strings.Replace(frozenConfig, `"SHARED"`, "\"SHARED\"\n  outside_space = true", 1))
	l.cli.Configure(frozenConfig)
	if version := os.Getenv("KVS_FREEZE_STATE"); version != "" {
		freeze(t, l.cli.StateFile(), "testdata/state-"+version+".json")
	}
	ledger := l.Ledger()
	for _, which := range []string{forgetful, older} {
		l.restore(frozenStates(t), which)
		plan := l.run(mishap{}, "plan", "-detailed-exitcode", "-input=false", "-no-color", "-out=saved")
		if plan.Code == 1 || which == forgetful && plan.Code != 0 {
			t.Fatalf("%s: the plan exited %d:\n%s", which, plan.Code, plan.Output())
		}
		l.expectHarmless(which)
		if result := l.run(mishap{}, "apply", "-input=false", "-no-color", "saved"); result.Code != 0 {
			t.Errorf("%s: the apply exited %d:\n%s", which, result.Code, result.Output())
		}
		l.expectNoChanges()
	}
	if after := l.Ledger(); after.Created != ledger.Created || len(l.Living()) != 4 {
		t.Errorf("%d stores and spaces were ordered, want those %d that were there; these live: %+v", after.Created,
			ledger.Created, l.Living())
	}
}

// restore puts frozen resources into the state, with the ids that they have here.
func (l *lab) restore(states []frozen, which string) {
	l.Helper()
	file, all := stateFile(l.T, l.cli.StateFile())
	var ids []string
	for _, state := range states {
		if now := all[state.Type+"."+state.Name]; state.Case == whole && now != nil {
			ids = append(ids, fmt.Sprint(state.Attributes["id"]), fmt.Sprint(inner(now, "attributes")["id"]))
		}
	}
	restored := 0
	for _, state := range states {
		if now := all[state.Type+"."+state.Name]; state.Case == which && now != nil {
			now["attributes"], now["schema_version"] = renamed(l.T, state.Attributes, ids), state.Version
			now["identity"], now["identity_schema_version"] = renamed(l.T, state.Identity, ids), state.IdentityVersion
			restored++
		}
	}
	text, err := json.Marshal(file)
	path := filepath.Join(l.TempDir(), "frozen.tfstate")
	if err == nil {
		err = os.WriteFile(path, text, 0o600)
	}
	if err != nil || restored < len(all) {
		l.Fatalf("%d of %d resources are as they were (%v)", restored, len(all), err)
	}
	if pushed := l.cli.Run("state", "push", "-force", path); pushed.Code != 0 {
		l.Fatalf("the state is not taken:\n%s", pushed.Output())
	}
}

func renamed(t *testing.T, attributes map[string]any, ids []string) (now map[string]any) {
	t.Helper()
	if err := json.Unmarshal([]byte(strings.NewReplacer(ids...).Replace(string(raw(t, attributes).JSON))), &now); err != nil {
		t.Fatal(err)
	}
	return now
}

// stateFile also gives its resources, by address.
func stateFile(t *testing.T, text string) (file map[string]any, resources map[string]map[string]any) {
	t.Helper()
	var known struct {
		Resources []struct {
			Type, Name string
			Instances  []map[string]any
		}
	}
	if err := json.Unmarshal([]byte(text), &file); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(text), &known); err != nil {
		t.Fatal(err)
	}
	resources = map[string]map[string]any{}
	all, _ := file["resources"].([]any)
	for i, r := range known.Resources {
		resources[r.Type+"."+r.Name] = r.Instances[0]
		if one, ok := all[i].(map[string]any); ok {
			one["instances"] = r.Instances
		}
	}
	return file, resources
}

// expectHarmless: the saved plan creates, destroys and replaces nothing.
func (l *lab) expectHarmless(which string) {
	l.Helper()
	var plan struct {
		Changes []struct {
			Address string
			Change  struct{ Actions []string }
		} `json:"resource_changes"`
	}
	shown := l.run(mishap{}, "show", "-json", "saved")
	if err := json.Unmarshal([]byte(shown.Stdout), &plan); err != nil || len(plan.Changes) == 0 {
		l.Fatalf("the plan cannot be read (%v):\n%s", err, shown.Output())
	}
	for _, change := range plan.Changes {
		if actions := change.Change.Actions; !slices.Equal(actions, []string{"no-op"}) && !slices.Equal(actions, []string{"update"}) {
			l.Errorf("%s: %s is to be met with %v", which, change.Address, actions)
		}
	}
}

// freeze writes what this release has written, in each case.
func freeze(t *testing.T, text, file string) {
	t.Helper()
	_, resources := stateFile(t, text)
	_, _, identities := unconfigured(t)
	var all []frozen
	for _, address := range slices.Sorted(maps.Keys(resources)) {
		var one frozen
		encoded, err := json.Marshal(resources[address])
		if err == nil {
			err = json.Unmarshal(encoded, &one)
		}
		if err != nil {
			t.Fatal(err)
		}
		one.Type, one.Name, _ = strings.Cut(address, ".")
		one.Identity = map[string]any{} // not every CLI keeps it
		for _, attribute := range identities.IdentitySchemas[one.Type].IdentityAttributes {
			one.Identity[attribute.Name] = one.Attributes[attribute.Name]
		}
		for which, edit := range map[string]func(*frozen){whole: func(*frozen) {}, older: forgetNewest, forgetful: addForgotten} {
			copied := one
			copied.Case, copied.Attributes, copied.Identity = which, renamed(t, one.Attributes, nil), renamed(t, one.Identity, nil)
			edit(&copied)
			all = append(all, copied)
		}
	}
	slices.SortFunc(all, func(a, b frozen) int {
		return cmp.Or(cmp.Compare(a.Type, b.Type), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Case, b.Case))
	})
	content, err := json.MarshalIndent(all, "", " ")
	if err == nil {
		err = os.WriteFile(file, append(content, '\n'), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func forgetNewest(state *frozen) {
	for _, attribute := range newest[state.Type] {
		object, last := state.Attributes, attribute
		for path := range strings.SplitSeq("migration timeouts ranges.192.0.2.0/24", " ") {
			if rest, within := strings.CutPrefix(attribute, path+"."); within {
				object, last = inner(state.Attributes, path), rest
			}
		}
		delete(object, last)
	}
}

func addForgotten(state *frozen) {
	state.Attributes[forgotten] = "a value"
	for _, path := range forgettingObjects {
		if object := inner(state.Attributes, path); object != nil {
			object[forgotten] = map[string]any{"of": []any{1, 2}}
		}
	}
}

// inner is an object of the attributes, or of one of them; nil where there is none.
func inner(attributes map[string]any, path string) map[string]any {
	first, rest, deeper := strings.Cut(path, ".")
	object, _ := attributes[first].(map[string]any)
	if deeper {
		object, _ = object[rest].(map[string]any)
	}
	return object
}
