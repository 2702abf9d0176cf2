// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/hashicorp/terraform-plugin-framework-validators/datasourcevalidator"
	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/keyvalue"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/probe"
)

// The data source kvs_instance looks up a store by its UUID, its name, or an attachment. It has facts and settings through the
// resource's mapping. The ephemeral resource kvs_credentials has the URL.

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
	CredentialsRevision  types.Int64    `tfsdk:"credentials_revision"`
}

func (d *instanceDataSource) Metadata(_ context.Context, req datasource.MetadataRequest, resp *datasource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_instance"
}

func (d *instanceDataSource) Schema(_ context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "Looks up a store by its UUID, by its name, or by the name under which it is attached to an app. The result " +
			"does not contain the store's URL: use the ephemeral resource `kvs_credentials`.",
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
				MarkdownDescription: "UUID of an app that the store is attached to. Give it together with `attachment_name`. The app need not own " +
					"the store.",
				Optional:   true,
				Validators: []validator.String{uuidValidator()},
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
				MarkdownDescription: "`provisioned` when the store is ready; `provisioning` while it is being created " +
					"and `preparing` while its data is being copied.",
				Computed: true,
			},
			"timeout": schema.Int64Attribute{
				MarkdownDescription: "Seconds after which an idle client is disconnected, or 0 for never. Null while the store is not ready.",
				Computed:            true,
			},
			"maxmemory_policy": schema.StringAttribute{
				MarkdownDescription: "Which keys are evicted when the memory is full; null while the store is not ready.",
				Computed:            true,
			},
			"notify_keyspace_events": schema.StringAttribute{
				MarkdownDescription: "Flags of the keyspace events that are published, empty if none are. Null while the store is not ready.",
				CustomType:          keyspaceEventsType{},
				Computed:            true,
			},
			"maintenance_window": schema.StringAttribute{
				MarkdownDescription: "Weekly maintenance window in Heroku's wording; null on plans without a window.",
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
				MarkdownDescription: "Maximum number of clients that the plan allows to be connected at once; null for a plan that is not in the " +
					"published catalogue.",
				Computed: true,
			},
			"monthly_price": schema.Float64Attribute{
				MarkdownDescription: "Published price of the plan in US dollars a month; null if none is published.",
				Computed:            true,
			},
			"high_availability": schema.BoolAttribute{
				MarkdownDescription: "Whether a standby takes over when the server fails; null for a plan that is not " +
					"in the published catalogue.",
				Computed: true,
			},
			"persistence": schema.StringAttribute{
				MarkdownDescription: "How data survives a restart of the server, `AOF` or `None`; null for a plan " +
					"that is not in the published catalogue.",
				Computed: true,
			},
			"requires_tls": schema.BoolAttribute{
				MarkdownDescription: "Whether the server refuses clients that do not use TLS; null for a plan that is " +
					"not in the published catalogue.",
				Computed: true,
			},
			"config_vars": schema.SetAttribute{
				MarkdownDescription: "Names of the config vars that the store adds to the app that owns it.",
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
			"credentials_revision": schema.Int64Attribute{
				MarkdownDescription: "A number that changes whenever the store's URL or password changes, equal to `credentials_revision` of the " +
					"resource `kvs_instance`. It contains no secret, and a larger number is not a later one. Null while the store is not ready.",
				Computed: true,
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

// reference is the configured reference, in the format of import identifiers.
func (m instanceDataModel) reference() string {
	if !m.AttachmentName.IsNull() {
		return m.AppID.ValueString() + "::" + m.AttachmentName.ValueString()
	}
	return cmp.Or(m.ID.ValueString(), m.Name.ValueString())
}

// read copies the values of the resource's mapping, and adds those of the data source only.
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
	m.WebURL = types.StringValue(addOn.WebURL)
	m.CreatedAt = instance.CreatedAt
	m.CredentialsRevision = instance.CredentialsRevision
	if store != nil {
		m.MaintenanceWindow = optionalString(store.MaintenanceWindow)
	}
}

// The data source kvs_usage compares what a running store reports about itself with the limits of its plan. Not every store can
// be reached from where Terraform runs, so an unreachable store is a result and no error.

var _ datasource.DataSourceWithConfigure = (*usageDataSource)(nil)

type usageDataSource struct{ connection }

func newUsageDataSource() datasource.DataSource { return &usageDataSource{} }

type usageModel struct {
	InstanceID        types.String  `tfsdk:"instance_id"`
	Reachable         types.Bool    `tfsdk:"reachable"`
	UnreachableReason types.String  `tfsdk:"unreachable_reason"`
	Version           types.String  `tfsdk:"version"`
	Role              types.String  `tfsdk:"role"`
	MemoryUsed        types.Int64   `tfsdk:"memory_used"`
	MemoryPeak        types.Int64   `tfsdk:"memory_peak"`
	MemoryLimit       types.Int64   `tfsdk:"memory_limit"`
	MemoryUsedPercent types.Float64 `tfsdk:"memory_used_percent"`
	Connections       types.Int64   `tfsdk:"connections"`
	ConnectionLimit   types.Int64   `tfsdk:"connection_limit"`
	Keys              types.Int64   `tfsdk:"keys"`
	EvictedKeys       types.Int64   `tfsdk:"evicted_keys"`
	HitRate           types.Float64 `tfsdk:"hit_rate"`
	MaxmemoryPolicy   types.String  `tfsdk:"maxmemory_policy"`
	CanFork           types.Bool    `tfsdk:"can_fork"`
}

// notReady is the reason for a store that has no server yet. Package probe has the other reasons.
const notReady = "not_ready"

func (d *usageDataSource) Metadata(_ context.Context, req datasource.MetadataRequest, resp *datasource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_usage"
}

func (d *usageDataSource) Schema(_ context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "Asks a running store how much of its plan it uses: memory, connections, keys and evictions. The provider " +
			"connects to the store over the network from the machine that runs Terraform. A store in a Private Space accepts connections only " +
			"from its space. From elsewhere it is not `reachable`, which is not an error, and the values that only the store knows are " +
			"null.\n\nThe values are those of the moment and change from run to run. Use them in `check` blocks and conditions; an output with " +
			"such a value shows a change in every plan.",
		Attributes: map[string]schema.Attribute{
			"instance_id": schema.StringAttribute{
				MarkdownDescription: "UUID of the store, such as `kvs_instance.cache.id`.",
				Required:            true,
				Validators:          []validator.String{uuidValidator()},
			},
			"reachable": schema.BoolAttribute{
				MarkdownDescription: "Whether the store answered within five seconds.",
				Computed:            true,
			},
			"unreachable_reason": schema.StringAttribute{
				MarkdownDescription: "Why the store is not reachable; null if it is. `not_ready` (it is being created), `dns` (its host name " +
					"cannot be resolved here), `refused` (its address accepts no connections from here), `timeout`, `tls` (no TLS connection, or a " +
					"certificate that is not trusted), `certificate` (a different certificate than before, so the password was not sent), " +
					"`cleartext` (its URL has no TLS, so the password was not sent), `off` (`probe = \"off\"` in the provider block), `auth` (it " +
					"refuses the password), or `protocol` (its answer is invalid, it is starting, or all its connections are in use).",
				Computed: true,
			},
			"version": schema.StringAttribute{
				MarkdownDescription: "Version that the server reports, such as `7.2.4`.",
				Computed:            true,
			},
			"role": schema.StringAttribute{
				MarkdownDescription: "Role of the server: `primary` or `replica`.",
				Computed:            true,
			},
			"memory_used": schema.Int64Attribute{
				MarkdownDescription: "Memory in use, in bytes.",
				Computed:            true,
			},
			"memory_peak": schema.Int64Attribute{
				MarkdownDescription: "Highest memory use since the server started, in bytes.",
				Computed:            true,
			},
			"memory_limit": schema.Int64Attribute{
				MarkdownDescription: "Memory of the plan, in bytes; for a plan that is not in the published catalogue, the limit that the server " +
					"reports. For a published plan it is known even if the store is not reachable. `memory_limit` of `kvs_instance` is in MB.",
				Computed: true,
			},
			"memory_used_percent": schema.Float64Attribute{
				MarkdownDescription: "`memory_used` as a percentage of `memory_limit`, with one decimal.",
				Computed:            true,
			},
			"connections": schema.Int64Attribute{
				MarkdownDescription: "Number of connected clients, including the provider itself.",
				Computed:            true,
			},
			"connection_limit": schema.Int64Attribute{
				MarkdownDescription: "Maximum number of clients that the plan allows to be connected at once; for a plan that is not in the " +
					"published catalogue, the limit that the server reports. For a published plan it is known even if the store is not reachable.",
				Computed: true,
			},
			"keys": schema.Int64Attribute{
				MarkdownDescription: "Number of keys in all databases.",
				Computed:            true,
			},
			"evicted_keys": schema.Int64Attribute{
				MarkdownDescription: "Number of keys that were evicted because the memory was full, since the server started or its statistics " +
					"were reset.",
				Computed: true,
			},
			"hit_rate": schema.Float64Attribute{
				MarkdownDescription: "Share of reads that found their key, from 0 to 1, since the server started or its statistics were reset; " +
					"null if nothing was read.",
				Computed: true,
			},
			"maxmemory_policy": schema.StringAttribute{
				MarkdownDescription: "Eviction policy that the server uses, such as `noeviction`.",
				Computed:            true,
			},
			"can_fork": schema.BoolAttribute{
				MarkdownDescription: "Whether this store can be copied by a fork: its server lets its user replicate (`PSYNC`).",
				Computed:            true,
			},
		},
	}
}

