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

	"github.com/terraform-kvs/terraform-provider-kvs/internal/keyvalue"
)

type addOn struct {
	ID, Name             string
	App                  string // id of the owner, which is billed
	Plan                 keyvalue.PlanName
	State                string
	CreatedAt, UpdatedAt time.Time
	Store                store // what the Data API knows of the add-on
}

const (
	stateProvisioning   = "provisioning"
	stateProvisioned    = "provisioned"
	stateDeprovisioning = "deprovisioning" // not in the API's schema, but Heroku answers it
	stateDeprovisioned  = "deprovisioned"  // of an add-on that still exists: provisioning failed
)

func (a *addOn) name() string { return a.Name }

type billingEntity struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	Type string `json:"type"`
}

type addOnBody struct {
	Actions          []string      `json:"actions"`
	AddonService     any           `json:"addon_service"` // idName, or a serviceBody when expanded
	App              idName        `json:"app"`
	BilledPrice      *priceBody    `json:"billed_price"`
	BillingEntity    billingEntity `json:"billing_entity"`
	ConfigVars       []string      `json:"config_vars"`
	CreatedAt        string        `json:"created_at"`
	ID               string        `json:"id"`
	Name             string        `json:"name"`
	Plan             any           `json:"plan"` // idName, or a planBody when expanded
	ProviderID       string        `json:"provider_id"`
	ProvisionMessage string        `json:"provision_message,omitempty"` // only if the request asks for it
	State            string        `json:"state"`
	UpdatedAt        string        `json:"updated_at"`
	WebURL           string        `json:"web_url"`
}

func (b addOnBody) key(field string) string {
	if field == "name" {
		return b.Name
	}
	return b.ID
}

// addOnBody describes an add-on as an app sees it: config_vars are the names on that app. It is the owner, except in an app's list.
func (c *call) addOnBody(a *addOn, seenFrom string) addOnBody {
	owner := c.w.Apps[a.App].idName()
	b := addOnBody{
		Actions:       []string{},
		AddonService:  idName{service.ID, service.Name},
		App:           owner,
		BillingEntity: billingEntity{owner.ID, owner.Name, "app"},
		ConfigVars:    []string{},
		CreatedAt:     stamp(a.CreatedAt),
		ID:            a.ID,
		Name:          a.Name,
		Plan:          planID(a.Plan),
		ProviderID:    a.ID,
		State:         a.State,
		UpdatedAt:     stamp(a.UpdatedAt),
		WebURL:        ssoURL(a.App, a.ID),
	}
	plan, known := keyvalue.LookupPlan(a.Plan)
	if known {
		p := price(plan)
		b.BilledPrice = &p
	}
	if a.State == stateProvisioned {
		for _, at := range c.w.attachmentsOf(a.ID, seenFrom) {
			b.ConfigVars = append(b.ConfigVars, at.configVar())
		}
	}
	if c.wants("Accept-Expansion", "addon_service") {
		b.AddonService = service
	}
	if known && c.wants("Accept-Expansion", "plan") {
		b.Plan = newPlanBody(plan)
	}
	return b
}

func ssoURL(appID, addOnID string) string {
	return "https://addons-sso.heroku.com/apps/" + appID + "/addons/" + addOnID
}

// withMessage adds the message of the add-on's partner if the request asks for it.
func (c *call) withMessage(b addOnBody, message string) addOnBody {
	if strings.EqualFold(c.Header.Get("X-Heroku-Legacy-Provider-Messages"), "true") {
		b.ProvisionMessage = message
	}
	return b
}

// mayReadAddOn reports whether the caller may see the owner, or an app that the add-on is attached to.
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

// addOn finds one by id, name, or app::ATTACHMENT.
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

func listAddOns(c *call) (int, any, error) {
	var bodies []addOnBody
	for _, a := range c.w.AddOns {
		if c.mayReadAddOn(a) {
			bodies = append(bodies, c.addOnBody(a, a.App))
		}
	}
	return http.StatusOK, list(bodies, "id", "name"), nil
}

func listTeamAddOns(c *call) (int, any, error) {
	t, err := c.team(c.PathValue("team"))
	if err != nil {
		return 0, nil, err
	}
	var bodies []addOnBody
	for _, a := range c.w.AddOns {
		if c.w.Apps[a.App].Team == t.ID {
			bodies = append(bodies, c.addOnBody(a, a.App))
		}
	}
	return http.StatusOK, list(bodies, "id", "name"), nil
}

