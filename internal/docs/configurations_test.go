// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package docs

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// schemas are those of the provider by the block that has them, and by type: schemas["resource"]["kvs_app"].
type schemas map[string]map[string]attributes

type attributes map[string]struct {
	Nested struct {
		Attributes attributes `json:"attributes"`
		Nesting    string     `json:"nesting_mode"`
	} `json:"nested_type"`
}

func providerSchemas(t *testing.T) schemas {
	t.Helper()
	type described struct {
		Block struct{ Attributes attributes }
	}
	var document struct {
		Schemas map[string]map[string]json.RawMessage `json:"provider_schemas"`
	}
	if err := json.Unmarshal([]byte(read(t, filepath.Join("..", "provider", "testdata", "schema.json"))), &document); err != nil {
		t.Fatal(err)
	}
	all := schemas{}
	for _, kinds := range document.Schemas {
		for block, kind := range map[string]string{"resource": "resource_schemas", "data": "data_source_schemas",
			"ephemeral": "ephemeral_resource_schemas", "list": "list_resource_schemas", "action": "action_schemas"} {
			var types map[string]described
			if err := json.Unmarshal(kinds[kind], &types); err != nil {
				t.Fatal(err)
			}
			all[block] = map[string]attributes{}
			for name, schema := range types {
				all[block][name] = schema.Block.Attributes
			}
		}
	}
	return all
}

var configuration = regexp.MustCompile("(?ms)^ *```(?:terraform|hcl)\n(.*?)^ *```$")

// Every configuration in prose can be parsed, and names types and attributes that there are. Those under examples/ are applied
// by tests of their own.
func TestConfigurations_fitTheSchema(t *testing.T) {
	t.Parallel()
	all, found := providerSchemas(t), 0
	for _, page := range pages(t) {
		if strings.HasPrefix(page, "docs/") {
			continue // made of templates and examples
		}
		for _, block := range configuration.FindAllStringSubmatch(read(t, filepath.Join(root, page)), -1) {
			found++
			for _, wrong := range all.review(block[1]) {
				t.Errorf("%s: %s in\n%s", page, wrong, block[1])
			}
		}
	}
	if found < 10 {
		t.Errorf("only %d configurations were found", found)
	}
}

func (all schemas) review(text string) (wrong []string) {
	file, diags := hclsyntax.ParseConfig([]byte(text), "", hcl.InitialPos)
	if diags.HasErrors() {
		return []string{diags.Error()}
	}
	body := file.Body.(*hclsyntax.Body)
	for _, block := range body.Blocks {
		of, known := all[block.Type]
		if !known || len(block.Labels) == 0 || !strings.HasPrefix(block.Labels[0], "kvs_") {
			continue
		}
		schema, exists := of[block.Labels[0]]
		if !exists {
			wrong = append(wrong, fmt.Sprintf("there is no %s %s", block.Type, block.Labels[0]))
			continue
		}
		arguments := block.Body
		if block.Type == "action" || block.Type == "list" {
			if i := slices.IndexFunc(block.Body.Blocks, func(b *hclsyntax.Block) bool { return b.Type == "config" }); i >= 0 {
				arguments = block.Body.Blocks[i].Body
			}
		}
		for name, argument := range arguments.Attributes {
			wrong = append(wrong, schema.review(block.Labels[0], name, argument.Expr)...)
		}
	}
	_ = hclsyntax.VisitAll(body, func(node hclsyntax.Node) hcl.Diagnostics {
		if expr, ok := node.(*hclsyntax.ScopeTraversalExpr); ok {
			wrong = append(wrong, all.follow(expr.Traversal)...)
		}
		return nil
	})
	return wrong
}

// meta are arguments of Terraform's own.
var meta = []string{"count", "depends_on", "for_each", "include_resource", "limit", "provider"}

func (schema attributes) review(of, name string, value hclsyntax.Expression) (wrong []string) {
	attribute, exists := schema[name]
	if !exists {
		if slices.Contains(meta, name) {
			return nil
		}
		return []string{fmt.Sprintf("%s has no %s", of, name)}
	}
	object, written := value.(*hclsyntax.ObjectConsExpr)
	if !written || attribute.Nested.Nesting != "single" {
		return nil
	}
	for _, item := range object.Items {
		wrong = append(wrong, attribute.Nested.Attributes.review(of+"."+name, hcl.ExprAsKeyword(item.KeyExpr), item.ValueExpr)...)
	}
	return wrong
}

// follow looks at a reference such as kvs_app.web.id or data.kvs_plans.all.plans.
func (all schemas) follow(reference hcl.Traversal) []string {
	var names []string
	for _, step := range reference {
		switch step := step.(type) {
		case hcl.TraverseRoot:
			names = append(names, step.Name)
		case hcl.TraverseAttr:
			names = append(names, step.Name)
		}
	}
	if strings.HasPrefix(names[0], "kvs_") {
		names = append([]string{"resource"}, names...)
	}
	if len(names) < 4 || !strings.HasPrefix(names[1], "kvs_") || all[names[0]] == nil {
		return nil
	}
	if _, exists := all[names[0]][names[1]][names[3]]; !exists {
		return []string{fmt.Sprintf("%s %s has no %s", names[0], names[1], names[3])}
	}
	return nil
}

func TestConfigurations_plantedFaults(t *testing.T) {
	t.Parallel()
	all := providerSchemas(t)
	for text, want := range map[string]string{
		`resource "kvs_instance" "x" { plan = "mini" }`:                                "",
		`resource "kvs_instance" "x" { plans = "mini" }`:                               "kvs_instance has no plans",
		`resource "kvs_instance" "x" { migration = { strategies = "fork" } }`:          "kvs_instance.migration has no strategies",
		`resource "kvs_store" "x" {}`:                                                  "there is no resource kvs_store",
		"action \"kvs_reset_stats\" \"x\" {\nconfig {\nstore = 1\n}\n}":                "kvs_reset_stats has no store",
		`output "x" { value = kvs_instance.x[0].url }`:                                 "resource kvs_instance has no url",
		`output "x" { value = [for p in data.kvs_plans.all.plan : p] }`:                "data kvs_plans has no plan",
		`output "x" { value = kvs_instance.x.plan + data.kvs_plans.all.plans[0].any }`: "",
	} {
		if got := strings.Join(all.review(text), ", "); got != want {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
}
