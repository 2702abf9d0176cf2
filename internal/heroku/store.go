// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package heroku

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Store describes a Key-Value Store: its settings, version and maintenance window (Data API for KVS, info). Nearly every field may
// be empty, especially while the store is being prepared.
type Store struct {
	AddOnID              AddOnID
	Name                 string
	Plan                 string // short name: "premium-0"
	Version              string // "7.2.4"
	Status               string // "Available", "Preparing (upgrade in progress)", …; upper and lower case vary
	Timeout              *int   // seconds; with 0, idle connections are never closed
	MaxmemoryPolicy      *string
	NotifyKeyspaceEvents *string // flags; "" when they are disabled
	Maintenance          string  // "not required", "required by …"
	MaintenanceWindow    string  // "Mondays 22:30 to Tuesdays 02:30 UTC"; empty on plans without one
	Persistence          string  // "AOF", "None"
	HAStatus             string
	RequiresTLS          *bool
	CreatedAt            string // in one of several formats
	ResourceURL          Secret // the URL with the password; empty until the server exists
}

// StoreConfigUpdate holds the settings to change; nil fields stay unchanged, and zero values are set.
type StoreConfigUpdate struct {
	Timeout              *int    `json:"timeout,omitempty"`
	MaxmemoryPolicy      *string `json:"maxmemory_policy,omitempty"`
	NotifyKeyspaceEvents *string `json:"notify_keyspace_events,omitempty"`
}

// Preparing reports whether the store is being created, copied or upgraded.
func (s Store) Preparing() bool {
	status := strings.ToLower(s.Status)
	return strings.HasPrefix(status, "preparing") || strings.HasPrefix(status, "upgrading")
}

// Format prints the store like any struct. Without it, fmt would not call the methods of ResourceURL for a *Store and a verb that
// does not fit, and would print the URL.
func (s Store) Format(f fmt.State, verb rune) {
	type fields Store
	fmt.Fprintf(f, fmt.FormatString(f, verb), fields(s))
}

type wireStore struct {
	AddOnID     text      `json:"addon_id"`
	Name        text      `json:"name"`
	Plan        text      `json:"plan"`
	Version     text      `json:"version"`
	CreatedAt   text      `json:"created_at"`
	ResourceURL text      `json:"resource_url"`
	Info        []infoRow `json:"info"`
}

type infoRow struct {
	Name   text   `json:"name"`
	Values []text `json:"values"`
}

func (w wireStore) value() (Store, error) {
	if w.AddOnID == "" && w.Name == "" && len(w.Info) == 0 {
		return Store{}, missing("store")
	}
	s := Store{
		AddOnID:     AddOnID(w.AddOnID),
		Name:        string(w.Name),
		Plan:        strings.TrimPrefix(string(w.Plan), serviceName+":"),
		Version:     string(w.Version),
		CreatedAt:   string(w.CreatedAt),
		ResourceURL: Secret(w.ResourceURL),
	}
	for _, row := range w.Info {
		if len(row.Values) > 0 {
			s.setInfoRow(strings.ToLower(strings.TrimSpace(string(row.Name))), string(row.Values[0]))
		}
	}
	return s, nil
}

// setInfoRow sets a field from a row of the info table. Rows are meant for display, so that the typed fields of the response
// take precedence.
func (s *Store) setInfoRow(row, value string) {
	switch row {
	case "status":
		s.Status = value
	case "version":
		if s.Version == "" {
			s.Version = value
		}
	case "timeout":
		s.Timeout = parseInt(value)
	case "maxmemory":
		s.MaxmemoryPolicy = &value
	case "keyspace notifications":
		if strings.EqualFold(value, "disabled") {
			value = ""
		}
		s.NotifyKeyspaceEvents = &value
	case "maintenance":
		s.Maintenance = value
	case "maintenance window":
		s.MaintenanceWindow = value
	case "persistence":
		s.Persistence = value
	case "ha status":
		s.HAStatus = value
	case "requires tls":
		yes := strings.EqualFold(value, "yes") || strings.EqualFold(value, "true")
		s.RequiresTLS = &yes
	}
}

