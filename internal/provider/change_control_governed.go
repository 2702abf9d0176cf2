// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"

	"github.com/hashicorp/terraform-plugin-framework/action"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/changecontrol"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/keyvalue"
)

// Every resource and action is wrapped in governed or governedAction, so none can bypass change control. The wrappers check a
// change before its first request, and put it into the context of all its requests, for the record of changes.

// subject describes an object to change control, as it is or as it is planned to be.
type subject struct {
	object   changecontrol.Object
	networks []changecontrol.Network
}

// governable is the model of a resource. What subject cannot find out is left empty and counts as unknown.
type governable[M any] interface {
	subject(ctx context.Context, c *connection) subject
	impact(ctx context.Context, before *M) impact
}

type managed interface {
	resource.ResourceWithConfigure
	resource.ResourceWithIdentity
	resource.ResourceWithImportState
	resource.ResourceWithModifyPlan
	resource.ResourceWithMoveState
}

// governed wraps a resource with change control and the attribute impact: see impact.go.
type governed[M governable[M]] struct {
	managed
	connection
	schemas func(context.Context) *schemas
}

func govern[M governable[M]](construct func() resource.Resource) func() resource.Resource {
	var (
		once  sync.Once
		built *schemas
	)
	schemas := func(ctx context.Context) *schemas {
		once.Do(func() { built = schemasOf(ctx, construct()) })
		return built
	}
	return func() resource.Resource {
		r, ok := construct().(managed)
		if !ok {
			panic("the resource does not implement every interface of managed")
		}
		return &governed[M]{managed: r, schemas: schemas}
	}
}

func (g *governed[M]) Schema(ctx context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	resp.Schema = g.schemas(ctx).whole
}

func (g *governed[M]) Configure(ctx context.Context, req resource.ConfigureRequest, resp *resource.ConfigureResponse) {
	g.configure(req.ProviderData, &resp.Diagnostics)
	g.managed.Configure(ctx, req, resp)
}

func (g *governed[M]) ValidateConfig(ctx context.Context, req resource.ValidateConfigRequest, resp *resource.ValidateConfigResponse) {
	if r, ok := g.managed.(resource.ResourceWithValidateConfig); ok {
		req.Config = g.schemas(ctx).bareConfig(req.Config)
		r.ValidateConfig(ctx, req, resp)
	}
}

// plannedReference is a key of the private state of a planned destroy: the reference under which it was planned. Other plans
// cannot store it, because Terraform plans them again during the apply and discards the private state of the first plan.
const plannedReference = "planned_reference"

// ModifyPlan plans impact and checks the planned change. A plan without changes is not refused.
func (g *governed[M]) ModifyPlan(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	if resp.Diagnostics.Append(refuseUnread(ctx, req.Private)...); resp.Diagnostics.HasError() {
		return
	}
	schemas, before := g.schemas(ctx), req.State
	kept := schemas.impactIn(before.Raw)
	req.Config, req.State, req.Plan = schemas.bareConfig(req.Config), schemas.bareState(req.State), schemas.barePlan(req.Plan)
	resp.Plan = req.Plan // as the framework does
	g.managed.ModifyPlan(ctx, req, resp)
	planned := resp.Plan
	if planned.Raw.Equal(req.State.Raw) {
		resp.Plan = tfsdk.Plan(before)
		return
	}
	defer func() { resp.Plan = schemas.wholePlan(planned, kept) }()
	switch {
	case resp.Diagnostics.HasError():
		return
	case planned.Raw.IsNull():
	case !req.State.Raw.IsNull() && !req.Config.Raw.IsFullyKnown(): // the change may turn out to be none
		kept = tftypes.NewValue(kept.Type(), tftypes.UnknownValue)
	default:
		kept = g.impact(ctx, req.State, planned, &resp.Diagnostics)
	}
	if g.control.Control == nil || resp.Diagnostics.HasError() {
		return
	}
	change := changeOf[M](ctx, &g.connection, req.State, planned, &resp.Diagnostics)
	resp.Diagnostics.Append(g.judgeChange(change, changecontrol.Planning)...)
	if planned.Raw.IsNull() && g.control.planned != nil {
		if text, err := json.Marshal(*g.control.planned); err == nil {
			resp.Diagnostics.Append(resp.Private.SetKey(ctx, plannedReference, text)...)
		}
	}
}

