// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package sandbox

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

type release struct {
	ID, Description string
	Version         int
	Plans           []string // of the app's add-ons then
	Slug            string   `json:",omitempty"` // that it runs
	CreatedAt       time.Time
	UserID, Email   string
}

// addOnPartner is the user of releases that an add-on causes.
var addOnPartner = &user{ID: catalogueID("user heroku-redis"), Email: "heroku-redis@addons.heroku.com"}

// release adds a release, for a change of an app's environment, which restarts the app.
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
	for _, addon := range sorted(w.AddOns) {
		if addon.App == a.ID && addon.State == stateProvisioned {
			r.Plans = append(r.Plans, addon.Plan.Wire())
		}
	}
	a.Releases = append(a.Releases, r)
	a.ReleasedAt = now
	a.touch(now)
}

// releaseAttached makes one release on every app that the add-on is attached to.
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

type releaseBody struct {
	AddonPlanNames      []string  `json:"addon_plan_names"`
	App                 idName    `json:"app"`
	Artifacts           []string  `json:"artifacts"`
	CreatedAt           string    `json:"created_at"`
	Current             bool      `json:"current"`
	Description         string    `json:"description"`
	EligibleForRollback bool      `json:"eligible_for_rollback"`
	ID                  string    `json:"id"`
	OutputStreamURL     *string   `json:"output_stream_url"`
	Slug                *slugBody `json:"slug"`
	Status              string    `json:"status"`
	UpdatedAt           string    `json:"updated_at"`
	User                ownerBody `json:"user"`
	Version             int       `json:"version"`
}

type slugBody struct {
	ID string `json:"id"`
}

func (b releaseBody) key(field string) string {
	if field == "version" {
		return strconv.Itoa(b.Version)
	}
	return b.ID
}

func newReleaseBody(a *app, r release) releaseBody {
	b := releaseBody{
		AddonPlanNames:      append([]string{}, r.Plans...),
		App:                 a.idName(),
		Artifacts:           []string{},
		CreatedAt:           stamp(r.CreatedAt),
		Current:             r.Version == len(a.Releases),
		Description:         r.Description,
		EligibleForRollback: true,
		ID:                  r.ID,
		Status:              "succeeded",
		UpdatedAt:           stamp(r.CreatedAt),
		User:                ownerBody{Email: r.Email, ID: r.UserID},
		Version:             r.Version,
	}
	if r.Slug != "" {
		b.Slug = &slugBody{r.Slug}
	}
	return b
}

func listReleases(c *call) (int, any, error) {
	a, err := c.app(c.PathValue("app"))
	if err != nil {
		return 0, nil, err
	}
	var bodies []releaseBody
	for _, r := range a.Releases {
		bodies = append(bodies, newReleaseBody(a, r))
	}
	return http.StatusOK, list(bodies, "version", "id"), nil
}

func getRelease(c *call) (int, any, error) {
	a, err := c.app(c.PathValue("app"))
	if err != nil {
		return 0, nil, err
	}
	ref := c.PathValue("release")
	i := slices.IndexFunc(a.Releases, func(r release) bool { return r.ID == ref || strconv.Itoa(r.Version) == ref })
	if i < 0 {
		return 0, nil, notFound("release", "release")
	}
	return http.StatusOK, newReleaseBody(a, a.Releases[i]), nil
}
