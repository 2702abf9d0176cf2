// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/acctest"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/sandbox"
)

// changesOf are the planned changes of a saved plan, by address, as a policy engine reads them.
func (l *lab) changesOf(config string, args ...string) map[string]plannedChange {
	l.Helper()
	l.cli.Configure(config)
	if result := l.run(mishap{}, append([]string{"plan", "-out=plan.tfplan", "-input=false", "-no-color"}, args...)...); result.Code != 0 {
		l.Fatalf("the plan exited %d:\n%s", result.Code, result.Output())
	}
	shown := l.run(mishap{}, "show", "-json", "plan.tfplan")
	var plan struct {
		Changes []struct {
			Address string        `json:"address"`
			Change  plannedChange `json:"change"`
		} `json:"resource_changes"`
	}
	if err := json.Unmarshal([]byte(shown.Stdout), &plan); err != nil {
		l.Fatalf("%v:\n%s", err, shown.Output())
	}
	changes := make(map[string]plannedChange)
	for _, c := range plan.Changes {
		if !slices.Equal(c.Change.Actions, []string{"no-op"}) {
			changes[c.Address] = c.Change
		}
	}
	return changes
}

type plannedChange struct {
	Actions []string       `json:"actions"`
	Before  map[string]any `json:"before"`
	After   map[string]any `json:"after"`
	Unknown map[string]any `json:"after_unknown"`
}

// impact is what the plan says that the change means.
func (c plannedChange) impact() map[string]any {
	impact, _ := c.After["impact"].(map[string]any)
	return impact
}

func contains(all, some map[string]any) bool {
	for key, value := range some {
		if !reflect.DeepEqual(all[key], value) {
			return false
		}
	}
	return true
}

// beside is a store outside of the network of its app's Private Space.
const beside = `
resource "kvs_private_space" "dev" {
  name                = "acme-dev"
  team                = "acme"
  deletion_protection = false
}

resource "kvs_app" "dev" {
  name     = "orders-dev"
  space_id = kvs_private_space.dev.id
}

resource "kvs_instance" "dev" {
  app_id = kvs_app.dev.id
  name   = "orders-dev-cache"
  plan   = "premium-0"
  outside_space = true

  deletion_protection = false
}
`

