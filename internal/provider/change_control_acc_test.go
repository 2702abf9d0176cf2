// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/acctest"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/changecontrol"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
)

// under is a configuration with change control.
func under(control, config string) string {
	return "provider \"kvs\" {\n  change_control = {\n    " + control + "\n  }\n}\n" + config
}

// shielded has one of each resource in a Shield Space, and an app outside.
const shielded = `
resource "kvs_private_space" "prod" {
  name                = "acme-prod"
  team                = "acme"
  shield              = true
  deletion_protection = false
}

resource "kvs_trusted_ip_ranges" "prod" {
  space_id = kvs_private_space.prod.id
  ranges   = { "192.0.2.0/24" = {} }
}

resource "kvs_app" "inside" {
  name     = "orders-inside"
  space_id = kvs_private_space.prod.id
}

resource "kvs_instance" "cache" {
  app_id              = kvs_app.inside.id
  plan                = "shield-7"
  name                = "orders-cache"
  deletion_protection = false
}

resource "kvs_attachment" "second" {
  app_id      = kvs_app.inside.id
  instance_id = kvs_instance.cache.id
  name        = "SECOND"
}

resource "kvs_maintenance_window" "cache" {
  instance_id = kvs_instance.cache.id
  day         = "Sunday"
  time        = "02:30"
}
` + outside

const outside = `
resource "kvs_app" "web" {
  name = "orders-web"
}
`

const (
	needsReference = "A governed change needs a change reference"
	inFreeze       = "Changes are frozen"
)

