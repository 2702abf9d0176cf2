// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package sandbox

import (
	"net/http"
	"strings"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/keyvalue"
)

// service is the only add-on service. Its name in the API is older than the product's.
var service = serviceBody{
	CLIPluginName:                 "heroku-redis",
	CreatedAt:                     "2014-09-30T21:45:10Z",
	HumanName:                     "Heroku Key-Value Store",
	ID:                            "5bbf672c-07f6-49c2-9c16-f1dcb96784db",
	Name:                          "heroku-redis",
	State:                         "ga",
	SupportedGenerations:          []idName{generationID(cedar), generationID("fir")},
	SupportsMultipleInstallations: true,
	SupportsSharing:               true,
	UpdatedAt:                     "2025-01-07T17:00:00Z",
}

type serviceBody struct {
	CLIPluginName                 string   `json:"cli_plugin_name"`
	CreatedAt                     string   `json:"created_at"`
	HumanName                     string   `json:"human_name"`
	ID                            string   `json:"id"`
	Name                          string   `json:"name"`
	State                         string   `json:"state"`
	SupportedGenerations          []idName `json:"supported_generations"`
	SupportsMultipleInstallations bool     `json:"supports_multiple_installations"`
	SupportsSharing               bool     `json:"supports_sharing"`
	UpdatedAt                     string   `json:"updated_at"`
}

func (b serviceBody) key(field string) string {
	if field == "name" {
		return b.Name
	}
	return b.ID
}

func listServices(*call) (int, any, error) {
	return http.StatusOK, list([]serviceBody{service}, "id", "name"), nil
}

// checkService refuses a path that names another add-on service.
func (c *call) checkService() error {
	if ref := c.PathValue("service"); ref != service.Name && ref != service.ID {
		return &apiError{status: http.StatusNotFound, ID: "not_found", Message: "Couldn't find that add-on service", Resource: "addon_service"}
	}
	return nil
}

func getService(c *call) (int, any, error) {
	if err := c.checkService(); err != nil {
		return 0, nil, err
	}
	return http.StatusOK, service, nil
}

type priceBody struct {
	Cents    int    `json:"cents"`
	Contract bool   `json:"contract"`
	Metered  bool   `json:"metered"`
	Unit     string `json:"unit"`
}

// price of a plan. One without a published price (premium-4) is a matter of contract, because clients do not expect null.
func price(p keyvalue.Plan) priceBody {
	if p.MonthlyPriceCents == nil {
		return priceBody{Contract: true, Unit: "month"}
	}
	return priceBody{Cents: *p.MonthlyPriceCents, Unit: "month"}
}

type planBody struct {
	AddonService                     idName    `json:"addon_service"`
	Compliance                       []string  `json:"compliance"`
	CreatedAt                        string    `json:"created_at"`
	Default                          bool      `json:"default"`
	Description                      string    `json:"description"`
	HumanName                        string    `json:"human_name"`
	ID                               string    `json:"id"`
	InstallableInsidePrivateNetwork  bool      `json:"installable_inside_private_network"`
	InstallableOutsidePrivateNetwork bool      `json:"installable_outside_private_network"`
	Name                             string    `json:"name"`
	Price                            priceBody `json:"price"`
	SpaceDefault                     bool      `json:"space_default"`
	State                            string    `json:"state"`
	UpdatedAt                        string    `json:"updated_at"`
	Visible                          bool      `json:"visible"`
}

func (b planBody) key(field string) string {
	if field == "name" {
		return b.Name
	}
	return b.ID
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

func newPlanBody(p keyvalue.Plan) planBody {
	return planBody{
		AddonService:                     idName{service.ID, service.Name},
		Compliance:                       p.Compliance,
		CreatedAt:                        "2016-09-08T00:00:00Z",
		Default:                          p.Name == defaultPlans[keyvalue.ClassCommon],
		Description:                      service.HumanName + " " + humanPlan(p.Name),
		HumanName:                        humanPlan(p.Name),
		ID:                               planID(p.Name).ID,
		InstallableInsidePrivateNetwork:  p.Class != keyvalue.ClassCommon,
		InstallableOutsidePrivateNetwork: p.Class == keyvalue.ClassCommon,
		Name:                             p.Name.Wire(),
		Price:                            price(p),
		SpaceDefault:                     p.Name == defaultPlans[keyvalue.ClassPrivate],
		State:                            "ga",
		UpdatedAt:                        "2024-10-01T00:00:00Z",
		Visible:                          true,
	}
}

func listPlans(c *call) (int, any, error) {
	if c.PathValue("service") != "" {
		if err := c.checkService(); err != nil {
			return 0, nil, err
		}
	}
	var bodies []planBody
	for _, p := range keyvalue.Plans() {
		bodies = append(bodies, newPlanBody(p))
	}
	return http.StatusOK, list(bodies, "id", "name"), nil
}

func getPlan(c *call) (int, any, error) {
	if c.PathValue("service") != "" {
		if err := c.checkService(); err != nil {
			return 0, nil, err
		}
	}
	p, ok := lookUpPlan(c.PathValue("plan"))
	if !ok {
		return 0, nil, notFound("plan", "plan")
	}
	return http.StatusOK, newPlanBody(p), nil
}

// lookUpPlan by id, or by its name with the service before it.
func lookUpPlan(ref string) (keyvalue.Plan, bool) {
	for _, p := range keyvalue.Plans() {
		if ref == planID(p.Name).ID {
			return p, true
		}
	}
	if !strings.HasPrefix(ref, service.Name+":") {
		return keyvalue.Plan{}, false
	}
	name, err := keyvalue.ParsePlanName(ref)
	if err != nil {
		return keyvalue.Plan{}, false
	}
	return keyvalue.LookupPlan(name)
}
