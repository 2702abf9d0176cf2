// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package heroku

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
)

// States of an add-on; Heroku may add others. After a plan change an add-on stays "provisioned" while its store is still
// being moved (see [Client.WaitStoreAvailable]).
const (
	StateProvisioning   = "provisioning"
	StateProvisioned    = "provisioned"
	StateDeprovisioning = "deprovisioning"
	StateDeprovisioned  = "deprovisioned" // of a new add-on: its creation failed
)

// AddOn is an add-on (Platform API reference, add-ons). ConfigVars are names on the owning app; there are none while the
// add-on is provisioning. Only responses to a create or an update have a ProvisionMessage.
type AddOn struct {
	ID               AddOnID
	Name             string
	AppID            AppID // the owning, billed app
	AppName          string
	Service          string // "heroku-redis"
	Plan             string // "heroku-redis:premium-0"
	State            string
	ConfigVars       []string
	WebURL           string
	CreatedAt        string // RFC 3339
	UpdatedAt        string // RFC 3339
	BilledCents      *int   // per month; nil when unknown
	ProvisionMessage string
}

// AddOnCreate holds the parameters of [Client.CreateAddOn]. Name is globally unique; without one, the add-on cannot be looked
// up when the response is lost. Confirm is the app's name; set it only after Heroku has asked for confirmation. Config is
// passed to the add-on partner.
type AddOnCreate struct {
	Plan           string
	Name           string
	AttachmentName string
	Confirm        string
	Config         map[string]string
}

// AddOnUpdate holds the parameters of [Client.UpdateAddOn]; nil fields stay unchanged.
type AddOnUpdate struct {
	Plan *string
	Name *string
}

type wireAddOn struct {
	ID               text   `json:"id"`
	Name             text   `json:"name"`
	App              ref    `json:"app"`
	Service          ref    `json:"addon_service"`
	Plan             ref    `json:"plan"`
	State            text   `json:"state"`
	ConfigVars       names  `json:"config_vars"`
	WebURL           text   `json:"web_url"`
	CreatedAt        text   `json:"created_at"`
	UpdatedAt        text   `json:"updated_at"`
	BilledPrice      *price `json:"billed_price"`
	ProvisionMessage prose  `json:"provision_message"`
}

func (w wireAddOn) value() (AddOn, error) {
	if w.ID == "" || w.Name == "" {
		return AddOn{}, missing("add-on id and name")
	}
	return AddOn{
		ID:               AddOnID(w.ID),
		Name:             string(w.Name),
		AppID:            AppID(w.App.ID),
		AppName:          string(w.App.Name),
		Service:          string(w.Service.Name),
		Plan:             string(w.Plan.Name),
		State:            string(w.State),
		ConfigVars:       w.ConfigVars,
		WebURL:           string(w.WebURL),
		CreatedAt:        string(w.CreatedAt),
		UpdatedAt:        string(w.UpdatedAt),
		BilledCents:      w.BilledPrice.cents(),
		ProvisionMessage: string(w.ProvisionMessage),
	}, nil
}

// provisionMessages is the request header that makes Heroku send provision_message.
const provisionMessages = "X-Heroku-Legacy-Provider-Messages"

// AddOn returns an add-on by id. The read is shared.
func (c *Client) AddOn(ctx context.Context, id AddOnID) (AddOn, error) { return c.addOns.Get(ctx, id) }

// FindAddOn returns an add-on by id or by its globally unique name.
func (c *Client) FindAddOn(ctx context.Context, idOrName string) (AddOn, error) {
	decode := requireID(AddOnID(idOrName), addOnID, requireName(idOrName, addOnName, decodeOne[wireAddOn]))
	addOn, _, err := exchange(ctx, c, c.get("addons", idOrName), decode)
	return addOn, err
}

func (c *Client) getAddOn(ctx context.Context, id AddOnID) (AddOn, error) {
	addOn, _, err := exchange(ctx, c, c.get("addons", string(id)), requireID(id, addOnID, decodeOne[wireAddOn]))
	return addOn, err
}

func (c *Client) allAddOns(ctx context.Context) (map[AddOnID]AddOn, error) {
	return index(ctx, c, c.get("addons"), decodeMany[wireAddOn], func(a AddOn) AddOnID { return a.ID })
}

// ResolveAddOn finds add-ons by the name of an attachment on an app (id or name). Unless exactly one matches, Heroku returns
// the error not_found or multiple_matches.
func (c *Client) ResolveAddOn(ctx context.Context, app, attachment string) ([]AddOn, error) {
	k := c.post(map[string]string{"addon": attachment, "app": app}, "actions", "addons", "resolve")
	k.operation = read // a POST that changes nothing
	addOns, _, err := exchange(ctx, c, k, decodeMany[wireAddOn])
	return addOns, err
}

