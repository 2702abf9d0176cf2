// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package sandbox

import (
	"fmt"
	"strings"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/keyvalue"
)

// inertService is an add-on service that apps have beside their stores. Its add-ons are ordered, billed and attached like any other, are
// provisioned at once, and nothing is behind them.
type inertService struct {
	name, human string
	primary     string // the name of an app's first attachment
	colored     string // what further names have before the colour
	suffix      string // of the config var of an attachment; "" = there is none
	value       string // of the config var, around the first part of the add-on's id
	plans       []inertPlan
}

type inertPlan struct {
	name  string
	cents int // a month
}

// inertServices; the first plan of each is its default.
var inertServices = []inertService{
	{
		name: "heroku-postgresql", human: "Heroku Postgres", primary: "DATABASE", colored: "HEROKU_POSTGRESQL_",
		suffix: "_URL", value: "postgres://sandbox:none@postgres-%s.invalid:5432/sandbox",
		plans: []inertPlan{{"essential-0", 500}, {"essential-1", 900}, {"standard-0", 5000}, {"premium-0", 20000}, {"private-0", 30000}},
	},
	{
		name: "papertrail", human: "Papertrail", primary: "PAPERTRAIL", colored: "PAPERTRAIL_", suffix: "_API_TOKEN", value: "none-%s",
		plans: []inertPlan{{"choklad", 0}, {"fixa", 700}},
	},
	{
		name: "scheduler", human: "Heroku Scheduler", primary: "SCHEDULER", colored: "SCHEDULER_",
		plans: []inertPlan{{"standard", 0}},
	},
}

func (s inertService) idName() idName { return idName{catalogueID("service " + s.name), s.name} }

func (s inertService) describe() addOnService {
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

// inertServiceOf finds the service of an add-on that is no store.
func inertServiceOf(a *addOn) inertService {
	for _, s := range inertServices {
		if s.name == a.Service {
			return s
		}
	}
	return inertService{} // of a data directory that a later version of the sandbox wrote
}

// inertOrder finds what a request orders that is no store: a plan, or a service, whose default plan is meant.
func inertOrder(ref string) (s inertService, plan keyvalue.PlanName, ok bool) {
	for _, s := range inertServices {
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
	return inertService{}, "", false
}

// isStore reports whether the Data API knows the add-on.
func (a *addOn) isStore() bool { return a.Service == "" }

// service that the add-on is of.
func (a *addOn) service() idName {
	if a.isStore() {
		return service
	}
	return inertServiceOf(a).idName()
}

// wire is the name of the add-on's plan as the API has it.
func (a *addOn) wire() string {
	if a.isStore() {
		return a.Plan.Wire()
	}
	return a.Service + ":" + string(a.Plan)
}

// attachmentNames of the add-on: of an app's first attachment, and what further ones have before a colour.
func (a *addOn) attachmentNames() (primary, colored string) {
	if a.isStore() {
		return "REDIS", "HEROKU_REDIS_"
	}
	s := inertServiceOf(a)
	return s.primary, s.colored
}

// configVar is the config var of an attachment with that name, if it has one.
func (a *addOn) configVar(attachment string) (name string, ok bool) {
	if a.isStore() {
		return attachment + "_URL", true
	}
	suffix := inertServiceOf(a).suffix
	return attachment + suffix, suffix != ""
}

// value of the add-on's config vars.
func (a *addOn) value() string {
	if a.isStore() {
		return a.Store.url()
	}
	return fmt.Sprintf(inertServiceOf(a).value, a.ID[:8])
}

// newName of an add-on that is ordered without one.
func (c *call) newName(a *addOn) string {
	prefix := strings.TrimPrefix(a.service().Name, "heroku-")
	return fmt.Sprintf("%s-%s-%05d", prefix, c.w.pick(adjectives), c.w.random().IntN(100000))
}

// changeInertPlan goes to another plan of the same service.
func changeInertPlan(a *addOn, ref string) error {
	s, plan, ok := inertOrder(ref)
	if !ok || s.name != a.Service {
		return invalid("Couldn't find either the add-on service or the add-on plan of %q.", ref)
	}
	a.Plan = plan
	return nil
}
