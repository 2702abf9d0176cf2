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

	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/keyvalue"
)

// The data source kvs_instance looks a store up by its UUID, its name, or an attachment of it. It answers facts and
// settings through the resource's mapping; the URL is left to the ephemeral resource kvs_credentials.

var (
	_ datasource.DataSourceWithConfigure        = (*instanceDataSource)(nil)
	_ datasource.DataSourceWithConfigValidators = (*instanceDataSource)(nil)
)

type instanceDataSource struct{ connection }

func newInstanceDataSource() datasource.DataSource { return &instanceDataSource{} }

type instanceDataModel struct {
	ID                   types.String   `tfsdk:"id"`
	Name                 types.String   `tfsdk:"name"`
	AppID                types.String   `tfsdk:"app_id"`
	AttachmentName       types.String   `tfsdk:"attachment_name"`
	OwnerAppID           types.String   `tfsdk:"owner_app_id"`
	Plan                 planName       `tfsdk:"plan"`
	State                types.String   `tfsdk:"state"`
	Timeout              types.Int64    `tfsdk:"timeout"`
	MaxmemoryPolicy      types.String   `tfsdk:"maxmemory_policy"`
	NotifyKeyspaceEvents keyspaceEvents `tfsdk:"notify_keyspace_events"`
	MaintenanceWindow    types.String   `tfsdk:"maintenance_window"`
	VersionActual        types.String   `tfsdk:"version_actual"`
	MemoryLimit          types.Int64    `tfsdk:"memory_limit"`
	ConnectionLimit      types.Int64    `tfsdk:"connection_limit"`
	MonthlyPrice         types.Float64  `tfsdk:"monthly_price"`
	HighAvailability     types.Bool     `tfsdk:"high_availability"`
	Persistence          types.String   `tfsdk:"persistence"`
	RequiresTLS          types.Bool     `tfsdk:"requires_tls"`
	ConfigVars           types.Set      `tfsdk:"config_vars"`
	WebURL               types.String   `tfsdk:"web_url"`
	CreatedAt            types.String   `tfsdk:"created_at"`
}

func (d *instanceDataSource) Metadata(_ context.Context, req datasource.MetadataRequest, resp *datasource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_instance"
}

func (d *instanceDataSource) Schema(_ context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "Looks up a store by its UUID, by its name, or by the name under which it is attached to an app. " +
			"Its URL is not part of the answer: use the ephemeral resource `kvs_credentials`.",
		Attributes: map[string]schema.Attribute{
			"id": schema.StringAttribute{
				MarkdownDescription: "UUID of the store. Give this, or `name`, or `app_id` with `attachment_name`.",
				Optional:            true,
				Computed:            true,
				Validators:          []validator.String{uuidValidator()},
			},
			"name": schema.StringAttribute{
				MarkdownDescription: "Name of the store. Give this, or `id`, or `app_id` with `attachment_name`.",
				Optional:            true,
				Computed:            true,
				Validators:          []validator.String{validatedBy(keyvalue.ValidateAddOnName)},
			},
			"app_id": schema.StringAttribute{
				MarkdownDescription: "UUID of an app that the store is attached to, together with `attachment_name`. It need not be the app that owns the store.",
				Optional:            true,
				Validators:          []validator.String{uuidValidator()},
			},
			"attachment_name": schema.StringAttribute{
				MarkdownDescription: "Name under which the store is attached to `app_id`, such as `REDIS` for the app's primary.",
				Optional:            true,
				Validators:          []validator.String{validatedBy(keyvalue.ValidateAttachmentName)},
			},
			"owner_app_id": schema.StringAttribute{
				MarkdownDescription: "UUID of the app that owns the store and is billed for it.",
				Computed:            true,
			},
			"plan": schema.StringAttribute{
				MarkdownDescription: "Plan of the store, such as `premium-0`.",
				CustomType:          planNameType{},
				Computed:            true,
			},
			"state": schema.StringAttribute{
				MarkdownDescription: "`provisioned` when the store is ready; `provisioning` while it is being created and `preparing` while its data is being copied.",
				Computed:            true,
			},
			"timeout": schema.Int64Attribute{
				MarkdownDescription: "Seconds after which an idle client is disconnected, 0 for never; null while the store is not ready.",
				Computed:            true,
			},
			"maxmemory_policy": schema.StringAttribute{
				MarkdownDescription: "Which keys are evicted when the memory is full; null while the store is not ready.",
				Computed:            true,
			},
			"notify_keyspace_events": schema.StringAttribute{
				MarkdownDescription: "Flags of the keyspace events that are published, empty for none; null while the store is not ready.",
				CustomType:          keyspaceEventsType{},
				Computed:            true,
			},
			"maintenance_window": schema.StringAttribute{
				MarkdownDescription: "Weekly maintenance window as Heroku words it; null on plans without one.",
				Computed:            true,
			},
			"version_actual": schema.StringAttribute{
				MarkdownDescription: "Version that the server runs, such as `7.2.4`; null while the store is not ready.",
				Computed:            true,
			},
			"memory_limit": schema.Int64Attribute{
				MarkdownDescription: "Memory of the plan in MB; null for a plan that is not in the published catalogue.",
				Computed:            true,
			},
			"connection_limit": schema.Int64Attribute{
				MarkdownDescription: "Number of clients that the plan lets connect at once; null for a plan that is not in the published catalogue.",
				Computed:            true,
			},
			"monthly_price": schema.Float64Attribute{
				MarkdownDescription: "Published price of the plan in US dollars a month; null where none is published.",
				Computed:            true,
			},
			"high_availability": schema.BoolAttribute{
				MarkdownDescription: "Whether a standby takes over when the server fails; null for a plan that is not in the published catalogue.",
				Computed:            true,
			},
			"persistence": schema.StringAttribute{
				MarkdownDescription: "How data survives a restart of the server, `AOF` or `None`; null for a plan that is not in the published catalogue.",
				Computed:            true,
			},
			"requires_tls": schema.BoolAttribute{
				MarkdownDescription: "Whether the server refuses clients that do not use TLS; null for a plan that is not in the published catalogue.",
				Computed:            true,
			},
			"config_vars": schema.SetAttribute{
				MarkdownDescription: "Names of the config vars that the store gives to the app that owns it.",
				ElementType:         types.StringType,
				Computed:            true,
			},
			"web_url": schema.StringAttribute{
				MarkdownDescription: "Address of the store's dashboard.",
				Computed:            true,
			},
			"created_at": schema.StringAttribute{
				MarkdownDescription: "Time at which the store was created, in RFC 3339.",
				Computed:            true,
			},
		},
	}
}

