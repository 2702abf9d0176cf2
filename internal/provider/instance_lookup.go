// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/keyvalue"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/replacement"
)

// findInstance finds a store by its UUID, its name, or app::ATTACHMENT.
func (c *connection) findInstance(ctx context.Context, reference string) (heroku.AddOn, diag.Diagnostics) {
	var diags diag.Diagnostics
	addOn, err := c.lookUpInstance(ctx, reference)
	switch {
	case errors.Is(err, errInvalidReference):
		diags.Append(invalidImport(reference, "the add-on's UUID, its name (redis-curved-48210), or an app and an "+
			"attachment of it (app::ATTACHMENT)", "orders-api::REDIS"))
	case err != nil:
		diags.Append(c.failure("Unable to find Key-Value Store", fmt.Sprintf("Key-Value Store %q", reference), err))
	case addOn.Service != keyvalue.Service:
		diags.AddError("Not a Key-Value Store",
			fmt.Sprintf("The add-on %s (%s) belongs to the service %s; a Key-Value Store is an add-on of %s.",
				addOn.Name, addOn.ID, addOn.Service, keyvalue.Service))
	}
	return addOn, diags
}

var errInvalidReference = errors.New("no reference to a Key-Value Store")

func (c *connection) lookUpInstance(ctx context.Context, reference string) (heroku.AddOn, error) {
	app, attachment, scoped := strings.Cut(reference, "::")
	switch {
	case scoped && keyvalue.ValidateAttachmentName(attachment) == nil && (keyvalue.IsUUID(app) || keyvalue.ValidateAppName(app) == nil):
		found, err := c.client.AppAttachment(ctx, app, attachment)
		if err != nil {
			return heroku.AddOn{}, err
		}
		return c.client.AddOn(ctx, found.AddOnID)
	case keyvalue.IsUUID(reference): // the client reads many of these with one list request
		return c.client.AddOn(ctx, heroku.AddOnID(reference))
	case !scoped && keyvalue.ValidateAddOnName(reference) == nil:
		return c.client.FindAddOn(ctx, reference)
	}
	return heroku.AddOn{}, errInvalidReference
}

// bullets formats a list for a diagnostic, one item a line.
func bullets(facts []string) string { return "  - " + strings.Join(facts, "\n  - ") }

// A plan describes changes from the state at the time it was made. It may be applied much later, and somebody may have changed
// the store since, by hand or with another configuration. The apply must not undo changes that the plan does not show.

// compareLive reads the store, and refuses to continue if it is neither as it was when the plan was made nor as planned. For a
// replacement, package replacement finds out the state of the store.
func (r *instanceResource) compareLive(ctx context.Context, state, plan, config instanceModel,
	change keyvalue.Change) (live, diag.Diagnostics) {
	replaced := change.Method == keyvalue.NewStore || change.Method == keyvalue.Refused || state.State.ValueString() == instanceMigrating
	addOn, err := r.client.AddOn(ctx, state.addOnID())
	gone := heroku.IsNotFound(err) || err == nil && replacement.IsDeleted(addOn)
	switch {
	case gone && replaced:
		return live{}, nil
	case gone:
		return live{}, diag.Diagnostics{diag.NewErrorDiagnostic("The store was destroyed since the plan was made", fmt.Sprintf(
			"%s does not exist any more. Nothing was changed. Plan again to see what is left to do.", state.label()))}
	case err != nil:
		return live{}, diag.Diagnostics{r.failure("Unable to read Key-Value Store", state.label(), err)}
	case replaced && (replacement.InProgress(addOn) || replacement.GaveNameAway(addOn, state.Name.ValueString())):
		return live{addOn: addOn}, nil
	}
	store, err := r.storeOf(ctx, addOn)
	if err != nil {
		return live{}, diag.Diagnostics{r.failure("Unable to read the settings of Key-Value Store", state.label(), err)}
	}
	if len(changedSince(state, plan, config, addOn, store)) > 0 { // the shared list may be stale: read the add-on by itself
		if addOn, err = r.client.FindAddOn(ctx, string(addOn.ID)); err != nil {
			return live{}, diag.Diagnostics{r.failure("Unable to read Key-Value Store", state.label(), err)}
		}
		if differs := changedSince(state, plan, config, addOn, store); len(differs) > 0 {
			return live{}, diag.Diagnostics{outdatedPlan(state, differs)}
		}
	}
	return live{addOn: addOn, store: store}, nil
}

