// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package sandbox

import (
	"net/url"
	"slices"
	"time"
)

// logDrain is a log drain of a space or an app. It is stored, and no logs are sent.
type logDrain struct {
	ID, Token, URL       string
	CreatedAt, UpdatedAt time.Time
}

func (c *call) newDrain(address string) logDrain {
	return logDrain{ID: c.w.uuid(), Token: "d." + c.w.uuid(), URL: address, CreatedAt: c.now, UpdatedAt: c.now}
}

func (d logDrain) body() object {
	return object{"id": d.ID, "token": d.Token, "url": d.URL, "addon": nil, "app": nil,
		"created_at": stamp(d.CreatedAt), "updated_at": stamp(d.UpdatedAt)}
}

// isURL reports whether an address is a URL with a host and one of the schemes.
func isURL(address string, schemes ...string) bool {
	u, err := url.Parse(address)
	return err == nil && u.Host != "" && slices.Contains(schemes, u.Scheme)
}

// setDrainURL sets the URL of a space's log drain. The error does not repeat the URL, which may contain a secret.
func (c *call) setDrainURL(sp *space, address string) error {
	switch {
	case !isURL(address, "https"):
		return invalid("The URL of a space's log drain must be an https URL.")
	case sp.LogDrain == nil:
		d := c.newDrain(address)
		sp.LogDrain = &d
	}
	sp.LogDrain.URL, sp.LogDrain.UpdatedAt = address, c.now
	return nil
}

func getSpaceLogDrain(_ *call, sp *space) (any, error) {
	if sp.LogDrain == nil {
		return nil, notFound("log_drain", "log drain")
	}
	return sp.LogDrain.body(), nil
}

type drainParams struct {
	URL string `json:"url"`
}

func setSpaceLogDrain(c *call, sp *space, in drainParams) (any, error) {
	if err := c.setDrainURL(sp, in.URL); err != nil {
		return nil, err
	}
	return sp.LogDrain.body(), nil
}

func appDrainBody(a *app, d logDrain) object {
	b := d.body()
	b["app"] = a.idName()
	return b
}

func listDrains(_ *call, a *app) (any, error) {
	return listAll(a.Drains, func(d logDrain) object { return appDrainBody(a, d) }, "id"), nil
}

// pathDrain finds the log drain in the path by id, token or URL.
func (c *call) pathDrain(a *app) (logDrain, error) {
	ref := c.PathValue("drain")
	for _, d := range a.Drains {
		if d.ID == ref || d.Token == ref || d.URL == ref {
			return d, nil
		}
	}
	return logDrain{}, notFound("log_drain", "log drain")
}

func getDrain(c *call, a *app) (any, error) {
	d, err := c.pathDrain(a)
	if err != nil {
		return nil, err
	}
	return appDrainBody(a, d), nil
}

func createDrain(c *call, a *app, in drainParams) (any, error) {
	switch {
	case c.w.generation(a) == fir:
		return nil, invalid("Log drains are not available to apps of the %s generation. Use telemetry drains.", fir)
	case !isURL(in.URL, "https", "http", "syslog", "syslog+tls"):
		return nil, invalid("Url is invalid")
	case slices.ContainsFunc(a.Drains, func(d logDrain) bool { return d.URL == in.URL }):
		return nil, invalid("Url has already been taken")
	}
	d := c.newDrain(in.URL)
	a.Drains = append(a.Drains, d)
	return appDrainBody(a, d), nil
}

func deleteDrain(c *call, a *app) (any, error) {
	d, err := c.pathDrain(a)
	if err != nil {
		return nil, err
	}
	a.Drains = slices.DeleteFunc(a.Drains, func(other logDrain) bool { return other.ID == d.ID })
	return appDrainBody(a, d), nil
}
