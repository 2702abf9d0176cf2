// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"fmt"
	"sync"

	"github.com/hashicorp/terraform-plugin-framework/diag"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/keyvalue"
)

// findSpace finds the space that a person means by its UUID or its name.
func (c *connection) findSpace(ctx context.Context, reference string) (heroku.Space, diag.Diagnostics) {
	var diags diag.Diagnostics
	if !keyvalue.IsUUID(reference) && keyvalue.ValidateSpaceName(reference) != nil {
		diags.Append(invalidImport(reference, "the UUID or the name of a Private Space", "acme-prod"))
		return heroku.Space{}, diags
	}
	var (
		space heroku.Space
		err   error
	)
	if keyvalue.IsUUID(reference) { // many that are imported together are one list
		space, err = c.client.Space(ctx, heroku.SpaceID(reference))
	} else {
		space, err = c.client.FindSpace(ctx, reference)
	}
	if err != nil {
		diags.Append(c.failure("Unable to find Private Space", fmt.Sprintf("Private Space %q", reference), err))
	}
	return space, diags
}

// outboundOf asks for the addresses of a space that has them: the call fails during allocation and deletion, and for a
// moment after (Platform API reference, spaces).
func (c *connection) outboundOf(ctx context.Context, space heroku.Space) (*heroku.NAT, error) {
	if space.State != heroku.SpaceAllocated {
		return nil, nil
	}
	nat, err := c.client.SpaceNAT(ctx, space.ID)
	if heroku.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return &nat, nil
}

// spaceOwners remembers the teams that spaces are planned to belong to: an app in a space is judged by the team that the
// space has when the app's turn comes, not by the one that a transfer in the same run takes it from.
type spaceOwners struct {
	mu    sync.Mutex
	teams map[heroku.SpaceID]string
}

func (o *spaceOwners) note(space heroku.SpaceID, team string) {
	if o == nil || team == "" {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.teams == nil {
		o.teams = make(map[heroku.SpaceID]string)
	}
	o.teams[space] = team
}

// of is empty for a space that is not planned in this run.
func (o *spaceOwners) of(space heroku.SpaceID) string {
	if o == nil {
		return ""
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.teams[space]
}
