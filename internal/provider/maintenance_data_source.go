// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/terraform-plugin-framework-validators/datasourcevalidator"
	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/keyvalue"
)

// The data source kvs_maintenance returns the past and the outstanding maintenance of a store, or of each store of an app. It is
// meant for check blocks, so it also has an entry for a store without maintenance.

var (
	_ datasource.DataSourceWithConfigure        = (*maintenanceDataSource)(nil)
	_ datasource.DataSourceWithConfigValidators = (*maintenanceDataSource)(nil)
)

type maintenanceDataSource struct{ connection }

func newMaintenanceDataSource() datasource.DataSource { return &maintenanceDataSource{} }

type maintenanceDataModel struct {
	InstanceID   types.String       `tfsdk:"instance_id"`
	AppID        types.String       `tfsdk:"app_id"`
	Maintenances []maintenanceModel `tfsdk:"maintenances"`
	History      []maintenanceModel `tfsdk:"history"`
}

type maintenanceModel struct {
	InstanceID       types.String  `tfsdk:"instance_id"`
	InstanceName     types.String  `tfsdk:"instance_name"`
	Status           types.String  `tfsdk:"status"`
	Reason           types.String  `tfsdk:"reason"`
	Method           types.String  `tfsdk:"method"`
	Window           types.String  `tfsdk:"window"`
	RequiredBy       types.String  `tfsdk:"required_by"`
	ScheduledFor     types.String  `tfsdk:"scheduled_for"`
	StartedAt        types.String  `tfsdk:"started_at"`
	CompletedAt      types.String  `tfsdk:"completed_at"`
	DurationSeconds  types.Float64 `tfsdk:"duration_seconds"`
	DueOutsideWindow types.Bool    `tfsdk:"due_outside_window"`
}

func (d *maintenanceDataSource) Metadata(_ context.Context, req datasource.MetadataRequest, resp *datasource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_maintenance"
}

func (d *maintenanceDataSource) Schema(_ context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	fact := func(description string) schema.StringAttribute {
		return schema.StringAttribute{MarkdownDescription: description, Computed: true}
	}
	maintenance := schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
		"instance_id":   fact("UUID of the store."),
		"instance_name": fact("Name of the store."),
		"status": fact("Progress of the maintenance: `none`, `pending`, `preparing`, `ready`, `running` or `completed`; Heroku may add " +
			"others. The latest maintenance stays `completed` until the next one."),
		"reason": fact("Reason for the maintenance: `routine_maintenance`, `customer_request` (as for a version upgrade) or " +
			"`hardware_issue`; null if there is none."),
		"method": fact("Method of the maintenance: `failover` or `changeover`; null if there is none."),
		"window": fact("Window in which the maintenance was run, or the store's current window if the maintenance has not started; null on " +
			"plans without a window."),
		"required_by":   fact("Time by which the maintenance must be done, in RFC 3339; null if none is required."),
		"scheduled_for": fact("Time at which Heroku starts the maintenance, in RFC 3339; null if none is set."),
		"started_at":    fact("Time at which the maintenance started, in RFC 3339; null before that."),
		"completed_at":  fact("Time at which the maintenance was completed, in RFC 3339; null before that."),
		"duration_seconds": schema.Float64Attribute{
			MarkdownDescription: "Approximate duration of the maintenance in seconds; null until it is completed.",
			Computed:            true,
		},
		"due_outside_window": schema.BoolAttribute{
			MarkdownDescription: "Whether a maintenance that has not started will run outside the store's window: it is scheduled for a time " +
				"outside the window, or it is not scheduled and is required before the next window begins.",
			Computed: true,
		},
	}}
	resp.Schema = schema.Schema{
		MarkdownDescription: "Returns the latest maintenance of a store, or of every store that an app owns: what Heroku will do, and when. " +
			"It is meant for `check` blocks.",
		Attributes: map[string]schema.Attribute{
			"instance_id": schema.StringAttribute{
				MarkdownDescription: "UUID of the store. Give either this or `app_id`.",
				Optional:            true,
				Validators:          []validator.String{uuidValidator()},
			},
			"app_id": schema.StringAttribute{
				MarkdownDescription: "UUID of an app. The result contains the maintenances of the stores that this app owns, but not of other " +
					"apps' stores that are attached to it. Give either this or `instance_id`.",
				Optional:   true,
				Validators: []validator.String{uuidValidator()},
			},
			"maintenances": schema.ListNestedAttribute{
				MarkdownDescription: "The latest maintenance of each store, ordered by the names of the stores. A store that has had no " +
					"maintenance yet, or that is on the mini plan, has the status `none`.",
				Computed:     true,
				NestedObject: maintenance,
			},
			"history": schema.ListNestedAttribute{
				MarkdownDescription: "The last maintenances of the store, up to 20, newest first; null if `app_id` is given.",
				Computed:            true,
				NestedObject:        maintenance,
			},
		},
	}
}

func (d *maintenanceDataSource) Configure(_ context.Context, req datasource.ConfigureRequest, resp *datasource.ConfigureResponse) {
	d.configure(req.ProviderData, &resp.Diagnostics)
}

func (d *maintenanceDataSource) ConfigValidators(context.Context) []datasource.ConfigValidator {
	return []datasource.ConfigValidator{datasourcevalidator.ExactlyOneOf(path.MatchRoot("instance_id"), path.MatchRoot("app_id"))}
}

