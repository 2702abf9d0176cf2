// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/diag"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/keyvalue"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/replacement"
)

// A plan says what changes from what was there when it was made. It may be applied much later, and somebody may have
// changed the store since, by hand or with another configuration: what the plan does not speak of is not to be undone by it.

// compareLive reads what is there and refuses to go on if it is neither what the plan began with nor what it ends with.
// A replacement finds out by itself what has become of the store.
func (r *instanceResource) compareLive(ctx context.Context, state, plan, config instanceModel, change keyvalue.Change) (live, diag.Diagnostics) {
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
	if len(changedSince(state, plan, config, addOn, store)) > 0 { // a read may show what was before: look again
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
		"%s is not any more what this plan was made for:\n\n%s\n\nNothing was changed. Plan again, and not with -refresh=false, to see what that means.",
		state.label(), bullets(differs)))
}

// changedSince says, attribute by attribute, what was changed since a plan was made and is not what the plan makes of it
// either. What an unfinished store has is not known to its state, but for its plan and its name. The attachment counts
// where the configuration names it.
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

// attachedSince names the apps that a change restarts and that its plan does not, since they were not in the state then.
func (r *instanceResource) attachedSince(ctx context.Context, state instanceModel) diag.Diagnostics {
	if state.AttachedApps.IsNull() { // the plan has said that it does not know them
		return nil
	}
	planned := stringsOf(state.AttachedApps)
	since := slices.DeleteFunc(stringsOf(r.attachedApps(ctx, state.addOnID())), func(app string) bool { return slices.Contains(planned, app) })
	if len(since) == 0 {
		return nil
	}
	slices.Sort(since)
	return diag.Diagnostics{diag.NewWarningDiagnostic("The store is attached to more apps than the plan says", fmt.Sprintf(
		"%s has been attached to %s since the state was read that the plan begins with. "+
			"The change is made as it was planned, and whatever it means for the apps that the plan names, it means for these too: they restart when the URL changes.",
		state.label(), strings.Join(since, ", ")))}
}

// flagsOf are the keyspace events of a store in one spelling.
func flagsOf(m instanceModel) string {
	events, _ := keyvalue.ParseKeyspaceEvents(m.NotifyKeyspaceEvents.ValueString()) // one that cannot be read has been refused
	return events.String()
}

// addOn reads an add-on. A store that was completed in this run is not read again by all that belongs to it.
func (c *connection) addOn(ctx context.Context, id heroku.AddOnID) (heroku.AddOn, error) {
	if addOn, complete := c.run.completed(id); complete {
		return addOn, nil
	}
	return c.client.AddOn(ctx, id)
}
