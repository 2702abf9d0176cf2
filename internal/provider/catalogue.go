// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/keyvalue"
)

// The data source kvs_plans lists the plans that Heroku offers to this account. The API has their names and prices. Their limits
// come from the published catalogue, because no API has them.

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
		MarkdownDescription: "Lists the Key-Value Store plans that Heroku offers to this account, with their published properties. They are " +
			"in the order of the published catalogue: by class, smallest first. A plan that is not in the catalogue comes last and has no " +
			"limits here.",
		Attributes: map[string]schema.Attribute{
			"class": schema.StringAttribute{
				MarkdownDescription: "Lists only the plans of one runtime class: `common`, `private` or `shield`.",
				Optional:            true,
				Validators: []validator.String{stringvalidator.OneOf(
					string(keyvalue.ClassCommon), string(keyvalue.ClassPrivate), string(keyvalue.ClassShield))},
			},
			"plans": schema.ListNestedAttribute{
				MarkdownDescription: "The plans that Heroku offers to this account.",
				Computed:            true,
				NestedObject:        schema.NestedAttributeObject{Attributes: planAttributes()},
			},
		},
	}
}

func planAttributes() map[string]schema.Attribute {
	return map[string]schema.Attribute{
		"name": schema.StringAttribute{
			MarkdownDescription: "Name of the plan, such as `premium-0`, for the `plan` of a `kvs_instance`.", Computed: true},
		"class": schema.StringAttribute{
			MarkdownDescription: "Runtime class: `common` for the Common Runtime, `private` for Private Spaces, `shield` for " +
				"Shield Spaces; null if the name of the plan does not show it.", Computed: true},
		"description": schema.StringAttribute{
			MarkdownDescription: "Heroku's description of the plan.", Computed: true},
		"monthly_price": schema.Float64Attribute{
			MarkdownDescription: "Price in US dollars a month, as stated by the API; null if it states none.", Computed: true},
		"memory_limit": schema.Int64Attribute{
			MarkdownDescription: "Memory in MB.", Computed: true},
		"connection_limit": schema.Int64Attribute{
			MarkdownDescription: "Maximum number of clients that can be connected at once.", Computed: true},
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
			MarkdownDescription: "Whether the store has a machine of its own.", Computed: true},
		"compliance": schema.ListAttribute{
			MarkdownDescription: "Compliance regimes under which the plan may be used, such as `HIPAA` and `PCI`.",
			ElementType:         types.StringType, Computed: true},
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
			resp.Diagnostics.AddWarning("A plan was left out", fmt.Sprintf(
				"Heroku offers the plan %q, whose name this provider cannot read: %s.", plan.Name, err))
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

// rank is the position in the published catalogue. Plans that are not in it come last.
func (m planModel) rank() int {
	published := keyvalue.Plans()
	place := slices.IndexFunc(published, func(plan keyvalue.Plan) bool { return string(plan.Name) == m.Name.ValueString() })
	if place < 0 {
		return len(published)
	}
	return place
}

// newPlanModel merges a plan of the API with its entry in the catalogue.
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

// offeredPlans caches the plans that Heroku offers to this account for one run.
type offeredPlans struct {
	mu    sync.Mutex
	plans []heroku.Plan
}

// of returns the plans. It reads them once, and again after an error.
func (o *offeredPlans) of(ctx context.Context, client *heroku.Client) ([]heroku.Plan, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.plans != nil {
		return o.plans, nil
	}
	plans, err := client.Plans(ctx)
	if err == nil {
		o.plans = plans
	}
	return plans, err
}

// refuseUnknownPlan refuses a plan that is neither in the published catalogue nor among those that Heroku offers. If these
// cannot be read, Heroku decides.
func (r *instanceResource) refuseUnknownPlan(ctx context.Context, m instanceModel) diag.Diagnostics {
	name := m.spec().Plan
	if _, published := keyvalue.LookupPlan(name); published || name == "" || m.Plan.IsUnknown() || r.client == nil {
		return nil
	}
	offered, err := r.offered.of(ctx, r.client)
	if err != nil || len(offered) == 0 || slices.ContainsFunc(offered,
		func(plan heroku.Plan) bool { return keyvalue.ShortPlanName(plan.Name) == string(name) }) {
		return nil
	}
	names := make([]keyvalue.PlanName, len(offered))
	for i, plan := range offered {
		names[i] = keyvalue.PlanName(keyvalue.ShortPlanName(plan.Name))
	}
	rank := func(name keyvalue.PlanName) int { return planModel{Name: types.StringValue(string(name))}.rank() }
	slices.SortFunc(names, func(a, b keyvalue.PlanName) int { return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(a, b)) })
	return diag.Diagnostics{diag.NewAttributeErrorDiagnostic(path.Root("plan"), "Heroku does not offer this plan", fmt.Sprintf(
		"There is no plan %q of Key-Value Store for this account. %s", name, listOf("Plans that Heroku offers", names)))}
}

