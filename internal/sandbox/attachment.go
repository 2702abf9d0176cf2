// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package sandbox

import (
	"cmp"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"
)

type attachment struct {
	ID, Name             string
	App, AddOn           string // ids
	Namespace            string `json:",omitempty"` // only for add-ons other than stores
	CreatedAt, UpdatedAt time.Time
}

// varsOf returns the names of the config vars that an attachment sets on its app.
func (w *world) varsOf(at *attachment) []string {
	if name, ok := w.AddOns[at.AddOn].configVar(at.Name); ok {
		return []string{name}
	}
	return nil
}

// colours are used in the names of attachments that are created without a name (Dev Center: Heroku Key-Value Store, establish the
// primary instance).
var colours = []string{"AMBER", "AQUA", "BLACK", "BLUE", "BRONZE", "BROWN", "CHARCOAL", "COBALT", "COPPER", "CRIMSON", "CYAN",
	"GOLD", "GRAY", "GREEN", "IVORY", "JADE", "MAROON", "MAUVE", "NAVY", "OLIVE", "ONYX", "ORANGE", "PINK", "PUCE", "PURPLE",
	"RED", "ROSE", "SILVER", "TEAL", "VIOLET", "WHITE", "YELLOW"}

// attachmentsOf returns the attachments of an add-on to an app, oldest first.
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

func (w *world) detachAll(a *addOn) {
	maps.DeleteFunc(w.Attachments, func(_ string, at *attachment) bool { return at.AddOn == a.ID })
}

// isLast reports whether this is the add-on's only attachment to the app that owns it.
func (w *world) isLast(at *attachment) bool {
	owner := w.AddOns[at.AddOn].App
	return at.App == owner && len(w.attachmentsOf(at.AddOn, owner)) == 1
}

