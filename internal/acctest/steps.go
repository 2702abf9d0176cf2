// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package acctest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	tfjson "github.com/hashicorp/terraform-json"
	"github.com/hashicorp/terraform-plugin-testing/config"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
)

// Test is resource.Test with only as many runs of the CLI as the test's assertions need: two for most steps, where the framework
// needs eleven. An apply makes its own plan, one plan after it must be empty, the state is read from its file, and only a test with
// CheckDestroy destroys what it has made. The long form runs resource.Test itself if that can read the state, and so does a test that uses
// a feature which Test does not have.
func Test(t *testing.T, c resource.TestCase) {
	t.Helper()
	if os.Getenv("TF_ACC") == "" || LongForm() && !hasForEach(c) || !supported(c) {
		for i, s := range c.Steps {
			if s.ImportStateVerify { // an import cannot know the impact of the last change
				c.Steps[i].ImportStateVerifyIgnore = append(s.ImportStateVerifyIgnore, "impact")
			}
		}
		resource.Test(t, c)
		return
	}
	r := &runner{CLI: newCLI(t)}
	for i, step := range c.Steps {
		if step.PreConfig != nil {
			step.PreConfig()
		}
		if factories := step.ProtoV6ProviderFactories; factories != nil {
			r.attachTo(factories)
		} else if factories := c.ProtoV6ProviderFactories; factories != nil {
			r.attachTo(factories)
		}
		err := r.step(step)
		switch {
		case step.ExpectError == nil && err != nil:
			t.Errorf("step %d of %d: %v", i+1, len(c.Steps), err)
		case step.ExpectError != nil && err == nil:
			t.Errorf("step %d of %d succeeds, want an error that matches %q", i+1, len(c.Steps), step.ExpectError)
		case step.ExpectError != nil && !step.ExpectError.MatchString(err.Error()):
			t.Errorf("step %d of %d: want an error that matches %q, got: %v", i+1, len(c.Steps), step.ExpectError, err)
		}
		if t.Failed() {
			break
		}
	}
	if c.CheckDestroy == nil {
		return
	}
	if state := r.state(); len(state.Values.RootModule.Resources) > 0 {
		// A refresh before a destroy also plans the last configuration, which a test may have shown to be refused.
		if err := r.must("destroy", "-auto-approve", fmt.Sprintf("-refresh=%t", r.unsaved)); err != nil {
			t.Errorf("the objects that the test leaves cannot be destroyed: %v", err)
		}
	}
	if !t.Failed() {
		if err := c.CheckDestroy(nil); err != nil {
			t.Error(err)
		}
	}
}

// hasForEach reports whether a configuration has for_each, whose state resource.Test cannot read.
func hasForEach(c resource.TestCase) bool {
	return slices.ContainsFunc(c.Steps, func(s resource.TestStep) bool {
		text := s.Config
		for _, file := range configFiles(s) {
			content, _ := os.ReadFile(file)
			text += string(content)
		}
		return strings.Contains(text, "for_each")
	})
}

// supported reports whether a test case uses only the fields that Test implements.
func supported(c resource.TestCase) bool {
	for _, s := range c.Steps {
		s.PreConfig, s.PostApplyFunc, s.Config, s.ConfigFile, s.ConfigDirectory, s.ConfigVariables = nil, nil, "", nil, nil, nil
		s.ConfigPlanChecks.PreApply, s.ConfigStateChecks, s.ExpectError, s.ExpectNonEmptyPlan, s.PlanOnly, s.Destroy, s.RefreshState = nil, nil,
			nil, false, false, false, false
		s.ProtoV6ProviderFactories, s.ResourceName, s.ImportStateId, s.ImportStateVerifyIgnore = nil, "", "", nil
		if s.ImportState && s.ImportStateKind == resource.ImportCommandWithID {
			s.ImportState, s.ImportStateVerify = false, false
		}
		if !reflect.ValueOf(s).IsZero() {
			return false
		}
	}
	c.Steps, c.ProtoV6ProviderFactories, c.CheckDestroy = nil, nil, nil
	return reflect.ValueOf(c).IsZero()
}

// runner runs the steps of one test.
type runner struct {
	*CLI
	former  string // the configuration of the previous step
	unsaved bool   // whether the last plan without changes may have read something that is not in the state
}

