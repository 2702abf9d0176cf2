// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package sandbox

import "time"

// appFeatures maps the name of each app feature to its description. Switching one on or off has no effect here.
var appFeatures = map[string]string{
	"http-session-affinity":    "Route each user to the same web dyno.",
	"log-runtime-metrics":      "Emit dyno resource usage information into app logs.",
	"preboot":                  "Provide seamless web dyno deploys.",
	"runtime-dyno-metadata":    "Make metadata of the app available in its environment.",
	"runtime-heroku-metrics":   "Emit language metrics.",
	"spaces-strict-tls":        "Serve strong TLS ciphers only.",
	"spaces-tls-modern":        "Serve TLS 1.2 and later only.",
	"web-auto-scaling-enabled": "Scale web dynos by response time.",
}

func appFeatureBody(a *app, name string) object {
	b := featureBody(name, appFeatures[name], a.CreatedAt)
	b["id"], b["enabled"] = catalogueID("app feature "+name), a.Features[name]
	return b
}

// featureBody is the representation of an enabled feature.
func featureBody(name, description string, since time.Time) object {
	return object{
		"id": catalogueID("feature " + name), "name": name, "display_name": name, "description": description, "state": "general",
		"enabled": true, "doc_url": "https://devcenter.heroku.com/articles/" + name, "feedback_email": "feedback@heroku.com",
		"created_at": stamp(since), "updated_at": stamp(since),
	}
}

func listAppFeatures(_ *call, a *app) (any, error) {
	l := listing{fields: []string{"id", "name"}}
	for name := range appFeatures {
		l.items = append(l.items, appFeatureBody(a, name))
	}
	return l, nil
}

// pathFeature returns the name of the feature in the path, which is given by name or id.
func (c *call) pathFeature() (string, error) {
	for name := range appFeatures {
		if ref := c.PathValue("feature"); ref == name || ref == catalogueID("app feature "+name) {
			return name, nil
		}
	}
	return "", notFound("app_feature", "app feature")
}

func getAppFeature(c *call, a *app) (any, error) {
	name, err := c.pathFeature()
	if err != nil {
		return nil, err
	}
	return appFeatureBody(a, name), nil
}

func updateAppFeature(c *call, a *app, in struct {
	Enabled *bool `json:"enabled"`
}) (any, error) {
	name, err := c.pathFeature()
	switch {
	case err != nil:
		return nil, err
	case in.Enabled == nil:
		return nil, invalid("Enabled is required.")
	case a.Features == nil:
		a.Features = map[string]bool{}
	}
	a.Features[name] = *in.Enabled
	a.touch(c.now)
	return appFeatureBody(a, name), nil
}