// attach attaches an add-on to an app under a name, or under a free name if none is given. It takes over a name that is in use if confirm
// is the name of this app or of the app that owns the add-on.
func (c *call) attach(a *addOn, app *app, name, confirm string) (*attachment, error) {
	name = strings.ToUpper(name)
	confirmed := confirm != "" && (confirm == app.Name || confirm == c.w.Apps[a.App].Name)
	switch {
	case name == "":
		name = c.freeName(a, app)
	case !attachmentNamePattern.MatchString(name):
		return nil, invalid("Name must start with a letter and can only contain uppercase letters, digits, and underscores")
	default:
		configVar, has := a.configVar(name)
		if _, set := app.ConfigVars[configVar]; has && set && !confirmed {
			return nil, confirmationRequired(app.Name,
				"Attaching %s to %s would overwrite the existing config var %s.", a.Name, app.Name, configVar)
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
	if configVar, has := a.configVar(name); has && a.State == stateProvisioned {
		delete(app.ConfigVars, configVar)
	}
	at := &attachment{ID: c.w.uuid(), Name: name, App: app.ID, AddOn: a.ID, CreatedAt: c.now, UpdatedAt: c.now}
	c.w.Attachments[at.ID] = at
	return at, nil
}

// freeName returns REDIS for the first store of an app, and a name with an unused colour otherwise.
func (c *call) freeName(a *addOn, app *app) string {
	primary, coloured := a.attachmentNames()
	if c.w.attachmentNamed(app.ID, primary) == nil {
		return primary
	}
	free := slices.DeleteFunc(slices.Clone(colours), func(colour string) bool {
		return c.w.attachmentNamed(app.ID, coloured+colour) != nil
	})
	if len(free) > 0 {
		return coloured + c.w.pickWord(free)
	}
	for n := 1; ; n++ {
		if name := fmt.Sprintf("%s%s_%d", coloured, colours[n%len(colours)], n); c.w.attachmentNamed(app.ID, name) == nil {
			return name
		}
	}
}

func attachmentBody(c *call, at *attachment) object {
	a := c.w.AddOns[at.AddOn]
	addOn := object{"id": a.ID, "name": a.Name, "app": c.w.Apps[a.App].idName()}
	b := object{
		"id": at.ID, "name": at.Name, "addon": addOn, "app": c.w.Apps[at.App].idName(), "namespace": orNull(at.Namespace), "log_input_url": nil,
		"web_url": ssoURL(at.App, a.ID), "created_at": stamp(at.CreatedAt), "updated_at": stamp(at.UpdatedAt),
	}
	if c.wants("Accept-Inclusion", "addon:plan") {
		addOn["plan"] = planID(a.planWire())
	}
	if c.wants("Accept-Inclusion", "config_vars") {
		b["config_vars"] = append([]string{}, c.w.varsOf(at)...)
	}
	return b
}

func (c *call) mayReadAttachment(at *attachment) bool {
	return c.w.mayRead(c.user, c.w.Apps[at.App]) || c.w.mayRead(c.user, c.w.Apps[c.w.AddOns[at.AddOn].App])
}

// attachments lists the attachments that the caller may see and that match the condition.
func (c *call) attachments(where func(*attachment) bool) (any, error) {
	is := func(at *attachment) bool { return where(at) && c.mayReadAttachment(at) }
	return listWhere(c, c.w.Attachments, is, attachmentBody, "id", "name"), nil
}

func listAttachments(c *call) (any, error) {
	return c.attachments(func(*attachment) bool { return true })
}

func listAddOnAttachments(c *call, a *addOn) (any, error) {
	return c.attachments(func(at *attachment) bool { return at.AddOn == a.ID })
}

func listAppAttachments(c *call, app *app) (any, error) {
	return c.attachments(func(at *attachment) bool { return at.App == app.ID })
}

var errNoAttachment = notFound("add_on attachment", "add on attachment")

// pathAttachment finds an attachment by id. Names are unique only within an app.
func pathAttachment(c *call) (*attachment, error) {
	at := c.w.Attachments[c.PathValue("attachment")]
	if at == nil || !c.mayReadAttachment(at) {
		return nil, errNoAttachment
	}
	return at, nil
}

func getAppAttachment(c *call, app *app) (any, error) {
	at := c.w.Attachments[c.PathValue("attachment")]
	if at == nil || at.App != app.ID {
		at = c.w.attachmentNamed(app.ID, c.PathValue("attachment"))
	}
	if at == nil {
		return nil, errNoAttachment
	}
	return attachmentBody(c, at), nil
}

func createAttachment(c *call, in struct {
	AddOn     reference `json:"addon"`
	App       reference `json:"app"`
	Name      string    `json:"name"`
	Namespace *string   `json:"namespace"`
	Confirm   string    `json:"confirm"`
}) (any, error) {
	app, err := c.readyApp(string(in.App))
	if err != nil {
		return nil, err
	}
	a, err := c.addOn(string(in.AddOn))
	if err != nil {
		return nil, err
	}
	if a.isStore() && in.Namespace != nil && *in.Namespace != "" {
		return nil, invalid("%s has no credential %q.", a.Name, *in.Namespace)
	}
	if a.State == stateDeprovisioned || a.State == stateDeprovisioning {
		return nil, invalid("%s cannot be attached: it is %s.", a.Name, a.State)
	}
	at, err := c.attach(a, app, in.Name, in.Confirm)
	if err != nil {
		return nil, err
	}
	if in.Namespace != nil {
		at.Namespace = *in.Namespace
	}
	if a.State == stateProvisioned {
		c.w.release(app, "Attach "+at.Name+" (@ref:"+a.Name+")", c.user, c.now)
	}
	return attachmentBody(c, at), nil
}

func deleteAttachment(c *call, at *attachment) (any, error) {
	app, err := c.appToChange(at.App)
	if err != nil {
		return nil, err
	}
	a := c.w.AddOns[at.AddOn]
	if c.w.isLast(at) {
		return nil, lastAttachment(a)
	}
	body := attachmentBody(c, at)
	delete(c.w.Attachments, at.ID)
	if a.State == stateProvisioned {
		c.w.release(app, "Detach "+at.Name+" (@ref:"+a.Name+")", c.user, c.now)
	}
	return body, nil
}
