// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

// An attribute that is fixed when its object is created needs another object when it changes. The framework's
// RequiresReplace takes an unknown value for a changed one, and so destroys what a module's depends_on only makes unknown.
// ModifyPlan therefore plans a replacement for known values only, and an unknown one in place. Update compares it when it is
// known, and refuses with fixedAtCreation.

// fixedAtCreation is the error of an Update whose value became known only during apply, and turned out to be another one.
func fixedAtCreation(at path.Path, object string, from, to attr.Value) diag.Diagnostic {
	return diag.NewAttributeErrorDiagnostic(at, "The change needs another object", fmt.Sprintf(
		"%s has %s = %s, which is fixed when it is created. The new value was not known when this plan was made, and turned out to be %s. "+
			"Nothing has been changed. Apply again: the next plan shows what is replaced.", object, at, from, to))
}

// replacedID, in the private state that an instance was planned with, is its id, which the creation is told that replaces it
// because of a changed value, -replace or replace_triggered_by. A creation that is planned once more while it is applied is told nothing.
const replacedID = "replaced_id"

// tellSuccessor writes it.
func tellSuccessor(ctx context.Context, resp *resource.ModifyPlanResponse, id types.String) {
	resp.Diagnostics.Append(resp.Private.SetKey(ctx, replacedID, quoted(id.ValueString()))...)
}

// predecessor is what a creation replaces, empty for one that replaces nothing.
func predecessor(ctx context.Context, req resource.ModifyPlanRequest) string {
	if !req.State.Raw.IsNull() {
		return ""
	}
	id, _ := req.Private.GetKey(ctx, replacedID)
	return privateText(id)
}

// quoted is a text for the private state, which is JSON.
func quoted(text string) []byte { return []byte(strconv.Quote(text)) }

// privateText reads it. What cannot be read was written by nobody.
func privateText(json []byte) string {
	text, _ := strconv.Unquote(string(json))
	return text
}

// refuseOutdated is the error of an Update whose object is not any more what the plan was made from: what was changed since then
// would be undone, or become part of a state that no plan has shown. What is now as it is planned is no difference.
func refuseOutdated(object string, values ...liveValue) diag.Diagnostics {
	var differs []string
	for _, v := range values {
		if !v.now.Equal(v.then) && (v.planned.IsUnknown() || !v.now.Equal(v.planned)) {
			differs = append(differs, fmt.Sprintf("%s is %s now, and was %s", v.attribute, v.now, v.then))
		}
	}
	if len(differs) == 0 {
		return nil
	}
	return diag.Diagnostics{diag.NewErrorDiagnostic("The object has changed since the plan was made", fmt.Sprintf(
		"%s is not any more what this plan was made for:\n\n%s\n\nNothing has been changed. Plan again, and not with "+
			"-refresh=false, to see what that means.",
		object, bullets(differs)))}
}

// liveValue is an attribute as the plan was made, as it is planned, and as Heroku has it.
type liveValue struct {
	attribute          string
	then, planned, now attr.Value
}

// fixedChange is a value that is known to differ from what its object was created with.
type fixedChange struct {
	attribute string
	from, to  attr.Value
}

// knownChanges leaves out what is not known yet, is left out of the configuration, or means the same.
func knownChanges(changes ...fixedChange) (known []fixedChange) {
	for _, c := range changes {
		if !c.to.IsUnknown() && !c.to.IsNull() && !means(c.from, c.to) {
			known = append(known, c)
		}
	}
	return known
}

func means(a, b attr.Value) bool {
	switch text := a.(type) {
	case regionName:
		other, ok := b.(regionName)
		return ok && text.equivalent(other)
	case generationName:
		other, ok := b.(generationName)
		return ok && text.equivalent(other)
	}
	return a.Equal(b)
}

// planReplacement plans another object for what is known to differ. While a plan is applied it is planned once more, with
// the values that have become known since, and Terraform takes a replacement in place of an update for a bug of the provider:
// so that is refused here. Terraform alone says that it applies, by allowing deferral; an apply reads no object of the state.
// OpenTofu does not say it, and refuses the apply itself.
func (r *run) planReplacement(
	req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse, o object, label string, changes []fixedChange,
) (said diag.Diagnostics) {
	for _, c := range changes {
		at, read := path.Root(c.attribute), r.isRefreshed(o)
		if req.ClientCapabilities.DeferralAllowed && !read {
			said.Append(fixedAtCreation(at, label, c.from, c.to))
			continue
		}
		resp.RequiresReplace.Append(at)
		if !read {
			said.AddAttributeWarning(at, "The object is replaced as it was last read", fmt.Sprintf(
				"%s = %s is fixed when the object is created, and is to be %s. If OpenTofu says while it applies that "+
					"the final plan is inconsistent, "+
					"the new value was not known before. Nothing has been changed then: apply again, and the next "+
					"plan shows what is replaced.",
				at, c.from, c.to))
		}
	}
	return said
}

