// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"iter"
	"maps"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/list"
	"github.com/hashicorp/terraform-plugin-framework/list/schema"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/keyvalue"
)

// `terraform query` calls one list resource for each resource type; discovery.go finds the objects. With include_resource, a
// result has the state that an import and the read after it would give, so that the configuration that Terraform generates from
// it plans no change.

// lister lists the objects of one kind of resource, whose model is M.
type lister[M any] struct {
	connection
	construct   func() resource.Resource
	description string
	identity    string // the only attribute of the resource's identity, empty if listings set several
	filters     filters
	options     map[string]schema.Attribute // beside the filters
	find        func(context.Context, query) iter.Seq2[listing[M], error]
}

// query is one call of List, with the filters of its configuration.
type query struct {
	*connection
	keyvalue.Selection
	list.ListRequest
}

// listing is one result.
type listing[M any] struct {
	id       string
	name     string            // display name, empty for an error about no object
	identity map[string]string // nil if the id is the identity
	// read fills in a model that has its id only, for include_resource.
	read func(context.Context, *M) diag.Diagnostics
}

var _ list.ListResourceWithConfigure = (*lister[appModel])(nil)

func (l *lister[M]) Metadata(ctx context.Context, req resource.MetadataRequest, resp *resource.MetadataResponse) {
	l.construct().Metadata(ctx, req, resp)
}

func (l *lister[M]) ListResourceConfigSchema(
	_ context.Context, _ list.ListResourceSchemaRequest, resp *list.ListResourceSchemaResponse,
) {
	attributes := map[string]schema.Attribute{}
	maps.Copy(attributes, l.options)
	resp.Schema = schema.Schema{MarkdownDescription: l.description, Attributes: l.filters.listAttributes(attributes)}
}

func (l *lister[M]) Configure(_ context.Context, req resource.ConfigureRequest, resp *resource.ConfigureResponse) {
	l.configure(req.ProviderData, &resp.Diagnostics)
}

func (l *lister[M]) List(ctx context.Context, req list.ListRequest, stream *list.ListResultsStream) {
	selection, diags := l.filters.selection(ctx, req.Config)
	if diags.HasError() || !l.ready(&diags) {
		stream.Results = list.ListResultsStreamDiagnostics(diags)
		return
	}
	schemas := schemasOf(ctx, l.construct())
	var of resource.MetadataResponse
	l.Metadata(ctx, resource.MetadataRequest{ProviderTypeName: "kvs"}, &of)
	stream.Results = func(push func(list.ListResult) bool) {
		var sent int64
		for found, err := range l.find(ctx, query{&l.connection, selection, req}) {
			result := req.NewListResult(ctx)
			if err != nil {
				about := strings.TrimSpace(of.TypeName + " " + found.name)
				result.Diagnostics.Append(l.failureOf(runAgain, "Unable to list what is at Heroku", about, err))
			} else {
				result.DisplayName = found.name
				if found.identity == nil {
					found.identity = map[string]string{l.identity: found.id}
				}
				for attribute, value := range found.identity {
					result.Diagnostics.Append(result.Identity.SetAttribute(ctx, path.Root(attribute), value)...)
				}
			}
			if req.IncludeResource && !result.Diagnostics.HasError() {
				result.Diagnostics.Append(l.include(ctx, schemas, found, result.Resource)...)
			}
			if sent++; !push(result) || result.Diagnostics.HasError() || sent == req.Limit {
				return
			}
		}
	}
}

// include writes the state of an object into a result.
func (l *lister[M]) include(ctx context.Context, schemas *schemas, found listing[M], into *tfsdk.Resource) diag.Diagnostics {
	state := schemas.bareState(tfsdk.State{})
	diags := state.SetAttribute(ctx, path.Root("id"), found.id)
	var model M
	if diags.Append(state.Get(ctx, &model)...); diags.HasError() {
		return diags
	}
	if diags.Append(found.read(ctx, &model)...); diags.HasError() {
		return diags
	}
	diags.Append(state.Set(ctx, &model)...)
	into.Raw = schemas.with(state.Raw, schemas.none)
	return diags
}

// results maps what was found to listings.
func results[T, M any](all iter.Seq2[T, error], result func(T) listing[M]) iter.Seq2[listing[M], error] {
	return func(yield func(listing[M], error) bool) {
		for found, err := range all {
			if !yield(result(found), err) {
				return
			}
		}
	}
}

