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

// Refusal is a configuration that no plan takes, and what its errors say.
type Refusal struct {
	Config string
	Says   []string
}

// Refused plans configurations each of which is to be refused. They are modules of one: a plan has the errors of all of them,
// but for those that only a plan without the others' mistakes comes to, so those are then planned again.
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
		said, before := errorsByDirectory(c.Run("plan", "-input=false", "-json")), len(left)
		calls = ""
		for i, name := range names {
			refusal, open := left[name]
			text := said[fmt.Sprintf("case_%d", i)]
			switch {
			case !open:
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
			t.Errorf("these are not refused: %q\n%v", slices.Sorted(maps.Keys(left)), said)
			return
		}
		c.Configure(calls)
	}
}

// errorsByDirectory are the errors of a run with -json, by the directory of what they are about.
func errorsByDirectory(r Result) map[string]string {
	said := map[string]string{}
	for line := range strings.Lines(r.Stdout) {
		var event struct {
			Diagnostic *struct {
				Severity, Summary, Detail string
				Range                     struct{ Filename string }
			}
		}
		if json.Unmarshal([]byte(line), &event) == nil && event.Diagnostic != nil && event.Diagnostic.Severity == "error" {
			said[filepath.Dir(event.Diagnostic.Range.Filename)] += event.Diagnostic.Summary + "\n" + event.Diagnostic.Detail + "\n"
		}
	}
	return said
}
