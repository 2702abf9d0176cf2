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

	"github.com/terraform-kvs/terraform-provider-kvs/internal/acctest"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/changecontrol"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
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

// Each write is in the record, with its answer, and no secret is.
func TestAccChangeControl_record(t *testing.T) {
	t.Parallel()
	l := newLab(t, shielded)
	record := filepath.Join(t.TempDir(), "record.jsonl")
	control := fmt.Sprintf("reference = \"CHG7\"\n emergency = true\n record_file = %q\n applies_to = \"all\"", record)
	const drain = "https://user:canary-of-the-drain@logs.example.com/x"
	config := strings.Replace(shielded, "shield              = true",
		"shield = true\n log_drain_url_wo = \""+drain+"\"\n log_drain_url_wo_version = 1", 1)
	l.mustApply(under(control, config))
	cache, _ := l.cli.Object("kvs_instance.inside")
	live, err := l.client.Store(t.Context(), heroku.AddOnID(fmt.Sprint(cache.Attributes["id"])))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(strings.TrimPrefix(live.ResourceURL.Reveal(), "rediss://"), ":")
	password, _, found := strings.Cut(rest, "@")
	if !found || password == "" {
		t.Fatal("the store has no password to look for")
	}
	changed := strings.NewReplacer("192.0.2.0/24", "203.0.113.0/24", "orders-inside\"", "orders-within\"", "SECOND",
		"THIRD", "Sunday", "Monday").Replace(config)
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
	if !strings.Contains(string(text), `"name":"orders-inside-cache","app":"orders-inside","space":"acme-prod"`) {
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
		if len(unanswered) != 1 || last.Event != changecontrol.EventIntent || last.Seq != unanswered[0].Seq ||
			len(lines) != len(before)+2*write-1 {
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
		t.Errorf("%d lines were there before, %d are there after %d writes, %v without an answer", len(before),
			len(lines), writes, unanswered)
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
