// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package heroku

import (
	"context"
	"fmt"
	"time"
)

// WaitSpaceNAT waits until an allocated space has its outbound addresses. Its errors are *WaitError.
func (c *Client) WaitSpaceNAT(ctx context.Context, id SpaceID, timeout time.Duration) (NAT, error) {
	what := fmt.Sprintf("the outbound addresses of space %s", id)
	return await(ctx, c, what, timeout, func(ctx context.Context, waited time.Duration) (NAT, progress, error) {
		nat, err := c.SpaceNAT(ctx, id)
		if IsNotFound(err) {
			return nat, unknownSpace(waited), nil
		}
		disabled := nat.State == "disabled" && waited >= notFoundGrace // a new space is "disabled" at first
		return nat, progress{state: nat.State, ready: nat.State == "enabled" || disabled}, err
	})
}
