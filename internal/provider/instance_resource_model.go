// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"fmt"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework-timeouts/resource/timeouts"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/booldefault"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/boolplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/float64planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/int64default"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/int64planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/mapplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/setplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringdefault"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/keyvalue"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/replacement"
)

// instanceModel is a store in configuration, plan and state, without its URL. With impact it has 28 attributes, the most that a
// Go map holds before it doubles: a 29th made each plan of a store allocate 43 % more memory. web_url is therefore only in the
// data source.
type instanceModel struct {
	ID                   types.String   `tfsdk:"id"`
	AppID                types.String   `tfsdk:"app_id"`
	Plan                 planName       `tfsdk:"plan"`
	OutsideSpace         types.Bool     `tfsdk:"outside_space"`
	Name                 types.String   `tfsdk:"name"`
	AttachmentName       types.String   `tfsdk:"attachment_name"`
	Version              types.String   `tfsdk:"version"`
	Timeout              wholeNumber    `tfsdk:"timeout"`
	MaxmemoryPolicy      types.String   `tfsdk:"maxmemory_policy"`
	NotifyKeyspaceEvents keyspaceEvents `tfsdk:"notify_keyspace_events"`
	Fork                 types.Object   `tfsdk:"fork"`
	Migration            types.Object   `tfsdk:"migration"`
	DeletionProtection   types.Bool     `tfsdk:"deletion_protection"`
	State                types.String   `tfsdk:"state"`
	VersionActual        types.String   `tfsdk:"version_actual"`
	MemoryLimit          types.Int64    `tfsdk:"memory_limit"`
	ConnectionLimit      types.Int64    `tfsdk:"connection_limit"`
	MonthlyPrice         types.Float64  `tfsdk:"monthly_price"`
	HighAvailability     types.Bool     `tfsdk:"high_availability"`
	Persistence          types.String   `tfsdk:"persistence"`
	RequiresTLS          types.Bool     `tfsdk:"requires_tls"`
	ConfigVars           types.Set      `tfsdk:"config_vars"`
	AttachedApps         types.Map      `tfsdk:"attached_apps"`
	CreatedAt            types.String   `tfsdk:"created_at"`
	CredentialsRevision  types.Int64    `tfsdk:"credentials_revision"`
	RetiredInstanceID    types.String   `tfsdk:"retired_instance_id"`
	Timeouts             timeouts.Value `tfsdk:"timeouts"`
}

// Values of the `state` attribute: those of the Platform API, and two that this provider adds.
const (
	instanceReady     = heroku.StateProvisioned
	instancePreparing = "preparing"
	instanceMigrating = "migrating"
)

