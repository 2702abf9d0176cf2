// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package heroku

import (
	"context"
	"errors"
)

// errGone is the error of a wait for an add-on that no longer exists.
var errGone = errors.New("the add-on is unknown to Heroku, or is being destroyed")

// existenceCheck finds out during a wait whether the add-on is gone. The Data API returns 404 both for a store that it does not
// know yet and for one that is gone, so that only the Platform API can tell the two apart.
type existenceCheck struct {
	c      *Client
	id     AddOnID
	polls  int
	absent int // how many of the last polls in a row got a 404 from the Data API
	misses int // how many of the last reads in a row got not_found from the Platform API
}

// platformCheckInterval is how many polls pass between two reads of the Platform API while the Data API knows the store.
const platformCheckInterval = 5

// evaluate returns the progress that a poll of the Data API got, or the failure errGone if the add-on is gone.
func (e *existenceCheck) evaluate(ctx context.Context, got progress) progress {
	if got.ready || got.failure != nil {
		return got
	}
	e.polls++
	if e.absent++; !got.absent {
		e.absent = 0
	}
	if e.absent < 2 && e.polls%platformCheckInterval != 0 {
		return got
	}
	switch a, err := e.c.getAddOn(ctx, e.id); {
	case IsNotFound(err):
		e.misses++
	case err != nil:
	default:
		e.misses = 0
		if a.State == StateDeprovisioning || a.State == StateDeprovisioned {
			e.misses = missesUntilGone
		}
	}
	if e.misses >= missesUntilGone {
		return progress{state: "gone", failure: errGone}
	}
	return got
}
