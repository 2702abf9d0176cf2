// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package keyvalue

import (
	"net/netip"
	"slices"
)

// ImpactValues are what a change means in values that a plan shows and a policy reads. They follow from what was there
// before, the configuration and the catalogue alone, so that a plan that is made again comes out the same.
type ImpactValues struct {
	Method       MethodName   `json:"method"`
	Data         DataFate     `json:"data"`
	URLChanges   Possibility  `json:"url_changes"`  // the URL by which the object is reached
	Restarts     []string     `json:"restarts"`     // names of apps; nil: not known
	Interruption Interruption `json:"interruption"` // of the apps that use the object
	Irreversible bool         `json:"irreversible"`
	PriceBefore  *float64     `json:"price_before"` // US dollars a month; nil: not published
	PriceAfter   *float64     `json:"price_after"`
	Admits       []string     `json:"admits"`    // ranges that were not all trusted before
	ShutsOut     []string     `json:"shuts_out"` // ranges that are not all trusted any more; nil: not known
}

// MethodName is how a change is carried out. Of several, it is the one that means most.
type MethodName string

const (
	MethodTerraformOnly MethodName = "terraform_only" // nothing is sent to Heroku
	MethodCreate        MethodName = "create"
	MethodDestroy       MethodName = "destroy"
	MethodSettings      MethodName = "settings"
	MethodRename        MethodName = "rename"
	MethodPlanInPlace   MethodName = "plan_in_place"
	MethodUpgrade       MethodName = "version_upgrade"
	MethodFork          MethodName = "replacement_by_fork"
	MethodEmpty         MethodName = "replacement_empty"
	MethodRePoint       MethodName = "re_point"
	MethodRanges        MethodName = "ranges"
	MethodTransfer      MethodName = "transfer"
	MethodMaintenance   MethodName = "maintenance"
	MethodWindow        MethodName = "window"
)

// DataFate is what becomes of the keys that are there, at worst.
type DataFate string

const (
	DataKept         DataFate = "kept"           // where they are
	DataCopied       DataFate = "copied"         // and nobody writes meanwhile
	DataWritesAtRisk DataFate = "writes_at_risk" // copied, and writes made meanwhile may be lost
	DataLost         DataFate = "lost"           // some or all of them may be gone afterwards
)

// Possibility is whether something happens.
type Possibility string

const (
	No       Possibility = "no"
	Possible Possibility = "possible"
	Yes      Possibility = "yes"
)

// Interruption is how long apps cannot work.
type Interruption string

const (
	InterruptionNone        Interruption = "none"
	InterruptionBrief       Interruption = "brief"        // while an app restarts, or a server takes over
	InterruptionWhileCopied Interruption = "while_copied" // the apps are kept still
	InterruptionLasting     Interruption = "lasting"      // until somebody ends it
)

// quiet is a change that nobody notices.
func quiet(method MethodName) ImpactValues {
	return ImpactValues{
		Method: method, Data: DataKept, URLChanges: No, Restarts: []string{}, Interruption: InterruptionNone,
		Admits: []string{}, ShutsOut: []string{},
	}
}

// atNoCost is for what Heroku charges nothing for.
func (v ImpactValues) atNoCost() ImpactValues {
	v.PriceBefore, v.PriceAfter = new(float64), new(float64)
	return v
}

// StoreChange is a change of a store.
type StoreChange struct {
	From *Spec // nil: there is none yet
	To   Spec

	Settings   bool     // one of its settings is changed
	Renamed    bool     // the store gets another name
	Reattached bool     // its first attachment gets another name
	Fork       bool     // of a new store: it begins as a copy
	Recreate   bool     // if it needs a new store, that begins without data
	Still      bool     // if it needs a new store, no process of its apps runs meanwhile
	KeepsOld   bool     // if it needs a new store, the old one stays
	OwnerApp   string   // the name of the app that the store belongs to; empty: not known
	Apps       []string // the names of all apps that it is attached to; nil: not known
}