func (r *instanceResource) Schema(ctx context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	defaults := keyvalue.DefaultSettings()
	keepString := []planmodifier.String{stringplanmodifier.UseStateForUnknown()}
	resp.Schema = schema.Schema{
		MarkdownDescription: "A Heroku Key-Value Store: an add-on of the service `heroku-redis` on one app, with its plan and its settings. " +
			"The store's URL and password are not stored in the state; read them with the ephemeral resource `kvs_credentials`.",
		Attributes: map[string]schema.Attribute{
			"id": schema.StringAttribute{
				Computed:      true,
				PlanModifiers: keepString,
				MarkdownDescription: "The UUID of the add-on. Settings, renames and most plan changes keep it. A change that needs a new store, " +
					"as described in `migration`, changes it.",
			},
			"app_id": schema.StringAttribute{
				Required:   true,
				Validators: []validator.String{uuidValidator()},
				MarkdownDescription: "The UUID of the app that owns the store and is billed for it. Heroku cannot move an add-on to another app, " +
					"so changing it needs a new store, which is forked from the old one as described in `migration`.",
			},
			"plan": schema.StringAttribute{
				Optional:      true,
				Computed:      true,
				CustomType:    planNameType{},
				PlanModifiers: []planmodifier.String{stringplanmodifier.UseStateForUnknown(), keepEquivalent()},
				MarkdownDescription: "The plan, such as `premium-0`; `heroku-redis:premium-0` means the same. It is required unless the app runs " +
					"in a space. If it is omitted there, a new store gets the default plan of the space, and an existing store keeps its plan. " +
					"`private` plans run only in a Private Space. `shield` plans run only in a Shield Space, which accepts no other plans. For " +
					"`mini` and `premium` plans in a Private Space see `outside_space`. A change within one runtime class (Common Runtime, Private " +
					"Space, Shield Space) is made in place: Heroku copies the data to a new server, writes during the copy may be lost, and the id, " +
					"the name and the keys stay. A plan of another class needs a new store, which is forked from the old one as described in " +
					"`migration`.",
			},
			"outside_space": schema.BoolAttribute{
				Optional: true,
				Computed: true,
				Default:  booldefault.StaticBool(false),
				MarkdownDescription: "Whether the store of an app in a Private Space may run outside the network of the space, on a `mini` or " +
					"`premium` plan. The data then travels over the public internet. Heroku asks for this confirmation when the store is created; " +
					"changing it later sends no request to Heroku. Defaults to `false`.",
			},
			"name": schema.StringAttribute{
				Optional:      true,
				Computed:      true,
				Validators:    []validator.String{validatedBy(keyvalue.ValidateAddOnName)},
				PlanModifiers: keepString,
				MarkdownDescription: "The name of the add-on, unique across Heroku. If omitted, the provider chooses a name before it orders the " +
					"store. Changing it renames the store in place; the config vars and the URL stay as they are.",
			},
			"attachment_name": schema.StringAttribute{
				Optional:      true,
				Computed:      true,
				Validators:    []validator.String{validatedBy(keyvalue.ValidateAttachmentName)},
				PlanModifiers: keepString,
				MarkdownDescription: "The name of the store's first attachment to its own app: `CACHE` gives the app the config var `CACHE_URL`. " +
					"If omitted, it is `REDIS` for the first store of an app, and `HEROKU_REDIS_<COLOR>` for later ones. A config var that somebody " +
					"has set by hand is not overwritten: the plan is refused. Changing it attaches the store under the new name before it detaches " +
					"the old one, and restarts the app.",
			},
			"version": schema.StringAttribute{
				Optional:   true,
				Validators: []validator.String{validatedBy(validateVersion)},
				MarkdownDescription: "The lowest version that the store may run, such as `7.2`, which also accepts 7.2.4 and 8.0. Heroku also " +
					"upgrades stores by itself, which does not show as a change; `version_actual` is the running version. Raising it upgrades the " +
					"server as described in `migration.version_upgrade`. An upgrade cannot be undone, and lowering the version changes nothing. A " +
					"new store is ordered with Heroku's default version if that is high enough, and otherwise with the lowest version that is. A " +
					"`mini` store is upgraded at once and loses its keys, which requires `migration.accept_data_loss`.",
			},
			"timeout": schema.Int64Attribute{
				Optional:      true,
				Computed:      true,
				CustomType:    wholeNumberType{phrase: "a timeout of %s seconds", example: int64(defaults.Timeout)},
				Default:       int64default.StaticInt64(int64(defaults.Timeout)),
				Validators:    []validator.Int64{int64ValidatedBy(keyvalue.ValidateTimeout)},
				PlanModifiers: []planmodifier.Int64{int64planmodifier.UseStateForUnknown()},
				MarkdownDescription: "Seconds after which an idle client connection is closed; `0` never closes one. " +
					"Changing it takes effect in place, without a restart. Removing it returns to Heroku's default, `300`.",
			},
			"maxmemory_policy": schema.StringAttribute{
				Optional:      true,
				Computed:      true,
				Default:       stringdefault.StaticString(string(defaults.MaxmemoryPolicy)),
				Validators:    []validator.String{validatedBy(validateEvictionPolicy)},
				PlanModifiers: keepString,
				MarkdownDescription: "What happens when the memory limit is reached: " + policyList() + ". " +
					"Changing it takes effect in place, without a restart. Removing it returns to Heroku's default, `noeviction`.",
			},
			"notify_keyspace_events": schema.StringAttribute{
				Optional:      true,
				Computed:      true,
				CustomType:    keyspaceEventsType{},
				Default:       stringdefault.StaticString(""),
				PlanModifiers: []planmodifier.String{keepEquivalent()},
				MarkdownDescription: "The keyspace events that the store publishes, as a set of flags: `K` or `E` for the channel, and classes " +
					"from `g$lshztxem`, where `A` stands for `g$lshztxe`. The order of the flags makes no difference, and neither does the use of " +
					"`A`. Changing it takes effect in place, without a restart. Removing it returns to Heroku's default, none.",
			},
			"fork":      forkAttribute(),
			"migration": migrationAttribute(),
			"deletion_protection": schema.BoolAttribute{
				Optional: true,
				Computed: true,
				Default:  booldefault.StaticBool(true),
				MarkdownDescription: "Whether this provider refuses to destroy or replace the store. A destroyed store cannot be recovered. To " +
					"destroy the store on purpose, set it to `false` and apply first. Heroku has no such protection: the dashboard and the CLI can " +
					"still destroy the store, also by destroying its app. Defaults to `true`.",
			},
			"state": schema.StringAttribute{
				Computed:      true,
				PlanModifiers: keepString,
				MarkdownDescription: "`provisioned` when the store is ready, `provisioning` while it is being created, `preparing` while its data " +
					"is being copied, and `migrating` while another store is replacing it, which the next apply continues.",
			},
			"version_actual": schema.StringAttribute{
				Computed:            true,
				PlanModifiers:       keepString,
				MarkdownDescription: "The version that the server reports, such as `7.2.4`.",
			},
			"memory_limit": schema.Int64Attribute{
				Computed:            true,
				PlanModifiers:       []planmodifier.Int64{int64planmodifier.UseStateForUnknown()},
				MarkdownDescription: "The plan's memory in MB. Null for a plan that is not in the published catalogue.",
			},
			"connection_limit": schema.Int64Attribute{
				Computed:      true,
				PlanModifiers: []planmodifier.Int64{int64planmodifier.UseStateForUnknown()},
				MarkdownDescription: "The maximum number of client connections of the plan. Null for a plan that is not in the published " +
					"catalogue.",
			},
			"monthly_price": schema.Float64Attribute{
				Computed:      true,
				PlanModifiers: []planmodifier.Float64{float64planmodifier.UseStateForUnknown()},
				MarkdownDescription: "The plan's published price in US dollars a month. Null if none is published. A contract may specify another " +
					"price.",
			},
			"high_availability": schema.BoolAttribute{
				Computed:      true,
				PlanModifiers: []planmodifier.Bool{boolplanmodifier.UseStateForUnknown()},
				MarkdownDescription: "Whether the plan has a standby to fail over to. Null for a plan that is not in " +
					"the published catalogue.",
			},
			"persistence": schema.StringAttribute{
				Computed:      true,
				PlanModifiers: keepString,
				MarkdownDescription: "How the plan keeps data across a restart: `AOF` or `None`. Null for a plan that " +
					"is not in the published catalogue.",
			},
			"requires_tls": schema.BoolAttribute{
				Computed:            true,
				PlanModifiers:       []planmodifier.Bool{boolplanmodifier.UseStateForUnknown()},
				MarkdownDescription: "Whether clients must use TLS. Null for a plan that is not in the published catalogue.",
			},
			"config_vars": schema.SetAttribute{
				Computed:      true,
				ElementType:   types.StringType,
				PlanModifiers: []planmodifier.Set{setplanmodifier.UseStateForUnknown()},
				MarkdownDescription: "The names of the config vars that the store's first attachment adds to its own app, such as `REDIS_URL`. " +
					"Their values are secret and are not stored here.",
			},
			"attached_apps": schema.MapAttribute{
				Computed:      true,
				ElementType:   configVarsType,
				PlanModifiers: []planmodifier.Map{mapplanmodifier.UseStateForUnknown()},
				MarkdownDescription: "The apps that the store is attached to, by app name, each with the names of its config vars for this store, " +
					"as of the last refresh. It includes attachments that this configuration does not manage. Null if they could not be read. It " +
					"never causes a change by itself.",
			},
			"created_at": schema.StringAttribute{
				Computed:            true,
				PlanModifiers:       keepString,
				MarkdownDescription: "When the store was ordered, in RFC 3339.",
			},
			"credentials_revision": schema.Int64Attribute{
				Computed:      true,
				PlanModifiers: []planmodifier.Int64{int64planmodifier.UseStateForUnknown()},
				MarkdownDescription: "A number that changes whenever the store's URL or password changes: on a rotation, a failover, a plan " +
					"change or a replacement of the store. It contains no secret, and a larger number is not a later one. Pass it to `*_wo_version` " +
					"arguments next to copies of the credentials; see `kvs_credentials`. The next plan detects a change made outside of Terraform. " +
					"In a plan that may change the URL, the number is unknown.",
			},
			"retired_instance_id": schema.StringAttribute{
				Computed:      true,
				PlanModifiers: keepString,
				MarkdownDescription: "The UUID of the store that this one has replaced, as long as it is kept: see `migration.retire`. Heroku " +
					"charges for it, and it is destroyed together with this store.",
			},
			"timeouts": timeoutsAttribute(ctx, timeouts.Opts{
				Create: true,
				Update: true,
				Delete: true,
				CreateDescription: "How long to wait for a new store, such as `45m`. Defaults to `30m`. After this time, the store is kept, a " +
					"warning is shown, and the next apply continues to wait.",
				UpdateDescription: "How long to wait for a plan change, such as `2h`. Defaults to `60m`. After this time, the next apply " +
					"continues to wait.",
				DeleteDescription: "How long to wait until a destroyed store is gone. Defaults to `15m`.",
			}),
		},
	}
}