func outdatedPlan(state instanceModel, differs []string) diag.Diagnostic {
	return diag.NewErrorDiagnostic("The store has changed since the plan was made", fmt.Sprintf(
		"%s has changed since this plan was made:\n\n%s\n\nNothing was changed. Plan again, and not with -refresh=false, to see what that "+
			"means.",
		state.label(), bullets(differs)))
}

// changedSince lists the attributes that were changed since the plan was made and do not have their planned values. Of an
// unfinished store only plan, app and name are compared, because its state does not have the rest. The attachment is compared
// only if the configuration names it.
func changedSince(state, plan, config instanceModel, addOn heroku.AddOn, store *heroku.Store) []string {
	now := state
	now.read(addOn, store)
	var differs []string
	compare := func(name, then, planned, now string) {
		if now != then && now != planned {
			differs = append(differs, fmt.Sprintf("%s is %q now, and was %q", name, now, then))
		}
	}
	compare("plan", string(state.spec().Plan), string(plan.spec().Plan), string(now.spec().Plan))
	compare("app_id", state.AppID.ValueString(), plan.AppID.ValueString(), now.AppID.ValueString())
	compare("name", state.Name.ValueString(), plan.Name.ValueString(), now.Name.ValueString())
	if !state.ready() {
		return differs
	}
	if known(config.AttachmentName) {
		compare("attachment_name", state.AttachmentName.ValueString(), plan.AttachmentName.ValueString(), now.AttachmentName.ValueString())
	}
	compare("timeout", fmt.Sprint(state.Timeout), fmt.Sprint(plan.Timeout), fmt.Sprint(now.Timeout))
	compare("maxmemory_policy", state.MaxmemoryPolicy.ValueString(), plan.MaxmemoryPolicy.ValueString(), now.MaxmemoryPolicy.ValueString())
	compare("notify_keyspace_events", flagsOf(state), flagsOf(plan), flagsOf(now))
	return differs
}

// configVarsType is the element type of attached_apps: the names of an app's config vars.
var configVarsType = types.SetType{ElemType: types.StringType}

func byApp(configVars map[string][]string) types.Map {
	elements := make(map[string]attr.Value, len(configVars))
	for app, names := range configVars {
		elements[app] = stringSet(slices.Compact(slices.Sorted(slices.Values(names))))
	}
	return types.MapValueMust(configVarsType, elements)
}

// appNames are the names of the apps that the store is attached to; null if they could not be read.
func (m instanceModel) appNames() types.Set {
	if m.AttachedApps.IsNull() {
		return types.SetNull(types.StringType)
	}
	return stringSet(slices.Sorted(maps.Keys(m.AttachedApps.Elements())))
}

// attachedSince warns of apps that a change restarts and that the plan does not name, because the store was attached to them
// later.
func (r *instanceResource) attachedSince(ctx context.Context, state instanceModel) diag.Diagnostics {
	if state.AttachedApps.IsNull() { // the plan has reported that they are not known
		return nil
	}
	planned := state.AttachedApps.Elements()
	since := slices.DeleteFunc(slices.Sorted(maps.Keys(r.attachedApps(ctx, state.addOnID()).Elements())),
		func(app string) bool { return planned[app] != nil })
	if len(since) == 0 {
		return nil
	}
	return diag.Diagnostics{diag.NewWarningDiagnostic("The store is attached to more apps than the plan says", fmt.Sprintf(
		"%s has been attached to %s since the state for this plan was read. The change is made as planned, and affects these apps like the "+
			"apps that the plan names: they restart when the URL changes.",
		state.label(), strings.Join(since, ", ")))}
}