func (d *maintenanceDataSource) Read(ctx context.Context, req datasource.ReadRequest, resp *datasource.ReadResponse) {
	defer recoverPanic(&resp.Diagnostics, "Reading maintenances", nil)
	var config maintenanceDataModel
	if resp.Diagnostics.Append(req.Config.Get(ctx, &config)...); resp.Diagnostics.HasError() || !d.ready(&resp.Diagnostics) {
		return
	}
	if config.AppID.IsNull() {
		resp.Diagnostics.Append(d.readInstance(ctx, &config)...)
	} else {
		resp.Diagnostics.Append(d.readApp(ctx, &config)...)
	}
	if !resp.Diagnostics.HasError() {
		resp.Diagnostics.Append(resp.State.Set(ctx, config)...)
	}
}

func (d *maintenanceDataSource) readInstance(ctx context.Context, m *maintenanceDataModel) diag.Diagnostics {
	var diags diag.Diagnostics
	const summary = "Unable to read the maintenance of Key-Value Store"
	// The Data API answers 404 for a missing store and for a store without maintenance.
	addOn, err := d.client.AddOn(ctx, heroku.AddOnID(m.InstanceID.ValueString()))
	if err != nil {
		diags.Append(d.failure(summary, "Key-Value Store "+m.InstanceID.ValueString(), err))
		return diags
	}
	latest, history := heroku.Maintenance{Status: heroku.MaintenanceNone}, []heroku.Maintenance{}
	if name, err := keyvalue.ParsePlanName(addOn.Plan); err != nil || !hasNoWindow(name) {
		switch read, err := d.client.Maintenance(ctx, addOn.ID); {
		case err == nil:
			latest = read
		case !heroku.HasStatus(err, http.StatusNotFound):
			diags.Append(d.failure(summary, fmt.Sprintf("Key-Value Store %s (%s)", addOn.Name, addOn.ID), err))
			return diags
		}
		switch read, err := d.client.MaintenanceHistory(ctx, addOn.ID, heroku.MaxMaintenanceHistory); {
		case err == nil:
			history = read
		case !heroku.HasStatus(err, http.StatusNotFound):
			diags.Append(d.failure(summary, fmt.Sprintf("Key-Value Store %s (%s)", addOn.Name, addOn.ID), err))
			return diags
		}
	}
	now := d.client.HostTime()
	m.Maintenances, m.History = []maintenanceModel{newMaintenanceModel(addOn, latest, now)}, []maintenanceModel{}
	for _, past := range history {
		m.History = append(m.History, newMaintenanceModel(addOn, past, now))
	}
	return diags
}

// readApp starts from the app's stores, because Heroku's list of maintenances also has those of other data services.
func (d *maintenanceDataSource) readApp(ctx context.Context, m *maintenanceDataModel) diag.Diagnostics {
	var diags diag.Diagnostics
	id := heroku.AppID(m.AppID.ValueString())
	addOns, err := d.client.AppAddOns(ctx, id)
	var maintenances []heroku.Maintenance
	if err == nil {
		maintenances, err = d.client.AppMaintenances(ctx, id)
	}
	if err != nil {
		diags.Append(d.failure("Unable to read the maintenances of app", "App "+string(id), err))
		return diags
	}
	stores := map[string]heroku.AddOn{}
	for _, addOn := range addOns {
		if addOn.AppID == id && addOn.Service == keyvalue.Service {
			stores[addOn.Name] = addOn
		}
	}
	m.Maintenances = []maintenanceModel{}
	for _, name := range slices.Sorted(maps.Keys(stores)) {
		latest := heroku.Maintenance{Status: heroku.MaintenanceNone}
		if i := slices.IndexFunc(maintenances, func(m heroku.Maintenance) bool { return m.AddOnID == stores[name].ID }); i >= 0 {
			latest = maintenances[i]
		}
		m.Maintenances = append(m.Maintenances, newMaintenanceModel(stores[name], latest, d.client.HostTime()))
	}
	return diags
}

func newMaintenanceModel(addOn heroku.AddOn, m heroku.Maintenance, now time.Time) maintenanceModel {
	window := m.Window
	if !m.StartedAt.IsZero() {
		window = cmp.Or(m.RunWindow, m.Window)
	}
	model := maintenanceModel{
		InstanceID:       types.StringValue(string(addOn.ID)),
		InstanceName:     types.StringValue(addOn.Name),
		Status:           types.StringValue(strings.ToLower(m.Status)),
		Reason:           optionalString(m.Reason),
		Method:           optionalString(m.Method),
		Window:           optionalString(window),
		RequiredBy:       optionalTime(m.RequiredBy),
		ScheduledFor:     optionalTime(m.ScheduledFor),
		StartedAt:        optionalTime(m.StartedAt),
		CompletedAt:      optionalTime(m.CompletedAt),
		DueOutsideWindow: types.BoolValue(dueOutsideWindow(m, now)),
	}
	if m.Duration != nil {
		model.DurationSeconds = types.Float64Value(m.Duration.Seconds())
	}
	return model
}

// dueOutsideWindow is false for a window that cannot be parsed, so that a check does not fail because Heroku words it differently.
func dueOutsideWindow(m heroku.Maintenance, now time.Time) bool {
	window, err := keyvalue.ParseWindowText(m.Window)
	switch {
	case err != nil || !m.Outstanding():
		return false
	case !m.ScheduledFor.IsZero():
		return !window.Contains(m.ScheduledFor)
	}
	return !m.RequiredBy.IsZero() && !window.Contains(now) && window.Next(now).After(m.RequiredBy)
}

func optionalTime(t time.Time) types.String {
	if t.IsZero() {
		return types.StringNull()
	}
	return types.StringValue(t.Format(time.RFC3339))
}
