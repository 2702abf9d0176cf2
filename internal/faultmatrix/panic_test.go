// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package faultmatrix

import (
	"testing"
)

// Each method panics when it has the answer to its request. The provider survives, the next apply names what was ordered, and
// nothing is tainted.
func TestAccPanics(t *testing.T) {
	t.Parallel()
	experiments := map[string][]Experiment{}
	requests := map[string]string{
		"POST/apps": "POST /apps", "PATCH/apps/*": "PATCH /apps/[^/]+", "DELETE/apps/*": "DELETE /apps/[^/]+",
		"POST/spaces": "POST /spaces", "PATCH/spaces/*": "PATCH /spaces/[^/]+", "DELETE/spaces/*": "DELETE /spaces/[^/]+",
		"PUT/spaces/*/inbound-ruleset": "PUT /spaces/.*",
		"POST/apps/*/addons":           "POST /apps/.*/addons",
		"PATCH/apps/*/addons/*":        "PATCH /apps/.*/addons/.*", "PATCH/redis/v0/databases/*/config": "PATCH /redis/.*",
		"DELETE/apps/*/addons/*": "DELETE /apps/.*/addons/.*", "POST/addon-attachments": "POST /addon-attachments",
		"DELETE/addon-attachments/*": "DELETE /addon-attachments/.*", "POST/data/maintenances/v1/*/window": "POST /data/.*",
		"PATCH/spaces/*/members/*": "PATCH /spaces/.*/members/.*", "PATCH/apps/*/formation/*": "PATCH /apps/.*/formation/.*",
	}
	for _, s := range subjects {
		for _, v := range s.writes {
			request, ok := requests[v.match.Method+v.match.Path]
			if !ok {
				t.Fatalf("no pattern for %s %s", v.match.Method, v.match.Path)
			}
			experiments[s.name] = append(experiments[s.name], Experiment{
				Name: v.name + ", a panic", Kind: "a panic", Always: v.name == "create", Before: v.before, Config: v.after, Destroyed: v.destroy,
				Killed: !v.destroy, Exit: AnyExit,
				Act: func(l *Harness) *Trial {
					l.Panic(request)
					if v.destroy {
						return l.Destroy()
					}
					return l.Apply()
				},
			})
		}
		experiments[s.name] = append(experiments[s.name], Experiment{
			Name: "read, a panic", Kind: "a panic", Before: s.config, Config: s.config, Exit: 1,
			Act: func(l *Harness) *Trial {
				l.Panic("GET " + map[string]string{"app": "/apps/.*", "space": "/spaces/.*", "ranges": "/spaces/.*/inbound-ruleset",
					"range": "/spaces/.*/inbound-ruleset",
					"store": "/addons.*", "attachment": "/addon-attachments.*", "window": "/redis/.*",
					"access": "/spaces/.*/members.*", "formation": "/apps/.*/formation.*"}[s.name])
				return l.Plan()
			},
		})
	}
	runExperiments(t, experiments)
}
