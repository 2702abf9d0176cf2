// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package sandbox

import (
	"cmp"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"time"
)

type app struct {
	ID, Name             string
	Team                 string // id; "" = a personal app
	Owner                string // user id: of a personal app its owner, of a team's app who created it
	Region               string // name
	Space                string // id; "" = in the Common Runtime
	WebURL               string
	Maintenance          bool
	Locked               bool
	InternalRouting      *bool
	CreatedAt, UpdatedAt time.Time
	ReleasedAt           time.Time
	ConfigVars           map[string]string // set by hand; those of attachments are computed
	Releases             []release
	Formation            []process
	Slug                 string // id of what was deployed; "" = nothing was
}

func (a *app) name() string        { return a.Name }
func (a *app) idName() idName      { return idName{a.ID, a.Name} }
func (a *app) touch(now time.Time) { a.UpdatedAt = now }

// mayRead reports whether a user may see an app: the owner and the members of its team may.
func (w *world) mayRead(u *user, a *app) bool {
	return a.Owner == u.ID || a.Team != "" && w.Teams[a.Team].role(u.ID) != ""
}

// mayChange reports whether a user may change an app: the owner and the admins of its team may.
func (w *world) mayChange(u *user, a *app) bool {
	return w.mayRead(u, a) && (a.Owner == u.ID || w.Teams[a.Team].role(u.ID) == roleAdmin)
}

// app finds an app that the caller may see.
func (c *call) app(ref string) (*app, error) {
	a := find(c.w.Apps, ref, (*app).name)
	if a == nil {
		return nil, notFound("app", "app")
	}
	if !c.w.mayRead(c.user, a) {
		return nil, forbidden("You do not have the required access to the app %s", a.Name)
	}
	return a, nil
}

// appToChange finds an app that the caller may change, or read secrets of.
func (c *call) appToChange(ref string) (*app, error) {
	a, err := c.app(ref)
	if err == nil && !c.w.mayChange(c.user, a) {
		return nil, forbidden("You do not have the required access to the app %s", a.Name)
	}
	return a, err
}

// appCore is what appBody and teamAppBody have in common.
type appCore struct {
	ArchivedAt                   *string    `json:"archived_at"`
	BuildStack                   idName     `json:"build_stack"`
	BuildpackProvidedDescription *string    `json:"buildpack_provided_description"`
	CreatedAt                    string     `json:"created_at"`
	GitURL                       string     `json:"git_url"`
	ID                           string     `json:"id"`
	InternalRouting              *bool      `json:"internal_routing"`
	Maintenance                  bool       `json:"maintenance"`
	Name                         string     `json:"name"`
	Owner                        ownerBody  `json:"owner"`
	Region                       idName     `json:"region"`
	ReleasedAt                   *string    `json:"released_at"`
	RepoSize                     *int       `json:"repo_size"`
	SlugSize                     *int       `json:"slug_size"`
	Space                        *spaceName `json:"space"`
	Stack                        idName     `json:"stack"`
	Team                         *idName    `json:"team"`
	UpdatedAt                    string     `json:"updated_at"`
	WebURL                       string     `json:"web_url"`
}

type ownerBody struct {
	Email string `json:"email"`
	ID    string `json:"id"`
}

type spaceName struct {
	ID     string `json:"id"`
	Name   string `json:"name"`
	Shield bool   `json:"shield"`
}

func (b appCore) key(field string) string {
	switch field {
	case "name":
		return b.Name
	case "updated_at":
		return b.UpdatedAt
	}
	return b.ID
}

type appBody struct {
	appCore
	ACM          bool    `json:"acm"`
	Generation   idName  `json:"generation"`
	Organization *idName `json:"organization"`
}

const slugSize = 24 << 20 // bytes

var stack = idName{"f9f9cbd7-2970-41ef-8db5-3df7123b041f", "heroku-24"}

func (w *world) appCore(a *app) appCore {
	r, _ := lookUpRegion(a.Region)
	b := appCore{
		BuildStack:      stack,
		CreatedAt:       stamp(a.CreatedAt),
		GitURL:          "https://git.heroku.com/" + a.Name + ".git",
		ID:              a.ID,
		InternalRouting: a.InternalRouting,
		Maintenance:     a.Maintenance,
		Name:            a.Name,
		Owner:           ownerBody{ID: a.Owner, Email: w.Users[a.Owner].Email},
		Region:          r.idName(),
		ReleasedAt:      stampOrNull(a.ReleasedAt),
		Stack:           stack,
		UpdatedAt:       stamp(a.UpdatedAt),
		WebURL:          a.WebURL,
	}
	if a.Slug != "" {
		size := slugSize
		b.SlugSize = &size
	}
	if sp := w.Spaces[a.Space]; sp != nil {
		b.Space = &spaceName{sp.ID, sp.Name, sp.Shield}
	}
	if t := w.Teams[a.Team]; t != nil {
		b.Team = &idName{t.ID, t.Name}
		b.Owner = ownerBody{ID: t.OwnerID, Email: t.Name + "@herokumanager.com"}
	}
	return b
}

func (w *world) appBody(a *app) appBody {
	core, generation := w.appCore(a), cedar
	if sp := w.Spaces[a.Space]; sp != nil {
		generation = cmp.Or(sp.Generation, cedar)
	}
	return appBody{appCore: core, Generation: generationID(generation), Organization: core.Team}
}

func listApps(c *call) (int, any, error) {
	var bodies []appBody
	for _, a := range c.w.Apps {
		if c.w.mayRead(c.user, a) {
			bodies = append(bodies, c.w.appBody(a))
		}
	}
	return http.StatusOK, list(bodies, "id", "name", "updated_at"), nil
}