func (c *Client) database(id AddOnID, rest ...string) call {
	k := c.get(append([]string{"redis", "v0", "databases", string(id)}, rest...)...)
	k.endpoint = c.data
	return k
}

// Store returns a store. For seconds to minutes after the creation of the add-on, the error is a 404. Heroku has no list of stores,
// so that each is read by its own GET, once per operation.
func (c *Client) Store(ctx context.Context, id AddOnID) (Store, error) {
	if s, ok := c.stores.get(id); ok {
		return s, nil
	}
	return c.readStore(ctx, id)
}

func (c *Client) readStore(ctx context.Context, id AddOnID) (Store, error) {
	requestedAt := c.now()
	s, _, err := exchange(ctx, c, c.database(id), requireID(id, storeID, decodeOne[wireStore]))
	c.known.add(s.ResourceURL)
	if err == nil {
		c.storeURLs.Store(id, s.ResourceURL)
		c.stores.put(id, s, requestedAt)
	}
	return s, err
}

// CachedStoreURL returns the URL of a store from this client's last read of it, even if something was written since.
func (c *Client) CachedStoreURL(ctx context.Context, id AddOnID) (Secret, error) {
	if found, ok := c.storeURLs.Load(id); ok {
		if url, ok := found.(Secret); ok {
			return url, ctx.Err()
		}
	}
	s, err := c.Store(ctx, id)
	return s.ResourceURL, err
}

