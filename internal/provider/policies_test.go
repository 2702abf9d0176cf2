// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"bytes"
	"encoding/json"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/acctest"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/sandbox"
)

// fixture is a plan that the provider has made, reduced to what the policies read, and what they say of it.
type fixture struct {
	Decided map[string]any `json:"decided"` // by an organisation
	Denied  string         `json:"denied"`  // a part of what is denied; empty: it passes
	Plan    plannedFixture `json:"plan"`
}

type plannedFixture struct {
	Changes []fixtureChange `json:"resource_changes"`
	Values  struct {
		Root struct {
			Resources []fixtureResource `json:"resources"`
		} `json:"root_module"`
	} `json:"planned_values"`
}

type fixtureChange struct {
	Address string        `json:"address"`
	Mode    string        `json:"mode"`
	Type    string        `json:"type"`
	Change  plannedChange `json:"change"`
}

type fixtureResource struct {
	Address string         `json:"address"`
	Mode    string         `json:"mode"`
	Type    string         `json:"type"`
	Values  map[string]any `json:"values"`
}

// readByPolicies are the attributes that examples/policies read.
var readByPolicies = []string{
	"closes_space", "deletion_protection", "expires_at", "impact", "maxmemory_policy", "monthly_price", "plan", "range", "ranges", "shield",
	"space_id", "team", "version_actual",
}

var anyUUID = regexp.MustCompile(`[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`)

// fixtureOf plans a configuration. It leaves out what no policy reads and what differs from run to run.
func (l *lab) fixtureOf(config string, args ...string) (plan plannedFixture) {
	l.Helper()
	l.changesOf(config, args...)
	shown := l.run(mishap{}, "show", "-json", "plan.tfplan")
	text := anyUUID.ReplaceAllString(shown.Stdout, "2d6f8f4b-0a1c-4f6e-93c4-7b1d2e5f6a70")
	if err := json.Unmarshal([]byte(text), &plan); err != nil {
		l.Fatalf("%v\n%s", err, shown.Output())
	}
	reduce := func(kind string, attributes map[string]any) {
		maps.DeleteFunc(attributes, func(name string, _ any) bool {
			return !slices.Contains(readByPolicies, name) && (name != "id" || kind != "kvs_private_space")
		})
	}
	plan.Changes = slices.DeleteFunc(plan.Changes, func(c fixtureChange) bool {
		return slices.Equal(c.Change.Actions, []string{"no-op"}) || !strings.HasPrefix(c.Type, "kvs_")
	})
	for _, c := range plan.Changes {
		for _, attributes := range []map[string]any{c.Change.Before, c.Change.After, c.Change.Unknown} {
			reduce(c.Type, attributes)
		}
		delete(c.Change.Before, "impact")
		maps.DeleteFunc(c.Change.Unknown, func(_ string, value any) bool { return value == false })
	}
	resources := &plan.Values.Root.Resources
	*resources = slices.DeleteFunc(*resources, func(r fixtureResource) bool {
		return !slices.Contains([]string{"kvs_instance", "kvs_private_space", "kvs_trusted_ip_range", "kvs_trusted_ip_ranges"}, r.Type)
	})
	for _, r := range *resources {
		reduce(r.Type, r.Values)
		delete(r.Values, "impact")
	}
	return plan
}

// What the fixtures of each policy are: it passes one, and fails another; in one what it judges is unknown; and one is made
// after a change by hand.
const (
	passes  = "passes"
	fails   = "fails"
	unknown = "unknown"
	drift   = "drift"
)

