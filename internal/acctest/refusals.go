// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package acctest

import (
	"encoding/json"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Refusal is a configuration whose plan is refused, and the texts that its errors contain.
type Refusal struct {
	Config string
	Says   []string
}

// Refused checks that each configuration is refused. It plans them together, as modules of one configuration, since one plan reports
// the errors of all modules. Some errors appear only once a plan has no errors of an earlier stage, so Refused plans the modules
// without an error again.
func (s *Sandbox) Refused(t *testing.T, cases map[string]Refusal) {
	t.Helper()
	c := s.CLI(t, "")
	c.provider = s.Factories()["kvs"]
	calls, left := "", maps.Clone(cases)
	names := slices.Sorted(maps.Keys(cases))
	call := func(i int) string { return fmt.Sprintf("module \"case_%d\" {\n  source = \"./case_%d\"\n}\n", i, i) }
	for i, name := range names {
		c.Write(fmt.Sprintf("case_%d/main.tf", i), required(cases[name].Config)+cases[name].Config)
		calls += call(i)
	}
	c.Configure(calls)
	if got := c.Run("get"); got.Code != 0 {
		t.Fatal(got.Output())
	}
	for len(left) > 0 {
		failures, before := errorsByDirectory(c.Run("plan", "-input=false", "-json")), len(left)
		calls = ""
		for i, name := range names {
			refusal, pending := left[name]
			text := failures[fmt.Sprintf("case_%d", i)]
			switch {
			case !pending:
			case text == "":
				calls += call(i)
			default:
				delete(left, name)
				for _, words := range refusal.Says {
					if !Says(words).MatchString(text) {
						t.Errorf("%s: want an error that says %q, got:\n%s", name, words, text)
					}
				}
			}
		}
		if len(left) == before {
			t.Errorf("these are not refused: %q\n%v", slices.Sorted(maps.Keys(left)), failures)
			return
		}
		c.Configure(calls)
	}
}

// errorsByDirectory returns the errors of a run with -json, by the directory of the file that they refer to.
func errorsByDirectory(r Result) map[string]string {
	texts := map[string]string{}
	for line := range strings.Lines(r.Stdout) {
		var event struct {
			Diagnostic *struct {
				Severity, Summary, Detail string
				Range                     struct{ Filename string }
			}
		}
		if json.Unmarshal([]byte(line), &event) == nil && event.Diagnostic != nil && event.Diagnostic.Severity == "error" {
			texts[filepath.Dir(event.Diagnostic.Range.Filename)] += event.Diagnostic.Summary + "\n" + event.Diagnostic.Detail + "\n"
		}
	}
	return texts
}
