// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package heroku_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
)

// spaces returns a server whose spaces have the state and team that now returns; with the state "", they are not found.
func spaces(t *testing.T, ids []heroku.SpaceID, now func(age time.Duration) (state, team string)) (*fake, *heroku.Client) {
	begun := time.Now()
	f := memory(func(w http.ResponseWriter, r *http.Request, _ int) {
		var listed []string
		if state, team := now(time.Since(begun)); state != "" {
			for _, id := range ids {
				listed = append(listed, spaceJSON(id, "acme-prod", team, state))
			}
		}
		switch {
		case r.URL.Path == "/spaces":
			reply(w, 200, "["+strings.Join(listed, ",")+"]")
		case len(listed) == 0:
			reply(w, 404, spaceNotFound)
		default:
			reply(w, 200, listed[slices.Index(ids, heroku.SpaceID(strings.TrimPrefix(r.URL.Path, "/spaces/")))])
		}
	})
	return f, f.client(t, clocked(heroku.RealClock))
}

// turning returns a function for [spaces], with the state before until the time after, and then the state then.
func turning(before string, after time.Duration, then string) func(time.Duration) (string, string) {
	return func(age time.Duration) (string, string) {
		return changing(before, after, then)("", age), "acme"
	}
}

func TestWaitsForSpaces(t *testing.T) {
	t.Parallel()
	allocated := func(ctx context.Context, c *heroku.Client) error {
		s, err := c.WaitSpaceAllocated(ctx, spaceID, 20*time.Minute)
		if err == nil && s.State != heroku.SpaceAllocated {
			err = fmt.Errorf("ended in state %s", s.State)
		}
		return err
	}
	gone := func(ctx context.Context, c *heroku.Client) error {
		return c.WaitSpaceGone(ctx, spaceID, 20*time.Minute)
	}
	owned := func(ctx context.Context, c *heroku.Client) error {
		s, err := c.WaitSpaceTeam(ctx, spaceID, "acme-data", 20*time.Minute)
		if err == nil && s.Team != "acme-data" {
			err = fmt.Errorf("ended with team %s", s.Team)
		}
		return err
	}
	moving := func(age time.Duration) (string, string) {
		return "allocated", changing("acme", 30*time.Second, "acme-data")("", age)
	}
	for name, c := range map[string]struct {
		wait    func(context.Context, *heroku.Client) error
		now     func(time.Duration) (state, team string)
		outcome heroku.WaitOutcome // 0 for success
		last    string
	}{
		"allocated after eight minutes":     {allocated, turning("allocating", 8*time.Minute, "allocated"), 0, ""},
		"unknown at first":                  {allocated, turning("", 30*time.Second, "allocated"), 0, ""},
		"a state that nobody knows":         {allocated, turning("contemplating", time.Minute, "allocated"), 0, ""},
		"never allocated":                   {allocated, turning("allocating", time.Hour, ""), heroku.TimedOut, "allocating"},
		"deleted while allocating":          {allocated, turning("allocating", time.Minute, "deleting"), heroku.Failed, "deleting"},
		"vanished while allocating":         {allocated, turning("allocating", 2*time.Minute, ""), heroku.Failed, "not found"},
		"gone":                              {gone, turning("deleting", 3*time.Minute, ""), 0, ""},
		"never gone":                        {gone, turning("deleting", time.Hour, ""), heroku.TimedOut, "deleting"},
		"transferred":                       {owned, moving, 0, ""},
		"never transferred":                 {owned, turning("allocated", time.Hour, ""), heroku.TimedOut, "belongs to acme"},
		"not to be seen after the transfer": {owned, turning("allocated", time.Second, ""), heroku.Failed, "not found"},
		"not to be seen for a moment, then is": {owned, func(age time.Duration) (string, string) {
			return changing("", 30*time.Second, "allocated")("", age), "acme-data"
		}, 0, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				_, client := spaces(t, []heroku.SpaceID{spaceID}, c.now)
				err := c.wait(t.Context(), client)
				var wait *heroku.WaitError
				switch {
				case c.outcome == 0:
					if err != nil {
						t.Error(err)
					}
				case !errors.As(err, &wait) || wait.Outcome != c.outcome || wait.LastState != c.last:
					t.Errorf("%v", err)
				case !strings.Contains(err.Error(), string(spaceID)):
					t.Errorf("%v does not name the space", err)
				}
			})
		})
	}
}

