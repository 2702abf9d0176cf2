// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package sandbox

import "fmt"

func (p process) dynoID(n int) string { return catalogueID(fmt.Sprintf("dyno %s %d", p.ID, n)) }

// dynos of an app restart at each release. Each is said to be up; no process runs.
func dynos(a *app) []object {
	newest, all := a.Releases[len(a.Releases)-1], []object{}
	for _, p := range a.Formation {
		for n := 1; n <= p.Quantity; n++ {
			all = append(all, object{
				"id": p.dynoID(n), "name": fmt.Sprintf("%s.%d", p.Type, n), "type": p.Type, "size": p.Size, "command": p.Command,
				"state": "up", "app": a.idName(), "release": object{"id": newest.ID, "version": newest.Version}, "attach_url": nil,
				"created_at": stamp(newest.CreatedAt), "updated_at": stamp(newest.CreatedAt),
			})
		}
	}
	return all
}

func listDynos(_ *call, a *app) (any, error) { return dynos(a), nil }

func listSpaceDynos(c *call, sp *space) (any, error) {
	bodies := []object{}
	for _, a := range c.w.appsIn(sp) {
		bodies = append(bodies, object{"app_id": a.ID, "app_name": a.Name, "dynos": dynos(a)})
	}
	return bodies, nil
}