func (d *usageDataSource) Configure(_ context.Context, req datasource.ConfigureRequest, resp *datasource.ConfigureResponse) {
	d.configure(req.ProviderData, &resp.Diagnostics)
}

func (d *usageDataSource) Read(ctx context.Context, req datasource.ReadRequest, resp *datasource.ReadResponse) {
	defer recoverPanic(&resp.Diagnostics, "Asking a Key-Value Store for its usage", nil)
	var result usageModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &result)...)
	if resp.Diagnostics.HasError() || !d.ready(&resp.Diagnostics) {
		return
	}
	addOn, diags := d.findInstance(ctx, result.InstanceID.ValueString())
	if resp.Diagnostics.Append(diags...); resp.Diagnostics.HasError() {
		return
	}
	object := fmt.Sprintf("Key-Value Store %s (%s)", addOn.Name, addOn.ID)
	store, err := (&instanceResource{d.connection}).storeOf(ctx, addOn)
	if err != nil {
		resp.Diagnostics.Append(d.failure("Unable to read Key-Value Store", object, err))
		return
	}
	result.setLimits(addOn.Plan)
	report, err := d.usageOf(ctx, store)
	var unreachable *probe.Unreachable
	switch {
	case err == nil:
		result.read(report)
	case errors.As(err, &unreachable):
		result.unreachable(string(unreachable.Reason))
		if unreachable.Reason == probe.ReasonCertificate {
			resp.Diagnostics.AddWarning("The certificate of the store has changed", fmt.Sprintf("%s: %s.", object, unreachable.Detail))
		}
	default: // not caused by the store: an interrupt, or an invalid URL
		resp.Diagnostics.Append(d.failure("Unable to ask Key-Value Store", object, err))
		return
	}
	resp.Diagnostics.Append(resp.State.Set(ctx, result)...)
}