// flagsOf is the canonical spelling of the keyspace events of a store.
func flagsOf(m instanceModel) string {
	events, _ := keyvalue.ParseKeyspaceEvents(m.NotifyKeyspaceEvents.ValueString()) // validation has refused an invalid one
	return events.String()
}

// addOn returns an add-on. A store that this run completed is not read again for everything that depends on it.
func (c *connection) addOn(ctx context.Context, id heroku.AddOnID) (heroku.AddOn, error) {
	if addOn, complete := c.run.completedStore(id); complete {
		return addOn, nil
	}
	return c.client.AddOn(ctx, id)
}

// A store's name is chosen before the store is ordered, so that the store can be found if the answer is lost. Without a
// configured name it is ordered under a name that is derived from the app and the attachment. If a run is killed after its
// order, the next run then finds the store under that name, and stops instead of ordering a second one.
//
// A complete store is renamed to a name that is derived from its id, so that the first name is free for the next store of the
// app. Almost no time passes between the rename and the end of the apply: only a run that is killed in between leaves a store
// that no later run finds. Nothing else distinguishes a lost store from a managed one, because a creation is told neither the
// state nor the plan of other instances.

// takenNames are the names that this run has given to stores without a configured name.
type takenNames struct {
	mu    sync.Mutex
	names map[string]bool
}

