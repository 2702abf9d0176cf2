// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package keyvalue

import "fmt"

// Location is where an app runs, as a phrase for messages.
type Location string

const (
	CommonRuntime Location = "the Common Runtime"
	PrivateSpace  Location = "a Private Space"
	ShieldSpace   Location = "a Shield Space"
)

// Verdict tells whether a plan can be used with an app.
type Verdict int

const (
	// Fits means that the store runs where the app runs.
	Fits Verdict = iota
	// NeedsConsent means that the store would run outside the network of the app's space, and data would travel over
	// the public internet. Heroku requires an explicit confirmation.
	NeedsConsent
	// DoesNotFit means that Heroku refuses the plan.
	DoesNotFit
)

// Placement is the result of Place. Reason is one sentence, and WouldFit lists plans that run inside the
// location; both are empty if the plan fits. RunsIn is the location that the plan requires, if the app's location does
// not have the network for it.
type Placement struct {
	Verdict  Verdict
	Reason   string
	WouldFit []PlanName
	RunsIn   Location
}

// Place tells whether a store on a plan can be added to an app in a location (Dev Center: Heroku Key-Value
// Store and Private Spaces, "Plans"; Private Spaces, "Provisioning a data store outside of a space").
// Unknown plans and locations fit: Heroku decides.
func Place(plan PlanName, location Location) Placement {
	class, known := plan.Class()
	home, locationKnown := homeClass[location]
	if !known || !locationKnown || class == home {
		return Placement{Verdict: Fits}
	}

	p := Placement{Verdict: DoesNotFit, WouldFit: plansOf(home)}
	switch {
	case class == ClassCommon && location == PrivateSpace:
		p.Verdict = NeedsConsent
		p.Reason = fmt.Sprintf(
			"A store on the plan %s runs in the Common Runtime, outside the network of the Private Space, so the app's data would travel over "+
				"the public internet.", plan)
	case class == ClassCommon:
		p.Reason = fmt.Sprintf("A Shield Space takes stores on shield plans only, and %s runs in the Common Runtime.", plan)
	case class == ClassPrivate && location == ShieldSpace:
		p.Reason = fmt.Sprintf("A Shield Space takes stores on shield plans only, and %s is a private plan.", plan)
	case class == ClassPrivate:
		p.RunsIn = PrivateSpace
		p.Reason = fmt.Sprintf("The plan %s runs inside the network of a Private Space only, and the app is in the Common Runtime.", plan)
	case class == ClassShield:
		p.RunsIn = ShieldSpace
		p.Reason = fmt.Sprintf("The plan %s runs inside the network of a Shield Space only, and the app is in %s.", plan, location)
	}
	return p
}

// homeClass maps each location to the class of the plans that run inside it.
var homeClass = map[Location]RuntimeClass{
	CommonRuntime: ClassCommon,
	PrivateSpace:  ClassPrivate,
	ShieldSpace:   ClassShield,
}

func plansOf(class RuntimeClass) []PlanName {
	var names []PlanName
	for _, row := range catalogue {
		if row.class() == class {
			names = append(names, row.name)
		}
	}
	return names
}
