// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/acctest"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/sandbox"
)

// What only a current Terraform has, as its users see it. What the provider says is shown at the level of the protocol on every
// CLI, by the other tests of actions and of discovery.

// inRealTime is for actions that wait: a sandbox whose work is done at once.
func inRealTime(o *sandbox.Options) {
	o.Engine, o.Clock, o.Provisioning = "miniredis", nil, time.Millisecond
}

func TestAccList_query(t *testing.T) {
	t.Parallel()
	acctest.Needs(t, 14, "terraform query")
	e := newEstate(t, false)
	cli := e.CLI(t, "")
	examples, err := filepath.Glob(filepath.Join(examplesDir, "list-resources", "*", "list-resource.tfquery.hcl"))
	if err != nil || len(examples) != len(listKinds) {
		t.Fatalf("%d lists have an example (%v)", len(examples), err)
	}
	for _, example := range examples {
		content, err := os.ReadFile(example)
		if err != nil {
			t.Fatal(err)
		}
		cli.Write(filepath.Base(filepath.Dir(example))+".tfquery.hcl", string(content))
	}
	found := cli.Run("query", "-no-color")
	if found.Code != 0 || !strings.Contains(found.Stdout, "orders-cache") || !strings.Contains(found.Stdout, "acme-vault") {
		t.Errorf("the query of the examples exits %d:\n%s", found.Code, found.Output())
	}
	for _, example := range examples {
		cli.Write(filepath.Base(filepath.Dir(example))+".tfquery.hcl", "")
	}

	// All of the estate becomes configuration, which plans nothing but the imports.
	var all strings.Builder
	objects := 0
	for kind, n := range listKinds {
		if kind == "kvs_trusted_ip_range" { // the ranges of a space are managed together here
			continue
		}
		objects += n - map[string]int{"kvs_app": 1, "kvs_formation": 2, "kvs_instance": 2}[kind] // which this estate does not have
		fmt.Fprintf(&all, "list %q \"acme\" {\n  provider = kvs\n  limit = 1000\n  config {\n    team = \"acme\"\n  }\n}\n", kind)
	}
	cli.Write("all.tfquery.hcl", all.String())
	if generated := cli.Run("query", "-no-color", "-generate-config-out=generated.tf"); generated.Code != 0 {
		t.Fatalf("generating exits %d:\n%s", generated.Code, generated.Output())
	}
	e.planned(cli, "generated", fmt.Sprintf("Plan: %d to import, 0 to add, 0 to change, 0 to destroy.", objects))
	cli.Apply()
	e.planned(cli, "adopted", "No changes.")
	if writes := e.Requests("(POST|PATCH|PUT|DELETE)", ".*"); len(writes) != 0 {
		t.Errorf("this was sent: %v", writes)
	}
}

var invocation = regexp.MustCompile(`-invoke=action\.[a-z_]+\.[a-z_]+`)

// Each example of an action is applied, invoked as it says, and planned again without a change.
func TestAccActions_examples(t *testing.T) {
	t.Parallel()
	acctest.Needs(t, 14, "actions")
	for name := range required("") {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			content, err := os.ReadFile(filepath.Join(examplesDir, "actions", name, "action.tf"))
			if err != nil {
				t.Fatal(err)
			}
			cli := acctest.Start(t, inRealTime).CLI(t, string(content))
			cli.Unprotect(string(content))
			cli.Apply()
			for _, invoke := range invocation.FindAllString(string(content), -1) {
				if said := cli.Apply(invoke); !strings.Contains(said.Stdout, "Actions: 1 invoked.") {
					t.Errorf("%s:\n%s", invoke, said.Output())
				}
			}
			if plan := cli.Run("plan", "-no-color", "-input=false", "-detailed-exitcode"); plan.Code != 0 {
				t.Errorf("the plan after it exits %d:\n%s", plan.Code, plan.Output())
			}
			cli.Apply("-destroy")
		})
	}
}

// The example of triggers: one action for whatever store calls it, which may fail, and one around the end of a store.
func TestAccActions_triggers(t *testing.T) {
	t.Parallel()
	acctest.Needs(t, 16, "caller, before_destroy and on_failure")
	content, err := os.ReadFile(filepath.Join(examplesDir, "actions", "triggers", "main.tf"))
	if err != nil {
		t.Fatal(err)
	}
	sb := acctest.Start(t, inRealTime)
	cli := sb.CLI(t, string(content))
	cli.Unprotect(string(content))
	cli.Apply()
	if plan := cli.Run("plan", "-no-color", "-input=false", "-detailed-exitcode"); plan.Code != 0 {
		t.Errorf("the plan after it exits %d:\n%s", plan.Code, plan.Output())
	}

	// After an update, the statistics of the store that was changed are reset, and of no other one.
	sb.ResetJournal()
	if said := cli.Apply("-var", "timeout=60"); !strings.Contains(said.Stdout, "Actions: 1 invoked.") {
		t.Errorf("the update:\n%s", said.Output())
	}
	if resets := sb.Requests("POST", ".*/stats/reset"); len(resets) != 1 {
		t.Errorf("statistics are reset by %v", resets)
	}

	// An action that fails is a warning with on_failure = continue.
	sb.Inject(sandbox.Fault{Match: sandbox.Match{Method: "POST", Path: "/redis/v0/databases/*/stats/reset"}, Do: sandbox.Effect{Status: 403}})
	if said := cli.Apply("-var", "timeout=90"); !acctest.Says("Heroku answered 403").MatchString(said.Output()) {
		t.Errorf("the update whose action fails:\n%s", said.Output())
	}
	sb.Clear()

	// Before a store goes, its app stops to serve requests, and serves them again afterwards.
	sb.ResetJournal()
	cli.Apply("-destroy", "-target=kvs_instance.sessions", "-var", "timeout=90")
	var order []string
	for _, request := range sb.Requests("(PATCH|DELETE)", ".*") {
		order = append(order, request.Method)
	}
	if want := []string{"PATCH", "DELETE", "PATCH"}; !slices.Equal(order, want) {
		t.Errorf("the destruction sends %v, want %v", order, want)
	}
	cli.Apply("-destroy", "-var", "timeout=90")
}
