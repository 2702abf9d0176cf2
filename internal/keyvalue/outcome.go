// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package keyvalue

// Outcome says in single words what a change of a store means, for programs that judge it without reading sentences.
type Outcome struct {
	Method       string
	Data         string
	URLChanges   string
	Interruption string
	Irreversible bool
}

// Methods of a change of a store.
const (
	MethodPlanInPlace        = "plan_in_place"
	MethodVersionUpgrade     = "version_upgrade"
	MethodReplacementByFork  = "replacement_by_fork"
	MethodReplacementByEmpty = "replacement_empty"
)

// What becomes of the keys.
const (
	DataKept         = "kept"
	DataCopied       = "copied"
	DataWritesAtRisk = "writes_at_risk"
	DataLost         = "lost"
)

// Whether the URL of the store changes.
const (
	URLStays      = "no"
	URLMayChange  = "possible"
	URLChangesNow = "yes"
)

// For how long apps do without the store.
const (
	InterruptionNone        = "none"
	InterruptionBrief       = "brief"
	InterruptionWhileCopied = "while_copied"
)

// Terms say how a new store is to be made, where one is needed.
type Terms struct {
	Empty    bool // without the data of the old one
	AppsHeld bool // no app writes while the data is copied
}

// Outcome is the change in single words. A change that loses any key that is there now is one that loses data.
func (c Change) Outcome(terms Terms) Outcome {
	o := Outcome{Data: DataKept, URLChanges: URLStays, Interruption: InterruptionNone, Irreversible: c.Irreversible}
	switch {
	case c.Method == NoChange:
		return o
	case c.Method == InPlace && c.PlanChanges:
		o.Method, o.URLChanges, o.Interruption = MethodPlanInPlace, URLMayChange, InterruptionBrief
	case c.Method == InPlace:
		o.Method, o.URLChanges, o.Interruption = MethodVersionUpgrade, URLMayChange, InterruptionBrief
	case terms.Empty:
		o.Method, o.Data, o.URLChanges, o.Interruption, o.Irreversible = MethodReplacementByEmpty, DataLost,
			URLChangesNow, InterruptionBrief, true
	default:
		o.Method, o.URLChanges, o.Interruption = MethodReplacementByFork, URLChangesNow, InterruptionBrief
		if terms.AppsHeld {
			o.Interruption = InterruptionWhileCopied
		}
	}
	switch {
	case o.Data == DataLost:
	case c.DataMayBeLost:
		o.Data = DataLost
	case c.Method == NewStore && terms.AppsHeld:
		o.Data = DataCopied
	default:
		o.Data = DataWritesAtRisk
	}
	return o
}