func (w *world) onApp(a *addOn, appID string) bool {
	return a.App == appID || len(w.attachmentsOf(a.ID, appID)) > 0
}

// listAppAddOns has the app's own add-ons and those that are attached to it.
func listAppAddOns(c *call) (int, any, error) {
	app, err := c.app(c.PathValue("app"))
	if err != nil {
		return 0, nil, err
	}
	var bodies []addOnBody
	for _, a := range c.w.AddOns {
		if c.w.onApp(a, app.ID) {
			bodies = append(bodies, c.addOnBody(a, app.ID))
		}
	}
	return http.StatusOK, list(bodies, "id", "name"), nil
}

func getAddOn(c *call) (int, any, error) {
	a, err := c.addOn(c.PathValue("addon"))
	if err != nil {
		return 0, nil, err
	}
	return http.StatusOK, c.addOnBody(a, a.App), nil
}

func getAppAddOn(c *call) (int, any, error) {
	app, err := c.app(c.PathValue("app"))
	if err != nil {
		return 0, nil, err
	}
	a := find(c.w.AddOns, c.PathValue("addon"), (*addOn).name)
	if a == nil || !c.w.onApp(a, app.ID) {
		return 0, nil, notFound("add_on", "add-on")
	}
	return http.StatusOK, c.addOnBody(a, app.ID), nil
}

// addOnToChange finds an add-on that the path's app owns.
func (c *call) addOnToChange() (*app, *addOn, error) {
	app, err := c.appToChange(c.PathValue("app"))
	if err != nil {
		return nil, nil, err
	}
	a := find(c.w.AddOns, c.PathValue("addon"), (*addOn).name)
	if a == nil || a.App != app.ID {
		return nil, nil, notFound("add_on", "add-on")
	}
	return app, a, nil
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

// orderedPlan finds the plan that a request names. The service alone means the default plan of the app's runtime.
func (w *world) orderedPlan(ref string, app *app) (keyvalue.Plan, error) {
	if ref == service.Name || ref == service.ID {
		ref = defaultPlans[w.runtime(app)].Wire()
	}
	plan, ok := lookUpPlan(ref)
	if !ok {
		return keyvalue.Plan{}, invalid("Couldn't find either the add-on service or the add-on plan of %q.", ref)
	}
	return plan, nil
}

// checkPlacement refuses plans that do not run where the app runs. Heroku runs a common plan outside of an app's Private Space when
// that is confirmed by the app's name (Dev Center: Heroku Key-Value Store and Private Spaces).
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

func createAddOn(c *call) (int, any, error) {
	app, err := c.readyApp(c.PathValue("app"))
	if err != nil {
		return 0, nil, err
	}
	var in struct {
		Plan       reference `json:"plan"`
		Name       string    `json:"name"`
		Attachment struct {
			Name string `json:"name"`
		} `json:"attachment"`
		Config  map[string]any `json:"config"`
		Confirm string         `json:"confirm"`
	}
	if err := c.params(&in); err != nil {
		return 0, nil, err
	}
	plan, err := c.w.orderedPlan(string(in.Plan), app)
	if err != nil {
		return 0, nil, err
	}
	if err := c.checkPlacement(plan, app, in.Confirm); err != nil {
		return 0, nil, err
	}
	name := in.Name
	if name == "" {
		name = fmt.Sprintf("redis-%s-%05d", c.w.pick(adjectives), c.w.random().IntN(100000))
	}
	if err := c.checkAddOnName(name); err != nil {
		return 0, nil, err
	}
	a := &addOn{
		ID:        c.w.uuid(),
		Name:      name,
		App:       app.ID,
		Plan:      plan.Name,
		State:     stateProvisioning,
		CreatedAt: c.now,
		UpdatedAt: c.now,
		Store:     c.w.newStore(plan),
	}
	if sp := c.w.Spaces[c.w.spaceOf(a)]; sp != nil {
		a.Store.PrivateHost = privateHost(a, sp)
	}
	if err := c.configure(a, in.Config); err != nil {
		return 0, nil, err
	}
	// The attachment refers to the add-on, which therefore is added first, and removed again when the attachment is refused.
	c.w.AddOns[a.ID] = a
	if _, err := c.attach(a, app, in.Attachment.Name, in.Confirm); err != nil {
		delete(c.w.AddOns, a.ID)
		return 0, nil, err
	}
	c.w.updateLedger(a.ID, func(e *LedgerEntry) {
		*e = LedgerEntry{Kind: "add-on", ID: a.ID, Name: a.Name, Plan: a.Plan.Wire(), AppID: app.ID, App: app.Name, CreatedAt: c.now}
	})
	c.addStoreEvents(a)
	c.s.startBacking(a)
	return http.StatusCreated, c.withMessage(c.addOnBody(a, app.ID), "Your add-on should be available in a few minutes."), nil
}

// addStoreEvents adds the events of a new store: it is provisioned or fails, and its fork is complete.
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
	c.w.addEvent(c.orHeld(ready))
	if a.Store.Fork != nil && c.s.options.Forking > 0 {
		c.w.addEvent(complete)
	}
}

