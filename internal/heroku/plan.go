// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package heroku

import (
	"context"
	"slices"
	"strings"
)

// serviceName is the name of the add-on service, from the time when the product was called Heroku Redis.
const serviceName = "heroku-redis"

// Plan is a plan of Heroku Key-Value Store as Heroku offers it (Platform API reference, plans).
type Plan struct {
	ID             string
	Name           string // "heroku-redis:premium-0"
	HumanName      string
	Description    string
	State          string // "ga", "beta", …
	Cents          int    // per month
	Default        bool   // the plan of a create that names only the service, outside a space
	SpaceDefault   bool   // the same, inside a space
	InsidePrivate  bool   // can be installed inside a private network
	OutsidePrivate bool   // can be installed outside one
	Visible        bool
}

type wirePlan struct {
	ID             text   `json:"id"`
	Name           text   `json:"name"`
	HumanName      text   `json:"human_name"`
	Description    text   `json:"description"`
	State          text   `json:"state"`
	Price          *price `json:"price"`
	Default        flag   `json:"default"`
	SpaceDefault   flag   `json:"space_default"`
	InsidePrivate  flag   `json:"installable_inside_private_network"`
	OutsidePrivate flag   `json:"installable_outside_private_network"`
	Visible        flag   `json:"visible"`
}

func (w wirePlan) value() (Plan, error) {
	if w.Name == "" {
		return Plan{}, missing("plan name")
	}
	plan := Plan{
		ID:             string(w.ID),
		Name:           string(w.Name),
		HumanName:      string(w.HumanName),
		Description:    string(w.Description),
		State:          string(w.State),
		Default:        bool(w.Default),
		SpaceDefault:   bool(w.SpaceDefault),
		InsidePrivate:  bool(w.InsidePrivate),
		OutsidePrivate: bool(w.OutsidePrivate),
		Visible:        bool(w.Visible),
	}
	if cents := w.Price.cents(); cents != nil {
		plan.Cents = *cents
	}
	return plan, nil
}

func ofOtherService(plans []Plan) bool {
	return slices.ContainsFunc(plans, func(p Plan) bool { return !strings.HasPrefix(p.Name, serviceName+":") })
}

// Plans lists the plans of Heroku Key-Value Store, in no particular order.
func (c *Client) Plans(ctx context.Context) ([]Plan, error) {
	return list(ctx, c, c.get("addon-services", serviceName, "plans"), rejectIf(ofOtherService, decodeMany[wirePlan]),
		func(p Plan) string { return p.Name })
}
