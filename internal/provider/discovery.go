// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"iter"
	"strings"

	datasource "github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	list "github.com/hashicorp/terraform-plugin-framework/list/schema"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/keyvalue"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/replacement"
)

// Existing objects are found in Heroku's lists, for `terraform query` and for data sources, with the same filters and without a
// request for each object. Only the settings and the version of a store, which only the Data API has, take a request for each.

// filters are names of attributes that select objects. The list of each kind of object has a subset of them.
type filters []string

var (
	spaceFilters      = filters{"team"}
	rangeFilters      = filters{"team", "space"}
	appFilters        = filters{"team", "space"}
	formationFilters  = filters{"team", "app", "space"}
	attachmentFilters = filters{"team", "app", "space", "plan"}
	storeFilters      = filters{"team", "app", "space", "plan", "version", "deprecated", "unattached"}
)

// textFilters are the filters with a string value.
var textFilters = map[string]struct {
	description string
	rule        func(string) error
}{
	"team":  {"Name of a team: lists only what belongs to this team.", validateTeamName},
	"app":   {"Name or UUID of an app: lists only what belongs to this app.", keyvalue.ValidateAppReference},
	"space": {"Name or UUID of a Private or Shield Space: lists only what is in this space.", keyvalue.ValidateSpaceReference},
	"plan":  {"Plan, such as `premium-0`: lists only results for stores on this plan.", validatePlanName},
	"version": {"Version, such as `7` or `7.2`: lists only results for stores that run this version. Requires one " +
		"request for each store.", validateVersion},
}

// flagFilters are the filters with a boolean value, with their descriptions.
var flagFilters = map[string]string{
	"deprecated": "Lists only results for stores whose version has reached or will soon reach its end of life (`true`), or only for the " +
		"others (`false`). Requires one request for each store.",
	"unattached": "Lists only results for stores that are attached to no app (`true`), or only for the others (`false`). A store keeps " +
		"its last attachment to its own app, so an unattached store is one that a replacement has kept: see `retired_instance_id` of " +
		"`kvs_instance`.",
}

func validatePlanName(s string) error {
	_, err := keyvalue.ParsePlanName(s)
	return err
}

// listAttributes adds the filters to the other attributes of a list resource.
func (f filters) listAttributes(all map[string]list.Attribute) map[string]list.Attribute {
	for _, name := range f {
		if text, ok := textFilters[name]; ok {
			rule := []validator.String{validatedBy(text.rule)}
			all[name] = list.StringAttribute{Optional: true, MarkdownDescription: text.description, Validators: rule}
		} else {
			all[name] = list.BoolAttribute{Optional: true, MarkdownDescription: flagFilters[name]}
		}
	}
	return all
}

// dataSourceAttributes adds the filters to the other attributes of a data source.
func (f filters) dataSourceAttributes(all map[string]datasource.Attribute) map[string]datasource.Attribute {
	for _, name := range f {
		if text, ok := textFilters[name]; ok {
			rule := []validator.String{validatedBy(text.rule)}
			all[name] = datasource.StringAttribute{Optional: true, MarkdownDescription: text.description, Validators: rule}
		} else {
			all[name] = datasource.BoolAttribute{Optional: true, MarkdownDescription: flagFilters[name]}
		}
	}
	return all
}

// selection reads the filters of a configuration.
func (f filters) selection(ctx context.Context, config tfsdk.Config) (s keyvalue.Selection, diags diag.Diagnostics) {
	texts, flags := map[string]string{}, map[string]*bool{}
	for _, name := range f {
		if _, ok := textFilters[name]; ok {
			var text types.String
			diags.Append(config.GetAttribute(ctx, path.Root(name), &text)...)
			texts[name] = text.ValueString()
		} else {
			var flag types.Bool
			diags.Append(config.GetAttribute(ctx, path.Root(name), &flag)...)
			flags[name] = flag.ValueBoolPointer()
		}
	}
	plan, _ := keyvalue.ParsePlanName(texts["plan"]) // the validator has refused an invalid one
	return keyvalue.Selection{
		Team: texts["team"], App: texts["app"], Space: texts["space"], Plan: plan, Version: keyvalue.Version(texts["version"]),
		Deprecated: flags["deprecated"], Unattached: flags["unattached"],
	}, diags
}

// selected converts the objects that match, page by page. match returns false for the others. An error comes last.
func selected[T, R any](pages iter.Seq2[[]T, error], match func(T) (R, bool)) iter.Seq2[R, error] {
	return func(yield func(R, error) bool) {
		for page, err := range pages {
			if err != nil {
				yield(*new(R), err)
				return
			}
			for _, item := range page {
				if found, ok := match(item); ok && !yield(found, nil) {
					return
				}
			}
		}
	}
}

