// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/sandbox"
)

// atOnce is the shortest provisioning: the zero option is the default.
const atOnce = time.Nanosecond

// startWorld starts a sandbox whose stores are in this process, with apps that are there already.
func startWorld(ctx context.Context, apps int, o sandbox.Options) (*sandbox.Sandbox, []string, error) {
	if o.Engine == "" {
		o.Engine = "miniredis"
	}
	if o.Provisioning == 0 {
		o.Provisioning = atOnce
	}
	o.Seed = 1
	sb, err := sandbox.Start(ctx, o)
	if err != nil {
		return nil, nil, err
	}
	ids := make([]string, apps)
	for i := range ids {
		var app struct{ ID string }
		if err := ask(ctx, sb, http.MethodPost, "/apps", map[string]string{"name": fmt.Sprintf("bench-web-%d", i)}, &app); err != nil {
			_ = sb.Close()
			return nil, nil, err
		}
		ids[i] = app.ID
	}
	return sb, ids, nil
}

// store is one that was ordered beside Terraform.
type store struct {
	ID, Name  string
	CreatedAt string `json:"created_at"`
	app       string
}

// order orders the stores with these numbers as an estate would, side by side on all apps.
func order(ctx context.Context, sb *sandbox.Sandbox, apps []string, from, to int) (map[int]store, error) {
	var (
		mu      sync.Mutex
		stores  = make(map[int]store, to-from)
		errs    = make(chan error, len(apps))
		workers sync.WaitGroup
	)
	for a, app := range apps {
		workers.Go(func() {
			for i := a; i < to; i += len(apps) {
				if i < from {
					continue
				}
				s := store{app: app}
				if err := ask(ctx, sb, http.MethodPost, "/apps/"+app+"/addons", like(i), &s); err != nil {
					errs <- err
					return
				}
				mu.Lock()
				stores[i] = s
				mu.Unlock()
			}
		})
	}
	workers.Wait()
	close(errs)
	return stores, <-errs
}

// like is the order of an estate's store.
func like(i int) map[string]any {
	return map[string]any{
		"plan":       "heroku-redis:premium-0",
		"name":       fmt.Sprintf("bench-%d", i),
		"attachment": map[string]string{"name": fmt.Sprintf("CACHE_%d", i)},
		"config":     map[string]string{"timeout": "600", "maxmemory_policy": "allkeys-lru"},
	}
}

// ask uses the API as anybody does.
func ask(ctx context.Context, sb *sandbox.Sandbox, method, path string, body, into any) error {
	var content []byte
	if body != nil {
		var err error
		if content, err = json.Marshal(body); err != nil {
			return err
		}
	}
	request, err := http.NewRequestWithContext(ctx, method, sb.URL()+path, bytes.NewReader(content))
	if err != nil {
		return err
	}
	request.Header.Set("Accept", "application/vnd.heroku+json; version=3")
	request.Header.Set("Authorization", "Bearer "+sb.Token())
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	switch {
	case err != nil:
		return err
	case response.StatusCode >= http.StatusMultipleChoices:
		return fmt.Errorf("%s %s: %s", method, path, response.Status)
	case into == nil:
		return nil
	}
	return json.Unmarshal(answer, into)
}