func (g *governed[M]) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	schemas := g.schemas(ctx)
	planned := schemas.impactIn(req.Plan.Raw)
	req.Config, req.Plan, resp.State = schemas.bareConfig(req.Config), schemas.barePlan(req.Plan), schemas.bareState(resp.State)
	ctx, permitted := g.begin(ctx, tfsdk.State{}, req.Plan, nil, planned, &resp.Diagnostics)
	if permitted {
		g.managed.Create(ctx, req, resp)
		resp.Diagnostics.Append(g.recordWarning(ctx)...)
	}
	resp.State = g.withImpact(ctx, tfsdk.State{}, resp.State, planned)
}

func (g *governed[M]) Read(ctx context.Context, req resource.ReadRequest, resp *resource.ReadResponse) {
	schemas := g.schemas(ctx)
	kept := schemas.impactIn(req.State.Raw)
	req.State = schemas.bareState(req.State)
	resp.State = req.State // as the framework does
	g.managed.Read(ctx, req, resp)
	resp.State = schemas.wholeState(resp.State, kept)
	if unread, _ := req.Private.GetKey(ctx, movedUnread); len(unread) > 0 && !resp.Diagnostics.HasError() {
		resp.Diagnostics.Append(resp.Private.SetKey(ctx, movedUnread, nil)...)
	}
}

func (g *governed[M]) Update(ctx context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	schemas := g.schemas(ctx)
	kept, planned := schemas.impactIn(req.State.Raw), schemas.impactIn(req.Plan.Raw)
	req.Config, req.Plan, req.State = schemas.bareConfig(req.Config), schemas.barePlan(req.Plan), schemas.bareState(req.State)
	resp.State = req.State
	ctx, permitted := g.begin(ctx, req.State, req.Plan, nil, planned, &resp.Diagnostics)
	if permitted {
		g.managed.Update(ctx, req, resp)
		resp.Diagnostics.Append(g.recordWarning(ctx)...)
	}
	if resp.Diagnostics.HasError() && resp.State.Raw.Equal(req.State.Raw) {
		resp.State = schemas.wholeState(resp.State, kept)
		return
	}
	resp.State = g.withImpact(ctx, req.State, resp.State, planned)
}

func (g *governed[M]) Delete(ctx context.Context, req resource.DeleteRequest, resp *resource.DeleteResponse) {
	schemas := g.schemas(ctx)
	reference, diags := req.Private.GetKey(ctx, plannedReference)
	resp.Diagnostics.Append(diags...)
	planned := new(string)
	if json.Unmarshal(reference, planned) != nil {
		planned = nil // planned without a reference, or with one of the environment
	}
	kept := schemas.impactIn(req.State.Raw)
	req.State = schemas.bareState(req.State)
	resp.State = req.State
	ctx, permitted := g.begin(ctx, req.State, tfsdk.Plan{}, planned, schemas.none, &resp.Diagnostics)
	if permitted {
		g.managed.Delete(ctx, req, resp)
		resp.Diagnostics.Append(g.recordWarning(ctx)...)
	}
	resp.State = schemas.wholeState(resp.State, kept)
}

func (g *governed[M]) ImportState(ctx context.Context, req resource.ImportStateRequest, resp *resource.ImportStateResponse) {
	schemas := g.schemas(ctx)
	resp.State = schemas.bareState(resp.State)
	g.managed.ImportState(ctx, req, resp)
	resp.State = schemas.wholeState(resp.State, schemas.none)
}