// nameBeside is the attribute for the name of what the attribute id names by its UUID, so that a plan is read without a
// look-up. The name comes with answers that are read anyway. A rename elsewhere reaches the state with the next read.
func nameBeside(id, description string) schema.StringAttribute {
	return schema.StringAttribute{
		Computed:      true,
		PlanModifiers: []planmodifier.String{keepsNameWith{path.Root(id)}},
		MarkdownDescription: description + ", as of the last refresh. No plan has a change because of it: " +
			"it is known only after apply where `" + id + "` changes, and otherwise stays.",
	}
}

// plannedName is such a name after a change: what was planned, or else what is found.
func plannedName(planned, found types.String) types.String {
	if planned.IsUnknown() {
		return found
	}
	return planned
}

// keepsNameWith plans the name of the state as long as the UUID stays.
type keepsNameWith struct{ id path.Path }

func (k keepsNameWith) Description(context.Context) string {
	return "The name stays as long as " + k.id.String() + " does."
}

func (k keepsNameWith) MarkdownDescription(ctx context.Context) string { return k.Description(ctx) }

func (k keepsNameWith) PlanModifyString(
	ctx context.Context, req planmodifier.StringRequest, resp *planmodifier.StringResponse,
) {
	if req.State.Raw.IsNull() || !req.PlanValue.IsUnknown() {
		return
	}
	var before, planned types.String
	resp.Diagnostics.Append(req.State.GetAttribute(ctx, k.id, &before)...)
	resp.Diagnostics.Append(req.Plan.GetAttribute(ctx, k.id, &planned)...)
	if planned.Equal(before) {
		resp.PlanValue = req.StateValue
	}
}

// Terraform shows one of several warnings that have the same summary, and of the others no more than their number. What it
// shows is what a plan is approved by, so that every warning gets the name of the object that it is about. No other place
// puts names into summaries.

// naming is a server that adds those names.
type naming struct {
	server
	*names
}

type names struct {
	mu     sync.Mutex
	served *tfprotov6.GetProviderSchemaResponse // read when the first warning is said
	said   map[string][]string                  // details, by summaries
}

func withNames(s tfprotov6.ProviderServer) tfprotov6.ProviderServer {
	whole, served := s.(server)
	if !served {
		return s
	}
	return naming{whole, &names{said: map[string][]string{}}}
}

// ConfigureProvider begins a plan or an apply.
func (n naming) ConfigureProvider(ctx context.Context, req *tfprotov6.ConfigureProviderRequest) (*tfprotov6.ConfigureProviderResponse, error) {
	n.mu.Lock()
	clear(n.said)
	n.mu.Unlock()
	return n.server.ConfigureProvider(ctx, req)
}

func (n naming) ValidateResourceConfig(ctx context.Context, req *tfprotov6.ValidateResourceConfigRequest) (*tfprotov6.ValidateResourceConfigResponse, error) {
	resp, err := n.server.ValidateResourceConfig(ctx, req)
	if resp != nil {
		n.name(ctx, resp.Diagnostics, resourceSchema(req.TypeName), req.Config)
	}
	return resp, err
}

func (n naming) ReadResource(ctx context.Context, req *tfprotov6.ReadResourceRequest) (*tfprotov6.ReadResourceResponse, error) {
	resp, err := n.server.ReadResource(ctx, req)
	if resp != nil {
		n.name(ctx, resp.Diagnostics, resourceSchema(req.TypeName), req.CurrentState)
	}
	return resp, err
}

func (n naming) PlanResourceChange(ctx context.Context, req *tfprotov6.PlanResourceChangeRequest) (*tfprotov6.PlanResourceChangeResponse, error) {
	resp, err := n.server.PlanResourceChange(ctx, req)
	if resp != nil {
		n.name(ctx, resp.Diagnostics, resourceSchema(req.TypeName), req.PriorState, req.ProposedNewState)
	}
	return resp, err
}

func (n naming) ApplyResourceChange(ctx context.Context, req *tfprotov6.ApplyResourceChangeRequest) (*tfprotov6.ApplyResourceChangeResponse, error) {
	resp, err := n.server.ApplyResourceChange(ctx, req)
	if resp != nil {
		n.name(ctx, resp.Diagnostics, resourceSchema(req.TypeName), req.PriorState, resp.NewState, req.PlannedState)
	}
	return resp, err
}

func (n naming) ReadDataSource(ctx context.Context, req *tfprotov6.ReadDataSourceRequest) (*tfprotov6.ReadDataSourceResponse, error) {
	resp, err := n.server.ReadDataSource(ctx, req)
	if resp != nil {
		n.name(ctx, resp.Diagnostics, func(all *tfprotov6.GetProviderSchemaResponse) *tfprotov6.Schema {
			return all.DataSourceSchemas[req.TypeName]
		}, req.Config)
	}
	return resp, err
}

func (n naming) OpenEphemeralResource(ctx context.Context, req *tfprotov6.OpenEphemeralResourceRequest) (*tfprotov6.OpenEphemeralResourceResponse, error) {
	resp, err := n.server.OpenEphemeralResource(ctx, req)
	if resp != nil {
		n.name(ctx, resp.Diagnostics, func(all *tfprotov6.GetProviderSchemaResponse) *tfprotov6.Schema {
			return all.EphemeralResourceSchemas[req.TypeName]
		}, req.Config)
	}
	return resp, err
}

