// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"encoding/json"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// The schema of the last release is in testdata/released.json; a release copies testdata/schema.json over it. Until the
// first one it has no provider, and nothing can break.

type (
	schemaDocument struct {
		Providers map[string]providerSchema `json:"provider_schemas"`
	}
	providerSchema struct {
		Provider    schemaOf            `json:"provider"`
		Resources   map[string]schemaOf `json:"resource_schemas"`
		DataSources map[string]schemaOf `json:"data_source_schemas"`
		Ephemerals  map[string]schemaOf `json:"ephemeral_resource_schemas"`
		Actions     map[string]schemaOf `json:"action_schemas"`
		Functions   map[string]struct {
			Returns    any               `json:"return_type"`
			Parameters []schemaAttribute `json:"parameters"`
		} `json:"functions"`
		Identities map[string]schemaBlock `json:"resource_identity_schemas"`
	}
	schemaOf struct {
		Version int         `json:"version"`
		Block   schemaBlock `json:"block"`
	}
	schemaBlock struct {
		Attributes map[string]schemaAttribute `json:"attributes"`
		Blocks     map[string]struct {
			Nesting string      `json:"nesting_mode"`
			Block   schemaBlock `json:"block"`
		} `json:"block_types"`
	}
	schemaAttribute struct {
		Type   any `json:"type"`
		Nested *struct {
			Nesting    string                     `json:"nesting_mode"`
			Attributes map[string]schemaAttribute `json:"attributes"`
		} `json:"nested_type"`
		Required          bool `json:"required"`
		Optional          bool `json:"optional"`
		Computed          bool `json:"computed"`
		Sensitive         bool `json:"sensitive"`
		WriteOnly         bool `json:"write_only"`
		RequiredForImport bool `json:"required_for_import"`
	}
)

// schemaBreak is what a configuration that worked may no longer do.
type schemaBreak struct{ object, attribute, what string }

func (b schemaBreak) String() string {
	return strings.TrimSuffix(b.object+" "+b.attribute, " ") + ": " + b.what
}

type schemaBreaks []schemaBreak

func (b *schemaBreaks) add(object, attribute, what string) {
	*b = append(*b, schemaBreak{object, attribute, what})
}

func breaksBetween(was, is providerSchema) schemaBreaks {
	var breaks schemaBreaks
	breaks.objects("provider", map[string]schemaOf{"kvs": was.Provider}, map[string]schemaOf{"kvs": is.Provider})
	breaks.objects("resource", was.Resources, is.Resources)
	breaks.objects("data-source", was.DataSources, is.DataSources)
	breaks.objects("ephemeral", was.Ephemerals, is.Ephemerals)
	breaks.objects("action", was.Actions, is.Actions)
	for name, before := range was.Functions {
		now, kept := is.Functions[name]
		parameters := func(all []schemaAttribute) (types []any) {
			for _, p := range all {
				types = append(types, p.Type)
			}
			return types
		}
		if object := "function/" + name; !kept {
			breaks.add(object, "", "is gone")
		} else if !reflect.DeepEqual(parameters(before.Parameters), parameters(now.Parameters)) ||
			!reflect.DeepEqual(before.Returns, now.Returns) {
			breaks.add(object, "", "takes or returns another type")
		}
	}
	for name, before := range was.Identities {
		breaks.attributes("identity/"+name, "", before.Attributes, is.Identities[name].Attributes)
	}
	slices.SortFunc(breaks, func(a, b schemaBreak) int { return strings.Compare(a.String(), b.String()) })
	return breaks
}

func (b *schemaBreaks) objects(kind string, was, is map[string]schemaOf) {
	for name, before := range was {
		object := kind + "/" + name
		now, kept := is[name]
		if !kept {
			b.add(object, "", "is gone")
			continue
		}
		if now.Version < before.Version {
			b.add(object, "", "has an older version of its state")
		}
		b.block(object, "", before.Block, now.Block)
	}
}