func (d *instanceDataSource) Configure(_ context.Context, req datasource.ConfigureRequest, resp *datasource.ConfigureResponse) {
	d.configure(req.ProviderData, &resp.Diagnostics)
}

func (d *instanceDataSource) ConfigValidators(context.Context) []datasource.ConfigValidator {
	return []datasource.ConfigValidator{
		datasourcevalidator.ExactlyOneOf(path.MatchRoot("id"), path.MatchRoot("name"), path.MatchRoot("attachment_name")),
		datasourcevalidator.RequiredTogether(path.MatchRoot("app_id"), path.MatchRoot("attachment_name")),
	}
}

func (d *instanceDataSource) Read(ctx context.Context, req datasource.ReadRequest, resp *datasource.ReadResponse) {
	defer recoverPanic(&resp.Diagnostics, "Looking up a Key-Value Store", nil)
	var config instanceDataModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &config)...)
	if resp.Diagnostics.HasError() || !d.ready(&resp.Diagnostics) {
		return
	}
	addOn, diags := d.findInstance(ctx, config.reference())
	if resp.Diagnostics.Append(diags...); resp.Diagnostics.HasError() {
		return
	}
	store, err := (&instanceResource{d.connection}).storeOf(ctx, addOn)
	if err != nil {
		resp.Diagnostics.Append(d.failure("Unable to read Key-Value Store", fmt.Sprintf("Key-Value Store %s (%s)", addOn.Name, addOn.ID), err))
		return
	}
	config.read(addOn, store)
	resp.Diagnostics.Append(resp.State.Set(ctx, config)...)
}

// reference is what the configuration gives, in the form that imports take.
func (m instanceDataModel) reference() string {
	if !m.AttachmentName.IsNull() {
		return m.AppID.ValueString() + "::" + m.AttachmentName.ValueString()
	}
	return cmp.Or(m.ID.ValueString(), m.Name.ValueString())
}

// read takes everything from the resource's mapping but what only this data source has.
func (m *instanceDataModel) read(addOn heroku.AddOn, store *heroku.Store) {
	var instance instanceModel
	instance.read(addOn, store)
	m.ID = instance.ID
	m.Name = instance.Name
	m.OwnerAppID = instance.AppID
	m.Plan = instance.Plan
	m.State = instance.State
	m.Timeout = instance.Timeout.Int64Value
	m.MaxmemoryPolicy = instance.MaxmemoryPolicy
	m.NotifyKeyspaceEvents = instance.NotifyKeyspaceEvents
	m.VersionActual = instance.VersionActual
	m.MemoryLimit = instance.MemoryLimit
	m.ConnectionLimit = instance.ConnectionLimit
	m.MonthlyPrice = instance.MonthlyPrice
	m.HighAvailability = instance.HighAvailability
	m.Persistence = instance.Persistence
	m.RequiresTLS = instance.RequiresTLS
	m.ConfigVars = instance.ConfigVars
	m.WebURL = instance.WebURL
	m.CreatedAt = instance.CreatedAt
	if store != nil {
		m.MaintenanceWindow = optionalString(store.MaintenanceWindow)
	}
}
