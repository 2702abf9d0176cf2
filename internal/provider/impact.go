// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"maps"
	"math/big"
	"slices"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/keyvalue"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/replacement"
)

// The attribute impact describes a planned change, for people who approve a plan without seeing its warnings, and for policies
// that read its JSON. The resources do not have the attribute in their own schemas: governed adds it, sets it when a plan has
// changes, and keeps it otherwise. It depends only on the state, the plan and the catalogue, because Terraform plans again
// during the apply, perhaps hours later, and the result must be the same. What each resource reports is at the end of this file.

const impactName = "impact"

// impact is the value of the attribute. Empty strings and nil are null.
type impact struct {
	Method       string
	Data         string
	URLChanges   string
	Restarts     types.Set // app names, or UUIDs of apps whose name is not in the state
	Interruption string
	Irreversible bool
	PriceBefore  types.Float64
	PriceAfter   types.Float64
	Admits       types.Set
	ShutsOut     types.Set

	unknown bool // known only after apply
}

// Methods in addition to those of keyvalue.Outcome.
const (
	methodCreate      = "create"
	methodSettings    = "settings"
	methodRename      = "rename"
	methodResume      = "resume"
	methodProtection  = "protection"
	methodNothingSent = "nothing_sent"
	methodAttach      = "attach"
	methodRepoint     = "re_point"
	methodMove        = "move"
	methodRanges      = "ranges"
	methodTransfer    = "transfer"
	methodLogDrain    = "log_drain"
	methodMaintenance = "maintenance"
	methodWindow      = "window"
	methodAccess      = "access"
	methodScale       = "scale"
)

func impactAttribute() schema.SingleNestedAttribute {
	text := func(description string) schema.StringAttribute {
		return schema.StringAttribute{Computed: true, MarkdownDescription: description}
	}
	price := func(description string) schema.Float64Attribute {
		return schema.Float64Attribute{Computed: true, MarkdownDescription: description}
	}
	set := func(description string) schema.SetAttribute {
		return schema.SetAttribute{Computed: true, ElementType: types.StringType, MarkdownDescription: description}
	}
	return schema.SingleNestedAttribute{
		Computed: true,
		MarkdownDescription: "The effects of the last change that this provider planned for the object. They are planned together with the " +
			"change, for people who approve a saved plan and for policies that read `terraform show -json`. A plan that changes nothing keeps " +
			"them. Null after an import.",
		Attributes: map[string]schema.Attribute{
			"method": text("How the change is made: `create`, `settings`, `rename`, `plan_in_place`, `version_upgrade`, " +
				"`replacement_by_fork`, `replacement_empty`, `attach`, `re_point`, `move`, `ranges`, `transfer`, `log_drain`, `maintenance`, " +
				"`window`, `access`, `scale`, `resume` to finish what an earlier apply has started, `protection` if only the protection is " +
				"switched, or `nothing_sent` if only values change that Heroku does not store."),
			"data": text("Effect on the keys: `kept`, `copied`, `writes_at_risk` if writes during the change may be lost, or `lost` if " +
				"existing keys may be lost. Null if the change affects no store."),
			"url_changes": text("Whether the URL changes by which apps reach the store: `no`, `possible`, or `yes`."),
			"restarts": set("Names of the apps that Heroku restarts or may restart; UUIDs if the state contains no names. Null if they could " +
				"not be read."),
			"interruption": text("How long apps cannot use the store: `none`, `brief`, or `while_copied` (while the data is copied)."),
			"irreversible": schema.BoolAttribute{Computed: true, MarkdownDescription: "Whether the change cannot be reversed."},
			"price_before": price("Price in US dollars a month before the change: the price of the plan for a store, the maximum price for a " +
				"space. Null if no price is published. A contract may specify another price."),
			"price_after": price("Price in US dollars a month after the change, including a replaced store that may be kept. Null if no price " +
				"is published."),
			"admits": set("Trusted ranges that the change adds. Null for everything but ranges."),
			"shuts_out": set("Trusted ranges that the change removes. Null for everything but ranges, and if the state does not contain the " +
				"current ranges."),
			"reference": text("The change reference, if it is set in the provider block. A reference from the environment is recorded but not " +
				"planned, because the job that applies the plan may have a different one."),
		},
	}
}

var impactType, _ = impactAttribute().GetType().(types.ObjectType)