func TestWaitForTheAddressesOfASpace(t *testing.T) {
	t.Parallel()
	const enabled, updating = `{"state":"enabled","sources":["52.44.101.17"]}`, `{"state":"updating","sources":[]}`
	for name, c := range map[string]struct {
		status  int                // until the time after
		before  string             // the body until then
		after   time.Duration      // when the response becomes enabled
		outcome heroku.WaitOutcome // 0 for success
		state   string             // after a success
	}{
		"enabled at once":             {200, enabled, 0, 0, "enabled"},
		"updating first":              {200, updating, time.Minute, 0, "enabled"},
		"disabled first":              {200, `{"state":"disabled","sources":null}`, 30 * time.Second, 0, "enabled"},
		"disabled for good":           {200, `{"state":"disabled","sources":null}`, time.Hour, 0, "disabled"},
		"not found at first":          {404, spaceNotFound, 30 * time.Second, 0, "enabled"},
		"not available at first":      {503, `{"id":"unavailable","message":"The space is being set up."}`, time.Minute, 0, "enabled"},
		"never enabled":               {200, updating, time.Hour, heroku.TimedOut, ""},
		"of a space that is gone":     {404, spaceNotFound, time.Hour, heroku.Failed, ""},
		"of a space that is not ours": {403, `{"id":"forbidden","message":"no"}`, time.Hour, heroku.Unreachable, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				begun := time.Now()
				f := memory(func(w http.ResponseWriter, _ *http.Request, _ int) {
					if time.Since(begun) < c.after {
						reply(w, c.status, c.before)
						return
					}
					reply(w, 200, enabled)
				})
				nat, err := f.client(t, clocked(heroku.RealClock)).WaitSpaceNAT(t.Context(), spaceID, 10*time.Minute)
				var wait *heroku.WaitError
				switch {
				case c.outcome == 0:
					if err != nil || nat.State != c.state || (len(nat.Sources) == 1) != (c.state == "enabled") {
						t.Errorf("%v, %v", nat, err)
					}
				case !errors.As(err, &wait) || wait.Outcome != c.outcome:
					t.Error(err)
				}
			})
		})
	}
}

func TestManySpacesAreWaitedForWithOneRequestATick(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ids := []heroku.SpaceID{"space-0", "space-1", "space-2"}
		f, c := spaces(t, ids, turning("allocating", 20*time.Second, "allocated"))
		errs := make(chan error)
		for _, id := range ids {
			go func() {
				s, err := c.WaitSpaceAllocated(t.Context(), id, time.Hour)
				if err == nil && s.ID != id {
					err = fmt.Errorf("waited for %s, got %s", id, s.ID)
				}
				errs <- err
			}()
		}
		for range ids {
			if err := <-errs; err != nil {
				t.Error(err)
			}
		}
		if f.count("GET /spaces") > 7 || f.count("GET /spaces/") != 0 { // at 1 s, and every 4 s
			t.Error(f.requests())
		}
	})
}

func TestAllocationTakesFewRequests(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f, c := spaces(t, []heroku.SpaceID{spaceID}, turning("allocating", 10*time.Minute, "allocated"))
		if _, err := c.WaitSpaceAllocated(t.Context(), spaceID, time.Hour); err != nil || len(f.requests()) > 50 {
			t.Errorf("%v after %d requests", err, len(f.requests()))
		}
	})
}

func TestInterruptedWaitForASpaceReturnsAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		_, c := spaces(t, []heroku.SpaceID{spaceID}, turning("allocating", time.Hour, "allocated"))
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Second)
		defer cancel()
		begun := time.Now()
		_, err := c.WaitSpaceAllocated(ctx, spaceID, time.Hour)
		var wait *heroku.WaitError
		if !errors.As(err, &wait) || wait.Outcome != heroku.Interrupted || time.Since(begun) != 100*time.Second {
			t.Errorf("%v after %v", err, time.Since(begun))
		}
	})
}
