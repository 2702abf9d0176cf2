// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package keyvalue

import (
	"cmp"
	"fmt"
)

// Spec holds the properties of a store that decide whether a change can be made in place.
type Spec struct {
	AppID   string // the owning app, which is billed
	Plan    PlanName
	Version Version // the lowest version that the configuration accepts; any if empty
	Running Version // the version that the server runs now; unknown if empty, and not set for the planned store
}

// Method is how a change is carried out.
type Method int

const (
	// NoChange means that nothing differs.
	NoChange Method = iota
	// InPlace means that the store keeps its id, its name, its attachments and its settings.
	InPlace
	// NewStore means that a new store is needed, which is created as a fork of the old one.
	NewStore
	// Refused means that a new store is needed, and that Heroku cannot copy the data to it.
	Refused
)

// Restarts tells which apps Heroku restarts; it restarts an app whenever its config vars change.
type Restarts int

const (
	// RestartsNone means that no app restarts.
	RestartsNone Restarts = iota
	// RestartsIfURLChanges means that every attached app restarts if the changeover changes the store's URL.
	RestartsIfURLChanges
	// RestartsAttached means that every attached app restarts when its attachment is moved to the new store.
	RestartsAttached
)

// Change describes the consequences of a change. Reason is one sentence that explains the Method (empty for
// NoChange); Facts are sentences for the person who approves the change. The other fields say the same for programs.
type Change struct {
	Method Method
	Reason string
	Facts  []string

	PlanChanges    bool // in place or with a new store
	VersionUpgrade bool // in place or with a new store

	Copied    []string // what is copied, as nouns
	Lost      []string // what is lost or may be lost, as nouns
	Reapplied []string // settings that have to be set again afterwards, by their names in the Data API
	Restarts  Restarts

	DataMayBeLost bool // keys that exist now may be lost; writes during the change are always at risk
	Downgrade     bool // the new plan has less memory or fewer connections, so that the data or the clients may not fit
	Irreversible  bool // the change cannot be undone
	EmptyStore    bool // of a Refused change: a new, empty store is possible

	PriceBefore     *int // US cents per month; nil if not published
	PriceAfter      *int // US cents per month; nil if refused or not published
	PriceDeltaCents *int // US cents per month; nil if refused or a price is not published
}

// Impact returns how a store can be changed from one spec to another, and the consequences (Dev Center: Heroku
// Key-Value Store, "Upgrading a Heroku Key-Value Store Plan"; Heroku Key-Value Store and Private Spaces, "Migrating from
// a Premium KVS Plan to a Private KVS Plan"; Upgrading a Heroku Key-Value Store Version). For a plan that is not in the
// catalogue, the result has only what is certain.
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

	// Heroku upgrades a mini store at once, and it is empty afterwards; for other plans it prepares a copy, which takes over.
	beginsEmpty := c.Method == InPlace && !c.PlanChanges && from.Plan == "mini"
	c.describeMethod(fromClass, toClass, beginsEmpty)
	if c.Method != Refused {
		c.comparePlans(from.Plan, to.Plan)
		c.describeUpgrade(from, to)
	}
	return c
}

// decide chooses between a change in place and a new store.
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

// describeMethod sets what happens to the data, the URL and the apps.
func (c *Change) describeMethod(from, to RuntimeClass, beginsEmpty bool) {
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

// describeUpgrade adds the facts about a version upgrade.
func (c *Change) describeUpgrade(from, to Spec) {
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

// comparePlans adds facts from the catalogue about the two plans.
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

// comparePrices sets the prices. Without a change of the plan the difference is 0, even if the price is not published.
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

// dollars formats cents as the Heroku CLI does: 1500 is "15.00".
func dollars(cents int) string { return fmt.Sprintf("%d.%02d", cents/100, cents%100) }