// value is the planned value of the attribute.
func (i impact) value(reference types.String) (types.Object, diag.Diagnostics) {
	if i.unknown {
		return types.ObjectUnknown(impactType.AttrTypes), nil
	}
	text := func(s string) types.String {
		if s == "" {
			return types.StringNull()
		}
		return types.StringValue(s)
	}
	set := func(s types.Set) types.Set {
		if s.IsNull() { // the zero value has no element type
			return types.SetNull(types.StringType)
		}
		return s
	}
	return types.ObjectValue(impactType.AttrTypes, map[string]attr.Value{
		"method": text(i.Method), "data": text(i.Data), "url_changes": text(i.URLChanges), "restarts": set(i.Restarts),
		"interruption": text(i.Interruption), "irreversible": types.BoolValue(i.Irreversible),
		"price_before": i.PriceBefore, "price_after": i.PriceAfter,
		"admits": set(i.Admits), "shuts_out": set(i.ShutsOut), "reference": reference,
	})
}

// schemas are the two schemas of a resource: bare, which the resource implements, and whole, which Terraform sees and which adds
// the attribute impact.
type schemas struct {
	bare, whole         schema.Schema
	bareType, wholeType tftypes.Type
	none                tftypes.Value // a null impact, for an object that this provider has not changed yet
}

func schemasOf(ctx context.Context, r resource.Resource) *schemas {
	var resp resource.SchemaResponse
	r.Schema(ctx, resource.SchemaRequest{}, &resp)
	whole := resp.Schema
	whole.Attributes = maps.Clone(whole.Attributes)
	whole.Attributes[impactName] = impactAttribute()
	return &schemas{
		bare: resp.Schema, bareType: resp.Schema.Type().TerraformType(ctx),
		whole: whole, wholeType: whole.Type().TerraformType(ctx),
		none: tftypes.NewValue(impactType.TerraformType(ctx), nil),
	}
}

func (s *schemas) without(raw tftypes.Value) tftypes.Value {
	attributes, ok := attributesOf(raw)
	if !ok {
		return tftypes.NewValue(s.bareType, nil)
	}
	attributes = maps.Clone(attributes)
	delete(attributes, impactName)
	return tftypes.NewValue(s.bareType, attributes)
}

func (s *schemas) with(raw, impact tftypes.Value) tftypes.Value {
	attributes, ok := attributesOf(raw)
	if !ok {
		return tftypes.NewValue(s.wholeType, nil)
	}
	attributes = maps.Clone(attributes)
	attributes[impactName] = impact
	return tftypes.NewValue(s.wholeType, attributes)
}

func (s *schemas) bareConfig(c tfsdk.Config) tfsdk.Config {
	return tfsdk.Config{Raw: s.without(c.Raw), Schema: s.bare}
}

func (s *schemas) barePlan(p tfsdk.Plan) tfsdk.Plan {
	return tfsdk.Plan{Raw: s.without(p.Raw), Schema: s.bare}
}

func (s *schemas) bareState(state tfsdk.State) tfsdk.State {
	return tfsdk.State{Raw: s.without(state.Raw), Schema: s.bare}
}

func (s *schemas) wholePlan(p tfsdk.Plan, impact tftypes.Value) tfsdk.Plan {
	return tfsdk.Plan{Raw: s.with(p.Raw, impact), Schema: s.whole}
}

func (s *schemas) wholeState(state tfsdk.State, impact tftypes.Value) tfsdk.State {
	return tfsdk.State{Raw: s.with(state.Raw, impact), Schema: s.whole}
}

// impactIn is the impact of an object with the whole schema.
func (s *schemas) impactIn(raw tftypes.Value) tftypes.Value {
	if attributes, ok := attributesOf(raw); ok {
		return attributes[impactName]
	}
	return s.none
}

// attributesOf returns the attributes of an object. Callers must copy the map before they change it.
func attributesOf(raw tftypes.Value) (attributes map[string]tftypes.Value, ok bool) {
	ok = raw.IsKnown() && !raw.IsNull() && raw.As(&attributes) == nil
	return attributes, ok
}

// impact computes the attribute for a change from state to plan, which have the bare schema. The plan may be the state after the
// change.
func (g *governed[M]) impact(ctx context.Context, state tfsdk.State, plan tfsdk.Plan, diags *diag.Diagnostics) tftypes.Value {
	schemas := g.schemas(ctx)
	var m M
	var before *M
	if !state.Raw.IsNull() {
		before = new(M)
		diags.Append(state.Get(ctx, before)...)
	}
	diags.Append(plan.Get(ctx, &m)...)
	var object types.Object
	if !diags.HasError() {
		var problems diag.Diagnostics
		object, problems = m.impact(ctx, before).value(g.control.reference())
		diags.Append(problems...)
	}
	value, err := object.ToTerraformValue(ctx)
	if diags.HasError() || err != nil {
		return schemas.none
	}
	return value
}

