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

// Changing an attribute that Heroku fixes at creation needs another object. The framework's RequiresReplace treats an unknown value
// as a change, and so would destroy an object whose value is unknown only because of a module's depends_on. ModifyPlan therefore
// plans a replacement for known values only, and an unknown value in place. Update compares the value once it is known, and refuses
// a change with fixedAtCreation.

// fixedAtCreation is the error of an Update whose value became known only during the apply, and differs.
func fixedAtCreation(at path.Path, object string, from, to attr.Value) diag.Diagnostic {
	return diag.NewAttributeErrorDiagnostic(at, "The change needs another object", fmt.Sprintf(
		"%s has %s = %s, which is fixed when it is created. The new value was not known when this plan was made, and turned out to be %s. "+
			"Nothing has been changed. Apply again: the next plan shows what is replaced.", object, at, from, to))
}

// replacedID is a key in the private state of a planned instance, with its id. If the instance is replaced, because of a changed
// value, -replace or replace_triggered_by, Terraform passes the private state to the plan of the creation, but not when it plans
// the creation again during the apply.
const replacedID = "replaced_id"

// setReplacedID writes replacedID.
func setReplacedID(ctx context.Context, resp *resource.ModifyPlanResponse, id types.String) {
	resp.Diagnostics.Append(resp.Private.SetKey(ctx, replacedID, privateString(id.ValueString()))...)
}

// predecessor returns the id of the object that a creation replaces, empty if it replaces nothing.
func predecessor(ctx context.Context, req resource.ModifyPlanRequest) string {
	if !req.State.Raw.IsNull() {
		return ""
	}
	id, _ := req.Private.GetKey(ctx, replacedID)
	return parsePrivateString(id)
}

// privateString encodes a string for the private state, whose values are JSON.
func privateString(text string) []byte { return []byte(strconv.Quote(text)) }

// parsePrivateString decodes privateString. It returns an empty string for anything else, such as a missing key.
func parsePrivateString(json []byte) string {
	text, _ := strconv.Unquote(string(json))
	return text
}

// refuseOutdated is the error of an Update whose object has changed since the plan was made: the apply would undo that change, or
// write a state that no plan has shown. A value that already is as planned is no difference.
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
		"%s has changed since this plan was made:\n\n%s\n\nNothing has been changed. Plan again, and not with -refresh=false, to see what "+
			"that means.",
		object, bullets(differs)))}
}

// liveValue is an attribute when the plan was made, after the plan, and at Heroku now.
type liveValue struct {
	attribute          string
	then, planned, now attr.Value
}

// fixedChange is the old and the new value of an attribute that is fixed at creation.
type fixedChange struct {
	attribute string
	from, to  attr.Value
}

// knownChanges returns the changes to a known value that is configured and means something else.
func knownChanges(changes ...fixedChange) (known []fixedChange) {
	for _, c := range changes {
		if !c.to.IsUnknown() && !c.to.IsNull() && !sameMeaning(c.from, c.to) {
			known = append(known, c)
		}
	}
	return known
}

