// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/acctest"
)

// under is a configuration with change control.
func under(control, config string) string {
	return "provider \"kvs\" {\n  change_control = {\n    " + control + "\n  }\n}\n" + config
}

const (
	needsReference = "A governed change needs a change reference"
	inFreeze       = "Changes are frozen"
)

// refused applies a saved plan, which has to be refused.
func (l *lab) refused(says, plan string) acctest.Result {
	l.Helper()
	result := l.run(mishap{}, "apply", "-input=false", "-no-color", plan)
	if result.Code != 1 || !acctest.Says(says).MatchString(result.Output()) {
		l.Errorf("%s exited %d, want 1 and %q:\n%s", plan, result.Code, says, result.Output())
	}
	return result
}

// A governed change needs a reference, of each kind of object, and nothing else does.
func TestAccChangeControl_reference(t *testing.T) {
	t.Parallel()
	l := newLab(t, outside)
	const pattern = `reference_pattern = "^CHG[0-9]{7}$"`

	// what is not governed passes, beside what is refused before anything is sent
	l.cli.Configure(under(pattern, shielded))
	l.mustRefuse(needsReference, "apply", "-auto-approve")
	if sent := l.writes(); len(sent) != 0 {
		t.Errorf("%d requests were sent, such as %+v", len(sent), sent[0])
	}
	l.mustApply(under(pattern, outside))
	l.cli.Configure(under(pattern+`, reference = "CHG1"`, shielded))
	l.mustRefuse("The change reference is not valid", "plan")
	l.mustApply(under(pattern+`, reference = "CHG0000001"`, shielded))

	// reading, planning nothing and importing
	l.cli.Configure(under(pattern, shielded))
	l.expectNoChanges()
	if result := l.run(mishap{}, "apply", "-refresh-only", "-auto-approve", "-input=false"); result.Code != 0 {
		t.Errorf("a refresh exited %d:\n%s", result.Code, result.Output())
	}
	space, _ := l.cli.Object("kvs_private_space.prod")
	ranges := fmt.Sprint(space.Attributes["id"])
	l.cli.Run("state", "rm", "kvs_trusted_ip_ranges.prod")
	if result := l.run(mishap{}, "import", "-input=false", "kvs_trusted_ip_ranges.prod", ranges); result.Code != 0 {
		t.Errorf("an import exited %d:\n%s", result.Code, result.Output())
	}

	// each kind of change: in the space, on its way out, and what only the state knows of
	sent := len(l.writes())
	for what, edit := range map[string][2]string{
		"a range":       {"192.0.2.0/24", "203.0.113.0/24"},
		"a name":        {`"orders-inside"`, `"orders-within"`},
		"a setting":     {"name                = \"orders-inside-cache\"", "name = \"orders-inside-cache\"\n timeout = 60"},
		"an attachment": {"SECOND", "THIRD"},
		"a window":      {"Sunday", "Monday"},
		"a log drain": {"shield              = true", "shield = true\n log_drain_url_wo = " +
			"\"https://logs.example.com/x\"\n log_drain_url_wo_version = 1"},
		"only protection": {"shield-7\"\n  name                = \"orders-inside-cache\"\n  deletion_protection = false", "shield-7\"\n name = \"orders-inside-cache\"\n deletion_protection = true"},
	} {
		changed := strings.Replace(shielded, edit[0], edit[1], 1)
		if changed == shielded {
			t.Fatalf("%s: nothing is changed", what)
		}
		l.cli.Configure(under(pattern, changed))
		if result := l.run(mishap{}, "plan", "-input=false", "-no-color"); result.Code != 1 ||
			!acctest.Says(needsReference).MatchString(result.Output()) {
			t.Errorf("%s: the plan exited %d:\n%s", what, result.Code, result.Output())
		}
	}
	l.cli.Configure(under(pattern, shielded))
	refused := l.mustRefuse(needsReference, "destroy", "-auto-approve")
	for _, kind := range []string{"kvs_trusted_ip_ranges acme-prod", "kvs_attachment SECOND", "kvs_maintenance_window " +
		"orders-inside-cache"} { // they come first
		if !strings.Contains(refused.Output(), kind) {
			t.Errorf("the end of %s is not refused:\n%s", kind, refused.Output())
		}
	}
	if strings.Contains(refused.Output(), "kvs_app orders-web") {
		t.Errorf("the app outside is governed:\n%s", refused.Output())
	}
	if now := len(l.writes()); now != sent {
		t.Errorf("%d requests were sent", now-sent)
	}
}

