// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"cmp"
	"context"
	"slices"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/keyvalue"
)

// The data source kvs_instances lists stores with their attachments, for CLIs that have no query and for import blocks with
// for_each. See discovery.go for how they are found.

var _ datasource.DataSourceWithConfigure = (*instancesDataSource)(nil)

type instancesDataSource struct{ connection }

func newInstancesDataSource() datasource.DataSource { return &instancesDataSource{} }

type listedInstanceModel struct {
	ID                   types.String              `tfsdk:"id"`
	Name                 types.String              `tfsdk:"name"`
	AppID                types.String              `tfsdk:"app_id"`
	AppName              types.String              `tfsdk:"app_name"`
	Team                 types.String              `tfsdk:"team"`
	SpaceID              types.String              `tfsdk:"space_id"`
	SpaceName            types.String              `tfsdk:"space_name"`
	OutsideSpace         types.Bool                `tfsdk:"outside_space"`
	Plan                 planName                  `tfsdk:"plan"`
	State                types.String              `tfsdk:"state"`
	AttachmentName       types.String              `tfsdk:"attachment_name"`
	Attachments          []instanceAttachmentModel `tfsdk:"attachments"`
	HasMaintenanceWindow types.Bool                `tfsdk:"has_maintenance_window"`
	CreatedAt            types.String              `tfsdk:"created_at"`
	Timeout              types.Int64               `tfsdk:"timeout"`
	MaxmemoryPolicy      types.String              `tfsdk:"maxmemory_policy"`
	NotifyKeyspaceEvents types.String              `tfsdk:"notify_keyspace_events"`
	MaintenanceWindow    types.String              `tfsdk:"maintenance_window"`
	VersionActual        types.String              `tfsdk:"version_actual"`
	Deprecated           types.Bool                `tfsdk:"deprecated"`
}

type instanceAttachmentModel struct {
	ID      types.String `tfsdk:"id"`
	Name    types.String `tfsdk:"name"`
	AppID   types.String `tfsdk:"app_id"`
	AppName types.String `tfsdk:"app_name"`
}

func (d *instancesDataSource) Metadata(_ context.Context, req datasource.MetadataRequest, resp *datasource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_instances"
}

func (d *instancesDataSource) Schema(_ context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	flag := func(description string) schema.BoolAttribute {
		return schema.BoolAttribute{MarkdownDescription: description, Computed: true}
	}
	const asked = " Null unless `settings` is `true`, and while the store is not ready."
	plan := computedText("Plan of the store, such as `premium-0`.")
	plan.CustomType = planNameType{}
	resp.Schema = schema.Schema{
		MarkdownDescription: "Lists the Key-Value Stores that the API token can see, with their attachments, except stores that are being " +
			"destroyed. It reads the lists of apps, add-ons and attachments, and needs one request for each store only if settings or versions " +
			"are requested.",
		Attributes: storeFilters.dataSourceAttributes(map[string]schema.Attribute{
			"settings": schema.BoolAttribute{
				MarkdownDescription: "Whether to also read the settings and the version of each store, which requires one request for each store. " +
					"Defaults to `false`.",
				Optional: true,
			},
			"instances": schema.ListNestedAttribute{
				MarkdownDescription: "The stores, ordered by name.",
				Computed:            true,
				NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
					"id":            computedText("UUID of the store."),
					"name":          computedText("Name of the store, unique across Heroku."),
					"app_id":        computedText("UUID of the app that owns the store."),
					"app_name":      computedText("Name of the app that owns the store."),
					"team":          computedText("Name of the team that owns the app; null for an app of a single user."),
					"space_id":      computedText("UUID of the space that the app runs in; null in the Common Runtime."),
					"space_name":    computedText("Name of the space that the app runs in; null in the Common Runtime."),
					"outside_space": flag("Whether the store runs outside the network of the app's space."),
					"plan":          plan,
					"state":         computedText("State of the add-on, such as `provisioned`."),
					"attachment_name": computedText("Name of the store's first attachment to its own app, as in `attachment_name` of " +
						"`kvs_instance`; null if there is none."),
					"attachments": schema.ListNestedAttribute{
						MarkdownDescription: "All attachments of the store, including the first one, ordered by app and name. Attachments that the " +
							"provider creates only for a replacement are left out.",
						Computed: true,
						NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
							"id":       computedText("UUID of the attachment."),
							"name":     computedText("Name of the attachment."),
							"app_id":   computedText("UUID of the app that the store is attached to."),
							"app_name": computedText("Name of the app that the store is attached to."),
						}},
					},
					"has_maintenance_window": flag("Whether the store's plan has a maintenance window."),
					"created_at":             computedText("When the store was ordered, in RFC 3339."),
					"timeout": schema.Int64Attribute{MarkdownDescription: "Seconds after which an idle client is disconnected, or 0 " +
						"for never." + asked, Computed: true},
					"maxmemory_policy":       computedText("What happens when the memory is full." + asked),
					"notify_keyspace_events": computedText("Flags of the keyspace events that are published, empty if none are." + asked),
					"maintenance_window":     computedText("Weekly maintenance window in Heroku's wording; null on plans without a window." + asked),
					"version_actual":         computedText("Version that the server runs, such as `7.2.4`." + asked),
					"deprecated":             flag("Whether the store's version has reached or will soon reach its end of life." + asked),
				}},
			},
		}),
	}
}