// recordOf reads a record, which has to verify.
func (l *lab) recordOf(path string) (lines []changecontrol.Line, unanswered []changecontrol.Line) {
	l.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		l.Fatal(err)
	}
	verified := changecontrol.Verify(text)
	if !verified.Valid {
		l.Fatalf("the record is broken from line %d on:\n%s", verified.FirstBroken, text)
	}
	for raw := range strings.Lines(string(text)) {
		var line changecontrol.Line
		if err := json.Unmarshal([]byte(raw), &line); err != nil {
			l.Fatal(err)
		}
		lines = append(lines, line)
	}
	return lines, verified.Unanswered
}

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
		"a range":         {"192.0.2.0/24", "198.51.100.0/24"},
		"a name":          {"orders-inside", "orders-within"},
		"a setting":       {"name                = \"orders-cache\"", "name = \"orders-cache\"\n timeout = 60"},
		"an attachment":   {"SECOND", "THIRD"},
		"a window":        {"Sunday", "Monday"},
		"a log drain":     {"shield              = true", "shield = true\n log_drain_url_wo = \"https://logs.example.com/x\"\n log_drain_url_wo_version = 1"},
		"only protection": {"shield-7\"\n  name                = \"orders-cache\"\n  deletion_protection = false", "shield-7\"\n name = \"orders-cache\"\n deletion_protection = true"},
	} {
		changed := strings.Replace(shielded, edit[0], edit[1], 1)
		if changed == shielded {
			t.Fatalf("%s: nothing is changed", what)
		}
		l.cli.Configure(under(pattern, changed))
		if result := l.run(mishap{}, "plan", "-input=false", "-no-color"); result.Code != 1 || !acctest.Says(needsReference).MatchString(result.Output()) {
			t.Errorf("%s: the plan exited %d:\n%s", what, result.Code, result.Output())
		}
	}
	l.cli.Configure(under(pattern, shielded))
	refused := l.mustRefuse(needsReference, "destroy", "-auto-approve")
	for _, kind := range []string{"kvs_trusted_ip_ranges acme-prod", "kvs_attachment SECOND", "kvs_maintenance_window orders-cache"} { // they come first
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
			l.cli.Configure(under(control, variable+strings.Replace(outside, "orders-web", "orders-web\"\n maintenance = \"true", 1)+another("new")))
			if result := l.run(mishap{}, append([]string{"plan", "-out=saved", "-input=false", "-no-color"}, test.args...)...); result.Code != 0 {
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

// Each write is in the record, with its answer, and no secret is.
func TestAccChangeControl_record(t *testing.T) {
	t.Parallel()
	l := newLab(t, shielded)
	record := filepath.Join(t.TempDir(), "record.jsonl")
	control := fmt.Sprintf("reference = \"CHG7\"\n emergency = true\n record_file = %q\n applies_to = \"all\"", record)
	const drain = "https://user:canary-of-the-drain@logs.example.com/x"
	config := strings.Replace(shielded, "shield              = true", "shield = true\n log_drain_url_wo = \""+drain+"\"\n log_drain_url_wo_version = 1", 1)
	l.mustApply(under(control, config))
	cache, _ := l.cli.Object(store)
	live, err := l.client.Store(t.Context(), heroku.AddOnID(fmt.Sprint(cache.Attributes["id"])))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(strings.TrimPrefix(live.ResourceURL.Reveal(), "rediss://"), ":")
	password, _, found := strings.Cut(rest, "@")
	if !found || password == "" {
		t.Fatal("the store has no password to look for")
	}
	changed := strings.NewReplacer("192.0.2.0/24", "198.51.100.0/24", "orders-inside", "orders-within", "SECOND", "THIRD", "Sunday", "Monday").Replace(config)
	l.mustApply(under(control, changed))
	if result := l.run(mishap{}, "destroy", "-auto-approve", "-input=false", "-no-color"); result.Code != 0 {
		t.Fatalf("destroy exited %d:\n%s", result.Code, result.Output())
	}

	lines, unanswered := l.recordOf(record)
	answered := map[string]int{}
	kinds := map[string]bool{}
	for _, line := range lines {
		kinds[line.Object.Kind] = true
		if line.Event == changecontrol.EventAnswered {
			answered[fmt.Sprint(line.Method, " ", line.Path, " ", *line.Status)]++
		}
		if line.Reference != "CHG7" || !line.Emergency || line.Actor == "" || line.Time == "" {
			t.Errorf("a line lacks what every line has: %+v", line)
		}
		var impact *struct {
			Method, Reference string
			Irreversible      *bool
		}
		if err := json.Unmarshal(line.Impact, &impact); err != nil || impact == nil && line.Method != "DELETE" {
			t.Errorf("%s %s has no impact: %s (%v)", line.Method, line.Path, line.Impact, err)
		}
		if impact != nil && (impact.Reference != "CHG7" || impact.Method == "" || impact.Irreversible == nil) {
			t.Errorf("%s %s has the impact %s", line.Method, line.Path, line.Impact)
		}
	}
	for _, write := range l.writes() {
		answered[fmt.Sprint(write.Method, " ", write.Path, " ", write.Status)]--
	}
	for what, n := range answered {
		if n != 0 {
			t.Errorf("%s is in the record %d times more than in the journal", what, n)
		}
	}
	if len(unanswered) > 0 || len(lines) != 2*len(l.writes()) {
		t.Errorf("%d lines of %d writes, %v without an answer", len(lines), len(l.writes()), unanswered)
	}
	if len(kinds) != 6 {
		t.Errorf("the record has %v", kinds)
	}
	text, _ := os.ReadFile(record)
	holds := func(text string) (found []string) {
		for name, secret := range map[string]string{"token": l.Token(), "password": password, "drain": "canary-of-the-drain"} {
			if strings.Contains(text, secret) {
				found = append(found, name)
			}
		}
		return found
	}
	if found := holds(string(text)); len(found) > 0 {
		t.Errorf("the record has secrets: %v", found)
	}
	if found := holds(string(text) + drain + l.Token() + password); len(found) != 3 {
		t.Errorf("secrets in a record would not be found: %v", found)
	}
	if !strings.Contains(string(text), `"name":"orders-cache","app":"orders-inside","space":"acme-prod"`) {
		t.Errorf("the record does not say whose write it was:\n%s", text)
	}
}

// A provider that is gone after a request leaves a record that says which one has no answer, and the next run goes on with it.
func (m move) recorded(t *testing.T, write int) (writes int) {
	record := filepath.Join(t.TempDir(), "record.jsonl")
	m.before = under(fmt.Sprintf("reference = \"CHG7\"\n record_file = %q\n applies_to = \"all\"", record), m.before)
	m.after = strings.SplitAfter(m.before, "}\n}\n")[0] + m.after
	l, _ := m.begin(t)
	before, _ := l.recordOf(record)
	l.cli.Configure(m.after)
	if write > 0 {
		l.apply(mishap{kind: crashed, write: write})
		lines, unanswered := l.recordOf(record)
		last := lines[len(lines)-1]
		if len(unanswered) != 1 || last.Event != changecontrol.EventIntent || last.Seq != unanswered[0].Seq || len(lines) != len(before)+2*write-1 {
			t.Errorf("after %d writes %v have no answer, the last line is %+v", write, unanswered, last)
		}
		if sent := l.writes()[write-1]; last.Method != sent.Method || last.Path != sent.Path {
			t.Errorf("the record ends in %s %s, and %s %s was sent", last.Method, last.Path, sent.Method, sent.Path)
		}
	}
	if result := l.apply(mishap{}); result.Code != 0 {
		t.Errorf("the next apply exited %d:\n%s", result.Code, result.Output())
	}
	lines, unanswered := l.recordOf(record)
	lost := min(write, 1)
	if writes = len(l.writes()); len(lines) != len(before)+2*writes-lost || len(unanswered) != lost {
		t.Errorf("%d lines were there before, %d are there after %d writes, %v without an answer", len(before), len(lines), writes, unanswered)
	}
	return writes
}

func TestAccChangeControl_killedInAReplacement(t *testing.T) {
	t.Parallel()
	m := moves()[0]
	writes := m.recorded(t, 0)
	for _, n := range []int{1, writes / 2, writes} {
		t.Run(fmt.Sprint("after ", n), func(t *testing.T) { m.recorded(t, n) })
	}
}

func TestLongChangeControl_killedAnywhere(t *testing.T) {
	t.Parallel()
	for _, m := range moves() {
		t.Run(m.name, func(t *testing.T) {
			t.Parallel()
			for n := range m.recorded(t, 0) {
				t.Run(fmt.Sprint("after ", n+1), func(t *testing.T) {
					t.Parallel()
					m.recorded(t, n+1)
				})
			}
		})
	}
}

// An answer that cannot be recorded is told and loses nothing. No write follows it that could not be recorded.
func TestAccChangeControl_recordIsLost(t *testing.T) {
	t.Parallel()
	l := newLab(t, outside)
	record := filepath.Join(t.TempDir(), "record.jsonl")
	api := strings.Replace(strings.Replace(outside, `"web"`, `"api"`, 1), "orders-web", "orders-api", 1)
	l.cli.Configure(under(fmt.Sprintf("reference = \"CHG7\"\n record_file = %q\n applies_to = \"all\"", record), outside+api))
	taken := false
	result := l.run(mishap{kind: lookedAt, look: func() {
		if len(l.writes()) > 0 && !taken {
			taken = true
			if err := os.Rename(record, record+".before"); err != nil {
				t.Error(err)
			}
			if err := os.Mkdir(record, 0o700); err != nil {
				t.Error(err)
			}
		}
	}}, "apply", "-auto-approve", "-input=false", "-no-color", "-parallelism=1")
	for _, says := range []string{"The change record lacks answers", "POST /apps of kvs_app", "was not sent"} {
		if !acctest.Says(says).MatchString(result.Output()) {
			t.Errorf("it does not say %q:\n%s", says, result.Output())
		}
	}
	if sent := l.writes(); result.Code != 1 || len(sent) != 1 {
		t.Errorf("the apply exited %d after %d writes", result.Code, len(sent))
	}
	made := 0
	for _, address := range []string{"kvs_app.web", "kvs_app.api"} {
		if o, ok := l.cli.Object(address); ok && !o.Tainted {
			made++
		}
	}
	if made != 1 {
		t.Errorf("%d apps are in the state, want the one that was made", made)
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
