// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package sandbox

import (
	"net/url"
	"regexp"
)

// officialBuildpack is a name such as heroku/go; every other buildpack is named by its URL.
var officialBuildpack = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]*/[a-z0-9][a-z0-9_-]*$`)

func buildpackBodies(a *app) []object {
	bodies := []object{}
	for i, name := range a.Buildpacks {
		address := name
		if officialBuildpack.MatchString(name) {
			address = "https://buildpack-registry.s3.amazonaws.com/buildpacks/" + name + ".tgz"
		}
		bodies = append(bodies, object{"ordinal": i, "buildpack": object{"name": name, "url": address}})
	}
	return bodies
}

func listBuildpacks(_ *call, a *app) (any, error) { return buildpackBodies(a), nil }

// setBuildpacks replaces all buildpacks of an app; they are used by its next build.
func setBuildpacks(c *call, a *app, in struct {
	Updates *[]struct {
		Buildpack string `json:"buildpack"`
	} `json:"updates"`
}) (any, error) {
	switch {
	case c.w.generation(a) == fir:
		return nil, invalid("Buildpacks can't be set on app %s: it uses Cloud Native Buildpacks. Configure them in project.toml.", a.Name)
	case in.Updates == nil:
		return nil, invalid("Updates is required.")
	}
	var names []string
	for _, update := range *in.Updates {
		address, err := url.Parse(update.Buildpack)
		if !officialBuildpack.MatchString(update.Buildpack) && (err != nil || address.Scheme == "" || address.Host == "") {
			return nil, invalid("Buildpack %q is not a valid buildpack: use a name such as heroku/go, or a URL.", update.Buildpack)
		}
		names = append(names, update.Buildpack)
	}
	a.Buildpacks = names
	a.touch(c.now)
	return buildpackBodies(a), nil
}