func (g *governed[M]) MoveState(ctx context.Context) []resource.StateMover {
	schemas, movers := g.schemas(ctx), g.managed.MoveState(ctx)
	for i, mover := range movers {
		movers[i].StateMover = func(ctx context.Context, req resource.MoveStateRequest, resp *resource.MoveStateResponse) {
			resp.TargetState = schemas.bareState(resp.TargetState)
			mover.StateMover(ctx, req, resp)
			resp.TargetState = schemas.wholeState(resp.TargetState, schemas.none)
		}
	}
	return movers
}

// begin checks a change before its first request, and returns the context for its requests. impact is the planned attribute.
func (g *governed[M]) begin(
	ctx context.Context, state tfsdk.State, plan tfsdk.Plan, planned *string, impact tftypes.Value, diags *diag.Diagnostics,
) (context.Context, bool) {
	if g.control.Control == nil {
		return ctx, true
	}
	defer recoverPanic(diags, "Judging a change", nil)
	change := changeOf[M](ctx, &g.connection, state, plan, diags)
	change.Planned = planned
	diags.Append(g.judgeChange(change, changecontrol.Applying)...)
	return changecontrol.WithChange(ctx, change, jsonValue(impact)), !diags.HasError()
}

// changeOf describes a change to change control: the object, and its networks before and after the change.
func changeOf[M governable[M]](
	ctx context.Context, c *connection, state tfsdk.State, plan tfsdk.Plan, diags *diag.Diagnostics,
) changecontrol.Change {
	var change changecontrol.Change
	add := func(raw tftypes.Value, get func(context.Context, any) diag.Diagnostics) {
		var m M
		if raw.IsNull() {
			return
		}
		if diags.Append(get(ctx, &m)...); diags.HasError() {
			return
		}
		s := m.subject(ctx, c)
		if change.Object == (changecontrol.Object{}) {
			change.Object = s.object
		}
		change.Networks = append(change.Networks, s.networks...)
	}
	add(state.Raw, func(ctx context.Context, m any) diag.Diagnostics { return state.Get(ctx, m) })
	add(plan.Raw, func(ctx context.Context, m any) diag.Diagnostics { return plan.Get(ctx, m) })
	return change
}

// judgeChange returns the reasons why a change is not permitted, as errors. The time is that of Heroku's clock.
func (c *connection) judgeChange(change changecontrol.Change, phase changecontrol.Phase) (diags diag.Diagnostics) {
	for _, refusal := range c.control.Judge(change, phase, c.client.HostTime()) {
		detail := fmt.Sprintf("%s: %s\n\n%s Nothing was changed.", refusal.Object, refusal.Reason, refusal.Remedy)
		switch refusal.Rule {
		case changecontrol.NoReference:
			diags.AddError("A governed change needs a change reference", detail)
		case changecontrol.InvalidReference:
			diags.AddError("The change reference is not valid", detail)
		case changecontrol.OtherReference:
			diags.AddError("The plan was made under another change reference", detail)
		case changecontrol.InFreeze:
			diags.AddError("Changes are frozen", detail)
		}
	}
	return diags
}

// recordWarning warns that answers are missing in the record of changes. An error would taint a created object, and the next
// apply would destroy it.
func (c *connection) recordWarning(ctx context.Context) (diags diag.Diagnostics) {
	if c.control.Control == nil {
		return nil
	}
	if err := c.control.Unwritten(ctx); err != nil {
		diags.AddWarning("The change record lacks answers", capitalize(err.Error())+
			"\n\nThe provider records these answers before it sends the next write of this run. Keep this message with the record.")
	}
	return diags
}

// governedAction wraps an action with change control. attribute is the one with the UUID of the object that it works on.
type governedAction struct {
	action.ActionWithConfigure
	connection
	attribute string
}

func governAction(construct func() action.Action, attribute string) func() action.Action {
	return func() action.Action {
		a, ok := construct().(action.ActionWithConfigure)
		if !ok {
			panic("the action does not implement ActionWithConfigure")
		}
		return &governedAction{ActionWithConfigure: a, attribute: attribute}
	}
}

