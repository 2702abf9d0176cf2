// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package sandbox

import (
	"cmp"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"
)

type attachment struct {
	ID, Name             string
	App, AddOn           string // ids
	CreatedAt, UpdatedAt time.Time
}

func (at *attachment) configVar() string { return at.Name + "_URL" }

const primary = "REDIS"

// colours are part of the names of attachments that are ordered without a name (Dev Center: Heroku Key-Value Store, establish the
// primary instance).
var colours = []string{"AMBER", "AQUA", "BLACK", "BLUE", "BRONZE", "BROWN", "CHARCOAL", "COBALT", "COPPER", "CRIMSON", "CYAN",
	"GOLD", "GRAY", "GREEN", "IVORY", "JADE", "MAROON", "MAUVE", "NAVY", "OLIVE", "ONYX", "ORANGE", "PINK", "PUCE", "PURPLE",
	"RED", "ROSE", "SILVER", "TEAL", "VIOLET", "WHITE", "YELLOW"}

// attachmentsOf an add-on to an app, oldest first.
func (w *world) attachmentsOf(addOnID, appID string) []*attachment {
	var found []*attachment
	for _, at := range w.Attachments {
		if at.AddOn == addOnID && at.App == appID {
			found = append(found, at)
		}
	}
	slices.SortFunc(found, func(a, b *attachment) int {
		return cmp.Or(a.CreatedAt.Compare(b.CreatedAt), cmp.Compare(a.ID, b.ID))
	})
	return found
}

func (w *world) attachmentNamed(appID, name string) *attachment {
	for _, at := range w.Attachments {
		if at.App == appID && at.Name == strings.ToUpper(name) {
			return at
		}
	}
	return nil
}

var attachmentNamePattern = regexp.MustCompile(`^[A-Z][A-Z0-9_]+$`)

func lastAttachment(a *addOn) error {
	return invalid("Cannot destroy last attachment to billing app for resource %s", a.Name)
}

// isLast reports whether it is the only attachment of the add-on to its owner.
func (w *world) isLast(at *attachment) bool {
	owner := w.AddOns[at.AddOn].App
	return at.App == owner && len(w.attachmentsOf(at.AddOn, owner)) == 1
}

// attach attaches an add-on under a name, or under one that is free. A name in use needs the app's name as confirmation
// and is then taken over.
func (c *call) attach(a *addOn, app *app, name, confirm string) (*attachment, error) {
	name = strings.ToUpper(name)
	confirmed := confirm != "" && (confirm == app.Name || confirm == c.w.Apps[a.App].Name)
	switch {
	case name == "":
		name = c.freeName(app)
	case !attachmentNamePattern.MatchString(name):
		return nil, invalid("Name must start with a letter and can only contain uppercase letters, digits, and underscores")
	default:
		if _, set := app.ConfigVars[name+"_URL"]; set && !confirmed {
			return nil, confirmationRequired(app.Name,
				"Attaching %s to %s would overwrite the existing config var %s_URL.", a.Name, app.Name, name)
		}
	}
	if old := c.w.attachmentNamed(app.ID, name); old != nil {
		if !confirmed {
			return nil, confirmationRequired(app.Name, "%s is already attached to %s as %s.", c.w.AddOns[old.AddOn].Name, app.Name, name)
		}
		if old.AddOn != a.ID && c.w.isLast(old) {
			return nil, lastAttachment(c.w.AddOns[old.AddOn])
		}
		delete(c.w.Attachments, old.ID)
	}
	if a.State == stateProvisioned {
		delete(app.ConfigVars, name+"_URL")
	}
	at := &attachment{ID: c.w.uuid(), Name: name, App: app.ID, AddOn: a.ID, CreatedAt: c.now, UpdatedAt: c.now}
	c.w.Attachments[at.ID] = at
	return at, nil
}

// freeName is REDIS for the first store of an app, else one with an unused colour.
func (c *call) freeName(app *app) string {
	if c.w.attachmentNamed(app.ID, primary) == nil {
		return primary
	}
	free := slices.DeleteFunc(slices.Clone(colours), func(colour string) bool {
		return c.w.attachmentNamed(app.ID, "HEROKU_REDIS_"+colour) != nil
	})
	if len(free) > 0 {
		return "HEROKU_REDIS_" + c.w.pick(free)
	}
	for n := 1; ; n++ {
		if name := fmt.Sprintf("HEROKU_REDIS_%s_%d", colours[n%len(colours)], n); c.w.attachmentNamed(app.ID, name) == nil {
			return name
		}
	}
}

type attachedAddOn struct {
	App  idName  `json:"app"`
	ID   string  `json:"id"`
	Name string  `json:"name"`
	Plan *idName `json:"plan,omitempty"` // only by inclusion
}

type attachmentBody struct {
	Addon       attachedAddOn `json:"addon"`
	App         idName        `json:"app"`
	ConfigVars  []string      `json:"config_vars,omitempty"` // only by inclusion
	CreatedAt   string        `json:"created_at"`
	ID          string        `json:"id"`
	LogInputURL *string       `json:"log_input_url"`
	Name        string        `json:"name"`
	Namespace   *string       `json:"namespace"`
	UpdatedAt   string        `json:"updated_at"`
	WebURL      string        `json:"web_url"`
}