// A reference that only apply knows is judged then, before the first request.
func TestAccChangeControl_referenceKnownAfterApply(t *testing.T) {
	t.Parallel()
	l := newLab(t, outside)
	const reference = `reference = terraform_data.change.output, reference_pattern = "CHG[0-9]{7}", applies_to = "all"`
	change := func(text string) string {
		return "resource \"terraform_data\" \"change\" {\n  input = \"" + text + "\"\n}\n" + outside
	}
	l.cli.Configure(under(reference, change("CHG")))
	if result := l.run(mishap{}, "plan", "-input=false"); result.Code != 0 {
		t.Errorf("the plan exited %d:\n%s", result.Code, result.Output())
	}
	l.mustRefuse("The change reference is not valid", "apply", "-auto-approve")
	if sent := l.writes(); len(sent) != 0 {
		t.Errorf("%d requests were sent", len(sent))
	}
	l.mustApply(under(reference, change("CHG0000001")))
}

// A plan that was made before a freeze is refused in it, whatever it does, and an emergency passes.
func TestAccChangeControl_savedPlanInAFreeze(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		args   []string
		passes bool
	}{
		"changes":   {nil, false}, // it creates, updates and destroys
		"the end":   {[]string{"-destroy"}, false},
		"emergency": {[]string{"-var=emergency=true"}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLab(t, outside)
			begins := l.Clock().Now().Add(time.Hour)
			control := fmt.Sprintf(`applies_to = "all", reference = "CHG1", emergency = var.emergency, freezes = [{ from = %q, to = %q, reason = "year-end close" }]`,
				begins.Format(time.RFC3339), begins.Add(time.Hour).Format(time.RFC3339))
			const variable = "variable \"emergency\" {\n  default = false\n}\n"
			another := func(label string) string {
				return strings.NewReplacer(`"web"`, `"`+label+`"`, "orders-web", "orders-"+label).Replace(outside)
			}
			l.mustApply(under(control, variable+outside+another("api")))
			l.cli.Configure(under(control, variable+strings.Replace(outside, "orders-web",
				"orders-web\"\n maintenance = \"true", 1)+another("new")))
			if result := l.run(mishap{}, append([]string{"plan", "-out=saved", "-input=false", "-no-color"},
				test.args...)...); result.Code != 0 {
				t.Fatalf("the plan exited %d:\n%s", result.Code, result.Output())
			}
			l.Clock().AdvanceTo(begins.Add(time.Minute))
			sent := len(l.writes())
			if test.passes {
				if result := l.run(mishap{}, "apply", "-input=false", "-no-color", "saved"); result.Code != 0 {
					t.Errorf("it exited %d:\n%s", result.Code, result.Output())
				}
				return
			}
			refused := l.refused(inFreeze, "saved")
			for _, says := range []string{"year-end close", "emergency = true", "kvs_app orders-api"} {
				if !acctest.Says(says).MatchString(refused.Output()) {
					t.Errorf("it does not say %q:\n%s", says, refused.Output())
				}
			}
			l.mustRefuse(inFreeze, "plan")
			if now := len(l.writes()); now != sent {
				t.Errorf("%d requests were sent in the freeze", now-sent)
			}
		})
	}
}