// byID reads all pages of a list into a map.
func byID[ID comparable, T any](pages iter.Seq2[[]T, error], id func(T) ID) (map[ID]T, error) {
	all := make(map[ID]T)
	for page, err := range pages {
		if err != nil {
			return nil, err
		}
		for _, item := range page {
			all[id(item)] = item
		}
	}
	return all, nil
}

func (c *connection) appsByID(ctx context.Context) (map[heroku.AppID]heroku.App, error) {
	return byID(c.client.AppPages(ctx), func(a heroku.App) heroku.AppID { return a.ID })
}

// inApp is the candidate for an object that belongs to the app.
func inApp(app heroku.App) keyvalue.Candidate {
	candidate := keyvalue.Candidate{Team: app.Team, AppID: string(app.ID), AppName: app.Name}
	if app.Space != nil {
		candidate.SpaceID, candidate.SpaceName = string(app.Space.ID), app.Space.Name
	}
	return candidate
}

// foundStore is a store with the details that were requested.
type foundStore struct {
	heroku.AddOn
	app         heroku.App // empty if the list of apps does not have it
	attachments []heroku.Attachment
	settings    *heroku.Store // nil if not requested, or if the Data API does not know the store yet
}

// storeDetails says which details of stores to read besides the list of add-ons.
type storeDetails struct {
	apps, attachments, settings bool
	windowed                    bool // only those whose plan has a maintenance window
}

// stores yields the selected stores in the order of Heroku's list, page by page. It leaves out stores that are being destroyed.
// An error comes last, with the store that it is about, if there is one.
func (c *connection) stores(ctx context.Context, s keyvalue.Selection, want storeDetails) iter.Seq2[foundStore, error] {
	return func(yield func(foundStore, error) bool) {
		for page, err := range c.storePages(ctx, s, want) {
			if err != nil {
				yield(foundStore{}, err)
				return
			}
			if !want.settings && !s.ByVersion() {
				for _, store := range page {
					if !yield(store, nil) {
						return
					}
				}
				continue
			}
			for store, err := range c.withSettings(ctx, page) {
				if err == nil && !s.SelectsVersion(store.running(), c.client.HostTime()) {
					continue
				}
				if !yield(store, err) || err != nil {
					return
				}
			}
		}
	}
}

// storePages yields pages of stores, selected by everything but their version.
func (c *connection) storePages(ctx context.Context, s keyvalue.Selection, want storeDetails) iter.Seq2[[]foundStore, error] {
	return func(yield func([]foundStore, error) bool) {
		var (
			apps     map[heroku.AppID]heroku.App
			attached map[heroku.AddOnID][]heroku.Attachment
			err      error
		)
		if want.apps || s.Team != "" || s.Space != "" {
			apps, err = c.appsByID(ctx)
		}
		if err == nil && (want.attachments || s.Unattached != nil) {
			attached, err = c.attachmentsByStore(ctx)
		}
		if err != nil {
			yield(nil, err)
			return
		}
		for page, err := range c.client.AddOnPages(ctx) {
			var found []foundStore
			for _, addOn := range page {
				store := foundStore{AddOn: addOn, app: apps[addOn.AppID], attachments: attached[addOn.ID]}
				if store.stays() && s.Selects(store.candidate()) && !(want.windowed && hasNoWindow(store.plan())) {
					found = append(found, store)
				}
			}
			if !yield(found, err) {
				return
			}
		}
	}
}

// withSettings reads the settings of stores that are provisioned, some of them ahead of the one that it yields.
func (c *connection) withSettings(ctx context.Context, stores []foundStore) iter.Seq2[foundStore, error] {
	return func(yield func(foundStore, error) bool) {
		var ready []heroku.AddOnID
		for _, store := range stores {
			if store.State == heroku.StateProvisioned {
				ready = append(ready, store.ID)
			}
		}
		next, stop := iter.Pull2(c.client.Stores(ctx, ready))
		defer stop()
		for _, store := range stores {
			var err error
			if store.State == heroku.StateProvisioned {
				var settings heroku.Store
				if settings, err, _ = next(); err == nil {
					store.settings = &settings
				} else if heroku.IsNotFound(err) {
					err = nil
				}
			}
			if !yield(store, err) {
				return
			}
		}
	}
}

// stays reports whether it is a Key-Value Store that is not being destroyed.
func (s foundStore) stays() bool {
	return s.Service == keyvalue.Service && s.State != heroku.StateDeprovisioning && s.State != heroku.StateDeprovisioned
}

func (s foundStore) candidate() keyvalue.Candidate {
	candidate := inApp(s.app)
	candidate.AppID, candidate.AppName = string(s.AppID), s.AppName // known even if the list of apps does not have the app
	candidate.Plan, candidate.Attached = s.plan(), len(s.attachments) > 0
	return candidate
}

