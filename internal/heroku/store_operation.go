// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package heroku

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// rotationLookUpTime is how long the store is read after the response to a rotation was lost, before the rotation is requested
// again.
const rotationLookUpTime = 15 * time.Second

// storeOperation returns a POST that starts an operation on a store.
func (c *Client) storeOperation(id AddOnID, body map[string]string, rest ...string) call {
	k := c.database(id, rest...)
	k.operation, k.method, k.body = create, http.MethodPost, body
	return k
}

// UpgradeStore upgrades a store to a newer version, such as "7.2" (Data API for KVS, upgrade). On a production plan Heroku
// prepares a maintenance: wait until it is ready, and run it. On mini Heroku upgrades at once, and all data is lost. An upgrade
// cannot be undone.
func (c *Client) UpgradeStore(ctx context.Context, id AddOnID, version string) error {
	before, err := c.latestMaintenance(ctx, id)
	if err != nil {
		return err
	}
	_, err = nonIdempotentPost[Store]{
		what: fmt.Sprintf("an upgrade of add-on %s to version %s", id, version),
		call: c.storeOperation(id, map[string]string{"version": version}, "upgrade"), decode: acknowledged[Store],
		find: func(ctx context.Context) (Store, error) {
			store, err := c.readStore(ctx, id)
			if err != nil || store.Preparing() || store.runs(version) {
				return store, err
			}
			now, err := c.latestMaintenance(ctx, id)
			if err == nil && !(now.underWay() && !before.underWay()) {
				err = errAbsent
			}
			return store, err
		},
		check: func(Store) error { return nil },
	}.send(ctx, c)
	return err
}

// runs reports whether the store has this version, which may have fewer components than the store's: 7.2 matches 7.2.4.
func (s Store) runs(version string) bool {
	return s.Version == version || strings.HasPrefix(s.Version, version+".")
}

func (m Maintenance) underWay() bool { return m.Outstanding() || m.Status == MaintenanceRunning }

// latestMaintenance is like [Client.Maintenance], but no error for a store that never had a maintenance or is on mini.
func (c *Client) latestMaintenance(ctx context.Context, id AddOnID) (Maintenance, error) {
	m, err := c.Maintenance(ctx, id)
	if isAbsentFromDataAPI(err) {
		return Maintenance{Status: MaintenanceNone}, nil
	}
	return m, err
}

// RotateCredentials requests a new password for a store, and returns the URL from before the rotation (Data API for KVS,
// credentials_rotation). All attached apps get the new URL, and restart. Wait with [Client.WaitCredentialsRotated].
func (c *Client) RotateCredentials(ctx context.Context, id AddOnID) (before Secret, err error) {
	store, err := c.readStore(ctx, id)
	if err != nil {
		return "", err
	}
	_, err = nonIdempotentPost[Store]{
		what: fmt.Sprintf("a rotation of the credentials of add-on %s", id),
		call: c.storeOperation(id, map[string]string{}, "credentials_rotation"), decode: acknowledged[Store],
		find: func(ctx context.Context) (Store, error) {
			now, err := c.WaitCredentialsRotated(ctx, id, store.ResourceURL, rotationLookUpTime)
			var wait *WaitError
			if errors.As(err, &wait) && wait.Outcome == TimedOut && wait.Err == nil {
				err = errAbsent
			}
			return now, err
		},
		check: func(Store) error { return nil },
	}.send(ctx, c)
	return store.ResourceURL, err
}

// WaitCredentialsRotated waits until a store has another URL than before. The attached apps may get it later. Its errors are
// *WaitError.
func (c *Client) WaitCredentialsRotated(ctx context.Context, id AddOnID, before Secret, timeout time.Duration) (Store, error) {
	what := fmt.Sprintf("the credentials of add-on %s to change", id)
	watched := existenceCheck{c: c, id: id}
	return await(ctx, c, what, timeout, func(ctx context.Context, _ time.Duration) (Store, progress, error) {
		store, err := c.readStore(ctx, id)
		switch {
		case isAbsentFromDataAPI(err):
			return store, watched.evaluate(ctx, progress{state: absentFromDataAPI, absent: true}), nil
		case err != nil:
			return store, progress{}, err
		case store.ResourceURL == "" || store.ResourceURL == before:
			return store, progress{state: "the URL is the old one"}, nil
		}
		return store, progress{state: store.Status, ready: !store.Preparing()}, nil
	})
}

// ResetStats sets the server's counters back to 0 (Data API for KVS, stats/reset).
func (c *Client) ResetStats(ctx context.Context, id AddOnID) error {
	k := c.storeOperation(id, map[string]string{}, "stats", "reset")
	k.operation = write // this POST is idempotent
	_, _, err := exchange(ctx, c, k, acknowledged[struct{}])
	return err
}