func (d *instancesDataSource) Configure(_ context.Context, req datasource.ConfigureRequest, resp *datasource.ConfigureResponse) {
	d.configure(req.ProviderData, &resp.Diagnostics)
}

func (d *instancesDataSource) Read(ctx context.Context, req datasource.ReadRequest, resp *datasource.ReadResponse) {
	defer recoverPanic(&resp.Diagnostics, "Listing Key-Value Stores", nil)
	selection, diags := storeFilters.selection(ctx, req.Config)
	var settings types.Bool
	diags.Append(req.Config.GetAttribute(ctx, path.Root("settings"), &settings)...)
	if resp.Diagnostics.Append(diags...); resp.Diagnostics.HasError() || !d.ready(&resp.Diagnostics) {
		return
	}
	instances := []listedInstanceModel{}
	want := storeDetails{apps: true, attachments: true, settings: settings.ValueBool()}
	for store, err := range d.stores(ctx, selection, want) {
		if err != nil {
			resp.Diagnostics.Append(d.failureOf(runAgain, "Unable to list what is at Heroku", store.label(), err))
			return
		}
		instances = append(instances, d.listed(store))
	}
	slices.SortFunc(instances, func(a, b listedInstanceModel) int {
		return cmp.Compare(a.Name.ValueString(), b.Name.ValueString())
	})
	resp.State.Raw = req.Config.Raw
	resp.Diagnostics.Append(resp.State.SetAttribute(ctx, path.Root("instances"), instances)...)
}

func (d *instancesDataSource) listed(store foundStore) listedInstanceModel {
	var read instanceModel
	read.read(store.AddOn, store.settings)
	where := store.candidate()
	m := listedInstanceModel{
		ID: read.ID, Name: read.Name, AppID: read.AppID, AppName: types.StringValue(store.AppName),
		Team: optionalString(where.Team), SpaceID: optionalString(where.SpaceID), SpaceName: optionalString(where.SpaceName),
		OutsideSpace: types.BoolValue(store.runsOutside()), Plan: read.Plan, State: types.StringValue(store.State),
		AttachmentName: read.AttachmentName, Attachments: []instanceAttachmentModel{},
		HasMaintenanceWindow: types.BoolValue(!hasNoWindow(store.plan())), CreatedAt: read.CreatedAt,
		Timeout: read.Timeout.Int64Value, MaxmemoryPolicy: read.MaxmemoryPolicy,
		NotifyKeyspaceEvents: read.NotifyKeyspaceEvents.StringValue, VersionActual: read.VersionActual,
	}
	for _, a := range store.attachments {
		m.Attachments = append(m.Attachments, instanceAttachmentModel{
			types.StringValue(string(a.ID)), types.StringValue(a.Name),
			types.StringValue(string(a.AppID)), types.StringValue(a.AppName),
		})
	}
	slices.SortFunc(m.Attachments, func(a, b instanceAttachmentModel) int {
		return cmp.Or(
			cmp.Compare(a.AppName.ValueString(), b.AppName.ValueString()), cmp.Compare(a.Name.ValueString(), b.Name.ValueString()))
	})
	if store.settings != nil {
		m.MaintenanceWindow = optionalString(store.settings.MaintenanceWindow)
		m.Deprecated = types.BoolValue(store.running().Deprecated(d.client.HostTime()))
	}
	return m
}

func computedText(description string) schema.StringAttribute {
	return schema.StringAttribute{MarkdownDescription: description, Computed: true}
}

// The data source kvs_attachments lists attachments of stores: see discovery.go for how they are found.

var _ datasource.DataSourceWithConfigure = (*attachmentsDataSource)(nil)

