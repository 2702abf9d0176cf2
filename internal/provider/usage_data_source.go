// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/keyvalue"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/probe"
)

// The data source kvs_usage is what a running store says of itself, against the limits of its plan. From where Terraform
// runs not every store can be reached, so that is an answer and no error.

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

// notReady is the reason of a store that has no server yet; the others are probe's.
const notReady = "not_ready"

func (d *usageDataSource) Metadata(_ context.Context, req datasource.MetadataRequest, resp *datasource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_usage"
}

func (d *usageDataSource) Schema(_ context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "Asks a running store how much it uses of its plan: memory, connections, keys, evictions. " +
			"The store itself is asked, over the network, from where Terraform runs. A store in a Private Space takes connections from its space only: " +
			"it is not `reachable` then, which is no error, and what only the store knows is null.\n\n" +
			"The values are those of the moment and change from run to run. Use them in `check` blocks and conditions; an output of one shows as a change in every plan.",
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
				MarkdownDescription: "Why the store is not reachable, null if it is: `not_ready` (it is being created), `dns` (the name of its host is not known here), " +
					"`refused` (its address takes no connections from here), `timeout`, `tls` (no TLS connection, or a certificate that is not trusted), " +
					"`certificate` (another certificate than before, so that the password was not sent), `cleartext` (its URL has no TLS, so that the password was not sent), " +
					"`off` (`probe = \"off\"` in the provider block), " +
					"`auth` (it refuses the password), or `protocol` (its answer makes no sense, or it is starting, or its connections are all taken).",
				Computed: true,
			},
			"version": schema.StringAttribute{
				MarkdownDescription: "Version that the server reports, such as `7.2.4`.",
				Computed:            true,
			},
			"role": schema.StringAttribute{
				MarkdownDescription: "`primary` or `replica`.",
				Computed:            true,
			},
			"memory_used": schema.Int64Attribute{
				MarkdownDescription: "Memory that is used, in bytes.",
				Computed:            true,
			},
			"memory_peak": schema.Int64Attribute{
				MarkdownDescription: "The most memory that was ever used since the server started, in bytes.",
				Computed:            true,
			},
			"memory_limit": schema.Int64Attribute{
				MarkdownDescription: "Memory of the plan, in bytes; of a plan that is not in the published catalogue, what the server reports. " +
					"It is known for a published plan also when the store is not reachable. `memory_limit` of `kvs_instance` is in MB.",
				Computed: true,
			},
			"memory_used_percent": schema.Float64Attribute{
				MarkdownDescription: "`memory_used` in percent of `memory_limit`, with one decimal.",
				Computed:            true,
			},
			"connections": schema.Int64Attribute{
				MarkdownDescription: "Number of clients that are connected, the one that asks included.",
				Computed:            true,
			},
			"connection_limit": schema.Int64Attribute{
				MarkdownDescription: "Number of clients that the plan lets connect at once; of a plan that is not in the published catalogue, what the server reports. " +
					"It is known for a published plan also when the store is not reachable.",
				Computed: true,
			},
			"keys": schema.Int64Attribute{
				MarkdownDescription: "Number of keys, of all databases together.",
				Computed:            true,
			},
			"evicted_keys": schema.Int64Attribute{
				MarkdownDescription: "Number of keys that were evicted for want of memory, since the server started or its statistics were reset.",
				Computed:            true,
			},
			"hit_rate": schema.Float64Attribute{
				MarkdownDescription: "Share of reads that found their key, from 0 to 1, since the server started or its statistics were reset; null when nothing was read.",
				Computed:            true,
			},
			"maxmemory_policy": schema.StringAttribute{
				MarkdownDescription: "Eviction policy that the server works by, such as `noeviction`.",
				Computed:            true,
			},
			"can_fork": schema.BoolAttribute{
				MarkdownDescription: "Whether a fork can copy this store: the server lets its user replicate (`PSYNC`).",
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
	var away *probe.Unreachable
	switch {
	case err == nil:
		result.read(report)
	case errors.As(err, &away):
		result.unreachable(string(away.Reason))
		if away.Reason == probe.ReasonCertificate {
			resp.Diagnostics.AddWarning("The certificate of the store has changed", fmt.Sprintf("%s: %s.", object, away.Detail))
		}
	default: // it is none of the store's: an interrupt, or a URL that is none
		resp.Diagnostics.Append(d.failure("Unable to ask Key-Value Store", object, err))
		return
	}
	resp.Diagnostics.Append(resp.State.Set(ctx, result)...)
}

// setLimits takes what the plan promises. A server may allow a little more.
func (m *usageModel) setLimits(wirePlan string) {
	name, err := keyvalue.ParsePlanName(wirePlan)
	if plan, published := keyvalue.LookupPlan(name); err == nil && published {
		m.MemoryLimit = types.Int64Value(plan.MemoryBytes())
		m.ConnectionLimit = types.Int64Value(int64(plan.ConnectionLimit))
	}
}

// usageOf asks the store, if there is one yet.
func (d *usageDataSource) usageOf(ctx context.Context, store *heroku.Store) (probe.Report, error) {
	if store == nil {
		return d.lookAt(ctx, "", false)
	}
	return d.lookAt(ctx, store.ResourceURL, false)
}

func (m *usageModel) unreachable(reason string) {
	m.Reachable = types.BoolValue(false)
	m.UnreachableReason = types.StringValue(reason)
}

// read is the one mapping from what the store says. What a server does not say is null.
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
		m.EvictedKeys = types.Int64Value(report.EvictedKeys) // a server that counts its keys counts these too
	}
	if rate, known := report.HitRate(); known {
		m.HitRate = types.Float64Value(math.Round(10000*rate) / 10000)
	}
	m.MaxmemoryPolicy = optionalString(report.EvictionPolicy)
	m.CanFork = types.BoolValue(report.CanFork)
}

// positive leaves out a number that a running server cannot have.
func positive(n int64) types.Int64 {
	if n <= 0 {
		return types.Int64Null()
	}
	return types.Int64Value(n)
}
