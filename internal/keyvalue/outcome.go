// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package keyvalue

// Outcome is the machine-readable summary of a change, made of the constants below.
type Outcome struct {
	Method       string
	Data         string
	URLChanges   string
	Interruption string
	Irreversible bool
}

// Values of Outcome.Method.
const (
	MethodPlanInPlace        = "plan_in_place"
	MethodVersionUpgrade     = "version_upgrade"
	MethodReplacementByFork  = "replacement_by_fork"
	MethodReplacementByEmpty = "replacement_empty"
)

// Values of Outcome.Data: what happens to the keys.
const (
	DataKept         = "kept"
	DataCopied       = "copied"
	DataWritesAtRisk = "writes_at_risk"
	DataLost         = "lost"
)

// Values of Outcome.URLChanges: whether the URL of the store changes.
const (
	URLStays      = "no"
	URLMayChange  = "possible"
	URLChangesNow = "yes"
)

// Values of Outcome.Interruption: for how long apps cannot use the store.
const (
	InterruptionNone        = "none"
	InterruptionBrief       = "brief"
	InterruptionWhileCopied = "while_copied"
)

// Terms tell how a new store is created, if one is needed.
type Terms struct {
	Empty    bool // without the data of the old store
	AppsHeld bool // the apps are stopped while the data is copied, so that nobody writes
}

// Outcome summarises the change. If any existing key may be lost, Data is DataLost.
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