func listResources() []func() list.ListResource {
	return []func() list.ListResource{
		listApps, listInstances, listAttachments, listMaintenanceWindows, listPrivateSpaces, listTrustedRanges,
		listTrustedRangesOneByOne, listSpaceAppAccess, listFormations,
	}
}

func listApps() list.ListResource {
	return &lister[appModel]{
		construct: newAppResource, identity: "id", filters: appFilters,
		description: "Lists the apps that the API token can see.",
		find: func(ctx context.Context, q query) iter.Seq2[listing[appModel], error] {
			return results(q.apps(ctx, q.Selection), func(app heroku.App) listing[appModel] {
				return listing[appModel]{
					id: string(app.ID), name: app.Name,
					read: func(_ context.Context, m *appModel) diag.Diagnostics {
						m.read(app)
						return nil
					},
				}
			})
		},
	}
}

func listInstances() list.ListResource {
	return &lister[instanceModel]{
		construct: newInstanceResource, identity: "id", filters: storeFilters,
		description: "Lists the Key-Value Stores that the API token can see, except stores that are being destroyed. With " +
			"`include_resource`, it requires one request for each store, because Heroku has no list of their settings.",
		find: func(ctx context.Context, q query) iter.Seq2[listing[instanceModel], error] {
			want := storeDetails{apps: q.IncludeResource, settings: q.IncludeResource}
			return results(q.stores(ctx, q.Selection, want), func(store foundStore) listing[instanceModel] {
				return listing[instanceModel]{
					id: string(store.ID), name: store.Name,
					read: func(_ context.Context, m *instanceModel) diag.Diagnostics {
						m.DeletionProtection, m.OutsideSpace = types.BoolValue(true), types.BoolValue(store.runsOutside())
						m.read(store.AddOn, store.settings)
						return nil
					},
				}
			})
		},
	}
}

func listMaintenanceWindows() list.ListResource {
	return &lister[maintenanceWindowModel]{
		construct: newMaintenanceWindowResource, identity: "instance_id", filters: storeFilters,
		description: "Lists the maintenance windows of the Key-Value Stores that the API token can see and whose plan has a window. With " +
			"`include_resource`, it requires one request for each store, which `kvs_instance` shares if both are listed.",
		find: func(ctx context.Context, q query) iter.Seq2[listing[maintenanceWindowModel], error] {
			want := storeDetails{settings: q.IncludeResource, windowed: true}
			return results(q.stores(ctx, q.Selection, want), func(store foundStore) listing[maintenanceWindowModel] {
				return listing[maintenanceWindowModel]{
					id: string(store.ID), name: store.Name,
					read: func(_ context.Context, m *maintenanceWindowModel) diag.Diagnostics {
						m.InstanceID, m.InstanceName = m.ID, types.StringValue(store.Name)
						if store.settings == nil {
							return nil
						}
						if window, err := keyvalue.ParseWindowText(store.settings.MaintenanceWindow); err == nil {
							m.read(window, q.client.HostTime())
						}
						return nil
					},
				}
			})
		},
	}
}

func listAttachments() list.ListResource {
	const includeFirst = "include_first"
	return &lister[attachmentModel]{
		construct: newAttachmentResource, identity: "id", filters: attachmentFilters,
		description: "Lists the attachments of Key-Value Stores that the API token can see. An attachment belongs to " +
			"the app that the store is attached to.",
		options: map[string]schema.Attribute{includeFirst: schema.BoolAttribute{
			Optional: true,
			MarkdownDescription: "Whether to also list the first attachment of each store to its own app, which `kvs_instance` manages as its " +
				"`attachment_name`. A configuration must not manage the same attachment twice. Defaults to `false`.",
		}},
		find: func(ctx context.Context, q query) iter.Seq2[listing[attachmentModel], error] {
			var first types.Bool
			_ = q.Config.GetAttribute(ctx, path.Root(includeFirst), &first) // Terraform has validated its type
			attachments := func(yield func(foundAttachment, error) bool) {
				for a, err := range q.attachments(ctx, q.Selection) {
					if (err != nil || !a.first || first.ValueBool()) && !yield(a, err) {
						return
					}
				}
			}
			return results(attachments, func(a foundAttachment) listing[attachmentModel] {
				return listing[attachmentModel]{
					id: string(a.ID), name: a.reference(),
					read: func(_ context.Context, m *attachmentModel) diag.Diagnostics {
						m.read(a.Attachment)
						return nil
					},
				}
			})
		},
	}
}

