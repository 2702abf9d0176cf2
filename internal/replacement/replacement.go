// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

// Package replacement replaces a Key-Value Store by a new one with its data, in the steps that Dev Center describes (Heroku
// Key-Value Store and Private Spaces, "Migrating from a Premium KVS Plan to a Private KVS Plan"): the apps are held if
// requested, the new store is created as a fork of the old one, the copy is verified, the attachments are moved, the names are
// exchanged, and the old store is retired.
//
// No progress is stored locally, since a crash would lose it. Each step leaves names at Heroku that package keyvalue derives
// from the old store's id, so that a later run sees what is done, and continues. Until the first attachment is moved, the old
// store is in use and everything can be undone; from then on the replacement can only be finished.
//
// The package knows nothing of Terraform. It returns findings, which the caller turns into messages. The documentation of
// package provider lists the calls that destroy or overwrite something, and what is checked before.
package replacement

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/keyvalue"
)

// Phase is how far a replacement has come.
type Phase int

// PhaseNotStarted, PhaseCopying and PhaseMoving are visible at Heroku; the other phases are known only to the current run.
const (
	PhaseNotStarted Phase = iota // the old store has no migration marker
	PhaseCopying                 // the old store has the marker; the new store may exist, and no app uses it
	PhaseVerified                // this run has verified the copy, and holds the lease
	PhaseMoving                  // an attachment was moved to the new store: from here on nothing can be undone
	PhaseRenamed                 // the new store has the attachments and the name of the old one
	PhaseRetired                 // the old store is destroyed, or kept as a retired store
)

// canBeUndone reports whether the replacement has begun, and no app uses the new store yet.
func (p Phase) canBeUndone() bool { return p == PhaseCopying || p == PhaseVerified }

// Values of Terms.Retire: what happens to the old store. A store that is kept is still billed.
const (
	RetireWhenVerified = "when_verified" // destroyed if the copy was verified, and kept otherwise
	RetireAlways       = "always"
	RetireNever        = "never"
)

// Terms say how a replacement is carried out.
type Terms struct {
	Recreate bool // the new store is empty instead of a fork
	Verify   bool // the numbers of keys in both stores are compared
	Retire   string
	Hold     Hold
}

// Plan describes a replacement.
type Plan struct {
	Old            Store // as the caller knows it; it may have been replaced since
	AppID          heroku.AppID
	Plan           keyvalue.PlanName
	AttachmentName string // on the app of the new store; if empty, that of the old store on its app
	Order          func(heroku.App) heroku.AddOnCreate
	Settings       func(heroku.Store) (update heroku.StoreConfigUpdate, changed bool) // the settings to change on the new store
	Terms          Terms
	Timeout        time.Duration

	// Checks of the caller. A finding that is a failure ends the replacement.
	CheckTarget func(ctx context.Context, old heroku.AddOn) Findings                       // before the new store is created
	CheckSource func(ctx context.Context, old heroku.AddOn, source heroku.Secret) Findings // before the old store is copied
	ReadBack    func(ctx context.Context, now heroku.AddOn) Findings                       // before the old store is retired
}

// Outcome is the result of a run.
type Outcome struct {
	Phase    Phase
	Kept     heroku.AddOnID // the old store, if it still exists after PhaseRetired
	Findings Findings
}

// Manager carries out replacements within one run of the provider.
type Manager struct {
	client    *heroku.Client
	locks     *AppLocks
	inspect   Inspect
	protector func(heroku.AddOnID) (label string, protected bool)
}

// NewManager returns a Manager. protector returns the resource that protects a store from being destroyed in this run, if any.
func NewManager(client *heroku.Client, locks *AppLocks, inspect Inspect, protector func(heroku.AddOnID) (string, bool)) *Manager {
	return &Manager{client, locks, inspect, protector}
}

