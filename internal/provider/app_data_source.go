// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"cmp"
	"context"
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework-validators/datasourcevalidator"
	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/keyvalue"
)

// The data source kvs_app looks up an app by its UUID or its name. It shares the mapping of the resource of the same name.

var (
	_ datasource.DataSourceWithConfigure        = (*appDataSource)(nil)
	_ datasource.DataSourceWithConfigValidators = (*appDataSource)(nil)
)

type appDataSource struct{ connection }

func newAppDataSource() datasource.DataSource { return &appDataSource{} }

// appDataModel adds whether the app's space is a Shield Space, which the resource leaves to kvs_private_space.
type appDataModel struct {
	appModel
	Shield types.Bool `tfsdk:"shield"`
}

func (d *appDataSource) Metadata(_ context.Context, req datasource.MetadataRequest, resp *datasource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_app"
}

func (d *appDataSource) Schema(_ context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "Looks up an app by its UUID or its name.",
		Attributes: map[string]schema.Attribute{
			"id": schema.StringAttribute{
				MarkdownDescription: "UUID of the app. Give either this or `name`.",
				Optional:            true,
				Computed:            true,
				Validators:          []validator.String{uuidValidator()},
			},
			"name": schema.StringAttribute{
				MarkdownDescription: "Name of the app. Give either this or `id`.",
				Optional:            true,
				Computed:            true,
				Validators:          []validator.String{validatedBy(keyvalue.ValidateAppName)},
			},
			"team": schema.StringAttribute{
				MarkdownDescription: "Name of the team that owns the app, null for an app of a single user.",
				Computed:            true,
			},
			"region": schema.StringAttribute{
				MarkdownDescription: "Region of the app, such as `us` or `eu`, or the region of its Private Space.",
				Computed:            true,
				CustomType:          regionNameType{},
			},
			"space_id": schema.StringAttribute{
				MarkdownDescription: "UUID of the Private or Shield Space that the app runs in, null in the Common Runtime.",
				Computed:            true,
			},
			"space_name": schema.StringAttribute{
				MarkdownDescription: "Name of the space that the app runs in, null in the Common Runtime.",
				Computed:            true,
			},
			"shield": schema.BoolAttribute{
				MarkdownDescription: "Whether the app runs in a Shield Space; `false` in the Common Runtime.",
				Computed:            true,
			},
			"internal_routing": schema.BoolAttribute{
				MarkdownDescription: "Whether the app can be reached only from inside its space.",
				Computed:            true,
			},
			"maintenance": schema.BoolAttribute{
				MarkdownDescription: "Whether the app shows its maintenance page instead of serving web requests.",
				Computed:            true,
			},
			"web_url": schema.StringAttribute{
				MarkdownDescription: "Web address of the app.",
				Computed:            true,
			},
			"created_at": schema.StringAttribute{
				MarkdownDescription: "Time at which the app was created, in RFC 3339.",
				Computed:            true,
			},
		},
	}
}

func (d *appDataSource) Configure(_ context.Context, req datasource.ConfigureRequest, resp *datasource.ConfigureResponse) {
	d.configure(req.ProviderData, &resp.Diagnostics)
}

func (d *appDataSource) ConfigValidators(context.Context) []datasource.ConfigValidator {
	return []datasource.ConfigValidator{datasourcevalidator.ExactlyOneOf(path.MatchRoot("id"), path.MatchRoot("name"))}
}

func (d *appDataSource) Read(ctx context.Context, req datasource.ReadRequest, resp *datasource.ReadResponse) {
	defer recoverPanic(&resp.Diagnostics, "Looking up an app", nil)
	var config appDataModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &config)...)
	if resp.Diagnostics.HasError() || !d.ready(&resp.Diagnostics) {
		return
	}
	idOrName := cmp.Or(config.ID.ValueString(), config.Name.ValueString())
	app, err := d.client.FindApp(ctx, idOrName)
	if err != nil {
		resp.Diagnostics.Append(d.failure("Unable to find app", fmt.Sprintf("App %q", idOrName), err))
		return
	}
	config.read(app)
	config.Shield = types.BoolValue(app.Space != nil && app.Space.Shield)
	resp.Diagnostics.Append(resp.State.Set(ctx, config)...)
}