// Values are the impact of the change. A change that is refused has none that anybody would see.
func (s StoreChange) Values() ImpactValues {
	if s.From == nil {
		v := quiet(MethodCreate)
		if s.Fork {
			v.Data = DataCopied
		}
		v.Restarts = appNames(s.OwnerApp)
		v.PriceBefore, v.PriceAfter = new(float64), usd(priceOf(s.To.Plan))
		return v
	}
	c := Impact(*s.From, s.To)
	v := quiet(MethodTerraformOnly)
	switch {
	case c.Method == NewStore && !s.Recreate:
		v = s.replaced(c, MethodFork)
	case c.Method == NewStore || c.Method == Refused:
		v = s.replaced(c, MethodEmpty)
	case c.Method == InPlace:
		v = s.changedInPlace(c)
	case s.Reattached:
		v = quiet(MethodRePoint)
		v.URLChanges, v.Interruption, v.Restarts = Yes, InterruptionBrief, appNames(s.OwnerApp)
	case s.Renamed:
		v = quiet(MethodRename)
	case s.Settings:
		v = quiet(MethodSettings)
	}
	v.Irreversible = v.Irreversible || c.Irreversible
	before, after := priceOf(s.From.Plan), priceOf(s.To.Plan)
	if s.KeepsOld && (v.Method == MethodFork || v.Method == MethodEmpty) {
		after = sum(before, after)
	}
	v.PriceBefore, v.PriceAfter = usd(before), usd(after)
	return v
}

// replaced: every app that the store is attached to gets another URL.
func (s StoreChange) replaced(c Change, method MethodName) ImpactValues {
	v := ImpactValues{
		Method: method, URLChanges: Yes, Restarts: slices.Clone(s.Apps), Interruption: InterruptionBrief,
		Admits: []string{}, ShutsOut: []string{},
	}
	switch {
	case method == MethodEmpty:
		v.Data, v.Irreversible = DataLost, true
	case c.DataMayBeLost:
		v.Data = DataLost
	case s.Still:
		v.Data, v.Interruption = DataCopied, InterruptionWhileCopied
	default:
		v.Data = DataWritesAtRisk
	}
	if s.Still {
		v.Interruption = InterruptionWhileCopied
	}
	return v
}

func (s StoreChange) changedInPlace(c Change) ImpactValues {
	v := ImpactValues{
		Method: MethodUpgrade, Data: DataWritesAtRisk, URLChanges: Possible, Restarts: slices.Clone(s.Apps), Interruption: InterruptionBrief,
		Admits: []string{}, ShutsOut: []string{},
	}
	if c.PlanChanges {
		v.Method = MethodPlanInPlace
	}
	if c.DataMayBeLost {
		v.Data = DataLost
	}
	return v
}

// StoreDestroyed is the end of a store, as the record has it: a plan has no values of what it destroys.
func StoreDestroyed(plan PlanName, apps []string) ImpactValues {
	v := quiet(MethodDestroy)
	v.Data, v.URLChanges, v.Interruption, v.Irreversible, v.Restarts = DataLost, Yes, InterruptionLasting, true, slices.Clone(apps)
	v.PriceBefore, v.PriceAfter = usd(priceOf(plan)), new(float64)
	return v
}

// AttachmentChange is a change of an attachment. Where it changes nothing, nothing is set.
type AttachmentChange struct {
	Created, Destroyed bool
	OtherStore         bool   // it leads to another store
	OtherPlace         bool   // it gets another name, or is on another app
	App, FormerApp     string // their names; empty: not known
}

// Values are the impact of the change. Heroku restarts an app whenever its config vars change.
func (a AttachmentChange) Values() ImpactValues {
	method, url := MethodTerraformOnly, No
	switch {
	case a.Created:
		method = MethodCreate
	case a.Destroyed:
		method, url = MethodDestroy, Yes
	case a.OtherStore || a.OtherPlace:
		method, url = MethodRePoint, Yes
	default:
		return quiet(method).atNoCost()
	}
	v := quiet(method).atNoCost()
	v.URLChanges, v.Interruption, v.Restarts = url, InterruptionBrief, appNames(a.App)
	if a.FormerApp != a.App && !a.Created && !a.Destroyed {
		v.Restarts = appNames(a.App, a.FormerApp)
	}
	return v
}

// RangesChange is a change of the ranges that a space trusts; nil: not known.
type RangesChange struct{ From, To []string }

// Values are the impact of the change. A range counts as admitted when a part of it was not, and as shut out likewise, so that
// two halves are the whole.
func (r RangesChange) Values() ImpactValues {
	v := quiet(MethodRanges).atNoCost()
	v.Admits, v.ShutsOut = beyond(r.To, r.From), beyond(r.From, r.To)
	if v.Admits != nil && v.ShutsOut != nil && len(v.Admits)+len(v.ShutsOut) == 0 && sameRanges(r.From, r.To) {
		v.Method = MethodTerraformOnly
	}
	return v
}