func (n naming) RenewEphemeralResource(ctx context.Context, req *tfprotov6.RenewEphemeralResourceRequest) (*tfprotov6.RenewEphemeralResourceResponse, error) {
	resp, err := n.server.RenewEphemeralResource(ctx, req)
	if resp != nil { // which is not told the configuration
		n.name(ctx, resp.Diagnostics, resourceSchema(""))
	}
	return resp, err
}

func (n naming) PlanAction(ctx context.Context, req *tfprotov6.PlanActionRequest) (*tfprotov6.PlanActionResponse, error) {
	resp, err := n.server.PlanAction(ctx, req)
	if resp != nil {
		n.name(ctx, resp.Diagnostics, actionSchema(req.ActionType), req.Config)
	}
	return resp, err
}

func (n naming) InvokeAction(ctx context.Context, req *tfprotov6.InvokeActionRequest) (*tfprotov6.InvokeActionServerStream, error) {
	resp, err := n.server.InvokeAction(ctx, req)
	if resp == nil || resp.Events == nil {
		return resp, err
	}
	return &tfprotov6.InvokeActionServerStream{Events: func(yield func(tfprotov6.InvokeActionEvent) bool) {
		for event := range resp.Events {
			if completed, is := event.Type.(tfprotov6.CompletedInvokeActionEventType); is {
				n.name(ctx, completed.Diagnostics, actionSchema(req.ActionType), req.Config)
			}
			if !yield(event) {
				return
			}
		}
	}}, err
}

// schemaOf finds the schema of what is spoken of, nil when there is none.
type schemaOf func(*tfprotov6.GetProviderSchemaResponse) *tfprotov6.Schema

func resourceSchema(resourceType string) schemaOf {
	return func(all *tfprotov6.GetProviderSchemaResponse) *tfprotov6.Schema {
		return all.ResourceSchemas[resourceType]
	}
}

func actionSchema(actionType string) schemaOf {
	return func(all *tfprotov6.GetProviderSchemaResponse) *tfprotov6.Schema {
		if action := all.ActionSchemas[actionType]; action != nil {
			return action.Schema
		}
		return nil
	}
}

// name adds the name that the first of the values has to the summaries of warnings. An object that is to be created may have
// none yet, and one object may be warned of twice: a number tells apart what a name does not.
func (n naming) name(ctx context.Context, said []*tfprotov6.Diagnostic, of schemaOf, values ...*tfprotov6.DynamicValue) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, d := range said {
		if d.Severity != tfprotov6.DiagnosticSeverityWarning {
			continue
		}
		if name := n.nameIn(ctx, of, values); name != "" {
			d.Summary += ": " + name
		}
		details := n.said[d.Summary]
		at := slices.Index(details, d.Detail)
		if at < 0 {
			at, n.said[d.Summary] = len(details), append(details, d.Detail)
		}
		if at > 0 {
			d.Summary += fmt.Sprintf(" (%d)", at+1)
		}
	}
}

// exists is false for an object that is null, which MessagePack writes as a single byte.
func exists(v *tfprotov6.DynamicValue) bool { return v != nil && len(v.MsgPack) > 1 }

// identifying are the attributes by which people know an object, the best ones first. What belongs together is in one text.
var identifying = [][]string{{"name"}, {"email"}, {"type", "app_id"}, {"instance_id"}, {"attachment_id"}, {"range"}, {"space_id"}, {"app_id"}}

// identifyingAttachments are those of what is known by its name and its app, neither of which is enough.
var identifyingAttachments = [][]string{{"name", "app_id"}, {"app_id"}}

func (n naming) nameIn(ctx context.Context, of schemaOf, values []*tfprotov6.DynamicValue) string {
	if n.served == nil {
		served, err := n.GetProviderSchema(ctx, &tfprotov6.GetProviderSchemaRequest{})
		if err != nil {
			return ""
		}
		n.served = served
	}
	schema := of(n.served)
	if schema == nil {
		return ""
	}
	wanted := identifying
	if schema == n.served.ResourceSchemas["kvs_attachment"] {
		wanted = identifyingAttachments
	}
	var objects []map[string]tftypes.Value
	for _, value := range values {
		var attributes map[string]tftypes.Value
		if !exists(value) {
			continue
		}
		if object, err := value.Unmarshal(schema.ValueType()); err == nil && object.As(&attributes) == nil {
			objects = append(objects, attributes)
		}
	}
	for _, together := range wanted {
		for _, attributes := range objects {
			if parts := texts(attributes, together); len(parts) == len(together) {
				return strings.Join(parts, " of app ")
			}
		}
	}
	return ""
}

// texts are the values of those attributes that are known and not empty.
func texts(attributes map[string]tftypes.Value, names []string) (all []string) {
	for _, name := range names {
		var text string
		v, has := attributes[name]
		if has && v.Type().Is(tftypes.String) && v.IsKnown() && !v.IsNull() && v.As(&text) == nil && text != "" {
			all = append(all, text)
		}
	}
	return all
}