// withImpact adds the planned impact to the state after a change, as a record of what was approved. Values that were unknown in the
// plan are computed from the result.
func (g *governed[M]) withImpact(ctx context.Context, before, after tfsdk.State, planned tftypes.Value) tfsdk.State {
	schemas := g.schemas(ctx)
	if planned.IsFullyKnown() || after.Raw.IsNull() {
		return schemas.wholeState(after, planned)
	}
	var diags diag.Diagnostics
	now := g.impact(ctx, before, tfsdk.Plan(after), &diags)
	attributes, partly := attributesOf(planned)
	filled, ok := attributesOf(now)
	if partly && ok {
		filled = maps.Clone(filled)
		for name, value := range attributes {
			if value.IsFullyKnown() {
				filled[name] = value
			}
		}
		now = tftypes.NewValue(now.Type(), filled)
	}
	if !now.IsFullyKnown() {
		now = schemas.none
	}
	return schemas.wholeState(after, now)
}

// jsonValue converts a value for encoding/json. Unknown values become null.
func jsonValue(v tftypes.Value) any {
	var (
		text     string
		number   big.Float
		flag     bool
		elements []tftypes.Value
	)
	switch attributes, object := attributesOf(v); {
	case v.IsNull() || !v.IsKnown():
		return nil
	case object:
		fields := make(map[string]any)
		for name, attribute := range attributes {
			fields[name] = jsonValue(attribute)
		}
		return fields
	case v.As(&text) == nil:
		return text
	case v.As(&flag) == nil:
		return flag
	case v.As(&number) == nil:
		amount, _ := number.Float64()
		return amount
	case v.As(&elements) == nil:
		all := make([]any, len(elements))
		for i, element := range elements {
			all[i] = jsonValue(element)
		}
		return all
	}
	return nil
}

// outcome is the impact of a change of a store.
func outcome(o keyvalue.Outcome) impact {
	return impact{Method: o.Method, Data: o.Data, URLChanges: o.URLChanges, Interruption: o.Interruption, Irreversible: o.Irreversible}
}

// harmless is the impact of a change that affects no store's data or URL and restarts no app.
func harmless(method string) impact {
	return impact{Method: method, URLChanges: keyvalue.URLStays, Interruption: keyvalue.InterruptionNone, Restarts: stringSet(nil)}
}

// appsOf is the set of apps that a change restarts; unknown if one of them is.
func appsOf(apps ...types.String) types.Set {
	var names []string
	for _, app := range apps {
		if app.IsUnknown() {
			return types.SetUnknown(types.StringType)
		}
		if !app.IsNull() && !slices.Contains(names, app.ValueString()) {
			names = append(names, app.ValueString())
		}
	}
	return stringSet(names)
}

// The impact of a change of each resource. before is nil for a creation. The configuration of an existing object is fully known
// here, so an unknown value in its plan follows from the change.

// change is the planned and the prior value of an attribute, and the method by which a difference is applied.
type change struct {
	planned, before attr.Value
	method          string
}

// methodOf is the method of the first attribute that differs.
func methodOf(changes ...change) string {
	for _, c := range changes {
		if !c.planned.IsUnknown() && !c.planned.Equal(c.before) {
			return c.method
		}
	}
	return methodNothingSent
}

func (m instanceModel) impact(ctx context.Context, before *instanceModel) impact {
	if before == nil {
		created := harmless(methodCreate)
		created.Restarts, created.PriceBefore, created.PriceAfter = appsOf(m.AppID), types.Float64Value(0), m.MonthlyPrice
		if !m.Fork.IsNull() {
			created.Data = keyvalue.DataCopied
		}
		created.unknown = m.Fork.IsUnknown()
		return created
	}
	terms := m.terms(ctx)
	to := keyvalue.Impact(before.spec(), m.spec())
	i := outcome(to.Outcome(keyvalue.Terms{Empty: terms.recreates(), AppsHeld: terms.holds()}))
	i.PriceBefore, i.PriceAfter, i.Restarts = before.MonthlyPrice, m.MonthlyPrice, stringSet(nil)
	switch {
	case to.Method != keyvalue.NoChange:
		i.Restarts = before.appNames()
		if to.Method != keyvalue.InPlace && terms.retires() != replacement.RetireAlways {
			i.PriceAfter = sumOf(before.MonthlyPrice, m.MonthlyPrice)
		}
	case !before.ready():
		i.Method = methodResume
	default:
		i.Method = methodOf(
			change{m.AttachmentName, before.AttachmentName, methodAttach}, change{m.Name, before.Name, methodRename},
			change{m.Timeout, before.Timeout, methodSettings}, change{m.MaxmemoryPolicy, before.MaxmemoryPolicy, methodSettings},
			change{m.NotifyKeyspaceEvents, before.NotifyKeyspaceEvents, methodSettings},
			change{m.DeletionProtection, before.DeletionProtection, methodProtection})
	}
	if i.Method == methodAttach {
		i.Restarts, i.Interruption = appsOf(m.AppID), keyvalue.InterruptionBrief
	}
	return i
}

