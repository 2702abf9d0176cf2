// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"context"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/provider"
	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/acctest"
)

// The two other Heroku providers, as far as a state needs them: they know the types of their resources, and keep what the
// state says. What they would send to Heroku is not sent.

// formerObject is a resource in the state of another provider.
type formerObject struct {
	address    string // "heroku_app.web", or "heroku_app.web[\"key\"]" of one with for_each
	version    int    // of the schema
	attributes map[string]any
}

// parts are type, name and key of an address.
func (o formerObject) parts() (kind, name, key string) {
	kind, name, _ = strings.Cut(o.address, ".")
	name, key, _ = strings.Cut(name, `["`)
	return kind, name, strings.TrimSuffix(key, `"]`)
}

// formerServices are the namespaces of the providers, by the first part of the types of their resources.
var formerServices = map[string]string{"heroku": "heroku/heroku", "herokux": "davidji99/herokux"}

// formerState is a state file with these objects, as the other providers have left it.
func formerState(t *testing.T, objects []formerObject) string {
	t.Helper()
	host := "registry.terraform.io/"
	if acctest.OnOpenTofu() {
		host = "registry.opentofu.org/"
	}
	resources := map[string]map[string]any{}
	for _, object := range objects {
		kind, name, key := object.parts()
		service, _, _ := strings.Cut(kind, "_")
		instance := map[string]any{"schema_version": object.version, "attributes": object.attributes,
			"private": "eyJzY2hlbWFfdmVyc2lvbiI6IjEifQ=="}
		if key != "" {
			instance["index_key"] = key
		}
		of := resources[kind+"."+name]
		if of == nil {
			of = map[string]any{"mode": "managed", "type": kind, "name": name, "provider": `provider["` + host + formerServices[service] + `"]`,
				"instances": []any{}}
			resources[kind+"."+name] = of
		}
		of["instances"] = append(of["instances"].([]any), instance)
	}
	text, err := json.Marshal(map[string]any{
		"version": 4, "terraform_version": "1.11.0", "serial": 1, "lineage": "6d2f4f5c-0a2f-4a53-8b60-6d1d1f3a5c11",
		"outputs": map[string]any{}, "resources": slices.Collect(maps.Values(resources)),
	})
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// adopt gives a CLI the state of the other providers, and serves these.
func adopt(t *testing.T, cli *acctest.CLI, objects []formerObject) {
	t.Helper()
	for service, address := range formerServices {
		former := &formerProvider{name: service, resources: map[string]map[string]attr.Type{}, versions: map[string]int{}}
		for _, object := range objects {
			if kind, _, _ := object.parts(); strings.HasPrefix(kind, service+"_") {
				former.learn(kind, object.version, object.attributes)
			}
		}
		cli.Beside(address, func() (tfprotov6.ProviderServer, error) { return providerserver.NewProtocol6(former)(), nil })
	}
	path := filepath.Join(t.TempDir(), "former.tfstate")
	if err := os.WriteFile(path, []byte(formerState(t, objects)), 0o600); err != nil {
		t.Fatal(err)
	}
	if pushed := cli.Run("state", "push", "-force", path); pushed.Code != 0 {
		t.Fatalf("the state is not taken:\n%s", pushed.Output())
	}
}

// formerProvider has resources whose attributes are those of its objects.
type formerProvider struct {
	name      string
	resources map[string]map[string]attr.Type
	versions  map[string]int // of their schemas
}

func (p *formerProvider) learn(kind string, version int, attributes map[string]any) {
	p.versions[kind] = max(p.versions[kind], version)
	if p.resources[kind] == nil {
		p.resources[kind] = map[string]attr.Type{"id": types.StringType}
	}
	for name, value := range attributes {
		p.resources[kind][name] = typeOf(value)
	}
}

// typeOf is the type of a value of JSON.
func typeOf(value any) attr.Type {
	switch value := value.(type) {
	case bool:
		return types.BoolType
	case map[string]any:
		return types.MapType{ElemType: types.StringType}
	case []any:
		if object, is := slices.Concat(value, []any{""})[0].(map[string]any); is {
			members := map[string]attr.Type{}
			for name, member := range object {
				members[name] = typeOf(member)
			}
			return types.ListType{ElemType: types.ObjectType{AttrTypes: members}}
		}
		return types.ListType{ElemType: types.StringType}
	}
	return types.StringType
}

func (p *formerProvider) Metadata(_ context.Context, _ provider.MetadataRequest, resp *provider.MetadataResponse) {
	resp.TypeName = p.name
}
func (p *formerProvider) Schema(context.Context, provider.SchemaRequest, *provider.SchemaResponse) {}
func (p *formerProvider) Configure(context.Context, provider.ConfigureRequest, *provider.ConfigureResponse) {
}
func (p *formerProvider) DataSources(context.Context) []func() datasource.DataSource { return nil }

func (p *formerProvider) Resources(context.Context) (all []func() resource.Resource) {
	for kind, attributes := range p.resources {
		all = append(all, func() resource.Resource { return formerResource{kind, p.versions[kind], attributes} })
	}
	return all
}

type formerResource struct {
	kind       string
	version    int
	attributes map[string]attr.Type
}

func (r formerResource) Metadata(_ context.Context, _ resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = r.kind
}

func (r formerResource) Schema(_ context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	all := map[string]schema.Attribute{}
	for name, of := range r.attributes {
		switch of := of.(type) {
		case types.MapType:
			all[name] = schema.MapAttribute{ElementType: of.ElemType, Optional: true, Computed: true}
		case types.ListType:
			all[name] = schema.ListAttribute{ElementType: of.ElemType, Optional: true, Computed: true}
		default:
			if of.Equal(types.BoolType) {
				all[name] = schema.BoolAttribute{Optional: true, Computed: true}
			} else {
				all[name] = schema.StringAttribute{Optional: true, Computed: true}
			}
		}
	}
	resp.Schema = schema.Schema{Version: int64(r.version), Attributes: all}
}

func (r formerResource) Create(context.Context, resource.CreateRequest, *resource.CreateResponse) {}
func (r formerResource) Read(context.Context, resource.ReadRequest, *resource.ReadResponse)       {}
func (r formerResource) Update(context.Context, resource.UpdateRequest, *resource.UpdateResponse) {}
func (r formerResource) Delete(context.Context, resource.DeleteRequest, *resource.DeleteResponse) {}
