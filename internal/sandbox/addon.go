// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package sandbox

import (
	"cmp"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/keyvalue"
)

type addOn struct {
	ID, Name             string
	App                  string // id of the app that owns the add-on and is billed for it
	Service              string `json:",omitempty"` // "" = a store
	Plan                 keyvalue.PlanName
	State                string
	CreatedAt, UpdatedAt time.Time
	Store                store // zero for other services
}

const (
	stateProvisioning   = "provisioning"
	stateProvisioned    = "provisioned"
	stateDeprovisioning = "deprovisioning" // not in the API's schema, but Heroku returns it
	stateDeprovisioned  = "deprovisioned"  // provisioning failed, and the record still exists
)

func (a *addOn) name() string { return a.Name }

// addOnBody is the representation of an add-on for the app that owns it.
func addOnBody(c *call, a *addOn) object { return c.addOnSeenFrom(a, a.App) }

// addOnSeenFrom is the representation of an add-on for an app: config_vars are the names on that app.
func (c *call) addOnSeenFrom(a *addOn, appID string) object {
	owner, wire, vars := c.w.Apps[a.App].idName(), a.planWire(), []string{}
	if a.State == stateProvisioned {
		for _, at := range c.w.attachmentsOf(a.ID, appID) {
			vars = append(vars, c.w.varsOf(at)...)
		}
	}
	b := object{
		"id": a.ID, "name": a.Name, "state": a.State, "app": owner, "config_vars": vars, "actions": []string{},
		"addon_service": a.service(), "plan": planID(wire), "billed_price": nil,
		"billing_entity": object{"id": owner.ID, "name": owner.Name, "type": "app"},
		"provider_id":    a.ID, "web_url": ssoURL(a.App, a.ID),
		"created_at": stamp(a.CreatedAt), "updated_at": stamp(a.UpdatedAt),
	}
	s, _ := lookUpService(a.service().ID)
	if c.wants("Accept-Expansion", "addon_service") {
		b["addon_service"] = s.body
	}
	for _, plan := range s.plans {
		if plan.is(wire) {
			b["billed_price"] = plan["price"]
			if c.wants("Accept-Expansion", "plan") {
				b["plan"] = plan
			}
		}
	}
	return b
}

func ssoURL(appID, addOnID string) string {
	return "https://addons-sso.heroku.com/apps/" + appID + "/addons/" + addOnID
}

// withMessage adds the add-on partner's message, if the request asks for it.
func (c *call) withMessage(b object, message string) object {
	if message != "" && strings.EqualFold(c.Header.Get("X-Heroku-Legacy-Provider-Messages"), "true") {
		b["provision_message"] = message
	}
	return b
}

// mayReadAddOn reports whether the caller may see the owning app, or an app that the add-on is attached to.
func (c *call) mayReadAddOn(a *addOn) bool {
	if c.w.mayRead(c.user, c.w.Apps[a.App]) {
		return true
	}
	for _, at := range c.w.Attachments {
		if at.AddOn == a.ID && c.w.mayRead(c.user, c.w.Apps[at.App]) {
			return true
		}
	}
	return false
}

// addOn finds an add-on by id, name, or app::ATTACHMENT.
func (c *call) addOn(ref string) (*addOn, error) {
	if appRef, name, ok := strings.Cut(ref, "::"); ok {
		a, err := c.app(appRef)
		if err != nil {
			return nil, err
		}
		if at := c.w.attachmentNamed(a.ID, name); at != nil {
			return c.w.AddOns[at.AddOn], nil
		}
		return nil, notFound("add_on", "add-on")
	}
	a := find(c.w.AddOns, ref, (*addOn).name)
	if a == nil {
		return nil, notFound("add_on", "add-on")
	}
	if !c.mayReadAddOn(a) {
		return nil, forbidden("You do not have the required access to the add-on %s.", a.Name)
	}
	return a, nil
}

func pathAddOn(c *call) (*addOn, error) { return c.addOn(c.PathValue("addon")) }

func listAddOns(c *call) (any, error) {
	return listWhere(c, c.w.AddOns, c.mayReadAddOn, addOnBody, "id", "name"), nil
}

