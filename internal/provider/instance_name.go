// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/keyvalue"
)

// The name of a store is chosen before it is ordered, so that a lost answer can be looked up. Where the configuration
// gives none it follows from the app and the attachment: a run that was killed after its order is then followed by one
// that meets the store under that name, and stops instead of ordering a second one.

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
		addOn, err := r.client.CreateAddOn(ctx, app.ID, order)
		if err != nil {
			return addOn, r.creationFailure(ctx, app, order.Name, err)
		}
		return addOn, nil
	}
	for n := 0; ; n++ {
		order.Name = keyvalue.StoreName(string(app.ID), order.AttachmentName, n)
		if !r.names.take(order.Name) {
			continue
		}
		addOn, err := r.client.CreateAddOn(ctx, app.ID, order)
		if err == nil {
			return addOn, nil
		}
		failure := r.creationFailure(ctx, app, order.Name, err)
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
	return !ending(holder) && recent && holder.AppID == app.ID && holder.Plan == order.Plan
}

// creationFailure finds out whether the name is taken by a store that this token can see, which can then be imported.
func (r *instanceResource) creationFailure(ctx context.Context, app heroku.App, name string, err error) diag.Diagnostic {
	failure := r.failure("Unable to create Key-Value Store", fmt.Sprintf("Key-Value Store %q", name), err)
	if heroku.HasID(err, "confirmation_required") && app.Space != nil {
		return diag.NewErrorDiagnostic(failure.Summary(), failure.Detail()+
			" If it is about the network, outside_space = true confirms that the store runs outside the network of the app's space.")
	}
	if !heroku.HasID(err, "invalid_params") {
		return failure
	}
	taken, findErr := r.client.FindAddOn(ctx, name)
	if findErr != nil {
		return failure
	}
	return diag.NewAttributeErrorDiagnostic(path.Root("name"), "An add-on with this name exists already", fmt.Sprintf(
		"%s\n\nThe name belongs to an add-on of the app %s: choose another name, or manage the existing store by importing it:\n\n%s",
		failure.Detail(), taken.AppName, importBlock("kvs_instance", string(taken.ID))))
}
