// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package replacement

import (
	"slices"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
)

// Finding is a result of a replacement that a person has to know: one of the types below, or one of the caller's.
type Finding interface {
	IsFailure() bool // the replacement stops here
}

// Findings are findings in the order in which they were made.
type Findings []Finding

// Append adds findings.
func (f *Findings) Append(more ...Finding) { *f = append(*f, more...) }

// Failed reports whether any of them is a failure.
func (f Findings) Failed() bool { return slices.ContainsFunc(f, Finding.IsFailure) }

// Step is the step of a [Failure].
type Step int

// The steps that can fail without a finding of their own.
const (
	StepReplace      Step = iota // finding out how far the replacement has come
	StepReadSettings             // of the old store
	StepReadApp                  // of the new store
	StepVerify
	StepDestroy // of a store that is no longer needed
	StepRelease // of the apps
	StepDetach  // of the migration marker
	StepRetire  // of the old store
)

// Failure means that a step has failed for a store.
type Failure struct {
	Step  Step
	Store Store
	Err   error
}

// Halted means that the replacement has failed while the old store is in use. No attachment was moved.
type Halted struct {
	Old Store
	Err error
}

// UnderWay means that the plan cannot be carried out, because apps use the new store of another plan already.
type UnderWay struct {
	Old, New      Store
	Plan, AppName string // of the new store
}

// CopyInconclusive means that the copy could not be verified. The attachments are moved nevertheless.
type CopyInconclusive struct {
	Old      Store
	Reason   string
	Destroys bool // the old store is destroyed at the end
}

// CopyIncomplete means that keys are missing from the copy. No attachment was moved, and the copy is destroyed.
type CopyIncomplete struct {
	Old, New Store
	Reason   string
}

// CopyKept means that the replacement has failed before anything was moved, and the new store stays for the next run.
type CopyKept struct {
	Old, New Store
	Plan     string // of the new store
}

// MoveFailed means that attachments could not be moved.
type MoveFailed struct {
	Old, New Store
	Err      error
}

// AppsHeld means that apps stay in maintenance mode or scaled to 0, because their attachments could not be moved back.
type AppsHeld struct {
	Old  Store
	Apps []heroku.AppID
	Err  error
}

// Unfinished means that the replacement has failed while the new store is in use.
type Unfinished struct {
	Old, New Store
	Err      error
}

// UndoFailed means that a replacement could not be undone.
type UndoFailed struct {
	Old Store
	New *Store // the new store, which may still exist; nil if the stores could not be read, and nothing was changed
	Err error
}

// StillAttached means that Heroku has refused to destroy a store, because it is attached to other apps.
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

// IsFailure is false, because Heroku reports that the copy is complete.
func (CopyInconclusive) IsFailure() bool { return false }

// IsFailure is true.
func (CopyIncomplete) IsFailure() bool { return true }

// IsFailure is false, because a failure comes with it.
func (CopyKept) IsFailure() bool { return false }

// IsFailure is true.
func (MoveFailed) IsFailure() bool { return true }

// IsFailure is false, because a MoveFailed comes with it.
func (AppsHeld) IsFailure() bool { return false }

// IsFailure is true.
func (Unfinished) IsFailure() bool { return true }

// IsFailure is true.
func (UndoFailed) IsFailure() bool { return true }

// IsFailure is true.
func (StillAttached) IsFailure() bool { return true }
