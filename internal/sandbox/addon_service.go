// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package sandbox

import (
	"net/http"
	"strings"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/keyvalue"
)

// service is the only add-on service. Its name in the API is older than the product's.
var service = idName{"5bbf672c-07f6-49c2-9c16-f1dcb96784db", "heroku-redis"}

const serviceHumanName = "Heroku Key-Value Store"

var serviceBody = object{
	"id": service.ID, "name": service.Name, "cli_plugin_name": "heroku-redis", "human_name": serviceHumanName, "state": "ga",
	"supported_generations":           []idName{generationID(cedar), generationID("fir")},
	"supports_multiple_installations": true, "supports_sharing": true,
	"created_at": "2014-09-30T21:45:10Z", "updated_at": "2025-01-07T17:00:00Z",
}

func listServices(*call) (any, error) {
	return listing{[]string{"id", "name"}, []object{serviceBody}}, nil
}

func getService(*call) (any, error) { return serviceBody, nil }

// ofService refuses a path that names another add-on service.
func ofService(do handler) handler {
	return func(c *call) (any, error) {
		if ref := c.PathValue("service"); ref != service.Name && ref != service.ID {
			e := refuse(http.StatusNotFound, "not_found", "Couldn't find that add-on service")
			e.Resource = "addon_service"
			return nil, e
		}
		return do(c)
	}
}

// price of a plan. One without a published price (premium-4) is a matter of contract, because clients do not expect null.
func price(p keyvalue.Plan) object {
	cents := 0
	if p.MonthlyPriceCents != nil {
		cents = *p.MonthlyPriceCents
	}
	return object{"cents": cents, "contract": p.MonthlyPriceCents == nil, "metered": false, "unit": "month"}
}

func planID(p keyvalue.PlanName) idName { return idName{catalogueID("plan " + p.Wire()), p.Wire()} }

// humanPlan is "Premium 0" for premium-0.
func humanPlan(p keyvalue.PlanName) string {
	words := strings.ReplaceAll(string(p), "-", " ")
	return strings.ToUpper(words[:1]) + words[1:]
}

// defaultPlans are the lowest plan of each runtime: a request that names only the service gets it.
var defaultPlans = map[keyvalue.RuntimeClass]keyvalue.PlanName{
	keyvalue.ClassCommon: "mini", keyvalue.ClassPrivate: "private-7", keyvalue.ClassShield: "shield-7",
}

func planBody(p keyvalue.Plan) object {
	common, id := p.Class == keyvalue.ClassCommon, planID(p.Name)
	return object{
		"id": id.ID, "name": id.Name, "human_name": humanPlan(p.Name), "description": serviceHumanName + " " + humanPlan(p.Name),
		"addon_service": service, "compliance": p.Compliance, "price": price(p), "state": "ga", "visible": true,
		"default":                            p.Name == defaultPlans[keyvalue.ClassCommon],
		"space_default":                      p.Name == defaultPlans[keyvalue.ClassPrivate],
		"installable_inside_private_network": !common, "installable_outside_private_network": common,
		"created_at": "2016-09-08T00:00:00Z", "updated_at": "2024-10-01T00:00:00Z",
	}
}

func listPlans(*call) (any, error) { return listAll(keyvalue.Plans(), planBody, "id", "name"), nil }

func getPlan(c *call) (any, error) {
	p, ok := lookUpPlan(c.PathValue("plan"))
	if !ok {
		return nil, notFound("plan", "plan")
	}
	return planBody(p), nil
}

// lookUpPlan by id, or by its name with the service before it. Mini was called hobby-dev.
func lookUpPlan(ref string) (keyvalue.Plan, bool) {
	if ref == service.Name+":hobby-dev" {
		ref = service.Name + ":mini"
	}
	for _, p := range keyvalue.Plans() {
		if id := planID(p.Name); ref == id.ID || ref == id.Name {
			return p, true
		}
	}
	return keyvalue.Plan{}, false
}

// catalogued has the facts about a plan, which is one of the catalogue's: no other can be ordered.
func catalogued(name keyvalue.PlanName) keyvalue.Plan {
	plan, _ := keyvalue.LookupPlan(name)
	return plan
}