// replacement is one run of a replacement.
type replacement struct {
	*Manager
	plan Plan

	old           heroku.AddOn
	newStore      *heroku.AddOn  // nil if it was not created yet
	ordered       heroku.AddOnID // the new store, if this run has created it
	phase         Phase
	markedAt      string                  // when the old store got the migration marker
	oldInUse      bool                    // the old store has attachments that were not made by the replacement
	apps          []heroku.AppID          // the owner of the old store first, and all apps that are attached to either store
	names         []string                // the names of the attachments to the owner of the old store
	attachments   map[attachmentName]bool // the attachments of the old store, which the new one has to get
	lease         heroku.Attachment       // of this run; it has no id if there is none
	leaseOfOther  *heroku.Attachment      // a lease of another run, at the time of the look-up
	heldSinceCopy bool                    // the apps are held, and were before any of them could write to the new store
	verification  Verification
}

// Resume carries out the remaining steps of a replacement. Until PhaseRetired, the caller's store is still the old one, and the
// next run continues.
func (m *Manager) Resume(ctx context.Context, plan Plan) Outcome {
	r, found, err := m.findOrWait(ctx, plan)
	if err != nil {
		return Outcome{Findings: Findings{Failure{StepReplace, plan.Old, err}}}
	}
	if r == nil {
		return m.adopt(ctx, plan, found)
	}
	defer func() { _ = r.releaseLease(ctx) }()
	findings := r.prepare(ctx)
	if !findings.Failed() {
		findings.Append(r.copy(ctx)...)
	}
	if !findings.Failed() {
		findings.Append(r.claimCopy(ctx)...)
	}
	uncancelled := context.WithoutCancel(ctx)
	if findings.Failed() {
		return r.abort(uncancelled, findings)
	}
	// An interrupt from here on would leave apps on different stores.
	leased := r.underLease(uncancelled)
	if findings.Append(r.takeOver(leased)...); findings.Failed() {
		return Outcome{Phase: r.phase, Findings: findings}
	}
	if findings.Append(plan.ReadBack(leased, *r.newStore)...); findings.Failed() {
		return Outcome{Phase: r.phase, Findings: findings}
	}
	outcome := r.retire(leased)
	outcome.Findings = append(findings, outcome.Findings...)
	return outcome
}

// prepare checks that the new store can be created, and marks the old one before anything else is changed.
func (r *replacement) prepare(ctx context.Context) Findings {
	if r.phase >= PhaseMoving {
		if !r.isAsPlanned() {
			return Findings{r.alreadyMoving()}
		}
		return nil
	}
	findings := r.plan.CheckTarget(ctx, r.old)
	if findings.Failed() {
		return findings
	}
	if r.newStore != nil && !r.isAsPlanned() {
		if err := r.discard(ctx); err != nil {
			return Findings{r.halted(err)}
		}
	}
	if !r.plan.Terms.Recreate && r.newStore == nil {
		findings.Append(r.checkSource(ctx)...)
	}
	if findings.Failed() || r.phase != PhaseNotStarted {
		return findings
	}
	if err := r.addMarker(ctx); err != nil {
		findings.Append(r.halted(err))
	}
	return findings
}

// isAsPlanned reports whether the new store is the planned one, and not that of an earlier plan.
func (r *replacement) isAsPlanned() bool {
	return r.newStore.AppID == r.plan.AppID && keyvalue.ShortPlanName(r.newStore.Plan) == string(r.plan.Plan)
}

// addMarker adds the migration marker to the old store.
func (r *replacement) addMarker(ctx context.Context) error {
	create := heroku.AttachmentCreate{AddOn: r.old.ID, App: r.old.AppID, Name: r.migrationMarker()}
	marker, err := r.client.CreateAttachment(ctx, create)
	if err == nil {
		r.phase, r.markedAt = PhaseCopying, marker.CreatedAt
	}
	return err
}

// checkSource calls the plan's CheckSource with the URL of the old store.
func (r *replacement) checkSource(ctx context.Context) Findings {
	source, err := r.client.Store(ctx, r.old.ID)
	if err != nil {
		return Findings{Failure{StepReadSettings, storeOf(r.old), err}}
	}
	return r.plan.CheckSource(ctx, r.old, source.ResourceURL)
}