func (b attachmentBody) key(field string) string {
	if field == "name" {
		return b.Name
	}
	return b.ID
}

func (c *call) attachmentBody(at *attachment) attachmentBody {
	a := c.w.AddOns[at.AddOn]
	b := attachmentBody{
		Addon:     attachedAddOn{App: c.w.Apps[a.App].idName(), ID: a.ID, Name: a.Name},
		App:       c.w.Apps[at.App].idName(),
		CreatedAt: stamp(at.CreatedAt),
		ID:        at.ID,
		Name:      at.Name,
		UpdatedAt: stamp(at.UpdatedAt),
		WebURL:    ssoURL(at.App, a.ID),
	}
	if c.wants("Accept-Inclusion", "addon:plan") {
		plan := planID(a.Plan)
		b.Addon.Plan = &plan
	}
	if c.wants("Accept-Inclusion", "config_vars") {
		b.ConfigVars = []string{at.configVar()}
	}
	return b
}

func (c *call) mayReadAttachment(at *attachment) bool {
	return c.w.mayRead(c.user, c.w.Apps[at.App]) || c.w.mayRead(c.user, c.w.Apps[c.w.AddOns[at.AddOn].App])
}

// attachments lists those that the caller may see and that meet the condition.
func (c *call) attachments(where func(*attachment) bool) listing {
	var bodies []attachmentBody
	for _, at := range c.w.Attachments {
		if where(at) && c.mayReadAttachment(at) {
			bodies = append(bodies, c.attachmentBody(at))
		}
	}
	return list(bodies, "id", "name")
}

func listAttachments(c *call) (int, any, error) {
	return http.StatusOK, c.attachments(func(*attachment) bool { return true }), nil
}

func listAddOnAttachments(c *call) (int, any, error) {
	a, err := c.addOn(c.PathValue("addon"))
	if err != nil {
		return 0, nil, err
	}
	return http.StatusOK, c.attachments(func(at *attachment) bool { return at.AddOn == a.ID }), nil
}

func listAppAttachments(c *call) (int, any, error) {
	app, err := c.app(c.PathValue("app"))
	if err != nil {
		return 0, nil, err
	}
	return http.StatusOK, c.attachments(func(at *attachment) bool { return at.App == app.ID }), nil
}

var errNoAttachment = notFound("add_on attachment", "add on attachment")

// attachment finds the path's attachment by id: names are unique within an app only.
func (c *call) attachment() (*attachment, error) {
	at := c.w.Attachments[c.PathValue("attachment")]
	if at == nil || !c.mayReadAttachment(at) {
		return nil, errNoAttachment
	}
	return at, nil
}

func getAttachment(c *call) (int, any, error) {
	at, err := c.attachment()
	if err != nil {
		return 0, nil, err
	}
	return http.StatusOK, c.attachmentBody(at), nil
}

func getAppAttachment(c *call) (int, any, error) {
	app, err := c.app(c.PathValue("app"))
	if err != nil {
		return 0, nil, err
	}
	at := c.w.Attachments[c.PathValue("attachment")]
	if at == nil || at.App != app.ID {
		at = c.w.attachmentNamed(app.ID, c.PathValue("attachment"))
	}
	if at == nil {
		return 0, nil, errNoAttachment
	}
	return http.StatusOK, c.attachmentBody(at), nil
}

func createAttachment(c *call) (int, any, error) {
	var in struct {
		AddOn     reference `json:"addon"`
		App       reference `json:"app"`
		Name      string    `json:"name"`
		Namespace *string   `json:"namespace"`
		Confirm   string    `json:"confirm"`
	}
	if err := c.params(&in); err != nil {
		return 0, nil, err
	}
	app, err := c.readyApp(string(in.App))
	if err != nil {
		return 0, nil, err
	}
	a, err := c.addOn(string(in.AddOn))
	if err != nil {
		return 0, nil, err
	}
	if in.Namespace != nil && *in.Namespace != "" {
		return 0, nil, invalid("%s has no credential %q.", a.Name, *in.Namespace)
	}
	if a.State == stateDeprovisioned || a.State == stateDeprovisioning {
		return 0, nil, invalid("%s cannot be attached: it is %s.", a.Name, a.State)
	}
	at, err := c.attach(a, app, in.Name, in.Confirm)
	if err != nil {
		return 0, nil, err
	}
	if a.State == stateProvisioned {
		c.w.release(app, "Attach "+at.Name+" (@ref:"+a.Name+")", c.user, c.now)
	}
	return http.StatusCreated, c.attachmentBody(at), nil
}

func deleteAttachment(c *call) (int, any, error) {
	at, err := c.attachment()
	if err != nil {
		return 0, nil, err
	}
	app, err := c.appToChange(at.App)
	if err != nil {
		return 0, nil, err
	}
	a := c.w.AddOns[at.AddOn]
	if c.w.isLast(at) {
		return 0, nil, lastAttachment(a)
	}
	body := c.attachmentBody(at)
	delete(c.w.Attachments, at.ID)
	if a.State == stateProvisioned {
		c.w.release(app, "Detach "+at.Name+" (@ref:"+a.Name+")", c.user, c.now)
	}
	return http.StatusOK, body, nil
}