// What was approved under one reference is not done under another one.
func TestAccChangeControl_savedPlanUnderAnotherReference(t *testing.T) {
	t.Parallel()
	l := newLab(t, outside)
	reference := filepath.Join(t.TempDir(), "reference")
	write := func(text string) {
		if err := os.WriteFile(reference, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("CHG1")
	control := fmt.Sprintf("applies_to = \"all\"\n reference = coalesce(var.change, file(%q))", reference)
	l.mustApply(under(control, outside+"variable \"change\" {\n  default = null\n}\n"))
	planned := func(args ...string) {
		t.Helper()
		if result := l.run(mishap{}, append([]string{"plan", "-out=saved", "-input=false"}, args...)...); result.Code != 0 {
			t.Fatalf("plan exited %d:\n%s", result.Code, result.Output())
		}
	}
	sent := len(l.writes())
	planned("-destroy")
	write("CHG2")
	l.refused("The plan was made under another change reference", "saved")

	// a variable goes with the plan, whatever is done
	planned("-var=change=CHG3", "-destroy")
	if result := l.run(mishap{}, "apply", "-input=false", "-no-color", "-var=change=CHG4", "saved"); result.Code == 0 {
		t.Errorf("the CLI has changed a variable of a saved plan:\n%s", result.Output())
	}
	if now := len(l.writes()); now != sent {
		t.Errorf("%d requests were sent", now-sent)
	}
	if result := l.run(mishap{}, "apply", "-input=false", "saved"); result.Code != 0 {
		t.Errorf("under its own reference it exited %d:\n%s", result.Code, result.Output())
	}
}

// Actions are judged when they are planned and when they are invoked, and their writes are recorded.
func TestAccChangeControl_actions(t *testing.T) {
	t.Parallel()
	w := newKeptWorld(t, "premium-0")
	w.require()
	w.ResetJournal()
	record := filepath.Join(t.TempDir(), "record.jsonl")
	start := func(attributes map[string]string) actionServer {
		s := unconfiguredActionServer(t, w.Sandbox)
		of := s.own.AttributeTypes["change_control"].(tftypes.Object)
		within := map[string]tftypes.Value{}
		for name, kind := range of.AttributeTypes {
			within[name] = tftypes.NewValue(kind, nil)
			if text, ok := attributes[name]; ok {
				within[name] = tftypes.NewValue(kind, text)
			}
		}
		s.configureWith(values{"change_control": tftypes.NewValue(of, within)})
		return s
	}
	without := start(map[string]string{"applies_to": "all"})
	for name, given := range required(string(w.store)) {
		if name == "kvs_set_app_maintenance" {
			given["app_id"] = string(w.web)
		}
		without.invoke(name, given).failed(needsReference)
		plan := &tfprotov6.PlanActionRequest{ActionType: name, Config: without.config(name, given)}
		planned, err := without.server.PlanAction(t.Context(), plan)
		if err != nil || len(planned.Diagnostics) != 1 || planned.Diagnostics[0].Summary != needsReference {
			t.Errorf("%s is planned: %v %v", name, planned, err)
		}
	}
	if sent := w.Requests("(POST|PATCH|PUT|DELETE)", ".*"); len(sent) != 0 {
		t.Errorf("%d requests were sent", len(sent))
	}
	with := start(map[string]string{"applies_to": "all", "reference": "CHG7", "record_file": record})
	with.invoke("kvs_set_app_maintenance", values{"app_id": string(w.web), "maintenance": true}).succeeded()
	with.invoke("kvs_reset_stats", values{"instance_id": string(w.store)}).succeeded()
	with.invoke("kvs_rotate_credentials", values{"instance_id": string(w.store)}).succeeded()
	with.invoke("kvs_schedule_maintenance", values{"instance_id": string(w.store), "in_weeks": 1}).succeeded()
	still := values{"instance_id": string(w.store), "app_maintenance": true, "scale_down": true}
	with.invoke("kvs_run_maintenance", still).succeeded()
	still["version"], still["when"] = "8.0", "now"
	with.invoke("kvs_upgrade_version", still).succeeded()
	lines, _ := (&lab{T: t}).recordOf(record)
	if sent := w.Requests("(POST|PATCH|PUT|DELETE)", ".*"); len(sent) < 6 || len(lines) != 2*len(sent) {
		t.Errorf("%d lines of %d writes: %+v", len(lines), len(sent), lines)
	}
	if lines[1].Object.Kind != "kvs_app" || lines[3].Object.Kind != "kvs_instance" || lines[3].Object.Name != "orders-cache" {
		t.Errorf("the record has %+v", lines)
	}
}

// Who may create apps in a Shield Space, and the dynos of an app in it, are governed; the dynos of an app outside are not.
func TestAccChangeControl_membersAndDynos(t *testing.T) {
	t.Parallel()
	const pattern = `reference_pattern = "CHG[0-9]{7}"`
	estate := approved + staffed
	l := newLab(t, estate, embedded)
	l.mustApply(estate)
	sent := len(l.writes())
	for _, edit := range [][2]string{
		{`"member@acme.example"`, "\"member@acme.example\"\n  permissions = []"},
		{"quantity = 2", "quantity = 1"},
		{`"Shield-S"`, `"Shield-M"`},
	} {
		l.cli.Configure(under(pattern, strings.Replace(estate, edit[0], edit[1], 1)))
		if result := l.run(mishap{}, "plan", "-input=false", "-no-color"); result.Code != 1 ||
			!acctest.Says(needsReference).MatchString(result.Output()) {
			t.Errorf("%s: the plan exited %d:\n%s", edit[1], result.Code, result.Output())
		}
	}
	l.cli.Configure(under(pattern, estate))
	refused := l.mustRefuse(needsReference, "destroy", "-auto-approve", "-target=kvs_space_app_access.member", "-target=kvs_formation.inside")
	for _, object := range []string{"kvs_space_app_access member@acme.example", "kvs_formation web"} {
		if !strings.Contains(refused.Output(), object) {
			t.Errorf("the end of %s is not refused:\n%s", object, refused.Output())
		}
	}
	if now := len(l.writes()); now != sent {
		t.Errorf("%d requests were sent", now-sent)
	}
	l.mustApply(under(pattern, strings.Replace(estate, "quantity = 3", "quantity = 4", 1)))
	l.mustApply(under(pattern+`, reference = "CHG0000001"`, strings.Replace(estate, "quantity = 2", "quantity = 1", 1)))
}