func (g *governedAction) Configure(ctx context.Context, req action.ConfigureRequest, resp *action.ConfigureResponse) {
	g.configure(req.ProviderData, &resp.Diagnostics)
	g.ActionWithConfigure.Configure(ctx, req, resp)
}

func (g *governedAction) ValidateConfig(ctx context.Context, req action.ValidateConfigRequest, resp *action.ValidateConfigResponse) {
	if a, ok := g.ActionWithConfigure.(action.ActionWithValidateConfig); ok {
		a.ValidateConfig(ctx, req, resp)
	}
}

// ModifyPlan checks an action as soon as it is planned.
func (g *governedAction) ModifyPlan(ctx context.Context, req action.ModifyPlanRequest, resp *action.ModifyPlanResponse) {
	if g.control.Control != nil {
		change := g.change(ctx, req.Config, &resp.Diagnostics)
		resp.Diagnostics.Append(g.judgeChange(change, changecontrol.Planning)...)
	}
	if a, ok := g.ActionWithConfigure.(action.ActionWithModifyPlan); ok && !resp.Diagnostics.HasError() {
		a.ModifyPlan(ctx, req, resp)
	}
}

func (g *governedAction) Invoke(ctx context.Context, req action.InvokeRequest, resp *action.InvokeResponse) {
	defer recoverPanic(&resp.Diagnostics, "Judging an action", nil)
	if g.control.Control == nil {
		g.ActionWithConfigure.Invoke(ctx, req, resp)
		return
	}
	change := g.change(ctx, req.Config, &resp.Diagnostics)
	if resp.Diagnostics.Append(g.judgeChange(change, changecontrol.Applying)...); resp.Diagnostics.HasError() {
		return
	}
	ctx = changecontrol.WithChange(ctx, change, nil)
	g.ActionWithConfigure.Invoke(ctx, req, resp)
	resp.Diagnostics.Append(g.recordWarning(ctx)...)
}

func (g *governedAction) change(ctx context.Context, config tfsdk.Config, diags *diag.Diagnostics) changecontrol.Change {
	var id types.String
	diags.Append(config.GetAttribute(ctx, path.Root(g.attribute), &id)...)
	s := g.storeSubject(ctx, "kvs_instance", id)
	if g.attribute == "app_id" {
		s = g.appSubject(ctx, id)
	}
	return changecontrol.Change{Object: s.object, Networks: s.networks}
}

// The methods below find out the network of an object. Their reads are shared. A failed read does not fail the check: the
// network counts as unknown.

func networkOf(shield bool) changecontrol.Network {
	if shield {
		return changecontrol.NetworkShield
	}
	return changecontrol.NetworkPrivate
}

// planNetwork is the network that a plan is made for.
func planNetwork(plan string) changecontrol.Network {
	name, err := keyvalue.ParsePlanName(plan)
	if err != nil {
		return changecontrol.NetworkUnknown
	}
	switch class, _ := name.Class(); class {
	case keyvalue.ClassCommon:
		return changecontrol.NetworkCommon
	case keyvalue.ClassPrivate:
		return changecontrol.NetworkPrivate
	case keyvalue.ClassShield:
		return changecontrol.NetworkShield
	}
	return changecontrol.NetworkUnknown
}

func (c *connection) spaceSubject(ctx context.Context, kind string, id types.String) subject {
	s := subject{changecontrol.Object{Kind: kind, ID: id.ValueString()}, []changecontrol.Network{changecontrol.NetworkUnknown}}
	if !known(id) {
		return s
	}
	if space, err := c.client.Space(ctx, heroku.SpaceID(id.ValueString())); err == nil {
		s.object.Name, s.object.Space, s.networks[0] = space.Name, space.Name, networkOf(space.Shield)
	}
	return s
}