// setLimits sets the limits of the plan. A server may allow a little more.
func (m *usageModel) setLimits(wirePlan string) {
	name, err := keyvalue.ParsePlanName(wirePlan)
	if plan, published := keyvalue.LookupPlan(name); err == nil && published {
		m.MemoryLimit = types.Int64Value(plan.MemoryBytes())
		m.ConnectionLimit = types.Int64Value(int64(plan.ConnectionLimit))
	}
}

// usageOf probes the store's server, if it has one.
func (d *usageDataSource) usageOf(ctx context.Context, store *heroku.Store) (probe.Report, error) {
	if store == nil {
		return d.probeServer(ctx, "", false)
	}
	return d.probeServer(ctx, store.ResourceURL, false)
}

func (m *usageModel) unreachable(reason string) {
	m.Reachable = types.BoolValue(false)
	m.UnreachableReason = types.StringValue(reason)
}

// read maps the report of the server to the result. Values that the server does not report are null.
func (m *usageModel) read(report probe.Report) {
	m.Reachable = types.BoolValue(true)
	m.Version = optionalString(report.Version)
	m.Role = optionalString(report.Role)
	m.MemoryUsed = positive(report.UsedMemory)
	m.MemoryPeak = positive(report.PeakMemory)
	if m.MemoryLimit.IsNull() {
		m.MemoryLimit = positive(report.MaxMemory)
	}
	if limit := m.MemoryLimit.ValueInt64(); limit > 0 && report.UsedMemory > 0 {
		m.MemoryUsedPercent = types.Float64Value(math.Round(1000*float64(report.UsedMemory)/float64(limit)) / 10)
	}
	m.Connections = positive(report.ConnectedClients)
	if m.ConnectionLimit.IsNull() {
		m.ConnectionLimit = positive(report.MaxClients)
	}
	if keys, known := report.KeyCount(); known {
		m.Keys = types.Int64Value(keys)
		m.EvictedKeys = types.Int64Value(report.EvictedKeys) // reported together with the number of keys
	}
	if rate, known := report.HitRate(); known {
		m.HitRate = types.Float64Value(math.Round(10000*rate) / 10000)
	}
	m.MaxmemoryPolicy = optionalString(report.EvictionPolicy)
	m.CanFork = types.BoolValue(report.CanFork)
}

// positive is null for a number that a running server cannot report.
func positive(n int64) types.Int64 {
	if n <= 0 {
		return types.Int64Null()
	}
	return types.Int64Value(n)
}
