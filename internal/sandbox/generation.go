// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package sandbox

import "cmp"

// Generations of Heroku's platform. The Common Runtime is cedar; a space is either.
const (
	cedar = "cedar"
	fir   = "fir"
)

var generations = []object{generation(cedar, "2014-04-15T00:00:00Z"), generation(fir, "2024-12-01T00:00:00Z")}

func generation(name, since string) object {
	return object{"id": generationID(name).ID, "name": name, "created_at": since, "updated_at": since}
}

func generationID(name string) idName { return idName{catalogueID("generation " + name), name} }

// generation returns the generation of an app, which is the one of its space.
func (w *world) generation(a *app) string {
	if sp := w.Spaces[a.Space]; sp != nil {
		return sp.generation()
	}
	return cedar
}

func (sp *space) generation() string { return cmp.Or(sp.Generation, cedar) } // empty in the data directory of an older version

// requestedGeneration finds the generation that a request for a space names; "" means cedar.
func requestedGeneration(ref string, shield bool) (string, error) {
	if ref == "" {
		return cedar, nil
	}
	for _, g := range generations {
		if g.is(ref) {
			if shield && g.is(fir) {
				return "", invalid("Shield Private Spaces are not available in the %s generation.", fir)
			}
			return g.idName().Name, nil
		}
	}
	return "", invalid("Couldn't find the generation %s.", ref)
}

func listGenerations(*call) (any, error) { return listing{[]string{"id", "name"}, generations}, nil }

func listTeamGenerations(_ *call, _ *team) (any, error) { return listGenerations(nil) }

func getGeneration(c *call) (any, error) {
	return findObject(generations, c.PathValue("generation"), "generation", "generation")
}
