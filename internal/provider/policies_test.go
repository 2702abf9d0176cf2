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
	"closes_space", "deletion_protection", "expires_at", "impact", "maxmemory_policy", "monthly_price", "plan", "range", "ranges", "shield", "space_id", "version_actual",
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

// Each policy refuses a plan that the provider has made, and passes one that differs only in what it judges. The plans are
// the fixtures of the policies' own tests. KVS_WRITE_FIXTURES=1 writes them.
func TestLongPolicies_onRealPlans(t *testing.T) {
	t.Parallel()
	l := newLab(t, approved, embedded)
	l.mustApply(approved)
	if result := l.run(mishap{}, "apply", "-refresh-only", "-auto-approve", "-input=false"); result.Code != 0 { // attached_apps
		t.Fatal(result.Output())
	}
	part := func(from, to string) string {
		return approved[strings.Index(approved, from):strings.Index(approved, to)]
	}
	store := func(settings string) [2]string { return [2]string{`"orders-cache"`, "\"orders-cache\"\n  " + settings} }
	var (
		setting  = store("timeout = 60")
		evicting = store(`maxmemory_policy = "allkeys-lru"`)
		smaller  = [2]string{`"premium-0"`, "\"mini\"\n  migration = { accept_unproven = true }"}
		larger   = [2]string{`"premium-0"`, `"premium-2"`}
		ranges   = `{ "192.0.2.0/24" = {}, "198.51.100.0/24" = {} }`
		set      = part(`resource "kvs_trusted`, `resource "kvs_app" "inside"`)
		one      = func(settings string) [2]string {
			return [2]string{set, "resource \"kvs_trusted_ip_range\" \"fair\" {\n  space_id = kvs_private_space.prod.id\n" +
				"  range    = \"203.0.113.0/24\"\n  " + settings + "\n}\n\n"}
		}
		later = "resource \"terraform_data\" \"later\" {\n  input = \"60\"\n}\n"
	)
	cases := map[string]struct {
		denied  string
		decided map[string]any
		control string
		edits   [][2]string
	}{
		"a setting":                    {edits: [][2]string{setting}},
		"a range":                      {edits: [][2]string{{`"198.51.100.0/24" = {}`, `"203.0.113.0/24" = {}`}}},
		"lost data":                    {"keys may be lost (plan_in_place)", nil, "", [][2]string{smaller}},
		"lost data, under a reference": {"", inWindow, `reference = "CHG0000001"`, [][2]string{smaller}},
		"data of which nothing is known": {"what becomes of the data is known only after apply", nil, "", [][2]string{
			store("timeout = terraform_data.later.output")}},
		"a destroyed store": {"destroyed with all its keys", nil, "", [][2]string{
			{part(`resource "kvs_instance" "cache"`, `resource "kvs_instance" "spare"`), ""},
			{"kvs_instance.cache.id", "kvs_instance.spare.id"}}},
		"a destroyed shield store": {"a store on the plan shield-7 is destroyed", nil, "", [][2]string{
			{part(`resource "kvs_instance" "inside"`, `resource "kvs_app" "web"`), ""}}},
		"protection that is switched off": {"deletion protection is switched off", nil, "", [][2]string{
			{"deletion_protection = true", "deletion_protection = false"}}},
		"an open range": {"open to more than 65536", nil, "", [][2]string{{ranges, `{ "0.0.0.0/1" = {}, "128.0.0.0/1" = {} }`}}},
		"ranges of which nothing is known": {"are known only after apply", nil, "", [][2]string{
			{ranges, `{ for n in [terraform_data.later.output] : "192.0.${n}.0/24" => {} }`}}},
		"no ranges":                        {"without kvs_trusted_ip_ranges", nil, "", [][2]string{{set, ""}}},
		"single range":                     {edits: [][2]string{one("closes_space = true")}},
		"single range that closes nothing": {"without a range that closes it", nil, "", [][2]string{one("")}},
		"single range that has expired": {"203.0.113.0/24 was needed until 2026-01-10T00:00:00Z", nil, "",
			[][2]string{one("closes_space = true\n  expires_at = \"2026-01-10T00:00:00Z\"")}},
		"an eviction policy": {"under allkeys-lru keys are dropped", nil, "", [][2]string{evicting}},
		"an eviction policy of a cache": {"", map[string]any{"caches": []string{"kvs_instance.cache"}}, "",
			[][2]string{evicting}},
		"apps that restart":                {"the app orders-worker restarts, outside of its window", nil, "", [][2]string{larger}},
		"apps that restart in their hours": {"", inWindow, "", [][2]string{larger}},
		"the price":                        {"a month, and the limit is $30", map[string]any{"monthly_limit": 30}, "", [][2]string{setting}},
		"a transfer":                       {"transferred to another team", nil, "", [][2]string{{`"acme"`, `"acme-data"`}}},
		"an old version":                   {"is not supported any more", map[string]any{"now": "2027-01-14T00:00:00Z"}, "", nil},
	}
	fixtures := make(map[string]fixture)
	add := func(name string, decided map[string]any, denied, config string, args ...string) {
		all := map[string]any{"now": "2026-01-14T00:00:00Z"}
		maps.Copy(all, decided)
		fixtures[name] = fixture{all, denied, l.fixtureOf(config, args...)}
	}
	for name, test := range cases {
		config := approved
		for _, edit := range test.edits {
			if config = strings.Replace(config, edit[0], edit[1], 1); config == approved {
				t.Fatalf("%s: nothing is changed", name)
			}
		}
		if strings.Contains(config, "terraform_data.later") {
			config += later
		}
		if test.control != "" {
			config = under(test.control, config)
		}
		add(name, test.decided, test.denied, config)
	}

	unreadable := sandbox.Match{Path: "/addons/*/addon-attachments"}
	l.Inject(sandbox.Fault{Match: unreadable, Do: sandbox.Effect{Status: http.StatusForbidden}})
	add("apps that cannot be read", nil, "apps restart, and it is not known which",
		strings.Replace(approved, `"premium-1"`, `"premium-2"`, 1), "-target=kvs_instance.spare")
	l.Clear()

	// what was changed by hand is judged by what the plan makes of it
	spare, _ := l.cli.Object("kvs_instance.spare")
	id, app := heroku.AddOnID(spare.Attributes["id"].(string)), heroku.AppID(spare.Attributes["app_id"].(string))
	policy, plan := "allkeys-lru", "heroku-redis:premium-2"
	if err := l.client.UpdateStoreConfig(t.Context(), id, heroku.StoreConfigUpdate{MaxmemoryPolicy: &policy}); err != nil {
		t.Fatal(err)
	}
	add("an eviction policy that was set by hand", nil, "", approved)
	with := func(settings string) string {
		return strings.Replace(approved, `"orders-spare"`, "\"orders-spare\"\n  "+settings, 1)
	}
	add("an eviction policy that was set by hand and is kept", nil, "under allkeys-lru keys are dropped",
		with("maxmemory_policy = \"allkeys-lru\"\n  timeout = 60"))
	if _, err := l.client.UpdateAddOn(t.Context(), app, id, heroku.AddOnUpdate{Plan: &plan}); err != nil {
		t.Fatal(err)
	}
	if _, err := l.client.WaitStoreAvailable(t.Context(), id, "premium-2", time.Hour); err != nil {
		t.Fatal(err)
	}
	add("a store that was enlarged by hand", inWindow, "keys may be lost (plan_in_place)",
		with("migration = { accept_unproven = true }"))

	made, err := json.MarshalIndent(fixtures, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	made = append(made, '\n')
	committed := filepath.Join(examplesDir, "policies", "fixtures", "plans.json")
	if os.Getenv("KVS_WRITE_FIXTURES") != "" {
		if err := os.WriteFile(committed, made, 0o600); err != nil {
			t.Fatal(err)
		}
	} else if was, _ := os.ReadFile(committed); !acctest.OnOpenTofu() && !bytes.Equal(was, made) {
		t.Errorf("%s is not what the provider plans now: run make policies with KVS_WRITE_FIXTURES=1, and read the diff", committed)
	}
	judged(t, fixtures)
}

// judged compares what the policies say of the fixtures with what is expected, and finds a policy that none of them fails.
func judged(t *testing.T, fixtures map[string]fixture) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "../../bin/opa", "eval", "--format=raw", "--data=../../examples/policies",
		"data.kvs_test.said").Output()
	var said map[string][]string
	if err == nil {
		err = json.Unmarshal(out, &said)
	}
	if err != nil {
		t.Fatalf("opa (make policies builds it): %v\n%s", err, out)
	}
	var all []string
	for name, fixture := range fixtures {
		denied := strings.Join(said[name], "\n")
		if fixture.Denied == "" && denied != "" || !strings.Contains(denied, fixture.Denied) {
			t.Errorf("%s: want %q, and the policies say %q", name, fixture.Denied, denied)
		}
		all = append(all, said[name]...)
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
