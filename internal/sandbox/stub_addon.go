// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package sandbox

import (
	"fmt"
	"strings"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/keyvalue"
)

// stubService is an add-on service that apps commonly use beside their stores. Its add-ons are created, billed and attached like any
// other, and are provisioned immediately, but no server runs behind them.
type stubService struct {
	name, human string
	primary     string // name of the first attachment of an app
	coloured    string // prefix of further names, before the colour
	suffix      string // of the config var's name, after the name of the attachment; "" = no config var
	value       string // format of the config var's value, with the first part of the add-on's id
	plans       []stubPlan
}

type stubPlan struct {
	name  string
	cents int // per month
}

// stubServices are the stub services. The first plan of each is its default.
var stubServices = []stubService{
	{
		name: "heroku-postgresql", human: "Heroku Postgres", primary: "DATABASE", coloured: "HEROKU_POSTGRESQL_",
		suffix: "_URL", value: "postgres://sandbox:none@postgres-%s.invalid:5432/sandbox",
		plans: []stubPlan{{"essential-0", 500}, {"essential-1", 900}, {"standard-0", 5000}, {"premium-0", 20000}, {"private-0", 30000}},
	},
	{
		name: "papertrail", human: "Papertrail", primary: "PAPERTRAIL", coloured: "PAPERTRAIL_", suffix: "_API_TOKEN", value: "none-%s",
		plans: []stubPlan{{"choklad", 0}, {"fixa", 700}},
	},
	{
		name: "scheduler", human: "Heroku Scheduler", primary: "SCHEDULER", coloured: "SCHEDULER_",
		plans: []stubPlan{{"standard", 0}},
	},
}

func (s stubService) idName() idName { return idName{catalogueID("service " + s.name), s.name} }

func (s stubService) describe() addOnService {
	described := addOnService{body: serviceBody(s.idName(), s.human, nil)}
	for i, p := range s.plans {
		id, human := planID(s.name+":"+p.name), humanPlan(keyvalue.PlanName(p.name))
		described.plans = append(described.plans, object{
			"id": id.ID, "name": id.Name, "human_name": human, "description": s.human + " " + human, "addon_service": s.idName(),
			"compliance": nil, "price": object{"cents": p.cents, "contract": false, "metered": false, "unit": "month"},
			"state": "ga", "visible": true, "default": i == 0, "space_default": i == 0,
			"installable_inside_private_network": true, "installable_outside_private_network": true,
			"created_at": "2014-09-30T21:45:10Z", "updated_at": "2024-10-01T00:00:00Z",
		})
	}
	return described
}

// stubServiceOf returns the service of an add-on that is not a store.
func stubServiceOf(a *addOn) stubService {
	for _, s := range stubServices {
		if s.name == a.Service {
			return s
		}
	}
	return stubService{} // the data directory was written by a later version
}

// findStubPlan finds the stub service and the plan that ref names. If ref names only the service, the plan is its default.
func findStubPlan(ref string) (s stubService, plan keyvalue.PlanName, ok bool) {
	for _, s := range stubServices {
		if s.idName().ID == ref {
			ref = s.name
		}
		if ref == s.name {
			return s, keyvalue.PlanName(s.plans[0].name), true
		}
		for _, p := range s.plans {
			if id := planID(s.name + ":" + p.name); ref == id.ID || ref == id.Name {
				return s, keyvalue.PlanName(p.name), true
			}
		}
	}
	return stubService{}, "", false
}

// isStore reports whether the add-on is a Key-Value Store.
func (a *addOn) isStore() bool { return a.Service == "" }

// service returns the add-on's service.
func (a *addOn) service() idName {
	if a.isStore() {
		return service
	}
	return stubServiceOf(a).idName()
}

// planWire returns the plan as the API names it, such as "heroku-redis:mini".
func (a *addOn) planWire() string {
	if a.isStore() {
		return a.Plan.Wire()
	}
	return a.Service + ":" + string(a.Plan)
}

// attachmentNames returns the default name of an app's first attachment, and the prefix of further names, before the colour.
func (a *addOn) attachmentNames() (primary, coloured string) {
	if a.isStore() {
		return "REDIS", "HEROKU_REDIS_"
	}
	s := stubServiceOf(a)
	return s.primary, s.coloured
}

// configVar returns the name of the config var that an attachment with this name sets, if any.
func (a *addOn) configVar(attachment string) (name string, ok bool) {
	if a.isStore() {
		return attachment + "_URL", true
	}
	suffix := stubServiceOf(a).suffix
	return attachment + suffix, suffix != ""
}

// value returns the value of the add-on's config vars.
func (a *addOn) value() string {
	if a.isStore() {
		return a.Store.url()
	}
	return fmt.Sprintf(stubServiceOf(a).value, a.ID[:8])
}

// newName returns a random name for an add-on that is created without one.
func (c *call) newName(a *addOn) string {
	prefix := strings.TrimPrefix(a.service().Name, "heroku-")
	return fmt.Sprintf("%s-%s-%05d", prefix, c.w.pickWord(adjectives), c.w.random().IntN(100000))
}

// changeStubPlan changes the plan of an add-on within its stub service.
func changeStubPlan(a *addOn, ref string) error {
	s, plan, ok := findStubPlan(ref)
	if !ok || s.name != a.Service {
		return invalid("Couldn't find either the add-on service or the add-on plan of %q.", ref)
	}
	a.Plan = plan
	return nil
}
