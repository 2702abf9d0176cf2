// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package sandbox

import (
	"strings"
	"time"
)

type logDrain struct {
	ID, Token, URL       string
	CreatedAt, UpdatedAt time.Time
}

func (d *logDrain) body() object {
	return object{"id": d.ID, "token": d.Token, "url": d.URL, "addon": nil,
		"created_at": stamp(d.CreatedAt), "updated_at": stamp(d.UpdatedAt)}
}

// drainTo sends a space's logs to a URL, which may hold a secret.
func (c *call) drainTo(sp *space, url string) error {
	if !strings.HasPrefix(url, "https://") || len(url) == len("https://") {
		return invalid("The URL of a space's log drain must be an https URL.")
	}
	if sp.LogDrain == nil {
		sp.LogDrain = &logDrain{ID: c.w.uuid(), Token: "d." + c.w.uuid(), CreatedAt: c.now}
	}
	sp.LogDrain.URL, sp.LogDrain.UpdatedAt = url, c.now
	return nil
}

func getSpaceLogDrain(_ *call, sp *space) (any, error) {
	if sp.LogDrain == nil {
		return nil, notFound("log_drain", "log drain")
	}
	return sp.LogDrain.body(), nil
}

func setSpaceLogDrain(c *call, sp *space, in struct {
	URL string `json:"url"`
}) (any, error) {
	if err := c.drainTo(sp, in.URL); err != nil {
		return nil, err
	}
	return sp.LogDrain.body(), nil
}