// plannedPlans records the plans that stores are planned to have. What depends on a store is planned after it, and has to be
// checked against the store's future plan.
type plannedPlans struct {
	mu    sync.Mutex
	plans map[string]keyvalue.PlanName // by store id
}

func (p *plannedPlans) note(store instanceModel) {
	if p == nil || store.ID.IsUnknown() || store.Plan.IsUnknown() {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.plans == nil {
		p.plans = make(map[string]keyvalue.PlanName)
	}
	p.plans[store.ID.ValueString()] = store.spec().Plan
}

// of returns the planned plan of a store, or else its present one, now.
func (p *plannedPlans) of(id string, now keyvalue.PlanName) keyvalue.PlanName {
	if p == nil {
		return now
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if planned, ok := p.plans[id]; ok {
		return planned
	}
	return now
}

// The data source kvs_regions lists the regions in which apps and spaces can be.

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
		MarkdownDescription: "Lists Heroku's regions, in which apps of the Common Runtime, Private Spaces and Shield Spaces can be created.",
		Attributes: map[string]schema.Attribute{
			"private_capable": schema.BoolAttribute{
				MarkdownDescription: "Lists only the regions that can host a Private Space (`true`), or only those that cannot (`false`). If " +
					"omitted, all regions are listed.",
				Optional: true,
			},
			"regions": schema.ListNestedAttribute{
				MarkdownDescription: "The regions, ordered by name.",
				Computed:            true,
				NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
					"id":              schema.StringAttribute{MarkdownDescription: "UUID of the region.", Computed: true},
					"name":            schema.StringAttribute{MarkdownDescription: "Name of the region, for the `region` of an app.", Computed: true},
					"description":     schema.StringAttribute{MarkdownDescription: "Heroku's description of the region.", Computed: true},
					"country":         schema.StringAttribute{MarkdownDescription: "Country in which the region is located.", Computed: true},
					"locale":          schema.StringAttribute{MarkdownDescription: "Area within the country.", Computed: true},
					"private_capable": schema.BoolAttribute{MarkdownDescription: "Whether the region can host a Private Space.", Computed: true},
					"provider":        schema.StringAttribute{MarkdownDescription: "Cloud provider that runs the region.", Computed: true},
					"provider_region": schema.StringAttribute{MarkdownDescription: "The cloud provider's name for the region.", Computed: true},
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

// regionList caches Heroku's list of regions for one run. Every account can read it.
type regionList struct {
	mu      sync.Mutex
	regions []heroku.Region
}

// of returns nil if the list cannot be read: Heroku then checks the region.
func (l *regionList) of(ctx context.Context, client *heroku.Client) []heroku.Region {
	if l == nil || client == nil {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.regions) == 0 {
		if regions, err := client.Regions(ctx); err == nil {
			l.regions = regions
		}
	}
	return l.regions
}

// regionUse describes what is to be created in a region.
type regionUse struct {
	what    string // such as "an app of the Common Runtime"
	private bool   // needs a region that can hold a space
	common  bool   // needs a region that cannot
}

func (u regionUse) fits(region heroku.Region) bool {
	return !(u.private && !region.PrivateCapable) && !(u.common && region.PrivateCapable)
}

// checkRegion refuses a region that does not exist or that does not fit the use, and lists those that do.
func (c *connection) checkRegion(ctx context.Context, region regionName, use regionUse) diag.Diagnostics {
	if region.IsNull() || region.IsUnknown() {
		return nil
	}
	name, all := region.normalized(), c.regionList.of(ctx, c.client)
	if keyvalue.IsUUID(name) {
		err := fmt.Errorf("%q is an id: give the name of the region, as data.kvs_regions lists it", name)
		if i := slices.IndexFunc(all, func(r heroku.Region) bool { return r.ID == name }); i >= 0 {
			err = fmt.Errorf("%q is the id of a region: give its name, %q", name, all[i].Name)
		}
		return diag.Diagnostics{invalidValue(path.Root("region"), err)}
	}
	var fitting []string
	for _, r := range all {
		if use.fits(r) {
			fitting = append(fitting, r.Name)
		}
	}
	if len(fitting) == 0 || slices.Contains(fitting, name) {
		return nil
	}
	slices.Sort(fitting)
	return diag.Diagnostics{diag.NewAttributeErrorDiagnostic(path.Root("region"), "The region cannot be used here", fmt.Sprintf(
		"Heroku has no region %q for %s. There are: %s.", region.ValueString(), use.what, strings.Join(fitting, ", ")))}
}