// CreateAddOn creates an add-on. It is still provisioning when CreateAddOn returns, or deprovisioned if the partner has
// refused it. Creations on one app run one after the other. Once sent, the request is not cancelled with ctx.
func (c *Client) CreateAddOn(ctx context.Context, app AppID, a AddOnCreate) (AddOn, error) {
	release, err := c.creating.acquire(ctx, app)
	if err != nil {
		return AddOn{}, err
	}
	defer release()

	k := c.post(a.body(), "apps", string(app), "addons").withHeader(provisionMessages, "true")
	k.app = app
	start := c.earliestCreatedAt()
	post := nonIdempotentPost[AddOn]{
		what: "add-on " + a.Name, call: k,
		decode: requireID(app, addOnApp, requireName(a.Name, addOnName, decodeOne[wireAddOn])),
	}
	if a.Name != "" {
		post.find = func(ctx context.Context) (AddOn, error) { return c.FindAddOn(ctx, a.Name) }
		post.check = func(found AddOn) error { return a.matches(app, found, start) }
	}
	return post.send(withSecret(ctx, Secret(a.Config["fork"])), c)
}

func (a AddOnCreate) body() map[string]any {
	body := map[string]any{"plan": a.Plan}
	if a.Name != "" {
		body["name"] = a.Name
	}
	if a.AttachmentName != "" {
		body["attachment"] = map[string]string{"name": a.AttachmentName}
	}
	if a.Confirm != "" {
		body["confirm"] = a.Confirm
	}
	if len(a.Config) > 0 {
		body["config"] = a.Config
	}
	return body
}

// matches returns an error that names the first difference between the found add-on and the requested one, which was created
// no earlier than start.
func (a AddOnCreate) matches(app AppID, found AddOn, start time.Time) error {
	switch {
	case found.AppID != app:
		return fmt.Errorf("the add-on %s belongs to another app (%s)", found.Name, found.AppName)
	case !samePlan(a.Plan, found):
		return fmt.Errorf("the add-on %s is on plan %s", found.Name, found.Plan)
	case createdBefore(found.CreatedAt, start):
		return fmt.Errorf("the add-on %s exists since %s", found.Name, found.CreatedAt)
	}
	return nil
}

// samePlan reports whether the add-on is on the requested plan. A request may name the plan, only the service (for its
// default plan), or the plan's id, which cannot be compared and counts as the same.
func samePlan(ordered string, found AddOn) bool {
	if ordered == found.Plan || uuid.Validate(ordered) == nil {
		return true
	}
	return !strings.Contains(ordered, ":") && ordered == found.Service
}

// UpdateAddOn changes the plan, the name, or both. It returns when a plan change has begun: wait for the end with
// [Client.WaitStoreAvailable].
func (c *Client) UpdateAddOn(ctx context.Context, app AppID, id AddOnID, u AddOnUpdate) (AddOn, error) {
	body := map[string]any{}
	if u.Plan != nil {
		body["plan"] = map[string]string{"name": *u.Plan}
	}
	if u.Name != nil {
		body["name"] = *u.Name
	}
	k := c.patch(body, "apps", string(app), "addons", string(id)).withHeader(provisionMessages, "true")
	return updateObject(ctx, c, k, requireID(id, addOnID, decodeOne[wireAddOn]),
		func(ctx context.Context) (AddOn, error) { return c.getAddOn(ctx, id) },
		func(now AddOn) bool {
			return (u.Plan == nil || samePlan(*u.Plan, now)) && (u.Name == nil || *u.Name == now.Name)
		})
}

// DeleteAddOn destroys an add-on and its data; it returns once Heroku has accepted the request. An add-on that does not
// exist is no error.
func (c *Client) DeleteAddOn(ctx context.Context, app AppID, id AddOnID) error {
	deleted, err := c.remove(ctx, "apps", string(app), "addons", string(id))
	if err == nil && deleted.State == StateDeprovisioned {
		c.deleted.Store(id, true)
	}
	return err
}

// WaitAddOnProvisioned waits until a new add-on is provisioned. Its store may become available later, see
// [Client.WaitStoreAvailable]. Its errors are *WaitError.
func (c *Client) WaitAddOnProvisioned(ctx context.Context, id AddOnID, timeout time.Duration) (AddOn, error) {
	return c.addOns.wait(ctx, id, fmt.Sprintf("add-on %s to be provisioned", id), timeout, addOnTicks, withMissingTime(evaluateProvisioning))
}

// WaitAddOnGone waits until a destroyed add-on is gone; it returns at once if Heroku has reported that already. Its errors are
// *WaitError.
func (c *Client) WaitAddOnGone(ctx context.Context, id AddOnID, timeout time.Duration) error {
	if _, gone := c.deleted.Load(id); gone {
		return nil
	}
	_, err := c.addOns.wait(ctx, id, fmt.Sprintf("add-on %s to be gone", id), timeout, addOnTicks, evaluateDeletion)
	if err == nil {
		c.deleted.Store(id, true)
	}
	return err
}

// evaluateProvisioning evaluates an add-on that is being created. In an unknown state the wait goes on.
func evaluateProvisioning(a AddOn, found bool, missing time.Duration) progress {
	switch {
	case !found && missing <= notFoundGrace:
		return progress{state: "not found yet"}
	case !found:
		return progress{state: "not found", failure: errGone}
	case a.State == StateDeprovisioned:
		return progress{state: a.State, failure: fmt.Errorf("the add-on %s on plan %s could not be created", a.Name, a.Plan)}
	}
	return progress{state: a.State, ready: a.State == StateProvisioned}
}

func evaluateDeletion(a AddOn, found bool, _ time.Duration) progress {
	if !found {
		return progress{state: "not found", ready: true}
	}
	return progress{state: a.State, ready: a.State == StateDeprovisioned}
}
