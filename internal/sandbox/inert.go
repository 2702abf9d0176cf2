// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package sandbox

import "net/http"

// inertNoun is something that this world has none of: its lists are empty, nothing is found by an id, and none can be made.
type inertNoun struct {
	path string            // of the list
	find func(*call) error // refuses a path whose first noun is not there
	name string            // in "Couldn't find that …."
	made string            // in "… are not enabled for this account."; "" = it is not made here anyway
}

var inertNouns = []inertNoun{
	{"/account/features", nil, "account feature", ""},
	{"/account/keys", nil, "key", "SSH keys"},
	{"/addons/{addon}/log-drains", there(pathAddOn), "log drain", ""},
	{"/addons/{addon}/webhooks", there(pathAddOn), "webhook", "Webhooks"},
	{"/addons/{addon}/webhook-deliveries", there(pathAddOn), "webhook delivery", ""},
	{"/addons/{addon}/webhook-events", there(pathAddOn), "webhook event", ""},
	{"/apps/{app}/builds", there(pathApp), "build", "Builds"},
	{"/apps/{app}/slugs", there(pathApp), "slug", "Slugs"},
	{"/apps/{app}/sni-endpoints", there(pathApp), "SNI endpoint", "SNI endpoints"},
	{"/apps/{app}/telemetry-drains", there(pathApp), "telemetry drain", ""},
	{"/apps/{app}/webhooks", there(pathApp), "webhook", "Webhooks"},
	{"/apps/{app}/webhook-deliveries", there(pathApp), "webhook delivery", ""},
	{"/apps/{app}/webhook-events", there(pathApp), "webhook event", ""},
	{"/pipelines", nil, "pipeline", "Pipelines"},
	{"/pipeline-couplings", nil, "pipeline coupling", "Pipelines"},
	{"/spaces/{space}/peerings", there(network(pathSpace)), "peering", ""},
	{"/spaces/{space}/telemetry-drains", there(pathSpace), "telemetry drain", ""},
	{"/spaces/{space}/vpn-connections", there(network(pathSpace)), "VPN connection", "VPN connections"},
	{"/telemetry-drains", nil, "telemetry drain", "Telemetry drains"},
}

// there keeps of a function that finds something only whether it does.
func there[T any](find func(*call) (T, error)) func(*call) error {
	return func(c *call) error {
		_, err := find(c)
		return err
	}
}

func notEnabled(what string) error { return forbidden("%s are not enabled for this account.", what) }

// routes of the noun: every verb that the API has for it.
func (n inertNoun) routes() []route {
	after := func(answer any, err error) handler {
		return func(c *call) (any, error) {
			if n.find != nil {
				if err := n.find(c); err != nil {
					return nil, err
				}
			}
			return answer, err
		}
	}
	missing := after(nil, notFound("", n.name))
	rs := []route{{pattern: "GET " + n.path, handle: after(emptyList, nil)}}
	for _, method := range []string{http.MethodGet, http.MethodPatch, http.MethodPut, http.MethodDelete} {
		rs = append(rs, route{pattern: method + " " + n.path + "/{inert}", handle: missing})
	}
	if n.made != "" {
		rs = append(rs, route{pattern: "POST " + n.path, handle: after(nil, notEnabled(n.made))})
	}
	return rs
}

func listNothing(*call, *team) (any, error) { return emptyList, nil }

var emptyList = listing{fields: []string{"id"}}

func inertRoutes() (all []route) {
	for _, n := range inertNouns {
		all = append(all, n.routes()...)
	}
	return all
}
