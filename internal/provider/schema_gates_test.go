// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/provider"
)

// servedSchemas are all schemas, by kind and name: "resource kvs_app".
func servedSchemas(t *testing.T) map[string]*tfprotov6.Schema {
	t.Helper()
	served, err := providerserver.NewProtocol6(provider.New("test")())().GetProviderSchema(t.Context(), &tfprotov6.GetProviderSchemaRequest{})
	if err != nil || len(served.Diagnostics) > 0 {
		t.Fatal(err, served)
	}
	all := map[string]*tfprotov6.Schema{"provider kvs": served.Provider}
	for kind, schemas := range map[string]map[string]*tfprotov6.Schema{
		"resource ": served.ResourceSchemas, "data source ": served.DataSourceSchemas, "ephemeral resource ": served.EphemeralResourceSchemas,
		"list resource ": served.ListResourceSchemas,
	} {
		for name, schema := range schemas {
			all[kind+name] = schema
		}
	}
	for name, action := range served.ActionSchemas {
		all["action "+name] = action.Schema
	}
	return all
}

// eachAttribute visits the attributes of a block, and those within them: "resource kvs_app.name".
func eachAttribute(where string, block *tfprotov6.SchemaBlock, visit func(where string, a *tfprotov6.SchemaAttribute)) {
	var within func(where string, attributes []*tfprotov6.SchemaAttribute)
	within = func(where string, attributes []*tfprotov6.SchemaAttribute) {
		for _, a := range attributes {
			visit(where+"."+a.Name, a)
			if a.NestedType != nil {
				within(where+"."+a.Name, a.NestedType.Attributes)
			}
		}
	}
	within(where, block.Attributes)
	for _, nested := range block.BlockTypes {
		eachAttribute(where+"."+nested.TypeName, nested.Block, visit)
	}
}

// A sentence, or more of them: it begins with a capital, a number or something quoted, and ends with a full stop.
var sentencePattern = regexp.MustCompile("(?s)^[A-Z0-9`\"].{6,}[A-Za-z0-9`)\"*]\\.$")

func TestSchema_everythingIsDescribedBySentences(t *testing.T) {
	t.Parallel()
	described := 0
	check := func(where, text string) {
		if described++; !sentencePattern.MatchString(text) || len(strings.Fields(text)) < 2 {
			t.Errorf("%s is described by %q, which is no sentence", where, text)
		}
	}
	kinds := map[string]int{}
	for where, schema := range servedSchemas(t) {
		kinds[where[:strings.LastIndex(where, " ")]]++
		check(where, schema.Block.Description)
		eachAttribute(where, schema.Block, func(where string, a *tfprotov6.SchemaAttribute) { check(where, a.Description) })
	}
	if len(kinds) != 6 || described < 200 {
		t.Errorf("only %d descriptions were seen, of %v", described, kinds)
	}
	for _, text := range []string{"", "the name", "The name", "Name.", "The name of it. And more"} {
		if sentencePattern.MatchString(text) && len(strings.Fields(text)) >= 2 {
			t.Errorf("%q passes for a sentence", text)
		}
	}
}

// secretName is what an attribute is called that may hold a secret.
var secretName = regexp.MustCompile(`password|secret|token|key|credential|(^|_)url`)

// harmless are attributes with such a name that hold none.
var harmless = []string{
	"web_url",                // where an app answers
	"notify_keyspace_events", // flags
	"url_changes",            // whether there will be another one
}

// stored are what a resource or a data source would keep in the state, which everybody with the state can read.
func stored(a *tfprotov6.SchemaAttribute) (secret bool) {
	named := secretName.MatchString(a.Name) && a.Type != nil && a.Type.String() == "tftypes.String" && !slices.Contains(harmless, a.Name)
	return (a.Sensitive || named) && !a.WriteOnly
}

func TestSchema_noStateHoldsASecret(t *testing.T) {
	t.Parallel()
	writeOnly := 0
	for where, schema := range servedSchemas(t) {
		if !strings.HasPrefix(where, "resource ") && !strings.HasPrefix(where, "data source ") {
			continue
		}
		eachAttribute(where, schema.Block, func(where string, a *tfprotov6.SchemaAttribute) {
			if stored(a) {
				t.Errorf("%s is in the state, and sensitive, or called like a secret", where)
			}
			if a.WriteOnly {
				writeOnly++
			}
			if a.WriteOnly && (!a.Sensitive || !strings.HasSuffix(a.Name, "_wo")) {
				t.Errorf("%s is write-only: its name ends in _wo and it is sensitive, so that plans do not show it", where)
			}
		})
	}
	if writeOnly == 0 {
		t.Error("no write-only attribute was seen")
	}
	for where, schema := range servedSchemas(t) {
		if where == "ephemeral resource kvs_credentials" {
			eachAttribute(where, schema.Block, func(where string, a *tfprotov6.SchemaAttribute) {
				if (a.Name == "password" || a.Name == "url") && !stored(a) {
					t.Errorf("%s would pass for harmless in a state", where)
				}
			})
		}
	}
}
