// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package main

import (
	"strings"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

// The JSON document that the Terraform documentation describes under "JSON output format: providers schema".
type (
	document struct {
		FormatVersion   string                    `json:"format_version"`
		ProviderSchemas map[string]providerSchema `json:"provider_schemas"`
	}

	providerSchema struct {
		Provider           schema              `json:"provider"`
		Resources          map[string]schema   `json:"resource_schemas,omitempty"`
		DataSources        map[string]schema   `json:"data_source_schemas,omitempty"`
		EphemeralResources map[string]schema   `json:"ephemeral_resource_schemas,omitempty"`
		ListResources      map[string]schema   `json:"list_resource_schemas,omitempty"`
		Actions            map[string]action   `json:"action_schemas,omitempty"`
		Functions          map[string]function `json:"functions,omitempty"`
		Identities         map[string]identity `json:"resource_identity_schemas,omitempty"`
	}

	schema struct {
		Version int64 `json:"version"`
		Block   block `json:"block"`
	}

	action struct {
		Block block `json:"block"`
	}

	block struct {
		Attributes      map[string]attribute   `json:"attributes,omitempty"`
		BlockTypes      map[string]nestedBlock `json:"block_types,omitempty"`
		Description     string                 `json:"description,omitempty"`
		DescriptionKind string                 `json:"description_kind"`
		Deprecated      bool                   `json:"deprecated,omitempty"`
	}

	nestedBlock struct {
		NestingMode string `json:"nesting_mode"`
		Block       block  `json:"block"`
		MinItems    int64  `json:"min_items,omitempty"`
		MaxItems    int64  `json:"max_items,omitempty"`
	}

	attribute struct {
		Type            tftypes.Type `json:"type,omitempty"`
		NestedType      *nestedType  `json:"nested_type,omitempty"`
		Description     string       `json:"description,omitempty"`
		DescriptionKind string       `json:"description_kind"`
		Deprecated      bool         `json:"deprecated,omitempty"`
		Required        bool         `json:"required,omitempty"`
		Optional        bool         `json:"optional,omitempty"`
		Computed        bool         `json:"computed,omitempty"`
		Sensitive       bool         `json:"sensitive,omitempty"`
		WriteOnly       bool         `json:"write_only,omitempty"`
	}

	nestedType struct {
		Attributes  map[string]attribute `json:"attributes"`
		NestingMode string               `json:"nesting_mode"`
	}

	function struct {
		Description        string       `json:"description,omitempty"`
		Summary            string       `json:"summary,omitempty"`
		DeprecationMessage string       `json:"deprecation_message,omitempty"`
		ReturnType         tftypes.Type `json:"return_type"`
		Parameters         []parameter  `json:"parameters,omitempty"`
		VariadicParameter  *parameter   `json:"variadic_parameter,omitempty"`
	}

	parameter struct {
		Name        string       `json:"name"`
		Description string       `json:"description,omitempty"`
		IsNullable  bool         `json:"is_nullable,omitempty"`
		Type        tftypes.Type `json:"type"`
	}

	identity struct {
		Version    int64                        `json:"version"`
		Attributes map[string]identityAttribute `json:"attributes,omitempty"`
	}

	identityAttribute struct {
		Type              tftypes.Type `json:"type"`
		Description       string       `json:"description,omitempty"`
		RequiredForImport bool         `json:"required_for_import,omitempty"`
		OptionalForImport bool         `json:"optional_for_import,omitempty"`
	}
)

func newProviderSchema(p *tfprotov6.GetProviderSchemaResponse, i *tfprotov6.GetResourceIdentitySchemasResponse) providerSchema {
	return providerSchema{
		Provider:           newSchema(p.Provider),
		Resources:          each(p.ResourceSchemas, newSchema),
		DataSources:        each(p.DataSourceSchemas, newSchema),
		EphemeralResources: each(p.EphemeralResourceSchemas, newSchema),
		ListResources:      each(p.ListResourceSchemas, newSchema),
		Actions:            each(p.ActionSchemas, func(a *tfprotov6.ActionSchema) action { return action{newBlock(a.Schema.Block)} }),
		Functions:          each(p.Functions, newFunction),
		Identities:         each(i.IdentitySchemas, newIdentity),
	}
}

func newSchema(s *tfprotov6.Schema) schema {
	return schema{Version: s.Version, Block: newBlock(s.Block)}
}

func newBlock(b *tfprotov6.SchemaBlock) block {
	out := block{
		Attributes:      newAttributes(b.Attributes),
		BlockTypes:      map[string]nestedBlock{},
		Description:     b.Description,
		DescriptionKind: lower(b.DescriptionKind),
		Deprecated:      b.Deprecated,
	}
	for _, n := range b.BlockTypes {
		out.BlockTypes[n.TypeName] = nestedBlock{NestingMode: lower(n.Nesting),
			Block: newBlock(n.Block), MinItems: n.MinItems, MaxItems: n.MaxItems}
	}
	return out
}

func newAttributes(attributes []*tfprotov6.SchemaAttribute) map[string]attribute {
	out := map[string]attribute{}
	for _, a := range attributes {
		o := attribute{
			Type:            a.Type,
			Description:     a.Description,
			DescriptionKind: lower(a.DescriptionKind),
			Deprecated:      a.Deprecated,
			Required:        a.Required,
			Optional:        a.Optional,
			Computed:        a.Computed,
			Sensitive:       a.Sensitive,
			WriteOnly:       a.WriteOnly,
		}
		if n := a.NestedType; n != nil {
			o.NestedType = &nestedType{Attributes: newAttributes(n.Attributes), NestingMode: lower(n.Nesting)}
		}
		out[a.Name] = o
	}
	return out
}

func newFunction(f *tfprotov6.Function) function {
	out := function{
		Description:        f.Description,
		Summary:            f.Summary,
		DeprecationMessage: f.DeprecationMessage,
		ReturnType:         f.Return.Type,
	}
	for _, p := range f.Parameters {
		out.Parameters = append(out.Parameters, newParameter(p))
	}
	if f.VariadicParameter != nil {
		p := newParameter(f.VariadicParameter)
		out.VariadicParameter = &p
	}
	return out
}

func newParameter(p *tfprotov6.FunctionParameter) parameter {
	return parameter{Name: p.Name, Description: p.Description, IsNullable: p.AllowNullValue, Type: p.Type}
}

func newIdentity(s *tfprotov6.ResourceIdentitySchema) identity {
	out := identity{Version: s.Version, Attributes: map[string]identityAttribute{}}
	for _, a := range s.IdentityAttributes {
		out.Attributes[a.Name] = identityAttribute{
			Type: a.Type, Description: a.Description, RequiredForImport: a.RequiredForImport, OptionalForImport: a.OptionalForImport,
		}
	}
	return out
}

// lower converts a protocol constant such as MARKDOWN or SINGLE to the lower-case word in the document.
func lower(constant interface{ String() string }) string { return strings.ToLower(constant.String()) }

func each[A, B any](in map[string]A, convert func(A) B) map[string]B {
	out := make(map[string]B, len(in))
	for name, a := range in {
		out[name] = convert(a)
	}
	return out
}
