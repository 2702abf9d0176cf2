// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/hashicorp/terraform-plugin-framework-validators/datasourcevalidator"
	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/keyvalue"
)

// The data source kvs_private_space looks a space up by its UUID or its name, and lists the apps and stores in it.

var (
	_ datasource.DataSourceWithConfigure        = (*privateSpaceDataSource)(nil)
	_ datasource.DataSourceWithConfigValidators = (*privateSpaceDataSource)(nil)
)

type privateSpaceDataSource struct{ connection }

func newPrivateSpaceDataSource() datasource.DataSource { return &privateSpaceDataSource{} }

type privateSpaceDataModel struct {
	ID          types.String   `tfsdk:"id"`
	Name        types.String   `tfsdk:"name"`
	Team        types.String   `tfsdk:"team"`
	Region      regionName     `tfsdk:"region"`
	Shield      types.Bool     `tfsdk:"shield"`
	CIDR        types.String   `tfsdk:"cidr"`
	DataCIDR    types.String   `tfsdk:"data_cidr"`
	State       types.String   `tfsdk:"state"`
	OutboundIPs types.Set      `tfsdk:"outbound_ips"`
	Generation  generationName `tfsdk:"generation"`
	CreatedAt   types.String   `tfsdk:"created_at"`
	Apps        []spaceApp     `tfsdk:"apps"`
	Stores      []spaceStore   `tfsdk:"stores"`
}

type spaceApp struct {
	ID   types.String `tfsdk:"id"`
	Name types.String `tfsdk:"name"`
}

type spaceStore struct {
	ID    types.String `tfsdk:"id"`
	Name  types.String `tfsdk:"name"`
	Plan  types.String `tfsdk:"plan"`
	AppID types.String `tfsdk:"app_id"`
}

func (d *privateSpaceDataSource) Metadata(_ context.Context, req datasource.MetadataRequest, resp *datasource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_private_space"
}

func (d *privateSpaceDataSource) Schema(_ context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	fact := func(description string) schema.StringAttribute {
		return schema.StringAttribute{MarkdownDescription: description, Computed: true}
	}
	resp.Schema = schema.Schema{
		MarkdownDescription: "Looks up a Private or Shield Space by its UUID or its name, with the apps and stores in it.",
		Attributes: map[string]schema.Attribute{
			"id": schema.StringAttribute{
				MarkdownDescription: "UUID of the space. Give either this or `name`.",
				Optional:            true,
				Computed:            true,
				Validators:          []validator.String{uuidValidator()},
			},
			"name": schema.StringAttribute{
				MarkdownDescription: "Name of the space. Give either this or `id`.",
				Optional:            true,
				Computed:            true,
				Validators:          []validator.String{validatedBy(keyvalue.ValidateSpaceName)},
			},
			"team": fact("Name of the team that owns the space and the apps in it."),
			"region": schema.StringAttribute{
				MarkdownDescription: "Region of the space, such as `virginia`.", Computed: true, CustomType: regionNameType{},
			},
			"shield":    schema.BoolAttribute{MarkdownDescription: "Whether the space is a Shield Space.", Computed: true},
			"cidr":      fact("Private IPv4 range of the space's dynos."),
			"data_cidr": fact("Private IPv4 range of the space's data services."),
			"state":     fact("`allocated` if the space is ready, `allocating` before that, `deleting` while it is being deleted."),
			"generation": schema.StringAttribute{
				MarkdownDescription: "Generation of Heroku's platform that the space runs on, `cedar` or `fir`.", Computed: true,
				CustomType: generationNameType{},
			},
			"created_at": fact("Time at which the space was ordered, in RFC 3339."),
			"outbound_ips": schema.SetAttribute{
				MarkdownDescription: "Stable IP addresses of outbound connections from the apps in the space; null while Heroku has assigned none.",
				ElementType:         types.StringType,
				Computed:            true,
			},
			"apps": schema.ListNestedAttribute{
				MarkdownDescription: "Apps in the space that the API token can see, ordered by name.",
				Computed:            true,
				NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
					"id":   fact("UUID of the app."),
					"name": fact("Name of the app."),
				}},
			},
			"stores": schema.ListNestedAttribute{
				MarkdownDescription: "Key-Value Stores of these apps, ordered by name. A store on a `mini` or `premium` plan is listed too, " +
					"although it runs outside the space.",
				Computed: true,
				NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
					"id":     fact("UUID of the store."),
					"name":   fact("Name of the store."),
					"plan":   fact("Plan of the store, such as `private-7`."),
					"app_id": fact("UUID of the app that owns the store."),
				}},
			},
		},
	}
}

