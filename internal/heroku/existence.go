// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package heroku

import (
	"context"
	"errors"
)

// errGone is the failure of a wait for what does not exist any more.
var errGone = errors.New("the add-on is unknown to Heroku, or is being destroyed")

// existence watches an add-on that the Data API is asked about. That host answers 404 for a store that it does not know
// yet as for one that is gone, so that only the Platform API tells that a wait is in vain.
type existenceCheck struct {
	c      *Client
	id     AddOnID
	polls  int
	absent int // of the last polls
	misses int // of the last looks
}

// lookEvery is after how many polls the Platform API is asked while the Data API has answers.
const platformCheckInterval = 5

// judge gives a poll of the Data API back, or the failure that the add-on is gone.
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
