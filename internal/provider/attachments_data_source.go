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
	text := func(description string) schema.StringAttribute {
		return schema.StringAttribute{MarkdownDescription: description, Computed: true}
	}
	plan := text("Plan of the store, such as `premium-0`.")
	plan.CustomType = planNameType{}
	resp.Schema = schema.Schema{
		MarkdownDescription: "Lists the attachments of Key-Value Stores that the API token can see. An attachment " +
			"belongs to the app that the store is attached to. " +
			"It takes the lists of apps, add-ons and attachments, and no request for each of them.",
		Attributes: attachmentFilters.dataSourceAttributes(map[string]schema.Attribute{
			"attachments": schema.ListNestedAttribute{
				MarkdownDescription: "The attachments, by app and name. Those that only serve a replacement are left " +
					"out.",
				Computed: true,
				NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
					"id": text("UUID of the attachment."),
					"name": text("Name of the attachment, unique within its app: `CACHE` gives the config " +
						"var `CACHE_URL`."),
					"app_id":         text("UUID of the app that the store is attached to."),
					"app_name":       text("Name of that app."),
					"instance_id":    text("UUID of the store."),
					"instance_name":  text("Name of the store."),
					"owner_app_id":   text("UUID of the app that owns the store."),
					"owner_app_name": text("Name of that app."),
					"plan":           plan,
					"first": schema.BoolAttribute{
						MarkdownDescription: "Whether it is the store's first attachment to its own app, which " +
							"`kvs_instance` manages as its `attachment_name`. " +
							"A configuration may not manage one attachment twice.",
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
			resp.Diagnostics.Append(d.failureOf(reading, "Unable to list what is at Heroku", "All attachments", err))
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