type attachmentsDataSource struct{ connection }

func newAttachmentsDataSource() datasource.DataSource { return &attachmentsDataSource{} }

type listedAttachmentModel struct {
	ID           types.String `tfsdk:"id"`
	Name         types.String `tfsdk:"name"`
	AppID        types.String `tfsdk:"app_id"`
	AppName      types.String `tfsdk:"app_name"`
	InstanceID   types.String `tfsdk:"instance_id"`
	InstanceName types.String `tfsdk:"instance_name"`
	OwnerAppID   types.String `tfsdk:"owner_app_id"`
	OwnerAppName types.String `tfsdk:"owner_app_name"`
	Plan         planName     `tfsdk:"plan"`
	First        types.Bool   `tfsdk:"first"`
}

func (d *attachmentsDataSource) Metadata(_ context.Context, req datasource.MetadataRequest, resp *datasource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_attachments"
}

func (d *attachmentsDataSource) Schema(_ context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	plan := computedText("Plan of the store, such as `premium-0`.")
	plan.CustomType = planNameType{}
	resp.Schema = schema.Schema{
		MarkdownDescription: "Lists the attachments of Key-Value Stores that the API token can see. An attachment belongs to the app that " +
			"the store is attached to. The data source reads the lists of apps, add-ons and attachments, and needs no request for each " +
			"attachment.",
		Attributes: attachmentFilters.dataSourceAttributes(map[string]schema.Attribute{
			"attachments": schema.ListNestedAttribute{
				MarkdownDescription: "The attachments, ordered by app and name. Attachments that the provider creates only for a replacement are " +
					"left out.",
				Computed: true,
				NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
					"id": computedText("UUID of the attachment."),
					"name": computedText("Name of the attachment, unique within its app: `CACHE` gives the config " +
						"var `CACHE_URL`."),
					"app_id":         computedText("UUID of the app that the store is attached to."),
					"app_name":       computedText("Name of the app that the store is attached to."),
					"instance_id":    computedText("UUID of the store."),
					"instance_name":  computedText("Name of the store."),
					"owner_app_id":   computedText("UUID of the app that owns the store."),
					"owner_app_name": computedText("Name of the app that owns the store."),
					"plan":           plan,
					"first": schema.BoolAttribute{
						MarkdownDescription: "Whether this is the store's first attachment to its own app, which `kvs_instance` manages as its " +
							"`attachment_name`. A configuration must not manage the same attachment twice.",
						Computed: true,
					},
				}},
			},
		}),
	}
}

func (d *attachmentsDataSource) Configure(_ context.Context, req datasource.ConfigureRequest, resp *datasource.ConfigureResponse) {
	d.configure(req.ProviderData, &resp.Diagnostics)
}

func (d *attachmentsDataSource) Read(ctx context.Context, req datasource.ReadRequest, resp *datasource.ReadResponse) {
	defer recoverPanic(&resp.Diagnostics, "Listing attachments", nil)
	selection, diags := attachmentFilters.selection(ctx, req.Config)
	if resp.Diagnostics.Append(diags...); resp.Diagnostics.HasError() || !d.ready(&resp.Diagnostics) {
		return
	}
	attachments := []listedAttachmentModel{}
	for a, err := range d.attachments(ctx, selection) {
		if err != nil {
			resp.Diagnostics.Append(d.failureOf(runAgain, "Unable to list what is at Heroku", "All attachments", err))
			return
		}
		attachments = append(attachments, listedAttachmentModel{
			ID: types.StringValue(string(a.ID)), Name: types.StringValue(a.Name),
			AppID: types.StringValue(string(a.AppID)), AppName: types.StringValue(a.AppName),
			InstanceID: types.StringValue(string(a.AddOnID)), InstanceName: types.StringValue(a.AddOnName),
			OwnerAppID: types.StringValue(string(a.OwnerAppID)), OwnerAppName: types.StringValue(a.OwnerAppName),
			Plan: newPlanName(keyvalue.ShortPlanName(a.Plan)), First: types.BoolValue(a.first),
		})
	}
	slices.SortFunc(attachments, func(a, b listedAttachmentModel) int {
		return cmp.Or(
			cmp.Compare(a.AppName.ValueString(), b.AppName.ValueString()), cmp.Compare(a.Name.ValueString(), b.Name.ValueString()))
	})
	resp.State.Raw = req.Config.Raw
	resp.Diagnostics.Append(resp.State.SetAttribute(ctx, path.Root("attachments"), attachments)...)
}