// timeoutsAttribute is the library's timeouts attribute with a description and validators, which the library has no options for.
func timeoutsAttribute(ctx context.Context, opts timeouts.Opts) schema.Attribute {
	attribute := timeouts.Attributes(ctx, opts)
	if nested, ok := attribute.(schema.SingleNestedAttribute); ok {
		nested.MarkdownDescription = "How long to wait for operations that take time. Changing it sends no request to Heroku."
		for name, limit := range nested.Attributes {
			if limit, ok := limit.(schema.StringAttribute); ok {
				limit.Validators = []validator.String{durationValidator()}
				nested.Attributes[name] = limit
			}
		}
		return nested
	}
	return attribute
}

func policyList() string {
	var names []string
	for _, policy := range keyvalue.EvictionPolicies() {
		names = append(names, "`"+string(policy)+"`")
	}
	return strings.Join(names, ", ")
}

func (m instanceModel) addOnID() heroku.AddOnID { return heroku.AddOnID(m.ID.ValueString()) }

// ready reports whether the store is ready on both APIs.
func (m instanceModel) ready() bool { return m.State.ValueString() == instanceReady }

// label names the store in a diagnostic.
func (m instanceModel) label() string {
	return "Key-Value Store " + m.Name.ValueString() + " (" + m.ID.ValueString() + ")"
}