// A person or a policy that has nothing but the plan's JSON can tell what each change means.
func TestAccImpact_ofEachChange(t *testing.T) {
	t.Parallel()
	estate := approved + beside + staffed
	l := newLab(t, estate, embedded)
	// everything is new, so that little is known
	created := l.changesOf(estate)
	for address, want := range map[string]map[string]any{
		"kvs_private_space.prod":        {"method": "create", "restarts": []any{}, "price_before": 0.0, "price_after": 3000.0},
		"kvs_instance.inside":           {"method": "create", "url_changes": "no", "price_before": 0.0, "irreversible": false},
		"kvs_attachment.worker":         {"method": "attach", "data": "kept", "interruption": "none"},
		"kvs_trusted_ip_ranges.prod":    {"method": "ranges", "admits": []any{"192.0.2.0/24", "198.51.100.0/24"}},
		"kvs_maintenance_window.inside": {"method": "window"},
		"kvs_space_app_access.member":   {"method": "access", "restarts": []any{}, "data": nil},
		"kvs_formation.worker":          {"method": "scale", "interruption": "brief"},
	} {
		if got := created[address].impact(); !contains(got, want) {
			t.Errorf("the plan of a new %s says %v, want %v", address, got, want)
		}
	}
	for _, address := range []string{"kvs_instance.inside", "kvs_attachment.worker"} {
		if impact, _ := created[address].Unknown["impact"].(map[string]any); impact["restarts"] != true {
			t.Errorf("the apps of a new %s are known: %v", address, created[address].Unknown)
		}
	}
	if result := l.run(mishap{}, "apply", "-input=false", "plan.tfplan"); result.Code != 0 {
		t.Fatal(result.Output())
	}
	l.expectNoChanges()
	if result := l.run(mishap{}, "apply", "-refresh-only", "-auto-approve", "-input=false"); result.Code != 0 { // attached_apps
		t.Fatal(result.Output())
	}
	const control = `reference = "CHG0000001", reference_pattern = "CHG[0-9]{7}"`
	both := []any{"orders-web", "orders-worker"}
	cases := map[string]struct {
		edit    [2]string
		address string
		want    map[string]any
	}{
		"a range that is added": {
			[2]string{`"198.51.100.0/24" = {}`, `"198.51.100.0/24" = {}, "203.0.113.0/24" = {}`}, "kvs_trusted_ip_ranges.prod",
			map[string]any{"method": "ranges", "admits": []any{"203.0.113.0/24"}, "shuts_out": []any{},
				"restarts": []any{}, "interruption": "none"},
		},
		"a range that is removed": {
			[2]string{`, "198.51.100.0/24" = {}`, ``}, "kvs_trusted_ip_ranges.prod",
			map[string]any{"method": "ranges", "admits": []any{}, "shuts_out": []any{"198.51.100.0/24"}},
		},
		"ranges that are opened": {
			[2]string{`{ "192.0.2.0/24" = {}, "198.51.100.0/24" = {} }`, `{ "0.0.0.0/0" = {} }`}, "kvs_trusted_ip_ranges.prod",
			map[string]any{"method": "ranges", "admits": []any{"0.0.0.0/0"}, "shuts_out": []any{"192.0.2.0/24", "198.51.100.0/24"}},
		},
		"a larger shield plan": {
			[2]string{`shield-7`, `shield-9`}, "kvs_instance.inside",
			map[string]any{
				"method": "plan_in_place", "data": "writes_at_risk", "url_changes": "possible", "restarts": []any{"orders-inside"},
				"interruption": "brief", "irreversible": false, "reference": "CHG0000001",
			},
		},
		"a window": {
			[2]string{`"Sunday"`, `"Monday"`}, "kvs_maintenance_window.inside",
			map[string]any{"method": "window", "restarts": []any{}, "interruption": "none", "reference": "CHG0000001"},
		},
		"a permission that is taken away": {
			[2]string{`"member@acme.example"`, "\"member@acme.example\"\n  permissions = []"}, "kvs_space_app_access.member",
			map[string]any{"method": "access", "restarts": []any{}, "reference": "CHG0000001"},
		},
		"another quantity of dynos": {
			[2]string{`quantity = 3`, `quantity = 4`}, "kvs_formation.worker",
			map[string]any{"method": "scale", "restarts": []any{}, "interruption": "none"},
		},
		"another size of dynos": {
			[2]string{`"Shield-S"`, `"Shield-M"`}, "kvs_formation.inside",
			map[string]any{"method": "scale", "restarts": []any{"orders-inside"}, "interruption": "brief", "reference": "CHG0000001"},
		},
		"protection that is switched off": {
			[2]string{`deletion_protection = true`, `deletion_protection = false`}, "kvs_instance.spare",
			map[string]any{"method": "protection", "data": "kept", "url_changes": "no", "restarts": []any{}},
		},
		"a private plan": {
			[2]string{"\"premium-0\"\n  outside_space = true", `"private-7"`}, "kvs_instance.dev",
			map[string]any{
				"method": "replacement_by_fork", "data": "writes_at_risk", "url_changes": "yes",
				"restarts": []any{"orders-dev"}, "interruption": "brief",
				"price_before": 15.0, "price_after": 915.0, "irreversible": false,
			},
		},
		"another app, by a fork": {
			[2]string{"app_id = kvs_app.web.id\n  plan   = \"premium-0\"", "app_id = kvs_app.worker.id\n  plan   = " +
				"\"premium-0\""}, "kvs_instance.cache",
			map[string]any{
				"method": "replacement_by_fork", "data": "writes_at_risk", "url_changes": "yes", "restarts": both,
				"price_before": 15.0, "price_after": 30.0, "irreversible": false,
			},
		},
		"another app, by a fork while the apps are held": {
			[2]string{"app_id = kvs_app.web.id\n  plan   = \"premium-0\"",
				"app_id = kvs_app.worker.id\n  plan   = \"premium-0\"\n  migration = { scale_down = true, " +
					"app_maintenance = true, retire = \"always\" }"},
			"kvs_instance.cache",
			map[string]any{"data": "copied", "interruption": "while_copied", "price_before": 15.0, "price_after": 15.0},
		},
		"a smaller plan": {
			[2]string{`"premium-0"`, "\"mini\"\n  migration = { accept_unproven = true }"}, "kvs_instance.cache",
			map[string]any{"method": "plan_in_place", "data": "lost", "restarts": both, "price_before": 15.0, "price_after": 3.0},
		},
		"a version": {
			[2]string{"plan   = \"premium-0\"", "plan   = \"premium-0\"\n  version = \"8.0\""}, "kvs_instance.cache",
			map[string]any{"method": "version_upgrade", "irreversible": true, "restarts": both},
		},
		"a name": {
			[2]string{`"orders-cache"`, `"orders-new-cache"`}, "kvs_instance.cache",
			map[string]any{"method": "rename", "data": "kept", "url_changes": "no", "restarts": []any{}, "interruption": "none"},
		},
		"a setting": {
			[2]string{`"orders-cache"`, "\"orders-cache\"\n  timeout = 60"}, "kvs_instance.cache",
			map[string]any{"method": "settings", "data": "kept", "restarts": []any{}},
		},
		"an attachment that is re-pointed": {
			[2]string{`instance_id = kvs_instance.cache.id`, `instance_id = kvs_instance.spare.id`}, "kvs_attachment.worker",
			map[string]any{"method": "re_point", "data": "kept", "url_changes": "yes", "interruption": "brief",
				"restarts": []any{"orders-worker"}},
		},
		"a space that is given to another team": {
			[2]string{`"acme"`, `"acme-data"`}, "kvs_private_space.prod",
			map[string]any{"method": "transfer", "restarts": []any{}, "price_before": 3000.0, "price_after": 3000.0,
				"reference": "CHG0000001"},
		},
		"an app in maintenance mode": {
			[2]string{`"orders-web"`, "\"orders-web\"\n  maintenance = true"}, "kvs_app.web",
			map[string]any{"method": "maintenance", "restarts": []any{}},
		},
	}
	// A plan has one change of each object, and as many as that.
	for left := slices.Sorted(maps.Keys(cases)); len(left) > 0; {
		planned, changed := map[string]string{}, estate
		left = slices.DeleteFunc(left, func(name string) bool {
			test := cases[name]
			if planned[test.address] != "" || !strings.Contains(changed, test.edit[0]) {
				return false
			}
			planned[test.address], changed = name, strings.Replace(changed, test.edit[0], test.edit[1], 1)
			return true
		})
		if len(planned) == 0 {
			t.Fatalf("nothing is changed: %q", left)
		}
		changes := l.changesOf(under(control, changed))
		for address, name := range planned {
			if got := changes[address].impact(); !contains(got, cases[name].want) {
				t.Errorf("%s: the plan says %v, want %v", name, got, cases[name].want)
			}
		}
	}

	// A destroy has no planned values: what is there now is all that can be judged.
	gone := estate[:strings.Index(estate, `resource "kvs_instance" "cache"`)] + estate[strings.Index(estate,
		`resource "kvs_instance" "spare"`):]
	gone = strings.Replace(gone, "kvs_instance.cache.id", "kvs_instance.spare.id", 1)
	before := l.changesOf(under(control, gone))["kvs_instance.cache"].Before
	apps := map[string]any{"orders-web": []any{"REDIS_URL"}, "orders-worker": []any{"CACHE_URL"}}
	for name, want := range map[string]any{"attached_apps": apps, "monthly_price": 15.0, "deletion_protection": false,
		"plan": "premium-0"} {
		if !reflect.DeepEqual(before[name], want) {
			t.Errorf("a destroyed store has %s %v, want %v", name, before[name], want)
		}
	}
}