// copy creates and verifies the new store, which no app uses yet. The apps are held meanwhile if the terms say so.
func (r *replacement) copy(ctx context.Context) Findings {
	held := false
	if r.plan.Terms.Hold != (Hold{}) && r.oldInUse {
		var err error
		if held, err = r.Hold(ctx, r.old.ID, r.apps, r.plan.Terms.Hold); err != nil {
			return Findings{r.halted(err)}
		}
		r.heldSinceCopy = held || r.phase < PhaseMoving
	}
	if r.phase >= PhaseMoving {
		r.verifyAgain(ctx)
		return nil
	}
	if err := r.discardStale(ctx, held); err != nil {
		return Findings{r.halted(err)}
	}
	if r.newStore == nil {
		if findings := r.createNewStore(ctx); findings.Failed() {
			return findings
		}
	}
	if err := r.finishNewStore(ctx); err != nil {
		return r.newStoreFailed(ctx, err)
	}
	return r.verify(ctx)
}

// takeOver puts the new store in place of the old one: it moves the attachments, exchanges the names, and releases the apps.
func (r *replacement) takeOver(ctx context.Context) Findings {
	if err := r.moveAttachments(ctx); err != nil {
		return r.moveFailed(ctx, err)
	}
	r.phase = PhaseMoving
	err := r.attachOwner(ctx)
	if err == nil {
		err = r.exchangeNames(ctx)
	}
	// Release the apps even after an error: all of them use the new store.
	if err = errors.Join(err, r.Release(ctx, r.old.ID, r.apps)); err != nil {
		return Findings{r.unfinished(err)}
	}
	r.phase = PhaseRenamed
	return nil
}

// exchangeNames renames the old store, and gives its name to the new one.
func (r *replacement) exchangeNames(ctx context.Context) error {
	if err := r.keepLease(ctx); err != nil {
		return err
	}
	original, retired := keyvalue.OriginalName(r.old.Name, string(r.old.ID))
	if !retired {
		original = r.old.Name
		away := keyvalue.RetiredName(original, string(r.old.ID))
		if _, err := r.client.UpdateAddOn(ctx, r.old.AppID, r.old.ID, heroku.AddOnUpdate{Name: &away}); err != nil {
			return err
		}
		r.old.Name = away
	}
	if r.newStore.Name == original {
		return nil
	}
	renamed, err := r.client.UpdateAddOn(ctx, r.newStore.AppID, r.newStore.ID, heroku.AddOnUpdate{Name: &original})
	if err == nil {
		r.newStore = &renamed
	}
	return err
}

// retire destroys the old store, or keeps it, as the terms say. An old store that could not be destroyed is returned as Kept, and a
// later change of the new store destroys it.
func (r *replacement) retire(ctx context.Context) Outcome {
	if err := r.checkMoved(ctx); err != nil {
		return Outcome{Phase: r.phase, Findings: Findings{r.unfinished(err)}}
	}
	terms := r.plan.Terms
	if terms.Retire != RetireAlways && (terms.Retire == RetireNever || r.verification != Verified && !terms.Recreate) {
		if err := r.keepOld(ctx); err != nil {
			return Outcome{Phase: r.phase, Findings: Findings{r.unfinished(err)}}
		}
		return Outcome{Phase: PhaseRetired, Kept: r.old.ID}
	}
	if err := r.Destroy(ctx, r.old.ID, r.plan.Timeout); err != nil {
		return Outcome{Phase: PhaseRetired, Kept: r.old.ID, Findings: Findings{Failure{StepRetire, storeOf(r.old), err}}}
	}
	r.lease = heroku.Attachment{} // it was deleted with the store
	return Outcome{Phase: PhaseRetired}
}

