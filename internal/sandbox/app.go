// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package sandbox

import (
	"cmp"
	"fmt"
	"maps"
	"regexp"
	"strings"
	"time"
)

type app struct {
	ID, Name             string
	Team                 string // id; "" = a personal app
	Owner                string // user id of the owner or, for an app of a team, of its creator
	Region               string // name
	Space                string // id; "" = in the Common Runtime
	WebURL               string
	Maintenance          bool
	Locked               bool
	InternalRouting      *bool
	CreatedAt, UpdatedAt time.Time
	ReleasedAt           time.Time
	ConfigVars           map[string]string // set by users; the config vars of attachments are computed
	Releases             []release
	Formation            []process
	Slug                 string // id of the deployed slug; "" = nothing was deployed
	Stack, BuildStack    string // names of the current stack, and of the stack for the next deployment
	ACM                  bool   // automated certificate management is enabled; there are no certificates
	Buildpacks           []string
	Collaborators        []collaborator
	Domains              []domain        // custom domains
	Drains               []logDrain      // log drains
	Features             map[string]bool // features that were switched on or off, by name
}

func (a *app) name() string        { return a.Name }
func (a *app) idName() idName      { return idName{a.ID, a.Name} }
func (a *app) touch(now time.Time) { a.UpdatedAt = now }

// mayRead reports whether a user may see an app: its owner, members of its team, and its collaborators.
func (w *world) mayRead(u *user, a *app) bool {
	return a.Owner == u.ID || a.Team != "" && w.Teams[a.Team].role(u.ID) != "" || a.collaborator(u.ID) != nil
}

// mayChange reports whether a user may change an app: its owner, admins of its team, and collaborators with the permission to operate it.
func (w *world) mayChange(u *user, a *app) bool {
	return a.Owner == u.ID || a.Team != "" && w.Teams[a.Team].role(u.ID) == roleAdmin || a.mayOperate(u.ID)
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

func pathApp(c *call) (*app, error)         { return c.app(c.PathValue("app")) }
func pathAppToChange(c *call) (*app, error) { return c.appToChange(c.PathValue("app")) }
func pathReadyApp(c *call) (*app, error)    { return c.readyApp(c.PathValue("app")) }

const slugSize = 24 << 20 // bytes

// ownerOf returns the owner of an app. An app of a team is owned by the team's pseudo user.
func (w *world) ownerOf(a *app) object {
	if t := w.Teams[a.Team]; t != nil {
		return object{"id": t.OwnerID, "email": t.Name + "@herokumanager.com"}
	}
	return object{"id": a.Owner, "email": w.Users[a.Owner].Email}
}

// appCore returns the members that appBody and teamAppBody share.
func (w *world) appCore(a *app) object {
	r, _ := lookUpRegion(a.Region)
	b := object{
		"id": a.ID, "name": a.Name, "region": r.idName(), "maintenance": a.Maintenance,
		"stack": stackOf(a.Stack), "build_stack": stackOf(a.BuildStack),
		"owner": w.ownerOf(a), "team": nil, "space": nil,
		"git_url": "https://git.heroku.com/" + a.Name + ".git", "web_url": a.WebURL, "internal_routing": a.InternalRouting,
		"created_at": stamp(a.CreatedAt), "updated_at": stamp(a.UpdatedAt), "released_at": timeOrNull(a.ReleasedAt, stamp),
		"archived_at": nil, "buildpack_provided_description": nil, "repo_size": nil, "slug_size": nil,
	}
	if a.Slug != "" {
		b["slug_size"] = slugSize
	}
	if sp := w.Spaces[a.Space]; sp != nil {
		b["space"] = object{"id": sp.ID, "name": sp.Name, "shield": sp.Shield}
	}
	if t := w.Teams[a.Team]; t != nil {
		b["team"] = idName{t.ID, t.Name}
	}
	return b
}

func appBody(c *call, a *app) object {
	b := c.w.appCore(a)
	b["acm"], b["generation"], b["organization"] = a.ACM, generationID(c.w.generation(a)), b["team"]
	return b
}

func listApps(c *call) (any, error) {
	mayRead := func(a *app) bool { return c.w.mayRead(c.user, a) }
	return listWhere(c, c.w.Apps, mayRead, appBody, "id", "name", "updated_at"), nil
}

func createApp(c *call, in struct {
	Name         string    `json:"name"`
	Region       reference `json:"region"`
	Stack        reference `json:"stack"`
	FeatureFlags []string  `json:"feature_flags"`
}) (any, error) {
	r, err := commonRegion(string(in.Region))
	if err != nil {
		return nil, err
	}
	a, err := c.newApp(in.Name, string(in.Stack), r, nil, nil)
	if err != nil {
		return nil, err
	}
	return appBody(c, a), nil
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
func (c *call) newApp(name, stackRef string, r region, t *team, sp *space) (*app, error) {
	generation := cedar
	if sp != nil {
		generation = sp.generation()
	}
	stack, err := requestedStack(stackRef, generation)
	if err != nil {
		return nil, err
	}
	if name == "" {
		name = fmt.Sprintf("%s-%s-%05d", c.w.pickWord(adjectives), c.w.pickWord(nouns), c.w.random().IntN(100000))
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
		Stack:      stack,
		BuildStack: stack,
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

func updateApp(c *call, a *app, in struct {
	Maintenance *bool     `json:"maintenance"`
	Name        *string   `json:"name"`
	BuildStack  reference `json:"build_stack"`
}) (_ any, err error) {
	stack := a.BuildStack
	if in.BuildStack != "" {
		if stack, err = requestedStack(string(in.BuildStack), c.w.generation(a)); err != nil {
			return nil, err
		}
	}
	if in.Name != nil && *in.Name != a.Name {
		if err := c.checkAppName(*in.Name); err != nil {
			return nil, err
		}
		a.Name = *in.Name
		for _, addon := range c.w.AddOns {
			if addon.App == a.ID {
				c.w.updateLedger(addon.ID, func(e *LedgerEntry) { e.App = a.Name })
			}
		}
	}
	if a.BuildStack = stack; in.Maintenance != nil {
		a.Maintenance = *in.Maintenance
	}
	a.touch(c.now)
	return appBody(c, a), nil
}

func deleteApp(c *call, a *app) (any, error) {
	body := appBody(c, a)
	for _, addon := range sorted(c.w.AddOns) {
		if addon.App == a.ID {
			c.destroy(addon)
			delete(c.w.AddOns, addon.ID) // also while it is deprovisioning: the app that it refers to is deleted
		}
	}
	maps.DeleteFunc(c.w.Attachments, func(_ string, at *attachment) bool { return at.App == a.ID })
	delete(c.w.Apps, a.ID)
	return body, nil
}

// getPipelineCoupling always answers 404, because no app is in a pipeline. The resource is one object, despite the plural in its path.
func getPipelineCoupling(*call, *app) (any, error) {
	return nil, notFound("pipeline_coupling", "pipeline coupling")
}

func enableACM(c *call, a *app) (any, error) {
	a.ACM = true
	return appBody(c, a), nil
}

func disableACM(c *call, a *app) (any, error) {
	a.ACM = false
	return appBody(c, a), nil
}

// refreshACM changes nothing, because there are no certificates.
func refreshACM(c *call, a *app) (any, error) { return appBody(c, a), nil }
