// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package sandbox

import (
	"net/http"
	"strings"
	"time"
)

type logDrain struct {
	ID, Token, URL       string
	CreatedAt, UpdatedAt time.Time
}

type logDrainBody struct {
	Addon     *idName `json:"addon"`
	CreatedAt string  `json:"created_at"`
	ID        string  `json:"id"`
	Token     string  `json:"token"`
	UpdatedAt string  `json:"updated_at"`
	URL       string  `json:"url"`
}

func (d *logDrain) body() logDrainBody {
	return logDrainBody{CreatedAt: stamp(d.CreatedAt), ID: d.ID, Token: d.Token, UpdatedAt: stamp(d.UpdatedAt), URL: d.URL}
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

func getSpaceLogDrain(c *call) (int, any, error) {
	sp, err := c.spaceToChange()
	if err != nil {
		return 0, nil, err
	}
	if sp.LogDrain == nil {
		return 0, nil, notFound("log_drain", "log drain")
	}
	return http.StatusOK, sp.LogDrain.body(), nil
}

func setSpaceLogDrain(c *call) (int, any, error) {
	sp, err := c.spaceToChange()
	if err != nil {
		return 0, nil, err
	}
	var in struct {
		URL string `json:"url"`
	}
	if err := c.params(&in); err != nil {
		return 0, nil, err
	}
	if err := c.drainTo(sp, in.URL); err != nil {
		return 0, nil, err
	}
	return http.StatusOK, sp.LogDrain.body(), nil
}