// Stores reads the stores concurrently, each like [Client.Store], and yields them in the order of ids.
func (c *Client) Stores(ctx context.Context, ids []AddOnID) iter.Seq2[Store, error] {
	return func(yield func(Store, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		answers := make([]chan readResult[Store], len(ids))
		begin := func(i int) {
			if i >= len(ids) {
				return
			}
			answers[i] = make(chan readResult[Store], 1)
			go func() {
				store, err := catchPanic(func() (Store, error) { return c.Store(ctx, ids[i]) })
				answers[i] <- readResult[Store]{store, err}
			}()
		}
		for i := range maxInFlight {
			begin(i)
		}
		for i := range ids {
			answer := <-answers[i]
			begin(i + maxInFlight)
			if !yield(answer.item, answer.err) {
				return
			}
		}
	}
}

// UpdateStoreConfig changes settings. The store does not restart.
func (c *Client) UpdateStoreConfig(ctx context.Context, id AddOnID, u StoreConfigUpdate) error {
	k := c.database(id, "config")
	current := k
	k.operation, k.method, k.body = write, http.MethodPatch, u
	_, err := updateObject(ctx, c, k, decode[storeConfig],
		func(ctx context.Context) (storeConfig, error) {
			now, _, err := exchange(ctx, c, current, decode[storeConfig])
			return now, err
		},
		func(now storeConfig) bool { return now.has(u) })
	return err
}

// storeConfig is the map of settings; unknown keys are ignored.
type storeConfig struct {
	Timeout              setting `json:"timeout"`
	MaxmemoryPolicy      setting `json:"maxmemory_policy"`
	NotifyKeyspaceEvents setting `json:"notify_keyspace_events"`
}

type setting struct {
	Value text `json:"value"`
}

// has reports whether the settings are as the update wants them.
func (s storeConfig) has(u StoreConfigUpdate) bool {
	return (u.Timeout == nil || fmt.Sprint(*u.Timeout) == string(s.Timeout.Value)) &&
		(u.MaxmemoryPolicy == nil || *u.MaxmemoryPolicy == string(s.MaxmemoryPolicy.Value)) &&
		(u.NotifyKeyspaceEvents == nil || flags(*u.NotifyKeyspaceEvents) == flags(string(s.NotifyKeyspaceEvents.Value)))
}

// flags returns the flags of keyspace events, sorted and with A replaced by the flags that it stands for, so that equal settings
// compare equal (Heroku CLI, redis:keyspace-notifications). A server returns them in an order of its own.
func flags(events string) string {
	each := []byte(strings.ReplaceAll(events, "A", "g$lshztxe"))
	slices.Sort(each)
	return string(slices.Compact(each))
}

// WaitStoreAvailable waits until the store can be used and, if plan is not empty, runs on that plan (short name). It is the
// only way to see the end of a plan change, during which the add-on stays provisioned. While the Data API does not know the
// store, the wait goes on, unless the Platform API reports that the add-on is gone. Its errors are *WaitError.
func (c *Client) WaitStoreAvailable(ctx context.Context, id AddOnID, plan string, timeout time.Duration) (Store, error) {
	what := fmt.Sprintf("the store of add-on %s to be available", id)
	if plan != "" {
		what += " on plan " + plan
	}
	first, watched := true, existenceCheck{c: c, id: id}
	return await(ctx, c, what, timeout, func(ctx context.Context, _ time.Duration) (Store, progress, error) {
		if first { // a new store is usually available once its add-on is provisioned: then this read is the only request
			first = false
			s, got, err := c.readStoreProgress(ctx, id, plan)
			if err == nil && (!got.ready || strings.EqualFold(s.Status, "available")) {
				return s, got, nil
			}
		}
		s, got, err := c.pollStore(ctx, id, plan)
		if err == nil {
			got = watched.evaluate(ctx, got)
		}
		return s, got, err
	})
}

// WaitReady waits until a new add-on is provisioned and its store is available on the plan. It reads the store while it waits for
// the add-on, which saves a round trip for a store that is available at once. Its errors are *WaitError.
func (c *Client) WaitReady(ctx context.Context, id AddOnID, plan string, timeout time.Duration) (AddOn, Store, error) {
	first := make(chan *Store, 1)
	go func() {
		s, err := catchPanic(func() (*Store, error) {
			s, got, err := c.readStoreProgress(ctx, id, plan)
			if err != nil || !got.ready || !strings.EqualFold(s.Status, "available") {
				return nil, err
			}
			return &s, nil
		})
		_ = err // WaitStoreAvailable reads the store again
		first <- s
	}()
	addOn, err := c.WaitAddOnProvisioned(ctx, id, timeout)
	if err != nil {
		return addOn, Store{}, err
	}
	if s := <-first; s != nil {
		return addOn, *s, nil
	}
	store, err := c.WaitStoreAvailable(ctx, id, plan, timeout)
	return addOn, store, err
}

// readStoreProgress reads a store, and evaluates it for a wait.
func (c *Client) readStoreProgress(ctx context.Context, id AddOnID, plan string) (Store, progress, error) {
	s, err := c.readStore(ctx, id)
	got, err := s.availability(err, plan)
	return s, got, err
}

// pollStore asks the Data API whether the store is still being changed, and reads the store if it is not.
func (c *Client) pollStore(ctx context.Context, id AddOnID, plan string) (Store, progress, error) {
	busy, _, err := exchange(ctx, c, c.database(id, "wait"), decode[struct {
		Message text  `json:"message"`
		Waiting *flag `json:"waiting?"`
	}])
	switch {
	case isAbsentFromDataAPI(err):
		return Store{}, progress{state: absentFromDataAPI, absent: true}, nil
	case err != nil:
		return Store{}, progress{}, err
	case busy.Waiting == nil || bool(*busy.Waiting):
		return Store{}, progress{state: string(busy.Message)}, nil
	}
	return c.readStoreProgress(ctx, id, plan)
}

// availability evaluates the result of reading a store: the store, or err.
func (s Store) availability(err error, plan string) (progress, error) {
	switch {
	case isAbsentFromDataAPI(err):
		return progress{state: absentFromDataAPI, absent: true}, nil
	case err != nil:
		return progress{}, err
	case plan != "" && s.Plan != plan:
		return progress{state: strings.TrimSpace(s.Status + " on plan " + s.Plan)}, nil
	}
	return progress{state: s.Status, ready: !s.Preparing()}, nil
}

const absentFromDataAPI = "not known to the Data API"

// isAbsentFromDataAPI reports whether err is a 404 of any form, since the Data API also sends some without an id or without JSON.
func isAbsentFromDataAPI(err error) bool {
	var e *Error
	var body *BodyError
	return errors.As(err, &e) && e.Status == http.StatusNotFound ||
		errors.As(err, &body) && body.Status == http.StatusNotFound
}
