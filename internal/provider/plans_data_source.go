// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/keyvalue"
)

// The data source kvs_plans lists the plans that Heroku offers to this account. Which ones there are and what they cost
// is the API's answer; their limits are in no API and come from the published catalogue.

var _ datasource.DataSourceWithConfigure = (*plansDataSource)(nil)

type plansDataSource struct{ connection }

func newPlansDataSource() datasource.DataSource { return &plansDataSource{} }

type plansModel struct {
	Class types.String `tfsdk:"class"`
	Plans []planModel  `tfsdk:"plans"`
}

type planModel struct {
	Name              types.String  `tfsdk:"name"`
	Class             types.String  `tfsdk:"class"`
	Description       types.String  `tfsdk:"description"`
	MonthlyPrice      types.Float64 `tfsdk:"monthly_price"`
	MemoryLimit       types.Int64   `tfsdk:"memory_limit"`
	ConnectionLimit   types.Int64   `tfsdk:"connection_limit"`
	VCPU              types.Int64   `tfsdk:"vcpu"`
	HighAvailability  types.Bool    `tfsdk:"high_availability"`
	Persistence       types.String  `tfsdk:"persistence"`
	MaintenanceWindow types.Bool    `tfsdk:"maintenance_window"`
	RequiresTLS       types.Bool    `tfsdk:"requires_tls"`
	SingleTenant      types.Bool    `tfsdk:"single_tenant"`
	Compliance        []string      `tfsdk:"compliance"`
}

func (d *plansDataSource) Metadata(_ context.Context, req datasource.MetadataRequest, resp *datasource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_plans"
}

func (d *plansDataSource) Schema(_ context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "Lists the Key-Value Store plans that Heroku offers to this account with what is published about them, in the order of the published catalogue: by class, smallest first. " +
			"A plan that is not in that catalogue comes last and has no limits here.",
		Attributes: map[string]schema.Attribute{
			"class": schema.StringAttribute{
				MarkdownDescription: "Lists only the plans of one runtime class: `common`, `private` or `shield`.",
				Optional:            true,
				Validators: []validator.String{stringvalidator.OneOf(
					string(keyvalue.ClassCommon), string(keyvalue.ClassPrivate), string(keyvalue.ClassShield))},
			},
			"plans": schema.ListNestedAttribute{
				MarkdownDescription: "The plans.",
				Computed:            true,
				NestedObject:        schema.NestedAttributeObject{Attributes: planAttributes()},
			},
		},
	}
}

func planAttributes() map[string]schema.Attribute {
	return map[string]schema.Attribute{
		"name": schema.StringAttribute{
			MarkdownDescription: "Name of the plan as the `plan` of a `kvs_instance` takes it, such as `premium-0`.", Computed: true},
		"class": schema.StringAttribute{
			MarkdownDescription: "Runtime class: `common` for the Common Runtime, `private` for Private Spaces, `shield` for Shield Spaces; null when the name does not tell.", Computed: true},
		"description": schema.StringAttribute{
			MarkdownDescription: "Heroku's description of the plan.", Computed: true},
		"monthly_price": schema.Float64Attribute{
			MarkdownDescription: "Price in US dollars a month, as the API states it; null where it states none.", Computed: true},
		"memory_limit": schema.Int64Attribute{
			MarkdownDescription: "Memory in MB.", Computed: true},
		"connection_limit": schema.Int64Attribute{
			MarkdownDescription: "Number of clients that may be connected at once.", Computed: true},
		"vcpu": schema.Int64Attribute{
			MarkdownDescription: "Number of virtual CPUs.", Computed: true},
		"high_availability": schema.BoolAttribute{
			MarkdownDescription: "Whether a standby takes over when the server fails.", Computed: true},
		"persistence": schema.StringAttribute{
			MarkdownDescription: "How data survives a restart of the server: `AOF` or `None`.", Computed: true},
		"maintenance_window": schema.BoolAttribute{
			MarkdownDescription: "Whether a maintenance window can be chosen.", Computed: true},
		"requires_tls": schema.BoolAttribute{
			MarkdownDescription: "Whether the server refuses clients that do not use TLS.", Computed: true},
		"single_tenant": schema.BoolAttribute{
			MarkdownDescription: "Whether the server's machine is the store's own.", Computed: true},
		"compliance": schema.ListAttribute{
			MarkdownDescription: "Regimes that the plan may be used under, such as `HIPAA` and `PCI`.", ElementType: types.StringType, Computed: true},
	}
}

func (d *plansDataSource) Configure(_ context.Context, req datasource.ConfigureRequest, resp *datasource.ConfigureResponse) {
	d.configure(req.ProviderData, &resp.Diagnostics)
}

func (d *plansDataSource) Read(ctx context.Context, req datasource.ReadRequest, resp *datasource.ReadResponse) {
	defer recoverPanic(&resp.Diagnostics, "Listing plans", nil)
	var config plansModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &config)...)
	if resp.Diagnostics.HasError() || !d.ready(&resp.Diagnostics) {
		return
	}
	offered, err := d.client.Plans(ctx)
	if err != nil {
		resp.Diagnostics.Append(d.failure("Unable to list plans", "Plans of Key-Value Store", err))
		return
	}
	config.Plans = []planModel{}
	for _, plan := range offered {
		model, err := newPlanModel(plan)
		if err != nil {
			resp.Diagnostics.AddWarning("A plan was left out", fmt.Sprintf("Heroku offers the plan %q, whose name this provider cannot read: %s.", plan.Name, err))
			continue
		}
		if config.Class.IsNull() || config.Class.Equal(model.Class) {
			config.Plans = append(config.Plans, model)
		}
	}
	slices.SortFunc(config.Plans, func(a, b planModel) int {
		return cmp.Or(cmp.Compare(a.rank(), b.rank()), cmp.Compare(a.Name.ValueString(), b.Name.ValueString()))
	})
	resp.Diagnostics.Append(resp.State.Set(ctx, config)...)
}

// rank is the place in the published catalogue; what is not in it comes last.
func (m planModel) rank() int {
	published := keyvalue.Plans()
	place := slices.IndexFunc(published, func(plan keyvalue.Plan) bool { return string(plan.Name) == m.Name.ValueString() })
	if place < 0 {
		return len(published)
	}
	return place
}

// newPlanModel joins what the API says of a plan with what the catalogue knows of it.
func newPlanModel(offered heroku.Plan) (planModel, error) {
	name, err := keyvalue.ParsePlanName(offered.Name)
	if err != nil {
		return planModel{}, err
	}
	model := planModel{
		Name:        types.StringValue(string(name)),
		Description: optionalString(cmp.Or(offered.Description, offered.HumanName)),
	}
	if offered.Cents > 0 {
		model.MonthlyPrice = types.Float64Value(float64(offered.Cents) / 100)
	}
	if class, known := name.Class(); known {
		model.Class = types.StringValue(string(class))
	}
	published, known := keyvalue.LookupPlan(name)
	if !known {
		return model, nil
	}
	model.MemoryLimit = types.Int64Value(int64(published.MemoryMB))
	model.ConnectionLimit = types.Int64Value(int64(published.ConnectionLimit))
	model.VCPU = types.Int64Value(int64(published.VCPU))
	model.HighAvailability = types.BoolValue(published.HighAvailability)
	model.Persistence = types.StringValue(published.Persistence)
	model.MaintenanceWindow = types.BoolValue(published.MaintenanceWindow)
	model.RequiresTLS = types.BoolValue(published.RequiresTLS)
	model.SingleTenant = types.BoolValue(published.SingleTenant)
	model.Compliance = append([]string{}, published.Compliance...)
	return model, nil
}