func sameMeaning(a, b attr.Value) bool {
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

// planReplacement plans another object because of changes. During an apply, ModifyPlan is called again with the values that have
// become known, and Terraform calls it a bug of the provider if an update becomes a replacement, so planReplacement refuses that.
// It recognizes an apply of Terraform by deferral being allowed and the object not having been read. OpenTofu never allows
// deferral, and refuses the apply itself.
func (r *run) planReplacement(
	req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse, o object, label string, changes []fixedChange,
) (diags diag.Diagnostics) {
	for _, c := range changes {
		at, read := path.Root(c.attribute), r.isRefreshed(o)
		if req.ClientCapabilities.DeferralAllowed && !read {
			diags.Append(fixedAtCreation(at, label, c.from, c.to))
			continue
		}
		resp.RequiresReplace.Append(at)
		if !read {
			diags.AddAttributeWarning(at, "The object is replaced as it was last read", fmt.Sprintf(
				"%s = %s is fixed when the object is created, and is to be %s. If OpenTofu says while it applies that "+
					"the final plan is inconsistent, "+
					"the new value was not known before. Nothing has been changed then: apply again, and the next "+
					"plan shows what is replaced.",
				at, c.from, c.to))
		}
	}
	return diags
}

// nameBeside is the attribute for the name of the object whose UUID is in the attribute id, so that a plan can be read without a
// look-up. It takes no request of its own: answers that are read anyway have the name. Read updates it after a rename elsewhere.
func nameBeside(id, description string) schema.StringAttribute {
	return schema.StringAttribute{
		Computed:      true,
		PlanModifiers: []planmodifier.String{keepNameWithID{path.Root(id)}},
		MarkdownDescription: description + ", as of the last refresh. It never causes a change by itself: it is known only after apply if `" +
			id + "` changes, and otherwise keeps its value.",
	}
}

// plannedName returns the name beside a UUID after a change: the planned one if it was known, otherwise the one found.
func plannedName(planned, found types.String) types.String {
	if planned.IsUnknown() {
		return found
	}
	return planned
}

// keepNameWithID plans the name of the state as long as the UUID stays.
type keepNameWithID struct{ id path.Path }

func (k keepNameWithID) Description(context.Context) string {
	return "The name stays as long as " + k.id.String() + " does."
}

func (k keepNameWithID) MarkdownDescription(ctx context.Context) string { return k.Description(ctx) }

func (k keepNameWithID) PlanModifyString(
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

// Terraform shows only one of several warnings with the same summary, and the number of the others. Since plans are approved by what
// Terraform shows, namingServer adds the name of the object to the summary of every warning. Nothing else puts names into summaries.
type namingServer struct {
	server
	*names
}

type names struct {
	mu     sync.Mutex
	served *tfprotov6.GetProviderSchemaResponse // read for the first warning
	given  map[string][]string                  // details of the warnings so far, by summary
}

func withNames(s tfprotov6.ProviderServer) tfprotov6.ProviderServer {
	inner, served := s.(server)
	if !served {
		return s
	}
	return namingServer{inner, &names{given: map[string][]string{}}}
}

// ConfigureProvider forgets the warnings of the previous plan or apply.
func (n namingServer) ConfigureProvider(
	ctx context.Context, req *tfprotov6.ConfigureProviderRequest,
) (*tfprotov6.ConfigureProviderResponse, error) {
	n.mu.Lock()
	clear(n.given)
	n.mu.Unlock()
	return n.server.ConfigureProvider(ctx, req)
}

func (n namingServer) ValidateResourceConfig(
	ctx context.Context, req *tfprotov6.ValidateResourceConfigRequest,
) (*tfprotov6.ValidateResourceConfigResponse, error) {
	resp, err := n.server.ValidateResourceConfig(ctx, req)
	if resp != nil {
		n.name(ctx, resp.Diagnostics, resourceSchema(req.TypeName), req.Config)
	}
	return resp, err
}

func (n namingServer) ReadResource(ctx context.Context, req *tfprotov6.ReadResourceRequest) (*tfprotov6.ReadResourceResponse, error) {
	resp, err := n.server.ReadResource(ctx, req)
	if resp != nil {
		n.name(ctx, resp.Diagnostics, resourceSchema(req.TypeName), req.CurrentState)
	}
	return resp, err
}

func (n namingServer) PlanResourceChange(
	ctx context.Context, req *tfprotov6.PlanResourceChangeRequest,
) (*tfprotov6.PlanResourceChangeResponse, error) {
	resp, err := n.server.PlanResourceChange(ctx, req)
	if resp != nil {
		n.name(ctx, resp.Diagnostics, resourceSchema(req.TypeName), req.PriorState, req.ProposedNewState)
	}
	return resp, err
}

func (n namingServer) ApplyResourceChange(
	ctx context.Context, req *tfprotov6.ApplyResourceChangeRequest,
) (*tfprotov6.ApplyResourceChangeResponse, error) {
	resp, err := n.server.ApplyResourceChange(ctx, req)
	if resp != nil {
		n.name(ctx, resp.Diagnostics, resourceSchema(req.TypeName), req.PriorState, resp.NewState, req.PlannedState)
	}
	return resp, err
}

func (n namingServer) ReadDataSource(ctx context.Context, req *tfprotov6.ReadDataSourceRequest) (*tfprotov6.ReadDataSourceResponse, error) {
	resp, err := n.server.ReadDataSource(ctx, req)
	if resp != nil {
		n.name(ctx, resp.Diagnostics, func(all *tfprotov6.GetProviderSchemaResponse) *tfprotov6.Schema {
			return all.DataSourceSchemas[req.TypeName]
		}, req.Config)
	}
	return resp, err
}

func (n namingServer) OpenEphemeralResource(
	ctx context.Context, req *tfprotov6.OpenEphemeralResourceRequest,
) (*tfprotov6.OpenEphemeralResourceResponse, error) {
	resp, err := n.server.OpenEphemeralResource(ctx, req)
	if resp != nil {
		n.name(ctx, resp.Diagnostics, func(all *tfprotov6.GetProviderSchemaResponse) *tfprotov6.Schema {
			return all.EphemeralResourceSchemas[req.TypeName]
		}, req.Config)
	}
	return resp, err
}

func (n namingServer) RenewEphemeralResource(
	ctx context.Context, req *tfprotov6.RenewEphemeralResourceRequest,
) (*tfprotov6.RenewEphemeralResourceResponse, error) {
	resp, err := n.server.RenewEphemeralResource(ctx, req)
	if resp != nil { // the request has no configuration to name an object by
		n.name(ctx, resp.Diagnostics, resourceSchema(""))
	}
	return resp, err
}

func (n namingServer) PlanAction(ctx context.Context, req *tfprotov6.PlanActionRequest) (*tfprotov6.PlanActionResponse, error) {
	resp, err := n.server.PlanAction(ctx, req)
	if resp != nil {
		n.name(ctx, resp.Diagnostics, actionSchema(req.ActionType), req.Config)
	}
	return resp, err
}

func (n namingServer) InvokeAction(ctx context.Context, req *tfprotov6.InvokeActionRequest) (*tfprotov6.InvokeActionServerStream, error) {
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

// schemaOf selects the schema of the object that a request is about, nil if there is none.
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

// name adds to the summaries of warnings the name from the first of the values that has one. It adds a number where that is not
// unique: an object that is to be created may have no name yet, and one object may have two warnings.
func (n namingServer) name(ctx context.Context, diags []*tfprotov6.Diagnostic, of schemaOf, values ...*tfprotov6.DynamicValue) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, d := range diags {
		if d.Severity != tfprotov6.DiagnosticSeverityWarning {
			continue
		}
		if name := n.nameIn(ctx, of, values); name != "" {
			d.Summary += ": " + name
		}
		details := n.given[d.Summary]
		at := slices.Index(details, d.Detail)
		if at < 0 {
			at, n.given[d.Summary] = len(details), append(details, d.Detail)
		}
		if at > 0 {
			d.Summary += fmt.Sprintf(" (%d)", at+1)
		}
	}
}

// exists is false for an object that is null, which MessagePack writes as a single byte.
func exists(v *tfprotov6.DynamicValue) bool { return v != nil && len(v.MsgPack) > 1 }

// identifyingAttributes are the attributes that name an object, in order of preference. Attributes of one group form one name.
var identifyingAttributes = [][]string{
	{"name"}, {"email"}, {"type", "app_name"}, {"type", "app_id"}, {"instance_name"}, {"instance_id"}, {"attachment_id"}, {"range"},
	{"space_name"}, {"space_id"}, {"app_name"}, {"app_id"},
}

// identifyingForAttachments are identifyingAttributes of attachments, whose name is unique within its app only.
var identifyingForAttachments = [][]string{{"name", "app_name"}, {"name", "app_id"}, {"app_name"}, {"app_id"}}

func (n namingServer) nameIn(ctx context.Context, of schemaOf, values []*tfprotov6.DynamicValue) string {
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
	wanted := identifyingAttributes
	if schema == n.served.ResourceSchemas["kvs_attachment"] {
		wanted = identifyingForAttachments
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
	for _, group := range wanted {
		for _, attributes := range objects {
			if parts := knownStrings(attributes, group); len(parts) == len(group) {
				return strings.Join(parts, " of app ")
			}
		}
	}
	return ""
}

// knownStrings returns the values of the named attributes that are strings, known and not empty.
func knownStrings(attributes map[string]tftypes.Value, names []string) (all []string) {
	for _, name := range names {
		var text string
		v, has := attributes[name]
		if has && v.Type().Is(tftypes.String) && v.IsKnown() && !v.IsNull() && v.As(&text) == nil && text != "" {
			all = append(all, text)
		}
	}
	return all
}