func getApp(c *call) (int, any, error) {
	a, err := c.app(c.PathValue("app"))
	if err != nil {
		return 0, nil, err
	}
	return http.StatusOK, c.w.appBody(a), nil
}

func createApp(c *call) (int, any, error) {
	var in struct {
		Name         string    `json:"name"`
		Region       reference `json:"region"`
		Stack        reference `json:"stack"`
		FeatureFlags []string  `json:"feature_flags"`
	}
	if err := c.params(&in); err != nil {
		return 0, nil, err
	}
	r, err := commonRegion(string(in.Region))
	if err != nil {
		return 0, nil, err
	}
	a, err := c.newApp(in.Name, r, nil, nil)
	if err != nil {
		return 0, nil, err
	}
	return http.StatusCreated, c.w.appBody(a), nil
}

// commonRegion finds a region of the Common Runtime.
func commonRegion(ref string) (region, error) {
	r, ok := lookUpRegion(cmp.Or(ref, "us"))
	if !ok {
		return region{}, notFound("region", "region")
	}
	if r.private {
		return region{}, invalid("The region %s is for Private Spaces only.", r.name)
	}
	return r, nil
}

// newApp creates an app in a team and a space, which may be nil.
func (c *call) newApp(name string, r region, t *team, sp *space) (*app, error) {
	if name == "" {
		name = fmt.Sprintf("%s-%s-%05d", c.w.pick(adjectives), c.w.pick(nouns), c.w.random().IntN(100000))
	}
	if err := c.checkAppName(name); err != nil {
		return nil, err
	}
	a := &app{
		ID:         c.w.uuid(),
		Name:       name,
		Owner:      c.user.ID,
		Region:     r.name,
		WebURL:     fmt.Sprintf("https://%s-%s.herokuapp.com/", name, strings.ReplaceAll(c.w.uuid(), "-", "")[:12]),
		CreatedAt:  c.now,
		UpdatedAt:  c.now,
		ConfigVars: map[string]string{},
	}
	if t != nil {
		a.Team = t.ID
	}
	if sp != nil {
		a.Space = sp.ID
	}
	c.w.Apps[a.ID] = a
	c.w.release(a, "Initial release", c.user, c.now)
	c.w.release(a, "Enable Logplex", c.user, c.now)
	if !c.s.options.Undeployed {
		c.w.deploy(a, c.user, c.now, firstDeployment)
	}
	return a, nil
}

var appNamePattern = regexp.MustCompile(`^[a-z][a-z0-9-]{1,28}[a-z0-9]$`)

func (c *call) checkAppName(name string) error {
	switch {
	case len(name) < 3:
		return invalid("Name is too short (minimum is 3 characters)")
	case len(name) > 30:
		return invalid("Name is too long (maximum is 30 characters)")
	case !appNamePattern.MatchString(name):
		return invalid("Name must start with a letter, end with a letter or digit and can only contain lowercase letters, digits, and dashes.")
	case find(c.w.Apps, name, (*app).name) != nil:
		return invalid("Name %s is already taken", name)
	}
	return nil
}

func updateApp(c *call) (int, any, error) {
	a, err := c.appToChange(c.PathValue("app"))
	if err != nil {
		return 0, nil, err
	}
	var in struct {
		Maintenance *bool     `json:"maintenance"`
		Name        *string   `json:"name"`
		BuildStack  reference `json:"build_stack"`
	}
	if err := c.params(&in); err != nil {
		return 0, nil, err
	}
	if in.Name != nil && *in.Name != a.Name {
		if err := c.checkAppName(*in.Name); err != nil {
			return 0, nil, err
		}
		a.Name = *in.Name
		for _, addon := range c.w.AddOns {
			if addon.App == a.ID {
				c.w.updateLedger(addon.ID, func(e *LedgerEntry) { e.App = a.Name })
			}
		}
	}
	if in.Maintenance != nil {
		a.Maintenance = *in.Maintenance
	}
	a.touch(c.now)
	return http.StatusOK, c.w.appBody(a), nil
}

func deleteApp(c *call) (int, any, error) {
	a, err := c.appToChange(c.PathValue("app"))
	if err != nil {
		return 0, nil, err
	}
	body := c.w.appBody(a)
	for _, addon := range sorted(c.w.AddOns) {
		if addon.App == a.ID {
			c.destroy(addon)
			delete(c.w.AddOns, addon.ID) // its record has no owner to refer to
		}
	}
	for _, at := range sorted(c.w.Attachments) {
		if at.App == a.ID {
			delete(c.w.Attachments, at.ID)
		}
	}
	delete(c.w.Apps, a.ID)
	return http.StatusOK, body, nil
}

// getPipelineCoupling: no app is in a pipeline. It is one object, not a list, despite its path.
func getPipelineCoupling(c *call) (int, any, error) {
	if _, err := c.app(c.PathValue("app")); err != nil {
		return 0, nil, err
	}
	return 0, nil, notFound("pipeline_coupling", "pipeline coupling")
}

func listCollaborators(c *call) (int, any, error) {
	a, err := c.app(c.PathValue("app"))
	if err != nil {
		return 0, nil, err
	}
	type body struct {
		App       idName    `json:"app"`
		CreatedAt string    `json:"created_at"`
		ID        string    `json:"id"`
		Role      string    `json:"role"`
		UpdatedAt string    `json:"updated_at"`
		User      ownerBody `json:"user"`
	}
	core := c.w.appCore(a)
	return http.StatusOK, []body{{
		App:       a.idName(),
		CreatedAt: core.CreatedAt,
		ID:        catalogueID("collaborator " + a.ID),
		Role:      "owner",
		UpdatedAt: core.CreatedAt,
		User:      core.Owner,
	}}, nil
}