// abort ends a run that has failed before it moved anything. It leaves the results of another run alone, and what that run needs.
// The last run releases the apps.
func (r *replacement) abort(ctx context.Context, findings Findings) Outcome {
	if r.phase.canBeUndone() {
		r.plan.Timeout = min(r.plan.Timeout, 2*leaseTerm)
		var other leaseHeldError
		if err := r.claimLease(ctx); errors.As(err, &other) {
			return Outcome{Phase: r.phase, Findings: findings}
		}
	}
	if found, overtaken := r.overtaken(ctx); overtaken {
		outcome := r.adopt(ctx, r.plan, found)
		if err := r.Release(ctx, r.old.ID, r.apps); err != nil { // this run held them after the other run had released them
			outcome.Findings.Append(Failure{StepRelease, storeOf(r.old), err})
		}
		return outcome
	}
	findings.Append(r.rollBack(ctx)...)
	if r.newStore != nil && r.phase.canBeUndone() {
		findings.Append(CopyKept{storeOf(r.old), storeOf(*r.newStore), keyvalue.ShortPlanName(r.newStore.Plan)})
	}
	return Outcome{Phase: r.phase, Findings: findings}
}

// rollBack releases the apps after a failure before anything was moved, and removes the marker if there is no new store. It does so
// even if the run was interrupted, but not while another run holds the lease.
func (r *replacement) rollBack(ctx context.Context) Findings {
	if r.phase >= PhaseMoving && r.oldInUse {
		return nil
	}
	ctx = context.WithoutCancel(ctx)
	if r.phase.canBeUndone() && r.checkLease() != nil {
		other, err := r.takeLease(ctx)
		if err == nil && other == nil {
			err = r.lookUp(ctx, r.old.ID)
		}
		if other != nil || err == nil && r.phase >= PhaseMoving && r.oldInUse || heroku.IsNotFound(err) {
			return nil
		}
	}
	if err := r.Release(ctx, r.old.ID, r.apps); err != nil {
		return Findings{Failure{StepRelease, storeOf(r.old), err}}
	}
	if r.newStore != nil || r.phase >= PhaseMoving || r.phase == PhaseNotStarted {
		return nil
	}
	if err := r.removeMarker(ctx); err != nil {
		return Findings{Failure{StepDetach, storeOf(r.old), err}}
	}
	return nil
}

// Abandon undoes a replacement that an earlier run has begun, and that is no longer planned.
func (m *Manager) Abandon(ctx context.Context, plan Plan) Findings {
	r, err := m.find(ctx, plan)
	defer func() { _ = r.releaseLease(ctx) }()
	switch {
	case err != nil:
		return Findings{UndoFailed{Old: plan.Old, Err: err}}
	case r.phase >= PhaseMoving:
		return Findings{r.alreadyMoving()}
	case r.newStore != nil:
		left := storeOf(*r.newStore)
		if err := r.discard(ctx); err != nil {
			return Findings{UndoFailed{Old: plan.Old, New: &left, Err: err}}
		}
	}
	return r.rollBack(ctx)
}

// DestroyUnfinished destroys the new store of an unfinished replacement, and releases the apps. It is for a destroy: the caller
// destroys the old store afterwards.
func (m *Manager) DestroyUnfinished(ctx context.Context, plan Plan) Findings {
	r, err := m.find(ctx, plan)
	if heroku.IsNotFound(err) {
		return nil
	}
	defer func() { _ = r.releaseLease(ctx) }()
	if err == nil && r.newStore != nil {
		if findings := r.destroyNewStore(ctx); findings.Failed() {
			return findings
		}
	}
	if err == nil {
		err = r.Release(ctx, r.old.ID, r.apps)
	}
	if err != nil {
		return Findings{Failure{StepDestroy, plan.Old, err}}
	}
	return nil
}

func (r *replacement) alreadyMoving() UnderWay {
	return UnderWay{
		Old: storeOf(r.old), New: storeOf(*r.newStore), Plan: keyvalue.ShortPlanName(r.newStore.Plan), AppName: r.newStore.AppName,
	}
}

func (r *replacement) halted(err error) Halted { return Halted{storeOf(r.old), err} }

func (r *replacement) unfinished(err error) Unfinished {
	return Unfinished{storeOf(r.old), storeOf(*r.newStore), err}
}

// Store identifies a store in messages.
type Store struct {
	ID   heroku.AddOnID
	Name string
}

func storeOf(addOn heroku.AddOn) Store { return Store{addOn.ID, addOn.Name} }

// String returns the store for a message.
func (s Store) String() string { return fmt.Sprintf("Key-Value Store %s (%s)", s.Name, s.ID) }
