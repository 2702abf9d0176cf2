// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package sandbox

import (
	"net/http"
	"slices"
	"strings"
)

// resolveAddOn finds an add-on by id, name, app::ATTACHMENT, attachment, config var, or service.
func resolveAddOn(c *call, in struct {
	AddOn        string    `json:"addon"`
	App          reference `json:"app"`
	AddOnService reference `json:"addon_service"`
}) (any, error) {
	found, err := c.matchingAddOns(in.AddOn, string(in.App))
	if err != nil {
		return nil, err
	}
	if ref := string(in.AddOnService); ref != "" {
		found = slices.DeleteFunc(found, func(a *addOn) bool { return a.service().Name != ref && a.service().ID != ref })
	}
	switch len(found) {
	case 0:
		return nil, notFound("add_on", "add-on")
	case 1:
		return []object{addOnBody(c, found[0])}, nil
	}
	return nil, ambiguousAddOns(found)
}

func ambiguousAddOns(found []*addOn) error {
	var names []string
	for _, a := range found {
		names = append(names, a.Name)
	}
	slices.Sort(names)
	return multipleMatches("add-ons", names)
}

func multipleMatches(what string, names []string) error {
	return refuse(http.StatusUnprocessableEntity, "multiple_matches",
		"Ambiguous identifier; multiple matching %s found: %s.", what, strings.Join(names, ", "))
}

// appID returns the id of the app that a request names; "" = it names none.
func (c *call) appID(ref string) (string, error) {
	if ref == "" {
		return "", nil
	}
	app, err := c.app(ref)
	if err != nil {
		return "", err
	}
	return app.ID, nil
}

// matchingAddOns finds add-ons by id or name. If there are none, it searches by attachment and config var, and then by service.
func (c *call) matchingAddOns(ref, appRef string) ([]*addOn, error) {
	if strings.Contains(ref, "::") {
		a, err := c.addOn(ref)
		return []*addOn{a}, err
	}
	appID, err := c.appID(appRef)
	if err != nil {
		return nil, err
	}
	if a := find(c.w.AddOns, ref, (*addOn).name); a != nil && c.mayReadAddOn(a) && (appID == "" || c.w.onApp(a, appID)) {
		return []*addOn{a}, nil
	}
	found := c.addOnsWhere(func(a *addOn) bool {
		return slices.ContainsFunc(sorted(c.w.Attachments), func(at *attachment) bool {
			return at.AddOn == a.ID && (appID == "" || at.App == appID) && c.w.matchesName(at, ref)
		})
	})
	if len(found) == 0 && appID != "" {
		found = c.addOnsWhere(func(a *addOn) bool { return a.service().Name == ref && c.w.onApp(a, appID) })
	}
	return found, nil
}

func (w *world) matchesName(at *attachment, ref string) bool {
	return strings.EqualFold(at.Name, ref) ||
		slices.ContainsFunc(w.varsOf(at), func(name string) bool { return strings.EqualFold(name, ref) })
}

func (c *call) addOnsWhere(is func(*addOn) bool) []*addOn {
	return slices.DeleteFunc(sorted(c.w.AddOns), func(a *addOn) bool { return !c.mayReadAddOn(a) || !is(a) })
}

// resolveAttachment finds an attachment by id, app::NAME, name, or config var.
func resolveAttachment(c *call, in struct {
	Attachment   string    `json:"addon_attachment"`
	App          reference `json:"app"`
	AddOnService reference `json:"addon_service"`
}) (any, error) {
	ref, appRef := in.Attachment, string(in.App)
	if before, after, ok := strings.Cut(ref, "::"); ok {
		appRef, ref = before, after
	}
	appID, err := c.appID(appRef)
	if err != nil {
		return nil, err
	}
	var names []string
	found := []object{}
	for _, at := range sorted(c.w.Attachments) {
		if (at.ID == ref || c.w.matchesName(at, ref)) && (appID == "" || at.App == appID) && c.mayReadAttachment(at) {
			found = append(found, attachmentBody(c, at))
			names = append(names, c.w.Apps[at.App].Name+"::"+at.Name)
		}
	}
	switch len(found) {
	case 0:
		return nil, errNoAttachment
	case 1:
		return found, nil
	}
	return nil, multipleMatches("attachments", names)
}
