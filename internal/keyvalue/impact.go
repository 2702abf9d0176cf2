// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package keyvalue

import "fmt"

// Spec is the part of a store that decides whether a change can be made to the store itself.
type Spec struct {
	AppID string // the owning app, which pays
	Plan  PlanName
}

// Method is how a change is carried out.
type Method int

const (
	// NoChange: nothing differs.
	NoChange Method = iota
	// InPlace: the store keeps its id, its name, its attachments and its settings.
	InPlace
	// NewStore: only a new store can be like that; a fork of the old one fills it.
	NewStore
	// Refused: only a new store can be like that, and Heroku has no way to fill it.
	Refused
)

// Change is what a change means. Reason is one sentence that says why the method is what it is (empty for
// NoChange); Facts are for the person who approves the change, one sentence each.
type Change struct {
	Method Method
	Reason string
	Facts  []string

	DataMayBeLost   bool // keys that are there now may be gone afterwards; writes made meanwhile are always at risk
	Downgrade       bool // less memory or fewer connections, so what is there now may not fit
	PriceDeltaCents *int // US cents per month; nil: refused, or a price is not published
}

// Impact says what it takes to turn a store into another (Dev Center: Heroku Key-Value Store, "Upgrading a
// Heroku Key-Value Store Plan"; Heroku Key-Value Store and Private Spaces, "Migrating from a Premium KVS Plan
// to a Private KVS Plan"). Of a plan that the catalogue does not know only what is certain is said.
func Impact(from, to Spec) Change {
	if from == to {
		return Change{Method: NoChange, PriceDeltaCents: new(int)}
	}

	c := Change{Method: InPlace, Reason: "Heroku changes the plan of a store in place within a runtime class."}
	fromClass, fromKnown := from.Plan.Class()
	toClass, toKnown := to.Plan.Class()
	classChanges := fromKnown && toKnown && fromClass != toClass
	switch {
	case classChanges:
		c.Method = NewStore
		c.Reason = fmt.Sprintf("A store cannot move from %s to %s: %s is a %s plan and %s a %s plan, which run on different networks.",
			from.Plan, to.Plan, from.Plan, fromClass, to.Plan, toClass)
	case from.AppID != to.AppID:
		c.Method = NewStore
		c.Reason = "A store belongs to the app that it was created on, and Heroku cannot change its owner."
	case !fromKnown || !toKnown:
		c.Reason = "Heroku is asked to change the plan in place; it refuses when the plans run on different networks."
	}
	if c.Method == NewStore && toClass == ClassShield {
		c.Method = Refused
		c.Reason += " A new store on a shield plan cannot be filled either: Heroku does not fork to shield plans."
	}

	c.Facts = c.methodFacts(fromClass, toClass)
	if c.Method != Refused {
		c.comparePlans(from.Plan, to.Plan)
	}
	return c
}

// methodFacts says what happens to the data, the URL and the apps.
func (c *Change) methodFacts(from, to RuntimeClass) []string {
	switch c.Method {
	case InPlace:
		return []string{
			"The store keeps its id, its name, its attachments and its settings.",
			"Heroku copies the data to a new server and then changes over; writes made during the copy may be lost.",
			"The URL of the store may change at the changeover, and Heroku then restarts every app it is attached to.",
		}
	case NewStore:
		facts := []string{
			"The new store has a new id and a new URL; apps use it once their attachments point to it, and restart then.",
			"A fork copies the keys but none of the settings; writes made to the old store during the copy may be lost.",
			"Both stores are paid for until the old one is destroyed.",
		}
		if to == ClassCommon && (from == ClassPrivate || from == ClassShield) {
			facts = append(facts, fmt.Sprintf("The data leaves the isolated network of the %s plan for the Common Runtime.", from))
		}
		return facts
	case Refused:
		return []string{
			"Nothing is changed: the store stays as it is.",
			"A new, empty store on the shield plan can be declared beside this one, and the apps can fill it themselves.",
		}
	}
	return nil
}

// comparePlans adds what the catalogue knows of both plans.
func (c *Change) comparePlans(fromName, toName PlanName) {
	if fromName == toName {
		c.PriceDeltaCents = new(int)
		return
	}
	from, fromPublished := LookupPlan(fromName)
	to, toPublished := LookupPlan(toName)

	if c.Method == InPlace && fromPublished && from.Persistence == "None" {
		c.DataMayBeLost = true
		c.Facts = append(c.Facts, fmt.Sprintf("The plan %s keeps no data on disk, so all of it may be lost in the change.", from.Name))
	}
	if toPublished && to.Persistence == "None" {
		c.DataMayBeLost = true
		c.Facts = append(c.Facts, fmt.Sprintf("The plan %s keeps no data on disk and has no standby: a restart or a failure of the server loses the data.", to.Name))
	}
	if !fromPublished || !toPublished {
		return
	}

	c.Facts = append(c.Facts, fmt.Sprintf("Memory: %s before, %s after. Connections: %d before, %d after.",
		from.memory(), to.memory(), from.ConnectionLimit, to.ConnectionLimit))
	if to.MemoryMB < from.MemoryMB || to.ConnectionLimit < from.ConnectionLimit {
		c.Downgrade, c.DataMayBeLost = true, true
		c.Facts = append(c.Facts, fmt.Sprintf("The data has to fit into %s: beyond that Redis refuses writes or evicts keys, as the eviction policy says.", to.memory()))
	}
	if from.MonthlyPriceCents == nil || to.MonthlyPriceCents == nil {
		c.Facts = append(c.Facts, "The difference in price is not known, because Heroku does not publish the price of one of the plans.")
		return
	}
	delta := *to.MonthlyPriceCents - *from.MonthlyPriceCents
	c.PriceDeltaCents = &delta
	c.Facts = append(c.Facts, fmt.Sprintf("Price: $%s a month before, $%s after.", dollars(*from.MonthlyPriceCents), dollars(*to.MonthlyPriceCents)))
}

// dollars writes cents as Heroku's command line does: 1500 is "15.00".
func dollars(cents int) string { return fmt.Sprintf("%d.%02d", cents/100, cents%100) }