func listPrivateSpaces() list.ListResource {
	return &lister[privateSpaceModel]{
		construct: newPrivateSpaceResource, identity: "id", filters: spaceFilters,
		description: "Lists the Private and Shield Spaces that the API token can see, except spaces that are being deleted.",
		find: func(ctx context.Context, q query) iter.Seq2[listing[privateSpaceModel], error] {
			return results(q.spaces(ctx, q.Selection), func(space heroku.Space) listing[privateSpaceModel] {
				return listing[privateSpaceModel]{
					id: string(space.ID), name: space.Name,
					read: func(_ context.Context, m *privateSpaceModel) diag.Diagnostics {
						m.DeletionProtection = types.BoolValue(true)
						m.read(space, nil) // outbound addresses are not part of a configuration
						return nil
					},
				}
			})
		},
	}
}

func listTrustedRanges() list.ListResource {
	return &lister[trustedRangesModel]{
		construct: newTrustedRangesResource, identity: "space_id", filters: rangeFilters,
		description: "Lists the trusted IP ranges of the Private and Shield Spaces that the API token can see, with one result for each " +
			"space. With `include_resource`, it requires one request for each space, because Heroku has no list of the ranges of all spaces.",
		find: func(ctx context.Context, q query) iter.Seq2[listing[trustedRangesModel], error] {
			return results(q.allocatedSpaces(ctx), func(space heroku.Space) listing[trustedRangesModel] {
				return listing[trustedRangesModel]{
					id: string(space.ID), name: space.Name,
					read: func(ctx context.Context, m *trustedRangesModel) diag.Diagnostics {
						ruleset, err := q.client.TrustedRanges(ctx, space.ID)
						if err != nil {
							about := "The trusted IP ranges of space " + space.Name
							return diag.Diagnostics{q.failureOf(runAgain, "Unable to list what is at Heroku", about, err)}
						}
						m.SpaceID, m.OnDestroy = m.ID, types.StringValue(onDestroyKeep)
						return m.read(ctx, ruleset)
					},
				}
			})
		},
	}
}

// allocatedSpaces yields the selected spaces that are allocated: others have no ranges.
func (q query) allocatedSpaces(ctx context.Context) iter.Seq2[heroku.Space, error] {
	return func(yield func(heroku.Space, error) bool) {
		for space, err := range q.spaces(ctx, q.Selection) {
			if (err != nil || space.State == heroku.SpaceAllocated) && !yield(space, err) {
				return
			}
		}
	}
}

// foundRange is one range of a space.
type foundRange struct {
	space  heroku.Space
	source string
	of     heroku.Ruleset
}

func listTrustedRangesOneByOne() list.ListResource {
	return &lister[trustedRangeModel]{
		construct: newTrustedRangeResource, filters: rangeFilters,
		description: "Lists the trusted IP ranges of the Private and Shield Spaces that the API token can see, with one result for each " +
			"range. It requires one request for each space, because Heroku has no list of the ranges of all spaces.",
		find: func(ctx context.Context, q query) iter.Seq2[listing[trustedRangeModel], error] {
			ranges := func(yield func(foundRange, error) bool) {
				for space, err := range q.allocatedSpaces(ctx) {
					var set heroku.Ruleset
					if err == nil {
						set, err = q.client.TrustedRanges(ctx, space.ID)
					}
					if err != nil && !yield(foundRange{space: space}, err) {
						return
					}
					for _, source := range allowed(set) {
						if !yield(foundRange{space, source, set}, nil) {
							return
						}
					}
				}
			}
			return results(ranges, func(found foundRange) listing[trustedRangeModel] {
				m := trustedRangeModel{SpaceID: types.StringValue(string(found.space.ID)), Range: types.StringValue(found.source)}
				return listing[trustedRangeModel]{
					id: m.plannedID().ValueString(), name: strings.Trim(found.space.Name+" "+found.source, " "),
					identity: map[string]string{"space_id": string(found.space.ID), "range": found.source},
					read: func(_ context.Context, into *trustedRangeModel) diag.Diagnostics {
						into.SpaceID, into.Range = m.SpaceID, m.Range
						into.read(found.of, q.client.HostTime())
						return nil
					},
				}
			})
		},
	}
}