// Each policy refuses a plan that the provider has made, and passes one that differs only in what it judges. The plans are
// the fixtures of the policies' own tests. KVS_WRITE_FIXTURES=1 writes them.
func TestLongPolicies_onRealPlans(t *testing.T) {
	t.Parallel()
	l := newLab(t, approved, embedded)
	l.mustApply(approved)
	if result := l.run(mishap{}, "apply", "-refresh-only", "-auto-approve", "-input=false"); result.Code != 0 { // attached_apps
		t.Fatal(result.Output())
	}
	fixtures := make(map[string]map[string]fixture)
	add := func(policy, kind string, decided map[string]any, denied, config string, args ...string) {
		all := map[string]any{"now": "2026-01-14T00:00:00Z"}
		maps.Copy(all, decided)
		if fixtures[policy] == nil {
			fixtures[policy] = make(map[string]fixture)
		}
		fixtures[policy][kind] = fixture{all, denied, l.fixtureOf(config, args...)}
	}
	part := func(from, to string) string {
		return approved[strings.Index(approved, from):strings.Index(approved, to)]
	}
	edited := func(edits ...[2]string) string {
		config := approved
		for _, edit := range edits {
			was := config
			if config = strings.Replace(config, edit[0], edit[1], 1); config == was {
				t.Fatalf("nothing is changed by %q", edit)
			}
		}
		if strings.Contains(config, "terraform_data.later") {
			config += "resource \"terraform_data\" \"later\" {\n  input = \"60\"\n}\n"
		}
		return config
	}
	store := func(settings string) [2]string { return [2]string{`"orders-cache"`, "\"orders-cache\"\n  " + settings} }
	spare := func(settings string) [2]string { return [2]string{`"orders-spare"`, "\"orders-spare\"\n  " + settings} }
	var (
		setting   = store("timeout = 60")
		evicting  = store(`maxmemory_policy = "allkeys-lru"`)
		smaller   = [2]string{`"premium-0"`, "\"mini\"\n  migration = { accept_unproven = true }"}
		larger    = [2]string{`"premium-0"`, `"premium-2"`}
		ranges    = `{ "192.0.2.0/24" = {}, "198.51.100.0/24" = {} }`
		opened    = [2]string{ranges, `{ "0.0.0.0/1" = {}, "128.0.0.0/1" = {} }`}
		later     = [2]string{ranges, `{ for n in [terraform_data.later.output] : "192.0.${n}.0/24" => {} }`}
		noRanges  = [2]string{part(`resource "kvs_trusted`, `resource "kvs_app" "inside"`), ""}
		destroyed = [][2]string{{part(`resource "kvs_instance" "cache"`, `resource "kvs_instance" "spare"`), ""},
			{"kvs_instance.cache.id", "kvs_instance.spare.id"}}
		one = func(settings string) [2]string {
			return [2]string{noRanges[0], "resource \"kvs_trusted_ip_range\" \"fair\" {\n  space_id = kvs_private_space.prod.id\n" +
				"  range    = \"203.0.113.0/24\"\n  " + settings + "\n}\n\n"}
		}
		expired     = one("closes_space = true\n  expires_at = \"2026-01-10T00:00:00Z\"")
		inside      = [2]string{part(`resource "kvs_instance" "inside"`, `resource "kvs_app" "web"`), ""}
		unprotected = [2]string{"deletion_protection = true", "deletion_protection = false"}
		reference   = map[string]any{"reference": "CHG0000001"}
		agreed      = map[string]any{"reference": "CHG0000001", "now": inWindow["now"], "windows": inWindow["windows"]}
		limit       = func(dollars int) map[string]any { return map[string]any{"monthly_limit": dollars} }
	)
	for _, c := range []struct {
		policy, kind string
		decided      map[string]any
		denied       string
		edits        [][2]string
	}{
		{"a setting", passes, nil, "", [][2]string{setting}},
		{"lost data", fails, nil, "keys may be lost (plan_in_place)", [][2]string{smaller}},
		{"lost data", unknown, nil, "what becomes of the data is known only after apply", [][2]string{store("timeout = terraform_data.later.output")}},
		{"a destroyed store", passes, agreed, "", destroyed},
		{"a destroyed store", fails, nil, "destroyed with all its keys", destroyed},
		{"a destroyed store", unknown, nil, "destroyed with all its keys", append(destroyed, later)},
		{"a destroyed shield store", passes, agreed, "", destroyed},
		{"a destroyed shield store", fails, reference, "a store on the plan shield-7 is destroyed", [][2]string{inside}},
		{"a destroyed shield store", unknown, reference, "a store on the plan shield-7 is destroyed", [][2]string{inside, later}},
		{"protection", passes, nil, "", [][2]string{{"deletion_protection = false", "deletion_protection = true"}}},
		{"protection", fails, nil, "deletion protection is switched off", [][2]string{unprotected}},
		{"protection", unknown, nil, "known only after apply whether deletion protection is switched off", [][2]string{
			{"deletion_protection = true", `deletion_protection = terraform_data.later.output == "60"`}}},
		{"eviction", passes, map[string]any{"caches": []string{"kvs_instance.cache"}}, "", [][2]string{evicting}},
		{"eviction", fails, nil, "under allkeys-lru keys are dropped", [][2]string{evicting}},
		{"eviction", unknown, nil, "whether keys are dropped when the memory is full is known only after apply", [][2]string{
			store("maxmemory_policy = terraform_data.later.output")}},
		{"open ranges", passes, nil, "", [][2]string{{`"198.51.100.0/24" = {}`, `"203.0.113.0/24" = {}`}}},
		{"open ranges", fails, nil, "open to more than 65536", [][2]string{opened}},
		{"open ranges", unknown, nil, "are known only after apply", [][2]string{later}},
		{"a space without ranges", passes, nil, "", [][2]string{setting}},
		{"a space without ranges", fails, nil, "without kvs_trusted_ip_ranges", [][2]string{noRanges}},
		{"a space without ranges", unknown, nil, "kvs_private_space.next: a Shield Space without kvs_trusted_ip_ranges", [][2]string{
			{`resource "kvs_app" "inside"`, nextSpace + `resource "kvs_app" "inside"`}}},
		{"one range", passes, nil, "", [][2]string{one("closes_space = true")}},
		{"one range", fails, nil, "without a range that closes it", [][2]string{one("")}},
		{"one range", unknown, nil, "without a range that closes it", [][2]string{one(`closes_space = terraform_data.later.output == "60"`)}},
		{"an expired range", passes, nil, "", [][2]string{one("closes_space = true\n  expires_at = \"2026-01-20T00:00:00Z\"")}},
		{"an expired range", fails, nil, "203.0.113.0/24 was needed until 2026-01-10T00:00:00Z", [][2]string{expired}},
		{"an expired range", unknown, nil, "", [][2]string{one("closes_space = true\n  expires_at = terraform_data.later.output")}},
		{"the price", passes, limit(1145), "", [][2]string{setting}},
		{"the price", fails, limit(1144), "a month, and the limit is $1144", [][2]string{setting}},
		{"the price", unknown, limit(1145), "the price is known only after apply", [][2]string{{`"premium-0"`, "terraform_data.later.output"}}},
		{"apps that restart", passes, inWindow, "", [][2]string{larger}},
		{"apps that restart", fails, nil, "the app orders-worker restarts, outside of its window", [][2]string{larger}},
		{"a transfer", passes, nil, "", [][2]string{{`"acme-prod"`, `"acme-production"`}}},
		{"a transfer", fails, nil, "transferred to another team", [][2]string{{`"acme"`, `"acme-data"`}}},
		{"a transfer", unknown, nil, "known only after apply whether the space is transferred", [][2]string{{`"acme"`, "terraform_data.later.output"}}},
		{"an old version", passes, map[string]any{"now": "2026-12-30T00:00:00Z"}, "", nil},
		{"an old version", fails, map[string]any{"now": "2027-01-14T00:00:00Z"}, "is not supported any more", nil},
		{"an old version", unknown, nil, "", [][2]string{{`resource "kvs_attachment" "worker"`, newStore + `resource "kvs_attachment" "worker"`}}},
	} {
		add(c.policy, c.kind, c.decided, c.denied, edited(c.edits...))
	}
	add("lost data", passes, inWindow, "", under(`reference = "CHG0000001"`, edited(smaller)))

	l.Inject(sandbox.Fault{Match: sandbox.Match{Path: "/addons/*/addon-attachments"}, Do: sandbox.Effect{Status: http.StatusForbidden}})
	add("apps that restart", unknown, nil, "apps restart, and it is not known which",
		strings.Replace(approved, `"premium-1"`, `"premium-2"`, 1), "-target=kvs_instance.spare")
	l.Clear()

	// What was changed by hand is judged by what the plan makes of it, and by what it leaves.
	ctx := t.Context()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	id := func(address, attribute string) string {
		object, _ := l.cli.Object(address)
		return object.Attributes[attribute].(string)
	}
	var (
		spareID, app = heroku.AddOnID(id("kvs_instance.spare", "id")), heroku.AppID(id("kvs_instance.spare", "app_id"))
		space        = heroku.SpaceID(id("kvs_private_space.prod", "id"))
	)
	evict := func(policy string) {
		must(l.client.UpdateStoreConfig(ctx, spareID, heroku.StoreConfigUpdate{MaxmemoryPolicy: &policy}))
	}
	evict("allkeys-lru")
	add("a setting", drift, nil, "", approved)
	add("eviction", drift, nil, "under allkeys-lru keys are dropped", edited(spare(`maxmemory_policy = "allkeys-lru"`)))
	add("protection", drift, nil, "deletion protection is switched off", edited(unprotected))
	add("a destroyed store", drift, nil, "destroyed with all its keys", edited(destroyed...))
	add("a destroyed shield store", drift, reference, "a store on the plan shield-7 is destroyed", edited(inside))
	add("an expired range", drift, nil, "203.0.113.0/24 was needed until", edited(expired))
	evict("noeviction")

	size := func(plan string) {
		service := "heroku-redis:" + plan
		_, err := l.client.UpdateAddOn(ctx, app, spareID, heroku.AddOnUpdate{Plan: &service})
		must(err)
		_, err = l.client.WaitStoreAvailable(ctx, spareID, plan, time.Hour)
		must(err)
	}
	size("premium-2")
	add("lost data", drift, inWindow, "keys may be lost (plan_in_place)", edited(spare("migration = { accept_unproven = true }")))
	add("the price", drift, limit(1145), "a month, and the limit is $1145", edited([2]string{`"premium-1"`, `"premium-2"`}, setting))
	size("premium-1")

	colleague := mustCreateApp(t, l.client, "orders-colleague")
	attached, err := l.client.CreateAttachment(ctx, heroku.AttachmentCreate{AddOn: l.storeID(), App: colleague.ID, Name: "CACHE"})
	must(err)
	add("apps that restart", drift, inWindow, "the app orders-colleague restarts, outside of its window", edited(larger))
	must(l.client.DeleteAttachment(ctx, attached.ID))

	trust := func(sources ...string) {
		var rules []heroku.Rule
		for _, source := range sources {
			rules = append(rules, heroku.Rule{Action: "allow", Source: source})
		}
		_, err := l.client.SetTrustedRanges(ctx, space, rules)
		must(err)
	}
	trust("0.0.0.0/1", "128.0.0.0/1")
	add("open ranges", drift, nil, "open to more than 65536", edited(opened, setting))
	add("a space without ranges", drift, nil, "without kvs_trusted_ip_ranges", edited(noRanges))
	add("one range", drift, nil, "without a range that closes it", edited(one("")))
	trust("192.0.2.0/24", "198.51.100.0/24")

	_, err = l.client.TransferSpace(ctx, space, "acme-data")
	must(err)
	add("a transfer", drift, nil, "transferred to another team", approved)
	_, err = l.client.TransferSpace(ctx, space, "acme")
	must(err)

	must(l.client.UpgradeStore(ctx, spareID, "8.0"))
	_, err = l.client.WaitMaintenanceReady(ctx, spareID, time.Hour)
	must(err)
	must(l.client.RunMaintenance(ctx, spareID))
	_, err = l.client.WaitMaintenanceOver(ctx, spareID, time.Hour)
	must(err)
	add("an old version", drift, map[string]any{"releases": map[string]string{"7.2": "2026-12-31", "8.0": "2025-12-31"}},
		"kvs_instance.spare: version 8.0", edited(setting))

	made, err := json.MarshalIndent(fixtures, "", "  ")
	must(err)
	made = append(made, '\n')
	committed := filepath.Join(examplesDir, "policies", "fixtures", "plans.json")
	if os.Getenv("KVS_WRITE_FIXTURES") != "" {
		must(os.WriteFile(committed, made, 0o600))
		return
	}
	if was, _ := os.ReadFile(committed); !acctest.OnOpenTofu() && !bytes.Equal(was, made) {
		t.Errorf("%s is not what the provider plans now: run make generate, and read the diff", committed)
	}
	judged(t, fixtures)
}

