// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package sandbox

import "cmp"

const (
	defaultStack = "heroku-24"
	cnbStack     = "cnb" // of all apps of the fir generation, and of no others
)

var stacks = []object{
	stackBody("container", "b3c1a6c2-9d47-4e5f-8a2b-6c7d8e9f0a1b"),
	stackBody("heroku-22", "c0a3f1d8-5b2e-4c7a-9e0f-3c4d5e6f7a80"),
	stackBody(defaultStack, "f9f9cbd7-2970-41ef-8db5-3df7123b041f"),
	stackBody(cnbStack, "a2b04e9f-6c3f-4d8b-8f1a-4d5e6f7a8b91"),
}

func stackBody(name, id string) object {
	return object{"id": id, "name": name, "default": name == defaultStack, "state": "public",
		"created_at": "2022-06-07T00:00:00Z", "updated_at": "2025-01-07T00:00:00Z"}
}

// stackOf returns the reference to a stack by name.
func stackOf(name string) idName {
	for _, s := range stacks {
		if s["name"] == cmp.Or(name, defaultStack) { // empty in the data directory of an older version
			return s.idName()
		}
	}
	return idName{}
}

// requestedStack finds the stack that a request names for an app of a generation; "" means the generation's default.
func requestedStack(ref, generation string) (string, error) {
	if ref == "" {
		return map[string]string{cedar: defaultStack, fir: cnbStack}[generation], nil
	}
	for _, s := range stacks {
		if s.is(ref) {
			if name := s.idName().Name; (name == cnbStack) == (generation == fir) {
				return name, nil
			}
			return "", invalid("The stack %s is not available to apps of the %s generation.", ref, generation)
		}
	}
	return "", notFound("stack", "stack")
}

func listStacks(*call) (any, error) { return listing{[]string{"id", "name"}, stacks}, nil }

func getStack(c *call) (any, error) {
	return findObject(stacks, c.PathValue("stack"), "stack", "stack")
}

func listAppStacks(c *call, a *app) (any, error) {
	l := listing{fields: []string{"id", "name"}}
	for _, s := range stacks {
		if (s["name"] == cnbStack) == (c.w.generation(a) == fir) {
			l.items = append(l.items, s)
		}
	}
	return l, nil
}
