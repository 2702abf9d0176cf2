// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
)

// What keeps a space alive: the apps in it, and for a while what they leave behind.

const (
	// spaceEmptiesWithin is how long a space may still list apps that are being torn down.
	spaceEmptiesWithin = 2 * time.Minute
	spaceRetryFirst    = 10 * time.Second
	spaceRetryLast     = 5 * time.Minute
)

// deleteOnceEmpty repeats a refused deletion while what was in the space is still being torn down. Apps that stay are
// somebody's, and are not waited for.
func (r *privateSpaceResource) deleteOnceEmpty(ctx context.Context, id heroku.SpaceID, timeout time.Duration) error {
	clock := r.client.Clock()
	started := clock.Now()
	for {
		err := r.client.DeleteSpace(ctx, id)
		if err == nil || !refusedForContents(err) {
			return err
		}
		apps, listErr := r.client.SpaceApps(ctx, id)
		if listErr != nil {
			return err
		}
		waited := clock.Now().Sub(started)
		if waited >= timeout || len(apps) > 0 && waited >= spaceEmptiesWithin {
			return err
		}
		// Three or four requests each time: a third later than it could have been is soon enough.
		if clock.Sleep(ctx, min(max(spaceRetryFirst, waited/3), spaceRetryLast, timeout-waited)) != nil {
			return err
		}
	}
}

// refusedForContents takes any refusal of the request itself for one: Heroku gives this case no error id of its own.
func refusedForContents(err error) bool {
	return heroku.HasStatus(err, http.StatusUnprocessableEntity) || heroku.HasStatus(err, http.StatusConflict)
}

// deletionFailure lists what still lives in the space, managed here or not.
func (r *privateSpaceResource) deletionFailure(ctx context.Context, state privateSpaceModel, err error) diag.Diagnostic {
	failure := r.failure("Unable to destroy Private Space", state.String(), err)
	apps, listErr := r.client.SpaceApps(ctx, state.spaceID())
	if listErr != nil || len(apps) == 0 {
		return failure
	}
	return diag.NewErrorDiagnostic(failure.Summary(), failure.Detail()+"\n\nThese apps still live in the space, whether they are managed here or not:\n"+
		strings.Join(describeApps(apps), "\n")+"\n\nDestroy each of them first, or bring it under management with an import block so that the plan shows its end.")
}

func describeApps(apps []heroku.App) []string {
	lines := make([]string, len(apps))
	for i, app := range apps {
		lines[i] = fmt.Sprintf("- %s (id %s)", app.Name, app.ID)
	}
	return lines
}
