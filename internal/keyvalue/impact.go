// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package keyvalue

import (
	"cmp"
	"fmt"
)

// Spec is the part of a store that decides whether a change can be made to the store itself.
type Spec struct {
	AppID   string // the owning app, which pays
	Plan    PlanName
	Version Version // the lowest that the configuration asks for; empty = any, which is not judged
	Running Version // what the server runs now, of the store as it is; empty = not known
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

// Restarts says which apps Heroku restarts, since it restarts one whenever its config vars change.
type Restarts int

const (
	// RestartsNone: no app notices.
	RestartsNone Restarts = iota
	// RestartsIfURLChanges: every app that the store is attached to, if the changeover gives it another URL.
	RestartsIfURLChanges
	// RestartsAttached: every app that the store is attached to, once its attachment leads to the new store.
	RestartsAttached
)

// Change is what a change means. Reason is one sentence that says why the method is what it is (empty for
// NoChange); Facts are for the person who approves the change, one sentence each. The rest says the same for programs.
type Change struct {
	Method Method
	Reason string
	Facts  []string

	PlanChanges    bool // another plan has to be ordered, be it in place or for the new store
	VersionUpgrade bool // the server has to be upgraded, be it in place or with the new store

	Copied    []string // what arrives, as nouns
	Lost      []string // what may not arrive, or is gone, as nouns
	Reapplied []string // settings that have to be set again afterwards, by their names in the Data API
	Restarts  Restarts

	DataMayBeLost bool // keys that are there now may be gone afterwards; writes made meanwhile are always at risk
	Downgrade     bool // less memory or fewer connections, so what is there now may not fit
	Irreversible  bool // changing back is refused
	EmptyStore    bool // of a Refused change: a new store could be like that if it began without the data

	PriceBefore     *int // US cents per month; nil: not published
	PriceAfter      *int // US cents per month; nil: refused, or not published
	PriceDeltaCents *int // US cents per month; nil: refused, or a price is not published
}

// Impact says what it takes to turn a store into another (Dev Center: Heroku Key-Value Store, "Upgrading a
// Heroku Key-Value Store Plan"; Heroku Key-Value Store and Private Spaces, "Migrating from a Premium KVS Plan
// to a Private KVS Plan"; Upgrading a Heroku Key-Value Store Version). Of a plan that the catalogue does not know only
// what is certain is said.
func Impact(from, to Spec) Change {
	c := Change{PlanChanges: from.Plan != to.Plan, VersionUpgrade: from.upgradesTo(to)}
	c.comparePrices(from.Plan, to.Plan)
	if from.AppID == to.AppID && !c.PlanChanges && !c.VersionUpgrade {
		return c
	}

	fromClass, fromKnown := from.Plan.Class()
	toClass, toKnown := to.Plan.Class()
	c.decide(from, to, fromKnown && toKnown && fromClass != toClass)
	switch {
	case c.Method == NewStore && toClass == ClassShield:
		c.refuse(c.Reason + " A new store on a shield plan cannot be filled either: Heroku does not fork to shield plans.")
		c.EmptyStore = true
	case c.Method == InPlace && c.PlanChanges && (!fromKnown || !toKnown):
		c.Reason = "Heroku is asked to change the plan in place; it refuses when the plans run on different networks."
	}
	c.Irreversible = c.VersionUpgrade || c.Method == NewStore && fromClass == ClassShield

	// A mini store is upgraded at once and begins empty; of the others Heroku prepares a copy, which takes over.
	beginsEmpty := c.Method == InPlace && !c.PlanChanges && from.Plan == "mini"
	c.tellMethod(fromClass, toClass, beginsEmpty)
	if c.Method != Refused {
		c.comparePlans(from.Plan, to.Plan)
		c.tellVersion(from, to)
	}
	return c
}

// decide between a change in place and a new store.
func (c *Change) decide(from, to Spec, classChanges bool) {
	fromClass, _ := from.Plan.Class()
	toClass, _ := to.Plan.Class()
	switch {
	case classChanges:
		c.Method = NewStore
		c.Reason = fmt.Sprintf("A store cannot move from %s to %s: %s is a %s plan and %s a %s plan, which run on different networks.",
			from.Plan, to.Plan, from.Plan, fromClass, to.Plan, toClass)
	case from.AppID != to.AppID:
		c.Method = NewStore
		c.Reason = "A store belongs to the app that it was created on, and Heroku cannot change its owner."
	case c.PlanChanges:
		c.Method = InPlace
		c.Reason = "Heroku changes the plan of a store in place within a runtime class."
	default:
		c.Method = InPlace
		c.Reason = "Heroku upgrades the version of a store in place."
	}
}

func (c *Change) refuse(reason string) {
	c.Method, c.Reason = Refused, reason
	c.VersionUpgrade = false
	c.PriceAfter, c.PriceDeltaCents = nil, nil
}

const (
	allKeys         = "all keys with their types and expiry times"
	writesMeanwhile = "writes made during the copy"
)

// tellMethod says what happens to the data, the URL and the apps.
func (c *Change) tellMethod(from, to RuntimeClass, beginsEmpty bool) {
	switch {
	case beginsEmpty:
		c.Lost, c.Restarts, c.DataMayBeLost = []string{"all keys"}, RestartsIfURLChanges, true
		c.Facts = []string{
			"The store keeps its id, its name, its attachments and its settings, but none of its keys: a mini store is upgraded without its data.",
			"The URL of the store may change, and Heroku then restarts every app it is attached to.",
		}
	case c.Method == InPlace:
		c.Copied, c.Lost, c.Restarts = []string{allKeys}, []string{writesMeanwhile}, RestartsIfURLChanges
		c.Facts = []string{
			"The store keeps its id, its name, its attachments and its settings.",
			"Heroku copies the data to a new server and then changes over; writes made during the copy may be lost.",
			"The URL of the store may change at the changeover, and Heroku then restarts every app it is attached to.",
		}
	case c.Method == NewStore:
		c.Copied, c.Lost, c.Restarts = []string{allKeys}, []string{writesMeanwhile}, RestartsAttached
		c.Reapplied = []string{"timeout", "maxmemory_policy", "notify_keyspace_events"}
		c.Facts = []string{
			"The new store has a new id and a new URL; apps use it once their attachments point to it, and restart then.",
			"A fork copies all keys with their types and expiry times; the settings, which it does not copy, are set again.",
			"Both stores are paid for until the old one is destroyed.",
		}
		if to == ClassCommon && (from == ClassPrivate || from == ClassShield) {
			c.Facts = append(c.Facts, fmt.Sprintf("The data leaves the isolated network of the %s plan for the Common Runtime.", from))
		}
		if from == ClassShield {
			c.Facts = append(c.Facts, "There is no way back with the data, because Heroku does not fork to shield plans.")
		}
	case c.Method == Refused:
		c.Facts = []string{"Nothing is changed: the store stays as it is."}
		if c.EmptyStore {
			c.Facts = append(c.Facts, "A new, empty store on the shield plan can be declared beside this one, and the apps can fill it themselves.")
		}
	}
}

// tellVersion says what an upgrade of the server adds.
func (c *Change) tellVersion(from, to Spec) {
	if !c.VersionUpgrade {
		return
	}
	c.Facts = append(c.Facts, fmt.Sprintf("The server is upgraded from %s to %s, and Heroku has no way back to an older version.",
		cmp.Or(from.Running, from.Version), to.Version))
	if c.Method == InPlace {
		c.Facts = append(c.Facts, "The store is out of reach for a short time when the upgraded server takes over.")
	}
	if release, known := LookupRelease(to.Version); known && release.Status == ReleaseDeprecated {
		c.Facts = append(c.Facts, fmt.Sprintf("Version %s is deprecated; Heroku ends its life on %s.", release.Version, release.EndOfLife))
	}
}

// comparePlans adds what the catalogue knows of both plans.
func (c *Change) comparePlans(fromName, toName PlanName) {
	if fromName == toName {
		return
	}
	from, fromPublished := LookupPlan(fromName)
	to, toPublished := LookupPlan(toName)

	if c.Method == InPlace && fromPublished && from.Persistence == "None" {
		c.DataMayBeLost = true
		c.Lost = append(c.Lost, "all keys, which were never written to disk")
		c.Facts = append(c.Facts, fmt.Sprintf("The plan %s keeps no data on disk, so all of it may be lost in the change.", from.Name))
	}
	if toPublished && to.Persistence == "None" {
		c.DataMayBeLost = true
		c.Facts = append(c.Facts,
			fmt.Sprintf("The plan %s keeps no data on disk and has no standby: a restart or a failure of the server loses the data.", to.Name))
	}
	if !fromPublished || !toPublished {
		return
	}

	c.Facts = append(c.Facts, fmt.Sprintf("Memory: %s before, %s after. Connections: %d before, %d after.",
		from.memory(), to.memory(), from.ConnectionLimit, to.ConnectionLimit))
	if to.MemoryMB < from.MemoryMB || to.ConnectionLimit < from.ConnectionLimit {
		c.Downgrade, c.DataMayBeLost = true, true
		c.Lost = append(c.Lost, fmt.Sprintf("keys beyond %s", to.memory()))
		c.Facts = append(c.Facts,
			fmt.Sprintf("The data has to fit into %s: beyond that Redis refuses writes or evicts keys, as the eviction policy says.", to.memory()))
	}
	if c.PriceDeltaCents == nil {
		c.Facts = append(c.Facts, "The difference in price is not known, because Heroku does not publish the price of one of the plans.")
		return
	}
	c.Facts = append(c.Facts, fmt.Sprintf("Price: $%s a month before, $%s after.", dollars(*c.PriceBefore), dollars(*c.PriceAfter)))
}

// comparePrices: what stays on its plan stays at its price, even one that is not published.
func (c *Change) comparePrices(from, to PlanName) {
	before, _ := LookupPlan(from)
	after, _ := LookupPlan(to)
	c.PriceBefore, c.PriceAfter = before.MonthlyPriceCents, after.MonthlyPriceCents
	switch {
	case from == to:
		c.PriceDeltaCents = new(int)
	case c.PriceBefore != nil && c.PriceAfter != nil:
		delta := *c.PriceAfter - *c.PriceBefore
		c.PriceDeltaCents = &delta
	}
}

// dollars writes cents as Heroku's command line does: 1500 is "15.00".
func dollars(cents int) string { return fmt.Sprintf("%d.%02d", cents/100, cents%100) }