// spec is the input of package keyvalue. Validation has refused an invalid plan name.
func (m instanceModel) spec() keyvalue.Spec {
	plan, _ := keyvalue.ParsePlanName(m.Plan.ValueString())
	return keyvalue.Spec{
		AppID: m.AppID.ValueString(), Plan: plan,
		Version: keyvalue.Version(m.Version.ValueString()), Running: keyvalue.Version(m.VersionActual.ValueString()),
	}
}

// changesTo is the request to the Platform API: the plan, the name, or both. It returns false if neither differs.
func (m instanceModel) changesTo(state instanceModel) (heroku.AddOnUpdate, bool) {
	var update heroku.AddOnUpdate
	if to := m.spec().Plan; to != state.spec().Plan {
		wire := to.Wire()
		update.Plan = &wire
	}
	if !m.Name.IsUnknown() && !m.Name.Equal(state.Name) {
		update.Name = m.Name.ValueStringPointer()
	}
	return update, update.Plan != nil || update.Name != nil
}

// settingsFor is the request to the Data API, with the settings that differ from the live store. It returns false if none does.
func (m instanceModel) settingsFor(store heroku.Store) (heroku.StoreConfigUpdate, bool) {
	var update heroku.StoreConfigUpdate
	if timeout := int(m.Timeout.ValueInt64()); store.Timeout == nil || *store.Timeout != timeout {
		update.Timeout = &timeout
	}
	if policy := m.MaxmemoryPolicy.ValueString(); store.MaxmemoryPolicy == nil || *store.MaxmemoryPolicy != policy {
		update.MaxmemoryPolicy = &policy
	}
	if events := m.NotifyKeyspaceEvents.ValueString(); store.NotifyKeyspaceEvents == nil ||
		!sameEvents(*store.NotifyKeyspaceEvents, events) {
		update.NotifyKeyspaceEvents = &events
	}
	return update, update != heroku.StoreConfigUpdate{}
}