func listTeamAddOns(c *call, t *team) (any, error) {
	return listWhere(c, c.w.AddOns, func(a *addOn) bool { return c.w.Apps[a.App].Team == t.ID }, addOnBody, "id", "name"), nil
}

func (w *world) onApp(a *addOn, appID string) bool {
	return a.App == appID || len(w.attachmentsOf(a.ID, appID)) > 0
}

// listAppAddOns lists the add-ons that the app owns and those that are attached to it.
func listAppAddOns(c *call, app *app) (any, error) {
	seen := func(c *call, a *addOn) object { return c.addOnSeenFrom(a, app.ID) }
	return listWhere(c, c.w.AddOns, func(a *addOn) bool { return c.w.onApp(a, app.ID) }, seen, "id", "name"), nil
}

// listUserAddOns lists the add-ons of all apps that the caller may see.
func listUserAddOns(c *call) (any, error) {
	return listWhere(c, c.w.AddOns, func(a *addOn) bool { return c.w.mayRead(c.user, c.w.Apps[a.App]) }, addOnBody, "id", "name"), nil
}

// addOnOf finds the add-on in the path among those that match, by id, name, or service. A service must have only one such add-on.
func (c *call) addOnOf(app *app, match func(*addOn) bool) (*addOn, error) {
	ref := c.PathValue("addon")
	if a := find(c.w.AddOns, ref, (*addOn).name); a != nil && match(a) {
		return a, nil
	}
	found := c.addOnsWhere(func(a *addOn) bool { return match(a) && a.service().Name == ref })
	switch len(found) {
	case 0:
		return nil, notFound("add_on", "add-on")
	case 1:
		return found[0], nil
	}
	return nil, ambiguousAddOns(found)
}

func getAppAddOn(c *call, app *app) (any, error) {
	a, err := c.addOnOf(app, func(a *addOn) bool { return c.w.onApp(a, app.ID) })
	if err != nil {
		return nil, err
	}
	return c.addOnSeenFrom(a, app.ID), nil
}

// addOnToChange finds the add-on in the path, which the app in the path must own.
func addOnToChange(c *call) (*addOn, error) {
	app, err := pathAppToChange(c)
	if err != nil {
		return nil, err
	}
	return c.addOnOf(app, func(a *addOn) bool { return a.App == app.ID })
}

var addOnNamePattern = regexp.MustCompile(`^[a-zA-Z][A-Za-z0-9_-]+$`)

func (c *call) checkAddOnName(name string) error {
	if !addOnNamePattern.MatchString(name) {
		return invalid("Name must start with a letter and can only contain letters, digits, underscores and dashes")
	}
	if find(c.w.AddOns, name, (*addOn).name) != nil {
		return invalid("Name is already taken")
	}
	return nil
}

// requestedPlan finds the plan that a request names. The name of the service alone means the default plan of the app's runtime.
func (w *world) requestedPlan(ref string, app *app) (keyvalue.Plan, error) {
	if ref == service.Name || ref == service.ID {
		ref = defaultPlans[w.runtime(app)].Wire()
	}
	plan, ok := lookUpPlan(ref)
	if !ok {
		return keyvalue.Plan{}, invalid("Couldn't find either the add-on service or the add-on plan of %q.", ref)
	}
	return plan, nil
}

// checkPlacement refuses plans that do not run where the app runs. For an app in a Private Space, Heroku accepts a common plan, which runs
// outside of the space, if the request confirms it with the app's name (Dev Center: Heroku Key-Value Store and Private Spaces).
func (c *call) checkPlacement(plan keyvalue.Plan, app *app, confirm string) error {
	runtime := c.w.runtime(app)
	outside := plan.Class == keyvalue.ClassCommon && runtime == keyvalue.ClassPrivate && !c.s.options.StrictPlacement
	switch {
	case plan.Class == runtime, outside && confirm == app.Name:
		return nil
	case outside:
		return confirmationRequired(app.Name, "This add-on is not automatically networked with this Private Space. ")
	}
	where := map[keyvalue.RuntimeClass]string{
		keyvalue.ClassCommon: "the Common Runtime", keyvalue.ClassPrivate: "a Private Space", keyvalue.ClassShield: "a Shield Space"}[runtime]
	return invalid("The plan %s cannot be installed in %s.", plan.Name.Wire(), where)
}

