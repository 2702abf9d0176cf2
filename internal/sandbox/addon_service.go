// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package sandbox

import (
	"net/http"
	"slices"
	"strings"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/keyvalue"
)

// service is the add-on service of Heroku Key-Value Store. The API still uses its former name.
var service = idName{"5bbf672c-07f6-49c2-9c16-f1dcb96784db", "heroku-redis"}

const serviceHumanName = "Heroku Key-Value Store"

// addOnService is a service of the catalogue as the API shows it.
type addOnService struct {
	body  object
	plans []object
}

func (s addOnService) idName() idName { return s.body.idName() }

func (o object) idName() idName {
	id, _ := o["id"].(string)
	name, _ := o["name"].(string)
	return idName{id, name}
}

// services is the catalogue of add-on services: Heroku Key-Value Store first, then the stubs.
var services = func() []addOnService {
	all := []addOnService{{body: serviceBody(service, serviceHumanName, service.Name)}}
	for _, p := range keyvalue.Plans() {
		all[0].plans = append(all[0].plans, planBody(p))
	}
	for _, s := range stubServices {
		all = append(all, s.describe())
	}
	return all
}()

func serviceBody(s idName, human string, cliPlugin any) object {
	return object{
		"id": s.ID, "name": s.Name, "cli_plugin_name": cliPlugin, "human_name": human, "state": "ga",
		"supported_generations":           []idName{generationID(cedar), generationID(fir)},
		"supports_multiple_installations": true, "supports_sharing": true,
		"created_at": "2014-09-30T21:45:10Z", "updated_at": "2025-01-07T17:00:00Z",
	}
}

// lookUpService finds a service by id or name.
func lookUpService(ref string) (addOnService, bool) {
	i := slices.IndexFunc(services, func(s addOnService) bool { return s.body.is(ref) })
	if i < 0 {
		return addOnService{}, false
	}
	return services[i], true
}

func pathService(c *call) (addOnService, error) {
	s, ok := lookUpService(c.PathValue("service"))
	if !ok {
		e := refuse(http.StatusNotFound, "not_found", "Couldn't find that add-on service")
		e.Resource = "addon_service"
		return s, e
	}
	return s, nil
}

func listServices(*call) (any, error) {
	return listAll(services, func(s addOnService) object { return s.body }, "id", "name"), nil
}

func getService(_ *call, s addOnService) object { return s.body }

// price returns the price of a plan. A plan without a published price (premium-4) has contract set, because clients do not expect null.
func price(p keyvalue.Plan) object {
	cents := 0
	if p.MonthlyPriceCents != nil {
		cents = *p.MonthlyPriceCents
	}
	return object{"cents": cents, "contract": p.MonthlyPriceCents == nil, "metered": false, "unit": "month"}
}

// planID returns the reference to a plan by its wire name, such as "heroku-redis:mini".
func planID(wire string) idName { return idName{catalogueID("plan " + wire), wire} }

// humanPlan returns "Premium 0" for premium-0.
func humanPlan(p keyvalue.PlanName) string {
	words := strings.ReplaceAll(string(p), "-", " ")
	return strings.ToUpper(words[:1]) + words[1:]
}

// defaultPlans are the smallest plans of each runtime. A request that names only the service gets this plan.
var defaultPlans = map[keyvalue.RuntimeClass]keyvalue.PlanName{
	keyvalue.ClassCommon: "mini", keyvalue.ClassPrivate: "private-7", keyvalue.ClassShield: "shield-7",
}

func planBody(p keyvalue.Plan) object {
	common, id := p.Class == keyvalue.ClassCommon, planID(p.Name.Wire())
	return object{
		"id": id.ID, "name": id.Name, "human_name": humanPlan(p.Name), "description": serviceHumanName + " " + humanPlan(p.Name),
		"addon_service": service, "compliance": p.Compliance, "price": price(p), "state": "ga", "visible": true,
		"default":                            p.Name == defaultPlans[keyvalue.ClassCommon],
		"space_default":                      p.Name == defaultPlans[keyvalue.ClassPrivate],
		"installable_inside_private_network": !common, "installable_outside_private_network": common,
		"created_at": "2016-09-08T00:00:00Z", "updated_at": "2024-10-01T00:00:00Z",
	}
}

func listServicePlans(_ *call, s addOnService) (any, error) {
	return listing{[]string{"id", "name"}, s.plans}, nil
}

func getServicePlan(c *call, s addOnService) (any, error) {
	return findObject(s.plans, currentPlan(c.PathValue("plan")), "plan", "plan")
}

func allPlans() (all []object) {
	for _, s := range services {
		all = append(all, s.plans...)
	}
	return all
}

func listPlans(*call) (any, error) { return listing{[]string{"id", "name"}, allPlans()}, nil }

func getPlan(c *call) (any, error) {
	return findObject(allPlans(), currentPlan(c.PathValue("plan")), "plan", "plan")
}

// currentPlan replaces the former name of mini, hobby-dev.
func currentPlan(ref string) string {
	if ref == service.Name+":hobby-dev" {
		return service.Name + ":mini"
	}
	return ref
}

// lookUpPlan finds a Key-Value Store plan by id or by wire name, such as "heroku-redis:mini".
func lookUpPlan(ref string) (keyvalue.Plan, bool) {
	ref = currentPlan(ref)
	for _, p := range keyvalue.Plans() {
		if id := planID(p.Name.Wire()); ref == id.ID || ref == id.Name {
			return p, true
		}
	}
	return keyvalue.Plan{}, false
}

// planByName returns a Key-Value Store plan. The catalogue has every plan that a store can have.
func planByName(name keyvalue.PlanName) keyvalue.Plan {
	plan, _ := keyvalue.LookupPlan(name)
	return plan
}