// setPlanFacts sets the attributes that follow from the plan in the published catalogue.
func (m *instanceModel) setPlanFacts() {
	if m.Plan.IsUnknown() {
		m.MemoryLimit, m.ConnectionLimit, m.MonthlyPrice = types.Int64Unknown(), types.Int64Unknown(), types.Float64Unknown()
		m.HighAvailability, m.RequiresTLS, m.Persistence = types.BoolUnknown(), types.BoolUnknown(), types.StringUnknown()
		return
	}
	m.MemoryLimit, m.ConnectionLimit, m.MonthlyPrice = types.Int64Null(), types.Int64Null(), types.Float64Null()
	m.HighAvailability, m.RequiresTLS, m.Persistence = types.BoolNull(), types.BoolNull(), types.StringNull()
	plan, published := keyvalue.LookupPlan(m.spec().Plan)
	if !published {
		return
	}
	m.MemoryLimit = types.Int64Value(int64(plan.MemoryMB))
	m.ConnectionLimit = types.Int64Value(int64(plan.ConnectionLimit))
	m.HighAvailability = types.BoolValue(plan.HighAvailability)
	m.RequiresTLS = types.BoolValue(plan.RequiresTLS)
	m.Persistence = types.StringValue(plan.Persistence)
	if plan.MonthlyPriceCents != nil {
		m.MonthlyPrice = types.Float64Value(float64(*plan.MonthlyPriceCents) / 100)
	}
}

func validateEvictionPolicy(s string) error {
	_, err := keyvalue.ParseEvictionPolicy(s)
	return err
}

// sameEvents reports whether two spellings of keyspace events mean the same.
func sameEvents(a, b string) bool {
	left, errLeft := keyvalue.ParseKeyspaceEvents(a)
	right, errRight := keyvalue.ParseKeyspaceEvents(b)
	return errLeft == nil && errRight == nil && left == right
}

func stringsOf(set types.Set) (values []string) {
	for _, element := range set.Elements() {
		if text, ok := element.(types.String); ok {
			values = append(values, text.ValueString())
		}
	}
	return values
}

func stringSet(values []string) types.Set {
	return types.SetValueMust(types.StringType, stringValues(values))
}

func stringValues(values []string) []attr.Value {
	elements := make([]attr.Value, len(values))
	for i, value := range values {
		elements[i] = types.StringValue(value)
	}
	return elements
}

