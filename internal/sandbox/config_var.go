// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package sandbox

import (
	"encoding/json"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
)

var configVarPattern = regexp.MustCompile(`^\w+$`)

const maxConfigVars = 64 << 10 // bytes of all names and values of an app

// configVars returns all config vars of an app: those set by users, and those of its add-ons.
func (w *world) configVars(a *app) map[string]string { return w.withAddOns(a, a.ConfigVars) }

// withAddOns returns the config vars together with those of every attached add-on that is provisioned.
func (w *world) withAddOns(a *app, setByUsers map[string]string) map[string]string {
	vars := map[string]string{}
	maps.Copy(vars, setByUsers)
	for _, at := range w.Attachments {
		if addon := w.AddOns[at.AddOn]; at.App == a.ID && addon.State == stateProvisioned {
			for _, name := range w.varsOf(at) {
				vars[name] = addon.value()
			}
		}
	}
	return vars
}

func getConfigVars(c *call, a *app) (any, error) { return c.w.configVars(a), nil }

func updateConfigVars(c *call, a *app) (any, error) {
	var in map[string]*string // null deletes
	if len(c.body) > 0 {
		if err := json.Unmarshal(c.body, &in); err != nil {
			return nil, refuse(http.StatusBadRequest, "bad_request", "Config vars must be strings, or null to remove them.")
		}
	}
	if err := c.checkConfigVars(a, in); err != nil {
		return nil, err
	}
	var set, removed []string
	for _, name := range slices.Sorted(maps.Keys(in)) {
		old, present := a.ConfigVars[name]
		switch value := in[name]; {
		case value == nil && present:
			delete(a.ConfigVars, name)
			removed = append(removed, name)
		case value != nil && (!present || old != *value):
			a.ConfigVars[name] = *value
			set = append(set, name)
		}
	}
	if description := describeChange(set, removed); description != "" {
		c.w.release(a, description, c.user, c.now)
	}
	return c.w.configVars(a), nil
}

func (c *call) checkConfigVars(a *app, in map[string]*string) error {
	var protected []string
	for _, at := range c.w.Attachments {
		for _, name := range c.w.varsOf(at) {
			if _, ok := in[name]; ok && at.App == a.ID {
				protected = append(protected, name)
			}
		}
	}
	if len(protected) > 0 {
		slices.Sort(protected)
		return invalid("Cannot overwrite attachment values %s.", strings.Join(protected, ", "))
	}
	size := 0
	for name, value := range in {
		if !configVarPattern.MatchString(name) {
			return invalid("Config var name %q is invalid: use letters, digits and underscores.", name)
		}
		if value != nil {
			size += len(name) + len(*value)
		}
	}
	for name, value := range a.ConfigVars {
		if _, changed := in[name]; !changed {
			size += len(name) + len(value)
		}
	}
	if size > maxConfigVars {
		return invalid("Config vars cannot exceed %d bytes in total.", maxConfigVars)
	}
	return nil
}

func describeChange(set, removed []string) string {
	var parts []string
	if len(set) > 0 {
		parts = append(parts, "Set "+strings.Join(set, ", "))
	}
	if len(removed) > 0 {
		parts = append(parts, "Remove "+strings.Join(removed, ", "))
	}
	if len(parts) == 0 {
		return ""
	}
	return strings.Join(parts, " and ") + " config vars"
}