func (d *privateSpaceDataSource) Configure(_ context.Context, req datasource.ConfigureRequest, resp *datasource.ConfigureResponse) {
	d.configure(req.ProviderData, &resp.Diagnostics)
}

func (d *privateSpaceDataSource) ConfigValidators(context.Context) []datasource.ConfigValidator {
	return []datasource.ConfigValidator{datasourcevalidator.ExactlyOneOf(path.MatchRoot("id"), path.MatchRoot("name"))}
}

func (d *privateSpaceDataSource) Read(ctx context.Context, req datasource.ReadRequest, resp *datasource.ReadResponse) {
	defer recoverPanic(&resp.Diagnostics, "Looking up a Private Space", nil)
	var config privateSpaceDataModel
	if resp.Diagnostics.Append(req.Config.Get(ctx, &config)...); resp.Diagnostics.HasError() || !d.ready(&resp.Diagnostics) {
		return
	}
	space, diags := d.findSpace(ctx, cmp.Or(config.ID.ValueString(), config.Name.ValueString()))
	if resp.Diagnostics.Append(diags...); resp.Diagnostics.HasError() {
		return
	}
	found, err := d.describe(ctx, space)
	if err != nil {
		resp.Diagnostics.Append(d.failure("Unable to read what is in the Private Space", fmt.Sprintf("Private Space %q", space.Name), err))
		return
	}
	resp.Diagnostics.Append(resp.State.Set(ctx, found)...)
}

func (d *privateSpaceDataSource) describe(ctx context.Context, space heroku.Space) (privateSpaceDataModel, error) {
	var facts privateSpaceModel
	nat, err := d.outboundOf(ctx, space)
	if err != nil {
		return privateSpaceDataModel{}, err
	}
	facts.OutboundIPs = types.SetNull(types.StringType)
	facts.read(space, nat)
	found := privateSpaceDataModel{
		ID: facts.ID, Name: facts.Name, Team: facts.Team, Region: facts.Region, Shield: facts.Shield, CIDR: facts.CIDR, DataCIDR: facts.DataCIDR,
		State: facts.State, OutboundIPs: facts.OutboundIPs, Generation: facts.Generation, CreatedAt: facts.CreatedAt,
		Apps: []spaceApp{}, Stores: []spaceStore{},
	}
	apps, err := d.client.SpaceApps(ctx, space.ID)
	if err != nil {
		return found, err
	}
	slices.SortFunc(apps, func(a, b heroku.App) int { return cmp.Compare(a.Name, b.Name) })
	for _, app := range apps {
		addOns, err := d.client.AppAddOns(ctx, app.ID)
		if heroku.IsNotFound(err) {
			continue // destroyed since the list was made
		}
		if err != nil {
			return found, err
		}
		found.Apps = append(found.Apps, spaceApp{ID: types.StringValue(string(app.ID)), Name: types.StringValue(app.Name)})
		found.Stores = append(found.Stores, storesOf(app.ID, addOns)...)
	}
	slices.SortFunc(found.Stores, func(a, b spaceStore) int { return cmp.Compare(a.Name.ValueString(), b.Name.ValueString()) })
	return found, nil
}

// storesOf returns the stores that an app owns. addOns also has add-ons of other services, and stores that are only attached.
func storesOf(app heroku.AppID, addOns []heroku.AddOn) []spaceStore {
	var stores []spaceStore
	for _, addOn := range addOns {
		if addOn.AppID != app || addOn.Service != keyvalue.Service {
			continue
		}
		stores = append(stores, spaceStore{
			ID:    types.StringValue(string(addOn.ID)),
			Name:  types.StringValue(addOn.Name),
			Plan:  types.StringValue(keyvalue.ShortPlanName(addOn.Plan)),
			AppID: types.StringValue(string(app)),
		})
	}
	return stores
}