func (b *schemaBreaks) block(object, prefix string, was, is schemaBlock) {
	b.attributes(object, prefix, was.Attributes, is.Attributes)
	for name, before := range was.Blocks {
		now, kept := is.Blocks[name]
		if !kept || now.Nesting != before.Nesting {
			b.add(object, prefix+name, "is gone, or nested in another way")
			continue
		}
		b.block(object, prefix+name+".", before.Block, now.Block)
	}
}

func (b *schemaBreaks) attributes(object, prefix string, was, is map[string]schemaAttribute) {
	for name, before := range was {
		now, kept := is[name]
		if !kept {
			b.add(object, prefix+name, "is gone")
			continue
		}
		for what, broken := range map[string]bool{
			"has another type":         !reflect.DeepEqual(before.Type, now.Type) || (before.Nested == nil) != (now.Nested == nil),
			"became required":          now.Required && !before.Required || now.RequiredForImport && !before.RequiredForImport,
			"can no longer be set":     (before.Required || before.Optional) && !now.Required && !now.Optional,
			"is no longer filled in":   before.Computed && !now.Computed,
			"became sensitive":         now.Sensitive && !before.Sensitive,
			"is no longer in state":    now.WriteOnly && !before.WriteOnly,
			"is in the state from now": before.WriteOnly && !now.WriteOnly,
		} {
			if broken {
				b.add(object, prefix+name, what)
			}
		}
		if before.Nested != nil && now.Nested != nil {
			if before.Nested.Nesting != now.Nested.Nesting {
				b.add(object, prefix+name, "is nested in another way")
			}
			b.attributes(object, prefix+name+".", before.Nested.Attributes, now.Nested.Attributes)
		}
	}
	for name, now := range is {
		if _, known := was[name]; !known && (now.Required || now.RequiredForImport) {
			b.add(object, prefix+name, "is new and required")
		}
	}
}

// unannounced are the breaks that the section of the coming release does not name under BREAKING CHANGES, in one line
// with the object and the attribute: "* resource/kvs_instance: `timeout` is gone; …".
func unannounced(breaks schemaBreaks, changelog string) (missing []string) {
	_, coming, _ := strings.Cut(changelog, "\n## ")
	coming, _, _ = strings.Cut(coming, "\n## ")
	_, section, _ := strings.Cut(coming, "\nBREAKING CHANGES:\n")
	if end := regexp.MustCompile(`(?m)^[A-Z ]+:$`).FindStringIndex(section); end != nil {
		section = section[:end[0]]
	}
	for _, b := range breaks {
		if !slices.ContainsFunc(strings.Split(section, "\n"), func(line string) bool {
			return strings.Contains(line, b.object+":") && (b.attribute == "" || strings.Contains(line, "`"+b.attribute+"`"))
		}) {
			missing = append(missing, b.String())
		}
	}
	return missing
}

func schemaIn(t *testing.T, content []byte) (schema providerSchema, found bool) {
	t.Helper()
	var document schemaDocument
	if err := json.Unmarshal(content, &document); err != nil {
		t.Fatal(err)
	}
	for _, schema := range document.Providers {
		return schema, true
	}
	return providerSchema{}, false
}

func fileOf(t *testing.T, path string) []byte {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

var releasedHeading = regexp.MustCompile(`(?m)^## \d+\.\d+\.\d+ \([^U]`)

func TestSchema_whatWasReleasedStillWorksOrIsAnnounced(t *testing.T) {
	t.Parallel()
	changelog := string(fileOf(t, "../../CHANGELOG.md"))
	is, _ := schemaIn(t, fileOf(t, "testdata/schema.json"))
	was, released := schemaIn(t, fileOf(t, "testdata/released.json"))
	if announced := releasedHeading.MatchString(changelog); announced != released {
		t.Errorf("the changelog has a release: %t, and testdata/released.json: %t", announced, released)
	}
	if !released {
		return
	}
	for _, missing := range unannounced(breaksBetween(was, is), changelog) {
		t.Errorf("%s, and CHANGELOG.md does not say so under BREAKING CHANGES", missing)
	}
}