// take reserves a name, and reports whether it was free.
func (n *takenNames) take(name string) bool {
	if n == nil {
		return true
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.names[name] {
		return false
	}
	if n.names == nil {
		n.names = make(map[string]bool)
	}
	n.names[name] = true
	return true
}

// lostOrderAge is the age up to which a store of the same app and plan counts as a possible lost order: an apply that was killed
// is usually run again within a day.
const lostOrderAge = 24 * time.Hour

// orderStore orders a store under its configured name, or under the first free one that is derived from its app and attachment.
func (r *instanceResource) orderStore(ctx context.Context, app heroku.App, order heroku.AddOnCreate) (heroku.AddOn, diag.Diagnostic) {
	if order.Name != "" {
		addOn, err := r.orderAttached(ctx, app, order)
		if err != nil {
			return addOn, r.creationFailure(ctx, app, order, err)
		}
		return addOn, nil
	}
	attachment := order.AttachmentName
	for n := 0; ; n++ {
		order.Name = keyvalue.StoreName(string(app.ID), attachment, n)
		if !r.names.take(order.Name) {
			continue
		}
		addOn, err := r.orderAttached(ctx, app, order)
		if err == nil {
			return addOn, nil
		}
		failure := r.creationFailure(ctx, app, order, err)
		if !heroku.HasID(err, "invalid_params") {
			return addOn, failure
		}
		holder, err := r.client.FindAddOn(ctx, order.Name)
		if err != nil || r.mayBeLost(holder, app, order) {
			return addOn, failure
		}
	}
}

// mayBeLost reports whether a store may have been ordered by an earlier run that could not save it in the state.
func (r *instanceResource) mayBeLost(holder heroku.AddOn, app heroku.App, order heroku.AddOnCreate) bool {
	created, err := time.Parse(time.RFC3339, holder.CreatedAt)
	recent := err != nil || r.client.HostTime().Sub(created) < lostOrderAge
	return !replacement.IsDeleted(holder) && recent && holder.AppID == app.ID && holder.Plan == order.Plan
}

// setPermanentName gives a complete store without a configured name its permanent name. If that fails, the store keeps its present
// name.
func (r *instanceResource) setPermanentName(ctx context.Context, m *instanceModel) diag.Diagnostics {
	name := keyvalue.LastingName(m.ID.ValueString())
	renamed, err := r.client.UpdateAddOn(ctx, heroku.AppID(m.AppID.ValueString()), m.addOnID(), heroku.AddOnUpdate{Name: &name})
	if err != nil {
		return diag.Diagnostics{diag.NewWarningDiagnostic("The store keeps the name of its order", r.failure("", m.label(), err).Detail()+
			"\n\nThe store is complete. For a day, another store without a name on the same app and plan is refused, because it could be this "+
			"one: give the other store a name.")}
	}
	m.Name = types.StringValue(renamed.Name)
	return nil
}

// creationFailure finds out whether a config var is in the way, or whether the name belongs to a store that this token can see
// and that can be imported.
func (r *instanceResource) creationFailure(ctx context.Context, app heroku.App, order heroku.AddOnCreate, err error) diag.Diagnostic {
	failure := r.failure("Unable to create Key-Value Store", fmt.Sprintf("Key-Value Store %q", order.Name), err)
	if heroku.HasID(err, "confirmation_required") {
		attachment := cmp.Or(order.AttachmentName, keyvalue.PrimaryAttachment)
		if taken, askErr := r.setByHand(ctx, app.ID, attachment); askErr == nil && taken {
			return wouldOverwrite(app.ID, attachment, path.Root("attachment_name"))
		}
		if attachments, askErr := r.client.AppAttachments(ctx, app.ID); askErr == nil && order.AttachmentName != "" {
			if holder := heroku.AttachmentNamed(attachments, order.AttachmentName); holder != nil {
				return heldByAnother(*holder, path.Root("attachment_name"))
			}
		}
		if app.Space != nil {
			return diag.NewErrorDiagnostic(failure.Summary(), failure.Detail()+
				" If it is about the network, outside_space = true confirms that the store runs outside the network of the app's space.")
		}
	}
	if version := order.Config["version"]; version != "" && heroku.HasStatus(err, http.StatusUnprocessableEntity) &&
		!heroku.HasID(err, "invalid_params") {
		return diag.NewErrorDiagnostic(failure.Summary(), failure.Detail()+"\n\n"+fmt.Sprintf(
			"It was ordered with version %s. Versions that Heroku has announced, as far as this provider knows: %s. "+
				"Set version to one of these or lower.", version, keyvalue.ReleaseList()))
	}
	if !heroku.HasID(err, "invalid_params") {
		return failure
	}
	taken, findErr := r.client.FindAddOn(ctx, order.Name)
	if findErr != nil {
		return failure
	}
	if r.run != nil { // a Delete of this run then does not destroy it
		r.run.noteRefused(storeObject(taken.ID))
	}
	return diag.NewAttributeErrorDiagnostic(path.Root("name"), "An add-on with this name exists already", fmt.Sprintf(
		"%s\n\nThe name belongs to an add-on of the app %s: choose another name, or manage the existing store by importing it:\n\n%s\n\n"+
			"If it is a store of this configuration whose address has changed, a moved block says so: moved { from = "+
			"kvs_instance.old, to = kvs_instance.new }.",
		failure.Detail(), taken.AppName, importBlock("kvs_instance", string(taken.ID))))
}

// withoutSuccessions removes the config vars that only prove that a store has replaced another one and that no app uses.
func withoutSuccessions(configVars []string) []string {
	return slices.DeleteFunc(slices.Clone(configVars), func(name string) bool {
		return slices.ContainsFunc(keyvalue.Successions([]string{name}), keyvalue.IsSuccession)
	})
}

// instanceState merges the states of both APIs: the Platform API reports a store as provisioned while its data is still being
// copied (Platform API reference, plan changes).
func instanceState(addOn heroku.AddOn, store *heroku.Store) string {
	if addOn.State == heroku.StateProvisioned && (store == nil || store.Preparing()) {
		return instancePreparing
	}
	return addOn.State
}

// attachmentOf returns the known name while the store has an attachment of that name, because a store may have several.
func (m *instanceModel) attachmentOf(addOn heroku.AddOn) types.String {
	names := keyvalue.AttachmentNames(withoutSuccessions(addOn.ConfigVars))
	if replacement.InProgress(addOn) {
		names = slices.DeleteFunc(names, func(name string) bool { return replacement.IsInternalAttachment(addOn.ID, name) })
	}
	if known := m.AttachmentName.ValueString(); known != "" && (len(names) == 0 || slices.Contains(names, known)) {
		return m.AttachmentName
	}
	if first := keyvalue.FirstAttachment(names); first != "" {
		return types.StringValue(first)
	}
	return types.StringNull()
}