func (c *connection) appSubject(ctx context.Context, id types.String) subject {
	s := subject{changecontrol.Object{Kind: appType, ID: id.ValueString()}, []changecontrol.Network{changecontrol.NetworkUnknown}}
	if !known(id) {
		return s
	}
	app, err := c.client.App(ctx, heroku.AppID(id.ValueString()))
	if err != nil {
		return s
	}
	s.object.Name, s.object.App, s.networks[0] = app.Name, app.Name, changecontrol.NetworkCommon
	if app.Space != nil {
		s.object.Space, s.networks[0] = app.Space.Name, networkOf(app.Space.Shield)
	}
	return s
}

func (c *connection) storeSubject(ctx context.Context, kind string, id types.String) subject {
	s := subject{changecontrol.Object{Kind: kind, ID: id.ValueString()}, []changecontrol.Network{changecontrol.NetworkUnknown}}
	if !known(id) {
		return s
	}
	addOn, err := c.client.AddOn(ctx, heroku.AddOnID(id.ValueString()))
	if err != nil {
		return s
	}
	app := c.appSubject(ctx, types.StringValue(string(addOn.AppID)))
	s.object.Name, s.object.App, s.object.Space = addOn.Name, addOn.AppName, app.object.Space
	s.networks = append(app.networks, planNetwork(addOn.Plan))
	return s
}

func (m privateSpaceModel) subject(context.Context, *connection) subject {
	name := m.Name.ValueString()
	s := subject{object: changecontrol.Object{Kind: spaceType, ID: m.ID.ValueString(), Name: name, Space: name}}
	if !m.Shield.IsUnknown() {
		s.networks = append(s.networks, networkOf(m.Shield.ValueBool()))
	}
	return s
}

func (m appModel) subject(ctx context.Context, c *connection) subject {
	name := m.Name.ValueString()
	s := subject{
		changecontrol.Object{Kind: appType, ID: m.ID.ValueString(), Name: name, App: name},
		[]changecontrol.Network{changecontrol.NetworkCommon},
	}
	if !m.SpaceID.IsNull() {
		space := c.spaceSubject(ctx, spaceType, m.SpaceID)
		s.object.Space, s.networks = space.object.Space, space.networks
	}
	return s
}

func (m instanceModel) subject(ctx context.Context, c *connection) subject {
	app := c.appSubject(ctx, m.AppID)
	return subject{
		changecontrol.Object{
			Kind: "kvs_instance", ID: m.ID.ValueString(), Name: m.Name.ValueString(), App: app.object.App, Space: app.object.Space,
		},
		append(app.networks, planNetwork(m.Plan.ValueString())),
	}
}

func (m attachmentModel) subject(ctx context.Context, c *connection) subject {
	app := c.appSubject(ctx, m.AppID)
	store := c.storeSubject(ctx, "kvs_instance", m.InstanceID)
	return subject{
		changecontrol.Object{
			Kind: "kvs_attachment", ID: m.ID.ValueString(), Name: m.Name.ValueString(), App: app.object.App, Space: app.object.Space,
		},
		append(app.networks, store.networks...),
	}
}

func (m maintenanceWindowModel) subject(ctx context.Context, c *connection) subject {
	return c.storeSubject(ctx, "kvs_maintenance_window", m.InstanceID)
}

func (m trustedRangesModel) subject(ctx context.Context, c *connection) subject {
	return c.spaceSubject(ctx, "kvs_trusted_ip_ranges", m.SpaceID)
}

func (m spaceAppAccessModel) subject(ctx context.Context, c *connection) subject {
	s := c.spaceSubject(ctx, spaceAppAccessType, m.SpaceID)
	s.object.ID, s.object.Name = m.ID.ValueString(), m.Email.ValueString()
	return s
}

func (m formationModel) subject(ctx context.Context, c *connection) subject {
	s := c.appSubject(ctx, m.AppID)
	s.object.Kind, s.object.ID, s.object.Name = formationType, m.ID.ValueString(), m.Type.ValueString()
	return s
}

func (m trustedRangeModel) subject(ctx context.Context, c *connection) subject {
	return c.spaceSubject(ctx, rangeType, m.SpaceID)
}