// errChanges is the error of a plan that must be empty and is not.
var errChanges = errors.New("the plan is not empty")

// attachTo sets the providers of a step. Without required_providers, a provider other than kvs has HashiCorp's namespace.
func (r *runner) attachTo(factories map[string]Provider) {
	r.beside = nil
	for name, factory := range factories {
		if name == "kvs" {
			r.provider = factory
		} else {
			r.Beside("hashicorp/"+name, factory)
		}
	}
}

func (r *runner) must(command string, args ...string) error {
	r.t.Helper()
	result := r.Run(append([]string{command, "-no-color", "-input=false"}, args...)...)
	switch {
	case result.Code == 2 && slices.Contains(args, "-detailed-exitcode"):
		return fmt.Errorf("%w:\n%s", errChanges, result.Stdout)
	case result.Code != 0:
		return fmt.Errorf("%s exits %d:\n%s", command, result.Code, result.Output())
	}
	return nil
}

func (r *runner) step(s resource.TestStep) error {
	r.t.Helper()
	if text := r.configuration(s); text != "" {
		r.former = text
	}
	if s.ImportState {
		return r.importState(s)
	}
	if s.RefreshState {
		if err := r.must("refresh"); err != nil {
			return err
		}
		s.PlanOnly = true
	}
	r.Write("main.tf", required(r.former)+r.former)
	if err := r.variables(s.ConfigVariables); err != nil {
		return err
	}
	var args []string
	if s.Destroy {
		args = []string{"-destroy"}
	}
	empty := false
	r.unsaved = false
	if !s.PlanOnly {
		var err error
		if empty, err = r.apply(s, args); err != nil {
			return err
		}
		if err := checkState(r.t.Context(), r.state, s.ConfigStateChecks); err != nil {
			return err
		}
	}
	var err error
	if !empty {
		err = r.must("plan", append(args, "-detailed-exitcode")...)
	}
	switch {
	case s.ExpectNonEmptyPlan && err == nil:
		return errors.New("the plan is empty")
	case err != nil && !(s.ExpectNonEmptyPlan && errors.Is(err, errChanges)):
		return err
	}
	if s.PostApplyFunc != nil {
		s.PostApplyFunc()
	}
	return nil
}

// variables replaces the variables of the previous step by those of this one.
func (r *runner) variables(v config.Variables) error {
	former, err := filepath.Glob(filepath.Join(r.dir, "*.auto.tfvars.json"))
	for _, file := range former {
		err = errors.Join(err, os.Remove(file))
	}
	return errors.Join(err, v.Write(r.dir))
}

// apply applies the configuration, from a saved plan if the step has plan checks. The result is true if the saved plan is empty.
// Such a plan is applied only if the step has state checks, since its refresh may have changed the state.
func (r *runner) apply(s resource.TestStep, args []string) (empty bool, err error) {
	r.t.Helper()
	if len(s.ConfigPlanChecks.PreApply) == 0 {
		return false, r.must("apply", append(args, "-auto-approve")...)
	}
	err = r.must("plan", append(args, "-out=saved", "-detailed-exitcode")...)
	if err != nil && !errors.Is(err, errChanges) {
		return false, err
	}
	empty = err == nil
	var plan tfjson.Plan
	plan.UseJSONNumber(true)
	shown := r.Run("show", "-json", "saved")
	if err := json.Unmarshal([]byte(shown.Stdout), &plan); err != nil {
		return false, fmt.Errorf("%w: %s", err, shown.Output())
	}
	var all []error
	for _, check := range s.ConfigPlanChecks.PreApply {
		var response plancheck.CheckPlanResponse
		check.CheckPlan(r.t.Context(), plancheck.CheckPlanRequest{Plan: &plan}, &response)
		all = append(all, response.Error)
	}
	r.unsaved = empty && len(s.ConfigStateChecks) == 0
	if err := errors.Join(all...); err != nil || r.unsaved {
		return empty, err
	}
	return empty, r.must("apply", "saved")
}

func checkState(ctx context.Context, state func() *tfjson.State, checks []statecheck.StateCheck) error {
	var all []error
	for _, check := range checks {
		var response statecheck.CheckStateResponse
		check.CheckState(ctx, statecheck.CheckStateRequest{State: state()}, &response)
		all = append(all, response.Error)
	}
	return errors.Join(all...)
}

