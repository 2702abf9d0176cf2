// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package replacement

import (
	"slices"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
)

// Finding is something that a person has to know about a replacement: one of the types below, or one of the caller's own.
type Finding interface {
	IsFailure() bool // what follows is not done
}

// Findings are in the order in which they were made.
type Findings []Finding

// Append adds findings.
func (f *Findings) Append(more ...Finding) { *f = append(*f, more...) }

// Failed reports whether one of them is a failure.
func (f Findings) Failed() bool { return slices.ContainsFunc(f, Finding.IsFailure) }

// Step is what has failed, where nothing else is to be said of it.
type Step int

// The steps of which a Failure tells.
const (
	StepReplace      Step = iota // before it was known how far the replacement is
	StepReadSettings             // of the old store
	StepReadApp                  // of the new store
	StepVerify
	StepDestroy // of a store that is not needed any more
	StepRelease // of the apps
	StepDetach  // of the migration marker
	StepRetire  // of the old store
)

// Failure is a step that has failed for a store.
type Failure struct {
	Step  Step
	Store Store
	Err   error
}

// Halted is a step that has failed while the old store is the one in use. Nothing has moved.
type Halted struct {
	Old Store
	Err error
}

// UnderWay refuses another direction after the apps have begun to use the new store.
type UnderWay struct {
	Old, New      Store
	Plan, AppName string // of the new store
}

// CopyInconclusive is a copy of which nothing is proven, and to which the attachments are moved all the same.
type CopyInconclusive struct {
	Old      Store
	Reason   string
	Destroys bool // the old store goes in the end
}

// CopyIncomplete is a copy that lacks keys. Nothing has moved, and the copy is destroyed.
type CopyIncomplete struct {
	Old, New Store
	Reason   string
}

// MoveFailed are attachments that could not be moved.
type MoveFailed struct {
	Old, New Store
	Err      error
}

// AppsHeld are apps that are left in maintenance mode or scaled to 0, because their attachments could not be moved back.
type AppsHeld struct {
	Old  Store
	Apps []heroku.AppID
	Err  error
}

// Unfinished is a step that has failed while the new store is the one in use.
type Unfinished struct {
	Old, New Store
	Err      error
}

// UndoFailed is a replacement that could not be undone.
type UndoFailed struct {
	Old Store
	New *Store // which may be left; nil: nothing is known, and nothing was changed
	Err error
}

// StillAttached is a store that Heroku does not destroy, since other apps are attached to it.
type StillAttached struct {
	Store       Store
	Attachments []heroku.Attachment
	Err         error
}

// IsFailure is true.
func (Failure) IsFailure() bool { return true }

// IsFailure is true.
func (Halted) IsFailure() bool { return true }

// IsFailure is true.
func (UnderWay) IsFailure() bool { return true }

// IsFailure is false: Heroku reports that the copy is complete.
func (CopyInconclusive) IsFailure() bool { return false }

// IsFailure is true.
func (CopyIncomplete) IsFailure() bool { return true }

// IsFailure is true.
func (MoveFailed) IsFailure() bool { return true }

// IsFailure is false: it is said beside MoveFailed.
func (AppsHeld) IsFailure() bool { return false }

// IsFailure is true.
func (Unfinished) IsFailure() bool { return true }

// IsFailure is true.
func (UndoFailed) IsFailure() bool { return true }

// IsFailure is true.
func (StillAttached) IsFailure() bool { return true }