// beyond are the ranges of a set that are not covered by another one; nil: that is not known.
func beyond(ranges, covering []string) []string {
	if ranges == nil {
		return nil
	}
	prefixes := []netip.Prefix{}
	for _, s := range covering {
		if prefix, err := netip.ParsePrefix(s); err == nil {
			prefixes = append(prefixes, prefix.Masked())
		}
	}
	left := []string{}
	for _, s := range ranges {
		if prefix, err := netip.ParsePrefix(s); err != nil || !covered(prefix.Masked(), prefixes) {
			left = append(left, s)
		}
	}
	slices.Sort(left)
	return slices.Compact(left)
}

// covered reports whether every address of a range lies in one of others.
func covered(prefix netip.Prefix, others []netip.Prefix) bool {
	within := slices.DeleteFunc(slices.Clone(others), func(other netip.Prefix) bool { return !other.Overlaps(prefix) })
	if slices.ContainsFunc(within, func(other netip.Prefix) bool { return other.Bits() <= prefix.Bits() }) {
		return true
	}
	if len(within) < 2 || !prefix.Addr().Is4() { // one alone is narrower, and Heroku takes IPv4 here
		return false
	}
	low := netip.PrefixFrom(prefix.Addr(), prefix.Bits()+1)
	bytes := prefix.Addr().As4()
	bytes[prefix.Bits()/8] |= 0x80 >> (prefix.Bits() % 8)
	return covered(low, within) && covered(netip.PrefixFrom(netip.AddrFrom4(bytes), prefix.Bits()+1), within)
}

func sameRanges(a, b []string) bool {
	within := func(set, other []string) bool {
		return !slices.ContainsFunc(set, func(s string) bool {
			return !slices.ContainsFunc(other, func(o string) bool { return SameCIDR(s, o) })
		})
	}
	return within(a, b) && within(b, a)
}

// SpaceChange is a change of a space, whose price Heroku does not publish.
type SpaceChange struct {
	Created, Destroyed bool
	Transferred        bool // to another team
	Renamed, LogDrain  bool
}

// Values are the impact of the change.
func (s SpaceChange) Values() ImpactValues {
	v := quiet(MethodTerraformOnly)
	switch {
	case s.Created:
		v = quiet(MethodCreate)
		v.PriceBefore = new(float64)
	case s.Destroyed:
		v = quiet(MethodDestroy)
		v.Irreversible, v.PriceAfter = true, new(float64) // its networks and addresses do not come back
	case s.Transferred:
		v = quiet(MethodTransfer)
	case s.Renamed:
		v = quiet(MethodRename)
	case s.LogDrain:
		v = quiet(MethodSettings)
	}
	return v
}

// AppChange is a change of an app, whose price depends on its dynos.
type AppChange struct {
	Created, Destroyed bool
	Transferred        bool // to another team
	Renamed            bool
	MaintenanceOn      bool // it is switched on
	MaintenanceOff     bool
}

// Values are the impact of the change. A renamed app is found under another URL.
func (a AppChange) Values() ImpactValues {
	v := quiet(MethodTerraformOnly)
	switch {
	case a.Created:
		return quiet(MethodCreate)
	case a.Destroyed:
		v = quiet(MethodDestroy)
		v.Irreversible, v.URLChanges, v.Interruption = true, Yes, InterruptionLasting
		return v
	case a.Transferred:
		v = quiet(MethodTransfer)
	case a.Renamed:
		v = quiet(MethodRename)
	case a.MaintenanceOn || a.MaintenanceOff:
		v = quiet(MethodMaintenance)
	}
	if a.Renamed {
		v.URLChanges = Yes
	}
	if a.MaintenanceOn {
		v.Interruption = InterruptionLasting
	}
	return v
}

// WindowChange is a change of a maintenance window, which only says when Heroku works on a store.
func WindowChange() ImpactValues { return quiet(MethodWindow).atNoCost() }

// appNames are those of apps; nil as soon as one is not known.
func appNames(names ...string) []string {
	if slices.Contains(names, "") {
		return nil
	}
	return names
}

func priceOf(plan PlanName) *int {
	published, _ := LookupPlan(plan)
	return published.MonthlyPriceCents
}

func sum(a, b *int) *int {
	if a == nil || b == nil {
		return nil
	}
	both := *a + *b
	return &both
}

// usd makes dollars of cents.
func usd(cents *int) *float64 {
	if cents == nil {
		return nil
	}
	dollars := float64(*cents) / 100
	return &dollars
}