// nextSpace is a second Shield Space, whose ranges are forgotten. Its id is unknown while it is planned.
const nextSpace = `resource "kvs_private_space" "next" {
  name   = "acme-next"
  team   = "acme"
  shield = true
}

`

// newStore has no version yet.
const newStore = `resource "kvs_instance" "next" {
  app_id          = kvs_app.worker.id
  plan            = "premium-0"
  attachment_name = "NEXT"
}

`

// judged compares what the policies say of the fixtures with what is expected, and finds a policy that none of them fails.
func judged(t *testing.T, fixtures map[string]map[string]fixture) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "../../bin/opa", "eval", "--format=raw", "--data=../../examples/policies",
		"data.kvs_test.said").Output()
	var said map[string]map[string][]string
	if err == nil {
		err = json.Unmarshal(out, &said)
	}
	if err != nil {
		t.Fatalf("opa (make policies builds it): %v\n%s", err, out)
	}
	var all []string
	for policy, kinds := range fixtures {
		for kind, fixture := range kinds {
			denied := strings.Join(said[policy][kind], "\n")
			if fixture.Denied == "" && denied != "" || !strings.Contains(denied, fixture.Denied) {
				t.Errorf("%s, %s: want %q, and the policies say %q", policy, kind, fixture.Denied, denied)
			}
			all = append(all, said[policy][kind]...)
		}
		if got := slices.Sorted(maps.Keys(kinds)); policy != "a setting" && !slices.Equal(got, []string{drift, fails, passes, unknown}) {
			t.Errorf("%s has fixtures only of %v", policy, got)
		}
	}
	rules, err := filepath.Glob(filepath.Join(examplesDir, "policies", "*.rego"))
	if err != nil {
		t.Fatal(err)
	}
	verbs := regexp.MustCompile(`%[sv]`)
	found := 0
	denies := regexp.MustCompile(`(?s)\ndeny contains msg if \{.*?sprintf\("([^"]*)"`)
	for _, file := range rules {
		for _, rule := range denies.FindAllStringSubmatch(string(fileOf(t, file)), -1) {
			found++
			matches := regexp.MustCompile(verbs.ReplaceAllString(regexp.QuoteMeta(rule[1]), ".*"))
			if !slices.ContainsFunc(all, matches.MatchString) {
				t.Errorf("no fixture fails the policy %q", rule[1])
			}
		}
	}
	if found < 10 {
		t.Errorf("only %d policies were found", found)
	}
}

// inWindow lets both apps restart at the time of the plan.
var inWindow = map[string]any{"now": "2026-01-14T03:00:00Z", "windows": map[string]any{
	"orders-web":    map[string]any{"from": "2026-01-14T02:00:00Z", "to": "2026-01-14T04:00:00Z"},
	"orders-worker": map[string]any{"from": "2026-01-14T02:00:00Z", "to": "2026-01-14T04:00:00Z"},
}}