// read maps the API's objects to the state. store is nil while the Data API does not know it: the settings then stay as they
// are. No value is left unknown.
func (m *instanceModel) read(addOn heroku.AddOn, store *heroku.Store) {
	m.ID = types.StringValue(string(addOn.ID))
	m.AppID = types.StringValue(string(addOn.AppID))
	m.Plan = newPlanName(keyvalue.ShortPlanName(addOn.Plan))
	m.Name = types.StringValue(addOn.Name)
	m.State = types.StringValue(instanceState(addOn, store))
	m.CreatedAt = types.StringValue(addOn.CreatedAt)
	m.AttachmentName = m.attachmentOf(addOn)
	m.ConfigVars = stringSet(keyvalue.VarsOf(m.AttachmentName.ValueString(), withoutSuccessions(addOn.ConfigVars)))
	// A new store is attached to its own app, and has config vars once it is ready. Read reads all attachments.
	if m.AttachedApps.IsUnknown() || m.AttachedApps.Equal(byApp(map[string][]string{addOn.AppName: nil})) {
		m.AttachedApps = byApp(map[string][]string{addOn.AppName: withoutSuccessions(addOn.ConfigVars)})
	}
	if m.RetiredInstanceID.IsUnknown() {
		m.RetiredInstanceID = types.StringNull()
	}
	if replacement.InProgress(addOn) {
		m.State = types.StringValue(instanceMigrating)
		original, _ := keyvalue.OriginalName(addOn.Name, string(addOn.ID))
		m.Name = types.StringValue(original)
	}
	m.setPlanFacts()
	if store == nil {
		if m.VersionActual.IsUnknown() {
			m.VersionActual = types.StringNull()
		}
		if m.CredentialsRevision.IsUnknown() {
			m.CredentialsRevision = types.Int64Null()
		}
		return
	}
	m.VersionActual = types.StringValue(store.Version)
	m.CredentialsRevision = revisionOf(addOn.ID, store.ResourceURL, m.CredentialsRevision)
	if store.Timeout != nil {
		m.Timeout = newWholeNumber(int64(*store.Timeout))
	}
	if store.MaxmemoryPolicy != nil {
		m.MaxmemoryPolicy = types.StringValue(*store.MaxmemoryPolicy)
	}
	if store.NotifyKeyspaceEvents != nil {
		m.NotifyKeyspaceEvents = newKeyspaceEvents(*store.NotifyKeyspaceEvents)
	}
}

// readAfterChange is read after a change by this provider. It keeps the values that Heroku has accepted, because a read may
// still show the former ones (Platform API reference, eventual consistency).
func (m *instanceModel) readAfterChange(addOn heroku.AddOn, store heroku.Store) {
	asked := *m
	m.read(addOn, &store)
	m.Plan, m.Timeout, m.MaxmemoryPolicy, m.NotifyKeyspaceEvents = asked.Plan, asked.Timeout, asked.MaxmemoryPolicy,
		asked.NotifyKeyspaceEvents
	if known(asked.Name) {
		m.Name = asked.Name
	}
	if known(asked.AttachmentName) {
		m.AttachmentName = asked.AttachmentName
	}
	m.setPlanFacts()
}

// keepPlanned restores the values that the plan promised. The next plan shows what has changed by itself since then.
func (m *instanceModel) keepPlanned(planned instanceModel) {
	if !planned.VersionActual.IsUnknown() {
		m.VersionActual = planned.VersionActual
	}
	if !planned.ConfigVars.IsUnknown() {
		m.ConfigVars = planned.ConfigVars
	}
	if !planned.CredentialsRevision.IsUnknown() {
		m.CredentialsRevision = planned.CredentialsRevision
	}
}

// readBack reads a ready store from both APIs.
func (m *instanceModel) readBack(ctx context.Context, r *instanceResource, addOn heroku.AddOn) diag.Diagnostics {
	now, err := r.client.AddOn(ctx, addOn.ID)
	if err == nil {
		var store heroku.Store
		if store, err = r.client.Store(ctx, addOn.ID); err == nil {
			m.readAfterChange(now, store)
			return nil
		}
	}
	return diag.Diagnostics{r.failure("Unable to read Key-Value Store", fmt.Sprintf("Key-Value Store %s (%s)", addOn.Name, addOn.ID), err)}
}
