// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sync"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/sandbox"
)

// startSandbox starts a sandbox with miniredis, creates apps, and returns their ids.
func startSandbox(ctx context.Context, apps int, o sandbox.Options) (sb *sandbox.Sandbox, ids []string) {
	o.Engine, o.Seed = "miniredis", 1
	o.Provisioning = max(o.Provisioning, 1) // 0 means the default
	sb, err := sandbox.Start(ctx, o)
	check(err)
	for i := range apps {
		var app struct{ ID string }
		check(post(ctx, sb, "/apps", map[string]string{"name": fmt.Sprintf("bench-web-%d", i)}, &app))
		ids = append(ids, app.ID)
	}
	return sb, ids
}

func stop(sb *sandbox.Sandbox) { _ = sb.Close() }

// store is a store that was created without Terraform.
type store struct {
	ID        string
	CreatedAt string `json:"created_at"`
	app       string
}

// createStores creates the stores with the numbers from (inclusive) to to (exclusive) as an estate would, in parallel on all apps. The
// index of the result is the number.
func createStores(ctx context.Context, sb *sandbox.Sandbox, apps []string, from, to int) []store {
	stores, errs := make([]store, to), make([]error, len(apps))
	var workers sync.WaitGroup
	for a, app := range apps {
		workers.Go(func() {
			for i := a; i < to && errs[a] == nil; i += len(apps) {
				if i >= from {
					stores[i].app = app
					errs[a] = post(ctx, sb, "/apps/"+app+"/addons", map[string]any{
						"plan":       "heroku-redis:premium-0",
						"name":       fmt.Sprintf("bench-%d", i),
						"attachment": map[string]string{"name": fmt.Sprintf("CACHE_%d", i)},
						"config":     map[string]string{"timeout": "600", "maxmemory_policy": "allkeys-lru"},
					}, &stores[i])
				}
			}
		})
	}
	workers.Wait()
	check(errors.Join(errs...))
	return stores
}

func post(ctx context.Context, sb *sandbox.Sandbox, path string, body, into any) error {
	content, err := json.Marshal(body)
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, sb.URL()+path, bytes.NewReader(content))
	if err != nil {
		return err
	}
	request.Header = http.Header{"Accept": {"application/vnd.heroku+json; version=3"}, "Content-Type": {"application/json"},
		"Authorization": {"Bearer " + sb.Token()}}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode >= http.StatusMultipleChoices {
		return fmt.Errorf("POST %s: %s", path, response.Status)
	}
	return json.NewDecoder(response.Body).Decode(into)
}
