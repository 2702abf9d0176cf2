// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package heroku

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

// App is an app, in the Common Runtime or in a space (Platform API reference, apps).
type App struct {
	ID              AppID
	Name            string
	Region          string // name
	Team            string // name; empty for a personal app
	Space           *SpaceRef
	Generation      string // "cedar" or "fir"; empty when Heroku does not say
	Maintenance     bool
	InternalRouting bool
	WebURL          string
	CreatedAt       string // RFC 3339
	UpdatedAt       string // RFC 3339
}

// SpaceRef identifies the space that an app runs in.
type SpaceRef struct {
	ID     SpaceID
	Name   string
	Shield bool
}

// AppCreate holds the parameters of [Client.CreateApp]. Without a Name, the app cannot be looked up when the response is lost.
// An empty Team makes a personal app, or, with a Space, an app of the space's team. With a Space, Region is empty or the
// space's region.
type AppCreate struct {
	Name            string
	Region          string
	Team            string
	Space           string // name
	InternalRouting bool   // the app can be reached only from inside the Space
}

// AppUpdate holds the parameters of [Client.UpdateApp]; nil fields stay unchanged.
type AppUpdate struct {
	Name        *string `json:"name,omitempty"`
	Maintenance *bool   `json:"maintenance,omitempty"`
}

type wireApp struct {
	ID              text          `json:"id"`
	Name            text          `json:"name"`
	Region          ref           `json:"region"`
	Team            ref           `json:"team"`
	Organization    ref           `json:"organization"` // the former name of the field team
	Space           *wireSpaceRef `json:"space"`
	Generation      ref           `json:"generation"` // an object, or just its name; not in every response
	Maintenance     flag          `json:"maintenance"`
	InternalRouting flag          `json:"internal_routing"`
	WebURL          text          `json:"web_url"`
	CreatedAt       text          `json:"created_at"`
	UpdatedAt       text          `json:"updated_at"`
}

type wireSpaceRef struct {
	ID     text `json:"id"`
	Name   text `json:"name"`
	Shield flag `json:"shield"`
}

func (w wireApp) value() (App, error) {
	if w.ID == "" || w.Name == "" {
		return App{}, missing("app id and name")
	}
	app := App{
		ID:              AppID(w.ID),
		Name:            string(w.Name),
		Region:          string(w.Region.Name),
		Team:            string(cmp.Or(w.Team.Name, w.Organization.Name)),
		Generation:      string(w.Generation.Name),
		Maintenance:     bool(w.Maintenance),
		InternalRouting: bool(w.InternalRouting),
		WebURL:          string(w.WebURL),
		CreatedAt:       string(w.CreatedAt),
		UpdatedAt:       string(w.UpdatedAt),
	}
	if w.Space != nil && w.Space.ID+w.Space.Name != "" {
		app.Space = &SpaceRef{ID: SpaceID(w.Space.ID), Name: string(w.Space.Name), Shield: bool(w.Space.Shield)}
	}
	return app, nil
}

// App returns an app by id. The read is shared.
func (c *Client) App(ctx context.Context, id AppID) (App, error) { return c.apps.Get(ctx, id) }

// CachedApp returns an app as this client has once read or created it, however long ago. Use it for the region and the space,
// which never change, not for the name, which may (Platform API reference, apps).
func (c *Client) CachedApp(ctx context.Context, id AppID) (App, error) {
	return c.apps.GetCached(ctx, id)
}

// FindApp returns an app by id or name.
func (c *Client) FindApp(ctx context.Context, idOrName string) (App, error) {
	app, _, err := exchange(ctx, c, c.get("apps", idOrName), requireID(AppID(idOrName), appID, decodeOne[wireApp]))
	return app, err
}

func (c *Client) getApp(ctx context.Context, id AppID) (App, error) {
	return c.FindApp(ctx, string(id))
}

func (c *Client) allApps(ctx context.Context) (map[AppID]App, error) {
	return index(ctx, c, c.get("apps"), decodeMany[wireApp], func(a App) AppID { return a.ID })
}

// CreateApp creates an app; those for a team or in a space are created through /teams/apps. When the response is lost, the app
// is looked up by its name.
func (c *Client) CreateApp(ctx context.Context, a AppCreate) (App, error) {
	body := map[string]any{}
	for field, value := range map[string]string{"name": a.Name, "region": a.Region, "team": a.Team, "space": a.Space} {
		if value != "" {
			body[field] = value
		}
	}
	if a.InternalRouting {
		body["internal_routing"] = true
	}
	k := c.post(body, "apps")
	if a.Team != "" || a.Space != "" {
		k = c.post(body, "teams", "apps")
	}
	start := c.earliestCreatedAt()
	post := nonIdempotentPost[App]{what: "app " + a.Name, call: k, decode: rejectIf(a.contradicts, decodeOne[wireApp])}
	if a.Name != "" {
		post.find = func(ctx context.Context) (App, error) { return c.FindApp(ctx, a.Name) }
		post.check = func(found App) error { return a.matches(found, start) }
	}
	app, err := post.send(ctx, c)
	if err == nil {
		c.recentApps.Store(app.ID, c.clock.Now())
		c.apps.learn(app.ID, app)
	}
	return app, err
}