func (s foundStore) plan() keyvalue.PlanName {
	name, _ := keyvalue.ParsePlanName(keyvalue.ShortPlanName(s.Plan))
	return name
}

func (s foundStore) running() keyvalue.Version {
	if s.settings == nil {
		return ""
	}
	return keyvalue.Version(s.settings.Version)
}

// runsOutside reports whether the store is outside of the network of its app's space.
func (s foundStore) runsOutside() bool {
	return keyvalue.Place(s.plan(), location(s.app)).Verdict == keyvalue.NeedsConsent
}

// label names the store in a diagnostic.
func (s foundStore) label() string {
	if s.ID == "" {
		return "All Key-Value Stores"
	}
	return storeLabel(s.AddOn)
}

// foundAttachment is an attachment of a store. first marks the one that kvs_instance manages as its attachment_name.
type foundAttachment struct {
	heroku.Attachment
	app   heroku.App
	first bool
}

// reference is the import identifier of the attachment.
func (a foundAttachment) reference() string {
	if a.ID == "" {
		return ""
	}
	return a.AppName + "::" + a.Name
}

// attachments yields the selected attachments, as stores does. An error comes last.
func (c *connection) attachments(ctx context.Context, s keyvalue.Selection) iter.Seq2[foundAttachment, error] {
	apps, err := c.appsByID(ctx)
	var addOns map[heroku.AddOnID]heroku.AddOn
	if err == nil {
		addOns, err = byID(c.client.AddOnPages(ctx), func(a heroku.AddOn) heroku.AddOnID { return a.ID })
	}
	if err != nil {
		return func(yield func(foundAttachment, error) bool) { yield(foundAttachment{}, err) }
	}
	return selected(c.client.AttachmentPages(ctx), func(a heroku.Attachment) (foundAttachment, bool) {
		addOn, listed := addOns[a.AddOnID]
		if !listed { // an add-on of an app that the token cannot see: the attachment has its plan
			addOn = heroku.AddOn{ID: a.AddOnID, Plan: a.Plan, Service: serviceOf(a.Plan)}
		}
		store := foundStore{AddOn: addOn}
		a.Plan = addOn.Plan
		found := foundAttachment{Attachment: a, app: apps[a.AppID], first: store.isFirst(a)}
		matches := !replacement.IsInternalAttachment(a.AddOnID, a.Name) && s.Selects(found.candidate(store))
		return found, matches && store.stays()
	})
}

// serviceOf is the service in the name of a plan, such as heroku-redis in heroku-redis:mini.
func serviceOf(plan string) string {
	service, _, _ := strings.Cut(plan, ":")
	return service
}

func (s foundStore) isFirst(a heroku.Attachment) bool {
	first := (&instanceModel{}).attachmentOf(s.AddOn)
	sameName := first.IsNull() || first.ValueString() == a.Name // null for a store that is not ready
	return sameName && a.AppID == s.AppID
}

func (a foundAttachment) candidate(store foundStore) keyvalue.Candidate {
	candidate := inApp(a.app)
	candidate.AppID, candidate.AppName = string(a.AppID), a.AppName
	candidate.Plan, candidate.Attached = store.plan(), true
	return candidate
}

// spaces yields the selected spaces that are not being deleted.
func (c *connection) spaces(ctx context.Context, s keyvalue.Selection) iter.Seq2[heroku.Space, error] {
	return selected(c.client.SpacePages(ctx), func(space heroku.Space) (heroku.Space, bool) {
		return space, space.State != heroku.SpaceDeleting &&
			s.Selects(keyvalue.Candidate{Team: space.Team, SpaceID: string(space.ID), SpaceName: space.Name})
	})
}

// apps yields the selected apps.
func (c *connection) apps(ctx context.Context, s keyvalue.Selection) iter.Seq2[heroku.App, error] {
	return selected(c.client.AppPages(ctx), func(app heroku.App) (heroku.App, bool) { return app, s.Selects(inApp(app)) })
}

// attachmentsByStore reads all attachments, except those that a replacement has made for itself.
func (c *connection) attachmentsByStore(ctx context.Context) (map[heroku.AddOnID][]heroku.Attachment, error) {
	all := make(map[heroku.AddOnID][]heroku.Attachment)
	for page, err := range c.client.AttachmentPages(ctx) {
		if err != nil {
			return nil, err
		}
		for _, a := range page {
			if !replacement.IsInternalAttachment(a.AddOnID, a.Name) {
				all[a.AddOnID] = append(all[a.AddOnID], a)
			}
		}
	}
	return all, nil
}
