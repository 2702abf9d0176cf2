// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
)

// What tests outside of the package need of its inside, since those that use acctest cannot be in it.

type Hold = hold

// Holder holds apps as the resources of one run do.
type Holder struct{ connection connection }

func NewHolder(client *heroku.Client) *Holder {
	return &Holder{connection{client: client, holds: &appHolds{}}}
}

func (h *Holder) Hold(ctx context.Context, store heroku.AddOnID, how Hold, apps ...heroku.AppID) (since bool, err error) {
	return h.connection.holdApps(ctx, store, apps, how)
}

func (h *Holder) Release(ctx context.Context, store heroku.AddOnID, apps ...heroku.AppID) error {
	return h.connection.releaseApps(ctx, store, apps)
}
