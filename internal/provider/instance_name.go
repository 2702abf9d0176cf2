// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/keyvalue"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/replacement"
)

// The name of a store is chosen before it is ordered, so that a lost answer can be looked up. Where the configuration
// gives none it is ordered under one that follows from the app and the attachment: a run that was killed after its order
// is then followed by one that meets the store under that name, and stops instead of ordering a second one.
//
// When the store is complete it gets another name, which follows from its id, so that the next store of the same app finds
// the first name free. Between that and the end of the apply there is nothing that takes time, and only a run that is
// killed just there leaves a store that no later run meets. Nothing else tells a lost store from one that is managed: a
// creation is told neither what is in the state nor what was planned of other instances.

// takenNames are those that stores without a name got in this run.
type takenNames struct {
	mu    sync.Mutex
	names map[string]bool
}

// take reports whether a name was free so far.
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

// lostFor is how long a store of the same app and plan may be one whose order was lost: whoever runs an apply that was
// killed runs it again within a day.
const lostFor = 24 * time.Hour

// orderStore orders a store under its name, or under the first one that follows from its app and attachment and is free.
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

// mayBeLost says that a store may be what an earlier run has ordered and could not keep in the state.
func (r *instanceResource) mayBeLost(holder heroku.AddOn, app heroku.App, order heroku.AddOnCreate) bool {
	created, err := time.Parse(time.RFC3339, holder.CreatedAt)
	recent := err != nil || r.client.HostTime().Sub(created) < lostFor
	return !replacement.IsDeleted(holder) && recent && holder.AppID == app.ID && holder.Plan == order.Plan
}

// nameForGood gives a complete store that was ordered without a name the one that it keeps. Where that fails it keeps the
// one that it was ordered under.
func (r *instanceResource) nameForGood(ctx context.Context, m *instanceModel) diag.Diagnostics {
	name := keyvalue.LastingName(m.ID.ValueString())
	renamed, err := r.client.UpdateAddOn(ctx, heroku.AppID(m.AppID.ValueString()), m.addOnID(), heroku.AddOnUpdate{Name: &name})
	if err != nil {
		return diag.Diagnostics{diag.NewWarningDiagnostic("The store keeps the name of its order", r.failure("", m.label(), err).Detail()+
			"\n\nThe store is complete. Another one without a name on the same app and plan is refused for a day, as it could be this one: give that one a name.")}
	}
	m.Name = types.StringValue(renamed.Name)
	return nil
}

// creationFailure finds out whether a config var is in the way, or whether the name is taken by a store that this token can
// see, which can then be imported.
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
	if version := order.Config["version"]; version != "" && heroku.HasStatus(err, http.StatusUnprocessableEntity) && !heroku.HasID(err, "invalid_params") {
		return diag.NewErrorDiagnostic(failure.Summary(), failure.Detail()+"\n\n"+fmt.Sprintf(
			"It was ordered with version %s. Versions that Heroku has announced, as far as this provider knows: %s. A floor that one of these satisfies gives a store.", version, keyvalue.ReleaseList()))
	}
	if !heroku.HasID(err, "invalid_params") {
		return failure
	}
	taken, findErr := r.client.FindAddOn(ctx, order.Name)
	if findErr != nil {
		return failure
	}
	if r.run != nil { // if it is another instance's in this run, that one leaves it alone
		r.run.want(storeObject(taken.ID))
	}
	return diag.NewAttributeErrorDiagnostic(path.Root("name"), "An add-on with this name exists already", fmt.Sprintf(
		"%s\n\nThe name belongs to an add-on of the app %s: choose another name, or manage the existing store by importing it:\n\n%s\n\n"+
			"If it is a store of this configuration whose address has changed, a moved block says so: moved { from = kvs_instance.old, to = kvs_instance.new }.",
		failure.Detail(), taken.AppName, importBlock("kvs_instance", string(taken.ID))))
}