type addOnParams struct {
	Plan       reference `json:"plan"`
	Name       string    `json:"name"`
	Attachment struct {
		Name string `json:"name"`
	} `json:"attachment"`
	Config  map[string]configValue `json:"config"`
	Confirm string                 `json:"confirm"`
}

func createAddOn(c *call, app *app, in addOnParams) (any, error) {
	a := &addOn{App: app.ID, State: stateProvisioning, CreatedAt: c.now, UpdatedAt: c.now}
	var plan keyvalue.Plan
	if s, name, ok := findStubPlan(string(in.Plan)); ok {
		a.Service, a.Plan, a.State = s.name, name, stateProvisioned
	} else {
		var err error
		if plan, err = c.w.requestedPlan(string(in.Plan), app); err != nil {
			return nil, err
		}
		if err := c.checkPlacement(plan, app, in.Confirm); err != nil {
			return nil, err
		}
		a.Plan = plan.Name
	}
	if a.Name = in.Name; a.Name == "" {
		a.Name = c.newName(a)
	}
	if err := c.checkAddOnName(a.Name); err != nil {
		return nil, err
	}
	a.ID = c.w.uuid()
	if a.isStore() {
		a.Store = c.w.newStore(plan)
		if sp := c.w.Spaces[c.w.spaceOf(a)]; sp != nil {
			a.Store.PrivateHost = privateHost(a, sp)
		}
		if err := c.configure(a, in.Config); err != nil {
			return nil, err
		}
	}
	// The attachment refers to the add-on, so the add-on is added first, and removed again if the attachment is refused.
	c.w.AddOns[a.ID] = a
	if _, err := c.attach(a, app, in.Attachment.Name, in.Confirm); err != nil {
		delete(c.w.AddOns, a.ID)
		return nil, err
	}
	c.w.updateLedger(a.ID, func(e *LedgerEntry) {
		*e = LedgerEntry{Kind: "add-on", ID: a.ID, Name: a.Name, Plan: a.planWire(), AppID: app.ID, App: app.Name, CreatedAt: c.now}
	})
	if !a.isStore() {
		c.w.releaseAttached(a, "Attach", addOnPartner, c.now)
		return addOnBody(c, a), nil
	}
	c.addStoreEvents(a)
	c.s.startBacking(a)
	return c.withMessage(addOnBody(c, a), "Your add-on should be available in a few minutes."), nil
}

// addStoreEvents schedules the end of a new store's provisioning, by success or failure, and the completion of its fork.
func (c *call) addStoreEvents(a *addOn) {
	ready := event{Kind: provisioned, AddOn: a.ID, Due: c.now.Add(c.s.options.Provisioning)}
	if c.effect.Provisioning == fail {
		ready.Kind = provisioningFailed
	}
	complete := event{Kind: forked, AddOn: a.ID, Due: ready.Due.Add(c.s.options.Forking)}
	switch {
	case c.effect.Fork != stuck || a.Store.Fork == nil:
	case c.s.options.Forking > 0:
		complete.HeldBy = c.fault
	default:
		ready.HeldBy = c.fault
	}
	c.w.addEvent(c.holdIfStuck(ready))
	if a.Store.Fork != nil && c.s.options.Forking > 0 {
		c.w.addEvent(complete)
	}
}

func updateAddOn(c *call, a *addOn, in struct {
	Plan *reference `json:"plan"`
	Name *string    `json:"name"`
}) (_ any, err error) {
	rename, message := in.Name != nil && *in.Name != a.Name, ""
	if rename {
		err = c.checkAddOnName(*in.Name)
	}
	switch {
	case in.Plan == nil || err != nil:
	case a.isStore():
		message, err = c.changePlan(a, string(*in.Plan))
	default:
		err = changeStubPlan(a, string(*in.Plan))
		c.w.updateLedger(a.ID, func(l *LedgerEntry) { l.Plan = a.planWire() })
	}
	if err != nil {
		return nil, err
	}
	if rename {
		a.Name = *in.Name
		c.w.updateLedger(a.ID, func(e *LedgerEntry) { e.Name = a.Name })
	}
	a.UpdatedAt = c.now
	return c.withMessage(addOnBody(c, a), message), nil
}

