// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package sandbox

import "net/http"

// emptyResource is a kind of object that the sandbox does not support. Its list is empty, reading by id answers 404, and creating one 403.
type emptyResource struct {
	path string            // of the list
	find func(*call) error // fails if the parent object in the path does not exist; nil = no parent
	name string            // in "Couldn't find that …."
	made string            // in "… are not enabled for this account."; "" = the API cannot create it at this path
}

var emptyResources = []emptyResource{
	{"/account/features", nil, "account feature", ""},
	{"/account/keys", nil, "key", "SSH keys"},
	{"/addons/{addon}/log-drains", exists(pathAddOn), "log drain", ""},
	{"/addons/{addon}/webhooks", exists(pathAddOn), "webhook", "Webhooks"},
	{"/addons/{addon}/webhook-deliveries", exists(pathAddOn), "webhook delivery", ""},
	{"/addons/{addon}/webhook-events", exists(pathAddOn), "webhook event", ""},
	{"/apps/{app}/builds", exists(pathApp), "build", "Builds"},
	{"/apps/{app}/slugs", exists(pathApp), "slug", "Slugs"},
	{"/apps/{app}/sni-endpoints", exists(pathApp), "SNI endpoint", "SNI endpoints"},
	{"/apps/{app}/telemetry-drains", exists(pathApp), "telemetry drain", ""},
	{"/apps/{app}/webhooks", exists(pathApp), "webhook", "Webhooks"},
	{"/apps/{app}/webhook-deliveries", exists(pathApp), "webhook delivery", ""},
	{"/apps/{app}/webhook-events", exists(pathApp), "webhook event", ""},
	{"/pipelines", nil, "pipeline", "Pipelines"},
	{"/pipeline-couplings", nil, "pipeline coupling", "Pipelines"},
	{"/spaces/{space}/peerings", exists(networkReady(pathSpace)), "peering", ""},
	{"/spaces/{space}/telemetry-drains", exists(pathSpace), "telemetry drain", ""},
	{"/spaces/{space}/vpn-connections", exists(networkReady(pathSpace)), "VPN connection", "VPN connections"},
	{"/telemetry-drains", nil, "telemetry drain", "Telemetry drains"},
}

// exists turns a function that finds an object into a check that the object exists.
func exists[T any](find func(*call) (T, error)) func(*call) error {
	return func(c *call) error {
		_, err := find(c)
		return err
	}
}

func notEnabled(what string) error { return forbidden("%s are not enabled for this account.", what) }

// routes returns the routes for all methods that the API has for the resource.
func (n emptyResource) routes() []route {
	answerWith := func(answer any, err error) handler {
		return func(c *call) (any, error) {
			if n.find != nil {
				if err := n.find(c); err != nil {
					return nil, err
				}
			}
			return answer, err
		}
	}
	missing := answerWith(nil, notFound("", n.name))
	rs := []route{{pattern: "GET " + n.path, handle: answerWith(emptyList, nil)}}
	for _, method := range []string{http.MethodGet, http.MethodPatch, http.MethodPut, http.MethodDelete} {
		rs = append(rs, route{pattern: method + " " + n.path + "/{id}", handle: missing})
	}
	if n.made != "" {
		rs = append(rs, route{pattern: "POST " + n.path, handle: answerWith(nil, notEnabled(n.made))})
	}
	return rs
}

func listNothing(*call, *team) (any, error) { return emptyList, nil }

var emptyList = listing{fields: []string{"id"}}

func emptyResourceRoutes() (all []route) {
	for _, n := range emptyResources {
		all = append(all, n.routes()...)
	}
	return all
}
