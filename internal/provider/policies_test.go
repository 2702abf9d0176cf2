// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// judge is what examples/policies say of a plan, given what an organisation has decided.
func (l *lab) judge(config, decided string) (denied []string) {
	l.Helper()
	l.changesOf(config)
	shown := l.run(mishap{}, "show", "-json", "plan.tfplan")
	dir := l.TempDir()
	plan, data := filepath.Join(dir, "plan.json"), filepath.Join(dir, "change.json")
	for path, text := range map[string]string{plan: shown.Stdout, data: `{"change": ` + decided + `}`} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			l.Fatal(err)
		}
	}
	opa := exec.CommandContext(l.Context(), "../../bin/opa", "eval", "--format=json",
		"--data=../../examples/policies", "--data="+data, "--input="+plan, "data.kvs.deny")
	out, err := opa.CombinedOutput()
	var found struct {
		Result []struct {
			Expressions []struct {
				Value []string
			}
		}
	}
	if err == nil {
		err = json.Unmarshal(out, &found)
	}
	if err != nil || len(found.Result) != 1 {
		l.Fatalf("opa (make policies builds it): %v\n%s", err, out)
	}
	return found.Result[0].Expressions[0].Value
}

// Each policy refuses a plan that the provider has made, and passes one that differs only in what it judges.
func TestLongPolicies_onRealPlans(t *testing.T) {
	t.Parallel()
	kept := strings.Replace(approved, "\"SPARE\"\n  deletion_protection = false", "\"SPARE\"\n  deletion_protection = true", 1)
	l := newLab(t, kept, embedded)
	l.mustApply(kept)
	if result := l.run(mishap{}, "apply", "-refresh-only", "-auto-approve", "-input=false"); result.Code != 0 { // attached_apps
		t.Fatal(result.Output())
	}
	const nothing = `{}`
	smaller := [2]string{`"premium-0"`, "\"mini\"\n  migration = { accept_unproven = true }"}
	larger := [2]string{`"premium-0"`, `"premium-2"`}
	evicting := [2]string{`"orders-cache"`, "\"orders-cache\"\n  maxmemory_policy = \"allkeys-lru\""}
	withoutCache := strings.Index(kept, `resource "kvs_instance" "cache"`)
	withoutSpare := strings.Index(kept, `resource "kvs_instance" "spare"`)
	destroyed := [2]string{kept[withoutCache:withoutSpare], ""}
	for name, test := range map[string]struct {
		control string
		edits   [][2]string
		decided string
		denied  string // "": it passes
	}{
		"a setting":                        {"", [][2]string{{`"orders-cache"`, "\"orders-cache\"\n  timeout = 60"}}, nothing, ""},
		"lost data":                        {"", [][2]string{smaller}, nothing, "keys may be lost (plan_in_place)"},
		"lost data, under a reference":     {`reference = "CHG0000001"`, [][2]string{smaller}, inWindow, ""},
		"a destroyed store":                {"", [][2]string{destroyed, {"kvs_instance.cache.id", "kvs_instance.spare.id"}}, nothing, "destroyed with all its keys"},
		"protection that is switched off":  {"", [][2]string{{"deletion_protection = true", "deletion_protection = false"}}, nothing, "deletion protection is switched off"},
		"an open range":                    {"", [][2]string{{`"198.51.100.0/24" = {}`, `"0.0.0.0/1" = {}, "128.0.0.0/1" = {}`}}, nothing, "open to more than 65536"},
		"a range":                          {"", [][2]string{{`"198.51.100.0/24" = {}`, `"203.0.113.0/24" = {}`}}, nothing, ""},
		"no ranges":                        {"", [][2]string{{kept[strings.Index(kept, `resource "kvs_trusted`):strings.Index(kept, `resource "kvs_app" "inside"`)], ""}}, nothing, "without kvs_trusted_ip_ranges"},
		"an eviction policy":               {"", [][2]string{evicting}, nothing, "under allkeys-lru keys are dropped"},
		"an eviction policy of a cache":    {"", [][2]string{evicting}, `{"caches": ["kvs_instance.cache"]}`, ""},
		"apps that restart":                {"", [][2]string{larger}, nothing, "the app orders-worker restarts, outside of its window"},
		"apps that restart in their hours": {"", [][2]string{larger}, inWindow, ""},
		"the price":                        {"", [][2]string{{`"orders-cache"`, "\"orders-cache\"\n  timeout = 60"}}, `{"monthly_limit": 30}`, "a month, and the limit is $30"},
		"a transfer":                       {"", [][2]string{{`"acme"`, `"acme-data"`}}, nothing, "transferred to another team"},
		"an old version":                   {"", nil, `{"now": "2027-01-14T00:00:00Z"}`, "is not supported any more"},
	} {
		config := kept
		for _, edit := range test.edits {
			if config = strings.Replace(config, edit[0], edit[1], 1); config == kept {
				t.Fatalf("%s: nothing is changed", name)
			}
		}
		if test.control != "" {
			config = under(test.control, config)
		}
		denied := strings.Join(l.judge(config, test.decided), "\n")
		if test.denied == "" && denied != "" || !strings.Contains(denied, test.denied) {
			t.Errorf("%s: want %q, and the policies say %q", name, test.denied, denied)
		}
	}
}

// inWindow lets both apps restart at the time of the plan.
const inWindow = `{"now": "2026-01-14T03:00:00Z", "windows": {
	"orders-web": {"from": "2026-01-14T02:00:00Z", "to": "2026-01-14T04:00:00Z"},
	"orders-worker": {"from": "2026-01-14T02:00:00Z", "to": "2026-01-14T04:00:00Z"}}}`