// What was approved is what is kept, also when apps are attached between the plan and the apply, which says so.
func TestAccImpact_isKeptAsItWasApproved(t *testing.T) {
	t.Parallel()
	config := ownStore("premium-0", unprotected)
	l := newLab(t, config, embedded)
	l.mustApply(config)
	attach := func(name string) {
		app := mustCreateApp(t, l.client, name)
		if _, err := l.client.CreateAttachment(t.Context(), heroku.AttachmentCreate{AddOn: l.storeID(), App: app.ID,
			Name: "CACHE"}); err != nil {
			t.Fatal(err)
		}
	}
	applySaved := func(says string) {
		t.Helper()
		result := l.run(mishap{}, "apply", "-input=false", "-no-color", "plan.tfplan")
		if result.Code != 0 || !acctest.Says(says).MatchString(result.Output()) {
			t.Errorf("the apply exited %d, want 0 and %q:\n%s", result.Code, says, result.Output())
		}
	}
	kept := func() (impact map[string]any) {
		object, _ := l.cli.Object(store)
		text, err := json.Marshal(object.Attributes["impact"])
		if err == nil {
			err = json.Unmarshal(text, &impact)
		}
		if err != nil {
			t.Error(err)
		}
		return impact
	}
	const more = "The store is attached to more apps than the plan says"

	larger := strings.Replace(config, "premium-0", "premium-1", 1)
	planned := l.changesOf(larger)[store].impact()
	for n := range 100 {
		attach(fmt.Sprintf("orders-%02d", n))
	}
	applySaved("orders-00, orders-01")
	if !reflect.DeepEqual(kept(), planned) || planned["method"] != "plan_in_place" {
		t.Errorf("planned %v, kept %v", planned, kept())
	}
	l.expectNoChanges()
	if again := l.mustApply(larger); acctest.Says(more).MatchString(again.Output()) {
		t.Errorf("nothing is changed, and it is said that apps restart:\n%s", again.Output())
	}
	if !reflect.DeepEqual(kept(), planned) {
		t.Errorf("planned %v, and after a refresh %v", planned, kept())
	}

	// all of them are in the next plan, whatever it is restricted to, and what could not be read is not said to be none
	largest := strings.Replace(larger, "premium-1", "premium-2", 1)
	restarts, _ := l.changesOf(largest, "-target="+store)[store].impact()["restarts"].([]any)
	if len(restarts) != 101 || !slices.Contains(restarts, any("orders-99")) {
		t.Errorf("%d apps are to restart: %v", len(restarts), restarts)
	}
	l.Inject(sandbox.Fault{Match: sandbox.Match{Path: "**/addon-attachments"}, Do: sandbox.Effect{Status: http.StatusForbidden}})
	if impact := l.changesOf(largest)[store].impact(); impact["restarts"] != nil || impact["interruption"] != "brief" {
		t.Errorf("attachments cannot be read, and the plan says %v", impact)
	}
	l.Clear()

	// a plan without a refresh knows what the state does, also one that replaces the store
	elsewhere := strings.Replace(config, "app_id              = kvs_app.web.id",
		`app_id = kvs_app.worker.id
  migration = { strategy = "recreate", accept_data_loss = true }`, 1) + "resource \"kvs_app\" \"worker\" {\n  name = \"orders-worker\"\n}\n"
	l.mustApply(elsewhere, "-target=kvs_app.worker")
	attach("orders-late")
	impact := l.changesOf(elsewhere, "-refresh=false")[store].impact()
	if !contains(impact, map[string]any{"method": "replacement_empty", "data": "lost", "irreversible": true, "url_changes": "yes"}) {
		t.Errorf("the plan says %v", impact)
	}
	applySaved("orders-late")
	if !reflect.DeepEqual(kept(), impact) {
		t.Errorf("planned %v, kept %v", impact, kept())
	}

	// after an import there is none, and no change because of it
	l.cli.Run("state", "rm", store)
	if result := l.run(mishap{}, "import", "-input=false", store, "orders-cache"); result.Code != 0 {
		t.Fatal(result.Output())
	}
	if plan := l.plan(); plan.Code == 0 && kept() != nil {
		t.Errorf("after an import: %v", kept())
	}
}