func updateAddOn(c *call) (int, any, error) {
	app, a, err := c.addOnToChange()
	if err != nil {
		return 0, nil, err
	}
	var in struct {
		Plan *reference `json:"plan"`
		Name *string    `json:"name"`
	}
	if err := c.params(&in); err != nil {
		return 0, nil, err
	}
	rename := in.Name != nil && *in.Name != a.Name
	if rename {
		if err := c.checkAddOnName(*in.Name); err != nil {
			return 0, nil, err
		}
	}
	message := ""
	if in.Plan != nil {
		if message, err = c.changePlan(app, a, string(*in.Plan)); err != nil {
			return 0, nil, err
		}
	}
	if rename {
		a.Name = *in.Name
		c.w.updateLedger(a.ID, func(e *LedgerEntry) { e.Name = a.Name })
	}
	a.UpdatedAt = c.now
	return http.StatusOK, c.withMessage(c.addOnBody(a, app.ID), message), nil
}

func deleteAddOn(c *call) (int, any, error) {
	app, a, err := c.addOnToChange()
	if err != nil {
		return 0, nil, err
	}
	var in struct {
		Force *bool `json:"force"`
	}
	if err := c.params(&in); err != nil {
		return 0, nil, err
	}
	if in.Force == nil || !*in.Force {
		for _, at := range c.w.Attachments {
			if at.AddOn == a.ID && at.App != app.ID {
				return 0, nil, lastAttachment(a)
			}
		}
	}
	body := c.addOnBody(a, app.ID)
	body.ConfigVars = []string{}
	body.State = c.destroy(a)
	if body.State == stateDeprovisioning {
		return http.StatusAccepted, body, nil
	}
	return http.StatusOK, body, nil
}

// destroy removes an add-on with all its attachments and returns its state: deprovisioned, or deprovisioning where the removal takes
// time, as in spaces.
func (c *call) destroy(a *addOn) (state string) {
	takes := time.Duration(c.effect.Deprovisioning)
	spaceID := c.w.spaceOf(a)
	if spaceID != "" {
		takes = cmp.Or(takes, c.s.options.Provisioning)
	}
	if a.State == stateProvisioned {
		c.w.releaseAttached(a, "Detach", c.user, c.now)
	}
	for id, at := range c.w.Attachments {
		if at.AddOn == a.ID {
			delete(c.w.Attachments, id)
		}
	}
	c.w.dropEvents(a.ID)
	c.s.stopBacking(a.ID)
	c.w.updateLedger(a.ID, func(e *LedgerEntry) {
		if e.DestroyedAt == nil {
			e.DestroyedAt = &c.now
		}
	})
	if takes > 0 && a.State != stateDeprovisioned {
		a.State, a.UpdatedAt = stateDeprovisioning, c.now
		c.w.addEvent(event{Kind: gone, AddOn: a.ID, Space: spaceID, Due: c.now.Add(takes)})
		return stateDeprovisioning
	}
	delete(c.w.AddOns, a.ID)
	return stateDeprovisioned
}

// getAddOnConfig lists the config vars of the add-on on its owner.
func getAddOnConfig(c *call) (int, any, error) {
	a, err := c.addOn(c.PathValue("addon"))
	if err != nil {
		return 0, nil, err
	}
	if _, err := c.appToChange(a.App); err != nil {
		return 0, nil, err
	}
	type variable struct {
		Name  string `json:"name"`
		Value string `json:"value"`
	}
	vars := []variable{}
	if a.State == stateProvisioned {
		for _, at := range c.w.attachmentsOf(a.ID, a.App) {
			vars = append(vars, variable{at.configVar(), a.Store.url()})
		}
	}
	return http.StatusOK, vars, nil
}
