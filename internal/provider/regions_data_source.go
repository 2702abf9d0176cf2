// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"cmp"
	"context"
	"slices"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
)

// The data source kvs_regions lists where apps and spaces can be.

var _ datasource.DataSourceWithConfigure = (*regionsDataSource)(nil)

type regionsDataSource struct{ connection }

func newRegionsDataSource() datasource.DataSource { return &regionsDataSource{} }

type regionsModel struct {
	PrivateCapable types.Bool    `tfsdk:"private_capable"`
	Regions        []regionModel `tfsdk:"regions"`
}

type regionModel struct {
	ID             types.String `tfsdk:"id"`
	Name           types.String `tfsdk:"name"`
	Description    types.String `tfsdk:"description"`
	Country        types.String `tfsdk:"country"`
	Locale         types.String `tfsdk:"locale"`
	PrivateCapable types.Bool   `tfsdk:"private_capable"`
	Provider       types.String `tfsdk:"provider"`
	ProviderRegion types.String `tfsdk:"provider_region"`
}

func (d *regionsDataSource) Metadata(_ context.Context, req datasource.MetadataRequest, resp *datasource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_regions"
}

func (d *regionsDataSource) Schema(_ context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "Lists Heroku's regions by name: where apps of the Common Runtime, and Private and Shield Spaces, can be.",
		Attributes: map[string]schema.Attribute{
			"private_capable": schema.BoolAttribute{
				MarkdownDescription: "Lists only the regions that can hold a Private Space (`true`), or only those that cannot (`false`); when absent, all of them.",
				Optional:            true,
			},
			"regions": schema.ListNestedAttribute{
				MarkdownDescription: "The regions, ordered by name.",
				Computed:            true,
				NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
					"id":              schema.StringAttribute{MarkdownDescription: "UUID of the region.", Computed: true},
					"name":            schema.StringAttribute{MarkdownDescription: "Name of the region, as the `region` of an app takes it.", Computed: true},
					"description":     schema.StringAttribute{MarkdownDescription: "Heroku's description of the region.", Computed: true},
					"country":         schema.StringAttribute{MarkdownDescription: "Country in which the region is.", Computed: true},
					"locale":          schema.StringAttribute{MarkdownDescription: "Area within the country.", Computed: true},
					"private_capable": schema.BoolAttribute{MarkdownDescription: "Whether the region can hold a Private Space.", Computed: true},
					"provider":        schema.StringAttribute{MarkdownDescription: "Cloud provider that runs the region.", Computed: true},
					"provider_region": schema.StringAttribute{MarkdownDescription: "The cloud provider's own name of the region.", Computed: true},
				}},
			},
		},
	}
}

func (d *regionsDataSource) Configure(_ context.Context, req datasource.ConfigureRequest, resp *datasource.ConfigureResponse) {
	d.configure(req.ProviderData, &resp.Diagnostics)
}

func (d *regionsDataSource) Read(ctx context.Context, req datasource.ReadRequest, resp *datasource.ReadResponse) {
	defer recoverPanic(&resp.Diagnostics, "Listing regions", nil)
	var config regionsModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &config)...)
	if resp.Diagnostics.HasError() || !d.ready(&resp.Diagnostics) {
		return
	}
	regions, err := d.client.Regions(ctx)
	if err != nil {
		resp.Diagnostics.Append(d.failure("Unable to list regions", "Regions", err))
		return
	}
	slices.SortFunc(regions, func(a, b heroku.Region) int { return cmp.Compare(a.Name, b.Name) })
	config.Regions = []regionModel{}
	for _, region := range regions {
		if config.PrivateCapable.IsNull() || config.PrivateCapable.ValueBool() == region.PrivateCapable {
			config.Regions = append(config.Regions, newRegionModel(region))
		}
	}
	resp.Diagnostics.Append(resp.State.Set(ctx, config)...)
}

func newRegionModel(region heroku.Region) regionModel {
	return regionModel{
		ID:             types.StringValue(region.ID),
		Name:           types.StringValue(region.Name),
		Description:    optionalString(region.Description),
		Country:        optionalString(region.Country),
		Locale:         optionalString(region.Locale),
		PrivateCapable: types.BoolValue(region.PrivateCapable),
		Provider:       optionalString(region.Provider),
		ProviderRegion: optionalString(region.ProviderRegion),
	}
}