func deleteAddOn(c *call, a *addOn, in struct {
	Force bool `json:"force"`
}) (any, error) {
	for _, at := range c.w.Attachments {
		if at.AddOn == a.ID && at.App != a.App && !in.Force {
			return nil, lastAttachment(a)
		}
	}
	body, state := addOnBody(c, a), c.destroy(a)
	body["config_vars"], body["state"] = []string{}, state
	if state == stateDeprovisioning {
		c.status = http.StatusAccepted
	}
	return body, nil
}

// destroy removes an add-on and all its attachments. It returns the state deprovisioned, or deprovisioning if the removal takes time, as it
// does in spaces.
func (c *call) destroy(a *addOn) (state string) {
	takes := time.Duration(c.effect.Deprovisioning)
	spaceID := c.w.spaceOf(a)
	if spaceID != "" {
		takes = cmp.Or(takes, c.s.options.Provisioning)
	}
	if a.State == stateProvisioned {
		c.w.releaseAttached(a, "Detach", c.user, c.now)
	}
	c.w.detachAll(a)
	c.w.Events = slices.DeleteFunc(c.w.Events, func(e event) bool { return e.AddOn == a.ID })
	c.s.stopBacking(a.ID)
	c.w.updateLedger(a.ID, func(e *LedgerEntry) {
		if e.DestroyedAt == nil {
			e.DestroyedAt = &c.now
		}
	})
	if takes > 0 && a.State != stateDeprovisioned {
		a.State, a.UpdatedAt = stateDeprovisioning, c.now
		c.w.addEvent(event{Kind: addOnGone, AddOn: a.ID, Space: spaceID, Due: c.now.Add(takes)})
		return stateDeprovisioning
	}
	delete(c.w.AddOns, a.ID)
	return stateDeprovisioned
}

// getAddOnConfig lists the add-on's config vars on the app that owns it.
func getAddOnConfig(c *call, a *addOn) (any, error) {
	if _, err := c.appToChange(a.App); err != nil {
		return nil, err
	}
	vars := []object{}
	if a.State == stateProvisioned {
		for _, at := range c.w.attachmentsOf(a.ID, a.App) {
			for _, name := range c.w.varsOf(at) {
				vars = append(vars, object{"name": name, "value": a.value()})
			}
		}
	}
	return vars, nil
}

// updateAddOnConfig always refuses: only the partner that provides the add-on may call it.
func updateAddOnConfig(*call, *addOn) (any, error) {
	return nil, forbidden("The config of an add-on can only be changed by the add-on partner that provides it.")
}

// changePlan changes the plan of the add-on immediately; the add-on stays provisioned. The plan of its store changes when the data is
// copied.
func (c *call) changePlan(a *addOn, ref string) (message string, err error) {
	plan, err := c.w.requestedPlan(ref, c.w.Apps[a.App])
	if err != nil {
		return "", err
	}
	switch {
	case plan.Name == a.Plan:
		return "", nil
	case plan.Class != planByName(a.Plan).Class:
		return "", invalid("Cannot change the plan of %s from %s to %s: they run in different networks.", a.Name, a.Plan.Wire(), plan.Name.Wire())
	case a.State == stateProvisioning:
		return "", unprocessable("Add-on %s is being provisioned. Please try again later.", a.Name)
	case a.State != stateProvisioned:
		return "", unprocessable("Add-on %s cannot be changed: it is %s.", a.Name, a.State)
	case a.Store.Busy != "":
		return "", a.Store.busy(a.Name)
	}
	e := event{Kind: planChanged, AddOn: a.ID, Due: c.now.Add(c.s.options.Provisioning), Server: c.w.uuid(), Password: c.w.password()}
	if c.effect.PlanChange == stuck {
		e.HeldBy = c.fault
	}
	c.w.addEvent(e)
	a.Plan, a.Store.Busy = plan.Name, busyUpgrade
	c.w.updateLedger(a.ID, func(l *LedgerEntry) { l.Plan = plan.Name.Wire() })
	c.s.startSuccessor(a, e)
	return "The Heroku Data for Redis instance is in the process of being upgraded.\n" +
		"The time it takes to upgrade is dependent on how much data exists in the instance.", nil
}