func sumOf(a, b types.Float64) types.Float64 {
	switch {
	case a.IsUnknown() || b.IsUnknown():
		return types.Float64Unknown()
	case a.IsNull() || b.IsNull():
		return types.Float64Null()
	}
	return types.Float64Value(a.ValueFloat64() + b.ValueFloat64())
}

// nameOrID is the name of an app for display, or its UUID if the name is not known.
func nameOrID(name, id types.String) types.String {
	if known(name) {
		return name
	}
	return id
}

func (m attachmentModel) app() types.String { return nameOrID(m.AppName, m.AppID) }

func (m attachmentModel) impact(_ context.Context, before *attachmentModel) impact {
	i := impact{
		Method: methodAttach, Data: keyvalue.DataKept, URLChanges: keyvalue.URLStays, Interruption: keyvalue.InterruptionBrief,
		Restarts: appsOf(m.app()),
	}
	if before == nil {
		i.Interruption = keyvalue.InterruptionNone
		return i
	}
	i.Method = methodOf(
		change{m.AppID, before.AppID, methodMove}, change{m.InstanceID, before.InstanceID, methodRepoint},
		change{m.Name, before.Name, methodRename})
	switch i.Method {
	case methodMove:
		i.Restarts = appsOf(m.app(), before.app())
	case methodRepoint:
		i.URLChanges = keyvalue.URLChangesNow
	case methodNothingSent:
		return harmless(methodNothingSent)
	}
	return i
}

func (m privateSpaceModel) impact(_ context.Context, before *privateSpaceModel) impact {
	i, price := harmless(methodCreate), priceOfSpace(m.Shield)
	i.PriceBefore, i.PriceAfter = types.Float64Value(0), price
	if before != nil {
		i.PriceBefore, i.Method = price, methodOf(
			change{m.Team, before.Team, methodTransfer}, change{m.Name, before.Name, methodRename},
			change{m.LogDrainURLVersion, before.LogDrainURLVersion, methodLogDrain},
			change{m.DeletionProtection, before.DeletionProtection, methodProtection})
	}
	return i
}

func priceOfSpace(shield types.Bool) types.Float64 {
	if shield.IsUnknown() {
		return types.Float64Unknown()
	}
	return types.Float64Value(float64(keyvalue.SpacePriceCents(shield.ValueBool())) / 100)
}

func (m trustedRangesModel) impact(_ context.Context, before *trustedRangesModel) impact {
	i := harmless(methodRanges)
	if m.Ranges.IsUnknown() {
		return impact{unknown: true}
	}
	after := m.sources()
	if before == nil || known(m.SpaceID) && !m.SpaceID.Equal(before.SpaceID) {
		i.Admits = stringSet(after)
		return i
	}
	now := before.sources()
	i.Admits, i.ShutsOut = stringSet(rangesNotIn(after, now)), stringSet(rangesNotIn(now, after))
	if len(i.Admits.Elements())+len(i.ShutsOut.Elements()) == 0 && m.Applied.Equal(before.Applied) {
		i.Method = methodNothingSent
	}
	return i
}

func (m trustedRangeModel) impact(_ context.Context, before *trustedRangeModel) impact {
	if m.Range.IsUnknown() || m.ClosesSpace.IsUnknown() {
		return impact{unknown: true}
	}
	if before == nil || known(m.SpaceID) && !m.SpaceID.Equal(before.SpaceID) {
		before = &trustedRangeModel{Applied: m.Applied}
	}
	i, edit := harmless(methodRanges), m.editOf(*before)
	i.Admits, i.ShutsOut = stringSet(edit.add), stringSet(edit.remove)
	if len(edit.add)+len(edit.remove) == 0 && m.Applied.Equal(before.Applied) {
		i.Method = methodNothingSent
	}
	return i
}

// rangesNotIn returns the ranges of a that are not in b. It compares them by value, not by spelling.
func rangesNotIn(a, b []string) []string {
	return slices.DeleteFunc(slices.Clone(a), func(one string) bool {
		return slices.ContainsFunc(b, func(other string) bool { return keyvalue.SameCIDR(one, other) })
	})
}

func (m appModel) impact(_ context.Context, before *appModel) impact {
	if before == nil {
		return harmless(methodCreate)
	}
	return harmless(methodOf(
		change{m.Team, before.Team, methodTransfer}, change{m.Name, before.Name, methodRename},
		change{m.Maintenance, before.Maintenance, methodMaintenance}))
}

func (m maintenanceWindowModel) impact(context.Context, *maintenanceWindowModel) impact {
	return harmless(methodWindow)
}

func (m spaceAppAccessModel) impact(context.Context, *spaceAppAccessModel) impact {
	return harmless(methodAccess)
}