// importState imports into a separate state, and compares that with the state of the test.
func (r *runner) importState(s resource.TestStep) error {
	r.t.Helper()
	find := func(state *tfjson.State) map[string]any {
		for _, object := range state.Values.RootModule.Resources {
			if object.Address == s.ResourceName {
				return object.AttributeValues
			}
		}
		return nil
	}
	there := find(r.state())
	id := s.ImportStateId
	if id == "" {
		id, _ = there["id"].(string)
	}
	beside := &runner{CLI: newCLI(r.t)}
	beside.provider, beside.beside = r.provider, r.beside
	beside.Write("main.tf", required(r.former)+r.former)
	if err := beside.must("import", s.ResourceName, id); err != nil || !s.ImportStateVerify {
		return err
	}
	want, got := map[string]any{}, map[string]any{}
	flatten(want, "", there)
	flatten(got, "", find(beside.state()))
	var differ []string
	for name := range union(want, got) {
		ignored := func(prefix string) bool { return strings.HasPrefix(name, prefix) }
		if !reflect.DeepEqual(want[name], got[name]) && !slices.ContainsFunc(append(s.ImportStateVerifyIgnore, "timeouts", "impact"), ignored) {
			differ = append(differ, fmt.Sprintf("%s is %v, and %v after the import", name, want[name], got[name]))
		}
	}
	if len(differ) > 0 {
		slices.Sort(differ)
		return errors.New(strings.Join(differ, "\n"))
	}
	return nil
}

func union(a, b map[string]any) map[string]bool {
	all := map[string]bool{}
	for _, m := range []map[string]any{a, b} {
		for name := range m {
			all[name] = true
		}
	}
	return all
}

// flatten puts each value within a nested value into a map, under its path.
func flatten(into map[string]any, path string, value any) {
	switch value := value.(type) {
	case nil:
	case map[string]any:
		for name, inner := range value {
			flatten(into, strings.TrimPrefix(path+"."+name, "."), inner)
		}
	case []any:
		for i, inner := range value {
			flatten(into, fmt.Sprintf("%s.%d", path, i), inner)
		}
	default:
		into[path] = value
	}
}

// configFiles returns the files of a step's configuration, none if it is a text.
func configFiles(s resource.TestStep) (files []string) {
	switch {
	case s.ConfigFile != nil:
		files = []string{s.ConfigFile(config.TestStepConfigRequest{})}
	case s.ConfigDirectory != nil:
		files, _ = filepath.Glob(filepath.Join(s.ConfigDirectory(config.TestStepConfigRequest{}), "*.tf"))
	}
	return files
}

// configuration returns the configuration of a step, empty if it has none. It copies override files, which stay separate files.
func (c *CLI) configuration(s resource.TestStep) string {
	c.t.Helper()
	text := s.Config
	for _, file := range configFiles(s) {
		content, err := os.ReadFile(file)
		switch {
		case err != nil:
			c.t.Fatal(err)
		case strings.HasSuffix(file, overrides):
			c.Write(filepath.Base(file), string(content))
		default:
			text += string(content)
		}
	}
	return text
}

// state returns the state in the form that the framework's checks expect.
func (c *CLI) state() *tfjson.State {
	c.t.Helper()
	outputs, all := c.readState()
	values := tfjson.StateValues{Outputs: map[string]*tfjson.StateOutput{}, RootModule: &tfjson.StateModule{}}
	for name, value := range outputs {
		values.Outputs[name] = &tfjson.StateOutput{Value: value}
	}
	for _, i := range all {
		attributes := c.values(i)
		for name, value := range attributes {
			// A value whose type a schema leaves open has its type in the state. The schemas of kvs have no such attribute.
			if open, ok := value.(map[string]any); ok && len(open) == 2 && open["type"] != nil && !strings.HasPrefix(i.Type, "kvs_") {
				attributes[name] = open["value"]
			}
		}
		values.RootModule.Resources = append(values.RootModule.Resources,
			&tfjson.StateResource{Address: i.Address, Type: i.Type, Name: i.Name, AttributeValues: attributes})
	}
	return &tfjson.State{Values: &values}
}