// contradicts reports whether the created app is not the requested one.
func (a AppCreate) contradicts(made App) bool {
	return a.Name != "" && !strings.EqualFold(made.Name, a.Name) || a.Space != "" && !strings.EqualFold(made.spaceName(), a.Space) ||
		a.Team != "" && made.Team != "" && !strings.EqualFold(made.Team, a.Team)
}

// matches returns an error that names the first difference between the found app and the requested one, which was created no
// earlier than start.
func (a AppCreate) matches(found App, start time.Time) error {
	switch {
	case !strings.EqualFold(found.Name, a.Name):
		return fmt.Errorf("the app is %s", found.Name)
	case a.Space != found.spaceName():
		return fmt.Errorf("the app %s is in %s", found.Name, cmp.Or(found.spaceName(), "the Common Runtime"))
	case found.Team != a.Team && (a.Team != "" || a.Space == ""):
		return fmt.Errorf("the app %s belongs to %s", found.Name, cmp.Or(found.Team, "a personal account"))
	case a.Region != "" && found.Region != a.Region:
		return fmt.Errorf("the app %s is in region %s", found.Name, found.Region)
	case createdBefore(found.CreatedAt, start):
		return fmt.Errorf("the app %s exists since %s", found.Name, found.CreatedAt)
	}
	return nil
}

// spaceName is empty in the Common Runtime.
func (a App) spaceName() string {
	if a.Space == nil {
		return ""
	}
	return a.Space.Name
}

// isRecent reports whether this client created the app within the last minute. For that long, other endpoints of Heroku may
// not know the app (Platform API reference, eventual consistency).
func (c *Client) isRecent(id AppID) bool {
	value, _ := c.recentApps.Load(id)
	createdAt, ok := value.(time.Time)
	return ok && c.clock.Now().Sub(createdAt) < recentFor
}

// UpdateApp renames an app or switches its maintenance mode.
func (c *Client) UpdateApp(ctx context.Context, id AppID, u AppUpdate) (App, error) {
	return updateObject(ctx, c, c.patch(u, "apps", string(id)), requireID(id, appID, decodeOne[wireApp]),
		func(ctx context.Context) (App, error) { return c.getApp(ctx, id) },
		func(now App) bool {
			return (u.Name == nil || *u.Name == now.Name) && (u.Maintenance == nil || *u.Maintenance == now.Maintenance)
		})
}

// TransferApp transfers an app to the team with this name.
func (c *Client) TransferApp(ctx context.Context, id AppID, team string) (App, error) {
	k := c.patch(map[string]string{"owner": team}, "teams", "apps", string(id))
	return updateObject(ctx, c, k, requireID(id, appID, decodeOne[wireApp]),
		func(ctx context.Context) (App, error) { return c.getApp(ctx, id) },
		func(now App) bool { return now.Team == team })
}

// DeleteApp destroys an app and the add-ons that it owns. An app that does not exist is no error.
func (c *Client) DeleteApp(ctx context.Context, id AppID) error {
	_, err := c.remove(ctx, "apps", string(id))
	return err
}

// AppAddOns lists the add-ons that the app owns and those of other apps that are attached to it: filter on AddOn.AppID. It
// leaves out add-ons that this client has destroyed, since Heroku's response may be stale.
func (c *Client) AppAddOns(ctx context.Context, id AppID) ([]AddOn, error) {
	addOns, err := list(ctx, c, c.get("apps", string(id), "addons"), decodeMany[wireAddOn],
		func(a AddOn) string { return string(a.ID) })
	return slices.DeleteFunc(addOns, func(a AddOn) bool {
		_, gone := c.deleted.Load(a.ID)
		return gone
	}), err
}

// ConfigVarNames lists the names of an app's config vars, sorted. It never decodes the values.
func (c *Client) ConfigVarNames(ctx context.Context, id AppID) ([]string, error) {
	names, _, err := exchange(ctx, c, c.get("apps", string(id), "config-vars"), func(body []byte) ([]string, error) {
		vars, err := decode[map[string]json.RawMessage](body)
		names := make([]string, 0, len(vars))
		for name := range vars {
			names = append(names, name)
		}
		slices.Sort(names)
		return names, err
	})
	return names, err
}
