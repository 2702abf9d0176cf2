// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package acctest

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/sandbox"
)

// NewLab is a lab for a workflow in which nothing goes wrong: who opens it carries out the runs and judges the end. What
// holds for each run is judged as in an experiment, see Violations.
func NewLab(t *testing.T, edit func(*sandbox.Options)) *Lab {
	t.Helper()
	return newLab(t, Experiment{Options: edit, Budget: workflowBudget})
}

// workflowBudget is for a dozen objects at a time.
const workflowBudget = 1000

// Violations are the invariants of single runs that did not hold so far.
func (l *Lab) Violations() []Violation { return l.violations }

// Story is what happened, for the reader of a failure.
func (l *Lab) Story() string { return l.story() }

// Errors are the diagnostics of a run as text.
func (t *Trial) Errors() string { return t.errors() }

// Write puts one more file beside the configuration, with the directories on its way.
func (c *CLI) Write(name, content string) {
	c.t.Helper()
	if err := os.MkdirAll(filepath.Join(c.dir, filepath.Dir(name)), 0o700); err != nil {
		c.t.Fatal(err)
	}
	c.write(name, content)
}
