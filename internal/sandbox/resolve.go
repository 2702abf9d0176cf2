// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package sandbox

import (
	"net/http"
	"slices"
	"strings"
)

// resolveAddOn finds an add-on by id, name, app::ATTACHMENT, attachment, config var, or service.
func resolveAddOn(c *call) (int, any, error) {
	var in struct {
		AddOn        string    `json:"addon"`
		App          reference `json:"app"`
		AddOnService reference `json:"addon_service"`
	}
	if err := c.params(&in); err != nil {
		return 0, nil, err
	}
	found, err := c.matchingAddOns(in.AddOn, string(in.App))
	if err != nil {
		return 0, nil, err
	}
	if in.AddOnService != "" && in.AddOnService != reference(service.Name) && in.AddOnService != reference(service.ID) {
		found = nil
	}
	switch len(found) {
	case 0:
		return 0, nil, notFound("add_on", "add-on")
	case 1:
		return http.StatusOK, []addOnBody{c.addOnBody(found[0], found[0].App)}, nil
	}
	var names []string
	for _, a := range found {
		names = append(names, a.Name)
	}
	slices.Sort(names)
	return 0, nil, multipleMatches("add-ons", names)
}

func multipleMatches(what string, names []string) error {
	return refuse(http.StatusUnprocessableEntity, "multiple_matches",
		"Ambiguous identifier; multiple matching %s found: %s.", what, strings.Join(names, ", "))
}

func (c *call) matchingAddOns(ref, appRef string) ([]*addOn, error) {
	if strings.Contains(ref, "::") {
		a, err := c.addOn(ref)
		if err != nil {
			return nil, err
		}
		return []*addOn{a}, nil
	}
	appID := ""
	if appRef != "" {
		app, err := c.app(appRef)
		if err != nil {
			return nil, err
		}
		appID = app.ID
	}
	// The first that is found: name or id, attachment or config var, service.
	if a := find(c.w.AddOns, ref, (*addOn).name); a != nil && c.mayReadAddOn(a) && (appID == "" || c.w.onApp(a, appID)) {
		return []*addOn{a}, nil
	}
	found := c.addOnsWhere(func(a *addOn) bool {
		return slices.ContainsFunc(sorted(c.w.Attachments), func(at *attachment) bool {
			return at.AddOn == a.ID && (appID == "" || at.App == appID) &&
				(strings.EqualFold(at.Name, ref) || strings.EqualFold(at.configVar(), ref))
		})
	})
	if len(found) == 0 && appID != "" && ref == service.Name {
		found = c.addOnsWhere(func(a *addOn) bool { return c.w.onApp(a, appID) })
	}
	return found, nil
}

func (c *call) addOnsWhere(is func(*addOn) bool) []*addOn {
	return slices.DeleteFunc(sorted(c.w.AddOns), func(a *addOn) bool { return !c.mayReadAddOn(a) || !is(a) })
}

// resolveAttachment finds an attachment by id, app::NAME, name, or config var.
func resolveAttachment(c *call) (int, any, error) {
	var in struct {
		Attachment   string    `json:"addon_attachment"`
		App          reference `json:"app"`
		AddOnService reference `json:"addon_service"`
	}
	if err := c.params(&in); err != nil {
		return 0, nil, err
	}
	ref, appRef := in.Attachment, string(in.App)
	if before, after, ok := strings.Cut(ref, "::"); ok {
		appRef, ref = before, after
	}
	appID := ""
	if appRef != "" {
		app, err := c.app(appRef)
		if err != nil {
			return 0, nil, err
		}
		appID = app.ID
	}
	var names []string
	found := []attachmentBody{}
	for _, at := range sorted(c.w.Attachments) {
		meant := at.ID == ref || strings.EqualFold(at.Name, ref) || strings.EqualFold(at.configVar(), ref)
		if meant && (appID == "" || at.App == appID) && c.mayReadAttachment(at) {
			found = append(found, c.attachmentBody(at))
			names = append(names, c.w.Apps[at.App].Name+"::"+at.Name)
		}
	}
	switch len(found) {
	case 0:
		return 0, nil, errNoAttachment
	case 1:
		return http.StatusOK, found, nil
	}
	return 0, nil, multipleMatches("attachments", names)
}
