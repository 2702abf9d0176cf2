// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package heroku

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"
)

// acknowledged accepts any JSON object, and returns the zero value.
func acknowledged[T any](body []byte) (T, error) {
	var none T
	return none, expect(body, '{', "an object")
}

// RunMaintenance begins a store's maintenance, which must be ready, now (Data API, data maintenances, run). Unlike the Heroku
// CLI, it does not check that the app is in maintenance mode. Wait with [Client.WaitMaintenanceOver].
func (c *Client) RunMaintenance(ctx context.Context, id AddOnID) error {
	k := c.maintenances(string(id), "run")
	k.operation, k.method = create, http.MethodPost
	start := c.earliestCreatedAt()
	_, err := nonIdempotentPost[Maintenance]{
		what: fmt.Sprintf("a run of the maintenance of add-on %s", id), call: k, decode: acknowledged[Maintenance],
		find: func(ctx context.Context) (Maintenance, error) {
			m, err := c.Maintenance(ctx, id)
			if err == nil && m.Outstanding() {
				err = errAbsent
			}
			return m, err
		},
		check: func(m Maintenance) error {
			if m.Status == MaintenanceRunning || m.Status == MaintenanceCompleted && !m.StartedAt.Before(start) {
				return nil
			}
			return fmt.Errorf("the last maintenance is %s, since %s", m.Status, m.StartedAt.Format(time.RFC3339))
		},
	}.send(ctx, c)
	return err
}

// ScheduleMaintenance moves the outstanding maintenance of a store by whole weeks, to an earlier date if weeks is negative, and
// returns the new date (Data API, data maintenances, schedule). Weeks count from previous, the date that it was scheduled for,
// or from now if previous is zero.
func (c *Client) ScheduleMaintenance(ctx context.Context, id AddOnID, previous time.Time, weeks int) (time.Time, error) {
	k := c.maintenances(string(id), "schedule")
	k.operation, k.method, k.body = create, http.MethodPost, map[string]int{"delay_weeks": weeks}
	return nonIdempotentPost[time.Time]{
		what: fmt.Sprintf("a schedule of the maintenance of add-on %s", id), call: k, decode: decodeOne[wireSchedule],
		find: func(ctx context.Context) (time.Time, error) {
			m, err := c.Maintenance(ctx, id)
			if err == nil && m.ScheduledFor.Equal(previous) {
				err = errAbsent
			}
			return m.ScheduledFor, err
		},
		check: func(time.Time) error { return nil },
	}.send(ctx, c)
}

type wireSchedule struct {
	ScheduledFor dataTime `json:"scheduled_for"`
	ScheduledAt  dataTime `json:"scheduled_at"` // the name in the Heroku CLI, for windows
}

func (w wireSchedule) value() (time.Time, error) {
	at := w.ScheduledFor.or(w.ScheduledAt)
	if at.IsZero() {
		return at, missing("time that the maintenance is scheduled for")
	}
	return at, nil
}

// WaitMaintenanceReady waits until a maintenance that is being prepared can be run, or has begun by itself. Its errors are
// *WaitError.
func (c *Client) WaitMaintenanceReady(ctx context.Context, id AddOnID, timeout time.Duration) (Maintenance, error) {
	return c.awaitMaintenance(ctx, id, "the maintenance of add-on %s to be ready", timeout, evaluatePreparation)
}

// WaitMaintenanceOver waits until a maintenance that was begun is no longer running. Its errors are *WaitError.
func (c *Client) WaitMaintenanceOver(ctx context.Context, id AddOnID, timeout time.Duration) (Maintenance, error) {
	return c.awaitMaintenance(ctx, id, "the maintenance of add-on %s to be over", timeout, evaluateRun)
}

func (c *Client) awaitMaintenance(ctx context.Context, id AddOnID, what string, timeout time.Duration,
	evaluate func(m Maintenance, waited time.Duration) progress,
) (Maintenance, error) {
	watched := existenceCheck{c: c, id: id}
	return await(ctx, c, fmt.Sprintf(what, id), timeout, func(ctx context.Context, waited time.Duration) (Maintenance, progress, error) {
		m, err := c.Maintenance(ctx, id)
		var got progress
		switch {
		case IsNotFound(err): // the add-on is not found; a missing maintenance is a 404 without an id
			got = progress{state: absentFromDataAPI, absent: true}
			if waited > notFoundGrace {
				got.failure = errGone
			}
		case isAbsentFromDataAPI(err):
			m = Maintenance{Status: MaintenanceNone}
			got = evaluate(m, waited)
		case err != nil:
			return m, progress{}, err
		default:
			got = evaluate(m, waited)
		}
		return m, watched.evaluate(ctx, got), nil
	})
}

// evaluatePreparation evaluates a maintenance that was requested. For a while, Heroku may still return the previous one.
func evaluatePreparation(m Maintenance, waited time.Duration) progress {
	p := progress{state: m.Status, ready: m.Status == MaintenanceReady || m.Status == MaintenanceRunning}
	if (m.Status == MaintenanceNone || m.Status == MaintenanceCompleted) && waited > notFoundGrace {
		p.failure = errors.New("there is none outstanding")
	}
	return p
}

// evaluateRun evaluates a maintenance that was begun. In an unknown state the wait goes on.
func evaluateRun(m Maintenance, waited time.Duration) progress {
	p := progress{state: m.Status, ready: m.Status == MaintenanceCompleted || m.Status == MaintenanceNone}
	if m.Outstanding() && waited > notFoundGrace {
		p.failure = errors.New("it has not begun")
	}
	return p
}
