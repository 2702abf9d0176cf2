// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package sandbox

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

type release struct {
	ID, Description string
	Version         int
	Plans           []string // of the app's add-ons at that time
	Slug            string   `json:",omitempty"` // id of its slug
	Types           []string `json:",omitempty"` // process types of the slug
	CreatedAt       time.Time
	UserID, Email   string
	ConfigVars      map[string]string // set by users; nil = unchanged from the previous release
}

// addOnPartner is the user in releases that an add-on has caused.
var addOnPartner = &user{ID: catalogueID("user heroku-redis"), Email: "heroku-redis@addons.heroku.com"}

// release adds a release to an app, after a change of its environment. It restarts the app.
func (w *world) release(a *app, description string, by *user, now time.Time) {
	r := release{
		ID:          w.uuid(),
		Description: description,
		Version:     len(a.Releases) + 1,
		CreatedAt:   now,
		UserID:      by.ID,
		Email:       by.Email,
		Slug:        a.Slug,
	}
	for _, p := range a.Formation {
		r.Types = append(r.Types, p.Type)
	}
	if !maps.Equal(a.configVarsAt(len(a.Releases)), a.ConfigVars) {
		r.ConfigVars = maps.Clone(a.ConfigVars)
	}
	for _, addon := range sorted(w.AddOns) {
		if addon.App == a.ID && addon.State == stateProvisioned {
			r.Plans = append(r.Plans, addon.planWire())
		}
	}
	a.Releases = append(a.Releases, r)
	a.ReleasedAt = now
	a.touch(now)
}

// configVarsAt returns the config vars that users had set at a version.
func (a *app) configVarsAt(version int) map[string]string {
	for _, r := range slices.Backward(a.Releases[:version]) {
		if r.ConfigVars != nil {
			return r.ConfigVars
		}
	}
	return nil
}

// releaseAttached adds one release to every app that the add-on is attached to.
func (w *world) releaseAttached(addon *addOn, verb string, by *user, now time.Time) {
	apps := map[string]*app{}
	for _, at := range w.Attachments {
		if at.AddOn == addon.ID {
			apps[at.App] = w.Apps[at.App]
		}
	}
	for _, a := range sorted(apps) {
		var names []string
		for _, at := range w.attachmentsOf(addon.ID, a.ID) {
			names = append(names, at.Name)
		}
		w.release(a, verb+" "+strings.Join(names, ", ")+" (@ref:"+addon.Name+")", by, now)
	}
}

func releaseBody(a *app, r release) object {
	b := object{
		"id": r.ID, "version": r.Version, "description": r.Description, "status": "succeeded",
		"app": a.idName(), "current": r.Version == len(a.Releases), "eligible_for_rollback": r.Slug != "" && r.Version < len(a.Releases),
		"addon_plan_names": append([]string{}, r.Plans...), "artifacts": []string{}, "output_stream_url": nil, "slug": nil,
		"user": object{"id": r.UserID, "email": r.Email}, "created_at": stamp(r.CreatedAt), "updated_at": stamp(r.CreatedAt),
	}
	if r.Slug != "" {
		b["slug"] = object{"id": r.Slug}
	}
	return b
}

func listReleases(_ *call, a *app) (any, error) {
	return listAll(a.Releases, func(r release) object { return releaseBody(a, r) }, "version", "id"), nil
}

// releaseNamed finds a release by id or version.
func (a *app) releaseNamed(ref string) (release, error) {
	for _, r := range a.Releases {
		if r.ID == ref || strconv.Itoa(r.Version) == strings.TrimPrefix(ref, "v") {
			return r, nil
		}
	}
	return release{}, notFound("release", "release")
}

func getRelease(c *call, a *app) (any, error) {
	r, err := a.releaseNamed(c.PathValue("release"))
	if err != nil {
		return nil, err
	}
	return releaseBody(a, r), nil
}

// getReleaseConfigVars returns the config vars of a release, with the current values of those that add-ons set.
func getReleaseConfigVars(c *call, a *app) (any, error) {
	r, err := a.releaseNamed(c.PathValue("release"))
	if err != nil {
		return nil, err
	}
	return c.w.withAddOns(a, a.configVarsAt(r.Version)), nil
}

// createRelease releases a slug that was deployed to any app before, or rolls back to the slug and the config vars of an earlier release.
func createRelease(c *call, a *app, in struct {
	Release     string `json:"release"`
	Slug        string `json:"slug"`
	Description string `json:"description"`
}) (any, error) {
	var former release // the release with the slug
	var err error
	switch {
	case in.Release != "":
		former, err = a.releaseNamed(in.Release)
		switch {
		case err != nil:
			return nil, err
		case former.Slug == "":
			return nil, invalid("Cannot roll back to v%d: it has no slug.", former.Version)
		}
		in.Description = "Rollback to v" + strconv.Itoa(former.Version)
		a.ConfigVars = map[string]string{}
		maps.Copy(a.ConfigVars, a.configVarsAt(former.Version))
	case in.Slug == "":
		return nil, invalid("Slug is required.")
	default:
		if former, err = c.w.releaseOf(in.Slug); err != nil {
			return nil, err
		}
	}
	a.Slug = former.Slug
	c.w.setProcessTypes(a, former.Types, c.now)
	c.w.release(a, cmp.Or(in.Description, "Deploy "+a.Slug[:8]), c.user, c.now)
	return releaseBody(a, a.Releases[len(a.Releases)-1]), nil
}

// releaseOf finds a release with this slug on any app.
func (w *world) releaseOf(slug string) (release, error) {
	for _, a := range sorted(w.Apps) {
		for _, r := range a.Releases {
			if r.Slug == slug {
				return r, nil
			}
		}
	}
	return release{}, notFound("slug", "slug")
}
